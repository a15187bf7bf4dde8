// bot/hub_ahead.c – histories that take long are made aside: a thousand days of a synthetic market are a million and a half minutes.
#include "bot/hub_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 30000  // finest bars that may be made while everybody waits: some 15 ms

static struct hub_past *past_of(const struct hub_venue *v, const char *symbol, int64_t timeframe_ns) {
  struct hub_past *p = v->past;
  while (p && (p->bars.timeframe_ns != timeframe_ns || strcmp(p->symbol, symbol) != 0)) p = p->next;
  return p;
}

static int64_t end_of(const struct series *s) { return s->count ? s->bars[s->count - 1].open_ns + s->timeframe_ns : INT64_MIN; }

bool hub_ahead_wanted(struct hub *h, const char *venue, const char *symbol, int64_t timeframe_ns, size_t bars, struct hub_ahead *ret) {
  struct hub_venue *v = hub_venue_of(h, venue, NULL);
  struct feed_symbol info;
  if (!v || !v->config.anywhere || bars > HUB_HISTORY_MAX || feed_describe(v->config.feed, symbol, &info, NULL) != OK) return false;
  const int64_t base_ns = hub_base_ns(v, &info), time_ns = hub_venue_time(v);
  if (timeframe_ns % base_ns != 0 || (int64_t)bars > INT64_MAX / 8 / timeframe_ns || (int64_t)bars * (timeframe_ns / base_ns) <= AT_ONCE) return false;
  const struct hub_symbol *s = hub_symbol_of(v, symbol);
  for (int i = 0; s && i < s->line_count; i++)
    if (s->lines[i]->memory.timeframe_ns == timeframe_ns && s->lines[i]->memory.count >= bars) return false;
  const struct hub_past *p = past_of(v, symbol, timeframe_ns);
  if (p && p->bars.count >= bars && (time_ns - end_of(&p->bars)) / base_ns <= AT_ONCE) return false;
  *ret = (struct hub_ahead){.venue = v->index, .feed = v->config.feed, .timeframe_ns = timeframe_ns, .to_ns = timeframe_floor(time_ns, timeframe_ns)};
  ret->from_ns = ret->to_ns - (int64_t)(bars + bars / 8 + 8) * timeframe_ns;  // some may be missing
  if (ret->from_ns < 0) ret->from_ns = 0;
  snprintf(ret->symbol, sizeof ret->symbol, "%s", symbol);
  return ret->to_ns > 0;
}

// In pieces, each of whole bars, so that somebody can see it move.
#define PIECES 32

enum status hub_ahead_make(struct hub_ahead *a, bool (*progress)(void *self, unsigned permille), void *self, struct err *err) {
  const int64_t from_ns = timeframe_floor(a->from_ns, a->timeframe_ns), bars = (a->to_ns - from_ns) / a->timeframe_ns;
  enum status st = OK;
  for (int i = 0; st == OK && i < PIECES; i++) {
    const int64_t begin_ns = i ? from_ns + bars * i / PIECES * a->timeframe_ns : a->from_ns, end_ns = i + 1 < PIECES ? from_ns + bars * (i + 1) / PIECES * a->timeframe_ns : a->to_ns;
    struct series piece;
    if (progress && !progress(self, (unsigned)(1000 * i / PIECES))) st = err_set(err, ERR_CANCELLED, "nobody waits for it any more");
    if (st != OK || (begin_ns >= end_ns && a->bars.timeframe_ns)) continue;
    st = feed_history(a->feed, a->symbol, a->timeframe_ns, begin_ns, end_ns, &piece, err);
    if (st != OK) break;
    if (!a->bars.timeframe_ns) {
      a->bars = piece;
      continue;
    }
    st = series_reserve(&a->bars, a->bars.count + piece.count, err);
    for (size_t k = 0; st == OK && k < piece.count; k++) st = series_append(&a->bars, &piece.bars[k], err);
    series_finish(&piece);
  }
  if (st != OK) series_finish(&a->bars);
  if (st != OK) a->bars = (struct series){0};
  return st;
}

void hub_ahead_take(struct hub *h, struct hub_ahead *a) {
  struct hub_venue *v = h->venues[a->venue];
  struct hub_past *p = past_of(v, a->symbol, a->timeframe_ns);
  if (!p && (p = calloc(1, sizeof *p))) {
    memcpy(p->symbol, a->symbol, sizeof p->symbol);
    p->next = v->past;
    v->past = p;
  }
  if (!p) series_finish(&a->bars);
  if (!p) return;
  series_finish(&p->bars);
  p->bars = a->bars;
  a->bars = (struct series){0};
}

enum status hub_past_prepend(const struct hub_line *l, int64_t through_ns, struct series *out, struct err *err) {
  const struct hub_symbol *s = l->symbol;
  const struct hub_past *p = past_of(s->venue, s->name, out->timeframe_ns);
  if (!p || p->bars.count == 0 || end_of(&p->bars) > through_ns) return OK;
  struct series tail, copy = p->bars;
  enum status st = hub_feed_bars(s, out->timeframe_ns, end_of(&p->bars), through_ns, &tail, err);
  if (st != OK) return st;
  if (out->count == 0) st = hub_add_last_bucket(s, &tail, end_of(&p->bars), through_ns, err);
  if (st == OK) st = hub_prepend(out, &tail, err);
  else series_finish(&tail);
  copy.bars = NULL;
  copy.count = copy.cap = 0;
  if (st == OK) st = series_reserve(&copy, p->bars.count, err);
  if (st != OK) return st;
  memcpy(copy.bars, p->bars.bars, p->bars.count * sizeof *copy.bars);
  copy.count = p->bars.count;
  return hub_prepend(out, &copy, err);
}

void hub_past_free(struct hub_venue *v) {
  while (v->past) {
    struct hub_past *p = v->past;
    v->past = p->next;
    series_finish(&p->bars);
    free(p);
  }
}
