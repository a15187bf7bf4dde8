// Rows of scripts and usage in a real database file: what is unique, what never changes, what counts once.
#include "store/db.h"
#include "store/script_rows.h"
#include "store/store.h"
#include "store/usage_rows.h"

#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct store *store;
static char dir[64];

static int open_store(void **state) {
  (void)state;
  return scratch_open(dir, &store);
}

static int close_store(void **state) {
  (void)state;
  scratch_close(dir, store);
  return 0;
}

// ---- a write of one statement of the test's own

struct step {
  enum status (*fn)(struct db *db, struct err *err);
};

static enum status run_step(struct db *db, void *arg, struct err *err) {
  return ((struct step *)arg)->fn(db, err);
}

static enum status write_with(enum status (*fn)(struct db *db, struct err *err), struct err *err) {
  struct step step = {fn};
  return store_write_sync(store, STORE_CONTROL, run_step, &step, err);
}

static struct db *reader(void) {
  return store_reader(store, STORE_CONTROL);
}

// ---- scripts

static struct script_put_result put_result;
static char put_sha[65], put_source[64];
static enum script_state put_state;
static int64_t put_tenant, put_id;

static enum status do_put(struct db *db, struct err *err) {
  struct script_put put = {.tenant_id = put_tenant,
    .kind = "strategy",
    .name = "one",
    .source = put_source,
    .source_len = strlen(put_source),
    .sha256 = put_sha,
    .comment = "c",
    .header = "{}",
    .state = put_state,
    .author_id = 7,
    .script_id = put_id,
    .version_id = put_id + 1,
    .now_ns = 1000};
  return script_put(db, &put, &put_result, err);
}

static void put(int64_t tenant, char mark, enum script_state state) {
  struct err err;
  put_tenant = tenant;
  put_id += 10;
  put_state = state;
  memset(put_sha, mark, 64);
  snprintf(put_source, sizeof put_source, "-- %c\n", mark);
  enum status st = write_with(do_put, &err);
  if (st != OK) fail_msg("%s", err.msg);
}

static int64_t act_tenant, act_script, act_version, act_expected;
static struct script_row act_row;
static enum status do_activate(struct db *db, struct err *err) {
  return script_activate(db, act_tenant, act_script, act_version, act_expected, 9, 2000, &act_row, err);
}
static enum status activate(int64_t tenant, int64_t script, int64_t version, int64_t expected, struct err *err) {
  act_tenant = tenant, act_script = script, act_version = version, act_expected = expected;
  return write_with(do_activate, err);
}

static void count_version(void *arg, const struct script_version_row *row) {
  assert_string_equal(row->comment, "c");
  assert_null(row->source);
  ++*(int *)arg;
}

static enum status tamper(struct db *db, struct err *err) {
  return db_run(db, NULL, err, "UPDATE script_version SET source = 'x'", "");
}

