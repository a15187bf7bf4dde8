// net/http_pool.c – see http_pool.h. An origin has connections and calls that wait; a connection has at most one call.
#include "net/http_pool.h"

#include "loop/clock.h"
#include "loop/loop.h"
#include "net/client.h"
#include "net/http_answer.h"
#include "net/http_request.h"
#include "net/tls.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ANSWER_MAX 65536
#define TIMEOUT_MS 5000
#define PER_ORIGIN_MAX 16
#define IDLE_MS 20000
#define WHY_MAX 256
#define TRIES_MAX 3
#define HOLD_MS 1000

struct conn {
  struct conn *next;
  struct origin *origin;
  struct client *client;
  struct http_pool_call *call;  // NULL: opening or idle
  struct http_answer_reader answer;
  struct loop_timer *idle;
  int64_t idle_until_ms;        // it is closed then, unless it is used
  bool open, used;              // used: has answered before
};

struct origin {
  struct origin *next;
  struct http_pool *pool;
  struct http_url url;          // target is nothing
  struct tls_client *tls;
  struct conn *conns;
  struct http_pool_call *first, *last;  // those that wait
  unsigned conn_count;
  int64_t hold_ms;              // no further connection before this: the last one could not be opened
};

struct http_pool_call {
  struct http_pool_call *next;
  struct origin *origin;
  struct conn *conn;            // NULL: waits
  struct loop_timer *timer;
  struct buf request;
  http_pool_done done;
  void *arg;
  size_t answer_max;
  int64_t deadline_ms, written_ns;
  unsigned tries;               // fresh connections that broke before the first byte
  bool head_only, written, doomed;
};

struct http_pool {
  struct loop *loop;
  struct origin *origins;
  unsigned per_origin_max;
  int64_t idle_ms;
  struct http_pool_stats stats;
};

static void serve(struct origin *o);

// ---- calls ----

static void unlink_waiting(struct http_pool_call *c) {
  struct origin *o = c->origin;
  struct http_pool_call *before = NULL;
  for (struct http_pool_call *w = o->first; w; before = w, w = w->next) {
    if (w != c) continue;
    if (before) before->next = c->next;
    else o->first = c->next;
    if (o->last == c) o->last = before;
    o->pool->stats.waiting--;
    return;
  }
}

static void call_free(struct http_pool_call *c) {
  loop_timer_destroy(c->timer);
  buf_finish(&c->request);
  free(c);
}

static void call_end(struct http_pool_call *c, const struct http_client_answer *answer, const char *why) {
  c->done(c->arg, answer, c->written, why);
  call_free(c);
}

// ---- connections ----

static void conn_destroy(struct conn *k) {
  struct origin *o = k->origin;
  for (struct conn **at = &o->conns; *at; at = &(*at)->next) {
    if (*at != k) continue;
    *at = k->next;
    break;
  }
  o->conn_count--;
  o->pool->stats.connections--;
  client_destroy(k->client);
  loop_timer_destroy(k->idle);
  http_answer_finish(&k->answer);
  free(k);
}

static void rest(struct conn *k) {
  const struct http_pool *pool = k->origin->pool;
  k->idle_until_ms = loop_now_ms(pool->loop) + pool->idle_ms;
  loop_timer_start(k->idle, pool->idle_ms, 0);
}

// The call of a connection that is gone.
static void lose(struct conn *k, const char *why) {
  struct http_pool_call *call = k->call;
  struct origin *o = k->origin;
  char text[WHY_MAX];
  snprintf(text, sizeof text, "%s", why);  // may live in the connection
  k->call = NULL;
  conn_destroy(k);
  if (call) {
    call->conn = NULL;
    call_end(call, NULL, text);
  }
  serve(o);
}

static void answered(struct conn *k) {
  struct http_client_field fields[HTTP_CLIENT_FIELDS_MAX];
  struct http_client_answer answer;
  struct http_pool_call *call = k->call;
  struct origin *o = k->origin;
  struct http_answer_reader whole = k->answer;  // outlives what done may do to the connection
  memset(&k->answer, 0, sizeof k->answer);
  k->call = NULL;
  call->conn = NULL;
  // An answer before the whole request had left is no sign of a connection in order.
  const bool keep = whole.keep && whole.rest == 0 && client_queued(k->client) == 0;
  if (keep) {
    k->used = true;
    rest(k);
  } else {
    conn_destroy(k);
  }
  http_answer_get(&whole, fields, &answer);
  call_end(call, &answer, NULL);
  http_answer_finish(&whole);
  serve(o);
}

static void on_data(void *arg, const char *bytes, size_t len) {
  struct conn *k = arg;
  if (!k->call) {
    lose(k, "bytes that nobody asked for");
    return;
  }
  const enum http_answer_state state = http_answer_feed(&k->answer, bytes, len);
  if (state == HTTP_ANSWER_WHOLE) answered(k);
  else if (state == HTTP_ANSWER_BAD) lose(k, k->answer.wrong);
}

