// venue/feed_sim.c – see feed_sim.h.
#include "venue/feed_sim.h"

#include "market/funding.h"
#include "venue/feed_play.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MAX_NS (INT64_C(83000) * NS_PER_DAY)  // 2197
#define QUIET_MAX 64                               // bars; an outage is shorter

struct sim_entry {
  struct sim_market market;
  struct instrument inst;
};
struct sim {
  struct feed_player player;
  int64_t bar_ns, start_ns, end_ns;
  int count;
  struct sim_entry entries[];
};

// ---- the shipped market: figures of minutes

static const struct sim_symbol shipped[FEED_SIM_SHIPPED] = {
    {"BTCUSDT", {1, 1}, {1, 5}, 650000, 600000, 1, 12000, 200},
    {"ETHUSDT", {1, 2}, {1, 4}, 320000, 750000, 1, 180000, 200},
    {"SOLUSDT", {1, 2}, {1, 2}, 15000, 1100000, 1, 2500000, 250},
    {"EURUSD", {1, 5}, {1, 2}, 108000, 60000, 4, 90000, 100},
    {"GBPUSD", {1, 5}, {1, 2}, 127000, 75000, 6, 60000, 100},
    {"XAUUSD", {1, 2}, {1, 2}, 235000, 130000, 20, 8000, 100},
};

// The integer square root of v.
static int64_t root(int64_t v) {
  int64_t lo = 0, hi = INT64_C(3037000499);
  while (lo < hi) {
    int64_t mid = lo + (hi - lo + 1) / 2;
    if (mid <= v / mid) lo = mid;
    else hi = mid - 1;
  }
  return lo;
}

int feed_sim_shipped(int64_t bar_ns, struct sim_symbol ret[FEED_SIM_SHIPPED]) {
  assert(bar_ns >= NS_PER_S && bar_ns <= NS_PER_DAY);
  int64_t seconds = bar_ns / NS_PER_S;
  for (int i = 0; i < FEED_SIM_SHIPPED; i++) {
    ret[i] = shipped[i];
    ret[i].noise_e9 = shipped[i].noise_e9 * root(seconds * 1000000 / 60) / 1000;
    if (ret[i].noise_e9 > 20000000) ret[i].noise_e9 = 20000000;
    ret[i].volume = shipped[i].volume * seconds / 60;
  }
  return FEED_SIM_SHIPPED;
}

// ---- the feed

static enum status find(const struct sim *s, const char *symbol, int *ret, struct err *err) {
  for (int i = 0; i < s->count; i++)
    if (strcmp(s->entries[i].inst.symbol, symbol) == 0) return *ret = i, OK;
  char have[256];
  size_t n = 0;
  have[0] = '\0';
  for (int i = 0; i < s->count && n < sizeof have; i++)
    n += (size_t)snprintf(have + n, sizeof have - n, "%s%s", i ? ", " : "", s->entries[i].inst.symbol);
  return err_set(err, ERR_NOTFOUND, "sim: no symbol %.40s (there are %s)", symbol, have);
}

static enum status sim_describe(void *self, const char *symbol, struct feed_symbol *ret, struct err *err) {
  const struct sim *s = self;
  int i;
  enum status st = find(s, symbol, &i, err);
  if (st == OK)
    *ret = (struct feed_symbol){
      .inst = s->entries[i].inst, .timeframe_ns = s->bar_ns, .volume_scale = SIM_VOLUME_SCALE, .ticks = true};
  return st;
}

// The close of the first bar that closes after after_ns and is not in an outage; INT64_MAX beyond the end.
static int64_t next_bar(const struct sim *s, int symbol, int64_t after_ns) {
  int64_t open_ns = timeframe_floor(after_ns, s->bar_ns);
  struct bar bar;
  for (; open_ns + s->bar_ns <= s->end_ns; open_ns += s->bar_ns)
    if (sim_market_bar(&s->entries[symbol].market, open_ns, &bar)) return open_ns + s->bar_ns;
  return INT64_MAX;
}

// The time of the first tick after after_ns.
static int64_t next_tick(const struct sim *s, int symbol, int64_t after_ns) {
  struct sim_tick ticks[SIM_TICKS];
  for (int64_t open_ns = timeframe_floor(after_ns, s->bar_ns); open_ns + s->bar_ns <= s->end_ns; open_ns += s->bar_ns) {
    int count = sim_market_ticks(&s->entries[symbol].market, open_ns, ticks);
    for (int k = 0; k < count; k++)
      if (ticks[k].time_ns > after_ns) return ticks[k].time_ns;
  }
  return INT64_MAX;
}

