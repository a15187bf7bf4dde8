// Tests of money: profit, fees, margin, liquidation, funding, stops of a position; and that nothing is ever made or lost.
#include "fixture.h"

static struct exch_margin margin(const struct fixture *f, const struct exch_account *a) {
  struct exch_margin m;
  exch_margin_of(f->x, a, &m);
  return m;
}

static void check_profit(void **state) {
  (void)state;
  struct fixture f = make(0);
  // a sells to b at 60,000, b sells a part back at 61,000: exact on both sides.
  place(&f, f.a, "Sell", 30, 600000, "");
  place(&f, f.b, "Buy", 30, 600000, "");
  place(&f, f.a, "Buy", 10, 610000, "");
  place(&f, f.b, "Sell", 10, 610000, "");
  int64_t gain = 10 * USDT, entry = 1800 * USDT, part = 610 * USDT;
  assert_int_equal(wallet(f.b), 10000 * USDT + gain - entry * 55 / 100000 - part * 55 / 100000);
  assert_int_equal(wallet(f.a), 10000 * USDT - gain - entry * 2 / 10000 - part * 2 / 10000);
  assert_int_equal(position(&f, f.b, 0)->lots, 20);
  assert_int_equal(position(&f, f.b, 0)->entry_e8, 1200 * USDT);
  // And the whole position turned round in one trade.
  place(&f, f.a, "Buy", 50, 590000, "");
  place(&f, f.b, "Sell", 50, 590000, "");
  assert_int_equal(position(&f, f.b, 0)->lots, -30);
  assert_int_equal(position(&f, f.b, 0)->entry_e8, 1770 * USDT);
  assert_int_equal(ledger_total(&f.b->ledger, BOOK_REALISED).e8, gain - 20 * USDT);
  drop(&f);
}

static void check_margin(void **state) {
  (void)state;
  struct fixture f = make(0);
  exch_market_push(f.x, f.s, 0, 0, 600000, 1);
  place(&f, f.a, "Sell", 100, 600000, "");
  place(&f, f.b, "Buy", 100, 600000, "");
  struct exch_margin m = margin(&f, f.b);
  assert_int_equal(m.position_im, 600 * USDT);  // 6,000 at 10x
  assert_int_equal(m.position_mm, 30 * USDT);
  assert_int_equal(m.order_im, 0);
  // Orders that close need nothing; beyond the position they do.
  place(&f, f.b, "Sell", 100, 620000, "");
  assert_int_equal(margin(&f, f.b).order_im, 0);
  place(&f, f.b, "Buy", 100, 500000, "");
  assert_int_equal(margin(&f, f.b).order_im, 500 * USDT);
  exch_market_push(f.x, f.s, 0, 0, 610000, 1);
  m = margin(&f, f.b);
  assert_int_equal(m.unrealised, 100 * USDT);
  assert_int_equal(m.equity, wallet(f.b) + 100 * USDT);
  assert_int_equal(margin(&f, f.a).unrealised, -100 * USDT);
  // Leverage: more frees margin, less needs it; too much is refused.
  assert_int_equal(doit(&f, exch_position_leverage, f.b, "{'buyLeverage':'20','sellLeverage':'20'}"), 0);
  assert_int_equal(margin(&f, f.b).position_im, 305 * USDT);
  assert_int_equal(doit(&f, exch_position_leverage, f.b, "{'buyLeverage':'20','sellLeverage':'20'}"), 110043);
  assert_int_equal(doit(&f, exch_position_leverage, f.b, "{'buyLeverage':'101','sellLeverage':'101'}"), 110013);
  assert_int_equal(doit(&f, exch_position_leverage, f.b, "{'buyLeverage':'5','sellLeverage':'6'}"), 10001);
  assert_int_equal(doit(&f, exch_position_leverage, f.b, "{'buyLeverage':'1','sellLeverage':'1'}"), 110007);
  assert_int_equal(f.b->leverage[0].buy_e2, 2000);
  drop(&f);
}

// The price that is told is the price at which it happens.
static void liquidate(bool is_long, bool isolated) {
  struct fixture f = make(0);
  exch_market_push(f.x, f.s, 0, 0, 600000, 1);
  if (isolated) assert_int_equal(doit(&f, exch_account_margin_mode, f.b, "{'setMarginMode':'ISOLATED_MARGIN'}"), 0);
  place(&f, f.a, is_long ? "Sell" : "Buy", 1000, 600000, "");
  place(&f, f.b, is_long ? "Buy" : "Sell", 1000, 600000, "");
  exch_deposit(f.x, f.a, 1000000 * USDT);  // the other side can bear it
  struct exch_order *open = place(&f, f.b, is_long ? "Buy" : "Sell", 1, is_long ? 400000 : 650000, "");
  int64_t at = exch_margin_liquidation_price(f.x, f.b, f.s, 0), before = wallet(f.b), step = is_long ? 1 : -1;
  assert_true(at > 0 && (is_long ? at < 600000 : at > 600000));
  exch_market_mark(f.x, f.s, at + 2 * step);
  assert_int_not_equal(position(&f, f.b, 0)->lots, 0);
  exch_market_mark(f.x, f.s, at - 2 * step);
  assert_int_equal(position(&f, f.b, 0)->lots, 0);
  assert_int_equal(f.b->liquidations, 1);
  if (!isolated) assert_int_equal(open->status, EXCH_CANCELLED);
  assert_true(wallet(f.b) >= 0 && wallet(f.b) < before);
  if (isolated) assert_true(before - wallet(f.b) <= 6000 * USDT);  // its margin, at 10x
  drop(&f);
}
static void check_liquidation(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) liquidate(i & 1, i & 2);
}

