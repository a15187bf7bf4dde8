// match/impl.h – inside the matcher: what its files share. Nobody else includes this.
//
// Words. Point: a price of the data on a bar's path (for MARKET_BID a bid) and whether it is the bar's open. Arrival: an
// order's first event, where a marketable one takes liquidity. Working: alive and known to the venue or on its way.
#pragma once
#include "match/match.h"

#define FRAC_ONE INT64_C(100000000)
#define ORDER_PAGE 8  // 2 KB: a bot with a handful of orders should not cost more
#define SPARE_PAGES 4
#define PAGES_GONE 64
#define TRADES_SPARE 16

// A change on its way (latency).
struct pending_change {
  uint64_t id;
  struct order_change change;
};

struct match_symbol {
  struct match_symbol_config cfg;
  struct match_watch watch;
  struct order **work;       // working orders, in the order in which they are matched
  size_t work_count, work_cap;
  int index;
  // While a finest bar is walked:
  const struct bar *bar;     // it
  int64_t room_lots;         // what participation leaves of it; INT64_MAX: no limit
  int64_t shift_ticks;       // MARKET_BID: ask − bid in this bar; else 0
  // compat models
  int64_t pretend_lots;      // compat-backtrader's check at submission
  struct bar now, prev;      // bar being matched and the one before (open_ns INT64_MIN: none)
};

struct matcher {
  struct match_config cfg;
  struct account account;
  struct match_symbol *symbols;
  int symbol_cap;
  struct order **pages;      // orders by id − 1, from page base_page on; ended pages may be freed
  size_t page_count, page_cap, first_page;  // pages before first_page are freed; page_count counts those before base_page too
  size_t base_page;
  struct order *spare[SPARE_PAGES];         // pages to use again
  size_t spare_count;
  uint64_t last_order, last_fill;
  struct match_event *events;  // queue: [head, tail) of cap
  size_t event_head, event_tail, event_cap;
  struct pending_change *changes;
  size_t change_count, change_cap;
  uint64_t *scratch;         // compat models: the queue's ids while a bar goes through it
  size_t scratch_cap;
  bool ruined;               // compat-backtesting: equity reached zero, the run is over
  uint64_t checked;          // compat-backtrader: highest id whose funds were checked at submission
};

// orders.c – orders and the working list; matcher.c: events
struct order *order_find(const struct matcher *m, uint64_t id);
struct order *order_new(struct matcher *m);
void order_hold(struct matcher *m, struct order *o);  // recomputes what o adds to account_symbol.work_*
// Puts o into the working list at index at.
void work_insert(struct matcher *m, struct match_symbol *s, struct order *o, size_t at);
size_t work_index(const struct match_symbol *s, const struct order *o);  // asserts that it is there
// Moves o, reports it, takes it off the working list when it has ended.
void order_change_status(struct matcher *m, struct order *o, enum order_status to, enum reason why, int64_t now_ns);
// Ends o: CANCELED, EXPIRED or REJECTED. REJECTED becomes CANCELED when something was filled.
void order_end(struct matcher *m, struct order *o, enum order_status to, enum reason why, int64_t now_ns);
// Wants it to end: CANCELED, or, where that is for a venue to do, PENDING_CANCEL. True: it has ended, and the working list has moved.
bool order_withdraw(struct matcher *m, struct order *o, enum reason why, int64_t now_ns);
// Appends an event, whose union the caller fills in before the next one.
struct match_event *event_add(struct matcher *m, enum match_event_kind kind, int64_t time_ns);
enum reason order_apply_change(struct matcher *m, struct order *o, const struct order_change *c, int64_t now_ns);
// Orders whose time has come by now_ns: activations, cancels and changes on their way, expiries.
void orders_due(struct matcher *m, struct match_symbol *s, int64_t now_ns);
void ensure_room(void **items, size_t *cap, size_t need, size_t item_size);  // asserts on no memory

static inline bool taker_sized(const struct order *o) { return o->size_kind != SIZE_QTY && o->size_kind != SIZE_CLOSE; }
static inline bool order_is_stop(const struct order *o) { return o->type == ORDER_STOP || o->type == ORDER_TRAILING; }
// A limit, or a stop_limit that has become one.
static inline bool order_is_limit(const struct order *o) {
  return o->type == ORDER_LIMIT || (o->type == ORDER_STOP_LIMIT && o->triggered);
}
// A market order, or a stop that has become one and could not be filled whole.
static inline bool order_is_market(const struct order *o) {
  return o->type == ORDER_MARKET || (order_is_stop(o) && o->triggered);
}

// The balance moved, and with it every liquidation price: the next bar of each symbol must look.
void watch_money_moved(struct matcher *m);

// fees.c (rule 15): fee of an execution at px; first: the order's first fill pays the fixed part. False: overflow.
bool fee_for(const struct match_symbol *s, const struct match_fees *f, price px, int64_t lots, bool maker, bool first,
             bool exact, cash *ret);

