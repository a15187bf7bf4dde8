// bot/event_hash.h – the event hash: SHA-256 over a canonical text of all fills, order transitions and equity marks in order.
//
// One line each, integers only (ns, ticks, lots, 1e-8):
//   O <time> <order> <from> <to> <reason>        an order's transition
//   F <time> <fill> <order> <symbol> <side> <leg> <price> <qty> <fee> <maker><complete><ambiguous><cut>
//   E <time> <equity> <digest>                   the last equity mark of each UTC day, and of the run
// digest is a 64-bit hash over every mark since the start, so each bar's equity counts without a SHA-256 of each.
#pragma once
#include "crypto/sha256.h"
#include "order/order.h"

struct event_hash {
  struct sha256_ctx sha;
  uint64_t digest;
  int64_t day_end_ns;  // where the day of the last mark ends; INT64_MIN before the first
  int64_t last_ns, last_e8;
  bool any;
  int64_t text_ns;  // the last time written, and how: an instant's lines share it
  uint8_t text_len;
  char text[24];
};

void event_hash_init(struct event_hash *h);
void event_hash_order(struct event_hash *h, int64_t time_ns, uint64_t id, enum order_status from, enum order_status to, enum reason why);
void event_hash_fill(struct event_hash *h, const struct fill *f);
void event_hash_day_turn(struct event_hash *h, int64_t time_ns);  // writes the line of the day that ended; a new one begins
// An equity mark; times rise. A few ns.
static inline void event_hash_equity(struct event_hash *h, int64_t time_ns, cash equity) {
  if (__builtin_expect(time_ns >= h->day_end_ns, 0)) event_hash_day_turn(h, time_ns);
  h->digest = (h->digest ^ (uint64_t)equity.e8) * UINT64_C(0x9E3779B97F4A7C15);
  h->digest ^= h->digest >> 29;
  h->last_ns = time_ns;
  h->last_e8 = equity.e8;
  h->any = true;
}
// What it has hashed so far, to bytes; or back into one that is new (base/pack.h).
struct pack;
void event_hash_pack(struct event_hash *h, struct pack *p);
void event_hash_finish(struct event_hash *h, char ret_hex[SHA256_HEX_SIZE]);
