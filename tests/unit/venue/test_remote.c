// Questions to a venue over real sockets, in the words of Bybit: each way in which a request and its answer can be cut, refused or lost has
// one right outcome, and no order is ever sent twice.
#include "remote_session.h"

static void connects_and_places(void **state) {
  (void)state;
  fake.skew_ms = 0;
  up(0);
  assert_int_equal(owner.connects, 1);
  assert_int_equal(fake.logins, 1);
  assert_int_equal(fake.subscriptions, 1);
  ask_place();
  expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
  assert_string_equal(got.reply.venue_id, "venue-1");
  assert_int_equal(got.reply.expiry_ns - got.reply.asked_ns, 5000 * INT64_C(1000000));
  assert_true(llabs(got.reply.asked_ns / 1000000 - fake_now_ms()) < 2000);
  assert_non_null(strstr(fake.last_create, "\"qty\":\"0.001\""));
  assert_non_null(strstr(fake.last_create, "\"price\":\"30000.5\""));
  assert_non_null(strstr(fake.last_head, "X-BAPI-SIGN: "));
  assert_null(strstr(fake.last_head, SECRET));
  const struct venue_caps caps = venue.ops->caps(venue.self);
  assert_true(caps.amend && caps.positions && caps.expiry_ms == 5000 && caps.lookups == 7);
  down();
}

// The reply cut after each of its bytes, by an end and by a reset: the order exists, nobody knows, nothing is sent again.
static void cut_replies(void **state) {
  (void)state;
  up(0);
  for (int how = FAULT_CUT_REPLY; how <= FAULT_RESET_REPLY; how++) {
    for (size_t at = 0;; at++) {
      fault("/v5/order/create", how, 1, at, NULL);
      fake.order_count = 0;
      ask_place();
      while (got.count == 0) loop_turn(loop, true);
      turns(3);
      assert_int_equal(got.count, 1);
      if (fake.creates != 1) fail_msg("cut at %zu: sent %u times", at, fake.creates);
      if (got.reply.outcome == VENUE_ACCEPTED) {
        if (at < 150) fail_msg("accepted by %zu bytes", at);
        break;  // the whole reply
      }
      if (got.reply.outcome != VENUE_UNKNOWN) fail_msg("cut at %zu: %d %s", at, got.reply.outcome, got.reply.text);
    }
    // What went wrong with REST does not concern the stream.
    assert_true(state_is(VENUE_STATE_READY));
  }
  down();
}

static void cut_requests(void **state) {
  (void)state;
  up(0);
  for (size_t at = 22; at < 600; at += 9) {
    fault("/v5/order/create", FAULT_CUT_REQUEST, 1, at, NULL);
    ask_place();
    while (got.count == 0) loop_turn(loop, true);
    turns(3);
    assert_int_equal(got.count, 1);
    assert_true(fake.creates <= 1);
    if (fake.creates == 1) break;  // the request is shorter
    if (got.reply.outcome != VENUE_UNKNOWN) fail_msg("cut at %zu: %d", at, got.reply.outcome);
  }
  down();
}

