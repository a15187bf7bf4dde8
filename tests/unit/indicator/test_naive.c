// tests/unit/indicator/test_naive.c – every indicator against its definition written the slow way: whole arrays, each
// window added up anew, two-pass deviations. On made-up markets with ties, jumps, flat stretches and no volume, for
// many parameters.
#include "indicator/indicator.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bars.h"

enum { N = 400 };
typedef double column[N];

static const struct indicator_input *bars;
static int count;

// --- arrays: NaN at the start means no value yet

static int first_value(const double *x) {
  int i = 0;
  while (i < count && isnan(x[i])) i++;
  return i;
}

#define EACH_WINDOW(x, n, y, expr)                                      \
  for (int i = 0, first_ = first_value(x); i < count; i++) {            \
    const double *w = i - first_ + 1 >= (n) ? &(x)[i - (n) + 1] : NULL; \
    (y)[i] = w ? (expr) : NAN;                                          \
  }

// In long double, so that a difference blames the code under test.
static double sum_of(const double *w, int n) {
  long double s = 0;
  for (int k = 0; k < n; k++) s += w[k];
  return (double)s;
}
static double max_of(const double *w, int n) {
  double m = w[0];
  for (int k = 1; k < n; k++) m = fmax(m, w[k]);
  return m;
}
static double min_of(const double *w, int n) {
  double m = w[0];
  for (int k = 1; k < n; k++) m = fmin(m, w[k]);
  return m;
}
static bool all_equal(const double *w, int n) {
  return max_of(w, n) == min_of(w, n);
}
static double wma_of(const double *w, int n) {
  double s = 0, weights = 0;
  for (int k = 0; k < n; k++) s += w[k] * (k + 1), weights += k + 1;
  return s / weights;
}
static double deviation_of(const double *w, int n) {
  if (all_equal(w, n)) return 0;
  double mean = sum_of(w, n) / n, s = 0;
  for (int k = 0; k < n; k++) s += (w[k] - mean) * (w[k] - mean);
  return sqrt(s / n);
}
static double line_end_of(const double *w, int n) {
  double mx = (n - 1) / 2.0, my = sum_of(w, n) / n, xy = 0, xx = 0;
  for (int k = 0; k < n; k++) xy += (k - mx) * (w[k] - my), xx += (k - mx) * (k - mx);
  return n == 1 ? w[0] : my + xy / xx * (n - 1 - mx);
}

static void sma(const double *x, int n, double *y) {
  EACH_WINDOW(x, n, y, sum_of(w, n) / n);
}
static void wma(const double *x, int n, double *y) {
  EACH_WINDOW(x, n, y, wma_of(w, n));
}
static void smooth(const double *x, int n, double weight, double *y) {
  int start = first_value(x) + n - 1;
  for (int i = 0; i < count; i++)
    y[i] = i < start ? NAN : i == start ? sum_of(&x[i - n + 1], n) / n : y[i - 1] * (1 - weight) + x[i] * weight;
}
static void ema(const double *x, int n, double *y) {
  smooth(x, n, 2.0 / (n + 1), y);
}
static void wilder(const double *x, int n, double *y) {
  smooth(x, n, 1.0 / n, y);
}
static void range(double *y) {
  for (int i = 0; i < count; i++)
    y[i] = i == 0 ? NAN
                  : fmax(bars[i].high - bars[i].low,
                      fmax(fabs(bars[i].high - bars[i - 1].close), fabs(bars[i].low - bars[i - 1].close)));
}
static void atr(int n, double *y) {
  column tr = {0};
  range(tr);
  wilder(tr, n, y);
}

#define FIELD(name)  \
  column name = {0}; \
  for (int i_ = 0; i_ < count; i_++) name[i_] = bars[i_].name
#define TYPICAL(name) \
  column name = {0};  \
  for (int i_ = 0; i_ < count; i_++) name[i_] = (bars[i_].high + bars[i_].low + bars[i_].close) / 3
#define AT(p, k) ((int)(p)[k])
#define FOR_BARS for (int i = 0; i < count; i++)

// --- the definitions. out[k] is the column of output k

typedef void naive(const double *p, column *out);

