// tests/store/power_loss.c – loses power after every operation of a run of the store, many times with different luck, and
// looks whether what was told as committed is there, whole, and nothing else.   power_loss toy|service IMAGES
#include "rig.h"

#include <sqlite3.h>

static long images = 50000;

// A run of the workload.
static struct sim_trace *run(void) {
  static struct ledger l;
  struct err err;
  struct store *store = rig_open();
  rig_begin(store, STORE_CONTROL);
  sim_record();
  for (int i = 1; i <= work->jobs; i++) {
    const enum status st = work->job(store, STORE_CONTROL, i, &l, &err);
    if ((st == OK) == work->refuses(i)) fail_msg("job %d: %s", i, st == OK ? "was not refused" : err.msg);
    sim_mark(i);
  }
  store_close(store);
  return sim_take();
}

// Loses power `count` times, spread over all operations. How many times something was wrong; the first is kept in ret_what.
static long lose(struct sim_trace *t, enum store_file file, long count, char ret_what[2000]) {
  const size_t ops = sim_trace_length(t);
  long bad = 0, done = 0;
  ret_what[0] = '\0';
  for (size_t k = 0; k <= ops; k++) {
    if (count >= 100000 && k % (ops / 20) == 0) {  // so long that somebody wonders
      print_message("%ld images after the first %zu of %zu operations, %ld wrong\n", done, k, ops, bad);
      fflush(NULL);
    }
    const long until = (long)((double)count * (double)(k + 1) / (double)(ops + 1));
    for (; done < until; done++) {
      const int acked = (int)sim_lose_power(t, k, (uint64_t)done);
      const char *what = rig_check(file, acked, work->jobs, NULL, true);
      if (what[0] && bad++ == 0) snprintf(ret_what, 2000, "power lost after operation %zu of %zu, seed %ld: %s", k, ops, done, what);
    }
  }
  return bad;
}

static void nothing_told_is_lost(void **state) {
  (void)state;
  char what[2000];
  struct sim_trace *t = run();
  const long bad = lose(t, STORE_CONTROL, images, what);
  print_message("%ld images of %zu operations, %ld of them different\n", images, sim_trace_length(t), rig_judged);
  sim_trace_free(t);
  if (bad) fail_msg("%ld images are wrong; %s", bad, what);
}

// market.db may lose the last commits; it may not break or mix them.
static void normal_keeps_order(void **state) {
  (void)state;
  struct err err;
  static struct ledger l;
  struct store *store = rig_open();
  rig_begin(store, STORE_MARKET);
  store_close(store);  // the tables are in the file
  store = rig_open();
  sim_record();
  for (int i = 1; i <= work->jobs; i++) (void)!work->job(store, STORE_MARKET, i, &l, &err);
  store_close(store);
  struct sim_trace *t = sim_take();
  char what[2000];
  const long bad = lose(t, STORE_MARKET, images / 5, what);  // no marks: nothing is promised
  sim_trace_free(t);
  if (bad) fail_msg("%ld images are wrong; %s", bad, what);
}

// Power is lost while the files are made and migrated: the next start does it again.
static void migrations_start_anew(void **state) {
  (void)state;
  sim_record();
  store_close(rig_open());
  struct sim_trace *t = sim_take();
  const size_t ops = sim_trace_length(t), step = ops * 50 / (size_t)images + 1;
  for (size_t k = 0; k <= ops; k += step) {
    (void)sim_lose_power(t, k, k);
    struct err err;
    static struct ledger l;
    struct store *store = rig_open();
    rig_begin(store, STORE_CONTROL);
    assert_int_equal(work->job(store, STORE_CONTROL, 1, &l, &err), OK);
    store_close(store);
    assert_string_equal(work->check(rig_path(STORE_CONTROL), 1, 1, NULL, true), "");
  }
  sim_trace_free(t);
}

int main(int argc, char **argv) {
  if (argc != 3 || !(work = work_named(argv[1])) || (images = atol(argv[2])) < 1000) return 2;
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);  // no lock around each allocation
  sim_init();
  const struct CMUnitTest tests[] = {RIG_TEST(nothing_told_is_lost), RIG_TEST(migrations_start_anew), RIG_TEST(normal_keeps_order)};
  // What is in market.db is the toy's only.
  return work == &work_toy ? cmocka_run_group_tests(tests, NULL, NULL) : _cmocka_run_group_tests("service", tests, 2, NULL, NULL);
}
