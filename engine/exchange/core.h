// exchange/core.h – a simulated derivatives exchange as a pure state machine: accounts, orders, a book, positions, margin. No clock, no
// network, no files: every change is a call with a time, so the same calls make the same exchange again, which is how its own log
// (journal.h) brings it back after a crash. Its books share no code with the engine's matcher, because they are the oracle that the
// engine is judged by; only plain arithmetic (market/instrument, order/ledger) is common.
//
// Units: prices in ticks, quantities in lots, money in 1e-8 USDT, times in Unix milliseconds, rates in 1e-8.
// What a venue's customers see (JSON, routes, streams) is in render.h, rest.h, stream.h.
#pragma once
#include "base/json.h"
#include "base/money.h"
#include "exchange/code.h"
#include "exchange/map.h"
#include "market/instrument.h"
#include "order/ledger.h"

#define EXCH_SYMBOLS_MAX 24
#define EXCH_ACCOUNTS_MAX 4096
#define EXCH_ID_MAX 37            // orderId, orderLinkId: 36 characters
#define EXCH_LEVELS 50            // of the market maker's ladder, per side
#define EXCH_TAPE 1000            // public trades kept per symbol
#define EXCH_ACTIVE_MAX 500       // orders of an account in one symbol
#define EXCH_CONDITIONAL_MAX 10   // orders of an account in one symbol that wait for their trigger
#define EXCH_SPOT_CONDITIONAL_MAX 30
#define EXCH_FUNDING_KEPT 256
#define RATE_ONE CASH_ONE

enum exch_tif { TIF_GTC, TIF_IOC, TIF_FOK, TIF_POST_ONLY };
enum exch_by { BY_LAST, BY_MARK, BY_INDEX };
enum exch_status { EXCH_UNTRIGGERED, EXCH_NEW, EXCH_PARTIAL, EXCH_FILLED, EXCH_CANCELLED, EXCH_REJECTED, EXCH_DEACTIVATED };
// SET_ASIDE: spot's "tpslOrder", whose money or coins are set aside while it waits.
// BIDIRECTIONAL: spot's exit of an order that bore a TP or SL; of two of them the one that is triggered cancels the other.
enum exch_stop { STOP_NONE, STOP_PLAIN, STOP_SET_ASIDE, STOP_TAKE_PROFIT, STOP_LOSS, STOP_TRAILING, STOP_PART_PROFIT, STOP_PART_LOSS, STOP_BIDIRECTIONAL };
// Why an order ended; their texts are the venue's (render.c).
enum exch_why {
  WHY_NONE, WHY_USER, WHY_REDUCE_ONLY, WHY_LIQUIDATION, WHY_TPSL_CLEARED, WHY_ADMIN, WHY_POST_ONLY, WHY_NO_IMMEDIATE, WHY_NO_BALANCE,
};
enum exch_exec { EXEC_TRADE, EXEC_FUNDING, EXEC_BUST };

struct exch_order {
  uint64_t seq, turn;      // its number; its place in time, new after some amendments
  char id[EXCH_ID_MAX], link[EXCH_ID_MAX];
  struct exch_account *account;
  struct exch_symbol *symbol;
  bool buy, market, reduce_only, close_on_trigger;
  bool by_exchange;        // a liquidation
  bool whole;              // TP/SL of a whole position: its quantity is the position's
  uint8_t idx;             // 0 one-way, 1 the long side, 2 the short side
  enum exch_tif tif;
  enum exch_status status;
  enum exch_why why;
  enum exch_stop stop;
  enum exch_by trigger_by;
  int direction;           // 1: the price rises to the trigger, 2: it falls
  int64_t price, qty, filled, value_e8, fee_e8, trigger, last_on_created;
  int64_t take_profit, stop_loss;  // wished for the position, or of spot for what was traded, once this fills; 0: none
  int64_t tp_limit, sl_limit;      // of spot: prices of the exits; 0: at the market
  struct exch_order *pair;         // BIDIRECTIONAL: the other exit; NULL: there is none, or no more
  bool shares;                     // what it needs is set aside for its pair
  enum exch_by tp_by, sl_by;
  bool tpsl_partial;
  int64_t created_ms, updated_ms;
  struct exch_order *book_next, *book_prev;      // of its side of its symbol while it rests
  struct exch_order *active_next, *active_prev;  // of its account while it is not closed
};
static inline bool exch_order_open(const struct exch_order *o) { return o->status <= EXCH_PARTIAL; }
// Whether something of the account is set aside for it.
static inline bool exch_order_holds(const struct exch_order *o) {
  return o->status != EXCH_UNTRIGGERED || o->stop == STOP_SET_ASIDE || (o->stop == STOP_BIDIRECTIONAL && !o->shares);
}

