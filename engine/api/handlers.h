// api/handlers.h – private to api/: every handler, by its operationId. Start-up asserts that this list and routes/ agree.
#pragma once
#include "api/call.h"

#define API_HANDLERS(X)                                 \
  /* ops.c */                                           \
  X(health) X(ready) X(metrics) X(openapi_json)         \
  /* markets.c */                                       \
  X(markets_list) X(bars_list)                          \
  /* strategies.c */                                    \
  X(strategies_list) X(strategy_create) X(strategy_get) X(strategy_delete) X(versions_list) X(version_create) X(version_get) \
  X(version_activate) X(strategy_diff)                  \
  /* backtests.c */                                     \
  X(backtests_list) X(backtest_create) X(backtest_get) X(backtest_delete)

#define X(id) enum status api_##id(struct api_call *call);
API_HANDLERS(X)
#undef X
