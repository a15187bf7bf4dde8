// tests/sim/sim_host.h – host processes of the simulation: loop_spawn() of loop/loop.h makes one inside of this process, around the
// engine's own bot/host_feed, behind the same socket and the same shared word. It takes its turns when the simulation says so, dies when it
// is killed, and can be made to hang, to die half-way through what it says, or to talk nonsense.
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum sim_ill {
  SIM_DIE,        // at once
  SIM_DIE_SAYING, // in the middle of the next thing that it says
  SIM_HANG,       // takes no turn for a while
  SIM_BABBLE,     // bytes that mean nothing
  SIM_ILLS
};
int sim_host_count(void);  // that live now
// bot: which one its shared word names when it dies or hangs (0: none). False: there is no such host.
bool sim_host_harm(int nth, enum sim_ill what, uint64_t bot, int64_t for_ns);
void sim_host_heal(void);  // none hangs or is about to die any more
// The last thing that a host ended with by itself (host_feed refused what the core said): "" none.
const char *sim_host_complaint(void);
