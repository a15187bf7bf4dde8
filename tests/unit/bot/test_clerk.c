// tests/unit/bot/test_clerk.c – what a clerk refuses and why, what the core does by itself and when, and what it tells of it. Many of
// them at once, against the truth of a twin, are in test_clerk_random.c.
//
// Planted and found: halts that are not obeyed at an instant's end, or not looked at again between check and commit, a MODIFY that is taken
// without asking, a market order that is afraid of every resting order, a stop that may be moved away under prop rules, the last check's
// trip not put into the kill switch, an exit cancelled while only exits may pass.
#include "clerk_desk.h"

#include "bot/record.h"

static void test_a_round_trip(void **state) {
  (void)state;
  prepare();
  f.symbol.fees.taker_frac_e8 = 1000000;  // 1 %
  open_all(1);
  assert_true(clerk_bot(f.desk[0].clerk) == 1 && clerk_now(f.desk[0].clerk) == S && clerk_flat(f.desk[0].clerk));
  bar_next(100);
  assert_int_equal(buy(0, 10, 0, 0), CLERK_TAKEN);
  assert_false(clerk_flat(f.desk[0].clerk));
  assert_int_equal(command(0, (struct bot_command){.kind = COMMAND_MARK, .time_ns = S}), CLERK_TAKEN);
  assert_true(f.desk[0].marks == 1 && f.desk[0].equity.equity.e8 == E8(10000) && f.desk[0].equity.time_ns == S);
  char want[CLIENT_ID_SIZE], now[CLIENT_ID_SIZE];
  client_id_format(&(struct client_id){1, 3, 1}, want);
  assert_string_equal(f.desk[0].client_id, want);
  end_all();
  bars(110);
  assert_true(f.desk[0].fills == 1 && f.desk[0].fill.px.digits == 100 && f.desk[0].fill.qty.digits == 10 && f.desk[0].fill.lots_after == 10);
  assert_true(f.desk[0].fill.fee.digits == E8(10) && f.desk[0].fill.position_avg.digits == 100);
  assert_true(clerk_account_equity(f.account).e8 == E8(20000 - 10 + 100) && clerk_account_scope(f.account)->equity_e8 == E8(20090));
  assert_true(f.tenant.scope.equity_e8 == E8(20090) && clerk_account_scope(f.account)->free_e8 == E8(20090 - 1100));
  assert_int_equal(clerk_account_scope(f.account)->exposure_e8, E8(1100));
  clerk_version(f.desk[0].clerk, 4);
  clerk_client_id(f.desk[0].clerk, 1, now);  // an order keeps its name, the next has the new version's
  assert_true(strcmp(want, now) == 0 && clerk_account_id(f.account) == 5);
  client_id_format(&(struct client_id){1, 4, 2}, want);
  clerk_client_id(f.desk[0].clerk, 2, now);
  assert_string_equal(now, want);
  bar_next(110);
  assert_int_equal(sell(0, 10, 0), CLERK_TAKEN);
  end_all();
  bars(110);
  assert_true(clerk_flat(f.desk[0].clerk) && f.desk[0].fill.position_avg.scale == -1 && f.desk[0].fill.realised.e8 == E8(100));
  assert_true(clerk_account_deposit(f.account, (cash){E8(5)}) && clerk_account_house(f.account).e8 == E8(10005));
  assert_false(clerk_account_deposit(f.account, (cash){-E8(10006)}));
  assert_true(clerk_account_deposit(f.account, (cash){-E8(5)}) && clerk_account_scope(f.account)->day_start_e8 == E8(20000));
  close_all();
}

static void test_what_no_desk_sends(void **state) {
  (void)state;
  prepare();
  open_all(1);
  struct bot_command c = {.kind = COMMAND_RESERVE, .id = 1, .time_ns = S};
  assert_int_equal(command(0, c), CLERK_INVALID);  // outside of an instant
  bar_next(100);
  c.time_ns = f.now_ns + 1;
  assert_int_equal(command(0, c), CLERK_INVALID);
  c.time_ns = S;
  assert_int_equal(command(0, c), CLERK_INVALID);
  assert_int_equal(command(0, (struct bot_command){.kind = COMMAND_MARK, .time_ns = f.now_ns}), CLERK_INVALID);
  c.id = 2000;
  c.time_ns = f.now_ns;
  assert_int_equal(command(0, c), CLERK_INVALID);
  assert_true(f.desk[0].v.fault && matcher_order_last(clerk_matcher(f.desk[0].clerk)) == 0);
  int sent = 0;
  while (sent < 200000 && command(0, (struct bot_command){.kind = COMMAND_MARK, .time_ns = S}) == CLERK_TAKEN) sent++;
  assert_true(sent > 100000 && sent < 200000);  // no instant is that long
  end_all();
  close_all();
}

