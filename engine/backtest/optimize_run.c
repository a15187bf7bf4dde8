#include "backtest/optimize_run.h"

#include "backtest/stats.h"
#include "loop/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Are the streams the same, so that the history that is loaded serves?
static bool same_streams(const struct script_plan *a, const struct script_plan *b) {
  if (a->stream_count != b->stream_count) return false;
  for (int i = 0; i < a->stream_count; i++)
    if (a->streams[i].timeframe_ns != b->streams[i].timeframe_ns || strcmp(a->streams[i].symbol, b->streams[i].symbol) != 0 || strcmp(a->streams[i].name, b->streams[i].name) != 0)
      return false;
  return true;
}

// History for the config's values as they are now: again only if they name other streams.
static enum status load(struct optimize_bench *b, struct result *warn, struct err *err) {
  struct script_plan plan;
  enum status st = script_plan_make(b->config->spec, b->config->values, &plan, err);
  if (st != OK || (b->loaded && same_streams(&plan, &b->plan))) return st;
  if (b->loaded) backtest_data_finish(&b->data);
  b->loaded = false;
  struct result scratch;
  result_init(&scratch);
  st = backtest_data_load(b->config, &b->data, warn ? warn : &scratch, err);
  result_finish(&scratch);
  b->loaded = st == OK;
  b->plan = plan;
  return st;
}

enum status optimize_bench_open(struct optimize_bench *b, struct backtest_config *config, const struct space *space, struct result *warn, struct err *err) {
  memset(b, 0, sizeof *b);
  b->config = config;
  b->space = space;
  b->began_cpu_ns = clock_thread_cpu_ns();
  return load(b, warn, err);
}

void optimize_bench_close(struct optimize_bench *b) {
  if (b->loaded) backtest_data_finish(&b->data);
  free(b->times_ns);
  memset(b, 0, sizeof *b);
}

const int64_t *optimize_bench_times(struct optimize_bench *b, size_t *ret_bars) {
  const struct backtest_data *d = &b->data;
  *ret_bars = d->main_to - d->main_from;
  free(b->times_ns);
  b->times_ns = malloc((*ret_bars + 1) * sizeof *b->times_ns);
  for (size_t i = 0; b->times_ns && i < *ret_bars; i++) b->times_ns[i] = d->streams[0]->bars[d->main_from + i].open_ns;
  return b->times_ns;
}

static size_t first_at(const struct series *s, int64_t t_ns) {
  size_t lo = 0, hi = s->count;
  while (lo < hi) {
    const size_t mid = lo + (hi - lo) / 2;
    if (s->bars[mid].open_ns < t_ns) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

static bool keep_on(void *self, size_t done, size_t total) {
  const struct optimize_bench *b = self;
  (void)done, (void)total;
  return !b->go_on || b->go_on(b->self);
}

static enum status walk(struct optimize_bench *b, const struct optimize_ask *ask, struct optimize_outcome *ret, struct err *err) {
  struct backtest_data *d = &b->data;
  const struct series *main = d->streams[0];
  struct backtest_config *c = b->config;
  const size_t from = d->main_from, to = d->main_to;
  const int64_t from_ns = c->from_ns, to_ns = c->to_ns;
  struct result r;
  d->main_from = first_at(main, ask->span.from_ns);
  d->main_to = first_at(main, ask->span.to_ns);
  c->from_ns = ask->span.from_ns;  // before it nothing is traded, and indicators warm up
  c->to_ns = ask->span.to_ns;
  enum status st = d->main_from < d->main_to ? OK : err_set(err, ERR_INVALID, "no bar of %s lies in the span", main->inst.symbol);
  result_init(&r);
  if (st == OK) st = backtest_run(c, d, &r, err);
  ret->stats = r.stats;
  result_finish(&r);
  d->main_from = from;
  d->main_to = to;
  c->from_ns = from_ns;
  c->to_ns = to_ns;
  return st;
}

enum status optimize_bench_run(struct optimize_bench *b, const struct optimize_ask *ask, struct optimize_outcome *ret, struct err *err) {
  struct backtest_config *c = b->config;
  const struct param_value *base = c->values;
  const bool single_path = c->single_path;
  double max_notional;
  memcpy(b->values, base, (size_t)c->spec->param_count * sizeof *base);
  space_apply(b->space, &ask->point, b->values);
  c->values = b->values;
  c->single_path = true;
  c->progress = keep_on;
  c->progress_self = b;
  enum status st = script_check_params(c->script_path, c->source, c->source_len, c->spec, c->values, c->watchdog, &max_notional, err);
  if (st == OK) {
    st = load(b, NULL, err);
    if (st == OK) st = walk(b, ask, ret, err);
    ret->state = st == OK ? RUN_DONE : RUN_FAILED;
  } else {
    ret->state = RUN_REFUSED;
  }
  c->values = base;
  c->single_path = single_path;
  if (st == ERR_CANCELLED || st == ERR_NOMEM) {
    ret->state = RUN_OPEN;
    return st;
  }
  if (st != OK) snprintf(ret->why, sizeof ret->why, "%.199s", err->msg);
  return OK;
}

enum status optimize_bench_run_all(void *self, const struct optimize_ask *asks, size_t count, struct optimize_outcome *ret, struct err *err) {
  struct optimize_bench *b = self;
  enum status st = OK;
  for (size_t i = 0; st == OK && i < count; i++) {
    if (b->go_on && !b->go_on(b->self)) return err_set(err, ERR_CANCELLED, "cancelled");
    if (b->soft_cpu_ns && clock_thread_cpu_ns() - b->began_cpu_ns > b->soft_cpu_ns) {
      b->soft_cpu_ns += b->soft_cpu_ns / 5;  // for the look at what was found
      return err_set(err, ERR_BUDGET, "its computing time is used up");
    }
    st = optimize_bench_run(b, &asks[i], &ret[i], err);
  }
  return st;
}
