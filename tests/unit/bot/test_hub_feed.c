// The hub over the other feeds: texts and what is said of wrong ones; imported history replayed; a file that grows in any pieces;
// feeds that fail, are late, repeat themselves or lie; the loop's clock.
#include "hub_log.h"

#include "loop/clock.h"
#include "loop/loop.h"
#include "store/store.h"
#include "venue/feed_pace.h"

#include <unistd.h>

#define START_NS (INT64_C(1767571200) * NS_PER_S)  // Monday, 2026-01-05
#define NOW_NS (INT64_C(1000000) * NS_PER_S)
#define FIVE_NS (5 * NS_PER_MINUTE)

static char dir[64];
static struct store *store;

static int open_store(void **state) {
  (void)state;
  struct err err;
  strcpy(dir, "/tmp/perigee-hub-XXXXXX");
  if (!mkdtemp(dir)) return 1;
  return store_open(dir, &(struct store_options){NULL}, &store, &err) != OK;
}
static int close_store(void **state) {
  (void)state;
  store_close(store);
  char command[100];
  snprintf(command, sizeof command, "rm -rf %s", dir);
  return system(command);
}

static void add(struct hub_log *l, const char *venue, const char *text) {
  struct err err;
  if (hub_feed_add(l->hub, venue, text, &err) != OK) fail_msg("%s", err.msg);
}

// ---- texts

static void test_texts(void **state) {
  (void)state;
  struct hub_log l;
  struct err err;
  hub_log_create(&l, (struct hub_config){.now_ns = NOW_NS});
  static const struct {
    const char *text, *says;
  } wrong[] = {
    {"simm", "did you mean \"sim\""},
    {"", "there are sim, replay, file, remote"},
    {"remote", "nobody here speaks to venues"},
    {"remote:seed=1", "there are environment,category,ticks"},
    {"sim:sped=3", "\"sped\" is none of its options (there are seed,speed"},
    {"sim:speed", "write NAME=VALUE"},
    {"sim:tick=0.1", "none of its options"},
    {"sim:speed=0", "speed=0: must be a number above 0"},
    {"sim:speed=1e99", "must be a number"},
    {"sim:seed=-1", "a whole number"},
    {"sim:bar=1x", "a timeframe such as 1m"},
    {"sim:bar=2d", "from 1s to 1d"},
    {"sim:from=yesterday", "a date such as"},
    {"sim:ticks=yes", "0 or 1"},
    {"sim:symbols=BTCUSD", "did you mean BTCUSDT"},
    {"sim:symbols=", "not empty"},
    {"sim:symbols=EURUSD+EURUSD", "twice"},
    {"replay", "write replay:VENUE/SYMBOL"},
    {"replay:x", "write VENUE/SYMBOL"},
    {"replay:x/Y/9q", "is not a timeframe"},
    {"replay:x/Y", "no imported history of Y of venue x"},
    {"file", "write file:PATH"},
    {"file:/nowhere/at/all.csv", "is not there yet: write file:PATH:symbol=NAME"},
    {"file:/nowhere/X_1m.csv:tick=0", "tick=0: must be a number above 0"},
  };
  struct hub_config config = {.now_ns = NOW_NS, .market = store_reader(store, STORE_MARKET)};
  hub_log_finish(&l);
  hub_log_create(&l, config);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_true(hub_feed_add(l.hub, "v", wrong[i].text, &err) != OK);
    if (!strstr(err.msg, wrong[i].says)) fail_msg("%s: %s", wrong[i].text, err.msg);
    assert_int_equal(hub_venue_count(l.hub), 0);
  }
  char lengthy[1000];
  memset(lengthy, 'x', sizeof lengthy - 1);
  lengthy[sizeof lengthy - 1] = '\0';
  assert_int_equal(hub_feed_add(l.hub, "v", lengthy, &err), ERR_USAGE);
  assert_int_equal(hub_feed_add(l.hub, "v/w", "sim", &err), ERR_USAGE);
  assert_int_equal(hub_feed_add(l.hub, lengthy, "sim", &err), ERR_USAGE);
  add(&l, "v", "sim:seed=3,speed=0.5,symbols=EURUSD+BTCUSDT,from=2026-01-05T10:00:00Z,bar=5m");
  assert_int_equal(hub_feed_add(l.hub, "v", "sim", &err), ERR_EXISTS);
  add(&l, "w", "file:/nowhere/with:colon/EURUSD_5m.csv:tick=0.001");
  assert_int_equal(hub_venue_count(l.hub), 2);
  assert_string_equal(hub_venue_name(l.hub, 1), "w");
  assert_string_equal(hub_venue_symbol(l.hub, 0, 0), "EURUSD");
  assert_string_equal(hub_venue_symbol(l.hub, 0, 1), "BTCUSDT");
  assert_null(hub_venue_symbol(l.hub, 0, 2));
  assert_string_equal(hub_venue_symbol(l.hub, 1, 0), "EURUSD");
  struct feed_symbol symbol;
  assert_int_equal(hub_describe(l.hub, "w", "EURUSD", &symbol, &err), OK);
  assert_true(symbol.timeframe_ns == FIVE_NS && symbol.inst.tick.digits == 1 && symbol.inst.tick.scale == 3);
  struct hub_venue_status status;
  hub_venue_status(l.hub, 0, &status);
  assert_int_equal(status.speed_e3, 500);
  assert_string_equal(status.kind, "sim");
  assert_true(status.time_ns == START_NS + 600 * NS_PER_MINUTE);
  hub_log_finish(&l);

  assert_int_equal(hub_feed_check("sim=sim:speed=60", &err), OK);
  assert_int_equal(hub_feed_check("x=replay:a/B:speed=max", &err), OK);
  assert_int_equal(hub_feed_check("sim", &err), ERR_USAGE);
  assert_int_equal(hub_feed_check("=sim", &err), ERR_USAGE);
  assert_int_equal(hub_feed_check("a b=sim", &err), ERR_USAGE);
  assert_int_equal(hub_feed_check("a=sim:x=1", &err), ERR_USAGE);
}

