// tests/unit/bot/test_clerk_venue.c – clerks at a venue whose every word is written here: what test_clerk_remote.c's dice do not ask for. Two bots
// of one account, venues that cannot be asked by client id or cannot change orders, trailing stops, fees in other currencies, what people decide.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bot/clerk_remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define E8(units) ((int64_t)(units) * CASH_ONE)
#define SEC INT64_C(1000000000)
#define T0 (INT64_C(1700000000) * SEC)
enum { MOST = 64 };

// What was asked for, in its order.
struct asked {
  enum { PLACE, AMEND, CANCEL, ASK } what;
  uint64_t bot, order;
  uint32_t change;
  struct venue_place place;
  struct venue_change terms;
  enum unknown_step question;
};
static struct {
  struct venue_caps caps;
  int64_t now_ns, close;
  int step, trades;
  struct asked asked[MOST];
  size_t count;
  struct clerk *clerks[2];
  struct clerk_account *account;
  struct clerk_tenant tenant;
  struct clerk_shared shared;
  struct match_symbol_config symbols[2];
  struct instrument inst[2];
  char said[400];
} w;

static struct asked *asked(int what, uint64_t bot, uint64_t order) {
  assert_true(w.count < MOST);
  struct asked *a = &w.asked[w.count++];
  *a = (struct asked){.what = what, .bot = bot, .order = order};
  return a;
}
static int64_t port_now(void *self) { return (void)self, ++w.now_ns; }
static struct venue_caps port_caps(void *self) { return (void)self, w.caps; }
static void port_place(void *self, uint64_t bot, uint64_t order, const struct venue_place *p) { (void)self, asked(PLACE, bot, order)->place = *p; }
static void port_amend(void *self, uint64_t bot, uint64_t order, uint32_t change, const struct venue_ref *ref, const struct venue_change *c) {
  (void)self, (void)ref;
  struct asked *a = asked(AMEND, bot, order);
  a->terms = *c, a->change = change;
}
static void port_cancel(void *self, uint64_t bot, uint64_t order, const struct venue_ref *ref) { (void)self, (void)ref, asked(CANCEL, bot, order); }
static void port_ask(void *self, uint64_t bot, uint64_t order, enum unknown_step q, const struct venue_ref *ref, int64_t since_ns) {
  (void)self, (void)ref, (void)since_ns;
  asked(ASK, bot, order)->question = q;
}
static void on_intervened(void *self, enum reason code, const char *text) {
  (void)self, (void)code;
  snprintf(w.said, sizeof w.said, "%s", text);
}

static void begin(int clerks, const char *currency) {
  static const char *const names[] = {"BTCUSDT", "BNBUSDT"};
  struct err err;
  memset(&w, 0, sizeof w);
  w.now_ns = T0, w.close = 10000;
  w.caps = (struct venue_caps){.lookups = LOOKUP_ID | LOOKUP_OPEN | LOOKUP_FILLS, .amend = true, .stops = true, .reduce_only = true, .positions = true, .expiry_ms = 2000};
  for (int i = 0; i < 2; i++) {
    w.inst[i] = (struct instrument){.tick = {1, 1}, .lot = {1, 0}, .multiplier = {1, 0}};
    snprintf(w.inst[i].symbol, sizeof w.inst[i].symbol, "%s", names[i]);
    assert_int_equal(instrument_finish(&w.inst[i], &err), OK);
    match_symbol_config_init(&w.symbols[i], &w.inst[i]);
    w.symbols[i].leverage_e4 = 100000;
  }
  w.shared.last = last_check_create(400, 16, (struct last_budget){SEC, 100000, 0}, (struct last_budget){SEC, 100000, 0});
  clerk_tenant_init(&w.tenant, 1, &(struct gate_limits){0});
  const struct clerk_account_config a = {.id = 1, .tenant = &w.tenant, .balance = {E8(2000000)}, .now_ns = T0};
  assert_int_equal(clerk_account_create(&a, &w.account, &err), OK);
  for (int i = 0; i < clerks; i++) {
    struct clerk_config c = {.bot_id = 5 + (uint64_t)i, .version = 1, .run = 3, .shared = &w.shared, .account = w.account, .venue_id = 7, .live_from_ns = T0, .observer = {.intervened = on_intervened}};
    c.blotter = (struct blotter_config){.symbols = w.symbols, .symbol_count = 2};
    match_config_init(&c.blotter.match, (cash){E8(1000000)});
    c.blotter.match.model = MODEL_REMOTE;
    assert_int_equal(clerk_create(&c, &w.clerks[i], &err), OK);
    const struct clerk_port port = {.now_ns = port_now, .caps = port_caps, .place = port_place, .amend = port_amend, .cancel = port_cancel, .ask = port_ask, .currency = currency};
    assert_int_equal(clerk_remote_open(w.clerks[i], &port, &err), OK);
  }
}

