// tests/unit/risk/test_flow_random.c – the parts together, as the core will call them: gate, journal, kill switch, last check,
// live orders, fills, virtual ledgers, against a venue that delays, repeats and drops its messages while the core crashes and
// halts are pressed, from seeds. PERIGEE_SEED=n runs one. After every step:
//   the venue's position of an account lies within booked ± pending; the virtual ledgers, the gate's positions and the account agree
//   no order of an account meets another at the venue; nothing leaves for a halted bot; the last check has not tripped
// In the end messages get through: every order is resolved, and books, gate and venue say the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "seeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "order/fill_set.h"
#include "order/route.h"
#include "order/sub_books.h"
#include "risk/gate.h"
#include "risk/last_check.h"

enum { SEEDS = 400, STEPS = 400, BOTS = 4, ACCOUNTS = 2, ORDERS = 160, MESSAGES = 4096 };
#define MS INT64_C(1000000)
#define SEC (1000 * MS)
#define E8(units) ((int64_t)(units) * CASH_ONE)

static uint64_t random_state;
static uint64_t rnd(uint64_t n) {
  random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
  return (random_state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % n;
}

struct order_here {
  struct route_order r;
  struct gate_ticket t;
  int bot;
  price limit;              // NO_PRICE: market
  uint64_t checked_epoch;
  bool used, journalled, asking;
};
struct order_there { bool here, alive; int64_t arrived_ns, executed; int fills; int64_t fill_lots[40]; };
struct message {
  int64_t due_ns, expiry_ns, asked_ns, cum;
  int order, fill;          // fill −1: none, else its number
  enum route_event_kind kind;
  bool to_venue, is_answer;
  enum unknown_step question;
  enum unknown_answer answer;
};

static struct world {
  int64_t now_ns;
  bool healed;
  struct instrument inst;
  struct gate_scope bot[BOTS], account[ACCOUNTS], tenant;
  struct gate_symbol bot_symbol[BOTS], account_symbol[ACCOUNTS];
  struct resting resting[ACCOUNTS];
  struct sub_books books[ACCOUNTS];
  int slot[BOTS];
  struct fill_set fills;
  struct halt_state halt;
  struct last_check *last;
  struct order_here o[ORDERS];
  struct order_there v[ORDERS];
  int count;
  struct message queue[MESSAGES];
  int queued;
  int64_t position[ACCOUNTS];  // at the venue
} w;
static int sends, denials, halts, crashes;

static struct gate_path path_of(int bot) {
  int a = bot % ACCOUNTS;
  return (struct gate_path){.bot = &w.bot[bot], .account = &w.account[a], .tenant = &w.tenant, .bot_symbol = &w.bot_symbol[bot],
    .account_symbol = &w.account_symbol[a], .bot_id = (uint64_t)bot + 1, .tenant_id = 1, .venue_id = 1, .halt = &w.halt,
    .resting = &w.resting[a]};
}

static void post(struct message m, int64_t longest_ms) {
  bool lossy = !w.healed && !m.is_answer;
  if (lossy && rnd(6) == 0) return;
  for (int copies = lossy && !m.to_venue && rnd(5) == 0 ? 2 : 1; copies > 0; copies--) {
    m.due_ns = w.now_ns + (1 + (int64_t)rnd((uint64_t)longest_ms)) * MS;
    assert_true(w.queued < MESSAGES);
    w.queue[w.queued++] = m;
  }
}

// --- the core ----------------------------------------------------------------------------------------------------------------

// What every change of a live order means for whoever counts: the ticket, the resting orders, the last check.
static void settled(int i, struct route_effect e) {
  struct order_here *o = &w.o[i];
  struct gate_path p = path_of(o->bot);
  bool unknown = o->r.state == ROUTE_UNKNOWN || o->r.state == ROUTE_QUARANTINED;
  if (e.kind == ROUTE_REFUSE) return;
  assert_false(e.overfilled);
  if (o->t.open) gate_update(&p, &o->t, route_pending(&o->r), unknown);
  if (route_live(o->r.state) && !o->t.open) fail_msg("%s came back to life", route_state_text(o->r.state));
  if (route_live(o->r.state)) return;
  resting_remove(&w.resting[o->bot % ACCOUNTS], (uint64_t)i + 1);
  if (route_pending(&o->r) == 0) gate_release(&p, &o->t);
  if (e.from != e.to && route_live(e.from) && o->r.sent_ns > 0)
    assert_true(last_check_ended(w.last, (uint64_t)i + 1, o->r.qty.lots - o->r.cum.lots));
}

static struct route_effect event(int i, struct route_event ev) {
  ev.now_ns = w.now_ns;
  ev.lookups = 7;
  struct route_effect e = route_apply(&w.o[i].r, &ev);
  settled(i, e);
  return e;
}

static void submit(void) {
  if (w.count == ORDERS) return;
  int i = w.count, bot = (int)rnd(BOTS);
  struct gate_path p = path_of(bot);
  struct gate_order g = {.side = rnd(2) ? SIDE_BUY : SIDE_SELL, .lots = 1 + (int64_t)rnd(30), .px = {100}, .limit = NO_PRICE, .now_ns = w.now_ns};
  struct refusal why;
  if (rnd(3)) g.px.ticks = g.limit.ticks = 95 + (int64_t)rnd(11);
  if (!gate_check(&p, &g, &why)) {
    denials++;
    return;
  }
  assert_true(resting_reserve(&w.resting[bot % ACCOUNTS], 1));
  struct order_here *o = &w.o[i];
  *o = (struct order_here){.bot = bot, .limit = g.limit, .used = true, .checked_epoch = w.halt.epoch};
  route_init(&o->r, &(struct client_id){(uint64_t)bot + 1, 1, (uint64_t)i}, (uint64_t)(bot % ACCOUNTS), 1, 0, g.side, (quantity){g.lots});
  gate_accept(&p, &g, &o->t);
  resting_add(&w.resting[bot % ACCOUNTS], (uint64_t)i + 1, (uint64_t)bot, g.side, g.limit);
  w.count++;
}

static void journal_and_send(int i) {
  struct order_here *o = &w.o[i];
  struct refusal why;
  if (o->r.state == ROUTE_INTENT) {
    event(i, (struct route_event){.kind = ROUTE_EV_JOURNALLED});
    o->journalled = true;
    assert_true(last_check_intend(w.last, (uint64_t)i + 1, o->r.qty.lots));
    return;
  }
  if (o->r.state != ROUTE_JOURNALLED) return;
  struct halt_order h = {1, 1, (uint64_t)o->bot + 1, false, false};
  if (o->checked_epoch != w.halt.epoch && halt_blocks(&w.halt, &h, &why)) {
    event(i, (struct route_event){.kind = ROUTE_EV_ABANDON});
    return;
  }
  assert_true(last_check_send(w.last, (uint64_t)i + 1, (uint64_t)(o->bot % ACCOUNTS), 1, o->r.qty.lots, 1000, w.now_ns));
  assert_false(halt_blocks(&w.halt, &h, &why));
  event(i, (struct route_event){.kind = ROUTE_EV_SEND, .expiry_ns = w.now_ns + 2 * SEC});
  post((struct message){.to_venue = true, .order = i, .kind = ROUTE_EV_SEND, .expiry_ns = w.now_ns + 2 * SEC, .fill = -1}, 2500);
  sends++;
}

static void cancel(int i) {
  if (event(i, (struct route_event){.kind = ROUTE_EV_CANCEL_SEND}).kind != ROUTE_REFUSE)
    post((struct message){.to_venue = true, .order = i, .kind = ROUTE_EV_CANCEL_SEND, .expiry_ns = w.now_ns + 2 * SEC, .fill = -1}, 2500);
}

static void book(int i, int fill) {
  struct order_here *o = &w.o[i];
  char id[32];
  int len = snprintf(id, sizeof id, "%d-%d", i, fill);
  assert_true(fill_set_reserve(&w.fills, 1));
  if (!fill_set_add(&w.fills, fill_key(o->r.account, 1, id, (size_t)len))) return;
  int64_t lots = w.v[i].fill_lots[fill];
  struct gate_path p = path_of(o->bot);
  assert_true(sub_books_fill(&w.books[o->bot % ACCOUNTS], w.slot[o->bot], 0, o->r.side, (price){100}, (quantity){lots}, (cash){7}));
  gate_fill(&p, o->r.side, lots);
  assert_true(last_check_filled(w.last, (uint64_t)i + 1, lots));
  struct route_effect e = route_fill(&o->r, (price){100}, (quantity){lots}, w.now_ns);
  assert_true(e.kind != ROUTE_REFUSE && e.kind != ROUTE_ODD);
  settled(i, e);
}

// What was not committed is gone, what was is asked about.
static void crash(void) {
  crashes++;
  for (int i = 0; i < w.count; i++) {
    w.o[i].asking = false;
    if (w.o[i].r.state == ROUTE_INTENT) event(i, (struct route_event){.kind = ROUTE_EV_ABANDON});
    else if (route_live(w.o[i].r.state)) event(i, (struct route_event){.kind = ROUTE_EV_LOST});
  }
}

static void kill_switch(void) {
  enum refusal_level level = rnd(3) ? LEVEL_BOT : rnd(2) ? LEVEL_TENANT : LEVEL_ALL;
  uint64_t id = level == LEVEL_BOT ? 1 + rnd(BOTS) : level == LEVEL_TENANT ? 1 : 0;
  if (rnd(3) == 0) halt_set(&w.halt, level, id, HALT_SILENT, HALT_BY_OPERATOR, 0), halts++;
  else halt_clear(&w.halt, level, id);
}

// --- the venue -----------------------------------------------------------------------------------------------------------------

static void say(int i, enum route_event_kind kind, int fill) {
  post((struct message){.order = i, .kind = kind, .cum = w.v[i].executed, .fill = fill}, 4000);
}

static void venue_hears(const struct message *m) {
  struct order_there *v = &w.v[m->order];
  const struct order_here *o = &w.o[m->order];
  if (w.now_ns >= m->expiry_ns) {
    if (m->kind == ROUTE_EV_SEND) say(m->order, ROUTE_EV_REJECTED, -1);
    return;
  }
  if (m->kind == ROUTE_EV_CANCEL_SEND) {
    bool was = v->alive;
    v->alive = false;
    say(m->order, was ? ROUTE_EV_CANCELED : ROUTE_EV_CANCEL_REFUSED, -1);
    return;
  }
  assert_false(v->here);                                     // one order never arrives twice
  for (int k = 0; k < w.count; k++) {
    const struct order_here *x = &w.o[k];
    if (!w.v[k].alive || x->r.account != o->r.account || x->r.side == o->r.side || !price_given(x->limit)) continue;
    bool meets = !price_given(o->limit) || (o->r.side == SIDE_BUY ? o->limit.ticks >= x->limit.ticks : o->limit.ticks <= x->limit.ticks);
    if (meets) fail_msg("order %d would trade with order %d of its account", m->order, k);
  }
  *v = (struct order_there){.here = true, .alive = true, .arrived_ns = w.now_ns};
  say(m->order, ROUTE_EV_ACK, -1);
}

static void venue_trades(int i) {
  struct order_there *v = &w.v[i];
  const struct route_order *r = &w.o[i].r;
  if (!v->alive) return;
  int64_t left = r->qty.lots - v->executed, lots = rnd(3) == 0 || v->fills == 39 ? left : 1 + (int64_t)rnd((uint64_t)left);
  v->fill_lots[v->fills] = lots;
  v->executed += lots;
  w.position[r->account] += r->side * lots;
  v->alive = v->executed < r->qty.lots;
  say(i, ROUTE_EV_FILL_PART, v->fills++);
}

static void answer(int i, enum unknown_step question) {
  struct order_there *v = &w.v[i];
  struct message a = {.is_answer = true, .order = i, .question = question, .asked_ns = w.now_ns, .fill = -1, .answer = ANSWER_ABSENT};
  if (!w.healed && rnd(4) == 0) a.answer = ANSWER_UNREACHABLE;
  else if (v->here && w.now_ns - v->arrived_ns > 9 * SEC) {
    a.cum = v->executed;
    bool listed = question == UNKNOWN_ASK_ID || (question == UNKNOWN_ASK_OPEN && v->alive);
    bool done = v->executed == w.o[i].r.qty.lots;
    if (listed) a.answer = ANSWER_FOUND, a.kind = v->alive || done ? ROUTE_EV_ACK : ROUTE_EV_CANCELED;
    else if (question == UNKNOWN_ASK_FILLS && v->fills > 0) a.answer = ANSWER_FOUND, a.fill = v->fills;
  }
  post(a, 200);
}

// --- time ------------------------------------------------------------------------------------------------------------------------

static void we_hear(const struct message *m) {
  struct order_here *o = &w.o[m->order];
  if (!m->is_answer) {
    if (m->fill >= 0) book(m->order, m->fill);
    else event(m->order, (struct route_event){.kind = m->kind, .cum = {m->cum}});
    return;
  }
  o->asking = false;
  if (m->answer == ANSWER_FOUND && m->fill >= 0)
    for (int k = 0; k < m->fill; k++) book(m->order, k);
  else if (m->answer == ANSWER_FOUND)
    event(m->order, (struct route_event){.kind = m->kind, .cum = {m->cum}, .asked_ns = m->asked_ns});
  if (o->r.state == ROUTE_UNKNOWN || o->r.state == ROUTE_QUARANTINED) unknown_answered(&o->r.probe, m->question, m->answer, w.now_ns);
}

static void ask(int i) {
  struct order_here *o = &w.o[i];
  int64_t at;
  if (o->asking || (o->r.state != ROUTE_UNKNOWN && o->r.state != ROUTE_QUARANTINED)) return;
  enum unknown_step step = unknown_next(&o->r.probe, w.now_ns, &at);
  if (step == UNKNOWN_ABSENT) event(i, (struct route_event){.kind = ROUTE_EV_ABSENT});
  else if (step == UNKNOWN_QUARANTINE) event(i, (struct route_event){.kind = ROUTE_EV_GIVE_UP});
  else if (step != UNKNOWN_WAIT) {
    o->asking = true;
    answer(i, step);
  }
}

static void deliver(void) {
  for (int k = 0; k < w.queued;) {
    if (w.queue[k].due_ns > w.now_ns) { k++; continue; }
    struct message m = w.queue[k];
    w.queue[k] = w.queue[--w.queued];
    if (m.to_venue) venue_hears(&m);
    else we_hear(&m);
    k = 0;
  }
}

static void check(void) {
  for (int a = 0; a < ACCOUNTS; a++) {
    const struct gate_symbol *s = &w.account_symbol[a];
    sub_books_check(&w.books[a]);
    assert_true(w.books[a].account[0].lots == s->lots);
    assert_true(w.position[a] <= s->lots + s->buy_lots && w.position[a] >= s->lots - s->sell_lots);
  }
  for (int b = 0; b < BOTS; b++)
    assert_true(sub_books_line(&w.books[b % ACCOUNTS], w.slot[b], 0)->lots == w.bot_symbol[b].lots);
  assert_false(last_check_tripped(w.last, 0, 1) || last_check_tripped(w.last, 1, 1));
}

static void start(uint64_t seed) {
  struct err err;
  const struct gate_limits none = {0}, bot = {.max_position_e8 = E8(600)}, account = {.max_position_e8 = E8(900)};
  memset(&w, 0, sizeof w);
  random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  w.inst = (struct instrument){.symbol = "X", .tick = {1, 0}, .lot = {1, 1}, .multiplier = {1, 0}};
  assert_int_equal(instrument_finish(&w.inst, &err), OK);
  gate_scope_init(&w.tenant, LEVEL_TENANT, &none, (cash){E8(100000)});
  halt_init(&w.halt);
  fill_set_init(&w.fills);
  w.last = last_check_create(ORDERS, 8, (struct last_budget){SEC, 1000, 0}, (struct last_budget){SEC, 1000, 0});
  assert_non_null(w.last);
  for (int a = 0; a < ACCOUNTS; a++) {
    int s;
    gate_scope_init(&w.account[a], LEVEL_ACCOUNT, &account, (cash){E8(100000)});
    gate_symbol_init(&w.account_symbol[a], &w.inst, 20000);
    resting_init(&w.resting[a]);
    assert_int_equal(sub_books_init(&w.books[a], &err), OK);
    assert_int_equal(sub_books_symbol(&w.books[a], &w.inst, &s, &err), OK);
  }
  for (int b = 0; b < BOTS; b++) {
    gate_scope_init(&w.bot[b], LEVEL_BOT, &bot, (cash){E8(100000)});
    gate_symbol_init(&w.bot_symbol[b], &w.inst, 20000);
    struct gate_path p = path_of(b);
    gate_price(&p, (price){100});
    assert_int_equal(sub_books_attach(&w.books[b % ACCOUNTS], (uint64_t)b + 1, &w.slot[b], &err), OK);
  }
}

static bool unresolved(void) {
  for (int i = 0; i < w.count; i++)
    if (w.o[i].r.state == ROUTE_UNKNOWN || w.o[i].r.state == ROUTE_QUARANTINED) return true;
  return w.queued > 0;
}

static void run(uint64_t seed) {
  start(seed);
  for (int step = 0; step < STEPS; step++) {
    w.now_ns += (int64_t)rnd(300) * MS;
    int i = w.count ? (int)rnd((uint64_t)w.count) : 0;
    switch (rnd(20)) {
    case 0: case 1: case 2: submit(); break;
    case 3: if (w.count) cancel(i); break;
    case 4: if (rnd(25) == 0) crash(); break;
    case 5: if (rnd(4) == 0) kill_switch(); break;
    case 6: case 7: if (w.count && route_live(w.o[i].r.state) && w.o[i].r.sent_ns) event(i, (struct route_event){.kind = ROUTE_EV_LOST}); break;
    case 8: case 9: case 10: case 11: if (w.count) venue_trades(i); break;
    default: for (int k = 0; k < w.count; k++) if (rnd(3) == 0) journal_and_send(k);
    }
    deliver();
    for (int k = 0; k < w.count; k++) ask(k);
    check();
  }
  w.healed = true;
  crash();
  for (int k = 0; k < 4000 && unresolved(); k++) {
    w.now_ns += 100 * MS;
    deliver();
    for (int i = 0; i < w.count; i++) ask(i);
    check();
  }
  for (int i = 0; i < w.count; i++) {
    if (route_missing(&w.o[i].r) > 0)
      for (int k = 0; k < w.v[i].fills; k++) book(i, k);
    assert_int_equal(w.o[i].r.filled.lots, w.v[i].executed);
    assert_int_equal(route_live(w.o[i].r.state), w.v[i].alive);
    assert_int_equal(w.o[i].t.open, w.v[i].alive);
  }
  check();
  for (int a = 0; a < ACCOUNTS; a++) {
    assert_int_equal(w.position[a], w.account_symbol[a].lots);
    resting_finish(&w.resting[a]);
    sub_books_finish(&w.books[a]);
  }
  fill_set_finish(&w.fills);
  last_check_destroy(w.last);
}

static void test_random_flows(void **state) {
  (void)state;
  const bool all = seeds_run(SEEDS, run);
  print_message("%d orders sent, %d denied, %d halts, %d crashes\n", sends, denials, halts, crashes);
  if (all) assert_true(sends > SEEDS * 10 && denials > SEEDS && halts > SEEDS / 4 && crashes > SEEDS);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_flows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
