// net/ws.c – see ws.h.
#include "net/ws.h"

#include "net/http_impl.h"
#include "net/ws_frame.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#define PING_MS 20000
#define SILENCE_MS 45000
#define CLOSE_MS 2000
#define REASON_MAX 123

struct ws {
  struct http_conn *conn;  // NULL: the connection broke
  struct http_server *server;
  struct ws_handler handler;
  void *arg;
  struct ws_reader reader;
  int64_t heard_ms, ping_ms, close_ms;  // last word of the client; last ping; when the closing began, 0 before
  struct http_peer peer;
  struct loop_task last;   // tells on_close, so that nothing calls back from within a call
  bool over;
  int code;
  char reason[REASON_MAX + 1];
};

static void say_over(struct loop_task *task) {
  struct ws *ws = (struct ws *)((char *)task - offsetof(struct ws, last));
  struct http_server *server = ws->server;
  if (ws->conn) {
    ws->conn->ws = NULL;
    http_conn_linger(ws->conn);
  }
  ws->handler.on_close(ws->arg, ws, ws->code, ws->reason);
  ws_reader_finish(&ws->reader);
  free(ws);
  server->stats.websockets--;
  http_server_check_stopped(server);
}

// The end, told on the next turn. The first code counts.
static void over(struct ws *ws, int code, const char *reason) {
  if (ws->over) return;
  ws->over = true;
  if (!ws->code) {
    ws->code = code;
    snprintf(ws->reason, sizeof ws->reason, "%s", reason);
  }
  loop_post_task(ws->server->loop, &ws->last);
}

// ---- sending ----

static bool send_control(struct ws *ws, uint8_t opcode, const void *bytes, size_t len) {
  uint8_t frame[10 + WS_CONTROL_MAX];
  assert(len <= WS_CONTROL_MAX);
  size_t head = ws_frame_header(opcode, len, frame);
  if (len > 0) memcpy(frame + head, bytes, len);
  return ws->conn && stream_write(&ws->conn->stream, frame, head + len);
}

static void send_close(struct ws *ws, int code, const char *reason) {
  uint8_t payload[WS_CONTROL_MAX] = {(uint8_t)(code >> 8), (uint8_t)code};
  size_t len = strnlen(reason, REASON_MAX);
  memcpy(payload + 2, reason, len);
  send_control(ws, WSLAY_CONNECTION_CLOSE, payload, code == WS_NO_STATUS ? 0 : 2 + len);
}

// Closes because of a fault of the client; does not wait for its answer.
static void drop(struct ws *ws, int code, const char *reason) {
  if (ws->over) return;
  if (!ws->close_ms) send_close(ws, code, reason);
  over(ws, code, reason);
}

static bool can_send(struct ws *ws) {
  return ws->conn && !ws->over && !ws->close_ms;
}

static bool check_queue(struct ws *ws) {
  if (stream_queued(&ws->conn->stream) <= WS_QUEUE_MAX) return true;
  drop(ws, WS_POLICY, "too slow: more than 256 KiB wait to be read");
  return false;
}

struct blob *ws_frame_text(const char *text, size_t len) {
  uint8_t head[10];
  size_t head_len = ws_frame_header(WSLAY_TEXT_FRAME, len, head);
  struct blob *frame = blob_create(NULL, head_len + len);
  if (!frame) return NULL;
  memcpy(frame->data, head, head_len);
  memcpy(frame->data + head_len, text, len);
  return frame;
}

bool ws_send_frame(struct ws *ws, struct blob *frame) {
  return can_send(ws) && stream_write_blob(&ws->conn->stream, frame, 0) && check_queue(ws);
}

bool ws_send_text(struct ws *ws, const char *text, size_t len) {
  if (!can_send(ws)) return false;
  char small[1024];
  uint8_t head[10];
  size_t head_len = ws_frame_header(WSLAY_TEXT_FRAME, len, head);
  if (head_len + len <= sizeof small) {
    memcpy(small, head, head_len);
    memcpy(small + head_len, text, len);
    return stream_write(&ws->conn->stream, small, head_len + len) && check_queue(ws);
  }
  struct blob *frame = ws_frame_text(text, len);
  bool sent = frame && ws_send_frame(ws, frame);
  blob_release(frame);
  return sent;
}

size_t ws_queued(const struct ws *ws) {
  return ws->conn ? stream_queued(&ws->conn->stream) : 0;
}

void ws_close(struct ws *ws, int code, const char *reason) {
  if (!can_send(ws)) return;
  ws->code = code;
  snprintf(ws->reason, sizeof ws->reason, "%s", reason ? reason : "");
  send_close(ws, code, ws->reason);
  ws->close_ms = loop_now_ms(ws->server->loop);
}

void ws_cut(struct ws *ws) {
  if (ws->conn) http_conn_close(ws->conn);
}

void ws_stop(struct ws *ws) {
  ws_close(ws, WS_GOING_AWAY, "the server is shutting down");
}

const struct http_peer *ws_peer(const struct ws *ws) {
  return &ws->peer;
}

void *ws_arg(const struct ws *ws) {
  return ws->arg;
}

