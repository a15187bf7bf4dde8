// The jail holds: a child enters it and tries one thing; the parent looks how it ended. Forbidden things must kill the child,
// allowed ones must not.
#include "bot/jail.h"
#include "loop/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

#define PASSED 42  // exit code of a child that did what it should and lives

static int parent_pid;
static int pair[2];

// Runs body in a jailed child; its wait status.
static int jailed_with(struct jail_options o, int (*body)(void)) {
  parent_pid = getpid();
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  fflush(NULL);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    int keep[] = {pair[1], 2};
    o.keep = keep;
    o.keep_count = 2;
    struct err err;
    if (jail_enter(&o, &err) != OK) {
      fprintf(stderr, "%s\n", err.msg);
      _exit(1);
    }
    _exit(body());
  }
  close(pair[1]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) assert_int_equal(errno, EINTR);
  close(pair[0]);
  return status;
}
static int jailed(int (*body)(void)) { return jailed_with((struct jail_options){0}, body); }

#define assert_lives(body)                                                            \
  do {                                                                                \
    int status_ = jailed(body);                                                       \
    if (!WIFEXITED(status_) || WEXITSTATUS(status_) != PASSED) fail_msg(#body ": %#x", (unsigned)status_); \
  } while (0)
// SIGSYS is seccomp's verdict; in a sanitizer build a report may turn it into another end, but never into PASSED.
#define assert_killed(body)                                                           \
  do {                                                                                \
    int status_ = jailed(body);                                                       \
    if (!WIFSIGNALED(status_) || WTERMSIG(status_) != SIGSYS) fail_msg(#body ": %#x", (unsigned)status_); \
  } while (0)

// Straight system calls: no library in between may fail first.
static int do_open(void) { return syscall(SYS_open, "/dev/null", O_RDONLY) < 0 ? 1 : PASSED; }
static int do_openat(void) { return open("/etc/passwd", O_RDONLY) < 0 ? 1 : PASSED; }
static int do_creat(void) { return syscall(SYS_openat, AT_FDCWD, "/tmp/perigee-jail-test", O_CREAT | O_RDWR, 0600) < 0 ? 1 : PASSED; }
static int do_socket(void) { return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0) < 0 ? 1 : PASSED; }
static int do_connect(void) { return syscall(SYS_connect, pair[1], NULL, 0) < 0 ? 1 : PASSED; }
static int do_exec(void) { return execl("/bin/true", "true", (char *)NULL) < 0 ? 1 : PASSED; }
static int do_fork(void) { return syscall(SYS_fork) < 0 ? 1 : PASSED; }
static int do_kill_parent(void) { return kill(parent_pid, 0) < 0 ? 1 : PASSED; }
static int do_tgkill_parent(void) { return syscall(SYS_tgkill, parent_pid, parent_pid, 0) < 0 ? 1 : PASSED; }
static int do_ptrace(void) { return syscall(SYS_ptrace, 0, 0, 0, 0) < 0 ? 1 : PASSED; }
static int do_unlink(void) { return unlink("/nowhere/at/all") < 0 ? 1 : PASSED; }
static int do_memfd(void) { return memfd_create("x", 0) < 0 ? 1 : PASSED; }

static int do_stat(void) { return syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", (char[256]){0}, 0) < 0 ? 1 : PASSED; }
static int do_sendmsg(void) { return sendmsg(pair[1], &(struct msghdr){0}, 0) < 0 ? 1 : PASSED; }

static void forbidden_things_kill(void **state) {
  (void)state;
  assert_killed(do_open);
  assert_killed(do_openat);
  assert_killed(do_creat);
  assert_int_not_equal(access("/tmp/perigee-jail-test", F_OK), 0);
  assert_killed(do_socket);
  assert_killed(do_connect);
  assert_killed(do_exec);
  assert_killed(do_fork);
  assert_killed(do_kill_parent);
  assert_killed(do_tgkill_parent);
  assert_killed(do_ptrace);
  assert_killed(do_unlink);
  assert_killed(do_memfd);
  assert_killed(do_sendmsg);
}

static void *nothing(void *arg) { return arg; }
static int do_thread(void) {
  pthread_t t;
  return pthread_create(&t, NULL, nothing, NULL) == 0 ? PASSED : 1;
}
static int do_exec_memory(void) { return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 1 : PASSED; }

static void no_threads_no_code(void **state) {
  (void)state;
  if (jail_is_loose) {
    int status = jailed(do_thread);  // refused, not killed
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == PASSED);
    status = jailed(do_exec_memory);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == PASSED);
    return;
  }
  assert_killed(do_thread);
  assert_killed(do_exec_memory);
  assert_killed(do_stat);
}

