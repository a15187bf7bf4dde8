// tests/unit/backtest/test_paper.c – simulation rule 23: paper is the same matcher on live data, and replaying its recording gives
// the same event hash.
//
// Bars arrive one at a time at a pilot, in a series that starts empty and moves as it grows, so nothing can look at what has not
// happened. A blotter, which has no script, is shown the same bars and the pilot's commands; a recording of the bars is given to
// the backtester. All three must say the same.
#include "backtest/backtest.h"
#include "base/buf.h"
#include "bot/pilot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// What the core has: the same bars and what the pilot told it, without the script.
struct paper {
  struct blotter *blotter;
  const struct instant *in;  // the instant under way
  bool market_done;
  int fills, commands;
};

static void must(enum status st, const struct err *err) {
  if (st != OK) fail_msg("%s", err->msg);
}

// The market's part comes before the pilot's first command of an instant.
static void market(struct paper *p) {
  struct err err;
  if (!p->market_done && p->in) must(blotter_market(p->blotter, p->in, &err), &err);
  p->market_done = true;
}

static void seen_fill(void *self, const struct fill *f) {
  (void)f;
  ((struct paper *)self)->fills++;
}

static void seen_command(void *self, const struct bot_command *c) {
  struct paper *p = self;
  const char *why;
  market(p);
  if (!command_valid(blotter_matcher(p->blotter), c, &why)) fail_msg("%s: %s", command_kind_text(c->kind), why);
  blotter_command(p->blotter, c);
  p->commands++;
}

static void paper_run(const struct backtest_config *c, const struct series *data, struct series *ret_recorded, char ret_hash[SHA256_HEX_SIZE], int *ret_fills) {
  static const int symbols[] = {0};
  struct err err;
  struct paper p = {0};
  *ret_recorded = *data;
  ret_recorded->bars = NULL;
  ret_recorded->count = ret_recorded->cap = 0;
  const struct series *streams[] = {ret_recorded};
  struct match_symbol_config sc;
  match_symbol_config_init(&sc, &data->inst);
  sc.fees = c->fees;
  sc.volume_scale = data->volume_scale;
  struct pilot_config pc = {
      .bot = {.chunkname = c->script_path, .source = c->source, .source_len = c->source_len, .spec = c->spec, .values = c->values, .limits = c->limits,
              .series = streams, .symbols = symbols, .risk = c->risk, .observer = {.self = &p, .fill = seen_fill, .command = seen_command}},
      .blotter = {.match = c->match, .symbols = &sc, .symbol_count = 1}};
  struct pilot *pilot;
  must(pilot_create(&pc, &pilot, &err), &err);
  must(blotter_create(&pc.blotter, &p.blotter, &err), &err);
  for (size_t i = 0; i < data->count; i++) {
    must(series_append(ret_recorded, &data->bars[i], &err), &err);
    int64_t now_ns = data->bars[i].open_ns + data->timeframe_ns;
    struct instant_match m = {.bar = {.bar = &ret_recorded->bars[i], .close_ns = now_ns}};
    struct instant_bar b = {.ix = i, .deliver = true};
    struct instant in = {.now_ns = now_ns, .match = &m, .match_count = 1, .bars = &b, .bar_count = 1};
    p.in = &in;
    p.market_done = false;
    must(pilot_instant(pilot, &in, &err), &err);
    market(&p);
  }
  must(pilot_stop(pilot, data->bars[data->count - 1].open_ns + data->timeframe_ns, "end", &err), &err);
  pilot_hash(pilot, ret_hash);
  *ret_fills = p.fills;

  char core_hash[SHA256_HEX_SIZE];
  blotter_hash(p.blotter, core_hash);
  assert_string_equal(core_hash, ret_hash);
  assert_int_equal(matcher_equity(blotter_matcher(p.blotter)).e8, account_equity(pilot_account(pilot)).e8);
  assert_true(p.commands > (int)data->count);  // a mark for each bar, and orders
  matcher_check(blotter_matcher(p.blotter));
  blotter_destroy(p.blotter);
  pilot_destroy(pilot);
}

static void rule_23(const char *strategy, int fills_min) {
  struct err err;
  const char *root = getenv("PERIGEE_ROOT");
  char path[4096], data_path[4096];
  snprintf(path, sizeof path, "%s/strategies/%s", root ? root : ".", strategy);
  snprintf(data_path, sizeof data_path, "%s/examples/data/SP500_1d.csv", root ? root : ".");
  struct buf source;
  buf_init(&source, 1 << 16);
  must(buf_read_file(&source, path, &err), &err);
  struct csv_options csv = {.lot = {1, 3}};
  struct series data, recorded;
  must(csv_load(data_path, &csv, &data, NULL, &err), &err);

  struct script_spec *spec;
  struct param_value values[SPEC_PARAMS_MAX];
  must(script_describe(strategy, source.data, source.len, NULL, &spec, &err), &err);
  params_default(spec, values);
  struct backtest_config c;
  backtest_config_init(&c);
  c.script_path = strategy, c.source = source.data, c.source_len = source.len, c.spec = spec, c.values = values;
  c.fees = (struct match_fees){.maker_frac_e8 = 100000, .taker_frac_e8 = 100000};
  c.single_path = true;

  char live_hash[SHA256_HEX_SIZE];
  int fills;
  paper_run(&c, &data, &recorded, live_hash, &fills);
  assert_true(fills >= fills_min);

  c.files[0] = (struct backtest_file){.path = "recording", .series = &recorded};
  c.file_count = 1;
  struct backtest_data loaded;
  struct result r;
  result_init(&r);
  must(backtest_data_load(&c, &loaded, &r, &err), &err);
  must(backtest_run(&c, &loaded, &r, &err), &err);
  assert_int_equal(r.fill_count, fills);
  assert_string_equal(r.hash, live_hash);

  result_finish(&r);
  backtest_data_finish(&loaded);
  series_finish(&recorded);
  series_finish(&data);
  free(spec);
  buf_finish(&source);
}

static void rule_23_market_orders(void **state) {
  (void)state;
  rule_23("sma_cross.lua", 20);
}
static void rule_23_limits_and_ladders(void **state) {
  (void)state;
  rule_23("grid.lua", 20);
  rule_23("ema_dca.lua", 5);
}
static void rule_23_stops(void **state) {
  (void)state;
  rule_23("rsi_reversion.lua", 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rule_23_market_orders),
      cmocka_unit_test(rule_23_limits_and_ladders),
      cmocka_unit_test(rule_23_stops),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
