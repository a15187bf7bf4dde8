// bot/instant.h – everything that happens to one bot at one time, and all that it may depend on: its input.
//
// A run is a sequence of instants of rising time. Whoever keeps them (a journal) and the script can run it again to the bit.
// Arrays are borrowed for the call; NULL where the count is 0. What happens in which order is market/event_order.h's.
#pragma once
#include "match/match.h"
#include "script/script.h"

// Funding that is due. before_match: due by the open of the bar that ends now, so booked before it is matched.
struct instant_funding {
  int symbol;
  int64_t ts_ns, rate_e12;  // rate of the notional
  price mark;               // NO_PRICE: the last one
  bool before_match;
};
struct instant_match {
  int symbol;
  struct match_bar bar;  // ends now
};
struct instant_bar {
  int stream;
  size_t ix;     // of the stream's series, which must hold it
  bool deliver;  // false: only the indicators advance (warm-up)
  bool unseen;   // nor do they: it is older than what the script's version was warmed up by
};

struct instant {
  int64_t now_ns;
  const struct instant_funding *funding;
  const struct instant_match *match;
  const struct instant_bar *bars;  // any order
  const struct script_signal *signals;
  const struct script_tick *ticks;   // each symbol at most once, none later than now_ns; after the bars, before timers
  int funding_count, match_count, bar_count, signal_count, tick_count;
  const struct param_value *params;  // new values of live parameters, known before the bars; NULL: none
  const char *stop;                  // why the bot is stopped, at the very end; NULL: it is not
};
