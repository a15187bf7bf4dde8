#include "backtest/optimize_request.h"

#include "base/suggest.h"

#include <stdio.h>
#include <string.h>

static enum status whole(const json_t *v, const char *key, int64_t min, int64_t max, int64_t *ret, struct err *err) {
  if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
    return err_set(err, ERR_INVALID, "/%s: a whole number, %lld to %lld", key, (long long)min, (long long)max);
  *ret = json_integer_value(v);
  return OK;
}

static enum status ranges_parse(const json_t *v, bool has_spec, struct optimize_options *o, struct err *err) {
  const char *name;
  json_t *range;
  if (!json_is_object(v)) return err_set(err, ERR_INVALID, "/ranges: an object");
  json_object_foreach((json_t *)v, name, range) {
    char text[SPEC_NAME_MAX + 4096];
    const char *value = json_string_value(range);
    if (!value || strlen(value) != json_string_length(range) || strlen(name) >= SPEC_NAME_MAX || strlen(value) >= sizeof text - SPEC_NAME_MAX)
      return err_set(err, ERR_INVALID, "/ranges/%.60s: a text as \"5..50:5\" or \"5,10,20\"", name);
    if (!has_spec) continue;
    snprintf(text, sizeof text, "%s=%s", name, value);
    enum status st = space_add(&o->space, text, err);
    if (st != OK) return err_wrap(err, st, "/ranges/%.60s", name);
  }
  return OK;
}

static enum status method_parse(const json_t *v, struct optimize_options *o, struct err *err) {
  if (json_is_string(v) && search_method_parse(json_string_value(v), &o->method)) return OK;
  return err_set(err, ERR_INVALID, "/method: grid, random or tpe");
}

static enum status objective_parse(const json_t *v, struct optimize_options *o, struct err *err) {
  if (!json_is_string(v)) return err_set(err, ERR_INVALID, "/objective: a text");
  enum status st = optimize_objective_parse(json_string_value(v), o, err);
  return st == OK ? OK : err_wrap(err, st, "/objective");
}

static enum status rules_parse(const json_t *v, struct optimize_options *o, struct err *err) {
  size_t i;
  json_t *rule;
  if (!json_is_array(v)) return err_set(err, ERR_INVALID, "/require: an array");
  json_array_foreach((json_t *)v, i, rule) {
    const char *text = json_string_value(rule);
    enum status st = text ? optimize_rule_parse(text, o, err) : err_set(err, ERR_INVALID, "a text");
    if (st != OK) return err_wrap(err, st, "/require/%zu", i);
  }
  return OK;
}

enum status optimize_request_parse(const json_t *wish, bool has_spec, struct optimize_options *o, struct err *err) {
  static const char *const keys[] = {"ranges", "method", "trials", "seed", "objective", "require", "out_of_sample_pct", "walk_forward", "anchored"};
  const char *key;
  json_t *v;
  json_object_foreach((json_t *)wish, key, v) {
    int64_t n = 0;
    enum status st = OK;
    if (strcmp(key, "ranges") == 0) {
      st = ranges_parse(v, has_spec, o, err);
    } else if (strcmp(key, "method") == 0) {
      st = method_parse(v, o, err);
    } else if (strcmp(key, "trials") == 0) {
      st = whole(v, key, 1, SEARCH_TRIALS_MAX, &n, err);
      o->trials = (size_t)n;
    } else if (strcmp(key, "seed") == 0) {
      st = whole(v, key, 0, INT64_C(9007199254740991), &n, err);
      o->seed = (uint64_t)n;
    } else if (strcmp(key, "objective") == 0) {
      st = objective_parse(v, o, err);
    } else if (strcmp(key, "require") == 0) {
      st = rules_parse(v, o, err);
    } else if (strcmp(key, "out_of_sample_pct") == 0) {
      st = whole(v, key, 0, OPTIMIZE_UNSEEN_MAX, &n, err);
      o->out_of_sample_pct = (int)n;
    } else if (strcmp(key, "walk_forward") == 0) {
      st = whole(v, key, 0, OPTIMIZE_FOLDS_MAX, &n, err);
      o->folds = (int)n;
    } else if (strcmp(key, "anchored") == 0) {
      if (json_is_boolean(v)) o->anchored = json_is_true(v);
      else st = err_set(err, ERR_INVALID, "/anchored: true or false");
    } else {
      const char *near = suggest_nearest(key, keys, sizeof keys / sizeof *keys);
      st = err_set(err, ERR_INVALID, "/%.60s: unknown%s%s%s", key, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    if (st != OK) return st;
  }
  return has_spec && o->space.axis_count == 0 ? space_add_declared(&o->space, err) : OK;
}
