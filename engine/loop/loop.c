// loop/loop.c – see loop.h.
#include "loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define WORK_MAX_DEFAULT 64

struct loop {
  uv_loop_t uv;
  uv_async_t wake;
  uv_prepare_t before_waiting;
  uint64_t turn_ns, idle_ns;  // when the last turn ended, and how long had been waited until then
  struct loop_stats stats;
  struct loop_task *rest;     // that had come to its turn when it was over
  atomic_bool stop;
  unsigned work_max, work_count;
  pthread_mutex_t lock;  // guards the queue
  struct loop_task *first, **last;
};

static enum status err_uv(struct err *err, int code, const char *what) {
  return err_errno(err, -code, "%s", what);  // on Unix libuv's codes are negated errno values
}

// ---- how long turns are

const double loop_turn_bounds_s[LOOP_TURN_BOUNDS] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25};

// A turn: from before the loop waits until it is about to wait again, without the waiting.
static void before_waiting(uv_prepare_t *prepare) {
  struct loop *loop = prepare->data;
  const uint64_t now_ns = uv_hrtime(), idle_ns = uv_metrics_idle_time(&loop->uv);
  const double took_s = (double)(now_ns - loop->turn_ns - (idle_ns - loop->idle_ns)) * 1e-9;
  int b = 0;
  while (b < LOOP_TURN_BOUNDS && took_s > loop_turn_bounds_s[b]) b++;
  loop->stats.buckets[b]++;
  loop->stats.turns_s += took_s;
  if (took_s > loop->stats.longest_s) loop->stats.longest_s = took_s;
  loop->turn_ns = now_ns;
  loop->idle_ns = idle_ns;
}

static void took(struct loop *loop, enum loop_kind kind, uint64_t ns) {
  if (ns > LOOP_LONG_MS * UINT64_C(1000000)) loop->stats.long_callbacks[kind]++;
}

struct loop_stats loop_stats(const struct loop *loop) { return loop->stats; }

// ---- tasks

#define TASKS_NS 4000000  // of one turn: then others have theirs

// In their order. all: however long it takes.
static void run_tasks(struct loop *loop, bool all) {
  struct loop_task **end = &loop->rest;
  while (*end) end = &(*end)->next;
  pthread_mutex_lock(&loop->lock);
  *end = loop->first;
  loop->first = NULL;
  loop->last = &loop->first;
  pthread_mutex_unlock(&loop->lock);
  const uint64_t turn_ns = uv_hrtime();
  for (uint64_t now_ns = turn_ns; loop->rest && (all || now_ns - turn_ns < TASKS_NS);) {
    struct loop_task *task = loop->rest;
    const uint64_t began_ns = now_ns;
    loop->rest = task->next;
    task->waiting = false;
    task->fn(task);
    now_ns = uv_hrtime();
    took(loop, LOOP_TASK, now_ns - began_ns);
  }
  if (loop->rest) uv_async_send(&loop->wake);
}

static void on_wake(uv_async_t *wake) {
  struct loop *loop = wake->data;
  run_tasks(loop, false);
  if (atomic_load(&loop->stop)) uv_stop(&loop->uv);
}

enum status loop_create(struct loop **ret, const struct loop_options *options, struct err *err) {
  struct loop *loop = calloc(1, sizeof *loop);
  if (!loop) return err_set(err, ERR_NOMEM, "loop");
  int code = uv_loop_init(&loop->uv);
  if (code) {
    free(loop);
    return err_uv(err, code, "loop");
  }
  code = uv_async_init(&loop->uv, &loop->wake, on_wake);
  if (code) {
    uv_loop_close(&loop->uv);
    free(loop);
    return err_uv(err, code, "loop");
  }
  uv_loop_configure(&loop->uv, UV_METRICS_IDLE_TIME);
  uv_prepare_init(&loop->uv, &loop->before_waiting);
  loop->before_waiting.data = loop;
  loop->turn_ns = uv_hrtime();
  uv_prepare_start(&loop->before_waiting, before_waiting);
  uv_unref((uv_handle_t *)&loop->before_waiting);
  loop->wake.data = loop;
  loop->work_max = options && options->work_max ? options->work_max : WORK_MAX_DEFAULT;
  loop->last = &loop->first;
  pthread_mutex_init(&loop->lock, NULL);
  *ret = loop;
  return OK;
}

