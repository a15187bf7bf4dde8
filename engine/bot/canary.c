// bot/canary.c – see canary.h.
#include "bot/canary.h"

#define FRAC_ONE INT64_C(100000000)

bool canary_chosen(int64_t bot_id, int64_t version, int64_t percent) {
  uint64_t z = (uint64_t)bot_id + (uint64_t)version * UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return (int64_t)((z ^ z >> 31) % 100) < percent;
}

bool canary_fell(struct canary_bot *b, int64_t equity_e8, int64_t drawdown_e8) {
  if (equity_e8 > b->peak_e8) b->peak_e8 = equity_e8;
  return drawdown_e8 > 0 && ((__int128)b->peak_e8 - equity_e8) * FRAC_ONE > (__int128)b->base_e8 * drawdown_e8;
}

enum canary_verdict canary_due(int64_t until_ns, int64_t now_ns, bool tried) {
  if (until_ns == 0 || now_ns < until_ns) return CANARY_GOES_ON;
  return tried ? CANARY_PROMOTED : CANARY_ROLLED_BACK;
}
