// One signal's way to its bots, in a real database file: what the disk refuses is written later, in the order in which it came, and each bot has it once; the cap; the
// lot; what has no acceptance goes nowhere.
#include "api/signal_fanout.h"

#include "api/core.h"
#include "loop/loop.h"
#include "store/db.h"
#include "store/hook_rows.h"
#include "store/signal_rows.h"
#include "store/store.h"
#include "store/vault_rows.h"

#include <semaphore.h>
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
enum { BOT = 1000, BOTS = 5, ALL_BOTS = 600, HOOK = 2000, DELIVERY = 3000, DELIVERIES = 8, ROOM = 3 };

static struct api_core core;
static struct signal_fanout *fanout;
static char dir[40];
static struct err err;
static unsigned refused;

static void count_refused(void *arg, const char *line, size_t len) {
  (void)arg, (void)len;
  refused += strstr(line, "signal_not_written") != NULL;
}

static enum status people(struct db *d, void *arg, struct err *e) {
  enum status st = db_run(d, NULL, e, "INSERT INTO tenants (id, kind, name, created_ns) VALUES (1, 'personal', 'a', 1)", "");
  struct account_row a = {.id = 10, .tenant_id = 1, .venue = "paper", .name = "p", .settings = "{}", .created_ns = 1};
  const struct hook_row h = {.id = HOOK, .tenant_id = 1, .name = "h", .enabled = true, .settings = "{}", .created_ns = 1, .updated_ns = 1, .revision = 1};
  if (st == OK) st = account_insert(d, &a, e);
  if (st == OK) st = hook_insert(d, &h, e);
  const int64_t end = BOT + (arg ? ALL_BOTS : BOTS);
  for (int64_t id = BOT; st == OK && id <= end; id++) {  // the last one is not to run
    struct bot_row b = {.id = id, .tenant_id = 1, .account_id = 10, .script_id = 20, .version = 1, .name = "b", .venue = "sim", .symbol = "BTCUSDT", .timeframe = "1h", .pairs = "[]", .params = "{}", .settings = "{}",
                        .wanted = "running", .created_ns = 1, .updated_ns = 1, .standing = {.state = "running", .reason_code = "", .reason = ""}};
    if (id == end) snprintf(b.wanted, sizeof b.wanted, "stopped");
    st = bot_insert(d, &b, e);
    if (st == OK) st = hook_bot_add(d, HOOK, id, e);
  }
  for (int64_t id = DELIVERY; st == OK && id < DELIVERY + DELIVERIES; id++)
    st = delivery_insert(d, &(struct delivery_row){.id = id, .hook_id = HOOK, .received_ns = NOW, .expires_ns = NOW + S, .state = "accepted", .reason = "", .address = "", .body = "", .signal = "{}"}, e);
  return st;
}

static int open_with(bool many) {
  strcpy(dir, "/tmp/perigee-fanout-XXXXXX");
  core = (struct api_core){.log = count_refused};
  buf_init(&core.log_lines, 1 << 16);
  refused = 0;
  if (!mkdtemp(dir) || loop_create(&core.loop, NULL, &err) != OK) return 1;
  if (store_open(dir, &(struct store_options){.loop = core.loop, .queue_max = ROOM}, &core.store, &err) != OK) return 1;
  if (store_write_sync(core.store, STORE_CONTROL, people, many ? &err : NULL, &err) != OK) return 1;
  return stream_hub_create(&api_ws_port, &api_stream_rules, &core.hub, &err) != OK || signal_fanout_create(&core, &fanout, &err) != OK;
}
static int open_all(void **state) { return (void)state, open_with(false); }
static int open_many(void **state) { return (void)state, open_with(true); }
static int close_all(void **state) {
  (void)state;
  signal_fanout_destroy(fanout);
  stream_hub_destroy(core.hub);
  store_close(core.store);
  loop_destroy(core.loop);
  buf_finish(&core.log_lines);
  char command[100];
  snprintf(command, sizeof command, "rm -rf %s", dir);
  return system(command);
}

static void hand_in(int64_t delivery, const char *settings) {
  json_t *signal = json_pack("{s:s, s:f}", "action", "note", "size", 0.1), *of = json_loads(settings, 0, NULL);
  const struct signal_verdict v = {.hook_id = HOOK, .tenant_id = 1, .delivery_id = delivery, .received_ns = NOW, .expires_ns = NOW + S, .hook_name = "h", .settings = of, .signal = signal, .state = "delivered", .reason = ""};
  assert_true(signal_fanout(fanout, &v));
  json_decref(signal);
  json_decref(of);
}
static void settle(void) {
  while (signal_fanout_stats(fanout).waiting) loop_turn(core.loop, true);
}

