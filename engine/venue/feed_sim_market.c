// venue/feed_sim_market.c – see feed_sim_market.h. Log-prices are fixed point, 2^40 = 1; divisions truncate towards
// zero, so no result depends on how a compiler shifts negative numbers.
#include "venue/feed_sim_market.h"

#include <assert.h>
#include <string.h>

#define ONE (INT64_C(1) << 40)
#define NOISE_ONE 1000000000
#define LEVELS 36                                        // 2^36 ticks of a second's bars are 272 years
#define TICKS_LOG2 3
#define BLOCK_LEVEL 11                                   // 2^11 ticks: a block
_Static_assert(1 << TICKS_LOG2 == SIM_TICKS && 1 << BLOCK_LEVEL == SIM_BLOCK_BARS * SIM_TICKS, "levels and lengths agree");
#define BLOCK_TICKS (1 << BLOCK_LEVEL)
#define AMPLITUDE_MAX (ONE * 6 / 100)                    // of a level: where the random walk ends and the pull back begins
_Static_assert(AMPLITUDE_MAX < INT64_C(1) << 36, "a displacement, even with the noise of its regime, is reckoned in 64 bits");
#define PATH_MAX (ONE * 8 / 5)                           // a factor of 5, never reached by the amplitudes above

// What a regime makes of noise, spread and volume (thousandths), of 16 blocks how many, and how far a range swings
// (thousandths of a bar's noise).
static const struct {
  const char *name;
  int64_t noise_e3, spread_e3, volume_e3;
  int of16;
  int64_t swing_e3;
  int jumps_of4;
} regimes[SIM_REGIME_COUNT] = {
    [SIM_RANGE] = {"range", 800, 1000, 700, 7, 4000, 0},
    [SIM_TREND] = {"trend", 700, 1000, 1200, 6, 0, 0},
    [SIM_VOLATILE] = {"volatile", 2300, 3000, 2500, 3, 0, 2},
};
#define JUMP_NOISE 15   // a jump's size in bars' noise

const char *sim_regime_text(enum sim_regime regime) {
  assert((unsigned)regime < SIM_REGIME_COUNT);
  return regimes[regime].name;
}

// What a hash is asked for; part of the key, so that no two questions share their numbers.
enum question { ASK_PATH = 1, ASK_REGIME, ASK_OUTAGE, ASK_JUMP, ASK_SWING, ASK_TICK, ASK_FUNDING };

// splitmix64's mixer (Steele, Lea, Flood 2014), twice.
static inline uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}
static inline uint64_t ask(const struct sim_market *m, enum question question, int64_t place) {
  return mix(mix(m->key + (uint64_t)question * UINT64_C(0x9e3779b97f4a7c15)) ^
             mix((uint64_t)place * UINT64_C(0xd1342543de82ef95) + 1));
}

// Nearly normal: the sum of four uniform numbers, in units of which a standard deviation has 37837.
#define NORMAL_ONE 37837
static inline int64_t normal(uint64_t h) {
  return (int64_t)(h & 0xffff) + (int64_t)(h >> 16 & 0xffff) + (int64_t)(h >> 32 & 0xffff) + (int64_t)(h >> 48) - 131070;
}

static inline int64_t scale(int64_t v, int64_t num, int64_t den) { return (int64_t)((int128)v * num / den); }

enum status sim_market_init(
  struct sim_market *m, uint64_t seed, const struct sim_symbol *symbol, int64_t bar_ns, struct err *err) {
  const struct sim_symbol *s = symbol;
  const char *bad = bar_ns < NS_PER_S || bar_ns > NS_PER_DAY || bar_ns % NS_PER_S ? "the bar must be 1 s to 1 day"
                    : s->price_ticks < 10 || s->price_ticks > INT64_C(1) << 50    ? "the price must be 10 to 2^50 ticks"
                    : s->noise_e9 < 1 || s->noise_e9 > 20000000                   ? "the noise must be 1e-9 to 2 %"
                    : s->spread_ticks < 1 || s->spread_ticks > s->price_ticks / 10
                      ? "the spread must be 1 tick to a tenth of the price"
                    : s->volume < 0 || s->volume > INT64_C(1) << 50           ? "the volume must be 0 to 2^50"
                    : s->outages_per_mille < 0 || s->outages_per_mille > 1000 ? "outages are 0 to 1000 per mille"
                                                                              : NULL;
  if (bad) return err_set(err, ERR_INVALID, "sim: %s: %s", s->symbol, bad);
  *m = (struct sim_market){.symbol = *s, .bar_ns = bar_ns, .key = mix(seed + UINT64_C(0x9e3779b97f4a7c15))};
  for (const char *p = s->symbol; *p; p++) m->key = mix(m->key ^ (unsigned char)*p);
  // A tick's noise is a bar's / √8. A displacement in the middle of 2^i ticks has that × √(2^i) / 2.
  int64_t tick_noise = scale(scale(ONE, s->noise_e9, NOISE_ONE), 46341, 131072);
  for (int i = 1; i < LEVELS + 1; i++) {
    int64_t a = i % 2 ? scale(tick_noise, 92682, 65536) : tick_noise;
    int half = i / 2;
    a = half < 20 && a < (AMPLITUDE_MAX >> half) * 4 ? (a << half) / 2 : AMPLITUDE_MAX;
    if (i > BLOCK_LEVEL) a = a * 13 / 10;  // drifts of blocks that show beside the noise
    m->amplitude[i] = a < AMPLITUDE_MAX ? a : AMPLITUDE_MAX;
  }
  return OK;
}

