// tests/sim/sim_halt.c – the kill switch's file on the simulated disk: engine/bot/halt_file.c, compiled here with its calls of the system
// leading to tests/store/sim_vfs. So it fails, fills up and loses power with the databases beside it. As an object of the program it is
// taken instead of the library's.
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_MAX_FILES 4
#define DIRECTORY 1000  // the descriptor of any directory: entries are on the disk with the file's first sync

static sqlite3_file *opened[OPEN_MAX_FILES];  // a descriptor is its place here

static int refused(int rc) {
  errno = rc == SQLITE_FULL ? ENOSPC : EIO;
  return -1;
}

static int sim_file_open(const char *path, int flags, ...) {
  if (flags & O_DIRECTORY) return DIRECTORY;
  int fd = 0, there = 0;
  while (fd < OPEN_MAX_FILES && opened[fd]) fd++;
  sqlite3_vfs *vfs = sqlite3_vfs_find("sim");
  if (fd == OPEN_MAX_FILES || !vfs) abort();
  if (!(flags & O_CREAT)) {
    const int rc = vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &there);
    if (rc != SQLITE_OK) return refused(rc);
    if (!there) return errno = ENOENT, -1;
  }
  sqlite3_file *f = calloc(1, (size_t)vfs->szOsFile);
  if (!f) abort();
  const int rc = vfs->xOpen(vfs, path, f, SQLITE_OPEN_READWRITE | (flags & O_CREAT ? SQLITE_OPEN_CREATE : 0), NULL);
  if (rc != SQLITE_OK) {
    free(f);
    return refused(rc);
  }
  opened[fd] = f;
  return fd;
}

static int sim_file_close(int fd) {
  if (fd == DIRECTORY) return 0;
  opened[fd]->pMethods->xClose(opened[fd]);
  free(opened[fd]);
  opened[fd] = NULL;
  return 0;
}

static ssize_t sim_file_pread(int fd, void *to, size_t n, off_t at) {
  sqlite3_int64 size;
  int rc = opened[fd]->pMethods->xFileSize(opened[fd], &size);
  if (rc != SQLITE_OK) return refused(rc);
  if (at >= size) return 0;
  if ((sqlite3_int64)n > size - at) n = (size_t)(size - at);
  rc = opened[fd]->pMethods->xRead(opened[fd], to, (int)n, at);
  return rc == SQLITE_OK ? (ssize_t)n : refused(rc);
}

static ssize_t sim_file_pwrite(int fd, const void *from, size_t n, off_t at) {
  const int rc = opened[fd]->pMethods->xWrite(opened[fd], from, (int)n, at);
  return rc == SQLITE_OK ? (ssize_t)n : refused(rc);
}

static int sim_file_sync(int fd) {
  if (fd == DIRECTORY) return 0;
  const int rc = opened[fd]->pMethods->xSync(opened[fd], SQLITE_SYNC_NORMAL);
  return rc == SQLITE_OK ? 0 : refused(rc);
}

// Nobody makes a HALT here.
static int sim_file_stat(const char *path, struct stat *ret) {
  (void)path, (void)ret;
  return errno = ENOENT, -1;
}
static ssize_t sim_file_write(int fd, const void *from, size_t n) {
  (void)fd, (void)from, (void)n;
  abort();
}
static int sim_file_truncate(int fd, off_t size) {
  (void)fd, (void)size;
  abort();
}

#define open sim_file_open
#define close sim_file_close
#define pread sim_file_pread
#define pwrite sim_file_pwrite
#define write sim_file_write
#define fsync sim_file_sync
#define fdatasync sim_file_sync
#define ftruncate sim_file_truncate
#define stat(path, ret) sim_file_stat(path, ret)
#define lstat(path, ret) sim_file_stat(path, ret)
#include "bot/halt_file.c"
