// Tests of timeframes, the series, and aggregation: above all that no bar knows what came after it.
#include "market/bar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE NS_PER_MINUTE
#define HOUR (60 * NS_PER_MINUTE)
#define WEEK (7 * NS_PER_DAY)

static void check_timeframe_text(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t ns;
    const char *shortest;
  } good[] = {{"1m", MINUTE, "1m"},       {"60s", MINUTE, "1m"},        {"90m", 90 * MINUTE, "90m"}, {"1h", HOUR, "1h"},
              {"24h", 24 * HOUR, "1d"},   {"7d", WEEK, "1w"},           {"2w", 2 * WEEK, "2w"},      {"5s", 5 * NS_PER_S, "5s"},
              {"3660d", 3660 * NS_PER_DAY, "3660d"}};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    int64_t ns;
    char text[TIMEFRAME_TEXT_MAX];
    assert_true(timeframe_parse(good[i].text, &ns));
    assert_int_equal(ns, good[i].ns);
    assert_string_equal(timeframe_text(ns, text), good[i].shortest);
  }
  static const char *const bad[] = {"", "m", "1", "0m", "-1m", "1M", "1 m", "1mm", "1.5h", "4000d", "99999999999s", "9999999999w", "+1m"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    int64_t ns = 7;
    assert_false(timeframe_parse(bad[i], &ns));
    assert_int_equal(ns, 7);
  }
}

static void check_timeframe_floor(void **state) {
  (void)state;
  const int64_t t = INT64_C(1618951381) * NS_PER_S;  // Tuesday 2021-04-20 20:43:01 UTC
  assert_int_equal(timeframe_floor(t, MINUTE), INT64_C(1618951380) * NS_PER_S);
  assert_int_equal(timeframe_floor(t, NS_PER_DAY), INT64_C(1618876800) * NS_PER_S);
  assert_int_equal(timeframe_floor(t, WEEK), INT64_C(1618790400) * NS_PER_S);  // Monday the 19th
  const int64_t monday = INT64_C(1618790400) * NS_PER_S;
  assert_int_equal(timeframe_floor(monday, WEEK), monday);
  assert_int_equal(timeframe_floor(monday - 1, WEEK), monday - WEEK);
  assert_int_equal(timeframe_floor(-1, MINUTE), -MINUTE);
  assert_int_equal(timeframe_floor(-MINUTE, MINUTE), -MINUTE);
  assert_int_equal(timeframe_floor(0, WEEK), -3 * NS_PER_DAY);
}

static struct bar bar_at(int64_t open_ns, int64_t o, int64_t h, int64_t l, int64_t c, int64_t volume) {
  return (struct bar){open_ns, {o}, {h}, {l}, {c}, volume, 0};
}

static struct series minutes(void) {
  return (struct series){.inst = {.symbol = "X"}, .timeframe_ns = MINUTE};
}

static void check_series(void **state) {
  (void)state;
  struct series s = minutes();
  for (int i = 0; i < 600; i++) {
    struct bar b = bar_at(i * MINUTE, 1, 1, 1, 1, i);
    assert_int_equal(series_append(&s, &b, NULL), OK);
  }
  struct bar again = s.bars[599];
  struct err err;
  assert_int_equal(series_append(&s, &again, &err), ERR_INVALID);
  again.open_ns += 10 * MINUTE;
  assert_int_equal(series_append(&s, &again, &err), OK);
  assert_int_equal(series_count_gaps(&s), 9);
  assert_int_equal(s.gaps, 1);
  series_clip(&s, 100 * MINUTE, 200 * MINUTE + 1);
  assert_int_equal(s.count, 101);
  assert_int_equal(s.bars[0].volume, 100);
  assert_int_equal(s.bars[100].volume, 200);
  assert_int_equal(s.gaps, 0);
  series_clip(&s, 500 * MINUTE, 100 * MINUTE);
  assert_int_equal(s.count, 0);
  series_finish(&s);
}

static void check_aggregate(void **state) {
  (void)state;
  struct series fine = minutes(), coarse;
  const struct bar bars[] = {
      bar_at(0 * MINUTE, 10, 12, 9, 11, 1),  bar_at(1 * MINUTE, 11, 15, 11, 14, 2), bar_at(2 * MINUTE, 14, 14, 5, 6, 3),
      bar_at(3 * MINUTE, 6, 7, 6, 7, 4),     bar_at(4 * MINUTE, 7, 8, 6, 8, 5),   // a whole bucket
      bar_at(6 * MINUTE, 8, 9, 8, 9, 6),                                          // holes before and after
      bar_at(15 * MINUTE, 9, 9, 9, 9, 7),    bar_at(16 * MINUTE, 9, 10, 9, 10, 8),  // unfinished
  };
  for (size_t i = 0; i < sizeof bars / sizeof bars[0]; i++) assert_int_equal(series_append(&fine, &bars[i], NULL), OK);
  assert_int_equal(series_aggregate(&fine, 5 * MINUTE, &coarse, NULL), OK);
  assert_int_equal(coarse.count, 2);
  const struct bar *b = &coarse.bars[0];
  assert_int_equal(b->open_ns, 0);
  assert_int_equal(b->open.ticks, 10);
  assert_int_equal(b->high.ticks, 15);
  assert_int_equal(b->low.ticks, 5);
  assert_int_equal(b->close.ticks, 8);
  assert_int_equal(b->volume, 15);
  assert_int_equal(b->flags, 0);
  b = &coarse.bars[1];
  assert_int_equal(b->open_ns, 5 * MINUTE);
  assert_int_equal(b->open.ticks, 8);
  assert_int_equal(b->close.ticks, 9);
  assert_int_equal(b->volume, 6);
  assert_int_equal(coarse.timeframe_ns, 5 * MINUTE);
  series_finish(&coarse);
  struct err err;
  fine.timeframe_ns = 5 * MINUTE;
  assert_int_equal(series_aggregate(&fine, 7 * MINUTE, &coarse, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "7m bars of X cannot be made from 5m bars"));
  assert_int_equal(series_aggregate(&fine, MINUTE, &coarse, &err), ERR_INVALID);
  series_finish(&fine);
}

