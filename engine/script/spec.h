// script/spec.h – what a script's header says, as plain data: name, parameters, data plan, indicators, callbacks.
//
// "Describe before run": the header is evaluated alone in a throw-away state (describe.c) and everything after that –
// `perigee check`, forms, the optimiser, the warm-up, the running state – works from this struct, never from Lua again.
#pragma once
#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"
#include "indicator/indicator.h"
#include "market/instrument.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watchdog;  // loop/watchdog.h; NULL wherever it is wanted means: no time budget

#define SPEC_NAME_MAX 64
#define SPEC_TEXT_MAX 128
#define SPEC_ABOUT_MAX 1024
#define SPEC_PARAMS_MAX 64
#define SPEC_CHOICES_MAX 32
#define SPEC_STREAMS_MAX 16
#define SPEC_INDICATORS_MAX 64
#define SPEC_INDICATOR_PARAMS_MAX 8
#define SPEC_LOOKBACK_DEFAULT 512
#define SPEC_LOOKBACK_MAX 10000

// kind, name in the header, what it holds
#define PARAM_KIND_LIST(X)                                                       \
  X(PARAM_INT, "int", "a whole number")                                          \
  X(PARAM_NUM, "num", "a number")                                                \
  X(PARAM_PCT, "pct", "a percentage (5 = 5 %)")                                  \
  X(PARAM_MONEY, "money", "an amount of the account's currency")                 \
  X(PARAM_BOOL, "bool", "true or false")                                         \
  X(PARAM_ENUM, "enum", "one of a list of texts")                                \
  X(PARAM_TEXT, "text", "a text of at most 127 bytes")                           \
  X(PARAM_TF, "tf", "a timeframe such as \"5m\", \"1h\", \"1d\"")                \
  X(PARAM_SYMBOL, "symbol", "a symbol such as \"BTCUSDT\"")                      \
  X(PARAM_TIME, "time", "a time of day such as \"17:00\"")

enum param_kind {
#define X(kind, name, about) kind,
  PARAM_KIND_LIST(X)
#undef X
      PARAM_KIND_COUNT
};
const char *param_kind_name(enum param_kind kind);
const char *param_kind_about(enum param_kind kind);

// num for int num pct money bool (0 or 1); text for the others.
struct param_value {
  double num;
  char text[SPEC_TEXT_MAX];
};

struct param_spec {
  char name[SPEC_NAME_MAX], label[SPEC_TEXT_MAX], group[SPEC_NAME_MAX];
  enum param_kind kind;
  struct param_value def;
  bool has_min, has_max, has_step, opt, live;
  double min, max, step;
  int choice_count;
  char choices[SPEC_CHOICES_MAX][SPEC_NAME_MAX];
};

// symbol "" is the bot's own; timeframe_ns 0 is the bot's own. *_param >= 0 takes the value from that parameter.
struct stream_spec {
  char name[SPEC_NAME_MAX], symbol[SYMBOL_MAX];
  int64_t timeframe_ns;
  int symbol_param, timeframe_param;
};

struct indicator_spec_arg {
  double value;
  int param;  // >= 0: the value of that parameter instead
};
struct indicator_use {
  char name[SPEC_NAME_MAX];
  const struct indicator_desc *desc;
  int arg_count;
  struct indicator_spec_arg args[SPEC_INDICATOR_PARAMS_MAX];
  int stream;  // index in streams
  enum indicator_source source;
};

// callback, Lua name, arguments for the docs
#define CALLBACK_LIST(X)                                    \
  X(ON_INIT, "on_init", "ctx")                              \
  X(ON_BAR, "on_bar", "ctx, bar")                           \
  X(ON_DATA, "on_data", "ctx, stream, bar")                 \
  X(ON_TICK, "on_tick", "ctx, tick")                        \
  X(ON_ORDER, "on_order", "ctx, e")                         \
  X(ON_FILL, "on_fill", "ctx, f")                           \
  X(ON_POSITION, "on_position", "ctx, e")                   \
  X(ON_TIMER, "on_timer", "ctx, name")                      \
  X(ON_SIGNAL, "on_signal", "ctx, s")                       \
  X(ON_DAY, "on_day", "ctx, e")                             \
  X(ON_RISK, "on_risk", "ctx, e")                           \
  X(ON_PARAMS, "on_params", "ctx, old")                     \
  X(ON_MIGRATE, "migrate", "state, from")                   \
  X(ON_STOP, "on_stop", "ctx, why")

