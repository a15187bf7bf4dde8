// The allocator: caps, classes, and random use checked against what was written.
#include "script/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int refusals;
static bool refused_resize, refused_stack;
static void on_refused(void *arg, bool resized, bool stack) {
  (void)arg;
  refusals++;
  refused_resize = resized;
  refused_stack = stack;
}

static void start(struct heap *h, size_t cap) {
  memset(h, 0, sizeof *h);
  h->cap = cap;
  h->block_cap = cap / 2;
  h->footprint_cap = 2 * cap;
  h->node_bytes_max = 24 * 64;
  h->on_refused = on_refused;
  heap_init(h, NULL, 0);
  refusals = 0;
}

static void test_caps(void **state) {
  (void)state;
  struct heap h;
  start(&h, 100000);
  assert_null(heap_alloc(&h, NULL, 0, 0));
  assert_null(heap_alloc(&h, NULL, 4, 50001));  // one block
  assert_int_equal(refusals, 0);                // Lua asks again
  assert_null(heap_alloc(&h, NULL, 4, 50001));
  assert_int_equal(refusals, 1);
  void *a = heap_alloc(&h, NULL, 4, 50000), *b = heap_alloc(&h, NULL, 4, 49000);
  assert_non_null(a);
  assert_non_null(b);
  assert_int_equal(h.used, 99000);
  assert_null(heap_alloc(&h, NULL, 4, 2000));
  h.reserve = 5000;
  void *c = heap_alloc(&h, NULL, 4, 2000);
  assert_non_null(c);
  h.reserve = 0;
  c = heap_alloc(&h, c, 2000, 100);  // a shrink never fails
  assert_non_null(c);
  assert_null(heap_alloc(&h, b, 49000, 60000));
  heap_alloc(&h, a, 50000, 0);
  heap_alloc(&h, b, 49000, 0);
  heap_alloc(&h, c, 100, 0);
  assert_int_equal(h.used, 0);
  heap_finish(&h);
}

static void test_nodes(void **state) {
  (void)state;
  struct heap h;
  start(&h, 1000000);
  void *a = heap_alloc(&h, NULL, 0, 24 * 64), *b = heap_alloc(&h, NULL, 0, 24 * 127), *c = heap_alloc(&h, NULL, 5, 24 * 128);
  assert_true(a != NULL && b != NULL && c != NULL);
  assert_null(heap_alloc(&h, NULL, 0, 24 * 128));
  assert_null(heap_alloc(&h, NULL, 0, 24 * 256));
  heap_alloc(&h, a, 24 * 64, 0);
  heap_alloc(&h, b, 24 * 127, 0);
  heap_alloc(&h, c, 24 * 128, 0);
  heap_finish(&h);
}

static void test_stack_is_followed(void **state) {
  (void)state;
  struct heap h;
  start(&h, 10000);
  void *s = heap_alloc(&h, NULL, 0, 720);
  assert_ptr_equal(h.stack, s);
  s = heap_alloc(&h, s, 720, 2000);
  assert_ptr_equal(h.stack, s);
  assert_null(heap_alloc(&h, s, 2000, 20000));
  assert_true(refusals == 1 && refused_resize && refused_stack);  // at once: Lua does not ask again for its stack
  s = heap_alloc(&h, s, 2000, 100);
  assert_ptr_equal(h.stack, s);
  heap_alloc(&h, s, 100, 0);
  heap_finish(&h);
}

static void test_injection(void **state) {
  (void)state;
  struct heap h;
  start(&h, 10000);
  h.fail_alloc = 2;
  void *a = heap_alloc(&h, NULL, 4, 10);
  assert_non_null(a);
  assert_null(heap_alloc(&h, NULL, 4, 10));
  assert_null(heap_alloc(&h, NULL, 4, 10));
  assert_int_equal(refusals, 1);
  void *b = heap_alloc(&h, NULL, 4, 10);
  assert_non_null(b);
  heap_alloc(&h, a, 10, 0);
  heap_alloc(&h, b, 10, 0);
  heap_finish(&h);
}

static uint64_t rng = 88172645463325252u;
static size_t draw(size_t n) {
  rng ^= rng << 13;
  rng ^= rng >> 7;
  rng ^= rng << 17;
  return (size_t)(rng % n);
}

#define SLOTS 300
static void test_random(void **state) {
  (void)state;
  struct heap h;
  static unsigned char *at[SLOTS];
  static size_t size[SLOTS];
  static char first[4096] __attribute__((aligned(16)));
  start(&h, 200000);
  h.node_bytes_max = SIZE_MAX;
  heap_init(&h, first, sizeof first);
  for (int i = 0; i < 40000; i++) {
    size_t k = draw(SLOTS), n = draw(8) == 0 ? draw(5000) : draw(300);
    for (size_t j = 0; j < size[k]; j++) assert_int_equal(at[k][j], (unsigned char)(k + j));
    unsigned char *p = heap_alloc(&h, at[k], at[k] != NULL ? size[k] : 4, n);
    if (p == NULL && n != 0) {
      assert_true(n > size[k]);  // only growth may be refused
      continue;
    }
    assert_int_equal((uintptr_t)p % 8, 0);
    for (size_t j = 0; j < size[k] && j < n; j++) assert_int_equal(p[j], (unsigned char)(k + j));
    at[k] = p;
    size[k] = n;
    for (size_t j = 0; j < n; j++) p[j] = (unsigned char)(k + j);
    assert_true(h.used <= h.cap && h.footprint <= h.footprint_cap);
  }
  for (size_t k = 0; k < SLOTS; k++)
    if (at[k] != NULL) heap_alloc(&h, at[k], size[k], 0);
  assert_int_equal(h.used, 0);
  heap_finish(&h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_caps),      cmocka_unit_test(test_nodes),  cmocka_unit_test(test_stack_is_followed),
    cmocka_unit_test(test_injection), cmocka_unit_test(test_random),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
