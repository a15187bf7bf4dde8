// Tests of base/decimal.h: exact text to integers and back.
#include "base/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_parse(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t digits;
    int scale;
    const char *shown;
  } good[] = {
      {"0", 0, 0, "0"},          {"-0", 0, 0, "0"},           {"0.000", 0, 0, "0"},        {"1.50", 15, 1, "1.5"},
      {"+12", 12, 0, "12"},      {"-0.05", -5, 2, "-0.05"},   {".5", 5, 1, "0.5"},         {"7.", 7, 0, "7"},
      {"100", 100, 0, "100"},    {"00012.30", 123, 1, "12.3"}, {"1e3", 1000, 0, "1000"},   {"1.5e+2", 150, 0, "150"},
      {"25E-3", 25, 3, "0.025"}, {"5.6738760000e+04", 5673876, 2, "56738.76"},              {"1e-18", 1, 18, "0.000000000000000001"},
      {"9223372036854775807", INT64_MAX, 0, "9223372036854775807"},
      {"-9223372036854775807", -INT64_MAX, 0, "-9223372036854775807"},
      {"0.9223372036854775807e19", INT64_MAX, 0, "9223372036854775807"},
      {"1.00000000000000000000000000000000000000", 1, 0, "1"},  {"0e99999999999", 0, 0, "0"},
      {"123456789.123456789", INT64_C(123456789123456789), 9, "123456789.123456789"},
  };
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    struct decimal d;
    char text[DECIMAL_TEXT_MAX];
    if (!decimal_parse(good[i].text, strlen(good[i].text), &d)) fail_msg("%s", good[i].text);
    assert_int_equal(d.digits, good[i].digits);
    assert_int_equal(d.scale, good[i].scale);
    assert_int_equal(decimal_format(d, text), strlen(good[i].shown));
    assert_string_equal(text, good[i].shown);
  }
  static const char *const bad[] = {"", "+", "-", ".", "+.", "e5", "1e", "1e+", " 1", "1 ", "1,5", "1.2.3", "--1", "0x10", "inf", "nan",
                                    "NaN", "1_0", "1e5x", "9223372036854775808", "-9223372036854775808", "1e19", "1e-19",
                                    "99999999999999999999", "0.1234567890123456789", "1e999999999999", "1e-999999999999"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct decimal d = {42, 1};
    if (decimal_parse(bad[i], strlen(bad[i]), &d)) fail_msg("%s", bad[i]);
    assert_int_equal(d.digits, 42);
  }
  struct decimal d;
  assert_true(decimal_parse("12345", 2, &d));  // no byte past len counts
  assert_int_equal(d.digits, 12);
}

static void check_rescale(void **state) {
  (void)state;
  int64_t v = 42;
  assert_true(decimal_rescale((struct decimal){15, 1}, 8, &v));
  assert_int_equal(v, 150000000);
  assert_true(decimal_rescale((struct decimal){1500, 3}, 1, &v));
  assert_int_equal(v, 15);
  v = 42;
  assert_false(decimal_rescale((struct decimal){15, 1}, 0, &v));
  assert_false(decimal_rescale((struct decimal){INT64_MAX, 0}, 1, &v));
  assert_int_equal(v, 42);
  assert_true(decimal_parse_scaled("56738.76", 8, 2, &v));
  assert_int_equal(v, 5673876);
  assert_false(decimal_parse_scaled("56738.765", 9, 2, &v));
  assert_false(decimal_parse_scaled("x", 1, 2, &v));
}

static void check_format(void **state) {
  (void)state;
  char text[DECIMAL_TEXT_MAX];
  assert_int_equal(decimal_format((struct decimal){INT64_MIN, 18}, text), 21);
  assert_string_equal(text, "-9.223372036854775808");
  decimal_format((struct decimal){INT64_MIN, 0}, text);
  assert_string_equal(text, "-9223372036854775808");
  decimal_format_scaled(-150000000, 8, text);
  assert_string_equal(text, "-1.5");
  decimal_format_scaled(0, 8, text);
  assert_string_equal(text, "0");
}

static void check_double_equals_strtod(void **state) {
  (void)state;
  uint64_t seed = 1;
  for (int i = 0; i < 20000; i++) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    struct decimal d = {(int64_t)(seed >> (11 + seed % 30)), (int)((seed >> 5) % 19)};
    if (seed & 1) d.digits = -d.digits;
    char text[DECIMAL_TEXT_MAX];
    decimal_format(d, text);
    assert_true(decimal_double(d) == strtod(text, NULL));
    struct decimal again;
    assert_true(decimal_parse(text, strlen(text), &again));
    d = decimal_normal(d);
    assert_int_equal(again.digits, d.digits);
    assert_int_equal(again.scale, d.scale);
  }
}

static void check_pow10(void **state) {
  (void)state;
  int64_t want = 1;
  for (int n = 0; n <= DECIMAL_SCALE_MAX; n++, want *= n <= DECIMAL_SCALE_MAX ? 10 : 1) assert_int_equal(pow10_i64(n), want);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_parse), cmocka_unit_test(check_rescale), cmocka_unit_test(check_format),
      cmocka_unit_test(check_double_equals_strtod), cmocka_unit_test(check_pow10),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