struct exch_execution {
  uint64_t seq;
  char id[EXCH_ID_MAX];
  const struct exch_order *order;  // NULL: funding
  struct exch_account *account;
  struct exch_symbol *symbol;
  enum exch_exec kind;
  bool buy, maker;
  int64_t price, qty, value_e8, fee_e8, rate_e8, closed, pnl_e8, leaves, mark, time_ms;
};

struct exch_position {
  int64_t lots;        // signed
  int64_t entry_e8;    // what it was entered for, positive; exact, so the parts of a close add up to the whole
  int64_t realised_e8, session_e8;  // ever; since it was last flat; net of fees and funding
  int64_t created_ms, updated_ms;
  int64_t trailing, trailing_best, trailing_from;  // distance in ticks, 0 none; best price so far; price it begins at
  struct exch_order *take_profit, *stop_loss, *trail;  // of the whole position
  uint64_t seq;
};

struct exch_leverage { int64_t buy_e2, sell_e2; };  // 10x is 1000

struct exch_account {
  int index;
  int64_t uid;
  struct ledger ledger;
  bool isolated;                    // margin mode
  bool hedge[EXCH_SYMBOLS_MAX];     // position mode
  int64_t coins_e8[EXCH_SYMBOLS_MAX];  // spot: what it has of a market's coin, in 1e-8 lots, so that fees of it are exact
  struct exch_leverage leverage[EXCH_SYMBOLS_MAX];
  struct exch_position positions[EXCH_SYMBOLS_MAX][3];
  struct exch_order *active;
  int active_count[EXCH_SYMBOLS_MAX], conditional_count[EXCH_SYMBOLS_MAX];
  struct map by_link;               // orderLinkId → order, for ever
  uint64_t orders, executions, liquidations;
};

struct exch_level { int64_t price, lots; };
struct exch_public_trade { int64_t time_ms, price, lots; bool buy; uint64_t seq; };
struct exch_candle { int64_t open_ms, open, high, low, close, lots, turnover_e8; };

// A market. Spot markets stand beside the perpetual of their name and move with it; in them a position only counts what was traded.
struct exch_symbol {
  int index;
  bool spot;
  struct exch_symbol *twin;         // of a perpetual: the spot market of its name; NULL: none
  char base[16], quote[16];
  struct instrument inst;
  int price_scale, lot_scale;
  int64_t max_lots, max_market_lots, min_price, max_price;
  int64_t max_leverage_e2, maintenance_e8, price_limit_e8;
  int64_t maker_e8, taker_e8;
  // the market
  int64_t last, mark, index_price;  // 0: not yet known
  int64_t prev_day, high_day, low_day;
  bool mark_pinned;                 // set by hand; the market does not move it
  struct exch_level bids[EXCH_LEVELS], asks[EXCH_LEVELS];  // the market maker's, best first
  struct exch_order *buys, *sells;  // clients', best first, older first
  uint64_t generation, update;      // of the ladder; of the book as a whole
  int64_t house_lots;               // the market maker's position: all positions and this sum to zero
  struct exch_public_trade tape[EXCH_TAPE];
  uint64_t tape_count;
  struct exch_candle *candles;      // of a minute, the last one unfinished
  size_t candle_count, candle_cap;
  int64_t funding_ms, funding_e8;   // when next, at which rate
  struct { int64_t time_ms, rate_e8; } funding[EXCH_FUNDING_KEPT];
  uint64_t funding_count;
  int64_t funding_every_ms;
};

