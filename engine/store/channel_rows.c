// store/channel_rows.c – see channel_rows.h.
#include "store/channel_rows.h"

#include "store/row_text.h"

#include <stdlib.h>

#define COLUMNS "id, tenant_id, kind, own, name, shown, address, sign_key, sign_key_before, before_until_ns, state, reason, code_hash, code_expires_ns, code_tries, failing_ns, sent_ns, last_error, created_ns, updated_ns, revision"

static size_t take_blob(const struct db_rows *r, int column, uint8_t *to, size_t size) {
  size_t len = 0;
  const void *blob = db_null(r, column) ? NULL : db_blob(r, column, &len);
  if (!blob || len > size) return 0;
  memcpy(to, blob, len);
  return len;
}

static void read_row(const struct db_rows *r, struct channel_row *c) {
  *c = (struct channel_row){.id = db_int(r, 0), .tenant_id = db_int(r, 1), .own = db_int(r, 3) != 0, .before_until_ns = db_int(r, 9), .code_expires_ns = db_int(r, 13), .code_tries = db_int(r, 14),
    .failing_ns = db_int(r, 15), .sent_ns = db_int(r, 16), .created_ns = db_int(r, 18), .updated_ns = db_int(r, 19), .revision = db_int(r, 20)};
  row_text(r, 2, c->kind, sizeof c->kind);
  row_text(r, 4, c->name, sizeof c->name);
  row_text(r, 5, c->shown, sizeof c->shown);
  c->address_len = take_blob(r, 6, c->address, sizeof c->address);
  c->sign_key_len = take_blob(r, 7, c->sign_key, sizeof c->sign_key);
  c->sign_key_before_len = take_blob(r, 8, c->sign_key_before, sizeof c->sign_key_before);
  row_text(r, 10, c->state, sizeof c->state);
  row_text(r, 11, c->reason, sizeof c->reason);
  c->has_code = take_blob(r, 12, c->code_hash, sizeof c->code_hash) == sizeof c->code_hash;
  row_text(r, 17, c->last_error, sizeof c->last_error);
}

static enum status one_row(struct db_rows *r, enum status st, struct channel_row *ret, struct err *err) {
  const bool found = st == OK && db_next(r);
  if (found) read_row(r, ret);
  return row_end(r, st, found, err);
}
static enum status changed(enum status st, int64_t n) { return st == OK && n == 0 ? ERR_NOTFOUND : st; }

enum status channel_insert(struct db *db, const struct channel_row *c, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO notice_channels (id, tenant_id, kind, own, name, shown, address, sign_key, state, code_hash, code_expires_ns, created_ns, updated_ns)"
    " VALUES (?, ?, ?, ?, ?, ?, iif(?7 = x'', NULL, ?7), iif(?8 = x'', NULL, ?8), ?, iif(?10 = x'', NULL, ?10), ?, ?, ?)",
    "iititt" "bbtbiii", c->id, c->tenant_id, c->kind, (int64_t)c->own, c->name, c->shown, c->address, c->address_len, c->sign_key, c->sign_key_len, c->state, c->code_hash,
    c->has_code ? sizeof c->code_hash : (size_t)0, c->code_expires_ns, c->created_ns, c->updated_ns);
}

enum status channel_get(struct db *db, int64_t tenant_id, int64_t id, struct channel_row *ret, struct err *err) {
  struct db_rows r;
  return one_row(&r, db_query(db, &r, err, "SELECT " COLUMNS " FROM notice_channels WHERE id = ? AND tenant_id = ?", "ii", id, tenant_id), ret, err);
}

enum status channel_find(struct db *db, int64_t id, struct channel_row *ret, struct err *err) {
  struct db_rows r;
  return one_row(&r, db_query(db, &r, err, "SELECT " COLUMNS " FROM notice_channels WHERE id = ?", "i", id), ret, err);
}

enum status channel_update(struct db *db, const struct channel_row *c, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err,
    "UPDATE notice_channels SET name = ?, shown = ?, address = iif(?3 = x'', NULL, ?3), sign_key = iif(?4 = x'', NULL, ?4), sign_key_before = iif(?5 = x'', NULL, ?5), before_until_ns = ?, state = ?, reason = ?,"
    " code_hash = iif(?9 = x'', NULL, ?9), code_expires_ns = ?, code_tries = ?, failing_ns = ?, last_error = ?, updated_ns = ?, revision = revision + 1 WHERE id = ? AND tenant_id = ?",
    "ttbbbittbiiitiii", c->name, c->shown, c->address, c->address_len, c->sign_key, c->sign_key_len, c->sign_key_before, c->sign_key_before_len, c->before_until_ns, c->state, c->reason, c->code_hash,
    c->has_code ? sizeof c->code_hash : (size_t)0, c->code_expires_ns, c->code_tries, c->failing_ns, c->last_error, c->updated_ns, c->id, c->tenant_id);
  return changed(st, n);
}

