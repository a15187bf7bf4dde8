// script/plan.c – a header with parameter values filled in: concrete streams, indicators and their warm-up.
#include "script/spec.h"

#include "market/bar.h"

#include <math.h>
#include <string.h>

static enum status stream_resolve(const struct script_spec *spec, const struct stream_spec *s,
                                  const struct param_value *values, struct stream_plan *ret, struct err *err) {
  memset(ret, 0, sizeof *ret);
  strcpy(ret->name, s->name);
  strcpy(ret->symbol, s->symbol);
  ret->timeframe_ns = s->timeframe_ns;
  if (s->symbol_param >= 0) {
    const char *text = values[s->symbol_param].text;
    if (strlen(text) >= SYMBOL_MAX)
      return err_set(err, ERR_INVALID, "parameter %s: symbol too long", spec->params[s->symbol_param].name);
    strcpy(ret->symbol, text);
  }
  if (s->timeframe_param >= 0 && !timeframe_parse(values[s->timeframe_param].text, &ret->timeframe_ns))
    return err_set(err, ERR_INVALID, "parameter %s: no timeframe", spec->params[s->timeframe_param].name);
  return OK;
}

static enum status indicator_resolve(const struct indicator_use *u, const struct param_value *values,
                                     struct indicator_plan *ret, struct err *err) {
  memset(ret, 0, sizeof *ret);
  ret->desc = u->desc;
  ret->stream = u->stream;
  ret->source = u->source;
  for (int i = 0; i < u->desc->n_params; i++)
    ret->params[i] = i >= u->arg_count          ? u->desc->params[i].default_value
                     : u->args[i].param >= 0 ? values[u->args[i].param].num
                                             : u->args[i].value;
  enum status st = indicator_check(u->desc, ret->params, err);
  if (st != OK) return err_wrap(err, st, "ind.%s", u->name);
  ret->warmup = indicator_warmup(u->desc, ret->params);
  return OK;
}

enum status script_plan_make(const struct script_spec *spec, const struct param_value *values, struct script_plan *ret_plan,
                             struct err *err) {
  ret_plan->stream_count = spec->stream_count;
  ret_plan->indicator_count = spec->indicator_count;
  for (int i = 0; i < spec->stream_count; i++) {
    enum status st = stream_resolve(spec, &spec->streams[i], values, &ret_plan->streams[i], err);
    if (st != OK) return st;
  }
  for (int i = 0; i < spec->indicator_count; i++) {
    enum status st = indicator_resolve(&spec->indicators[i], values, &ret_plan->indicators[i], err);
    if (st != OK) return st;
  }
  return OK;
}