// What the outside is told, during a call. All pointers valid then only. Members may be NULL.
struct exch_sink {
  void *self;
  void (*order)(void *self, const struct exch_order *order);
  void (*execution)(void *self, const struct exch_execution *execution);
  void (*position)(void *self, const struct exch_account *account, const struct exch_symbol *symbol, int idx);
  void (*wallet)(void *self, const struct exch_account *account);
  void (*trade)(void *self, const struct exch_symbol *symbol, const struct exch_public_trade *trade);
  void (*market)(void *self, const struct exch_symbol *symbol);  // book, prices or candle changed
};

struct exch {
  uint64_t seed, seq;
  bool with_spot;              // symbols that are added get a spot market too
  int64_t now_ms;              // of the call that goes on; never goes back
  int64_t depth_e8;            // value of one level of the ladder; 0: no market maker
  struct exch_symbol *symbols;
  int symbol_count;
  struct exch_account *accounts[EXCH_ACCOUNTS_MAX];
  int account_count;
  struct exch_order **orders;
  size_t order_count, order_cap;
  struct map by_id;            // orderId → order
  struct exch_execution *executions;
  size_t execution_count, execution_cap;
  struct ledger house;         // market maker, fees, insurance: the other side of all accounts
  struct exch_sink sink;
  char msg[256];               // words of the last refusal, where the code's own are too general
  int trigger_depth;
  bool no_candles;             // while the log is read: those minutes are in the history already
  // For the fault "partial_cancel": the next order of a client is filled to this part at most and then cancelled. 0: off.
  int64_t partial_cancel_e8;
};

// ---- core.c ----
enum status exch_create(uint64_t seed, int64_t depth_e8, struct exch **ret, struct err *err) MUST_CHECK;
void exch_destroy(struct exch *x);
// The deposit is booked. NULL beyond EXCH_ACCOUNTS_MAX.
struct exch_account *exch_account_add(struct exch *x, int64_t uid, int64_t deposit_e8);
void exch_id(struct exch *x, char ret[EXCH_ID_MAX]);  // a UUID out of seed and counter
uint64_t exch_mix(uint64_t a, uint64_t b);
void exch_time(struct exch *x, int64_t now_ms);
// A payment into (or, negative, out of) an account by hand.
void exch_deposit(struct exch *x, struct exch_account *a, int64_t amount_e8);
// The same of a spot market's coin, in 1e-8 lots.
void exch_deposit_coins(struct exch *x, struct exch_account *a, const struct exch_symbol *s, int64_t coins_e8);
// Asserts that money and positions are conserved: what accounts have and the house has cancels out.
void exch_check(const struct exch *x);
struct exch_order *exch_find(const struct exch *x, const struct exch_account *a, const char *id, const char *link);

// ---- symbol.c ----
// A shipped one by name, or one made from its tick and lot.
enum status exch_symbol_add(struct exch *x, const char *name, const struct decimal *tick, const struct decimal *lot, struct err *err) MUST_CHECK;
struct exch_symbol *exch_symbol(const struct exch *x, const char *name);  // the perpetual
struct exch_symbol *exch_symbol_in(const struct exch *x, bool spot, const char *name);
static inline const char *exch_category(const struct exch_symbol *s) { return s->spot ? "spot" : "linear"; }
int64_t exch_value(const struct exch_symbol *s, int64_t ticks, int64_t lots);  // |price × quantity| in e8
const char *const *exch_symbols_shipped(void);  // ends with NULL

