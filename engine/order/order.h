// order/order.h – what a script asked (intent), what became of it (order), and what was executed (fill).
//
// Glossary. Intent: a wish checked for shape, not yet for risk. Order: an intent with an id, a quantity in lots and a status.
// Child: the sl or tp of an entry, an order of its own that lives from the entry's fill on. Group: orders of which a fill of
// one shrinks or ends the others (OCO). Leg: the position an order works on.
// Everything is plain data in integers: prices in ticks, quantities in lots, money in 1e-8, times in ns UTC.
#pragma once
#include "base/money.h"
#include "order/reason.h"

#include <stdbool.h>
#include <stdint.h>

enum side { SIDE_SELL = -1, SIDE_BUY = 1 };
enum leg { LEG_NET, LEG_LONG, LEG_SHORT, LEG_COUNT };  // netting accounts use LEG_NET only, hedging the other two
enum order_type { ORDER_MARKET, ORDER_LIMIT, ORDER_STOP, ORDER_STOP_LIMIT, ORDER_TRAILING };
enum order_tif { TIF_GTC, TIF_IOC, TIF_FOK, TIF_DAY, TIF_GTD };
enum size_kind {
  SIZE_QTY,       // value: lots
  SIZE_NOTIONAL,  // value: 1e-8 of the currency
  SIZE_PCT,       // value: 1e-8 of a fraction of equity (100 % = 100,000,000)
  SIZE_RISK,      // value: 1e-8 of a fraction of equity, lost if sl is hit (1 % = 1,000,000)
  SIZE_CLOSE,     // value: none; the whole position of the leg
};

// Tags are small ids that the caller interns; these are known to all.
enum { TAG_NONE = 0, TAG_SL = 1, TAG_TP = 2, TAG_LIQUIDATION = 3, TAG_END = 4, TAG_FLATTEN = 5, TAG_FIRST_FREE = 16 };

#define NO_PRICE_TICKS INT64_MIN      // "not given" for every optional price
#define NO_PRICE ((price){NO_PRICE_TICKS})
static inline bool price_given(price p) { return p.ticks != NO_PRICE_TICKS; }

// What a script asks. Use intent_init(): zero is a legal price.
struct intent {
  int symbol;  // index in the account
  enum side side;
  enum order_type type;
  enum leg leg;
  enum order_tif tif;
  int64_t expires_ns;  // GTD: first instant at which it is dead (ttl and until resolved by the caller); else 0
  bool post, reduce;
  enum size_kind size_kind;
  int64_t size;     // see enum size_kind; positive except SIZE_CLOSE
  price limit;      // `price` of limit and stop_limit
  price trigger;    // of stop and stop_limit; of trailing: optional first stop level
  // Trailing distance: ticks, or a fraction in 1e-8 (`trail_pct`=2 is 2,000,000). On a trailing order its own; on any other
  // order the distance at which the entry's sl child trails. 0: not given.
  int64_t trail_ticks, trail_frac_e8;
  price sl, tp;     // children of an entry
  int64_t tp_r_e6;  // tp at this multiple (1e-6) of the distance fill → sl; 0: not given
  uint64_t oco;     // id of a working order to pair with; 0: none
  uint64_t closes;  // of a reducing order: the entry whose part it closes; 0: oldest first. Only compat-backtesting, whose
                    // trades are closed one by one, tells them apart
  uint32_t tag;
};
// A market order for nothing: optional prices not given, rest zero.
void intent_init(struct intent *in, int symbol, enum side side);

// The states, and for each the states it may move to: see order_status_can() and order.c.
#define ORDER_STATUS_LIST(X)                                                                          \
  X(NEW, "new")                        /* has an id; not yet sent */                                  \
  X(SENT, "sent")                      /* on its way to the venue (latency) */                        \
  X(OPEN, "open")                      /* the venue has it; a child that waits for its entry is NEW */ \
  X(PARTIAL, "partial")                /* some filled, rest working */                                \
  X(FILLED, "filled")                  /* all filled; an end state like the next three */             \
  X(CANCELED, "canceled")                                                                             \
  X(EXPIRED, "expired")                                                                               \
  X(REJECTED, "rejected")                                                                             \
  X(PENDING_CANCEL, "pending_cancel")  /* cancel on its way; may still fill */                        \
  X(PENDING_MODIFY, "pending_modify")  /* change on its way; may still fill under the old terms */    \
  X(UNKNOWN, "unknown")                /* the venue's answer was lost; counted as filled until proven */ \
  X(DENIED, "denied")                  /* never left the engine */
