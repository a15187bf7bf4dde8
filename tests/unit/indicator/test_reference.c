// tests/unit/indicator/test_reference.c – columns computed by other people's engines, to 1e-9 relative from the first
// value.
//
// The fixture (its directory is the argument) holds the first bars; the whole set lies beside the project and is
// skipped where it is absent.
#include "indicator/indicator.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "reference_cases.h"
#include "shared.h"

enum { ROWS_MAX = 4000, LINE_MAX_BYTES = 16384 };

static struct indicator_input bars[ROWS_MAX];
static int bar_count;
static const char *fixture_dir, *columns_dir;

// Field `index` of a line of unquoted numbers; empty gives NaN.
// Own loops and a copy: under the sanitizer's strict checks strchr and strtod look at the whole rest of the text each time.
static double field(const char *line, int index) {
  for (; index > 0; line++) {
    if (*line == '\n' || *line == 0) return NAN;
    index -= *line == ',';
  }
  char number[64];
  size_t len = 0;
  while (len < sizeof number - 1 && line[len] != ',' && line[len] != '\n' && line[len]) number[len] = line[len], len++;
  number[len] = 0;
  return len == 0 ? NAN : strtod(number, NULL);
}

// The line behind this one, NULL when there is none.
static const char *line_after(const char *line) {
  while (*line && *line != '\n') line++;
  return *line ? line + 1 : NULL;
}

// Index of a (possibly quoted) name in a header line, -1 when it is not there.
static int column_index(const char *header, const char *name) {
  size_t len = strlen(name);
  for (int i = 0; *header && *header != '\n'; i++) {
    bool quoted = *header == '"';
    const char *start = header + quoted, *end = start + strcspn(start, quoted ? "\"\r\n" : ",\r\n");
    if ((size_t)(end - start) == len && memcmp(start, name, len) == 0) return i;
    header = end + quoted;
    if (*header != ',') return -1;
    header++;
  }
  return -1;
}

static gzFile open_csv(const char *dir, const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  gzFile f = gzopen(path, "rb");
  if (f) return f;
  snprintf(path, sizeof path, "%s/%s.gz", dir, name);
  return gzopen(path, "rb");
}

static void load_bars(const char *dir, const char *name) {
  gzFile f = open_csv(dir, name);
  if (!f) fail_msg("no %s in %s", name, dir);
  char line[LINE_MAX_BYTES];
  bar_count = 0;
  gzgets(f, line, sizeof line);
  while (bar_count < ROWS_MAX && gzgets(f, line, sizeof line)) {
    bars[bar_count++] = (struct indicator_input){.time_ns = (int64_t)field(line, 0) * 1000000,
      .open = field(line, 1),
      .high = field(line, 2),
      .low = field(line, 3),
      .close = field(line, 4),
      .volume = field(line, 5)};
  }
  gzclose(f);
  assert_true(bar_count > 100);
}

// The whole text of a columns file; the last one read is kept.
static const char *columns_text(const char *name) {
  static char text[16 << 20], last[4096];
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", columns_dir, name);
  if (strcmp(last, path) == 0) return text;
  gzFile f = open_csv(columns_dir, name);
  if (!f) fail_msg("%s is missing", name);
  int len = gzread(f, text, sizeof text - 1);
  gzclose(f);
  assert_in_range(len, 1, sizeof text - 2);
  text[len] = 0;
  memcpy(last, path, sizeof last);
  return text;
}

static int load_column(const struct reference_case *c, double *values) {
  const char *line = columns_text(c->file);
  int index = column_index(line, c->column), count = 0;
  if (index < 0) fail_msg("%s has no column %s", c->file, c->column);
  while ((line = line_after(line)) && *line && count < ROWS_MAX) values[count++] = field(line, index);
  return count;
}

static void check_case(const struct reference_case *c) {
  static double expected[ROWS_MAX];
  int rows = load_column(c, expected);
  assert_int_equal(rows, bar_count);
  struct indicator_spec spec;
  struct err err;
  if (indicator_spec_parse(c->spec, &spec, &err) != OK) fail_msg("%s", err.msg);
  int output = -1;
  for (int i = 0; i < spec.desc->n_outputs; i++)
    if (strcmp(spec.desc->outputs[i], c->output) == 0) output = i;
  assert_true(output >= 0);
  struct indicator *ind;
  assert_int_equal(indicator_create(spec.desc, spec.params, &ind, &err), OK);
  double scale = c->scale == 0 ? 1 : c->scale;
  int compared = 0;
  for (int i = 0; i < rows; i++) {
    struct indicator_input in = bars[i];
    if (c->same_day) in.time_ns = 0;
    in.source = indicator_source_value(spec.desc->default_source, &in);
    double out[INDICATOR_OUTPUTS_MAX];
    indicator_push(ind, &in, out);
    double ours = out[output] * scale, theirs = expected[i];
    if (i < c->from) continue;
    if (isnan(theirs)) {
      if (!isnan(ours) && !c->may_start_earlier)
        fail_msg("%s %s bar %d: %.12g, no value expected", c->spec, c->output, i, ours);
      continue;
    }
    // They print 12 digits; a value that is a small difference of prices carries the prices' rounding, not its own.
    double tolerance = 1e-9 * fabs(theirs) + 1e-12;
    if (!(fabs(ours - theirs) <= tolerance))
      fail_msg("%s %s bar %d: %.12g, %s %s says %.12g", c->spec, c->output, i, ours, c->file, c->column, theirs);
    compared++;
  }
  assert_true(compared > 0 || rows < 200);
  indicator_destroy(ind);
}

static void check_all_cases(void) {
  for (size_t i = 0; i < sizeof reference_cases / sizeof reference_cases[0]; i++) check_case(&reference_cases[i]);
}

static void first_bars_equal_the_fixture(void **state) {
  (void)state;
  columns_dir = fixture_dir;
  load_bars(fixture_dir, "GOOG_1d.csv");
  check_all_cases();
}

static void all_bars_equal_the_shared_columns(void **state) {
  (void)state;
  char bars_dir[4096], columns[4096];
  snprintf(bars_dir, sizeof bars_dir, "%s", shared_or_skip("data/ohlcv"));
  snprintf(columns, sizeof columns, "%s", shared_or_skip("reference/indicators"));
  columns_dir = columns;
  load_bars(bars_dir, "GOOG_1d_2004_2013.csv");
  assert_int_equal(bar_count, 2148);
  check_all_cases();
}

// Every indicator whose convention another engine has is in the list.
static void every_indicator_is_checked(void **state) {
  (void)state;
  static const char *const own[] = {"supertrend", "pivot_high", "pivot_low", "zscore"};  // test_naive.c has these
  for (size_t i = 0; i < indicator_count(); i++) {
    const struct indicator_desc *d = indicator_at(i);
    bool found = false;
    for (size_t k = 0; k < sizeof own / sizeof own[0]; k++) found |= strcmp(own[k], d->name) == 0;
    for (size_t k = 0; k < sizeof reference_cases / sizeof reference_cases[0]; k++) {
      const char *spec = reference_cases[k].spec;
      found |= strncmp(spec, d->name, strcspn(spec, ":")) == 0 && strlen(d->name) == strcspn(spec, ":");
    }
    if (!found) fail_msg("%s is compared with nothing", d->name);
  }
}

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: %s FIXTURE-DIRECTORY\n", argv[0]), 2;
  fixture_dir = argv[1];
  const struct CMUnitTest tests[] = {cmocka_unit_test(first_bars_equal_the_fixture),
    cmocka_unit_test(all_bars_equal_the_shared_columns), cmocka_unit_test(every_indicator_is_checked)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
