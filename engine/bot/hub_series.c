// bot/hub_series.c – who wants what: symbols are subscribed with the first of their series and let go of with the last.
#include "bot/hub_impl.h"
#include "venue/feed_pace.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// So many finest bars before a bucket's begin are read for it too: a gap at the begin is then not mistaken for the begin of the data,
// and the last price is known.
#define SEED_BARS 128
#define SEED_QUIET_NS (8 * NS_PER_DAY)  // if there are none: a long weekend

// ---- lookup

// Index of the first line whose id is not below id.
static size_t line_index(const struct hub *h, uint32_t id) {
  size_t lo = 0, hi = h->line_count;
  while (lo < hi) {
    const size_t mid = lo + (hi - lo) / 2;
    if (h->lines[mid]->id < id) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

struct hub_line *hub_line_of(const struct hub *h, uint32_t id) {
  const size_t i = line_index(h, id);
  return i < h->line_count && h->lines[i]->id == id ? h->lines[i] : NULL;
}

struct hub_symbol *hub_symbol_of(const struct hub_venue *v, const char *name) {
  for (int i = 0; i < v->slot_count; i++) {
    struct hub_symbol *s = v->symbols[i];
    if (s && !s->dead && strcmp(s->name, name) == 0) return s;
  }
  return NULL;
}

const struct series *hub_series(const struct hub *h, uint32_t series) {
  const struct hub_line *l = hub_line_of(h, series);
  return l ? &l->memory : NULL;
}

int hub_series_venue(const struct hub *h, uint32_t series) {
  const struct hub_line *l = hub_line_of(h, series);
  return l ? l->symbol->venue->index : -1;
}

int64_t hub_live_from(const struct hub *h, uint32_t series) {
  const struct hub_line *l = hub_line_of(h, series);
  if (!l) return INT64_MIN;
  const int64_t time_ns = l->symbol->venue->time_ns;
  return time_ns > l->from_ns ? time_ns : l->from_ns;
}

static bool last_price(const struct hub_symbol *s, price *ret_px, int64_t *ret_time_ns) {
  if (!s || s->live.last.ticks == 0) return false;
  *ret_px = s->live.last;
  *ret_time_ns = s->live.watermark.newest_ns;
  return true;
}

size_t hub_fundings(const struct hub *h, uint32_t series, int64_t after_ns, int64_t through_ns, struct funding ret[HUB_FUNDINGS_MAX]) {
  const struct hub_line *l = hub_line_of(h, series);
  const struct hub_feed_config *c = l ? &l->symbol->venue->config : NULL;
  return c && c->fundings && after_ns < through_ns ? c->fundings(c->fundings_self, l->symbol->name, after_ns, through_ns, ret) : 0;
}

bool hub_last_price(const struct hub *h, const char *venue, const char *symbol, price *ret_px, int64_t *ret_time_ns) {
  const struct hub_venue *v = hub_venue_of(h, venue, NULL);
  return v && last_price(hub_symbol_of(v, symbol), ret_px, ret_time_ns);
}

bool hub_series_last_price(const struct hub *h, uint32_t series, price *ret_px, int64_t *ret_time_ns) {
  const struct hub_line *l = hub_line_of(h, series);
  return l && last_price(l->symbol, ret_px, ret_time_ns);
}

// ---- memory

void hub_line_free(struct hub_line *l) {
  series_finish(&l->memory);
  free(l);
}

void hub_line_remember(struct hub_line *l, const struct bar *bar, size_t keep) {
  struct series *m = &l->memory;
  if (m->count >= 2 * keep) {
    memmove(m->bars, m->bars + (m->count - keep), keep * sizeof *m->bars);
    m->count = keep;
  }
  if (series_append(m, bar, NULL) != OK) {  // memory is out: history comes from the feed again
    free(m->bars);
    m->bars = NULL;
    m->count = m->cap = 0;
  }
}

// ---- symbols

static void symbol_unsubscribe(struct hub_symbol *s) {
  feed_unsubscribe(s->venue->config.feed, s->subscription);
  s->dead = true;
  s->venue->live_count--;
}

void hub_symbols_sweep(struct hub_venue *v) {
  if (v->queue.count > 0) return;
  for (int i = 0; i < v->slot_count; i++) {
    if (!v->symbols[i] || !v->symbols[i]->dead) continue;
    free(v->symbols[i]);
    v->symbols[i] = NULL;
  }
}

static enum status slot_find(struct hub_venue *v, int *ret, struct err *err) {
  if (v->live_count == HUB_SYMBOLS_MAX) return err_set(err, ERR_LIMIT, "venue %s: more than %d symbols at a time", v->name, HUB_SYMBOLS_MAX);
  for (int i = 0; i < v->slot_count; i++)
    if (!v->symbols[i]) return *ret = i, OK;
  if (v->slot_count == v->slot_cap) {
    const int cap = v->slot_cap ? v->slot_cap * 2 : 16;
    struct hub_symbol **symbols = realloc(v->symbols, (size_t)cap * sizeof *symbols);
    if (!symbols) return err_set(err, ERR_NOMEM, "out of memory");
    v->symbols = symbols;
    v->slot_cap = cap;
  }
  v->symbols[*ret = v->slot_count++] = NULL;
  return OK;
}

// Finest bars that may belong to the open bucket of a timeframe at time_ns.
static enum status seed_bars(const struct hub_symbol *s, int64_t timeframe_ns, int64_t time_ns, struct series *ret, struct err *err) {
  const int64_t from_ns = timeframe_floor(time_ns, timeframe_ns) - SEED_BARS * s->base_ns;
  enum status st = hub_feed_bars(s, s->base_ns, from_ns, time_ns, ret, err);
  if (st != OK || ret->count > 0) return st;
  series_finish(ret);
  return hub_feed_bars(s, s->base_ns, from_ns - SEED_QUIET_NS, time_ns, ret, err);
}

// Between two polls nothing is due, so the time may be moved on by the clock.
int64_t hub_venue_time(struct hub_venue *v) {
  const int64_t now_ns = hub_now(v->hub);
  const struct feed_pace *pace = v->config.pace;
  if (v->polled && pace && pace->speed_e3 != FEED_SPEED_UNBOUND && !v->ended && v->ready_count == 0 && now_ns < v->next_ns) {
    const int64_t time_ns = feed_pace_event_ns(pace, now_ns);
    if (time_ns > v->time_ns) v->time_ns = time_ns;
  } else if (v->config.grace_ns >= 0 && v->live_count == 0 && now_ns - v->config.grace_ns > v->time_ns) {
    v->time_ns = now_ns - v->config.grace_ns;
  }
  return v->time_ns;
}

int64_t hub_base_ns(const struct hub_venue *v, const struct feed_symbol *s) {
  return s->timeframe_ns ? s->timeframe_ns : v->config.tick_bar_ns ? v->config.tick_bar_ns : NS_PER_MINUTE;
}

// The open bar's parts are read when it is wanted, so they must not be too many.
static enum status check_timeframe(const struct hub_symbol *s, int64_t timeframe_ns, struct err *err) {
  if (timeframe_ns / s->base_ns <= HUB_PARTS_MAX) return OK;
  char base[TIMEFRAME_TEXT_MAX];
  return err_set(err, ERR_INVALID, "bars of %s are made of its %s bars, of at most %d", s->name, timeframe_text(s->base_ns, base), HUB_PARTS_MAX);
}

static enum status live_begin(struct hub_symbol *s, int64_t timeframe_ns, int64_t time_ns, struct err *err) {
  const struct hub_feed_config *c = &s->venue->config;
  const struct live_config config = {.source = c->ticks ? LIVE_FROM_TRADES : LIVE_FROM_BARS,
    .base_ns = s->base_ns,
    .lateness_ns = c->lateness_ns,
    .grace_ns = c->grace_ns > 0 ? c->grace_ns : 0,
    .ahead_ns = INT64_MAX / 4,  // a market at a pace of its own may be anywhere
    .start_ns = c->pace && time_ns != INT64_MIN ? timeframe_floor(time_ns, s->base_ns) : time_ns,
    .jump_e6 = c->jump_e6};
  enum status st = live_bars_init(&s->live, &config, &(struct live_sink){s, hub_on_bar, hub_on_note}, err);
  if (st == OK) st = live_bars_want(&s->live, timeframe_ns, NULL, 0, err);
  if (st != OK || time_ns == INT64_MIN) return st;
  struct series history;
  st = seed_bars(s, timeframe_ns, time_ns, &history, err);
  if (st != OK) return st;
  // of trades the open bar comes whole, from its first one; it must not be taken for past
  live_bars_seed(&s->live, history.bars, history.count, time_ns);
  if (history.count == 0) live_bars_complete(&s->live, time_ns);
  series_finish(&history);
  return OK;
}

static enum status symbol_add(struct hub_venue *v, const char *name, int64_t timeframe_ns, struct hub_symbol **ret, struct err *err) {
  const struct hub_feed_config *c = &v->config;
  int slot = 0;
  enum status st = slot_find(v, &slot, err);
  if (st != OK) return st;
  struct hub_symbol *s = calloc(1, sizeof *s);
  if (!s) return err_set(err, ERR_NOMEM, "out of memory");
  s->venue = v;
  s->slot = slot;
  snprintf(s->name, sizeof s->name, "%s", name);
  const int64_t time_ns = hub_venue_time(v);
  st = feed_describe(c->feed, name, &s->info, err);
  if (st == OK) {
    s->base_ns = hub_base_ns(v, &s->info);
    st = check_timeframe(s, timeframe_ns, err);
  }
  if (st == OK) {
    st = live_begin(s, timeframe_ns, time_ns, err);
  }
  // A feed that has its past gives the trades of the open bar again.
  const int64_t after_ns = c->ticks && c->pace ? timeframe_floor(time_ns, s->base_ns ? s->base_ns : 1) - 1 : time_ns;
  if (st == OK) st = feed_subscribe(c->feed, name, c->ticks ? 0 : s->base_ns, after_ns, &s->subscription, err);
  if (st != OK) {
    free(s);
    return st;
  }
  v->symbols[slot] = *ret = s;
  v->live_count++;
  return OK;
}

// ---- series

static enum status lines_reserve(struct hub *h, struct err *err) {
  if (h->line_count < h->line_cap) return OK;
  const size_t cap = h->line_cap ? h->line_cap * 2 : 64;
  struct hub_line **lines = realloc(h->lines, cap * sizeof(struct hub_line *));
  if (!lines) return err_set(err, ERR_NOMEM, "out of memory");
  h->lines = lines;
  h->line_cap = cap;
  return OK;
}

static int venue_lines(const struct hub_venue *v) {
  int n = 0;
  for (int i = 0; i < v->slot_count; i++)
    if (v->symbols[i]) n += v->symbols[i]->line_count;
  return n;
}

// Another timeframe of a symbol that is subscribed.
static enum status symbol_want(struct hub_symbol *s, int64_t timeframe_ns, struct err *err) {
  struct series history = {0};
  const int64_t through_ns = s->live.watermark.at_ns;
  enum status st = check_timeframe(s, timeframe_ns, err);
  if (st == OK && s->base_ns < timeframe_ns && timeframe_ns % s->base_ns == 0 && through_ns != WATERMARK_NONE)
    st = seed_bars(s, timeframe_ns, through_ns, &history, err);
  if (st == OK) st = live_bars_want(&s->live, timeframe_ns, history.bars, history.count, err);
  series_finish(&history);
  return st;
}

bool hub_prepare(struct hub *h, const char *venue, const char *symbol, int64_t timeframe_ns, size_t bars) {
  struct hub_venue *v = hub_venue_of(h, venue, NULL);
  if (!v || !v->config.ready || v->config.ready(v->config.feed, symbol, timeframe_ns, bars)) return true;
  v->awaited = true;
  return false;
}

enum status hub_want(struct hub *h, const char *venue, const char *symbol, int64_t timeframe_ns, uint32_t *ret_series, struct err *err) {
  assert(!h->busy);
  struct hub_venue *v = hub_venue_of(h, venue, err);
  if (!v) return ERR_NOTFOUND;
  struct hub_symbol *s = hub_symbol_of(v, symbol);
  for (int i = 0; s && i < s->line_count; i++) {
    if (s->lines[i]->memory.timeframe_ns != timeframe_ns) continue;
    s->lines[i]->refs++;
    *ret_series = s->lines[i]->id;
    return OK;
  }
  if (v->config.ready && !v->config.ready(v->config.feed, symbol, timeframe_ns, 0)) return err_set(err, ERR_NOTFOUND, "%s: market data of %s is being fetched", v->name, symbol);
  if (venue_lines(v) == WIRE_INSTANT_MAX) return err_set(err, ERR_LIMIT, "venue %s: more than %d series", v->name, WIRE_INSTANT_MAX);
  if (h->next_id == UINT32_MAX) return err_set(err, ERR_LIMIT, "series ids are used up");
  enum status st = lines_reserve(h, err);
  struct hub_line *l = st == OK ? calloc(1, sizeof *l) : NULL;
  if (!l) return st != OK ? st : err_set(err, ERR_NOMEM, "out of memory");
  st = s ? symbol_want(s, timeframe_ns, err) : symbol_add(v, symbol, timeframe_ns, &s, err);
  if (st != OK) {
    free(l);
    return err_wrap(err, st, "%s", v->name);
  }
  l->id = h->next_id++;
  l->refs = 1;
  l->symbol = s;
  l->from_ns = s->live.watermark.at_ns;
  l->memory = (struct series){
    .inst = s->info.inst, .timeframe_ns = timeframe_ns, .volume_scale = s->info.volume_scale, .price_scale = s->info.inst.tick.scale};
  s->lines[s->line_count++] = l;
  h->lines[h->line_count++] = l;
  *ret_series = l->id;
  v->next_ns = INT64_MIN;
  hub_timer_again(h);
  return OK;
}

void hub_drop(struct hub *h, uint32_t series) {
  const size_t at = line_index(h, series);
  assert(at < h->line_count && h->lines[at]->id == series);
  struct hub_line *l = h->lines[at];
  if (--l->refs > 0) return;
  struct hub_symbol *s = l->symbol;
  live_bars_drop(&s->live, l->memory.timeframe_ns);
  int i = 0;
  while (s->lines[i] != l) i++;
  s->lines[i] = s->lines[--s->line_count];
  memmove(h->lines + at, h->lines + at + 1, (--h->line_count - at) * sizeof(struct hub_line *));
  hub_line_free(l);
  if (s->line_count == 0) symbol_unsubscribe(s);
}
