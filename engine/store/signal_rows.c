// store/signal_rows.c – see signal_rows.h.
#include "store/signal_rows.h"

#include "store/db.h"
#include "store/id.h"

#include <stdio.h>

#define SWEEP_ONE_IN 32
#define COLUMNS "id, bot_id, received_ns, expires_ns, state, delivered_ns, body, delivery_id"

enum status signal_add(struct db *db, struct signal_row *s, struct err *err) {
  s->id = id_next(s->received_ns);
  enum status st = db_run(db, NULL, err, "INSERT INTO bot_signals (id, bot_id, received_ns, expires_ns, state, body, delivery_id) VALUES (?, ?, ?, ?, 'waiting', ?, nullif(?, 0))", "iiiiti", s->id, s->bot_id,
    s->received_ns, s->expires_ns, s->body, s->delivery_id);
  // By all bits of the id: its last ones are the same of all that come alone in their millisecond.
  if (st != OK || (uint64_t)s->id * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (SWEEP_ONE_IN - 1)) return st;
  return db_run(db, NULL, err,
    "DELETE FROM bot_signals WHERE bot_id = ?1 AND (state <> 'waiting' OR expires_ns < ?3) AND id <= (SELECT id FROM bot_signals WHERE bot_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)", "iii",
    s->bot_id, (int64_t)SIGNAL_ROWS_MAX, s->received_ns);
}

enum status signal_done(struct db *db, int64_t id, const char *state, int64_t delivered_ns, struct err *err) {
  return db_run(db, NULL, err, "UPDATE bot_signals SET state = ?, delivered_ns = ? WHERE id = ? AND state = 'waiting'", "tii", state, delivered_ns, id);
}

static enum status rows_over(struct db_rows *r, enum status st, signal_row_fn fn, void *arg, struct err *err) {
  while (st == OK && db_next(r)) {
    struct signal_row s = {.id = db_int(r, 0), .bot_id = db_int(r, 1), .received_ns = db_int(r, 2), .expires_ns = db_int(r, 3), .delivered_ns = db_int(r, 5), .body = db_text(r, 6),
      .delivery_id = db_int(r, 7)};
    snprintf(s.state, sizeof s.state, "%s", db_text(r, 4));
    if (!fn(arg, &s)) break;
  }
  return db_end(r, st, err);
}

enum status signal_list(struct db *db, int64_t bot_id, int64_t before_id, int limit, signal_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  const enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM bot_signals WHERE bot_id = ? AND id < ? ORDER BY id DESC LIMIT ?", "iii", bot_id, before_id, (int64_t)limit);
  return rows_over(&r, st, fn, arg, err);
}

enum status signal_list_delivery(struct db *db, int64_t delivery_id, int64_t after_id, int limit, signal_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  const enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM bot_signals WHERE delivery_id = ? AND id > ? ORDER BY id LIMIT ?", "iii", delivery_id, after_id, (int64_t)limit);
  return rows_over(&r, st, fn, arg, err);
}

enum status signal_waiting(struct db *db, int64_t bot_id, int64_t after_id, signal_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  const enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM bot_signals WHERE bot_id = ? AND id > ? AND state = 'waiting' ORDER BY id", "ii", bot_id, after_id);
  return rows_over(&r, st, fn, arg, err);
}
