// script/profile_impl.h – states of operators' scripts. Private to script/.
#pragma once
#include "script/profile.h"
#include "script/vm.h"

#include <lua.h>

#define PROFILE_HEAP_BYTES (512 * 1024)
#define PROFILE_INSTRUCTIONS 200000  // of one call, loading being one too: about 2 ms

// A fresh state of the kind with the source loaded and its header given exactly once; destroy it with vm_destroy. Not for
// strategies. watchdog may be NULL. ERR_SCRIPT and ERR_BUDGET with file:line; ERR_LIMIT: too long.
enum status profile_open(enum script_kind kind, const char *chunkname, const char *source, size_t len, struct watchdog *watchdog,
                         struct vm **ret, struct err *err) MUST_CHECK;

// Pushes the header's table; inside protected calls only.
void profile_push_header(lua_State *L);
