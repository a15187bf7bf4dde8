// exchange/source.c – where prices come from: the synthetic market, recorded history at any speed, or nobody but the clients. What the feed
// tells becomes commands, so that the exchange's log holds the prices its trades were made at.
//
// Candles are by the exchange's own clock: a replay of 2021 at speed 60 is a market that moves sixty times as fast today.
#include "exchange/server.h"

#include "base/decimal.h"
#include "loop/clock.h"
#include "market/csv.h"
#include "venue/feed_replay.h"
#include "venue/feed_sim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIM_BAR_NS (5 * NS_PER_S)
#define POLL_MAX 512
#define MINUTE_MS 60000

// A feed's units are its own.
static int64_t convert(int64_t units, struct decimal from, struct decimal to) {
  int128 v = (int128)units * from.digits;
  return (int64_t)(from.scale <= to.scale ? div_round(v * pow10_i64(to.scale - from.scale), to.digits)
                                          : div_round(v, (int128)pow10_i64(from.scale - to.scale) * to.digits));
}
static int64_t lots_of(const struct exch_symbol *s, int64_t volume, int volume_scale) {
  if (volume < 0) return 1;
  int64_t lots = convert(volume, (struct decimal){1, volume_scale}, s->inst.lot);
  return lots > 0 ? lots : 1;
}

static void push(struct server *s, int symbol, int64_t bid, int64_t ask, int64_t last, int64_t lots) {
  json_t *p = json_pack("{s:s, s:I, s:I, s:I, s:I}", "s", s->x->symbols[symbol].inst.symbol, "b", (json_int_t)bid, "k",
    (json_int_t)ask, "l", (json_int_t)last, "v", (json_int_t)lots);
  exch_command_run(s, CMD_PUSH, NULL, p, false, NULL);
  json_decref(p);
}

// ---- bars: their prices spread over the time until the next one ----

static void add_point(struct source *src, int64_t at_ms, int symbol, int64_t ticks, int64_t lots) {
  if (src->point_count == src->point_cap) {
    size_t cap = src->point_cap > 0 ? src->point_cap * 2 : 64;
    struct point *more = realloc(src->points, cap * sizeof more[0]);
    if (!more) return;
    src->points = more;
    src->point_cap = cap;
  }
  src->points[src->point_count++] = (struct point){at_ms, symbol, ticks, lots};
}

static void take_bar(struct server *s, int symbol, const struct bar *bar, int64_t now_ms) {
  struct source *src = &s->source;
  const struct feed_symbol *f = &src->symbols[symbol];
  const struct exch_symbol *sym = &s->x->symbols[symbol];
  int64_t span = f->timeframe_ns / NS_PER_MS * 1000 / src->speed_e3,
          quarter = lots_of(sym, bar->volume < 0 ? -1 : bar->volume / 4, f->volume_scale);
  bool up = bar->close.ticks >= bar->open.ticks;
  int64_t path[4] = {
    bar->open.ticks, up ? bar->low.ticks : bar->high.ticks, up ? bar->high.ticks : bar->low.ticks, bar->close.ticks};
  for (int i = 0; i < 4; i++)
    add_point(src, now_ms + span * i / 4, symbol, convert(path[i], f->inst.tick, sym->inst.tick), quarter);
}

static void play_points(struct server *s, int64_t now_ms) {
  struct source *src = &s->source;
  size_t kept = 0;
  for (size_t i = 0; i < src->point_count; i++) {
    struct point p = src->points[i];
    if (p.at_ms > now_ms)
      src->points[kept++] = p;
    else
      push(s, p.symbol, 0, 0, p.ticks, p.lots);
  }
  src->point_count = kept;
}

struct sink_context {
  struct server *s;
  int64_t now_ms;
};

