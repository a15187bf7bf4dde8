// tests/sim/sim_loop.c – see sim_loop.h.
#include "sim_loop.h"

#include "loop/clock.h"
#include "loop/watchdog.h"
#include "sim_pipe.h"

#include <assert.h>
#include <stdlib.h>

#define WALL_BEGIN_NS INT64_C(1780000000000000000)  // 2026-05-28
#define WATCHES_MAX 256

// ---- chance and time

static uint64_t chance;
static int64_t now_ns = 1000000000, wall_ns = WALL_BEGIN_NS;
static uint64_t events;
static struct sim_actor *actors;

void sim_seed(uint64_t seed) { chance = seed * UINT64_C(0x2545f4914f6cdd1d) + 1; }

uint64_t sim_random(void) {
  uint64_t z = chance += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

int64_t sim_now_ns(void) { return now_ns; }
void sim_wall_jump(int64_t by_ns) { wall_ns += by_ns; }
uint64_t sim_events(void) { return events; }

int64_t clock_monotonic_ns(void) { return now_ns; }
int64_t clock_wall_ns(void) { return wall_ns + now_ns; }
int64_t clock_thread_cpu_ns(void) { return now_ns; }
int64_t clock_process_cpu_ns(int pid) { return (void)pid, now_ns; }

void sim_actor_add(struct sim_actor *a) {
  struct sim_actor **p = &actors;
  while (*p) p = &(*p)->next;
  a->next = NULL;
  *p = a;
}

void sim_actor_remove(struct sim_actor *a) {
  struct sim_actor **p = &actors;
  while (*p && *p != a) p = &(*p)->next;
  if (*p) *p = a->next;
}

// ---- the loop

struct loop_timer {
  struct loop *loop;
  void (*fn)(void *arg);
  void *arg;
  int64_t due_ns, repeat_ns;  // due INT64_MAX: stopped
  uint64_t started;           // of two that are due at one time the one started first
  struct loop_timer *next;
};

struct loop_watch {
  struct loop *loop;
  int fd;
  unsigned events;
  void (*fn)(void *arg, unsigned events);
  void *arg;
  struct loop_watch *next;
};

struct work {
  struct sim_actor actor;
  struct loop *loop;
  int64_t due_ns;
  void (*work)(void *arg);
  void (*done)(void *arg);
  void *arg;
};

struct loop {
  bool stop;
  struct loop_task *first, **last;
  struct loop_timer *timers;
  struct loop_watch *watches;
  unsigned work_max, work_count;
  uint64_t started;
};

enum status loop_create(struct loop **ret, const struct loop_options *options, struct err *err) {
  struct loop *loop = calloc(1, sizeof *loop);
  if (!loop) return err_set(err, ERR_NOMEM, "loop");
  loop->work_max = options && options->work_max ? options->work_max : 64;
  loop->last = &loop->first;
  *ret = loop;
  return OK;
}

static void run_task(struct loop *loop) {
  struct loop_task *task = loop->first;
  loop->first = task->next;
  if (!loop->first) loop->last = &loop->first;
  task->waiting = false;
  task->fn(task);
}

static struct loop_timer *next_timer(const struct loop *loop) {
  struct loop_timer *best = NULL;
  for (struct loop_timer *t = loop->timers; t; t = t->next)
    if (t->due_ns != INT64_MAX && (!best || t->due_ns < best->due_ns || (t->due_ns == best->due_ns && t->started < best->started))) best = t;
  return best;
}

static void run_timer(struct loop_timer *t) {
  if (t->repeat_ns) {
    t->due_ns = now_ns + t->repeat_ns;
    t->started = ++t->loop->started;
  } else {
    t->due_ns = INT64_MAX;
  }
  t->fn(t->arg);
}

// The watches that are ready; *ret_events tells for what.
static int ready(const struct loop *loop, struct loop_watch *ret[WATCHES_MAX], unsigned ret_events[WATCHES_MAX]) {
  int count = 0;
  for (struct loop_watch *w = loop->watches; w; w = w->next) {
    if (!w->events) continue;
    const bool readable = w->events & LOOP_READABLE ? sim_pipe_readable(w->fd) : sim_pipe_over(w->fd);
    const unsigned has = (readable ? LOOP_READABLE : 0u) | (w->events & LOOP_WRITABLE && sim_pipe_writable(w->fd) ? LOOP_WRITABLE : 0u);
    if (!has) continue;
    assert(count < WATCHES_MAX);
    ret[count] = w;
    ret_events[count++] = has;
  }
  return count;
}

// One thing, if any can happen by until_ns; else time is until_ns.
static bool step(struct loop *loop, int64_t until_ns) {
  struct loop_watch *watches[WATCHES_MAX];
  unsigned what[WATCHES_MAX];
  for (;;) {
    const int watch_count = ready(loop, watches, what);
    struct loop_timer *timer = next_timer(loop);
    int64_t next_ns = timer ? timer->due_ns : INT64_MAX;
    unsigned candidates = (unsigned)watch_count + (loop->first != NULL) + (timer && timer->due_ns <= now_ns);
    for (struct sim_actor *a = actors; a; a = a->next) {
      const int64_t due_ns = a->due_ns(a);
      candidates += due_ns <= now_ns;
      if (due_ns < next_ns) next_ns = due_ns;
    }
    if (candidates) {
      unsigned pick = (unsigned)sim_below(candidates);
      now_ns += (int64_t)sim_below(20000);  // what it takes
      events++;
      if (pick < (unsigned)watch_count) {
        watches[pick]->fn(watches[pick]->arg, what[pick]);
        return true;
      }
      pick -= (unsigned)watch_count;
      if (loop->first && pick-- == 0) {
        run_task(loop);
        return true;
      }
      if (timer && timer->due_ns <= now_ns && pick-- == 0) {
        run_timer(timer);
        return true;
      }
      for (struct sim_actor *a = actors; a; a = a->next)
        if (a->due_ns(a) <= now_ns && pick-- == 0) {
          a->act(a);
          return true;
        }
      return true;  // moved by what it took: the next round sees it
    }
    if (next_ns > until_ns) {
      if (until_ns == INT64_MAX) return false;  // nothing will ever happen
      if (now_ns < until_ns) now_ns = until_ns;
      return false;
    }
    if (next_ns > now_ns) now_ns = next_ns;
  }
}

bool sim_run(struct loop *loop, int64_t until_ns) {
  while (!loop->stop && now_ns < until_ns && step(loop, until_ns)) continue;
  return !loop->stop;
}

void loop_destroy(struct loop *loop) {
  if (!loop) return;
  while (loop->work_count > 0) step(loop, INT64_MAX);
  while (loop->first) run_task(loop);
  assert(!loop->timers && !loop->watches && "something on the loop was not destroyed before the loop");
  free(loop);
}

void loop_run(struct loop *loop) {
  while (!loop->stop) {
    const bool more = step(loop, INT64_MAX);
    assert(more && "a loop in which nothing will ever happen");
  }
  loop->stop = false;
}

void loop_stop(struct loop *loop) { loop->stop = true; }

void loop_turn(struct loop *loop, bool wait) {
  const bool more = step(loop, wait ? INT64_MAX : now_ns);
  assert((more || !wait) && "waits for what will never happen");
}

int64_t loop_now_ms(const struct loop *loop) {
  (void)loop;
  return now_ns / 1000000;
}

struct uv_loop_s *loop_uv(struct loop *loop) {
  (void)loop;
  assert(!"the simulation has no sockets of the network");
  return NULL;
}

void loop_post_task(struct loop *loop, struct loop_task *task) {
  assert(!task->waiting);
  task->waiting = true;
  task->next = NULL;
  *loop->last = task;
  loop->last = &task->next;
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

// ---- timers

enum status loop_timer_create(struct loop *loop, void (*fn)(void *arg), void *arg, struct loop_timer **ret, struct err *err) {
  struct loop_timer *t = calloc(1, sizeof *t);
  if (!t) return err_set(err, ERR_NOMEM, "timer");
  *t = (struct loop_timer){.loop = loop, .fn = fn, .arg = arg, .due_ns = INT64_MAX, .next = loop->timers};
  loop->timers = t;
  *ret = t;
  return OK;
}

void loop_timer_start(struct loop_timer *t, int64_t delay_ms, int64_t repeat_ms) {
  assert(delay_ms >= 0 && repeat_ms >= 0);
  t->due_ns = now_ns + delay_ms * 1000000;
  t->repeat_ns = repeat_ms * 1000000;
  t->started = ++t->loop->started;
}

void loop_timer_stop(struct loop_timer *t) { t->due_ns = INT64_MAX; }

void loop_timer_destroy(struct loop_timer *t) {
  if (!t) return;
  struct loop_timer **p = &t->loop->timers;
  while (*p != t) p = &(*p)->next;
  *p = t->next;
  free(t);
}

// ---- signals: none come

struct loop_signal {
  int signum;
};

enum status loop_signal_create(struct loop *loop, int signum, void (*fn)(void *arg, int signum), void *arg, struct loop_signal **ret, struct err *err) {
  (void)loop, (void)fn, (void)arg;
  *ret = calloc(1, sizeof **ret);
  if (!*ret) return err_set(err, ERR_NOMEM, "signal");
  (*ret)->signum = signum;
  return OK;
}

void loop_signal_destroy(struct loop_signal *sig) { free(sig); }

// ---- slow work: done some time later

static int64_t work_due(struct sim_actor *a) { return ((struct work *)a)->due_ns; }

static void work_act(struct sim_actor *a) {
  struct work w = *(struct work *)a;
  sim_actor_remove(a);
  free(a);
  w.work(w.arg);
  w.loop->work_count--;
  w.done(w.arg);
}

enum status loop_work(struct loop *loop, void (*work)(void *arg), void (*done)(void *arg), void *arg, struct err *err) {
  if (loop->work_count >= loop->work_max) return err_set(err, ERR_LIMIT, "%u pieces of work wait already", loop->work_max);
  struct work *w = calloc(1, sizeof *w);
  if (!w) return err_set(err, ERR_NOMEM, "work");
  *w = (struct work){.actor = {.due_ns = work_due, .act = work_act}, .loop = loop, .due_ns = now_ns + (int64_t)sim_below(50000000), .work = work, .done = done, .arg = arg};
  sim_actor_add(&w->actor);
  loop->work_count++;
  return OK;
}

unsigned loop_work_count(const struct loop *loop) { return loop->work_count; }

// ---- descriptors

enum status loop_watch_create(struct loop *loop, int fd, void (*fn)(void *arg, unsigned events), void *arg, struct loop_watch **ret, struct err *err) {
  struct loop_watch *w = calloc(1, sizeof *w);
  if (!w) return err_set(err, ERR_NOMEM, "watch");
  *w = (struct loop_watch){.loop = loop, .fd = fd, .fn = fn, .arg = arg, .next = loop->watches};
  loop->watches = w;
  *ret = w;
  return OK;
}

void loop_watch_set(struct loop_watch *w, unsigned wanted) { w->events = wanted; }

void loop_watch_destroy(struct loop_watch *w) {
  if (!w) return;
  struct loop_watch **p = &w->loop->watches;
  while (*p != w) p = &(*p)->next;
  *p = w->next;
  free(w);
}

// ---- the watchdog: scripts of the simulation end by themselves, and no CPU clock may decide anything

struct watchdog {
  int unused;
};
_Thread_local struct watch watch_self;

enum status watchdog_create(struct watchdog **ret, struct err *err) {
  *ret = calloc(1, sizeof **ret);
  return *ret ? OK : err_set(err, ERR_NOMEM, "watchdog");
}
void watchdog_destroy(struct watchdog *dog) { free(dog); }
uint64_t watchdog_signals(const struct watchdog *dog) {
  (void)dog;
  return 0;
}
void watch_join(struct watchdog *dog) { watch_self.dog = dog; }
void watch_leave(void) { watch_self.dog = NULL; }
int64_t watch_thread_cpu_ns(void) { return now_ns; }
