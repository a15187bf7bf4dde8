// The variable behind lua_perigee.h.
#include "lua_perigee.h"

_Thread_local unsigned int perigee_lua_seed;
