// The search for parameters: spaces as people write them, methods that never ask twice and always ask the same, the best out of sample,
// its neighbours, walk-forward, an early stop; and a run of it is the backtest of its parameters.
#include "backtest/optimize_out.h"
#include "backtest/optimize_request.h"
#include "backtest/optimize_run.h"
#include "backtest/stats.h"
#include "loop/watchdog.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

static const char source[] =
  "strategy{ name='Cross', api=1, params={ fast=int{10, min=2, max=100, opt=true}, slow=int{30, min=3, max=400}, size=pct{50, min=1, max=100, step=5},\n"
  "  side=enum{'long', of={'long', 'short'}}, on=bool{true}, tf=tf{'1h'}, note=text{'a,b'} },\n"
  "  check=function(p) return p.fast < p.slow, 'fast must be below slow' end,\n"
  "  data={ main={}, high={tf='tf'} }, ind={ f={'sma','fast'}, s={'sma','slow'} } }\n"
  "function on_bar(ctx, bar)\n"
  "  if ctx.p.size == 99 then error('ninety-nine') end\n"
  "  if crossed_up(ctx.ind.f, ctx.ind.s) then ctx:target{pct=ctx.p.size} elseif crossed_down(ctx.ind.f, ctx.ind.s) then ctx:target{pct=0} end\n"
  "end\n";

static struct watchdog *dog;
static struct script_spec *spec;

static void must(enum status st, const struct err *err) {
  if (st != OK) fail_msg("%s", err->msg);
}

static int set_up(void **state) {
  (void)state;
  struct err err;
  must(watchdog_create(&dog, &err), &err);
  must(script_describe("cross.lua", source, sizeof source - 1, dog, &spec, &err), &err);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  free(spec);
  watchdog_destroy(dog);
  return 0;
}

// ---- spaces

static const char *added(struct space *s, const char *text) {
  static struct err err;
  return space_add(s, text, &err) == OK ? "" : err.msg;
}