static void check_bankruptcy(void **state) {
  (void)state;
  struct fixture f = make(0);
  exch_market_push(f.x, f.s, 0, 0, 600000, 1);
  place(&f, f.a, "Sell", 1000, 600000, "");
  place(&f, f.b, "Buy", 1000, 600000, "");
  exch_market_mark(f.x, f.s, 300000);  // far below where it should have been closed
  assert_int_equal(wallet(f.b), 0);    // covered: nobody owes the exchange
  assert_true(f.x->house.balance_e8[BOOK_REALISED] != 0);
  drop(&f);
}

static void check_funding(void **state) {
  (void)state;
  struct fixture f = make(0);
  exch_market_push(f.x, f.s, 0, 0, 600000, 1);
  place(&f, f.a, "Sell", 100, 600000, "");
  place(&f, f.b, "Buy", 100, 600000, "");
  int64_t a = wallet(f.a), b = wallet(f.b);
  exch_funding_pay(f.x, f.s, 10000);  // 0.01 % of 6,000
  assert_int_equal(wallet(f.b) - b, -60000000);
  assert_int_equal(wallet(f.a) - a, 60000000);
  assert_int_equal(f.x->executions[f.x->execution_count - 1].kind, EXEC_FUNDING);
  exch_funding_due(f.x);  // learns when
  assert_int_equal(f.s->funding_ms, T0 + 8 * 3600 * 1000);
  exch_time(f.x, T0 + 8 * 3600 * 1000);
  exch_funding_due(f.x);
  exch_funding_due(f.x);
  assert_int_equal(wallet(f.b) - b, -120000000);
  drop(&f);
}

static void check_conditional(void **state) {
  (void)state;
  struct fixture f = make(20000);
  move(&f, 600000);
  struct exch_order *rise = place(&f, f.a, "Buy", 5, 0, ",'triggerPrice':'60100','triggerDirection':1"), *fall = place(&f, f.a, "Sell", 5, 595000, ",'triggerPrice':'59900','triggerDirection':2");
  assert_int_equal(rise->status, EXCH_UNTRIGGERED);
  move(&f, 600999);
  assert_int_equal(rise->status, EXCH_UNTRIGGERED);
  move(&f, 601000);
  assert_int_equal(rise->status, EXCH_FILLED);
  move(&f, 598990);
  assert_int_equal(fall->status, EXCH_FILLED);
  assert_int_equal(position(&f, f.a, 0)->lots, 0);
  // One that may only reduce finds nothing to reduce when its time comes.
  struct exch_order *reduce = place(&f, f.a, "Sell", 5, 0, ",'triggerPrice':'58000','triggerDirection':2,'reduceOnly':true");
  move(&f, 579000);
  assert_int_equal(reduce->status, EXCH_CANCELLED);
  assert_int_equal(reduce->filled, 0);
  assert_int_equal(position(&f, f.a, 0)->lots, 0);
  // One that the account cannot pay for is rejected then.
  struct exch_order *large = place(&f, f.a, "Buy", 5000, 0, ",'triggerPrice':'60000','triggerDirection':1");
  move(&f, 601000);
  assert_int_equal(large->status, EXCH_REJECTED);
  drop(&f);
}

static void check_partial_stops(void **state) {
  (void)state;
  struct fixture f = make(0);
  exch_market_push(f.x, f.s, 0, 0, 600000, 1);
  place(&f, f.a, "Buy", 10, 600000, ",'takeProfit':'61000','stopLoss':'59000','tpslMode':'Partial'");
  place(&f, f.b, "Sell", 4, 600000, "");
  place(&f, f.b, "Sell", 6, 600000, "");
  int64_t lots = 0;
  int count = 0;
  for (const struct exch_order *o = f.a->active; o; o = o->active_next) {
    assert_int_equal(o->status, EXCH_UNTRIGGERED);
    lots += o->qty;
    count++;
  }
  assert_int_equal(count, 4);  // two for each fill
  assert_int_equal(lots, 20);
  drop(&f);
}

