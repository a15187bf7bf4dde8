// What is on an account at a venue is asked for every minute as long as bots trade on it or somebody looks, and a venue that does not answer is asked again
// in a minute: on a clock of the test's own.
#include "api/account_watch.h"

#include "api/core.h"
#include "api/venue_desk.h"
#include "loop/loop.h"
#include "store/bot_rows.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

enum { ACCOUNT = 7, TENANT = 3, SECOND = 1000, MINUTE = 60 * SECOND };

static struct {
  struct api_core core;
  struct account_watch *watch;
  int64_t now_ms, bots;
  void (*tick)(void *arg);
  void *tick_arg;
  const struct venue_events *events;
  void *self;                    // the session's owner
  unsigned asked, sessions, ended;
  venue_balances_fn done;        // of the question under way
  void *arg;
  int status;                    // of the last answer
  json_t *said;
  api_phase resumed;
  struct api_call *waits;
  char memory[1024];
} w;

int64_t __wrap_loop_now_ms(const struct loop *loop);
enum status __wrap_loop_timer_create(struct loop *loop, void (*fn)(void *arg), void *arg, struct loop_timer **ret, struct err *err);
void __wrap_loop_timer_start(struct loop_timer *timer, int64_t delay_ms, int64_t repeat_ms);
void __wrap_loop_timer_destroy(struct loop_timer *timer);
void __wrap_venue_desk_look(struct venue_desk *d);
enum status __wrap_venue_desk_session(struct venue_desk *d, int64_t tenant_id, int64_t account_id, const struct venue_desk_wish *wish, const struct venue_events *events,
                                      void *to, struct venue *ret, struct err *err);
enum status __wrap_bot_count(struct db *db, int64_t tenant_id, int64_t script_id, int64_t account_id, int64_t *ret, struct err *err);
struct db *__wrap_store_reader(struct store *store, enum store_file file);
enum status __wrap_api_json(struct api_call *call, int status, json_t *tree);
enum status __wrap_api_wait(struct api_call *call);
void __wrap_api_resume(struct api_call *call, api_phase phase);
void *__wrap_api_alloc(struct api_call *call, size_t size);
int64_t __wrap_loop_now_ms(const struct loop *loop) { return (void)loop, w.now_ms; }
enum status __wrap_loop_timer_create(struct loop *loop, void (*fn)(void *arg), void *arg, struct loop_timer **ret, struct err *err) {
  (void)loop, (void)err, (void)ret;
  w.tick = fn, w.tick_arg = arg;
  return OK;
}
void __wrap_loop_timer_start(struct loop_timer *timer, int64_t delay_ms, int64_t repeat_ms) { (void)timer, (void)delay_ms, assert_int_equal(repeat_ms, SECOND); }
void __wrap_loop_timer_destroy(struct loop_timer *timer) { (void)timer; }
void __wrap_venue_desk_look(struct venue_desk *d) { (void)d; }
enum status __wrap_bot_count(struct db *db, int64_t tenant_id, int64_t script_id, int64_t account_id, int64_t *ret, struct err *err) {
  (void)db, (void)err;
  assert_true(tenant_id == TENANT && script_id == 0 && account_id == ACCOUNT);
  return *ret = w.bots, OK;
}
struct db *__wrap_store_reader(struct store *store, enum store_file file) { return (void)store, (void)file, NULL; }

// ---- the venue

static void op_balances(void *self, venue_balances_fn done, void *arg) {
  (void)self;
  assert_null(w.done);  // one at a time
  w.done = done, w.arg = arg;
  w.asked++;
}
static void op_destroy(void *self) { (void)self, w.ended++, w.done = NULL; }
static const struct venue_ops ops = {.balances = op_balances, .destroy = op_destroy};
enum status __wrap_venue_desk_session(struct venue_desk *d, int64_t tenant_id, int64_t account_id, const struct venue_desk_wish *wish, const struct venue_events *events,
                                      void *to, struct venue *ret, struct err *err) {
  (void)d, (void)err;
  assert_true(tenant_id == TENANT && account_id == ACCOUNT && wish->read_only && wish->no_streams && !wish->probe);
  w.events = events, w.self = to, w.sessions++;
  return *ret = (struct venue){&ops, &w}, OK;
}
static void answer(enum venue_outcome outcome, int64_t usdt) {
  const venue_balances_fn done = w.done;
  const struct venue_balance one = {.asset = "USDT", .total = {usdt, 0}, .free = {usdt, 0}};
  assert_non_null(done);
  w.done = NULL;
  done(w.arg, &(struct venue_reply){.outcome = outcome, .text = "maintenance"}, &one, outcome == VENUE_ACCEPTED ? 1 : 0);
}

