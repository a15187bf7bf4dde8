// tests/unit/risk/test_gate.c – every refusal with its level and numbers, what is exempt from it, and amounts that do not fit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "risk/gate.h"

#define E8(units) ((int64_t)(units) * CASH_ONE)
#define SEC INT64_C(1000000000)

struct fixture {
  struct instrument inst;
  struct gate_scope bot, account, tenant;
  struct gate_symbol bot_symbol, account_symbol;
  struct gate_path p;
  struct gate_order o;
  struct refusal why;
};

// Price 100, lots of 0.1: a lot is worth 10. 10,000 of equity everywhere, leverage 2.
static void start(struct fixture *f) {
  struct err err;
  struct gate_limits none = {0};
  memset(f, 0, sizeof *f);
  f->inst = (struct instrument){.symbol = "X", .tick = {1, 0}, .lot = {1, 1}, .multiplier = {1, 0}, .min_qty = {2},
                                .max_order_qty = {5000}, .min_notional = {E8(30)}};
  assert_int_equal(instrument_finish(&f->inst, &err), OK);
  gate_scope_init(&f->bot, LEVEL_BOT, &none, (cash){E8(10000)});
  gate_scope_init(&f->account, LEVEL_ACCOUNT, &none, (cash){E8(10000)});
  gate_scope_init(&f->tenant, LEVEL_TENANT, &none, (cash){E8(10000)});
  gate_symbol_init(&f->bot_symbol, &f->inst, 20000);
  gate_symbol_init(&f->account_symbol, &f->inst, 20000);
  f->p = (struct gate_path){.bot = &f->bot, .account = &f->account, .tenant = &f->tenant, .bot_symbol = &f->bot_symbol,
                            .account_symbol = &f->account_symbol, .bot_id = 1, .tenant_id = 2, .venue_id = 3};
  gate_price(&f->p, (price){100});
  f->o = (struct gate_order){.side = SIDE_BUY, .lots = 10, .px = {100}, .limit = NO_PRICE, .now_ns = 100 * SEC};
}

static enum refusal_rule ask(struct fixture *f) {
  f->why = (struct refusal){0};
  bool ok = gate_check(&f->p, &f->o, &f->why);
  assert_int_equal(ok, f->why.rule == REFUSE_NONE);
  return f->why.rule;
}

#define EXPECT(rule_, level_, limit_, value_)                                                                          \
  do {                                                                                                                 \
    assert_int_equal(ask(&f), rule_);                                                                                  \
    assert_true(f.why.level == (level_) && f.why.limit == (limit_) && f.why.value == (value_));                        \
  } while (0)

static struct gate_scope *scope_of(struct fixture *f, int i) { return i == 0 ? &f->bot : i == 1 ? &f->account : &f->tenant; }
static const enum refusal_level levels[] = {LEVEL_BOT, LEVEL_ACCOUNT, LEVEL_TENANT};

static void test_the_order_itself(void **state) {
  (void)state;
  struct fixture f;
  start(&f);
  assert_int_equal(ask(&f), REFUSE_NONE);
  f.o.lots = 1;
  EXPECT(REFUSE_SIZE_MIN, LEVEL_VENUE, 2, 1);
  f.o.lots = 0;
  EXPECT(REFUSE_SIZE_MIN, LEVEL_VENUE, 2, 0);
  f.o.lots = -5;
  EXPECT(REFUSE_SIZE_MIN, LEVEL_VENUE, 2, -5);
  f.o.lots = 2;
  EXPECT(REFUSE_NOTIONAL_MIN, LEVEL_VENUE, E8(30), E8(20));
  f.o.lots = 5001;
  EXPECT(REFUSE_SIZE_MAX, LEVEL_VENUE, 5000, 5001);
  f.inst.max_order_qty.lots = 0;
  f.o.lots = INT64_MAX;
  EXPECT(REFUSE_OVERFLOW, LEVEL_VENUE, 0, 0);
  f.o.lots = 10;
  f.o.px.ticks = 0;
  EXPECT(REFUSE_BAD_PRICE, LEVEL_VENUE, 0, 0);
  f.o.px = NO_PRICE;
  EXPECT(REFUSE_NO_PRICE, LEVEL_VENUE, 0, 0);
  f.o.px.ticks = 100, f.o.limit.ticks = -3;
  EXPECT(REFUSE_BAD_PRICE, LEVEL_VENUE, 0, -3);
  f.o.limit = NO_PRICE;
  f.bot_symbol.last = NO_PRICE;
  EXPECT(REFUSE_NO_PRICE, LEVEL_VENUE, 0, 0);
  start(&f);
  f.p.closed = true;
  EXPECT(REFUSE_CLOSED, LEVEL_VENUE, 0, 0);
  start(&f);
  f.o.reduce = true;
  EXPECT(REFUSE_REDUCE_ONLY, LEVEL_BOT, 0, 10);
  gate_fill(&f.p, SIDE_SELL, 7);
  EXPECT(REFUSE_REDUCE_ONLY, LEVEL_BOT, 7, 10);
  f.o.lots = 1;
  assert_int_equal(ask(&f), REFUSE_NONE);                    // however small
}

