// tests/store/faults.c – the disk refuses, or memory runs out, at every call of a run of the store, once and from then on.
// Nothing crashes or leaks, what was told as committed is there (also when the power goes right then), what was told as failed
// is there whole or not at all, and with a sound disk the next start works.   faults toy|service [STRIDE [STRIDE OF CALLS]]
#include "rig.h"

#include "store/db.h"

#include <sqlite3.h>

static int stride = 1, call_stride = 1;  // greater: fewer allocations, fewer calls of the disk fail
static int jobs;                         // of a run
static struct sim_trace *ready;          // service: a disk on which all is made; faults begin with the first job (opening is the toy's)

// ---- memory: SQLite's calls go through its own hook, the program's through the linker's --wrap

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
static bool own_memory_out(void) {
  __atomic_add_fetch(&own_allocations, 1, __ATOMIC_RELAXED);
  return memory_out();
}
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);
void *__wrap_malloc(size_t size) { return own_memory_out() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t n, size_t size) { return own_memory_out() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t size) { return own_memory_out() ? NULL : __real_realloc(p, size); }
char *__wrap_strdup(const char *text) { return own_memory_out() ? NULL : __real_strdup(text); }
static void fail_memory(int64_t nth, bool sticky) {
  __atomic_store_n(&allocation_nth, 0, __ATOMIC_SEQ_CST);
  allocation_sticky = sticky;
  __atomic_store_n(&allocations, 0, __ATOMIC_SEQ_CST);
  __atomic_store_n(&allocation_nth, nth, __ATOMIC_SEQ_CST);
}

// ---- one run under faults

struct fault {
  const char *what;
  unsigned kinds;  // 0: memory
  int64_t nth;
  bool sticky, full;
};
static void arm(const struct fault *f) {
  if (f->kinds) sim_fail(f->kinds, f->nth, f->sticky, f->full);
  else fail_memory(f->nth, f->sticky);
}
static void disarm(void) {
  sim_fail(0, 0, false, false);
  fail_memory(0, false);
}

static enum status look(struct store *store, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(store_reader(store, STORE_CONTROL), &rows, err, work->look, "");
  while (st == OK && db_next(&rows)) {}
  return db_end(&rows, st, err);
}

struct outcome {
  struct ledger ledger;
  bool opened, created;
  int refused;  // things that did not work
};

static void blank_disk(void) {
  sim_reset();
  if (ready) (void)sim_lose_power(ready, 0, 0);
}

static void run(const struct fault *f, struct outcome *o) {
  memset(o, 0, sizeof *o);
  struct err err;
  struct store *store;
  const struct store_options options = {.checkpoint_pages = 12};
  if (!ready) arm(f);
  if (store_open(rig_dir, &options, &store, &err) != OK) {
    assert_true(err.msg[0] != '\0');
    o->refused = 1;
    return;
  }
  o->opened = true;
  o->created = work->begin(store, STORE_CONTROL, &err) == OK;
  if (ready) arm(f);
  for (int i = 1; i <= jobs && o->created; i++) {
    err.msg[0] = '\0';
    if (work->job(store, STORE_CONTROL, i, &o->ledger, &err) != OK) assert_true(err.msg[0] != '\0');
    if (i % 5 == 0) o->refused += look(store, &err) != OK;
  }
  store_close(store);
  o->refused += !o->created + ledger_failed(&o->ledger);
}

static void judge(const struct outcome *o, const struct fault *f, const char *when) {
  const char *wrong = rig_check(STORE_CONTROL, 0, o->ledger.issued, o->created ? &o->ledger : NULL, false);
  if (wrong[0]) fail_msg("%s %lld%s, %s: %s", f->what, (long long)f->nth, f->sticky ? " and after" : "", when, wrong);
}

static void start_again(const struct fault *f) {
  struct store *store;
  struct err err;
  if (store_open(rig_dir, NULL, &store, &err) != OK) fail_msg("%s %lld: the next start fails: %s", f->what, (long long)f->nth, err.msg);
  store_close(store);
}