static void end(void) {
  for (int i = 0; i < 2; i++)
    if (w.clerks[i]) clerk_check(w.clerks[i]), clerk_destroy(w.clerks[i]);
  clerk_account_destroy(w.account);
  last_check_destroy(w.shared.last);
}

static void sync(struct clerk *c) {
  clerk_committed(c);
  clerk_remote_sync(c);
}

// A bar ends at `close`, and the script does what is in cmd; NULL: nothing.
static void instant(struct clerk *c, int64_t close, struct bot_command *cmd) {
  struct err err;
  w.step++;
  const int64_t open = w.close;
  struct bar b = {.open_ns = T0 + w.step * SEC, .open = {open}, .high = {open > close ? open : close}, .low = {open < close ? open : close}, .close = {close}, .volume = 1};
  struct instant_match m[2] = {{.symbol = 0, .bar = {.bar = &b, .close_ns = b.open_ns + SEC}}, {.symbol = 1, .bar = {.bar = &b, .close_ns = b.open_ns + SEC}}};
  const struct instant in = {.now_ns = b.open_ns + SEC, .match = m, .match_count = 2};
  w.close = close;
  if (w.now_ns < in.now_ns) w.now_ns = in.now_ns;
  assert_int_equal(clerk_market(c, &in, &err), OK);
  if (cmd) {
    struct clerk_verdict v;
    cmd->time_ns = in.now_ns;
    if (cmd->kind == COMMAND_SUBMIT) {
      struct bot_command reserve = {.kind = COMMAND_RESERVE, .time_ns = in.now_ns, .id = matcher_order_last(clerk_matcher(c)) + 1};
      clerk_command(c, &reserve, &v);
      cmd->id = reserve.id;
    }
    clerk_command(c, cmd, &v);
    if (v.answer != CLERK_TAKEN) fail_msg("not taken: %s", v.answer == CLERK_INVALID ? v.fault : reason_text(v.reason));
  }
  clerk_end(c);
  sync(c);
}

static struct bot_command submit(enum side side, enum order_type type, int64_t lots) {
  struct bot_command c = {.kind = COMMAND_SUBMIT};
  intent_init(&c.intent, 0, side);
  order_change_init(&c.change);
  c.intent.type = type;
  c.qty.lots = c.intent.size = lots;
  return c;
}

// ---- the venue's words

