// ea/feed.c – see feed.h.
#include "ea/feed.h"

#include "ea/bridge_impl.h"
#include "loop/clock.h"
#include "venue/feed_play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_NS (100 * NS_PER_MS)  // the feed's time moves on without a word of the terminal
#define AHEAD_NS NS_PER_S          // so much may the terminal's clock be ahead of ours
#define FAR_NS NS_PER_MINUTE       // more than that is no clock that is a little off: its zone is wrong
#define SEED_BARS 200              // minutes before the open bar of a timeframe; the hub reads 128 of them
#define LANE_TICKS 64

enum grain { MINUTES, HOURS, GRAINS };
static const int64_t grain_ns[GRAINS] = {NS_PER_MINUTE, 60 * NS_PER_MINUTE};

struct part {                // bars of one length, whole in [from_ns, through_ns)
  struct series series;
  bool begun;
  int64_t from_ns, through_ns;
  // What is to come in front: [past_ns, from_ns), known through past_through_ns.
  struct series past;
  bool past_on;
  int64_t past_ns, past_through_ns;
};
struct lane {                // a symbol that is read
  struct lane *next;
  struct feed_symbol info;
  struct part parts[GRAINS];
  int subscription;          // 0: nobody's
  int64_t given_ns;          // close of the last bar given out
  struct { int64_t time_ns; price bid, ask; } ticks[LANE_TICKS];
  int tick_first, tick_count;
  uint64_t refused;          // not told yet
  char why[80];
};
struct ea_feed {
  struct ea_feed_config config;
  struct lane *lanes;        // by symbol
  int next_id;
  int64_t promised_ns, tick_ns;
  bool told, up_told;        // the terminal's coming and going
};

static int64_t now_of(const struct ea_feed *f) { return f->config.now_ns ? f->config.now_ns() : clock_wall_ns(); }
static void wake(const struct ea_feed *f) { f->config.wake(f->config.self); }

static struct lane *lane_of(const struct ea_feed *f, const char *symbol) {
  struct lane *l = f->lanes;
  while (l && strcmp(l->info.inst.symbol, symbol) != 0) l = l->next;
  return l;
}

static void refuse(struct lane *l, const char *why) {
  l->refused++;
  snprintf(l->why, sizeof l->why, "%s", why);
}

// ---- what the terminal has

static enum status ea_feed_describe(void *self, const char *symbol, struct feed_symbol *ret, struct err *err) {
  const struct ea_feed *f = self;
  const struct lane *l = lane_of(f, symbol);
  struct venue_instrument v;
  if (l) return *ret = l->info, OK;  // bars that are kept are in its ticks
  if (!ea_bridge_greeted(f->config.bridge)) return err_set(err, ERR_NOTFOUND, "the account's terminal has not come yet");
  if (strlen(symbol) >= SYMBOL_MAX || !ea_bridge_instrument(f->config.bridge, symbol, &v))
    return err_set(err, ERR_NOTFOUND, "the account's terminal does not tell of %.40s: add it to the expert's symbols", symbol);
  *ret = (struct feed_symbol){.inst = {.tick = v.tick, .lot = v.lot, .multiplier = {1, 0}, .tick_step = 1, .lot_step = 1}, .timeframe_ns = grain_ns[MINUTES]};
  strcpy(ret->inst.symbol, symbol);
  if (!ea_on_grid(v.qty_min, v.lot, &ret->inst.min_qty.lots) || !ea_on_grid(v.qty_max, v.lot, &ret->inst.max_order_qty.lots))
    return err_set(err, ERR_NOTFOUND, "the volumes of %.40s do not fit their step", symbol);
  return instrument_finish(&ret->inst, err);
}

const char *ea_feed_symbol(struct feed feed, int i) {
  const struct ea_feed *f = feed.self;
  const struct ea_view v = ea_bridge_view(f->config.bridge);
  return v.greeted && i >= 0 && (size_t)i < v.hello->symbol_count ? v.hello->symbols[i].symbol : NULL;
}

