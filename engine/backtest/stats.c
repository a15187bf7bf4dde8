#include "backtest/stats.h"

#include <stdlib.h>
#include <string.h>

const struct stat_info stat_infos[STAT_TOTAL] = {
#define X(k, kd, g, l, f) {#k, l, f, STAT_##kd, STAT_GROUP_##g, offsetof(struct stats, k)},
  STAT_LIST(X)
#undef X
};

const char *stat_group_text(enum stat_group g) {
  static const char *const names[STAT_GROUP_COUNT] = {"Result", "Risk", "Trades", "Costs and activity"};
  return (unsigned)g < STAT_GROUP_COUNT ? names[g] : "?";
}

void stats_clear(struct stats *s) {
  for (int i = 0; i < STAT_TOTAL; i++) {
    char *field = (char *)s + stat_infos[i].offset;
    if (stat_is_int(stat_infos[i].kind)) *(int64_t *)field = STAT_NONE_INT;
    else *(double *)field = NAN;
  }
}

static int64_t day_of(int64_t t_ns) {
  return t_ns / NS_PER_DAY - (t_ns % NS_PER_DAY < 0);
}

bool stats_has_calendar(const struct bar *bars, size_t count, int64_t timeframe_ns) {
  if (count < 2 || timeframe_ns >= 7 * NS_PER_DAY) return false;
  if (bars[count - 1].open_ns - bars[0].open_ns < 7 * NS_PER_DAY) return false;
  for (size_t i = 0; i < count; i++) {
    int64_t weekday = (day_of(bars[i].open_ns) % 7 + 7 + 4) % 7;  // 1970-01-01 was a Thursday; 0 is Sunday
    if (weekday == 6) return false;
  }
  return true;
}

static double ratio(double num, double den) {
  return den != 0 && isfinite(num) && isfinite(den) ? num / den : NAN;
}

static int64_t saturate(int128 v) {
  return v > INT64_MAX ? INT64_MAX : v <= INT64_MIN ? INT64_MIN + 1 : (int64_t)v;
}

static double mean(const double *v, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += v[i];
  return n ? sum / (double)n : NAN;
}

// Standard deviation with n − 1; NaN below two values. A spread that is only rounding (all values equal) is 0.
static double deviation(const double *v, size_t n) {
  if (n < 2) return NAN;
  double m = mean(v, n), sum = 0;
  for (size_t i = 0; i < n; i++) sum += (v[i] - m) * (v[i] - m);
  double sd = sqrt(sum / (double)(n - 1));
  return sd <= 1e-14 * fabs(m) ? 0 : sd;
}

// ---- equity at full resolution -----------------------------------------------------------------------------------------

