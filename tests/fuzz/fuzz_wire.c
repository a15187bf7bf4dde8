// tests/fuzz/fuzz_wire.c – frames from a host that hostile code has taken over.
#include "bot/wire.h"

#include <assert.h>
#include <string.h>

// What reads the parts of a frame that it keeps for later, and the promises of wire.h about them.
static void look(const struct wire_frame *f) {
  struct wire_open open;
  struct wire_opened opened;
  struct wire_signal signal;
  for (size_t i = 0; i < f->bar_count; i++) {
    struct wire_bar b = wire_frame_bar(f, i);
    assert(b.bar.low.ticks <= b.bar.high.ticks && b.bar.volume >= -1);
  }
  for (size_t i = 0; i < f->funding_count; i++) {
    struct wire_funding one = wire_frame_funding(f, i);
    assert(one.ts_ns >= 0);
  }
  if (f->type == WIRE_BOT_OPEN) {
    wire_frame_open(f, &open);
    assert(open.bot == f->bot && open.stream_count >= 1 && open.stream_count <= SPEC_STREAMS_MAX && open.symbol_count >= 1);
    assert(open.chunkname.len < SPEC_NAME_MAX && open.source.len <= VM_SOURCE_MAX && open.run_from_ns <= open.live_from_ns);
    for (int i = 0; i < open.stream_count; i++) assert(open.streams[i].symbol >= 0 && open.streams[i].symbol < open.symbol_count);
  }
  if (f->type == WIRE_OPENED) {
    wire_frame_opened(f, &opened);
    assert(strlen(opened.spec_sha256) == 64 && strlen(opened.hash) == 64);
  }
  if (f->type == WIRE_SIGNAL) {
    wire_frame_signal(f, &signal);
    assert(signal.raw.len <= WIRE_RAW_MAX && signal.ts_ns >= 0);
  }
  // Read every text to its end.
  unsigned sum = 0;
  for (size_t i = 0; i < f->text_len; i++) sum += (unsigned char)f->text[i];
  for (size_t i = 0; i < f->memory.len; i++) sum += (unsigned char)f->memory.text[i];
  assert(sum <= 255 * (f->text_len + f->memory.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct wire_frame f;
  struct err err;
  for (size_t used; size > 0; data += used, size -= used) {
    enum status st = wire_read(data, size, &f, &used, &err);
    assert(st == OK || (st == ERR_INVALID && err.msg[0]));
    if (st != OK || used == 0) return 0;
    assert(used <= size && wire_type_text((int)f.type));
    look(&f);
  }
  return 0;
}
