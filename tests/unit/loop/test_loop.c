// The loop: posting from other threads in order, timers, signals, bounded work, descriptors, children.
#include "loop/loop.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static struct loop *loop;
static struct err err;

static int setup(void **state) {
  (void)state;
  return loop_create(&loop, NULL, &err) == OK ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  loop_destroy(loop);
  return 0;
}

#define POSTS 2000
struct poster {
  unsigned next_seen;
  bool wrong;
};
static unsigned posters_left;

struct numbered {
  struct loop_task task;
  struct poster *poster;
  unsigned number;
};

static void see(struct loop_task *task) {
  struct numbered *n = (struct numbered *)task;
  if (n->poster->next_seen++ != n->number) n->poster->wrong = true;
  free(n);
}

static void poster_done(void *arg) {
  (void)arg;
  if (--posters_left == 0) loop_stop(loop);
}

static void *post_many(void *arg) {
  for (unsigned i = 0; i < POSTS; i++) {
    struct numbered *n = calloc(1, sizeof *n);
    n->task.fn = see;
    n->poster = arg;
    n->number = i;
    loop_post_task(loop, &n->task);
  }
  loop_post(loop, poster_done, NULL);
  return NULL;
}

static void test_post(void **state) {
  (void)state;
  struct poster posters[3] = {{0}};
  pthread_t threads[3];
  posters_left = 3;
  for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
  loop_run(loop);
  for (int i = 0; i < 3; i++) {
    pthread_join(threads[i], NULL);
    assert_false(posters[i].wrong);
    assert_int_equal(posters[i].next_seen, POSTS);
  }
}

static struct loop_task again;
static int again_count;
static void post_again(struct loop_task *task) {
  assert_ptr_equal(task, &again);
  if (++again_count < 5) loop_post_task(loop, task);
  else loop_stop(loop);
}

static void test_post_again_from_within(void **state) {
  (void)state;
  again = (struct loop_task){.fn = post_again};
  loop_post_task(loop, &again);
  loop_run(loop);
  assert_int_equal(again_count, 5);
}

static int late;
static void count_late(void *arg) {
  (void)arg;
  late++;
}

static void test_posted_before_destroy_runs(void **state) {
  (void)state;
  struct loop *other;
  assert_int_equal(loop_create(&other, NULL, &err), OK);
  loop_post(other, count_late, NULL);
  loop_destroy(other);
  assert_int_equal(late, 1);
}

// Tasks that take long do not have a turn for themselves; they stay in their order.
#define LONG_TASKS 40
static int long_done, long_order[LONG_TASKS];
struct long_task {
  struct loop_task task;
  int number;
};

static void busy_ms(int64_t ms) {
  struct timespec begin, now;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  do clock_gettime(CLOCK_MONOTONIC, &now);
  while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < ms);
}

static void take_long(struct loop_task *task) {
  const struct long_task *t = (struct long_task *)task;
  long_order[long_done++] = t->number;
  busy_ms(t->number == 7 ? LOOP_LONG_MS + 2 : 1);
}

static void test_tasks_share_turns(void **state) {
  (void)state;
  static struct long_task tasks[LONG_TASKS];
  long_done = 0;
  for (int i = 0; i < LONG_TASKS; i++) {
    tasks[i] = (struct long_task){.task.fn = take_long, .number = i};
    loop_post_task(loop, &tasks[i].task);
  }
  int turns = 0;
  for (; long_done < LONG_TASKS; turns++) {
    const int before = long_done;
    loop_turn(loop, true);
    assert_true(long_done - before < 15);
  }
  assert_true(turns > 3);
  for (int i = 0; i < LONG_TASKS; i++) assert_int_equal(long_order[i], i);
  const struct loop_stats s = loop_stats(loop);
  assert_true(s.long_callbacks[LOOP_TASK] >= 1);
  assert_true(s.longest_s > LOOP_LONG_MS * 1e-3 && s.turns_s >= s.longest_s);
  uint64_t counted = 0;
  for (int b = 0; b <= LOOP_TURN_BOUNDS; b++) counted += s.buckets[b];
  assert_true(counted >= (uint64_t)turns);
  assert_true(s.buckets[5] + s.buckets[6] + s.buckets[7] + s.buckets[8] >= 1);  // the one of 22 ms
}