// Fails each call of these kinds in turn until a run needs no more of them.
// A full disk differs from one that cannot write in the error alone: in CI every fourth.
static void every(unsigned kinds, bool sticky, bool full, const char *what) {
  static struct outcome o;
  const int step = call_stride * (full && stride > 1 ? 4 : 1);
  struct fault f = {what, kinds, 1, sticky, full};
  int64_t calls;
  int refused = 0, runs = 0;
  do {
    blank_disk();
    sim_record();
    run(&f, &o);
    calls = sim_calls();
    disarm();
    struct sim_trace *t = sim_take();
    refused += o.refused;
    judge(&o, &f, "at once");
    start_again(&f);
    for (uint64_t seed = 0; seed < (stride == 1 ? 2 : 1); seed++) {
      (void)sim_lose_power(t, sim_trace_length(t), seed);
      judge(&o, &f, "after power loss");
    }
    sim_trace_free(t);
    f.nth += step;
    runs++;
  } while (calls >= f.nth - step);
  print_message("%s%s: %d runs, in all %d things were refused; %ld images so far\n", what, sticky ? ", from then on" : "", runs, refused, rig_judged);
  assert_true(f.nth > 10);
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
  static struct outcome o;
  memset(&o, 0, sizeof o);
  o.created = true;
  struct ledger *l = &o.ledger;
  struct err err;
  struct store *store = rig_open();
  rig_begin(store, STORE_CONTROL);
  assert_int_equal(work->job(store, STORE_CONTROL, 1, l, &err), OK);
  sim_fail(SIM_WRITE, 1, true, true);
  assert_int_equal(work->job(store, STORE_CONTROL, 2, l, &err), ERR_IO);
  assert_non_null(strstr(err.msg, "full"));
  assert_int_equal(look(store, &err), OK);
  assert_false(store_stats(store, STORE_CONTROL).readonly);
  disarm();
  assert_int_equal(work->job(store, STORE_CONTROL, 4, l, &err), OK);
  sim_fail(SIM_SYNC, 1, false, false);
  assert_int_equal(work->job(store, STORE_CONTROL, 5, l, &err), ERR_IO);
  disarm();
  assert_true(store_stats(store, STORE_CONTROL).readonly);
  assert_int_equal(work->job(store, STORE_CONTROL, 6, l, &err), ERR_IO);
  assert_non_null(strstr(err.msg, "until the next start"));
  assert_int_equal(look(store, &err), OK);
  // The other files go on.
  rig_begin(store, STORE_JOURNAL);
  store_close(store);
  judge(&o, &(struct fault){.what = "sync", .nth = 1}, "at the end");
  assert_int_equal(store_open(rig_dir, NULL, &store, &err), OK);
  assert_int_equal(work->job(store, STORE_CONTROL, 7, l, &err), OK);
  store_close(store);
}

static void memory(void **state) {
  (void)state;
  static struct outcome o;
  for (int sticky = 0; sticky < 2; sticky++) {
    struct fault f = {"allocation", .nth = 1, .sticky = sticky};
    int64_t used, own = 0;
    int refused = 0;
    // Most allocations are SQLite preparing the same statements: all of the beginning, then every few.
    for (;; f.nth += f.nth < 200 / stride ? 1 : (13 + f.nth % 7) * stride) {
      blank_disk();
      const int64_t before = sqlite3_memory_used(), own_before = own_allocations;
      run(&f, &o);
      used = allocations;
      disarm();
      own = own_allocations - own_before;
      assert_int_equal(sqlite3_memory_used(), before);
      refused += o.refused;
      judge(&o, &f, "at once");
      start_again(&f);
      if (used < f.nth) break;
    }
    print_message("memory%s: up to allocation %lld (%lld of a run are the program's own), refused %d\n", sticky ? ", from then on" : "",
      (long long)f.nth, (long long)own, refused);
    assert_true(f.nth > 100 && own > 5 && refused > 0);
  }
}

// A disk on which the service has made its tables and what it needs at its start.
static int setup(void **state) {
  if (rig_setup(state) != 0) return -1;
  if (work == &work_toy) return 0;
  struct store *store = rig_open();
  rig_begin(store, STORE_CONTROL);
  store_close(store);
  sim_record();
  ready = sim_take();
  return 0;
}
static int teardown(void **state) {
  if (ready) sim_trace_free(ready);
  ready = NULL;
  return rig_teardown(state);
}

int main(int argc, char **argv) {
  if (argc < 2 || !(work = work_named(argv[1])) || (argc > 2 && (stride = atoi(argv[2])) < 1) || (argc > 3 && (call_stride = atoi(argv[3])) < 1)) return 2;
  jobs = work == &work_toy ? 14 : work->round;
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
  sqlite3_mem_methods hooked = real_memory;
  hooked.xMalloc = hook_malloc;
  hooked.xRealloc = hook_realloc;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &hooked);
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);  // every small block counts
  sim_init();
  const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    T(reads), T(writes), T(syncs), T(disk_full), T(opens_and_the_rest), T(memory), T(what_heals),
#undef T
  };
  // What heals is told of the toy's numbered jobs.
  return work == &work_toy ? cmocka_run_group_tests(tests, NULL, NULL) : _cmocka_run_group_tests("service", tests, 6, NULL, NULL);
}
