// An account at a terminal as a venue: orders are leased once, what a report says is told once, questions are answered by what was collected after
// they were asked, silence is UNKNOWN and not "not there". The terminal is this file, its clock is ours.
#include "ea/bridge_impl.h"
#include "loop/loop.h"
#include "order/client_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct loop *loop;
static struct ea_bridge *bridge;
static struct venue venue;
static int64_t now_ns;
static uint64_t turn;
static int waits;

static struct {
  int states[VENUE_STATE_COUNT], orders, fills, positions, replies, lists;
  char why[VENUE_TEXT_MAX];
  struct venue_order order;
  struct venue_fill fill;
  struct venue_position position, held;  // of an event; of a list
  struct venue_reply reply;
  size_t count;
  struct venue_order listed;
  struct venue_balance balance;
} got;

static int64_t fake_ns(void) { return now_ns; }
static void on_state(void *self, enum venue_state from, enum venue_state to, const char *why) {
  (void)self, (void)from;
  got.states[to]++;
  snprintf(got.why, sizeof got.why, "%s", why);
}
static void on_order(void *self, const struct venue_order *o) { (void)self, got.orders++, got.order = *o; }
static void on_fill(void *self, const struct venue_fill *f) { (void)self, got.fills++, got.fill = *f; }
static void on_position(void *self, const struct venue_position *p) { (void)self, got.positions++, got.position = *p; }
static const struct venue_events events = {.state = on_state, .order = on_order, .fill = on_fill, .position = on_position};

static void on_reply(void *arg, const struct venue_reply *r) { (void)arg, got.replies++, got.reply = *r; }
static void on_orders(void *arg, const struct venue_reply *r, const struct venue_order *list, size_t count) {
  (void)arg;
  got.lists++, got.reply = *r, got.count = count;
  if (count) got.listed = list[0];
}
static void on_fills(void *arg, const struct venue_reply *r, const struct venue_fill *list, size_t count) { (void)arg, (void)list, got.lists++, got.reply = *r, got.count = count; }
static void on_positions(void *arg, const struct venue_reply *r, const struct venue_position *list, size_t count) {
  (void)arg;
  got.lists++, got.reply = *r, got.count = count;
  if (count) got.held = list[0];
}
static void on_balances(void *arg, const struct venue_reply *r, const struct venue_balance *list, size_t count) {
  (void)arg;
  got.lists++, got.reply = *r, got.count = count;
  if (count) got.balance = list[0];
}
static void on_waiting(void *arg, struct ea_bridge *b) { (void)arg, (void)b, waits++; }

static void turn_loop(void) {
  for (int i = 0; i < 6; i++) loop_turn(loop, false);  // what is due at once; nothing here waits
}
static void pass(int64_t ms) {
  now_ns += ms * EA_MS;
  ea_soon(bridge);
  turn_loop();
}

#define EURUSD "{\"symbol\":\"EURUSD\",\"base\":\"EUR\",\"profit\":\"USD\",\"tick\":\"0.00001\",\"contract\":\"100000\",\"volume_min\":\"0.02\",\"volume_max\":\"5\",\"volume_step\":\"0.01\",\"trading\":true}"
#define USDJPY "{\"symbol\":\"USDJPY\",\"base\":\"USD\",\"profit\":\"JPY\",\"tick\":\"0.001\",\"contract\":\"100000\",\"volume_min\":\"0.01\",\"volume_max\":\"5\",\"volume_step\":\"0.01\",\"trading\":true}"

static void hello(const char *real) {
  char text[2048];
  struct ea_hello h;
  struct err err;
  snprintf(text, sizeof text, "{\"protocol\":1,\"platform\":\"mt5\",\"version\":\"1\",\"login\":\"1\",\"server\":\"S\",\"currency\":\"USD\",\"hedging\":true,\"real\":%s,\"symbols\":[" EURUSD "," USDJPY "]}", real);
  assert_int_equal(ea_hello_read(text, strlen(text), &h, &err), OK);
  ea_bridge_hello(bridge, &h);
}

static json_t *answered(void) {  // the terminal reads an answer
  json_t *a = ea_bridge_answer(bridge);
  turn = (uint64_t)json_integer_value(json_object_get(a, "turn"));
  return a;
}
static void read_answer(void) { json_decref(answered()); }

