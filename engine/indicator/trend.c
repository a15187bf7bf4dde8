// indicator/trend.c – adx aroon psar supertrend ichimoku.
#include "indicator/kernel.h"
#include "indicator/table.h"

// --- adx: Wilder's sums of directional moves, started and carried on as TA-Lib does

struct adx {
  int n, seen;  // bars
  double prev_high, prev_low, prev_close;
  double plus, minus, range;  // sums of the last n in Wilder's sense: s ← s − s/n + today
  double adx, dx_sum;
};
static int adx_warmup(const double *p) {
  return 2 * period_of(p[0]) - 1;
}
static void adx_init(void *state, const double *p, struct room *room) {
  (void)room;
  ((struct adx *)state)->n = period_of(p[0]);
}
static void adx_push(void *state, const struct indicator_input *in, double *out) {
  struct adx *a = state;
  int n = a->n, bar = a->seen;  // of this bar, from 0; stays at 2n once past it
  double up = in->high - a->prev_high, down = a->prev_low - in->low;
  double range = true_range(in->high, in->low, a->prev_close);
  a->prev_high = in->high, a->prev_low = in->low, a->prev_close = in->close;
  out[0] = out[1] = out[2] = NAN;
  if (LIKELY(bar < 2 * n)) a->seen++;
  if (bar == 0) return;
  if (LIKELY(bar >= n)) {
    a->plus -= a->plus / n;
    a->minus -= a->minus / n;
    a->range -= a->range / n;
  }
  // An up-move equal to the down-move counts for neither.
  a->plus += up > 0 && up > down ? up : 0;
  a->minus += down > 0 && down > up ? down : 0;
  a->range += range;
  if (bar < n) return;
  double plus = a->range > 0 ? 100 * (a->plus / a->range) : 0, minus = a->range > 0 ? 100 * (a->minus / a->range) : 0;
  out[1] = plus;
  out[2] = minus;
  bool measurable = plus + minus > 0;
  double dx = measurable ? 100 * (fabs(plus - minus) / (plus + minus)) : 0;
  if (bar < 2 * n) {
    a->dx_sum += dx;
    a->adx = a->dx_sum / n;
  } else if (measurable) {
    a->adx = (a->adx * (n - 1) + dx) / n;
  }
  if (bar >= 2 * n - 1) out[0] = a->adx;
}
KERNEL(adx, adx);

// --- aroon

struct aroon {
  struct placed high, low;
  int n;
};
static int aroon_warmup(const double *p) {
  return period_of(p[0]);
}
static void aroon_init(void *state, const double *p, struct room *room) {
  struct aroon *a = state;
  a->n = period_of(p[0]);
  placed_block(&a->high, a->n + 1, room);
  placed_block(&a->low, a->n + 1, room);
}
static void aroon_push(void *state, const struct indicator_input *in, double *out) {
  struct aroon *a = state;
  placed_next(&a->high, in->high, false);
  placed_next(&a->low, -in->low, false);
  bool full = placed_full(&a->high);
  out[0] = full ? 100 * (a->n - placed_age(&a->high)) / a->n : NAN;
  out[1] = full ? 100 * (a->n - placed_age(&a->low)) / a->n : NAN;
}
KERNEL(aroon, aroon);

// --- psar

struct psar {
  double step, max;
  double sar, extreme, factor;  // the stop for the next bar, the trend's furthest price, the acceleration
  double prev_high, prev_low;
  bool rising;
  int seen;
};
static int psar_warmup(const double *p) {
  (void)p;
  return 1;
}
static void psar_init(void *state, const double *p, struct room *room) {
  (void)room;
  struct psar *s = state;
  s->step = p[0];
  s->max = p[1];
}

