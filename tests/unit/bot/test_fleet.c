// The fleet against host processes that crash, hang, lie and are slow (fleet_fake.h): who is blamed, who goes on, what is never lost.
#include "fleet_fake.h"

#include "bot/fleet.h"
#include "bot/hub.h"
#include "loop/clock.h"
#include "loop/loop.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// last: it redefines what the headers above declare
#include <cmocka.h>

#define BOTS 64
#define HOSTS 8
#define START (1000 * NS_PER_MINUTE)
#define PATIENCE_MS 20000  // never reached when all is well

// ---- the owner: a market of two series without gaps, and a book of what was said

struct bot_book {
  const char *source;
  size_t history;
  int64_t from_ns;
  uint32_t series;
  int64_t through_ns;    // it was opened at
  int64_t ran_ns[4096];  // instants that its script saw
  int ran, opened, quarantined, refused, goodbyes, standins, warmup;
};
struct host_book {
  int up, lost, sent, done, missed;
  int64_t suspect, last_ns, held_ns;
  char why[200];
  bool owed;
};

static struct world {
  struct loop *loop;
  struct fleet *fleet;
  struct series series[2];
  int64_t now_ns;
  struct bot_book bots[BOTS];
  struct host_book hosts[HOSTS];
  bool hold;       // done is not followed by fleet_go_on
  bool no_series, no_restore;
  int chatter;     // bytes to bot `chat` before each instant
  int64_t chat;
} w;

static int64_t venue_time(void *self, int venue) {
  assert_ptr_equal(self, &w);
  assert_int_equal(venue, 0);
  return w.now_ns;
}
static const struct series *series_of(void *self, uint32_t id) {
  (void)self;
  return w.no_series ? NULL : &w.series[id - 1];
}

static struct bar bar_at(int64_t open_ns) {
  return (struct bar){.open_ns = open_ns, .open = {100}, .high = {110}, .low = {90}, .close = {105}, .volume = 5};
}

static enum status history(void *self, int64_t bot, const struct fleet_need *need, int64_t through_ns, struct series *ret, struct err *err) {
  (void)self;
  w.bots[bot].through_ns = through_ns;
  int64_t last = timeframe_floor(through_ns, NS_PER_MINUTE) - NS_PER_MINUTE;
  int64_t first = last - (int64_t)(need->bars - 1) * NS_PER_MINUTE;
  if (need->from_ns < first) first = need->from_ns;
  for (int64_t at = first; at <= last; at += NS_PER_MINUTE) {
    struct bar b = bar_at(at);
    if (series_append(ret, &b, err) != OK) return err->code;
  }
  return OK;
}

static enum fleet_step bot_open(void *self, struct fleet_open *o, struct buf *out) {
  (void)self;
  struct bot_book *b = &w.bots[o->bot];
  if (w.no_restore) return FLEET_NOT;
  if (o->cursor++ == 0) return FLEET_MORE;
  b->standins += o->history[0] != 0;
  struct wire_open open = {.bot = (uint64_t)o->bot, .tenant = 1, .chunkname = wire_text("bot.lua", 7), .source = wire_text(b->source, strlen(b->source)),
                           .params = wire_text("{}", 2), .live_from_ns = o->through_ns, .stream_count = 1, .symbol_count = 1};
  match_config_init(&open.match, (cash){1000 * CASH_ONE});
  risk_limits_init(&open.risk);
  open.streams[0] = (struct wire_stream){.series = b->series, .history = o->history[0]};
  open.symbols[0] = (struct wire_symbol){.series = b->series, .history = o->history[0], .leverage_e4 = 10000};
  wire_put_bot_open(out, &open);
  return FLEET_LAST;
}
static void bot_opened(void *self, int host, int64_t bot) {
  (void)self;
  assert_int_equal(fleet_host_of(w.fleet, bot), host);
  assert_true(fleet_is_open(w.fleet, bot));
  w.bots[bot].opened++;
}
static void bot_refused(void *self, int64_t bot, const char *why) {
  (void)self;
  assert_true(why[0]);
  assert_int_equal(fleet_host_of(w.fleet, bot), -1);
  w.bots[bot].refused++;
}

