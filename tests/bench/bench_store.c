// tests/bench/bench_store.c – group commit beside what the disk itself can do: commits of one, and of many at a time, as multiples
// of bare fdatasync of 256 bytes in the same run.   bench_store DIR
#include "loop/clock.h"
#include "loop/loop.h"
#include "store/db.h"
#include "store/store.h"
#include "disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status create(struct db *db, void *arg, struct err *err) {
  (void)arg;
  return db_script(db, "DROP TABLE IF EXISTS bench; CREATE TABLE bench (id INTEGER PRIMARY KEY, row BLOB NOT NULL) STRICT", err);
}
static int64_t next_id;
static enum status insert(struct db *db, void *arg, struct err *err) {
  (void)arg;
  static const char row[60];
  return db_run(db, NULL, err, "INSERT INTO bench (id, row) VALUES (?, ?)", "ib", ++next_id, row, sizeof row);
}

static struct loop *loop;
static struct store *store;
static int sent, told, failed, wanted, in_flight;
static void on_done(void *arg, enum status st, const struct err *err) {
  (void)arg, (void)err;
  failed += st != OK;
  told++;
  if (sent < wanted) {
    sent++;
    store_write(store, STORE_JOURNAL, insert, on_done, NULL);
  } else if (told == wanted) {
    loop_stop(loop);
  }
}

int main(int argc, char **argv) {
  struct err err;
  if (argc != 2) return 2;
  if (loop_create(&loop, NULL, &err) != OK || store_open(argv[1], &(struct store_options){.loop = loop}, &store, &err) != OK || store_write_sync(store, STORE_JOURNAL, create, NULL, &err) != OK) {
    fprintf(stderr, "%s\n", err.msg);
    return 1;
  }
  const double base = disk_syncs_per_s(argv[1]);
  printf("fdatasync of 256 bytes      %9.0f /s\n", base);
  static const int flights[] = {1, 10, 100, 1000};
  for (size_t k = 0; k < sizeof flights / sizeof *flights; k++) {
    const uint64_t commits = store_stats(store, STORE_JOURNAL).commits;
    in_flight = flights[k];
    wanted = in_flight == 1 ? 4000 : 60000;
    sent = in_flight, told = 0;
    const int64_t begin = clock_monotonic_ns();
    for (int i = 0; i < in_flight; i++) store_write(store, STORE_JOURNAL, insert, on_done, NULL);
    // loop_stop ends a run; a stopped loop runs again.
    while (told < wanted) loop_run(loop);
    const double seconds = (double)(clock_monotonic_ns() - begin) / 1e9;
    printf("writes, %4d in flight       %9.0f /s  %6.2f × fdatasync, %.0f a commit, mean %.2f ms\n", in_flight, wanted / seconds, wanted / seconds / base,
      wanted / (double)(store_stats(store, STORE_JOURNAL).commits - commits), in_flight / (wanted / seconds) * 1e3);
  }
  store_close(store);
  loop_destroy(loop);
  return failed != 0;
}
