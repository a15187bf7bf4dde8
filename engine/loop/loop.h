// loop/loop.h – the one thread that waits: events, timers, signals, a bounded pool for slow work, child processes. It hides
// libuv, so that the rest of the engine can be read, tested and one day moved without it.
//
// Everything here is called on the loop's thread (the one in loop_run), except loop_post, loop_post_task and loop_stop,
// which any thread may call. Callbacks run one at a time and may call anything here; none of them may block.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;
struct uv_loop_s;  // libuv's own, for net/ only

struct loop_options {
  unsigned work_max;  // pieces of work handed to the pool and not yet done; 0: 64
};

// options may be NULL. Raises nothing, starts no thread (the pool's threads start with the first work).
enum status loop_create(struct loop **ret, const struct loop_options *options, struct err *err) MUST_CHECK;
// After loop_run returned. Runs what is still closing and waits for work in the pool, whose `done` is still called;
// tasks posted but not yet run are run. Who created timers, listeners, children on the loop destroys them before.
void loop_destroy(struct loop *loop);

// Runs until loop_stop. Returns when the turn that was going on is over.
void loop_run(struct loop *loop);
// Any thread, also from a signal callback; calling it before loop_run makes that return at once. Idempotent.
void loop_stop(struct loop *loop);
// One turn; waits for something to happen when `wait`. For tests and for running down.
void loop_turn(struct loop *loop, bool wait);
// Monotonic milliseconds as of the begin of this turn: free, and good enough for timeouts.
int64_t loop_now_ms(const struct loop *loop);

// How long the turns were, without waiting: while one lasts, nobody else gets an answer. bounds as of a histogram: buckets[i] counts those of
// at most loop_turn_bounds_s[i], not cumulated, the last all longer ones.
#define LOOP_TURN_BOUNDS 8
extern const double loop_turn_bounds_s[LOOP_TURN_BOUNDS];
// Whose callbacks took longer than LOOP_LONG_MS at a time.
enum loop_kind { LOOP_TIMER, LOOP_DESCRIPTOR, LOOP_TASK, LOOP_WORK, LOOP_KINDS };
#define LOOP_LONG_MS 20
struct loop_stats {
  uint64_t buckets[LOOP_TURN_BOUNDS + 1];
  double turns_s, longest_s;  // all together; the longest since the loop was made
  uint64_t long_callbacks[LOOP_KINDS];
};
struct loop_stats loop_stats(const struct loop *loop);
// For net/ only.
struct uv_loop_s *loop_uv(struct loop *loop);

// ---- from other threads ----

// A call that waits in the loop's queue. Owned by the caller, untouched by the loop once fn has been entered, so that fn
// may free it or post it again; posting it while it waits is a bug (asserted).
struct loop_task {
  void (*fn)(struct loop_task *task);
  struct loop_task *next;
  bool waiting;
};

// Runs task->fn(task) on the loop's thread, in the order of posting. Cannot fail. Any thread.
void loop_post_task(struct loop *loop, struct loop_task *task);
// The same for a function and its argument; takes a small block of memory and aborts when there is none, so what must
// survive an empty heap embeds a loop_task instead. Any thread.
void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);

// ---- timers ----

struct loop_timer;
// Created stopped.
enum status loop_timer_create(struct loop *loop, void (*fn)(void *arg), void *arg, struct loop_timer **ret,
  struct err *err) MUST_CHECK;
// In delay_ms, then every repeat_ms (0: once). A running timer starts anew.
void loop_timer_start(struct loop_timer *timer, int64_t delay_ms, int64_t repeat_ms);
void loop_timer_stop(struct loop_timer *timer);
// Its function is not called any more. NULL does nothing.
void loop_timer_destroy(struct loop_timer *timer);

// ---- signals ----

struct loop_signal;
// Calls fn on the loop for every `signum` of the process, instead of the default action.
enum status loop_signal_create(struct loop *loop, int signum, void (*fn)(void *arg, int signum), void *arg,
  struct loop_signal **ret, struct err *err) MUST_CHECK;
void loop_signal_destroy(struct loop_signal *signal);

// ---- slow work ----

// work(arg) on a thread of the pool, then done(arg) on the loop. ERR_LIMIT when options.work_max are under way: the
// caller answers "busy" instead of queueing without bound. work touches nothing of the loop.
enum status loop_work(struct loop *loop, void (*work)(void *arg), void (*done)(void *arg), void *arg,
  struct err *err) MUST_CHECK;
// Under way now.
unsigned loop_work_count(const struct loop *loop);

// ---- descriptors that somebody else opened (socketpairs to children) ----

struct loop_watch;
enum loop_watch_events { LOOP_READABLE = 1, LOOP_WRITABLE = 2 };
// Watches fd, which stays the caller's and must outlive the watch. Created idle; see loop_watch_set.
// fn gets what is ready; a hang-up or an error shows as LOOP_READABLE, so that read() tells it.
enum status loop_watch_create(struct loop *loop, int fd, void (*fn)(void *arg, unsigned events), void *arg,
  struct loop_watch **ret, struct err *err) MUST_CHECK;
// What to wait for from now on; 0: nothing.
void loop_watch_set(struct loop_watch *watch, unsigned events);
void loop_watch_destroy(struct loop_watch *watch);

// ---- child processes ----

#define LOOP_SPAWN_FDS_MAX 16

struct loop_spawn {
  const char *file;         // absolute path
  const char *const *argv;        // NULL-terminated, argv[0] included
  const char *const *env;         // NULL-terminated; NULL: an empty environment
  int in_fd, out_fd, err_fd;  // become 0, 1, 2 of the child; -1: /dev/null
  const int *fds;           // become 3, 4, … of the child; everything else is closed there
  unsigned fd_count;        // ≤ LOOP_SPAWN_FDS_MAX
  // Exactly once, when the child has ended: its exit code, or the signal that killed it (then code is 0). The child is
  // destroyed when this returns. Not called if loop_spawn failed.
  void (*on_exit)(void *arg, int code, int signum);
  void *arg;
};

struct loop_child;
// ret_child (may be NULL) is valid until on_exit returns. The descriptors stay the caller's, who closes their own copies.
// ERR_NOTFOUND: no such file.
enum status loop_spawn(struct loop *loop, const struct loop_spawn *spawn, struct loop_child **ret_child,
  struct err *err) MUST_CHECK;
pid_t loop_child_pid(const struct loop_child *child);
// kill(2) on a child that has not ended; ending shows in on_exit.
void loop_child_kill(struct loop_child *child, int signum);
// Its on_exit is not called any more; the child goes on, and belongs to the loop, whose end is its end too.
void loop_child_forget(struct loop_child *child);

// A connected pair of stream sockets, close-on-exec: ret_fds[0] for us (non-blocking), ret_fds[1] for the child (blocking).
enum status loop_socketpair(int ret_fds[2], struct err *err) MUST_CHECK;
