// The pure parts of remote venues: the words of dialects as structs, budgets, the venue's clock, the table of states.
#include "venue/budget.h"
#include "venue/remote_life.h"
#include "venue/unified.h"
#include "venue/venue_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct err err;

static json_t *parse(const char *text) {
  json_t *v = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(v);
  return v;
}

static void structs(void **state) {
  (void)state;
  struct venue_order o;
  json_t *v = parse("{\"symbol\":\"BTCUSDT\",\"client_id\":\"P1\",\"id\":\"v\",\"status\":\"canceled\",\"side\":\"sell\",\"why\":\"post_only\",\"qty\":\"1.50\",\"filled\":0,\"limit\":\"1e3\","
    "\"reduce\":true,\"created_ms\":1700000000001,\"unknown\":1}");
  assert_int_equal(unified_order(v, &o, &err), OK);
  json_decref(v);
  assert_int_equal(o.state, VENUE_ORDER_CANCELED);
  assert_int_equal(o.side, SIDE_SELL);
  assert_int_equal(o.why, VENUE_WHY_POST_ONLY);
  assert_true(o.qty.digits == 15 && o.qty.scale == 1 && o.filled.digits == 0 && o.limit.digits == 1000 && o.limit.scale == 0);
  assert_false(decimal_given(o.trigger) || decimal_given(o.avg));
  assert_int_equal(o.created_ns, INT64_C(1700000000001000000));
  struct venue_fill f;
  v = parse("{\"symbol\":\"A\",\"id\":\"e1\",\"kind\":\"liquidation\",\"side\":\"buy\",\"price\":\"1\",\"qty\":\"2\",\"fee\":\"-0.5\"}");
  assert_int_equal(unified_fill(v, &f, &err), OK);
  assert_true(f.liquidation && !f.funding && f.fee.digits == -5);
  json_decref(v);
  v = parse("{\"symbol\":\"A\",\"kind\":\"funding\",\"fee\":\"1\"}");
  assert_int_equal(unified_fill(v, &f, &err), OK);
  assert_true(f.funding && !f.liquidation && !decimal_given(f.px));
  json_decref(v);
  static const struct { const char *text; bool fill; } bad[] = {
    {"[]", 0}, {"{}", 0}, {"{\"symbol\":\"A\"}", 0}, {"{\"symbol\":\"A\",\"status\":\"gone\"}", 0}, {"{\"symbol\":\"A\",\"status\":\"open\",\"side\":\"Buy\"}", 0},
    {"{\"symbol\":\"A\",\"status\":\"open\",\"why\":\"because\"}", 0}, {"{\"symbol\":\"A\",\"status\":\"open\",\"qty\":1.5}", 0}, {"{\"symbol\":\"A\",\"status\":\"open\",\"qty\":\"\"}", 0},
    {"{\"symbol\":\"A\",\"status\":\"open\",\"qty\":\"0.0000000000000000001\"}", 0}, {"{\"symbol\":\"A\",\"status\":\"open\",\"qty\":\"99999999999999999999\"}", 0},
    {"{\"symbol\":\"A\",\"status\":\"open\",\"client_id\":\"123456789012345678901234567890123\"}", 0}, {"{\"symbol\":\"A\\u0001\",\"status\":\"open\"}", 0},
    {"{\"symbol\":\"A\",\"status\":\"open\",\"id\":7}", 0}, {"{\"symbol\":\"A\",\"status\":\"open\",\"reduce\":1}", 0}, {"{\"symbol\":\"A\",\"status\":\"open\",\"created_ms\":9300000000000000}", 0},
    {"{\"symbol\":\"A\",\"kind\":\"trade\",\"side\":\"buy\",\"price\":\"1\"}", 1}, {"{\"symbol\":\"A\",\"kind\":\"trade\",\"price\":\"1\",\"qty\":\"1\"}", 1},
    {"{\"symbol\":\"A\",\"kind\":\"gift\",\"side\":\"buy\",\"price\":\"1\",\"qty\":\"1\"}", 1},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    v = parse(bad[i].text);
    if ((bad[i].fill ? unified_fill(v, &f, &err) : unified_order(v, &o, &err)) == OK) fail_msg("taken: %s", bad[i].text);
    json_decref(v);
  }
}

static void arguments(void **state) {
  (void)state;
  const struct venue_place p = {.client_id = "P1", .symbol = "BTCUSDT", .side = SIDE_SELL, .leg = LEG_SHORT, .type = ORDER_STOP_LIMIT, .tif = TIF_IOC, .post = true, .reduce = true,
    .qty = {1, 3}, .limit = {3000050, 2}, .trigger = {30001, 0}, .trigger_rises = true};
  json_t *args = unified_args_place(&p), *wanted = parse("{\"client_id\":\"P1\",\"symbol\":\"BTCUSDT\",\"side\":\"sell\",\"leg\":\"short\",\"kind\":\"stop_limit\",\"tif\":\"ioc\",\"post\":true,"
    "\"reduce\":true,\"qty\":\"0.001\",\"limit\":\"30000.5\",\"trigger\":\"30001\",\"trigger_rises\":true}");
  assert_true(json_equal(args, wanted));
  json_decref(args), json_decref(wanted);
  args = unified_args_change(&(struct venue_ref){.client_id = "P1", .venue_id = "v", .symbol = "A"}, &(struct venue_change){.qty = NO_DECIMAL, .limit = {5, 0}, .trigger = NO_DECIMAL});
  wanted = parse("{\"symbol\":\"A\",\"id\":\"v\",\"limit\":\"5\"}");  // one name only
  assert_true(json_equal(args, wanted));
  json_decref(args), json_decref(wanted);
}

