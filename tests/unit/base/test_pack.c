// tests/unit/base/test_pack.c – structures to bytes and back: every number comes back, what is torn or out of range is refused, and what was
// there stays.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/pack.h"

struct thing {
  int64_t a, b;
  int32_t c;
  bool d;
  uint64_t e;
};
static const struct pack_field fields[] = {PACK_ANY(struct thing, a), PACK_FIELD(struct thing, b, INT64_MIN, INT64_MIN, INT64_MAX), PACK_FIELD(struct thing, c, 0, -5, 5),
  PACK_FIELD(struct thing, d, 0, 0, 1), PACK_ANY(struct thing, e)};
#define FIELDS (sizeof fields / sizeof *fields)

static void thing_pack(struct thing *t, int128 *wide, size_t *count, struct pack *p) {
  pack_fields(p, t, fields, FIELDS);
  *wide = pack_wide(p, *wide);
  *count = pack_count(p, *count, 100);
  for (size_t i = 0; i < *count && !p->failed; i++) (void)pack_bool(p, i % 2);
}

static void test_there_and_back(void **state) {
  (void)state;
  static const int64_t numbers[] = {0, 1, -1, 63, 64, -64, -65, 127, 128, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct thing was = {.a = numbers[i], .b = numbers[i], .c = (int32_t)(numbers[i] % 6), .d = i % 2, .e = (uint64_t)numbers[i]}, is = {.a = 77, .b = 78, .c = 4, .d = true, .e = 79};
    int128 wide = (int128)numbers[i] * INT64_MAX + numbers[i], read = 5;
    size_t count = i, n = 0;
    struct buf b;
    buf_init(&b, 4096);
    struct pack out = pack_writer(&b);
    thing_pack(&was, &wide, &count, &out);
    struct pack in = pack_reader(b.data, b.len);
    thing_pack(&is, &read, &n, &in);
    assert_true(!in.failed && in.left == 0 && n == i && read == wide);
    assert_true(is.a == was.a && is.b == was.b && is.c == was.c && is.d == was.d && is.e == was.e);
    for (size_t torn = 0; torn < b.len; torn++) {
      n = 0;
      in = pack_reader(b.data, torn);
      thing_pack(&is, &read, &n, &in);
      assert_true(in.failed);
    }
    buf_finish(&b);
  }
}

static void test_what_is_usual_costs_a_byte(void **state) {
  (void)state;
  struct thing t = {.b = INT64_MIN};
  struct buf b;
  buf_init(&b, 64);
  struct pack out = pack_writer(&b);
  pack_fields(&out, &t, fields, FIELDS);
  assert_int_equal(b.len, 1);
  buf_finish(&b);
}

static void refused(const void *bytes, size_t len) {
  struct thing t = {.c = 3};
  struct pack in = pack_reader(bytes, len);
  pack_fields(&in, &t, fields, FIELDS);
  assert_true(in.failed && t.c == 3);
}

static void test_out_of_range(void **state) {
  (void)state;
  refused("\x04\x0c", 2);      // c is 6
  refused("\x20\x00", 2);      // a sixth field
  refused("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11);  // more than 64 bits
  struct pack in = pack_reader("\xc8\x01", 2);
  assert_int_equal(pack_count(&in, 0, 99), 0);  // a hundred, of at most 99
  assert_true(in.failed);
  in = pack_reader("\x14", 1);
  assert_int_equal(pack_count(&in, 0, 99), 0);  // ten items, and nothing behind
  assert_true(in.failed);
  assert_int_equal(pack_number(&in, 42, 0, 99), 42);  // after a fault everything is as it was
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_what_is_usual_costs_a_byte), cmocka_unit_test(test_out_of_range)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
