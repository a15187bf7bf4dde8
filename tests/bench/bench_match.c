// tests/bench/bench_match.c – matcher and ledger alone, without a script: nanoseconds per bar and fills per second. One line
// a figure, "name value unit"; the best of five runs, because other work on the machine only ever adds.
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "match/match.h"

enum { BARS = 1000000, RUNS = 5 };

static struct bar *bars;

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void make_bars(void) {
  uint64_t x = 42;
  int64_t px = 3000000;
  bars = calloc(BARS, sizeof *bars);
  assert(bars);
  for (int i = 0; i < BARS; i++) {
    x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
    int64_t close = px + (int64_t)((x >> 33) % 2001) - 1000;
    if (close < 1000000) close += 2000;
    int64_t high = (px > close ? px : close) + (int64_t)((x >> 50) % 300), low = (px < close ? px : close) - (int64_t)((x >> 20) % 300);
    bars[i] = (struct bar){.open_ns = i * NS_PER_MINUTE, .open = {px}, .high = {high}, .low = {low}, .close = {close}, .volume = -1};
    px = close;
  }
}

static struct matcher *make(int64_t leverage_e4) {
  struct match_config c;
  struct match_symbol_config sc;
  struct instrument inst = {.symbol = "BTC", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}};
  struct matcher *m;
  struct err err;
  int index;
  if (instrument_finish(&inst, &err) != OK) abort();
  match_config_init(&c, (cash){INT64_C(1000000000) * CASH_ONE});
  match_symbol_config_init(&sc, &inst);
  sc.fees.maker_frac_e8 = sc.fees.taker_frac_e8 = 100000;
  sc.leverage_e4 = leverage_e4;
  if (matcher_create(&c, &m, &err) != OK || matcher_symbol_add(m, &sc, &index, &err) != OK) abort();
  return m;
}

typedef void step_fn(struct matcher *m, int i);

static void nothing(struct matcher *m, int i) { (void)m, (void)i; }

static void buy_once(struct matcher *m, int i) {
  struct intent in;
  uint64_t id;
  if (i != 0) return;
  intent_init(&in, 0, SIDE_BUY);
  in.size = 1000;
  matcher_submit(m, &in, (quantity){1000}, bars[i].open_ns, &id);
}

// A resting stop and target far away beside the position.
static void bracket_once(struct matcher *m, int i) {
  struct intent in;
  uint64_t id;
  if (i != 0) return;
  intent_init(&in, 0, SIDE_BUY);
  in.size = 1000;
  in.sl.ticks = 1000;
  in.tp.ticks = 1000000000;
  matcher_submit(m, &in, (quantity){1000}, bars[i].open_ns, &id);
}

// A market order a bar: buy, sell, buy, … – every second one closes a round trip.
static void trade_always(struct matcher *m, int i) {
  struct intent in;
  uint64_t id;
  intent_init(&in, 0, i & 1 ? SIDE_SELL : SIDE_BUY);
  in.size = 1000;
  matcher_submit(m, &in, (quantity){1000}, bars[i].open_ns, &id);
}

// A hundred resting limits on both sides.
static void grid_once(struct matcher *m, int i) {
  for (int k = 1; i == 0 && k <= 50; k++) {
    for (int side = -1; side <= 1; side += 2) {
      struct intent in;
      uint64_t id;
      intent_init(&in, 0, side);
      in.type = ORDER_LIMIT;
      in.limit.ticks = 3000000 - side * k * 300000;
      if (in.limit.ticks <= 0) continue;
      in.size = 1;
      matcher_submit(m, &in, (quantity){1}, bars[i].open_ns, &id);
    }
  }
}

static void run(const char *name, step_fn *step, bool per_fill, int64_t leverage_e4) {
  double best = 1e9;
  uint64_t fills = 0;
  for (int r = 0; r < RUNS; r++) {
    struct matcher *m = make(leverage_e4);
    struct match_watch *w = matcher_watch(m, 0);
    double start = now_s();
    fills = 0;
    for (int i = 0; i < BARS; i++) {
      struct match_bar in = {.bar = &bars[i], .close_ns = bars[i].open_ns + NS_PER_MINUTE};
      if (matcher_bar(m, w, 0, &in)) {
        struct match_event e;
        while (matcher_event_next(m, &e)) fills += e.kind == EVENT_FILL;
      }
      step(m, i);
      if (i % 1024 == 0) matcher_orders_release(m, matcher_order_last(m));  // as a bot that runs for years does
    }
    double t = now_s() - start;
    if (t < best) best = t;
    matcher_check(m);
    matcher_destroy(m);
  }
  if (per_fill) printf("%-28s %8.2f M fills/s (submit, match, ledger, trade, events; %.0f ns each)\n", name, (double)fills / best / 1e6, best / (double)fills * 1e9);
  else printf("%-28s %8.1f ns/bar (%llu fills)\n", name, best / BARS * 1e9, (unsigned long long)fills);
}

// The ledger alone: book a fill, every second one closing a round trip.
static void run_ledger(void) {
  double best = 1e9;
  for (int r = 0; r < RUNS; r++) {
    struct matcher *m = make(10000);
    struct account a;
    struct err err;
    int index;
    account_init(&a, false);
    if (!account_deposit(&a, (cash){INT64_C(1000000000) * CASH_ONE})) abort();
    if (account_symbol_add(&a, &matcher_symbol_config(m, 0)->inst, LEVERAGE_ONE_E4, &index, &err) != OK) abort();
    double start = now_s();
    for (int i = 0; i < BARS; i++) {
      struct fill f = {.id = (uint64_t)i, .order = (uint64_t)i, .side = i & 1 ? SIDE_SELL : SIDE_BUY, .px = bars[i].open, .qty = {1000},
                       .fee = {3000}, .time_ns = bars[i].open_ns};
      struct fill_result result;
      if (!account_fill(&a, &f, &result)) abort();
    }
    double t = now_s() - start;
    if (t < best) best = t;
    account_check(&a);
    account_finish(&a);
    matcher_destroy(m);
  }
  printf("%-28s %8.2f M fills/s (ledger, position, trade; %.0f ns each)\n", "ledger_fill", BARS / best / 1e6, best / BARS * 1e9);
}

int main(void) {
  make_bars();
  run_ledger();
  run("match_idle", nothing, false, 10000);
  run("match_position", buy_once, false, 10000);
  run("match_position_leveraged", buy_once, false, 30000);
  run("match_bracket", bracket_once, false, 10000);
  run("match_grid_100", grid_once, false, 10000);
  run("match_trade_every_bar", trade_always, true, 10000);
  struct matcher *m = make(10000);
  buy_once(m, 0);
  struct match_bar in = {.bar = &bars[1], .close_ns = bars[1].open_ns + NS_PER_MINUTE};
  matcher_bar_match(m, 0, &in);
  int64_t sum = 0;
  double start = now_s();
  for (int i = 0; i < BARS; i++) {
    matcher_mark(m, 0, bars[i].close);
    sum += matcher_equity(m).e8 & 1;
  }
  printf("%-28s %8.1f ns (%lld)\n", "match_equity", (now_s() - start) / BARS * 1e9, (long long)sum);
  matcher_destroy(m);
  free(bars);
  return 0;
}