static void test_denied_and_cancelled(void **state) {
  (void)state;
  prepare();
  f.config.limits = (struct gate_limits){.max_order_e8 = E8(500)};
  open_all(1);
  bar_next(100);
  assert_int_equal(buy(0, 6, 99, 0), CLERK_DENIED);
  assert_true(DENIED(NOTIONAL_MAX, BOT) && f.desk[0].v.reason == REASON_MAX_ORDER && f.desk[0].v.why.limit == E8(500) && f.desk[0].v.why.value == E8(594));
  assert_string_equal(f.desk[0].text, "bot: worth 594, the largest order is 500");
  assert_true(f.desk[0].denials == 1 && f.desk[0].imposed_count == 0 && order_alive(order(0, 1)));
  assert_int_equal(buy(0, 5, 99, 0), CLERK_TAKEN);
  assert_int_equal(buy(0, 7, 99, 0), CLERK_DENIED);
  assert_int_equal(command(0, (struct bot_command){.kind = COMMAND_CANCEL, .id = 3, .why = REASON_SCRIPT}), CLERK_TAKEN);  // it was faster
  assert_int_equal(change(0, 1, 5, 0, 0, false), CLERK_TAKEN);  // of a denied order: harmless
  end_all();
  assert_true(f.desk[0].imposed_count == 1 && f.desk[0].imposed[0].kind == COMMAND_CANCEL && f.desk[0].imposed[0].id == 1);
  assert_true(f.desk[0].imposed[0].why == REASON_MAX_ORDER && f.desk[0].imposed[0].time_ns == f.now_ns && f.desk[0].last_to == ORDER_CANCELED);
  // A change is asked about as a new order would be, with the old one out of the way.
  bar_next(100);
  assert_int_equal(change(0, 2, 4, 0, 0, false), CLERK_TAKEN);
  assert_int_equal(change(0, 2, 5, 98, 0, false), CLERK_TAKEN);
  assert_int_equal(change(0, 2, 6, 0, 0, false), CLERK_DENIED);
  assert_true(DENIED(NOTIONAL_MAX, BOT) && order(0, 2)->qty.lots == 6);
  assert_int_equal(change(0, 77, 6, 0, 0, false), CLERK_TAKEN);
  assert_int_equal(f.desk[0].v.reason, REASON_UNKNOWN_ORDER);
  assert_int_equal(change(0, 2, 0, 0, 99, false), CLERK_TAKEN);  // a stop above its entry: the matcher's business
  end_all();
  assert_true(order(0, 2)->status == ORDER_CANCELED && order(0, 2)->reason == REASON_MAX_ORDER);
  clerk_limits(f.desk[0].clerk, &(struct gate_limits){0});
  bar_next(100);
  assert_int_equal(buy(0, 9, 99, 0), CLERK_TAKEN);
  end_all();
  close_all();
}

static void test_latency_and_denials(void **state) {
  (void)state;
  prepare();
  f.config.limits = (struct gate_limits){.max_order_e8 = E8(500)};
  f.config.blotter.match.latency_ns = 30 * S;
  open_all(1);
  bar_next(100);
  assert_int_equal(buy(0, 9, 0, 0), CLERK_DENIED);
  assert_int_equal(buy(0, 3, 90, 0), CLERK_TAKEN);
  end_all();
  assert_true(order(0, 1)->status == ORDER_PENDING_CANCEL);
  bar_next(100);
  assert_true(order(0, 1)->status == ORDER_CANCELED && f.desk[0].fills == 0);
  assert_int_equal(change(0, 2, 5, 95, 0, false), CLERK_TAKEN);  // on its way: counts as the larger one
  assert_int_equal(clerk_account_scope(f.account)->exposure_e8, E8(500));
  end_all();
  bars(100);
  bar_next(100);
  assert_true(order(0, 2)->qty.lots == 5 && order(0, 2)->limit.ticks == 95);
  assert_int_equal(change(0, 2, 6, 0, 0, false), CLERK_DENIED);
  end_all();
  bars(97);
  bars(97);
  assert_true(order(0, 2)->status == ORDER_CANCELED && order(0, 2)->qty.lots == 5 && f.desk[0].fills == 0);
  close_all();
}

