// base/decimal.c – see decimal.h. Digits are gathered with overflow checks; the exponent only moves the scale.
#include "base/decimal.h"

#include <assert.h>
#include <string.h>

static const int64_t pow10_table[DECIMAL_SCALE_MAX + 1] = {
    INT64_C(1), INT64_C(10), INT64_C(100), INT64_C(1000), INT64_C(10000), INT64_C(100000), INT64_C(1000000),
    INT64_C(10000000), INT64_C(100000000), INT64_C(1000000000), INT64_C(10000000000), INT64_C(100000000000),
    INT64_C(1000000000000), INT64_C(10000000000000), INT64_C(100000000000000), INT64_C(1000000000000000),
    INT64_C(10000000000000000), INT64_C(100000000000000000), INT64_C(1000000000000000000)};

int64_t pow10_i64(int n) {
  assert(n >= 0 && n <= DECIMAL_SCALE_MAX);
  return pow10_table[n];
}

struct decimal decimal_normal(struct decimal d) {
  while (d.scale > 0 && d.digits % 10 == 0) {
    d.digits /= 10;
    d.scale--;
  }
  if (d.digits == 0) d.scale = 0;
  return d;
}

bool decimal_parse(const char *text, size_t len, struct decimal *ret) {
  const char *p = text, *end = text + len;
  bool negative = false;
  if (p < end && (*p == '+' || *p == '-')) negative = *p++ == '-';
  uint64_t digits = 0;
  int64_t scale = 0, zeros = 0;  // zeros: seen but not yet taken into digits, so that "1.000…" does not overflow
  bool any = false, dot = false;
  for (; p < end; p++) {
    if (*p == '.') {
      if (dot) return false;
      dot = true;
      continue;
    }
    if (*p < '0' || *p > '9') break;
    any = true;
    if (dot) scale++;
    if (*p == '0') {
      if (digits) zeros++;
      continue;
    }
    for (; zeros > 0; zeros--)
      if (__builtin_mul_overflow(digits, UINT64_C(10), &digits)) return false;
    if (__builtin_mul_overflow(digits, UINT64_C(10), &digits) ||
        __builtin_add_overflow(digits, (uint64_t)(*p - '0'), &digits))
      return false;
  }
  if (!any) return false;
  scale -= zeros;  // pending zeros were not multiplied in: the value is digits × 10^(zeros - scale)
  if (p < end && (*p == 'e' || *p == 'E')) {
    p++;
    bool exp_negative = false;
    if (p < end && (*p == '+' || *p == '-')) exp_negative = *p++ == '-';
    if (p == end) return false;
    int64_t exp = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
      if (exp < 100000) exp = exp * 10 + (*p - '0');
    scale += exp_negative ? exp : -exp;
  }
  if (p != end) return false;
  if (digits == 0) scale = 0;
  for (; scale < 0; scale++)
    if (scale < -DECIMAL_SCALE_MAX - 1 || __builtin_mul_overflow(digits, UINT64_C(10), &digits)) return false;
  while (scale > 0 && digits % 10 == 0) {
    digits /= 10;
    scale--;
  }
  if (scale > DECIMAL_SCALE_MAX || digits > (uint64_t)INT64_MAX) return false;
  *ret = (struct decimal){negative ? -(int64_t)digits : (int64_t)digits, (int)scale};
  return true;
}

bool decimal_rescale(struct decimal d, int scale, int64_t *ret) {
  assert(scale >= 0 && scale <= DECIMAL_SCALE_MAX && d.scale >= 0 && d.scale <= DECIMAL_SCALE_MAX);
  if (scale >= d.scale) {
    int64_t v;
    if (__builtin_mul_overflow(d.digits, pow10_table[scale - d.scale], &v)) return false;
    *ret = v;
    return true;
  }
  int64_t divisor = pow10_table[d.scale - scale];
  if (d.digits % divisor != 0) return false;
  *ret = d.digits / divisor;
  return true;
}

bool decimal_parse_scaled(const char *text, size_t len, int scale, int64_t *ret) {
  struct decimal d;
  return decimal_parse(text, len, &d) && decimal_rescale(d, scale, ret);
}

double decimal_double(struct decimal d) {
  assert(d.scale >= 0 && d.scale <= DECIMAL_SCALE_MAX);
  return (double)d.digits / (double)pow10_table[d.scale];  // both exact up to 2^53 and 10^22: one rounding
}

int decimal_format(struct decimal d, char *buf) {
  d = decimal_normal(d);
  char reversed[24];
  int n = 0;
  uint64_t u = d.digits < 0 ? 0 - (uint64_t)d.digits : (uint64_t)d.digits;
  do {
    reversed[n++] = (char)('0' + u % 10);
    u /= 10;
  } while (u);
  int len = 0;
  if (d.digits < 0) buf[len++] = '-';
  if (n <= d.scale) {
    buf[len++] = '0';
    buf[len++] = '.';
    for (int i = n; i < d.scale; i++) buf[len++] = '0';
    while (n > 0) buf[len++] = reversed[--n];
  } else {
    while (n > 0) {
      buf[len++] = reversed[--n];
      if (n == d.scale && n > 0) buf[len++] = '.';
    }
  }
  buf[len] = '\0';
  assert(len < DECIMAL_TEXT_MAX);
  return len;
}

int decimal_format_scaled(int64_t value, int scale, char *buf) {
  return decimal_format((struct decimal){value, scale}, buf);
}
