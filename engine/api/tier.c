#include "api/tier.h"

#include "api/core.h"
#include "api/jobs.h"
#include "bot/live.h"
#include "script/vm.h"
#include "store/bot_rows.h"
#include "store/store.h"
#include "store/vault_rows.h"
#include "tenant/registry.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)

// Also on the writer's thread, whatever is activated meanwhile.
void plans_hold(struct api_call *call) {
  if (call->snapshot) return;
  call->snapshot = registry_snapshot(call->core->registry);
  snapshot_retain(call->snapshot);
}

const struct entitlement *api_entitlement(struct api_call *call) {
  if (call->entitlement) return call->entitlement;
  struct entitlement *e = api_alloc(call, sizeof *e);
  if (!e) {
    err_set(&call->err, ERR_NOMEM, "out of memory");
    return NULL;
  }
  plans_hold(call);
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

enum status api_take_of(struct api_call *call, struct db *db, int64_t tenant_id, enum plan_action action, const char *key) {
  struct usage_decision d;
  struct entitlement *e = api_alloc(call, sizeof *e);
  if (!e) return err_set(&call->err, ERR_NOMEM, "out of memory");
  enum status st = entitlement_load(db, snapshot_plans(call->snapshot), tenant_id, call->now_ns, e, &call->err);
  if (st == OK) st = usage_take(call->core->usage, db, &e->plan, tenant_id, action, key, 1, call->now_ns, &d, &call->err);
  return st == ERR_LIMIT ? refuse(call, &d) : st;
}

// What a program needs to see that its requests are used up, to take a larger plan, and to leave.
static bool is_free(const struct route *r) {
  static const char *const free_of_charge[] = {"session_delete", "sessions_delete_others"};
  for (size_t i = 0; i < sizeof free_of_charge / sizeof *free_of_charge; i++)
    if (strcmp(r->id, free_of_charge[i]) == 0) return true;
  return strcmp(r->tag, "plans") == 0 || strcmp(r->tag, "auth") == 0;
}

enum problem api_meter_request(struct api_call *call) {
  // Programs are metered; a person at the console is not, or a small plan could not even be upgraded there.
  if (call->who.kind == WHO_OPERATOR || call->who.cookie || call->who.tenant_id == 0 || !call->core->usage || is_free(call->route)) return PROBLEM_NONE;
  struct usage_decision d;
  enum status st = usage_api_call(call->core->usage, store_reader(call->core->store, STORE_CONTROL), registry_plans(call->core->registry), call->who.tenant_id, call->now_ns, &d,
                                  &call->err);
  if (st != OK) return PROBLEM_unavailable;
  if (d.verdict == USAGE_ALLOWED || call->core->rate_percent == 0) return PROBLEM_NONE;  // counted all the same
  (void)!refuse(call, &d);
  return call->problem;
}

static int64_t clamp(int64_t n, int64_t least, int64_t most) { return n < least ? least : n > most ? most : n; }

// The plan's Lua memory is for all that a tenant runs: jobs that may run at once have equal parts of it. Their processor time is
// bounded by the seconds of a backtest; cpu_ms_per_s is for what runs all day.
static struct jobs_grant grant_of(const struct plan *plan) {
  const int64_t parallel = clamp(plan->limits[LIMIT_BACKTEST_PARALLEL], 1, 64), kib = clamp(plan->limits[LIMIT_LUA_MEMORY_KIB], 0, VM_HEAP_BYTES_MAX);
  return (struct jobs_grant){.parallel = (unsigned)parallel, .cpu_s = clamp(plan->limits[LIMIT_BACKTEST_SECONDS], 1, 3600),
                             .heap_bytes = clamp(kib * 1024 / parallel, VM_HEAP_BYTES_MIN, VM_HEAP_BYTES_MAX)};
}

struct jobs_grant api_jobs_grant(struct api_call *call) {
  const struct entitlement *e = call->who.kind == WHO_OPERATOR ? NULL : api_entitlement(call);
  return e ? grant_of(&e->plan) : (struct jobs_grant){.parallel = 1, .cpu_s = 60};
}

struct jobs_grant jobs_grant_now(struct api_core *core, int64_t tenant_id, int64_t now_ns) {
  struct err err;
  struct jobs_grant grant = {.parallel = 1, .cpu_s = 60};
  struct entitlement *e = malloc(sizeof *e);
  if (e && entitlement_load(store_reader(core->store, STORE_CONTROL), registry_plans(core->registry), tenant_id, now_ns, e, &err) == OK) grant = grant_of(&e->plan);
  free(e);
  return grant;
}

// Of the day's and the month's entries that which has fewer left.
static void trades_left(struct api_core *core, const struct plan *plan, int64_t tenant_id, int64_t now_ns, struct live_grant *ret) {
  static const enum plan_limit limits[] = {LIMIT_TRADES_PER_DAY, LIMIT_TRADES_PER_MONTH};
  struct err err;
  int64_t least = INT64_MAX;
  for (size_t i = 0; core->usage && i < sizeof limits / sizeof *limits; i++) {
    const int64_t most = plan->limits[limits[i]];
    int64_t used = 0;
    if (most == PLAN_UNLIMITED || usage_now(core->usage, store_reader(core->store, STORE_CONTROL), tenant_id, limits[i], now_ns, &used, &err) != OK) continue;
    if (most - used >= least) continue;
    least = most - used;
    // The gate knows no limit of nothing: one of one that is used up is the same.
    ret->trades_max = most > 0 ? most : 1;
    ret->trades_used = most > 0 ? used : 1;
  }
}

struct trade_job {
  struct api_core *core;
  struct plan plan;
  int64_t tenant_id, now_ns;
  char key[USAGE_KEY_MAX + 1];
};

static enum status count_trade(struct db *db, void *arg, struct err *err) {
  struct trade_job *j = arg;
  struct usage_decision d;
  const enum status st = usage_take(j->core->usage, db, &j->plan, j->tenant_id, ACTION_TRADE_TESTNET, j->key, 1, j->now_ns, &d, err);
  return st == ERR_LIMIT ? OK : st;  // it has happened: nothing is counted beyond the limit
}

static void trade_counted(void *arg, enum status st, const struct err *err) {
  struct trade_job *j = arg;
  if (st != OK) api_log(j->core, "error", "trade_not_counted", json_pack("{s:s}", "error", err ? err->msg : ""));
  free(j);
}

void tier_bot_traded(struct api_core *core, int64_t tenant_id, const char *key, int64_t now_ns) {
  struct err err;
  struct entitlement *e = core->usage ? malloc(sizeof *e) : NULL;
  struct trade_job *j = e ? calloc(1, sizeof *j) : NULL;
  if (j && entitlement_load(store_reader(core->store, STORE_CONTROL), registry_plans(core->registry), tenant_id, now_ns, e, &err) == OK &&
      (e->plan.limits[LIMIT_TRADES_PER_DAY] != PLAN_UNLIMITED || e->plan.limits[LIMIT_TRADES_PER_MONTH] != PLAN_UNLIMITED)) {
    *j = (struct trade_job){.core = core, .plan = e->plan, .tenant_id = tenant_id, .now_ns = now_ns};
    snprintf(j->key, sizeof j->key, "%s", key);
    store_write(core->store, STORE_CONTROL, count_trade, trade_counted, j);
    j = NULL;
  }
  free(j);
  free(e);
}

// ---- what is too much for the plan, when the grace after a downgrade is over: the oldest keep their places

struct places {
  const struct plan *plan;
  struct { int64_t id, pairs; } *bots;
  size_t count, cap;
  bool failed;
};

static bool add_started(void *arg, const struct bot_row *row) {
  struct places *p = arg;
  if (strcmp(row->wanted, "stopped") == 0) return true;
  if (p->count == p->cap) {
    const size_t cap = p->cap ? 2 * p->cap : 32;
    void *more = realloc(p->bots, cap * sizeof *p->bots);
    if (!more) return p->failed = true, false;
    p->bots = more, p->cap = cap;
  }
  json_t *pairs = json_loads(row->pairs, 0, NULL);
  p->bots[p->count].id = row->id, p->bots[p->count++].pairs = (int64_t)json_array_size(pairs);
  json_decref(pairs);
  return true;
}

// They come newest first.
static int64_t last_place(const struct places *p) {
  const int64_t bots_most = p->plan->limits[LIMIT_BOTS], pairs_most = p->plan->limits[LIMIT_PAIRS];
  int64_t bots = 0, pairs = 0, upto = 0;
  for (size_t i = p->count; i-- > 0; upto = p->bots[i].id) {
    pairs += p->bots[i].pairs;
    if ((bots_most != PLAN_UNLIMITED && ++bots > bots_most) || (pairs_most != PLAN_UNLIMITED && pairs > pairs_most)) return upto;
  }
  return INT64_MAX;
}

struct venues {
  char names[64][32];  // by their first accounts, the newest first
  int count;
};

static bool add_venue(void *arg, const struct account_row *row) {
  struct venues *v = arg;
  int at = 0;
  if (strcmp(row->venue, ACCOUNT_PAPER) == 0) return true;
  while (at < v->count && strcmp(v->names[at], row->venue) != 0) at++;
  if (at == v->count && v->count == (int)(sizeof v->names / sizeof *v->names)) return true;
  if (at < v->count) memmove(v->names[at], v->names[at + 1], (size_t)(v->count - at - 1) * sizeof *v->names), v->count--;
  snprintf(v->names[v->count++], sizeof *v->names, "%s", row->venue);
  return true;
}

static void wind_down(struct api_core *core, const struct entitlement *e, int64_t tenant_id, int64_t now_ns, struct live_grant *ret) {
  struct db *db = store_reader(core->store, STORE_CONTROL);
  struct usage_excess over;
  struct places p = {.plan = &e->plan};
  struct venues v = {.count = 0};
  struct err err;
  const int64_t each = e->plan.limits[LIMIT_PAIRS_PER_BOT];
  if (now_ns < e->grace_until_ns) return;
  ret->pairs_per_bot = each != PLAN_UNLIMITED ? each : 0;
  if (!core->usage || usage_excess(core->usage, db, e, tenant_id, now_ns, &over, &err) != OK || over.standing != USAGE_WIND_DOWN) return;
  if (over.over[LIMIT_BOTS] || over.over[LIMIT_PAIRS]) {
    const struct bot_filter all = {.tenant_id = tenant_id};
    if (bot_list(db, &all, INT64_MAX, INT_MAX, add_started, &p, &err) == OK && !p.failed) ret->bots_upto = last_place(&p);
    free(p.bots);
  }
  if (!over.over[LIMIT_VENUES] || account_list(db, tenant_id, INT64_MAX, INT_MAX, add_venue, &v, &err) != OK) return;
  size_t n = 0;  // names[count - 1] is the venue that was there first
  for (int64_t i = 0; i < over.over[LIMIT_VENUES] && i < v.count && n + sizeof *v.names + 1 < sizeof ret->venues_beyond; i++)
    n += (size_t)snprintf(ret->venues_beyond + n, sizeof ret->venues_beyond - n, "%s%s", n ? "," : "", v.names[i]);
}

// An instant takes what it takes of a second, so a second's budget is one instant's. When the plan cannot be read, the smallest.
struct live_grant tier_bots_grant(struct api_core *core, int64_t tenant_id, int64_t now_ns) {
  struct err err;
  struct live_grant grant = {.memory_bytes = VM_HEAP_BYTES_MIN, .cpu_ns = 20000000, .bots_upto = INT64_MAX};
  struct entitlement *e = malloc(sizeof *e);
  if (e && entitlement_load(store_reader(core->store, STORE_CONTROL), registry_plans(core->registry), tenant_id, now_ns, e, &err) == OK) {
    const int64_t kib = e->plan.limits[LIMIT_LUA_MEMORY_KIB], ms = e->plan.limits[LIMIT_CPU_MS_PER_S];
    grant = (struct live_grant){.paper_denied = !plan_has(&e->plan, RIGHT_TESTNET) && !plan_has(&e->plan, RIGHT_LIVE), .live_denied = !plan_has(&e->plan, RIGHT_LIVE), .bots_upto = INT64_MAX,
                                .memory_bytes = kib > 0 && kib < INT64_MAX / 1024 ? (uint64_t)kib * 1024 : 0, .cpu_ns = ms > 0 && ms < 1000000 ? ms * 1000000 : 0,
                                .own_host = plan_has(&e->plan, RIGHT_DEDICATED_HOST)};
    trades_left(core, &e->plan, tenant_id, now_ns, &grant);
    wind_down(core, e, tenant_id, now_ns, &grant);
  }
  free(e);
  return grant;
}
