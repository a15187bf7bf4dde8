// The hub over the synthetic market: order and completeness of what comes out, the same at any poll times;
// history that joins what comes live without a seam; series that come and go.
#include "hub_log.h"

#include "market/text.h"
#include "venue/feed_pace.h"
#include "venue/feed_sim.h"

#define START_NS (INT64_C(1767571200) * NS_PER_S)  // Monday, 2026-01-05
#define NOW_NS (INT64_C(1000000) * NS_PER_S)       // the clock is elsewhere
#define HOUR_NS (60 * NS_PER_MINUTE)

static const int64_t timeframes[] = {NS_PER_MINUTE, 5 * NS_PER_MINUTE, HOUR_NS};
static const char *const symbols[] = {"XAUUSD", "BTCUSDT", "EURUSD"};

static void sim_create(struct hub_log *l, const char *text, struct hub_config config) {
  struct err err;
  config.now_ns = NOW_NS;
  hub_log_create(l, config);
  if (hub_feed_add(l->hub, "sim", text, &err) != OK) fail_msg("%s", err.msg);
}

// What the feed itself says of a stretch, aggregated by market/aggregate: the yardstick.
static struct series yardstick(const char *symbol, int64_t timeframe_ns, int64_t from_ns, int64_t to_ns) {
  struct err err;
  struct feed f;
  struct series s;
  struct feed_sim_config config = {.seed = 7, .start_ns = START_NS};
  feed_pace_init(&config.pace, FEED_SPEED_ONE, 0, START_NS);
  assert_int_equal(feed_sim_create(&config, &f, &err), OK);
  assert_int_equal(feed_history(f, symbol, timeframe_ns, from_ns, to_ns, &s, &err), OK);
  feed_destroy(f);
  return s;
}

static void assert_equal_instants(const struct hub_log *a, const struct hub_log *b) {
  const size_t n = a->count < b->count ? a->count : b->count;
  for (size_t i = 0; i < n; i++) {
    const struct hub_instant *x = a->instants[i], *y = b->instants[i];
    assert_true(x->now_ns == y->now_ns && x->count == y->count);
    for (size_t k = 0; k < x->count; k++) {
      assert_int_equal(x->bars[k].series, y->bars[k].series);
      assert_same_bars(&x->bars[k].bar, &y->bars[k].bar, 1);
    }
  }
}

// ---- order and completeness

static void test_instants_whatever_the_polls(void **state) {
  (void)state;
  struct hub_log even, wild;
  sim_create(&even, "sim:seed=7,speed=600,from=2026-01-05", (struct hub_config){0});
  sim_create(&wild, "sim:seed=7,speed=600,from=2026-01-05", (struct hub_config){.poll_events = 3});
  uint32_t ids[3][3];
  for (int s = 0; s < 3; s++)
    for (int t = 0; t < 3; t++) {
      ids[s][t] = hub_log_want(&even, "sim", symbols[s], timeframes[t]);
      assert_int_equal(hub_log_want(&wild, "sim", symbols[s], timeframes[t]), ids[s][t]);
    }
  const int64_t end_ns = NOW_NS + 2 * NS_PER_DAY / 600;
  for (int64_t t = NOW_NS; t < end_ns; t = hub_log_poll(&even, t)) continue;  // as a timer would
  hub_log_poll(&even, end_ns);
  uint64_t random = 88172645463325252;
  for (int64_t t = NOW_NS; t < end_ns; t += (int64_t)(hub_random(&random) % (20 * NS_PER_S))) {
    (void)hub_poll(wild.hub, t);
    if (hub_random(&random) % 8 == 0) (void)hub_poll(wild.hub, t - NS_PER_S);  // a clock that goes back
  }
  hub_log_poll(&wild, end_ns);
  assert_true(even.count > 2 * 1440 - 100);
  assert_int_equal(even.count, wild.count);
  assert_int_equal(even.count, even.recorded);
  assert_equal_instants(&even, &wild);
  for (int s = 0; s < 3; s++)
    for (int t = 0; t < 3; t++) {
      struct series came = hub_log_bars(&even, ids[s][t]), should = yardstick(symbols[s], timeframes[t], START_NS, START_NS + 2 * NS_PER_DAY);
      assert_true(should.count > 40);
      assert_int_equal(came.count, should.count);
      assert_same_bars(came.bars, should.bars, should.count);
      series_finish(&came);
      series_finish(&should);
    }
  struct hub_venue_status status;
  hub_venue_status(even.hub, 0, &status);
  assert_int_equal(status.symbols, 3);
  assert_int_equal(status.series, 9);
  assert_int_equal(status.instants, even.count);
  assert_true(status.time_ns == START_NS + 2 * NS_PER_DAY);
  assert_int_equal(status.notes[LIVE_LATE] + status.notes[LIVE_DUPLICATE] + status.notes[HUB_NOTE_FAILED], 0);
  hub_log_finish(&even);
  hub_log_finish(&wild);
}

