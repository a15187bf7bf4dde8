// net/http_conn.c – a connection's bytes become requests, one at a time and in order; see http_server.h for what is refused.
#include "net/http_impl.h"

#include "base/wipe.h"
#include "crypto/secret.h"
#include "loop/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int64_t now_ms(const struct http_conn *conn) {
  return loop_now_ms(conn->server->loop);
}

static void enter(struct http_conn *conn, enum conn_state state) {
  conn->state = (uint8_t)state;
  conn->since_ms = now_ms(conn);
}

// ---- ends ----

static void free_conn(struct stream *stream) {
  struct http_conn *conn = (struct http_conn *)stream;
  struct http_server *server = conn->server;
  if (conn->prev) conn->prev->next = conn->next;
  else server->conns = conn->next;
  if (conn->next) conn->next->prev = conn->prev;
  wipe_free(conn->pending);
  free(conn);
  server->stats.open--;
  http_server_check_stopped(server);
}

static void orphan(struct http_conn *conn) {
  struct http_exchange *ex = conn->ex;
  conn->ex = NULL;
  if (!ex) return;
  ex->conn = NULL;
  if (!ex->dispatched) {
    http_exchange_free(ex);
    return;
  }
  if (ex->file_fd >= 0) {  // nobody outside waits for it
    http_exchange_free(ex);
    return;
  }
  const struct http_handler *h = &conn->server->handler;
  if (h->on_gone && !ex->gone_told) {
    ex->gone_told = true;
    h->on_gone(conn->server->arg, &ex->req);
  }
}

void http_conn_close(struct http_conn *conn) {
  if (conn->state == CONN_CLOSED) return;
  struct http_server *server = conn->server;
  if (server->out_conn == conn) {
    secret_wipe(server->out, server->out_len);
    server->out_conn = NULL;
    server->out_len = 0;
  }
  enter(conn, CONN_CLOSED);
  stream_close(&conn->stream, free_conn);
  if (conn->ws) {
    struct ws *ws = conn->ws;
    conn->ws = NULL;
    ws_on_end(ws, "connection closed");
  }
  orphan(conn);
}

// Lets the client read the answer: sends an end, then waits for the client's. A plain close would send a reset when unread
// bytes are left, and the reset may overtake the answer.
static void linger(struct http_conn *conn) {
  enter(conn, CONN_LINGER);
  http_out_flush(conn->server);
  wipe_free(conn->pending);
  conn->pending = NULL;
  conn->pending_len = 0;
  stream_shutdown(&conn->stream);
  if (conn->eof && stream_queued(&conn->stream) == 0) http_conn_close(conn);
  else stream_read_resume(&conn->stream);
}

// ---- bodies ----

static bool body_reserve(struct http_exchange *ex, size_t cap) {
  struct http_server *server = ex->server;
  if (cap <= ex->body_cap) return true;
  size_t held = ex->body_own ? ex->body_cap : 0;
  if (server->stats.body_bytes - held + cap > server->options.body_total_max) return false;
  char *body = malloc(cap + 1);
  if (!body) return false;
  memcpy(body, ex->body, ex->body_len);
  secret_wipe(ex->body, ex->body_len);  // not realloc, which may leave a copy behind
  if (ex->body_own) free(ex->body);
  server->stats.body_bytes += cap - held;
  ex->body = body;
  ex->body_cap = cap;
  ex->body_own = true;
  return true;
}

static bool body_add(struct http_conn *conn, const char *bytes, size_t len) {
  struct http_exchange *ex = conn->ex;
  size_t needed = ex->body_len + len;
  if (needed > ex->req.body_max) {
    http_refuse(conn, (struct http_refusal){413, "the body is too large"});
    return false;
  }
  if (needed > ex->body_cap) {
    size_t cap = ex->body_cap * 2 > needed ? ex->body_cap * 2 : needed;
    size_t most = ex->meaning.chunked ? ex->req.body_max : (size_t)ex->meaning.content_length;
    if (cap > most) cap = most;
    if (!body_reserve(ex, cap)) {
      http_refuse(conn, (struct http_refusal){503, "too many bodies at once"});
      return false;
    }
  }
  memcpy(ex->body + ex->body_len, bytes, len);
  ex->body_len += len;
  return true;
}

