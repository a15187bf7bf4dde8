// tests/unit/risk/test_last_check.c – each violation trips, with its numbers and its scope, and nothing else does; against a
// naive count over a whole random history.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "risk/last_check.h"

#define SEC INT64_C(1000000000)

static struct last_check *make(int64_t account_orders, int64_t tenant_notional) {
  struct last_check *c = last_check_create(8, 4, (struct last_budget){10 * SEC, account_orders, 0},
                                           (struct last_budget){10 * SEC, 0, tenant_notional});
  assert_non_null(c);
  return c;
}

static void expect(struct last_check *c, enum last_why why, enum last_scope scope, int64_t limit, int64_t value) {
  struct last_report r = last_check_report(c);
  assert_true(r.why == why && r.scope == scope && r.limit == limit && r.value == value);
  assert_int_equal(last_check_tripped(c, 99, 99), scope == LAST_EVERYTHING);
  assert_true(last_why_text(why)[0]);
}

static void test_quantity(void **state) {
  (void)state;
  struct last_check *c = make(0, 0);
  assert_true(last_check_intend(c, 1, 10));
  assert_true(last_check_send(c, 1, 1, 1, 6, 0, 0));
  assert_true(last_check_filled(c, 1, 2));
  assert_true(last_check_ended(c, 1, 4));                    // the rest was cancelled: 8 are left to send
  assert_true(last_check_send(c, 1, 1, 1, 8, 0, 0));
  expect(c, LAST_OK, LAST_NOTHING, 0, 0);
  assert_false(last_check_send(c, 1, 1, 1, 1, 0, 0));
  expect(c, LAST_QUANTITY, LAST_EVERYTHING, 0, 1);
  assert_true(last_check_intend(c, 2, 1) == false && last_check_send(c, 1, 1, 1, 1, 0, 0) == false);
  expect(c, LAST_QUANTITY, LAST_EVERYTHING, 0, 1);           // the first violation stays the reported one
  last_check_reset(c);
  assert_true(last_check_intend(c, 2, 1));
  assert_true(last_check_send(c, 2, 1, 1, 1, 0, 0));
  last_check_destroy(c);
}

static void test_known_from_the_journal(void **state) {
  (void)state;
  struct last_check *c = make(1, 1);                         // one order in a window: what is adopted spends none of it
  assert_true(last_check_adopt(c, 1, 3, 7) && last_check_adopt(c, 2, 0, 5) && last_check_adopt(c, 3, 4, 0) == true);
  assert_true(last_check_filled(c, 1, 7) && last_check_ended(c, 2, 5) && last_check_forget(c, 3));
  assert_true(last_check_intend(c, 4, 1) && last_check_send(c, 4, 1, 1, 1, 1, 0));
  assert_false(last_check_filled(c, 1, 1));
  expect(c, LAST_OVERFILLED, LAST_EVERYTHING, 10, 11);
  last_check_reset(c);
  assert_false(last_check_adopt(c, 1, 3, 7));
  expect(c, LAST_REPEATED, LAST_EVERYTHING, 10, 10);
  const int64_t bad[][2] = {{-1, 1}, {1, -1}, {INT64_MAX, 1}, {0, 0}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    last_check_reset(c);
    assert_false(last_check_adopt(c, 9, bad[i][0], bad[i][1]));
    assert_true(last_check_report(c).why == LAST_NONSENSE);
  }
  last_check_destroy(c);
}

