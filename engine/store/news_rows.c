// store/news_rows.c – see news_rows.h.
#include "store/news_rows.h"

#include "store/row_text.h"

enum status news_insert(struct db *db, const struct news_row *n, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO news (id, tenant_id, from_ns, to_ns, impact, what, title, created_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", "iiiiitti", n->id, n->tenant_id,
                n->from_ns, n->to_ns, (int64_t)n->impact, n->what, n->title, n->created_ns);
}

enum status news_remove(struct db *db, int64_t tenant_id, int64_t id, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err, "DELETE FROM news WHERE id = ? AND tenant_id = ?", "ii", id, tenant_id);
  return st == OK && n == 0 ? ERR_NOTFOUND : st;
}

enum status news_remove_all(struct db *db, int64_t tenant_id, struct err *err) { return db_run(db, NULL, err, "DELETE FROM news WHERE tenant_id = ?", "i", tenant_id); }

enum status news_remove_before(struct db *db, int64_t tenant_id, int64_t end_ns, struct err *err) {
  return db_run(db, NULL, err, "DELETE FROM news WHERE tenant_id = ? AND to_ns < ?", "ii", tenant_id, end_ns);
}

enum status news_count(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT count(*) FROM news WHERE tenant_id = ?", "i", tenant_id);
  if (st == OK && db_next(&r)) *ret = db_int(&r, 0);
  return db_end(&r, st, err);
}

enum status news_list_rows(struct db *db, int64_t tenant_id, int64_t from_ns, int64_t to_ns, int limit, bool (*fn)(void *arg, const struct news_row *row), void *arg, struct err *err) {
  struct db_rows r;
  struct news_row row;
  enum status st = db_query(db, &r, err,
                            "SELECT id, tenant_id, from_ns, to_ns, impact, what, title, created_ns FROM news WHERE tenant_id = ? AND to_ns >= ? AND from_ns < ? ORDER BY from_ns, id LIMIT ?",
                            "iiii", tenant_id, from_ns, to_ns, (int64_t)limit);
  while (st == OK && db_next(&r)) {
    row = (struct news_row){.id = db_int(&r, 0), .tenant_id = db_int(&r, 1), .from_ns = db_int(&r, 2), .to_ns = db_int(&r, 3), .impact = (int)db_int(&r, 4), .created_ns = db_int(&r, 7)};
    row_text(&r, 5, row.what, sizeof row.what);
    row_text(&r, 6, row.title, sizeof row.title);
    if (!fn(arg, &row)) break;
  }
  return db_end(&r, st, err);
}
