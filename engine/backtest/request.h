// backtest/request.h – a backtest as JSON asks for it (the service's jobs), turned into a struct backtest_config.
//
//     {"kind": "backtest", "name": "sma.lua", "params": {"fast": 12},
//      "config": {"cash": "10000", "fee_maker": "0.001", …}, "limits": {"heap_bytes": 1048576, …},
//      "data": [{"stream": "main", "format": "bars"}, {"role": "detail"}, …],
//      "funding": "time,rate\n…", "signals": "…", "terms": "…", "rule_set": {"name": …}, "news": "from,concerns\n…"}
//
// config has the command line's names with underscores: cash fee fee_maker fee_taker fee_fixed fee_per_unit slippage_ticks
// slippage_pct spread spread_pct leverage maintenance_pct margin_per_unit market swap_long swap_short swap_triple fill_model path participation
// latency_ms trade_on_close finalize seed warmup from_ms to_ms tick lot multiplier min_notional day_loss
// max_drawdown max_open fuel single_path. tick may be finer than the data's; tick, lot, multiplier and min_notional go for all data. Decimals are strings or whole
// numbers, never fractions in JSON (they would have gone through a double); times are Unix ms. limits: heap_bytes,
// callback_us, load_us, fuel, max_open – set by the service from the tier; a config may ask for less. data: one entry per
// descriptor, in order; format "bars" (market/segment.h's packed series) or "csv", where symbol and timeframe may be given too; role
// "bars" (the default), or "detail" or "mark", once each. funding, signals, terms and news are the text of the command line's files; rule_set is
// the rule set itself, an object.
// Of kind "optimize" there is "optimize" beside them (optimize_request.h). An unknown key is refused with a suggestion.
#pragma once
#include "backtest/backtest.h"
#include "base/json.h"

enum request_kind { REQUEST_BACKTEST, REQUEST_VERDICT, REQUEST_CHECK, REQUEST_OPTIMIZE };  // check: a verdict's first steps (verdict.h: quick)

enum request_role { ROLE_BARS, ROLE_DETAIL, ROLE_MARK };

struct request_data {
  enum request_role role;
  char stream[SPEC_NAME_MAX];  // "": not named
  char label[96];              // what messages and the result call it: symbol and timeframe when none is given
  bool csv;
  char symbol[SYMBOL_MAX];     // csv: "" and 0 when the label tells
  int64_t timeframe_ns;
};

struct backtest_request {
  enum request_kind kind;
  char name[SPEC_TEXT_MAX];            // chunk name of the script
  struct backtest_config config;       // without script, spec, values, files, watchdog
  struct request_data data[BACKTEST_FILES_MAX];
  int data_count;
  json_t *params, *given;              // given: the config object, for the result's echo
  json_t *optimize;                    // of a search: optimize_request.h's object; NULL: all as usual
  json_t *funding, *signals, *terms;   // texts that config points into, or NULL
  char *rules;                         // likewise
  struct news_list *news;
};

// A big struct: keep it on the heap. ret needs no init; finish it also after a failure. ERR_INVALID names the field by its
// JSON pointer ("/config/cash: …").
enum status request_parse(const char *json, size_t len, struct backtest_request *ret, struct err *err) MUST_CHECK;
void request_finish(struct backtest_request *q);

// The request's params over the defaults. ERR_INVALID: "/params/fast: …".
enum status request_params(const struct backtest_request *q, const struct script_spec *spec, struct param_value *ret_values, struct err *err) MUST_CHECK;

// Only the config object, for callers that check a customer's wish before it is queued.
enum status request_config_parse(json_t *config, struct backtest_config *c, struct err *err) MUST_CHECK;

// What was asked for, into r's script, params, config and data (interfaces.md's result).
enum status request_echo(const struct backtest_request *q, const struct backtest_config *c, const struct backtest_data *d, const char *engine_version, struct result *r, struct err *err) MUST_CHECK;
