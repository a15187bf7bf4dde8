#include "market/segment.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MAGIC "PGS1"
#define HEAD_BYTES 44
#define CRC_AT 40
#define BAR_BYTES_MAX 70  // seven varints of ten bytes
#define SERIES_MAGIC "PGB1"

enum { HAS_FLAGS = 1 };

// ---- bytes

static void put_u32(unsigned char *p, uint32_t v) {
  for (int i = 0; i < 4; i++) p[i] = (unsigned char)(v >> (8 * i));
}
static void put_i64(unsigned char *p, int64_t v) {
  for (int i = 0; i < 8; i++) p[i] = (unsigned char)((uint64_t)v >> (8 * i));
}
static uint32_t get_u32(const unsigned char *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }
static int64_t get_i64(const unsigned char *p) { return (int64_t)(get_u32(p) | (uint64_t)get_u32(p + 4) << 32); }

static unsigned char *put_varint(unsigned char *p, int64_t v) {
  uint64_t z = ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
  for (; z >= 0x80; z >>= 7) *p++ = (unsigned char)(z | 0x80);
  *p++ = (unsigned char)z;
  return p;
}

struct reader {
  const unsigned char *p, *end;
  bool bad;
};
static inline int64_t get_varint(struct reader *r) {
  uint64_t z = 0;
  for (int shift = 0; shift < 70 && r->p < r->end; shift += 7) {
    unsigned char c = *r->p++;
    if (shift == 63 && c > 1) break;
    z |= (uint64_t)(c & 0x7f) << shift;
    if (!(c & 0x80)) return (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
  }
  r->bad = true;
  return 0;
}

// ---- packing

struct packer {
  unsigned char *p;
  bool overflow;
};
static void put_delta(struct packer *k, int64_t a, int64_t b) {
  int64_t d;
  if (!sub_checked(a, b, &d)) {
    k->overflow = true;
    return;
  }
  k->p = put_varint(k->p, d);
}

static int64_t upper(const struct bar *b) { return b->open.ticks > b->close.ticks ? b->open.ticks : b->close.ticks; }
static int64_t lower(const struct bar *b) { return b->open.ticks < b->close.ticks ? b->open.ticks : b->close.ticks; }

static uint32_t segment_crc(const unsigned char *head, const unsigned char *body, size_t body_len) {
  uLong crc = crc32(0, head, CRC_AT);
  return (uint32_t)crc32(crc, body, (uInt)body_len);
}

// The columns of bars [0, count) behind `p`; the end, or NULL when a difference does not fit.
static unsigned char *write_columns(unsigned char *p, const struct bar *bars, size_t count, int64_t timeframe_ns, bool has_flags) {
  struct packer k = {p, false};
  int64_t end_ns = bars[0].open_ns, close = 0;
  for (size_t i = 0; i < count; i++) {
    put_delta(&k, bars[i].open_ns, end_ns);
    if (!add_checked(bars[i].open_ns, timeframe_ns, &end_ns)) k.overflow = true;
  }
  for (size_t i = 0; i < count; i++) {
    put_delta(&k, bars[i].open.ticks, close);
    close = bars[i].close.ticks;
  }
  for (size_t i = 0; i < count; i++) put_delta(&k, bars[i].close.ticks, bars[i].open.ticks);
  for (size_t i = 0; i < count; i++) put_delta(&k, bars[i].high.ticks, upper(&bars[i]));
  for (size_t i = 0; i < count; i++) put_delta(&k, lower(&bars[i]), bars[i].low.ticks);
  for (size_t i = 0; i < count; i++) k.p = put_varint(k.p, bars[i].volume);
  for (size_t i = 0; has_flags && i < count; i++) k.p = put_varint(k.p, bars[i].flags);
  return k.overflow ? NULL : k.p;
}

enum status segment_pack(const struct series *s, size_t from, size_t count, struct buf *out, struct err *err) {
  assert(count > 0 && count <= SEGMENT_BARS_MAX && from + count <= s->count);
  const struct bar *bars = s->bars + from;
  uint32_t flags = 0;
  for (size_t i = 0; i < count; i++) {
    flags |= bars[i].flags;
    // what could not be read back is not written
    if (bars[i].high.ticks < upper(&bars[i]) || bars[i].low.ticks > lower(&bars[i]) || bars[i].volume < -1 || (i > 0 && bars[i].open_ns <= bars[i - 1].open_ns))
      return err_set(err, ERR_INVALID, "%s: bar %zu breaks the rules of bars", s->inst.symbol, from + i);
  }
  unsigned char *bytes = malloc(HEAD_BYTES + count * BAR_BYTES_MAX);
  if (!bytes) return err_set(err, ERR_NOMEM, "%s: out of memory", s->inst.symbol);
  unsigned char *end = write_columns(bytes + HEAD_BYTES, bars, count, s->timeframe_ns, flags);
  if (!end) {
    free(bytes);
    return err_set(err, ERR_RANGE, "%s: prices or times too far apart to be packed", s->inst.symbol);
  }
  size_t body = (size_t)(end - bytes) - HEAD_BYTES;
  memcpy(bytes, MAGIC, 4);
  put_u32(bytes + 4, (uint32_t)count);
  put_i64(bytes + 8, bars[0].open_ns);
  put_i64(bytes + 16, s->timeframe_ns);
  put_i64(bytes + 24, s->inst.tick.digits);
  bytes[32] = (unsigned char)s->inst.tick.scale;
  bytes[33] = (unsigned char)s->volume_scale;
  bytes[34] = flags ? HAS_FLAGS : 0;
  bytes[35] = 0;
  put_u32(bytes + 36, (uint32_t)body);
  put_u32(bytes + CRC_AT, segment_crc(bytes, bytes + HEAD_BYTES, body));
  buf_add(out, bytes, HEAD_BYTES + body);
  free(bytes);
  return out->failed ? err_set(err, ERR_LIMIT, "%s: no room for packed bars", s->inst.symbol) : OK;
}

// ---- units

// num / den of what a count of `from` is in counts of `to`; false when it does not fit.
static bool ratio(struct decimal from, struct decimal to, int64_t *ret_num, int64_t *ret_den) {
  int128 num = from.digits, den = to.digits;
  if (from.scale < to.scale) num *= pow10_i64(to.scale - from.scale);
  else den *= pow10_i64(from.scale - to.scale);
  int128 a = num, b = den;
  while (b) {
    int128 r = a % b;
    a = b;
    b = r;
  }
  return narrow_checked(num / a, ret_num) && narrow_checked(den / a, ret_den);
}

static bool convert(int64_t v, int64_t num, int64_t den, int64_t *ret) {
  int128 x = (int128)v * num;
  return x % den == 0 && narrow_checked(x / den, ret);
}

bool tick_common(struct decimal a, struct decimal b, struct decimal *ret) {
  int scale = a.scale > b.scale ? a.scale : b.scale;
  int64_t x, y;
  if (!decimal_rescale(a, scale, &x) || !decimal_rescale(b, scale, &y)) return false;
  while (y) {
    int64_t r = x % y;
    x = y;
    y = r;
  }
  *ret = (struct decimal){x, scale};
  return x > 0;
}

// Bars [first, count) of s, which count in `tick` and `volume_scale`, into s's own units.
static bool bars_convert(struct series *s, size_t first, struct decimal tick, int volume_scale) {
  int64_t num, den, volume_num, volume_den;
  if (!ratio(tick, s->inst.tick, &num, &den) || !ratio((struct decimal){1, volume_scale}, (struct decimal){1, s->volume_scale}, &volume_num, &volume_den)) return false;
  if (num == 1 && den == 1 && volume_num == 1 && volume_den == 1) return true;
  for (size_t i = first; i < s->count; i++) {
    struct bar *b = &s->bars[i];
    if (!convert(b->open.ticks, num, den, &b->open.ticks) || !convert(b->high.ticks, num, den, &b->high.ticks) || !convert(b->low.ticks, num, den, &b->low.ticks) ||
        !convert(b->close.ticks, num, den, &b->close.ticks) || (b->volume >= 0 && !convert(b->volume, volume_num, volume_den, &b->volume)))
      return false;
  }
  return true;
}

enum status series_rescale(struct series *s, struct decimal tick, int volume_scale, struct err *err) {
  struct instrument inst = s->inst;
  inst.tick = tick;
  enum status st = instrument_finish(&inst, err);
  if (st != OK) return err_wrap(err, st, "%s", s->inst.symbol);
  struct series copy = *s;
  copy.inst = inst;
  copy.volume_scale = volume_scale;
  copy.bars = NULL;
  copy.cap = 0;
  copy.count = 0;
  st = series_reserve(&copy, s->count, err);
  if (st != OK) return st;
  if (s->count) memcpy(copy.bars, s->bars, s->count * sizeof *s->bars);
  copy.count = s->count;
  if (!bars_convert(&copy, 0, s->inst.tick, s->volume_scale)) {
    series_finish(&copy);
    char was[DECIMAL_TEXT_MAX], want[DECIMAL_TEXT_MAX];
    decimal_format(s->inst.tick, was);
    decimal_format(tick, want);
    return err_set(err, ERR_INVALID, "%s: prices in steps of %s (volumes of %d decimals) cannot be told in steps of %s (%d decimals)", s->inst.symbol, was,
                   s->volume_scale, want, volume_scale);
  }
  series_finish(s);
  *s = copy;
  return OK;
}

// ---- unpacking

static bool sum(int64_t a, int64_t b, int64_t *ret) { return add_checked(a, b, ret); }

// Reads the columns into bars; false when they break a rule.
static bool read_columns(struct reader *r, struct bar *bars, size_t count, int64_t first_ns, int64_t timeframe_ns, bool has_flags) {
  int64_t end_ns = first_ns, close = 0, d;
  bool ok = true;
  for (size_t i = 0; i < count; i++) {
    d = get_varint(r);
    ok &= sum(end_ns, d, &bars[i].open_ns) && (i == 0 ? d == 0 : bars[i].open_ns > bars[i - 1].open_ns) && sum(bars[i].open_ns, timeframe_ns, &end_ns);
    if (!ok) return false;
  }
  for (size_t i = 0; i < count; i++) bars[i].open.ticks = get_varint(r);
  for (size_t i = 0; i < count; i++) bars[i].close.ticks = get_varint(r);
  for (size_t i = 0; i < count; i++) {  // opens stand against the last close, closes against their open
    ok &= sum(bars[i].open.ticks, close, &bars[i].open.ticks) && sum(bars[i].open.ticks, bars[i].close.ticks, &bars[i].close.ticks);
    close = bars[i].close.ticks;
  }
  for (size_t i = 0; i < count; i++) ok &= (d = get_varint(r)) >= 0 && sum(upper(&bars[i]), d, &bars[i].high.ticks);
  for (size_t i = 0; i < count; i++) ok &= (d = get_varint(r)) >= 0 && sub_checked(lower(&bars[i]), d, &bars[i].low.ticks);
  for (size_t i = 0; i < count; i++) ok &= (bars[i].volume = get_varint(r)) >= -1;
  for (size_t i = 0; i < count; i++) {
    d = has_flags ? get_varint(r) : 0;
    ok &= d >= 0 && d <= UINT32_MAX;
    bars[i].flags = (uint32_t)d;
  }
  return ok && !r->bad && r->p == r->end;
}

enum status segment_unpack(const void *bytes, size_t len, struct series *s, struct err *err) {
  const unsigned char *h = bytes;
  if (len < HEAD_BYTES || memcmp(h, MAGIC, 4) != 0) return err_set(err, ERR_INVALID, "%s: not a segment of bars", s->inst.symbol);
  size_t count = get_u32(h + 4), body = get_u32(h + 36);
  int64_t first_ns = get_i64(h + 8), timeframe_ns = get_i64(h + 16);
  struct decimal tick = {get_i64(h + 24), h[32]};
  int volume_scale = h[33];
  if (body != len - HEAD_BYTES || count == 0 || count > SEGMENT_BARS_MAX || get_u32(h + CRC_AT) != segment_crc(h, h + HEAD_BYTES, body) || tick.digits <= 0 ||
      tick.scale > DECIMAL_SCALE_MAX || volume_scale > DECIMAL_SCALE_MAX)
    return err_set(err, ERR_INVALID, "%s: a segment of bars is damaged", s->inst.symbol);
  if (timeframe_ns != s->timeframe_ns) return err_set(err, ERR_INVALID, "%s: a segment of another timeframe", s->inst.symbol);
  if (s->count && first_ns <= s->bars[s->count - 1].open_ns) return err_set(err, ERR_INVALID, "%s: segments overlap", s->inst.symbol);
  size_t before = s->count;
  if (before + count > s->cap) {
    enum status st = series_reserve(s, before + count > s->cap * 2 ? before + count : s->cap * 2, err);
    if (st != OK) return st;
  }
  struct reader r = {h + HEAD_BYTES, h + len, false};
  bool ok = read_columns(&r, s->bars + before, count, first_ns, timeframe_ns, h[34] & HAS_FLAGS);
  s->count = before + count;
  if (ok && bars_convert(s, before, tick, volume_scale)) return OK;
  s->count = before;
  return err_set(err, ERR_INVALID, "%s: a segment of bars %s", s->inst.symbol, ok ? "is finer than its series" : "is damaged");
}

// ---- a whole series

// Little-endian: magic, i64 timeframe, three decimals (i64 digits, i64 scale), i64 lots of min and max order, i64 min notional,
// i64 volume scale, i64 price scale, symbol padded with NUL.
#define SERIES_HEAD_BYTES (4 + 8 * (1 + 6 + 3 + 2) + SYMBOL_MAX)

enum status series_pack_head(const struct series *s, struct buf *out, struct err *err) {
  const struct instrument *i = &s->inst;
  const int64_t fields[] = {s->timeframe_ns, i->tick.digits, i->tick.scale, i->lot.digits, i->lot.scale, i->multiplier.digits, i->multiplier.scale,
                            i->min_qty.lots, i->max_order_qty.lots, i->min_notional.e8, s->volume_scale, s->price_scale};
  unsigned char h[SERIES_HEAD_BYTES] = {0};
  memcpy(h, SERIES_MAGIC, 4);
  for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++) put_i64(h + 4 + 8 * k, fields[k]);
  memcpy(h + SERIES_HEAD_BYTES - SYMBOL_MAX, i->symbol, SYMBOL_MAX);
  buf_add(out, h, sizeof h);
  return out->failed ? err_set(err, ERR_LIMIT, "%s: no room for packed bars", i->symbol) : OK;
}

