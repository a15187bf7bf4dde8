// tests/bench/bench_rate.c – requests at a constant rate, whatever the server does: each has its time, and its latency counts from
// then, not from when the client got around to sending it (what wrk leaves out: "coordinated omission").
//
//   bench_rate PORT RATE SECONDS CONNECTIONS PATH [FIELD]…       to 127.0.0.1; FIELD: "Authorization: Bearer …"
//
// Prints the rate that came about, percentiles, and how many answers were not 2xx.
#include "loop/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define BUF 262144
#define CONNECTIONS_MAX 4096

struct conn {
  int fd;
  int64_t due_ns;  // of the request under way; 0: idle
  size_t have;
  char *buf;
};

static struct conn conns[CONNECTIONS_MAX];
static struct conn *idle[CONNECTIONS_MAX];
static unsigned idle_count;
static char request[16384];
static size_t request_len;
static int64_t *latency;
static size_t done, bad;

static void fatal(const char *what) {
  fprintf(stderr, "bench_rate: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void send_request(struct conn *c, int64_t due_ns) {
  c->due_ns = due_ns;
  c->have = 0;
  if (write(c->fd, request, request_len) != (ssize_t)request_len) fatal("write");
}

// The answer is whole: head and as many bytes as it says.
static bool whole(const struct conn *c) {
  const char *end = strstr(c->buf, "\r\n\r\n"), *length = strstr(c->buf, "Content-Length: ");
  if (!end) return false;
  size_t body = length && length < end ? (size_t)atol(length + 16) : 0;
  return c->have >= (size_t)(end + 4 - c->buf) + body;
}

static void hear(struct conn *c) {
  ssize_t n = read(c->fd, c->buf + c->have, BUF - 1 - c->have);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) fatal("the server closed");
  c->have += (size_t)n;
  c->buf[c->have] = '\0';
  if (!c->due_ns || !whole(c)) return;
  latency[done++] = clock_monotonic_ns() - c->due_ns;
  if (strncmp(c->buf, "HTTP/1.1 2", 10) != 0) bad++;
  c->due_ns = 0;
  idle[idle_count++] = c;
}

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void open_all(int epoll, uint16_t port, unsigned count) {
  const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  for (unsigned i = 0; i < count; i++) {
    struct conn *c = &conns[i];
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    c->buf = malloc(BUF);
    if (c->fd < 0 || !c->buf || connect(c->fd, (const struct sockaddr *)&to, sizeof to) != 0) fatal("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = c}) != 0) fatal("epoll");
    idle[idle_count++] = c;
  }
}

static void report(double seconds) {
  qsort(latency, done, sizeof *latency, compare);
  const double ms = 1e-6;
  printf("%.0f requests/s; latency p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms; %zu of %zu not 2xx\n", (double)done / seconds,
    (double)latency[done / 2] * ms, (double)latency[done * 99 / 100] * ms, (double)latency[done * 999 / 1000] * ms, (double)latency[done - 1] * ms, bad, done);
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: bench_rate PORT RATE SECONDS CONNECTIONS PATH [FIELD]...\n");
    return 2;
  }
  const double rate = atof(argv[2]), seconds = atof(argv[3]);
  const unsigned count = (unsigned)atoi(argv[4]);
  const size_t total = (size_t)(rate * seconds);
  if (total == 0 || count == 0 || count > CONNECTIONS_MAX) fatal("RATE, SECONDS or CONNECTIONS");
  int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", argv[5]);
  for (int i = 6; i < argc; i++) n += snprintf(request + n, sizeof request - (size_t)n, "%s\r\n", argv[i]);
  request_len = (size_t)(n + snprintf(request + n, sizeof request - (size_t)n, "\r\n"));
  latency = calloc(total, sizeof *latency);
  int epoll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  if (!latency || epoll < 0 || timer < 0) fatal("start");
  open_all(epoll, (uint16_t)atoi(argv[1]), count);
  epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &(struct epoll_event){.events = EPOLLIN});
  const int64_t begin = clock_monotonic_ns();
  for (size_t sent = 0; done < total;) {
    const int64_t now = clock_monotonic_ns();
    int64_t due = begin + (int64_t)((double)sent / rate * 1e9);
    while (sent < total && due <= now && idle_count > 0) {
      send_request(idle[--idle_count], due);
      sent++;
      due = begin + (int64_t)((double)sent / rate * 1e9);
    }
    if (sent < total && idle_count > 0) {
      const struct itimerspec at = {.it_value = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000}};
      timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
    }
    struct epoll_event events[256];
    int got = epoll_wait(epoll, events, 256, 10000);
    if (got == 0) fatal("no answer for ten seconds");
    for (int i = 0; i < got; i++) {
      uint64_t ticks;
      if (events[i].data.ptr) hear(events[i].data.ptr);
      else if (read(timer, &ticks, sizeof ticks) < 0 && errno != EAGAIN) fatal("timer");
    }
  }
  report((double)(clock_monotonic_ns() - begin) * 1e-9);
  return 0;
}
