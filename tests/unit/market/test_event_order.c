// Tests of the order of events, and of the queue that gives bars of many symbols out in it.
#include "market/bar_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR (60 * NS_PER_MINUTE)

// Simulation rule 19 as backtest/run.c carries it out.
static void check_phases(void **state) {
  (void)state;
  static const char *const names[] = {"carry-before", "match", "terms", "carry", "settle", "day", "bars", "timers", "signals"};
  assert_int_equal(EVENT_PHASE_COUNT, sizeof names / sizeof names[0]);
  for (int i = 0; i < EVENT_PHASE_COUNT; i++) assert_string_equal(event_phases[i].name, names[i]);
}

static void check_streams(void **state) {
  (void)state;
  const struct stream_rank streams[] = {{true, 4 * HOUR, "main"}, {false, NS_PER_MINUTE, "b"}, {false, HOUR, "z"},
                                        {false, NS_PER_MINUTE, "a"}, {false, 24 * HOUR, "m"}};
  int order[5];
  stream_rank_order(streams, 5, order);
  const int expect[] = {4, 2, 3, 1, 0};  // highest timeframe first, then by name, main last though its timeframe is high
  assert_memory_equal(order, expect, sizeof expect);
  for (int i = 0; i < 5; i++) {
    assert_false(stream_rank_before(&streams[i], &streams[i]));
    for (int k = 0; k < 5; k++)
      if (i != k) assert_true(stream_rank_before(&streams[i], &streams[k]) != stream_rank_before(&streams[k], &streams[i]));
  }
}

static int compare_queued(const void *a, const void *b) {
  const struct queued_bar *x = a, *y = b;
  return bar_key_compare(&(struct bar_key){x->bar.close_ns, x->bar.timeframe_ns, x->name}, &(struct bar_key){y->bar.close_ns, y->bar.timeframe_ns, y->name});
}

// Whatever the order of arrival and the times at which it is asked, what comes out is the sorted whole.
static void check_queue(void **state) {
  (void)state;
  static const char *const symbols[] = {"BTCUSDT", "ETHUSDT", "ADAUSDT", "EURUSD"};
  static const int64_t timeframes[] = {NS_PER_MINUTE, 5 * NS_PER_MINUTE, HOUR};
  for (unsigned seed = 1; seed <= 20; seed++) {
    srand(seed);
    static struct queued_bar all[1000], out[1000];
    int count = 0, got = 0;
    struct bar_queue q;
    bar_queue_init(&q, 1000);
    for (int64_t t = HOUR; t < 3 * HOUR; t += NS_PER_MINUTE)
      for (int s = 0; s < 4; s++)
        for (int k = 0; k < 3; k++)
          if (t % timeframes[k] == 0 && rand() % 5)
            all[count++] = (struct queued_bar){s, symbols[s], {.timeframe_ns = timeframes[k], .close_ns = t}};
    assert_true(count > 300 && count <= 1000);
    int next = 0;
    while (next < count) {  // windows of ten minutes arrive shuffled, and are taken out at once or later
      int64_t until = all[next].bar.close_ns + 10 * NS_PER_MINUTE;
      int end = next;
      while (end < count && all[end].bar.close_ns < until) end++;
      for (int i = end - 1; i > next; i--) {
        int j = next + rand() % (i - next + 1);
        struct queued_bar swap = all[i];
        all[i] = all[j];
        all[j] = swap;
      }
      for (; next < end; next++) assert_int_equal(bar_queue_push(&q, all[next].symbol, all[next].name, &all[next].bar, NULL), OK);
      if (rand() % 2)
        while (bar_queue_pop(&q, until - 1, &out[got])) got++;
    }
    while (bar_queue_pop(&q, INT64_MAX, &out[got])) got++;
    assert_int_equal(got, count);
    assert_int_equal(bar_queue_next_ns(&q), INT64_MAX);
    qsort(all, (size_t)count, sizeof all[0], compare_queued);
    for (int i = 0; i < count; i++) assert_int_equal(compare_queued(&all[i], &out[i]), 0);
    bar_queue_finish(&q);
  }
}

static void check_queue_bounds(void **state) {
  (void)state;
  struct bar_queue q;
  struct err err;
  struct queued_bar out;
  bar_queue_init(&q, 2);
  struct live_bar bar = {.timeframe_ns = HOUR, .close_ns = 5 * HOUR};
  assert_int_equal(bar_queue_push(&q, 0, "A", &bar, &err), OK);
  assert_false(bar_queue_pop(&q, 5 * HOUR - 1, &out));
  bar.close_ns = 5 * HOUR - 1;
  assert_int_equal(bar_queue_push(&q, 0, "A", &bar, &err), ERR_INVALID);  // that time is over
  bar.close_ns = 6 * HOUR;
  assert_int_equal(bar_queue_push(&q, 0, "A", &bar, &err), OK);
  bar.close_ns = 7 * HOUR;
  assert_int_equal(bar_queue_push(&q, 0, "A", &bar, &err), ERR_LIMIT);
  assert_int_equal(bar_queue_next_ns(&q), 5 * HOUR);
  assert_true(bar_queue_pop(&q, 5 * HOUR, &out));
  assert_int_equal(out.bar.close_ns, 5 * HOUR);
  assert_false(bar_queue_pop(&q, 5 * HOUR, &out));
  bar_queue_finish(&q);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(check_phases), cmocka_unit_test(check_streams), cmocka_unit_test(check_queue),
                                     cmocka_unit_test(check_queue_bounds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
