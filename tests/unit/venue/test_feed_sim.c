// Tests of the synthetic market: the same for ever, from any moment on, in any pieces; with regimes, gaps and spreads; and of its pace.
#include "venue/feed_sim.h"

#include "feed_log.h"
#include "market/live_bars.h"

#define MINUTE NS_PER_MINUTE
#define HOUR (60 * NS_PER_MINUTE)
#define START (INT64_C(1704067200) * NS_PER_S)  // Monday 2024-01-01

static struct feed make(uint64_t seed, int64_t speed_e3) {
  struct feed_sim_config c = {.seed = seed, .start_ns = START};
  feed_pace_init(&c.pace, speed_e3, 0, START);
  struct feed f;
  assert_int_equal(feed_sim_create(&c, &f, NULL), OK);
  return f;
}

// These numbers may only change together with the release notes: recorded runs on the synthetic market replay by them.
static void check_golden(void **state) {
  (void)state;
  static const struct {
    const char *symbol;
    int64_t minute;
    int64_t open, high, low, close, volume;
  } golden[] = {
      {"BTCUSDT", 0, 656906, 657234, 656906, 657083, 11549},
      {"BTCUSDT", 700, 661804, 662028, 661803, 662028, 15388},
      {"EURUSD", 0, 95309, 95309, 95300, 95303, 44332},
      {"XAUUSD", 1000, 217196, 217205, 217127, 217145, 4964},
  };
  struct feed f = make(1, FEED_SPEED_UNBOUND);
  for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
    struct series s;
    int64_t open_ns = START + golden[i].minute * MINUTE;
    assert_int_equal(feed_history(f, golden[i].symbol, MINUTE, open_ns, open_ns + MINUTE, &s, NULL), OK);
    assert_int_equal(s.count, 1);
    const struct bar *b = s.bars;
    assert_int_equal(b->open_ns, open_ns);
    const int64_t got[] = {b->open.ticks, b->high.ticks, b->low.ticks, b->close.ticks, b->volume};
    const int64_t expect[] = {golden[i].open, golden[i].high, golden[i].low, golden[i].close, golden[i].volume};
    for (int k = 0; k < 5; k++) assert_int_equal(got[k], expect[k]);
    series_finish(&s);
  }
  feed_destroy(f);
}

// Bars polled one after the other equal those of a feed that begins in the middle, of history, and of other piece sizes.
static void check_any_stretch(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 3; seed++) {
    srand((unsigned)seed);
    struct feed f = make(seed, FEED_SPEED_UNBOUND);
    struct feed_log whole, part;
    log_init(&whole);
    int id;
    assert_int_equal(feed_subscribe(f, "BTCUSDT", MINUTE, INT64_MIN, &id, NULL), OK);
    while (whole.count < 3000) log_poll(f, 0, 1 + (size_t)(rand() % 400), &whole);
    assert_int_equal(whole.events[0].u.bar.open_ns, START);
    for (int cut = 0; cut < 20; cut++) {
      size_t from = (size_t)rand() % 2900;
      struct feed g = make(seed, FEED_SPEED_UNBOUND);
      log_init(&part);
      assert_int_equal(feed_subscribe(g, "BTCUSDT", MINUTE, whole.events[from].time_ns, &id, NULL), OK);
      log_poll(g, 0, 50, &part);
      assert_int_equal(part.count, 50);
      for (size_t i = 0; i < part.count; i++) assert_true(events_equal(&part.events[i], &whole.events[from + 1 + i]));
      log_finish(&part);
      feed_destroy(g);
    }
    struct series s;
    int64_t to = whole.events[2999].time_ns;
    assert_int_equal(feed_history(f, "BTCUSDT", MINUTE, START, to, &s, NULL), OK);
    assert_int_equal(s.count, 3000);
    for (size_t i = 0; i < s.count; i++) assert_true(same_bar(&s.bars[i], &whole.events[i].u.bar));
    series_finish(&s);
    log_finish(&whole);
    feed_destroy(f);
  }
}