static void rises(struct host_book *h, const struct hub_instant *in) {
  assert_int_equal(h->held_ns, 0);  // nothing while the owner has not said go on
  assert_int_equal(in->now_ns, h->last_ns ? h->last_ns + NS_PER_MINUTE : in->now_ns);
  h->last_ns = in->now_ns;
}
static void about_to_send(void *self, int host, const struct hub_instant *in) {
  (void)self;
  rises(&w.hosts[host], in);
  w.hosts[host].sent++;
  if (!w.chatter) return;
  struct buf b;
  buf_init(&b, 1 << 20);
  while ((int)b.len < w.chatter) wire_put_digest(&b, (uint64_t)w.chat);
  fleet_send(w.fleet, w.chat, &b);
  buf_finish(&b);
}
static void missed(void *self, int host, const struct hub_instant *in) {
  (void)self;
  rises(&w.hosts[host], in);
  w.hosts[host].missed++;
}
static void frame(void *self, int host, const struct wire_frame *f) {
  (void)self;
  struct bot_book *b = &w.bots[f->bot];
  assert_int_equal(fleet_host_of(w.fleet, (int64_t)f->bot), host);
  if (f->type == WIRE_OPENED) {
    struct wire_opened o;
    wire_frame_opened(f, &o);
    b->warmup = o.warmup;
  } else if (f->type == WIRE_LOG && f->text_len == 3) {
    b->ran_ns[b->ran++ % 4096] = f->time_ns;
  } else if (f->type == WIRE_LOG && f->text_len == 7) {
    b->goodbyes++;
  }
}
static void done(void *self, int host, const struct hub_instant *in) {
  (void)self;
  assert_int_equal(in->now_ns, w.hosts[host].last_ns);
  w.hosts[host].done++;
  if (w.hold) w.hosts[host].held_ns = in->now_ns;
  else fleet_go_on(w.fleet, host);
}
static void host_up(void *self, int host) {
  (void)self;
  w.hosts[host].up++;
}
static void host_lost(void *self, int host, const char *why, int64_t suspect, const struct hub_instant *in) {
  (void)self;
  struct host_book *h = &w.hosts[host];
  h->lost++;
  h->suspect = suspect;
  h->owed = in != NULL;
  snprintf(h->why, sizeof h->why, "%s", why);
  if (!in) return;
  assert_int_equal(in->now_ns, h->last_ns);
  if (w.hold) h->held_ns = in->now_ns;
  else fleet_go_on(w.fleet, host);
}
static void bot_quarantined(void *self, int64_t bot, const char *why) {
  (void)self;
  assert_true(why[0]);
  assert_int_equal(fleet_host_of(w.fleet, bot), -1);
  w.bots[bot].quarantined++;
}
static void say(void *self, const char *level, const char *text) {
  (void)self;
  if (getenv("FLEET_LOG")) fprintf(stderr, "%s: %s\n", level, text);
}

// ---- a test's steps

static const char *const fake_argv[] = {"test_fleet", "--fake", NULL};

static void begin_with(struct fleet_config c) {
  struct err err;
  memset(&w, 0, sizeof w);
  w.now_ns = START;
  for (int i = 0; i < 2; i++) {
    w.series[i] = (struct series){.inst = {.symbol = "BTCUSDT", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}, .min_qty = {2}}, .timeframe_ns = NS_PER_MINUTE, .volume_scale = 3};
    assert_int_equal(instrument_finish(&w.series[i].inst, &err), OK);
  }
  assert_int_equal(loop_create(&w.loop, NULL, &err), OK);
  c.loop = w.loop;
  c.exe = "/proc/self/exe";
  if (!c.argv) c.argv = fake_argv;
  c.self = &w;
  c.call = (struct fleet_callbacks){.venue_time = venue_time, .series = series_of, .history = history, .bot_open = bot_open, .bot_opened = bot_opened,
                                    .bot_refused = bot_refused, .about_to_send = about_to_send, .missed = missed, .frame = frame, .done = done,
                                    .host_up = host_up, .host_lost = host_lost, .bot_quarantined = bot_quarantined, .log = say};
  if (fleet_create(&c, &w.fleet, &err) != OK) fail_msg("%s", err.msg);
}
static void begin(int hosts) { begin_with((struct fleet_config){.hosts = hosts, .backoff_ms = 5}); }

