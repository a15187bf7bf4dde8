// tests/unit/match/test_compat.c – the two compat models on a handful of bars, each case worked out from the engines' own
// rules (named beside it). The whole reference results are in ref_*.c; these stand where that data is missing.
#include "desk.h"

#define BUY SIDE_BUY
#define SELL SIDE_SELL

static void open_model(struct desk *d, enum fill_model model) {
  desk_init(d, model);
  d->symbol.inst.tick = (struct decimal){1, 2};  // cents, so that a spread of 1 % has room
  struct err err;
  assert_int_equal(instrument_finish(&d->symbol.inst, &err), OK);
}

static void begin(struct desk *d) {
  desk_open(d);
  matcher_mark(d->m, 0, (price){10000});
}

static uint64_t all_in(struct desk *d, enum side side, int64_t frac_e8) {
  struct intent in = desk_intent(side, 0);
  in.size_kind = SIZE_PCT;
  in.size = frac_e8;
  return desk_send(d, &in);
}

static void test_backtesting_all_in_with_spread_and_commission(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTESTING);
  d.symbol.costs.spread_frac_e8 = 1000000;
  d.symbol.fees.taker_frac_e8 = 200000;
  begin(&d);
  all_in(&d, BUY, 100000000);                     // rule 10: 10,000 / (101 + 0.2) = 98.8
  desk_bar(&d, 10000, 10100, 9900, 10000);
  desk_fill_is(&d, 0, BUY, 98, 10100);            // rule 9: entries pay the spread
  assert_int_equal(d.fills[0].fee.e8, 1979600000);
  struct intent in = desk_intent(SELL, 98);
  in.reduce = true;
  desk_send(&d, &in);
  desk_bar(&d, 11000, 11100, 10900, 11000);
  desk_fill_is(&d, 1, SELL, 98, 11000);           // exits do not
  desk_close(&d);
}

static void test_backtesting_all_in_without_rest_is_one_less(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTESTING);
  begin(&d);
  all_in(&d, BUY, 100000000);                     // "all" is 1 − 2^-52 of it: 99 of 100
  desk_bar(&d, 10000, 10100, 9900, 10000);
  desk_fill_is(&d, 0, BUY, 99, 10000);
  desk_close(&d);
}

static void test_backtesting_exits_meet_the_entry_bar(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTESTING);
  begin(&d);
  desk_bracket(&d, BUY, 10, 9500, 10500);         // rules 7, 8: both in the bar, the stop wins
  desk_bar(&d, 10000, 10600, 9400, 10400);
  desk_fill_is(&d, 1, SELL, 10, 9500);
  struct intent in = desk_intent(BUY, 10);
  in.type = ORDER_LIMIT, in.limit.ticks = 9900, in.sl.ticks = 9500, in.tp.ticks = 10500;
  desk_send(&d, &in);                             // rule 8: of a limit entry they live from the next bar
  desk_bar(&d, 10000, 10600, 9400, 10400);
  assert_int_equal(d.fill_count, 3);
  desk_bar(&d, 9450, 10600, 9400, 10400);
  desk_fill_is(&d, 3, SELL, 10, 9450);            // rule 7: min(open, sl)
  in = desk_intent(BUY, 10);
  in.type = ORDER_STOP, in.trigger.ticks = 10100, in.sl.ticks = 9000, in.tp.ticks = 10500;
  desk_send(&d, &in);                             // rule 8's exception: target reached, stop untouched
  desk_bar(&d, 10000, 10600, 9400, 10400);
  desk_fill_is(&d, 4, BUY, 10, 10100);
  desk_fill_is(&d, 5, SELL, 10, 10500);
  desk_close(&d);
}

static void test_backtesting_queue(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTESTING);
  begin(&d);
  uint64_t id = desk_bracket(&d, BUY, 10, 9500, 0);
  desk_bar(&d, 10000, 10100, 9900, 10000);
  struct intent in = desk_intent(SELL, 10);
  in.reduce = true;
  desk_send(&d, &in);                             // rule 4: the close stands in front of the older stop
  desk_bar(&d, 10000, 10100, 9400, 9500);
  desk_fill_is(&d, 1, SELL, 10, 10000);
  id = desk_bracket(&d, BUY, 10, 9500, 0);
  desk_bar(&d, 10000, 10100, 9900, 10000);
  desk_send(&d, &in);
  struct order_change c;
  order_change_init(&c);
  c.sl.ticks = 9600;
  assert_int_equal(matcher_modify(d.m, id, &c, d.now_ns), REASON_NONE);  // set again after it: before it
  desk_bar(&d, 10000, 10100, 9400, 9500);
  desk_fill_is(&d, 3, SELL, 10, 9600);
  desk_close(&d);
}

