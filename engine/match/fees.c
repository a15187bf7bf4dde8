// match/fees.c – rule 15: fees per side on notional, rounded against the customer to 1e-8; a rebate is a negative fee, so
// rounding up makes it smaller. The compat models round to nearest, as exact as 1e-8 can be.
#include <assert.h>

#include "match/impl.h"

bool fee_for(const struct match_symbol *s, const struct match_fees *f, price px, int64_t lots, bool maker, bool first,
             bool exact, cash *ret) {
  assert(lots > 0);
  const struct instrument *inst = &s->cfg.inst;
  int64_t frac = maker ? f->maker_frac_e8 : f->taker_frac_e8;
  int128 fee = first ? f->fixed_e8 : 0;
  if (frac != 0) {
    // notional × frac in one product, so that it is rounded once: ticks × lots × value_num × frac / (value_den × 1e8)
    int128 raw = (int128)px.ticks * lots;
    const int128 bound = (int128)1 << 62;
    if (raw >= bound || raw <= -bound) {  // too large to stay exact in 128 bits: via the notional, 1e-8 coarser at most
      cash notional;
      if (!instrument_notional(inst, px, (quantity){lots}, ROUND_CEIL, &notional)) return false;
      fee += div_ceil((int128)notional.e8 * frac, FRAC_ONE);
    } else {
      int64_t num;
      if (__builtin_mul_overflow(inst->value_num, frac, &num)) return false;
      int128 den = (int128)inst->value_den * FRAC_ONE;
      fee += exact ? div_round(raw * num, den) : div_ceil(raw * num, den);
    }
  }
  if (f->per_unit_e8 != 0) {
    int64_t rate;
    if (__builtin_mul_overflow(f->per_unit_e8, inst->lot.digits, &rate)) return false;
    fee += div_ceil((int128)rate * lots, pow10_i64(inst->lot.scale));
  }
  return narrow_checked(fee, &ret->e8);
}
