// script/lib_base.c – the global functions. Differences from Lua's manual:
//  * pcall, xpcall and message handlers cannot survive a kill.
//  * pairs and next visit numbers in ascending order, then strings in byte order, then false and true; a table with other keys
//    (tables, functions) is refused, for their order would be that of addresses. pairs takes the keys when it is called.
//  * tostring shows no addresses. setmetatable takes a list of fields and reads them once; a later change of the metatable
//    needs another setmetatable with it.
#include "script/lib.h"
#include "script/vm_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_TEXT_MAX 256  // bytes of a number written as text

// ---- errors

static int l_assert(lua_State *L) {
  if (likely(lua_toboolean(L, 1))) return lua_gettop(L);
  luaL_checkany(L, 1);
  lua_remove(L, 1);
  lua_pushliteral(L, "assertion failed!");
  lua_settop(L, 1);  // the message given, or else the default
  if (lua_type(L, 1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, 1);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int l_error(lua_State *L) {
  int level = (int)luaL_optinteger(L, 2, 1);
  lua_settop(L, 1);
  if (lua_type(L, 1) == LUA_TSTRING && level > 0) {
    luaL_where(L, level);
    lua_insert(L, 1);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int finish_pcall(lua_State *L, int rc, int first) {
  struct vm *vm = vm_of(L);
  if (unlikely(vm->killed != VM_ALIVE)) vm_poll(L, 1);
  if (rc == LUA_OK) return lua_gettop(L) - first;
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

static int l_pcall(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, 1);
  lua_insert(L, 1);
  return finish_pcall(L, lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0), 0);
}

// Stands in front of a script's message handler: Lua runs handlers of errors raised by a hook with hooks off, so a script's
// own must not run once it is killed.
static int l_handler(lua_State *L) {
  if (vm_of(L)->killed != VM_ALIVE) return 1;
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static int l_xpcall(lua_State *L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  int n = lua_gettop(L);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, l_handler, 1);
  lua_replace(L, 2);
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);  // function, handler, true, function, arguments
  return finish_pcall(L, lua_pcall(L, n - 2, LUA_MULTRET, 2), 2);
}

// ---- order

// numbers < strings < booleans
static int key_rank(lua_State *L, int ix) {
  switch (lua_type(L, ix)) {
    case LUA_TNUMBER: return 0;
    case LUA_TSTRING: return 1;
    case LUA_TBOOLEAN: return 2;
    case LUA_TLIGHTUSERDATA: return 3;  // ours, never shown
    default:
      return luaL_error(L, "cannot go through a table that has a %s as a key: the order would not be defined",
                        luaL_typename(L, ix));
  }
}

static bool text_less(lua_State *L, int a, int b) {
  size_t la, lb;
  const char *ta = lua_tolstring(L, a, &la), *tb = lua_tolstring(L, b, &lb);
  int c = memcmp(ta, tb, la < lb ? la : lb);
  return c != 0 ? c < 0 : la < lb;
}

static bool key_less(lua_State *L, int a, int b) {
  int ra = key_rank(L, a), rb = key_rank(L, b);
  if (ra != rb) return ra < rb;
  if (ra == 0) return lua_compare(L, a, b, LUA_OPLT);
  if (ra == 1) return text_less(L, a, b);
  return ra == 2 && !lua_toboolean(L, a) && lua_toboolean(L, b);
}

// Pushes the first key above the one at `after` (0: from the start) in the defined order, and its value; false: none.
static bool push_next(lua_State *L, int t, int after) {
  int best = lua_gettop(L) + 1;
  lua_pushnil(L);
  lua_pushnil(L);  // best key, best value
  bool found = false;
  unsigned steps = 0;
  lua_pushnil(L);
  while (lua_next(L, t)) {
    if (++steps % 64 == 0) vm_poll(L, 64);
    int key = lua_gettop(L) - 1;
    if (key_rank(L, key) != 3 && (after == 0 || key_less(L, after, key)) && (!found || key_less(L, key, best))) {
      lua_pushvalue(L, key);
      lua_replace(L, best);
      lua_pushvalue(L, key + 1);
      lua_replace(L, best + 1);
      found = true;
    }
    lua_settop(L, key);
  }
  lua_settop(L, best + 1);
  if (!found) lua_settop(L, best - 1);
  return found;
}

// The list 1 … n with nothing behind it? Then its order needs no sorting.
static bool is_list(lua_State *L, int t, lua_Integer *ret_n) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, t);
  *ret_n = n;
  if (n == 0) {
    lua_pushnil(L);
  } else {
    lua_pushinteger(L, n);
  }
  if (!lua_next(L, t)) return true;
  lua_settop(L, -3);
  return false;
}

