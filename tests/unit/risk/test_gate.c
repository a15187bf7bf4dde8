// tests/unit/risk/test_gate.c – every refusal with its level and numbers; sums that equal those from scratch after any history;
// and what limits are for: whatever part of the accepted orders executes, no position is larger than allowed.
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
  f.p.venue_denied = true;
  EXPECT(REFUSE_TIER_VENUE, LEVEL_TENANT, 0, 0);
  f.p.venue_denied = false;
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
  EXPECT(REFUSE_HALTED, LEVEL_TENANT, 0, 2);
  gate_fill(&f.p, SIDE_SELL, 10);
  assert_int_equal(ask(&f), REFUSE_NONE);
  halt_set(&halt, LEVEL_BOT, 1, HALT_FLATTEN, HALT_BY_OWNER, 0);
  EXPECT(REFUSE_HALTED, LEVEL_BOT, 0, 3);
  f.o.by_engine = true;
  assert_int_equal(ask(&f), REFUSE_NONE);
  f.o.lots = 11;                                             // the engine may close, not turn
  assert_int_equal(ask(&f), REFUSE_HALTED);
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

// Several bots, accounts and symbols under one tenant.
enum { BOTS = 4, ACCOUNTS = 2, ORDERS = 24 };
struct live { struct gate_ticket t; int bot; int64_t left, order; price px; bool used, unknown; };
struct world {
  struct instrument inst;
  struct gate_scope bot[BOTS], account[ACCOUNTS], tenant;
  struct gate_symbol bot_symbol[BOTS], account_symbol[ACCOUNTS];
  struct live live[ORDERS];
};

static struct gate_path path_of(struct world *w, int bot) {
  int a = bot % ACCOUNTS;
  return (struct gate_path){.bot = &w->bot[bot], .account = &w->account[a], .tenant = &w->tenant,
                            .bot_symbol = &w->bot_symbol[bot], .account_symbol = &w->account_symbol[a]};
}

static int64_t worst_lots(const struct world *w, int bot, int account) {
  int64_t lots = bot >= 0 ? w->bot_symbol[bot].lots : w->account_symbol[account].lots, up = lots, down = lots;
  for (int i = 0; i < ORDERS; i++) {
    const struct live *l = &w->live[i];
    if (!l->used || l->t.reduce || (bot >= 0 ? l->bot != bot : l->bot % ACCOUNTS != account)) continue;
    if (l->t.side == SIDE_BUY) up += l->left;
    else down -= l->left;
  }
  int64_t worst = up > -down ? up : -down, held = lots < 0 ? -lots : lots;
  return worst > held ? worst : held;
}

static void from_scratch(const struct world *w) {
  int128 tenant = 0, total_open = 0;
  for (int b = 0; b < BOTS; b++) {
    int64_t open = 0;
    for (int i = 0; i < ORDERS; i++) open += w->live[i].used && w->live[i].bot == b;
    total_open += open;
    assert_int_equal(w->bot[b].open_orders, open);
    assert_true(w->bot[b].exposure_e8 == (int128)worst_lots(w, b, -1) * w->bot_symbol[b].last.ticks * E8(1) / 10);
  }
  for (int a = 0; a < ACCOUNTS; a++) {
    int64_t lots = 0, unknown = 0;
    for (int b = a; b < BOTS; b += ACCOUNTS) lots += w->bot_symbol[b].lots;
    for (int i = 0; i < ORDERS; i++) {
      const struct live *l = &w->live[i];
      if (l->used && l->unknown && !l->t.reduce && l->bot % ACCOUNTS == a) unknown += l->left;
    }
    assert_int_equal(w->account_symbol[a].lots, lots);
    assert_int_equal(w->account_symbol[a].unknown_buy_lots + w->account_symbol[a].unknown_sell_lots, unknown);
    int128 worst = (int128)worst_lots(w, -1, a) * w->account_symbol[a].last.ticks * E8(1) / 10;
    assert_true(w->account[a].exposure_e8 == worst && w->account[a].margin_e8 == w->account_symbol[a].margin_e8);
    tenant += (worst * w->account[a].rate_e8 + CASH_ONE - 1) / CASH_ONE;
  }
  assert_true(w->tenant.exposure_e8 == tenant && w->tenant.open_orders == total_open);
}

// What the pipeline does about an excess: cancels orders that may open, of the account, until there is none.
static int trim(struct world *w, int bot) {
  struct gate_path p = path_of(w, bot);
  struct refusal why;
  int cancelled = 0;
  for (int i = 0; i < ORDERS && gate_excess(&p, &why); i++) {
    struct live *l = &w->live[i];
    if (!l->used || l->t.reduce || l->bot % ACCOUNTS != bot % ACCOUNTS || (why.level == LEVEL_BOT && l->bot != bot)) continue;
    struct gate_path own = path_of(w, l->bot);
    gate_release(&own, &l->t);
    l->used = false;
    cancelled++;
  }
  assert_false(gate_excess(&p, &why) && why.level == LEVEL_BOT);
  return cancelled;
}

