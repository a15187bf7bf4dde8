// tests/unit/bot/test_canary.c – a version on trial: who tries it, its limit, its time.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bot/canary.h"

#define E8(units) ((int64_t)(units) * 100000000)

static void test_chosen(void **state) {
  (void)state;
  for (int64_t version = 2; version < 5; version++) {
    int in10 = 0, in50 = 0, moved = 0;
    for (int64_t i = 0; i < 10000; i++) {
      const int64_t bot = (INT64_C(1700000000) << 22) + i * 4096;  // as ids are: low bits alike
      const bool ten = canary_chosen(bot, version, 10), fifty = canary_chosen(bot, version, 50);
      assert_true(!ten || fifty);
      assert_false(canary_chosen(bot, version, 0));
      assert_true(canary_chosen(bot, version, 100));
      in10 += ten, in50 += fifty, moved += fifty != canary_chosen(bot, version + 1, 50);
    }
    assert_true(in10 > 850 && in10 < 1150 && in50 > 4800 && in50 < 5200);
    assert_true(moved > 4500 && moved < 5500);  // not always the same customers
  }
}

static void test_fell(void **state) {
  (void)state;
  struct canary_bot b = {1, E8(1000), E8(1000), 0};
  assert_false(canary_fell(&b, E8(950), E8(5) / 100));      // 5 % is not more than 5 %
  assert_true(canary_fell(&b, E8(950) - 1, E8(5) / 100));
  assert_false(canary_fell(&b, E8(1200), E8(5) / 100));     // from its peak, of what it was worth at first
  assert_false(canary_fell(&b, E8(1150), E8(5) / 100));
  assert_true(canary_fell(&b, E8(1149), E8(5) / 100));
  assert_true(b.peak_e8 == E8(1200) && b.base_e8 == E8(1000));
  assert_false(canary_fell(&b, 0, 0));                      // no limit
  struct canary_bot all = {1, INT64_MAX, INT64_MAX, 0};
  assert_false(canary_fell(&all, 0, E8(1)));
  assert_true(canary_fell(&all, INT64_MIN, E8(1)));
}

static void test_due(void **state) {
  (void)state;
  assert_int_equal(canary_due(0, INT64_MAX, true), CANARY_GOES_ON);
  assert_int_equal(canary_due(100, 99, true), CANARY_GOES_ON);
  assert_int_equal(canary_due(100, 100, true), CANARY_PROMOTED);
  assert_int_equal(canary_due(100, 101, false), CANARY_ROLLED_BACK);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_chosen), cmocka_unit_test(test_fell), cmocka_unit_test(test_due)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
