// bot/event_hash.c – see event_hash.h. The text is built with integers only, so it cannot depend on locale or libm.
#include "bot/event_hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void event_hash_init(struct event_hash *h) {
  memset(h, 0, sizeof *h);
  h->day = INT64_MIN;
  h->digest = UINT64_C(0x243F6A8885A308D3);
  sha256_init(&h->sha);
}

void event_hash_order(struct event_hash *h, int64_t time_ns, uint64_t id, enum order_status from, enum order_status to, enum reason why) {
  char line[160];
  int n = snprintf(line, sizeof line, "O %" PRId64 " %" PRIu64 " %s %s %s\n", time_ns, id, order_status_text(from), order_status_text(to), reason_code(why));
  sha256_update(&h->sha, line, (size_t)n);
}

void event_hash_fill(struct event_hash *h, const struct fill *f) {
  char line[240];
  int n = snprintf(line, sizeof line, "F %" PRId64 " %" PRIu64 " %" PRIu64 " %d %s %d %" PRId64 " %" PRId64 " %" PRId64 " %d%d%d%d\n", f->time_ns, f->id,
                   f->order, f->symbol, side_text(f->side), (int)f->leg, f->px.ticks, f->qty.lots, f->fee.e8, f->maker, f->complete, f->ambiguous, f->cut);
  sha256_update(&h->sha, line, (size_t)n);
}

void event_hash_day(struct event_hash *h) {
  if (!h->any) return;
  char line[96];
  int n = snprintf(line, sizeof line, "E %" PRId64 " %" PRId64 " %016" PRIx64 "\n", h->last_ns, h->last_e8, h->digest);
  sha256_update(&h->sha, line, (size_t)n);
}

void event_hash_finish(struct event_hash *h, char ret_hex[SHA256_HEX_SIZE]) {
  event_hash_day(h);
  sha256_finish_hex(&h->sha, ret_hex);
}