static const struct asked *last(int what) {
  for (size_t i = w.count; i-- > 0;)
    if (w.asked[i].what == (unsigned)what) return &w.asked[i];
  fail_msg("nothing of that kind was asked for");
  return NULL;
}
static size_t count_of(int what) {
  size_t n = 0;
  for (size_t i = 0; i < w.count; i++) n += w.asked[i].what == (unsigned)what;
  return n;
}
static void reply(struct clerk *c, const struct asked *a, enum venue_outcome outcome, enum venue_why why) {
  const enum clerk_request what = a->what == PLACE ? CLERK_PLACE : a->what == AMEND ? CLERK_AMEND : CLERK_CANCEL;
  clerk_remote_replied(c, a->order, what, a->change, &(struct venue_reply){.outcome = outcome, .why = why, .expiry_ns = w.now_ns + 2 * SEC});
  sync(c);
}
static void says(struct clerk *c, const struct asked *a, enum venue_order_state state, int64_t filled) {
  char text[VENUE_TEXT_MAX];
  struct venue_order o = {.state = state, .side = a->place.side, .qty = a->place.qty, .filled = {filled, 0}, .limit = NO_DECIMAL, .trigger = NO_DECIMAL, .avg = NO_DECIMAL};
  memcpy(o.ref.client_id, a->place.client_id, sizeof o.ref.client_id);
  strcpy(o.ref.symbol, "BTCUSDT");
  assert_int_equal(clerk_remote_order(c, &o, 0, text), CLERK_HEARD);
  sync(c);
}
static enum clerk_heard fill(struct clerk *c, const struct asked *a, int64_t lots, int64_t ticks, struct decimal fee, const char *asset) {
  char text[VENUE_TEXT_MAX];
  struct venue_fill f = {.side = a->place.side, .px = {ticks, 1}, .qty = {lots, 0}, .fee = fee, .time_ns = w.now_ns};
  memcpy(f.ref.client_id, a->place.client_id, sizeof f.ref.client_id);
  strcpy(f.ref.symbol, "BTCUSDT");
  snprintf(f.trade_id, sizeof f.trade_id, "t%d", ++w.trades);
  snprintf(f.fee_asset, sizeof f.fee_asset, "%s", asset);
  const enum clerk_heard h = clerk_remote_fill(c, &f, text);
  if (h == CLERK_UNFIT) fail_msg("%s", text);
  sync(c);
  return h;
}
// It is among those that work there, asked now.
static void listed(struct clerk *c, const struct asked *a) {
  char text[VENUE_TEXT_MAX];
  struct venue_order o = {.state = VENUE_ORDER_OPEN, .side = a->place.side, .qty = a->place.qty, .filled = {0, 0}, .limit = a->place.limit, .trigger = a->place.trigger, .avg = NO_DECIMAL};
  memcpy(o.ref.client_id, a->place.client_id, sizeof o.ref.client_id);
  strcpy(o.ref.symbol, "BTCUSDT");
  assert_int_equal(clerk_remote_order(c, &o, w.now_ns, text), CLERK_HEARD);
  sync(c);
}
// An order that is executed whole, at once.
static struct asked bought(struct clerk *c, enum side side, int64_t lots) {
  struct bot_command b = submit(side, ORDER_MARKET, lots);
  instant(c, w.close, &b);
  const struct asked a = *last(PLACE);
  reply(c, &a, VENUE_ACCEPTED, VENUE_WHY_NONE);
  fill(c, &a, lots, w.close, (struct decimal){0, 0}, "USDT");
  says(c, &a, VENUE_ORDER_FILLED, lots);
  return a;
}
static int64_t fees(const struct clerk *c) { return -ledger_total(&matcher_account(clerk_matcher(c))->ledger, BOOK_FEES).e8; }
static void pass(struct clerk *c, int64_t seconds) {
  w.now_ns += seconds * SEC;
  clerk_remote_sync(c);
}

// ---- two bots of one account

static void two_bots(void **state) {
  (void)state;
  begin(2, NULL);
  struct clerk *a = w.clerks[0], *b = w.clerks[1];
  const struct asked of_a = bought(a, SIDE_BUY, 10);
  bought(b, SIDE_BUY, 4);
  // A message about the one's order is nothing of the other's.
  char text[VENUE_TEXT_MAX];
  struct venue_order o = {.state = VENUE_ORDER_CANCELED, .side = SIDE_BUY, .qty = {10, 0}, .filled = {0, 0}, .limit = NO_DECIMAL, .trigger = NO_DECIMAL, .avg = NO_DECIMAL};
  memcpy(o.ref.client_id, of_a.place.client_id, sizeof o.ref.client_id);
  strcpy(o.ref.symbol, "BTCUSDT");
  assert_int_equal(clerk_remote_order(b, &o, 0, text), CLERK_STRANGE);
  assert_int_equal(fill(b, &of_a, 1, w.close, (struct decimal){0, 0}, "USDT"), CLERK_STRANGE);
  // The venue knows 14: one bot closes what it holds itself, and without "reduce only", which would be about the account's sum.
  struct bot_command c = submit(SIDE_SELL, ORDER_MARKET, 14);
  c.intent.reduce = true;
  instant(a, w.close, &c);
  assert_int_equal(last(PLACE)->place.qty.digits, 10);
  assert_false(last(PLACE)->place.reduce);
  const struct asked sell = *last(PLACE);
  // On its way, it is not closed once more.
  const size_t placed = count_of(PLACE);
  c = submit(SIDE_SELL, ORDER_MARKET, 10);
  c.intent.reduce = true;
  instant(a, w.close, &c);
  assert_int_equal(count_of(PLACE), placed);
  fill(a, &sell, 10, w.close, (struct decimal){0, 0}, "USDT");
  assert_int_equal(clerk_remote_lots(a, "BTCUSDT"), 0);
  assert_int_equal(clerk_remote_lots(b, "BTCUSDT"), 4);
  end();
  // Alone it says "reduce only", so that the venue sees to it, too.
  begin(1, NULL);
  bought(w.clerks[0], SIDE_BUY, 10);
  c = submit(SIDE_SELL, ORDER_MARKET, 10);
  c.intent.reduce = true;
  instant(w.clerks[0], w.close, &c);
  assert_true(last(PLACE)->place.reduce);
  end();
}

