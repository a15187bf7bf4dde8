// Short turns: the thread is of the same class and priority as before, its children are as others; a system that takes no notice changes nothing.
#include "loop/slice.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static struct sched_attr now(void) {
  struct sched_attr a = {.size = sizeof a};
  assert_int_equal(syscall(SYS_sched_getattr, 0, &a, sizeof a, 0), 0);
  return a;
}

static bool same(const struct sched_attr *a, const struct sched_attr *b) {
  return a->sched_policy == b->sched_policy && a->sched_nice == b->sched_nice && a->sched_priority == b->sched_priority && a->sched_runtime == b->sched_runtime;
}

static void test_slice(void **state) {
  (void)state;
  const struct sched_attr before = now();
  slice_short();
  const struct sched_attr after = now();
  assert_true(after.sched_policy == before.sched_policy && after.sched_nice == before.sched_nice && after.sched_priority == before.sched_priority);
  if (before.sched_runtime) assert_true(after.sched_runtime < before.sched_runtime);  // a system that knows of slices tells them
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    const struct sched_attr a = now();
    _exit(same(&a, &before) ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_slice)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