// Globals come into their table when they are named; who looks through it sees them all.
static inline void complete(lua_State *L) {
  if (unlikely(lua_topointer(L, 1) == vm_of(L)->globals)) env_complete(L);
}

static int l_next(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  complete(L);
  lua_settop(L, 2);
  lua_Integer n;
  if (is_list(L, 1, &n)) {  // the common loop over a list, without a scan per step
    lua_Integer i = 0;
    if (lua_isinteger(L, 2)) i = lua_tointeger(L, 2);
    if (lua_isnil(L, 2) || (lua_isinteger(L, 2) && i >= 0)) {
      while (i < n) {
        i++;
        if (i % 64 == 0) vm_poll(L, 64);
        if (lua_rawgeti(L, 1, i) == LUA_TNIL) {
          lua_settop(L, -2);
          continue;
        }
        lua_pushinteger(L, i);
        lua_insert(L, -2);
        return 2;
      }
      lua_pushnil(L);
      return 1;
    }
  }
  if (lua_isnil(L, 2) ? push_next(L, 1, 0) : push_next(L, 1, 2)) return 2;
  lua_pushnil(L);
  return 1;
}

// upvalue 1: n. (t, i) → i + 1, t[i + 1] over the values that are not nil
static int l_list_step(lua_State *L) {
  lua_Integer n = lua_tointeger(L, lua_upvalueindex(1)), i = luaL_optinteger(L, 2, 0);
  luaL_checktype(L, 1, LUA_TTABLE);
  while (i < n) {
    i++;
    if (lua_rawgeti(L, 1, i) != LUA_TNIL) {
      lua_pushinteger(L, i);
      lua_insert(L, -2);
      return 2;
    }
    lua_settop(L, 2);
    if (i % 64 == 0) vm_poll(L, 64);
  }
  lua_pushnil(L);
  return 1;
}

// upvalue 1: sorted keys, 2: the place reached. Keys whose value has become nil are left out.
static int l_keys_step(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer i = lua_tointeger(L, lua_upvalueindex(2));
  for (;;) {
    i++;
    if (i % 64 == 0) vm_poll(L, 64);
    if (lua_rawgeti(L, lua_upvalueindex(1), i) == LUA_TNIL) return 1;
    lua_pushvalue(L, -1);
    if (lua_rawget(L, 1) != LUA_TNIL) break;
    lua_settop(L, -3);
  }
  lua_pushinteger(L, i);
  lua_replace(L, lua_upvalueindex(2));
  return 2;
}

// keys[a] and keys[b] pushed; less?
static bool slots_less(lua_State *L, int keys, lua_Integer a, lua_Integer b) {
  lua_rawgeti(L, keys, a);
  lua_rawgeti(L, keys, b);
  int top = lua_gettop(L);
  bool less = key_less(L, top - 1, top);
  lua_settop(L, top - 2);
  return less;
}

static void slots_swap(lua_State *L, int keys, lua_Integer a, lua_Integer b) {
  lua_rawgeti(L, keys, a);
  lua_rawgeti(L, keys, b);
  lua_rawseti(L, keys, a);
  lua_rawseti(L, keys, b);
}

static void sift(lua_State *L, int keys, lua_Integer at, lua_Integer n) {
  for (lua_Integer child; (child = 2 * at) <= n; at = child) {
    if (child < n && slots_less(L, keys, child, child + 1)) child++;
    if (!slots_less(L, keys, at, child)) return;
    slots_swap(L, keys, at, child);
  }
}

// Heap sort: keys differ from each other, so it need not be stable, and it has no bad inputs.
static void sort_keys(lua_State *L, int keys, lua_Integer n) {
  for (lua_Integer i = n / 2; i >= 1; i--) {
    vm_poll(L, 32);
    sift(L, keys, i, n);
  }
  for (lua_Integer i = n; i > 1; i--) {
    vm_poll(L, 32);
    slots_swap(L, keys, 1, i);
    sift(L, keys, 1, i - 1);
  }
}