static void spaces_as_people_write_them(void **state) {
  (void)state;
  static const struct { const char *text; size_t count; const char *first, *second, *last; } good[] = {
    {"fast=5..50:5", 10, "5", "10", "50"}, {"fast=5..52:5", 10, "5", "10", "50"}, {"fast=5..7", 3, "5", "6", "7"}, {"fast=7,5, 9", 3, "7", "5", "9"},
    {"size=1.5..2.5:0.1", 11, "1.5", "1.6", "2.5"}, {"size=10..60", 11, "10", "15", "60"}, {"side=long,short", 2, "long", "short", "short"}, {"on=true,false", 2, "true", "false", "false"},
    {"tf=1h,4h,1d", 3, "1h", "4h", "1d"}, {"fast=9..9", 1, "9", "9", "9"}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct space s;
    char text[SPEC_TEXT_MAX];
    space_init(&s, spec);
    assert_true(space_is_axis(spec, good[i].text));
    assert_string_equal(added(&s, good[i].text), "");
    assert_int_equal(s.axes[0].count, good[i].count);
    assert_string_equal(space_text(&s, 0, 0, text), good[i].first);
    assert_string_equal(space_text(&s, 0, good[i].count > 1, text), good[i].second);
    assert_string_equal(space_text(&s, 0, good[i].count - 1, text), good[i].last);
  }
  static const struct { const char *text, *says; } bad[] = {
    {"fats=1..5", "did you mean \"fast\"?"}, {"fast=1..5", "below its minimum 2"}, {"fast=90..110:10", "above its maximum 100"}, {"fast=2..9:0.5", "whole number"}, {"fast=9..5", "above the last"},
    {"fast=2..9:0", "step must be above 0"}, {"fast=2..x", "from..to:step"}, {"size=1..100:0.01", "wider step"}, {"side=long,up", "none of"}, {"side=long,long", "twice"}, {"fast=5,,6", "missing"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct space s;
    space_init(&s, spec);
    if (!strstr(added(&s, bad[i].text), bad[i].says)) fail_msg("%s: %s", bad[i].text, added(&s, bad[i].text));
  }
  assert_false(space_is_axis(spec, "note=a,b") || space_is_axis(spec, "fast=5") || space_is_axis(spec, "side=long") || space_is_axis(spec, "none=1..2"));
  struct space s;
  struct err err;
  space_init(&s, spec);
  must(space_add_declared(&s, &err), &err);
  assert_int_equal(s.size, 99);  // fast alone says opt
  assert_non_null(strstr(added(&s, "fast=5,6"), "there twice"));
  assert_string_equal(added(&s, "on=true,false"), "");
  for (uint64_t n = 0; n < s.size; n++) {
    const struct point p = space_point(&s, n);
    assert_int_equal(space_number(&s, &p), n);
  }
}

// ---- methods

#define SIDE 60
// A plane of two numbers with its top at (40, 12).
static double height(const struct point *p) {
  const double x = (double)p->at[0] - 40, y = (double)p->at[1] - 12;
  return -x * x - y * y;
}
static void plane(struct space *s) {
  space_init(s, spec);
  assert_string_equal(added(s, "fast=2..61"), "");
  assert_string_equal(added(s, "slow=3..62"), "");
  assert_int_equal(s->size, SIDE * SIDE);
}

// The best that it finds; every point once. refused: points of an odd first number are not possible.
static double found(enum search_method m, size_t trials, uint64_t seed, bool refused, uint64_t *ret_order, size_t *ret_asked) {
  struct space s;
  struct search *search;
  struct err err;
  plane(&s);
  must(search_create(&s, m, trials, seed, &search, &err), &err);
  static bool seen[SIDE * SIDE];
  memset(seen, 0, sizeof seen);
  double best = -INFINITY;
  struct point points[SEARCH_BATCH];
  *ret_order = 0, *ret_asked = 0;
  for (size_t n; (n = search_ask(search, points)) > 0;) {
    double scores[SEARCH_BATCH];
    for (size_t i = 0; i < n; i++) {
      const uint64_t number = space_number(&s, &points[i]);
      assert_false(seen[number]);
      seen[number] = true;
      *ret_order = *ret_order * 31 + number;
      ++*ret_asked;
      scores[i] = refused && points[i].at[0] % 2 ? NAN : height(&points[i]);
      if (scores[i] > best) best = scores[i];
    }
    search_tell(search, points, n, scores);
  }
  search_destroy(search);
  return best;
}

static void methods_ask_once_and_always_the_same(void **state) {
  (void)state;
  uint64_t order, again;
  size_t asked;
  assert_true(found(SEARCH_GRID, SIDE * SIDE, 1, false, &order, &asked) == 0);
  assert_int_equal(asked, SIDE * SIDE);
  for (int m = SEARCH_RANDOM; m <= SEARCH_TPE; m++) {
    found((enum search_method)m, 200, 7, false, &order, &asked);
    assert_int_equal(asked, 200);
    found((enum search_method)m, 200, 7, false, &again, &asked);
    assert_int_equal(order, again);
    found((enum search_method)m, 200, 8, false, &again, &asked);
    assert_int_not_equal(order, again);
    found((enum search_method)m, 200, 7, true, &order, &asked);
    assert_true(asked > 300);  // half of them cost no trial
    found((enum search_method)m, SIDE * SIDE * 2, 3, false, &order, &asked);
    assert_int_equal(asked, SIDE * SIDE);  // more trials than there are points
  }
  int better = 0;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    const double random = found(SEARCH_RANDOM, 100, seed, false, &order, &asked), tpe = found(SEARCH_TPE, 100, seed, false, &order, &asked);
    better += tpe > random;
  }
  assert_true(better >= 8);
  struct space s;
  struct search *search;
  struct err err;
  plane(&s);
  assert_int_equal(search_create(&s, SEARCH_GRID, 3599, 1, &search, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "3600 combinations"));
}

// ---- the whole, with runs that are made up

#define BARS 1000
#define DAY NS_PER_DAY
struct made_up {
  size_t runs, most;      // most: then it is stopped; 0: never
  enum status stop;
  int64_t first_ns, last_ns;
  size_t last_done, total;
};

// On spans that begin early the top is at fast 40, later ones have it at 20.
static enum status make_up(void *self, const struct optimize_ask *asks, size_t count, struct optimize_outcome *ret, struct err *err) {
  struct made_up *u = self;
  for (size_t i = 0; i < count; i++) {
    if (u->most && u->runs == u->most) return err_set(err, u->stop, "stopped");
    struct optimize_outcome *o = &ret[i];
    const int x = asks[i].point.at[0];
    u->runs++;
    o->state = x == 7 ? RUN_REFUSED : x == 9 ? RUN_FAILED : RUN_DONE;
    if (o->state != RUN_DONE) snprintf(o->why, sizeof o->why, "no %d", x);
    stats_clear(&o->stats);
    o->stats.sharpe = 4 - abs(x - (asks[i].span.from_ns < 400 * DAY ? 40 : 20)) / 10.0;
    o->stats.trades = x;
    o->stats.return_pct = o->stats.sharpe * 10;
    if (x == 41) o->stats.sharpe = NAN;
  }
  return OK;
}
static void note_progress(void *self, size_t done, size_t total) {
  struct made_up *u = self;
  assert_true(done >= u->last_done && done <= total);
  u->last_done = done;
  u->total = total;
}

