// net/ws_frame.h – frames become messages: what of RFC 6455 needs no socket. wslay reads headers and unmasks; order, size,
// text and close codes are judged here. Inside net/.
#pragma once
#include "net/utf8.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wslay_frame_context;

#define WS_CONTROL_MAX 125
#define WS_FRAGMENTS_MAX 1024

enum ws_event_kind { WS_TEXT, WS_PING, WS_PONG, WS_CLOSE };
struct ws_event {
  enum ws_event_kind kind;
  const char *bytes;  // NUL-terminated; of WS_CLOSE: the reason
  size_t len;
  int code;           // of WS_CLOSE: 1005 when the other side gave none
};

struct ws_reader {
  bool of_server;                     // frames come from a server: none may be masked (else: all must be)
  size_t message_max;                 // 0: WS_MESSAGE_MAX
  struct wslay_frame_context *frame;  // only while a frame is under way, so that idle connections cost nothing
  const char *in;
  size_t in_len;
  uint64_t supplied, used;            // bytes: equal at the end of a frame
  char *message;
  size_t message_len, message_cap;
  unsigned fragments;
  struct utf8 utf8;
  bool in_message, in_frame, fin;
  uint8_t opcode;
  uint64_t frame_left;
  size_t control_len;
  char control[WS_CONTROL_MAX + 1];
  // Why reading stopped: a close code and words, 0 as long as all is well.
  int fail_code;
  const char *fail_reason;
};

// Zeroed, perhaps with of_server and message_max, is initialised.
void ws_reader_finish(struct ws_reader *r);
// Takes all bytes; calls on_event for each message and control frame; stops early when that returns false. false: the
// other side broke a rule, see fail_code.
bool ws_reader_feed(struct ws_reader *r, const char *bytes, size_t len, bool (*on_event)(void *arg, const struct ws_event *e),
  void *arg);

// The header of an unmasked final frame; returns its length (2 to 10).
size_t ws_frame_header(uint8_t opcode, size_t payload_len, uint8_t ret[10]);
// A whole masked final frame, as clients send them: len + WS_MASKED_EXTRA bytes of room at ret; returns its length.
#define WS_MASKED_EXTRA 14
size_t ws_frame_masked(uint8_t opcode, const void *payload, size_t len, const uint8_t mask[4], uint8_t *ret);

// Sec-WebSocket-Accept for a Sec-WebSocket-Key (28 characters and NUL). false: not a key (base64 of 16 bytes).
bool ws_accept_key(const char *key, char ret[29]);
