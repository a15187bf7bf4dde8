// tests/unit/match/test_rules.c – the simulation rules one by one, strict model unless the test says otherwise. Bars read
// open, high, low, close.
#include "desk.h"

#define BUY SIDE_BUY
#define SELL SIDE_SELL

static void test_rule_01_not_in_the_bar_that_decided(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  desk_bar(&d, 100, 110, 90, 105);
  uint64_t id = desk_limit(&d, BUY, 1, 95);  // the past bar was there; the next is not
  desk_bar(&d, 105, 106, 104, 105);
  assert_int_equal(d.fill_count, 0);
  assert_int_equal(desk_order(&d, id)->status, ORDER_OPEN);
  desk_close(&d);
}

static void test_rule_02_market_at_next_open_plus_costs(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.symbol.costs.spread_ticks = 3;      // half: 1.5, against the customer 2
  d.symbol.costs.slippage_ticks = 1;
  desk_open(&d);
  desk_market(&d, BUY, 1);
  desk_bar(&d, 103, 110, 101, 105);
  desk_fill_is(&d, 0, BUY, 1, 106);
  assert_int_equal(d.fills[0].slippage.e8, 3 * CASH_ONE);
  assert_false(d.fills[0].maker);
  desk_market(&d, SELL, 1);
  desk_bar(&d, 104, 110, 101, 105);
  desk_fill_is(&d, 1, SELL, 1, 101);
  desk_close(&d);
}

static void test_rule_02_percent_costs_round_against_the_taker(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.symbol.costs.slippage_frac_e8 = 1000000;  // 1 % of 103 is 1.03: two ticks
  desk_open(&d);
  desk_market(&d, BUY, 1);
  desk_bar(&d, 103, 110, 101, 105);
  desk_fill_is(&d, 0, BUY, 1, 105);
  desk_close(&d);
}

static void test_rule_02_latency_waits_for_the_first_event_after_it(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.config.latency_ns = 90 * NS_PER_S;
  desk_open(&d);
  uint64_t id = desk_market(&d, BUY, 1);
  assert_int_equal(desk_order(&d, id)->status, ORDER_SENT);
  desk_bar(&d, 100, 101, 99, 100);
  desk_bar(&d, 110, 111, 109, 110);   // opens 60 s after the decision
  assert_int_equal(d.fill_count, 0);
  desk_bar(&d, 120, 121, 119, 120);   // 120 s after it
  desk_fill_is(&d, 0, BUY, 1, 120);
  uint64_t resting = desk_limit(&d, SELL, 1, 200);
  desk_bar(&d, 120, 121, 119, 120), desk_bar(&d, 120, 121, 119, 120), desk_bar(&d, 120, 121, 119, 120);
  matcher_cancel(d.m, resting, REASON_SCRIPT, d.now_ns);
  assert_int_equal(desk_order(&d, resting)->status, ORDER_PENDING_CANCEL);
  desk_bar(&d, 120, 300, 119, 120);   // the cancel is still on its way: it may fill
  assert_int_equal(desk_order(&d, resting)->status, ORDER_FILLED);
  desk_close(&d);
}

static void test_rule_03_path_visits_the_nearer_extreme_first(void **state) {
  (void)state;
  static const struct { int64_t o, h, l, c; bool low_first; } cases[] = {
    {100, 110, 95, 105, true},    // the low is nearer
    {100, 105, 90, 95, false},    // the high is nearer
    {100, 110, 90, 105, true},    // tie, up bar: low first
    {100, 110, 90, 95, false},    // tie, down bar: high first
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct desk d;
    desk_strict(&d);
    uint64_t up = desk_stop(&d, BUY, 1, cases[i].h), down = desk_stop(&d, SELL, 1, cases[i].l);
    desk_bar(&d, cases[i].o, cases[i].h, cases[i].l, cases[i].c);
    assert_int_equal(d.fill_count, 2);
    assert_int_equal(d.fills[0].order, cases[i].low_first ? down : up);
    desk_close(&d);
  }
}

