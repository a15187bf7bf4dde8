// `lua SCRIPT ARGS…` for generators and tests that run during the build: all standard libraries, `arg`, a traceback.
// Never part of the product; strategies run in the sandbox of engine/script.
#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

#include <stdio.h>
#include <stdlib.h>

static int l_traceback(lua_State *L) {
  const char *text = lua_tostring(L, 1);
  luaL_traceback(L, L, text ? text : "(error object is not a string)", 1);
  return 1;
}

static int l_main(lua_State *L) {
  int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  lua_settop(L, 0);
  luaL_openlibs(L);
  lua_createtable(L, argc, 2);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1); // arg[0] is the script, as in the stock interpreter
  }
  lua_setglobal(L, "arg");
  lua_pushcfunction(L, l_traceback);
  if (luaL_loadfile(L, argv[1]) != LUA_OK) return lua_error(L);
  luaL_checkstack(L, argc, "too many arguments");
  for (int i = 2; i < argc; i++) lua_pushstring(L, argv[i]);
  if (lua_pcall(L, argc - 2, 0, 1) != LUA_OK) return lua_error(L);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s SCRIPT [ARGS]\n", argv[0]);
    return 2;
  }
  lua_State *L = luaL_newstate();
  if (!L) {
    fprintf(stderr, "%s: out of memory\n", argv[0]);
    return 1;
  }
  lua_pushcfunction(L, l_main);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int failed = lua_pcall(L, 2, 0, 0) != LUA_OK;
  if (failed) fprintf(stderr, "%s\n", lua_tostring(L, -1) ? lua_tostring(L, -1) : "error");
  lua_close(L);
  return failed ? 1 : 0;
}
