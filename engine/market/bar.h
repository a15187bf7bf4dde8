// market/bar.h – bars, timeframes, and a series of them: history in memory, one copy for all who read it.
#pragma once
#include "base/money.h"
#include "base/status.h"
#include "market/instrument.h"

#include <stddef.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MINUTE (60 * NS_PER_S)
#define NS_PER_DAY (86400 * NS_PER_S)

// later − earlier; INT64_MAX when it is more: the years that a file may tell (1700 to 2199) span more than 64 bits of nanoseconds.
static inline int64_t time_gap_ns(int64_t later_ns, int64_t earlier_ns) {
  int64_t gap;
  return __builtin_sub_overflow(later_ns, earlier_ns, &gap) ? (later_ns > earlier_ns ? INT64_MAX : INT64_MIN) : gap;
}

enum bar_flag {
  BAR_FILLED_IN = 1,   // made from the last close because the venue had none: never fillable
  BAR_INCOMPLETE = 2,  // the aggregate in which the finer history begins: the venue's own bar may hold more
};

// Covers [open_ns, open_ns + timeframe). Prices in the instrument's ticks; volume in 10^-volume_scale of the series, -1 unknown.
struct bar {
  int64_t open_ns;
  price open, high, low, close;
  int64_t volume;
  uint32_t flags;
};

// "1m" "5m" "1h" "4h" "1d" "1w" (also "60s"): a positive number and s, m, h, d or w. False when it is none.
bool timeframe_parse(const char *text, int64_t *ret_ns);
#define TIMEFRAME_TEXT_MAX 16
// The shortest such text ("90m", "1d"); returns buf of TIMEFRAME_TEXT_MAX bytes.
char *timeframe_text(int64_t timeframe_ns, char *buf);
// Start of the timeframe bucket that holds t_ns: from the Unix epoch, weeks from Monday 00:00 UTC.
int64_t timeframe_floor(int64_t t_ns, int64_t timeframe_ns);

// History of one instrument at one timeframe, times strictly rising. The series owns bars.
struct series {
  struct instrument inst;
  int64_t timeframe_ns;
  int volume_scale;
  int price_scale;  // decimals seen in the source, for display
  struct bar *bars;
  size_t count, cap;
  size_t gaps;        // places where at least one bar is missing
  size_t duplicates;  // identical repeated bars dropped while loading
};

void series_finish(struct series *s);
// Appends; ERR_NOMEM, or ERR_INVALID when time does not rise.
enum status series_append(struct series *s, const struct bar *bar, struct err *err) MUST_CHECK;
// Makes room for capacity bars.
enum status series_reserve(struct series *s, size_t capacity, struct err *err) MUST_CHECK;
// Bars [from, to) by open time are kept, the others dropped.
void series_clip(struct series *s, int64_t from_ns, int64_t to_ns);
// Counts gaps anew; returns how many bars are missing in them.
size_t series_count_gaps(struct series *s);
// Bars of a higher timeframe from a finer series, without look-ahead: a bucket's bar exists once its end has been reached by
// the finer data (last finer close >= bucket end); a last unfinished bucket is left out. timeframe_ns must be a multiple.
// ret needs no init; untouched on failure.
enum status series_aggregate(const struct series *fine, int64_t timeframe_ns, struct series *ret, struct err *err) MUST_CHECK;

// The same, one finer bar at a time. A finer bar belongs to the bucket that holds its last instant, so a bar that lies across a
// bucket's end (daily bars of a zone with summer time) is never known before it has closed.
struct aggregator {
  int64_t fine_ns, timeframe_ns;
  bool open;        // bar holds an unfinished bucket
  bool started;
  struct bar bar;
};
void aggregator_init(struct aggregator *a, int64_t fine_ns, int64_t timeframe_ns);
// Takes the next finer bar and writes the buckets it finished, in order; returns how many (0, 1 or 2).
int aggregator_push(struct aggregator *a, const struct bar *fine, struct bar ret[2]);
// 0 when unknown.
double volume_double(const struct series *s, int64_t volume);
