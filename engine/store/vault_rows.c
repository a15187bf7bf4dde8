// store/vault_rows.c – see vault_rows.h.
#include "store/vault_rows.h"
#include "store/row_text.h"

static enum status one(enum status st, int64_t changes) {
  return st == OK && changes == 0 ? ERR_NOTFOUND : st;
}

static void read_key(const struct db_rows *rows, struct tenant_key_row *out) {
  *out = (struct tenant_key_row){.tenant_id = db_int(rows, 0), .master = db_int(rows, 1)};
  out->destroyed = !row_blob(rows, 2, out->wrapped, sizeof out->wrapped);
}

enum status tenant_key_get(struct db *db, int64_t tenant_id, struct tenant_key_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT tenant_id, master, wrapped FROM tenant_keys WHERE tenant_id = ?", "i", tenant_id);
  bool found = st == OK && db_next(&rows);
  if (found) read_key(&rows, ret);
  return row_end(&rows, st, found, err);
}

enum status tenant_key_insert(struct db *db, const struct tenant_key_row *row, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO tenant_keys (tenant_id, master, wrapped, created_ns) VALUES (?, ?, ?, ?)", "iibi",
    row->tenant_id, row->master, row->wrapped, sizeof row->wrapped, now_ns);
}

enum status tenant_key_rewrap(struct db *db, const struct tenant_key_row *row, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err,
    "UPDATE tenant_keys SET master = ?, wrapped = ? WHERE tenant_id = ? AND wrapped IS NOT NULL", "ibi", row->master, row->wrapped,
    sizeof row->wrapped, row->tenant_id);
  return one(st, n);
}

enum status tenant_key_destroy(struct db *db, int64_t tenant_id, int64_t now_ns, struct err *err) {
  // Also where there was none, so that none can come back.
  return db_run(db, NULL, err,
    "INSERT INTO tenant_keys (tenant_id, master, wrapped, created_ns, destroyed_ns) VALUES (?1, 0, NULL, ?2, ?2) "
    "ON CONFLICT (tenant_id) DO UPDATE SET wrapped = NULL, destroyed_ns = coalesce(destroyed_ns, ?2)",
    "ii", tenant_id, now_ns);
}

enum status tenant_key_forget(struct db *db, int64_t tenant_id, struct err *err) {
  return db_run(db, NULL, err, "DELETE FROM tenant_keys WHERE tenant_id = ?", "i", tenant_id);
}

enum status tenant_key_next(struct db *db, int64_t current_master, int64_t after, struct tenant_key_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT tenant_id, master, wrapped FROM tenant_keys WHERE tenant_id > ? AND master <> ? AND wrapped IS NOT NULL "
    "ORDER BY tenant_id LIMIT 1",
    "ii", after, current_master);
  bool found = st == OK && db_next(&rows);
  if (found) read_key(&rows, ret);
  return row_end(&rows, st, found, err);
}

enum status tenant_key_walk(struct db *db, bool (*fn)(void *arg, const struct tenant_key_row *row), void *arg, struct err *err) {
  struct db_rows rows;
  struct tenant_key_row row;
  enum status st = db_query(db, &rows, err, "SELECT tenant_id, master, wrapped FROM tenant_keys ORDER BY tenant_id", "");
  while (st == OK && db_next(&rows)) {
    read_key(&rows, &row);
    if (!fn(arg, &row)) break;
  }
  return db_end(&rows, st, err);
}

enum status sealed_walk(struct db *db, bool (*fn)(void *arg, const struct sealed_row *row), void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT tenant_id, account_id, version, 0, field, sealed FROM account_secrets "
    "UNION ALL SELECT u.tenant_id, t.user_id, 0, 1, '', t.seed FROM totp t JOIN users u ON u.id = t.user_id ORDER BY 1", "");
  while (st == OK && db_next(&rows)) {
    struct sealed_row row = {.tenant_id = db_int(&rows, 0), .id = db_int(&rows, 1), .version = db_int(&rows, 2), .is_seed = db_int(&rows, 3), .field = db_text(&rows, 4)};
    row.sealed = db_blob(&rows, 5, &row.len);
    if (!fn(arg, &row)) break;
  }
  return db_end(&rows, st, err);
}