static void n_sma(const double *p, column *out) {
  FIELD(source);
  sma(source, AT(p, 0), out[0]);
}
static void n_ema(const double *p, column *out) {
  FIELD(source);
  ema(source, AT(p, 0), out[0]);
}
static void n_rma(const double *p, column *out) {
  FIELD(source);
  wilder(source, AT(p, 0), out[0]);
}
static void n_wma(const double *p, column *out) {
  FIELD(source);
  wma(source, AT(p, 0), out[0]);
}
static void three_emas(int n, column *e) {
  FIELD(source);
  ema(source, n, e[0]);
  ema(e[0], n, e[1]);
  ema(e[1], n, e[2]);
}
static void n_dema(const double *p, column *out) {
  column e[3] = {0};
  three_emas(AT(p, 0), e);
  FOR_BARS out[0][i] = 2 * e[0][i] - e[1][i];
}
static void n_tema(const double *p, column *out) {
  column e[3] = {0};
  three_emas(AT(p, 0), e);
  FOR_BARS out[0][i] = 3 * (e[0][i] - e[1][i]) + e[2][i];
}
static void n_trix(const double *p, column *out) {
  column e[3] = {0};
  three_emas(AT(p, 0), e);
  FOR_BARS out[0][i] = i == 0 ? NAN : e[2][i - 1] == 0 ? 0 : 100 * (e[2][i] - e[2][i - 1]) / e[2][i - 1];
}
static void n_hma(const double *p, column *out) {
  FIELD(source);
  column half = {0}, full = {0};
  wma(source, AT(p, 0) / 2, half);
  wma(source, AT(p, 0), full);
  FOR_BARS half[i] = 2 * half[i] - full[i];
  wma(half, (int)floor(sqrt(p[0])), out[0]);
}
static void n_kama(const double *p, column *out) {
  int n = AT(p, 0);
  double fast = 2 / (p[1] + 1), slow = 2 / (p[2] + 1);
  FOR_BARS {
    if (i < n) {
      out[0][i] = NAN;
      continue;
    }
    double path = 0, change = fabs(bars[i].source - bars[i - n].source);
    for (int k = 0; k < n; k++) path += fabs(bars[i - k].source - bars[i - k - 1].source);
    double e = path == 0 ? 1 : change / path, s = e * fast + (1 - e) * slow;
    double before = i == n ? bars[i - 1].source : out[0][i - 1];
    out[0][i] = before + s * s * (bars[i].source - before);
  }
}
static void n_vwma(const double *p, column *out) {
  FIELD(source);
  column value = {0}, volume = {0};
  FOR_BARS value[i] = bars[i].source * bars[i].volume, volume[i] = bars[i].volume;
  int n = AT(p, 0);
  FOR_BARS {
    if (i < n - 1) {
      out[0][i] = NAN;
      continue;
    }
    double v = sum_of(&volume[i - n + 1], n);
    out[0][i] = v == 0 ? sum_of(&source[i - n + 1], n) / n : sum_of(&value[i - n + 1], n) / v;
  }
}
static void up_and_down(int n, double *up, double *down) {
  column rise = {0}, fall = {0};
  FOR_BARS {
    double move = i ? bars[i].source - bars[i - 1].source : NAN;
    rise[i] = i ? fmax(move, 0) : NAN;
    fall[i] = i ? fmax(-move, 0) : NAN;
  }
  wilder(rise, n, up);
  wilder(fall, n, down);
}
static void n_rsi(const double *p, column *out) {
  column up = {0}, down = {0};
  up_and_down(AT(p, 0), up, down);
  FOR_BARS out[0][i] = up[i] == 0 && down[i] == 0 ? 50 : 100 - 100 / (1 + up[i] / down[i]);
}
static void n_cmo(const double *p, column *out) {
  column up = {0}, down = {0};
  up_and_down(AT(p, 0), up, down);
  FOR_BARS out[0][i] = up[i] == 0 && down[i] == 0 ? 0 : 100 * (up[i] - down[i]) / (up[i] + down[i]);
}
// 100 × x's place between the extremes, middle where they are nearly one.
static void place(const double *x, const double *high, const double *low, int n, double noise, double *y) {
  int first = first_value(x);
  FOR_BARS {
    if (i - first < n - 1) {
      y[i] = NAN;
      continue;
    }
    double top = max_of(&high[i - n + 1], n), bottom = min_of(&low[i - n + 1], n);
    y[i] = top - bottom <= noise ? 50 : 100 * (x[i] - bottom) / (top - bottom);
  }
}
static void blank_until(const double *y, double *x) {
  FOR_BARS if (isnan(y[i])) x[i] = NAN;
}
static void n_stoch(const double *p, column *out) {
  FIELD(high);
  FIELD(low);
  FIELD(close);
  column raw = {0};
  place(close, high, low, AT(p, 0), 0, raw);
  sma(raw, AT(p, 1), out[0]);
  sma(out[0], AT(p, 2), out[1]);
  blank_until(out[1], out[0]);
}
static void n_stochrsi(const double *p, column *out) {
  column rsi[1] = {0};
  n_rsi(p, rsi);
  place(rsi[0], rsi[0], rsi[0], AT(p, 1), 1e-9, out[0]);
  sma(out[0], AT(p, 2), out[1]);
  blank_until(out[1], out[0]);
}
static void n_willr(const double *p, column *out) {
  FIELD(high);
  FIELD(low);
  FIELD(close);
  place(close, high, low, AT(p, 0), 0, out[0]);
  FOR_BARS out[0][i] -= 100;
}
static void n_macd(const double *p, column *out) {
  FIELD(source);
  column late = {0}, fast = {0}, slow = {0};
  FOR_BARS late[i] = i < p[1] - p[0] ? NAN : source[i];
  ema(late, AT(p, 0), fast);
  ema(source, AT(p, 1), slow);
  FOR_BARS out[0][i] = fast[i] - slow[i];
  ema(out[0], AT(p, 2), out[1]);
  FOR_BARS out[2][i] = out[0][i] - out[1][i];
  blank_until(out[1], out[0]);
}
static void n_roc(const double *p, column *out) {
  FOR_BARS {
    double old = i < p[0] ? NAN : bars[i - AT(p, 0)].source;
    out[0][i] = old == 0 ? 0 : 100 * (bars[i].source - old) / old;
  }
}
static void n_mom(const double *p, column *out) {
  FOR_BARS out[0][i] = i < p[0] ? NAN : bars[i].source - bars[i - AT(p, 0)].source;
}
static void n_uo(const double *p, column *out) {
  column pressure = {0}, tr = {0};
  range(tr);
  FOR_BARS pressure[i] = i ? bars[i].close - fmin(bars[i].low, bars[i - 1].close) : NAN;
  FOR_BARS {
    out[0][i] = i < p[2] ? NAN : 0;
    for (int k = 0; k < 3 && i >= p[2]; k++) {
      int n = AT(p, k);
      double total = sum_of(&tr[i - n + 1], n);
      out[0][i] += (4 >> k) / 7.0 * (total == 0 ? 50 : 100 * sum_of(&pressure[i - n + 1], n) / total);
    }
  }
}
static double cci_of(const double *w, int n) {
  double mean = sum_of(w, n) / n, s = 0;
  for (int k = 0; k < n; k++) s += fabs(w[k] - mean);
  return all_equal(w, n) ? 0 : (w[n - 1] - mean) / (0.015 * s / n);
}
static void n_cci(const double *p, column *out) {
  TYPICAL(typical);
  EACH_WINDOW(typical, AT(p, 0), out[0], cci_of(w, AT(p, 0)));
}
static void n_mfi(const double *p, column *out) {
  TYPICAL(typical);
  column up = {0}, down = {0};
  FOR_BARS {
    double flow = i ? typical[i] * bars[i].volume : NAN;
    up[i] = i && typical[i] <= typical[i - 1] ? 0 : flow;
    down[i] = i && typical[i] >= typical[i - 1] ? 0 : flow;
  }
  FOR_BARS {
    int n = AT(p, 0);
    double u = i < n ? NAN : sum_of(&up[i - n + 1], n), d = i < n ? NAN : sum_of(&down[i - n + 1], n);
    out[0][i] = u + d == 0 ? 50 : 100 * u / (u + d);
  }
}
static void n_atr(const double *p, column *out) {
  atr(AT(p, 0), out[0]);
}
static void n_natr(const double *p, column *out) {
  atr(AT(p, 0), out[0]);
  FOR_BARS if (!isnan(out[0][i])) out[0][i] = bars[i].close == 0 ? 0 : 100 * out[0][i] / bars[i].close;
}
static void n_tr(const double *p, column *out) {
  (void)p;
  range(out[0]);
}
static void n_stddev(const double *p, column *out) {
  FIELD(source);
  EACH_WINDOW(source, AT(p, 0), out[0], deviation_of(w, AT(p, 0)));
}
static void n_bbands(const double *p, column *out) {
  FIELD(source);
  column sd[1] = {0};
  n_stddev(p, sd);
  sma(source, AT(p, 0), out[1]);
  FOR_BARS out[0][i] = out[1][i] + p[1] * sd[0][i], out[2][i] = out[1][i] - p[1] * sd[0][i];
}
static void n_zscore(const double *p, column *out) {
  FIELD(source);
  column sd[1] = {0}, mean = {0};
  n_stddev(p, sd);
  sma(source, AT(p, 0), mean);
  FOR_BARS out[0][i] = sd[0][i] == 0 ? 0 : (source[i] - mean[i]) / sd[0][i];
}
static void n_keltner(const double *p, column *out) {
  FIELD(source);
  column width = {0};
  ema(source, AT(p, 0), out[1]);
  atr(AT(p, 1), width);
  blank_until(width, out[1]);
  FOR_BARS out[0][i] = out[1][i] + p[2] * width[i], out[2][i] = out[1][i] - p[2] * width[i];
}
static void middle(int n, double *upper, double *mid, double *lower) {
  FIELD(high);
  FIELD(low);
  EACH_WINDOW(high, n, upper, max_of(w, n));
  EACH_WINDOW(low, n, lower, min_of(w, n));
  FOR_BARS mid[i] = (upper[i] + lower[i]) / 2;
}
static void n_donchian(const double *p, column *out) {
  middle(AT(p, 0), out[0], out[1], out[2]);
}
static void n_ichimoku(const double *p, column *out) {
  column upper = {0}, lower = {0};
  middle(AT(p, 0), upper, out[0], lower);
  middle(AT(p, 1), upper, out[1], lower);
  middle(AT(p, 2), upper, out[3], lower);
  FOR_BARS out[2][i] = (out[0][i] + out[1][i]) / 2;
}
static void wilder_sum(const double *x, int n, double *y) {
  FOR_BARS y[i] = i < n - 1 ? NAN : i == n - 1 ? (n > 1 ? sum_of(&x[1], n - 1) : 0) : y[i - 1] - y[i - 1] / n + x[i];
}
static void n_adx(const double *p, column *out) {
  int n = AT(p, 0);
  column up = {0}, down = {0}, tr = {0}, sum_up = {0}, sum_down = {0}, sum_range = {0}, dx = {0};
  range(tr);
  FOR_BARS {
    double u = i ? bars[i].high - bars[i - 1].high : 0, d = i ? bars[i - 1].low - bars[i].low : 0;
    up[i] = u > d && u > 0 ? u : 0;
    down[i] = d > u && d > 0 ? d : 0;
  }
  wilder_sum(up, n, sum_up);
  wilder_sum(down, n, sum_down);
  wilder_sum(tr, n, sum_range);
  FOR_BARS {
    out[1][i] = i < n ? NAN : sum_range[i] == 0 ? 0 : 100 * sum_up[i] / sum_range[i];
    out[2][i] = i < n ? NAN : sum_range[i] == 0 ? 0 : 100 * sum_down[i] / sum_range[i];
    bool defined = i >= n && out[1][i] + out[2][i] > 0;
    dx[i] = defined ? 100 * fabs(out[1][i] - out[2][i]) / (out[1][i] + out[2][i]) : 0;
    out[0][i] = i < 2 * n - 1    ? NAN
                : i == 2 * n - 1 ? sum_of(&dx[n], n) / n
                : defined        ? (out[0][i - 1] * (n - 1) + dx[i]) / n
                                 : out[0][i - 1];
  }
}
static void n_aroon(const double *p, column *out) {
  int n = AT(p, 0);
  FOR_BARS {
    int top = i, bottom = i;
    for (int k = i - 1; k >= i - n && i >= n; k--) {
      if (bars[k].high > bars[top].high) top = k;
      if (bars[k].low < bars[bottom].low) bottom = k;
    }
    out[0][i] = i < n ? NAN : 100.0 * (n - (i - top)) / n;
    out[1][i] = i < n ? NAN : 100.0 * (n - (i - bottom)) / n;
  }
}
// Written from Wilder's rules with the start that TA-Lib documents; step by step, one state variable a line.
static void n_psar(const double *p, column *out) {
  out[0][0] = NAN;
  if (count < 2) return;
  bool rising = !(bars[0].low - bars[1].low > 0 && bars[0].low - bars[1].low > bars[1].high - bars[0].high);
  double stop = rising ? bars[0].low : bars[0].high, best = rising ? bars[1].high : bars[1].low, speed = p[0];
  for (int i = 1; i < count; i++) {
    const struct indicator_input *b = &bars[i], *a = &bars[i == 1 ? 1 : i - 1];
    if (rising && b->low <= stop) {
      rising = false;
      out[0][i] = fmax(best, fmax(a->high, b->high));
      best = b->low, speed = p[0];
    } else if (!rising && b->high >= stop) {
      rising = true;
      out[0][i] = fmin(best, fmin(a->low, b->low));
      best = b->high, speed = p[0];
    } else {
      out[0][i] = stop;
      double further = rising ? fmax(best, b->high) : fmin(best, b->low);
      if (further != best) best = further, speed = fmin(speed + p[0], p[1]);
    }
    stop = out[0][i] + speed * (best - out[0][i]);
    stop = rising ? fmin(stop, fmin(a->low, b->low)) : fmax(stop, fmax(a->high, b->high));
  }
}
static void n_supertrend(const double *p, column *out) {
  column width = {0}, upper = {0}, lower = {0};
  atr(AT(p, 0), width);
  int first = first_value(width);
  FOR_BARS {
    out[0][i] = out[1][i] = NAN;
    if (i < first) continue;
    double mid = (bars[i].high + bars[i].low) / 2, close_before = i ? bars[i - 1].close : 0;
    upper[i] = mid + p[1] * width[i];
    lower[i] = mid - p[1] * width[i];
    double dir = -1;
    if (i > first) {
      if (close_before <= upper[i - 1]) upper[i] = fmin(upper[i], upper[i - 1]);
      if (close_before >= lower[i - 1]) lower[i] = fmax(lower[i], lower[i - 1]);
      dir = out[1][i - 1];
      if (dir < 0 && bars[i].close > upper[i])
        dir = 1;
      else if (dir > 0 && bars[i].close < lower[i])
        dir = -1;
    }
    out[0][i] = dir > 0 ? lower[i] : upper[i];
    out[1][i] = dir;
  }
}
static void n_obv(const double *p, column *out) {
  (void)p;
  double s = 0;
  FOR_BARS {
    double move = i ? bars[i].source - bars[i - 1].source : 1;
    out[0][i] = s += move > 0 ? bars[i].volume : move < 0 ? -bars[i].volume : 0;
  }
}
static void n_vwap(const double *p, column *out) {
  (void)p;
  const int64_t day = INT64_C(86400000000000);
  FOR_BARS {
    double value = 0, volume = 0;
    for (int k = i; k >= 0 && bars[k].time_ns / day == bars[i].time_ns / day; k--)
      value += bars[k].source * bars[k].volume, volume += bars[k].volume;
    out[0][i] = volume == 0 ? bars[i].source : value / volume;
  }
}
static void flows(double *y) {
  FOR_BARS {
    const struct indicator_input *b = &bars[i];
    y[i] = b->high == b->low ? 0 : b->volume * (2 * b->close - b->high - b->low) / (b->high - b->low);
  }
}
static void n_ad(const double *p, column *out) {
  (void)p;
  column flow = {0};
  flows(flow);
  FOR_BARS out[0][i] = sum_of(flow, i + 1);
}
static void n_cmf(const double *p, column *out) {
  FIELD(volume);
  column flow = {0};
  flows(flow);
  int n = AT(p, 0);
  FOR_BARS {
    double v = i < n - 1 ? NAN : sum_of(&volume[i - n + 1], n);
    out[0][i] = v == 0 ? 0 : (i < n - 1 ? NAN : sum_of(&flow[i - n + 1], n)) / v;
  }
}
static void n_linreg(const double *p, column *out) {
  FIELD(source);
  EACH_WINDOW(source, AT(p, 0), out[0], line_end_of(w, AT(p, 0)));
}
static void pivots(const double *p, double sign, double *y) {
  int left = AT(p, 0), right = AT(p, 1);
  FOR_BARS {
    int c = i - right;
    bool is = c >= left;
    for (int k = 1; k <= left && is; k++) is = sign * bars[c].source > sign * bars[c - k].source;
    for (int k = 1; k <= right && is; k++) is = sign * bars[c].source >= sign * bars[c + k].source;
    y[i] = is ? bars[c].source : NAN;
  }
}
static void n_pivot_high(const double *p, column *out) {
  pivots(p, 1, out[0]);
}
static void n_pivot_low(const double *p, column *out) {
  pivots(p, -1, out[0]);
}
static void n_highest(const double *p, column *out) {
  FIELD(source);
  EACH_WINDOW(source, AT(p, 0), out[0], max_of(w, AT(p, 0)));
}
static void n_lowest(const double *p, column *out) {
  FIELD(source);
  EACH_WINDOW(source, AT(p, 0), out[0], min_of(w, AT(p, 0)));
}

