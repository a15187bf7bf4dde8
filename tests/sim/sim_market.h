// tests/sim/sim_market.h – the bars of synthetic markets, made once: a function of market and time (venue/feed_sim_market.h) that each world
// asks for again at every start of a process and of a bot. What was made before a world's process is forked, the world has too; other bars
// are made when they are asked for, as ever.
#pragma once
#include <stdint.h>

// Makes the bars of one minute that open from from_ns to before to_ns, of symbols of feed_sim_shipped (ended by NULL).
void sim_market_prepare(uint64_t seed, const char *const *symbols, int64_t from_ns, int64_t to_ns);
void sim_market_forget(void);
