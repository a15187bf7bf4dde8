// Tests of an order's life: what is refused, who meets whom at which price, what ends an order.
#include "fixture.h"

static void check_refusals(void **state) {
  (void)state;
  static const struct { const char *text; int code; } rows[] = {
      {"{'side':'Buy','orderType':'Limit','qty':'0.01','price':'60000'}", 0},
      {"{'side':'Hold','orderType':'Limit','qty':'0.01','price':'60000'}", 10001},
      {"{'side':'Buy','orderType':'Stop','qty':'0.01','price':'60000'}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'0.0101','price':'60000'}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'0','price':'60000'}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'-1','price':'60000'}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'NaN','price':'60000'}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'1190.001','price':'60000'}", 10001},
      {"{'side':'Buy','orderType':'Market','qty':'500.001'}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'0.01','price':'60000.05'}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'0.01'}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'0.01','price':'60000','timeInForce':'GTX'}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'0.01','price':'60000','positionIdx':1}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'0.01','price':'60000','positionIdx':3}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'0.01','price':'60000','orderLinkId':'a b'}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'0.01','price':'60000','orderLinkId':'1234567890123456789012345678901234567'}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'0.01','price':'60000','orderLinkId':'123456789012345678901234567890123456'}", 0},
      {"{'side':'Buy','orderType':'Limit','qty':'0.01','price':'60000','orderLinkId':'123456789012345678901234567890123456'}", 110072},
      {"{'side':'Buy','orderType':'Limit','qty':'0.01','price':'66000.1'}", 110003},   // more than 10 % through the market
      {"{'side':'Sell','orderType':'Limit','qty':'0.01','price':'53999.9'}", 110003},
      {"{'side':'Buy','orderType':'Limit','qty':'0.01','price':'10000001'}", 110003},
      {"{'side':'Buy','orderType':'Limit','qty':'0.001','price':'4999.9'}", 110094},   // 4.9999 USDT
      {"{'side':'Buy','orderType':'Limit','qty':'0.001','price':'5000'}", 0},
      {"{'side':'Buy','orderType':'Limit','qty':'1.7','price':'60000'}", 110007},      // 10,200 at 10x
      {"{'side':'Sell','orderType':'Limit','qty':'0.01','price':'60000','reduceOnly':true}", 110017},
      {"{'side':'Sell','orderType':'Limit','qty':'0','price':'60000','reduceOnly':true,'closeOnTrigger':true}", 110017},
      {"{'side':'Buy','orderType':'Market','qty':'0.01','triggerPrice':'59000','triggerDirection':1}", 110092},
      {"{'side':'Buy','orderType':'Market','qty':'0.01','triggerPrice':'61000','triggerDirection':2}", 110092},
      {"{'side':'Buy','orderType':'Market','qty':'0.01','triggerPrice':'61000'}", 10001},
      {"{'side':'Buy','orderType':'Market','qty':'0.01','triggerPrice':'61000','triggerDirection':1}", 0},
      {"{'side':'Buy','orderType':'Limit','qty':'0.01','price':'60000','takeProfit':'59000'}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':'0.01','price':'60000','stopLoss':'61000'}", 10001},
      {"{'side':'Buy','orderType':'Limit','qty':0.01,'price':60000}", 0},              // numbers are taken too
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    static struct fixture kept;
    if (i == 0) kept = make(0), exch_market_push(kept.x, kept.s, 0, 0, 600000, 1);
    int code = doit(&kept, exch_order_create, kept.a, rows[i].text);
    if (code != rows[i].code) fail_msg("%s: %d, not %d (%s)", rows[i].text, code, rows[i].code, kept.x->msg);
    if (i + 1 == sizeof rows / sizeof rows[0]) drop(&kept);
  }
}

