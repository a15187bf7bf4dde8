#include "api/query.h"

#include "api/router.h"

#include <stdio.h>
#include <string.h>

static bool add(json_t *out, const struct query_param *p, const char *value, size_t len, struct schema_errors *errors) {
  char pointer[80];
  snprintf(pointer, sizeof pointer, "?%s", p->name);
  if (json_object_get(out, p->name)) {
    schema_errors_add(errors, pointer, "must not be there twice");
    return false;
  }
  json_t *v;
  if (!schema_check_text(p->schema, value, len, pointer, errors, &v)) return false;
  return json_object_set_new(out, p->name, v) == 0;
}

bool query_parse(const char *text, size_t len, const struct query_param *params, int count, struct schema_errors *errors, json_t **ret) {
  const int before = errors->count;
  char name[QUERY_TEXT_MAX + 1], value[QUERY_TEXT_MAX + 1];
  json_t *out = json_object();
  if (!out) return false;
  bool fits = true;
  if (len > QUERY_TEXT_MAX) {
    schema_errors_add(errors, "?", "must have at most %d bytes", QUERY_TEXT_MAX);
    len = 0;
  }
  for (size_t i = 0; i < len && errors->count < SCHEMA_ERRORS_MAX;) {
    const char *amp = memchr(text + i, '&', len - i);
    const size_t n = amp ? (size_t)(amp - text) - i : len - i;
    const char *eq = memchr(text + i, '=', n);
    const size_t name_raw = eq ? (size_t)(eq - text) - i : n, value_at = i + name_raw + (eq != NULL);
    size_t name_len, value_len;
    if (n > 0) {
      if (!percent_decode(text + i, name_raw, true, name, &name_len)) {
        schema_errors_add(errors, "?", "has an ill-formed name");
      } else if (!percent_decode(text + value_at, i + n - value_at, true, value, &value_len)) {
        schema_errors_add(errors, "?", "has an ill-formed value");
      } else {
        const struct query_param *p = NULL;
        for (int k = 0; k < count && !p; k++)
          if (strcmp(params[k].name, name) == 0) p = &params[k];
        char pointer[80];
        snprintf(pointer, sizeof pointer, "?%.60s", name);
        if (!p) schema_errors_add(errors, strlen(name) > 60 ? "?" : pointer, "is not known here");
        else fits &= add(out, p, value, value_len, errors);
      }
    }
    i += n + 1;
  }
  for (int k = 0; k < count; k++) {
    if (json_object_get(out, params[k].name)) continue;
    char pointer[80];
    snprintf(pointer, sizeof pointer, "?%s", params[k].name);
    if (params[k].required && errors->count == before) schema_errors_add(errors, pointer, "is required");
    if (params[k].absent) json_object_set(out, params[k].name, params[k].absent);
  }
  if (!fits || errors->count != before) {
    json_decref(out);
    return false;
  }
  *ret = out;
  return true;
}
