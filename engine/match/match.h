// match/match.h – the matcher: one bot's orders and account against bars. Backtest and paper use this one.
//
// Life of an order: submit → (latency) → first event → rests → fills along the bar's path → events in the queue.
// The matcher owns the orders and the account. It knows no clock and no script: the caller tells it bars, funding, swaps and
// time in the order of simulation rule 19 and drains the events, whose callbacks may call submit, cancel and modify again.
// Rules (their numbers are those of the simulation rules) live one file each:
//   orders.c 1, 2 (latency)   strict.c classic.c: 5, 6   compat_backtesting.c compat_backtrader.c: 6   walk.c 2, 7, 8, 11, 14   path.c 3, 4
//   trailing.c 12   group.c 9, 10   fill.c 13, 14 and funds at the fill   fees.c 15   price.c 2, 16 (spread, slippage)
//   funding.c 16, 17   liquidation.c 18   remote.c orders whose market is elsewhere   pack.c its state as bytes
#pragma once
#include "match/event.h"
#include "market/bar.h"
#include "order/account.h"
#include "order/order.h"

#include <stddef.h>

enum fill_model {
  MODEL_STRICT, MODEL_CLASSIC, MODEL_COMPAT_BACKTESTING, MODEL_COMPAT_BACKTRADER,
  MODEL_REMOTE,  // a venue elsewhere makes the market: bars only mark, and what became of orders is told (match/remote.c)
};
enum path_mode { PATH_NEARER, PATH_ADVERSE, PATH_FAVOURABLE };
enum market_kind {
  MARKET_MID,  // data are trades or mids: a taker pays half the spread on each side
  MARKET_BID,  // data are bids (FX, CFD): buys, which are long entries and short exits, pay bid + spread; sells pay none
};

bool fill_model_parse(const char *text, enum fill_model *ret);  // "strict" "classic" "compat-backtesting" "compat-backtrader"; no other
const char *fill_model_text(enum fill_model m);
bool path_mode_parse(const char *text, enum path_mode *ret);    // "nearer" "adverse" "favourable"
const char *path_mode_text(enum path_mode p);
bool fill_model_compat(enum fill_model m);                      // sizes and margin are resolved at the fill

// All fractions in 1e-8 (0.1 % = 100,000), money in 1e-8 of the currency.
struct match_fees {
  int64_t maker_frac_e8, taker_frac_e8;  // of notional; negative: rebate
  int64_t fixed_e8;     // per order, with its first fill
  int64_t per_unit_e8;  // per 1.0 of quantity
};
struct match_costs {
  enum market_kind kind;
  int64_t spread_ticks;      // whole spread
  int64_t spread_frac_e8;    // whole spread as a fraction of price; added to spread_ticks
  int64_t slippage_ticks;    // for takers, against them
  int64_t slippage_frac_e8;
  int64_t swap_long_e8, swap_short_e8;  // credited per day and 1.0 of quantity; negative: charged
};
struct match_symbol_config {
  struct instrument inst;
  struct match_fees fees;
  struct match_costs costs;
  int64_t leverage_e4;          // 1x = 10,000
  int64_t maintenance_frac_e8;  // of notional; default 500,000 (0.5 %)
  int volume_scale;             // of its bars' volume
  cash futures_margin;          // compat-backtrader futures: cash tied per 1.0 of quantity, 0: stock-like
};
struct match_config {
  enum fill_model model;
  enum path_mode path;
  int64_t participation_frac_e8;  // of a bar's volume; 0: off
  int64_t latency_ns;
  bool hedging;
  bool self_trade_check;          // SELF_TRADE: refuse a limit order that meets an own resting one
  bool trade_on_close;            // compat-backtesting: market orders fill at the close of the bar they were given at
  cash deposit;
};
// strict, nearer, no costs, leverage 1, the given deposit.
void match_config_init(struct match_config *c, cash deposit);
void match_symbol_config_init(struct match_symbol_config *c, const struct instrument *inst);

struct matcher;
enum status matcher_create(const struct match_config *config, struct matcher **ret, struct err *err) MUST_CHECK;
void matcher_destroy(struct matcher *m);  // NULL is fine
// A further symbol, index in order of adding from 0. ERR_INVALID names a field that is out of range.
enum status matcher_symbol_add(struct matcher *m, const struct match_symbol_config *config, int *ret_symbol,
                               struct err *err) MUST_CHECK;

// The account, borrowed; change it only through the matcher.
// Asks for its memory, as script_prefetch(): steps 0 and 1.
void matcher_prefetch(const struct matcher *m, int step);
const struct account *matcher_account(const struct matcher *m);
const struct match_config *matcher_config(const struct matcher *m);
const struct match_symbol_config *matcher_symbol_config(const struct matcher *m, int symbol);
cash matcher_equity(const struct matcher *m);
// New terms of a symbol from here on (rule 21): increments and minima for new orders, leverage and maintenance for all.
// ERR_INVALID when they do not fit its finest tick and lot; nothing changed then.
struct terms;
enum status matcher_terms(struct matcher *m, int symbol, const struct terms *t, struct err *err) MUST_CHECK;

