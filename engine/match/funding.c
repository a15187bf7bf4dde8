// match/funding.c – rules 16 and 17: money that flows for holding a position.
#include <assert.h>

#include "match/impl.h"

#define RATE_ONE INT64_C(1000000000000)  // 1e-12

bool matcher_funding(struct matcher *m, int symbol, int64_t ts_ns, int64_t rate_e12, price mark) {
  assert(symbol >= 0 && symbol < m->account.symbol_count);
  (void)ts_ns;  // the caller orders events; the position is the one before those at ts
  struct match_symbol *s = &m->symbols[symbol];
  int64_t lots = account_lots(&m->account, symbol, LEG_NET);
  price px = price_given(mark) ? mark : m->account.symbols[symbol].mark;
  if (lots == 0 || !price_given(px)) return true;
  cash notional;
  int64_t due;
  if (!instrument_notional(&s->cfg.inst, px, (quantity){lots}, ROUND_NEAREST, &notional)) return false;
  if (!narrow_checked(div_ceil((int128)notional.e8 * rate_e12, RATE_ONE), &due)) return false;
  watch_money_moved(m);
  return ledger_post(&m->account.ledger, BOOK_FUNDING, (cash){-due});
}

bool matcher_swap(struct matcher *m, int symbol, int64_t ts_ns, int days) {
  assert(symbol >= 0 && symbol < m->account.symbol_count && days > 0);
  (void)ts_ns;
  struct match_symbol *s = &m->symbols[symbol];
  const struct instrument *inst = &s->cfg.inst;
  int128 total = 0;
  for (int leg = 0; leg < LEG_COUNT; leg++) {
    int64_t lots = m->account.symbols[symbol].pos[leg].lots, rate;
    if (lots == 0) continue;
    rate = lots > 0 ? s->cfg.costs.swap_long_e8 : s->cfg.costs.swap_short_e8;
    int64_t per_lot;
    if (__builtin_mul_overflow(rate, inst->lot.digits, &per_lot)) return false;
    int128 value = (int128)per_lot * (lots < 0 ? -lots : lots);
    if (value > (int128)INT64_MAX << 32 || value < -((int128)INT64_MAX << 32)) return false;
    total += div_floor(value * days, pow10_i64(inst->lot.scale));
  }
  cash credit;
  if (total == 0) return true;
  watch_money_moved(m);
  return narrow_checked(total, &credit.e8) && ledger_post(&m->account.ledger, BOOK_SWAP, credit);
}
