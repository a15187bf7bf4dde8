// backtest/optimize_out.h – what a search found as JSON and as a table for terminals.
//
//     {"kind": "optimization", "engine", "script", "params" (what was not varied), "data", "config",
//      "method": "grid", "trials": 1000, "seed": 1, "objective": {"key": "sharpe", "direction": "max"}, "require": ["trades>=30"],
//      "space": [{"name": "fast", "values": ["5", "10"]}], "combinations": 2,
//      "spans": {"all": {"from", "to", "bars"}, "search": …, "out_of_sample": … or null},
//      "runs", "accepted", "failed", "refused", "planned", "stopped": null | "cancelled" | "time", "first_failure": null | "…",
//      "results": [{"rank": 1, "params": {"fast": "5"}, "objective": 1.2, "accepted": true, "stats": {…},
//                   "out_of_sample": {"objective": 0.9, "stats": {…}} or null, "neighbours": {"count": 4, "mean": 1.1, "worst": 0.8} or null}, …],
//      "unseen": {"count": 20, "profitable": 13, "mean_in": 1.0, "mean_out": 0.4} or null, "luck_sharpe": 0.7 or null,
//      "walk_forward": {"folds": [{"train", "test", "params", "objective", "test_objective", "stats"}], "return_pct", "efficiency", "profitable"} or null}
//
// Parameters are texts as params_set_text takes them. efficiency: mean of the tests' objective over that of the trainings.
#pragma once
#include "backtest/json_out.h"
#include "backtest/optimize.h"
#include "backtest/result.h"

#include <stdio.h>

// head: its engine, script, params, data and config.
void optimum_json(const struct optimize_options *o, const struct optimum *r, const struct result *head, struct buf *out);
void optimum_print(const struct optimize_options *o, const struct optimum *r, const struct result *head, int rows, FILE *out);
