// tests/bench/bench_engine.c – the path market event → Lua → matcher → ledger, against what bare Lua dispatch costs here.
//
//   bench_engine SCRIPT FILE_1m.csv[.gz] [STATES]
//   bench_engine SCRIPT FILE_1m.csv[.gz] walk [N]   N walks (1) and nothing else: for a profiler, or to compare two builds in turn
//
// Prints "name value unit" lines, the median of several runs with minimum and maximum, and ratios to the baseline measured
// in the same process, in turn with it, so that a busy machine slows both.
#include "backtest/backtest.h"
#include "base/buf.h"
#include "loop/watchdog.h"

#include <assert.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RUNS = 9, BATCH = 1000000 };

static double now_s(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double cpu_s(void) { return now_s(CLOCK_THREAD_CPUTIME_ID); }

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double report(const char *name, double *v, int n, const char *unit) {
  qsort(v, (size_t)n, sizeof *v, compare);
  printf("%-44s %12.4g %-10s (min %.4g, max %.4g)\n", name, v[n / 2], unit, v[0], v[n - 1]);
  fflush(stdout);
  return v[n / 2];
}

static void must(enum status st, const struct err *err) {
  if (st == OK) return;
  fprintf(stderr, "bench: %s\n", err->msg);
  exit(1);
}

// ---- baseline: the same on_bar over plain tables and light C functions, nothing behind it

static double ring_f[2], ring_s[2];

static int l_cross_up(lua_State *L) {
  lua_pushboolean(L, ring_f[0] > ring_s[0] && ring_f[1] <= ring_s[1]);
  return 1;
}

static int l_cross_down(lua_State *L) {
  lua_pushboolean(L, ring_f[0] < ring_s[0] && ring_f[1] >= ring_s[1]);
  return 1;
}

static const char baseline_lua[] =
    "ctx = {ind={f={}, s={}}, p={size=95}, target=function() end}\n"
    "function on_bar(ctx, bar)\n"
    "  if crossed_up(ctx.ind.f, ctx.ind.s) then ctx:target{pct=ctx.p.size, tag='up'}\n"
    "  elseif crossed_down(ctx.ind.f, ctx.ind.s) then ctx:target{pct=0, tag='down'} end\n"
    "end\n";

static double baseline(lua_State *L, bool refill) {
  double begin = cpu_s();
  for (int i = 0; i < BATCH; i++) {
    ring_f[1] = ring_f[0], ring_s[1] = ring_s[0];
    ring_f[0] = i % 50 < 25 ? 2 : 1, ring_s[0] = 1.5;  // a cross every 25 bars, as the walk has
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    if (refill) {
      static const char *const keys[] = {"time", "open", "high", "low", "close", "volume"};
      for (int k = 0; k < 6; k++) {
        lua_pushnumber(L, i + k);
        lua_setfield(L, -2, keys[k]);
      }
    }
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) abort();
  }
  return BATCH / (cpu_s() - begin);
}

static lua_State *baseline_open(void) {
  lua_State *L = luaL_newstate();
  assert(L);
  lua_register(L, "crossed_up", l_cross_up);
  lua_register(L, "crossed_down", l_cross_down);
  if (luaL_dostring(L, baseline_lua) != LUA_OK) abort();
  lua_getglobal(L, "on_bar");
  lua_getglobal(L, "ctx");
  lua_newtable(L);
  return L;
}

// ---- one strategy over the whole file

struct setup {
  struct backtest_config c;
  struct backtest_data data;
  struct script_spec *spec;
  struct param_value values[SPEC_PARAMS_MAX];
  struct buf source;
};

static void setup_load(struct setup *s, const char *script, const char *file) {
  struct err err;
  struct watchdog *dog;
  backtest_config_init(&s->c);
  buf_init(&s->source, 1 << 20);
  must(watchdog_create(&dog, &err), &err);
  must(buf_read_file(&s->source, script, &err), &err);
  must(script_describe(script, s->source.data, s->source.len, dog, &s->spec, &err), &err);
  params_default(s->spec, s->values);
  s->c.script_path = script, s->c.source = s->source.data, s->c.source_len = s->source.len;
  s->c.spec = s->spec, s->c.values = s->values, s->c.watchdog = dog;
  s->c.files[0] = (struct backtest_file){NULL, file};
  s->c.file_count = 1;
  // Enough money and low enough a fee that a coin-flip strategy still trades at the end of a million bars.
  s->c.match.deposit.e8 = 1000000 * CASH_ONE;
  s->c.fees.maker_frac_e8 = s->c.fees.taker_frac_e8 = 10000;
  s->c.csv.lot = (struct decimal){1, 3};
  struct result r;
  result_init(&r);
  must(backtest_data_load(&s->c, &s->data, &r, &err), &err);
  result_finish(&r);
}

// Not inlined, so that a profiler knows where a walk begins.
__attribute__((noinline)) static double timed_walk(const struct setup *s, size_t *ret_fills) {
  struct result r;
  struct err err;
  bool matters;
  result_init(&r);
  double begin = cpu_s();
  must(backtest_walk(&s->c, &s->data, PATH_NEARER, &r, &matters, &err), &err);
  double rate = (double)s->data.streams[0]->count / (cpu_s() - begin);
  *ret_fills = r.fill_count;
  result_finish(&r);
  return rate;
}

