// bot/event_hash.c – see event_hash.h. The text is built with integers only, so it cannot depend on locale or libm.
#include "bot/event_hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/pack.h"

void event_hash_init(struct event_hash *h) {
  memset(h, 0, sizeof *h);
  h->day_end_ns = INT64_MIN;
  h->digest = UINT64_C(0x243F6A8885A308D3);
  sha256_init(&h->sha);
}

// ---- a line: fields after each other, each with a space before it. Decimal digits by hand: printf was a tenth of a backtest
// with many orders.

struct line {
  char text[256];
  size_t len;
};

// Not zeroed first, as an initializer would.
static void line_begin(struct line *l, char kind) {
  l->text[0] = kind;
  l->len = 1;
}

static void add_text(struct line *l, const char *text) {
  l->text[l->len++] = ' ';
  size_t len = strlen(text);
  assert(l->len + len + 24 < sizeof l->text);
  memcpy(l->text + l->len, text, len);
  l->len += len;
}

static size_t digits_of(uint64_t v) {
  static const uint64_t powers[] = {
      0, UINT64_C(10), UINT64_C(100), UINT64_C(1000), UINT64_C(10000), UINT64_C(100000), UINT64_C(1000000), UINT64_C(10000000),
      UINT64_C(100000000), UINT64_C(1000000000), UINT64_C(10000000000), UINT64_C(100000000000), UINT64_C(1000000000000),
      UINT64_C(10000000000000), UINT64_C(100000000000000), UINT64_C(1000000000000000), UINT64_C(10000000000000000),
      UINT64_C(100000000000000000), UINT64_C(1000000000000000000), UINT64_C(10000000000000000000)};
  size_t least = (size_t)(64 - __builtin_clzll(v | 1)) * 1233 >> 12;  // log10(2) of the bits, rounded down
  return least + (v >= powers[least]);
}

// In place, two digits at a time from the end.
static void add_unsigned(struct line *l, uint64_t v) {
  static const char pairs[] =
      "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263"
      "646566676869707172737475767778798081828384858687888990919293949596979899";
  assert(l->len + 48 < sizeof l->text);
  l->len += digits_of(v);
  char *end = l->text + l->len;
  for (; v >= 100; v /= 100) memcpy(end -= 2, &pairs[v % 100 * 2], 2);
  if (v >= 10)
    memcpy(end - 2, &pairs[v * 2], 2);
  else
    end[-1] = (char)('0' + v);
}

static void add_int(struct line *l, int64_t v) {
  l->text[l->len++] = ' ';
  if (v < 0) l->text[l->len++] = '-';
  add_unsigned(l, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static void add_time(struct event_hash *h, struct line *l, int64_t time_ns) {
  if (time_ns != h->text_ns || h->text_len == 0) {
    size_t from = l->len;
    add_int(l, time_ns);
    h->text_ns = time_ns;
    h->text_len = (uint8_t)(l->len - from);
    memcpy(h->text, l->text + from, h->text_len);
    return;
  }
  memcpy(l->text + l->len, h->text, h->text_len);
  l->len += h->text_len;
}

static void line_end(struct event_hash *h, struct line *l) {
  l->text[l->len++] = '\n';
  sha256_update(&h->sha, l->text, l->len);
}

void event_hash_order(struct event_hash *h, int64_t time_ns, uint64_t id, enum order_status from, enum order_status to, enum reason why) {
  struct line l;
  line_begin(&l, 'O');
  add_time(h, &l, time_ns);
  add_int(&l, (int64_t)id);
  add_text(&l, order_status_text(from));
  add_text(&l, order_status_text(to));
  add_text(&l, reason_code(why));
  line_end(h, &l);
}

void event_hash_fill(struct event_hash *h, const struct fill *f) {
  struct line l;
  line_begin(&l, 'F');
  add_time(h, &l, f->time_ns);
  add_int(&l, (int64_t)f->id);
  add_int(&l, (int64_t)f->order);
  add_int(&l, f->symbol);
  add_text(&l, side_text(f->side));
  add_int(&l, (int64_t)f->leg);
  add_int(&l, f->px.ticks);
  add_int(&l, f->qty.lots);
  add_int(&l, f->fee.e8);
  const char flags[] = {(char)('0' + f->maker), (char)('0' + f->complete), (char)('0' + f->ambiguous), (char)('0' + f->cut), '\0'};
  add_text(&l, flags);
  line_end(h, &l);
}

static void day_end(struct event_hash *h) {
  if (!h->any) return;
  struct line l;
  line_begin(&l, 'E');
  char digest[17];
  snprintf(digest, sizeof digest, "%016" PRIx64, h->digest);
  add_int(&l, h->last_ns);
  add_int(&l, h->last_e8);
  add_text(&l, digest);
  line_end(h, &l);
}

void event_hash_day_turn(struct event_hash *h, int64_t time_ns) {
  const int64_t day_ns = INT64_C(86400000000000);
  day_end(h);
  int64_t day = time_ns / day_ns;  // toward zero: the two days around 1970 count as one
  h->day_end_ns = day < 0 ? day * day_ns + 1 : (day + 1) * day_ns;
}

void event_hash_pack(struct event_hash *h, struct pack *p) {
  struct sha256_state s = {0};
  if (!pack_reads(p)) sha256_state_get(&h->sha, &s);
  for (int i = 0; i < 8; i++) s.hash[i] = (uint32_t)pack_number(p, s.hash[i], 0, UINT32_MAX);
  s.bytes = (uint64_t)pack_number(p, (int64_t)s.bytes, 0, INT64_MAX);
  pack_bytes(p, s.block, s.bytes % sizeof s.block);
  if (pack_reads(p)) sha256_state_set(&h->sha, &s);
  h->digest = (uint64_t)pack_any(p, (int64_t)h->digest);
  h->day_end_ns = pack_any(p, h->day_end_ns);
  h->last_ns = pack_any(p, h->last_ns);
  h->last_e8 = pack_any(p, h->last_e8);
  h->any = pack_bool(p, h->any);
}

void event_hash_finish(struct event_hash *h, char ret_hex[SHA256_HEX_SIZE]) {
  day_end(h);
  sha256_finish_hex(&h->sha, ret_hex);
}
