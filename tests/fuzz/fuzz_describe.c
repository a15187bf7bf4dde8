// tests/fuzz/fuzz_describe.c – any bytes as a script: describing it ends in a spec or an error, never in a crash or a hang.
#include "base/buf.h"
#include "script/spec.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct script_spec *spec = NULL;
  struct err err;
  if (memmem(data, size, "while", 5) || memmem(data, size, "for", 3) || memmem(data, size, "repeat", 6) || memmem(data, size, "goto", 4))
    return 0;  // loops end by the time budget, which a fuzzer should not wait for
  enum status st = script_describe("fuzz.lua", (const char *)data, size, NULL, &spec, &err);
  if (st != OK) {
    assert(st != ERR_INVALID || err.msg[0]);
    return 0;
  }
  struct param_value values[SPEC_PARAMS_MAX];
  struct script_plan plan;
  double max_notional;
  params_default(spec, values);
  if (script_check_params("fuzz.lua", (const char *)data, size, spec, values, NULL, &max_notional, &err) == OK &&
      script_plan_make(spec, values, &plan, &err) == OK)
    assert(plan.stream_count >= 1 && plan.stream_count <= SPEC_STREAMS_MAX);
  for (int i = 0; i < spec->param_count; i++) {  // a default, written out and read back, is itself
    char text[SPEC_TEXT_MAX], assignment[2 * SPEC_TEXT_MAX];
    struct param_value again[SPEC_PARAMS_MAX];
    params_default(spec, again);
    params_text(&spec->params[i], &values[i], text);
    strcpy(assignment, spec->params[i].name);
    strcat(assignment, "=");
    strcat(assignment, text);
    if (params_set_text(spec, assignment, again, &err) == OK) assert(strcmp(again[i].text, values[i].text) == 0);
  }
  json_decref(spec_json(spec));
  free(spec);
  return 0;
}
