// bot/live_clock.c – what happens between bars: bots whose timers are due, or for whom something waits, are called to an instant of
// their venue's clock.
//
// Who is due stands in a heap for each venue. The hub asks for its head (hub_sink.clock) and gives out an instant then; a host that takes
// it, or any other instant of that time or later, is told which of its bots it concerns. A bot that is called is out of the heap until its
// host tells of its next timer.
#include "bot/live_impl.h"

#include <assert.h>
#include <stdlib.h>

static int64_t due_of(const struct live_bot *b) {
  const int64_t timer_ns = b->opened ? b->timer_ns : INT64_MAX;  // without a script nothing hears it
  const int64_t tick_ns = live_tick_due(b), soon_ns = b->soon_ns < tick_ns ? b->soon_ns : tick_ns;
  const int64_t core_ns = soon_ns < b->news_ns ? soon_ns : b->news_ns;
  const int64_t due_ns = b->opened || b->place == LIVE_HOSTLESS ? (timer_ns < core_ns ? timer_ns : core_ns) : INT64_MAX;
  return due_ns > b->run_from_ns ? due_ns : b->run_from_ns + 1;  // before, no instant is its own, and one that nobody serves would keep the others from theirs
}

// ---- the heap

static void put(struct live_clock *c, size_t i, struct live_bot *b) {
  c->bots[i] = b;
  b->clock_at = i + 1;
}

static void up(struct live_clock *c, size_t i) {
  struct live_bot *b = c->bots[i];
  for (size_t parent; i > 0 && c->bots[parent = (i - 1) / 2]->clock_ns > b->clock_ns; i = parent) put(c, i, c->bots[parent]);
  put(c, i, b);
}

static void down(struct live_clock *c, size_t i) {
  struct live_bot *b = c->bots[i];
  for (size_t child; (child = 2 * i + 1) < c->count; i = child) {
    if (child + 1 < c->count && c->bots[child + 1]->clock_ns < c->bots[child]->clock_ns) child++;
    if (c->bots[child]->clock_ns >= b->clock_ns) break;
    put(c, i, c->bots[child]);
  }
  put(c, i, b);
}

// The head was given out, perhaps, and the hub told of nobody behind it: it is told of who is first now.
static void take_out(struct live_clock *c, struct live_bot *b) {
  const size_t i = b->clock_at - 1;
  struct live *l = b->live;
  const int venue = b->venue;
  b->clock_at = 0;
  struct live_bot *last = c->bots[--c->count];
  if (last != b) {
    put(c, i, last);
    up(c, i);
    down(c, last->clock_at - 1);
  }
  if (i == 0 && c->count > 0 && !c->asked && !l->closing) hub_clock_changed(l->hub, venue);
}

static bool room(struct live_clock *c) {
  if (c->count < c->cap) return true;
  const size_t cap = c->cap ? 2 * c->cap : 64;
  struct live_bot **more = realloc(c->bots, cap * sizeof(struct live_bot *));
  if (!more) return false;
  c->bots = more;
  c->cap = cap;
  return true;
}

// ---- who is due

void live_clock_update(struct live_bot *b) {
  struct live_clock *c = &b->live->clocks[b->venue];
  const int64_t due_ns = b->clerk ? due_of(b) : INT64_MAX;
  if (due_ns == INT64_MAX) {
    if (b->clock_at) take_out(c, b);
    return;
  }
  if (!b->clock_at) {
    if (!room(c)) return;  // it runs with its next bar
    b->clock_ns = due_ns;
    put(c, c->count++, b);
    up(c, c->count - 1);
  } else if (due_ns != b->clock_ns) {
    b->clock_ns = due_ns;
    up(c, b->clock_at - 1);
    down(c, b->clock_at - 1);
  }
  if (c->bots[0] == b && !c->asked && !b->live->closing) hub_clock_changed(b->live->hub, b->venue);
}

void live_clock_soon(struct live_bot *b) {
  if (!b->clerk || b->soon_ns != INT64_MAX) return;
  b->soon_ns = hub_clock_soon(b->live->hub, b->venue);
  live_clock_update(b);
}

void live_clock_drop(struct live_bot *b) {
  if (b->clock_at) take_out(&b->live->clocks[b->venue], b);
  b->timer_ns = b->soon_ns = b->news_ns = INT64_MAX;
}

void live_clock_served(struct live_bot *b, int64_t now_ns) {
  if (b->timer_ns <= now_ns) b->timer_ns = INT64_MAX;  // its host tells the next one
  if (b->news_ns <= now_ns) b->news_ns = INT64_MAX;
  b->soon_ns = INT64_MAX;
  live_clock_update(b);
}

int64_t live_clock_next(void *self, int venue) {
  struct live *l = self;
  struct live_clock *c = &l->clocks[venue];
  c->asked = true;
  while (c->count > 0 && due_of(c->bots[0]) != c->bots[0]->clock_ns) live_clock_update(c->bots[0]);  // it has left its host
  c->asked = false;
  return c->count > 0 ? c->bots[0]->clock_ns : INT64_MAX;
}

// ---- who is called

static bool wanted(const struct live_bot *b, int place) {
  return b->place == place && b->clerk && due_of(b) == b->clock_ns && (place == LIVE_HOSTLESS || fleet_is_open(b->live->fleet, b->id));
}

// At most `most` of those of a place that are due by now_ns. Nothing below one that is not due is.
static size_t find_due(const struct live_clock *c, size_t i, int place, int64_t now_ns, size_t most, struct live_bot **ret) {
  if (i >= c->count || c->bots[i]->clock_ns > now_ns) return 0;
  size_t count = 0;
  if (wanted(c->bots[i], place)) {
    if (ret) ret[count] = c->bots[i];
    count++;
  }
  for (size_t child = 2 * i + 1; child <= 2 * i + 2 && count < most; child++) count += find_due(c, child, place, now_ns, most - count, ret ? ret + count : NULL);
  return count;
}

bool live_calls(void *self, int host, const struct hub_instant *in) {
  const struct live *l = self;
  return find_due(&l->clocks[in->venue], 0, host, in->now_ns, 1, NULL) > 0;
}

size_t live_clock_due(struct live *l, int place, const struct hub_instant *in, struct live_bot *const **ret) {
  const struct live_clock *c = &l->clocks[in->venue];
  if (l->due_cap < c->count) {
    struct live_bot **more = realloc(l->due, c->cap * sizeof(struct live_bot *));
    if (!more) return 0;
    l->due = more;
    l->due_cap = c->cap;
  }
  *ret = l->due;
  return find_due(c, 0, place, in->now_ns, c->count, l->due);
}
