// tests/fuzz/fuzz_ws.c – WebSocket frames out of any bytes: what is delivered is bounded and UTF-8, the same in pieces of any
// size, nothing is kept between frames. The first byte picks the size of the pieces; a second reader gets the bytes as
// payload of proper masked frames, so that the fuzzer need not find the framing.
#include "net/ws.h"
#include "net/ws_frame.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
  unsigned count;
  uint64_t digest;
  bool closed;
  int fail_code;
};

static bool on_event(void *arg, const struct ws_event *e) {
  struct seen *s = arg;
  assert(!s->closed && e->len <= (e->kind == WS_TEXT ? WS_MESSAGE_MAX : WS_CONTROL_MAX) && e->bytes[e->len] == '\0');
  if (e->kind == WS_TEXT || e->kind == WS_CLOSE) {
    struct utf8 u = {0};
    assert(utf8_feed(&u, e->bytes, e->len) && utf8_whole(&u));
  }
  s->closed = e->kind == WS_CLOSE;
  if (s->closed) assert(e->code >= 1000 && e->code <= 4999 && e->code != 1006 && e->code != 1015);
  s->count++;
  s->digest = s->digest * 31 + e->kind * 7 + e->len;
  for (size_t i = 0; i < e->len; i++) s->digest = (s->digest ^ (uint8_t)e->bytes[i]) * 0x100000001b3;
  return !s->closed;
}

static struct seen feed(const uint8_t *bytes, size_t size, size_t piece) {
  struct ws_reader r = {0};
  struct seen seen = {0};
  for (size_t at = 0; at < size && !seen.closed && !seen.fail_code; at += piece) {
    size_t len = size - at < piece ? size - at : piece;
    bool ok = ws_reader_feed(&r, (const char *)bytes + at, len, on_event, &seen);
    assert(ok == (r.fail_code == 0));
    if (!ok) assert(r.fail_code >= 1002 && r.fail_code <= 1011 && strlen(r.fail_reason) <= 123);
    if (ok && !seen.closed && r.supplied == r.used && !r.in_frame) assert(!r.frame && (r.in_message || !r.message));
    seen.fail_code = r.fail_code;
  }
  ws_reader_finish(&r);
  return seen;
}

// Pieces change nothing.
static void check(const uint8_t *bytes, size_t size, size_t piece) {
  struct seen whole = feed(bytes, size, size + 1), pieces = feed(bytes, size, piece);
  assert(whole.count == pieces.count && whole.digest == pieces.digest && whole.closed == pieces.closed &&
    whole.fail_code == pieces.fail_code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || size > 200000) return 0;
  size_t piece = 1 + data[0];
  data++, size--;
  check(data, size, piece);

  // The same bytes inside frames whose headers are right: opcode, fin and length from the bytes themselves.
  uint8_t *framed = malloc(size * 7 + 16);
  assert(framed);
  size_t n = 0;
  for (size_t at = 0; at < size;) {
    static const uint8_t opcodes[] = {0x81, 0x01, 0x00, 0x80, 0x89, 0x8a, 0x81, 0x88};
    uint8_t head = data[at++];
    size_t len = head >> 3;
    if (len > size - at) len = size - at;
    framed[n++] = opcodes[head & 7];
    framed[n++] = (uint8_t)(0x80 | len);
    memcpy(framed + n, "\0\0\0\0", 4);
    n += 4;
    memcpy(framed + n, data + at, len);
    n += len;
    at += len;
  }
  check(framed, n, piece);
  free(framed);
  return 0;
}
