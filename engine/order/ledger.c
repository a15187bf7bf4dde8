// order/ledger.c – double-entry book: a posting changes cash and one other book by opposite amounts, or nothing at all.
#include "order/ledger.h"

#include <assert.h>
#include <string.h>

void ledger_init(struct ledger *l) { memset(l, 0, sizeof *l); }

bool ledger_post(struct ledger *l, enum book book, cash amount) {
  assert(book > BOOK_CASH && book < BOOK_COUNT);
  int64_t cash_after, book_after;
  if (!add_checked(l->balance_e8[BOOK_CASH], amount.e8, &cash_after)) return false;
  if (!sub_checked(l->balance_e8[book], amount.e8, &book_after)) return false;
  l->balance_e8[BOOK_CASH] = cash_after;
  l->balance_e8[book] = book_after;
  l->entries++;
  return true;
}

void ledger_check(const struct ledger *l) {
  int128 sum = 0;
  for (int b = 0; b < BOOK_COUNT; b++) sum += l->balance_e8[b];
  assert(sum == 0);
  int128 cash_now = 0;
  for (int b = BOOK_DEPOSIT; b < BOOK_COUNT; b++) cash_now += ledger_total(l, b).e8;
  assert(cash_now == ledger_cash(l).e8);
}

const char *book_text(enum book b) {
  static const char *const names[BOOK_COUNT] = {"cash", "deposit", "realised", "fees", "funding", "swap"};
  assert((unsigned)b < BOOK_COUNT);
  return names[b];
}