static void test_collar(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    struct fixture f;
    start(&f);
    scope_of(&f, i)->limits.collar_e8 = 5000000;
    f.o.px.ticks = 105;
    f.o.priced = true;
    assert_int_equal(ask(&f), REFUSE_NONE);
    f.o.px.ticks = 106;
    EXPECT(REFUSE_COLLAR, levels[i], 5000000, 6000000);
    f.o.px.ticks = 94;
    EXPECT(REFUSE_COLLAR, levels[i], 5000000, 6000000);
    f.o.priced = false;                                      // a market order valued at an older price
    assert_int_equal(ask(&f), REFUSE_NONE);
  }
}

static void test_rate(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    struct fixture f;
    struct gate_ticket t;
    start(&f);
    scope_of(&f, i)->limits.rate_burst = 3;
    scope_of(&f, i)->limits.rate_period_ns = SEC;
    for (int k = 0; k < 3; k++) {
      assert_int_equal(ask(&f), REFUSE_NONE);
      gate_accept(&f.p, &f.o, &t);
    }
    EXPECT(REFUSE_RATE, levels[i], 3, 4);
    assert_true(f.why.until_ns == 101 * SEC);
    f.o.now_ns = 101 * SEC - 1;
    assert_int_equal(ask(&f), REFUSE_RATE);
    f.o.now_ns = 101 * SEC;
    assert_int_equal(ask(&f), REFUSE_NONE);
    gate_accept(&f.p, &f.o, &t);
    assert_int_equal(ask(&f), REFUSE_RATE);
    gate_fill(&f.p, SIDE_SELL, 10000);                       // exits have twice the burst, the engine's own no limit
    for (int k = 0; k < 3; k++) {
      assert_int_equal(ask(&f), REFUSE_NONE);
      gate_accept(&f.p, &f.o, &t);
    }
    assert_int_equal(ask(&f), REFUSE_RATE);
    f.o.by_engine = true;
    assert_int_equal(ask(&f), REFUSE_NONE);
    f.o.by_engine = false;
    f.o.now_ns = 1000 * SEC;                                 // an idle bucket is full, not fuller
    gate_fill(&f.p, SIDE_BUY, 10000);
    for (int k = 0; k < 4; k++) {
      assert_int_equal(ask(&f), k < 3 ? REFUSE_NONE : REFUSE_RATE);
      gate_accept(&f.p, &f.o, &t);
    }
  }
}

static void test_open_orders(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    struct fixture f;
    struct gate_ticket t[4];
    start(&f);
    scope_of(&f, i)->limits.max_open = 2;
    for (int k = 0; k < 2; k++) gate_accept(&f.p, &f.o, &t[k]);
    EXPECT(REFUSE_OPEN_MAX, levels[i], 2, 2);
    gate_fill(&f.p, SIDE_SELL, 1000);
    for (int k = 2; k < 4; k++) {
      assert_int_equal(ask(&f), REFUSE_NONE);
      gate_accept(&f.p, &f.o, &t[k]);
    }
    EXPECT(REFUSE_OPEN_MAX, levels[i], 4, 4);
    for (int k = 0; k < 4; k++) gate_release(&f.p, &t[k]), gate_release(&f.p, &t[k]);
    assert_true(f.bot.open_orders == 0 && f.account.open_orders == 0 && f.tenant.open_orders == 0);
  }
}