static void test_margin_is_the_matchers(void **state) {
  (void)state;
  prepare();
  open_all(1);
  bar_next(100);
  assert_int_equal(buy(0, 101, 100, 0), CLERK_DENIED);
  assert_true(DENIED(MARGIN, ACCOUNT));
  struct intent all = order_of(SIDE_BUY, 0, 0);
  all.size_kind = SIZE_PCT, all.size = CASH_ONE;
  assert_int_equal(submit(0, &all, 101), CLERK_TAKEN);  // cut at the fill to what there is
  end_all();
  bars(100);
  assert_int_equal(position(0), 100);
  bar_next(100);
  assert_int_equal(sell(0, 200, 0), CLERK_TAKEN);  // closing frees what turning needs
  assert_int_equal(sell(0, 1, 0), CLERK_DENIED);
  assert_true(DENIED(MARGIN, ACCOUNT));
  end_all();
  bars(100);
  assert_int_equal(position(0), -100);
  bar_next(100);
  struct intent out = order_of(SIDE_BUY, 0, 0);
  out.reduce = true;
  assert_int_equal(submit(0, &out, 500), CLERK_TAKEN);  // clipped
  end_all();
  bars(100);
  assert_int_equal(position(0), 0);
  bar_next(100);
  assert_int_equal(submit(0, &out, 5), CLERK_DENIED);
  assert_true(DENIED(REDUCE_ONLY, BOT));
  end_all();
  close_all();
}

static void test_bots_of_an_account_do_not_meet(void **state) {
  (void)state;
  prepare();
  f.config.blotter.match.deposit.e8 = E8(10000);
  open_all(2);
  bar_next(100);
  assert_int_equal(sell(1, 5, 110), CLERK_TAKEN);
  assert_int_equal(sell(1, 5, 101), CLERK_TAKEN);
  assert_int_equal(buy(0, 5, 101, 0), CLERK_DENIED);
  assert_true(DENIED(SELF_TRADE, ACCOUNT) && f.desk[0].v.why.other == 2 && f.desk[0].v.why.limit == 101);
  assert_int_equal(buy(0, 5, 100, 0), CLERK_TAKEN);
  assert_int_equal(buy(0, 5, 0, 0), CLERK_DENIED);  // 1 % away: a market order might reach it
  assert_true(DENIED(SELF_TRADE, ACCOUNT));
  assert_int_equal(command(1, (struct bot_command){.kind = COMMAND_CANCEL, .id = 2, .why = REASON_SCRIPT}), CLERK_TAKEN);
  assert_int_equal(buy(0, 5, 0, 0), CLERK_TAKEN);   // 110 it does not
  assert_int_equal(sell(1, 5, 0), CLERK_DENIED);    // the other's limit at 100
  assert_int_equal(sell(1, 5, 101), CLERK_DENIED);  // the other's market order is on its way
  assert_int_equal(sell(1, 5, 102), CLERK_TAKEN);
  assert_int_equal(change(1, 5, 0, 100, 0, false), CLERK_DENIED);
  end_all();
  bars(100);
  bars(97);
  assert_int_equal(position(0), 10);
  assert_int_equal(clerk_account_books(f.account)->account[0].lots, 10);
  close_all();
}

