// bot/live_ask.c – questions to a venue about orders whose outcome is unknown (order/unknown.h says which, and when).
//
// An order is asked about by its name, one question each. Lists – what is open, what was executed – are asked for once for all orders of a
// symbol that wait for them: after a restart there may be hundreds, and a venue answers some ten questions a second. A list counts for
// those that asked before the request for it was made; who comes later waits for the next.
#include "bot/live_venue.h"

#include <stdlib.h>
#include <string.h>

#define BEFORE_NS (5 * 60 * NS_PER_S)  // clocks differ, and executions may be dated before their order was known

struct live_listing {
  struct live_listing *next;
  struct live_venue *venue;
  enum unknown_step question;
  char symbol[VENUE_SYMBOL_MAX];
  bool out;                              // a request is under way, for those in `asked`
  struct live_request *asked, *waiting;
};

static void answered(struct live_request *r, enum unknown_answer answer) {
  struct live_mail m = {.bot_id = r->bot_id, .kind = HEARD_ASKED, .u.asked = {.order = r->order, .question = r->question, .answer = answer}};
  live_venue_post(r->venue, &m);
  live_request_end(r);
}

static bool gone(const struct venue_reply *r) { return r->outcome == VENUE_REFUSED && r->why == VENUE_WHY_NOT_FOUND; }

static void tell_orders(struct live_request *r, const struct venue_reply *reply, const struct venue_order *list, size_t count) {
  if (reply->outcome != VENUE_ACCEPTED) {
    answered(r, gone(reply) ? ANSWER_ABSENT : ANSWER_UNREACHABLE);
    return;
  }
  bool found = false;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(list[i].ref.client_id, r->client_id) != 0) continue;
    struct live_mail m = {.bot_id = r->bot_id, .kind = HEARD_ORDER, .u.order = {.order = list[i], .asked_ns = r->asked_ns}};
    live_venue_post(r->venue, &m);
    found = true;
  }
  answered(r, found ? ANSWER_FOUND : ANSWER_ABSENT);
}

static void tell_fills(struct live_request *r, const struct venue_reply *reply, const struct venue_fill *list, size_t count) {
  if (reply->outcome != VENUE_ACCEPTED) {
    answered(r, ANSWER_UNREACHABLE);
    return;
  }
  bool found = false;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(list[i].ref.client_id, r->client_id) != 0) continue;
    struct live_mail m = {.bot_id = r->bot_id, .kind = HEARD_FILL, .u.fill = list[i]};
    live_venue_post(r->venue, &m);
    found = true;
  }
  answered(r, found ? ANSWER_FOUND : ANSWER_ABSENT);
}

// ---- by name

static void on_order(void *arg, const struct venue_reply *reply, const struct venue_order *list, size_t count) {
  struct live_request *r = arg;
  struct live_venue *v = r->venue;
  tell_orders(r, reply, list, count);
  live_venue_drain(v);
}

// ---- lists

static void list_ask(struct live_listing *l);

// Those that waited for this one are answered; those that came meanwhile get theirs.
static void list_over(struct live_listing *l) {
  struct live_venue *v = l->venue;
  l->out = false;
  if (l->waiting) list_ask(l);
  live_venue_drain(v);
}

static void on_open(void *arg, const struct venue_reply *reply, const struct venue_order *list, size_t count) {
  struct live_listing *l = arg;
  for (struct live_request *r = l->asked, *next; r; r = next) next = r->beside, tell_orders(r, reply, list, count);
  l->asked = NULL;
  list_over(l);
}
static void on_fills(void *arg, const struct venue_reply *reply, const struct venue_fill *list, size_t count) {
  struct live_listing *l = arg;
  for (struct live_request *r = l->asked, *next; r; r = next) next = r->beside, tell_fills(r, reply, list, count);
  l->asked = NULL;
  list_over(l);
}

static void list_ask(struct live_listing *l) {
  const struct venue *s = &l->venue->venue;
  const int64_t now_ns = s->ops->now_ns(s->self);
  int64_t since_ns = INT64_MAX;
  l->asked = l->waiting;
  l->waiting = NULL;
  l->out = true;
  for (struct live_request *r = l->asked; r; r = r->beside) {
    r->asked_ns = now_ns;
    if (r->since_ns < since_ns) since_ns = r->since_ns;
  }
  if (l->question == UNKNOWN_ASK_OPEN) s->ops->open_orders(s->self, l->symbol, on_open, l);
  else s->ops->fills(s->self, l->symbol, since_ns > BEFORE_NS ? since_ns - BEFORE_NS : 0, on_fills, l);
}

static struct live_listing *listing_of(struct live_venue *v, enum unknown_step question, const char *symbol) {
  for (struct live_listing *l = v->listings; l; l = l->next)
    if (l->question == question && strcmp(l->symbol, symbol) == 0) return l;
  struct live_listing *l = calloc(1, sizeof *l);
  if (!l) return NULL;
  l->venue = v;
  l->question = question;
  memcpy(l->symbol, symbol, sizeof l->symbol);
  l->next = v->listings;
  return v->listings = l;
}

void live_venue_ask(void *self, uint64_t bot, uint64_t order, enum unknown_step question, const struct venue_ref *ref, int64_t since_ns) {
  struct live_venue *v = self;
  struct live_listing *l = question == UNKNOWN_ASK_ID ? NULL : listing_of(v, question, ref->symbol);
  struct live_request *r = question == UNKNOWN_ASK_ID || l ? live_request(v, bot, order) : NULL;
  if (!r) {
    struct live_mail m = {.bot_id = (int64_t)bot, .kind = HEARD_ASKED, .u.asked = {.order = order, .question = question, .answer = ANSWER_UNREACHABLE}};
    live_venue_post(v, &m);
    return;
  }
  r->asks = true;
  r->question = question;
  r->since_ns = since_ns;
  memcpy(r->client_id, ref->client_id, sizeof r->client_id);
  if (!l) {
    v->venue.ops->order(v->venue.self, ref, on_order, r);
    return;
  }
  r->beside = l->waiting;
  l->waiting = r;
  if (!l->out) list_ask(l);
}

void live_venue_unasked(struct live_venue *v) {
  for (struct live_listing *l; (l = v->listings);) {
    v->listings = l->next;
    free(l);
  }
}
