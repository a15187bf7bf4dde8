// What private streams cost: N sessions with one `perigee exchange`, all on one loop.
//   bench_remote DIALECT.lua URL KEY SECRET [SESSIONS] [SECONDS]
// Prints: CPU to connect them, CPU of a quiet second, CPU of a frame (each order of the first session comes to every stream), and from
// the call of place to the bytes in the kernel. The exchange wants --no-limits; it runs beside this, so a second processor helps.
#include "base/buf.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "net/http_pool.h"
#include "script/dialect.h"
#include "venue/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SESSIONS_MAX 5000

static struct loop *loop;
static struct venue venues[SESSIONS_MAX];
static unsigned ready, replies, accepted, lost;
static uint64_t events;

_Noreturn static void die(const char *what, const struct err *err) {
  fprintf(stderr, "%s: %s\n", what, err->msg);
  exit(1);
}

static void on_state(void *self, enum venue_state from, enum venue_state to, const char *why) {
  struct venue *v = self;
  (void)from;
  if (to == VENUE_STATE_RECONCILING) v->ops->reconciled(v->self);
  else if (to == VENUE_STATE_READY) ready++;
  else if (to == VENUE_STATE_REFUSED) fprintf(stderr, "refused: %s\n", why), exit(1);
  else if (to == VENUE_STATE_DOWN && !lost++) fprintf(stderr, "down: %s\n", why);
}
static void on_order(void *self, const struct venue_order *o) { (void)self, (void)o, events++; }
static void on_fill(void *self, const struct venue_fill *f) { (void)self, (void)f, events++; }
static void on_position(void *self, const struct venue_position *p) { (void)self, (void)p, events++; }
static void on_balance(void *self, const struct venue_balance *b) { (void)self, (void)b, events++; }
static void on_reply(void *arg, const struct venue_reply *r) {
  (void)arg;
  replies++;
  accepted += r->outcome == VENUE_ACCEPTED;
  if (r->outcome != VENUE_ACCEPTED) fprintf(stderr, "an order: %s\n", r->text);
}

static void run_for(int64_t ms) {
  const int64_t until_ns = clock_monotonic_ns() + ms * 1000000;
  while (clock_monotonic_ns() < until_ns) {
    loop_turn(loop, false);
    struct timespec nap = {0, 200000};
    nanosleep(&nap, NULL);
  }
}

static int by_value(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  static const struct venue_events sink = {on_state, on_order, on_fill, on_position, on_balance};
  struct err err;
  struct buf source;
  struct http_pool *pool;
  struct remote_site *site;
  if (argc < 5) return fprintf(stderr, "usage: bench_remote DIALECT.lua URL KEY SECRET [SESSIONS] [SECONDS]\n"), 2;
  const int count = argc > 5 ? atoi(argv[5]) : 500, seconds = argc > 6 ? atoi(argv[6]) : 10;
  struct remote_site_options o = {.environment = "testnet", .url = argv[2]};
  buf_init(&source, 1 << 20);
  if (count < 1 || count > SESSIONS_MAX || buf_read_file(&source, argv[1], &err) != OK) die(argv[1], &err);
  // Its budgets are for one key of a person's.
  for (char *at = source.data; (at = strstr(at, "per_ms=")); at += 11) memcpy(at + 7, "0001", 4);
  if (loop_create(&loop, NULL, &err) != OK || http_pool_create(loop, NULL, &pool, &err) != OK) die("loop", &err);
  if (dialect_create("dialect", source.data, source.len, NULL, &o.dialect, &err) != OK) die("dialect", &err);
  o.loop = loop;
  o.pool = pool;
  if (remote_site_create(&o, &site, &err) != OK) die("site", &err);
  int64_t cpu = clock_thread_cpu_ns();
  for (int i = 0; i < count; i++) {
    const struct remote_session_options s = {.label = "bench", .credentials = {argv[3], argv[4], NULL}};
    if (remote_session_create(site, &s, &sink, &venues[i], &venues[i], &err) != OK) die("session", &err);
  }
  while (ready < (unsigned)count) loop_turn(loop, true);
  printf("%d sessions ready: %.1f ms of CPU, %.0f us each\n", count, (double)(clock_thread_cpu_ns() - cpu) / 1e6, (double)(clock_thread_cpu_ns() - cpu) / 1e3 / count);
  cpu = clock_thread_cpu_ns();
  run_for(seconds * 1000);
  const double quiet_ns = (double)(clock_thread_cpu_ns() - cpu) / seconds;
  printf("quiet: %.2f ms of CPU a second, %.1f us a stream (this loop's own turns among it)\n", quiet_ns / 1e6, quiet_ns / 1e3 / count);
  // Orders that rest far away: what is told of them is what a frame costs. Prices of the exchange are about 30,000 or less.
  int64_t calls[2000];
  int n = 0;
  events = 0;
  cpu = clock_thread_cpu_ns();
  const int64_t begin_ns = clock_monotonic_ns();
  for (int i = 0; i < seconds * 5; i++) {
    struct venue_place p = {.symbol = "BTCUSDT", .side = SIDE_BUY, .type = ORDER_LIMIT, .tif = TIF_GTC, .qty = {1, 3}, .limit = {10000, 0}, .trigger = NO_DECIMAL};
    snprintf(p.client_id, sizeof p.client_id, "B%lld", (long long)clock_wall_ns());
    const int64_t t = clock_monotonic_ns();
    venues[0].ops->place(venues[0].self, &p, on_reply, NULL);
    if (n < 2000) calls[n++] = clock_monotonic_ns() - t;
    run_for(200);
  }
  const double spent_ns = (double)(clock_thread_cpu_ns() - cpu), took_s = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
  qsort(calls, (size_t)n, sizeof *calls, by_value);
  printf("%u orders, %u accepted; place to bytes in the kernel: p50 %.0f us, p99 %.0f us\n", replies, accepted, (double)calls[n / 2] / 1e3, (double)calls[n * 99 / 100] / 1e3);
  printf("%llu events to %d streams in %.1f s: %.1f us of CPU an event beyond a quiet loop; %.1f %% of one processor\n", (unsigned long long)events, count, took_s,
    events ? (spent_ns - quiet_ns * took_s) / 1e3 / (double)events : 0, spent_ns / took_s / 1e7);
  for (int i = 0; i < count; i++) venues[i].ops->destroy(venues[i].self);
  remote_site_destroy(site);
  http_pool_destroy(pool);
  for (int i = 0; i < 50; i++) loop_turn(loop, false);
  loop_destroy(loop);
  buf_finish(&source);
  return 0;
}
