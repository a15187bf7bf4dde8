// tenant/api_meter.h – requests per tenant and hour, in memory. Private to tenant/: usage.c asks the store and decides.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One hour's count. used = what the store had when it was read + what was counted since.
struct api_hour {
  int64_t start_ns, used;
  int64_t unsaved;  // of used: not handed to the store yet
};

struct api_entry {
  int64_t tenant_id;    // 0: free
  int64_t limit, rate;  // the plan's, as last read
  int64_t asked_ns;     // when; INT64_MIN: ask again
  struct api_hour
    hours[2];  // the running one first, then the one before: a clock that is set back finds its count again
};

struct api_meter {
  struct api_entry *entries;  // open addressing, linear probing; capacity a power of two
  size_t capacity, count;
};

enum status api_meter_init(struct api_meter *m, struct err *err) MUST_CHECK;
void api_meter_finish(struct api_meter *m);
struct api_entry *api_meter_find(const struct api_meter *m, int64_t tenant_id);  // NULL: not there
// A new entry is zero but for its tenant, with asked_ns INT64_MIN. NULL: no memory. Moves other entries.
struct api_entry *api_meter_get(struct api_meter *m, int64_t tenant_id);
// Drops entries that were not asked about since before_ns and have nothing unsaved.
void api_meter_sweep(struct api_meter *m, int64_t before_ns);