// ---- fees

static void fees_in_other_currencies(void **state) {
  (void)state;
  begin(1, NULL);
  struct clerk *c = w.clerks[0];
  struct bot_command b = submit(SIDE_BUY, ORDER_MARKET, 100);
  instant(c, 10000, &b);
  const struct asked a = *last(PLACE);
  reply(c, &a, VENUE_ACCEPTED, VENUE_WHY_NONE);
  fill(c, &a, 1, 10000, (struct decimal){25, 2}, "USDT");
  assert_int_equal(fees(c), 25000000);
  fill(c, &a, 1, 10000, (struct decimal){1, 3}, "BTC");  // 0.001 of what costs 1,000
  assert_int_equal(fees(c), 25000000 + E8(1));
  fill(c, &a, 1, 10000, (struct decimal){2, 3}, "BNB");  // of a symbol of this bot, whose price is the same here
  assert_int_equal(fees(c), 25000000 + E8(3));
  assert_string_equal(w.said, "");
  fill(c, &a, 1, 10000, (struct decimal){7, 0}, "MNT");  // seven of something
  assert_int_equal(fees(c), 25000000 + E8(3));
  assert_non_null(strstr(w.said, "fees in MNT"));
  w.said[0] = '\0';
  fill(c, &a, 1, 10000, (struct decimal){7, 0}, "MNT");
  assert_string_equal(w.said, "");  // told once
  end();
  // A symbol does not end with the currency of its account everywhere: then its settings say it.
  begin(1, "USDC");
  c = w.clerks[0];
  b = submit(SIDE_BUY, ORDER_MARKET, 100);
  instant(c, 10000, &b);
  const struct asked d = *last(PLACE);
  fill(c, &d, 1, 10000, (struct decimal){25, 2}, "USDC");
  assert_int_equal(fees(c), 25000000);
  end();
}

// ---- outcomes that nobody can prove

static void answer_all(struct clerk *c, enum unknown_answer answer) {
  for (size_t from = 0; from < w.count;) {
    const struct asked a = w.asked[from++];
    if (a.what != ASK) continue;
    w.asked[from - 1].what = (unsigned)-1;
    clerk_remote_asked(c, a.order, a.question, answer);
    clerk_remote_sync(c);
  }
}

static void without_lookup_by_id(void **state) {
  (void)state;
  struct clerk_route_view view;
  for (int decided = 0; decided < 2; decided++) {
    begin(1, NULL);
    struct clerk *c = w.clerks[0];
    w.caps.lookups = LOOKUP_OPEN | LOOKUP_FILLS;
    struct bot_command b = submit(SIDE_BUY, ORDER_MARKET, 10);
    instant(c, 10000, &b);
    const struct asked a = *last(PLACE);
    reply(c, &a, VENUE_UNKNOWN, VENUE_WHY_OTHER);
    size_t pos = 0;
    assert_true(clerk_remote_unknown(c, &pos, &view) && view.route->state == ROUTE_UNKNOWN);
    // However often it is not among the open orders and the executions: that proves nothing, and after half a minute a person has it.
    for (int i = 0; i < 40; i++) {
      answer_all(c, ANSWER_ABSENT);
      for (size_t k = 0; k < w.count; k++) assert_true(w.asked[k].what != ASK || w.asked[k].question != UNKNOWN_ASK_ID);
      pass(c, 1);
      w.count = w.asked[w.count - 1].what == ASK ? w.count : 1;
    }
    pos = 0;
    assert_true(clerk_remote_unknown(c, &pos, &view) && view.route->state == ROUTE_QUARANTINED);
    assert_non_null(strstr(w.said, "waits for a person"));
    assert_int_equal(count_of(PLACE), 1);  // never again
    assert_int_equal(route_pending(view.route), 10);
    if (decided) {
      // "Dead", says the operator. It ends, and nothing is held for it any more.
      assert_false(clerk_remote_decide_dead(c, 99));
      assert_true(clerk_remote_decide_dead(c, a.order));
      sync(c);
      assert_int_equal(matcher_order(clerk_matcher(c), a.order)->status, ORDER_REJECTED);
      assert_true(clerk_remote_idle(c));
      assert_false(clerk_remote_decide_dead(c, a.order));
    }
    // Late proof is taken, also against a person's word: money is money.
    assert_int_equal(fill(c, &a, 10, 10000, (struct decimal){0, 0}, "USDT"), CLERK_HEARD);
    assert_int_equal(clerk_remote_lots(c, "BTCUSDT"), 10);
    says(c, &a, VENUE_ORDER_FILLED, 10);
    pos = 0;
    assert_false(clerk_remote_unknown(c, &pos, &view));
    end();
  }
}

