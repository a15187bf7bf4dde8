// The order logic of a bot (bot/clerk_remote) on a session with `perigee exchange`: bytes DIALECT.lua URL KEY SECRET. Reads one wish a line – buy,
// sell, limit, amend, cancel – and says when what became of it is known: "CASE STATUS LOTS UNKNOWNS QUARANTINED WAITED_S". bytes.py cuts connections and
// compares with the ledger.
//
// While nothing is under way and a pause is to pass, the clock of orders leaps over it: what is waited for is the venue's expiry, and that
// venue does nothing late.
#include "link.h"

#include "bot/clerk_remote.h"
#include "loop/clock.h"
#include "loop/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEC INT64_C(1000000000)
#define T0 (INT64_C(1700000000) * SEC)
#define E8(units) ((int64_t)(units) * CASH_ONE)
#define BEFORE_NS (300 * SEC)
#define PATIENCE_NS (20 * SEC)  // of the machine's own time

static struct link link;
static struct loop_timer *timer;
static struct clerk *clerk;
static struct clerk_account *account;
static struct clerk_tenant tenant;
static struct clerk_shared shared;
static struct match_symbol_config symbol;
static bool ready, over;
static int under_way, unknowns, quarantined, step;
static int64_t ahead_ns, look_ns, began_ns, wished_ns;
static uint64_t order;
static char wish[16];

static void advance(void);

static int64_t now_ns(void *self) {
  (void)self;
  return link.venue.ops->now_ns(link.venue.self) + ahead_ns;
}

// ---- struct clerk_port

struct asked {
  uint64_t order;
  enum clerk_request what;
  uint32_t change;
  enum unknown_step question;
  int64_t asked_ns;
  char client_id[CLIENT_ID_SIZE];
};

static struct asked *ask_new(uint64_t id, enum clerk_request what) {
  struct asked *a = calloc(1, sizeof *a);
  if (!a) abort();
  *a = (struct asked){.order = id, .what = what, .asked_ns = now_ns(NULL)};
  under_way++;
  return a;
}

static void on_reply(void *arg, const struct venue_reply *r) {
  struct asked *a = arg;
  struct venue_reply mine = *r;
  mine.expiry_ns += ahead_ns;
  unknowns += r->outcome == VENUE_UNKNOWN;
  under_way--;
  clerk_remote_replied(clerk, a->order, a->what, a->change, &mine);
  free(a);
  advance();
}
static struct venue_caps port_caps(void *self) { return (void)self, link.venue.ops->caps(link.venue.self); }
static void port_place(void *self, uint64_t bot, uint64_t id, const struct venue_place *p) {
  (void)self, (void)bot;
  link.venue.ops->place(link.venue.self, p, on_reply, ask_new(id, CLERK_PLACE));
}
static void port_amend(void *self, uint64_t bot, uint64_t id, uint32_t change, const struct venue_ref *ref, const struct venue_change *c) {
  (void)self, (void)bot;
  struct asked *a = ask_new(id, CLERK_AMEND);
  a->change = change;
  link.venue.ops->amend(link.venue.self, ref, c, on_reply, a);
}
static void port_cancel(void *self, uint64_t bot, uint64_t id, const struct venue_ref *ref) {
  (void)self, (void)bot;
  link.venue.ops->cancel(link.venue.self, ref, on_reply, ask_new(id, CLERK_CANCEL));
}

