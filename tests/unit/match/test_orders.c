// tests/unit/match/test_orders.c – submit, change, cancel, expire; funds at the fill; hedging; what the caller is told.
#include "desk.h"

#define BUY SIDE_BUY
#define SELL SIDE_SELL

static void test_day_and_gtd_expire(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  struct intent in = desk_intent(BUY, 1);
  in.type = ORDER_LIMIT, in.limit.ticks = 50;
  in.tif = TIF_GTD, in.expires_ns = 2 * DESK_MINUTE;
  uint64_t gtd = desk_send(&d, &in);
  in.tif = TIF_DAY;
  uint64_t day = desk_send(&d, &in);
  desk_bar(&d, 100, 101, 99, 100);
  assert_int_equal(desk_order(&d, gtd)->status, ORDER_OPEN);
  desk_bar(&d, 100, 101, 99, 100);   // alive in the bar that ends when it does, dead with its end
  assert_int_equal(desk_order(&d, gtd)->status, ORDER_EXPIRED);
  assert_int_equal(desk_order(&d, gtd)->reason, REASON_GTD);
  d.now_ns = NS_PER_DAY - DESK_MINUTE;
  desk_bar(&d, 100, 101, 99, 100);
  assert_int_equal(desk_order(&d, day)->reason, REASON_DAY);
  assert_int_equal(desk_order(&d, day)->ended_ns, NS_PER_DAY);
  desk_close(&d);
}

static void test_modify_arrives_anew(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  uint64_t id = desk_limit(&d, BUY, 2, 90);
  desk_bar(&d, 100, 101, 99, 100);
  struct order_change c;
  order_change_init(&c);
  c.limit.ticks = 102;
  c.qty.lots = 3;
  assert_int_equal(matcher_modify(d.m, id, &c, d.now_ns), REASON_NONE);
  desk_bar(&d, 100, 101, 99, 100);
  desk_fill_is(&d, 0, BUY, 3, 100);  // marketable now: it takes
  assert_false(d.fills[0].maker);
  assert_int_equal(matcher_modify(d.m, id, &c, d.now_ns), REASON_UNKNOWN_ORDER);
  assert_int_equal(matcher_modify(d.m, 99, &c, d.now_ns), REASON_UNKNOWN_ORDER);
  id = desk_market(&d, BUY, 1);
  assert_int_equal(matcher_modify(d.m, id, &c, d.now_ns), REASON_MODIFY);  // a market order has no price
  desk_close(&d);
}

static void test_modify_exits_before_and_after_the_fill(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  uint64_t id = desk_bracket(&d, BUY, 4, 90, 0);
  struct order_change c;
  order_change_init(&c);
  c.tp.ticks = 120;
  assert_int_equal(matcher_modify(d.m, id, &c, d.now_ns), REASON_NONE);
  desk_bar(&d, 100, 101, 99, 100);
  const struct order *entry = desk_order(&d, id);
  assert_int_equal(desk_order(&d, entry->child_tp)->limit.ticks, 120);
  order_change_init(&c);
  c.sl.ticks = 95;
  c.tp_none = true;
  assert_int_equal(matcher_modify(d.m, id, &c, d.now_ns), REASON_NONE);
  assert_int_equal(desk_order(&d, entry->child_sl)->trigger.ticks, 95);
  assert_int_equal(desk_order(&d, entry->child_tp)->status, ORDER_CANCELED);
  desk_bar(&d, 100, 125, 99, 124);
  assert_int_equal(desk_lots(&d), 4);
  order_change_init(&c);
  c.tp.ticks = 130;                  // a new target for what the entry still holds
  assert_int_equal(matcher_modify(d.m, id, &c, d.now_ns), REASON_NONE);
  desk_bar(&d, 124, 131, 123, 128);
  desk_fill_is(&d, 1, SELL, 4, 130);
  assert_int_equal(desk_order(&d, entry->child_sl)->reason, REASON_OCO);
  assert_int_equal(matcher_modify(d.m, id, &c, d.now_ns), REASON_UNKNOWN_ORDER);
  desk_close(&d);
}

