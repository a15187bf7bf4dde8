// Packed bars: what goes in comes out, damage is noticed, lies with a right checksum do no harm. Zone files kept in memory.
#include "market/segment.h"
#include "market/tz.h"
#include "market/tz_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

static uint64_t rng = 88172645463325252;
static uint64_t rnd(void) {
  rng ^= rng << 13;
  rng ^= rng >> 7;
  return rng ^= rng << 17;
}

static struct series make(size_t n, bool odd) {
  struct err err;
  struct series s = {.timeframe_ns = NS_PER_MINUTE, .volume_scale = 3, .price_scale = 2};
  s.inst = (struct instrument){.symbol = "BTCUSDT", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}};
  assert_int_equal(instrument_finish(&s.inst, &err), OK);
  int64_t t = 1600000000 * NS_PER_S, px = 5000000;
  for (size_t i = 0; i < n; i++) {
    struct bar b = {.open_ns = t, .open = {px}, .volume = (int64_t)(rnd() % 5000000)};
    px += (int64_t)(rnd() % 2001) - 1000;
    if (px < 10) px = 10;
    b.close.ticks = px;
    int64_t up = b.open.ticks > px ? b.open.ticks : px, down = b.open.ticks < px ? b.open.ticks : px;
    b.high.ticks = up + (int64_t)(rnd() % 300);
    b.low.ticks = down - (int64_t)(rnd() % 10);
    if (odd && i % 7 == 0) b.volume = -1;
    if (odd && i % 11 == 0) b.flags = BAR_FILLED_IN;
    if (odd && i % 13 == 0) b.high.ticks = INT64_MAX / 4;
    assert_int_equal(series_append(&s, &b, &err), OK);
    t += NS_PER_MINUTE * (odd && i % 100 == 99 ? 60 : 1);
    if (odd && i % 17 == 0) t += 5;  // off the grid
  }
  series_count_gaps(&s);
  return s;
}

static void assert_same(const struct series *a, const struct series *b) {
  assert_int_equal(a->count, b->count);
  assert_int_equal(a->timeframe_ns, b->timeframe_ns);
  assert_int_equal(a->volume_scale, b->volume_scale);
  assert_int_equal(a->price_scale, b->price_scale);
  assert_int_equal(a->gaps, b->gaps);
  assert_memory_equal(&a->inst, &b->inst, sizeof a->inst);
  for (size_t i = 0; i < a->count; i++) {
    const struct bar *x = &a->bars[i], *y = &b->bars[i];
    assert_true(x->open_ns == y->open_ns && x->open.ticks == y->open.ticks && x->high.ticks == y->high.ticks && x->low.ticks == y->low.ticks &&
                x->close.ticks == y->close.ticks && x->volume == y->volume && x->flags == y->flags);
  }
}

static void goes_and_comes_back(void **state) {
  (void)state;
  const size_t sizes[] = {0, 1, 2, 4095, 4096, 4097, 10000};
  for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
    for (int odd = 0; odd < 2; odd++) {
      struct err err;
      struct series s = make(sizes[k], odd), back;
      struct buf b;
      buf_init(&b, 1 << 24);
      assert_int_equal(series_pack(&s, &b, &err), OK);
      assert_int_equal(series_unpack(b.data, b.len, &back, &err), OK);
      assert_same(&s, &back);
      if (!odd && sizes[k] == 10000) assert_in_range(b.len, 1, 10000 * 13);
      buf_finish(&b);
      series_finish(&back);
      series_finish(&s);
    }
}