enum status channel_delete(struct db *db, int64_t tenant_id, int64_t id, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err, "DELETE FROM notice_channels WHERE id = ? AND tenant_id = ? AND NOT own", "ii", id, tenant_id);
  return changed(st, n);
}

enum status channel_count(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT count(*) FROM notice_channels WHERE tenant_id = ?", "i", tenant_id);
  if (st == OK && db_next(&r)) *ret = db_int(&r, 0);
  return db_end(&r, st, err);
}

enum status channel_list(struct db *db, int64_t tenant_id, int64_t before_id, int limit, channel_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  struct channel_row c;
  enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM notice_channels WHERE tenant_id = ? AND id < ? ORDER BY id DESC LIMIT ?", "iii", tenant_id, before_id, (int64_t)limit);
  while (st == OK && db_next(&r)) {
    read_row(&r, &c);
    if (!fn(arg, &c)) break;
  }
  return db_end(&r, st, err);
}

enum status channel_walk(struct db *db, channel_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  struct channel_row c;
  enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM notice_channels WHERE address IS NOT NULL ORDER BY id", "");
  while (st == OK && db_next(&r)) {
    read_row(&r, &c);
    if (!fn(arg, &c)) break;
  }
  return db_end(&r, st, err);
}

enum status channel_forget(struct db *db, int64_t id, const char *reason, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err, "UPDATE notice_channels SET address = NULL, sign_key = NULL, sign_key_before = NULL, code_hash = NULL, state = 'disabled', reason = ?, updated_ns = ?, revision = revision + 1 WHERE id = ?",
    "tii", reason, now_ns, id);
}

enum status channel_own(struct db *db, int64_t tenant_id, int64_t id, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO notice_channels (id, tenant_id, kind, own, name, shown, state, created_ns, updated_ns) SELECT ?2, id, 'mail', 1, 'Mail to the owner', 'the owner''s mail address', 'active', ?3, ?3 FROM tenants WHERE id = ?1"
    " ON CONFLICT DO NOTHING",
    "iii", tenant_id, id, now_ns);
}

enum status channel_own_addresses(struct db *db, int64_t tenant_id, int limit, bool (*fn)(void *arg, int64_t user_id, const char *email), void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT u.id, u.email FROM members m JOIN users u ON u.id = m.user_id WHERE m.tenant_id = ? AND m.role = 3 AND u.email_verified_ns IS NOT NULL AND u.erased_ns IS NULL AND u.email IS NOT NULL ORDER BY m.since_ns, u.id LIMIT ?",
    "ii", tenant_id, (int64_t)limit);
  while (st == OK && db_next(&r))
    if (!fn(arg, db_int(&r, 0), db_text(&r, 1))) break;
  return db_end(&r, st, err);
}

enum status channel_worked(struct db *db, int64_t id, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err, "UPDATE notice_channels SET failing_ns = 0, sent_ns = ?, last_error = '' WHERE id = ?", "ii", now_ns, id);
}

enum status channel_failed(struct db *db, int64_t id, const char *error, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err, "UPDATE notice_channels SET failing_ns = iif(failing_ns = 0, ?, failing_ns), last_error = ? WHERE id = ?", "iti", now_ns, error, id);
}

enum status channel_disable(struct db *db, int64_t id, const char *reason, int64_t now_ns, bool *ret, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err, "UPDATE notice_channels SET state = 'disabled', reason = ?, updated_ns = ?, revision = revision + 1 WHERE id = ? AND state = 'active' AND NOT own", "tii", reason, now_ns, id);
  *ret = st == OK && n > 0;
  return st;
}

// ---- preferences

enum status preferences_get(struct db *db, int64_t tenant_id, char **ret_text, int64_t *ret_revision, struct err *err) {
  struct db_rows r;
  char *text = NULL;
  *ret_revision = 0;
  enum status st = db_query(db, &r, err, "SELECT preferences, revision FROM notice_preferences WHERE tenant_id = ?", "i", tenant_id);
  if (st == OK && db_next(&r)) {
    text = strdup(db_text(&r, 0));
    *ret_revision = db_int(&r, 1);
    if (!text) st = err_set(err, ERR_NOMEM, "out of memory");
  }
  st = db_end(&r, st, err);
  if (st == OK && !text && !(text = strdup("{}"))) st = err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) *ret_text = text;
  else free(text);
  return st;
}

enum status preferences_put(struct db *db, int64_t tenant_id, const char *text, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO notice_preferences (tenant_id, preferences, updated_ns) VALUES (?1, ?2, ?3) ON CONFLICT (tenant_id) DO UPDATE SET preferences = ?2, revision = revision + 1, updated_ns = ?3", "iti", tenant_id, text, now_ns);
}
