// A feed of a venue's own market data: what it says of instruments, its history, and what comes live: each minute once, in order over all
// symbols, none before it is over, none left out, whatever the stream does.
#include "venue/feed_remote.h"  // first: `err` is a name of the tests' below

#include "remote_session.h"

#include "venue/remote_impl.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_NS (60 * NS_PER_MINUTE)
#define NOON_MS INT64_C(1767268800000)  // 2026-01-01T12:00
#define NS(ms) ((ms) * NS_PER_MS)

#define TERMS(symbol, status, tick, lot)                                                                                                        \
  "{\"symbol\":\"" symbol "\",\"status\":\"" status "\",\"baseCoin\":\"X\",\"quoteCoin\":\"USDT\",\"settleCoin\":\"USDT\",\"priceFilter\":{\"tickSize\":\"" tick \
  "\"},\"lotSizeFilter\":{\"maxOrderQty\":\"1190.000\",\"minOrderQty\":\"0.003\",\"qtyStep\":\"" lot "\",\"minNotionalValue\":\"5\"}}"

static struct feed feed;
static unsigned wakes;
static struct {
  struct { int subscription; int64_t open_ms; } bars[4000];
  int count;
  unsigned notes[FEED_NOTE_COUNT];
  int64_t through_ns, trade_ns, volume;
  price px;
  int trades;
} seen;

static void on_wake(void *self) {
  (void)self;
  wakes++;
}

static void on_event(void *self, const struct feed_event *e) {
  (void)self;
  if (e->kind == FEED_NOTE) {
    seen.notes[e->u.note.code] += 1 + (unsigned)e->u.note.more;
    return;
  }
  if (e->kind == FEED_TRADE) {
    assert_true(e->time_ns > seen.through_ns && e->time_ns >= seen.trade_ns);
    assert_true(e->time_ns <= remote_site_now_ns(site, NULL) || e->time_ns == seen.through_ns + 1);
    seen.trade_ns = e->time_ns;
    seen.trades++;
    seen.px = e->u.trade.px;
    seen.volume += e->u.trade.volume;
    return;
  }
  assert_int_equal(e->kind, FEED_BAR);
  const struct bar *b = &e->u.bar;
  const int64_t open_ms = b->open_ns / NS_PER_MS, number = (open_ms - fake.first_ms) / MINUTE_MS;
  assert_int_equal(e->time_ns, b->open_ns + NS_PER_MINUTE);
  assert_true(e->time_ns <= remote_site_now_ns(site, NULL));              // none before it is over
  assert_true(e->time_ns > seen.through_ns);                              // none that was promised not to come
  if (seen.count) assert_true(open_ms >= seen.bars[seen.count - 1].open_ms);
  for (int i = 0; i < seen.count; i++) assert_false(seen.bars[i].subscription == e->subscription && seen.bars[i].open_ms == open_ms);
  assert_int_equal(b->open.ticks, number * 10);
  assert_int_equal(b->high.ticks, number * 10 + 10);
  assert_int_equal(b->volume, 1500);
  assert_true(seen.count < (int)(sizeof seen.bars / sizeof *seen.bars));
  seen.bars[seen.count].subscription = e->subscription;
  seen.bars[seen.count++].open_ms = open_ms;
}

static void poll_feed(void) {
  const struct feed_sink sink = {NULL, on_event};
  struct feed_progress p;
  assert_int_equal(feed_poll(feed, 0, 3, &sink, &p, &err), OK);
  assert_true(p.events <= 3 && p.through_ns >= seen.through_ns);
  for (int i = p.events < 3 ? seen.count : 0; i < seen.count; i++) assert_true(NS(seen.bars[i].open_ms) + NS_PER_MINUTE <= p.through_ns + NS_PER_MINUTE);
  seen.through_ns = p.through_ns;
}

static void turn(void) {
  loop_turn(loop, true);
  poll_feed();
}

static void set_time(int64_t now_ms) {
  fake.skew_ms = now_ms - clock_wall_ns() / 1000000;
  site->sync_tried_ms = 0;
  remote_sync(site);
  while (site->syncing) turn();
}

static void bar(const char *symbol, int64_t open_ms, bool closed) {
  char text[512];
  const long long i = (long long)((open_ms - fake.first_ms) / MINUTE_MS);
  snprintf(text, sizeof text, "{\"topic\":\"kline.1.%s\",\"type\":\"snapshot\",\"ts\":1,\"data\":[{\"start\":%lld,\"end\":1,\"interval\":\"1\",\"open\":\"%lld\",\"close\":\"%lld\",\"high\":\"%lld\","
    "\"low\":\"%lld\",\"volume\":\"1.5\",\"turnover\":\"2\",\"confirm\":%s,\"timestamp\":1}]}", symbol, (long long)open_ms, i, i, i + 1, i, closed ? "true" : "false");
  fake_push(text);
}

