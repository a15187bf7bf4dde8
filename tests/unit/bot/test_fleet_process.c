// tests/unit/bot/test_fleet_process.c – the fleet over real hosts in their jail: scripts run, a killed process comes back with its bots and
// shows them what queued up meanwhile, hostile scripts take nobody with them, and hosts are gone with the fleet.
#include "bot/fleet.h"
#include "bot/hub.h"
#include "loop/clock.h"
#include "loop/loop.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

#define BOTS 16
#define START (NS_PER_DAY * 19000)
#define PATIENCE_NS (60 * NS_PER_S)  // never reached when all is well

static struct world {
  struct loop *loop;
  struct fleet *fleet;
  struct series series;
  int64_t now_ns;
  const char *source[BOTS];
  int opened[BOTS], said[BOTS], faults[BOTS], gone[BOTS];
  int64_t said_ns[BOTS];
  char fault[BOTS][200];
  int slow[BOTS];
  int lost, quarantined, done;
} w;

static void place(int64_t bot, const char *source);

static int64_t venue_time(void *self, int venue) {
  (void)self, (void)venue;
  return w.now_ns;
}
static const struct series *series_of(void *self, uint32_t id) {
  (void)self, (void)id;
  return &w.series;
}
static struct bar bar_at(int64_t open_ns) {
  return (struct bar){.open_ns = open_ns, .open = {100}, .high = {110}, .low = {90}, .close = {105}, .volume = 5};
}
static enum status history(void *self, int64_t bot, const struct fleet_need *need, int64_t through_ns, struct series *ret, struct err *err) {
  (void)self, (void)bot;
  int64_t end = timeframe_floor(through_ns, NS_PER_MINUTE);
  for (int64_t at = end - (int64_t)need->bars * NS_PER_MINUTE; at < end; at += NS_PER_MINUTE) {
    struct bar b = bar_at(at);
    if (series_append(ret, &b, err) != OK) return err->code;
  }
  return OK;
}
static enum fleet_step bot_open(void *self, struct fleet_open *o, struct buf *out) {
  (void)self;
  const char *source = w.source[o->bot];
  struct wire_open open = {.bot = (uint64_t)o->bot, .tenant = (uint64_t)o->bot, .chunkname = wire_text("bot.lua", 7), .source = wire_text(source, strlen(source)),
                           .run_from_ns = o->through_ns, .live_from_ns = o->through_ns, .stream_count = 1, .symbol_count = 1};
  match_config_init(&open.match, (cash){10000 * CASH_ONE});
  risk_limits_init(&open.risk);
  open.streams[0] = (struct wire_stream){.series = 1, .history = o->history[0]};
  open.symbols[0] = (struct wire_symbol){.series = 1, .history = o->history[0], .leverage_e4 = 10000};
  wire_put_bot_open(out, &open);
  return FLEET_LAST;
}
static void bot_opened(void *self, int host, int64_t bot) {
  (void)self, (void)host;
  w.opened[bot]++;
}
static void bot_refused(void *self, int64_t bot, const char *why) {
  (void)self;
  fail_msg("bot %" PRId64 ": %s", bot, why);
}
static void about_to_send(void *self, int host, const struct hub_instant *in) { (void)self, (void)host, (void)in; }
static void frame(void *self, int host, const struct wire_frame *f) {
  (void)self, (void)host;
  if (f->type == WIRE_LOG && f->text_len == 4) {  // "here"
    assert_true(f->time_ns > w.said_ns[f->bot]);  // each instant once
    w.said_ns[f->bot] = f->time_ns;
    w.said[f->bot]++;
  } else if (f->type == WIRE_FAULT) {
    w.faults[f->bot]++;
    w.gone[f->bot] += f->gone;
    snprintf(w.fault[f->bot], sizeof w.fault[f->bot], "%.*s", (int)f->text_len, f->text);
    if (f->gone) fleet_remove(w.fleet, (int64_t)f->bot, "gone");
  }
}
static void done(void *self, int host, const struct hub_instant *in) {
  (void)self, (void)in;
  w.done++;
  fleet_go_on(w.fleet, host);
}
static void host_up(void *self, int host) { (void)self, (void)host; }
static void host_lost(void *self, int host, const char *why, int64_t suspect, const struct hub_instant *in) {
  (void)self, (void)why, (void)suspect;
  w.lost++;
  if (in) fleet_go_on(w.fleet, host);
}
static void bot_quarantined(void *self, int64_t bot, const char *why) {
  (void)self, (void)bot, (void)why;
  w.quarantined++;
}
static void tenant_slow(void *self, int host, int64_t tenant) {
  (void)self, (void)host;
  w.slow[tenant]++;
  fleet_remove(w.fleet, tenant, "moved");
  place(tenant, w.source[tenant]);
}
static void say(void *self, const char *level, const char *text) {
  (void)self, (void)level;
  print_message("%s\n", text);
}

