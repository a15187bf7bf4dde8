// market/live_bars.h – bars of every wanted timeframe out of one live stream of trades, quotes or smaller bars: one
// copy for all who watch a symbol. Pure: event times and the clock's now come in as arguments.
//
// The rules, those of a backtest over the same data (simulation rules 1, 19 and 20; market/aggregate.c makes the
// higher bars here too):
//
// - A bar [t0,t1) is delivered once, when the watermark (market/watermark.h) reaches t1: by an event, or by the
//   clock. What is delivered never changes: an event that comes for it later is late, refused and counted.
// - At one time higher timeframes come before lower ones.
// - A gap stays a gap: no bar is made up. The bar after it says how many are missing, a higher bar how many of its
//   own parts.
// - Within an open bar the order of arrival does not matter: the open is the trade with the earliest time, the close
//   that with the latest (of equal times the first and the last to arrive).
// - A bar whose beginning nobody watched carries BAR_INCOMPLETE, and so does a higher bar made of such a one.
// - What cannot be (high below low, a price of 0, a bid above the ask, a time ahead of the clock) is refused with a
//   reason and counted; a price jump is reported and taken, for a crash is news and not an error.
//
// How input is cut into calls does not matter, and between two inputs neither does how often the clock is told.
#pragma once
#include "market/bar.h"
#include "market/watermark.h"

#define LIVE_TIMEFRAMES_MAX 32
#define LIVE_PENDING_MAX 64
#define LIVE_LATENESS_BARS_MAX 30

enum live_source {
  LIVE_FROM_TRADES,  // price and volume of trades; quotes are kept, not built into bars
  LIVE_FROM_BIDS,    // of quotes the bid, as FX and CFD bars have it (rule 16); volume is unknown
  LIVE_FROM_BARS,    // finished bars of base_ns
};

// What was done with an input. A reason's number is never reused.
#define LIVE_REASON_LIST(X)                                                                  \
  X(LIVE_TAKEN, "taken")                                                                     \
  X(LIVE_LATE, "came after its bar was delivered")                                           \
  X(LIVE_DUPLICATE, "the same bar again")                                                    \
  X(LIVE_CONFLICT, "a second, different bar for one time")                                   \
  X(LIVE_CROWDED, "the bar begins in the first half of another")                             \
  X(LIVE_AHEAD, "its time is ahead of the clock")                                            \
  X(LIVE_BAD_TIME, "its time is outside the years 1970 to 2199")                             \
  X(LIVE_BAD_PRICE, "a price is not above 0, or too large")                                  \
  X(LIVE_BAD_VOLUME, "the volume is negative")                                               \
  X(LIVE_HIGH_LOW, "the high is below the low")                                              \
  X(LIVE_OPEN_OUTSIDE, "the open is outside high and low")                                   \
  X(LIVE_CLOSE_OUTSIDE, "the close is outside high and low")                                 \
  X(LIVE_CROSSED, "the bid is above the ask")                                                \
  X(LIVE_JUMP, "the price jumped")  /* a report only: the input is taken */

enum live_reason {
#define X(name, text) name,
  LIVE_REASON_LIST(X)
#undef X
  LIVE_REASON_COUNT
};
const char *live_reason_text(enum live_reason reason);

// A finished bar. missing: whole bars of this timeframe between the one before and this, which there are not. holes:
// finer bars absent from this one; 0 for the finest.
struct live_bar {
  int64_t timeframe_ns;
  int64_t close_ns;
  struct bar bar;
  uint32_t missing, holes;
};
// A refused input, or a jump: its time, its price (of a bar the close), and for a jump the price before.
struct live_note {
  enum live_reason reason;
  int64_t time_ns;
  price px, before;
};
// Where bars and notes go; note may be NULL. What is called must not call back into the same live_bars.
struct live_sink {
  void *self;
  void (*bar)(void *self, const struct live_bar *bar);
  void (*note)(void *self, const struct live_note *note);
};

