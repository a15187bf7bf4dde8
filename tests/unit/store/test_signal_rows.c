// tests/unit/store/test_signal_rows.c – signals that wait, in a real database file: their ids come in the order of their commits, whenever they were
// received, so that who reads on from the last it saw misses none; and no sweep takes what waits – neither a bot's signals nor a hook's messages.
#include "store/bot_rows.h"
#include "store/db.h"
#include "store/hook_rows.h"
#include "store/id.h"
#include "store/signal_rows.h"
#include "store/store.h"
#include "store/vault_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

#define S INT64_C(1000000000)
#define DAY (86400 * S)
#define NOW (INT64_C(1795317790) * S)
enum { BOT = 1000, OTHER_BOT = 1001, HOOK = 2000 };

static struct store *store;
static struct db *db;
static char dir[40];
static struct err err;

static enum status people(struct db *d, void *arg, struct err *e) {
  (void)arg;
  enum status st = db_run(d, NULL, e, "INSERT INTO tenants (id, kind, name, created_ns) VALUES (1, 'personal', 'a', 1)", "");
  struct account_row a = {.id = 10, .tenant_id = 1, .venue = "paper", .name = "p", .settings = "{}", .created_ns = 1};
  if (st == OK) st = account_insert(d, &a, e);
  for (int64_t id = BOT; st == OK && id <= OTHER_BOT; id++) {
    struct bot_row b = {.id = id, .tenant_id = 1, .account_id = 10, .script_id = 20, .version = 1, .name = "b", .venue = "sim", .symbol = "BTCUSDT", .timeframe = "1h", .pairs = "[]", .params = "{}", .settings = "{}",
                        .wanted = "running", .created_ns = 1, .updated_ns = 1, .standing = {.state = "running", .reason_code = "", .reason = ""}};
    st = bot_insert(d, &b, e);
  }
  const struct hook_row h = {.id = HOOK, .tenant_id = 1, .name = "h", .enabled = true, .settings = "{}", .created_ns = 1, .updated_ns = 1, .revision = 1};
  return st == OK ? hook_insert(d, &h, e) : st;
}

static int open_store(void **state) {
  (void)state;
  strcpy(dir, "/tmp/perigee-signals-XXXXXX");
  if (!mkdtemp(dir) || store_open(dir, &(struct store_options){NULL}, &store, &err) != OK) return 1;
  db = store_reader(store, STORE_CONTROL);
  return store_write_sync(store, STORE_CONTROL, people, NULL, &err) != OK;
}
static int close_store(void **state) {
  (void)state;
  store_close(store);
  char command[100];
  snprintf(command, sizeof command, "rm -rf %s", dir);
  return system(command);
}

static void written(store_fn fn, void *arg) {
  if (store_write_sync(store, STORE_CONTROL, fn, arg, &err) != OK) fail_msg("%s", err.msg);
}

// ---- the order of ids

static enum status add(struct db *d, void *arg, struct err *e) { return signal_add(d, arg, e); }
static bool seen(void *arg, const struct signal_row *s) {
  int64_t *list = arg;  // how many, and what they were received at
  list[++list[0]] = s->received_ns;
  return true;
}

static void ids_in_the_order_of_commits(void **state) {
  (void)state;
  // Received one after the other; what is written first is what came last, as when requests overtake each other on their way to the writer.
  struct signal_row rows[3];
  for (int i = 0; i < 3; i++) rows[i] = (struct signal_row){.bot_id = OTHER_BOT, .received_ns = NOW + i * S, .expires_ns = NOW + DAY, .body = "{}"};
  int64_t last = 0;
  for (int i = 2; i >= 0; i--) {
    int64_t heard[4] = {0};
    written(add, &rows[i]);
    assert_true(rows[i].id > last);
    assert_int_equal(signal_waiting(db, OTHER_BOT, last, seen, heard, &err), OK);
    assert_int_equal(heard[0], 1);  // who has all up to the last hears this one, and only this one
    assert_int_equal(heard[1], NOW + i * S);
    last = rows[i].id;
  }
}

// ---- sweeps

