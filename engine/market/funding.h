// market/funding.h – funding rates of a perpetual: when, and which fraction of the notional longs pay to shorts.
#pragma once
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

// rate_e12 is the fraction × 10^12, exact: "0.0001" is 100000000. Positive: longs pay.
struct funding {
  int64_t ts_ns;  // as published, with the venue's milliseconds of jitter
  int64_t rate_e12;
};
struct funding_list {
  struct funding *items;  // times strictly rising
  size_t count;
};
#define FUNDING_MAX 2000000

// Loads `time,rate` (time as in csv.h; the rate column may be called funding_rate or fundingRate). Refused with
// file:line:column: time not rising, a rate of 1 (100 %) and more (finer than 1e-12 is rounded).
enum status funding_load(const char *path, struct funding_list *ret, struct err *err) MUST_CHECK;
// The same text in memory, plain or gzip; name stands in messages.
enum status funding_load_bytes(const char *name, const void *bytes, size_t len, struct funding_list *ret, struct err *err) MUST_CHECK;
void funding_finish(struct funding_list *list);
