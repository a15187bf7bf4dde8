// store/shadow_rows.c – see shadow_rows.h.
#include "store/shadow_rows.h"

#include "store/row_text.h"

enum status shadow_put(struct db *db, const struct shadow_row *s, const struct shadow_difference *items, size_t count, struct err *err) {
  int64_t n = 0;
  enum status st = db_run(db, NULL, err, "DELETE FROM bot_shadows WHERE bot_id = ? AND (version <> ? OR began_ns <> ?)", "iii", s->bot_id, s->version, s->began_ns);
  if (st == OK)
    st = db_run(db, &n, err,
                "INSERT INTO bot_shadows (bot_id, version, began_ns, starts, started_ns, instants, same, different, errors, ended, why) "
                "SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM bots WHERE id = ? AND shadow_version = ? AND deleted_ns IS NULL "
                "ON CONFLICT (bot_id) DO UPDATE SET starts = excluded.starts, started_ns = excluded.started_ns, instants = excluded.instants, same = excluded.same, "
                "different = excluded.different, errors = excluded.errors, ended = excluded.ended, why = excluded.why",
                "iiiiiiiiitii", s->version, s->began_ns, s->starts, s->started_ns, s->instants, s->same, s->different, s->errors, (int64_t)s->ended, s->why, s->bot_id, s->version);
  for (size_t i = 0; st == OK && n > 0 && i < count; i++)
    st = db_run(db, NULL, err, "INSERT OR REPLACE INTO bot_shadow_differences (bot_id, place, number, time_ns, live, shadow) VALUES (?, ?, ?, ?, ?, ?)", "iiiitt", s->bot_id,
                items[i].number % SHADOW_DIFFERENCES_MAX, items[i].number, items[i].time_ns, items[i].live, items[i].shadow);
  return st;
}

enum status shadow_get(struct db *db, int64_t bot_id, int64_t version, struct shadow_row *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT began_ns, starts, started_ns, instants, same, different, errors, ended, why FROM bot_shadows WHERE bot_id = ? AND version = ?", "ii",
                            bot_id, version);
  const bool found = st == OK && db_next(&r);
  if (found) {
    *ret = (struct shadow_row){.bot_id = bot_id, .version = version, .began_ns = db_int(&r, 0), .starts = db_int(&r, 1), .started_ns = db_int(&r, 2), .instants = db_int(&r, 3),
                               .same = db_int(&r, 4), .different = db_int(&r, 5), .errors = db_int(&r, 6), .ended = db_int(&r, 7) != 0};
    row_text(&r, 8, ret->why, sizeof ret->why);
  }
  return row_end(&r, st, found, err);
}

enum status shadow_differences(struct db *db, int64_t bot_id, void (*fn)(void *arg, const struct shadow_difference *d), void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT number, time_ns, live, shadow FROM bot_shadow_differences WHERE bot_id = ? ORDER BY number", "i", bot_id);
  while (st == OK && db_next(&r)) fn(arg, &(struct shadow_difference){db_int(&r, 0), db_int(&r, 1), db_text(&r, 2), db_text(&r, 3)});
  return db_end(&r, st, err);
}