static void end(void) {
  fleet_destroy(w.fleet);
  loop_destroy(w.loop);
}

static void place_on(int64_t bot, int64_t tenant, const char *source, uint32_t series, size_t bars, bool own) {
  struct err err;
  w.bots[bot].source = source;
  w.bots[bot].series = series;
  struct fleet_need need = {.series = series, .bars = bars, .from_ns = INT64_MAX, .keep = bars};
  if (fleet_place(w.fleet, bot, tenant, own, &need, 1, &err) != OK) fail_msg("%s", err.msg);
}
static void place(int64_t bot, int64_t tenant, const char *source) { place_on(bot, tenant, source, 1, 10, false); }

static void instant_of(int series_count) {
  struct hub_instant *in = calloc(1, sizeof *in + (size_t)series_count * sizeof *in->bars);
  assert_non_null(in);
  in->refs = 1;
  in->now_ns = w.now_ns += NS_PER_MINUTE;
  in->count = (size_t)series_count;
  for (int i = 0; i < series_count; i++) in->bars[i] = (struct wire_bar){(uint32_t)i + 1, bar_at(w.now_ns - NS_PER_MINUTE)};
  assert_true(fleet_instant(w.fleet, in));
  hub_instant_unref(in);
}
static void instant(void) { instant_of(1); }

