// store/user_rows.c – see user_rows.h.
#include "store/user_rows.h"
#include "store/row_text.h"

#define COLUMNS                                                                                                      \
  "id, tenant_id, email, name, password_hash, role, password_changed_ns, email_verified_ns, suspended_ns, "          \
  "erased_ns, created_ns, revision, suspend_reason, "                                                                \
  "EXISTS (SELECT 1 FROM totp WHERE user_id = users.id AND enabled_ns IS NOT NULL)"

static void read_user(const struct db_rows *rows, struct user_row *out) {
  *out = (struct user_row){.id = db_int(rows, 0), .tenant_id = db_int(rows, 1), .role = (int)db_int(rows, 5),
    .password_changed_ns = db_int(rows, 6), .email_verified_ns = db_int(rows, 7), .suspended_ns = db_int(rows, 8),
    .erased_ns = db_int(rows, 9), .created_ns = db_int(rows, 10), .revision = db_int(rows, 11), .totp = db_int(rows, 13)};
  row_text(rows, 2, out->email, sizeof out->email);
  row_text(rows, 3, out->name, sizeof out->name);
  row_text(rows, 4, out->password_hash, sizeof out->password_hash);
  row_text(rows, 12, out->suspend_reason, sizeof out->suspend_reason);
}

// Exactly one row changed, or ERR_NOTFOUND.
static enum status one(enum status st, int64_t changes) {
  return st == OK && changes == 0 ? ERR_NOTFOUND : st;
}

enum status user_get(struct db *db, int64_t id, struct user_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT " COLUMNS " FROM users WHERE id = ?", "i", id);
  bool found = st == OK && db_next(&rows);
  if (found) read_user(&rows, ret);
  return row_end(&rows, st, found, err);
}

enum status user_by_email(struct db *db, const char *email, struct user_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT " COLUMNS " FROM users WHERE email = ?", "t", email);
  bool found = st == OK && db_next(&rows);
  if (found) read_user(&rows, ret);
  return row_end(&rows, st, found, err);
}

enum status user_insert(struct db *db, const struct user_row *row, struct err *err) {
  enum status st = db_run(db, NULL, err, "INSERT INTO tenants (id, kind, name, created_ns) VALUES (?, 'personal', ?, ?)",
    "iti", row->tenant_id, row->name, row->created_ns);
  if (st == OK)
    st = db_run(db, NULL, err,
      "INSERT INTO users (id, tenant_id, email, name, password_hash, password_changed_ns, role, email_verified_ns, created_ns) "
      "VALUES (?, ?, ?, ?, nullif(?, ''), ?, ?, nullif(?, 0), ?)",
      "iitttiiii", row->id, row->tenant_id, row->email, row->name, row->password_hash, row->created_ns, (int64_t)row->role,
      row->email_verified_ns, row->created_ns);
  if (st == OK)
    st = db_run(db, NULL, err, "INSERT INTO members (tenant_id, user_id, role, since_ns) VALUES (?, ?, 3, ?)", "iii",
      row->tenant_id, row->id, row->created_ns);
  return st;
}

enum status user_set_name(struct db *db, int64_t id, const char *name, struct err *err) {
  int64_t n = 0;
  enum status st =
    db_run(db, &n, err, "UPDATE users SET name = ?, revision = revision + 1 WHERE id = ? AND erased_ns IS NULL", "ti", name, id);
  return one(st, n);
}

enum status user_set_password(struct db *db, int64_t id, const char *hash, int64_t now_ns, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err,
    "UPDATE users SET password_hash = ?, password_changed_ns = ?, revision = revision + 1 WHERE id = ? AND erased_ns IS NULL",
    "tii", hash, now_ns, id);
  return one(st, n);
}

enum status user_set_hash(struct db *db, int64_t id, const char *hash, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err, "UPDATE users SET password_hash = ? WHERE id = ? AND erased_ns IS NULL", "ti", hash, id);
  return one(st, n);
}

enum status user_set_role(struct db *db, int64_t id, int role, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err,
    "UPDATE users SET role = ?, revision = revision + 1 WHERE id = ? AND erased_ns IS NULL", "ii", (int64_t)role, id);
  return one(st, n);
}

enum status user_set_verified(struct db *db, int64_t id, int64_t now_ns, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err,
    "UPDATE users SET email_verified_ns = coalesce(email_verified_ns, ?), revision = revision + 1 "
    "WHERE id = ? AND erased_ns IS NULL",
    "ii", now_ns, id);
  return one(st, n);
}

