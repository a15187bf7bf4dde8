// cli/backtest_flags.h – the flags that say what a run over history is made of; `backtest` and `optimize` have them alike.
#pragma once
#include "cli/cli.h"

#include "backtest/backtest.h"
#include "base/buf.h"

// Rows of a table of options.
#define BACKTEST_MARKET_OPTIONS \
    {"--data", "[STREAM=]FILE", "bars as CSV, plain or gzip; the first without a name is the main stream; may be repeated"}, \
    {"--symbol", "S", "when the file does not tell (a file name like BTCUSDT_1m.csv.gz does)"}, \
    {"--timeframe", "TF", "when the file does not tell: 1m, 5m, 1h, 1d …"}, \
    {"--cash", "N", "money to begin with (10000)"}, \
    {"--fee", "F", "fee as a fraction of notional per side (0.001 = 0.1 %)"}, \
    {"--fee-maker", "F", "for fills that rested; negative: a rebate"}, \
    {"--fee-taker", "F", "for fills that took"}, \
    {"--fee-fixed", "X", "per order, in money"}, \
    {"--fee-per-unit", "X", "per 1.0 of quantity, in money"}, \
    {"--slippage-ticks", "N", "against market and stop orders"}, \
    {"--slippage-pct", "P", "the same in percent of the price"}, \
    {"--spread", "X", "whole spread in price units"}, \
    {"--spread-pct", "P", "whole spread in percent of the price"}, \
    {"--leverage", "N", "1 is none"}, \
    {"--multiplier", "N", "contract size: notional = price × quantity × multiplier"}, \
    {"--maintenance-pct", "P", "maintenance margin in percent of notional (0.5)"}, \
    {"--margin-per-unit", "X", "compat-backtrader: cash that a unit of a future ties up"}, \
    {"--market", "mid|bid", "what the data are: trades or mids, or bids (FX, CFD: buys pay the spread on top)"}, \
    {"--swap-long", "X", "credited per unit at 17:00 New York; negative: charged"}, \
    {"--swap-short", "X", "the same for short positions"}, \
    {"--swap-triple", "DAY", "mon … fri: the day that counts three times (wed)"}, \
    {"--funding", "FILE", "funding rates: time,rate"}, \
    {"--detail", "FILE", "finer bars of the main symbol: the path inside its bars"}, \
    {"--mark", "FILE", "mark price bars: liquidation and funding use them"}, \
    {"--signals", "FILE", "signals for on_signal: CSV or JSON lines"}, \
    {"--tick", "X", "price increment; else from the data's decimals (compat models: 1e-10)"}, \
    {"--lot", "X", "quantity increment; else from the volume's decimals"}, \
    {"--min-notional", "X", "smallest order value"}, \
    {"--terms", "FILE", "dated terms of the main symbol: from,tick,lot,min_qty,min_notional,leverage,maintenance_pct"}, \
    {"--fill-model", "MODEL", "strict, classic, compat-backtesting, compat-backtrader"}, \
    {"--path", "MODE", "inside a bar: nearer, adverse, favourable"}, \
    {"--participation", "F", "largest share of a bar's volume that fills (0.1 = 10 %); off when absent"}, \
    {"--latency", "MS", "from decision to venue"}, \
    {"--trade-on-close", NULL, "compat-backtesting: market orders fill at the close they were given at"}, \
    {"--finalize", NULL, "compat-backtesting: close what is open at the last bar"}
#define BACKTEST_RUN_OPTIONS \
    {"--seed", "N", "of ctx:rand() and math.random (1)"}, \
    {"--from", "T", "first bar to trade; earlier ones warm up. 2021-04-20 or Unix time"}, \
    {"--to", "T", "bars from here on are left out"}, \
    {"--warmup", "N", "extra bars before the first call"}, \
    {"--fuel", "N", "stop a callback after N instructions instead of by time: the same on every machine, twice as slow"}, \
    {"--day-loss", "X", "only exits once the day has lost so much"}, \
    {"--max-drawdown", "X", "only exits once so much is lost from the equity peak"}, \
    {"--max-open", "N", "working orders at once (200)"}, \
    {"--rules", "FILE|NAME", "a prop firm's rules over the account, as live: a rule set as JSON, or one that ships (perigee rules)"}, \
    {"--news", "FILE", "calendar that those rules keep clear of: from,to,concerns,impact,title"}, \
    {"--repair", NULL, "sort and drop what is wrong in the data instead of refusing it"}

struct backtest_flags {
  struct backtest_config config;
  char names[BACKTEST_FILES_MAX][SPEC_NAME_MAX];  // of streams
  struct buf rules;
  struct news_list *news;
};
// Big: not on the stack. 0, or what the command is to return, after printing why. Finish it in any case.
int backtest_flags_read(const struct cli_args *a, struct backtest_flags *ret);
void backtest_flags_finish(struct backtest_flags *f);
// What was asked for, into r's script, params, config and data. options: the command's; quiet: names of those that are not for the result, ends
// with NULL. False when memory ran out.
bool backtest_flags_echo(const struct cli_args *a, const char *const *quiet, const struct backtest_config *c, const struct backtest_data *d, struct result *r);
// False after printing that nothing can be written there. path may be NULL or "-".
bool cli_output_possible(const char *option, const char *path);
