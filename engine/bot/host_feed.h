// bot/host_feed.h – a host without its process: the core's frames go in, pilots run, the host's frames come out. Pure; what it needs of
// the operating system (clocks, the word shared with the core) is handed in, so that tests and the fuzzer feed it by hand.
//
// All bots of the host share its series and, where they run the same version of a script, its header; bots of one tenant share that
// tenant's memory and CPU time. One thread.
#pragma once
#include "base/buf.h"

#include <stdint.h>

struct host_feed;
struct host_word;
struct watchdog;

struct host_feed_config {
  struct watchdog *watchdog;   // borrowed, outlives the feed; NULL: callbacks have no time budget
  struct host_word *word;      // which bot is running (bot/host_word.h); may be NULL
  // For tenant_cpu_ns. wall is asked twice a bot and may be cheap and wrong, cpu decides. NULL: that budget is off.
  int64_t (*wall_ns)(void), (*cpu_ns)(void);
  size_t out_bytes;            // of frames that wait in `out`; more is a failure (64 MiB if 0)
  // Called between two bots when much waits in out: takes it and clears it, or leaves it. May be NULL.
  void (*flush)(void *self, struct buf *out);
  void *self;
};
enum status host_feed_create(const struct host_feed_config *config, struct host_feed **ret, struct err *err) MUST_CHECK;
void host_feed_destroy(struct host_feed *f);  // NULL does nothing

// What the host has to say, HELLO first; the caller sends it and clears it (buf_clear).
struct buf *host_feed_out(struct host_feed *f);
// Takes bytes of the core, cut anywhere. ERR_INVALID: the core has said something that cannot be; ERR_NOMEM. Then the host is to end.
enum status host_feed_bytes(struct host_feed *f, const void *bytes, size_t n, struct err *err) MUST_CHECK;

struct host_feed_stats {
  uint32_t bots, series, specs, tenants;
  size_t script_bytes;  // of all bots
  size_t indicators, indicator_users;  // shared ones; how often (script/share.h)
};
struct host_feed_stats host_feed_stats(const struct host_feed *f);
