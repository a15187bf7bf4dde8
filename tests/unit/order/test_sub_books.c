// tests/unit/order/test_sub_books.c – virtual ledgers sum to the account to the last unit, through any trading, joining and
// leaving; what does not fit changes nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "order/sub_books.h"

#define E8(units) ((int64_t)(units) * CASH_ONE)

static struct instrument instrument(int tick_digits, int lot_scale) {
  struct instrument inst = {.symbol = "X", .tick = {tick_digits, 1}, .lot = {1, lot_scale}, .multiplier = {3, 0}};
  struct err err;
  assert_int_equal(instrument_finish(&inst, &err), OK);
  return inst;
}

static void open_books(struct sub_books *b, int symbols) {
  struct err err;
  assert_int_equal(sub_books_init(b, &err), OK);
  for (int i = 0; i < symbols; i++) {
    struct instrument inst = instrument(1 + i, 3);
    int s;
    assert_int_equal(sub_books_symbol(b, &inst, &s, &err), OK);
    assert_int_equal(s, i);
  }
}

static void test_two_bots_on_opposite_sides(void **state) {
  (void)state;
  struct sub_books b;
  struct err err;
  int one, two;
  open_books(&b, 1);                                         // ticks of 0.1, lots of 0.001, ×3: 0.0003 a tick and lot
  assert_true(sub_books_deposit(&b, (cash){E8(1000)}));
  assert_int_equal(sub_books_attach(&b, 11, &one, &err), OK);
  assert_int_equal(sub_books_attach(&b, 22, &two, &err), OK);
  assert_int_equal(sub_books_attach(&b, 22, &two, &err), ERR_EXISTS);
  assert_true(sub_books_allot(&b, one, (cash){E8(400)}) && sub_books_allot(&b, two, (cash){E8(600)}));
  assert_true(sub_books_fill(&b, one, 0, SIDE_BUY, (price){1000}, (quantity){5000}, (cash){E8(1)}));
  assert_true(sub_books_fill(&b, two, 0, SIDE_SELL, (price){1100}, (quantity){5000}, (cash){E8(1)}));
  price mark = {1200};
  cash e1, e2, all;
  assert_int_equal(b.account[0].lots, 0);                    // flat, with 100 × 5000 × 0.0003 = 150 earned
  assert_true(sub_books_equity(&b, one, &mark, &e1) && sub_books_equity(&b, two, &mark, &e2) && sub_books_account_equity(&b, &mark, &all));
  assert_true(e1.e8 == E8(400 - 1 + 300) && e2.e8 == E8(600 - 1 - 150) && all.e8 == E8(1000 - 2 + 150));
  price none = NO_PRICE;
  assert_true(sub_books_account_equity(&b, &none, &all) && !sub_books_equity(&b, one, &none, &e1));
  // The owner sells 2 lots by hand.
  int64_t drift;
  assert_true(sub_books_reconcile(&b, 0, -2, mark, &drift));
  assert_true(drift == -2 && sub_books_line(&b, SUB_HOUSE, 0)->lots == -2);
  assert_true(sub_books_reconcile(&b, 0, -2, mark, &drift) && drift == 0);
  // A bot passes its position to another: the account does not notice.
  assert_true(sub_books_transfer(&b, one, two, 0, 5000, mark));
  assert_true(sub_books_line(&b, one, 0)->lots == 0 && sub_books_line(&b, two, 0)->lots == 0);
  sub_books_check(&b);
  assert_true(sub_books_detach(&b, one));
  assert_int_equal(sub_books_find(&b, 11), -1);
  assert_int_equal(sub_books_find(&b, 22), two);
  sub_books_check(&b);
  sub_books_finish(&b);
}