static void heard(enum clerk_heard h, const char *text) {
  if (h == CLERK_UNFIT) fprintf(stderr, "unfit: %s\n", text), exit(1);
}
static void answered(struct asked *a, enum unknown_answer answer) {
  under_way--;
  clerk_remote_asked(clerk, a->order, a->question, answer);
  free(a);
  advance();
}
static void on_orders(void *arg, const struct venue_reply *r, const struct venue_order *list, size_t count) {
  struct asked *a = arg;
  char text[VENUE_TEXT_MAX];
  bool found = false;
  for (size_t i = 0; r->outcome == VENUE_ACCEPTED && i < count; i++)
    if (strcmp(list[i].ref.client_id, a->client_id) == 0) heard(clerk_remote_order(clerk, &list[i], a->asked_ns, text), text), found = true;
  const bool gone = r->outcome == VENUE_REFUSED && r->why == VENUE_WHY_NOT_FOUND;
  answered(a, found ? ANSWER_FOUND : r->outcome == VENUE_ACCEPTED || gone ? ANSWER_ABSENT : ANSWER_UNREACHABLE);
}
static void on_fills(void *arg, const struct venue_reply *r, const struct venue_fill *list, size_t count) {
  struct asked *a = arg;
  char text[VENUE_TEXT_MAX];
  bool found = false;
  for (size_t i = 0; r->outcome == VENUE_ACCEPTED && i < count; i++)
    if (strcmp(list[i].ref.client_id, a->client_id) == 0) heard(clerk_remote_fill(clerk, &list[i], text), text), found = true;
  answered(a, found ? ANSWER_FOUND : r->outcome == VENUE_ACCEPTED ? ANSWER_ABSENT : ANSWER_UNREACHABLE);
}
static void port_ask(void *self, uint64_t bot, uint64_t id, enum unknown_step question, const struct venue_ref *ref, int64_t since_ns) {
  (void)self, (void)bot;
  struct asked *a = ask_new(id, CLERK_PLACE);
  a->question = question;
  memcpy(a->client_id, ref->client_id, sizeof a->client_id);
  if (question == UNKNOWN_ASK_ID) link.venue.ops->order(link.venue.self, ref, on_orders, a);
  else if (question == UNKNOWN_ASK_OPEN) link.venue.ops->open_orders(link.venue.self, ref->symbol, on_orders, a);
  else link.venue.ops->fills(link.venue.self, ref->symbol, since_ns - ahead_ns - BEFORE_NS, on_fills, a);
}

// ---- what happens

static void on_state(void *self, enum venue_state from, enum venue_state to, const char *why) {
  (void)self, (void)from, (void)why;
  ready = to == VENUE_STATE_READY;
  if (to == VENUE_STATE_RECONCILING) link.venue.ops->reconciled(link.venue.self);
}
static void on_order(void *self, const struct venue_order *o) {
  (void)self;
  char text[VENUE_TEXT_MAX];
  heard(clerk_remote_order(clerk, o, 0, text), text);
  advance();
}
static void on_fill(void *self, const struct venue_fill *f) {
  (void)self;
  char text[VENUE_TEXT_MAX];
  heard(clerk_remote_fill(clerk, f, text), text);
  advance();
}
static void on_intervened(void *self, enum reason code, const char *text) {
  (void)self, (void)text;
  quarantined += code == REASON_VENUE;
}

static void command(struct bot_command *c) {
  struct clerk_verdict v;
  clerk_command(clerk, c, &v);
  if (v.answer != CLERK_TAKEN) fprintf(stderr, "%s is not taken: %s\n", wish, v.fault ? v.fault : "denied"), exit(1);
}

// An instant in which the script asks for it.
static void ask_for(const char *what) {
  struct err err;
  step++;
  const struct bar b = {.open_ns = T0 + step * SEC, .open = {400000}, .high = {400000}, .low = {400000}, .close = {400000}, .volume = 1};
  struct instant_match m = {.symbol = 0, .bar = {.bar = &b, .close_ns = T0 + (step + 1) * SEC}};
  const struct instant in = {.now_ns = T0 + (step + 1) * SEC, .match = &m, .match_count = 1};
  if (clerk_market(clerk, &in, &err) != OK) fprintf(stderr, "%s\n", err.msg), exit(1);
  struct bot_command c = {.time_ns = in.now_ns, .id = order, .why = REASON_SCRIPT};
  order_change_init(&c.change);
  if (strcmp(what, "cancel") == 0) {
    c.kind = COMMAND_CANCEL;
  } else if (strcmp(what, "amend") == 0) {
    c.kind = COMMAND_MODIFY;
    c.change.limit.ticks = 390000 - step;
  } else {
    c.kind = COMMAND_RESERVE;
    c.id = order = matcher_order_last(clerk_matcher(clerk)) + 1;
    command(&c);
    c.kind = COMMAND_SUBMIT;
    intent_init(&c.intent, 0, strcmp(what, "sell") == 0 ? SIDE_SELL : SIDE_BUY);
    c.intent.type = strcmp(what, "limit") == 0 ? ORDER_LIMIT : ORDER_MARKET;
    if (c.intent.type == ORDER_LIMIT) c.intent.limit.ticks = 390000;
    c.qty.lots = c.intent.size = 2;
  }
  command(&c);
  clerk_end(clerk);
  unknowns = quarantined = 0;
  began_ns = clock_monotonic_ns();
  wished_ns = now_ns(NULL);
}

