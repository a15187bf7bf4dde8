// store/row_text.h – private to store/: columns into fixed fields of a row.
#pragma once
#include "store/db.h"

#include <assert.h>
#include <string.h>

// Cuts what does not fit; writers bound their texts, so nothing does not.
static inline void row_text(const struct db_rows *rows, int column, char *out, size_t size) {
  const char *text = db_text(rows, column);
  size_t len = strnlen(text, size - 1);
  memcpy(out, text, len);
  out[len] = '\0';
}

static inline bool row_blob(const struct db_rows *rows, int column, void *out, size_t size) {
  size_t len;
  const void *blob = db_blob(rows, column, &len);
  if (len != size) return false;
  memcpy(out, blob, size);
  return true;
}

// One row or ERR_NOTFOUND: ends the query. found: whether db_next gave a row (already read by the caller).
static inline enum status row_end(struct db_rows *rows, enum status st, bool found, struct err *err) {
  st = db_end(rows, st, err);
  return st == OK && !found ? ERR_NOTFOUND : st;
}