static void test_tier_halt_self_trade(void **state) {
  (void)state;
  struct fixture f;
  start(&f);
  f.p.plan_denies = REFUSE_TIER_VENUE;
  EXPECT(REFUSE_TIER_VENUE, LEVEL_TENANT, 0, 0);
  f.p.plan_denies = REFUSE_TIER_PLACE;
  EXPECT(REFUSE_TIER_PLACE, LEVEL_TENANT, 0, 0);
  f.p.plan_denies = REFUSE_NONE;
  f.tenant.limits.max_trades = 10;
  f.tenant.trades_used = 10;
  EXPECT(REFUSE_TIER_TRADES, LEVEL_TENANT, 10, 10);
  gate_fill(&f.p, SIDE_SELL, 10);
  assert_int_equal(ask(&f), REFUSE_NONE);                    // an exit is not a trade of the plan
  static struct halt_state halt;
  halt_init(&halt);
  start(&f);
  f.p.halt = &halt;
  assert_int_equal(ask(&f), REFUSE_NONE);
  halt_set(&halt, LEVEL_TENANT, 2, HALT_REDUCE, HALT_BY_PLAN, 0);
  EXPECT(REFUSE_HALT_REDUCE, LEVEL_TENANT, 0, 2);
  gate_fill(&f.p, SIDE_SELL, 10);
  assert_int_equal(ask(&f), REFUSE_NONE);
  halt_set(&halt, LEVEL_BOT, 1, HALT_FLATTEN, HALT_BY_OWNER, 0);
  EXPECT(REFUSE_HALT_FLATTEN, LEVEL_BOT, 0, 3);
  f.o.by_engine = true;
  assert_int_equal(ask(&f), REFUSE_NONE);
  f.o.lots = 11;                                             // the engine may close, not turn
  assert_int_equal(ask(&f), REFUSE_HALT_FLATTEN);
  halt_set(&halt, LEVEL_ALL, 0, HALT_SILENT, HALT_BY_OPERATOR, 0);
  f.o.by_engine = false;
  halt_clear(&halt, LEVEL_BOT, 1);
  EXPECT(REFUSE_HALTED, LEVEL_ALL, 0, 4);
  start(&f);
  struct resting r;
  resting_init(&r);
  assert_true(resting_reserve(&r, 1));
  resting_add(&r, 77, 9, SIDE_SELL, (price){99});
  f.p.resting = &r;
  EXPECT(REFUSE_SELF_TRADE, LEVEL_ACCOUNT, 99, 100);
  assert_int_equal(f.why.other, 77);
  f.o.waits = true;
  assert_int_equal(ask(&f), REFUSE_NONE);
  f.o.waits = false;
  f.o.limit.ticks = f.o.px.ticks = 98;
  assert_int_equal(ask(&f), REFUSE_NONE);
  resting_finish(&r);
}

static void test_growth_limits(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    struct fixture f;
    struct gate_ticket t;
    start(&f);
    scope_of(&f, i)->limits.max_order_e8 = E8(99);
    EXPECT(REFUSE_NOTIONAL_MAX, levels[i], E8(99), E8(100));
    scope_of(&f, i)->limits = (struct gate_limits){.max_exposure_e8 = E8(150)};
    assert_int_equal(ask(&f), REFUSE_NONE);
    gate_accept(&f.p, &f.o, &t);
    EXPECT(REFUSE_EXPOSURE_MAX, levels[i], E8(150), E8(200));
    scope_of(&f, i)->limits = (struct gate_limits){.max_position_e8 = E8(150)};
    if (i < 2) EXPECT(REFUSE_POSITION_MAX, levels[i], E8(150), E8(200));
    // 10,000 of equity × 0.015 = 150.
    scope_of(&f, i)->limits = (struct gate_limits){.max_leverage_e4 = 150};
    EXPECT(REFUSE_LEVERAGE, levels[i], E8(150), E8(200));
    scope_of(&f, i)->limits.max_leverage_e4 = 200;
    assert_int_equal(ask(&f), REFUSE_NONE);
    // On the other side the worst case is not larger than what is pending.
    f.o.side = SIDE_SELL;
    assert_int_equal(ask(&f), REFUSE_NONE);
    scope_of(&f, i)->limits = (struct gate_limits){.day_loss_e8 = E8(500)};
    gate_scope_mark(scope_of(&f, i), (cash){E8(10300)});
    gate_scope_day(scope_of(&f, i));
    gate_scope_mark(scope_of(&f, i), (cash){E8(9800)});
    EXPECT(REFUSE_DAY_LOSS, levels[i], E8(500), E8(500));
    gate_scope_day(scope_of(&f, i));
    assert_int_equal(ask(&f), REFUSE_NONE);
    scope_of(&f, i)->limits.drawdown_e8 = E8(400);
    EXPECT(REFUSE_DRAWDOWN, levels[i], E8(400), E8(500));
    gate_fill(&f.p, SIDE_BUY, 10);
    assert_int_equal(ask(&f), REFUSE_NONE);                  // now it is an exit
    gate_accept(&f.p, &f.o, &t);
    EXPECT(REFUSE_DRAWDOWN, levels[i], E8(400), E8(500));    // a second one of the same position would open
    gate_update(&f.p, &t, 10, true);
    EXPECT(REFUSE_DRAWDOWN, levels[i], E8(400), E8(500));    // and so it would while the first is unknown
    gate_release(&f.p, &t);
    assert_int_equal(ask(&f), REFUSE_NONE);
  }
}

