// bot/live_series.c – the series that bots read: one in the hub and one in the journal each. What a bot saw is kept: whoever opens it
// again, or replays it, takes the journal's bars, whatever a feed says of that time later.
#include "bot/live_impl.h"

#include "loop/clock.h"
#include "store/db.h"
#include "store/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct live_series *find(const struct live *l, const char *venue, const char *symbol, int64_t timeframe_ns) {
  for (struct live_series *s = l->series; s; s = s->next)
    if (s->timeframe_ns == timeframe_ns && strcmp(s->symbol, symbol) == 0 && strcmp(s->venue, venue) == 0) return s;
  return NULL;
}

static struct live_series *add(struct live *l, const char *venue, const char *symbol, int64_t timeframe_ns, struct err *err) {
  struct live_series *s = calloc(1, sizeof *s);
  if (!s || strlen(venue) >= sizeof s->venue || strlen(symbol) >= sizeof s->symbol) {
    free(s);
    err->code = err_set(err, ERR_NOMEM, "no memory for a series");
    return NULL;
  }
  strcpy(s->venue, venue);
  strcpy(s->symbol, symbol);
  s->timeframe_ns = timeframe_ns;
  s->first_ns = INT64_MAX, s->last_ns = s->written_ns = INT64_MIN;
  s->next = l->series;
  l->series = s;
  return s;
}

// ---- at start

struct loading {
  struct live *live;
  struct err err;
};

static void loaded(void *arg, const struct journal_series *row) {
  struct loading *g = arg;
  struct live *l = g->live;
  if (row->id > l->journal_series) l->journal_series = row->id;
  struct live_series *s = find(l, row->venue, row->terms.inst.symbol, row->terms.timeframe_ns);
  if (!s) s = add(l, row->venue, row->terms.inst.symbol, row->terms.timeframe_ns, &g->err);
  if (s) s->journal = row->id;  // by id: the newest terms stay
}

enum status live_series_load(struct live *l, struct err *err) {
  struct loading g = {.live = l, .err = {.code = OK}};
  enum status st = journal_series_list(store_reader(l->config.store, STORE_JOURNAL), loaded, &g, err);
  if (st == OK && g.err.code != OK) return err_set(err, g.err.code, "%s", g.err.msg);
  for (struct live_series *s = l->series; st == OK && s; s = s->next) {
    st = journal_bars_span(store_reader(l->config.store, STORE_JOURNAL), s->journal, &s->first_ns, &s->last_ns, err);
    s->written_ns = s->last_ns;
    if (st == OK && s->last_ns > INT64_MIN) hub_feed_resume(l->hub, s->venue, s->last_ns + s->timeframe_ns);
  }
  return st;
}

// ---- use

static bool room(struct live *l, uint32_t hub) {
  if (hub < l->by_hub_cap) return true;
  const size_t cap = (size_t)hub * 2 + 64;
  struct live_series **more = realloc(l->by_hub, cap * sizeof *more);
  if (more) l->by_hub = more;
  struct live_bot ***readers = realloc(l->readers, cap * sizeof *readers);
  if (readers) l->readers = readers;
  size_t *count = realloc(l->reader_count, cap * sizeof *count);
  if (count) l->reader_count = count;
  size_t *reader_cap = realloc(l->reader_cap, cap * sizeof *reader_cap);
  if (reader_cap) l->reader_cap = reader_cap;
  if (!more || !readers || !count || !reader_cap) return false;
  const size_t new = cap - l->by_hub_cap;
  memset(more + l->by_hub_cap, 0, new * sizeof *more);
  memset(readers + l->by_hub_cap, 0, new * sizeof *readers);
  memset(count + l->by_hub_cap, 0, new * sizeof *count);
  memset(reader_cap + l->by_hub_cap, 0, new * sizeof *reader_cap);
  l->by_hub_cap = cap;
  return true;
}

static bool same_terms(const struct series *a, const struct series *b) {
  const struct instrument *x = &a->inst, *y = &b->inst;
  return x->tick.digits == y->tick.digits && x->tick.scale == y->tick.scale && x->lot.digits == y->lot.digits && x->lot.scale == y->lot.scale &&
         x->multiplier.digits == y->multiplier.digits && x->multiplier.scale == y->multiplier.scale && a->volume_scale == b->volume_scale;
}