static double larger_of_3(double a, double b, double c) {
  double m = a > b ? a : b;
  return m > c ? m : c;
}
static double smaller_of_3(double a, double b, double c) {
  double m = a < b ? a : b;
  return m < c ? m : c;
}
static void psar_push(void *state, const struct indicator_input *in, double *out) {
  struct psar *s = state;
  double high = in->high, low = in->low;
  out[0] = NAN;
  if (!LIKELY(s->seen >= 2)) {
    if (s->seen++ == 0) {
      s->prev_high = high, s->prev_low = low;
      return;
    }
    // TA-Lib: falling if the second bar's directional move is downwards, the first stop being the first bar's other
    // end; and the second bar stands in for the one before it.
    double up = high - s->prev_high, down = s->prev_low - low;
    s->rising = !(down > 0 && down > up);
    s->extreme = s->rising ? high : low;
    s->sar = s->rising ? s->prev_low : s->prev_high;
    s->factor = s->step;
    s->prev_high = high, s->prev_low = low;
  }
  bool turn = s->rising ? low <= s->sar : high >= s->sar;
  if (turn) {
    s->rising = !s->rising;
    s->sar = s->rising ? smaller_of_3(s->extreme, s->prev_low, low) : larger_of_3(s->extreme, s->prev_high, high);
    s->factor = s->step;
    s->extreme = s->rising ? high : low;
  }
  out[0] = s->sar;
  if (!turn && (s->rising ? high > s->extreme : low < s->extreme)) {
    s->extreme = s->rising ? high : low;
    s->factor = s->factor + s->step < s->max ? s->factor + s->step : s->max;
  }
  double next = s->sar + s->factor * (s->extreme - s->sar);
  s->sar = s->rising ? smaller_of_3(next, s->prev_low, low) : larger_of_3(next, s->prev_high, high);
  s->prev_high = high, s->prev_low = low;
}
static const char *psar_contradiction(const double *p) {
  return p[0] > p[1] ? "step must not be above max" : NULL;
}
KERNEL_CHECKED(psar, psar, psar_contradiction);

// --- supertrend

struct supertrend {
  struct atr atr;
  double width, upper, lower, prev_close;
  bool rising, started;
};
static int supertrend_warmup(const double *p) {
  return period_of(p[0]);
}
static void supertrend_init(void *state, const double *p, struct room *room) {
  (void)room;
  struct supertrend *s = state;
  atr_block(&s->atr, period_of(p[0]));
  s->width = p[1];
}
static void supertrend_push(void *state, const struct indicator_input *in, double *out) {
  struct supertrend *s = state;
  double atr = atr_next(&s->atr, in), middle = (in->high + in->low) / 2;
  double upper = middle + s->width * atr, lower = middle - s->width * atr;
  out[0] = out[1] = NAN;
  if (isnan(atr)) return;
  if (LIKELY(s->started)) {
    // A band only moves towards the price, until the price has closed beyond it.
    if (!(upper < s->upper || s->prev_close > s->upper)) upper = s->upper;
    if (!(lower > s->lower || s->prev_close < s->lower)) lower = s->lower;
    s->rising = s->rising ? in->close >= lower : in->close > upper;
  }
  s->started = true;
  s->upper = upper;
  s->lower = lower;
  s->prev_close = in->close;
  out[0] = s->rising ? lower : upper;
  out[1] = s->rising ? 1 : -1;
}
KERNEL(supertrend, supertrend);

// --- ichimoku

struct ichimoku {
  struct extreme high[3], low[3];  // tenkan, kijun, span B
};
static int ichimoku_warmup(const double *p) {
  int n = 0;
  for (int i = 0; i < 3; i++) n = period_of(p[i]) > n ? period_of(p[i]) : n;
  return n - 1;
}
static void ichimoku_init(void *state, const double *p, struct room *room) {
  struct ichimoku *s = state;
  for (int i = 0; i < 3; i++) {
    extreme_block(&s->high[i], period_of(p[i]), room);
    extreme_block(&s->low[i], period_of(p[i]), room);
  }
}
static void ichimoku_push(void *state, const struct indicator_input *in, double *out) {
  struct ichimoku *s = state;
  double middle[3];
  for (int i = 0; i < 3; i++) {
    double high = extreme_next(&s->high[i], in->high), low = -extreme_next(&s->low[i], -in->low);
    middle[i] = extreme_full(&s->high[i]) ? (high + low) / 2 : NAN;
  }
  out[0] = middle[0];
  out[1] = middle[1];
  out[2] = (middle[0] + middle[1]) / 2;
  out[3] = middle[2];
}
KERNEL(ichimoku, ichimoku);
