// net/http_client.c – see http_client.h.
#include "net/http_client.h"

#include "loop/loop.h"
#include "net/address.h"
#include "net/client.h"
#include "net/http_answer.h"
#include "net/tls.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REQUEST_MAX (4 << 20)
#define ANSWER_MAX 65536
#define TIMEOUT_MS 5000

struct http_client {
  struct client *client;
  struct loop_timer *timer;
  struct tls_client *tls;
  struct buf request;
  struct http_answer_reader answer;
  http_client_done done;
  void *arg;
};

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

static bool field_ok(const struct http_client_field *f) {
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

static enum status request_write(const struct http_client_request *q, const struct http_url *url, struct buf *out, struct err *err) {
  if (!token_ok(q->method)) return err_set(err, ERR_INVALID, "a method that is none");
  buf_printf(out, "%s %s%s HTTP/1.1\r\nHost: %s%s%s", q->method, *url->target == '/' ? "" : "/", url->target, url->v6 ? "[" : "", url->host, url->v6 ? "]" : "");
  if (url->port != (url->tls ? 443 : 80)) buf_printf(out, ":%u", url->port);
  buf_str(out, "\r\nUser-Agent: perigee\r\nAccept-Encoding: identity\r\nConnection: close\r\n");
  for (size_t i = 0; i < q->field_count; i++) {
    if (!field_ok(&q->fields[i])) return err_set(err, ERR_INVALID, "field \"%.40s\" cannot be sent", q->fields[i].name);
    buf_printf(out, "%s: %s\r\n", q->fields[i].name, q->fields[i].value);
  }
  bool has_body = q->body_len > 0 || strcmp(q->method, "POST") == 0 || strcmp(q->method, "PUT") == 0 || strcmp(q->method, "PATCH") == 0;
  if (has_body) buf_printf(out, "Content-Length: %zu\r\n", q->body_len);
  buf_str(out, "\r\n");
  buf_add(out, q->body ? q->body : "", q->body_len);
  return out->failed ? err_set(err, ERR_LIMIT, "a request of more than %d bytes", REQUEST_MAX) : OK;
}

// ---- the way ----

static void destroy(struct http_client *c) {
  client_destroy(c->client);
  loop_timer_destroy(c->timer);
  tls_client_release(c->tls);
  http_answer_finish(&c->answer);
  buf_finish(&c->request);
  free(c);
}

static void finish(struct http_client *c, const char *why) {
  struct http_client_field fields[HTTP_CLIENT_FIELDS_MAX];
  struct http_client_answer answer;
  // Nothing more comes from the connection while done runs.
  client_destroy(c->client);
  c->client = NULL;
  if (!why) http_answer_get(&c->answer, fields, &answer);
  c->done(c->arg, why ? NULL : &answer, why);
  destroy(c);
}

static void judge(struct http_client *c, enum http_answer_state state) {
  if (state == HTTP_ANSWER_WHOLE) finish(c, NULL);
  else if (state == HTTP_ANSWER_BAD) finish(c, c->answer.wrong);
}

static void on_open(void *arg) {
  struct http_client *c = arg;
  const bool sent = client_write(c->client, c->request.data, c->request.len);
  buf_finish(&c->request);  // it may hold keys, and the answer may take its time
  if (!sent) finish(c, "the connection broke before the request was sent");
}

static void on_data(void *arg, const char *bytes, size_t len) {
  struct http_client *c = arg;
  judge(c, http_answer_feed(&c->answer, bytes, len));
}

static void on_close(void *arg, const char *why) {
  struct http_client *c = arg;
  char text[256];
  if (!why) {
    judge(c, http_answer_end(&c->answer));
    return;
  }
  snprintf(text, sizeof text, "%s", why);  // lives in the connection, which ends
  finish(c, text);
}

static void on_timeout(void *arg) {
  finish(arg, "timed out");
}

static const struct client_events events = {.on_open = on_open, .on_data = on_data, .on_close = on_close};

enum status http_client_send(struct loop *loop, const struct http_client_request *q, http_client_done done, void *arg,
  struct http_client **ret, struct err *err) {
  assert(!(q->public_only && q->plain_allowed));
  struct http_url url;
  enum status st = http_url_parse(q->url, &url, err);
  if (st != OK) return st;
  if (!url.tls && !q->plain_allowed) return bad_url(err, "must begin with https://");
  assert(q->tls || !url.tls);
  struct http_client *c = calloc(1, sizeof *c);
  if (!c) return err_set(err, ERR_NOMEM, "request");
  c->done = done;
  c->arg = arg;
  buf_init_secret(&c->request, REQUEST_MAX);
  http_answer_init(&c->answer, strcmp(q->method, "HEAD") == 0, q->answer_max ? q->answer_max : ANSWER_MAX);
  const int64_t timeout_ms = q->timeout_ms ? q->timeout_ms : TIMEOUT_MS;
  const struct client_options options = {.host = url.host, .port = url.port, .tls = url.tls ? q->tls : NULL, .public_only = q->public_only,
    .timeout_ms = timeout_ms};
  st = request_write(q, &url, &c->request, err);
  if (st == OK && url.tls) c->tls = tls_client_retain(q->tls);
  if (st == OK) st = loop_timer_create(loop, on_timeout, c, &c->timer, err);
  if (st == OK) st = client_open(loop, &options, &events, c, &c->client, err);
  if (st != OK) {
    destroy(c);
    return st;
  }
  loop_timer_start(c->timer, timeout_ms, 0);
  if (ret) *ret = c;
  return OK;
}

void http_client_cancel(struct http_client *c) {
  if (c) destroy(c);
}

const char *http_client_field(const struct http_client_answer *answer, const char *name) {
  for (size_t i = 0; i < answer->field_count; i++) {
    if (strcmp(answer->fields[i].name, name) == 0) return answer->fields[i].value;
  }
  return NULL;
}