static void test_margin(void **state) {
  (void)state;
  struct fixture f;
  struct gate_ticket t;
  start(&f);
  f.account.free_e8 = E8(100);
  f.o.lots = 20;                                             // 200 at leverage 2
  assert_int_equal(ask(&f), REFUSE_NONE);
  f.o.fee.e8 = 1;
  EXPECT(REFUSE_MARGIN, LEVEL_ACCOUNT, E8(100), E8(100) + 1);
  f.o.fee.e8 = 0;
  gate_accept(&f.p, &f.o, &t);
  assert_true(f.account.margin_e8 == E8(100));
  f.o.lots = 10;
  EXPECT(REFUSE_MARGIN, LEVEL_ACCOUNT, 0, E8(50));
  gate_update(&f.p, &t, 20, true);                           // its fate is unknown: occupied all the same
  assert_true(f.bot_symbol.unknown_buy_lots == 20 && f.account_symbol.unknown_buy_lots == 20);
  EXPECT(REFUSE_MARGIN, LEVEL_ACCOUNT, 0, E8(50));
  f.o.side = SIDE_SELL;                                      // and nothing to sell against: this would open, on the other side
  f.o.reduce = true;
  assert_int_equal(ask(&f), REFUSE_REDUCE_ONLY);
  f.o.reduce = false;
  assert_int_equal(ask(&f), REFUSE_NONE);                    // both sides cannot open more: margin of the larger
  gate_release(&f.p, &t);
  assert_true(f.account.margin_e8 == 0 && f.bot_symbol.unknown_buy_lots == 0);
  f.o.lots = 20;
  f.p.account->rate_e8 = 50000000;                           // the account's money is worth half in the tenant's
  gate_accept(&f.p, &f.o, &t);
  assert_true(f.account.exposure_e8 == E8(200) && f.tenant.exposure_e8 == E8(100));
}

// What pending orders would tie up, as order/account.h counts it: only what opens, the larger side, rounded up.
static void test_pending_margin_is_the_accounts(void **state) {
  (void)state;
  uint64_t x = 99991;
  for (int round = 0; round < 500; round++) {
    struct fixture f;
    struct account a;
    struct err err;
    struct fill_result r;
    int s;
    start(&f);
    f.account_symbol.leverage_e4 = f.bot_symbol.leverage_e4 = round % 2 ? 30000 : LEVERAGE_ONE_E4;
    account_init(&a, false);
    assert_true(account_deposit(&a, (cash){E8(1000000)}));
    assert_int_equal(account_symbol_add(&a, &f.inst, f.bot_symbol.leverage_e4, &s, &err), OK);
    account_mark(&a, 0, (price){100});
    for (int i = 0; i < 6; i++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      struct gate_ticket t;
      f.o = (struct gate_order){.side = x & 1 ? SIDE_BUY : SIDE_SELL, .lots = 1 + (int64_t)((x >> 8) % 50), .px = {80 + (int64_t)((x >> 20) % 40)}};
      if (x >> 32 & 1) {
        struct fill fill = {.order = 1, .side = f.o.side, .qty = {f.o.lots}, .px = {100}};
        assert_true(account_fill(&a, &fill, &r));
        gate_fill(&f.p, f.o.side, f.o.lots);
      } else {
        cash value;
        assert_true(instrument_notional(&f.inst, f.o.px, (quantity){f.o.lots}, ROUND_CEIL, &value));
        gate_accept(&f.p, &f.o, &t);
        a.work_count++;
        *(f.o.side == SIDE_BUY ? &a.symbols[0].work_buy_lots : &a.symbols[0].work_sell_lots) += f.o.lots;
        *(f.o.side == SIDE_BUY ? &a.symbols[0].work_buy_e8 : &a.symbols[0].work_sell_e8) += value.e8;
      }
      assert_true(f.account.margin_e8 == account_free_now(&a).e8 - account_free(&a).e8);
    }
    account_finish(&a);
  }
}

