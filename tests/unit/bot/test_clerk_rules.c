// tests/unit/bot/test_clerk_rules.c – rules that look beyond an order: last check, prop-firm rules, excess, protections, legs, restarts; and
// numbers that a host makes up. Planted bugs: test_clerk.c.
#include "clerk_desk.h"

#include <stdio.h>

static void test_last_check(void **state) {
  (void)state;
  prepare();
  f.shared.last = last_check_create(8, 4, (struct last_budget){60 * S, 2, 0}, (struct last_budget){60 * S, 100, 0});
  open_all(1);
  bar_next(100);
  for (int i = 0; i < 4; i++) assert_int_equal(buy(0, 1, 90, 0), CLERK_TAKEN);
  end_all();
  assert_true(f.trips == 1 && f.tripped.why == LAST_RATE && f.tripped.scope == LAST_ACCOUNT && f.tripped.account == 5);
  assert_true(halt_find(&f.halt, LEVEL_TENANT, 9)->cause == HALT_BY_LAST_CHECK);
  for (uint64_t id = 1; id <= 4; id++) assert_true(order(0, id)->status == ORDER_CANCELED && order(0, id)->reason == REASON_HALTED);
  bar_next(100);
  assert_int_equal(buy(0, 1, 90, 0), CLERK_DENIED);
  assert_true(DENIED(HALTED, ACCOUNT));
  end_all();
  close_all();

  prepare();  // a fill of what was never sent
  f.shared.last = last_check_create(8, 4, (struct last_budget){60 * S, 0, 0}, (struct last_budget){60 * S, 0, 0});
  open_all(1);
  bar_next(100);
  assert_int_equal(buy(0, 1, 90, 0), CLERK_TAKEN);
  end_all();
  bar_next(100);
  assert_int_equal(change(0, 1, 3, 0, 0, false), CLERK_TAKEN);  // larger: told when it is committed
  end_all();
  bars(80);
  assert_true(position(0) == 3 && f.trips == 0);
  close_all();
}

static void test_prop_rules(void **state) {
  (void)state;
  prepare();
  struct rule_set *rules = rules_of("{\"name\":\"t\",\"initial\":\"20000\",\"day\":{\"loss\":\"1000\",\"basis\":\"balance\",\"soft_pct\":\"80\"},"
                                    "\"max_positions\":1,\"max_qty\":\"60\"}");
  f.account_config.rules = rules;
  f.symbol.leverage_e4 = 20000;
  open_all(2);
  bar_next(100);
  assert_int_equal(buy(0, 10, 0, 0), CLERK_DENIED);  // without a stop a long may lose all of its 1,000
  assert_true(DENIED(PROP_DAY_LOSS, ACCOUNT));
  assert_int_equal(buy(0, 9, 0, 0), CLERK_TAKEN);
  end_all();
  bars(100);
  clerk_flatten(f.desk[0].clerk, REASON_OWNER, "test");
  clerk_committed(f.desk[0].clerk);
  bars(100);
  bar_next(100);
  assert_int_equal(sell(0, 1, 0), CLERK_DENIED);    // a short without a stop has no bound
  assert_true(DENIED(PROP_NO_STOP, ACCOUNT));
  assert_int_equal(buy(0, 50, 0, 79), CLERK_DENIED);
  assert_true(DENIED(PROP_DAY_LOSS, ACCOUNT) && f.desk[0].v.why.until_ns > 0);
  assert_int_equal(buy(0, 30, 0, 80), CLERK_TAKEN);  // 600 at its stop
  assert_int_equal(buy(0, 20, 0, 79), CLERK_DENIED); // 420 more would reach 1,000
  assert_int_equal(buy(1, 20, 0, 79), CLERK_DENIED); // of whichever bot
  assert_int_equal(buy(0, 31, 0, 99), CLERK_DENIED);
  assert_true(DENIED(PROP_QTY, ACCOUNT));
  struct intent trailing = order_of(SIDE_BUY, 0, 0);
  trailing.trail_ticks = 10;
  assert_int_equal(submit(0, &trailing, 10), CLERK_TAKEN);
  end_all();
  bars(100);
  assert_int_equal(position(0), 40);
  // The stop of a filled entry may come nearer, not go where the rules would break.
  uint64_t id = 0;
  for (uint64_t k = 1; k <= matcher_order_last(clerk_matcher(f.desk[0].clerk)); k++)
    if (order(0, k) && order(0, k)->filled.lots == 30) id = k;
  bar_next(100);
  assert_int_equal(change(0, id, 0, 0, 85, false), CLERK_TAKEN);
  assert_int_equal(change(0, id, 0, 0, 60, false), CLERK_DENIED);
  assert_true(DENIED(PROP_DAY_LOSS, ACCOUNT));
  assert_int_equal(change(0, id, 0, 0, 0, true), CLERK_DENIED);
  end_all();
  assert_true(order(0, id)->sl.ticks == 85 && order_alive(order(0, order(0, id)->child_sl)) && order(0, order(0, id)->child_sl)->trigger.ticks == 85);
  bar_next(100);
  assert_int_equal(command(0, (struct bot_command){.kind = COMMAND_MODIFY, .id = order(0, id)->child_sl,
                                                   .change = {.limit = NO_PRICE, .trigger = {50}, .sl = NO_PRICE, .tp = NO_PRICE}}), CLERK_DENIED);
  end_all();
  assert_int_equal(order(0, order(0, id)->child_sl)->trigger.ticks, 85);
  close_all();
  rule_set_destroy(rules);
}

