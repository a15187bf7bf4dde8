// venue/feed_remote.c – see feed_remote.h.
#include "venue/feed_remote_impl.h"

#include "loop/loop.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_RETRIES 4                // of the site's first wait
#define LOOK_NS (100 * NS_PER_MS)     // the feed's time moves on without anything being heard
#define AHEAD_NS NS_PER_S             // so much may our idea of the venue's time be behind
#define QUIET_MS 20000                // who has no bar for so long is not waited for
#define VOLUME_SCALE_MAX 8

static void wake(struct remote_feed *f) { f->config.wake(f->config.self); }

static int64_t time_of(const struct remote_feed *f, bool *ret_known) { return remote_site_now_ns(f->config.site, ret_known); }

// ---- instruments

static bool count_of(struct decimal d, struct decimal unit, int64_t *ret) {
  const int scale = d.scale > unit.scale ? d.scale : unit.scale;
  int64_t a, b;
  if (!decimal_given(d)) return *ret = 0, true;
  if (!decimal_rescale(d, scale, &a) || !decimal_rescale(unit, scale, &b) || a < 0) return false;
  return *ret = a / b, true;
}

// As exact as the venue tells it; false: it is none that could be traded here.
static bool symbol_of(const struct venue_instrument *v, struct feed_symbol *ret) {
  *ret = (struct feed_symbol){.inst = {.tick = v->tick, .lot = v->lot, .multiplier = {1, 0}, .tick_step = 1, .lot_step = 1}, .timeframe_ns = REMOTE_BASE_NS};
  struct instrument *i = &ret->inst;
  struct err err;
  if (strlen(v->symbol) >= SYMBOL_MAX || !decimal_given(v->tick) || !decimal_given(v->lot) || v->tick.digits <= 0 || v->lot.digits <= 0) return false;
  strcpy(i->symbol, v->symbol);
  ret->volume_scale = v->lot.scale < VOLUME_SCALE_MAX ? v->lot.scale : VOLUME_SCALE_MAX;
  int64_t notional = 0;
  if (!count_of(v->qty_min, v->lot, &i->min_qty.lots) || !count_of(v->qty_max, v->lot, &i->max_order_qty.lots)) return false;
  if (decimal_given(v->notional_min) && !decimal_rescale(v->notional_min, 8, &notional)) return false;
  i->min_notional.e8 = notional;
  return instrument_finish(i, &err) == OK;
}

static struct feed_symbol *find(const struct remote_feed *f, const char *symbol) {
  for (size_t i = 0; i < f->symbol_count; i++)
    if (strcmp(f->symbols[i].inst.symbol, symbol) == 0) return &f->symbols[i];
  return NULL;
}

static void on_instruments(void *arg, const struct venue_reply *r, const struct venue_instrument *list, size_t count) {
  struct remote_feed *f = arg;
  f->asked = NULL;
  struct feed_symbol *all = r->outcome == VENUE_ACCEPTED ? calloc(count + 1, sizeof *all) : NULL;
  if (!all) {  // the timer asks again
    snprintf(f->why, sizeof f->why, "its instruments cannot be had: %.100s", r->text);
    wake(f);
    return;
  }
  size_t n = 0;
  for (size_t i = 0; i < count; i++)
    if (list[i].trading && symbol_of(&list[i], &all[n])) n++;
  f->funds = count > 0 && list[0].kind == VENUE_LINEAR && (dialect_info(f->config.site->dialect)->ops >> DIALECT_FUNDING & 1);
  f->symbols = all;
  f->symbol_count = n;
  f->known = true;
  wake(f);
}

// ---- what the stream says

static struct remote_lane *lane_of(const struct remote_feed *f, const char *symbol) {
  for (int i = 0; i < f->lane_count; i++)
    if (strcmp(f->lanes[i]->info->inst.symbol, symbol) == 0) return f->lanes[i];
  return NULL;
}

static void on_kline(void *self, const char *symbol, const char *timeframe, const struct venue_kline *k) {
  struct remote_feed *f = self;
  struct remote_lane *l = lane_of(f, symbol);
  struct bar bar;
  (void)timeframe;
  if (!l || !k->closed) return;
  l->heard_ms = loop_now_ms(f->config.site->loop);
  if (k->open_ns + REMOTE_BASE_NS >= l->next_close_ns) l->next_close_ns = k->open_ns + 2 * REMOTE_BASE_NS;
  if (!remote_bar_of(l->info, k, &bar, l->why)) l->refused++;
  else if (!remote_lane_add(l, &bar)) return;
  wake(f);
}

