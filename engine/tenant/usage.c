#include "tenant/usage.h"

#include "store/script_rows.h"
#include "tenant/usage_impl.h"
#include "tenant/window.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status count_strategies(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) {
  return script_count(db, tenant_id, "strategy", ret, err);
}

enum status usage_create(struct usage **ret, struct err *err) {
  struct usage *u = calloc(1, sizeof *u);
  if (u == NULL) return err_set(err, ERR_NOMEM, "no memory for usage");
  enum status st = api_meter_init(&u->meter, err);
  u->counters[LIMIT_STRATEGIES] = count_strategies;
  if (st == OK)
    *ret = u;
  else
    free(u);
  return st;
}

void usage_destroy(struct usage *u) {
  if (u == NULL) return;
  assert(u->flushing == 0);
  api_meter_finish(&u->meter);
  free(u->late);
  free(u);
}

void usage_count_by(struct usage *u, enum plan_limit limit, usage_counter counter) {
  assert(plan_limit_kind(limit) == METER_HELD);
  u->counters[limit] = counter;
}

void usage_gauge_by(struct usage *u, enum plan_limit limit, usage_gauge gauge, void *arg) {
  assert(plan_limit_kind(limit) == METER_SIZE);
  u->gauges[limit].read = gauge;
  u->gauges[limit].arg = arg;
}

// ---- counting

enum status usage_now(struct usage *u, struct db *db, int64_t tenant_id, enum plan_limit limit, int64_t now_ns,
  int64_t *ret, struct err *err) {
  enum meter_kind kind = plan_limit_kind(limit);
  const char *meter = plan_limit_name(limit);
  *ret = 0;
  if (kind == METER_SIZE) {
    if (u->gauges[limit].read != NULL) *ret = u->gauges[limit].read(u->gauges[limit].arg, tenant_id);
    return OK;
  }
  if (kind == METER_HELD)
    return u->counters[limit] != NULL ? u->counters[limit](db, tenant_id, ret, err)
                                      : usage_held(db, tenant_id, meter, ret, err);
  int64_t start = window_start(kind, now_ns);
  if (limit == LIMIT_API_CALLS_PER_HOUR) {
    const struct api_entry *e = api_meter_find(&u->meter, tenant_id);
    for (int i = 0; e != NULL && i < 2; i++)
      if (e->hours[i].used > 0 && e->hours[i].start_ns == start) {
        *ret = e->hours[i].used;
        return OK;
      }
  }
  return usage_used(db, tenant_id, meter, start, ret, err);
}

void usage_over(struct usage_decision *d, enum plan_limit limit, int64_t value, int64_t used, int64_t now_ns) {
  char number[32];
  enum meter_kind kind = plan_limit_kind(limit);
  *d = (struct usage_decision){
    .verdict = USAGE_LIMIT, .limit = limit, .limit_value = value, .used = used, .right = NO_RIGHT};
  d->resets_at_ns = kind == METER_HELD || kind == METER_SIZE ? 0 : window_end(kind, now_ns);
  snprintf(number, sizeof number, "%lld", (long long)value);
  snprintf(d->reason, sizeof d->reason, "the plan's limit of %s is reached (%s): %s", value == 0 ? "none" : number,
    plan_limit_name(limit), plan_limit_about(limit));
}

// ---- deciding

static enum status ask_script(struct usage *u, struct db *db, struct tier_script *tiers, const struct plan *plan,
  int64_t tenant_id, enum plan_action action, int64_t amount, int64_t now_ns, struct usage_decision *ret,
  struct err *err) {
  struct tier_question q = {.action = action, .plan = plan, .amount = amount, .now_ms = now_ns / 1000000};
  for (int i = 0; i < LIMIT_COUNT; i++) {
    q.used[i] = -1;
    if (plan_limit_kind((enum plan_limit)i) == METER_SIZE) continue;
    enum status st = usage_now(u, db, tenant_id, (enum plan_limit)i, now_ns, &q.used[i], err);
    if (st != OK) return st;
  }
  bool failed;
  if (!tier_script_allow(tiers, &q, ret->reason, &failed, err)) ret->verdict = failed ? USAGE_BROKEN : USAGE_RULE;
  return OK;
}

enum status usage_check(struct usage *u, struct db *db, struct tier_script *tiers, const struct entitlement *e,
  int64_t tenant_id, enum plan_action action, int64_t amount, int64_t now_ns, struct usage_decision *ret,
  struct err *err) {
  assert(amount >= 1);
  *ret = (struct usage_decision){
    .verdict = USAGE_ALLOWED, .limit = NO_LIMIT, .limit_value = PLAN_UNLIMITED, .right = NO_RIGHT};
  enum plan_right right = plan_action_right(action);
  if (right != NO_RIGHT && !plan_has(&e->plan, right)) {
    ret->verdict = USAGE_RIGHT;
    ret->right = right;
    snprintf(ret->reason, sizeof ret->reason, "the plan %s does not include %s: %s", e->plan.name,
      plan_right_name(right), plan_right_about(right));
    return OK;
  }
  enum plan_limit limits[2];
  plan_action_limits(action, limits);
  for (int i = 0; i < 2 && limits[i] != NO_LIMIT; i++) {
    int64_t used, limit = e->plan.limits[limits[i]];
    enum status st = usage_now(u, db, tenant_id, limits[i], now_ns, &used, err);
    if (st != OK) return st;
    if (usage_exceeds(used, amount, limit)) {
      usage_over(ret, limits[i], limit, used, now_ns);
      return OK;
    }
    if (i == 0) ret->limit = limits[i], ret->limit_value = limit, ret->used = used;
  }
  if (!tier_script_set(tiers)->has_allow || !plan_action_asks(action)) return OK;
  return ask_script(u, db, tiers, &e->plan, tenant_id, action, amount, now_ns, ret, err);
}