static bool with_trades;

static void begin(void) {
  fake_start(loop);
  fake.first_ms = NOON_MS - 6000 * MINUTE_MS;
  fake.instruments = TERMS("BTCUSDT", "Trading", "0.10", "0.001") "," TERMS("ETHUSDT", "Trading", "0.10", "0.001") "," TERMS("OLDUSDT", "Closed", "0.10", "0.001");
  fake.skew_ms = NOON_MS + 30000 - clock_wall_ns() / 1000000;
  memset(&seen, 0, sizeof seen);
  seen.through_ns = INT64_MIN;
  wakes = 0;
  assert_int_equal(http_pool_create(loop, NULL, &pool, &err), OK);
  begin_site(0);
  assert_int_equal(feed_remote_create(&(struct feed_remote_config){.site = site, .ticks = with_trades, .wake = on_wake}, &feed, &err), OK);
}

static void end(void) {
  feed_destroy(feed);
  down();
}

static void until_ready(const char *symbol, int64_t timeframe_ns, size_t bars) {
  while (!feed_remote_ready(feed, symbol, timeframe_ns, bars)) turn();
}

static int subscribe(const char *symbol) {
  int id = 0;
  poll_feed();
  if (feed_subscribe(feed, symbol, NS_PER_MINUTE, seen.through_ns, &id, &err) != OK) fail_msg("%s", err.msg);
  return id;
}

static void terms(void **state) {
  (void)state;
  begin();
  struct feed_symbol s;
  // A venue that cannot be asked yet, not even for the time: it is asked again.
  fault("/v5/market", FAULT_CUT_REPLY, 12, 30, NULL);
  assert_int_equal(feed_describe(feed, "BTCUSDT", &s, &err), ERR_NOTFOUND);
  assert_false(feed_remote_ready(feed, "BTCUSDT", NS_PER_MINUTE, 1));
  assert_null(feed_remote_symbol(feed, 0));
  while (!feed_remote_symbol(feed, 0)) turn();
  assert_true(wakes > 0);
  assert_int_equal(feed_describe(feed, "BTCUSDT", &s, &err), OK);
  assert_true(s.inst.tick.digits == 1 && s.inst.tick.scale == 1 && s.inst.lot.digits == 1 && s.inst.lot.scale == 3);
  assert_int_equal(s.inst.min_qty.lots, 3);
  assert_int_equal(s.inst.max_order_qty.lots, 1190000);
  assert_int_equal(s.inst.min_notional.e8, 500000000);
  assert_true(s.timeframe_ns == NS_PER_MINUTE && s.volume_scale == 3 && !s.ticks);
  assert_string_equal(feed_remote_symbol(feed, 1), "ETHUSDT");
  assert_null(feed_remote_symbol(feed, 2));  // what is not traded is none
  // What will never be is not waited for.
  while (!feed_remote_ready(feed, "OLDUSDT", NS_PER_MINUTE, 10)) turn();
  assert_int_equal(feed_describe(feed, "OLDUSDT", &s, &err), ERR_NOTFOUND);
  int id;
  assert_int_equal(feed_subscribe(feed, "BTCUSDT", NS_PER_MINUTE, 0, &id, &err), ERR_NOTFOUND);  // not fetched
  end();
}

static void check_history(int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, size_t at_least) {
  struct series s;
  assert_int_equal(feed_history(feed, "BTCUSDT", timeframe_ns, from_ns, to_ns, &s, &err), OK);
  const int64_t minutes = timeframe_ns / NS_PER_MINUTE;
  assert_true(s.count >= at_least);
  for (size_t i = 0; i < s.count; i++) {
    const int64_t number = (s.bars[i].open_ns / NS_PER_MS - fake.first_ms) / MINUTE_MS;
    if (i) assert_int_equal(s.bars[i].open_ns, s.bars[i - 1].open_ns + timeframe_ns);
    assert_true(s.bars[i].open_ns >= from_ns && s.bars[i].open_ns + timeframe_ns <= to_ns);
    assert_true(s.bars[i].open.ticks == number * 10 && s.bars[i].close.ticks == (number + minutes - 1) * 10);
    assert_true(s.bars[i].volume == 1500 * minutes && s.bars[i].flags == 0);
  }
  assert_int_equal(s.bars[s.count - 1].open_ns, timeframe_floor(to_ns, timeframe_ns) - timeframe_ns);
  series_finish(&s);
}