static int l_pairs(lua_State *L) {
  luaL_checkany(L, 1);
  if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
    lua_pushvalue(L, 1);
    lua_call(L, 1, 3);
    return 3;
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  complete(L);
  lua_settop(L, 1);
  lua_Integer n = 0;
  if (is_list(L, 1, &n)) {
    lua_pushinteger(L, n);
    lua_pushcclosure(L, l_list_step, 1);
  } else {
    lua_Integer hint = n;
    lua_createtable(L, hint < 4 ? 4 : (int)hint, 0);
    n = 0;
    bool sorted = true;
    lua_pushnil(L);
    while (lua_next(L, 1)) {
      lua_settop(L, -2);
      if (key_rank(L, 3) == 3) continue;
      if (n % 64 == 0) vm_poll(L, 64);
      lua_pushvalue(L, 3);
      lua_rawseti(L, 2, ++n);
      if (sorted && n > 1) sorted = slots_less(L, 2, n - 1, n);
    }
    if (!sorted) sort_keys(L, 2, n);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, l_keys_step, 2);
  }
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

static int l_ipairs_step(lua_State *L) {
  lua_Integer i = luaL_checkinteger(L, 2);
  i = luaL_intop(+, i, 1);
  lua_pushinteger(L, i);
  return lua_geti(L, 1, i) == LUA_TNIL ? 1 : 2;
}

static int l_ipairs(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushcfunction(L, l_ipairs_step);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

// ---- values

static int l_select(lua_State *L) {
  int n = lua_gettop(L);
  if (lua_type(L, 1) == LUA_TSTRING && *lua_tostring(L, 1) == '#') {
    lua_pushinteger(L, n - 1);
    return 1;
  }
  lua_Integer i = luaL_checkinteger(L, 1);
  if (i < 0) i = n + i;
  else if (i > n) i = n;
  luaL_argcheck(L, 1 <= i, 1, "index out of range");
  return n - (int)i;
}

static int l_type(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushstring(L, lua_typename(L, lua_type(L, 1)));
  return 1;
}

static int digit_of(unsigned char c) { return isdigit(c) ? c - '0' : isalpha(c) ? toupper(c) - 'A' + 10 : 99; }

static int l_tonumber(lua_State *L) {
  if (lua_isnoneornil(L, 2)) {
    if (lua_type(L, 1) == LUA_TNUMBER) {
      lua_settop(L, 1);
      return 1;
    }
    size_t len;
    const char *s = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &len) : NULL;
    if (s != NULL && len <= NUMBER_TEXT_MAX && lua_stringtonumber(L, s) == len + 1) return 1;
    luaL_checkany(L, 1);
    luaL_pushfail(L);
    return 1;
  }
  size_t len;
  lua_Integer base = luaL_checkinteger(L, 2);
  luaL_checktype(L, 1, LUA_TSTRING);
  luaL_argcheck(L, 2 <= base && base <= 36, 2, "base out of range");
  const char *s = lua_tolstring(L, 1, &len), *end = s + len;
  if (len <= NUMBER_TEXT_MAX) {
    while (s < end && isspace((unsigned char)*s)) s++;
    bool negative = s < end && *s == '-';
    if (s < end && (*s == '-' || *s == '+')) s++;
    lua_Unsigned n = 0;
    const char *digits = s;
    for (int d; s < end && (d = digit_of((unsigned char)*s)) < base; s++) n = n * (lua_Unsigned)base + (lua_Unsigned)d;
    bool any = s > digits;
    while (s < end && isspace((unsigned char)*s)) s++;
    if (any && s == end) {
      lua_pushinteger(L, (lua_Integer)(negative ? 0 - n : n));
      return 1;
    }
  }
  luaL_pushfail(L);
  return 1;
}

const char *lib_tostring(lua_State *L, int ix, size_t *ret_len) {
  ix = lua_absindex(L, ix);
  if (luaL_getmetafield(L, ix, "__tostring") != LUA_TNIL) {
    lua_pushvalue(L, ix);
    lua_call(L, 1, 1);
    if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "'__tostring' must return a string");
    return lua_tolstring(L, -1, ret_len);
  }
  switch (lua_type(L, ix)) {
    case LUA_TSTRING:
    case LUA_TNUMBER: lua_pushvalue(L, ix); break;
    case LUA_TBOOLEAN: lua_pushstring(L, lua_toboolean(L, ix) ? "true" : "false"); break;
    default:
      if (lua_type(L, ix) == LUA_TUSERDATA && luaL_getmetafield(L, ix, "__name") == LUA_TSTRING) break;
      lua_pushstring(L, luaL_typename(L, ix));
  }
  return lua_tolstring(L, -1, ret_len);
}

static int l_tostring(lua_State *L) {
  luaL_checkany(L, 1);
  lib_tostring(L, 1, NULL);
  return 1;
}

