// bot/event_hash.c – see event_hash.h. The text is built with integers only, so it cannot depend on locale or libm.
#include "bot/event_hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void event_hash_init(struct event_hash *h) {
  memset(h, 0, sizeof *h);
  h->day = INT64_MIN;
  h->digest = UINT64_C(0x243F6A8885A308D3);
  sha256_init(&h->sha);
}

// ---- a line: fields after each other, each with a space before it. Decimal digits by hand: printf was a tenth of a backtest
// with many orders.

struct line {
  char text[256];
  size_t len;
};

static void add_text(struct line *l, const char *text) {
  l->text[l->len++] = ' ';
  size_t len = strlen(text);
  assert(l->len + len + 24 < sizeof l->text);
  memcpy(l->text + l->len, text, len);
  l->len += len;
}

static void add_unsigned(struct line *l, uint64_t v) {
  static const char pairs[] =
      "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263"
      "646566676869707172737475767778798081828384858687888990919293949596979899";
  char digits[20];
  size_t at = sizeof digits;
  for (; v >= 100; v /= 100) memcpy(&digits[at -= 2], &pairs[v % 100 * 2], 2);
  if (v >= 10)
    memcpy(&digits[at -= 2], &pairs[v * 2], 2);
  else
    digits[--at] = (char)('0' + v);
  assert(l->len + 48 < sizeof l->text);
  memcpy(l->text + l->len, digits + at, sizeof digits - at);
  l->len += sizeof digits - at;
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
  struct line l = {"O", 1};
  add_time(h, &l, time_ns);
  add_int(&l, (int64_t)id);
  add_text(&l, order_status_text(from));
  add_text(&l, order_status_text(to));
  add_text(&l, reason_code(why));
  line_end(h, &l);
}

void event_hash_fill(struct event_hash *h, const struct fill *f) {
  struct line l = {"F", 1};
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

void event_hash_day(struct event_hash *h) {
  if (!h->any) return;
  struct line l = {"E", 1};
  char digest[17];
  snprintf(digest, sizeof digest, "%016" PRIx64, h->digest);
  add_int(&l, h->last_ns);
  add_int(&l, h->last_e8);
  add_text(&l, digest);
  line_end(h, &l);
}

void event_hash_finish(struct event_hash *h, char ret_hex[SHA256_HEX_SIZE]) {
  event_hash_day(h);
  sha256_finish_hex(&h->sha, ret_hex);
}
