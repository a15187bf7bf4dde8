// tests/unit/bot/test_wire.c – frames between the core and its hosts: what is written is read again, and nothing else is believed.
#include "bot/wire.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed;
static uint64_t any(void) {  // splitmix64
  uint64_t z = seed += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return z ^ z >> 31;
}
static int64_t positive(void) { return (int64_t)(any() >> 1); }
static int below(int n) { return (int)(any() % (unsigned)n); }

static struct bot_command any_command(void) {
  struct bot_command c;
  memset(&c, 0, sizeof c);
  c.kind = (enum command_kind)below(COMMAND_KIND_COUNT), c.time_ns = positive(), c.id = any();
  intent_init(&c.intent, below(8), below(2) ? SIDE_BUY : SIDE_SELL);
  c.intent.type = (enum order_type)below(ORDER_TRAILING + 1), c.intent.leg = (enum leg)below(LEG_COUNT), c.intent.tif = (enum order_tif)below(TIF_GTD + 1);
  c.intent.expires_ns = positive(), c.intent.post = below(2), c.intent.reduce = below(2), c.intent.size_kind = (enum size_kind)below(SIZE_CLOSE + 1);
  c.intent.size = positive(), c.intent.limit.ticks = (int64_t)any(), c.intent.trigger.ticks = (int64_t)any();
  c.intent.trail_ticks = positive(), c.intent.trail_frac_e8 = positive(), c.intent.sl.ticks = (int64_t)any(), c.intent.tp.ticks = (int64_t)any();
  c.intent.tp_r_e6 = positive(), c.intent.oco = any(), c.intent.closes = any(), c.intent.tag = (uint32_t)any();
  c.qty.lots = positive();
  order_change_init(&c.change);
  c.change.limit.ticks = (int64_t)any(), c.change.trigger.ticks = (int64_t)any(), c.change.sl.ticks = (int64_t)any(), c.change.tp.ticks = (int64_t)any();
  c.change.sl_none = below(2), c.change.tp_none = below(2), c.change.qty.lots = positive();
  c.change.trail_ticks = positive(), c.change.trail_frac_e8 = positive(), c.why = (enum reason)below(REASON_COUNT);
  return c;
}

static struct bar any_bar(void) {
  int64_t low = below(1 << 30), high = low + below(1 << 20);
  return (struct bar){.open_ns = positive(), .open = {low}, .high = {high}, .low = {low}, .close = {high}, .volume = below(2) ? -1 : positive(), .flags = (uint32_t)below(4)};
}

static void same_bar(const struct bar *a, const struct bar *b) {
  assert_true(a->open_ns == b->open_ns && a->open.ticks == b->open.ticks && a->high.ticks == b->high.ticks && a->low.ticks == b->low.ticks);
  assert_true(a->close.ticks == b->close.ticks && a->volume == b->volume && a->flags == b->flags);
}

static struct wire_frame next(const struct buf *b, size_t *at) {
  struct wire_frame f;
  struct err err;
  size_t used;
  if (wire_read(b->data + *at, b->len - *at, &f, &used, &err) != OK) fail_msg("%s", err.msg);
  assert_true(used > 0);
  *at += used;
  return f;
}

