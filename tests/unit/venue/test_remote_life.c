// Sessions with a venue: clock, keys, streams that end and come back, budgets.
#include "remote_session.h"
#include "venue/remote_impl.h"
#include "venue/remote_limits.h"

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
  // What a venue repeats of them is not told on, in whichever words.
  snprintf(body, sizeof body, "{\"retCode\":110007,\"retMsg\":\"%s of %s with %s\"}", KEY, SECRET, PASSPHRASE);
  snprintf(raw, sizeof raw, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
  up(0);
  fault("/v5/order/create", FAULT_RAW, 1, 0, raw);
  ask_place();
  expect(VENUE_REFUSED, VENUE_WHY_FUNDS);
  assert_string_equal(got.reply.text, "* of * with *");
  down();
}

// Rights that a key is given while it is used: asked for again and again, and an answer that does not come is none.
static void keys_that_change(void **state) {
  (void)state;
  rights_ms = 20;
  up(0);
  assert_int_equal(fake.keys, 1);
  fault("/v5/user/query-api", FAULT_CUT_REPLY, 2, 10, NULL);
  const int64_t by_ms = loop_now_ms(loop) + 20000;
  while ((fake.times > 0 || fake.keys < 4) && loop_now_ms(loop) < by_ms) loop_turn(loop, true);
  assert_true(state_is(VENUE_STATE_READY) && fake.times == 0 && fake.keys >= 4);
  fake.key_info = "{\"readOnly\":0,\"permissions\":{\"ContractTrade\":[\"Order\"],\"Wallet\":[\"Withdraw\"]},\"ips\":[]}";
  while (!state_is(VENUE_STATE_REFUSED) && loop_now_ms(loop) < by_ms) loop_turn(loop, true);
  assert_true(state_is(VENUE_STATE_REFUSED));
  assert_non_null(strstr(owner.why, "may withdraw"));
  ask_place();
  expect(VENUE_NOT_SENT, VENUE_WHY_CREDENTIALS);
  const unsigned asked = fake.keys;
  for (int64_t until = loop_now_ms(loop) + 60; loop_now_ms(loop) < until;) loop_turn(loop, false);
  assert_int_equal(fake.keys, asked);  // it is left alone
  down();
  // By default once an hour: a session that was connected for some requests has asked once.
  rights_ms = 0;
  up(0);
  ask_place();
  expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
  assert_int_equal(fake.keys, 1);
  assert_int_equal(site->rights_ms, 3600000);
  down();
}