static enum status sim_subscribe(
  void *self, const char *symbol, int64_t timeframe_ns, int64_t after_ns, int *ret_id, struct err *err) {
  struct sim *s = self;
  int i;
  enum status st = find(s, symbol, &i, err);
  if (st != OK) return st;
  if (timeframe_ns != 0 && timeframe_ns != s->bar_ns) {
    char have[TIMEFRAME_TEXT_MAX];
    return err_set(err, ERR_INVALID, "sim: %s has %s bars, and ticks", symbol, timeframe_text(s->bar_ns, have));
  }
  if (after_ns == INT64_MIN) after_ns = s->start_ns;
  if (after_ns < 0) after_ns = 0;
  struct feed_track track = {.symbol = i, .name = s->entries[i].inst.symbol, .timeframe_ns = timeframe_ns};
  track.next_ns = timeframe_ns ? next_bar(s, i, after_ns) : next_tick(s, i, after_ns);
  return feed_player_add(&s->player, &track, ret_id, err);
}

static void sim_unsubscribe(void *self, int id) {
  feed_player_remove(&((struct sim *)self)->player, id);
}

static size_t take_ticks(const struct sim *s, struct feed_track *t, const struct feed_sink *sink) {
  struct sim_tick ticks[SIM_TICKS];
  const int64_t time_ns = t->next_ns;
  int count = sim_market_ticks(&s->entries[t->symbol].market, timeframe_floor(time_ns, s->bar_ns), ticks), k = 0;
  while (ticks[k].time_ns != time_ns) k++;
  assert(k < count);
  t->next_ns = k + 1 < count ? ticks[k + 1].time_ns : next_tick(s, t->symbol, time_ns);
  struct feed_event quote = {
    .kind = FEED_QUOTE, .subscription = t->id, .time_ns = time_ns, .u.quote = {ticks[k].bid, ticks[k].ask}};
  struct feed_event trade = {
    .kind = FEED_TRADE, .subscription = t->id, .time_ns = time_ns, .u.trade = {ticks[k].px, ticks[k].volume}};
  sink->event(sink->self, &quote);
  sink->event(sink->self, &trade);
  return 2;
}

static size_t take(void *self, struct feed_track *t, const struct feed_sink *sink) {
  const struct sim *s = self;
  if (t->timeframe_ns == 0) return take_ticks(s, t, sink);
  struct feed_event e = {.kind = FEED_BAR, .subscription = t->id, .time_ns = t->next_ns};
  bool any = sim_market_bar(&s->entries[t->symbol].market, t->next_ns - s->bar_ns, &e.u.bar);
  assert(any);
  t->next_ns = next_bar(s, t->symbol, t->next_ns);
  sink->event(sink->self, &e);
  return 1;
}

static enum status sim_poll(void *self, int64_t now_ns, size_t max_events, const struct feed_sink *sink,
  struct feed_progress *ret, struct err *err) {
  (void)err;
  struct sim *s = self;
  feed_player_poll(&s->player, now_ns, max_events, take, s, sink, ret);
  return OK;
}

// From a little before the first bucket, so that an outage at its beginning is not taken for the beginning of the data.
static enum status sim_history(void *self, const char *symbol, int64_t timeframe_ns, int64_t from_ns, int64_t to_ns,
  struct series *ret, struct err *err) {
  const struct sim *s = self;
  int i;
  enum status st = find(s, symbol, &i, err);
  if (st != OK) return st;
  if (timeframe_ns < s->bar_ns || timeframe_ns % s->bar_ns != 0)
    return err_set(err, ERR_INVALID, "sim: no bars of that timeframe");
  if (to_ns > s->end_ns) to_ns = s->end_ns;
  if (from_ns < 0) from_ns = 0;
  if (from_ns > to_ns) from_ns = to_ns;
  int64_t t = timeframe_floor(from_ns, timeframe_ns) - QUIET_MAX * s->bar_ns;
  if (t < 0) t = 0;
  t = timeframe_floor(t, s->bar_ns);
  if ((to_ns - t) / s->bar_ns > FEED_SIM_HISTORY_MAX)
    return err_set(err, ERR_LIMIT, "sim: more than %d bars of history at once", FEED_SIM_HISTORY_MAX);
  struct series fine = {.inst = s->entries[i].inst,
    .timeframe_ns = s->bar_ns,
    .volume_scale = SIM_VOLUME_SCALE,
    .price_scale = s->entries[i].inst.tick.scale};
  struct bar bar;
  struct sim_block block = {0};
  for (; st == OK && t + s->bar_ns <= to_ns; t += s->bar_ns)
    if (sim_market_next(&s->entries[i].market, t, &block, &bar)) st = series_append(&fine, &bar, err);
  if (st == OK) st = feed_history_of(&fine, timeframe_ns, from_ns, to_ns, ret, err);
  series_finish(&fine);
  return st;
}

