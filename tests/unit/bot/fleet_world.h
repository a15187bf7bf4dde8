// tests/unit/bot/fleet_world.h – the owner of a fleet under test: a market of two series without gaps, and a book of what was said.
#pragma once
#include "bot/fleet.h"
#include "bot/hub.h"
#include "loop/clock.h"
#include "loop/loop.h"

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
  int first_done;  // instants that host 0 had done when the last one was sent here
  int64_t suspect, last_ns, held_ns;
  char why[200];
  bool owed;
};

struct world {
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
  int slow[BOTS];  // tenants of which that was told
  struct fleet_pace pace[BOTS];  // the same
  int64_t call;    // a bot that takes part in every instant; 0: none
};
extern struct world w;
// A fleet of fleet_fake.h's hosts (unless c.argv says otherwise), and its end. With c.hosts_new there is a host of the slow, too.
void begin_with(struct fleet_config c);
void begin(int hosts);
void end(void);
// Bot (< BOTS) of a tenant, which does what `source` says (fleet_fake.h), with so many bars of history of series 1 or 2.
void place_on(int64_t bot, int64_t tenant, const char *source, uint32_t series, size_t bars, bool own);
void place(int64_t bot, int64_t tenant, const char *source);
// The next minute: bars of the first so many series.
void instant_of(int series_count);
void instant(void);
bool all_open(void);  // and their owner was told

#define until(condition)                                                                                    \
  do {                                                                                                      \
    int64_t end_ = clock_monotonic_ns() + PATIENCE_MS * NS_PER_MS;                                          \
    while (!(condition)) {                                                                                  \
      if (clock_monotonic_ns() > end_) fail_msg("waited in vain for " #condition);                          \
      loop_turn(w.loop, true);                                                                              \
    }                                                                                                       \
  } while (0)
#define assert_ran(bot, n) assert_int_equal(w.bots[bot].ran, n)

// argv of `--fake` is a host; otherwise the tests, FLEET_TEST=NAME one of them.
#define FLEET_MAIN(tests)                                                                            \
  int main(int argc, char **argv) {                                                                  \
    if (argc > 1) return strcmp(argv[1], "--fake") == 0 ? fleet_fake_main() : 4;                     \
    if (getenv("FLEET_TEST")) cmocka_set_test_filter(getenv("FLEET_TEST"));                          \
    return cmocka_run_group_tests(tests, NULL, NULL);                                                \
  }
