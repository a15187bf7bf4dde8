// The verdict of an upload: honest strategies pass, each kind of cheat is named by the check made for it; and requests, which
// come from outside.
#include "backtest/verdict.h"
#include "backtest/verdict_run.h"
#include "loop/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

static struct watchdog *dog;
static int64_t run_cpu_ns;

static int set_up(void **state) {
  (void)state;
  struct err err;
  return watchdog_create(&dog, &err) != OK;
}
static int tear_down(void **state) {
  (void)state;
  watchdog_destroy(dog);
  return 0;
}

// ---- bars of our own

static struct series walk(int n, int64_t timeframe_ns) {
  struct err err;
  struct series s = {.timeframe_ns = timeframe_ns, .volume_scale = 0, .price_scale = 2};
  s.inst = (struct instrument){.symbol = "T", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}};
  assert_int_equal(instrument_finish(&s.inst, &err), OK);
  uint64_t rng = 12345;
  int64_t px = 10000;
  for (int i = 0; i < n; i++) {
    rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
    int64_t close = px + (int64_t)(rng % 201) - 100;
    if (close < 1000) close = 1000;
    struct bar b = {.open_ns = INT64_C(1577836800) * NS_PER_S + i * timeframe_ns, .open = {px}, .close = {close}, .high = {(px > close ? px : close) + 20}, .low = {(px < close ? px : close) - 20}, .volume = 100};
    assert_int_equal(series_append(&s, &b, &err), OK);
    px = close;
  }
  return s;
}

// ---- verdicts

static json_t *verdict_with(const char *source, const struct series *data, const char *request, enum status (*run)(const struct backtest_config *, const struct probe_data *, struct probe_run *, struct err *)) {
  struct backtest_request *q = malloc(sizeof *q);
  struct err err;
  struct buf out;
  assert_int_equal(request_parse(request ? request : "{}", strlen(request ? request : "{}"), q, &err), OK);
  struct backtest_config *c = &q->config;
  c->script_path = "t.lua";
  c->source = source;
  c->source_len = strlen(source);
  c->watchdog = dog;
  if (data) c->files[c->file_count++] = (struct backtest_file){NULL, "data", data};
  buf_init(&out, 1 << 20);
  struct verdict_options o = {.config = c, .request = q, .bars_max = 4000, .run_cpu_ns = run_cpu_ns, .run = run};
  if (verdict_json(&o, &out, &err) != OK) fail_msg("%s", err.msg);
  json_t *v = json_loadb(out.data, out.len, 0, NULL);
  assert_non_null(v);
  assert_string_equal(json_string_value(json_object_get(v, "verdict")), verdict_status_text(verdict_of(&out)));
  buf_finish(&out);
  request_finish(q);
  free(q);
  return v;
}
static json_t *verdict(const char *source) { return verdict_with(source, NULL, NULL, NULL); }

static const json_t *check_of(const json_t *v, const char *name) {
  size_t i;
  json_t *c;
  json_array_foreach(json_object_get(v, "checks"), i, c)
    if (strcmp(json_string_value(json_object_get(c, "check")), name) == 0) return c;
  fail_msg("no check %s", name);
  return NULL;
}

static void check_says(const json_t *v, const char *name, const char *status, const char *words) {
  const json_t *c = check_of(v, name);
  const char *got = json_string_value(json_object_get(c, "status")), *reason = json_string_value(json_object_get(c, "reason"));
  if (strcmp(got, status) != 0 || !strstr(reason, words)) fail_msg("%s: %s, expected %s (…%s…): %s", name, got, status, words, reason);
}
// Each word of a list "a b c" is a check that says pass; all others may say what they like.
static void expect(json_t *v, const char *overall, const char *check, const char *status, const char *words) {
  const char *got = json_string_value(json_object_get(v, "verdict"));
  if (check) check_says(v, check, status, words);
  if (strcmp(got, overall) != 0) {
    char *text = json_dumps(json_object_get(v, "checks"), 0);
    fail_msg("verdict %s, expected %s: %s", got, overall, text);
  }
  json_decref(v);
}