static void test_rule_03_doji_visits_the_adverse_side_first(void **state) {
  (void)state;
  for (int side = -1; side <= 1; side += 2) {
    struct desk d;
    desk_strict(&d);
    desk_market(&d, side, 5);
    desk_bar(&d, 100, 101, 99, 100);
    uint64_t up = desk_stop(&d, BUY, 1, 110), down = desk_stop(&d, SELL, 1, 90);
    desk_bar(&d, 100, 110, 90, 100);
    assert_int_equal(d.fills[1].order, side > 0 ? down : up);
    desk_close(&d);
  }
}

static void test_rule_03_detail_replaces_the_path(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  uint64_t up = desk_stop(&d, BUY, 1, 110), down = desk_stop(&d, SELL, 1, 95);
  struct bar whole = desk_make(&d, 100, 110, 95, 105, -1), detail[2] = {
    desk_make(&d, 100, 110, 100, 108, -1), desk_make(&d, 108, 108, 95, 105, -1)};
  detail[1].open_ns += 30 * NS_PER_S;
  desk_feed(&d, &whole, detail, 2, NULL);  // by its own shape the bar would visit its low first
  assert_int_equal(d.fills[0].order, up);
  assert_int_equal(d.fills[1].order, down);
  assert_int_equal(d.fills[1].time_ns, detail[1].open_ns);
  desk_close(&d);
}

static void test_rule_04_path_modes(void **state) {
  (void)state;
  for (enum path_mode mode = PATH_NEARER; mode <= PATH_FAVOURABLE; mode++) {
    struct desk d;
    desk_init(&d, MODEL_STRICT);
    d.config.path = mode;
    desk_open(&d);
    desk_market(&d, BUY, 5);
    desk_bar(&d, 100, 101, 99, 100);
    uint64_t up = desk_stop(&d, BUY, 1, 104), down = desk_stop(&d, SELL, 1, 90);
    desk_bar(&d, 100, 104, 90, 100);  // the high is nearer; a long is hurt by the low
    assert_int_equal(d.fills[1].order, mode == PATH_ADVERSE ? down : up);
    desk_close(&d);
  }
}

static void test_rule_05_limit_needs_a_trade_through(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  desk_limit(&d, BUY, 1, 95);
  desk_bar(&d, 100, 101, 95, 100);
  assert_int_equal(d.fill_count, 0);
  desk_bar(&d, 100, 101, 94, 100);
  desk_fill_is(&d, 0, BUY, 1, 95);
  assert_true(d.fills[0].maker);
  desk_close(&d);
}

static void test_rule_05_no_gift_on_a_gap(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  desk_limit(&d, BUY, 1, 95);
  desk_bar(&d, 100, 101, 99, 100);
  desk_bar(&d, 90, 91, 89, 90);
  desk_fill_is(&d, 0, BUY, 1, 95);
  desk_close(&d);
}

static void test_rule_05_marketable_limit_takes(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.symbol.costs.slippage_ticks = 3;
  desk_open(&d);
  desk_limit(&d, BUY, 1, 105);
  desk_limit(&d, BUY, 1, 101);   // slippage stops at its limit
  desk_bar(&d, 100, 101, 99, 100);
  desk_fill_is(&d, 0, BUY, 1, 103);
  desk_fill_is(&d, 1, BUY, 1, 101);
  assert_false(d.fills[0].maker);
  desk_close(&d);
}

static void test_rule_06_classic_touch_and_better_open(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_CLASSIC);
  desk_open(&d);
  desk_limit(&d, BUY, 1, 95);
  desk_limit(&d, BUY, 1, 93);
  desk_bar(&d, 100, 101, 95, 100);
  desk_fill_is(&d, 0, BUY, 1, 95);
  desk_bar(&d, 90, 91, 89, 90);
  desk_fill_is(&d, 1, BUY, 1, 90);
  desk_close(&d);
}

