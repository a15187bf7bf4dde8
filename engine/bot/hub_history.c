// bot/hub_history.c – bars that are past: from a series' memory, before that from the feed, before that from market.db, joined so
// that they are what live_bars would have given out.
#include "bot/hub_impl.h"
#include "market/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNKS_MAX 8                  // of the feed's history in one answer: gaps make a second and third necessary
#define CHUNK_NS_MIN (4 * NS_PER_DAY)
#define STORED_TIMEFRAMES_MAX 64
#define TIME_MIN_NS (INT64_C(-98615) * NS_PER_DAY)  // 1700-01-01

static inline int64_t close_of(const struct series *s, size_t i) { return s->bars[i].open_ns + s->timeframe_ns; }

static struct series head_of(const struct hub_line *l) {
  struct series s = l->memory;
  s.bars = NULL;
  s.count = s.cap = s.gaps = s.duplicates = 0;
  return s;
}

// The end of `older` that begins before out's first bar goes in front of it. Frees older.
enum status hub_prepend(struct series *out, struct series *older, struct err *err) {
  size_t n = older->count;
  while (n > 0 && out->count > 0 && older->bars[n - 1].open_ns >= out->bars[0].open_ns) n--;
  enum status st = series_reserve(out, out->count + n, err);
  if (st == OK && n > 0) {
    memmove(out->bars + n, out->bars, out->count * sizeof *out->bars);
    memcpy(out->bars, older->bars, n * sizeof *out->bars);
    out->count += n;
  }
  series_finish(older);
  return st;
}

static void keep_newest(struct series *s, size_t n) {
  if (s->count <= n) return;
  memmove(s->bars, s->bars + (s->count - n), n * sizeof *s->bars);
  s->count = n;
}

enum status hub_feed_bars(
  const struct hub_symbol *s, int64_t timeframe_ns, int64_t from_ns, int64_t through_ns, struct series *ret, struct err *err) {
  return feed_history(s->venue->config.feed, s->name, timeframe_ns, from_ns, through_ns, ret, err);
}

// A bucket that ended by through_ns with its last parts missing: the feed, which knows bars only, cannot tell that it is over.
enum status hub_add_last_bucket(const struct hub_symbol *s, struct series *chunk, int64_t from_ns, int64_t through_ns, struct err *err) {
  // Of a bucket that began before from_ns the first parts would be missing, and it is not asked for.
  const int64_t timeframe_ns = chunk->timeframe_ns, whole_ns = timeframe_floor(from_ns + timeframe_ns - 1, timeframe_ns);
  const int64_t begin_ns = chunk->count ? close_of(chunk, chunk->count - 1) : whole_ns;
  if (timeframe_ns == s->base_ns || through_ns - begin_ns < timeframe_ns) return OK;
  struct series fine;
  enum status st = hub_feed_bars(s, s->base_ns, begin_ns, through_ns, &fine, err);
  if (st != OK) return st;
  struct aggregator a;
  struct bar done[2];
  aggregator_init(&a, s->base_ns, timeframe_ns);
  a.started = chunk->count > 0;
  for (size_t i = 0; st == OK && i < fine.count; i++) {
    const int count = aggregator_push(&a, &fine.bars[i], done);
    for (int k = 0; st == OK && k < count; k++) st = series_append(chunk, &done[k], err);
  }
  if (st == OK && a.open && a.bar.open_ns + timeframe_ns <= through_ns) st = series_append(chunk, &a.bar, err);
  series_finish(&fine);
  return st;
}

struct wish {
  size_t bars;
  int64_t floor_ns;    // none that opens before is wanted
  int64_t through_ns;
};

static inline bool satisfied(const struct series *out, const struct wish *w) {
  return out->count >= w->bars || (out->count > 0 && out->bars[0].open_ns <= w->floor_ns);
}

// Until when older bars are asked for: with out's first one, whose parts show the feed that the bar before it is over.
static int64_t older_through(const struct series *out, const struct wish *w) {
  return out->count ? close_of(out, 0) : w->through_ns;
}