// --- orders ----------------------------------------------------------------------------------------------------------------
// An accepted intent of qty lots becomes an order (NEW → SENT or OPEN) and *ret_id its id. qty > 0, or any for orders that
// are resolved at the fill. Returns REASON_NONE, or why it was rejected at once: the order then exists with status REJECTED.
// ERR_NOMEM is fatal and asserted: orders are bounded by risk's MAX_OPEN.
enum reason matcher_submit(struct matcher *m, const struct intent *in, quantity qty, int64_t now_ns, uint64_t *ret_id);
// The same in two steps, for a caller that must name an order before it may send it: an id that is never submitted leaves a
// hole, and matcher_order() knows no order of it. Submit each reserved id at most once.
uint64_t matcher_id_reserve(struct matcher *m);
bool matcher_id_open(const struct matcher *m, uint64_t id);  // reserved, not submitted yet, and above what was released
enum reason matcher_submit_as(struct matcher *m, uint64_t id, const struct intent *in, quantity qty, int64_t now_ns);
// Asks for the end of an order. REASON_NONE, or UNKNOWN_ORDER when it has ended (or never was). Cancelling an entry cancels
// its children that wait for it; cancelling a child leaves the position without it.
enum reason matcher_cancel(struct matcher *m, uint64_t id, enum reason why, int64_t now_ns);
// The venue's answer to an order that has not executed was lost: it becomes UNKNOWN, counts as before, and no market meets it. False: no such
// order, or not so. Cancelling it works, changing it does not.
bool matcher_lost(struct matcher *m, uint64_t id, int64_t now_ns);
// The answer has come: the order works from now on, or, for a reason other than NONE, it is rejected. False: it is not UNKNOWN.
bool matcher_found(struct matcher *m, uint64_t id, enum reason why, int64_t now_ns);

// --- MODEL_REMOTE: what the venue says -------------------------------------------------------------------------------------
// Then submitting only sends (SENT), cancelling only asks (PENDING_CANCEL; an UNKNOWN order stays so, its reason being the wish), and a
// change is what the order is wished to be from now on: whoever speaks to the venue (bot/clerk_remote.c) makes it so, or changes it
// back. Trailing orders are refused (REASON_VENUE).

// to: OPEN – it works: accepted, found, or its cancel was refused –, UNKNOWN, CANCELED, EXPIRED or REJECTED. why: of an end. False, nothing
// happened: no such order, it has ended, or it is so already.
bool matcher_venue_says(struct matcher *m, uint64_t id, enum order_status to, enum reason why, int64_t now_ns) MUST_CHECK;
// An execution, which is money: booked whatever state the order is in, also after its end, also beyond its quantity (which grows then).
struct match_execution {
  price px;
  quantity qty;  // > 0
  cash fee;      // as the venue charged it; negative: a rebate
  bool maker;
};
// False, nothing happened: no such order, or a sum does not fit in 64 bits.
bool matcher_venue_fill(struct matcher *m, uint64_t id, const struct match_execution *x, int64_t now_ns) MUST_CHECK;

// Money that the venue took for holding a position (negative: gave), funding above all. False: it does not fit in 64 bits.
bool matcher_venue_cash(struct matcher *m, cash paid) MUST_CHECK;

// All working orders: of a symbol (or -1), with a tag (or TAG_NONE: any). Returns how many.
int matcher_cancel_all(struct matcher *m, int symbol, uint32_t tag, enum reason why, int64_t now_ns);

// What to change; fields not given (NO_PRICE, 0) stay.
struct order_change {
  price limit, trigger;
  price sl, tp;            // of an entry: before its fill the terms of its children, after it their prices. A child that
                           // does not exist yet is made; on a child itself use trigger (sl) or limit (tp)
  bool sl_none, tp_none;   // take the child away
  quantity qty;            // new total quantity, > filled
  int64_t trail_ticks, trail_frac_e8;
};
void order_change_init(struct order_change *c);
// REASON_NONE, UNKNOWN_ORDER, or MODIFY / BAD_PRICE when the change makes no sense; the order is unchanged then.
enum reason matcher_modify(struct matcher *m, uint64_t id, const struct order_change *change, int64_t now_ns);

