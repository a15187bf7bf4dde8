// tests/unit/bot/test_live_left.c – orders that are at a venue while their bot has no books: halts cancel them, and them only, until the venue knows
// nothing of them any more, over lost answers and connections.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bot/live_venue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEC INT64_C(1000000000)
enum { BOT = 5, OTHER = 6, TENANT = 2, VENUE = 7, SURE_S = 8 };

static struct {
  struct live live;
  struct live_venue v;
  struct live_bot bots[2];
  struct clerk_left orders[2];  // of BOT; OTHER has one more
  int64_t now_ns, look_ns;
  enum venue_state state;
  struct venue_ref cancelled;   // the last one
  int cancels;
  struct { venue_reply_fn done; void *arg; } waits[4];
  int waiting;
} w;

bool __wrap_clerk_remote_left(struct clerk *c, size_t *pos, struct clerk_left *ret);
int64_t __wrap_clock_monotonic_ns(void);
void __wrap_loop_timer_start(struct loop_timer *timer, int64_t delay_ms, int64_t repeat_ms);
bool __wrap_clerk_remote_left(struct clerk *c, size_t *pos, struct clerk_left *ret) {
  if ((struct live_bot *)(void *)c == &w.bots[1]) {
    if ((*pos)++ > 0) return false;
    *ret = (struct clerk_left){.ref = {.client_id = "theirs"}, .halt_venue = VENUE, .opens = true};
    return true;
  }
  if (*pos == 2) return false;
  *ret = w.orders[(*pos)++];
  return true;
}
int64_t __wrap_clock_monotonic_ns(void) { return w.now_ns; }
void __wrap_loop_timer_start(struct loop_timer *timer, int64_t delay_ms, int64_t repeat_ms) { (void)timer, (void)repeat_ms, w.look_ns = w.now_ns + delay_ms * NS_PER_MS; }

static struct venue_caps op_caps(void *self) { return (void)self, (struct venue_caps){.expiry_ms = 3000}; }
static enum venue_state op_state(void *self, const char **why) { return (void)self, *why = "", w.state; }
static void op_cancel(void *self, const struct venue_ref *ref, venue_reply_fn done, void *arg) {
  (void)self;
  assert_true(w.waiting < 4);
  w.cancelled = *ref, w.cancels++;
  w.waits[w.waiting].done = done, w.waits[w.waiting++].arg = arg;
}
static const struct venue_ops ops = {.caps = op_caps, .state = op_state, .cancel = op_cancel};

static void answer(enum venue_outcome outcome, enum venue_why why) {
  assert_true(w.waiting > 0);
  w.waiting--;
  w.waits[w.waiting].done(w.waits[w.waiting].arg, &(struct venue_reply){.outcome = outcome, .why = why});
}

// The first order could open something, the second closes what is held.
static void begin(void) {
  memset(&w, 0, sizeof w);
  w.now_ns = SEC, w.look_ns = INT64_MAX, w.state = VENUE_STATE_READY;
  w.v = (struct live_venue){.live = &w.live, .venue = {&ops, NULL}, .timer = (struct loop_timer *)&w, .due_ns = INT64_MAX};
  halt_init(&w.live.halt);
  for (int i = 0; i < 2; i++) w.bots[i] = (struct live_bot){.live = &w.live, .id = BOT + i, .tenant_id = TENANT, .clerk = (struct clerk *)(void *)&w.bots[i]};
  w.orders[0] = (struct clerk_left){.ref = {.client_id = "low", .symbol = "BTCUSDT", .venue_id = "v1"}, .halt_venue = VENUE, .opens = true};
  w.orders[1] = (struct clerk_left){.ref = {.client_id = "out", .symbol = "BTCUSDT"}, .halt_venue = VENUE};
  live_left_keep(&w.v, &w.bots[0]);
  live_left_keep(&w.v, &w.bots[1]);
}

static void halt(enum refusal_level level, uint64_t id, enum halt_mode mode) {
  halt_set(&w.live.halt, level, id, mode, HALT_BY_OWNER, 1);
  live_left_look(&w.v);
}

static void later(int64_t ms) {
  w.now_ns += ms * NS_PER_MS;
  if (w.now_ns < w.look_ns) return;  // nothing happens: it is the session's timer that looks
  w.v.due_ns = w.look_ns = INT64_MAX;
  live_left_look(&w.v);
}

static void ended(const char *client_id, enum venue_order_state state) {
  struct venue_order o = {.state = state};
  snprintf(o.ref.client_id, sizeof o.ref.client_id, "%s", client_id);
  live_left_seen(&w.v, &o);
}

