// store/replay_rows.c – see replay_rows.h.
#include "store/replay_rows.h"

#include "store/row_text.h"

#include <string.h>

#define COLUMNS "id, tenant_id, bot_id, user_id, kind, state, created_ns, started_ns, finished_ns, request, error, result"

static void hand_over(struct db_rows *r, replay_row_fn fn, void *arg) {
  struct replay_row row = {.id = db_int(r, 0), .tenant_id = db_int(r, 1), .bot_id = db_int(r, 2), .user_id = db_int(r, 3), .created_ns = db_int(r, 6), .started_ns = db_int(r, 7),
                           .finished_ns = db_int(r, 8), .request = db_text(r, 9), .error = db_null(r, 10) ? NULL : db_text(r, 10), .result = db_null(r, 11) ? NULL : db_text(r, 11)};
  row_text(r, 4, row.kind, sizeof row.kind);
  for (int s = 0; s < BACKTEST_STATES; s++)
    if (strcmp(backtest_state_text((enum backtest_state)s), db_text(r, 5)) == 0) row.state = (enum backtest_state)s;
  fn(arg, &row);
}

enum status replay_insert(struct db *db, const struct replay_row *row, struct err *err) {
  enum status st = db_run(db, NULL, err, "INSERT INTO replays (id, tenant_id, bot_id, user_id, kind, state, created_ns, request) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", "iiiittit", row->id,
                          row->tenant_id, row->bot_id, row->user_id, row->kind, backtest_state_text(row->state), row->created_ns, row->request);
  if (st != OK) return st;
  return db_run(db, NULL, err,
                "DELETE FROM replays WHERE bot_id = ?1 AND state NOT IN ('queued', 'running') AND id <= (SELECT id FROM replays WHERE bot_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)", "ii",
                row->bot_id, (int64_t)REPLAYS_KEPT);
}

enum status replay_get(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t id, replay_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM replays WHERE id = ? AND tenant_id = ? AND bot_id = ?", "iii", id, tenant_id, bot_id);
  const bool found = st == OK && db_next(&r);
  if (found) hand_over(&r, fn, arg);
  st = row_end(&r, st, found, err);
  return st == ERR_NOTFOUND ? err_set(err, st, "no such replay") : st;
}

enum status replay_list(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t before_id, int limit, replay_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err,
    "SELECT id, tenant_id, bot_id, user_id, kind, state, created_ns, started_ns, finished_ns, request, error, NULL FROM replays WHERE bot_id = ? AND tenant_id = ? AND id < ?"
    " ORDER BY id DESC LIMIT ?", "iiii", bot_id, tenant_id, before_id, (int64_t)limit);
  while (st == OK && db_next(&r)) hand_over(&r, fn, arg);
  return db_end(&r, st, err);
}

static enum status one_row(enum status st, int64_t changes, struct err *err) { return st == OK && changes != 1 ? err_set(err, ERR_NOTFOUND, "no such replay in that state") : st; }

enum status replay_start(struct db *db, int64_t id, int64_t now_ns, struct err *err) {
  int64_t changes = 0;
  enum status st = db_run(db, &changes, err, "UPDATE replays SET state = 'running', started_ns = ? WHERE id = ? AND state IN ('queued', 'running')", "ii", now_ns, id);
  return one_row(st, changes, err);
}

enum status replay_end(struct db *db, int64_t id, enum backtest_state state, int64_t now_ns, const char *error, const char *result, size_t result_len, struct err *err) {
  int64_t changes = 0;
  enum status st = db_run(db, &changes, err, "UPDATE replays SET state = ?, finished_ns = ?, error = ?, result = ? WHERE id = ? AND state IN ('queued', 'running')", "titTi",
                          backtest_state_text(state), now_ns, error, result, result_len, id);
  return one_row(st, changes, err);
}

enum status replay_delete(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t id, struct err *err) {
  int64_t changes = 0;
  enum status st = db_run(db, &changes, err, "DELETE FROM replays WHERE id = ? AND tenant_id = ? AND bot_id = ? AND state NOT IN ('queued', 'running')", "iii", id, tenant_id, bot_id);
  return one_row(st, changes, err);
}