// ---- stops that are taken away: 40 lots bought at 100 with a stop at 80 lose 800 of the day's 1,000; without it 4,000

static struct rule_set *held_at_stop(const char *rest, int64_t latency_ns) {
  char text[256];
  prepare();
  snprintf(text, sizeof text, "{\"name\":\"t\",\"initial\":\"20000\",\"day\":{\"loss\":\"1000\",\"basis\":\"balance\"}%s}", rest);
  struct rule_set *rules = rules_of(text);
  f.account_config.rules = rules;
  f.config.blotter.match.latency_ns = latency_ns;
  open_all(1);
  bar_next(100);
  return rules;
}
static const struct order *stop_of(uint64_t entry) { return order(0, order(0, entry)->child_sl); }
static enum clerk_answer cancel(uint64_t id) { return command(0, (struct bot_command){.kind = COMMAND_CANCEL, .id = id, .why = REASON_SCRIPT}); }
static enum clerk_answer stop_order(int64_t at, int64_t lots, int64_t until_ns) {
  struct intent in = order_of(SIDE_SELL, 0, 0);
  in.type = ORDER_STOP, in.trigger.ticks = at, in.reduce = true;
  if (until_ns) in.tif = TIF_GTD, in.expires_ns = until_ns;
  return submit(0, &in, lots);
}
// The newest order is a stop of the core.
static bool set_again(int64_t at, int64_t lots) {
  const uint64_t last = matcher_order_last(clerk_matcher(f.desk[0].clerk));
  const struct order *o = order(0, last);
  const struct bot_command *c = &f.desk[0].imposed[f.desk[0].imposed_count - 1];
  return f.desk[0].imposed_count > 0 && c->kind == COMMAND_SUBMIT && c->id == last && order_alive(o) && o->reduce && o->tag == TAG_SL && o->type == ORDER_STOP &&
         o->trigger.ticks == at && o->qty.lots == lots;
}

static void test_a_stop_is_not_taken_away(void **state) {
  (void)state;
  struct rule_set *rules = held_at_stop("", 0);
  clerk_limits(f.desk[0].clerk, &(struct gate_limits){.collar_e8 = CASH_ONE / 10});  // the stop is farther away: no matter
  assert_int_equal(buy(0, 40, 0, 80), CLERK_TAKEN);
  end_all();
  bars(100);
  bar_next(100);
  assert_int_equal(cancel(stop_of(1)->id), CLERK_TAKEN);
  end_all();
  assert_true(f.desk[0].denials == 1 && strstr(f.desk[0].text, "all stops hit would leave 16000, the day's floor is 19000") && set_again(80, 40));
  clerk_limits(f.desk[0].clerk, &(struct gate_limits){0});
  // A worse one in its place does not help; a better one does, and so does less of a position.
  const uint64_t own = matcher_order_last(clerk_matcher(f.desk[0].clerk));
  bar_next(100);
  assert_int_equal(cancel(own), CLERK_TAKEN);
  assert_int_equal(stop_order(60, 40, 0), CLERK_TAKEN);
  end_all();
  assert_true(f.desk[0].denials == 2 && strstr(f.desk[0].text, "18400") && set_again(80, 40));
  const uint64_t again = matcher_order_last(clerk_matcher(f.desk[0].clerk));
  const int imposed = f.desk[0].imposed_count;
  bar_next(100);
  assert_int_equal(cancel(again), CLERK_TAKEN);
  assert_int_equal(stop_order(82, 40, 0), CLERK_TAKEN);
  end_all();
  assert_true(f.desk[0].denials == 2 && f.desk[0].imposed_count == imposed);
  bar_next(100);
  assert_int_equal(cancel(again + 1), CLERK_TAKEN);  // the one at 82: that at 60 is left, and half of the position goes
  assert_int_equal(sell(0, 20, 0), CLERK_TAKEN);
  end_all();
  assert_true(f.desk[0].denials == 3 && set_again(82, 40));  // goes, but has not gone
  bars(100);
  assert_int_equal(position(0), 20);
  bars(79);  // and it is a stop
  assert_int_equal(position(0), 0);
  close_all();
  rule_set_destroy(rules);

  rules = held_at_stop("", 0);  // far from every floor it is the script's own affair
  assert_int_equal(buy(0, 5, 0, 80), CLERK_TAKEN);
  end_all();
  bars(100);
  bar_next(100);
  assert_int_equal(cancel(stop_of(1)->id), CLERK_TAKEN);
  end_all();
  assert_true(f.desk[0].denials == 0 && f.desk[0].imposed_count == 0);
  close_all();
  rule_set_destroy(rules);
}