// The journal's series of these terms: the one it has, or a new one.
static enum status journal_it(struct live *l, struct live_series *s, struct err *err) {
  const struct series *now = hub_series(l->hub, s->hub);
  assert(now);
  struct journal_series row = {0};
  if (s->journal) {
    const enum status st = journal_series_get(store_reader(l->config.store, STORE_JOURNAL), s->journal, &row, err);
    if (st != OK) return st;
    if (same_terms(&row.terms, now)) return OK;
  }
  row = (struct journal_series){.id = ++l->journal_series, .terms = *now};
  row.terms.bars = NULL, row.terms.count = row.terms.cap = 0;
  memcpy(row.venue, s->venue, strnlen(s->venue, sizeof row.venue - 1) + 1);
  struct journal_batch batch = {.series = &row, .series_count = 1};
  const enum status st = store_write_sync(l->config.store, STORE_JOURNAL, journal_append, &batch, err);
  if (st == OK) s->journal = row.id, s->first_ns = INT64_MAX, s->last_ns = s->written_ns = INT64_MIN;
  return st;
}

static enum status keep(struct live *l, struct live_series *s, const struct bar *bars, size_t count, struct err *err);

static enum status keep_since(struct live *l, struct live_series *s, int64_t from_ns, struct err *err) {
  struct series missed = {0};
  enum status st = hub_history_since(l->hub, s->hub, from_ns, &missed, err);
  if (st == OK) st = keep(l, s, missed.bars, missed.count, err);
  series_finish(&missed);
  return st;
}

// What passed while nobody read it: those who were there before saw the bars until then, and go on after a whole history.
static enum status catch_up(struct live *l, struct live_series *s, struct err *err) {
  return s->last_ns == INT64_MIN ? OK : keep_since(l, s, s->last_ns + s->timeframe_ns, err);
}

enum status live_series_use(struct live *l, const char *venue, const char *symbol, int64_t timeframe_ns, struct live_series **ret, struct err *err) {
  struct live_series *s = find(l, venue, symbol, timeframe_ns);
  if (!s) s = add(l, venue, symbol, timeframe_ns, err);
  if (!s) return ERR_NOMEM;
  if (s->uses == 0) {
    enum status st = hub_want(l->hub, venue, symbol, timeframe_ns, &s->hub, err);
    if (st != OK) return st;
    if (!room(l, s->hub)) st = err_set(err, ERR_NOMEM, "no memory for a series");
    if (st == OK) st = journal_it(l, s, err);
    if (st == OK) st = catch_up(l, s, err);
    if (st != OK) {
      hub_drop(l->hub, s->hub);
      return st;
    }
    l->by_hub[s->hub] = s;
  }
  s->uses++;
  *ret = s;
  return OK;
}

void live_series_drop(struct live *l, struct live_series *s) {
  assert(s->uses > 0);
  if (--s->uses > 0) return;
  l->by_hub[s->hub] = NULL;
  hub_drop(l->hub, s->hub);
}

struct live_series *live_series_of(const struct live *l, uint32_t hub) { return hub < l->by_hub_cap ? l->by_hub[hub] : NULL; }

// ---- bars

struct keeping {
  struct live *live;
  char venue[BOT_VENUE_SIZE], symbol[BOT_SYMBOL_SIZE];
  int64_t timeframe_ns, from_ns;   // from_ns: of its oldest bar
  int64_t first_ns, last_ns;       // as the journal was before
  struct journal_bar *bars;
  struct journal_batch batch;
};

static enum status append(struct db *db, void *arg, struct err *err) { return journal_append(db, &((struct keeping *)arg)->batch, err); }

static void kept(void *arg, enum status st, const struct err *err) {
  struct keeping *k = arg;
  k->live->writes--;
  (void)err;  // a batch behind that needs them fails as well, and says so
  struct live_series *s = k->live->closing ? NULL : find(k->live, k->venue, k->symbol, k->timeframe_ns);
  if (s && st != OK) {  // one that was handed over before may have failed too
    if (!s->refused || k->from_ns < s->refused_ns) s->refused_ns = k->from_ns;
    s->refused = k->live->bars_refused = true;
    if (k->first_ns > s->first_ns) s->first_ns = k->first_ns;
    if (k->last_ns < s->last_ns) s->last_ns = k->last_ns;
  }
  if (s && --s->unwritten == 0) s->written_ns = s->last_ns;
  free(k->bars);
  free(k);
}