static void on_changed(void *self) { wake(self); }

static void on_tick(void *self, const struct ea_tick *t) {
  struct ea_feed *f = self;
  struct lane *l = lane_of(f, t->symbol);
  price bid, ask;
  if (!l || !l->subscription) return;
  if (t->time_ms * NS_PER_MS > now_of(f) + FAR_NS) return refuse(l, "a tick's time is ahead of the clock: mind the broker's zone");
  if (!ea_on_grid(t->bid, l->info.inst.tick, &bid.ticks) || !ea_on_grid(t->ask, l->info.inst.tick, &ask.ticks)) return refuse(l, "a tick's price is not a multiple of the symbol's tick");
  if (l->tick_count == LANE_TICKS) l->tick_first = (l->tick_first + 1) % LANE_TICKS, l->tick_count--;  // who reads them late reads the newest
  const int at = (l->tick_first + l->tick_count++) % LANE_TICKS;
  l->ticks[at].time_ns = t->time_ms * NS_PER_MS, l->ticks[at].bid = bid, l->ticks[at].ask = ask;
  wake(f);
}

// NULL: *ret is a bar that opens in [after_ns, before_ns).
static const char *bar_wrong(const struct lane *l, const struct ea_bar *row, int64_t step_ns, int64_t after_ns, int64_t before_ns, struct bar *ret) {
  const struct { struct decimal d; price *to; } prices[] = {{row->open, &ret->open}, {row->high, &ret->high}, {row->low, &ret->low}, {row->close, &ret->close}};
  if (row->time_ms > INT64_C(7258118400000)) return "a bar's time is beyond the year 2199";
  *ret = (struct bar){.open_ns = row->time_ms * NS_PER_MS, .volume = row->volume};
  if (ret->open_ns % step_ns != 0 || ret->open_ns < after_ns || ret->open_ns >= before_ns) return "a bar's time is not what was asked for, or out of order";
  for (size_t i = 0; i < sizeof prices / sizeof *prices; i++)
    if (!ea_on_grid(prices[i].d, l->info.inst.tick, &prices[i].to->ticks)) return "a bar's price is not a multiple of the symbol's tick";
  if (ret->low.ticks > ret->open.ticks || ret->low.ticks > ret->close.ticks || ret->high.ticks < ret->open.ticks || ret->high.ticks < ret->close.ticks) return "a bar's open or close is outside of high and low";
  return NULL;
}

// Rows behind a series; false: memory is out, and it is asked for again.
static bool take(struct lane *l, struct series *to, int64_t step_ns, const struct ea_bars *b, const struct ea_bar *rows) {
  struct err err;
  int64_t after_ns = b->from_ms * NS_PER_MS;
  for (size_t i = 0; i < b->count; i++) {
    struct bar bar;
    const char *wrong = bar_wrong(l, &rows[i], step_ns, after_ns, b->through_ms * NS_PER_MS, &bar);
    if (wrong) {
      refuse(l, wrong);
      continue;
    }
    if (series_append(to, &bar, &err) != OK) return false;
    after_ns = bar.open_ns + step_ns;
  }
  return true;
}

static void drop_front(struct series *s, size_t n) {
  memmove(s->bars, s->bars + n, (s->count - n) * sizeof *s->bars);
  s->count -= n;
}

// The past has met the present.
static void join(struct part *p) {
  struct err err;
  if (p->past.count && series_reserve(&p->series, p->series.count + p->past.count, &err) != OK) return;  // with the next report
  if (p->past.count) {
    memmove(p->series.bars + p->past.count, p->series.bars, p->series.count * sizeof *p->series.bars);
    memcpy(p->series.bars, p->past.bars, p->past.count * sizeof *p->series.bars);
    p->series.count += p->past.count;
  }
  p->from_ns = p->past_ns;
  p->past_on = false;
  series_finish(&p->past);
  p->past.bars = NULL;
  p->past.count = p->past.cap = 0;
}

