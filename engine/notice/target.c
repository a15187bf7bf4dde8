// notice/target.c – see target.h.
#include "notice/target.h"

#include "net/http_client.h"
#include "net/mail_message.h"

#include <stdio.h>
#include <string.h>

static bool inside(const struct http_url *url, const struct notice_reach *reach) {
  struct address a;
  if (!address_parse(url->host, &a)) return false;
  for (size_t i = 0; i < reach->count; i++)
    if (address_range_has(&reach->ranges[i], &a)) return true;
  return false;
}

bool notice_target_inside(const char *text, const struct notice_reach *reach) {
  struct http_url url;
  struct err err;
  return http_url_parse(text, &url, &err) == OK && inside(&url, reach);
}

static enum status phone(const char *text, char *shown, struct err *err) {
  const size_t len = strlen(text);
  bool ok = text[0] == '+' && text[1] >= '1' && text[1] <= '9' && len >= 8 && len <= 16;
  for (size_t i = 1; ok && i < len; i++) ok = text[i] >= '0' && text[i] <= '9';
  if (!ok) return err_set(err, ERR_INVALID, "write the number with its country, as +4915112345678");
  snprintf(shown, NOTICE_SHOWN_SIZE, "%.3s…%s", text, text + len - 3);
  return OK;
}

static enum status chat(const char *text, char *shown, struct err *err) {
  const size_t len = strlen(text);
  const bool name = text[0] == '@';
  const size_t begin = name || text[0] == '-' ? 1 : 0;
  bool ok = len > begin + (name ? 4 : 0) && len <= (name ? 33u : 20u);
  for (size_t i = begin; ok && i < len; i++) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    ok = digit || (name && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'));
  }
  if (!ok) return err_set(err, ERR_INVALID, "write the chat's number, as 123456789 or -1001234567890, or @name of a public channel");
  snprintf(shown, NOTICE_SHOWN_SIZE, "%s", text);
  return OK;
}

static bool ends_with_host(const char *host, const char *domain) {
  const size_t n = strlen(host), m = strlen(domain);
  return strcmp(host, domain) == 0 || (n > m + 1 && host[n - m - 1] == '.' && strcmp(host + n - m, domain) == 0);
}

// Up to the last part of the path, which is the secret one.
static void show_path(const struct http_url *url, const char *origin, size_t origin_len, char *shown) {
  const char *target = url->target;
  const char *last = target;
  for (const char *p = target; *p && *p != '?'; p++)
    if (*p == '/') last = p;
  snprintf(shown, NOTICE_SHOWN_SIZE, "%.*s%.*s/…", (int)origin_len, origin, (int)(last - target > 80 ? 80 : last - target), target);
}

static enum status address_of_url(enum notice_kind kind, const char *text, const struct notice_reach *reach, char *shown, struct err *err) {
  struct http_url url;
  struct address a;
  enum status st = http_url_parse(text, &url, err);
  if (st != OK) return err_set(err, ERR_INVALID, "is no URL that can be sent to; write https://HOST/PATH, without a user or a fragment");
  const bool own = inside(&url, reach);
  if (!url.tls && !own) return err_set(err, ERR_INVALID, "must begin with https://");
  if (!own && address_parse(url.host, &a) && !address_is_public(&a)) return err_set(err, ERR_INVALID, "does not lead to a public address");
  const bool discord = ends_with_host(url.host, "discord.com") || ends_with_host(url.host, "discordapp.com");
  if (kind == NOTICE_DISCORD && !((discord || own) && strncmp(url.target, "/api/webhooks/", 14) == 0))
    return err_set(err, ERR_INVALID, "is no webhook of Discord: https://discord.com/api/webhooks/ID/TOKEN");
  if (kind == NOTICE_SLACK && !((strcmp(url.host, "hooks.slack.com") == 0 || own) && strncmp(url.target, "/services/", 10) == 0))
    return err_set(err, ERR_INVALID, "is no webhook of Slack: https://hooks.slack.com/services/…");
  const char *host = strstr(text, "://") + 3;
  const size_t origin = (size_t)(host - text) + strcspn(host, "/?");
  if (url.target[0]) show_path(&url, text, origin, shown);
  else snprintf(shown, NOTICE_SHOWN_SIZE, "%.150s", text);
  return OK;
}

enum status notice_target_check(enum notice_kind kind, const char *text, const struct notice_reach *reach, char ret_shown[NOTICE_SHOWN_SIZE], struct err *err) {
  if (strlen(text) > NOTICE_ADDRESS_MAX) return err_set(err, ERR_INVALID, "is longer than %d bytes", NOTICE_ADDRESS_MAX);
  switch (kind) {
    case NOTICE_MAIL:
      if (!mail_address_ok(text) || strlen(text) > MAIL_ADDRESS_MAX) return err_set(err, ERR_INVALID, "is no mail address");
      snprintf(ret_shown, NOTICE_SHOWN_SIZE, "%.190s", text);
      return OK;
    case NOTICE_TELEGRAM: return chat(text, ret_shown, err);
    case NOTICE_SMS: return phone(text, ret_shown, err);
    case NOTICE_DISCORD:
    case NOTICE_SLACK:
    case NOTICE_WEBHOOK: return address_of_url(kind, text, reach, ret_shown, err);
    case NOTICE_KIND_COUNT: break;
  }
  return err_set(err, ERR_INVALID, "no such kind");
}
