// market/terms.h – an instrument's terms through time: tick, lot, smallest order and margin as they were on each day.
//
// Venues change them; a backtest of 2019 with today's lot trades sizes that could not be traded then. The instrument itself
// counts in the finest tick and lot of all its history; a day's terms say of which multiples orders had to be.
#pragma once
#include "market/instrument.h"

#include <stddef.h>

// A field the file leaves empty keeps its value of before; `has` tells which are given.
enum terms_has { TERMS_TICK = 1, TERMS_LOT = 2, TERMS_MIN_QTY = 4, TERMS_MIN_NOTIONAL = 8, TERMS_LEVERAGE = 16, TERMS_MAINTENANCE = 32 };
struct terms {
  int64_t from_ns;
  unsigned has;
  struct decimal tick, lot, min_qty, min_notional;
  int64_t leverage_e4;          // 1x = 10,000
  int64_t maintenance_frac_e8;  // of notional
};
struct terms_list {
  struct terms *items;  // times strictly rising
  size_t count;
};
#define TERMS_MAX 10000

// CSV with a header: from (or time, date) and any of tick, lot, min_qty, min_notional, leverage, maintenance_pct.
// Errors are ERR_INVALID with file:line:column.
enum status terms_load(const char *path, struct terms_list *ret, struct err *err) MUST_CHECK;
enum status terms_load_bytes(const char *name, const void *bytes, size_t len, struct terms_list *ret, struct err *err) MUST_CHECK;
void terms_finish(struct terms_list *list);
// The finest tick (lot) of all terms and of d; digits 0 when none gives one. ERR_INVALID: they have no common multiple.
enum status terms_finest(const struct terms_list *list, bool lot, struct decimal *d, struct err *err) MUST_CHECK;
// The instrument on the day of t: copies base's steps, minima changed by all terms up to t. base counts in the finest units.
enum status terms_apply(const struct terms *t, struct instrument *inst, struct err *err) MUST_CHECK;