static void test_rule_07_stop_gap(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.symbol.costs.slippage_ticks = 2;
  desk_open(&d);
  desk_stop(&d, BUY, 1, 105);
  desk_bar(&d, 100, 101, 99, 100);
  desk_bar(&d, 110, 111, 109, 110);   // opens beyond: the open and slippage
  desk_fill_is(&d, 0, BUY, 1, 112);
  desk_stop(&d, SELL, 1, 105);
  desk_bar(&d, 110, 110, 105, 106);   // reached inside: the trigger and slippage, beyond the bar's low
  desk_fill_is(&d, 1, SELL, 1, 103);
  desk_close(&d);
}

static void test_rule_08_stop_limit_only_after_the_trigger(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  struct intent in = desk_intent(BUY, 1);
  in.type = ORDER_STOP_LIMIT;
  in.trigger.ticks = 110;
  in.limit.ticks = 105;
  uint64_t id = desk_send(&d, &in);
  desk_bar(&d, 104, 110, 100, 108);   // low first: 100 came before the trigger, 108 after it
  assert_int_equal(d.fill_count, 0);
  assert_true(desk_order(&d, id)->triggered);
  desk_bar(&d, 108, 109, 104, 106);
  desk_fill_is(&d, 0, BUY, 1, 105);
  in.trigger.ticks = 120, in.limit.ticks = 125;
  desk_send(&d, &in);
  desk_bar(&d, 110, 121, 109, 120);   // marketable once triggered
  desk_fill_is(&d, 1, BUY, 1, 120);
  desk_close(&d);
}

static void test_rule_09_children_live_from_the_fill_point(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  struct intent in = desk_intent(BUY, 1);
  in.type = ORDER_LIMIT;
  in.limit.ticks = 98;
  in.tp.ticks = 102;
  in.sl.ticks = 50;
  uint64_t id = desk_send(&d, &in);
  desk_bar(&d, 100, 103, 97, 101);   // high and low are as near, up bar: low first, then the target
  desk_fill_is(&d, 0, BUY, 1, 98);
  desk_fill_is(&d, 1, SELL, 1, 102);
  assert_int_equal(d.fills[1].tag, TAG_TP);
  assert_int_equal(desk_order(&d, desk_order(&d, id)->child_sl)->status, ORDER_CANCELED);
  assert_int_equal(desk_order(&d, desk_order(&d, id)->child_sl)->reason, REASON_OCO);
  desk_send(&d, &in);
  desk_bar(&d, 102, 103, 94, 97);    // high first: 103 came before the fill
  assert_int_equal(d.fill_count, 3);
  assert_int_equal(desk_lots(&d), 1);
  desk_close(&d);
}

static void test_rule_09_tp_r(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  struct intent in = desk_intent(BUY, 1);
  in.sl.ticks = 96;
  in.tp_r_e6 = 2500000;
  uint64_t id = desk_send(&d, &in);
  desk_bar(&d, 101, 102, 100, 101);  // 5 at risk: target 12.5 above 101, away from risk
  assert_int_equal(desk_order(&d, desk_order(&d, id)->child_tp)->limit.ticks, 114);
  desk_close(&d);
}

static void test_rule_10_partial_fill_shrinks_the_sibling(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.config.participation_frac_e8 = 50000000;
  desk_open(&d);
  uint64_t id = desk_bracket(&d, BUY, 10, 90, 110);
  struct bar b = desk_make(&d, 100, 101, 99, 100, 100);
  desk_feed(&d, &b, NULL, 0, NULL);
  const struct order *entry = desk_order(&d, id), *sl = desk_order(&d, entry->child_sl), *tp = desk_order(&d, entry->child_tp);
  assert_int_equal(sl->qty.lots, 10);
  b = desk_make(&d, 100, 112, 99, 100, 8);   // half of 8 lots traded above the target
  desk_feed(&d, &b, NULL, 0, NULL);
  desk_fill_is(&d, 1, SELL, 4, 110);
  assert_int_equal(tp->status, ORDER_PARTIAL);
  assert_int_equal(order_left(sl).lots, 6);
  b = desk_make(&d, 100, 101, 89, 90, 100);
  desk_feed(&d, &b, NULL, 0, NULL);
  desk_fill_is(&d, 2, SELL, 6, 90);
  assert_int_equal(tp->status, ORDER_CANCELED);
  assert_int_equal(desk_lots(&d), 0);
  desk_close(&d);
}