// Ticks through live_bars are the market's bars, and the higher ones its history.
struct built {
  struct live_bar bars[4000];
  int count;
};
static void built_add(void *self, const struct live_bar *bar) {
  struct built *b = self;
  assert_in_range(b->count, 0, 3999);
  b->bars[b->count++] = *bar;
}
static void check_ticks_make_the_bars(void **state) {
  (void)state;
  static struct built built;
  static const char *const symbols[] = {"ETHUSDT", "XAUUSD"};
  for (int k = 0; k < 2; k++) {
    struct feed f = make(11, 60000);
    struct feed_log log;
    log_init(&log);
    int id;
    assert_int_equal(feed_subscribe(f, symbols[k], 0, INT64_MIN, &id, NULL), OK);
    built.count = 0;
    struct live_bars b;
    struct live_config config = {.source = LIVE_FROM_TRADES, .base_ns = MINUTE, .start_ns = START, .jump_e6 = 0};
    assert_int_equal(live_bars_init(&b, &config, &(struct live_sink){&built, built_add, NULL}, NULL), OK);
    static const int64_t timeframes[] = {MINUTE, 15 * MINUTE, 4 * HOUR};
    for (int i = 0; i < 3; i++) assert_int_equal(live_bars_want(&b, timeframes[i], NULL, 0, NULL), OK);
    size_t at = 0;
    for (int64_t now = 0; now < 1500 * NS_PER_S; now += (1 + rand() % 40) * NS_PER_S) {  // 25 hours at 60 times the speed
      struct feed_progress p = log_poll(f, now, SIZE_MAX, &log);
      for (; at < log.count; at++) {
        const struct feed_event *e = &log.events[at];
        if (e->kind == FEED_QUOTE) assert_int_equal(live_bars_quote(&b, e->time_ns, e->u.quote.bid, e->u.quote.ask), LIVE_TAKEN);
        else assert_int_equal(live_bars_trade(&b, e->time_ns, e->u.trade.px, e->u.trade.volume), LIVE_TAKEN);
      }
      live_bars_complete(&b, p.through_ns);
    }
    for (int i = 0; i < 3; i++) {
      struct series s;
      assert_int_equal(feed_history(f, symbols[k], timeframes[i], START, b.watermark.at_ns, &s, NULL), OK);
      size_t n = 0;
      for (int j = 0; j < built.count; j++)
        if (built.bars[j].timeframe_ns == timeframes[i]) assert_true(n < s.count && same_bar(&built.bars[j].bar, &s.bars[n++]));
      assert_int_equal(n, s.count);
      assert_true(n >= 5);
      series_finish(&s);
    }
    log_finish(&log);
    feed_destroy(f);
  }
}

// What a strategy needs to find: regimes in their shares, outages, spreads that widen, and prices that stay.
static void check_looks_like_a_market(void **state) {
  (void)state;
  struct sim_symbol shipped[FEED_SIM_SHIPPED];
  int count = feed_sim_shipped(MINUTE, shipped);
  for (int i = 0; i < count; i++) {
    struct sim_market m;
    assert_int_equal(sim_market_init(&m, 5, &shipped[i], MINUTE, NULL), OK);
    int regime[SIM_REGIME_COUNT] = {0}, outages = 0, jumps = 0;
    int64_t span[SIM_REGIME_COUNT] = {0};
    for (int64_t block = 0; block < 400; block++) {
      const int64_t t0 = timeframe_floor(START, SIM_BLOCK_BARS * MINUTE) + block * SIM_BLOCK_BARS * MINUTE;
      enum sim_regime r = sim_market_regime(&m, t0);
      assert_int_equal(r, sim_market_regime(&m, t0 + SIM_BLOCK_BARS * MINUTE - 1));
      regime[r]++;
      for (int k = 0; k < SIM_BLOCK_BARS; k += 7) {
        struct sim_tick ticks[SIM_TICKS];
        int64_t open_ns = t0 + k * MINUTE;
        int n = sim_market_ticks(&m, open_ns, ticks);
        struct bar bar;
        assert_int_equal(sim_market_bar(&m, open_ns, &bar), n > 0);
        outages += n == 0;
        for (int j = 0; j < n; j++) {
          assert_true(ticks[j].bid.ticks >= 1 && ticks[j].ask.ticks > ticks[j].bid.ticks);
          assert_true(ticks[j].px.ticks == ticks[j].bid.ticks || ticks[j].px.ticks == ticks[j].ask.ticks);
          assert_true(ticks[j].time_ns > (j ? ticks[j - 1].time_ns : open_ns - 1) && ticks[j].time_ns < open_ns + MINUTE);
          assert_true(ticks[j].volume >= 0 && ticks[j].px.ticks >= bar.low.ticks && ticks[j].px.ticks <= bar.high.ticks);
          if (j == 0 && r == SIM_VOLATILE) assert_true(ticks[j].ask.ticks - ticks[j].bid.ticks == 3 * shipped[i].spread_ticks);
        }
        if (n == 0) continue;
        assert_true(bar.open.ticks == ticks[0].px.ticks && bar.close.ticks == ticks[n - 1].px.ticks);
        assert_true(bar.low.ticks > shipped[i].price_ticks / 4 && bar.high.ticks < shipped[i].price_ticks * 4);
        span[r] += bar.high.ticks - bar.low.ticks;
        jumps += bar.high.ticks - bar.low.ticks > shipped[i].price_ticks * shipped[i].noise_e9 / 1000000000 * 13;
      }
    }
    assert_in_range(regime[SIM_RANGE], 130, 220);
    assert_in_range(regime[SIM_TREND], 105, 195);
    assert_in_range(regime[SIM_VOLATILE], 40, 115);
    assert_true(outages > 5 && outages < 500);
    assert_in_range(jumps, 1, 60);
    assert_true(span[SIM_VOLATILE] / regime[SIM_VOLATILE] > 18 * (span[SIM_RANGE] / regime[SIM_RANGE]) / 10);
  }
}

