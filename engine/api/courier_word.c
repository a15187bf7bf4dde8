// api/courier_word.c – requests as each kind of channel wants them, and what their answers mean.
#include "api/courier_impl.h"

#include "crypto/secret.h"
#include "loop/clock.h"
#include "net/tls.h"
#include "notice/sign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)
#define ANSWER_MAX 16384
#define TIMEOUT_MS 10000

// Whose URL it is: a customer's leads to public addresses only, or to what the operator lets it lead to.
static enum status send_to(struct courier *c, const char *url, bool theirs, const struct http_client_field *fields, size_t count, const char *body, size_t len, http_client_done done, void *arg, struct http_client **ret, struct err *err) {
  const bool inside = !theirs || notice_target_inside(url, &c->s.reach);
  enum status st = c->tls ? OK : tls_client_create(c->s.ca_file[0] ? c->s.ca_file : NULL, &c->tls, err);
  const struct http_client_request request = {.method = "POST", .url = url, .fields = fields, .field_count = count, .body = body, .body_len = len, .tls = c->tls, .plain_allowed = inside, .public_only = !inside,
    .answer_max = ANSWER_MAX, .answer_cut = true, .timeout_ms = TIMEOUT_MS};
  return st == OK ? http_client_send(c->core->loop, &request, done, arg, ret, err) : st;
}

static enum status post_telegram(struct courier *c, const char *body, size_t len, http_client_done done, void *arg, struct http_client **ret, struct err *err) {
  char url[2 * COURIER_TEXT_MAX + 40];
  const struct http_client_field json = {"Content-Type", "application/json"};
  snprintf(url, sizeof url, "%s/bot%s/sendMessage", c->s.telegram_url, c->s.telegram_token);
  const enum status st = send_to(c, url, false, &json, 1, body, len, done, arg, ret, err);
  secret_wipe(url, sizeof url);
  return st;
}

enum status courier_telegram(struct courier *c, const char *method, const char *body, size_t len, int64_t timeout_ms, http_client_done done, void *arg, struct http_client **ret, struct err *err) {
  char url[2 * COURIER_TEXT_MAX + 80];
  const struct http_client_field json = {"Content-Type", "application/json"};
  if (!c->s.telegram_token[0]) return err_set(err, ERR_NOTFOUND, "this service has no bot on Telegram");
  enum status st = c->tls ? OK : tls_client_create(c->s.ca_file[0] ? c->s.ca_file : NULL, &c->tls, err);
  snprintf(url, sizeof url, "%s/bot%s/%s", c->s.telegram_url, c->s.telegram_token, method);
  const struct http_client_request request = {.method = "POST", .url = url, .fields = &json, .field_count = 1, .body = body, .body_len = len, .tls = c->tls, .plain_allowed = true,
    .answer_max = 1 << 20, .timeout_ms = timeout_ms};
  if (st == OK) st = http_client_send(c->core->loop, &request, done, arg, ret, err);
  secret_wipe(url, sizeof url);
  return st;
}

static enum status post_sms(struct courier *c, const char *to, const char *text, http_client_done done, void *arg, struct http_client **ret, struct err *err) {
  const struct http_client_field fields[] = {{"Content-Type", c->s.sms_body[0] == '{' ? "application/json" : "application/x-www-form-urlencoded"}, {"Authorization", c->s.sms_auth}};
  struct buf body;
  buf_init(&body, NOTICE_BODY_MAX);
  notice_sms_body(c->s.sms_body, to, text, &body);
  const enum status st = body.failed ? err_set(err, ERR_NOMEM, "out of memory") : send_to(c, c->s.sms_url, false, fields, c->s.sms_auth[0] ? 2 : 1, body.data, body.len, done, arg, ret, err);
  buf_finish(&body);
  return st;
}

static enum status post_webhook(struct courier *c, const struct courier_letter *l, http_client_done done, void *arg, struct http_client **ret, struct err *err) {
  char stamp[24], signatures[2 * NOTICE_SIGNATURE_SIZE + 1], one[NOTICE_SIGNATURE_SIZE];
  const int64_t now_s = clock_wall_ns() / NS_PER_S;
  snprintf(stamp, sizeof stamp, "%" PRId64, now_s);
  notice_sign(l->key, l->id, now_s, l->body, l->len, one);
  snprintf(signatures, sizeof signatures, "%s", one);
  if (l->before) {
    notice_sign(l->before, l->id, now_s, l->body, l->len, one);
    snprintf(signatures + strlen(signatures), sizeof signatures - strlen(signatures), " %s", one);
  }
  const struct http_client_field fields[] = {{"Content-Type", "application/json"}, {"webhook-id", l->id}, {"webhook-timestamp", stamp}, {"webhook-signature", signatures}};
  return send_to(c, l->address, true, fields, 4, l->body, l->len, done, arg, ret, err);
}

enum status courier_post(struct courier *c, const struct courier_letter *l, http_client_done done, void *arg, struct http_client **ret, struct err *err) {
  const struct http_client_field json = {"Content-Type", "application/json"};
  switch (l->kind) {
    case NOTICE_TELEGRAM: return post_telegram(c, l->body, l->len, done, arg, ret, err);
    case NOTICE_SMS: return post_sms(c, l->address, l->body, done, arg, ret, err);
    case NOTICE_WEBHOOK: return post_webhook(c, l, done, arg, ret, err);
    case NOTICE_DISCORD:
    case NOTICE_SLACK: return send_to(c, l->address, true, &json, 1, l->body, l->len, done, arg, ret, err);
    case NOTICE_MAIL:
    case NOTICE_KIND_COUNT: break;
  }
  return err_set(err, ERR_INVALID, "not sent by HTTP");
}

