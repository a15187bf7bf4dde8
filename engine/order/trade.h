// order/trade.h – round trips: fills of a leg paired first-in-first-out, for statistics and reports. The money itself is in
// the ledger; the sum of all trades' pnl equals realised − fees of what is closed.
#pragma once
#include "base/money.h"
#include "order/order.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An open entry (or what is left of it).
struct lot {
  int64_t lots;      // left, positive
  price px;
  cash fee;          // entry fee of what is left
  int64_t time_ns;
  uint64_t order;    // the entry order
  int64_t bar;       // position.bars when it was opened
  price high, low;   // extremes since its entry, the entry price included
  uint32_t tag;
  bool ambiguous;
};
// Ring-free FIFO: entries [head, count) are open, oldest first.
struct lot_list {
  struct lot *items;
  size_t head, count, cap;
};

struct trade {
  int symbol;
  int direction;        // 1 long, −1 short
  quantity qty;
  int64_t entry_ns, exit_ns;
  price entry_px, exit_px;
  uint64_t entry_order, exit_order;
  uint64_t position_id;
  cash pnl;             // net of both fees
  cash fees;            // entry's and exit's share
  cash mae, mfe;        // worst (<= 0) and best (>= 0) unrealised profit on the way, before fees
  int64_t bars;         // bars of the symbol closed while it was open
  uint32_t tag, exit_tag;
  bool ambiguous;       // entry or exit rested on a guess inside one bar
  bool liquidated;
};
struct trade_list {
  struct trade *items;
  size_t count, cap;
};

void lot_list_finish(struct lot_list *l);
void trade_list_finish(struct trade_list *l);
static inline size_t lot_list_size(const struct lot_list *l) { return l->count - l->head; }
// Extends the extremes of all open entries by px. The newest entry has the narrowest range and older ones contain it, so the
// walk stops at the first that already holds px.
static inline void lot_list_extend(struct lot_list *l, price px) {
  for (size_t i = l->count; i > l->head; i--) {
    struct lot *e = &l->items[i - 1];
    if (px.ticks > e->high.ticks) e->high = px;
    else if (px.ticks < e->low.ticks) e->low = px;
    else break;
  }
}
// Room for one more; false: no memory.
bool lot_list_reserve(struct lot_list *l);
bool trade_list_reserve(struct trade_list *l, size_t more);
// Appends an entry (room reserved before). Older entries' extremes take in its price.
void lot_list_push(struct lot_list *l, const struct lot *e);
// Drops the oldest entry, or the one at index at in [head, count), keeping the order of the others.
void lot_list_remove(struct lot_list *l, size_t at);
