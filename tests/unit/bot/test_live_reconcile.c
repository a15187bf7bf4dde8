// tests/unit/bot/test_live_reconcile.c – an account whose bots trade hundreds of symbols is compared with its venue whole: executions are asked for
// a few lists at a time, each symbol once a round, and what differs is told however many there are. What somebody else holds or orders there is
// adopted, reported, or stops entries. Questions without an answer prove nothing, also while the venue is away; funding is shared. And: whose account cannot be brought into the
// position mode that it needs hears of its refused orders before it ends.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bot/live_venue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEC INT64_C(1000000000)
#define T0 (INT64_C(1700000000) * SEC)
enum { BOTS = 20, EACH = 16, SYMBOLS = BOTS * EACH - EACH, LISTS_MOST = 16, QUEUE = 1024, ACCOUNT = 9 };  // the last bot trades what the first does

struct question {
  enum { ORDERS, FILLS, POSITIONS, MODE } what;
  char symbol[VENUE_SYMBOL_MAX];
  bool hedge;
  union { venue_orders_fn orders; venue_fills_fn fills; venue_positions_fn positions; venue_reply_fn reply; } done;
  void *arg;
};
static struct {
  struct live *live;
  struct live_venue v;
  struct live_bot bots[BOTS];
  struct live_account account;
  struct clerk_tenant tenant;
  struct clerk_shared shared;
  struct match_symbol_config symbols[BOTS * EACH];
  struct instrument inst[BOTS * EACH];
  struct live_setup setup;
  int64_t now_ns;
  enum venue_state state;
  bool hedge;
  struct question queue[QUEUE];
  size_t head, tail, fills_out, fills_most, fills_asked;
  char told[16384], ended[512];
  int events;
  bool was_ready;
  int64_t since_ns;  // of the last question for executions
  int64_t look_ns;  // when its timer would look, where there is one
} w;

// ---- what the bots' owner and the world would see

void __wrap_live_log(struct live_bot *b, int64_t time_ns, int level, const char *text, size_t len);
void __wrap_live_news(struct live_bot *b, const char *type, json_t *data);
void __wrap_live_event(struct live_bot *b, enum life_event e, const char *detail);
void __wrap_live_hand_over(struct live *l, int place);
void __wrap_live_clock_soon(struct live_bot *b);
void __wrap_live_commands_flush(struct live_bot *b);
int64_t __wrap_clock_monotonic_ns(void);
void __wrap_live_log(struct live_bot *b, int64_t time_ns, int level, const char *text, size_t len) {
  (void)time_ns, (void)level;
  if (b == &w.bots[0] && strlen(w.told) + len + 2 < sizeof w.told) snprintf(w.told + strlen(w.told), sizeof w.told - strlen(w.told), "%.*s\n", (int)len, text);
}
void __wrap_live_news(struct live_bot *b, const char *type, json_t *data) { (void)b, (void)type, json_decref(data); }
void __wrap_live_event(struct live_bot *b, enum life_event e, const char *detail) {
  assert_int_equal(e, LIFE_UNFIT);
  snprintf(w.ended, sizeof w.ended, "%s", detail);
  b->life.state = LIFE_DEAD;
  w.events++;
}
void __wrap_live_hand_over(struct live *l, int place) { (void)l, (void)place; }
void __wrap_live_clock_soon(struct live_bot *b) { b->soon_ns = 1; }
void __wrap_live_commands_flush(struct live_bot *b) { buf_clear(&b->turn); }
int64_t __wrap_clock_monotonic_ns(void) { return w.now_ns; }
void __wrap_loop_timer_start(struct loop_timer *timer, int64_t delay_ms, int64_t repeat_ms);
void __wrap_loop_timer_start(struct loop_timer *timer, int64_t delay_ms, int64_t repeat_ms) { (void)timer, (void)repeat_ms, w.look_ns = w.now_ns + delay_ms * (SEC / 1000); }
static void on_log(void *self, const char *level, const char *event, json_t *fields) { (void)self, (void)level, (void)event, json_decref(fields); }
static void on_imposed(void *self, const struct bot_command *c) {
  struct live_bot *b = self;
  (void)c;
  buf_add(&b->turn, "x", 1);
}

// ---- the venue