static void full_resolution(const struct result *r, struct stats *s) {
  int64_t peak = r->cash_start.e8, low = peak;
  int64_t peak_ns = r->equity_count ? r->equity[0].time_ns : 0, low_ns = peak_ns;
  double deepest = 0;
  int64_t deepest_span = 0, deepest_recovery = STAT_NONE_INT, longest = 0;
  bool deepest_here = false;  // is the drawdown now running the deepest so far?
  double sum = 0;
  int64_t top = peak;
  for (size_t i = 0; i < r->equity_count; i++) {
    int64_t e = r->equity[i].equity_e8, t = r->equity[i].time_ns;
    sum += (double)e;
    if (e > top) top = e;
    bool last = i + 1 == r->equity_count;
    if (e >= peak) {
      if (low < peak) {  // recovered
        if (t - peak_ns > longest) longest = t - peak_ns;
        if (deepest_here) {
          deepest_span = t - peak_ns;
          deepest_recovery = t - low_ns;
        }
      }
      peak = low = e;
      peak_ns = low_ns = t;
      deepest_here = false;
      continue;
    }
    if (e < low) {
      low = e;
      low_ns = t;
    }
    double depth = peak > 0 ? (double)((int128)peak - e) / (double)peak : 0;
    if (depth > deepest) {
      deepest = depth;
      deepest_here = true;
      deepest_recovery = STAT_NONE_INT;
    }
    if (last) {
      if (t - peak_ns > longest) longest = t - peak_ns;
      if (deepest_here) deepest_span = t - peak_ns;
    }
  }
  s->equity_peak = top;
  s->max_drawdown_pct = 100 * deepest;
  s->max_drawdown_ms = deepest_span / NS_PER_MS;
  s->max_drawdown_recovery_ms = deepest_recovery == STAT_NONE_INT ? STAT_NONE_INT : deepest_recovery / NS_PER_MS;
  s->longest_drawdown_ms = longest / NS_PER_MS;
  if (r->equity_count) {
    s->exposure_pct = 100.0 * (double)r->exposed / (double)r->equity_count;
    double traded = 0;
    for (size_t i = 0; i < r->fill_count; i++) {
      const struct fill *f = &r->fills[i];
      cash c;
      if ((size_t)f->symbol < r->symbol_count &&
          instrument_notional(&r->symbols[f->symbol], f->px, f->qty, ROUND_NEAREST, &c))
        traded += fabs((double)c.e8);
    }
    double avg = sum / (double)r->equity_count;
    s->turnover = avg > 0 ? traded / avg : NAN;
  }
}

// ---- daily returns -----------------------------------------------------------------------------------------------------

struct days {
  double *ret, *bench;  // simple returns, of equity and of the main close; same days
  size_t n;
  double ulcer_sum;     // Σ drawdown² over days
  size_t ulcer_days;
};

// Last equity of each UTC day, as returns. A day that starts with equity at or below zero has no return, nor have later ones.
static enum status days_make(const struct result *r, struct days *d, struct err *err) {
  *d = (struct days){0};
  size_t days = 0;
  for (size_t i = 0; i < r->equity_count; i++) {
    days += i == 0 || day_of(r->equity[i].time_ns) != day_of(r->equity[i - 1].time_ns);
  }
  if (days == 0) return OK;
  d->ret = calloc(days, sizeof *d->ret);
  d->bench = calloc(days, sizeof *d->bench);
  if (!d->ret || !d->bench) {
    free(d->ret);
    free(d->bench);
    *d = (struct days){0};
    return err_set(err, ERR_NOMEM, "statistics of %zu days", days);
  }
  double before = 0, close_before = 0, peak = (double)r->cash_start.e8;
  bool first = true, ruined = false;
  size_t b = 0;
  for (size_t i = 0; i < r->equity_count; i++) {
    int64_t day = day_of(r->equity[i].time_ns);
    if (i + 1 < r->equity_count && day_of(r->equity[i + 1].time_ns) == day) continue;
    double e = (double)r->equity[i].equity_e8;
    while (b < r->bar_count && day_of(r->bars[b].open_ns) <= day) b++;
    double close = b ? (double)r->bars[b - 1].close.ticks : NAN;
    if (!first && !ruined) {
      d->ret[d->n] = e / before - 1;
      d->bench[d->n] = close_before != 0 ? close / close_before - 1 : NAN;
      d->n++;
    }
    if (e > peak) peak = e;
    double depth = peak > 0 ? (peak - e) / peak : 0;
    d->ulcer_sum += depth * depth;
    d->ulcer_days++;
    ruined |= e <= 0;
    first = false;
    before = e;
    close_before = close;
  }
  return OK;
}