struct said { const char *orders, *positions, *deals, *results, *told; const char *trading; int64_t since_ms; bool more; };
static enum status report_at(uint64_t at, struct said s, struct err *err) {
  char text[8192];
  struct ea_report r;
  snprintf(text, sizeof text, "{\"turn\":%llu,\"since_ms\":%lld,\"more\":%s,\"account\":{\"balance\":\"1000\",\"equity\":\"990.5\",\"margin\":\"10\",\"free\":\"980.5\",\"trading\":%s},\"orders\":[%s],"
    "\"positions\":[%s],\"deals\":[%s],\"results\":[%s],\"told\":[%s]}", (unsigned long long)at, (long long)(s.since_ms ? s.since_ms : 1), s.more ? "true" : "false", s.trading ? s.trading : "true",
    s.orders ? s.orders : "", s.positions ? s.positions : "", s.deals ? s.deals : "", s.results ? s.results : "", s.told ? s.told : "");
  enum status st = ea_report_read(text, strlen(text), &r, err);
  if (st == OK) st = ea_bridge_report(bridge, &r, err);
  turn_loop();
  return st;
}
static void report(struct said s) {
  struct err err;
  assert_int_equal(report_at(turn, s, &err), OK);
}

static int start(void **state) {
  struct err err;
  (void)state;
  now_ns = INT64_C(1000000000000);
  turn = 0, waits = 0;
  memset(&got, 0, sizeof got);
  assert_int_equal(loop_create(&loop, NULL, &err), OK);
  assert_int_equal(ea_bridge_create(&(struct ea_bridge_options){.loop = loop, .account_id = 5, .waiting = on_waiting, .mono_ns = fake_ns}, &bridge, &err), OK);
  assert_int_equal(ea_bridge_session(bridge, &(struct ea_session_wish){0}, &events, NULL, &venue, &err), OK);
  return 0;
}
static int end(void **state) {
  (void)state;
  if (venue.self) venue.ops->destroy(venue.self);
  turn_loop();
  ea_bridge_destroy(bridge);
  loop_destroy(loop);
  return 0;
}

static void up(void) {
  hello("false");
  read_answer();
  report((struct said){0});
  assert_int_equal(venue.ops->state(venue.self, NULL), VENUE_STATE_RECONCILING);
  assert_true(venue.ops->reconciled(venue.self));
  assert_int_equal(venue.ops->state(venue.self, NULL), VENUE_STATE_READY);
}

static struct venue_place order_of(const char *client, struct decimal qty) {
  struct venue_place p = {.side = SIDE_BUY, .leg = LEG_NET, .type = ORDER_MARKET, .qty = qty, .limit = NO_DECIMAL, .trigger = NO_DECIMAL};
  snprintf(p.client_id, sizeof p.client_id, "%s", client);
  snprintf(p.symbol, sizeof p.symbol, "EURUSD");
  return p;
}
static void place(const struct venue_place *p) {
  venue.ops->place(venue.self, p, on_reply, NULL);
  turn_loop();
}

static void test_session(void **state) {
  struct err err;
  const char *why;
  (void)state;
  assert_int_equal(report_at(0, (struct said){0}, &err), ERR_CANCELLED);
  hello("true");
  read_answer();
  report((struct said){0});
  assert_int_equal(venue.ops->state(venue.self, NULL), VENUE_STATE_REFUSED);
  assert_non_null(strstr(got.why, "real"));
  hello("false");
  report((struct said){.trading = "false"});
  assert_int_equal(venue.ops->state(venue.self, NULL), VENUE_STATE_REFUSED);
  ea_bridge_terms(bridge, false, "EUR");
  report((struct said){0});
  assert_int_equal(venue.ops->state(venue.self, NULL), VENUE_STATE_REFUSED);
  assert_int_equal(venue.ops->state(venue.self, &why), VENUE_STATE_REFUSED);
  assert_non_null(strstr(why, "currency"));
  ea_bridge_terms(bridge, false, "USD");
  report((struct said){0});
  assert_int_equal(venue.ops->state(venue.self, NULL), VENUE_STATE_RECONCILING);
  assert_true(venue.ops->reconciled(venue.self) && got.states[VENUE_STATE_CONNECTING] == 1);
  pass(14000);
  assert_int_equal(venue.ops->state(venue.self, NULL), VENUE_STATE_READY);
  pass(2000);
  assert_int_equal(venue.ops->state(venue.self, NULL), VENUE_STATE_DOWN);
  // What was under way before it was lost says nothing about now.
  report((struct said){0});
  assert_int_equal(venue.ops->state(venue.self, NULL), VENUE_STATE_DOWN);
  read_answer();
  report((struct said){0});
  assert_int_equal(venue.ops->state(venue.self, NULL), VENUE_STATE_RECONCILING);
  assert_int_equal(report_at(turn + 1, (struct said){0}, &err), ERR_INVALID);
  assert_int_equal(report_at(turn, (struct said){.orders = "{\"ticket\":\"1\",\"client\":\"\",\"symbol\":\"XAUUSD\",\"state\":\"open\",\"side\":\"buy\",\"volume\":\"1\",\"filled\":\"0\",\"time_ms\":1}"}, &err), ERR_INVALID);
}

