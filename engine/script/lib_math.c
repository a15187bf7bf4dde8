// script/lib_math.c – math.*, as in Lua's manual, but random draws from the bot's own seed.
#include "script/lib.h"
#include "script/vm_impl.h"

#include <math.h>
#include <string.h>

static int push_whole(lua_State *L, lua_Number f) {
  lua_Integer n;
  if (lua_numbertointeger(f, &n)) lua_pushinteger(L, n);
  else lua_pushnumber(L, f);
  return 1;
}

#define MATH1(name, expr)                        \
  static int l_##name(lua_State *L) {            \
    lua_Number x = luaL_checknumber(L, 1);       \
    lua_pushnumber(L, expr);                     \
    return 1;                                    \
  }
MATH1(sin, sin(x))
MATH1(cos, cos(x))
MATH1(tan, tan(x))
MATH1(asin, asin(x))
MATH1(acos, acos(x))
MATH1(sqrt, sqrt(x))
MATH1(exp, exp(x))
MATH1(deg, x * (180.0 / 3.141592653589793238462643383279502884))
MATH1(rad, x * (3.141592653589793238462643383279502884 / 180.0))

static int l_atan(lua_State *L) {
  lua_pushnumber(L, atan2(luaL_checknumber(L, 1), luaL_optnumber(L, 2, 1)));
  return 1;
}

static int l_abs(lua_State *L) {
  if (lua_isinteger(L, 1)) {
    lua_Integer n = lua_tointeger(L, 1);
    lua_pushinteger(L, n < 0 ? (lua_Integer)(0u - (lua_Unsigned)n) : n);
  } else {
    lua_pushnumber(L, fabs(luaL_checknumber(L, 1)));
  }
  return 1;
}

static int l_round_down(lua_State *L) {
  if (!lua_isinteger(L, 1)) return push_whole(L, floor(luaL_checknumber(L, 1)));
  lua_settop(L, 1);
  return 1;
}

static int l_round_up(lua_State *L) {
  if (!lua_isinteger(L, 1)) return push_whole(L, ceil(luaL_checknumber(L, 1)));
  lua_settop(L, 1);
  return 1;
}

static int l_fmod(lua_State *L) {
  if (lua_isinteger(L, 1) && lua_isinteger(L, 2)) {
    lua_Integer a = lua_tointeger(L, 1), b = lua_tointeger(L, 2);
    luaL_argcheck(L, b != 0, 2, "zero");
    lua_pushinteger(L, b == -1 ? 0 : a % b);
  } else {
    lua_pushnumber(L, fmod(luaL_checknumber(L, 1), luaL_checknumber(L, 2)));
  }
  return 1;
}

static int l_modf(lua_State *L) {
  lua_Number x = luaL_checknumber(L, 1), whole = x < 0 ? ceil(x) : floor(x);
  lua_pushnumber(L, whole);
  lua_pushnumber(L, x == whole ? 0.0 : x - whole);
  return 2;
}

static int l_log(lua_State *L) {
  lua_Number x = luaL_checknumber(L, 1), r;
  if (lua_isnoneornil(L, 2)) {
    r = log(x);
  } else {
    lua_Number base = luaL_checknumber(L, 2);
    r = base == 2.0 ? log2(x) : base == 10.0 ? log10(x) : log(x) / log(base);
  }
  lua_pushnumber(L, r);
  return 1;
}

static int extreme(lua_State *L, bool max) {
  int n = lua_gettop(L), best = 1;
  luaL_checknumber(L, 1);
  for (int i = 2; i <= n; i++) {
    luaL_checknumber(L, i);
    if (max ? lua_compare(L, best, i, LUA_OPLT) : lua_compare(L, i, best, LUA_OPLT)) best = i;
  }
  lua_pushvalue(L, best);
  return 1;
}

static int l_max(lua_State *L) { return extreme(L, true); }
static int l_min(lua_State *L) { return extreme(L, false); }

static int l_tointeger(lua_State *L) {
  luaL_checkany(L, 1);
  int ok = 0;
  lua_Integer n = lua_type(L, 1) == LUA_TSTRING && lua_rawlen(L, 1) > 256 ? 0 : lua_tointegerx(L, 1, &ok);
  if (ok) lua_pushinteger(L, n);
  else luaL_pushfail(L);
  return 1;
}

static int l_type(lua_State *L) {
  luaL_checkany(L, 1);
  if (lua_type(L, 1) == LUA_TNUMBER) lua_pushstring(L, lua_isinteger(L, 1) ? "integer" : "float");
  else luaL_pushfail(L);
  return 1;
}

static int l_ult(lua_State *L) {
  lua_pushboolean(L, (lua_Unsigned)luaL_checkinteger(L, 1) < (lua_Unsigned)luaL_checkinteger(L, 2));
  return 1;
}

// Uniform in [0, span]: draws are masked to the next power of two and thrown away above the span.
static lua_Unsigned below(struct vm *vm, lua_Unsigned span) {
  lua_Unsigned mask = span;
  for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
  lua_Unsigned r;
  do r = vm_random(vm) & mask;
  while (r > span);
  return r;
}

static int l_random(lua_State *L) {
  struct vm *vm = vm_of(L);
  lua_Integer low = 1, high;
  switch (lua_gettop(L)) {
    case 0:
      lua_pushnumber(L, (lua_Number)(vm_random(vm) >> 11) * 0x1p-53);
      return 1;
    case 1:
      high = luaL_checkinteger(L, 1);
      if (high == 0) {
        lua_pushinteger(L, (lua_Integer)vm_random(vm));
        return 1;
      }
      break;
    case 2:
      low = luaL_checkinteger(L, 1);
      high = luaL_checkinteger(L, 2);
      break;
    default:
      return luaL_error(L, "wrong number of arguments");
  }
  luaL_argcheck(L, low <= high, lua_gettop(L), "interval is empty");
  lua_pushinteger(L, (lua_Integer)(below(vm, (lua_Unsigned)high - (lua_Unsigned)low) + (lua_Unsigned)low));
  return 1;
}

static int l_randomseed(lua_State *L) {
  if (lua_isnoneornil(L, 1)) return luaL_error(L, "math.randomseed needs a number here: runs must be repeatable");
  lua_Number f = luaL_checknumber(L, 1);
  lua_Integer n = 0;
  if (lua_isinteger(L, 1)) n = lua_tointeger(L, 1);
  else if (!lua_numbertointeger(f, &n)) memcpy(&n, &f, sizeof n);
  vm_seed_random(vm_of(L), (uint64_t)n ^ (uint64_t)luaL_optinteger(L, 2, 0) * 0x9e3779b97f4a7c15u);
  return 0;
}

const luaL_Reg lib_math[] = {
  { "abs", l_abs },     { "acos", l_acos },     { "asin", l_asin },     { "atan", l_atan },
  { "ceil", l_round_up },   { "cos", l_cos },       { "deg", l_deg },       { "exp", l_exp },
  { "floor", l_round_down }, { "fmod", l_fmod },     { "log", l_log },       { "max", l_max },
  { "min", l_min },     { "modf", l_modf },     { "rad", l_rad },       { "random", l_random },
  { "randomseed", l_randomseed },               { "sin", l_sin },       { "sqrt", l_sqrt },
  { "tan", l_tan },     { "tointeger", l_tointeger }, { "type", l_type }, { "ult", l_ult },
  { NULL, NULL },
};
