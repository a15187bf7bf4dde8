// match/classic.c – rule 6, as most retail testers do it: touching a resting limit fills it, and a bar that opens beyond it
// gives the better open.
#include "match/impl.h"

static int64_t reach(const struct order *o) { return o->limit.ticks; }
static int64_t gap_price(const struct order *o, int64_t open) {
  (void)o;
  return open;
}

const struct limit_rules limit_classic = {reach, gap_price};
