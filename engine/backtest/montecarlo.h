// backtest/montecarlo.h – what else could have happened: a finished run's closed trades in another order, or drawn again, many times.
//
// Model. The account begins with the run's cash; each trade changes it by its pnl (money is added in units of the ledger), or with compound
// by its return on the equity at its entry. Drawdown, return and streaks are those of stat_list.h, over this equity of closed trades: what an
// open position had won or lost on its way is not seen, nor are funding and swap, which belong to no trade. An account that is at zero or below
// stops there. Trades are taken as independent of each other, but for those that a block keeps together. The same file, options and seed
// give the same numbers everywhere, and the first runs of many are those of few. Pure.
#pragma once
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MONTECARLO_FILE_BYTES_MAX ((size_t)256 << 20)
#define MONTECARLO_TRADES_MAX 1000000
#define MONTECARLO_RUNS_MIN 100
#define MONTECARLO_RUNS_MAX 1000000
#define MONTECARLO_LIMITS_MAX 16
#define MONTECARLO_TRADES_FEW 30  // below it the answer says little

// X(id, text): shuffle takes each trade once; bootstrap draws with replacement, as many as there were.
#define MONTECARLO_METHOD_LIST(X) X(MONTECARLO_BOOTSTRAP, "bootstrap") X(MONTECARLO_SHUFFLE, "shuffle")
enum montecarlo_method {
#define X(id, text) id,
  MONTECARLO_METHOD_LIST(X)
#undef X
  MONTECARLO_METHODS
};
const char *montecarlo_method_text(enum montecarlo_method m);
bool montecarlo_method_parse(const char *text, enum montecarlo_method *ret);

struct montecarlo_trade {
  int64_t pnl_e8;             // net of fees
  int64_t entry_ms, exit_ms;
  double growth;              // equity after it / equity at its entry; montecarlo_growth()
};

// A finished run, as far as it matters here.
struct montecarlo_source {
  char *script;               // its name; "" if the file has none
  int64_t start_e8;           // above 0
  struct montecarlo_trade *trades;  // in the order of their exits
  size_t count;               // 1 … MONTECARLO_TRADES_MAX
  int64_t final_e8;           // as the run itself ended, open positions, funding and swap with it
  double drawdown_pct;        // at full resolution, open profit with it; NaN: the file does not tell
  bool interrupted;           // the run stopped early
};
// Reads what `perigee backtest --json` wrote; nothing in it is believed. ERR_INVALID names the place and how to mend it, ERR_LIMIT the limit.
enum status montecarlo_read(const char *text, size_t len, struct montecarlo_source *ret, struct err *err) MUST_CHECK;
// Each trade's growth on the equity that the trades closed before its entry had left. ERR_INVALID: there was none left for one.
enum status montecarlo_growth(struct montecarlo_source *s, struct err *err) MUST_CHECK;
void montecarlo_source_finish(struct montecarlo_source *s);

struct montecarlo_options {
  enum montecarlo_method method;
  bool compound;              // needs montecarlo_growth()
  size_t runs;                // 1 … MONTECARLO_RUNS_MAX
  size_t block;               // trades that stay together; 1: each by itself; at most half of the trades
  uint64_t seed;
  int64_t limits_e4[MONTECARLO_LIMITS_MAX];  // drawdowns that are asked for, in 1e-4 percent
  size_t limit_count;
};

struct montecarlo_run {
  int64_t end_e8;
  double drawdown_pct;
  int64_t streak;             // longest of trades with pnl < 0
  bool ruined;                // was at zero or below
};

struct montecarlo {
  struct montecarlo_run real; // the trades in the order in which they came, by the same model
  size_t runs;                // that were made; fewer than asked for when stopped
  bool stopped;
  int64_t *ends_e8, *streaks; // of all runs, each ascending
  double *drawdowns_pct;
  int64_t mean_end_e8;
  size_t losses;              // runs that ended below the start
  size_t ruins;
  size_t above[MONTECARLO_LIMITS_MAX];  // runs with a deeper drawdown, per limit
};

// Asked before each run but the first: false stops, what is done stays. done: runs so far.
struct montecarlo_watch {
  bool (*go_on)(void *self, size_t done, size_t total);
  void *self;
};
// watch may be NULL. ERR_INVALID: a block that is too long; ERR_RANGE: equity that does not fit into the ledger.
enum status montecarlo(const struct montecarlo_source *s, const struct montecarlo_options *o, const struct montecarlo_watch *watch,
                       struct montecarlo *ret, struct err *err) MUST_CHECK;
void montecarlo_finish(struct montecarlo *m);

// The quantile at percent (0 … 100) of ascending values, linear between two, integers to the nearest. count > 0.
int64_t montecarlo_quantile(const int64_t *v, size_t count, int percent);
double montecarlo_quantile_real(const double *v, size_t count, int percent);
// How many percent of ascending values are below it, those equal to it counted half; NaN when all are.
double montecarlo_place(const int64_t *v, size_t count, int64_t value);
double montecarlo_place_real(const double *v, size_t count, double value);
// Return in percent of what ends at end_e8.
double montecarlo_return_pct(const struct montecarlo_source *s, int64_t end_e8);

// What is to be known besides the numbers, a sentence each.
typedef void (*montecarlo_tell)(void *self, const char *text);
void montecarlo_warnings(const struct montecarlo_source *s, const struct montecarlo_options *o, const struct montecarlo *m, montecarlo_tell tell, void *self);
// As JSON: amounts as text, shares of runs as probabilities 0 … 1.
void montecarlo_json(const struct montecarlo_source *s, const struct montecarlo_options *o, const struct montecarlo *m, struct buf *out);
// A table for a terminal, and what it means in words. name: of the file that was read.
void montecarlo_print(const char *name, const struct montecarlo_source *s, const struct montecarlo_options *o, const struct montecarlo *m, FILE *out);
