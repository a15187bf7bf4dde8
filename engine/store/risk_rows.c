// store/risk_rows.c – see risk_rows.h.
#include "store/risk_rows.h"

#include "store/row_text.h"

#include <stdlib.h>

enum status tenant_limits_get(struct db *db, int64_t tenant_id, char **ret, int64_t *ret_revision, struct err *err) {
  struct db_rows rows;
  *ret = NULL;
  *ret_revision = 0;
  enum status st = db_query(db, &rows, err, "SELECT settings, revision FROM tenant_limits WHERE tenant_id = ?", "i", tenant_id);
  if (st == OK && db_next(&rows)) {
    *ret = strdup(db_text(&rows, 0));
    *ret_revision = db_int(&rows, 1);
  } else if (st == OK) {
    *ret = strdup("{}");
  }
  st = db_end(&rows, st, err);
  if (st == OK && !*ret) return err_set(err, ERR_NOMEM, "out of memory");
  if (st != OK) free(*ret), *ret = NULL;
  return st;
}

enum status tenant_limits_put(struct db *db, int64_t tenant_id, const char *settings, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO tenant_limits (tenant_id, settings, updated_ns) VALUES (?, ?, ?) "
    "ON CONFLICT (tenant_id) DO UPDATE SET settings = excluded.settings, updated_ns = excluded.updated_ns, revision = revision + 1",
    "iti", tenant_id, settings, now_ns);
}

// ---- rule sets

#define COLUMNS "id, tenant_id, name, body, created_ns, updated_ns, revision"

static void read_row(const struct db_rows *rows, struct rule_set_row *ret) {
  *ret = (struct rule_set_row){.id = db_int(rows, 0), .tenant_id = db_int(rows, 1), .body = db_text(rows, 3), .created_ns = db_int(rows, 4), .updated_ns = db_int(rows, 5),
                               .revision = db_int(rows, 6)};
  row_text(rows, 2, ret->name, sizeof ret->name);
}

static enum status read_one(struct db_rows *rows, enum status st, struct rule_set_row *ret, struct err *err) {
  const bool found = st == OK && db_next(rows);
  bool kept = true;
  if (found) {
    read_row(rows, ret);
    ret->body = ret->texts = strdup(ret->body);
    kept = ret->texts != NULL;
  }
  st = row_end(rows, st, found, err);
  if (st == OK && !kept) return err_set(err, ERR_NOMEM, "out of memory");
  if (st != OK && found) rule_set_row_finish(ret);
  return st;
}

void rule_set_row_finish(struct rule_set_row *row) {
  free(row->texts);
  row->body = row->texts = NULL;
}

enum status rule_set_insert(struct db *db, const struct rule_set_row *row, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO rule_sets (id, tenant_id, name, body, created_ns, updated_ns) VALUES (?, ?, ?, ?, ?, ?)", "iittii", row->id,
                row->tenant_id, row->name, row->body, row->created_ns, row->updated_ns);
}

enum status rule_set_get(struct db *db, int64_t tenant_id, int64_t id, struct rule_set_row *ret, struct err *err) {
  struct db_rows rows;
  const enum status st = db_query(db, &rows, err, "SELECT " COLUMNS " FROM rule_sets WHERE id = ? AND tenant_id = ? AND deleted_ns IS NULL", "ii", id, tenant_id);
  return read_one(&rows, st, ret, err);
}

enum status rule_set_find(struct db *db, int64_t tenant_id, const char *name, struct rule_set_row *ret, struct err *err) {
  struct db_rows rows;
  const enum status st = db_query(db, &rows, err, "SELECT " COLUMNS " FROM rule_sets WHERE name = ? AND tenant_id = ? AND deleted_ns IS NULL", "ti", name, tenant_id);
  return read_one(&rows, st, ret, err);
}

static enum status changed(enum status st, int64_t changes) { return st == OK && changes == 0 ? ERR_NOTFOUND : st; }

enum status rule_set_update(struct db *db, const struct rule_set_row *row, struct err *err) {
  int64_t changes = 0;
  const enum status st = db_run(db, &changes, err, "UPDATE rule_sets SET body = ?, updated_ns = ?, revision = revision + 1 WHERE id = ? AND tenant_id = ? AND deleted_ns IS NULL", "tiii",
                                row->body, row->updated_ns, row->id, row->tenant_id);
  return changed(st, changes);
}

enum status rule_set_delete(struct db *db, int64_t tenant_id, int64_t id, int64_t now_ns, struct err *err) {
  int64_t changes = 0;
  const enum status st = db_run(db, &changes, err, "UPDATE rule_sets SET deleted_ns = ? WHERE id = ? AND tenant_id = ? AND deleted_ns IS NULL", "iii", now_ns, id, tenant_id);
  return changed(st, changes);
}

enum status rule_set_list(struct db *db, int64_t tenant_id, int64_t before, int limit, bool (*fn)(void *arg, const struct rule_set_row *row), void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT " COLUMNS " FROM rule_sets WHERE tenant_id = ? AND id < ? AND deleted_ns IS NULL ORDER BY id DESC LIMIT ?", "iii",
                            tenant_id, before, (int64_t)limit);
  struct rule_set_row row;
  while (st == OK && db_next(&rows)) {
    read_row(&rows, &row);
    if (!fn(arg, &row)) break;
  }
  return db_end(&rows, st, err);
}

// ---- what the rules of an account remember

enum status account_rules_put(struct db *db, const struct account_rules_row *row, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO account_rules (account_id, tenant_id, name, rules, time_ns, state) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account_id) DO UPDATE SET "
    "tenant_id = excluded.tenant_id, name = excluded.name, rules = excluded.rules, time_ns = excluded.time_ns, state = excluded.state",
    "iittib", row->account_id, row->tenant_id, row->name, row->rules, row->time_ns, row->state, row->state_len);
}

enum status account_rules_get(struct db *db, int64_t account_id, void (*fn)(void *arg, const struct account_rules_row *row), void *arg, struct err *err) {
  struct db_rows rows;
  const enum status st = db_query(db, &rows, err, "SELECT account_id, tenant_id, name, rules, time_ns, state FROM account_rules WHERE account_id = ?", "i", account_id);
  const bool found = st == OK && db_next(&rows);
  if (found) {
    struct account_rules_row row = {.account_id = db_int(&rows, 0), .tenant_id = db_int(&rows, 1), .name = db_text(&rows, 2), .rules = db_text(&rows, 3), .time_ns = db_int(&rows, 4)};
    row.state = db_blob(&rows, 5, &row.state_len);
    fn(arg, &row);
  }
  return row_end(&rows, st, found, err);
}

enum status account_rules_forget(struct db *db, int64_t account_id, struct err *err) {
  return db_run(db, NULL, err, "DELETE FROM account_rules WHERE account_id = ?", "i", account_id);
}