static struct question *ask(int what, const char *symbol, void *arg) {
  assert_true(w.tail < QUEUE);
  struct question *q = &w.queue[w.tail++];
  *q = (struct question){.what = what, .arg = arg};
  snprintf(q->symbol, sizeof q->symbol, "%s", symbol ? symbol : "");
  return q;
}
static struct venue_caps op_caps(void *self) { return (void)self, (struct venue_caps){.lookups = LOOKUP_ID | LOOKUP_OPEN | LOOKUP_FILLS, .positions = true, .amend = true, .stops = true, .hedge = w.hedge, .expiry_ms = 2000}; }
static enum venue_state op_state(void *self, const char **why) { return (void)self, *why = "", w.state; }
static int64_t op_now(void *self) { return (void)self, T0 + w.now_ns; }
static struct venue_order orders[100];  // of somebody else
static size_t order_count;
static void op_orders(void *self, const char *symbol, venue_orders_fn done, void *arg) { (void)self, ask(ORDERS, symbol, arg)->done.orders = done; }
static void op_fills(void *self, const char *symbol, int64_t since_ns, venue_fills_fn done, void *arg) {
  (void)self;
  w.since_ns = since_ns;
  ask(FILLS, symbol, arg)->done.fills = done;
  w.fills_asked++;
  if (++w.fills_out > w.fills_most) w.fills_most = w.fills_out;
}
static void op_order(void *self, const struct venue_ref *ref, venue_orders_fn done, void *arg) { (void)self, ask(ORDERS, ref->symbol, arg)->done.orders = done; }
static void op_positions(void *self, venue_positions_fn done, void *arg) { (void)self, ask(POSITIONS, NULL, arg)->done.positions = done; }
static void op_mode(void *self, const char *symbol, bool hedge, venue_reply_fn done, void *arg) {
  (void)self;
  struct question *q = ask(MODE, symbol, arg);
  q->done.reply = done, q->hedge = hedge;
}
static void op_place(void *self, const struct venue_place *p, venue_reply_fn done, void *arg);
static bool op_reconciled(void *self) { return (void)self, w.state = VENUE_STATE_READY, true; }
static const struct venue_ops ops = {.caps = op_caps, .state = op_state, .now_ns = op_now, .open_orders = op_orders, .fills = op_fills, .positions = op_positions, .set_position_mode = op_mode,
  .reconciled = op_reconciled, .place = op_place, .order = op_order};

// The oldest question; lots: of the symbols that differ. False: there is none.
static bool answer(enum venue_outcome outcome, const struct venue_position *held, size_t count) {
  if (w.head == w.tail) return false;
  const struct question q = w.queue[w.head++];
  const struct venue_reply r = {.outcome = outcome, .why = outcome == VENUE_REFUSED ? VENUE_WHY_OTHER : VENUE_WHY_NONE, .asked_ns = T0 + w.now_ns, .text = "something is open"};
  w.fills_out -= q.what == FILLS;
  if (q.what == ORDERS) q.done.orders(q.arg, &r, orders, order_count);
  if (q.what == FILLS) q.done.fills(q.arg, &r, NULL, 0);
  if (q.what == POSITIONS) q.done.positions(q.arg, &r, held, outcome == VENUE_ACCEPTED ? count : 0);
  if (q.what == MODE) q.done.reply(q.arg, &r);
  return true;
}

// ---- the bots