static enum status search(const struct optimize_options *o, struct made_up *u, struct optimum *ret, struct err *err) {
  int64_t times_ns[BARS];
  for (int i = 0; i < BARS; i++) times_ns[i] = i * DAY;
  const struct optimize_runner runner = {.run = make_up, .progress = note_progress, .self = u};
  return optimize(o, times_ns, BARS, &runner, ret, err);
}
static void options_of(struct optimize_options *o, const char *wish) {
  struct err err;
  json_t *tree = json_loads(wish, 0, NULL);
  assert_non_null(tree);
  optimize_options_init(o, spec);
  must(optimize_request_parse(tree, true, o, &err), &err);
  json_decref(tree);
}

static void the_best_and_what_it_is_worth(void **state) {
  (void)state;
  struct optimize_options o;
  struct optimum r;
  struct made_up u = {0};
  struct err err;
  options_of(&o, "{\"ranges\": {\"fast\": \"2..61\"}, \"require\": [\"trades>=10\", \"trades<=50\"]}");
  must(search(&o, &u, &r, &err), &err);
  assert_int_equal(r.trial_count, 59);
  assert_int_equal(r.refused, 1);
  assert_int_equal(r.failed, 1);
  assert_int_equal(r.accepted, 40);  // 10 … 50 without 41
  assert_string_equal(r.first_failure, "no 9");
  assert_int_equal(r.trials[0].point.at[0], 40);
  assert_int_equal(r.trials[58].in.state, RUN_FAILED);
  for (size_t i = 1; i < r.trial_count; i++) assert_true(r.trials[i - 1].accepted >= r.trials[i].accepted && (r.trials[i - 1].accepted != r.trials[i].accepted || r.trials[i - 1].score >= r.trials[i].score));
  assert_int_equal(r.search.bars, 750);
  assert_int_equal(r.unseen.bars, 250);
  assert_int_equal(r.search.to_ns, r.unseen.from_ns);
  for (int i = 0; i < OPTIMIZE_TOP; i++) assert_int_equal(r.trials[i].out.state, RUN_DONE);
  assert_int_equal(r.trials[OPTIMIZE_TOP].out.state, RUN_OPEN);
  assert_float_equal(r.trials[0].out.stats.sharpe, 2, 1e-9);
  assert_int_equal(r.trials[0].neighbours, 1);  // 41 has no figure
  assert_float_equal(r.trials[0].neighbours_mean, 3.9, 1e-9);
  assert_int_equal(r.runs, 59 + OPTIMIZE_TOP);
  assert_int_equal(u.last_done, u.total);
  double luck;
  assert_true(optimum_luck_sharpe(&r, &luck) && luck > 0);
  optimum_finish(&r);
  // Small is good, no rules, nothing kept back.
  options_of(&o, "{\"ranges\": {\"fast\": \"2..61\"}, \"objective\": \"min:sharpe\", \"out_of_sample_pct\": 0}");
  u = (struct made_up){0};
  must(search(&o, &u, &r, &err), &err);
  assert_int_equal(r.trials[0].point.at[0], 0);
  assert_int_equal(r.unseen.bars, 0);
  assert_true(r.trials[0].out.state == RUN_OPEN && r.trials[0].neighbours == 1 && r.trials[0].neighbours_mean > r.trials[0].in.stats.sharpe);
  optimum_finish(&r);
  // Neighbours that a random search did not try are run for it.
  options_of(&o, "{\"ranges\": {\"fast\": \"2..61\", \"slow\": \"70..90\"}, \"method\": \"random\", \"trials\": 40, \"out_of_sample_pct\": 0}");
  u = (struct made_up){0};
  must(search(&o, &u, &r, &err), &err);
  assert_int_equal(r.trial_count, 40);
  assert_true(r.runs > 50 && r.trials[0].neighbours >= 2);
  optimum_finish(&r);
}