struct heard {
  int64_t deliveries[DELIVERIES + 1];
  int count;
};
static bool hear(void *arg, const struct signal_row *s) {
  struct heard *h = arg;
  if (h->count <= DELIVERIES) h->deliveries[h->count] = s->delivery_id;
  return ++h->count;
}
static struct heard heard_by(int64_t bot) {
  struct heard h = {.count = 0};
  assert_int_equal(signal_waiting(store_reader(core.store, STORE_CONTROL), bot, 0, hear, &h, &err), OK);
  return h;
}

struct holding {
  sem_t begun, go_on;
};
static enum status hold(struct db *d, void *arg, struct err *e) {
  struct holding *h = arg;
  (void)d, (void)e;
  sem_post(&h->begun);
  sem_wait(&h->go_on);
  return OK;
}

// The writer stands still, so that some have no room; they wait for a second, and the last, which comes when there is room again, waits with them.
static void what_is_refused_keeps_its_order(void **state) {
  (void)state;
  struct holding h;
  sem_init(&h.begun, 0, 0);
  sem_init(&h.go_on, 0, 0);
  store_write(core.store, STORE_CONTROL, hold, NULL, &h);
  sem_wait(&h.begun);
  for (int i = 0; i < 5; i++) hand_in(DELIVERY + i, "{}");
  sem_post(&h.go_on);
  while (signal_fanout_stats(fanout).delivered + refused < 5) loop_turn(core.loop, true);
  assert_in_range(refused, 2, 3);
  hand_in(DELIVERY + 5, "{}");
  settle();
  for (int64_t bot = BOT; bot < BOT + BOTS; bot++) {
    const struct heard heard = heard_by(bot);
    assert_int_equal(heard.count, 6);
    for (int i = 0; i < 6; i++) assert_int_equal(heard.deliveries[i], DELIVERY + i);
  }
  sem_destroy(&h.begun);
  sem_destroy(&h.go_on);
}

// A verdict that was told before, or of what is no more, is no signal.
static void nothing_goes_out_without_an_acceptance(void **state) {
  (void)state;
  hand_in(DELIVERY, "{}");
  settle();
  hand_in(DELIVERY, "{}");
  hand_in(DELIVERY + DELIVERIES, "{}");
  settle();
  for (int64_t bot = BOT; bot <= BOT + BOTS; bot++) assert_int_equal(heard_by(bot).count, bot < BOT + BOTS);
  assert_int_equal(signal_fanout_stats(fanout).delivered, 1);
}

// More than are woken in one turn of the loop.
static void all_are_woken(void **state) {
  (void)state;
  hand_in(DELIVERY, "{}");
  settle();
  assert_int_equal(signal_fanout_stats(fanout).signals, ALL_BOTS);
  unsigned turns = 0;
  for (; signal_fanout_stats(fanout).waking && turns < 100; turns++) loop_turn(core.loop, false);
  assert_in_range(turns, 0, 99);
}

static void at_most_so_many(void **state) {
  (void)state;
  static const struct { const char *settings; int bots; } table[] = {{"{}", BOTS}, {"{\"cap\":{\"bots\":3}}", 3}, {"{\"cap\":{\"bots\":9}}", BOTS}, {"{\"cap\":{\"size\":0.3}}", 3}, {"{\"cap\":{\"size\":0.29}}", 2},
    {"{\"cap\":{\"size\":0.05}}", 0}, {"{\"cap\":{\"size\":0.4,\"bots\":1}}", 1}};
  uint64_t before = 0;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    hand_in(DELIVERY + (int64_t)i, table[i].settings);
    settle();
    const uint64_t all = signal_fanout_stats(fanout).signals;
    if (all - before != (uint64_t)table[i].bots) fail_msg("%s: %llu bots", table[i].settings, (unsigned long long)(all - before));
    before = all;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(what_is_refused_keeps_its_order, open_all, close_all),
    cmocka_unit_test_setup_teardown(nothing_goes_out_without_an_acceptance, open_all, close_all), cmocka_unit_test_setup_teardown(all_are_woken, open_many, close_all),
    cmocka_unit_test_setup_teardown(at_most_so_many, open_all, close_all)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
