// tests/lib/seeds.h – random tests from seeds: all of them, or the one that PERIGEE_SEED names, to look at a failure. Include it after
// cmocka.h.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

// Seeds 1 … count. False when it was one only: then what all of them together reach is not to be asked.
static inline bool seeds_run(uint64_t count, void (*run)(uint64_t seed)) {
  const char *one = getenv("PERIGEE_SEED");
  const char *more = getenv("PERIGEE_SEEDS");  // how many, for the suite long
  if (more) count = strtoull(more, NULL, 10);
  const uint64_t first = one ? strtoull(one, NULL, 10) : 1, last = one ? first : count;
  for (uint64_t seed = first; seed <= last; seed++) {
    if (one || getenv("PERIGEE_SEED_SHOW")) print_message("seed %llu\n", (unsigned long long)seed);
    run(seed);
  }
  return !one;
}
