// tenant/usage_impl.h – shared by usage.c and requests.c. Private to tenant/.
#pragma once
#include "tenant/api_meter.h"
#include "tenant/usage.h"

// Requests to be written: of an entry's hours, or of hours that are no longer in it.
struct unsaved {
  int64_t tenant_id, start_ns, amount;
};

struct usage {
  usage_counter counters[LIMIT_COUNT];
  struct {
    usage_gauge read;  // NULL: none
    void *arg;
  } gauges[LIMIT_COUNT];
  struct api_meter meter;
  struct unsaved *late;  // of hours that fell out of their entry before they were written
  size_t late_count, late_cap;
  int64_t swept_ns;
  int flushing;  // batches under way
};

// Fills the refusal.
void usage_over(struct usage_decision *d, enum plan_limit limit, int64_t value, int64_t used, int64_t now_ns);

static inline bool usage_exceeds(int64_t used, int64_t amount, int64_t limit) {
  return limit != PLAN_UNLIMITED && (amount > limit || used > limit - amount);
}
