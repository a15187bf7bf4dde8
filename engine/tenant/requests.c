// tenant/requests.c – requests per tenant and hour: counted in memory, written every few seconds.
#include "store/store.h"
#include "tenant/usage_impl.h"
#include "tenant/window.h"

#include <assert.h>
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

// ---- counting

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
  if (usage_exceeds(e->hours[0].used, 1, e->limit))
    usage_over(ret, LIMIT_API_CALLS_PER_HOUR, e->limit, e->hours[0].used, now_ns);
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
