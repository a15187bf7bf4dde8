// tests/unit/order/test_client_id.c – names are one to one with decisions, within every venue's alphabet and length, and
// nothing but a name of ours parses.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "order/client_id.h"

static const struct client_id ids[] = {
  {0, 0, 0}, {1, 2, 3}, {1, 2, 4}, {1, 3, 3}, {2, 2, 3}, {INT64_MAX, 1, 1},
  {UINT64_MAX, CLIENT_ID_VERSION_MAX, CLIENT_ID_INTENT_MAX}, {UINT64_C(0x0123456789abcdef), 77, UINT64_C(1) << 44},
};
enum { COUNT = sizeof ids / sizeof *ids };

static void test_there_and_back(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT; i++) {
    char text[CLIENT_ID_SIZE];
    struct client_id back = {9, 9, 9};
    client_id_format(&ids[i], text);
    assert_int_equal(strlen(text), CLIENT_ID_LEN);
    for (const char *c = text; *c; c++) assert_true(isdigit((unsigned char)*c) || isupper((unsigned char)*c));
    assert_true(client_id_parse(text, strlen(text), &back));
    assert_true(back.bot == ids[i].bot && back.version == ids[i].version && back.intent == ids[i].intent);
  }
}

static void test_one_name_a_decision(void **state) {
  (void)state;
  char full[COUNT][CLIENT_ID_SIZE], brief[COUNT][CLIENT_ID_SIZE];
  for (size_t i = 0; i < COUNT; i++) {
    client_id_format(&ids[i], full[i]);
    client_id_format_short(&ids[i], brief[i]);
    assert_int_equal(strlen(brief[i]), CLIENT_ID_SHORT_LEN);
    for (const char *c = brief[i]; *c; c++) assert_true(isdigit((unsigned char)*c) || isupper((unsigned char)*c));
    for (size_t j = 0; j < i; j++) assert_true(strcmp(full[i], full[j]) != 0 && strcmp(brief[i], brief[j]) != 0);
  }
  client_id_format_short(&ids[1], brief[0]);
  assert_string_equal(brief[0], brief[1]);
}

// The encoding is a promise: orders of an older engine must be found by a newer one.
static void test_fixed_examples(void **state) {
  (void)state;
  char text[CLIENT_ID_SIZE];
  client_id_format(&(struct client_id){1, 2, 3}, text);
  // 1·13 + 2·18 + 3·27 = 130 = 4·31 + 6
  assert_string_equal(text, "P0000000000001" "00002" "000000003" "6");
  client_id_format(&(struct client_id){33, 0, 32}, text);
  // 1·12 + 1·13 + 1·26 = 51 = 31 + 20
  assert_string_equal(text, "P0000000000011" "00000" "000000010" "M");
  client_id_format_short(&(struct client_id){1, 2, 3}, text);
  // printf P0000000000001000020000000036 | sha256sum, its first 85 bits in the same digits
  assert_string_equal(text, "SN90XZTRSJK8N56NC0");
}

static void test_strangers(void **state) {
  (void)state;
  char text[CLIENT_ID_SIZE], bad[CLIENT_ID_SIZE];
  struct client_id out;
  client_id_format(&ids[7], text);
  for (size_t i = 0; i < CLIENT_ID_LEN; i++) {
    memcpy(bad, text, sizeof bad);
    bad[i] = bad[i] == '7' ? '8' : '7';
    assert_false(client_id_parse(bad, CLIENT_ID_LEN, &out));
    bad[i] = 'u';
    assert_false(client_id_parse(bad, CLIENT_ID_LEN, &out));
    bad[i] = 0;
    assert_false(client_id_parse(bad, CLIENT_ID_LEN, &out));
    assert_false(client_id_parse(text, i, &out));
    if (i > 1 && text[i] != text[i - 1]) {
      memcpy(bad, text, sizeof bad);
      bad[i] = text[i - 1], bad[i - 1] = text[i];
      assert_false(client_id_parse(bad, CLIENT_ID_LEN, &out));
    }
  }
  assert_false(client_id_parse("x-web-1234567890123456789012", 29, &out));
  assert_false(client_id_parse("", 0, &out));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_one_name_a_decision), cmocka_unit_test(test_fixed_examples),
    cmocka_unit_test(test_strangers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
