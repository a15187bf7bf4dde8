// venue/feed.h – where market data comes from, behind one interface: a synthetic market, recorded history, a growing
// file, or a venue's stream. The hub above subscribes each symbol once, for everybody, and builds all higher
// timeframes itself (market/live_bars.h).
//
// A feed is deterministic and has no clock: poll() is told now and gives out what is due by then, in the order of
// market/event_order.h. Events carry their own time, which in a replay or a market at another speed is not now.
#pragma once
#include "market/bar.h"

enum feed_kind {
  FEED_BAR,    // a finished bar; time_ns is its close
  FEED_TRADE,
  FEED_QUOTE,
  FEED_NOTE,   // something about the feed that its operator should know; no market data
};
enum feed_note {
  FEED_NOTE_REFUSED,    // a piece of input that was not understood; skipped
  FEED_NOTE_WAITING,    // the source is not there (yet)
  FEED_NOTE_STARTED,    // the source is there (again)
  FEED_NOTE_TRUNCATED,  // it was cut or rewritten: read again from its beginning
  FEED_NOTE_ROTATED,    // another one stands in its place
  FEED_NOTE_END,        // nothing will come any more
  // A bar that its feed itself has sorted out, so that market/live_bars.h never sees it:
  FEED_NOTE_LATE,       // older than one that came before
  FEED_NOTE_DUPLICATE,  // the same again
  FEED_NOTE_CONFLICT,   // a second, different one for one time
  FEED_NOTE_COUNT
};

struct feed_event {
  enum feed_kind kind;
  int subscription;  // -1 for a note about the feed as a whole; a refused piece of a symbol's data has its
  int64_t time_ns;
  union {
    struct bar bar;
    struct {
      price px;
      int64_t volume;  // 10^-volume_scale; -1 unknown
    } trade;
    struct {
      price bid, ask;
    } quote;
    struct {
      enum feed_note code;
      const char *text;  // valid during the call
      uint64_t more;     // so many others of its kind are told with it
    } note;
  } u;
};
struct feed_sink {
  void *self;
  void (*event)(void *self, const struct feed_event *event);
};

// What a feed has of a symbol. timeframe_ns: of the bars it gives, from which higher ones are built; 0: none, ticks
// only.
struct feed_symbol {
  struct instrument inst;
  int64_t timeframe_ns;
  int volume_scale;
  bool ticks;  // trades and quotes too, when subscribed with timeframe 0
};

// What a poll did and what the caller may rely on.
struct feed_progress {
  size_t events;       // given out
  // No event of this or an earlier time will come any more (live_bars_complete); INT64_MIN: nobody knows. Only a
  // subscription that asks for earlier events sets it back; who does not want that subscribes after it and takes what
  // was before from history().
  int64_t through_ns;
  int64_t next_ns;     // ask again at this now; INT64_MAX: only when something else changes (a subscription, the pace)
  bool ended;          // nothing will come any more
};

// A subscription's number is not used again while the feed lives. None of these may be called from inside a sink.
struct feed_ops {
  const char *name;
  // ERR_NOTFOUND: no such symbol; the message tells which there are.
  enum status (*describe)(void *self, const char *symbol, struct feed_symbol *ret, struct err *err);
  // timeframe_ns: the one describe() tells, or 0 for trades and quotes. Events after after_ns are given (a bar's time
  // is its close), so that a restart goes on where it was; INT64_MIN: all the feed has. ERR_NOTFOUND, ERR_INVALID,
  // ERR_LIMIT, ERR_NOMEM.
  enum status (*subscribe)(
    void *self, const char *symbol, int64_t timeframe_ns, int64_t after_ns, int *ret_subscription, struct err *err);
  void (*unsubscribe)(void *self, int subscription);
  // At most max_events. An error is the feed's own (out of memory, a disk that fails) and may pass; what is wrong
  // with the data is a note and not an error.
  enum status (*poll)(void *self, int64_t now_ns, size_t max_events, const struct feed_sink *sink,
    struct feed_progress *ret, struct err *err);
  // Bars that open at from_ns or later and have closed by to_ns, as far as the feed has them, for warm-up: of any
  // multiple of the timeframe that describe() tells. Nothing after to_ns is in any of them. ret needs no init, may
  // have no bars, and is untouched on failure.
  enum status (*history)(void *self, const char *symbol, int64_t timeframe_ns, int64_t from_ns, int64_t to_ns,
    struct series *ret, struct err *err);
  void (*destroy)(void *self);
};
struct feed {
  const struct feed_ops *ops;
  void *self;
};

static inline enum status feed_describe(struct feed f, const char *symbol, struct feed_symbol *ret, struct err *err) {
  return f.ops->describe(f.self, symbol, ret, err);
}
static inline enum status feed_subscribe(
  struct feed f, const char *symbol, int64_t timeframe_ns, int64_t after_ns, int *ret_subscription, struct err *err) {
  return f.ops->subscribe(f.self, symbol, timeframe_ns, after_ns, ret_subscription, err);
}
static inline void feed_unsubscribe(struct feed f, int subscription) { f.ops->unsubscribe(f.self, subscription); }
static inline enum status feed_poll(struct feed f, int64_t now_ns, size_t max_events, const struct feed_sink *sink,
  struct feed_progress *ret, struct err *err) {
  return f.ops->poll(f.self, now_ns, max_events, sink, ret, err);
}
static inline enum status feed_history(struct feed f, const char *symbol, int64_t timeframe_ns, int64_t from_ns,
  int64_t to_ns, struct series *ret, struct err *err) {
  return f.ops->history(f.self, symbol, timeframe_ns, from_ns, to_ns, ret, err);
}
static inline void feed_destroy(struct feed f) {
  if (f.ops) f.ops->destroy(f.self);
}