static enum sim_regime regime_of(const struct sim_market *m, int64_t block) {
  int at = (int)(ask(m, ASK_REGIME, block) & 15), regime = 0;
  while (at >= regimes[regime].of16) at -= regimes[regime++].of16;
  return (enum sim_regime)regime;
}

enum sim_regime sim_market_regime(const struct sim_market *m, int64_t t_ns) {
  return regime_of(m, timeframe_floor(t_ns, m->bar_ns) / m->bar_ns / SIM_BLOCK_BARS);
}

// In hundredths of a basis point, as venues publish them.
int64_t sim_market_funding_e12(const struct sim_market *m, int64_t ts_ns) {
  return ((int64_t)(ask(m, ASK_FUNDING, ts_ns / NS_PER_S) % 601) - 200) * 1000000;
}

static inline int64_t middle(
  const struct sim_market *m, int level, int64_t noise_e3, int64_t at, int64_t left, int64_t right) {
  int64_t a = m->amplitude[level];
  if (level <= BLOCK_LEVEL) a = a * noise_e3 / 1000;
  return (left + right) / 2 + a * normal(ask(m, ASK_PATH, at)) / NORMAL_ONE;  // below 2^38 × 2^17: no need of 128 bits
}

// The path at the SIM_TICKS ticks from n on, a multiple of SIM_TICKS. The points around n's block are the same for all noises.
static void path_of(const struct sim_market *m, int64_t n, int64_t noise_e3, struct sim_block *block, int64_t ret[SIM_TICKS]) {
  int64_t low = 0, left = 0, right = 0;
  const bool known = block->known && block->low == n - n % BLOCK_TICKS;
  if (known) low = block->low, left = block->left, right = block->right;
  for (int level = known ? BLOCK_LEVEL : LEVELS; level > TICKS_LOG2; level--) {
    if (level == BLOCK_LEVEL) *block = (struct sim_block){true, low, left, right};
    int64_t mid = low + (INT64_C(1) << (level - 1));
    int64_t v = middle(m, level, noise_e3, mid, left, right);
    if (n < mid) right = v;
    else left = v, low = mid;
  }
  ret[0] = left;
  for (int level = TICKS_LOG2; level > 0; level--) {
    int len = 1 << level;
    for (int k = 0; k < SIM_TICKS; k += len)
      ret[k + len / 2] = middle(m, level, noise_e3, n + k + len / 2, ret[k], k + len < SIM_TICKS ? ret[k + len] : right);
  }
}

// -ONE … ONE, four times up and down within a block, 0 at its ends.
static inline int64_t swing(int64_t in_block) {
  int64_t phase = in_block * 4 % BLOCK_TICKS, quarter = BLOCK_TICKS / 4;
  int64_t up = phase < quarter ? phase : phase < 3 * quarter ? 2 * quarter - phase : phase - 4 * quarter;
  return up * (ONE / quarter);
}

// e^x by its series; x within ±PATH_MAX, result in the same fixed point. Its error is below 2^-33.
static inline int64_t exp_fixed(int64_t x) {
  int64_t term = ONE, sum = ONE;
  // Written out, so that each division is by a constant: they were most of what a bar cost. Behind a term of 0 there is nothing.
#define TERM(n)                                    \
  term = (int64_t)((int128)term * x / ONE) / (n);  \
  sum += term;
  TERM(1) TERM(2) TERM(3) TERM(4) TERM(5) TERM(6)
  if (term) {
    TERM(7) TERM(8) TERM(9)
  }
  if (term) {
    TERM(10) TERM(11) TERM(12)
  }
  if (term) {
    TERM(13) TERM(14) TERM(15) TERM(16) TERM(17) TERM(18)
  }
#undef TERM
  return sum > 0 ? sum : 1;
}

