// tests/unit/risk/test_risk.c – every denial that risk can give, with its limit and value, and what must pass in spite of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "risk/risk.h"

#define E8(units) ((int64_t)(units) * CASH_ONE)

struct fixture {
  struct account a;
  struct risk_limits limits;
  struct risk_state state;
  struct risk_fees fees;
  struct risk_verdict v;
};

// 1000 of cash, price 100, lots of 0.1.
static void open_account(struct fixture *f, int64_t leverage_e4) {
  struct instrument inst = {.symbol = "X", .tick = {1, 0}, .lot = {1, 1}, .multiplier = {1, 0}, .min_qty = {2}, .min_notional = {E8(30)},
                            .max_order_qty = {500}};
  struct err err;
  int s;
  memset(f, 0, sizeof *f);
  assert_int_equal(instrument_finish(&inst, &err), OK);
  account_init(&f->a, false);
  assert_true(account_deposit(&f->a, (cash){E8(1000)}));
  assert_int_equal(account_symbol_add(&f->a, &inst, leverage_e4, &s, &err), OK);
  account_mark(&f->a, 0, (price){100});
  risk_limits_init(&f->limits);
  risk_state_init(&f->state, account_equity(&f->a));
}

static struct intent order_of(enum side side, enum size_kind kind, int64_t size) {
  struct intent in;
  intent_init(&in, 0, side);
  in.size_kind = kind;
  in.size = size;
  return in;
}

static enum reason ask(struct fixture *f, const struct intent *in) {
  f->v = risk_check(&f->a, in, &f->limits, &f->state, &f->fees, false, 0);
  if (f->v.ok) {
    assert_true(f->v.qty.lots > 0);
    return REASON_NONE;
  }
  assert_true(f->v.denial.msg[0] != 0);
  return f->v.denial.code;
}

static enum reason ask_qty(struct fixture *f, enum side side, int64_t lots) {
  struct intent in = order_of(side, SIZE_QTY, lots);
  return ask(f, &in);
}

static void hold(struct fixture *f, int64_t lots) {
  struct fill x = {.order = 1, .side = lots > 0 ? SIDE_BUY : SIDE_SELL, .qty = {lots > 0 ? lots : -lots}, .px = {100}};
  struct fill_result r;
  assert_true(account_fill(&f->a, &x, &r));
}

static void test_sizes_round_down_to_lots(void **state) {
  (void)state;
  struct fixture f;
  open_account(&f, LEVERAGE_ONE_E4);
  struct intent in = order_of(SIDE_BUY, SIZE_NOTIONAL, E8(555));
  assert_int_equal(ask(&f, &in), REASON_NONE);
  assert_int_equal(f.v.qty.lots, 55);
  in = order_of(SIDE_BUY, SIZE_PCT, 99900000);           // 99.9 % of 1000
  assert_int_equal(ask(&f, &in), REASON_NONE);
  assert_int_equal(f.v.qty.lots, 99);
  in = order_of(SIDE_BUY, SIZE_RISK, 2000000);           // 2 % = 20, 7 a unit at risk
  in.sl.ticks = 93;
  assert_int_equal(ask(&f, &in), REASON_NONE);
  assert_int_equal(f.v.qty.lots, 28);
  in.sl.ticks = 107;
  assert_int_equal(ask(&f, &in), REASON_BAD_PRICE);
  in.sl = NO_PRICE;
  assert_int_equal(ask(&f, &in), REASON_BAD_RISK);
  in = order_of(SIDE_BUY, SIZE_NOTIONAL, E8(555));
  in.type = ORDER_LIMIT;
  in.limit.ticks = 50;                                   // a limit is sized at its own price
  assert_int_equal(ask(&f, &in), REASON_NONE);
  assert_int_equal(f.v.qty.lots, 111);
  risk_state_finish(&f.state);
  account_finish(&f.a);
}

// An exit at the price itself would be hit by the entry.
static void test_exits_at_the_price_itself(void **state) {
  (void)state;
  struct fixture f;
  open_account(&f, LEVERAGE_ONE_E4);
  for (int side = -1; side <= 1; side += 2)
    for (int off = -1; off <= 1; off++) {
      struct intent in = order_of(side, SIZE_QTY, 5);
      in.sl.ticks = 100 + off;
      assert_int_equal(ask(&f, &in), off * side < 0 ? REASON_NONE : REASON_BAD_PRICE);
      in.sl = NO_PRICE;
      in.tp.ticks = 100 + off;
      assert_int_equal(ask(&f, &in), off * side > 0 ? REASON_NONE : REASON_BAD_PRICE);
    }
  risk_state_finish(&f.state);
  account_finish(&f.a);
}