static void test_cancel_and_cancel_all(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  uint64_t a = desk_limit(&d, BUY, 1, 90), b = desk_limit(&d, BUY, 1, 89);
  struct intent in = desk_intent(SELL, 1);
  in.type = ORDER_LIMIT, in.limit.ticks = 120, in.tag = 20;
  uint64_t tagged = desk_send(&d, &in);
  assert_int_equal(matcher_account(d.m)->work_count, 3);
  assert_int_equal(matcher_cancel(d.m, a, REASON_SCRIPT, d.now_ns), REASON_NONE);
  assert_int_equal(matcher_cancel(d.m, a, REASON_SCRIPT, d.now_ns), REASON_UNKNOWN_ORDER);
  assert_int_equal(matcher_cancel_all(d.m, -1, 20, REASON_SCRIPT, d.now_ns), 1);
  assert_int_equal(desk_order(&d, tagged)->status, ORDER_CANCELED);
  assert_int_equal(matcher_cancel_all(d.m, 0, TAG_NONE, REASON_SCRIPT, d.now_ns), 1);
  assert_int_equal(desk_order(&d, b)->reason, REASON_SCRIPT);
  assert_int_equal(matcher_account(d.m)->work_count, 0);
  desk_close(&d);
}

static void test_exits_die_with_the_position(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  uint64_t id = desk_bracket(&d, BUY, 4, 90, 120);
  desk_bar(&d, 100, 101, 99, 100);
  desk_market(&d, SELL, 4);
  desk_bar(&d, 100, 101, 99, 100);
  assert_int_equal(desk_order(&d, desk_order(&d, id)->child_sl)->reason, REASON_PARENT);
  assert_int_equal(desk_order(&d, desk_order(&d, id)->child_tp)->reason, REASON_PARENT);
  assert_int_equal(matcher_account(d.m)->work_count, 0);
  desk_close(&d);
}

static void test_funds_cut_what_was_sized_by_share(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.symbol.fees.taker_frac_e8 = 1000000;  // 1 %
  desk_open(&d);
  struct intent in = desk_intent(BUY, 0);
  uint64_t id;
  in.size_kind = SIZE_PCT, in.size = 100000000;
  matcher_submit(d.m, &in, (quantity){100}, d.now_ns, &id);  // 100 at the decision's price
  desk_bar(&d, 105, 106, 104, 105);                          // 10,000 / (105 × 1.01) = 94.3
  desk_fill_is(&d, 0, BUY, 94, 105);
  assert_true(d.fills[0].cut && d.fills[0].complete);
  assert_int_equal(desk_order(&d, id)->qty.lots, 94);
  assert_true(account_free_now(matcher_account(d.m)).e8 >= 0);
  desk_close(&d);
}

static void test_funds_refuse_what_was_sized_by_quantity(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  uint64_t id = desk_market(&d, BUY, 100);
  desk_bar(&d, 101, 102, 100, 101);
  assert_int_equal(desk_order(&d, id)->status, ORDER_REJECTED);
  assert_int_equal(desk_order(&d, id)->reason, REASON_MARGIN);
  desk_market(&d, BUY, 50);
  desk_bar(&d, 100, 102, 100, 100);
  id = desk_market(&d, SELL, 500);   // the part that closes is never refused
  desk_bar(&d, 100, 102, 100, 100);
  desk_fill_is(&d, 1, SELL, 50, 100);
  assert_int_equal(desk_order(&d, id)->status, ORDER_CANCELED);
  assert_int_equal(desk_order(&d, id)->reason, REASON_MARGIN);
  desk_close(&d);
}

static void test_hedging_legs(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.config.hedging = true;
  desk_open(&d);
  struct intent in = desk_intent(BUY, 3);
  in.leg = LEG_LONG, in.sl.ticks = 90;
  desk_send(&d, &in);
  in = desk_intent(SELL, 2);
  in.leg = LEG_SHORT, in.sl.ticks = 110;
  desk_send(&d, &in);
  desk_bar(&d, 100, 101, 99, 100);
  const struct account *a = matcher_account(d.m);
  assert_int_equal(account_lots(a, 0, LEG_LONG), 3);
  assert_int_equal(account_lots(a, 0, LEG_SHORT), -2);
  desk_bar(&d, 100, 111, 100, 105);  // stops the short only
  desk_fill_is(&d, 2, BUY, 2, 110);
  in = desk_intent(SELL, 9);
  in.leg = LEG_LONG;                 // against its leg an order can only close
  desk_send(&d, &in);
  desk_bar(&d, 105, 106, 104, 105);
  desk_fill_is(&d, 3, SELL, 3, 105);
  assert_int_equal(account_lots(a, 0, LEG_LONG), 0);
  assert_int_equal(d.closed, 2);
  desk_close(&d);
}

