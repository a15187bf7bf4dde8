// tests/unit/order/test_route.c – the table of live orders: complete, in step with the order states scripts see, and each of
// its promises by example.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "order/route.h"

#define SEC INT64_C(1000000000)

static struct route_order make(int64_t lots) {
  struct route_order o;
  route_init(&o, &(struct client_id){7, 1, 1}, 1, 1, 0, SIDE_BUY, (quantity){lots});
  return o;
}

static struct route_effect on(struct route_order *o, enum route_event_kind kind) {
  return route_apply(o, &(struct route_event){.kind = kind, .now_ns = SEC, .expiry_ns = 3 * SEC, .lookups = 7});
}

static struct route_order sent(int64_t lots) {
  struct route_order o = make(lots);
  on(&o, ROUTE_EV_JOURNALLED);
  assert_int_equal(on(&o, ROUTE_EV_SEND).to, ROUTE_SENT);
  return o;
}

static struct route_effect fill(struct route_order *o, int64_t lots) { return route_fill(o, (price){100}, (quantity){lots}, SEC); }

// An order in any state, with two of ten lots executed where that can be.
static struct route_order in_state(enum route_state s) {
  struct route_order o = make(10);
  o.state = s;
  o.acked = s >= ROUTE_OPEN && s <= ROUTE_EXPIRED;
  if (s == ROUTE_PARTIAL || s == ROUTE_CANCELLING || s == ROUTE_MODIFYING || s == ROUTE_UNKNOWN) o.filled.lots = o.cum.lots = 2;
  if (s == ROUTE_FILLED) o.filled.lots = o.cum.lots = 10;
  return o;
}

static void test_every_cell_is_written(void **state) {
  (void)state;
  for (int s = 0; s < ROUTE_STATE_COUNT; s++)
    for (int e = 0; e < ROUTE_EV_COUNT; e++) {
      enum route_state to;
      enum route_kind kind = route_table(s, e, &to);
      assert_true(kind > ROUTE_UNWRITTEN && kind <= ROUTE_REFUSE);
      assert_true(route_state_text(s)[0] && route_event_text(e)[0]);
      // Money and what a venue says are never refused.
      if (e == ROUTE_EV_FILL_PART || e == ROUTE_EV_FILL_ALL) assert_true(kind != ROUTE_REFUSE && kind != ROUTE_LATE);
      if (e == ROUTE_EV_ACK || e == ROUTE_EV_CANCELED || e == ROUTE_EV_REJECTED || e == ROUTE_EV_EXPIRED)
        assert_true(kind != ROUTE_REFUSE);
      if (e == ROUTE_EV_SEND) assert_int_equal(kind, s == ROUTE_JOURNALLED ? ROUTE_MOVE : ROUTE_REFUSE);
      // Out of a final state only by contradiction.
      if (!route_live(s)) assert_true(kind != ROUTE_MOVE);
    }
}

// Every move that is no contradiction is one that the order states of scripts allow.
static void test_in_step_with_order_states(void **state) {
  (void)state;
  for (int s = 0; s < ROUTE_STATE_COUNT; s++)
    for (int e = 0; e < ROUTE_EV_COUNT; e++) {
      struct route_order o = in_state(s);
      struct route_event ev = {.kind = e, .qty = {8}, .now_ns = SEC, .asked_ns = 2 * SEC, .lookups = 7};
      bool part = e == ROUTE_EV_FILL_PART, all = e == ROUTE_EV_FILL_ALL;
      struct route_effect f = part || all ? route_fill(&o, (price){5}, (quantity){part ? 3 : 10 - o.filled.lots + (s == ROUTE_FILLED)}, SEC)
                                          : route_apply(&o, &ev);
      assert_true(f.from == (enum route_state)s && f.to == o.state);
      if (f.kind == ROUTE_REFUSE || f.kind == ROUTE_LATE) assert_true(f.to == f.from);
      if (f.kind != ROUTE_MOVE || route_status(f.from) == route_status(f.to)) continue;
      if (!order_status_can(route_status(f.from), route_status(f.to)))
        fail_msg("%s on %s gives %s", route_state_text(s), route_event_text(e), route_state_text(f.to));
    }
}

