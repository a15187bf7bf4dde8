// market/instrument.c – see instrument.h. Everything exact is done in 128-bit integers; doubles only cross to and from Lua.
#include "market/instrument.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int128 gcd128(int128 a, int128 b) {
  while (b != 0) {
    int128 r = a % b;
    a = b;
    b = r;
  }
  return a;
}

static enum status check_increment(const char *name, struct decimal d, struct err *err) {
  if (d.scale < 0 || d.scale > DECIMAL_SCALE_MAX) return err_set(err, ERR_INVALID, "instrument: %s has a bad scale", name);
  if (d.digits <= 0) return err_set(err, ERR_INVALID, "instrument: %s must be positive", name);
  return OK;
}

// cash_e8 = ticks × lots × (tick × lot × multiplier × 10^8), the bracket as a reduced fraction.
static bool derive_value(struct instrument *inst) {
  const struct decimal *factors[] = {&inst->tick, &inst->lot, &inst->multiplier};
  int128 num = 1, den = 1;
  int scale = -8;
  for (int i = 0; i < 3; i++) {
    scale += factors[i]->scale;
    if (num > INT64_MAX) return false;
    num *= factors[i]->digits;
  }
  for (; scale < 0; scale++) {
    if (num > INT64_MAX) return false;
    num *= 10;
  }
  for (; scale > 0; scale--) {
    if (num % 10 == 0) {
      num /= 10;
    } else {
      if (den > INT64_MAX) return false;
      den *= 10;
    }
  }
  int128 common = gcd128(num, den);
  return narrow_checked(num / common, &inst->value_num) && narrow_checked(den / common, &inst->value_den);
}

enum status instrument_finish(struct instrument *inst, struct err *err) {
  if (inst->symbol[0] == '\0' || !memchr(inst->symbol, '\0', SYMBOL_MAX))
    return err_set(err, ERR_INVALID, "instrument: the symbol must have 1 to %d characters", SYMBOL_MAX - 1);
  enum status st = check_increment("tick", inst->tick, err);
  if (st == OK) st = check_increment("lot", inst->lot, err);
  if (st == OK) st = check_increment("multiplier", inst->multiplier, err);
  if (st != OK) return st;
  inst->tick = decimal_normal(inst->tick);
  inst->lot = decimal_normal(inst->lot);
  inst->multiplier = decimal_normal(inst->multiplier);
  if (inst->min_qty.lots < 0) return err_set(err, ERR_INVALID, "instrument: the smallest quantity is negative");
  if (inst->min_notional.e8 < 0) return err_set(err, ERR_INVALID, "instrument: the smallest notional is negative");
  if (inst->max_order_qty.lots < 0 || (inst->max_order_qty.lots > 0 && inst->max_order_qty.lots < inst->min_qty.lots))
    return err_set(err, ERR_INVALID, "instrument: the largest quantity is below the smallest");
  if (!derive_value(inst))
    return err_set(err, ERR_INVALID, "instrument: tick × lot × multiplier has too many digits to count money exactly");
  if (inst->tick_step <= 0) inst->tick_step = 1;
  if (inst->lot_step <= 0) inst->lot_step = 1;
  inst->tick_double = decimal_double(inst->tick);
  inst->tick_per_unit = inst->tick.digits == 1 ? (double)pow10_i64(inst->tick.scale) : 0;
  inst->lot_double = decimal_double(inst->lot);
  inst->multiplier_double = decimal_double(inst->multiplier);
  return OK;
}

bool instrument_notional(const struct instrument *inst, price px, quantity qty, enum round_mode mode, cash *ret) {
  const int128 limit = ((int128)INT64_MAX << 64) | (int128)UINT64_MAX;
  int128 product = (int128)px.ticks * qty.lots;  // at most 2^126
  if (product > limit / inst->value_num || product < -(limit / inst->value_num)) return false;
  product *= inst->value_num;
  if (mode == ROUND_NEAREST && (product > limit / 2 || product < -(limit / 2))) return false;
  int128 value = mode == ROUND_FLOOR  ? div_floor(product, inst->value_den)
                 : mode == ROUND_CEIL ? div_ceil(product, inst->value_den)
                                      : div_round(product, inst->value_den);
  return narrow_checked(value, &ret->e8);
}

// count increments as the nearest double: one rounding while the digits are below 2^53, at most two beyond.
static double increments_double(int64_t count, struct decimal increment) {
  int64_t digits;
  if (!__builtin_mul_overflow(count, increment.digits, &digits))
    return (double)digits / (double)pow10_i64(increment.scale);
  return (double)((int128)count * increment.digits) / (double)pow10_i64(increment.scale);
}

double price_double(const struct instrument *inst, price px) {
  return increments_double(px.ticks, inst->tick);
}

double quantity_double(const struct instrument *inst, quantity qty) {
  return increments_double(qty.lots, inst->lot);
}

// The snap forgives what double arithmetic does to a value (a few units in the last place; 1e-9 relative covers long sums),
// but never more than a hundredth of an increment, so that a floor stays a floor where increments are tiny.
static bool increments_from_double(double value, struct decimal increment, int64_t step, enum round_mode mode, int64_t *ret) {
  if (!isfinite(value)) return false;
  double x = value * (double)pow10_i64(increment.scale) / (double)increment.digits;
  if (step > 1) x /= (double)step;
  if (!(fabs(x) < 9.2e18)) return false;
  double nearest = round(x);
  double snap = fmax(fmin(1e-9 * fabs(x), 0.01), 4 * 0x1p-53 * fabs(x));
  if (fabs(x - nearest) > snap && mode != ROUND_NEAREST) nearest = mode == ROUND_FLOOR ? floor(x) : ceil(x);
  return !__builtin_mul_overflow((int64_t)nearest, step, ret);
}

bool price_from_double(const struct instrument *inst, double value, enum round_mode mode, price *ret) {
  return increments_from_double(value, inst->tick, inst->tick_step, mode, &ret->ticks);
}

bool quantity_from_double(const struct instrument *inst, double value, enum round_mode mode, quantity *ret) {
  return increments_from_double(value, inst->lot, inst->lot_step, mode, &ret->lots);
}

// A count whose digits pass 64 bits (no loaded price does) is shown rounded rather than wrapped.
static char *increments_text(int64_t count, struct decimal increment, char *buf) {
  int64_t digits;
  if (__builtin_mul_overflow(count, increment.digits, &digits))
    snprintf(buf, DECIMAL_TEXT_MAX, "%.17g", increments_double(count, increment));
  else
    decimal_format_scaled(digits, increment.scale, buf);
  return buf;
}

char *price_text(const struct instrument *inst, price px, char *buf) {
  return increments_text(px.ticks, inst->tick, buf);
}

char *quantity_text(const struct instrument *inst, quantity qty, char *buf) {
  return increments_text(qty.lots, inst->lot, buf);
}

char *cash_text(cash amount, char *buf) {
  decimal_format_scaled(amount.e8, 8, buf);
  return buf;
}
