// tests/store/planted.c – bugs of the kind that lose money, planted one after another under the service's workload: each must be
// found by the same judge, and without one nothing may be found.   planted
//
// The linker puts this program's functions in front of SQLite's: a bug is another text of a statement, or a transaction that
// ends before a statement; or a disk that lies, or a client that is told too early.
#include "rig.h"

#include <sqlite3.h>

enum bug_kind {
  SOUND,
  TEXT,           // in statements that have `find`, `old` is `fresh`
  APART,          // statements that have `find` are in a transaction of their own
  TOLD_EARLY,     // before the commit
  LOG_UNSYNCED, FILE_UNSYNCED,  // the disk says it has synced
  COMMIT_IGNORED, // a commit that failed is told as done
};
struct bug {
  const char *name;
  enum bug_kind kind;
  const char *find, *old, *fresh;
};
static const struct bug bugs[] = {
  {"synchronous=NORMAL", TEXT, "PRAGMA synchronous", "FULL", "NORMAL"},
  {"told before the commit", TOLD_EARLY},
  {"the log is not synced", LOG_UNSYNCED},
  {"the file is not synced before the log is used anew", FILE_UNSYNCED},
  {"a failed commit is told as done", COMMIT_IGNORED},
  {"what a refused write did stays", TEXT, "ROLLBACK TO w", "ROLLBACK TO w", "SELECT 1"},
  {"the log line is written apart", APART, "INSERT INTO audit ("},
  {"an account's secrets are written apart", APART, "INSERT INTO account_secrets"},
  {"the remembered answer is written apart", APART, "INSERT INTO idempotency"},
  {"the next refresh token is written apart", APART, "INSERT INTO refresh_tokens"},
  {"the meter is written apart", APART, "INSERT INTO usage_window"},
  {"the activation is written apart", APART, "INSERT INTO script_activation"},
  {"the plan's event is written apart", APART, "INSERT INTO subscription_event"},
  {"a refresh token is not marked as used", TEXT, "UPDATE refresh_tokens SET used_ns", "used_ns = ?", "used_ns = iif(?, NULL, NULL)"},
  {"a mail's token works twice", TEXT, "DELETE FROM email_tokens WHERE token_hash", "token_hash = ?", "token_hash = ? AND 0"},
  {"a new password leaves tokens of before in force", TEXT, "UPDATE users SET password_hash", "password_changed_ns = ?", "password_changed_ns = iif(?, password_changed_ns, 0)"},
  {"an id is used again", TEXT, "INSERT INTO outbox", "(?1,", "(iif(?1, (SELECT max(id) FROM audit), 0),"},
  {"a version that is not there becomes active", TEXT, "UPDATE script SET active_version", "active_version = ?", "active_version = ? + 1"},
  {"a meter forgets what was before", TEXT, "INSERT INTO usage_window", "used + excluded.used", "excluded.used"},
  {"a log line is not what its hash covers", TEXT, "INSERT INTO audit (", "(?, ?, ?, ?, ?, ?, ?,", "(?, ?, ?, ?, ?, ?, upper(?),"},
  {"a sent mail keeps its body", TEXT, "UPDATE outbox SET sent_ns", "body = NULL", "body = body"},
  {"mail to who was erased stays", TEXT, "DELETE FROM outbox WHERE", "WHERE", "WHERE 0 AND"},
  {"secrets of a deleted account stay", TEXT, "DELETE FROM account_secrets", "account_id = ?", "account_id = ? AND 0"},
};

static const struct bug *planted;

int __real_sqlite3_exec(sqlite3 *db, const char *sql, int (*fn)(void *, int, char **, char **), void *arg, char **ret_error);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*fn)(void *, int, char **, char **), void *arg, char **ret_error);
int __real_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int bytes, unsigned flags, sqlite3_stmt **ret, const char **ret_tail);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int bytes, unsigned flags, sqlite3_stmt **ret, const char **ret_tail);
int __real_sqlite3_step(sqlite3_stmt *stmt);
int __wrap_sqlite3_step(sqlite3_stmt *stmt);

