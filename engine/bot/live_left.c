// bot/live_left.c – orders that are at a venue while their bot has no books: what it did could not be journalled (live_batch.c), or its books
// are being opened anew. The kill switch works without books, with the disk full: what could open there is cancelled, as often as it takes
// until the venue knows nothing of it. Exits stay. Nothing is written of it: the bot's books learn of it as of all that happened meanwhile,
// when they are open again.
#include "bot/live_venue.h"

#include "loop/clock.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_NS NS_PER_S             // no proper answer, or it may only now be on its way there
#define TAKEN_NS (5 * NS_PER_S)       // the venue has taken it, and tells of its end; if it does not
#define FRESH_NS (5 * NS_PER_S)       // so long after the last request of an order could arrive, a venue may say that there is none
#define ABSENT_MOST 2                 // by either kind of name that a venue may keep it under (venue_ref.waits)

static struct live_left **place_of(struct live_venue *v, const char *client_id) {
  struct live_left **at = &v->left;
  while (*at && strcmp((*at)->ref.client_id, client_id) != 0) at = &(*at)->next;
  return at;
}

// Whoever is being cancelled goes with the answer. Returns the next one's place.
static struct live_left **drop(struct live_left **at) {
  struct live_left *e = *at;
  e->over = true;
  if (e->asking) return &e->next;
  *at = e->next;
  free(e);
  return at;
}

void live_left_keep(struct live_venue *v, const struct live_bot *b) {
  const int64_t sure_ns = clock_monotonic_ns() + v->venue.ops->caps(v->venue.self).expiry_ms * NS_PER_MS + FRESH_NS;
  struct clerk_left o;
  for (size_t pos = 0; clerk_remote_left(b->clerk, &pos, &o);) {
    struct live_left **at = place_of(v, o.ref.client_id), *e = *at ? *at : calloc(1, sizeof *e);
    if (!e) {
      v->live->config.log(v->live->config.self, "error", "orders_not_kept", json_pack("{s:I, s:s}", "account", (json_int_t)v->account_id, "order", o.ref.client_id));
      continue;
    }
    const bool asking = e->asking;
    *e = (struct live_left){.next = e->next, .venue = v, .bot_id = b->id, .tenant_id = b->tenant_id, .halt_venue = o.halt_venue, .ref = o.ref, .opens = o.opens,
                            .asking = asking, .sure_ns = sure_ns};
    *at = e;
  }
  live_left_look(v);
}

void live_left_forget(struct live_venue *v, int64_t bot_id) {
  for (struct live_left **at = &v->left; *at;) at = (*at)->bot_id == bot_id ? drop(at) : &(*at)->next;
}

void live_left_seen(struct live_venue *v, const struct venue_order *o) {
  struct live_left **at = place_of(v, o->ref.client_id);
  if (!*at) return;
  (*at)->absent = 0;
  (*at)->ref.waits = o->ref.waits;
  if (o->state != VENUE_ORDER_OPEN) drop(at);
}

static void answered(void *arg, const struct venue_reply *r) {
  struct live_left *e = arg;
  struct live_venue *v = e->venue;
  const int64_t now_ns = clock_monotonic_ns();
  const bool absent = r->outcome == VENUE_REFUSED && (r->why == VENUE_WHY_NOT_FOUND || r->why == VENUE_WHY_DONE);
  e->asking = false;
  e->due_ns = now_ns + (r->outcome == VENUE_ACCEPTED ? TAKEN_NS : RETRY_NS);
  if (absent) e->ref.waits = !e->ref.waits;
  if (absent && now_ns >= e->sure_ns) e->absent++;
  if (e->over || e->absent >= ABSENT_MOST) drop(place_of(v, e->ref.client_id));
  live_left_look(v);
}

static bool halted(const struct live *l, const struct live_left *e) {
  const struct halt_entry *entry;
  const struct halt_order of = {.venue = e->halt_venue, .tenant = (uint64_t)e->tenant_id, .bot = (uint64_t)e->bot_id};
  const enum halt_mode mode = halt_mode_of(&l->halt, &of, &entry);
  return mode >= HALT_SILENT || (mode == HALT_REDUCE && e->opens);
}

void live_left_look(struct live_venue *v) {
  const char *why;
  if (!v->left || v->live->closing || v->venue.ops->state(v->venue.self, &why) != VENUE_STATE_READY) return;  // a connection looks again
  const int64_t now_ns = clock_monotonic_ns();
  int64_t next_ns = INT64_MAX;
  for (struct live_left *e = v->left; e; e = e->next) {
    if (e->asking || e->over || !halted(v->live, e)) continue;
    if (now_ns < e->due_ns) {
      if (e->due_ns < next_ns) next_ns = e->due_ns;
      continue;
    }
    e->asking = true;
    v->venue.ops->cancel(v->venue.self, &e->ref, answered, e);
  }
  if (next_ns < INT64_MAX) live_venue_look(v, next_ns);
}

void live_left_unanswered(struct live_venue *v) {
  for (struct live_left **at = &v->left; *at;) {
    (*at)->asking = false;
    at = (*at)->over ? drop(at) : &(*at)->next;
  }
}

void live_left_close(struct live_venue *v) {
  for (struct live_left *e = v->left, *next; e; e = next) next = e->next, free(e);
  v->left = NULL;
}