static void test_each_violation(void **state) {
  (void)state;
  struct last_check *c = make(0, 0);
#define TRIPS(call, why, limit, value) \
  do { assert_false(call); expect(c, why, LAST_EVERYTHING, limit, value); last_check_reset(c); } while (0)
  TRIPS(last_check_send(c, 5, 1, 1, 1, 0, 0), LAST_NO_INTENT, 0, 1);
  TRIPS(last_check_send(c, 0, 1, 1, 1, 0, 0), LAST_NO_INTENT, 0, 1);
  TRIPS(last_check_filled(c, 5, 3), LAST_NO_INTENT, 0, 3);
  TRIPS(last_check_ended(c, 5, 3), LAST_NO_INTENT, 0, 3);
  TRIPS(last_check_forget(c, 5), LAST_NO_INTENT, 0, 0);
  TRIPS(last_check_intend(c, 0, 1), LAST_NONSENSE, 0, 1);
  TRIPS(last_check_intend(c, 1, 0), LAST_NONSENSE, 0, 0);
  assert_true(last_check_intend(c, 1, 10));
  TRIPS(last_check_intend(c, 1, 10), LAST_REPEATED, 10, 10);
  TRIPS(last_check_send(c, 1, 1, 1, 0, 0, 0), LAST_NONSENSE, 0, 0);
  TRIPS(last_check_send(c, 1, 1, 1, 1, -1, 0), LAST_NONSENSE, 0, -1);
  TRIPS(last_check_send(c, 1, 1, 1, INT64_MAX, 0, 0), LAST_QUANTITY, 10, INT64_MAX);
  assert_true(last_check_send(c, 1, 1, 1, 4, 0, 0));
  TRIPS(last_check_forget(c, 1), LAST_QUANTITY, 0, 4);
  TRIPS(last_check_ended(c, 1, 5), LAST_UNSENT, 4, 5);
  TRIPS(last_check_ended(c, 1, -1), LAST_NONSENSE, 0, -1);
  TRIPS(last_check_filled(c, 1, 0), LAST_NONSENSE, 0, 0);
  TRIPS(last_check_filled(c, 1, 5), LAST_UNSENT, 4, 5);      // booked all the same
  TRIPS(last_check_send(c, 1, 1, 1, 6, 0, 0), LAST_QUANTITY, 5, 6);
  assert_true(last_check_send(c, 1, 1, 1, 5, 0, 0) && last_check_ended(c, 1, 3));
  assert_true(last_check_filled(c, 1, 4));                   // two of them late: they had been taken for ended
  TRIPS(last_check_send(c, 1, 1, 1, 2, 0, 0), LAST_QUANTITY, 1, 2);
  TRIPS(last_check_raise(c, 1, 0), LAST_NONSENSE, 10, 0);
  TRIPS(last_check_raise(c, 1, INT64_MAX), LAST_NONSENSE, 10, INT64_MAX);
  TRIPS(last_check_raise(c, 7, 1), LAST_NO_INTENT, 0, 1);
  assert_true(last_check_raise(c, 1, 1) && last_check_send(c, 1, 1, 1, 2, 0, 0) && last_check_filled(c, 1, 2));
  TRIPS(last_check_filled(c, 1, 6), LAST_OVERFILLED, 11, 17);
  TRIPS(last_check_filled(c, 1, INT64_MAX), LAST_OVERFILLED, 11, INT64_MAX);
  assert_true(last_check_forget(c, 1));
  for (uint64_t i = 1; i <= 8; i++) assert_true(last_check_intend(c, i, 1));
  TRIPS(last_check_intend(c, 9, 1), LAST_FULL, 8, 8);
  assert_true(last_check_forget(c, 3));
  assert_true(last_check_intend(c, 9, 1));
  assert_true(last_check_send(c, 1, 1, 1, 1, 0, 0) && last_check_send(c, 2, 2, 2, 1, 0, 0));
  TRIPS(last_check_send(c, 4, 3, 3, 1, 0, 0), LAST_FULL, 4, 4);
  last_check_destroy(c);
}

// A budget stops its owner alone.
static void test_budgets(void **state) {
  (void)state;
  struct last_check *c = make(3, 1000);
  for (uint64_t i = 1; i <= 8; i++) assert_true(last_check_intend(c, i, 100));
  for (int i = 0; i < 3; i++) assert_true(last_check_send(c, 1, 1, 1, 1, 100, i * SEC));
  assert_false(last_check_send(c, 1, 1, 1, 1, 100, 3 * SEC));
  expect(c, LAST_RATE, LAST_ACCOUNT, 3, 4);
  assert_true(last_check_tripped(c, 1, 99) && !last_check_tripped(c, 2, 1));
  assert_false(last_check_send(c, 1, 1, 1, 1, 1, 100 * SEC)); // sticky, whatever the time
  assert_true(last_check_send(c, 2, 2, 1, 1, 600, 3 * SEC));   // another account: 100 × 4 + 1 + 600 = the tenant's 1001
  assert_true(last_check_report(c).why == LAST_RATE);
  last_check_reset(c);
  assert_true(last_check_send(c, 3, 2, 1, 1, 1, 200 * SEC));   // the window is over
  assert_false(last_check_send(c, 3, 2, 1, 1, 1000, 201 * SEC));
  expect(c, LAST_NOTIONAL, LAST_TENANT, 1000, 1001);
  assert_true(last_check_tripped(c, 99, 1) && !last_check_tripped(c, 2, 2));
  last_check_reset(c);
  // Just under a window apart still counts; a clock that goes back changes nothing.
  assert_true(last_check_send(c, 4, 1, 2, 1, 500, 300 * SEC));
  assert_true(last_check_send(c, 4, 1, 2, 1, 500, 290 * SEC));
  assert_false(last_check_send(c, 4, 1, 2, 1, 1, 309 * SEC + 999999999));
  last_check_destroy(c);
}