static void on_trade(void *self, const struct venue_trade *t) {
  struct remote_feed *f = self;
  struct remote_lane *l = lane_of(f, t->symbol);
  if (!l) return;
  remote_lane_trade(l, t);
  wake(f);
}

static void on_up(void *self, bool up, const char *why) {
  struct remote_feed *f = self;
  const int64_t now_ms = loop_now_ms(f->config.site->loop);
  f->up = up;
  if (!up) snprintf(f->why, sizeof f->why, "%s", why);
  for (int i = 0; up && i < f->lane_count; i++) f->lanes[i]->heard_ms = now_ms;  // what it has missed is being asked for
  wake(f);
}

static const struct remote_market_events market_events = {.up = on_up, .kline = on_kline, .trade = on_trade};

static void on_timer(void *arg) {
  struct remote_feed *f = arg;
  const int64_t now_ms = loop_now_ms(f->config.site->loop);
  if (!f->known && !f->asked) f->asked = remote_site_instruments(f->config.site, NULL, on_instruments, f);
  if (!f->config.site->clock.known || now_ms >= f->config.site->sync_ms) remote_sync(f->config.site);  // sessions do so too, where there are any
  for (int i = 0; i < f->lane_count; i++) {
    remote_lane_again(f->lanes[i], now_ms);
    remote_rates_look(f->lanes[i], time_of(f, NULL));
  }
  wake(f);  // who is quiet may have become so
}

// ---- lanes

static enum status lane_add(struct remote_feed *f, const struct feed_symbol *info, int64_t now_ns, struct remote_lane **ret, struct err *err) {
  if (f->lane_count == FEED_REMOTE_SYMBOLS_MAX) return err_set(err, ERR_LIMIT, "a venue's feed reads at most %d symbols", FEED_REMOTE_SYMBOLS_MAX);
  struct remote_lane *l = calloc(1, sizeof *l);
  if (!l) return err_set(err, ERR_NOMEM, "no memory for a symbol");
  const int64_t from_ns = timeframe_floor(now_ns, REMOTE_BASE_NS) - REMOTE_BASE_NS;
  l->feed = f;
  l->info = info;
  l->base.lane = l;
  l->base.from_ns = from_ns;
  l->base.series = (struct series){.inst = info->inst, .timeframe_ns = REMOTE_BASE_NS, .volume_scale = info->volume_scale, .price_scale = info->inst.tick.scale};
  l->next_close_ns = from_ns + REMOTE_BASE_NS;
  l->heard_ms = loop_now_ms(f->config.site->loop);
  const enum status st = remote_market_want(f->market, REMOTE_KLINES, info->inst.symbol, "1m", from_ns, err);
  struct err ignored;
  // A venue without a stream of trades is read without.
  if (st == OK && f->config.ticks) (void)!remote_market_want(f->market, REMOTE_TRADES, info->inst.symbol, NULL, 0, &ignored);
  if (st != OK) {
    remote_lane_free(l);
    return st;
  }
  f->lanes[f->lane_count++] = *ret = l;
  return OK;
}

static bool quiet(const struct remote_feed *f, const struct remote_lane *l) { return f->up && loop_now_ms(f->config.site->loop) - l->heard_ms > QUIET_MS; }

// It has all that was promised to have passed: from here on nothing of it is missing.
static bool level(const struct remote_feed *f, const struct remote_lane *l) { return l->next_close_ns > f->promised_ns || quiet(f, l); }

bool feed_remote_ready(struct feed feed, const char *symbol, int64_t timeframe_ns, size_t bars) {
  struct remote_feed *f = feed.self;
  struct err err;
  bool timed;
  const int64_t now_ns = time_of(f, &timed);
  if (!f->known || !timed) return false;
  const struct feed_symbol *info = find(f, symbol);
  struct remote_lane *l = info ? lane_of(f, symbol) : NULL;
  if (!info || (!l && lane_add(f, info, now_ns, &l, &err) != OK)) return true;
  return remote_lane_has(l, timeframe_ns, bars, now_ns) && !remote_rates_wait(l) && (l->subscription || level(f, l)) && (l->base.series.count || quiet(f, l));
}

const char *feed_remote_symbol(struct feed feed, int i) {
  const struct remote_feed *f = feed.self;
  return i >= 0 && (size_t)i < f->symbol_count ? f->symbols[i].inst.symbol : NULL;
}

// ---- the feed

