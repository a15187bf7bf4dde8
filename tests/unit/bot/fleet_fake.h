// tests/unit/bot/fleet_fake.h – a host process for tests of the fleet: speaks bot/wire, checks what it is told, runs no Lua.
//
// What a bot does is its source: "VERB [N]", from its N-th instant on: good, crash, exit, sigsys, spin, garbage, flood, deaf,
// core (a frame that only the core may send), early (DONE of a wrong time), blame (crashes and names bot N instead). quick, slow: says that tenant N is.
#pragma once

// Returns the exit code: 9 when the core broke the protocol (a series opened twice, a bar missing or doubled, …).
int fleet_fake_main(void);
