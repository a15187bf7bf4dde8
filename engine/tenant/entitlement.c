#include "tenant/entitlement.h"

#include "base/suggest.h"
#include "notice/tell.h"
#include "tenant/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1000000
#define NS_PER_DAY (INT64_C(86400) * 1000000000)
#define ADDON_COUNT_MAX 10000

const char *entitlement_state_text(enum entitlement_state state) {
  static const char *const texts[] = {[ENTITLED_DEFAULT] = "active",
    [ENTITLED_ACTIVE] = "active",
    [ENTITLED_CANCELLED] = "cancelled",
    [ENTITLED_PAST_DUE] = "past_due",
    [ENTITLED_GRANTED] = "granted"};
  return texts[state];
}

static enum entitlement_state state_of(const char *text) {
  return strcmp(text, "cancelled") == 0  ? ENTITLED_CANCELLED
         : strcmp(text, "past_due") == 0 ? ENTITLED_PAST_DUE
         : strcmp(text, "granted") == 0  ? ENTITLED_GRANTED
                                         : ENTITLED_ACTIVE;
}

static enum status no_plan(const struct plan_set *set, const char *id, struct err *err) {
  const char *ids[PLANS_MAX];
  for (int i = 0; i < set->plan_count; i++) ids[i] = set->plans[i].id;
  const char *near = suggest_nearest(id, ids, (size_t)set->plan_count);
  if (near != NULL) return err_set(err, ERR_NOTFOUND, "there is no plan '%.40s'; did you mean '%s'?", id, near);
  return err_set(err, ERR_NOTFOUND, "there is no plan '%.40s'", id);
}

// Applies {"bot_slot": 2}. strict: an unknown one is an error (ids of an older set are skipped when only reading). ret_counts may
// be NULL.
static enum status apply_addons(const struct plan_set *set, const char *text, bool strict, struct plan *plan,
  int64_t ret_counts[ADDONS_MAX], struct err *err) {
  json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *value;
  const char *id;
  enum status st =
    json_is_object(o) ? OK : err_set(err, ERR_INVALID, "add-ons are an object such as {\"bot_slot\": 2}");
  if (st == OK) {
    json_object_foreach(o, id, value) {
      int at = addon_find(set, id);
      int64_t n = json_is_integer(value) ? json_integer_value(value) : -1;
      bool good = at >= 0 && n >= 0 && n <= ADDON_COUNT_MAX;
      if (good) plan_add(plan, &set->addons[at], n);
      if (good && ret_counts != NULL) ret_counts[at] = n;
      if (good) continue;
      if (strict && at < 0)
        st = err_set(err, ERR_NOTFOUND, "there is no add-on '%.40s'", id);
      else if (strict)
        st = err_set(err, ERR_INVALID, "add-on %s: a number from 0 to %d", id, ADDON_COUNT_MAX);
      if (st != OK) break;
    }
  }
  json_decref(o);
  return st;
}

static enum status apply_limits(const char *text, bool strict, struct plan *plan, struct err *err) {
  json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *value;
  const char *name;
  enum status st =
    json_is_object(o) ? OK : err_set(err, ERR_INVALID, "limits are an object such as {\"bots\": 10, \"pairs\": null}");
  if (st == OK) {
    json_object_foreach(o, name, value) {
      enum plan_limit limit;
      bool known = plan_limit_parse(name, &limit), number = json_is_integer(value) && json_integer_value(value) >= 0 &&
                                                            json_integer_value(value) <= PLAN_LIMIT_MAX;
      if (known && (number || json_is_null(value)))
        plan->limits[limit] = number ? json_integer_value(value) : PLAN_UNLIMITED;
      else if (strict && !known)
        st = err_set(err, ERR_INVALID, "there is no limit '%.40s'", name);
      else if (strict)
        st = err_set(err, ERR_INVALID, "limit %s: a whole number, or null for unlimited", name);
      if (st != OK) break;
    }
  }
  json_decref(o);
  return st;
}