static void sim_destroy(void *self) {
  struct sim *s = self;
  feed_player_finish(&s->player);
  free(s);
}

static const struct feed_ops ops = {"sim", sim_describe, sim_subscribe, sim_unsubscribe, sim_poll, sim_history, sim_destroy};

static enum status entry_init(
  struct sim_entry *e, uint64_t seed, const struct sim_symbol *symbol, int64_t bar_ns, struct err *err) {
  e->inst = (struct instrument){.tick = symbol->tick, .lot = symbol->lot, .multiplier = {1, 0}};
  snprintf(e->inst.symbol, SYMBOL_MAX, "%s", symbol->symbol);
  enum status st = instrument_finish(&e->inst, err);
  return st == OK ? sim_market_init(&e->market, seed, symbol, bar_ns, err) : err_wrap(err, st, "sim: %s", symbol->symbol);
}

enum status feed_sim_create(const struct feed_sim_config *config, struct feed *ret, struct err *err) {
  const int64_t bar_ns = config->bar_ns ? config->bar_ns : NS_PER_MINUTE;
  if (bar_ns < NS_PER_S || bar_ns > NS_PER_DAY || NS_PER_DAY % bar_ns != 0)
    return err_set(err, ERR_INVALID, "sim: bars are of 1 second to 1 day, and a day is made of whole ones");
  if (config->start_ns < 0 || config->start_ns > TIME_MAX_NS)
    return err_set(err, ERR_INVALID, "sim: it starts in the years 1970 to 2196");
  struct sim_symbol own[FEED_SIM_SHIPPED];
  const struct sim_symbol *symbols = config->symbols ? config->symbols : own;
  int count = config->symbols ? config->count : feed_sim_shipped(bar_ns, own);
  struct sim *s = calloc(1, sizeof *s + (size_t)count * sizeof s->entries[0]);
  if (!s) return err_set(err, ERR_NOMEM, "out of memory");
  feed_player_init(&s->player, &config->pace);
  s->bar_ns = bar_ns;
  s->start_ns = config->start_ns;
  s->end_ns = config->end_ns > 0 && config->end_ns < TIME_MAX_NS ? config->end_ns : TIME_MAX_NS;
  enum status st = count > 0 ? OK : err_set(err, ERR_INVALID, "sim: no symbols");
  for (int i = 0; st == OK && i < count; i++) {
    int twice;
    if (find(s, symbols[i].symbol, &twice, NULL) == OK)
      st = err_set(err, ERR_INVALID, "sim: %s is there twice", symbols[i].symbol);
    else st = entry_init(&s->entries[i], config->seed, &symbols[i], bar_ns, err);
    s->count = i + 1;
  }
  if (st != OK) {
    sim_destroy(s);
    return st;
  }
  *ret = (struct feed){&ops, s};
  return OK;
}

#define FUNDING_NS (8 * 3600 * NS_PER_S)

size_t feed_sim_funding(struct feed sim, const char *symbol, int64_t after_ns, int64_t through_ns, struct funding *ret, size_t max) {
  const struct sim *s = sim.self;
  const size_t len = strlen(symbol);
  int i;
  assert(sim.ops == &ops);
  if (len < 4 || strcmp(symbol + len - 4, "USDT") != 0 || find(s, symbol, &i, NULL) != OK) return 0;
  const int64_t last_ns = timeframe_floor(through_ns, FUNDING_NS);
  int64_t ts_ns = timeframe_floor(after_ns, FUNDING_NS) + FUNDING_NS;
  if (ts_ns < last_ns - (int64_t)(max - 1) * FUNDING_NS) ts_ns = last_ns - (int64_t)(max - 1) * FUNDING_NS;
  size_t count = 0;
  for (; ts_ns <= last_ns && count < max; ts_ns += FUNDING_NS) ret[count++] = (struct funding){ts_ns, sim_market_funding_e12(&s->entries[i].market, ts_ns)};
  return count;
}

struct feed_pace *feed_sim_pace(struct feed sim) {
  assert(sim.ops == &ops);
  return &((struct sim *)sim.self)->player.pace;
}
