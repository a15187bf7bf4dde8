// Sessions with a venue: clock, keys, streams that end and come back, budgets.
#include "remote_session.h"

static void skewed_clock(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    fake_start(loop);
    fake.skew_ms = i ? -7200000 : 3600000;
    assert_int_equal(http_pool_create(loop, NULL, &pool, &err), OK);
    begin_site(0);
    begin_session((struct remote_session_options){0});
    until_state(VENUE_STATE_RECONCILING);
    bool known;
    assert_true(llabs(remote_site_now_ns(site, &known) / 1000000 - fake_now_ms()) < 2000);
    assert_true(known);
    down();
  }
}

static void keys(void **state) {
  (void)state;
  static const struct { const char *info; bool read_only; enum venue_state state; const char *why; } table[] = {
    {"{\"readOnly\":0,\"permissions\":{\"ContractTrade\":[\"Order\"],\"Wallet\":[\"AccountTransfer\",\"Withdraw\"]},\"ips\":[]}", false, VENUE_STATE_REFUSED, "may withdraw"},
    {"{\"readOnly\":0,\"permissions\":{\"ContractTrade\":[\"Order\"],\"Wallet\":[\"Withdraw\"]},\"ips\":[]}", true, VENUE_STATE_REFUSED, "may withdraw"},
    {"{\"readOnly\":1,\"permissions\":{\"ContractTrade\":[\"Order\"]},\"ips\":[]}", false, VENUE_STATE_REFUSED, "may not trade"},
    {"{\"readOnly\":1,\"permissions\":{\"ContractTrade\":[\"Order\"]},\"ips\":[]}", true, VENUE_STATE_RECONCILING, ""},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    fake_start(loop);
    fake.key_info = table[i].info;
    assert_int_equal(http_pool_create(loop, NULL, &pool, &err), OK);
    begin_site(0);
    begin_session((struct remote_session_options){.read_only = table[i].read_only});
    while (!state_is(VENUE_STATE_REFUSED) && !state_is(VENUE_STATE_RECONCILING)) loop_turn(loop, true);
    assert_int_equal(owner.state, table[i].state);
    assert_non_null(strstr(owner.why, table[i].why));
    if (owner.state == VENUE_STATE_REFUSED) {
      assert_int_equal(fake.streams, 0);
      ask_place();
      expect(VENUE_NOT_SENT, VENUE_WHY_CREDENTIALS);
      assert_int_equal(fake.creates, 0);
    }
    down();
  }
  // A key that is wrong: at connecting, and in the middle of it.
  char raw[256], body[128];
  snprintf(body, sizeof body, "{\"retCode\":10003,\"retMsg\":\"API key %s is invalid\"}", KEY);
  snprintf(raw, sizeof raw, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
  fake_start(loop);
  fault("/v5/user/query-api", FAULT_RAW, -1, 0, raw);
  assert_int_equal(http_pool_create(loop, NULL, &pool, &err), OK);
  begin_site(0);
  begin_session((struct remote_session_options){0});
  until_state(VENUE_STATE_REFUSED);
  down();
  up(0);
  fault("/v5/order/create", FAULT_RAW, 1, 0, raw);
  ask_place();
  until_state(VENUE_STATE_REFUSED);
  expect(VENUE_REFUSED, VENUE_WHY_CREDENTIALS);
  assert_null(strstr(got.reply.text, KEY));
  down();
}

#define EXEC(id) "{\"topic\":\"execution\",\"id\":\"1\",\"creationTime\":1700000000000,\"data\":[{\"category\":\"linear\",\"symbol\":\"BTCUSDT\",\"execFee\":\"0.01\",\"execId\":\"" id "\",\"execPrice\":\"30000\"," \
  "\"execQty\":\"0.1\",\"execType\":\"Trade\",\"isMaker\":false,\"orderId\":\"v1\",\"orderLinkId\":\"P1\",\"side\":\"Buy\",\"execTime\":\"1700000000000\"}]}"

static void streams(void **state) {
  (void)state;
  up(0);
  // As they come: twice, out of order. Who counts them knows their ids.
  fake_push(EXEC("b"));
  fake_push(EXEC("a"));
  fake_push(EXEC("b"));
  while (owner.fills < 3) loop_turn(loop, true);
  assert_string_equal(owner.fill_ids, "bab");
  // An end: everything is compared anew, without anybody's doing.
  peer_close(fake.stream);
  until_state(VENUE_STATE_DOWN);
  assert_false(venue.ops->reconciled(venue.self));
  until_state(VENUE_STATE_RECONCILING);
  assert_int_equal(owner.connects, 2);
  assert_int_equal(fake.streams, 2);
  assert_int_equal(fake.subscriptions, 2);
  assert_true(venue.ops->reconciled(venue.self));
  // What is not understood, or cannot be held, is a gap.
  fake_push("{\"topic\":\"execution\",\"data\":[{\"symbol\":\"BTCUSDT\",\"execId\":\"c\",\"execPrice\":\"30000\",\"execQty\":\"0.1\",\"execType\":\"NewKind\",\"side\":\"Buy\"}]}");
  until_state(VENUE_STATE_DOWN);
  assert_int_equal(owner.fills, 3);
  until_state(VENUE_STATE_RECONCILING);
  venue.ops->reconciled(venue.self);
  // A login that is refused is tried again, by and by; the key is looked at again.
  fake.login_ok = false;
  peer_close(fake.stream);
  until_state(VENUE_STATE_DOWN);
  until_state(VENUE_STATE_CONNECTING);
  until_state(VENUE_STATE_DOWN);
  assert_non_null(strstr(owner.why, "login was refused"));
  fake.login_ok = true;
  until_state(VENUE_STATE_RECONCILING);
  venue.ops->reconciled(venue.self);
  // The owner ends it in the middle of an event.
  owner.destroy_on_fill = true;
  fake_push(EXEC("d"));
  while (venue.self) loop_turn(loop, true);
  turns(10);
  down();
}

// A stream that only hints is told to nobody: what it hints at is asked, and the answers are told.
static void hints(void **state) {
  (void)state;
  hinting = true;
  up(0);
  fake.executions = "{\"category\":\"linear\",\"symbol\":\"BTCUSDT\",\"execFee\":\"0.01\",\"execId\":\"z\",\"execPrice\":\"30000\",\"execQty\":\"0.1\",\"execType\":\"Trade\",\"isMaker\":false,"
                    "\"orderId\":\"v1\",\"orderLinkId\":\"P1\",\"side\":\"Buy\",\"execTime\":\"1700000000000\"}";
  fake.open_orders = "{\"orderId\":\"v1\",\"orderLinkId\":\"P1\",\"symbol\":\"BTCUSDT\",\"side\":\"Buy\",\"orderType\":\"Limit\",\"price\":\"30000\",\"qty\":\"0.1\",\"cumExecQty\":\"0.1\",\"leavesQty\":\"0\","
                     "\"timeInForce\":\"GTC\",\"orderStatus\":\"Filled\",\"createdTime\":\"1700000000000\"}";
  fake_push(EXEC("stream's own"));
  while (owner.orders == 0) loop_turn(loop, true);
  assert_int_equal(owner.orders, 1);
  assert_string_equal(owner.fill_ids, "z");
  // The owner ends it in the middle of what a hint brought.
  owner.destroy_on_fill = true;
  fake_push(EXEC("another"));
  while (venue.self) loop_turn(loop, true);
  turns(10);
  assert_string_equal(owner.fill_ids, "zz");
  down();
  hinting = false;
}

// Ten a second by key: nine of them may be orders, the tenth is a cancel's; what would come too late is not sent.
static unsigned outcomes[4];
static void on_one(void *arg, const struct venue_reply *r) {
  (void)arg;
  outcomes[r->outcome]++;
}
static void budgets(void **state) {
  (void)state;
  hurried = false;
  up(0);
  memset(outcomes, 0, sizeof outcomes);
  for (int i = 0; i < 100; i++) venue.ops->place(venue.self, &place, on_one, NULL);
  while (outcomes[VENUE_ACCEPTED] < 9) loop_turn(loop, true);
  turns(20);
  assert_int_equal(fake.creates, 9);
  assert_true(outcomes[VENUE_NOT_SENT] > 20 && outcomes[VENUE_NOT_SENT] < 60);  // more than five seconds away
  memset(&got, 0, sizeof got);
  venue.ops->cancel(venue.self, &(struct venue_ref){.client_id = "P1", .symbol = "BTCUSDT"}, on_reply, NULL);
  expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
  assert_int_equal(fake.creates, 9);
  assert_int_equal(fake.cancels, 1);
  // Ended with orders in the queue and on the way: nothing more is heard.
  unsigned had = outcomes[VENUE_ACCEPTED] + outcomes[VENUE_NOT_SENT] + outcomes[VENUE_UNKNOWN];
  venue.ops->destroy(venue.self);
  venue.self = NULL;
  turns(20);
  assert_int_equal(outcomes[VENUE_ACCEPTED] + outcomes[VENUE_NOT_SENT] + outcomes[VENUE_UNKNOWN], had);
  down();
}

static void sites(void **state) {
  (void)state;
  struct remote_site *s;
  struct remote_site_options o = {.loop = loop, .environment = "moon", .dialect = bybit()};
  assert_int_equal(remote_site_create(&o, &s, &err), ERR_INVALID);
  o = (struct remote_site_options){.loop = loop, .category = "options", .dialect = bybit()};
  assert_int_equal(remote_site_create(&o, &s, &err), ERR_INVALID);
  o = (struct remote_site_options){.loop = loop, .url = "http://127.0.0.1/path", .dialect = bybit()};
  assert_int_equal(remote_site_create(&o, &s, &err), ERR_INVALID);
  up(0);
  assert_int_equal(remote_site_reload(site, bybit(), &err), OK);
  ask_place();
  expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
  down();
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(skewed_clock), cmocka_unit_test(keys), cmocka_unit_test(streams), cmocka_unit_test(hints), cmocka_unit_test(budgets), cmocka_unit_test(sites),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