static void answers(void **state) {
  (void)state;
  static const struct { const char *raw; enum venue_outcome outcome; enum venue_why why; } table[] = {
    {"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", VENUE_UNKNOWN, VENUE_WHY_OTHER},
    {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>", VENUE_UNKNOWN, VENUE_WHY_OTHER},
    {"HTTP/1.1 503 Busy\r\nContent-Length: 25\r\n\r\n{\"retCode\":110007,\"x\":\"\"}", VENUE_UNKNOWN, VENUE_WHY_FUNDS},  // a code in a 5xx is no answer
    {JSON("not json"), VENUE_UNKNOWN, VENUE_WHY_OTHER}, {JSON(""), VENUE_UNKNOWN, VENUE_WHY_OTHER}, {JSON("{\"retCode\":0"), VENUE_UNKNOWN, VENUE_WHY_OTHER},
    {JSON("{\"retCode\":987654,\"retMsg\":\"new\"}"), VENUE_UNKNOWN, VENUE_WHY_OTHER}, {JSON("{\"retCode\":10016,\"retMsg\":\"busy\"}"), VENUE_UNKNOWN, VENUE_WHY_OTHER},
    {JSON("{\"retCode\":10000,\"retMsg\":\"timeout\"}"), VENUE_UNKNOWN, VENUE_WHY_OTHER}, {JSON("{\"retCode\":110072,\"retMsg\":\"dup\"}"), VENUE_UNKNOWN, VENUE_WHY_DUPLICATE},
    {JSON("{\"retCode\":110007,\"retMsg\":\"ab not enough\"}"), VENUE_REFUSED, VENUE_WHY_FUNDS}, {JSON("{\"retCode\":110017,\"retMsg\":\"x\"}"), VENUE_REFUSED, VENUE_WHY_REDUCE_ONLY},
    {JSON("{\"retCode\":10002,\"retMsg\":\"time\"}"), VENUE_REFUSED, VENUE_WHY_CLOCK},
    {JSON("{\"retCode\":110003,\"retMsg\":\"no: " SECRET " \x01 x\"}"), VENUE_UNKNOWN, VENUE_WHY_OTHER},  // a control character is no JSON
    {JSON("{\"retCode\":110003,\"retMsg\":\"no: " SECRET " x\"}"), VENUE_REFUSED, VENUE_WHY_PRICE},
  };
  up(0);
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    fault("/v5/order/create", FAULT_RAW, 1, 0, table[i].raw);
    const unsigned clocks = fake.clocks;
    ask_place();
    while (got.count == 0) loop_turn(loop, true);
    turns(3);
    assert_int_equal(got.count, 1);
    if (got.reply.outcome != table[i].outcome || got.reply.why != table[i].why)
      fail_msg("%zu: outcome %d, %s (%s)", i, got.reply.outcome, venue_why_text(got.reply.why), got.reply.text);
    assert_int_equal(fake.creates, 1);
    assert_null(strstr(got.reply.text, SECRET));
    if (table[i].why == VENUE_WHY_CLOCK) {  // it is asked for the time, at once or after the pause between two such questions
      while (fake.clocks == clocks && fake.clocks < 3) loop_turn(loop, true);
    }
  }
  down();
}

static void throttled(void **state) {
  (void)state;
  static const char *const raws[] = {"HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\n{\"retCode\":10006,\"retMsg\":\"too many\"}",
    "HTTP/1.1 429 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"};
  for (size_t i = 0; i < 3; i++) {
    char raw[256];
    snprintf(raw, sizeof raw, "%s", raws[i]);
    if (i == 0) snprintf(raw, sizeof raw, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen("{\"retCode\":10006,\"retMsg\":\"too many\"}"), "{\"retCode\":10006,\"retMsg\":\"too many\"}");
    up(0);
    fault("/v5/order/create", FAULT_RAW, 1, 0, raw);
    ask_place();
    expect(VENUE_REFUSED, VENUE_WHY_THROTTLED);
    assert_int_equal(fake.creates, 1);
    // The next one waits: a second after 10006 and Retry-After, and longer than it is good for after a ban.
    ask_place();
    turns(10);
    assert_int_equal(fake.creates, 1);
    if (i == 2) expect(VENUE_NOT_SENT, VENUE_WHY_THROTTLED);
    else if (i == 0) expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
    down();
  }
}

static void not_sent(void **state) {
  (void)state;
  up(100);
  // Silence: time is over, and something may have happened.
  fault("/v5/order/create", FAULT_SILENCE, 1, 0, NULL);
  ask_place();
  expect(VENUE_UNKNOWN, VENUE_WHY_OTHER);
  assert_int_equal(fake.creates, 1);
  // A kept connection that the venue has closed is replaced.
  fault(NULL, FAULT_NONE, 0, 0, NULL);
  for (unsigned k = 0; k < PEERS_MAX; k++)
    if (&fake.raw.peers[k] != fake.stream) peer_close(&fake.raw.peers[k]);
  ask_place();
  expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
  assert_int_equal(fake.creates, 1);
  // Nobody listens: not a byte has left.
  loop_watch_destroy(fake.raw.watch);
  close(fake.raw.fd);
  for (unsigned k = 0; k < PEERS_MAX; k++)
    if (&fake.raw.peers[k] != fake.stream) peer_close(&fake.raw.peers[k]);
  ask_place();
  expect(VENUE_NOT_SENT, VENUE_WHY_OTHER);
  // And without streams: no orders, but cancels are tried.
  peer_close(fake.stream);
  until_state(VENUE_STATE_DOWN);
  ask_place();
  expect(VENUE_NOT_SENT, VENUE_WHY_CLOSED);
  memset(&got, 0, sizeof got);
  venue.ops->cancel(venue.self, &(struct venue_ref){.client_id = "P1", .symbol = "BTCUSDT"}, on_reply, NULL);
  expect(VENUE_NOT_SENT, VENUE_WHY_OTHER);
  fake.raw.fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(loop_watch_create(loop, fake.raw.fd, scripted_ready, &fake.raw, &fake.raw.watch, &err), OK);
  down();
}

