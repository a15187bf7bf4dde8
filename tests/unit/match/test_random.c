// tests/unit/match/test_random.c – the driver of tests/fuzz/fuzz_match.c fed with seeded random bytes: thousands of orders and
// bars through every model, in every build. A failure prints the seed; `test_match_random SEED` repeats it alone.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

static uint64_t next(void) {  // splitmix64
  uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

int main(int argc, char **argv) {
  enum { BYTES = 6000 };
  static uint8_t data[BYTES];
  uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, to = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? from : 2000;
  for (uint64_t seed = from; seed <= to; seed++) {
    fprintf(stderr, "\rseed %llu ", (unsigned long long)seed);
    state = seed;
    for (int i = 0; i < BYTES; i++) data[i] = (uint8_t)next();
    LLVMFuzzerTestOneInput(data, BYTES);
  }
  fprintf(stderr, "\nseeds %llu to %llu: the books add up\n", (unsigned long long)from, (unsigned long long)to);
  return 0;
}