// Of trades the same bars are made as the market says itself.
static void test_bars_of_trades(void **state) {
  (void)state;
  struct hub_log l;
  sim_create(&l, "sim:seed=7,speed=600,from=2026-01-05T00:00:30Z,ticks=1", (struct hub_config){0});
  const uint32_t minute = hub_log_want(&l, "sim", "BTCUSDT", NS_PER_MINUTE), hour = hub_log_want(&l, "sim", "BTCUSDT", HOUR_NS);
  const int64_t end_ns = NOW_NS + NS_PER_DAY / 4 / 600;
  for (int64_t t = NOW_NS; t < end_ns; t = hub_log_poll(&l, t)) continue;
  hub_log_poll(&l, end_ns);
  price px;
  int64_t time_ns;
  assert_true(hub_last_price(l.hub, "sim", "BTCUSDT", &px, &time_ns));
  for (int i = 0; i < 2; i++) {
    const int64_t timeframe_ns = i ? HOUR_NS : NS_PER_MINUTE;
    struct series came = hub_log_bars(&l, i ? hour : minute), should = yardstick("BTCUSDT", timeframe_ns, START_NS, START_NS + NS_PER_DAY / 4);
    assert_true(came.count > 4 && came.count <= should.count && came.count + 1 >= should.count);
    assert_same_bars(came.bars, should.bars, came.count);
    series_finish(&came);
    series_finish(&should);
  }
  hub_log_finish(&l);
}

// ---- history and live together

static void check_seam(struct hub_log *l, uint32_t id, const char *symbol, int64_t timeframe_ns, const struct series *history, int64_t to_ns) {
  struct series came = hub_log_bars(l, id), should;
  assert_true(history->count > 0);
  should = yardstick(symbol, timeframe_ns, history->bars[0].open_ns, to_ns + timeframe_ns);
  while (should.count > 0 && should.bars[should.count - 1].open_ns + timeframe_ns > l->last_ns[0]) should.count--;
  if (history->count + came.count != should.count)
    fail_msg("%zu bars of history and %zu live ones, should be %zu", history->count, came.count, should.count);
  assert_same_bars(history->bars, should.bars, history->count);
  assert_same_bars(came.bars, should.bars + history->count, came.count);
  series_finish(&came);
  series_finish(&should);
}

// Whenever a series is wanted, history ends where live begins.
static void test_no_seam(void **state) {
  (void)state;
  uint64_t random = 0x9E3779B97F4A7C15;
  size_t seams = 0, live = 0;
  for (int round = 0; round < 12; round++) {
    struct hub_log l;
    sim_create(&l, "sim:seed=7,speed=600,from=2026-01-05", (struct hub_config){.memory_bars = round % 2 ? 16 : 0});
    int64_t now_ns = NOW_NS;
    struct {
      uint32_t id;
      const char *symbol;
      int64_t timeframe_ns;
      struct series history;
    } wanted[6];
    for (int i = 0; i < 6; i++) {
      const int64_t until_ns = now_ns + (int64_t)(hub_random(&random) % (30 * NS_PER_S));
      while (now_ns < until_ns) now_ns += 1 + (int64_t)(hub_random(&random) % (2 * NS_PER_S)), (void)hub_log_poll(&l, now_ns);
      wanted[i].symbol = symbols[hub_random(&random) % 3];
      wanted[i].timeframe_ns = i % 2 ? timeframes[hub_random(&random) % 3] : 15 * NS_PER_MINUTE;
      const uint32_t id = wanted[i].id = hub_log_want(&l, "sim", wanted[i].symbol, wanted[i].timeframe_ns);
      struct err err;
      assert_int_equal(hub_history(l.hub, id, 30, INT64_MAX, &wanted[i].history, &err), OK);
      assert_int_equal(wanted[i].history.count, 30);
      for (int k = 0; k < i; k++)
        if (wanted[k].id == id) wanted[i].symbol = NULL;  // wanted before; its seam is checked there
    }
    const int64_t end_ns = now_ns + 60 * NS_PER_S;
    for (int64_t t = now_ns; t < end_ns; t = hub_log_poll(&l, t)) continue;
    hub_log_poll(&l, end_ns);
    for (int i = 0; i < 6; i++) {
      if (wanted[i].symbol) {
        struct hub_venue_status status;
        hub_venue_status(l.hub, 0, &status);
        check_seam(&l, wanted[i].id, wanted[i].symbol, wanted[i].timeframe_ns, &wanted[i].history, status.time_ns);
        seams++;
      }
      series_finish(&wanted[i].history);
    }
    live += l.count;
    hub_log_finish(&l);
  }
  assert_true(seams > 40 && live > 1000);
}

