// The prices of a terminal as a feed: bars are asked for until they are whole, come out once and in order, and nothing that cannot be is believed.
#include "ea/bridge_impl.h"
#include "ea/feed.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE_MS INT64_C(60000)
#define NOON_MS INT64_C(1700000040000)  // the begin of a minute

static struct loop *loop;
static struct ea_bridge *bridge;
static struct feed feed;
static int64_t mono_ns, wall_ms;
static int wakes;
static struct { int bars, quotes, refused, notes; int64_t last_ns; struct bar bar; price bid; char text[160]; } got;

static int64_t mono(void) { return mono_ns; }
static int64_t wall(void) { return wall_ms * NS_PER_MS; }
static void on_wake(void *self) { (void)self, wakes++; }

static void on_event(void *self, const struct feed_event *e) {
  (void)self;
  if (e->kind == FEED_NOTE) {
    got.notes++;
    got.refused += e->u.note.code == FEED_NOTE_REFUSED ? 1 + (int)e->u.note.more : 0;
    snprintf(got.text, sizeof got.text, "%s", e->u.note.text);
    return;
  }
  assert_true(e->time_ns >= got.last_ns);
  got.last_ns = e->time_ns;
  if (e->kind == FEED_BAR) got.bars++, got.bar = e->u.bar;
  if (e->kind == FEED_QUOTE) got.quotes++, got.bid = e->u.quote.bid;
}

static struct feed_progress poll_feed(void) {
  struct feed_progress p;
  struct err err;
  assert_int_equal(feed_poll(feed, wall(), 1000, &(struct feed_sink){NULL, on_event}, &p, &err), OK);
  assert_true(p.through_ns + 1 >= got.last_ns || got.last_ns == 0);  // a tick of a moment that was promised to be over comes just behind it
  return p;
}

static void turn_loop(void) {
  for (int i = 0; i < 6; i++) loop_turn(loop, false);
}

static void hello(void) {
  static const char text[] = "{\"protocol\":1,\"platform\":\"mt5\",\"version\":\"1\",\"login\":\"1\",\"server\":\"S\",\"currency\":\"USD\",\"hedging\":true,\"real\":false,\"symbols\":["
    "{\"symbol\":\"EURUSD\",\"base\":\"EUR\",\"profit\":\"USD\",\"tick\":\"0.0001\",\"contract\":\"100000\",\"volume_min\":\"0.01\",\"volume_max\":\"5\",\"volume_step\":\"0.01\",\"trading\":true}]}";
  struct ea_hello h;
  struct err err;
  assert_int_equal(ea_hello_read(text, strlen(text), &h, &err), OK);
  ea_bridge_hello(bridge, &h);
}

// A report with these lists and ticks.
static enum status say(const char *bars, const char *ticks) {
  static char text[200000];
  struct ea_report r;
  struct err err;
  snprintf(text, sizeof text, "{\"turn\":0,\"since_ms\":1,\"more\":false,\"account\":{\"balance\":\"1\",\"equity\":\"1\",\"margin\":\"0\",\"free\":\"1\",\"trading\":true},\"orders\":[],\"positions\":[],\"deals\":[],"
    "\"ticks\":[%s],\"bars\":[%s]}", ticks, bars);
  enum status st = ea_report_read(text, strlen(text), &r, &err);
  if (st == OK) st = ea_bridge_report(bridge, &r, &err);
  turn_loop();
  return st;
}

// What the next answer asks for. -1: nothing of that length.
static int64_t asked(int minutes) {
  json_t *a = ea_bridge_answer(bridge), *one;
  size_t i;
  int64_t from_ms = -1;
  json_array_foreach(json_object_get(a, "bars"), i, one) if (from_ms < 0 && json_integer_value(json_object_get(one, "minutes")) == minutes) from_ms = json_integer_value(json_object_get(one, "from_ms"));
  json_decref(a);
  return from_ms;
}

// The terminal's chart as asked for, at most 100 bars a time, each a tick above the one before. False: nothing was asked for.
static bool chart(int minutes) {
  static char text[100000];
  const int64_t step_ms = minutes * MINUTE_MS, from_ms = asked(minutes), now_ms = wall_ms / step_ms * step_ms;
  int64_t at = from_ms;
  size_t n = 0;
  if (from_ms < 0) return false;
  char rows[90000] = "";
  for (int i = 0; i < 100 && at < now_ms; i++, at += step_ms)
    n += (size_t)snprintf(rows + n, sizeof rows - n, "%s[%lld,\"1.1\",\"1.2\",\"1.0\",\"1.1\",3]", i ? "," : "", (long long)at);
  snprintf(text, sizeof text, "{\"symbol\":\"EURUSD\",\"minutes\":%d,\"from_ms\":%lld,\"through_ms\":%lld,\"list\":[%s]}", minutes, (long long)from_ms, (long long)at, rows);
  assert_int_equal(say(text, ""), OK);
  return true;
}

