// store/session_rows.c – see session_rows.h.
#include "store/session_rows.h"
#include "store/row_text.h"

#define COLUMNS \
  "id, user_id, tenant_id, coalesce(actor_id, 0), mfa, address, user_agent, created_ns, last_used_ns, expires_ns, revoked_ns"

static void read_session(const struct db_rows *rows, struct session_row *out) {
  *out = (struct session_row){.id = db_int(rows, 0), .user_id = db_int(rows, 1), .tenant_id = db_int(rows, 2),
    .actor_id = db_int(rows, 3), .mfa = db_int(rows, 4), .created_ns = db_int(rows, 7), .last_used_ns = db_int(rows, 8),
    .expires_ns = db_int(rows, 9), .revoked_ns = db_int(rows, 10)};
  row_text(rows, 5, out->address, sizeof out->address);
  row_text(rows, 6, out->user_agent, sizeof out->user_agent);
}

enum status session_insert(struct db *db, const struct session_row *row, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO sessions (id, user_id, tenant_id, actor_id, mfa, address, user_agent, created_ns, last_used_ns, expires_ns) "
    "VALUES (?, ?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?)",
    "iiiiittiii", row->id, row->user_id, row->tenant_id, row->actor_id, (int64_t)row->mfa, row->address, row->user_agent,
    row->created_ns, row->last_used_ns, row->expires_ns);
}

enum status session_get(struct db *db, int64_t user_id, int64_t id, struct session_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT " COLUMNS " FROM sessions WHERE id = ? AND user_id = ?", "ii", id, user_id);
  bool found = st == OK && db_next(&rows);
  if (found) read_session(&rows, ret);
  return row_end(&rows, st, found, err);
}

enum status session_seen(struct db *db, int64_t user_id, const char *address, int64_t *ret_all, int64_t *ret_there, struct err *err) {
  struct db_rows rows;
  *ret_all = *ret_there = 0;
  enum status st = db_query(db, &rows, err, "SELECT count(*), count(*) FILTER (WHERE address = ?2) FROM sessions WHERE user_id = ?1 AND actor_id IS NULL", "it", user_id, address);
  if (st == OK && db_next(&rows)) *ret_all = db_int(&rows, 0), *ret_there = db_int(&rows, 1);
  return db_end(&rows, st, err);
}

enum status session_touch(struct db *db, int64_t user_id, int64_t id, int64_t tenant_id, int64_t now_ns, int64_t expires_ns,
  struct err *err) {
  return db_run(db, NULL, err,
    "UPDATE sessions SET last_used_ns = ?, expires_ns = ?, tenant_id = ? WHERE id = ? AND user_id = ?", "iiiii", now_ns,
    expires_ns, tenant_id, id, user_id);
}

enum status session_revoke(struct db *db, int64_t user_id, int64_t id, int64_t now_ns, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err,
    "UPDATE sessions SET revoked_ns = ?1 WHERE id = ?2 AND user_id = ?3 AND revoked_ns IS NULL AND expires_ns > ?1", "iii",
    now_ns, id, user_id);
  if (st == OK && n) st = db_run(db, NULL, err, "UPDATE refresh_tokens SET successor = NULL WHERE session_id = ?", "i", id);
  return st == OK && n == 0 ? ERR_NOTFOUND : st;
}

enum status session_list(struct db *db, int64_t user_id, int64_t before, int limit, int64_t now_ns,
  bool (*fn)(void *arg, const struct session_row *row), void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT " COLUMNS " FROM sessions WHERE user_id = ? AND id < ? AND revoked_ns IS NULL AND expires_ns > ? "
    "ORDER BY id DESC LIMIT ?",
    "iiii", user_id, before, now_ns, (int64_t)limit);
  struct session_row row;
  while (st == OK && db_next(&rows)) {
    read_session(&rows, &row);
    if (!fn(arg, &row)) break;
  }
  return db_end(&rows, st, err);
}

enum status session_revoked_since(struct db *db, int64_t since_ns, void (*fn)(void *arg, int64_t id, int64_t revoked_ns),
  void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT id, revoked_ns FROM sessions WHERE revoked_ns > ?", "i", since_ns);
  while (st == OK && db_next(&rows)) fn(arg, db_int(&rows, 0), db_int(&rows, 1));
  return db_end(&rows, st, err);
}

enum status session_sweep(struct db *db, int64_t before_ns, struct err *err) {
  static const char *const steps[] = {
    "DELETE FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE expires_ns < ?1 OR revoked_ns < ?1)",
    "DELETE FROM sessions WHERE expires_ns < ?1 OR revoked_ns < ?1",
    "DELETE FROM email_tokens WHERE expires_ns < ?1",
    "DELETE FROM invitations WHERE expires_ns < ?1",
  };
  enum status st = OK;
  for (size_t i = 0; st == OK && i < sizeof steps / sizeof *steps; i++) st = db_run(db, NULL, err, steps[i], "i", before_ns);
  return st;
}

enum status refresh_get(struct db *db, const uint8_t hash[TOKEN_HASH_BYTES], struct refresh_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT t.session_id, s.user_id, t.expires_ns, t.used_ns, t.successor, t.successor IS NOT NULL "
    "FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE t.token_hash = ?",
    "b", hash, (size_t)TOKEN_HASH_BYTES);
  bool found = st == OK && db_next(&rows);
  if (found) {
    *ret = (struct refresh_row){.session_id = db_int(&rows, 0), .user_id = db_int(&rows, 1), .expires_ns = db_int(&rows, 2),
      .used_ns = db_int(&rows, 3), .is_previous = db_int(&rows, 5)};
    const void *successor = db_blob(&rows, 4, &ret->successor_len);
    if (ret->successor_len > sizeof ret->successor) ret->successor_len = 0;
    if (ret->successor_len) memcpy(ret->successor, successor, ret->successor_len);
  }
  return row_end(&rows, st, found, err);
}

enum status refresh_insert(struct db *db, const uint8_t hash[TOKEN_HASH_BYTES], int64_t session_id, int64_t now_ns,
  int64_t expires_ns, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO refresh_tokens (token_hash, session_id, created_ns, expires_ns) VALUES (?, ?, ?, ?)", "biii", hash,
    (size_t)TOKEN_HASH_BYTES, session_id, now_ns, expires_ns);
}

enum status refresh_spend(struct db *db, const uint8_t hash[TOKEN_HASH_BYTES], int64_t session_id, int64_t now_ns,
  const uint8_t *successor, size_t successor_len, struct err *err) {
  assert(successor_len <= SUCCESSOR_MAX);
  enum status st =
    db_run(db, NULL, err, "UPDATE refresh_tokens SET successor = NULL WHERE session_id = ? AND successor IS NOT NULL", "i", session_id);
  if (st != OK) return st;
  return db_run(db, NULL, err, "UPDATE refresh_tokens SET used_ns = ?, successor = ? WHERE token_hash = ?", "ibb", now_ns,
    successor, successor_len, hash, (size_t)TOKEN_HASH_BYTES);
}
