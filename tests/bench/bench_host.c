// tests/bench/bench_host.c – live bots in host processes: one bar to all of them until every host is DONE, the core's books included; and
// what a bot takes.
//
//   bench_host PERIGEE [BOTS [HOSTS [STRATEGY]]]      books are kept for up to 20,000 bots
#include "bot/host_run.h"
#include "bot/host_word.h"
#include "host_core.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOSTS_MAX 16
#define WARM 60     // bars, for the slow average
#define ROUNDS 200
#define PER_TENANT 20  // one that had thousands would be watched as one that takes long

struct host {
  pid_t pid;
  int fd;
  struct core core;
  struct buf to, from;
  size_t sent;
};

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(pid_t pid) {  // user and system, of a process
  char path[64], line[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *f = fopen(path, "r");
  unsigned long user = 0, system = 0;
  if (f && fgets(line, sizeof line, f)) {
    const char *p = strrchr(line, ')');
    if (p && sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) user = system = 0;
  }
  if (f) fclose(f);
  return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double rss_mib(pid_t pid) {
  char path[64], line[256];
  double kib = 0;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *f = fopen(path, "r");
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, "VmRSS:", 6) == 0) kib = atof(line + 6);
  if (f) fclose(f);
  return kib / 1024;
}

static void host_start(struct host *h, const char *exe) {
  int pair[2], big = 4 << 20;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) abort();
  for (int i = 0; i < 2; i++) (void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
  h->pid = fork();
  if (h->pid == 0) {
    int fd = dup2(pair[1], 20);
    close(HOST_WORD_FD);
    if (fd < 0 || dup2(fd, HOST_SOCKET_FD) < 0) _exit(126);
    execle(exe, "perigee", "host", "--live", (char *)NULL, (char *[]){(char[]){HOST_TUNABLES}, NULL});
    _exit(127);
  }
  close(pair[1]);
  h->fd = pair[0];
  buf_init(&h->to, (size_t)4 << 30);
  buf_init(&h->from, 256 << 20);
}

static void step(struct host *h) {  // sends and takes what there is
  static char bytes[1 << 20];
  struct pollfd p = {.fd = h->fd, .events = (short)(POLLIN | (h->sent < h->to.len ? POLLOUT : 0))};
  if (poll(&p, 1, 0) <= 0) return;
  if (p.revents & POLLOUT) {
    ssize_t n = send(h->fd, h->to.data + h->sent, h->to.len - h->sent, MSG_DONTWAIT);
    if (n > 0) h->sent += (size_t)n;
    if (h->sent == h->to.len) buf_clear(&h->to), h->sent = 0;
  }
  if (!(p.revents & (POLLIN | POLLHUP))) return;
  ssize_t n = read(h->fd, bytes, sizeof bytes);
  if (n <= 0) abort();
  size_t used = 0;
  if (h->from.len == 0) used = core_take(&h->core, bytes, (size_t)n);
  buf_add(&h->from, bytes + used, (size_t)n - used);
  if (used == 0) {
    used = core_take(&h->core, h->from.data, h->from.len);
    memmove(h->from.data, h->from.data + used, h->from.len - used);
    h->from.len -= used;
  }
}

static void wait_all(struct host *hosts, int count) {
  struct pollfd p[HOSTS_MAX];
  for (int i = 0; i < count; i++) p[i] = (struct pollfd){.fd = hosts[i].fd, .events = (short)(POLLIN | (hosts[i].to.len ? POLLOUT : 0))};
  if (poll(p, (nfds_t)count, -1) < 0 && errno != EINTR) abort();
}

static void fence(struct host *hosts, int count) {
  for (int i = 0; i < count; i++) wire_put_ping(&hosts[i].to, 1), hosts[i].core.pong = 0;
  for (bool all = false; !all;) {
    wait_all(hosts, count);
    all = true;
    for (int i = 0; i < count; i++) {
      step(&hosts[i]);
      all = all && hosts[i].core.pong == 1;
    }
  }
}