void ws_set_arg(struct ws *ws, void *arg) {
  ws->arg = arg;
}

// ---- receiving ----

static bool on_event(void *arg, const struct ws_event *e) {
  struct ws *ws = arg;
  switch (e->kind) {
  case WS_TEXT:
    if (!ws->close_ms) ws->handler.on_text(ws->arg, ws, e->bytes, e->len);
    break;
  case WS_PING:
    if (!ws->close_ms && send_control(ws, WSLAY_PONG, e->bytes, e->len)) check_queue(ws);
    break;
  case WS_PONG: break;
  case WS_CLOSE:
    if (!ws->close_ms) send_close(ws, e->code, "");
    over(ws, e->code, e->bytes);
    break;
  }
  return !ws->over;
}

void ws_on_data(struct ws *ws, const char *bytes, size_t len) {
  if (ws->over) return;
  ws->heard_ms = loop_now_ms(ws->server->loop);
  if (!ws_reader_feed(&ws->reader, bytes, len, on_event, ws)) drop(ws, ws->reader.fail_code, ws->reader.fail_reason);
}

void ws_on_end(struct ws *ws, const char *why) {
  ws->conn = NULL;
  over(ws, WS_ABNORMAL, why);
}

void ws_on_drain(struct ws *ws) {
  if (ws->handler.on_drain && can_send(ws)) ws->handler.on_drain(ws->arg, ws);
}

void ws_tick(struct ws *ws, int64_t now_ms) {
  if (ws->over) return;
  if (ws->close_ms) {
    if (now_ms - ws->close_ms > CLOSE_MS) over(ws, WS_ABNORMAL, "");  // the code given when the closing began stands
  } else if (now_ms - ws->heard_ms > SILENCE_MS) {
    drop(ws, WS_POLICY, "silent for too long");
  } else if (now_ms - ws->heard_ms > PING_MS && now_ms - ws->ping_ms > PING_MS) {
    ws->ping_ms = now_ms;
    send_control(ws, WSLAY_PING, NULL, 0);
  }
}

// ---- upgrading ----

static const char *refuse_upgrade(const struct http_request *req, int *ret_status, char accept[29]) {
  const char *upgrade = http_field(req, "upgrade"), *version = http_field(req, "sec-websocket-version");
  const char *key = http_field(req, "sec-websocket-key");
  bool connection = false;
  for (size_t i = 0; i < req->field_count; i++) {
    if (strcmp(req->fields[i].name, "connection") == 0) connection |= http_list_has(req->fields[i].value, "upgrade");
  }
  *ret_status = 405;
  if (req->method != METHOD_GET) return "a WebSocket begins with GET";
  *ret_status = 426;
  if (!upgrade || !http_list_has(upgrade, "websocket") || !connection) return "only a WebSocket is served here";
  if (!version || strcmp(version, "13") != 0) return "only version 13 of WebSocket is served here";
  *ret_status = 400;
  if (req->body_len > 0) return "a WebSocket begins with a GET without a body";
  if (((const struct http_exchange *)req)->meaning.http10) return "a WebSocket needs HTTP/1.1";
  if (!key || !ws_accept_key(key, accept)) return "Sec-WebSocket-Key is missing or malformed";
  return NULL;
}

struct ws *ws_upgrade(struct http_request *req, const struct ws_handler *handler, void *arg, const char *subprotocol) {
  struct http_exchange *ex = (struct http_exchange *)req;
  struct http_conn *conn = ex->conn;
  struct http_server *server = ex->server;
  assert(handler->on_text && handler->on_close && ex->dispatched && !ex->begun);
  char accept[29];
  int status = 503;
  const char *refusal = server->stopping ? "the server is shutting down" : refuse_upgrade(req, &status, accept);
  struct ws *ws = refusal || !conn ? NULL : calloc(1, sizeof *ws);
  if (!ws) {
    if (!refusal) status = 503, refusal = "out of memory";
    if (status == 405) http_reply_field(req, "Allow", "GET");
    if (status == 426) {
      http_reply_field(req, "Upgrade", "websocket");
      http_reply_field(req, "Sec-WebSocket-Version", "13");
    }
    http_problem(ex, status, refusal);
    return NULL;
  }
  ws->conn = conn;
  ws->server = server;
  ws->handler = *handler;
  ws->arg = arg;
  ws->peer = conn->peer;
  ws->last.fn = say_over;
  ws->heard_ms = loop_now_ms(server->loop);
  server->stats.websockets++;
  char head[256];
  int n = snprintf(head, sizeof head, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: %s\r\n%s%.64s%s", accept, subprotocol ? "Sec-WebSocket-Protocol: " : "", subprotocol ? subprotocol : "",
    subprotocol ? "\r\n" : "");
  http_out_add(conn, head, (size_t)n);
  http_out_add(conn, ex->extra, ex->extra_len);
  http_out_add(conn, "\r\n", 2);
  http_out_flush(server);
  conn->ex = NULL;
  http_exchange_free(ex);
  http_conn_upgrade(conn, ws);
  return ws;
}