// NULL: never existed, or released. Borrowed until the next submit.
const struct order *matcher_order(const struct matcher *m, uint64_t id);
uint64_t matcher_order_last(const struct matcher *m);  // highest id so far; 0: none
// Working orders of a symbol in the order in which they are matched (by rising id, but for the compat models' queues): *pos
// starts at 0; NULL at the end.
const struct order *matcher_working(const struct matcher *m, int symbol, size_t *pos);
// Forgets ended orders with an id below; a bot that runs for years calls it now and then. Nothing that happens later depends on it: those
// that exits or open positions come from stay.
void matcher_orders_release(struct matcher *m, uint64_t id_below);
// Forgets the account's list of round trips, for whoever has read all of it.
void matcher_trades_forget(struct matcher *m);

// --- market ----------------------------------------------------------------------------------------------------------------
struct match_bar {
  const struct bar *bar;
  int64_t close_ns;          // its end
  const struct bar *detail;  // finer bars that replace its path, or NULL; in time order, inside the bar
  size_t detail_count;
  const struct bar *mark;    // mark price bar for liquidation, or NULL: the bar itself; spread evenly over the detail
};
// Matches the symbol's orders against a bar, marks the position at its close, then ends orders whose time is up by close_ns.
// A bar with BAR_FILLED_IN only marks.
void matcher_bar_match(struct matcher *m, int symbol, const struct match_bar *in);

// What the inline test needs of a symbol; kept up to date by the matcher. A bar that stays strictly inside (low, high)
// before until_ns touches nothing.
struct match_watch {
  int64_t low, high;    // ticks; low >= high: always match
  int64_t until_ns;     // a bar that ends after it has an order to expire or activate
  bool danger;          // liquidation is possible: a mark bar must be looked at
  struct account_symbol *acct;
  struct lot_list *lots;   // open entries to extend, or NULL
  struct position *pos;    // whose bars to count, or NULL
};
struct match_watch *matcher_watch(struct matcher *m, int symbol);  // stable until the next matcher_symbol_add

// As matcher_bar_match; the common case (nothing can happen in this bar) costs a few ns. False: nothing happened, so the
// queue need not be looked at.
static inline bool matcher_bar(struct matcher *m, struct match_watch *w, int symbol, const struct match_bar *in) {
  const struct bar *b = in->bar;
  if (b->low.ticks > w->low && b->high.ticks < w->high && in->close_ns < w->until_ns && !(in->mark && w->danger)) {
    w->acct->mark = b->close;
    if (w->pos) {
      w->pos->bars++;
      lot_list_extend(w->lots, b->low);
      lot_list_extend(w->lots, b->high);
    }
    return false;
  }
  matcher_bar_match(m, symbol, in);
  return true;
}

// Between two bars: executes what is left of a working market order at px, the last price known, with its costs and whatever the volume.
// For who must close now (bot/clerk.h). False, nothing happened: no such order, no market order, or one on its way (latency).
bool matcher_execute(struct matcher *m, uint64_t id, price px, int64_t now_ns) MUST_CHECK;
// Time passes without a bar: orders expire and cancels on their way arrive.
void matcher_time(struct matcher *m, int64_t now_ns);
// A first price for a symbol (e.g. the close of the last warm-up bar), so that sizes can be resolved.
void matcher_mark(struct matcher *m, int symbol, price px);
// Where a stop stands: its trigger; of a trailing one the level that it has reached. NO_PRICE: it is no stop.
price matcher_stop_level(const struct order *o);
// What is open still of what an entry opened, in lots, first in first out; 0: nothing, or there is no such order.
int64_t matcher_entry_lots(const struct matcher *m, uint64_t entry);
// Funding (rule 17): cash −= lots × multiplier × mark × rate, for the position before events at ts. rate in 1e-12 of the
// notional (0.01 % = 100,000,000); mark: NO_PRICE uses the last one. False on overflow.
bool matcher_funding(struct matcher *m, int symbol, int64_t ts_ns, int64_t rate_e12, price mark) MUST_CHECK;
// Swap (rule 16) for a number of days: 1, or 3 on the triple weekday. The caller knows 17:00 New York.
bool matcher_swap(struct matcher *m, int symbol, int64_t ts_ns, int days) MUST_CHECK;
// compat-backtesting's finalize_trades, called after the callbacks of the last bar with that bar again: close orders for all
// trades go in front of the queue and the bar is matched once more, so open trades end at its open. Other models: nothing.
void matcher_finalize(struct matcher *m, int symbol, const struct match_bar *last);

// --- events ----------------------------------------------------------------------------------------------------------------
// The next event, or false when there is none. Safe to call submit, cancel, modify between calls.
bool matcher_event_next(struct matcher *m, struct match_event *ret);
size_t matcher_event_count(const struct matcher *m);  // waiting
// Asserts every invariant of orders, groups and account: for tests, and now and then in a run.
void matcher_check(const struct matcher *m);

// Its whole state to bytes; or back into one that is new and has the same configuration and symbols (base/pack.h). No event waits; not for
// compat models. Where reading failed it is only good for matcher_destroy().
struct pack;
void matcher_pack(struct matcher *m, struct pack *p);