static void apply_subscription(
  const struct subscription_row *row, const struct plan_set *set, int64_t now_ns, struct entitlement *ret) {
  int at = plan_find(set, row->plan);
  ret->since_ns = row->since_ns;
  ret->revision = row->revision;
  if (row->ends_ns != 0 && now_ns >= row->ends_ns) {  // over: back to the default, with grace
    ret->grace_until_ns = row->ends_ns + set->grace_days * NS_PER_DAY;
    return;
  }
  ret->ends_ns = row->ends_ns;
  ret->grace_until_ns = row->grace_until_ns;
  ret->plan_gone = at < 0;
  if (at < 0) return;
  ret->state = state_of(row->state);
  ret->plan = set->plans[at];
  (void)apply_addons(set, row->addons, false, &ret->plan, ret->addons, NULL);
}

enum status entitlement_load(struct db *db, const struct plan_set *set, int64_t tenant_id, int64_t now_ns,
  struct entitlement *ret, struct err *err) {
  struct subscription_row row;
  struct override_row o;
  *ret = (struct entitlement){.set = set, .plan = set->plans[set->default_plan]};
  enum status st = subscription_get(db, tenant_id, &row, err);
  if (st == OK) {
    apply_subscription(&row, set, now_ns, ret);
    free(row.addons);
  }
  if (st != OK && st != ERR_NOTFOUND) return st;
  st = override_get(db, tenant_id, &o, err);
  if (st == ERR_NOTFOUND) return OK;
  if (st != OK) return st;
  if (o.expires_ns == 0 || now_ns < o.expires_ns) {
    int at = o.plan[0] != '\0' ? plan_find(set, o.plan) : -1;
    if (at >= 0) {
      ret->plan = set->plans[at];
      memset(ret->addons, 0, sizeof ret->addons);
      ret->state = ENTITLED_GRANTED;
      ret->plan_gone = false;
    }
    (void)apply_limits(o.limits, false, &ret->plan, NULL);
    ret->overridden = true;
    ret->override_until_ns = o.expires_ns;
  }
  override_finish(&o);
  return OK;
}

static json_t *ms_or_null(int64_t ns) {
  return ns == 0 ? json_null() : json_integer(ns / NS_PER_MS);
}

json_t *entitlement_json(const struct entitlement *e) {
  json_t *addons = json_object();
  for (int i = 0; i < e->set->addon_count; i++)
    if (e->addons[i] > 0) json_object_set_new(addons, e->set->addons[i].id, json_integer(e->addons[i]));
  return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:b, s:o}", "plan", plan_json(e->set, &e->plan), "state",
    entitlement_state_text(e->state), "since_ms", ms_or_null(e->since_ns), "ends_at_ms", ms_or_null(e->ends_ns), "addons",
    addons, "grace_until_ms", ms_or_null(e->grace_until_ns), "exception", (int)e->overridden, "exception_until_ms",
    ms_or_null(e->override_until_ns));
}

// ---- changes

enum plan_direction plan_compare(const struct plan *from, const struct plan *to) {
  if (from->month_e8 != to->month_e8) return to->month_e8 > from->month_e8 ? PLAN_UP : PLAN_DOWN;
  bool more = (to->rights & ~from->rights) != 0, less = (from->rights & ~to->rights) != 0;
  for (int i = 0; i < LIMIT_COUNT; i++) {
    more |= to->limits[i] > from->limits[i];
    less |= to->limits[i] < from->limits[i];
  }
  return less ? PLAN_DOWN : more ? PLAN_UP : PLAN_SAME;
}

static enum status tell_plan(struct db *db, const struct plan_change *change, const char *plan, const char *from, const char *detail, struct err *err) {
  return notice_tell(db, change->tenant_id, NOTICE_PLAN_CHANGED, NULL, NULL, json_pack("{s:s, s:s, s:s}", "plan", plan, "from", from, "detail", detail), change->now_ns, err);
}

