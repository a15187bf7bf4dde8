// Tests of store/store.h, id.h and the rows of backtests and idempotency: what is acknowledged is there, what failed is not, tenants apart.
#include "loop/loop.h"
#include "store/backtest_rows.h"
#include "store/backup.h"
#include "store/db.h"
#include "store/id.h"
#include "store/idem_rows.h"
#include "store/migrate.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW INT64_C(1800000000000000000)

static char dir[64];
static struct loop *loop;
static struct store *store;
static int told, failed, wanted;

static void open_store(void) {
  const struct store_options options = {loop};
  struct err err;
  if (store_open(dir, &options, &store, &err) != OK) fail_msg("%s", err.msg);
}

static int setup(void **state) {
  (void)state;
  struct err err;
  snprintf(dir, sizeof dir, "/tmp/perigee-store-XXXXXX");
  assert_non_null(mkdtemp(dir));
  assert_int_equal(loop_create(&loop, NULL, &err), OK);
  open_store();
  told = failed = 0;
  return 0;
}
static int teardown(void **state) {
  (void)state;
  store_close(store);
  loop_destroy(loop);
  char command[100];
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  return system(command);
}

static enum status insert(struct db *db, void *arg, struct err *err) {
  const int64_t n = (int64_t)(intptr_t)arg;
  char name[32];
  snprintf(name, sizeof name, "row%lld", (long long)n);
  enum status st = db_run(db, NULL, err, "INSERT INTO meta (name, value) VALUES (?, x'00')", "t", name);
  // Every tenth fails after having written.
  return st == OK && n % 10 == 9 ? err_set(err, ERR_INVALID, "the ninth") : st;
}
static void on_done(void *arg, enum status st, const struct err *err) {
  (void)arg;
  if (st != OK) assert_true(err->msg[0] != '\0');
  failed += st != OK;
  if (++told == wanted) loop_stop(loop);
}
static int64_t count(struct db *db) {
  struct db_rows rows;
  struct err err;
  int64_t n = -1;
  enum status st = db_query(db, &rows, &err, "SELECT count(*) FROM meta WHERE name LIKE 'row%'", "");
  if (st == OK && db_next(&rows)) n = db_int(&rows, 0);
  assert_int_equal(db_end(&rows, st, &err), OK);
  return n;
}

static void groups(void **state) {
  (void)state;
  wanted = 500;
  for (intptr_t i = 0; i < wanted; i++) store_write(store, STORE_CONTROL, insert, on_done, (void *)i);
  loop_run(loop);
  assert_int_equal(told, 500);
  assert_int_equal(failed, 50);
  assert_int_equal(count(store_reader(store, STORE_CONTROL)), 450);
  assert_true(store_stats(store, STORE_CONTROL).commits < 500);
  // A constraint is told as ERR_EXISTS, and nothing of it stays.
  struct err err;
  assert_int_equal(store_write_sync(store, STORE_CONTROL, insert, (void *)0, &err), ERR_EXISTS);
  store_close(store);
  open_store();
  assert_int_equal(count(store_reader(store, STORE_CONTROL)), 450);
}

static void close_commits(void **state) {
  (void)state;
  for (intptr_t i = 0; i < 8; i++) store_write(store, STORE_CONTROL, insert, NULL, (void *)i);
  store_close(store);
  open_store();
  assert_int_equal(count(store_reader(store, STORE_CONTROL)), 8);
}

static void settles(void **state) {
  (void)state;
  wanted = 300;
  told = 0;
  for (intptr_t i = 0; i < wanted; i++) store_write(store, STORE_CONTROL, insert, on_done, (void *)i);
  store_settle(store, loop);
  assert_int_equal(told, 300);
  assert_int_equal(count(store_reader(store, STORE_CONTROL)), 270);
}

