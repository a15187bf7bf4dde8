// Tests of the writer threads (store/writer.c, store/checkpoint.c): what may wait comes last and hinders nobody, and logs stay short while
// writes go on.
#include "loop/loop.h"
#include "store/db.h"
#include "store/store.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];
static struct loop *loop;
static struct store *store;
static struct store_options options;
static int order[64], done;
static _Atomic bool entered;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;  // held by a test: the writer waits in `hold`

static void open_store(void) {
  struct err err;
  if (store_open(dir, &options, &store, &err) != OK) fail_msg("%s", err.msg);
}
static int setup(void **state) {
  (void)state;
  struct err err;
  snprintf(dir, sizeof dir, "/tmp/perigee-writer-XXXXXX");
  assert_non_null(mkdtemp(dir));
  assert_int_equal(loop_create(&loop, NULL, &err), OK);
  options = (struct store_options){.loop = loop, .checkpoint_pages = 50};
  open_store();
  done = 0;
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

static enum status hold(struct db *db, void *arg, struct err *err) {
  (void)db, (void)arg, (void)err;
  entered = true;
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  return OK;
}
static enum status nothing(struct db *db, void *arg, struct err *err) {
  (void)db, (void)arg, (void)err;
  return OK;
}
static void on_done(void *arg, enum status st, const struct err *err) {
  (void)err;
  assert_int_equal(st, OK);
  order[done++] = (int)(intptr_t)arg;
}
static void now(int n) { store_write(store, STORE_MARKET, nothing, on_done, (void *)(intptr_t)n); }
static void later(int n) { store_write_later(store, STORE_MARKET, nothing, on_done, (void *)(intptr_t)n); }
static void along(int n) { store_write_along(store, STORE_MARKET, nothing, on_done, (void *)(intptr_t)n); }
static void assert_order(const int *want, int count) {
  while (done < count) loop_turn(loop, true);
  for (int i = 0; i < count; i++) assert_int_equal(order[i], want[i]);
}

// Behind a writer that is held up: all that is handed in now before what may wait.
static void what_may_wait_comes_last(void **state) {
  (void)state;
  options.by_hand = true;  // without a clock: nothing has waited for too long
  store_close(store);
  open_store();
  later(1), now(2), later(3), now(4);
  const uint64_t commits = store_stats(store, STORE_MARKET).commits;
  while (store_turn(store, STORE_MARKET)) continue;
  assert_order((const int[]){2, 4, 1, 3}, 4);
  assert_int_equal(store_stats(store, STORE_MARKET).commits, commits + 3);  // the later ones alone
  done = 0;
  later(1), now(2), later(3);
  store_promote(store, STORE_MARKET);
  now(4), later(5);
  while (store_turn(store, STORE_MARKET)) continue;
  assert_order((const int[]){2, 1, 3, 4, 5}, 5);
}

// And does wait no longer than it must: however many come.
static void what_may_wait_does_not_starve(void **state) {
  (void)state;
  pthread_mutex_lock(&gate);
  store_write(store, STORE_MARKET, hold, NULL, NULL);
  while (!entered) usleep(1000);
  later(0);
  now(1);
  usleep(30000);  // longer than it may
  pthread_mutex_unlock(&gate);
  assert_order((const int[]){0, 1}, 2);
}

// What asks for company is committed with what comes next, before it; alone, when nothing comes.
static void company(void **state) {
  (void)state;
  bool together = false;
  for (int i = 0; i < 200 && !together; i++) {  // on a machine that is busy enough, what follows comes too late
    const uint64_t commits = store_stats(store, STORE_MARKET).commits;
    done = 0;
    along(1);
    usleep(2000);
    now(2);
    assert_order((const int[]){1, 2}, 2);
    together = store_stats(store, STORE_MARKET).commits == commits + 1;
  }
  assert_true(together);
  done = 0;
  along(1);
  assert_order((const int[]){1}, 1);
  // Who waits for something else does not write it before its time, and loses nothing.
  done = 0;
  along(1), later(2), now(3);
  while (done < 3) loop_turn(loop, true);
  assert_true(order[0] != 3 || order[1] != 1);
}

// ---- what is not synced is whole, and there after what was

static enum status put(struct db *db, void *arg, struct err *err) {
  char name[32];
  snprintf(name, sizeof name, "row%d", (int)(intptr_t)arg);
  return db_run(db, NULL, err, "INSERT INTO meta (name, value) VALUES (?, x'00')", "t", name);
}
static int64_t ask(const char *sql) {
  struct db_rows rows;
  struct err err;
  int64_t n = -1;
  enum status st = db_query(store_reader(store, STORE_CONTROL), &rows, &err, sql, "");
  if (st == OK && db_next(&rows)) n = db_int(&rows, 0);
  assert_int_equal(db_end(&rows, st, &err), OK);
  return n;
}
static enum status how_synced(struct db *db, void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "PRAGMA synchronous", "");
  if (st == OK && db_next(&rows)) *(int64_t *)arg = db_int(&rows, 0);
  return db_end(&rows, st, err);
}