static void walk_forward_never_sees_what_it_is_tested_on(void **state) {
  (void)state;
  struct optimize_options o;
  struct optimum r;
  struct err err;
  for (int anchored = 0; anchored <= 1; anchored++) {
    struct made_up u = {0};
    double grown, growth = 1;
    options_of(&o, anchored ? "{\"ranges\": {\"fast\": \"12..61\"}, \"walk_forward\": 7, \"anchored\": true}" : "{\"ranges\": {\"fast\": \"12..61\"}, \"walk_forward\": 7}");
    must(search(&o, &u, &r, &err), &err);
    assert_int_equal(r.fold_count, 7);
    for (int i = 0; i < 7; i++) {
      const struct fold *f = &r.folds[i];
      assert_int_equal(f->train.to_ns, f->test.from_ns);
      assert_int_equal(f->train.from_ns, anchored ? 0 : i * 100 * DAY);
      assert_int_equal(f->train.bars, anchored ? 300 + 100 * i : 300);
      assert_int_equal(f->test.bars, 100);
      if (i) assert_int_equal(f->test.from_ns, r.folds[i - 1].test.to_ns);
      assert_true(f->found && f->tested);
      assert_int_equal(f->point.at[0], anchored || i < 4 ? 40 : 20);
      growth *= 1 + f->test_stats.return_pct / 100;
    }
    assert_int_equal(r.folds[6].test.to_ns, 999 * DAY + NS_PER_MS);
    assert_true(optimum_walk_return_pct(&r, &grown));
    assert_float_equal(grown, (growth - 1) * 100, 1e-9);
    assert_int_equal(u.last_done, u.total);
    optimum_finish(&r);
  }
  options_of(&o, "{\"ranges\": {\"fast\": \"12..61\"}, \"walk_forward\": 50, \"out_of_sample_pct\": 90}");
  o.folds = 49;
  int64_t times_ns[200];
  for (int i = 0; i < 200; i++) times_ns[i] = i * DAY;
  struct made_up u = {0};
  const struct optimize_runner runner = {.run = make_up, .self = &u};
  assert_int_equal(optimize(&o, times_ns, 200, &runner, &r, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "too few"));
  optimum_finish(&r);
}

static void stopped_it_keeps_what_it_found(void **state) {
  (void)state;
  struct optimize_options o;
  struct optimum r;
  struct err err;
  struct made_up u = {.most = 30, .stop = ERR_CANCELLED};
  options_of(&o, "{\"ranges\": {\"fast\": \"12..61\"}, \"walk_forward\": 3}");
  must(search(&o, &u, &r, &err), &err);
  assert_string_equal(r.stopped, "cancelled");
  assert_int_equal(r.trial_count, 29);  // 30 without the one that is refused
  assert_int_equal(r.fold_count, 0);
  struct result head;
  struct buf out;
  result_init(&head);
  buf_init(&out, 1 << 20);
  optimum_json(&o, &r, &head, &out);
  json_t *tree = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
  assert_string_equal(json_string_value(json_object_get(tree, "stopped")), "cancelled");
  assert_int_equal(json_array_size(json_object_get(tree, "results")), 29);
  json_decref(tree);
  buf_finish(&out);
  result_finish(&head);
  optimum_finish(&r);
  u = (struct made_up){.most = 10, .stop = ERR_NOMEM};
  assert_int_equal(search(&o, &u, &r, &err), ERR_NOMEM);
  optimum_finish(&r);
}

static void wishes_that_are_refused(void **state) {
  (void)state;
  static const struct { const char *wish, *says; } bad[] = {
    {"{\"ranges\": {\"fast\": 5}}", "/ranges/fast: a text"}, {"{\"ranges\": {\"fats\": \"1..2\"}}", "/ranges/fats: the script has no parameter"}, {"{\"method\": \"best\"}", "/method: grid, random or tpe"},
    {"{\"trials\": 0}", "/trials: a whole number"}, {"{\"objective\": \"sharp\"}", "did you mean \"sharpe\"?"}, {"{\"require\": [\"trades>30\"]}", "/require/0"}, {"{\"require\": [\"trades>=x\"]}", "no number"},
    {"{\"out_of_sample_pct\": 91}", "0 to 90"}, {"{\"walk_forward\": 51}", "0 to 50"}, {"{\"rangs\": {}}", "did you mean \"ranges\"?"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct optimize_options o;
    struct err err = {0};
    json_t *tree = json_loads(bad[i].wish, 0, NULL);
    optimize_options_init(&o, spec);
    if (optimize_request_parse(tree, true, &o, &err) != ERR_INVALID || !strstr(err.msg, bad[i].says)) fail_msg("%s: %s", bad[i].wish, err.msg);
    json_decref(tree);
  }
}

// ---- real runs

static struct series walk(int n) {
  struct err err;
  struct series s = {.timeframe_ns = 15 * NS_PER_MINUTE, .volume_scale = 0, .price_scale = 2};
  s.inst = (struct instrument){.symbol = "T", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}};
  must(instrument_finish(&s.inst, &err), &err);
  uint64_t rng = 12345;
  int64_t px = 10000;
  for (int i = 0; i < n; i++) {
    rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
    int64_t close = px + (int64_t)(rng % 201) - 100;
    if (close < 1000) close = 1000;
    struct bar b = {.open_ns = INT64_C(1577836800) * NS_PER_S + i * s.timeframe_ns, .open = {px}, .close = {close}, .high = {(px > close ? px : close) + 20}, .low = {(px < close ? px : close) - 20}, .volume = 100};
    must(series_append(&s, &b, &err), &err);
    px = close;
  }
  return s;
}