static void one_at_a_time(void **state) {
  (void)state;
  struct store *second;
  struct err err;
  const struct store_options options = {loop};
  assert_int_equal(store_open(dir, &options, &second, &err), ERR_EXISTS);
  char pid[32];
  snprintf(pid, sizeof pid, "process %d", (int)getpid());
  assert_non_null(strstr(err.msg, pid));
}

static enum status from_the_future(struct db *db, void *arg, struct err *err) {
  (void)arg;
  return db_script(db, "PRAGMA user_version=9999", err);
}
static void newer_files(void **state) {
  (void)state;
  struct err err;
  assert_int_equal(store_write_sync(store, STORE_CONTROL, from_the_future, NULL, &err), OK);
  store_close(store);
  store = NULL;
  const struct store_options options = {loop};
  assert_int_equal(store_open(dir, &options, &store, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "newer"));
}

static enum status reader_writes(struct db *db, struct err *err) { return db_run(db, NULL, err, "DELETE FROM meta", ""); }
static void readers_do_not_write(void **state) {
  (void)state;
  struct err err;
  assert_int_not_equal(reader_writes(store_reader(store, STORE_CONTROL), &err), OK);
}

// A guarded connection writes nothing once its transaction is gone.
static enum status goes_on_after_rollback(struct db *db, void *arg, struct err *err) {
  (void)arg;
  assert_int_equal(insert(db, (void *)1, err), OK);
  assert_int_equal(db_script(db, "ROLLBACK", err), OK);
  assert_int_equal(insert(db, (void *)2, err), ERR_IO);
  return OK;
}
static void no_second_half_alone(void **state) {
  (void)state;
  struct err err;
  assert_int_equal(store_write_sync(store, STORE_CONTROL, goes_on_after_rollback, NULL, &err), ERR_IO);
  assert_int_equal(count(store_reader(store, STORE_CONTROL)), 0);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, insert, (void *)3, &err), OK);
}

// ---- a full queue

static int refused;
static void on_full(void *arg, enum status st, const struct err *err) {
  (void)arg, (void)err;
  assert_true(st == OK || st == ERR_LIMIT);
  refused += st == ERR_LIMIT;
  if (++told == wanted) loop_stop(loop);
}
static enum status slow(struct db *db, void *arg, struct err *err) {
  (void)db, (void)err, (void)arg;
  usleep(20000);
  return OK;
}
static void queue_is_bounded(void **state) {
  (void)state;
  struct err err;
  store_close(store);
  const struct store_options options = {.loop = loop, .queue_max = 10};
  assert_int_equal(store_open(dir, &options, &store, &err), OK);
  wanted = 50, refused = 0;
  for (int i = 0; i < wanted; i++) store_write(store, STORE_CONTROL, slow, on_full, NULL);
  loop_run(loop);
  assert_int_equal(told, wanted);
  assert_true(refused >= 20 && refused <= 40);  // at most one batch of 10 was taken meanwhile
}

// ---- backups

static void backup_and_restore(void **state) {
  (void)state;
  struct err err;
  char to[100], path[200];
  int64_t bytes = 0;
  snprintf(to, sizeof to, "%s/copy", dir);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, insert, (void *)1, &err), OK);
  if (store_backup(dir, to, &bytes, &err) != OK) fail_msg("%s", err.msg);  // while the store is open
  assert_true(bytes > 0);
  assert_int_equal(store_backup(dir, to, NULL, &err), ERR_EXISTS);
  assert_int_equal(store_backup_verify(to, &err), OK);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, insert, (void *)2, &err), OK);
  assert_int_equal(store_restore(to, dir, &err), ERR_EXISTS);  // in use
  store_close(store);
  store = NULL;
  if (store_restore(to, dir, &err) != OK) fail_msg("%s", err.msg);
  open_store();
  assert_int_equal(count(store_reader(store, STORE_CONTROL)), 1);
  store_close(store);
  store = NULL;
  // What was replaced is kept, and not overwritten by the next restore.
  snprintf(path, sizeof path, "%s/control.db.before-restore", dir);
  assert_int_equal(access(path, F_OK), 0);
  assert_int_equal(store_restore(to, dir, &err), ERR_EXISTS);
  // A restore that was cut off: no start until it is run again.
  snprintf(path, sizeof path, "%s/%s", dir, STORE_RESTORING);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fclose(f);
  const struct store_options options = {loop};
  assert_int_equal(store_open(dir, &options, &store, &err), ERR_INVALID);
  store = NULL;
  assert_int_equal(store_restore(to, dir, &err), OK);
  open_store();
  assert_int_equal(count(store_reader(store, STORE_CONTROL)), 1);
  store_close(store);
  store = NULL;
  // One byte of the backup is another one: refused, nothing is touched.
  snprintf(path, sizeof path, "%s/control.db", to);
  f = fopen(path, "r+");
  assert_non_null(f);
  fseek(f, 5000, SEEK_SET);
  const int c = getc(f);
  fseek(f, 5000, SEEK_SET);
  putc(c ^ 1, f);
  fclose(f);
  assert_int_equal(store_restore(to, dir, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "not what was backed up"));
  open_store();
}