// ---- answers

// Seconds that the body asks to wait: Telegram's parameters.retry_after, Discord's retry_after. −1: none.
static int64_t body_retry(enum notice_kind kind, const json_t *body) {
  const json_t *v = kind == NOTICE_TELEGRAM ? json_object_get(json_object_get(body, "parameters"), "retry_after") : kind == NOTICE_DISCORD ? json_object_get(body, "retry_after") : NULL;
  if (!json_is_number(v)) return -1;
  const double s = json_number_value(v);
  return s < 0 ? -1 : s > 86400 ? 86400 : (int64_t)s + (s > (double)(int64_t)s);
}

enum notice_outcome courier_judge(enum notice_kind kind, const struct http_client_answer *answer, const char *why, int64_t *ret_retry_s, char ret_detail[NOTICE_REASON_SIZE]) {
  *ret_retry_s = -1;
  if (!answer) {
    snprintf(ret_detail, NOTICE_REASON_SIZE, "%.200s", why);
    return NOTICE_LATER;
  }
  json_t *body = kind == NOTICE_TELEGRAM || kind == NOTICE_DISCORD ? json_loadb(answer->body, answer->body_len, 0, NULL) : NULL;
  // Telegram says by its body too that it took it.
  const bool ok = kind != NOTICE_TELEGRAM || json_is_true(json_object_get(body, "ok"));
  const enum notice_outcome o = notice_judge(kind, answer->status, ok);
  if (o == NOTICE_LATER || o == NOTICE_OURS) {
    const int64_t by_field = notice_retry_after_s(http_client_field(answer, "retry-after"), clock_wall_ns() / NS_PER_S), by_body = body_retry(kind, body);
    *ret_retry_s = by_field > by_body ? by_field : by_body;
  }
  json_decref(body);
  snprintf(ret_detail, NOTICE_REASON_SIZE, "%s", o == NOTICE_LATER && answer->status < 300 ? "an answer that is none of the provider's" : notice_status_words(kind, answer->status));
  return o;
}

// ---- at once

struct saying {
  struct saying *next;
  struct courier *courier;
  struct http_client *http;
  enum notice_kind kind;
  courier_said done;
  void *arg;
};

static void said(void *arg, const struct http_client_answer *answer, const char *why) {
  struct saying *s = arg;
  struct courier *c = s->courier;
  int64_t retry_s;
  char detail[NOTICE_REASON_SIZE];
  const enum notice_outcome o = courier_judge(s->kind, answer, why, &retry_s, detail);
  for (struct saying **at = &c->sayings; *at; at = &(*at)->next)
    if (*at == s) {
      *at = s->next;
      break;
    }
  c->sayings_count--;
  if (o != NOTICE_SENT) api_log(c->core, "warning", "notice_not_said", json_pack("{s:s, s:s, s:i}", "kind", notice_kind_text(s->kind), "error", detail, "status", answer ? answer->status : 0));
  if (s->done) s->done(s->arg, o, detail);
  free(s);
}

void courier_say(struct courier *c, enum notice_kind kind, const char *address, const char *text, courier_said done, void *arg) {
  const char *why;
  struct err err = {.msg = "too many at once"};
  struct saying *s = courier_available(c, kind, &why) && c->sayings_count < COURIER_SAYING_MAX ? calloc(1, sizeof *s) : NULL;
  if (!s) {
    if (c) api_log(c->core, "warning", "notice_not_said", json_pack("{s:s, s:s}", "kind", notice_kind_text(kind), "error", *why ? why : err.msg));
    if (done) done(arg, NOTICE_LATER, *why ? why : err.msg);
    return;
  }
  struct buf body;
  buf_init_secret(&body, NOTICE_BODY_MAX);
  if (kind == NOTICE_TELEGRAM) notice_telegram(address, "", text, &body);
  else buf_str(&body, text);
  *s = (struct saying){.next = c->sayings, .courier = c, .kind = kind, .done = done, .arg = arg};
  const struct courier_letter letter = {.kind = kind, .address = address, .body = body.data ? body.data : "", .len = body.len};
  const enum status st = body.failed ? err_set(&err, ERR_NOMEM, "out of memory") : courier_post(c, &letter, said, s, &s->http, &err);
  buf_finish(&body);
  if (st == OK) {
    c->sayings = s;
    c->sayings_count++;
    return;
  }
  api_log(c->core, "warning", "notice_not_said", json_pack("{s:s, s:s}", "kind", notice_kind_text(kind), "error", err.msg));
  if (done) done(arg, NOTICE_LATER, "it could not be sent");
  free(s);
}

void courier_sayings_drop(struct courier *c) {
  while (c->sayings) {
    struct saying *s = c->sayings;
    c->sayings = s->next;
    http_client_cancel(s->http);
    if (s->done) s->done(s->arg, NOTICE_LATER, "the service is stopping");
    free(s);
  }
}