// ---- requests ----

static void dispatch(struct http_conn *conn, bool more_bytes) {
  struct http_exchange *ex = conn->ex;
  if (more_bytes && !ex->meaning.keep_alive) {
    http_refuse(conn, (struct http_refusal){400, "bytes behind a request that says it is the last"});
    return;
  }
  ex->req.body = "";
  if (ex->body_len > 0) {
    ex->body[ex->body_len] = '\0';
    ex->req.body = ex->body;
    ex->req.body_len = ex->body_len;
  }
  ex->dispatched = true;
  enter(conn, CONN_WAIT);
  conn->served = true;
  conn->server->stats.requests++;
  conn->server->handler.on_request(conn->server->arg, &ex->req);
}

static void head_done(struct http_conn *conn, bool more_bytes) {
  struct http_exchange *ex = conn->ex;
  struct http_server *server = conn->server;
  struct http_refusal refusal;
  if (!http_head_parse(ex->buf, ex->head.len, &ex->req, ex->field, &ex->meaning, &refusal)) {
    ex->req = (struct http_request){.method = ex->req.method, .path = "", .query = "", .host = "", .body = ""};  // half judged: nobody reads it
    http_refuse(conn, refusal);
    return;
  }
  ex->peer = conn->peer;
  ex->req.peer = &ex->peer;
  ex->req.received_ns = clock_monotonic_ns();
  ex->req.body_max = server->options.body_max;
  ex->req.body = "";
  ex->req.body_declared = ex->meaning.chunked ? -1 : ex->meaning.content_length;
  if (server->stopping) ex->close_after = true;
  if (server->handler.on_head) {
    server->handler.on_head(server->arg, &ex->req);
    if (conn->ex != ex || conn->state != CONN_HEAD) return;  // answered
  }
  if (ex->req.body_declared == 0) {
    dispatch(conn, more_bytes);
    return;
  }
  if (ex->meaning.content_length > 0 && (uint64_t)ex->meaning.content_length > ex->req.body_max) {
    http_refuse(conn, (struct http_refusal){413, "the body is too large"});
    return;
  }
  // Small bodies find room behind the head.
  ex->body = ex->buf + ex->head.len;
  ex->body_cap = sizeof ex->buf - ex->head.len - 1;
  enter(conn, ex->meaning.chunked ? CONN_CHUNKED : CONN_LENGTH);
  if (ex->meaning.expect_continue && !more_bytes) http_out_add(conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

// Returns how many bytes were used; fewer than len only when an answer is outstanding.
static size_t step(struct http_conn *conn, const char *bytes, size_t len) {
  struct http_exchange *ex = conn->ex;
  struct http_refusal refusal;
  size_t used = 0;
  switch ((enum conn_state)conn->state) {
  case CONN_IDLE:
    conn->ex = http_exchange_take(conn);
    if (!conn->ex) {
      http_conn_close(conn);
      return len;
    }
    if (conn->server->handler.on_begin) conn->let_in = conn->server->handler.on_begin(conn->server->arg, bytes, len);
    // A new connection's first head has been due since it was made.
    if (conn->served) enter(conn, CONN_HEAD);
    else conn->state = CONN_HEAD;
    return 0;
  case CONN_HEAD:
    switch (http_head_feed(&ex->head, ex->buf, bytes, len, &used, &refusal)) {
    case HTTP_FEED_MORE: break;
    case HTTP_FEED_DONE: head_done(conn, used < len); break;
    case HTTP_FEED_REFUSED: http_refuse(conn, refusal); break;
    }
    return used;
  case CONN_LENGTH: {
    size_t left = (size_t)ex->meaning.content_length - ex->body_len;
    used = len < left ? len : left;
    if (body_add(conn, bytes, used) && used == left) dispatch(conn, used < len);
    return used;
  }
  case CONN_CHUNKED: {
    const char *data;
    size_t data_len;
    enum http_feed fed = http_chunks_feed(&ex->chunks, bytes, len, &used, &data, &data_len);
    if (fed == HTTP_FEED_REFUSED) {
      http_refuse(conn, (struct http_refusal){400, "the chunks are malformed"});
      return len;
    }
    if (data_len > 0 && !body_add(conn, data, data_len)) return len;
    if (fed == HTTP_FEED_DONE) dispatch(conn, used < len);
    return used;
  }
  case CONN_WAIT: return 0;
  case CONN_WS:
    ws_on_data(conn->ws, bytes, len);
    return len;
  case CONN_LINGER:
  case CONN_CLOSED: return len;
  }
  return len;
}

static void keep_pending(struct http_conn *conn, const char *bytes, size_t len) {
  if (len == 0) return;
  char *pending = malloc(conn->pending_len + len);
  if (!pending) {
    http_conn_close(conn);
    return;
  }
  if (conn->pending) memcpy(pending, conn->pending, conn->pending_len);
  wipe_free(conn->pending);
  memcpy(pending + conn->pending_len, bytes, len);
  conn->pending = pending;
  conn->pending_len += len;
  if (conn->pending_len >= HTTP_PENDING_MAX) stream_read_pause(&conn->stream);
}

static void process(struct http_conn *conn, const char *bytes, size_t len) {
  conn->processing = true;
  while (len > 0 && conn->state != CONN_WAIT) {
    bool cut = conn->let_in >= 0 && (uint64_t)conn->let_in <= len;
    size_t used = step(conn, bytes, cut ? (size_t)conn->let_in : len);
    if (conn->let_in >= 0 && conn->state != CONN_CLOSED) conn->let_in -= (int64_t)used;
    bytes += used;
    len -= used;
    if (cut && conn->let_in <= 0) {
      conn->processing = false;
      http_conn_close(conn);
      return;
    }
  }
  conn->processing = false;
  if (conn->state == CONN_WAIT) keep_pending(conn, bytes, len);
  if (conn->server->out_conn == conn) http_out_flush(conn->server);
  if (conn->eof && conn->state == CONN_IDLE) linger(conn);
}

void http_conn_read(struct http_conn *conn, const char *bytes, size_t len) {
  assert(!conn->processing);
  if (conn->pending) keep_pending(conn, bytes, len);
  else process(conn, bytes, len);
}

void http_conn_answered(struct http_conn *conn, bool keep) {
  if (!keep || (conn->eof && !conn->processing && conn->pending_len == 0)) {
    linger(conn);
    return;
  }
  enter(conn, CONN_IDLE);
  if (conn->processing) return;  // the loop in process goes on
  if (conn->pending) {
    char *bytes = conn->pending;
    size_t len = conn->pending_len;
    conn->pending = NULL;
    conn->pending_len = 0;
    stream_read_resume(&conn->stream);
    process(conn, bytes, len);
    wipe_free(bytes);
  } else if (conn->server->out_conn == conn) {
    http_out_flush(conn->server);
  }
}

void http_conn_upgrade(struct http_conn *conn, struct ws *ws) {
  conn->ws = ws;
  conn->was_ws = true;
  enter(conn, CONN_WS);
  if (conn->eof) {  // the client has closed already
    http_conn_close(conn);
  } else if (conn->pending && !conn->processing) {
    char *bytes = conn->pending;
    size_t len = conn->pending_len;
    conn->pending = NULL;
    conn->pending_len = 0;
    stream_read_resume(&conn->stream);
    process(conn, bytes, len);
    wipe_free(bytes);
  }
}

void http_conn_linger(struct http_conn *conn) {
  if (conn->state != CONN_CLOSED) linger(conn);
}

// ---- events of the stream ----

static void on_data(void *arg, const char *bytes, size_t len) {
  http_conn_read(arg, bytes, len);
}

static void on_end(void *arg, const char *why) {
  struct http_conn *conn = arg;
  if (conn->state == CONN_WS) {
    struct ws *ws = conn->ws;
    conn->ws = NULL;
    ws_on_end(ws, why ? why : "the client closed without a close frame");
    http_conn_close(conn);
    return;
  }
  // Who closes only its own direction may still want the answer; a stream of events nobody ends is not waited for.
  bool answer_due = conn->state == CONN_WAIT && !(conn->ex->begun && conn->ex->out_left < 0);
  bool answer_on_its_way = conn->state == CONN_LINGER && stream_queued(&conn->stream) > 0;
  if (!why && (answer_due || answer_on_its_way)) conn->eof = true;
  else http_conn_close(conn);
}

static void on_drain(void *arg) {
  struct http_conn *conn = arg;
  if (conn->state == CONN_WS) ws_on_drain(conn->ws);
  else if (conn->state == CONN_LINGER && conn->eof) http_conn_close(conn);
  else if (conn->ex && conn->ex->begun) http_exchange_drained(conn->ex);
}

static const struct stream_events stream_events = {.on_data = on_data, .on_end = on_end, .on_drain = on_drain};

void http_conn_open(struct http_server *server, struct http_conn *conn) {
  conn->next = server->conns;
  if (server->conns) server->conns->prev = conn;
  server->conns = conn;
  enter(conn, CONN_IDLE);
  conn->let_in = -1;
  stream_start(&conn->stream, &stream_events, conn);
}

// ---- time ----

static bool body_too_slow(const struct http_conn *conn, int64_t elapsed_ms) {
  const struct http_options *o = &conn->server->options;
  int64_t allowed = o->head_timeout_ms + (int64_t)(conn->ex->body_len * 1000 / o->body_rate_min);
  return elapsed_ms > allowed;
}

static bool reader_too_slow(struct http_conn *conn, int64_t now) {
  const struct http_options *o = &conn->server->options;
  if (stream_queued(&conn->stream) == 0) {
    conn->stalled_ms = 0;
    return false;
  }
  if (conn->stalled_ms == 0) conn->stalled_ms = now;
  // The kernel's buffer takes bytes in lumps, so the grace is longer than for what we read.
  int64_t allowed = o->idle_timeout_ms + (int64_t)(stream_drained(&conn->stream) * 1000 / o->body_rate_min);
  return now - conn->stalled_ms > allowed;
}

void http_conn_tick(struct http_conn *conn, int64_t now) {
  const struct http_options *o = &conn->server->options;
  int64_t elapsed = now - conn->since_ms;
  if (conn->server->stopping && now >= conn->server->cut_ms) {
    http_conn_close(conn);
    return;
  }
  if (conn->state != CONN_WS && reader_too_slow(conn, now)) {
    http_conn_close(conn);
    return;
  }
  switch ((enum conn_state)conn->state) {
  case CONN_IDLE:
    if (elapsed > (conn->served ? o->idle_timeout_ms : o->head_timeout_ms)) http_conn_close(conn);
    break;
  case CONN_HEAD:
    if (elapsed > o->head_timeout_ms) http_refuse(conn, (struct http_refusal){408, "the request did not arrive in time"});
    break;
  case CONN_LENGTH:
  case CONN_CHUNKED:
    if (body_too_slow(conn, elapsed)) http_refuse(conn, (struct http_refusal){408, "the body did not arrive in time"});
    break;
  case CONN_LINGER:
    if (elapsed > HTTP_LINGER_MS && (conn->was_ws || stream_queued(&conn->stream) == 0)) http_conn_close(conn);
    break;
  case CONN_WS: ws_tick(conn->ws, now); break;
  case CONN_WAIT:
  case CONN_CLOSED: break;
  }
}