#define until(condition)                                                                                    \
  do {                                                                                                      \
    int64_t end_ = clock_monotonic_ns() + PATIENCE_MS * NS_PER_MS;                                          \
    while (!(condition)) {                                                                                  \
      if (clock_monotonic_ns() > end_) fail_msg("waited in vain for " #condition);                          \
      loop_turn(w.loop, true);                                                                              \
    }                                                                                                       \
  } while (0)
#define assert_ran(bot, n) assert_int_equal(w.bots[bot].ran, n)

static bool all_open(void) {
  for (int b = 1; b < BOTS; b++) {
    if (fleet_host_of(w.fleet, b) >= 0 && !(fleet_is_open(w.fleet, b) && w.bots[b].opened)) return false;
  }
  return true;
}

// ---- the ordinary

static void test_bots_run(void **state) {
  (void)state;
  begin(2);
  for (int b = 1; b <= 12; b++) place(b, b % 4, "good");
  until(all_open());
  for (int b = 1; b <= 12; b++) assert_int_equal(fleet_host_of(w.fleet, b), fleet_host_of(w.fleet, b % 4 ? b % 4 : 4));
  assert_int_equal(fleet_host_stats(w.fleet, 0).bots, 6);
  for (int i = 0; i < 5; i++) instant();
  until(w.hosts[0].done == 5 && w.hosts[1].done == 5);
  for (int b = 1; b <= 12; b++) {
    assert_ran(b, 5);
    for (int i = 0; i < 5; i++) assert_int_equal(w.bots[b].ran_ns[i], START + (i + 1) * NS_PER_MINUTE);
    assert_int_equal(w.bots[b].opened, 1);
    assert_int_equal(w.bots[b].warmup, 10);
  }
  struct fleet_stats s = fleet_stats(w.fleet);
  assert_int_equal(s.hosts_up, 2);
  assert_int_equal(s.instants, 10);
  assert_int_equal(s.queue, 0);
  uint64_t counted = 0;
  for (int i = 0; i < FLEET_BUCKETS; i++) counted += s.latency_us[i];
  assert_int_equal(counted, 10);
  end();
}

static void test_instants_before_it_was_placed_are_history(void **state) {
  (void)state;
  begin(1);
  place(1, 1, "good");
  for (int i = 0; i < 3; i++) instant();  // no host is up yet
  place(2, 2, "good");
  instant();
  until(w.bots[1].ran == 4 && w.bots[2].ran == 1);
  assert_int_equal(w.bots[2].ran_ns[0], START + 4 * NS_PER_MINUTE);
  end();
}

static void test_what_nobody_needs_passes(void **state) {
  (void)state;
  begin(1);
  place_on(1, 1, "good", 2, 10, false);
  until(all_open());
  instant();  // series 1 alone
  assert_int_equal(fleet_stats(w.fleet).queue, 0);
  assert_int_equal(w.hosts[0].sent, 0);
  instant_of(0);  // the clock's
  until(w.bots[1].ran == 1);
  end();
}

static void test_commits_are_waited_for(void **state) {
  (void)state;
  begin(2);
  place(1, 1, "good");
  place(2, 2, "good");
  until(all_open());
  w.hold = true;
  instant();
  instant();
  until(w.hosts[0].done == 1 && w.hosts[1].done == 1);
  for (int i = 0; i < 20; i++) loop_turn(w.loop, true);
  assert_int_equal(w.hosts[0].sent, 1);
  w.hosts[0].held_ns = 0;
  fleet_go_on(w.fleet, 0);
  until(w.hosts[0].done == 2);
  assert_int_equal(w.hosts[1].sent, 1);  // each for itself
  end();
}

static void test_frames_of_a_former_opening_are_dropped(void **state) {
  (void)state;
  begin(1);
  place(1, 1, "good");
  place(2, 1, "good");
  until(all_open());
  fleet_remove(w.fleet, 1, "");
  place(1, 1, "good");
  fleet_reopen(w.fleet, 2);
  until(w.bots[1].opened == 2 && w.bots[2].opened == 2);
  assert_int_equal(w.bots[1].goodbyes + w.bots[2].goodbyes, 0);
  assert_int_equal(fleet_stats(w.fleet).strays, 2);
  fleet_remove(w.fleet, 1, "");
  fleet_remove(w.fleet, 2, "");
  assert_int_equal(fleet_host_stats(w.fleet, 0).series, 0);
  place(3, 1, "good");
  until(all_open());
  instant();
  until(w.bots[3].ran == 1);
  assert_int_equal(w.hosts[0].lost, 0);
  end();
}

static void test_deeper_history_stands_in(void **state) {
  (void)state;
  begin(1);
  place(1, 1, "good");
  until(all_open());
  place_on(2, 1, "good", 1, 5000, false);
  place(3, 1, "good");
  instant();
  until(w.bots[1].ran && all_open() && w.bots[3].opened);
  assert_int_equal(w.bots[2].standins, 1);
  assert_int_equal(w.bots[2].warmup, 5000);
  assert_int_equal(w.bots[3].standins, 0);
  fleet_remove(w.fleet, 1, "");
  instant();
  until(w.bots[3].ran && w.bots[2].ran);
  assert_int_equal(w.hosts[0].lost, 0);
  end();
}

static void test_hosts_forget_old_bars(void **state) {
  (void)state;
  begin(1);
  place(1, 1, "good");
  until(all_open());
  for (int i = 0; i < 8000; i++) {
    instant();
    until(w.hosts[0].done == i + 1);
  }
  place_on(2, 1, "good", 1, 1000, false);  // the fake complains should it not have that many
  place_on(3, 1, "good", 1, 7000, false);
  until(all_open());
  assert_int_equal(w.bots[2].standins, 0);
  assert_int_equal(w.bots[3].standins, 1);
  assert_int_equal(w.hosts[0].lost, 0);
  end();
}

static void test_a_host_of_ones_own(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 1, .hosts_own = 1, .tenant_bots = 2, .backoff_ms = 5});
  assert_int_equal(fleet_host_stats(w.fleet, 1).pid, 0);
  place(1, 1, "good");
  place_on(2, 2, "good", 1, 10, true);
  place_on(3, 2, "good", 1, 10, true);
  place_on(4, 2, "good", 1, 10, true);  // more than two, and no second host of its own
  place_on(5, 3, "good", 1, 10, true);  // none left: shares
  assert_int_equal(fleet_host_of(w.fleet, 2), 1);
  assert_int_equal(fleet_host_of(w.fleet, 4), 1);
  assert_int_equal(fleet_host_of(w.fleet, 5), 0);
  until(all_open());
  instant();
  until(w.bots[2].ran && w.bots[1].ran);
  for (int b = 2; b <= 4; b++) fleet_remove(w.fleet, b, "");
  until(fleet_host_stats(w.fleet, 1).pid == 0);
  assert_int_equal(w.hosts[1].lost, 0);
  fleet_remove(w.fleet, 5, "");
  place_on(5, 3, "good", 1, 10, true);
  assert_int_equal(fleet_host_of(w.fleet, 5), 1);
  until(w.bots[5].opened == 2 || (all_open() && fleet_host_stats(w.fleet, 1).up));
  end();
}

