// base/decimal.h – decimal text to scaled integers and back, exactly; nothing here goes through a double.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

// digits × 10^-scale; scale 0 … DECIMAL_SCALE_MAX.
struct decimal {
  int64_t digits;
  int scale;
};
#define DECIMAL_SCALE_MAX 18

// 10^n for n in 0 … 18.
int64_t pow10_i64(int n);
// Parses the whole of text[0..len): [+-]digits[.digits][(e|E)[+-]digits]. Trailing zeros of the fraction are dropped, so
// "1.50" gives 15 × 10^-1. Refused: empty, spaces, inf, nan, hex, more than 18 significant fraction digits, no fit in 64 bits.
bool decimal_parse(const char *text, size_t len, struct decimal *ret);
// d as a count of 10^-scale; false when digits would be lost or it does not fit.
bool decimal_rescale(struct decimal d, int scale, int64_t *ret);
// As decimal_rescale after decimal_parse.
bool decimal_parse_scaled(const char *text, size_t len, int scale, int64_t *ret);
// Removes trailing zeros of the fraction.
struct decimal decimal_normal(struct decimal d);
// The nearest double: correctly rounded while |digits| < 2^53, so equal to strtod of the text.
double decimal_double(struct decimal d);

#define DECIMAL_TEXT_MAX 48
// Shortest text without exponent ("-0.05", "12", "100"); returns its length. buf holds DECIMAL_TEXT_MAX bytes.
int decimal_format(struct decimal d, char *buf);
// value × 10^-scale, as decimal_format. cash is scale 8.
int decimal_format_scaled(int64_t value, int scale, char *buf);
