// tests/unit/bot/test_live_clock.c – who is called between bars when several bots wait at one venue: the hub asks once who is first, and hears of the
// next one when that one has gone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "bot/live_impl.h"

enum { BOTS = 40 };

static struct live *l;
static struct live_bot bots[BOTS];
static int told;         // the hub was told that somebody is due earlier
static int64_t soon_ns;  // what it calls as soon as may be
static bool open = true; // bots at hosts

// The program is linked with --wrap of these.
void __wrap_hub_clock_changed(struct hub *h, int venue);
int64_t __wrap_hub_clock_soon(struct hub *h, int venue);
bool __wrap_fleet_is_open(const struct fleet *f, int64_t bot);
void __wrap_hub_clock_changed(struct hub *h, int venue) { (void)h, (void)venue, told++; }
int64_t __wrap_hub_clock_soon(struct hub *h, int venue) { return (void)h, (void)venue, soon_ns; }
bool __wrap_fleet_is_open(const struct fleet *f, int64_t bot) { return (void)f, (void)bot, open; }

static int begin(void **state) {
  (void)state;
  l = calloc(1, sizeof *l);
  for (int i = 0; i < BOTS; i++) {
    bots[i] = (struct live_bot){.live = l, .id = i + 1, .place = i % 2 ? LIVE_HOSTLESS : 0, .opened = i % 2 == 0, .timer_ns = INT64_MAX, .soon_ns = INT64_MAX, .news_ns = INT64_MAX};
    bots[i].clerk = (struct clerk *)(void *)&bots[i];  // only that it is there matters
  }
  told = 0;
  open = true;
  return l ? 0 : 1;
}
static int finish(void **state) {
  (void)state;
  free(l->clocks[0].bots);
  free(l->due);
  free(l);
  return 0;
}

static void soon(struct live_bot *b, int64_t at_ns) {
  soon_ns = at_ns;
  live_clock_soon(b);
}

static size_t due(int place, int64_t now_ns, struct live_bot *const **ret) {
  const struct hub_instant in = {.now_ns = now_ns};
  return live_clock_due(l, place, &in, ret);
}

// After a start several wait for signals. The first leaves (its books are closed, its host is lost) after the hub has asked for it.
static void test_the_next_is_told(void **state) {
  (void)state;
  soon(&bots[0], 5);
  soon(&bots[2], 6);
  soon(&bots[4], 7);
  assert_int_equal(live_clock_next(l, 0), 5);
  told = 0;
  live_clock_drop(&bots[0]);
  assert_int_equal(told, 1);
  assert_int_equal(live_clock_next(l, 0), 6);
  live_clock_served(&bots[2], 6);
  assert_int_equal(told, 2);
  assert_int_equal(live_clock_next(l, 0), 7);
  live_clock_served(&bots[4], 7);
  assert_int_equal(told, 2);  // nobody is left
  assert_true(live_clock_next(l, 0) == INT64_MAX);
}

// One that waits behind the first changes nothing for the hub.
static void test_only_the_first_counts(void **state) {
  (void)state;
  soon(&bots[0], 5);
  told = 0;
  soon(&bots[1], 9);
  live_clock_drop(&bots[1]);
  assert_int_equal(told, 0);
  soon(&bots[3], 4);
  assert_int_equal(told, 1);
}

// No instant before its run's beginning is a bot's own: who waits since before is due right behind it, and keeps nobody from theirs.
static void test_before_the_run(void **state) {
  (void)state;
  struct live_bot *const *who;
  bots[1].run_from_ns = 100;
  soon(&bots[1], 5);
  soon(&bots[3], 50);
  assert_int_equal(live_clock_next(l, 0), 50);
  assert_int_equal(due(LIVE_HOSTLESS, 50, &who), 1);
  assert_ptr_equal(who[0], &bots[3]);
  live_clock_served(&bots[3], 50);
  assert_int_equal(live_clock_next(l, 0), 101);
  assert_int_equal(due(LIVE_HOSTLESS, 101, &who), 1);
  assert_ptr_equal(who[0], &bots[1]);
}

// Who has left its host is found out when the hub asks, and it is not told within its own question.
static void test_left_its_host(void **state) {
  (void)state;
  bots[0].timer_ns = 10;
  live_clock_update(&bots[0]);
  bots[2].timer_ns = 20;
  live_clock_update(&bots[2]);
  told = 0;
  bots[0].opened = false;
  assert_int_equal(live_clock_next(l, 0), 20);
  assert_int_equal(told, 0);
  bots[0].opened = true;
  live_clock_update(&bots[0]);
  assert_int_equal(told, 1);
  assert_int_equal(live_clock_next(l, 0), 10);
}

// Whatever comes and goes: the first is the first, and each that is due is called at its place.
static void test_any_order(void **state) {
  (void)state;
  uint64_t dice = 9;
  for (int step = 0; step < 4000; step++) {
    dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
    struct live_bot *b = &bots[dice >> 33 & 31];
    const int64_t at_ns = (int64_t)(dice >> 40 & 1023) + 1;
    if (dice >> 60 < 3) live_clock_drop(b);
    else if (dice >> 60 < 6) live_clock_served(b, at_ns);
    else if (dice >> 60 < 11) soon(b, at_ns);
    else if (b->opened) b->timer_ns = at_ns, live_clock_update(b);
    int64_t first_ns = INT64_MAX;
    size_t count[2] = {0};
    for (int i = 0; i < BOTS; i++) {
      const int64_t own_ns = bots[i].timer_ns < bots[i].soon_ns ? bots[i].timer_ns : bots[i].soon_ns;
      if (own_ns < first_ns) first_ns = own_ns;
      count[i % 2] += own_ns <= 300;
    }
    struct live_bot *const *who;
    assert_true(live_clock_next(l, 0) == first_ns);
    assert_int_equal(due(0, 300, &who), count[0]);
    assert_int_equal(due(LIVE_HOSTLESS, 300, &who), count[1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_the_next_is_told, begin, finish),
    cmocka_unit_test_setup_teardown(test_only_the_first_counts, begin, finish),
    cmocka_unit_test_setup_teardown(test_before_the_run, begin, finish),
    cmocka_unit_test_setup_teardown(test_left_its_host, begin, finish),
    cmocka_unit_test_setup_teardown(test_any_order, begin, finish),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
