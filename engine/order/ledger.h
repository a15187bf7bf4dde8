// order/ledger.h – double-entry book of one account. Every change is two entries that cancel out; see ledger_check().
//
//     deposit   −  cash + : money paid in
//     realised  −  cash + : profit of a closed part (a loss the other way round)
//     fees      +  cash − : fee (a rebate the other way round)
//     funding, swap, liquidation: as they come
//
// Cash is an asset, so its sign is what the owner has; the other books carry the opposite sign and the sum is always 0.
#pragma once
#include "base/money.h"

#include <stdbool.h>
#include <stdint.h>

enum book { BOOK_CASH, BOOK_DEPOSIT, BOOK_REALISED, BOOK_FEES, BOOK_FUNDING, BOOK_SWAP, BOOK_COUNT };

struct ledger {
  int64_t balance_e8[BOOK_COUNT];  // sums to zero
  uint64_t entries;                // number of postings
};

void ledger_init(struct ledger *l);
// Credits amount to cash (negative: debits) and its opposite to book. False, nothing changed, when a balance would not fit.
// Asserts that book is not cash.
bool ledger_post(struct ledger *l, enum book book, cash amount);
// Money the owner has, without unrealised profit.
static inline cash ledger_cash(const struct ledger *l) { return (cash){l->balance_e8[BOOK_CASH]}; }
// What a book has brought in (positive) or cost (negative) so far: realised profit, −fees, ±funding.
static inline cash ledger_total(const struct ledger *l, enum book b) { return (cash){-l->balance_e8[b]}; }
// Asserts Σ = 0, i.e. cash = deposits + realised − fees ± funding ± swap.
void ledger_check(const struct ledger *l);
const char *book_text(enum book b);
