// tests/fuzz/fuzz_wire.c – frames from a host that hostile code has taken over.
#include "bot/wire.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct wire_frame f;
  struct err err;
  for (size_t used; size > 0; data += used, size -= used) {
    enum status st = wire_read(data, size, &f, &used, &err);
    assert(st == OK || (st == ERR_INVALID && err.msg[0]));
    if (st != OK || used == 0) return 0;
    assert(used <= size && wire_type_text((int)f.type));
    for (size_t i = 0; i < f.bar_count; i++) {
      struct wire_bar b = wire_frame_bar(&f, i);
      assert(b.bar.low.ticks <= b.bar.high.ticks && b.bar.volume >= -1);
    }
  }
  return 0;
}
