// Bots in a real database file: what is written is read back whole, tenants are apart, the runtime's writes do not touch what people
// edit, lists and the log of failures have their order and bounds. And what a paper account has that others do not.
#include "store/bot_rows.h"

#include "store/db.h"
#include "store/hook_rows.h"
#include "store/id.h"
#include "store/shadow_rows.h"
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

static struct store *store;
static struct db *db;
static char dir[40];
static struct err err;

static enum status people(struct db *d, void *arg, struct err *e) {
  (void)arg;
  enum status st = db_run(d, NULL, e, "INSERT INTO tenants (id, kind, name, created_ns) VALUES (1, 'personal', 'a', 1), (2, 'personal', 'b', 1)", "");
  struct account_row a = {.id = 10, .tenant_id = 1, .venue = "paper", .name = "p", .settings = "{\"balance\":\"1\"}", .created_ns = 1};
  if (st == OK) st = account_insert(d, &a, e);
  struct account_row b = {.id = 11, .tenant_id = 1, .venue = "bybit", .name = "v", .created_ns = 1};
  return st == OK ? account_insert(d, &b, e) : st;
}

static int open_store(void **state) {
  (void)state;
  strcpy(dir, "/tmp/perigee-bots-XXXXXX");
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

static struct bot_row sample(int64_t id, int64_t tenant) {
  return (struct bot_row){.id = id, .tenant_id = tenant, .account_id = 10, .script_id = 20, .version = 3, .previous_version = 2, .shadow_version = 4, .name = "Näme",
                          .venue = "sim", .symbol = "BTCUSDT", .timeframe = "1h", .pairs = "[\"BTCUSDT\"]", .params = "{\"fast\":3}", .settings = "{\"x\":1}", .seed = -7,
                          .wanted = "running", .close = true, .generation = 5, .created_ns = 100, .updated_ns = 101,
                          .standing = {.state = "retrying", .reason_code = "no_data", .reason = "There is none.", .strikes = 1, .retries = 2, .since_ns = 99, .retry_at_ns = 200}};
}

static enum status do_insert(struct db *d, void *arg, struct err *e) { return bot_insert(d, arg, e); }
static enum status do_update(struct db *d, void *arg, struct err *e) { return bot_update(d, arg, e); }
static enum status do_state(struct db *d, void *arg, struct err *e) { return bot_set_state(d, 1000, arg, e); }
static enum status do_delete(struct db *d, void *arg, struct err *e) { return bot_delete(d, *(int64_t *)arg, 1000, 500, e); }
static enum status write(store_fn fn, void *arg) { return store_write_sync(store, STORE_CONTROL, fn, arg, &err); }

static void same(const struct bot_row *a, const struct bot_row *b) {
  assert_true(a->id == b->id && a->tenant_id == b->tenant_id && a->account_id == b->account_id && a->script_id == b->script_id && a->version == b->version &&
              a->previous_version == b->previous_version && a->shadow_version == b->shadow_version && a->seed == b->seed && a->close == b->close &&
              a->generation == b->generation && a->created_ns == b->created_ns && a->updated_ns == b->updated_ns);
  assert_string_equal(a->name, b->name);
  assert_string_equal(a->venue, b->venue);
  assert_string_equal(a->symbol, b->symbol);
  assert_string_equal(a->timeframe, b->timeframe);
  assert_string_equal(a->pairs, b->pairs);
  assert_string_equal(a->params, b->params);
  assert_string_equal(a->settings, b->settings);
  assert_string_equal(a->wanted, b->wanted);
  assert_string_equal(a->standing.state, b->standing.state);
  assert_string_equal(a->standing.reason_code, b->standing.reason_code);
  assert_string_equal(a->standing.reason, b->standing.reason);
  assert_true(a->standing.strikes == b->standing.strikes && a->standing.retries == b->standing.retries && a->standing.since_ns == b->standing.since_ns &&
              a->standing.retry_at_ns == b->standing.retry_at_ns);
}

static void read_back(void **state) {
  (void)state;
  struct bot_row row = sample(1000, 1), got;
  assert_int_equal(write(do_insert, &row), OK);
  assert_int_equal(bot_get(db, 1, 1000, &got, &err), OK);
  same(&got, &row);
  assert_int_equal(got.revision, 1);
  bot_row_finish(&got);
  assert_int_equal(bot_get(db, 2, 1000, &got, &err), ERR_NOTFOUND);
  assert_int_equal(bot_find(db, 1000, &got, &err), OK);
  bot_row_finish(&got);
  row.version = row.previous_version = row.shadow_version = row.standing.retry_at_ns = 0;
  row.params = "{}", row.close = false, row.generation = 6, row.updated_ns = 102;
  row.name = "Other";
  strcpy(row.wanted, "stopped");
  assert_int_equal(write(do_update, &row), OK);
  assert_int_equal(bot_get(db, 1, 1000, &got, &err), OK);
  same(&got, &row);
  assert_int_equal(got.revision, 2);
  bot_row_finish(&got);
  row.tenant_id = 2;
  assert_int_equal(write(do_update, &row), ERR_NOTFOUND);
  strcpy(row.wanted, "perhaps");
  row.tenant_id = 1;
  assert_int_equal(write(do_update, &row), ERR_INVALID);
}

static void the_runtime_writes_only_its_own(void **state) {
  (void)state;
  struct bot_row row = sample(1000, 1), got;
  assert_int_equal(write(do_insert, &row), OK);
  struct bot_standing s = {.state = "dead", .reason_code = "dead", .reason = "It is over.", .strikes = 2, .retries = 11, .since_ns = 300};
  assert_int_equal(write(do_state, &s), OK);
  assert_int_equal(bot_get(db, 1, 1000, &got, &err), OK);
  row.standing = s;
  same(&got, &row);
  assert_int_equal(got.revision, 1);
  bot_row_finish(&got);
  int64_t tenant = 2;
  assert_int_equal(write(do_delete, &tenant), ERR_NOTFOUND);
  tenant = 1;
  assert_int_equal(write(do_delete, &tenant), OK);
  assert_int_equal(write(do_state, &s), ERR_NOTFOUND);
  assert_int_equal(bot_get(db, 1, 1000, &got, &err), ERR_NOTFOUND);
  assert_int_equal(bot_find(db, 1000, &got, &err), ERR_NOTFOUND);
}

struct seen {
  int64_t ids[8];
  int count, most;
};
static bool note(void *arg, const struct bot_row *row) {
  struct seen *s = arg;
  assert_true(s->count < 8 && row->params[0] == '{');
  s->ids[s->count++] = row->id;
  return s->count != s->most;
}
static void expect(const struct bot_filter *f, int64_t before, int limit, int count, const int64_t *ids) {
  struct seen s = {.most = -1};
  assert_int_equal(bot_list(db, f, before, limit, note, &s, &err), OK);
  assert_int_equal(s.count, count);
  for (int i = 0; i < count; i++) assert_int_equal(s.ids[i], ids[i]);
}

static void lists(void **state) {
  (void)state;
  static const struct {
    int64_t id, tenant, script, account;
    const char *wanted, *state;
  } rows[] = {{1, 1, 20, 10, "running", "running"}, {2, 1, 20, 11, "stopped", "stopped"}, {3, 2, 21, 10, "running", "dead"},
              {4, 1, 21, 10, "stopped", "stopping"}, {5, 1, 21, 10, "paused", "quarantined"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bot_row r = sample(rows[i].id, rows[i].tenant);
    r.script_id = rows[i].script, r.account_id = rows[i].account;
    strcpy(r.wanted, rows[i].wanted);
    strcpy(r.standing.state, rows[i].state);
    assert_int_equal(write(do_insert, &r), OK);
  }
  expect(&(struct bot_filter){.tenant_id = 1}, INT64_MAX, 10, 4, (int64_t[]){5, 4, 2, 1});
  expect(&(struct bot_filter){.tenant_id = 1}, 5, 2, 2, (int64_t[]){4, 2});
  expect(&(struct bot_filter){.tenant_id = 0}, INT64_MAX, 10, 5, (int64_t[]){5, 4, 3, 2, 1});
  expect(&(struct bot_filter){.tenant_id = 1, .script_id = 20}, INT64_MAX, 10, 2, (int64_t[]){2, 1});
  expect(&(struct bot_filter){.tenant_id = 1, .account_id = 11}, INT64_MAX, 10, 1, (int64_t[]){2});
  expect(&(struct bot_filter){.state = "stopping"}, INT64_MAX, 10, 1, (int64_t[]){4});
  expect(&(struct bot_filter){.held = true}, INT64_MAX, 10, 2, (int64_t[]){5, 3});
  expect(&(struct bot_filter){.tenant_id = 2, .held = true}, INT64_MAX, 10, 1, (int64_t[]){3});
  struct seen s = {.most = -1};
  assert_int_equal(bot_list_at_work(db, note, &s, &err), OK);
  assert_int_equal(s.count, 4);
  assert_true(s.ids[0] == 1 && s.ids[1] == 3 && s.ids[2] == 4 && s.ids[3] == 5);
  s = (struct seen){.most = 2};
  assert_int_equal(bot_list_at_work(db, note, &s, &err), OK);
  assert_int_equal(s.count, 2);
  int64_t n;
  assert_int_equal(bot_count(db, 1, 0, 0, &n, &err), OK);
  assert_int_equal(n, 4);
  assert_int_equal(bot_count(db, 1, 20, 10, &n, &err), OK);
  assert_int_equal(n, 1);
}

static enum status fail_often(struct db *d, void *arg, struct err *e) {
  (void)arg;
  enum status st = OK;
  for (int i = 1; st == OK && i <= BOT_FAILURES_MAX + 5; i++)
    st = bot_failure_add(d, &(struct bot_failure){.id = i, .bot_id = 1000, .at_ns = i, .what = "script-failed", .version = i == 1 ? 0 : 7, .strikes = 1, .detail = "x:1: nil"}, e);
  return st;
}
static bool count_failure(void *arg, const struct bot_failure *f) {
  int *count = arg;
  assert_int_equal(f->id, BOT_FAILURES_MAX + 5 - *count);
  assert_string_equal(f->what, "script-failed");
  assert_string_equal(f->detail, "x:1: nil");
  assert_int_equal(f->version, 7);
  ++*count;
  return true;
}
static enum status erase(struct db *d, void *arg, struct err *e) {
  (void)arg;
  return bot_erase_tenant(d, 1, e);
}
static void failures(void **state) {
  (void)state;
  struct bot_row row = sample(1000, 1);
  assert_int_equal(write(do_insert, &row), OK);
  assert_int_equal(write(fail_often, NULL), OK);
  int count = 0;
  assert_int_equal(bot_failure_list(db, 1000, INT64_MAX, 1000, count_failure, &count, &err), OK);
  assert_int_equal(count, BOT_FAILURES_MAX);
  assert_int_equal(write(erase, NULL), OK);
  count = 0;
  assert_int_equal(bot_failure_list(db, 1000, INT64_MAX, 1000, count_failure, &count, &err), OK);
  assert_int_equal(count, 0);
}

static enum status rename_account(struct db *d, void *arg, struct err *e) {
  struct account_row *a = arg;
  strcpy(a->name, "q");
  strcpy(a->settings, "{\"balance\":\"2\"}");
  return account_update(d, a, e);
}
static void paper_accounts(void **state) {
  (void)state;
  struct account_row a;
  assert_int_equal(account_get(db, 1, 10, &a, &err), OK);
  assert_string_equal(a.settings, "{\"balance\":\"1\"}");
  assert_int_equal(write(rename_account, &a), OK);
  assert_int_equal(account_get(db, 1, 10, &a, &err), OK);
  assert_string_equal(a.settings, "{\"balance\":\"2\"}");
  assert_string_equal(a.name, "q");
  assert_int_equal(a.revision, 2);
  assert_int_equal(account_get(db, 1, 11, &a, &err), OK);
  assert_string_equal(a.settings, "{}");
  int64_t n;
  assert_int_equal(account_count(db, 1, &n, &err), OK);
  assert_int_equal(n, 1);  // no plan counts paper
  assert_int_equal(account_venues(db, 1, &n, &err), OK);
  assert_int_equal(n, 1);
  assert_int_equal(account_count_paper(db, 1, &n, &err), OK);
  assert_int_equal(n, 1);
}

static struct shadow_difference differences[3];
static enum status do_shadow(struct db *d, void *arg, struct err *e) { return shadow_put(d, arg, differences, 3, e); }
static enum status end_shadow(struct db *d, void *arg, struct err *e) { return bot_set_shadow(d, 20, *(int64_t *)arg, false, e); }
static int64_t numbers[8], number_count;
static void take_difference(void *arg, const struct shadow_difference *d) {
  assert_true(arg == &numbers && strcmp(d->live, "buy\nsell") == 0 && strcmp(d->shadow, "") == 0 && d->time_ns == d->number * 10);
  numbers[number_count++] = d->number;
}

// The newest differences are kept, by their places; nothing is written of a version that the bot does not wish any more.
static void shadows(void **state) {
  (void)state;
  struct bot_row bot = sample(1000, 1);  // wishes version 4
  struct shadow_row s = {.bot_id = 1000, .version = 4, .began_ns = 5, .starts = 1, .started_ns = 6, .instants = 7, .same = 3, .different = 203, .why = "x"}, got;
  assert_int_equal(write(do_insert, &bot), OK);
  for (int64_t n = 0; n < 203; n += 100) {
    for (int64_t i = 0; i < 3; i++) differences[i] = (struct shadow_difference){n + i, (n + i) * 10, "buy\nsell", ""};
    assert_int_equal(write(do_shadow, &s), OK);
  }
  number_count = 0;
  assert_int_equal(shadow_differences(db, 1000, take_difference, &numbers, &err), OK);
  assert_true(number_count == 6 && numbers[0] == 100 && numbers[3] == 200 && numbers[5] == 202);  // 200 stands where 0 stood
  s.instants = 9, s.ended = true, s.starts = 2;
  assert_int_equal(write(do_shadow, &s), OK);
  assert_int_equal(shadow_get(db, 1000, 4, &got, &err), OK);
  assert_memory_equal(&got, &s, sizeof s);
  assert_int_equal(shadow_get(db, 1000, 3, &got, &err), ERR_NOTFOUND);
  s.began_ns = 50;  // counted anew
  assert_int_equal(write(do_shadow, &s), OK);
  number_count = 0;
  assert_int_equal(shadow_differences(db, 1000, take_difference, &numbers, &err), OK);
  assert_int_equal(number_count, 3);
  int64_t version = 4;
  assert_int_equal(write(end_shadow, &version), OK);
  assert_int_equal(shadow_get(db, 1000, 4, &got, &err), ERR_NOTFOUND);
  assert_int_equal(write(do_shadow, &s), OK);  // that was on its way when it was ended
  assert_int_equal(shadow_get(db, 1000, 4, &got, &err), ERR_NOTFOUND);
}

// ---- deliveries of a hook

#define NOW_NS (INT64_C(1790000000) * 1000000000)
#define DELIVERIES 150

// A day and a minute old up to now, the first of them not worked off yet; `old` of them are older than a day.
struct deliveries {
  int old;
};
static enum status do_deliveries(struct db *d, void *arg, struct err *e) {
  const struct deliveries *of = arg;
  struct id_source ids = {0};
  const struct hook_row hook = {.id = 77, .tenant_id = 1, .name = "TV", .enabled = true, .settings = "{}", .created_ns = NOW_NS};
  enum status st = hook_insert(d, &hook, e);
  for (int i = 0; st == OK && i < DELIVERIES; i++) {
    const int64_t at_ns = NOW_NS - (i < of->old ? HOOK_REMEMBERED_NS + INT64_C(60000000000) : INT64_C(60000000000)) + i * INT64_C(1000000);
    st = delivery_insert(d, &(struct delivery_row){.id = id_make(&ids, at_ns), .hook_id = 77, .received_ns = at_ns, .expires_ns = at_ns, .state = i ? "delivered" : "accepted", .reason = "", .address = "", .body = "", .signal = "{}"}, e);
  }
  return st;
}
static enum status do_sweep(struct db *d, void *arg, struct err *e) { return (void)arg, delivery_sweep(d, 77, NOW_NS, e); }
static bool count_one(void *arg, const struct delivery_row *row) { return (void)row, ++*(int *)arg, true; }

// The latest hundred stay however old they are, those of a day all, and what is not worked off.
static void deliveries_of_a_day_stay(void **state) {
  (void)state;
  static const struct { int old, stay; } table[] = {{DELIVERIES, 101}, {30, DELIVERIES - 29}, {0, DELIVERIES}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    int count = 0;
    if (i) assert_int_equal(open_store(state), 0);
    assert_int_equal(write(do_deliveries, &(struct deliveries){table[i].old}), OK);
    assert_int_equal(write(do_sweep, NULL), OK);
    assert_int_equal(delivery_list(db, 77, INT64_MAX, 1000, count_one, &count, &err), OK);
    assert_int_equal(count, table[i].stay);
    if (i + 1 < sizeof table / sizeof *table) assert_int_equal(close_store(state), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(read_back, open_store, close_store), cmocka_unit_test_setup_teardown(the_runtime_writes_only_its_own, open_store, close_store),
    cmocka_unit_test_setup_teardown(lists, open_store, close_store), cmocka_unit_test_setup_teardown(failures, open_store, close_store),
    cmocka_unit_test_setup_teardown(paper_accounts, open_store, close_store), cmocka_unit_test_setup_teardown(shadows, open_store, close_store),
    cmocka_unit_test_setup_teardown(deliveries_of_a_day_stay, open_store, close_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