// Outages in which a bar of five minutes ends: it comes when it is over and not with the next trade, and who comes in the middle
// finds it in history.
static void test_outages(void **state) {
  (void)state;
  const int64_t timeframe_ns = 5 * NS_PER_MINUTE;
  int found = 0;
  for (int s = 0; s < 3; s++) {
    struct series fine = yardstick(symbols[s], NS_PER_MINUTE, START_NS, START_NS + 6 * NS_PER_DAY);
    for (size_t i = 50; i + 1 < fine.count; i++) {
      const int64_t begin_ns = fine.bars[i].open_ns + NS_PER_MINUTE, end_ns = fine.bars[i + 1].open_ns;
      const int64_t close_ns = timeframe_floor(begin_ns, timeframe_ns) + timeframe_ns;
      if (begin_ns == close_ns - timeframe_ns || close_ns >= end_ns) continue;  // no gap, or none over a bar's end
      found++;
      char text[80], from[TIME_TEXT_MAX];
      struct hub_log l;
      struct series history;
      struct err err;
      // who saw it coming
      snprintf(text, sizeof text, "sim:seed=7,speed=60,from=%s", time_text(close_ns - 8 * NS_PER_MINUTE, from));
      sim_create(&l, text, (struct hub_config){0});
      const uint32_t early = hub_log_want(&l, "sim", symbols[s], timeframe_ns);
      assert_int_equal(hub_history(l.hub, early, 10, INT64_MAX, &history, &err), OK);
      for (int64_t t = NOW_NS; t <= NOW_NS + 8 * NS_PER_S; t = hub_log_poll(&l, t)) continue;
      assert_true(l.count > 0 && l.instants[l.count - 1]->now_ns == close_ns);
      for (int64_t t = NOW_NS + 8 * NS_PER_S; t <= NOW_NS + 60 * NS_PER_S; t = hub_log_poll(&l, t)) continue;
      check_seam(&l, early, symbols[s], timeframe_ns, &history, START_NS + 7 * NS_PER_DAY);
      series_finish(&history);
      assert_true(l.notes[HUB_NOTE_HOLES] > 0);
      hub_log_finish(&l);
      // who came in its middle
      snprintf(text, sizeof text, "sim:seed=7,speed=60,from=%s", time_text(close_ns + 20 * NS_PER_S, from));
      sim_create(&l, text, (struct hub_config){0});
      const uint32_t late = hub_log_want(&l, "sim", symbols[s], timeframe_ns);
      assert_int_equal(hub_history(l.hub, late, 10, INT64_MAX, &history, &err), OK);
      assert_true(history.bars[9].open_ns + timeframe_ns == close_ns);
      for (int64_t t = NOW_NS; t <= NOW_NS + 60 * NS_PER_S; t = hub_log_poll(&l, t)) continue;
      check_seam(&l, late, symbols[s], timeframe_ns, &history, START_NS + 7 * NS_PER_DAY);
      series_finish(&history);
      hub_log_finish(&l);
    }
    series_finish(&fine);
  }
  assert_true(found > 3);
}