static void test_rejected_at_submit(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.config.self_trade_check = true;
  desk_open(&d);
  struct intent in = desk_intent(BUY, 1);
  uint64_t id;
  in.type = ORDER_LIMIT;
  assert_int_equal(matcher_submit(d.m, &in, (quantity){1}, 0, &id), REASON_BAD_PRICE);
  assert_int_equal(desk_order(&d, id)->status, ORDER_REJECTED);
  in.limit.ticks = -5;
  assert_int_equal(matcher_submit(d.m, &in, (quantity){1}, 0, &id), REASON_BAD_PRICE);
  desk_limit(&d, SELL, 1, 105);
  in.limit.ticks = 105;
  assert_int_equal(matcher_submit(d.m, &in, (quantity){1}, 0, &id), REASON_SELF_TRADE);
  in.limit.ticks = 104;
  in.oco = 77;
  assert_int_equal(matcher_submit(d.m, &in, (quantity){1}, 0, &id), REASON_UNKNOWN_ORDER);
  assert_int_equal(matcher_account(d.m)->work_count, 1);
  desk_close(&d);
}

static void test_events_in_order(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  desk_bracket(&d, BUY, 1, 95, 0);
  struct bar b = desk_make(&d, 100, 101, 94, 96, -1);
  struct match_bar in = {.bar = &b, .close_ns = DESK_MINUTE};
  assert_true(matcher_bar(d.m, matcher_watch(d.m, 0), 0, &in));
  static const struct { enum match_event_kind kind; int what; } want[] = {
    {EVENT_ORDER, ORDER_OPEN},
    {EVENT_FILL, SIDE_BUY}, {EVENT_ORDER, ORDER_FILLED}, {EVENT_POSITION, POSITION_EVENT_OPEN}, {EVENT_ORDER, ORDER_OPEN},
    {EVENT_FILL, SIDE_SELL}, {EVENT_ORDER, ORDER_FILLED}, {EVENT_POSITION, POSITION_EVENT_CLOSE},
  };
  struct match_event e;
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    assert_true(matcher_event_next(d.m, &e));
    assert_int_equal(e.kind, want[i].kind);
    assert_int_equal(e.kind == EVENT_ORDER ? (int)e.order.to : e.kind == EVENT_FILL ? (int)e.fill.side : (int)e.position.what,
                     want[i].what);
  }
  assert_false(matcher_event_next(d.m, &e));
  desk_close(&d);
}

static void test_quiet_bars_take_the_fast_path(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  desk_bracket(&d, BUY, 1, 90, 120);
  desk_bar(&d, 100, 101, 99, 100);
  struct match_watch *w = matcher_watch(d.m, 0);
  struct bar b = desk_make(&d, 100, 119, 91, 110, -1);
  struct match_bar in = {.bar = &b, .close_ns = d.now_ns + DESK_MINUTE};
  assert_false(matcher_bar(d.m, w, 0, &in));
  assert_int_equal(desk_equity(&d), 1000000 + 1000);
  assert_int_equal(matcher_account(d.m)->symbols[0].pos[LEG_NET].bars, 2);
  b.low.ticks = 90;
  b.open.ticks = 110;
  assert_true(matcher_bar(d.m, w, 0, &in));
  desk_drain(&d);
  desk_fill_is(&d, 1, SELL, 1, 90);
  assert_int_equal(matcher_account(d.m)->trades.items[0].mfe.e8, 19 * CASH_ONE);
  assert_int_equal(matcher_account(d.m)->trades.items[0].mae.e8, -10 * CASH_ONE);
  desk_close(&d);
}

static void test_released_orders_are_forgotten(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  uint64_t keep = desk_limit(&d, BUY, 1, 50);
  for (int i = 0; i < 1000; i++) matcher_cancel(d.m, desk_limit(&d, BUY, 1, 60), REASON_SCRIPT, 0);
  matcher_orders_release(d.m, matcher_order_last(d.m));
  assert_non_null(matcher_order(d.m, keep));     // its page lives as long as it does
  assert_null(matcher_order(d.m, 400));
  assert_non_null(matcher_order(d.m, matcher_order_last(d.m)));
  for (int i = 0; i < 1000; i++) matcher_cancel(d.m, desk_limit(&d, BUY, 1, 60), REASON_SCRIPT, 0);
  desk_close(&d);
}

