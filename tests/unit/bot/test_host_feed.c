// tests/unit/bot/test_host_feed.c – a host fed by hand: what it does is what the core's books say, over restarts too, and a failing script
// takes nobody with it.
#include "host_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const shipped[] = {"strategies/sma_cross.lua", "strategies/ema_dca.lua", "strategies/grid.lua"};
#define SHIPPED 3

// ---- the same as the core's books

static void run_shipped(size_t bars, size_t restart_at, char ret_hashes[SHIPPED][SHA256_HEX_SIZE], int ret_commands[SHIPPED]) {
  struct rig r;
  rig_open(&r, bars);
  for (int i = 0; i < SHIPPED; i++) {
    core_bot_add(&r.core, (uint64_t)i + 1, shipped[i]);
    r.core.bots[i].limits.callback_cpu_ns = 5 * NS_PER_S;  // what this is about is not how long they take, on a busy machine with a sanitizer
  }
  rig_open_bots(&r);
  for (int i = 0; i < SHIPPED; i++) assert_true(r.core.bots[i].opened && !r.core.bots[i].as_opened.warm);
  if (restart_at) {
    rig_instants(&r, restart_at);
    rig_restart(&r);
  }
  rig_instants(&r, bars - restart_at);
  rig_same_hashes(&r);
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
  rig_open_bots(&r);
  rig_instants(&r, 5);
  // Three instants that only the core's books see.
  int64_t seen_ns = r.core.done_ns;
  for (int i = 0; i < 3; i++) {
    core_put_instant(&r.core, &r.to);
    core_end(&r.core);
  }
  buf_clear(&r.to);
  assert_true(strstr(r.core.bots[0].state.data, "\"fills\"") == NULL);
  assert_true(r.core.done_ns == seen_ns);
  rig_restart(&r);
  rig_instants(&r, 10);
  rig_same_hashes(&r);
  char want[200];
  snprintf(want, sizeof want, "{\"bars\":15,\"fills\":\"in%.1f;\",\"inits\":2}", (double)(r.core.data.bars[5].open_ns / NS_PER_MS) / 1000);
  assert_string_equal(r.core.bots[0].state.data, want);
  rig_close(&r);
}

// What the core did to its orders after its turn is told in the next instant: by the host that heard of it, and by one that is told the past
// because that one died before. In neither case twice.
static void what_was_imposed_is_told_once(void **state) {
  (void)state;
  for (int dies_after = 0; dies_after <= 2; dies_after++) {
    struct rig r;
    rig_open(&r, 40);
    core_bot_add(&r.core, 1, HEAD
                 "function on_bar(ctx, bar) local s = ctx.state; s.bars = (s.bars or 0) + 1\n"
                 "  if s.bars == 5 then ctx:buy{qty=0.1, type='limit', price=bar.close*0.5, tag='low'} end end\n"
                 "function on_order(ctx, e) local s = ctx.state; s.heard = (s.heard or '') .. s.bars .. e.status .. ';' end");
    rig_open_bots(&r);
    rig_instants(&r, 5);
    struct core_bot *b = &r.core.bots[0];
    uint64_t order = 0;
    for (size_t i = 0; i < b->journal_count; i++)
      if (b->journal[i].kind == COMMAND_SUBMIT) order = b->journal[i].id;
    assert_true(order > 0);
    assert_null(strstr(b->state.data, "CANCELED"));
    core_impose(b, &(struct bot_command){.kind = COMMAND_CANCEL, .time_ns = r.core.done_ns, .id = order, .why = REASON_HALTED}, &r.to);
    if (dies_after == 0) buf_clear(&r.to);  // it never got it
    if (dies_after < 2) rig_restart(&r);
    rig_instants(&r, 1);
    if (dies_after == 2) rig_restart(&r);
    rig_instants(&r, 4);
    rig_same_hashes(&r);
    const char *once = strstr(b->state.data, "5CANCELED;");  // before the sixth bar
    assert_non_null(once);
    assert_null(strstr(once + 2, "CANCELED"));
    rig_close(&r);
  }
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
  rig_open_bots(&r);
  rig_instants(&r, 400);
  rig_same_hashes(&r);
  struct core_bot *b = &r.core.bots[0];
  assert_true(b->faults > 50 && !b->gone && b->fault == ERR_SCRIPT);
  assert_true(b->commands > 100 && r.core.bots[1].commands > 5 && r.core.bots[1].faults == 0);
  assert_true(strstr(b->fault_text, "bot.lua:6: every seventh") ? b->fault_line == 6 : b->fault_line == 8);
  rig_restart(&r);
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
  rig_open_bots(&r);
  assert_true(r.core.bots[4].gone && r.core.bots[4].fault == ERR_SCRIPT && r.core.bots[4].fault_line == 2 && !r.core.bots[4].opened);
  rig_instants(&r, 30);
  assert_true(r.core.bots[0].gone && r.core.bots[0].fault == ERR_BUDGET && r.core.bots[0].faults == 1);
  assert_true(r.core.bots[1].gone && r.core.bots[1].fault == ERR_BUDGET && r.core.bots[1].faults == 1);
  assert_true(!r.core.bots[2].gone && r.core.bots[2].faults == 30);  // what becomes of it is the core's choice
  assert_true(!r.core.bots[3].gone && r.core.bots[3].faults == 0);
  assert_int_equal(r.core.run, 2);
  assert_int_equal(r.core.failed, 1);
  assert_int_equal(host_feed_stats(r.feed).bots, 2);
  rig_same_hashes(&r);
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
  rig_open_bots(&r);
  rig_instants(&r, 12);
  int gone = 0;
  for (int i = 0; i < 5; i++) gone += r.core.bots[i].gone && r.core.bots[i].fault == ERR_LIMIT;
  assert_true(gone >= 1 && gone < 5);
  assert_false(r.core.bots[5].gone);
  rig_same_hashes(&r);
  rig_close(&r);

  rig_open(&r, 12);
  for (uint64_t id = 1; id <= 4; id++) {
    core_bot_add(&r.core, id, HEAD "function on_bar(ctx) local n = 0; for i = 1, 300000 do n = n + i end end");
    r.core.bots[id - 1].tenant = id == 4 ? 2 : 1;
    r.core.bots[id - 1].tenant_cpu_ns = NS_PER_MS / 2;
    r.core.bots[id - 1].limits.callback_cpu_ns = 5 * NS_PER_S;
  }
  rig_open_bots(&r);
  rig_instants(&r, 12);
  rig_same_hashes(&r);
  assert_int_equal(r.core.bots[0].faults, 0);  // the first to run finds the budget whole
  assert_true(r.core.bots[2].faults > 0 && r.core.bots[2].fault == ERR_BUDGET && !r.core.bots[2].gone);
  assert_int_equal(r.core.bots[2].skipped, r.core.bots[2].faults);
  assert_int_equal(r.core.bots[3].faults, 0);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_it_does_is_what_the_books_say),
      cmocka_unit_test(what_was_missed_is_told), cmocka_unit_test(what_was_imposed_is_told_once),
      cmocka_unit_test(a_failing_callback_leaves_the_books_right),
      cmocka_unit_test(the_spinning_and_the_greedy_are_gone),
      cmocka_unit_test(a_tenant_shares_memory_and_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
