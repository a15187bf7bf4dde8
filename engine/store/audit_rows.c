// store/audit_rows.c – see audit_rows.h.
#include "store/audit_rows.h"
#include "store/id.h"
#include "store/row_text.h"

#define COLUMNS "a.id, a.tenant_id, a.seq, a.at_ns, a.user_id, a.actor_id, a.action, a.object, a.detail, a.hash"

static void read_audit(const struct db_rows *rows, struct audit_row *out) {
  *out = (struct audit_row){.id = db_int(rows, 0), .tenant_id = db_int(rows, 1), .seq = db_int(rows, 2), .at_ns = db_int(rows, 3),
    .user_id = db_int(rows, 4), .actor_id = db_int(rows, 5)};
  row_text(rows, 6, out->action, sizeof out->action);
  row_text(rows, 7, out->object, sizeof out->object);
  row_text(rows, 8, out->detail, sizeof out->detail);
  row_blob(rows, 9, out->hash, sizeof out->hash);
}

enum status audit_head(struct db *db, int64_t tenant_id, int64_t *ret_seq, uint8_t ret_hash[AUDIT_HASH_BYTES], struct err *err) {
  struct db_rows rows;
  *ret_seq = 0;
  memset(ret_hash, 0, AUDIT_HASH_BYTES);
  enum status st =
    db_query(db, &rows, err, "SELECT seq, hash FROM audit WHERE tenant_id = ? ORDER BY seq DESC LIMIT 1", "i", tenant_id);
  if (st == OK && db_next(&rows)) {
    *ret_seq = db_int(&rows, 0);
    row_blob(&rows, 1, ret_hash, AUDIT_HASH_BYTES);
  }
  return db_end(&rows, st, err);
}

enum status audit_insert(struct db *db, const struct audit_row *row, const char *address, const char *user_agent,
  struct err *err) {
  enum status st = db_run(db, NULL, err,
    "INSERT INTO audit (id, tenant_id, seq, at_ns, user_id, actor_id, action, object, detail, hash) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "iiiiiitttb", row->id, row->tenant_id, row->seq, row->at_ns, row->user_id, row->actor_id, row->action, row->object,
    row->detail, row->hash, (size_t)AUDIT_HASH_BYTES);
  if (st != OK || (!*address && !*user_agent)) return st;
  return db_run(db, NULL, err, "INSERT INTO audit_context (audit_id, address, user_agent) VALUES (?, ?, ?)", "itt", row->id,
    address, user_agent);
}

enum status audit_walk(struct db *db, int64_t tenant_id, int64_t after_seq, int64_t limit,
  bool (*fn)(void *arg, const struct audit_row *row), void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT " COLUMNS " FROM audit a WHERE a.tenant_id = ? AND a.seq > ? ORDER BY a.seq LIMIT ?", "iii", tenant_id, after_seq, limit);
  struct audit_row row;
  while (st == OK && db_next(&rows)) {
    read_audit(&rows, &row);
    if (!fn(arg, &row)) break;
  }
  return db_end(&rows, st, err);
}

static enum status list(struct db_rows *rows, enum status st, bool (*fn)(void *arg, const struct audit_row *row, const char *address),
  void *arg, struct err *err) {
  struct audit_row row;
  while (st == OK && db_next(rows)) {
    read_audit(rows, &row);
    if (!fn(arg, &row, db_text(rows, 10))) break;
  }
  return db_end(rows, st, err);
}

#define LISTED "SELECT " COLUMNS ", c.address FROM audit a LEFT JOIN audit_context c ON c.audit_id = a.id WHERE "
#define MATCHES "a.id < ?1 AND (?4 = 0 OR a.user_id = ?4 OR a.actor_id = ?4) AND (?5 IS NULL OR substr(a.action, 1, length(?5)) = ?5) AND (?6 IS NULL OR a.object = ?6) "

enum status audit_list(struct db *db, const struct audit_filter *f, int64_t before, int limit,
  bool (*fn)(void *arg, const struct audit_row *row, const char *address), void *arg, struct err *err) {
  struct db_rows rows;
  const char *sql = f->tenant_id < 0 ? LISTED MATCHES "ORDER BY a.id DESC LIMIT ?2" : LISTED "a.tenant_id = ?3 AND " MATCHES "ORDER BY a.seq DESC LIMIT ?2";
  enum status st = db_query(db, &rows, err, sql, "iiiitt", before, (int64_t)limit, f->tenant_id, f->person_id, f->action, f->object);
  return list(&rows, st, fn, arg, err);
}

enum status audit_find(struct db *db, const char *action, const char *object, int64_t at_ns, struct audit_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT " COLUMNS " FROM audit a WHERE a.id >= ? AND a.id < ? AND a.action = ? AND a.object = ? ORDER BY a.id LIMIT 1", "iitt",
    id_from(at_ns), id_from(at_ns + INT64_C(10000000000)), action, object);
  bool found = st == OK && db_next(&rows);
  if (found) read_audit(&rows, ret);
  return row_end(&rows, st, found, err);
}

