// tests/unit/bot/test_host_feed.c – a host fed by hand: what it does is what the core's books say, over restarts too, and neither a
// failing script nor nonsense from the core takes others with it.
#include "bot/host_feed.h"

#include "host_core.h"
#include "loop/clock.h"
#include "loop/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct rig {
  struct core core;
  struct host_feed *feed;
  struct watchdog *dog;
  struct buf to;  // for the host
};

static void must(enum status st, const struct err *err) {
  if (st != OK) fail_msg("%s", err->msg);
}

static void feed_open(struct rig *r) {
  struct err err;
  struct host_feed_config config = {.watchdog = r->dog, .wall_ns = clock_monotonic_ns, .cpu_ns = clock_thread_cpu_ns};
  must(host_feed_create(&config, &r->feed, &err), &err);
  core_put_hello(&r->core, &r->to);
}

static void rig_open(struct rig *r, size_t bars) {
  struct err err;
  *r = (struct rig){0};
  buf_init(&r->to, 64 << 20);
  must(watchdog_create(&r->dog, &err), &err);
  core_init(&r->core, bars);
  feed_open(r);
}

static void rig_close(struct rig *r) {
  host_feed_destroy(r->feed);
  watchdog_destroy(r->dog);
  core_finish(&r->core);
  buf_finish(&r->to);
}

// Everything that is to be said, both ways.
static void talk(struct rig *r) {
  struct err err;
  must(host_feed_bytes(r->feed, r->to.data, r->to.len, &err), &err);
  buf_clear(&r->to);
  struct buf *out = host_feed_out(r->feed);
  assert_int_equal(core_take(&r->core, out->data, out->len), out->len);
  buf_clear(out);
}

static void instants(struct rig *r, size_t n) {
  for (size_t i = 0; i < n; i++) {
    core_put_instant(&r->core, &r->to);
    talk(r);
    core_end(&r->core);
    assert_true(r->core.done_ns == r->core.data.bars[r->core.shown - 1].open_ns + NS_PER_MINUTE);
  }
}

static void open_all(struct rig *r) {
  for (int i = 0; i < r->core.bot_count; i++) core_put_open(&r->core, &r->core.bots[i], &r->to);
  talk(r);
}

static void same_hashes(struct rig *r) {
  char want[SHA256_HEX_SIZE];
  for (int i = 0; i < r->core.bot_count; i++)
    if (!r->core.bots[i].gone) wire_put_digest(&r->to, r->core.bots[i].id);
  talk(r);
  for (int i = 0; i < r->core.bot_count; i++) {
    if (r->core.bots[i].gone) continue;
    core_hash(&r->core.bots[i], want);
    assert_string_equal(r->core.bots[i].hash, want);
    matcher_check(blotter_matcher(r->core.bots[i].blotter));
  }
}

// The host is gone, and another takes its place.
static void restart(struct rig *r) {
  host_feed_destroy(r->feed);
  feed_open(r);
  open_all(r);
  char want[SHA256_HEX_SIZE];
  for (int i = 0; i < r->core.bot_count; i++) {
    struct core_bot *b = &r->core.bots[i];
    if (!b->opened) fail_msg("bot %llu: %s", (unsigned long long)b->id, b->fault_text);
    core_hash(b, want);
    assert_string_equal(b->as_opened.hash, want);
  }
}

#define HEAD "strategy{ name='t', api=1 }\n"
static const char *const shipped[] = {"strategies/sma_cross.lua", "strategies/ema_dca.lua", "strategies/grid.lua"};
#define SHIPPED 3

// ---- the same as the core's books

static void run_shipped(size_t bars, size_t restart_at, char ret_hashes[SHIPPED][SHA256_HEX_SIZE], int ret_commands[SHIPPED]) {
  struct rig r;
  rig_open(&r, bars);
  for (int i = 0; i < SHIPPED; i++) core_bot_add(&r.core, (uint64_t)i + 1, shipped[i]);
  open_all(&r);
  for (int i = 0; i < SHIPPED; i++) assert_true(r.core.bots[i].opened && !r.core.bots[i].as_opened.warm);
  if (restart_at) {
    instants(&r, restart_at);
    restart(&r);
  }
  instants(&r, bars - restart_at);
  same_hashes(&r);
  for (int i = 0; i < SHIPPED; i++) {
    core_hash(&r.core.bots[i], ret_hashes[i]);
    ret_commands[i] = r.core.bots[i].commands;
    assert_int_equal(r.core.bots[i].faults, 0);
  }
  rig_close(&r);
}

