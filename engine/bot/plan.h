// bot/plan.h – which market data a bot needs, read from its script's header: streams, symbols, how much history.
//
// The core never runs a customer's Lua, not even to ask: the header was evaluated in a jailed child when the script was uploaded
// and is kept as JSON (script/spec.h's spec_json). Stream i here is stream i of the script. Pure.
#pragma once
#include "base/json.h"
#include "market/bar.h"
#include "script/spec.h"

#define PLAN_HISTORY_MIN 1024
#define PLAN_HISTORY_MAX 20000

struct plan_stream {
  char name[SPEC_NAME_MAX], symbol[SYMBOL_MAX];
  int64_t timeframe_ns;
  int symbol_ix;       // in symbols
};
struct bot_plan {
  struct plan_stream streams[SPEC_STREAMS_MAX];  // main first
  int stream_count;
  struct {
    char name[SYMBOL_MAX];
    int exec;          // the stream whose bars its orders meet: the finest of the symbol, of equal ones the first
  } symbols[SPEC_STREAMS_MAX];                   // by name, as a backtest has them
  int symbol_count;
  bool hedging;
  int history_bars;    // of each stream: what its indicators and its look back can ask for
};

// header: as kept with the script's version; params: the bot's object of values (NULL or incomplete: defaults); symbol and timeframe:
// the bot's own. ERR_INVALID: a header that is not one, a parameter that is no symbol or timeframe.
enum status plan_make(const json_t *header, const json_t *params, const char *symbol, int64_t timeframe_ns, struct bot_plan *ret, struct err *err) MUST_CHECK;