enum status audit_of_user(struct db *db, int64_t user_id, bool (*fn)(void *arg, const struct audit_row *row, const char *address),
  void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT " COLUMNS ", c.address FROM audit a LEFT JOIN audit_context c ON c.audit_id = a.id WHERE a.user_id = ? ORDER BY a.id",
    "i", user_id);
  return list(&rows, st, fn, arg, err);
}

enum status audit_tenants(struct db *db, bool (*fn)(void *arg, int64_t tenant_id), void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT DISTINCT tenant_id FROM audit ORDER BY tenant_id", "");
  while (st == OK && db_next(&rows)) {
    if (!fn(arg, db_int(&rows, 0))) break;
  }
  return db_end(&rows, st, err);
}

static enum status heads(struct db_rows *rows, enum status st,
  bool (*fn)(void *arg, int64_t tenant_id, int64_t seq, const uint8_t hash[AUDIT_HASH_BYTES]), void *arg, struct err *err) {
  uint8_t hash[AUDIT_HASH_BYTES];
  while (st == OK && db_next(rows)) {
    if (!row_blob(rows, 2, hash, sizeof hash) || !fn(arg, db_int(rows, 0), db_int(rows, 1), hash)) break;
  }
  return db_end(rows, st, err);
}

// Of each tenant the row with its greatest seq, unless that one is signed.
#define UNSIGNED_HEADS                                                                                        \
  "SELECT tenant_id, seq, hash FROM audit a WHERE seq = (SELECT max(seq) FROM audit WHERE tenant_id = a.tenant_id) " \
  "AND NOT EXISTS (SELECT 1 FROM audit_signed_heads s WHERE s.tenant_id = a.tenant_id AND s.seq = a.seq)"

enum status audit_unsigned_heads(struct db *db,
  bool (*fn)(void *arg, int64_t tenant_id, int64_t seq, const uint8_t hash[AUDIT_HASH_BYTES]), void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, UNSIGNED_HEADS " ORDER BY tenant_id", "");
  return heads(&rows, st, fn, arg, err);
}

enum status audit_signed_heads(struct db *db, int64_t signature_id,
  bool (*fn)(void *arg, int64_t tenant_id, int64_t seq, const uint8_t hash[AUDIT_HASH_BYTES]), void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT tenant_id, seq, hash FROM audit_signed_heads WHERE signature_id = ? ORDER BY tenant_id", "i", signature_id);
  return heads(&rows, st, fn, arg, err);
}

enum status audit_signature_insert(struct db *db, const struct audit_signature_row *row, struct err *err) {
  enum status st = db_run(db, NULL, err, "INSERT INTO audit_signatures (id, at_ns, digest, signature) VALUES (?, ?, ?, ?)",
    "iibb", row->id, row->at_ns, row->digest, (size_t)AUDIT_HASH_BYTES, row->signature, (size_t)AUDIT_SIGNATURE_BYTES);
  if (st != OK) return st;
  return db_run(db, NULL, err,
    "INSERT INTO audit_signed_heads (signature_id, tenant_id, seq, hash) SELECT ?, tenant_id, seq, hash FROM (" UNSIGNED_HEADS ")",
    "i", row->id);
}

static void read_signature(const struct db_rows *rows, struct audit_signature_row *out) {
  *out = (struct audit_signature_row){.id = db_int(rows, 0), .at_ns = db_int(rows, 1)};
  row_blob(rows, 2, out->digest, sizeof out->digest);
  row_blob(rows, 3, out->signature, sizeof out->signature);
}

enum status audit_signatures(struct db *db, bool (*fn)(void *arg, const struct audit_signature_row *row), void *arg,
  struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT id, at_ns, digest, signature FROM audit_signatures ORDER BY id", "");
  struct audit_signature_row row;
  while (st == OK && db_next(&rows)) {
    read_signature(&rows, &row);
    if (!fn(arg, &row)) break;
  }
  return db_end(&rows, st, err);
}

enum status audit_signatures_forget(struct db *db, struct err *err) {
  enum status st = db_run(db, NULL, err, "DELETE FROM audit_signed_heads", "");
  return st == OK ? db_run(db, NULL, err, "DELETE FROM audit_signatures", "") : st;
}

enum status audit_last_signature(struct db *db, struct audit_signature_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st =
    db_query(db, &rows, err, "SELECT id, at_ns, digest, signature FROM audit_signatures ORDER BY id DESC LIMIT 1", "");
  bool found = st == OK && db_next(&rows);
  if (found) read_signature(&rows, ret);
  return row_end(&rows, st, found, err);
}

enum status audit_hash_at(struct db *db, int64_t tenant_id, int64_t seq, uint8_t ret_hash[AUDIT_HASH_BYTES], struct err *err) {
  struct db_rows rows;
  enum status st =
    db_query(db, &rows, err, "SELECT hash FROM audit WHERE tenant_id = ? AND seq = ?", "ii", tenant_id, seq);
  bool found = st == OK && db_next(&rows) && row_blob(&rows, 0, ret_hash, AUDIT_HASH_BYTES);
  return row_end(&rows, st, found, err);
}