// A refusal for the clock: the venue is asked for its time, at once; nothing is sent again by that.
static void clock_refused(void **state) {
  (void)state;
  static const char body[] = "{\"retCode\":10002,\"retMsg\":\"invalid request, please check your server timestamp\"}";
  char raw[256];
  snprintf(raw, sizeof raw, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
  up(0);
  fault("/v5/order/create", FAULT_RAW, 1, 0, raw);
  const unsigned asked = fake.clocks;
  site->sync_tried_ms = 0;  // at most once a second
  ask_place();
  expect(VENUE_REFUSED, VENUE_WHY_CLOCK);
  while (fake.clocks == asked) loop_turn(loop, true);
  turns(20);
  assert_int_equal(fake.creates, 1);
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
  assert_int_equal(fake.keys, 1);
  peer_close(fake.stream);
  until_state(VENUE_STATE_DOWN);
  until_state(VENUE_STATE_CONNECTING);
  until_state(VENUE_STATE_DOWN);
  assert_non_null(strstr(owner.why, "login was refused"));
  fake.login_ok = true;
  until_state(VENUE_STATE_RECONCILING);
  assert_true(fake.keys > 1);
  venue.ops->reconciled(venue.self);
  // The owner ends it in the middle of an event.
  owner.destroy_on_fill = true;
  fake_push(EXEC("d"));
  while (venue.self) loop_turn(loop, true);
  turns(10);
  down();
}

// A stream that says nothing, not even to pings, has ended, though nobody has closed it.
static void silent_stream(void **state) {
  (void)state;
  pinging = true;
  up(0);
  fake.deaf = true;
  const int64_t since_ms = loop_now_ms(loop);
  until_state(VENUE_STATE_DOWN);
  assert_true(loop_now_ms(loop) - since_ms < 20000);  // a third of a second, and as much as the machine takes
  assert_true(fake.pings > 0);
  fake.deaf = false;
  until_state(VENUE_STATE_RECONCILING);
  assert_true(fake.streams >= 2);
  down();
  pinging = false;
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

static struct budget *order_budget(const struct venue *v) {
  struct remote_budgets *b = ((struct remote_session *)v->self)->by_key;
  for (int i = 0; i < b->count; i++)
    if (strcmp(b->list[i].name, "order") == 0) return &b->list[i].budget;
  return NULL;
}

// What is counted by key is counted for all who have it, over sessions, sites and time; by address for all of the venue.
static void shared(void **state) {
  (void)state;
  struct remote_limits *l;
  struct remote_site *spot;
  struct venue same, other;
  char url[64];
  assert_int_equal(remote_limits_create(&l, &err), OK);
  limits = l;
  up(0);
  for (int i = 0; i < 3; i++) ask_place(), expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
  assert_int_equal(order_budget(&venue)->filled, 3);
  snprintf(url, sizeof url, "http://127.0.0.1:%u", fake.raw.port);
  const struct remote_site_options o = {.loop = loop, .pool = pool, .limits = l, .dialect = bybit(), .environment = "testnet", .category = "spot", .url = url};
  assert_int_equal(remote_site_create(&o, &spot, &err), OK);
  struct remote_session_options so = {.label = "another", .credentials = {KEY, SECRET, NULL}, .no_streams = true};
  static const struct venue_events deaf = {0};
  assert_int_equal(remote_session_create(spot, &so, &deaf, NULL, &same, &err), OK);
  so.credentials.key = "someone else's";
  assert_int_equal(remote_session_create(spot, &so, &deaf, NULL, &other, &err), OK);
  assert_ptr_equal(order_budget(&same), order_budget(&venue));
  assert_ptr_not_equal(order_budget(&other), order_budget(&venue));
  assert_ptr_equal(spot->by_ip, site->by_ip);
  // Who connects anew has no new allowance.
  venue.ops->destroy(venue.self);
  same.ops->destroy(same.self);
  begin_session((struct remote_session_options){0});
  assert_int_equal(order_budget(&venue)->filled, 3);
  assert_int_equal(order_budget(&other)->filled, 0);
  other.ops->destroy(other.self);
  remote_site_destroy(spot);
  down();
  limits = NULL;
  remote_limits_destroy(l);
}

// How long a venue says to wait is how long is waited: by the fields of its answers that its dialect names, by Retry-After in both forms.
static void told_to_wait(void **state) {
  (void)state;
  static const struct { const char *status, *field; int64_t from_now_ms, at_least_ms, at_most_ms; const char *body; } table[] = {
    {"200 OK", NULL, 7000, 4000, 8000, "{\"retCode\":10006,\"retMsg\":\"Too many visits\",\"result\":{}}"},
    {"200 OK", NULL, -5000, 0, 1000, "{\"retCode\":10006,\"retMsg\":\"Too many visits\",\"result\":{}}"},  // past: its own way
    {"429 Too Many Requests", "Retry-After: 30", 0, 25000, 30000, "{\"retCode\":10006,\"retMsg\":\"\",\"result\":{}}"},
    {"429 Too Many Requests", "Retry-After: soon", 0, 5000, 10000, "{\"retCode\":10006,\"retMsg\":\"\",\"result\":{}}"},
    {"403 Forbidden", "X-Nothing: 1", 0, 500000, 600000, "{\"retCode\":10006,\"retMsg\":\"\",\"result\":{}}"},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    char field[96], raw[512];
    up(0);
    if (table[i].field) snprintf(field, sizeof field, "%s", table[i].field);
    else snprintf(field, sizeof field, "X-Bapi-Limit-Reset-Timestamp: %lld", (long long)(fake_now_ms() + table[i].from_now_ms));
    snprintf(raw, sizeof raw, "HTTP/1.1 %s\r\n%s\r\nContent-Length: %zu\r\n\r\n%s", table[i].status, field, strlen(table[i].body), table[i].body);
    fault("/v5/order/create", FAULT_RAW, 1, 0, raw);
    const int64_t before_ms = loop_now_ms(loop);
    ask_place();
    expect(VENUE_REFUSED, VENUE_WHY_THROTTLED);
    const int64_t until_ms = order_budget(&venue)->until_ms;
    assert_true(until_ms - loop_now_ms(loop) <= table[i].at_most_ms);
    assert_true(until_ms - before_ms >= table[i].at_least_ms);
    down();
  }
  // Accepted, and nothing is left until the next second: somebody else with the key sends too.
  static const char ok[] = "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"orderId\":\"1\",\"orderLinkId\":\"\"},\"time\":1}";
  for (int left = 0; left < 2; left++) {
    char raw[512];
    up(0);
    snprintf(raw, sizeof raw, "HTTP/1.1 200 OK\r\nX-Bapi-Limit-Status: %d\r\nX-Bapi-Limit-Reset-Timestamp: %lld\r\nContent-Length: %zu\r\n\r\n%s", left, (long long)fake_now_ms() + 900, strlen(ok), ok);
    fault("/v5/order/create", FAULT_RAW, 1, 0, raw);
    ask_place();
    expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
    assert_int_equal(order_budget(&venue)->until_ms > 0, left == 0);
    down();
  }
}

// Connections are open before the orders come, and nothing is sent over them; not for who may not place any.
static void braced(void **state) {
  (void)state;
  up(0);
  const unsigned had = http_pool_stats(pool).connections;
  venue.ops->brace(venue.self, 5);
  assert_true(had < 5 && http_pool_stats(pool).connections == 5);
  turns(20);
  assert_int_equal(fake.creates, 0);
  assert_int_equal(order_budget(&venue)->filled, 0);
  ask_place();
  expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
  assert_int_equal(fake.creates, 1);
  assert_true(got.reply.sent_ns > 0);
  assert_int_equal(http_pool_stats(pool).connections, 5);
  down();
  fake_start(loop);
  assert_int_equal(http_pool_create(loop, NULL, &pool, &err), OK);
  begin_site(0);
  begin_session((struct remote_session_options){.read_only = true});
  until_state(VENUE_STATE_RECONCILING);
  const unsigned few = http_pool_stats(pool).connections;
  venue.ops->brace(venue.self, 5);
  assert_int_equal(http_pool_stats(pool).connections, few);
  down();
}

static const char *signature(const struct dialect_request *r) {
  for (int i = 0; i < r->header_count; i++)
    if (strcmp(r->headers[i].name, "X-BAPI-SIGN") == 0) return r->headers[i].value;
  fail_msg("it is not signed");
  return "";
}

// Until what is signed anew is signed with another time.
static void let_time_pass(void) {
  for (const int64_t since_ms = fake_now_ms(); fake_now_ms() < since_ms + 3;) loop_turn(loop, false);
}

// A request that is made while the journal is being written is sent by place() only, once, for that very order, and not when it has become old or something was
// signed behind it.
static void made_ahead(void **state) {
  (void)state;
  char made[128];
  bool sent = false;
  up(0);
  struct remote_session *s = venue.self;
  for (int i = 0; i < 50 && !sent; i++) {  // on a machine that stands still for long enough it has become old
    fake.creates = 0;
    venue.ops->ahead(venue.self, &place);
    assert_int_equal(s->ahead_count, 1);
    snprintf(made, sizeof made, "%s", signature(&s->ahead[0].request));
    let_time_pass();
    assert_int_equal(fake.creates, 0);
    assert_int_equal(order_budget(&venue)->filled, i);
    ask_place();
    expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
    assert_int_equal(fake.creates, 1);
    assert_int_equal(s->ahead_count, 0);
    sent = strstr(fake.last_head, made) != NULL;
  }
  assert_true(sent);
  struct venue_place other = place;
  other.qty.digits++;
  const struct { const struct venue_place *ahead; int64_t old_ns; } table[] = {{&other, 0}, {&place, INT64_C(1000000000)}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    venue.ops->ahead(venue.self, table[i].ahead);
    snprintf(made, sizeof made, "%s", signature(&s->ahead[0].request));
    s->ahead[0].at_ns -= table[i].old_ns;
    let_time_pass();
    ask_place();
    expect(VENUE_ACCEPTED, VENUE_WHY_NONE);
    assert_null(strstr(fake.last_head, made));
    assert_int_equal(s->ahead_count, 0);
  }
  for (int i = 0; i < 2 * REMOTE_AHEAD_MAX; i++) venue.ops->ahead(venue.self, &place);
  assert_int_equal(s->ahead_count, REMOTE_AHEAD_MAX);
  venue.ops->cancel(venue.self, &(struct venue_ref){.client_id = "x", .symbol = "BTCUSDT"}, on_reply, NULL);
  assert_int_equal(s->ahead_count, 0);
  venue.ops->ahead(venue.self, &place);
  down();  // with one that was not asked for
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
    cmocka_unit_test(skewed_clock), cmocka_unit_test(keys), cmocka_unit_test(keys_that_change), cmocka_unit_test(streams), cmocka_unit_test(silent_stream), cmocka_unit_test(clock_refused), cmocka_unit_test(hints), cmocka_unit_test(budgets), cmocka_unit_test(shared), cmocka_unit_test(told_to_wait), cmocka_unit_test(braced), cmocka_unit_test(made_ahead), cmocka_unit_test(sites),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
