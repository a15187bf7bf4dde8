// tests/unit/bot/test_clerk_random.c – many bots of several accounts against random bars, from seeds: scripts that ask for nonsense,
// denials, halts, flattening, journals that fail, prop-firm rules, latency, hedging, and restarts. PERIGEE_SEED=n runs one.
//
// Beside each clerk stands a twin: a blotter that gets the commands as a pilot makes them, and the imposed ones between the instants.
// After every step:
//   twin and clerk have the same event hash; gate, matcher, virtual ledgers and resting orders agree (clerk_check)
//   a bot's ledger is worth what its account is; all ledgers and the house sum to the account
//   a bot that is halted sends nothing; an order that was denied, or never committed, never fills; the last check has not tripped
// In the end a second clerk is made from the bars and the journal alone: same hash, same position, same orders. A third begins with an image of the
// live clerk (bot/clerk_image.h), taken at some step, and is shown the rest: it is the second to the last byte of its books, and occupies what it occupies.
//
// Planted and found: imposing at once during an instant, a denied order that is not cancelled, gate_fill with the wrong sign, resting orders
// that are not forgotten, an uncommitted order left to the market, a close that the market sees before it was committed, a change that
// grows without asking, funding left out of the sub-ledger, restored orders without a ticket.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "seeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/clerk_image.h"
#include "bot/clerk_impl.h"

enum { SEEDS = 60, STEPS = 120, BOTS = 4, ACCOUNTS = 2, SYMBOLS = 2, RECORDS = 30000 };
#define E8(units) ((int64_t)(units) * CASH_ONE)
#define MINUTE INT64_C(60000000000)
#define T0 (INT64_C(1700000000) * 1000000000)

