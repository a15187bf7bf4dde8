// tests/unit/bot/test_host_words.c – what the core may say to a host besides bars, and what it may not.
#include "host_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- what else the core says

static void signals_parameters_timers_and_stop(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, 40);
  core_bot_add(&r.core, 1, "strategy{ name='t', api=1, params={n=int{1,min=0,max=9,live=true}, fixed=int{1}} }\n"
               "function on_init(ctx) ctx:timer{name='t', every='5m'} end\n"
               "function on_signal(ctx, s) ctx.state.signal = s.action .. (s.price or 'none') .. (s.raw or '') end\n"
               "function on_timer(ctx, name) ctx.state.timers = (ctx.state.timers or 0) + 1 end\n"
               "function on_params(ctx, old) ctx.state.params = old.n .. ctx.p.n; ctx:buy{qty=0.1, tag='p'} end\n"
               "function on_order(ctx, e) if e.reason == 'HALTED' then ctx.state.halted = e.id end end\n"
               "function on_bar(ctx) for i = 1, 300 do ctx:log('info', i) end ctx:plot('n', ctx.p.n) end\n"
               "function on_stop(ctx, why) ctx:close{} ctx.state.stop = why end");
  struct core_bot *b = core_bot_add(&r.core, 2, HEAD "function on_bar(ctx) ctx.state.f = on_bar end");
  b = &r.core.bots[0];
  b->params = "{\"n\": 2}";
  rig_open_bots(&r);
  rig_instants(&r, 3);
  assert_true(b->logs == 3 * 101 && strstr(b->log_text, "200 more") && b->plots == 3);
  assert_true(r.core.timer_next_ns % (5 * NS_PER_MINUTE) == 0 && r.core.timer_next_ns > r.core.done_ns);
  assert_true(r.core.bots[1].faults == 1 && strstr(r.core.bots[1].fault_text, "ctx.state.f is a function"));  // told once

  struct wire_signal signal = {.action = {"buy", 3}, .price = 12.5, .size = 0, .sl = 0, .tp = 0, .ts_ns = 5};
  wire_put_signal(&r.to, 1, &signal);
  wire_put_params(&r.to, 1, 0, wire_text("{\"n\": 10}", 9), wire_text(NULL, 0));
  rig_talk(&r);
  assert_true(b->answers == 1 && b->answer == ERR_RANGE && b->answer_to == WIRE_PARAMS);
  wire_put_params(&r.to, 1, 0, wire_text("{\"fixed\": 2}", 12), wire_text(NULL, 0));
  rig_talk(&r);
  assert_int_equal(b->answers, 1);  // decided by the script's header in the instant
  rig_instants(&r, 1);
  assert_true(b->answers == 2 && b->answer == ERR_INVALID);
  wire_put_params(&r.to, 1, 0, wire_text("{\"n\": 3}", 8), wire_text(NULL, 0));
  wire_put_signal(&r.to, 1, &signal);
  rig_instants(&r, 6);
  assert_true(b->answers == 3 && b->answer == OK && b->tags == 1);
  assert_int_equal(b->answers_at_order, 3);  // the answer comes before the orders of on_params
  assert_true(strstr(b->state.data, "\"params\":\"23\"") && strstr(b->state.data, "\"signal\":\"buy12.5\"") && strstr(b->state.data, "\"timers\":"));
  rig_same_hashes(&r);

  // A command of the core's reaches the script in the next instant, and both books at once.
  uint64_t last = matcher_order_last(blotter_matcher(b->blotter));
  struct bot_command c = {.kind = COMMAND_RESERVE, .time_ns = r.core.done_ns, .id = last + 1};
  intent_init(&c.intent, 0, SIDE_BUY);
  blotter_command(b->blotter, &c);
  wire_put_impose(&r.to, 1, &c);
  c.kind = COMMAND_SUBMIT, c.qty.lots = 5, c.intent.type = ORDER_LIMIT, c.intent.limit = (price){1000}, c.intent.size = 5;
  blotter_command(b->blotter, &c);
  wire_put_impose(&r.to, 1, &c);
  c.kind = COMMAND_CANCEL, c.why = REASON_HALTED;
  blotter_command(b->blotter, &c);
  wire_put_impose(&r.to, 1, &c);
  wire_put_bot_stop(&r.to, 1, 0, "tired");
  rig_instants(&r, 1);
  char halted[40];
  snprintf(halted, sizeof halted, "\"halted\":%llu", (unsigned long long)last + 1);
  assert_non_null(strstr(b->state.data, halted));
  assert_true(b->answers == 4 && b->answer == OK && b->answer_to == WIRE_BOT_STOP && strstr(b->state.data, "\"stop\":\"tired\""));
  rig_instants(&r, 3);
  rig_same_hashes(&r);
  // One that does not fit: the copies are no longer the same, so the bot is gone.
  c.id = 999;
  c.kind = COMMAND_SUBMIT;
  wire_put_impose(&r.to, 1, &c);
  wire_put_ping(&r.to, 77);
  rig_talk(&r);
  assert_true(b->gone && b->fault == ERR_INVALID && r.core.pong == 77);
  rig_close(&r);
}

