// tests/unit/store/test_notice_rows.c – notices in real database files: what is told twice is one, what is taken from the journal twice too; tenants are kept
// apart; what is held is released, what is disabled is skipped, what is old and done is swept and what is not done is not.
#include "store/channel_rows.h"
#include "store/db.h"
#include "store/id.h"
#include "store/journal_rows.h"
#include "store/notice_rows.h"
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

#define S INT64_C(1000000000)
#define NOW (INT64_C(1795317790) * S)

static struct store *store;
static struct db *db;
static struct err err;
static char dir[40];

static int open_store(void **state) {
  (void)state;
  strcpy(dir, "/tmp/perigee-notices-XXXXXX");
  if (!mkdtemp(dir) || store_open(dir, &(struct store_options){NULL}, &store, &err) != OK) return 1;
  db = store_reader(store, STORE_CONTROL);
  return 0;
}
static int close_store(void **state) {
  (void)state;
  store_close(store);
  char command[100];
  snprintf(command, sizeof command, "rm -rf %s", dir);
  return system(command);
}

// A write, told top down: what it does stands at its place.
static enum status (*job)(struct db *to);
static enum status run(struct db *to, void *arg, struct err *e) {
  (void)arg;
  const enum status st = job(to);
  *e = err;
  return st;
}
static void written(enum store_file file, enum status (*fn)(struct db *to)) {
  job = fn;
  assert_int_equal(store_write_sync(store, file, run, NULL, &err), OK);
}

static bool count(void *arg, const struct notice_row *n) {
  (void)n;
  return ++*(int *)arg, true;
}
static int notices_of(int64_t tenant) {
  int n = 0;
  assert_int_equal(notice_list(db, tenant, NULL, INT64_MAX, 100, count, &n, &err), OK);
  return n;
}

static struct notice_row notice(int64_t id, int64_t tenant, const char *once) {
  return (struct notice_row){.id = id, .tenant_id = tenant, .event = "bot.dead", .subject = "bot_1", .data = "{}", .once = once, .created_ns = NOW};
}

static enum status add_some(struct db *to) {
  bool added;
  struct notice_row a = notice(0, 1, "x"), other = notice(0, 2, "x"), none = notice(0, 1, NULL);
  enum status st = notice_add(to, &a, &added, &err);
  assert_true(added);
  if (st == OK) st = notice_add(to, &a, &added, &err);
  assert_false(added);
  if (st == OK) st = notice_add(to, &other, &added, &err);  // another tenant's
  assert_true(added);
  for (int i = 0; st == OK && i < 2; i++) st = notice_add(to, &none, &added, &err), assert_true(added);
  return st;
}
static void told_once(void **state) {
  (void)state;
  written(STORE_CONTROL, add_some);
  assert_int_equal(notices_of(1), 3);
  assert_int_equal(notices_of(2), 1);
}

static int64_t in_journal[2];
static enum status leave_in_journal(struct db *to) {
  struct journal_notice n[] = {{in_journal[0], 5, 1, NOW, "order.filled", "{\"a\":1}"}, {in_journal[1], 5, 1, NOW, "order.filled", "{\"a\":2}"}};
  struct journal_batch b = {.notices = n, .notice_count = 2};
  return journal_append(to, &b, &err);
}
static bool see(void *arg, const struct journal_notice *n) {
  char *text = arg;
  snprintf(text + strlen(text), 100 - strlen(text), "%s;", n->data);
  return true;
}
static enum status drop_first(struct db *to) { return journal_notice_drop(to, in_journal[0], &err); }
static void left_in_the_journal(void **state) {
  (void)state;
  char text[100] = "";
  in_journal[0] = id_next(NOW), in_journal[1] = id_next(NOW);
  written(STORE_JOURNAL, leave_in_journal);
  written(STORE_JOURNAL, drop_first);
  assert_int_equal(journal_notice_list(store_reader(store, STORE_JOURNAL), 10, see, text, &err), OK);
  assert_string_equal(text, "{\"a\":2};");
}

// ---- channels and sendings; tenants 1 and 2 are made by hand, as users would

