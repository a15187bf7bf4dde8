// tests/service/clock_shim.c – LD_PRELOADed: the time of day as a test wants it, the monotonic clock as it is. The file that
// PERIGEE_CLOCK names holds two native int64: nanoseconds to add, and a moment at which it stands still (0: it goes on).
// libfaketime shifts timed waits as well, which then spin at the priority of whoever waits.
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *told;

__attribute__((constructor)) static void open_told(void) {
  const char *path = getenv("PERIGEE_CLOCK");
  const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void *at = fd >= 0 ? mmap(NULL, 16, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  if (fd >= 0) close(fd);
  if (at != MAP_FAILED) told = at;
}

#pragma GCC visibility push(default)  // the rest of the project hides what it has

int clock_gettime(clockid_t id, struct timespec *ret) {
  const int failed = (int)syscall(SYS_clock_gettime, id, ret);
  if (failed || !told || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)) return failed;
  const int64_t still_ns = told[1], ns = still_ns ? still_ns : ret->tv_sec * INT64_C(1000000000) + ret->tv_nsec + told[0];
  ret->tv_sec = ns / 1000000000;
  ret->tv_nsec = ns % 1000000000;
  return 0;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone) {
  struct timespec ts;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &ts)) return -1;
  *ret = (struct timeval){ts.tv_sec, ts.tv_nsec / 1000};
  return 0;
}

time_t time(time_t *ret) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  if (ret) *ret = ts.tv_sec;
  return ts.tv_sec;
}