// Waiting is not counted: not always, when the machine is so busy that we do not get to it.
static void wake(void *arg) { *(bool *)arg = true; }
static void test_waiting_is_no_turn(void **state) {
  (void)state;
  struct loop_timer *timer;
  double counted_s = 1;
  assert_int_equal(loop_timer_create(loop, wake, NULL, &timer, &err), OK);
  for (int tries = 0; tries < 20 && counted_s > 0.02; tries++) {
    bool woken = false;
    loop_timer_destroy(timer);
    assert_int_equal(loop_timer_create(loop, wake, &woken, &timer, &err), OK);
    loop_turn(loop, false);
    const double before_s = loop_stats(loop).turns_s;
    loop_timer_start(timer, 50, 0);
    while (!woken) loop_turn(loop, true);
    loop_turn(loop, false);
    counted_s = loop_stats(loop).turns_s - before_s;
  }
  loop_timer_destroy(timer);
  assert_true(counted_s <= 0.02);
}

static void test_stop_before_run(void **state) {
  (void)state;
  loop_stop(loop);
  loop_run(loop);  // returns
}

static struct loop_timer *ticker;
static int ticks;
static void tick(void *arg) {
  assert_ptr_equal(arg, &ticks);
  if (++ticks == 3) {
    loop_timer_stop(ticker);
    loop_stop(loop);
  }
}

static void never(void *arg) {
  (void)arg;
  fail();
}

static void test_timers(void **state) {
  (void)state;
  struct loop_timer *stopped;
  assert_int_equal(loop_timer_create(loop, tick, &ticks, &ticker, &err), OK);
  assert_int_equal(loop_timer_create(loop, never, NULL, &stopped, &err), OK);
  int64_t begin = loop_now_ms(loop);
  loop_timer_start(ticker, 1, 2);
  loop_timer_start(stopped, 1, 0);
  loop_timer_stop(stopped);
  loop_run(loop);
  assert_int_equal(ticks, 3);
  assert_true(loop_now_ms(loop) - begin >= 4);
  loop_timer_destroy(ticker);
  loop_timer_destroy(stopped);
  loop_timer_destroy(NULL);
}

static void on_usr1(void *arg, int signum) {
  *(int *)arg = signum;
  loop_stop(loop);
}

static void test_signal(void **state) {
  (void)state;
  int seen = 0;
  struct loop_signal *sig;
  assert_int_equal(loop_signal_create(loop, SIGUSR1, on_usr1, &seen, &sig, &err), OK);
  kill(getpid(), SIGUSR1);
  loop_run(loop);
  assert_int_equal(seen, SIGUSR1);
  loop_signal_destroy(sig);
}

struct job {
  pthread_t thread;
  int done;
};
static int jobs_done;

static void job_work(void *arg) {
  struct job *job = arg;
  job->thread = pthread_self();
}

static void job_done(void *arg) {
  struct job *job = arg;
  job->done++;
  if (++jobs_done == 3) loop_stop(loop);
}

static void test_work_is_bounded(void **state) {
  (void)state;
  struct loop *keep = loop;
  assert_int_equal(loop_create(&loop, &(struct loop_options){.work_max = 3}, &err), OK);
  struct job jobs[4] = {{0}};
  for (int i = 0; i < 3; i++) assert_int_equal(loop_work(loop, job_work, job_done, &jobs[i], &err), OK);
  assert_int_equal(loop_work_count(loop), 3);
  assert_int_equal(loop_work(loop, job_work, job_done, &jobs[3], &err), ERR_LIMIT);
  loop_run(loop);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(jobs[i].done, 1);
    assert_false(pthread_equal(jobs[i].thread, pthread_self()));
  }
  assert_int_equal(loop_work_count(loop), 0);
  assert_int_equal(loop_work(loop, job_work, job_done, &jobs[3], &err), OK);
  loop_destroy(loop);  // waits for it
  assert_int_equal(jobs[3].done, 1);
  loop = keep;
}

struct ended {
  int code, signum, count;
};

static void on_exit_of(void *arg, int code, int signum) {
  struct ended *e = arg;
  *e = (struct ended){code, signum, e->count + 1};
  loop_stop(loop);
}

