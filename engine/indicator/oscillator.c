// indicator/oscillator.c – momentum: rsi stoch stochrsi macd roc mom trix uo cci mfi willr cmo.
//
// An oscillator with nothing to measure (no move, no range, no volume in its window) reads the middle of its scale.
#include "indicator/kernel.h"
#include "indicator/table.h"

static int one_period_warmup_next(const double *p) {
  return period_of(p[0]);
}

// 100 × part / whole, kept inside 0 … 100 against rounding; 50 of nothing.
static double percent_or_middle(double part, double whole) {
  if (!(whole > 0)) return 50;
  double percent = 100 * (part / whole);
  return percent < 0 ? 0 : percent > 100 ? 100 : percent;
}

// --- rsi, cmo

#define rsi_warmup one_period_warmup_next
static void rsi_init(void *state, const double *p, struct room *room) {
  (void)room;
  moves_block(state, period_of(p[0]));
}
static void rsi_push(void *state, const struct indicator_input *in, double *out) {
  double up, down;
  out[0] = moves_next(state, in->source, &up, &down) ? percent_or_middle(up, up + down) : NAN;
}
KERNEL(rsi, moves);

#define cmo_warmup one_period_warmup_next
#define cmo_init rsi_init
static void cmo_push(void *state, const struct indicator_input *in, double *out) {
  double up, down;
  out[0] = moves_next(state, in->source, &up, &down) ? (up + down > 0 ? 100 * ((up - down) / (up + down)) : 0) : NAN;
}
KERNEL(cmo, moves);

// --- stoch: the close's place in the range of the last bars, smoothed twice

struct stoch {
  struct extreme high, low;  // low holds minus the lows
  struct sma k, d;
};
static int stoch_warmup(const double *p) {
  return period_of(p[0]) - 1 + period_of(p[1]) - 1 + period_of(p[2]) - 1;
}
static void stoch_init(void *state, const double *p, struct room *room) {
  struct stoch *s = state;
  extreme_block(&s->high, period_of(p[0]), room);
  extreme_block(&s->low, period_of(p[0]), room);
  sma_block(&s->k, period_of(p[1]), room);
  sma_block(&s->d, period_of(p[2]), room);
}
static void stoch_push(void *state, const struct indicator_input *in, double *out) {
  struct stoch *s = state;
  double high = extreme_next(&s->high, in->high), low = -extreme_next(&s->low, -in->low);
  double k = NAN, d = NAN;
  if (LIKELY(extreme_full(&s->high))) k = sma_next(&s->k, percent_or_middle(in->close - low, high - low));
  if (LIKELY(!isnan(k))) d = sma_next(&s->d, k);
  out[0] = isnan(d) ? NAN : k;
  out[1] = d;
}
KERNEL(stoch, stoch);

// --- stochrsi

#define STOCHRSI_NOISE 1e-9

struct stochrsi {
  struct moves moves;
  struct extreme high, low;
  struct sma d;
};
static int stochrsi_warmup(const double *p) {
  return period_of(p[0]) + period_of(p[1]) - 1 + period_of(p[2]) - 1;
}
static void stochrsi_init(void *state, const double *p, struct room *room) {
  struct stochrsi *s = state;
  moves_block(&s->moves, period_of(p[0]));
  extreme_block(&s->high, period_of(p[1]), room);
  extreme_block(&s->low, period_of(p[1]), room);
  sma_block(&s->d, period_of(p[2]), room);
}
static void stochrsi_push(void *state, const struct indicator_input *in, double *out) {
  struct stochrsi *s = state;
  double up, down;
  out[0] = out[1] = NAN;
  if (!moves_next(&s->moves, in->source, &up, &down)) return;
  double rsi = percent_or_middle(up, up + down);
  double high = extreme_next(&s->high, rsi), low = -extreme_next(&s->low, -rsi);
  if (!extreme_full(&s->high)) return;
  // While prices stand still the RSI is constant but for rounding, which must not be blown up to 0 … 100.
  double range = high - low > STOCHRSI_NOISE ? high - low : 0;
  double k = percent_or_middle(rsi - low, range), d = sma_next(&s->d, k);
  out[0] = isnan(d) ? NAN : k;
  out[1] = d;
}
KERNEL(stochrsi, stochrsi);

