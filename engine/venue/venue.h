// venue/venue.h – one account at one venue: what the core asks of it, and what it hears. Whoever is behind it – a remote exchange
// spoken to by a dialect (venue/remote.h), a test – looks like this.
//
// Three things are never mixed up:
// - NOT_SENT: no byte of the request left (a budget, a closed connection, credentials). Definite.
// - UNKNOWN: bytes may have left and no definite answer came. The order may exist; nobody sends it again (order/unknown.h).
// - an answer of the venue itself: ACCEPTED (it has taken the order; not a fill) or REFUSED (it never will).
// Prices and quantities are the venue's decimals, exact (base/decimal.h); who counts in ticks and lots makes them so and refuses
// what is not whole. Times are ns UTC by the venue's clock, unless said otherwise.
//
// All on the loop's thread. Nothing calls back from within a call of the owner's.
#pragma once
#include "base/decimal.h"
#include "order/client_id.h"
#include "order/order.h"
#include "order/unknown.h"

#define VENUE_ID_MAX 64      // of an order or execution as the venue names it, NUL included
#define VENUE_SYMBOL_MAX 40  // likewise of a symbol
#define VENUE_ASSET_MAX 16   // likewise of a currency
#define VENUE_TEXT_MAX 160   // of words of the venue, cut, without secrets

static inline bool decimal_given(struct decimal d) { return d.scale >= 0; }
#define NO_DECIMAL ((struct decimal){0, -1})

enum venue_outcome { VENUE_ACCEPTED, VENUE_REFUSED, VENUE_UNKNOWN, VENUE_NOT_SENT };

// Why a venue refuses, in words that all dialects share; the action follows from it (dialects: action of an error).
// X(NAME, text, reason a script sees)
#define VENUE_WHY_LIST(X)                                                                            \
  X(NONE, "none", NONE)                                                                              \
  X(CREDENTIALS, "credentials", VENUE)      /* key, secret, rights, IP: nothing will work until mended */ \
  X(CLOCK, "clock", VENUE)                  /* outside the window: synchronise, then anew */          \
  X(THROTTLED, "throttled", RATE)           /* refused for its rate; not executed */                  \
  X(DUPLICATE, "duplicate", VENUE)          /* the client id is taken: the order exists */            \
  X(NOT_FOUND, "not_found", UNKNOWN_ORDER)                                                           \
  X(DONE, "done", UNKNOWN_ORDER)            /* has ended already: to be asked about */                \
  X(UNCHANGED, "unchanged", NONE)           /* it is so already */                                    \
  X(FUNDS, "funds", MARGIN)                                                                          \
  X(PRICE, "price", BAD_PRICE)                                                                       \
  X(QUANTITY, "quantity", MIN_QTY)                                                                   \
  X(NOTIONAL, "notional", MIN_NOTIONAL)                                                              \
  X(POST_ONLY, "post_only", POST_ONLY)                                                               \
  X(REDUCE_ONLY, "reduce_only", REDUCE_ONLY)                                                         \
  X(LIMIT, "limit", MAX_OPEN)               /* too many orders, too large */                          \
  X(CLOSED, "closed", CLOSED)               /* market or venue not open, maintenance */               \
  X(LIQUIDATION, "liquidation", LIQUIDATED)                                                          \
  X(SELF_TRADE, "self_trade", SELF_TRADE)                                                            \
  X(TIME, "time", GTD)                      /* its time ran out: IOC, FOK, expired */                  \
  X(ASKED, "asked", OWNER)                  /* cancelled as somebody asked for it */                  \
  X(REQUEST, "request", VENUE)              /* we spoke wrongly: a fault of the dialect */            \
  X(UNSUPPORTED, "unsupported", VENUE)                                                               \
  X(OTHER, "other", VENUE)
enum venue_why {
#define X(name, text, reason) VENUE_WHY_##name,
  VENUE_WHY_LIST(X)
#undef X
  VENUE_WHY_COUNT
};
const char *venue_why_text(enum venue_why w);
bool venue_why_parse(const char *text, enum venue_why *ret);
enum reason venue_why_reason(enum venue_why w);

// ---- what is asked