// A series, a bar and one frame of every type, in the order of the list.
static struct series example_series(void) {
  struct series s = {.inst = {.symbol = "BTCUSDT", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}, .min_qty = {2}}, .timeframe_ns = NS_PER_MINUTE, .volume_scale = 3};
  struct err err;
  assert_int_equal(instrument_finish(&s.inst, &err), OK);
  return s;
}
static struct wire_open example_open(void) {
  struct wire_open o = {.bot = 9, .tenant = 4, .chunkname = wire_text("sma.lua", 7), .source = wire_text("strategy{}", 10), .params = wire_text("{\"n\":1}", 7),
                        .state = wire_text("{}", 2), .memory = wire_text("\0\1", 2), .from = wire_text("3", 1), .seed = UINT64_MAX, .resume = 2,
                        .restore_count = 7, .books_bytes = 5, .books_ns = 6, .warm_from_ns = -5, .run_from_ns = 6, .live_from_ns = 8, .tenant_memory_bytes = 1 << 30, .tenant_cpu_ns = NS_PER_S,
                        .limits = {.heap_bytes = 1 << 20, .callback_cpu_ns = NS_PER_MS}, .stream_count = 2, .symbol_count = 1};
  match_config_init(&o.match, (cash){1000 * CASH_ONE});
  risk_limits_init(&o.risk);
  o.streams[0] = (struct wire_stream){.series = 7};
  o.streams[1] = (struct wire_stream){.series = 8, .history = 18};
  o.symbols[0] = (struct wire_symbol){.series = 7, .history = 17, .leverage_e4 = 10000, .fees = {.taker_frac_e8 = 50000}, .costs = {.spread_ticks = 2}};
  return o;
}
static const struct wire_signal example_signal = {.id = {"s1", 2}, .action = {"buy", 3}, .raw = {"", 0}, .size = 1.5, .price = NAN, .sl = NAN, .tp = NAN, .ts_ns = 76};
static struct wire_opened example_opened(void) {
  struct wire_opened o = {.callbacks = 6, .warmup = 20, .lookback = 512, .warm = true, .timer_next_ns = INT64_MAX};
  memset(o.spec_sha256, 'a', 64);
  memset(o.hash, '0', 64);
  return o;
}
static void put_all(struct buf *b, const struct series *s, const struct bot_command *c, const struct wire_bar bars[2]) {
  const struct wire_funding funding[] = {{.series = 7, .ts_ns = 70, .rate_e12 = -3, .mark = NO_PRICE, .before_match = true}, {.series = 8}};
  const struct wire_open open = example_open();
  const struct wire_opened opened = example_opened();
  wire_put_hello(b);
  wire_put_series_open(b, 7, s);
  wire_put_series_bars(b, 7, &bars[0].bar, 1);
  wire_put_series_trim(b, 7, 5);
  wire_put_bot_open(b, &open);
  wire_put_bot_close(b, 9, "owner");
  wire_put_instant(b, 3, 77, bars, 2, funding, 2);
  wire_put_series_close(b, 7);
  wire_put_books(b, 9, "books", 5);
  wire_put_restore(b, 9, c);
  wire_put_ping(b, 1);
  wire_put_signal(b, 9, &example_signal);
  wire_put_params(b, 9, 77, wire_text("{}", 2), wire_text("-- s", 4));
  wire_put_impose(b, 9, c);
  wire_put_limits(b, 9, &(struct risk_limits){.max_open = 7, .max_order_e8 = 1, .max_position_e8 = 2, .collar_frac_e8 = 3, .day_loss_e8 = 4, .drawdown_e8 = 5, .rate_count = 6, .rate_window_ns = 8});
  wire_put_risk(b, 9, REASON_PROP_RULE, 5, NAN, 78);
  wire_put_digest(b, 9);
  wire_put_bot_stop(b, 9, 77, "stop");
  wire_put_call(b, 9);
  wire_put_tick(b, 9, &(struct script_tick){.symbol = 3, .trades = 5, .time_ns = 80, .price = 1.5, .volume = 0.25, .bid = NAN, .ask = 1.75});
  wire_put_fault(b, 9, ERR_BUDGET, 14, true, "killed");
  wire_put_command(b, 9, c);
  wire_put_log(b, 9, 77, LOG_WARN, "hm");
  wire_put_plot(b, 9, 77, "fast", 1.25);
  wire_put_mark(b, 9, 77, "here");
  wire_put_notify(b, 9, 77, "look");
  wire_put_denied(b, 9, 77, REASON_MARGIN, 5, NAN, "too much");
  wire_put_done(b, 77, 50, 2);
  wire_put_pong(b, 1);
  wire_put_opened(b, 9, &opened);
  wire_put_state(b, 9, wire_text("{}", 2), wire_text("\0", 1));
  wire_put_tag(b, 9, 16, "entry");
  wire_put_answer(b, 9, WIRE_PARAMS, ERR_RANGE, "n = 10");
  wire_put_hash(b, 9, opened.hash);
  wire_put_timer(b, 9, 78);
  const struct wire_reload reload = {.bot = 9, .version = 3, .history = 1024, .seed = 5, .limits = {.heap_bytes = 1 << 20}, .chunkname = {"v3.lua", 6}, .source = {"-- s", 4},
                                     .params = {"{}", 2}, .from = {"2", 1}};
  wire_put_reload(b, &reload);
  wire_put_reloaded(b, 9, 3, RELOAD_FAILED, ERR_SCRIPT, 5, "no");
  wire_put_whole(b);
  assert_false(b->failed);
}
static bool texts_equal(struct wire_text a, const char *b) { return a.text && a.len == strlen(b) && memcmp(a.text, b, a.len) == 0; }