// ---- rows

static struct backtest_row seen;
static char seen_result[64];
static int seen_count;
static void see(void *arg, const struct backtest_row *row) {
  (void)arg;
  seen = *row;
  seen_count++;
  snprintf(seen_result, sizeof seen_result, "%s", row->result ? row->result : "(none)");
}

static enum status backtests_write(struct db *db, void *arg, struct err *err) {
  (void)arg;
  for (int64_t id = 1; id <= 4; id++) {
    const struct backtest_row row = {.id = id, .tenant_id = id == 4 ? 2 : 1, .strategy_id = 7, .version = 1, .created_ns = NOW, .request = "{}"};
    enum status st = backtest_insert(db, &row, err);
    if (st != OK) return st;
  }
  assert_int_equal(backtest_start(db, 2, 1, NOW, err), ERR_NOTFOUND);
  assert_int_equal(backtest_start(db, 1, 1, NOW, err), OK);
  assert_int_equal(backtest_delete(db, 1, BACKTEST_ONE, 1, err), ERR_NOTFOUND);
  assert_int_equal(backtest_finish(db, 2, 1, BACKTEST_DONE, NOW, NULL, "{}", 2, NULL, err), ERR_NOTFOUND);
  assert_int_equal(backtest_finish(db, 1, 1, BACKTEST_DONE, NOW, NULL, "{\"a\":1}", 7, "{\"trades\":1}", err), OK);
  assert_int_equal(backtest_finish(db, 1, 1, BACKTEST_FAILED, NOW, "late", NULL, 0, NULL, err), ERR_NOTFOUND);
  return OK;
}
static enum status backtests_delete(struct db *db, void *arg, struct err *err) {
  (void)arg;
  assert_int_equal(backtest_delete(db, 2, BACKTEST_ONE, 1, err), ERR_NOTFOUND);
  return backtest_delete(db, 1, BACKTEST_ONE, 1, err);
}

static void backtests(void **state) {
  (void)state;
  struct err err;
  struct db *db = store_reader(store, STORE_CONTROL);
  if (store_write_sync(store, STORE_CONTROL, backtests_write, NULL, &err) != OK) fail_msg("%s", err.msg);
  assert_int_equal(backtest_get(db, 1, BACKTEST_ONE, 1, true, see, NULL, &err), OK);
  assert_int_equal(seen.state, BACKTEST_DONE);
  assert_string_equal(seen_result, "{\"a\":1}");
  assert_int_equal(backtest_get(db, 2, BACKTEST_ONE, 1, true, see, NULL, &err), ERR_NOTFOUND);
  seen_count = 0;
  assert_int_equal(backtest_list(db, 1, BACKTEST_ONE, 0, INT64_MAX, 2, see, NULL, &err), OK);
  assert_int_equal(seen_count, 2);
  assert_int_equal(seen.id, 2);
  assert_int_equal(backtest_list(db, 1, BACKTEST_ONE, 0, seen.id, 2, see, NULL, &err), OK);
  assert_int_equal(seen.id, 1);
  int64_t open = 0;
  assert_int_equal(backtest_count_open(db, 1, &open, &err), OK);
  assert_int_equal(open, 2);
  seen_count = 0;
  assert_int_equal(backtest_list_unfinished(db, see, NULL, &err), OK);
  assert_int_equal(seen_count, 3);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, backtests_delete, NULL, &err), OK);
  assert_int_equal(backtest_get(db, 1, BACKTEST_ONE, 1, false, see, NULL, &err), ERR_NOTFOUND);
}

