// backtest/optimize.h – a search for parameters, and what a quant asks of its winner: does it hold on history that the search did not
// see, do its neighbours do as well, does choosing again and again as time goes on (walk-forward) earn anything?
//
// Pure of processes: runs are made by whoever calls, one after the other (optimize_run.h) or by several workers, always with the same
// result, since the order of points does not depend on it.
#pragma once
#include "backtest/search.h"
#include "backtest/stat_list.h"

#define OPTIMIZE_RULES_MAX 8
#define OPTIMIZE_FOLDS_MAX 50
#define OPTIMIZE_UNSEEN_MAX 90
#define OPTIMIZE_TOP 20        // so many of the best are run out of sample
#define OPTIMIZE_PEAKS 10      // and so many have their neighbours looked at

// "trades>=30": what a run must keep to count.
struct optimize_rule {
  const struct stat_info *stat;
  bool at_least;  // else at most
  double bound;   // money: in the currency
};

struct optimize_options {
  struct space space;
  enum search_method method;
  size_t trials;
  uint64_t seed;
  const struct stat_info *objective;
  bool minimise;
  struct optimize_rule rules[OPTIMIZE_RULES_MAX];
  int rule_count;
  int out_of_sample_pct; // of the bars, the newest, that the search does not see; 0 … OPTIMIZE_UNSEEN_MAX
  int folds;             // walk-forward: so many steps; 0: none
  bool anchored;         // walk-forward begins at the first bar in every step, rather than with a window that moves
};
// grid, 1000 trials, the Sharpe ratio, a quarter out of sample.
void optimize_options_init(struct optimize_options *o, const struct script_spec *spec);
// "sharpe", "max:sharpe", "min:max_drawdown_pct". Without a direction drawdowns, volatility and costs are to be small, all else large.
enum status optimize_objective_parse(const char *text, struct optimize_options *o, struct err *err) MUST_CHECK;
// "trades>=30", "max_drawdown_pct<=25"; added to the others.
enum status optimize_rule_parse(const char *text, struct optimize_options *o, struct err *err) MUST_CHECK;
// A statistic as a number; money in the currency. False when undefined.
bool optimize_stat(const struct stats *s, const struct stat_info *i, double *ret);

// ---- runs

struct span {
  int64_t from_ns, to_ns;  // main bars that open in [from, to)
  size_t bars;
};
struct optimize_ask {
  struct point point;
  struct span span;
};
enum run_state { RUN_OPEN, RUN_DONE, RUN_REFUSED, RUN_FAILED };  // refused: by the header's check; open: not run, since all was stopped
struct optimize_outcome {
  enum run_state state;
  struct stats stats;  // done
  char why[200];       // refused, failed
};
struct optimize_runner {
  // Runs all of them, in any order. ERR_CANCELLED, ERR_BUDGET: stopped (by somebody, or its time was used up), some are open; what was
  // found until then is kept. Other errors end everything.
  enum status (*run)(void *self, const struct optimize_ask *asks, size_t count, struct optimize_outcome *ret, struct err *err);
  void (*progress)(void *self, size_t done, size_t total);  // runs; may be NULL
  void *self;
};

// ---- what came of it

struct trial {
  struct point point;
  struct optimize_outcome in, out;  // out: open when it was not among the best
  double score;                     // more is better, -INFINITY: undefined or broke a rule
  bool accepted;                    // done, the objective is defined, and every rule kept
  int neighbours;                   // points a step away that have a figure; 0: none, or not looked at
  double neighbours_mean, neighbours_worst;  // their objective
};
struct fold {
  struct span train, test;
  bool found;            // a run of the training was accepted
  struct point point;
  struct stats train_stats, test_stats;
  bool tested;
};
struct optimum {
  struct span all, search, unseen;  // unseen.bars 0: none
  struct trial *trials;             // best first: accepted, then those that broke a rule, then failed
  size_t trial_count, accepted, failed, refused, runs, planned;
  char first_failure[200];
  struct fold folds[OPTIMIZE_FOLDS_MAX];
  int fold_count;                   // of these done
  const char *stopped;              // NULL: it went to its end; "cancelled", "time"
};

// times_ns: when the main bars that may be traded open, rising. ERR_INVALID: too few bars for what is asked, a grid that is too
// large, or no run could be made, with the reason. Finish ret in any case.
enum status optimize(const struct optimize_options *o, const int64_t *times_ns, size_t bars, const struct optimize_runner *runner, struct optimum *ret, struct err *err) MUST_CHECK;
void optimum_finish(struct optimum *r);

// Growth of the money that walk-forward's choices would have made, one after the other, in percent; false: no fold was tested.
bool optimum_walk_return_pct(const struct optimum *r, double *ret);
// The Sharpe that the best of so many trials would show if none had any skill, from how much they differ (the expected maximum of
// as many normal draws); false for fewer than two trials with one, or a single value.
bool optimum_luck_sharpe(const struct optimum *r, double *ret);
