// tests/unit/bot/test_clerk.c – what a clerk refuses and why, what the core does by itself and when, and what it tells of it. Many of
// them at once, against the truth of a twin, are in test_clerk_random.c.
//
// Planted and found: halts that are not obeyed at an instant's end, or not looked at again between check and commit, a MODIFY that is taken
// without asking, a market order that is afraid of every resting order, a stop that may be moved away under prop rules, the last check's
// trip not put into the kill switch, an exit cancelled while only exits may pass.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bot/clerk.h"

#define E8(units) ((int64_t)(units) * CASH_ONE)
#define S INT64_C(1000000000)
enum { BOTS = 2 };

struct desk {  // a bot as its host sends it
  struct clerk *clerk;
  uint64_t ids;
  struct clerk_verdict v;
  struct bot_command imposed[64];
  int imposed_count, orders, fills, marks, denials, interventions;
  enum order_status last_to;
  enum reason last_reason, intervened;
  char client_id[CLIENT_ID_SIZE], text[REFUSAL_TEXT_SIZE], said[REFUSAL_TEXT_SIZE];
  struct clerk_fill_event fill;
  struct clerk_equity_event equity;
};
static struct fixture {
  struct desk desk[BOTS];
  struct clerk_shared shared;
  struct halt_state halt;
  struct clerk_tenant tenant;
  struct clerk_account *account;
  struct instrument inst;
  struct match_symbol_config symbol;
  struct clerk_config config;
  struct clerk_account_config account_config;
  struct bar bar;
  int64_t now_ns;
  struct last_report tripped;
  int trips;
} f;

static void on_order(void *self, const struct clerk_order_event *e) {
  struct desk *d = self;
  d->orders++;
  d->last_to = e->to, d->last_reason = e->reason;
  memcpy(d->client_id, e->client_id, strlen(e->client_id) + 1);
  assert_true(e->qty.scale == 0 && e->qty.digits == e->order->qty.lots && (e->limit.scale == -1) == !price_given(e->order->limit));
}
static void on_fill(void *self, const struct clerk_fill_event *e) {
  struct desk *d = self;
  d->fills++;
  d->fill = *e;
}
static void on_equity(void *self, const struct clerk_equity_event *e) {
  struct desk *d = self;
  d->marks++;
  d->equity = *e;
}
static void on_denied(void *self, const struct clerk_denial *e) {
  struct desk *d = self;
  d->denials++;
  strcpy(d->text, e->text);
}
static void on_imposed(void *self, const struct bot_command *c) {
  struct desk *d = self;
  assert_true(d->imposed_count < 64);
  d->imposed[d->imposed_count++] = *c;
}
static void on_intervened(void *self, enum reason code, const char *text) {
  struct desk *d = self;
  d->interventions++;
  d->intervened = code;
  strcpy(d->said, text);
}
static void on_tripped(void *self, const struct last_report *r) {
  (void)self;
  f.trips++;
  f.tripped = *r;
}

static void prepare(void) {
  struct err err;
  memset(&f, 0, sizeof f);
  halt_init(&f.halt);
  f.shared = (struct clerk_shared){.halt = &f.halt, .tripped = on_tripped};
  f.inst = (struct instrument){.symbol = "X", .tick = {1, 0}, .lot = {1, 0}, .multiplier = {1, 0}};
  assert_int_equal(instrument_finish(&f.inst, &err), OK);
  match_symbol_config_init(&f.symbol, &f.inst);
  clerk_tenant_init(&f.tenant, 9, &(struct gate_limits){0});
  f.account_config = (struct clerk_account_config){.id = 5, .tenant = &f.tenant, .balance = {E8(20000)}, .now_ns = S};
  f.config = (struct clerk_config){.version = 3, .shared = &f.shared, .venue_id = 7, .live_from_ns = S};
  match_config_init(&f.config.blotter.match, (cash){E8(10000)});
  f.config.blotter.symbols = &f.symbol;
  f.config.blotter.symbol_count = 1;
  f.now_ns = S;
}

static void clerk_open(int i) {
  struct err err;
  struct desk *d = &f.desk[i];
  f.config.bot_id = (uint64_t)i + 1;
  f.config.account = f.account;
  f.config.observer = (struct clerk_observer){.self = d, .order = on_order, .fill = on_fill, .equity = on_equity, .denied = on_denied, .imposed = on_imposed,
                                              .intervened = on_intervened};
  if (clerk_create(&f.config, &d->clerk, &err) != OK) fail_msg("%s", err.msg);
}

static void open_all(int bots) {
  struct err err;
  if (clerk_account_create(&f.account_config, &f.account, &err) != OK) fail_msg("%s", err.msg);
  for (int i = 0; i < bots; i++) clerk_open(i);
}

