// order/q32.h – arithmetic on ticks × lots with 32 binary digits after the point (see account.h), for order/ only.
//
// Every factor is bounded before it is multiplied, so no intermediate can overflow 128 bits; what is refused is beyond
// anything that a 64-bit amount of money could hold.
#pragma once
#include "market/instrument.h"

#include <stdbool.h>

static inline int bits_u128(unsigned __int128 v) {
  uint64_t hi = (uint64_t)(v >> 64), lo = (uint64_t)v;
  return hi ? 128 - __builtin_clzll(hi) : lo ? 64 - __builtin_clzll(lo) : 0;
}
static inline unsigned __int128 abs_128(int128 v) { return v < 0 ? -(unsigned __int128)v : (unsigned __int128)v; }

// ticks × lots in q32; false when beyond 2^125.
static inline bool q32_product(int64_t ticks, int64_t lots, int128 *ret) {
  int128 raw = (int128)ticks * lots;
  if (bits_u128(abs_128(raw)) > 93) return false;
  *ret = raw * ((int128)1 << 32);
  return true;
}
static inline bool q32_add(int128 a, int128 b, int128 *ret) {
  int128 sum = (int128)((unsigned __int128)a + (unsigned __int128)b);
  if (bits_u128(abs_128(sum)) > 125) return false;
  *ret = sum;
  return true;
}
// Q32 ticks × lots to 1e-8 of the currency; NEAREST rounds halves up. False when it does not fit.
static inline bool q32_cash(const struct instrument *inst, int128 v, enum round_mode mode, int64_t *ret) {
  if (bits_u128(abs_128(v)) + 64 - __builtin_clzll((uint64_t)inst->value_num) > 126) return false;
  int128 scaled = v * inst->value_num, one = (int128)1 << 32;
  if (inst->value_den == 1) {
    if (mode == ROUND_NEAREST) scaled += one / 2;
    else if (mode == ROUND_CEIL) scaled += one - 1;
    return narrow_checked(scaled >> 32, ret);
  }
  if (bits_u128((unsigned __int128)inst->value_den) > 90) return false;
  int128 den = (int128)inst->value_den << 32;
  if (mode == ROUND_NEAREST) return narrow_checked(div_floor(scaled + den / 2, den), ret);
  return narrow_checked(mode == ROUND_CEIL ? div_ceil(scaled, den) : div_floor(scaled, den), ret);
}
// v × part / whole toward zero without a 192-bit intermediate; 0 <= part <= whole < 2^63.
static inline int128 q32_share(int128 v, int64_t part, int64_t whole) {
  return v / whole * part + v % whole * part / whole;
}
