// backtest/report_data.h – the JSON inside the HTML report; safe to stand between <script> tags.
#pragma once
#include "backtest/result_out.h"

void report_data_json(const struct result *r, struct buf *out);
