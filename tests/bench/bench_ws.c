// tests/bench/bench_ws.c – COUNT WebSocket clients of net_server in one process: how long a broadcast takes to reach them.
//
//   bench_ws PORT COUNT ROUNDS [CA_FILE]      with CA_FILE over TLS, as `localhost`
//
// Prints the time of connecting, the latency over all clients and rounds, and what net_server says of itself.
#include "loop/clock.h"
#include "loop/loop.h"
#include "net/client.h"
#include "net/tls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CONNECTING_MAX 64

struct peer {
  struct client *client;
  size_t have;
  char buf[1024];
  bool upgraded;
};

static struct loop *loop;
static struct tls_client *tls;
static struct peer *peers;
static uint16_t port;
static unsigned count, opened, ready, rounds, round_at;
static int64_t *latencies;
static size_t latency_count, expected;
static int64_t begin_ns;
static struct loop_timer *pace;

static void fatal(const char *what) {
  fprintf(stderr, "bench_ws: %s\n", what);
  exit(1);
}

static void send_text(struct peer *p, const char *text) {
  size_t len = strlen(text);
  char frame[256] = {(char)0x81, (char)(0x80 | (len < 126 ? len : 126))};
  size_t head = len < 126 ? 2 : 4;
  if (len >= 126) frame[2] = (char)(len >> 8), frame[3] = (char)len;
  memset(frame + head, 0, 4);  // a mask of zeros
  memcpy(frame + head + 4, text, len);
  if (!client_write(p->client, frame, head + 4 + len)) fatal("cannot write");
}

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void report(void) {
  qsort(latencies, latency_count, sizeof *latencies, compare);
  double ms = 1e-6;
  printf("%u clients, %u broadcasts of 128 bytes: p50 %.1f ms, p99 %.1f ms, max %.1f ms; %zu frames\n", count, rounds,
    (double)latencies[latency_count / 2] * ms, (double)latencies[latency_count * 99 / 100] * ms, (double)latencies[latency_count - 1] * ms,
    latency_count);
  fflush(stdout);
  loop_stop(loop);
}

static void broadcast(void *arg) {
  (void)arg;
  if (round_at == rounds) {
    report();
    return;
  }
  round_at++;
  char text[129];
  int n = snprintf(text, sizeof text, "all %020lld ", (long long)clock_monotonic_ns());
  memset(text + n, 'x', sizeof text - 1 - (size_t)n);
  text[sizeof text - 1] = '\0';
  expected += count;
  send_text(&peers[0], text);
}

static void all_joined(void) {
  printf("connected in %.1f s; now idle for 2 s\n", (double)(clock_monotonic_ns() - begin_ns) * 1e-9);
  fflush(stdout);
  loop_timer_start(pace, 2000, 500);
}

static void open_next(void);

static void on_open(void *arg) {
  struct peer *p = arg;
  static const char request[] = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  if (!client_write(p->client, request, sizeof request - 1)) fatal("cannot write");
}

static void take_frames(struct peer *p) {
  size_t at = 0;
  while (p->have - at >= 2) {
    size_t len = (uint8_t)p->buf[at + 1], head = 2;
    if (len == 126) {
      if (p->have - at < 4) break;
      len = (size_t)(uint8_t)p->buf[at + 2] << 8 | (uint8_t)p->buf[at + 3];
      head = 4;
    }
    if (p->have - at < head + len) break;
    const char *text = p->buf + at + head;
    if (len > 24 && memcmp(text, "all ", 4) == 0) {
      latencies[latency_count++] = clock_monotonic_ns() - atoll(text + 4);
    }
    at += head + len;
  }
  memmove(p->buf, p->buf + at, p->have - at);
  p->have -= at;
}

static void on_data(void *arg, const char *bytes, size_t len) {
  struct peer *p = arg;
  while (len > 0) {
    size_t take = sizeof p->buf - 1 - p->have < len ? sizeof p->buf - 1 - p->have : len;
    memcpy(p->buf + p->have, bytes, take);
    p->have += take;
    bytes += take;
    len -= take;
    p->buf[p->have] = '\0';
    if (!p->upgraded) {
      char *end = strstr(p->buf, "\r\n\r\n");
      if (!end) continue;
      if (strncmp(p->buf, "HTTP/1.1 101", 12) != 0) fatal(p->buf);
      p->upgraded = true;
      p->have = 0;
      send_text(p, "join");
      if (++ready == count) all_joined();
      else open_next();
      continue;
    }
    take_frames(p);
  }
}

static void on_close(void *arg, const char *why) {
  (void)arg;
  fatal(why ? why : "closed by the server");
}

static void open_next(void) {
  static const struct client_events events = {.on_open = on_open, .on_data = on_data, .on_close = on_close};
  if (opened == count) return;
  struct err err;
  struct peer *p = &peers[opened++];
  if (client_open(loop, &(struct client_options){.host = tls ? "localhost" : "127.0.0.1", .port = port, .tls = tls, .timeout_ms = 60000}, &events,
        p, &p->client, &err) != OK) fatal(err.msg);
}

int main(int argc, char **argv) {
  if (argc < 4) fatal("PORT COUNT ROUNDS [CA_FILE]");
  struct err err;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  port = (uint16_t)atoi(argv[1]);
  count = (unsigned)atoi(argv[2]);
  rounds = (unsigned)atoi(argv[3]);
  if (argc > 4 && tls_client_create(argv[4], &tls, &err) != OK) fatal(err.msg);
  peers = calloc(count, sizeof *peers);
  latencies = calloc((size_t)count * rounds + 1, sizeof *latencies);
  if (!peers || !latencies) fatal("memory");
  if (loop_create(&loop, NULL, &err) != OK || loop_timer_create(loop, broadcast, NULL, &pace, &err) != OK) fatal(err.msg);
  begin_ns = clock_monotonic_ns();
  for (unsigned i = 0; i < CONNECTING_MAX; i++) open_next();
  loop_run(loop);
  if (latency_count != expected) fatal("some frames did not arrive");
  for (unsigned i = 0; i < count; i++) client_destroy(peers[i].client);
  loop_timer_destroy(pace);
  loop_destroy(loop);
  tls_client_release(tls);
  free(peers);
  free(latencies);
  return 0;
}
