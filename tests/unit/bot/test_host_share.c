// tests/unit/bot/test_host_share.c – indicators that several bots of a host have on one series are computed once, and no bot can tell: all that
// it reads of them, in every kind of callback and as far back as it may look, has the same bits as when it is alone.
#include "host_rig.h"
#include "indicator/indicator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LOOKBACK 20

// A strategy that has every indicator there is, and whose log line is a digest of everything it has read of them so far: at each bar, and at
// each fill, which comes before the bar it happens in.
static void watcher(struct buf *out, int lookback, const char *also) {
  buf_init(out, 60000);
  buf_printf(out, "strategy{ name='w', api=1, lookback=%d, ind={\n", lookback);
  for (size_t i = 0; i < indicator_count(); i++) buf_printf(out, "  i%zu={'%s'},\n", i, indicator_at(i)->name);
  buf_printf(out, "%s}}\nlocal h, bars = 0, 0\nlocal function mix(s) for _, k in ipairs{0, 1, 7, %d} do local v = s[k]\n"
             "  h = (h*31 + (v and string.unpack('<i8', string.pack('<d', v)) or 77)) & 0x7fffffffffffffff end end\n"
             "local function look(ind)\n", also, lookback - 1);
  for (size_t i = 0; i < indicator_count(); i++)
    for (int k = 0; k < indicator_at(i)->n_outputs; k++)
      buf_printf(out, indicator_at(i)->n_outputs == 1 ? "  mix(ind.i%zu)\n" : "  mix(ind.i%zu.%s)\n", i, indicator_at(i)->outputs[k]);
  buf_printf(out, "end\nfunction on_bar(ctx, bar) bars = bars + 1; look(ctx.ind)\n"
             "  if bars %% 5 == 1 then ctx:buy{qty=0.001} elseif bars %% 5 == 3 then ctx:close{} end\n"
             "  ctx:log('info', string.format('%%d %%x', bars, h)) end\n"
             "function on_fill(ctx, f) look(ctx.ind) end\n");
  assert_false(out->failed);
}

static void add(struct rig *r, uint64_t id, const struct buf *source) {
  char *text = strndup(source->data, source->len);
  core_bot_add(&r->core, id, text);
  free(text);
}

static void open_one(struct rig *r, int i) {
  core_put_open(&r->core, &r->core.bots[i], &r->to);
  rig_talk(r);
  if (!r->core.bots[i].opened) fail_msg("%s", r->core.bots[i].fault_text);
}

// What the bot alone in its host says at the end, when it came after `later` instants.
static void alone(const struct buf *source, size_t bars, size_t later, char ret[64]) {
  struct rig r;
  rig_open(&r, bars);
  add(&r, 1, source);
  rig_instants(&r, later);
  open_one(&r, 0);
  rig_instants(&r, bars - later);
  assert_int_equal(host_feed_stats(r.feed).indicator_users, host_feed_stats(r.feed).indicators);
  snprintf(ret, 64, "%s", r.core.bots[0].log_text);
  rig_close(&r);
}

#define BARS 700
#define LATER 333

static void what_is_shared_is_as_if_alone(void **state) {
  (void)state;
  struct buf small, large, other;
  struct rig r;
  char first[64], late[64], wide[64], odd[64];
  watcher(&small, LOOKBACK, "");
  watcher(&large, 512, "");
  watcher(&other, LOOKBACK, "  e={'ema', 21}, h={'sma', source='hl2'},\n");
  alone(&small, BARS, 0, first);
  alone(&small, BARS, LATER, late);
  alone(&large, BARS, LATER, wide);
  alone(&other, BARS, 0, odd);
  assert_true(strlen(first) > 10 && strcmp(first, late) != 0 && strcmp(late, wide) != 0);

  rig_open(&r, BARS);
  for (uint64_t id = 1; id <= 6; id++) add(&r, id, id == 5 ? &large : id == 6 ? &other : &small);
  const int early[] = {0, 1, 5}, later[] = {2, 3, 4};
  for (int i = 0; i < 3; i++) open_one(&r, early[i]);
  struct host_feed_stats s = host_feed_stats(r.feed);
  const size_t all = indicator_count();
  assert_int_equal(s.indicators, all + 2);
  assert_int_equal(s.indicator_users, 3 * all + 2);
  rig_instants(&r, LATER);
  for (int i = 0; i < 3; i++) open_one(&r, later[i]);
  s = host_feed_stats(r.feed);
  assert_int_equal(s.indicators, 2 * all + 2);  // the large lookback has its own
  assert_int_equal(s.indicator_users, 6 * all + 2);
  rig_instants(&r, 100);
  // Who made them goes first; those who stay have them all the same.
  wire_put_bot_close(&r.to, 1, "");
  r.core.bots[0].gone = true;
  rig_instants(&r, BARS - LATER - 100);
  assert_int_equal(host_feed_stats(r.feed).indicator_users, 5 * all + 2);
  assert_string_equal(r.core.bots[1].log_text, first);
  assert_string_equal(r.core.bots[2].log_text, late);
  assert_string_equal(r.core.bots[3].log_text, late);
  assert_string_equal(r.core.bots[4].log_text, wide);
  assert_string_equal(r.core.bots[5].log_text, odd);
  for (uint64_t id = 2; id <= 6; id++) wire_put_bot_close(&r.to, id, "");
  rig_talk(&r);
  s = host_feed_stats(r.feed);
  assert_int_equal(s.indicators, 0);
  assert_int_equal(s.indicator_users, 0);
  rig_close(&r);
  buf_finish(&small);
  buf_finish(&large);
  buf_finish(&other);
}

// A bot whose tenant has no time left is not called, but its indicators go on beside those of the others.
static void who_is_not_run_stays_in_step(void **state) {
  (void)state;
  struct rig r;
  rig_open(&r, 60);
  for (uint64_t id = 1; id <= 4; id++) {
    core_bot_add(&r.core, id,
                 "strategy{ name='t', api=1, lookback=15, ind={e={'ema', 5}} }\n"
                 "function on_bar(ctx) local n = 0; for i = 1, 300000 do n = n + i end; ctx:log('info', string.format('%a %a', ctx.ind.e[0], ctx.ind.e[14] or 0)) end");
    r.core.bots[id - 1].tenant_cpu_ns = id < 4 ? NS_PER_MS / 2 : 0;
    r.core.bots[id - 1].tenant = id < 4 ? 1 : 2;
    r.core.bots[id - 1].limits.callback_cpu_ns = 5 * NS_PER_S;
  }
  rig_open_bots(&r);
  rig_instants(&r, 60);
  assert_true(r.core.bots[2].faults > 0 && r.core.bots[2].fault == ERR_BUDGET);
  assert_int_equal(host_feed_stats(r.feed).indicators, 1);
  assert_string_equal(r.core.bots[0].log_text, r.core.bots[3].log_text);
  rig_same_hashes(&r);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_shared_is_as_if_alone),
      cmocka_unit_test(who_is_not_run_stays_in_step),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