static int64_t own_id[2];
static bool find_own(void *arg, const struct channel_row *c) {
  assert_true(c->own && strcmp(c->state, "active") == 0);
  *(int64_t *)arg = c->id;
  return true;
}
static enum status make_channels(struct db *to) {
  enum status st = db_script(to, "INSERT INTO tenants (id, kind, name, created_ns) VALUES (1, 'personal', 'a', 1), (2, 'personal', 'b', 1)", &err);
  for (int i = 0; st == OK && i < 4; i++) st = channel_own(to, 1 + i % 2, id_next(NOW), NOW, &err);  // twice each
  return st == OK ? channel_own(to, 99, id_next(NOW), NOW, &err) : st;                                 // nobody's
}
static enum status make_sendings(struct db *to) {
  struct notice_row n = notice(1000, 1, NULL);
  enum status st = notice_add(to, &n, NULL, &err);
  static const struct { const char *state; int64_t next_ns; } some[] = {{"held", NOW + 100 * S}, {"waiting", NOW + 50 * S}, {"sent", 0}};
  for (int64_t i = 0; st == OK && i < 3; i++) {
    struct sending_row s = {.id = 10 + i, .notice_id = 1000, .channel_id = own_id[0], .tenant_id = 1, .next_ns = some[i].next_ns, .began_ns = NOW, .created_ns = NOW};
    strcpy(s.state, some[i].state);
    st = sending_insert(to, &s, &err);
  }
  return st == OK ? notice_closed(to, 1000, false, &err) : st;
}
static enum status release_others(struct db *to) { return sending_release(to, 2, NOW, &err); }
static enum status release(struct db *to) { return sending_release(to, 1, NOW, &err); }
static enum status sweep_all(struct db *to) {
  int64_t n;
  return notice_sweep(to, NOW + 86400 * S, &n, &err);
}
static enum status skip_all(struct db *to) { return sending_skip_all(to, own_id[0], "off", &err); }
static bool states(void *arg, const struct sending_row *s) {
  char *text = arg;
  snprintf(text + strlen(text), 100 - strlen(text), "%s:%lld;", s->state, (long long)((s->next_ns ? s->next_ns - NOW : -S) / S));
  return true;
}
// Three wait on a channel, the last of them told of what others must not hold back.
static enum status make_urgent(struct db *to) {
  enum status st = OK;
  for (int64_t i = 0; st == OK && i < 3; i++) {
    struct notice_row n = notice(2000 + i, 1, NULL);
    n.event = i == 2 ? "bot.dead" : "order.filled";
    struct sending_row s = {.id = 20 + i, .notice_id = n.id, .channel_id = own_id[0], .tenant_id = 1, .state = "waiting", .next_ns = NOW + i, .began_ns = NOW, .created_ns = NOW};
    st = notice_add(to, &n, NULL, &err);
    if (st == OK) st = sending_insert(to, &s, &err);
  }
  return st;
}
static enum status drop_urgent(struct db *to) { return db_script(to, "DELETE FROM notices WHERE id >= 2000 AND id < 2010", &err); }
static bool their_ids(void *arg, const struct sending_row *s) {
  char *text = arg;
  snprintf(text + strlen(text), 100 - strlen(text), "%lld;", (long long)s->id);
  return true;
}
static const char *due(int64_t now_ns, const char *first) {
  static char text[100];
  text[0] = '\0';
  assert_int_equal(sending_due(db, own_id[0], now_ns, first, 10, their_ids, text, &err), OK);
  return text;
}
static const char *sendings(void) {
  static char text[100];
  text[0] = '\0';
  assert_int_equal(sending_of_notice(db, 1000, states, text, &err), OK);
  return text;
}
static void channels_and_sendings(void **state) {
  (void)state;
  written(STORE_CONTROL, make_channels);
  int64_t n;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(channel_count(db, 1 + i, &n, &err), OK);
    assert_int_equal(n, 1);
    assert_int_equal(channel_list(db, 1 + i, INT64_MAX, 10, find_own, &own_id[i], &err), OK);
  }
  struct channel_row row;
  assert_int_equal(channel_get(db, 2, own_id[0], &row, &err), ERR_NOTFOUND);
  written(STORE_CONTROL, make_sendings);
  assert_string_equal(sendings(), "held:100;waiting:50;sent:-1;");
  assert_int_equal(sending_next(db, own_id[0], &n, &err), OK);
  assert_int_equal(n, NOW + 50 * S);
  written(STORE_CONTROL, release_others);
  assert_string_equal(sendings(), "held:100;waiting:50;sent:-1;");
  written(STORE_CONTROL, release);  // only what is held
  assert_string_equal(sendings(), "held:0;waiting:50;sent:-1;");
  written(STORE_CONTROL, sweep_all);  // something is still to be done for it
  assert_string_equal(sendings(), "held:0;waiting:50;sent:-1;");
  written(STORE_CONTROL, skip_all);
  assert_string_equal(sendings(), "skipped:-1;skipped:-1;sent:-1;");
  assert_int_equal(sending_next(db, own_id[0], &n, &err), OK);
  assert_int_equal(n, INT64_MAX);
  written(STORE_CONTROL, sweep_all);
  assert_string_equal(sendings(), "");
  assert_int_equal(notices_of(1), 3);  // of which nobody has decided yet
  written(STORE_CONTROL, make_urgent);
  assert_string_equal(due(NOW + 2, ","), "20;21;22;");
  assert_string_equal(due(NOW + 2, ",bot.dead,halt.set,"), "22;20;21;");
  assert_string_equal(due(NOW + 2, ",bot.deadly,dead,"), "20;21;22;");  // whole names
  assert_string_equal(due(NOW + 1, ",bot.dead,"), "20;21;");            // whose time has come
  written(STORE_CONTROL, drop_urgent);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(told_once), cmocka_unit_test(left_in_the_journal), cmocka_unit_test(channels_and_sendings)};
  return cmocka_run_group_tests(tests, open_store, close_store);
}
