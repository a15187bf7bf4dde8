// script/lib_table.c – table.*: plain tables only (raw access, no metamethods), every loop polls the kill. sort is a stable
// merge sort: the order of equal elements and the number of comparisons do not depend on pivots.
#include "script/lib.h"
#include "script/vm_impl.h"

#include <limits.h>
#include <string.h>

#define UNPACK_MAX 8192

static void check_table(lua_State *L, int ix) {
  luaL_checktype(L, ix, LUA_TTABLE);
  if (!lua_getmetatable(L, ix)) return;
  if (lua_rawgetp(L, -1, &lib_protected_key) != LUA_TNIL) luaL_argerror(L, ix, "the table is read-only");
  lua_settop(L, -3);
}

static lua_Integer length(lua_State *L, int ix) {
  check_table(L, ix);
  return (lua_Integer)lua_rawlen(L, ix);
}

static inline void poll_at(lua_State *L, lua_Integer i) {
  if ((i & 63) == 0) vm_poll(L, 64);
}

static int l_insert(lua_State *L) {
  lua_Integer n = length(L, 1), at;
  switch (lua_gettop(L)) {
    case 2:
      at = n + 1;
      break;
    case 3:
      at = luaL_checkinteger(L, 2);
      luaL_argcheck(L, (lua_Unsigned)at - 1u < (lua_Unsigned)n + 1u, 2, "position out of bounds");
      for (lua_Integer i = n + 1; i > at; i--) {
        poll_at(L, i);
        lua_rawgeti(L, 1, i - 1);
        lua_rawseti(L, 1, i);
      }
      break;
    default:
      return luaL_error(L, "wrong number of arguments to 'insert'");
  }
  lua_rawseti(L, 1, at);
  return 0;
}

static int l_remove(lua_State *L) {
  lua_Integer n = length(L, 1), at = luaL_optinteger(L, 2, n);
  if (at != n) luaL_argcheck(L, (lua_Unsigned)at - 1u <= (lua_Unsigned)n, 2, "position out of bounds");
  lua_rawgeti(L, 1, at);
  for (; at < n; at++) {
    poll_at(L, at);
    lua_rawgeti(L, 1, at + 1);
    lua_rawseti(L, 1, at);
  }
  lua_pushnil(L);
  lua_rawseti(L, 1, at);
  return 1;
}

static int l_concat(lua_State *L) {
  lua_Integer n = length(L, 1);
  size_t sep_len, len;
  const char *sep = luaL_optlstring(L, 2, "", &sep_len);
  lua_Integer i = luaL_optinteger(L, 3, 1), last = luaL_optinteger(L, 4, n);
  lua_settop(L, 4);
  struct sbuf b;
  sbuf_init(&b, L);
  for (; i <= last; i++) {
    poll_at(L, i);
    int type = lua_rawgeti(L, 1, i);
    if (type != LUA_TSTRING && type != LUA_TNUMBER)
      return luaL_error(L, "invalid value (at index %I) in table for 'concat': a %s", (LUAI_UACINT)i, luaL_typename(L, -1));
    const char *text = lua_tolstring(L, -1, &len);
    sbuf_add(&b, text, len);
    lua_settop(L, b.slot);
    if (i == last) break;  // last may be the largest integer
    sbuf_add(&b, sep, sep_len);
  }
  sbuf_push(&b);
  return 1;
}

static int l_pack(lua_State *L) {
  int n = lua_gettop(L);
  lua_createtable(L, n, 1);
  lua_insert(L, 1);
  for (int i = n; i >= 1; i--) lua_rawseti(L, 1, i);
  lua_pushinteger(L, n);
  lua_setfield(L, 1, "n");
  return 1;
}

static int l_unpack(lua_State *L) {
  check_table(L, 1);
  lua_Integer i = luaL_optinteger(L, 2, 1);
  lua_Integer e = lua_isnoneornil(L, 3) ? (lua_Integer)lua_rawlen(L, 1) : luaL_checkinteger(L, 3);
  if (i > e) return 0;
  lua_Unsigned n = (lua_Unsigned)e - (lua_Unsigned)i;
  if (n >= UNPACK_MAX || !lua_checkstack(L, (int)n + 1)) return luaL_error(L, "too many results to unpack");
  for (lua_Unsigned k = 0; k <= n; k++) lua_rawgeti(L, 1, (lua_Integer)((lua_Unsigned)i + k));
  return (int)n + 1;
}