// A script may ask for it at any time, and a stop that has met its trigger and waits for volume cannot be moved any more.
static void test_rule_10_a_stop_that_is_being_executed_stays(void **state) {
  (void)state;
  struct desk d;
  struct order_change c;
  desk_init(&d, MODEL_STRICT);
  d.config.participation_frac_e8 = 50000000;
  desk_open(&d);
  uint64_t id = desk_bracket(&d, BUY, 10, 90, 110);
  struct bar b = desk_make(&d, 100, 101, 99, 100, 100);
  desk_feed(&d, &b, NULL, 0, NULL);
  b = desk_make(&d, 100, 101, 89, 90, 8);
  desk_feed(&d, &b, NULL, 0, NULL);
  const struct order *sl = desk_order(&d, desk_order(&d, id)->child_sl);
  assert_true(sl->triggered && sl->status == ORDER_PARTIAL && order_left(sl).lots == 6);
  order_change_init(&c);
  c.sl.ticks = 80;
  assert_int_equal(matcher_modify(d.m, id, &c, d.now_ns), REASON_MODIFY);
  assert_true(desk_order(&d, id)->sl.ticks == 90 && sl->trigger.ticks == 90 && order_left(sl).lots == 6);
  order_change_init(&c);
  c.tp.ticks = 120;  // the target is not
  assert_int_equal(matcher_modify(d.m, id, &c, d.now_ns), REASON_NONE);
  assert_int_equal(desk_order(&d, desk_order(&d, id)->child_tp)->limit.ticks, 120);
  b = desk_make(&d, 90, 91, 88, 90, 100);
  desk_feed(&d, &b, NULL, 0, NULL);
  desk_fill_is(&d, 2, SELL, 6, 90);
  assert_int_equal(desk_lots(&d), 0);
  desk_close(&d);
}

static void test_rule_10_oco_pair_given_by_the_script(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  struct intent in = desk_intent(BUY, 1);
  in.type = ORDER_STOP, in.trigger.ticks = 110;
  uint64_t up = desk_send(&d, &in);
  in = desk_intent(SELL, 1);
  in.type = ORDER_STOP, in.trigger.ticks = 90, in.oco = up;
  uint64_t down = desk_send(&d, &in);
  desk_bar(&d, 100, 115, 85, 112);   // both inside; the low is as near, up bar: low first
  assert_int_equal(d.fill_count, 1);
  assert_int_equal(d.fills[0].order, down);
  assert_int_equal(desk_order(&d, up)->reason, REASON_OCO);
  desk_close(&d);
}

static void test_rule_11_stop_wins_inside_one_bar(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  desk_bracket(&d, BUY, 1, 95, 105);
  desk_bar(&d, 100, 106, 94, 104);
  desk_fill_is(&d, 1, SELL, 1, 95);
  assert_true(d.fills[1].ambiguous);
  assert_true(matcher_account(d.m)->trades.items[0].ambiguous);
  desk_bracket(&d, BUY, 1, 95, 105);
  desk_bar(&d, 100, 106, 89, 104);   // the high is nearer, so the path would have met the target first
  desk_fill_is(&d, 3, SELL, 1, 95);
  assert_true(d.fills[3].ambiguous);
  desk_close(&d);
}

static void test_rule_11_favourable_takes_the_target(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.config.path = PATH_FAVOURABLE;
  desk_open(&d);
  desk_bracket(&d, BUY, 1, 95, 105);
  desk_bar(&d, 100, 106, 94, 104);
  desk_fill_is(&d, 1, SELL, 1, 105);
  assert_true(d.fills[1].ambiguous);
  desk_close(&d);
}

