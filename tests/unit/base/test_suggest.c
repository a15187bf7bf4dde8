// tests/unit/base/test_suggest.c – plausible misspellings find their word, others find nothing.
#include "base/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const words[] = {"sma", "ema", NULL, "stoch", "stochrsi", "supertrend", "on_bar", "on_signal", ""};

static const char *near(const char *word) {
  return suggest_nearest(word, words, sizeof words / sizeof words[0]);
}

static void misspellings(void **state) {
  (void)state;
  assert_string_equal(near("sma"), "sma");
  assert_string_equal(near("smaa"), "sma");      // one too many
  assert_string_equal(near("on_br"), "on_bar");  // one missing
  assert_string_equal(near("onbar"), "on_bar");
  assert_string_equal(near("on_bra"), "on_bar");  // neighbours swapped count once
  assert_string_equal(near("SMA"), "sma");        // case does not count
  assert_string_equal(near("supertrand"), "supertrend");
  assert_string_equal(near("stochrs"), "stochrsi");
  assert_string_equal(near("fma"), "sma");  // equally near to both: the first
}

static void strangers(void **state) {
  (void)state;
  assert_null(near(""));
  assert_null(near("x"));
  assert_null(near("macd"));
  assert_null(near("position"));
  assert_null(suggest_nearest("sma", NULL, 0));
  char huge[1000];
  memset(huge, 'a', sizeof huge - 1);
  huge[sizeof huge - 1] = 0;
  assert_null(near(huge));
  const char *const long_list[] = {huge};
  assert_null(suggest_nearest("aaaaaaaaaaaaaaaa", long_list, 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(misspellings), cmocka_unit_test(strangers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
