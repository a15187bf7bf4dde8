// Prints the OpenAPI document, for validators that nobody here wrote (openapi_valid.py).
#include "api/table.h"

#include <stdio.h>
#include <stdlib.h>

int main(void) {
  struct api_table *t;
  struct err err;
  if (api_table_create(&t, &err) != OK) {
    fprintf(stderr, "%s\n", err.msg);
    return 1;
  }
  json_t *doc = api_openapi(t, "0.0.0");
  const int failed = !doc || json_dumpf(doc, stdout, JSON_INDENT(1)) != 0;
  json_decref(doc);
  api_table_destroy(t);
  return failed;
}
