// order/sub_books.h – one venue account shared by several bots: a virtual ledger for each, whose sum is the account.
//
// A venue nets what all bots of an account do; each bot must see its own position, profit and money. Every execution is booked
// twice, for its bot and for the account, as plain sums of integers: lots, fees, and the money that went in and out as
// Σ −side × ticks × lots. Nothing is rounded and no average is taken, so
//
//     Σ over bots of lots, flow, fees and deposits  =  the account's        (sub_books_check)
//
// holds to the last unit whatever order executions come in, also where one bot's long is another's short and the account flat.
// What belongs to no bot – the owner trades by hand, the venue liquidates – is the house's (slot 0).
#pragma once
#include "market/instrument.h"
#include "order/order.h"

#include <stddef.h>

#define SUB_HOUSE 0  // slot of what belongs to no bot

struct sub_line {      // of one slot and symbol
  int64_t lots;        // signed position
  int128 flow;         // Σ −side × ticks × lots: with lots × mark, the profit before fees in ticks × lots
  int64_t fees_e8;     // paid; negative: received
};
struct sub_slot {
  uint64_t bot;        // 0: the house, or a free slot
  bool used;
  int64_t deposit_e8;  // what it was given of the account
};

struct sub_books {
  struct instrument *symbols;
  int symbol_count, symbol_cap;
  struct sub_slot *slots;
  int slot_count, slot_cap;
  struct sub_line *lines;    // [slot × symbol_cap + symbol]
  struct sub_line *account;  // [symbol]: booked independently of the lines
  int64_t deposit_e8;        // of the account
};

// An account with the house in slot 0.
enum status sub_books_init(struct sub_books *b, struct err *err) MUST_CHECK;
void sub_books_finish(struct sub_books *b);
enum status sub_books_symbol(struct sub_books *b, const struct instrument *inst, int *ret_symbol, struct err *err) MUST_CHECK;
// A place for a bot; ERR_EXISTS if it has one.
enum status sub_books_attach(struct sub_books *b, uint64_t bot, int *ret_slot, struct err *err) MUST_CHECK;
// The bot leaves: its lines and money go to the house. False, nothing changed, when a sum would not fit.
bool sub_books_detach(struct sub_books *b, int slot) MUST_CHECK;
// The bot leaves and the account loses what was its: for one whose history will be booked again, and for paper. Its deposit goes back
// to the house. Cannot fail: an account without it is a sum of fewer.
void sub_books_leave(struct sub_books *b, int slot);
int sub_books_find(const struct sub_books *b, uint64_t bot);  // slot, or -1

// Money in or out of the account, to the house; then from the house to a bot (negative: back). False: does not fit.
bool sub_books_deposit(struct sub_books *b, cash amount) MUST_CHECK;
bool sub_books_allot(struct sub_books *b, int slot, cash amount) MUST_CHECK;
// An execution of the slot. False, nothing changed, when a sum would not fit.
bool sub_books_fill(struct sub_books *b, int slot, int symbol, enum side side, price px, quantity qty, cash fee) MUST_CHECK;
// What a slot had of a symbol before this process, in one: as if all of its executions were booked again. False: a sum would not fit.
bool sub_books_bring(struct sub_books *b, int slot, int symbol, const struct sub_line *line) MUST_CHECK;
// A position passes from one slot to another at px, e.g. when two bots' orders were crossed inside. The account is unchanged.
bool sub_books_transfer(struct sub_books *b, int from, int to, int symbol, int64_t lots, price px) MUST_CHECK;
// The venue says that the account holds venue_lots: the difference goes to the house at px. *ret_drift is what was missing.
bool sub_books_reconcile(struct sub_books *b, int symbol, int64_t venue_lots, price px, int64_t *ret_drift) MUST_CHECK;

static inline const struct sub_line *sub_books_line(const struct sub_books *b, int slot, int symbol) {
  return &b->lines[(size_t)slot * (size_t)b->symbol_cap + (size_t)symbol];
}
// Deposit + profit at the marks − fees, rounded down once per symbol: the sum over slots is at most slots × symbols × 1e-8
// below that of the account. marks: one per symbol, NO_PRICE where nothing is held. False: overflow, or a held one without a mark.
bool sub_books_equity(const struct sub_books *b, int slot, const price *marks, cash *ret) MUST_CHECK;
bool sub_books_account_equity(const struct sub_books *b, const price *marks, cash *ret) MUST_CHECK;
// Asserts that the slots sum to the account.
void sub_books_check(const struct sub_books *b);