static void what_it_does_is_what_the_books_say(void **state) {
  (void)state;
  char hashes[SHIPPED][SHA256_HEX_SIZE], again[SHIPPED][SHA256_HEX_SIZE];
  int commands[SHIPPED], others[SHIPPED];
  run_shipped(1500, 0, hashes, commands);
  for (int i = 0; i < SHIPPED; i++) assert_true(commands[i] > 20);
  for (size_t at = 300; at < 1500; at += 401) {  // with positions, orders and ladders of every age
    run_shipped(1500, at, again, others);
    for (int i = 0; i < SHIPPED; i++) assert_string_equal(hashes[i], again[i]);
  }
}

// What was filled while no script ran is told when it is back, once.
static void what_was_missed_is_told(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, 40);
  core_bot_add(&r.core, 1, HEAD
               "function on_bar(ctx, bar) local s = ctx.state; s.bars = (s.bars or 0) + 1\n"
               "  if s.bars == 5 then ctx:buy{qty=0.1, tag='in'} end end\n"
               "function on_fill(ctx, f) local s = ctx.state; s.fills = (s.fills or '') .. f.tag .. f.time/1000 .. ';' end\n"
               "function on_init(ctx) ctx.state.inits = (ctx.state.inits or 0) + 1 end");
  open_all(&r);
  instants(&r, 5);
  // Three instants that only the core's books see.
  int64_t seen_ns = r.core.done_ns;
  for (int i = 0; i < 3; i++) {
    core_put_instant(&r.core, &r.to);
    core_end(&r.core);
  }
  buf_clear(&r.to);
  assert_true(strstr(r.core.bots[0].state.data, "\"fills\"") == NULL);
  assert_true(r.core.done_ns == seen_ns);
  restart(&r);
  instants(&r, 10);
  same_hashes(&r);
  char want[200];
  snprintf(want, sizeof want, "{\"bars\":15,\"fills\":\"in%.1f;\",\"inits\":2}", (double)(r.core.data.bars[5].open_ns / NS_PER_MS) / 1000);
  assert_string_equal(r.core.bots[0].state.data, want);
  rig_close(&r);
}

// ---- failing scripts

static void a_failing_callback_leaves_the_books_right(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, 400);
  core_bot_add(&r.core, 1, HEAD
               "local n = 0\n"
               "function on_bar(ctx, bar) n = n + 1\n"
               "  if n % 3 == 0 then ctx:buy{qty=0.01, sl=bar.close*0.99, tp=bar.close*1.01} end\n"
               "  if n % 7 == 0 then ctx:sell{qty=0.01}\n"
               "    error('every seventh') end\n"
               "end\n"
               "function on_order(ctx, e) if n % 5 == 4 then error('on_order') end end");
  core_bot_add(&r.core, 2, "strategies/sma_cross.lua");
  open_all(&r);
  instants(&r, 400);
  same_hashes(&r);
  struct core_bot *b = &r.core.bots[0];
  assert_true(b->faults > 50 && !b->gone && b->fault == ERR_SCRIPT);
  assert_true(b->commands > 100 && r.core.bots[1].commands > 5 && r.core.bots[1].faults == 0);
  assert_true(strstr(b->fault_text, "bot.lua:6: every seventh") ? b->fault_line == 6 : b->fault_line == 8);
  restart(&r);
  rig_close(&r);
}