static void on_event(void *self, const struct feed_event *e) {
  struct sink_context *c = self;
  struct source *src = &c->s->source;
  if (e->subscription < 0 || e->subscription >= EXCH_SYMBOLS_MAX) return;
  int symbol = src->subscription_symbol[e->subscription];
  struct exch_symbol *sym = &c->s->x->symbols[symbol];
  struct decimal tick = src->symbols[symbol].inst.tick;
  if (e->kind == FEED_BAR) {
    take_bar(c->s, symbol, &e->u.bar, c->now_ms);
  } else if (e->kind == FEED_QUOTE) {
    src->bid[symbol] = convert(e->u.quote.bid.ticks, tick, sym->inst.tick);
    src->ask[symbol] = convert(e->u.quote.ask.ticks, tick, sym->inst.tick);
  } else if (e->kind == FEED_TRADE) {
    push(c->s, symbol, src->bid[symbol], src->ask[symbol], convert(e->u.trade.px.ticks, tick, sym->inst.tick),
      lots_of(sym, e->u.trade.volume, src->symbols[symbol].volume_scale));
  }
}

void exch_source_poll(struct server *s, int64_t now_ms) {
  struct source *src = &s->source;
  struct sink_context context = {s, now_ms};
  struct feed_sink sink = {&context, on_event};
  struct feed_progress progress = {0};
  struct err err;
  if (!src->feed.ops) return;
  if (feed_poll(src->feed, now_ms * NS_PER_MS, POLL_MAX, &sink, &progress, &err) != OK)
    return;  // its data is in memory: only for want of memory, which may pass
  play_points(s, now_ms);
}

// ---- opening ----

static void prefill(struct server *s, int symbol, int64_t from_ns, int64_t to_ns, int64_t shift_ms) {
  struct source *src = &s->source;
  struct exch_symbol *sym = &s->x->symbols[symbol];
  const struct feed_symbol *f = &src->symbols[symbol];
  struct series series;
  struct err err;
  int64_t timeframe = f->timeframe_ns > NS_PER_MINUTE ? f->timeframe_ns : NS_PER_MINUTE;
  if (feed_history(src->feed, sym->inst.symbol, timeframe, from_ns, to_ns, &series, &err) != OK) return;
  for (size_t i = 0; i < series.count; i++) {
    const struct bar *b = &series.bars[i];
    struct decimal tick = series.inst.tick;
    struct exch_candle c = {b->open_ns / NS_PER_MS + shift_ms, convert(b->open.ticks, tick, sym->inst.tick),
      convert(b->high.ticks, tick, sym->inst.tick), convert(b->low.ticks, tick, sym->inst.tick),
      convert(b->close.ticks, tick, sym->inst.tick), lots_of(sym, b->volume, series.volume_scale), 0};
    c.turnover_e8 = exch_value(sym, c.close, c.lots);
    if (!exch_candle_add(sym, &c) || (sym->twin && !exch_candle_add(sym->twin, &c))) break;
  }
  series_finish(&series);
}

static enum status open_sim(struct server *s, int64_t start_ns, struct err *err) {
  struct feed_sim_config config = {.seed = s->options->seed, .bar_ns = SIM_BAR_NS, .start_ns = start_ns};
  feed_pace_init(&config.pace, s->source.speed_e3, start_ns, start_ns);
  return feed_sim_create(&config, &s->source.feed, err);
}

static enum status open_replay(struct server *s, const char *list, int64_t start_ns, struct err *err) {
  struct source *src = &s->source;
  const struct series *pointers[EXCH_SYMBOLS_MAX];
  char path[4096];
  src->is_replay = true;
  src->series = calloc(EXCH_SYMBOLS_MAX, sizeof src->series[0]);
  if (!src->series) return err_set(err, ERR_NOMEM, "out of memory");
  for (const char *at = list; *at;) {
    size_t len = strcspn(at, ",");
    if (src->series_count == EXCH_SYMBOLS_MAX)
      return err_set(err, ERR_LIMIT, "--feed: at most %d files", EXCH_SYMBOLS_MAX);
    snprintf(path, sizeof path, "%.*s", (int)len, at);
    struct csv_options csv = {0};
    struct csv_report *report = calloc(1, sizeof *report);
    enum status st = report ? csv_load(path, &csv, &src->series[src->series_count], report, err)
                            : err_set(err, ERR_NOMEM, "out of memory");
    free(report);
    if (st != OK) return st;
    pointers[src->series_count] = &src->series[src->series_count];
    src->series_count++;
    at += len + (at[len] == ',');
  }
  struct feed_replay_config config = {.series = pointers, .count = src->series_count};
  if (src->series_count == 0) return err_set(err, ERR_INVALID, "--feed replay: names no file");
  // The first part of the file is history, the rest is to come.
  const struct series *first = &src->series[0];
  int64_t begin = first->bars[0].open_ns, bars = s->options->history_days * NS_PER_DAY / first->timeframe_ns;
  size_t skip = (int64_t)first->count / 2 < bars ? first->count / 2 : (size_t)bars;
  src->anchor_event_ns = skip > 0 ? first->bars[skip].open_ns : begin;
  feed_pace_init(&config.pace, src->speed_e3, start_ns, src->anchor_event_ns);
  return feed_replay_create(&config, &src->feed, err);
}