static uint64_t state_;
static uint64_t next_random(void) {
  state_ = state_ * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return state_ >> 33;
}

// The definition itself: whatever part of the future is cut away, the bars that had closed by then are the same.
static void check_no_look_ahead(void **state) {
  (void)state;
  state_ = 1;
  struct series fine = minutes(), whole;
  int64_t t = 3 * MINUTE;
  for (int i = 0; i < 400; i++) {
    int64_t p = 100 + (int64_t)(next_random() % 50);
    struct bar b = bar_at(t, p, p + (int64_t)(next_random() % 9), p - (int64_t)(next_random() % 9), p, 1);
    assert_int_equal(series_append(&fine, &b, NULL), OK);
    t += MINUTE * (next_random() % 10 == 0 ? 1 + (int64_t)(next_random() % 20) : 1);
  }
  assert_int_equal(series_aggregate(&fine, 15 * MINUTE, &whole, NULL), OK);
  assert_true(whole.count > 20);
  assert_int_equal(whole.bars[0].flags, BAR_INCOMPLETE);  // the data begin in its middle
  assert_int_equal(whole.bars[1].flags, 0);
  for (size_t keep = 1; keep <= fine.count; keep++) {
    struct series cut = fine, coarse;
    cut.count = keep;
    int64_t now_ns = fine.bars[keep - 1].open_ns + MINUTE;
    assert_int_equal(series_aggregate(&cut, 15 * MINUTE, &coarse, NULL), OK);
    assert_true(coarse.count <= whole.count);
    if (coarse.count) assert_memory_equal(coarse.bars, whole.bars, coarse.count * sizeof *coarse.bars);
    for (size_t i = 0; i < coarse.count; i++) assert_true(coarse.bars[i].open_ns + 15 * MINUTE <= now_ns);
    // Nor is a bar withheld whose end has been reached.
    if (coarse.count < whole.count) assert_true(whole.bars[coarse.count].open_ns + 15 * MINUTE > now_ns);
    series_finish(&coarse);
  }
  series_finish(&whole);
  series_finish(&fine);
}

// A daily bar from 04:00 to 04:00 that lies across the week's end belongs to the week in which it closes.
static void check_bar_across_the_end(void **state) {
  (void)state;
  struct series fine = {.inst = {.symbol = "X"}, .timeframe_ns = NS_PER_DAY}, week;
  for (int i = 0; i < 15; i++) {  // from Monday 1970-01-05 04:00
    struct bar b = bar_at((4 + i) * NS_PER_DAY + 4 * HOUR, i + 1, i + 1, i + 1, i + 1, -1);
    assert_int_equal(series_append(&fine, &b, NULL), OK);
  }
  assert_int_equal(series_aggregate(&fine, WEEK, &week, NULL), OK);
  assert_int_equal(week.count, 2);
  assert_int_equal(week.bars[0].close.ticks, 6);  // Saturday's; Sunday's closes on Monday 04:00
  assert_int_equal(week.bars[1].open.ticks, 7);
  assert_int_equal(week.bars[0].volume, -1);
  series_finish(&week);
  series_finish(&fine);
}

static void check_volume(void **state) {
  (void)state;
  const struct series s = {.volume_scale = 3};
  assert_true(volume_double(&s, 1500) == 1.5);
  assert_true(volume_double(&s, -1) == 0);
  struct aggregator a;
  struct bar out[2], b = bar_at(0, 1, 1, 1, 1, INT64_MAX);
  aggregator_init(&a, MINUTE, 2 * MINUTE);
  b.flags = BAR_FILLED_IN;
  assert_int_equal(aggregator_push(&a, &b, out), 0);
  b.open_ns = MINUTE;
  assert_int_equal(aggregator_push(&a, &b, out), 1);
  assert_int_equal(out[0].volume, -1);  // would not fit: unknown, never wrapped
  assert_int_equal(out[0].flags, BAR_FILLED_IN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_timeframe_text), cmocka_unit_test(check_timeframe_floor),
      cmocka_unit_test(check_series),         cmocka_unit_test(check_aggregate),
      cmocka_unit_test(check_no_look_ahead),  cmocka_unit_test(check_bar_across_the_end),
      cmocka_unit_test(check_volume),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