static int start(void **state) {
  struct err err;
  (void)state;
  mono_ns = INT64_C(1000000000000), wall_ms = NOON_MS + 1000, wakes = 0;
  memset(&got, 0, sizeof got);
  assert_int_equal(loop_create(&loop, NULL, &err), OK);
  assert_int_equal(ea_bridge_create(&(struct ea_bridge_options){.loop = loop, .account_id = 5, .mono_ns = mono}, &bridge, &err), OK);
  assert_int_equal(ea_feed_create(&(struct ea_feed_config){.bridge = bridge, .wake = on_wake, .now_ns = wall}, &feed, &err), OK);
  return 0;
}
static int end(void **state) {
  (void)state;
  feed_destroy(feed);
  ea_bridge_destroy(bridge);
  loop_destroy(loop);
  return 0;
}

// Reads EURUSD from now on.
static void subscribe(void) {
  struct err err;
  int id;
  hello();
  assert_false(ea_feed_ready(feed, "EURUSD", NS_PER_MINUTE, 50));
  while (chart(1)) {}
  assert_true(ea_feed_ready(feed, "EURUSD", NS_PER_MINUTE, 50));
  (void)poll_feed();
  assert_int_equal(feed_subscribe(feed, "EURUSD", NS_PER_MINUTE, wall(), &id, &err), OK);
}

static void test_history(void **state) {
  struct err err;
  struct feed_symbol info;
  struct series s;
  (void)state;
  assert_int_equal(feed_describe(feed, "EURUSD", &info, &err), ERR_NOTFOUND);
  assert_false(ea_feed_ready(feed, "EURUSD", NS_PER_MINUTE, 50));
  assert_null(ea_feed_symbol(feed, 0));
  hello();
  assert_true(wakes > 0);
  assert_string_equal(ea_feed_symbol(feed, 0), "EURUSD");
  assert_int_equal(feed_describe(feed, "XAUUSD", &info, &err), ERR_NOTFOUND);
  assert_true(ea_feed_ready(feed, "XAUUSD", NS_PER_MINUTE, 50));  // subscribing says why not
  assert_int_equal(feed_describe(feed, "EURUSD", &info, &err), OK);
  assert_true(info.inst.min_qty.lots == 1 && info.inst.lot.digits == 1000);
  assert_false(ea_feed_ready(feed, "EURUSD", 240 * NS_PER_MINUTE, 20));
  int rounds = 0;
  while (chart(1) || chart(60)) rounds++;
  assert_true(rounds > 3);
  assert_true(ea_feed_ready(feed, "EURUSD", 240 * NS_PER_MINUTE, 20));
  assert_int_equal(feed_history(feed, "EURUSD", 240 * NS_PER_MINUTE, wall() - 20 * 240 * NS_PER_MINUTE, wall(), &s, &err), OK);
  assert_true(s.count == 19 || s.count == 20);
  for (size_t i = 1; i < s.count; i++) assert_int_equal(s.bars[i].open_ns - s.bars[i - 1].open_ns, 240 * NS_PER_MINUTE);
  assert_true(s.bars[0].high.ticks == 12000 && s.bars[0].volume == 3 * 4);
  assert_int_equal(s.bars[s.count - 1].open_ns, timeframe_floor(wall(), 240 * NS_PER_MINUTE) - 240 * NS_PER_MINUTE);
  series_finish(&s);
  // More of the past of what is read already goes in front.
  assert_false(ea_feed_ready(feed, "EURUSD", 240 * NS_PER_MINUTE, 60));
  while (chart(1) || chart(60)) {}
  assert_true(ea_feed_ready(feed, "EURUSD", 240 * NS_PER_MINUTE, 60));
  assert_int_equal(feed_history(feed, "EURUSD", 240 * NS_PER_MINUTE, wall() - 60 * 240 * NS_PER_MINUTE, wall(), &s, &err), OK);
  assert_true(s.count >= 59 && s.gaps == 0);
  for (size_t i = 1; i < s.count; i++) assert_int_equal(s.bars[i].open_ns - s.bars[i - 1].open_ns, 240 * NS_PER_MINUTE);
  series_finish(&s);
}