// What is left of a position may always be closed, however small; what adds to it has the instrument's minimum and lot.
static void test_only_the_whole_position_may_be_too_small(void **state) {
  (void)state;
  for (int side = -1; side <= 1; side += 2) {
    struct fixture f;
    open_account(&f, 2 * LEVERAGE_ONE_E4);
    hold(&f, side);
    assert_int_equal(ask_qty(&f, side, 1), REASON_MIN_QTY);
    assert_int_equal(ask_qty(&f, -side, 1), REASON_NONE);
    risk_state_finish(&f.state);
  account_finish(&f.a);
  }
}

static void test_instrument_minimums(void **state) {
  (void)state;
  struct fixture f;
  open_account(&f, LEVERAGE_ONE_E4);
  assert_int_equal(ask_qty(&f, SIDE_BUY, 1), REASON_MIN_QTY);
  assert_true(f.v.denial.limit == 0.2 && f.v.denial.value == 0.1);
  assert_int_equal(ask_qty(&f, SIDE_BUY, 2), REASON_MIN_NOTIONAL);
  assert_true(f.v.denial.limit == 30 && f.v.denial.value == 20);
  assert_int_equal(ask_qty(&f, SIDE_BUY, 3), REASON_NONE);
  assert_int_equal(ask_qty(&f, SIDE_BUY, 501), REASON_MAX_ORDER);
  hold(&f, 1);                                           // a rest may always be closed
  struct intent in = order_of(SIDE_SELL, SIZE_CLOSE, 0);
  assert_int_equal(ask(&f, &in), REASON_NONE);
  assert_int_equal(f.v.qty.lots, 1);
  assert_true(f.v.reduce);
  risk_state_finish(&f.state);
  account_finish(&f.a);
}

static void test_margin(void **state) {
  (void)state;
  struct fixture f;
  open_account(&f, LEVERAGE_ONE_E4);
  assert_int_equal(ask_qty(&f, SIDE_BUY, 100), REASON_NONE);
  f.fees.taker_frac_e8 = 100000;
  assert_int_equal(ask_qty(&f, SIDE_BUY, 100), REASON_MARGIN);   // no room for the fee of 1
  assert_true(f.v.denial.limit == 1000 && f.v.denial.value == 1001);
  assert_int_equal(ask_qty(&f, SIDE_BUY, 99), REASON_NONE);
  struct intent in = order_of(SIDE_BUY, SIZE_PCT, 100000000);
  assert_int_equal(ask(&f, &in), REASON_NONE);                   // cut at the fill instead
  f.a.symbols[0].work_buy_lots = 50;                             // working orders count
  f.a.symbols[0].work_buy_e8 = E8(500);
  f.a.work_count = 1;
  assert_int_equal(ask_qty(&f, SIDE_BUY, 50), REASON_MARGIN);
  f.a.symbols[0].work_buy_lots = f.a.symbols[0].work_buy_e8 = 0;
  hold(&f, 99);
  assert_int_equal(ask_qty(&f, SIDE_SELL, 99), REASON_NONE);     // an exit needs no funds
  assert_int_equal(ask_qty(&f, SIDE_SELL, 190), REASON_NONE);    // turning releases what the long tied
  assert_int_equal(ask_qty(&f, SIDE_SELL, 250), REASON_MARGIN);
  risk_state_finish(&f.state);
  account_finish(&f.a);
  open_account(&f, 3 * LEVERAGE_ONE_E4);
  assert_int_equal(ask_qty(&f, SIDE_BUY, 300), REASON_NONE);
  assert_int_equal(ask_qty(&f, SIDE_BUY, 301), REASON_MARGIN);
  risk_state_finish(&f.state);
  account_finish(&f.a);
}

static void test_prices_and_collar(void **state) {
  (void)state;
  struct fixture f;
  open_account(&f, LEVERAGE_ONE_E4);
  struct intent in = order_of(SIDE_BUY, SIZE_QTY, 5);
  in.type = ORDER_LIMIT;
  in.limit.ticks = 0;
  assert_int_equal(ask(&f, &in), REASON_BAD_PRICE);
  in.limit.ticks = 40;
  assert_int_equal(ask(&f, &in), REASON_MIN_NOTIONAL);
  in.size = 10;
  assert_int_equal(ask(&f, &in), REASON_NONE);
  f.limits.collar_frac_e8 = 50000000;
  assert_int_equal(ask(&f, &in), REASON_COLLAR);
  assert_true(f.v.denial.limit == 50 && f.v.denial.value == 60);
  in.limit.ticks = 50;
  assert_int_equal(ask(&f, &in), REASON_NONE);
  in.tp.ticks = 49;
  assert_int_equal(ask(&f, &in), REASON_BAD_PRICE);
  f.a.symbols[0].mark = NO_PRICE;
  assert_int_equal(ask_qty(&f, SIDE_BUY, 5), REASON_NO_PRICE);
  risk_state_finish(&f.state);
  account_finish(&f.a);
}