// Whatever is asked for when: never more than count in any span, and cancels find room.
static void spans(void **state) {
  (void)state;
  struct budget b;
  int64_t sent[4000], now = 0;
  enum budget_rank ranks[4000];
  unsigned n = 0;
  srand(7);
  assert_int_equal(budget_init(&b, 10, 1000, &err), OK);
  while (n < 4000) {
    const enum budget_rank rank = (enum budget_rank)(rand() % 3);
    const int64_t at = budget_free_ms(&b, rank, 0, now);
    assert_true(at >= now);
    if (at > now) {
      now += rand() % (at - now + 1);
      if (budget_free_ms(&b, rank, 0, now) > now) continue;
    }
    budget_spend(&b, now);
    sent[n] = now;
    ranks[n++] = rank;
    if (rand() % 3 == 0) now += rand() % 150;
  }
  for (unsigned i = 0; i < n; i++) {
    unsigned within = 0;
    for (unsigned k = i; k < n && sent[k] < sent[i] + 1000; k++) within++;
    assert_true(within <= 10);
    unsigned before = 0;  // what a read or an order found used, itself included
    for (unsigned k = i + 1; k-- > 0 && sent[k] > sent[i] - 1000;) before++;
    assert_true(before <= (ranks[i] == BUDGET_READ ? 8u : ranks[i] == BUDGET_ORDER ? 9u : 10u));
  }
  budget_finish(&b);
  // Those ahead count; more than fit wait whole spans.
  assert_int_equal(budget_init(&b, 10, 1000, &err), OK);
  assert_int_equal(budget_free_ms(&b, BUDGET_ORDER, 8, 5000), 5000);
  assert_int_equal(budget_free_ms(&b, BUDGET_ORDER, 9, 5000), 6000);
  assert_int_equal(budget_free_ms(&b, BUDGET_ORDER, 18, 5000), 7000);
  for (int i = 0; i < 9; i++) budget_spend(&b, 5000 + i);
  assert_int_equal(budget_free_ms(&b, BUDGET_ORDER, 0, 5009), 6000);
  assert_int_equal(budget_free_ms(&b, BUDGET_ORDER, 1, 5009), 6001);
  assert_int_equal(budget_free_ms(&b, BUDGET_CANCEL, 0, 5009), 5009);
  // Throttled: longer each time, until it answers in peace; or as long as it says.
  budget_throttle(&b, 0, 10000);
  assert_int_equal(budget_free_ms(&b, BUDGET_CANCEL, 0, 10000), 11000);
  budget_throttle(&b, 0, 11000);
  assert_int_equal(budget_free_ms(&b, BUDGET_CANCEL, 0, 11000), 13000);
  for (int i = 0; i < 20; i++) budget_throttle(&b, 0, 13000);
  assert_int_equal(budget_free_ms(&b, BUDGET_CANCEL, 0, 13000), 73000);
  budget_peace(&b);
  budget_throttle(&b, 0, 80000);
  assert_int_equal(budget_free_ms(&b, BUDGET_CANCEL, 0, 80000), 81000);
  budget_throttle(&b, 600000, 80000);
  assert_int_equal(budget_free_ms(&b, BUDGET_CANCEL, 0, 80000), 680000);
  budget_finish(&b);
}

#define S INT64_C(1000000000)
#define MS INT64_C(1000000)