static void as_halts_say(void **state) {
  (void)state;
  static const struct { enum refusal_level level; uint64_t id; enum halt_mode mode; int cancels; } cases[] = {
    {LEVEL_BOT, OTHER + 1, HALT_SILENT, 0}, {LEVEL_TENANT, TENANT + 1, HALT_SILENT, 0}, {LEVEL_VENUE, VENUE + 1, HALT_FLATTEN, 0}, {LEVEL_BOT, OTHER, HALT_SILENT, 1},
    {LEVEL_BOT, BOT, HALT_REDUCE, 1}, {LEVEL_BOT, BOT, HALT_SILENT, 2}, {LEVEL_BOT, BOT, HALT_FLATTEN, 2}, {LEVEL_TENANT, TENANT, HALT_SILENT, 3}, {LEVEL_VENUE, VENUE, HALT_SILENT, 3},
    {LEVEL_ALL, 0, HALT_REDUCE, 2}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    begin();
    live_left_look(&w.v);
    assert_int_equal(w.cancels, 0);
    halt(cases[i].level, cases[i].id, cases[i].mode);
    assert_int_equal(w.cancels, cases[i].cancels);
    live_left_look(&w.v);
    assert_int_equal(w.cancels, cases[i].cancels);  // each is under way
    live_left_close(&w.v);
  }
}

static void until_there_is_none(void **state) {
  (void)state;
  begin();
  halt(LEVEL_BOT, BOT, HALT_REDUCE);
  assert_string_equal(w.cancelled.client_id, "low");
  assert_string_equal(w.cancelled.venue_id, "v1");
  answer(VENUE_UNKNOWN, VENUE_WHY_OTHER);
  later(500);
  assert_int_equal(w.cancels, 1);
  later(500);
  assert_int_equal(w.cancels, 2);
  answer(VENUE_REFUSED, VENUE_WHY_NOT_FOUND);  // perhaps its request is only on its way
  later(1000);
  answer(VENUE_REFUSED, VENUE_WHY_DONE);
  assert_int_equal(w.cancels, 3);
  w.state = VENUE_STATE_DOWN;
  later(1000);
  assert_int_equal(w.cancels, 3);
  w.state = VENUE_STATE_READY;
  live_left_look(&w.v);
  assert_int_equal(w.cancels, 4);
  answer(VENUE_ACCEPTED, VENUE_WHY_NONE);
  later(4999);
  assert_int_equal(w.cancels, 4);
  later(1);  // its end was not told
  assert_int_equal(w.cancels, 5);
  assert_true(w.now_ns > SURE_S * SEC);
  const bool waits = w.cancelled.waits;
  answer(VENUE_REFUSED, VENUE_WHY_NOT_FOUND);
  later(1000);
  assert_int_equal(w.cancels, 6);
  assert_true(w.cancelled.waits != waits);  // it may be kept under another kind of name
  answer(VENUE_REFUSED, VENUE_WHY_NOT_FOUND);
  later(60000);
  assert_int_equal(w.cancels, 6);
  halt(LEVEL_BOT, BOT, HALT_SILENT);  // it is forgotten; the other one is there still
  assert_int_equal(w.cancels, 7);
  assert_string_equal(w.cancelled.client_id, "out");
  ended("out", VENUE_ORDER_OPEN);
  answer(VENUE_NOT_SENT, VENUE_WHY_THROTTLED);
  halt_clear(&w.live.halt, LEVEL_BOT, BOT);
  later(1000);
  assert_int_equal(w.cancels, 7);  // nothing is halted any more
  live_left_close(&w.v);
}

static void ends_meanwhile(void **state) {
  (void)state;
  begin();
  ended("low", VENUE_ORDER_FILLED);
  ended("nobody's", VENUE_ORDER_CANCELED);
  halt(LEVEL_BOT, BOT, HALT_SILENT);
  assert_int_equal(w.cancels, 1);
  assert_string_equal(w.cancelled.client_id, "out");
  ended("out", VENUE_ORDER_CANCELED);  // before the answer
  live_left_look(&w.v);
  answer(VENUE_ACCEPTED, VENUE_WHY_NONE);
  later(60000);
  assert_int_equal(w.cancels, 1);
  // It has books again, which see to its orders; and loses them again before an answer is here.
  live_left_keep(&w.v, &w.bots[0]);
  assert_int_equal(w.cancels, 3);
  live_left_forget(&w.v, BOT);
  later(60000);
  assert_int_equal(w.cancels, 3);
  live_left_keep(&w.v, &w.bots[0]);
  assert_int_equal(w.cancels, 3);  // under way
  live_left_unanswered(&w.v);      // with another session
  w.waiting = 0;
  live_left_look(&w.v);
  assert_int_equal(w.cancels, 5);
  live_left_forget(&w.v, BOT);
  answer(VENUE_ACCEPTED, VENUE_WHY_NONE), answer(VENUE_ACCEPTED, VENUE_WHY_NONE);
  assert_true(w.v.left && !w.v.left->next && w.v.left->bot_id == OTHER);
  live_left_close(&w.v);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(as_halts_say), cmocka_unit_test(until_there_is_none), cmocka_unit_test(ends_meanwhile)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