// ---- replay

static struct bar bar_at(int minute, int64_t px) {
  return (struct bar){START_NS + minute * NS_PER_MINUTE, {px}, {px + 2}, {px - 2}, {px + 1}, 10 + minute, 0};
}

static struct series series_of(const char *symbol, int64_t timeframe_ns, int digits) {
  struct series s = {.timeframe_ns = timeframe_ns, .volume_scale = 0, .price_scale = digits};
  s.inst = (struct instrument){.tick = {1, digits}, .lot = {1, 2}, .multiplier = {1, 0}};
  snprintf(s.inst.symbol, SYMBOL_MAX, "%s", symbol);
  assert_int_equal(instrument_finish(&s.inst, NULL), OK);
  return s;
}

static enum status do_import(struct db *db, void *arg, struct err *err) {
  struct market_import_report report;
  return market_import(db, arg, &report, err);
}
static void import(const char *venue, const struct series *s) {
  struct err err;
  struct market_import in = {.venue = venue, .series = s, .now_ns = NOW_NS};
  if (store_write_sync(store, STORE_MARKET, do_import, &in, &err) != OK) fail_msg("%s", err.msg);
}

// Minutes with holes: in the middle of five minutes, at their begin, at their end, over an hour's end, and a long one.
static struct series minutes(const char *symbol, int digits, int64_t factor) {
  struct series s = series_of(symbol, NS_PER_MINUTE, digits);
  uint64_t random = 42;
  int64_t px = 10000;
  for (int i = 0; i < 2000; i++) {
    px += (int64_t)(hub_random(&random) % 21) - 10;
    const bool hole = i % 97 == 2 || i % 101 < 2 || i % 103 > 100 || (i >= 115 && i < 127) || (i >= 600 && i < 800) || (i >= 1025 && i < 1035 && i != 1027);
    struct bar b = bar_at(i, px);
    b.open.ticks *= factor, b.high.ticks *= factor, b.low.ticks *= factor, b.close.ticks *= factor;
    if (!hole) assert_int_equal(series_append(&s, &b, NULL), OK);
  }
  return s;
}