#define WAIT (SIGNAL_ROWS_MAX + 300)
static enum status flood(struct db *d, void *arg, struct err *e) {
  (void)arg;
  enum status st = OK;
  // First those that are over, which were heard or came too late; then more than are kept that wait; then so many that sweeps are sure to come.
  for (int i = 0; st == OK && i < 100; i++) {
    struct signal_row heard = {.bot_id = BOT, .received_ns = NOW, .expires_ns = NOW + DAY, .body = "{}"}, late = {.bot_id = BOT, .received_ns = NOW, .expires_ns = NOW + S, .body = "{}"};
    st = signal_add(d, &heard, e);
    if (st == OK) st = signal_done(d, heard.id, "delivered", NOW, e);
    if (st == OK) st = signal_add(d, &late, e);
  }
  for (int i = 0; st == OK && i < WAIT; i++) st = signal_add(d, &(struct signal_row){.bot_id = BOT, .received_ns = NOW + 2 * S, .expires_ns = NOW + DAY, .body = "{}"}, e);
  return st;
}
static bool tally(void *arg, const struct signal_row *s) {
  int *n = arg;  // delivered; waiting and over; waiting
  n[strcmp(s->state, "delivered") == 0 ? 0 : s->expires_ns < NOW + 2 * S ? 1 : 2]++;
  return true;
}

static void signals_that_wait_stay(void **state) {
  (void)state;
  int n[3] = {0};
  written(flood, NULL);
  assert_int_equal(signal_list(db, BOT, INT64_MAX, 10 * WAIT, tally, n, &err), OK);
  assert_int_equal(n[2], WAIT);
  assert_int_equal(n[0] + n[1], 0);  // and the sweep came: of the others none is left
  n[2] = 0;
  assert_int_equal(signal_list(db, OTHER_BOT, INT64_MAX, 10, tally, n, &err), OK);
  assert_int_equal(n[2], 3);  // another bot's
}

static enum status post(struct db *d, void *arg, struct err *e) {
  (void)arg;
  enum status st = OK;
  for (int i = 0; st == OK && i < HOOK_DELIVERIES_KEPT + 200; i++) {
    const int64_t at_ns = i < 150 ? NOW - 3 * DAY : NOW;
    const struct delivery_row r = {.id = id_next(at_ns), .hook_id = HOOK, .received_ns = at_ns, .expires_ns = at_ns + S, .state = i % 50 == 0 ? "accepted" : "delivered", .reason = "", .address = "::1", .body = "", .signal = "{}", .log = "[]"};
    st = delivery_insert(d, &r, e);
  }
  return st;
}
static enum status sweep(struct db *d, void *arg, struct err *e) {
  (void)arg;
  return delivery_sweep(d, HOOK, NOW, e);
}
static bool count(void *arg, const struct delivery_row *r) {
  int *n = arg;
  n[strcmp(r->state, "accepted") == 0]++;
  return true;
}
static bool count_open(void *arg, const struct delivery_row *r) {
  (void)r;
  return ++*(int *)arg, true;
}

static void messages_that_wait_stay(void **state) {
  (void)state;
  int n[2] = {0}, open = 0;
  const int accepted = (HOOK_DELIVERIES_KEPT + 200) / 50;
  written(post, NULL);
  written(sweep, NULL);
  assert_int_equal(delivery_list(db, HOOK, INT64_MAX, 2 * HOOK_DELIVERIES_KEPT, count, n, &err), OK);
  assert_int_equal(n[1], accepted);  // also those of days ago
  assert_true(n[0] + n[1] >= HOOK_DELIVERIES_KEPT && n[0] <= HOOK_DELIVERIES_KEPT);
  assert_int_equal(delivery_open(db, count_open, &open, &err), OK);
  assert_int_equal(open, accepted);  // a start takes all of them up
}

// ---- the same signal, after its row went

