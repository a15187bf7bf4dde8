// market/bar.c – timeframes and the in-memory series; see bar.h.
#include "market/bar.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_WEEK (7 * NS_PER_DAY)
#define FIRST_MONDAY_NS (4 * NS_PER_DAY)  // 1970-01-05
#define TIMEFRAME_MAX (3660 * NS_PER_DAY)

static const struct {
  char letter;
  int64_t ns;
} units[] = {{'w', NS_PER_WEEK}, {'d', NS_PER_DAY}, {'h', 60 * NS_PER_MINUTE}, {'m', NS_PER_MINUTE}, {'s', NS_PER_S}};
#define UNIT_COUNT (sizeof units / sizeof units[0])

bool timeframe_parse(const char *text, int64_t *ret_ns) {
  int64_t n = 0;
  const char *p = text;
  for (; *p >= '0' && *p <= '9'; p++) {
    if (p - text >= 10) return false;
    n = n * 10 + (*p - '0');
  }
  if (n <= 0 || p[0] == '\0' || p[1] != '\0') return false;
  for (size_t i = 0; i < UNIT_COUNT; i++) {
    if (units[i].letter != *p) continue;
    if (n > TIMEFRAME_MAX / units[i].ns) return false;
    *ret_ns = n * units[i].ns;
    return true;
  }
  return false;
}

char *timeframe_text(int64_t timeframe_ns, char *buf) {
  assert(timeframe_ns > 0);
  for (size_t i = 0; i < UNIT_COUNT; i++) {
    if (timeframe_ns % units[i].ns != 0) continue;
    snprintf(buf, TIMEFRAME_TEXT_MAX, "%lld%c", (long long)(timeframe_ns / units[i].ns), units[i].letter);
    return buf;
  }
  assert(!"a timeframe is whole seconds");
  return buf;
}

int64_t timeframe_floor(int64_t t_ns, int64_t timeframe_ns) {
  assert(timeframe_ns > 0);
  int64_t origin = timeframe_ns % NS_PER_WEEK == 0 ? FIRST_MONDAY_NS : 0;
  int64_t rest = (t_ns - origin) % timeframe_ns;
  return t_ns - (rest < 0 ? rest + timeframe_ns : rest);
}

void series_finish(struct series *s) {
  free(s->bars);
  s->bars = NULL;
  s->count = s->cap = 0;
}

enum status series_reserve(struct series *s, size_t capacity, struct err *err) {
  if (capacity <= s->cap) return OK;
  if (capacity > SIZE_MAX / sizeof *s->bars) return err_set(err, ERR_NOMEM, "out of memory");
  struct bar *bars = realloc(s->bars, capacity * sizeof *bars);
  if (!bars) return err_set(err, ERR_NOMEM, "out of memory for %zu bars", capacity);
  s->bars = bars;
  s->cap = capacity;
  return OK;
}

enum status series_append(struct series *s, const struct bar *bar, struct err *err) {
  if (s->count > 0 && bar->open_ns <= s->bars[s->count - 1].open_ns)
    return err_set(err, ERR_INVALID, "bar %zu of %s does not come after the one before", s->count, s->inst.symbol);
  if (s->count == s->cap) {
    enum status st = series_reserve(s, s->cap ? s->cap * 2 : 256, err);
    if (st != OK) return st;
  }
  s->bars[s->count++] = *bar;
  return OK;
}

// First index whose bar opens at t_ns or later.
static size_t lower_bound(const struct series *s, int64_t t_ns) {
  size_t lo = 0, hi = s->count;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (s->bars[mid].open_ns < t_ns) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

void series_clip(struct series *s, int64_t from_ns, int64_t to_ns) {
  size_t from = lower_bound(s, from_ns), to = lower_bound(s, to_ns);
  s->count = to > from ? to - from : 0;
  if (s->count > 0 && from > 0) memmove(s->bars, s->bars + from, s->count * sizeof *s->bars);
  series_count_gaps(s);
}

size_t series_count_gaps(struct series *s) {
  size_t missing = 0;
  s->gaps = 0;
  for (size_t i = 1; i < s->count; i++) {
    int64_t step = time_gap_ns(s->bars[i].open_ns, s->bars[i - 1].open_ns);
    if (step < 2 * s->timeframe_ns) continue;
    s->gaps++;
    missing += (size_t)(step / s->timeframe_ns - 1);
  }
  return missing;
}

double volume_double(const struct series *s, int64_t volume) {
  return volume < 0 ? 0 : decimal_double((struct decimal){volume, s->volume_scale});
}
