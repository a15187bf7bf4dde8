// indicator/average.c – moving averages of a source: sma ema wma dema tema hma kama vwma rma.
#include "indicator/kernel.h"
#include "indicator/table.h"

static int one_period_warmup(const double *p) {
  return period_of(p[0]) - 1;
}

// --- sma

#define sma_warmup one_period_warmup
static void sma_init(void *state, const double *p, struct room *room) {
  sma_block(state, period_of(p[0]), room);
}
static void sma_push(void *state, const struct indicator_input *in, double *out) {
  out[0] = sma_next(state, in->source);
}
KERNEL(sma, sma);

// --- ema, rma

#define ema_warmup one_period_warmup
static void ema_init(void *state, const double *p, struct room *room) {
  (void)room;
  ema_block(state, period_of(p[0]));
}
static void ema_push(void *state, const struct indicator_input *in, double *out) {
  out[0] = ema_next(state, in->source);
}
KERNEL(ema, ema);

#define rma_warmup one_period_warmup
#define rma_push ema_push
static void rma_init(void *state, const double *p, struct room *room) {
  (void)room;
  wilder_block(state, period_of(p[0]));
}
KERNEL(rma, ema);

// --- wma

#define wma_warmup one_period_warmup
static void wma_init(void *state, const double *p, struct room *room) {
  wma_block(state, period_of(p[0]), room);
}
static void wma_push(void *state, const struct indicator_input *in, double *out) {
  out[0] = wma_next(state, in->source);
}
KERNEL(wma, wma);

// --- dema, tema: averages of averages, each seeded with the first values of the one before

struct ema_chain {
  struct ema e[3];
};
static void ema_chain_init(void *state, const double *p, struct room *room) {
  (void)room;
  struct ema_chain *c = state;
  for (int i = 0; i < 3; i++) ema_block(&c->e[i], period_of(p[0]));
}

static int dema_warmup(const double *p) {
  return 2 * (period_of(p[0]) - 1);
}
#define dema_init ema_chain_init
static void dema_push(void *state, const struct indicator_input *in, double *out) {
  struct ema_chain *c = state;
  double first = ema_next(&c->e[0], in->source), second = isnan(first) ? NAN : ema_next(&c->e[1], first);
  out[0] = 2 * first - second;
}
KERNEL(dema, ema_chain);

static int tema_warmup(const double *p) {
  return 3 * (period_of(p[0]) - 1);
}
#define tema_init ema_chain_init
static void tema_push(void *state, const struct indicator_input *in, double *out) {
  struct ema_chain *c = state;
  double first = ema_next(&c->e[0], in->source), second = isnan(first) ? NAN : ema_next(&c->e[1], first);
  double third = isnan(second) ? NAN : ema_next(&c->e[2], second);
  out[0] = 3 * first - 3 * second + third;
}
KERNEL(tema, ema_chain);

// --- hma

struct hma {
  struct wma half, full, smooth;
};
static int root_period(double param) {
  return (int)sqrt(param);
}
static int hma_warmup(const double *p) {
  return period_of(p[0]) - 1 + root_period(p[0]) - 1;
}
static void hma_init(void *state, const double *p, struct room *room) {
  struct hma *h = state;
  wma_block(&h->half, period_of(p[0]) / 2, room);
  wma_block(&h->full, period_of(p[0]), room);
  wma_block(&h->smooth, root_period(p[0]), room);
}
static void hma_push(void *state, const struct indicator_input *in, double *out) {
  struct hma *h = state;
  double half = wma_next(&h->half, in->source), full = wma_next(&h->full, in->source);
  out[0] = isnan(full) ? NAN : wma_next(&h->smooth, 2 * half - full);
}
KERNEL(hma, hma);

// --- kama

struct kama {
  struct ring ring, steps;  // the last n values, the last n absolute changes
  struct dd path;
  double value, prev, fast, slow;
  int seen;
};
static int kama_warmup(const double *p) {
  return period_of(p[0]);
}
static void kama_init(void *state, const double *p, struct room *room) {
  struct kama *k = state;
  ring_init(&k->ring, period_of(p[0]), room);
  ring_init(&k->steps, period_of(p[0]), room);
  k->fast = 2 / (p[1] + 1);
  k->slow = 2 / (p[2] + 1);
}
static void kama_push(void *state, const struct indicator_input *in, double *out) {
  struct kama *k = state;
  double x = in->source, change = fabs(x - ring_swap(&k->ring, x));
  if (k->seen > 0) {
    double step = fabs(x - k->prev);
    dd_replace(&k->path, step, ring_swap(&k->steps, step));
  }
  k->prev = x;
  if (!LIKELY(k->seen >= k->ring.n)) {
    k->seen++;
    k->value = x;  // the last bar before the first value is the seed
    out[0] = NAN;
    return;
  }
  double path = dd_value(&k->path);
  double efficiency = path <= change ? 1 : change / path;
  double smooth = efficiency * (k->fast - k->slow) + k->slow;
  k->value += smooth * smooth * (x - k->value);
  out[0] = k->value;
}
static const char *kama_contradiction(const double *p) {
  return p[1] > p[2] ? "fast must not be above slow" : NULL;
}
KERNEL_CHECKED(kama, kama, kama_contradiction);

// --- vwma

struct vwma {
  struct ring volumes;
  struct sma plain;
  struct dd weighted, volume;
  int traded;  // bars in the window that have volume
};
#define vwma_warmup one_period_warmup
static void vwma_init(void *state, const double *p, struct room *room) {
  struct vwma *v = state;
  ring_init(&v->volumes, period_of(p[0]), room);
  sma_block(&v->plain, period_of(p[0]), room);
}
static void vwma_push(void *state, const struct indicator_input *in, double *out) {
  struct vwma *v = state;
  double x = in->source, volume = in->volume;
  double old_x = v->plain.ring.v[v->plain.ring.at], old_volume = ring_swap(&v->volumes, volume);
  double mean = sma_next(&v->plain, x);
  dd_add_product(&v->weighted, x, volume);
  dd_add_product(&v->weighted, -old_x, old_volume);
  dd_replace(&v->volume, volume, old_volume);
  v->traded += (volume > 0) - (old_volume > 0);
  double total = dd_value(&v->volume);
  out[0] = isnan(mean) || v->traded == 0 || total <= 0 ? mean : dd_value(&v->weighted) / total;
}
KERNEL(vwma, vwma);