static void test_a_stop_is_not_moved_away(void **state) {
  (void)state;
  struct rule_set *rules = held_at_stop("", 0);
  struct intent in = order_of(SIDE_BUY, 0, 0);
  in.trail_ticks = 20;
  assert_int_equal(submit(0, &in, 40), CLERK_TAKEN);
  end_all();
  bars(100);
  bar_next(100);
  struct bot_command wider = {.kind = COMMAND_MODIFY, .id = stop_of(1)->id};
  order_change_init(&wider.change);
  wider.change.trail_ticks = 50;
  assert_int_equal(command(0, wider), CLERK_TAKEN);
  end_all();
  assert_true(f.desk[0].denials == 1 && set_again(80, 40));
  bar_next(100);
  struct bot_command smaller = {.kind = COMMAND_MODIFY, .id = matcher_order_last(clerk_matcher(f.desk[0].clerk))};
  order_change_init(&smaller.change);
  smaller.change.qty.lots = 1;
  assert_int_equal(command(0, smaller), CLERK_TAKEN);
  end_all();
  assert_true(f.desk[0].denials == 2 && set_again(80, 40));
  close_all();
  rule_set_destroy(rules);

  // One that was set beside the entry, and runs out.
  rules = held_at_stop("", 0);
  assert_int_equal(buy(0, 40, 0, 80), CLERK_TAKEN);
  end_all();
  bars(100);
  bar_next(100);
  assert_int_equal(stop_order(80, 40, f.now_ns + 90 * S), CLERK_TAKEN);
  assert_int_equal(change(0, 1, 0, 0, 0, true), CLERK_TAKEN);  // the other holds
  end_all();
  bars(100);
  assert_int_equal(f.desk[0].denials, 0);
  bars(100);
  assert_true(f.desk[0].denials == 1 && set_again(80, 40));
  close_all();
  rule_set_destroy(rules);
}

// A cancel, and a change, on their way to a venue: denied now, not when they arrive.
static void test_a_stop_and_latency(void **state) {
  (void)state;
  for (int way = 0; way < 2; way++) {
    struct rule_set *rules = held_at_stop("", S);
    assert_int_equal(buy(0, 40, 0, 80), CLERK_TAKEN);
    end_all();
    bars(100);
    bars(100);
    assert_int_equal(position(0), 40);
    bar_next(100);
    struct bot_command away = {.kind = COMMAND_MODIFY, .id = stop_of(1)->id};
    order_change_init(&away.change);
    away.change.trigger.ticks = 50;
    if (way) assert_int_equal(cancel(stop_of(1)->id), CLERK_TAKEN);
    else assert_int_equal(command(0, away), CLERK_DENIED);
    end_all();
    assert_true(f.desk[0].denials == 1 && set_again(80, 40));
    bars(100);
    bars(78);
    assert_int_equal(position(0), 0);
    close_all();
    rule_set_destroy(rules);
  }
}