// ---- book.c: what is offered, and who meets whom ----
void exch_book_rest(struct exch_order *o);
void exch_book_leave(struct exch_order *o);
// Best price to buy at (sell at), of clients and market maker; 0: none.
int64_t exch_book_best(const struct exch_symbol *s, bool ask);
// Lots that could be had at limit or better (limit 0: at any price).
int64_t exch_book_available(const struct exch_symbol *s, bool buy, int64_t limit);
// An order takes what crosses; at most max_lots. Returns the lots.
int64_t exch_book_take(struct exch *x, struct exch_order *o, int64_t max_lots);
// The market maker quotes around bid and ask anew; clients' orders that cross are filled as makers.
void exch_book_quote(struct exch *x, struct exch_symbol *s, int64_t bid, int64_t ask);
// Somebody who has no account here takes up to so many lots of what clients have resting, best first. Returns the lots.
int64_t exch_book_hit(struct exch *x, struct exch_symbol *s, bool buy, int64_t lots);
// Up to max levels of the whole book, best first; returns how many.
int exch_book_levels(const struct exch_symbol *s, bool asks, struct exch_level *ret, int max);

// ---- fill.c: what a trade does to accounts ----
// pnl and fee are booked, the position changed, an execution recorded. The caller then calls exch_order_trim, once both sides are booked.
void exch_fill_apply(struct exch *x, struct exch_order *o, int64_t price, int64_t lots, bool maker, enum exch_exec kind);
void exch_fill_house(struct exch_symbol *s, bool client_buys, int64_t lots);
struct exch_execution *exch_fill_record(struct exch *x);
void exch_market_print(struct exch *x, struct exch_symbol *s, int64_t price, int64_t lots, bool buy);

// ---- candle.c ----
void exch_candle_trade(struct exch *x, struct exch_symbol *s, int64_t price, int64_t lots);
// The bucket of an interval that ends with the first *at minutes, backwards: *at becomes how many are before it. False: none is left.
bool exch_candle_back(const struct exch_symbol *s, int64_t interval_ms, size_t *at, struct exch_candle *ret);
bool exch_candle_interval(const char *text, int64_t *ret_ms);  // the venue's "1" … "720", "D", "W", "M" (31 days, which stand for a month)
bool exch_candle_add(struct exch_symbol *s, const struct exch_candle *c);  // finished history, times rising; false: out of memory or out of order

// ---- margin.c ----
struct exch_margin {
  int64_t wallet, equity, unrealised, position_im, order_im, position_mm;  // e8
};
void exch_margin_of(const struct exch *x, const struct exch_account *a, struct exch_margin *ret);
// One position's share.
void exch_margin_position(const struct exch_account *a, const struct exch_symbol *s, int idx, struct exch_margin *ret);
int64_t exch_margin_unrealised(const struct exch_symbol *s, const struct exch_position *p);
// Whether an order of that value fits beside everything there is.
bool exch_margin_allows(const struct exch *x, const struct exch_account *a, const struct exch_symbol *s, bool buy, int idx, int64_t value_e8, int64_t fee_e8);
// Spot: what open orders hold of the account's USDT, in e8; what it could sell of the market's coin beside those, in 1e-8 lots.
int64_t exch_margin_locked(const struct exch *x, const struct exch_account *a);
int64_t exch_margin_coins_free(const struct exch_account *a, const struct exch_symbol *s);
// Price at which the position would be liquidated, all else equal; 0: never.
int64_t exch_margin_liquidation_price(const struct exch *x, const struct exch_account *a, const struct exch_symbol *s, int idx);
// Liquidates whoever has to be, in the symbol's positions (NULL: all).
void exch_margin_liquidate(struct exch *x);
// Whatever the margin says.
bool exch_margin_liquidate_now(struct exch *x, struct exch_account *a, struct exch_symbol *s, int idx);