// All that wait for a connection hear why there is none; what they ask meanwhile is tried anew.
static void lose_waiting(struct origin *o, const char *why) {
  for (struct http_pool_call *c = o->first; c; c = c->next) c->doomed = true;
  for (;;) {
    struct http_pool_call *c = o->first;
    while (c && !c->doomed) c = c->next;
    if (!c) return;
    unlink_waiting(c);
    call_end(c, NULL, why);  // may end others, too
  }
}

static void on_close(void *arg, const char *why) {
  struct conn *k = arg;
  if (!k->open) {
    struct origin *o = k->origin;
    char text[WHY_MAX];
    snprintf(text, sizeof text, "%s", why ? why : "closed before the connection was open");
    conn_destroy(k);
    if (o->conn_count == 0) lose_waiting(o, text);
    else o->hold_ms = loop_now_ms(o->pool->loop) + HOLD_MS;  // the other connections may serve
    serve(o);
    return;
  }
  if (!why && k->call && http_answer_end(&k->answer) == HTTP_ANSWER_WHOLE) {
    k->answer.keep = false;
    answered(k);
    return;
  }
  lose(k, why ? why : k->call ? k->answer.wrong : "closed");
}

static void on_open(void *arg) {
  struct conn *k = arg;
  k->open = true;
  rest(k);
  serve(k->origin);
}

static void on_idle(void *arg) {
  struct conn *k = arg;
  assert(!k->call);
  lose(k, "idle");
}

static void conn_open(struct origin *o, int64_t timeout_ms) {
  static const struct client_events events = {.on_open = on_open, .on_data = on_data, .on_close = on_close};
  const struct client_options options = {.host = o->url.host, .port = o->url.port, .tls = o->tls, .timeout_ms = timeout_ms};
  struct http_pool *pool = o->pool;
  struct err err;
  struct conn *k = calloc(1, sizeof *k);
  if (!k) return;  // who waits times out
  k->origin = o;
  if (loop_timer_create(pool->loop, on_idle, k, &k->idle, &err) != OK || client_open(pool->loop, &options, &events, k, &k->client, &err) != OK) {
    loop_timer_destroy(k->idle);
    free(k);
    return;
  }
  k->next = o->conns;
  o->conns = k;
  o->conn_count++;
  pool->stats.connections++;
  pool->stats.opened++;
}

// Hands the call's bytes to the connection. False: not one of them left, and the connection is of no use.
static bool write_call(struct conn *k, struct http_pool_call *c) {
  if (!client_quiet(k->client)) return false;
  const uint64_t before = client_handed(k->client);
  c->written_ns = clock_monotonic_ns();  // not after: on one machine the write returns when who reads it has had its turn
  const bool sent = client_write(k->client, c->request.data, c->request.len);
  if (!sent && client_handed(k->client) == before && client_queued(k->client) == 0) return c->written_ns = 0, false;
  // Broken in the middle of it counts as written: on_close follows.
  c->written = true;
  buf_finish(&c->request);  // it may hold keys, and the answer may take its time
  http_answer_finish(&k->answer);
  http_answer_init(&k->answer, c->head_only, c->answer_max);
  c->conn = k;
  k->call = c;
  loop_timer_stop(k->idle);
  if (k->used) k->origin->pool->stats.reused++;
  return true;
}

static struct conn *idle_conn(struct origin *o) {
  for (struct conn *k = o->conns; k; k = k->next) {
    if (k->open && !k->call) return k;
  }
  return NULL;
}

static unsigned opening(const struct origin *o) {
  unsigned n = 0;
  for (const struct conn *k = o->conns; k; k = k->next) n += !k->open;
  return n;
}

// Gives those that wait the connections there are, and opens as many as are missing.
static void serve(struct origin *o) {
  struct conn *k;
  while (o->first && (k = idle_conn(o))) {
    struct http_pool_call *c = o->first;
    if (!write_call(k, c)) {
      o->pool->stats.replaced++;
      c->tries += !k->used;
      conn_destroy(k);
      continue;
    }
    o->first = c->next;
    if (!o->first) o->last = NULL;
    c->next = NULL;
    o->pool->stats.waiting--;
  }
  // A server that speaks or closes before it is asked: no end of connections, but the end of the call's time.
  if (o->first && o->first->tries >= TRIES_MAX) return;
  if (o->conn_count > 0 && loop_now_ms(o->pool->loop) < o->hold_ms) return;
  unsigned wanted = 0;
  for (struct http_pool_call *c = o->first; c; c = c->next) wanted++;
  for (unsigned n = opening(o); n < wanted && o->conn_count < o->pool->per_origin_max; n++) {
    const unsigned had = o->conn_count;
    const int64_t left_ms = o->first->deadline_ms - loop_now_ms(o->pool->loop);
    conn_open(o, left_ms > 1 ? left_ms : 1);
    if (o->conn_count == had) break;
  }
}

// ---- the interface ----

static void on_timeout(void *arg) {
  struct http_pool_call *c = arg;
  if (c->conn) {
    lose(c->conn, "timed out");
    return;
  }
  unlink_waiting(c);
  call_end(c, NULL, "timed out before it was sent");
}