static void past(void **state) {
  (void)state;
  begin();
  fault("/v5/market/kline", FAULT_CUT_REPLY, 3, 20, NULL);
  until_ready("BTCUSDT", NS_PER_MINUTE, 1500);  // two questions
  const int64_t noon_ns = NS(NOON_MS);
  check_history(NS_PER_MINUTE, 0, noon_ns, 1500);
  check_history(NS_PER_MINUTE, noon_ns - 10 * NS_PER_MINUTE, noon_ns - 5 * NS_PER_MINUTE, 5);
  check_history(HOUR_NS, 0, noon_ns, 24);       // made of minutes: none of half an hour at the begin
  fake.reads = 0;
  assert_true(feed_remote_ready(feed, "BTCUSDT", NS_PER_MINUTE, 1000));
  assert_int_equal(fake.reads, 0);
  // Hours are asked for as such, and go on with minutes.
  until_ready("BTCUSDT", HOUR_NS, 80);
  assert_in_range(fake.reads, 1, 2);  // an answer that a busy machine gives late is asked for again
  check_history(HOUR_NS, 0, noon_ns, 80);
  // A timeframe that the venue does not have is made of minutes.
  until_ready("BTCUSDT", 7 * NS_PER_MINUTE, 300);
  check_history(7 * NS_PER_MINUTE, 0, noon_ns, 300);
  // So is an hour that ends later; it is there once, though asked for again, and not before it is over.
  const int id = subscribe("BTCUSDT");
  set_time(NOON_MS + 61 * MINUTE_MS + 30000);
  bar("BTCUSDT", NOON_MS + 60 * MINUTE_MS, true);
  while (!seen.count || seen.bars[seen.count - 1].open_ms < NOON_MS + 60 * MINUTE_MS) turn();
  assert_int_equal(seen.count, 61);
  assert_int_equal(seen.bars[0].subscription, id);
  until_ready("BTCUSDT", HOUR_NS, 90);
  check_history(HOUR_NS, 0, noon_ns + HOUR_NS, 91);
  check_history(HOUR_NS, 0, noon_ns + HOUR_NS - 1, 90);
  end();
}

static void live(void **state) {
  (void)state;
  begin();
  until_ready("BTCUSDT", NS_PER_MINUTE, 50);
  until_ready("ETHUSDT", NS_PER_MINUTE, 50);
  const int btc = subscribe("BTCUSDT"), eth = subscribe("ETHUSDT");
  assert_true(seen.through_ns >= NS(NOON_MS));
  set_time(NOON_MS + MINUTE_MS + 500);
  // One that is not closed is none; the same twice is one; the one symbol waits for the other, and time stands.
  bar("BTCUSDT", NOON_MS, false);
  bar("BTCUSDT", NOON_MS, true);
  bar("BTCUSDT", NOON_MS, true);
  for (const unsigned before = wakes; wakes == before;) turn();
  assert_int_equal(seen.count, 0);
  assert_int_equal(seen.through_ns, NS(NOON_MS + MINUTE_MS) - 1);
  bar("ETHUSDT", NOON_MS, true);
  while (seen.count < 2) turn();
  assert_true(seen.bars[0].subscription == btc && seen.bars[1].subscription == eth);
  // The end of a minute that to us is not over: it waits, and the venue is asked what time it is.
  fake.skew_ms += MINUTE_MS;
  const unsigned clocks = fake.clocks;
  site->sync_tried_ms = 0;
  bar("BTCUSDT", NOON_MS + MINUTE_MS, true);
  bar("ETHUSDT", NOON_MS + MINUTE_MS, true);
  while (seen.count < 4) turn();  // on_event sees to the time
  assert_true(fake.clocks > clocks);
  // A cut: those of both symbols come, in order, and again what the stream says goes on.
  set_time(NOON_MS + 6 * MINUTE_MS + 30000);
  peer_close(fake.stream);
  while (!seen.notes[FEED_NOTE_WAITING]) turn();
  while (seen.count < 12) turn();
  assert_int_equal(seen.notes[FEED_NOTE_STARTED], 2);
  bar("ETHUSDT", NOON_MS + 4 * MINUTE_MS, true);
  bar("BTCUSDT", NOON_MS + 5 * MINUTE_MS, true);
  bar("ETHUSDT", NOON_MS + 5 * MINUTE_MS, true);
  set_time(NOON_MS + 8 * MINUTE_MS + 500);
  bar("ETHUSDT", NOON_MS + 7 * MINUTE_MS, true);  // that before it is asked for
  bar("BTCUSDT", NOON_MS + 6 * MINUTE_MS, true);
  bar("BTCUSDT", NOON_MS + 7 * MINUTE_MS, true);
  while (seen.count < 16) turn();
  assert_int_equal(seen.bars[15].open_ms, NOON_MS + 7 * MINUTE_MS);
  // Who is not subscribed any more holds nobody; who comes again begins where it is asked to.
  feed_unsubscribe(feed, eth);
  set_time(NOON_MS + 9 * MINUTE_MS + 500);
  bar("BTCUSDT", NOON_MS + 8 * MINUTE_MS, true);
  while (seen.count < 17) turn();
  while (feed_remote_ready(feed, "ETHUSDT", NS_PER_MINUTE, 50)) turn();  // time has passed without it
  bar("ETHUSDT", NOON_MS + 8 * MINUTE_MS, true);
  until_ready("ETHUSDT", NS_PER_MINUTE, 50);
  assert_int_not_equal(subscribe("ETHUSDT"), eth);
  for (int i = 0; i < 3; i++) poll_feed();
  assert_int_equal(seen.count, 17);
  assert_int_equal(seen.notes[FEED_NOTE_LATE], 0);
  end();
}