static uint64_t random_state;
static uint64_t rnd(uint64_t n) {
  random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
  return (random_state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % n;
}

struct bot {
  struct clerk *clerk;
  struct blotter *twin;
  struct blotter_config config;
  struct gate_limits limits;
  struct bot_command *journal;  // all that was applied, in order
  size_t count;
  bool taken[4096];             // ids whose SUBMIT the core took
  struct bot_command told[512]; // imposed since the twin last looked
  size_t told_count;
  int halted_orders;
  struct buf image;             // taken after this step, when so much was journalled
  int image_step;
  size_t image_count;
};

static struct world {
  struct bot bots[BOTS];
  struct clerk_account *accounts[ACCOUNTS];
  struct clerk_tenant tenant;
  struct clerk_shared shared;
  struct halt_state halt;
  struct instrument inst[SYMBOLS];
  struct match_symbol_config symbols[SYMBOLS];
  struct bar bars[STEPS][SYMBOLS];
  struct instant_funding funding[STEPS];
  bool funded[STEPS];
  struct rule_set *rules;
  bool trip_wanted;
} w;
static int64_t by_rule[REFUSE_COUNT];
static int64_t taken, denied, imposed, stops_again, halts, flattens, lost, fills, restored, open_restored, images, image_bytes, image_orders, paused;

// ---- what the clerk says

static void on_imposed(void *self, const struct bot_command *c) {
  struct bot *b = self;
  assert_true(b->told_count < 512 && b->count < RECORDS);
  b->told[b->told_count++] = *c;
  b->journal[b->count++] = *c;
  if (c->kind == COMMAND_SUBMIT) b->taken[c->id] = true;
  if (c->kind == COMMAND_SUBMIT && c->intent.type == ORDER_STOP) stops_again++;
  imposed++;
}
static void on_fill(void *self, const struct clerk_fill_event *e) {
  struct bot *b = self;
  const struct order *o = matcher_order(clerk_matcher(b->clerk), e->fill->order);
  bool own = !o->parent && o->tag != TAG_LIQUIDATION && o->tag != TAG_FLATTEN;
  if (own && !b->taken[o->id]) fail_msg("order %d was denied and filled", (int)o->id);
  fills++;
}
static void on_denied(void *self, const struct clerk_denial *d) {
  (void)self;
  assert_true(d->code != REASON_NONE && d->text[0]);
  by_rule[d->why->rule]++;
  denied++;
}
static void on_tripped(void *self, const struct last_report *r) {
  (void)self;
  fail_msg("the last check tripped: %s, intent %d, limit %lld, value %lld", last_why_text(r->why), (int)r->intent, (long long)r->limit, (long long)r->value);
}

// ---- the script and its host, made of dice

static price near(const struct bot *b, int symbol, int64_t spread) {
  price mark = matcher_account(blotter_matcher(b->twin))->symbols[symbol].mark;
  int64_t at = (price_given(mark) ? mark.ticks : 1000) + (int64_t)rnd((uint64_t)(2 * spread + 1)) - spread;
  return (price){at > 0 ? at : 1};
}

static struct intent some_intent(const struct bot *b) {
  struct intent in;
  intent_init(&in, (int)rnd(SYMBOLS), rnd(2) ? SIDE_BUY : SIDE_SELL);
  in.type = (enum order_type)rnd(5);
  if (b->config.match.hedging) in.leg = rnd(2) ? LEG_LONG : LEG_SHORT;
  in.reduce = rnd(5) == 0;
  in.size_kind = rnd(3) ? SIZE_QTY : SIZE_NOTIONAL;
  in.size = 1 + (int64_t)rnd(20);
  if (in.type == ORDER_LIMIT || in.type == ORDER_STOP_LIMIT) in.limit = near(b, in.symbol, 60);
  if (in.type == ORDER_STOP || in.type == ORDER_STOP_LIMIT) in.trigger = near(b, in.symbol, 60);
  if (in.type == ORDER_TRAILING) in.trail_ticks = 1 + (int64_t)rnd(40);
  if (rnd(2) && !in.reduce) in.sl = near(b, in.symbol, 50);
  if (rnd(3) == 0 && !in.reduce) in.tp = near(b, in.symbol, 50);
  if (rnd(8) == 0) in.tif = (enum order_tif)rnd(4);
  if (rnd(10) == 0) in.post = true;
  return in;
}

static bool blocked(const struct bot *b) {
  const struct halt_entry *e;
  struct halt_order o = {.venue = 7, .tenant = 1, .bot = clerk_bot(b->clerk)};
  enum halt_mode mode = halt_mode_of(&w.halt, &o, &e);
  return mode == HALT_SILENT || mode == HALT_FLATTEN;
}

static struct clerk_verdict send(struct bot *b, const struct bot_command *c) {
  struct clerk_verdict v;
  blotter_command(b->twin, c);
  assert_true(b->count < RECORDS);
  b->journal[b->count++] = *c;
  clerk_command(b->clerk, c, &v);
  if (v.answer == CLERK_INVALID) fail_msg("%s: %s", command_kind_text(c->kind), v.fault);
  return v;
}

static void submit(struct bot *b, int64_t now_ns) {
  struct matcher *m = blotter_matcher(b->twin);
  struct bot_command c = {.kind = COMMAND_RESERVE, .time_ns = now_ns, .id = matcher_order_last(m) + 1 + rnd(2)};
  send(b, &c);
  assert_true(c.id < 4096);
  c.kind = COMMAND_SUBMIT;
  c.intent = some_intent(b);
  c.qty.lots = 1 + (int64_t)rnd(rnd(3) ? 12 : 60);
  struct clerk_verdict v = send(b, &c);
  b->taken[c.id] = v.answer == CLERK_TAKEN;
  if (v.answer == CLERK_TAKEN && blocked(b)) fail_msg("a halted bot sent order %d", (int)c.id);
  if (v.answer == CLERK_TAKEN) taken++;
}

static void change(struct bot *b, int64_t now_ns) {
  struct matcher *m = blotter_matcher(b->twin);
  uint64_t last = matcher_order_last(m);
  if (last == 0) return;
  struct bot_command c = {.time_ns = now_ns, .id = 1 + rnd(last), .why = REASON_SCRIPT};
  c.kind = rnd(2) ? COMMAND_CANCEL : COMMAND_MODIFY;
  order_change_init(&c.change);
  const struct order *o = matcher_order(m, c.id);
  int symbol = o ? o->symbol : 0;
  if (rnd(2)) c.change.qty.lots = 1 + (int64_t)rnd(30);
  if (rnd(3) == 0) c.change.limit = near(b, symbol, 60);
  if (rnd(3) == 0) c.change.trigger = near(b, symbol, 60);
  if (rnd(3) == 0) c.change.sl = near(b, symbol, 60);
  if (rnd(6) == 0) c.change.sl = NO_PRICE, c.change.sl_none = true;
  if (rnd(6) == 0) c.change.tp = near(b, symbol, 60);
  send(b, &c);
}

// ---- the world

static void set_up_instruments(void) {
  struct err err;
  for (int i = 0; i < SYMBOLS; i++) {
    w.inst[i] = (struct instrument){.tick = {1, 1}, .lot = {1, 1}, .multiplier = {1, 0}, .max_order_qty = {i ? 40 : 0}};
    snprintf(w.inst[i].symbol, sizeof w.inst[i].symbol, "S%d", i);
    assert_int_equal(instrument_finish(&w.inst[i], &err), OK);
    match_symbol_config_init(&w.symbols[i], &w.inst[i]);
    w.symbols[i].leverage_e4 = 10000 + (int64_t)rnd(3) * 20000;
    w.symbols[i].fees = (struct match_fees){.maker_frac_e8 = 10000, .taker_frac_e8 = 50000};
  }
}

static void clerk_make(struct bot *b, int i, struct clerk_account *account, struct clerk **ret, const struct clerk_observer *observer) {
  struct err err;
  static const struct protect_rule rules[] = {{.kind = PROTECT_COOLDOWN, .pause_ns = 3 * MINUTE},
                                              {.kind = PROTECT_STOP_GUARD, .pause_ns = 9 * MINUTE, .window_ns = 60 * MINUTE, .trades = 2, .frac_e8 = 0}};
  struct clerk_config c = {.bot_id = (uint64_t)i + 1, .version = 1, .shared = &w.shared, .account = account, .venue_id = 7, .blotter = b->config,
                           .limits = b->limits, .protections = rules, .protection_count = i == 1 ? 2 : 0, .live_from_ns = T0};
  if (i % 2) c.faults = (struct clerk_faults){.lost_frac_e8 = 20000000, .absent_frac_e8 = 40000000, .unanswered = 2};
  if (observer) c.observer = *observer;
  if (clerk_create(&c, ret, &err) != OK) fail_msg("%s", err.msg);
}

static void account_make(int i, struct clerk_account **ret) {
  struct err err;
  struct clerk_account_config c = {.id = (uint64_t)i + 1, .tenant = &w.tenant, .balance = {E8(3000)}, .now_ns = T0, .rules = i == 1 ? w.rules : NULL};
  c.limits = (struct gate_limits){.max_exposure_e8 = E8(6000), .max_open = 60, .day_loss_e8 = E8(900)};
  if (clerk_account_create(&c, ret, &err) != OK) fail_msg("%s", err.msg);
}

static void start(uint64_t seed) {
  struct err err;
  memset(&w, 0, sizeof w);
  random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  set_up_instruments();
  halt_init(&w.halt);
  w.shared = (struct clerk_shared){.halt = &w.halt, .tripped = on_tripped};
  w.shared.last = last_check_create(4000, 16, (struct last_budget){MINUTE, 100000, 0}, (struct last_budget){MINUTE, 100000, 0});
  static const char rules[] = "{\"name\":\"t\",\"initial\":\"3000\",\"day\":{\"loss\":\"200\",\"basis\":\"equity\",\"soft_pct\":\"50\"},\"total\":{\"loss\":\"600\"}}";
  if (rule_set_parse(rules, sizeof rules - 1, &w.rules, &err) != OK) fail_msg("%s", err.msg);
  clerk_tenant_init(&w.tenant, 1, &(struct gate_limits){.max_exposure_e8 = E8(20000)});
  for (int i = 0; i < ACCOUNTS; i++) account_make(i, &w.accounts[i]);
  for (int i = 0; i < BOTS; i++) {
    struct bot *b = &w.bots[i];
    b->journal = calloc(RECORDS, sizeof *b->journal);
    b->config = (struct blotter_config){.symbols = w.symbols, .symbol_count = SYMBOLS};
    match_config_init(&b->config.match, (cash){E8(1000)});
    b->config.match.hedging = rnd(4) == 0;
    b->config.match.latency_ns = rnd(3) ? 0 : (int64_t)(1 + rnd(3)) * MINUTE / 2;
    b->config.match.participation_frac_e8 = rnd(3) ? 0 : 1000000;
    b->limits = (struct gate_limits){.max_position_e8 = E8(i ? 900 : 0), .max_open = 12, .collar_e8 = 5500000, .rate_burst = rnd(2) ? 4 : 0, .rate_period_ns = MINUTE};
    assert_int_equal(blotter_create(&b->config, &b->twin, &err), OK);
    struct clerk_observer o = {.self = b, .imposed = on_imposed, .fill = on_fill, .denied = on_denied};
    clerk_make(b, i, w.accounts[i % ACCOUNTS], &b->clerk, &o);
    buf_init(&b->image, CLERK_IMAGE_MAX);
    b->image_step = (int)(seed * 13 + (uint64_t)i * 29) % (STEPS - 5);
  }
}

static void make_bars(int step) {
  for (int s = 0; s < SYMBOLS; s++) {
    struct bar *b = &w.bars[step][s];
    int64_t open = step ? w.bars[step - 1][s].close.ticks : 1000, at = open + (int64_t)rnd(31) - 15;
    if (rnd(40) == 0) at = open * (90 + (int64_t)rnd(20)) / 100;
    if (at < 20) at = 20;
    int64_t high = (open > at ? open : at) + (int64_t)rnd(12), low = (open < at ? open : at) - (int64_t)rnd(12);
    *b = (struct bar){.open_ns = T0 + step * MINUTE, .open = {open}, .high = {high}, .low = {low > 1 ? low : 1}, .close = {at}, .volume = (int64_t)rnd(3000)};
  }
  w.funded[step] = rnd(12) == 0;
  w.funding[step] = (struct instant_funding){.symbol = (int)rnd(SYMBOLS), .ts_ns = T0 + step * MINUTE, .rate_e12 = (int64_t)rnd(2000000000) - 1000000000,
                                             .mark = NO_PRICE, .before_match = rnd(2)};
}

static struct instant instant_of(int step, struct instant_match m[SYMBOLS]) {
  int64_t now = T0 + (step + 1) * MINUTE;
  for (int s = 0; s < SYMBOLS; s++) m[s] = (struct instant_match){.symbol = s, .bar = {.bar = &w.bars[step][s], .close_ns = now}};
  return (struct instant){.now_ns = now, .match = m, .match_count = SYMBOLS, .funding = &w.funding[step], .funding_count = w.funded[step]};
}

static void same_hash(struct bot *b) {
  char here[SHA256_HEX_SIZE], there[SHA256_HEX_SIZE];
  clerk_hash(b->clerk, here);
  blotter_hash(b->twin, there);
  assert_string_equal(here, there);
}

static void twin_hears(struct bot *b) {
  for (size_t i = 0; i < b->told_count; i++) {
    assert_true(command_valid(blotter_matcher(b->twin), &b->told[i], NULL));
    assert_true(b->told[i].time_ns <= clerk_now(b->clerk));
    blotter_command(b->twin, &b->told[i]);
  }
  b->told_count = 0;
}

static void check(void) {
  for (int i = 0; i < BOTS; i++) {
    struct bot *b = &w.bots[i];
    same_hash(b);
    clerk_check(b->clerk);
  }
  for (int a = 0; a < ACCOUNTS; a++) {
    const struct sub_books *books = clerk_account_books(w.accounts[a]);
    price marks[2 * SYMBOLS * 2];
    for (int k = 0; k < books->symbol_count; k++) {
      int s = books->symbols[k].symbol[1] - '0';
      marks[k] = matcher_account(clerk_matcher(w.bots[a].clerk))->symbols[s].mark;
    }
    int128 sum = clerk_account_house(w.accounts[a]).e8;
    for (int i = a; i < BOTS; i += ACCOUNTS) {
      cash worth;
      int slot = sub_books_find(books, clerk_bot(w.bots[i].clerk));
      assert_true(slot > 0 && sub_books_equity(books, slot, marks, &worth));
      int64_t is = matcher_equity(clerk_matcher(w.bots[i].clerk)).e8;
      if (is - worth.e8 > 50 || worth.e8 - is > 50) fail_msg("bot %d: ledger %lld, account %lld", i, (long long)worth.e8, (long long)is);
      sum += is;
    }
    assert_true(sum == clerk_account_equity(w.accounts[a]).e8);
  }
  assert_false(last_check_tripped(w.shared.last, 1, 1));
}

static void press(void) {
  uint64_t id = 1 + rnd(BOTS);
  enum refusal_level level = rnd(3) ? LEVEL_BOT : rnd(2) ? LEVEL_TENANT : LEVEL_ALL;
  id = level == LEVEL_BOT ? id : level == LEVEL_TENANT ? 1 : 0;
  if (rnd(4)) {
    halt_clear(&w.halt, level, id);
    return;
  }
  halt_set(&w.halt, level, id, (enum halt_mode)(1 + rnd(3)), HALT_BY_OPERATOR, 0);
  halts++;
  for (int i = 0; i < BOTS; i++)
    if (rnd(2)) clerk_halts(w.bots[i].clerk);
}

static void step_of(struct bot *b, int step) {
  struct err err;
  struct instant_match m[SYMBOLS];
  struct instant in = instant_of(step, m);
  assert_int_equal(clerk_market(b->clerk, &in, &err), OK);
  twin_hears(b);  // imposed before the INSTANT frame: what had not been committed
  assert_int_equal(blotter_market(b->twin, &in, &err), OK);
  for (uint64_t k = rnd(6); k > 0; k--) {
    if (rnd(3)) submit(b, in.now_ns);
    else change(b, in.now_ns);
    if (rnd(250) == 0) press();
    if (rnd(200) == 0) clerk_flatten(b->clerk, REASON_OWNER, "by hand"), flattens++;
    assert_true(b->told_count == 0);  // nothing while the script runs
  }
  send(b, &(struct bot_command){.kind = COMMAND_MARK, .time_ns = T0 + step * MINUTE});
  clerk_script_saw(b->clerk);
}

// After its script's turn, as it is done live.
static void take_image(struct bot *b, int step) {
  if (b->image.len || step < b->image_step || !clerk_image_make(b->clerk, &b->image)) return;
  b->image_step = step;
  b->image_count = b->count;
}

static void end_of(struct bot *b, int step) {
  take_image(b, step);
  clerk_end(b->clerk);
  twin_hears(b);
  if (rnd(25) == 0) clerk_uncommitted(b->clerk), lost++;
  else if (rnd(60)) clerk_committed(b->clerk);
  twin_hears(b);
  if (rnd(100) == 0) clerk_cancel_all(b->clerk, REASON_OWNER, rnd(2));
  if (rnd(100) == 0) clerk_flatten(b->clerk, REASON_OWNER, NULL), flattens++;
  twin_hears(b);
}

// ---- again, from what was kept

struct again {
  struct clerk_account *account;
  struct clerk *clerk;
  struct gate_scope scope;  // of the account, before it goes on
};

static struct again walk(int i, const struct buf *image) {
  struct bot *b = &w.bots[i];
  struct again a;
  struct err err;
  size_t at = 0;
  int step = 0;
  account_make(0, &a.account);
  clerk_make(b, i, a.account, &a.clerk, NULL);
  clerk_restore_begin(a.clerk);
  if (image) {
    assert_true(clerk_image_sound(image->data, image->len) && clerk_image_fits(a.clerk, image->data, image->len));
    if (clerk_image_load(a.clerk, image->data, image->len, &err) != OK) fail_msg("%s", err.msg);
    step = b->image_step + 1;
    at = b->image_count;
    assert_int_equal(clerk_now(a.clerk), clerk_image_time(image->data, image->len));
  }
  for (; step < STEPS; step++) {
    struct instant_match m[SYMBOLS];
    struct instant in = instant_of(step, m);
    for (; at < b->count && b->journal[at].kind != COMMAND_MARK && b->journal[at].time_ns < in.now_ns; at++) assert_true(clerk_restore_command(a.clerk, &b->journal[at]));
    assert_int_equal(clerk_market(a.clerk, &in, &err), OK);
    for (; at < b->count && (b->journal[at].kind == COMMAND_MARK ? b->journal[at].time_ns < in.now_ns : b->journal[at].time_ns <= in.now_ns); at++)
      assert_true(clerk_restore_command(a.clerk, &b->journal[at]));
    clerk_script_saw(a.clerk);
  }
  for (; at < b->count; at++) assert_true(clerk_restore_command(a.clerk, &b->journal[at]));
  char here[SHA256_HEX_SIZE], there[SHA256_HEX_SIZE];
  clerk_hash(a.clerk, here);
  clerk_hash(b->clerk, there);
  assert_string_equal(here, there);
  halt_init(&w.halt);
  a.scope = *clerk_account_scope(a.account);
  clerk_restore_end(a.clerk);
  clerk_check(a.clerk);
  assert_int_equal(matcher_equity(clerk_matcher(a.clerk)).e8, matcher_equity(clerk_matcher(b->clerk)).e8);
  return a;
}

static void over(struct again *a) {
  clerk_destroy(a->clerk);
  assert_true(clerk_account_house(a->account).e8 == E8(3000) && clerk_account_equity(a->account).e8 == E8(3000));
  clerk_account_check(a->account);
  clerk_account_destroy(a->account);
}

static void same_books(struct clerk *x, struct clerk *y) {
  struct buf ix, iy;
  size_t nx, ny;
  buf_init(&ix, CLERK_IMAGE_MAX);
  buf_init(&iy, CLERK_IMAGE_MAX);
  assert_true(clerk_image_make(x, &ix) == clerk_image_make(y, &iy));
  if (ix.len) {
    const void *bx = clerk_image_books(ix.data, ix.len, &nx), *by = clerk_image_books(iy.data, iy.len, &ny);
    assert_true(nx == ny);
    assert_memory_equal(bx, by, nx);
  }
  buf_finish(&ix);
  buf_finish(&iy);
}

// What the core alone knows. Not compared: what an order occupies that was denied and waits for its cancel, which the journal does not say; what a change of an order was taken to be worth, which the journal does not say.
static void same_core(const struct clerk *x, const struct clerk *y) {
  struct refusal why, because;
  assert_true(x->day == y->day && x->scope.day_start_e8 == y->scope.day_start_e8 && x->scope.peak_e8 == y->scope.peak_e8 && x->funding_e8 == y->funding_e8);
  assert_int_equal(x->order_count, y->order_count);
  for (size_t i = 0; i < x->order_count; i++) {
    const struct clerk_order *v = &x->orders[i], *u = &y->orders[i];
    assert_true(v->id == u->id && v->rests == u->rests && v->largest_lots == u->largest_lots && (!v->ticket.open || !u->ticket.open || v->ticket.lots == u->ticket.lots));
  }
  for (int i = 0; i < x->symbol_count; i++) {
    const struct sub_line *l = sub_books_line(&x->account->books, x->slot, x->symbols[i].shared->book), *m = sub_books_line(&y->account->books, y->slot, y->symbols[i].shared->book);
    assert_true(l->lots == m->lots && l->flow == m->flow && l->fees_e8 == m->fees_e8);
    if (!x->protect) continue;
    const bool free = protect_check(x->protect, x->symbols[i].symbol, x->now_ns, &why);
    assert_true(free == protect_check(y->protect, y->symbols[i].symbol, y->now_ns, &because) && (free || (why.rule == because.rule && why.until_ns == because.until_ns)));
    paused += !free;
  }
}

static void spoiled(const struct buf *image) {
  struct buf bad;
  buf_init(&bad, CLERK_IMAGE_MAX);
  buf_add(&bad, image->data, image->len);
  bad.data[rnd(bad.len)] ^= 4;
  assert_false(clerk_image_sound(bad.data, bad.len));
  assert_false(clerk_image_sound(image->data, image->len - 1));
  buf_finish(&bad);
}

static void restore(int i) {
  struct bot *b = &w.bots[i];
  struct last_check *last = w.shared.last;
  w.shared.last = last_check_create(4000, 16, (struct last_budget){MINUTE, 100000, 0}, (struct last_budget){MINUTE, 100000, 0});
  struct again a = walk(i, NULL);
  int64_t working = 0;  // each of them counts, but exits of entries
  for (int s = 0; s < SYMBOLS; s++) {
    size_t pos = 0;
    for (const struct order *o; (o = matcher_working(clerk_matcher(a.clerk), s, &pos));) working += o->parent == 0;
  }
  assert_int_equal(clerk_account_scope(a.account)->open_orders, working);
  open_restored += working;
  restored++;
  if (b->image.len) {
    struct again k = walk(i, &b->image);
    assert_true(k.scope.open_orders <= a.scope.open_orders && k.scope.equity_e8 == a.scope.equity_e8 && k.scope.free_e8 == a.scope.free_e8);
    same_books(a.clerk, k.clerk);
    same_core(a.clerk, k.clerk);
    images++;
    image_bytes += (int64_t)b->image.len;
    image_orders += (int64_t)matcher_order_last(clerk_matcher(b->clerk));
    spoiled(&b->image);
    over(&k);
  }
  over(&a);
  last_check_destroy(w.shared.last);
  w.shared.last = last;
}

static void run(uint64_t seed) {
  start(seed);
  for (int step = 0; step < STEPS; step++) {
    make_bars(step);
    for (int i = 0; i < BOTS; i++) step_of(&w.bots[i], step);
    if (rnd(20) == 0) press();
    for (int i = 0; i < BOTS; i++) end_of(&w.bots[i], step);
    for (int i = 0; i < BOTS; i++) twin_hears(&w.bots[i]);  // rules of the account, halts
    check();
  }
  for (int i = 0; i < BOTS; i++) restore(i);
  for (int i = 0; i < BOTS; i++) {
    clerk_destroy(w.bots[i].clerk);
    blotter_destroy(w.bots[i].twin);
    free(w.bots[i].journal);
    buf_finish(&w.bots[i].image);
  }
  for (int i = 0; i < ACCOUNTS; i++) {
    const struct sub_books *books = clerk_account_books(w.accounts[i]);
    for (int s = 0; s < books->symbol_count; s++) assert_true(books->account[s].lots == 0 && books->account[s].fees_e8 == 0);
    assert_true(clerk_account_scope(w.accounts[i])->exposure_e8 == 0 && clerk_account_scope(w.accounts[i])->open_orders == 0);
    clerk_account_destroy(w.accounts[i]);
  }
  assert_true(w.tenant.scope.exposure_e8 == 0 && w.tenant.scope.equity_e8 == 0);
  rule_set_destroy(w.rules);
  last_check_destroy(w.shared.last);
}

static void test_random_worlds(void **state) {
  (void)state;
  const bool all = seeds_run(SEEDS, run);
  print_message("%lld taken, %lld denied, %lld imposed, %lld fills, %lld halts, %lld flattened, %lld not journalled, %lld restored, %lld from images of %lld bytes, %lld stops set again\n", (long long)taken,
                (long long)denied, (long long)imposed, (long long)fills, (long long)halts, (long long)flattens, (long long)lost, (long long)restored, (long long)images, (long long)(image_bytes / (images + 1)), (long long)stops_again);
  for (int i = 0; i < REFUSE_COUNT; i++)
    if (by_rule[i]) print_message("%s %lld  ", refusal_name((enum refusal_rule)i), (long long)by_rule[i]);
  print_message("\n");
  if (all) assert_true(taken > 8000 && denied > 8000 && imposed > 8000 && fills > 5000 && halts > 100 && flattens > 100 && lost > 500 && open_restored > 100 && stops_again > 8 && images > 150 && image_orders > 5000 && paused > 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_worlds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
