// indicator/volume.c – obv vwap ad cmf. Volume is never negative; an unknown one comes as 0.
#include "indicator/kernel.h"
#include "indicator/table.h"

static int no_warmup(const double *p) {
  (void)p;
  return 0;
}

// Volume × the close's place in the bar, from −1 at the low to 1 at the high; 0 in a bar without range.
static double money_flow(const struct indicator_input *in) {
  double range = in->high - in->low;
  return range > 0 ? ((in->close - in->low) - (in->high - in->close)) / range * in->volume : 0;
}

// --- obv

struct obv {
  struct dd sum;
  double prev;
  bool started;
};
#define obv_warmup no_warmup
static void running_init(void *state, const double *p, struct room *room) {
  (void)state, (void)p, (void)room;
}
#define obv_init running_init
static void obv_push(void *state, const struct indicator_input *in, double *out) {
  struct obv *o = state;
  bool up = in->source > o->prev || !o->started, down = in->source < o->prev && o->started;
  dd_add(&o->sum, up ? in->volume : down ? -in->volume : 0);
  o->prev = in->source;
  o->started = true;
  out[0] = dd_value(&o->sum);
}
KERNEL(obv, obv);

// --- vwap

#define NS_PER_UTC_DAY (INT64_C(86400) * 1000000000)

struct vwap {
  struct dd weighted, volume;
  int64_t day;
  bool started;
};
#define vwap_warmup no_warmup
#define vwap_init running_init
static void vwap_push(void *state, const struct indicator_input *in, double *out) {
  struct vwap *v = state;
  int64_t day = in->time_ns / NS_PER_UTC_DAY - (in->time_ns % NS_PER_UTC_DAY < 0);
  if (day != v->day || !v->started) *v = (struct vwap){.day = day, .started = true};
  dd_add_product(&v->weighted, in->source, in->volume);
  dd_add(&v->volume, in->volume);
  double total = dd_value(&v->volume);
  out[0] = total > 0 ? dd_value(&v->weighted) / total : in->source;
}
KERNEL(vwap, vwap);

// --- ad

struct ad {
  struct dd sum;
};
#define ad_warmup no_warmup
#define ad_init running_init
static void ad_push(void *state, const struct indicator_input *in, double *out) {
  struct ad *a = state;
  dd_add(&a->sum, money_flow(in));
  out[0] = dd_value(&a->sum);
}
KERNEL(ad, ad);

// --- cmf

struct cmf {
  struct sma flow, volume;
  int traded;
};
static int cmf_warmup(const double *p) {
  return period_of(p[0]) - 1;
}
static void cmf_init(void *state, const double *p, struct room *room) {
  struct cmf *c = state;
  sma_block(&c->flow, period_of(p[0]), room);
  sma_block(&c->volume, period_of(p[0]), room);
}
static void cmf_push(void *state, const struct indicator_input *in, double *out) {
  struct cmf *c = state;
  double old = c->volume.ring.v[c->volume.ring.at];
  double flow = sma_next(&c->flow, money_flow(in)), volume = sma_next(&c->volume, in->volume);
  c->traded += (in->volume > 0) - (old > 0);
  out[0] = isnan(flow) ? NAN : c->traded && volume > 0 ? flow / volume : 0;
}
KERNEL(cmf, cmf);
