// indicator/volatility.c – ranges and bands: atr natr tr bbands stddev keltner donchian, and zscore, their normal form.
#include "indicator/kernel.h"
#include "indicator/table.h"

// --- atr, natr, tr

static int atr_warmup(const double *p) {
  return period_of(p[0]);
}
static void atr_init(void *state, const double *p, struct room *room) {
  (void)room;
  atr_block(state, period_of(p[0]));
}
static void atr_push(void *state, const struct indicator_input *in, double *out) {
  out[0] = atr_next(state, in);
}
KERNEL(atr, atr);

#define natr_warmup atr_warmup
#define natr_init atr_init
static void natr_push(void *state, const struct indicator_input *in, double *out) {
  double atr = atr_next(state, in);
  out[0] = in->close == 0 && !isnan(atr) ? 0 : atr / in->close * 100;
}
KERNEL(natr, atr);

struct tr {
  double prev_close;
};
static int tr_warmup(const double *p) {
  (void)p;
  return 1;
}
static void tr_init(void *state, const double *p, struct room *room) {
  (void)p, (void)room;
  ((struct tr *)state)->prev_close = NAN;
}
static void tr_push(void *state, const struct indicator_input *in, double *out) {
  struct tr *t = state;
  out[0] = isnan(t->prev_close) ? NAN : true_range(in->high, in->low, t->prev_close);
  t->prev_close = in->close;
}
KERNEL(tr, tr);

// --- stddev, bbands, zscore

static int spread_warmup(const double *p) {
  return period_of(p[0]) - 1;
}
static void spread_init(void *state, const double *p, struct room *room) {
  spread_block(state, period_of(p[0]), room);
}

#define stddev_warmup spread_warmup
#define stddev_init spread_init
static void stddev_push(void *state, const struct indicator_input *in, double *out) {
  double mean;
  if (!indicator_spread_next(state, in->source, &mean, &out[0])) out[0] = NAN;
}
KERNEL(stddev, spread);

struct bbands {
  struct spread spread;
  double width;
};
#define bbands_warmup spread_warmup
static void bbands_init(void *state, const double *p, struct room *room) {
  struct bbands *b = state;
  spread_block(&b->spread, period_of(p[0]), room);
  b->width = p[1];
}
static void bbands_push(void *state, const struct indicator_input *in, double *out) {
  struct bbands *b = state;
  double mean = NAN, sd = NAN;
  indicator_spread_next(&b->spread, in->source, &mean, &sd);
  out[0] = mean + b->width * sd;
  out[1] = mean;
  out[2] = mean - b->width * sd;
}
KERNEL(bbands, bbands);

#define zscore_warmup spread_warmup
#define zscore_init spread_init
static void zscore_push(void *state, const struct indicator_input *in, double *out) {
  double mean, sd;
  if (!indicator_spread_next(state, in->source, &mean, &sd))
    out[0] = NAN;
  else
    out[0] = sd > 0 ? (in->source - mean) / sd : 0;
}
KERNEL(zscore, spread);

// --- keltner

struct keltner {
  struct ema middle;
  struct atr atr;
  double width;
};
static int keltner_warmup(const double *p) {
  int middle = period_of(p[0]) - 1, atr = period_of(p[1]);
  return middle > atr ? middle : atr;
}
static void keltner_init(void *state, const double *p, struct room *room) {
  (void)room;
  struct keltner *k = state;
  ema_block(&k->middle, period_of(p[0]));
  atr_block(&k->atr, period_of(p[1]));
  k->width = p[2];
}
static void keltner_push(void *state, const struct indicator_input *in, double *out) {
  struct keltner *k = state;
  double middle = ema_next(&k->middle, in->source), width = k->width * atr_next(&k->atr, in);
  out[0] = middle + width;
  out[1] = isnan(width) ? NAN : middle;
  out[2] = middle - width;
}
KERNEL(keltner, keltner);

// --- donchian

struct donchian {
  struct extreme high, low;
};
#define donchian_warmup spread_warmup
static void donchian_init(void *state, const double *p, struct room *room) {
  struct donchian *d = state;
  extreme_block(&d->high, period_of(p[0]), room);
  extreme_block(&d->low, period_of(p[0]), room);
}
static void donchian_push(void *state, const struct indicator_input *in, double *out) {
  struct donchian *d = state;
  double high = extreme_next(&d->high, in->high), low = -extreme_next(&d->low, -in->low);
  bool full = extreme_full(&d->high);
  out[0] = full ? high : NAN;
  out[1] = full ? (high + low) / 2 : NAN;
  out[2] = full ? low : NAN;
}
KERNEL(donchian, donchian);