struct live_config {
  enum live_source source;
  int64_t base_ns;      // the finest timeframe: of the bars that come, or of those built from ticks
  int64_t lateness_ns;  // see watermark.h; at most LIVE_LATENESS_BARS_MAX × base_ns
  int64_t grace_ns;     // see watermark.h
  int64_t ahead_ns;     // an event may be this far ahead of the clock (checked once a clock was told)
  int64_t start_ns;     // watched without interruption from here on; INT64_MIN: always
  int64_t jump_e6;      // a price this many millionths away from the one before is reported; 0: never
};

// An open bar of the finest timeframe; first and last are the times of the trades that set open and close.
struct live_pending {
  struct bar bar;
  int64_t first_ns, last_ns;
};
struct live_timeframe {
  struct aggregator aggregator;  // not used for the finest
  int wanted;                    // by how many
  int parts;                     // finer bars in the open one
  bool incomplete;               // one of them was
  int64_t last_open_ns;          // of the last delivered; INT64_MIN before the first
};
struct live_quote {
  int64_t time_ns;  // 0: none yet
  price bid, ask;
};

// Embedded, no memory of its own. Readable: watermark, quote, last, counts.
struct live_bars {
  struct live_config config;
  struct live_sink sink;
  struct watermark watermark;
  struct live_pending pending[LIVE_PENDING_MAX];  // by open time, all end after the watermark
  int pending_count;
  struct live_timeframe timeframes[LIVE_TIMEFRAMES_MAX];  // highest first
  int timeframe_count;
  struct bar delivered;    // the last one of the finest timeframe
  bool any_delivered;
  price last;              // newest price by arrival; 0: none yet
  struct live_quote quote; // newest by time
  uint64_t counts[LIVE_REASON_COUNT];
  bool busy;
};

// ERR_INVALID: base_ns is no timeframe of whole seconds, or lateness is too long.
enum status live_bars_init(
  struct live_bars *b, const struct live_config *config, const struct live_sink *sink, struct err *err) MUST_CHECK;
// Bars of this timeframe (a multiple of base_ns, or that itself) are delivered from now on; wanted n times they come
// once and until dropped n times. history: finest bars already delivered, in order, oldest first (a longer list does
// no harm), so that a timeframe wanted in the middle of its bucket gives a whole bar; without it that bar is
// BAR_INCOMPLETE. ERR_INVALID, ERR_LIMIT.
enum status live_bars_want(
  struct live_bars *b, int64_t timeframe_ns, const struct bar *history, size_t count, struct err *err) MUST_CHECK;
void live_bars_drop(struct live_bars *b, int64_t timeframe_ns);
// Before the first input, for every wanted timeframe: what was delivered before a restart, as history above, and
// until when (everything that ended by through_ns; the history's end if that is later). What ended by then is late,
// and a gap behind it is counted. No history: no effect.
void live_bars_seed(struct live_bars *b, const struct bar *history, size_t count, int64_t through_ns);

// Each takes one input, or says why not; bars it finishes go to the sink before it returns. volume -1: unknown.
enum live_reason live_bars_trade(struct live_bars *b, int64_t event_ns, price px, int64_t volume);
enum live_reason live_bars_quote(struct live_bars *b, int64_t event_ns, price bid, price ask);
enum live_reason live_bars_bar(struct live_bars *b, const struct bar *bar);
// The clock says now: bars that ended grace_ns ago are delivered. When a feed itself knows that it is complete up to
// some time (venue/feed.h), live_bars_complete says so instead.
void live_bars_clock(struct live_bars *b, int64_t now_ns);
void live_bars_complete(struct live_bars *b, int64_t through_ns);
// When the clock has to be told next so that no bar waits for nothing: close + grace of the first open bar;
// INT64_MAX: none.
int64_t live_bars_due_ns(const struct live_bars *b);
