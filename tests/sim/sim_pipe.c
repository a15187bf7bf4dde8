// tests/sim/sim_pipe.c – see sim_pipe.h.
#include "sim_pipe.h"

#include "loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENDS_MAX 512
#define FD_BASE 1000000
#define ROOM (200u << 10)  // what a socket takes before it is full, about as much as the kernel's

static struct end {
  int users;     // descriptors of it; 0: free
  int peer;      // -1: it has closed
  bool reset;    // and had not read all
  char *bytes;   // that wait to be read here
  size_t at, len;
} ends[ENDS_MAX];

static struct end *end_of(int fd) {
  if (fd < FD_BASE || fd >= FD_BASE + ENDS_MAX) return NULL;
  struct end *e = &ends[fd - FD_BASE];
  assert(e->users > 0);
  return e;
}

static int unused(int but) {
  for (int i = 0; i < ENDS_MAX; i++)
    if (!ends[i].users && i != but) return i;
  abort();
}

enum status loop_socketpair(int ret_fds[2], struct err *err) {
  const int a = unused(-1), b = unused(a);
  ends[a] = (struct end){.users = 1, .peer = b, .bytes = malloc(ROOM)};
  ends[b] = (struct end){.users = 1, .peer = a, .bytes = malloc(ROOM)};
  if (!ends[a].bytes || !ends[b].bytes) return err_set(err, ERR_NOMEM, "socketpair");
  ret_fds[0] = FD_BASE + a;
  ret_fds[1] = FD_BASE + b;
  return OK;
}

int sim_pipe_dup(int fd) {
  end_of(fd)->users++;
  return fd;
}

bool sim_pipe_over(int fd) { return end_of(fd)->peer < 0; }
bool sim_pipe_readable(int fd) { return end_of(fd)->len > 0 || sim_pipe_over(fd); }
// The kernel wakes a writer when three quarters are free.
bool sim_pipe_writable(int fd) { return sim_pipe_over(fd) || ends[end_of(fd)->peer].len <= ROOM / 4; }

int __real_close(int fd);
int __wrap_close(int fd);
ssize_t __real_recv(int fd, void *to, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t n, int flags);
ssize_t __real_send(int fd, const void *from, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t n, int flags);

int __wrap_close(int fd) {
  struct end *e = end_of(fd);
  if (!e) return __real_close(fd);
  if (--e->users) return 0;
  if (e->peer >= 0) {
    ends[e->peer].peer = -1;
    ends[e->peer].reset = e->len > 0;
  }
  free(e->bytes);
  e->bytes = NULL;
  return 0;
}

ssize_t __wrap_recv(int fd, void *to, size_t n, int flags) {
  struct end *e = end_of(fd);
  if (!e) return __real_recv(fd, to, n, flags);
  if (!e->len) {
    const bool reset = e->reset;
    e->reset = false;
    if (e->peer < 0 && !reset) return 0;
    return errno = reset ? ECONNRESET : EAGAIN, -1;
  }
  if (n > e->len) n = e->len;
  memcpy(to, e->bytes + e->at, n);
  e->len -= n;
  e->at = e->len ? e->at + n : 0;
  return (ssize_t)n;
}

ssize_t __wrap_send(int fd, const void *from, size_t n, int flags) {
  struct end *e = end_of(fd);
  if (!e) return __real_send(fd, from, n, flags);
  if (e->peer < 0) return errno = EPIPE, -1;
  struct end *to = &ends[e->peer];
  if (to->len == ROOM) return errno = EAGAIN, -1;
  if (n > ROOM - to->len) n = ROOM - to->len;
  if (to->at + to->len + n > ROOM) {
    memmove(to->bytes, to->bytes + to->at, to->len);
    to->at = 0;
  }
  memcpy(to->bytes + to->at + to->len, from, n);
  to->len += n;
  return (ssize_t)n;
}
