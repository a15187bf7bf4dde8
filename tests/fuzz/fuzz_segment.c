// tests/fuzz/fuzz_segment.c – packed bars as anything: refused, or a series that keeps the rules and packs to what it was. The
// checksum is put right first, else nothing would ever get past it.
#include "market/segment.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SERIES_HEAD 132
#define SEGMENT_HEAD 44

static void mend(uint8_t *bytes, size_t size) {
  for (size_t at = SERIES_HEAD; at + 4 + SEGMENT_HEAD <= size;) {
    uint32_t len;
    memcpy(&len, bytes + at, 4);
    uint8_t *h = bytes + at + 4;
    if (len < SEGMENT_HEAD || len > size - at - 4) return;
    uint32_t body = len - SEGMENT_HEAD;
    memcpy(h + 36, &body, 4);
    uint32_t crc = (uint32_t)crc32(crc32(0, h, 40), h + SEGMENT_HEAD, body);
    memcpy(h + 40, &crc, 4);
    at += 4 + len;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct err err;
  struct series s, again;
  if (size > 1 << 20) return 0;
  uint8_t *copy = malloc(size + 1);
  assert(copy);
  memcpy(copy, data, size);
  mend(copy, size);
  if (series_unpack(copy, size, &s, &err) == OK) {
    for (size_t i = 0; i < s.count; i++) {
      const struct bar *b = &s.bars[i];
      assert(b->high.ticks >= b->open.ticks && b->high.ticks >= b->close.ticks && b->low.ticks <= b->open.ticks && b->low.ticks <= b->close.ticks && b->volume >= -1);
      assert(i == 0 || b->open_ns > b[-1].open_ns);
    }
    struct buf packed;
    buf_init(&packed, 1 << 26);
    enum status st = series_pack(&s, &packed, &err);
    assert(st == OK || st == ERR_RANGE);
    if (st == OK) {
      st = series_unpack(packed.data, packed.len, &again, &err);
      assert(st == OK && again.count == s.count && (s.count == 0 || memcmp(again.bars, s.bars, s.count * sizeof *s.bars) == 0));
      series_finish(&again);
    }
    buf_finish(&packed);
    series_finish(&s);
  }
  free(copy);
  return 0;
}
