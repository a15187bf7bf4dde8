// WebSocket frames and UTF-8 as pure functions; see server_test.py for what goes over sockets.
#include "net/utf8.h"
#include "net/ws_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

// Every code point encoded by the definition; and every sequence of up to three bytes judged against it.
static size_t encode(uint32_t c, char *to) {
  if (c < 0x80) return to[0] = (char)c, 1;
  if (c < 0x800) return to[0] = (char)(0xc0 | c >> 6), to[1] = (char)(0x80 | (c & 63)), 2;
  if (c < 0x10000) return to[0] = (char)(0xe0 | c >> 12), to[1] = (char)(0x80 | (c >> 6 & 63)), to[2] = (char)(0x80 | (c & 63)), 3;
  return to[0] = (char)(0xf0 | c >> 18), to[1] = (char)(0x80 | (c >> 12 & 63)), to[2] = (char)(0x80 | (c >> 6 & 63)), to[3] = (char)(0x80 | (c & 63)), 4;
}

static bool valid(const char *bytes, size_t len) {
  struct utf8 whole = {0}, pieces = {0};
  bool ok = utf8_feed(&whole, bytes, len) && utf8_whole(&whole), pieces_ok = true;
  for (size_t i = 0; i < len && pieces_ok; i++) pieces_ok = utf8_feed(&pieces, bytes + i, 1);
  assert_int_equal(ok, pieces_ok && utf8_whole(&pieces));
  return ok;
}

static void test_utf8(void **state) {
  (void)state;
  char bytes[4];
  for (uint32_t c = 0; c < 0x110000; c++) {
    size_t len = encode(c, bytes);
    if (valid(bytes, len) != (c < 0xd800 || c > 0xdfff)) fail_msg("U+%04X", c);
  }
  unsigned count = 0;
  for (unsigned a = 0; a < 256; a++) {
    for (unsigned b = 0; b < 256; b++) count += valid((char[]){(char)a, (char)b}, 2);
  }
  assert_int_equal(count, 128 * 128 + (0x800 - 0x80));  // two of ASCII, or one of two bytes
  assert_false(valid("\xc0\x80", 2) || valid("\xe0\x9f\xbf", 3) || valid("\xf0\x8f\xbf\xbf", 4) || valid("\xf4\x90\x80\x80", 4) || valid("\xf5\x80\x80\x80", 4));
  assert_true(valid("0123456789abcdef\xc3\xa4""0123456789abcdef", 34));
  assert_false(valid("0123456789abcdef\xff""0123456789abcdef", 33));
}

static void test_accept(void **state) {
  (void)state;
  char accept[29];
  assert_true(ws_accept_key("dGhlIHNhbXBsZSBub25jZQ==", accept));  // RFC 6455 §1.3
  assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  static const char *const bad[] = {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ==x", "dGhlIHNhbXBsZSBub25jZ===", "dGhl HNhbXBsZSBub25jZQ==",
    "dGhlIHNhbXBsZSBub25jZQAA"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(ws_accept_key(bad[i], accept));
}

static void test_header(void **state) {
  (void)state;
  static const struct {
    size_t len, header_len;
    uint8_t header[10];
  } cases[] = {
    {0, 2, {0x81, 0}}, {125, 2, {0x81, 125}}, {126, 4, {0x81, 126, 0, 126}}, {65535, 4, {0x81, 126, 0xff, 0xff}},
    {65536, 10, {0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t header[10];
    assert_int_equal(ws_frame_header(1, cases[i].len, header), cases[i].header_len);
    assert_memory_equal(header, cases[i].header, cases[i].header_len);
  }
}

struct seen {
  unsigned count, stop_after;
  char text[64];
};

static bool on_event(void *arg, const struct ws_event *e) {
  struct seen *s = arg;
  assert_int_equal(e->kind, WS_TEXT);
  assert_int_equal(e->bytes[e->len], 0);
  strncat(s->text, e->bytes, sizeof s->text - strlen(s->text) - 1);
  return ++s->count != s->stop_after;
}

static void test_reader_keeps_nothing_when_idle(void **state) {
  (void)state;
  // "Hello" masked, as in RFC 6455 §5.7, twice; the second in two fragments.
  const char bytes[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58" "\x01\x83\x00\x00\x00\x00Hel" "\x80\x82\x00\x00\x00\x00lo";
  for (size_t piece = 1; piece < sizeof bytes; piece++) {
    struct ws_reader r = {0};
    struct seen seen = {0};
    for (size_t at = 0; at < sizeof bytes - 1; at += piece) {
      size_t len = sizeof bytes - 1 - at < piece ? sizeof bytes - 1 - at : piece;
      assert_true(ws_reader_feed(&r, bytes + at, len, on_event, &seen));
    }
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.text, "HelloHello");
    assert_null(r.frame);
    assert_null(r.message);
    ws_reader_finish(&r);
  }
}

static void test_reader_stops_when_told(void **state) {
  (void)state;
  const char bytes[] = "\x81\x81\x00\x00\x00\x00""a" "\x81\x81\x00\x00\x00\x00""b";
  struct ws_reader r = {0};
  struct seen seen = {.stop_after = 1};
  assert_true(ws_reader_feed(&r, bytes, sizeof bytes - 1, on_event, &seen));
  assert_string_equal(seen.text, "a");
  assert_int_equal(r.fail_code, 0);
  ws_reader_finish(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_utf8),   cmocka_unit_test(test_accept),
    cmocka_unit_test(test_header), cmocka_unit_test(test_reader_keeps_nothing_when_idle),
    cmocka_unit_test(test_reader_stops_when_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
