// tests/store/power_loss.c – loses power after every operation of a run of the store, many times with different luck, and
// looks whether what was told as committed is there, whole, and nothing else.   power_loss [IMAGES]
//
// The last tests plant bugs and demand that the same checks find them.
#include "sim_vfs.h"
#include "workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static long images = 50000;
static char dir[64];

static const char *path_of(enum store_file file) {
  static char path[100];
  snprintf(path, sizeof path, "%s/%s.db", dir, file == STORE_CONTROL ? "control" : file == STORE_JOURNAL ? "journal" : "market");
  return path;
}

static struct store *open_store(void) {
  struct store *store;
  struct err err;
  // So few pages that the log moves into the file several times within the run.
  const struct store_options options = {.checkpoint_pages = 12};
  if (store_open(dir, &options, &store, &err) != OK) fail_msg("%s", err.msg);
  return store;
}

static int setup(void **state) {
  (void)state;
  sim_reset();
  snprintf(dir, sizeof dir, "/tmp/perigee-power-XXXXXX");
  return mkdtemp(dir) ? 0 : -1;
}
static int teardown(void **state) {
  (void)state;
  char command[100];
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  return system(command);
}

// A run of `jobs` jobs. early: the bug of telling before the commit.
static struct sim_trace *run(enum store_file file, int jobs, bool early) {
  struct ledger l = {0};
  struct err err;
  struct store *store = open_store();
  assert_int_equal(work_create(store, file, &err), OK);
  sim_record();
  for (int i = 1; i <= jobs; i++) {
    if (early) sim_mark(i);
    const enum status st = work_job(store, file, i, &l, &err);
    assert_int_equal(st, work_fails(i) ? ERR_CANCELLED : OK);
    sim_mark(i);
  }
  store_close(store);
  return sim_take();
}

// Loses power `count` times, spread over all operations. How many times something was wrong; the first is kept in ret_what.
static long lose(struct sim_trace *t, enum store_file file, int jobs, long count, char ret_what[2000]) {
  const size_t ops = sim_trace_length(t);
  long bad = 0, done = 0;
  ret_what[0] = '\0';
  for (size_t k = 0; k <= ops; k++) {
    const long until = (long)((double)count * (double)(k + 1) / (double)(ops + 1));
    for (; done < until; done++) {
      const int acked = (int)sim_lose_power(t, k, (uint64_t)done);
      const char *what = work_check(path_of(file), acked, jobs, NULL, true);
      if (what[0] && bad++ == 0) snprintf(ret_what, 2000, "power lost after operation %zu of %zu, seed %ld: %s", k, ops, done, what);
    }
  }
  return bad;
}

static void nothing_told_is_lost(void **state) {
  (void)state;
  char what[2000];
  struct sim_trace *t = run(STORE_CONTROL, JOBS_MAX, false);
  const long bad = lose(t, STORE_CONTROL, JOBS_MAX, images, what);
  print_message("%ld images of %zu operations\n", images, sim_trace_length(t));
  sim_trace_free(t);
  if (bad) fail_msg("%ld images are wrong; %s", bad, what);
}

// market.db may lose the last commits; it may not break or mix them.
static void normal_keeps_order(void **state) {
  (void)state;
  struct err err;
  struct ledger l = {0};
  struct store *store = open_store();
  assert_int_equal(work_create(store, STORE_MARKET, &err), OK);
  store_close(store);  // the tables are in the file
  store = open_store();
  sim_record();
  for (int i = 1; i <= JOBS_MAX; i++) (void)!work_job(store, STORE_MARKET, i, &l, &err);
  store_close(store);
  struct sim_trace *t = sim_take();
  char what[2000];
  const long bad = lose(t, STORE_MARKET, JOBS_MAX, images / 5, what);  // no marks: nothing is promised
  sim_trace_free(t);
  if (bad) fail_msg("%ld images are wrong; %s", bad, what);
}

// Power is lost while the files are made and migrated: the next start does it again.
static void migrations_start_anew(void **state) {
  (void)state;
  sim_record();
  store_close(open_store());
  struct sim_trace *t = sim_take();
  const size_t ops = sim_trace_length(t), step = ops * 50 / (size_t)images + 1;
  for (size_t k = 0; k <= ops; k += step) {
    (void)sim_lose_power(t, k, k);
    struct err err;
    struct ledger l = {0};
    struct store *store = open_store();
    assert_int_equal(work_create(store, STORE_CONTROL, &err), OK);
    assert_int_equal(work_job(store, STORE_CONTROL, 1, &l, &err), OK);
    store_close(store);
    assert_string_equal(work_check(path_of(STORE_CONTROL), 1, 1, NULL, true), "");
  }
  sim_trace_free(t);
}

// ---- planted: these must be found

static void teeth(enum store_file file, bool early) {
  char what[2000];
  struct sim_trace *t = run(file, JOBS_MAX, early);
  const long count = images < 3000 ? images : 3000, bad = lose(t, file, JOBS_MAX, count, what);
  sim_trace_free(t);
  print_message("%ld of %ld images show it, first: %s\n", bad, count, what);
  assert_true(bad > 0);
}
static void teeth_synchronous_normal(void **state) {
  (void)state;
  teeth(STORE_MARKET, false);  // synchronous=NORMAL, judged as if it were FULL
}
static void teeth_told_before_commit(void **state) {
  (void)state;
  teeth(STORE_CONTROL, true);
}
static void teeth_log_not_synced(void **state) {
  (void)state;
  sim_lie(true, false);
  teeth(STORE_CONTROL, false);
}
static void teeth_file_not_synced(void **state) {
  (void)state;
  sim_lie(false, true);  // the log is reused while what it moved is not on the disk
  teeth(STORE_CONTROL, false);
}

int main(int argc, char **argv) {
  if (argc > 1) images = atol(argv[1]);
  if (images < 1000) return 2;
  sim_init();
  const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    T(nothing_told_is_lost), T(normal_keeps_order), T(migrations_start_anew),
    T(teeth_synchronous_normal), T(teeth_told_before_commit), T(teeth_log_not_synced), T(teeth_file_not_synced),
#undef T
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
