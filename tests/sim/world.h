// tests/sim/world.h – a simulated installation: the real core (store, hub, fleet, clerks, live) on a virtual clock and a disk in memory, its
// hosts inside of this process, people who start and stop bots, and what they were told. It can be killed, lose its power and start again.
#pragma once
#include "bot/halt_file.h"
#include "bot/life.h"
#include "bot/live.h"
#include "sim_loop.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define WORLD_BOTS 16
#define WORLD_HALTS 8

// What somebody was told of an order.
struct told_order {
  uint32_t run;
  uint64_t order;
  bool ended, asked;  // asked for by somebody, so in the journal; exits come to life with their entries
};
struct world_bot {
  int64_t id, tenant, account, revision;  // the newest revision that was acknowledged
  int script;
  bool made, deleted;
  unsigned unsure;                  // of which life it is that the disk failed under a deletion: the next may find it done; 0: none
  // What was published, so what is on disk.
  uint32_t run;
  uint64_t fills;                   // of the run
  struct told_order *orders;
  size_t order_count, order_cap;
  // While it is halted: no larger than it was when its orders had been seen to.
  bool silent;
  int64_t lots[8];
  // check.c's notes of its log
  int64_t log_n;
};
// A halt that was acknowledged, and not yet cleared.
struct world_halt {
  enum refusal_level level;
  uint64_t id;
  enum halt_mode mode;
};

struct world {
  uint64_t seed;
  char dir[64];
  struct loop *loop;
  struct store *store;   // NULL: the process is down
  struct live *live;
  bool gone;             // being torn down: what it says counts no more
  bool show;
  unsigned life;         // processes so far
  struct world_bot bots[WORLD_BOTS];
  int bot_count, bots_max;
  struct world_halt halts[WORLD_HALTS];
  int halt_count;
  bool halts_unsure;     // one was refused by the disk: more may be halted than is known
  bool faulty;           // the disk refuses
  int64_t slow_until_ns; // the disk is slow
  int64_t set_back_ns;   // by people, all in all
  uint64_t trace;        // of everything that was told and logged
  struct {
    unsigned crashes, power_cuts, restarts, host_ills, faults, halts, acts, refused, garbage, jumps, replays;
    uint64_t orders, fills, denials, divergences, blamed;
  } did;
};

// Prints what is wrong and ends the process.
void violation(const struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
void world_note(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));  // into the trace, and shown

// Once in a process, before any world: the disk that all begin with, with people and scripts. A world is then a child's, made by fork.
// many: more than a few worlds will follow.
void world_prepare(bool many);
void world_unprepare(void);
// Started, on that disk; of at most so many bots, 0: as the seed says.
void world_begin(struct world *w, uint64_t seed, int bots, bool show);
void world_end(struct world *w);
// False: it did not come up (the disk refused); to be tried again.
bool world_start(struct world *w);
enum world_stop { WORLD_SHUTDOWN, WORLD_KILLED, WORLD_POWER };
void world_stop(struct world *w, enum world_stop how);
void world_run(struct world *w, int64_t ns);

// ---- what people do; answers come later, by the loop
void world_create(struct world *w, bool start);
void world_act(struct world *w, int bot, enum life_event e, bool close);
void world_params(struct world *w, int bot);
void world_version(struct world *w, int bot);
void world_restart_bot(struct world *w, int bot);
void world_delete(struct world *w, int bot);
void world_halt(struct world *w, enum refusal_level level, uint64_t id, enum halt_mode mode);
void world_resume(struct world *w, int nth);
// The mode that was acknowledged for a bot.
enum halt_mode world_halted(const struct world *w, const struct world_bot *b);

// ---- check.c
void check_now(struct world *w);          // cheap: after each step
void check_store(struct world *w);        // all of the journal, as committed
bool check_settled(const struct world *w); // nothing is on its way: what could run does
void check_end(struct world *w);          // everything healed and quiet: liveness, sums, replay