static void test_rule_11_open_and_detail_are_certain(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  desk_bracket(&d, BUY, 1, 95, 105);
  desk_bar(&d, 100, 101, 99, 100);
  desk_bar(&d, 107, 108, 90, 92);    // opens beyond the target
  desk_fill_is(&d, 1, SELL, 1, 105);
  assert_false(d.fills[1].ambiguous);
  desk_bracket(&d, BUY, 1, 85, 105);
  struct bar whole = desk_make(&d, 100, 106, 84, 85, -1), detail[2] = {
    desk_make(&d, 100, 106, 100, 101, -1), desk_make(&d, 101, 101, 84, 85, -1)};
  desk_feed(&d, &whole, detail, 2, NULL);
  desk_fill_is(&d, 3, SELL, 1, 105);
  assert_false(d.fills[3].ambiguous);
  desk_close(&d);
}

static void test_rule_12_trailing_tests_first_then_ratchets(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  desk_market(&d, BUY, 1);
  desk_bar(&d, 100, 101, 100, 100);
  struct intent in = desk_intent(SELL, 1);
  in.type = ORDER_TRAILING, in.trail_ticks = 5, in.reduce = true;
  desk_send(&d, &in);
  desk_bar(&d, 100, 110, 97, 109);   // low first: 97 is above 95; then 110 raises the stop to 105; 109 is above it
  assert_int_equal(d.fill_count, 1);
  desk_bar(&d, 108, 109, 104, 106);
  desk_fill_is(&d, 1, SELL, 1, 105);
  desk_close(&d);
}

static void test_rule_12_trailing_percent_and_gap(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  struct intent in = desk_intent(BUY, 1);
  in.trail_frac_e8 = 10000000;        // the entry's stop child trails by 10 %
  uint64_t id = desk_send(&d, &in);
  desk_bar(&d, 100, 104, 99, 103);
  const struct order *child = desk_order(&d, desk_order(&d, id)->child_sl);
  assert_int_equal(child->type, ORDER_TRAILING);
  assert_int_equal(child->trail_ref.ticks, 104);
  desk_bar(&d, 80, 81, 79, 80);       // stop at 94 (93.6 up), gap: the open
  desk_fill_is(&d, 1, SELL, 1, 80);
  assert_int_equal(d.fills[1].tag, TAG_SL);
  desk_close(&d);
}

static void test_rule_13_participation(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.config.participation_frac_e8 = 10000000;
  desk_open(&d);
  uint64_t id = desk_market(&d, BUY, 10);
  struct intent in = desk_intent(BUY, 3);
  in.tif = TIF_FOK;
  uint64_t fok = desk_send(&d, &in);
  struct bar b = desk_make(&d, 100, 101, 99, 100, 45);
  desk_feed(&d, &b, NULL, 0, NULL);
  desk_fill_is(&d, 0, BUY, 4, 100);
  assert_int_equal(desk_order(&d, id)->status, ORDER_PARTIAL);
  assert_int_equal(desk_order(&d, fok)->reason, REASON_FOK);
  b = desk_make(&d, 102, 103, 101, 102, 1000);
  desk_feed(&d, &b, NULL, 0, NULL);
  desk_fill_is(&d, 1, BUY, 6, 102);
  in.tif = TIF_IOC, in.size = 20;
  uint64_t ioc = desk_send(&d, &in);
  b = desk_make(&d, 100, 101, 99, 100, 70);
  desk_feed(&d, &b, NULL, 0, NULL);
  desk_fill_is(&d, 2, BUY, 7, 100);
  assert_int_equal(desk_order(&d, ioc)->status, ORDER_CANCELED);
  assert_int_equal(desk_order(&d, ioc)->reason, REASON_IOC);
  desk_close(&d);
}

