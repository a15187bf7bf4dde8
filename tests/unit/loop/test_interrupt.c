// Ctrl-C: the first only sets the flag, the second ends the process, an ignored signal stays ignored.
#include "loop/interrupt.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void test_first_sets_flag(void **state) {
  (void)state;
  interrupt_install();
  assert_false(interrupted());
  assert_int_equal(interrupt_signal(), 0);
  raise(SIGTERM);
  assert_true(interrupted());
  assert_int_equal(interrupt_signal(), SIGTERM);
  interrupt_uninstall();
  assert_false(interrupted());
}

// Runs in a child, since it dies: what the parent sees is how.
static int child_status(void (*body)(void)) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    body();
    _exit(7);
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return status;
}

static void twice(void) {
  interrupt_install();
  interrupt_install();
  raise(SIGINT);
  if (interrupt_signal() != SIGINT) _exit(1);
  raise(SIGINT);
}

static void test_second_kills(void **state) {
  (void)state;
  int status = child_status(twice);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGINT);
}

static void ignored(void) {
  signal(SIGINT, SIG_IGN);
  interrupt_install();
  raise(SIGINT);
  _exit(interrupted() ? 1 : 0);
}

static void test_ignored_stays_ignored(void **state) {
  (void)state;
  int status = child_status(ignored);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_first_sets_flag),
    cmocka_unit_test(test_second_kills),
    cmocka_unit_test(test_ignored_stays_ignored),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
