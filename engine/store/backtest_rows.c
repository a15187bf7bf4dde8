#include "store/backtest_rows.h"

#include "store/db.h"

#include <string.h>

static const char *const states[BACKTEST_STATES] = {"queued", "running", "done", "failed", "cancelled"};
const char *backtest_state_text(enum backtest_state s) { return states[s]; }
static const char *const kinds[BACKTEST_KINDS] = {"backtest", "optimize"};
const char *backtest_kind_text(enum backtest_kind k) { return kinds[k]; }

#define COLUMNS "id, tenant_id, user_id, strategy_id, version, state, created_ns, started_ns, finished_ns, request, error, summary, kind"

static void hand_over(struct db_rows *r, bool with_result, backtest_row_fn fn, void *arg) {
  struct backtest_row row = {.id = db_int(r, 0), .tenant_id = db_int(r, 1), .user_id = db_int(r, 2), .strategy_id = db_int(r, 3), .version = db_int(r, 4),
                             .created_ns = db_int(r, 6), .started_ns = db_int(r, 7), .finished_ns = db_int(r, 8), .request = db_text(r, 9),
                             .error = db_null(r, 10) ? NULL : db_text(r, 10), .result = with_result && !db_null(r, 13) ? db_text(r, 13) : NULL,
                             .summary = db_null(r, 11) ? NULL : db_text(r, 11)};
  for (int s = 0; s < BACKTEST_STATES; s++)
    if (strcmp(states[s], db_text(r, 5)) == 0) row.state = (enum backtest_state)s;
  if (strcmp(kinds[BACKTEST_SEARCH], db_text(r, 12)) == 0) row.kind = BACKTEST_SEARCH;
  fn(arg, &row);
}

enum status backtest_insert(struct db *db, const struct backtest_row *row, struct err *err) {
  return db_run(db, NULL, err, "INSERT INTO backtests (id, tenant_id, user_id, strategy_id, version, state, created_ns, request, kind) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", "iiiiititt",
                row->id, row->tenant_id, row->user_id, row->strategy_id, row->version, states[row->state], row->created_ns, row->request, kinds[row->kind]);
}

enum status backtest_get(struct db *db, int64_t tenant_id, enum backtest_kind kind, int64_t id, bool with_result, backtest_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = with_result ? db_query(db, &r, err, "SELECT " COLUMNS ", result FROM backtests WHERE tenant_id = ? AND id = ? AND kind = ?", "iit", tenant_id, id, kinds[kind])
                               : db_query(db, &r, err, "SELECT " COLUMNS " FROM backtests WHERE tenant_id = ? AND id = ? AND kind = ?", "iit", tenant_id, id, kinds[kind]);
  bool found = false;
  while (st == OK && db_next(&r)) {
    found = true;
    hand_over(&r, with_result, fn, arg);
  }
  st = db_end(&r, st, err);
  return st == OK && !found ? err_set(err, ERR_NOTFOUND, "no such backtest") : st;
}

enum status backtest_list(struct db *db, int64_t tenant_id, enum backtest_kind kind, int64_t strategy_id, int64_t before_id, int limit, backtest_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM backtests WHERE tenant_id = ? AND id < ? AND kind = ? AND (? = 0 OR strategy_id = ?) ORDER BY id DESC LIMIT ?", "iitiii",
                            tenant_id, before_id, kinds[kind], strategy_id, strategy_id, (int64_t)limit);
  while (st == OK && db_next(&r)) hand_over(&r, false, fn, arg);
  return db_end(&r, st, err);
}

static enum status one_row(enum status st, int64_t changes, struct err *err) {
  return st == OK && changes != 1 ? err_set(err, ERR_NOTFOUND, "no such backtest in that state") : st;
}

enum status backtest_start(struct db *db, int64_t tenant_id, int64_t id, int64_t now_ns, struct err *err) {
  int64_t changes = 0;
  enum status st = db_run(db, &changes, err, "UPDATE backtests SET state = 'running', started_ns = ? WHERE tenant_id = ? AND id = ? AND state IN ('queued', 'running')", "iii",
                          now_ns, tenant_id, id);
  return one_row(st, changes, err);
}

// The newest id whose result has no room any more; 0: all have.
static enum status oldest_kept(struct db *db, int64_t tenant_id, int64_t *ret_beyond, struct err *err) {
  struct db_rows r;
  int64_t count = 0, bytes = 0;
  *ret_beyond = 0;
  enum status st = db_query(db, &r, err, "SELECT backtest_id, bytes FROM backtest_results WHERE tenant_id = ? ORDER BY backtest_id DESC", "i", tenant_id);
  while (st == OK && *ret_beyond == 0 && db_next(&r)) {
    bytes += db_int(&r, 1);
    if (++count > 1 && (count > BACKTEST_RESULTS_MAX || bytes > BACKTEST_RESULTS_BYTES)) *ret_beyond = db_int(&r, 0);
  }
  return db_end(&r, st, err);
}

static enum status drop_old_results(struct db *db, int64_t tenant_id, struct err *err) {
  int64_t beyond;
  enum status st = oldest_kept(db, tenant_id, &beyond, err);
  if (st != OK || beyond == 0) return st;
  st = db_run(db, NULL, err, "UPDATE backtests SET result = NULL WHERE id IN (SELECT backtest_id FROM backtest_results WHERE tenant_id = ? AND backtest_id <= ?)", "ii",
              tenant_id, beyond);
  if (st == OK) st = db_run(db, NULL, err, "DELETE FROM backtest_results WHERE tenant_id = ? AND backtest_id <= ?", "ii", tenant_id, beyond);
  return st;
}

enum status backtest_finish(struct db *db, int64_t tenant_id, int64_t id, enum backtest_state state, int64_t now_ns, const char *error, const char *result, size_t result_len,
                            const char *summary, struct err *err) {
  int64_t changes = 0;
  enum status st = db_run(db, &changes, err,
                          "UPDATE backtests SET state = ?, finished_ns = ?, error = ?, result = ?, summary = ? WHERE tenant_id = ? AND id = ? AND state IN ('queued', 'running')", "titTtii",
                          states[state], now_ns, error, result, result_len, summary, tenant_id, id);
  st = one_row(st, changes, err);
  if (st != OK || !result) return st;
  st = db_run(db, NULL, err, "INSERT INTO backtest_results (backtest_id, tenant_id, bytes) VALUES (?, ?, ?)", "iii", id, tenant_id, (int64_t)result_len);
  return st == OK ? drop_old_results(db, tenant_id, err) : st;
}

enum status backtest_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) {
  return db_run(db, NULL, err, "DELETE FROM backtests WHERE tenant_id = ?", "i", tenant_id);
}

enum status backtest_delete(struct db *db, int64_t tenant_id, enum backtest_kind kind, int64_t id, struct err *err) {
  int64_t changes = 0;
  enum status st = db_run(db, &changes, err, "DELETE FROM backtests WHERE tenant_id = ? AND id = ? AND kind = ? AND state NOT IN ('queued', 'running')", "iit", tenant_id, id, kinds[kind]);
  return one_row(st, changes, err);
}

enum status backtest_count_open(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT count(*) FROM backtests WHERE tenant_id = ? AND state IN ('queued', 'running')", "i", tenant_id);
  if (st == OK && db_next(&r)) *ret = db_int(&r, 0);
  return db_end(&r, st, err);
}

enum status backtest_list_unfinished(struct db *db, backtest_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM backtests WHERE state IN ('queued', 'running') ORDER BY id", "");
  while (st == OK && db_next(&r)) hand_over(&r, false, fn, arg);
  return db_end(&r, st, err);
}
