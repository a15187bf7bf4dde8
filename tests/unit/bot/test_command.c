// tests/unit/bot/test_command.c – commands that come from a process which is not believed: whatever passes command_valid() keeps
// every invariant of the matcher, and what could not have come from a desk does not pass.
#include "bot/blotter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t rng;
static uint64_t rnd(uint64_t n) {
  rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
  return rng % n;
}

static void count_fill(void *self, const struct fill *f) {
  (void)f;
  ++*(int *)self;
}
static int fills;

static struct blotter *make(enum fill_model model, bool hedging, int64_t latency_ns) {
  struct match_symbol_config symbols[2];
  struct instrument inst = {.symbol = "BTCUSDT", .tick = {1, 1}, .lot = {1, 3}, .multiplier = {1, 0}};
  struct err err;
  if (instrument_finish(&inst, &err) != OK) fail_msg("%s", err.msg);
  for (int i = 0; i < 2; i++) match_symbol_config_init(&symbols[i], &inst);
  struct blotter_config c = {.symbols = symbols, .symbol_count = 2, .observer = {.self = &fills, .fill = count_fill}};
  match_config_init(&c.match, (cash){1000000 * CASH_ONE});
  c.match.model = model, c.match.hedging = hedging, c.match.latency_ns = latency_ns;
  struct blotter *b;
  if (blotter_create(&c, &b, &err) != OK) fail_msg("%s", err.msg);
  return b;
}

// Mostly near what makes sense, now and then anything.
static int64_t number(int64_t sane) {
  switch (rnd(80)) {
    case 0: return (int64_t)rng;
    case 1: return INT64_MAX - (int64_t)rnd(3);
    case 2: return -(int64_t)rnd(1000);
    case 3: return 0;
    default: return (int64_t)rnd((uint64_t)sane) + 1;
  }
}
static price a_price(void) { return rnd(3) ? NO_PRICE : (price){rnd(4) ? 49000 + (int64_t)rnd(2000) : number(100000)}; }

static struct bot_command any(const struct matcher *m, int64_t now_ns) {
  struct bot_command c = {.kind = (enum command_kind)rnd(COMMAND_KIND_COUNT + (rnd(50) == 0)), .time_ns = now_ns, .id = rnd(matcher_order_last(m) + 4)};
  for (uint64_t id = c.id; c.kind == COMMAND_SUBMIT && id > 0 && id + 8 > c.id; id--)
    if (matcher_id_open(m, id)) c.id = id;
  if (c.kind == COMMAND_RESERVE) c.id = matcher_order_last(m) + rnd(6) - (rnd(9) == 0);
  intent_init(&c.intent, 0, SIDE_BUY);
  struct intent *in = &c.intent;
  in->symbol = rnd(20) ? (int)rnd(2) : (int)rng, in->side = rnd(20) ? (rnd(2) ? SIDE_BUY : SIDE_SELL) : (enum side)rnd(5);
  in->type = (enum order_type)(rnd(6) - (rnd(40) == 0)), in->tif = (enum order_tif)rnd(6), in->leg = (enum leg)(rnd(20) ? matcher_config(m)->hedging * (1 + rnd(2)) : rnd(4)), in->size_kind = (enum size_kind)rnd(6);
  in->post = rnd(2), in->reduce = rnd(3) == 0;
  in->size = number(100000), in->limit = a_price(), in->trigger = a_price(), in->sl = a_price(), in->tp = a_price();
  in->trail_ticks = rnd(4) ? 0 : number(100), in->trail_frac_e8 = rnd(4) ? 0 : number(1000000), in->tp_r_e6 = rnd(4) ? 0 : number(3000000);
  in->expires_ns = in->tif != TIF_GTD ? 0 : rnd(20) ? now_ns + (int64_t)rnd(UINT64_C(600000000000)) : number(1000);
  in->oco = rnd(3) ? 0 : rnd(matcher_order_last(m) + 2), in->closes = rnd(5) ? 0 : rnd(matcher_order_last(m) + 2), in->tag = (uint32_t)rnd(30);
  c.qty.lots = number(5000);
  order_change_init(&c.change);
  c.change.limit = a_price(), c.change.trigger = a_price(), c.change.sl = a_price(), c.change.tp = a_price();
  c.change.sl_none = rnd(5) == 0, c.change.tp_none = rnd(5) == 0;
  c.change.qty.lots = rnd(3) ? 0 : number(5000), c.change.trail_ticks = rnd(6) ? 0 : number(100), c.change.trail_frac_e8 = rnd(6) ? 0 : number(1000);
  c.why = (enum reason)rnd(REASON_COUNT + 2);
  return c;
}

