// store/meta_rows.c – see meta_rows.h.
#include "store/meta_rows.h"
#include "store/row_text.h"

enum status meta_get(struct db *db, const char *name, void *ret_value, size_t cap, size_t *ret_len, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT value FROM meta WHERE name = ?", "t", name);
  bool found = st == OK && db_next(&rows), fits = true;
  if (found) {
    const void *value = db_blob(&rows, 0, ret_len);
    fits = *ret_len <= cap;
    if (fits && *ret_len) memcpy(ret_value, value, *ret_len);
  }
  st = row_end(&rows, st, found, err);
  return st == OK && !fits ? err_set(err, ERR_RANGE, "%s is longer than %zu bytes", name, cap) : st;
}

enum status meta_put(struct db *db, const char *name, const void *value, size_t len, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    "tb", name, value, len);
}