static void test_kill_switch(void **state) {
  (void)state;
  static const enum refusal_rule rules[] = {[HALT_REDUCE] = REFUSE_HALT_REDUCE, [HALT_SILENT] = REFUSE_HALTED, [HALT_FLATTEN] = REFUSE_HALT_FLATTEN};
  for (int mode = HALT_REDUCE; mode <= HALT_FLATTEN; mode++) {
    prepare();
    open_all(1);
    bar_next(100);
    assert_int_equal(buy(0, 10, 0, 90), CLERK_TAKEN);
    end_all();
    bar_next(100);
    assert_true(position(0) == 10 && order(0, 1)->child_sl == 2);
    assert_int_equal(buy(0, 1, 95, 0), CLERK_TAKEN);
    end_all();
    bar_next(100);
    halt_set(&f.halt, LEVEL_VENUE, 7, (enum halt_mode)mode, HALT_BY_OPERATOR, 0);
    clerk_halts(f.desk[0].clerk);
    assert_int_equal(f.desk[0].imposed_count, 0);  // the script runs
    assert_int_equal(buy(0, 1, 95, 0), CLERK_DENIED);
    assert_true(f.desk[0].v.why.rule == rules[mode] && f.desk[0].v.reason == REASON_HALTED && f.desk[0].v.why.level == LEVEL_VENUE);
    assert_int_equal(sell(0, 5, 0), mode == HALT_REDUCE ? CLERK_TAKEN : CLERK_DENIED);
    assert_int_equal(change(0, 2, 0, 0, 0, false), CLERK_TAKEN);
    assert_int_equal(command(0, (struct bot_command){.kind = COMMAND_CANCEL, .id = 3, .why = REASON_SCRIPT}), CLERK_TAKEN);
    end_all();
    assert_true(order_alive(order(0, 2)));  // the stop stays
    bars(100);
    assert_int_equal(position(0), mode == HALT_REDUCE ? 5 : mode == HALT_SILENT ? 10 : 0);
    assert_true(mode != HALT_FLATTEN || clerk_flat(f.desk[0].clerk));
    // Lifted, it goes on.
    halt_clear(&f.halt, LEVEL_VENUE, 7);
    bar_next(100);
    assert_int_equal(buy(0, 1, 95, 0), CLERK_TAKEN);
    end_all();
    // Pressed between two instants: at once. And after the check, before the commit: it never leaves.
    halt_set(&f.halt, LEVEL_BOT, 1, HALT_SILENT, HALT_BY_OWNER, 0);
    int before = f.desk[0].imposed_count;
    clerk_halts(f.desk[0].clerk);
    assert_true(f.desk[0].imposed_count == before + 1 && f.desk[0].last_reason == REASON_HALTED);
    halt_clear(&f.halt, LEVEL_BOT, 1);
    bar_next(100);
    assert_int_equal(buy(0, 1, 95, 0), CLERK_TAKEN);
    const uint64_t id = f.desk[0].ids;
    clerk_end(f.desk[0].clerk);
    halt_set(&f.halt, LEVEL_BOT, 1, HALT_SILENT, HALT_BY_OWNER, 0);
    clerk_committed(f.desk[0].clerk);
    assert_true(order(0, id)->status == ORDER_CANCELED && order(0, id)->reason == REASON_HALTED);
    close_all();
  }
}

static void test_flatten(void **state) {
  (void)state;
  prepare();
  f.inst.max_order_qty.lots = 6;
  match_symbol_config_init(&f.symbol, &f.inst);
  open_all(1);
  bar_next(100);
  assert_int_equal(buy(0, 6, 0, 80), CLERK_TAKEN);
  assert_int_equal(buy(0, 4, 0, 80), CLERK_TAKEN);
  assert_int_equal(buy(0, 1, 70, 0), CLERK_TAKEN);
  end_all();
  bars(100);
  clerk_cancel_all(f.desk[0].clerk, REASON_OWNER, false);
  assert_true(order(0, 3)->reason == REASON_OWNER && order_alive(order(0, 4)));
  clerk_flatten(f.desk[0].clerk, REASON_OWNER, NULL);
  clerk_flatten(f.desk[0].clerk, REASON_OWNER, NULL);  // once is enough
  assert_true(f.desk[0].interventions == 1 && f.desk[0].intervened == REASON_OWNER);
  assert_string_equal(f.desk[0].said, reason_text(REASON_OWNER));
  const struct bot_command *last = &f.desk[0].imposed[f.desk[0].imposed_count - 1];
  assert_true(last->kind == COMMAND_SUBMIT && last->intent.tag == TAG_FLATTEN && last->qty.lots == 6 && last->intent.reduce);
  clerk_committed(f.desk[0].clerk);
  bars(100);
  assert_int_equal(position(0), 4);  // the venue takes six at a time
  bars(100);
  assert_true(clerk_flat(f.desk[0].clerk));
  bar_next(100);
  assert_int_equal(buy(0, 1, 0, 80), CLERK_TAKEN);  // it was not halted
  end_all();
  bars(100);
  assert_true(position(0) == 1);
  clerk_cancel_all(f.desk[0].clerk, REASON_OWNER, true);
  size_t pos = 0;
  assert_null(matcher_working(clerk_matcher(f.desk[0].clerk), 0, &pos));
  close_all();
}

