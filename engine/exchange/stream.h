// exchange/stream.h – a client's WebSocket: what it subscribed, and what it was told last. Inside exchange/.
#pragma once
#include "exchange/render.h"
#include "exchange/server.h"

#define TOPICS_MAX 512
#define TOPIC_TEXT_MAX 64
#define ARGS_CHARS_MAX 21000  // of all topics of a connection, as the venue has it

enum topic_kind { TOPIC_ORDER, TOPIC_EXECUTION, TOPIC_POSITION, TOPIC_WALLET, TOPIC_KLINE, TOPIC_TRADE, TOPIC_TICKER, TOPIC_BOOK };

struct topic {
  char text[TOPIC_TEXT_MAX];
  enum topic_kind kind;
  const char *category;           // of private topics, "linear" or "spot"; NULL: both
  const struct exch_symbol *symbol;
  int depth;
  int64_t interval_ms, candle_ms, candle_lots, candle_close;  // the candle that was told last
  bool confirmed, fresh;
  uint64_t update;                // of the book that was told last
  struct exch_level *bids, *asks;
  int bid_count, ask_count;
  json_t *ticker;
};

struct stream {
  struct server *s;
  struct stream *next, *prev;
  struct ws *ws;
  uint64_t number;
  bool is_private, is_spot;
  struct key *key;                // NULL: not yet authenticated
  struct topic **topics;
  int topic_count, topic_chars;
  char *held;                     // a frame that a fault sends after the next one
  struct later { struct later *next; char *text; } *later, **later_end;  // frames behind a delayed one
  bool blocked;
};

// Sends one frame of a topic, faults permitting. Takes the reference. link: orderLinkId that it is about, or "".
void exch_stream_push(struct stream *st, const char *topic, const char *link, json_t *frame);

// ---- stream_public.c ----
// "kline.1.BTCUSDT" …; false: no such topic.
bool exch_topic_parse(const struct exch *x, const char *text, const struct stream *st, struct topic *ret);
void exch_topic_free(struct topic *t);
// What has changed for it since it was told last; the first time a snapshot.
void exch_topic_tell(struct stream *st, struct topic *t, int64_t now_ms);
void exch_topic_trade(struct stream *st, const struct topic *t, const struct exch_public_trade *trade, int64_t now_ms);
