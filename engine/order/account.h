// order/account.h – one bot's money and positions: ledger, positions, marks, trades.
//
// Every account is a margin account: buying does not spend the balance, it ties up notional / leverage, and equity is the
// balance plus the unrealised profit. With leverage 1 that equals a spot account to the last unit:
//     free = balance + qty·(mark − avg) − qty·mark = balance − qty·avg.
// Exactness: a position's cost is Σ ticks × lots, kept with 32 binary digits after the point (q32), so opening and closing
// whole positions is exact and a part closed at average cost is exact to far below 1e-8. Realised profit is summed in q32
// per symbol and posted as the difference of roundings, so cents never drift.
#pragma once
#include "base/status.h"
#include "market/instrument.h"
#include "order/ledger.h"
#include "order/order.h"
#include "order/trade.h"

#include <stddef.h>

#define LEVERAGE_ONE_E4 INT64_C(10000)

// Position of one leg of one symbol. Average cost: reducing leaves avg unchanged.
struct position {
  int64_t lots;         // signed: short is negative
  int128 cost_q32;      // Σ ticks × lots × 2^32, signed like lots; 0 when flat
  uint64_t id;          // flat to flat; 0 while flat
  int64_t opened_ns;    // first entry
  int64_t bars;         // bars of the symbol closed since it opened
  int adds;             // entries after the first
  struct lot_list open; // first-in-first-out entries, for trades
};

struct account_symbol {
  struct instrument inst;
  price mark;           // last known price; NO_PRICE before the first
  struct position pos[LEG_COUNT];
  int128 realised_q32;  // Σ over closed parts, in ticks × lots × 2^32
  int64_t realised_e8;  // of it posted so far
  int64_t leverage_e4;  // 1x = 10,000
  // Working orders that may open, kept by whoever owns them (the matcher, the venue): lots and notional at their prices.
  int64_t work_buy_lots, work_sell_lots;
  int64_t work_buy_e8, work_sell_e8;
};

struct account {
  struct ledger ledger;
  struct account_symbol *symbols;
  int symbol_count, symbol_cap;
  struct trade_list trades;    // closed round trips, in order of their exits
  uint64_t next_position_id;
  int work_count;              // working orders
  int open_count;              // positions, of all symbols and legs
  bool hedging;
  int64_t equity_peak_e8;      // highest equity seen by account_peak()
};

void account_init(struct account *a, bool hedging);
void account_finish(struct account *a);
// A further symbol; *ret_symbol is its index. leverage_e4: 1x = 10,000.
enum status account_symbol_add(struct account *a, const struct instrument *inst, int64_t leverage_e4, int *ret_symbol,
                               struct err *err) MUST_CHECK;
bool account_deposit(struct account *a, cash amount) MUST_CHECK;

// How a fill changed its position.
enum position_change { POSITION_OPENED, POSITION_ADDED, POSITION_REDUCED, POSITION_CLOSED, POSITION_FLIPPED };
struct fill_result {
  enum position_change change;
  uint64_t position_id;      // of the position touched (of the one closed when flipped)
  uint64_t new_position_id;  // FLIPPED: the one opened
  int64_t lots_before, lots_after;
  cash realised;             // without fees
};
// Books an execution: position, realised profit, fee, trades. False, nothing changed, on overflow. Asserts that symbol, leg
// and quantity make sense; that reduce-only was obeyed is the caller's duty (risk, match).
bool account_fill(struct account *a, const struct fill *f, struct fill_result *ret) MUST_CHECK;

// Signed position of a leg (LEG_NET in hedging: long + short).
int64_t account_lots(const struct account *a, int symbol, enum leg leg);
// Average entry price in ticks as a double, for display and scripts; NaN when flat.
double account_avg_ticks(const struct account *a, int symbol, enum leg leg);
// Average entry price rounded to a tick; NO_PRICE when flat.
price account_avg(const struct account *a, int symbol, enum leg leg, enum round_mode mode);
// Profit of the leg's open position at px, rounded to nearest 1e-8; false on overflow.
bool account_unrealised_at(const struct account *a, int symbol, enum leg leg, price px, cash *ret) MUST_CHECK;
// The same at the mark, all legs; 0 when flat or without a mark.
cash account_unrealised(const struct account *a, int symbol);

static inline void account_mark(struct account *a, int symbol, price px) { a->symbols[symbol].mark = px; }
static inline cash account_balance(const struct account *a) { return ledger_cash(&a->ledger); }
// Balance plus unrealised profit of all positions, with symbol (-1: none) at px instead of its mark. Saturates (money ends at
// 92 billion).
cash account_equity_at(const struct account *a, int symbol, price px);
// The same at the marks.
static inline cash account_equity(const struct account *a) {
  return a->open_count == 0 ? account_balance(a) : account_equity_at(a, -1, NO_PRICE);
}
// Margin tied up by open positions at the marks: Σ |notional| / leverage, rounded up.
cash account_margin(const struct account *a);
// Equity − margin − margin that working orders would tie up, at their own prices (buys and sells cannot both open more in a
// netting account, so the larger side counts); may be negative. account_free_now leaves the working orders out.
cash account_free(const struct account *a);
cash account_free_now(const struct account *a);
// Margin that opening lots at px ties up (rounded up); false on overflow.
bool account_margin_of(const struct account *a, int symbol, price px, int64_t lots, cash *ret) MUST_CHECK;
// Splits lots on side and leg into the part that closes and the part that opens.
void account_split(const struct account *a, int symbol, enum side side, enum leg leg, int64_t lots, int64_t *ret_closing,
                   int64_t *ret_opening);
// Raises the peak to the present equity and returns it.
cash account_peak(struct account *a);
// Asserts the ledger's and positions' invariants: sums, signs, lots of a leg = Σ of its open entries.
void account_check(const struct account *a);
// Everything but its symbols' terms to bytes; or back into one that is new and has the same symbols (base/pack.h).
struct pack;
void account_pack(struct account *a, struct pack *p);
