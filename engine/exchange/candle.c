// exchange/candle.c – minutes of trades.
#include "exchange/core.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE_MS 60000
#define DAY_MS INT64_C(86400000)
#define MONTH_MS (31 * DAY_MS)  // stands for a calendar month

bool exch_candle_add(struct exch_symbol *s, const struct exch_candle *c) {
  if (s->candle_count > 0 && s->candles[s->candle_count - 1].open_ms >= c->open_ms) return false;
  if (s->candle_count == s->candle_cap) {
    size_t cap = s->candle_cap > 0 ? s->candle_cap * 2 : 1024;
    struct exch_candle *more = realloc(s->candles, cap * sizeof more[0]);
    if (!more) return false;
    s->candles = more;
    s->candle_cap = cap;
  }
  s->candles[s->candle_count++] = *c;
  return true;
}

void exch_candle_trade(struct exch *x, struct exch_symbol *s, int64_t px, int64_t lots) {
  if (x->no_candles) return;
  int64_t open_ms = x->now_ms - x->now_ms % MINUTE_MS;
  struct exch_candle *c = s->candle_count > 0 ? &s->candles[s->candle_count - 1] : NULL;
  if (!c || c->open_ms < open_ms) {
    // A minute begins where the one before ended, as the venue's do; minutes without a trade are there too, flat, up to a day of them.
    int64_t from = c ? c->close : px;
    int64_t gap = c ? (open_ms - c->open_ms) / MINUTE_MS - 1 : 0;
    for (int64_t i = gap < 1440 ? gap : 1440; i > 0; i--)
      exch_candle_add(s, &(struct exch_candle){open_ms - i * MINUTE_MS, from, from, from, from, 0, 0});
    if (!exch_candle_add(s, &(struct exch_candle){open_ms, from, from, from, from, 0, 0})) return;
    c = &s->candles[s->candle_count - 1];
  }
  if (px > c->high) c->high = px;
  if (px < c->low) c->low = px;
  c->close = px;
  c->lots += lots;
  c->turnover_e8 += exch_value(s, px, lots);
}

bool exch_candle_interval(const char *text, int64_t *ret) {
  static const struct {
    const char *text;
    int64_t minutes;
  } known[] = {{"1", 1}, {"3", 3}, {"5", 5}, {"15", 15}, {"30", 30}, {"60", 60}, {"120", 120}, {"240", 240},
    {"360", 360}, {"720", 720}, {"D", 1440}, {"W", 10080}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(known[i].text, text) == 0) return *ret = known[i].minutes * 60000, true;
  *ret = MONTH_MS;
  return strcmp(text, "M") == 0;
}

// The first of its month, by the civil calendar (years that begin in March, so that a leap day is the last).
static int64_t month(int64_t ms) {
  int64_t day = ms / DAY_MS, z = day + 719468, of_era = z % 146097;
  int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * year + year / 4 - year / 100), m = (5 * of_year + 2) / 153;
  return (day - (of_year - (153 * m + 2) / 5)) * DAY_MS;
}

// Start of the bucket; weeks begin on Monday.
static int64_t bucket(int64_t ms, int64_t interval) {
  if (interval == MONTH_MS) return month(ms);
  const int64_t monday = interval == 7 * DAY_MS ? 4 * DAY_MS : 0;
  return ms - (ms - monday) % interval;
}

// The latest bucket that begins at or before `end`, backwards; *at is how many minutes are before it then.
bool exch_candle_back(const struct exch_symbol *s, int64_t interval, size_t *at, struct exch_candle *ret) {
  if (*at == 0) return false;
  size_t i = *at;
  *ret = s->candles[i - 1];
  ret->open_ms = bucket(ret->open_ms, interval);
  for (i--; i > 0 && bucket(s->candles[i - 1].open_ms, interval) == ret->open_ms; i--) {
    const struct exch_candle *c = &s->candles[i - 1];
    ret->open = c->open;
    if (c->high > ret->high) ret->high = c->high;
    if (c->low < ret->low) ret->low = c->low;
    ret->lots += c->lots;
    ret->turnover_e8 += c->turnover_e8;
  }
  *at = i;
  return true;
}
