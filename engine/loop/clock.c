// loop/clock.c – see clock.h.
#include "loop/clock.h"

#include <assert.h>
#include <time.h>

static int64_t read_ns(clockid_t id) {
  struct timespec ts;
  int failed = clock_gettime(id, &ts);
  assert(!failed);  // fails only for clocks that do not exist
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t clock_monotonic_ns(void) {
  return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void) {
  return read_ns(CLOCK_REALTIME);
}

int64_t clock_thread_cpu_ns(void) {
  return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t clock_process_cpu_ns(int pid) {
  clockid_t id;
  struct timespec ts;
  if (pid <= 0 || clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &ts) != 0) return -1;
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}
