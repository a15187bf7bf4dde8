// tests/unit/risk/test_refusal.c – the list of refusals is complete, its texts can be written, and numbers come out exact.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "risk/refusal.h"

static struct instrument instrument(void) {
  struct instrument inst = {.symbol = "X", .tick = {5, 1}, .lot = {1, 3}, .multiplier = {1, 0}};
  struct err err;
  assert_int_equal(instrument_finish(&inst, &err), OK);
  return inst;
}

static void test_every_rule(void **state) {
  (void)state;
  struct instrument inst = instrument();
  char text[REFUSAL_TEXT_SIZE];
  for (int i = 1; i < REFUSE_COUNT; i++) {
    struct refusal r = {i, LEVEL_TENANT, 123456789, -987654321, 1700000000000000000, 42};
    assert_true(refusal_reason(i) != REASON_NONE);
    assert_true(strspn(refusal_name(i), "abcdefghijklmnopqrstuvwxyz_") == strlen(refusal_name(i)) && refusal_name(i)[0]);
    for (int j = 0; j < i; j++) assert_string_not_equal(refusal_name(i), refusal_name(j));
    refusal_text(&r, &inst, text);
    assert_memory_equal(text, "tenant: ", 8);
    assert_null(strchr(text, '{'));
    struct denial d = refusal_denial(&r, NULL);
    assert_int_equal(d.code, refusal_reason(i));
    assert_true(d.msg[0]);
    // The worst numbers fit, cut short at most.
    r = (struct refusal){i, LEVEL_TENANT, INT64_MIN, INT64_MIN, INT64_MAX, UINT64_MAX};
    assert_true(strlen(refusal_text(&r, &inst, text)) < REFUSAL_TEXT_SIZE);
  }
}

static void test_numbers(void **state) {
  (void)state;
  struct instrument inst = instrument();
  char text[REFUSAL_TEXT_SIZE];
  struct refusal r;
  assert_false(refuse(&r, REFUSE_NOTIONAL_MAX, LEVEL_ACCOUNT, 100000000000, 120050000001));
  assert_string_equal(refusal_text(&r, NULL, text), "account: worth 1200.50000001, the largest order is 1000");
  struct denial d = refusal_denial(&r, NULL);
  assert_true(d.limit == 1000 && d.value == 1200.50000001);
  refuse(&r, REFUSE_SIZE_MIN, LEVEL_BOT, 10, 7);
  assert_string_equal(refusal_text(&r, &inst, text), "bot: size 0.007 is below the smallest, 0.01");
  assert_string_equal(refusal_text(&r, NULL, text), "bot: size 7 is below the smallest, 10");
  refuse(&r, REFUSE_BAD_PRICE, LEVEL_BOT, 0, -3);
  assert_string_equal(refusal_text(&r, &inst, text), "bot: price -1.5 is not above 0");
  refuse(&r, REFUSE_COLLAR, LEVEL_BOT, 5000000, 7250000);
  assert_string_equal(refusal_text(&r, &inst, text), "bot: 7.25 % away from the last price, at most 5 % are allowed");
  d = refusal_denial(&r, &inst);
  assert_true(d.limit == 5 && d.value == 7.25);
  d = refusal_denial(&(struct refusal){.rule = REFUSE_SIZE_MIN, .limit = 10, .value = 7}, &inst);
  assert_true(d.limit == 0.01 && d.value == 0.007);
  d = refusal_denial(&(struct refusal){.rule = REFUSE_BAD_PRICE, .value = 3}, &inst);
  assert_true(d.value == 1.5);
  d = refusal_denial(&(struct refusal){.rule = REFUSE_PROP_NEWS, .limit = 1500000000}, &inst);
  assert_true(d.limit == 1.5 && d.code == REASON_PROP_RULE);
  assert_string_equal(refusal_text(&(struct refusal){0}, NULL, text), "not refused");
  refuse(&r, REFUSE_COOLDOWN, LEVEL_BOT, 0, 0);
  r.until_ns = 1709164799999999999;
  assert_string_equal(refusal_text(&r, NULL, text), "bot: a pause after a trade, until 2024-02-28 23:59:59 UTC");
  r.until_ns = -1;
  assert_string_equal(refusal_text(&r, NULL, text), "bot: a pause after a trade, until 1969-12-31 23:59:59 UTC");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_rule), cmocka_unit_test(test_numbers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