static void check_limits(void **state) {
  (void)state;
  struct fixture f = make(0);
  move(&f, 600000);
  for (int i = 0; i < EXCH_ACTIVE_MAX; i++) assert_non_null(place(&f, f.a, "Buy", 1, 500000, ""));
  assert_int_equal(doit(&f, exch_order_create, f.a, "{'side':'Buy','orderType':'Limit','qty':'0.001','price':'50000'}"), 110020);
  assert_int_equal(doit(&f, exch_order_cancel_all, f.a, "{}"), 0);
  assert_null(f.a->active);
  for (int i = 0; i < EXCH_CONDITIONAL_MAX; i++) assert_non_null(place(&f, f.a, "Buy", 1, 0, ",'triggerPrice':'70000','triggerDirection':1"));
  assert_int_equal(doit(&f, exch_order_create, f.a, "{'side':'Buy','orderType':'Market','qty':'0.001','triggerPrice':'70000','triggerDirection':1}"), 110009);
  drop(&f);
}

static void check_priority(void **state) {
  (void)state;
  struct fixture f = make(0);
  struct exch_order *late = place(&f, f.a, "Sell", 10, 600010, ""), *best = place(&f, f.a, "Sell", 10, 600000, ""), *second = place(&f, f.a, "Sell", 10, 600000, "");
  struct exch_order *buy = place(&f, f.b, "Buy", 15, 600010, "");
  assert_int_equal(best->filled, 10);
  assert_int_equal(second->filled, 5);
  assert_int_equal(late->filled, 0);
  assert_int_equal(buy->status, EXCH_FILLED);
  assert_int_equal(buy->value_e8, 900 * USDT);  // 0.015 at 60,000, the makers' price
  // Maker 0.02 %, taker 0.055 %.
  assert_int_equal(buy->fee_e8, 49500000);
  assert_int_equal(best->fee_e8 + second->fee_e8, 18000000);
  // Less quantity keeps the place, a new price does not.
  struct exch_order *third = place(&f, f.a, "Sell", 10, 600000, "");
  char text[128];
  snprintf(text, sizeof text, "{'orderId':'%s','qty':'0.008'}", second->id);
  assert_int_equal(doit(&f, exch_order_amend, f.a, text), 0);
  place(&f, f.b, "Buy", 3, 600000, "");
  assert_int_equal(second->filled, 8);
  assert_int_equal(second->status, EXCH_FILLED);
  struct exch_order *fourth = place(&f, f.a, "Sell", 10, 600000, "");
  snprintf(text, sizeof text, "{'orderId':'%s','qty':'0.02'}", third->id);
  assert_int_equal(doit(&f, exch_order_amend, f.a, text), 0);
  place(&f, f.b, "Buy", 10, 600000, "");
  assert_int_equal(fourth->filled, 10);
  assert_int_equal(third->filled, 0);
  drop(&f);
}

static void check_times_in_force(void **state) {
  (void)state;
  struct fixture f = make(0);
  place(&f, f.a, "Sell", 10, 600000, "");
  struct exch_order *fok = place(&f, f.b, "Buy", 11, 600000, ",'timeInForce':'FOK'");
  assert_int_equal(fok->status, EXCH_CANCELLED);
  assert_int_equal(fok->filled, 0);
  struct exch_order *post = place(&f, f.b, "Buy", 1, 600000, ",'timeInForce':'PostOnly'");
  assert_int_equal(post->status, EXCH_CANCELLED);
  assert_int_equal(post->why, WHY_POST_ONLY);
  assert_int_equal(place(&f, f.b, "Buy", 1, 599999, ",'timeInForce':'PostOnly'")->status, EXCH_NEW);
  struct exch_order *ioc = place(&f, f.b, "Buy", 15, 600000, ",'timeInForce':'IOC'");
  assert_int_equal(ioc->status, EXCH_CANCELLED);
  assert_int_equal(ioc->filled, 10);
  exch_market_push(f.x, f.s, 0, 0, 600000, 1);
  struct exch_order *market = place(&f, f.a, "Sell", 10, 0, "");  // only 1 lot is bid
  assert_int_equal(market->filled, 1);
  assert_int_equal(market->status, EXCH_CANCELLED);
  drop(&f);
}

