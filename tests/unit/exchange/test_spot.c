// Tests of spot markets: coins for money to the last part of a lot, what orders hold, and that the perpetual of the same name is another market.
#include "fixture.h"

static struct fixture make_spot(void) {
  struct fixture f = {0};
  assert_int_equal(exch_create(7, 0, &f.x, NULL), OK);
  f.x->with_spot = true;
  assert_int_equal(exch_symbol_add(f.x, "BTCUSDT", NULL, NULL, NULL), OK);
  exch_time(f.x, T0);
  f.s = exch_symbol_in(f.x, true, "BTCUSDT");
  assert_non_null(f.s);
  assert_ptr_not_equal(f.s, exch_symbol(f.x, "BTCUSDT"));
  f.a = exch_account_add(f.x, 1, 10000 * USDT);
  f.b = exch_account_add(f.x, 2, 10000 * USDT);
  exch_market_push(f.x, exch_symbol(f.x, "BTCUSDT"), 0, 0, 600000, 1);  // both move
  assert_int_equal(f.s->last, 600000);
  return f;
}

static int ask(struct fixture *f, operation *op, struct exch_account *a, const char *text) {
  json_t *p = object(text), *result = NULL;
  json_object_set_new(p, "category", json_string("spot"));
  json_object_set_new(p, "symbol", json_string("BTCUSDT"));
  f->x->msg[0] = '\0';
  const int code = op(f->x, a, p, &result);
  assert_true((code == 0) == (result != NULL));
  json_decref(result);
  json_decref(p);
  return code;
}

static void check_coins(void **state) {
  (void)state;
  struct fixture f = make_spot();
  // Nothing is sold that is not there, in the words of spot.
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Sell','orderType':'Limit','qty':'0.01','price':'60000'}"), 170131);
  exch_deposit_coins(f.x, f.b, f.s, 20 * RATE_ONE);
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Sell','orderType':'Limit','qty':'0.015','price':'60000','orderLinkId':'s'}"), 0);
  assert_int_equal(exch_margin_coins_free(f.b, f.s), 5 * RATE_ONE);
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Sell','orderType':'Limit','qty':'0.006','price':'60000'}"), 170131);
  assert_int_equal(ask(&f, exch_order_amend, f.b, "{'orderLinkId':'s','qty':'0.021'}"), 170131);
  assert_int_equal(ask(&f, exch_order_amend, f.b, "{'orderLinkId':'s','qty':'0.020'}"), 0);
  // A buy rests: its money is held, and given back.
  assert_int_equal(ask(&f, exch_order_create, f.a, "{'side':'Buy','orderType':'Limit','qty':'0.01','price':'59000','orderLinkId':'b'}"), 0);
  assert_int_equal(exch_margin_locked(f.x, f.a), 590 * USDT);
  assert_int_equal(ask(&f, exch_order_create, f.a, "{'side':'Buy','orderType':'Limit','qty':'0.16','price':'59000'}"), 170131);
  assert_int_equal(doit(&f, exch_order_cancel, f.a, "{'orderLinkId':'b'}"), 110001);  // it is no order of the perpetual
  assert_int_equal(ask(&f, exch_order_cancel, f.a, "{'orderLinkId':'b'}"), 0);
  assert_int_equal(ask(&f, exch_order_cancel, f.a, "{'orderLinkId':'b'}"), 170142);
  assert_int_equal(exch_margin_locked(f.x, f.a), 0);
  // They meet: 0.013 of 0.020. The buyer's fee is a thousandth of the coins, the seller's of the money.
  assert_int_equal(ask(&f, exch_order_create, f.a, "{'side':'Buy','orderType':'Market','marketUnit':'baseCoin','qty':'0.013'}"), 0);
  assert_int_equal(f.a->coins_e8[f.s->index], 13 * RATE_ONE - 13 * RATE_ONE / 1000);
  assert_int_equal(wallet(f.a), 10000 * USDT - 780 * USDT);
  assert_int_equal(f.b->coins_e8[f.s->index], 7 * RATE_ONE);
  assert_int_equal(wallet(f.b), 10000 * USDT + 780 * USDT - 78 * USDT / 100);
  // By value: 0.001 is 60.
  assert_int_equal(ask(&f, exch_order_create, f.a, "{'side':'Buy','orderType':'Market','qty':'125'}"), 0);
  assert_int_equal(f.x->orders[f.x->order_count - 1]->qty, 2);
  // Coins are no position: nothing to reduce, to liquidate, or to fund.
  assert_int_equal(ask(&f, exch_order_create, f.a, "{'side':'Sell','orderType':'Market','qty':'0.001','reduceOnly':true}"), 10001);
  exch_market_push(f.x, exch_symbol(f.x, "BTCUSDT"), 0, 0, 100, 1);
  exch_time(f.x, T0 + INT64_C(86400000));
  exch_funding_due(f.x);
  assert_int_equal(f.a->liquidations, 0);
  assert_int_equal(ledger_total(&f.a->ledger, BOOK_FUNDING).e8, 0);
  drop(&f);
}