static void clocks(void **state) {
  (void)state;
  struct venue_clock c;
  venue_clock_init(&c, 5 * S, 1700000000 * S);
  assert_int_equal(venue_clock_at(&c, 6 * S), 1700000001 * S);
  assert_false(c.known);
  // The middle of the round trip.
  assert_true(venue_clock_sample(&c, 10 * S, 10 * S + 100 * MS, 2000 * S, 0));
  assert_int_equal(venue_clock_at(&c, 10 * S + 50 * MS), 2000 * S);
  // A coarser one that agrees changes nothing; one that does not, does; one that took too long says nothing.
  assert_true(venue_clock_sample(&c, 20 * S, 20 * S + 400 * MS, 2010 * S + 250 * MS, 0));
  assert_int_equal(venue_clock_at(&c, 10 * S + 50 * MS), 2000 * S);
  assert_false(venue_clock_sample(&c, 20 * S, 26 * S, 9000 * S, 0));
  const int64_t told = venue_clock_tell(&c, 21 * S);
  assert_true(venue_clock_sample(&c, 21 * S, 21 * S + 20 * MS, 2010 * S, 0));  // a second less than thought
  assert_true(venue_clock_at(&c, 21 * S) < told);
  assert_int_equal(venue_clock_tell(&c, 21 * S), told);                        // but never back by so little
  assert_true(venue_clock_tell(&c, 23 * S) > told);
  assert_true(venue_clock_sample(&c, 24 * S, 24 * S + 20 * MS, 1000 * S, 0));
  assert_true(venue_clock_tell(&c, 24 * S) < 1001 * S);                        // by a lot: it was set
  const int64_t first = venue_clock_steady(&c, 24 * S);
  assert_true(venue_clock_steady(&c, 24 * S) > first);
  // Who waits and counts sees no jump; what happened since then is asked for by the clock that was furthest behind.
  const int64_t steady = venue_clock_steady(&c, 25 * S);
  assert_true(llabs(steady - 2014 * S) < S);
  assert_true(venue_clock_since(&c, steady) <= 1001 * S);
  assert_true(venue_clock_sample(&c, 26 * S, 26 * S, 9002 * S, 0));
  assert_int_equal(venue_clock_steady(&c, 27 * S), steady + 2 * S);
  assert_true(venue_clock_since(&c, steady) <= 1001 * S);
  c.margin_ns = S;
  assert_true(venue_clock_sample(&c, 28 * S, 28 * S, 9004 * S + 400 * MS, 0));
  assert_int_equal(venue_clock_steady(&c, 29 * S), steady + 4 * S + 400 * MS);  // small corrections are followed
  // Our wall clock moves against the monotonic one.
  venue_clock_init(&c, 5 * S, 1700000000 * S);
  assert_false(venue_clock_jumped(&c, 6 * S, 1700000001 * S + 200 * MS));
  assert_true(venue_clock_jumped(&c, 7 * S, 1700003602 * S));
  assert_false(venue_clock_jumped(&c, 8 * S, 1700003603 * S));
  assert_int_equal(venue_clock_at(&c, 8 * S), 1700003603 * S);
  assert_true(venue_clock_sample(&c, 8 * S, 8 * S, 1700000003 * S, 0));
  assert_true(venue_clock_jumped(&c, 9 * S, 1700000004 * S));
  assert_int_equal(venue_clock_at(&c, 9 * S), 1700000004 * S);                 // the venue's word counts
  int64_t ns;
  assert_true(venue_clock_date("Sun, 06 Nov 1994 08:49:37 GMT", &ns));
  assert_int_equal(ns, INT64_C(784111777) * S);
  assert_true(venue_clock_date("Thu, 29 Feb 2024 23:59:60 GMT", &ns));
  assert_int_equal(ns, INT64_C(1709251200) * S);
  static const char *const bad[] = {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 XXX 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
    "Sun, 06 anF 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT "};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(venue_clock_date(bad[i], &ns));
}

static void life(void **state) {
  (void)state;
  enum venue_state to;
  static const struct { enum venue_state from; enum remote_event event; enum venue_state to; } path[] = {
    {VENUE_STATE_DOWN, REMOTE_EVENT_BEGIN, VENUE_STATE_CONNECTING}, {VENUE_STATE_CONNECTING, REMOTE_EVENT_LINKED, VENUE_STATE_RECONCILING},
    {VENUE_STATE_RECONCILING, REMOTE_EVENT_RECONCILED, VENUE_STATE_READY}, {VENUE_STATE_READY, REMOTE_EVENT_LOST, VENUE_STATE_DOWN},
    {VENUE_STATE_RECONCILING, REMOTE_EVENT_LOST, VENUE_STATE_DOWN}, {VENUE_STATE_READY, REMOTE_EVENT_REFUSED, VENUE_STATE_REFUSED},
  };
  for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
    assert_true(remote_life_next(path[i].from, path[i].event, &to));
    assert_int_equal(to, path[i].to);
  }
  // READY is reached by comparing alone; REFUSED and STOPPED are not left by what happens.
  for (int from = 0; from < VENUE_STATE_COUNT; from++) {
    for (int event = 0; event < REMOTE_EVENT_COUNT; event++) {
      if (!remote_life_next((enum venue_state)from, (enum remote_event)event, &to)) continue;
      assert_true(to != VENUE_STATE_READY || (from == VENUE_STATE_RECONCILING && event == REMOTE_EVENT_RECONCILED));
      assert_true(from != VENUE_STATE_STOPPED);
      assert_true(from != VENUE_STATE_REFUSED || event == REMOTE_EVENT_BEGIN || event == REMOTE_EVENT_STOP);
      assert_int_not_equal(from, to);
    }
  }
  for (unsigned tries = 0; tries < 100; tries++) {
    const int64_t ms = remote_life_wait_ms(250, tries, (uint32_t)rand());
    assert_true(ms >= 187 && ms <= 37500);
    if (tries == 0) assert_true(ms <= 313);
    if (tries > 7) assert_true(ms >= 22500);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(structs), cmocka_unit_test(arguments), cmocka_unit_test(spans), cmocka_unit_test(clocks), cmocka_unit_test(life)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