// Time passes for it without a bar.
static void time_passes(void) {
  struct err err;
  f.now_ns += S;
  assert_int_equal(clerk_market(f.desk[0].clerk, &(struct instant){.now_ns = f.now_ns}, &err), OK);
}

// What its script asked to close last is executed at once when it is in the journal; all else is cancelled, and nothing is opened.
static void test_last_words(void **state) {
  (void)state;
  struct err err;
  prepare();
  open_all(1);
  bar_next(100);
  assert_int_equal(buy(0, 10, 0, 80), CLERK_TAKEN);
  end_all();
  bars(100);
  assert_int_equal(position(0), 10);
  time_passes();
  struct intent out = order_of(SIDE_SELL, 0, 0);
  out.reduce = true;
  assert_int_equal(buy(0, 3, 90, 0), CLERK_TAKEN);
  assert_int_equal(buy(0, 3, 0, 0), CLERK_TAKEN);  // of a host that does not care
  const uint64_t opening = f.desk[0].ids;
  assert_int_equal(submit(0, &out, 7), CLERK_TAKEN);
  assert_int_equal(submit(0, &out, 7), CLERK_TAKEN);
  assert_int_equal(submit(0, &out, 7), CLERK_TAKEN);
  const uint64_t last = f.desk[0].ids;
  clerk_end(f.desk[0].clerk);
  clerk_part(f.desk[0].clerk);
  assert_true(order(0, opening)->status == ORDER_CANCELED && order(0, opening - 1)->status == ORDER_CANCELED && order(0, 2)->status == ORDER_CANCELED);
  assert_false(clerk_parted(f.desk[0].clerk));
  f.last_px = 97;
  assert_false(clerk_closing(f.desk[0].clerk));  // not in the journal yet
  assert_true(f.desk[0].fills == 1);
  f.last_px = 0;
  clerk_committed(f.desk[0].clerk);
  assert_false(clerk_closing(f.desk[0].clerk));  // nobody knows a price
  f.last_px = 97;
  assert_true(clerk_closing(f.desk[0].clerk));
  assert_int_equal(clerk_market(f.desk[0].clerk, &(struct instant){.now_ns = f.now_ns += S}, &err), OK);
  end_all();
  assert_true(position(0) == 0 && clerk_parted(f.desk[0].clerk) && f.desk[0].fills == 3);
  assert_true(order(0, last - 2)->fill_value == 7 * 97 && order(0, last - 1)->filled.lots == 3);
  assert_true(order(0, last)->status == ORDER_CANCELED);  // there was nothing left for it
  close_all();
}

// A venue that does not answer (order/route, order/unknown): no market, no second order, counted as exposure until it is proven.
static void lost_orders(int64_t absent_frac_e8, int64_t unanswered, int64_t latency_ns) {
  prepare();
  f.config.faults = (struct clerk_faults){.lost_frac_e8 = 100000000, .absent_frac_e8 = absent_frac_e8, .unanswered = unanswered};
  f.config.blotter.match.latency_ns = latency_ns;
  f.config.limits.max_position_e8 = E8(1500);
  f.config.run = 2;
  open_all(1);
  bar_next(100);
  assert_int_equal(buy(0, 10, 0, 0), CLERK_TAKEN);
}

static void test_a_lost_answer(void **state) {
  (void)state;
  char want[CLIENT_ID_SIZE];
  lost_orders(0, 1, 0);
  client_id_format(&(struct client_id){1, 3, record_intent(2, 1)}, want);
  assert_string_equal(f.desk[0].client_id, want);  // another run's first order has another name
  assert_int_equal(order(0, 1)->status, ORDER_OPEN);
  end_all();
  assert_true(order(0, 1)->status == ORDER_UNKNOWN && f.desk[0].imposed[0].kind == COMMAND_LOST && f.desk[0].imposed[0].id == 1);
  bar_next(100);
  assert_true(f.desk[0].fills == 0 && order(0, 1)->status == ORDER_UNKNOWN);
  assert_int_equal(buy(0, 10, 0, 0), CLERK_DENIED);  // 1,000 are on their way as far as anybody knows
  assert_true(f.desk[0].v.why.rule == REFUSE_POSITION_MAX && f.desk[0].v.why.value == E8(2000));
  end_all();  // a question without an answer; half a minute has passed, so somebody is told
  assert_true(order(0, 1)->status == ORDER_UNKNOWN && f.desk[0].interventions == 1 && f.desk[0].intervened == REASON_VENUE);
  bars(100);  // asked again: it is there
  assert_int_equal(order(0, 1)->status, ORDER_OPEN);
  bars(110);
  assert_true(f.desk[0].fills == 1 && position(0) == 10 && f.desk[0].fill.px.digits == 100);
  close_all();
}

