// tests/unit/order/test_route_random.c – live orders against a venue that delays, repeats, reorders and drops whatever it says,
// from seeds. After every message:
//   what the venue executed  <=  booked + pending          exposure is never understated
//   booked = Σ distinct executions delivered, never falling; at most one send, and none before the journal
//   an order believed dead never reached the venue
// In the end messages get through again: every order is resolved, and what is booked is what the venue executed.
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

enum { SEEDS = 4000, STEPS = 300, MESSAGES = 512 };
#define MS INT64_C(1000000)
#define SEC (1000 * MS)

static uint64_t random_state;
static uint64_t rnd(uint64_t n) {
  random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
  return (random_state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % n;
}

// What the venue knows.
struct venue {
  bool here, alive;      // the order arrived; it is still working
  int64_t arrived_ns;
  int64_t qty, executed;
  int fills;             // its executions have numbers 0 … fills − 1
  int64_t fill_lots[64];
};
struct message {
  int64_t due_ns;
  enum { TO_VENUE, TO_US } way;
  enum route_event_kind kind;
  int64_t qty, cum, expiry_ns, asked_ns;
  uint32_t change;
  int fill;              // number of the execution, −1: none
  enum unknown_step question;
  enum unknown_answer answer;
  bool is_answer;
};
struct world {
  int64_t now_ns;
  struct route_order o;
  struct fill_set booked_keys;
  struct venue v;
  struct message queue[MESSAGES];
  int queued;
  bool healed;
  int sends;
  int64_t booked;
  bool waiting;          // for the answer to a question
  int64_t wait_until_ns;
  int64_t pending_sum;   // Σ pending_delta
};

static void check(struct world *w) {
  route_check(&w->o);
  assert_true(w->v.executed <= w->o.filled.lots + route_pending(&w->o));
  assert_true(w->o.filled.lots == w->booked && w->sends <= 1);
  assert_true(w->pending_sum == route_pending(&w->o));
  assert_true(w->o.state != ROUTE_DEAD || !w->v.here);
}

static void post(struct world *w, struct message m, int64_t longest_ms) {
  if (!w->healed && !m.is_answer && rnd(5) == 0) return;         // dropped
  int copies = !w->healed && !m.is_answer && m.way == TO_US && rnd(4) == 0 ? 2 : 1;
  for (int i = 0; i < copies; i++) {
    m.due_ns = w->now_ns + (1 + (int64_t)rnd((uint64_t)longest_ms)) * MS;
    assert_true(w->queued < MESSAGES);
    w->queue[w->queued++] = m;
  }
}

static void say(struct world *w, enum route_event_kind kind, uint32_t change, int fill) {
  post(w, (struct message){.way = TO_US, .kind = kind, .qty = kind == ROUTE_EV_MODIFIED ? w->v.qty : 0,
                           .cum = kind == ROUTE_EV_REJECTED ? 0 : w->v.executed, .change = change, .fill = fill}, 4000);
}

static void effect(struct world *w, struct route_effect e) {
  w->pending_sum += e.pending_delta;
  check(w);
}

static struct route_effect ours(struct world *w, enum route_event_kind kind, int64_t qty) {
  struct route_event ev = {.kind = kind, .qty = {qty}, .now_ns = w->now_ns, .expiry_ns = w->now_ns + 2 * SEC, .lookups = 7};
  struct route_effect e = route_apply(&w->o, &ev);
  effect(w, e);
  if (e.kind == ROUTE_REFUSE) return e;
  w->sends += kind == ROUTE_EV_SEND;
  if (kind == ROUTE_EV_SEND || kind == ROUTE_EV_CANCEL_SEND || kind == ROUTE_EV_MODIFY_SEND)
    post(w, (struct message){.way = TO_VENUE, .kind = kind, .qty = qty, .expiry_ns = ev.expiry_ns, .change = w->o.changes}, 2500);
  return e;
}

static void venue_hears(struct world *w, const struct message *m) {
  struct venue *v = &w->v;
  bool expired = w->now_ns >= m->expiry_ns;
  switch (m->kind) {
  case ROUTE_EV_SEND:
    if (expired) return say(w, ROUTE_EV_REJECTED, 0, -1);
    if (rnd(10) == 0) return say(w, ROUTE_EV_REJECTED, 0, -1);
    *v = (struct venue){.here = true, .alive = true, .qty = w->o.qty.lots, .arrived_ns = w->now_ns};
    return say(w, ROUTE_EV_ACK, 0, -1);
  case ROUTE_EV_CANCEL_SEND:
    if (expired) return;
    if (!v->alive || rnd(3) == 0) return say(w, ROUTE_EV_CANCEL_REFUSED, 0, -1);  // a venue may be too busy to cancel
    v->alive = false;
    return say(w, ROUTE_EV_CANCELED, 0, -1);
  case ROUTE_EV_MODIFY_SEND:
    if (expired) return;
    if (!v->alive || m->qty <= v->executed) return say(w, ROUTE_EV_MODIFY_REFUSED, m->change, -1);
    v->qty = m->qty;
    return say(w, ROUTE_EV_MODIFIED, m->change, -1);
  default: assert_true(false);
  }
}

static void venue_trades(struct world *w) {
  struct venue *v = &w->v;
  if (!v->alive) return;
  if (rnd(40) == 0) {
    v->alive = false;
    return say(w, ROUTE_EV_EXPIRED, 0, -1);
  }
  int64_t left = v->qty - v->executed, lots = rnd(8) == 0 ? left : 1 + (int64_t)rnd((uint64_t)left) / 6;
  v->fill_lots[v->fills] = lots;
  v->executed += lots;
  v->alive = v->executed < v->qty && v->fills < 60;
  if (v->executed < v->qty && !v->alive) say(w, ROUTE_EV_EXPIRED, 0, -1);
  say(w, ROUTE_EV_FILL_PART, 0, v->fills++);
}

static void book(struct world *w, int fill) {
  char id[16];
  int len = snprintf(id, sizeof id, "T%d", fill);
  assert_true(fill_set_reserve(&w->booked_keys, 1));
  if (!fill_set_add(&w->booked_keys, fill_key(1, 1, id, (size_t)len))) return;
  w->booked += w->v.fill_lots[fill];
  struct route_effect e = route_fill(&w->o, (price){100}, (quantity){w->v.fill_lots[fill]}, w->now_ns);
  assert_true(e.kind != ROUTE_REFUSE && !e.overfilled);
  effect(w, e);
}

// The venue's side of a question; it may not show a fresh order for a while.
static void venue_answers(struct world *w, const struct message *m) {
  struct message a = {.way = TO_US, .is_answer = true, .question = m->question, .asked_ns = m->asked_ns, .fill = -1};
  struct venue *v = &w->v;
  bool shown = v->here && w->now_ns - v->arrived_ns > 9 * SEC;
  a.answer = !w->healed && rnd(3) == 0 ? ANSWER_UNREACHABLE : ANSWER_ABSENT;
  if (a.answer == ANSWER_ABSENT && shown) {
    if (m->question == UNKNOWN_ASK_ID || (m->question == UNKNOWN_ASK_OPEN && v->alive)) {
      a.answer = ANSWER_FOUND;
      a.kind = v->alive ? ROUTE_EV_ACK : v->executed == v->qty ? ROUTE_EV_ACK : ROUTE_EV_CANCELED;
      a.qty = v->qty;
      a.cum = v->executed;
    } else if (m->question == UNKNOWN_ASK_FILLS && v->fills > 0) {
      a.answer = ANSWER_FOUND;
      a.kind = ROUTE_EV_FILL_PART;
      a.fill = v->fills;  // all below
    }
  }
  post(w, a, 200);
}

static void we_hear(struct world *w, const struct message *m) {
  if (m->is_answer) {
    w->waiting = false;
    if (m->answer == ANSWER_FOUND && m->kind == ROUTE_EV_FILL_PART)
      for (int i = 0; i < m->fill; i++) book(w, i);
    if (m->answer == ANSWER_FOUND && m->kind != ROUTE_EV_FILL_PART)
      effect(w, route_apply(&w->o, &(struct route_event){.kind = m->kind, .qty = {m->qty}, .cum = {m->cum}, .now_ns = w->now_ns,
                                                         .asked_ns = m->asked_ns}));
    if (w->o.state == ROUTE_UNKNOWN || w->o.state == ROUTE_QUARANTINED)
      unknown_answered(&w->o.probe, m->question, m->answer, w->now_ns);
    return;
  }
  if (m->fill >= 0) return book(w, m->fill);
  struct route_effect e = route_apply(&w->o, &(struct route_event){
    .kind = m->kind, .qty = {m->qty}, .cum = {m->cum}, .change = m->change, .now_ns = w->now_ns, .lookups = 7});
  assert_true(e.kind != ROUTE_REFUSE && !e.overfilled);
  effect(w, e);
}

static void ask(struct world *w) {
  int64_t at;
  if (w->waiting || (w->o.state != ROUTE_UNKNOWN && w->o.state != ROUTE_QUARANTINED)) return;
  enum unknown_step step = unknown_next(&w->o.probe, w->now_ns, &at);
  if (step == UNKNOWN_ABSENT) ours(w, ROUTE_EV_ABSENT, 0);
  else if (step == UNKNOWN_QUARANTINE) ours(w, ROUTE_EV_GIVE_UP, 0);
  else if (step != UNKNOWN_WAIT) {
    w->waiting = true;
    venue_answers(w, &(struct message){.question = step, .asked_ns = w->now_ns});
  }
}

static void deliver(struct world *w) {
  for (int i = 0; i < w->queued;) {
    if (w->queue[i].due_ns > w->now_ns) { i++; continue; }
    struct message m = w->queue[i];
    w->queue[i] = w->queue[--w->queued];
    if (m.way == TO_VENUE) venue_hears(w, &m);
    else we_hear(w, &m);
    i = 0;
  }
}

// Some orders are mostly changed, some mostly lost, some mostly traded.
static void act(struct world *w, int temper) {
  switch (rnd(24)) {
  case 0: case 1: ours(w, ROUTE_EV_JOURNALLED, 0); return;
  case 2: case 3: case 4: ours(w, ROUTE_EV_SEND, 0); return;
  case 5: if (rnd(temper == 0 ? 3 : 8) == 0) ours(w, ROUTE_EV_CANCEL_SEND, 0); return;
  case 6: if (rnd(30) == 0) ours(w, ROUTE_EV_ABANDON, 0); return;
  case 7: case 8: case 9: if (temper == 0) ours(w, ROUTE_EV_MODIFY_SEND, w->v.executed + 1 + (int64_t)rnd(60)); return;
  case 10: case 11: if (temper < 2) ours(w, ROUTE_EV_LOST, 0); return;
  case 12: case 13: case 14: if (temper != 1 || rnd(6) == 0) venue_trades(w); return;
  default: return;
  }
}

static int reached[ROUTE_STATE_COUNT];

static void run(uint64_t seed) {
  struct world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  fill_set_init(&w->booked_keys);
  route_init(&w->o, &(struct client_id){1, 1, seed}, 1, 1, 0, SIDE_BUY, (quantity){1 + (int64_t)rnd(40)});
  w->pending_sum = route_pending(&w->o);
  int temper = (int)rnd(3);
  for (int i = 0; i < STEPS; i++) {
    w->now_ns += (int64_t)rnd(400) * MS;
    int64_t filled = w->o.filled.lots, cum = w->o.cum.lots;
    act(w, temper);
    deliver(w);
    ask(w);
    reached[w->o.state]++;
    assert_true(w->o.filled.lots >= filled && w->o.cum.lots >= cum);
    check(w);
  }
  // Messages get through again; what is not over is treated as after a restart until it is resolved.
  w->healed = true;
  if (route_table(w->o.state, ROUTE_EV_LOST, &(enum route_state){0}) != ROUTE_REFUSE) ours(w, ROUTE_EV_LOST, 0);
  if (w->o.state == ROUTE_INTENT) ours(w, ROUTE_EV_ABANDON, 0);
  for (int i = 0; i < 3000 && (w->queued > 0 || w->o.state == ROUTE_UNKNOWN || w->o.state == ROUTE_QUARANTINED); i++) {
    w->now_ns += 100 * MS;
    deliver(w);
    ask(w);
  }
  if (w->o.state == ROUTE_UNKNOWN || w->o.state == ROUTE_QUARANTINED) fail_msg("seed %d: still %s", (int)seed, route_state_text(w->o.state));
  if (route_missing(&w->o) > 0)  // told of in sum only: the router fetches them
    for (int i = 0; i < w->v.fills; i++) book(w, i);
  assert_int_equal(w->queued, 0);
  assert_int_equal(w->o.filled.lots, w->v.executed);
  assert_int_equal(route_live(w->o.state), w->v.alive);
  if (!w->v.alive) assert_int_equal(route_pending(&w->o), 0);
  reached[w->o.state]++;
  fill_set_finish(&w->booked_keys);
  free(w);
}

static void test_random_venues(void **state) {
  (void)state;
  if (seeds_run(SEEDS, run))
    for (int s = 0; s < ROUTE_STATE_COUNT; s++)
      if (reached[s] == 0) fail_msg("no seed reached %s", route_state_text(s));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_venues)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