enum order_status {
#define X(name, text) ORDER_##name,
  ORDER_STATUS_LIST(X)
#undef X
  ORDER_STATUS_COUNT
};
const char *order_status_text(enum order_status s);  // "pending_cancel"
const char *order_type_text(enum order_type t);      // "stop_limit"
const char *order_tif_text(enum order_tif t);        // "gtc"
const char *side_text(enum side s);                  // "buy"

struct order {
  uint64_t id;  // from 1, rising per bot; never reused
  int symbol;
  enum side side;
  enum order_type type;
  enum leg leg;
  enum order_tif tif;
  enum order_status status;
  enum reason reason;  // why it ended; NONE while it lives or after a full fill
  bool post, reduce;
  bool ambiguous;      // its fill was decided by rule 11
  bool rested;         // has survived its first event: a later limit fill is maker
  bool triggered;      // a stop or stop_limit whose trigger was seen
  bool resolve_at_fill;  // compat models: qty comes from size_kind and size when it fills
  bool cut;              // reduced to what the funds allow
  enum size_kind size_kind;
  int64_t size;        // as asked
  quantity qty;        // ordered; changes by modify, OCO shrinking and cutting
  quantity filled;     // 0 … qty
  int128 fill_value;   // Σ price ticks × lots of its fills: the average is fill_value / filled
  price limit, trigger;
  int64_t trail_ticks, trail_frac_e8;
  price trail_ref;     // best price seen by a trailing order
  price sl, tp;        // of the children it will have
  int64_t tp_r_e6;
  uint64_t closes;     // compat-backtesting: the entry whose trade it closes; 0: oldest first
  uint64_t parent;     // the entry this is a child of; 0: none
  uint64_t child_sl, child_tp;  // 0: none
  quantity opened, exited;      // of an entry: lots it opened, lots its exits closed
  uint64_t oco;        // group id; 0: none
  uint32_t tag;
  int64_t decided_ns;  // when the script asked
  int64_t active_ns;   // first event time at which the venue has it (decided + latency)
  int64_t expires_ns;  // dead from here on; INT64_MAX: never
  quantity held;       // counted in account_symbol.work_*; see there
  cash held_value;
  int64_t due_ns;      // PENDING_CANCEL, PENDING_MODIFY: when that arrives
  int64_t ended_ns;    // 0 while it lives
};

static inline bool order_status_final(enum order_status s) {
  return s == ORDER_FILLED || s == ORDER_CANCELED || s == ORDER_EXPIRED || s == ORDER_REJECTED || s == ORDER_DENIED;
}
static inline bool order_alive(const struct order *o) { return !order_status_final(o->status); }
static inline quantity order_left(const struct order *o) { return (quantity){o->qty.lots - o->filled.lots}; }

// May an order move from one state to another?
bool order_status_can(enum order_status from, enum order_status to);
// Moves o and asserts that the move is allowed and that o keeps its state's invariants. Returns the state it came from.
enum order_status order_move(struct order *o, enum order_status to, enum reason why);
// Adds an execution of qty lots at px to filled and fill_value and moves to PARTIAL or FILLED. False (o untouched) if the
// value overflows. Asserts 0 < qty <= left.
bool order_fill(struct order *o, price px, quantity qty);
// Asserts what must hold of an order in its state.
void order_check(const struct order *o);
// Average fill price in ticks as numerator and denominator; false if nothing filled.
bool order_avg(const struct order *o, int128 *ret_num, int64_t *ret_den);

// One execution.
struct fill {
  uint64_t id;      // from 1 per bot
  uint64_t order;
  uint64_t closes;  // entry order whose lot this closes first; 0: oldest first
  int symbol;
  enum side side;
  enum leg leg;
  price px;
  quantity qty;     // positive
  cash fee;         // negative: a rebate
  cash slippage;    // cost against the undisturbed price (spread and slippage), >= 0: information, part of px already
  bool maker;
  bool complete;    // the order is filled
  bool ambiguous;   // the data could not tell stop from target (simulation rule 11)
  bool cut;         // the order was cut to what the funds allow
  uint32_t tag;
  int64_t time_ns;  // open of the finest bar in which it happened
};