static void round_trip(void **state) {
  (void)state;
  struct series s = example_series();
  for (seed = 1; seed < 200 * UINT64_C(1000003); seed += 1000003) {
    uint64_t begun = seed;
    struct buf b;
    buf_init(&b, 1 << 16);
    struct bot_command c = any_command();
    struct wire_bar bars[2] = {{1, any_bar()}, {2, any_bar()}};
    put_all(&b, &s, &c, bars);
    size_t at = 0;
    assert_int_equal(next(&b, &at).type, WIRE_HELLO);
    struct wire_frame f = next(&b, &at);
    assert_true(f.series_id == 7 && f.series.timeframe_ns == s.timeframe_ns && f.series.volume_scale == 3 && f.series.inst.value_num == s.inst.value_num);
    assert_string_equal(f.series.inst.symbol, "BTCUSDT");
    f = next(&b, &at);
    assert_int_equal(f.bar_count, 1);
    struct wire_bar got = wire_frame_bar(&f, 0);
    assert_int_equal(got.series, 7);
    same_bar(&got.bar, &bars[0].bar);
    f = next(&b, &at);
    assert_true(f.type == WIRE_SERIES_TRIM && f.series_id == 7 && f.time_ns == 5);

    f = next(&b, &at);
    assert_true(f.type == WIRE_BOT_OPEN && f.bot == 9);
    struct wire_open open, want = example_open();
    wire_frame_open(&f, &open);
    assert_true(open.bot == 9 && open.tenant == 4 && open.seed == UINT64_MAX && open.resume == 2 && open.restore_count == 7 && open.books_bytes == 5 && open.books_ns == 6);
    assert_true(open.warm_from_ns == -5 && open.run_from_ns == 6 && open.live_from_ns == 8 && open.tenant_memory_bytes == 1 << 30 && open.tenant_cpu_ns == NS_PER_S);
    assert_true(texts_equal(open.chunkname, "sma.lua") && texts_equal(open.source, "strategy{}") && texts_equal(open.params, "{\"n\":1}") && texts_equal(open.from, "3"));
    assert_true(texts_equal(open.state, "{}") && open.memory.len == 2 && open.memory.text[1] == 1);
    assert_true(open.stream_count == 2 && open.symbol_count == 1 && open.streams[1].history == 18 && open.symbols[0].costs.spread_ticks == 2);
    assert_true(open.match.deposit.e8 == want.match.deposit.e8 && open.risk.max_open == want.risk.max_open && open.limits.heap_bytes == 1 << 20);
    struct buf again;
    buf_init(&again, 1 << 12);
    wire_put_bot_open(&again, &open);
    assert_memory_equal(again.data, b.data + at - again.len, again.len);
    f = next(&b, &at);
    assert_true(f.type == WIRE_BOT_CLOSE && f.bot == 9 && texts_equal(wire_text(f.text, f.text_len), "owner"));
    f = next(&b, &at);
    assert_true(f.venue == 3 && f.time_ns == 77 && f.bar_count == 2 && f.funding_count == 2);
    got = wire_frame_bar(&f, 1);
    assert_int_equal(got.series, 2);
    same_bar(&got.bar, &bars[1].bar);
    struct wire_funding fund = wire_frame_funding(&f, 0);
    assert_true(fund.series == 7 && fund.ts_ns == 70 && fund.rate_e12 == -3 && !price_given(fund.mark) && fund.before_match);
    fund = wire_frame_funding(&f, 1);
    assert_true(fund.series == 8 && !fund.before_match);
    f = next(&b, &at);
    assert_true(f.type == WIRE_SERIES_CLOSE && f.series_id == 7);
    f = next(&b, &at);
    assert_true(f.type == WIRE_BOOKS && f.bot == 9 && f.text_len == 5 && memcmp(f.text, "books", 5) == 0);
    f = next(&b, &at);
    assert_true(f.type == WIRE_RESTORE && f.bot == 9 && f.command.id == c.id);
    assert_int_equal(next(&b, &at).token, 1);
    f = next(&b, &at);
    struct wire_signal signal;
  struct wire_reload reload;
    wire_frame_signal(&f, &signal);
    assert_true(f.bot == 9 && texts_equal(signal.id, "s1") && texts_equal(signal.action, "buy") && texts_equal(signal.raw, "") && !signal.key.text);
    assert_true(signal.size == 1.5 && isnan(signal.price) && signal.ts_ns == 76);
    f = next(&b, &at);
    assert_true(f.type == WIRE_PARAMS && f.bot == 9 && f.time_ns == 77 && texts_equal(wire_text(f.text, f.text_len), "{}"));
    f = next(&b, &at);
    assert_true(f.type == WIRE_IMPOSE && f.bot == 9 && f.command.id == c.id);
    f = next(&b, &at);
    const struct risk_limits *l = &f.limits;
    assert_true(f.type == WIRE_LIMITS && f.bot == 9 && l->max_open == 7 && l->max_order_e8 == 1 && l->max_position_e8 == 2 && l->collar_frac_e8 == 3);
    assert_true(l->day_loss_e8 == 4 && l->drawdown_e8 == 5 && l->rate_count == 6 && l->rate_window_ns == 8);
    f = next(&b, &at);
    assert_true(f.type == WIRE_RISK && f.bot == 9 && f.code == REASON_PROP_RULE && f.limit == 5 && isnan(f.value) && f.time_ns == 78);
    f = next(&b, &at);
    assert_true(f.type == WIRE_DIGEST && f.bot == 9);
    f = next(&b, &at);
    assert_true(f.type == WIRE_BOT_STOP && f.bot == 9 && f.time_ns == 77 && f.text_len == 4);
    f = next(&b, &at);
    assert_true(f.type == WIRE_CALL && f.bot == 9);
    f = next(&b, &at);
    assert_true(f.type == WIRE_TICK && f.bot == 9 && f.tick.symbol == 3 && f.tick.trades == 5 && f.tick.time_ns == 80 && f.tick.price == 1.5 && f.tick.volume == 0.25);
    assert_true(isnan(f.tick.bid) && f.tick.ask == 1.75);

    f = next(&b, &at);
    assert_true(f.bot == 9 && f.status == ERR_BUDGET && f.line == 14 && f.gone && f.text_len == 6);
    f = next(&b, &at);
    assert_true(f.type == WIRE_COMMAND && f.bot == 9);
    // Every field: what was read writes the same bytes.
    buf_clear(&again);
    wire_put_command(&again, 9, &f.command);
    assert_memory_equal(again.data, b.data + at - again.len, again.len);
    assert_true(f.command.kind == c.kind && f.command.id == c.id && f.command.intent.limit.ticks == c.intent.limit.ticks && f.command.intent.side == c.intent.side);
    assert_true(f.command.qty.lots == c.qty.lots && f.command.change.tp.ticks == c.change.tp.ticks && f.command.why == c.why && f.command.intent.tag == c.intent.tag);
    buf_finish(&again);
    f = next(&b, &at);
    assert_true(f.type == WIRE_LOG && f.bot == 9 && f.time_ns == 77 && f.level == LOG_WARN && texts_equal(wire_text(f.text, f.text_len), "hm"));
    f = next(&b, &at);
    assert_true(f.type == WIRE_PLOT && f.bot == 9 && f.time_ns == 77 && f.value == 1.25 && texts_equal(wire_text(f.text, f.text_len), "fast"));
    f = next(&b, &at);
    assert_true(f.type == WIRE_MARK && f.time_ns == 77 && texts_equal(wire_text(f.text, f.text_len), "here"));
    f = next(&b, &at);
    assert_true(f.type == WIRE_NOTIFY && f.time_ns == 77 && texts_equal(wire_text(f.text, f.text_len), "look"));
    f = next(&b, &at);
    assert_true(f.type == WIRE_DENIED && f.code == REASON_MARGIN && f.limit == 5 && isnan(f.value) && texts_equal(wire_text(f.text, f.text_len), "too much"));
    f = next(&b, &at);
    assert_true(f.time_ns == 77 && f.bots_run == 50 && f.bots_failed == 2);
    assert_int_equal(next(&b, &at).token, 1);
    f = next(&b, &at);
    struct wire_opened opened;
    wire_frame_opened(&f, &opened);
    assert_true(f.bot == 9 && opened.callbacks == 6 && opened.warmup == 20 && opened.lookback == 512 && opened.warm && opened.timer_next_ns == INT64_MAX);
    assert_int_equal(strspn(opened.spec_sha256, "a"), 64);
    assert_int_equal(strspn(opened.hash, "0"), 64);
    f = next(&b, &at);
    assert_true(f.type == WIRE_STATE && f.bot == 9 && texts_equal(wire_text(f.text, f.text_len), "{}") && f.memory.len == 1);
    f = next(&b, &at);
    assert_true(f.type == WIRE_TAG && f.bot == 9 && f.tag == 16 && texts_equal(wire_text(f.text, f.text_len), "entry"));
    f = next(&b, &at);
    assert_true(f.type == WIRE_ANSWER && f.to == WIRE_PARAMS && f.status == ERR_RANGE && f.text_len == 6);
    f = next(&b, &at);
    assert_true(f.type == WIRE_HASH && f.bot == 9 && f.text_len == 64);
    f = next(&b, &at);
    assert_true(f.type == WIRE_TIMER && f.bot == 9 && f.time_ns == 78);
    f = next(&b, &at);
    wire_frame_reload(&f, &reload);
    assert_true(f.type == WIRE_RELOAD && f.bot == 9 && reload.bot == 9 && reload.version == 3 && reload.history == 1024 && reload.seed == 5 && reload.limits.heap_bytes == 1 << 20);
    assert_true(texts_equal(reload.chunkname, "v3.lua") && texts_equal(reload.source, "-- s") && texts_equal(reload.params, "{}") && texts_equal(reload.from, "2"));
    f = next(&b, &at);
    assert_true(f.type == WIRE_RELOADED && f.bot == 9 && f.version == 3 && f.stage == RELOAD_FAILED && f.status == ERR_SCRIPT && f.callbacks == 5 && f.text_len == 2);
    assert_int_equal(next(&b, &at).type, WIRE_WHOLE);
    assert_int_equal(at, b.len);
    buf_finish(&b);
    seed = begun;
  }
}

