// script/share.h – indicators that several scripts of one process have on the same bars, computed once.
//
// A script is made with indicators of its own and fed its past as ever. Then script_share() looks for one that another script has on
// the same series since the same first bar, with the same parameters, source and lookback, and with as many values: both are
// functions of the same bars (indicator/indicator.h), so all that follows will be the same bits, and this script lets go of its own. If
// there is none yet, its own becomes the one that others may find. Whoever is first with a new bar computes it; a script sees
// the value from its own script_push() on, whatever others did before.
#pragma once
#include "script/script.h"

struct indicator_pool;
// NULL: no memory.
struct indicator_pool *indicator_pool_create(void);
// All scripts that share by it are gone.
void indicator_pool_destroy(struct indicator_pool *pool);

// Of one stream, once all its past has been pushed. `series` names its bars among all that the pool's owner has; first_ns is the open
// time of the first that was pushed, anything while there was none. Every script that shares a series must be pushed each of its bars, in turn: nobody may be two
// bars behind another. Without memory it keeps its own. The pool outlives the script.
void script_share(struct script *s, int stream, struct indicator_pool *pool, uint64_t series, int64_t first_ns);

struct indicator_pool_stats {
  size_t shared;   // indicators
  size_t users;    // of all of them
  size_t bytes;
};
struct indicator_pool_stats indicator_pool_stats(const struct indicator_pool *pool);
