// Statistics against numpy and pandas (stats_golden.h), and the edges where a formula has no value.
#include "backtest/stats.h"
#include "stats_golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void compute(struct result *r) {
  struct err err = {0};
  if (stats_compute(r, &err) != OK) fail_msg("%s", err.msg);
}

static const struct stat_info *info(const char *key) {
  for (int i = 0; i < STAT_TOTAL; i++) {
    if (strcmp(stat_infos[i].key, key) == 0) return &stat_infos[i];
  }
  fail_msg("no statistic %s", key);
  return NULL;
}

// The value as a double, NaN when undefined.
static double value(const struct stats *s, const char *key) {
  const struct stat_info *i = info(key);
  int64_t n;
  double d;
  if (stat_is_int(i->kind)) return stat_int(s, i, &n) ? (double)n : NAN;
  return stat_double(s, i, &d) ? d : NAN;
}

static void check_golden(const struct golden *g) {
  struct result r;
  result_init(&r);
  r.cash_start = (cash){10000 * CASH_ONE};
  r.timeframe_ns = g->step_ns;
  struct bar *bars = calloc(g->points, sizeof *bars);
  assert_non_null(bars);
  for (size_t i = 0; i < g->points; i++) {
    bars[i] = (struct bar){.open_ns = g->time[i], .close = {g->close[i]}};
    assert_true(result_equity_add(&r, g->time[i], (cash){g->equity[i]}, false));
  }
  r.bars = bars;
  r.bar_count = g->points;
  r.calendar = stats_has_calendar(bars, g->points, g->step_ns);
  assert_int_equal(r.calendar, g->calendar);
  for (size_t i = 0; i < g->trades; i++) {
    struct trade t = {.direction = i % 2 ? 1 : -1, .pnl = {g->pnl[i]}, .bars = 2};
    assert_true(result_trade_add(&r, &t));
  }
  compute(&r);
  for (size_t i = 0; i < g->value_count; i++) {
    double want = g->values[i].value, got = value(&r.stats, g->values[i].key);
    bool same = isnan(want) ? isnan(got) : fabs(got - want) <= 1e-9 * fmax(1, fabs(want));
    if (!same) fail_msg("%s: %.15g, expected %.15g", g->values[i].key, got, want);
  }
  assert_int_equal(r.stats.trades_long + r.stats.trades_short, g->trades);
  free(bars);
  result_finish(&r);
}

static void equals_numpy_crypto(void **state) { (void)state; check_golden(&crypto_4h); }
static void equals_numpy_stock(void **state) { (void)state; check_golden(&stock_daily); }
static void equals_numpy_falling_and_too_short_for_cagr(void **state) { (void)state; check_golden(&falling_short); }

static struct result bare(void) {
  struct result r;
  result_init(&r);
  r.cash_start = (cash){1000 * CASH_ONE};
  r.timeframe_ns = NS_PER_DAY;
  return r;
}

// Whatever happens, an output is a finite number or undefined.
static void assert_no_infinity(const struct stats *s) {
  for (int i = 0; i < STAT_TOTAL; i++) {
    if (!stat_is_int(stat_infos[i].kind)) assert_false(isinf(*(const double *)((const char *)s + stat_infos[i].offset)));
  }
}

static void nothing_at_all(void **state) {
  (void)state;
  struct result r = bare();
  compute(&r);
  assert_int_equal(r.stats.equity_final, 1000 * CASH_ONE);
  assert_int_equal(r.stats.trades, 0);
  assert_true(r.stats.return_pct == 0 && r.stats.max_drawdown_pct == 0);
  static const char *const undefined[] = {"sharpe", "sortino", "calmar", "volatility_pct", "cagr_pct", "win_rate_pct",
    "profit_factor", "expectancy", "sqn", "kelly_pct", "payoff", "beta", "psr", "exposure_pct", "var95_pct",
    "buy_hold_return_pct", "ambiguous_pct", "avg_mae", "max_drawdown_recovery_ms"};
  for (size_t i = 0; i < sizeof undefined / sizeof *undefined; i++) {
    if (!isnan(value(&r.stats, undefined[i]))) fail_msg("%s should be undefined", undefined[i]);
  }
  assert_no_infinity(&r.stats);
  result_finish(&r);
}

static void flat_equity_has_no_ratios(void **state) {
  (void)state;
  struct result r = bare();
  for (int d = 0; d < 60; d++) assert_true(result_equity_add(&r, d * NS_PER_DAY, r.cash_start, false));
  compute(&r);
  assert_true(r.stats.volatility_pct == 0 && r.stats.cagr_pct == 0 && r.stats.exposure_pct == 0 && r.stats.ulcer_pct == 0);
  assert_true(isnan(r.stats.sharpe) && isnan(r.stats.sortino) && isnan(r.stats.calmar) && isnan(r.stats.psr));
  assert_no_infinity(&r.stats);
  result_finish(&r);
}

static void only_winners_have_no_profit_factor(void **state) {
  (void)state;
  struct result r = bare();
  for (int i = 0; i < 3; i++) assert_true(result_trade_add(&r, &(struct trade){.direction = 1, .pnl = {5 * CASH_ONE}}));
  compute(&r);
  assert_true(r.stats.win_rate_pct == 100);
  assert_int_equal(r.stats.expectancy, 5 * CASH_ONE);
  assert_int_equal(r.stats.longest_win_streak, 3);
  assert_true(isnan(r.stats.profit_factor) && isnan(r.stats.payoff) && isnan(r.stats.sqn) && isnan(r.stats.expectancy_r));
  result_finish(&r);
}

