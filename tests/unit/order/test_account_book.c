// tests/unit/order/test_account_book.c – an account's books balance to the last unit through any order of moves; parts of bots sum to what
// was allotted, results of runs to what the account has more than was paid in; what does not fit changes nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "order/account_book.h"
#include "order/sub_books.h"

#define E8(units) ((int64_t)(units) * CASH_ONE)

static bool move(struct account_book *b, enum account_move m, int64_t amount, int64_t given) {
  struct account_book change;
  return account_book_move(b, m, (cash){amount}, (cash){given}, &change) && account_book_apply(b, &change);
}

static void test_a_run_carries_its_result(void **state) {
  (void)state;
  struct account_book b = {0};
  assert_true(move(&b, ACCOUNT_MOVE_OPEN, E8(1000), 0));
  assert_true(move(&b, ACCOUNT_MOVE_ALLOT, E8(400), 0));
  assert_true(b.free_e8 == E8(600) && b.allotted_e8 == E8(400) && account_book_balance(&b).e8 == E8(1000));
  assert_true(move(&b, ACCOUNT_MOVE_RETURN, E8(399) + 1, E8(400)));
  assert_true(b.free_e8 == E8(999) + 1 && b.allotted_e8 == 0 && b.result_e8 == -E8(1) + 1 && b.paid_in_e8 == E8(1000));
  assert_true(move(&b, ACCOUNT_MOVE_DEPOSIT, E8(5), 0) && move(&b, ACCOUNT_MOVE_WITHDRAW, E8(2), 0));
  assert_true(b.paid_in_e8 == E8(1003) && b.free_e8 == E8(1002) + 1);
  assert_true(move(&b, ACCOUNT_MOVE_RESET, E8(50), 0));
  assert_true(b.free_e8 == E8(50) && b.paid_in_e8 == E8(50) && b.result_e8 == 0);
  // A bot that owes: the account does.
  assert_true(move(&b, ACCOUNT_MOVE_ALLOT, E8(50), 0) && move(&b, ACCOUNT_MOVE_RETURN, -E8(3), E8(50)));
  assert_true(b.free_e8 == -E8(3) && b.result_e8 == -E8(53) && account_book_balanced(&b));
}

static void test_what_does_not_fit(void **state) {
  (void)state;
  struct account_book b = {0}, before;
  assert_true(move(&b, ACCOUNT_MOVE_OPEN, INT64_MAX - 5, 0));
  before = b;
  assert_false(move(&b, ACCOUNT_MOVE_DEPOSIT, 6, 0));
  assert_false(move(&b, ACCOUNT_MOVE_DEPOSIT, 0, 0) || move(&b, ACCOUNT_MOVE_WITHDRAW, -1, 0) || move(&b, ACCOUNT_MOVE_ALLOT, 0, 0) || move(&b, ACCOUNT_MOVE_RETURN, 1, 0));
  assert_false(account_book_apply(&b, &(struct account_book){.free_e8 = 1}));  // out of nothing
  assert_memory_equal(&b, &before, sizeof b);
  assert_string_equal(account_move_text(ACCOUNT_MOVE_WITHDRAW), "withdrawal");
  assert_string_equal(account_move_text(99), "");
}

static uint64_t seed = 88172645463325252u;
static int64_t random_below(int64_t n) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return (int64_t)(seed % (uint64_t)n);
}

// Bots of an account come, trade with ledgers of their own, and go; beside the book, the ledgers that must say the same.
#define BOTS 5
static void test_any_sequence(void **state) {
  (void)state;
  struct sub_books books;
  struct account_book b = {0};
  struct err err;
  struct instrument inst = {.symbol = "X", .tick = {1, 1}, .lot = {1, 3}, .multiplier = {1, 0}};
  int symbol, slot[BOTS] = {0}, runs = 0;
  int64_t given[BOTS] = {0};
  assert_int_equal(instrument_finish(&inst, &err), OK);
  assert_int_equal(sub_books_init(&books, &err), OK);
  assert_int_equal(sub_books_symbol(&books, &inst, &symbol, &err), OK);
  assert_true(move(&b, ACCOUNT_MOVE_OPEN, E8(100000), 0) && sub_books_deposit(&books, (cash){E8(100000)}));
  for (int step = 0; step < 40000; step++) {
    const int i = (int)random_below(BOTS), what = (int)random_below(12);
    const price px = {9000 + random_below(2000)};
    const int64_t amount = 1 + random_below(E8(500));
    if (what == 0) {
      assert_true(move(&b, ACCOUNT_MOVE_DEPOSIT, amount, 0) && sub_books_deposit(&books, (cash){amount}));
    } else if (what == 1 && amount <= b.free_e8) {
      assert_true(move(&b, ACCOUNT_MOVE_WITHDRAW, amount, 0) && sub_books_deposit(&books, (cash){-amount}));
    } else if (what < 4 && given[i] == 0 && amount <= b.free_e8) {
      assert_int_equal(sub_books_attach(&books, (uint64_t)(i + 1), &slot[i], &err), OK);
      assert_true(move(&b, ACCOUNT_MOVE_ALLOT, amount, 0) && sub_books_allot(&books, slot[i], (cash){amount}));
      given[i] = amount;
    } else if (what == 4 && given[i]) {  // stops, its position at this price: what it has is what its ledger says
      cash worth;
      const int64_t lots = sub_books_line(&books, slot[i], symbol)->lots;
      if (lots) assert_true(sub_books_fill(&books, slot[i], symbol, lots > 0 ? SIDE_SELL : SIDE_BUY, px, (quantity){lots > 0 ? lots : -lots}, (cash){0}));
      const price none = NO_PRICE;
      assert_true(sub_books_equity(&books, slot[i], &none, &worth));
      assert_true(move(&b, ACCOUNT_MOVE_RETURN, worth.e8, given[i]));
      sub_books_leave(&books, slot[i]);
      assert_true(sub_books_deposit(&books, (cash){worth.e8 - given[i]}));
      given[i] = 0;
      runs++;
    } else if (what > 4 && given[i]) {
      assert_true(sub_books_fill(&books, slot[i], symbol, random_below(2) ? SIDE_BUY : SIDE_SELL, px, (quantity){1 + random_below(50)}, (cash){random_below(1000) - 100}));
    }
    int64_t allotted = 0;
    for (int k = 0; k < BOTS; k++) allotted += given[k];
    sub_books_check(&books);
    assert_true(account_book_balanced(&b) && b.allotted_e8 == allotted && books.slots[SUB_HOUSE].deposit_e8 == b.free_e8);
    assert_true(books.deposit_e8 == account_book_balance(&b).e8);
    // Equity: what is free and each bot's own, against the account's; rounded down once per bot.
    cash whole, one;
    int64_t parts = b.free_e8;
    for (int k = 0; k < BOTS; k++)
      if (given[k]) {
        assert_true(sub_books_equity(&books, slot[k], &px, &one));
        parts += one.e8;
      }
    assert_true(sub_books_account_equity(&books, &px, &whole) && whole.e8 >= parts && whole.e8 - parts <= BOTS);
  }
  assert_true(runs > 1000 && b.result_e8 != 0);
  sub_books_finish(&books);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_run_carries_its_result),
    cmocka_unit_test(test_what_does_not_fit),
    cmocka_unit_test(test_any_sequence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
