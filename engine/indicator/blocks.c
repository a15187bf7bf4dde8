// indicator/blocks.c – the cold and the long parts of kernel.h's building blocks.
#include "indicator/kernel.h"

double indicator_ema_seed(struct ema *e, double x) {
  dd_add(&e->seed, x);
  if (--e->missing) return NAN;
  return e->value = dd_divide(&e->seed, e->n, 1.0 / e->n);
}

double indicator_wma_fill(struct wma *w, double x) {
  ring_swap(&w->ring, x);
  dd_add(&w->sum, x);
  dd_add_product(&w->weighted, w->ring.n - w->missing + 1, x);
  return --w->missing ? NAN : dd_divide(&w->weighted, w->divisor, w->inverse);
}

double indicator_extreme_turn(struct extreme *e) {
  double largest = e->running;
  for (int i = e->n - 2; i >= 0; i--) e->v[i] = e->v[i] > e->v[i + 1] ? e->v[i] : e->v[i + 1];
  e->running = -INFINITY;
  e->at = 0;
  e->missing = 0;
  return largest;
}

// n × Σx² − (Σx)² cancels nearly all digits of a price, so both are formed in pairs, from exact squares.
bool indicator_spread_next(struct spread *s, double x, double *ret_mean, double *ret_sd) {
  double old = ring_swap(&s->ring, x), n = s->ring.n;
  dd_replace(&s->sum, x, old);
  struct dd in = two_product(x, x), out = two_product(old, old);
  dd_replace(&s->squares, in.hi, out.hi);
  s->squares.lo += in.lo - out.lo;
  if (!LIKELY(s->missing == 0) && --s->missing) return false;
  double sum = dd_value(&s->sum), sum_lo = (s->sum.hi - sum) + s->sum.lo;
  struct dd a = two_product(n, s->squares.hi), b = two_product(sum, sum);
  double variance = ((a.hi - b.hi) + (a.lo - b.lo) + (n * s->squares.lo - 2 * sum * sum_lo)) / (n * n);
  double noise = dd_value(&s->squares) / n * (INDICATOR_NOISE * INDICATOR_NOISE);
  *ret_mean = dd_divide(&s->sum, n, s->inverse);
  *ret_sd = variance > noise ? sqrt(variance) : 0;
  return true;
}