// Hands those that the journal does not have to its writer, before whatever is handed over later. Nobody waits for bars: what the bots made of
// them comes within a moment, and is one sync with them.
static enum status keep(struct live *l, struct live_series *s, const struct bar *bars, size_t count, struct err *err) {
  struct keeping *k = calloc(1, sizeof *k);
  if (k) k->bars = malloc((count ? count : 1) * sizeof *k->bars);
  if (!k || !k->bars) {
    free(k);
    return err_set(err, ERR_NOMEM, "no memory for bars");
  }
  k->live = l;
  memcpy(k->venue, s->venue, sizeof k->venue);
  memcpy(k->symbol, s->symbol, sizeof k->symbol);
  k->timeframe_ns = s->timeframe_ns;
  k->from_ns = count ? bars[0].open_ns : INT64_MAX;
  k->first_ns = s->first_ns, k->last_ns = s->last_ns;
  size_t n = 0;
  for (size_t i = 0; i < count; i++)
    if (bars[i].open_ns < s->first_ns || bars[i].open_ns > s->last_ns) k->bars[n++] = (struct journal_bar){s->journal, bars[i]};
  if (count && bars[0].open_ns < s->first_ns) s->first_ns = bars[0].open_ns;
  if (count && bars[count - 1].open_ns > s->last_ns) s->last_ns = bars[count - 1].open_ns;
  k->batch = (struct journal_batch){.bars = k->bars, .bar_count = n};
  l->writes++;
  s->unwritten++;
  if (n) store_write_along(l->config.store, STORE_JOURNAL, append, kept, k);
  else kept(k, OK, NULL);
  return OK;
}

// What the journal refused is the hub's, from the oldest of it on: that may lie before all that the journal has, since a new bot needs more
// history, or be all of it. With a bar of a day's series, waiting for the next one would leave a replay without it until tomorrow.
static void again(struct live *l) {
  struct err err;
  l->bars_refused = false;
  for (size_t i = 0; i < l->by_hub_cap; i++) {
    struct live_series *s = l->by_hub[i];
    if (!s || !s->refused) continue;
    s->refused = false;
    if (keep_since(l, s, s->refused_ns, &err) != OK) s->refused = l->bars_refused = true;
  }
}

void live_series_record(struct live *l, const struct hub_instant *in) {
  struct err err;
  if (l->bars_refused) again(l);
  for (size_t i = 0; i < in->count; i++) {
    struct live_series *s = live_series_of(l, in->bars[i].series);
    if (!s || in->bars[i].bar.open_ns <= s->last_ns) continue;
    // After a write that failed there is a hole before it: what lies between is in the hub's memory.
    if (s->last_ns > INT64_MIN && in->bars[i].bar.open_ns > s->last_ns + s->timeframe_ns) (void)!catch_up(l, s, &err);
    (void)!keep(l, s, &in->bars[i].bar, 1, &err);
  }
}

// Bots that are started within so many bars of each other warm up from the same bar, and then their indicators are the same: a host
// computes them once (script/share.h).
#define SAME_START 64

size_t live_series_wanted(const struct live *l, const char *venue, const char *symbol, int64_t timeframe_ns, size_t bars) {
  const struct live_series *s = find(l, venue, symbol, timeframe_ns);
  const int64_t now_ns = clock_wall_ns(), missed = s && s->last_ns > INT64_MIN && now_ns > s->last_ns ? (now_ns - s->last_ns) / timeframe_ns + 1 : 0;
  bars += SAME_START;
  if (missed > (int64_t)bars) bars = (size_t)missed;
  return bars < HUB_HISTORY_MAX ? bars : HUB_HISTORY_MAX;
}

// Without the oldest of a history, so that it begins where that of others does; at least `bars` stay.
static void begin_with_others(const struct live_series *s, size_t bars, struct series *all) {
  if (all->count <= bars) return;
  const int64_t grid_ns = SAME_START * s->timeframe_ns, from_ns = all->bars[all->count - bars].open_ns / grid_ns * grid_ns;
  size_t first = 0;
  while (all->bars[first].open_ns < from_ns) first++;
  all->count -= first;
  memmove(all->bars, all->bars + first, all->count * sizeof *all->bars);
}

enum status live_series_keep(struct live *l, struct live_series *s, size_t bars, int64_t *ret_from_ns, struct err *err) {
  struct series all = {0};
  enum status st = hub_history(l->hub, s->hub, bars + SAME_START, hub_live_from(l->hub, s->hub), &all, err);
  if (st == OK) begin_with_others(s, bars, &all);
  if (st == OK && all.count == 0) st = err_set(err, ERR_NOTFOUND, "%s at %s has no history yet", s->symbol, s->venue);
  if (st == OK) {
    *ret_from_ns = all.bars[0].open_ns;
    st = keep(l, s, all.bars, all.count, err);
  }
  series_finish(&all);
  return st;
}

