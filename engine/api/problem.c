#include "api/problem.h"

#include <assert.h>
#include <string.h>

static const struct { const char *code; int status; const char *title; } table[PROBLEM_COUNT] = {
#define X(code, status, title) [PROBLEM_##code] = {#code, status, title},
    PROBLEM_LIST(X)
#undef X
};

const char *problem_code(enum problem p) {
  assert(p > PROBLEM_NONE && p < PROBLEM_COUNT);
  return table[p].code;
}
int problem_status(enum problem p) {
  assert(p > PROBLEM_NONE && p < PROBLEM_COUNT);
  return table[p].status;
}
const char *problem_title(enum problem p) {
  assert(p > PROBLEM_NONE && p < PROBLEM_COUNT);
  return table[p].title;
}

enum problem problem_by_code(const char *code) {
  for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++)
    if (strcmp(table[p].code, code) == 0) return (enum problem)p;
  return PROBLEM_NONE;
}

enum problem problem_of_refusal(int status) {
  switch (status) {
    case 403: return PROBLEM_forbidden;
    case 405: return PROBLEM_method_not_allowed;
    case 408: return PROBLEM_request_timeout;
    case 413: return PROBLEM_body_too_large;
    case 414: return PROBLEM_target_too_long;
    case 417: return PROBLEM_expectation_failed;
    case 426: return PROBLEM_upgrade_required;
    case 431: return PROBLEM_fields_too_large;
    case 501: return PROBLEM_not_implemented;
    case 503: return PROBLEM_unavailable;
    case 505: return PROBLEM_http_version;
    default: return PROBLEM_malformed_request;
  }
}

json_t *problem_json(enum problem p, const char *detail, const struct schema_errors *errors, const char *request_id) {
  json_t *o = json_pack("{s:o, s:s, s:i, s:s}", "type", json_sprintf(PROBLEM_TYPE_PREFIX "%s", problem_code(p)), "title", problem_title(p),
                        "status", problem_status(p), "code", problem_code(p));
  if (!o) return NULL;
  if (detail && *detail) {
    // Details quote what the client sent; what is not text is left out rather than breaking the document.
    json_t *text = json_string(detail);
    if (text) json_object_set_new(o, "detail", text);
  }
  if (errors && errors->count > 0) {
    json_t *list = json_array();
    for (int i = 0; i < errors->count; i++)
      json_array_append_new(list, json_pack("{s:s, s:s}", "pointer", errors->items[i].pointer, "detail", errors->items[i].message));
    json_object_set_new(o, "errors", list);
  }
  if (request_id) json_object_set_new(o, "request_id", json_string(request_id));
  return o;
}