static void on_bars(void *self, const struct ea_bars *b, const struct ea_bar *rows) {
  struct ea_feed *f = self;
  struct lane *l = lane_of(f, b->symbol);
  const enum grain g = b->minutes == 1 ? MINUTES : HOURS;
  struct part *p = l ? &l->parts[g] : NULL;
  if (!p || !p->begun || b->through_ms > INT64_C(7258118400000)) return;
  const int64_t from_ns = b->from_ms * NS_PER_MS, now_ns = now_of(f), step_ns = grain_ns[g];
  const bool past = p->past_on && from_ns == p->past_through_ns;
  if (!past && from_ns != p->through_ns) return;  // of a question before, answered twice
  int64_t through_ns = b->through_ms * NS_PER_MS;
  if (through_ns % step_ns != 0 || through_ns < from_ns) return refuse(l, "the bars' through_ms is before from_ms, or no minute's begin");
  if (through_ns > now_ns + AHEAD_NS) {  // asked for again, until our clock is there too
    if (through_ns > now_ns + FAR_NS + step_ns) refuse(l, "its bars are ahead of the clock: mind the broker's zone");
    return;
  }
  const size_t had = past ? p->past.count : p->series.count;
  if (!take(l, past ? &p->past : &p->series, step_ns, b, rows)) {
    *(past ? &p->past.count : &p->series.count) = had;
    return;
  }
  if (!past) p->through_ns = through_ns;
  else p->past_through_ns = through_ns < p->from_ns ? through_ns : p->from_ns;
  if (past) while (p->past.count && p->past.bars[p->past.count - 1].open_ns >= p->from_ns) p->past.count--;
  if (p->past_on && p->past_through_ns >= p->from_ns) join(p);
  if (p->series.count > EA_FEED_BARS_MAX && !p->past_on) {
    drop_front(&p->series, p->series.count / 2);
    p->from_ns = p->series.bars[0].open_ns;
  }
  wake(f);
}

static void ask(json_t *list, const struct lane *l, enum grain g, int64_t from_ns) {
  if (json_array_size(list) < EA_BAR_LISTS_MAX)
    json_array_append_new(list, json_pack("{s:s, s:i, s:I}", "symbol", l->info.inst.symbol, "minutes", (int)(grain_ns[g] / NS_PER_MINUTE), "from_ms", (json_int_t)(from_ns / NS_PER_MS)));
}

// What bots wait for first: the minutes that have ended.
static void on_ask(void *self, json_t *list) {
  const struct ea_feed *f = self;
  const int64_t now_ns = now_of(f);
  for (enum grain g = MINUTES; g < GRAINS; g++)
    for (const struct lane *l = f->lanes; l; l = l->next)
      if (l->parts[g].begun && l->parts[g].through_ns + grain_ns[g] <= now_ns) ask(list, l, g, l->parts[g].through_ns);
  for (enum grain g = MINUTES; g < GRAINS; g++)
    for (const struct lane *l = f->lanes; l; l = l->next)
      if (l->parts[g].past_on) ask(list, l, g, l->parts[g].past_through_ns);
}

// ---- what is wanted

static struct lane *lane_add(struct ea_feed *f, const struct feed_symbol *info) {
  struct lane *l = calloc(1, sizeof *l), **at = &f->lanes;
  if (!l) return NULL;
  l->info = *info;
  for (enum grain g = MINUTES; g < GRAINS; g++)
    l->parts[g].series = (struct series){.inst = info->inst, .timeframe_ns = grain_ns[g], .volume_scale = info->volume_scale, .price_scale = info->inst.tick.scale};
  while (*at && strcmp((*at)->info.inst.symbol, info->inst.symbol) < 0) at = &(*at)->next;
  l->next = *at;
  return *at = l;
}

