// Walks everything a script can reach and fails on what is not on the list below. The list is the decision; env.c follows it.
#include "base/buf.h"
#include "script/lib.h"
#include "script/vm.h"

#include <lauxlib.h>
#include <lualib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const allowed[] = {
  "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawlen", "select",
  "setmetatable", "tonumber", "tostring", "type", "xpcall", "math", "string", "table", "utf8",
  "math.abs", "math.acos", "math.asin", "math.atan", "math.ceil", "math.cos", "math.deg", "math.exp", "math.floor",
  "math.fmod", "math.huge", "math.log", "math.max", "math.maxinteger", "math.min", "math.mininteger", "math.modf", "math.pi",
  "math.rad", "math.random", "math.randomseed", "math.sin", "math.sqrt", "math.tan", "math.tointeger", "math.type", "math.ult",
  "string.byte", "string.char", "string.find", "string.format", "string.gmatch", "string.gsub", "string.len", "string.lower",
  "string.match", "string.pack", "string.packsize", "string.rep", "string.reverse", "string.sub", "string.unpack",
  "string.upper",
  "table.concat", "table.insert", "table.move", "table.pack", "table.remove", "table.sort", "table.unpack",
  "utf8.char", "utf8.charpattern", "utf8.codepoint", "utf8.codes", "utf8.len", "utf8.offset",
};
#define ALLOWED (int)(sizeof allowed / sizeof *allowed)

static bool seen[sizeof allowed / sizeof *allowed];
static int functions, tables;

static void check_name(const char *name) {
  for (int i = 0; i < ALLOWED; i++)
    if (strcmp(name, allowed[i]) == 0) {
      seen[i] = true;
      return;
    }
  fail_msg("'%s' is reachable and not on the list", name);
}

// upvalue: table of the addresses of all functions of stock Lua, in its own state `stock`
static lua_State *stock;

static void check_function(lua_State *L, int ix, const char *path) {
  functions++;
  lua_CFunction f = lua_tocfunction(L, ix);
  if (f == NULL) fail_msg("%s is a Lua function", path);
  lua_pushlightuserdata(stock, *(void **)&f);
  if (lua_rawget(stock, -2) != LUA_TNIL) fail_msg("%s is stock Lua's own %s", path, lua_tostring(stock, -1));
  lua_settop(stock, -2);
}

// visited table at index 2
static void walk(lua_State *L, const char *path, const char *library) {
  int ix = lua_gettop(L);
  assert_true(lua_checkstack(L, 10));
  int type = lua_type(L, ix);
  if (type == LUA_TUSERDATA || type == LUA_TTHREAD) fail_msg("%s is a %s", path, luaL_typename(L, ix));
  if (type != LUA_TTABLE && type != LUA_TFUNCTION) return;
  lua_pushvalue(L, ix);
  if (lua_rawget(L, 2) != LUA_TNIL) {
    lua_settop(L, ix);
    return;
  }
  lua_settop(L, ix);
  lua_pushvalue(L, ix);
  lua_pushboolean(L, 1);
  lua_rawset(L, 2);
  char inner[256];
  if (type == LUA_TFUNCTION) {
    check_function(L, ix, path);
    for (int i = 1; lua_getupvalue(L, ix, i) != NULL; i++) {
      snprintf(inner, sizeof inner, "%s upvalue %d", path, i);
      walk(L, inner, NULL);
      lua_settop(L, ix);
    }
    return;
  }
  tables++;
  lua_pushnil(L);
  while (lua_next(L, ix)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    if (library != NULL) {
      snprintf(inner, sizeof inner, "%s%s%s", library, *library != '\0' ? "." : "", key);
      check_name(inner);
    } else {
      snprintf(inner, sizeof inner, "%s.%s", path, key);
    }
    walk(L, inner, NULL);
    lua_settop(L, ix + 1);
  }
  if (lua_getmetatable(L, ix)) {
    lua_getfield(L, -1, "__metatable");
    // Scripts cannot see it. (The table of the string functions, behind the locked metatable of strings, is never theirs.)
    if (strncmp(path, "globals", 7) == 0) assert_true(lua_isboolean(L, -1) && !lua_toboolean(L, -1));
    lua_settop(L, -2);
    // A library is an empty table whose metatable leads to the functions.
    lua_getfield(L, -1, "__index");
    if (lua_istable(L, -1)) {
      int functions_ix = lua_gettop(L);
      lua_pushvalue(L, functions_ix);
      lua_pushnil(L);
      while (lua_next(L, functions_ix)) {
        snprintf(inner, sizeof inner, "%s.%s", path, lua_tostring(L, -2));
        check_name(inner);
        walk(L, inner, NULL);
        lua_settop(L, functions_ix + 2);
      }
    }
    lua_settop(L, ix);
  }
}