// Against the definition over the whole history: never lets through what any window forbids, and stops at the latest what
// window + one slice forbids.
static void test_random_history(void **state) {
  (void)state;
  uint64_t x = 12345;
  for (int round = 0; round < 60; round++) {
    enum { N = 400 };
    static int64_t when[N];
    int sent = 0;
    struct last_check *c = make(20, 0);
    assert_true(last_check_intend(c, 1, INT64_MAX));
    int64_t now = 1000 * SEC;
    for (int i = 0; i < N; i++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      now += (int64_t)(x % (uint64_t)SEC);
      int in_window = 0, in_wider = 0;
      for (int k = 0; k < sent; k++) in_window += now - when[k] < 10 * SEC, in_wider += now - when[k] < 11 * SEC;
      bool ok = last_check_send(c, 1, 1, 1, 1, 1, now);
      if (ok) assert_true(in_window < 20);
      else assert_true(in_wider >= 20);
      if (ok) when[sent++] = now;
      else {
        last_check_reset(c);
        now += 12 * SEC;
      }
    }
    last_check_destroy(c);
  }
}

// Rows move up when one is forgotten: every other is still found.
static void test_forgetting(void **state) {
  (void)state;
  struct last_check *c = last_check_create(500, 2, (struct last_budget){SEC, 0, 0}, (struct last_budget){SEC, 0, 0});
  assert_non_null(c);
  static bool open[2000];
  int count = 0;
  uint64_t x = 99;
  for (int i = 0; i < 40000; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    uint64_t id = 1 + x % 1999;
    if (open[id]) assert_true(last_check_send(c, id, 1, 1, 1, 0, 0) && last_check_ended(c, id, 1) && last_check_forget(c, id));
    else if (count < 500) assert_true(last_check_intend(c, id, 1));
    else continue;
    open[id] = !open[id];
    count += open[id] ? 1 : -1;
  }
  last_check_destroy(c);
}

// Tables grow under what they hold: nobody's count or own budget is lost, and the maximum still is one.
static void test_growing(void **state) {
  (void)state;
  struct last_check *c = last_check_create(3000, 1000, (struct last_budget){SEC, 0, 0}, (struct last_budget){SEC, 0, 0});
  assert_non_null(c);
  for (uint64_t k = 1; k <= 999; k++)
    assert_true(last_check_budget(c, LAST_BOT, k, 2, 0) && last_check_intend(c, 3 * k, 1) && last_check_intend(c, 3 * k + 1, 1) && last_check_intend(c, 3 * k + 2, 1));
  for (uint64_t k = 1; k <= 999; k++) assert_false(last_check_tripped(c, k, k));
  for (uint64_t k = 1; k <= 999; k++) assert_int_equal(last_check_filled(c, 3 * k, 2), false), last_check_reset(c);  // known, and never sent
  for (uint64_t k = 1; k <= 999; k++) {
    const struct last_report r = (last_check_filled(c, 3 * k, 1), last_check_latest(c));
    assert_true(r.why == LAST_OVERFILLED && r.intent == 3 * k && r.limit == 1 && r.value == 3);
    last_check_reset(c);
  }
  assert_true(last_check_intend(c, 1, 1) && last_check_intend(c, 2, 1) && last_check_intend(c, 9001, 1) && !last_check_intend(c, 9002, 1));
  assert_int_equal(last_check_report(c).why, LAST_FULL);
  last_check_destroy(c);
}