// A question that is not answered, not even by a refusal, keeps nobody from being told.
static void question_without_an_answer(void **state) {
  (void)state;
  begin(1, NULL);
  struct clerk *c = w.clerks[0];
  struct clerk_route_view view;
  size_t pos = 0;
  struct bot_command b = submit(SIDE_BUY, ORDER_MARKET, 10);
  instant(c, 10000, &b);
  reply(c, last(PLACE), VENUE_UNKNOWN, VENUE_WHY_OTHER);
  assert_int_equal(count_of(ASK), 1);
  assert_true(clerk_remote_sync(c) <= w.now_ns + 30 * SEC);
  pass(c, 31);
  assert_true(clerk_remote_unknown(c, &pos, &view));
  assert_int_equal(view.route->state, ROUTE_QUARANTINED);
  assert_int_equal(count_of(ASK), 1);
  assert_non_null(strstr(w.said, "waits for a person"));
  end();
}

// A client id that the venue has seen is an order that is there, whatever the refusal says; and one that a request may still become until much later
// than usual is not proven absent before.
static void what_a_refusal_proves(void **state) {
  (void)state;
  struct clerk_route_view view;
  struct bot_command b = submit(SIDE_BUY, ORDER_MARKET, 10);
  size_t pos = 0;
  begin(1, NULL);
  instant(w.clerks[0], 10000, &b);
  reply(w.clerks[0], last(PLACE), VENUE_REFUSED, VENUE_WHY_DUPLICATE);
  assert_true(clerk_remote_unknown(w.clerks[0], &pos, &view));
  assert_int_equal(view.route->state, ROUTE_UNKNOWN);
  end();
  begin(1, NULL);
  struct clerk *c = w.clerks[0];
  b = submit(SIDE_BUY, ORDER_MARKET, 10);
  instant(c, 10000, &b);
  const int64_t sent_ns = w.now_ns;
  clerk_remote_replied(c, last(PLACE)->order, CLERK_PLACE, 0, &(struct venue_reply){.outcome = VENUE_UNKNOWN, .expiry_ns = sent_ns + 60 * SEC});
  sync(c);
  for (int s = 0; s < 110; s += 2) {
    pass(c, 2);
    answer_all(c, ANSWER_ABSENT);
    w.count = pos = 0;
    const bool open = clerk_remote_unknown(c, &pos, &view);
    if (w.now_ns - sent_ns < 70 * SEC) assert_true(open);
    if (!open) break;
  }
  pos = 0;
  assert_false(clerk_remote_unknown(c, &pos, &view));
  assert_int_equal(matcher_order(clerk_matcher(c), b.id)->status, ORDER_REJECTED);
  end();
}

// What is paid is rounded up, what is received down: to 1e-8.
static void amounts_of_a_venue(void **state) {
  (void)state;
  cash got;
  assert_true(clerk_cash_of((struct decimal){1, 9}, &got) && got.e8 == 1);
  assert_true(clerk_cash_of((struct decimal){-19, 9}, &got) && got.e8 == -1);
  assert_true(clerk_cash_of((struct decimal){12, 2}, &got) && got.e8 == 12000000);
  assert_false(clerk_cash_of((struct decimal){INT64_MAX, 0}, &got));
}

// ---- venues that cannot change orders

