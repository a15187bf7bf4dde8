// Market data of a venue: bars that come once each, in order, without holes, whatever the stream does; tickers that are whole; books.
#include "remote_session.h"

#include "venue/book.h"
#include "venue/remote_impl.h"
#include "venue/remote_market.h"

#define MINUTE_MS INT64_C(60000)
#define TEN_MS INT64_C(1767225600000)  // 2026-01-01

static struct remote_market *market;
static struct {
  unsigned ups, downs, bars, updates, trades, books;
  int64_t next_ms;
  char ticker[512];
  bool end_on_bar;
} seen;

static void on_up(void *self, bool up, const char *why) {
  (void)self, (void)why;
  seen.ups += up;
  seen.downs += !up;
}
static void on_kline(void *self, const char *symbol, const char *timeframe, const struct venue_kline *k) {
  (void)self;
  assert_string_equal(symbol, "BTCUSDT");
  assert_string_equal(timeframe, "1m");
  const int64_t open_ms = k->open_ns / 1000000;
  if (!k->closed) {
    assert_int_equal(open_ms, seen.next_ms);
    seen.updates++;
    return;
  }
  if (seen.next_ms == fake.hole_ms) seen.next_ms += MINUTE_MS;
  if (seen.next_ms) assert_int_equal(open_ms, seen.next_ms);
  assert_int_equal(k->open.digits, (open_ms - fake.first_ms) / MINUTE_MS);
  seen.next_ms = open_ms + MINUTE_MS;
  seen.bars++;
  if (seen.end_on_bar) remote_market_destroy(market), market = NULL;
}
static void on_trade(void *self, const struct venue_trade *t) {
  (void)self;
  assert_true(t->px.digits == 301 && t->side == SIDE_SELL && strcmp(t->id, "t1") == 0);
  seen.trades++;
}
static void on_ticker(void *self, const json_t *ticker) {
  (void)self;
  char *text = json_dumps(ticker, JSON_COMPACT | JSON_SORT_KEYS);
  snprintf(seen.ticker, sizeof seen.ticker, "%s", text);
  free(text);
}
static void on_book(void *self, const char *symbol, const struct book *b) {
  (void)self, (void)symbol;
  seen.books++;
  assert_true(b->known && b->count[BOOK_BIDS] == seen.books);
}
static const struct remote_market_events market_events = {.up = on_up, .kline = on_kline, .trade = on_trade, .ticker = on_ticker, .book = on_book};

static void set_time(int64_t now_ms) {
  fake.skew_ms = now_ms - clock_wall_ns() / 1000000;
}

static void bar(int64_t open_ms, bool closed) {
  char text[512];
  const long long i = (long long)((open_ms - fake.first_ms) / MINUTE_MS);
  snprintf(text, sizeof text, "{\"topic\":\"kline.1.BTCUSDT\",\"type\":\"snapshot\",\"ts\":1,\"data\":[{\"start\":%lld,\"end\":1,\"interval\":\"1\",\"open\":\"%lld\",\"close\":\"%lld\",\"high\":\"%lld\","
    "\"low\":\"%lld\",\"volume\":\"1.5\",\"turnover\":\"2\",\"confirm\":%s,\"timestamp\":1}]}", (long long)open_ms, i, i, i + 1, i, closed ? "true" : "false");
  fake_push(text);
}

static void begin(void) {
  fake_start(loop);
  fake.first_ms = TEN_MS - 2000 * MINUTE_MS;
  fake.hole_ms = TEN_MS - 7 * MINUTE_MS;
  set_time(TEN_MS + 30000);
  memset(&seen, 0, sizeof seen);
  assert_int_equal(http_pool_create(loop, NULL, &pool, &err), OK);
  begin_site(0);
  remote_sync(site);
  while (!site->clock.known || site->syncing) loop_turn(loop, true);
  assert_int_equal(remote_market_create(site, &market_events, NULL, &market, &err), OK);
}

static void end(void) {
  remote_market_destroy(market);
  market = NULL;
  down();
}

static void bars(void **state) {
  (void)state;
  begin();
  seen.next_ms = TEN_MS - 20 * MINUTE_MS;
  assert_int_equal(remote_market_want(market, REMOTE_KLINES, "BTCUSDT", "1m", (TEN_MS - 20 * MINUTE_MS) * 1000000, &err), OK);
  assert_int_equal(remote_market_want(market, REMOTE_KLINES, "BTCUSDT", "1m", 0, &err), OK);  // the same
  assert_int_equal(remote_market_want(market, REMOTE_KLINES, "BTCUSDT", "7x", 0, &err), ERR_INVALID);
  while (seen.bars < 19) loop_turn(loop, true);  // but for the hole
  assert_int_equal(seen.next_ms, TEN_MS);
  assert_int_equal(seen.ups, 1);
  assert_int_equal(fake.subscriptions, 1);
  // The stream goes on; what it says again is not told again.
  bar(TEN_MS, false);
  bar(TEN_MS - MINUTE_MS, true);
  bar(TEN_MS, true);
  bar(TEN_MS, true);
  bar(TEN_MS, false);
  bar(TEN_MS + MINUTE_MS, false);
  while (seen.updates < 2) loop_turn(loop, true);
  assert_int_equal(seen.bars, 20);
  // A bar is missing: it is asked for, and what comes meanwhile waits.
  set_time(TEN_MS + 5 * MINUTE_MS + 30000);
  site->sync_tried_ms = 0;
  remote_sync(site);
  while (site->syncing) loop_turn(loop, true);
  fake.reads = 0;
  bar(TEN_MS + 4 * MINUTE_MS, true);
  bar(TEN_MS + 5 * MINUTE_MS, false);
  while (seen.bars < 24) loop_turn(loop, true);
  assert_int_equal(fake.reads, 1);
  assert_int_equal(seen.next_ms, TEN_MS + 5 * MINUTE_MS);
  // A cut: the same, by itself.
  set_time(TEN_MS + 9 * MINUTE_MS + 30000);
  site->sync_tried_ms = 0;
  remote_sync(site);
  while (site->syncing) loop_turn(loop, true);
  peer_close(fake.stream);
  while (seen.ups < 2) loop_turn(loop, true);
  assert_int_equal(seen.downs, 1);
  while (seen.bars < 28) loop_turn(loop, true);
  assert_int_equal(seen.next_ms, TEN_MS + 9 * MINUTE_MS);
  assert_int_equal(fake.subscriptions, 2);
  // Ended by its owner in the middle of a bar.
  seen.end_on_bar = true;
  bar(TEN_MS + 9 * MINUTE_MS, true);
  bar(TEN_MS + 10 * MINUTE_MS, true);
  while (market) loop_turn(loop, true);
  turns(10);
  assert_int_equal(seen.bars, 29);
  end();
}

