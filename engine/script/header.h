// script/header.h – private to script/: the globals a header uses (`strategy`, int{…}, num{…} …) and reading them out.
#pragma once
#include "script/spec.h"

#include <lua.h>

// Pushes nothing; sets the header's globals (strategy and the parameter kinds) in the table on top of the stack.
void header_register(lua_State *L);
// Takes the header's globals out of the table on top of the stack again, so that callbacks cannot see them.
void header_unregister(lua_State *L);
// Lets go of the table given to strategy{…}: a running state works from the spec and need not keep it.
void header_forget(lua_State *L);
// Pushes the table given to strategy{…}, or nil.
void header_push(lua_State *L);
// Walks the header into spec. Raises a Lua error whose text has file:line, the offending key and a suggestion.
void header_read(lua_State *L, const char *chunkname, const char *source, struct script_spec *spec);