static void assert_closing(uv_handle_t *handle, void *arg) {
  (void)arg;
  assert(uv_is_closing(handle) && "something on the loop was not destroyed before the loop");
}

struct loop_child {
  uv_process_t uv;
  void (*on_exit)(void *arg, int code, int signum);  // NULL: forgotten
  void *arg;
  bool ended;
};

static void end_forgotten(uv_handle_t *handle, void *arg) {
  struct loop_child *child = handle->type == UV_PROCESS && !uv_is_closing(handle) ? handle->data : NULL;
  if (!child || child->on_exit) return;
  if (!child->ended) uv_process_kill(&child->uv, SIGKILL);
  *(bool *)arg = true;
}

// Children that nobody waits for (loop_child_forget) are the loop's to end: killed a moment ago they may not have been reaped.
static bool forgotten_left(struct loop *loop) {
  bool left = false;
  uv_walk(&loop->uv, end_forgotten, &left);
  return left;
}

void loop_destroy(struct loop *loop) {
  if (!loop) return;
  while (forgotten_left(loop)) uv_run(&loop->uv, UV_RUN_ONCE);
  while (loop->work_count > 0) uv_run(&loop->uv, UV_RUN_ONCE);
  run_tasks(loop, true);
  uv_close((uv_handle_t *)&loop->wake, NULL);
  uv_close((uv_handle_t *)&loop->before_waiting, NULL);
  uv_walk(&loop->uv, assert_closing, NULL);  // else the next line would wait for ever
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  int busy = uv_loop_close(&loop->uv);
  assert(!busy);
  assert(!loop->first && !loop->rest);
  pthread_mutex_destroy(&loop->lock);
  free(loop);
}

void loop_run(struct loop *loop) {
  while (!atomic_load(&loop->stop)) uv_run(&loop->uv, UV_RUN_DEFAULT);
  atomic_store(&loop->stop, false);
}

void loop_stop(struct loop *loop) {
  atomic_store(&loop->stop, true);
  int failed = uv_async_send(&loop->wake);
  assert(!failed);
}

void loop_turn(struct loop *loop, bool wait) {
  uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

int64_t loop_now_ms(const struct loop *loop) {
  return (int64_t)uv_now(&loop->uv);
}

struct uv_loop_s *loop_uv(struct loop *loop) {
  return &loop->uv;
}

// ---- from other threads ----

void loop_post_task(struct loop *loop, struct loop_task *task) {
  pthread_mutex_lock(&loop->lock);
  assert(!task->waiting);
  task->waiting = true;
  task->next = NULL;
  bool first = !loop->first;
  *loop->last = task;
  loop->last = &task->next;
  pthread_mutex_unlock(&loop->lock);
  if (!first) return;  // who was first has woken the loop, or is about to
  int failed = uv_async_send(&loop->wake);
  assert(!failed);
}

struct post {
  struct loop_task task;
  void (*fn)(void *arg);
  void *arg;
};

static void run_post(struct loop_task *task) {
  struct post post = *(struct post *)task;
  free(task);
  post.fn(post.arg);
}

void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg) {
  struct post *post = malloc(sizeof *post);
  assert(post);
  *post = (struct post){.task.fn = run_post, .fn = fn, .arg = arg};
  loop_post_task(loop, &post->task);
}

// ---- timers ----

struct loop_timer {
  uv_timer_t uv;
  void (*fn)(void *arg);
  void *arg;
};

static void free_handle(uv_handle_t *handle) {
  free(handle->data);
}

static void on_timer(uv_timer_t *uv) {
  struct loop_timer *timer = uv->data;
  struct loop *loop = (struct loop *)uv->loop;  // its first member
  const uint64_t began_ns = uv_hrtime();
  timer->fn(timer->arg);
  took(loop, LOOP_TIMER, uv_hrtime() - began_ns);
}

