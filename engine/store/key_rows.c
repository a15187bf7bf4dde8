// store/key_rows.c – see key_rows.h.
#include "store/key_rows.h"
#include "store/row_text.h"

#define COLUMNS "id, tenant_id, user_id, name, hint, scopes, networks, mfa, created_ns, expires_ns, last_used_ns"

static void read_key(const struct db_rows *rows, struct key_row *out) {
  *out = (struct key_row){.id = db_int(rows, 0), .tenant_id = db_int(rows, 1), .user_id = db_int(rows, 2),
    .scopes = (unsigned)db_int(rows, 5), .mfa = db_int(rows, 7), .created_ns = db_int(rows, 8), .expires_ns = db_int(rows, 9),
    .last_used_ns = db_int(rows, 10)};
  row_text(rows, 3, out->name, sizeof out->name);
  row_text(rows, 4, out->hint, sizeof out->hint);
  row_text(rows, 6, out->networks, sizeof out->networks);
}

enum status key_insert(struct db *db, const struct key_row *row, const uint8_t hash[TOKEN_HASH_BYTES], struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO api_keys (id, tenant_id, user_id, name, hint, key_hash, scopes, networks, mfa, created_ns, expires_ns) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0))",
    "iiittbitiii", row->id, row->tenant_id, row->user_id, row->name, row->hint, hash, (size_t)TOKEN_HASH_BYTES,
    (int64_t)row->scopes, row->networks, (int64_t)row->mfa, row->created_ns, row->expires_ns);
}

enum status key_by_hash(struct db *db, const uint8_t hash[TOKEN_HASH_BYTES], int64_t now_ns, struct key_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT " COLUMNS " FROM api_keys WHERE key_hash = ? AND revoked_ns IS NULL AND (expires_ns IS NULL OR expires_ns > ?)",
    "bi", hash, (size_t)TOKEN_HASH_BYTES, now_ns);
  bool found = st == OK && db_next(&rows);
  if (found) read_key(&rows, ret);
  return row_end(&rows, st, found, err);
}

enum status key_list(struct db *db, int64_t user_id, int64_t before, int limit, bool (*fn)(void *arg, const struct key_row *row),
  void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT " COLUMNS " FROM api_keys WHERE user_id = ? AND id < ? AND revoked_ns IS NULL ORDER BY id DESC LIMIT ?", "iii",
    user_id, before, (int64_t)limit);
  struct key_row row;
  while (st == OK && db_next(&rows)) {
    read_key(&rows, &row);
    if (!fn(arg, &row)) break;
  }
  return db_end(&rows, st, err);
}

enum status key_count(struct db *db, int64_t user_id, int64_t *ret, struct err *err) {
  struct db_rows rows;
  *ret = 0;
  enum status st =
    db_query(db, &rows, err, "SELECT count(*) FROM api_keys WHERE user_id = ? AND revoked_ns IS NULL", "i", user_id);
  if (st == OK && db_next(&rows)) *ret = db_int(&rows, 0);
  return db_end(&rows, st, err);
}

enum status key_revoke(struct db *db, int64_t user_id, int64_t id, int64_t now_ns, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err, "UPDATE api_keys SET revoked_ns = ? WHERE id = ? AND user_id = ? AND revoked_ns IS NULL",
    "iii", now_ns, id, user_id);
  return st == OK && n == 0 ? ERR_NOTFOUND : st;
}

enum status key_revoke_all(struct db *db, int64_t user_id, int64_t tenant_id, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err,
    "UPDATE api_keys SET revoked_ns = ?1 WHERE user_id = ?2 AND (?3 = 0 OR tenant_id = ?3) AND revoked_ns IS NULL", "iii",
    now_ns, user_id, tenant_id);
}

enum status key_used(struct db *db, int64_t id, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err, "UPDATE api_keys SET last_used_ns = ? WHERE id = ?", "ii", now_ns, id);
}