// A bot of another timeframe with a timer: it runs in no instant that has only others' bars, for the core's books of it would not be ready;
// called to one, it does.
static void only_those_run_for_whom_the_core_is_ready(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, 300);
  core_bot_add(&r.core, 1, HEAD "function on_bar(ctx) end");
  core_bot_add(&r.core, 2, HEAD "function on_bar(ctx) ctx:timer{name='t', every='5m'} end\n"
               "function on_timer(ctx) ctx.state.fired = ctx.now end\n"
               "function on_signal(ctx, s) ctx.state.signal = ctx.now end");
  core_put_open(&r.core, &r.core.bots[0], &r.to);
  struct series hourly = r.core.data;
  hourly.timeframe_ns = 60 * NS_PER_MINUTE;
  wire_put_series_open(&r.to, 8, &hourly);
  struct buf open;
  buf_init(&open, 1 << 20);
  core_put_open(&r.core, &r.core.bots[1], &open);
  struct wire_frame f;
  size_t used;
  struct err err;
  rig_must(wire_read(open.data, open.len, &f, &used, &err), &err);
  struct wire_open o;
  wire_frame_open(&f, &o);
  o.streams[0].series = o.symbols[0].series = 8;
  wire_put_bot_open(&r.to, &o);
  buf_finish(&open);
  rig_talk(&r);
  r.core.books = false;  // this test keeps none
  int64_t hour_ns = 60 * NS_PER_MINUTE, first_ns = r.core.data.bars[0].open_ns;
  rig_instants(&r, 59);
  struct wire_bar bars[2] = {{CORE_SERIES, r.core.data.bars[59]}, {8, r.core.data.bars[0]}};
  wire_put_instant(&r.to, 4, first_ns + hour_ns, bars, 2, NULL, 0);
  rig_talk(&r);
  assert_int_equal(r.core.run, 2);
  assert_int_equal(r.core.timer_next_ns, first_ns + hour_ns + 5 * NS_PER_MINUTE);
  struct wire_signal signal = {.action = {"buy", 3}, .ts_ns = 5};
  wire_put_signal(&r.to, 2, &signal);
  for (int i = 60; i < 65; i++) {
    struct wire_bar bar = {CORE_SERIES, r.core.data.bars[i]};
    wire_put_instant(&r.to, 4, bar.bar.open_ns + NS_PER_MINUTE, &bar, 1, NULL, 0);
    rig_talk(&r);
    assert_int_equal(r.core.run, 1);
  }
  int64_t now_ns = first_ns + hour_ns + 5 * NS_PER_MINUTE + 1;
  wire_put_instant(&r.to, 4, now_ns, NULL, 0, NULL, 0);  // it is due, but the core's books are not ready
  rig_talk(&r);
  assert_int_equal(r.core.run, 0);
  wire_put_call(&r.to, 77);  // one that is not here
  wire_put_call(&r.to, 2);
  wire_put_instant(&r.to, 4, ++now_ns, NULL, 0, NULL, 0);
  rig_talk(&r);
  assert_int_equal(r.core.run, 1);
  wire_put_instant(&r.to, 4, ++now_ns, NULL, 0, NULL, 0);  // a call is for one instant
  rig_talk(&r);
  assert_int_equal(r.core.run, 0);
  assert_true(strstr(r.core.bots[1].state.data, "\"fired\":") && strstr(r.core.bots[1].state.data, "\"signal\":"));
  assert_int_equal(r.core.timer_next_ns, first_ns + hour_ns + 10 * NS_PER_MINUTE);
  rig_close(&r);
}

