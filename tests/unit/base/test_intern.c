// tests/unit/base/test_intern.c – equal bytes are one pointer, others are not; what nobody holds is gone.
#include "base/intern.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void equal_bytes_are_one(void **state) {
  (void)state;
  struct intern *in = intern_create();
  assert_non_null(in);
  char text[] = "fast=10";
  const char *a = intern_get(in, text, 7);
  text[0] = 'l';  // its own copy
  const char *b = intern_get(in, "fast=10", 7), *other = intern_get(in, text, 7), *shorter = intern_get(in, "fast=1", 6), *none = intern_get(in, NULL, 0);
  assert_ptr_equal(a, b);
  assert_string_equal(a, "fast=10");
  assert_string_equal(other, "last=10");
  assert_string_equal(shorter, "fast=1");
  assert_string_equal(none, "");
  assert_ptr_equal(none, intern_get(in, "", 0));
  assert_int_equal((uintptr_t)a % _Alignof(max_align_t), 0);
  assert_int_equal(intern_stats(in).count, 4);
  assert_int_equal(intern_stats(in).bytes, 7 + 7 + 6);
  intern_put(in, a);
  assert_string_equal(b, "fast=10");  // still held
  intern_put(in, b);
  assert_int_equal(intern_stats(in).count, 3);
  intern_put(in, other);
  intern_put(in, shorter);
  intern_put(in, none);
  intern_put(in, none);
  intern_put(in, NULL);
  assert_int_equal(intern_stats(in).count, 0);
  assert_int_equal(intern_stats(in).bytes, 0);
  intern_destroy(in);
}

// Over several growths of the table, in three rounds, so that refs are counted.
static void many(void **state) {
  (void)state;
  enum { N = 2000 };
  static const char *kept[N];
  struct intern *in = intern_create();
  char text[64];
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < N; i++) {
      const int n = snprintf(text, sizeof text, "{\"size\": %d, \"more\": \"%d\"}", i, i * 7);
      const char *p = intern_get(in, text, (size_t)n);
      assert_string_equal(p, text);
      if (round) assert_ptr_equal(p, kept[i]);
      kept[i] = p;
    }
  assert_int_equal(intern_stats(in).count, N);
  for (int i = 0; i < N; i++) intern_put(in, kept[i]), intern_put(in, kept[i]);
  assert_int_equal(intern_stats(in).count, N);
  for (int i = 0; i < N; i += 2) intern_put(in, kept[i]);
  assert_int_equal(intern_stats(in).count, N / 2);
  for (int i = 1; i < N; i += 2) {
    snprintf(text, sizeof text, "{\"size\": %d, \"more\": \"%d\"}", i, i * 7);
    assert_string_equal(kept[i], text);
    intern_put(in, kept[i]);
  }
  assert_int_equal(intern_stats(in).count, 0);
  intern_destroy(in);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(equal_bytes_are_one), cmocka_unit_test(many)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
