// Other orders and draws of few trades, where all that can come is counted by hand; results that somebody has spoiled.
#include "backtest/montecarlo.h"
#include "base/money.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 100000

static struct montecarlo_source source(struct montecarlo_trade *trades, const int64_t *pnl, size_t count, int64_t start) {
  for (size_t i = 0; i < count; i++)
    trades[i] = (struct montecarlo_trade){.pnl_e8 = pnl[i] * CASH_ONE, .entry_ms = (int64_t)i * 2, .exit_ms = (int64_t)i * 2 + 1, .growth = NAN};
  return (struct montecarlo_source){.start_e8 = start * CASH_ONE, .trades = trades, .count = count, .drawdown_pct = NAN};
}
#define SOURCE(start, ...)                                                                  \
  const int64_t pnl[] = {__VA_ARGS__};                                                      \
  struct montecarlo_trade trades[sizeof pnl / sizeof *pnl];                                 \
  struct montecarlo_source s = source(trades, pnl, sizeof pnl / sizeof *pnl, start)

static struct montecarlo run(const struct montecarlo_source *s, struct montecarlo_options o) {
  struct montecarlo m;
  struct err err;
  if (!o.runs) o.runs = MANY;
  if (!o.block) o.block = 1;
  if (montecarlo(s, &o, NULL, &m, &err) != OK) fail_msg("%s", err.msg);
  return m;
}

// Of all runs, the share with this value. What is counted by hand: 5 standard deviations of MANY runs are below 0.008.
static void assert_end(const struct montecarlo *m, int64_t end, double share) {
  size_t n = 0;
  for (size_t i = 0; i < m->runs; i++) n += m->ends_e8[i] == end * CASH_ONE;
  if (fabs((double)n / (double)m->runs - share) > 0.008) fail_msg("end %lld: %zu of %zu, not %g", (long long)end, n, m->runs, share);
}
static void assert_drawdown(const struct montecarlo *m, double pct, double share) {
  size_t n = 0;
  for (size_t i = 0; i < m->runs; i++) n += fabs(m->drawdowns_pct[i] - pct) < 1e-9;
  if (fabs((double)n / (double)m->runs - share) > 0.008) fail_msg("drawdown %g: %zu of %zu, not %g", pct, n, m->runs, share);
}
static void assert_streak(const struct montecarlo *m, int64_t streak, double share) {
  size_t n = 0;
  for (size_t i = 0; i < m->runs; i++) n += m->streaks[i] == streak;
  if (fabs((double)n / (double)m->runs - share) > 0.008) fail_msg("streak %lld: %zu of %zu, not %g", (long long)streak, n, m->runs, share);
}

static void bootstrap_of_two_has_four_ways(void **state) {
  (void)state;
  SOURCE(1000, 100, -100);
  struct montecarlo m = run(&s, (struct montecarlo_options){.limits_e4 = {90000, 100000, 150000}, .limit_count = 3});
  assert_end(&m, 1200, 0.25);
  assert_end(&m, 1000, 0.5);
  assert_end(&m, 800, 0.25);
  assert_drawdown(&m, 0, 0.25);
  assert_drawdown(&m, 100 * 100.0 / 1100, 0.25);
  assert_drawdown(&m, 10, 0.25);
  assert_drawdown(&m, 20, 0.25);
  assert_streak(&m, 0, 0.25);
  assert_streak(&m, 1, 0.5);
  assert_streak(&m, 2, 0.25);
  assert_true(fabs((double)m.losses / MANY - 0.25) < 0.008);
  assert_true(fabs((double)m.above[0] / MANY - 0.75) < 0.008);
  assert_true(fabs((double)m.above[1] / MANY - 0.25) < 0.008);  // above 10 %, not at it
  assert_int_equal(m.above[2], m.losses);
  assert_int_equal(m.ruins, 0);
  assert_int_equal(m.real.end_e8, 1000 * CASH_ONE);
  assert_true(fabs(m.real.drawdown_pct - 100 * 100.0 / 1100) < 1e-9);
  assert_true(llabs(m.mean_end_e8 - 1000 * CASH_ONE) < 3 * CASH_ONE);  // its deviation is 141 / √MANY = 0.45
  montecarlo_finish(&m);
}

