// tests/unit/bot/test_replay_tally.c – what a run came to from a moment on, against figures worked out by hand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "bot/replay_tally.h"

#define E8(units) ((int64_t)(units) * CASH_ONE)
#define MS INT64_C(1000000)

static struct match_symbol_config symbol;
static struct matcher *m;
static int64_t now_ns;

static void open_market(void) {
  struct instrument inst = {.symbol = "X", .tick = {1, 0}, .lot = {1, 0}, .multiplier = {1, 0}};
  struct match_config config;
  struct err err;
  int index;
  assert_int_equal(instrument_finish(&inst, &err), OK);
  match_symbol_config_init(&symbol, &inst);
  symbol.fees = (struct match_fees){.fixed_e8 = CASH_ONE};
  match_config_init(&config, (cash){E8(1000)});
  assert_int_equal(matcher_create(&config, &m, &err), OK);
  assert_int_equal(matcher_symbol_add(m, &symbol, &index, &err), OK);
  matcher_mark(m, 0, (price){100});
  now_ns = 0;
}

// A bar from the last price to `to`, a minute long; what it executes is told to t.
static void bar(const struct replay_watch *w, int64_t from, int64_t to, bool main_closed) {
  const struct bar b = {.open_ns = now_ns, .open = {from}, .high = {from > to ? from : to}, .low = {from < to ? from : to}, .close = {to}, .volume = -1};
  const struct match_bar in = {.bar = &b, .close_ns = now_ns + NS_PER_MINUTE};
  matcher_bar(m, matcher_watch(m, 0), 0, &in);
  now_ns += NS_PER_MINUTE;
  for (struct match_event e; matcher_event_next(m, &e);)
    if (e.kind == EVENT_FILL) w->fill(w->self, &e.fill);
  w->instant(w->self, now_ns, main_closed, m);
}
static void order(enum side side, int64_t lots) {
  struct intent in;
  uint64_t id;
  intent_init(&in, 0, side);
  in.size = lots;
  assert_int_equal(matcher_submit(m, &in, (quantity){lots}, now_ns, &id), REASON_NONE);
}

static const char *text(const json_t *o, const char *key) { return json_string_value(json_object_get(o, key)); }

static void test_figures(void **state) {
  (void)state;
  struct replay_tally t;
  open_market();
  replay_tally_init(&t, 2 * NS_PER_MINUTE, &symbol, (cash){E8(1000)});
  const struct replay_watch w = replay_tally_watch(&t);
  order(SIDE_BUY, 1);
  bar(&w, 100, 100, true);   // before: 999 after the fee
  order(SIDE_SELL, 1);
  bar(&w, 110, 110, true);   // its last: 1,000 − 2 fees + 10 = 1,008
  order(SIDE_BUY, 2);
  bar(&w, 110, 130, true);   // 1,008 − 1 + 40 = 1,047
  bar(&w, 130, 115, true);   // 1,017: 30 below the peak
  bar(&w, 115, 100, false);  // no main bar ends: no point
  order(SIDE_SELL, 2);
  bar(&w, 120, 120, true);   // 1,026 after the fee
  assert_true(!t.failed && t.point_count == 3 && t.fill_count == 2 && t.trades == 1);
  json_t *told = replay_tally_json(&t), *fills = replay_tally_fills(&t);
  static const char *const wanted[][2] = {{"equity_begin", "1008"}, {"equity_end", "1026"}, {"pnl", "18"}, {"max_drawdown", "30"}, {"fees", "2"}, {"trade_pnl", "18"}};
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) assert_string_equal(text(told, wanted[i][0]), wanted[i][1]);
  assert_int_equal(json_integer_value(json_object_get(told, "wins")), 1);
  assert_true(json_real_value(json_object_get(told, "max_drawdown_pct")) > 2.865 && json_real_value(json_object_get(told, "max_drawdown_pct")) < 2.866);
  assert_int_equal(json_array_size(fills), 2);
  const json_t *first = json_array_get(fills, 0);
  assert_true(strcmp(text(first, "side"), "buy") == 0 && strcmp(text(first, "qty"), "2") == 0 && strcmp(text(first, "price"), "110") == 0 && strcmp(text(first, "fee"), "1") == 0);
  assert_int_equal(json_integer_value(json_object_get(first, "time_ms")), 2 * NS_PER_MINUTE / MS);
  json_decref(told);
  json_decref(fills);
  replay_tally_finish(&t);
  matcher_destroy(m);
}

// Points are paired by their times; of many, equally many are told, the last among them.
static void test_curves(void **state) {
  (void)state;
  struct replay_tally a, b;
  open_market();
  replay_tally_init(&a, 0, &symbol, (cash){E8(1000)});
  replay_tally_init(&b, 0, &symbol, (cash){E8(1000)});
  const struct replay_watch wa = replay_tally_watch(&a), wb = replay_tally_watch(&b);
  for (int i = 0; i < 1000; i++) {
    bar(&wa, 100, 100, true);
    if (i % 2) wb.instant(wb.self, now_ns, true, m);  // the other has every second one
    if (i == 999) wb.instant(wb.self, now_ns, true, m);  // the same time again is the same point
  }
  assert_true(a.point_count == 1000 && b.point_count == 500);
  json_t *curves = replay_tally_curves(&a, &b);
  assert_int_equal(json_array_size(curves), REPLAY_POINTS_MAX);
  json_int_t before = 0;
  for (size_t i = 0; i < json_array_size(curves); i++) {
    const json_t *p = json_array_get(curves, i);
    const json_int_t ms = json_integer_value(json_array_get(p, 0));
    assert_true(ms > before && ms % (2 * NS_PER_MINUTE / MS) == 0 && json_real_value(json_array_get(p, 1)) == 1000 && json_real_value(json_array_get(p, 2)) == 1000);
    before = ms;
  }
  assert_int_equal(before, now_ns / MS);
  json_decref(curves);
  // Nothing in common: nothing is told.
  struct replay_tally none;
  replay_tally_init(&none, 0, &symbol, (cash){E8(1000)});
  curves = replay_tally_curves(&a, &none);
  assert_int_equal(json_array_size(curves), 0);
  json_decref(curves);
  replay_tally_finish(&none);
  replay_tally_finish(&a);
  replay_tally_finish(&b);
  matcher_destroy(m);
}

// All fills are counted, the first few are told.
static void test_many_fills(void **state) {
  (void)state;
  struct replay_tally t;
  open_market();
  replay_tally_init(&t, 5, &symbol, (cash){E8(1000)});
  const struct replay_watch w = replay_tally_watch(&t);
  for (int i = 0; i < REPLAY_FILLS_MAX + 50; i++) w.fill(w.self, &(struct fill){.id = (uint64_t)i, .side = SIDE_SELL, .px = {i}, .qty = {1}, .fee = {CASH_ONE / 4}, .time_ns = i});
  assert_true(t.fill_count == REPLAY_FILLS_MAX + 45);
  json_t *fills = replay_tally_fills(&t), *told = replay_tally_json(&t);
  assert_int_equal(json_array_size(fills), REPLAY_FILLS_MAX);
  assert_string_equal(text(json_array_get(fills, 0), "price"), "5");
  assert_string_equal(text(told, "fees"), "61.25");
  json_decref(fills);
  json_decref(told);
  replay_tally_finish(&t);
  matcher_destroy(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_figures), cmocka_unit_test(test_curves), cmocka_unit_test(test_many_fills)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