static void begin(bool hedging) {
  struct err err;
  memset(&w, 0, sizeof w);
  w.live = calloc(1, sizeof *w.live);
  assert_non_null(w.live);
  w.live->config.log = on_log;
  w.state = VENUE_STATE_RECONCILING;
  w.hedge = hedging;
  w.now_ns = SEC;
  w.v = (struct live_venue){.live = w.live, .account_id = ACCOUNT, .venue = {&ops, NULL}, .foreign = FOREIGN_REPORT};
  w.live->venues = &w.v;
  for (int i = 0; i < BOTS * EACH; i++) {
    w.inst[i] = (struct instrument){.tick = {1, 1}, .lot = {1, 0}, .multiplier = {1, 0}};
    snprintf(w.inst[i].symbol, sizeof w.inst[i].symbol, "S%dUSDT", i % SYMBOLS);
    assert_int_equal(instrument_finish(&w.inst[i], &err), OK);
    match_symbol_config_init(&w.symbols[i], &w.inst[i]);
  }
  w.shared.last = last_check_create(4000, 400, (struct last_budget){SEC, 100000, 0}, (struct last_budget){SEC, 100000, 0});
  clerk_tenant_init(&w.tenant, 1, &(struct gate_limits){0});
  w.account.id = ACCOUNT;
  const struct clerk_account_config a = {.id = ACCOUNT, .tenant = &w.tenant, .balance = {2000000 * CASH_ONE}, .now_ns = T0};
  assert_int_equal(clerk_account_create(&a, &w.account.account, &err), OK);
  for (int i = 0; i < BOTS; i++) {
    struct live_bot *b = &w.bots[i];
    *b = (struct live_bot){.live = w.live, .id = i + 1, .tenant_id = 1, .account = &w.account, .setup = &w.setup, .opened = true, .place = 0, .life = {.state = LIFE_RUNNING}};
    buf_init(&b->turn, 1 << 20);
    struct clerk_config c = {.bot_id = (uint64_t)b->id, .version = 1, .run = 3, .shared = &w.shared, .account = w.account.account, .venue_id = 7, .live_from_ns = T0,
                             .observer = {.self = b, .imposed = on_imposed}};
    c.blotter = (struct blotter_config){.symbols = &w.symbols[i * EACH], .symbol_count = hedging ? 1 : EACH};
    match_config_init(&c.blotter.match, (cash){10000 * CASH_ONE});
    c.blotter.match.model = MODEL_REMOTE;
    c.blotter.match.hedging = hedging;
    if (clerk_create(&c, &b->clerk, &err) != OK) fail_msg("%s", err.msg);
    const struct clerk_port port = live_venue_port(&w.v);
    assert_int_equal(clerk_remote_open(b->clerk, &port, &err), OK);
    b->next = w.live->bots[live_bucket(b->id)];
    w.live->bots[live_bucket(b->id)] = b;
    assert_true(live_venue_join(&w.v, b));
    if (hedging) break;
  }
}

static void end(void) {
  for (int i = 0; i < BOTS; i++) {
    if (w.bots[i].clerk) clerk_destroy(w.bots[i].clerk);
    buf_finish(&w.bots[i].turn);
  }
  clerk_account_destroy(w.account.account);
  last_check_destroy(w.shared.last);
  live_modes_close(&w.v);
  live_venue_unasked(&w.v);
  while (w.v.requests) live_request_end(w.v.requests);
  for (struct live_mail *m = w.v.first, *next; m; m = next) next = m->next, free(m);
  free(w.v.house);
  free(w.v.strange);
  free(w.v.bots);
  free(w.live);
}

static bool strange(const char *name) {
  for (int i = 0; i < w.v.strange_count; i++)
    if (strcmp(w.v.strange[i].name, name) == 0) return true;
  return false;
}

