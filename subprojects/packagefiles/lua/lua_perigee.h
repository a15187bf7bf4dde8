// Lua's seeds, fixed by whoever creates the state. Included in front of every Lua source file, and by the engine.
//
// Lua seeds its string hash with the clock and with addresses, and the pivot of large sorts with the clock, so the same
// script would see another key order on every run. Both are macros made to be replaced.
#pragma once

// Seed of the next state that lua_newstate() makes on this thread; read once, at that call. Zero is as good as any.
// A different value per bot keeps a tenant from preparing strings that collide in everybody's tables.
extern _Thread_local unsigned int perigee_lua_seed;

#define luai_makeseed(L) ((void)(L), perigee_lua_seed)

// Pivot of table.sort for large, unbalanced slices; "~0 is a good choice" says ltablib.c.
#define l_randomizePivot() (~0u)