static void test_place(void **state) {
  struct ea_handed out[EA_HAND_MAX];
  (void)state;
  const struct venue_place p = order_of("P1", (struct decimal){3000, 0});
  place(&p);
  assert_true(got.replies == 1 && got.reply.outcome == VENUE_NOT_SENT);
  up();
  const struct venue_place q = order_of("P2", (struct decimal){3000, 0});
  place(&q);
  assert_true(got.replies == 1 && waits == 1 && ea_bridge_waits(bridge));
  assert_int_equal(ea_bridge_hand(bridge, out), 1);
  assert_true(strcmp(out[0].command.id, "P2") == 0 && out[0].command.volume.digits == 3 && out[0].command.volume.scale == 2 && out[0].command.magic > 0);
  assert_int_equal(ea_bridge_hand(bridge, out), 0);
  place(&q);  // the same name again: about the same order, and no second command
  assert_true(got.replies == 2 && got.reply.outcome == VENUE_UNKNOWN && got.reply.why == VENUE_WHY_DUPLICATE);
  assert_int_equal(ea_bridge_hand(bridge, out), 0);
  static const char done[] = "{\"id\":\"P2\",\"said\":\"done\",\"ticket\":\"77\"}";
  static const char deal[] = "{\"ticket\":\"9\",\"order\":\"77\",\"client\":\"P2\",\"symbol\":\"EURUSD\",\"side\":\"buy\",\"volume\":\"0.03\",\"price\":\"1.1\",\"fee\":\"0.2\",\"time_ms\":1000}";
  static const char filled[] = "{\"ticket\":\"77\",\"client\":\"P2\",\"symbol\":\"EURUSD\",\"state\":\"filled\",\"side\":\"buy\",\"volume\":\"0.03\",\"filled\":\"0.03\",\"time_ms\":1000}";
  static const char held[] = "{\"ticket\":\"77\",\"symbol\":\"EURUSD\",\"side\":\"buy\",\"volume\":\"0.03\",\"price\":\"1.1\",\"profit\":\"0\"}";
  for (int i = 0; i < 3; i++) report((struct said){.results = i < 2 ? done : NULL, .deals = deal, .orders = filled, .positions = held});
  assert_true(got.replies == 3 && got.reply.outcome == VENUE_ACCEPTED && strcmp(got.reply.venue_id, "77") == 0);
  assert_true(got.fills == 1 && got.orders == 1 && got.positions == 1);
  assert_true(got.fill.qty.digits == 3000 && got.fill.qty.scale == 0 && strcmp(got.fill.fee_asset, "USD") == 0 && strcmp(got.fill.ref.client_id, "P2") == 0 && got.order.state == VENUE_ORDER_FILLED);
  assert_true(got.position.qty.digits == 3000);
  report((struct said){.deals = deal});
  assert_true(got.positions == 2 && got.position.qty.digits == 0 && got.fills == 1);
}