static void cut_anywhere(void **state) {
  (void)state;
  struct err err;
  struct series s = make(50, true), back;
  struct buf b;
  buf_init(&b, 1 << 20);
  assert_int_equal(series_pack(&s, &b, &err), OK);
  const size_t head = b.len - 4 - 44;  // at least: a head alone is an empty series
  for (size_t n = 0; n < b.len; n++) {
    char *cut = malloc(n + 1);
    memcpy(cut, b.data, n);
    enum status st = series_unpack(cut, n, &back, &err);
    if (st == OK) {
      assert_int_equal(back.count, 0);
      assert_true(n < head);
      series_finish(&back);
    } else {
      assert_int_equal(st, ERR_INVALID);
    }
    free(cut);
  }
  buf_finish(&b);
  series_finish(&s);
}

static void damage_is_noticed(void **state) {
  (void)state;
  struct err err;
  struct series s = make(50, true);
  struct buf b;
  buf_init(&b, 1 << 20);
  assert_int_equal(segment_pack(&s, 0, 50, &b, &err), OK);
  for (size_t i = 0; i < b.len; i++)
    for (int bit = 0; bit < 8; bit++) {
      struct series into = {.inst = s.inst, .timeframe_ns = s.timeframe_ns, .volume_scale = s.volume_scale};
      b.data[i] = (char)(b.data[i] ^ 1 << bit);
      assert_int_equal(segment_unpack(b.data, b.len, &into, &err), ERR_INVALID);
      assert_int_equal(into.count, 0);
      b.data[i] = (char)(b.data[i] ^ 1 << bit);
      series_finish(&into);
    }
  for (size_t n = 0; n < b.len; n++) {
    struct series into = {.inst = s.inst, .timeframe_ns = s.timeframe_ns, .volume_scale = s.volume_scale};
    char *cut = malloc(n + 1);  // so that a sanitizer sees a read beyond it
    memcpy(cut, b.data, n);
    assert_int_equal(segment_unpack(cut, n, &into, &err), ERR_INVALID);
    free(cut);
    series_finish(&into);
  }
  buf_finish(&b);
  series_finish(&s);
}

// Any body with a right checksum: refused or bars that keep the rules.
static void lies_do_no_harm(void **state) {
  (void)state;
  struct err err;
  struct series s = make(20, true);
  int taken = 0;
  for (int round = 0; round < 20000; round++) {
    struct buf b;
    buf_init(&b, 1 << 16);
    assert_int_equal(segment_pack(&s, 0, 20, &b, &err), OK);
    unsigned char *p = (unsigned char *)b.data;
    for (int k = 0; k <= round % 3; k++) {
      size_t at = rnd() % (b.len - 4);
      if (at >= 36 && at < 44) at = 8;
      p[at + 4 >= b.len || at < 4 ? 44 + at % (b.len - 44) : at] = rnd() % 4 == 0 ? 0xff : (unsigned char)rnd();
    }
    uLong crc = crc32(0, p, 40);
    crc = crc32(crc, p + 44, (uInt)(b.len - 44));
    for (int i = 0; i < 4; i++) p[40 + i] = (unsigned char)(crc >> 8 * i);
    struct series into = {.inst = s.inst, .timeframe_ns = s.timeframe_ns, .volume_scale = s.volume_scale};
    if (segment_unpack(b.data, b.len, &into, &err) == OK) {
      taken++;
      for (size_t i = 0; i < into.count; i++) {
        const struct bar *x = &into.bars[i];
        assert_true(x->high.ticks >= x->open.ticks && x->high.ticks >= x->close.ticks && x->low.ticks <= x->open.ticks && x->low.ticks <= x->close.ticks);
        if (i) assert_true(x->open_ns > x[-1].open_ns);
      }
    } else {
      assert_int_equal(into.count, 0);
    }
    series_finish(&into);
    buf_finish(&b);
  }
  assert_true(taken > 0);
  series_finish(&s);
}

