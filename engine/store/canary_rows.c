// store/canary_rows.c – see canary_rows.h.
#include "store/canary_rows.h"

#include "store/row_text.h"

#include <string.h>

#define COLUMNS "id, script_id, tenant_id, version, version_before, percent, errors_max, drawdown_e8, until_ns, state, reason, errors, started_ns, ended_ns"

static void read_row(const struct db_rows *r, struct canary_row *ret) {
  *ret = (struct canary_row){.id = db_int(r, 0), .script_id = db_int(r, 1), .tenant_id = db_int(r, 2), .version = db_int(r, 3), .version_before = db_int(r, 4), .percent = db_int(r, 5),
                             .errors_max = db_int(r, 6), .drawdown_e8 = db_int(r, 7), .until_ns = db_int(r, 8), .errors = db_int(r, 11), .started_ns = db_int(r, 12),
                             .ended_ns = db_int(r, 13)};
  row_text(r, 9, ret->state, sizeof ret->state);
  row_text(r, 10, ret->reason, sizeof ret->reason);
}

enum status canary_insert(struct db *db, const struct canary_row *c, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO canaries (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, ?, ?, nullif(?, 0))", "iiiiiiiiittiii", c->id, c->script_id,
                c->tenant_id, c->version, c->version_before, c->percent, c->errors_max, c->drawdown_e8, c->until_ns, c->state, c->reason, c->errors, c->started_ns, c->ended_ns);
}

enum status canary_last(struct db *db, int64_t script_id, struct canary_row *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM canaries WHERE script_id = ? ORDER BY id DESC LIMIT 1", "i", script_id);
  const bool found = st == OK && db_next(&r);
  if (found) read_row(&r, ret);
  return row_end(&r, st, found, err);
}

enum status canary_end(struct db *db, const struct canary_row *c, struct err *err) {
  int64_t n = 0;
  const enum status st = db_run(db, &n, err, "UPDATE canaries SET state = ?, reason = ?, errors = ?, ended_ns = ? WHERE id = ? AND state = 'running'", "ttiii", c->state, c->reason,
                                c->errors, c->ended_ns, c->id);
  return st == OK && n == 0 ? err_set(err, ERR_NOTFOUND, "the trial has ended already") : st;
}

enum status canary_set_errors(struct db *db, int64_t id, int64_t errors, struct err *err) {
  return db_run(db, NULL, err, "UPDATE canaries SET errors = ? WHERE id = ?", "ii", errors, id);
}

enum status canary_list_running(struct db *db, canary_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM canaries WHERE state = 'running' ORDER BY id", "");
  while (st == OK && db_next(&r)) {
    struct canary_row row;
    read_row(&r, &row);
    if (!fn(arg, &row)) break;
  }
  return db_end(&r, st, err);
}

enum status canary_bot_add(struct db *db, int64_t canary_id, int64_t bot_id, int64_t equity_e8, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO canary_bots (canary_id, bot_id, equity_e8, peak_e8) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", "iiii", canary_id, bot_id, equity_e8,
                equity_e8);
}

enum status canary_bot_peak(struct db *db, int64_t canary_id, int64_t bot_id, int64_t peak_e8, struct err *err) {
  return db_run(db, NULL, err, "UPDATE canary_bots SET peak_e8 = ? WHERE canary_id = ? AND bot_id = ?", "iii", peak_e8, canary_id, bot_id);
}

enum status canary_bots(struct db *db, int64_t canary_id, void (*fn)(void *arg, int64_t bot_id, int64_t equity_e8, int64_t peak_e8), void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT bot_id, equity_e8, peak_e8 FROM canary_bots WHERE canary_id = ? ORDER BY bot_id", "i", canary_id);
  while (st == OK && db_next(&r)) fn(arg, db_int(&r, 0), db_int(&r, 1), db_int(&r, 2));
  return db_end(&r, st, err);
}
