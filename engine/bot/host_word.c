// bot/host_word.c – see host_word.h.
#include "bot/host_word.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static void *map(int fd, int protection) {
  void *at = mmap(NULL, sizeof(struct host_word), protection, MAP_SHARED, fd, 0);
  return at == MAP_FAILED ? NULL : at;
}

enum status host_word_create(const struct host_word **ret, int *ret_fd, struct err *err) {
  int fd = memfd_create("bot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return err_errno(err, errno, "host word");
  const struct host_word *w = NULL;
  if (ftruncate(fd, sizeof *w) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) w = map(fd, PROT_READ);
  if (!w) {
    int errnum = errno;
    close(fd);
    return err_errno(err, errnum, "host word");
  }
  *ret = w;
  *ret_fd = fd;
  return OK;
}

enum status host_word_map(int fd, struct host_word **ret, struct err *err) {
  *ret = map(fd, PROT_READ | PROT_WRITE);
  return *ret ? OK : err_errno(err, errno, "host word: descriptor %d", fd);
}

void host_word_unmap(const struct host_word *w) {
  if (w) munmap((void *)(uintptr_t)w, sizeof *w);
}
