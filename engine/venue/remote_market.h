// venue/remote_market.h – market data of a remote venue, from its public streams: bars, trades, tickers, books.
//
// Bars come in order, each closed one exactly once and none left out, over cuts of the stream: what was missed is asked for, and
// what the stream says meanwhile waits. Where the venue itself has no bar (nothing was traded) there is none. A ticker is whole: changes
// are merged. A book is kept from its snapshot on; after a gap it begins with another. Trades that pass while the stream is cut are
// lost: `up` tells.
//
// All on the loop's thread. Events come from the loop, never from within a call of the owner's, who may end it in any of them.
#pragma once
#include "base/json.h"
#include "venue/remote.h"

struct book;
struct remote_market;

enum remote_topic { REMOTE_KLINES, REMOTE_TRADES, REMOTE_TICKER, REMOTE_BOOK };

struct remote_market_events {  // NULL: not wanted; valid during the call
  void (*up)(void *self, bool up, const char *why);  // all of its streams are subscribed; or one was lost, and is tried again
  void (*kline)(void *self, const char *symbol, const char *timeframe, const struct venue_kline *k);  // not closed: the newest so far
  void (*trade)(void *self, const struct venue_trade *t);
  void (*ticker)(void *self, const json_t *ticker);
  void (*book)(void *self, const char *symbol, const struct book *b);
};
enum status remote_market_create(struct remote_site *site, const struct remote_market_events *events, void *self, struct remote_market **ret,
  struct err *err) MUST_CHECK;
// Before the site. NULL does nothing.
void remote_market_destroy(struct remote_market *m);
// timeframe: "1m", of klines. from_ns: of klines, the first bar that is wanted (0: the one that is open now). The same topic twice is one.
// ERR_INVALID, ERR_NOTFOUND: the venue has no such stream.
enum status remote_market_want(struct remote_market *m, enum remote_topic type, const char *symbol, const char *timeframe, int64_t from_ns,
  struct err *err) MUST_CHECK;
