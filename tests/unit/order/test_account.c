// tests/unit/order/test_account.c – ledger, positions, trades: every figure worked out by hand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "order/account.h"

#define E8(units) ((int64_t)(units) * CASH_ONE)

struct fixture {
  struct account a;
  uint64_t order;
  struct fill_result r;
};

static void open_with(struct fixture *f, struct decimal tick, struct decimal lot, bool hedging, int64_t leverage_e4) {
  struct instrument inst = {.symbol = "X", .tick = tick, .lot = lot, .multiplier = {1, 0}};
  struct err err;
  int s;
  memset(f, 0, sizeof *f);
  assert_int_equal(instrument_finish(&inst, &err), OK);
  account_init(&f->a, hedging);
  assert_true(account_deposit(&f->a, (cash){E8(1000)}));
  assert_int_equal(account_symbol_add(&f->a, &inst, leverage_e4, &s, &err), OK);
}

static void open_plain(struct fixture *f) { open_with(f, (struct decimal){1, 0}, (struct decimal){1, 0}, false, LEVERAGE_ONE_E4); }

static bool trade_leg(struct fixture *f, enum leg leg, int64_t lots, int64_t px, int64_t fee_e8) {
  struct fill x = {.order = ++f->order, .leg = leg, .side = lots > 0 ? SIDE_BUY : SIDE_SELL, .qty = {lots > 0 ? lots : -lots},
                   .px = {px}, .fee = {fee_e8}, .time_ns = (int64_t)f->order};
  bool ok = account_fill(&f->a, &x, &f->r);
  account_mark(&f->a, 0, (price){px});
  account_check(&f->a);
  return ok;
}

static void trade(struct fixture *f, int64_t lots, int64_t px) { assert_true(trade_leg(f, LEG_NET, lots, px, 0)); }

static void test_ledger_two_entries(void **state) {
  (void)state;
  struct ledger l;
  ledger_init(&l);
  assert_true(ledger_post(&l, BOOK_DEPOSIT, (cash){500}));
  assert_true(ledger_post(&l, BOOK_FEES, (cash){-20}));
  assert_true(ledger_post(&l, BOOK_REALISED, (cash){7}));
  assert_int_equal(ledger_cash(&l).e8, 487);
  assert_int_equal(ledger_total(&l, BOOK_FEES).e8, -20);
  ledger_check(&l);
  assert_false(ledger_post(&l, BOOK_DEPOSIT, (cash){INT64_MAX}));  // refused whole
  assert_int_equal(ledger_cash(&l).e8, 487);
  ledger_check(&l);
}

static void test_netting_average_and_flip(void **state) {
  (void)state;
  struct fixture f;
  open_plain(&f);
  trade(&f, 10, 100);
  trade(&f, 10, 110);
  assert_true(account_avg_ticks(&f.a, 0, LEG_NET) == 105.0);
  trade(&f, -5, 120);                                    // 5 × 15
  assert_int_equal(f.r.realised.e8, E8(75));
  assert_true(account_avg_ticks(&f.a, 0, LEG_NET) == 105.0);  // reducing leaves the average
  uint64_t first = f.a.symbols[0].pos[LEG_NET].id;
  trade(&f, -20, 90);                                    // closes 15 at −15 each, opens 5 short
  assert_int_equal(f.r.change, POSITION_FLIPPED);
  assert_int_equal(f.r.realised.e8, E8(-225));
  assert_int_equal(account_lots(&f.a, 0, LEG_NET), -5);
  assert_true(account_avg_ticks(&f.a, 0, LEG_NET) == 90.0);
  assert_true(f.a.symbols[0].pos[LEG_NET].id > first);
  trade(&f, 5, 80);
  assert_int_equal(account_balance(&f.a).e8, E8(1000 + 75 - 225 + 50));
  account_finish(&f.a);
}

static void test_trades_are_first_in_first_out(void **state) {
  (void)state;
  struct fixture f;
  open_plain(&f);
  assert_true(trade_leg(&f, LEG_NET, 10, 100, 30));
  assert_true(trade_leg(&f, LEG_NET, 10, 110, 50));
  assert_true(trade_leg(&f, LEG_NET, -15, 120, 31));
  assert_int_equal(f.a.trades.count, 2);
  const struct trade *t = f.a.trades.items;
  assert_int_equal(t[0].qty.lots, 10);
  assert_int_equal(t[0].pnl.e8, E8(200) - 30 - 20);      // 31 × 10 / 15 is 20.67: the rest goes to the last
  assert_int_equal(t[1].qty.lots, 5);
  assert_int_equal(t[1].pnl.e8, E8(50) - 25 - 11);
  assert_int_equal(t[1].entry_px.ticks, 110);
  assert_int_equal(t[0].position_id, t[1].position_id);
  assert_int_equal(ledger_total(&f.a.ledger, BOOK_FEES).e8, -111);
  account_finish(&f.a);
}