static void check_seeds_and_symbols_differ(void **state) {
  (void)state;
  struct feed f = make(1, 0), g = make(2, 0);
  struct series a, b, c;
  assert_int_equal(feed_history(f, "BTCUSDT", HOUR, START, START + 200 * HOUR, &a, NULL), OK);
  assert_int_equal(feed_history(g, "BTCUSDT", HOUR, START, START + 200 * HOUR, &b, NULL), OK);
  assert_int_equal(feed_history(f, "ETHUSDT", HOUR, START, START + 200 * HOUR, &c, NULL), OK);
  int same = 0, together = 0;
  for (size_t i = 1; i < 200; i++) {
    same += a.bars[i].close.ticks == b.bars[i].close.ticks;
    together += (a.bars[i].close.ticks > a.bars[i - 1].close.ticks) == (c.bars[i].close.ticks > c.bars[i - 1].close.ticks);
  }
  assert_in_range(same, 0, 3);
  assert_in_range(together, 70, 130);
  series_finish(&a);
  series_finish(&b);
  series_finish(&c);
  feed_destroy(f);
  feed_destroy(g);
}

// Several subscriptions come merged in the one order, whatever the pieces; an unsubscribed one is silent.
static void check_merge(void **state) {
  (void)state;
  struct feed_log one, many;
  int ids[3];
  for (int pass = 0; pass < 2; pass++) {
    struct feed f = make(4, 60 * FEED_SPEED_ONE);
    struct feed_log *l = pass ? &many : &one;
    log_init(l);
    assert_int_equal(feed_subscribe(f, "SOLUSDT", MINUTE, INT64_MIN, &ids[0], NULL), OK);
    assert_int_equal(feed_subscribe(f, "BTCUSDT", MINUTE, INT64_MIN, &ids[1], NULL), OK);
    assert_int_equal(feed_subscribe(f, "EURUSD", 0, INT64_MIN, &ids[2], NULL), OK);
    if (pass == 0) log_poll(f, 600 * NS_PER_S, SIZE_MAX, l);
    for (int64_t now = 0; pass && now <= 600 * NS_PER_S; now += 7 * NS_PER_S + rand() % NS_PER_S) {
      struct feed_progress p;
      do p = log_poll(f, now, 1 + (size_t)(rand() % 5), l);
      while (p.next_ns <= now);
      assert_true(p.next_ns > now && p.next_ns < now + 20 * NS_PER_S);
      assert_int_equal(feed_pace_event_ns(feed_sim_pace(f), now), p.through_ns);
      assert_true(feed_pace_event_ns(feed_sim_pace(f), p.next_ns) > p.through_ns);
    }
    if (pass) log_poll(f, 600 * NS_PER_S, SIZE_MAX, l);
    size_t was = l->count;
    for (int i = 0; i < 3; i++) feed_unsubscribe(f, ids[i]);
    log_poll(f, 700 * NS_PER_S, SIZE_MAX, l);
    assert_int_equal(l->count, was);
    feed_destroy(f);
  }
  assert_int_equal(one.count, many.count);
  assert_true(one.count > 1000 + 16 * 500);
  bool both = false;
  for (size_t i = 0; i < one.count; i++) {
    assert_true(events_equal(&one.events[i], &many.events[i]));
    assert_int_equal(one.events[i].subscription, many.events[i].subscription);
    if (i > 0 && one.events[i].kind == FEED_BAR && one.events[i - 1].kind == FEED_BAR && one.events[i].time_ns == one.events[i - 1].time_ns) {
      both = true;
      assert_int_equal(one.events[i - 1].subscription, ids[1]);  // BTCUSDT before SOLUSDT
    }
  }
  assert_true(both);
  log_finish(&one);
  log_finish(&many);
}