static void look_at_all(const struct wire_frame *f) {
  struct wire_open open;
  struct wire_opened opened;
  struct wire_signal signal;
  struct wire_reload reload;
  for (size_t i = 0; i < f->bar_count; i++) (void)wire_frame_bar(f, i);
  for (size_t i = 0; i < f->funding_count; i++) (void)wire_frame_funding(f, i);
  if (f->type == WIRE_BOT_OPEN) wire_frame_open(f, &open);
  if (f->type == WIRE_OPENED) wire_frame_opened(f, &opened);
  if (f->type == WIRE_SIGNAL) wire_frame_signal(f, &signal);
  if (f->type == WIRE_RELOAD) wire_frame_reload(f, &reload);
}

// Cut anywhere a frame is not whole; with a wrong length inside, or any byte changed, it is refused or read, never worse.
static void hostile_bytes(void **state) {
  (void)state;
  struct series s = example_series();
  seed = 3;
  struct bot_command c = any_command();
  struct wire_bar bars[2] = {{1, any_bar()}, {2, any_bar()}};
  struct buf b;
  buf_init(&b, 1 << 16);
  put_all(&b, &s, &c, bars);
  int refused = 0;
  for (size_t at = 0; at < b.len;) {
    struct wire_frame f;
    struct err err;
    size_t used, len, start = at;
    next(&b, &at);
    len = at - start;
    unsigned char *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, b.data + start, len);
    for (size_t n = 0; n < len; n++) {
      unsigned char *cut = malloc(n ? n : 1);  // a block of its own, so that a sanitizer sees a read past its end
      assert_non_null(cut);
      memcpy(cut, copy, n);
      assert_int_equal(wire_read(cut, n, &f, &used, &err), OK);
      assert_int_equal(used, 0);
      if (n >= WIRE_HEAD) {  // and said to be that short: its contents do not fit
        cut[0] = (unsigned char)(n - WIRE_HEAD), cut[1] = (unsigned char)((n - WIRE_HEAD) >> 8), cut[2] = cut[3] = 0;
        assert_int_equal(wire_read(cut, n, &f, &used, &err), ERR_INVALID);
        assert_true(strlen(err.msg) > 0);
      }
      free(cut);
      for (int bit = 0; bit < 8; bit++) {
        copy[n] ^= (unsigned char)(1 << bit);
        if (wire_read(copy, len, &f, &used, &err) != OK) refused++;
        else if (used) look_at_all(&f);
        copy[n] ^= (unsigned char)(1 << bit);
      }
    }
    free(copy);
  }
  assert_true(refused > 100);
  buf_finish(&b);
}