// --- macd

struct macd {
  struct ema fast, slow, signal;
  int skip;  // bars that the fast average ignores, so that both averages get their seed at the same bar
};
static int macd_warmup(const double *p) {
  return period_of(p[1]) - 1 + period_of(p[2]) - 1;
}
static void macd_init(void *state, const double *p, struct room *room) {
  (void)room;
  struct macd *m = state;
  ema_block(&m->fast, period_of(p[0]));
  ema_block(&m->slow, period_of(p[1]));
  ema_block(&m->signal, period_of(p[2]));
  m->skip = period_of(p[1]) - period_of(p[0]);
}
static void macd_push(void *state, const struct indicator_input *in, double *out) {
  struct macd *m = state;
  double slow = ema_next(&m->slow, in->source), fast = NAN, signal = NAN;
  if (LIKELY(m->skip == 0))
    fast = ema_next(&m->fast, in->source);
  else
    m->skip--;
  double macd = fast - slow;
  if (LIKELY(!isnan(macd))) signal = ema_next(&m->signal, macd);
  out[0] = isnan(signal) ? NAN : macd;
  out[1] = signal;
  out[2] = macd - signal;
}
static const char *macd_contradiction(const double *p) {
  return p[0] >= p[1] ? "fast must be below slow" : NULL;
}
KERNEL_CHECKED(macd, macd, macd_contradiction);

// --- roc, mom

struct lag {
  struct ring ring;
  int missing;
};
#define roc_warmup one_period_warmup_next
static void lag_init(void *state, const double *p, struct room *room) {
  struct lag *l = state;
  ring_init(&l->ring, period_of(p[0]), room);
  l->missing = period_of(p[0]);
}
static double lag_next(struct lag *l, double x) {
  double old = ring_swap(&l->ring, x);
  if (LIKELY(l->missing == 0)) return old;
  l->missing--;
  return NAN;
}
#define roc_init lag_init
static void roc_push(void *state, const struct indicator_input *in, double *out) {
  double old = lag_next(state, in->source);
  out[0] = old == 0 ? 0 : (in->source / old - 1) * 100;
}
KERNEL(roc, lag);

#define mom_warmup one_period_warmup_next
#define mom_init lag_init
static void mom_push(void *state, const struct indicator_input *in, double *out) {
  out[0] = in->source - lag_next(state, in->source);
}
KERNEL(mom, lag);

// --- trix

struct trix {
  struct ema e[3];
  double prev;
};
static int trix_warmup(const double *p) {
  return 3 * (period_of(p[0]) - 1) + 1;
}
static void trix_init(void *state, const double *p, struct room *room) {
  (void)room;
  struct trix *t = state;
  for (int i = 0; i < 3; i++) ema_block(&t->e[i], period_of(p[0]));
  t->prev = NAN;
}
static void trix_push(void *state, const struct indicator_input *in, double *out) {
  struct trix *t = state;
  double value = in->source;
  for (int i = 0; i < 3 && !isnan(value); i++) value = ema_next(&t->e[i], value);
  out[0] = t->prev == 0 ? 0 : (value / t->prev - 1) * 100;
  t->prev = value;
}
KERNEL(trix, trix);

// --- uo