static void units_change_exactly(void **state) {
  (void)state;
  struct err err;
  struct series s = make(100, false), fine = make(0, false);
  struct decimal common;
  assert_true(tick_common((struct decimal){25, 2}, (struct decimal){1, 1}, &common));  // 0.25 and 0.1: 0.05
  assert_int_equal(common.digits, 5);
  assert_int_equal(common.scale, 2);
  int64_t open = s.bars[0].open.ticks, volume = s.bars[0].volume;
  assert_int_equal(series_rescale(&s, (struct decimal){1, 5}, 6, &err), OK);
  assert_int_equal(s.bars[0].open.ticks, open * 1000);
  assert_int_equal(s.bars[0].volume, volume * 1000);
  assert_int_equal(series_rescale(&s, (struct decimal){1, 2}, 3, &err), OK);
  assert_int_equal(s.bars[0].open.ticks, open);
  assert_int_equal(series_rescale(&s, (struct decimal){7, 2}, 3, &err), ERR_INVALID);  // 0.07 does not divide
  assert_int_equal(s.bars[0].open.ticks, open);
  // a coarse segment into a finer series; a finer one into a coarse series is refused
  struct buf b;
  buf_init(&b, 1 << 20);
  assert_int_equal(segment_pack(&s, 0, 100, &b, &err), OK);
  assert_int_equal(series_rescale(&fine, (struct decimal){1, 4}, 3, &err), OK);
  assert_int_equal(segment_unpack(b.data, b.len, &fine, &err), OK);
  assert_int_equal(fine.bars[99].close.ticks, s.bars[99].close.ticks * 100);
  assert_int_equal(segment_unpack(b.data, b.len, &fine, &err), ERR_INVALID);  // overlaps
  struct series coarse = {.inst = s.inst, .timeframe_ns = s.timeframe_ns, .volume_scale = 3};
  coarse.inst.tick = (struct decimal){1, 1};
  assert_int_equal(segment_unpack(b.data, b.len, &coarse, &err), ERR_INVALID);
  assert_int_equal(coarse.count, 0);
  buf_finish(&b);
  series_finish(&coarse);
  series_finish(&fine);
  series_finish(&s);
}

static void bad_bars_are_not_written(void **state) {
  (void)state;
  for (int what = 0; what < 4; what++) {
    struct err err;
    struct series s = make(10, false);
    struct buf b;
    buf_init(&b, 1 << 16);
    if (what == 0) s.bars[5].high.ticks = s.bars[5].low.ticks - 1;
    if (what == 1) s.bars[5].low.ticks = s.bars[5].high.ticks + 1;
    if (what == 2) s.bars[5].volume = -2;
    if (what == 3) s.bars[5].open_ns = s.bars[4].open_ns;
    assert_int_equal(series_pack(&s, &b, &err), ERR_INVALID);
    buf_finish(&b);
    series_finish(&s);
  }
}

static void zones_from_memory(void **state) {
  (void)state;
  struct err err;
  struct tz *before, *after;
  assert_int_equal(tz_load("America/New_York", &before, &err), OK);
  assert_int_equal(tz_preload(&err), OK);
  assert_int_equal(setenv("TZDIR", "/nowhere", 1), 0);  // nothing is read any more
  assert_int_equal(tz_load("America/New_York", &after, &err), OK);
  for (int64_t t = 0; t < 2000000000; t += 5000000) assert_int_equal(tz_offset_s(before, t), tz_offset_s(after, t));
  tz_destroy(after);
  assert_int_equal(tz_load("America/Argentina/Ushuaia", &after, &err), OK);
  tz_destroy(after);
  assert_int_equal(tz_load("Nowhere/At_All", &after, &err), ERR_NOTFOUND);
  tz_preload_finish();
  assert_int_equal(tz_load("America/New_York", &after, &err), ERR_NOTFOUND);
  assert_int_equal(unsetenv("TZDIR"), 0);
  tz_destroy(before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(goes_and_comes_back),  cmocka_unit_test(cut_anywhere), cmocka_unit_test(damage_is_noticed), cmocka_unit_test(lies_do_no_harm),
      cmocka_unit_test(units_change_exactly), cmocka_unit_test(bad_bars_are_not_written), cmocka_unit_test(zones_from_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