static void shuffle_of_three_has_six_ways_to_one_end(void **state) {
  (void)state;
  SOURCE(1000, 300, -200, -100);
  struct montecarlo m = run(&s, (struct montecarlo_options){.method = MONTECARLO_SHUFFLE});
  assert_int_equal(m.ends_e8[0], 1000 * CASH_ONE);
  assert_int_equal(m.ends_e8[MANY - 1], 1000 * CASH_ONE);
  assert_int_equal(m.losses, 0);
  assert_drawdown(&m, 100 * 300.0 / 1300, 1.0 / 3);  // + first
  assert_drawdown(&m, 20, 1.0 / 6);                  // −200 + −100: to 800, then 1100 to 1000
  assert_drawdown(&m, 100 * 200.0 / 1200, 1.0 / 6);  // −100 + −200
  assert_drawdown(&m, 30, 1.0 / 3);                  // + last
  assert_streak(&m, 1, 1.0 / 3);
  assert_streak(&m, 2, 2.0 / 3);
  montecarlo_finish(&m);
}

static void blocks_stay_together(void **state) {
  (void)state;
  SOURCE(1000, -1, -10, 100, 200);
  struct montecarlo m = run(&s, (struct montecarlo_options){.method = MONTECARLO_SHUFFLE, .block = 2});
  assert_drawdown(&m, 1.1, 0.5);  // losses first, or last
  assert_drawdown(&m, 100 * 11.0 / 1300, 0.5);
  assert_streak(&m, 2, 1);
  montecarlo_finish(&m);
  // Of a bootstrap, two of the pairs −11, 90, 300, 199 (the last goes around the end).
  m = run(&s, (struct montecarlo_options){.block = 2});
  assert_end(&m, 978, 1.0 / 16);
  assert_end(&m, 1079, 2.0 / 16);
  assert_end(&m, 1180, 1.0 / 16);
  assert_end(&m, 1188, 2.0 / 16);
  assert_end(&m, 1289, 4.0 / 16);  // 90 + 199 and −11 + 300
  assert_end(&m, 1390, 2.0 / 16);
  assert_end(&m, 1398, 1.0 / 16);
  assert_end(&m, 1499, 2.0 / 16);
  assert_end(&m, 1600, 1.0 / 16);
  montecarlo_finish(&m);
  struct err err;
  assert_int_equal(montecarlo(&s, &(struct montecarlo_options){.runs = 100, .block = 3}, NULL, &m, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "at most half of the 4 trades"));
}

// 87 trades with many sizes: a block that does not divide them, and every trade once.
static void shuffle_takes_each_trade_once(void **state) {
  (void)state;
  int64_t pnl[87], sum = 0;
  struct montecarlo_trade trades[87];
  for (int i = 0; i < 87; i++) sum += pnl[i] = (i * 7919) % 523 - 200;
  struct montecarlo_source s = source(trades, pnl, 87, 100000);
  for (size_t block = 1; block <= 43; block += 7) {
    struct montecarlo m = run(&s, (struct montecarlo_options){.method = MONTECARLO_SHUFFLE, .block = block, .runs = 200});
    assert_int_equal(m.ends_e8[0], (100000 + sum) * CASH_ONE);
    assert_int_equal(m.ends_e8[199], m.ends_e8[0]);
    assert_true(m.drawdowns_pct[199] > m.drawdowns_pct[0]);
    montecarlo_finish(&m);
  }
  // Drawn again, they are as many: the mean of the ends is that of the trades, n times.
  struct montecarlo m = run(&s, (struct montecarlo_options){.runs = 20000});
  double square = 0;
  for (int i = 0; i < 87; i++) square += pow((double)pnl[i] - (double)sum / 87, 2);
  assert_true(fabs((double)m.mean_end_e8 / 1e8 - (double)(100000 + sum)) < 5 * sqrt(square / 20000));
  montecarlo_finish(&m);
}

static void same_seed_same_numbers(void **state) {
  (void)state;
  SOURCE(1000, 5, -4, 30, -17, 2, 9, -11);
  struct montecarlo a = run(&s, (struct montecarlo_options){.seed = 7, .runs = 500}), b = run(&s, (struct montecarlo_options){.seed = 7, .runs = 500});
  struct montecarlo c = run(&s, (struct montecarlo_options){.seed = 8, .runs = 500});
  assert_memory_equal(a.ends_e8, b.ends_e8, 500 * sizeof *a.ends_e8);
  assert_memory_equal(a.drawdowns_pct, b.drawdowns_pct, 500 * sizeof *a.drawdowns_pct);
  assert_memory_not_equal(a.ends_e8, c.ends_e8, 500 * sizeof *a.ends_e8);
  montecarlo_finish(&a);
  montecarlo_finish(&b);
  montecarlo_finish(&c);
}

