#include "tenant/preset.h"

#include "base/suggest.h"
#include "script/spec.h"
#include "tenant/edition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define ABOUT_MAX_BYTES 1000

static enum status check_keys(const json_t *preset, size_t i, struct err *err) {
  static const char *const known[] = {"strategy", "name", "about", "params"};
  const char *key;
  json_t *value;
  if (!json_is_object(preset)) return err_set(err, ERR_INVALID, "/presets/%zu must be an object", i);
  json_object_foreach((json_t *)preset, key, value) {
    bool good = false;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) good = good || strcmp(known[k], key) == 0;
    if (good) continue;
    const char *near = suggest_nearest(key, known, sizeof known / sizeof *known);
    return err_set(err, ERR_INVALID, "/presets/%zu: unknown key '%.60s'%s%s%s", i, key, near ? "; did you mean '" : "",
      near ? near : "", near ? "'?" : "");
  }
  return OK;
}

static enum status check_text(
  const json_t *preset, size_t i, const char *key, size_t max, const char **ret, struct err *err) {
  *ret = json_string_value(json_object_get(preset, key));
  if (*ret == NULL || **ret == '\0' || json_string_length(json_object_get(preset, key)) > max ||
      strlen(*ret) != json_string_length(json_object_get(preset, key)))
    return err_set(err, ERR_INVALID, "/presets/%zu/%s must be a text of 1 to %zu bytes", i, key, max);
  return OK;
}

// The values must be good each for itself, and together for the script's check(p).
static enum status check_params(const char *strategy, const struct script_draft *d, const json_t *params, size_t i,
  struct watchdog *watchdog, struct err *err) {
  struct script_spec *spec;
  struct param_value values[SPEC_PARAMS_MAX];
  double max_notional;
  char at[64];
  snprintf(at, sizeof at, "/presets/%zu/params", i);
  if (params != NULL && !json_is_object(params)) return err_set(err, ERR_INVALID, "%s must be an object", at);
  enum status st = script_describe(strategy, d->source, d->source_len, watchdog, &spec, err);
  if (st != OK) return err_wrap(err, st, "%s", at);
  params_default(spec, values);
  st = params_set_json(spec, at, params, values, err);
  if (st == OK) {
    st = script_check_params(strategy, d->source, d->source_len, spec, values, watchdog, &max_notional, err);
    if (st != OK) st = err_wrap(err, st, "%s", at);
  }
  free(spec);
  return st;
}

// As written in the manifest, but a fraction becomes its decimal text: 0.6, not 0.59999999999999998.
static json_t *shown(const json_t *params) {
  json_t *o = json_object();
  const char *name;
  json_t *v;
  json_object_foreach((json_t *)params, name, v) {
    char text[40];
    snprintf(text, sizeof text, "%.15g", json_number_value(v));
    json_object_set_new(o, name, json_is_real(v) ? json_string(text) : json_incref(v));
  }
  return o;
}

static enum status add(json_t *all, const json_t *preset, size_t i, preset_strategy find, void *arg,
  struct watchdog *watchdog, struct err *err) {
  const char *strategy, *name, *about = "";
  const json_t *params = json_object_get(preset, "params");
  enum status st = check_keys(preset, i, err);
  if (st == OK) st = check_text(preset, i, "strategy", SCRIPT_NAME_SIZE, &strategy, err);
  if (st == OK) st = check_text(preset, i, "name", NAME_MAX_BYTES, &name, err);
  if (st == OK && json_object_get(preset, "about") != NULL)
    st = check_text(preset, i, "about", ABOUT_MAX_BYTES, &about, err);
  if (st != OK) return st;
  for (size_t k = 0; k < json_array_size(all); k++) {
    const json_t *other = json_array_get(all, k);
    if (strcmp(json_string_value(json_object_get(other, "name")), name) == 0 &&
        strcmp(json_string_value(json_object_get(other, "strategy")), strategy) == 0)
      return err_set(err, ERR_INVALID, "/presets/%zu: %s has a preset named %s already", i, strategy, name);
  }
  const struct script_draft *d = find(arg, strategy);
  if (d == NULL)
    return err_set(err, ERR_INVALID, "/presets/%zu: the edition has no strategy named %.60s", i, strategy);
  st = check_params(strategy, d, params, i, watchdog, err);
  if (st != OK) return st;
  json_t *o = json_pack(
    "{s:s, s:s, s:s, s:o}", "strategy", strategy, "name", name, "about", about, "params", shown(params));
  return o != NULL && json_array_append_new(all, o) == 0 ? OK : err_set(err, ERR_NOMEM, "no memory for the presets");
}

enum status presets_read(const json_t *list, preset_strategy find, void *arg, struct watchdog *watchdog, char **ret,
  struct err *err) {
  enum status st = OK;
  if (list != NULL && !json_is_array(list)) return err_set(err, ERR_INVALID, "/presets must be a list");
  if (json_array_size(list) > EDITION_PRESETS_MAX)
    return err_set(err, ERR_LIMIT, "/presets: at most %d", EDITION_PRESETS_MAX);
  json_t *all = json_array();
  for (size_t i = 0; st == OK && i < json_array_size(list); i++)
    st = add(all, json_array_get(list, i), i, find, arg, watchdog, err);
  *ret = st == OK && all != NULL ? json_dumps(all, JSON_COMPACT) : NULL;
  json_decref(all);
  return st == OK && *ret == NULL ? err_set(err, ERR_NOMEM, "no memory for the presets") : st;
}