// A bot that trades for years: ids go on, the newest are found, and one that is alive stays where it is in the middle of what has gone.
static void test_years_of_orders(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  uint64_t keep = 0;
  for (int round = 0; round < 20; round++) {
    if (round == 7) keep = desk_limit(&d, BUY, 1, 50);
    for (int i = 0; i < 700; i++) matcher_cancel(d.m, desk_limit(&d, BUY, 1, 60), REASON_SCRIPT, 0);
    desk_drain(&d);
    const uint64_t last = matcher_order_last(d.m);
    matcher_orders_release(d.m, last - 100);
    assert_int_equal(matcher_order(d.m, last)->id, last);
    assert_int_equal(matcher_order(d.m, last - 100)->id, last - 100);
    assert_null(matcher_order(d.m, last - 200));
    assert_null(matcher_order(d.m, 1));
    if (keep) assert_int_equal(matcher_order(d.m, keep)->id, keep);
    if (round == 15) {
      matcher_cancel(d.m, keep, REASON_SCRIPT, 0);
      keep = 0;
    }
    matcher_check(d.m);
  }
  desk_close(&d);
}

// Nothing that happens later depends on what was forgotten: exits of an entry, and an entry whose position is still there, stay.
static void test_what_exits_come_from_stays(void **state) {
  (void)state;
  struct desk d[2];
  for (int k = 0; k < 2; k++) {
    desk_strict(&d[k]);
    struct intent in;
    intent_init(&in, 0, SIDE_BUY);
    in.sl.ticks = 50, in.tp.ticks = 150;
    uint64_t entry, bare;
    assert_int_equal(matcher_submit(d[k].m, &in, (quantity){3}, 0, &entry), REASON_NONE);
    intent_init(&in, 0, SIDE_BUY);
    assert_int_equal(matcher_submit(d[k].m, &in, (quantity){2}, 0, &bare), REASON_NONE);
    desk_bar(&d[k], 100, 101, 99, 100);
    for (int i = 0; i < 400; i++) matcher_cancel(d[k].m, desk_limit(&d[k], BUY, 1, 60), REASON_SCRIPT, 0);
    desk_drain(&d[k]);
    if (k == 1) matcher_orders_release(d[k].m, matcher_order_last(d[k].m));
    assert_non_null(matcher_order(d[k].m, entry));
    assert_int_equal(matcher_order(d[k].m, 200) == NULL, k);
    struct order_change c;
    order_change_init(&c);
    c.sl.ticks = 70;
    assert_int_equal(matcher_modify(d[k].m, bare, &c, 0), REASON_NONE);   // its stop is made now
    c.sl.ticks = 80;
    assert_int_equal(matcher_modify(d[k].m, entry, &c, 0), REASON_NONE);
    desk_bar(&d[k], 100, 100, 75, 76);   // the entry's stop
    desk_bar(&d[k], 76, 80, 60, 65);     // and the other's
    assert_int_equal(matcher_account(d[k].m)->symbols[0].pos[LEG_NET].lots, 0);
    assert_int_equal(matcher_order(d[k].m, entry)->exited.lots, 3);
    matcher_check(d[k].m);
  }
  assert_int_equal(matcher_equity(d[0].m).e8, matcher_equity(d[1].m).e8);
  assert_int_equal(matcher_order_last(d[0].m), matcher_order_last(d[1].m));
  matcher_orders_release(d[1].m, matcher_order_last(d[1].m));
  assert_null(matcher_order(d[1].m, 1));
  for (int k = 0; k < 2; k++) desk_close(&d[k]);
}

static void test_configuration_is_checked(void **state) {
  (void)state;
  struct desk d;
  struct matcher *m;
  struct err err;
  int index;
  desk_init(&d, MODEL_COMPAT_BACKTRADER);
  d.config.hedging = true;
  assert_int_equal(matcher_create(&d.config, &m, &err), ERR_INVALID);
  d.config.hedging = false;
  d.config.participation_frac_e8 = 200000000;
  assert_int_equal(matcher_create(&d.config, &m, &err), ERR_INVALID);
  d.config.participation_frac_e8 = 0;
  d.config.deposit.e8 = 0;
  assert_int_equal(matcher_create(&d.config, &m, &err), ERR_INVALID);
  desk_init(&d, MODEL_STRICT);
  desk_open(&d);
  d.symbol.costs.slippage_ticks = -1;
  assert_int_equal(matcher_symbol_add(d.m, &d.symbol, &index, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "slippage"));
  d.symbol.costs.slippage_ticks = 0;
  d.symbol.leverage_e4 = 0;
  assert_int_equal(matcher_symbol_add(d.m, &d.symbol, &index, &err), ERR_INVALID);
  desk_close(&d);
}