#define HEAD "strategy{ name=\"t\", api=1 }\n"
#define SMA "strategy{ name=\"t\", api=1, params={ fast=int{10,min=2,max=50} }, ind={ f={\"sma\",\"fast\"}, s={\"sma\",30} } }\n" \
            "function on_bar(ctx) if ctx.ind.f[0] > ctx.ind.s[0] then ctx:target{pct=50} else ctx:target{pct=0} end end"

static void honest_passes(void **state) {
  (void)state;
  json_t *v = verdict(SMA);
  static const char *const names[] = {"describe", "lint", "run", "determinism", "lookahead", "warmup", "start", "calendar", "paths", "costs"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) check_says(v, names[i], "pass", "");
  assert_false(json_is_true(json_object_get(json_array_get(json_object_get(v, "data"), 0), "real")));
  expect(v, "pass", NULL, NULL, NULL);
}

static void on_data_that_are_given(void **state) {
  (void)state;
  struct series s = walk(3000, 60 * NS_PER_MINUTE);
  json_t *v = verdict_with(SMA, &s, "{\"params\":{\"fast\":5},\"config\":{\"fee_taker\":\"0.0001\"}}", NULL);
  assert_true(json_is_true(json_object_get(json_array_get(json_object_get(v, "data"), 0), "real")));
  expect(v, "pass", "run", "pass", "2000 bars");
  // several timeframes, made of the one that is given
  v = verdict_with("strategy{ name=\"t\", api=1, data={ main={tf=\"1h\"}, d1={tf=\"1d\"} }, ind={ d={\"sma\",5,on=\"d1\"} } }\n"
                   "function on_bar(ctx, bar) if bar.close > ctx.ind.d[0] then ctx:target{pct=50} else ctx:target{pct=0} end end", &s, NULL, NULL);
  expect(v, "pass", "lookahead", "pass", "4 places");
  series_finish(&s);
}

static void wrong_scripts_fail_with_their_line(void **state) {
  (void)state;
  json_t *v = verdict("strategy{ name=\"t\", api=1, wram=3 }\nfunction on_bar() end");
  check_says(v, "run", "skip", "");
  expect(v, "fail", "describe", "fail", "t.lua:1");
  expect(verdict(HEAD "function on_bar(ctx)\n  ctx:byu{qty=1}\nend"), "fail", "run", "fail", "t.lua:3");
  expect(verdict(HEAD "function on_bar(ctx)\n  while true do end\nend"), "fail", "run", "fail", "budget");
  expect(verdict_with(SMA, NULL, "{\"params\":{\"fast\":1000}}", NULL), "fail", "describe", "fail", "/params/fast");
  struct series s = walk(20, NS_PER_MINUTE);
  expect(verdict_with(SMA, &s, NULL, NULL), "fail", "run", "fail", "not enough to warm up");
  series_finish(&s);
}

static void what_depends_on_history(void **state) {
  (void)state;
  // reads farther back than it warms up for: a warning with the number that mends it
  expect(verdict("strategy{ name=\"t\", api=1 }\nfunction on_bar(ctx)\n  local b = ctx:bars(\"main\")\n  if b[200] and b[0].close > b[200].close then ctx:target{pct=50} else ctx:target{pct=0} end\nend"),
         "warn", "warmup", "warn", "set warmup=");
  // counts all history there is: no warm-up mends that
  json_t *v = verdict("strategy{ name=\"t\", api=1, lookback=10000 }\nlocal n\nfunction on_bar(ctx)\n  local b = ctx:bars(\"main\")\n  if not n then n = 0 while b[n] do n = n + 1 end end\n"
                      "  if (n + math.floor(b[0].close * 100)) % 3 == 0 then ctx:target{pct=50} else ctx:target{pct=0} end\nend");
  const char *status = json_string_value(json_object_get(check_of(v, "warmup"), "status"));
  assert_true(strcmp(status, "warn") == 0 || strcmp(status, "fail") == 0);
  json_decref(v);
}