static int do_work(void) {
  char *p = malloc(8 << 20);
  if (!p) return 1;
  memset(p, 1, 8 << 20);
  p = realloc(p, 16 << 20);
  if (!p) return 2;
  free(p);
  if (write(pair[1], "x", 1) != 1) return 3;
  if (watch_thread_cpu_ns() < 0) return 4;
  return PASSED;
}
static int do_read_closed(void) { return read(pair[0], &(char){0}, 1) < 0 && errno == EBADF ? PASSED : 1; }
static int do_abort(void) { abort(); }

static void work_goes_on(void **state) {
  (void)state;
  assert_lives(do_work);
  assert_lives(do_read_closed);
  int status = jailed(do_abort);  // abort() needs tgkill of its own thread
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGABRT);
  assert_false(WCOREDUMP(status));
}

static int do_spin(void) {
  for (volatile uint64_t i = 0; i < UINT64_MAX; i++) {}
  return 1;
}
static int do_hoard(void) {
  void *volatile kept;  // or a compiler leaves the allocation out
  for (int i = 0; i < 64; i++) {
    kept = malloc(16 << 20);
    if (!kept) return PASSED;
  }
  return 1;
}

static void limits_hold(void **state) {
  (void)state;
  int status = jailed_with((struct jail_options){.cpu_s = 1}, do_spin);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGXCPU);
  if (jail_is_loose) return;
  status = jailed_with((struct jail_options){.address_bytes = 256 << 20}, do_hoard);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), PASSED);
}

// The watchdog, started before the jail, still stops an endless callback inside it.
static struct watchdog *dog;
static sigjmp_buf out;
static void expire(void *arg) {
  (void)arg;
  siglongjmp(out, 1);
}

static void watchdog_works_inside(void **state) {
  (void)state;
  fflush(NULL);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    struct err err;
    if (watchdog_create(&dog, &err) != OK || jail_enter(&(struct jail_options){.keep = (int[]){2}, .keep_count = 1, .cpu_s = 5}, &err) != OK) _exit(1);
    if (sigsetjmp(out, 1)) _exit(PASSED);
    watch_begin(dog, expire, NULL, 5000000);
    for (volatile uint64_t i = 0;; i++) {}
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) assert_int_equal(errno, EINTR);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), PASSED);
}

// The filter lies on threads that existed before it.
static _Atomic bool go;
static void *open_later(void *arg) {
  (void)arg;
  while (!go) {}
  (void)!open("/etc/passwd", O_RDONLY);
  _exit(PASSED);
}
static void filter_covers_all_threads(void **state) {
  (void)state;
  fflush(NULL);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    struct err err;
    pthread_t t;
    if (pthread_create(&t, NULL, open_later, NULL) != 0 || jail_enter(&(struct jail_options){.keep = (int[]){2}, .keep_count = 1}, &err) != OK) _exit(1);
    go = true;
    for (;;) sched_yield();
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) assert_int_equal(errno, EINTR);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGSYS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forbidden_things_kill), cmocka_unit_test(no_threads_no_code), cmocka_unit_test(work_goes_on),
      cmocka_unit_test(limits_hold),           cmocka_unit_test(watchdog_works_inside), cmocka_unit_test(filter_covers_all_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