static void test_replay(void **state) {
  (void)state;
  struct hub_log l;
  struct err err;
  struct series fine = minutes("ETHUSDT", 2, 1), other = minutes("ADAUSDT", 2, 3), five, hour;
  import("old", &fine);
  import("old", &other);
  assert_int_equal(series_aggregate(&fine, FIVE_NS, &five, &err), OK);
  assert_int_equal(series_aggregate(&fine, 60 * NS_PER_MINUTE, &hour, &err), OK);
  hub_log_create(&l, (struct hub_config){.now_ns = NOW_NS, .market = store_reader(store, STORE_MARKET), .poll_events = 11});
  add(&l, "again", "replay:old/ETHUSDT/1m+old/ADAUSDT:speed=max");
  const uint32_t m = hub_log_want(&l, "again", "ETHUSDT", NS_PER_MINUTE), f = hub_log_want(&l, "again", "ETHUSDT", FIVE_NS),
                 h = hub_log_want(&l, "again", "ETHUSDT", 60 * NS_PER_MINUTE), a = hub_log_want(&l, "again", "ADAUSDT", NS_PER_MINUTE);
  assert_true(hub_log_poll(&l, NOW_NS) == INT64_MAX);
  const struct {
    uint32_t id;
    const struct series *should;
  } all[] = {{m, &fine}, {f, &five}, {h, &hour}, {a, &other}};
  for (int i = 0; i < 4; i++) {
    struct series came = hub_log_bars(&l, all[i].id);
    assert_int_equal(came.count, all[i].should->count);
    assert_same_bars(came.bars, all[i].should->bars, came.count);
    series_finish(&came);
  }
  assert_int_equal(l.notes[HUB_NOTE_END], 1);
  struct hub_venue_status status;
  hub_venue_status(l.hub, 0, &status);
  assert_true(status.ended);
  assert_int_equal(status.notes[HUB_NOTE_GAP], series_count_gaps(&fine) + series_count_gaps(&five) + series_count_gaps(&hour) + series_count_gaps(&other));
  assert_true(status.notes[HUB_NOTE_GAP] > 500 && status.notes[HUB_NOTE_HOLES] > 20);
  hub_log_finish(&l);

  // from the middle, wherever it is: history and live are the whole
  for (int from = 5; from < 1990; from += 13) {
    char text[120];
    snprintf(text, sizeof text, "replay:old/ETHUSDT:speed=max,from=2026-01-%02dT%02d:%02d:30Z", 5 + from / 1440, from / 60 % 24, from % 60);
    hub_log_create(&l, (struct hub_config){.now_ns = NOW_NS, .market = store_reader(store, STORE_MARKET), .memory_bars = 8});
    add(&l, "again", text);
    const uint32_t id = hub_log_want(&l, "again", "ETHUSDT", FIVE_NS);
    struct series past, came;
    for (size_t n = 1; n < 1000; n += n < 30 ? 1 : 470) {  // the memory grows under it, then it is too small
      assert_int_equal(hub_history(l.hub, id, n, INT64_MAX, &past, &err), OK);
      const size_t known = past.count;
      assert_true(known == n || (known < n && known > 0 && past.bars[0].open_ns == five.bars[0].open_ns) || (known == 0 && from < 6));
      size_t at = 0;
      while (at < five.count && known > 0 && five.bars[at].open_ns < past.bars[0].open_ns) at++;
      assert_same_bars(past.bars, five.bars + at, known);
      series_finish(&past);
    }
    assert_int_equal(hub_history(l.hub, id, 10000, INT64_MAX, &past, &err), OK);
    hub_log_poll(&l, NOW_NS);
    came = hub_log_bars(&l, id);
    assert_int_equal(past.count + came.count, five.count);
    assert_same_bars(past.bars, five.bars, past.count);
    assert_same_bars(came.bars, five.bars + past.count, came.count);
    series_finish(&past);
    series_finish(&came);
    hub_log_finish(&l);
  }
  series_finish(&fine);
  series_finish(&other);
  series_finish(&five);
  series_finish(&hour);
}

