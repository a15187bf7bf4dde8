// script/dialect_lib.c – json.*, url.* and how the libraries of dialects come into their environment.
#include "script/dialect_impl.h"

#include "script/vm_impl.h"

#include <stdio.h>
#include <string.h>

// ---- json

static int l_json_encode(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  struct sbuf b;
  sbuf_init(&b, L);
  value_encode(L, 1, &b);
  sbuf_push(&b);
  return 1;
}

// The value, or nil and why not.
static int l_json_decode(lua_State *L) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  if (value_push_json(L, s, len)) return 1;
  lua_pushnil(L);
  lua_pushliteral(L, "no JSON text");
  return 2;
}

// A decimal text that stands in JSON without quotes, for venues that want numbers.
static int l_json_number(lua_State *L) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  size_t i = len > 0 && s[0] == '-' ? 1 : 0, digits = strspn(s + i, "0123456789");
  i += digits;
  bool good = digits > 0 && !(digits > 1 && s[i - digits] == '0');
  if (good && s[i] == '.') {
    size_t n = strspn(s + ++i, "0123456789");
    good = n > 0;
    i += n;
  }
  if (!good || i != len) return luaL_argerror(L, 1, "no plain decimal number");
  lua_pushfstring(L, "\x7fn%s", s);
  return 1;
}

static const luaL_Reg lib_json[] = {{"encode", l_json_encode}, {"decode", l_json_decode}, {"number", l_json_number}, {NULL, NULL}};

// ---- url

static void add_encoded(struct sbuf *b, const char *s, size_t len) {
  static const char hex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)s[i];
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-_.~", c) != NULL) {
      if (c == '\0') luaL_error(b->L, "url: a NUL byte");
      sbuf_add(b, (const char *)&c, 1);
    } else {
      char piece[3] = {'%', hex[c >> 4], hex[c & 15]};
      sbuf_add(b, piece, 3);
    }
  }
}

static int l_url_encode(lua_State *L) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  lua_settop(L, 1);
  struct sbuf b;
  sbuf_init(&b, L);
  add_encoded(&b, s, len);
  sbuf_push(&b);
  return 1;
}

static void add_value(struct sbuf *b, lua_State *L, int ix) {
  char digits[32];
  size_t len;
  switch (lua_type(L, ix)) {
    case LUA_TSTRING: {
      const char *s = lua_tolstring(L, ix, &len);
      add_encoded(b, s, len);
      return;
    }
    case LUA_TNUMBER:
      if (!lua_isinteger(L, ix)) luaL_error(L, "url: a number with a fraction would lose digits; give a decimal text");
      sbuf_add(b, digits, (size_t)snprintf(digits, sizeof digits, "%lld", (long long)lua_tointeger(L, ix)));
      return;
    case LUA_TBOOLEAN:
      if (lua_toboolean(L, ix)) sbuf_add(b, "true", 4);
      else sbuf_add(b, "false", 5);
      return;
    default: luaL_error(L, "url: a %s cannot be written", luaL_typename(L, ix));
  }
}

void dialect_query(lua_State *L, int ix) {
  ix = lua_absindex(L, ix);
  struct sbuf b;
  sbuf_init(&b, L);
  lua_Integer n = (lua_Integer)lua_rawlen(L, ix);
  for (lua_Integer i = 1; i <= n; i++) {
    vm_poll(L, 4);
    int given = lua_rawgeti(L, ix, i), pair = lua_gettop(L);
    if (given == LUA_TBOOLEAN) {  // condition and {name, value}
      lua_settop(L, pair - 1);
      continue;
    }
    if (given != LUA_TTABLE) luaL_error(L, "a query is a list of {name, value}");
    lua_rawgeti(L, pair, 1);
    int type = lua_rawgeti(L, pair, 2);
    if (type != LUA_TNIL && !(type == LUA_TBOOLEAN && !lua_toboolean(L, -1))) {
      if (b.len > 0) sbuf_add(&b, "&", 1);
      add_value(&b, L, pair + 1);
      sbuf_add(&b, "=", 1);
      add_value(&b, L, pair + 2);
    }
    lua_settop(L, pair - 1);
  }
  sbuf_push(&b);
  lua_replace(L, b.slot);
}

static int l_url_query(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  dialect_query(L, 1);
  return 1;
}

static const luaL_Reg lib_url[] = {{"encode", l_url_encode}, {"query", l_url_query}, {NULL, NULL}};

// ---- the environment

static void set_library(lua_State *L, const char *name, const luaL_Reg *functions) {
  lua_pushstring(L, name);
  lua_createtable(L, 0, 16);
  for (; functions->name != NULL; functions++) {
    lua_pushstring(L, functions->name);
    lua_pushcfunction(L, functions->func);
    lua_rawset(L, -3);
  }
  lua_rawset(L, -3);
}

void dialect_libraries(lua_State *L) {
  set_library(L, "decimal", dialect_lib_decimal);
  set_library(L, "json", lib_json);
  set_library(L, "url", lib_url);
  set_library(L, "text", dialect_lib_text);
}