enum status subscription_change(struct db *db, const struct plan_set *set, const struct plan_change *change,
  const char *plan, const char *addons, struct err *err) {
  int at = plan_find(set, plan);
  if (at < 0) return no_plan(set, plan, err);
  struct entitlement now;
  struct subscription_row old;
  enum status st = entitlement_load(db, set, change->tenant_id, change->now_ns, &now, err);
  if (st == OK) st = subscription_get(db, change->tenant_id, &old, err);
  if (st != OK && st != ERR_NOTFOUND) return st;
  const char *kept = addons != NULL ? addons : st == OK && old.addons != NULL ? old.addons : "{}";
  struct plan next = set->plans[at];
  st = apply_addons(set, kept, addons != NULL, &next, NULL, err);
  // The price decides between up and down; with the same plan, what the add-ons give.
  struct plan from = now.plan;
  enum plan_direction direction = plan_compare(&from, &next);
  struct subscription_row row = {.state = "active", .since_ns = change->now_ns, .addons = strdup(kept)};
  snprintf(row.plan, sizeof row.plan, "%s", plan);
  if (now.since_ns != 0 && now.state != ENTITLED_DEFAULT)
    row.since_ns = now.since_ns;  // billing goes on from the first day
  if (direction == PLAN_DOWN) row.grace_until_ns = change->now_ns + set->grace_days * NS_PER_DAY;
  if (st == OK && row.addons == NULL) st = err_set(err, ERR_NOMEM, "no memory for a subscription");
  if (st == OK) {
    struct subscription_change c = {.event_id = change->event_id,
      .tenant_id = change->tenant_id,
      .actor_id = change->actor_id,
      .now_ns = change->now_ns,
      .expected_revision = change->expected_revision,
      .what = direction == PLAN_UP     ? "upgrade"
              : direction == PLAN_DOWN ? "downgrade"
                                       : "renew"};
    st = subscription_put(db, &c, &row, err);
    if (st == OK && strcmp(from.id, next.id) != 0)
      st = tell_plan(db, change, next.name, from.name, direction == PLAN_DOWN ? "What exceeds it goes on for the days of grace." : "", err);
  }
  free(row.addons);
  free(old.addons);
  return st;
}

enum status subscription_cancel(struct db *db, const struct plan_change *change, struct err *err) {
  struct subscription_row row;
  enum status st = subscription_get(db, change->tenant_id, &row, err);
  if (st != OK) return st;
  if (strcmp(row.state, "cancelled") == 0 || (row.ends_ns != 0 && row.ends_ns <= change->now_ns))
    st = err_set(err, ERR_NOTFOUND, "there is no running subscription");
  if (st == OK) {
    snprintf(row.state, sizeof row.state, "cancelled");
    row.ends_ns = window_month_after(row.since_ns, change->now_ns);
    struct subscription_change c = {.event_id = change->event_id,
      .tenant_id = change->tenant_id,
      .actor_id = change->actor_id,
      .now_ns = change->now_ns,
      .expected_revision = change->expected_revision,
      .what = "cancel"};
    st = subscription_put(db, &c, &row, err);
    if (st == OK) st = tell_plan(db, change, "cancelled", row.plan, "It holds until the month that was paid is over.", err);
  }
  free(row.addons);
  return st;
}

enum status entitlement_override(struct db *db, const struct plan_set *set, const struct plan_change *change,
  const char *plan, const char *limits, int64_t expires_ns, const char *reason, struct err *err) {
  struct plan scratch = {0};
  if (plan != NULL && plan_find(set, plan) < 0) return no_plan(set, plan, err);
  enum status st = apply_limits(limits != NULL ? limits : "{}", true, &scratch, err);
  if (st == OK && expires_ns != 0 && expires_ns <= change->now_ns)
    st = err_set(err, ERR_INVALID, "the exception would already be over");
  if (st != OK) return st;
  struct override_row row = {.expires_ns = expires_ns,
    .actor_id = change->actor_id,
    .created_ns = change->now_ns,
    .limits = strdup(limits != NULL ? limits : "{}"),
    .reason = strdup(reason)};
  if (plan != NULL) snprintf(row.plan, sizeof row.plan, "%s", plan);
  st = row.limits != NULL && row.reason != NULL ? override_put(db, change->tenant_id, &row, err)
                                                : err_set(err, ERR_NOMEM, "no memory for an override");
  override_finish(&row);
  return st;
}