static const struct {
  const char *name;
  naive *fn;
} definitions[] = {
#define D(name) \
  { #name, n_##name }
  D(sma),
  D(ema),
  D(wma),
  D(dema),
  D(tema),
  D(hma),
  D(kama),
  D(vwma),
  D(rma),
  D(rsi),
  D(stoch),
  D(stochrsi),
  D(macd),
  D(roc),
  D(mom),
  D(trix),
  D(uo),
  D(cci),
  D(mfi),
  D(willr),
  D(cmo),
  D(atr),
  D(natr),
  D(tr),
  D(bbands),
  D(stddev),
  D(keltner),
  D(donchian),
  D(adx),
  D(aroon),
  D(psar),
  D(supertrend),
  D(ichimoku),
  D(obv),
  D(vwap),
  D(ad),
  D(cmf),
  D(linreg),
  D(pivot_high),
  D(pivot_low),
  D(highest),
  D(lowest),
  D(zscore),
#undef D
};

static naive *definition_of(const char *name) {
  for (size_t i = 0; i < sizeof definitions / sizeof definitions[0]; i++)
    if (strcmp(definitions[i].name, name) == 0) return definitions[i].fn;
  fail_msg("%s has no slow definition here", name);
  return NULL;
}

static void compare(const struct indicator_desc *d, const double *params, enum market market) {
  static column expected[INDICATOR_OUTPUTS_MAX];
  definition_of(d->name)(params, expected);
  struct err err;
  struct indicator *ind;
  if (indicator_create(d, params, &ind, &err) != OK) fail_msg("%s", err.msg);
  double size = 1e-9;  // of what went in: differences of large numbers keep their rounding
  for (int i = 0; i < count; i++) {
    double out[INDICATOR_OUTPUTS_MAX];
    indicator_push(ind, &bars[i], out);
    size = fmax(size, fabs(bars[i].high));
    for (int k = 0; k < d->n_outputs; k++) {
      double a = out[k], b = expected[k][i];
      bool same = isnan(b) ? isnan(a) : fabs(a - b) <= 1e-9 * fabs(b) + 1e-11 * size + 1e-12;
      if (!same)
        fail_msg("%s(%g,%g,%g) %s, market \"%s\", bar %d: %.17g, by definition %.17g", d->name, params[0],
          d->n_params > 1 ? params[1] : 0, d->n_params > 2 ? params[2] : 0, d->outputs[k], market_name(market), i, a,
          b);
    }
  }
  indicator_destroy(ind);
}

static void compare_all(void **state) {
  (void)state;
  static struct indicator_input made[N];
  // Periods for first, second and third parameter; those an indicator refuses are left out.
  static const double periods[][3] = {{1, 1, 1}, {2, 3, 2}, {2, 5, 9}, {3, 2, 1}, {5, 7, 11}, {7, 1, 3}, {14, 14, 14},
    {20, 33, 50}, {64, 100, 3}, {150, 160, 170}, {500, 501, 502}};
  int compared = 0;
  for (int m = 0; m < MARKET_COUNT; m++) {
    bars_make((enum market)m, 7 + (uint64_t)m, made, N);
    bars = made;
    for (size_t i = 0; i < indicator_count(); i++) {
      const struct indicator_desc *d = indicator_at(i);
      double params[INDICATOR_PARAMS_MAX];
      indicator_defaults(d, params);
      for (int length = 0; length <= N; length = length < 2 ? length + 1 : N + (length == N)) {
        count = length;
        compare(d, params, (enum market)m);
      }
      count = N;
      for (size_t k = 0; k < sizeof periods / sizeof periods[0] && d->n_params > 0; k++) {
        for (int j = 0; j < d->n_params; j++)
          params[j] = d->params[j].integer    ? periods[k][j]
                      : d->params[j].max <= 1 ? 0.01 * periods[k][j]
                                              : periods[k][j] / 3;
        if (indicator_check(d, params, NULL) != OK) continue;
        compare(d, params, (enum market)m);
        compared++;
      }
    }
  }
  assert_true(compared > 2000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(compare_all)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