// ---- a growing file, and older bars of market.db before it

static void write_file(const char *path, const char *text, size_t len) {
  FILE *f = fopen(path, "a");
  assert_non_null(f);
  assert_int_equal(fwrite(text, 1, len, f), len);
  assert_int_equal(fclose(f), 0);
}

static char *csv_of(const struct series *s, size_t from) {
  char *text = malloc(s->count * 80 + 100), *p = text;
  p += sprintf(p, "time,open,high,low,close,volume\n");
  for (size_t i = from; i < s->count; i++) {
    const struct bar *b = &s->bars[i];
    p += sprintf(p, "%lld,%.2f,%.2f,%.2f,%.2f,%lld\n", (long long)(b->open_ns / NS_PER_S), (double)b->open.ticks / 100, (double)b->high.ticks / 100,
      (double)b->low.ticks / 100, (double)b->close.ticks / 100, (long long)b->volume);
  }
  return text;
}

static void test_file_in_pieces(void **state) {
  (void)state;
  struct series fine = minutes("SOLUSDT", 2, 1), coarse = minutes("SOLUSDT", 1, 1), five;
  struct err err;
  uint64_t random = 99;
  // what the file begins with came to market.db before, counted in other units, and older bars
  for (size_t i = 0; i < coarse.count; i++) {
    struct bar *b = &coarse.bars[i];
    b->open_ns -= 3 * NS_PER_DAY;
  }
  import("mine", &coarse);
  assert_int_equal(series_aggregate(&fine, FIVE_NS, &five, &err), OK);
  char *text = csv_of(&fine, 0);
  const size_t len = strlen(text);
  for (int round = 0; round < 8; round++) {
    char path[100], spec[200];
    snprintf(path, sizeof path, "%s/SOLUSDT_1m_%d.csv", dir, round);
    size_t at = round % 2 ? 0 : hub_random(&random) % (len / 2);
    if (at > 0) write_file(path, text, at);
    struct hub_log l;
    hub_log_create(&l, (struct hub_config){.now_ns = NOW_NS, .market = store_reader(store, STORE_MARKET)});
    snprintf(spec, sizeof spec, round % 3 ? "file:%s:tick=0.01" : "file:%s:symbol=SOLUSDT,timeframe=1m,tick=0.01,lot=0.1", path);
    add(&l, "mine", spec);
    const uint32_t m = hub_log_want(&l, "mine", "SOLUSDT", NS_PER_MINUTE), f = hub_log_want(&l, "mine", "SOLUSDT", FIVE_NS);
    struct series past_m, past_f, came;
    assert_int_equal(hub_history_since(l.hub, m, START_NS, &past_m, &err), OK);
    assert_int_equal(hub_history_since(l.hub, f, START_NS, &past_f, &err), OK);
    if (at > 1000) {  // older ones from market.db, in the file's ticks and volumes
      struct series older;
      assert_int_equal(hub_history(l.hub, f, past_f.count + 50, INT64_MAX, &older, &err), OK);
      assert_int_equal(older.count, past_f.count + 50);
      assert_true(older.bars[49].open_ns < START_NS);
      assert_same_bars(older.bars + 50, past_f.bars, past_f.count);
      const struct bar *last = &older.bars[49], *source = &coarse.bars[coarse.count - 1];
      assert_int_equal(last->close.ticks, source->close.ticks * 10);
      series_finish(&older);
    }
    int64_t now_ns = NOW_NS;
    while (at < len) {
      size_t piece = 1 + hub_random(&random) % (round < 4 ? 300 : 30000);
      if (piece > len - at) piece = len - at;
      write_file(path, text + at, piece);
      at += piece;
      hub_log_poll(&l, now_ns += (int64_t)(hub_random(&random) % (3 * NS_PER_S)));
    }
    hub_log_poll(&l, now_ns + 2 * NS_PER_S);
    const int64_t scale = past_m.volume_scale ? pow10_i64(past_m.volume_scale) : 1;
    for (int k = 0; k < 2; k++) {
      const struct series *should = k ? &five : &fine, *past = k ? &past_f : &past_m;
      came = hub_log_bars(&l, k ? f : m);
      assert_int_equal(past->count + came.count, should->count);
      for (size_t i = 0; i < should->count; i++) {
        struct bar b = should->bars[i];
        b.volume *= scale;
        assert_same_bars(i < past->count ? &past->bars[i] : &came.bars[i - past->count], &b, 1);
      }
      series_finish(&came);
    }
    series_finish(&past_m);
    series_finish(&past_f);
    hub_log_finish(&l);
  }
  free(text);
  series_finish(&fine);
  series_finish(&coarse);
  series_finish(&five);
}