// Amounts that do not fit are refused, and a sum that saturated on the way comes back exact.
// Prices rise under what is held and what waits to be bought: 9 at 100 are 900. What waits on one side is enough to go too far; what is
// held alone, or with what closes it, is nobody's to cancel.
static void test_excess(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    struct fixture f;
    struct gate_ticket buys, sells;
    start(&f);
    if (i < 2) scope_of(&f, i)->limits.max_position_e8 = E8(1080);
    else f.tenant.limits.max_exposure_e8 = E8(1080);
    gate_fill(&f.p, SIDE_BUY, 50);
    f.o.lots = 40;
    assert_int_equal(ask(&f), REFUSE_NONE);
    gate_accept(&f.p, &f.o, &buys);
    gate_price(&f.p, (price){120});
    assert_false(gate_excess(&f.p, &f.why));  // as much as is allowed
    gate_price(&f.p, (price){121});
    assert_true(gate_excess(&f.p, &f.why));
    assert_true(f.why.level == levels[i] && f.why.limit == E8(1080) && f.why.value == E8(1089));
    gate_release(&f.p, &buys);
    gate_price(&f.p, (price){900});
    assert_false(gate_excess(&f.p, &f.why));
    f.o.side = SIDE_SELL, f.o.lots = 50, f.o.px.ticks = 900;
    gate_accept(&f.p, &f.o, &sells);
    assert_false(gate_excess(&f.p, &f.why));
    gate_release(&f.p, &sells);
  }
}

static void test_nothing_wraps(void **state) {
  (void)state;
  struct fixture f;
  struct gate_ticket t;
  start(&f);
  gate_fill(&f.p, SIDE_BUY, INT64_MAX - 5);
  assert_true(f.bot_symbol.worst_e8 == INT64_MAX && f.account.exposure_e8 == INT64_MAX);
  EXPECT(REFUSE_OVERFLOW, LEVEL_ACCOUNT, 0, 0);
  gate_fill(&f.p, SIDE_BUY, 50);                             // beyond 64 bits: stays at the end
  assert_true(f.bot_symbol.lots == INT64_MAX);
  gate_fill(&f.p, SIDE_SELL, INT64_MAX);
  gate_price(&f.p, (price){INT64_MIN + 1});
  assert_true(f.bot.exposure_e8 == 0 && f.account.exposure_e8 == 0 && f.tenant.exposure_e8 == 0);
  gate_price(&f.p, (price){-100});                           // prices below zero have been seen
  gate_fill(&f.p, SIDE_BUY, 10);
  assert_true(f.account.exposure_e8 == E8(100));
  gate_price(&f.p, (price){100});
  f.o.side = SIDE_SELL;
  f.o.lots = 10;
  gate_accept(&f.p, &f.o, &t);
  gate_update(&f.p, &t, 15, false);                          // made larger: in proportion
  assert_true(t.e8 == E8(150) && f.bot_symbol.sell_e8 == E8(150));
  gate_release(&f.p, &t);
}

static void test_protections_and_prop_rules(void **state) {
  (void)state;
  struct fixture f;
  struct err err = {0};
  struct protect *protect;
  struct rule_set *rules;
  struct rule_state rs;
  const char *text = "{\"name\":\"r\",\"initial\":\"10000\",\"day\":{\"zone\":\"UTC\",\"loss\":\"500\"}}";
  start(&f);
  assert_int_equal(protect_create(&(struct protect_rule){PROTECT_COOLDOWN, 10 * SEC, 0, 0, 0, false}, 1, 1, 1, &protect, &err), OK);
  assert_int_equal(rule_set_parse(text, strlen(text), &rules, &err), OK);
  rule_state_init(&rs, rules, (cash){E8(10000)}, (cash){E8(10000)}, 0);
  f.p.protect = protect;
  f.p.rules = &rs;
  f.o.rule.loss_e8 = E8(499);
  assert_int_equal(ask(&f), REFUSE_NONE);
  f.o.rule.loss_e8 = E8(500);
  EXPECT(REFUSE_PROP_DAY_LOSS, LEVEL_ACCOUNT, E8(9500), E8(9500));
  protect_closed(protect, &(struct protect_trade){0, 95 * SEC, -1, true});
  EXPECT(REFUSE_COOLDOWN, LEVEL_BOT, 10 * SEC, 10 * SEC);
  assert_true(f.why.until_ns == 105 * SEC);
  gate_fill(&f.p, SIDE_SELL, 10);
  assert_int_equal(ask(&f), REFUSE_NONE);
  protect_destroy(protect);
  rule_set_destroy(rules);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_the_order_itself), cmocka_unit_test(test_collar), cmocka_unit_test(test_rate),
    cmocka_unit_test(test_open_orders), cmocka_unit_test(test_tier_halt_self_trade), cmocka_unit_test(test_growth_limits),
    cmocka_unit_test(test_margin), cmocka_unit_test(test_pending_margin_is_the_accounts),
    cmocka_unit_test(test_protections_and_prop_rules), cmocka_unit_test(test_excess), cmocka_unit_test(test_nothing_wraps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
