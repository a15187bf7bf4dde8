// backtest/optimize_request.h – a search as JSON asks for it, beside what request.h says of its runs:
//
//     {"ranges": {"fast": "5..50:5", "side": "long,short"}, "method": "grid", "trials": 1000, "seed": 1, "objective": "sharpe",
//      "require": ["trades>=30"], "out_of_sample_pct": 25, "walk_forward": 5, "anchored": false}
//
// Without ranges the parameters are varied whose header says opt.
#pragma once
#include "backtest/optimize.h"
#include "base/json.h"

// ERR_INVALID begins with the field's JSON pointer. has_spec false: the script is not known yet, so ranges are read for their shape only.
// o is initialised by optimize_options_init.
enum status optimize_request_parse(const json_t *wish, bool has_spec, struct optimize_options *o, struct err *err) MUST_CHECK;