static void test_limits_spare_exits(void **state) {
  (void)state;
  struct fixture f;
  open_account(&f, LEVERAGE_ONE_E4);
  hold(&f, 50);
  f.limits.max_order_e8 = E8(200);
  assert_int_equal(ask_qty(&f, SIDE_BUY, 21), REASON_MAX_ORDER);
  assert_int_equal(ask_qty(&f, SIDE_SELL, 50), REASON_NONE);
  f.limits.max_order_e8 = 0;
  f.limits.max_position_e8 = E8(600);
  assert_int_equal(ask_qty(&f, SIDE_BUY, 10), REASON_NONE);
  assert_int_equal(ask_qty(&f, SIDE_BUY, 11), REASON_MAX_POSITION);
  f.limits.max_position_e8 = 0;
  f.state.halted = true;
  assert_int_equal(ask_qty(&f, SIDE_BUY, 10), REASON_HALTED);
  assert_int_equal(ask_qty(&f, SIDE_SELL, 10), REASON_NONE);
  f.state.halted = false;
  f.state.closed = true;
  assert_int_equal(ask_qty(&f, SIDE_SELL, 10), REASON_CLOSED);
  f.state.closed = false;
  account_mark(&f.a, 0, (price){80});                    // 5 × −20
  f.limits.day_loss_e8 = E8(100);
  assert_int_equal(ask_qty(&f, SIDE_BUY, 10), REASON_DAY_LOSS);
  assert_int_equal(ask_qty(&f, SIDE_SELL, 10), REASON_NONE);
  risk_state_day(&f.state, account_equity(&f.a));
  assert_int_equal(ask_qty(&f, SIDE_BUY, 10), REASON_NONE);
  f.limits.drawdown_e8 = E8(90);
  assert_int_equal(ask_qty(&f, SIDE_BUY, 10), REASON_DRAWDOWN);
  risk_state_finish(&f.state);
  account_finish(&f.a);
}

static void test_counts(void **state) {
  (void)state;
  struct fixture f;
  open_account(&f, LEVERAGE_ONE_E4);
  f.a.work_count = 200;
  assert_int_equal(ask_qty(&f, SIDE_BUY, 5), REASON_MAX_OPEN);
  f.a.work_count = 0;
  f.limits.rate_count = 2;
  f.limits.rate_window_ns = 10;
  struct intent in = order_of(SIDE_BUY, SIZE_QTY, 5);
  const struct { int64_t at; bool ok; } times[] = {{0, true}, {5, true}, {9, false}, {10, true}, {14, false}, {15, true}};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    f.v = risk_check(&f.a, &in, &f.limits, &f.state, &f.fees, false, times[i].at);
    assert_int_equal(f.v.ok, times[i].ok);
    if (f.v.ok) risk_state_sent(&f.state, times[i].at);
    else assert_int_equal(f.v.denial.code, REASON_RATE);
  }
  risk_state_finish(&f.state);
  account_finish(&f.a);
}

static void test_reduce_only(void **state) {
  (void)state;
  struct fixture f;
  open_account(&f, LEVERAGE_ONE_E4);
  struct intent in = order_of(SIDE_SELL, SIZE_QTY, 10);
  in.reduce = true;
  assert_int_equal(ask(&f, &in), REASON_REDUCE_ONLY);
  hold(&f, 6);
  assert_int_equal(ask(&f, &in), REASON_NONE);
  assert_int_equal(f.v.qty.lots, 6);                     // clipped
  in.side = SIDE_BUY;
  assert_int_equal(ask(&f, &in), REASON_REDUCE_ONLY);
  risk_state_finish(&f.state);
  account_finish(&f.a);
}

static void test_nothing_wraps(void **state) {
  (void)state;
  struct fixture f;
  open_account(&f, LEVERAGE_ONE_E4);
  assert_int_equal(ask_qty(&f, SIDE_BUY, INT64_MAX), REASON_OVERFLOW);
  struct intent in = order_of(SIDE_BUY, SIZE_PCT, INT64_MAX);
  assert_int_equal(ask(&f, &in), REASON_OVERFLOW);
  in = order_of(SIDE_BUY, SIZE_QTY, INT64_MAX / 2);
  in.type = ORDER_LIMIT;
  in.limit.ticks = INT64_MAX;
  assert_int_equal(ask(&f, &in), REASON_OVERFLOW);
  risk_state_finish(&f.state);
  account_finish(&f.a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sizes_round_down_to_lots), cmocka_unit_test(test_instrument_minimums), cmocka_unit_test(test_margin),
    cmocka_unit_test(test_exits_at_the_price_itself), cmocka_unit_test(test_only_the_whole_position_may_be_too_small),
    cmocka_unit_test(test_prices_and_collar), cmocka_unit_test(test_limits_spare_exits), cmocka_unit_test(test_counts),
    cmocka_unit_test(test_reduce_only), cmocka_unit_test(test_nothing_wraps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