static void returns_are_on_the_equity_at_entry(void **state) {
  (void)state;
  struct err err;
  SOURCE(1000, 500, -300, 120);
  assert_int_equal(montecarlo_growth(&s, &err), OK);
  assert_true(trades[0].growth == 1.5 && trades[1].growth == 0.8 && fabs(trades[2].growth - 1.1) < 1e-15);
  struct montecarlo m = run(&s, (struct montecarlo_options){.compound = true, .method = MONTECARLO_SHUFFLE});
  assert_int_equal(m.real.end_e8, 1320 * CASH_ONE);  // one after the other: the run's own money
  assert_int_equal(m.ends_e8[0], m.ends_e8[MANY - 1]);
  assert_drawdown(&m, 20, 1);
  montecarlo_finish(&m);
  m = run(&s, (struct montecarlo_options){.compound = true});
  assert_end(&m, 3375, 1.0 / 27);
  assert_end(&m, 1800, 3.0 / 27);  // 1.5 · 1.5 · 0.8
  assert_end(&m, 512, 1.0 / 27);
  assert_end(&m, 1320, 6.0 / 27);
  montecarlo_finish(&m);
  trades[2].entry_ms = 2;  // entered before the second was closed, when the first was
  assert_int_equal(montecarlo_growth(&s, &err), OK);
  assert_true(trades[2].growth == 1.08);
  trades[0].exit_ms = trades[0].entry_ms = trades[1].entry_ms = 0;  // at one time: a trade does not see itself, but what closed before it
  assert_int_equal(montecarlo_growth(&s, &err), OK);
  assert_true(trades[0].growth == 1.5 && trades[1].growth == 0.8);
}

static void no_equity_no_return(void **state) {
  (void)state;
  struct err err;
  SOURCE(1000, -1000, 5);
  assert_int_equal(montecarlo_growth(&s, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "trades[1]"));
}

static void at_zero_it_stops(void **state) {
  (void)state;
  SOURCE(100, -100, 300);
  struct montecarlo m = run(&s, (struct montecarlo_options){.method = MONTECARLO_SHUFFLE});
  assert_end(&m, 0, 0.5);  // the 300 come too late
  assert_end(&m, 300, 0.5);
  assert_true(fabs((double)m.ruins / MANY - 0.5) < 0.008);
  assert_int_equal(m.ruins, m.losses);
  assert_true(m.real.ruined && m.real.drawdown_pct == 100);
  montecarlo_finish(&m);
}

static void money_that_does_not_fit(void **state) {
  (void)state;
  struct montecarlo m;
  struct err err;
  SOURCE(1000, 50000000000, -50000000000);
  assert_int_equal(montecarlo(&s, &(struct montecarlo_options){.runs = 100, .block = 1}, NULL, &m, &err), ERR_RANGE);
  assert_null(m.ends_e8);
  trades[0].growth = trades[1].growth = 1e6;
  assert_int_equal(montecarlo(&s, &(struct montecarlo_options){.runs = 100, .block = 1, .compound = true}, NULL, &m, &err), ERR_RANGE);
}

static bool until(void *self, size_t done, size_t total) {
  assert_int_equal(total, 100);
  return done < *(size_t *)self;
}
static void stopped_it_has_what_is_done(void **state) {
  (void)state;
  struct montecarlo m;
  struct err err;
  size_t last = 12;
  const struct montecarlo_watch watch = {until, &last};
  const struct montecarlo_options o = {.runs = 100, .block = 1};
  SOURCE(1000, 5, -4);
  assert_int_equal(montecarlo(&s, &o, &watch, &m, &err), OK);
  assert_true(m.stopped && m.runs == 12 && m.ends_e8[0] <= m.ends_e8[11]);
  montecarlo_finish(&m);
  last = 0;  // the first is always done, so that there is something
  assert_int_equal(montecarlo(&s, &o, &watch, &m, &err), OK);
  assert_true(m.stopped && m.runs == 1);
  montecarlo_finish(&m);
}

