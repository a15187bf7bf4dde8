#include "backtest/montecarlo.h"

#include "base/money.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const methods[MONTECARLO_METHODS] = {
#define X(id, text) [id] = text,
    MONTECARLO_METHOD_LIST(X)
#undef X
};
const char *montecarlo_method_text(enum montecarlo_method m) { return methods[m]; }
bool montecarlo_method_parse(const char *text, enum montecarlo_method *ret) {
  for (int i = 0; i < MONTECARLO_METHODS; i++)
    if (strcmp(methods[i], text) == 0) {
      *ret = (enum montecarlo_method)i;
      return true;
    }
  return false;
}

void montecarlo_source_finish(struct montecarlo_source *s) {
  free(s->script);
  free(s->trades);
  *s = (struct montecarlo_source){0};
}

void montecarlo_finish(struct montecarlo *m) {
  free(m->ends_e8);
  free(m->streaks);
  free(m->drawdowns_pct);
  *m = (struct montecarlo){0};
}

// ---- orders of trades

struct course {
  const struct montecarlo_source *s;
  const struct montecarlo_options *o;
  uint64_t rng;
  uint32_t *order;   // of a run's trades
  uint32_t *blocks;  // of a shuffle: the first trade of each block
  size_t block_count;
};

// splitmix64, as backtest/search
static uint64_t draw(struct course *c) {
  uint64_t z = (c->rng += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}
// 0 … n − 1. Some come up more often by n / 2^64, which nobody will ever see.
static size_t draw_below(struct course *c, size_t n) { return (size_t)((unsigned __int128)draw(c) * n >> 64); }

// Blocks go around the end, so that each trade is drawn as often as any other.
static void order_bootstrap(struct course *c) {
  const size_t n = c->s->count;
  for (size_t i = 0; i < n;) {
    size_t at = draw_below(c, n);
    for (size_t k = 0; k < c->o->block && i < n; k++) {
      c->order[i++] = (uint32_t)at;
      if (++at == n) at = 0;
    }
  }
}

// Fisher and Yates, of blocks.
static void order_shuffle(struct course *c) {
  const size_t n = c->s->count;
  for (size_t i = c->block_count; i > 1; i--) {
    const size_t k = draw_below(c, i);
    const uint32_t swap = c->blocks[i - 1];
    c->blocks[i - 1] = c->blocks[k];
    c->blocks[k] = swap;
  }
  size_t i = 0;
  for (size_t b = 0; b < c->block_count; b++)
    for (size_t k = 0; k < c->o->block && c->blocks[b] + k < n; k++) c->order[i++] = (uint32_t)(c->blocks[b] + k);
}

static void order_as_it_was(struct course *c) {
  for (size_t i = 0; i < c->s->count; i++) c->order[i] = (uint32_t)i;
}

// ---- one run

// Equity after a trade, in units of the ledger. exact: what compounding carries on, unrounded. False: it does not fit.
static bool equity_next(bool compound, const struct montecarlo_trade *t, int64_t *equity, double *exact) {
  if (!compound) return add_checked(*equity, t->pnl_e8, equity);
  *exact *= t->growth;
  if (!(fabs(*exact) < 9e18)) return false;
  *equity = (int64_t)(*exact + (*exact < 0 ? -0.5 : 0.5));
  return true;
}

static bool walk(const struct course *c, struct montecarlo_run *ret) {
  const bool compound = c->o->compound;
  int64_t equity = c->s->start_e8, peak = equity, streak = 0;
  double exact = (double)equity, deepest = 0;
  *ret = (struct montecarlo_run){0};
  for (size_t i = 0; i < c->s->count && !ret->ruined; i++) {
    const struct montecarlo_trade *t = &c->s->trades[c->order[i]];
    if (!equity_next(compound, t, &equity, &exact)) return false;
    streak = t->pnl_e8 < 0 ? streak + 1 : 0;
    if (streak > ret->streak) ret->streak = streak;
    if (equity >= peak) {
      peak = equity;
    } else {
      const double depth = (double)((int128)peak - equity) / (double)peak;
      if (depth > deepest) deepest = depth;
    }
    ret->ruined = equity <= 0;
  }
  ret->end_e8 = equity;
  ret->drawdown_pct = 100 * deepest;
  return true;
}

enum status montecarlo_growth(struct montecarlo_source *s, struct err *err) {
  int64_t *closed = malloc((s->count + 1) * sizeof *closed);  // equity after so many trades
  if (!closed) return err_set(err, ERR_NOMEM, "out of memory");
  enum status st = OK;
  closed[0] = s->start_e8;
  for (size_t i = 0; i < s->count && st == OK; i++) {
    struct montecarlo_trade *t = &s->trades[i];
    size_t low = 0, high = i;  // how many before it were closed when it was entered
    while (low < high) {
      const size_t mid = low + (high - low) / 2;
      if (s->trades[mid].exit_ms <= t->entry_ms) low = mid + 1;
      else high = mid;
    }
    t->growth = 1 + (double)t->pnl_e8 / (double)closed[low];
    if (closed[low] <= 0)
      st = err_set(err, ERR_INVALID, "trades[%zu] was entered when the trades before it had left no equity, so it has no return: leave --compound out", i);
    else if (!add_checked(closed[i], t->pnl_e8, &closed[i + 1]))
      st = err_set(err, ERR_RANGE, "trades[%zu]: the equity after it does not fit into the ledger", i);
  }
  free(closed);
  return st;
}

// ---- all of them

static int int_cmp(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}
static int real_cmp(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void count_run(const struct course *c, const struct montecarlo_run *r, struct montecarlo *m) {
  m->ends_e8[m->runs] = r->end_e8;
  m->streaks[m->runs] = r->streak;
  m->drawdowns_pct[m->runs] = r->drawdown_pct;
  m->runs++;
  m->losses += r->end_e8 < c->s->start_e8;
  m->ruins += r->ruined;
  for (size_t i = 0; i < c->o->limit_count; i++) m->above[i] += r->drawdown_pct > (double)c->o->limits_e4[i] / 1e4;
}

static enum status run_all(struct course *c, const struct montecarlo_watch *watch, struct montecarlo *m, struct err *err) {
  struct montecarlo_run r;
  bool fits;
  order_as_it_was(c);
  fits = walk(c, &m->real);
  for (size_t i = 0; i < c->o->runs && fits; i++) {
    m->stopped = i && watch && !watch->go_on(watch->self, i, c->o->runs);
    if (m->stopped) break;
    if (c->o->method == MONTECARLO_SHUFFLE) order_shuffle(c);
    else order_bootstrap(c);
    fits = walk(c, &r);
    // A product does not depend on its order; what rounding makes of that is no difference between runs.
    if (c->o->method == MONTECARLO_SHUFFLE && c->o->compound && !r.ruined && !m->real.ruined) r.end_e8 = m->real.end_e8;
    if (fits) count_run(c, &r, m);
  }
  if (!fits) return err_set(err, ERR_RANGE, "trades drawn again make more money than the ledger can hold (92 billion): the amounts in the file are too large");
  return OK;
}

static void sum_up(struct montecarlo *m) {
  int128 sum = 0;
  for (size_t i = 0; i < m->runs; i++) sum += m->ends_e8[i];
  m->mean_end_e8 = (int64_t)div_round(sum, (int128)m->runs);
  qsort(m->ends_e8, m->runs, sizeof *m->ends_e8, int_cmp);
  qsort(m->streaks, m->runs, sizeof *m->streaks, int_cmp);
  qsort(m->drawdowns_pct, m->runs, sizeof *m->drawdowns_pct, real_cmp);
}

enum status montecarlo(const struct montecarlo_source *s, const struct montecarlo_options *o, const struct montecarlo_watch *watch,
                       struct montecarlo *ret, struct err *err) {
  *ret = (struct montecarlo){0};
  if (o->block == 0 || (o->block > 1 && o->block > s->count / 2))
    return err_set(err, ERR_INVALID, "blocks of %zu: at most half of the %zu trades, or there is nothing to choose from", o->block, s->count);
  struct course c = {.s = s, .o = o, .rng = o->seed, .block_count = (s->count + o->block - 1) / o->block};
  c.order = malloc(s->count * sizeof *c.order);
  c.blocks = malloc(c.block_count * sizeof *c.blocks);
  ret->ends_e8 = malloc(o->runs * sizeof *ret->ends_e8);
  ret->streaks = malloc(o->runs * sizeof *ret->streaks);
  ret->drawdowns_pct = malloc(o->runs * sizeof *ret->drawdowns_pct);
  enum status st = c.order && c.blocks && ret->ends_e8 && ret->streaks && ret->drawdowns_pct ? OK : err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) {
    for (size_t b = 0; b < c.block_count; b++) c.blocks[b] = (uint32_t)(b * o->block);
    st = run_all(&c, watch, ret, err);
  }
  if (st == OK) sum_up(ret);
  else montecarlo_finish(ret);
  free(c.order);
  free(c.blocks);
  return st;
}

// ---- what can be asked of many numbers

int64_t montecarlo_quantile(const int64_t *v, size_t count, int percent) {
  const size_t at = (count - 1) * (size_t)percent, k = at / 100, part = at % 100;
  if (part == 0) return v[k];
  return (int64_t)(v[k] + div_round(((int128)v[k + 1] - v[k]) * (int128)part, 100));
}

double montecarlo_quantile_real(const double *v, size_t count, int percent) {
  const size_t at = (count - 1) * (size_t)percent, k = at / 100, part = at % 100;
  return part == 0 ? v[k] : v[k] + (v[k + 1] - v[k]) * ((double)part / 100);
}

static double place_of(size_t below, size_t equal, size_t count) {
  return equal == count ? NAN : 100 * ((double)below + (double)equal / 2) / (double)count;
}
double montecarlo_place(const int64_t *v, size_t count, int64_t value) {
  size_t below = 0, equal = 0;
  for (size_t i = 0; i < count; i++) below += v[i] < value, equal += v[i] == value;
  return place_of(below, equal, count);
}
double montecarlo_place_real(const double *v, size_t count, double value) {
  size_t below = 0, equal = 0;
  for (size_t i = 0; i < count; i++) below += v[i] < value, equal += v[i] == value;
  return place_of(below, equal, count);
}

double montecarlo_return_pct(const struct montecarlo_source *s, int64_t end_e8) {
  return 100 * (double)((int128)end_e8 - s->start_e8) / (double)s->start_e8;
}