// ---- a feed that does what it is told

struct puppet {
  struct feed_event events[64];
  int count, next_subscription, subscribed;
  int64_t through_ns;
  bool fails, destroyed;
};
static enum status puppet_describe(void *self, const char *symbol, struct feed_symbol *ret, struct err *err) {
  (void)self, (void)err;
  *ret = (struct feed_symbol){.inst = series_of(symbol, NS_PER_MINUTE, 2).inst, .timeframe_ns = NS_PER_MINUTE};
  return OK;
}
static enum status puppet_subscribe(void *self, const char *symbol, int64_t timeframe_ns, int64_t after_ns, int *ret, struct err *err) {
  struct puppet *p = self;
  (void)timeframe_ns, (void)after_ns;
  if (strcmp(symbol, "FULL") == 0) return err_set(err, ERR_LIMIT, "full");
  *ret = ++p->next_subscription;
  p->subscribed++;
  return OK;
}
static void puppet_unsubscribe(void *self, int subscription) {
  (void)subscription;
  ((struct puppet *)self)->subscribed--;
}
static enum status puppet_poll(
  void *self, int64_t now_ns, size_t max_events, const struct feed_sink *sink, struct feed_progress *ret, struct err *err) {
  struct puppet *p = self;
  (void)max_events;
  for (int i = 0; i < p->count; i++) sink->event(sink->self, &p->events[i]);
  *ret = (struct feed_progress){.events = (size_t)p->count, .through_ns = p->through_ns, .next_ns = now_ns + NS_PER_S};
  p->count = 0;
  return p->fails ? err_set(err, ERR_IO, "the line is dead") : OK;
}
static enum status puppet_history(
  void *self, const char *symbol, int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, struct series *ret, struct err *err) {
  (void)self, (void)from_ns, (void)to_ns, (void)err;
  *ret = series_of(symbol, timeframe_ns, 2);
  return OK;
}
static void puppet_destroy(void *self) { ((struct puppet *)self)->destroyed = true; }
static const struct feed_ops puppet_ops = {
  "puppet", puppet_describe, puppet_subscribe, puppet_unsubscribe, puppet_poll, puppet_history, puppet_destroy};

static void say_bar(struct puppet *p, int subscription, struct bar b) {
  p->events[p->count++] = (struct feed_event){.kind = FEED_BAR, .subscription = subscription, .time_ns = b.open_ns + NS_PER_MINUTE, .u.bar = b};
}
static void puppet_add(struct hub_log *l, struct puppet *p, struct hub_feed_config config) {
  struct err err;
  *p = (struct puppet){.through_ns = INT64_MIN};
  config.feed = (struct feed){&puppet_ops, p};
  assert_int_equal(hub_feed_add_feed(l->hub, "puppet", &config, &err), OK);
}

