// net/ws_client.h – a WebSocket (RFC 6455) to somebody else's server: a venue's stream. Text messages only, no extensions, no
// subprotocol. Strict with what comes: the handshake's proof, unmasked frames, UTF-8, minimal lengths, close codes, a bound on
// messages. What goes out is masked with random bytes of the kernel. With TLS the name is verified (net/client.h).
//
// Silence is an end: the other side is pinged when nothing came for ping_ms and dropped after silence_ms. Connecting again is
// the owner's.
#pragma once
#include "net/http_client.h"
#include "net/ws.h"

struct ws_client;

#define WS_CLIENT_QUEUE_MAX (1 << 20)  // bytes that wait to be taken by the other side; more ends the connection

struct ws_client_options {
  const char *url;                        // "wss://host[:port]/path?query"; "ws://" only with plain_allowed
  const struct http_client_field *fields; // of the handshake, beside its own
  size_t field_count;
  struct tls_client *tls;                 // whom we trust; a reference is taken
  bool plain_allowed;
  size_t message_max;                     // bytes of a message; 0: 4 MiB
  int64_t open_ms;                        // from look-up to the end of the handshake; 0: 10,000
  int64_t ping_ms, silence_ms;            // 0: 20,000 and 60,000
};

struct ws_client_events {                 // none is called from within a call of the owner's; each may destroy the connection
  void (*on_open)(void *arg);
  // A whole message, NUL-terminated, valid UTF-8; valid during the call.
  void (*on_text)(void *arg, const char *text, size_t len);
  // Once, and nothing after it, also when opening failed; the connection still wants ws_client_destroy. code: the server's or ours,
  // WS_ABNORMAL when the connection broke or never was. reason is never NULL, and never holds what was sent.
  void (*on_close)(void *arg, int code, const char *reason);
};

// ERR_INVALID: the URL or a field is none.
enum status ws_client_open(struct loop *loop, const struct ws_client_options *options, const struct ws_client_events *events, void *arg,
  struct ws_client **ret, struct err *err) MUST_CHECK;
// False: not open (any more). text must be valid UTF-8; it is overwritten in memory once it has left (login frames hold secrets).
bool ws_client_send(struct ws_client *client, const char *text, size_t len);
// Starts the closing handshake; on_close follows, at the latest after 2 s.
void ws_client_close(struct ws_client *client, int code, const char *reason);
// No more events. NULL does nothing.
void ws_client_destroy(struct ws_client *client);
