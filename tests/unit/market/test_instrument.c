// Tests of the arithmetic between ticks, lots and money.
#include "market/instrument.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct instrument make(struct decimal tick, struct decimal lot, struct decimal multiplier) {
  struct instrument inst = {.symbol = "X", .tick = tick, .lot = lot, .multiplier = multiplier};
  struct err err;
  if (instrument_finish(&inst, &err) != OK) fail_msg("%s", err.msg);
  return inst;
}

static void check_fields(void **state) {
  (void)state;
  static const struct {
    struct instrument inst;
    const char *reason;
  } bad[] = {
      {{.symbol = "", .tick = {1, 2}, .lot = {1, 0}, .multiplier = {1, 0}}, "symbol"},
      {{.symbol = "X", .tick = {0, 2}, .lot = {1, 0}, .multiplier = {1, 0}}, "tick must be positive"},
      {{.symbol = "X", .tick = {1, 2}, .lot = {-1, 0}, .multiplier = {1, 0}}, "lot must be positive"},
      {{.symbol = "X", .tick = {1, 2}, .lot = {1, 0}, .multiplier = {0, 0}}, "multiplier must be positive"},
      {{.symbol = "X", .tick = {1, 19}, .lot = {1, 0}, .multiplier = {1, 0}}, "tick has a bad scale"},
      {{.symbol = "X", .tick = {1, 18}, .lot = {1, 18}, .multiplier = {1, 0}}, "too many digits"},
      {{.symbol = "X", .tick = {INT64_MAX, 0}, .lot = {INT64_MAX, 0}, .multiplier = {1, 0}}, "too many digits"},
      {{.symbol = "X", .tick = {1, 2}, .lot = {1, 0}, .multiplier = {1, 0}, .min_qty = {-1}}, "smallest quantity"},
      {{.symbol = "X", .tick = {1, 2}, .lot = {1, 0}, .multiplier = {1, 0}, .min_qty = {5}, .max_order_qty = {4}}, "largest"},
      {{.symbol = "X", .tick = {1, 2}, .lot = {1, 0}, .multiplier = {1, 0}, .min_notional = {-1}}, "smallest notional"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct instrument inst = bad[i].inst;
    struct err err;
    assert_int_equal(instrument_finish(&inst, &err), ERR_INVALID);
    if (!strstr(err.msg, bad[i].reason)) fail_msg("%s: %s", bad[i].reason, err.msg);
  }
}

static void check_notional(void **state) {
  (void)state;
  struct instrument btc = make((struct decimal){1, 2}, (struct decimal){1, 6}, (struct decimal){1, 0});
  cash c;
  assert_true(instrument_notional(&btc, (price){5673876}, (quantity){1500000}, ROUND_NEAREST, &c));
  assert_int_equal(c.e8, INT64_C(8510814000000));  // 56738.76 × 1.5 = 85108.14
  assert_true(instrument_notional(&btc, (price){5673876}, (quantity){-1500000}, ROUND_NEAREST, &c));
  assert_int_equal(c.e8, -INT64_C(8510814000000));
  struct instrument es = make((struct decimal){25, 2}, (struct decimal){1, 0}, (struct decimal){50, 0});
  assert_true(instrument_notional(&es, (price){4 * 4500 + 1}, (quantity){2}, ROUND_NEAREST, &c));
  assert_int_equal(c.e8, INT64_C(45002500000000));  // 4500.25 × 2 × 50
  // Finer than 1e-8: the mode decides.
  struct instrument tiny = make((struct decimal){1, 6}, (struct decimal){1, 5}, (struct decimal){1, 0});
  static const struct { int64_t lots, floor, ceil, nearest; } rounding[] = {
      {10, 0, 1, 0}, {499, 0, 1, 0}, {500, 0, 1, 1}, {1000, 1, 1, 1}, {-10, -1, 0, 0}, {-500, -1, 0, -1}, {-1500, -2, -1, -2}};
  for (size_t i = 0; i < sizeof rounding / sizeof rounding[0]; i++) {
    cash f, u, n;
    assert_true(instrument_notional(&tiny, (price){1}, (quantity){rounding[i].lots}, ROUND_FLOOR, &f));
    assert_true(instrument_notional(&tiny, (price){1}, (quantity){rounding[i].lots}, ROUND_CEIL, &u));
    assert_true(instrument_notional(&tiny, (price){1}, (quantity){rounding[i].lots}, ROUND_NEAREST, &n));
    assert_int_equal(f.e8, rounding[i].floor);
    assert_int_equal(u.e8, rounding[i].ceil);
    assert_int_equal(n.e8, rounding[i].nearest);
  }
}

static void check_notional_overflow(void **state) {
  (void)state;
  struct instrument big = make((struct decimal){1, 0}, (struct decimal){1, 0}, (struct decimal){1, 0});
  cash c = {42};
  assert_false(instrument_notional(&big, (price){INT64_MAX}, (quantity){INT64_MAX}, ROUND_NEAREST, &c));
  assert_false(instrument_notional(&big, (price){INT64_MAX}, (quantity){INT64_MIN}, ROUND_FLOOR, &c));
  assert_false(instrument_notional(&big, (price){100000000000}, (quantity){1}, ROUND_FLOOR, &c));
  assert_int_equal(c.e8, 42);
  assert_true(instrument_notional(&big, (price){92233720368}, (quantity){1}, ROUND_FLOOR, &c));
  assert_int_equal(c.e8, INT64_C(9223372036800000000));
}

static void check_doubles_equal_strtod(void **state) {
  (void)state;
  static const struct decimal ticks[] = {{1, 2}, {1, 5}, {1, 8}, {25, 2}, {5, 1}, {1, 0}, {1, 13}};
  uint64_t seed = 7;
  for (size_t k = 0; k < sizeof ticks / sizeof ticks[0]; k++) {
    struct instrument inst = make(ticks[k], (struct decimal){1, 3}, (struct decimal){1, 0});
    for (int i = 0; i < 2000; i++) {
      seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
      price px = {(int64_t)((seed >> 20) % UINT64_C(30000000000000))};
      char text[DECIMAL_TEXT_MAX];
      double value = strtod(price_text(&inst, px, text), NULL);
      assert_true(price_double(&inst, px) == value);
      // And back, in every mode: a script that returns a price it was given means that price.
      for (enum round_mode mode = ROUND_FLOOR; mode <= ROUND_NEAREST; mode++) {
        price back;
        assert_true(price_from_double(&inst, value, mode, &back));
        assert_int_equal(back.ticks, px.ticks);
      }
    }
  }
}

static void check_from_double(void **state) {
  (void)state;
  struct instrument inst = make((struct decimal){1, 1}, (struct decimal){1, 3}, (struct decimal){1, 0});
  static const struct { double value; int64_t floor, ceil, nearest; } cases[] = {
      {0.1 + 0.2, 3, 3, 3}, {0.35, 3, 4, 4},   {0.34, 3, 4, 3},     {-0.34, -4, -3, -3}, {0, 0, 0, 0},
      {1e15, INT64_C(10000000000000000), INT64_C(10000000000000000), INT64_C(10000000000000000)},
      {99999.951, 999999, 1000000, 1000000},   {0.29999999, 2, 3, 3}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    price f, u, n;
    assert_true(price_from_double(&inst, cases[i].value, ROUND_FLOOR, &f));
    assert_true(price_from_double(&inst, cases[i].value, ROUND_CEIL, &u));
    assert_true(price_from_double(&inst, cases[i].value, ROUND_NEAREST, &n));
    assert_int_equal(f.ticks, cases[i].floor);
    assert_int_equal(u.ticks, cases[i].ceil);
    assert_int_equal(n.ticks, cases[i].nearest);
  }
  price px = {5};
  static const double bad[] = {NAN, INFINITY, -INFINITY, 1e19, -1e300};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(price_from_double(&inst, bad[i], ROUND_FLOOR, &px));
  assert_int_equal(px.ticks, 5);
  quantity q;
  assert_true(quantity_from_double(&inst, 1.2345, ROUND_FLOOR, &q));
  assert_int_equal(q.lots, 1234);
  // With a tiny increment the snap must not turn a floor into a ceiling.
  struct instrument fine = make((struct decimal){1, 8}, (struct decimal){1, 8}, (struct decimal){1, 0});
  assert_true(quantity_from_double(&fine, 1000.000000007, ROUND_FLOOR, &q));
  assert_int_equal(q.lots, INT64_C(100000000000));
}

static void check_texts(void **state) {
  (void)state;
  char text[DECIMAL_TEXT_MAX];
  struct instrument inst = make((struct decimal){25, 2}, (struct decimal){1, 3}, (struct decimal){1, 0});
  assert_string_equal(price_text(&inst, (price){-3}, text), "-0.75");
  assert_string_equal(quantity_text(&inst, (quantity){1500}, text), "1.5");
  assert_string_equal(cash_text((cash){-1}, text), "-0.00000001");
  assert_string_equal(cash_text((cash){INT64_MIN}, text), "-92233720368.54775808");
  assert_true(strlen(price_text(&inst, (price){INT64_MAX}, text)) < DECIMAL_TEXT_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_fields),      cmocka_unit_test(check_notional), cmocka_unit_test(check_notional_overflow),
      cmocka_unit_test(check_doubles_equal_strtod), cmocka_unit_test(check_from_double), cmocka_unit_test(check_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