static void check_position_stops(void **state) {
  (void)state;
  struct fixture f = make(20000);
  move(&f, 600000);
  struct exch_order *o = place(&f, f.a, "Buy", 10, 0, ",'takeProfit':'61000','stopLoss':'59000'");
  struct exch_position *p = position(&f, f.a, 0);
  assert_non_null(p->take_profit);
  assert_int_equal(p->stop_loss->trigger, 590000);
  struct exch_order *tp = p->take_profit, *sl = p->stop_loss;
  place(&f, f.a, "Buy", 5, 0, "");
  assert_int_equal(tp->qty, 15);  // the whole position
  move(&f, 589900);
  assert_int_equal(sl->status, EXCH_FILLED);
  assert_int_equal(p->lots, 0);
  assert_int_equal(tp->status, EXCH_CANCELLED);
  assert_int_equal(tp->why, WHY_TPSL_CLEARED);
  assert_null(p->take_profit);
  assert_int_equal(o->status, EXCH_FILLED);
  // By hand, and trailing.
  assert_int_equal(doit(&f, exch_position_stop, f.a, "{'stopLoss':'50000'}"), 10001);  // no position
  place(&f, f.a, "Sell", 10, 0, "");
  assert_int_equal(doit(&f, exch_position_stop, f.a, "{'stopLoss':'58000'}"), 10001);  // wrong side of a short
  assert_int_equal(doit(&f, exch_position_stop, f.a, "{'stopLoss':'60000','trailingStop':'100'}"), 0);
  assert_int_equal(doit(&f, exch_position_stop, f.a, "{'stopLoss':'60000'}"), 34040);
  move(&f, 588000);
  assert_int_equal(p->trail->trigger, 589000);
  move(&f, 588500);
  assert_int_equal(p->trail->trigger, 589000);
  move(&f, 589000);
  assert_int_equal(p->lots, 0);
  assert_null(f.a->active);
  drop(&f);
}

// Random commands of two accounts against a moving market: money and positions are conserved after each, and the same seed gives the same.
static char *random_run(uint64_t seed) {
  struct fixture f = make(20000);
  move(&f, 600000);
  for (uint64_t i = 0; i < 4000; i++) {
    uint64_t r = exch_mix(seed, i), q = exch_mix(seed + 1, i);
    struct exch_account *a = r & 1 ? f.a : f.b;
    int64_t px = 600000 + (int64_t)(q % 4000) - 2000, lots = 1 + (int64_t)(q >> 32) % 40;
    static const char *const more[] = {"", ",'timeInForce':'IOC'", ",'timeInForce':'PostOnly'", ",'reduceOnly':true", ",'timeInForce':'FOK'"};
    exch_time(f.x, T0 + (int64_t)i * 1000);
    switch ((r >> 8) % 8) {
    case 0: case 1: case 2: place(&f, a, r & 2 ? "Buy" : "Sell", lots, px, more[(r >> 16) % 5]); break;
    case 3: place(&f, a, r & 2 ? "Buy" : "Sell", lots, 0, more[(r >> 16) % 2 * 3]); break;
    case 4: move(&f, px); break;
    case 5: doit(&f, exch_order_cancel_all, a, "{}"); break;
    case 6: place(&f, a, r & 2 ? "Buy" : "Sell", lots, 0, r & 4 ? ",'triggerPrice':'60150','triggerDirection':1" : ",'triggerPrice':'59850','triggerDirection':2"); break;
    default: exch_funding_pay(f.x, f.s, (int64_t)(r % 20000) - 10000); break;
    }
    exch_check(f.x);
    for (int side = 0; side < 2; side++)  // a book that is never crossed, in order
      for (struct exch_order *o = side ? f.s->sells : f.s->buys; o; o = o->book_next) {
        assert_true(exch_order_open(o) && o->filled < o->qty);
        if (o->book_next) assert_true(side ? o->price <= o->book_next->price : o->price >= o->book_next->price);
      }
    if (f.s->buys && f.s->sells) assert_true(f.s->buys->price < f.s->sells->price);
  }
  assert_true(f.x->execution_count > 500);
  json_t *j = json_pack("[o, o, o]", exch_render_wallet(f.x, f.a), exch_render_wallet(f.x, f.b), exch_render_execution(&f.x->executions[f.x->execution_count - 1], true));
  char *text = json_dumps(j, JSON_COMPACT);
  json_decref(j);
  drop(&f);
  return text;
}
static void check_random(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed < 6; seed++) {
    char *once = random_run(seed), *again = random_run(seed);
    assert_string_equal(once, again);
    free(once);
    free(again);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(check_profit), cmocka_unit_test(check_margin), cmocka_unit_test(check_liquidation), cmocka_unit_test(check_bankruptcy),
                                     cmocka_unit_test(check_funding), cmocka_unit_test(check_conditional), cmocka_unit_test(check_partial_stops), cmocka_unit_test(check_position_stops), cmocka_unit_test(check_random)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
