#include "store/usage_rows.h"

#include "store/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NULL_IF_0(x) (x), (int64_t)0  // for nullif(?, ?)
#define NULL_IF_EMPTY(x) (x), ""

static bool copy(const struct db_rows *rows, int column, char **ret) {
  *ret = strdup(db_text(rows, column));
  return *ret != NULL;
}

// ---- subscriptions

enum status subscription_get(struct db *db, int64_t tenant_id, struct subscription_row *ret, struct err *err) {
  struct db_rows rows;
  memset(ret, 0, sizeof *ret);
  enum status st = db_query(db, &rows, err,
    "SELECT plan, state, since_ns, ends_ns, grace_until_ns, revision, addons FROM subscription WHERE tenant_id = ?",
    "i", tenant_id);
  bool found = st == OK && db_next(&rows), copied = true;
  if (found) {
    snprintf(ret->plan, sizeof ret->plan, "%s", db_text(&rows, 0));
    snprintf(ret->state, sizeof ret->state, "%s", db_text(&rows, 1));
    ret->since_ns = db_int(&rows, 2);
    ret->ends_ns = db_int(&rows, 3);
    ret->grace_until_ns = db_int(&rows, 4);
    ret->revision = db_int(&rows, 5);
    copied = copy(&rows, 6, &ret->addons);
  }
  st = db_end(&rows, st, err);
  if (st == OK && !copied) st = err_set(err, ERR_NOMEM, "no memory for a subscription");
  if (st != OK) free(ret->addons), ret->addons = NULL;
  return st != OK || found ? st : err_set(err, ERR_NOTFOUND, "there is no subscription");
}

enum status subscription_put(
  struct db *db, const struct subscription_change *change, const struct subscription_row *row, struct err *err) {
  struct subscription_row old;
  enum status st = subscription_get(db, change->tenant_id, &old, err);
  if (st != OK && st != ERR_NOTFOUND) return st;
  free(old.addons);
  if (change->expected_revision != 0 && change->expected_revision != old.revision)
    return err_set(err, ERR_CANCELLED, "the subscription was changed meanwhile");
  st = db_run(db, NULL, err,
    "INSERT INTO subscription (tenant_id, plan, state, since_ns, ends_ns, grace_until_ns, addons, revision)"
    " VALUES (?, ?, ?, ?, nullif(?, ?), nullif(?, ?), ?, ?)"
    " ON CONFLICT (tenant_id) DO UPDATE SET plan = excluded.plan, state = excluded.state, since_ns = "
    "excluded.since_ns, ends_ns = excluded.ends_ns,"
    " grace_until_ns = excluded.grace_until_ns, addons = excluded.addons, revision = excluded.revision",
    "ittiiiiiti", change->tenant_id, row->plan, row->state, row->since_ns, NULL_IF_0(row->ends_ns),
    NULL_IF_0(row->grace_until_ns), row->addons, old.revision + 1);
  if (st == OK)
    st = db_run(db, NULL, err,
      "INSERT INTO subscription_event (id, tenant_id, at_ns, what, plan_from, plan_to, addons, actor_id) VALUES (?, ?, "
      "?, ?, nullif(?, ?), ?, ?, nullif(?, ?))",
      "iiitttttii", change->event_id, change->tenant_id, change->now_ns, change->what, NULL_IF_EMPTY(old.plan),
      row->plan, row->addons, NULL_IF_0(change->actor_id));
  return st;
}

// ---- overrides

void override_finish(struct override_row *row) {
  free(row->limits);
  free(row->reason);
  row->limits = row->reason = NULL;
}

enum status override_get(struct db *db, int64_t tenant_id, struct override_row *ret, struct err *err) {
  struct db_rows rows;
  memset(ret, 0, sizeof *ret);
  enum status st = db_query(db, &rows, err,
    "SELECT plan, expires_ns, actor_id, created_ns, limits, reason FROM plan_override WHERE tenant_id = ?", "i",
    tenant_id);
  bool found = st == OK && db_next(&rows), copied = true;
  if (found) {
    snprintf(ret->plan, sizeof ret->plan, "%s", db_text(&rows, 0));
    ret->expires_ns = db_int(&rows, 1);
    ret->actor_id = db_int(&rows, 2);
    ret->created_ns = db_int(&rows, 3);
    copied = copy(&rows, 4, &ret->limits) && copy(&rows, 5, &ret->reason);
  }
  st = db_end(&rows, st, err);
  if (st == OK && !copied) st = err_set(err, ERR_NOMEM, "no memory for an override");
  if (st != OK) override_finish(ret);
  return st != OK || found ? st : err_set(err, ERR_NOTFOUND, "there is no override");
}

enum status override_put(struct db *db, int64_t tenant_id, const struct override_row *row, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO plan_override (tenant_id, plan, limits, expires_ns, reason, actor_id, created_ns) VALUES (?, "
    "nullif(?, ?), ?, nullif(?, ?), ?, nullif(?, ?), ?)"
    " ON CONFLICT (tenant_id) DO UPDATE SET plan = excluded.plan, limits = excluded.limits, expires_ns = "
    "excluded.expires_ns, reason = excluded.reason,"
    " actor_id = excluded.actor_id, created_ns = excluded.created_ns",
    "itttiitiii", tenant_id, NULL_IF_EMPTY(row->plan), row->limits, NULL_IF_0(row->expires_ns), row->reason,
    NULL_IF_0(row->actor_id), row->created_ns);
}