static void test_refused(void **state) {
  (void)state;
  up();
  const struct { struct decimal qty; const char *symbol; enum order_type type; struct decimal limit; enum order_tif tif; bool post; enum venue_why why; } cases[] = {
    {{1500, 0}, "EURUSD", ORDER_MARKET, NO_DECIMAL, TIF_GTC, false, VENUE_WHY_QUANTITY}, {{1000, 0}, "EURUSD", ORDER_MARKET, NO_DECIMAL, TIF_GTC, false, VENUE_WHY_QUANTITY},
    {{600000, 0}, "EURUSD", ORDER_MARKET, NO_DECIMAL, TIF_GTC, false, VENUE_WHY_QUANTITY}, {{0, 0}, "EURUSD", ORDER_MARKET, NO_DECIMAL, TIF_GTC, false, VENUE_WHY_QUANTITY},
    {{3000, 0}, "USDJPY", ORDER_MARKET, NO_DECIMAL, TIF_GTC, false, VENUE_WHY_UNSUPPORTED}, {{3000, 0}, "XAUUSD", ORDER_MARKET, NO_DECIMAL, TIF_GTC, false, VENUE_WHY_UNSUPPORTED},
    {{3000, 0}, "EURUSD", ORDER_LIMIT, {1100005, 6}, TIF_GTC, false, VENUE_WHY_PRICE}, {{3000, 0}, "EURUSD", ORDER_LIMIT, {11, 1}, TIF_IOC, false, VENUE_WHY_UNSUPPORTED},
    {{3000, 0}, "EURUSD", ORDER_LIMIT, {11, 1}, TIF_GTC, true, VENUE_WHY_UNSUPPORTED}, {{3000, 0}, "EURUSD", ORDER_LIMIT, {0, 0}, TIF_GTC, false, VENUE_WHY_PRICE}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char name[8];
    snprintf(name, sizeof name, "P%zu", i);
    struct venue_place p = order_of(name, cases[i].qty);
    snprintf(p.symbol, sizeof p.symbol, "%s", cases[i].symbol);
    p.type = cases[i].type, p.limit = cases[i].limit, p.tif = cases[i].tif, p.post = cases[i].post;
    place(&p);
    assert_int_equal(got.replies, (int)i + 1);
    assert_int_equal(got.reply.outcome, VENUE_REFUSED);
    assert_int_equal(got.reply.why, cases[i].why);
    assert_false(ea_bridge_waits(bridge));
  }
}

// What is not fetched never goes out; what went out and is not answered is unknown; what comes late is understood and told no second time.
static void test_time(void **state) {
  struct ea_handed out[EA_HAND_MAX];
  (void)state;
  up();
  const struct venue_place a = order_of("PA", (struct decimal){3000, 0}), b = order_of("PB", (struct decimal){3000, 0}), c = order_of("PC", (struct decimal){3000, 0}), d = order_of("PD", (struct decimal){3000, 0});
  place(&a);
  for (int i = 0; i < 11; i++) pass(1000), report((struct said){0});
  assert_true(got.replies == 1 && got.reply.outcome == VENUE_NOT_SENT);
  assert_int_equal(ea_bridge_hand(bridge, out), 0);
  // Nor when nobody has looked at the clock since.
  const struct venue_place late = order_of("PL", (struct decimal){3000, 0});
  place(&late);
  now_ns += 11000 * EA_MS;
  assert_int_equal(ea_bridge_hand(bridge, out), 0);
  pass(0);
  assert_true(got.replies == 2 && got.reply.outcome == VENUE_NOT_SENT);
  got.replies = 1;
  report((struct said){0});
  place(&b);
  assert_int_equal(ea_bridge_view(bridge).waiting, 1);
  assert_int_equal(ea_bridge_hand(bridge, out), 1);
  assert_true(ea_bridge_view(bridge).waiting == 0 && ea_bridge_view(bridge).out == 1);
  const int64_t leased_ns = ea_now_ns(bridge);
  for (int i = 0; i < 19; i++) pass(1000), report((struct said){0});
  assert_int_equal(got.replies, 1);
  for (int i = 0; i < 2; i++) pass(1000), report((struct said){0});
  assert_true(got.replies == 2 && got.reply.outcome == VENUE_UNKNOWN && got.reply.expiry_ns == leased_ns + EA_LEASE_MS * EA_MS);
  assert_int_equal(ea_bridge_hand(bridge, out), 0);
  assert_true(ea_bridge_view(bridge).out == 0 && ea_bridge_view(bridge).unknown == 1);
  report((struct said){.results = "{\"id\":\"PB\",\"said\":\"done\",\"ticket\":\"5\"}"});
  assert_int_equal(got.replies, 2);
  assert_true(ea_bridge_view(bridge).done == 1 && ea_bridge_view(bridge).unknown == 0);
  place(&c);
  assert_int_equal(ea_bridge_hand(bridge, out), 1);
  report((struct said){.results = "{\"id\":\"PC\",\"said\":\"missed\"}"});
  assert_true(got.replies == 3 && got.reply.outcome == VENUE_REFUSED && got.reply.why == VENUE_WHY_TIME);
  place(&d);
  assert_int_equal(ea_bridge_hand(bridge, out), 1);
  ea_bridge_keep(bridge, "PD");  // the disk refused: the terminal never saw it
  turn_loop();
  assert_true(got.replies == 4 && got.reply.outcome == VENUE_NOT_SENT);
  report((struct said){.results = "{\"id\":\"PD\",\"said\":\"done\"},{\"id\":\"P?\",\"said\":\"done\"}"});
  assert_int_equal(got.replies, 4);
  // The broker did not say: UNKNOWN at once, and not when its time is over.
  const struct venue_place e = order_of("PE", (struct decimal){3000, 0});
  place(&e);
  assert_int_equal(ea_bridge_hand(bridge, out), 1);
  report((struct said){.results = "{\"id\":\"PE\",\"said\":\"unsure\",\"text\":\"retcode 10012\"}"});
  assert_true(got.replies == 5 && got.reply.outcome == VENUE_UNKNOWN && got.reply.expiry_ns > 0);
}

