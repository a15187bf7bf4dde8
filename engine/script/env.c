// script/env.c – the environment, built from an allow-list: what is not put here does not exist for a script.
//
// A library, and each of its functions, comes into a state when the script first names it: a state whose script uses three functions
// of a hundred holds three, which is a third of its memory.
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

struct constant {
  const char *name;
  void (*push)(lua_State *L);
};
static const struct library {
  const char *name;
  const luaL_Reg *functions;
  const struct constant *constants;  // NULL: none
} libraries[];

struct names {
  const char *at[NAMES_MAX];
  size_t count;
};

static void add_name(struct names *n, const char *name) {
  if (n->count < NAMES_MAX) n->at[n->count++] = name;
}

static int unknown(lua_State *L, const char *key, const char *what, const char *owner, const struct names *names) {
  const char *near = suggest_nearest(key, names->at, names->count);
  const char *dot = owner[0] != '\0' ? "." : "";
  if (near != NULL)
    return luaL_error(L, "unknown %s '%s%s%s': did you mean '%s%s%s'?", what, owner, dot, key, owner, dot, near);
  return luaL_error(L, "unknown %s '%s%s%s'", what, owner, dot, key);
}

static bool push_library(lua_State *L, const char *name);

static const luaL_Reg *find(const luaL_Reg *r, const char *name) {
  while (r != NULL && r->name != NULL && strcmp(r->name, name) != 0) r++;
  return r != NULL && r->name != NULL ? r : NULL;
}
// One of lib_base that has not come yet. Once it is there it is the script's: what it sets to nil stays nil.
static uint32_t base_bit(const luaL_Reg *r) { return UINT32_C(1) << (r - lib_base); }
static const luaL_Reg *find_base(const struct vm *vm, const char *name) {
  const luaL_Reg *r = find(lib_base, name);
  return r != NULL && !(vm->globals_given & base_bit(r)) ? r : NULL;
}
static void add_names(struct names *n, const luaL_Reg *r) {
  for (; r != NULL && r->name != NULL; r++) add_name(n, r->name);
}

// __index of the globals: a library or function that is named for the first time, or a name nobody assigned.
static int l_global_missing(lua_State *L) {
  size_t len;
  if (lua_type(L, 2) != LUA_TSTRING) {
    lua_pushnil(L);
    return 1;
  }
  const char *key = lua_tolstring(L, 2, &len);
  lua_settop(L, 2);
  vm_push_globals(L);
  struct vm *vm = vm_of(L);
  const luaL_Reg *own = find(vm->offered, key), *now = find(vm->offered_now, key);
  const luaL_Reg *base = find_base(vm, key);
  if (own == NULL) own = base;
  if (now != NULL) {
    lua_pushcfunction(L, now->func);
    return 1;
  }
  if (own != NULL) lua_pushcfunction(L, own->func);
  if (own != NULL || push_library(L, key)) {
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 3);
    if (base != NULL) vm->globals_given |= base_bit(base);  // not before there was memory for it
    return 1;
  }
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (strcmp(key, hints[i].name) == 0) return luaL_error(L, "'%s' does not exist here: %s", key, hints[i].instead);
  if (len > 64) return luaL_error(L, "unknown global variable");
  struct names names = {.count = 0};
  for (const struct library *l = libraries; l->name != NULL; l++) add_name(&names, l->name);
  add_names(&names, lib_base);
  add_names(&names, vm->offered);
  add_names(&names, vm->offered_now);
  lua_pushnil(L);
  while (lua_next(L, 3)) {
    lua_settop(L, -2);
    if (lua_type(L, -1) == LUA_TSTRING) add_name(&names, lua_tostring(L, -1));
  }
  return unknown(L, key, "global", "", &names);
}

// A name that is not there is assigned: (globals, name, value).
static int l_global_new(lua_State *L) {
  struct vm *vm = vm_of(L);
  const luaL_Reg *base = lua_type(L, 2) == LUA_TSTRING ? find_base(vm, lua_tostring(L, 2)) : NULL;
  lua_settop(L, 3);
  lua_rawset(L, 1);
  if (base != NULL) vm->globals_given |= base_bit(base);
  return 0;
}

void env_complete(lua_State *L) {
  struct vm *vm = vm_of(L);
  vm_push_globals(L);
  for (const luaL_Reg *r = lib_base; r->name != NULL; r++) {
    if (vm->globals_given & base_bit(r)) continue;
    lua_pushstring(L, r->name);
    lua_pushcfunction(L, r->func);
    lua_rawset(L, -3);
    vm->globals_given |= base_bit(r);
  }
  lua_settop(L, -2);
}

static bool push_member(lua_State *L, const struct library *l, const char *key) {
  for (const luaL_Reg *r = l->functions; r->name != NULL; r++)
    if (strcmp(r->name, key) == 0) return lua_pushcfunction(L, r->func), true;
  for (const struct constant *c = l->constants; c != NULL && c->name != NULL; c++)
    if (strcmp(c->name, key) == 0) return c->push(L), true;
  return false;
}

