// market/instrument.h – what is traded: increments, limits, and the exact arithmetic from ticks and lots to money.
#pragma once
#include "base/decimal.h"
#include "base/money.h"

#define SYMBOL_MAX 32

// Plain data, copied by value. tick, lot and multiplier are positive; currency precision is 1e-8.
struct instrument {
  char symbol[SYMBOL_MAX];
  struct decimal tick;        // price of one tick, e.g. 0.01 = {1, 2}
  struct decimal lot;         // quantity of one lot, e.g. 0.001 = {1, 3}
  struct decimal multiplier;  // contract size: notional = price × quantity × multiplier
  quantity min_qty;           // 0: one lot
  quantity max_order_qty;     // 0: no limit
  cash min_notional;          // 0: none
  // What orders must be multiples of, in ticks and lots: 1, or more on days whose terms were coarser (market/terms.h).
  int64_t tick_step, lot_step;
  // Derived by instrument_finish():
  int64_t value_num, value_den;  // cash_e8 = ticks × lots × value_num / value_den, reduced
  double tick_double, lot_double, multiplier_double;
  double tick_per_unit;  // 10^scale of a tick of 10^-scale, else 0: see price_double_fast()
};

enum round_mode { ROUND_FLOOR, ROUND_CEIL, ROUND_NEAREST };

// Checks the fields and derives the rest; ERR_INVALID names the field.
enum status instrument_finish(struct instrument *inst, struct err *err) MUST_CHECK;
// price × quantity × multiplier in 1e-8 of the currency, signed like lots; false on overflow.
bool instrument_notional(const struct instrument *inst, price px, quantity qty, enum round_mode mode, cash *ret);
// The double nearest to the exact decimal price (quantity). Prices of fewer than 16 digits equal strtod of their text.
double price_double(const struct instrument *inst, price px);
double quantity_double(const struct instrument *inst, quantity qty);
// The same without a call, for the path of every bar. Exact in the same way: below 2^53 one division of two exact doubles.
static inline double price_double_fast(const struct instrument *inst, price px) {
  return inst->tick_per_unit != 0 ? (double)px.ticks / inst->tick_per_unit : price_double(inst, px);
}
// Ticks (lots) for a script's double: rounded to the mode after snapping values within 1e-9 relative of a tick to it, so
// that 0.1+0.2 is 0.3. False for NaN, infinity or no fit.
bool price_from_double(const struct instrument *inst, double value, enum round_mode mode, price *ret);
bool quantity_from_double(const struct instrument *inst, double value, enum round_mode mode, quantity *ret);
// Lots rounded down (towards zero) to a multiple of lot_step.
static inline int64_t lots_floor(const struct instrument *inst, int64_t lots) { return lots - lots % inst->lot_step; }
// Decimal text without exponent; buf holds DECIMAL_TEXT_MAX bytes; returns buf.
char *price_text(const struct instrument *inst, price px, char *buf);
char *quantity_text(const struct instrument *inst, quantity qty, char *buf);
char *cash_text(cash amount, char *buf);
