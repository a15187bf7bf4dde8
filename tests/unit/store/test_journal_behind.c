// Rows written behind the journal: what happened to an order becomes one row, nothing is lost, doubled or out of order, whoever ends a run takes
// what waits with it, and a disk that refuses is tried again.
#include "loop/loop.h"
#include "store/db.h"
#include "store/journal_behind.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BOTS 40

static struct fixture {
  char dir[64];
  struct loop *loop;
  struct store *store;
  struct journal_behind *behind;
  int rooms, failures, given_up;
} f;

static void must(enum status st, const struct err *err) {
  if (st != OK) fail_msg("%s", err->msg);
}

static void room(void *self) {
  (void)self;
  f.rooms++;
}
static void failed(void *self, const struct err *err, bool given_up) {
  (void)self, (void)err;
  f.failures++;
  f.given_up += given_up;
}

static void open_gathering(int64_t gather_ms) {
  struct err err;
  must(loop_create(&f.loop, NULL, &err), &err);
  must(store_open(f.dir, &(struct store_options){.loop = f.loop}, &f.store, &err), &err);
  must(journal_behind_create(&(struct journal_behind_config){.store = f.store, .rows_max = 1000, .room = room, .failed = failed, .loop = f.loop, .gather_ms = gather_ms}, &f.behind, &err), &err);
}
static void open_store(void) { open_gathering(0); }
static void close_store(void) {
  while (journal_behind_busy(f.behind)) loop_turn(f.loop, true);
  journal_behind_destroy(f.behind);
  store_close(f.store);
  loop_destroy(f.loop);
}
static int setup(void **state) {
  (void)state;
  f = (struct fixture){0};
  strcpy(f.dir, "/tmp/behind-XXXXXX");
  if (!mkdtemp(f.dir)) return -1;
  open_store();
  return 0;
}
static int teardown(void **state) {
  (void)state;
  char command[128];
  close_store();
  snprintf(command, sizeof command, "rm -rf %s", f.dir);
  return system(command);
}

static struct journal_order order(int64_t bot, uint64_t n, int status) {
  return (struct journal_order){.bot_id = bot, .tenant_id = 1, .run = 1, .intent = n, .order = n, .series = 1, .side = 1, .status = status, .qty = {5}, .filled = {status}, .tag = "t"};
}

// An instant of all bots: an order that goes through three states, its fill, every second time the trade that it closes, and a mark.
static struct instant {
  struct journal_order orders[3 * BOTS];
  struct journal_fill fills[BOTS];
  struct journal_trade trades[BOTS];
  struct journal_mark marks[BOTS];
  struct journal_followed followed[BOTS];
  struct journal_batch batch;
} at;
static struct journal_batch *instant(uint64_t n) {
  struct instant *i = &at;
  i->batch = (struct journal_batch){.orders = i->orders, .fills = i->fills, .trades = i->trades, .marks = i->marks, .followed = i->followed};
  for (int state = 1; state <= 3; state++)
    for (int b = 0; b < BOTS; b++) i->orders[i->batch.order_count++] = order(b + 1, n, state);
  for (int b = 0; b < BOTS; b++) {
    i->fills[i->batch.fill_count++] = (struct journal_fill){.bot_id = b + 1, .tenant_id = 1, .run = 1, .series = 1, .fill = n, .order = n, .side = 1, .qty = {5}, .time_ns = (int64_t)n};
    if (n % 2 == 0) i->trades[i->batch.trade_count++] = (struct journal_trade){.bot_id = b + 1, .tenant_id = 1, .run = 1, .series = 1, .fill = n, .exit_order = n, .exit_ns = (int64_t)n, .qty = {5}};
    i->marks[i->batch.mark_count++] = (struct journal_mark){.bot_id = b + 1, .tenant_id = 1, .run = 1, .time_ns = (int64_t)n, .equity = {(int64_t)n}};
    i->followed[i->batch.followed_count++] = (struct journal_followed){b + 1, 1, (int64_t)n};
  }
  return &i->batch;
}

static int64_t number(const char *sql) {
  struct db_rows r;
  struct err err;
  enum status st = db_query(store_reader(f.store, STORE_JOURNAL), &r, &err, sql, "");
  int64_t n = st == OK && db_next(&r) ? db_int(&r, 0) : -1;
  must(db_end(&r, st, &err), &err);
  return n;
}