static void check_market_maker(void **state) {
  (void)state;
  struct fixture f = make(20000);
  move(&f, 600000);
  struct exch_order *o = place(&f, f.a, "Buy", 5, 0, "");
  assert_int_equal(o->status, EXCH_FILLED);
  assert_int_equal(o->value_e8, 300 * USDT);  // at the ask
  int64_t shown = 0;
  for (int i = 0; i < EXCH_LEVELS; i++) shown += f.s->asks[i].lots;
  assert_int_equal(exch_book_available(f.s, true, 0), shown);
  // A resting order is filled at its own price when the market comes, by what is there.
  struct exch_order *rest = place(&f, f.a, "Buy", 100, 599000, "");
  assert_int_equal(rest->status, EXCH_NEW);
  move(&f, 599500);
  assert_int_equal(rest->filled, 0);
  move(&f, 598900);
  assert_int_equal(rest->status, EXCH_FILLED);
  assert_int_equal(rest->value_e8, 5990 * USDT);
  assert_int_equal(rest->fee_e8, 5990 * USDT / 5000);
  drop(&f);
}

static void check_reduce_only(void **state) {
  (void)state;
  struct fixture f = make(20000);
  move(&f, 600000);
  place(&f, f.a, "Buy", 10, 0, "");
  struct exch_order *tp = place(&f, f.a, "Sell", 10, 610000, ",'reduceOnly':true"), *both = place(&f, f.a, "Sell", 50, 620000, ",'reduceOnly':true");
  assert_int_equal(both->qty, 10);  // truncated to the position
  place(&f, f.a, "Sell", 4, 0, "");
  assert_int_equal(tp->qty, 6);
  assert_int_equal(both->qty, 6);
  move(&f, 610500);
  assert_int_equal(tp->status, EXCH_FILLED);
  assert_int_equal(position(&f, f.a, 0)->lots, 0);
  assert_int_equal(both->status, EXCH_CANCELLED);
  assert_int_equal(both->why, WHY_REDUCE_ONLY);
  drop(&f);
}

static void check_done_orders(void **state) {
  (void)state;
  struct fixture f = make(20000);
  move(&f, 600000);
  struct exch_order *filled = place(&f, f.a, "Buy", 10, 0, ",'orderLinkId':'f'"), *open = place(&f, f.a, "Buy", 10, 590000, ",'orderLinkId':'o'");
  char text[128];
  assert_int_equal(doit(&f, exch_order_cancel, f.a, "{'orderLinkId':'f'}"), 110008);
  snprintf(text, sizeof text, "{'orderId':'%s'}", open->id);
  assert_int_equal(doit(&f, exch_order_cancel, f.b, text), 110001);  // another's
  assert_int_equal(doit(&f, exch_order_amend, f.a, "{'orderLinkId':'o','qty':'0.010'}"), 10001);  // nothing changes
  assert_int_equal(doit(&f, exch_order_cancel, f.a, "{'orderLinkId':'o'}"), 0);
  assert_int_equal(doit(&f, exch_order_cancel, f.a, "{'orderLinkId':'o'}"), 110010);
  assert_int_equal(doit(&f, exch_order_amend, f.a, "{'orderLinkId':'f','qty':'0.5'}"), 110008);
  assert_int_equal(doit(&f, exch_order_cancel, f.a, "{'orderLinkId':'none'}"), 110001);
  assert_int_equal(doit(&f, exch_order_cancel, f.a, "{}"), 10001);
  assert_ptr_equal(exch_find(f.x, f.a, "", "f"), filled);
  drop(&f);
}

