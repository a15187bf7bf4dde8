// net/ws_frame.c – see ws_frame.h.
#include "net/ws_frame.h"

#include "base/wipe.h"
#include "net/mail_message.h"
#include "net/ws.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

static ssize_t on_recv(uint8_t *buf, size_t len, int flags, void *arg) {
  (void)flags;
  struct ws_reader *r = arg;
  if (r->in_len == 0) return -1;
  if (len > r->in_len) len = r->in_len;
  memcpy(buf, r->in, len);
  r->in += len;
  r->in_len -= len;
  r->supplied += len;
  return (ssize_t)len;
}

static void drop_frame_context(struct ws_reader *r) {
  if (r->frame) wslay_frame_context_free(r->frame);
  r->frame = NULL;
}

void ws_reader_finish(struct ws_reader *r) {
  drop_frame_context(r);
  wipe_free(r->message);
  r->message = NULL;
}

static bool fail(struct ws_reader *r, int code, const char *reason) {
  r->fail_code = code;
  r->fail_reason = reason;
  return false;
}

static bool code_ok(int code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) || (code >= 3000 && code <= 4999);
}

// ---- one frame ----

static bool begin_frame(struct ws_reader *r, const struct wslay_frame_iocb *f) {
  r->in_frame = true;
  r->fin = f->fin;
  r->opcode = f->opcode;
  r->frame_left = f->payload_length;
  r->used += 2 + (f->payload_length < 126 ? 0 : f->payload_length < 65536 ? 2 : 8) + (f->mask ? 4 : 0);
  if (f->rsv) return fail(r, WS_PROTOCOL, "reserved bits without an extension");
  if (!f->mask != r->of_server) return fail(r, WS_PROTOCOL, f->mask ? "a server's frame that is masked" : "a frame that is not masked");
  if (wslay_is_ctrl_frame(f->opcode)) {
    if (f->opcode > WSLAY_PONG) return fail(r, WS_PROTOCOL, "an unknown control frame");
    if (!f->fin || f->payload_length > WS_CONTROL_MAX) return fail(r, WS_PROTOCOL, "a control frame in fragments or too long");
    r->control_len = 0;
    return true;
  }
  if (f->opcode == WSLAY_BINARY_FRAME) return fail(r, WS_UNSUPPORTED, "binary messages are not understood");
  if (f->opcode != WSLAY_TEXT_FRAME && f->opcode != WSLAY_CONTINUATION_FRAME) return fail(r, WS_PROTOCOL, "an unknown frame");
  if ((f->opcode == WSLAY_CONTINUATION_FRAME) != r->in_message)
    return fail(r, WS_PROTOCOL, r->in_message ? "a message within a message" : "a continuation of nothing");
  if (!r->in_message) {
    r->in_message = true;
    r->message_len = 0;
    r->fragments = 0;
    r->utf8 = (struct utf8){0};
  }
  if (++r->fragments > WS_FRAGMENTS_MAX) return fail(r, WS_POLICY, "too many fragments");
  if (f->payload_length > (r->message_max ? r->message_max : WS_MESSAGE_MAX) - r->message_len) return fail(r, WS_TOO_BIG, "the message is too big");
  return true;
}

static bool add_payload(struct ws_reader *r, const struct wslay_frame_iocb *f) {
  size_t len = f->data_length;
  r->used += len;
  r->frame_left -= len;
  if (wslay_is_ctrl_frame(r->opcode)) {
    memcpy(r->control + r->control_len, f->data, len);
    r->control_len += len;
    return true;
  }
  if (!utf8_feed(&r->utf8, (const char *)f->data, len)) return fail(r, WS_INVALID, "this is not UTF-8");
  size_t needed = r->message_len + len + 1;
  if (needed > r->message_cap) {
    size_t cap = r->message_cap * 2 > needed ? r->message_cap * 2 : needed;
    char *message = malloc(cap);
    if (!message) return fail(r, WS_INTERNAL, "out of memory");
    if (r->message) memcpy(message, r->message, r->message_len);
    wipe_free(r->message);
    r->message = message;
    r->message_cap = cap;
  }
  memcpy(r->message + r->message_len, f->data, len);
  r->message_len += len;
  return true;
}

static bool close_event(struct ws_reader *r, struct ws_event *e) {
  e->kind = WS_CLOSE;
  e->code = WS_NO_STATUS;
  e->bytes = "";
  e->len = 0;
  if (r->control_len == 0) return true;
  if (r->control_len == 1) return fail(r, WS_PROTOCOL, "half a close code");
  e->code = (uint8_t)r->control[0] << 8 | (uint8_t)r->control[1];
  if (!code_ok(e->code)) return fail(r, WS_PROTOCOL, "a close code that must not be sent");
  e->bytes = r->control + 2;
  e->len = r->control_len - 2;
  struct utf8 utf8 = {0};
  if (!utf8_feed(&utf8, e->bytes, e->len) || !utf8_whole(&utf8)) return fail(r, WS_INVALID, "a close reason that is not UTF-8");
  return true;
}