static void hundreds(void **state) {
  (void)state;
  static struct venue_position held[SYMBOLS];
  begin(false);
  for (int i = 0; i < SYMBOLS; i++) {
    held[i] = (struct venue_position){.qty = {0, 0}};
    snprintf(held[i].symbol, sizeof held[i].symbol, "S%dUSDT", i);
  }
  live_reconcile_begin(&w.v);
  while (answer(VENUE_ACCEPTED, held, SYMBOLS)) assert_true(w.fills_out <= LISTS_MOST);
  assert_int_equal(w.v.stage, RECONCILE_DONE);
  assert_int_equal(w.state, VENUE_STATE_READY);
  assert_int_equal(w.fills_asked, SYMBOLS);  // once each, though two bots trade some
  assert_int_equal(w.fills_most, LISTS_MOST);
  for (int i = 0; i < SYMBOLS; i++) {
    bool asked = false;
    for (size_t k = 0; k < w.tail; k++) asked |= w.queue[k].what == FILLS && strcmp(w.queue[k].symbol, held[i].symbol) == 0;
    assert_true(asked);
  }
  assert_int_equal(w.v.strange_count, 0);
  // The first, which two bots trade, and the last three: looked at once more, then told, all of them.
  const int other[] = {0, SYMBOLS - 3, SYMBOLS - 2, SYMBOLS - 1};
  for (size_t i = 0; i < 4; i++) held[other[i]].qty.digits = 7 + (int64_t)i;
  for (int round = 0; round < 2; round++) {
    assert_int_equal(w.v.strange_count, 0);
    w.head = w.tail = 0;
    w.now_ns += 61 * SEC;
    live_reconcile_look(&w.v);
    while (answer(VENUE_ACCEPTED, held, SYMBOLS)) continue;
    assert_int_equal(w.v.stage, RECONCILE_DONE);
  }
  char name[64];
  for (size_t i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "S%dUSDT %zu", other[i], 7 + i);
    if (!strange(name)) fail_msg("%s was not told:\n%s", name, w.told);
  }
  assert_int_equal(w.v.strange_count, 4);
  assert_string_not_equal(w.v.why, "");
  // A hundred orders of somebody else's: each is told once, in however many rounds it is seen.
  order_count = 100;
  for (size_t i = 0; i < order_count; i++) snprintf(orders[i].ref.venue_id, VENUE_ID_MAX, "theirs-%zu", i);
  w.told[0] = '\0';
  for (int round = 0; round < 3; round++) {
    w.head = w.tail = 0;
    w.now_ns += 61 * SEC;
    live_reconcile_look(&w.v);
    while (answer(VENUE_ACCEPTED, held, SYMBOLS)) continue;
  }
  int lines = 0;
  for (const char *at = w.told; (at = strchr(at, '\n')); at++) lines++;
  assert_int_equal(lines, 100);
  order_count = 0;
  // One list that cannot be had: nothing is taken for compared, and all of it is asked for again.
  w.head = w.tail = w.fills_asked = 0;
  w.now_ns += 61 * SEC;
  live_reconcile_look(&w.v);
  assert_true(answer(VENUE_ACCEPTED, NULL, 0));
  assert_true(answer(VENUE_UNKNOWN, NULL, 0));
  assert_int_equal(w.v.stage, RECONCILE_NONE);
  while (answer(VENUE_ACCEPTED, held, SYMBOLS)) continue;
  assert_int_equal(w.fills_asked, LISTS_MOST);
  w.head = w.tail = w.fills_asked = 0;
  w.now_ns += 4 * SEC;
  live_reconcile_look(&w.v);
  while (answer(VENUE_ACCEPTED, held, SYMBOLS)) continue;
  assert_int_equal(w.fills_asked, SYMBOLS);
  assert_int_equal(w.v.stage, RECONCILE_DONE);
  end();
}

// ---- what is somebody else's, by the account's policy

static struct halt_state halts;
static int halts_set;
static enum status desk_set(void *self, enum refusal_level level, uint64_t id, enum halt_mode mode, enum halt_cause cause, int64_t now_ns, struct err *err) {
  (void)self, (void)err;
  assert_true(level == LEVEL_BOT && mode == HALT_REDUCE && cause == HALT_BY_VENUE);  // exits go on
  assert_int_equal(w.state == VENUE_STATE_READY, w.was_ready);                       // before anything leaves
  halt_set(&halts, level, id, mode, cause, now_ns);
  halts_set++;
  return OK;
}
static const struct halt_state *desk_list(void *self) { return (void)self, &halts; }

// The account is compared, with so many lots of the first symbol there, which no bot holds.
static void compared(int64_t lots, int64_t after_s) {
  struct venue_position held = {.qty = {lots, 0}};
  snprintf(held.symbol, sizeof held.symbol, "S0USDT");
  w.head = w.tail = w.fills_asked = 0;
  w.now_ns += after_s * SEC;
  w.was_ready = w.state == VENUE_STATE_READY;
  halts_set = 0;
  live_reconcile_look(&w.v);
  assert_true(w.tail > 0);
  while (answer(VENUE_ACCEPTED, &held, 1)) continue;
  assert_int_equal(w.v.stage, RECONCILE_DONE);
  live_reconcile_freeze(&w.v);  // as its timer does
}
static void with_policy(enum live_foreign policy) {
  begin(false);
  halt_init(&halts);
  w.live->desk = (struct halt_desk){.set = desk_set, .list = desk_list};
  w.v.foreign = policy;
  order_count = 0;
}
static const char *only_stranger(void) {
  assert_int_equal(w.v.strange_count, 1);
  return w.v.strange[0].kind;
}

static void adopted(void **state) {
  (void)state;
  with_policy(FOREIGN_ADOPT);
  compared(7, 0);
  assert_int_equal(w.state, VENUE_STATE_READY);
  assert_true(strange("S0USDT 7"));
  assert_non_null(strstr(w.told, "held before"));
  assert_string_equal(w.v.why, "");  // it is no difference from now on
  const int64_t compared_ns = w.v.compared_ns;
  compared(7, 61);
  assert_int_equal(w.since_ns, compared_ns - 600 * SEC);  // executions since the last time, and some
  assert_string_equal(w.v.why, "");
  compared(9, 61);  // until it changes: looked at once more, then told
  assert_string_equal(w.v.why, "");
  compared(9, 2);
  assert_non_null(strstr(w.v.why, "holds 9"));
  assert_true(strange("S0USDT 9") && w.v.strange_count == 1 && halts_set == 0);
  end();
}