static void test_a_stop_and_one_trade(void **state) {
  (void)state;
  struct rule_set *rules = held_at_stop(",\"trade\":{\"risk\":\"200\"}", 0);
  assert_int_equal(buy(0, 10, 0, 80), CLERK_TAKEN);  // 200 at its stop; all of it would be within the day's 1,000 still
  end_all();
  bars(100);
  bar_next(100);
  assert_int_equal(change(0, 1, 0, 0, 79, false), CLERK_DENIED);
  assert_true(DENIED(PROP_TRADE_RISK, ACCOUNT) && f.desk[0].v.why.value == E8(210) && f.desk[0].v.why.limit == E8(200));
  end_all();
  assert_int_equal(stop_of(1)->trigger.ticks, 80);
  bar_next(100);
  assert_int_equal(cancel(stop_of(1)->id), CLERK_TAKEN);
  // While trading is halted nothing is sent; the stop is set as soon as it may be.
  halt_set(&f.halt, LEVEL_BOT, 1, HALT_SILENT, HALT_BY_OPERATOR, 1);
  end_all();
  assert_true(f.desk[0].denials == 2 && strstr(f.desk[0].text, "at risk, at most 200") && order(0, 1)->child_sl == matcher_order_last(clerk_matcher(f.desk[0].clerk)));
  bars(100);
  halt_clear(&f.halt, LEVEL_BOT, 1);
  bars(100);
  assert_true(f.desk[0].denials == 2 && set_again(80, 10));
  close_all();
  rule_set_destroy(rules);
}

// Each entry needs a stop, however little it could lose without: one of its own, or one that trails it.
static void test_a_stop_is_required(void **state) {
  (void)state;
  struct rule_set *rules = held_at_stop(",\"trade\":{\"stop_required\":true}", 0);
  assert_int_equal(buy(0, 1, 0, 0), CLERK_DENIED);
  assert_true(DENIED(PROP_NO_STOP, ACCOUNT));
  assert_int_equal(buy(0, 1, 0, 80), CLERK_TAKEN);
  struct intent trailing = order_of(SIDE_BUY, 0, 0);
  trailing.trail_ticks = 10;
  assert_int_equal(submit(0, &trailing, 1), CLERK_TAKEN);
  end_all();
  bars(100);
  assert_int_equal(position(0), 2);
  close_all();
  rule_set_destroy(rules);
}

// ---- news

static void test_news(void **state) {
  (void)state;
  for (int flat = 0; flat < 2; flat++) {
    prepare();
    char text[200];
    struct err err;
    struct news_list *list;
    snprintf(text, sizeof text, "{\"name\":\"t\",\"initial\":\"20000\",\"news\":{\"before_s\":60,\"after_s\":30,\"impact\":\"high\",\"flat\":%s}}", flat ? "true" : "false");
    struct rule_set *rules = rules_of(text);
    // Bars end at 61, 121, 181 … s: from 240 s to 330 s it holds.
    const struct news_event events[] = {{300 * S, 300 * S, NEWS_HIGH, "X"}, {100 * S, 900 * S, NEWS_LOW, ""}, {100 * S, 900 * S, NEWS_HIGH, "EUR"}};
    assert_int_equal(news_list_create(events, 3, &list, &err), OK);
    f.account_config.rules = rules;
    f.account_config.news = list;
    open_all(2);
    bar_next(100);
    assert_int_equal(clerk_news_next(f.desk[0].clerk), 240 * S);
    assert_int_equal(buy(0, 3, 0, 0), CLERK_TAKEN);
    end_all();
    bar_next(100);
    assert_int_equal(buy(0, 2, 90, 0), CLERK_TAKEN);
    assert_int_equal(buy(1, 1, 90, 0), CLERK_TAKEN);
    end_all();
    bars(100);
    bar_next(100);  // 241 s
    assert_int_equal(buy(0, 1, 0, 0), CLERK_DENIED);
    assert_true(DENIED(PROP_NEWS, ACCOUNT) && f.desk[0].v.why.until_ns == 330 * S && strstr(f.desk[0].text, "until 1970-01-01 00:05:30"));
    assert_int_equal(sell(0, 1, 0), CLERK_TAKEN);  // an exit passes
    end_all();
    for (int i = 0; i < 2; i++) {
      assert_true(f.desk[i].intervened == REASON_PROP_RULE && strstr(f.desk[i].said, "news") && order(i, i ? 1 : 2)->status == ORDER_CANCELED);
      assert_int_equal(order(i, i ? 1 : 2)->reason, REASON_PROP_RULE);
    }
    bars(100);
    assert_int_equal(position(0), flat ? 0 : 2);
    assert_int_equal(clerk_news_next(f.desk[0].clerk), INT64_MAX);
    bar_next(100);  // 361 s: over
    assert_int_equal(buy(0, 1, 90, 0), CLERK_TAKEN);
    end_all();
    assert_true(order_alive(order(0, f.desk[0].ids)));
    clerk_account_news(f.account, NULL);
    bars(100);
    close_all();
    news_list_destroy(list);
    rule_set_destroy(rules);
  }
}