// As numpy.percentile and scipy.stats.percentileofscore(kind="mean").
static void quantiles_and_places(void **state) {
  (void)state;
  const int64_t v[] = {-7, 0, 1, 1, 10, INT64_MAX};
  const double d[] = {0, 0.5, 0.5, 8};
  assert_int_equal(montecarlo_quantile(v, 5, 0), -7);
  assert_int_equal(montecarlo_quantile(v, 5, 1), -7);   // −6.72
  assert_int_equal(montecarlo_quantile(v, 5, 50), 1);
  assert_int_equal(montecarlo_quantile(v, 5, 95), 8);   // 8.2
  assert_int_equal(montecarlo_quantile(v, 5, 100), 10);
  assert_int_equal(montecarlo_quantile(v, 1, 99), -7);
  const int64_t wide[] = {INT64_MIN, INT64_MAX};
  assert_int_equal(montecarlo_quantile(wide, 2, 50), 0);  // half away from zero
  assert_true(fabs(montecarlo_quantile_real(d, 4, 75) - 2.375) < 1e-12 && montecarlo_quantile_real(d, 4, 50) == 0.5 && montecarlo_quantile_real(d, 4, 100) == 8);
  assert_true(montecarlo_place(v, 5, 1) == 60 && montecarlo_place(v, 5, -9) == 0 && montecarlo_place(v, 5, 11) == 100);
  assert_true(montecarlo_place_real(d, 4, 0.5) == 50);
  assert_true(isnan(montecarlo_place(v + 2, 2, 1)) && isnan(montecarlo_place_real(d + 1, 2, 0.5)));
}

// ---- files

#define STATS "\"stats\":{\"equity_start\":\"1000\",\"equity_final\":\"1010.5\",\"max_drawdown_pct\":1.5}"
#define TRADE(pnl, entry, exit) "{\"pnl\":" pnl ",\"entry_time\":" entry ",\"exit_time\":" exit "}"
#define RESULT(trades) "{" STATS ",\"trades\":[" trades "]}"

static void a_result_is_read(void **state) {
  (void)state;
  struct montecarlo_source s;
  struct err err;
  static const char text[] = "{\"script\":{\"name\":\"a \\\"b\\\"\"},\"interrupted\":true," STATS ",\"trades\":[" TRADE("\"-0.00000001\"", "-5", "7") "," TRADE("\"10.5\"", "7", "7") "]}\n";
  if (montecarlo_read(text, strlen(text), &s, &err) != OK) fail_msg("%s", err.msg);
  assert_string_equal(s.script, "a \"b\"");
  assert_true(s.interrupted && s.count == 2 && s.start_e8 == 1000 * CASH_ONE && s.final_e8 == 101050000000 && s.drawdown_pct == 1.5);
  assert_true(s.trades[0].pnl_e8 == -1 && s.trades[0].entry_ms == -5 && s.trades[0].exit_ms == 7 && s.trades[1].pnl_e8 == 1050000000);
  montecarlo_source_finish(&s);
}

static void what_is_none_is_refused_with_its_place(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } bad[] = {
      {"", "1:0: "},
      {"{\"stats\":", "perigee backtest"},
      {"[]", "no stats"},
      {"null", "expected"},
      {"{\"kind\":\"optimization\"}", "table of a search"},
      {"{" STATS "}", "no list of trades"},
      {"{" STATS ",\"trades\":{}}", "no list of trades"},
      {RESULT(""), "closed no trade"},
      {RESULT("7"), "trades[0].pnl"},
      {RESULT(TRADE("1.5", "1", "2")), "trades[0].pnl"},
      {RESULT(TRADE("\"1.123456789\"", "1", "2")), "trades[0].pnl"},
      {RESULT(TRADE("\"1e30\"", "1", "2")), "trades[0].pnl"},
      {RESULT(TRADE("\"nan\"", "1", "2")), "trades[0].pnl"},
      {RESULT(TRADE("\"1\"", "1", "2") "," TRADE("\"1 \"", "1", "2")), "trades[1].pnl"},
      {RESULT(TRADE("\"1\"", "1.5", "2")), "entry_time and exit_time"},
      {RESULT(TRADE("\"1\"", "1", "99999999999999999999")), "1:"},
      {RESULT(TRADE("\"1\"", "3", "2")), "before its entry"},
      {RESULT(TRADE("\"1\"", "1", "5") "," TRADE("\"1\"", "1", "4")), "order of their exits"},
      {"{\"stats\":{\"equity_start\":1000,\"equity_final\":\"1\"},\"trades\":[]}", "stats.equity_start"},
      {"{\"stats\":{\"equity_start\":\"0\",\"equity_final\":\"1\"},\"trades\":[]}", "stats.equity_start"},
      {"{\"stats\":{\"equity_start\":\"5\",\"equity_final\":null},\"trades\":[]}", "stats.equity_final"},
      {"{\"stats\":{\"equity_start\":\"5\",\"equity_final\":\"5\",\"max_drawdown_pct\":\"1\"},\"trades\":[]}", "stats.max_drawdown_pct"},
      {"{\"a\":1,\"a\":2}", "duplicate"},
      {"{\"a\":\"\033[2J\"}", "1:"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct montecarlo_source s;
    struct err err = {0};
    if (montecarlo_read(bad[i].text, strlen(bad[i].text), &s, &err) == OK) fail_msg("taken: %s", bad[i].text);
    if (!strstr(err.msg, bad[i].says)) fail_msg("%s: %s", bad[i].text, err.msg);
    assert_null(strchr(err.msg, '\033'));
    assert_null(s.trades);
  }
}