// More than one question's worth.
static void long_past(void **state) {
  (void)state;
  begin();
  fake.hole_ms = 0;
  seen.next_ms = TEN_MS - 1500 * MINUTE_MS;
  fault("/v5/market/kline", FAULT_CUT_REPLY, 2, 20, NULL);
  assert_int_equal(remote_market_want(market, REMOTE_KLINES, "BTCUSDT", "1m", (TEN_MS - 1500 * MINUTE_MS) * 1000000, &err), OK);
  while (seen.bars < 1500) loop_turn(loop, true);
  assert_int_equal(seen.next_ms, TEN_MS);
  end();
}

// Who is not subscribed, or hears nothing any more, not even of pings, is not up: it is tried again.
static void deaf_streams(void **state) {
  (void)state;
  pinging = true;
  begin();
  fake.refusing = true;
  assert_int_equal(remote_market_want(market, REMOTE_TICKER, "BTCUSDT", NULL, 0, &err), OK);
  while (seen.downs < 2) loop_turn(loop, true);
  fake.refusing = false;
  const unsigned refused = fake.subscriptions;
  while (fake.subscriptions == refused || seen.ups == seen.downs) loop_turn(loop, true);
  fake.deaf = true;
  const unsigned downs = seen.downs;
  const int64_t since_ms = loop_now_ms(loop);
  while (seen.downs == downs) loop_turn(loop, true);
  assert_true(loop_now_ms(loop) - since_ms < 20000);  // a third of a second, and as much as the machine takes
  end();
  pinging = false;
}

static void others(void **state) {
  (void)state;
  begin();
  assert_int_equal(remote_market_want(market, REMOTE_TICKER, "BTCUSDT", NULL, 0, &err), OK);
  while (seen.ups < 1) loop_turn(loop, true);
  assert_int_equal(remote_market_want(market, REMOTE_TRADES, "BTCUSDT", NULL, 0, &err), OK);  // over the open stream
  assert_int_equal(remote_market_want(market, REMOTE_BOOK, "BTCUSDT", NULL, 0, &err), OK);
  while (fake.subscriptions < 3) loop_turn(loop, true);
  fake_push("{\"topic\":\"tickers.BTCUSDT\",\"type\":\"snapshot\",\"ts\":1,\"data\":{\"symbol\":\"BTCUSDT\",\"lastPrice\":\"1\",\"bid1Price\":\"2\"}}");
  fake_push("{\"topic\":\"tickers.BTCUSDT\",\"type\":\"delta\",\"ts\":2,\"data\":{\"symbol\":\"BTCUSDT\",\"bid1Price\":\"3\"}}");
  fake_push("{\"topic\":\"publicTrade.BTCUSDT\",\"type\":\"snapshot\",\"ts\":1,\"data\":[{\"T\":1767225600000,\"s\":\"BTCUSDT\",\"S\":\"Sell\",\"v\":\"0.1\",\"p\":\"30.1\",\"i\":\"t1\"}]}");
  fake_push("{\"topic\":\"orderbook.50.BTCUSDT\",\"type\":\"snapshot\",\"ts\":1,\"data\":{\"s\":\"BTCUSDT\",\"b\":[[\"1\",\"1\"]],\"a\":[[\"3\",\"1\"]],\"u\":5}}");
  fake_push("{\"topic\":\"orderbook.50.BTCUSDT\",\"type\":\"delta\",\"ts\":1,\"data\":{\"s\":\"BTCUSDT\",\"b\":[[\"0.5\",\"1\"]],\"a\":[],\"u\":6}}");
  while (seen.books < 2) loop_turn(loop, true);
  assert_int_equal(seen.trades, 1);
  assert_non_null(strstr(seen.ticker, "\"bid\":\"3\""));
  assert_non_null(strstr(seen.ticker, "\"last\":\"1\""));
  // After a cut all of them are subscribed anew, at once.
  peer_close(fake.stream);
  while (seen.ups < 2) loop_turn(loop, true);
  while (fake.subscriptions < 4) loop_turn(loop, true);
  assert_int_equal(fake.streams, 2);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(bars), cmocka_unit_test(long_past), cmocka_unit_test(deaf_streams), cmocka_unit_test(others)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