static void test_the_usual_way(void **state) {
  (void)state;
  struct route_order o = make(10);
  assert_int_equal(on(&o, ROUTE_EV_SEND).kind, ROUTE_REFUSE);  // not durable yet
  assert_int_equal(route_pending(&o), 10);                      // but counted
  assert_int_equal(on(&o, ROUTE_EV_JOURNALLED).to, ROUTE_JOURNALLED);
  assert_int_equal(on(&o, ROUTE_EV_SEND).to, ROUTE_SENT);
  assert_int_equal(on(&o, ROUTE_EV_SEND).kind, ROUTE_REFUSE);
  assert_int_equal(on(&o, ROUTE_EV_ABANDON).kind, ROUTE_REFUSE);
  assert_int_equal(on(&o, ROUTE_EV_ACK).to, ROUTE_OPEN);
  struct route_effect e = fill(&o, 4);
  assert_true(e.to == ROUTE_PARTIAL && e.pending_delta == -4 && !e.overfilled);
  e = fill(&o, 6);
  assert_true(e.to == ROUTE_FILLED && route_pending(&o) == 0 && o.fill_value == 1000);
  assert_int_equal(on(&o, ROUTE_EV_ACK).kind, ROUTE_LATE);
  assert_int_equal(on(&o, ROUTE_EV_CANCELED).kind, ROUTE_LATE);
  assert_int_equal(on(&o, ROUTE_EV_LOST).kind, ROUTE_LATE);
}

static void test_out_of_order(void **state) {
  (void)state;
  struct route_order o = sent(10);
  assert_int_equal(fill(&o, 3).to, ROUTE_PARTIAL);           // before the ack
  assert_int_equal(on(&o, ROUTE_EV_ACK).kind, ROUTE_LATE);
  struct route_effect e = route_apply(&o, &(struct route_event){.kind = ROUTE_EV_CANCELED, .cum = {5}});
  assert_true(e.to == ROUTE_CANCELED && route_missing(&o) == 2 && route_pending(&o) == 2 && e.pending_delta == -5);
  e = fill(&o, 2);                                           // after the end
  assert_true(e.kind == ROUTE_STAY && e.to == ROUTE_CANCELED && route_pending(&o) == 0 && e.pending_delta == -2);
  e = route_apply(&o, &(struct route_event){.kind = ROUTE_EV_ACK, .cum = {1}});
  assert_true(e.kind == ROUTE_LATE && o.cum.lots == 5);      // cum never goes back
}

static void test_too_much_is_booked_and_shown(void **state) {
  (void)state;
  struct route_order o = sent(10);
  fill(&o, 10);
  struct route_effect e = fill(&o, 1);
  assert_true(e.kind == ROUTE_ODD && e.overfilled && o.filled.lots == 11);
  o = sent(10);
  e = route_apply(&o, &(struct route_event){.kind = ROUTE_EV_ACK, .cum = {11}});
  assert_true(e.overfilled && route_pending(&o) == 11);
  o = sent(10);
  o.fill_value = ((int128)1 << 125) - 1;
  assert_true(fill(&o, 1).kind == ROUTE_REFUSE && o.filled.lots == 0);
}

static void test_contradictions_come_back(void **state) {
  (void)state;
  const enum route_event_kind ends[] = {ROUTE_EV_REJECTED, ROUTE_EV_ABANDON};
  for (int i = 0; i < 2; i++) {
    struct route_order o = i == 0 ? sent(10) : make(10);
    if (i == 1) on(&o, ROUTE_EV_JOURNALLED);
    struct route_effect e = on(&o, ends[i]);
    assert_true(!route_live(e.to) && e.pending_delta == -10);
    e = on(&o, ROUTE_EV_ACK);
    assert_true(e.kind == ROUTE_ODD && e.to == ROUTE_UNKNOWN && e.pending_delta == 10);
    assert_int_equal(on(&o, ROUTE_EV_SEND).kind, ROUTE_REFUSE);
    int64_t at;
    assert_int_equal(unknown_next(&o.probe, SEC, &at), UNKNOWN_ASK_ID);
  }
}

