// tests/sim/sim_market.c – see sim_market.h. The program is linked with --wrap=sim_market_next.
#include "sim_market.h"

#include "venue/feed_sim.h"
#include "venue/feed_sim_market.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN_MAX 64

struct known_bar {
  bool traded;
  struct bar bar;
};
static struct known {
  uint64_t key;
  int64_t bar_ns, from_ns, to_ns;
  struct known_bar *bars;
} known[KNOWN_MAX];
static int count;

bool __real_sim_market_next(const struct sim_market *m, int64_t open_ns, struct sim_block *block, struct bar *ret);
bool __wrap_sim_market_next(const struct sim_market *m, int64_t open_ns, struct sim_block *block, struct bar *ret);

bool __wrap_sim_market_next(const struct sim_market *m, int64_t open_ns, struct sim_block *block, struct bar *ret) {
  static int last;
  if (known[last].key != m->key)
    for (int i = 0; i < count; i++)
      if (known[i].key == m->key) last = i;
  const struct known *k = &known[last];
  if (k->key != m->key || k->bar_ns != m->bar_ns || open_ns < k->from_ns || open_ns >= k->to_ns) return __real_sim_market_next(m, open_ns, block, ret);
  const struct known_bar *b = &k->bars[(open_ns - k->from_ns) / k->bar_ns];
  if (b->traded) *ret = b->bar;
  return b->traded;
}

void sim_market_prepare(uint64_t seed, const char *const *symbols, int64_t from_ns, int64_t to_ns) {
  struct sim_symbol shipped[FEED_SIM_SHIPPED];
  struct err err;
  const int n = feed_sim_shipped(NS_PER_MINUTE, shipped);
  for (; *symbols; symbols++)
    for (int i = 0; i < n; i++) {
      struct sim_market m;
      struct sim_block block = {0};
      if (strcmp(shipped[i].symbol, *symbols) != 0) continue;
      assert(count < KNOWN_MAX);
      if (sim_market_init(&m, seed, &shipped[i], NS_PER_MINUTE, &err) != OK) abort();
      struct known *k = &known[count++];
      *k = (struct known){.key = m.key, .bar_ns = m.bar_ns, .from_ns = from_ns, .to_ns = to_ns, .bars = calloc((size_t)((to_ns - from_ns) / m.bar_ns), sizeof *k->bars)};
      assert(k->bars);
      struct known_bar *b = k->bars;
      for (int64_t open_ns = from_ns; open_ns < to_ns; open_ns += m.bar_ns, b++) b->traded = __real_sim_market_next(&m, open_ns, &block, &b->bar);
    }
}

void sim_market_forget(void) {
  while (count > 0) free(known[--count].bars);
  memset(known, 0, sizeof known);
}
