// tests/unit/backtest/demo_result.h – a realistic result without the pipeline: a toy crossover on any series, for tests of
// the writers and for looking at the report.
#pragma once
#include "backtest/stats.h"

// Trades s (long and short, 20/50 average cross, fee 0.1 %), fills every part of r, computes its statistics. `hostile` goes
// into every text a script or a file could choose; NULL for friendly texts. s must outlive r. False: no memory.
bool demo_result(struct result *r, const struct series *s, const char *hostile);
// A random walk of `bars` bars from 2019-01-01, the same every time. False: no memory.
bool demo_series(struct series *s, size_t bars, int64_t timeframe_ns);