enum status loop_timer_create(struct loop *loop, void (*fn)(void *arg), void *arg, struct loop_timer **ret,
  struct err *err) {
  struct loop_timer *timer = calloc(1, sizeof *timer);
  if (!timer) return err_set(err, ERR_NOMEM, "timer");
  int failed = uv_timer_init(&loop->uv, &timer->uv);
  assert(!failed);
  timer->uv.data = timer;
  timer->fn = fn;
  timer->arg = arg;
  *ret = timer;
  return OK;
}

void loop_timer_start(struct loop_timer *timer, int64_t delay_ms, int64_t repeat_ms) {
  assert(delay_ms >= 0 && repeat_ms >= 0);
  int failed = uv_timer_start(&timer->uv, on_timer, (uint64_t)delay_ms, (uint64_t)repeat_ms);
  assert(!failed);
}

void loop_timer_stop(struct loop_timer *timer) {
  uv_timer_stop(&timer->uv);
}

void loop_timer_destroy(struct loop_timer *timer) {
  if (timer) uv_close((uv_handle_t *)&timer->uv, free_handle);
}

// ---- signals ----

struct loop_signal {
  uv_signal_t uv;
  void (*fn)(void *arg, int signum);
  void *arg;
};

static void on_signal(uv_signal_t *uv, int signum) {
  struct loop_signal *sig = uv->data;
  sig->fn(sig->arg, signum);
}

enum status loop_signal_create(struct loop *loop, int signum, void (*fn)(void *arg, int signum), void *arg,
  struct loop_signal **ret, struct err *err) {
  struct loop_signal *sig = calloc(1, sizeof *sig);
  if (!sig) return err_set(err, ERR_NOMEM, "signal");
  int code = uv_signal_init(&loop->uv, &sig->uv);
  if (code) {
    free(sig);
    return err_uv(err, code, "signal");
  }
  sig->uv.data = sig;
  sig->fn = fn;
  sig->arg = arg;
  code = uv_signal_start(&sig->uv, on_signal, signum);
  if (code) {
    loop_signal_destroy(sig);
    return err_uv(err, code, "signal");
  }
  *ret = sig;
  return OK;
}

void loop_signal_destroy(struct loop_signal *sig) {
  if (sig) uv_close((uv_handle_t *)&sig->uv, free_handle);
}

// ---- slow work ----

struct work {
  uv_work_t uv;
  struct loop *loop;
  void (*work)(void *arg);
  void (*done)(void *arg);
  void *arg;
};

static void work_run(uv_work_t *uv) {
  struct work *w = uv->data;
  w->work(w->arg);
}

static void work_done(uv_work_t *uv, int status) {
  (void)status;  // never cancelled
  struct work w = *(struct work *)uv->data;
  free(uv->data);
  w.loop->work_count--;
  const uint64_t began_ns = uv_hrtime();
  w.done(w.arg);
  took(w.loop, LOOP_WORK, uv_hrtime() - began_ns);
}

enum status loop_work(struct loop *loop, void (*work)(void *arg), void (*done)(void *arg), void *arg, struct err *err) {
  if (loop->work_count >= loop->work_max) return err_set(err, ERR_LIMIT, "%u pieces of work wait already", loop->work_max);
  struct work *w = malloc(sizeof *w);
  if (!w) return err_set(err, ERR_NOMEM, "work");
  w->uv.data = w;
  w->loop = loop;
  w->work = work;
  w->done = done;
  w->arg = arg;
  int failed = uv_queue_work(&loop->uv, &w->uv, work_run, work_done);
  assert(!failed);
  loop->work_count++;
  return OK;
}

unsigned loop_work_count(const struct loop *loop) {
  return loop->work_count;
}

// ---- descriptors ----

struct loop_watch {
  uv_poll_t uv;
  void (*fn)(void *arg, unsigned events);
  void *arg;
};

static void on_poll(uv_poll_t *uv, int status, int events) {
  struct loop_watch *watch = uv->data;
  unsigned ready = 0;
  if (status < 0 || (events & (UV_READABLE | UV_DISCONNECT))) ready |= LOOP_READABLE;
  if (events & UV_WRITABLE) ready |= LOOP_WRITABLE;
  struct loop *loop = (struct loop *)uv->loop;
  const uint64_t began_ns = uv_hrtime();
  watch->fn(watch->arg, ready);
  took(loop, LOOP_DESCRIPTOR, uv_hrtime() - began_ns);
}

