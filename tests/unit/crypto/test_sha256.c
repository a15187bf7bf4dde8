// SHA-256 against the examples of FIPS 180-4 / NIST CAVP, in one go and in every way of cutting the input.
#include "crypto/sha256.h"
#include "crypto/sha256_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct vector {
  const char *text, *hex;
} vectors[] = {
  {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
  {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
  {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
  {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};
#define COUNT (sizeof vectors / sizeof *vectors)

static void test_one_go(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT; i++) {
    char hex[SHA256_HEX_SIZE];
    sha256_hex(vectors[i].text, strlen(vectors[i].text), hex);
    assert_string_equal(hex, vectors[i].hex);
  }
}

// Every cut into two pieces, and byte by byte.
static void test_pieces(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT; i++) {
    const char *text = vectors[i].text;
    size_t len = strlen(text);
    char hex[SHA256_HEX_SIZE];
    struct sha256_ctx ctx;
    for (size_t cut = 0; cut <= len; cut++) {
      sha256_init(&ctx);
      sha256_update(&ctx, text, cut);
      sha256_update(&ctx, text + cut, len - cut);
      sha256_finish_hex(&ctx, hex);
      assert_string_equal(hex, vectors[i].hex);
    }
    sha256_init(&ctx);
    for (size_t k = 0; k < len; k++) sha256_update(&ctx, text + k, 1);
    sha256_finish_hex(&ctx, hex);
    assert_string_equal(hex, vectors[i].hex);
  }
}

static void test_million_a(void **state) {
  (void)state;
  char block[1000], hex[SHA256_HEX_SIZE];
  memset(block, 'a', sizeof block);
  struct sha256_ctx ctx;
  sha256_init(&ctx);
  for (int i = 0; i < 1000; i++) sha256_update(&ctx, block, sizeof block);
  sha256_finish_hex(&ctx, hex);
  assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_bytes(void **state) {
  (void)state;
  static const uint8_t first[4] = {0xba, 0x78, 0x16, 0xbf};
  uint8_t digest[SHA256_BYTES];
  struct sha256_ctx ctx;
  sha256_init(&ctx);
  sha256_update(&ctx, NULL, 0);
  sha256_update(&ctx, "abc", 3);
  sha256_finish(&ctx, digest);
  assert_memory_equal(digest, first, sizeof first);
  assert_int_equal(digest[SHA256_BYTES - 1], 0xad);
}

// Both engines, every length over several blocks, in two pieces cut everywhere.
static void test_engines_agree(void **state) {
  (void)state;
  if (!sha256_x86_available()) {
    printf("skipped: this processor has no SHA instructions\n");
    skip();
  }
  uint8_t text[300], fast[SHA256_BYTES], portable[SHA256_BYTES];
  for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)(i * 167 + 13);
  for (size_t len = 0; len <= sizeof text; len++)
    for (size_t cut = 0; cut <= len; cut += len > 130 ? 31 : 1) {
      struct sha256_ctx a, b;
      sha256_init(&a);
      sha256_init_portable(&b);
      sha256_update(&a, text, cut);
      sha256_update(&a, text + cut, len - cut);
      sha256_update(&b, text, len);
      sha256_finish(&a, fast);
      sha256_finish(&b, portable);
      assert_memory_equal(fast, portable, SHA256_BYTES);
    }
}

// A stream goes on in another process, and with the other engine: cut everywhere in the first blocks.
static void test_goes_on_from_its_state(void **state) {
  (void)state;
  static void (*const begin[])(struct sha256_ctx *) = {sha256_init, sha256_init_portable};
  uint8_t text[200], whole[SHA256_BYTES], went_on[SHA256_BYTES];
  struct sha256_ctx a, b;
  struct sha256_state at, other;
  for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)(i * 91 + 7);
  sha256_init(&a);
  sha256_update(&a, text, sizeof text);
  sha256_finish(&a, whole);
  for (size_t cut = 0; cut <= sizeof text; cut++)
    for (int from = 0; from < 2; from++)
      for (int to = 0; to < 2; to++) {
        begin[from](&a);
        begin[to](&b);
        sha256_update(&a, text, cut);
        sha256_state_get(&a, &at);
        sha256_state_set(&b, &at);
        sha256_state_get(&b, &other);
        assert_memory_equal(&at, &other, sizeof at);
        sha256_update(&b, text + cut, sizeof text - cut);
        sha256_finish(&b, went_on);
        assert_memory_equal(whole, went_on, SHA256_BYTES);
        sha256_finish(&a, went_on);
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_goes_on_from_its_state),
    cmocka_unit_test(test_one_go),
    cmocka_unit_test(test_pieces),
    cmocka_unit_test(test_million_a),
    cmocka_unit_test(test_bytes),
    cmocka_unit_test(test_engines_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
