// script/header.h – private to script/: the globals a header uses (`strategy`, int{…}, num{…} …) and reading them out.
#pragma once
#include "script/spec.h"

#include <lua.h>

// The header's globals: strategy and the parameter kinds. For vm_offer(), while the file runs: callbacks do not see them.
const struct luaL_Reg *header_functions(void);
// Lets go of the table given to strategy{…}: a running state works from the spec and need not keep it.
void header_forget(lua_State *L);
// Pushes the table given to strategy{…}, or nil.
void header_push(lua_State *L);
// Walks the header into spec. Raises a Lua error whose text has file:line, the offending key and a suggestion.
void header_read(lua_State *L, const char *chunkname, const char *source, struct script_spec *spec);