static void gather(void *self, const char *text) {
  buf_str(self, text);
  buf_str(self, "\n");
}
static void warned_of_what_is_not_seen(void **state) {
  (void)state;
  struct buf b;
  struct err err;
  buf_init(&b, 4096);
  SOURCE(1000, 50, -30);
  s.final_e8 = 1025 * CASH_ONE;
  s.drawdown_pct = 9;
  s.interrupted = true;
  assert_int_equal(montecarlo_growth(&s, &err), OK);
  const struct montecarlo_options o = {.compound = true, .runs = 100, .block = 1};
  struct montecarlo m = run(&s, o);
  montecarlo_warnings(&s, &o, &m, gather, &b);
  assert_non_null(strstr(b.data, "only 2 trades"));
  assert_non_null(strstr(b.data, "stopped early"));
  assert_non_null(strstr(b.data, "ended at 1,025.00, its closed trades at 1,020.00"));
  assert_null(strstr(b.data, "overlap"));
  assert_non_null(strstr(b.data, "max drawdown of 9.00 %, its closed trades of 2.86 %"));
  montecarlo_finish(&m);
  buf_finish(&b);
}

// Half of 60 trades lose, all of them in a row; single draws do not come near.
static void warned_of_losses_that_come_together(void **state) {
  (void)state;
  int64_t pnl[60];
  struct montecarlo_trade trades[60];
  for (int i = 0; i < 60; i++) pnl[i] = i < 30 ? 3 : -2;
  struct montecarlo_source s = source(trades, pnl, 60, 1000);
  s.final_e8 = s.start_e8 + 30 * CASH_ONE + 10000000;  // 0.01 % of the cash is not worth a word
  for (size_t block = 1; block <= 20; block += 19) {
    struct buf b;
    buf_init(&b, 4096);
    const struct montecarlo_options o = {.runs = 200, .block = block};
    struct montecarlo m = run(&s, o);
    montecarlo_warnings(&s, &o, &m, gather, &b);
    if (block == 1) assert_string_equal(b.data, "30 losing trades came in a row, more than in 99 of 100 runs: losses come together, and only --block shows what that does\n");
    else assert_int_equal(b.len, 0);
    montecarlo_finish(&m);
    buf_finish(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bootstrap_of_two_has_four_ways),
      cmocka_unit_test(shuffle_of_three_has_six_ways_to_one_end),
      cmocka_unit_test(blocks_stay_together),
      cmocka_unit_test(shuffle_takes_each_trade_once),
      cmocka_unit_test(same_seed_same_numbers),
      cmocka_unit_test(returns_are_on_the_equity_at_entry),
      cmocka_unit_test(no_equity_no_return),
      cmocka_unit_test(at_zero_it_stops),
      cmocka_unit_test(money_that_does_not_fit),
      cmocka_unit_test(stopped_it_has_what_is_done),
      cmocka_unit_test(quantiles_and_places),
      cmocka_unit_test(a_result_is_read),
      cmocka_unit_test(what_is_none_is_refused_with_its_place),
      cmocka_unit_test(warned_of_what_is_not_seen),
      cmocka_unit_test(warned_of_losses_that_come_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