static void test_backtesting_closes_trade_by_trade(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTESTING);
  begin(&d);
  desk_market(&d, BUY, 10);
  desk_bar(&d, 10000, 10100, 9900, 10000);
  uint64_t second = desk_market(&d, BUY, 10);
  desk_bar(&d, 10200, 10300, 10100, 10200);
  struct intent in = desk_intent(SELL, 5);
  in.reduce = true, in.closes = second;
  desk_send(&d, &in);
  desk_bar(&d, 10200, 10300, 10100, 10200);
  assert_int_equal(matcher_account(d.m)->trades.items[0].entry_px.ticks, 10200);
  desk_market(&d, SELL, 12);                      // rule 12: opposite orders close the oldest first
  desk_bar(&d, 10200, 10300, 10100, 10200);
  assert_int_equal(matcher_account(d.m)->trades.items[1].entry_px.ticks, 10000);
  assert_int_equal(matcher_account(d.m)->trades.items[1].qty.lots, 10);
  assert_int_equal(matcher_account(d.m)->trades.items[2].qty.lots, 2);
  assert_int_equal(desk_lots(&d), 3);
  desk_close(&d);
}

static void test_backtesting_margin_is_counted_at_the_close(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTESTING);
  begin(&d);
  uint64_t id = desk_market(&d, BUY, 101);
  desk_bar(&d, 10000, 10100, 9900, 10000);        // rule 10: refused
  assert_int_equal(desk_order(&d, id)->status, ORDER_REJECTED);
  assert_int_equal(desk_order(&d, id)->reason, REASON_MARGIN);
  desk_market(&d, SELL, 60);                      // a short of 6,000; at close 90 equity is 10,600, margin 5,400
  desk_bar(&d, 10000, 10100, 8900, 9000);
  id = desk_market(&d, SELL, 57);                 // 57 × 90 = 5,130 <= 5,200
  desk_bar(&d, 9000, 9100, 8900, 9000);
  assert_int_equal(desk_order(&d, id)->status, ORDER_FILLED);
  desk_close(&d);
}

static void test_backtesting_trade_on_close_and_finalize(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTESTING);
  d.config.trade_on_close = true;
  begin(&d);
  desk_bar(&d, 10000, 10100, 9900, 10050);
  desk_market(&d, BUY, 10);
  desk_bar(&d, 10200, 10300, 10100, 10250);
  desk_fill_is(&d, 0, BUY, 10, 10050);            // rule 3
  assert_int_equal(d.fills[0].time_ns, 0);
  desk_close(&d);
  open_model(&d, MODEL_COMPAT_BACKTESTING);
  begin(&d);
  desk_market(&d, BUY, 10);
  desk_bar(&d, 10000, 10100, 9900, 10050);
  desk_bar(&d, 10200, 10300, 10100, 10250);
  struct bar last = {.open_ns = DESK_MINUTE, .open = {10200}, .high = {10300}, .low = {10100}, .close = {10250}};
  struct match_bar in = {.bar = &last, .close_ns = 2 * DESK_MINUTE};
  matcher_finalize(d.m, 0, &in);
  desk_drain(&d);
  desk_fill_is(&d, 1, SELL, 10, 10200);           // rule 13: the open of the last bar
  assert_int_equal(d.fills[1].tag, TAG_END);
  desk_close(&d);
}

static void test_backtesting_ruin_ends_the_run(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTESTING);
  d.symbol.leverage_e4 = 200000;
  begin(&d);
  desk_market(&d, BUY, 1000);
  desk_bar(&d, 10000, 10000, 9900, 9900);
  desk_bar(&d, 9000, 9000, 8800, 8900);
  assert_int_equal(desk_lots(&d), 0);
  assert_int_equal(d.liquidated, 1);
  uint64_t id = desk_market(&d, BUY, 1);
  assert_int_equal(desk_order(&d, id)->reason, REASON_LIQUIDATED);
  desk_close(&d);
}

static void test_backtrader_stops_and_limits(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTRADER);
  begin(&d);
  desk_market(&d, BUY, 10);
  desk_bar(&d, 10000, 10100, 9900, 10000);
  desk_stop(&d, SELL, 5, 9800);
  desk_bar(&d, 9700, 9750, 9600, 9700);
  desk_fill_is(&d, 1, SELL, 5, 9700);             // rule 3: the open if it is beyond
  desk_limit(&d, SELL, 5, 9800);
  desk_bar(&d, 9700, 9800, 9600, 9700);
  desk_fill_is(&d, 2, SELL, 5, 9800);             // touching is enough
  struct intent in = desk_intent(BUY, 5);
  in.type = ORDER_STOP_LIMIT, in.trigger.ticks = 9900, in.limit.ticks = 9950;
  desk_send(&d, &in);
  desk_bar(&d, 9800, 9960, 9700, 9940);
  desk_fill_is(&d, 3, BUY, 5, 9900);              // rule 4: at the stop price
  in.trigger.ticks = 10000, in.limit.ticks = 9980;
  desk_send(&d, &in);
  desk_bar(&d, 10050, 10060, 9985, 10000);        // open beyond: a limit from here on, not reached
  assert_int_equal(d.fill_count, 4);
  desk_bar(&d, 9990, 9995, 9970, 9980);
  desk_fill_is(&d, 4, BUY, 5, 9980);
  desk_close(&d);
}