static int l_move(lua_State *L) {
  check_table(L, 1);
  lua_Integer from = luaL_checkinteger(L, 2), to_end = luaL_checkinteger(L, 3), at = luaL_checkinteger(L, 4);
  int dst = lua_isnoneornil(L, 5) ? 1 : 5;
  if (dst == 5) check_table(L, 5);
  if (to_end >= from) {
    luaL_argcheck(L, from > 0 || to_end < LUA_MAXINTEGER + from, 3, "too many elements to move");
    lua_Integer n = to_end - from + 1;
    luaL_argcheck(L, at <= LUA_MAXINTEGER - n + 1, 4, "destination wrap around");
    bool up = at > to_end || at <= from || dst != 1;
    for (lua_Integer k = 0; k < n; k++) {
      poll_at(L, k);
      lua_Integer i = up ? k : n - 1 - k;
      lua_rawgeti(L, 1, from + i);
      lua_rawseti(L, dst, at + i);
    }
  }
  lua_pushvalue(L, dst);
  return 1;
}

// ---- sort. Stack: 1 table, 2 comparator or nil, 3 scratch table

static bool less(lua_State *L, int a, int b) {
  if (lua_isnil(L, 2)) return lua_compare(L, a, b, LUA_OPLT);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, a < 0 ? a - 1 : a);
  lua_pushvalue(L, b < 0 ? b - 2 : b);
  lua_call(L, 2, 1);
  bool r = lua_toboolean(L, -1);
  lua_settop(L, -2);
  return r;
}

#define RUN 8  // elements sorted by insertion before merging

static void sort_run(lua_State *L, lua_Integer lo, lua_Integer hi) {  // [lo, hi]
  for (lua_Integer i = lo + 1; i <= hi; i++) {
    lua_rawgeti(L, 1, i);
    lua_Integer j = i;
    for (; j > lo; j--) {
      lua_rawgeti(L, 1, j - 1);
      if (!less(L, -2, -1)) {
        lua_settop(L, -2);
        break;
      }
      lua_rawseti(L, 1, j);
    }
    lua_rawseti(L, 1, j);
  }
}

// Merges [lo, mid) and [mid, hi) of table `src` into `dst`.
static void merge(lua_State *L, int src, int dst, lua_Integer lo, lua_Integer mid, lua_Integer hi) {
  lua_Integer a = lo, b = mid;
  for (lua_Integer k = lo; k < hi; k++) {
    poll_at(L, k);
    if (a < mid && b < hi) {
      lua_rawgeti(L, src, b);
      lua_rawgeti(L, src, a);
      if (less(L, -2, -1)) {
        lua_settop(L, -2);
        b++;
      } else {
        lua_replace(L, -2);
        a++;
      }
    } else {
      lua_rawgeti(L, src, a < mid ? a++ : b++);
    }
    lua_rawseti(L, dst, k);
  }
}

static int l_sort(lua_State *L) {
  lua_Integer n = length(L, 1);
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  if (n < 2) return 0;
  luaL_argcheck(L, n < INT_MAX, 1, "array too big");
  for (lua_Integer lo = 1; lo <= n; lo += RUN) {
    vm_poll(L, 4 * RUN);
    sort_run(L, lo, lo + RUN - 1 < n ? lo + RUN - 1 : n);
  }
  if (n <= RUN) return 0;
  lua_createtable(L, (int)n, 0);
  int src = 1, dst = 3;
  for (lua_Integer width = RUN; width < n; width *= 2) {
    for (lua_Integer lo = 1; lo <= n; lo += 2 * width) {
      lua_Integer mid = lo + width, hi = lo + 2 * width;
      merge(L, src, dst, lo, mid < n + 1 ? mid : n + 1, hi < n + 1 ? hi : n + 1);
    }
    int swap = src;
    src = dst;
    dst = swap;
  }
  for (lua_Integer i = 1; src == 3 && i <= n; i++) {
    poll_at(L, i);
    lua_rawgeti(L, 3, i);
    lua_rawseti(L, 1, i);
  }
  return 0;
}

const luaL_Reg lib_table[] = {
  { "concat", l_concat }, { "insert", l_insert }, { "move", l_move }, { "pack", l_pack },
  { "remove", l_remove }, { "sort", l_sort },     { "unpack", l_unpack }, { NULL, NULL },
};
