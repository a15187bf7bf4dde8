// venue/feed_sim_market.h – a synthetic market as a pure function of (seed, symbol, time): any stretch of it can be
// made again, in any order, without what came before. Integers only, so every machine makes the same one.
//
// The price is exp of a path built by midpoint displacement: each dyadic point is the middle of its neighbours plus
// noise that is a hash of its place, with the amplitude of a random walk up to a cap (so that prices stay within
// about a factor of two of the symbol's). Blocks of 256 bars have a regime: a range swings around a slow drift, a
// trend has little noise beside its drift, a volatile block has more than twice the noise, wider spreads, more
// volume, and often a jump. Some blocks have an outage: no trades for up to a dozen bars. Not modelled: news at known
// hours, order books, correlation between symbols.
#pragma once
#include "market/bar.h"

#define SIM_TICKS 8          // trades of one bar
#define SIM_BLOCK_BARS 256   // of one regime
#define SIM_VOLUME_SCALE 3

enum sim_regime { SIM_RANGE, SIM_TREND, SIM_VOLATILE, SIM_REGIME_COUNT };
const char *sim_regime_text(enum sim_regime regime);

struct sim_symbol {
  const char *symbol;
  struct decimal tick, lot;
  int64_t price_ticks;    // around which it moves
  int64_t noise_e9;       // standard deviation of a bar's relative price change in a walk without regimes, 1e-9; up to 2 %
  int64_t spread_ticks;   // in quiet times, at least 1
  int64_t volume;         // mean of a bar, in 10^-SIM_VOLUME_SCALE
  int outages_per_mille;  // of blocks
};

struct sim_market {
  struct sim_symbol symbol;
  uint64_t key;
  int64_t bar_ns;
  int64_t amplitude[64];  // of the displacement in an interval of 2^i ticks; 2^40 is a relative change of 1 (e-fold)
};

// One trade and the quote before it.
struct sim_tick {
  int64_t time_ns;
  price bid, ask, px;
  int64_t volume;
};

// bar_ns: a timeframe of 1 s or more. ERR_INVALID: a field of symbol is out of its range.
enum status sim_market_init(
  struct sim_market *m, uint64_t seed, const struct sim_symbol *symbol, int64_t bar_ns, struct err *err) MUST_CHECK;
int64_t sim_market_funding_e12(const struct sim_market *m, int64_t ts_ns);  // a rate, 1e-12
enum sim_regime sim_market_regime(const struct sim_market *m, int64_t t_ns);
// The ticks of the bar that opens at open_ns (a multiple of bar_ns, 1970 to 2199), in order of time: SIM_TICKS, or 0
// in an outage.
int sim_market_ticks(const struct sim_market *m, int64_t open_ns, struct sim_tick ret[SIM_TICKS]);
// The same as a bar of its trades; false in an outage.
bool sim_market_bar(const struct sim_market *m, int64_t open_ns, struct bar *ret);
// The same for one bar after another, for less: block keeps what the bars of 256 share. Zeroed before the first.
struct sim_block {
  bool known;
  int64_t low, left, right;
};
bool sim_market_next(const struct sim_market *m, int64_t open_ns, struct sim_block *block, struct bar *ret);