enum status user_set_suspended(struct db *db, int64_t id, int64_t now_ns, const char *reason, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err,
    "UPDATE users SET suspended_ns = nullif(?, 0), suspend_reason = nullif(?, ''), revision = revision + 1 "
    "WHERE id = ? AND erased_ns IS NULL",
    "iti", now_ns, reason, id);
  return one(st, n);
}

enum status user_erase(struct db *db, int64_t id, int64_t now_ns, struct err *err) {
  static const char *const steps[] = {
    "DELETE FROM invitations WHERE email = (SELECT email FROM users WHERE id = ?)",
    "DELETE FROM audit_context WHERE audit_id IN (SELECT id FROM audit WHERE user_id = ?)",
    "DELETE FROM email_tokens WHERE user_id = ?",
    "DELETE FROM totp WHERE user_id = ?",
    "DELETE FROM recovery_codes WHERE user_id = ?",
    "DELETE FROM api_keys WHERE user_id = ?",
    "DELETE FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE user_id = ?)",
    "UPDATE sessions SET address = '', user_agent = '' WHERE user_id = ?",
    "DELETE FROM outbox WHERE user_id = ?",
    "DELETE FROM outbox WHERE recipient = (SELECT email FROM users WHERE id = ?)",
    "DELETE FROM members WHERE user_id = ?",
    "UPDATE tenants SET name = 'erased', revision = revision + 1 WHERE id = (SELECT tenant_id FROM users WHERE id = ?)",
  };
  enum status st = OK;
  for (size_t i = 0; st == OK && i < sizeof steps / sizeof *steps; i++) st = db_run(db, NULL, err, steps[i], "i", id);
  if (st == OK)
    st = db_run(db, NULL, err, "UPDATE sessions SET revoked_ns = coalesce(revoked_ns, ?) WHERE user_id = ?", "ii", now_ns, id);
  if (st == OK)
    st = db_run(db, NULL, err,
      "UPDATE tenants SET deleted_ns = ? WHERE id = (SELECT tenant_id FROM users WHERE id = ?)", "ii", now_ns, id);
  int64_t n = 0;
  if (st == OK)
    st = db_run(db, &n, err,
      "UPDATE users SET email = NULL, name = 'erased', password_hash = NULL, role = 0, suspend_reason = NULL, erased_ns = ?, "
      "revision = revision + 1 WHERE id = ? AND erased_ns IS NULL",
      "ii", now_ns, id);
  return one(st, n);
}

enum status user_count(struct db *db, int64_t *ret_all, int64_t *ret_super_admins, struct err *err) {
  struct db_rows rows;
  enum status st =
    db_query(db, &rows, err, "SELECT count(*), coalesce(sum(role = 3), 0) FROM users WHERE erased_ns IS NULL", "");
  *ret_all = *ret_super_admins = 0;
  if (st == OK && db_next(&rows)) {
    *ret_all = db_int(&rows, 0);
    *ret_super_admins = db_int(&rows, 1);
  }
  return db_end(&rows, st, err);
}

enum status user_search(struct db *db, const struct user_filter *f, int64_t before, int limit,
  bool (*fn)(void *arg, const struct user_row *row), void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT " COLUMNS " FROM users WHERE id < ?1 AND (?2 IS NULL OR instr(email, lower(?2)) OR instr(lower(name), lower(?2))) "
    "AND (?4 < 0 OR role = ?4) AND (?5 = 0 OR suspended_ns IS NOT NULL) ORDER BY id DESC LIMIT ?3",
    "itiii", before, f->text, (int64_t)limit, (int64_t)f->role, (int64_t)f->suspended);
  struct user_row row;
  while (st == OK && db_next(&rows)) {
    read_user(&rows, &row);
    if (!fn(arg, &row)) break;
  }
  return db_end(&rows, st, err);
}

enum status email_token_put(struct db *db, int64_t user_id, const char *purpose, const uint8_t hash[TOKEN_HASH_BYTES],
  int64_t now_ns, int64_t expires_ns, struct err *err) {
  enum status st = db_run(db, NULL, err, "DELETE FROM email_tokens WHERE user_id = ? AND purpose = ?", "it", user_id, purpose);
  if (st != OK) return st;
  return db_run(db, NULL, err,
    "INSERT INTO email_tokens (token_hash, user_id, purpose, created_ns, expires_ns) VALUES (?, ?, ?, ?, ?)", "bitii", hash,
    (size_t)TOKEN_HASH_BYTES, user_id, purpose, now_ns, expires_ns);
}

