// venue/feed_reader.c – the file behind feed_file.h: opened once, looked at again by its path.
#include "base/status.h"
#include "venue/feed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
  int fd;  // -1: none
  dev_t device;
  ino_t inode;
  char path[];
};

static enum status file_look(void *self, struct feed_reader_state *ret, struct err *err) {
  const struct file *f = self;
  struct stat here, there;
  *ret = (struct feed_reader_state){.open = f->fd >= 0};
  if (ret->open) {
    if (fstat(f->fd, &here) != 0) return err_errno(err, errno, "%s", f->path);
    ret->size = (uint64_t)here.st_size;
  }
  if (stat(f->path, &there) != 0) return errno == ENOENT || errno == ENOTDIR ? OK : err_errno(err, errno, "%s", f->path);
  ret->present = true;
  ret->same = ret->open && there.st_dev == f->device && there.st_ino == f->inode;
  return OK;
}

static enum status file_open(void *self, struct err *err) {
  struct file *f = self;
  int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe must not hold up the loop; it is refused below
  if (fd < 0) return err_errno(err, errno, "%s", f->path);
  struct stat sb;
  if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode)) {
    close(fd);
    return err_set(err, ERR_INVALID, "%s: not a regular file", f->path);
  }
  if (f->fd >= 0) close(f->fd);
  f->fd = fd;
  f->device = sb.st_dev;
  f->inode = sb.st_ino;
  return OK;
}

static enum status file_read(void *self, uint64_t offset, void *buf, size_t len, size_t *ret_len, struct err *err) {
  const struct file *f = self;
  ssize_t n;
  do n = pread(f->fd, buf, len, (off_t)offset);
  while (n < 0 && errno == EINTR);
  if (n < 0) return err_errno(err, errno, "%s", f->path);
  *ret_len = (size_t)n;
  return OK;
}

static void file_destroy(void *self) {
  struct file *f = self;
  if (f->fd >= 0) close(f->fd);
  free(f);
}

enum status feed_reader_create(const char *path, struct feed_reader *ret, struct err *err) {
  size_t size = strlen(path) + 1;
  struct file *f = calloc(1, sizeof *f + size);
  if (!f) return err_set(err, ERR_NOMEM, "out of memory");
  f->fd = -1;
  memcpy(f->path, path, size);
  *ret = (struct feed_reader){f, file_look, file_open, file_read, file_destroy};
  return OK;
}
