// net/http_request.c – see http_request.h.
#include "net/http_request.h"

#include "net/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// ---- URLs ----

static bool host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

static enum status bad_url(struct err *err, const char *why) {
  return err_set(err, ERR_INVALID, "the URL %s", why);
}

// Reads a host; returns what is behind it, NULL when there is none.
static const char *host_parse(const char *at, struct http_url *ret) {
  struct address address;
  ret->v6 = *at == '[';
  const char *begin = at + ret->v6;
  size_t len = 0;
  if (ret->v6) len = strcspn(begin, "]");
  else while (host_char(begin[len])) len++;
  if (len == 0 || len >= sizeof ret->host || (ret->v6 && begin[len] != ']')) return NULL;
  memcpy(ret->host, begin, len);
  ret->host[len] = '\0';
  if (ret->v6 && (!address_parse(ret->host, &address) || !strchr(ret->host, ':'))) return NULL;
  return begin + len + ret->v6;
}

enum status http_url_parse(const char *url, struct http_url *ret, struct err *err) {
  *ret = (struct http_url){0};
  if (strlen(url) > HTTP_CLIENT_URL_MAX) return bad_url(err, "is too long");
  for (const char *c = url; *c; c++) {
    if (*c <= 0x20 || *c >= 0x7f || strchr("\"<>\\^`{|}", *c)) return bad_url(err, "has a character that must be escaped");
    if (*c == '#') return bad_url(err, "has a fragment");
  }
  size_t scheme = strncasecmp(url, "https://", 8) == 0 ? 8 : strncasecmp(url, "http://", 7) == 0 ? 7 : 0;
  if (scheme == 0) return bad_url(err, "begins neither with https:// nor with http://");
  ret->tls = scheme == 8;
  ret->port = ret->tls ? 443 : 80;
  const char *authority = url + scheme, *at = host_parse(authority, ret);
  if (memchr(authority, '@', strcspn(authority, "/?"))) return bad_url(err, "names a user");
  if (!at) return bad_url(err, "has no host");
  if (*at == ':') {
    char *end;
    long port = at[1] >= '0' && at[1] <= '9' ? strtol(at + 1, &end, 10) : 0;
    if (port < 1 || port > 65535) return bad_url(err, "has a port that is none");
    ret->port = (uint16_t)port;
    at = end;
  }
  if (*at && *at != '/' && *at != '?') return bad_url(err, "does not go on with a path after its host");
  ret->target = at;
  return OK;
}

// ---- the request ----

static bool token_ok(const char *text) {
  if (!*text) return false;
  for (const char *c = text; *c; c++) {
    bool alnum = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
    if (!alnum && !strchr("!#$%&'*+-.^_`|~", *c)) return false;
  }
  return true;
}

bool http_request_field_ok(const struct http_client_field *f) {
  static const char *const ours[] = {"host", "content-length", "connection", "transfer-encoding", "user-agent", "expect", "upgrade", "te", "trailer"};
  if (!token_ok(f->name)) return false;
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
    if (strcasecmp(f->name, ours[i]) == 0) return false;
  }
  for (const char *c = f->value; *c; c++) {
    if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f) return false;
  }
  return true;
}

enum status http_request_write(const struct http_client_request *q, const struct http_url *url, bool keep, struct buf *out, struct err *err) {
  if (!token_ok(q->method)) return err_set(err, ERR_INVALID, "a method that is none");
  buf_printf(out, "%s %s%s HTTP/1.1\r\nHost: %s%s%s", q->method, *url->target == '/' ? "" : "/", url->target, url->v6 ? "[" : "", url->host, url->v6 ? "]" : "");
  if (url->port != (url->tls ? 443 : 80)) buf_printf(out, ":%u", url->port);
  buf_printf(out, "\r\nUser-Agent: perigee\r\nAccept-Encoding: identity\r\nConnection: %s\r\n", keep ? "keep-alive" : "close");
  for (size_t i = 0; i < q->field_count; i++) {
    if (!http_request_field_ok(&q->fields[i])) return err_set(err, ERR_INVALID, "field \"%.40s\" cannot be sent", q->fields[i].name);
    buf_printf(out, "%s: %s\r\n", q->fields[i].name, q->fields[i].value);
  }
  bool has_body = q->body_len > 0 || strcmp(q->method, "POST") == 0 || strcmp(q->method, "PUT") == 0 || strcmp(q->method, "PATCH") == 0;
  if (has_body) buf_printf(out, "Content-Length: %zu\r\n", q->body_len);
  buf_str(out, "\r\n");
  buf_add(out, q->body ? q->body : "", q->body_len);
  return out->failed ? err_set(err, ERR_LIMIT, "a request of more than %d bytes", HTTP_REQUEST_MAX) : OK;
}
