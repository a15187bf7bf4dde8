// tests/unit/indicator/test_stream.c – what holds for every indicator: batches equal single bars, the warm-up is told
// truly, values stay finite, memory is bounded, sums do not drift; and names, parameters and sources are parsed or
// refused.
#include "indicator/indicator.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bars.h"

enum { N = 500 };

static struct indicator *make(const struct indicator_desc *d, const double *params) {
  struct err err;
  struct indicator *ind;
  if (indicator_create(d, params, &ind, &err) != OK) fail_msg("%s", err.msg);
  return ind;
}

static struct indicator *make_spec(const char *text) {
  struct err err;
  struct indicator_spec spec;
  if (indicator_spec_parse(text, &spec, &err) != OK) fail_msg("%s", err.msg);
  return make(spec.desc, spec.params);
}

// --- streams

static void chunks_equal_single_bars(void **state) {
  (void)state;
  static struct indicator_input bars[N];
  static double whole[N * INDICATOR_OUTPUTS_MAX], parts[N * INDICATOR_OUTPUTS_MAX];
  bars_make(MARKET_RANDOM, 1, bars, N);
  for (size_t i = 0; i < indicator_count(); i++) {
    const struct indicator_desc *d = indicator_at(i);
    double params[INDICATOR_PARAMS_MAX];
    indicator_defaults(d, params);
    struct indicator *a = make(d, params), *b = make(d, params), *c = make(d, params);
    indicator_run(a, bars, N, whole);
    static const size_t sizes[] = {1, 7, 2, 64, 3, 1, 100, 13};
    size_t at = 0;
    for (size_t k = 0; at < N; k++) {
      size_t n = sizes[k % 8] < N - at ? sizes[k % 8] : N - at;
      indicator_run(b, bars + at, n, parts + at * (size_t)d->n_outputs);
      at += n;
    }
    size_t bytes = N * (size_t)d->n_outputs * sizeof(double);
    assert_memory_equal(whole, parts, bytes);
    for (int k = 0; k < N; k++) indicator_push(c, &bars[k], parts + k * d->n_outputs);
    assert_memory_equal(whole, parts, bytes);
    indicator_destroy(a);
    indicator_destroy(b);
    indicator_destroy(c);
  }
}

// Every output has a value at the told bar and ever after, some output has none one bar before; sparse ones never
// earlier.
static void check_warmup(
  const struct indicator_desc *d, const double *params, const struct indicator_input *bars, int market) {
  struct indicator *ind = make(d, params);
  int warmup = indicator_warmup(d, params);
  bool late_before = false, seen = false;
  for (int i = 0; i < N; i++) {
    double out[INDICATOR_OUTPUTS_MAX];
    indicator_push(ind, &bars[i], out);
    for (int k = 0; k < d->n_outputs; k++) {
      bool value = isfinite(out[k]);
      if (isinf(out[k])) fail_msg("%s bar %d: infinite", d->name, i);
      if (i == warmup - 1 && !value) late_before = true;
      if (d->sparse && i < warmup) assert_false(value);
      if (value && i >= warmup) seen = true;
      if (i >= warmup && !value && !d->sparse)
        fail_msg("%s(%g,%g,%g), market \"%s\": no %s at bar %d, warm-up %d", d->name, params[0], params[1], params[2],
          market_name((enum market)market), d->outputs[k], i, warmup);
    }
  }
  if (warmup > 0 && warmup < N && !late_before) fail_msg("%s starts before its warm-up of %d", d->name, warmup);
  if (warmup < N && !d->sparse) assert_true(seen);
  indicator_destroy(ind);
}

