// script/params.c – parameters of a script: kinds, limits, text in and out. No Lua here, so forms and flags share it.
#include "script/spec.h"

#include "base/suggest.h"
#include "market/bar.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name, *about;
} kinds[PARAM_KIND_COUNT] = {
#define X(kind, name, about) [kind] = {name, about},
    PARAM_KIND_LIST(X)
#undef X
};

const char *param_kind_name(enum param_kind kind) {
  assert(kind < PARAM_KIND_COUNT);
  return kinds[kind].name;
}

const char *param_kind_about(enum param_kind kind) {
  assert(kind < PARAM_KIND_COUNT);
  return kinds[kind].about;
}

static bool kind_is_number(enum param_kind kind) {
  return kind <= PARAM_MONEY;
}

void params_default(const struct script_spec *spec, struct param_value *ret_values) {
  for (int i = 0; i < spec->param_count; i++) ret_values[i] = spec->params[i].def;
}

int params_find(const struct script_spec *spec, const char *name) {
  for (int i = 0; i < spec->param_count; i++)
    if (strcmp(spec->params[i].name, name) == 0) return i;
  return -1;
}

static bool time_of_day_valid(const char *text) {
  int hour, minute, used = 0;
  return sscanf(text, "%2d:%2d%n", &hour, &minute, &used) == 2 && text[used] == '\0' && hour >= 0 && hour < 24 &&
         minute >= 0 && minute < 60;
}

static enum status check_number(const struct param_spec *p, double v, struct err *err) {
  if (!isfinite(v)) return err_set(err, ERR_INVALID, "%s must be a finite number", p->name);
  if (p->kind == PARAM_INT && v != floor(v))
    return err_set(err, ERR_INVALID, "%s must be a whole number, not %.15g", p->name, v);
  if (p->kind == PARAM_INT && fabs(v) > 0x1p53) return err_set(err, ERR_RANGE, "%s = %.15g is too large for a whole number", p->name, v);
  if (p->has_min && v < p->min) return err_set(err, ERR_RANGE, "%s = %.15g is below its minimum %.15g", p->name, v, p->min);
  if (p->has_max && v > p->max) return err_set(err, ERR_RANGE, "%s = %.15g is above its maximum %.15g", p->name, v, p->max);
  return OK;
}

enum status params_check(const struct param_spec *p, const struct param_value *value, struct err *err) {
  if (kind_is_number(p->kind)) return check_number(p, value->num, err);
  int64_t timeframe_ns;
  switch (p->kind) {
    case PARAM_ENUM: {
      char list[512] = "";
      for (int i = 0; i < p->choice_count; i++) {
        if (strcmp(p->choices[i], value->text) == 0) return OK;
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s\"%s\"", i ? ", " : "", p->choices[i]);
      }
          return err_set(err, ERR_INVALID, "%s = \"%s\" is none of %s", p->name, value->text, list);
    }
    case PARAM_TF:
      if (timeframe_parse(value->text, &timeframe_ns)) return OK;
      return err_set(err, ERR_INVALID, "%s = \"%s\" is no timeframe (such as \"5m\", \"1h\", \"1d\")", p->name, value->text);
    case PARAM_TIME:
      if (time_of_day_valid(value->text)) return OK;
      return err_set(err, ERR_INVALID, "%s = \"%s\" is no time of day (such as \"17:00\")", p->name, value->text);
    case PARAM_SYMBOL:
      if (strlen(value->text) < SYMBOL_MAX) return OK;
      return err_set(err, ERR_INVALID, "%s: a symbol has at most %d bytes", p->name, SYMBOL_MAX - 1);
    default:
      return OK;
  }
}