static void the_spinning_and_the_greedy_are_gone(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, 30);
  core_bot_add(&r.core, 1, HEAD "local n = 0\nfunction on_bar(ctx) n = n + 1; if n == 10 then while true do end end end");
  core_bot_add(&r.core, 2, HEAD "local t = {}\nfunction on_bar(ctx) while true do pcall(function() t[#t+1] = string.rep('x', 10000 + #t) end) end end");
  core_bot_add(&r.core, 3, HEAD "function on_init(ctx) error('no') end\nfunction on_bar(ctx) end");
  core_bot_add(&r.core, 4, "strategies/sma_cross.lua");
  core_bot_add(&r.core, 5, "strategy{ name='broken', api=1 \n x");
  for (int i = 0; i < 5; i++) r.core.bots[i].limits.callback_cpu_ns = 10 * NS_PER_MS;
  open_all(&r);
  assert_true(r.core.bots[4].gone && r.core.bots[4].fault == ERR_SCRIPT && r.core.bots[4].fault_line == 2 && !r.core.bots[4].opened);
  instants(&r, 30);
  assert_true(r.core.bots[0].gone && r.core.bots[0].fault == ERR_BUDGET && r.core.bots[0].faults == 1);
  assert_true(r.core.bots[1].gone && r.core.bots[1].fault == ERR_BUDGET && r.core.bots[1].faults == 1);
  assert_true(!r.core.bots[2].gone && r.core.bots[2].faults == 30);  // what becomes of it is the core's choice
  assert_true(!r.core.bots[3].gone && r.core.bots[3].faults == 0);
  assert_int_equal(r.core.run, 2);
  assert_int_equal(r.core.failed, 1);
  assert_int_equal(host_feed_stats(r.feed).bots, 2);
  same_hashes(&r);
  rig_close(&r);
}

static void a_tenant_shares_memory_and_time(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, 12);
  for (uint64_t id = 1; id <= 6; id++) {
    core_bot_add(&r.core, id, HEAD "local t = {}\nfunction on_bar(ctx) for i = 1, 100 do t[#t+1] = {i} end end");
    r.core.bots[id - 1].tenant = id == 6 ? 2 : 1;
    r.core.bots[id - 1].tenant_memory_bytes = 400 << 10;
  }
  open_all(&r);
  instants(&r, 12);
  int gone = 0;
  for (int i = 0; i < 5; i++) gone += r.core.bots[i].gone && r.core.bots[i].fault == ERR_LIMIT;
  assert_true(gone >= 1 && gone < 5);
  assert_false(r.core.bots[5].gone);
  same_hashes(&r);
  rig_close(&r);

  rig_open(&r, 12);
  for (uint64_t id = 1; id <= 4; id++) {
    core_bot_add(&r.core, id, HEAD "function on_bar(ctx) local n = 0; for i = 1, 300000 do n = n + i end end");
    r.core.bots[id - 1].tenant = id == 4 ? 2 : 1;
    r.core.bots[id - 1].tenant_cpu_ns = NS_PER_MS / 2;
    r.core.bots[id - 1].limits.callback_cpu_ns = 5 * NS_PER_S;
  }
  open_all(&r);
  instants(&r, 12);
  same_hashes(&r);
  assert_int_equal(r.core.bots[0].faults, 0);  // the first to run finds the budget whole
  assert_true(r.core.bots[2].faults > 0 && r.core.bots[2].fault == ERR_BUDGET && !r.core.bots[2].gone);
  assert_int_equal(r.core.bots[3].faults, 0);
  rig_close(&r);
}

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
  open_all(&r);
  instants(&r, 3);
  assert_true(b->logs == 3 * 101 && strstr(b->log_text, "200 more") && b->plots == 3);
  assert_true(r.core.timer_next_ns % (5 * NS_PER_MINUTE) == 0 && r.core.timer_next_ns > r.core.done_ns);
  assert_true(r.core.bots[1].faults == 1 && strstr(r.core.bots[1].fault_text, "ctx.state.f is a function"));  // told once

  struct wire_signal signal = {.action = {"buy", 3}, .price = 12.5, .size = 0, .sl = 0, .tp = 0, .ts_ns = 5};
  wire_put_signal(&r.to, 1, &signal);
  wire_put_params(&r.to, 1, 0, wire_text("{\"n\": 10}", 9));
  talk(&r);
  assert_true(b->answers == 1 && b->answer == ERR_RANGE && b->answer_to == WIRE_PARAMS);
  wire_put_params(&r.to, 1, 0, wire_text("{\"fixed\": 2}", 12));
  talk(&r);
  assert_int_equal(b->answers, 1);  // decided by the script's header in the instant
  instants(&r, 1);
  assert_true(b->answers == 2 && b->answer == ERR_INVALID);
  wire_put_params(&r.to, 1, 0, wire_text("{\"n\": 3}", 8));
  wire_put_signal(&r.to, 1, &signal);
  instants(&r, 6);
  assert_true(b->answers == 3 && b->answer == OK && b->tags == 1);
  assert_true(strstr(b->state.data, "\"params\":\"23\"") && strstr(b->state.data, "\"signal\":\"buy12.5\"") && strstr(b->state.data, "\"timers\":"));
  same_hashes(&r);

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
  instants(&r, 1);
  char halted[40];
  snprintf(halted, sizeof halted, "\"halted\":%llu", (unsigned long long)last + 1);
  assert_non_null(strstr(b->state.data, halted));
  assert_true(b->answers == 4 && b->answer == OK && b->answer_to == WIRE_BOT_STOP && strstr(b->state.data, "\"stop\":\"tired\""));
  instants(&r, 3);
  same_hashes(&r);
  // One that does not fit: the copies are no longer the same, so the bot is gone.
  c.id = 999;
  c.kind = COMMAND_SUBMIT;
  wire_put_impose(&r.to, 1, &c);
  wire_put_ping(&r.to, 77);
  talk(&r);
  assert_true(b->gone && b->fault == ERR_INVALID && r.core.pong == 77);
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
  open_all(&r);
  instants(&r, 2000);
  char before[200];
  snprintf(before, sizeof before, "%s", r.core.bots[0].state.data);
  wire_put_series_trim(&r.to, CORE_SERIES, INT64_MAX);  // more than may go
  instants(&r, 1);
  double sum = 0;
  for (size_t k = 0; k < 50; k++) sum += price_double(&r.core.data.inst, r.core.data.bars[r.core.shown - 1 - k].close);
  char want[100];
  snprintf(want, sizeof want, "{\"first\":0.0,\"sum\":%.17g", sum);
  assert_memory_equal(r.core.bots[0].state.data, want, 24);
  assert_true(strstr(before, "\"first\":0.0") == NULL);
  instants(&r, 500);
  same_hashes(&r);
  rig_close(&r);
}

