// tenant/rate.h – rate limits by GCRA (the generic cell rate algorithm): one time per key says all, 16 bytes with the key's
// hash, and nothing has to be swept, since a time in the past equals no entry.
//
// Memory is fixed at creation. When a bucket of 8 is full of keys under load, the least loaded one is forgotten: with room for
// many more keys than are busy at once that is rare, and errs to the caller's favour. Keys are hashed with a secret, so nobody
// can aim at another's bucket. One thread; times are monotonic.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate_table;

// count per period, of which burst may come at once (0: count). All ≥ 0; count 0 lets nothing through.
struct rate_limit {
  int64_t period_ns;
  int64_t count, burst;
};

struct rate_result {
  bool allowed;
  int64_t limit, remaining;  // of a burst: RateLimit-Limit and -Remaining
  int64_t reset_s;           // until all of it is there again, rounded up
  int64_t retry_after_s;     // ≥ 1 when refused: then it will pass, if nobody else takes it
};

// keys: room for at least so many.
enum status rate_create(size_t keys, struct rate_table **ret, struct err *err) MUST_CHECK;
void rate_destroy(struct rate_table *t);

// The hash of a class ("login", "key") and what it counts by.
uint64_t rate_key(const struct rate_table *t, const char *class_name, const void *bytes, size_t len);
// Takes cost (≥ 1) from key's allowance, or nothing when it is not there whole.
struct rate_result rate_take(struct rate_table *t, uint64_t key, const struct rate_limit *limit, int64_t cost, int64_t now_ns);
// What rate_take would find; takes nothing.
struct rate_result rate_peek(struct rate_table *t, uint64_t key, const struct rate_limit *limit, int64_t now_ns);