enum status replay_count_open(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) {
  struct db_rows r;
  *ret = 0;
  enum status st = db_query(db, &r, err, "SELECT count(*) FROM replays WHERE tenant_id = ? AND state IN ('queued', 'running')", "i", tenant_id);
  if (st == OK && db_next(&r)) *ret = db_int(&r, 0);
  return db_end(&r, st, err);
}

enum status replay_list_unfinished(struct db *db, replay_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT " COLUMNS " FROM replays WHERE state IN ('queued', 'running') ORDER BY id", "");
  while (st == OK && db_next(&r)) hand_over(&r, fn, arg);
  return db_end(&r, st, err);
}

// ---- certificates

static const char *const verdicts[PARITY_VERDICTS] = {"certified", "explained", "broken", "unchecked"};
const char *parity_verdict_text(enum parity_verdict v) { return verdicts[v]; }
bool parity_verdict_parse(const char *text, enum parity_verdict *ret) {
  for (int v = 0; v < PARITY_VERDICTS; v++)
    if (strcmp(verdicts[v], text) == 0) return *ret = (enum parity_verdict)v, true;
  return false;
}

enum status parity_insert(struct db *db, const struct parity_row *row, struct err *err) {
  enum status st = db_run(db, NULL, err, "INSERT INTO parity (id, tenant_id, bot_id, run, made_ns, verdict, body) VALUES (?, ?, ?, ?, ?, ?, ?)", "iiiiitt", row->id, row->tenant_id,
                          row->bot_id, row->run, row->made_ns, verdicts[row->verdict], row->body);
  if (st != OK) return st;
  return db_run(db, NULL, err, "DELETE FROM parity WHERE bot_id = ?1 AND id <= (SELECT id FROM parity WHERE bot_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)", "ii", row->bot_id,
                (int64_t)PARITY_KEPT);
}

enum status parity_list(struct db *db, int64_t tenant_id, int64_t bot_id, int64_t before_id, int limit, parity_row_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  enum status st = db_query(db, &r, err, "SELECT id, run, made_ns, verdict, body FROM parity WHERE bot_id = ? AND tenant_id = ? AND id < ? ORDER BY id DESC LIMIT ?", "iiii", bot_id,
                            tenant_id, before_id, (int64_t)limit);
  while (st == OK && db_next(&r)) {
    struct parity_row row = {.id = db_int(&r, 0), .tenant_id = tenant_id, .bot_id = bot_id, .run = db_int(&r, 1), .made_ns = db_int(&r, 2), .body = db_text(&r, 4)};
    if (!parity_verdict_parse(db_text(&r, 3), &row.verdict)) row.verdict = PARITY_UNCHECKED;
    fn(arg, &row);
  }
  return db_end(&r, st, err);
}

enum status parity_due(struct db *db, int64_t after_bot_id, int64_t since_ns, int limit, parity_due_fn fn, void *arg, struct err *err) {
  struct db_rows r;
  // Who is at work, or was until since then. A bot that never started has no run; asking for one says so, cheaply.
  enum status st = db_query(db, &r, err,
    "SELECT id, tenant_id FROM bots b WHERE id > ?1 AND deleted_ns IS NULL AND reason_code <> 'new' AND (state <> 'stopped' OR since_ns >= ?2)"
    " AND NOT EXISTS (SELECT 1 FROM parity p WHERE p.bot_id = b.id AND p.made_ns >= ?2) ORDER BY id LIMIT ?3", "iii", after_bot_id, since_ns, (int64_t)limit);
  while (st == OK && db_next(&r))
    if (!fn(arg, db_int(&r, 0), db_int(&r, 1))) break;
  return db_end(&r, st, err);
}

enum status replay_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) {
  enum status st = db_run(db, NULL, err, "DELETE FROM replays WHERE tenant_id = ?", "i", tenant_id);
  return st == OK ? db_run(db, NULL, err, "DELETE FROM parity WHERE tenant_id = ?", "i", tenant_id) : st;
}

enum status replay_erase_bot(struct db *db, int64_t tenant_id, int64_t bot_id, struct err *err) {
  enum status st = db_run(db, NULL, err, "DELETE FROM replays WHERE tenant_id = ? AND bot_id = ?", "ii", tenant_id, bot_id);
  return st == OK ? db_run(db, NULL, err, "DELETE FROM parity WHERE tenant_id = ? AND bot_id = ?", "ii", tenant_id, bot_id) : st;
}