static void instant(struct host *hosts, int count) {
  for (int i = 0; i < count; i++) {  // the first works while the books of the second are made
    core_put_instant(&hosts[i].core, &hosts[i].to);
    step(&hosts[i]);
  }
  for (bool all = false; !all;) {
    all = true;
    for (int i = 0; i < count; i++) {
      struct core *c = &hosts[i].core;
      step(&hosts[i]);
      all = all && c->done_ns == c->data.bars[c->shown - 1].open_ns + NS_PER_MINUTE;
    }
    if (!all) wait_all(hosts, count);
  }
  for (int i = 0; i < count; i++) core_end(&hosts[i].core);
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void books_bytes(struct core *c) {
  size_t before = mallinfo2().uordblks;
  enum { N = 1000 };
  struct core some;
  core_init(&some, 2);
  for (uint64_t i = 1; i <= N; i++) core_bot_add(&some, i, "x");
  double first = (double)(mallinfo2().uordblks - before);
  for (int i = 0; i < N; i++) {
    blotter_destroy(some.bots[i].blotter);
    some.bots[i].blotter = NULL;
  }
  printf("the core's blotter of an idle bot: %.1f KiB\n", (first - (double)(mallinfo2().uordblks - before)) / N / 1024);
  core_finish(&some);
  (void)c;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "bench_host PERIGEE [BOTS [HOSTS [STRATEGY]]]\n");
    return 2;
  }
  int bots = argc > 2 ? atoi(argv[2]) : 10000, count = argc > 3 ? atoi(argv[3]) : 1;
  const char *strategy = argc > 4 ? argv[4] : "strategies/sma_cross.lua";
  if (bots < 1 || count < 1 || count > HOSTS_MAX) return 2;
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  static struct host hosts[HOSTS_MAX];
  double took[ROUNDS], cpu[HOSTS_MAX], begin = now_s();
  for (int i = 0; i < count; i++) {
    core_init(&hosts[i].core, WARM + ROUNDS + 1);
    hosts[i].core.books = bots <= 20000;
    for (int k = i, n = 1; k < bots; k += count, n++) core_bot_add(&hosts[i].core, (uint64_t)n, strategy)->tenant = 1 + (uint64_t)n / PER_TENANT;
  }
  books_bytes(&hosts[0].core);
  for (int i = 0; i < count; i++) host_start(&hosts[i], argv[1]);
  fence(hosts, count);
  double empty = 0, full = 0;
  for (int i = 0; i < count; i++) empty += rss_mib(hosts[i].pid);
  for (int i = 0; i < count; i++) {
    core_put_hello(&hosts[i].core, &hosts[i].to);
    for (int k = 0; k < hosts[i].core.bot_count; k++) core_put_open(&hosts[i].core, &hosts[i].core.bots[k], &hosts[i].to);
  }
  double opening = now_s();
  fence(hosts, count);
  opening = now_s() - opening;
  double idle = 0;
  for (int i = 0; i < count; i++) idle += rss_mib(hosts[i].pid);
  printf("%d bots of %s, %d host(s): opened in %.2f s; the hosts hold %.0f MiB, %.1f KiB a bot\n", bots, strategy, count, opening, idle, (idle - empty) * 1024 / bots);
  for (int i = 0; i < WARM; i++) instant(hosts, count);
  for (int i = 0; i < count; i++) full += rss_mib(hosts[i].pid), cpu[i] = cpu_s(hosts[i].pid);
  printf("after %d bars: %.0f MiB, %.1f KiB a bot\n", WARM, full, (full - empty) * 1024 / bots);
  int commands = 0;
  struct rusage a, b;
  getrusage(RUSAGE_SELF, &a);
  for (int r = 0; r < ROUNDS; r++) {
    double from = now_s();
    instant(hosts, count);
    took[r] = (now_s() - from) * 1e3;
  }
  getrusage(RUSAGE_SELF, &b);
  double of_hosts = 0, of_core = (double)(b.ru_utime.tv_sec - a.ru_utime.tv_sec + b.ru_stime.tv_sec - a.ru_stime.tv_sec) +
                                (double)(b.ru_utime.tv_usec - a.ru_utime.tv_usec + b.ru_stime.tv_usec - a.ru_stime.tv_usec) / 1e6;
  for (int i = 0; i < count; i++) {
    of_hosts += cpu_s(hosts[i].pid) - cpu[i];
    for (int k = 0; k < hosts[i].core.bot_count; k++) {
      commands += hosts[i].core.bots[k].commands;
      if (hosts[i].core.bots[k].faults || !hosts[i].core.bots[k].opened) fprintf(stderr, "bot: %s\n", hosts[i].core.bots[k].fault_text), exit(1);
    }
  }
  qsort(took, ROUNDS, sizeof *took, compare);
  printf("one bar to all: least %.2f ms, median %.2f ms, 99 %% %.2f ms; CPU a bar: hosts %.2f ms, core %.2f ms; %.2f commands a bot and 100 bars\n", took[0],
         took[ROUNDS / 2], took[ROUNDS * 99 / 100], of_hosts / ROUNDS * 1e3, of_core / ROUNDS * 1e3, 100.0 * commands / bots / (WARM + ROUNDS));
  full = 0;
  for (int i = 0; i < count; i++) {
    full += rss_mib(hosts[i].pid);
    close(hosts[i].fd);
    waitpid(hosts[i].pid, NULL, 0);
  }
  printf("after %d bars: %.0f MiB, %.1f KiB a bot; all in %.1f s\n", WARM + ROUNDS, full, (full - empty) * 1024 / bots, now_s() - begin);
  return 0;
}
