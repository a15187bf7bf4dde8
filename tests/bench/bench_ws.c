// tests/bench/bench_ws.c – COUNT WebSocket clients in one process: how long a broadcast takes to reach them.
//
//   bench_ws PORT COUNT ROUNDS [--ca FILE] [--token TOKEN]
//
// Of net_server, whose clients ask for a broadcast every half second; or, with --token, of `perigee serve`: all sign in, and once
// connected wait for a line on standard input, the name of a channel whose next ROUNDS events are then measured by their `ts`
// (milliseconds). With --ca over TLS, to `localhost`. Prints the time of connecting and the latency over all clients and rounds.
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

#define CONNECTING_MAX 16  // at once: a busy server has ten seconds for each
#define NS_PER_MS 1000000

static const char *token;  // of perigee serve; NULL: net_server
static char channel[128];
static unsigned subscribed;

struct peer {
  struct client *client;
  size_t have;
  char buf[1024];
  bool upgraded, known;
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
static struct loop_watch *input;
static long long first_seq;

static void fatal(const char *what) {
  fprintf(stderr, "bench_ws: %s\n", what);
  exit(1);
}

static void send_frame(struct peer *p, int opcode, const char *text) {
  size_t len = strlen(text);
  char frame[2048] = {(char)(0x80 | opcode), (char)(0x80 | (len < 126 ? len : 126))};
  size_t head = len < 126 ? 2 : 4;
  if (len >= 126) frame[2] = (char)(len >> 8), frame[3] = (char)len;
  memset(frame + head, 0, 4);  // a mask of zeros
  memcpy(frame + head + 4, text, len);
  if (!client_write(p->client, frame, head + 4 + len)) fatal("cannot write");
}

static void send_text(struct peer *p, const char *text) {
  send_frame(p, 1, text);
}

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void report(void) {
  qsort(latencies, latency_count, sizeof *latencies, compare);
  double ms = 1e-6;
  printf("%u clients, %u broadcasts: p50 %.1f ms, p99 %.1f ms, max %.1f ms; %zu frames\n", count, rounds,
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
  printf("connected in %.1f s\n", (double)(clock_monotonic_ns() - begin_ns) * 1e-9);
  fflush(stdout);
  if (!token) loop_timer_start(pace, 2000, 500);
}

// A channel's name has come: all subscribe to it.
static void on_input(void *arg, unsigned events) {
  (void)arg, (void)events;
  char text[256];
  if (!fgets(channel, sizeof channel, stdin)) fatal("no channel");
  channel[strcspn(channel, "\n")] = '\0';
  loop_watch_set(input, 0);
  snprintf(text, sizeof text, "{\"op\":\"subscribe\",\"channels\":[\"%s\"]}", channel);
  for (unsigned i = 0; i < count; i++) send_text(&peers[i], text);
}

static void joined(void);

static bool begins(const char *text, const char *with) {
  return strncmp(text, with, strlen(with)) == 0;
}

// A message of perigee serve.
static void hear_service(struct peer *p, const char *text) {
  char message[1536];
  const char *ts = strstr(text, "\"ts\":"), *data = strstr(text, "\"data\":");
  if (begins(text, "{\"op\":\"auth\",\"ok\":true")) {
    p->known = true;
    joined();
  } else if (begins(text, "{\"op\":\"subscribed\"")) {
    if (!strstr(text, channel) || strstr(text, "\"code\"")) fatal(text);
    if (++subscribed < count) return;
    printf("subscribed\n");
    fflush(stdout);
  } else if (ts && data) {
    if (subscribed < count || latency_count == (size_t)count * rounds) return;  // too early for some, or over
    // The first event after everybody is subscribed is the first that counts.
    const long long seq = atoll(strstr(text, "\"seq\":") + 6);
    if (first_seq == 0) first_seq = seq + 1;
    if (seq < first_seq || seq >= first_seq + rounds) return;
    latencies[latency_count++] = clock_wall_ns() - atoll(ts + 5) * NS_PER_MS;
    if (latency_count == (size_t)count * rounds) {
      expected = latency_count;
      report();
    }
  } else if (!p->known) {
    snprintf(message, sizeof message, "unexpected: %s", text);
    fatal(message);
  }
}

static void open_next(void);

static void on_open(void *arg) {
  struct peer *p = arg;
  char request[512];
  int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", token ? "/api/v1/ws" : "/ws");
  if (!client_write(p->client, request, (size_t)n)) fatal("cannot write");
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
    char *text = p->buf + at + head, behind = text[len];
    if ((p->buf[at] & 15) == 9) {
      send_frame(p, 10, "");
    } else if ((p->buf[at] & 15) == 8) {
      fatal("closed by a frame");
    } else if (token) {
      text[len] = '\0';
      hear_service(p, text);
      text[len] = behind;
    } else if (len > 24 && memcmp(text, "all ", 4) == 0) {
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
      if (token) {
        char text[1600];
        snprintf(text, sizeof text, "{\"op\":\"auth\",\"token\":\"%s\"}", token);
        send_text(p, text);
      } else {
        send_text(p, "join");
        joined();
      }
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

static void joined(void) {
  if (++ready == count) all_joined();
  else open_next();
}

int main(int argc, char **argv) {
  if (argc < 4) fatal("PORT COUNT ROUNDS [--ca FILE] [--token TOKEN]");
  struct err err;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  port = (uint16_t)atoi(argv[1]);
  count = (unsigned)atoi(argv[2]);
  rounds = (unsigned)atoi(argv[3]);
  for (int i = 4; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--token") == 0) token = argv[i + 1];
    else if (strcmp(argv[i], "--ca") != 0) fatal(argv[i]);
    else if (tls_client_create(argv[i + 1], &tls, &err) != OK) fatal(err.msg);
  }
  peers = calloc(count, sizeof *peers);
  latencies = calloc((size_t)count * rounds + 1, sizeof *latencies);
  if (!peers || !latencies) fatal("memory");
  if (loop_create(&loop, NULL, &err) != OK || loop_timer_create(loop, broadcast, NULL, &pace, &err) != OK) fatal(err.msg);
  if (token && loop_watch_create(loop, 0, on_input, NULL, &input, &err) != OK) fatal(err.msg);
  if (token) loop_watch_set(input, LOOP_READABLE);
  begin_ns = clock_monotonic_ns();
  for (unsigned i = 0; i < CONNECTING_MAX; i++) open_next();
  loop_run(loop);
  if (latency_count != expected) fatal("some frames did not arrive");
  for (unsigned i = 0; i < count; i++) client_destroy(peers[i].client);
  loop_timer_destroy(pace);
  loop_watch_destroy(input);
  loop_destroy(loop);
  tls_client_release(tls);
  free(peers);
  free(latencies);
  return 0;
}
