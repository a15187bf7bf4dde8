// venue/feed_remote_impl.h – inside of a venue's feed.
//   feed_remote.c   the feed: instruments, what is promised, what goes out     feed_remote_past.c   bars that are kept and asked for
//   feed_remote_trade.c   trades beside the bars                               feed_remote_fund.c   funding of perpetuals
#pragma once
#include "market/funding.h"
#include "venue/feed_remote.h"
#include "venue/remote_impl.h"
#include "venue/remote_market.h"

#define REMOTE_BASE_NS NS_PER_MINUTE

struct remote_feed;
struct remote_lane;

// Bars of a symbol and timeframe, in order, none twice.
struct lane_bars {
  struct series series;
  int64_t from_ns;            // complete from here on
  bool none;                  // the venue has no such timeframe
  // The question under way: bars that open in [at_ns, end_ns), which go in front.
  struct remote_lane *lane;
  struct remote_call *call;
  struct series found;
  int64_t wanted_ns, at_ns, page_ns, end_ns;
  int64_t again_ms;           // after a failure: not before; 0: none
};
#define LANE_TRADES_MAX 256
struct lane_trades {          // not given out yet, as they came
  struct lane_trade { int64_t time_ns; price px; int64_t volume; } of[LANE_TRADES_MAX];
  int first, count;
};
#define LANE_RATES_MAX 256
struct lane_rates {           // settlements that were, oldest first
  struct funding of[LANE_RATES_MAX];
  size_t count;
  struct remote_call *call;
  bool known, guessed;        // known: the past was asked for, or cannot be had
  unsigned failed;
  int64_t next_ns, guess_e12; // the settlement to come, and its rate as was said last; 0: not known
  int64_t again_ms, ticker_ms;  // by the loop's clock: nothing is asked before; the next settlement is asked about
};
struct remote_lane {          // a symbol that is read
  struct remote_feed *feed;
  const struct feed_symbol *info;
  struct lane_bars base;      // minutes
  struct lane_bars *higher[32];
  int higher_count;
  int64_t next_close_ns;      // of the next minute
  int64_t heard_ms;           // by the loop's clock: the last bar, or when the stream came up
  int subscription;           // 0: nobody's
  int64_t given_ns;           // close of the last bar given out
  struct lane_trades trades;
  struct lane_rates rates;
  uint64_t refused;           // bars and trades that were not understood, not told yet
  char why[80];
};
struct remote_feed {
  struct feed_remote_config config;
  struct remote_market *market;
  struct feed_symbol *symbols;  // sorted as the venue lists them
  size_t symbol_count;
  bool known;                 // the instruments are
  bool funds;                 // they are perpetuals, and the venue tells their funding
  struct remote_call *asked;
  struct loop_timer *timer;   // questions that failed are asked again
  struct remote_lane *lanes[FEED_REMOTE_SYMBOLS_MAX];
  int lane_count, next_id;
  int64_t promised_ns, trade_ns;  // trade_ns: of the last trade given out
  bool up, up_told, waiting_told;
  char why[160];
};

// feed_remote_past.c
// A bar in the instrument's ticks. False: why says what is wrong.
bool remote_bar_of(const struct feed_symbol *s, const struct venue_kline *k, struct bar *ret, char why[80]);
// A decimal in units of which it is a whole number; false: it is not.
bool remote_whole(struct decimal d, struct decimal unit, int64_t *ret);
// False until the lane has these bars.
bool remote_lane_has(struct remote_lane *l, int64_t timeframe_ns, size_t bars, int64_t now_ns);
// The newest minute. Older ones are let go of when there are too many.
bool remote_lane_add(struct remote_lane *l, const struct bar *b);
enum status remote_lane_history(struct remote_lane *l, int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, struct series *ret, struct err *err) MUST_CHECK;
void remote_lane_again(struct remote_lane *l, int64_t now_ms);  // questions that have failed
void remote_lane_free(struct remote_lane *l);

// feed_remote_fund.c
void remote_rates_look(struct remote_lane *l, int64_t now_ns);  // asks what is due
bool remote_rates_wait(const struct remote_lane *l);            // the past is not here yet
int64_t remote_rates_hold(const struct remote_lane *l);  // nothing after that is told yet; INT64_MAX: nothing is held

// feed_remote_trade.c
void remote_lane_trade(struct remote_lane *l, const struct venue_trade *t);
// Those up to then, oldest first; false: there was no room for all of them.
bool remote_trades_give(struct remote_feed *f, int64_t until_ns, int64_t now_ns, size_t max_events, const struct feed_sink *sink, struct feed_progress *progress);
