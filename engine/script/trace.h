// script/trace.h – looking into a script from outside, to explain a decision that is being made again: values of its indicators, and each
// line of a callback with the local variables there. For replays only: a live bot is never traced.
#pragma once
#include "script/script.h"

struct script_tracer {
  void *self;
  // A callback begins ("on_bar"; "" when it is none of the script's own). May be NULL.
  void (*enter)(void *self, const char *callback);
  // A line of the script is about to run. function: its name, a callback's own for that, "" where Lua knows none.
  void (*line)(void *self, int line, const char *function);
  // A local variable there, before the line; value as text ("12.5", "true", "\"buy\"", "nil", "table", "order"), valid for the call.
  void (*local)(void *self, const char *name, const char *value);
};
// From the next callback on; NULL: no more. The tracer is borrowed. Not for a script with a budget of fuel, whose hook it would take
// (asserted); a watchdog's kill still ends it. Lua allocates nothing for it, so the script's own course is unchanged.
void script_trace(struct script *s, const struct script_tracer *tracer);
// Parameters as they are now, in the order of the spec.
const struct param_value *script_values(const struct script *s);
// Value of an output of the spec's indicator, `back` bars before the newest (0); NaN: none yet, or no longer kept.
double script_indicator_at(const struct script *s, int indicator, int output, size_t back);