static void warmup_is_true_and_values_stay_finite(void **state) {
  (void)state;
  static struct indicator_input bars[N];
  for (int m = 0; m < MARKET_COUNT; m++) {
    uint64_t seed = 99 + (uint64_t)m;
    bars_make((enum market)m, seed, bars, N);
    for (size_t i = 0; i < indicator_count(); i++) {
      const struct indicator_desc *d = indicator_at(i);
      for (int round = 0; round < 40; round++) {
        double params[INDICATOR_PARAMS_MAX] = {0};
        for (int k = 0; k < d->n_params; k++) {
          const struct indicator_param *p = &d->params[k];
          double most = p->integer ? (round % 2 ? 6 : 60) : p->max;
          params[k] = round == 0 ? p->min : p->min + random_unit(&seed) * (most - p->min);
          if (p->integer) params[k] = floor(params[k]);
        }
        if (indicator_check(d, params, NULL) == OK) check_warmup(d, params, bars, m);
      }
    }
  }
}

// Ten days of halted trading, then a market again: nothing gets stuck, nothing explodes.
static void undefined_values_are_the_documented_ones(void **state) {
  (void)state;
  static struct indicator_input bars[N];
  static const struct {
    const char *spec;
    double value;
  } flat[] = {{"rsi:14", 50}, {"stoch:14,3,3", 50}, {"stochrsi:14,14,3", 50}, {"willr:14", -50}, {"mfi:14", 50},
    {"uo:7,14,28", 50}, {"cci:49", 0}, {"cmo:14", 0}, {"zscore:49", 0}, {"stddev:49", 0}, {"roc:10", 0}, {"trix:15", 0},
    {"adx:14", 0}, {"atr:14", 0}, {"macd:12,26,9", 0}, {"cmf:20", 0}, {"aroon:25", 100}, {"kama:10", 0.1 + 1.0 / 3},
    {"ema:20", 0.1 + 1.0 / 3}};
  bars_make(MARKET_FLAT, 5, bars, N);
  for (size_t i = 0; i < sizeof flat / sizeof flat[0]; i++) {
    struct indicator *ind = make_spec(flat[i].spec);
    double out[INDICATOR_OUTPUTS_MAX];
    for (int k = 0; k < N; k++) indicator_push(ind, &bars[k], out);
    if (!(out[0] == flat[i].value)) fail_msg("%s on flat prices: %.17g", flat[i].spec, out[0]);
    indicator_destroy(ind);
  }
  // No volume: VWMA is the plain mean, VWAP the price, MFI and CMF neutral.
  static const struct indicator_input bar[3] = {{.high = 2, .low = 1, .close = 2, .source = 2},
    {.high = 5, .low = 3, .close = 4, .source = 4}, {.high = 6, .low = 5, .close = 6, .source = 6}};
  static const struct {
    const char *spec;
    double value;
  } silent[] = {{"vwma:3", 4}, {"vwap", 6}, {"mfi:2", 50}, {"cmf:3", 0}, {"obv", 0}, {"ad", 0}};
  for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
    struct indicator *ind = make_spec(silent[i].spec);
    double out[3];
    indicator_run(ind, bar, 3, out);
    assert_true(out[2] == silent[i].value);
    indicator_destroy(ind);
  }
}

static void vwap_starts_anew_each_utc_day(void **state) {
  (void)state;
  const int64_t day = INT64_C(86400000000000);
  const struct indicator_input in[] = {{.time_ns = -1, .source = 1, .volume = 5},
    {.time_ns = 0, .source = 10, .volume = 1}, {.time_ns = day - 1, .source = 20, .volume = 3},
    {.time_ns = day, .source = 7, .volume = 0}, {.time_ns = day + 1, .source = 8, .volume = 2}};
  static const double expected[] = {1, 10, 17.5, 7, 8};
  struct indicator *ind = make_spec("vwap");
  for (size_t i = 0; i < 5; i++) {
    double out;
    indicator_push(ind, &in[i], &out);
    assert_true(out == expected[i]);
  }
  indicator_destroy(ind);
}

static void pivots_speak_only_when_confirmed(void **state) {
  (void)state;
  static const double prices[] = {1, 2, 3, 5, 4, 5, 5, 4, 3, 9, 8, 7};
  static const double highs[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};  // 0: none; 5 at bar 3 ties later, see below
  struct indicator *ind = make_spec("pivot_high:2,2");
  for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++) {
    double out;
    indicator_push(ind, &(struct indicator_input){.source = prices[i]}, &out);
    // Bar 3 (5) is above its left and not below 4, 5 on its right: confirmed at bar 5. Bars 5 and 6 have a 5 on their
    // left.
    double expected = i == 5 ? 5 : highs[i];
    assert_true(expected == 0 ? isnan(out) : out == expected);
  }
  indicator_destroy(ind);
}