static struct origin *origin_of(struct http_pool *pool, const struct http_url *url, struct tls_client *tls) {
  for (struct origin *o = pool->origins; o; o = o->next) {
    if (o->tls == tls && o->url.port == url->port && strcasecmp(o->url.host, url->host) == 0) return o;
  }
  struct origin *o = calloc(1, sizeof *o);
  if (!o) return NULL;
  o->pool = pool;
  o->url = *url;
  o->url.target = NULL;
  o->tls = tls ? tls_client_retain(tls) : NULL;
  o->next = pool->origins;
  return pool->origins = o;
}

enum status http_pool_create(struct loop *loop, const struct http_pool_options *options, struct http_pool **ret, struct err *err) {
  struct http_pool *pool = calloc(1, sizeof *pool);
  if (!pool) return err_set(err, ERR_NOMEM, "connections");
  pool->loop = loop;
  pool->per_origin_max = options && options->per_origin_max ? options->per_origin_max : PER_ORIGIN_MAX;
  pool->idle_ms = options && options->idle_ms ? options->idle_ms : IDLE_MS;
  *ret = pool;
  return OK;
}

static enum status request_origin(struct http_pool *pool, const struct http_client_request *q, struct http_url *url, struct origin **ret, struct err *err) {
  assert(!q->public_only);
  enum status st = http_url_parse(q->url, url, err);
  if (st != OK) return st;
  if (!url->tls && !q->plain_allowed) return err_set(err, ERR_INVALID, "the URL must begin with https://");
  assert(q->tls || !url->tls);
  *ret = origin_of(pool, url, url->tls ? q->tls : NULL);
  return *ret ? OK : err_set(err, ERR_NOMEM, "connections");
}

enum status http_pool_send(struct http_pool *pool, const struct http_client_request *q, http_pool_done done, void *arg,
  struct http_pool_call **ret, struct err *err) {
  struct http_url url;
  struct origin *o;
  enum status st = request_origin(pool, q, &url, &o, err);
  if (st != OK) return st;
  struct http_pool_call *c = calloc(1, sizeof *c);
  if (!c) return err_set(err, ERR_NOMEM, "request");
  const int64_t timeout_ms = q->timeout_ms ? q->timeout_ms : TIMEOUT_MS;
  c->origin = o;
  c->done = done;
  c->arg = arg;
  c->answer_max = q->answer_max ? q->answer_max : ANSWER_MAX;
  c->deadline_ms = loop_now_ms(pool->loop) + timeout_ms;
  c->head_only = strcmp(q->method, "HEAD") == 0;
  buf_init_secret(&c->request, HTTP_REQUEST_MAX);
  st = http_request_write(q, &url, true, &c->request, err);
  if (st == OK) st = loop_timer_create(pool->loop, on_timeout, c, &c->timer, err);
  if (st != OK) {
    call_free(c);
    return st;
  }
  loop_timer_start(c->timer, timeout_ms, 0);
  if (o->last) o->last->next = c;
  else o->first = c;
  o->last = c;
  pool->stats.waiting++;
  if (ret) *ret = c;
  serve(o);
  return OK;
}

int64_t http_pool_written_ns(const struct http_pool_call *c) {
  return c->written_ns;
}

void http_pool_cancel(struct http_pool_call *c) {
  if (!c) return;
  struct origin *o = c->origin;
  if (c->conn) {
    c->conn->call = NULL;
    conn_destroy(c->conn);
  } else {
    unlink_waiting(c);
  }
  call_free(c);
  serve(o);
}

void http_pool_warm(struct http_pool *pool, const struct http_client_request *q, unsigned count) {
  struct http_url url;
  struct origin *o;
  if (request_origin(pool, q, &url, &o, NULL) != OK) return;
  const int64_t now_ms = loop_now_ms(pool->loop);
  unsigned there = 0;
  for (const struct conn *k = o->conns; k; k = k->next) there += !k->open || k->call || k->idle_until_ms - now_ms > pool->idle_ms / 5;
  while (there < count && o->conn_count < pool->per_origin_max && (o->conn_count == 0 || now_ms >= o->hold_ms)) {
    const unsigned had = o->conn_count;
    conn_open(o, q->timeout_ms ? q->timeout_ms : TIMEOUT_MS);
    if (o->conn_count == had) return;
    there++;
  }
}

struct http_pool_stats http_pool_stats(const struct http_pool *pool) {
  return pool->stats;
}

void http_pool_destroy(struct http_pool *pool) {
  if (!pool) return;
  while (pool->origins) {
    struct origin *o = pool->origins;
    while (o->conns) {
      if (o->conns->call) call_free(o->conns->call);
      conn_destroy(o->conns);
    }
    while (o->first) {
      struct http_pool_call *c = o->first;
      o->first = c->next;
      call_free(c);
    }
    tls_client_release(o->tls);
    pool->origins = o->next;
    free(o);
  }
  free(pool);
}
