// bot/held.c – see held.h.
#include "bot/held.h"

#include "base/decimal.h"

#include <string.h>

#define E8 100000000
#define MOST ((int128)1 << 110)  // so that sums of them fit, whatever a venue says
#define LOTS_MOST ((int64_t)1 << 62)

bool held_is_coin(const char *asset, const char *symbol, const char *currency) {
  const size_t len = strlen(asset), all = strlen(symbol), tail = strlen(currency);
  if (len == 0 || all <= len || strncmp(symbol, asset, len) != 0) return false;
  const bool ends = tail > 0 && tail < all && strcmp(symbol + all - tail, currency) == 0;
  return !ends || len + tail == all;
}

bool held_e8(struct decimal d, struct decimal lot, int128 *ret) {
  int128 num = (int128)d.digits * E8, den = lot.digits;
  if (!decimal_given(d) || (lot.scale > d.scale && __builtin_mul_overflow(num, (int128)pow10_i64(lot.scale - d.scale), &num))) return false;
  if (lot.scale < d.scale) den *= pow10_i64(d.scale - lot.scale);
  if (num >= MOST || num <= -MOST) return false;
  return *ret = div_round(num, den), true;
}

static bool whole_lots(struct decimal qty, struct decimal lot, int64_t *ret) {
  int64_t digits;
  if (!decimal_given(qty) || !decimal_rescale(qty, lot.scale, &digits) || digits % lot.digits != 0) return false;
  return *ret = digits / lot.digits, true;
}

static bool of_positions(const struct held_list *list, const struct instrument *inst, int64_t *ret) {
  int64_t one;
  for (size_t i = 0; i < list->count; i++) {
    if (strcmp(list->positions[i].symbol, inst->symbol) != 0) continue;
    if (!whole_lots(list->positions[i].qty, inst->lot, &one) || __builtin_add_overflow(*ret, one, ret)) return false;
  }
  return true;
}

static bool of_coins(const struct held_list *list, const struct instrument *inst, const char *currency, int128 sum_e8, int64_t *ret) {
  int128 one;
  for (size_t i = 0; i < list->count; i++) {
    if (!held_is_coin(list->balances[i].asset, inst->symbol, currency)) continue;
    if (!held_e8(list->balances[i].total, inst->lot, &one) || __builtin_add_overflow(sum_e8, one, &sum_e8)) return false;
  }
  return narrow_checked(div_round(sum_e8, E8), ret);
}

bool held_lots(const struct held_list *list, const struct instrument *inst, const char *currency, int128 fees_e8, int64_t *ret) {
  int64_t lots = 0;
  const bool fits = !list->coins ? of_positions(list, inst, &lots) : of_coins(list, inst, currency, fees_e8, &lots);
  const bool good = fits && lots <= LOTS_MOST && lots >= -LOTS_MOST;
  *ret = good ? lots : 0;
  return good;
}
