// venue/remote_market_impl.h – inside of market data.
//   remote_market.c   streams: opened, subscribed, read        remote_klines.c   bars without holes
#pragma once
#include "market/bar.h"
#include "venue/book.h"
#include "venue/remote_impl.h"
#include "venue/remote_market.h"

#define REMOTE_KEPT_MAX 64   // bars that wait while what was missed is asked for; more are asked for, too

struct market_link;
struct market_topic {
  struct market_topic *next;
  struct remote_market *market;
  struct market_link *link;
  enum remote_topic type;
  char symbol[VENUE_SYMBOL_MAX], timeframe[TIMEFRAME_TEXT_MAX];
  // of klines
  int64_t timeframe_ns, next_ns;   // next_ns: the open of the next bar to be given out
  bool repairing;
  int64_t look_ms;                 // not asked for again before this
  struct remote_call *call;
  struct venue_kline kept[REMOTE_KEPT_MAX];
  int kept_count;
  struct book book;
  json_t *ticker;
};

struct remote_market {
  struct remote_site *site;
  const struct remote_market_events *events;
  void *self;
  struct market_link *links;
  struct market_topic *topics;
  struct loop_timer *tick;
  bool up;
  unsigned inside;
  bool dead;
};
void remote_market_enter(struct remote_market *m);
bool remote_market_leave(struct remote_market *m);  // false: it is gone

// A bar of the stream.
void remote_kline_heard(struct market_topic *t, const struct venue_kline *k);
// The stream is (again) subscribed, or a second has passed: is anything missing?
void remote_klines_repair(struct market_topic *t);
void remote_klines_look(struct market_topic *t, bool linked);