// Old bars go, what scripts may look at stays, and a script that keeps a bar for ever reads nothing.
static void old_bars_are_forgotten(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, 3000);
  core_bot_add(&r.core, 1, "strategy{ name='t', api=1, lookback=50, ind={ s={'sma', 40} } }\n"
               "local first, sum, n = nil, 0, 0\n"
               "function on_bar(ctx, bar) n = n + 1; if n == 300 then first = ctx:bars()[0] end\n"
               "  sum = 0; for k = 0, 49 do sum = sum + (ctx:bars().close[k] or 0) end\n"
               "  ctx.state.sum, ctx.state.first = sum, first and first.close end");
  rig_open_bots(&r);
  rig_instants(&r, 2000);
  char before[200];
  snprintf(before, sizeof before, "%s", r.core.bots[0].state.data);
  wire_put_series_trim(&r.to, CORE_SERIES, INT64_MAX);  // more than may go
  rig_instants(&r, 1);
  double sum = 0;
  for (size_t k = 0; k < 50; k++) sum += price_double(&r.core.data.inst, r.core.data.bars[r.core.shown - 1 - k].close);
  char want[100];
  snprintf(want, sizeof want, "{\"first\":0.0,\"sum\":%.17g", sum);
  assert_memory_equal(r.core.bots[0].state.data, want, 24);
  assert_true(strstr(before, "\"first\":0.0") == NULL);
  rig_instants(&r, 500);
  rig_same_hashes(&r);
  rig_close(&r);
}

// A bot comes to a host whose series began too late for it: its history stands in until it is open.
static void history_stands_in(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, 700);
  struct core_bot *b = core_bot_add(&r.core, 1, "strategies/sma_cross.lua");
  (void)b;
  rig_open_bots(&r);
  rig_instants(&r, 400);
  host_feed_destroy(r.feed);
  struct err err;
  struct host_feed_config config = {.watchdog = r.dog};
  rig_must(host_feed_create(&config, &r.feed, &err), &err);
  b = &r.core.bots[0];
  struct series s = r.core.data;
  wire_put_series_open(&r.to, CORE_SERIES, &s);
  wire_put_series_bars(&r.to, CORE_SERIES, s.bars + 390, 10);  // all that it has
  wire_put_series_open(&r.to, 99, &s);
  wire_put_series_bars(&r.to, 99, s.bars, 400);
  struct buf open;
  buf_init(&open, 1 << 20);
  core_put_open(&r.core, b, &open);
  struct wire_frame f;
  size_t used;
  rig_must(wire_read(open.data, open.len, &f, &used, &err), &err);
  struct wire_open o;
  wire_frame_open(&f, &o);
  o.streams[0].history = o.symbols[0].history = 99;
  wire_put_bot_open(&r.to, &o);
  buf_add(&r.to, open.data + used, open.len - used);
  wire_put_series_close(&r.to, 99);
  rig_talk(&r);
  assert_true(b->opened);
  rig_instants(&r, 300);
  rig_same_hashes(&r);
  assert_true(b->faults == 0 && host_feed_stats(r.feed).series == 1);
  buf_finish(&open);
  rig_close(&r);
}

// ---- nonsense

static void refused(struct rig *r, const char *words) {
  struct err err;
  assert_int_equal(host_feed_bytes(r->feed, r->to.data, r->to.len, &err), ERR_INVALID);
  if (!strstr(err.msg, words)) fail_msg("\"%s\" is not in \"%s\"", words, err.msg);
  host_feed_destroy(r->feed);
  buf_clear(&r->to);
  r->core.shown = 0;
  for (int i = 0; i < r->core.bot_count; i++) r->core.bots[i].opened = r->core.bots[i].gone = false;
  rig_feed(r);
}