// ---- orders.c, change.c: commands of clients; 0 or the venue's code, *ret the `result` (new reference) ----
int exch_order_create(struct exch *x, struct exch_account *a, json_t *p, json_t **ret);
int exch_order_amend(struct exch *x, struct exch_account *a, json_t *p, json_t **ret);
int exch_order_cancel(struct exch *x, struct exch_account *a, json_t *p, json_t **ret);
int exch_order_cancel_all(struct exch *x, struct exch_account *a, json_t *p, json_t **ret);
int exch_position_leverage(struct exch *x, struct exch_account *a, json_t *p, json_t **ret);
int exch_position_mode(struct exch *x, struct exch_account *a, json_t *p, json_t **ret);
int exch_position_stop(struct exch *x, struct exch_account *a, json_t *p, json_t **ret);
int exch_account_margin_mode(struct exch *x, struct exch_account *a, json_t *p, json_t **ret);
// For the exchange's own orders too (TP/SL, liquidation). NULL: out of memory.
struct exch_order *exch_order_new(struct exch *x, struct exch_account *a, struct exch_symbol *s);
void exch_order_active(struct exch_order *o);  // joins its account's open orders
void exch_order_close(struct exch *x, struct exch_order *o, enum exch_status status, enum exch_why why);
const char *exch_order_filter(const struct exch_order *o);  // orderFilter, by which spot keeps its orders apart
// Goes to the market: takes, then rests or ends.
void exch_order_execute(struct exch *x, struct exch_order *o);
// Reduce-only orders of a position that is no longer there end; its TP/SL follow its size.
void exch_order_trim(struct exch *x, struct exch_account *a, struct exch_symbol *s, int idx);

// ---- trigger.c ----
void exch_trigger_run(struct exch *x, struct exch_symbol *s);  // conditional orders and trailing stops after a price changed
void exch_trigger_position(struct exch *x, struct exch_account *a, struct exch_symbol *s, int idx, bool profit, int64_t price, enum exch_by by);
// A stop for a part of the position, at most lots of it; 0 or the code.
int exch_trigger_part(struct exch *x, struct exch_account *a, struct exch_symbol *s, int idx, bool profit, int64_t px, int64_t lots, enum exch_by by);
// Spot: an order has ended that bore a TP or SL. Its exits, for what it traded less the fee.
void exch_trigger_exits(struct exch *x, const struct exch_order *o);
void exch_trigger_trail(struct exch *x, struct exch_account *a, struct exch_symbol *s, int idx, int64_t distance, int64_t from);

// ---- market.c ----
// The market moved: last trade, quote (0, 0: a tick around it), volume of the trade (0: quote only).
void exch_market_push(struct exch *x, struct exch_symbol *s, int64_t bid, int64_t ask, int64_t last, int64_t lots);
void exch_market_mark(struct exch *x, struct exch_symbol *s, int64_t mark);  // 0: follows the market again
void exch_market_day(struct exch_symbol *s, int64_t now_ms);
// Funding at a rate, now; rate is paid by longs to shorts.
void exch_funding_pay(struct exch *x, struct exch_symbol *s, int64_t rate_e8);
void exch_funding_due(struct exch *x);  // whatever its time has come for

// Text of a JSON value that may be a string or a number; "" when absent.
const char *exch_param_text(const json_t *p, const char *key, char buf[64]);
// The category a request names. False: there is no such market here.
bool exch_param_category(const struct exch *x, const json_t *p, bool *ret_spot);
bool exch_param_bool(const json_t *p, const char *key);
bool exch_param_int(const json_t *p, const char *key, int64_t absent, int64_t *ret);
// A price (quantity) as ticks (lots); absent or "" gives 0. False: no number, negative, or no multiple of the tick (lot).
bool exch_param_ticks(const json_t *p, const char *key, const struct exch_symbol *s, int64_t *ret);
bool exch_param_lots(const json_t *p, const char *key, const struct exch_symbol *s, int64_t *ret);