static enum status remote_describe(void *self, const char *symbol, struct feed_symbol *ret, struct err *err) {
  const struct remote_feed *f = self;
  if (!f->known) return err_set(err, ERR_NOTFOUND, "its instruments are not known yet%s%s", f->why[0] ? ": " : "", f->why);
  const struct feed_symbol *s = find(f, symbol);
  if (s) return *ret = *s, OK;
  return err_set(err, ERR_NOTFOUND, "it does not trade %.40s (of %zu instruments the first is %s)", symbol, f->symbol_count, f->symbol_count ? f->symbols[0].inst.symbol : "none");
}

static enum status remote_subscribe(void *self, const char *symbol, int64_t timeframe_ns, int64_t after_ns, int *ret_id, struct err *err) {
  struct remote_feed *f = self;
  struct feed_symbol s;
  const enum status st = remote_describe(f, symbol, &s, err);
  if (st != OK) return st;
  if (timeframe_ns != REMOTE_BASE_NS) return err_set(err, ERR_INVALID, "it has minute bars of %s", symbol);
  struct remote_lane *l = lane_of(f, symbol);
  if (!l || (!l->base.series.count && !quiet(f, l)) || (after_ns != INT64_MIN && !level(f, l)))
    return err_set(err, ERR_NOTFOUND, f->lane_count == FEED_REMOTE_SYMBOLS_MAX && !l ? "%s: too many symbols are read" : "%s is being fetched", symbol);
  if (l->subscription) return err_set(err, ERR_EXISTS, "%s is subscribed", symbol);
  l->given_ns = after_ns;
  if (after_ns < f->promised_ns) f->promised_ns = after_ns;
  *ret_id = l->subscription = ++f->next_id;
  return OK;
}

static void remote_unsubscribe(void *self, int id) {
  struct remote_feed *f = self;
  for (int i = 0; i < f->lane_count; i++)
    if (f->lanes[i]->subscription == id) f->lanes[i]->subscription = 0;
}

static size_t first_after(const struct series *s, int64_t after_ns) {
  size_t lo = 0, hi = s->count;
  while (lo < hi) {
    const size_t mid = lo + (hi - lo) / 2;
    if (s->bars[mid].open_ns + s->timeframe_ns > after_ns) hi = mid;
    else lo = mid + 1;
  }
  return lo;
}

static void tell(const struct feed_sink *sink, int subscription, int64_t time_ns, enum feed_note code, uint64_t more, const char *text) {
  const struct feed_event e = {.kind = FEED_NOTE, .subscription = subscription, .time_ns = time_ns, .u.note = {code, text, more}};
  sink->event(sink->self, &e);
}

static void tell_notes(struct remote_feed *f, const struct feed_sink *sink, int64_t now_ns) {
  const bool waits = !f->known ? f->why[0] != '\0' : f->up_told && !f->up;
  if (waits && !f->waiting_told) tell(sink, -1, now_ns, FEED_NOTE_WAITING, 0, f->why);
  if (f->up && (!f->up_told || f->waiting_told)) tell(sink, -1, now_ns, FEED_NOTE_STARTED, 0, "the stream is subscribed");
  if (f->up) f->up_told = true;
  f->waiting_told = waits;
  for (int i = 0; i < f->lane_count; i++) {
    struct remote_lane *l = f->lanes[i];
    if (!l->refused) continue;
    tell(sink, l->subscription ? l->subscription : -1, now_ns, FEED_NOTE_REFUSED, l->refused - 1, l->why);
    l->refused = 0;
  }
}

// Until when nothing will come any more.
static int64_t promise(struct remote_feed *f, int64_t now_ns) {
  int64_t through_ns = now_ns;
  for (int i = 0; i < f->lane_count; i++) {
    const struct remote_lane *l = f->lanes[i];
    const int64_t hold_ns = l->subscription ? remote_rates_hold(l) : INT64_MAX;
    if (l->subscription && !quiet(f, l) && l->next_close_ns - 1 < through_ns) through_ns = l->next_close_ns - 1;
    if (hold_ns < through_ns) through_ns = hold_ns;
  }
  return through_ns > f->promised_ns ? through_ns : f->promised_ns;
}

