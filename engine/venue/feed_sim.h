// venue/feed_sim.h – the synthetic market (feed_sim_market.h) as a feed: everything runs on a fresh machine, without
// a venue, at any speed, and the same seed gives the same market for ever, also after a restart in its middle.
#pragma once
#include "venue/feed.h"
#include "venue/feed_pace.h"
#include "venue/feed_sim_market.h"

struct feed_sim_config {
  uint64_t seed;
  int64_t bar_ns;                    // finest bars; 0: a minute
  const struct sim_symbol *symbols;  // per bar of bar_ns; copied, but for the texts; NULL: the shipped ones
  int count;
  int64_t start_ns;                  // where subscriptions begin that name no time; history goes back beyond it
  int64_t end_ns;                    // the last bar closes by then; 0: it goes on
  struct feed_pace pace;
};
// ERR_INVALID: a symbol that cannot be (its reason), or twice. ERR_NOMEM.
enum status feed_sim_create(const struct feed_sim_config *config, struct feed *ret, struct err *err) MUST_CHECK;
// Change it with feed_pace_…; the next poll obeys. Valid as long as the feed.
struct feed_pace *feed_sim_pace(struct feed sim);

// The shipped market: three coins, two currency pairs, gold. Noise and volume are for bars of bar_ns. Returns how many.
#define FEED_SIM_SHIPPED 6
int feed_sim_shipped(int64_t bar_ns, struct sim_symbol ret[FEED_SIM_SHIPPED]);

// Funding as of perpetuals, every eight hours from midnight UTC: a function of seed, symbol and time, from -0.02 % to 0.04 %. Only of the
// coins (symbols that end with USDT). Those in (after_ns, through_ns], oldest first, the newest `max`.
struct funding;
size_t feed_sim_funding(struct feed sim, const char *symbol, int64_t after_ns, int64_t through_ns, struct funding *ret, size_t max);

#define FEED_SIM_HISTORY_MAX 5000000  // finest bars in one call of history