static void test_flat_before_a_breach(void **state) {
  (void)state;
  prepare();
  struct rule_set *rules = rules_of("{\"name\":\"t\",\"initial\":\"20000\",\"day\":{\"loss\":\"1000\",\"basis\":\"balance\",\"soft_pct\":\"50\"}}");
  f.account_config.rules = rules;
  open_all(2);
  bar_next(100);
  assert_int_equal(buy(0, 40, 0, 77), CLERK_TAKEN);
  assert_int_equal(buy(1, 1, 90, 80), CLERK_TAKEN);
  end_all();
  bars(100);
  assert_true(clerk_account_rules(f.account)->day_done == false);
  bars(87);  // −520: over the soft level of −500
  assert_true(clerk_account_rules(f.account)->day_done && f.desk[0].intervened == REASON_PROP_RULE && strstr(f.desk[0].said, "floor"));
  assert_true(f.desk[1].interventions == 1);
  bars(87);
  assert_true(clerk_flat(f.desk[0].clerk) && clerk_flat(f.desk[1].clerk));
  assert_true(clerk_account_equity(f.account).e8 > E8(19000));
  bar_next(87);
  assert_int_equal(buy(0, 1, 0, 86), CLERK_DENIED);
  assert_true(DENIED(PROP_DAY_DONE, ACCOUNT));
  end_all();
  close_all();
  rule_set_destroy(rules);
}

static void test_excess(void **state) {
  (void)state;
  prepare();
  f.config.limits = (struct gate_limits){.max_position_e8 = E8(1000)};
  open_all(1);
  bar_next(100);
  assert_int_equal(buy(0, 5, 0, 0), CLERK_TAKEN);
  assert_int_equal(buy(0, 5, 60, 0), CLERK_TAKEN);
  end_all();
  bars(100);
  bars(120);  // with the rest it would be 1,200 now
  assert_true(order(0, 2)->status == ORDER_CANCELED && order(0, 2)->reason == REASON_MAX_POSITION && f.desk[0].intervened == REASON_MAX_POSITION);
  assert_int_equal(position(0), 5);
  close_all();
}

static void test_protections(void **state) {
  (void)state;
  prepare();
  const struct protect_rule rule = {.kind = PROTECT_COOLDOWN, .pause_ns = 90 * S};
  f.config.protections = &rule;
  f.config.protection_count = 1;
  open_all(1);
  bar_next(100);
  assert_int_equal(buy(0, 1, 0, 95), CLERK_TAKEN);
  end_all();
  bars(94);
  bar_next(94);
  assert_int_equal(buy(0, 1, 0, 0), CLERK_DENIED);
  assert_true(DENIED(COOLDOWN, BOT) && f.desk[0].v.reason == REASON_HALTED && strstr(f.desk[0].text, "pause"));
  end_all();
  bar_next(94);
  assert_int_equal(buy(0, 1, 0, 0), CLERK_TAKEN);
  end_all();
  close_all();
}

static void test_hedging_legs(void **state) {
  (void)state;
  prepare();
  f.config.blotter.match.hedging = true;
  open_all(1);
  bar_next(100);
  struct intent in = order_of(SIDE_BUY, 0, 0);
  in.leg = LEG_LONG;
  assert_int_equal(submit(0, &in, 10), CLERK_TAKEN);
  in.leg = LEG_SHORT, in.side = SIDE_SELL;
  assert_int_equal(submit(0, &in, 4), CLERK_TAKEN);
  end_all();
  bars(100);
  assert_int_equal(clerk_account_scope(f.account)->exposure_e8, E8(1400));  // both legs, not their difference
  bar_next(100);
  in.side = SIDE_BUY, in.reduce = true;
  assert_int_equal(submit(0, &in, 4), CLERK_TAKEN);
  end_all();
  bars(100);
  assert_int_equal(clerk_account_scope(f.account)->exposure_e8, E8(1000));
  clerk_flatten(f.desk[0].clerk, REASON_OWNER, NULL);
  clerk_committed(f.desk[0].clerk);
  bars(100);
  assert_true(clerk_flat(f.desk[0].clerk));
  close_all();
}

