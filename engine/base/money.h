// base/money.h – the one-member structs for money-like values, and checked integer arithmetic.
//
// Price counts the instrument's ticks, quantity its lots, cash 1e-8 of the currency. Being structs, they cannot be
// mixed up: adding a price to a quantity does not compile, and at -O2 they cost what an int64_t costs.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct { int64_t ticks; } price;
typedef struct { int64_t lots; } quantity;
typedef struct { int64_t e8; } cash;

#define CASH_ONE INT64_C(100000000)

typedef __int128 int128;

// *ret = a + b (a - b); false when that does not fit, *ret untouched then.
static inline bool add_checked(int64_t a, int64_t b, int64_t *ret) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r)) return false;
  *ret = r;
  return true;
}
static inline bool sub_checked(int64_t a, int64_t b, int64_t *ret) {
  int64_t r;
  if (__builtin_sub_overflow(a, b, &r)) return false;
  *ret = r;
  return true;
}
// *ret = v when it fits in 64 bits, else false.
static inline bool narrow_checked(int128 v, int64_t *ret) {
  if (v > INT64_MAX || v < INT64_MIN) return false;
  *ret = (int64_t)v;
  return true;
}
// Division that says where it rounds; den > 0. Most operands fit in 64 bits, where the machine divides five times faster.
static inline bool fits_i64(int128 v) { return (int64_t)v == v; }
static inline int128 div_floor(int128 num, int128 den) {
  if (fits_i64(num) && fits_i64(den)) {
    int64_t n = (int64_t)num, d = (int64_t)den, q = n / d;
    return q - (n % d != 0 && n < 0);
  }
  int128 q = num / den;
  return q - (num % den != 0 && num < 0);
}
static inline int128 div_ceil(int128 num, int128 den) {
  if (fits_i64(num) && fits_i64(den)) {
    int64_t n = (int64_t)num, d = (int64_t)den, q = n / d;
    return q + (n % d != 0 && n > 0);
  }
  int128 q = num / den;
  return q + (num % den != 0 && num > 0);
}
// Half away from zero.
static inline int128 div_round(int128 num, int128 den) {
  int128 half = den / 2;
  return num >= 0 ? div_floor(num + half, den) : -div_floor(-num + half, den);
}
