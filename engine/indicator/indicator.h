// indicator/indicator.h – technical indicators fed one bar at a time; one table (table.h) describes them all.
//
//     const struct indicator_desc *d = indicator_find("macd", 4);
//     enum status st = indicator_create(d, (double[]){12, 26, 9}, &macd, err);
//     double out[INDICATOR_OUTPUTS_MAX];
//     indicator_push(macd, &(struct indicator_input){.close = 1, .source = 1, …}, out);
//
// The definition and the seed of each one are named in table.h and, generated from it, in lua/indicators.md. Where
// TA-Lib has the indicator they are TA-Lib's. An output is NaN until its first value; from then on it is always finite
// (0, 50 or whatever the table says where the formula would divide by zero), but for the pivots, which are NaN where
// none was confirmed (sparse). Inputs must be finite, prices and volume at most 1e60 in size; an unknown volume is
// passed as 0.
//
// Pure and deterministic: a function of the bars pushed, so batches of any size give the same bits.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define INDICATOR_PARAMS_MAX 4
#define INDICATOR_OUTPUTS_MAX 4
#define INDICATOR_PERIOD_MAX 100000

// What a source may be, with its name in scripts and on the command line. hlc3 = (high + low + close) / 3 and so on.
#define INDICATOR_SOURCES(X) \
  X(CLOSE, close) X(OPEN, open) X(HIGH, high) X(LOW, low) X(VOLUME, volume) X(HL2, hl2) X(HLC3, hlc3) X(OHLC4, ohlc4)

enum indicator_source {
#define X(upper, lower) SOURCE_##upper,
  INDICATOR_SOURCES(X)
#undef X
  SOURCE_COUNT
};

// Fields of indicator_input that an indicator reads.
enum indicator_need {
  NEED_SOURCE = 1,  // so that "source=" may be given; it then reads that instead of its default_source
  NEED_OPEN = 2,
  NEED_HIGH = 4,
  NEED_LOW = 8,
  NEED_CLOSE = 16,
  NEED_VOLUME = 32,
  NEED_TIME = 64,
};

struct indicator_input {
  int64_t time_ns;  // UTC, the bar's open
  double open, high, low, close, volume;
  double source;  // what a source-based indicator measures: indicator_source_value of the chosen source
};

struct indicator_param {
  const char *name;
  double default_value, min, max;  // min and max are allowed
  bool integer;
};

struct indicator_desc {
  const char *name;        // as in scripts: "macd"
  const char *about;       // one sentence
  const char *definition;  // the formula, its seed, whose convention it is, and the value where it would divide by zero
  unsigned needs;          // enum indicator_need
  enum indicator_source default_source;
  bool sparse;  // NaN after the start means "none at this bar"
  int n_params, n_outputs;
  struct indicator_param params[INDICATOR_PARAMS_MAX];
  // Names for Lua ("macd", "signal", "hist"); "value" where there is but one.
  const char *outputs[INDICATOR_OUTPUTS_MAX];
  const struct indicator_kernel *kernel;
};

// --- the table

size_t indicator_count(void);
// In the order of the documentation. index < indicator_count().
const struct indicator_desc *indicator_at(size_t index);
// NULL when there is none of that name.
const struct indicator_desc *indicator_find(const char *name, size_t len);
// The known name that word most likely meant, or NULL.
const char *indicator_suggest(const char *word, size_t len);

// --- parameters

// ERR_INVALID, naming indicator and parameter, when one is not finite, out of range, not whole, or two contradict each
// other.
enum status indicator_check(const struct indicator_desc *desc, const double *params, struct err *err) MUST_CHECK;
void indicator_defaults(const struct indicator_desc *desc, double *ret_params);

struct indicator_spec {
  const struct indicator_desc *desc;
  double params[INDICATOR_PARAMS_MAX];
};
// "macd", "macd:12,26,9", "atr:14": parameters left out at the end take their defaults. The message names the spec, the
// parameter and, for an unknown name, the nearest known one.
enum status indicator_spec_parse(const char *text, struct indicator_spec *ret, struct err *err) MUST_CHECK;

// --- sources

// False when text[0..len) names none.
bool indicator_source_parse(const char *text, size_t len, enum indicator_source *ret);
const char *indicator_source_text(enum indicator_source source);
// Reads open, high, low, close and volume of in (not in->source).
double indicator_source_value(enum indicator_source source, const struct indicator_input *in);

// --- running

typedef void indicator_push_fn(void *state, const struct indicator_input *in, double *out);

struct indicator {
  indicator_push_fn *push;
  const struct indicator_desc *desc;
  _Alignas(16) unsigned char state[];
};

// Bytes that indicator_create takes for these (checked) parameters, all in one block; at most a few MB.
size_t indicator_bytes(const struct indicator_desc *desc, const double *params);
// Index from 0 of the first bar at which every output has a value (a sparse one: may have), given bars without gaps.
int indicator_warmup(const struct indicator_desc *desc, const double *params);

// params has desc->n_params values. ERR_INVALID as indicator_check, ERR_NOMEM. The caller owns *ret: indicator_destroy.
enum status indicator_create(
  const struct indicator_desc *desc, const double *params, struct indicator **ret, struct err *err) MUST_CHECK;
// The same in memory of the caller: indicator_bytes() bytes aligned to 16; freed by whoever made it, without destroy.
// params must have passed indicator_check.
struct indicator *indicator_init(void *memory, const struct indicator_desc *desc, const double *params);
void indicator_destroy(struct indicator *ind);

// Takes the next bar and writes desc->n_outputs values, NaN = none yet.
static inline void indicator_push(struct indicator *ind, const struct indicator_input *in, double *out) {
  ind->push(ind->state, in, out);
}
// Pushes n bars; out has n rows of n_outputs values. Goes on from the bars pushed before.
void indicator_run(struct indicator *ind, const struct indicator_input *in, size_t n, double *out);