// The statement as the bug has it.
static const char *altered(const char *sql, char text[8000]) {
  const char *at = planted && planted->kind == TEXT && strstr(sql, planted->find) ? strstr(sql, planted->old) : NULL;
  if (!at) return sql;
  const int n = snprintf(text, 8000, "%.*s%s%s", (int)(at - sql), sql, planted->fresh, at + strlen(planted->old));
  assert_true(n < 8000);
  return text;
}
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*fn)(void *, int, char **, char **), void *arg, char **ret_error) {
  char text[8000];
  // Migrations are longer, and no place for these bugs.
  return __real_sqlite3_exec(db, strlen(sql) < 100 ? altered(sql, text) : sql, fn, arg, ret_error);
}
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int bytes, unsigned flags, sqlite3_stmt **ret, const char **ret_tail) {
  char text[8000];
  return __real_sqlite3_prepare_v3(db, altered(sql, text), bytes, flags, ret, ret_tail);
}
int __wrap_sqlite3_step(sqlite3_stmt *stmt) {
  if (planted && planted->kind == APART && !sqlite3_stmt_busy(stmt) && strstr(sqlite3_sql(stmt), planted->find))
    (void)__real_sqlite3_exec(sqlite3_db_handle(stmt), "RELEASE w; COMMIT; BEGIN IMMEDIATE; SAVEPOINT w", NULL, NULL, NULL);
  const int rc = __real_sqlite3_step(stmt);
  return planted && planted->kind == COMMIT_IGNORED && strcmp(sqlite3_sql(stmt), "COMMIT") == 0 ? SQLITE_DONE : rc;
}

static struct ledger ledger;
static char found[2000];
static long images;

// A run with the bug; what shows without any fault is found here. sync: from this one on they fail; 0: none.
static struct sim_trace *run(int sync) {
  struct err err;
  struct store *store = rig_open();
  rig_begin(store, STORE_CONTROL);
  sim_record();
  sim_fail(SIM_SYNC, sync, true, false);
  memset(&ledger, 0, sizeof ledger);
  for (int i = 1; i <= work->jobs; i++) {
    if (planted->kind == TOLD_EARLY) sim_mark(i);
    const enum status st = work->job(store, STORE_CONTROL, i, &ledger, &err);
    if (!sync && !found[0] && (st == OK) == work->refuses(i)) snprintf(found, sizeof found, "job %d: %s", i, st == OK ? "was not refused" : err.msg);
    sim_mark(i);
  }
  store_close(store);
  return sim_take();
}

// Judges as a sound program would find the disk.
static void judge(const char *when, int acked, const struct ledger *l) {
  const struct bug *bug = planted;
  planted = NULL;
  const char *wrong = found[0] ? "" : work->check(rig_path(STORE_CONTROL), acked, work->jobs, l, l == NULL);
  if (wrong[0]) snprintf(found, sizeof found, "%s: %s", when, wrong);
  planted = bug;
}

static void search_power_loss(void) {
  sim_lie(planted->kind == LOG_UNSYNCED, planted->kind == FILE_UNSYNCED);
  struct sim_trace *t = run(0);
  judge("at the end", work->jobs, NULL);
  for (size_t k = 0; k <= sim_trace_length(t) && !found[0]; k++)
    for (uint64_t seed = 0; seed < 2 && !found[0]; seed++, images++) {
      char when[64];
      const int acked = (int)sim_lose_power(t, k, seed);
      snprintf(when, sizeof when, "power lost after operation %zu", k);
      judge(when, acked, NULL);
    }
  sim_trace_free(t);
}
static void search_failed_syncs(void) {
  for (int nth = 1; nth <= 20 && !found[0]; nth++) {
    char when[64];
    snprintf(when, sizeof when, "sync %d failed", nth);
    sim_reset();
    struct sim_trace *t = run(nth);
    sim_fail(0, 0, false, false);
    (void)sim_lose_power(t, sim_trace_length(t), 1);
    judge(when, 0, &ledger);
    sim_trace_free(t);
  }
}

static void nothing_without_a_bug(void **state) {
  (void)state;
  static const struct bug none = {"none", SOUND};
  planted = &none;
  found[0] = '\0', images = 0;
  search_power_loss();
  search_failed_syncs();
  print_message("%ld images\n", images);
  planted = NULL;
  assert_string_equal(found, "");
}

static void each_is_found(void **state) {
  (void)state;
  int missed = 0;
  for (size_t b = 0; b < sizeof bugs / sizeof *bugs; b++) {
    planted = &bugs[b];
    found[0] = '\0';
    sim_reset();
    if (planted->kind == COMMIT_IGNORED) search_failed_syncs();
    else search_power_loss();
    planted = NULL;
    missed += !found[0];
    print_message("%s: %.200s\n", bugs[b].name, found[0] ? found : "NOT FOUND");
  }
  assert_int_equal(missed, 0);
}

int main(void) {
  work = &work_service;
  sim_init();
  const struct CMUnitTest tests[] = {RIG_TEST(nothing_without_a_bug), RIG_TEST(each_is_found)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
