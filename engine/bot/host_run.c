#include "bot/host_run.h"

#include "base/json.h"
#include "bot/host_feed.h"
#include "bot/host_word.h"
#include "bot/jail.h"
#include "loop/clock.h"
#include "loop/watchdog.h"
#include "market/tz_files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (256u << 10)

static int say(const char *what) {
  char line[1200];
  int n = snprintf(line, sizeof line, "perigee host: %s\n", what);
  (void)!write(2, line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
  return 1;
}

// The socket may be of either kind; the host has nothing else to do while it waits.
static bool wait_for(int fd, short events) {
  struct pollfd p = {.fd = fd, .events = events};
  int rc;
  do rc = poll(&p, 1, -1);
  while (rc < 0 && errno == EINTR);
  return rc > 0;
}

// False: the core has gone.
static bool send_all(int fd, struct buf *out) {
  for (size_t done = 0; done < out->len;) {
    ssize_t n = write(fd, out->data + done, out->len - done);
    if (n > 0) done += (size_t)n;
    else if (n < 0 && errno == EAGAIN && wait_for(fd, POLLOUT)) continue;
    else if (n >= 0 || errno != EINTR) return false;
  }
  buf_clear(out);
  return true;
}

// Commands leave while further bots run: the core books them at the same time.
static void flush(void *self, struct buf *out) {
  if (!send_all(*(const int *)self, out)) _exit(0);
}

static int serve(int fd, struct host_feed *feed) {
  struct err err;
  char *bytes = malloc(READ_BYTES);
  if (!bytes) return say("out of memory");
  for (;;) {
    if (!send_all(fd, host_feed_out(feed))) break;
    ssize_t n = read(fd, bytes, READ_BYTES);
    if (n == 0) break;
    if (n < 0 && (errno == EINTR || (errno == EAGAIN && wait_for(fd, POLLIN)))) continue;
    if (n < 0) break;
    if (host_feed_bytes(feed, bytes, (size_t)n, &err) == OK) continue;
    free(bytes);
    return say(err.msg);
  }
  free(bytes);
  return 0;
}

int host_run(const struct host_run_options *o) {
  struct err err;
  struct watchdog *dog = NULL;
  struct host_word *word = NULL;
  struct host_feed *feed = NULL;
  int fd = o->socket;
  // Before the jail: what opens files or starts threads. Nothing of a customer's has been read yet.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // where standard error is a file, which the jail lets nobody lengthen, the last word is lost, not the exit code
  json_object_seed(0);
  enum status st = tz_preload(&err);
  if (st == OK) st = watchdog_create(&dog, &err);
  // This thread alone: the watchdog's must go on looking. A lower nice value would not do: whoever wakes up would wait for the end of its slice.
  if (st == OK && o->last && sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0}) != 0) return say("it cannot be made to come last");
  if (st == OK && fcntl(o->word, F_GETFD) >= 0) st = host_word_map(o->word, &word, &err);
  if (st == OK) st = host_feed_create(&(struct host_feed_config){.watchdog = dog, .word = word, .wall_ns = clock_monotonic_ns, .cpu_ns = clock_thread_cpu_ns,
                                                                 .flush = flush, .self = &fd}, &feed, &err);
  const int keep[] = {2, fd};
  if (st == OK) st = jail_enter(&(struct jail_options){.keep = keep, .keep_count = 2, .address_bytes = o->address_bytes}, &err);
  // Its end is the process's: nobody waits for tens of thousands of scripts to be taken apart.
  _exit(st == OK ? serve(fd, feed) : say(err.msg));
}
