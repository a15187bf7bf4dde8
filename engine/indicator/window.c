// indicator/window.c – statistics of a window of the source: linreg pivot_high pivot_low highest lowest.
#include "indicator/kernel.h"
#include "indicator/table.h"

static int one_period_warmup(const double *p) {
  return period_of(p[0]) - 1;
}

// --- linreg: the least-squares line's end is 3 × WMA − 2 × SMA of the same window

struct linreg {
  struct wma wma;
  double inverse;
};
#define linreg_warmup one_period_warmup
static void linreg_init(void *state, const double *p, struct room *room) {
  struct linreg *l = state;
  wma_block(&l->wma, period_of(p[0]), room);
  l->inverse = 1 / p[0];
}
static void linreg_push(void *state, const struct indicator_input *in, double *out) {
  struct linreg *l = state;
  double wma = wma_next(&l->wma, in->source), mean = dd_divide(&l->wma.sum, l->wma.ring.n, l->inverse);
  out[0] = mean + 3 * (wma - mean);
}
KERNEL(linreg, linreg);

// --- pivots: the first highest of a window, once `right` bars have come after it

struct pivot {
  struct placed extreme;
  int right;
};
static int pivot_warmup(const double *p) {
  return period_of(p[0]) + period_of(p[1]);
}
static void pivot_init(void *state, const double *p, struct room *room) {
  struct pivot *s = state;
  s->right = period_of(p[1]);
  placed_block(&s->extreme, period_of(p[0]) + s->right + 1, room);
}
static double pivot_next(struct pivot *s, double x) {
  double value = placed_next(&s->extreme, x, true);
  return placed_full(&s->extreme) && placed_age(&s->extreme) == s->right ? value : NAN;
}

#define pivot_high_warmup pivot_warmup
#define pivot_high_init pivot_init
static void pivot_high_push(void *state, const struct indicator_input *in, double *out) {
  out[0] = pivot_next(state, in->source);
}
KERNEL(pivot_high, pivot);

#define pivot_low_warmup pivot_warmup
#define pivot_low_init pivot_init
static void pivot_low_push(void *state, const struct indicator_input *in, double *out) {
  out[0] = -pivot_next(state, -in->source);
}
KERNEL(pivot_low, pivot);

// --- highest, lowest

#define highest_warmup one_period_warmup
static void highest_init(void *state, const double *p, struct room *room) {
  extreme_block(state, period_of(p[0]), room);
}
static void highest_push(void *state, const struct indicator_input *in, double *out) {
  double value = extreme_next(state, in->source);
  out[0] = extreme_full(state) ? value : NAN;
}
KERNEL(highest, extreme);

#define lowest_warmup one_period_warmup
#define lowest_init highest_init
static void lowest_push(void *state, const struct indicator_input *in, double *out) {
  double value = -extreme_next(state, -in->source);
  out[0] = extreme_full(state) ? value : NAN;
}
KERNEL(lowest, extreme);
