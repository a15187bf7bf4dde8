// api/metrics.h – counters of the service as Prometheus text (exposition format 0.0.4).
//
// Base units (seconds, bytes), names perigee_…, labels only from closed sets: operation, status class, kind – never a user, a
// bot, an address. So the number of series is bounded by the route table: fewer than 1,000.
#pragma once
#include "api/table.h"
#include "base/buf.h"

#include <stdint.h>

struct metrics;

enum metrics_counter {
#define METRICS_COUNTERS(X)                                                                                         \
  X(auth_failures, "auth_failures_total", "Credentials that were not accepted")                                     \
  X(auth_logins, "auth_logins_total", "Logins that succeeded")                                                      \
  X(denied, "permission_denied_total", "Requests of known principals that were not permitted")                      \
  X(rate_limited, "rate_limited_total", "Requests over a rate limit")                                               \
  X(tier_denied, "tier_denied_total", "Requests over a limit or right of the plan")                                 \
  X(idempotent_replays, "idempotent_replays_total", "Answers given again for a known Idempotency-Key")              \
  X(undocumented, "undocumented_answers_total", "Answers that do not fit the API's own description; 0 unless checked")
#define X(name, text, help) METRIC_##name,
  METRICS_COUNTERS(X)
#undef X
  METRIC_COUNTER_COUNT
};

// Values that somebody else keeps, asked for when scraped.
struct metrics_gauge {
  const char *name, *help;  // without the perigee_ prefix
  const char *type;         // "gauge" or "counter"
  double (*read)(void *arg);
  void *arg;
};
#define METRICS_GAUGES_MAX 96

enum status metrics_create(const struct api_table *table, struct metrics **ret, struct err *err) MUST_CHECK;
void metrics_destroy(struct metrics *m);
void metrics_add(struct metrics *m, enum metrics_counter c, uint64_t n);
uint64_t metrics_get(const struct metrics *m, enum metrics_counter c);
// route may be -1: no route matched.
void metrics_request(struct metrics *m, int route, int status, int64_t took_ns);
// Names and texts are borrowed for good. False when METRICS_GAUGES_MAX are there.
bool metrics_gauge(struct metrics *m, struct metrics_gauge g);
// Those with this arg are read no more.
void metrics_gauge_forget(struct metrics *m, const void *arg);
// Appends the text; also process_* (memory, descriptors, CPU time, start).
void metrics_write(const struct metrics *m, struct buf *out);
