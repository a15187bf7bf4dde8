// api/header_params.c – see header_params.h.
#include "api/header_params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void text_into(char *out, size_t size, const json_t *v) { snprintf(out, size, "%s", json_is_string(v) ? json_string_value(v) : ""); }

static bool limit_into(const json_t *v, double *out) {
  *out = json_number_value(v);
  return json_is_number(v);
}

struct script_spec *header_params(const json_t *header) {
  struct script_spec *spec = calloc(1, sizeof *spec);
  size_t i, k;
  const json_t *v, *choice;
  if (!spec) return NULL;
  json_array_foreach(json_object_get(header, "params"), i, v) {
    if (spec->param_count == SPEC_PARAMS_MAX) break;
    struct param_spec *p = &spec->params[spec->param_count++];
    text_into(p->name, sizeof p->name, json_object_get(v, "name"));
    const char *kind = json_string_value(json_object_get(v, "kind"));
    for (int n = 0; kind && n < PARAM_KIND_COUNT; n++)
      if (strcmp(kind, param_kind_name((enum param_kind)n)) == 0) p->kind = (enum param_kind)n;
    p->has_min = limit_into(json_object_get(v, "min"), &p->min);
    p->has_max = limit_into(json_object_get(v, "max"), &p->max);
    p->has_step = limit_into(json_object_get(v, "step"), &p->step);
    p->opt = json_is_true(json_object_get(v, "opt"));
    p->live = json_is_true(json_object_get(v, "live"));
    json_array_foreach(json_object_get(v, "choices"), k, choice) {
      if (p->choice_count < SPEC_CHOICES_MAX) text_into(p->choices[p->choice_count++], SPEC_NAME_MAX, choice);
    }
  }
  return spec;
}

static void pointer_of(char *out, size_t size, const char *name) {
  size_t n = (size_t)snprintf(out, size, "/params/");
  for (; *name && n + 3 < size; name++) {
    if (*name == '~' || *name == '/') {
      out[n++] = '~';
      out[n++] = *name == '~' ? '0' : '1';
    } else {
      out[n++] = *name;
    }
  }
  out[n] = '\0';
}

enum status header_params_check(const json_t *header, const json_t *params, bool live_only, struct schema_errors *ret, struct err *err) {
  struct script_spec *spec = header_params(header);
  struct param_value *values = calloc(SPEC_PARAMS_MAX, sizeof *values);
  const char *name;
  json_t *v;
  json_object_foreach((json_t *)params, name, v) {
    if (!spec || !values || ret->count == SCHEMA_ERRORS_MAX) break;
    char pointer[200];
    pointer_of(pointer, sizeof pointer, name);
    json_t *one = json_pack("{s:O}", name, v);
    enum status st = one ? params_set_json(spec, "", one, values, err) : ERR_NOMEM;
    json_decref(one);
    if (st != OK) {
      const char *text = strstr(err->msg, ": ");
      schema_errors_add(ret, pointer, "%s", text ? text + 2 : err->msg);
    } else if (live_only && !spec->params[params_find(spec, name)].live) {
      schema_errors_add(ret, pointer, "%s may not change while the bot is started: stop it first", name);
    }
  }
  const bool out_of_memory = !spec || !values;
  free(spec);
  free(values);
  return out_of_memory ? err_set(err, ERR_NOMEM, "out of memory") : OK;
}