static void test_live(void **state) {
  (void)state;
  subscribe();
  struct feed_progress p = poll_feed();
  assert_int_equal(got.bars, 0);
  assert_int_equal(p.through_ns, wall());
  assert_int_equal(asked(1), -1);  // the open minute is not asked for
  wall_ms += 10000;
  p = poll_feed();
  assert_int_equal(p.through_ns, wall());
  // A tick is told at once, once, and makes no bar.
  assert_int_equal(say("", "{\"symbol\":\"EURUSD\",\"bid\":\"1.1\",\"ask\":\"1.1002\",\"time_ms\":1700000050000}"), OK);
  assert_int_equal(say("", "{\"symbol\":\"EURUSD\",\"bid\":\"1.1\",\"ask\":\"1.1002\",\"time_ms\":1700000050000}"), OK);
  (void)poll_feed();
  assert_true(got.quotes == 1 && got.bid.ticks == 11000 && got.bars == 0);
  // The minute ends: time stands until the terminal has told of it.
  wall_ms = NOON_MS + MINUTE_MS + 700;
  p = poll_feed();
  assert_int_equal(p.through_ns, (NOON_MS + MINUTE_MS) * NS_PER_MS - 1);
  assert_int_equal(asked(1), NOON_MS);
  assert_true(chart(1));
  p = poll_feed();
  assert_true(got.bars == 1 && got.bar.open_ns == NOON_MS * NS_PER_MS && got.bar.high.ticks == 12000 && p.through_ns == wall());
  // It was away for five minutes, and comes with what was missed.
  wall_ms += 5 * MINUTE_MS;
  (void)poll_feed();
  assert_true(got.bars == 1);
  assert_true(chart(1));
  (void)poll_feed();
  assert_int_equal(got.bars, 6);
  (void)poll_feed();
  assert_int_equal(got.bars, 6);
}

#define LIST(from, through, rows) "{\"symbol\":\"EURUSD\",\"minutes\":1,\"from_ms\":" from ",\"through_ms\":" through ",\"list\":[" rows "]}"
static void test_refused(void **state) {
  (void)state;
  subscribe();
  got.refused = 0;
  wall_ms = NOON_MS + 2 * MINUTE_MS + 500;
  const struct { const char *list; int refused; } cases[] = {
    {LIST("1700000040000", "1700003760000", ""), 1},                                                          // an hour ahead of us: its zone is wrong
    {LIST("1700000040000", "1700000220000", ""), 0},                                                          // a second or two: asked again
    {LIST("1700000040000", "1700000100001", ""), 1}, {LIST("1700000040000", "1699999980000", ""), 1},
    {LIST("1700000100000", "1700000160000", "[1700000100000,\"1.1\",\"1.2\",\"1\",\"1.1\",3]"), 0}};       // not what was asked for
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    got.refused = 0;
    assert_int_equal(say(cases[i].list, ""), OK);
    (void)poll_feed();
    assert_int_equal(got.refused, cases[i].refused);
    assert_int_equal(got.bars, 0);
    assert_int_equal(asked(1), NOON_MS);
  }
  // Of a list the bad bars are left out, and told.
  assert_int_equal(say(LIST("1700000040000", "1700000160000", "[1700000040000,\"1.1\",\"1.05\",\"1\",\"1.1\",3],[1700000040000,\"1.10005\",\"1.2\",\"1\",\"1.1\",3],"
    "[1700000100000,\"1.1\",\"1.2\",\"1\",\"1.1\",3],[1700000100000,\"1.1\",\"1.2\",\"1\",\"1.1\",3],[1700000040000,\"1.1\",\"1.2\",\"1\",\"1.1\",3]"), ""), OK);
  got.refused = 0;
  (void)poll_feed();
  assert_true(got.refused == 4 && got.bars == 1 && got.bar.open_ns == (NOON_MS + MINUTE_MS) * NS_PER_MS);
  // What is no bar at all refuses the report.
  const char *const wrong[] = {"{\"symbol\":\"EURUSD\"}", "7", LIST("1700000040000", "1700000160000", "[1]"), LIST("1700000040000", "1700000160000", "[1,\"1\",\"1\",\"1\",\"x\",3]"),
    LIST("1700000040000", "1700000160000", "[1,\"1\",\"1\",\"-1\",\"1\",3]"), "{\"symbol\":\"EURUSD\",\"minutes\":5,\"from_ms\":0,\"through_ms\":0,\"list\":[]}",
    "{\"symbol\":\"GOLD\",\"minutes\":1,\"from_ms\":0,\"through_ms\":0,\"list\":[]}"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_int_equal(say(wrong[i], ""), ERR_INVALID);
  // A tick of tomorrow, and one off the grid.
  got.refused = got.quotes = 0;
  assert_int_equal(say("", "{\"symbol\":\"EURUSD\",\"bid\":\"1.10001\",\"ask\":\"1.1002\",\"time_ms\":1700000150000}"), OK);
  assert_int_equal(say("", "{\"symbol\":\"EURUSD\",\"bid\":\"1.1\",\"ask\":\"1.1002\",\"time_ms\":1700086400000}"), OK);
  (void)poll_feed();
  assert_true(got.refused == 2 && got.quotes == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_history, start, end), cmocka_unit_test_setup_teardown(test_live, start, end), cmocka_unit_test_setup_teardown(test_refused, start, end)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
