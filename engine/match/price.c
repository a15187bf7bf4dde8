// match/price.c – rules 2 and 16: what a taker pays. Every rounding is against the taker.
#include <assert.h>

#include "match/impl.h"

int64_t spread_ticks_at(const struct match_costs *c, int64_t ticks) {
  assert(c->spread_ticks >= 0 && c->spread_frac_e8 >= 0);
  if (c->spread_frac_e8 == 0) return c->spread_ticks;
  return c->spread_ticks + (int64_t)div_ceil((int128)ticks * c->spread_frac_e8, FRAC_ONE);
}

int64_t quote_at(const struct match_symbol *s, enum side side, int64_t point) {
  const struct match_costs *c = &s->cfg.costs;
  if (c->kind == MARKET_BID) return side == SIDE_BUY ? point + s->shift_ticks : point;
  int64_t half = (spread_ticks_at(c, point) + 1) / 2;
  return point + side * half;
}

int64_t slipped(const struct match_costs *c, enum side side, int64_t ticks) {
  int64_t slip = c->slippage_ticks;
  if (c->slippage_frac_e8 != 0) slip += (int64_t)div_ceil((int128)ticks * c->slippage_frac_e8, FRAC_ONE);
  int64_t px = ticks + side * slip;
  return px > 0 ? px : 1;
}