// After millions of bars a window's value is what a fresh indicator makes of the last bars alone.
static void sums_do_not_drift(void **state) {
  (void)state;
  static const char *const specs[] = {
    "sma:50", "wma:50", "stddev:50", "linreg:50", "vwma:50", "cmf:50", "mfi:50", "uo:7,14,50"};
  enum { SPECS = sizeof specs / sizeof specs[0], BLOCK = 4096, TAIL = 60 };
  static struct indicator_input bars[BLOCK];
  static double out[BLOCK * INDICATOR_OUTPUTS_MAX];
  bars_make(MARKET_RANDOM, 3, bars, BLOCK);
  for (size_t i = 0; i < BLOCK; i++) bars[i].volume += 1.0 / 3;
  for (int s = 0; s < SPECS; s++) {
    struct indicator *old = make_spec(specs[s]), *fresh = make_spec(specs[s]);
    for (int i = 0; i < (s < 2 ? DRIFT_BARS : DRIFT_BARS / 5) / BLOCK; i++) indicator_run(old, bars, BLOCK, out);
    double before = out[BLOCK - 1], after;
    for (int i = BLOCK - TAIL; i < BLOCK; i++) indicator_push(fresh, &bars[i], &after);
    if (!(fabs(before - after) <= 1e-12 * fabs(after)))
      fail_msg("%s drifted: %.17g, afresh %.17g", specs[s], before, after);
    indicator_destroy(old);
    indicator_destroy(fresh);
  }
}

// --- memory

static void memory_is_one_bounded_block(void **state) {
  (void)state;
  for (size_t i = 0; i < indicator_count(); i++) {
    const struct indicator_desc *d = indicator_at(i);
    double params[INDICATOR_PARAMS_MAX];
    for (int k = 0; k < d->n_params; k++) params[k] = d->params[k].max;
    if (strcmp(d->name, "macd") == 0) params[0]--;
    assert_int_equal(indicator_check(d, params, NULL), OK);
    size_t most = indicator_bytes(d, params);
    assert_in_range(most, sizeof(struct indicator), 10 << 20);
    indicator_defaults(d, params);
    size_t bytes = indicator_bytes(d, params);
    assert_in_range(bytes, sizeof(struct indicator), 8192);
    // Memory of the caller, dirty and exactly as large as told (the sanitizer build watches the end).
    void *memory = malloc(bytes);
    assert_non_null(memory);
    memset(memory, 0xa5, bytes);
    struct indicator *ind = indicator_init(memory, d, params);
    static struct indicator_input bars[100];
    bars_make(MARKET_RANDOM, 11, bars, 100);
    for (int k = 0; k < 100; k++) {
      double out[INDICATOR_OUTPUTS_MAX];
      indicator_push(ind, &bars[k], out);
    }
    free(memory);
  }
}

// --- names, parameters, sources

static void the_table_is_sound(void **state) {
  (void)state;
  for (size_t i = 0; i < indicator_count(); i++) {
    const struct indicator_desc *d = indicator_at(i);
    assert_ptr_equal(indicator_find(d->name, strlen(d->name)), d);
    assert_in_range(d->n_outputs, 1, INDICATOR_OUTPUTS_MAX);
    assert_in_range(d->n_params, 0, INDICATOR_PARAMS_MAX);
    assert_true(strlen(d->about) > 5 && strlen(d->definition) > 5);
    assert_true(d->needs != 0);
    double params[INDICATOR_PARAMS_MAX];
    indicator_defaults(d, params);
    assert_int_equal(indicator_check(d, params, NULL), OK);
  }
  assert_null(indicator_find("smax", 4));
  assert_null(indicator_find("sma", 2));
}

