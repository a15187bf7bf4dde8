// Tests of replay: history comes out whole, in order, at any speed and from any moment on; and history() never tells the future.
#include "venue/feed_replay.h"

#include "feed_log.h"

#define MINUTE NS_PER_MINUTE
#define HOUR (60 * NS_PER_MINUTE)
#define START (INT64_C(1618790400) * NS_PER_S)

static struct series make_series(const char *symbol, unsigned seed, int count, int64_t timeframe_ns) {
  struct series s = {.inst = {.tick = {1, 2}, .lot = {1, 0}, .multiplier = {1, 0}}, .timeframe_ns = timeframe_ns};
  snprintf(s.inst.symbol, SYMBOL_MAX, "%s", symbol);
  assert_int_equal(instrument_finish(&s.inst, NULL), OK);
  srand(seed);
  int64_t t = START + rand() % 7 * timeframe_ns, px = 1000;
  for (int i = 0; i < count; i++, t += timeframe_ns) {
    if (rand() % 20 == 0) t += (1 + rand() % 90) * timeframe_ns;
    px += rand() % 21 - 10;
    struct bar b = {t, {px}, {px + 5}, {px - 5}, {px + rand() % 5}, rand() % 100, 0};
    assert_int_equal(series_append(&s, &b, NULL), OK);
  }
  return s;
}

static struct feed make(const struct series *const *series, int count, int64_t speed_e3) {
  struct feed_replay_config c = {.series = series, .count = count};
  feed_pace_init(&c.pace, speed_e3, 0, START);
  struct feed f;
  assert_int_equal(feed_replay_create(&c, &f, NULL), OK);
  return f;
}

static void check_whole(void **state) {
  (void)state;
  for (unsigned seed = 1; seed <= 10; seed++) {
    struct series a = make_series("B", seed, 700, MINUTE), b = make_series("A", seed + 100, 300, MINUTE), c = make_series("C", seed + 200, 40, HOUR);
    const struct series *all[] = {&a, &b, &c};
    struct feed f = make(all, 3, seed % 2 ? FEED_SPEED_UNBOUND : 3600 * FEED_SPEED_ONE);
    struct feed_log l;
    log_init(&l);
    int id[3];
    for (int i = 0; i < 3; i++) assert_int_equal(feed_subscribe(f, all[i]->inst.symbol, all[i]->timeframe_ns, INT64_MIN, &id[i], NULL), OK);
    struct feed_progress p = {0};
    for (int64_t now = 0; !p.ended; now += rand() % 5 * NS_PER_S) p = log_poll(f, now, 1 + (size_t)(rand() % 50), &l);
    assert_int_equal(l.count, 1040);
    assert_int_equal(l.notes[FEED_NOTE_END], 1);
    size_t at[3] = {0};
    for (size_t i = 0; i < l.count; i++) {
      int k = 0;
      while (id[k] != l.events[i].subscription) k++;
      assert_true(same_bar(&l.events[i].u.bar, &all[k]->bars[at[k]++]));
      assert_int_equal(l.events[i].time_ns, l.events[i].u.bar.open_ns + all[k]->timeframe_ns);
      if (i == 0 || l.events[i].time_ns != l.events[i - 1].time_ns) continue;
      int before = 0;
      while (id[before] != l.events[i - 1].subscription) before++;
      assert_true(before == 2 || (before == 1 && k == 0));  // the hour first, then A before B
    }
    assert_int_equal(p.through_ns, l.events[l.count - 1].time_ns);
    log_finish(&l);
    // from any moment on
    for (int cut = 0; cut < 10; cut++) {
      size_t from = (size_t)rand() % a.count;
      struct feed g = make(all, 1, FEED_SPEED_UNBOUND);
      assert_int_equal(feed_subscribe(g, "B", MINUTE, a.bars[from].open_ns + MINUTE + rand() % 2, &id[0], NULL), OK);
      log_poll(g, 0, SIZE_MAX, &l);
      assert_int_equal(l.count, a.count - from - 1);
      if (l.count) assert_true(same_bar(&l.events[0].u.bar, &a.bars[from + 1]));
      log_finish(&l);
      feed_destroy(g);
    }
    feed_destroy(f);
    series_finish(&a);
    series_finish(&b);
    series_finish(&c);
  }
}