static void test_an_order_that_never_arrived(void **state) {
  (void)state;
  lost_orders(100000000, 0, S);
  end_all();
  assert_int_equal(order(0, 1)->status, ORDER_UNKNOWN);
  bars(100);
  bars(100);
  assert_int_equal(order(0, 1)->status, ORDER_UNKNOWN);  // "not there" is not believed at once
  for (int i = 0; i < 3; i++) bars(100);
  assert_true(order(0, 1)->status == ORDER_REJECTED && order(0, 1)->reason == REASON_ABSENT && f.desk[0].fills == 0 && clerk_flat(f.desk[0].clerk));
  bar_next(100);
  assert_int_equal(buy(0, 10, 90, 0), CLERK_TAKEN);  // as if it had never been
  end_all();
  bar_next(100);
  assert_int_equal(order(0, 2)->status, ORDER_UNKNOWN);
  assert_int_equal(command(0, (struct bot_command){.kind = COMMAND_CANCEL, .id = 2, .time_ns = f.now_ns, .why = REASON_SCRIPT}), CLERK_TAKEN);
  assert_int_equal(order(0, 2)->status, ORDER_CANCELED);
  end_all();
  bars(100);
  close_all();
}

static void test_not_committed(void **state) {
  (void)state;
  prepare();
  open_all(1);
  bar_next(100);
  assert_int_equal(buy(0, 1, 0, 0), CLERK_TAKEN);
  clerk_end(f.desk[0].clerk);
  clerk_uncommitted(f.desk[0].clerk);
  assert_true(order(0, 1)->reason == REASON_NOT_JOURNALLED && order(0, 1)->status == ORDER_CANCELED);
  bar_next(100);
  assert_int_equal(buy(0, 1, 0, 0), CLERK_TAKEN);
  clerk_end(f.desk[0].clerk);
  bars(100);  // nobody said anything
  assert_true(order(0, 2)->reason == REASON_NOT_JOURNALLED && f.desk[0].fills == 0);
  close_all();
}

// Whoever caught up with the market has seen what its host's queue still has.
static void test_an_instant_once(void **state) {
  (void)state;
  struct err err;
  char before[SHA256_HEX_SIZE], after[SHA256_HEX_SIZE];
  open_all(1);
  bars(100);
  struct clerk *c = f.desk[0].clerk;
  clerk_hash(c, before);
  struct instant in = {.now_ns = f.now_ns};
  assert_false(clerk_follows(c, f.now_ns));
  assert_int_equal(clerk_market(c, &in, &err), ERR_EXISTS);
  in.now_ns = f.now_ns - 1;
  assert_int_equal(clerk_market(c, &in, &err), ERR_EXISTS);
  assert_false(clerk_busy(c));
  assert_int_equal(clerk_now(c), f.now_ns);
  in.now_ns = f.now_ns + 1;
  assert_int_equal(clerk_market(c, &in, &err), OK);
  in.now_ns++;
  assert_int_equal(clerk_market(c, &in, &err), ERR_EXISTS);  // that one has not ended
  assert_int_equal(clerk_now(c), f.now_ns + 1);
  clerk_end(c);
  clerk_committed(c);
  clerk_hash(c, after);
  assert_string_equal(before, after);
  close_all();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_round_trip),
      cmocka_unit_test(test_an_instant_once),
      cmocka_unit_test(test_what_no_desk_sends),
      cmocka_unit_test(test_denied_and_cancelled),
      cmocka_unit_test(test_latency_and_denials),
      cmocka_unit_test(test_margin_is_the_matchers),
      cmocka_unit_test(test_bots_of_an_account_do_not_meet),
      cmocka_unit_test(test_kill_switch),
      cmocka_unit_test(test_flatten), cmocka_unit_test(test_last_words),
      cmocka_unit_test(test_a_lost_answer),
      cmocka_unit_test(test_an_order_that_never_arrived),
      cmocka_unit_test(test_not_committed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
