// backtest/verdict_run.h – private to verdict*.c: data sets, one probing run, and comparing the fills of two.
#pragma once
#include "backtest/verdict.h"

// History for all streams of a script, in memory. Bars are borrowed unless owned.
struct probe_data {
  struct series series[BACKTEST_FILES_MAX];
  char streams[BACKTEST_FILES_MAX][SPEC_NAME_MAX];  // "": not named
  char labels[BACKTEST_FILES_MAX][96];
  int count, main;
  bool owned;
};
void probe_data_finish(struct probe_data *d);

// A seeded random walk with calm and wild spells for every symbol of the plan: at least `main_bars` bars of main. *ret needs no init.
enum status probe_data_sample(const struct script_plan *plan, size_t main_bars, struct probe_data *ret, struct err *err) MUST_CHECK;
// The config's series, main cut to its newest main_bars. Borrowed.
void probe_data_take(const struct backtest_config *c, size_t main_bars, struct probe_data *ret);
// Bars that are complete by t_ns (ret borrows d's).
void probe_data_cut(const struct probe_data *d, int64_t t_ns, struct probe_data *ret);
// Without the bars that open before t_ns.
void probe_data_skip(const struct probe_data *d, int64_t t_ns, struct probe_data *ret);
// All times moved (ret owns its bars).
enum status probe_data_shift(const struct probe_data *d, int64_t by_ns, struct probe_data *ret, struct err *err) MUST_CHECK;

struct probe_fill {
  int64_t time_ns, lots, ticks;
  int symbol;
  int side;
};
struct probe_run {
  enum status st;
  struct err err;
  char hash[65];
  struct probe_fill *fills;
  size_t fill_count;
  struct stats stats;
  size_t bars, exposed, denied, log_errors;
  char worst_denial[40];
  bool warm;  // the script was called at all
};
void probe_run_finish(struct probe_run *r);
// One walk over d under c (its files are not looked at). The script's failure is in ret->st; the function itself fails only
// with ERR_NOMEM and ERR_CANCELLED, or when the data do not fit the script (ERR_INVALID).
enum status probe_run(const struct backtest_config *c, const struct probe_data *d, struct probe_run *ret, struct err *err) MUST_CHECK;

// Are the fills before t_ns (INT64_MAX: all) the same in both? If not *ret_first is the time of the first difference.
bool probe_fills_equal(const struct probe_run *a, const struct probe_run *b, int64_t t_ns, int64_t *ret_first);
// Share of a's fills from t_ns on that b has too, by_ns later (same symbol and side; size and price too when exact). 1 when a has none there
// and b neither.
double probe_fills_share(const struct probe_run *a, const struct probe_run *b, int64_t t_ns, int64_t by_ns, bool exact);

// Bars of main that the plan's indicators and the header's warm-up take before the first call, in the worst case.
size_t probe_warmup_bars(const struct script_spec *spec, const struct script_plan *plan, int64_t main_timeframe_ns);