enum callback {
#define X(id, name, args) id,
  CALLBACK_LIST(X)
#undef X
      CALLBACK_COUNT
};
const char *callback_name(enum callback cb);

struct script_spec {
  char name[SPEC_TEXT_MAX], about[SPEC_ABOUT_MAX];
  int api;
  bool hedging, has_check, has_max_notional;
  int warmup, lookback;
  int param_count, stream_count, indicator_count;
  struct param_spec params[SPEC_PARAMS_MAX];
  struct stream_spec streams[SPEC_STREAMS_MAX];  // streams[0] is main
  struct indicator_use indicators[SPEC_INDICATORS_MAX];
  uint32_t callbacks;  // bit per enum callback
  char sha256[65];
};

// ---- describe.c
// Evaluates the header in a throw-away state under the load budget. ret_spec is yours (free). Errors carry file:line, the
// offending name and a suggestion where there is one.
enum status script_describe(const char *chunkname, const char *source, size_t len, struct watchdog *watchdog,
                            struct script_spec **ret_spec, struct err *err) MUST_CHECK;
// Runs the header's check(p) and risk.max_notional(p) on values; *ret_max_notional is NaN when the script has none.
enum status script_check_params(const char *chunkname, const char *source, size_t len, const struct script_spec *spec,
                                const struct param_value *values, struct watchdog *watchdog, double *ret_max_notional,
                                struct err *err) MUST_CHECK;

// "Lua 5.4.8"
const char *script_lua_version(void);

// ---- params.c
void params_default(const struct script_spec *spec, struct param_value *ret_values);
// Index of a parameter, or -1.
int params_find(const struct script_spec *spec, const char *name);
// "fast=12" into values. Out of range is refused, never clamped; an unknown name comes with a suggestion.
enum status params_set_text(const struct script_spec *spec, const char *assignment, struct param_value *values,
                            struct err *err) MUST_CHECK;
// {"fast": 12, "side": "long"} into values: numbers, texts (a number may be one), true and false. object may be NULL. Errors begin
// with the JSON pointer of what is wrong: at, then the name.
enum status params_set_json(const struct script_spec *spec, const char *at, const json_t *object, struct param_value *values,
                            struct err *err) MUST_CHECK;
// Checks one value against its parameter's kind and limits.
enum status params_check(const struct param_spec *p, const struct param_value *value, struct err *err) MUST_CHECK;
// Text as a user would type it; buf holds SPEC_TEXT_MAX bytes.
char *params_text(const struct param_spec *p, const struct param_value *value, char *buf);
// The header as JSON, for `perigee check` and forms. New reference; NULL when memory ran out.
json_t *spec_json(const struct script_spec *spec);

// ---- plan.c: a spec with its values filled in
struct stream_plan {
  char name[SPEC_NAME_MAX], symbol[SYMBOL_MAX];  // symbol "" still means the bot's own
  int64_t timeframe_ns;                          // 0 still means the bot's own
};
struct indicator_plan {
  const struct indicator_desc *desc;
  int stream;
  enum indicator_source source;
  double params[SPEC_INDICATOR_PARAMS_MAX];
  int warmup;  // bars of its stream before the first value
};
struct script_plan {
  int stream_count, indicator_count;
  struct stream_plan streams[SPEC_STREAMS_MAX];
  struct indicator_plan indicators[SPEC_INDICATORS_MAX];
};
enum status script_plan_make(const struct script_spec *spec, const struct param_value *values, struct script_plan *ret_plan,
                             struct err *err) MUST_CHECK;