// The same bars whatever the memory holds, and however far back; and those of a time in the past.
static void test_history(void **state) {
  (void)state;
  struct hub_log l;
  struct err err;
  struct series a, b;
  sim_create(&l, "sim:seed=7,speed=600,from=2026-01-05", (struct hub_config){.memory_bars = 64});
  const uint32_t id = hub_log_want(&l, "sim", "EURUSD", 5 * NS_PER_MINUTE);
  for (int64_t t = NOW_NS, end_ns = NOW_NS + 144 * NS_PER_S; t < end_ns; t = hub_log_poll(&l, t)) continue;
  const int64_t time_ns = hub_live_from(l.hub, id);
  for (size_t n = 1; n <= 2000; n = n * 3 + 1) {
    assert_int_equal(hub_history(l.hub, id, n, INT64_MAX, &a, &err), OK);
    assert_int_equal(a.count, n);
    b = yardstick("EURUSD", 5 * NS_PER_MINUTE, a.bars[0].open_ns, time_ns);
    assert_int_equal(b.count, n);
    assert_same_bars(a.bars, b.bars, n);
    series_finish(&a);
    series_finish(&b);
    const int64_t past_ns = time_ns - (int64_t)n * 7 * NS_PER_MINUTE;
    assert_int_equal(hub_history(l.hub, id, n, past_ns, &a, &err), OK);
    assert_int_equal(a.count, n);
    assert_true(a.bars[n - 1].open_ns + 5 * NS_PER_MINUTE <= past_ns);
    b = yardstick("EURUSD", 5 * NS_PER_MINUTE, a.bars[0].open_ns, past_ns);
    assert_same_bars(a.bars, b.bars, n);
    assert_true(b.count == n);
    series_finish(&a);
    series_finish(&b);
    assert_int_equal(hub_history_since(l.hub, id, past_ns, &a, &err), OK);
    b = yardstick("EURUSD", 5 * NS_PER_MINUTE, past_ns - 5 * NS_PER_MINUTE + 1, time_ns);
    assert_int_equal(a.count, b.count);
    assert_same_bars(a.bars, b.bars, b.count);
    series_finish(&a);
    series_finish(&b);
  }
  assert_int_equal(hub_history_since(l.hub, id, time_ns, &a, &err), OK);
  assert_int_equal(a.count, 0);
  series_finish(&a);
  assert_int_equal(hub_history(l.hub, id, HUB_HISTORY_MAX + 1, INT64_MAX, &a, &err), ERR_LIMIT);
  assert_int_equal(hub_history(l.hub, 99, 1, INT64_MAX, &a, &err), ERR_NOTFOUND);
  hub_log_finish(&l);
}

// A restart goes on where the market was left; what a running market has had since is history.
// A history that is made aside, in pieces, has the same bars as one made at once; whoever does not want it any more says so.
static bool is_wanted(void *self, unsigned permille) {
  unsigned *last = self;
  assert_true(permille < 1000 && (permille == 0 || permille > *last));
  *last = permille;
  return permille < 700 || last[1] == 0;
}
static void test_made_aside(void **state) {
  (void)state;
  struct hub_log l;
  struct err err;
  struct hub_ahead a;
  unsigned last[2] = {0, 0};
  sim_create(&l, "sim:seed=7,speed=600,from=2026-01-05", (struct hub_config){.memory_bars = 64});
  for (int64_t timeframe_ns = NS_PER_MINUTE; timeframe_ns <= NS_PER_DAY; timeframe_ns *= timeframe_ns == NS_PER_MINUTE ? 60 : 24) {
    const size_t bars = (size_t)(40000 * NS_PER_MINUTE / timeframe_ns);
    assert_true(hub_ahead_wanted(l.hub, "sim", "EURUSD", timeframe_ns, bars, &a));
    assert_int_equal(hub_ahead_make(&a, is_wanted, last, &err), OK);
    struct series whole = yardstick("EURUSD", timeframe_ns, a.from_ns, a.to_ns);
    assert_int_equal(a.bars.count, whole.count);
    assert_same_bars(a.bars.bars, whole.bars, whole.count);
    series_finish(&whole);
    hub_ahead_take(l.hub, &a);
  }
  assert_true(hub_ahead_wanted(l.hub, "sim", "BTCUSDT", NS_PER_MINUTE, 40000, &a));
  last[1] = 1;
  assert_int_equal(hub_ahead_make(&a, is_wanted, last, &err), ERR_CANCELLED);
  assert_true(last[0] >= 700 && last[0] < 800 && a.bars.bars == NULL);
  hub_log_finish(&l);
}

