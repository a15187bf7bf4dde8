// tests/bench/disk.h – what the disk itself can do, beside which the store's figures stand.
#pragma once
#include "loop/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

// Writes of 256 bytes to a file of DIR with an fdatasync after each, a second. 0: it could not be measured.
static double disk_syncs_per_s(const char *dir) {
  char path[4200], block[256] = {1};
  snprintf(path, sizeof path, "%s/bench.raw", dir);
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, 1 << 20) != 0 || fsync(fd) != 0) return 0;
  const int n = 2000;
  const int64_t begin = clock_monotonic_ns();
  for (int i = 0; i < n; i++)
    if (pwrite(fd, block, sizeof block, i % 4096 * 256) != (ssize_t)sizeof block || fdatasync(fd) != 0) return 0;
  const double per_s = n / ((double)(clock_monotonic_ns() - begin) / 1e9);
  close(fd);
  unlink(path);
  return per_s;
}