static void test_nothing_wraps(void **state) {
  (void)state;
  struct sub_books b;
  struct err err;
  int one, two;
  open_books(&b, 1);
  assert_int_equal(sub_books_attach(&b, 1, &one, &err), OK);
  assert_int_equal(sub_books_attach(&b, 2, &two, &err), OK);
  assert_true(sub_books_fill(&b, one, 0, SIDE_BUY, (price){1}, (quantity){INT64_MAX}, (cash){INT64_MAX}));
  assert_false(sub_books_fill(&b, one, 0, SIDE_BUY, (price){1}, (quantity){1}, (cash){0}));
  assert_false(sub_books_fill(&b, two, 0, SIDE_BUY, (price){1}, (quantity){1}, (cash){0}));  // the account's sum
  assert_false(sub_books_fill(&b, two, 0, SIDE_SELL, (price){1}, (quantity){1}, (cash){1}));
  sub_books_check(&b);
  assert_true(sub_books_fill(&b, SUB_HOUSE, 0, SIDE_SELL, (price){1}, (quantity){INT64_MAX}, (cash){-INT64_MAX}));
  assert_false(sub_books_fill(&b, SUB_HOUSE, 0, SIDE_SELL, (price){1}, (quantity){5}, (cash){-1}));
  price huge = {INT64_MAX};
  cash e;
  assert_false(sub_books_equity(&b, one, &huge, &e));
  assert_true(sub_books_deposit(&b, (cash){INT64_MAX}) && !sub_books_deposit(&b, (cash){1}));
  assert_true(sub_books_allot(&b, two, (cash){INT64_MAX}) && !sub_books_allot(&b, two, (cash){1}));
  int64_t drift;
  assert_false(sub_books_reconcile(&b, 0, INT64_MAX, huge, &drift));
  sub_books_check(&b);
  sub_books_finish(&b);
}

// All that was the bot's is gone, from it and from the account; the others have what they had.
static void leave(struct sub_books *b, int slot, uint64_t bot) {
  int64_t others[16] = {0}, deposit = b->deposit_e8, house = b->slots[SUB_HOUSE].deposit_e8 + b->slots[slot].deposit_e8;
  for (int s = 0; s < b->symbol_count; s++) others[s] = b->account[s].lots - sub_books_line(b, slot, s)->lots;
  sub_books_leave(b, slot);
  assert_int_equal(sub_books_find(b, bot), -1);
  assert_true(b->deposit_e8 == deposit && b->slots[SUB_HOUSE].deposit_e8 == house);
  for (int s = 0; s < b->symbol_count; s++) assert_true(b->account[s].lots == others[s]);
}

static void test_random(void **state) {
  (void)state;
  uint64_t x = 4242;
  for (int round = 0; round < 40; round++) {
    struct sub_books b;
    struct err err;
    enum { SYMBOLS = 9, BOTS = 12 };                          // both grow past their first room
    open_books(&b, 1);
    price marks[SYMBOLS];
    for (int i = 0; i < SYMBOLS; i++) marks[i].ticks = 500 + 100 * i;
    for (int i = 0; i < 600; i++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      uint64_t bot = 1 + (x >> 8) % BOTS;
      int slot = sub_books_find(&b, bot), symbol = (int)((x >> 16) % (uint64_t)b.symbol_count);
      price px = {1 + (int64_t)((x >> 24) % 3000)};
      int64_t lots = 1 + (int64_t)((x >> 36) % 90), drift;
      switch (x % 10) {
      case 0: if (b.symbol_count < SYMBOLS) {
        struct instrument inst = instrument(1 + b.symbol_count, 3);
        assert_int_equal(sub_books_symbol(&b, &inst, &symbol, &err), OK);
      } break;
      case 1: if (slot < 0) assert_int_equal(sub_books_attach(&b, bot, &slot, &err), OK); break;
      case 2:
        if (slot > 0 && (x >> 50) % 8 == 0) assert_true(sub_books_detach(&b, slot));
        else if (slot > 0 && (x >> 50) % 8 == 1) leave(&b, slot, bot);
        break;
      case 3: assert_true(sub_books_deposit(&b, (cash){px.ticks * 1000 - E8(1) / 100})); break;
      case 4: if (slot > 0) assert_true(sub_books_allot(&b, slot, (cash){px.ticks - 1500})); break;
      case 5: if (slot > 0) assert_true(sub_books_transfer(&b, slot, SUB_HOUSE, symbol, lots - 45, px)); break;
      case 6: assert_true(sub_books_reconcile(&b, symbol, lots - 45, px, &drift) && b.account[symbol].lots == lots - 45); break;
      default: if (slot > 0) assert_true(sub_books_fill(&b, slot, symbol, x >> 60 & 1 ? SIDE_BUY : SIDE_SELL, px, (quantity){lots}, (cash){lots * 7 - 100}));
      }
      sub_books_check(&b);
    }
    cash all, one;
    int128 sum = 0;
    assert_true(sub_books_account_equity(&b, marks, &all));
    for (int i = 0; i < b.slot_count; i++) {
      assert_true(sub_books_equity(&b, i, marks, &one));
      sum += one.e8;
    }
    assert_true(sum <= all.e8 && all.e8 - sum <= b.slot_count * b.symbol_count);
    sub_books_finish(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_two_bots_on_opposite_sides), cmocka_unit_test(test_nothing_wraps), cmocka_unit_test(test_random),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
