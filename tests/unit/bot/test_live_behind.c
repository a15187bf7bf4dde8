// tests/unit/bot/test_live_behind.c – how far a bot had come when its batch was handed over is what `followed` says, however long the batch is
// parked and however far the bot goes meanwhile: else the next start would think that rows of later instants are there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "bot/live_impl.h"
#include "store/store.h"

static struct live *l;
static struct live_bot bots[3];

// What reaches the store, in its order; the program is linked with --wrap of these.
static struct written {
  store_done done;
  void *arg;
} written[8];
static int count;
void __wrap_store_write(struct store *s, enum store_file file, store_fn job, store_done done, void *arg);
enum status __wrap_journal_behind_take(struct journal_behind *b, struct journal_batch *batch, struct err *err);
bool __wrap_journal_behind_busy(const struct journal_behind *b);
void __wrap_store_write(struct store *s, enum store_file file, store_fn job, store_done done, void *arg) {
  (void)s, (void)file, (void)job;
  written[count++] = (struct written){done, arg};
}
enum status __wrap_journal_behind_take(struct journal_behind *b, struct journal_batch *batch, struct err *err) { return (void)b, (void)batch, (void)err, OK; }
bool __wrap_journal_behind_busy(const struct journal_behind *b) { return (void)b, false; }

static int begin(void **state) {
  (void)state;
  l = calloc(1, sizeof *l);
  for (int i = 0; i < 3; i++) {
    bots[i] = (struct live_bot){.live = l, .id = 70 + i, .tenant_id = 1, .run = 1, .place = LIVE_HOSTLESS};
    l->bots[live_bucket(bots[i].id)] = &bots[i];
  }
  count = 0;
  return l ? 0 : 1;
}
static int finish(void **state) {
  (void)state;
  l->closing = true;
  for (int i = 0; i < count; i++) written[i].done(written[i].arg, OK, NULL);
  for (int i = 0; i <= FLEET_HOSTS_MAX; i++) free(l->hosts[i].bots);
  free(l);
  return 0;
}

// Something of the bot's instant, handed over: the end of its run, or a mark of it.
static void hand_over(struct live_bot *b, int64_t now_ns, bool closes) {
  struct record r;
  b->instant_ns = now_ns;
  record_init(&r, closes ? RECORD_STOP : RECORD_CLOCK, now_ns);
  live_record(b, &r, true, false, closes);
  live_hand_over(l, b->place);
}

static void expect(int nth, int64_t bot, int64_t time_ns) {
  const struct live_batch *b = written[nth].arg;
  assert_true(nth < count);
  assert_int_equal(b->rows.followed_count, 1);
  assert_true(b->rows.followed[0].bot_id == bot && b->rows.followed[0].run == 1 && b->rows.followed[0].time_ns == time_ns);
}

static void test_at_once(void **state) {
  (void)state;
  hand_over(&bots[0], 100, false);
  assert_int_equal(count, 1);
  bots[0].instant_ns = 200;
  expect(0, 70, 100);
}

// The end of a run waits until rows of others are written; another batch of its place comes behind it.
static void test_parked(void **state) {
  (void)state;
  l->behind_taking = 1;
  hand_over(&bots[0], 100, true);
  assert_int_equal(count, 0);
  hand_over(&bots[1], 110, false);
  assert_int_equal(count, 0);
  bots[0].instant_ns = bots[1].instant_ns = 300;
  l->behind_taking = 0;
  live_hand_over(l, LIVE_HOSTLESS);
  assert_int_equal(count, 0);  // nothing new: it is for what comes to call them
  hand_over(&bots[2], 400, false);
  assert_int_equal(count, 3);
  expect(0, 70, 100);
  expect(1, 71, 110);
  expect(2, 72, 400);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_at_once, begin, finish),
    cmocka_unit_test_setup_teardown(test_parked, begin, finish),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
