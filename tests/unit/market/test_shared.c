// Tests of the loader on the shared real data: the verdict for every dirty file, counted flaws, and aggregation against the
// exchange's own bars.
#include "base/json.h"
#include "market/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared.h"

static struct csv_report report;
static struct err err;

static struct series load(const char *rel) {
  struct series s;
  const char *path = shared_path(rel);
  if (!path) fail_msg("%s is not there", rel);
  if (csv_load(path, &(struct csv_options){0}, &s, &report, &err) != OK) fail_msg("%s", err.msg);
  return s;
}

// What this loader does with each file, within what expected.json allows: bars loaded, or 0 and the line it refuses.
enum verdict { SAME, LOADS, REFUSED };
static const struct {
  const char *name;
  enum verdict verdict;
  size_t bars;
  int line;  // 0: the message names none
} verdicts[] = {
    {"clean.csv", SAME, 240, 0},          {"dup_identical.csv", SAME, 240, 0},     {"dup_conflict.csv", REFUSED, 0, 103},
    {"out_of_order.csv", REFUSED, 0, 103}, {"reversed.csv", REFUSED, 0, 3},        {"gap_60.csv", LOADS, 180, 0},
    {"zero_volume.csv", LOADS, 240, 0},   {"high_below_low.csv", REFUSED, 0, 102}, {"close_above_high.csv", REFUSED, 0, 102},
    {"close_NaN_upper.csv", REFUSED, 0, 102}, {"close_nan.csv", REFUSED, 0, 102},  {"close_inf.csv", REFUSED, 0, 102},
    {"close_minus_inf.csv", REFUSED, 0, 102}, {"close_null.csv", REFUSED, 0, 102}, {"close_empty.csv", REFUSED, 0, 102},
    {"negative_price.csv", REFUSED, 0, 102}, {"zero_price.csv", REFUSED, 0, 102},  {"negative_volume.csv", REFUSED, 0, 102},
    {"missing_column.csv", REFUSED, 0, 1}, {"short_row.csv", REFUSED, 0, 102},     {"long_row.csv", REFUSED, 0, 102},
    {"columns_reordered.csv", SAME, 240, 0}, {"no_header.csv", REFUSED, 0, 1},     {"crlf.csv", SAME, 240, 0},
    {"bom.csv", SAME, 240, 0},            {"bom_crlf_no_final_newline.csv", SAME, 240, 0}, {"blank_lines.csv", SAME, 240, 0},
    {"spaces.csv", SAME, 240, 0},         {"quoted.csv", SAME, 240, 0},            {"semicolon.csv", REFUSED, 0, 1},
    {"seconds.csv", SAME, 240, 0},        {"micros.csv", SAME, 240, 0},            {"mixed_units.csv", REFUSED, 0, 122},
    {"float_time.csv", SAME, 240, 0},     {"sci_notation.csv", SAME, 240, 0},      {"plus_sign.csv", SAME, 240, 0},
    {"hex_float.csv", REFUSED, 0, 2},     {"trailing_garbage.csv", REFUSED, 0, 102}, {"huge_number.csv", REFUSED, 0, 102},
    {"time_overflow.csv", REFUSED, 0, 102}, {"huge_line.csv", REFUSED, 0, 102},    {"nul_byte.csv", REFUSED, 0, 102},
    {"truncated.csv", REFUSED, 0, 241},   {"header_only.csv", REFUSED, 0, 0},      {"empty.csv", REFUSED, 0, 0},
    {"one_bar.csv", LOADS, 1, 0},         {"flat.csv", LOADS, 240, 0},             {"binary.csv", REFUSED, 0, 1},
    {"truncated.csv.gz", REFUSED, 0, 0},
};
#define VERDICT_COUNT (sizeof verdicts / sizeof verdicts[0])

static void check_dirty_files(void **state) {
  (void)state;
  char list_path[4096], dir[4096];
  snprintf(list_path, sizeof list_path, "%s", shared_or_skip("data/dirty/expected.json"));
  snprintf(dir, sizeof dir, "%s", shared_path("data/dirty"));
  json_t *expected = json_load_file(list_path, 0, NULL);
  assert_non_null(expected);
  assert_int_equal(json_object_size(expected), VERDICT_COUNT);  // a new file needs a verdict here
  const struct csv_options options = {.symbol = "BTCUSDT", .timeframe_ns = NS_PER_MINUTE};
  struct series clean = {0};
  for (size_t i = 0; i < VERDICT_COUNT; i++) {
    json_t *entry = json_object_get(expected, verdicts[i].name);
    if (!entry) fail_msg("%s is not in expected.json", verdicts[i].name);
    char path[4200], place[64];
    snprintf(path, sizeof path, "%.3900s/%s", dir, verdicts[i].name);
    struct series s;
    enum status st = csv_load(path, &options, &s, &report, &err);
    if (verdicts[i].verdict == REFUSED) {
      json_t *line = json_object_get(entry, "line");
      if (json_is_integer(line) && verdicts[i].line != json_integer_value(line)) fail_msg("%s: another line", verdicts[i].name);
      snprintf(place, sizeof place, "%.40s:%d:", verdicts[i].name, verdicts[i].line);
      if (st != ERR_INVALID || (verdicts[i].line && !strstr(err.msg, place)))
        fail_msg("%s: %s: %s", verdicts[i].name, status_text(st), st == OK ? "" : err.msg);
      continue;
    }
    if (st != OK) fail_msg("%s", err.msg);
    assert_int_equal(s.count, verdicts[i].bars);
    assert_int_equal(report.missing, strcmp(verdicts[i].name, "gap_60.csv") == 0 ? 60 : 0);
    if (i == 0) {
      assert_int_equal(report.message_count, 0);
      clean = s;
      continue;
    }
    if (verdicts[i].verdict == SAME) {
      assert_int_equal(s.inst.tick.scale, clean.inst.tick.scale);
      assert_int_equal(s.volume_scale, clean.volume_scale);
      assert_memory_equal(s.bars, clean.bars, s.count * sizeof *s.bars);
    }
    series_finish(&s);
  }
  series_finish(&clean);
  json_decref(expected);
}