static void check(int instants) {
  struct journal_followed last;
  struct err err;
  assert_int_equal(number("SELECT count(*) FROM bot_order"), BOTS * instants);
  assert_int_equal(number("SELECT count(*) FROM bot_order WHERE status <> 3 OR filled <> 3"), 0);
  assert_int_equal(number("SELECT count(*) FROM bot_fill WHERE n = fill_id"), BOTS * instants);
  assert_int_equal(number("SELECT count(*) FROM bot_trade WHERE exit_order = 2 * n"), BOTS * (instants / 2));
  assert_int_equal(number("SELECT count(*) FROM bot_equity WHERE level = 0 AND equity = n"), BOTS * instants);
  for (int b = 1; b <= BOTS; b++) {
    must(journal_followed_get(store_reader(f.store, STORE_JOURNAL), b, &last, &err), &err);
    assert_true(last.run == 1 && last.time_ns == instants);
  }
  assert_int_equal(journal_followed_get(store_reader(f.store, STORE_JOURNAL), BOTS + 1, &last, &err), ERR_NOTFOUND);
}

static void drain(void) {
  while (journal_behind_busy(f.behind)) loop_turn(f.loop, true);
}

static void all_rows_come_in_order(void **state) {
  (void)state;
  struct err err;
  for (uint64_t n = 1; n <= 20; n++) {
    must(journal_behind_add(f.behind, instant(n), &err), &err);
    if (n % 5 == 0) loop_turn(f.loop, false);
  }
  assert_true(journal_behind_busy(f.behind) && journal_behind_full(f.behind));
  drain();
  assert_true(!journal_behind_full(f.behind) && f.rooms == 1);
  check(20);
  // In far fewer rows than there were: the states of an order are one.
  assert_true(store_stats(f.store, STORE_JOURNAL).writes < 140);
  for (uint64_t n = 15; n <= 20; n++) must(journal_behind_add(f.behind, instant(n), &err), &err);  // as after a crash
  drain();
  check(20);
  must(journal_behind_add(f.behind, instant(21), &err), &err);
  drain();
  check(21);
}

static void who_ends_takes_what_waits(void **state) {
  (void)state;
  struct err err;
  struct journal_batch last = {0};
  for (uint64_t n = 1; n <= 9; n++) must(journal_behind_add(f.behind, instant(n), &err), &err);  // the first piece is under way
  last.orders = malloc(sizeof at.orders), last.fills = malloc(sizeof at.fills), last.trades = malloc(sizeof at.trades), last.marks = malloc(sizeof at.marks);
  last.followed = malloc(sizeof at.followed);
  const struct journal_batch *own = instant(10);
  memcpy((void *)(uintptr_t)last.orders, own->orders, sizeof at.orders);
  memcpy(last.fills, own->fills, sizeof at.fills);
  memcpy(last.trades, own->trades, sizeof at.trades);
  memcpy((void *)(uintptr_t)last.marks, own->marks, sizeof at.marks);
  memcpy((void *)(uintptr_t)last.followed, own->followed, sizeof at.followed);
  last.order_count = own->order_count, last.fill_count = own->fill_count, last.trade_count = own->trade_count, last.mark_count = own->mark_count, last.followed_count = own->followed_count;
  must(journal_behind_take(f.behind, &last, &err), &err);
  assert_true(last.fill_count > BOTS);
  must(store_write_sync(f.store, STORE_JOURNAL, journal_append, &last, &err), &err);
  check(10);  // at once: what was under way went before
  drain();
  check(10);
  free((void *)(uintptr_t)last.orders), free(last.fills), free(last.trades), free((void *)(uintptr_t)last.marks), free((void *)(uintptr_t)last.followed);
}

