// match/strict.c – rule 5: a resting limit fills at its limit, once the path trades through it by a tick; no gift when the
// market gaps beyond it.
#include "match/impl.h"

static int64_t reach(const struct order *o) { return o->limit.ticks - o->side; }
static int64_t gap_price(const struct order *o, int64_t open) {
  (void)open;
  return o->limit.ticks;
}

const struct limit_rules limit_strict = {reach, gap_price};