static void test_backtrader_bracket_lives_from_the_bar_after(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTRADER);
  begin(&d);
  desk_bracket(&d, BUY, 10, 9500, 10500);
  desk_bar(&d, 10000, 10600, 9400, 10000);        // rule 5
  assert_int_equal(d.fill_count, 1);
  desk_bar(&d, 10000, 10600, 9400, 10000);
  desk_fill_is(&d, 1, SELL, 10, 9500);            // the stop is matched before the limit
  assert_int_equal(d.fill_count, 2);
  desk_close(&d);
}

static void test_backtrader_trail_follows_closes(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTRADER);
  begin(&d);
  desk_market(&d, BUY, 10);
  desk_bar(&d, 10000, 10100, 9900, 10000);
  struct intent in = desk_intent(SELL, 10);
  in.type = ORDER_TRAILING, in.trail_frac_e8 = 10000000, in.reduce = true;
  desk_send(&d, &in);                             // rule 7: at 90
  desk_bar(&d, 10000, 13000, 9100, 11000);        // matched first, then raised to 99 – the high does not count
  assert_int_equal(d.fill_count, 1);
  desk_bar(&d, 10500, 10600, 9850, 10000);
  desk_fill_is(&d, 1, SELL, 10, 9900);
  desk_close(&d);
}

static void test_backtrader_cash_is_checked_twice(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTRADER);
  begin(&d);
  desk_bar(&d, 10000, 10100, 9900, 10000);
  uint64_t dear = desk_market(&d, BUY, 101);      // rule 9: 101 × close 100
  desk_bar(&d, 9000, 9100, 8900, 9000);           // the fill at 90 would have been affordable
  assert_int_equal(desk_order(&d, dear)->reason, REASON_MARGIN);
  uint64_t gap = desk_market(&d, BUY, 110);       // 110 × 90 passes, but the bar opens at 95
  desk_bar(&d, 9500, 9600, 9400, 9500);
  assert_int_equal(desk_order(&d, gap)->reason, REASON_MARGIN);
  assert_int_equal(d.fill_count, 0);
  desk_close(&d);
}

static void test_backtrader_slippage_stays_in_the_bar(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTRADER);
  d.symbol.costs.slippage_frac_e8 = 1000000;
  begin(&d);
  desk_market(&d, BUY, 1);
  desk_bar(&d, 10000, 10050, 9900, 10000);        // rule 10: 101 is above the high
  desk_fill_is(&d, 0, BUY, 1, 10050);
  desk_limit(&d, SELL, 1, 9995);
  desk_bar(&d, 10000, 10050, 9900, 10000);        // never beyond its limit
  desk_fill_is(&d, 1, SELL, 1, 9995);
  desk_close(&d);
}

static void test_backtrader_futures_margin(void **state) {
  (void)state;
  struct desk d;
  open_model(&d, MODEL_COMPAT_BACKTRADER);
  d.symbol.inst.multiplier = (struct decimal){10, 0};
  struct err err;
  assert_int_equal(instrument_finish(&d.symbol.inst, &err), OK);
  d.symbol.futures_margin.e8 = 2000 * CASH_ONE;
  d.symbol.fees.per_unit_e8 = 2 * CASH_ONE;
  begin(&d);
  uint64_t four = desk_market(&d, BUY, 4);        // 8,000 of margin and 8 of fees; worth 4,000
  desk_bar(&d, 10000, 10050, 9900, 10000);
  assert_int_equal(desk_order(&d, four)->status, ORDER_FILLED);
  assert_int_equal(desk_equity(&d), 1000000 - 800);
  uint64_t one = desk_market(&d, BUY, 1);
  desk_bar(&d, 10000, 10050, 9900, 10000);
  assert_int_equal(desk_order(&d, one)->reason, REASON_MARGIN);  // 1,992 are left
  desk_close(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_backtesting_all_in_with_spread_and_commission),
    cmocka_unit_test(test_backtesting_all_in_without_rest_is_one_less),
    cmocka_unit_test(test_backtesting_exits_meet_the_entry_bar), cmocka_unit_test(test_backtesting_queue),
    cmocka_unit_test(test_backtesting_closes_trade_by_trade), cmocka_unit_test(test_backtesting_margin_is_counted_at_the_close),
    cmocka_unit_test(test_backtesting_trade_on_close_and_finalize), cmocka_unit_test(test_backtesting_ruin_ends_the_run),
    cmocka_unit_test(test_backtrader_stops_and_limits), cmocka_unit_test(test_backtrader_bracket_lives_from_the_bar_after),
    cmocka_unit_test(test_backtrader_trail_follows_closes), cmocka_unit_test(test_backtrader_cash_is_checked_twice),
    cmocka_unit_test(test_backtrader_slippage_stays_in_the_bar), cmocka_unit_test(test_backtrader_futures_margin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
