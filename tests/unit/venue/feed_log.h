// tests/unit/venue/feed_log.h – for tests of feeds: everything a feed said, and the promises of feed.h that hold for all of them.
#pragma once
#include "market/event_order.h"
#include "venue/feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct feed_log {
  struct feed_event *events;  // notes are counted, not kept
  size_t count, cap;
  size_t notes[FEED_NOTE_COUNT];
  char note[512];        // the last one's text
  uint64_t more;         // that it stands for
  int64_t through_ns;    // the last promise
};

static inline void log_event(void *self, const struct feed_event *e) {
  struct feed_log *l = self;
  if (e->kind == FEED_NOTE) {
    l->notes[e->u.note.code]++;
    snprintf(l->note, sizeof l->note, "%s", e->u.note.text);
    l->more = e->u.note.more;
    return;
  }
  assert_true(e->time_ns > l->through_ns);  // nothing that was promised not to come
  if (l->count > 0) assert_true(e->time_ns >= l->events[l->count - 1].time_ns);
  if (l->count == l->cap) {
    l->cap = l->cap ? l->cap * 2 : 1024;
    l->events = realloc(l->events, l->cap * sizeof *l->events);
    assert_non_null(l->events);
  }
  l->events[l->count++] = *e;
}

static inline void log_init(struct feed_log *l) { *l = (struct feed_log){.through_ns = INT64_MIN}; }
static inline void log_finish(struct feed_log *l) {
  free(l->events);
  log_init(l);
}

static inline struct feed_progress log_poll(struct feed f, int64_t now_ns, size_t max_events, struct feed_log *l) {
  struct feed_progress p;
  struct err err;
  size_t before = l->count;
  assert_int_equal(feed_poll(f, now_ns, max_events, &(struct feed_sink){l, log_event}, &p, &err), OK);
  assert_int_equal(p.events, l->count - before);
  assert_true(p.through_ns >= l->through_ns);
  if (l->count > 0 && p.through_ns != INT64_MIN && p.events < max_events) assert_true(p.through_ns >= l->events[l->count - 1].time_ns);
  l->through_ns = p.through_ns;
  return p;
}

static inline bool events_equal(const struct feed_event *a, const struct feed_event *b) {
  if (a->kind != b->kind || a->time_ns != b->time_ns) return false;
  if (a->kind == FEED_TRADE) return a->u.trade.px.ticks == b->u.trade.px.ticks && a->u.trade.volume == b->u.trade.volume;
  if (a->kind == FEED_QUOTE) return a->u.quote.bid.ticks == b->u.quote.bid.ticks && a->u.quote.ask.ticks == b->u.quote.ask.ticks;
  const struct bar *x = &a->u.bar, *y = &b->u.bar;
  return x->open_ns == y->open_ns && x->open.ticks == y->open.ticks && x->high.ticks == y->high.ticks && x->low.ticks == y->low.ticks &&
         x->close.ticks == y->close.ticks && x->volume == y->volume && x->flags == y->flags;
}

static inline bool same_bar(const struct bar *x, const struct bar *y) {
  return x->open_ns == y->open_ns && x->open.ticks == y->open.ticks && x->high.ticks == y->high.ticks && x->low.ticks == y->low.ticks &&
         x->close.ticks == y->close.ticks && x->volume == y->volume && x->flags == y->flags;
}