static void test_resume(void **state) {
  (void)state;
  struct hub_log l;
  struct err err;
  sim_create(&l, "sim:seed=7,speed=60", (struct hub_config){0});
  const int64_t recorded_ns = NOW_NS / NS_PER_MINUTE * NS_PER_MINUTE + 3 * NS_PER_DAY;  // far ahead of the clock
  hub_feed_resume(l.hub, "sim", recorded_ns);
  hub_feed_resume(l.hub, "sim", recorded_ns - NS_PER_DAY);
  hub_feed_resume(l.hub, "other", recorded_ns);
  const uint32_t id = hub_log_want(&l, "sim", "BTCUSDT", NS_PER_MINUTE);
  assert_true(hub_live_from(l.hub, id) == recorded_ns);
  hub_log_poll(&l, NOW_NS + 10 * NS_PER_S);
  assert_int_equal(l.count, 10);
  assert_true(l.instants[0]->now_ns == recorded_ns + NS_PER_MINUTE);
  hub_log_finish(&l);

  sim_create(&l, "sim:seed=7", (struct hub_config){0});
  const int64_t down_ns = NOW_NS / NS_PER_MINUTE * NS_PER_MINUTE - 90 * NS_PER_MINUTE;
  hub_feed_resume(l.hub, "sim", down_ns);
  const uint32_t again = hub_log_want(&l, "sim", "BTCUSDT", NS_PER_MINUTE);
  struct series missed;
  assert_int_equal(hub_history_since(l.hub, again, down_ns, &missed, &err), OK);
  assert_int_equal(missed.count, 90);
  assert_true(missed.bars[0].open_ns == down_ns);
  hub_log_poll(&l, NOW_NS + 2 * NS_PER_MINUTE);
  assert_true(l.count == 2 && l.instants[0]->bars[0].bar.open_ns == missed.bars[89].open_ns + NS_PER_MINUTE);
  series_finish(&missed);
  hub_log_finish(&l);
}

// ---- who wants what

