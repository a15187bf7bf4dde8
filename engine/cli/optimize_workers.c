#include "cli/optimize_workers.h"

#include "loop/interrupt.h"
#include "loop/watchdog.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// One message each way: what is to be run, and what came of it.
struct answer {
  enum status st;
  struct optimize_outcome outcome;
  char why[200];
};
struct worker {
  pid_t pid;
  int fd;      // -1: gone
  size_t at;   // which of the asks it has
  bool busy;
};
struct optimize_workers {
  int count;
  struct worker list[OPTIMIZE_WORKERS_MAX];
};

// ---- a worker's side

static bool on(void *self) {
  (void)self;
  return !interrupted();
}

static void serve(struct optimize_bench *b, int fd) {
  struct err err;
  struct optimize_ask ask;
  static struct answer answer;
  if (watchdog_create(&b->config->watchdog, &err) != OK) return;
  b->go_on = on;
  for (;;) {
    const ssize_t n = recv(fd, &ask, sizeof ask, 0);
    if (n < 0 && errno == EINTR && !interrupted()) continue;
    if (n != (ssize_t)sizeof ask) return;
    memset(&answer, 0, sizeof answer);
    answer.st = optimize_bench_run(b, &ask, &answer.outcome, &err);
    if (answer.st != OK) snprintf(answer.why, sizeof answer.why, "%.199s", err.msg);
    if (send(fd, &answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer) return;
  }
}

// ---- the side that asks

void optimize_workers_destroy(struct optimize_workers *w) {
  if (!w) return;
  for (int i = 0; i < w->count; i++) {
    if (w->list[i].fd >= 0) close(w->list[i].fd);  // it waits for more, and ends
    if (w->list[i].busy) kill(w->list[i].pid, SIGKILL);
  }
  for (int i = 0; i < w->count; i++)
    while (waitpid(w->list[i].pid, NULL, 0) < 0 && errno == EINTR) continue;
  free(w);
}

enum status optimize_workers_create(struct optimize_bench *b, int count, struct optimize_workers **ret, struct err *err) {
  struct optimize_workers *w = calloc(1, sizeof *w);
  if (!w) return err_set(err, ERR_NOMEM, "out of memory");
  fflush(NULL);  // or each writes it once more
  while (w->count < count) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) break;
    const pid_t pid = fork();
    if (pid == 0) {
      close(pair[0]);
      for (int i = 0; i < w->count; i++) close(w->list[i].fd);
      serve(b, pair[1]);
      _exit(0);  // nothing here is this process's to tidy up
    }
    close(pair[1]);
    if (pid < 0) {
      close(pair[0]);
      break;
    }
    w->list[w->count++] = (struct worker){.pid = pid, .fd = pair[0]};
  }
  if (w->count == 0) {
    free(w);
    return err_errno(err, errno, "a process for the runs");
  }
  *ret = w;
  return OK;
}

static bool hand_out(struct worker *k, const struct optimize_ask *asks, size_t at) {
  k->at = at;
  k->busy = send(k->fd, &asks[at], sizeof asks[at], MSG_NOSIGNAL) == (ssize_t)sizeof asks[at];
  return k->busy;
}

static enum status take_back(struct worker *k, struct optimize_outcome *ret, struct err *err) {
  static struct answer answer;
  const ssize_t n = recv(k->fd, &answer, sizeof answer, 0);
  if (n < 0 && errno == EINTR) return OK;  // asked again
  k->busy = false;
  if (n != (ssize_t)sizeof answer) return interrupted() ? err_set(err, ERR_CANCELLED, "interrupted") : err_set(err, ERR_IO, "a process that made runs ended unexpectedly");
  if (answer.st != OK) return err_set(err, answer.st, "%s", answer.why);
  ret[k->at] = answer.outcome;
  return OK;
}

// What was handed out is waited for also after a Ctrl-C: it ends within moments, and a second one ends everything.
enum status optimize_workers_run(void *self, const struct optimize_ask *asks, size_t count, struct optimize_outcome *ret, struct err *err) {
  struct optimize_workers *w = self;
  size_t next = 0;
  enum status st = OK;
  for (;;) {
    struct pollfd polled[OPTIMIZE_WORKERS_MAX];
    int busy = 0;
    if (st == OK && interrupted()) st = err_set(err, ERR_CANCELLED, "interrupted");
    for (int i = 0; i < w->count; i++) {
      struct worker *k = &w->list[i];
      if (!k->busy && st == OK && next < count && !hand_out(k, asks, next++)) st = err_set(err, ERR_IO, "a process that made runs ended unexpectedly");
      polled[i] = (struct pollfd){.fd = k->busy ? k->fd : -1, .events = POLLIN};
      busy += k->busy;
    }
    if (busy == 0) return st;
    if (poll(polled, (nfds_t)w->count, -1) < 0) continue;
    for (int i = 0; i < w->count; i++) {
      if (!polled[i].revents) continue;
      struct err why;
      const enum status taken = take_back(&w->list[i], ret, &why);
      if (taken != OK && st == OK) st = err_set(err, taken, "%s", why.msg);
    }
  }
}