static void reported(void **state) {
  (void)state;
  with_policy(FOREIGN_REPORT);
  compared(7, 0);
  assert_int_equal(w.state, VENUE_STATE_READY);
  compared(7, 2);
  assert_true(strange("S0USDT 7") && halts_set == 0);
  assert_non_null(strstr(w.v.why, "holds 7"));
  end();
}

static void frozen(void **state) {
  (void)state;
  with_policy(FOREIGN_FREEZE);
  compared(7, 0);
  assert_int_equal(w.state, VENUE_STATE_RECONCILING);  // it may be on its way to the books: nothing leaves until that is known
  compared(7, 2);
  assert_int_equal(halts_set, BOTS);
  assert_int_equal(w.state, VENUE_STATE_READY);
  compared(7, 61);
  assert_int_equal(halts_set, 0);
  // A bot that comes while nobody has looked is one of them; after somebody has resumed another it is not.
  halt_clear(&halts, LEVEL_BOT, 3);
  w.bots[2].joined = true;
  compared(7, 61);
  assert_int_equal(halts_set, 1);
  assert_non_null(halt_find(&halts, LEVEL_BOT, 3));
  halt_clear(&halts, LEVEL_BOT, 1);
  halt_clear(&halts, LEVEL_BOT, 3);
  w.bots[2].joined = true;
  compared(7, 61);
  assert_int_equal(halts_set, 0);
  // That it is gone stops nobody. When there is as much again, it is another one.
  for (uint64_t id = 1; id <= BOTS; id++) halt_clear(&halts, LEVEL_BOT, id);
  compared(0, 61), compared(0, 2);
  assert_string_equal(only_stranger(), "gone");
  assert_int_equal(halts_set, 0);
  assert_string_equal(w.v.why, "");
  compared(7, 61), compared(7, 2);
  assert_string_equal(only_stranger(), "position");
  assert_int_equal(halts_set, BOTS);
  // An order of somebody else's, once; cancelled there it is none of the strangers any more.
  for (uint64_t id = 1; id <= BOTS; id++) halt_clear(&halts, LEVEL_BOT, id);
  orders[0] = (struct venue_order){.state = VENUE_ORDER_OPEN};
  strcpy(orders[0].ref.venue_id, "theirs");
  order_count = 1;
  compared(7, 61);
  assert_int_equal(halts_set, BOTS);
  assert_true(strange("theirs"));
  compared(7, 61);
  assert_int_equal(halts_set, 0);
  order_count = 0;
  compared(7, 61);
  assert_false(strange("theirs"));
  end();
}

// ---- a venue that is away

static void submit_as(struct live_bot *b, enum side side, enum leg leg, int64_t lots) {
  struct err err;
  struct clerk_verdict v;
  struct bot_command c = {.kind = COMMAND_SUBMIT}, reserve = {.kind = COMMAND_RESERVE};
  const struct bar bar = {.open_ns = T0 + b->instant_ns, .open = {100}, .high = {100}, .low = {100}, .close = {100}, .volume = 1};
  const struct instant_match match = {.symbol = 0, .bar = {.bar = &bar, .close_ns = bar.open_ns + SEC}};
  b->instant_ns += SEC;
  assert_int_equal(clerk_market(b->clerk, &(struct instant){.now_ns = bar.open_ns + SEC, .match = &match, .match_count = 1}, &err), OK);
  reserve.time_ns = c.time_ns = bar.open_ns + SEC;
  reserve.id = c.id = matcher_order_last(clerk_matcher(b->clerk)) + 1;
  clerk_command(b->clerk, &reserve, &v);
  intent_init(&c.intent, 0, side);
  order_change_init(&c.change);
  c.intent.leg = leg;
  c.intent.type = ORDER_MARKET;
  c.qty.lots = c.intent.size = lots;
  clerk_command(b->clerk, &c, &v);
  if (v.answer != CLERK_TAKEN) fail_msg("not taken: %s", v.answer == CLERK_INVALID ? v.fault : reason_text(v.reason));
  clerk_end(b->clerk);
  clerk_committed(b->clerk);
}

