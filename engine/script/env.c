// script/env.c – the environment, built from an allow-list: what is not put here does not exist for a script.
#include "base/suggest.h"
#include "script/lib.h"
#include "script/vm_impl.h"

#include <string.h>

const char lib_protected_key = 0, lib_copy_key = 0;

#define NAMES_MAX 256  // candidates for a suggestion

// ---- names that are not there

// What people look for, and what there is instead.
static const struct {
  const char *name, *instead;
} hints[] = {
  { "print", "use ctx:log(\"info\", …)" },
  { "require", "a strategy is one file" },
  { "dofile", "a strategy is one file" },
  { "loadfile", "a strategy is one file" },
  { "load", "code cannot be made at run time" },
  { "loadstring", "code cannot be made at run time" },
  { "os", "ctx.now is the time" },
  { "io", "strategies see no files; keep data in ctx.state" },
  { "coroutine", "strategies are called back and have no threads of their own" },
  { "debug", "it would open the sandbox" },
  { "package", "a strategy is one file" },
  { "collectgarbage", "memory is the engine's business" },
  { "warn", "use ctx:log(\"warn\", …)" },
  { "rawset", "assign to the field" },
  { "unpack", "use table.unpack" },
  { "_G", "global names are used as they are" },
};

static int by_pushed_name(lua_State *L, const char *key, const char *what, const char *owner) {
  const char *names[NAMES_MAX];
  size_t n = 0;
  // stack: … table-with-the-names on top
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_settop(L, -2);
    if (lua_type(L, -1) == LUA_TSTRING && n < NAMES_MAX) names[n++] = lua_tostring(L, -1);
  }
  const char *near = suggest_nearest(key, names, n);
  const char *dot = owner[0] != '\0' ? "." : "";
  if (near != NULL)
    return luaL_error(L, "unknown %s '%s%s%s': did you mean '%s%s%s'?", what, owner, dot, key, owner, dot, near);
  return luaL_error(L, "unknown %s '%s%s%s'", what, owner, dot, key);
}

// __index of the globals: reading a name nobody assigned.
static int l_global_missing(lua_State *L) {
  size_t len;
  if (lua_type(L, 2) != LUA_TSTRING) {
    lua_pushnil(L);
    return 1;
  }
  const char *key = lua_tolstring(L, 2, &len);
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (strcmp(key, hints[i].name) == 0) return luaL_error(L, "'%s' does not exist here: %s", key, hints[i].instead);
  if (len > 64) return luaL_error(L, "unknown global variable");
  lua_settop(L, 2);
  vm_push_globals(L);
  return by_pushed_name(L, key, "global", "");
}

// __index of the libraries themselves: math.flor. The library is found by its place in the registry.
static int l_field_missing(lua_State *L) {
  size_t len;
  if (lua_type(L, 2) != LUA_TSTRING || (lua_tolstring(L, 2, &len), len > 64)) return luaL_error(L, "unknown function");
  const char *key = lua_tostring(L, 2);
  lua_settop(L, 2);
  lua_getmetatable(L, 1);
  lua_rawgetp(L, 3, &lib_copy_key);
  const char *owner = lua_tostring(L, 4);
  lua_pushvalue(L, 1);
  return by_pushed_name(L, key, "function", owner != NULL ? owner : "");
}

static int l_read_only(lua_State *L) {
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
  if (key != NULL && strlen(key) <= 64) return luaL_error(L, "the library is read-only: cannot set '%s'", key);
  return luaL_error(L, "the library is read-only");
}

// ---- building

static int count(const luaL_Reg *fns) {
  int n = 0;
  while (fns[n].name != NULL) n++;
  return n;
}

static void set_all(lua_State *L, const luaL_Reg *fns) {
  for (; fns->name != NULL; fns++) {
    lua_pushcfunction(L, fns->func);
    lua_setfield(L, -2, fns->name);
  }
}

static void lock(lua_State *L) {  // metatable on top
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushboolean(L, 1);
  lua_rawsetp(L, -2, &lib_protected_key);
}

// Pushes the library's functions as a table whose misses explain themselves. Scripts never get hold of it.
static void push_functions(lua_State *L, const char *name, const luaL_Reg *fns, void (*constants)(lua_State *L)) {
  lua_createtable(L, 0, count(fns) + (constants != NULL ? 5 : 0));
  set_all(L, fns);
  if (constants != NULL) constants(L);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, l_field_missing);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, name);
  lua_rawsetp(L, -2, &lib_copy_key);
  lua_setmetatable(L, -2);
}

// globals functions → globals functions; globals[name] = an empty table that reads through.
static void set_proxy(lua_State *L, const char *name) {
  lua_createtable(L, 0, 0);
  lua_createtable(L, 0, 4);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, l_read_only);
  lua_setfield(L, -2, "__newindex");
  lock(L);
  lua_setmetatable(L, -2);
  lua_setfield(L, -3, name);
}

static void math_constants(lua_State *L) {
  lua_pushnumber(L, 3.141592653589793238462643383279502884);
  lua_setfield(L, -2, "pi");
  lua_pushnumber(L, (lua_Number)__builtin_huge_val());
  lua_setfield(L, -2, "huge");
  lua_pushinteger(L, LUA_MAXINTEGER);
  lua_setfield(L, -2, "maxinteger");
  lua_pushinteger(L, LUA_MININTEGER);
  lua_setfield(L, -2, "mininteger");
}

static void utf8_constants(lua_State *L) {
  lua_pushlstring(L, "[\0-\x7F\xC2-\xFD][\x80-\xBF]*", 14);
  lua_setfield(L, -2, "charpattern");
}

void env_build(lua_State *L, vm_env_fn fn, void *arg) {
  int base = lua_gettop(L);
  lua_createtable(L, 0, 60);  // the globals, a new table: room for the API without a rehash
  lua_pushvalue(L, -1);
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  set_all(L, lib_base);
  push_functions(L, "math", lib_math, math_constants);
  set_proxy(L, "math");
  lua_settop(L, -2);
  push_functions(L, "table", lib_table, NULL);
  set_proxy(L, "table");
  lua_settop(L, -2);
  push_functions(L, "utf8", lib_utf8, utf8_constants);
  set_proxy(L, "utf8");
  lua_settop(L, -2);
  push_functions(L, "string", lib_string, NULL);
  set_proxy(L, "string");
  // ("x"):rep(3): the metatable of all strings. Without arithmetic: "10" + 1 is a mistake here.
  lua_pushliteral(L, "");
  lua_createtable(L, 0, 4);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lock(L);
  lua_setmetatable(L, -2);
  lua_settop(L, base + 1);
  if (fn != NULL) fn(L, arg);
  lua_settop(L, base + 1);
  lua_createtable(L, 0, 4);
  lua_pushcfunction(L, l_global_missing);
  lua_setfield(L, -2, "__index");
  lock(L);
  lua_setmetatable(L, -2);
  lua_settop(L, base);
}
