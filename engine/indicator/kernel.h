// indicator/kernel.h – private: what an indicator's code provides, and the exact or constant-time blocks they are built
// from.
//
// A kernel's init runs twice: once to count the doubles that its windows need, once to hand them out, so the two can
// never disagree. It must do nothing else with the room; state and room arrive zeroed.
#pragma once
#include "indicator/indicator.h"

#include <math.h>
#include <stddef.h>

struct room {
  double *base;  // NULL while counting
  size_t used;
};

static inline double *room_take(struct room *room, size_t n) {
  double *ret = room->base ? room->base + room->used : NULL;
  room->used += n;
  return ret;
}

struct indicator_kernel {
  size_t state_bytes;
  int (*warmup)(const double *p);
  void (*init)(void *state, const double *p, struct room *room);
  indicator_push_fn *push;
  // Two parameters that exclude each other, in words; NULL when they do not. No function where none can.
  const char *(*contradiction)(const double *p);
};

#define INDICATOR_STATE_MAX 512
// Defines the kernel of an indicator from NAME_warmup, NAME_init and NAME_push of the same file.
#define KERNEL(name, type) KERNEL_CHECKED(name, type, NULL)
#define KERNEL_CHECKED(name, type, check)                                        \
  _Static_assert(sizeof(struct type) <= INDICATOR_STATE_MAX, "state too large"); \
  const struct indicator_kernel indicator_kernel_##name = {                      \
    sizeof(struct type), name##_warmup, name##_init, name##_push, check}

#define LIKELY(x) __builtin_expect(!!(x), 1)

// --- sums that do not drift
//
// An unevaluated pair hi + lo (Knuth's two-sum, Dekker's product): a rolling sum keeps about 32 digits, so what leaves
// a window takes away what it brought, for any number of bars. Needs -ffp-contract=off and no -ffast-math, as the build
// sets.

struct dd {
  double hi, lo;
};

static inline void dd_add(struct dd *s, double x) {
  double sum = s->hi + x, part = sum - s->hi;
  s->lo += (s->hi - (sum - part)) + (x - part);
  s->hi = sum;
}

// s += in - out, with one addition in the chain from bar to bar.
static inline void dd_replace(struct dd *s, double in, double out) {
  double diff = in - out, part = diff - in;
  double err = (in - (diff - part)) - (out + part);
  double sum = s->hi + diff, other = sum - s->hi;
  s->lo += err + ((s->hi - (sum - other)) + (diff - other));
  s->hi = sum;
}

static inline struct dd two_product(double a, double b) {
  double p = a * b;
  double ca = 134217729.0 * a, cb = 134217729.0 * b;
  double a1 = ca - (ca - a), a2 = a - a1, b1 = cb - (cb - b), b2 = b - b1;
  return (struct dd){p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2};
}

static inline void dd_add_product(struct dd *s, double a, double b) {
  struct dd p = two_product(a, b);
  dd_add(s, p.hi);
  s->lo += p.lo;
}

static inline double dd_value(const struct dd *s) {
  return s->hi + s->lo;
}

// s / n with inverse = 1 / n, put right by the remainder: the mean of equal values is that value, to the last bit, so
// that a price which stands still never seems to cross its own average.
static inline double dd_divide(const struct dd *s, double n, double inverse) {
  double q = s->hi * inverse;
  if (!LIKELY(n < 0x1p26)) {
    struct dd p = two_product(q, n);
    return q + ((s->hi - p.hi) - p.lo + s->lo) * inverse;
  }
  double p = q * n, c = 134217729.0 * q, q1 = c - (c - q), q2 = q - q1;  // two_product where n has no low half
  return q + ((s->hi - p) - ((q1 * n - p) + q2 * n) + s->lo) * inverse;
}

// --- windows

struct ring {
  double *v;
  int n, at;
};

static inline void ring_init(struct ring *r, int n, struct room *room) {
  *r = (struct ring){room_take(room, (size_t)n), n, 0};
}

// Puts x in and returns what was put in n bars ago, 0 before there was any.
static inline double ring_swap(struct ring *r, double x) {
  double old = r->v[r->at];
  r->v[r->at] = x;
  if (++r->at == r->n) r->at = 0;
  return old;
}

// What was put in `ago` calls ago, 1 … n.
static inline double ring_ago(const struct ring *r, int ago) {
  int i = r->at - ago;
  return r->v[i < 0 ? i + r->n : i];
}

// --- averages; NaN until the first value

struct sma {
  struct ring ring;
  struct dd sum;
  double inverse;
  int missing;  // bars still needed for the first value
};

static inline void sma_block(struct sma *s, int n, struct room *room) {
  ring_init(&s->ring, n, room);
  s->inverse = 1.0 / n;
  s->missing = n;
}

static inline double sma_next(struct sma *s, double x) {
  dd_replace(&s->sum, x, ring_swap(&s->ring, x));
  if (!LIKELY(s->missing == 0) && --s->missing) return NAN;
  return dd_divide(&s->sum, s->ring.n, s->inverse);
}

// value += weight × (x − value), seeded with the mean of the first n values: EMA with 2 / (n + 1), Wilder's with 1 / n.
struct ema {
  double value, weight;
  int missing, n;
  struct dd seed;
};

static inline void ema_block(struct ema *e, int n) {
  *e = (struct ema){.weight = 2.0 / (n + 1.0), .missing = n, .n = n};
}

static inline void wilder_block(struct ema *e, int n) {
  *e = (struct ema){.weight = 1.0 / n, .missing = n, .n = n};
}

double indicator_ema_seed(struct ema *e, double x);

