// backtest/stat_list.h – the one list of statistics: key in JSON, kind, heading, label, and the formula that people see when
// they point at the number. The struct, the JSON, the terminal summary and the HTML report are all made from it.
//
// Words used in formulas. E: equity, marked to market, net of fees and funding. Day: a UTC day that has bars; its E is the
// last of the day. r: simple return from one day to the next, n of them. A: days a year, 365, or 252 when the market has a
// calendar (52.18 for weekly bars). pnl: of a trade, net of its fees. Undefined is null in JSON and a dash for people.
#pragma once
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// X(key, kind, group, label, formula)
#define STAT_LIST(X)                                                                                                        \
  X(equity_start, MONEY, RESULT, "Start equity", "Cash at the first bar")                                                   \
  X(equity_final, MONEY, RESULT, "Final equity", "E at the last bar; open positions are marked, not closed")                \
  X(equity_closed, MONEY, RESULT, "Final, closed only", "Final equity without the unrealised profit of open positions")     \
  X(equity_peak, MONEY, RESULT, "Peak equity", "max E, at full resolution")                                                 \
  X(return_pct, PCT, RESULT, "Return", "E_final / E_start − 1")                                                             \
  X(buy_hold_return_pct, PCT, RESULT, "Buy and hold", "last close / first close − 1, of the bars the strategy saw")         \
  X(cagr_pct, PCT, RESULT, "CAGR", "(E_final / E_start)^(365.25 d / span) − 1; undefined below 30 days")                    \
  X(volatility_pct, PCT, RISK, "Volatility", "σ(r) · √A, with n − 1")                                                       \
  X(sharpe, RATIO, RISK, "Sharpe", "mean(r) / σ(r) · √A, risk-free rate 0")                                                 \
  X(sortino, RATIO, RISK, "Sortino", "mean(r) / √(Σ min(r,0)² / n) · √A")                                                   \
  X(calmar, RATIO, RISK, "Calmar", "CAGR / max drawdown")                                                                   \
  X(max_drawdown_pct, PCT, RISK, "Max drawdown", "max (1 − E / running peak of E), at full resolution")                     \
  X(max_drawdown_ms, SPAN, RISK, "Its duration", "From the peak before the deepest drawdown to its recovery, or to the end") \
  X(max_drawdown_recovery_ms, SPAN, RISK, "Its recovery", "From its lowest point to a new peak; undefined if not reached")  \
  X(longest_drawdown_ms, SPAN, RISK, "Longest drawdown", "Longest time from a peak to its recovery, or to the end")         \
  X(ulcer_pct, PCT, RISK, "Ulcer index", "√(mean of daily drawdown²)")                                                      \
  X(var95_pct, PCT, RISK, "VaR 95 %", "− 5 % quantile of r (historical, linear): the loss of a bad day")                    \
  X(es95_pct, PCT, RISK, "Expected shortfall 95 %", "− mean of the r at or below that quantile")                            \
  X(psr, RATIO, RISK, "Probabilistic Sharpe",                                                                               \
    "Φ(S·√(n−1) / √(1 − γ₃S + (γ₄−1)/4·S²)), S daily Sharpe, γ skew, kurtosis: chance that the true Sharpe is above 0")     \
  X(alpha_pct, PCT, RISK, "Alpha", "(mean(r) − β·mean(b)) · A, b the daily returns of buy and hold")                        \
  X(beta, RATIO, RISK, "Beta", "cov(r, b) / var(b)")                                                                        \
  X(trades, COUNT, TRADES, "Trades", "Closed round trips, fills paired first-in-first-out")                                 \
  X(trades_long, COUNT, TRADES, "Long", "Of these long")                                                                    \
  X(trades_short, COUNT, TRADES, "Short", "Of these short")                                                                 \
  X(win_rate_pct, PCT, TRADES, "Win rate", "Share of trades with pnl > 0")                                                  \
  X(profit_factor, RATIO, TRADES, "Profit factor", "Σ profits / Σ losses; undefined without a loss")                        \
  X(expectancy, MONEY, TRADES, "Expectancy", "mean(pnl)")                                                                   \
  X(expectancy_r, RATIO, TRADES, "Expectancy in R", "mean(pnl) / R, with R = average loss")                                 \
  X(sqn, RATIO, TRADES, "SQN", "√min(N, 100) · mean(pnl) / σ(pnl), N trades")                                               \
  X(payoff, RATIO, TRADES, "Payoff", "average profit / average loss")                                                       \
  X(kelly_pct, PCT, TRADES, "Kelly", "W − (1 − W) / payoff, W the win rate")                                                \
  X(avg_win, MONEY, TRADES, "Average profit", "mean(pnl) of trades with pnl > 0")                                           \
  X(avg_loss, MONEY, TRADES, "Average loss", "mean(pnl) of trades with pnl < 0")                                            \
  X(best_trade, MONEY, TRADES, "Best trade", "max pnl")                                                                     \
  X(worst_trade, MONEY, TRADES, "Worst trade", "min pnl")                                                                   \
  X(longest_win_streak, COUNT, TRADES, "Longest winning streak", "Most trades in a row with pnl > 0")                       \
  X(longest_losing_streak, COUNT, TRADES, "Longest losing streak", "Most trades in a row with pnl < 0")                     \
  X(avg_bars, RATIO, TRADES, "Average bars held", "mean(bars) of closed trades")                                            \
  X(avg_mae, MONEY, TRADES, "Average MAE", "mean of the worst unrealised profit of each trade, before fees")                \
  X(avg_mfe, MONEY, TRADES, "Average MFE", "mean of the best unrealised profit of each trade, before fees")                 \
  X(exposure_pct, PCT, COSTS, "Exposure", "Share of bars with a position open at their close")                              \
  X(turnover, RATIO, COSTS, "Turnover", "Σ |fill notional| / mean E over bars")                                             \
  X(fees, MONEY, COSTS, "Fees", "Σ fees of all fills; a rebate is negative")                                                \
  X(slippage, MONEY, COSTS, "Spread and slippage", "Σ cost of fills against the undisturbed price; part of the prices")     \
  X(funding, MONEY, COSTS, "Funding", "Σ funding received (negative: paid)")                                                \
  X(swap, MONEY, COSTS, "Swap", "Σ overnight swap received (negative: paid)")                                               \
  X(fills, COUNT, COSTS, "Fills", "Executions")                                                                             \
  X(ambiguous_pct, PCT, COSTS, "Ambiguous trades", "Share of trades where one bar held both stop and target")