static void test_many_bots_of_one_tenant_spread(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 2, .tenant_bots = 4});
  for (int b = 1; b <= 4; b++) place(b, 1, "good");
  for (int b = 5; b <= 20; b++) place(b, 1, "good");
  assert_int_equal(fleet_host_stats(w.fleet, 0).bots, 10);
  assert_int_equal(fleet_host_stats(w.fleet, 1).bots, 10);
  until(all_open());
  end();
}

static void test_what_cannot_be_opened_is_refused(void **state) {
  (void)state;
  begin(1);
  w.no_series = true;
  place(1, 1, "good");
  until(w.bots[1].refused);
  w.no_series = false;
  w.no_restore = true;
  place(2, 1, "good");
  until(w.bots[2].refused);
  w.no_restore = false;
  place(3, 1, "good");
  until(w.bots[3].opened);
  struct fleet_need need = {.series = 1};
  struct err err;
  assert_int_equal(fleet_place(w.fleet, 3, 1, false, &need, 1, &err), ERR_EXISTS);
  end();
}

// ---- the offender alone is taken off, the others go on where they were

static void offender(const char *verb, const char *why, bool named) {
  begin_with((struct fleet_config){.hosts = 2, .instant_ms = 400, .backoff_ms = 5, .in_bytes = 1 << 20});
  for (int b = 1; b <= 9; b++) place(b, b == 9 ? 2 : 1, b == 4 ? verb : "good");  // 9 is on the other host
  until(all_open());
  for (int i = 0; i < 5; i++) instant();
  until(w.hosts[1].done == 5);
  if (named) {
    until(w.bots[1].opened == 2 && w.hosts[0].done == 4 && all_open());
    assert_int_equal(w.hosts[0].suspect, 4);
    assert_int_equal(w.bots[4].quarantined, 1);
    assert_true(w.hosts[0].owed);
    assert_int_equal(w.bots[1].ran, w.bots[8].ran);
    assert_int_equal(w.bots[1].ran_ns[w.bots[1].ran - 1], START + 5 * NS_PER_MINUTE);
  }
  if (!strstr(w.hosts[0].why, why)) fail_msg("%s: %s", verb, w.hosts[0].why);
  assert_int_equal(w.hosts[1].lost, 0);
  assert_ran(9, 5);
  for (int b = 1; b <= 9; b++) assert_int_equal(w.bots[b].quarantined, named && b == 4);
  end();
}
static void test_a_crash(void **state) {
  (void)state;
  offender("crash 2", "signal 6", true);
  offender("sigsys 2", "jail forbids", true);
  offender("exit 2", "exit code 3", true);
}
static void test_a_hang(void **state) {
  (void)state;
  offender("spin 2", "did not finish an instant", true);
}

static void test_a_crash_while_being_opened(void **state) {
  (void)state;
  begin(1);
  place(1, 1, "good");
  place(2, 1, "badopen");
  place(3, 1, "good");
  until(all_open() && w.bots[2].quarantined);
  instant();
  until(w.bots[1].ran && w.bots[3].ran);
  assert_false(w.hosts[0].owed);
  end();
}

static void test_two_offenders(void **state) {
  (void)state;
  begin(1);
  for (int b = 1; b <= 20; b++) place(b, 1, b == 7 ? "crash 1" : b == 13 ? "exit 2" : "good");
  until(all_open());
  for (int i = 0; i < 10; i++) instant();
  until(w.hosts[0].done == 8);
  assert_int_equal(w.hosts[0].lost, 2);
  for (int b = 1; b <= 20; b++) assert_int_equal(w.bots[b].quarantined, b == 7 || b == 13);
  end();
}

