#include "store/desk_rows.h"

#include "store/row_text.h"

// ---- tenants

#define BOTS_OF "(SELECT count(*) FROM bots b WHERE b.tenant_id = t.id AND b.deleted_ns IS NULL"

enum status desk_tenants(struct db *db, const char *text, int64_t before, int limit, bool (*fn)(void *arg, const struct desk_tenant *row), void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT t.id, t.kind = 'personal', t.name, t.created_ns, t.revision, u.email, u.id, (SELECT count(*) FROM members m WHERE m.tenant_id = t.id), " BOTS_OF "), "
    BOTS_OF " AND b.wanted <> 'stopped'), (SELECT count(*) FROM accounts a WHERE a.tenant_id = t.id AND a.deleted_ns IS NULL) FROM tenants t LEFT JOIN users u ON u.tenant_id = t.id "
    "WHERE t.id < ?1 AND t.deleted_ns IS NULL AND (?2 IS NULL OR instr(lower(t.name), lower(?2)) OR instr(u.email, lower(?2))) ORDER BY t.id DESC LIMIT ?3",
    "iti", before, text, (int64_t)limit);
  while (st == OK && db_next(&r)) {
    struct desk_tenant row = {.tenant = {.id = db_int(&r, 0), .personal = db_int(&r, 1) != 0, .created_ns = db_int(&r, 3), .revision = db_int(&r, 4)}, .email = db_text(&r, 5),
                              .user_id = db_int(&r, 6), .members = db_int(&r, 7), .bots = db_int(&r, 8), .started = db_int(&r, 9), .accounts = db_int(&r, 10)};
    row_text(&r, 2, row.tenant.name, sizeof row.tenant.name);
    if (!fn(arg, &row)) break;
  }
  return db_end(&r, st, err);
}

enum status desk_tenant_name(struct db *db, int64_t tenant_id, char *ret, size_t size, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT coalesce(u.email, t.name) FROM tenants t LEFT JOIN users u ON u.tenant_id = t.id WHERE t.id = ?", "i", tenant_id);
  const bool found = st == OK && db_next(&r);
  if (found) row_text(&r, 0, ret, size);
  return row_end(&r, st, found, err);
}

// ---- failures

enum status desk_failures(struct db *db, bool held, int64_t before, int limit, bool (*fn)(void *arg, const struct desk_failure *row), void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT f.id, f.bot_id, f.at_ns, f.what, f.version, f.strikes, f.retries, f.detail, b.tenant_id, b.name, b.state FROM bot_failures f JOIN bots b ON b.id = f.bot_id "
    "WHERE f.id < ?1 AND b.deleted_ns IS NULL AND (?2 = 0 OR b.state IN ('quarantined', 'dead', 'retired')) ORDER BY f.id DESC LIMIT ?3",
    "iii", before, (int64_t)held, (int64_t)limit);
  while (st == OK && db_next(&r)) {
    struct desk_failure row = {.failure = {.id = db_int(&r, 0), .bot_id = db_int(&r, 1), .at_ns = db_int(&r, 2), .version = db_int(&r, 4), .strikes = db_int(&r, 5),
                                           .retries = db_int(&r, 6), .detail = db_text(&r, 7)},
                               .tenant_id = db_int(&r, 8), .bot_name = db_text(&r, 9), .state = db_text(&r, 10)};
    row_text(&r, 3, row.failure.what, sizeof row.failure.what);
    if (!fn(arg, &row)) break;
  }
  return db_end(&r, st, err);
}

enum status desk_bot_states(struct db *db, void (*fn)(void *arg, const char *state, int64_t count), void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT state, count(*) FROM bots WHERE deleted_ns IS NULL GROUP BY state ORDER BY state", "");
  while (st == OK && db_next(&r)) fn(arg, db_text(&r, 0), db_int(&r, 1));
  return db_end(&r, st, err);
}

// ---- activations

enum status desk_activations(struct db *db, int64_t script_id, int64_t before, int limit, bool (*fn)(void *arg, const struct desk_activation *row), void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT revision, version, previous, actor_id, at_ns FROM script_activation WHERE script_id = ? AND revision < ? ORDER BY revision DESC LIMIT ?", "iii", script_id, before,
    (int64_t)limit);
  while (st == OK && db_next(&r)) {
    const struct desk_activation row = {db_int(&r, 0), db_int(&r, 1), db_int(&r, 2), db_int(&r, 3), db_int(&r, 4)};
    if (!fn(arg, &row)) break;
  }
  return db_end(&r, st, err);
}

// ---- subscriptions

enum status desk_subscriptions(struct db *db, int64_t now_ns, void (*fn)(void *arg, const struct desk_subscriptions *row), void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT plan, state, addons, count(*) FROM subscription WHERE ends_ns IS NULL OR ends_ns > ? GROUP BY plan, state, addons ORDER BY plan, state, addons", "i", now_ns);
  while (st == OK && db_next(&r)) fn(arg, &(struct desk_subscriptions){db_text(&r, 0), db_text(&r, 1), db_text(&r, 2), db_int(&r, 3)});
  return db_end(&r, st, err);
}

// Of a group SQLite shows the row that max() found.
enum status desk_changes(struct db *db, int64_t then_ns, void (*fn)(void *arg, const struct desk_change *row), void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT b.plan_to, n.plan_to, n.what = 'cancel', count(*) FROM (SELECT tenant_id, plan_to, what, max(id) FROM subscription_event WHERE at_ns <= ? GROUP BY tenant_id) b "
    "JOIN (SELECT tenant_id, plan_to, what, max(id) FROM subscription_event GROUP BY tenant_id) n USING (tenant_id) WHERE b.what <> 'cancel' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3", "i", then_ns);
  while (st == OK && db_next(&r)) fn(arg, &(struct desk_change){db_text(&r, 0), db_text(&r, 1), db_int(&r, 2) != 0, db_int(&r, 3)});
  return db_end(&r, st, err);
}

enum status desk_counts(struct db *db, int64_t now_ns, int64_t *ret_exceptions, int64_t *ret_tenants, struct err *err) {
  struct db_rows r;
  *ret_exceptions = *ret_tenants = 0;
  enum status st = db_query(db, &r, err,
    "SELECT (SELECT count(*) FROM plan_override WHERE expires_ns IS NULL OR expires_ns > ?), (SELECT count(*) FROM tenants WHERE deleted_ns IS NULL)", "i", now_ns);
  if (st == OK && db_next(&r)) *ret_exceptions = db_int(&r, 0), *ret_tenants = db_int(&r, 1);
  return db_end(&r, st, err);
}
