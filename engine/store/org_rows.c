// store/org_rows.c – see org_rows.h.
#include "store/org_rows.h"
#include "store/row_text.h"

static enum status one(enum status st, int64_t changes) {
  return st == OK && changes == 0 ? ERR_NOTFOUND : st;
}

static void read_tenant(const struct db_rows *rows, struct tenant_row *out) {
  *out = (struct tenant_row){.id = db_int(rows, 0), .personal = !strcmp(db_text(rows, 1), "personal"),
    .created_ns = db_int(rows, 3), .deleted_ns = db_int(rows, 4), .revision = db_int(rows, 5)};
  row_text(rows, 2, out->name, sizeof out->name);
}

enum status tenant_get(struct db *db, int64_t tenant_id, struct tenant_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT id, kind, name, created_ns, deleted_ns, revision FROM tenants WHERE id = ?", "i", tenant_id);
  bool found = st == OK && db_next(&rows);
  if (found) read_tenant(&rows, ret);
  return row_end(&rows, st, found, err);
}

enum status org_insert(struct db *db, int64_t tenant_id, const char *name, int64_t owner_id, int64_t now_ns, struct err *err) {
  enum status st = db_run(db, NULL, err, "INSERT INTO tenants (id, kind, name, created_ns) VALUES (?, 'organisation', ?, ?)",
    "iti", tenant_id, name, now_ns);
  return st == OK ? member_insert(db, tenant_id, owner_id, 3, now_ns, err) : st;
}

enum status org_set_name(struct db *db, int64_t tenant_id, const char *name, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err, "UPDATE tenants SET name = ?, revision = revision + 1 WHERE id = ? AND deleted_ns IS NULL",
    "ti", name, tenant_id);
  return one(st, n);
}

enum status org_list(struct db *db, int64_t user_id, int64_t after, int limit,
  bool (*fn)(void *arg, const struct tenant_row *row, int role), void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT t.id, t.kind, t.name, t.created_ns, t.deleted_ns, t.revision, m.role FROM members m JOIN tenants t "
    "ON t.id = m.tenant_id WHERE m.user_id = ? AND t.id > ? AND t.deleted_ns IS NULL ORDER BY t.id LIMIT ?",
    "iii", user_id, after, (int64_t)limit);
  struct tenant_row row;
  while (st == OK && db_next(&rows)) {
    read_tenant(&rows, &row);
    if (!fn(arg, &row, (int)db_int(&rows, 6))) break;
  }
  return db_end(&rows, st, err);
}

enum status standing_get(struct db *db, int64_t user_id, int64_t tenant_id, struct standing *ret, struct err *err) {
  struct db_rows rows;
  *ret = (struct standing){0};
  enum status st = db_query(db, &rows, err,
    "SELECT u.role, coalesce(m.role, 0), u.suspended_ns IS NULL AND u.erased_ns IS NULL AND t.deleted_ns IS NULL, "
    "EXISTS (SELECT 1 FROM totp WHERE user_id = u.id AND enabled_ns IS NOT NULL) "
    "FROM users u JOIN tenants t ON t.id = ?2 LEFT JOIN members m ON m.tenant_id = ?2 AND m.user_id = u.id WHERE u.id = ?1",
    "ii", user_id, tenant_id);
  bool found = st == OK && db_next(&rows);
  if (found)
    *ret = (struct standing){.role = (int)db_int(&rows, 0), .member_role = (int)db_int(&rows, 1), .active = db_int(&rows, 2),
      .totp = db_int(&rows, 3)};
  return row_end(&rows, st, found, err);
}

static void read_member(const struct db_rows *rows, struct member_row *out) {
  *out = (struct member_row){.tenant_id = db_int(rows, 0), .user_id = db_int(rows, 1), .role = (int)db_int(rows, 2),
    .since_ns = db_int(rows, 3)};
  row_text(rows, 4, out->email, sizeof out->email);
  row_text(rows, 5, out->name, sizeof out->name);
}

enum status member_get(struct db *db, int64_t tenant_id, int64_t user_id, struct member_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT m.tenant_id, m.user_id, m.role, m.since_ns, u.email, u.name FROM members m JOIN users u ON u.id = m.user_id "
    "WHERE m.tenant_id = ? AND m.user_id = ?",
    "ii", tenant_id, user_id);
  bool found = st == OK && db_next(&rows);
  if (found) read_member(&rows, ret);
  return row_end(&rows, st, found, err);
}

enum status member_list(struct db *db, int64_t tenant_id, int64_t after_user, int limit,
  bool (*fn)(void *arg, const struct member_row *row), void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT m.tenant_id, m.user_id, m.role, m.since_ns, u.email, u.name FROM members m JOIN users u ON u.id = m.user_id "
    "WHERE m.tenant_id = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?",
    "iii", tenant_id, after_user, (int64_t)limit);
  struct member_row row;
  while (st == OK && db_next(&rows)) {
    read_member(&rows, &row);
    if (!fn(arg, &row)) break;
  }
  return db_end(&rows, st, err);
}

enum status member_insert(struct db *db, int64_t tenant_id, int64_t user_id, int role, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO members (tenant_id, user_id, role, since_ns) VALUES (?, ?, ?, ?)", "iiii",
    tenant_id, user_id, (int64_t)role, now_ns);
}

enum status member_set_role(struct db *db, int64_t tenant_id, int64_t user_id, int role, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err, "UPDATE members SET role = ? WHERE tenant_id = ? AND user_id = ?", "iii", (int64_t)role,
    tenant_id, user_id);
  return one(st, n);
}