// The newest `bars` of the hub's that closed by through_ns and open after after_ns.
static enum status of_hub(struct live *l, const struct live_series *s, size_t bars, int64_t after_ns, int64_t through_ns, struct series *ret, struct err *err) {
  const enum status st = hub_history(l->hub, s->hub, bars, through_ns, ret, err);
  size_t before = 0;
  while (st == OK && before < ret->count && ret->bars[before].open_ns <= after_ns) before++;
  if (!before) return st;
  ret->count -= before;
  memmove(ret->bars, ret->bars + before, ret->count * sizeof *ret->bars);
  return OK;
}

static size_t span(const struct live_series *s, int64_t from_ns, int64_t to_ns) { return to_ns > from_ns ? (size_t)((to_ns - from_ns) / s->timeframe_ns) : 0; }

// Appends the journal's: all from from_ns, and at least the newest `bars`, of those that open before before_ns.
static enum status of_journal(struct live *l, const struct live_series *s, size_t bars, int64_t from_ns, int64_t before_ns, struct series *ret, struct err *err) {
  struct db *db = store_reader(l->config.store, STORE_JOURNAL);
  int64_t newest_ns = INT64_MAX;
  enum status st = bars ? journal_bars_from(db, s->journal, before_ns, bars, &newest_ns, err) : OK;
  if (newest_ns < from_ns) from_ns = newest_ns;
  return st == OK && from_ns < before_ns ? journal_bars(db, s->journal, from_ns, before_ns, 0, ret, err) : st;
}

static enum status join(struct series *to, struct series *bars, struct err *err) {
  enum status st = OK;
  for (size_t i = 0; st == OK && i < bars->count; i++) st = series_append(to, &bars->bars[i], err);
  series_finish(bars);
  return st;
}

// The journal's writer may still hold bars that were handed to it, or have failed to write them, and then they come with the next one: what the
// journal does not have for certain is the hub's, behind its newest and before its oldest. Else core and host would not see the same market.
enum status live_series_history(struct live *l, struct live_series *s, size_t bars, int64_t from_ns, int64_t through_ns, struct series *ret, struct err *err) {
  const struct series *terms = hub_series(l->hub, s->hub);
  assert(terms);
  const struct series head = {.inst = terms->inst, .timeframe_ns = terms->timeframe_ns, .volume_scale = terms->volume_scale, .price_scale = terms->price_scale};
  const int64_t live_from = hub_live_from(l->hub, s->hub), until = through_ns < live_from ? through_ns : live_from;
  struct series older = {0}, kept = head, newer = {0}, all = head;
  const bool has = s->first_ns != INT64_MAX && s->written_ns > INT64_MIN;
  size_t behind = has ? span(s, s->written_ns + s->timeframe_ns, until) : s->first_ns != INT64_MAX ? span(s, s->first_ns, until) : 0;
  if (!has && bars > behind) behind = bars;
  enum status st = of_hub(l, s, behind, has ? s->written_ns : INT64_MIN, until, &newer, err);
  const int64_t ends_ns = until - s->timeframe_ns + 1, before_ns = !has ? INT64_MIN : s->written_ns < ends_ns ? s->written_ns + 1 : ends_ns;
  if (st == OK) st = of_journal(l, s, bars > newer.count ? bars - newer.count : 0, from_ns, before_ns, &kept, err);
  const size_t count = kept.count + newer.count;
  const int64_t oldest_ns = kept.count ? kept.bars[0].open_ns : newer.count ? newer.bars[0].open_ns : until;
  size_t before = bars > count ? bars - count : 0;
  // What was handed over of older times may not be there yet.
  if (s->unwritten || s->refused) {
    const size_t missing = span(s, s->refused || from_ns > s->first_ns ? from_ns : s->first_ns, oldest_ns);
    if (missing > before) before = missing < HUB_HISTORY_MAX ? missing : HUB_HISTORY_MAX;
  }
  if (st == OK && before) st = of_hub(l, s, before, INT64_MIN, oldest_ns, &older, err);
  if (st == OK) st = join(&all, &older, err);
  if (st == OK) st = join(&all, &kept, err);
  if (st == OK) st = join(&all, &newer, err);
  series_finish(&older), series_finish(&kept), series_finish(&newer);
  if (st != OK) series_finish(&all);
  else *ret = all;
  return st;
}
