// tests/bench/make_bars.c – a big one-minute CSV for benchmarks: make_bars [BARS [SEED]] > X_1m.csv, the same bytes everywhere.
//
// A random walk in integer cents of a 5-figure price with volume of 6 decimals, as a crypto venue's file looks. Pipe it through
// gzip for the packed one: make_bars 1000000 1 | gzip -n > BENCH_1m.csv.gz
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state;

// splitmix64 (Steele, Lea, Flood 2014).
static uint64_t next(void) {
  uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static int64_t below(int64_t n) {
  return (int64_t)(next() % (uint64_t)n);
}

int main(int argc, char **argv) {
  long bars = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
  state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  if (bars <= 0 || argc > 3) {
    fprintf(stderr, "usage: make_bars [BARS [SEED]] > FILE_1m.csv\n");
    return 2;
  }
  int64_t t_ms = INT64_C(1577836800000), close = 720000;  // 2020-01-01, 7200.00
  printf("time,open,high,low,close,volume\n");
  for (long i = 0; i < bars; i++, t_ms += 60000) {
    int64_t open = close, span = open / 1000 + 1;
    close = open + below(2 * span + 1) - span;
    if (close < 100000) close = 100000 + below(1000);
    int64_t high = (open > close ? open : close) + below(span), low = (open < close ? open : close) - below(span);
    int64_t volume = below(INT64_C(90000000)) + 1;
    printf("%" PRId64 ",%" PRId64 ".%02d,%" PRId64 ".%02d,%" PRId64 ".%02d,%" PRId64 ".%02d,%" PRId64 ".%06d\n", t_ms, open / 100,
           (int)(open % 100), high / 100, (int)(high % 100), low / 100, (int)(low % 100), close / 100, (int)(close % 100),
           volume / 1000000, (int)(volume % 1000000));
  }
  return ferror(stdout) || fflush(stdout) != 0;
}