// The figures of the data's own README.
static void check_counted_flaws(void **state) {
  (void)state;
  shared_or_skip("data/ohlcv/GOOG_1d_2004_2013.csv");
  static const struct {
    const char *path;
    size_t rows, gaps, missing, repeated;
    int tick_scale;
  } files[] = {
      {"data/ohlcv/BTCUSDT_1m_2019-10_2019-11.csv.gz", 43201, 2, 143, 143, 2},
      {"data/ohlcv/BTCUSDT_1h_2017_2024.csv.gz", 58419, 28, 128, 0, 2},
      {"data/ohlcv/BTCUSDT_5m_2019-11_2020-03.csv.gz", 33960, 4, 131, 1, 2},
      {"data/ohlcv/EURUSD_1h_2017_2018.csv", 5000, 42, 2063, 0, 5},
      {"data/ohlcv/GOOG_1d_2004_2013.csv", 2148, 463, 969, 0, 2},
      {"data/ohlcv/XAUUSD_1h_2012_2022.csv.gz", 57600, 2532, 28289, 0, 2},
      {"data/ohlcv/XRPUSDT_1h_2020_2021.csv.gz", 5482, 6, 11, 0, 5},
      {"data/ohlcv/FESX_1m_2006.csv.gz", 30889, 765, 50531, 0, 2},
  };
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    struct series s = load(files[i].path);
    assert_int_equal(report.rows, files[i].rows);
    assert_int_equal(s.count, files[i].rows - files[i].repeated);
    assert_int_equal(report.gaps, files[i].gaps);
    assert_int_equal(report.missing, files[i].missing);
    assert_int_equal(report.duplicates, files[i].repeated);
    assert_int_equal(s.inst.tick.digits, 1);
    assert_int_equal(s.inst.tick.scale, files[i].tick_scale);
    series_finish(&s);
  }
}

static int64_t rescaled(int64_t value, int from, int to) {
  return to >= from ? value * pow10_i64(to - from) : value / pow10_i64(from - to);
}

// One-minute bars summed to five minutes are the exchange's own five-minute bars, but for the 16 it revised later.
static void check_aggregation_against_the_exchange(void **state) {
  (void)state;
  shared_or_skip("data/ohlcv/BTCUSDT_5m_2020-12_2021-07.csv.gz");
  size_t common = 0, equal = 0;
  static const char *const symbols[] = {"BTC", "ETH", "XRP", "ADA"};
  for (size_t k = 0; k < sizeof symbols / sizeof symbols[0]; k++) {
    char fine_path[128], own_path[128];
    snprintf(fine_path, sizeof fine_path, "data/ohlcv/%sUSDT_1m_2021-04_2021-05.csv.gz", symbols[k]);
    snprintf(own_path, sizeof own_path, "data/ohlcv/%sUSDT_5m_2020-12_2021-07.csv.gz", symbols[k]);
    struct series fine = load(fine_path), own = load(own_path), made;
    assert_int_equal(series_aggregate(&fine, 5 * NS_PER_MINUTE, &made, &err), OK);
    int scale = made.inst.tick.scale > own.inst.tick.scale ? made.inst.tick.scale : own.inst.tick.scale;
    int volume_scale = made.volume_scale > own.volume_scale ? made.volume_scale : own.volume_scale;
    for (size_t i = 0, j = 0; i < made.count; i++) {
      const struct bar *a = &made.bars[i];
      while (j < own.count && own.bars[j].open_ns < a->open_ns) j++;
      if (a->flags & BAR_INCOMPLETE || j == own.count || own.bars[j].open_ns != a->open_ns) continue;
      const struct bar *b = &own.bars[j];
      int as = made.inst.tick.scale, bs = own.inst.tick.scale;
      common++;
      equal += rescaled(a->open.ticks, as, scale) == rescaled(b->open.ticks, bs, scale) &&
               rescaled(a->high.ticks, as, scale) == rescaled(b->high.ticks, bs, scale) &&
               rescaled(a->low.ticks, as, scale) == rescaled(b->low.ticks, bs, scale) &&
               rescaled(a->close.ticks, as, scale) == rescaled(b->close.ticks, bs, scale) &&
               rescaled(a->volume, made.volume_scale, volume_scale) == rescaled(b->volume, own.volume_scale, volume_scale);
    }
    series_finish(&fine);
    series_finish(&own);
    series_finish(&made);
  }
  print_message("%zu of %zu bars agree\n", equal, common);
  assert_true(common >= 4 * 8570);
  assert_true(common - equal <= 4 * 16);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_dirty_files),
      cmocka_unit_test(check_counted_flaws),
      cmocka_unit_test(check_aggregation_against_the_exchange),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
