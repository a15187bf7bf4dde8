// order/account_book.h – whose money an account's money is, in double entry: what its owner paid in, what its bots won or lost in runs
// that have ended, what is free, and what bots have that run now.
//
//     paid in + result  =  free + allotted        at every moment, to the last unit
//
// A run takes its part from what is free (ALLOT), trades with it in a ledger of its own (order/sub_books, order/account), and at its end
// gives back what that has become (RETURN): the difference is the run's result. So nothing is carried by a setting, and a loss stays lost.
// What an account holds this moment is this, with each bot's part at its present worth. Pure; who stores it is store/account_rows.
#pragma once
#include "base/money.h"

#include <stdbool.h>

// X(NAME, number, text, with a run). Numbers are stored and never reused.
#define ACCOUNT_MOVE_LIST(X)                                                                  \
  X(OPEN, 1, "opened", false)         /* what the account begins with */                      \
  X(DEPOSIT, 2, "deposit", false)                                                             \
  X(WITHDRAW, 3, "withdrawal", false)                                                         \
  X(ALLOT, 4, "allotted", true)       /* to a bot's run */                                    \
  X(RETURN, 5, "returned", true)      /* what that has become; the run is over */             \
  X(RESET, 6, "reset", false)         /* begins anew: nothing won or lost, and another sum */
enum account_move {
#define X(name, number, text, run) ACCOUNT_MOVE_##name = number,
  ACCOUNT_MOVE_LIST(X)
#undef X
};
const char *account_move_text(int move);  // "allotted"; "" for an unknown one

// An account's books, or a change of them. free is negative when a bot gave back less than nothing.
struct account_book {
  int64_t paid_in_e8, result_e8, free_e8, allotted_e8;
};

// The change that a move makes; amount > 0 but for RETURN and RESET, where it is what comes back, and what is free afterwards. given: of
// RETURN, what the run was allotted; 0 for others. b: as it is before, read by RESET only. False: a sum that does not fit.
bool account_book_move(const struct account_book *b, enum account_move move, cash amount, cash given, struct account_book *ret_change);
// False, nothing changed: a sum that does not fit, or one that does not balance.
bool account_book_apply(struct account_book *b, const struct account_book *change);
bool account_book_balanced(const struct account_book *b);
// paid in + result
cash account_book_balance(const struct account_book *b);
