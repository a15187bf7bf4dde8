// tests/fuzz/fuzz_decimal.c – decimal text: what parses survives a round trip, agrees with strtod, and rescales exactly.
#include "base/decimal.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct decimal d, again;
  if (size > 400) return 0;
  char copy[401], text[DECIMAL_TEXT_MAX];
  memcpy(copy, data, size);
  copy[size] = '\0';
  if (!decimal_parse((const char *)data, size, &d)) return 0;
  assert(d.scale >= 0 && d.scale <= DECIMAL_SCALE_MAX);
  assert(d.scale == 0 || d.digits % 10 != 0);
  for (size_t i = 0; i < size; i++) assert(strchr("+-.eE0123456789", copy[i]));
  int len = decimal_format(d, text);
  assert(len > 0 && len < DECIMAL_TEXT_MAX && (size_t)len == strlen(text));
  assert(decimal_parse(text, (size_t)len, &again) && again.digits == d.digits && again.scale == d.scale);
  if (d.digits < INT64_C(1) << 53 && d.digits > -(INT64_C(1) << 53)) {
    assert(decimal_double(d) == strtod(copy, NULL));
    assert(decimal_double(d) == strtod(text, NULL));
  }
  for (int scale = 0; scale <= DECIMAL_SCALE_MAX; scale++) {
    int64_t value;
    if (!decimal_rescale(d, scale, &value)) continue;
    assert(scale >= d.scale);  // normal form: fewer decimals would lose digits
    struct decimal back = decimal_normal((struct decimal){value, scale});
    assert(back.digits == d.digits && back.scale == d.scale);
    int64_t parsed;
    assert(decimal_parse_scaled(text, (size_t)len, scale, &parsed) && parsed == value);
  }
  return 0;
}