static void test_want_and_drop(void **state) {
  (void)state;
  struct hub_log l;
  struct err err;
  uint32_t id;
  sim_create(&l, "sim:seed=7,speed=60,from=2026-01-05", (struct hub_config){0});
  const uint32_t a = hub_log_want(&l, "sim", "BTCUSDT", NS_PER_MINUTE);
  assert_int_equal(hub_log_want(&l, "sim", "BTCUSDT", NS_PER_MINUTE), a);
  const uint32_t b = hub_log_want(&l, "sim", "BTCUSDT", HOUR_NS), c = hub_log_want(&l, "sim", "EURUSD", NS_PER_MINUTE);
  assert_true(a != b && b != c && a != c);
  assert_string_equal(hub_series(l.hub, c)->inst.symbol, "EURUSD");
  assert_int_equal(hub_series(l.hub, b)->timeframe_ns, HOUR_NS);
  hub_log_poll(&l, NOW_NS + 5 * NS_PER_S);
  assert_int_equal(l.count, 5);
  hub_drop(l.hub, a);  // still wanted once
  hub_log_poll(&l, NOW_NS + 6 * NS_PER_S);
  assert_int_equal(l.instants[5]->count, 2);
  l.drop = c;  // inside the sink, the symbol's last
  hub_log_poll(&l, NOW_NS + 10 * NS_PER_S);
  assert_int_equal(l.instants[6]->count, 2);
  assert_int_equal(l.instants[7]->count, 1);
  assert_null(hub_series(l.hub, c));
  price px;
  int64_t time_ns;
  assert_false(hub_last_price(l.hub, "sim", "EURUSD", &px, &time_ns));
  assert_true(hub_series_last_price(l.hub, a, &px, &time_ns));
  assert_int_equal(px.ticks, l.instants[9]->bars[0].bar.close.ticks);
  assert_true(time_ns == l.instants[9]->now_ns);
  const uint32_t again = hub_log_want(&l, "sim", "EURUSD", NS_PER_MINUTE);
  assert_true(again > c);  // never again the same
  hub_drop(l.hub, a);
  hub_drop(l.hub, b);
  hub_drop(l.hub, again);
  // Nobody wants anything for a day; who comes then begins at that time, not where the last left off.
  hub_log_forget(&l);
  hub_log_poll(&l, NOW_NS + 20 * NS_PER_S);
  hub_log_poll(&l, NOW_NS + 1440 * NS_PER_S);
  const uint32_t late = hub_log_want(&l, "sim", "EURUSD", NS_PER_MINUTE);
  assert_true(hub_live_from(l.hub, late) == START_NS + NS_PER_DAY);
  hub_log_poll(&l, NOW_NS + 1443 * NS_PER_S);
  assert_true(l.count == 3 && l.instants[0]->now_ns == START_NS + NS_PER_DAY + NS_PER_MINUTE);

  assert_int_equal(hub_want(l.hub, "sim", "DOGE", NS_PER_MINUTE, &id, &err), ERR_NOTFOUND);
  assert_non_null(strstr(err.msg, "BTCUSDT"));
  assert_int_equal(hub_want(l.hub, "sin", "EURUSD", NS_PER_MINUTE, &id, &err), ERR_NOTFOUND);
  assert_non_null(strstr(err.msg, "there is sim"));
  assert_int_equal(hub_want(l.hub, "sim", "EURUSD", 30 * NS_PER_S, &id, &err), ERR_INVALID);
  assert_int_equal(hub_want(l.hub, "sim", "GBPUSD", 90 * NS_PER_S, &id, &err), ERR_INVALID);
  assert_int_equal(hub_want(l.hub, "sim", "GBPUSD", 100 * NS_PER_DAY, &id, &err), ERR_INVALID);
  assert_int_equal(hub_want(l.hub, "sim", "EURUSD", 100 * NS_PER_DAY, &id, &err), ERR_INVALID);
  hub_log_finish(&l);
}

// Many come and go: nothing that is still wanted is disturbed.
static void test_churn(void **state) {
  (void)state;
  struct hub_log l;
  uint64_t random = 1234567;
  sim_create(&l, "sim:seed=7,speed=600,from=2026-01-05", (struct hub_config){.poll_events = 7});
  const uint32_t stays = hub_log_want(&l, "sim", "BTCUSDT", 5 * NS_PER_MINUTE);
  uint32_t held[32];
  int count = 0;
  int64_t now_ns = NOW_NS;
  for (int i = 0; i < 4000; i++) {
    if (count < 32 && hub_random(&random) % 2) {
      held[count++] = hub_log_want(&l, "sim", symbols[hub_random(&random) % 3], timeframes[hub_random(&random) % 3]);
    } else if (count > 0) {
      const int at = (int)(hub_random(&random) % (uint64_t)count);
      const uint32_t id = held[at];
      held[at] = held[--count];
      hub_drop(l.hub, id);
    }
    now_ns += (int64_t)(hub_random(&random) % (NS_PER_S / 5));
    (void)hub_poll(l.hub, now_ns);
  }
  hub_log_poll(&l, now_ns);
  struct series came = hub_log_bars(&l, stays), should = yardstick("BTCUSDT", 5 * NS_PER_MINUTE, START_NS, hub_live_from(l.hub, stays));
  assert_true(came.count > 500);
  assert_int_equal(came.count, should.count);
  assert_same_bars(came.bars, should.bars, should.count);
  series_finish(&came);
  series_finish(&should);
  hub_log_finish(&l);
}

