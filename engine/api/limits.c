// api/limits.c – how many requests per class of operation and principal (GCRA, tenant/rate.h), and what the headers say of it.
//
// Sign-in operations count by address, everything else by user or API key; a user's keys count apart, so that a runaway
// script does not lock its owner out of the console. A tenant's programs together have the rate of its plan besides. What a
// plan allows per hour is counted in tenant/, not here.
#include "api/core.h"
#include "loop/clock.h"
#include "net/address.h"
#include "tenant/usage.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)

static const struct { const char *name; int64_t count, burst; } classes[RATE_COUNT] = {  // per minute
    [RATE_AUTH] = {"auth", 60, 30},
    [RATE_READ] = {"read", 3000, 600},
    [RATE_WRITE] = {"write", 600, 120},
    [RATE_HEAVY] = {"heavy", 60, 20},
    [RATE_TYPING] = {"typing", 180, 30},  // an editor that asks after each pause
    [RATE_HOOK] = {"hook", 600000, 60000},  // senders of many customers share few addresses; each hook has a limit of its own
};
// Requests that showed credentials which are not accepted, by network.
#define GUESSES_PER_MINUTE 120
#define GUESS_BURST 60
#define RATE_MAX 1000000000

// An IPv6 customer has a /64 of addresses to come from; it counts as one.
static size_t network_of(const char *address, uint8_t out[9]) {
  struct address a;
  if (!address_parse(address, &a)) return 0;
  out[0] = a.v6;
  const size_t n = a.v6 ? 8 : 4;
  memcpy(out + 1, a.bytes, n);
  return n + 1;
}

static struct rate_result take(struct api_core *core, const char *class, const void *who, size_t len, int64_t count, int64_t burst, bool peek) {
  const struct rate_limit limit = {60 * NS_PER_S, count * core->rate_percent / 100, burst * core->rate_percent / 100};
  const uint64_t key = rate_key(core->rates, class, who, len);
  const int64_t now = clock_monotonic_ns();
  return peek ? rate_peek(core->rates, key, &limit, now) : rate_take(core->rates, key, &limit, 1, now);
}

struct rate_result api_rate_take(struct api_core *core, const char *class, const void *who, size_t len, int64_t per_minute, int64_t burst) {
  if (core->rate_percent == 0) return (struct rate_result){.allowed = true};
  return take(core, class, who, len, per_minute, burst, false);
}

bool api_guess_allowed(struct api_core *core, const char *address) {
  uint8_t network[9];
  const size_t n = network_of(address, network);
  return n == 0 || core->rate_percent == 0 || take(core, "guess", network, n, GUESSES_PER_MINUTE, GUESS_BURST, true).allowed;
}
void api_guess_failed(struct api_core *core, const char *address) {
  uint8_t network[9];
  const size_t n = network_of(address, network);
  metrics_add(core->metrics, METRIC_auth_failures, 1);
  if (n > 0 && core->rate_percent > 0) (void)take(core, "guess", network, n, GUESSES_PER_MINUTE, GUESS_BURST, false);
}

// What the plan lets through, for all the tenant's programs together; half of a minute's may come at once.
static struct rate_result by_plan(struct api_core *core, int64_t tenant_id, struct rate_result by_class) {
  int64_t per_minute = usage_api_rate(core->usage, tenant_id);
  if (per_minute == PLAN_UNLIMITED || !by_class.allowed) return by_class;
  if (per_minute > RATE_MAX) per_minute = RATE_MAX;
  const struct rate_result r = take(core, "plan", &tenant_id, sizeof tenant_id, per_minute, (per_minute + 1) / 2, false);
  return !r.allowed || r.remaining < by_class.remaining ? r : by_class;
}

enum problem api_rate(struct api_call *call) {
  struct api_core *core = call->core;
  const struct api_who *who = &call->who;
  if (call->route->root || who->kind == WHO_OPERATOR || core->rate_percent == 0) return PROBLEM_NONE;
  const int class = call->route->rate;
  uint8_t network[9];
  const int64_t id = who->kind == WHO_KEY ? who->key_id : who->user_id;
  const bool by_network = class == RATE_AUTH || who->kind == WHO_NOBODY;
  const size_t network_len = by_network ? network_of(call->req->address, network) : 0;
  struct rate_result r = by_network ? take(core, classes[class].name, network, network_len, classes[class].count, classes[class].burst, false)
                                          : take(core, classes[class].name, &id, sizeof id, classes[class].count, classes[class].burst, false);
  if (who->kind != WHO_NOBODY && !who->cookie && who->tenant_id != 0 && core->usage) r = by_plan(core, who->tenant_id, r);
  api_field(call, "RateLimit-Limit", "%" PRId64, r.limit);
  api_field(call, "RateLimit-Remaining", "%" PRId64, r.remaining);
  api_field(call, "RateLimit-Reset", "%" PRId64, r.reset_s);
  if (r.allowed) return PROBLEM_NONE;
  api_field(call, "Retry-After", "%" PRId64, r.retry_after_s);
  metrics_add(core->metrics, METRIC_rate_limited, 1);
  return PROBLEM_rate_limited;
}
