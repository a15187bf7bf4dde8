// backtest/backtest.c – a whole backtest: the walk asked for, then the other two path modes for the uncertainty, statistics.
#include "backtest/backtest.h"

#include "backtest/stats.h"
#include "loop/clock.h"

#include <string.h>

static void result_market(const struct backtest_data *d, struct result *r) {
  const struct series *m = d->streams[0];
  r->bars = m->bars + d->main_from;
  r->bar_count = d->main_to - d->main_from;
  r->main_symbol = d->stream_symbols[0];
  r->timeframe_ns = m->timeframe_ns;
  r->calendar = stats_has_calendar(m->bars, m->count, m->timeframe_ns);
}

// Statistics of another path; everything else of that run is thrown away.
static enum status other_path(const struct backtest_config *c, const struct backtest_data *d, enum path_mode path, struct stats *ret, struct err *err) {
  struct result other;
  result_init(&other);
  result_market(d, &other);
  other.cash_start = c->match.deposit;
  bool matters;
  enum status st = backtest_walk(c, d, path, &other, &matters, err);
  if (st == OK) st = stats_compute(&other, err);
  if (st == OK) *ret = other.stats;
  result_finish(&other);
  return st;
}

enum status backtest_run(const struct backtest_config *c, struct backtest_data *d, struct result *r, struct err *err) {
  static const enum result_path of_mode[] = {[PATH_NEARER] = RESULT_NEARER, [PATH_ADVERSE] = RESULT_ADVERSE, [PATH_FAVOURABLE] = RESULT_FAVOURABLE};
  result_market(d, r);
  r->cash_start = c->match.deposit;
  bool path_matters = false;
  int64_t begin_ns = clock_monotonic_ns();
  enum status st = backtest_walk(c, d, c->match.path, r, &path_matters, err);
  r->seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
  r->bars_per_second = r->seconds > 0 ? (double)r->equity_count / r->seconds : 0;
  if (st != OK) r->interrupted = true;
  struct err inner;
  enum status computed = stats_compute(r, st == OK ? err : &inner);
  if (st == OK) st = computed;
  if (st != OK) return st;
  for (int mode = PATH_NEARER; mode <= PATH_FAVOURABLE; mode++) {
    enum result_path p = of_mode[mode];
    r->paths[p] = r->stats;
    r->path_given[p] = true;
    if (mode == (int)c->match.path || !path_matters || fill_model_compat(c->match.model)) continue;
    r->path_given[p] = !c->single_path;
    if (c->single_path) continue;
    st = other_path(c, d, (enum path_mode)mode, &r->paths[p], err);
    if (st == ERR_CANCELLED || st == ERR_NOMEM) return err_wrap(err, st, "path %s", path_mode_text((enum path_mode)mode));
    if (st == OK) continue;
    r->path_given[p] = false;  // the run that was asked for stands
    if (!result_warning_add(r, "the script fails under the path %s: %s", path_mode_text((enum path_mode)mode), err->msg)) return ERR_NOMEM;
  }
  return OK;
}
