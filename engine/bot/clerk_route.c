// bot/clerk_route.c – orders whose venue has not answered: UNKNOWN until a question proves what became of them (order/route, order/unknown).
//
// The paper venue always answers, unless its account's settings say how often an answer is lost (struct clerk_faults): then an order that
// was journalled and sent is UNKNOWN, and the machinery that a real venue needs runs. While it lasts, the order counts as exposure with all
// of its lots, like any that works; nothing is sent again; the market does not meet it, as the answer to the question comes later than
// the order itself. What is proven – it works, or it never arrived – is imposed, so that script and journal have it.
#include "bot/clerk_impl.h"

#include <assert.h>
#include <stdlib.h>

#define FRAC_ONE INT64_C(100000000)
#define QUESTIONS_MAX 8  // of one look: a round of three, and what follows from it

struct clerk_lost {
  uint64_t id;
  struct route_order route;
  uint32_t unanswered;  // questions that the venue did not answer
};

// The same decision has the same fate, after a restart too.
static int64_t draw(const struct clerk *c, uint64_t id, uint64_t what) {
  uint64_t x = c->bot_id * UINT64_C(0x9e3779b97f4a7c15) + clerk_name(c, id).intent * UINT64_C(0xbf58476d1ce4e5b9) + what;
  x ^= x >> 30, x *= UINT64_C(0xbf58476d1ce4e5b9), x ^= x >> 27, x *= UINT64_C(0x94d049bb133111eb), x ^= x >> 31;
  return (int64_t)(x % (uint64_t)FRAC_ONE);
}

static struct route_effect tell(struct clerk_lost *l, enum route_event_kind kind, int64_t now_ns, int64_t asked_ns) {
  return route_apply(&l->route, &(struct route_event){.kind = kind, .now_ns = now_ns, .asked_ns = asked_ns, .expiry_ns = now_ns,
                                                      .lookups = LOOKUP_ID | LOOKUP_OPEN | LOOKUP_FILLS});
}

static struct clerk_lost *add(struct clerk *c, const struct order *o) {
  const struct clerk_symbol *s = clerk_symbol_of(c, o->symbol, o->leg);
  const struct client_id name = clerk_name(c, o->id);
  clerk_room((void **)&c->lost, &c->lost_cap, c->lost_count + 1, sizeof *c->lost);
  struct clerk_lost *l = &c->lost[c->lost_count++];
  *l = (struct clerk_lost){.id = o->id};
  route_init(&l->route, &name, c->account->id, s->path.venue_id, o->symbol, o->side, o->qty);
  tell(l, ROUTE_EV_JOURNALLED, c->now_ns, 0);
  tell(l, ROUTE_EV_SEND, c->now_ns, 0);
  const struct route_effect e = tell(l, ROUTE_EV_LOST, c->now_ns, 0);
  assert(e.to == ROUTE_UNKNOWN && route_pending(&l->route) == o->qty.lots);
  return l;
}

void clerk_route_sent(struct clerk *c, uint64_t id) {
  const struct order *o = matcher_order(c->blotter.matcher, id);
  if (c->faults.lost_frac_e8 == 0 || draw(c, id, 1) >= c->faults.lost_frac_e8) return;
  if (!o || o->filled.lots > 0 || (o->status != ORDER_SENT && o->status != ORDER_OPEN)) return;
  add(c, o);
  clerk_impose(c, &(struct bot_command){.kind = COMMAND_LOST, .id = id});
}

void clerk_route_restored(struct clerk *c) {
  for (size_t i = 0; i < c->order_count; i++) {
    const struct order *o = matcher_order(c->blotter.matcher, c->orders[i].id);
    if (o->status == ORDER_UNKNOWN) add(c, o);
  }
}

// What the venue says when it is asked.
static enum unknown_answer answer(const struct clerk *c, struct clerk_lost *l) {
  if (l->unanswered < c->faults.unanswered) return l->unanswered++, ANSWER_UNREACHABLE;
  return draw(c, l->id, 2) < c->faults.absent_frac_e8 ? ANSWER_ABSENT : ANSWER_FOUND;
}

static void found(struct clerk *c, struct clerk_lost *l, enum reason why) {
  const struct route_effect e = tell(l, why == REASON_NONE ? ROUTE_EV_ACK : ROUTE_EV_ABSENT, c->now_ns, c->now_ns);
  assert(e.to == (why == REASON_NONE ? ROUTE_OPEN : ROUTE_DEAD));
  clerk_impose(c, &(struct bot_command){.kind = COMMAND_FOUND, .id = l->id, .why = why});
}

static void ask(struct clerk *c, struct clerk_lost *l) {
  int64_t at_ns;
  for (int i = 0; i < QUESTIONS_MAX; i++) {
    const enum unknown_step step = unknown_next(&l->route.probe, c->now_ns, &at_ns);
    if (step == UNKNOWN_WAIT) return;
    if (step == UNKNOWN_QUARANTINE) {
      tell(l, ROUTE_EV_GIVE_UP, c->now_ns, 0);
      clerk_tell_intervened(c, REASON_VENUE, "the venue has not told what became of an order; it counts as executed, and is asked about still");
      continue;
    }
    if (step == UNKNOWN_ABSENT) return found(c, l, REASON_ABSENT);
    const enum unknown_answer said = answer(c, l);
    unknown_answered(&l->route.probe, step, said, c->now_ns);
    if (said == ANSWER_FOUND) return found(c, l, REASON_NONE);
  }
}

void clerk_route_look(struct clerk *c) {
  size_t kept = 0;
  for (size_t i = 0; i < c->lost_count; i++) {
    struct clerk_lost *l = &c->lost[i];
    const struct order *o = matcher_order(c->blotter.matcher, l->id);
    // Nothing is asked in the instant in which it was lost. An end – cancelled, expired – is proof.
    if (o && o->status == ORDER_UNKNOWN && c->now_ns > l->route.probe.since_ns) ask(c, l);
    o = matcher_order(c->blotter.matcher, l->id);
    if (o && o->status == ORDER_UNKNOWN) c->lost[kept++] = *l;
  }
  c->lost_count = kept;
}