static void read_account(const struct db_rows *rows, struct account_row *out) {
  *out = (struct account_row){.id = db_int(rows, 0), .tenant_id = db_int(rows, 1), .created_ns = db_int(rows, 4),
    .revision = db_int(rows, 5)};
  row_text(rows, 6, out->settings, sizeof out->settings);
  row_text(rows, 2, out->venue, sizeof out->venue);
  row_text(rows, 3, out->name, sizeof out->name);
}

enum status account_insert(struct db *db, const struct account_row *row, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO accounts (id, tenant_id, venue, name, created_ns, settings) VALUES (?, ?, ?, ?, ?, ?)", "iittit",
    row->id, row->tenant_id, row->venue, row->name, row->created_ns, row->settings[0] ? row->settings : "{}");
}

enum status account_get(struct db *db, int64_t tenant_id, int64_t id, struct account_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT id, tenant_id, venue, name, created_ns, revision, settings FROM accounts WHERE id = ? AND tenant_id = ? AND deleted_ns IS NULL",
    "ii", id, tenant_id);
  bool found = st == OK && db_next(&rows);
  if (found) read_account(&rows, ret);
  return row_end(&rows, st, found, err);
}

enum status account_list(struct db *db, int64_t tenant_id, int64_t before, int limit,
  bool (*fn)(void *arg, const struct account_row *row), void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT id, tenant_id, venue, name, created_ns, revision, settings FROM accounts WHERE tenant_id = ? AND id < ? "
    "AND deleted_ns IS NULL ORDER BY id DESC LIMIT ?",
    "iii", tenant_id, before, (int64_t)limit);
  struct account_row row;
  while (st == OK && db_next(&rows)) {
    read_account(&rows, &row);
    if (!fn(arg, &row)) break;
  }
  return db_end(&rows, st, err);
}

enum status account_count(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) {
  struct db_rows rows;
  *ret = 0;
  enum status st =
    db_query(db, &rows, err, "SELECT count(*) FROM accounts WHERE tenant_id = ? AND deleted_ns IS NULL AND venue <> '" ACCOUNT_PAPER "'", "i", tenant_id);
  if (st == OK && db_next(&rows)) *ret = db_int(&rows, 0);
  return db_end(&rows, st, err);
}

enum status account_count_paper(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) {
  struct db_rows rows;
  *ret = 0;
  enum status st =
    db_query(db, &rows, err, "SELECT count(*) FROM accounts WHERE tenant_id = ? AND deleted_ns IS NULL AND venue = '" ACCOUNT_PAPER "'", "i", tenant_id);
  if (st == OK && db_next(&rows)) *ret = db_int(&rows, 0);
  return db_end(&rows, st, err);
}

enum status account_venues(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) {
  struct db_rows rows;
  *ret = 0;
  enum status st = db_query(db, &rows, err,
    "SELECT count(DISTINCT venue) FROM accounts WHERE tenant_id = ? AND deleted_ns IS NULL AND venue <> '" ACCOUNT_PAPER "'", "i", tenant_id);
  if (st == OK && db_next(&rows)) *ret = db_int(&rows, 0);
  return db_end(&rows, st, err);
}

enum status account_has_venue(struct db *db, int64_t tenant_id, const char *venue, bool *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT 1 FROM accounts WHERE tenant_id = ? AND venue = ? AND deleted_ns IS NULL LIMIT 1", "it", tenant_id, venue);
  *ret = st == OK && db_next(&rows);
  return db_end(&rows, st, err);
}

enum status account_update(struct db *db, const struct account_row *row, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err,
    "UPDATE accounts SET name = ?, settings = ?, revision = revision + 1 WHERE id = ? AND tenant_id = ? AND deleted_ns IS NULL", "ttii",
    row->name, row->settings, row->id, row->tenant_id);
  return one(st, n);
}