static void lost_account_stops_at_zero(void **state) {
  (void)state;
  struct result r = bare();
  int64_t equity[] = {1000, 900, 400, -50, -20, 30};
  for (int d = 0; d < 36; d++) assert_true(result_equity_add(&r, d * NS_PER_DAY, (cash){equity[d / 6] * CASH_ONE}, true));
  r.equity[35].equity_e8 = -10 * CASH_ONE;
  compute(&r);
  assert_true(r.stats.cagr_pct == -100);
  assert_true(fabs(r.stats.max_drawdown_pct - 105) < 1e-12);
  assert_true(isfinite(r.stats.sharpe) && r.stats.exposure_pct == 100);
  assert_no_infinity(&r.stats);
  result_finish(&r);
}

static void drawdown_spans(void **state) {
  (void)state;
  struct result r = bare();
  // Peak on day 1, low on day 3, back on day 5; then a shallower but longer one that never recovers.
  int64_t equity[] = {1000, 1100, 900, 800, 1000, 1100, 1090, 1080, 1085, 1070, 1060};
  for (int d = 0; d < 11; d++) assert_true(result_equity_add(&r, d * NS_PER_DAY, (cash){equity[d] * CASH_ONE}, true));
  compute(&r);
  int64_t day = NS_PER_DAY / NS_PER_MS;
  assert_int_equal(r.stats.max_drawdown_ms, 4 * day);
  assert_int_equal(r.stats.max_drawdown_recovery_ms, 2 * day);
  assert_int_equal(r.stats.longest_drawdown_ms, 5 * day);
  assert_int_equal(r.stats.equity_peak, 1100 * CASH_ONE);
  assert_true(fabs(r.stats.max_drawdown_pct - 100.0 * 300 / 1100) < 1e-12);
  result_finish(&r);
}

static void money_is_summed_exactly(void **state) {
  (void)state;
  struct result r = bare();
  struct instrument inst = {.symbol = "X", .tick = {1, 2}, .lot = {1, 0}, .multiplier = {1, 0}};
  struct err err = {0};
  assert_int_equal(instrument_finish(&inst, &err), OK);
  assert_true(result_symbol_add(&r, &inst));
  for (int i = 0; i < 3; i++) {
    struct fill f = {.side = SIDE_BUY, .px = {10000}, .qty = {2}, .fee = {i == 2 ? -1 : 7}, .slippage = {11}};
    assert_true(result_fill_add(&r, &f));
  }
  r.funding = (cash){-123};
  assert_true(result_open_add(&r, &(struct result_open){.lots = 6, .unrealised = {20 * CASH_ONE}}));
  assert_true(result_equity_add(&r, 0, (cash){1020 * CASH_ONE}, true));
  compute(&r);
  assert_int_equal(r.stats.fees, 13);
  assert_int_equal(r.stats.slippage, 33);
  assert_int_equal(r.stats.funding, -123);
  assert_int_equal(r.stats.equity_closed, 1000 * CASH_ONE);
  assert_true(fabs(r.stats.turnover - 600.0 / 1020) < 1e-12);
  result_finish(&r);
}

static void turnover_counts_both_sides(void **state) {
  (void)state;
  struct result r;
  result_init(&r);
  r.cash_start = (cash){1000 * CASH_ONE};
  struct instrument inst = {.symbol = "X", .tick = {1, 0}, .lot = {1, 0}, .multiplier = {1, 0}};
  struct err err;
  assert_int_equal(instrument_finish(&inst, &err), OK);
  assert_true(result_symbol_add(&r, &inst));
  for (int i = 0; i < 2; i++) {
    assert_true(result_equity_add(&r, i * NS_PER_DAY, (cash){1000 * CASH_ONE}, true));
    assert_true(result_fill_add(&r, &(struct fill){.side = i ? SIDE_SELL : SIDE_BUY, .px = {100}, .qty = {2}}));
  }
  compute(&r);
  assert_true(fabs(r.stats.turnover - 0.4) < 1e-12);
  result_finish(&r);
}

static void calendar_needs_a_week_without_saturday(void **state) {
  (void)state;
  struct bar bars[20];
  for (int i = 0; i < 20; i++) bars[i] = (struct bar){.open_ns = i * NS_PER_DAY};
  assert_false(stats_has_calendar(bars, 20, NS_PER_DAY));  // has Saturdays
  assert_false(stats_has_calendar(bars, 2, NS_PER_DAY));   // Thursday, Friday: too short to tell
  size_t n = 0;
  for (int i = 0; i < 20; i++) {
    if ((i + 4) % 7 != 6) bars[n++].open_ns = i * NS_PER_DAY;
  }
  assert_true(stats_has_calendar(bars, n, NS_PER_DAY));  // FX: opens on Sunday evening
  assert_false(stats_has_calendar(bars, n, 7 * NS_PER_DAY));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(equals_numpy_crypto),
    cmocka_unit_test(equals_numpy_stock),
    cmocka_unit_test(equals_numpy_falling_and_too_short_for_cagr),
    cmocka_unit_test(nothing_at_all),
    cmocka_unit_test(flat_equity_has_no_ratios),
    cmocka_unit_test(only_winners_have_no_profit_factor),
    cmocka_unit_test(lost_account_stops_at_zero),
    cmocka_unit_test(drawdown_spans),
    cmocka_unit_test(money_is_summed_exactly),
    cmocka_unit_test(turnover_counts_both_sides),
    cmocka_unit_test(calendar_needs_a_week_without_saturday),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