static void what_counts_bars_or_knows_dates(void **state) {
  (void)state;
  expect(verdict(HEAD "local n = 0\nfunction on_bar(ctx)\n  n = n + 1\n  if n % 50 == 10 then ctx:target{pct=50} elseif n % 50 == 40 then ctx:target{pct=0} end\nend"), "warn", "start", "warn", "counts bars");
  expect(verdict(HEAD "local days = {}\nfor i = 0, 90 do days[1609459200000 + i * 86400000 * 2] = true end\n"
                      "function on_bar(ctx, bar)\n  if days[bar.time] then ctx:target{pct=50} elseif not ctx.pos.flat then ctx:target{pct=0} end\nend"),
         "warn", "calendar", "warn", "dates");
}

static void what_never_trades(void **state) {
  (void)state;
  json_t *v = verdict(HEAD "function on_bar(ctx) end");
  check_says(v, "start", "skip", "");
  expect(v, "warn", "lint", "warn", "never traded");
  expect(verdict(HEAD "function on_bar(ctx) ctx:buy{qty=1e6} end"), "warn", "lint", "warn", "MARGIN");
  expect(verdict(HEAD "function on_signal(ctx, s) ctx:buy{qty=1} end"), "warn", "lint", "warn", "signals only");
}

static void slow_ones_get_fewer_bars(void **state) {
  (void)state;
  json_int_t bars = 0;
  json_t *v = NULL;
  for (run_cpu_ns = 30 * NS_PER_MS; bars == 0; run_cpu_ns *= 2) {  // a sanitizer's build takes more
    json_decref(v);
    v = verdict("strategy{ name=\"t\", api=1 }\nfunction on_bar(ctx, bar)\n  for i = 1, 12000 do end\n  if bar.close > bar.open then ctx:target{pct=50} else ctx:target{pct=0} end\nend");
    bars = json_integer_value(json_object_get(json_object_get(v, "figures"), "bars"));
  }
  assert_true(bars > 100 && bars < 2667);  // 4,000 bars, two thirds of them traded
  assert_string_equal(json_string_value(json_object_get(check_of(v, "determinism"), "status")), "pass");
  json_decref(v);
  expect(verdict("strategy{ name=\"t\", api=1 }\nfunction on_bar(ctx, bar)\n  for i = 1, 300000 do end\nend"), "fail", "run", "fail", "too slow");
  run_cpu_ns = 0;
}

static void costs_and_paths_on_real_bars(void **state) {
  (void)state;
  struct series s = walk(3000, 60 * NS_PER_MINUTE);
  // a bracket tighter than a bar: which side is met first is a guess
  json_t *v = verdict_with(HEAD "function on_bar(ctx, bar) if ctx.pos.flat then ctx:buy{pct=50, sl=bar.close*0.9995, tp=bar.close*1.0005} end end", &s, "{\"config\":{\"fee_maker\":\"-0.00005\"}}", NULL);
  expect(v, "warn", "paths", "warn", "finer data");
  series_finish(&s);
}

// ---- an engine that cheats

// One more fill where the newest bar of all is higher than the first traded one: it knows the end of history.
static enum status knows_the_end(const struct backtest_config *c, const struct probe_data *d, struct probe_run *ret, struct err *err) {
  enum status st = probe_run(c, d, ret, err);
  const struct series *m = &d->series[0];
  if (st == OK && ret->fill_count > 2) ret->fills[1].lots = 1 + m->bars[m->count - 1].close.ticks % 7;
  return st;
}
static int runs;
static enum status forgets(const struct backtest_config *c, const struct probe_data *d, struct probe_run *ret, struct err *err) {
  enum status st = probe_run(c, d, ret, err);
  if (st == OK) ret->hash[0] = (char)('0' + runs++);
  return st;
}
static void planted_cheats_are_caught(void **state) {
  (void)state;
  expect(verdict_with(SMA, NULL, NULL, knows_the_end), "fail", "lookahead", "fail", "depends on what comes later");
  expect(verdict_with(SMA, NULL, NULL, forgets), "fail", "determinism", "fail", "two results");
}