// Tenant 3 has more results than are kept: first by number, then by size; tenant 4's are no part of it.
#define RESULTS_FROM 1000
static enum status done_with(struct db *db, int64_t id, int64_t tenant, struct err *err) {
  const struct backtest_row row = {.id = id, .tenant_id = tenant, .strategy_id = 7, .version = 1, .created_ns = NOW, .request = "{}"};
  enum status st = backtest_insert(db, &row, err);
  return st == OK ? backtest_finish(db, tenant, id, BACKTEST_DONE, NOW, NULL, "{}", 2, NULL, err) : st;
}
static enum status many_results(struct db *db, void *arg, struct err *err) {
  (void)arg;
  enum status st = done_with(db, 999, 4, err);
  for (int64_t i = 0; st == OK && i < BACKTEST_RESULTS_MAX + 3; i++) st = done_with(db, RESULTS_FROM + i, 3, err);
  return st;
}
static enum status large_results(struct db *db, void *arg, struct err *err) {
  (void)arg;
  enum status st = db_run(db, NULL, err, "UPDATE backtest_results SET bytes = ? WHERE tenant_id = 3", "i", BACKTEST_RESULTS_BYTES / 4);
  return st == OK ? done_with(db, 5000, 3, err) : st;
}
static enum status one_too_large(struct db *db, void *arg, struct err *err) {
  (void)arg;
  enum status st = db_run(db, NULL, err, "UPDATE backtest_results SET bytes = ? WHERE tenant_id = 3", "i", 2 * BACKTEST_RESULTS_BYTES);
  return st == OK ? done_with(db, 5001, 3, err) : st;
}
static enum status erase_three(struct db *db, void *arg, struct err *err) {
  (void)arg;
  return backtest_erase_tenant(db, 3, err);
}
static int results_of(struct db *db, int64_t tenant, int64_t *ret_oldest) {
  struct db_rows r;
  struct err err;
  int n = 0;
  enum status st = db_query(db, &r, &err, "SELECT id FROM backtests WHERE tenant_id = ? AND result IS NOT NULL ORDER BY id DESC", "i", tenant);
  for (; st == OK && db_next(&r); n++) *ret_oldest = db_int(&r, 0);
  assert_int_equal(db_end(&r, st, &err), OK);
  return n;
}

static void old_results(void **state) {
  (void)state;
  struct err err;
  struct db *db = store_reader(store, STORE_CONTROL);
  int64_t oldest;
  assert_int_equal(store_write_sync(store, STORE_CONTROL, many_results, NULL, &err), OK);
  assert_int_equal(results_of(db, 3, &oldest), BACKTEST_RESULTS_MAX);
  assert_int_equal(oldest, RESULTS_FROM + 3);
  assert_int_equal(backtest_get(db, 3, BACKTEST_ONE, RESULTS_FROM, true, see, NULL, &err), OK);  // the row stays
  assert_int_equal(seen.state, BACKTEST_DONE);
  assert_string_equal(seen_result, "(none)");
  assert_int_equal(store_write_sync(store, STORE_CONTROL, large_results, NULL, &err), OK);
  assert_int_equal(results_of(db, 3, &oldest), 4);  // the new one, of 2 bytes, and three quarters
  assert_int_equal(store_write_sync(store, STORE_CONTROL, one_too_large, NULL, &err), OK);
  assert_int_equal(results_of(db, 3, &oldest), 1);
  assert_int_equal(oldest, 5001);
  assert_int_equal(results_of(db, 4, &oldest), 1);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, erase_three, NULL, &err), OK);
  assert_int_equal(backtest_get(db, 3, BACKTEST_ONE, 5001, true, see, NULL, &err), ERR_NOTFOUND);
  assert_int_equal(results_of(db, 4, &oldest), 1);
}