// ---- who looks

enum status __wrap_api_json(struct api_call *call, int status, json_t *tree) {
  (void)call;
  json_decref(w.said);
  w.status = status, w.said = tree;
  return OK;
}
enum status __wrap_api_wait(struct api_call *call) { return w.waits = call, OK; }
void __wrap_api_resume(struct api_call *call, api_phase phase) {
  assert_ptr_equal(call, w.waits);
  w.waits = NULL;
  assert_int_equal(phase(call), OK);
}
void *__wrap_api_alloc(struct api_call *call, size_t size) {
  (void)call;
  assert_true(size <= sizeof w.memory);
  return memset(w.memory, 0, size);
}
static struct api_call call;
static void look(void) {
  call = (struct api_call){.core = &w.core};
  call.who.tenant_id = TENANT;
  w.status = 0;
  assert_int_equal(account_watch_answer(&call, ACCOUNT), OK);
}
static const char *balance(void) { return json_string_value(json_object_get(json_array_get(json_object_get(w.said, "items"), 0), "balance")); }

// So many seconds, a tick each.
static void seconds(int n) {
  for (int i = 0; i < n; i++) w.now_ms += SECOND, w.tick(w.tick_arg);
}

static int begin(void **state) {
  (void)state;
  struct err err;
  memset(&w, 0, sizeof w);
  w.now_ms = 5 * MINUTE;
  if (account_watch_create(&w.core, &w.watch, &err) != OK) return 1;
  w.core.accounts = w.watch;
  return 0;
}
static int end(void **state) {
  (void)state;
  account_watch_destroy(w.watch);
  json_decref(w.said);
  return w.ended == w.sessions ? 0 : 1;
}

static void every_minute(void **state) {
  (void)state;
  w.bots = 1;
  look();
  assert_true(w.waits && w.asked == 0);  // clock and key first
  seconds(3);
  w.events->state(w.self, VENUE_STATE_CONNECTING, VENUE_STATE_RECONCILING, "");
  assert_int_equal(w.asked, 1);
  answer(VENUE_ACCEPTED, 100);
  assert_true(w.status == 200 && strcmp(balance(), "100") == 0 && !w.waits);
  // An hour in which nobody looks: its bots trade, so it is asked each minute, once.
  for (unsigned minute = 1; minute <= 60; minute++) {
    seconds(59);
    assert_int_equal(w.asked, minute);
    seconds(1);
    assert_int_equal(w.asked, minute + 1);
    answer(VENUE_ACCEPTED, 100 + minute);
  }
  look();  // at once, and not asked for
  assert_true(w.status == 200 && strcmp(balance(), "160") == 0 && w.asked == 61);
  assert_int_equal(w.sessions, 1);
}

static void no_answer_is_asked_again(void **state) {
  (void)state;
  w.bots = 1;
  look();
  w.events->state(w.self, VENUE_STATE_CONNECTING, VENUE_STATE_RECONCILING, "");
  answer(VENUE_ACCEPTED, 100);
  seconds(60);
  answer(VENUE_UNKNOWN, 0);
  look();
  assert_string_equal(balance(), "100");  // what was told last, with its time
  seconds(60);
  assert_int_equal(w.asked, 3);
  seconds(300);  // it does not answer at all: one question, not six
  assert_int_equal(w.asked, 3);
  answer(VENUE_ACCEPTED, 50);
  seconds(1);
  assert_int_equal(w.asked, 4);
  // Away, nothing is asked; back, at once.
  answer(VENUE_ACCEPTED, 40);
  w.events->state(w.self, VENUE_STATE_RECONCILING, VENUE_STATE_DOWN, "the stream was cut");
  seconds(180);
  assert_int_equal(w.asked, 4);
  w.events->state(w.self, VENUE_STATE_CONNECTING, VENUE_STATE_RECONCILING, "");
  assert_int_equal(w.asked, 5);
}

static void nobody_looks(void **state) {
  (void)state;
  look();
  w.events->state(w.self, VENUE_STATE_CONNECTING, VENUE_STATE_RECONCILING, "");
  answer(VENUE_ACCEPTED, 100);
  for (int minute = 0; minute < 10; minute++) {
    seconds(60);
    answer(VENUE_ACCEPTED, 100);
  }
  assert_true(w.asked == 11 && w.ended == 0);
  seconds(1);  // ten minutes without bots or eyes: it is let go
  assert_true(w.asked == 11 && w.ended == 1);
}

int main(void) {
#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)
  const struct CMUnitTest tests[] = {TEST(every_minute), TEST(no_answer_is_asked_again), TEST(nobody_looks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
