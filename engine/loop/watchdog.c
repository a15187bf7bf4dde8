#include "loop/watchdog.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define TICK_NS 1000000
#define TICK_QUIET_NS 10000000
#define QUIET_TICKS 200  // ticks without a callback after which the watchdog slows down
#define WATCHDOG_SIGNAL SIGURG

struct watchdog {
  pthread_mutex_t lock;  // guards everything below and every joined watch's notes
  pthread_cond_t wake;
  pthread_t thread;
  bool stop;
  struct watch *threads;
  _Atomic uint64_t signals;
};

_Thread_local struct watch watch_self;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;  // its destructor takes a thread that ends off its watchdog's list
static int once_errno;

static void on_signal(int sig) {
  (void)sig;
  int saved_errno = errno;
  struct watch *w = &watch_self;
  uint64_t seq = atomic_load_explicit(&w->seq, memory_order_relaxed);
  if ((seq & 1) && atomic_load_explicit(&w->over_seq, memory_order_acquire) == seq) w->expire(w->arg);
  errno = saved_errno;
}

static void on_thread_exit(void *unused) {
  (void)unused;
  watch_leave();
}

static void init_once(void) {
  once_errno = pthread_key_create(&exit_key, on_thread_exit);
  if (once_errno != 0) return;
  struct sigaction sa;
  memset(&sa, 0, sizeof sa);
  sa.sa_handler = on_signal;
  sa.sa_flags = SA_RESTART;
  sigemptyset(&sa.sa_mask);
  if (sigaction(WATCHDOG_SIGNAL, &sa, NULL) != 0) once_errno = errno;
}

static int64_t clock_ns(clockid_t clock) {
  struct timespec ts;
  if (clock_gettime(clock, &ts) != 0) return -1;
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t watch_thread_cpu_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

// One look at one thread. Returns whether it was inside a callback or has been since the last look.
static bool look(struct watchdog *dog, struct watch *w) {
  uint64_t seq = atomic_load_explicit(&w->seq, memory_order_acquire);
  if (seq != w->seen_seq) {
    w->seen_seq = seq;
    w->seen_cpu_ns = -1;
    return true;
  }
  if (!(seq & 1)) return false;
  int64_t cpu_ns = clock_ns(w->clock);
  if (cpu_ns < 0) return true;
  if (w->seen_cpu_ns < 0) {
    // Second look: it has been inside for up to a tick already, all of which may have been CPU time.
    w->seen_cpu_ns = cpu_ns - TICK_NS;
    return true;
  }
  if (cpu_ns - w->seen_cpu_ns <= atomic_load_explicit(&w->budget_ns, memory_order_relaxed)) return true;
  atomic_store_explicit(&w->over_seq, seq, memory_order_release);
  atomic_fetch_add_explicit(&dog->signals, 1, memory_order_relaxed);
  int rc = pthread_kill(w->thread, WATCHDOG_SIGNAL);  // joined, so the thread still lives
  assert(rc == 0);
  return true;
}

static void *run(void *arg) {
  struct watchdog *dog = arg;
  // A verdict must not wait for a busy machine. Where that is not permitted the watchdog is as late as the scheduler.
  pthread_setschedparam(pthread_self(), SCHED_RR, &(struct sched_param){ .sched_priority = 1 });
  unsigned quiet = 0;
  pthread_mutex_lock(&dog->lock);
  while (!dog->stop) {
    bool active = false;
    for (struct watch *w = dog->threads; w != NULL; w = w->next) active |= look(dog, w);
    quiet = active ? 0 : quiet + 1;
    if (dog->threads == NULL) {
      pthread_cond_wait(&dog->wake, &dog->lock);
      continue;
    }
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_nsec += quiet < QUIET_TICKS ? TICK_NS : TICK_QUIET_NS;
    if (ts.tv_nsec >= 1000000000) {
      ts.tv_nsec -= 1000000000;
      ts.tv_sec++;
    }
    pthread_cond_timedwait(&dog->wake, &dog->lock, &ts);
  }
  pthread_mutex_unlock(&dog->lock);
  return NULL;
}

enum status watchdog_create(struct watchdog **ret, struct err *err) {
  pthread_once(&once, init_once);
  if (once_errno != 0) return err_errno(err, once_errno, "watchdog");
  struct watchdog *dog = calloc(1, sizeof *dog);
  if (dog == NULL) return err_set(err, ERR_NOMEM, "watchdog: out of memory");
  pthread_mutex_init(&dog->lock, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&dog->wake, &attr);
  pthread_condattr_destroy(&attr);
  // The watchdog itself takes no signals: they are for the threads it watches and for the main loop.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int rc = pthread_create(&dog->thread, NULL, run, dog);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (rc != 0) {
    pthread_cond_destroy(&dog->wake);
    pthread_mutex_destroy(&dog->lock);
    free(dog);
    return err_errno(err, rc, "watchdog: thread");
  }
  *ret = dog;
  return OK;
}

void watchdog_destroy(struct watchdog *dog) {
  if (dog == NULL) return;
  pthread_mutex_lock(&dog->lock);
  dog->stop = true;
  for (struct watch *w = dog->threads, *next; w != NULL; w = next) {
    next = w->next;
    assert(!(atomic_load_explicit(&w->seq, memory_order_acquire) & 1));
    w->dog = NULL;
    w->next = NULL;
  }
  dog->threads = NULL;
  pthread_cond_signal(&dog->wake);
  pthread_mutex_unlock(&dog->lock);
  pthread_join(dog->thread, NULL);
  pthread_cond_destroy(&dog->wake);
  pthread_mutex_destroy(&dog->lock);
  free(dog);
}

uint64_t watchdog_signals(const struct watchdog *dog) {
  return atomic_load_explicit(&dog->signals, memory_order_relaxed);
}

void watch_join(struct watchdog *dog) {
  assert(!watch_inside());
  struct watch *w = &watch_self;
  watch_leave();
  w->thread = pthread_self();
  int rc = pthread_getcpuclockid(w->thread, &w->clock);
  assert(rc == 0);
  pthread_setspecific(exit_key, w);
  pthread_mutex_lock(&dog->lock);
  w->seen_seq = atomic_load_explicit(&w->seq, memory_order_relaxed);
  w->seen_cpu_ns = -1;
  w->dog = dog;
  w->next = dog->threads;
  dog->threads = w;
  pthread_cond_signal(&dog->wake);
  pthread_mutex_unlock(&dog->lock);
}

void watch_leave(void) {
  struct watch *w = &watch_self;
  struct watchdog *dog = w->dog;
  if (dog == NULL) return;
  pthread_mutex_lock(&dog->lock);
  for (struct watch **p = &dog->threads; *p != NULL; p = &(*p)->next) {
    if (*p != w) continue;
    *p = w->next;
    break;
  }
  w->dog = NULL;
  w->next = NULL;
  pthread_mutex_unlock(&dog->lock);
}