static void only_what_may_wait_is_not_synced(void **state) {
  (void)state;
  static int64_t first, second;
  struct err err;
  store_write_later(store, STORE_CONTROL, how_synced, on_done, &first);
  store_write_later(store, STORE_CONTROL, put, on_done, (void *)1);
  store_settle(store, loop);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, how_synced, &second, &err), OK);
  assert_int_equal(first, 1);   // NORMAL
  assert_int_equal(second, 2);  // FULL
  store_close(store);
  open_store();
  assert_int_equal(ask("SELECT count(*) FROM meta WHERE name LIKE 'row%'"), 1);
}

// ---- the log

#define BLOB 20000
static enum status fill(struct db *db, void *arg, struct err *err) {
  char name[32];
  snprintf(name, sizeof name, "row%d", (int)(intptr_t)arg);
  return db_run(db, NULL, err, "INSERT INTO meta (name, value) VALUES (?, zeroblob(20000))", "t", name);  // five pages
}

static void logs_stay_short(void **state) {
  (void)state;
  struct err err;
  int n = 0;
  do {
    assert_int_equal(store_write_sync(store, STORE_CONTROL, fill, (void *)(intptr_t)n++, &err), OK);
    assert_true(n < 5000);  // however busy the disk is: some time the log begins anew
  } while (n < 100 || store_watch(store, STORE_CONTROL).log_bytes > (int64_t)n * BLOB / 3);
  assert_true(store_watch(store, STORE_CONTROL).file_bytes > (int64_t)n * BLOB / 2);  // most is in the file
  assert_int_equal(ask("SELECT count(*) FROM meta WHERE name LIKE 'row%'"), n);
  store_close(store);
  open_store();
  assert_int_equal(ask("SELECT count(*) FROM meta WHERE name LIKE 'row%' AND length(value) = 20000"), n);
}

// Somebody reads an old moment meanwhile, as a backup does: the log grows, nothing is lost, and afterwards it is short again.
static void a_reader_holds_the_log(void **state) {
  (void)state;
  struct err err;
  struct db *reader = store_reader(store, STORE_CONTROL);
  assert_int_equal(store_write_sync(store, STORE_CONTROL, fill, (void *)9999, &err), OK);
  assert_int_equal(db_script(reader, "BEGIN", &err), OK);
  assert_int_equal(ask("SELECT count(*) FROM meta WHERE name LIKE 'row%'"), 1);
  for (int i = 0; i < 100; i++) assert_int_equal(store_write_sync(store, STORE_CONTROL, fill, (void *)(intptr_t)i, &err), OK);
  assert_int_equal(ask("SELECT count(*) FROM meta WHERE name LIKE 'row%'"), 1);
  const int64_t held = store_watch(store, STORE_CONTROL).log_bytes;
  assert_true(held > 100 * 20000);
  assert_int_equal(db_script(reader, "COMMIT", &err), OK);
  int n = 100;
  do {
    assert_int_equal(store_write_sync(store, STORE_CONTROL, fill, (void *)(intptr_t)n++, &err), OK);
    assert_true(n < 5000);
  } while (n < 200 || store_watch(store, STORE_CONTROL).log_bytes - held > (int64_t)(n - 100) * BLOB / 3);  // it was begun anew
  assert_int_equal(ask("SELECT count(*) FROM meta WHERE name LIKE 'row%'"), n + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      T(what_may_wait_comes_last), T(what_may_wait_does_not_starve), T(only_what_may_wait_is_not_synced), T(logs_stay_short), T(a_reader_holds_the_log),
      T(what_may_wait_comes_last), T(company), T(only_what_may_wait_is_not_synced), T(logs_stay_short), T(a_reader_holds_the_log),
#undef T
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