static void exits_without_amend(void **state) {
  (void)state;
  begin(1, NULL);
  struct clerk *c = w.clerks[0];
  w.caps.amend = false;
  struct bot_command b = submit(SIDE_BUY, ORDER_LIMIT, 10);
  b.intent.limit.ticks = 10000, b.intent.sl.ticks = 9000;
  instant(c, 10000, &b);
  const struct asked entry = *last(PLACE);
  reply(c, &entry, VENUE_ACCEPTED, VENUE_WHY_NONE);
  fill(c, &entry, 3, 10000, (struct decimal){0, 0}, "USDT");
  const struct asked first = *last(PLACE);
  assert_true(first.order != entry.order && first.place.qty.digits == 3 && first.place.trigger.digits == 9000);
  reply(c, &first, VENUE_ACCEPTED, VENUE_WHY_NONE);
  says(c, &first, VENUE_ORDER_OPEN, 0);
  // The entry grows: its stop is taken back, and only when the venue has said so there is another for all of it.
  fill(c, &entry, 7, 10000, (struct decimal){0, 0}, "USDT");
  assert_int_equal(last(CANCEL)->order, first.order);
  assert_int_equal(count_of(PLACE), 2);
  reply(c, last(CANCEL), VENUE_ACCEPTED, VENUE_WHY_NONE);
  assert_int_equal(count_of(PLACE), 2);
  says(c, &first, VENUE_ORDER_CANCELED, 0);
  const struct asked second = *last(PLACE);
  assert_int_equal(count_of(PLACE), 3);
  assert_true(second.place.qty.digits == 10 && second.place.trigger.digits == 9000 && second.place.reduce);
  assert_string_not_equal(second.place.client_id, first.place.client_id);
  reply(c, &second, VENUE_ACCEPTED, VENUE_WHY_NONE);
  says(c, &second, VENUE_ORDER_OPEN, 0);
  // The script moves it: likewise. This time it is executed before the cancel arrives; there is nothing left to protect.
  b = (struct bot_command){.kind = COMMAND_MODIFY, .id = entry.order, .why = REASON_SCRIPT};
  order_change_init(&b.change);
  b.change.sl.ticks = 9500;
  instant(c, 9600, &b);
  assert_int_equal(last(CANCEL)->order, second.order);
  fill(c, &second, 10, 9000, (struct decimal){0, 0}, "USDT");
  reply(c, last(CANCEL), VENUE_REFUSED, VENUE_WHY_DONE);
  says(c, &second, VENUE_ORDER_FILLED, 10);
  assert_int_equal(count_of(PLACE), 3);
  assert_int_equal(clerk_remote_lots(c, "BTCUSDT"), 0);
  // A stop cannot trail there, which is said before anything is sent.
  b = submit(SIDE_BUY, ORDER_MARKET, 1);
  b.intent.trail_ticks = 100;
  instant(c, 10000, &b);
  assert_int_equal(count_of(PLACE), 3);
  assert_int_equal(matcher_order(clerk_matcher(c), b.id)->status, ORDER_REJECTED);
  assert_non_null(strstr(w.said, "cannot trail"));
  end();
}

// Its stop is moved, the cancel for that comes to nothing, and it is moved back: who cancels it long after is a person, and it stays away.
static void moved_and_moved_back(void **state) {
  (void)state;
  for (int seen_s = 0; seen_s <= 20; seen_s += 10) {  // when it was told to work; 0: it was not
    const bool seen = seen_s == 20;
    begin(1, NULL);
    struct clerk *c = w.clerks[0];
    w.caps.amend = false;
    struct bot_command b = submit(SIDE_BUY, ORDER_MARKET, 10);
    b.intent.sl.ticks = 9000;
    instant(c, 10000, &b);
    const struct asked entry = *last(PLACE);
    reply(c, &entry, VENUE_ACCEPTED, VENUE_WHY_NONE);
    fill(c, &entry, 10, 10000, (struct decimal){0, 0}, "USDT");
    says(c, &entry, VENUE_ORDER_FILLED, 10);
    const struct asked stop = *last(PLACE);
    reply(c, &stop, VENUE_ACCEPTED, VENUE_WHY_NONE);
    says(c, &stop, VENUE_ORDER_OPEN, 0);
    for (int i = 0; i < 2; i++) {
      b = (struct bot_command){.kind = COMMAND_MODIFY, .id = entry.order, .why = REASON_SCRIPT};
      order_change_init(&b.change);
      b.change.sl.ticks = i == 0 ? 9500 : 9000;
      instant(c, 10000, &b);
      assert_int_equal(count_of(CANCEL), 1);
      if (i == 0) reply(c, last(CANCEL), VENUE_REFUSED, VENUE_WHY_OTHER);
    }
    // Soon after it may have been ours; not when the venue has told long after that it works there, as it should.
    w.now_ns += seen_s * SEC;
    if (seen_s) listed(c, &stop);
    w.now_ns += (20 - seen_s) * SEC;
    says(c, &stop, VENUE_ORDER_CANCELED, 0);
    assert_int_equal(count_of(PLACE), seen ? 2 : 3);
    assert_int_equal(matcher_order(clerk_matcher(c), stop.order)->reason, seen ? REASON_VENUE : REASON_REPLACED);
    end();
  }
}

