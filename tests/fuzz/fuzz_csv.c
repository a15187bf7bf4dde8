// tests/fuzz/fuzz_csv.c – the CSV loader: whatever the bytes, bars that load keep every promise of csv.h, and neither the size
// of reads nor the choice between fast and exact row reader changes a bar. The first byte picks options, the rest is the file.
#include "market/csv.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status load(const uint8_t *data, size_t size, const struct csv_options *o, struct series *ret) {
  static struct csv_report report;
  struct err err;
  enum status st = csv_load_bytes("FUZZ_1m.csv", data, size, o, ret, &report, &err);
  assert(st == OK || err.msg[0] != '\0');
  for (size_t i = 0; i < report.message_count && i < CSV_MESSAGES_MAX; i++) assert(report.messages[i][0] != '\0');
  return st;
}

static void check(const struct series *s) {
  assert(s->count > 0 && s->timeframe_ns == NS_PER_MINUTE);
  int64_t sum = 0;
  for (size_t i = 0; i < s->count; i++) {
    const struct bar *b = &s->bars[i];
    assert(i == 0 || b->open_ns >= b[-1].open_ns + NS_PER_MINUTE / 2);
    assert(b->low.ticks > 0 && b->low.ticks <= b->open.ticks && b->open.ticks <= b->high.ticks);
    assert(b->low.ticks <= b->close.ticks && b->close.ticks <= b->high.ticks);
    assert(b->volume >= -1);
    if (b->volume > 0) assert(add_checked(sum, b->volume, &sum));
  }
  struct series hour;
  struct err err;
  enum status st = series_aggregate(s, 60 * NS_PER_MINUTE, &hour, &err);
  assert(st == OK);
  for (size_t i = 0; i < hour.count; i++)
    assert(hour.bars[i].open_ns + 60 * NS_PER_MINUTE <= s->bars[s->count - 1].open_ns + NS_PER_MINUTE);
  series_finish(&hour);
}

static void assert_same(enum status st, const struct series *a, enum status other_st, const struct series *b) {
  assert(st == other_st);
  if (st != OK) return;
  assert(a->count == b->count && a->inst.tick.digits == b->inst.tick.digits && a->inst.tick.scale == b->inst.tick.scale);
  assert(a->volume_scale == b->volume_scale && a->gaps == b->gaps && a->duplicates == b->duplicates);
  assert(memcmp(a->bars, b->bars, a->count * sizeof *a->bars) == 0);
}

// A space behind every comma sends each row to the exact reader.
static uint8_t *spaced(const uint8_t *data, size_t size, size_t *ret_size) {
  uint8_t *out = malloc(2 * size + 1);
  assert(out);
  size_t n = 0;
  for (size_t i = 0; i < size; i++) {
    out[n++] = data[i];
    if (data[i] == ',') out[n++] = ' ';
  }
  *ret_size = n;
  return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0 || size > 20000) return 0;
  struct csv_options o = {.repair = data[0] & 1};
  if (data[0] & 2) o.tick = (struct decimal){5, 2};
  if (data[0] & 4) o.lot = (struct decimal){1, 3};
  const size_t chunk = 1 + (data[0] >> 3);
  data++, size--;
  struct series whole, pieces, exact;
  enum status st = load(data, size, &o, &whole);
  if (st == OK) check(&whole);
  o.chunk_bytes = chunk;
  enum status pieces_st = load(data, size, &o, &pieces);
  assert_same(st, &whole, pieces_st, &pieces);
  if (pieces_st == OK) series_finish(&pieces);
  if (size < 2 || data[0] != 0x1f) {
    o.chunk_bytes = 0;
    size_t spaced_size;
    uint8_t *text = spaced(data, size, &spaced_size);
    enum status exact_st = load(text, spaced_size, &o, &exact);
    assert_same(st, &whole, exact_st, &exact);
    if (exact_st == OK) series_finish(&exact);
    free(text);
  }
  if (st == OK) series_finish(&whole);
  return 0;
}