static void nonsense_is_refused(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, 40);
  struct wire_bar bar = {CORE_SERIES, r.core.data.bars[0]};
  int64_t now_ns = bar.bar.open_ns + NS_PER_MINUTE;
  core_bot_add(&r.core, 1, "strategies/sma_cross.lua");
  for (int i = 0; i < 2; i++) wire_put_instant(&r.to, 0, now_ns, &bar, 1, NULL, 0);
  refused(&r, "series 7");
  wire_put_instant(&r.to, 0, now_ns + 1, &bar, 1, NULL, 0);
  refused(&r, "does not end at the instant");
  wire_put_series_open(&r.to, CORE_SERIES, &r.core.data);
  refused(&r, "open already");
  for (int i = 0; i < 2; i++) core_put_open(&r.core, &r.core.bots[0], &r.to);
  refused(&r, "open already");
  core_put_open(&r.core, &r.core.bots[0], &r.to);
  wire_put_series_close(&r.to, CORE_SERIES);
  refused(&r, "while bots look at it");
  core_put_open(&r.core, &r.core.bots[0], &r.to);
  wire_put_series_bars(&r.to, CORE_SERIES, r.core.data.bars, 3);
  refused(&r, "while bots look at it");
  wire_put_series_bars(&r.to, 8, r.core.data.bars, 3);
  refused(&r, "not open");
  wire_put_restore(&r.to, 1, &(struct bot_command){.kind = COMMAND_MARK});
  refused(&r, "not being opened");
  wire_put_books(&r.to, 1, "books", 5);
  refused(&r, "not being opened");
  wire_put_done(&r.to, 1, 1, 1);
  refused(&r, "only a host sends");
  buf_add(&r.to, "\xff\xff\xff\xff\xff", 5);
  refused(&r, "unknown type");
  // About bots that are not there: not the host's fault, for both may have crossed.
  wire_put_impose(&r.to, 5, &(struct bot_command){.kind = COMMAND_MARK});
  wire_put_digest(&r.to, 5);
  wire_put_bot_close(&r.to, 5, "");
  wire_put_series_trim(&r.to, 55, 5);
  rig_talk(&r);
  // A series that the bot names and nobody opened, a stream too many, a stranger's past: the bot's, not the host's.
  struct core_bot *b = &r.core.bots[0];
  struct bot_command stranger = {.kind = COMMAND_CANCEL, .id = 5};
  b->journal = malloc(sizeof stranger);
  assert_non_null(b->journal);
  *b->journal = stranger;
  b->journal_count = b->journal_cap = 1;
  core_put_open(&r.core, b, &r.to);
  rig_talk(&r);
  assert_true(b->gone && b->fault == ERR_INVALID && strstr(b->fault_text, "does not fit"));
  rig_close(&r);
}

// Frames with any bits changed: refused or done, never worse. What is cut is waited for.
static void hostile_bytes(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, 20);
  core_bot_add(&r.core, 1, "strategies/sma_cross.lua");
  core_bot_add(&r.core, 2, HEAD "function on_bar(ctx, bar) ctx:buy{qty=0.01, sl=bar.close*0.99} ctx.state.n = (ctx.state.n or 0) + 1 end");
  core_put_open(&r.core, &r.core.bots[0], &r.to);
  core_put_open(&r.core, &r.core.bots[1], &r.to);
  for (int i = 0; i < 20; i++) core_put_instant(&r.core, &r.to);
  host_feed_destroy(r.feed);
  char *bytes = malloc(r.to.len);
  assert_non_null(bytes);
  uint64_t seed = 3;
  int refusals = 0;
  for (int round = 0; round < 300; round++) {
    struct err err;
    struct host_feed_config config = {.watchdog = r.dog};
    rig_must(host_feed_create(&config, &r.feed, &err), &err);
    memcpy(bytes, r.to.data, r.to.len);
    for (int k = 0; k < 1 + round % 4; k++) {
      seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
      bytes[(seed >> 20) % r.to.len] ^= (char)(1 << (seed >> 8) % 8);
    }
    enum status st = OK;
    for (size_t at = 0; st == OK && at < r.to.len;) {
      seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
      size_t n = 1 + (seed >> 40) % 3000;
      if (n > r.to.len - at) n = r.to.len - at;
      st = host_feed_bytes(r.feed, bytes + at, n, &err);
      buf_clear(host_feed_out(r.feed));
      at += n;
    }
    refusals += st != OK;
    host_feed_destroy(r.feed);
  }
  assert_true(refusals > 20);
  r.feed = NULL;
  free(bytes);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(signals_parameters_timers_and_stop),
      cmocka_unit_test(only_those_run_for_whom_the_core_is_ready),
      cmocka_unit_test(old_bars_are_forgotten),
      cmocka_unit_test(history_stands_in),
      cmocka_unit_test(nonsense_is_refused),
      cmocka_unit_test(hostile_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