static void create(int hosts, int64_t ping_ms, int64_t pong_ms) {
  struct err err;
  const struct fleet_callbacks call = {.venue_time = venue_time, .series = series_of, .history = history, .bot_open = bot_open, .bot_opened = bot_opened,
                                       .bot_refused = bot_refused, .about_to_send = about_to_send, .missed = about_to_send, .frame = frame, .done = done,
                                       .host_up = host_up, .host_lost = host_lost, .bot_quarantined = bot_quarantined, .tenant_slow = tenant_slow, .log = say};
  const struct fleet_config c = {.loop = w.loop, .exe = getenv("PERIGEE_EXE"), .hosts = hosts, .backoff_ms = 5, .hello_ms = 30000, .instant_ms = 30000,
                                 .ping_ms = ping_ms, .pong_ms = pong_ms, .call = call, .self = &w};
  if (fleet_create(&c, &w.fleet, &err) != OK) fail_msg("%s", err.msg);
}

static int begin(void **state) {
  (void)state;
  struct err err;
  memset(&w, 0, sizeof w);
  w.now_ns = START;
  w.series = (struct series){.inst = {.symbol = "BTCUSDT", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}}, .timeframe_ns = NS_PER_MINUTE, .volume_scale = 3};
  assert_int_equal(instrument_finish(&w.series.inst, &err), OK);
  assert_int_equal(loop_create(&w.loop, NULL, &err), OK);
  return 0;
}
static int end(void **state) {
  (void)state;
  pid_t pid = fleet_host_stats(w.fleet, 0).pid;
  fleet_destroy(w.fleet);
  loop_destroy(w.loop);
  assert_true(pid == 0 || (kill(pid, 0) != 0 && errno == ESRCH));
  return 0;
}

