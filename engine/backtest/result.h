// backtest/result.h – what a finished run hands to statistics, JSON, CSV, the terminal summary and the HTML report.
//
// Plain data. The driver fills it through the result_…_add functions below (they copy texts, and keep within the limits),
// calls stats_compute(), then the writers. Nothing here computes or formats.
#pragma once
#include "base/status.h"
#include "backtest/stat_list.h"
#include "market/bar.h"
#include "market/instrument.h"
#include "order/order.h"
#include "order/reason.h"
#include "order/trade.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Beyond these, further items are counted in .dropped and the result says so; nothing a script does can grow it without bound.
#define RESULT_LOGS_MAX 10000
#define RESULT_MARKS_MAX 10000
#define RESULT_PLOTS_MAX 32
#define RESULT_PLOT_POINTS_MAX 2000000
#define RESULT_WARNINGS_MAX 1000
#define RESULT_TEXT_MAX 1000  // bytes of a log, mark or warning; longer ones are cut at a character's start

enum result_value_kind { RESULT_TEXT, RESULT_NUMBER, RESULT_BOOL };  // how JSON shows it: "x", 1.5, true
struct result_pair {
  char *key, *text;  // RESULT_NUMBER: a JSON number's text; RESULT_BOOL: "true" or "false"
  enum result_value_kind kind;
};
struct result_pairs {
  struct result_pair *items;
  size_t count, cap;
};

struct result_data {
  char *stream, *symbol;
  char *file;            // as the user named it; "" if none
  int64_t timeframe_ns;
  size_t bars, gaps;
  int64_t from_ns, to_ns;  // open of the first and of the last bar
};

// Equity marked at the close of a main bar; time_ns is that bar's open, as everywhere in the result.
struct result_equity {
  int64_t time_ns;
  int64_t equity_e8;
};

struct result_open {
  int symbol;
  enum leg leg;
  int64_t lots;       // signed
  double avg;         // average entry price
  price mark;
  cash unrealised;
  int64_t since_ns;
  uint64_t position_id;
};

struct result_denied {  // one per code
  enum reason code;
  int64_t first_ns;
  uint64_t count;
};

struct result_note {  // a log line or a mark on the chart
  int64_t time_ns;
  char *level;  // "info" …; "" for marks
  char *text;
};
struct result_notes {
  struct result_note *items;
  size_t count, cap, dropped;
};

struct result_plot {
  char *name;
  int64_t *time_ns;
  double *value;  // finite
  size_t count, cap, dropped;
};

// What a prop firm's rules (backtest/judge.h) made of the run.
struct result_rules {
  bool given;
  char name[64];
  uint64_t denied;         // orders; they are in result.denied too
  uint64_t interventions;  // times the core cancelled or closed by itself
  uint64_t ends;           // days that they ended, and the account's end
  int64_t ended_ns;        // the first of those; 0: none
  char why[200];
  bool stopped, failed;    // the account's soft level, or a fatal floor, was reached
  bool has_consistency;
  int64_t consistency_e8;  // best day as a fraction of all profit
};

enum result_path { RESULT_NEARER, RESULT_ADVERSE, RESULT_FAVOURABLE, RESULT_PATH_COUNT };
const char *result_path_text(enum result_path p);  // "nearer"

struct result {
  char *engine_version;
  char *script_name, *script_file, script_sha256[65];
  double max_notional;                 // worst case by the script's own words, with these parameters; if known
  bool max_notional_known;
  struct result_pairs params, config;  // config: the command line's names with underscores, "cash" "fee_maker" …
  struct result_data *data;            // the first is main
  size_t data_count, data_cap;

  struct instrument *symbols;          // by the symbol index of fills, trades and positions
  size_t symbol_count, symbol_cap;
  char **tags;                         // by tag id; see result_tag()
  size_t tag_count;

  struct fill *fills;
  size_t fill_count, fill_cap;
  struct trade *trades;                // in order of their exits
  size_t trade_count, trade_cap;
  struct result_open *open;
  size_t open_count, open_cap;
  struct result_rules rules;
  struct result_denied denied[REASON_COUNT];
  size_t denied_count;
  struct result_notes logs, marks;
  struct result_plot *plots;
  size_t plot_count, plot_cap, plots_dropped;
  char **warnings;
  size_t warning_count, warning_cap, warnings_dropped;

  // Full resolution: a point per main bar delivered. The driver may append in place through result_equity_add().
  struct result_equity *equity;
  size_t equity_count, equity_cap;
  size_t exposed;                      // of these, with a position open

  // The main series' bars that were delivered (after warm-up); BORROWED from the series, which must outlive the result.
  const struct bar *bars;
  size_t bar_count;
  int main_symbol;
  int64_t timeframe_ns;                // of main
  bool calendar;                       // the market closes (no weekend bars): years of 252 days; see stats_has_calendar()

  cash cash_start;
  cash funding, swap;                  // signed: positive was received
  struct stats stats;                  // of this run; by stats_compute()
  bool path_given[RESULT_PATH_COUNT];  // has paths[i] been run?
  struct stats paths[RESULT_PATH_COUNT];

  char hash[65];                       // SHA-256 in hex, or ""
  double seconds, bars_per_second, script_seconds;  // 0: not measured
  bool interrupted;                    // stopped early (Ctrl-C, script error): what was done so far
};

void result_init(struct result *r);
void result_finish(struct result *r);

// Room for so many points of the equity curve, so that a long run never moves it. False when memory ran out.
bool result_equity_reserve(struct result *r, size_t points) MUST_CHECK;
// A point of the equity curve. Times must rise. False when memory ran out.
static inline bool result_equity_add(struct result *r, int64_t time_ns, cash equity, bool exposed) {
  if (r->equity_count == r->equity_cap && !result_equity_reserve(r, r->equity_cap ? r->equity_cap * 2 : 4096)) return false;
  r->equity[r->equity_count++] = (struct result_equity){time_ns, equity.e8};
  r->exposed += exposed;
  return true;
}

// Replaces a text field (engine_version, script_name, script_file) with a copy: result_text_set(&r->script_name, "x").
bool result_text_set(char **field, const char *text) MUST_CHECK;
// All copy what they are given; false only when memory ran out.
bool result_pair_add(struct result_pairs *p, const char *key, const char *text, enum result_value_kind kind) MUST_CHECK;
bool result_data_add(struct result *r, const char *stream, const char *file, const struct series *s) MUST_CHECK;
bool result_symbol_add(struct result *r, const struct instrument *inst) MUST_CHECK;
bool result_tag_set(struct result *r, uint32_t tag, const char *text) MUST_CHECK;
bool result_fill_add(struct result *r, const struct fill *f) MUST_CHECK;
bool result_trade_add(struct result *r, const struct trade *t) MUST_CHECK;
bool result_open_add(struct result *r, const struct result_open *o) MUST_CHECK;
void result_denied_add(struct result *r, int64_t time_ns, enum reason code);
bool result_log_add(struct result *r, int64_t time_ns, const char *level, const char *text) MUST_CHECK;
bool result_mark_add(struct result *r, int64_t time_ns, const char *text) MUST_CHECK;
// A point of the plot called name (found or made). Values that are not finite are left out.
bool result_plot_add(struct result *r, const char *name, int64_t time_ns, double value) MUST_CHECK;
bool result_warning_add(struct result *r, const char *fmt, ...) PRINTF(2, 3) MUST_CHECK;

// Text of a tag: the script's, or "sl" "tp" "liquidation" "end"; "" for none or unknown.
const char *result_tag(const struct result *r, uint32_t tag);
