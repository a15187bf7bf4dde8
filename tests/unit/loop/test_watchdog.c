// The watchdog ends what runs over its budget of CPU time, and nothing else.
#include "loop/watchdog.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BUDGET_NS 20000000

static struct watchdog *dog;

static int setup(void **state) {
  (void)state;
  struct err err;
  return watchdog_create(&dog, &err) == OK ? 0 : 1;
}

static int teardown(void **state) {
  (void)state;
  watchdog_destroy(dog);
  return 0;
}

static void expire(void *arg) { (*(volatile int *)arg)++; }

// Spins until expired or `limit_ns` of CPU time have passed; returns the time used.
static int64_t spin(volatile int *expired, int64_t limit_ns) {
  int64_t start = watch_thread_cpu_ns(), used;
  do used = watch_thread_cpu_ns() - start;
  while (*expired == 0 && used < limit_ns);
  return used;
}

static void test_expires(void **state) {
  (void)state;
  volatile int expired = 0;
  watch_begin(dog, expire, (void *)&expired, BUDGET_NS);
  int64_t used_ns = spin(&expired, 2000000000);
  watch_end();
  assert_true(expired > 0);
  assert_true(used_ns >= BUDGET_NS - 2000000);
}

static void test_within_budget(void **state) {
  (void)state;
  volatile int expired = 0;
  for (int i = 0; i < 20; i++) {
    watch_begin(dog, expire, (void *)&expired, BUDGET_NS);
    spin(&expired, BUDGET_NS / 10);
    watch_end();
  }
  assert_int_equal(expired, 0);
}

static void test_renewed(void **state) {
  (void)state;
  volatile int expired = 0;
  watch_begin(dog, expire, (void *)&expired, BUDGET_NS);
  for (int i = 0; i < 20; i++) {
    spin(&expired, BUDGET_NS / 10);
    watch_renew();
  }
  watch_end();
  assert_int_equal(expired, 0);
}

// Wall time passes, CPU time does not.
static void test_sleeping_is_free(void **state) {
  (void)state;
  volatile int expired = 0;
  watch_begin(dog, expire, (void *)&expired, BUDGET_NS);
  usleep(4 * BUDGET_NS / 1000);
  watch_end();
  assert_int_equal(expired, 0);
}

// A signal that arrives outside a callback, or in the one after, does nothing.
static void test_stray_signal(void **state) {
  (void)state;
  volatile int expired = 0;
  raise(SIGURG);
  watch_begin(dog, expire, (void *)&expired, BUDGET_NS);
  spin(&expired, 2000000000);
  watch_end();
  assert_true(expired > 0);
  raise(SIGURG);
  expired = 0;
  watch_begin(dog, expire, (void *)&expired, BUDGET_NS);
  raise(SIGURG);
  raise(SIGURG);
  watch_end();
  assert_int_equal(expired, 0);
}

static void *worker(void *arg) {
  volatile int *hog = arg, expired = 0;
  if (*hog) {
    watch_begin(dog, expire, (void *)&expired, BUDGET_NS);
    spin(&expired, 2000000000);
    watch_end();
    return expired > 0 ? NULL : arg;
  }
  for (int i = 0; i < 30; i++) {
    watch_begin(dog, expire, (void *)&expired, BUDGET_NS);
    spin(&expired, BUDGET_NS / 20);
    watch_end();
  }
  return expired == 0 ? NULL : arg;
}

static void test_threads(void **state) {
  (void)state;
  pthread_t threads[6];
  int hog[6] = { 1, 0, 1, 0, 0, 1 };
  for (int i = 0; i < 6; i++) assert_int_equal(pthread_create(&threads[i], NULL, worker, &hog[i]), 0);
  for (int i = 0; i < 6; i++) {
    void *failed;
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
}

static void test_outlived_by_threads(void **state) {
  (void)state;
  struct err err;
  struct watchdog *other;
  volatile int expired = 0;
  assert_int_equal(watchdog_create(&other, &err), OK);
  watch_begin(other, expire, (void *)&expired, BUDGET_NS);
  watch_end();
  watchdog_destroy(other);
  assert_null(watch_self.dog);
  watch_begin(dog, expire, (void *)&expired, BUDGET_NS);  // joins the first again
  spin(&expired, 2000000000);
  watch_end();
  assert_true(expired > 0);
  assert_true(watchdog_signals(dog) > 0);
  watchdog_destroy(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_expires),         cmocka_unit_test(test_within_budget), cmocka_unit_test(test_renewed),
    cmocka_unit_test(test_sleeping_is_free), cmocka_unit_test(test_stray_signal), cmocka_unit_test(test_threads),
    cmocka_unit_test(test_outlived_by_threads),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