enum status account_touch(struct db *db, int64_t tenant_id, int64_t id, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err,
    "UPDATE accounts SET revision = revision + 1 WHERE id = ? AND tenant_id = ? AND deleted_ns IS NULL", "ii", id, tenant_id);
  return one(st, n);
}

enum status account_delete(struct db *db, int64_t tenant_id, int64_t id, int64_t now_ns, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err,
    "UPDATE accounts SET deleted_ns = ? WHERE id = ? AND tenant_id = ? AND deleted_ns IS NULL", "iii", now_ns, id, tenant_id);
  st = one(st, n);
  return st == OK ? secret_clear(db, tenant_id, id, err) : st;
}

enum status secret_next_version(struct db *db, int64_t tenant_id, int64_t account_id, const char *field, int64_t *ret,
  struct err *err) {
  struct db_rows rows;
  *ret = 1;
  enum status st = db_query(db, &rows, err,
    "SELECT version + 1 FROM account_secrets WHERE tenant_id = ? AND account_id = ? AND field = ?", "iit", tenant_id, account_id,
    field);
  if (st == OK && db_next(&rows)) *ret = db_int(&rows, 0);
  return db_end(&rows, st, err);
}

enum status secret_put(struct db *db, int64_t tenant_id, int64_t account_id, const char *field, int64_t version,
  const uint8_t *sealed, size_t len, int64_t now_ns, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err,
    "INSERT INTO account_secrets (account_id, field, tenant_id, version, sealed, created_ns) "
    "SELECT id, ?2, tenant_id, ?3, ?4, ?5 FROM accounts WHERE id = ?1 AND tenant_id = ?6 AND deleted_ns IS NULL "
    "ON CONFLICT (account_id, field) DO UPDATE SET version = excluded.version, sealed = excluded.sealed, "
    "created_ns = excluded.created_ns",
    "itibii", account_id, field, version, sealed, len, now_ns, tenant_id);
  return one(st, n);
}

enum status secret_get(struct db *db, int64_t tenant_id, int64_t account_id, const char *field, int64_t *ret_version,
  uint8_t *ret_sealed, size_t cap, size_t *ret_len, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT version, sealed FROM account_secrets WHERE tenant_id = ? AND account_id = ? AND field = ?", "iit", tenant_id,
    account_id, field);
  bool found = st == OK && db_next(&rows), fits = true;
  if (found) {
    *ret_version = db_int(&rows, 0);
    const void *sealed = db_blob(&rows, 1, ret_len);
    fits = *ret_len <= cap;
    if (fits && *ret_len) memcpy(ret_sealed, sealed, *ret_len);
  }
  st = row_end(&rows, st, found, err);
  return st == OK && !fits ? err_set(err, ERR_RANGE, "a stored secret is longer than %zu bytes", cap) : st;
}

enum status secret_fields(struct db *db, int64_t tenant_id, int64_t account_id, bool (*fn)(void *arg, const char *field),
  void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT field FROM account_secrets WHERE tenant_id = ? AND account_id = ? ORDER BY field", "ii", tenant_id, account_id);
  while (st == OK && db_next(&rows)) {
    if (!fn(arg, db_text(&rows, 0))) break;
  }
  return db_end(&rows, st, err);
}

enum status secret_forget(struct db *db, int64_t tenant_id, int64_t account_id, const char *field, struct err *err) {
  return db_run(db, NULL, err, "DELETE FROM account_secrets WHERE tenant_id = ? AND account_id = ? AND field = ?", "iit", tenant_id, account_id, field);
}

enum status secret_clear(struct db *db, int64_t tenant_id, int64_t account_id, struct err *err) {
  return db_run(db, NULL, err, "DELETE FROM account_secrets WHERE tenant_id = ? AND account_id = ?", "ii", tenant_id, account_id);
}