static void check_hit(void **state) {
  (void)state;
  struct fixture f = make_spot();
  assert_int_equal(ask(&f, exch_order_create, f.a, "{'side':'Buy','orderType':'Limit','qty':'0.01','price':'59000'}"), 0);
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Buy','orderType':'Limit','qty':'0.01','price':'58000'}"), 0);
  assert_int_equal(exch_book_hit(f.x, f.s, false, 4), 4);
  assert_int_equal(f.x->orders[0]->filled, 4);
  assert_int_equal(f.x->orders[0]->status, EXCH_PARTIAL);
  assert_int_equal(exch_book_hit(f.x, f.s, false, 100), 16);
  assert_int_equal(f.x->orders[1]->status, EXCH_FILLED);
  assert_null(f.s->buys);
  assert_int_equal(exch_book_hit(f.x, f.s, false, 1), 0);
  drop(&f);
}

static const struct exch_order *last(const struct fixture *f) { return f->x->orders[f->x->order_count - 1]; }
static void to(struct fixture *f, int64_t ticks) { exch_market_push(f->x, exch_symbol(f->x, "BTCUSDT"), ticks - 1, ticks, ticks, 1); }

// Conditional orders set nothing aside, TP/SL orders do; both wait for the price to come from where it is, and are of a kind that is to be named.
static void check_conditional(void **state) {
  (void)state;
  struct fixture f = make_spot();
  exch_deposit_coins(f.x, f.b, f.s, 20 * RATE_ONE);
  // Without the kind it is an order like others.
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Sell','orderType':'Limit','qty':'0.001','price':'64000','triggerPrice':'58000'}"), 0);
  assert_int_equal(last(&f)->status, EXCH_NEW);
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Sell','orderType':'Limit','qty':'0.001','price':'64000','orderFilter':'StopOrder'}"), 10001);
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Sell','orderType':'Limit','qty':'0.001','price':'64000','orderFilter':'Stop','triggerPrice':'58000'}"), 10001);
  // A stop for all of the coins, and a target for all of them: one alone can be had.
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Sell','orderType':'Market','qty':'0.019','triggerPrice':'58000','orderFilter':'StopOrder','orderLinkId':'stop'}"), 0);
  const struct exch_order *stop = last(&f);
  assert_int_equal(stop->status, EXCH_UNTRIGGERED);
  assert_int_equal(stop->direction, 2);
  assert_int_equal(exch_margin_coins_free(f.b, f.s), 19 * RATE_ONE);
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Sell','orderType':'Limit','qty':'0.019','price':'65000','orderLinkId':'target'}"), 0);
  to(&f, 579000);
  assert_int_equal(stop->status, EXCH_REJECTED);  // its coins are held by the target
  assert_int_equal(stop->why, WHY_NO_BALANCE);
  // Who cancels names the kind.
  assert_int_equal(ask(&f, exch_order_cancel, f.b, "{'orderLinkId':'target'}"), 0);
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Sell','orderType':'Market','qty':'0.01','triggerPrice':'57000','orderFilter':'StopOrder','orderLinkId':'s2'}"), 0);
  assert_int_equal(ask(&f, exch_order_cancel, f.b, "{'orderLinkId':'s2'}"), 170213);
  assert_int_equal(ask(&f, exch_order_cancel, f.b, "{'orderLinkId':'s2','orderFilter':'tpslOrder'}"), 170213);
  assert_int_equal(ask(&f, exch_order_cancel_all, f.b, "{}"), 0);
  assert_int_equal(last(&f)->status, EXCH_UNTRIGGERED);
  assert_int_equal(ask(&f, exch_order_cancel, f.b, "{'orderLinkId':'s2','orderFilter':'StopOrder'}"), 0);
  assert_int_equal(last(&f)->status, EXCH_DEACTIVATED);
  // The other way round: a stop that came too late waits for the price to rise. Amended, it is judged anew.
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Sell','orderType':'Limit','qty':'0.01','price':'61000','triggerPrice':'58500','orderFilter':'StopOrder','orderLinkId':'s3'}"), 0);
  assert_int_equal(last(&f)->direction, 1);
  assert_int_equal(ask(&f, exch_order_amend, f.b, "{'orderLinkId':'s3','triggerPrice':'57500'}"), 0);
  assert_int_equal(last(&f)->direction, 2);
  assert_int_equal(ask(&f, exch_order_amend, f.b, "{'orderLinkId':'s3','triggerPrice':'58500'}"), 0);
  to(&f, 585000);
  assert_int_equal(last(&f)->status, EXCH_NEW);  // and rests at its limit
  assert_int_equal(ask(&f, exch_order_cancel, f.b, "{'orderLinkId':'s3','orderFilter':'StopOrder'}"), 170213);
  assert_int_equal(ask(&f, exch_order_cancel, f.b, "{'orderLinkId':'s3'}"), 0);
  // Set aside: coins of a sell, money of a buy.
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Sell','orderType':'Market','qty':'0.015','triggerPrice':'58000','orderFilter':'tpslOrder','orderLinkId':'t'}"), 0);
  assert_int_equal(exch_margin_coins_free(f.b, f.s), 5 * RATE_ONE);
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Sell','orderType':'Limit','qty':'0.006','price':'61000'}"), 170131);
  assert_int_equal(ask(&f, exch_order_create, f.a, "{'side':'Buy','orderType':'Market','marketUnit':'baseCoin','qty':'0.1','triggerPrice':'60000','orderFilter':'tpslOrder','orderLinkId':'u'}"), 0);
  assert_int_equal(exch_margin_locked(f.x, f.a), 6000 * USDT);
  assert_int_equal(ask(&f, exch_order_create, f.a, "{'side':'Buy','orderType':'Market','marketUnit':'baseCoin','qty':'0.1','triggerPrice':'60000','orderFilter':'tpslOrder'}"), 170131);
  // The trigger comes: they are filled by each other's market.
  exch_book_quote(f.x, f.s, 579999, 580001);
  assert_int_equal(ask(&f, exch_order_create, f.a, "{'side':'Buy','orderType':'Limit','qty':'0.015','price':'57900'}"), 0);
  to(&f, 580000);
  assert_int_equal(exch_find(f.x, f.b, "", "t")->status, EXCH_FILLED);
  assert_int_equal(f.b->coins_e8[f.s->index], 5 * RATE_ONE);
  drop(&f);
}