static enum status parse_value(const struct param_spec *p, const char *text, struct param_value *ret, struct err *err) {
  struct param_value v = {0};
  if (kind_is_number(p->kind)) {
    struct decimal d;
    if (!decimal_parse(text, strlen(text), &d))
      return err_set(err, ERR_INVALID, "%s = \"%s\": %s is wanted", p->name, text, param_kind_about(p->kind));
    v.num = decimal_double(d);
  } else if (p->kind == PARAM_BOOL) {
    bool yes = !strcmp(text, "true") || !strcmp(text, "1") || !strcmp(text, "yes") || !strcmp(text, "on");
    bool no = !strcmp(text, "false") || !strcmp(text, "0") || !strcmp(text, "no") || !strcmp(text, "off");
    if (!yes && !no) return err_set(err, ERR_INVALID, "%s = \"%s\": true or false is wanted", p->name, text);
    v.num = yes;
  } else {
    if (strlen(text) >= sizeof v.text) return err_set(err, ERR_INVALID, "%s: at most %zu bytes", p->name, sizeof v.text - 1);
    strcpy(v.text, text);
  }
  enum status st = params_check(p, &v, err);
  if (st == OK) *ret = v;
  return st;
}

enum status params_set_text(const struct script_spec *spec, const char *assignment, struct param_value *values,
                            struct err *err) {
  const char *equals = strchr(assignment, '=');
  size_t len = equals ? (size_t)(equals - assignment) : 0;
  if (!equals || len == 0 || len >= SPEC_NAME_MAX)
    return err_set(err, ERR_INVALID, "parameter \"%s\": write name=value", assignment);
  char name[SPEC_NAME_MAX];
  memcpy(name, assignment, len);
  name[len] = '\0';
  int ix = params_find(spec, name);
  if (ix < 0) {
    const char *names[SPEC_PARAMS_MAX];
    char list[512] = "";
    for (int i = 0; i < spec->param_count; i++) {
      names[i] = spec->params[i].name;
      snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = suggest_nearest(name, names, (size_t)spec->param_count);
    if (near) return err_set(err, ERR_INVALID, "the script has no parameter \"%s\"; did you mean \"%s\"?", name, near);
    return err_set(err, ERR_INVALID, "the script has no parameter \"%s\"; it has: %s", name, list[0] ? list : "none");
  }
  return parse_value(&spec->params[ix], equals + 1, &values[ix], err);
}

static enum status set_json_value(const struct script_spec *spec, const char *name, const json_t *v, struct param_value *values,
                                  struct err *err) {
  char text[SPEC_NAME_MAX + SPEC_TEXT_MAX + 64];
  int n;
  if (json_is_string(v)) n = snprintf(text, sizeof text, "%s=%s", name, json_string_value(v));
  else if (json_is_integer(v)) n = snprintf(text, sizeof text, "%s=%" JSON_INTEGER_FORMAT, name, json_integer_value(v));
  else if (json_is_real(v)) n = snprintf(text, sizeof text, "%s=%.17g", name, json_real_value(v));
  else if (json_is_boolean(v)) n = snprintf(text, sizeof text, "%s=%s", name, json_is_true(v) ? "true" : "false");
  else return err_set(err, ERR_INVALID, "a number, a text, true or false is wanted");
  bool has_nul = json_is_string(v) && strlen(json_string_value(v)) != json_string_length(v);
  if (n < 0 || (size_t)n >= sizeof text || has_nul) return err_set(err, ERR_INVALID, "too long");
  return params_set_text(spec, text, values, err);
}

enum status params_set_json(const struct script_spec *spec, const char *at, const json_t *object, struct param_value *values,
                            struct err *err) {
  const char *name;
  json_t *v;
  enum status st = OK;
  json_object_foreach((json_t *)object, name, v) {
    st = set_json_value(spec, name, v, values, err);
    if (st != OK) return err_wrap(err, st, "%s/%.60s", at, name);
  }
  return OK;
}

char *params_text(const struct param_spec *p, const struct param_value *value, char *buf) {
  if (p->kind == PARAM_BOOL)
    strcpy(buf, value->num != 0 ? "true" : "false");
  else if (kind_is_number(p->kind))
    snprintf(buf, SPEC_TEXT_MAX, "%.15g", value->num);
  else
    snprintf(buf, SPEC_TEXT_MAX, "%s", value->text);
  return buf;
}

static json_t *value_json(const struct param_spec *p, const struct param_value *v) {
  if (p->kind == PARAM_BOOL) return json_boolean(v->num != 0);
  if (p->kind == PARAM_INT) return json_integer((json_int_t)v->num);
  if (kind_is_number(p->kind)) return json_real(v->num);
  return json_string(v->text);
}

static json_t *param_json(const struct param_spec *p) {
  json_t *o = json_object();
  json_object_set_new(o, "name", json_string(p->name));
  json_object_set_new(o, "kind", json_string(param_kind_name(p->kind)));
  json_object_set_new(o, "default", value_json(p, &p->def));
  if (p->has_min) json_object_set_new(o, "min", json_real(p->min));
  if (p->has_max) json_object_set_new(o, "max", json_real(p->max));
  if (p->has_step) json_object_set_new(o, "step", json_real(p->step));
  if (p->choice_count) {
    json_t *list = json_array();
    for (int i = 0; i < p->choice_count; i++) json_array_append_new(list, json_string(p->choices[i]));
    json_object_set_new(o, "choices", list);
  }
  if (p->label[0]) json_object_set_new(o, "label", json_string(p->label));
  if (p->group[0]) json_object_set_new(o, "group", json_string(p->group));
  json_object_set_new(o, "opt", json_boolean(p->opt));
  json_object_set_new(o, "live", json_boolean(p->live));
  return o;
}

json_t *spec_json(const struct script_spec *spec) {
  json_t *o = json_object(), *params = json_array(), *data = json_object(), *ind = json_object(), *callbacks = json_array();
  char text[TIMEFRAME_TEXT_MAX];
  json_object_set_new(o, "name", json_string(spec->name));
  json_object_set_new(o, "api", json_integer(spec->api));
  if (spec->about[0]) json_object_set_new(o, "about", json_string(spec->about));
  json_object_set_new(o, "sha256", json_string(spec->sha256));
  json_object_set_new(o, "mode", json_string(spec->hedging ? "hedging" : "netting"));
  for (int i = 0; i < spec->param_count; i++) json_array_append_new(params, param_json(&spec->params[i]));
  json_object_set_new(o, "params", params);
  for (int i = 0; i < spec->stream_count; i++) {
    const struct stream_spec *s = &spec->streams[i];
    json_t *stream = json_object();
    if (s->symbol_param >= 0)
      json_object_set_new(stream, "symbol", json_sprintf("param:%s", spec->params[s->symbol_param].name));
    else if (s->symbol[0])
      json_object_set_new(stream, "symbol", json_string(s->symbol));
    if (s->timeframe_param >= 0)
      json_object_set_new(stream, "tf", json_sprintf("param:%s", spec->params[s->timeframe_param].name));
    else if (s->timeframe_ns)
      json_object_set_new(stream, "tf", json_string(timeframe_text(s->timeframe_ns, text)));
    json_object_set_new(data, s->name, stream);
  }
  json_object_set_new(o, "data", data);
  for (int i = 0; i < spec->indicator_count; i++) {
    const struct indicator_use *u = &spec->indicators[i];
    json_t *args = json_array(), *use = json_object();
    for (int a = 0; a < u->arg_count; a++)
      json_array_append_new(args, u->args[a].param >= 0 ? json_string(spec->params[u->args[a].param].name)
                                                        : json_real(u->args[a].value));
    json_object_set_new(use, "kind", json_string(u->desc->name));
    json_object_set_new(use, "args", args);
    json_object_set_new(use, "on", json_string(spec->streams[u->stream].name));
    json_object_set_new(ind, u->name, use);
  }
  json_object_set_new(o, "ind", ind);
  for (int i = 0; i < CALLBACK_COUNT; i++)
    if (spec->callbacks & (UINT32_C(1) << i)) json_array_append_new(callbacks, json_string(callback_name((enum callback)i)));
  json_object_set_new(o, "callbacks", callbacks);
  json_object_set_new(o, "warmup", json_integer(spec->warmup));
  json_object_set_new(o, "lookback", json_integer(spec->lookback));
  return o;
}