static void test_changes(void **state) {
  (void)state;
  struct route_order o = sent(10);
  on(&o, ROUTE_EV_ACK);
  struct route_event change = {.kind = ROUTE_EV_MODIFY_SEND, .qty = {15}, .expiry_ns = 9 * SEC};
  assert_true(route_apply(&o, &change).pending_delta == 5);   // the larger of both until decided
  assert_int_equal(route_apply(&o, &change).kind, ROUTE_REFUSE);
  assert_int_equal(on(&o, ROUTE_EV_CANCEL_SEND).to, ROUTE_CANCELLING);
  assert_int_equal(on(&o, ROUTE_EV_CANCEL_REFUSED).to, ROUTE_OPEN);
  assert_int_equal(route_apply(&o, &change).kind, ROUTE_REFUSE);  // the first is still undecided
  struct route_event done = {.kind = ROUTE_EV_MODIFIED, .change = 1};
  assert_int_equal(route_apply(&o, &done).to, ROUTE_OPEN);
  assert_true(o.qty.lots == 15 && route_pending(&o) == 15);
  fill(&o, 4);
  change.qty.lots = 4;                                         // down to what is filled: nothing is left
  assert_int_equal(route_apply(&o, &change).to, ROUTE_MODIFYING);
  assert_int_equal(route_apply(&o, &done).kind, ROUTE_LATE);   // the first change's answer again
  done.change = 2;
  assert_int_equal(route_apply(&o, &done).to, ROUTE_FILLED);
  assert_int_equal(route_pending(&o), 0);
  // Executions up to the old quantity may be all there is, if the change fails.
  o = sent(10);
  change.qty.lots = 12;
  route_apply(&o, &change);
  assert_int_equal(fill(&o, 10).to, ROUTE_MODIFYING);
  assert_int_equal(on(&o, ROUTE_EV_MODIFY_REFUSED).to, ROUTE_FILLED);
}

static void test_unknown_needs_fresh_proof(void **state) {
  (void)state;
  struct route_order o = sent(10);
  struct route_event lost = {.kind = ROUTE_EV_LOST, .now_ns = 5 * SEC, .lookups = 7};
  assert_int_equal(route_apply(&o, &lost).to, ROUTE_UNKNOWN);
  assert_int_equal(route_pending(&o), 10);
  struct route_event ack = {.kind = ROUTE_EV_ACK, .qty = {10}, .now_ns = 6 * SEC};
  assert_int_equal(route_apply(&o, &ack).to, ROUTE_UNKNOWN);   // was under way for long
  assert_int_equal(fill(&o, 2).to, ROUTE_UNKNOWN);             // the rest may be working or not
  assert_int_equal(on(&o, ROUTE_EV_CANCEL_SEND).to, ROUTE_UNKNOWN);
  ack.asked_ns = 6 * SEC;
  assert_int_equal(route_apply(&o, &ack).to, ROUTE_PARTIAL);
  // A change whose fate is open keeps it unknown, until a question is asked when it can no longer arrive.
  route_apply(&o, &(struct route_event){.kind = ROUTE_EV_MODIFY_SEND, .qty = {20}, .expiry_ns = 9 * SEC});
  route_apply(&o, &lost);
  assert_int_equal(route_apply(&o, &ack).to, ROUTE_UNKNOWN);
  ack.asked_ns = 10 * SEC;
  ack.qty.lots = 20;
  assert_int_equal(route_apply(&o, &ack).to, ROUTE_PARTIAL);
  assert_int_equal(route_pending(&o), 18);
  route_apply(&o, &lost);
  assert_int_equal(on(&o, ROUTE_EV_ABSENT).to, ROUTE_CANCELED);  // it was there, and is no more
  // Never seen: dead, and back when it shows up after all.
  o = sent(10);
  route_apply(&o, &lost);
  assert_int_equal(on(&o, ROUTE_EV_GIVE_UP).to, ROUTE_QUARANTINED);
  struct route_effect e = on(&o, ROUTE_EV_ABSENT);
  assert_true(e.to == ROUTE_DEAD && e.pending_delta == -10);
  e = fill(&o, 3);
  assert_true(e.kind == ROUTE_ODD && e.to == ROUTE_UNKNOWN && o.filled.lots == 3 && route_pending(&o) == 7);
}

// After a restart the journal knows of an intent, not whether its bytes left.
static void test_restart(void **state) {
  (void)state;
  for (int s = ROUTE_JOURNALLED; s <= ROUTE_MODIFYING; s++) {
    struct route_order o = in_state(s);
    struct route_effect e = route_apply(&o, &(struct route_event){.kind = ROUTE_EV_LOST, .now_ns = 90 * SEC, .expiry_ns = 80 * SEC, .lookups = 7});
    assert_true(e.to == ROUTE_UNKNOWN && o.probe.expiry_ns == 80 * SEC && e.pending_delta == 0);
    assert_int_equal(on(&o, ROUTE_EV_SEND).kind, ROUTE_REFUSE);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_cell_is_written), cmocka_unit_test(test_in_step_with_order_states),
    cmocka_unit_test(test_the_usual_way), cmocka_unit_test(test_out_of_order),
    cmocka_unit_test(test_too_much_is_booked_and_shown), cmocka_unit_test(test_contradictions_come_back),
    cmocka_unit_test(test_changes), cmocka_unit_test(test_unknown_needs_fresh_proof), cmocka_unit_test(test_restart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