static int l_walk(lua_State *L) {
  lua_createtable(L, 0, 200);
  vm_push_globals(L);
  walk(L, "globals", "");
  lua_settop(L, 2);
  lua_pushstring(L, "");
  assert_true(lua_getmetatable(L, -1));
  lua_getfield(L, -1, "__metatable");
  assert_true(lua_isboolean(L, -1));
  lua_settop(L, -2);
  walk(L, "string metatable", NULL);
  lua_settop(L, 2);
  // No other basic type has a metatable through which a script could reach anything.
  lua_pushnumber(L, 1);
  assert_false(lua_getmetatable(L, -1));
  lua_pushboolean(L, 1);
  assert_false(lua_getmetatable(L, -1));
  lua_pushnil(L);
  assert_false(lua_getmetatable(L, -1));
  lua_pushcfunction(L, l_walk);
  assert_false(lua_getmetatable(L, -1));
  lua_pushlightuserdata(L, L);
  assert_false(lua_getmetatable(L, -1));
  return 0;
}

static void collect_stock(lua_State *L, int visited) {
  int ix = lua_gettop(L);
  if (lua_type(L, ix) == LUA_TFUNCTION && lua_tocfunction(L, ix) != NULL) {
    lua_CFunction f = lua_tocfunction(L, ix);
    lua_pushlightuserdata(L, *(void **)&f);
    lua_pushstring(L, "function");
    lua_rawset(L, visited);
  } else if (lua_type(L, ix) == LUA_TTABLE) {
    lua_pushvalue(L, ix);
    if (lua_rawget(L, visited) == LUA_TNIL) {
      lua_pushvalue(L, ix);
      lua_pushboolean(L, 1);
      lua_rawset(L, visited);
      lua_settop(L, ix);
      lua_pushnil(L);
      while (lua_next(L, ix)) {
        collect_stock(L, visited);
        lua_settop(L, ix + 1);
      }
    }
  }
  lua_settop(L, ix);
}

// Libraries and their functions come when they are named: all that can be is, by what the list says and by what the code has.
static void name_all(struct vm *vm) {
  static const struct { const char *name; const luaL_Reg *functions; } libs[] = {{"math", lib_math}, {"string", lib_string}, {"table", lib_table}, {"utf8", lib_utf8}};
  struct buf text;
  struct err err;
  buf_init(&text, VM_SOURCE_MAX);
  for (int i = 0; i < ALLOWED; i++) buf_printf(&text, "assert(%s ~= nil)\n", allowed[i]);
  for (size_t k = 0; k < sizeof libs / sizeof *libs; k++)
    for (const luaL_Reg *r = libs[k].functions; r->name != NULL; r++) buf_printf(&text, "assert(%s.%s == %s.%s)\n", libs[k].name, r->name, libs[k].name, r->name);
  if (vm_load(vm, "names.lua", text.data, text.len, &err) != OK) fail_msg("%s", err.msg);
  buf_finish(&text);
}

static void test_reachable(void **state) {
  (void)state;
  struct err err;
  struct vm_limits limits = { 0 };
  struct vm *vm;
  stock = luaL_newstate();
  assert_non_null(stock);
  luaL_openlibs(stock);
  lua_createtable(stock, 0, 0);
  lua_pushglobaltable(stock);
  collect_stock(stock, 1);
  lua_settop(stock, 1);
  assert_int_equal(vm_create(&limits, NULL, NULL, NULL, &vm, &err), OK);
  name_all(vm);
  if (vm_protect(vm, l_walk, NULL, &err) != OK) fail_msg("%s", err.msg);
  for (int i = 0; i < ALLOWED; i++)
    if (!seen[i]) fail_msg("'%s' is on the list and not there", allowed[i]);
  assert_true(functions >= 60 && tables >= 5);
  vm_destroy(vm);
  lua_close(stock);
}

static int l_check_registry(lua_State *L) {
  lua_pushnil(L);
  while (lua_next(L, LUA_REGISTRYINDEX)) {
    if (lua_type(L, -2) == LUA_TSTRING) fail_msg("the registry has '%s'", lua_tostring(L, -2));
    lua_settop(L, -2);
  }
  return 0;
}

// No library of Lua's own was ever opened: its tables would be in the registry.
static void test_registry(void **state) {
  (void)state;
  struct err err;
  struct vm_limits limits = { 0 };
  struct vm *vm;
  assert_int_equal(vm_create(&limits, NULL, NULL, NULL, &vm, &err), OK);
  if (vm_protect(vm, l_check_registry, NULL, &err) != OK) fail_msg("%s", err.msg);
  vm_destroy(vm);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_reachable), cmocka_unit_test(test_registry) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
