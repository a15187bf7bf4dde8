// api/query.h – the part of a target after '?', checked against the parameters a route declares.
//
// Names and values are percent-decoded ('+' is a blank). A parameter that the route does not declare, or that comes twice
// without being a list, is an error: a misspelt filter must not silently become "everything".
#pragma once
#include "api/schema.h"

#define QUERY_PARAMS_MAX 12
#define QUERY_TEXT_MAX 4096

struct query_param {
  const char *name;
  const struct schema *schema;
  bool required;
  json_t *absent;  // value when it is not given; NULL: none. Borrowed
};

// *ret gets a new object {name: value}; errors' pointers are "?name". False when something is wrong.
bool query_parse(const char *text, size_t len, const struct query_param *params, int count, struct schema_errors *errors, json_t **ret);