static void test_cancel(void **state) {
  struct ea_handed out[EA_HAND_MAX];
  (void)state;
  up();
  const struct venue_place p = order_of("PA", (struct decimal){3000, 0});
  struct venue_ref ref = {.client_id = "PX", .venue_id = "88", .symbol = "EURUSD"};
  place(&p);
  venue.ops->cancel(venue.self, &ref, on_reply, NULL);
  assert_int_equal(ea_bridge_hand(bridge, out), 2);
  assert_true(out[0].command.cancel && strcmp(out[0].command.ticket, "88") == 0 && strcmp(out[0].command.client, "PX") == 0 && !out[1].command.cancel);
  char said[200];
  snprintf(said, sizeof said, "{\"id\":\"%s\",\"said\":\"refused\",\"why\":\"not_found\"}", out[0].command.id);
  report((struct said){.results = said});
  assert_true(got.replies == 1 && got.reply.outcome == VENUE_REFUSED && got.reply.why == VENUE_WHY_NOT_FOUND);
  snprintf(said, sizeof said, "{\"id\":\"PA\",\"said\":\"refused\",\"why\":\"duplicate\",\"text\":\"it is there\"}");
  report((struct said){.results = said});
  assert_true(got.replies == 2 && got.reply.outcome == VENUE_UNKNOWN && got.reply.why == VENUE_WHY_DUPLICATE);
}

// Positions of a hedging account are told apart by their magic number: it is the bot's, on whatever the bot asks for, and no other bot has it.
static void test_magic(void **state) {
  struct ea_handed out[EA_HAND_MAX];
  struct venue_ref ref = {.symbol = "EURUSD"};
  int32_t magic[3];
  (void)state;
  up();
  for (int i = 0; i < 3; i++) {
    const struct client_id id = {.bot = (UINT64_C(1795317790) << 22) + (i == 2), .version = 1, .intent = (uint64_t)i};
    struct venue_place p = order_of("", (struct decimal){3000, 0});
    client_id_format(&id, p.client_id);
    memcpy(ref.client_id, p.client_id, sizeof ref.client_id);
    place(&p);
    venue.ops->cancel(venue.self, &ref, on_reply, NULL);
    assert_int_equal(ea_bridge_hand(bridge, out), 2);
    magic[i] = out[1].command.magic;
    assert_true(magic[i] > 0 && out[0].command.magic == magic[i]);
  }
  assert_true(magic[0] == magic[1] && magic[1] != magic[2]);
}

