// tests/unit/indicator/bars.h – made-up markets for the indicator tests.
#pragma once
#include "indicator/indicator.h"

enum market { MARKET_RANDOM, MARKET_COARSE, MARKET_FLAT, MARKET_NO_VOLUME, MARKET_JUMPS, MARKET_ZERO, MARKET_COUNT };

static inline const char *market_name(enum market m) {
  static const char *const names[] = {"random", "coarse ticks", "flat", "no volume", "jumps", "all zero"};
  return names[m];
}

static inline uint32_t random_next(uint64_t *seed) {
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*seed >> 33);
}

static inline double random_unit(uint64_t *seed) {
  return random_next(seed) / 2147483648.0;
}

// One bar an hour; .source is the close. COARSE has many equal prices and bars without volume, JUMPS falls and rises a
// thousandfold and stands still in between.
static inline void bars_make(enum market m, uint64_t seed, struct indicator_input *bars, int count) {
  double price = 100;
  for (int i = 0; i < count; i++) {
    double step = random_unit(&seed) - 0.5, up = random_unit(&seed), down = random_unit(&seed);
    double volume = 1 + random_next(&seed) % 100000 / 10.0;
    struct indicator_input b = {.time_ns = (INT64_C(1600000000) + i * INT64_C(3600)) * 1000000000};
    switch (m) {
    case MARKET_RANDOM:
    case MARKET_NO_VOLUME:
      b.open = price;
      price += step * 2;
      if (price < 10) price = 10;
      b.close = price;
      b.high = (b.open > b.close ? b.open : b.close) + up;
      b.low = (b.open < b.close ? b.open : b.close) - down;
      b.volume = m == MARKET_NO_VOLUME && i % 64 < 48 ? 0 : volume;
      break;
    case MARKET_COARSE:
      b.open = price;
      if (i % 50 < 25) price += (int)(step * 4);
      b.close = price;
      b.high = (b.open > b.close ? b.open : b.close) + (i % 50 < 25 && up > 0.7);
      b.low = (b.open < b.close ? b.open : b.close) - (i % 50 < 25 && down > 0.7);
      b.volume = up > 0.5 ? (int)volume : 0;
      break;
    case MARKET_FLAT:
      b.open = b.high = b.low = b.close = 0.1 + 1.0 / 3;
      b.volume = volume;
      break;
    case MARKET_JUMPS:
      if (i % 97 == 0) price = i / 97 % 2 ? 100000.1 : 99.9;
      if (i % 97 < 30) price *= 1 + step / 100;
      b.open = b.high = b.low = b.close = price;
      if (i % 97 < 30) b.high *= 1 + up / 100, b.low *= 1 - down / 100;
      b.volume = i % 97 < 60 ? volume : 0;
      break;
    case MARKET_ZERO:
    case MARKET_COUNT: break;
    }
    b.source = b.close;
    bars[i] = b;
  }
}
