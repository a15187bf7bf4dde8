// The three clocks: units, direction, and that CPU time stands still while the thread sleeps.
#include "loop/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

static void test_monotonic(void **state) {
  (void)state;
  int64_t last = clock_monotonic_ns();
  for (int i = 0; i < 1000; i++) {
    int64_t now = clock_monotonic_ns();
    assert_true(now >= last);
    last = now;
  }
}

static void test_wall(void **state) {
  (void)state;
  int64_t now = clock_wall_ns();
  int64_t seconds = (int64_t)time(NULL);
  assert_true(now / 1000000000 >= seconds - 5 && now / 1000000000 <= seconds + 5);
}

static void test_cpu_excludes_sleep(void **state) {
  (void)state;
  int64_t cpu = clock_thread_cpu_ns(), mono = clock_monotonic_ns();
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  assert_true(clock_monotonic_ns() - mono >= 20000000);
  assert_true(clock_thread_cpu_ns() - cpu < 10000000);
}

static void test_cpu_counts_work(void **state) {
  (void)state;
  int64_t start = clock_thread_cpu_ns();
  volatile unsigned sum = 0;
  for (unsigned i = 0; i < 200000; i++) sum += i;
  assert_true(sum != 0);
  assert_true(clock_thread_cpu_ns() > start);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_monotonic),
    cmocka_unit_test(test_wall),
    cmocka_unit_test(test_cpu_excludes_sleep),
    cmocka_unit_test(test_cpu_counts_work),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