static enum status from_feed(const struct hub_line *l, const struct wish *w, struct series *out, struct err *err) {
  const struct hub_symbol *s = l->symbol;
  const int64_t timeframe_ns = out->timeframe_ns;
  enum status st = hub_past_prepend(l, older_through(out, w), out, err);
  int64_t begin_ns = older_through(out, w), span_ns = 0;
  for (int chunks = 0, empty = 0; st == OK && chunks < CHUNKS_MAX && empty < 2 && !satisfied(out, w); chunks++) {
    const int64_t missing = (int64_t)(w->bars - out->count) + 1;
    const int64_t need_ns = missing > INT64_MAX / 4 / timeframe_ns ? INT64_MAX / 4 : missing * timeframe_ns;
    span_ns = need_ns > 2 * span_ns ? need_ns : 2 * span_ns;
    if (chunks > 0 && span_ns < CHUNK_NS_MIN) span_ns = CHUNK_NS_MIN;
    const int64_t floor_ns = w->floor_ns > 0 ? w->floor_ns : 0, through_ns = older_through(out, w);
    int64_t from_ns = begin_ns - span_ns > floor_ns ? timeframe_floor(begin_ns - span_ns, timeframe_ns) : floor_ns;
    if (from_ns >= through_ns) break;
    struct series chunk;
    st = hub_feed_bars(s, timeframe_ns, from_ns, through_ns, &chunk, err);
    if (st != OK) break;
    if (out->count == 0) st = hub_add_last_bucket(s, &chunk, from_ns, through_ns, err);
    empty = chunk.count ? 0 : empty + 1;
    if (st == OK) st = hub_prepend(out, &chunk, err);
    else series_finish(&chunk);
    if (from_ns <= floor_ns) break;
    begin_ns = from_ns;
  }
  // What there is is better than nothing where the feed gives only so much.
  return st == ERR_LIMIT && out->count > 0 ? OK : st;
}

// ---- market.db

struct stored {
  int64_t timeframe_ns;  // wanted
  struct market_row best;
};

static void consider(void *arg, const struct market_row *row) {
  struct stored *s = arg;
  if (row->timeframe_ns <= s->timeframe_ns && s->timeframe_ns % row->timeframe_ns == 0 && row->timeframe_ns > s->best.timeframe_ns) s->best = *row;
}

static enum status read_stored(struct db *db, const struct stored *stored, int64_t from_ns, int64_t to_ns, struct series *ret, struct err *err) {
  enum status st = market_read(db, &stored->best, from_ns, to_ns, 0, ret, err);
  if (st != OK || stored->best.timeframe_ns == stored->timeframe_ns) return st;
  struct series fine = *ret;
  st = series_aggregate(&fine, stored->timeframe_ns, ret, err);
  series_finish(&fine);
  return st;
}

// Stored history is a help and no condition: what cannot be had, or cannot be counted in the feed's units, is told and left out.
static enum status from_store(const struct hub_line *l, const struct wish *w, struct series *out, struct err *err) {
  struct hub_venue *v = l->symbol->venue;
  struct db *db = v->hub->config.market;
  if (!db || satisfied(out, w)) return OK;
  struct err why;
  struct series older;
  struct stored stored = {.timeframe_ns = out->timeframe_ns};
  enum status st = market_list(db, v->name, l->symbol->name, 0, STORED_TIMEFRAMES_MAX, consider, &stored, &why);
  if (st == OK && stored.best.timeframe_ns == 0) return OK;
  const int64_t to_ns = out->count ? out->bars[0].open_ns : w->through_ns, bars = (int64_t)(w->bars - out->count) + 1;
  // twice as far back as bars without gaps need, and a long weekend; a bucket further on than needed, so that the last one is whole
  const int64_t span_ns = bars > INT64_MAX / 16 / out->timeframe_ns ? INT64_MAX / 8 : 2 * bars * out->timeframe_ns + 2 * CHUNK_NS_MIN;
  int64_t from_ns = to_ns > TIME_MIN_NS + span_ns ? timeframe_floor(to_ns - span_ns, out->timeframe_ns) : TIME_MIN_NS;
  if (from_ns < w->floor_ns) from_ns = w->floor_ns;
  if (st == OK) st = read_stored(db, &stored, from_ns, to_ns + out->timeframe_ns, &older, &why);
  if (st == OK) {
    size_t n = older.count;
    while (n > 0 && close_of(&older, n - 1) > to_ns) n--;
    older.count = n;
    st = series_rescale(&older, out->inst.tick, out->volume_scale, &why);
    if (st == OK) return hub_prepend(out, &older, err);
    series_finish(&older);
  }
  hub_note_tell(v, HUB_NOTE_HISTORY, l->symbol, to_ns, 1, "%s", why.msg);
  return OK;
}