static void test_random_histories(void **state) {
  (void)state;
  static struct world w;
  uint64_t x = 2463534242;
  int accepted = 0, refused = 0, trimmed = 0;
  for (int round = 0; round < 60; round++) {
    memset(&w, 0, sizeof w);
    struct err err;
    w.inst = (struct instrument){.symbol = "X", .tick = {1, 0}, .lot = {1, 1}, .multiplier = {1, 0}};
    assert_int_equal(instrument_finish(&w.inst, &err), OK);
    struct gate_limits bot = {.max_position_e8 = E8(2000)}, account = {.max_position_e8 = E8(3000)}, tenant = {.max_exposure_e8 = E8(4500)};
    gate_scope_init(&w.tenant, LEVEL_TENANT, &tenant, (cash){E8(100000)});
    for (int a = 0; a < ACCOUNTS; a++) {
      gate_scope_init(&w.account[a], LEVEL_ACCOUNT, &account, (cash){E8(100000)});
      w.account[a].rate_e8 = a ? 123456789 : CASH_ONE;
      gate_symbol_init(&w.account_symbol[a], &w.inst, 30000);
    }
    for (int b = 0; b < BOTS; b++) {
      gate_scope_init(&w.bot[b], LEVEL_BOT, &bot, (cash){E8(100000)});
      gate_symbol_init(&w.bot_symbol[b], &w.inst, 30000);
      struct gate_path p = path_of(&w, b);
      gate_price(&p, (price){100});
    }
    for (int i = 0; i < 500; i++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      struct live *l = &w.live[(x >> 8) % ORDERS];
      int b = l->used ? l->bot : (int)((x >> 16) % BOTS);
      struct gate_path p = path_of(&w, b);
      bool grew = false;
      if (!l->used) {
        struct gate_order o = {.side = x >> 20 & 1 ? SIDE_BUY : SIDE_SELL, .lots = 1 + (int64_t)((x >> 24) % 120),
                               .px = {90 + (int64_t)((x >> 32) % 20)}, .limit = NO_PRICE, .reduce = (x >> 40) % 4 == 0, .now_ns = i};
        struct refusal why;
        if (!gate_check(&p, &o, &why)) {
          refused++;
          assert_true(why.rule == REFUSE_POSITION_MAX || why.rule == REFUSE_EXPOSURE_MAX || why.rule == REFUSE_REDUCE_ONLY);
          continue;
        }
        accepted++;
        const struct gate_symbol *s = &w.bot_symbol[b];
        bool was_exit = o.side == SIDE_SELL ? o.lots <= s->lots - s->sell_lots : o.lots <= -s->lots - s->buy_lots;
        *l = (struct live){.bot = b, .left = o.lots, .order = o.lots, .px = o.px, .used = true};
        gate_accept(&p, &o, &l->t);
        grew = !o.reduce && !was_exit;
      } else if (x >> 44 & 1) {
        int64_t fill = 1 + (int64_t)((x >> 24) % (uint64_t)l->left), held = w.bot_symbol[b].lots;
        if (l->t.reduce) {                                   // the venue clips it to the position
          int64_t can = l->t.side == SIDE_SELL ? held : -held;
          if (can <= 0) { gate_release(&p, &l->t); l->used = false; from_scratch(&w); continue; }
          if (fill > can) fill = can;
        }
        gate_fill(&p, l->t.side, fill);
        l->left -= fill;
        gate_update(&p, &l->t, l->left, l->unknown);
        if (l->left == 0) { gate_release(&p, &l->t); l->used = false; }
      } else if (x >> 45 & 1) {
        l->unknown = !l->unknown;
        gate_update(&p, &l->t, l->left, l->unknown);
      } else {
        gate_release(&p, &l->t);
        l->used = false;
      }
      from_scratch(&w);
      // The price has not moved: what was let through to grow is within every limit, whatever part of it executes.
      if (grew) assert_true(w.bot[b].exposure_e8 <= E8(2000) && w.account[b % ACCOUNTS].exposure_e8 <= E8(3000) && w.tenant.exposure_e8 <= E8(4500));
      // Exits may leave orders behind that counted on the position. Cancelling what would open mends it.
      trimmed += trim(&w, b);
      assert_true(w.bot[b].exposure_e8 <= E8(2000));
      from_scratch(&w);
    }
    for (int b = 0; b < BOTS; b++) {
      struct gate_path p = path_of(&w, b);
      gate_price(&p, (price){80 + b});
    }
    for (int a = 0; a < ACCOUNTS; a++) w.account_symbol[a].last = w.bot_symbol[a + BOTS - ACCOUNTS].last;
    from_scratch(&w);
  }
  assert_true(accepted > 1000 && refused > 1000 && trimmed > 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_the_order_itself), cmocka_unit_test(test_collar), cmocka_unit_test(test_rate),
    cmocka_unit_test(test_open_orders), cmocka_unit_test(test_tier_halt_self_trade), cmocka_unit_test(test_growth_limits),
    cmocka_unit_test(test_margin), cmocka_unit_test(test_pending_margin_is_the_accounts),
    cmocka_unit_test(test_protections_and_prop_rules), cmocka_unit_test(test_nothing_wraps), cmocka_unit_test(test_random_histories),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