static void test_questions(void **state) {
  (void)state;
  up();
  const struct venue_ref ref = {.client_id = "PA", .symbol = "EURUSD"};
  static const char open[] = "{\"ticket\":\"7\",\"client\":\"PA\",\"symbol\":\"EURUSD\",\"state\":\"open\",\"side\":\"buy\",\"volume\":\"0.03\",\"filled\":\"0.01\",\"price\":\"1.1\",\"time_ms\":5}";
  venue.ops->order(venue.self, &ref, on_orders, NULL);
  // Not asked yet; asked, but nothing said; said without an order of that name.
  report((struct said){.told = "{\"client\":\"PA\",\"state\":\"absent\"}"});
  assert_int_equal(got.lists, 0);
  json_t *a = answered();
  assert_string_equal(json_string_value(json_array_get(json_object_get(a, "ask"), 0)), "PA");
  json_decref(a);
  report((struct said){0});
  report((struct said){.told = "{\"client\":\"PA\",\"state\":\"unsure\"}"});
  assert_int_equal(got.lists, 0);
  report((struct said){.told = "{\"client\":\"PA\",\"state\":\"absent\"}"});
  assert_true(got.lists == 1 && got.reply.outcome == VENUE_REFUSED && got.reply.why == VENUE_WHY_NOT_FOUND);
  venue.ops->order(venue.self, &ref, on_orders, NULL);
  read_answer();
  report((struct said){.told = open});
  assert_true(got.lists == 2 && got.reply.outcome == VENUE_ACCEPTED && got.listed.state == VENUE_ORDER_OPEN && got.listed.filled.digits == 1000 && strcmp(got.listed.ref.venue_id, "7") == 0);
  // A list that was on its way when it was asked for is no answer.
  venue.ops->open_orders(venue.self, NULL, on_orders, NULL);
  report((struct said){0});
  assert_int_equal(got.lists, 2);
  read_answer();
  report((struct said){.orders = open});
  assert_true(got.lists == 3 && got.count == 1);
  venue.ops->positions(venue.self, on_positions, NULL);
  venue.ops->balances(venue.self, on_balances, NULL);
  read_answer();
  report((struct said){.positions = "{\"ticket\":\"1\",\"symbol\":\"EURUSD\",\"side\":\"sell\",\"volume\":\"0.1\",\"price\":\"1.1\",\"profit\":\"1\"}"});
  assert_true(got.lists == 5 && got.held.qty.digits == -10000 && got.position.qty.digits == -10000 && got.balance.equity.digits == 9905 && strcmp(got.balance.asset, "USD") == 0);
  // Nobody answers: not reachable, never "not there".
  venue.ops->order(venue.self, &ref, on_orders, NULL);
  pass(21000);
  assert_true(got.lists == 6 && got.reply.outcome == VENUE_UNKNOWN);
}

#define DEAL(n, ms) "{\"ticket\":\"" n "\",\"order\":\"1\",\"client\":\"PA\",\"symbol\":\"EURUSD\",\"side\":\"buy\",\"volume\":\"0.02\",\"price\":\"1.1\",\"fee\":\"0\",\"time_ms\":" ms "}"
static void test_history(void **state) {
  (void)state;
  up();
  report((struct said){.since_ms = 5000000, .deals = DEAL("50", "5000500")});
  assert_int_equal(got.fills, 1);
  venue.ops->fills(venue.self, "EURUSD", 1000000 * EA_MS, on_fills, NULL);
  json_t *a = answered();
  assert_int_equal(json_integer_value(json_object_get(a, "since_ms")), 1000000);
  json_decref(a);
  report((struct said){.since_ms = 5000000});  // the terminal did not look back so far
  assert_int_equal(got.lists, 0);
  report((struct said){.since_ms = 1000000, .more = true, .deals = DEAL("10", "1000100") "," DEAL("11", "1000200")});
  assert_int_equal(got.lists, 0);
  a = answered();
  assert_int_equal(json_integer_value(json_object_get(a, "since_ms")), 1000200);
  json_decref(a);
  report((struct said){.since_ms = 1000200, .deals = DEAL("11", "1000200") "," DEAL("12", "2000000") "," DEAL("50", "5000500")});
  assert_true(got.lists == 1 && got.reply.outcome == VENUE_ACCEPTED && got.count == 4 && got.fills == 4);
  a = answered();
  assert_int_equal(json_integer_value(json_object_get(a, "since_ms")), 5000500 - 60000);
  json_decref(a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_session, start, end), cmocka_unit_test_setup_teardown(test_place, start, end), cmocka_unit_test_setup_teardown(test_refused, start, end),
    cmocka_unit_test_setup_teardown(test_time, start, end), cmocka_unit_test_setup_teardown(test_cancel, start, end), cmocka_unit_test_setup_teardown(test_questions, start, end), cmocka_unit_test_setup_teardown(test_magic, start, end),
    cmocka_unit_test_setup_teardown(test_history, start, end)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
