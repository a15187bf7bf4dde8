// tests/unit/backtest/test_paper.c – simulation rule 23: paper is the same matcher on live data, and replaying its recording gives
// the same event hash.
//
// The paper run here is a driver of its own: bars arrive one at a time in a series that starts empty and moves as it grows, so
// nothing can look at what has not happened. What it recorded is then given to the backtester.
#include "backtest/backtest.h"
#include "base/buf.h"
#include "bot/event_hash.h"
#include "market/tz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct paper {
  struct event_hash hash;
  struct matcher *matcher;
  struct bot *bot;
  int64_t day;
  int fills;
};

static void seen_order(void *self, int64_t time_ns, const struct order *o, enum order_status from, enum order_status to, enum reason why) {
  event_hash_order(&((struct paper *)self)->hash, time_ns, o->id, from, to, why);
}

static void seen_fill(void *self, const struct fill *f) {
  struct paper *p = self;
  event_hash_fill(&p->hash, f);
  p->fills++;
}

static void must(enum status st, const struct err *err) {
  if (st != OK) fail_msg("%s", err->msg);
}

static void day_turn(struct paper *p, int64_t now_ns) {
  struct err err;
  int64_t day = now_ns / NS_PER_DAY;
  if (p->day != INT64_MIN && day != p->day) {
    struct tz_date d = date_from_days(p->day);
    char text[40];
    snprintf(text, sizeof text, "%04d-%02d-%02d", (int)d.year, d.month, d.day);
    must(bot_day(p->bot, now_ns, text, &err), &err);
  }
  p->day = day;
}

// What a live host does with a bar that has just ended.
static void arrive(struct paper *p, struct series *live, const struct bar *b) {
  struct err err;
  must(series_append(live, b, &err), &err);
  int64_t now_ns = b->open_ns + live->timeframe_ns;
  struct match_bar in = {.bar = &live->bars[live->count - 1], .close_ns = now_ns};
  bot_match(p->bot, 0, &in, now_ns);
  must(bot_settle(p->bot, now_ns, &err), &err);
  if (now_ns / NS_PER_DAY != p->day) day_turn(p, now_ns);
  cash equity = matcher_equity(p->matcher);
  event_hash_equity(&p->hash, b->open_ns, equity);
  bot_risk_mark(bot_risk_state(p->bot), equity);
  must(bot_stream_bar(p->bot, 0, live->count - 1, now_ns, true, &err), &err);
}

static void paper_run(const struct backtest_config *c, const struct series *data, struct series *ret_recorded, char ret_hash[SHA256_HEX_SIZE], int *ret_fills) {
  static const int symbols[] = {0};
  struct err err;
  struct paper p = {.day = INT64_MIN};
  event_hash_init(&p.hash);
  *ret_recorded = *data;
  ret_recorded->bars = NULL;
  ret_recorded->count = ret_recorded->cap = 0;
  const struct series *streams[] = {ret_recorded};
  struct match_symbol_config sc;
  int symbol;
  must(matcher_create(&c->match, &p.matcher, &err), &err);
  match_symbol_config_init(&sc, &data->inst);
  sc.fees = c->fees;
  sc.volume_scale = data->volume_scale;
  must(matcher_symbol_add(p.matcher, &sc, &symbol, &err), &err);
  struct bot_config bc = {.chunkname = c->script_path, .source = c->source, .source_len = c->source_len, .spec = c->spec, .values = c->values, .limits = c->limits,
                          .matcher = p.matcher, .series = streams, .symbols = symbols, .risk = c->risk, .observer = {.self = &p, .order = seen_order, .fill = seen_fill}};
  must(bot_create(&bc, &p.bot, &err), &err);
  for (size_t i = 0; i < data->count; i++) arrive(&p, ret_recorded, &data->bars[i]);
  must(bot_stop(p.bot, data->bars[data->count - 1].open_ns + data->timeframe_ns, "end", &err), &err);
  event_hash_finish(&p.hash, ret_hash);
  *ret_fills = p.fills;
  bot_destroy(p.bot);
  matcher_destroy(p.matcher);
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