static enum status subscribe(struct server *s, int symbol, int64_t after_ns, struct err *err) {
  struct source *src = &s->source;
  struct exch_symbol *sym = &s->x->symbols[symbol];
  int subscription;
  struct err ignored;
  if (feed_describe(src->feed, sym->inst.symbol, &src->symbols[symbol], &ignored) != OK)
    return OK;  // clients' orders only
  enum status st = feed_subscribe(src->feed, sym->inst.symbol,
    src->symbols[symbol].ticks ? 0 : src->symbols[symbol].timeframe_ns, after_ns, &subscription, err);
  if (st == OK && (subscription < 0 || subscription >= EXCH_SYMBOLS_MAX))
    st = err_set(err, ERR_LIMIT, "%s: too many subscriptions", sym->inst.symbol);
  if (st == OK) src->subscription_symbol[subscription] = symbol;
  return st;
}

enum status exch_source_open(struct server *s, struct err *err) {
  struct source *src = &s->source;
  const char *feed = s->options->feed;
  int64_t start_ns = s->started_ms * NS_PER_MS;
  src->speed_e3 = s->options->speed_e3;
  src->anchor_real_ms = s->started_ms;
  src->anchor_event_ns = start_ns;
  enum status st = OK;
  if (strcmp(feed, "none") == 0) return OK;
  if (strcmp(feed, "sim") == 0)
    st = open_sim(s, start_ns, err);
  else if (strncmp(feed, "replay:", 7) == 0)
    st = open_replay(s, feed + 7, start_ns, err);
  else
    st = err_set(err, ERR_INVALID, "--feed %s: there are sim, none and replay:FILE[,FILE…]", feed);
  for (int i = 0; st == OK && i < src->series_count; i++)
    st = exch_symbol_add(s->x, src->series[i].inst.symbol, &src->series[i].inst.tick, &src->series[i].inst.lot, err);
  for (int i = 0; st == OK && i < s->x->symbol_count; i++)
    if (!s->x->symbols[i].spot) st = subscribe(s, i, src->anchor_event_ns, err);
  for (int i = 0; st == OK && i < s->x->symbol_count; i++) {
    if (src->symbols[i].timeframe_ns == 0) continue;  // also spot, which moves with its perpetual
    int64_t now_minute = s->started_ms - s->started_ms % MINUTE_MS,
            event_minute = timeframe_floor(src->anchor_event_ns, NS_PER_MINUTE);
    prefill(
      s, i, event_minute - s->options->history_days * NS_PER_DAY, event_minute, now_minute - event_minute / NS_PER_MS);
  }
  return st;
}

void exch_source_begin(struct server *s) {
  for (int i = 0; i < s->x->symbol_count; i++) {
    const struct exch_symbol *sym = &s->x->symbols[i];
    if (!sym->spot && sym->candle_count > 0) push(s, i, 0, 0, sym->candles[sym->candle_count - 1].close, 0);
  }
}

void exch_source_close(struct server *s) {
  feed_destroy(s->source.feed);
  for (int i = 0; i < s->source.series_count; i++) series_finish(&s->source.series[i]);
  free(s->source.series);
  free(s->source.points);
}
