// tests/sim/sim_loop.h – time, chance and order of a simulated process: loop/loop.h, loop/clock.h and loop/watchdog.h again, with a virtual
// clock. Linked before the loop's library, so that the engine above it runs unchanged.
//
// There is one thread. Whatever could happen next (a posted task, a descriptor that is ready, a timer that is due, an actor: a host
// process, a disk) is a candidate; one of them is drawn from the seed. Nothing can happen: time goes on to the next thing.
#pragma once
#include "loop/loop.h"

#include <stdbool.h>
#include <stdint.h>

// ---- chance: everything that is drawn in a run
void sim_seed(uint64_t seed);
uint64_t sim_random(void);
static inline uint64_t sim_below(uint64_t n) { return sim_random() % n; }
static inline bool sim_chance(unsigned per_mille) { return sim_below(1000) < per_mille; }

// ---- time
int64_t sim_now_ns(void);              // monotonic
void sim_wall_jump(int64_t by_ns);     // somebody sets the clock
uint64_t sim_events(void);             // things that happened so far

// ---- what is outside of the process
struct sim_actor {
  int64_t (*due_ns)(struct sim_actor *a);  // when it wants its turn, INT64_MAX: it waits
  void (*act)(struct sim_actor *a);
  struct sim_actor *next;
};
void sim_actor_add(struct sim_actor *a);
void sim_actor_remove(struct sim_actor *a);

// Everything that happens until then. False: the loop was told to stop meanwhile.
bool sim_run(struct loop *loop, int64_t until_ns);