static uint64_t dice = 7;
static int some(uint64_t n) {
  dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
  return (int)((dice >> 33) % n);
}
static int64_t odd(void) {
  static const int64_t all[] = {0, 1, 2, 100, -1, 1000000, INT64_MAX, INT64_MAX / 2, INT64_MAX / 2 + 1, INT64_MIN, INT64_MIN + 1, INT64_C(1) << 53};
  return all[some(sizeof all / sizeof *all)];
}

// Whatever numbers a host makes up, the core stands, and nothing that it took breaks its sums.
static void test_made_up_numbers(void **state) {
  (void)state;
  int taken = 0, invalid = 0, denied = 0;
  for (int round = 0; round < 40; round++) {
    prepare();
    struct rule_set *rules = rules_of("{\"name\":\"t\",\"initial\":\"20000\",\"day\":{\"loss\":\"1000\",\"basis\":\"balance\"},\"max_qty\":\"600\"}");
    if (round & 1) f.account_config.rules = rules;
    f.config.blotter.match.latency_ns = round & 2 ? S : 0;
    f.symbol.fees = (struct match_fees){.taker_frac_e8 = 50000, .fixed_e8 = CASH_ONE, .per_unit_e8 = 1000};
    open_all(1);
    for (int bar = 0; bar < 6; bar++) {
      bar_next(100 + some(5));
      for (int k = 0; k < 30; k++) {
        struct bot_command c = {.kind = COMMAND_RESERVE, .time_ns = f.now_ns, .id = matcher_order_last(clerk_matcher(f.desk[0].clerk)) + 1, .why = REASON_SCRIPT};
        bool modify = some(3) == 0;
        if (!modify) assert_int_equal(command(0, c), CLERK_TAKEN);
        c.kind = modify ? COMMAND_MODIFY : COMMAND_SUBMIT;
        if (modify) c.id = 1 + (uint64_t)some(40);
        intent_init(&c.intent, some(9) ? 0 : 1, some(2) ? SIDE_BUY : SIDE_SELL);
        c.intent.type = (enum order_type)some(5), c.intent.tif = (enum order_tif)some(5), c.intent.reduce = some(4) == 0;
        c.intent.size_kind = (enum size_kind)some(5), c.intent.size = odd();
        c.intent.limit.ticks = odd(), c.intent.trigger.ticks = odd(), c.intent.sl.ticks = odd(), c.intent.tp.ticks = some(2) ? NO_PRICE_TICKS : odd();
        c.intent.trail_ticks = some(2) ? 0 : odd(), c.intent.trail_frac_e8 = some(2) ? 0 : odd();
        c.qty.lots = odd();
        order_change_init(&c.change);
        c.change.qty.lots = odd(), c.change.limit.ticks = odd(), c.change.sl.ticks = odd(), c.change.trigger.ticks = some(2) ? NO_PRICE_TICKS : odd();
        enum clerk_answer a = command(0, c);
        taken += a == CLERK_TAKEN, denied += a == CLERK_DENIED, invalid += a == CLERK_INVALID;
      }
      end_all();
      f.desk[0].imposed_count = 0;
    }
    clerk_destroy(f.desk[0].clerk);
    clerk_account_destroy(f.account);
    rule_set_destroy(rules);
  }
  assert_true(taken > 100 && denied > 100 && invalid > 100);
}