// ---- trailing stops

static void trailing(void **state) {
  (void)state;
  begin(1, NULL);
  struct clerk *c = w.clerks[0];
  struct bot_command b = submit(SIDE_BUY, ORDER_MARKET, 10);
  b.intent.trail_ticks = 100;
  instant(c, 10000, &b);
  const struct asked entry = *last(PLACE);
  reply(c, &entry, VENUE_ACCEPTED, VENUE_WHY_NONE);
  fill(c, &entry, 10, 10000, (struct decimal){0, 0}, "USDT");
  // It is a stop there, and is moved after each bar, never back.
  const struct asked stop = *last(PLACE);
  assert_true(stop.place.type == ORDER_STOP && stop.place.side == SIDE_SELL && stop.place.trigger.digits == 9900);
  reply(c, &stop, VENUE_ACCEPTED, VENUE_WHY_NONE);
  says(c, &stop, VENUE_ORDER_OPEN, 0);
  instant(c, 10050, NULL);
  assert_int_equal(last(AMEND)->terms.trigger.digits, 9950);
  assert_false(decimal_given(last(AMEND)->terms.qty));
  reply(c, last(AMEND), VENUE_ACCEPTED, VENUE_WHY_NONE);
  instant(c, 9980, NULL);
  assert_int_equal(count_of(AMEND), 1);
  instant(c, 10200, NULL);
  assert_int_equal(last(AMEND)->terms.trigger.digits, 10100);
  // Refused, as the price is beyond already: it stays where it is, and is tried again later.
  reply(c, last(AMEND), VENUE_REFUSED, VENUE_WHY_PRICE);
  pass(c, 1);
  assert_int_equal(count_of(AMEND), 2);
  pass(c, 6);
  assert_int_equal(count_of(AMEND), 3);
  reply(c, last(AMEND), VENUE_ACCEPTED, VENUE_WHY_NONE);
  fill(c, &stop, 10, 10100, (struct decimal){0, 0}, "USDT");
  says(c, &stop, VENUE_ORDER_FILLED, 10);
  assert_int_equal(clerk_remote_lots(c, "BTCUSDT"), 0);
  assert_true(clerk_remote_idle(c));
  end();
}

// Where nothing is reduce-only, an exit whose entry another order has closed would sell what is somebody else's.
static struct asked guarded(struct clerk *c, int64_t lots) {
  struct bot_command b = submit(SIDE_BUY, ORDER_MARKET, lots);
  b.intent.tp.ticks = 20000;
  instant(c, 10000, &b);
  const struct asked entry = *last(PLACE);
  reply(c, &entry, VENUE_ACCEPTED, VENUE_WHY_NONE);
  fill(c, &entry, lots, 10000, (struct decimal){0, 0}, "USDT");
  says(c, &entry, VENUE_ORDER_FILLED, lots);
  const struct asked exit = *last(PLACE);
  assert_true(exit.order != entry.order && exit.place.qty.digits == lots && exit.place.limit.digits == 20000);
  reply(c, &exit, VENUE_ACCEPTED, VENUE_WHY_NONE);
  says(c, &exit, VENUE_ORDER_OPEN, 0);
  return exit;
}

