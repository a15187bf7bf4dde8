// market/bar_queue.h – finished bars of many symbols, given out instant by instant in the one order of event_order.h.
//
// Each symbol's live_bars finishes its bars when its own watermark says so, so those of one time arrive in any order
// and at different moments. The queue holds them until the caller knows that every symbol has passed a time, and then
// gives out that time's bars together: a bot with two symbols sees both, in the same order as in a backtest, whoever
// was faster.
#pragma once
#include "market/event_order.h"
#include "market/live_bars.h"

// symbol is the caller's number for it; name (its text, which the caller keeps) decides the order.
struct queued_bar {
  int symbol;
  const char *name;
  struct live_bar bar;
};
// A binary heap by bar_key. Owns items; bounded by max.
struct bar_queue {
  struct queued_bar *items;
  size_t count, cap, max;
  int64_t through_ns;  // the last time given out; INT64_MIN: none
};
void bar_queue_init(struct bar_queue *q, size_t max_bars);
void bar_queue_finish(struct bar_queue *q);
// ERR_INVALID: its time was given out already (the caller promised too much). ERR_LIMIT, ERR_NOMEM.
enum status bar_queue_push(
  struct bar_queue *q, int symbol, const char *name, const struct live_bar *bar, struct err *err) MUST_CHECK;
// The close of the earliest instant that waits; INT64_MAX: none.
int64_t bar_queue_next_ns(const struct bar_queue *q);
// Takes out the next bar that closed by through_ns; false when there is none. Bars that came with one instant have
// the same bar.close_ns. No bar that closed by through_ns may be pushed afterwards.
bool bar_queue_pop(struct bar_queue *q, int64_t through_ns, struct queued_bar *ret);
