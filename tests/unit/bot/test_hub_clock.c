// tests/unit/bot/test_hub_clock.c – instants of the clock: exactly when somebody wants one, between the bars, in rising order, and as soon
// as can be when it became known too late.
#include "bot/hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

#define HOUR (60 * NS_PER_MINUTE)
#define START (INT64_C(20458) * NS_PER_DAY)  // 2026-01-05

static struct seen {
  int64_t want_ns, times[256];
  size_t bars[256], count;
  int64_t every_ns;  // the next one is wanted so long after each
} seen;

static int64_t wanted(void *self, int venue) {
  (void)self, (void)venue;
  return seen.want_ns;
}
static void instant(void *self, struct hub_instant *in) {
  (void)self;
  assert_true(seen.count == 0 || in->now_ns > seen.times[seen.count - 1]);
  assert_true(seen.count < 256);
  seen.times[seen.count] = in->now_ns;
  seen.bars[seen.count++] = in->count;
  if (seen.every_ns && in->now_ns >= seen.want_ns) seen.want_ns = (in->now_ns / seen.every_ns + 1) * seen.every_ns;
}

static struct hub *begin(const char *text) {
  struct err err;
  struct hub *h;
  uint32_t id;
  memset(&seen, 0, sizeof seen);
  seen.want_ns = INT64_MAX;
  const struct hub_config c = {.sink = {.instant = instant, .clock = wanted}};
  assert_int_equal(hub_create(&c, &h, &err), OK);
  if (hub_feed_add(h, "sim", text, &err) != OK) fail_msg("%s", err.msg);
  assert_int_equal(hub_want(h, "sim", "EURUSD", HOUR, &id, &err), OK);
  return h;
}

static void test_on_time(void **state) {
  (void)state;
  struct hub *h = begin("sim:seed=7,speed=60,from=2026-01-05");  // an hour a minute
  seen.every_ns = 5 * NS_PER_MINUTE;
  seen.want_ns = START + seen.every_ns;
  int64_t now_ns = 0;
  while (now_ns < 60 * NS_PER_S) {
    const int64_t next_ns = hub_poll(h, now_ns);
    assert_true(next_ns > now_ns && next_ns <= now_ns + 5 * NS_PER_S);  // it asks to be polled when one is due: five seconds on
    now_ns = next_ns;
  }
  (void)hub_poll(h, 60 * NS_PER_S);
  assert_int_equal(seen.count, 12);
  for (size_t i = 0; i < 12; i++) {
    assert_true(seen.times[i] == START + (int64_t)(i + 1) * 5 * NS_PER_MINUTE);
    assert_int_equal(seen.bars[i], i == 11);  // the last is also the hour's end: one instant for both
  }
  hub_destroy(h);
}

// A whole hour in one poll, as after a stop of the process: all the same in their order.
static void test_in_order(void **state) {
  (void)state;
  struct hub *h = begin("sim:seed=7,speed=60,from=2026-01-05");
  (void)hub_poll(h, 0);
  seen.every_ns = 20 * NS_PER_MINUTE;
  seen.want_ns = START + 20 * NS_PER_MINUTE;
  (void)hub_poll(h, 130 * NS_PER_S);
  assert_int_equal(seen.count, 6);
  for (size_t i = 0; i < 6; i++) assert_true(seen.times[i] == START + (int64_t)(i + 1) * 20 * NS_PER_MINUTE);
  assert_true(seen.bars[2] == 1 && seen.bars[5] == 1 && seen.bars[0] == 0);
  hub_destroy(h);
}

static void test_too_late_is_soon(void **state) {
  (void)state;
  struct hub *h = begin("sim:seed=7,speed=60,from=2026-01-05");
  (void)hub_poll(h, 30 * NS_PER_S);  // half past
  seen.want_ns = START + 10 * NS_PER_MINUTE;
  hub_clock_changed(h, 0);
  (void)hub_poll(h, 30 * NS_PER_S);
  assert_int_equal(seen.count, 1);
  assert_true(seen.times[0] > START + 30 * NS_PER_MINUTE && seen.times[0] < START + 31 * NS_PER_MINUTE);
  (void)hub_poll(h, 31 * NS_PER_S);
  assert_int_equal(seen.count, 1);  // once: what was wanted was given
  const int64_t soon_ns = hub_clock_soon(h, 0);
  assert_true(soon_ns > seen.times[0] && soon_ns % NS_PER_MS == 0);
  seen.want_ns = soon_ns;
  hub_clock_changed(h, 0);
  (void)hub_poll(h, 31 * NS_PER_S);
  assert_true(seen.count == 2 && seen.times[1] == soon_ns);
  hub_destroy(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_on_time), cmocka_unit_test(test_in_order), cmocka_unit_test(test_too_late_is_soon)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