// Nothing tells whose frame it was: found by halves.
static void found_by_halves(const char *verb) {
  begin_with((struct fleet_config){.hosts = 1, .backoff_ms = 5, .backoff_max_ms = 20, .in_bytes = 1 << 20});
  for (int b = 1; b <= 20; b++) place(b, 1, b == 13 ? verb : "good");
  until(all_open());
  for (int i = 0; i < 100 && !w.bots[13].quarantined; i++) {
    instant();
    until(w.hosts[0].sent + w.hosts[0].missed == i + 1 && fleet_stats(w.fleet).queue == 0);
  }
  for (int b = 1; b <= 20; b++) assert_int_equal(w.bots[b].quarantined, b == 13);
  assert_true(w.hosts[0].lost <= 6);  // 20, 10, 5, 3, 2, 1
  until(all_open());
  int ran = w.bots[1].ran;
  for (int i = 0; i < 3; i++) instant();
  until(w.bots[1].ran >= ran + 3);
  assert_true(w.hosts[0].lost <= 6);
  end();
}
static void test_garbage(void **state) {
  (void)state;
  found_by_halves("garbage 1");
  found_by_halves("core 0");
  found_by_halves("early 0");
  found_by_halves("flood 0");
}

// ---- nobody can be named

static void test_a_stopped_process(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 1, .ping_ms = 50, .pong_ms = 200, .backoff_ms = 5});
  place(1, 1, "good");
  until(all_open());
  kill(fleet_host_stats(w.fleet, 0).pid, SIGSTOP);
  until(w.hosts[0].lost == 1 && w.bots[1].opened == 2);
  assert_int_equal(w.hosts[0].suspect, 0);
  assert_non_null(strstr(w.hosts[0].why, "did not answer"));
  kill(fleet_host_stats(w.fleet, 0).pid, SIGKILL);
  until(w.bots[1].opened == 3);
  assert_int_equal(w.hosts[0].suspect, 0);
  assert_int_equal(w.bots[1].quarantined, 0);
  end();
}

static void test_a_slow_reader(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 2, .instant_ms = 60000, .out_bytes = 1 << 20, .backoff_ms = 5});
  place(1, 1, "deaf");
  place(2, 2, "good");
  until(all_open());
  instant();
  for (int i = 0; i < 20; i++) loop_turn(w.loop, true);
  struct buf b;
  buf_init(&b, 65536);
  while (b.len < 60000) wire_put_digest(&b, 1);
  for (int i = 0; i < 1000 && !w.hosts[0].lost; i++) {
    fleet_send(w.fleet, 1, &b);
    loop_turn(w.loop, false);
  }
  buf_finish(&b);
  until(w.hosts[0].lost == 1);
  assert_non_null(strstr(w.hosts[0].why, "did not read"));
  assert_int_equal(w.hosts[0].suspect, 0);
  assert_int_equal(w.hosts[1].lost, 0);
  end();
}

static void test_the_slow_do_not_delay_the_others(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 2, .instant_ms = 60000, .backoff_ms = 5});
  place(1, 1, "spin");
  place(2, 2, "good");
  until(all_open());
  for (int i = 0; i < 50; i++) instant();
  until(w.bots[2].ran == 50);
  assert_int_equal(w.hosts[0].sent, 1);
  assert_int_equal(w.hosts[0].lost, 0);
  end();
}

static void test_a_full_queue_is_missed_not_lost(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 1, .queue_max = 4, .backoff_ms = 300});
  place(1, 1, "good");
  until(all_open());
  kill(fleet_host_stats(w.fleet, 0).pid, SIGKILL);
  until(w.hosts[0].lost == 1);
  for (int i = 0; i < 10; i++) instant();
  assert_int_equal(w.hosts[0].missed, 6);
  until(w.hosts[0].done == 4);
  assert_int_equal(w.bots[1].through_ns, START + 7 * NS_PER_MINUTE - 1);
  end();
}