// Pages for people, of series that somebody wants and of others.
static void test_read(void **state) {
  (void)state;
  struct hub_log l;
  struct err err;
  struct series page, should;
  int64_t next_ns;
  sim_create(&l, "sim:seed=7,speed=600,from=2026-01-05", (struct hub_config){0});
  const uint32_t id = hub_log_want(&l, "sim", "EURUSD", 5 * NS_PER_MINUTE);
  for (int64_t t = NOW_NS; t < NOW_NS + 144 * NS_PER_S; t = hub_log_poll(&l, t)) continue;
  const int64_t time_ns = hub_live_from(l.hub, id), from_ns = START_NS - NS_PER_DAY + 7, to_ns = START_NS + NS_PER_DAY / 3;
  for (int i = 0; i < 4; i++) {
    struct hub_read r = {"sim", i % 2 ? "EURUSD" : "BTCUSDT", i < 2 ? 5 * NS_PER_MINUTE : HOUR_NS, i % 2 ? from_ns : from_ns - 7, i == 3 ? INT64_MAX : to_ns, 37};
    should = yardstick(r.symbol, r.timeframe_ns, r.from_ns, i == 3 ? time_ns : to_ns + 2 * HOUR_NS);
    while (should.count > 0 && should.bars[should.count - 1].open_ns >= r.to_ns) should.count--;
    size_t at = 0;
    do {
      assert_int_equal(hub_read(l.hub, &r, &page, &next_ns, &err), OK);
      assert_true(page.count <= 37 && at + page.count <= should.count);
      assert_same_bars(page.bars, should.bars + at, page.count);
      at += page.count;
      r.from_ns = next_ns;
      series_finish(&page);
    } while (next_ns != INT64_MAX);
    assert_int_equal(at, should.count);
    r.from_ns = INT64_MIN;
    assert_int_equal(hub_read(l.hub, &r, &page, &next_ns, &err), OK);
    assert_int_equal(page.count, 37);
    const size_t n = should.count < 37 ? should.count : 37;
    assert_same_bars(page.bars + 37 - n, should.bars + should.count - n, n);
    series_finish(&page);
    series_finish(&should);
  }
  struct hub_read dear = {"sim", "EURUSD", NS_PER_DAY, INT64_MIN, INT64_MAX, 5000};
  assert_int_equal(hub_read(l.hub, &dear, &page, &next_ns, &err), OK);
  assert_int_equal(page.count, HUB_READ_FINEST / 1440 + 1);
  series_finish(&page);
  dear.from_ns = START_NS + 400 * NS_PER_DAY;  // what is yet to come
  assert_int_equal(hub_read(l.hub, &dear, &page, &next_ns, &err), OK);
  assert_true(page.count == 0 && next_ns == INT64_MAX);
  series_finish(&page);
  dear.timeframe_ns = 90 * NS_PER_S;
  assert_int_equal(hub_read(l.hub, &dear, &page, &next_ns, &err), ERR_INVALID);
  dear.symbol = "DOGE";
  assert_int_equal(hub_read(l.hub, &dear, &page, &next_ns, &err), ERR_NOTFOUND);
  dear.venue = "nowhere";
  assert_int_equal(hub_read(l.hub, &dear, &page, &next_ns, &err), ERR_NOTFOUND);
  hub_log_finish(&l);
}

// A market that is as fast as it is asked waits for who is behind.
static void test_behind(void **state) {
  (void)state;
  struct hub_log l;
  sim_create(&l, "sim:seed=7,speed=max,from=2026-01-05", (struct hub_config){.poll_events = 100});
  (void)hub_log_want(&l, "sim", "BTCUSDT", NS_PER_MINUTE);
  l.enough = 250;
  while (hub_poll(l.hub, NOW_NS) == NOW_NS) continue;
  assert_in_range(l.count, 250, 350);  // what was under way still came
  const size_t before = l.count;
  assert_true(hub_poll(l.hub, NOW_NS + NS_PER_S) == NOW_NS + NS_PER_S + HUB_BEHIND_NS);
  assert_int_equal(l.count, before);
  l.enough = 0;
  assert_true(hub_poll(l.hub, NOW_NS + NS_PER_S) == NOW_NS + NS_PER_S);
  assert_true(l.count > before && l.instants[before]->now_ns == l.instants[before - 1]->now_ns + NS_PER_MINUTE);
  hub_log_finish(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_instants_whatever_the_polls), cmocka_unit_test(test_bars_of_trades), cmocka_unit_test(test_no_seam),
    cmocka_unit_test(test_outages),    cmocka_unit_test(test_history), cmocka_unit_test(test_made_aside), cmocka_unit_test(test_resume), cmocka_unit_test(test_want_and_drop),
    cmocka_unit_test(test_churn), cmocka_unit_test(test_behind), cmocka_unit_test(test_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