static void long_history_is_split(void **state) {
  (void)state;
  size_t count = WIRE_BARS_MAX + 3, seen = 0, at = 0, frames = 0;
  struct bar *bars = calloc(count, sizeof *bars);
  assert_non_null(bars);
  for (size_t i = 0; i < count; i++) bars[i].open_ns = (int64_t)i;
  struct buf b;
  buf_init(&b, 2 << 20);
  wire_put_series_bars(&b, 1, bars, count);
  assert_false(b.failed);
  for (; at < b.len; frames++) {
    struct wire_frame f = next(&b, &at);
    for (size_t i = 0; i < f.bar_count; i++) assert_int_equal(wire_frame_bar(&f, i).bar.open_ns, seen++);
  }
  assert_int_equal(seen, count);
  assert_int_equal(frames, 2);
  buf_finish(&b);
  free(bars);
}

// However the bytes come, and wherever they end: nothing is taken but what stands before a WHOLE.
static void turns_are_whole(void **state) {
  (void)state;
  struct buf b;
  struct err err;
  buf_init(&b, 1 << 16);
  size_t ends[3] = {0};
  for (int turn = 1; turn <= 2; turn++) {
    wire_put_log(&b, 9, 77, LOG_INFO, "half of it");
    wire_put_state(&b, 9, wire_text("{}", 2), wire_text("", 0));
    wire_put_whole(&b);
    ends[turn] = b.len;
  }
  wire_put_log(&b, 9, 77, LOG_INFO, "cut off");
  for (size_t piece = 1; piece <= b.len; piece += 1 + piece / 4) {
    size_t looked = 0, end = 0;
    for (size_t n = 0; n < b.len;) {
      n = n + piece < b.len ? n + piece : b.len;
      assert_int_equal(wire_whole(b.data, n, &looked, &end, &err), OK);
      assert_int_equal(end, n < ends[1] ? 0 : n < ends[2] ? ends[1] : ends[2]);
      assert_true(looked >= end && looked <= n);
    }
    assert_int_equal(looked, b.len);
  }
  b.data[ends[2] + 4] = 127;  // no such frame
  size_t looked = 0, end = 0;
  assert_int_equal(wire_whole(b.data, b.len, &looked, &end, &err), ERR_INVALID);
  buf_finish(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(hostile_bytes), cmocka_unit_test(long_history_is_split), cmocka_unit_test(turns_are_whole)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
