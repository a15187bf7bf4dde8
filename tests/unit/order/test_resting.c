// tests/unit/order/test_resting.c – an order meets another of its account exactly when their prices cross.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "order/resting.h"

static void test_crossing(void **state) {
  (void)state;
  struct resting r;
  resting_init(&r);
  assert_null(resting_meets(&r, SIDE_BUY, NO_PRICE));
  assert_true(resting_reserve(&r, 3));
  resting_add(&r, 1, 7, SIDE_SELL, (price){105});
  resting_add(&r, 2, 8, SIDE_BUY, (price){95});
  assert_null(resting_meets(&r, SIDE_BUY, (price){104}));
  assert_int_equal(resting_meets(&r, SIDE_BUY, (price){105})->bot, 7);
  assert_int_equal(resting_meets(&r, SIDE_BUY, NO_PRICE)->id, 1);
  assert_null(resting_meets(&r, SIDE_SELL, (price){96}));
  assert_int_equal(resting_meets(&r, SIDE_SELL, (price){95})->id, 2);
  assert_int_equal(resting_meets(&r, SIDE_SELL, NO_PRICE)->id, 2);
  resting_move(&r, 1, (price){100});
  assert_int_equal(resting_meets(&r, SIDE_BUY, (price){100})->id, 1);
  resting_move(&r, 99, (price){100});
  assert_true(resting_remove(&r, 1));
  assert_false(resting_remove(&r, 1));
  assert_null(resting_meets(&r, SIDE_BUY, NO_PRICE));
  resting_add(&r, 3, 9, SIDE_SELL, NO_PRICE);               // a market order on its way: a limit could overtake it
  assert_null(resting_meets(&r, SIDE_BUY, NO_PRICE));
  assert_int_equal(resting_meets(&r, SIDE_BUY, (price){1})->id, 3);
  assert_true(resting_remove(&r, 3));
  assert_null(resting_meets(&r, SIDE_BUY, (price){1}));
  resting_finish(&r);
}

static void test_random(void **state) {
  (void)state;
  struct resting r;
  static struct resting_order all[5000];                     // side 0: gone
  uint64_t x = 31337, next = 1;
  resting_init(&r);
  for (int i = 0; i < 4000; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    uint64_t pick = 1 + (x >> 20) % next;
    price px = {(int64_t)((x >> 40) % 400)};
    enum side side = x >> 8 & 1 ? SIDE_BUY : SIDE_SELL;
    if (x % 3 == 0) {
      assert_true(resting_reserve(&r, 1));
      price limit = x >> 50 & 7 ? px : NO_PRICE;
      resting_add(&r, next, 1, side, limit);
      all[next] = (struct resting_order){next, 1, side, limit};
      next++;
    } else if (x % 3 == 1) {
      assert_int_equal(resting_remove(&r, pick), all[pick].side != 0);
      all[pick].side = 0;
    } else {
      resting_move(&r, pick, px);
      all[pick].limit = px;
    }
    bool cross = false, limits = false, takers = false;
    for (uint64_t k = 1; k < next; k++) {
      if (all[k].side == 0 || all[k].side == side) continue;
      if (!price_given(all[k].limit)) takers = true;
      else limits = true, cross |= side == SIDE_BUY ? px.ticks >= all[k].limit.ticks : px.ticks <= all[k].limit.ticks;
    }
    const struct resting_order *met = resting_meets(&r, side, px);
    assert_int_equal(met != NULL, cross || takers);
    if (met) assert_true(all[met->id].side == met->side && all[met->id].limit.ticks == met->limit.ticks && met->side != side);
    if (met) assert_int_equal(price_given(met->limit), cross);
    assert_int_equal(resting_meets(&r, side, NO_PRICE) != NULL, limits);
  }
  resting_finish(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_crossing), cmocka_unit_test(test_random)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