// A bot comes to a host whose series began too late for it: its history stands in until it is open.
static void history_stands_in(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, 700);
  struct core_bot *b = core_bot_add(&r.core, 1, "strategies/sma_cross.lua");
  (void)b;
  open_all(&r);
  instants(&r, 400);
  host_feed_destroy(r.feed);
  struct err err;
  struct host_feed_config config = {.watchdog = r.dog};
  must(host_feed_create(&config, &r.feed, &err), &err);
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
  must(wire_read(open.data, open.len, &f, &used, &err), &err);
  struct wire_open o;
  wire_frame_open(&f, &o);
  o.streams[0].history = o.symbols[0].history = 99;
  wire_put_bot_open(&r.to, &o);
  buf_add(&r.to, open.data + used, open.len - used);
  wire_put_series_close(&r.to, 99);
  talk(&r);
  assert_true(b->opened);
  instants(&r, 300);
  same_hashes(&r);
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
  feed_open(r);
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
  wire_put_done(&r.to, 1, 1, 1, 1);
  refused(&r, "only a host sends");
  buf_add(&r.to, "\xff\xff\xff\xff\xff", 5);
  refused(&r, "unknown type");
  // About bots that are not there: not the host's fault, for both may have crossed.
  wire_put_impose(&r.to, 5, &(struct bot_command){.kind = COMMAND_MARK});
  wire_put_digest(&r.to, 5);
  wire_put_bot_close(&r.to, 5, "");
  wire_put_series_trim(&r.to, 55, 5);
  talk(&r);
  // A series that the bot names and nobody opened, a stream too many, a stranger's past: the bot's, not the host's.
  struct core_bot *b = &r.core.bots[0];
  struct bot_command stranger = {.kind = COMMAND_CANCEL, .id = 5};
  b->journal = malloc(sizeof stranger);
  assert_non_null(b->journal);
  *b->journal = stranger;
  b->journal_count = b->journal_cap = 1;
  core_put_open(&r.core, b, &r.to);
  talk(&r);
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
    must(host_feed_create(&config, &r.feed, &err), &err);
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
      cmocka_unit_test(what_it_does_is_what_the_books_say),
      cmocka_unit_test(what_was_missed_is_told),
      cmocka_unit_test(a_failing_callback_leaves_the_books_right),
      cmocka_unit_test(the_spinning_and_the_greedy_are_gone),
      cmocka_unit_test(a_tenant_shares_memory_and_time),
      cmocka_unit_test(signals_parameters_timers_and_stop),
      cmocka_unit_test(old_bars_are_forgotten),
      cmocka_unit_test(history_stands_in),
      cmocka_unit_test(nonsense_is_refused),
      cmocka_unit_test(hostile_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
