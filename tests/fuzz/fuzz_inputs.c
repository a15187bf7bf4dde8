// tests/fuzz/fuzz_inputs.c – the files beside the bars: funding rates, recorded signals, dated terms; customers send them too.
#include "market/funding.h"
#include "market/signals.h"
#include "market/terms.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct err err = {OK, ""};
  struct signal_list signals;
  if (signals_load_bytes("in", data, size, &signals, &err) == OK) {
    for (size_t i = 0; i < signals.count; i++) {
      const struct signal *s = &signals.items[i];
      assert(i == 0 || s->ts_ns >= s[-1].ts_ns);
      assert(s->id[0] && s->raw && s->symbol && s->action);
    }
    signals_finish(&signals);
  }
  struct funding_list funding;
  if (funding_load_bytes("in", data, size, &funding, &err) == OK) {
    for (size_t i = 1; i < funding.count; i++) assert(funding.items[i].ts_ns > funding.items[i - 1].ts_ns);
    funding_finish(&funding);
  }
  struct terms_list terms;
  if (terms_load_bytes("in", data, size, &terms, &err) == OK) {
    assert(terms.count > 0 && terms.count <= TERMS_MAX);
    for (size_t i = 1; i < terms.count; i++) assert(terms.items[i].from_ns > terms.items[i - 1].from_ns);
    terms_finish(&terms);
  }
  assert(err.code == OK || err.msg[0]);
  return 0;
}