// A crowd of late bars of one symbol does not silence the first of another; what was not told is told with the next.
static void test_notes_by_symbol(void **state) {
  (void)state;
  struct hub_log l;
  struct puppet p;
  int64_t now_ns = START_NS;
  hub_log_create(&l, (struct hub_config){.now_ns = START_NS});
  puppet_add(&l, &p, (struct hub_feed_config){.start_ns = START_NS, .grace_ns = -1});
  (void)hub_log_want(&l, "puppet", "A", NS_PER_MINUTE);
  (void)hub_log_want(&l, "puppet", "B", NS_PER_MINUTE);
  p.through_ns = START_NS + 10 * NS_PER_MINUTE;
  (void)hub_poll(l.hub, now_ns);
  for (int i = 0; i < 20; i++) say_bar(&p, 1, bar_at(3, 10000));
  say_bar(&p, 2, bar_at(4, 10000));
  p.events[p.count++] = (struct feed_event){.kind = FEED_NOTE, .subscription = 2, .u.note = {FEED_NOTE_DUPLICATE, "line 9", 6}};
  (void)hub_poll(l.hub, now_ns += NS_PER_S);
  assert_int_equal(l.told[LIVE_LATE], 2);
  assert_int_equal(l.stands_for[LIVE_LATE], 2);
  assert_int_equal(l.stands_for[LIVE_DUPLICATE], 7);  // the feed's own verdict, and what it stands for
  say_bar(&p, 1, bar_at(3, 10000));
  (void)hub_poll(l.hub, now_ns += HUB_NOTE_EVERY_NS);
  assert_int_equal(l.told[LIVE_LATE], 3);
  assert_int_equal(l.stands_for[LIVE_LATE], 22);
  struct hub_venue_status status;
  hub_venue_status(l.hub, 0, &status);
  assert_int_equal(status.notes[LIVE_LATE], 22);
  assert_int_equal(status.notes[LIVE_DUPLICATE], 7);
  hub_log_finish(&l);
}