struct venue_place {
  char client_id[CLIENT_ID_SIZE];
  char symbol[VENUE_SYMBOL_MAX];
  enum side side;
  enum leg leg;                 // LEG_NET, or the side of a hedging account
  enum order_type type;         // MARKET LIMIT STOP STOP_LIMIT
  enum order_tif tif;           // GTC IOC FOK
  bool post, reduce;
  struct decimal qty;           // base units
  struct decimal limit, trigger;  // NO_DECIMAL: none
  bool trigger_rises;           // the trigger is met when the price rises to it
  struct decimal take_profit, stop_loss;  // by which the venue itself guards what is filled (caps.attached); 0 or NO_DECIMAL: none. Bots' exits are orders of the engine
};
struct venue_change {           // what is given, changes
  struct decimal qty;           // new total
  struct decimal limit, trigger;
};
struct venue_ref {              // an order: both names where both are known
  char client_id[CLIENT_ID_SIZE];
  char venue_id[VENUE_ID_MAX];  // "": not known
  char symbol[VENUE_SYMBOL_MAX];
  bool waits;                   // conditional, and its trigger not met as far as is known: some venues keep those apart
  bool attached;                // an exit that the venue has made of another order's take_profit or stop_loss
};
struct venue_reply {
  enum venue_outcome outcome;
  enum venue_why why;           // REFUSED, NOT_SENT
  int64_t expiry_ns;            // from then on, by now_ns, the venue refuses the request if it arrives only now (recvWindow, ttl)
  int64_t asked_ns;             // when the question was asked, by the session's now_ns
  int64_t sent_ns;              // by the monotonic clock: when its first byte was handed to the kernel; 0: none was, or nobody looked
  char venue_id[VENUE_ID_MAX];  // ACCEPTED, where the venue tells
  char text[VENUE_TEXT_MAX];    // for logs and people
};

// ---- what is heard

enum venue_order_state { VENUE_ORDER_OPEN, VENUE_ORDER_FILLED, VENUE_ORDER_CANCELED, VENUE_ORDER_EXPIRED, VENUE_ORDER_REJECTED };
struct venue_order {
  struct venue_ref ref;         // client_id "": not an order with a name of a client's
  enum venue_order_state state;
  enum side side;
  enum venue_why why;           // of an end
  struct decimal qty, filled, limit, trigger, avg;  // NO_DECIMAL: not told
  bool reduce;
  int awaits;                   // of one that waits: 1 the price must rise to its trigger, -1 fall; 0: not told
  int64_t created_ns, updated_ns;
};
struct venue_fill {
  struct venue_ref ref;
  char trade_id[VENUE_ID_MAX];  // unique at the venue
  enum side side;
  struct decimal px, qty, fee;  // fee: paid in fee_asset; negative: received
  char fee_asset[VENUE_ASSET_MAX];
  bool maker;
  bool funding;                 // no trade: funding paid; qty, px may be missing
  bool liquidation;
  int64_t time_ns;
};
struct venue_position {
  char symbol[VENUE_SYMBOL_MAX];
  enum leg leg;
  struct decimal qty;           // signed
  struct decimal avg, upnl, leverage, liquidation_px;
};
struct venue_balance {
  char asset[VENUE_ASSET_MAX];
  struct decimal total, free, used, equity;
};
struct venue_instrument {
  char symbol[VENUE_SYMBOL_MAX], base[VENUE_ASSET_MAX], quote[VENUE_ASSET_MAX], settle[VENUE_ASSET_MAX];
  enum { VENUE_SPOT, VENUE_LINEAR } kind;
  bool trading;
  struct decimal tick, lot, qty_min, qty_max, market_qty_max, notional_min, leverage_max;
};
struct venue_kline {
  int64_t open_ns;
  struct decimal open, high, low, close, volume;
  bool closed;
};
struct venue_trade {
  char symbol[VENUE_SYMBOL_MAX], id[VENUE_ID_MAX];  // id "": not told
  enum side side;               // of who took; 0: not told
  struct decimal px, qty;
  int64_t time_ns;
};
struct venue_key {              // what the key may do, as the venue tells
  bool known, read, trade, withdraw, ip_bound;
  int64_t expires_ns;           // 0: never, or not told
};

