// tests/fuzz/fuzz_json_valid.c – the checker without a tree against jansson, which builds one: what jansson takes is valid; what is
// valid jansson takes too, but for what it alone refuses (numbers that do not fit, \u0000, half a surrogate pair).
#include "backtest/json_valid.h"
#include "base/json.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  if (memchr(data, 0, size)) {  // jansson passes over some NULs, which RFC 8259 knows nowhere
    assert(!json_valid_object(text, size));
    return 0;
  }
  json_error_t why;
  json_t *tree = json_loadb(text, size, 0, &why);
  bool valid = json_valid_object(text, size);
  if (json_is_object(tree) && !valid) {
    size_t depth = 0, deepest = 0;  // brackets inside texts count too: only a bound is wanted
    for (size_t i = 0; i < size; i++) {
      depth += text[i] == '{' || text[i] == '[';
      if (depth > deepest) deepest = depth;
    }
    assert(deepest > JSON_VALID_DEPTH_MAX);
  }
  if (valid && !tree) assert(json_error_code(&why) == json_error_numeric_overflow || memmem(text, size, "\\u", 2));
  if (valid && tree) assert(json_is_object(tree));
  json_decref(tree);
  return 0;
}