static void versions(void **state) {
  (void)state;
  struct err err;
  put(5, 'a', SCRIPT_PROVEN);
  int64_t script = put_result.script_id;
  assert_true(put_result.new_script && put_result.new_version && put_result.version == 1);
  put(5, 'b', SCRIPT_NEW);
  assert_true(
    !put_result.new_script && put_result.new_version && put_result.version == 2 && put_result.script_id == script);
  put(5, 'a', SCRIPT_REJECTED);  // the same text: the same version, and proven stays proven
  assert_true(!put_result.new_version && put_result.version == 1);
  put(6, 'a', SCRIPT_PROVEN);  // another tenant's script of the same name
  assert_true(put_result.new_script);
  int64_t others = put_result.script_id;

  assert_int_equal(activate(6, script, 1, 0, &err), ERR_NOTFOUND);
  assert_int_equal(activate(5, others, 1, 0, &err), ERR_NOTFOUND);
  assert_int_equal(activate(5, script, 3, 0, &err), ERR_NOTFOUND);
  assert_int_equal(activate(5, script, 0, 0, &err), ERR_NOTFOUND);
  assert_int_equal(activate(5, script, 2, 0, &err), ERR_INVALID);
  assert_int_equal(activate(5, script, 1, 0, &err), OK);
  assert_true(act_row.active_version == 1);
  int64_t revision = act_row.revision;
  put(5, 'b', SCRIPT_PROVEN);  // proven now
  assert_true(put_result.version == 2 && !put_result.new_version);
  assert_int_equal(activate(5, script, 2, revision + 1, &err), ERR_CANCELLED);
  assert_int_equal(activate(5, script, 2, revision, &err), OK);
  assert_true(act_row.active_version == 2 && act_row.revision == revision + 1);
  int64_t previous = 0;
  assert_int_equal(script_previous(reader(), 5, script, &previous, &err), OK);
  assert_true(previous == 1);
  assert_int_equal(script_previous(reader(), 6, script, &previous, &err), ERR_NOTFOUND);

  struct script_version_row v;
  assert_int_equal(script_version_get(reader(), 5, script, 0, &v, &err), OK);
  assert_true(v.version == 2 && v.active && v.state == SCRIPT_PROVEN && v.author_id == 7);
  assert_string_equal(v.source, "-- b\n");
  script_version_finish(&v);
  assert_int_equal(script_version_get(reader(), 6, script, 1, &v, &err), ERR_NOTFOUND);
  assert_int_not_equal(write_with(tamper, &err), OK);
  assert_non_null(strstr(err.msg, "never changes"));
  int n = 0;
  assert_int_equal(script_version_list(reader(), 5, script, 0, 10, count_version, &n, &err), OK);
  assert_int_equal(n, 2);
  n = 0;
  assert_int_equal(script_version_list(reader(), 6, script, 0, 10, count_version, &n, &err), OK);
  assert_int_equal(n, 0);
  int64_t count;
  assert_int_equal(script_count(reader(), 5, "strategy", &count, &err), OK);
  assert_true(count == 1);
  assert_int_equal(script_count(reader(), 5, "rule", &count, &err), OK);
  assert_true(count == 0);
}

// ---- usage

static int64_t day_limit;
static const char *event_key;
static bool counted;
static int over;
static enum status do_count(struct db *db, struct err *err) {
  struct usage_window windows[] = {{"trades_per_day", 100, day_limit}, {"trades_per_month", 0, INT64_MAX}};
  return usage_count(db, 5, "trade", event_key, 150, 1, windows, 2, &counted, &over, err);
}

static int64_t used(const char *meter, int64_t start) {
  int64_t n;
  struct err err;
  assert_int_equal(usage_used(reader(), 5, meter, start, &n, &err), OK);
  return n;
}

static void events_count_once(void **state) {
  (void)state;
  struct err err;
  day_limit = 2;
  event_key = "o1";
  assert_int_equal(write_with(do_count, &err), OK);
  assert_true(counted && used("trades_per_day", 100) == 1 && used("trades_per_month", 0) == 1);
  assert_int_equal(write_with(do_count, &err), OK);
  assert_true(!counted && used("trades_per_day", 100) == 1);
  event_key = "o2";
  assert_int_equal(write_with(do_count, &err), OK);
  event_key = "o3";
  assert_int_equal(write_with(do_count, &err), ERR_LIMIT);
  assert_int_equal(over, 0);
  assert_true(used("trades_per_day", 100) == 2 && used("trades_per_month", 0) == 2);
  day_limit = 3;  // the refused event left nothing behind: with more room it counts
  assert_int_equal(write_with(do_count, &err), OK);
  assert_true(counted && used("trades_per_day", 100) == 3);
}

static const char *held_key;
static enum status do_hold(struct db *db, struct err *err) {
  return usage_hold(db, 5, "bots", held_key, 1, 2, err);
}
static enum status do_release(struct db *db, struct err *err) {
  return usage_release(db, 5, "bots", held_key, err);
}