static uint8_t key[IDEM_HASH_BYTES] = {1};
static enum status idem_write(struct db *db, void *arg, struct err *err) {
  const struct idem_row row = {.body_hash = {2}, .status = 201, .answer = (uint8_t *)"sealed", .answer_len = 6};
  return idem_put(db, key, *(int64_t *)arg, &row, err);
}
static void idempotency(void **state) {
  (void)state;
  struct err err;
  struct idem_row row;
  struct db *db = store_reader(store, STORE_CONTROL);
  int64_t then = NOW;
  assert_int_equal(idem_get(db, key, NOW, &row, &err), ERR_NOTFOUND);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, idem_write, &then, &err), OK);
  assert_int_equal(idem_get(db, key, NOW + IDEM_KEEP_NS - 1, &row, &err), OK);
  assert_int_equal(row.status, 201);
  assert_int_equal(row.answer_len, 6);
  assert_memory_equal(row.answer, "sealed", 6);
  free(row.answer);
  assert_int_equal(idem_get(db, key, NOW + IDEM_KEEP_NS, &row, &err), ERR_NOTFOUND);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, idem_write, &then, &err), ERR_EXISTS);
  then += IDEM_KEEP_NS;  // the old one is swept by the next write
  assert_int_equal(store_write_sync(store, STORE_CONTROL, idem_write, &then, &err), OK);
}

static void ids(void **state) {
  (void)state;
  struct id_source source = {.node = 3};
  int64_t last = 0;
  for (int i = 0; i < 10000; i++) {
    const int64_t id = id_make(&source, NOW - i * INT64_C(1000000));  // the clock goes back all the time
    assert_true(id > last);
    last = id;
  }
  assert_true(id_ms(last) >= NOW / 1000000 && id_ms(last) <= NOW / 1000000 + 3);
  char text[ID_TEXT_SIZE];
  int64_t back;
  id_format("usr", last, text);
  assert_int_equal(strlen(text), 17);
  assert_true(id_parse("usr", text, 17, &back) && back == last);
  assert_false(id_parse("org", text, 17, &back));
  assert_false(id_parse("usr", text, 16, &back));
  id_format("usr", INT64_MAX, text);
  assert_true(id_parse("usr", text, 17, &back) && back == INT64_MAX);
  text[4] = '8';
  assert_false(id_parse("usr", text, 17, &back));
  assert_false(id_parse("usr", "usr_0000000000ILO", 17, &back));
}

// A server is killed while it starts a child: until the child's exec the lock is held by somebody who is not a server.
static void killed_while_forking(void **state) {
  (void)state;
  struct err err;
  int fd;
  store_close(store);
  store = NULL;
  const pid_t server = fork();
  if (server == 0) {
    if (store_lock(dir, &fd, &err) != OK) _exit(1);
    if (fork() == 0) {
      usleep(200000);
      execl("/bin/true", "true", (char *)NULL);
      _exit(127);
    }
    _exit(0);
  }
  int how;
  assert_int_equal(waitpid(server, &how, 0), server);
  assert_int_equal(how, 0);
  open_store();
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      T(groups), T(settles), T(close_commits), T(one_at_a_time), T(newer_files), T(readers_do_not_write), T(no_second_half_alone), T(queue_is_bounded), T(backup_and_restore), T(backtests), T(old_results), T(idempotency), T(killed_while_forking),
#undef T
      cmocka_unit_test(ids),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