static void bench_walk(const struct setup *s) {
  double bare[RUNS], refilled[RUNS], engine[RUNS], ratio[RUNS];
  size_t fills = 0;
  lua_State *L = baseline_open();
  for (int i = 0; i < RUNS; i++) {
    bare[i] = baseline(L, false) / 1e6;
    engine[i] = timed_walk(s, &fills) / 1e6;
    refilled[i] = baseline(L, true) / 1e6;
    ratio[i] = engine[i] / bare[i];
  }
  lua_close(L);
  printf("%-44s %12zu bars, %zu fills\n", "sma_cross over", s->data.streams[0]->count, fills);
  report("bare on_bar through lua_pcall", bare, RUNS, "M bars/s");
  report("the same, six-field bar table refilled", refilled, RUNS, "M bars/s");
  report("backtest: sma_cross with orders and fees", engine, RUNS, "M bars/s");
  report("  ratio to bare dispatch", ratio, RUNS, "×");
}

static void bench_load(const char *file) {
  double seconds[5];
  for (int i = 0; i < 5; i++) {
    struct series s;
    struct err err;
    double begin = now_s(CLOCK_MONOTONIC);
    must(csv_load(file, &(struct csv_options){0}, &s, NULL, &err), &err);
    seconds[i] = now_s(CLOCK_MONOTONIC) - begin;
    series_finish(&s);
  }
  report("load that CSV", seconds, 5, "s");
}

// ---- many states in one process

static size_t resident_bytes(void) {
  long pages = 0, total = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (!f || fscanf(f, "%ld %ld", &total, &pages) != 2) pages = 0;
  if (f) fclose(f);
  return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void bench_states(const struct setup *s, int n) {
  struct matcher **matchers = calloc((size_t)n, sizeof *matchers);
  struct bot **bots = calloc((size_t)n, sizeof *bots);
  struct err err;
  assert(matchers && bots);
  struct match_symbol_config sc;
  match_symbol_config_init(&sc, &s->data.streams[0]->inst);
  for (int i = 0; i < n; i++) {
    int symbol;
    must(matcher_create(&s->c.match, &matchers[i], &err), &err);
    must(matcher_symbol_add(matchers[i], &sc, &symbol, &err), &err);
  }
  size_t before = resident_bytes();
  double begin = cpu_s();
  for (int i = 0; i < n; i++) {
    struct bot_config bc = {.chunkname = s->c.script_path, .source = s->c.source, .source_len = s->c.source_len, .spec = s->spec, .values = s->values,
                            .limits = s->c.limits, .watchdog = s->c.watchdog, .matcher = matchers[i], .series = s->data.streams,
                            .symbols = s->data.stream_symbols, .risk = s->c.risk};
    bc.limits.seed = (uint64_t)i;
    must(bot_create(&bc, &bots[i], &err), &err);
  }
  double create_us = (cpu_s() - begin) / n * 1e6;
  printf("%-44s %12.4g KiB\n", "state with sma_cross: engine's count", (double)script_bytes(bot_script(bots[0])) / 1024);
  printf("%-44s %12.4g KiB\n", "  resident, with its bot", (double)(resident_bytes() - before) / n / 1024);
  printf("%-44s %12.4g µs\n", "  creation (compile, sandbox, bindings)", create_us);
  double ms[RUNS];
  size_t ix = 0;
  for (int run = -60; run < RUNS; run++) {  // 60 bars of warm-up first
    begin = now_s(CLOCK_MONOTONIC);
    int64_t close_ns = s->data.streams[0]->bars[ix].open_ns + s->data.streams[0]->timeframe_ns;
    for (int i = 0; i < n; i++) {
      matcher_mark(matchers[i], 0, s->data.streams[0]->bars[ix].close);
      must(bot_stream_bar(bots[i], 0, ix, close_ns, true, &err), &err);
    }
    if (run >= 0) ms[run] = (now_s(CLOCK_MONOTONIC) - begin) * 1e3;
    ix++;
  }
  char name[64];
  snprintf(name, sizeof name, "one bar to %d states", n);
  report(name, ms, RUNS, "ms");
  printf("%-44s %12.4g KiB\n", "  resident after 69 bars, with its bot", (double)(resident_bytes() - before) / n / 1024);
  begin = cpu_s();
  for (int i = 0; i < n; i++) bot_destroy(bots[i]);
  printf("%-44s %12.4g µs\n", "  closing a state", (cpu_s() - begin) / n * 1e6);
  for (int i = 0; i < n; i++) matcher_destroy(matchers[i]);
  free(bots);
  free(matchers);
}

int main(int argc, char **argv) {
  static struct setup s;
  if (argc < 3) {
    fprintf(stderr, "usage: bench_engine SCRIPT FILE_1m.csv[.gz] [STATES | walk [N]]\n");
    return 2;
  }
  if (argc > 3 && strcmp(argv[3], "walk") == 0) {
    size_t fills;
    setup_load(&s, argv[1], argv[2]);
    for (int i = argc > 4 ? atoi(argv[4]) : 1; i > 0; i--) printf("%.4g M bars/s\n", timed_walk(&s, &fills) / 1e6);
    return 0;
  }
  bench_load(argv[2]);
  setup_load(&s, argv[1], argv[2]);
  bench_walk(&s);
  bench_states(&s, argc > 3 ? atoi(argv[3]) : 10000);
  return 0;
}