static void check_pace(void **state) {
  (void)state;
  struct feed f = make(1, FEED_SPEED_ONE);
  struct feed_pace *pace = feed_sim_pace(f);
  struct feed_log l;
  log_init(&l);
  int id;
  assert_int_equal(feed_subscribe(f, "BTCUSDT", MINUTE, INT64_MIN, &id, NULL), OK);
  struct feed_progress p = log_poll(f, MINUTE - 1, 10, &l);
  assert_int_equal(l.count, 0);
  assert_int_equal(p.next_ns, MINUTE);
  p = log_poll(f, MINUTE, 10, &l);
  assert_int_equal(l.count, 1);
  assert_int_equal(p.next_ns, 2 * MINUTE);
  feed_pace_pause(pace, MINUTE + 30 * NS_PER_S);
  p = log_poll(f, 10 * MINUTE, 10, &l);
  assert_int_equal(l.count, 1);
  assert_int_equal(p.next_ns, INT64_MAX);
  feed_pace_step(pace, 10 * MINUTE, 2);
  log_poll(f, 10 * MINUTE, 10, &l);
  assert_int_equal(l.count, 3);
  log_poll(f, 11 * MINUTE, 10, &l);
  assert_int_equal(l.count, 3);
  feed_pace_resume(pace, 12 * MINUTE);  // goes on from the step's time
  p = log_poll(f, 12 * MINUTE, 10, &l);
  assert_int_equal(l.count, 3);
  assert_int_equal(p.next_ns, 13 * MINUTE);
  feed_pace_speed(pace, 12 * MINUTE, 10 * FEED_SPEED_ONE);
  log_poll(f, 13 * MINUTE, 100, &l);
  assert_int_equal(l.count, 13);
  log_poll(f, 5 * MINUTE, 100, &l);  // a clock that goes back
  assert_int_equal(l.count, 13);
  feed_pace_speed(pace, 13 * MINUTE, FEED_SPEED_UNBOUND);
  p = log_poll(f, 13 * MINUTE, 100, &l);
  assert_int_equal(l.count, 113);
  assert_int_equal(p.next_ns, 13 * MINUTE);
  feed_pace_speed(pace, 14 * MINUTE, FEED_SPEED_ONE);  // from where the last event left it
  p = log_poll(f, 14 * MINUTE, 100, &l);
  assert_int_equal(l.count, 113);
  assert_int_equal(p.next_ns, 15 * MINUTE);
  // at any speed, the first moment at which an event is due is told exactly
  for (int i = 0; i < 1000; i++) {
    struct feed_pace some;
    int64_t now = rand(), event = START + rand();
    feed_pace_init(&some, 1 + rand() % 5000, now, START);
    int64_t due = feed_pace_now_ns(&some, event);
    assert_true(feed_pace_event_ns(&some, due) >= event && (due == now || feed_pace_event_ns(&some, due - 1) < event));
    assert_int_equal(feed_pace_event_ns(&some, now - 1 - rand()), START);
  }
  // far away numbers do not overflow
  feed_pace_speed(pace, 15 * MINUTE, FEED_SPEED_MAX);
  assert_int_equal(feed_pace_event_ns(pace, INT64_MAX), INT64_MAX);
  assert_int_equal(feed_pace_now_ns(pace, INT64_MAX - 1) > 15 * MINUTE, true);
  log_finish(&l);
  feed_destroy(f);
}