// __index of the libraries themselves: a function's first use, or math.flor. The metatable tells which library it is.
static int l_field_missing(lua_State *L) {
  size_t len;
  if (lua_type(L, 2) != LUA_TSTRING || (lua_tolstring(L, 2, &len), len > 64)) return luaL_error(L, "unknown function");
  const char *key = lua_tostring(L, 2);
  lua_settop(L, 2);
  lua_getmetatable(L, 1);
  lua_rawgetp(L, 3, &lib_copy_key);
  const struct library *l = lua_touserdata(L, 4);
  if (push_member(L, l, key)) {
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 5);
    lua_rawset(L, 1);
    return 1;
  }
  struct names names = {.count = 0};
  for (const luaL_Reg *r = l->functions; r->name != NULL; r++) add_name(&names, r->name);
  for (const struct constant *c = l->constants; c != NULL && c->name != NULL; c++) add_name(&names, c->name);
  return unknown(L, key, "function", l->name, &names);
}

static int l_read_only(lua_State *L) {
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
  if (key != NULL && strlen(key) <= 64) return luaL_error(L, "the library is read-only: cannot set '%s'", key);
  return luaL_error(L, "the library is read-only");
}

// ---- building

static void lock(lua_State *L) {  // metatable on top
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushboolean(L, 1);
  lua_rawsetp(L, -2, &lib_protected_key);
}

// Pushes the table that the library's functions come into. Scripts never get hold of it.
static void push_functions(lua_State *L, const struct library *l) {
  lua_newtable(L);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, l_field_missing);
  lua_setfield(L, -2, "__index");
  lua_pushlightuserdata(L, (void *)(uintptr_t)l);
  lua_rawsetp(L, -2, &lib_copy_key);
  lua_setmetatable(L, -2);
}

// functions → functions proxy: an empty table that reads through.
static void push_proxy(lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 4);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, l_read_only);
  lua_setfield(L, -2, "__newindex");
  lock(L);
  lua_setmetatable(L, -2);
}

static void push_pi(lua_State *L) { lua_pushnumber(L, 3.141592653589793238462643383279502884); }
static void push_huge(lua_State *L) { lua_pushnumber(L, (lua_Number)__builtin_huge_val()); }
static void push_max(lua_State *L) { lua_pushinteger(L, LUA_MAXINTEGER); }
static void push_min(lua_State *L) { lua_pushinteger(L, LUA_MININTEGER); }
static void push_charpattern(lua_State *L) { lua_pushlstring(L, "[\0-\x7F\xC2-\xFD][\x80-\xBF]*", 14); }

static const struct constant math_constants[] = {{"pi", push_pi}, {"huge", push_huge}, {"maxinteger", push_max}, {"mininteger", push_min}, {NULL, NULL}};
static const struct constant utf8_constants[] = {{"charpattern", push_charpattern}, {NULL, NULL}};

enum { LIBRARY_STRING };
static const struct library libraries[] = {
  [LIBRARY_STRING] = { "string", lib_string, NULL },
  { "math", lib_math, math_constants },
  { "table", lib_table, NULL },
  { "utf8", lib_utf8, utf8_constants },
  { NULL, NULL, NULL },
};

// The functions of strings are the library's and those of ("x"):rep(3) alike.
static void push_string_functions(lua_State *L) {
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_getfield(L, -1, "__index");
  lua_replace(L, -3);
  lua_settop(L, -2);
}

static bool push_library(lua_State *L, const char *name) {
  const struct library *l = libraries;
  while (l->name != NULL && strcmp(l->name, name) != 0) l++;
  if (l->name == NULL) return false;
  if (l == &libraries[LIBRARY_STRING]) push_string_functions(L);
  else push_functions(L, l);
  push_proxy(L);
  return true;
}

void env_build(lua_State *L, vm_env_fn fn, void *arg) {
  int base = lua_gettop(L);
  lua_newtable(L);  // the globals
  lua_pushvalue(L, -1);
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  vm_of(L)->globals = lua_topointer(L, -1);
  // The metatable of all strings. Without arithmetic: "10" + 1 is a mistake here.
  lua_pushliteral(L, "");
  lua_createtable(L, 0, 4);
  push_functions(L, &libraries[LIBRARY_STRING]);
  lua_setfield(L, -2, "__index");
  lock(L);
  lua_setmetatable(L, -2);
  lua_settop(L, base + 1);
  if (fn != NULL) fn(L, arg);
  lua_settop(L, base + 1);
  lua_createtable(L, 0, 4);
  lua_pushcfunction(L, l_global_missing);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, l_global_new);
  lua_setfield(L, -2, "__newindex");
  lock(L);
  lua_setmetatable(L, -2);
  lua_settop(L, base);
}
