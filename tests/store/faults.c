// tests/store/faults.c – the disk refuses, or memory runs out, at every call of a run of the store, once and from then on.
// Nothing crashes or leaks, what was told as committed is there (also when the power goes right then), what was told as failed
// is there whole or not at all, and with a sound disk the next start works.   faults [STRIDE]
#include "sim_vfs.h"
#include "workload.h"

#include "store/db.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define JOBS 14

static char dir[64];
static int stride = 1;  // greater: fewer allocations fail

static const char *path_of(void) {
  static char path[100];
  snprintf(path, sizeof path, "%s/control.db", dir);
  return path;
}

// ---- memory: SQLite's calls go through its own hook, the store's calloc through the linker's --wrap

static sqlite3_mem_methods real_memory;
static int64_t allocations, allocation_nth;
static bool allocation_sticky;

static bool memory_out(void) {
  const int64_t n = __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
  const int64_t nth = __atomic_load_n(&allocation_nth, __ATOMIC_RELAXED);
  return nth && (allocation_sticky ? n >= nth : n == nth);
}
static void *hook_malloc(int n) { return memory_out() ? NULL : real_memory.xMalloc(n); }
static void *hook_realloc(void *p, int n) { return memory_out() ? NULL : real_memory.xRealloc(p, n); }

static int64_t own_allocations;
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) {
  __atomic_add_fetch(&own_allocations, 1, __ATOMIC_RELAXED);
  return memory_out() ? NULL : __real_calloc(n, size);
}
static void fail_memory(int64_t nth, bool sticky) {
  __atomic_store_n(&allocation_nth, 0, __ATOMIC_SEQ_CST);
  allocation_sticky = sticky;
  __atomic_store_n(&allocations, 0, __ATOMIC_SEQ_CST);
  __atomic_store_n(&allocation_nth, nth, __ATOMIC_SEQ_CST);
}

// ---- one run under faults

static enum status look(struct store *store, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(store_reader(store, STORE_CONTROL), &rows, err, "SELECT count(*) FROM item", "");
  while (st == OK && db_next(&rows)) {}
  return db_end(&rows, st, err);
}

struct outcome {
  struct ledger ledger;
  bool opened, created;
  int reads_failed;
};

static void run(struct outcome *o) {
  memset(o, 0, sizeof *o);
  struct err err;
  struct store *store;
  const struct store_options options = {.checkpoint_pages = 12};
  if (store_open(dir, &options, &store, &err) != OK) {
    assert_true(err.msg[0] != '\0');
    return;
  }
  o->opened = true;
  o->created = work_create(store, STORE_CONTROL, &err) == OK;
  for (int i = 1; i <= JOBS && o->created; i++) {
    err.msg[0] = '\0';
    if (work_job(store, STORE_CONTROL, i, &o->ledger, &err) != OK) assert_true(err.msg[0] != '\0');
    if (i % 5 == 0) o->reads_failed += look(store, &err) != OK;
  }
  store_close(store);
}

static void judge(const struct outcome *o, const char *what, int64_t nth, bool sticky, const char *when) {
  const char *wrong = work_check(path_of(), 0, o->ledger.issued, o->created ? &o->ledger : NULL, false);
  if (wrong[0]) fail_msg("%s %lld%s, %s: %s", what, (long long)nth, sticky ? " and after" : "", when, wrong);
}

static void start_again(const char *what, int64_t nth) {
  struct store *store;
  struct err err;
  if (store_open(dir, NULL, &store, &err) != OK) fail_msg("%s %lld: the next start fails: %s", what, (long long)nth, err.msg);
  store_close(store);
}

// Fails each call of these kinds in turn until a run needs no more of them.
static void every(unsigned kinds, bool sticky, bool full, const char *what) {
  int64_t nth = 1, calls;
  int refused = 0;
  do {
    sim_reset();
    sim_record();
    struct outcome o;
    sim_fail(kinds, nth, sticky, full);
    run(&o);
    calls = sim_calls();
    sim_fail(0, 0, false, false);
    struct sim_trace *t = sim_take();
    if (o.ledger.issued) {
      refused += !o.created;
      for (int i = 1; i <= o.ledger.issued; i++) refused += o.ledger.failed[i] && !work_fails(i);
    } else {
      refused++;
    }
    judge(&o, what, nth, sticky, "at once");
    start_again(what, nth);
    for (uint64_t seed = 0; seed < 3; seed++) {
      (void)sim_lose_power(t, sim_trace_length(t), seed);
      judge(&o, what, nth, sticky, "after power loss");
    }
    sim_trace_free(t);
    nth++;
  } while (nth <= calls + 1 && calls >= nth - 1);
  print_message("%s%s: %lld runs, in %d something was refused\n", what, sticky ? ", from then on" : "", (long long)nth - 1, refused);
  assert_true(nth > 10);
  assert_true(refused > 0);
}

