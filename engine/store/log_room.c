// store/log_room.c – room in a log before it is needed. A synced write behind the end of a file has to make its new length durable too, which costs
// half as much again as the write itself; one into room that is there does not. SQLite reads a log up to the first frame that is none, and zeros are
// none: so the log is followed by zeros, once, and written over from then on (a checkpoint begins it anew at its front).
#include "store/store_impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define STEP (4 * 1024 * 1024)
#define FREE_STEPS 64  // so much is left to others, or nothing is taken

static void fill(int fd, off_t from) {
  static const char zeros[65536];
  struct statvfs disk;
  if (fstatvfs(fd, &disk) != 0 || disk.f_bavail * disk.f_frsize / FREE_STEPS < STEP) return;
  for (off_t at = from; at < from + STEP; at += (off_t)sizeof zeros)
    if (pwrite(fd, zeros, sizeof zeros, at) != (ssize_t)sizeof zeros) return;
  (void)!fdatasync(fd);  // now, and not within somebody's commit
}

void log_room(const char *path, int64_t used, int64_t most) {
  struct stat is;
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (fstat(fd, &is) == 0 && is.st_size < most && is.st_size - used < STEP / 2) fill(fd, is.st_size);
  close(fd);
}