// A bot's own budget trips that bot alone; one of its own of an account holds instead of the others'.
// The table of owners grows under the order of the one who made it grow: that order counts, too.
static void test_growing_owners(void **state) {
  (void)state;
  struct last_check *c = last_check_create(2000, 2000, (struct last_budget){10 * SEC, 0, 0}, (struct last_budget){10 * SEC, 3, 0});
  for (uint64_t k = 1; k <= 900; k++) {  // a tenant's row comes first
    assert_true(last_check_intend(c, k, 10));
    for (int i = 0; i < 3; i++) assert_true(last_check_send(c, k, k, k, 1, 1, SEC));
    assert_false(last_check_send(c, k, k, k, 1, 1, SEC));
    assert_true(last_check_latest(c).why == LAST_RATE && last_check_latest(c).tenant == k && last_check_latest(c).value == 4);
  }
  last_check_destroy(c);
}

static void test_budgets_of_their_own(void **state) {
  (void)state;
  struct last_check *c = last_check_create(100, 8, (struct last_budget){10 * SEC, 100, 0}, (struct last_budget){10 * SEC, 100, 0});
  for (uint64_t id = 1; id <= 20; id++) assert_true(last_check_intend(c, id, 10));
  assert_true(last_check_budget(c, LAST_BOT, 7, 3, 0) && last_check_budget(c, LAST_ACCOUNT, 7, 0, 1000) && last_check_budget(c, LAST_BOT, 8, 0, 0));
  for (uint64_t id = 1; id <= 3; id++) assert_true(last_check_send_by(c, 7, id, 1, 1, 10, 5, SEC));
  assert_false(last_check_send_by(c, 7, 4, 1, 1, 10, 5, SEC));
  struct last_report r = last_check_latest(c);
  assert_true(r.why == LAST_RATE && r.scope == LAST_BOT && r.bot == 7 && r.limit == 3 && r.value == 4 && r.intent == 4);
  assert_true(last_check_bot_tripped(c, 7) && !last_check_bot_tripped(c, 8) && !last_check_bot_tripped(c, 9) && !last_check_tripped(c, 1, 1));
  assert_true(last_check_send_by(c, 8, 5, 1, 1, 10, 5, SEC) && last_check_send_by(c, 9, 6, 1, 1, 10, 5, SEC));  // as many as they like
  assert_true(last_check_send_by(c, 8, 7, 7, 1, 10, 600, SEC));
  assert_false(last_check_send_by(c, 8, 8, 7, 1, 10, 401, SEC));
  assert_true(last_check_latest(c).scope == LAST_ACCOUNT && last_check_latest(c).limit == 1000 && last_check_latest(c).value == 1001);
  assert_true(last_check_report(c).bot == 7);  // the first is the cause that is asked about
  assert_false(last_check_send_by(c, 7, 9, 1, 1, 10, 5, 100 * SEC));  // whatever the time
  last_check_reset(c);
  assert_true(last_check_send_by(c, 7, 9, 1, 1, 10, 5, 100 * SEC) && last_check_latest(c).why == LAST_OK);
  assert_true(last_check_budget(c, LAST_BOT, 7, 1, 0));
  assert_false(last_check_send_by(c, 7, 10, 1, 1, 10, 5, 100 * SEC));
  // One that is given back is everybody's again, not none.
  assert_true(last_check_budget(c, LAST_ACCOUNT, 6, 1, 0) && last_check_budget(c, LAST_ACCOUNT, 6, 0, 0) && last_check_intend(c, 50, 200));
  for (int k = 0; k < 100; k++) assert_true(last_check_send(c, 50, 6, 100, 1, 1, 200 * SEC));
  assert_false(last_check_send(c, 50, 6, 101, 1, 1, 200 * SEC));
  last_check_destroy(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_quantity), cmocka_unit_test(test_known_from_the_journal), cmocka_unit_test(test_each_violation), cmocka_unit_test(test_budgets),
    cmocka_unit_test(test_random_history), cmocka_unit_test(test_budgets_of_their_own), cmocka_unit_test(test_forgetting), cmocka_unit_test(test_growing), cmocka_unit_test(test_growing_owners),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
