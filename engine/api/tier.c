#include "api/tier.h"

#include "api/core.h"
#include "api/jobs.h"
#include "store/store.h"
#include "tenant/registry.h"

#include <inttypes.h>

#define NS_PER_S INT64_C(1000000000)

const struct entitlement *api_entitlement(struct api_call *call) {
  if (call->entitlement) return call->entitlement;
  struct entitlement *e = api_alloc(call, sizeof *e);
  if (!e) {
    err_set(&call->err, ERR_NOMEM, "out of memory");
    return NULL;
  }
  // The plans stay as they are for the whole call, also on the writer's thread, whatever is activated meanwhile.
  if (!call->snapshot) {
    call->snapshot = registry_snapshot(call->core->registry);
    snapshot_retain(call->snapshot);
  }
  if (entitlement_load(store_reader(call->core->store, STORE_CONTROL), snapshot_plans(call->snapshot), call->who.tenant_id, call->now_ns, e, &call->err) != OK) return NULL;
  return call->entitlement = e;
}

static enum status refuse(struct api_call *call, const struct usage_decision *d) {
  metrics_add(call->core->metrics, METRIC_tier_denied, 1);
  if (d->verdict != USAGE_LIMIT) return api_problem(call, PROBLEM_tier_forbids, d->reason);
  if (d->resets_at_ns > call->now_ns) api_field(call, "Retry-After", "%" PRId64, (d->resets_at_ns - call->now_ns) / NS_PER_S + 1);
  return api_problem(call, PROBLEM_tier_limit, d->reason);
}

bool api_may(struct api_call *call, enum plan_action action) {
  if (call->who.kind == WHO_OPERATOR) return true;
  struct usage_decision d;
  if (!api_entitlement(call)) return false;
  enum status st = usage_check(call->core->usage, store_reader(call->core->store, STORE_CONTROL), snapshot_tiers(call->snapshot), call->entitlement, call->who.tenant_id,
                               action, 1, call->now_ns, &d, &call->err);
  if (st != OK) return false;
  if (d.verdict == USAGE_ALLOWED) return true;
  if (d.verdict == USAGE_BROKEN) api_log(call->core, "error", "tier_script", json_pack("{s:s}", "error", call->err.msg));
  (void)!refuse(call, &d);
  return false;
}

enum status api_take(struct api_call *call, struct db *db, enum plan_action action, const char *key) {
  if (call->who.kind == WHO_OPERATOR) return OK;
  struct usage_decision d;
  enum status st = usage_take(call->core->usage, db, &call->entitlement->plan, call->who.tenant_id, action, key, 1, call->now_ns, &d, &call->err);
  return st == ERR_LIMIT ? refuse(call, &d) : st;
}

enum problem api_meter_request(struct api_call *call) {
  // Programs are metered; a person at the console is not, or a small plan could not even be upgraded there.
  if (call->who.kind == WHO_OPERATOR || call->who.cookie || call->who.tenant_id == 0 || !call->core->usage) return PROBLEM_NONE;
  struct usage_decision d;
  enum status st = usage_api_call(call->core->usage, store_reader(call->core->store, STORE_CONTROL), registry_plans(call->core->registry), call->who.tenant_id, call->now_ns, &d,
                                  &call->err);
  if (st != OK) return PROBLEM_unavailable;
  if (d.verdict == USAGE_ALLOWED || call->core->rate_percent == 0) return PROBLEM_NONE;  // counted all the same
  (void)!refuse(call, &d);
  return call->problem;
}

struct jobs_grant api_jobs_grant(struct api_call *call) {
  struct jobs_grant grant = {.parallel = 1, .cpu_s = 60};
  const struct entitlement *e = call->who.kind == WHO_OPERATOR ? NULL : api_entitlement(call);
  if (!e) return grant;
  const int64_t parallel = e->plan.limits[LIMIT_BACKTEST_PARALLEL], seconds = e->plan.limits[LIMIT_BACKTEST_SECONDS];
  grant.parallel = parallel < 1 ? 1 : parallel > 64 ? 64 : (unsigned)parallel;
  grant.cpu_s = seconds < 1 ? 1 : seconds > 3600 ? 3600 : seconds;
  return grant;
}