// Is it whole from there to now? If not that is asked for.
static bool whole(struct part *p, int64_t step_ns, int64_t from_ns, int64_t now_ns) {
  const int64_t first_ns = timeframe_floor(now_ns, step_ns) - EA_FEED_BARS_MAX / 2 * step_ns;
  if (from_ns < first_ns) from_ns = first_ns;  // what is kept at least
  from_ns = timeframe_floor(from_ns > 0 ? from_ns : 0, step_ns);
  if (!p->begun) {
    p->begun = true;
    p->from_ns = p->through_ns = from_ns;
  } else if (from_ns < p->from_ns && !p->past_on) {
    p->past = p->series;
    p->past.bars = NULL;
    p->past.count = p->past.cap = 0;
    p->past_on = true;
    p->past_ns = p->past_through_ns = from_ns;
  }
  return p->from_ns <= from_ns && p->through_ns + step_ns > now_ns - 2 * AHEAD_NS;
}

// It has all that was promised to have passed.
static bool level(const struct ea_feed *f, const struct lane *l) { return l->parts[MINUTES].through_ns + grain_ns[MINUTES] > f->promised_ns; }

bool ea_feed_ready(struct feed feed, const char *symbol, int64_t timeframe_ns, size_t bars) {
  struct ea_feed *f = feed.self;
  const int64_t now_ns = now_of(f), minute_ns = grain_ns[MINUTES], hour_ns = grain_ns[HOURS];
  struct lane *l = lane_of(f, symbol);
  struct feed_symbol info;
  struct err err;
  if (!l && !ea_bridge_greeted(f->config.bridge)) return false;
  if (!l && ea_feed_describe(f, symbol, &info, &err) != OK) return true;  // the other functions say why
  if (!l && !(l = lane_add(f, &info))) return true;
  if (timeframe_ns < minute_ns || timeframe_ns % minute_ns != 0 || timeframe_ns > now_ns / 4) return true;
  // Markets are closed two days in seven, so half as many more and a long week-end.
  const int64_t room = (int64_t)(bars + bars / 2 + 8), day_ns = bars ? 3 * NS_PER_DAY : 0;
  const bool hourly = bars && timeframe_ns % hour_ns == 0;
  const int64_t deep_ns = room > now_ns / timeframe_ns ? 0 : timeframe_floor(now_ns, timeframe_ns) - room * timeframe_ns - day_ns;
  const int64_t seed_ns = timeframe_floor(now_ns, timeframe_ns) - SEED_BARS * minute_ns;
  const bool minutes = whole(&l->parts[MINUTES], minute_ns, hourly || deep_ns > seed_ns ? seed_ns : deep_ns, now_ns);
  const bool hours = !hourly || whole(&l->parts[HOURS], hour_ns, deep_ns, now_ns);
  return minutes && hours && (l->subscription || level(f, l));
}

// ---- the feed

static enum status ea_feed_subscribe(void *self, const char *symbol, int64_t timeframe_ns, int64_t after_ns, int *ret_id, struct err *err) {
  struct ea_feed *f = self;
  struct feed_symbol info;
  const enum status st = ea_feed_describe(f, symbol, &info, err);
  struct lane *l = lane_of(f, symbol);
  if (st != OK) return st;
  if (timeframe_ns != grain_ns[MINUTES]) return err_set(err, ERR_INVALID, "it has minute bars of %s", symbol);
  if (!l || !l->parts[MINUTES].begun || (after_ns != INT64_MIN && !level(f, l))) return err_set(err, ERR_NOTFOUND, "bars of %s are being asked for", symbol);
  if (l->subscription) return err_set(err, ERR_EXISTS, "%s is subscribed", symbol);
  l->given_ns = after_ns;
  if (after_ns < f->promised_ns) f->promised_ns = after_ns;
  *ret_id = l->subscription = ++f->next_id;
  return OK;
}

static void ea_feed_unsubscribe(void *self, int id) {
  const struct ea_feed *f = self;
  for (struct lane *l = f->lanes; l; l = l->next)
    if (l->subscription == id) l->subscription = 0, l->tick_count = 0;
}

static void tell(const struct feed_sink *sink, int subscription, int64_t time_ns, enum feed_note code, uint64_t more, const char *text) {
  const struct feed_event e = {.kind = FEED_NOTE, .subscription = subscription, .time_ns = time_ns, .u.note = {code, text, more}};
  sink->event(sink->self, &e);
}

