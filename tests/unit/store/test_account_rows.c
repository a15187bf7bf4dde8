// tests/unit/store/test_account_rows.c – accounts' books in a real database file: they begin once, every entry balances, a run has its money
// exactly as long as it is open, a request is done once, and what does not add up is told.
#include "store/account_rows.h"

#include "store/db.h"
#include "store/journal_rows.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

#define TENANT 7
#define ACCOUNT 70
#define BOT 100

static struct store *store;
static struct db *db;
static struct err err;
static char dir[40];

static int open_store(void **state) {
  (void)state;
  strcpy(dir, "/tmp/perigee-accounts-XXXXXX");
  if (!mkdtemp(dir) || store_open(dir, &(struct store_options){NULL}, &store, &err) != OK) return 1;
  db = store_reader(store, STORE_JOURNAL);
  return 0;
}
static int close_store(void **state) {
  (void)state;
  store_close(store);
  char command[100];
  snprintf(command, sizeof command, "rm -rf %s", dir);
  return system(command);
}

static enum status append(struct account_entry e, struct journal_record *r) {
  struct journal_batch b = {.entries = &e, .entry_count = 1, .records = r, .record_count = r ? 1 : 0};
  return store_write_sync(store, STORE_JOURNAL, journal_append, &b, &err);
}
static struct account_entry entry(int kind, int64_t bot, uint32_t run, struct account_sums change) {
  return (struct account_entry){.account_id = ACCOUNT, .tenant_id = TENANT, .kind = kind, .bot_id = bot, .run = run, .change = change, .clock_ns = 5, .opening_e8 = 1000};
}
static enum status allot(int64_t bot, uint32_t run, int64_t amount) {
  struct journal_record opens = {.bot_id = bot, .tenant_id = TENANT, .run = run, .kind = 1, .opens = true, .body = "", .len = 0};
  return append(entry(4, bot, run, (struct account_sums){.free_e8 = -amount, .allotted_e8 = amount}), &opens);
}
static enum status give_back(int64_t bot, uint32_t run, int64_t given, int64_t worth) {
  struct journal_record closes = {.bot_id = bot, .tenant_id = TENANT, .run = run, .kind = 9, .closes = true, .clock_ns = 9, .body = "", .len = 0};
  return append(entry(5, bot, run, (struct account_sums){.result_e8 = worth - given, .free_e8 = worth, .allotted_e8 = -given}), &closes);
}
static void expect_sums(int64_t paid_in, int64_t result, int64_t free, int64_t allotted) {
  struct account_sums s;
  assert_int_equal(account_sums_get(db, ACCOUNT, &s, &err), OK);
  assert_true(s.paid_in_e8 == paid_in && s.result_e8 == result && s.free_e8 == free && s.allotted_e8 == allotted);
}

static bool add_share(void *arg, int64_t bot_id, uint32_t run, int64_t amount_e8) {
  *(int64_t *)arg += bot_id * 1000000 + run * 10000 + amount_e8;
  return true;
}
static int64_t shares(void) {
  int64_t sum = 0;
  assert_int_equal(account_shares(db, ACCOUNT, add_share, &sum, &err), OK);
  return sum;
}

static bool see_entry(void *arg, const struct account_entry *e) {
  int *text = arg;
  *text = *text * 10 + e->kind;
  return true;
}
static void see_fault(void *arg, const char *fault) {
  (void)fault;
  ++*(int *)arg;
}
static int faults(void) {
  int n = 0;
  assert_int_equal(journal_check(db, see_fault, &n, &err), OK);
  return n;
}

static void test_a_run_has_its_money_while_it_is_open(void **state) {
  (void)state;
  struct account_sums s;
  assert_int_equal(account_sums_get(db, ACCOUNT, &s, &err), ERR_NOTFOUND);
  assert_int_equal(allot(BOT, 1, 400), OK);
  expect_sums(1000, 0, 600, 400);
  assert_int_equal(shares(), BOT * 1000000 + 10000 + 400);
  assert_int_equal(allot(BOT, 1, 400), ERR_EXISTS);
  assert_int_equal(give_back(BOT, 1, 399, 500), ERR_INVALID);  // not what it was given
  assert_int_equal(give_back(BOT, 1, 400, 350), OK);
  expect_sums(1000, -50, 950, 0);
  assert_int_equal(shares(), 0);
  assert_int_equal(give_back(BOT, 1, 400, 350), ERR_INVALID);  // its run is over
  assert_int_equal(allot(BOT, 2, 950), OK);
  expect_sums(1000, -50, 0, 950);
  int kinds = 0;
  assert_int_equal(account_entries(db, TENANT, ACCOUNT, INT64_MAX, 10, see_entry, &kinds, &err), OK);
  assert_int_equal(kinds, 4541);
  kinds = 0;
  assert_int_equal(account_entries(db, TENANT, ACCOUNT, 3, 1, see_entry, &kinds, &err), OK);
  assert_int_equal(kinds, 4);
  kinds = 0;
  assert_int_equal(account_entries(db, TENANT + 1, ACCOUNT, INT64_MAX, 10, see_entry, &kinds, &err), OK);
  assert_int_equal(kinds, 0);
  assert_int_equal(faults(), 0);
}

static void test_owners_money(void **state) {
  (void)state;
  struct account_entry in = entry(2, 0, 0, (struct account_sums){.paid_in_e8 = 5, .free_e8 = 5});
  strcpy(in.request, "key");
  assert_int_equal(append(in, NULL), OK);
  assert_int_equal(append(in, NULL), ERR_EXISTS);
  expect_sums(1005, 0, 1005, 0);
  struct account_entry out = entry(3, 0, 0, (struct account_sums){.paid_in_e8 = -1006, .free_e8 = -1006});
  out.covered = true;
  assert_int_equal(append(out, NULL), ERR_LIMIT);
  assert_int_equal(append(entry(2, 0, 0, (struct account_sums){.paid_in_e8 = 5, .free_e8 = 6}), NULL), ERR_INVALID);  // out of nothing
  expect_sums(1005, 0, 1005, 0);
  assert_int_equal(faults(), 0);
}

static enum status run_script(struct db *w, void *sql, struct err *e) { return db_script(w, *(const char **)sql, e); }
static void tamper(const char *sql) { assert_int_equal(store_write_sync(store, STORE_JOURNAL, run_script, &sql, &err), OK); }

static void test_what_does_not_add_up_is_told(void **state) {
  (void)state;
  assert_int_equal(allot(BOT, 1, 400), OK);
  assert_int_equal(allot(BOT + 1, 1, 100), OK);
  assert_int_equal(faults(), 0);
  tamper("UPDATE account_book SET free = free + 1, paid_in = paid_in + 1");
  assert_int_equal(faults(), 1);
  tamper("UPDATE account_share SET amount = 399 WHERE bot_id = 100");
  assert_int_equal(faults(), 2);
  tamper("UPDATE run SET last_id = first_id WHERE bot_id = 101");
  assert_int_equal(faults(), 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_a_run_has_its_money_while_it_is_open, open_store, close_store),
    cmocka_unit_test_setup_teardown(test_owners_money, open_store, close_store),
    cmocka_unit_test_setup_teardown(test_what_does_not_add_up_is_told, open_store, close_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
