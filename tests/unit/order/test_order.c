// tests/unit/order/test_order.c – the order's life as a table, and its arithmetic.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "order/order.h"

static struct order make(int64_t lots) {
  return (struct order){.id = 1, .side = SIDE_BUY, .qty = {lots}, .limit = NO_PRICE, .trigger = NO_PRICE};
}

static void test_moves_allowed(void **state) {
  (void)state;
  // rows: from; columns in the order of the list; x allowed
  static const char *const table[ORDER_STATUS_COUNT] = {
    // NEW SENT OPEN PARTIAL FILLED CANCELED EXPIRED REJECTED PEND_CANCEL PEND_MODIFY UNKNOWN DENIED
    [ORDER_NEW] = ".xx..xxx..xx",
    [ORDER_SENT] = "..xxxxxxxxx.",
    [ORDER_OPEN] = "...xxxxxxxx.",
    [ORDER_PARTIAL] = "...xxxx.xxx.",
    [ORDER_FILLED] = "............",
    [ORDER_CANCELED] = "............",
    [ORDER_EXPIRED] = "............",
    [ORDER_REJECTED] = "............",
    [ORDER_PENDING_CANCEL] = ".xxxxxxxx.x.",
    [ORDER_PENDING_MODIFY] = ".xxxxxxxxxx.",
    [ORDER_UNKNOWN] = ".xxxxxxx..x.",
    [ORDER_DENIED] = "............",
  };
  for (int from = 0; from < ORDER_STATUS_COUNT; from++)
    for (int to = 0; to < ORDER_STATUS_COUNT; to++)
      assert_int_equal(order_status_can(from, to), table[from][to] == 'x');
}

static void test_end_states_end(void **state) {
  (void)state;
  for (int from = 0; from < ORDER_STATUS_COUNT; from++)
    for (int to = 0; to < ORDER_STATUS_COUNT; to++)
      if (order_status_final(from)) assert_false(order_status_can(from, to));
}

static void test_fills_add_up(void **state) {
  (void)state;
  struct order o = make(10);
  order_move(&o, ORDER_OPEN, REASON_NONE);
  assert_true(order_fill(&o, (price){100}, (quantity){4}));
  assert_int_equal(o.status, ORDER_PARTIAL);
  assert_int_equal(order_left(&o).lots, 6);
  assert_true(order_fill(&o, (price){110}, (quantity){6}));
  assert_int_equal(o.status, ORDER_FILLED);
  int128 num;
  int64_t den;
  assert_true(order_avg(&o, &num, &den));
  assert_true(num == 1060 && den == 10);
}

static void test_a_fill_overtakes_a_cancel(void **state) {
  (void)state;
  struct order o = make(10);
  order_move(&o, ORDER_OPEN, REASON_NONE);
  order_move(&o, ORDER_PENDING_CANCEL, REASON_SCRIPT);
  assert_true(order_fill(&o, (price){100}, (quantity){4}));
  assert_int_equal(o.status, ORDER_PENDING_CANCEL);
  assert_int_equal(o.reason, REASON_SCRIPT);
  assert_true(order_fill(&o, (price){100}, (quantity){6}));
  assert_int_equal(o.status, ORDER_FILLED);
  assert_int_equal(o.reason, REASON_NONE);
}

static void test_value_overflow_is_refused(void **state) {
  (void)state;
  struct order o = make(INT64_MAX);
  order_move(&o, ORDER_OPEN, REASON_NONE);
  assert_false(order_fill(&o, (price){INT64_MAX}, (quantity){INT64_MAX}));
  assert_int_equal(o.filled.lots, 0);
  assert_int_equal(o.status, ORDER_OPEN);
}

static void test_every_reason_explains_itself(void **state) {
  (void)state;
  for (int r = 0; r < REASON_COUNT; r++) {
    assert_true(strlen(reason_text(r)) > 10 && strlen(reason_advice(r)) > 10);
    for (int other = 0; other < r; other++) assert_string_not_equal(reason_code(r), reason_code(other));
  }
  assert_string_equal(reason_code(REASON_MIN_QTY), "MIN_QTY");
  assert_string_equal(order_status_text(ORDER_PENDING_CANCEL), "pending_cancel");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_moves_allowed), cmocka_unit_test(test_end_states_end), cmocka_unit_test(test_fills_add_up),
    cmocka_unit_test(test_a_fill_overtakes_a_cancel), cmocka_unit_test(test_value_overflow_is_refused),
    cmocka_unit_test(test_every_reason_explains_itself),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
