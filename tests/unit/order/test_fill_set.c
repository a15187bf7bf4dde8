// tests/unit/order/test_fill_set.c – an execution counts once per account, venue and trade id, through growth and refusals.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "order/fill_set.h"

static void test_every_part_counts(void **state) {
  (void)state;
  struct fill_set s;
  fill_set_init(&s);
  const struct { uint64_t account, venue; const char *id; size_t len; } keys[] = {
    {1, 1, "a", 1}, {2, 1, "a", 1}, {1, 2, "a", 1}, {1, 1, "b", 1}, {1, 1, "ab", 2}, {1, 1, "a\0", 2}};
  enum { COUNT = sizeof keys / sizeof *keys };
  assert_true(fill_set_reserve(&s, COUNT));
  for (int round = 0; round < 2; round++)
    for (size_t i = 0; i < COUNT; i++) {
      struct fill_key k = fill_key(keys[i].account, keys[i].venue, keys[i].id, keys[i].len);
      assert_int_equal(fill_set_has(&s, k), round == 1);
      assert_int_equal(fill_set_add(&s, k), round == 0);
    }
  assert_int_equal(s.count, COUNT);
  fill_set_finish(&s);
}

static void test_growth(void **state) {
  (void)state;
  struct fill_set s;
  char id[32];
  fill_set_init(&s);
  assert_false(fill_set_has(&s, fill_key(1, 1, "x", 1)));
  assert_false(fill_set_reserve(&s, SIZE_MAX));
  for (int i = 0; i < 3000; i++) {
    size_t len = (size_t)snprintf(id, sizeof id, "%d", i);
    assert_true(fill_set_reserve(&s, 1));
    assert_true(fill_set_add(&s, fill_key(7, 7, id, len)));
    len = (size_t)snprintf(id, sizeof id, "%d", i / 2);
    assert_false(fill_set_add(&s, fill_key(7, 7, id, len)));
  }
  assert_int_equal(s.count, 3000);
  assert_true(s.count * 3 <= s.cap * 2);
  fill_set_finish(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_part_counts), cmocka_unit_test(test_growth)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