enum status usage_take(struct usage *u, struct db *db, const struct plan *plan, int64_t tenant_id,
  enum plan_action action, const char *key, int64_t amount, int64_t now_ns, struct usage_decision *ret,
  struct err *err) {
  assert(amount >= 1);
  if (strlen(key) > USAGE_KEY_MAX)
    return err_set(err, ERR_INVALID, "the key of what is counted has more than %d bytes", USAGE_KEY_MAX);
  enum plan_limit limits[2], counted[2] = {NO_LIMIT, NO_LIMIT};
  struct usage_window windows[2];
  int window_count = 0, over;
  bool fresh;
  *ret = (struct usage_decision){
    .verdict = USAGE_ALLOWED, .limit = NO_LIMIT, .limit_value = PLAN_UNLIMITED, .right = NO_RIGHT};
  plan_action_limits(action, limits);
  for (int i = 0; i < 2 && limits[i] != NO_LIMIT; i++) {
    enum meter_kind kind = plan_limit_kind(limits[i]);
    int64_t limit = plan->limits[limits[i]], held = 0;
    if (kind != METER_HELD) {
      counted[window_count] = limits[i];
      windows[window_count++] = (struct usage_window){plan_limit_name(limits[i]), window_start(kind, now_ns), limit};
      continue;
    }
    enum status st;
    if (u->counters[limits[i]] != NULL) {
      st = u->counters[limits[i]](db, tenant_id, &held, err);
      if (st == OK && held > limit) st = err_set(err, ERR_LIMIT, "the limit %s is reached", plan_limit_name(limits[i]));
    } else {
      st = usage_hold(db, tenant_id, plan_limit_name(limits[i]), key, now_ns, limit, err);
    }
    if (st == ERR_LIMIT) usage_over(ret, limits[i], limit, limit, now_ns);
    if (st != OK) return st;
  }
  if (window_count == 0) return OK;
  enum status st = usage_count(
    db, tenant_id, plan_action_name(action), key, now_ns, amount, windows, window_count, &fresh, &over, err);
  if (st == ERR_LIMIT && over >= 0) {
    int64_t used;
    enum status again = usage_used(db, tenant_id, windows[over].meter, windows[over].start_ns, &used, err);
    if (again != OK) return again;
    usage_over(ret, counted[over], windows[over].limit, used, now_ns);
  }
  return st;
}

enum status usage_release_action(
  struct db *db, int64_t tenant_id, enum plan_action action, const char *key, struct err *err) {
  enum plan_limit limits[2];
  plan_action_limits(action, limits);
  enum status st = OK;
  for (int i = 0; st == OK && i < 2 && limits[i] != NO_LIMIT; i++)
    if (plan_limit_kind(limits[i]) == METER_HELD)
      st = usage_release(db, tenant_id, plan_limit_name(limits[i]), key, err);
  return st;
}

// ---- overviews

enum status usage_excess(struct usage *u, struct db *db, const struct entitlement *e, int64_t tenant_id, int64_t now_ns,
  struct usage_excess *ret, struct err *err) {
  *ret = (struct usage_excess){.standing = USAGE_WITHIN};
  bool any = false;
  for (int i = 0; i < LIMIT_COUNT; i++) {
    int64_t used, limit = e->plan.limits[i];
    if (plan_limit_kind((enum plan_limit)i) != METER_HELD || limit == PLAN_UNLIMITED) continue;
    enum status st = usage_now(u, db, tenant_id, (enum plan_limit)i, now_ns, &used, err);
    if (st != OK) return st;
    if (used > limit) ret->over[i] = used - limit, any = true;
  }
  if (!any) return OK;
  ret->standing = now_ns < e->grace_until_ns ? USAGE_GRACE : USAGE_WIND_DOWN;
  if (ret->standing == USAGE_GRACE) ret->until_ns = e->grace_until_ns;
  return OK;
}

enum status usage_json(struct usage *u, struct db *db, const struct entitlement *e, int64_t tenant_id, int64_t now_ns,
  json_t **ret, struct err *err) {
  static const char *const standings[] = {"within", "grace", "wind_down"};
  struct usage_excess x;
  enum status st = usage_excess(u, db, e, tenant_id, now_ns, &x, err);
  if (st != OK) return st;
  json_t *items = json_array();
  for (int i = 0; i < LIMIT_COUNT; i++) {
    enum meter_kind kind = plan_limit_kind((enum plan_limit)i);
    int64_t used;
    if (kind == METER_SIZE && u->gauges[i].read == NULL) continue;
    st = usage_now(u, db, tenant_id, (enum plan_limit)i, now_ns, &used, err);
    if (st != OK) {
      json_decref(items);
      return st;
    }
    bool window = kind != METER_HELD && kind != METER_SIZE;
    json_array_append_new(
      items, json_pack("{s:s, s:I, s:o, s:o, s:I}", "name", plan_limit_name((enum plan_limit)i), "used", (json_int_t)used,
               "limit", e->plan.limits[i] == PLAN_UNLIMITED ? json_null() : json_integer(e->plan.limits[i]),
               "resets_at_ms", window ? json_integer(window_end(kind, now_ns) / 1000000) : json_null(), "over",
               (json_int_t)x.over[i]));
  }
  *ret = json_pack("{s:s, s:s, s:o, s:o}", "plan", e->plan.id, "standing", standings[x.standing], "until_ms",
    x.until_ns != 0 ? json_integer(x.until_ns / 1000000) : json_null(), "items", items);
  return *ret != NULL ? OK : err_set(err, ERR_NOMEM, "no memory for the usage");
}