static void tell_notes(struct ea_feed *f, const struct feed_sink *sink, int64_t now_ns) {
  const bool up = ea_bridge_view(f->config.bridge).up;
  if (up != f->up_told || !f->told) tell(sink, -1, now_ns, up ? FEED_NOTE_STARTED : FEED_NOTE_WAITING, 0, up ? "the terminal asks" : "the terminal has not been heard of");
  f->up_told = up;
  f->told = true;
  for (struct lane *l = f->lanes; l; l = l->next) {
    if (l->refused) tell(sink, l->subscription ? l->subscription : -1, now_ns, FEED_NOTE_REFUSED, l->refused - 1, l->why);
    l->refused = 0;
  }
}

// The lane whose next bar that closes by through_ns is the first; NULL: there is none.
static struct lane *first_lane(const struct ea_feed *f, int64_t through_ns, const struct bar **ret) {
  struct lane *first = NULL;
  for (struct lane *l = f->lanes; l; l = l->next) {
    const struct series *s = &l->parts[MINUTES].series;
    const size_t at = l->subscription ? feed_first_after(s, l->given_ns) : s->count;
    if (at == s->count || s->bars[at].open_ns + s->timeframe_ns > through_ns || (first && s->bars[at].open_ns >= (*ret)->open_ns)) continue;
    first = l;
    *ret = &s->bars[at];
  }
  return first;
}

// Ticks up to then, those of each symbol in their order. False: there was no room for all of them.
static bool ticks_give(struct ea_feed *f, int64_t until_ns, int64_t now_ns, size_t max_events, const struct feed_sink *sink, struct feed_progress *ret) {
  for (struct lane *l = f->lanes; l; l = l->next)
    while (l->tick_count && l->ticks[l->tick_first].time_ns <= until_ns) {
      if (ret->events == max_events) return false;
      const struct feed_event e = {.kind = FEED_QUOTE, .subscription = l->subscription, .u.quote = {l->ticks[l->tick_first].bid, l->ticks[l->tick_first].ask}};
      // What is promised to be over is; and none is told to be later than now.
      int64_t time_ns = l->ticks[l->tick_first].time_ns < now_ns ? l->ticks[l->tick_first].time_ns : now_ns;
      if (time_ns <= f->promised_ns) time_ns = f->promised_ns + 1;
      if (time_ns < f->tick_ns) time_ns = f->tick_ns;
      l->tick_first = (l->tick_first + 1) % LANE_TICKS;
      l->tick_count--;
      f->tick_ns = time_ns;
      struct feed_event told = e;
      told.time_ns = time_ns;
      ret->events++;
      sink->event(sink->self, &told);
    }
  return true;
}

static int64_t promise(const struct ea_feed *f, int64_t now_ns, bool *ret_read) {
  int64_t through_ns = now_ns;
  for (const struct lane *l = f->lanes; l; l = l->next) {
    if (!l->subscription) continue;
    const int64_t next_ns = l->parts[MINUTES].through_ns + grain_ns[MINUTES];  // the first bar that is not known ends then
    *ret_read = true;
    if (next_ns - 1 < through_ns) through_ns = next_ns - 1;
  }
  return through_ns > f->promised_ns ? through_ns : f->promised_ns;
}