// price.c (rules 2, 16)
int64_t spread_ticks_at(const struct match_costs *c, int64_t ticks);       // whole spread, rounded up
int64_t quote_at(const struct match_symbol *s, enum side side, int64_t point);  // what a taker sees there
int64_t slipped(const struct match_costs *c, enum side side, int64_t ticks);    // with slippage, at least one tick

// path.c (rules 3, 4): vertices of a bar; exposure: sign of the position (or of the first entry order when flat).
struct path {
  int64_t point[4];
  bool low_first;
};
void path_make(const struct bar *b, enum path_mode mode, int position_sign, int pending_sign, struct path *ret);
bool path_low_first(const struct bar *b, enum path_mode mode, int position_sign, int pending_sign);

// trailing.c (rule 12)
int64_t trailing_level(const struct order *o);         // stop level in the order's own side
bool trailing_ratchet(struct order *o, int64_t ticks);  // own-side price seen; true: the level moved

// fill.c (rules 13, 14, funds): executes up to lots of o at px while the data stand at point. Returns lots executed; 0 when o
// ended instead, or when there was no room. slip_ticks: information for the fill.
struct execution {
  int64_t point, px;
  int64_t undisturbed;  // price without spread and slippage, for fill.slippage
  bool maker, ambiguous;
  int64_t time_ns;
  int64_t lots;         // at most; INT64_MAX: all that is left
  bool exact_fee;       // compat: round to nearest
  bool fixed_each;      // the fixed fee is due with every execution, not only the order's first
  bool no_funds_check;  // compat models check by their own rules
};
int64_t execute(struct matcher *m, struct match_symbol *s, struct order *o, const struct execution *x);
// What follows from an execution that is booked: the reports of its position, its group, exits that come to life or die.
void fill_follows(struct matcher *m, struct match_symbol *s, struct order *o, const struct fill *f, const struct fill_result *r);
// Lots of o that would close a position.
int64_t closing_lots(const struct matcher *m, const struct order *o, int64_t lots);

// group.c (rules 9, 10)
void group_filled(struct matcher *m, struct match_symbol *s, struct order *o, int64_t lots, int64_t now_ns);
void children_grow(struct matcher *m, struct match_symbol *s, struct order *o, int64_t opened_lots, int64_t now_ns);
// After a position of a leg ended (or changed its side): its reducing orders die.
void reducers_end(struct matcher *m, struct match_symbol *s, enum leg leg, int64_t now_ns);
// A stop and a limit of one group: the sibling of o of the other kind, or NULL.
struct order *group_rival(struct matcher *m, struct match_symbol *s, const struct order *o);
// Creates or changes the sl or tp child of an entry. px NO_PRICE with no trailing: takes it away.
void child_set(struct matcher *m, struct match_symbol *s, struct order *entry, bool is_sl, price px, int64_t now_ns);
// Lots that an entry opened, that are still open (first in, first out) and that its exits have not closed in their own right.
int64_t entry_lots(const struct matcher *m, const struct order *entry);

// liquidation.c (rule 18)
bool liquidation_danger(const struct matcher *m);     // some position is leveraged or short
bool liquidated_at(const struct matcher *m, const struct match_symbol *s, int64_t point);
// First point from a (exclusive when healthy) to b at which the account is liquidated; false: none.
bool liquidation_point(const struct matcher *m, const struct match_symbol *s, int64_t a, int64_t b, int64_t *ret);
// Closes a leg at px, whatever the volume, with tag TAG_LIQUIDATION.
void force_close(struct matcher *m, struct match_symbol *s, int leg, int64_t px, int64_t now_ns);
void liquidate(struct matcher *m, struct match_symbol *s, int64_t now_ns);
void liquidation_watch(struct matcher *m, struct match_symbol *s);  // narrows s->watch

// walk.c: a finest bar under strict or classic.
// mark: NULL, or the mark bar of which b walks part `part` (from 0) of `parts`: 0 of 1 without detail.
void walk_bar(struct matcher *m, struct match_symbol *s, const struct bar *b, const struct bar *mark, int64_t part,
              int64_t parts);

// remote.c
static inline bool market_elsewhere(const struct matcher *m) { return m->cfg.model == MODEL_REMOTE; }
void remote_bar(struct matcher *m, struct match_symbol *s, const struct bar *b);

// strict.c, classic.c (rules 5, 6): how a resting limit fills.
struct limit_rules {
  // Own-side price that a resting limit needs to see, ticks.
  int64_t (*reach)(const struct order *o);
  // Price it gets when the bar opens beyond (open in own-side price).
  int64_t (*gap_price)(const struct order *o, int64_t open);
};
extern const struct limit_rules limit_strict, limit_classic;
static inline const struct limit_rules *limit_rules_of(const struct matcher *m) {
  return m->cfg.model == MODEL_CLASSIC ? &limit_classic : &limit_strict;
}

// compat_backtesting.c, compat_backtrader.c: a bar under their rules, and where a new order goes in the queue.
void backtesting_bar(struct matcher *m, struct match_symbol *s, const struct bar *b);
size_t backtesting_place(const struct match_symbol *s, const struct order *o);
void backtesting_after(struct matcher *m, struct match_symbol *s);
void backtrader_bar(struct matcher *m, struct match_symbol *s, const struct bar *b);