static void trade(const char *symbol, int64_t time_ms, const char *px, const char *qty) {
  char text[512];
  snprintf(text, sizeof text, "{\"topic\":\"publicTrade.%s\",\"type\":\"snapshot\",\"ts\":1,\"data\":[{\"T\":%lld,\"s\":\"%s\",\"S\":\"Buy\",\"v\":\"%s\",\"p\":\"%s\",\"L\":\"PlusTick\",\"i\":\"1\","
    "\"BT\":false}]}", symbol, (long long)time_ms, symbol, qty, px);
  fake_push(text);
}

// Trades beside the bars of who is subscribed: in order over symbols, none of a time that is over, none lost while they fit.
static void trades(void **state) {
  (void)state;
  with_trades = true;
  begin();
  until_ready("BTCUSDT", NS_PER_MINUTE, 50);
  until_ready("ETHUSDT", NS_PER_MINUTE, 50);
  while (!seen.notes[FEED_NOTE_STARTED]) turn();
  trade("BTCUSDT", NOON_MS + 30000, "101.5", "0.5");  // nobody's yet
  for (const int64_t heard_ns = clock_monotonic_ns() + 300 * NS_PER_MS; clock_monotonic_ns() < heard_ns;) turn();
  assert_int_equal(seen.trades, 0);
  subscribe("BTCUSDT");
  subscribe("ETHUSDT");
  const int64_t now_ms = remote_site_now_ns(site, NULL) / NS_PER_MS;
  trade("ETHUSDT", now_ms + 3600000, "7.0", "0.1");  // of the future by our clock: as of now
  trade("BTCUSDT", now_ms - 3600000, "102.5", "0.25");  // long over
  trade("BTCUSDT", now_ms, "103.5", "0.125");
  while (seen.trades < 3) turn();
  assert_int_equal(seen.volume, 475);
  // What is no multiple of the tick is told, and is no trade.
  trade("BTCUSDT", now_ms, "103.55", "1");
  while (!seen.notes[FEED_NOTE_REFUSED]) turn();
  assert_int_equal(seen.trades, 3);
  // More than fit: the last ones are one, with the newest price and the sum.
  seen.volume = 0;
  for (int i = 0; i < 400; i++) {
    char px[16];
    snprintf(px, sizeof px, "%d.0", 200 + i);
    trade("BTCUSDT", now_ms + i, px, "0.001");
  }
  // Not polled until they are here. They are heard in their order, so with the next trade of the other symbol.
  trade("ETHUSDT", now_ms, "8.0", "0.1");
  const unsigned had = wakes;
  while (wakes < had + 401) loop_turn(loop, true);
  while (seen.volume < 500) poll_feed();
  assert_int_equal(seen.volume, 500);
  assert_int_equal(seen.trades, 3 + 256 + 1);
  // And the minute comes as ever.
  bar("BTCUSDT", NOON_MS, true);
  bar("ETHUSDT", NOON_MS, true);
  set_time(NOON_MS + MINUTE_MS + 500);
  while (seen.count < 2) turn();
  end();
  with_trades = false;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(terms), cmocka_unit_test(past), cmocka_unit_test(live), cmocka_unit_test(trades)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