static void submit(struct live_bot *b, int64_t lots) { submit_as(b, SIDE_BUY, LEG_LONG, lots); }

static enum order_status status(const struct live_bot *b) {
  const struct order *o = matcher_order(clerk_matcher(b->clerk), matcher_order_last(clerk_matcher(b->clerk)));
  return o ? o->status : ORDER_DENIED;
}

static struct { void *arg; venue_reply_fn done; char client_id[CLIENT_ID_SIZE]; } placed;
static void op_place(void *self, const struct venue_place *p, venue_reply_fn done, void *arg) {
  (void)self;
  placed.arg = arg, placed.done = done;
  memcpy(placed.client_id, p->client_id, sizeof placed.client_id);
}

static enum route_state unknown_as(const struct live_bot *b) {
  struct clerk_route_view view;
  size_t pos = 0;
  return clerk_remote_unknown(b->clerk, &pos, &view) ? view.route->state : ROUTE_FILLED;
}

// An order's answer is lost, and so is the session, for long: whoever is to look is told of it after half a minute, though nobody could be asked.
static void unknown_while_away(void **state) {
  (void)state;
  begin(true);
  struct live_bot *b = &w.bots[0];
  w.v.timer = (struct loop_timer *)&w;
  w.v.due_ns = INT64_MAX;
  live_modes_look(&w.v);
  assert_true(answer(VENUE_ACCEPTED, NULL, 0));
  w.state = VENUE_STATE_READY;
  submit(b, 2);
  live_venue_act(&w.v);
  assert_non_null(placed.done);
  w.state = VENUE_STATE_DOWN;
  placed.done(placed.arg, &(struct venue_reply){.outcome = VENUE_UNKNOWN, .why = VENUE_WHY_OTHER, .asked_ns = T0 + w.now_ns, .expiry_ns = T0 + w.now_ns + 2 * SEC});
  assert_int_equal(unknown_as(b), ROUTE_UNKNOWN);
  const size_t asked = w.tail;
  for (int s = 1; s <= 31; s++) {
    w.now_ns += SEC;
    if (w.now_ns < w.look_ns) continue;  // nothing happens: it is its timer that looks
    w.v.due_ns = w.look_ns = INT64_MAX;
    live_venue_act(&w.v);
  }
  assert_int_equal(unknown_as(b), ROUTE_QUARANTINED);
  assert_int_equal(w.tail, asked);
  assert_int_equal(status(b), ORDER_UNKNOWN);
  end();
}

// No answer that makes sense proves nothing, whichever question it was to; executions are asked for from before the order on.
static void unanswered_questions(void **state) {
  (void)state;
  begin(true);
  struct live_bot *b = &w.bots[0];
  struct clerk_route_view view;
  live_modes_look(&w.v);
  assert_true(answer(VENUE_ACCEPTED, NULL, 0));
  w.state = VENUE_STATE_READY;
  w.now_ns += 1000 * SEC;
  submit(b, 2);
  live_venue_act(&w.v);
  const int64_t sent_ns = T0 + w.now_ns;
  placed.done(placed.arg, &(struct venue_reply){.outcome = VENUE_UNKNOWN, .why = VENUE_WHY_OTHER, .asked_ns = T0 + w.now_ns, .expiry_ns = T0 + w.now_ns + 2 * SEC});
  const size_t before = order_count;
  order_count = 0;
  bool listed = false;
  for (int s = 0; s < 40; s++) {
    w.now_ns += SEC;
    live_venue_act(&w.v);
    while (w.head < w.tail) {
      const bool fills = w.queue[w.head].what == FILLS;
      listed |= fills;
      // For ten seconds nobody tells of executions, then of orders for ten; what is told is that there are none.
      assert_true(answer((fills ? s < 10 : s >= 10 && s < 20) ? VENUE_UNKNOWN : VENUE_ACCEPTED, NULL, 0));
      if (fills) assert_true(w.since_ns <= sent_ns - 300 * SEC);
    }
    size_t pos = 0;
    if (s >= 20) continue;
    assert_true(clerk_remote_unknown(b->clerk, &pos, &view));
    assert_int_equal(view.route->probe.negatives, 0);
  }
  assert_true(listed);
  assert_int_equal(status(b), ORDER_REJECTED);  // then it was proven
  order_count = before;
  end();
}