static void test_rule_14_post_only(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  struct intent in = desk_intent(BUY, 1);
  in.type = ORDER_LIMIT, in.limit.ticks = 101, in.post = true;
  uint64_t crossing = desk_send(&d, &in);
  in.limit.ticks = 99;
  uint64_t resting = desk_send(&d, &in);
  desk_bar(&d, 100, 101, 98, 100);
  assert_int_equal(desk_order(&d, crossing)->status, ORDER_REJECTED);
  assert_int_equal(desk_order(&d, crossing)->reason, REASON_POST_ONLY);
  assert_int_equal(desk_order(&d, resting)->status, ORDER_FILLED);
  desk_close(&d);
}

static void test_rule_14_reduce_only_is_clipped(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  desk_market(&d, BUY, 3);
  desk_bar(&d, 100, 101, 99, 100);
  struct intent in = desk_intent(SELL, 10);
  in.reduce = true;
  uint64_t id = desk_send(&d, &in);
  desk_bar(&d, 100, 101, 99, 100);
  desk_fill_is(&d, 1, SELL, 3, 100);
  assert_int_equal(desk_lots(&d), 0);
  assert_int_equal(desk_order(&d, id)->status, ORDER_FILLED);
  id = desk_send(&d, &in);            // nothing to reduce
  desk_bar(&d, 100, 101, 99, 100);
  assert_int_equal(desk_order(&d, id)->reason, REASON_REDUCE_ONLY);
  assert_int_equal(d.fill_count, 2);
  desk_close(&d);
}

static void test_rule_15_fees(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.symbol.fees = (struct match_fees){.maker_frac_e8 = -20000, .taker_frac_e8 = 100000, .fixed_e8 = CASH_ONE, .per_unit_e8 = 1000000};
  desk_open(&d);
  desk_market(&d, BUY, 10);
  desk_bar(&d, 100, 101, 99, 100);
  assert_int_equal(d.fills[0].fee.e8, CASH_ONE + CASH_ONE + CASH_ONE / 10);  // 0.1 % of 1000, fixed 1, 0.01 a unit
  struct intent in = desk_intent(SELL, 10);
  in.type = ORDER_LIMIT, in.limit.ticks = 110;
  desk_send(&d, &in);
  desk_bar(&d, 100, 111, 99, 100);
  assert_true(d.fills[1].maker);
  assert_int_equal(d.fills[1].fee.e8, CASH_ONE + CASH_ONE / 10 - 22000000);  // a rebate of 0.02 % of 1100
  assert_int_equal(desk_equity(&d), 1000000 + 10000 - 210 - 88);
  desk_close(&d);
}

static void test_rule_15_fee_rounds_against_the_customer(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.symbol.inst.lot = (struct decimal){1, 8};
  struct err err;
  assert_int_equal(instrument_finish(&d.symbol.inst, &err), OK);
  d.symbol.fees = (struct match_fees){.maker_frac_e8 = -33333333, .taker_frac_e8 = 33333333};
  desk_open(&d);
  desk_market(&d, BUY, 1);            // notional 1e-6: a third of 100 × 1e-8 is 33.3
  desk_bar(&d, 100, 101, 99, 100);
  assert_int_equal(d.fills[0].fee.e8, 34);
  desk_limit(&d, SELL, 1, 101);
  desk_bar(&d, 100, 102, 99, 100);
  assert_int_equal(d.fills[1].fee.e8, -33);
  desk_close(&d);
}

static void test_rule_16_bid_data(void **state) {
  (void)state;
  struct desk d;
  desk_init(&d, MODEL_STRICT);
  d.symbol.costs = (struct match_costs){.kind = MARKET_BID, .spread_ticks = 4, .swap_long_e8 = -CASH_ONE, .swap_short_e8 = CASH_ONE / 2};
  desk_open(&d);
  desk_market(&d, SELL, 2);
  desk_bar(&d, 100, 101, 99, 100);
  desk_fill_is(&d, 0, SELL, 2, 100);
  desk_stop(&d, BUY, 1, 108);         // a short's exit sees the ask: bid 104 is enough
  desk_bar(&d, 100, 104, 99, 100);
  desk_fill_is(&d, 1, BUY, 1, 108);
  desk_limit(&d, BUY, 1, 98);         // ask 97 is needed: bid 93
  desk_bar(&d, 100, 101, 94, 100);
  assert_int_equal(d.fill_count, 2);
  desk_bar(&d, 100, 101, 93, 100);
  desk_fill_is(&d, 2, BUY, 1, 98);
  desk_market(&d, BUY, 3);
  desk_bar(&d, 100, 101, 99, 100);
  desk_fill_is(&d, 3, BUY, 3, 104);
  int64_t before = account_balance(matcher_account(d.m)).e8;
  assert_true(matcher_swap(d.m, 0, d.now_ns, 3));  // the triple day
  assert_int_equal(account_balance(matcher_account(d.m)).e8 - before, -9 * CASH_ONE);
  desk_close(&d);
}