static int double_cmp(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// 5 % quantile with linear interpolation and the mean at or below it. Sorts v.
static void tail(double *v, size_t n, struct stats *s) {
  if (n < 2) return;
  qsort(v, n, sizeof *v, double_cmp);
  double at = 0.05 * (double)(n - 1);
  size_t k = (size_t)at;
  double q = v[k] + (at - (double)k) * (v[k + 1 < n ? k + 1 : k] - v[k]);
  double sum = 0;
  size_t below = 0;
  while (below < n && v[below] <= q) sum += v[below++];
  s->var95_pct = -100 * q;
  s->es95_pct = below ? -100 * sum / (double)below : NAN;
}

static double probabilistic_sharpe(const double *v, size_t n, double m, double sd) {
  if (n < 3 || !(sd > 0)) return NAN;
  double m2 = 0, m3 = 0, m4 = 0;
  for (size_t i = 0; i < n; i++) {
    double x = v[i] - m, xx = x * x;
    m2 += xx;
    m3 += xx * x;
    m4 += xx * xx;
  }
  m2 /= (double)n;
  double skew = m3 / (double)n / pow(m2, 1.5), kurtosis = m4 / (double)n / (m2 * m2);
  double sr = m / sd, var = 1 - skew * sr + (kurtosis - 1) / 4 * sr * sr;
  return var > 0 ? 0.5 * erfc(-sr * sqrt((double)(n - 1)) / sqrt(var) / sqrt(2)) : NAN;
}

static enum status daily(const struct result *r, struct stats *s, struct err *err) {
  struct days d;
  enum status st = days_make(r, &d, err);
  if (st != OK) return st;
  double a = r->timeframe_ns > NS_PER_DAY ? 365.25 * (double)NS_PER_DAY / (double)r->timeframe_ns : r->calendar ? 252 : 365;
  double m = mean(d.ret, d.n), sd = deviation(d.ret, d.n);
  s->volatility_pct = 100 * sd * sqrt(a);
  s->sharpe = ratio(m, sd) * sqrt(a);
  double down = 0;
  for (size_t i = 0; i < d.n; i++) down += d.ret[i] < 0 ? d.ret[i] * d.ret[i] : 0;
  if (d.n >= 2) s->sortino = ratio(m, sqrt(down / (double)d.n)) * sqrt(a);
  if (d.ulcer_days) s->ulcer_pct = 100 * sqrt(d.ulcer_sum / (double)d.ulcer_days);
  s->psr = probabilistic_sharpe(d.ret, d.n, m, sd);
  double mb = mean(d.bench, d.n), cov = 0, var = 0;
  for (size_t i = 0; i < d.n; i++) {
    cov += (d.ret[i] - m) * (d.bench[i] - mb);
    var += (d.bench[i] - mb) * (d.bench[i] - mb);
  }
  if (d.n >= 2 && isfinite(var) && var > 0) {
    s->beta = cov / var;
    s->alpha_pct = 100 * (m - s->beta * mb) * a;
  }
  tail(d.ret, d.n, s);  // last: sorts
  free(d.ret);
  free(d.bench);
  return OK;
}

// ---- trades ------------------------------------------------------------------------------------------------------------

static enum status trade_stats(const struct result *r, struct stats *s, struct err *err) {
  size_t n = r->trade_count;
  s->trades = (int64_t)n;
  s->trades_long = s->trades_short = s->longest_win_streak = s->longest_losing_streak = 0;
  if (n == 0) return OK;
  double *pnl = calloc(n, sizeof *pnl);
  if (!pnl) return err_set(err, ERR_NOMEM, "statistics of %zu trades", n);
  int128 won = 0, lost = 0, mae = 0, mfe = 0, bars = 0;
  int64_t wins = 0, losses = 0, ambiguous = 0, run_won = 0, run_lost = 0;
  s->best_trade = s->worst_trade = r->trades[0].pnl.e8;
  for (size_t i = 0; i < n; i++) {
    const struct trade *t = &r->trades[i];
    int64_t p = t->pnl.e8;
    pnl[i] = (double)p;
    *(t->direction > 0 ? &s->trades_long : &s->trades_short) += 1;
    ambiguous += t->ambiguous;
    mae += t->mae.e8;
    mfe += t->mfe.e8;
    bars += t->bars;
    if (p > s->best_trade) s->best_trade = p;
    if (p < s->worst_trade) s->worst_trade = p;
    run_won = p > 0 ? run_won + 1 : 0;
    run_lost = p < 0 ? run_lost + 1 : 0;
    if (p > 0) {
      won += p;
      wins++;
    } else if (p < 0) {
      lost -= p;
      losses++;
    }
    if (run_won > s->longest_win_streak) s->longest_win_streak = run_won;
    if (run_lost > s->longest_losing_streak) s->longest_losing_streak = run_lost;
  }
  int128 count = (int128)n;
  double win_rate = (double)wins / (double)n;
  double avg_win = wins ? (double)won / (double)wins : NAN, avg_loss = losses ? (double)lost / (double)losses : NAN;
  double avg = (double)(won - lost) / (double)n;
  s->win_rate_pct = 100 * win_rate;
  s->profit_factor = losses ? (double)won / (double)lost : NAN;
  s->expectancy = saturate(div_round(won - lost, count));
  s->expectancy_r = ratio(avg, avg_loss);
  s->sqn = ratio(avg, deviation(pnl, n)) * sqrt((double)(n < 100 ? n : 100));
  s->payoff = ratio(avg_win, avg_loss);
  s->kelly_pct = 100 * (win_rate - ratio(1 - win_rate, s->payoff));
  if (wins) s->avg_win = saturate(div_round(won, wins));
  if (losses) s->avg_loss = saturate(-div_round(lost, losses));
  s->avg_bars = (double)bars / (double)n;
  s->avg_mae = saturate(div_round(mae, count));
  s->avg_mfe = saturate(div_round(mfe, count));
  s->ambiguous_pct = 100.0 * (double)ambiguous / (double)n;
  free(pnl);
  return OK;
}

static void money_stats(const struct result *r, struct stats *s) {
  int64_t start = r->cash_start.e8, final = r->equity_count ? r->equity[r->equity_count - 1].equity_e8 : start;
  int128 open = 0, fees = 0, slippage = 0;
  for (size_t i = 0; i < r->open_count; i++) open += r->open[i].unrealised.e8;
  for (size_t i = 0; i < r->fill_count; i++) {
    fees += r->fills[i].fee.e8;
    slippage += r->fills[i].slippage.e8;
  }
  s->equity_start = start;
  s->equity_final = final;
  s->equity_closed = saturate((int128)final - open);
  s->fees = saturate(fees);
  s->slippage = saturate(slippage);
  s->funding = r->funding.e8;
  s->swap = r->swap.e8;
  s->fills = (int64_t)r->fill_count;
  if (start > 0) s->return_pct = 100 * (double)((int128)final - start) / (double)start;
  if (r->bar_count && r->bars[0].close.ticks > 0) {
    int64_t first = r->bars[0].close.ticks, last = r->bars[r->bar_count - 1].close.ticks;
    s->buy_hold_return_pct = 100 * (double)((int128)last - first) / (double)first;
  }
  if (r->equity_count && start > 0) {
    double span = (double)(r->equity[r->equity_count - 1].time_ns + r->timeframe_ns - r->equity[0].time_ns) / (double)NS_PER_DAY;
    double grown = (double)final / (double)start;
    if (span >= 30) s->cagr_pct = grown > 0 ? 100 * (pow(grown, 365.25 / span) - 1) : -100;
    if (!isfinite(s->cagr_pct)) s->cagr_pct = NAN;
  }
}

enum status stats_compute(struct result *r, struct err *err) {
  struct stats s;
  stats_clear(&s);
  money_stats(r, &s);
  full_resolution(r, &s);
  enum status st = daily(r, &s, err);
  if (st == OK) st = trade_stats(r, &s, err);
  if (st != OK) return st;
  s.calmar = s.max_drawdown_pct > 0 ? s.cagr_pct / s.max_drawdown_pct : NAN;
  r->stats = s;
  return OK;
}