enum status member_delete(struct db *db, int64_t tenant_id, int64_t user_id, struct err *err) {
  int64_t n = 0;
  enum status st =
    db_run(db, &n, err, "DELETE FROM members WHERE tenant_id = ? AND user_id = ?", "ii", tenant_id, user_id);
  return one(st, n);
}

enum status member_count(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) {
  struct db_rows rows;
  *ret = 0;
  enum status st = db_query(db, &rows, err, "SELECT count(*) FROM members WHERE tenant_id = ?", "i", tenant_id);
  if (st == OK && db_next(&rows)) *ret = db_int(&rows, 0);
  return db_end(&rows, st, err);
}

enum status member_count_owners(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) {
  struct db_rows rows;
  *ret = 0;
  enum status st = db_query(db, &rows, err, "SELECT count(*) FROM members WHERE tenant_id = ? AND role = 3", "i", tenant_id);
  if (st == OK && db_next(&rows)) *ret = db_int(&rows, 0);
  return db_end(&rows, st, err);
}

enum status member_sole_owner_of(struct db *db, int64_t user_id, int64_t *ret_count, struct err *err) {
  struct db_rows rows;
  *ret_count = 0;
  enum status st = db_query(db, &rows, err,
    "SELECT count(*) FROM members mine WHERE mine.user_id = ?1 AND mine.role = 3 "
    "AND EXISTS (SELECT 1 FROM members m WHERE m.tenant_id = mine.tenant_id AND m.user_id <> ?1) "
    "AND NOT EXISTS (SELECT 1 FROM members m WHERE m.tenant_id = mine.tenant_id AND m.user_id <> ?1 AND m.role = 3)",
    "i", user_id);
  if (st == OK && db_next(&rows)) *ret_count = db_int(&rows, 0);
  return db_end(&rows, st, err);
}

static void read_invitation(const struct db_rows *rows, struct invitation_row *out) {
  *out = (struct invitation_row){.id = db_int(rows, 0), .tenant_id = db_int(rows, 1), .role = (int)db_int(rows, 3),
    .invited_by = db_int(rows, 4), .created_ns = db_int(rows, 5), .expires_ns = db_int(rows, 6)};
  row_text(rows, 2, out->email, sizeof out->email);
}

enum status invitation_insert(struct db *db, const struct invitation_row *row, const uint8_t hash[TOKEN_HASH_BYTES],
  struct err *err) {
  enum status st =
    db_run(db, NULL, err, "DELETE FROM invitations WHERE tenant_id = ? AND email = ?", "it", row->tenant_id, row->email);
  if (st != OK) return st;
  return db_run(db, NULL, err,
    "INSERT INTO invitations (id, tenant_id, email, role, token_hash, invited_by, created_ns, expires_ns) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "iitibiii", row->id, row->tenant_id, row->email, (int64_t)row->role, hash, (size_t)TOKEN_HASH_BYTES, row->invited_by,
    row->created_ns, row->expires_ns);
}

enum status invitation_list(struct db *db, int64_t tenant_id, int64_t after, int limit, int64_t now_ns,
  bool (*fn)(void *arg, const struct invitation_row *row), void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT id, tenant_id, email, role, invited_by, created_ns, expires_ns FROM invitations "
    "WHERE tenant_id = ? AND id > ? AND expires_ns > ? ORDER BY id LIMIT ?",
    "iiii", tenant_id, after, now_ns, (int64_t)limit);
  struct invitation_row row;
  while (st == OK && db_next(&rows)) {
    read_invitation(&rows, &row);
    if (!fn(arg, &row)) break;
  }
  return db_end(&rows, st, err);
}

enum status invitation_by_hash(struct db *db, const uint8_t hash[TOKEN_HASH_BYTES], int64_t now_ns, struct invitation_row *ret,
  struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT id, tenant_id, email, role, invited_by, created_ns, expires_ns FROM invitations "
    "WHERE token_hash = ? AND expires_ns > ?",
    "bi", hash, (size_t)TOKEN_HASH_BYTES, now_ns);
  bool found = st == OK && db_next(&rows);
  if (found) read_invitation(&rows, ret);
  return row_end(&rows, st, found, err);
}

enum status invitation_delete(struct db *db, int64_t tenant_id, int64_t id, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, &n, err, "DELETE FROM invitations WHERE tenant_id = ? AND id = ?", "ii", tenant_id, id);
  return one(st, n);
}

enum status plan_override_put(struct db *db, int64_t tenant_id, const struct plan_override_row *row, struct err *err) {
  enum status st = db_run(db, NULL, err, "DELETE FROM plan_overrides WHERE tenant_id = ?", "i", tenant_id);
  if (st != OK || !*row->tier) return st;
  return db_run(db, NULL, err,
    "INSERT INTO plan_overrides (tenant_id, tier, until_ns, reason, given_by, created_ns) VALUES (?, ?, nullif(?, 0), ?, ?, ?)",
    "ititii", tenant_id, row->tier, row->until_ns, row->reason, row->given_by, row->created_ns);
}

enum status plan_override_get(struct db *db, int64_t tenant_id, int64_t now_ns, struct plan_override_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT tier, until_ns, reason, given_by, created_ns FROM plan_overrides "
    "WHERE tenant_id = ? AND (until_ns IS NULL OR until_ns > ?)",
    "ii", tenant_id, now_ns);
  bool found = st == OK && db_next(&rows);
  if (found) {
    *ret = (struct plan_override_row){.until_ns = db_int(&rows, 1), .given_by = db_int(&rows, 3), .created_ns = db_int(&rows, 4)};
    row_text(&rows, 0, ret->tier, sizeof ret->tier);
    row_text(&rows, 2, ret->reason, sizeof ret->reason);
  }
  return row_end(&rows, st, found, err);
}
