// signal/stages.c – see stages.h.
#include "signal/stages.h"

#include <string.h>

// What the rule wants changed. False takes a field away.
static bool change(json_t *signal, const json_t *set) {
  const char *field;
  json_t *v;
  bool good = true;
  json_object_foreach((json_t *)set, field, v) {
    if (json_is_false(v)) json_object_del(signal, field);
    else if (json_is_number(v)) good = json_object_set_new(signal, field, json_real(json_number_value(v))) == 0 && good;
    else good = json_object_set(signal, field, v) == 0 && good;
  }
  return good;
}

static json_t *entry(const struct stage *s, const struct rule_verdict *v, const char *error) {
  json_t *e = json_pack("{s:s, s:b}", "stage", s->name, "accept", v->accept);
  if (v->reason[0]) json_object_set_new(e, "reason", json_string(v->reason));
  if (v->note[0]) json_object_set_new(e, "note", json_string(v->note));
  if (v->has_score) json_object_set_new(e, "score", json_real(v->score));
  if (v->set) json_object_set(e, "set", v->set);
  if (error) json_object_set_new(e, "error", json_string(error));
  return e;
}

// raw as the rules see it: read, when it is JSON.
static json_t *with_data(json_t *signal) {
  json_t *seen = json_copy(signal);
  json_t *raw = json_object_get(signal, "raw"), *data = json_is_string(raw) ? json_loadb(json_string_value(raw), json_string_length(raw), 0, NULL) : NULL;
  if (seen && data) json_object_set(seen, "data", data);
  json_decref(data);
  return seen;
}

static bool run_stage(const struct stage *s, json_t *signal, json_t *env, json_t *scores, json_t *log, bool *ret_accept) {
  struct err err;
  struct rule_verdict v = {.accept = false};
  json_t *settings = NULL, *seen = with_data(signal);
  enum status st = seen ? rule_settings_fill(rule_settings(s->rule), s->settings, &settings, &err) : ERR_NOMEM;
  if (st == OK) {
    json_object_set_new(env, "stage", json_string(s->name));
    json_object_set_new(env, "settings", settings);
    json_object_set(env, "scores", scores);
    st = rule_ask(s->rule, seen, env, &v, &err);
  } else if (seen) {  // a new version of the rule knows one no more, say
    memcpy(v.reason, "the rule's settings do not fit", sizeof "the rule's settings do not fit");
  }
  json_t *e = seen ? entry(s, &v, st == OK ? NULL : err.msg) : NULL;
  bool good = e && json_array_append_new(log, e) == 0;
  if (v.accept && v.set) good = change(signal, v.set) && good;
  if (v.accept && v.has_score) json_object_set_new(scores, s->name, json_real(v.score));
  *ret_accept = v.accept;
  rule_verdict_finish(&v);
  json_decref(seen);
  return good;
}

json_t *stages_run(const struct stage *stages, size_t count, json_t *signal, json_t *env, void (*begins)(void *arg, size_t stage), void *arg, bool *ret_accept) {
  json_t *log = json_array(), *scores = json_object();
  bool good = log && scores;
  *ret_accept = true;
  for (size_t i = 0; good && *ret_accept && i < count; i++) {
    if (begins) begins(arg, i);
    good = run_stage(&stages[i], signal, env, scores, log, ret_accept);
  }
  json_object_del(env, "stage");
  json_object_del(env, "settings");
  json_object_del(env, "scores");
  json_decref(scores);
  if (good) return log;
  json_decref(log);
  *ret_accept = false;
  return NULL;
}
