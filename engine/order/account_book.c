// order/account_book.c – every move is four sums; what they have in common is that they balance.
#include "order/account_book.h"

const char *account_move_text(int move) {
  switch (move) {
#define X(name, number, text, run) \
  case number: return text;
    ACCOUNT_MOVE_LIST(X)
#undef X
    default: return "";
  }
}

bool account_book_balanced(const struct account_book *b) { return (int128)b->paid_in_e8 + b->result_e8 == (int128)b->free_e8 + b->allotted_e8; }

cash account_book_balance(const struct account_book *b) { return (cash){b->paid_in_e8 + b->result_e8}; }

bool account_book_move(const struct account_book *b, enum account_move move, cash amount, cash given, struct account_book *ret) {
  const int64_t a = amount.e8;
  *ret = (struct account_book){0};
  switch (move) {
    case ACCOUNT_MOVE_OPEN:
    case ACCOUNT_MOVE_DEPOSIT: ret->paid_in_e8 = ret->free_e8 = a; return a > 0;
    case ACCOUNT_MOVE_WITHDRAW: ret->paid_in_e8 = ret->free_e8 = -a; return a > 0;
    case ACCOUNT_MOVE_ALLOT: ret->free_e8 = -a, ret->allotted_e8 = a; return a > 0;
    case ACCOUNT_MOVE_RETURN:
      ret->allotted_e8 = -given.e8, ret->free_e8 = a;
      return given.e8 > 0 && sub_checked(a, given.e8, &ret->result_e8);
    case ACCOUNT_MOVE_RESET:
      ret->result_e8 = -b->result_e8;
      return a > 0 && sub_checked(a, b->free_e8, &ret->free_e8) && add_checked(ret->free_e8, b->result_e8, &ret->paid_in_e8);
  }
  return false;
}

bool account_book_apply(struct account_book *b, const struct account_book *change) {
  struct account_book n;
  int64_t balance;
  if (!account_book_balanced(change) || !add_checked(b->paid_in_e8, change->paid_in_e8, &n.paid_in_e8) || !add_checked(b->result_e8, change->result_e8, &n.result_e8) ||
      !add_checked(b->free_e8, change->free_e8, &n.free_e8) || !add_checked(b->allotted_e8, change->allotted_e8, &n.allotted_e8) ||
      !add_checked(n.paid_in_e8, n.result_e8, &balance))
    return false;
  *b = n;
  return true;
}