static void storm(uint64_t seed, enum fill_model model, bool hedging, int64_t latency_ns, int *taken, int *refused) {
  rng = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
  struct blotter *b = make(model, hedging, latency_ns);
  int64_t now_ns = 0, last = 50000;
  struct err err;
  for (int step = 0; step < 300; step++) {
    now_ns += 60 * NS_PER_S;
    struct bar bars[2];
    struct instant_match match[2];
    int64_t close = last + (int64_t)rnd(400) - (last < 50000 ? 180 : 220);
    for (int i = 0; i < 2; i++) {
      int64_t high = (last > close ? last : close) + (int64_t)rnd(100), low = (last < close ? last : close) - (int64_t)rnd(100);
      bars[i] = (struct bar){.open_ns = now_ns - 60 * NS_PER_S, .open = {last}, .high = {high}, .low = {low}, .close = {close}, .volume = -1};
      match[i] = (struct instant_match){.symbol = i, .bar = {.bar = &bars[i], .close_ns = now_ns}};
    }
    last = close;
    struct instant in = {.now_ns = now_ns, .match = match, .match_count = 2};
    if (blotter_market(b, &in, &err) != OK) break;  // an amount beyond 64 bits ends the bot, not the process
    for (int i = 0; i < 6; i++) {
      struct bot_command c = any(blotter_matcher(b), now_ns);
      const char *why = NULL;
      bool valid = command_valid(blotter_matcher(b), &c, &why);
      assert_true(valid == !why);
      if (valid) blotter_command(b, &c);
      valid ? ++*taken : ++*refused;
    }
    matcher_check(blotter_matcher(b));
  }
  blotter_destroy(b);
}

static void nothing_breaks_a_blotter(void **state) {
  (void)state;
  static const enum fill_model models[] = {MODEL_STRICT, MODEL_CLASSIC, MODEL_COMPAT_BACKTESTING, MODEL_COMPAT_BACKTRADER};
  int taken = 0, refused = 0;
  for (uint64_t seed = 1; seed <= 90; seed++) storm(seed, models[seed % 4], seed % 4 < 2 && seed % 3 == 0, seed % 5 ? 0 : 90 * NS_PER_S, &taken, &refused);

  assert_true(taken > 50000 && refused > 10000 && fills > 1000);
}

static void what_no_desk_would_send(void **state) {
  (void)state;
  struct blotter *b = make(MODEL_STRICT, false, 0);
  struct matcher *m = blotter_matcher(b);
  struct bot_command good = {.kind = COMMAND_RESERVE, .time_ns = 1, .id = 2};
  assert_true(command_valid(m, &good, NULL));
  blotter_command(b, &good);
  assert_int_equal(matcher_order_last(m), 2);
  assert_false(command_valid(m, &good, NULL));  // taken already
  good.id = 2 + COMMAND_RESERVE_MAX + 1;
  assert_false(command_valid(m, &good, NULL));
  good = (struct bot_command){.kind = COMMAND_SUBMIT, .time_ns = 1, .id = 2, .qty = {5}};
  intent_init(&good.intent, 0, SIDE_BUY);
  good.intent.size = 5;
  assert_true(command_valid(m, &good, NULL));

#define REFUSED(change)                          \
  do {                                           \
    struct bot_command c = good;                 \
    const char *why = NULL;                      \
    change;                                      \
    assert_false(command_valid(m, &c, &why));    \
    assert_non_null(why);                        \
  } while (0)
  REFUSED(c.id = 0);
  REFUSED(c.id = 3);
  REFUSED(c.intent.symbol = 2);
  REFUSED(c.intent.symbol = -1);
  REFUSED(c.intent.side = (enum side)0);
  REFUSED(c.intent.type = (enum order_type)9);
  REFUSED(c.intent.tif = (enum order_tif)-1);
  REFUSED(c.intent.leg = LEG_LONG);  // of a netting account
  REFUSED(c.intent.size_kind = (enum size_kind)7);
  REFUSED(c.intent.size = -1);
  REFUSED(c.intent.limit.ticks = -5);
  REFUSED(c.qty.lots = 0);
  REFUSED(c.time_ns = -1);
  REFUSED(c.kind = COMMAND_KIND_COUNT);
  REFUSED((c.kind = COMMAND_CANCEL, c.why = REASON_NONE));
  REFUSED((c.kind = COMMAND_CANCEL, c.why = REASON_COUNT));

  blotter_command(b, &good);
  assert_false(command_valid(m, &good, NULL));  // an id is used once
  good.id = 1;
  assert_true(command_valid(m, &good, NULL));   // a hole may be filled later: ids are given out in one callback, in any order used
  blotter_destroy(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_breaks_a_blotter),
      cmocka_unit_test(what_no_desk_would_send),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
