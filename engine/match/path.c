// match/path.c – rules 3 and 4: the guess of the way a price took inside a bar: open, one extreme, the other, close.
#include <assert.h>

#include "match/impl.h"

// Which extreme hurts: of a position the one against it; when flat, an entry is hurt by the extreme that comes after it, so
// its own side's good extreme goes first.
static bool adverse_low_first(int position_sign, int pending_sign) {
  if (position_sign != 0) return position_sign > 0;
  return pending_sign <= 0;
}

bool path_low_first(const struct bar *b, enum path_mode mode, int position_sign, int pending_sign) {
  bool adverse = adverse_low_first(position_sign, pending_sign);
  if (mode == PATH_ADVERSE) return adverse;
  if (mode == PATH_FAVOURABLE) return !adverse;
  int64_t up = b->high.ticks - b->open.ticks, down = b->open.ticks - b->low.ticks;
  assert(up >= 0 && down >= 0);
  if (up != down) return down < up;
  if (b->close.ticks != b->open.ticks) return b->close.ticks > b->open.ticks;
  return adverse;
}

void path_make(const struct bar *b, enum path_mode mode, int position_sign, int pending_sign, struct path *ret) {
  ret->low_first = path_low_first(b, mode, position_sign, pending_sign);
  ret->point[0] = b->open.ticks;
  ret->point[1] = ret->low_first ? b->low.ticks : b->high.ticks;
  ret->point[2] = ret->low_first ? b->high.ticks : b->low.ticks;
  ret->point[3] = b->close.ticks;
}
