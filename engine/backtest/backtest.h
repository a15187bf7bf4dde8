// backtest/backtest.h – the bot's pipeline on a virtual clock over history.
//
// data.c loads files and gives each stream of the script its series; run.c walks time once under one path mode; backtest.c
// runs the walk, repeats it under the other path modes where the path can matter, and computes the statistics.
#pragma once
#include "backtest/result.h"
#include "bot/bot.h"
#include "market/csv.h"
#include "market/funding.h"
#include "market/signals.h"
#include "market/terms.h"

#define BACKTEST_FILES_MAX 64

struct backtest_file {
  const char *stream;           // NULL: not named; the first such is main
  const char *path;             // of a CSV file; beside series, what messages call it
  const struct series *series;  // not NULL: these bars in memory instead of a file; borrowed, outlives the data
};

// A file's text in memory instead of its path; bytes NULL: there is none. Borrowed.
struct backtest_text {
  const char *bytes;
  size_t len;
};

// Everything a run is made of, as the command line gives it. Strings are borrowed.
struct backtest_config {
  const char *script_path, *source;
  size_t source_len;
  const struct script_spec *spec;
  const struct param_value *values;
  struct backtest_file files[BACKTEST_FILES_MAX];
  int file_count;
  struct csv_options csv;              // symbol, timeframe, tick, lot … for files that do not tell
  const char *funding_path, *detail_path, *mark_path, *signals_path, *terms_path;
  struct backtest_text funding, signals, terms;   // instead of the paths
  struct backtest_text rules;          // a prop firm's rule set as JSON (judge.h); not with terms or swaps
  const struct news_list *news;        // of those rules; borrowed, may be NULL
  const struct series *detail_series, *mark_series;  // likewise; borrowed, outlive the data
  struct match_config match;           // deposit, model, path, participation, latency
  struct match_fees fees;
  struct match_costs costs;
  struct decimal spread;               // price units; digits 0: none
  struct decimal margin_per_unit;      // compat-backtrader futures; digits 0: none
  int64_t leverage_e4, maintenance_frac_e8;
  int swap_triple_weekday;             // 0 Monday … 6 Sunday
  bool finalize;                       // compat-backtesting: close what is open at the last open
  bool single_path;                    // do not repeat under the other path modes
  int64_t from_ns, to_ns;              // bars opening in [from, to) are traded; INT64_MIN and INT64_MAX: all
  int warmup;                          // extra bars of main before the first call
  struct vm_limits limits;             // seed among them
  struct risk_limits risk;
  struct watchdog *watchdog;
  // Called every few dozen bars; false stops the run. done and total count main bars. May be NULL.
  bool (*progress)(void *self, size_t done, size_t total);
  void *progress_self;
};
void backtest_config_init(struct backtest_config *c);

// Loaded history: who feeds whom.
struct backtest_feed {
  struct series series;
  bool owned;        // the bars are this feed's to free
  const char *path;  // NULL: aggregated
};
struct backtest_data {
  struct backtest_feed feeds[BACKTEST_FILES_MAX + SPEC_STREAMS_MAX];
  int feed_count;
  const struct series *streams[SPEC_STREAMS_MAX];   // per stream of the script
  int stream_symbols[SPEC_STREAMS_MAX];             // index in symbols
  struct {
    const struct series *exec;    // finest series: what orders meet
    const struct series *detail;  // finer bars inside exec's, or NULL
    const struct series *mark;    // mark prices for liquidation and funding, or NULL
  } symbols[SPEC_STREAMS_MAX];    // sorted by symbol name
  int symbol_count;
  struct series detail, mark;
  struct funding_list funding;
  struct signal_list signals;
  struct terms_list terms;        // of the main symbol
  size_t main_from, main_to;      // main bars [from, to) are traded
};
enum status backtest_data_load(const struct backtest_config *c, struct backtest_data *ret, struct result *r, struct err *err) MUST_CHECK;
void backtest_data_finish(struct backtest_data *d);

// One walk. Fills r's fills, trades, equity, open, hash, logs … ERR_SCRIPT, ERR_BUDGET: r holds what was done until then;
// ERR_CANCELLED: progress said stop, likewise. *ret_path_matters: some order or position could depend on the path mode.
enum status backtest_walk(const struct backtest_config *c, const struct backtest_data *d, enum path_mode path, struct result *r,
                          bool *ret_path_matters, struct err *err) MUST_CHECK;

// All of it: load, walk, other paths, statistics. data must outlive r (bars are borrowed from it).
enum status backtest_run(const struct backtest_config *c, struct backtest_data *data, struct result *r, struct err *err) MUST_CHECK;