// What a limit order of spot bore guards what it filled: two exits, for which the coins are set aside once; the one that is triggered takes the other away.
static void check_exits(void **state) {
  (void)state;
  struct fixture f = make_spot();
  exch_deposit_coins(f.x, f.a, f.s, 100 * RATE_ONE);
  exch_deposit_coins(f.x, f.b, f.s, 5 * RATE_ONE);
  const char *const wrong[] = {"{'side':'Buy','orderType':'Market','marketUnit':'baseCoin','qty':'0.02','takeProfit':'66000'}",
    "{'side':'Buy','orderType':'Limit','qty':'0.02','price':'60000','triggerPrice':'61000','orderFilter':'StopOrder','stopLoss':'54000'}"};
  for (int i = 0; i < 2; i++) assert_int_equal(ask(&f, exch_order_create, f.b, wrong[i]), 170130);
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Buy','orderType':'Limit','qty':'0.02','price':'60000','takeProfit':'66000','tpOrderType':'Limit'}"), 10001);
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Buy','orderType':'Limit','qty':'0.02','price':'60000','takeProfit':'59000'}"), 10001);
  // Nothing before it has ended. Filled in part and cancelled: what it bought, less the fee, in whole lots.
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Buy','orderType':'Limit','qty':'0.02','price':'59000','takeProfit':'66000','tpLimitPrice':'65900','tpOrderType':'Limit','stopLoss':'54000','orderLinkId':'e'}"), 0);
  const struct exch_order *entry = last(&f);
  const size_t before = f.x->order_count;
  assert_int_equal(exch_book_hit(f.x, f.s, false, 12), 12);
  assert_int_equal(f.x->order_count, before);
  assert_int_equal(ask(&f, exch_order_cancel, f.b, "{'orderLinkId':'e'}"), 0);
  assert_int_equal(entry->filled, 12);
  assert_int_equal(f.x->order_count, before + 2);
  const struct exch_order *profit = f.x->orders[before], *loss = f.x->orders[before + 1];
  assert_true(profit->status == EXCH_UNTRIGGERED && loss->status == EXCH_UNTRIGGERED && !profit->buy && !loss->buy);
  assert_int_equal(profit->qty, 11);
  assert_int_equal(loss->qty, 11);
  assert_true(profit->trigger == 660000 && profit->direction == 1 && !profit->market && profit->price == 659000);
  assert_true(loss->trigger == 540000 && loss->direction == 2 && loss->market);
  const int64_t has = f.b->coins_e8[f.s->index];
  assert_int_equal(exch_margin_coins_free(f.b, f.s), has - 11 * RATE_ONE);  // once
  // Who cancels names the kind; what is left goes on alone, and its coins stay set aside.
  char of_loss[128], of_profit[128];
  snprintf(of_loss, sizeof of_loss, "{'orderId':'%s','orderFilter':'BidirectionalTpslOrder'}", loss->id);
  snprintf(of_profit, sizeof of_profit, "{'orderId':'%s','orderFilter':'StopOrder'}", profit->id);
  assert_int_equal(ask(&f, exch_order_cancel, f.b, of_profit), 170213);
  assert_int_equal(ask(&f, exch_order_cancel, f.b, of_loss), 0);
  assert_int_equal(loss->status, EXCH_DEACTIVATED);
  assert_int_equal(profit->status, EXCH_UNTRIGGERED);
  assert_int_equal(exch_margin_coins_free(f.b, f.s), has - 11 * RATE_ONE);
  assert_int_equal(ask(&f, exch_order_cancel_all, f.b, "{'orderFilter':'BidirectionalTpslOrder'}"), 0);
  assert_int_equal(exch_margin_coins_free(f.b, f.s), has);
  to(&f, 600000);
  // Filled whole: the stop comes, sells what was bought, and the target is gone.
  assert_int_equal(ask(&f, exch_order_create, f.a, "{'side':'Sell','orderType':'Limit','qty':'0.02','price':'60050'}"), 0);
  assert_int_equal(ask(&f, exch_order_create, f.a, "{'side':'Buy','orderType':'Limit','qty':'0.019','price':'53500'}"), 0);
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Buy','orderType':'Limit','qty':'0.02','price':'60100','takeProfit':'66000','stopLoss':'54000'}"), 0);
  profit = f.x->orders[f.x->order_count - 2], loss = f.x->orders[f.x->order_count - 1];
  assert_int_equal(loss->qty, 19);
  to(&f, 540000);
  assert_int_equal(loss->status, EXCH_FILLED);
  assert_int_equal(profit->status, EXCH_DEACTIVATED);
  assert_int_equal(profit->why, WHY_TPSL_CLEARED);
  // The other way round: sold, and bought back dearer. Money is set aside once, for the dearer.
  to(&f, 600000);
  assert_int_equal(ask(&f, exch_order_create, f.a, "{'side':'Buy','orderType':'Limit','qty':'0.01','price':'59950'}"), 0);
  const int64_t locked = exch_margin_locked(f.x, f.b);
  assert_int_equal(ask(&f, exch_order_create, f.b, "{'side':'Sell','orderType':'Limit','qty':'0.01','price':'59900','takeProfit':'55000','stopLoss':'66000'}"), 0);
  assert_int_equal(exch_margin_locked(f.x, f.b) - locked, 660 * USDT);
  profit = f.x->orders[f.x->order_count - 2], loss = f.x->orders[f.x->order_count - 1];
  assert_int_equal(ask(&f, exch_order_create, f.a, "{'side':'Sell','orderType':'Limit','qty':'0.01','price':'55000'}"), 0);
  to(&f, 550000);
  assert_int_equal(profit->status, EXCH_FILLED);
  assert_int_equal(loss->status, EXCH_DEACTIVATED);
  assert_int_equal(exch_margin_locked(f.x, f.b), locked);
  drop(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(check_exits), cmocka_unit_test(check_coins), cmocka_unit_test(check_hit), cmocka_unit_test(check_conditional)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