enum { BUSY_HOOK = 2001, FAST_HOOK = 2002 };
static struct id_source ids[] = {{.node = 1}, {.node = 2}};
static struct delivery_row signal_of(int64_t hook_id, int64_t at_ns, const char *dedupe) {
  return (struct delivery_row){.id = id_make(&ids[hook_id - BUSY_HOOK], at_ns), .hook_id = hook_id, .received_ns = at_ns, .expires_ns = at_ns + S, .state = "delivered", .reason = "", .dedupe = dedupe, .address = "::1", .body = "", .signal = "{}"};
}
static enum status busy_hooks(struct db *d, void *arg, struct err *e) {
  (void)arg;
  struct hook_row h = {.id = BUSY_HOOK, .tenant_id = 1, .name = "busy", .token_hash = {1}, .enabled = true, .settings = "{}", .created_ns = NOW};
  enum status st = hook_insert(d, &h, e);
  h = (struct hook_row){.id = FAST_HOOK, .tenant_id = 1, .name = "fast", .token_hash = {2}, .enabled = true, .settings = "{\"per_minute\":60000}", .created_ns = NOW};
  return st == OK ? hook_insert(d, &h, e) : st;
}
// One a minute and a half before the others, which push its row out.
static enum status flood_hook(struct db *d, void *arg, struct err *e) {
  const int64_t hook_id = *(int64_t *)arg;
  struct delivery_row r = signal_of(hook_id, NOW + DAY, "the first");
  enum status st = delivery_insert(d, &r, e);
  for (int i = 0; st == OK && i < HOOK_DELIVERIES_KEPT + 1; i++) {
    r = signal_of(hook_id, NOW + DAY + 90 * S, NULL);
    st = delivery_insert(d, &r, e);
  }
  return st == OK ? delivery_sweep(d, hook_id, NOW + DAY + 90 * S, e) : st;
}
struct again {
  int64_t hook_id, at_ns;
  enum status came;
};
static enum status sweep_and_repeat(struct db *d, void *arg, struct err *e) {
  struct again *a = arg;
  const enum status st = delivery_sweep(d, a->hook_id, a->at_ns, e);
  const struct delivery_row r = signal_of(a->hook_id, a->at_ns, "the first");
  if (st == OK) a->came = delivery_insert(d, &r, e);
  return st;
}
static enum status came_again(int64_t hook_id, int64_t after_ns) {
  struct again a = {hook_id, NOW + DAY + after_ns, ERR_IO};
  bool known;
  written(sweep_and_repeat, &a);
  assert_int_equal(delivery_known(db, hook_id, "the first", &known, &err), OK);
  assert_true(known);  // or it was taken just now
  return a.came;
}

static void what_was_delivered_is_known_for_a_day(void **state) {
  (void)state;
  int n[2] = {0};
  written(busy_hooks, NULL);
  for (int64_t hook = BUSY_HOOK; hook <= FAST_HOOK; hook++) written(flood_hook, &hook);
  assert_int_equal(delivery_list(db, BUSY_HOOK, INT64_MAX, 2 * HOOK_DELIVERIES_KEPT, count, n, &err), OK);
  assert_int_equal(n[0], HOOK_DELIVERIES_KEPT);  // and the first is none of them
  assert_int_equal(came_again(BUSY_HOOK, 100 * S), ERR_EXISTS);
  assert_int_equal(came_again(BUSY_HOOK, DAY - S), ERR_EXISTS);
  assert_int_equal(came_again(BUSY_HOOK, DAY + S), OK);
  assert_int_equal(came_again(FAST_HOOK, 999 * S), ERR_EXISTS);  // of 60,000 a minute, a million are 1,000 seconds
  assert_int_equal(came_again(FAST_HOOK, 1001 * S), OK);
}

static enum status knock(struct db *d, void *arg, struct err *e) {
  (void)arg;
  enum status st = OK;
  for (int i = 0; st == OK && i < HOOK_DELIVERIES_KEPT + 2000; i++) {
    struct delivery_row r = signal_of(BUSY_HOOK, NOW + 4 * DAY, NULL);
    r.state = "refused";
    st = delivery_insert_over(d, &r, e);
  }
  return st;
}

// What is only refused never comes to the desk, which sweeps.
static void refused_messages_do_not_pile_up(void **state) {
  (void)state;
  int n[2] = {0};
  written(knock, NULL);
  assert_int_equal(delivery_list(db, BUSY_HOOK, INT64_MAX, 2 * HOOK_DELIVERIES_KEPT, count, n, &err), OK);
  assert_in_range(n[0], HOOK_DELIVERIES_KEPT, HOOK_DELIVERIES_KEPT + 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(ids_in_the_order_of_commits), cmocka_unit_test(signals_that_wait_stay), cmocka_unit_test(messages_that_wait_stay),
    cmocka_unit_test(what_was_delivered_is_known_for_a_day), cmocka_unit_test(refused_messages_do_not_pile_up)};
  return cmocka_run_group_tests(tests, open_store, close_store);
}
