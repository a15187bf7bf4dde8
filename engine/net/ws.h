// net/ws.h – a WebSocket (RFC 6455), server side, out of an HTTP request. Strict: masked frames, valid UTF-8, minimal lengths,
// known close codes, messages of at most 64 KiB in at most 1024 fragments, no extensions, text only.
//
// Every 20 s without a word from the client it is pinged; silent for 45 s, it is dropped. Nothing is buffered without
// bound: a client for whom more than 256 KiB wait is dropped with a reason.
#pragma once
#include "net/http_server.h"

struct ws;

#define WS_MESSAGE_MAX 65536
#define WS_QUEUE_MAX 262144

// Close codes we send (RFC 6455 §7.4.1); an application's own are 4000 to 4999.
enum ws_code {
  WS_NORMAL = 1000, WS_GOING_AWAY = 1001, WS_PROTOCOL = 1002, WS_UNSUPPORTED = 1003, WS_NO_STATUS = 1005, WS_ABNORMAL = 1006,
  WS_INVALID = 1007, WS_POLICY = 1008, WS_TOO_BIG = 1009, WS_INTERNAL = 1011, WS_TRY_AGAIN = 1013
};

struct ws_handler {
  // A whole message, NUL-terminated, valid UTF-8; valid during the call.
  void (*on_text)(void *arg, struct ws *ws, const char *text, size_t len);
  // The queue ran empty after having waited; NULL if not needed.
  void (*on_drain)(void *arg, struct ws *ws);
  // Exactly once, whoever closed; ws is gone when it returns. code: the client's, or ours; WS_NO_STATUS, WS_ABNORMAL when
  // there was none. reason is never NULL.
  void (*on_close)(void *arg, struct ws *ws, int code, const char *reason);
};

// Answers the request with 101, or, when it is no proper upgrade, with a problem (400, 405, 426, 503), and then returns NULL. Either way req
// is gone. Call it in on_request or later; the caller has checked who asks, and the Origin. Fields set before with
// http_reply_field are sent along. subprotocol (may be NULL) must be one the client offered.
struct ws *ws_upgrade(struct http_request *req, const struct ws_handler *handler, void *arg, const char *subprotocol);

// Does not call back while it runs: a drop that it causes shows in on_close later. false: the connection is closing.
bool ws_send_text(struct ws *ws, const char *text, size_t len);
// One frame for many: made once, sent by reference. frame is the caller's to release. text must be valid UTF-8.
struct blob *ws_frame_text(const char *text, size_t len);
bool ws_send_frame(struct ws *ws, struct blob *frame);
// Bytes that wait for the client to read; a sender that can skip (conflate) looks here first.
size_t ws_queued(const struct ws *ws);
// Starts the closing handshake; on_close follows, at the latest after 2 s. reason ≤ 123 bytes, valid UTF-8, may be NULL.
void ws_close(struct ws *ws, int code, const char *reason);
// For who simulates a bad network: the connection ends here and now, without a close frame. on_close follows.
void ws_cut(struct ws *ws);
const struct http_peer *ws_peer(const struct ws *ws);
void *ws_arg(const struct ws *ws);
void ws_set_arg(struct ws *ws, void *arg);