static enum status nothing(struct db *db, void *arg, struct err *err) {
  (void)db, (void)arg, (void)err;
  return OK;
}
// Who comes first is written at once. Then rows wait for others until there are many, the time is over, or nobody brings more.
static void they_gather(void **state) {
  (void)state;
  struct err err;
  close_store();
  open_gathering(600000);
  must(journal_behind_add(f.behind, instant(1), &err), &err);
  drain();
  check(1);
  const uint64_t writes = store_stats(f.store, STORE_JOURNAL).writes;
  for (uint64_t n = 2; n <= 8; n++) {  // less than 2,000 rows
    must(journal_behind_add(f.behind, instant(n), &err), &err);
    loop_turn(f.loop, false);
  }
  assert_true(journal_behind_busy(f.behind));
  must(store_write_sync(f.store, STORE_JOURNAL, nothing, NULL, &err), &err);  // what is under way, too
  assert_int_equal(store_stats(f.store, STORE_JOURNAL).waiting, 0);
  assert_int_equal(store_stats(f.store, STORE_JOURNAL).writes, writes + 1);
  assert_int_equal(number("SELECT count(*) FROM bot_fill"), BOTS);
  must(journal_behind_add(f.behind, instant(9), &err), &err);
  while (number("SELECT count(*) FROM bot_fill") < 9 * BOTS) loop_turn(f.loop, true);
  drain();
  check(9);
  must(journal_behind_add(f.behind, instant(10), &err), &err);
  assert_true(journal_behind_busy(f.behind));
  journal_behind_close(f.behind);
  drain();
  check(10);
  close_store();
  open_gathering(1);
  for (uint64_t n = 11; n <= 12; n++) must(journal_behind_add(f.behind, instant(n), &err), &err);
  drain();
  check(12);
}

static void a_disk_that_refuses(void **state) {
  (void)state;
  struct err err;
  char path[128], aside[160];
  snprintf(path, sizeof path, "%s/journal.db", f.dir);
  snprintf(aside, sizeof aside, "%s-aside", path);
  assert_int_equal(rename(path, aside), 0);  // the writer notices, and refuses until the next start
  must(journal_behind_add(f.behind, instant(1), &err), &err);
  for (int i = 0; i < 1000 && f.failures == 0; i++) loop_turn(f.loop, true);
  assert_true(f.failures == 1 && f.given_up == 0 && journal_behind_busy(f.behind));
  journal_behind_retry(f.behind);
  for (int i = 0; i < 1000 && f.failures == 1; i++) loop_turn(f.loop, true);
  assert_true(f.failures == 2 && journal_behind_busy(f.behind));
  journal_behind_close(f.behind);  // left to the next start
  drain();
  close_store();
  assert_int_equal(rename(aside, path), 0);
  open_store();
  must(journal_behind_add(f.behind, instant(1), &err), &err);
  drain();
  check(1);
}

// What was under way when somebody took what waits is that one's now: tried again it would come after newer rows.
static void what_was_taken_is_not_tried_again(void **state) {
  (void)state;
  struct err err;
  struct journal_batch taken = {0};
  char path[128], aside[160];
  snprintf(path, sizeof path, "%s/journal.db", f.dir);
  snprintf(aside, sizeof aside, "%s-aside", path);
  assert_int_equal(rename(path, aside), 0);
  for (uint64_t n = 1; n <= 3; n++) must(journal_behind_add(f.behind, instant(n), &err), &err);
  must(journal_behind_take(f.behind, &taken, &err), &err);
  assert_int_equal(taken.fill_count, 3 * BOTS);
  for (int i = 0; i < 1000 && f.failures == 0; i++) loop_turn(f.loop, true);
  assert_true(f.failures == 1 && f.given_up == 0 && !journal_behind_busy(f.behind));
  must(journal_behind_add(f.behind, &taken, &err), &err);  // not written either: it waits again
  assert_true(journal_behind_busy(f.behind));
  journal_behind_close(f.behind);
  drain();
  close_store();
  assert_int_equal(rename(aside, path), 0);
  open_store();
  must(store_write_sync(f.store, STORE_JOURNAL, journal_append, &taken, &err), &err);
  check(3);
  free((void *)(uintptr_t)taken.orders), free(taken.fills), free(taken.trades), free((void *)(uintptr_t)taken.marks), free((void *)(uintptr_t)taken.followed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(all_rows_come_in_order, setup, teardown),
    cmocka_unit_test_setup_teardown(who_ends_takes_what_waits, setup, teardown),
    cmocka_unit_test_setup_teardown(they_gather, setup, teardown),
    cmocka_unit_test_setup_teardown(a_disk_that_refuses, setup, teardown),
    cmocka_unit_test_setup_teardown(what_was_taken_is_not_tried_again, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
