// backtest/optimize_run.h – runs of a search in this process: history is loaded once, a run differs by parameters and span only.
#pragma once
#include "backtest/backtest.h"
#include "backtest/optimize.h"

struct optimize_bench {
  struct backtest_config *config;  // borrowed; its values, spec and watchdog too. Runs are made on a single path
  const struct space *space;       // borrowed
  struct backtest_data data;
  struct script_plan plan;         // what data was loaded for
  bool loaded;
  int64_t *times_ns;               // of optimize_bench_times
  struct param_value values[SPEC_PARAMS_MAX];
  // Asked between runs and every few dozen bars; false stops. May be NULL.
  bool (*go_on)(void *self);
  void *self;
  int64_t began_cpu_ns, soft_cpu_ns;  // CPU time of this thread after which a search ends with what it has; a fifth more for the last looks; 0: none
};
// Loads the history of the config's own values. Warnings go to warn, which may be NULL. Big: not on the stack.
enum status optimize_bench_open(struct optimize_bench *b, struct backtest_config *config, const struct space *space, struct result *warn, struct err *err) MUST_CHECK;
void optimize_bench_close(struct optimize_bench *b);
// When the main bars open that may be traded; freed with the bench.
const int64_t *optimize_bench_times(struct optimize_bench *b, size_t *ret_bars);

// ERR_CANCELLED: go_on said stop; ERR_NOMEM. What a script does wrong is in ret.
enum status optimize_bench_run(struct optimize_bench *b, const struct optimize_ask *ask, struct optimize_outcome *ret, struct err *err) MUST_CHECK;
// The same for struct optimize_runner, one after the other; self is the bench.
enum status optimize_bench_run_all(void *self, const struct optimize_ask *asks, size_t count, struct optimize_outcome *ret, struct err *err) MUST_CHECK;