enum status loop_watch_create(struct loop *loop, int fd, void (*fn)(void *arg, unsigned events), void *arg,
  struct loop_watch **ret, struct err *err) {
  struct loop_watch *watch = calloc(1, sizeof *watch);
  if (!watch) return err_set(err, ERR_NOMEM, "watch");
  int code = uv_poll_init(&loop->uv, &watch->uv, fd);
  if (code) {
    free(watch);
    return err_uv(err, code, "watch");
  }
  watch->uv.data = watch;
  watch->fn = fn;
  watch->arg = arg;
  *ret = watch;
  return OK;
}

void loop_watch_set(struct loop_watch *watch, unsigned events) {
  int wanted = (events & LOOP_READABLE ? UV_READABLE | UV_DISCONNECT : 0) | (events & LOOP_WRITABLE ? UV_WRITABLE : 0);
  if (!wanted) {
    uv_poll_stop(&watch->uv);
    return;
  }
  int failed = uv_poll_start(&watch->uv, wanted, on_poll);
  assert(!failed);
}

void loop_watch_destroy(struct loop_watch *watch) {
  if (watch) uv_close((uv_handle_t *)&watch->uv, free_handle);
}

// ---- child processes ----

static void on_child_exit(uv_process_t *uv, int64_t code, int signum) {
  struct loop_child *child = uv->data;
  child->ended = true;
  if (child->on_exit) child->on_exit(child->arg, signum ? 0 : (int)code, signum);
  uv_close((uv_handle_t *)uv, free_handle);
}

enum status loop_spawn(struct loop *loop, const struct loop_spawn *spawn, struct loop_child **ret_child,
  struct err *err) {
  assert(spawn->fd_count <= LOOP_SPAWN_FDS_MAX);
  struct loop_child *child = calloc(1, sizeof *child);
  if (!child) return err_set(err, ERR_NOMEM, "child");
  child->uv.data = child;
  child->on_exit = spawn->on_exit;
  child->arg = spawn->arg;

  uv_stdio_container_t stdio[3 + LOOP_SPAWN_FDS_MAX];
  const int standard[3] = {spawn->in_fd, spawn->out_fd, spawn->err_fd};
  for (unsigned i = 0; i < 3 + spawn->fd_count; i++) {
    int fd = i < 3 ? standard[i] : spawn->fds[i - 3];
    stdio[i].flags = fd < 0 ? UV_IGNORE : UV_INHERIT_FD;  // UV_IGNORE is /dev/null for 0, 1 and 2
    stdio[i].data.fd = fd;
    assert(i < 3 || fd >= 0);
  }
  static const char *const none[] = {NULL};
  uv_process_options_t o = {
    .exit_cb = on_child_exit,
    .file = spawn->file,
    .args = (char **)spawn->argv,
    .env = (char **)(spawn->env ? spawn->env : none),
    .stdio_count = (int)(3 + spawn->fd_count),
    .stdio = stdio,
  };
  int code = uv_spawn(&loop->uv, &child->uv, &o);
  if (code) {
    uv_close((uv_handle_t *)&child->uv, free_handle);
    return err_uv(err, code, spawn->file);
  }
  if (ret_child) *ret_child = child;
  return OK;
}

pid_t loop_child_pid(const struct loop_child *child) {
  return child->uv.pid;
}

void loop_child_kill(struct loop_child *child, int signum) {
  if (!child->ended) uv_process_kill(&child->uv, signum);
}

void loop_child_forget(struct loop_child *child) {
  child->on_exit = NULL;
}

enum status loop_socketpair(int ret_fds[2], struct err *err) {
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret_fds) != 0) return err_errno(err, errno, "socketpair");
  if (fcntl(ret_fds[0], F_SETFL, O_NONBLOCK) == 0) return OK;
  int errnum = errno;
  close(ret_fds[0]);
  close(ret_fds[1]);
  return err_errno(err, errnum, "socketpair");
}