static struct loop_watch *watch;
static char heard[64];
static size_t heard_len;
static void on_ready(void *arg, unsigned events) {
  int fd = *(int *)arg;
  assert_true(events & LOOP_READABLE);
  ssize_t n = read(fd, heard + heard_len, sizeof heard - 1 - heard_len);
  if (n > 0) heard_len += (size_t)n;
  else if (n == 0 || errno != EAGAIN) loop_watch_set(watch, 0);
}

// The child says on descriptor 3 what it was given: its argument, its environment, which descriptors are open.
static void test_spawn(void **state) {
  (void)state;
  int fds[2];
  assert_int_equal(loop_socketpair(fds, &err), OK);
  assert_int_equal(loop_watch_create(loop, fds[0], on_ready, &fds[0], &watch, &err), OK);
  loop_watch_set(watch, LOOP_READABLE);
  struct ended ended = {0};
  const char *argv[] = {"sh", "-c", "echo $0 $A >&3; for i in 4 5 6 7 8 9; do { true >&$i; } 2>/dev/null && echo open $i >&3; done; exit 7", "arg", NULL};
  const char *env[] = {"A=b", NULL};
  struct loop_child *child;
  assert_int_equal(loop_spawn(loop, &(struct loop_spawn){.file = "/bin/sh", .argv = argv, .env = env, .in_fd = -1, .out_fd = -1,
    .err_fd = -1, .fds = &fds[1], .fd_count = 1, .on_exit = on_exit_of, .arg = &ended}, &child, &err), OK);
  assert_true(loop_child_pid(child) > 0);
  close(fds[1]);
  loop_run(loop);
  assert_int_equal(ended.code, 7);
  assert_int_equal(ended.signum, 0);
  assert_int_equal(ended.count, 1);
  loop_turn(loop, false);
  assert_string_equal(heard, "arg b\n");
  loop_watch_destroy(watch);
  close(fds[0]);
}

// A child that is forgotten ends with its loop: neither waits for the other.
static void test_forgotten_child(void **state) {
  (void)state;
  struct loop *own;
  struct loop_child *child;
  const char *argv[] = {"sleep", "600", NULL};
  assert_int_equal(loop_create(&own, NULL, &err), OK);
  assert_int_equal(loop_spawn(own, &(struct loop_spawn){.file = "/bin/sleep", .argv = argv, .in_fd = -1, .out_fd = -1, .err_fd = -1, .on_exit = NULL}, &child, &err), OK);
  loop_child_forget(child);
  loop_destroy(own);
}

static void test_spawn_killed(void **state) {
  (void)state;
  struct ended ended = {0};
  const char *argv[] = {"sleep", "100", NULL};
  struct loop_child *child;
  assert_int_equal(loop_spawn(loop, &(struct loop_spawn){.file = "/bin/sleep", .argv = argv, .in_fd = -1, .out_fd = -1, .err_fd = -1,
    .on_exit = on_exit_of, .arg = &ended}, &child, &err), OK);
  loop_child_kill(child, SIGKILL);
  loop_run(loop);
  assert_int_equal(ended.signum, SIGKILL);
  assert_int_equal(ended.code, 0);
}

static void test_spawn_nothing(void **state) {
  (void)state;
  const char *argv[] = {"x", NULL};
  assert_int_equal(loop_spawn(loop, &(struct loop_spawn){.file = "/nonexistent/x", .argv = argv, .in_fd = -1, .out_fd = -1, .err_fd = -1},
    NULL, &err), ERR_NOTFOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_post, setup, teardown),
    cmocka_unit_test_setup_teardown(test_post_again_from_within, setup, teardown),
    cmocka_unit_test_setup_teardown(test_posted_before_destroy_runs, setup, teardown),
    cmocka_unit_test_setup_teardown(test_tasks_share_turns, setup, teardown),
    cmocka_unit_test_setup_teardown(test_waiting_is_no_turn, setup, teardown),
    cmocka_unit_test_setup_teardown(test_stop_before_run, setup, teardown),
    cmocka_unit_test_setup_teardown(test_timers, setup, teardown),
    cmocka_unit_test_setup_teardown(test_signal, setup, teardown),
    cmocka_unit_test_setup_teardown(test_work_is_bounded, setup, teardown),
    cmocka_unit_test_setup_teardown(test_spawn, setup, teardown),
    cmocka_unit_test_setup_teardown(test_spawn_killed, setup, teardown),
    cmocka_unit_test(test_forgotten_child),
    cmocka_unit_test_setup_teardown(test_spawn_nothing, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