// Life of a session. A bot speaks to its venue in READY only.
#define VENUE_STATE_LIST(X)                                                                               \
  X(DOWN, "down")                  /* nothing is connected; tries again by itself */                         \
  X(CONNECTING, "connecting")      /* clock, key, streams */                                                \
  X(RECONCILING, "reconciling")    /* streams are up: the owner compares orders, executions, positions */     \
  X(READY, "ready")                                                                                        \
  X(REFUSED, "refused")            /* credentials, rights: until somebody mends them */                      \
  X(STOPPED, "stopped")
enum venue_state {
#define X(name, text) VENUE_STATE_##name,
  VENUE_STATE_LIST(X)
#undef X
  VENUE_STATE_COUNT
};
const char *venue_state_text(enum venue_state s);

struct venue_events {           // valid during the call
  void (*state)(void *self, enum venue_state from, enum venue_state to, const char *why);
  void (*order)(void *self, const struct venue_order *o);    // of the private stream
  void (*fill)(void *self, const struct venue_fill *f);
  void (*position)(void *self, const struct venue_position *p);
  void (*balance)(void *self, const struct venue_balance *b);
};

// ---- the session

typedef void (*venue_reply_fn)(void *arg, const struct venue_reply *r);
// Lists come whole (all pages). r->outcome ACCEPTED: the list is what the venue has; else list is NULL. valid during the call.
typedef void (*venue_orders_fn)(void *arg, const struct venue_reply *r, const struct venue_order *list, size_t count);
typedef void (*venue_fills_fn)(void *arg, const struct venue_reply *r, const struct venue_fill *list, size_t count);
typedef void (*venue_positions_fn)(void *arg, const struct venue_reply *r, const struct venue_position *list, size_t count);
typedef void (*venue_balances_fn)(void *arg, const struct venue_reply *r, const struct venue_balance *list, size_t count);
typedef void (*venue_key_fn)(void *arg, const struct venue_reply *r, const struct venue_key *key);

struct venue_caps {             // what the venue can do
  uint8_t lookups;              // enum lookup: what an order can be asked about by
  bool amend, positions, leverage, stops, reduce_only, post_only, hedge, cancel_all, market_by_quote, attached;
  int64_t expiry_ms;            // how long a request of ours is good for there
};

struct venue_ops {
  struct venue_caps (*caps)(void *self);
  enum venue_state (*state)(void *self, const char **ret_why);
  int64_t (*now_ns)(void *self);  // the venue's clock as we know it, without its jumps and ours (venue_clock_steady)
  // Each calls done once, later. order: what is known of it may be found out of `ref` by either name; done has at most one.
  // The owner says which request may be repeated: none is by itself.
  void (*place)(void *self, const struct venue_place *p, venue_reply_fn done, void *arg);
  void (*amend)(void *self, const struct venue_ref *ref, const struct venue_change *c, venue_reply_fn done, void *arg);
  void (*cancel)(void *self, const struct venue_ref *ref, venue_reply_fn done, void *arg);
  void (*cancel_all)(void *self, const char *symbol, venue_reply_fn done, void *arg);
  void (*order)(void *self, const struct venue_ref *ref, venue_orders_fn done, void *arg);      // open or ended
  void (*open_orders)(void *self, const char *symbol, venue_orders_fn done, void *arg);         // NULL: all
  void (*fills)(void *self, const char *symbol, int64_t since_ns, venue_fills_fn done, void *arg);  // since: by now_ns
  void (*positions)(void *self, venue_positions_fn done, void *arg);
  void (*balances)(void *self, venue_balances_fn done, void *arg);
  void (*key)(void *self, venue_key_fn done, void *arg);
  void (*set_leverage)(void *self, const char *symbol, struct decimal leverage, venue_reply_fn done, void *arg);
  void (*set_position_mode)(void *self, const char *symbol, bool hedge, venue_reply_fn done, void *arg);  // both legs at once, or one position
  // RECONCILING is over: READY. False: it is not in that state any more, begin anew with the next.
  bool (*reconciled)(void *self);
  // So many orders will be placed within milliseconds, unless the journal refuses: what can be made ready for them is.
  void (*brace)(void *self, unsigned orders);
  // This one will be placed then: its request may be made and signed, and is sent by place() only. May be forgotten.
  void (*ahead)(void *self, const struct venue_place *p);
  void (*destroy)(void *self);   // done of what is under way is not called any more
};
struct venue {
  const struct venue_ops *ops;
  void *self;
};