static void a_run_is_the_backtest_of_its_parameters(void **state) {
  (void)state;
  struct series s = walk(4000);
  struct err err;
  struct backtest_config *c = calloc(1, sizeof *c);
  struct optimize_options *o = calloc(1, sizeof *o);
  struct optimize_bench *b = calloc(1, sizeof *b);
  struct param_value values[SPEC_PARAMS_MAX];
  backtest_config_init(c);
  params_default(spec, values);
  c->script_path = "cross.lua", c->source = source, c->source_len = sizeof source - 1, c->spec = spec, c->values = values, c->watchdog = dog;
  c->files[c->file_count++] = (struct backtest_file){NULL, "T 15m", &s};
  options_of(o, "{\"ranges\": {\"fast\": \"5..20:5\", \"slow\": \"20..60:20\", \"tf\": \"1h,4h\"}, \"walk_forward\": 2}");
  must(optimize_bench_open(b, c, &o->space, NULL, &err), &err);
  size_t bars;
  const int64_t *times_ns = optimize_bench_times(b, &bars);
  assert_int_equal(bars, 4000);
  const struct optimize_runner runner = {.run = optimize_bench_run_all, .self = b};
  struct optimum r;
  must(optimize(o, times_ns, bars, &runner, &r, &err), &err);
  assert_int_equal(r.trial_count + r.refused, 24);
  assert_int_equal(r.refused, 2);  // fast 20, slow 20
  assert_true(r.accepted == 22 && r.failed == 0 && r.fold_count == 2);
  for (int of = 0; of < 2; of++) {  // the best, where it was chosen and where it was not
    struct backtest_data data;
    struct result result;
    struct param_value own[SPEC_PARAMS_MAX];
    const struct span *span = of ? &r.unseen : &r.search;
    memcpy(own, values, sizeof own);
    space_apply(&o->space, &r.trials[0].point, own);
    c->values = own;
    c->from_ns = span->from_ns, c->to_ns = span->to_ns;
    result_init(&result);
    must(backtest_data_load(c, &data, &result, &err), &err);
    must(backtest_run(c, &data, &result, &err), &err);
    const struct stats *got = of ? &r.trials[0].out.stats : &r.trials[0].in.stats;
    assert_true(result.stats.trades > 3);
    assert_int_equal(got->equity_final, result.stats.equity_final);
    assert_int_equal(got->trades, result.stats.trades);
    assert_memory_equal(&got->sharpe, &result.stats.sharpe, sizeof got->sharpe);
    result_finish(&result);
    backtest_data_finish(&data);
    c->values = values;
    c->from_ns = INT64_MIN, c->to_ns = INT64_MAX;
  }
  optimum_finish(&r);
  // Every run fails: the search says why. Time that is used up ends it.
  must(params_set_text(spec, "size=99", values, &err), &err);
  assert_int_equal(optimize(o, times_ns, bars, &runner, &r, &err), ERR_SCRIPT);
  assert_non_null(strstr(err.msg, "ninety-nine"));
  optimum_finish(&r);
  must(params_set_text(spec, "size=50", values, &err), &err);
  b->soft_cpu_ns = 1;
  must(optimize(o, times_ns, bars, &runner, &r, &err), &err);
  assert_string_equal(r.stopped, "time");
  optimum_finish(&r);
  optimize_bench_close(b);
  series_finish(&s);
  free(b);
  free(o);
  free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(spaces_as_people_write_them), cmocka_unit_test(methods_ask_once_and_always_the_same), cmocka_unit_test(the_best_and_what_it_is_worth),
    cmocka_unit_test(walk_forward_never_sees_what_it_is_tested_on), cmocka_unit_test(stopped_it_keeps_what_it_found), cmocka_unit_test(wishes_that_are_refused),
    cmocka_unit_test(a_run_is_the_backtest_of_its_parameters),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