static void test_rule_17_funding(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  desk_market(&d, BUY, 10);
  desk_bar(&d, 100, 101, 99, 100);
  assert_true(matcher_funding(d.m, 0, d.now_ns, 100000000, (price){120}));  // 0.01 % of 1200: longs pay
  assert_int_equal(ledger_total(&matcher_account(d.m)->ledger, BOOK_FUNDING).e8, -CASH_ONE * 12 / 100);
  desk_market(&d, SELL, 20);
  desk_bar(&d, 100, 101, 99, 100);
  assert_true(matcher_funding(d.m, 0, d.now_ns, 100000000, NO_PRICE));      // shorts receive, at the last mark
  assert_int_equal(ledger_total(&matcher_account(d.m)->ledger, BOOK_FUNDING).e8, -CASH_ONE * 2 / 100);
  desk_close(&d);
}

static void open_leveraged(struct desk *d, enum side side) {
  desk_init(d, MODEL_STRICT);
  d->symbol.leverage_e4 = 100000;     // 10×
  d->symbol.fees.taker_frac_e8 = 100000;
  d->config.deposit.e8 = 1011 * CASH_ONE;
  desk_open(d);
  desk_market(d, side, 100);          // notional 10,000, fee 10: equity 1,001
  desk_bar(d, 100, 100, 100, 100);
}

static void test_rule_18_liquidation_at_bankruptcy_plus_fee(void **state) {
  (void)state;
  struct desk d;
  open_leveraged(&d, BUY);
  assert_int_equal(desk_lots(&d), 100);
  desk_bar(&d, 100, 101, 91, 95);     // equity 101 at 91, maintenance 45.5
  assert_int_equal(desk_lots(&d), 100);
  desk_bar(&d, 95, 95, 80, 94);       // at 90 equity is 1: bankrupt at 89.99, a tick above it
  assert_int_equal(desk_lots(&d), 0);
  assert_int_equal(d.liquidated, 1);
  desk_fill_is(&d, 1, SELL, 100, 90);
  assert_int_equal(d.fills[1].tag, TAG_LIQUIDATION);
  assert_int_equal(desk_cents(account_balance(matcher_account(d.m))), 100 - 900);  // 1 left, fee 9
  desk_close(&d);
}

static void test_rule_18_the_stop_comes_first_on_the_path(void **state) {
  (void)state;
  struct desk d;
  open_leveraged(&d, BUY);
  struct intent in = desk_intent(SELL, 100);
  in.type = ORDER_STOP, in.trigger.ticks = 92, in.reduce = true;
  desk_send(&d, &in);
  desk_bar(&d, 95, 95, 80, 94);
  desk_fill_is(&d, 1, SELL, 100, 92);
  assert_int_equal(d.liquidated, 0);
  desk_close(&d);
}

static void test_rule_18_short_and_mark_path(void **state) {
  (void)state;
  struct desk d;
  open_leveraged(&d, SELL);
  struct bar b = desk_make(&d, 100, 125, 99, 101, -1), calm = desk_make(&d, 100, 102, 99, 101, -1);
  desk_feed(&d, &b, NULL, 0, &calm);  // the last price spikes, the mark does not
  assert_int_equal(d.liquidated, 0);
  struct bar spike = desk_make(&d, 101, 112, 100, 101, -1), quiet = desk_make(&d, 101, 102, 100, 101, -1);
  desk_feed(&d, &quiet, NULL, 0, &spike);
  assert_int_equal(d.liquidated, 1);
  desk_close(&d);
}

