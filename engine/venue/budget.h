// venue/budget.h – at most count requests in any span of per_ms, as venues demand: the times of the last count are remembered, so no
// burst at the edge of a window passes. Part of it is kept for what must not wait: cancels, then orders. Pure: the caller says what
// time it is (any clock that never goes back).
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum budget_rank { BUDGET_READ, BUDGET_ORDER, BUDGET_CANCEL, BUDGET_RANKS };  // reads leave a fifth, orders a tenth to the others

struct budget {
  int64_t per_ms;
  int count, at, filled;   // at: where the next time goes
  int64_t *times;          // of the last `filled` requests
  int64_t until_ms;        // the venue said stop
  unsigned throttles;      // in a row
};

// ERR_NOMEM. count ≥ 1, per_ms ≥ 1.
enum status budget_init(struct budget *b, int count, int64_t per_ms, struct err *err) MUST_CHECK;
void budget_finish(struct budget *b);
// The first time at which a request of that rank may go after `ahead` others: now_ms, or later.
int64_t budget_free_ms(const struct budget *b, enum budget_rank rank, int ahead, int64_t now_ms);
// One goes now; it must be free.
void budget_spend(struct budget *b, int64_t now_ms);
// The venue refused for its rate: nothing for wait_ms, or, where it does not say how long (0), for 1 s, 2 s, 4 s … 60 s in a row.
void budget_throttle(struct budget *b, int64_t wait_ms, int64_t now_ms);
// It answered in peace.
void budget_peace(struct budget *b);