static int l_rawequal(lua_State *L) {
  luaL_checkany(L, 1);
  luaL_checkany(L, 2);
  lua_pushboolean(L, lua_rawequal(L, 1, 2));
  return 1;
}

static int l_rawlen(lua_State *L) {
  int t = lua_type(L, 1);
  luaL_argexpected(L, t == LUA_TTABLE || t == LUA_TSTRING, 1, "table or string");
  lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 1));
  return 1;
}

static int l_rawget(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  complete(L);
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  lua_rawget(L, 1);
  return 1;
}

// ---- metatables

static const char *const meta_allowed[] = {
  "__index", "__newindex", "__call", "__tostring", "__metatable", "__pairs", "__eq", "__lt", "__le", "__len", "__concat",
  "__unm", "__add", "__sub", "__mul", "__div", "__mod", "__pow", "__idiv", "__band", "__bor", "__bxor", "__bnot", "__shl",
  "__shr",
};
static const char *const meta_refused[] = { "__gc", "__mode", "__close", "__name" };

// Is the metatable on top a copy of ours, made from a script's?
static bool is_copy(lua_State *L) {
  bool copy = lua_rawgetp(L, -1, &lib_copy_key) == LUA_TTABLE;
  lua_settop(L, -2);
  return copy;
}

static int l_getmetatable(lua_State *L) {
  luaL_checkany(L, 1);
  if (!lua_getmetatable(L, 1)) {
    lua_pushnil(L);
    return 1;
  }
  if (is_copy(L)) {
    lua_getfield(L, -1, "__metatable");
  } else {
    lua_pushboolean(L, 0);  // the engine's
  }
  return 1;
}

// Pushes our copy of the script's metatable at index 2, brought up to date.
static void push_copy(lua_State *L) {
  if (lua_rawgetp(L, 2, &lib_copy_key) != LUA_TTABLE) {
    lua_settop(L, -2);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, 2);
    lua_rawsetp(L, -2, &lib_copy_key);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, 2, &lib_copy_key);
  }
  int copy = lua_gettop(L);
  for (size_t i = 0; i < sizeof meta_refused / sizeof *meta_refused; i++) {
    lua_pushstring(L, meta_refused[i]);
    if (lua_rawget(L, 2) != LUA_TNIL) luaL_error(L, "a metatable may not have '%s' here", meta_refused[i]);
    lua_settop(L, copy);
  }
  for (size_t i = 0; i < sizeof meta_allowed / sizeof *meta_allowed; i++) {
    lua_pushstring(L, meta_allowed[i]);
    lua_pushvalue(L, -1);
    lua_rawget(L, 2);
    if (lua_isnil(L, -1) && strcmp(meta_allowed[i], "__metatable") == 0) {
      lua_settop(L, -2);
      lua_pushvalue(L, 2);
    }
    lua_pushvalue(L, -2);
    lua_rawget(L, copy);
    if (!lua_rawequal(L, -1, -2)) {
      lua_settop(L, -2);
      lua_rawset(L, copy);
    }
    lua_settop(L, copy);
  }
}

static int l_setmetatable(lua_State *L) {
  int t = lua_type(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, t == LUA_TNIL || t == LUA_TTABLE, 2, "nil or table");
  lua_settop(L, 2);
  if (lua_getmetatable(L, 1)) {
    bool own = is_copy(L);
    if (own) {  // a __metatable field of the script's protects, too
      lua_rawgetp(L, -1, &lib_copy_key);
      lua_getfield(L, -2, "__metatable");
      own = lua_rawequal(L, -1, -2);
    }
    if (!own) return luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
  }
  if (t == LUA_TNIL) lua_pushnil(L);
  else push_copy(L);
  lua_setmetatable(L, 1);
  lua_settop(L, 1);
  return 1;
}

const luaL_Reg lib_base[] = {
  { "assert", l_assert },
  { "error", l_error },
  { "getmetatable", l_getmetatable },
  { "ipairs", l_ipairs },
  { "next", l_next },
  { "pairs", l_pairs },
  { "pcall", l_pcall },
  { "rawequal", l_rawequal },
  { "rawget", l_rawget },
  { "rawlen", l_rawlen },
  { "select", l_select },
  { "setmetatable", l_setmetatable },
  { "tonumber", l_tonumber },
  { "tostring", l_tostring },
  { "type", l_type },
  { "xpcall", l_xpcall },
  { NULL, NULL },
};