enum status series_pack_segment(const void *segment, size_t len, struct buf *out, struct err *err) {
  unsigned char h[4];
  put_u32(h, (uint32_t)len);
  buf_add(out, h, 4);
  buf_add(out, segment, len);
  return out->failed ? err_set(err, ERR_LIMIT, "no room for packed bars") : OK;
}

enum status series_pack(const struct series *s, struct buf *out, struct err *err) {
  enum status st = series_pack_head(s, out, err);
  struct buf one;
  buf_init(&one, SEGMENT_BYTES_MAX);
  for (size_t from = 0; st == OK && from < s->count; from += SEGMENT_BARS_MAX) {
    buf_clear(&one);
    st = segment_pack(s, from, s->count - from < SEGMENT_BARS_MAX ? s->count - from : SEGMENT_BARS_MAX, &one, err);
    if (st == OK) st = series_pack_segment(one.data, one.len, out, err);
  }
  buf_finish(&one);
  return st;
}

static enum status read_head(const unsigned char *h, size_t len, struct series *s, struct err *err) {
  if (len < SERIES_HEAD_BYTES || memcmp(h, SERIES_MAGIC, 4) != 0) return err_set(err, ERR_INVALID, "not a packed series of bars");
  int64_t f[12];
  for (int k = 0; k < 12; k++) f[k] = get_i64(h + 4 + 8 * k);
  for (int k = 2; k <= 6; k += 2)
    if (f[k] < 0 || f[k] > DECIMAL_SCALE_MAX) return err_set(err, ERR_INVALID, "a packed series of bars is damaged");
  if (f[0] <= 0 || f[10] < 0 || f[10] > DECIMAL_SCALE_MAX || f[11] < 0 || f[11] > DECIMAL_SCALE_MAX || h[SERIES_HEAD_BYTES - 1] != '\0')
    return err_set(err, ERR_INVALID, "a packed series of bars is damaged");
  s->timeframe_ns = f[0];
  s->inst.tick = (struct decimal){f[1], (int)f[2]};
  s->inst.lot = (struct decimal){f[3], (int)f[4]};
  s->inst.multiplier = (struct decimal){f[5], (int)f[6]};
  s->inst.min_qty.lots = f[7];
  s->inst.max_order_qty.lots = f[8];
  s->inst.min_notional.e8 = f[9];
  s->volume_scale = (int)f[10];
  s->price_scale = (int)f[11];
  memcpy(s->inst.symbol, h + SERIES_HEAD_BYTES - SYMBOL_MAX, SYMBOL_MAX);
  return instrument_finish(&s->inst, err);
}

enum status series_unpack(const void *bytes, size_t len, struct series *ret, struct err *err) {
  struct series s = {0};
  const unsigned char *p = bytes, *end = p + len;
  enum status st = read_head(p, len, &s, err);
  if (st == OK) p += SERIES_HEAD_BYTES;
  // Bars take more than this in any packing, so a lie about the count cannot reserve much.
  if (st == OK) st = series_reserve(&s, (size_t)(end - p) / 10 + 1, err);
  while (st == OK && p < end) {
    size_t left = (size_t)(end - p), n = left >= 4 ? get_u32(p) : 0;
    if (left < 4 || n > left - 4) st = err_set(err, ERR_INVALID, "%s: the packed bars are cut off", s.inst.symbol);
    else st = segment_unpack(p + 4, n, &s, err);
    if (st == OK) p += 4 + n;
  }
  if (st != OK) {
    series_finish(&s);
    return st;
  }
  series_count_gaps(&s);
  *ret = s;
  return OK;
}