// The lane whose next bar by through_ns is the first; NULL: there is none.
static struct remote_lane *first_lane(const struct remote_feed *f, int64_t through_ns, const struct bar **ret) {
  struct remote_lane *first = NULL;
  for (int i = 0; i < f->lane_count; i++) {
    struct remote_lane *l = f->lanes[i];
    const size_t at = l->subscription ? first_after(&l->base.series, l->given_ns) : l->base.series.count;
    if (at == l->base.series.count || l->base.series.bars[at].open_ns + REMOTE_BASE_NS > through_ns) continue;
    const struct bar *b = &l->base.series.bars[at];
    if (first && (b->open_ns > (*ret)->open_ns || (b->open_ns == (*ret)->open_ns && strcmp(l->info->inst.symbol, first->info->inst.symbol) > 0))) continue;
    first = l;
    *ret = b;
  }
  return first;
}

static enum status remote_poll(void *self, int64_t clock_ns, size_t max_events, const struct feed_sink *sink, struct feed_progress *ret, struct err *err) {
  struct remote_feed *f = self;
  bool timed;
  const int64_t now_ns = time_of(f, &timed);
  (void)err;
  *ret = (struct feed_progress){.through_ns = f->promised_ns, .next_ns = clock_ns + LOOK_NS};
  tell_notes(f, sink, timed ? now_ns : f->promised_ns);
  if (!timed) return OK;
  // A bar that closes in what is the future to us: ours is wrong, and it waits for the venue's word.
  for (int i = 0; i < f->lane_count; i++)
    if (f->lanes[i]->next_close_ns - REMOTE_BASE_NS > now_ns + AHEAD_NS) remote_sync(f->config.site);
  const int64_t through_ns = promise(f, now_ns);
  const int64_t promised_ns = f->promised_ns;
  const struct bar *b;
  struct remote_lane *l;
  while (ret->events < max_events && (l = first_lane(f, through_ns, &b))) {
    if (!remote_trades_give(f, b->open_ns + REMOTE_BASE_NS, now_ns, max_events, sink, ret)) break;
    if (ret->events == max_events) break;
    const struct feed_event e = {.kind = FEED_BAR, .subscription = l->subscription, .time_ns = b->open_ns + REMOTE_BASE_NS, .u.bar = *b};
    l->given_ns = e.time_ns;
    ret->events++;
    if (e.time_ns > promised_ns) sink->event(sink->self, &e);
    else tell(sink, l->subscription, e.time_ns, FEED_NOTE_LATE, 0, "its symbol was not waited for any more");
  }
  const bool trades = !remote_trades_give(f, ret->events < max_events ? INT64_MAX : INT64_MIN, now_ns, max_events, sink, ret);
  const bool more = ret->events == max_events && (l = first_lane(f, through_ns, &b));
  f->promised_ns = !more ? through_ns : b->open_ns + REMOTE_BASE_NS - 1 > promised_ns ? b->open_ns + REMOTE_BASE_NS - 1 : promised_ns;
  ret->through_ns = f->promised_ns;
  if (more || trades) ret->next_ns = clock_ns;
  return OK;
}

static enum status remote_history(void *self, const char *symbol, int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, struct series *ret, struct err *err) {
  struct remote_feed *f = self;
  struct feed_symbol s;
  const enum status st = remote_describe(f, symbol, &s, err);
  if (st != OK) return st;
  struct remote_lane *l = lane_of(f, symbol);
  if (l) return remote_lane_history(l, timeframe_ns, from_ns, to_ns, ret, err);
  *ret = (struct series){.inst = s.inst, .timeframe_ns = timeframe_ns, .volume_scale = s.volume_scale, .price_scale = s.inst.tick.scale};
  return OK;
}

static void remote_destroy(void *self) {
  struct remote_feed *f = self;
  if (f->asked) remote_call_cancel(f->asked);
  remote_market_destroy(f->market);
  for (int i = 0; i < f->lane_count; i++) remote_lane_free(f->lanes[i]);
  loop_timer_destroy(f->timer);
  free(f->symbols);
  free(f);
}

static const struct feed_ops ops = {"remote", remote_describe, remote_subscribe, remote_unsubscribe, remote_poll, remote_history, remote_destroy};

enum status feed_remote_create(const struct feed_remote_config *config, struct feed *ret, struct err *err) {
  struct remote_feed *f = calloc(1, sizeof *f);
  if (!f) return err_set(err, ERR_NOMEM, "no memory for a feed");
  f->config = *config;
  f->promised_ns = INT64_MIN;
  enum status st = remote_market_create(config->site, &market_events, f, &f->market, err);
  if (st == OK) st = loop_timer_create(config->site->loop, on_timer, f, &f->timer, err);
  if (st != OK) {
    remote_destroy(f);
    return st;
  }
  loop_timer_start(f->timer, 0, TICK_RETRIES * config->site->retry_ms);
  *ret = (struct feed){&ops, f};
  return OK;
}