static void check_hedge(void **state) {
  (void)state;
  struct fixture f = make(20000);
  move(&f, 600000);
  assert_int_equal(doit(&f, exch_position_mode, f.a, "{'mode':0}"), 110025);
  assert_int_equal(doit(&f, exch_position_mode, f.a, "{'mode':3}"), 0);
  assert_null(place(&f, f.a, "Buy", 10, 0, ""));  // without an index
  assert_non_null(place(&f, f.a, "Buy", 10, 0, ",'positionIdx':1"));
  assert_non_null(place(&f, f.a, "Sell", 7, 0, ",'positionIdx':2"));
  assert_int_equal(position(&f, f.a, 1)->lots, 10);
  assert_int_equal(position(&f, f.a, 2)->lots, -7);
  assert_int_equal(doit(&f, exch_order_create, f.a, "{'side':'Sell','orderType':'Market','qty':'0.011','positionIdx':1}"), 110017);
  assert_non_null(place(&f, f.a, "Sell", 10, 0, ",'positionIdx':1"));
  assert_int_equal(position(&f, f.a, 1)->lots, 0);
  assert_int_equal(doit(&f, exch_position_mode, f.a, "{'mode':0}"), 110024);
  drop(&f);
}

static void check_partial_cancel(void **state) {
  (void)state;
  struct fixture f = make(20000);
  move(&f, 600000);
  f.x->partial_cancel_e8 = RATE_ONE / 2;
  struct exch_order *o = place(&f, f.a, "Buy", 10, 0, "");
  assert_int_equal(o->filled, 5);
  assert_int_equal(o->status, EXCH_CANCELLED);
  assert_int_equal(o->why, WHY_ADMIN);
  assert_int_equal(f.x->partial_cancel_e8, 0);
  drop(&f);
}

static void check_candles(void **state) {
  (void)state;
  struct fixture f = make(0);
  static const struct {
    const char *interval;
    int64_t at_s, open_s;
  } rows[] = {{"1", 1709251205, 1709251200}, {"5", 1709251499, 1709251200}, {"240", 1709251199, 1709236800}, {"D", 1709251199, 1709164800},
    {"W", 1709251200, 1708905600},                                            // Monday, 26 February 2024
    {"M", 1709251199, 1706745600}, {"M", 1709251200, 1709251200}, {"M", 1704067199, 1701388800}};  // 29 February, 1 March, 31 December
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct exch_candle c;
    int64_t interval;
    size_t at = 1;
    f.s->candle_count = 0;
    assert_true(exch_candle_add(f.s, &(struct exch_candle){rows[i].at_s * 1000 - rows[i].at_s % 60 * 1000, 5, 9, 1, 7, 3, 4}));
    assert_true(exch_candle_interval(rows[i].interval, &interval));
    assert_true(exch_candle_back(f.s, interval, &at, &c));
    assert_int_equal(c.open_ms / 1000, rows[i].open_s);
  }
  // Minutes without a trade are there, flat; a minute begins where the one before ended.
  f.s->candle_count = 0;
  exch_time(f.x, T0 + 1);
  exch_market_print(f.x, f.s, 100, 2, true);
  exch_time(f.x, T0 + 3 * 60000);
  exch_market_print(f.x, f.s, 90, 1, false);
  assert_int_equal(f.s->candle_count, 4);
  assert_int_equal(f.s->candles[2].close, 100);
  assert_int_equal(f.s->candles[2].lots, 0);
  assert_int_equal(f.s->candles[3].open, 100);
  assert_int_equal(f.s->candles[3].low, 90);
  drop(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(check_refusals), cmocka_unit_test(check_limits), cmocka_unit_test(check_priority), cmocka_unit_test(check_times_in_force),
                                     cmocka_unit_test(check_market_maker), cmocka_unit_test(check_reduce_only), cmocka_unit_test(check_done_orders), cmocka_unit_test(check_hedge),
                                     cmocka_unit_test(check_partial_cancel), cmocka_unit_test(check_candles)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