static void check_end_and_refusals(void **state) {
  (void)state;
  struct err err;
  struct feed f;
  int id;
  struct feed_sim_config c = {.seed = 1, .start_ns = START, .end_ns = START + 10 * MINUTE};
  assert_int_equal(feed_sim_create(&c, &f, NULL), OK);
  struct feed_log l;
  log_init(&l);
  assert_int_equal(feed_subscribe(f, "BTCUSDT", MINUTE, INT64_MIN, &id, NULL), OK);
  struct feed_progress p = log_poll(f, 0, 1000, &l);
  assert_true(p.ended);
  assert_int_equal(l.count, 10);
  assert_int_equal(p.through_ns, START + 10 * MINUTE);
  log_poll(f, 0, 1000, &l);
  assert_int_equal(l.notes[FEED_NOTE_END], 1);
  log_finish(&l);
  assert_int_equal(feed_subscribe(f, "NOPE", MINUTE, 0, &id, &err), ERR_NOTFOUND);
  assert_non_null(strstr(err.msg, "BTCUSDT"));
  assert_int_equal(feed_subscribe(f, "BTCUSDT", 2 * MINUTE, 0, &id, &err), ERR_INVALID);
  struct series s;
  assert_int_equal(feed_history(f, "BTCUSDT", 90 * NS_PER_S, 0, START, &s, &err), ERR_INVALID);
  assert_int_equal(feed_history(f, "BTCUSDT", MINUTE, 0, START, &s, &err), ERR_LIMIT);
  assert_int_equal(feed_history(f, "BTCUSDT", MINUTE, START, START, &s, &err), OK);
  assert_int_equal(s.count, 0);
  series_finish(&s);
  struct feed_symbol about;
  assert_int_equal(feed_describe(f, "EURUSD", &about, &err), OK);
  assert_int_equal(about.timeframe_ns, MINUTE);
  assert_true(about.ticks && about.inst.tick.scale == 5);
  feed_destroy(f);
  struct sim_symbol good = {"A", {1, 2}, {1, 2}, 10000, 100000, 2, 1000, 0}, two[2] = {good, good};
  c = (struct feed_sim_config){.symbols = two, .count = 2};
  assert_int_equal(feed_sim_create(&c, &f, &err), ERR_INVALID);
  for (int i = 0; i < 8; i++) {
    struct sim_symbol bad = good;
    *(i == 0 ? &bad.price_ticks : i == 1 ? &bad.noise_e9 : i == 2 ? &bad.spread_ticks : &bad.volume) = -1;
    if (i == 4) bad = good, bad.outages_per_mille = 1001;
    if (i == 5) bad = good, bad.symbol = "";
    if (i == 6) bad = good, bad.tick.digits = 0;
    if (i == 7) bad = good, bad.noise_e9 = 20000001;
    c = (struct feed_sim_config){.symbols = &bad, .count = 1};
    assert_int_equal(feed_sim_create(&c, &f, &err), ERR_INVALID);
  }
  c = (struct feed_sim_config){.bar_ns = 7 * NS_PER_S};
  assert_int_equal(feed_sim_create(&c, &f, &err), ERR_INVALID);
  // the wildest and the calmest symbol stay within their numbers
  for (int i = 0; i < 2; i++) {
    struct sim_symbol s1 = good;
    s1.noise_e9 = i ? 20000000 : 1;
    s1.price_ticks = i ? INT64_C(1) << 50 : 20;
    s1.spread_ticks = i ? s1.price_ticks / 10 : 1;
    s1.volume = INT64_C(1) << 50;
    struct sim_market m;
    assert_int_equal(sim_market_init(&m, UINT64_MAX, &s1, i ? NS_PER_S : NS_PER_DAY, NULL), OK);
    for (int64_t k = 0; k < 300; k++) {
      struct bar bar;
      if (sim_market_bar(&m, k * m.bar_ns * 90, &bar)) assert_true(bar.low.ticks >= 1 && bar.high.ticks < INT64_MAX / 4 && bar.volume >= 0);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_golden), cmocka_unit_test(check_any_stretch), cmocka_unit_test(check_ticks_make_the_bars),
      cmocka_unit_test(check_looks_like_a_market), cmocka_unit_test(check_seeds_and_symbols_differ), cmocka_unit_test(check_merge),
      cmocka_unit_test(check_pace), cmocka_unit_test(check_end_and_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