static void bar_of(int i) {
  struct err err;
  struct instant_match m = {.bar = {.bar = &f.bar, .close_ns = f.now_ns}};
  struct instant in = {.now_ns = f.now_ns, .match = &m, .match_count = 1};
  if (clerk_market(f.desk[i].clerk, &in, &err) != OK) fail_msg("%s", err.msg);
}
// A bar from the last price to `to`.
static void bar_next(int64_t to) {
  int64_t from = f.bar.close.ticks ? f.bar.close.ticks : to;
  f.bar = (struct bar){.open_ns = f.now_ns, .open = {from}, .high = {from > to ? from : to}, .low = {from < to ? from : to}, .close = {to}, .volume = -1};
  f.now_ns += 60 * S;
  for (int i = 0; i < BOTS; i++)
    if (f.desk[i].clerk) bar_of(i);
}
static void end_all(void) {
  for (int i = 0; i < BOTS; i++)
    if (f.desk[i].clerk) clerk_end(f.desk[i].clerk);
  for (int i = 0; i < BOTS; i++)
    if (f.desk[i].clerk) clerk_committed(f.desk[i].clerk), clerk_check(f.desk[i].clerk);
}
static void bars(int64_t to) {
  bar_next(to);
  end_all();
}

static enum clerk_answer command(int i, struct bot_command c) {
  struct desk *d = &f.desk[i];
  if (c.time_ns == 0) c.time_ns = f.now_ns;
  clerk_command(d->clerk, &c, &d->v);
  return d->v.answer;
}

static struct intent order_of(enum side side, int64_t limit, int64_t sl) {
  struct intent in;
  intent_init(&in, 0, side);
  in.type = limit ? ORDER_LIMIT : ORDER_MARKET;
  in.limit = limit ? (price){limit} : NO_PRICE;
  in.sl = sl ? (price){sl} : NO_PRICE;
  return in;
}
static enum clerk_answer submit(int i, const struct intent *in, int64_t lots) {
  uint64_t id = ++f.desk[i].ids;
  const uint64_t last = matcher_order_last(clerk_matcher(f.desk[i].clerk));
  if (last >= id) f.desk[i].ids = id = last + 1;
  assert_int_equal(command(i, (struct bot_command){.kind = COMMAND_RESERVE, .id = id}), CLERK_TAKEN);
  return command(i, (struct bot_command){.kind = COMMAND_SUBMIT, .id = id, .intent = *in, .qty = {lots}});
}
static enum clerk_answer buy(int i, int64_t lots, int64_t limit, int64_t sl) {
  struct intent in = order_of(SIDE_BUY, limit, sl);
  return submit(i, &in, lots);
}
static enum clerk_answer sell(int i, int64_t lots, int64_t limit) {
  struct intent in = order_of(SIDE_SELL, limit, 0);
  return submit(i, &in, lots);
}
static enum clerk_answer change(int i, uint64_t id, int64_t lots, int64_t limit, int64_t sl, bool sl_none) {
  struct bot_command c = {.kind = COMMAND_MODIFY, .id = id};
  order_change_init(&c.change);
  c.change.qty.lots = lots;
  if (limit) c.change.limit.ticks = limit;
  if (sl) c.change.sl.ticks = sl;
  c.change.sl_none = sl_none;
  return command(i, c);
}
static const struct order *order(int i, uint64_t id) { return matcher_order(clerk_matcher(f.desk[i].clerk), id); }
static int64_t position(int i) { return account_lots(matcher_account(clerk_matcher(f.desk[i].clerk)), 0, LEG_NET); }

static void close_all(void) {
  for (int i = 0; i < BOTS; i++) clerk_destroy(f.desk[i].clerk);
  assert_true(clerk_account_house(f.account).e8 == E8(20000) && clerk_account_scope(f.account)->exposure_e8 == 0 && clerk_account_scope(f.account)->open_orders == 0);
  clerk_account_destroy(f.account);
  assert_true(f.tenant.scope.equity_e8 == 0 && f.tenant.scope.exposure_e8 == 0);
  last_check_destroy(f.shared.last);
}

#define DENIED(rule_, level_) (f.desk[0].v.answer == CLERK_DENIED && f.desk[0].v.why.rule == REFUSE_##rule_ && f.desk[0].v.why.level == LEVEL_##level_)

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
  clerk_client_id(f.desk[0].clerk, 1, now);
  assert_true(strcmp(want, now) != 0 && clerk_account_id(f.account) == 5);
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

static struct rule_set *rules_of(const char *text) {
  struct err err;
  struct rule_set *r;
  if (rule_set_parse(text, strlen(text), &r, &err) != OK) fail_msg("%s", err.msg);
  return r;
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
      cmocka_unit_test(test_a_round_trip), cmocka_unit_test(test_what_no_desk_sends), cmocka_unit_test(test_denied_and_cancelled),
      cmocka_unit_test(test_latency_and_denials), cmocka_unit_test(test_margin_is_the_matchers), cmocka_unit_test(test_bots_of_an_account_do_not_meet),
      cmocka_unit_test(test_kill_switch), cmocka_unit_test(test_flatten), cmocka_unit_test(test_not_committed), cmocka_unit_test(test_last_check),
      cmocka_unit_test(test_prop_rules), cmocka_unit_test(test_flat_before_a_breach), cmocka_unit_test(test_excess), cmocka_unit_test(test_protections),
      cmocka_unit_test(test_hedging_legs), cmocka_unit_test(test_made_up_numbers), cmocka_unit_test(test_creation), cmocka_unit_test(test_losses_survive)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