static void reads(void **state) { (void)state; every(SIM_READ, false, false, "read"); every(SIM_READ, true, false, "read"); }
static void writes(void **state) { (void)state; every(SIM_WRITE, false, false, "write"); every(SIM_WRITE, true, false, "write"); }
static void syncs(void **state) { (void)state; every(SIM_SYNC, false, false, "sync"); every(SIM_SYNC, true, false, "sync"); }
static void disk_full(void **state) { (void)state; every(SIM_WRITE, false, true, "full"); every(SIM_WRITE, true, true, "full"); }
static void opens_and_the_rest(void **state) {
  (void)state;
  every(SIM_OPEN | SIM_OTHER, false, false, "open, delete, size, map");
  every(SIM_OPEN | SIM_OTHER, true, false, "open, delete, size, map");
}

// A full disk heals by itself, and reads go on meanwhile; a failed sync ends writing until the next start.
static void what_heals(void **state) {
  (void)state;
  struct ledger l = {0};
  struct err err;
  struct store *store;
  assert_int_equal(store_open(dir, NULL, &store, &err), OK);
  assert_int_equal(work_create(store, STORE_CONTROL, &err), OK);
  assert_int_equal(work_job(store, STORE_CONTROL, 1, &l, &err), OK);
  sim_fail(SIM_WRITE, 1, true, true);
  assert_int_equal(work_job(store, STORE_CONTROL, 2, &l, &err), ERR_IO);
  assert_non_null(strstr(err.msg, "full"));
  assert_int_equal(look(store, &err), OK);
  assert_false(store_stats(store, STORE_CONTROL).readonly);
  sim_fail(0, 0, false, false);
  assert_int_equal(work_job(store, STORE_CONTROL, 4, &l, &err), OK);
  sim_fail(SIM_SYNC, 1, false, false);
  assert_int_equal(work_job(store, STORE_CONTROL, 5, &l, &err), ERR_IO);
  sim_fail(0, 0, false, false);
  assert_true(store_stats(store, STORE_CONTROL).readonly);
  assert_int_equal(work_job(store, STORE_CONTROL, 6, &l, &err), ERR_IO);
  assert_non_null(strstr(err.msg, "until the next start"));
  assert_int_equal(look(store, &err), OK);
  // The other files go on.
  assert_int_equal(work_create(store, STORE_JOURNAL, &err), OK);
  store_close(store);
  const struct outcome o = {.ledger = l, .created = true};
  judge(&o, "sync", 1, false, "at the end");
  assert_int_equal(store_open(dir, NULL, &store, &err), OK);
  assert_int_equal(work_job(store, STORE_CONTROL, 7, &l, &err), OK);
  store_close(store);
}

static void memory(void **state) {
  (void)state;
  for (int sticky = 0; sticky < 2; sticky++) {
    int64_t nth = 1, used, own = 0;
    int refused = 0;
    // Most allocations are SQLite preparing the same statements: all of the beginning, then every few.
    for (;; nth += nth < 200 / stride ? 1 : (13 + nth % 7) * stride) {
      sim_reset();
      const int64_t before = sqlite3_memory_used(), own_before = own_allocations;
      struct outcome o;
      fail_memory(nth, sticky);
      run(&o);
      used = allocations;
      fail_memory(0, false);
      own = own_allocations - own_before;
      assert_int_equal(sqlite3_memory_used(), before);
      refused += !o.created;
      for (int i = 1; i <= o.ledger.issued; i++) refused += o.ledger.failed[i] && !work_fails(i);
      judge(&o, "allocation", nth, sticky, "at once");
      start_again("allocation", nth);
      if (used < nth) break;
    }
    print_message("memory%s: up to allocation %lld (%lld of a run are the store's own), refused %d\n", sticky ? ", from then on" : "",
      (long long)nth, (long long)own, refused);
    assert_true(nth > 100 && own > 5 && refused > 0);
  }
}

static int setup(void **state) {
  (void)state;
  sim_reset();
  snprintf(dir, sizeof dir, "/tmp/perigee-faults-XXXXXX");
  return mkdtemp(dir) ? 0 : -1;
}
static int teardown(void **state) {
  (void)state;
  char command[100];
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  return system(command);
}

int main(int argc, char **argv) {
  if (argc > 1 && (stride = atoi(argv[1])) < 1) return 2;
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
  sqlite3_mem_methods hooked = real_memory;
  hooked.xMalloc = hook_malloc;
  hooked.xRealloc = hook_realloc;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &hooked);
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);  // every small block counts
  sim_init();
  const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    T(reads), T(writes), T(syncs), T(disk_full), T(opens_and_the_rest), T(what_heals), T(memory),
#undef T
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
