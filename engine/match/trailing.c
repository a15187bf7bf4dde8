// match/trailing.c – rule 12: a stop that follows the best price seen. The walk tests it on a stretch of the path first and
// ratchets afterwards, so a later high never touches an earlier low. Levels round toward the market: a sell up, a buy down.
#include <assert.h>

#include "match/impl.h"

static int64_t level_from(const struct order *o, int64_t ref) {
  if (o->trail_ticks > 0) return ref + o->side * o->trail_ticks;
  int128 off = (int128)ref * o->trail_frac_e8;
  int64_t distance = (int64_t)div_floor(off, FRAC_ONE);
  return ref + o->side * distance;
}

// A sell trails below (ref − distance), a buy above. The trigger, where given, is the first level and never loosened.
int64_t trailing_level(const struct order *o) {
  assert(o->type == ORDER_TRAILING && price_given(o->trail_ref));
  int64_t level = level_from(o, o->trail_ref.ticks);
  if (!price_given(o->trigger)) return level;
  if (o->side == SIDE_SELL) return level > o->trigger.ticks ? level : o->trigger.ticks;
  return level < o->trigger.ticks ? level : o->trigger.ticks;
}

price matcher_stop_level(const struct order *o) {
  return o->type == ORDER_TRAILING && price_given(o->trail_ref) ? (price){trailing_level(o)} : o->trigger;
}

bool trailing_ratchet(struct order *o, int64_t ticks) {
  assert(o->type == ORDER_TRAILING);
  bool better = o->side == SIDE_SELL ? ticks > o->trail_ref.ticks : ticks < o->trail_ref.ticks;
  if (better) o->trail_ref.ticks = ticks;
  return better;
}