enum status email_token_peek(struct db *db, const char *purpose, const uint8_t hash[TOKEN_HASH_BYTES], int64_t now_ns,
  int64_t *ret_user_id, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT user_id FROM email_tokens WHERE token_hash = ? AND purpose = ? AND expires_ns > ?", "bti", hash,
    (size_t)TOKEN_HASH_BYTES, purpose, now_ns);
  bool found = st == OK && db_next(&rows);
  if (found) *ret_user_id = db_int(&rows, 0);
  return row_end(&rows, st, found, err);
}

enum status email_token_take(struct db *db, const char *purpose, const uint8_t hash[TOKEN_HASH_BYTES], int64_t now_ns,
  int64_t *ret_user_id, struct err *err) {
  enum status st = email_token_peek(db, purpose, hash, now_ns, ret_user_id, err);
  if (st != OK) return st;
  return db_run(db, NULL, err, "DELETE FROM email_tokens WHERE token_hash = ?", "b", hash, (size_t)TOKEN_HASH_BYTES);
}

enum status totp_get(struct db *db, int64_t user_id, struct totp_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT seed, enabled_ns, last_step FROM totp WHERE user_id = ?", "i", user_id);
  bool found = st == OK && db_next(&rows);
  if (found) {
    *ret = (struct totp_row){.enabled_ns = db_int(&rows, 1), .last_step = db_int(&rows, 2)};
    const void *sealed = db_blob(&rows, 0, &ret->sealed_len);
    if (ret->sealed_len > sizeof ret->sealed) ret->sealed_len = 0;  // does not open, then
    if (ret->sealed_len) memcpy(ret->sealed, sealed, ret->sealed_len);
  }
  return row_end(&rows, st, found, err);
}

enum status totp_put(struct db *db, int64_t user_id, const uint8_t *sealed, size_t len, int64_t now_ns, struct err *err) {
  assert(len <= TOTP_SEALED_MAX);
  enum status st = totp_delete(db, user_id, err);
  if (st != OK) return st;
  return db_run(db, NULL, err, "INSERT INTO totp (user_id, seed, created_ns) VALUES (?, ?, ?)", "ibi", user_id, sealed, len,
    now_ns);
}

enum status totp_reseal(struct db *db, int64_t user_id, const uint8_t *sealed, size_t len, struct err *err) {
  assert(len <= TOTP_SEALED_MAX);
  return db_run(db, NULL, err, "UPDATE totp SET seed = ? WHERE user_id = ?", "bi", sealed, len, user_id);
}

enum status totp_enable(struct db *db, int64_t user_id, int64_t now_ns, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err, "UPDATE totp SET enabled_ns = ? WHERE user_id = ? AND enabled_ns IS NULL", "ii", now_ns,
    user_id);
  return one(st, n);
}

enum status totp_step(struct db *db, int64_t user_id, int64_t step, struct err *err) {
  int64_t n = 0;
  enum status st =
    db_run(db, &n, err, "UPDATE totp SET last_step = ?1 WHERE user_id = ?2 AND last_step < ?1", "ii", step, user_id);
  return one(st, n);
}

enum status totp_delete(struct db *db, int64_t user_id, struct err *err) {
  enum status st = db_run(db, NULL, err, "DELETE FROM recovery_codes WHERE user_id = ?", "i", user_id);
  return st == OK ? db_run(db, NULL, err, "DELETE FROM totp WHERE user_id = ?", "i", user_id) : st;
}

enum status recovery_put(struct db *db, int64_t user_id, const uint8_t (*hashes)[TOKEN_HASH_BYTES], size_t count,
  struct err *err) {
  enum status st = db_run(db, NULL, err, "DELETE FROM recovery_codes WHERE user_id = ?", "i", user_id);
  for (size_t i = 0; st == OK && i < count; i++)
    st = db_run(db, NULL, err, "INSERT INTO recovery_codes (user_id, code_hash) VALUES (?, ?)", "ib", user_id, hashes[i],
      (size_t)TOKEN_HASH_BYTES);
  return st;
}

enum status recovery_take(struct db *db, int64_t user_id, const uint8_t hash[TOKEN_HASH_BYTES], struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err, "DELETE FROM recovery_codes WHERE user_id = ? AND code_hash = ?", "ib", user_id, hash,
    (size_t)TOKEN_HASH_BYTES);
  return one(st, n);
}