static void specs_are_parsed(void **state) {
  (void)state;
  struct indicator_spec spec;
  assert_int_equal(indicator_spec_parse("macd:8,21,5", &spec, NULL), OK);
  assert_string_equal(spec.desc->name, "macd");
  assert_true(spec.params[0] == 8 && spec.params[1] == 21 && spec.params[2] == 5);
  assert_int_equal(indicator_spec_parse("bbands:10", &spec, NULL), OK);
  assert_true(spec.params[0] == 10 && spec.params[1] == 2);
  assert_int_equal(indicator_spec_parse("bbands:10,1.5", &spec, NULL), OK);
  assert_true(spec.params[1] == 1.5);
  assert_int_equal(indicator_spec_parse("obv", &spec, NULL), OK);
}

static void wrong_specs_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *spec, *message;  // the message holds these words
  } cases[] = {
    {"smma:10", "did you mean \"sma\""},
    {"qqqqq", "no indicator \"qqqqq\""},
    {"", "name:parameters"},
    {":5", "name:parameters"},
    {"sma:", "period is empty"},
    {"sma:x", "period is not a number: \"x\""},
    {"sma:0x10", "not a number"},
    {"sma:nan", "not a number"},
    {"sma: 5", "not a number"},
    {"sma:5-", "not a number"},
    {"sma:0", "period must be from 1 to 100000, not 0"},
    {"sma:1e9", "period must be from"},
    {"sma:1e999", "finite"},
    {"sma:2.5", "period must be a whole number"},
    {"sma:5,6", "too many parameters; sma takes period"},
    {"obv:1", "too many parameters; obv takes no parameters"},
    {"macd:26,12,9", "fast must be below slow"},
    {"macd:12,,9", "slow is empty; macd takes fast, slow, signal"},
    {"psar:0.3,0.2", "step must not be above max"},
    {"bbands:20,-1", "width must be from 0"},
    {"cci:5000", "period must be from 1 to 2000"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct indicator_spec spec;
    struct err err;
    assert_int_equal(indicator_spec_parse(cases[i].spec, &spec, &err), ERR_INVALID);
    if (!strstr(err.msg, cases[i].message)) fail_msg("\"%s\": %s", cases[i].spec, err.msg);
    if (!strstr(err.msg, cases[i].spec)) fail_msg("\"%s\" is not named: %s", cases[i].spec, err.msg);
  }
  struct indicator *ind;
  struct err err;
  const struct indicator_desc *sma = indicator_find("sma", 3);
  assert_int_equal(indicator_create(sma, (double[]){NAN}, &ind, &err), ERR_INVALID);
  assert_null(ind);
}

static void sources_are_parsed_and_applied(void **state) {
  (void)state;
  const struct indicator_input in = {.open = 1, .high = 8, .low = 2, .close = 5, .volume = 77, .source = -1};
  static const double expected[SOURCE_COUNT] = {5, 1, 8, 2, 77, 5, 5, 4};
  for (int i = 0; i < SOURCE_COUNT; i++) {
    const char *text = indicator_source_text((enum indicator_source)i);
    enum indicator_source source;
    assert_true(indicator_source_parse(text, strlen(text), &source));
    assert_int_equal(source, i);
    assert_true(indicator_source_value(source, &in) == expected[i]);
  }
  enum indicator_source source;
  assert_false(indicator_source_parse("hl3", 3, &source));
  assert_false(indicator_source_parse("", 0, &source));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(chunks_equal_single_bars),
    cmocka_unit_test(warmup_is_true_and_values_stay_finite),
    cmocka_unit_test(undefined_values_are_the_documented_ones),
    cmocka_unit_test(vwap_starts_anew_each_utc_day),
    cmocka_unit_test(pivots_speak_only_when_confirmed),
    cmocka_unit_test(sums_do_not_drift),
    cmocka_unit_test(memory_is_one_bounded_block),
    cmocka_unit_test(the_table_is_sound),
    cmocka_unit_test(specs_are_parsed),
    cmocka_unit_test(wrong_specs_are_refused),
    cmocka_unit_test(sources_are_parsed_and_applied),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
