// From feeds to the order of delivery, as a live hub does it: several symbols whose streams run at their own pace, bars built for all, given
// out instant by instant – and compared with what a backtest makes of the same minutes.
#include "feed_log.h"
#include "market/bar_queue.h"
#include "venue/feed_sim.h"

#define MINUTE NS_PER_MINUTE
#define START (INT64_C(1704067200) * NS_PER_S)
#define END (START + 12 * 60 * MINUTE)
#define SYMBOLS 3

static const char *const names[SYMBOLS] = {"SOLUSDT", "BTCUSDT", "XAUUSD"};
static const int64_t timeframes[] = {MINUTE, 5 * MINUTE, 60 * MINUTE, 240 * MINUTE};
#define TIMEFRAMES 4

struct hub {
  struct bar_queue queue;
  struct live_bars live[SYMBOLS];
  struct inlet {
    struct hub *hub;
    int symbol;
  } inlets[SYMBOLS];
  struct queued_bar out[8000];
  int count;
};

static void bar_done(void *self, const struct live_bar *bar) {
  struct inlet *in = self;
  assert_int_equal(bar_queue_push(&in->hub->queue, in->symbol, names[in->symbol], bar, NULL), OK);
}

static void hub_release(struct hub *h) {
  int64_t through = INT64_MAX;
  for (int s = 0; s < SYMBOLS; s++)
    if (h->live[s].watermark.at_ns < through) through = h->live[s].watermark.at_ns;
  while (bar_queue_pop(&h->queue, through, &h->out[h->count])) assert_in_range(++h->count, 1, 7999);
}

static int compare_queued(const void *a, const void *b) {
  const struct queued_bar *x = a, *y = b;
  return bar_key_compare(&(struct bar_key){x->bar.close_ns, x->bar.timeframe_ns, x->name}, &(struct bar_key){y->bar.close_ns, y->bar.timeframe_ns, y->name});
}

// What a backtest knows by END: series_aggregate of the minutes, in the order of rule 19.
static int expected(struct feed f, struct queued_bar *ret) {
  int count = 0;
  for (int s = 0; s < SYMBOLS; s++)
    for (int k = 0; k < TIMEFRAMES; k++) {
      struct series bars;
      assert_int_equal(feed_history(f, names[s], timeframes[k], START, END, &bars, NULL), OK);
      for (size_t i = 0; i < bars.count; i++)
        ret[count++] = (struct queued_bar){s, names[s], {.timeframe_ns = timeframes[k], .close_ns = bars.bars[i].open_ns + timeframes[k], .bar = bars.bars[i]}};
      series_finish(&bars);
    }
  qsort(ret, (size_t)count, sizeof *ret, compare_queued);
  return count;
}

static void check_hub(void **state) {
  (void)state;
  static struct hub hub;
  static struct queued_bar expect[8000];
  for (unsigned seed = 1; seed <= 8; seed++) {
    srand(seed);
    struct feed_sim_config c = {.seed = seed, .start_ns = START, .end_ns = END};
    struct feed f;
    assert_int_equal(feed_sim_create(&c, &f, NULL), OK);
    // odd: bars of a minute; even: trades
    const bool ticks = seed % 2 == 0;
    struct feed_log streams[SYMBOLS];
    size_t at[SYMBOLS] = {0};
    hub = (struct hub){.count = 0};
    bar_queue_init(&hub.queue, 8000);
    for (int s = 0; s < SYMBOLS; s++) {
      log_init(&streams[s]);
      int id;
      assert_int_equal(feed_subscribe(f, names[s], ticks ? 0 : MINUTE, INT64_MIN, &id, NULL), OK);
      feed_pace_init(feed_sim_pace(f), FEED_SPEED_UNBOUND, 0, START);
      struct feed_progress p;
      do p = log_poll(f, 0, 1000, &streams[s]);
      while (!p.ended);
      feed_unsubscribe(f, id);
      hub.inlets[s] = (struct inlet){&hub, s};
      struct live_config config = {.source = ticks ? LIVE_FROM_TRADES : LIVE_FROM_BARS, .base_ns = MINUTE, .start_ns = START};
      assert_int_equal(live_bars_init(&hub.live[s], &config, &(struct live_sink){&hub.inlets[s], bar_done, NULL}, NULL), OK);
      for (int k = 0; k < TIMEFRAMES; k++) assert_int_equal(live_bars_want(&hub.live[s], timeframes[k], NULL, 0, NULL), OK);
      // what was before, as after a restart: else an outage at the very start would look like the beginning of the data
      struct series before;
      assert_int_equal(feed_history(f, names[s], MINUTE, START - 300 * MINUTE, START, &before, NULL), OK);
      live_bars_seed(&hub.live[s], before.bars, before.count, START);
      series_finish(&before);
    }
    // now one stream is ahead, now another
    for (int open = SYMBOLS; open > 0;) {
      int s = rand() % SYMBOLS;
      if (at[s] == streams[s].count) continue;
      for (int k = rand() % (ticks ? 600 : 30); k >= 0 && at[s] < streams[s].count; k--) {
        const struct feed_event *e = &streams[s].events[at[s]++];
        enum live_reason why = e->kind == FEED_BAR     ? live_bars_bar(&hub.live[s], &e->u.bar)
                               : e->kind == FEED_TRADE ? live_bars_trade(&hub.live[s], e->time_ns, e->u.trade.px, e->u.trade.volume)
                                                       : live_bars_quote(&hub.live[s], e->time_ns, e->u.quote.bid, e->u.quote.ask);
        assert_int_equal(why, LIVE_TAKEN);
      }
      if (at[s] == streams[s].count) {
        live_bars_complete(&hub.live[s], END);
        open--;
      }
      hub_release(&hub);
    }
    assert_int_equal(hub.queue.count, 0);
    int count = expected(f, expect);
    assert_int_equal(hub.count, count);
    for (int i = 0; i < count; i++) {
      assert_int_equal(compare_queued(&hub.out[i], &expect[i]), 0);
      assert_true(same_bar(&hub.out[i].bar.bar, &expect[i].bar.bar));
    }
    assert_true(count > SYMBOLS * 850);
    for (int s = 0; s < SYMBOLS; s++) log_finish(&streams[s]);
    bar_queue_finish(&hub.queue);
    feed_destroy(f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(check_hub)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