static enum status ea_feed_poll(void *self, int64_t now_ns, size_t max_events, const struct feed_sink *sink, struct feed_progress *ret, struct err *err) {
  struct ea_feed *f = self;
  bool read = false;
  (void)err;
  const int64_t through_ns = promise(f, now_ns, &read), promised_ns = f->promised_ns;
  *ret = (struct feed_progress){.through_ns = promised_ns, .next_ns = read ? now_ns + LOOK_NS : INT64_MAX};
  tell_notes(f, sink, now_ns);
  if (!ea_bridge_greeted(f->config.bridge) && !read) return OK;
  const struct bar *b = NULL;
  struct lane *l;
  bool room = true;
  while (room && (l = first_lane(f, through_ns, &b))) {
    const int64_t close_ns = b->open_ns + grain_ns[MINUTES];
    room = ticks_give(f, close_ns, now_ns, max_events, sink, ret) && ret->events < max_events;
    if (!room) break;
    const struct feed_event e = {.kind = FEED_BAR, .subscription = l->subscription, .time_ns = close_ns, .u.bar = *b};
    l->given_ns = close_ns;
    ret->events++;
    sink->event(sink->self, &e);
  }
  room = room && ticks_give(f, INT64_MAX, now_ns, max_events, sink, ret);
  const bool more = first_lane(f, through_ns, &b) != NULL;
  const int64_t before_ns = more ? b->open_ns + grain_ns[MINUTES] - 1 : through_ns;
  f->promised_ns = before_ns > promised_ns ? before_ns : promised_ns;
  ret->through_ns = f->promised_ns;
  if (more || !room) ret->next_ns = now_ns;
  return OK;
}

// Long histories are of hours, and of minutes where those end.
static enum status ea_feed_history(void *self, const char *symbol, int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, struct series *ret, struct err *err) {
  const struct ea_feed *f = self;
  struct feed_symbol info;
  struct lane *l = lane_of(f, symbol);
  enum status st = ea_feed_describe(self, symbol, &info, err);
  if (st != OK) return st;
  *ret = (struct series){.inst = info.inst, .timeframe_ns = timeframe_ns, .volume_scale = info.volume_scale, .price_scale = info.inst.tick.scale};
  if (!l) return OK;
  const struct part *m = &l->parts[MINUTES], *h = &l->parts[HOURS];
  // A bar of which the first minutes are not here is none.
  int64_t fine_ns = timeframe_floor(m->from_ns + timeframe_ns - 1, timeframe_ns);
  if (fine_ns < from_ns) fine_ns = from_ns;
  if (timeframe_ns % grain_ns[HOURS] != 0 || !h->series.count || from_ns >= fine_ns) return feed_history_of(&m->series, timeframe_ns, fine_ns, to_ns, ret, err);
  struct series fine;
  st = feed_history_of(&h->series, timeframe_ns, from_ns, to_ns < fine_ns ? to_ns : fine_ns, ret, err);
  if (st == OK) st = feed_history_of(&m->series, timeframe_ns, fine_ns, to_ns, &fine, err);
  if (st != OK) return st;
  st = series_reserve(ret, ret->count + fine.count, err);
  for (size_t i = 0; st == OK && i < fine.count; i++)
    if (!ret->count || fine.bars[i].open_ns > ret->bars[ret->count - 1].open_ns) st = series_append(ret, &fine.bars[i], err);
  series_finish(&fine);
  if (st != OK) series_finish(ret);
  return st;
}

static void ea_feed_destroy(void *self) {
  struct ea_feed *f = self;
  ea_bridge_prices(f->config.bridge, NULL);
  for (struct lane *l = f->lanes, *next; l; l = next) {
    next = l->next;
    for (enum grain g = MINUTES; g < GRAINS; g++) {
      series_finish(&l->parts[g].series);
      series_finish(&l->parts[g].past);
    }
    free(l);
  }
  free(f);
}

static const struct feed_ops ops = {"terminal", ea_feed_describe, ea_feed_subscribe, ea_feed_unsubscribe, ea_feed_poll, ea_feed_history, ea_feed_destroy};

enum status ea_feed_create(const struct ea_feed_config *config, struct feed *ret, struct err *err) {
  struct ea_feed *f = calloc(1, sizeof *f);
  if (!f) return err_set(err, ERR_NOMEM, "no memory for a feed");
  f->config = *config;
  f->promised_ns = INT64_MIN;
  ea_bridge_prices(config->bridge, &(struct ea_prices){.self = f, .changed = on_changed, .tick = on_tick, .bars = on_bars, .ask = on_ask});
  *ret = (struct feed){&ops, f};
  return OK;
}