struct uo {
  struct ring pressure, range;
  int n[3];
  struct dd pressure_sum[3], range_sum[3];
  int still[3];  // bars in the window without a range
  double prev_close;
  int seen;
};
static int uo_warmup(const double *p) {
  return period_of(p[2]);
}
static void uo_init(void *state, const double *p, struct room *room) {
  struct uo *u = state;
  ring_init(&u->pressure, period_of(p[2]), room);
  ring_init(&u->range, period_of(p[2]), room);
  for (int i = 0; i < 3; i++) u->still[i] = u->n[i] = period_of(p[i]);
}
static void uo_push(void *state, const struct indicator_input *in, double *out) {
  struct uo *u = state;
  double low = in->low < u->prev_close ? in->low : u->prev_close;
  double pressure = in->close - low, range = true_range(in->high, in->low, u->prev_close);
  u->prev_close = in->close;
  out[0] = NAN;
  if (!LIKELY(u->seen > 0)) {
    u->seen = 1;
    return;
  }
  double part[3];
  for (int i = 0; i < 3; i++) {
    double old_range = ring_ago(&u->range, u->n[i]);
    dd_replace(&u->pressure_sum[i], pressure, ring_ago(&u->pressure, u->n[i]));
    dd_replace(&u->range_sum[i], range, old_range);
    u->still[i] += (range == 0) - (old_range == 0);
    part[i] =
      u->still[i] == u->n[i] ? 50 : percent_or_middle(dd_value(&u->pressure_sum[i]), dd_value(&u->range_sum[i]));
  }
  ring_swap(&u->pressure, pressure);
  ring_swap(&u->range, range);
  if (LIKELY(u->seen >= u->n[2]))
    out[0] = (4 * part[0] + 2 * part[1] + part[2]) / 7;
  else
    u->seen++;
}
static const char *uo_contradiction(const double *p) {
  return p[0] > p[1] || p[1] > p[2] ? "the periods must not fall: short, medium, long" : NULL;
}
KERNEL_CHECKED(uo, uo, uo_contradiction);

// --- cci: the mean deviation has no rolling form, so each bar walks its window

static int cci_warmup(const double *p) {
  return period_of(p[0]) - 1;
}
static void cci_init(void *state, const double *p, struct room *room) {
  sma_block(state, period_of(p[0]), room);
}
static void cci_push(void *state, const struct indicator_input *in, double *out) {
  struct sma *s = state;
  double x = (in->high + in->low + in->close) / 3, mean = sma_next(s, x), sum = 0;
  out[0] = NAN;
  if (isnan(mean)) return;
  for (int i = 0; i < s->ring.n; i++) sum += fabs(s->ring.v[i] - mean);
  double deviation = sum / s->ring.n;
  out[0] = deviation > INDICATOR_NOISE * fabs(mean) ? (x - mean) / (0.015 * deviation) : 0;
}
KERNEL(cci, sma);

// --- mfi

struct mfi {
  struct ring flow;  // typical price × volume, with the sign of the typical price's move
  struct dd up, down;
  int flowing;  // bars in the window that moved with volume
  double prev;
  int seen;
};
#define mfi_warmup one_period_warmup_next
static void mfi_init(void *state, const double *p, struct room *room) {
  struct mfi *m = state;
  ring_init(&m->flow, period_of(p[0]), room);
}
static void mfi_push(void *state, const struct indicator_input *in, double *out) {
  struct mfi *m = state;
  double x = (in->high + in->low + in->close) / 3, flow = x * in->volume;
  double signed_flow = x > m->prev ? flow : x < m->prev ? -flow : 0;
  m->prev = x;
  out[0] = NAN;
  if (!LIKELY(m->seen > 0)) {
    m->seen = 1;
    return;
  }
  double old = ring_swap(&m->flow, signed_flow);
  dd_replace(&m->up, signed_flow > 0 ? signed_flow : 0, old > 0 ? old : 0);
  dd_replace(&m->down, signed_flow < 0 ? -signed_flow : 0, old < 0 ? -old : 0);
  m->flowing += (signed_flow != 0) - (old != 0);
  if (LIKELY(m->seen >= m->flow.n)) {
    double up = dd_value(&m->up), down = dd_value(&m->down);
    out[0] = m->flowing ? percent_or_middle(up, up + down) : 50;
  } else {
    m->seen++;
  }
}
KERNEL(mfi, mfi);

// --- willr

struct willr {
  struct extreme high, low;
};
static int willr_warmup(const double *p) {
  return period_of(p[0]) - 1;
}
static void willr_init(void *state, const double *p, struct room *room) {
  struct willr *w = state;
  extreme_block(&w->high, period_of(p[0]), room);
  extreme_block(&w->low, period_of(p[0]), room);
}
static void willr_push(void *state, const struct indicator_input *in, double *out) {
  struct willr *w = state;
  double high = extreme_next(&w->high, in->high), low = -extreme_next(&w->low, -in->low);
  out[0] = extreme_full(&w->high) ? -percent_or_middle(high - in->close, high - low) : NAN;
}
KERNEL(willr, willr);