static void things_are_held_once(void **state) {
  (void)state;
  struct err err;
  int64_t n;
  held_key = "a";
  assert_int_equal(write_with(do_hold, &err), OK);
  assert_int_equal(write_with(do_hold, &err), OK);
  held_key = "b";
  assert_int_equal(write_with(do_hold, &err), OK);
  held_key = "c";
  assert_int_equal(write_with(do_hold, &err), ERR_LIMIT);
  assert_int_equal(usage_held(reader(), 5, "bots", &n, &err), OK);
  assert_true(n == 2);
  held_key = "a";
  assert_int_equal(write_with(do_release, &err), OK);
  assert_int_equal(write_with(do_release, &err), OK);
  held_key = "c";
  assert_int_equal(write_with(do_hold, &err), OK);
  assert_int_equal(usage_held(reader(), 6, "bots", &n, &err), OK);
  assert_true(n == 0);
}

static enum status do_subscribe(struct db *db, struct err *err) {
  struct subscription_change change = {
    .event_id = put_id += 10, .tenant_id = 5, .now_ns = 10, .what = "upgrade", .expected_revision = act_expected};
  struct subscription_row row = {.plan = "pro", .state = "active", .since_ns = 10, .addons = (char[]){"{}"}};
  return subscription_put(db, &change, &row, err);
}
static enum status do_override(struct db *db, struct err *err) {
  struct override_row row = {
    .plan = "", .limits = (char[]){"{\"bots\":9}"}, .reason = (char[]){"trial"}, .expires_ns = 99, .created_ns = 1};
  return override_put(db, 5, &row, err);
}
static enum status drop_override(struct db *db, struct err *err) {
  return override_delete(db, 5, err);
}

static void subscriptions(void **state) {
  (void)state;
  struct err err;
  struct subscription_row row;
  assert_int_equal(subscription_get(reader(), 5, &row, &err), ERR_NOTFOUND);
  act_expected = 0;
  assert_int_equal(write_with(do_subscribe, &err), OK);
  act_expected = 2;
  assert_int_equal(write_with(do_subscribe, &err), ERR_CANCELLED);
  act_expected = 1;
  assert_int_equal(write_with(do_subscribe, &err), OK);
  assert_int_equal(subscription_get(reader(), 5, &row, &err), OK);
  assert_string_equal(row.plan, "pro");
  assert_true(row.revision == 2 && row.ends_ns == 0 && row.grace_until_ns == 0);
  free(row.addons);
  struct override_row o;
  assert_int_equal(override_get(reader(), 5, &o, &err), ERR_NOTFOUND);
  assert_int_equal(write_with(do_override, &err), OK);
  assert_int_equal(write_with(do_override, &err), OK);
  assert_int_equal(override_get(reader(), 5, &o, &err), OK);
  assert_string_equal(o.plan, "");
  assert_string_equal(o.limits, "{\"bots\":9}");
  assert_true(o.expires_ns == 99);
  override_finish(&o);
  assert_int_equal(write_with(drop_override, &err), OK);
  assert_int_equal(write_with(drop_override, &err), ERR_NOTFOUND);
}

static enum status do_edition(struct db *db, struct err *err) {
  return edition_set(db, "luno", "{}", "[]", 5, err);
}
static void edition(void **state) {
  (void)state;
  struct err err;
  struct edition_row row;
  assert_int_equal(edition_get(reader(), &row, &err), ERR_NOTFOUND);
  assert_int_equal(write_with(do_edition, &err), OK);
  assert_int_equal(write_with(do_edition, &err), OK);
  assert_int_equal(edition_get(reader(), &row, &err), OK);
  assert_string_equal(row.name, "luno");
  edition_row_finish(&row);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(versions, open_store, close_store),
    cmocka_unit_test_setup_teardown(events_count_once, open_store, close_store),
    cmocka_unit_test_setup_teardown(things_are_held_once, open_store, close_store),
    cmocka_unit_test_setup_teardown(subscriptions, open_store, close_store),
    cmocka_unit_test_setup_teardown(edition, open_store, close_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