static void place(int64_t bot, const char *source) {
  struct err err;
  struct fleet_need need = {.series = 1, .bars = 600, .from_ns = INT64_MAX, .keep = 600};
  w.source[bot] = source;
  if (fleet_place(w.fleet, bot, bot, false, &need, 1, &err) != OK) fail_msg("%s", err.msg);
}
static void instant(void) {
  struct hub_instant *in = calloc(1, sizeof *in + sizeof *in->bars);
  assert_non_null(in);
  in->refs = 1;
  in->now_ns = w.now_ns += NS_PER_MINUTE;
  in->count = 1;
  in->bars[0] = (struct wire_bar){1, bar_at(w.now_ns - NS_PER_MINUTE)};
  assert_true(fleet_instant(w.fleet, in));
  hub_instant_unref(in);
}
#define until(condition)                                                              \
  do {                                                                                \
    int64_t end_ = clock_monotonic_ns() + PATIENCE_NS;                                \
    while (!(condition)) {                                                            \
      if (clock_monotonic_ns() > end_) fail_msg("waited in vain for " #condition);    \
      loop_turn(w.loop, true);                                                        \
    }                                                                                 \
  } while (0)

static const char honest[] = "strategy{name='honest', api=1}\nfunction on_bar(ctx, bar) ctx:log('here') end\n";

static void test_a_killed_host_loses_no_bar(void **state) {
  (void)state;
  create(2, 1000, 30000);
  for (int b = 1; b <= 4; b++) place(b, honest);
  until(w.opened[1] && w.opened[2] && w.opened[3] && w.opened[4]);
  for (int i = 0; i < 3; i++) instant();
  until(w.done == 6);
  int host = fleet_host_of(w.fleet, 1);
  kill(fleet_host_stats(w.fleet, host).pid, SIGKILL);
  for (int i = 0; i < 3; i++) {
    loop_turn(w.loop, false);
    instant();
  }
  until(w.said_ns[1] == w.now_ns && w.said_ns[2] == w.now_ns && w.said_ns[3] == w.now_ns && w.said_ns[4] == w.now_ns);
  assert_int_equal(w.lost, 1);
  assert_int_equal(w.quarantined, 0);
  for (int b = 1; b <= 4; b++) {  // the one that was owed at its death is told to the owner instead
    if (fleet_host_of(w.fleet, b) == host) assert_in_range(w.said[b], 5, 6);
    else assert_int_equal(w.said[b], 6);
  }
}

static void test_hostile_scripts_go_alone(void **state) {
  (void)state;
  static const char *const hostile[] = {
      "strategy{name='spin', api=1}\nfunction on_bar(ctx, bar) while true do end end\n",
      "strategy{name='again', api=1}\nfunction on_bar(ctx, bar) while true do pcall(function() while true do end end) end end\n",
      "strategy{name='eat', api=1}\nfunction on_bar(ctx, bar) local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end end\n",
      "strategy{name='raise', api=1}\nfunction on_bar(ctx, bar) error('no') end\n",
      "strategy{name='talk', api=1}\nfunction on_bar(ctx, bar) for i = 1, 1e6 do ctx:log(('x'):rep(500)) end end\n",
  };
  const int hostile_count = (int)(sizeof hostile / sizeof *hostile);
  create(2, 1000, 30000);
  place(1, honest);
  place(2, honest);
  for (int i = 0; i < hostile_count; i++) place(3 + i, hostile[i]);
  for (int i = 1; i < 3 + hostile_count; i++) until(w.opened[i]);
  for (int i = 1; i <= 5; i++) {
    instant();
    until(w.done == 2 * i);
  }
  assert_int_equal(w.said[1], 5);
  assert_int_equal(w.said[2], 5);
  assert_int_equal(w.faults[1] + w.faults[2] + w.lost + w.quarantined, 0);
  for (int b = 3; b <= 6; b++) {
    if (w.faults[b] == 0) fail_msg("no fault: %s", w.source[b]);
  }
}

// Some 15 ms, more than any bar should take and less than what is killed.
#ifdef __SANITIZE_ADDRESS__
#define WASTE "400000"
#else
#define WASTE "3000000"
#endif
// What its children would have of it (SCHED_RESET_ON_FORK) is no class.
static int class_of(int host) {
  const int policy = sched_getscheduler(fleet_host_stats(w.fleet, host).pid);
  return policy < 0 ? policy : policy & ~SCHED_RESET_ON_FORK;
}

// Who takes long has a host that runs when nobody else wants to.
static void test_the_slow_come_last(void **state) {
  (void)state;
  create(1, 1000, 30000);
  place(1, honest);
  place(2, "strategy{name='waste', api=1}\nlocal n = 0\nfunction on_bar(ctx, bar) for i = 1, " WASTE " do n = n + i end ctx:log('here') end\n");
  until(w.opened[1] && w.opened[2]);
  assert_int_equal(class_of(0), SCHED_OTHER);
  for (int i = 1; i <= 3; i++) {
    instant();
    until(w.said[1] == i && w.said[2] == i);
  }
  until(w.slow[2] == 1);
  const int last = fleet_host_of(w.fleet, 2);
  assert_true(last > 0 && fleet_host_of(w.fleet, 1) == 0);
  until(class_of(last) == SCHED_IDLE);
  // Whether it runs at all on this machine today is nobody's business: others do not wait, and feeds are not held.
  for (int i = 4; i <= 12; i++) instant();
  until(w.said[1] == 12);
  assert_int_equal(fleet_backlog(w.fleet), 0);
  assert_int_equal(w.slow[1] + w.lost + w.quarantined, 0);
  assert_int_equal(w.slow[2], 1);
  assert_int_equal(class_of(0), SCHED_OTHER);
}

static void test_a_stopped_host_is_replaced(void **state) {
  (void)state;
  create(1, 50, 1000);
  place(1, honest);
  until(w.opened[1]);
  kill(fleet_host_stats(w.fleet, 0).pid, SIGSTOP);
  until(w.opened[1] == 2);
  assert_int_equal(w.lost, 1);
  assert_int_equal(w.quarantined, 0);
  instant();
  until(w.said[1] == 1);
}

int main(void) {
  if (!getenv("PERIGEE_EXE")) {
    printf("PERIGEE_EXE is not set: the program under test\n");
    return 77;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_killed_host_loses_no_bar, begin, end),
      cmocka_unit_test_setup_teardown(test_hostile_scripts_go_alone, begin, end),
      cmocka_unit_test_setup_teardown(test_the_slow_come_last, begin, end),
      cmocka_unit_test_setup_teardown(test_a_stopped_host_is_replaced, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