static void test_creation(void **state) {
  (void)state;
  struct err err;
  struct clerk *c;
  struct clerk_account *a;
  prepare();
  f.account_config.balance.e8 = 0;
  assert_int_equal(clerk_account_create(&f.account_config, &a, &err), ERR_INVALID);
  f.account_config.balance.e8 = E8(20000);
  f.account_config.rate_e8 = 2 * CASH_ONE;
  open_all(1);
  assert_int_equal(f.tenant.scope.equity_e8, E8(40000));
  f.config.bot_id = 1;
  assert_int_equal(clerk_create(&f.config, &c, &err), ERR_EXISTS);
  f.config.bot_id = 2;
  f.config.blotter.match.deposit.e8 = E8(10001);
  assert_int_equal(clerk_create(&f.config, &c, &err), ERR_LIMIT);
  f.config.blotter.match.model = MODEL_COMPAT_BACKTRADER;
  assert_int_equal(clerk_create(&f.config, &c, &err), ERR_INVALID);
  f.config.blotter.match.model = MODEL_STRICT;
  f.config.blotter.match.latency_ns = -1;
  assert_int_equal(clerk_create(&f.config, &c, &err), ERR_INVALID);
  f.config.blotter.match.latency_ns = 0;
  const struct protect_rule bad = {.kind = PROTECT_COOLDOWN};
  f.config.protections = &bad, f.config.protection_count = 1;
  assert_int_equal(clerk_create(&f.config, &c, &err), ERR_INVALID);
  assert_true(clerk_account_rules(f.account) == NULL);
  clerk_account_limits(f.account, &(struct gate_limits){.max_open = 1});
  bar_next(100);
  assert_int_equal(buy(0, 1, 90, 0), CLERK_TAKEN);
  assert_int_equal(buy(0, 1, 90, 0), CLERK_DENIED);
  assert_true(DENIED(OPEN_MAX, ACCOUNT));
  end_all();
  close_all();
  clerk_destroy(NULL);
  clerk_account_destroy(NULL);
}

// A day's loss, and the peak, are not forgotten by a restart.
static void test_losses_survive(void **state) {
  (void)state;
  struct err err;
  prepare();
  open_all(1);
  bar_next(100);
  assert_int_equal(buy(0, 50, 0, 0), CLERK_TAKEN);
  end_all();
  bars(140);
  bars(100);
  struct gate_scope before = *clerk_account_scope(f.account);
  assert_true(before.peak_e8 == E8(22000) && before.equity_e8 == E8(20000));
  clerk_destroy(f.desk[0].clerk);
  f.desk[0] = (struct desk){0};
  clerk_open(0);
  clerk_restore_begin(f.desk[0].clerk);
  struct intent in = order_of(SIDE_BUY, 0, 0);
  static const int64_t closes[] = {100, 140, 100};
  int64_t at = S, from = 100;
  for (int i = 0; i < 3; i++) {
    struct bar b = {.open_ns = at, .open = {from}, .high = {from > closes[i] ? from : closes[i]}, .low = {from < closes[i] ? from : closes[i]}, .close = {closes[i]}, .volume = -1};
    struct instant_match m = {.bar = {.bar = &b, .close_ns = at + 60 * S}};
    struct instant now = {.now_ns = at + 60 * S, .match = &m, .match_count = 1};
    assert_int_equal(clerk_market(f.desk[0].clerk, &now, &err), OK);
    if (i == 0) {
      assert_true(clerk_restore_command(f.desk[0].clerk, &(struct bot_command){.kind = COMMAND_RESERVE, .id = 1, .time_ns = now.now_ns}));
      assert_true(clerk_restore_command(f.desk[0].clerk, &(struct bot_command){.kind = COMMAND_SUBMIT, .id = 1, .time_ns = now.now_ns, .intent = in, .qty = {50}}));
    }
    assert_false(clerk_restore_command(f.desk[0].clerk, &(struct bot_command){.kind = COMMAND_RESERVE, .id = 9999, .time_ns = now.now_ns}));
    at += 60 * S, from = closes[i];
  }
  clerk_restore_end(f.desk[0].clerk);
  const struct gate_scope *after = clerk_account_scope(f.account);
  assert_true(after->peak_e8 >= before.peak_e8 && after->equity_e8 == before.equity_e8 && after->day_start_e8 == before.day_start_e8);
  assert_true(position(0) == 50 && f.desk[0].orders == 0);
  clerk_check(f.desk[0].clerk);
  close_all();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_last_check),
      cmocka_unit_test(test_prop_rules),
      cmocka_unit_test(test_a_stop_is_not_taken_away),
      cmocka_unit_test(test_a_stop_is_not_moved_away),
      cmocka_unit_test(test_a_stop_and_latency),
      cmocka_unit_test(test_a_stop_and_one_trade), cmocka_unit_test(test_a_stop_is_required),
      cmocka_unit_test(test_news),
      cmocka_unit_test(test_flat_before_a_breach),
      cmocka_unit_test(test_excess),
      cmocka_unit_test(test_protections),
      cmocka_unit_test(test_hedging_legs),
      cmocka_unit_test(test_made_up_numbers),
      cmocka_unit_test(test_creation),
      cmocka_unit_test(test_losses_survive),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
