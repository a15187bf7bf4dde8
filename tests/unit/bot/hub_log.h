// tests/unit/bot/hub_log.h – for tests of the hub: everything it gave out, and what must hold for each instant.
#pragma once
#include "bot/hub.h"
#include "market/event_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

#define HUB_LOG_SERIES 64

struct hub_log {
  struct hub *hub;
  struct hub_instant **instants;
  size_t count, cap, recorded;
  int64_t last_ns[8];               // by venue
  size_t notes[HUB_NOTE_COUNT];
  char note[512];                   // the last one's text
  size_t told[HUB_NOTE_COUNT], stands_for[HUB_NOTE_COUNT];  // to those who read a symbol
  int64_t told_timeframe_ns;        // of the last gap
  uint32_t drop;                    // dropped inside the sink at the next instant
  size_t enough;                    // behind when so many instants came; 0: never
};

static inline void hub_log_record(void *self, const struct hub_instant *in) {
  struct hub_log *l = self;
  assert_int_equal(l->recorded, l->count);  // before the other
  assert_true(in->count > 0);
  l->recorded++;
}

static inline void hub_log_instant(void *self, struct hub_instant *in) {
  struct hub_log *l = self;
  assert_true(in->count > 0);
  assert_true(l->last_ns[in->venue] == 0 || in->now_ns > l->last_ns[in->venue]);
  l->last_ns[in->venue] = in->now_ns;
  const struct series *before = NULL;
  for (size_t i = 0; i < in->count; i++) {
    const struct series *s = hub_series(l->hub, in->bars[i].series);
    assert_non_null(s);
    assert_int_equal(hub_series_venue(l->hub, in->bars[i].series), in->venue);
    assert_true(in->bars[i].bar.open_ns + s->timeframe_ns == in->now_ns);
    assert_true(hub_live_from(l->hub, in->bars[i].series) == in->now_ns);
    if (before)  // strictly in order, so none comes twice
      assert_true(bar_key_compare(&(struct bar_key){in->now_ns, before->timeframe_ns, before->inst.symbol},
                                  &(struct bar_key){in->now_ns, s->timeframe_ns, s->inst.symbol}) < 0);
    before = s;
  }
  if (l->count == l->cap) {
    l->cap = l->cap ? l->cap * 2 : 256;
    l->instants = realloc(l->instants, l->cap * sizeof(struct hub_instant *));
    assert_non_null(l->instants);
  }
  l->instants[l->count++] = hub_instant_ref(in);
  if (l->drop) hub_drop(l->hub, l->drop);
  l->drop = 0;
}

static inline void hub_log_note(void *self, const struct hub_note *note) {
  struct hub_log *l = self;
  l->notes[note->code] += 1 + note->untold;
  snprintf(l->note, sizeof l->note, "%s", note->text);
}

static inline void hub_log_symbol_note(void *self, const struct hub_note *note) {
  struct hub_log *l = self;
  assert_true(hub_note_of_data(note->code) && note->symbol && note->count > 0);
  l->told[note->code]++;
  l->stands_for[note->code] += note->count + note->untold;
  if (note->code == HUB_NOTE_GAP) l->told_timeframe_ns = note->timeframe_ns;
}

static inline bool hub_log_behind(void *self) {
  const struct hub_log *l = self;
  return l->enough && l->count >= l->enough;
}

static inline void hub_log_create(struct hub_log *l, struct hub_config config) {
  struct err err;
  *l = (struct hub_log){0};
  config.sink = (struct hub_sink){.self = l, .record = hub_log_record, .instant = hub_log_instant, .note = hub_log_note, .symbol_note = hub_log_symbol_note, .behind = hub_log_behind};
  assert_int_equal(hub_create(&config, &l->hub, &err), OK);
}

static inline void hub_log_forget(struct hub_log *l) {
  for (size_t i = 0; i < l->count; i++) hub_instant_unref(l->instants[i]);
  l->count = l->recorded = 0;
}

static inline void hub_log_finish(struct hub_log *l) {
  hub_destroy(l->hub);  // instants live on
  hub_log_forget(l);
  free(l->instants);
}

static inline uint32_t hub_log_want(struct hub_log *l, const char *venue, const char *symbol, int64_t timeframe_ns) {
  struct err err;
  uint32_t id = 0;
  if (hub_want(l->hub, venue, symbol, timeframe_ns, &id, &err) != OK) fail_msg("%s", err.msg);
  assert_true(id > 0);
  return id;
}

// Polls until nothing is due at now.
static inline int64_t hub_log_poll(struct hub_log *l, int64_t now_ns) {
  int64_t next_ns;
  while ((next_ns = hub_poll(l->hub, now_ns)) <= now_ns) continue;
  return next_ns;
}

// A series' bars, as they came. Finish it.
static inline struct series hub_log_bars(const struct hub_log *l, uint32_t id) {
  struct series s = {0};
  for (size_t i = 0; i < l->count; i++)
    for (size_t k = 0; k < l->instants[i]->count; k++)
      if (l->instants[i]->bars[k].series == id) assert_int_equal(series_append(&s, &l->instants[i]->bars[k].bar, NULL), OK);
  return s;
}

static inline bool hub_same_bar(const struct bar *x, const struct bar *y) {
  return x->open_ns == y->open_ns && x->open.ticks == y->open.ticks && x->high.ticks == y->high.ticks && x->low.ticks == y->low.ticks &&
         x->close.ticks == y->close.ticks && x->volume == y->volume && x->flags == y->flags;
}

static inline void assert_same_bars(const struct bar *x, const struct bar *y, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!hub_same_bar(&x[i], &y[i]))
      fail_msg("bar %zu: opens %lld and %lld, closes %lld and %lld, flags %u and %u", i, (long long)(x[i].open_ns / NS_PER_S),
        (long long)(y[i].open_ns / NS_PER_S), (long long)x[i].close.ticks, (long long)y[i].close.ticks, x[i].flags, y[i].flags);
}

static inline uint64_t hub_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  return *state ^= *state << 17;
}