// ---- answers

static enum status from_memory(const struct hub_line *l, const struct wish *w, struct series *out, struct err *err) {
  const struct series *m = &l->memory;
  size_t end = m->count;
  while (end > 0 && close_of(m, end - 1) > w->through_ns) end--;
  size_t begin = end > w->bars ? end - w->bars : 0;
  while (begin < end && m->bars[begin].open_ns < w->floor_ns) begin++;
  if (begin == end) return OK;
  enum status st = series_reserve(out, end - begin, err);
  if (st != OK) return st;
  memcpy(out->bars, m->bars + begin, (end - begin) * sizeof *out->bars);
  out->count = end - begin;
  return OK;
}

// A longer history than the memory's own replaces it, so that the next who asks gets it at once.
static void remember(struct hub_line *l, const struct series *out, size_t keep) {
  if (out->count <= l->memory.count || out->count > keep) return;
  if (series_reserve(&l->memory, out->count, NULL) != OK) return;
  memcpy(l->memory.bars, out->bars, out->count * sizeof *out->bars);
  l->memory.count = out->count;
}

static enum status answer(struct hub_line *l, int64_t live_ns, const struct wish *w, struct series *ret, struct err *err) {
  struct series out = head_of(l);
  if (w->bars == 0 || w->through_ns <= TIME_MIN_NS) return *ret = out, OK;
  enum status st = from_memory(l, w, &out, err);
  if (st == OK && !satisfied(&out, w)) st = from_feed(l, w, &out, err);
  if (st == OK) st = from_store(l, w, &out, err);
  if (st != OK) {
    series_finish(&out);
    return err_wrap(err, st, "%s/%s", l->symbol->venue->name, l->symbol->name);
  }
  keep_newest(&out, w->bars);
  if (l->refs > 0 && w->through_ns >= live_ns) remember(l, &out, l->symbol->venue->hub->config.memory_bars);
  (void)series_count_gaps(&out);
  *ret = out;
  return OK;
}

enum status hub_history(struct hub *h, uint32_t series, size_t bars, int64_t through_ns, struct series *ret, struct err *err) {
  struct hub_line *l = hub_line_of(h, series);
  if (!l) return err_set(err, ERR_NOTFOUND, "no series %u", series);
  if (bars > HUB_HISTORY_MAX) return err_set(err, ERR_LIMIT, "more than %d bars of history at once", HUB_HISTORY_MAX);
  const int64_t live_ns = hub_live_from(h, series);
  const struct wish w = {bars, INT64_MIN, through_ns < live_ns ? through_ns : live_ns};
  return answer(l, live_ns, &w, ret, err);
}

enum status hub_history_since(struct hub *h, uint32_t series, int64_t after_ns, struct series *ret, struct err *err) {
  struct hub_line *l = hub_line_of(h, series);
  if (!l) return err_set(err, ERR_NOTFOUND, "no series %u", series);
  const int64_t live_ns = hub_live_from(h, series), timeframe_ns = l->memory.timeframe_ns;
  if (after_ns < TIME_MIN_NS) after_ns = TIME_MIN_NS;
  const int64_t span = live_ns > after_ns ? time_gap_ns(live_ns, after_ns) / timeframe_ns + 2 : 0;
  const struct wish w = {span > HUB_HISTORY_MAX ? HUB_HISTORY_MAX : (size_t)span, after_ns - timeframe_ns + 1, live_ns};
  return answer(l, live_ns, &w, ret, err);
}