// Between bars, for who must close now: whole, at the last price known, with half the spread, slippage and the taker's fee.
static void test_execute_between_bars(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.symbol.costs.spread_ticks = 4, d.symbol.costs.slippage_ticks = 3;
  d.symbol.fees = (struct match_fees){.taker_frac_e8 = 1000000};
  d.config.participation_frac_e8 = 10000000;  // a tenth of a bar's volume, which does not bound it
  desk_open(&d);
  uint64_t entry = desk_bracket(&d, BUY, 10, 50, 150);
  struct bar b = desk_make(&d, 100, 101, 99, 100, 1000);
  desk_feed(&d, &b, NULL, 0, NULL);
  assert_int_equal(desk_lots(&d), 10);
  struct intent in = desk_intent(SELL, 10);
  in.reduce = true, in.size_kind = SIZE_CLOSE;
  uint64_t out;
  matcher_submit(d.m, &in, (quantity){10}, d.now_ns, &out);
  assert_false(matcher_execute(d.m, out, (price){0}, d.now_ns + 1));
  assert_false(matcher_execute(d.m, out + 1, (price){80}, d.now_ns + 1));
  assert_false(matcher_execute(d.m, desk_order(&d, entry)->child_sl, (price){80}, d.now_ns + 1));  // no market order
  assert_int_equal(desk_lots(&d), 10);
  assert_true(matcher_execute(d.m, out, (price){80}, d.now_ns + 1));
  desk_drain(&d);
  desk_fill_is(&d, -1, SELL, 10, 75);  // 80 less half the spread and the slippage
  const struct fill *f = &d.fills[d.fill_count - 1];
  assert_true(f->time_ns == d.now_ns + 1 && !f->maker && f->fee.e8 == INT64_C(750000000));
  assert_int_equal(desk_lots(&d), 0);
  assert_int_equal(desk_order(&d, out)->status, ORDER_FILLED);
  assert_int_equal(desk_order(&d, desk_order(&d, entry)->child_sl)->reason, REASON_PARENT);
  assert_false(matcher_execute(d.m, out, (price){80}, d.now_ns + 2));
  // The volume that the next bars may give is what it was.
  desk_market(&d, BUY, 90);
  b = desk_make(&d, 100, 101, 99, 100, 500);
  desk_feed(&d, &b, NULL, 0, NULL);
  assert_int_equal(desk_lots(&d), 50);
  desk_close(&d);

  desk_init(&d, MODEL_STRICT);
  d.config.latency_ns = NS_PER_S;
  desk_open(&d);
  uint64_t id = desk_market(&d, BUY, 3);
  assert_false(matcher_execute(d.m, id, (price){90}, d.now_ns + NS_PER_S - 1));  // on its way still
  assert_true(desk_lots(&d) == 0 && order_alive(desk_order(&d, id)));
  desk_close(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_day_and_gtd_expire), cmocka_unit_test(test_modify_arrives_anew),
    cmocka_unit_test(test_modify_exits_before_and_after_the_fill), cmocka_unit_test(test_cancel_and_cancel_all),
    cmocka_unit_test(test_exits_die_with_the_position), cmocka_unit_test(test_funds_cut_what_was_sized_by_share),
    cmocka_unit_test(test_funds_refuse_what_was_sized_by_quantity), cmocka_unit_test(test_hedging_legs),
    cmocka_unit_test(test_rejected_at_submit), cmocka_unit_test(test_events_in_order),
    cmocka_unit_test(test_quiet_bars_take_the_fast_path), cmocka_unit_test(test_released_orders_are_forgotten), cmocka_unit_test(test_years_of_orders), cmocka_unit_test(test_what_exits_come_from_stays),
    cmocka_unit_test(test_configuration_is_checked), cmocka_unit_test(test_execute_between_bars),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
