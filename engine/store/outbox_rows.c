// store/outbox_rows.c – see outbox_rows.h.
#include "store/outbox_rows.h"
#include "store/row_text.h"

enum status outbox_insert(struct db *db, const struct outbox_row *row, struct err *err) {
  return db_run(db, NULL, err,
    "INSERT INTO outbox (id, user_id, recipient, subject, body, created_ns, next_ns, sending_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, nullif(?7, 0))",
    "iittbii", row->id, row->user_id, row->recipient, row->subject, row->body, row->body_len, row->created_ns, row->sending_id);
}

static void read_row(const struct db_rows *rows, struct outbox_row *ret) {
  ret->id = db_int(rows, 0);
  ret->user_id = db_int(rows, 1);
  row_text(rows, 2, ret->recipient, sizeof ret->recipient);
  row_text(rows, 3, ret->subject, sizeof ret->subject);
  const void *body = db_blob(rows, 4, &ret->body_len);
  if (ret->body_len > sizeof ret->body) ret->body_len = 0;
  if (ret->body_len) memcpy(ret->body, body, ret->body_len);
  ret->created_ns = db_int(rows, 5);
  ret->attempts = (int)db_int(rows, 6);
  ret->sending_id = db_int(rows, 7);
}

enum status outbox_due(struct db *db, int64_t now_ns, struct outbox_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT id, user_id, recipient, subject, body, created_ns, attempts, sending_id FROM outbox WHERE next_ns <= ? ORDER BY next_ns, id LIMIT 1",
    "i", now_ns);
  bool found = st == OK && db_next(&rows);
  if (found) read_row(&rows, ret);
  return row_end(&rows, st, found, err);
}

enum status outbox_walk(struct db *db, bool (*fn)(void *arg, const struct outbox_row *row), void *arg, struct err *err) {
  struct db_rows rows;
  struct outbox_row row;
  enum status st = db_query(db, &rows, err,
    "SELECT id, user_id, recipient, subject, body, created_ns, attempts, sending_id FROM outbox WHERE body IS NOT NULL ORDER BY id", "");
  while (st == OK && db_next(&rows)) {
    read_row(&rows, &row);
    if (!fn(arg, &row)) break;
  }
  return db_end(&rows, st, err);
}

enum status outbox_sent(struct db *db, int64_t id, int64_t now_ns, struct err *err) {
  return db_run(db, NULL, err,
    "UPDATE outbox SET sent_ns = ?, next_ns = NULL, body = NULL, attempts = attempts + 1, last_error = NULL WHERE id = ?", "ii",
    now_ns, id);
}

enum status outbox_failed(struct db *db, int64_t id, const char *error, int64_t next_ns, struct err *err) {
  return db_run(db, NULL, err,
    "UPDATE outbox SET next_ns = nullif(?1, 0), body = CASE WHEN ?1 = 0 THEN NULL ELSE body END, attempts = attempts + 1, "
    "last_error = ?2 WHERE id = ?3",
    "iti", next_ns, error, id);
}

enum status outbox_waiting(struct db *db, int64_t *ret, struct err *err) {
  struct db_rows rows;
  *ret = 0;
  enum status st = db_query(db, &rows, err, "SELECT count(*) FROM outbox WHERE next_ns IS NOT NULL", "");
  if (st == OK && db_next(&rows)) *ret = db_int(&rows, 0);
  return db_end(&rows, st, err);
}

enum status outbox_count_since(struct db *db, int64_t user_id, const char *subject, int64_t since_ns, int64_t *ret, struct err *err) {
  struct db_rows rows;
  *ret = 0;
  enum status st = db_query(db, &rows, err, "SELECT count(*) FROM outbox WHERE user_id = ? AND subject = ? AND created_ns > ?", "iti",
    user_id, subject, since_ns);
  if (st == OK && db_next(&rows)) *ret = db_int(&rows, 0);
  return db_end(&rows, st, err);
}