// Late, repeated, contradicted, missing and impossible bars: refused or told, counted, and what was given out stays.
static void test_bad_bars(void **state) {
  (void)state;
  struct hub_log l;
  struct puppet p;
  struct err err;
  uint32_t id;
  hub_log_create(&l, (struct hub_config){.now_ns = START_NS});
  puppet_add(&l, &p, (struct hub_feed_config){.start_ns = START_NS, .grace_ns = -1, .jump_e6 = 50000});
  const uint32_t m = hub_log_want(&l, "puppet", "A", NS_PER_MINUTE), f = hub_log_want(&l, "puppet", "A", FIVE_NS);
  assert_int_equal(hub_want(l.hub, "puppet", "FULL", NS_PER_MINUTE, &id, &err), ERR_LIMIT);
  assert_int_equal(p.subscribed, 1);
  for (int i = 0; i < 3; i++) say_bar(&p, 1, bar_at(i, 10000));
  say_bar(&p, 1, bar_at(2, 10000));   // again
  say_bar(&p, 1, bar_at(2, 10001));   // another
  say_bar(&p, 1, bar_at(1, 10001));   // late
  say_bar(&p, 1, bar_at(6, 12000));   // three are missing, and a jump
  struct bar odd = bar_at(7, 12000);
  odd.high.ticks = odd.low.ticks - 1;
  say_bar(&p, 1, odd);
  say_bar(&p, 9, bar_at(7, 1));       // of nobody
  say_bar(&p, 1, bar_at(-3, 10000));  // before the beginning
  p.events[p.count++] = (struct feed_event){.kind = FEED_NOTE, .subscription = -1, .u.note = {FEED_NOTE_REFUSED, "line 7"}};
  p.through_ns = START_NS + 10 * NS_PER_MINUTE;
  int64_t now_ns = START_NS;
  (void)hub_poll(l.hub, now_ns);
  struct series came = hub_log_bars(&l, m), higher = hub_log_bars(&l, f);
  assert_int_equal(came.count, 4);
  assert_int_equal(came.bars[2].close.ticks, 10001);
  assert_true(came.bars[3].open_ns == START_NS + 6 * NS_PER_MINUTE);
  assert_int_equal(higher.count, 2);
  struct hub_venue_status status;
  hub_venue_status(l.hub, 0, &status);
  assert_int_equal(status.notes[LIVE_DUPLICATE], 1);
  assert_int_equal(status.notes[LIVE_CONFLICT], 1);
  assert_int_equal(status.notes[LIVE_LATE], 2);
  assert_int_equal(status.notes[LIVE_HIGH_LOW], 1);
  assert_int_equal(status.notes[LIVE_JUMP], 1);
  assert_int_equal(status.notes[HUB_NOTE_GAP], 3);
  assert_int_equal(status.notes[HUB_NOTE_HOLES], 2);
  assert_int_equal(status.notes[HUB_NOTE_REFUSED], 1);
  assert_int_equal(status.events, 10);
  // Whoever reads the symbol is told of each kind, once in ten seconds, and of a gap by timeframe.
  assert_int_equal(l.told[LIVE_DUPLICATE], 1);
  assert_int_equal(l.told[LIVE_CONFLICT], 1);
  assert_int_equal(l.told[LIVE_LATE], 1);  // the other is still to be told
  assert_int_equal(l.told[LIVE_HIGH_LOW], 1);
  assert_int_equal(l.told[LIVE_JUMP], 1);
  assert_int_equal(l.told[HUB_NOTE_GAP], 1);
  assert_int_equal(l.stands_for[HUB_NOTE_GAP], 3);
  assert_true(l.told_timeframe_ns == NS_PER_MINUTE);
  assert_int_equal(l.told[HUB_NOTE_HOLES], 1);
  assert_int_equal(l.told[HUB_NOTE_REFUSED], 0);  // of the feed as a whole: it is its operator's
  series_finish(&came);
  series_finish(&higher);

  // the feed fails, with a bar on its lips, and comes back
  say_bar(&p, 1, bar_at(10, 12000));
  p.fails = true;
  now_ns += NS_PER_S;
  assert_true(hub_poll(l.hub, now_ns) == now_ns + NS_PER_S);
  assert_string_equal(l.note, "the line is dead");
  assert_int_equal(l.notes[HUB_NOTE_FAILED], 1);
  for (int i = 0; i < 12; i++) (void)hub_poll(l.hub, now_ns += NS_PER_S);  // told once every ten seconds
  assert_int_equal(l.notes[HUB_NOTE_FAILED], 11);  // 1, and 1 that tells of 9 untold ones
  hub_venue_status(l.hub, 0, &status);
  assert_true(status.failing && status.notes[HUB_NOTE_FAILED] == 13);
  p.fails = false;
  p.through_ns += NS_PER_MINUTE;
  const size_t before = l.count;
  (void)hub_poll(l.hub, now_ns += NS_PER_S);
  assert_int_equal(l.count, before + 1);
  assert_true(l.instants[before]->now_ns == START_NS + 11 * NS_PER_MINUTE);
  hub_venue_status(l.hub, 0, &status);
  assert_false(status.failing);
  // times never go back, also when the clock does
  say_bar(&p, 1, bar_at(11, 12000));
  p.through_ns += NS_PER_MINUTE;
  (void)hub_poll(l.hub, now_ns - 3600 * NS_PER_S);
  assert_int_equal(l.count, before + 2);
  hub_drop(l.hub, m);
  hub_drop(l.hub, f);
  assert_int_equal(p.subscribed, 0);
  hub_log_finish(&l);
  assert_true(p.destroyed);
}

