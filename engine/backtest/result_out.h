// backtest/result_out.h – a finished result as JSON, CSV, terminal text and one HTML file. Files are written whole or not at
// all ("-" is stdout); ERR_IO names the file and the cause, ERR_LIMIT means beyond 2 GB.
#pragma once
#include "backtest/json_out.h"
#include "backtest/result.h"

#include <stdio.h>

// The contract of interfaces.md. Additions to it: `stats` has all of stat_list.h; `script.file`; `equity_daily` ([ms, "equity"]
// at the last bar of each UTC day); `marks`; `warnings`; `interrupted`; `dropped` (items beyond the limits of result.h).
enum status result_json_write(const struct result *r, const char *path, struct err *err) MUST_CHECK;
void result_json(const struct result *r, struct buf *out);

// A line per closed trade; columns are named as in JSON, times are Unix ms. A tag that a spreadsheet would run as a formula
// (it starts with = + - @ or a tab) gets an apostrophe in front.
enum status result_trades_csv_write(const struct result *r, const char *path, struct err *err) MUST_CHECK;
// A line per main bar: time (its open, Unix ms), equity at its close, drawdown_pct from the running peak.
enum status result_equity_csv_write(const struct result *r, const char *path, struct err *err) MUST_CHECK;

// One self-contained file, no network. Curves are thinned to what a screen can show.
enum status report_html_write(const struct result *r, const char *path, struct err *err) MUST_CHECK;
enum status report_html(const struct result *r, struct buf *out, struct err *err) MUST_CHECK;

// The readable summary. colour: ANSI colours; see summary_wants_colour().
void summary_print(const struct result *r, FILE *out, bool colour);
// A terminal, TERM not "dumb", NO_COLOR unset or empty.
bool summary_wants_colour(FILE *out);

// Parts that JSON and the report share.
void result_json_head(struct json_out *j, const struct result *r);  // engine, script, params, data, config
void result_json_stat(struct json_out *j, const struct stat_info *i, const struct stats *s);
void result_json_stats(struct json_out *j, const char *key, const struct stats *s);
void result_json_pairs(struct json_out *j, const char *key, const struct result_pairs *p);
void result_json_trades(struct json_out *j, const char *key, const struct result *r);
// Money for people, "-12,345.68": two decimals, half away from zero (four when below 1). 48 bytes of room are always enough.
void result_money_short(int64_t e8, char *out, size_t room);
// Instrument of a symbol index; a neutral one (tick 1, lot 1, name "?") when the index is not known.
const struct instrument *result_symbol(const struct result *r, int symbol);