static void check_history(void **state) {
  (void)state;
  static const int64_t timeframes[] = {MINUTE, 5 * MINUTE, HOUR, 24 * HOUR};
  for (unsigned seed = 1; seed <= 6; seed++) {
    struct series s = make_series("A", seed, 3000, MINUTE);
    const struct series *all[] = {&s};
    struct feed f = make(all, 1, FEED_SPEED_UNBOUND);
    for (int k = 0; k < 40; k++) {
      int64_t timeframe_ns = timeframes[k % 4], last = s.bars[s.count - 1].open_ns;
      int64_t to = START + (int64_t)((double)rand() / RAND_MAX * (double)(last - START + 2 * HOUR)), from = to - (rand() % 2000) * MINUTE;
      struct series got, whole, known = s;
      assert_int_equal(feed_history(f, "A", timeframe_ns, from, to, &got, NULL), OK);
      // what a backtest knew at `to`: the bars made of minutes that had closed
      while (known.count && known.bars[known.count - 1].open_ns + MINUTE > to) known.count--;
      assert_int_equal(series_aggregate(&known, timeframe_ns, &whole, NULL), OK);
      series_clip(&whole, from, INT64_MAX);
      assert_int_equal(got.count, whole.count);
      for (size_t i = 0; i < got.count; i++) {
        assert_true(same_bar(&got.bars[i], &whole.bars[i]));
        assert_true(got.bars[i].open_ns + timeframe_ns <= to);
      }
      series_finish(&got);
      series_finish(&whole);
    }
    feed_destroy(f);
    series_finish(&s);
  }
}

// Bars that do not begin with a bucket (days of a zone with summer time) come out of history as they are.
static void check_unaligned_history(void **state) {
  (void)state;
  struct series s = make_series("A", 3, 0, NS_PER_DAY);
  for (int i = 0; i < 30; i++) {
    struct bar b = {START + i * NS_PER_DAY + (i < 15 ? 4 : 5) * HOUR, {100}, {100}, {100}, {100}, i, 0};
    assert_int_equal(series_append(&s, &b, NULL), OK);
  }
  const struct series *all[] = {&s};
  struct feed f = make(all, 1, FEED_SPEED_UNBOUND);
  struct series got;
  assert_int_equal(feed_history(f, "A", NS_PER_DAY, START + 10 * NS_PER_DAY, START + 21 * NS_PER_DAY, &got, NULL), OK);
  assert_int_equal(got.count, 10);
  for (size_t i = 0; i < got.count; i++) assert_true(same_bar(&got.bars[i], &s.bars[10 + i]));
  series_finish(&got);
  series_finish(&s);
  feed_destroy(f);
}

static void check_refusals(void **state) {
  (void)state;
  struct series a = make_series("A", 1, 5, MINUTE), empty = make_series("E", 1, 0, MINUTE);
  const struct series *twice[] = {&a, &a}, *none[] = {&empty}, *one[] = {&a};
  struct feed f;
  struct err err;
  struct series s;
  int id;
  assert_int_equal(feed_replay_create(&(struct feed_replay_config){.series = twice, .count = 2}, &f, &err), ERR_INVALID);
  assert_int_equal(feed_replay_create(&(struct feed_replay_config){.series = none, .count = 1}, &f, &err), ERR_INVALID);
  assert_int_equal(feed_replay_create(&(struct feed_replay_config){.series = one, .count = 0}, &f, &err), ERR_INVALID);
  f = make(one, 1, FEED_SPEED_ONE);
  assert_int_equal(feed_subscribe(f, "B", MINUTE, 0, &id, &err), ERR_NOTFOUND);
  assert_int_equal(feed_subscribe(f, "A", HOUR, 0, &id, &err), ERR_INVALID);
  assert_int_equal(feed_subscribe(f, "A", 0, 0, &id, &err), ERR_INVALID);
  assert_int_equal(feed_history(f, "A", 90 * NS_PER_S, 0, 1, &s, &err), ERR_INVALID);
  assert_int_equal(feed_history(f, "B", MINUTE, 0, 1, &s, &err), ERR_NOTFOUND);
  struct feed_symbol about;
  assert_int_equal(feed_describe(f, "A", &about, &err), OK);
  assert_false(about.ticks);
  assert_int_equal(about.timeframe_ns, MINUTE);
  // nothing subscribed: the market's time still runs, and nobody need ask
  struct feed_log l;
  log_init(&l);
  struct feed_progress p = log_poll(f, HOUR, 10, &l);
  assert_int_equal(p.through_ns, START + HOUR);
  assert_int_equal(p.next_ns, INT64_MAX);
  assert_false(p.ended);
  feed_destroy(f);
  series_finish(&a);
  series_finish(&empty);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(check_whole), cmocka_unit_test(check_history), cmocka_unit_test(check_unaligned_history),
                                     cmocka_unit_test(check_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