static bool outage(const struct sim_market *m, int64_t bar) {
  uint64_t h = ask(m, ASK_OUTAGE, bar / SIM_BLOCK_BARS);
  if ((int)(h % 1000) >= m->symbol.outages_per_mille) return false;
  int64_t from = (int64_t)(h >> 16) % (SIM_BLOCK_BARS - 16), len = 1 + (int64_t)(h >> 40) % 12, at = bar % SIM_BLOCK_BARS;
  return at >= from && at < from + len;
}

static int ticks_of(const struct sim_market *m, int64_t open_ns, struct sim_block *known, struct sim_tick ret[SIM_TICKS]) {
  assert(open_ns >= 0 && open_ns % m->bar_ns == 0 && open_ns / NS_PER_S < INT64_C(1) << 33);
  const int64_t bar = open_ns / m->bar_ns, n = bar * SIM_TICKS, block = bar / SIM_BLOCK_BARS;
  if (outage(m, bar)) return 0;
  const enum sim_regime regime = regime_of(m, block);
  const int64_t bar_noise = scale(ONE, m->symbol.noise_e9, NOISE_ONE);
  int64_t path[SIM_TICKS];
  path_of(m, n, regimes[regime].noise_e3, known, path);
  const uint64_t h_swing = ask(m, ASK_SWING, block), h_jump = ask(m, ASK_JUMP, block);
  const int64_t reach =
    bar_noise * regimes[regime].swing_e3 / 1000 * (600 + (int64_t)(h_swing % 800)) / 1000 * (h_swing >> 63 ? 1 : -1);
  const bool jumps = (int)(h_jump & 3) < regimes[regime].jumps_of4;
  const int64_t jump_at = BLOCK_TICKS / 8 + (int64_t)(h_jump >> 8 & 1023),
                jump = bar_noise * JUMP_NOISE * (h_jump >> 63 ? 1 : -1);
  const int64_t step_ns = m->bar_ns / SIM_TICKS;
  for (int k = 0; k < SIM_TICKS; k++) {
    const int64_t in_block = (n + k) % BLOCK_TICKS;
    int64_t x = path[k] + scale(reach, swing(in_block), ONE);
    if (jumps && in_block >= jump_at) x += jump * (BLOCK_TICKS - in_block) / (BLOCK_TICKS - jump_at);
    if (x > PATH_MAX) x = PATH_MAX;
    if (x < -PATH_MAX) x = -PATH_MAX;
    const uint64_t h = ask(m, ASK_TICK, n + k);
    const int64_t spread = m->symbol.spread_ticks * regimes[regime].spread_e3 / 1000;
    int64_t bid = scale(m->symbol.price_ticks, exp_fixed(x), ONE) - spread / 2;
    if (bid < 1) bid = 1;
    const int64_t u = (int64_t)(h >> 8 & 0xffff);  // a third of u² is one on average: many small trades, few large ones
    struct sim_tick *t = &ret[k];
    t->time_ns = open_ns + k * step_ns + (int64_t)(h >> 32) % (step_ns / 2);
    t->bid.ticks = bid;
    t->ask.ticks = bid + (spread > 0 ? spread : 1);
    t->px = h & 1 ? t->ask : t->bid;
    t->volume = scale(m->symbol.volume / SIM_TICKS * regimes[regime].volume_e3 / 1000, 3 * u * u, INT64_C(1) << 32);
  }
  return SIM_TICKS;
}

int sim_market_ticks(const struct sim_market *m, int64_t open_ns, struct sim_tick ret[SIM_TICKS]) {
  return ticks_of(m, open_ns, &(struct sim_block){0}, ret);
}

bool sim_market_bar(const struct sim_market *m, int64_t open_ns, struct bar *ret) {
  return sim_market_next(m, open_ns, &(struct sim_block){0}, ret);
}

bool sim_market_next(const struct sim_market *m, int64_t open_ns, struct sim_block *block, struct bar *ret) {
  struct sim_tick ticks[SIM_TICKS];
  int count = ticks_of(m, open_ns, block, ticks);
  if (count == 0) return false;
  struct bar b = {
    .open_ns = open_ns, .open = ticks[0].px, .high = ticks[0].px, .low = ticks[0].px, .close = ticks[count - 1].px};
  for (int k = 0; k < count; k++) {
    if (ticks[k].px.ticks > b.high.ticks) b.high = ticks[k].px;
    if (ticks[k].px.ticks < b.low.ticks) b.low = ticks[k].px;
    b.volume += ticks[k].volume;
  }
  *ret = b;
  return true;
}