// A machine that stops a run at its budget now and then: run n of stops (a bit each), once or whenever it is asked.
static unsigned stopped_runs, run_number;
static enum status stops(const struct backtest_config *c, const struct probe_data *d, struct probe_run *ret, struct err *err) {
  enum status st = probe_run(c, d, ret, err);
  if (st == OK && stopped_runs >> run_number++ & 1) ret->st = err_set(&ret->err, ERR_BUDGET, "stopped: used up its time budget");
  return st;
}
static void one_stop_at_a_budget_proves_nothing(void **state) {
  (void)state;
  static const struct {
    unsigned stopped;
    const char *overall, *check, *status, *words;
  } rows[] = {
      {0x1, "pass", "run", "pass", "stopped at a budget 1 time and tried again"},
      {0x2, "pass", "run", "pass", "stopped at a budget 1 time and tried again"},   // the twin
      {0x55, "pass", "run", "pass", "stopped at a budget 4 times and tried again"},  // each second
      {0x3, "fail", "run", "fail", "time budget; stopped at a budget 1 time and tried again"},
      {0x6, "fail", "determinism", "fail", "time budget"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    stopped_runs = rows[i].stopped, run_number = 0;
    json_t *v = verdict_with(SMA, NULL, NULL, stops);
    if (rows[i].stopped == 0x6) check_says(v, "run", "pass", "tried again");
    expect(v, rows[i].overall, rows[i].check, rows[i].status, rows[i].words);
  }
  // Whoever never ends is told that it was not one bad moment, on loading too.
  expect(verdict(HEAD "function on_bar(ctx)\n  while true do end\nend"), "fail", "run", "fail", "1 time and tried again");
  expect(verdict("strategy{ name=\"t\", api=1 }\nwhile true do end"), "fail", "describe", "fail", "1 time and tried again");
}

static void comparing_fills(void **state) {
  (void)state;
  struct probe_fill a[] = {{10, 1, 5, 0, 0}, {20, 1, 6, 0, 1}, {30, 2, 5, 0, 0}}, b[] = {{10, 1, 5, 0, 0}, {20, 1, 7, 0, 1}};
  struct probe_run x = {.fills = a, .fill_count = 3}, y = {.fills = b, .fill_count = 2}, none = {0};
  int64_t first = 0;
  assert_true(probe_fills_equal(&x, &x, INT64_MAX, &first));
  assert_true(probe_fills_equal(&x, &y, 20, &first));
  assert_false(probe_fills_equal(&x, &y, 21, &first));
  assert_int_equal(first, 20);
  b[1].ticks = 6;
  assert_true(probe_fills_equal(&x, &y, 30, &first));
  assert_false(probe_fills_equal(&y, &x, 31, &first));
  assert_int_equal(first, 30);
  assert_true(probe_fills_share(&x, &y, 0, 0, true) > 0.66 && probe_fills_share(&x, &y, 0, 0, true) < 0.67);
  assert_true(probe_fills_share(&none, &none, 0, 0, true) == 1);
  assert_true(probe_fills_share(&none, &x, 0, 0, true) == 0);
  b[0].time_ns += 7, b[1].time_ns += 7;
  assert_true(probe_fills_share(&y, &x, 0, -7, true) > 0.66);
  assert_true(probe_fills_share(&x, &y, 0, 0, false) == 0);
}

// ---- series from memory

static void memory_and_files_agree(void **state) {
  (void)state;
  struct err err;
  struct series s = walk(2000, 60 * NS_PER_MINUTE), coarse;
  assert_int_equal(series_aggregate(&s, 24 * 60 * NS_PER_MINUTE, &coarse, &err), OK);
  // the day's bars count in a finer tick than the hours': both must meet in it
  coarse.inst.tick = (struct decimal){1, 4};
  assert_int_equal(instrument_finish(&coarse.inst, &err), OK);
  for (size_t i = 0; i < coarse.count; i++) {
    struct bar *b = &coarse.bars[i];
    b->open.ticks *= 100, b->high.ticks *= 100, b->low.ticks *= 100, b->close.ticks *= 100;
  }
  static const char source[] = "strategy{ name=\"t\", api=1, data={ main={tf=\"1h\"}, d1={tf=\"1d\"} }, ind={ d={\"sma\",5,on=\"d1\"} } }\n"
                               "function on_bar(ctx, bar) if bar.close > ctx.ind.d[0] then ctx:target{pct=50} else ctx:target{pct=0} end end";
  char hashes[2][65];
  for (int with = 0; with < 2; with++) {
    struct backtest_config *c = malloc(sizeof *c);
    struct backtest_data *d = calloc(1, sizeof *d);
    struct script_spec *spec;
    struct param_value values[SPEC_PARAMS_MAX];
    struct result r;
    backtest_config_init(c);
    result_init(&r);
    assert_int_equal(script_describe("t.lua", source, strlen(source), dog, &spec, &err), OK);
    params_default(spec, values);
    c->script_path = "t.lua", c->source = source, c->source_len = strlen(source), c->spec = spec, c->values = values, c->watchdog = dog;
    c->files[c->file_count++] = (struct backtest_file){NULL, "hours", &s};
    if (with) c->files[c->file_count++] = (struct backtest_file){"d1", "days", &coarse};
    if (backtest_data_load(c, d, &r, &err) != OK || backtest_run(c, d, &r, &err) != OK) fail_msg("%s", err.msg);
    assert_true(r.fill_count > 10);
    assert_int_equal(r.symbols[0].tick.scale, with ? 4 : 2);
    // prices, not ticks: those differ by the unit
    for (size_t i = 0; i < r.fill_count; i++) assert_int_equal(r.fills[i].px.ticks % (with ? 100 : 1), 0);
    snprintf(hashes[with], sizeof hashes[with], "%zu %zu %.10f", r.fill_count, r.trade_count, r.stats.return_pct);
    result_finish(&r);
    backtest_data_finish(d);
    free(spec);
    free(d);
    free(c);
  }
  assert_string_equal(hashes[0], hashes[1]);
  assert_int_equal(s.count, 2000);  // borrowed, not freed
  series_finish(&s);
  series_finish(&coarse);
}

// ---- requests

static void requests(void **state) {
  (void)state;
  static const struct {
    const char *json, *error;
  } cases[] = {
      {"{}", NULL}, {"[]", "not a JSON object"}, {"{", "not a JSON object"}, {"{\"kind\":\"x\"}", "/kind"}, {"{\"knid\":\"x\"}", "did you mean \"kind\""}, {"{\"a\":1,\"a\":1}", "duplicate"},
      {"{\"name\":\"\"}", NULL}, {"{\"name\":5}", "/name"}, {"{\"params\":[]}", "/params"}, {"{\"data\":{}}", "/data"}, {"{\"data\":[5]}", "/data/0"}, {"{\"data\":[{\"format\":\"xls\"}]}", "/data/0/format"},
      {"{\"data\":[{},{\"timeframe\":\"7x\"}]}", "/data/1/timeframe"}, {"{\"config\":5}", "/config"}, {"{\"config\":{\"cash\":\"1e400\"}}", "/config/cash"}, {"{\"config\":{\"cash\":\"-1\"}}", "/config/cash"},
      {"{\"config\":{\"cash\":\"0.000000001\"}}", "/config/cash"}, {"{\"config\":{\"cash\":12345}}", NULL}, {"{\"config\":{\"cash\":true}}", "/config/cash"}, {"{\"config\":{\"leverage\":\"2.5\"}}", NULL},
      {"{\"config\":{\"leverage\":5000}}", "/config/leverage"}, {"{\"config\":{\"path\":\"nearest\"}}", "/config/path"}, {"{\"config\":{\"seed\":-1}}", "/config/seed"}, {"{\"config\":{\"seed\":1.5}}", "/config/seed"},
      {"{\"config\":{\"from_ms\":5,\"to_ms\":5}}", "/config/from_ms"}, {"{\"config\":{\"finalize\":true}}", "/config/finalize"}, {"{\"config\":{\"finalize\":1}}", "/config/finalize"},
      {"{\"config\":{\"fill_model\":\"compat-backtesting\",\"finalize\":true}}", NULL}, {"{\"config\":{\"min_notional\":\"5\"}}", NULL}, {"{\"config\":{\"min_notional\":\"x\"}}", "/config/min_notional"},
      {"{\"config\":{\"swap_triple\":\"sun\"}}", "/config/swap_triple"}, {"{\"limits\":{\"heap_bytes\":1048576,\"callback_us\":50000}}", NULL}, {"{\"limits\":{\"heap_bytes\":99999999999}}", "/limits/heap_bytes"},
      {"{\"limits\":{\"cash\":1}}", "/limits/cash"}, {"{\"config\":{\"warmup\":2000000}}", "/config/warmup"}, {"{\"name\":\"a\\u0000b\"}", "object"},
  };
  struct backtest_request *q = malloc(sizeof *q);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct err err = {OK, ""};
    enum status st = request_parse(cases[i].json, strlen(cases[i].json), q, &err);
    if (cases[i].error ? st != ERR_INVALID || !strstr(err.msg, cases[i].error) : st != OK) fail_msg("%s: %s %s", cases[i].json, status_text(st), err.msg);
    request_finish(q);
  }
  struct err err;
  static const char full[] = "{\"config\":{\"cash\":\"500.25\",\"fee_maker\":\"-0.0001\",\"slippage_pct\":\"0.5\",\"spread\":\"0.02\",\"leverage\":3,\"latency_ms\":5,\"from_ms\":1000,\"market\":\"bid\",\"swap_triple\":\"fri\"}}";
  assert_int_equal(request_parse(full, sizeof full - 1, q, &err), OK);
  assert_int_equal(q->config.match.deposit.e8, INT64_C(50025000000));
  assert_int_equal(q->config.fees.maker_frac_e8, -10000);
  assert_int_equal(q->config.costs.slippage_frac_e8, 500000);
  assert_true(q->config.spread.digits == 2 && q->config.spread.scale == 2);
  assert_int_equal(q->config.leverage_e4, 30000);
  assert_int_equal(q->config.match.latency_ns, 5 * NS_PER_MS);
  assert_int_equal(q->config.from_ns, 1000 * NS_PER_MS);
  assert_int_equal(q->config.costs.kind, MARKET_BID);
  assert_int_equal(q->config.swap_triple_weekday, 4);
  request_finish(q);
  free(q);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(honest_passes), cmocka_unit_test(on_data_that_are_given), cmocka_unit_test(wrong_scripts_fail_with_their_line), cmocka_unit_test(what_depends_on_history),
      cmocka_unit_test(what_counts_bars_or_knows_dates), cmocka_unit_test(what_never_trades), cmocka_unit_test(slow_ones_get_fewer_bars), cmocka_unit_test(costs_and_paths_on_real_bars), cmocka_unit_test(planted_cheats_are_caught), cmocka_unit_test(one_stop_at_a_budget_proves_nothing),
      cmocka_unit_test(comparing_fills), cmocka_unit_test(memory_and_files_agree), cmocka_unit_test(requests),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