static void on_orders(void *arg, const struct venue_reply *r, const struct venue_order *list, size_t count) {
  (void)arg;
  got.count++;
  got.reply = *r;
  got.rows = count;
  if (count > 0) got.first = list[0];
}

static void reads(void **state) {
  (void)state;
  up(0);
  struct venue_ref ref = {.client_id = "P1", .symbol = "BTCUSDT"};
  // Not found, then found.
  memset(&got, 0, sizeof got);
  venue.ops->order(venue.self, &ref, on_orders, NULL);
  expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
  assert_int_equal(got.rows, 0);
  fake.open_orders = "{\"orderId\":\"v1\",\"orderLinkId\":\"P1\",\"symbol\":\"BTCUSDT\",\"side\":\"Buy\",\"orderStatus\":\"PartiallyFilled\",\"orderType\":\"Limit\",\"qty\":\"0.3\",\"cumExecQty\":\"0.10\","
    "\"price\":\"30000.5\",\"avgPrice\":\"30000.50\",\"createdTime\":\"1700000000123\",\"updatedTime\":\"1700000000456\",\"reduceOnly\":false,\"positionIdx\":0,\"timeInForce\":\"GTC\"}";
  memset(&got, 0, sizeof got);
  venue.ops->order(venue.self, &ref, on_orders, NULL);
  expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
  assert_int_equal(got.rows, 1);
  assert_int_equal(got.first.state, VENUE_ORDER_OPEN);
  assert_string_equal(got.first.ref.venue_id, "v1");
  assert_true(got.first.filled.digits == 1 && got.first.filled.scale == 1 && got.first.limit.digits == 300005 && got.first.limit.scale == 1);
  assert_false(decimal_given(got.first.trigger));
  assert_int_equal(got.first.updated_ns, INT64_C(1700000000456000000));
  // Somebody else's order is no answer.
  snprintf(ref.client_id, sizeof ref.client_id, "P2");
  memset(&got, 0, sizeof got);
  venue.ops->order(venue.self, &ref, on_orders, NULL);
  expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
  assert_int_equal(got.rows, 0);
  // Reads are repeated, a few times.
  fake.reads = 0;
  fault("/v5/order/realtime", FAULT_CUT_REPLY, 2, 30, NULL);
  memset(&got, 0, sizeof got);
  venue.ops->open_orders(venue.self, NULL, on_orders, NULL);
  expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
  assert_int_equal(got.rows, 1);
  assert_int_equal(fake.reads, 3);
  static const char *const raws[] = {NULL, "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", JSON("<html>")};
  for (size_t i = 0; i < 3; i++) {
    fake.reads = 0;
    fault("/v5/order/realtime", raws[i] ? FAULT_RAW : FAULT_CUT_REPLY, -1, 30, raws[i]);
    memset(&got, 0, sizeof got);
    venue.ops->open_orders(venue.self, NULL, on_orders, NULL);
    while (got.count == 0) loop_turn(loop, true);
    assert_int_equal(got.reply.outcome, VENUE_UNKNOWN);
    assert_int_equal(got.rows, 0);
    assert_int_equal(fake.reads, 3);
  }
  // A number that cannot be held exactly is not rounded.
  fault(NULL, FAULT_NONE, 0, 0, NULL);
  fake.open_orders = "{\"orderId\":\"v1\",\"orderLinkId\":\"P1\",\"symbol\":\"BTCUSDT\",\"side\":\"Buy\",\"orderStatus\":\"New\",\"qty\":\"0.1234567890123456789\"}";
  memset(&got, 0, sizeof got);
  venue.ops->open_orders(venue.self, NULL, on_orders, NULL);
  expect(VENUE_UNKNOWN, VENUE_WHY_OTHER);
  down();
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(connects_and_places), cmocka_unit_test(cut_replies), cmocka_unit_test(cut_requests), cmocka_unit_test(answers), cmocka_unit_test(throttled), cmocka_unit_test(not_sent), cmocka_unit_test(reads),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