static inline double ema_next(struct ema *e, double x) {
  if (LIKELY(e->missing == 0)) return e->value += e->weight * (x - e->value);
  return indicator_ema_seed(e, x);
}

struct wma {
  struct ring ring;
  struct dd sum, weighted;
  int missing;
  double divisor, inverse;
};

static inline void wma_block(struct wma *w, int n, struct room *room) {
  ring_init(&w->ring, n, room);
  w->missing = n;
  w->divisor = n * (n + 1.0) / 2;
  w->inverse = 1 / w->divisor;
}

double indicator_wma_fill(struct wma *w, double x);

// weighted' = weighted + n × x − sum, the newest weighing n; sum' = sum + x − oldest.
static inline double wma_next(struct wma *w, double x) {
  if (!LIKELY(w->missing == 0)) return indicator_wma_fill(w, x);
  dd_add_product(&w->weighted, w->ring.n, x);
  dd_add(&w->weighted, -w->sum.hi);
  w->weighted.lo -= w->sum.lo;
  dd_replace(&w->sum, x, ring_swap(&w->ring, x));
  return dd_divide(&w->weighted, w->divisor, w->inverse);
}

// --- the largest of the last n. The smallest is minus the largest of minus x.
//
// By blocks of n (van Herk 1992): the window is the end of the last block, whose maxima to its end were laid down when
// it was complete, and the start of this one. No branch depends on a price; a value costs three comparisons on average.

struct extreme {
  double *v;       // [0, at) this block's values, [at, n) the last one's maxima from there to its end
  double running;  // the largest of this block
  int n, at, missing;
};

static inline void extreme_block(struct extreme *e, int n, struct room *room) {
  *e = (struct extreme){room_take(room, (size_t)n), -INFINITY, n, 0, n};
}

double indicator_extreme_turn(struct extreme *e);

static inline bool extreme_full(const struct extreme *e) {
  return LIKELY(e->missing == 0);
}

// Means nothing until extreme_full.
static inline double extreme_next(struct extreme *e, double x) {
  e->v[e->at++] = x;
  e->running = x > e->running ? x : e->running;
  if (!LIKELY(e->at < e->n)) return indicator_extreme_turn(e);
  double rest = e->v[e->at];
  return rest > e->running ? rest : e->running;
}

// The same with its age, by a queue of candidates, each smaller and later than the one before it.
struct placed {
  double *value, *when;
  int n, head, count;
  double now;  // bars taken; exact far beyond any history
};

static inline void placed_block(struct placed *e, int n, struct room *room) {
  e->value = room_take(room, (size_t)n);
  e->when = room_take(room, (size_t)n);
  e->n = n;
}

// Of equal ones the latest is kept, or with first_wins the first. The largest so far while there are fewer than n.
static inline double placed_next(struct placed *e, double x, bool first_wins) {
  if (e->count && e->when[e->head] <= e->now - e->n) {
    if (++e->head == e->n) e->head = 0;
    e->count--;
  }
  int tail = e->head + e->count;
  if (tail >= e->n) tail -= e->n;
  while (e->count) {
    int last = tail ? tail - 1 : e->n - 1;
    if (first_wins ? e->value[last] >= x : e->value[last] > x) break;
    tail = last;
    e->count--;
  }
  e->value[tail] = x;
  e->when[tail] = e->now;
  e->count++;
  e->now++;
  return e->value[e->head];
}

static inline bool placed_full(const struct placed *e) {
  return e->now >= e->n;
}

static inline double placed_age(const struct placed *e) {
  return e->now - 1 - e->when[e->head];
}

// --- mean and population variance of the last n

struct spread {
  struct ring ring;
  struct dd sum, squares;
  double inverse;
  int missing;
};

static inline void spread_block(struct spread *s, int n, struct room *room) {
  ring_init(&s->ring, n, room);
  s->inverse = 1.0 / n;
  s->missing = n;
}

// A deviation below this part of the values' size is rounding noise and counts as none.
#define INDICATOR_NOISE 1e-13

// False until there are n.
bool indicator_spread_next(struct spread *s, double x, double *ret_mean, double *ret_sd);

// --- ranges

// max(high − low, |high − previous close|, |low − previous close|)
static inline double true_range(double high, double low, double prev_close) {
  double top = high > prev_close ? high : prev_close, bottom = low < prev_close ? low : prev_close;
  return top - bottom;
}

// TA-Lib's ATR: Wilder's average of the true range from the second bar on.
struct atr {
  struct ema average;
  double prev_close;
  bool started;
};

static inline void atr_block(struct atr *a, int n) {
  wilder_block(&a->average, n);
}

static inline double atr_next(struct atr *a, const struct indicator_input *in) {
  double range = true_range(in->high, in->low, a->prev_close);
  a->prev_close = in->close;
  if (LIKELY(a->started)) return ema_next(&a->average, range);
  a->started = true;
  return NAN;
}

// Wilder's averages of up-moves and down-moves (RSI, CMO). False until n moves have been seen.
struct moves {
  double prev;
  bool started;
  struct ema up, down;
};

static inline void moves_block(struct moves *m, int n) {
  wilder_block(&m->up, n);
  wilder_block(&m->down, n);
}

static inline bool moves_next(struct moves *m, double x, double *ret_up, double *ret_down) {
  double move = x - m->prev;
  m->prev = x;
  if (!LIKELY(m->started)) {
    m->started = true;
    return false;
  }
  *ret_up = ema_next(&m->up, move > 0 ? move : 0);
  *ret_down = ema_next(&m->down, move < 0 ? -move : 0);
  return LIKELY(m->down.missing == 0);
}

static inline int period_of(double param) {
  return (int)param;
}
