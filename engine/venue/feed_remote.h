// venue/feed_remote.h – a feed (venue/feed.h) of a venue's own market data: its instruments, its finished minute bars, and, where it is asked
// to, its trades: events beside the bars of who has subscribed to those.
//
// The feed's answers are at once, the venue's are not. So whoever wants a symbol asks first whether it is ready; that begins the
// fetching, and `wake` tells when something has changed. A symbol that is not ready is described, but has no history yet and is not
// to be subscribed: what came meanwhile would be a hole.
//
// Bars are kept here by time: the past out of questions (of the wanted timeframe where the venue has it, of minutes where not), the
// present out of remote_market, which gives each closed bar once and none before one that is missing. They go out in the order of time
// over all symbols: while one of them waits for a bar (a cut, a question under way), so do the others, and the feed's time stands. A
// symbol that has had no bar for long although its stream is up is not waited for: its venue has none where nothing is traded.
//
// The time is the venue's. A bar that would close later than it is now there is held, and the venue is asked for the time.
//
// All on the loop's thread. What was wanted once goes on being read until the feed ends.
#pragma once
#include "venue/feed.h"

struct funding;
struct remote_site;

#define FEED_REMOTE_SYMBOLS_MAX 256  // read at a time
#define FEED_REMOTE_BARS_MAX 60000   // minutes of a symbol kept, at most; half of them at least
#define FEED_REMOTE_FINE_MAX 50000   // minutes asked for where the venue has no such timeframe

struct feed_remote_config {
  struct remote_site *site;     // outlives the feed
  bool ticks;                   // trades too
  void (*wake)(void *self);     // bars, an end of a wait, readiness: poll and ask again. Not from within a call of the owner's
  void *self;
};
// Begins at once to ask for instruments and time. ERR_NOMEM.
enum status feed_remote_create(const struct feed_remote_config *config, struct feed *ret, struct err *err) MUST_CHECK;

// Can `symbol` be subscribed, and has history() `bars` bars of timeframe_ns (or what the venue has of them)? If not, that is being
// fetched from then on. True also of what will never be: the other functions say why.
bool feed_remote_ready(struct feed f, const char *symbol, int64_t timeframe_ns, size_t bars);
// Funding of a perpetual with times in (after_ns, through_ns], oldest first, the newest max; of symbols that are read. feed: its self. A bar that
// ends at such a time is given out when it is known, or after 20 s.
size_t feed_remote_fundings(void *feed, const char *symbol, int64_t after_ns, int64_t through_ns, struct funding *ret, size_t max);
// Symbols of the venue, in its own order; NULL beyond the last, and for as long as they are not known.
const char *feed_remote_symbol(struct feed f, int i);