// The line that somebody wants, or one that borrows room for as long as it is read.
static enum status line_for(
  struct hub_venue *v, const struct hub_read *r, struct hub_symbol *room, struct hub_line *line, struct hub_line **ret, struct err *err) {
  const struct hub_symbol *s = hub_symbol_of(v, r->symbol);
  for (int i = 0; s && i < s->line_count; i++)
    if (s->lines[i]->memory.timeframe_ns == r->timeframe_ns) return *ret = s->lines[i], OK;
  *room = (struct hub_symbol){.venue = v};
  enum status st = feed_describe(v->config.feed, r->symbol, &room->info, err);
  if (st != OK) return st;
  snprintf(room->name, sizeof room->name, "%s", r->symbol);
  room->base_ns = hub_base_ns(v, &room->info);
  if (r->timeframe_ns < room->base_ns || r->timeframe_ns % room->base_ns != 0 || r->timeframe_ns / room->base_ns > HUB_READ_FINEST) {
    char base[TIMEFRAME_TEXT_MAX];
    return err_set(err, ERR_INVALID, "bars of %s are made of its %s bars: write a multiple of that, up to %d times", r->symbol, timeframe_text(room->base_ns, base),
      HUB_READ_FINEST);
  }
  *line = (struct hub_line){.symbol = room, .from_ns = INT64_MIN};
  line->memory = (struct series){.inst = room->info.inst,
    .timeframe_ns = r->timeframe_ns,
    .volume_scale = room->info.volume_scale,
    .price_scale = room->info.inst.tick.scale};
  return *ret = line, OK;
}

enum status hub_read(struct hub *h, const struct hub_read *r, struct series *ret, int64_t *ret_next_ns, struct err *err) {
  struct hub_venue *v = hub_venue_of(h, r->venue, err);
  if (!v) return ERR_NOTFOUND;
  struct hub_symbol room;
  struct hub_line line, *l = NULL;
  enum status st = line_for(v, r, &room, &line, &l, err);
  if (st != OK) return st;
  const int64_t timeframe_ns = r->timeframe_ns, time_ns = hub_venue_time(v), live_ns = time_ns > l->from_ns ? time_ns : l->from_ns;
  size_t most = (size_t)(HUB_READ_FINEST / (timeframe_ns / l->symbol->base_ns)) + 1;
  if (l->memory.count > most) most = l->memory.count;
  const size_t bars = r->bars < most ? r->bars : most;
  const int64_t through_ns = r->to_ns < live_ns ? r->to_ns + timeframe_ns - 1 : live_ns;
  struct wish w = {bars, INT64_MIN, through_ns < live_ns ? through_ns : live_ns};
  *ret_next_ns = INT64_MAX;
  if (w.through_ns <= TIME_MIN_NS) return *ret = head_of(l), OK;
  if (r->from_ns == INT64_MIN) return answer(l, live_ns, &w, ret, err);
  // Forward: a window that would hold so many, and, where it holds none, wider ones over a gap.
  const int64_t end_ns = w.through_ns;
  w.floor_ns = r->from_ns > TIME_MIN_NS ? r->from_ns : TIME_MIN_NS;
  for (int64_t width = (int64_t)bars;; width *= 8) {
    w.bars = (size_t)width + 1;
    w.through_ns = width > (end_ns - w.floor_ns) / timeframe_ns ? end_ns : w.floor_ns + (width + 1) * timeframe_ns;
    if (w.through_ns > end_ns) w.through_ns = end_ns;
    st = answer(l, live_ns, &w, ret, err);
    if (st != OK) return st;
    if (ret->count > 0 || w.through_ns == end_ns || width > HUB_READ_FINEST) break;
    series_finish(ret);
  }
  if (ret->count > bars) ret->count = bars;
  else if (w.through_ns == end_ns) return OK;
  *ret_next_ns = ret->count > 0 ? ret->bars[ret->count - 1].open_ns + 1 : w.through_ns;
  return OK;
}
