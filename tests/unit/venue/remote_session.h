// tests/unit/venue/remote_session.h – a session with the fake Bybit, its owner, and questions whose answers are kept: what the tests of
// remote venues share.
#pragma once
#include "fake_bybit.h"

#include "base/buf.h"
#include "net/http_pool.h"
#include "venue/remote.h"
#include "script/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define KEY "the-key-of-the-account"
#define SECRET "s3cret-0f-the-acc0unt"
#define PASSPHRASE "0pen-sesame-0r-n0t"

static struct err err;
static struct loop *loop;
static struct http_pool *pool;
static struct remote_site *site;
static struct venue venue;
static char logged[65536];

static void on_log(void *arg, const char *text) {
  (void)arg;
  strncat(logged, text, sizeof logged - strlen(logged) - 2);
  strcat(logged, "\n");
}

// ---- the owner

static struct {
  enum venue_state state;
  unsigned changes, connects, orders, fills, balances;
  char why[VENUE_TEXT_MAX], fill_ids[256];
  bool reconcile, destroy_on_fill;
} owner;

static void on_state(void *self, enum venue_state from, enum venue_state to, const char *why) {
  (void)self;
  assert_int_equal(from, owner.state);
  owner.state = to;
  owner.changes++;
  owner.connects += to == VENUE_STATE_RECONCILING;
  snprintf(owner.why, sizeof owner.why, "%s", why);
}
static void on_order(void *self, const struct venue_order *o) {
  (void)self;
  assert_string_equal(o->ref.symbol, "BTCUSDT");
  owner.orders++;
}
static void on_fill(void *self, const struct venue_fill *f) {
  (void)self;
  owner.fills++;
  strncat(owner.fill_ids, f->trade_id, sizeof owner.fill_ids - strlen(owner.fill_ids) - 1);
  if (owner.destroy_on_fill) venue.ops->destroy(venue.self), venue.self = NULL;
}
static void on_balance(void *self, const struct venue_balance *b) {
  (void)self, (void)b;
  owner.balances++;
}
static const struct venue_events events = {.state = on_state, .order = on_order, .fill = on_fill, .balance = on_balance};

// ---- around each test

static bool hinting;  // a dialect whose private stream only hints at what happened
static bool pinging;  // a stream is pinged every 100 ms, and silent after three of them
static bool hurried;  // budgets a thousand times as large, where they are not what is tried

static struct dialect *bybit(void) {
  char path[4096];
  const char *root = getenv("PERIGEE_ROOT");
  struct buf source;
  struct dialect *d;
  snprintf(path, sizeof path, "%s/lua/venues/bybit.lua", root && *root ? root : ".");
  buf_init(&source, 1 << 20);
  assert_int_equal(buf_read_file(&source, path, &err), OK);
  for (char *at = source.data; hurried && (at = strstr(at, "per_ms=")); at += 11) memcpy(at + 7, "0001", 4);
  char *ping = pinging ? strstr(source.data, "ping_ms=20000") : NULL;
  assert_true(ping || !pinging);
  if (ping) memcpy(ping + 8, "00100", 5);
  char *ids = hinting ? strstr(source.data, "fill_ids=true") : NULL;
  if (ids) memcpy(ids + 9, "nil ", 4);
  if (dialect_create("bybit.lua", source.data, source.len, NULL, &d, &err) != OK) fail_msg("%s", err.msg);
  buf_finish(&source);
  return d;
}

static void turns(int n) {
  for (int i = 0; i < n; i++) loop_turn(loop, false);
}

static bool state_is(enum venue_state s) {
  return owner.state == s;
}

static inline void until_state(enum venue_state s) {
  while (!state_is(s)) loop_turn(loop, true);
}

static inline void begin_session(struct remote_session_options o) {
  memset(&owner, 0, sizeof owner);
  o.label = "account 7";
  o.credentials = (struct remote_credentials){.key = KEY, .secret = SECRET, .passphrase = PASSPHRASE};
  assert_int_equal(remote_session_create(site, &o, &events, NULL, &venue, &err), OK);
  assert_int_equal(owner.changes, 0);
}

static int64_t rights_ms;  // how often a key's rights are asked for; 0: as seldom as by default
static struct remote_limits *limits;  // of the sites; NULL: each has its own

static void begin_site(int64_t timeout_ms) {
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%u", fake.raw.port);
  const struct remote_site_options o = {.loop = loop, .pool = pool, .limits = limits, .dialect = bybit(), .environment = "testnet", .url = url, .timeout_ms = timeout_ms, .rights_ms = rights_ms, .retry_ms = 10, .log = on_log};
  logged[0] = '\0';
  if (remote_site_create(&o, &site, &err) != OK) fail_msg("%s", err.msg);
}

static inline void up(int64_t timeout_ms) {
  fake_start(loop);
  assert_int_equal(http_pool_create(loop, NULL, &pool, &err), OK);
  begin_site(timeout_ms);
  begin_session((struct remote_session_options){0});
  until_state(VENUE_STATE_RECONCILING);
  assert_true(venue.ops->reconciled(venue.self));
  assert_true(state_is(VENUE_STATE_READY));
}

static inline void down(void) {
  if (venue.self) venue.ops->destroy(venue.self);
  venue = (struct venue){0};
  remote_site_destroy(site);
  http_pool_destroy(pool);
  scripted_stop(&fake.raw);
  turns(5);
  assert_null(strstr(logged, SECRET));
  assert_null(strstr(logged, KEY));
  assert_null(strstr(logged, PASSPHRASE));
}

// ---- requests

static struct { unsigned count; struct venue_reply reply; size_t rows; struct venue_order first; } got;

static void on_reply(void *arg, const struct venue_reply *r) {
  (void)arg;
  got.count++;
  got.reply = *r;
}

static const struct venue_place place = {.client_id = "P000000000000100001000000001A", .symbol = "BTCUSDT", .side = SIDE_BUY, .type = ORDER_LIMIT, .tif = TIF_GTC,
  .qty = {1, 3}, .limit = {300005, 1}, .trigger = NO_DECIMAL};

static inline void expect(enum venue_outcome outcome, enum venue_why why) {
  while (got.count == 0) loop_turn(loop, true);
  turns(5);
  assert_int_equal(got.count, 1);
  if (got.reply.outcome != outcome || got.reply.why != why)
    fail_msg("outcome %d, %s (%s), not %d, %s", got.reply.outcome, venue_why_text(got.reply.why), got.reply.text, outcome, venue_why_text(why));
  assert_null(strstr(got.reply.text, SECRET));
}

static inline void ask_place(void) {
  memset(&got, 0, sizeof got);
  venue.ops->place(venue.self, &place, on_reply, NULL);
  assert_int_equal(got.count, 0);
}

static inline void fault(const char *path, enum fake_fault f, int times, size_t at, const char *raw) {
  fake.path = path;
  fake.fault = f;
  fake.times = times;
  fake.at = at;
  fake.raw_reply = raw;
  fake.creates = 0;
}

#define JSON(body) "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" body

static int setup(void **state) {
  (void)state;
  hurried = true;
  return loop_create(&loop, NULL, &err) != OK;
}
static int teardown(void **state) {
  (void)state;
  loop_destroy(loop);
  return 0;
}