// false: stop reading; fail_code says whether the client is to blame.
static bool end_frame(struct ws_reader *r, bool (*on_event)(void *arg, const struct ws_event *e), void *arg) {
  struct ws_event e = {.bytes = r->control, .len = r->control_len};
  r->in_frame = false;
  if (wslay_is_ctrl_frame(r->opcode)) {
    r->control[r->control_len] = '\0';
    e.kind = r->opcode == WSLAY_PING ? WS_PING : WS_PONG;
    if (r->opcode == WSLAY_CONNECTION_CLOSE && !close_event(r, &e)) return false;
    return on_event(arg, &e);
  }
  if (!r->fin) return true;
  r->in_message = false;
  if (!utf8_whole(&r->utf8)) return fail(r, WS_INVALID, "this is not UTF-8");
  if (r->message) r->message[r->message_len] = '\0';
  e = (struct ws_event){.kind = WS_TEXT, .bytes = r->message ? r->message : "", .len = r->message_len};
  bool go_on = on_event(arg, &e);
  wipe_free(r->message);  // tokens are sent this way, too
  r->message = NULL;
  r->message_cap = 0;
  return go_on;
}

bool ws_reader_feed(struct ws_reader *r, const char *bytes, size_t len, bool (*on_event)(void *arg, const struct ws_event *e),
  void *arg) {
  static const struct wslay_frame_callbacks callbacks = {.recv_callback = on_recv};
  if (r->fail_code) return false;
  if (!r->frame && wslay_frame_context_init(&r->frame, &callbacks, r) != 0) {
    r->frame = NULL;
    return fail(r, WS_INTERNAL, "out of memory");
  }
  r->in = bytes;
  r->in_len = len;
  for (;;) {
    struct wslay_frame_iocb f = {0};
    ssize_t n = wslay_frame_recv(r->frame, &f);
    if (n == WSLAY_ERR_WANT_READ) break;
    if (n < 0) return fail(r, WS_PROTOCOL, "a malformed frame");
    if (!r->in_frame && !begin_frame(r, &f)) return false;
    if (!add_payload(r, &f)) return false;
    if (r->frame_left == 0 && !end_frame(r, on_event, arg)) return r->fail_code == 0;
  }
  if (r->supplied == r->used && !r->in_frame) drop_frame_context(r);
  return true;
}

size_t ws_frame_header(uint8_t opcode, size_t len, uint8_t ret[10]) {
  ret[0] = (uint8_t)(0x80 | opcode);
  if (len < 126) {
    ret[1] = (uint8_t)len;
    return 2;
  }
  size_t bytes = len < 65536 ? 2 : 8;
  ret[1] = bytes == 2 ? 126 : 127;
  for (size_t i = 0; i < bytes; i++) ret[2 + i] = (uint8_t)((uint64_t)len >> (8 * (bytes - 1 - i)));
  return 2 + bytes;
}

size_t ws_frame_masked(uint8_t opcode, const void *payload, size_t len, const uint8_t mask[4], uint8_t *ret) {
  uint8_t head[10];
  const uint8_t *from = payload;
  size_t at = ws_frame_header(opcode, len, head);
  head[1] |= 0x80;
  memcpy(ret, head, at);
  memcpy(ret + at, mask, 4);
  at += 4;
  for (size_t i = 0; i < len; i++) ret[at + i] = from[i] ^ mask[i & 3];
  return at + len;
}

// ---- the handshake's proof of having understood: base64(SHA-1(key + GUID)), RFC 6455 §4.2.2 ----

static uint32_t rotate(uint32_t x, unsigned by) {
  return x << by | x >> (32 - by);
}

// SHA-1 (RFC 3174) of one block of 64 bytes. Nothing secret hangs on it; what must be secure uses crypto/.
static void sha1_block(uint32_t h[5], const uint8_t block[64]) {
  uint32_t w[80], v[5];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  memcpy(v, h, sizeof v);
  for (int i = 0; i < 80; i++) {
    uint32_t f = i < 20 ? ((v[1] & v[2]) | (~v[1] & v[3])) + 0x5a827999
      : i < 40 ? (v[1] ^ v[2] ^ v[3]) + 0x6ed9eba1
      : i < 60 ? ((v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3])) + 0x8f1bbcdc
               : (v[1] ^ v[2] ^ v[3]) + 0xca62c1d6;
    uint32_t t = rotate(v[0], 5) + f + v[4] + w[i];
    v[4] = v[3], v[3] = v[2], v[2] = rotate(v[1], 30), v[1] = v[0], v[0] = t;
  }
  for (int i = 0; i < 5; i++) h[i] += v[i];
}

bool ws_accept_key(const char *key, char ret[29]) {
  static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  if (strlen(key) != 24 || strspn(key, base64) != 22 || strcmp(key + 22, "==") != 0) return false;
  uint8_t blocks[128] = {0};
  memcpy(blocks, key, 24);
  memcpy(blocks + 24, guid, 36);
  blocks[60] = 0x80;
  blocks[126] = 60 * 8 >> 8;
  blocks[127] = (uint8_t)(60 * 8);
  uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  sha1_block(h, blocks);
  sha1_block(h, blocks + 64);
  uint8_t digest[20];
  for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
  base64_encode(digest, sizeof digest, ret);
  return true;
}