static void test_rule_20_filled_in_bars_never_fill(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  desk_market(&d, BUY, 1);
  struct bar b = desk_make(&d, 100, 100, 100, 100, -1);
  b.flags = BAR_FILLED_IN;
  desk_feed(&d, &b, NULL, 0, NULL);
  assert_int_equal(d.fill_count, 0);
  desk_bar(&d, 103, 104, 102, 103);
  desk_fill_is(&d, 0, BUY, 1, 103);
  desk_close(&d);
}

static void test_rule_22_open_positions_are_marked(void **state) {
  (void)state;
  struct desk d;
  desk_strict(&d);
  desk_market(&d, BUY, 10);
  desk_bar(&d, 100, 101, 99, 100);
  desk_bar(&d, 100, 121, 99, 120);
  assert_int_equal(desk_equity(&d), 1000000 + 20000);
  assert_int_equal(desk_cents(account_balance(matcher_account(d.m))), 1000000);
  assert_int_equal(matcher_account(d.m)->trades.count, 0);
  desk_close(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rule_01_not_in_the_bar_that_decided),
    cmocka_unit_test(test_rule_02_market_at_next_open_plus_costs),
    cmocka_unit_test(test_rule_02_percent_costs_round_against_the_taker),
    cmocka_unit_test(test_rule_02_latency_waits_for_the_first_event_after_it),
    cmocka_unit_test(test_rule_03_path_visits_the_nearer_extreme_first),
    cmocka_unit_test(test_rule_03_doji_visits_the_adverse_side_first),
    cmocka_unit_test(test_rule_03_detail_replaces_the_path),
    cmocka_unit_test(test_rule_04_path_modes),
    cmocka_unit_test(test_rule_05_limit_needs_a_trade_through),
    cmocka_unit_test(test_rule_05_no_gift_on_a_gap),
    cmocka_unit_test(test_rule_05_marketable_limit_takes),
    cmocka_unit_test(test_rule_06_classic_touch_and_better_open),
    cmocka_unit_test(test_rule_07_stop_gap),
    cmocka_unit_test(test_rule_08_stop_limit_only_after_the_trigger),
    cmocka_unit_test(test_rule_09_children_live_from_the_fill_point),
    cmocka_unit_test(test_rule_09_tp_r),
    cmocka_unit_test(test_rule_10_partial_fill_shrinks_the_sibling),
    cmocka_unit_test(test_rule_10_a_stop_that_is_being_executed_stays),
    cmocka_unit_test(test_rule_10_oco_pair_given_by_the_script),
    cmocka_unit_test(test_rule_11_stop_wins_inside_one_bar),
    cmocka_unit_test(test_rule_11_favourable_takes_the_target),
    cmocka_unit_test(test_rule_11_open_and_detail_are_certain),
    cmocka_unit_test(test_rule_12_trailing_tests_first_then_ratchets),
    cmocka_unit_test(test_rule_12_trailing_percent_and_gap),
    cmocka_unit_test(test_rule_13_participation),
    cmocka_unit_test(test_rule_14_post_only),
    cmocka_unit_test(test_rule_14_reduce_only_is_clipped),
    cmocka_unit_test(test_rule_15_fees),
    cmocka_unit_test(test_rule_15_fee_rounds_against_the_customer),
    cmocka_unit_test(test_rule_16_bid_data),
    cmocka_unit_test(test_rule_17_funding),
    cmocka_unit_test(test_rule_18_liquidation_at_bankruptcy_plus_fee),
    cmocka_unit_test(test_rule_18_the_stop_comes_first_on_the_path),
    cmocka_unit_test(test_rule_18_short_and_mark_path),
    cmocka_unit_test(test_rule_20_filled_in_bars_never_fill),
    cmocka_unit_test(test_rule_22_open_positions_are_marked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
