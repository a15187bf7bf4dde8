// backtest/stats.h – the statistics of a run; every formula stands in stat_list.h.
#pragma once
#include "base/status.h"
#include "backtest/result.h"

// All of r->stats from equity, trades, fills, bars, open positions and costs. Undefined values (no trades, one bar, flat or
// negative equity) are the "none" of their kind, never NaN in an output. ERR_NOMEM only.
enum status stats_compute(struct result *r, struct err *err) MUST_CHECK;

// Everything undefined; for paths that were not run.
void stats_clear(struct stats *s);

// Does the market close at week ends? True when at least a week of bars has none that opens on a Saturday (UTC). False for
// bars of a week or longer, which cannot tell.
bool stats_has_calendar(const struct bar *bars, size_t count, int64_t timeframe_ns);
