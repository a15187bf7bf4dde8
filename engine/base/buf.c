// base/buf.c – see buf.h.
#include "base/buf.h"

#include "base/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void buf_init(struct buf *b, size_t max_bytes) {
  *b = (struct buf){.max = max_bytes};
}

void buf_init_secret(struct buf *b, size_t max_bytes) {
  *b = (struct buf){.max = max_bytes, .secret = true};
}

void buf_finish(struct buf *b) {
  if (b->secret) wipe_free(b->data);
  else free(b->data);
  *b = (struct buf){.max = b->max, .secret = b->secret};
}

void buf_clear(struct buf *b) {
  if (b->secret && b->data) explicit_bzero(b->data, b->cap);
  b->len = 0;
  b->failed = false;
  if (b->data) b->data[0] = '\0';
}

static bool buf_reserve(struct buf *b, size_t more) {
  if (b->failed) return false;
  if (more > b->max - b->len) return b->failed = true, false;
  size_t need = b->len + more + 1;
  if (need <= b->cap) return true;
  size_t cap = b->cap ? b->cap : 256;
  while (cap < need) cap = cap > SIZE_MAX / 2 ? need : cap * 2;
  char *data = b->secret ? malloc(cap) : realloc(b->data, cap);  // realloc may leave a copy behind
  if (!data) return b->failed = true, false;
  if (b->secret) {
    if (b->data) memcpy(data, b->data, b->len + 1);
    wipe_free(b->data);
  }
  b->data = data;
  b->cap = cap;
  return true;
}

void buf_add(struct buf *b, const void *bytes, size_t len) {
  if (!buf_reserve(b, len)) return;
  if (len) memcpy(b->data + b->len, bytes, len);  // bytes may be NULL then
  b->len += len;
  b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *text) {
  buf_add(b, text, strlen(text));
}

void buf_int(struct buf *b, int64_t v) {
  char text[20];
  size_t at = sizeof text;
  uint64_t n = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
  do text[--at] = (char)('0' + n % 10);
  while ((n /= 10) > 0);
  if (v < 0) text[--at] = '-';
  buf_add(b, text + at, sizeof text - at);
}

void buf_printf(struct buf *b, const char *fmt, ...) {
  if (b->failed) return;
  // Nearly always there is room, and the text is formatted once.
  char *at = b->data ? b->data + b->len : NULL;
  const size_t room = b->cap - b->len;
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(at, room, fmt, ap);
  va_end(ap);
  if (n < 0) return;
  if ((size_t)n >= room || (size_t)n > b->max - b->len) {
    if (room > 0) *at = '\0';
    if (!buf_reserve(b, (size_t)n)) return;
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
  }
  b->len += (size_t)n;
}

enum status buf_read_file(struct buf *b, const char *path, struct err *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return err_errno(err, errno, "%s", path);
  enum status st = OK;
  for (;;) {
    char chunk[65536];
    ssize_t n = read(fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      st = err_errno(err, errno, "%s", path);
      break;
    }
    if (n == 0) break;
    if ((size_t)n > b->max - b->len) {
      st = err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, b->max);
      break;
    }
    buf_add(b, chunk, (size_t)n);
    if (b->secret) explicit_bzero(chunk, (size_t)n);
    if (b->failed) {
      st = err_set(err, ERR_NOMEM, "%s: out of memory", path);
      break;
    }
  }
  close(fd);
  if (st == OK) buf_add(b, "", 0);
  return st;
}

static enum status write_all(int fd, const char *bytes, size_t len, const char *path, struct err *err) {
  while (len > 0) {
    ssize_t n = write(fd, bytes, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return err_errno(err, errno, "%s: write", path);
    bytes += n;
    len -= (size_t)n;
  }
  return OK;
}

enum status file_write_atomic(const char *path, const void *bytes, size_t len, struct err *err) {
  if (strcmp(path, "-") == 0) return write_all(STDOUT_FILENO, bytes, len, "standard output", err);
  struct stat sb;
  if (stat(path, &sb) == 0 && !S_ISREG(sb.st_mode)) {
    if (S_ISDIR(sb.st_mode)) return err_errno(err, EISDIR, "%s", path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);  // a pipe or a device such as /dev/full: nothing to rename over
    if (fd < 0) return err_errno(err, errno, "%s", path);
    enum status st = write_all(fd, bytes, len, path, err);
    if (close(fd) != 0 && st == OK) st = err_errno(err, errno, "%s", path);
    return st;
  }
  char tmp[4096];
  if (snprintf(tmp, sizeof tmp, "%s.tmp-%ld", path, (long)getpid()) >= (int)sizeof tmp)
    return err_set(err, ERR_INVALID, "%s: path too long", path);
  int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return err_errno(err, errno, "%s: cannot create", path);
  enum status st = write_all(fd, bytes, len, path, err);
  if (st == OK && fsync(fd) != 0 && errno != EINVAL && errno != EROFS) st = err_errno(err, errno, "%s: fsync", path);
  if (close(fd) != 0 && st == OK) st = err_errno(err, errno, "%s: close", path);
  if (st == OK && rename(tmp, path) != 0) st = err_errno(err, errno, "%s: rename", path);
  if (st != OK) unlink(tmp);
  return st;
}
