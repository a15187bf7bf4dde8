#include "store/idem_rows.h"

#include "store/db.h"

#include <stdlib.h>
#include <string.h>

enum status idem_get(struct db *db, const uint8_t key[IDEM_HASH_BYTES], int64_t now_ns, struct idem_row *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT body_hash, status, answer FROM idempotency WHERE key = ? AND created_ns > ?", "bi", key, (size_t)IDEM_HASH_BYTES,
                            now_ns - IDEM_KEEP_NS);
  enum status found = ERR_NOTFOUND;
  if (st == OK && db_next(&rows)) {
    size_t len;
    memcpy(ret->body_hash, db_blob(&rows, 0, &len), IDEM_HASH_BYTES);
    ret->status = (int)db_int(&rows, 1);
    const void *answer = db_blob(&rows, 2, &ret->answer_len);
    ret->answer = malloc(ret->answer_len + 1);
    found = ret->answer ? OK : ERR_NOMEM;
    if (ret->answer && ret->answer_len) memcpy(ret->answer, answer, ret->answer_len);
  }
  st = db_end(&rows, st, err);
  if (st != OK && found == OK) free(ret->answer);
  return st != OK ? st : found;
}

enum status idem_walk(struct db *db, int64_t now_ns, bool (*fn)(void *arg, const uint8_t key[IDEM_HASH_BYTES], const uint8_t *answer, size_t len), void *arg,
                      struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT key, answer FROM idempotency WHERE created_ns > ?", "i", now_ns - IDEM_KEEP_NS);
  while (st == OK && db_next(&rows)) {
    size_t key_len, len;
    const uint8_t *key = db_blob(&rows, 0, &key_len), *answer = db_blob(&rows, 1, &len);
    if (!fn(arg, key, answer, len)) break;
  }
  return db_end(&rows, st, err);
}

enum status idem_forget_answer(struct db *db, const uint8_t key[IDEM_HASH_BYTES], struct err *err) {
  return db_run(db, NULL, err, "UPDATE idempotency SET answer = x'' WHERE key = ?", "b", key, (size_t)IDEM_HASH_BYTES);
}

enum status idem_put(struct db *db, const uint8_t key[IDEM_HASH_BYTES], int64_t now_ns, const struct idem_row *row, struct err *err) {
  enum status st = db_run(db, NULL, err, "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE created_ns <= ? ORDER BY created_ns LIMIT 10)", "i",
                          now_ns - IDEM_KEEP_NS);
  if (st == OK)
    st = db_run(db, NULL, err, "INSERT INTO idempotency (key, body_hash, created_ns, status, answer) VALUES (?, ?, ?, ?, ?)", "bbiib", key, (size_t)IDEM_HASH_BYTES,
                row->body_hash, (size_t)IDEM_HASH_BYTES, now_ns, (int64_t)row->status, row->answer, row->answer_len);
  return st;
}