enum status override_delete(struct db *db, int64_t tenant_id, struct err *err) {
  int64_t changes = 0;
  enum status st = db_run(db, &changes, err, "DELETE FROM plan_override WHERE tenant_id = ?", "i", tenant_id);
  return st != OK || changes > 0 ? st : err_set(err, ERR_NOTFOUND, "there is no override");
}

// ---- meters

static enum status one_number(struct db_rows *rows, enum status st, int64_t *ret, struct err *err) {
  *ret = st == OK && db_next(rows) ? db_int(rows, 0) : 0;
  return db_end(rows, st, err);
}

enum status usage_used(
  struct db *db, int64_t tenant_id, const char *meter, int64_t start_ns, int64_t *ret, struct err *err) {
  struct db_rows rows;
  enum status st =
    db_query(db, &rows, err, "SELECT used FROM usage_window WHERE tenant_id = ? AND meter = ? AND start_ns = ?", "iti",
      tenant_id, meter, start_ns);
  return one_number(&rows, st, ret, err);
}

enum status usage_add(
  struct db *db, int64_t tenant_id, const char *meter, int64_t start_ns, int64_t amount, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO usage_window (tenant_id, meter, start_ns, used) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (tenant_id, meter, start_ns) DO UPDATE SET used = used + excluded.used",
    "itii", tenant_id, meter, start_ns, amount);
}

enum status usage_count(struct db *db, int64_t tenant_id, const char *what, const char *key, int64_t at_ns,
  int64_t amount, const struct usage_window *windows, int window_count, bool *ret_counted, int *ret_over,
  struct err *err) {
  int64_t changes = 0;
  *ret_counted = false;
  *ret_over = -1;
  enum status st = db_run(db, &changes, err,
    "INSERT OR IGNORE INTO usage_event (tenant_id, what, key, at_ns, amount) VALUES (?, ?, ?, ?, ?)", "ittii",
    tenant_id, what, key, at_ns, amount);
  if (st != OK || changes == 0) return st;
  for (int i = 0; st == OK && i < window_count; i++) {
    int64_t used;
    st = usage_used(db, tenant_id, windows[i].meter, windows[i].start_ns, &used, err);
    if (st != OK) break;
    if (amount > windows[i].limit || used > windows[i].limit - amount) {
      *ret_over = i;
      return err_set(err, ERR_LIMIT, "the limit %s of %lld is reached", windows[i].meter, (long long)windows[i].limit);
    }
    st = usage_add(db, tenant_id, windows[i].meter, windows[i].start_ns, amount, err);
  }
  *ret_counted = st == OK;
  return st;
}

enum status usage_held(struct db *db, int64_t tenant_id, const char *meter, int64_t *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(
    db, &rows, err, "SELECT count(*) FROM usage_held WHERE tenant_id = ? AND meter = ?", "it", tenant_id, meter);
  return one_number(&rows, st, ret, err);
}

enum status usage_hold(struct db *db, int64_t tenant_id, const char *meter, const char *key, int64_t now_ns,
  int64_t limit, struct err *err) {
  int64_t changes = 0, held;
  enum status st =
    db_run(db, &changes, err, "INSERT OR IGNORE INTO usage_held (tenant_id, meter, key, since_ns) VALUES (?, ?, ?, ?)",
      "itti", tenant_id, meter, key, now_ns);
  if (st != OK || changes == 0) return st;
  st = usage_held(db, tenant_id, meter, &held, err);
  if (st == OK && held > limit)
    st = err_set(err, ERR_LIMIT, "the limit %s of %lld is reached", meter, (long long)limit);
  return st;
}

enum status usage_release(struct db *db, int64_t tenant_id, const char *meter, const char *key, struct err *err) {
  if (key == NULL)
    return db_run(db, NULL, err, "DELETE FROM usage_held WHERE tenant_id = ? AND meter = ?", "it", tenant_id, meter);
  return db_run(db, NULL, err, "DELETE FROM usage_held WHERE tenant_id = ? AND meter = ? AND key = ?", "itt", tenant_id,
    meter, key);
}

enum status usage_prune(struct db *db, int64_t before_ns, int limit, int64_t *ret_gone, struct err *err) {
  return db_run(db, ret_gone, err,
    "DELETE FROM usage_event WHERE (tenant_id, what, key) IN (SELECT tenant_id, what, key FROM usage_event WHERE at_ns "
    "< ? ORDER BY at_ns LIMIT ?)",
    "ii", before_ns, (int64_t)limit);
}

enum status usage_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) {
  enum status st = db_run(db, NULL, err, "DELETE FROM usage_event WHERE tenant_id = ?", "i", tenant_id);
  if (st == OK) st = db_run(db, NULL, err, "DELETE FROM usage_window WHERE tenant_id = ?", "i", tenant_id);
  if (st == OK) st = db_run(db, NULL, err, "DELETE FROM usage_held WHERE tenant_id = ?", "i", tenant_id);
  if (st == OK) st = db_run(db, NULL, err, "DELETE FROM plan_override WHERE tenant_id = ?", "i", tenant_id);
  return st;
}
