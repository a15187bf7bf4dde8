#include "tenant/usage.h"

#include "store/script_rows.h"
#include "store/store.h"
#include "tenant/api_meter.h"
#include "tenant/window.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define ASK_AGAIN_NS (60 * NS_PER_SECOND)  // a plan can end by itself
#define SWEEP_NS (300 * NS_PER_SECOND)
#define FORGET_NS (2 * 3600 * NS_PER_SECOND)  // a tenant that asks nothing for so long needs no memory
#define RATE_UNKNOWN 60
#define EVENTS_KEPT_NS \
  (62 * 86400 * NS_PER_SECOND)  // longer than any window: what is counted twice after that is a mistake elsewhere
#define EVENTS_PRUNED 1000      // per sweep

// Requests to be written: of an entry's hours, or of hours that are no longer in it.
struct unsaved {
  int64_t tenant_id, start_ns, amount;
};

struct usage {
  usage_counter counters[LIMIT_COUNT];
  struct api_meter meter;
  struct unsaved *late;  // of hours that fell out of their entry before they were written
  size_t late_count, late_cap;
  int64_t swept_ns;
  int flushing;  // batches under way
};

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

// ---- counting

enum status usage_now(struct usage *u, struct db *db, int64_t tenant_id, enum plan_limit limit, int64_t now_ns,
  int64_t *ret, struct err *err) {
  enum meter_kind kind = plan_limit_kind(limit);
  const char *meter = plan_limit_name(limit);
  *ret = 0;
  if (kind == METER_SIZE) return OK;
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

static void over_limit(struct usage_decision *d, enum plan_limit limit, int64_t value, int64_t used, int64_t now_ns) {
  char number[32];
  enum meter_kind kind = plan_limit_kind(limit);
  *d = (struct usage_decision){
    .verdict = USAGE_LIMIT, .limit = limit, .limit_value = value, .used = used, .right = NO_RIGHT};
  d->resets_at_ns = kind == METER_HELD || kind == METER_SIZE ? 0 : window_end(kind, now_ns);
  snprintf(number, sizeof number, "%lld", (long long)value);
  snprintf(d->reason, sizeof d->reason, "the plan's limit of %s is reached (%s): %s", value == 0 ? "none" : number,
    plan_limit_name(limit), plan_limit_about(limit));
}

bool usage_fits(const struct plan *plan, enum plan_limit limit, int64_t value, struct usage_decision *ret) {
  *ret = (struct usage_decision){
    .verdict = USAGE_ALLOWED, .limit = limit, .limit_value = plan->limits[limit], .used = value, .right = NO_RIGHT};
  if (value <= plan->limits[limit]) return true;
  over_limit(ret, limit, plan->limits[limit], value, 0);
  return false;
}

static bool exceeds(int64_t used, int64_t amount, int64_t limit) {
  return limit != PLAN_UNLIMITED && (amount > limit || used > limit - amount);
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
    if (exceeds(used, amount, limit)) {
      over_limit(ret, limits[i], limit, used, now_ns);
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
    if (st == ERR_LIMIT) over_limit(ret, limits[i], limit, limit, now_ns);
    if (st != OK) return st;
  }
  if (window_count == 0) return OK;
  enum status st = usage_count(
    db, tenant_id, plan_action_name(action), key, now_ns, amount, windows, window_count, &fresh, &over, err);
  if (st == ERR_LIMIT && over >= 0) {
    int64_t used;
    enum status again = usage_used(db, tenant_id, windows[over].meter, windows[over].start_ns, &used, err);
    if (again != OK) return again;
    over_limit(ret, counted[over], windows[over].limit, used, now_ns);
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

// ---- requests

static enum status ask_plan(
  struct api_entry *e, struct db *db, const struct plan_set *set, int64_t now_ns, struct err *err) {
  struct entitlement now;
  enum status st = entitlement_load(db, set, e->tenant_id, now_ns, &now, err);
  if (st != OK) return st;
  e->limit = now.plan.limits[LIMIT_API_CALLS_PER_HOUR];
  e->rate = now.plan.limits[LIMIT_API_CALLS_PER_MINUTE];
  e->asked_ns = now_ns;
  return OK;
}

static enum status late_add(struct usage *u, int64_t tenant_id, const struct api_hour *hour, struct err *err) {
  if (hour->unsaved == 0) return OK;
  if (u->late_count == u->late_cap) {
    size_t cap = u->late_cap != 0 ? 2 * u->late_cap : 64;
    struct unsaved *late = realloc(u->late, cap * sizeof *late);
    if (late == NULL) return err_set(err, ERR_NOMEM, "no memory for counting requests");
    u->late = late;
    u->late_cap = cap;
  }
  u->late[u->late_count++] = (struct unsaved){tenant_id, hour->start_ns, hour->unsaved};
  return OK;
}

static int64_t late_take(struct usage *u, int64_t tenant_id, int64_t start_ns) {
  int64_t amount = 0;
  for (size_t i = 0; i < u->late_count;) {
    if (u->late[i].tenant_id == tenant_id && u->late[i].start_ns == start_ns) {
      amount += u->late[i].amount;
      u->late[i] = u->late[--u->late_count];
    } else {
      i++;
    }
  }
  return amount;
}

// Puts the hour in front; the one that falls out of the two is kept until it is written.
static enum status turn_to(struct usage *u, struct api_entry *e, struct db *db, int64_t start_ns, struct err *err) {
  struct api_hour front = e->hours[1];
  if (front.start_ns != start_ns || front.used == 0) {
    front = (struct api_hour){.start_ns = start_ns};
    enum status st =
      usage_used(db, e->tenant_id, plan_limit_name(LIMIT_API_CALLS_PER_HOUR), start_ns, &front.used, err);
    if (st == OK) st = late_add(u, e->tenant_id, &e->hours[1], err);
    if (st != OK) return st;
    front.unsaved = late_take(u, e->tenant_id, start_ns);
    front.used += front.unsaved;
  }
  e->hours[1] = e->hours[0];
  e->hours[0] = front;
  return OK;
}

enum status usage_api_call(struct usage *u, struct db *db, const struct plan_set *set, int64_t tenant_id,
  int64_t now_ns, struct usage_decision *ret, struct err *err) {
  assert(tenant_id != 0);
  struct api_entry *e = api_meter_get(&u->meter, tenant_id);
  if (e == NULL) return err_set(err, ERR_NOMEM, "no memory for counting requests");
  enum status st = OK;
  bool first = e->hours[0].start_ns == 0 && e->hours[0].used == 0;
  if (e->asked_ns == INT64_MIN || now_ns - e->asked_ns > ASK_AGAIN_NS || now_ns < e->asked_ns)
    st = ask_plan(e, db, set, now_ns, err);
  int64_t start = window_start(METER_HOUR, now_ns);
  if (st == OK && (first || e->hours[0].start_ns != start)) st = turn_to(u, e, db, start, err);
  if (st != OK) return st;
  *ret = (struct usage_decision){.verdict = USAGE_ALLOWED,
    .limit = LIMIT_API_CALLS_PER_HOUR,
    .limit_value = e->limit,
    .used = e->hours[0].used,
    .right = NO_RIGHT};
  ret->resets_at_ns = window_end(METER_HOUR, now_ns);
  if (exceeds(e->hours[0].used, 1, e->limit))
    over_limit(ret, LIMIT_API_CALLS_PER_HOUR, e->limit, e->hours[0].used, now_ns);
  e->hours[0].used++;
  e->hours[0].unsaved++;
  return OK;
}

int64_t usage_api_rate(const struct usage *u, int64_t tenant_id) {
  const struct api_entry *e = api_meter_find(&u->meter, tenant_id);
  return e != NULL && e->asked_ns != INT64_MIN ? e->rate : RATE_UNKNOWN;
}

void usage_forget(struct usage *u, int64_t tenant_id) {
  struct api_entry *e = api_meter_find(&u->meter, tenant_id);
  if (e != NULL) e->asked_ns = INT64_MIN;
}

void usage_forget_all(struct usage *u) {
  for (size_t i = 0; i < u->meter.capacity; i++) u->meter.entries[i].asked_ns = INT64_MIN;
}

// ---- flushing

struct flush {
  struct usage *u;
  size_t n;
  struct unsaved items[];
};

// Takes what is unsaved out of the entries. NULL with nothing to do, or no memory (then it stays where it is).
static struct flush *gather(struct usage *u) {
  size_t n = u->late_count;
  for (size_t i = 0; i < u->meter.capacity; i++)
    for (int h = 0; h < 2; h++) n += u->meter.entries[i].hours[h].unsaved > 0;
  struct flush *f = n > 0 ? malloc(sizeof *f + n * sizeof f->items[0]) : NULL;
  if (f == NULL) return NULL;
  *f = (struct flush){.u = u, .n = u->late_count};
  if (u->late_count > 0) memcpy(f->items, u->late, u->late_count * sizeof f->items[0]);
  u->late_count = 0;
  for (size_t i = 0; i < u->meter.capacity; i++)
    for (int h = 0; h < 2; h++) {
      struct api_hour *hour = &u->meter.entries[i].hours[h];
      if (hour->unsaved == 0) continue;
      f->items[f->n++] = (struct unsaved){u->meter.entries[i].tenant_id, hour->start_ns, hour->unsaved};
      hour->unsaved = 0;
    }
  return f;
}

static enum status flush_write(struct db *db, void *arg, struct err *err) {
  const struct flush *f = arg;
  enum status st = OK;
  for (size_t i = 0; st == OK && i < f->n; i++)
    st = usage_add(db, f->items[i].tenant_id, plan_limit_name(LIMIT_API_CALLS_PER_HOUR), f->items[i].start_ns,
      f->items[i].amount, err);
  return st;
}

// Gives back what was not written.
static void restore(const struct flush *f) {
  for (size_t i = 0; i < f->n; i++) {
    struct api_hour hour = {.start_ns = f->items[i].start_ns, .unsaved = f->items[i].amount};
    struct api_entry *e = api_meter_find(&f->u->meter, f->items[i].tenant_id);
    int h = 0;
    while (e != NULL && h < 2 && e->hours[h].start_ns != hour.start_ns) h++;
    if (e != NULL && h < 2)
      e->hours[h].unsaved += hour.unsaved;
    else
      (void)late_add(f->u, f->items[i].tenant_id, &hour, NULL);  // without memory these requests are forgotten
  }
}

static void flush_done(void *arg, enum status st, const struct err *err) {
  (void)err;
  struct flush *f = arg;
  f->u->flushing--;
  if (st != OK) restore(f);
  free(f);
}

static enum status prune(struct db *db, void *arg, struct err *err) {
  const int64_t *before_ns = arg;
  return usage_prune(db, *before_ns, EVENTS_PRUNED, NULL, err);
}

static void prune_done(void *arg, enum status st, const struct err *err) {
  (void)st, (void)err;  // the next sweep tries again
  free(arg);
}

// Once in a while: tenants that are gone from memory, events that no window needs from the file.
static void sweep(struct usage *u, struct store *store, int64_t now_ns) {
  u->swept_ns = now_ns;
  api_meter_sweep(&u->meter, now_ns - FORGET_NS);
  int64_t *before_ns = malloc(sizeof *before_ns);
  if (before_ns == NULL) return;
  *before_ns = now_ns - EVENTS_KEPT_NS;
  store_write(store, STORE_CONTROL, prune, prune_done, before_ns);
}

void usage_flush(struct usage *u, struct store *store, int64_t now_ns) {
  if (u->flushing > 0) return;  // the disk is slow: one batch at a time
  struct flush *f = gather(u);
  if (f != NULL) {
    u->flushing++;
    store_write(store, STORE_CONTROL, flush_write, flush_done, f);
  } else if (now_ns - u->swept_ns > SWEEP_NS || now_ns < u->swept_ns) {
    sweep(u, store, now_ns);
  }
}

enum status usage_flush_sync(struct usage *u, struct store *store, struct err *err) {
  struct flush *f = gather(u);
  if (f == NULL) return OK;
  enum status st = store_write_sync(store, STORE_CONTROL, flush_write, f, err);
  if (st != OK) restore(f);
  free(f);
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
  json_t *items = json_array();
  for (int i = 0; i < LIMIT_COUNT; i++) {
    enum meter_kind kind = plan_limit_kind((enum plan_limit)i);
    int64_t used;
    if (kind == METER_SIZE) continue;
    enum status st = usage_now(u, db, tenant_id, (enum plan_limit)i, now_ns, &used, err);
    if (st != OK) {
      json_decref(items);
      return st;
    }
    json_array_append_new(
      items, json_pack("{s:s, s:I, s:o, s:o}", "name", plan_limit_name((enum plan_limit)i), "used", (json_int_t)used,
               "limit", e->plan.limits[i] == PLAN_UNLIMITED ? json_null() : json_integer(e->plan.limits[i]),
               "resets_at_ms", kind == METER_HELD ? json_null() : json_integer(window_end(kind, now_ns) / 1000000)));
  }
  *ret = json_pack("{s:s, s:o}", "plan", e->plan.id, "items", items);
  return *ret != NULL ? OK : err_set(err, ERR_NOMEM, "no memory for the usage");
}