static bool settled(void) {
  const struct order *o = matcher_order(clerk_matcher(clerk), order);
  struct clerk_route_view view;
  size_t pos = 0;
  if (under_way > 0 || !o || clerk_remote_unknown(clerk, &pos, &view)) return false;
  if (!order_alive(o)) return clerk_remote_idle(clerk);
  return o->type == ORDER_LIMIT && o->status == ORDER_OPEN && look_ns == INT64_MAX;
}

static void next_wish(void) {
  char line[64];
  if (!fgets(line, sizeof line, stdin) || sscanf(line, "%15s", wish) != 1) {
    over = true;
    wish[0] = '\0';
    loop_stop(link.loop);
    return;
  }
  ask_for(wish);
}

// What is due, until something is under way.
static void advance(void) {
  if (!ready) return;
  while (wish[0] != '\0') {
    clerk_committed(clerk);
    look_ns = clerk_remote_sync(clerk);
    const bool stuck = clock_monotonic_ns() - began_ns > PATIENCE_NS;
    if (!stuck && !settled()) {
      if (under_way > 0 || look_ns == INT64_MAX || look_ns <= now_ns(NULL)) return;
      ahead_ns += look_ns - now_ns(NULL);
      continue;
    }
    const struct order *o = matcher_order(clerk_matcher(clerk), order);
    printf("%s %s %" PRId64 " %d %d %.1f\n", stuck ? "stuck" : wish, order_status_text(o->status), clerk_remote_lots(clerk, "BTCUSDT"), unknowns, quarantined,
      (double)(now_ns(NULL) - wished_ns) / 1e9);
    fflush(stdout);
    next_wish();
    if (over) return;
  }
}

static void on_timer(void *arg) {
  (void)arg;
  if (ready && wish[0] == '\0') next_wish();
  if (!over) advance();
}

// ---- made

static int failed(const struct err *err) {
  fprintf(stderr, "%s\n", err->msg);
  return 1;
}

static enum status clerk_make(struct err *err) {
  static struct instrument inst = {.symbol = "BTCUSDT", .tick = {1, 1}, .lot = {1, 3}, .multiplier = {1, 0}};
  const struct clerk_account_config a = {.id = 1, .tenant = &tenant, .balance = {E8(1000000)}, .now_ns = T0};
  struct clerk_config c = {.bot_id = 5, .version = 1, .run = 3, .shared = &shared, .venue_id = 7, .live_from_ns = T0, .observer = {.intervened = on_intervened}};
  if (instrument_finish(&inst, err) != OK) return ERR_INVALID;
  match_symbol_config_init(&symbol, &inst);
  symbol.leverage_e4 = 100000;
  c.blotter = (struct blotter_config){.symbols = &symbol, .symbol_count = 1};
  match_config_init(&c.blotter.match, (cash){E8(1000000)});
  c.blotter.match.model = MODEL_REMOTE;
  shared.last = last_check_create(4000, 16, (struct last_budget){SEC, 100000, 0}, (struct last_budget){SEC, 100000, 0});
  clerk_tenant_init(&tenant, 1, &(struct gate_limits){0});
  enum status st = clerk_account_create(&a, &account, err);
  c.account = account;
  const struct clerk_port port = {.now_ns = now_ns, .caps = port_caps, .place = port_place, .amend = port_amend, .cancel = port_cancel, .ask = port_ask};
  if (st == OK) st = clerk_create(&c, &clerk, err);
  if (st == OK) st = clerk_remote_open(clerk, &port, err);
  return st;
}

int main(int argc, char **argv) {
  static const struct venue_events events = {.state = on_state, .order = on_order, .fill = on_fill};
  struct err err;
  if (argc != 5) return 2;
  if (clerk_make(&err) != OK) return failed(&err);
  if (!link_open(&link, &(struct link_to){argv[1], argv[2], argv[3], argv[4], .label = "bytes", .retry_ms = 5}, &events)) return 1;
  if (loop_timer_create(link.loop, on_timer, NULL, &timer, &err) != OK) return failed(&err);
  loop_timer_start(timer, 1, 1);
  loop_run(link.loop);
  loop_timer_destroy(timer);
  link_close(&link);  // first: it may still answer
  clerk_destroy(clerk);
  clerk_account_destroy(account);
  last_check_destroy(shared.last);
  return 0;
}