static void exits_end_with_their_entries(void **state) {
  (void)state;
  begin(1, NULL);
  struct clerk *c = w.clerks[0];
  w.caps.reduce_only = w.caps.positions = false;
  const struct asked first = guarded(c, 4), second = guarded(c, 5);
  assert_int_equal(count_of(CANCEL) + count_of(AMEND), 0);
  // Part of the first is sold: its exit is for what is left of it.
  bought(c, SIDE_SELL, 3);
  assert_int_equal(count_of(CANCEL), 0);
  assert_int_equal(count_of(AMEND), 1);
  const struct asked less = *last(AMEND);
  assert_true(less.order == first.order && less.terms.qty.digits == 1);
  reply(c, &less, VENUE_ACCEPTED, VENUE_WHY_NONE);
  // All of it, and a part of the second.
  bought(c, SIDE_SELL, 2);
  assert_int_equal(last(CANCEL)->order, first.order);
  assert_int_equal(matcher_order(clerk_matcher(c), first.order)->reason, REASON_PARENT);
  assert_true(last(AMEND)->order == second.order && last(AMEND)->terms.qty.digits == 4);
  reply(c, last(CANCEL), VENUE_ACCEPTED, VENUE_WHY_NONE);
  says(c, &first, VENUE_ORDER_CANCELED, 0);
  assert_int_equal(clerk_remote_lots(c, "BTCUSDT"), 4);
  end();
  // A venue that keeps exits to what is held is left to it.
  begin(1, NULL);
  c = w.clerks[0];
  (void)guarded(c, 4);
  (void)guarded(c, 5);
  bought(c, SIDE_SELL, 5);
  assert_int_equal(count_of(CANCEL) + count_of(AMEND), 0);
  end();
}

// What somebody has to look after when its books are gone: all that may be there and is no exit, also what was to be cancelled.
static void left_there(void **state) {
  (void)state;
  begin(1, "USDT");
  struct clerk *c = w.clerks[0];
  struct bot_command in = submit(SIDE_BUY, ORDER_MARKET, 2), low = submit(SIDE_BUY, ORDER_LIMIT, 3), high = submit(SIDE_SELL, ORDER_LIMIT, 2), cancel = {.kind = COMMAND_CANCEL, .why = REASON_SCRIPT};
  in.intent.sl = (price){5000}, low.intent.limit = (price){9000}, high.intent.limit = (price){11000};
  struct clerk_left left;
  size_t pos = 0;
  assert_false(clerk_remote_left(c, &pos, &left));
  instant(c, 10000, &in);
  const struct asked *entry = last(PLACE);
  assert_true(clerk_remote_left(c, &pos, &left) && left.opens && left.halt_venue == 7);  // sent, and nothing is known of it
  assert_string_equal(left.ref.client_id, entry->place.client_id);
  reply(c, entry, VENUE_ACCEPTED, VENUE_WHY_NONE);
  assert_int_equal(fill(c, entry, 2, 10000, (struct decimal){0, 0}, "USDT"), CLERK_HEARD);
  says(c, entry, VENUE_ORDER_FILLED, 2);
  sync(c);
  assert_true(last(PLACE)->place.type == ORDER_STOP && last(PLACE)->place.reduce);
  reply(c, last(PLACE), VENUE_ACCEPTED, VENUE_WHY_NONE);
  instant(c, 10000, &low);
  reply(c, last(PLACE), VENUE_ACCEPTED, VENUE_WHY_NONE);
  instant(c, 10000, &high);
  reply(c, last(PLACE), VENUE_ACCEPTED, VENUE_WHY_NONE);
  cancel.id = low.id;
  instant(c, 10000, &cancel);
  assert_int_equal(last(CANCEL)->order, low.id);
  bool opens[2] = {false, true};
  pos = 0;
  for (int i = 0; i < 2; i++) {
    assert_true(clerk_remote_left(c, &pos, &left));
    opens[strcmp(left.ref.client_id, last(PLACE)->place.client_id) == 0] = left.opens;
    assert_string_equal(left.ref.symbol, "BTCUSDT");
  }
  assert_true(opens[0] && !opens[1]);  // the other closes what is held, and no more
  assert_false(clerk_remote_left(c, &pos, &left));
  reply(c, last(CANCEL), VENUE_ACCEPTED, VENUE_WHY_NONE);
  for (size_t i = 0; i < w.count; i++)
    if (w.asked[i].what == PLACE && w.asked[i].order == low.id) says(c, &w.asked[i], VENUE_ORDER_CANCELED, 0);
  pos = 0;
  assert_true(clerk_remote_left(c, &pos, &left) && !left.opens);
  assert_false(clerk_remote_left(c, &pos, &left));
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(two_bots), cmocka_unit_test(fees_in_other_currencies), cmocka_unit_test(without_lookup_by_id), cmocka_unit_test(question_without_an_answer), cmocka_unit_test(what_a_refusal_proves), cmocka_unit_test(amounts_of_a_venue),
                                     cmocka_unit_test(exits_without_amend), cmocka_unit_test(moved_and_moved_back), cmocka_unit_test(exits_end_with_their_entries), cmocka_unit_test(trailing), cmocka_unit_test(left_there)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
