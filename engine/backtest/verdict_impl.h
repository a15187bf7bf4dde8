// backtest/verdict_impl.h – private to verdict*.c: a verdict that is being made.
#pragma once
#include "backtest/verdict_run.h"

enum check { CHECK_DESCRIBE, CHECK_LINT, CHECK_RUN, CHECK_DETERMINISM, CHECK_LOOKAHEAD, CHECK_WARMUP, CHECK_START, CHECK_CALENDAR, CHECK_PATHS, CHECK_COSTS, CHECK_COUNT };

struct verdict {
  const struct verdict_options *o;
  struct backtest_config config;
  struct script_spec *spec;
  struct param_value values[SPEC_PARAMS_MAX];
  struct script_plan plan;
  double max_notional;  // with these parameters; NaN: the script does not tell
  struct probe_data data;
  bool real;
  int64_t main_ns;
  size_t main_bars;     // wanted
  size_t warmup_bars;   // of main, before the first call
  int64_t trade_ns;     // main bars opening from here on are traded in every run
  struct probe_run base;
  bool have_base;
  unsigned again;       // runs that were stopped at a budget and tried once more
  struct {
    enum verdict_status status;
    char reason[600];
  } checks[CHECK_COUNT];
  // figures
  double paths_pct[3], costs_pct;
  bool have_paths, have_costs;
};

void verdict_say(struct verdict *v, enum check c, enum verdict_status s, const char *fmt, ...) PRINTF(4, 5);
// One walk under v's config, or what the options put in its place. One that ends at a budget is walked once more.
enum status verdict_run(struct verdict *v, const struct probe_data *d, struct probe_run *ret, struct err *err) MUST_CHECK;

// verdict_checks.c: each says what it found; an error only when it could not be tried. After a first run that was good, in this order.
#define VERDICT_CHECKS 7
extern enum status (*const verdict_checks[VERDICT_CHECKS])(struct verdict *v, struct err *err);
void verdict_check_lint(struct verdict *v);
