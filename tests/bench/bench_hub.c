// tests/bench/bench_hub.c – what market data costs the core: many symbols of the synthetic market in several timeframes each, polled
// on a virtual clock as the loop's timer would, and history for warm-ups.   bench_hub [SYMBOLS [SPEED [SECONDS]]]
#include "bot/hub.h"
#include "loop/clock.h"
#include "venue/feed_pace.h"
#include "venue/feed_sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW_NS (INT64_C(1767571200) * NS_PER_S)

static const int64_t timeframes[] = {NS_PER_MINUTE, 5 * NS_PER_MINUTE, 15 * NS_PER_MINUTE, 60 * NS_PER_MINUTE, 240 * NS_PER_MINUTE, NS_PER_DAY};
enum { TIMEFRAMES = sizeof timeframes / sizeof *timeframes };

static uint64_t instants, bars;
static void on_instant(void *self, struct hub_instant *in) {
  (void)self;
  instants++;
  bars += in->count;
}

static enum status run(int symbols, int64_t speed, int64_t seconds, bool ticks, struct err *err) {
  struct sim_symbol shipped[FEED_SIM_SHIPPED], *all = calloc((size_t)symbols, sizeof *all);
  char(*names)[16] = calloc((size_t)symbols, sizeof *names);
  const char **list = calloc((size_t)symbols, sizeof *list);
  if (!all || !names || !list) abort();
  const int n = feed_sim_shipped(NS_PER_MINUTE, shipped);
  for (int i = 0; i < symbols; i++) {
    snprintf(names[i], sizeof names[i], "S%04d", i);
    all[i] = shipped[i % n];
    all[i].symbol = list[i] = names[i];
  }
  struct feed_sim_config sim = {.seed = 1, .symbols = all, .count = symbols, .start_ns = NOW_NS};
  feed_pace_init(&sim.pace, speed * FEED_SPEED_ONE, NOW_NS, NOW_NS);
  struct hub_config config = {.sink = {.instant = on_instant}, .now_ns = NOW_NS};
  struct hub_feed_config feed = {.start_ns = NOW_NS, .grace_ns = -1, .ticks = ticks, .symbols = list, .symbol_count = symbols};
  struct hub *h;
  uint32_t id = 0;
  enum status st = feed_sim_create(&sim, &feed.feed, err);
  if (st == OK) feed.pace = feed_sim_pace(feed.feed);
  if (st == OK) st = hub_create(&config, &h, err);
  if (st == OK) st = hub_feed_add_feed(h, "sim", &feed, err);
  int64_t begin_ns = clock_thread_cpu_ns();
  for (int i = 0; st == OK && i < symbols; i++)
    for (int k = 0; st == OK && k < TIMEFRAMES; k++) st = hub_want(h, "sim", names[i], timeframes[k], &id, err);
  if (st != OK) return st;
  const double wanted_s = (double)(clock_thread_cpu_ns() - begin_ns) / 1e9;
  instants = bars = 0;
  uint64_t polls = 0;
  int64_t longest_ns = 0;
  begin_ns = clock_thread_cpu_ns();
  for (int64_t t = NOW_NS; t < NOW_NS + seconds * NS_PER_S; polls++) {
    const int64_t before_ns = clock_thread_cpu_ns();
    const int64_t next_ns = hub_poll(h, t), took_ns = clock_thread_cpu_ns() - before_ns;
    if (took_ns > longest_ns) longest_ns = took_ns;
    t = next_ns > t ? next_ns : t + 1;
  }
  const double took_s = (double)(clock_thread_cpu_ns() - begin_ns) / 1e9;
  printf("%s: %d symbols x %d timeframes, %" PRId64 " s at speed %" PRId64 ": %" PRIu64 " instants, %" PRIu64 " bars, %" PRIu64 " polls, longest %.2f ms\n",
    ticks ? "trades" : "bars", symbols, TIMEFRAMES, seconds, speed, instants, bars, polls, (double)longest_ns / 1e6);
  printf("  %.2f %% of a core, %.2f us a bar; wanting all took %.1f ms\n", 100 * took_s / (double)seconds, 1e6 * took_s / (double)bars, 1e3 * wanted_s);
  for (int k = 0; k < TIMEFRAMES; k++) {
    struct series s;
    st = hub_want(h, "sim", names[0], timeframes[k], &id, err);
    for (int again = 0; st == OK && again < 2 && !ticks; again++) {
      begin_ns = clock_thread_cpu_ns();
      st = hub_history(h, id, 500, INT64_MAX, &s, err);
      if (st != OK) break;
      printf("  history of %zu bars of %" PRId64 " min, %s: %.3f ms\n", s.count, timeframes[k] / NS_PER_MINUTE, again ? "again" : "first",
        (double)(clock_thread_cpu_ns() - begin_ns) / 1e6);
      series_finish(&s);
    }
  }
  hub_destroy(h);
  free(all);
  free(names);
  free((void *)list);
  return st;
}

int main(int argc, char **argv) {
  const int symbols = argc > 1 ? atoi(argv[1]) : 200;
  const int64_t speed = argc > 2 ? atoll(argv[2]) : 600, seconds = argc > 3 ? atoll(argv[3]) : 60;
  struct err err;
  if (symbols < 1 || symbols > 2000 || speed < 1 || seconds < 1) return 2;
  if (run(symbols, speed, seconds, false, &err) == OK && run(symbols, speed, seconds < 10 ? seconds : 10, true, &err) == OK) return 0;
  fprintf(stderr, "%s\n", err.msg);
  return 1;
}