enum stat_kind { STAT_MONEY, STAT_PCT, STAT_RATIO, STAT_COUNT, STAT_SPAN };
enum stat_group { STAT_GROUP_RESULT, STAT_GROUP_RISK, STAT_GROUP_TRADES, STAT_GROUP_COSTS, STAT_GROUP_COUNT };

#define STAT_TYPE_MONEY int64_t  // 1e-8 of the currency
#define STAT_TYPE_PCT double     // percent
#define STAT_TYPE_RATIO double
#define STAT_TYPE_COUNT int64_t
#define STAT_TYPE_SPAN int64_t   // ms
#define STAT_NONE_INT INT64_MIN  // undefined, for the integer kinds; for the others it is NaN

struct stats {
#define X(key, kind, group, label, formula) STAT_TYPE_##kind key;
  STAT_LIST(X)
#undef X
};

struct stat_info {
  const char *key, *label, *formula;
  enum stat_kind kind;
  enum stat_group group;
  size_t offset;  // in struct stats
};
#define X(key, kind, group, label, formula) +1
enum { STAT_TOTAL = 0 STAT_LIST(X) };
#undef X
extern const struct stat_info stat_infos[STAT_TOTAL];
const char *stat_group_text(enum stat_group g);  // "Result", "Risk", "Trades", "Costs and activity"

// A value by its place in the list, whatever its kind; false when undefined (or not finite).
static inline bool stat_int(const struct stats *s, const struct stat_info *i, int64_t *ret) {
  int64_t v = *(const int64_t *)((const char *)s + i->offset);
  if (v == STAT_NONE_INT) return false;
  *ret = v;
  return true;
}
static inline bool stat_double(const struct stats *s, const struct stat_info *i, double *ret) {
  double v = *(const double *)((const char *)s + i->offset);
  if (!isfinite(v)) return false;
  *ret = v;
  return true;
}
static inline bool stat_is_int(enum stat_kind k) { return k == STAT_MONEY || k == STAT_COUNT || k == STAT_SPAN; }
