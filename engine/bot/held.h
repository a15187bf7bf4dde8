// bot/held.h – what a venue says that an account holds, in lots of an instrument: of positions, or, where there are none (spot), of the coin that
// the symbol begins with. Pure; what does not fit is said, never taken for nothing.
#pragma once
#include "base/money.h"
#include "market/instrument.h"
#include "venue/venue.h"

// A venue's answer, borrowed: positions, or the balances where there are none.
struct held_list {
  bool coins;
  const struct venue_position *positions;
  const struct venue_balance *balances;
  size_t count;
};

// Is it what the symbol trades: "BTC" of BTCUSDT? currency: the account's; where the symbol ends with it, all before it is the coin's name.
bool held_is_coin(const char *asset, const char *symbol, const char *currency);
// An amount in 1e-8 lots, to the nearest. False: it is none, or does not fit.
bool held_e8(struct decimal amount, struct decimal lot, int128 *ret);
// Signed lots of inst, legs together. fees_e8: what fees took of the coin, in 1e-8 lots, counted as if it were there; 0 of positions.
// False: an amount that is no whole number of lots (positions), or a sum that does not fit; *ret is 0.
bool held_lots(const struct held_list *list, const struct instrument *inst, const char *currency, int128 fees_e8, int64_t *ret);
