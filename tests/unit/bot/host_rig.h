// tests/unit/bot/host_rig.h – a host_feed and a small core that talk to each other in memory.
#pragma once
#include "bot/host_feed.h"
#include "host_core.h"
#include "loop/watchdog.h"

#define HEAD "strategy{ name='t', api=1 }\n"

struct rig {
  struct core core;
  struct host_feed *feed;
  struct watchdog *dog;
  struct buf to;  // for the host
};

void rig_must(enum status st, const struct err *err);
void rig_open(struct rig *r, size_t bars);
void rig_close(struct rig *r);
void rig_feed(struct rig *r);             // a new host, told the series
void rig_talk(struct rig *r);             // everything that is to be said, both ways
void rig_instants(struct rig *r, size_t n);
void rig_open_bots(struct rig *r);
void rig_same_hashes(struct rig *r);      // of all bots that are not gone, with the core's books
void rig_restart(struct rig *r);          // the host is gone, and another takes its place with the same books
