// Tests of live bars: they equal what a backtest makes of the same data, whatever the pieces, the order of arrival within the
// lateness, and the clock; and what cannot be is refused with its reason.
#include "market/live_bars.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE NS_PER_MINUTE
#define HOUR (60 * NS_PER_MINUTE)
#define START (INT64_C(1618790400) * NS_PER_S)  // Monday 2021-04-19
#define OUT_MAX 40000

static const int64_t timeframes[] = {7 * NS_PER_DAY, NS_PER_DAY, 4 * HOUR, HOUR, 15 * MINUTE, 7 * MINUTE, MINUTE};
#define TIMEFRAME_COUNT (int)(sizeof timeframes / sizeof timeframes[0])

// ---- helpers

static uint64_t rng_state;
static uint64_t rng(void) {
  uint64_t z = (rng_state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}
static int below(int n) { return (int)(rng() % (uint64_t)n); }

struct seen {
  struct live_bar bars[OUT_MAX];
  int count;
  struct live_note notes[64];
  int note_count;
};
static void on_bar(void *self, const struct live_bar *bar) {
  struct seen *s = self;
  assert_in_range(s->count, 0, OUT_MAX - 1);
  s->bars[s->count++] = *bar;
}
static void on_note(void *self, const struct live_note *n) {
  struct seen *s = self;
  if (s->note_count < 64) s->notes[s->note_count++] = *n;
}

static struct live_bars start_live(const struct live_config *config, struct seen *seen) {
  struct live_bars b;
  seen->count = seen->note_count = 0;
  assert_int_equal(live_bars_init(&b, config, &(struct live_sink){seen, on_bar, on_note}, NULL), OK);
  return b;
}
static void want_all(struct live_bars *b) {
  for (int i = 0; i < TIMEFRAME_COUNT; i++)  // in an order of no meaning
    assert_int_equal(live_bars_want(b, timeframes[(i * 3 + 1) % TIMEFRAME_COUNT], NULL, 0, NULL), OK);
}

static struct bar bar_at(int64_t open_ns, int64_t o, int64_t h, int64_t l, int64_t c, int64_t volume) {
  return (struct bar){open_ns, {o}, {h}, {l}, {c}, volume, 0};
}

static bool bars_equal(const struct bar *x, const struct bar *y) {
  return x->open_ns == y->open_ns && x->open.ticks == y->open.ticks && x->high.ticks == y->high.ticks && x->low.ticks == y->low.ticks &&
         x->close.ticks == y->close.ticks && x->volume == y->volume && x->flags == y->flags;
}

static void assert_same_bars(const struct live_bar *x, const struct live_bar *y, int count) {
  for (int i = 0; i < count; i++)
    assert_true(bars_equal(&x[i].bar, &y[i].bar) && x[i].timeframe_ns == y[i].timeframe_ns && x[i].close_ns == y[i].close_ns &&
                x[i].missing == y[i].missing && x[i].holes == y[i].holes);
}

// Minutes with gaps (some of hours), filled-in bars, unknown volumes.
static void make_minutes(struct series *s, uint64_t seed, int count, int64_t start_ns, int64_t step_ns) {
  rng_state = seed;
  *s = (struct series){.inst = {.symbol = "X"}, .timeframe_ns = step_ns};
  int64_t t = start_ns, px = 10000;
  for (int i = 0; i < count; i++, t += step_ns) {
    if (below(50) == 0) t += (1 + below(5)) * step_ns;
    if (below(400) == 0) t += below(600) * step_ns;
    int64_t open = px, close = px + below(41) - 20;
    if (close < 100) close = 100;
    struct bar b = bar_at(t, open, (open > close ? open : close) + below(10), (open < close ? open : close) - below(10), close, below(1000));
    if (below(100) == 0) b.volume = -1;
    if (below(30) == 0) b.flags = BAR_FILLED_IN;
    assert_int_equal(series_append(s, &b, NULL), OK);
    px = close;
  }
}

// Everything the live side gave of one timeframe equals the backtest's, bar by bar; extra: how many it may know more (the
// clock closes the last bucket, for which history waits).
static void compare(const struct seen *seen, const struct series *fine, int64_t timeframe_ns, size_t extra) {
  struct series coarse;
  assert_int_equal(series_aggregate(fine, timeframe_ns, &coarse, NULL), OK);
  size_t n = 0, missing = 0, at = 0;
  for (int i = 0; i < seen->count; i++) {
    const struct live_bar *l = &seen->bars[i];
    if (l->timeframe_ns != timeframe_ns) continue;
    if (n < coarse.count) assert_true(bars_equal(&l->bar, &coarse.bars[n]));
    assert_int_equal(l->close_ns, l->bar.open_ns + timeframe_ns);
    n++;
    if (n <= coarse.count) missing += l->missing;
    int64_t parts = 0;
    for (; at < fine->count && fine->bars[at].open_ns + fine->timeframe_ns <= l->close_ns; at++) parts++;
    assert_int_equal(l->holes, timeframe_ns / fine->timeframe_ns - parts);
  }
  assert_true(n >= coarse.count && n <= coarse.count + extra);
  assert_int_equal(missing, series_count_gaps(&coarse));
  series_finish(&coarse);
}

static void assert_ordered(const struct seen *seen) {
  for (int i = 1; i < seen->count; i++) {
    const struct live_bar *a = &seen->bars[i - 1], *b = &seen->bars[i];
    assert_true(a->close_ns < b->close_ns || (a->close_ns == b->close_ns && a->timeframe_ns > b->timeframe_ns));
  }
}

// ---- the same as a backtest

static void check_same_as_backtest(void **state) {
  (void)state;
  static struct seen seen, again;
  for (uint64_t seed = 1; seed <= 12; seed++) {
    struct series s;
    int64_t start = START + below(7 * 1440) * MINUTE;  // in the middle of most buckets
    make_minutes(&s, seed, 2500, start, MINUTE);
    struct live_config config = {.source = LIVE_FROM_BARS, .base_ns = MINUTE, .grace_ns = 2 * NS_PER_S, .ahead_ns = NS_PER_DAY};
    struct live_bars b = start_live(&config, &seen);
    want_all(&b);
    for (size_t i = 0; i < s.count; i++) assert_int_equal(live_bars_bar(&b, &s.bars[i]), LIVE_TAKEN);
    assert_ordered(&seen);
    for (int k = 0; k < TIMEFRAME_COUNT; k++) compare(&seen, &s, timeframes[k], 0);
    assert_int_equal(b.counts[LIVE_TAKEN], s.count);

    // The clock between them, at any moment at which no bar is overdue: the same bars in the same order.
    b = start_live(&config, &again);
    want_all(&b);
    for (size_t i = 0; i < s.count; i++) {
      int64_t close_ns = s.bars[i].open_ns + MINUTE;
      for (int k = below(3); k > 0; k--) live_bars_clock(&b, close_ns - (int64_t)(rng() % (uint64_t)(3 * MINUTE)) + config.grace_ns - 1);
      assert_int_equal(live_bars_bar(&b, &s.bars[i]), LIVE_TAKEN);
    }
    assert_int_equal(again.count, seen.count);
    assert_same_bars(again.bars, seen.bars, seen.count);
    // At the end the clock closes what is open, once.
    int64_t end = s.bars[s.count - 1].open_ns + MINUTE;
    live_bars_clock(&b, end + 8 * NS_PER_DAY);
    for (int k = 0; k < TIMEFRAME_COUNT; k++) compare(&again, &s, timeframes[k], 1);
    assert_ordered(&again);
    assert_int_equal(live_bars_due_ns(&b), INT64_MAX);
    series_finish(&s);
  }
}

// Daily bars of a zone with summer time lie across the ends of UTC buckets.
static void check_unaligned(void **state) {
  (void)state;
  static struct seen seen;
  struct series s = {.inst = {.symbol = "X"}, .timeframe_ns = NS_PER_DAY};
  for (int i = 0; i < 400; i++) {
    int64_t shift = i / 180 % 2 ? 3 * HOUR : 4 * HOUR;
    struct bar b = bar_at(START + i * NS_PER_DAY + shift, 100 + i, 110 + i, 90 + i, 101 + i, i);
    assert_int_equal(series_append(&s, &b, NULL), OK);
  }
  struct live_config config = {.source = LIVE_FROM_BARS, .base_ns = NS_PER_DAY};
  struct live_bars b = start_live(&config, &seen);
  assert_int_equal(live_bars_want(&b, 7 * NS_PER_DAY, NULL, 0, NULL), OK);
  for (size_t i = 0; i < s.count; i++) assert_int_equal(live_bars_bar(&b, &s.bars[i]), LIVE_TAKEN);
  compare(&seen, &s, 7 * NS_PER_DAY, 0);
  series_finish(&s);
}

// Bars that arrive out of order within the lateness come out as if they had not; those beyond it are late.
static void check_disorder(void **state) {
  (void)state;
  static struct seen in_order, seen;
  struct series s;
  for (uint64_t seed = 21; seed <= 26; seed++) {
    make_minutes(&s, seed, 1500, START, MINUTE);
    struct live_config config = {.source = LIVE_FROM_BARS, .base_ns = MINUTE, .lateness_ns = 8 * MINUTE};
    struct live_bars b = start_live(&config, &in_order);
    want_all(&b);
    for (size_t i = 0; i < s.count; i++) assert_int_equal(live_bars_bar(&b, &s.bars[i]), LIVE_TAKEN);
    for (size_t i = 0; i + 8 <= s.count; i += 8)  // shuffled in eights, hence at most seven places (and bars) behind
      for (int k = 7; k > 0; k--) {
        if (s.bars[i + 7].open_ns - s.bars[i].open_ns > 7 * MINUTE) break;
        int j = below(k + 1);
        struct bar swap = s.bars[i + (size_t)k];
        s.bars[i + (size_t)k] = s.bars[i + (size_t)j];
        s.bars[i + (size_t)j] = swap;
      }
    b = start_live(&config, &seen);
    want_all(&b);
    for (size_t i = 0; i < s.count; i++) assert_int_equal(live_bars_bar(&b, &s.bars[i]), LIVE_TAKEN);
    live_bars_complete(&b, START + 100 * NS_PER_DAY);
    assert_true(seen.count >= in_order.count);
    assert_same_bars(seen.bars, in_order.bars, in_order.count);
    struct bar late = s.bars[0];
    late.close.ticks = late.low.ticks;
    late.open_ns -= MINUTE;
    assert_int_equal(live_bars_bar(&b, &late), LIVE_LATE);
    series_finish(&s);
  }
}

// ---- ticks

struct tick {
  int64_t time_ns;
  int64_t px, volume;
};

static void make_ticks(struct tick *ticks, int count, uint64_t seed) {
  rng_state = seed;
  int64_t t = START, px = 5000;
  for (int i = 0; i < count; i++) {
    t += 1 + (int64_t)(rng() % (uint64_t)(3 * NS_PER_S));
    if (below(300) == 0) t += below(200) * NS_PER_S;  // a silence: bars are missing
    if (below(40) == 0) t = timeframe_floor(t, 5 * NS_PER_S) + 5 * NS_PER_S;  // at the very edge of a bar
    px += below(21) - 10;
    if (px < 10) px = 10;
    ticks[i] = (struct tick){t, px, below(50) ? below(100) : -1};
  }
}

// What the bars are by definition: no pending bars, no watermark.
static void bars_of_ticks(const struct tick *ticks, int count, struct series *ret) {
  *ret = (struct series){.inst = {.symbol = "X"}, .timeframe_ns = 5 * NS_PER_S};
  for (int i = 0; i < count; i++) {
    int64_t open_ns = timeframe_floor(ticks[i].time_ns, 5 * NS_PER_S);
    struct bar *b = ret->count ? &ret->bars[ret->count - 1] : NULL;
    price px = {ticks[i].px};
    if (!b || b->open_ns != open_ns) {
      struct bar fresh = {open_ns, px, px, px, px, ticks[i].volume, 0};
      assert_int_equal(series_append(ret, &fresh, NULL), OK);
      continue;
    }
    if (px.ticks > b->high.ticks) b->high = px;
    if (px.ticks < b->low.ticks) b->low = px;
    b->close = px;
    b->volume = b->volume < 0 || ticks[i].volume < 0 ? -1 : b->volume + ticks[i].volume;
  }
}

static void check_ticks(void **state) {
  (void)state;
  enum { COUNT = 4000 };
  static struct tick ticks[COUNT];
  static struct seen seen;
  for (uint64_t seed = 31; seed <= 38; seed++) {
    make_ticks(ticks, COUNT, seed);
    struct series s;
    bars_of_ticks(ticks, COUNT, &s);
    bool shuffled = seed % 2;
    if (shuffled)  // in fours: out of order by less than 4 × 3 s unless a silence lies between
      for (int i = 0; i + 4 <= COUNT; i += 4)
        if (ticks[i + 3].time_ns - ticks[i].time_ns <= 12 * NS_PER_S) {
          struct tick swap = ticks[i];
          int j = i + 1 + below(3);
          ticks[i] = ticks[j];
          ticks[j] = swap;
        }
    struct live_config config = {.source = LIVE_FROM_TRADES, .base_ns = 5 * NS_PER_S, .lateness_ns = shuffled ? 12 * NS_PER_S : 0, .grace_ns = NS_PER_S, .ahead_ns = NS_PER_DAY};
    struct live_bars b = start_live(&config, &seen);
    assert_int_equal(live_bars_want(&b, 5 * NS_PER_S, NULL, 0, NULL), OK);
    assert_int_equal(live_bars_want(&b, MINUTE, NULL, 0, NULL), OK);
    for (int i = 0; i < COUNT; i++) {
      assert_int_equal(live_bars_trade(&b, ticks[i].time_ns, (price){ticks[i].px}, ticks[i].volume), LIVE_TAKEN);
      if (!shuffled && below(4) == 0 && i + 1 < COUNT) {  // the clock runs on, but the next tick is not yet overdue
        int64_t now = ticks[i + 1].time_ns - 1 - (int64_t)(rng() % (uint64_t)NS_PER_S);
        live_bars_clock(&b, now);
      }
    }
    live_bars_clock(&b, ticks[COUNT - 1].time_ns + 10 * MINUTE);
    assert_ordered(&seen);
    compare(&seen, &s, 5 * NS_PER_S, 0);
    compare(&seen, &s, MINUTE, 1);
    series_finish(&s);
  }
}

static void check_ticks_late_and_equal(void **state) {
  (void)state;
  static struct seen seen;
  struct live_config config = {.source = LIVE_FROM_TRADES, .base_ns = MINUTE, .grace_ns = 2 * NS_PER_S, .ahead_ns = NS_PER_DAY, .start_ns = START + 1};
  struct live_bars b = start_live(&config, &seen);
  assert_int_equal(live_bars_want(&b, MINUTE, NULL, 0, NULL), OK);
  assert_int_equal(live_bars_want(&b, 2 * MINUTE, NULL, 0, NULL), OK);
  assert_int_equal(live_bars_trade(&b, START + 10 * NS_PER_S, (price){100}, 1), LIVE_TAKEN);
  assert_int_equal(live_bars_trade(&b, START + 10 * NS_PER_S, (price){102}, 1), LIVE_TAKEN);  // equal times: the later arrival closes
  assert_int_equal(live_bars_trade(&b, START + 5 * NS_PER_S, (price){99}, 1), LIVE_TAKEN);   // its bar is open still
  assert_int_equal(live_bars_due_ns(&b), START + MINUTE + 2 * NS_PER_S);
  live_bars_clock(&b, START + MINUTE + 2 * NS_PER_S - 1);
  assert_int_equal(seen.count, 0);
  assert_int_equal(live_bars_trade(&b, START + MINUTE - 1, (price){98}, 1), LIVE_TAKEN);  // within the grace
  live_bars_clock(&b, START + MINUTE + 2 * NS_PER_S);
  assert_int_equal(seen.count, 1);
  struct bar expect = {START, {99}, {102}, {98}, {98}, 4, BAR_INCOMPLETE};  // watched from a nanosecond after its start
  assert_true(bars_equal(&seen.bars[0].bar, &expect));
  assert_int_equal(live_bars_trade(&b, START + MINUTE - 1, (price){97}, 1), LIVE_LATE);
  assert_int_equal(seen.note_count, 1);
  assert_int_equal(seen.notes[0].reason, LIVE_LATE);
  assert_int_equal(seen.notes[0].px.ticks, 97);
  assert_int_equal(live_bars_trade(&b, START + 70 * NS_PER_S, (price){105}, 2), LIVE_TAKEN);
  live_bars_clock(&b, START + 4 * MINUTE);
  assert_int_equal(seen.count, 3);
  assert_int_equal(seen.bars[1].timeframe_ns, 2 * MINUTE);  // before the minute that ends with it
  struct bar two = {START, {99}, {105}, {98}, {105}, 6, BAR_INCOMPLETE};
  assert_true(bars_equal(&seen.bars[1].bar, &two));
  assert_int_equal(seen.bars[2].bar.flags, 0);
  assert_int_equal(live_bars_trade(&b, START + 4 * MINUTE, (price){106}, 1), LIVE_TAKEN);
  assert_int_equal(live_bars_trade(&b, START + 4 * MINUTE, (price){107}, 1), LIVE_TAKEN);  // of equal times the first opens, the last closes
  live_bars_clock(&b, START + 5 * MINUTE + 2 * NS_PER_S);
  assert_int_equal(seen.bars[3].bar.open.ticks, 106);
  assert_int_equal(seen.bars[3].bar.close.ticks, 107);
  assert_int_equal(seen.bars[3].missing, 2);
  // nothing for three minutes: no bar is made up, the next one tells
  assert_int_equal(live_bars_trade(&b, START + 8 * MINUTE, (price){104}, 1), LIVE_TAKEN);
  live_bars_clock(&b, START + 10 * MINUTE + 2 * NS_PER_S);
  assert_int_equal(seen.count, 7);
  assert_int_equal(seen.bars[4].timeframe_ns, 2 * MINUTE);  // [4,6): its second minute never came
  assert_int_equal(seen.bars[4].close_ns, START + 6 * MINUTE);
  assert_int_equal(seen.bars[4].missing, 1);
  assert_int_equal(seen.bars[4].holes, 1);
  assert_int_equal(seen.bars[5].timeframe_ns, MINUTE);
  assert_int_equal(seen.bars[5].missing, 3);
  assert_int_equal(seen.bars[6].close_ns, START + 10 * MINUTE);
  assert_int_equal(seen.bars[6].missing, 1);
}

static void check_quotes(void **state) {
  (void)state;
  static struct seen seen;
  struct live_config config = {.source = LIVE_FROM_BIDS, .base_ns = MINUTE, .start_ns = INT64_MIN};
  struct live_bars b = start_live(&config, &seen);
  assert_int_equal(live_bars_want(&b, MINUTE, NULL, 0, NULL), OK);
  assert_int_equal(live_bars_quote(&b, START, (price){100}, (price){102}), LIVE_TAKEN);
  assert_int_equal(live_bars_quote(&b, START + 1, (price){103}, (price){102}), LIVE_CROSSED);
  assert_int_equal(live_bars_quote(&b, START + 2, (price){0}, (price){102}), LIVE_BAD_PRICE);
  assert_int_equal(live_bars_quote(&b, START + NS_PER_S, (price){99}, (price){99}), LIVE_TAKEN);
  assert_int_equal(live_bars_quote(&b, START + MINUTE, (price){98}, (price){99}), LIVE_TAKEN);
  assert_int_equal(seen.count, 1);
  struct bar expect = {START, {100}, {100}, {99}, {99}, -1, 0};
  assert_true(bars_equal(&seen.bars[0].bar, &expect));
  assert_int_equal(b.quote.bid.ticks, 98);
  assert_int_equal(b.counts[LIVE_TAKEN], 3);
  // of trades, quotes are only kept
  config.source = LIVE_FROM_TRADES;
  b = start_live(&config, &seen);
  assert_int_equal(live_bars_quote(&b, START + MINUTE, (price){98}, (price){99}), LIVE_TAKEN);
  assert_int_equal(live_bars_quote(&b, START, (price){90}, (price){91}), LIVE_TAKEN);  // an older one
  assert_int_equal(b.quote.ask.ticks, 99);
  assert_int_equal(live_bars_due_ns(&b), INT64_MAX);
}

// ---- what is refused

static void check_refusals(void **state) {
  (void)state;
  static struct seen seen;
  struct live_config config = {.source = LIVE_FROM_BARS, .base_ns = MINUTE, .ahead_ns = 5 * NS_PER_S, .grace_ns = 2 * NS_PER_S, .jump_e6 = 100000};
  struct live_bars b = start_live(&config, &seen);
  assert_int_equal(live_bars_want(&b, MINUTE, NULL, 0, NULL), OK);
  struct bar good = bar_at(START, 100, 104, 98, 101, 5);
  live_bars_clock(&b, START + MINUTE - 4 * NS_PER_S);
  const struct {
    struct bar bar;
    enum live_reason why;
  } table[] = {
      {bar_at(START, 100, 99, 101, 100, 1), LIVE_HIGH_LOW},      {bar_at(START, 105, 104, 98, 101, 1), LIVE_OPEN_OUTSIDE},
      {bar_at(START, 97, 104, 98, 101, 1), LIVE_OPEN_OUTSIDE},   {bar_at(START, 100, 104, 98, 105, 1), LIVE_CLOSE_OUTSIDE},
      {bar_at(START, 100, 104, 98, 97, 1), LIVE_CLOSE_OUTSIDE},  {bar_at(START, 100, 104, 0, 101, 1), LIVE_BAD_PRICE},
      {bar_at(START, 100, 104, -1, 101, 1), LIVE_BAD_PRICE},     {bar_at(START, 100, INT64_MAX, 98, 101, 1), LIVE_BAD_PRICE},
      {bar_at(START, 100, 104, 98, 101, -2), LIVE_BAD_VOLUME},   {bar_at(-1, 100, 104, 98, 101, 1), LIVE_BAD_TIME},
      {bar_at(INT64_MAX, 100, 104, 98, 101, 1), LIVE_BAD_TIME},  {bar_at(INT64_MIN, 100, 104, 98, 101, 1), LIVE_BAD_TIME},
      {bar_at(START + 2 * NS_PER_S, 100, 104, 98, 101, 1), LIVE_AHEAD}, {good, LIVE_TAKEN},
      {good, LIVE_DUPLICATE},                                    {bar_at(START, 100, 104, 98, 102, 5), LIVE_CONFLICT},
      {bar_at(START + 20 * NS_PER_S, 100, 104, 98, 101, 1), LIVE_AHEAD}, {bar_at(START - MINUTE, 100, 104, 98, 101, 1), LIVE_LATE}};
  uint64_t expect[LIVE_REASON_COUNT] = {0};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    assert_int_equal(live_bars_bar(&b, &table[i].bar), table[i].why);
    expect[table[i].why]++;
  }
  assert_memory_equal(b.counts, expect, sizeof expect);
  assert_int_equal(seen.count, 1);
  assert_true(bars_equal(&seen.bars[0].bar, &good));
  live_bars_clock(&b, START + 10 * MINUTE);
  assert_int_equal(live_bars_bar(&b, &(struct bar){START + MINUTE, {101}, {101}, {101}, {101}, 1, 0}), LIVE_LATE);  // the clock passed it
  assert_int_equal(live_bars_bar(&b, &(struct bar){START + 9 * MINUTE + 20 * NS_PER_S, {101}, {101}, {101}, {101}, 1, 0}), LIVE_AHEAD);
  live_bars_clock(&b, START + 10 * MINUTE + 30 * NS_PER_S);
  // a price jump is told and taken
  seen.note_count = 0;
  struct bar crash = bar_at(START + 10 * MINUTE - 30 * NS_PER_S, 101, 101, 90, 92, 1);
  assert_int_equal(live_bars_bar(&b, &crash), LIVE_TAKEN);
  assert_int_equal(seen.note_count, 1);
  assert_int_equal(seen.notes[0].reason, LIVE_JUMP);
  assert_int_equal(seen.notes[0].before.ticks, 101);
  assert_int_equal(seen.notes[0].px.ticks, 92);
  for (int i = 0; i < LIVE_REASON_COUNT; i++) assert_non_null(live_reason_text((enum live_reason)i));

  struct err err;
  struct live_config bad[] = {{.base_ns = 0}, {.base_ns = NS_PER_S + 1}, {.base_ns = 4000 * NS_PER_DAY}, {.base_ns = MINUTE, .grace_ns = -1},
                              {.base_ns = MINUTE, .lateness_ns = 31 * MINUTE}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(live_bars_init(&b, &bad[i], &(struct live_sink){&seen, on_bar, NULL}, &err), ERR_INVALID);
}

// Bars half a timeframe apart, as far out of order as allowed: the pending bars never run out of room.
static void check_crowd(void **state) {
  (void)state;
  static struct seen seen;
  for (uint64_t seed = 51; seed <= 60; seed++) {
    rng_state = seed;
    struct live_config config = {.source = LIVE_FROM_BARS, .base_ns = MINUTE, .lateness_ns = LIVE_LATENESS_BARS_MAX * MINUTE};
    struct live_bars b = start_live(&config, &seen);
    assert_int_equal(live_bars_want(&b, MINUTE, NULL, 0, NULL), OK);
    assert_int_equal(live_bars_want(&b, 5 * MINUTE, NULL, 0, NULL), OK);
    int64_t front = START;
    uint64_t all = 0;
    int most = 0;
    for (int i = 0; i < 3000; i++, all++) {
      int64_t t = front - (rng() % 70) * (MINUTE / 2) + (below(20) == 0 ? below(40) * NS_PER_S : 0);
      enum live_reason why = live_bars_bar(&b, &(struct bar){t, {5}, {5}, {5}, {5}, 1, 0});
      assert_true(why == LIVE_TAKEN || why == LIVE_LATE || why == LIVE_CROWDED || why == LIVE_DUPLICATE);
      if (below(12) == 0) front += MINUTE / 2;
      if (b.pending_count > most) most = b.pending_count;
    }
    uint64_t counted = 0;
    for (int i = 0; i < LIVE_REASON_COUNT; i++) counted += b.counts[i];
    assert_int_equal(counted, all);
    assert_in_range(most, 50, LIVE_PENDING_MAX);
    for (int i = 1; i < seen.count; i++) assert_true(seen.bars[i].close_ns >= seen.bars[i - 1].close_ns);
  }
}

// ---- who wants what

static void check_wants(void **state) {
  (void)state;
  static struct seen seen;
  struct series s;
  make_minutes(&s, 71, 600, START, MINUTE);
  struct live_config config = {.source = LIVE_FROM_BARS, .base_ns = MINUTE};
  struct live_bars b = start_live(&config, &seen);
  struct err err;
  assert_int_equal(live_bars_want(&b, 90 * NS_PER_S, NULL, 0, &err), ERR_INVALID);
  assert_int_equal(live_bars_want(&b, 30 * NS_PER_S, NULL, 0, &err), ERR_INVALID);
  assert_int_equal(live_bars_want(&b, 0, NULL, 0, &err), ERR_INVALID);
  for (int i = 1; i <= LIVE_TIMEFRAMES_MAX; i++) assert_int_equal(live_bars_want(&b, i * MINUTE, NULL, 0, NULL), OK);
  assert_int_equal(live_bars_want(&b, (LIVE_TIMEFRAMES_MAX + 1) * MINUTE, NULL, 0, &err), ERR_LIMIT);
  for (int i = 1; i <= LIVE_TIMEFRAMES_MAX; i++) live_bars_drop(&b, i * MINUTE);
  assert_int_equal(b.timeframe_count, 0);
  // Twice wanted, once delivered; dropped once, delivered still.
  for (int i = 0; i < 2; i++) assert_int_equal(live_bars_want(&b, MINUTE, NULL, 0, NULL), OK);
  for (int i = 0; i < 200; i++) assert_int_equal(live_bars_bar(&b, &s.bars[i]), LIVE_TAKEN);
  assert_int_equal(seen.count, 200);
  live_bars_drop(&b, MINUTE);
  // An hour wanted in its middle: with the history it is whole, and equal to the backtest's.
  assert_int_equal(live_bars_want(&b, HOUR, s.bars, s.count, NULL), OK);  // history runs on beyond what was delivered
  assert_int_equal(live_bars_want(&b, 4 * HOUR, NULL, 0, NULL), OK);
  int from = seen.count;
  for (size_t i = 200; i < s.count; i++) assert_int_equal(live_bars_bar(&b, &s.bars[i]), LIVE_TAKEN);
  struct series hours;
  assert_int_equal(series_aggregate(&s, HOUR, &hours, NULL), OK);
  size_t k = 0, fours = 0;
  while (hours.bars[k].open_ns + HOUR <= s.bars[199].open_ns + MINUTE) k++;
  for (int i = from; i < seen.count; i++) {
    if (seen.bars[i].timeframe_ns == HOUR) {
      assert_true(bars_equal(&seen.bars[i].bar, &hours.bars[k]));
      assert_int_equal(seen.bars[i].missing, k > 0 ? (hours.bars[k].open_ns - hours.bars[k - 1].open_ns) / HOUR - 1 : 0);
      k++;
    } else if (seen.bars[i].timeframe_ns == 4 * HOUR) {
      assert_int_equal(seen.bars[i].bar.flags & BAR_INCOMPLETE, fours == 0 ? BAR_INCOMPLETE : 0);
      fours++;
    }
  }
  assert_int_equal(k, hours.count);
  assert_true(fours >= 2);
  series_finish(&hours);
  series_finish(&s);
}

// A restart in the middle: seeded with what was delivered, the rest is as if nothing had happened.
static void check_restart(void **state) {
  (void)state;
  static struct seen whole, part;
  struct series s;
  make_minutes(&s, 81, 1500, START, MINUTE);
  struct live_config config = {.source = LIVE_FROM_BARS, .base_ns = MINUTE, .lateness_ns = 2 * MINUTE};
  struct live_bars b = start_live(&config, &whole);
  want_all(&b);
  for (size_t i = 0; i < s.count; i++) assert_int_equal(live_bars_bar(&b, &s.bars[i]), LIVE_TAKEN);
  live_bars_complete(&b, s.bars[s.count - 1].open_ns + MINUTE);
  for (size_t cut = 1; cut < s.count; cut += 37) {
    b = start_live(&config, &part);
    want_all(&b);
    // until the last bar, or until just before the next, when buckets in between have ended by the clock
    int64_t through_ns = cut / 37 % 2 ? INT64_MIN : s.bars[cut].open_ns + MINUTE - 1;
    live_bars_seed(&b, s.bars, cut, through_ns);
    assert_int_equal(part.count, 0);
    assert_int_equal(live_bars_bar(&b, &s.bars[cut - 1]), LIVE_DUPLICATE);  // a feed sends the last bars again
    if (cut > 1) assert_int_equal(live_bars_bar(&b, &s.bars[cut - 2]), LIVE_LATE);
    for (size_t i = cut; i < s.count; i++) assert_int_equal(live_bars_bar(&b, &s.bars[i]), LIVE_TAKEN);
    live_bars_complete(&b, s.bars[s.count - 1].open_ns + MINUTE);
    int64_t seeded_ns = s.bars[cut - 1].open_ns + MINUTE;
    if (through_ns > seeded_ns) seeded_ns = through_ns;
    int at = 0;
    while (whole.bars[at].close_ns <= seeded_ns) at++;
    assert_int_equal(part.count, whole.count - at);
    assert_same_bars(part.bars, whole.bars + at, part.count);
  }
  series_finish(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_same_as_backtest), cmocka_unit_test(check_unaligned), cmocka_unit_test(check_disorder),
      cmocka_unit_test(check_ticks),            cmocka_unit_test(check_ticks_late_and_equal), cmocka_unit_test(check_quotes),
      cmocka_unit_test(check_refusals),         cmocka_unit_test(check_crowd),     cmocka_unit_test(check_wants),
      cmocka_unit_test(check_restart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