// A feed that does not know when it is complete: bars are closed by the clock; two symbols wait for each other no longer than that.
static void test_by_the_clock(void **state) {
  (void)state;
  struct hub_log l;
  struct puppet p;
  hub_log_create(&l, (struct hub_config){.now_ns = START_NS});
  puppet_add(&l, &p, (struct hub_feed_config){.start_ns = INT64_MIN, .grace_ns = 2 * NS_PER_S, .ticks = true});
  const uint32_t a = hub_log_want(&l, "puppet", "A", NS_PER_MINUTE), b = hub_log_want(&l, "puppet", "B", NS_PER_MINUTE);
  for (int i = 0; i < 2; i++)
    for (int k = 0; k < 3; k++)
      p.events[p.count++] = (struct feed_event){.kind = FEED_TRADE, .subscription = i + 1, .time_ns = START_NS + (10 + 20 * k) * NS_PER_S,
        .u.trade = {{1000 + k * (i ? -1 : 1)}, 5}};
  (void)hub_poll(l.hub, START_NS + 58 * NS_PER_S);
  assert_int_equal(l.count, 0);
  // A has gone on, B is quiet
  p.events[p.count++] = (struct feed_event){.kind = FEED_TRADE, .subscription = 1, .time_ns = START_NS + 61 * NS_PER_S, .u.trade = {{1010}, 5}};
  (void)hub_poll(l.hub, START_NS + 61 * NS_PER_S);
  assert_int_equal(l.count, 0);
  (void)hub_poll(l.hub, START_NS + 62 * NS_PER_S);
  assert_int_equal(l.count, 1);
  assert_int_equal(l.instants[0]->count, 2);
  assert_true(l.instants[0]->bars[0].series == a && l.instants[0]->bars[1].series == b);
  assert_int_equal(l.instants[0]->bars[0].bar.close.ticks, 1002);
  assert_int_equal(l.instants[0]->bars[1].bar.close.ticks, 998);
  assert_int_equal(l.instants[0]->bars[1].bar.volume, 15);
  price px;
  int64_t time_ns;
  assert_true(hub_last_price(l.hub, "puppet", "A", &px, &time_ns) && px.ticks == 1010 && time_ns == START_NS + 61 * NS_PER_S);
  hub_log_finish(&l);
}

// ---- the loop

static void stop_after(void *self, struct hub_instant *in) {
  (void)in;
  struct loop **loop = self;
  loop_stop(*loop);
}

static void test_on_the_loop(void **state) {
  (void)state;
  struct loop *loop;
  struct hub *h;
  struct err err;
  uint32_t id;
  assert_int_equal(loop_create(&loop, NULL, &err), OK);
  struct hub_config config = {.sink = {.self = &loop, .instant = stop_after}, .now_ns = clock_wall_ns()};
  assert_int_equal(hub_create(&config, &h, &err), OK);
  assert_int_equal(hub_attach(h, loop, &err), OK);
  assert_int_equal(hub_feed_add(h, "sim", "sim:speed=6000", &err), OK);
  loop_turn(loop, false);
  assert_int_equal(hub_want(h, "sim", "EURUSD", NS_PER_MINUTE, &id, &err), OK);
  const int64_t live_ns = hub_live_from(h, id);
  loop_run(loop);  // the next bar comes within 10 ms
  assert_true(hub_live_from(h, id) >= live_ns);
  struct hub_venue_status status;
  hub_venue_status(h, 0, &status);
  assert_true(status.instants >= 1);
  hub_destroy(h);
  loop_destroy(loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_texts, open_store, close_store),
    cmocka_unit_test_setup_teardown(test_replay, open_store, close_store),
    cmocka_unit_test_setup_teardown(test_file_in_pieces, open_store, close_store),
    cmocka_unit_test(test_bad_bars), cmocka_unit_test(test_notes_by_symbol), cmocka_unit_test(test_by_the_clock), cmocka_unit_test(test_on_the_loop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