static void test_mae_and_mfe_in_money(void **state) {
  (void)state;
  struct fixture f;
  open_plain(&f);
  trade(&f, 2, 100);
  lot_list_extend(&f.a.symbols[0].pos[LEG_NET].open, (price){93});
  lot_list_extend(&f.a.symbols[0].pos[LEG_NET].open, (price){104});
  trade(&f, 1, 104);
  lot_list_extend(&f.a.symbols[0].pos[LEG_NET].open, (price){108});
  trade(&f, -3, 106);
  assert_int_equal(f.a.trades.items[0].mae.e8, E8(-14));
  assert_int_equal(f.a.trades.items[0].mfe.e8, E8(16));
  assert_int_equal(f.a.trades.items[1].mae.e8, 0);
  assert_int_equal(f.a.trades.items[1].mfe.e8, E8(4));
  account_finish(&f.a);
}

static void test_hedging_keeps_two_legs(void **state) {
  (void)state;
  struct fixture f;
  open_with(&f, (struct decimal){1, 0}, (struct decimal){1, 0}, true, LEVERAGE_ONE_E4);
  assert_true(trade_leg(&f, LEG_LONG, 3, 100, 0));
  assert_true(trade_leg(&f, LEG_SHORT, -2, 110, 0));
  assert_int_equal(account_lots(&f.a, 0, LEG_NET), 1);
  assert_int_equal(account_unrealised(&f.a, 0).e8, E8(30));      // at 110
  assert_true(trade_leg(&f, LEG_SHORT, 2, 105, 0));
  assert_int_equal(f.r.realised.e8, E8(10));
  assert_int_equal(account_lots(&f.a, 0, LEG_LONG), 3);
  account_finish(&f.a);
}

// Thirds of a cent: after any number of partial closes, flat means exact.
static void test_no_drift_over_many_partial_closes(void **state) {
  (void)state;
  struct fixture f;
  open_with(&f, (struct decimal){1, 10}, (struct decimal){1, 0}, false, LEVERAGE_ONE_E4);
  int128 raw = 0;
  int64_t lots = 0;
  uint32_t x = 7;
  for (int i = 0; i < 3000; i++) {
    x = x * 1664525u + 1013904223u;
    int64_t n = (int64_t)(x >> 28) + 1, px = 10000000000 + (int64_t)(x >> 12) % 1000003;
    if (i % 3 == 0 && lots > n) n = -n;
    raw -= (int128)n * px;
    lots += n;
    trade(&f, n, px);
  }
  trade(&f, -lots, 10000000077);
  raw += (int128)lots * 10000000077;
  assert_int_equal(account_balance(&f.a).e8 - E8(1000), (int64_t)div_floor(raw + 50, 100));
  account_finish(&f.a);
}

static void test_leverage_one_equals_spot(void **state) {
  (void)state;
  struct fixture f;
  open_plain(&f);
  trade(&f, 7, 100);
  account_mark(&f.a, 0, (price){140});
  assert_int_equal(account_equity(&f.a).e8, E8(1280));
  assert_int_equal(account_free(&f.a).e8, E8(300));       // what was not spent, whatever the price does
  account_mark(&f.a, 0, (price){20});
  assert_int_equal(account_free(&f.a).e8, E8(300));
  account_finish(&f.a);
}

static void test_leverage_ties_a_part(void **state) {
  (void)state;
  struct fixture f;
  open_with(&f, (struct decimal){1, 0}, (struct decimal){1, 0}, false, 5 * LEVERAGE_ONE_E4);
  trade(&f, -20, 100);
  assert_int_equal(account_margin(&f.a).e8, E8(400));
  account_mark(&f.a, 0, (price){110});
  assert_int_equal(account_equity(&f.a).e8, E8(800));
  assert_int_equal(account_free(&f.a).e8, E8(800 - 440));
  account_finish(&f.a);
}

static void test_overflow_changes_nothing(void **state) {
  (void)state;
  struct fixture f;
  open_plain(&f);
  trade(&f, 5, 100);
  assert_false(trade_leg(&f, LEG_NET, INT64_MAX, 100, 0));
  assert_false(trade_leg(&f, LEG_NET, -5, INT64_MAX, 0));
  assert_false(trade_leg(&f, LEG_NET, -5, 100, INT64_MIN));
  assert_int_equal(account_lots(&f.a, 0, LEG_NET), 5);
  assert_int_equal(account_balance(&f.a).e8, E8(1000));
  assert_int_equal(f.a.trades.count, 0);
  account_finish(&f.a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ledger_two_entries), cmocka_unit_test(test_netting_average_and_flip),
    cmocka_unit_test(test_trades_are_first_in_first_out), cmocka_unit_test(test_mae_and_mfe_in_money),
    cmocka_unit_test(test_hedging_keeps_two_legs), cmocka_unit_test(test_no_drift_over_many_partial_closes),
    cmocka_unit_test(test_leverage_one_equals_spot), cmocka_unit_test(test_leverage_ties_a_part),
    cmocka_unit_test(test_overflow_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