static void test_who_falls_behind_catches_up_in_silence(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 1, .queue_max = 4, .instant_ms = 60000, .backoff_ms = 5});
  place(1, 1, "spin 2");
  until(all_open());
  for (int i = 0; i < 2; i++) {
    instant();
    until(w.hosts[0].done == i + 1);
  }
  for (int i = 0; i < 10; i++) instant();
  until(w.hosts[0].lost == 1);
  assert_non_null(strstr(w.hosts[0].why, "behind"));
  for (int i = 0; i < 20; i++) instant();
  until(w.bots[1].opened == 2);
  until(w.hosts[0].lost == 2 || w.hosts[0].done >= 4);
  assert_true(w.hosts[0].missed >= 8 + 16);
  end();
}

static void test_a_queue_that_waits_for_the_owner_is_bounded(void **state) {
  (void)state;
  begin_with((struct fleet_config){.hosts = 1, .queue_max = 4});
  place(1, 1, "good");
  until(all_open());
  w.hold = true;
  instant();
  until(w.hosts[0].done == 1);
  for (int i = 0; i < 16; i++) instant();
  struct hub_instant *in = calloc(1, sizeof *in);
  in->refs = 1;
  in->now_ns = w.now_ns + NS_PER_MINUTE;
  assert_false(fleet_instant(w.fleet, in));
  assert_int_equal(in->refs, 1);
  free(in);
  assert_int_equal(w.hosts[0].lost, 0);
  w.hold = false;
  w.hosts[0].held_ns = 0;
  fleet_go_on(w.fleet, 0);
  until(w.hosts[0].done == 17);
  end();
}

static void test_an_owner_blames(void **state) {
  (void)state;
  begin(1);
  place(1, 1, "good");
  place(2, 1, "good");
  until(all_open());
  fleet_blame(w.fleet, 0, 2, "an order for a bot's order that is none");
  until(w.bots[2].quarantined && all_open());
  assert_int_equal(w.hosts[0].suspect, 2);
  end();
}

static void test_no_program(void **state) {
  (void)state;
  static const char *const argv[] = {"test_fleet", "--nothing", NULL};  // ends at once
  begin_with((struct fleet_config){.hosts = 1, .backoff_ms = 1, .backoff_max_ms = 20, .argv = argv});
  place(1, 1, "good");
  until(fleet_stats(w.fleet).restarts == 5);
  assert_int_equal(w.hosts[0].up + w.hosts[0].lost, 0);
  assert_int_equal(fleet_stats(w.fleet).bots, 1);
  end();
}

int main(int argc, char **argv) {
  if (argc > 1) return strcmp(argv[1], "--fake") == 0 ? fleet_fake_main() : 4;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bots_run),
      cmocka_unit_test(test_instants_before_it_was_placed_are_history),
      cmocka_unit_test(test_what_nobody_needs_passes),
      cmocka_unit_test(test_commits_are_waited_for),
      cmocka_unit_test(test_frames_of_a_former_opening_are_dropped),
      cmocka_unit_test(test_deeper_history_stands_in),
      cmocka_unit_test(test_hosts_forget_old_bars),
      cmocka_unit_test(test_a_host_of_ones_own),
      cmocka_unit_test(test_many_bots_of_one_tenant_spread),
      cmocka_unit_test(test_what_cannot_be_opened_is_refused),
      cmocka_unit_test(test_a_crash),
      cmocka_unit_test(test_a_hang),
      cmocka_unit_test(test_a_crash_while_being_opened),
      cmocka_unit_test(test_two_offenders),
      cmocka_unit_test(test_garbage),
      cmocka_unit_test(test_a_stopped_process),
      cmocka_unit_test(test_a_slow_reader),
      cmocka_unit_test(test_the_slow_do_not_delay_the_others),
      cmocka_unit_test(test_a_full_queue_is_missed_not_lost),
      cmocka_unit_test(test_who_falls_behind_catches_up_in_silence),
      cmocka_unit_test(test_a_queue_that_waits_for_the_owner_is_bounded),
      cmocka_unit_test(test_an_owner_blames),
      cmocka_unit_test(test_no_program),
  };
  if (getenv("FLEET_TEST")) cmocka_set_test_filter(getenv("FLEET_TEST"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
