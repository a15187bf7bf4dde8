#!/usr/bin/env python3
"""Writes stats_golden.h: a made-up equity curve, bars and trades, and what numpy and pandas say their statistics are.

An independent source for test_stats.c: nothing here is taken from engine/backtest/stats.c but the definitions. Run by hand
(needs numpy, pandas) when a definition changes:  ./make_stats_golden.py > stats_golden.h
"""
import math
import numpy as np
import pandas as pd

rng = np.random.default_rng(20260101)
DAY = 86400 * 10**9
START = 1609459200 * 10**9  # 2021-01-01T00:00Z, a Friday
CASH = 10_000 * 10**8


def norm_cdf(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


def case(name, days, per_day, calendar, drift, trades):
    step = DAY // per_day
    t = np.array([START + i * step for i in range(days * per_day)])
    if calendar:
        weekday = (t // DAY + 4) % 7  # 0 = Sunday
        t = t[(weekday != 0) & (weekday != 6)]
    n = len(t)
    close = np.round(20000 * np.exp(np.cumsum(rng.normal(0.0005, 0.01, n)))).astype(np.int64)
    equity = np.round(CASH * np.exp(np.cumsum(rng.normal(drift, 0.006, n)))).astype(np.int64)
    pnl = np.round(rng.normal(30, 200, trades) * 1e8).astype(np.int64)
    pnl[3] = 0

    e = pd.Series(equity.astype(float), index=pd.to_datetime(t, utc=True))
    c = pd.Series(close.astype(float), index=e.index)
    daily = e.resample("D").last().dropna()
    bench = c.resample("D").last().dropna().pct_change().dropna()
    r = daily.pct_change().dropna()
    a = 252 if calendar else 365
    x = {}
    x["return_pct"] = (equity[-1] / CASH - 1) * 100
    x["buy_hold_return_pct"] = (close[-1] / close[0] - 1) * 100
    span = (t[-1] + step - t[0]) / DAY
    x["cagr_pct"] = ((equity[-1] / CASH) ** (365.25 / span) - 1) * 100 if span >= 30 else math.nan
    x["volatility_pct"] = r.std(ddof=1) * math.sqrt(a) * 100
    x["sharpe"] = r.mean() / r.std(ddof=1) * math.sqrt(a)
    x["sortino"] = r.mean() / math.sqrt((np.minimum(r, 0) ** 2).mean()) * math.sqrt(a)
    full = pd.concat([pd.Series([float(CASH)]), e.reset_index(drop=True)])
    dd = 1 - full / full.cummax()
    x["max_drawdown_pct"] = dd.max() * 100
    x["calmar"] = x["cagr_pct"] / x["max_drawdown_pct"]
    peak_daily = np.maximum.accumulate(np.concatenate([[CASH], daily.values]))[1:]
    x["ulcer_pct"] = 100 * math.sqrt(np.mean((1 - daily.values / peak_daily) ** 2))
    q = np.quantile(r, 0.05)
    x["var95_pct"] = -100 * q
    x["es95_pct"] = -100 * r[r <= q].mean()
    s = r.mean() / r.std(ddof=1)
    z = (r - r.mean()) / r.std(ddof=0)
    x["psr"] = norm_cdf(s * math.sqrt(len(r) - 1) / math.sqrt(1 - (z**3).mean() * s + ((z**4).mean() - 1) / 4 * s * s))
    cov = np.cov(r.values, bench.values, ddof=1)
    x["beta"] = cov[0, 1] / cov[1, 1]
    x["alpha_pct"] = 100 * (r.mean() - x["beta"] * bench.mean()) * a
    # Drawdown spans: walk over peaks.
    values = np.maximum.accumulate(full.values)
    at_peak = full.values >= values
    spans, depth, peak_i = [], [], 0
    for i in range(1, len(full)):
        if at_peak[i]:
            if i - peak_i > 1:
                spans.append((peak_i, i, True))
            peak_i = i
    if peak_i < len(full) - 1:
        spans.append((peak_i, len(full) - 1, False))
    when = np.concatenate([[t[0]], t])
    deepest = max(spans, key=lambda p: dd.values[p[0]:p[1] + 1].max())
    low = deepest[0] + dd.values[deepest[0]:deepest[1] + 1].argmax()
    x["max_drawdown_ms"] = (when[deepest[1]] - when[deepest[0]]) // 10**6
    x["max_drawdown_recovery_ms"] = (when[deepest[1]] - when[low]) // 10**6 if deepest[2] else None
    x["longest_drawdown_ms"] = max(when[b] - when[a_] for a_, b, _ in spans) // 10**6

    p = pnl / 1e8
    won, lost = p[p > 0], -p[p < 0]
    x["win_rate_pct"] = 100 * len(won) / len(p)
    x["profit_factor"] = won.sum() / lost.sum()
    x["payoff"] = won.mean() / lost.mean()
    x["expectancy_r"] = p.mean() / lost.mean()
    x["sqn"] = math.sqrt(min(len(p), 100)) * p.mean() / p.std(ddof=1)
    w = len(won) / len(p)
    x["kelly_pct"] = 100 * (w - (1 - w) / x["payoff"])
    x["expectancy"] = int(round(pnl.astype(object).sum() / len(pnl)))

    def streak(flags):
        best = run = 0
        for f in flags:
            run = run + 1 if f else 0
            best = max(best, run)
        return best
    x["longest_losing_streak"] = streak(p < 0)
    x["longest_win_streak"] = streak(p > 0)

    for label, values in (("time", t), ("equity", equity), ("close", close), ("pnl", pnl)):
        print(f"static const int64_t {name}_{label}[] = {{")
        line = " "
        for v in values:
            word = f" {v},"
            if len(line) + len(word) > 120:
                print(line)
                line = " "
            line += word
        print(line + "\n};")
    print(f"static const struct golden_value {name}_values[] = {{")
    for k, v in x.items():
        print(f'  {{"{k}", {"NAN" if v is None or v != v else repr(float(v))}}},')
    print("};")
    print(f"static const struct golden {name} = {{\n  {name}_time, {name}_equity, {name}_close, {n}, {name}_pnl, {trades}, "
          f"{step}, {str(calendar).lower()}, {name}_values, {len(x)},\n}};\n")


print("// Generated by make_stats_golden.py with numpy and pandas; do not edit.")
print("#pragma once\n#include <math.h>\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n")
print("struct golden_value { const char *key; double value; };  // NAN: undefined")
print("struct golden {\n  const int64_t *time, *equity, *close;\n  size_t points;\n  const int64_t *pnl;\n  size_t trades;\n"
      "  int64_t step_ns;\n  bool calendar;\n  const struct golden_value *values;\n  size_t value_count;\n};\n")
case("crypto_4h", 45, 6, False, 0.0006, 130)
case("stock_daily", 150, 1, True, 0.0003, 40)
case("falling_short", 20, 4, False, -0.002, 12)
