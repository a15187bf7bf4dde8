// ea/feed.h – the prices of a terminal of MetaTrader as a feed (venue/feed.h): a bot of the account trades on what its broker shows.
//
// Bars are the terminal's own: each answer to it asks for those that are missing, minutes of every symbol that is read and hours for long
// histories, and its next report brings them with the time up to which they are whole. What a terminal that was away has missed is
// asked for when it comes again; until then the feed's time stands. Ticks go beside the bars, as quotes, and make none: a terminal that asks
// four times a second has not seen all of them.
//
// Nothing of it is believed: bars off the tick, out of order, with a high below the low or ahead of our clock are refused, and told as notes.
// Volumes are the terminal's counts of ticks.
//
// All on the loop's thread. The bridge outlives the feed.
#pragma once
#include "ea/bridge.h"
#include "venue/feed.h"

#define EA_FEED_BARS_MAX 30000  // of a symbol, minutes and hours each; half of them at least

struct ea_feed_config {
  struct ea_bridge *bridge;
  void (*wake)(void *self);     // something came, or the terminal did. Not from within a call of the owner's
  void *self;
  int64_t (*now_ns)(void);      // Unix time, for tests; NULL: the clock
};
enum status ea_feed_create(const struct ea_feed_config *config, struct feed *ret, struct err *err) MUST_CHECK;
// As hub_feed_config.ready: if not, the bars are asked for from then on.
bool ea_feed_ready(struct feed f, const char *symbol, int64_t timeframe_ns, size_t bars);
const char *ea_feed_symbol(struct feed f, int i);  // NULL beyond the last, and until the terminal has said hello
