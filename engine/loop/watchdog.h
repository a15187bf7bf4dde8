// loop/watchdog.h – bounds the CPU time of callbacks without asking for the time in each of them.
//
// A callback only counts a per-thread sequence number up (odd: inside). One watchdog thread ticks every millisecond; when it
// meets the same odd number twice it reads that thread's CPU clock, and once the callback has used more than its budget it
// sends the thread a signal. The handler runs on the watched thread itself, compares the number once more – so a signal that
// arrives late can never hit the next callback – and calls `expire`, which must be async-signal-safe. The signal is repeated
// every tick until the callback ends.
//
// CPU time of the thread, not wall time: a loaded machine never changes a verdict. A verdict is at most two ticks late, plus
// the time the machine takes to run the watchdog (ten ticks more after a quiet spell, when it ticks slower).
#pragma once
#include "base/status.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct watchdog;

// One per thread, joined to at most one watchdog at a time. Touch only through the functions below.
struct watch {
  struct watchdog *dog;  // NULL: not joined
  _Atomic uint64_t seq;  // odd: inside a callback
  _Atomic int64_t budget_ns;
  void (*expire)(void *arg);  // read by the signal handler on this thread only
  void *volatile arg;
  _Atomic uint64_t over_seq;  // the callback that ran over, set by the watchdog before it signals
  // the watchdog thread's notes, under its lock
  uint64_t seen_seq;
  int64_t seen_cpu_ns;  // -1: not read yet
  pthread_t thread;
  clockid_t clock;
  struct watch *next;
};

extern _Thread_local struct watch watch_self;

// Takes SIGURG (ignored by default, so a stray one does no harm) for the whole process.
enum status watchdog_create(struct watchdog **ret, struct err *err) MUST_CHECK;
// No callback may be inside on any thread. Threads that joined need not have ended.
void watchdog_destroy(struct watchdog *dog);
// Signals sent so far, repeats included.
uint64_t watchdog_signals(const struct watchdog *dog);

// Joins the calling thread; done by watch_begin, undone when the thread ends or the watchdog is destroyed.
void watch_join(struct watchdog *dog);
void watch_leave(void);

static inline bool watch_inside(void) { return atomic_load_explicit(&watch_self.seq, memory_order_relaxed) & 1; }

static inline void watch_step(void) {
  uint64_t seq = atomic_load_explicit(&watch_self.seq, memory_order_relaxed);
  atomic_store_explicit(&watch_self.seq, seq + 1, memory_order_release);
  atomic_signal_fence(memory_order_seq_cst);
}

// Enters a callback; not while inside one.
static inline void watch_begin(struct watchdog *dog, void (*expire)(void *arg), void *arg, int64_t budget_ns) {
  if (__builtin_expect(watch_self.dog != dog, 0)) watch_join(dog);
  watch_self.expire = expire;
  watch_self.arg = arg;
  atomic_store_explicit(&watch_self.budget_ns, budget_ns, memory_order_relaxed);
  watch_step();
}

// After this returns, expire is not called any more.
static inline void watch_end(void) { watch_step(); }

// The callback ends and another begins with the same budget.
static inline void watch_renew(void) {
  watch_step();
  watch_step();
}

// CPU time of the calling thread.
int64_t watch_thread_cpu_ns(void);
