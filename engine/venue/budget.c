// venue/budget.c – see budget.h.
#include "venue/budget.h"

#include <assert.h>
#include <stdlib.h>

#define WAIT_MIN_MS 1000
#define WAIT_MAX_MS 60000

enum status budget_init(struct budget *b, int count, int64_t per_ms, struct err *err) {
  assert(count >= 1 && per_ms >= 1);
  *b = (struct budget){.per_ms = per_ms, .count = count, .times = calloc((size_t)count, sizeof *b->times)};
  return b->times ? OK : err_set(err, ERR_NOMEM, "a budget of %d requests", count);
}

void budget_finish(struct budget *b) {
  free(b->times);
  *b = (struct budget){0};
}

// How many a rank may use: all of a small budget.
static int share(const struct budget *b, enum budget_rank rank) {
  return b->count - (rank == BUDGET_CANCEL ? 0 : rank == BUDGET_ORDER ? b->count / 10 : b->count / 5);
}

int64_t budget_free_ms(const struct budget *b, enum budget_rank rank, int ahead, int64_t now_ms) {
  const int may = share(b, rank);
  int64_t at_ms = b->until_ms > now_ms ? b->until_ms : now_ms;
  // It and those ahead of it must leave at most may - 1 - ahead older ones within the span. More ahead than fit: whole spans later.
  const int rounds = ahead / may, left = may - 1 - ahead % may;
  if (b->filled > left) {
    const int64_t old_ms = b->times[(b->at - 1 - left + 2 * b->count) % b->count] + b->per_ms;  // the (left + 1)th newest
    if (old_ms > at_ms) at_ms = old_ms;
  }
  return at_ms + rounds * b->per_ms;
}

void budget_spend(struct budget *b, int64_t now_ms) {
  b->times[b->at] = now_ms;
  b->at = (b->at + 1) % b->count;
  if (b->filled < b->count) b->filled++;
}

void budget_throttle(struct budget *b, int64_t wait_ms, int64_t now_ms) {
  if (wait_ms <= 0) {
    wait_ms = b->throttles < 6 ? WAIT_MIN_MS << b->throttles : WAIT_MAX_MS;
    if (wait_ms > WAIT_MAX_MS) wait_ms = WAIT_MAX_MS;
    b->throttles++;
  }
  if (now_ms + wait_ms > b->until_ms) b->until_ms = now_ms + wait_ms;
}

void budget_peace(struct budget *b) {
  b->throttles = 0;
}