// What holding a symbol costs is the bots' in proportion to what they hold, to the last unit, whichever way the account is.
static void funding_shared(void **state) {
  (void)state;
  for (int way = -1; way <= 1; way += 2) {
    begin(false);
    w.state = VENUE_STATE_READY;
    struct live_bot *const both[2] = {&w.bots[0], &w.bots[BOTS - 1]};
    int64_t before[2], paid[2];
    char text[VENUE_TEXT_MAX];
    for (int i = 0; i < 2; i++) {
      submit_as(both[i], way, LEG_NET, 1 + i);
      live_venue_act(&w.v);
      struct venue_fill f = {.side = way, .px = {100, 1}, .qty = {1 + i, 0}, .fee = {0, 0}, .time_ns = T0 + w.now_ns};
      memcpy(f.ref.client_id, placed.client_id, sizeof placed.client_id);
      strcpy(f.ref.symbol, "S0USDT");
      snprintf(f.trade_id, sizeof f.trade_id, "t%d", i);
      assert_int_equal(clerk_remote_fill(both[i]->clerk, &f, text), CLERK_HEARD);
      assert_int_equal(clerk_remote_lots(both[i]->clerk, "S0USDT"), way * (1 + i));
      both[i]->turn.len = 0;
      before[i] = account_balance(matcher_account(clerk_matcher(both[i]->clerk))).e8;
    }
    struct venue_fill fee = {.fee = {100, 8}, .funding = true, .time_ns = T0 + w.now_ns};
    strcpy(fee.ref.symbol, "S0USDT"), strcpy(fee.trade_id, "f1");
    for (int again = 0; again < 2; again++) {  // told twice, it is paid once
      live_venue_funding(&w.v, &fee);
      live_venue_drain(&w.v);
      for (int i = 0; i < 2; i++) paid[i] = before[i] - account_balance(matcher_account(clerk_matcher(both[i]->clerk))).e8;
      assert_int_equal(paid[0], 33);
      assert_int_equal(paid[1], 67);
    }
    end();
  }
}

// ---- the position mode

static void position_mode(void **state) {
  (void)state;
  begin(true);
  struct live_bot *b = &w.bots[0];
  live_modes_look(&w.v);
  assert_int_equal(w.tail, 1);
  assert_true(w.queue[0].what == MODE && w.queue[0].hedge);
  submit(b, 2);
  assert_int_equal(status(b), ORDER_SENT);  // waits for the answer
  assert_true(answer(VENUE_REFUSED, NULL, 0));
  w.state = VENUE_STATE_READY;
  live_modes_look(&w.v);
  // Refused, in the owner's log with the venue's words, and the script is to hear of it: it has not ended.
  assert_int_equal(status(b), ORDER_REJECTED);
  assert_non_null(strstr(w.told, "1 order was refused before it left: S0USDT: the account's position mode there cannot be made hedge"));
  assert_non_null(strstr(w.told, "something is open"));
  assert_int_equal(b->soon_ns, 1);
  assert_int_equal(w.events, 0);
  w.now_ns += SEC;
  live_modes_look(&w.v);
  assert_int_equal(w.events, 0);
  // It has heard, and answered with another: that is refused and told too, and its bot ends.
  submit(b, 1);
  live_modes_look(&w.v);
  assert_int_equal(w.events, 1);
  assert_int_equal(status(b), ORDER_REJECTED);
  assert_non_null(strstr(w.ended, "start the bot again"));
  assert_int_equal(w.tail, 1);  // and nothing was asked meanwhile
  // Started again, it is asked again. A script that never gets an instant does not keep its bot from ending.
  b->life.state = LIFE_RUNNING;
  live_modes_look(&w.v);
  assert_int_equal(w.tail, 2);
  submit(b, 3);
  assert_true(answer(VENUE_REFUSED, NULL, 0));
  live_modes_look(&w.v);
  assert_int_equal(w.events, 1);
  w.now_ns += 10 * SEC;
  live_modes_look(&w.v);
  assert_int_equal(w.events, 2);
  // With nothing to tell it ends at once.
  b->life.state = LIFE_RUNNING;
  live_modes_look(&w.v);
  assert_true(answer(VENUE_REFUSED, NULL, 0));
  live_modes_look(&w.v);
  assert_int_equal(w.events, 3);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(hundreds), cmocka_unit_test(adopted), cmocka_unit_test(reported), cmocka_unit_test(frozen), cmocka_unit_test(unknown_while_away), cmocka_unit_test(unanswered_questions), cmocka_unit_test(funding_shared), cmocka_unit_test(position_mode)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
