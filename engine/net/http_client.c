// net/http_client.c – see http_client.h.
#include "net/http_client.h"

#include "loop/loop.h"
#include "net/client.h"
#include "net/http_answer.h"
#include "net/http_request.h"
#include "net/tls.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
  if (!url.tls && !q->plain_allowed) return err_set(err, ERR_INVALID, "the URL must begin with https://");
  assert(q->tls || !url.tls);
  struct http_client *c = calloc(1, sizeof *c);
  if (!c) return err_set(err, ERR_NOMEM, "request");
  c->done = done;
  c->arg = arg;
  buf_init_secret(&c->request, HTTP_REQUEST_MAX);
  http_answer_init(&c->answer, strcmp(q->method, "HEAD") == 0, q->answer_max ? q->answer_max : ANSWER_MAX);
  c->answer.cut = q->answer_cut;
  const int64_t timeout_ms = q->timeout_ms ? q->timeout_ms : TIMEOUT_MS;
  const struct client_options options = {.host = url.host, .port = url.port, .tls = url.tls ? q->tls : NULL, .public_only = q->public_only,
    .timeout_ms = timeout_ms};
  st = http_request_write(q, &url, false, &c->request, err);
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
