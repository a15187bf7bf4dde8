// script/dialect_decimal.c – decimal.*: exact arithmetic on decimal texts for dialects. 128 bits hold what venues write; what does
// not fit is an error, never a rounded number. Only div rounds, and says to how many places.
#include "script/dialect_impl.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef __int128 i128;
#define PLACES_MAX 30
#define DIGITS_MAX 38
#define TEXT_MAX 64

struct big {
  i128 digits;
  int places;  // digits × 10^-places
};

static bool mul_ok(i128 a, i128 b, i128 *ret) {
  return !__builtin_mul_overflow(a, b, ret);
}
static bool add_ok(i128 a, i128 b, i128 *ret) {
  return !__builtin_add_overflow(a, b, ret);
}

static bool scale_up(struct big *a, int places) {
  for (; a->places < places; a->places++)
    if (!mul_ok(a->digits, 10, &a->digits)) return false;
  return true;
}

static void trim(struct big *a) {
  while (a->places > 0 && a->digits % 10 == 0) a->digits /= 10, a->places--;
}

// [+-]digits[.digits][(e|E)[+-]digits], as JSON and venues write them.
static bool parse(const char *s, size_t len, struct big *ret) {
  const char *end = s + len;
  bool negative = false, any = false;
  struct big v = {0, 0};
  if (s < end && (*s == '-' || *s == '+')) negative = *s++ == '-';
  for (; s < end && isdigit((unsigned char)*s); s++, any = true)
    if (!mul_ok(v.digits, 10, &v.digits) || !add_ok(v.digits, *s - '0', &v.digits)) return false;
  if (s < end && *s == '.')
    for (s++; s < end && isdigit((unsigned char)*s); s++, any = true) {
      const char *rest = s;  // zeros at the end need no room
      while (rest < end && *rest == '0') rest++;
      if (rest == end || !isdigit((unsigned char)*rest)) {
        s = rest - 1;
        continue;
      }
      if (v.places == PLACES_MAX || !mul_ok(v.digits, 10, &v.digits) || !add_ok(v.digits, *s - '0', &v.digits)) return false;
      v.places++;
    }
  if (!any) return false;
  if (s < end && (*s == 'e' || *s == 'E')) {
    bool down = false;
    int e = 0;
    if (++s < end && (*s == '-' || *s == '+')) down = *s++ == '-';
    if (s == end) return false;
    for (; s < end && isdigit((unsigned char)*s); s++) {
      e = e * 10 + (*s - '0');
      if (e > 99) return false;
    }
    if (down) {
      v.places += e;
      trim(&v);
      if (v.places > PLACES_MAX) return false;
    } else {
      v.places -= e;
      if (!scale_up(&v, 0)) return false;
    }
  }
  if (s != end) return false;
  if (negative) v.digits = -v.digits;
  trim(&v);
  *ret = v;
  return true;
}

static size_t format(struct big v, char text[TEXT_MAX]) {
  trim(&v);
  char reversed[TEXT_MAX];
  int n = 0;
  bool negative = v.digits < 0;
  i128 d = v.digits;
  do {
    int digit = (int)(d % 10);
    reversed[n++] = (char)('0' + (digit < 0 ? -digit : digit));
    d /= 10;
    if (n == v.places) reversed[n++] = '.';
  } while (d != 0 || n <= v.places);
  if (n > 0 && reversed[n - 1] == '.') reversed[n++] = '0';
  size_t len = 0;
  if (negative) text[len++] = '-';
  while (n > 0) text[len++] = reversed[--n];
  text[len] = '\0';
  return len;
}

static struct big check(lua_State *L, int arg) {
  struct big v = {0, 0};
  if (lua_isinteger(L, arg)) {
    v.digits = lua_tointeger(L, arg);
    return v;
  }
  size_t len = 0;
  const char *s = lua_type(L, arg) == LUA_TSTRING ? lua_tolstring(L, arg, &len) : NULL;
  if (s == NULL) luaL_argerror(L, arg, lua_pushfstring(L, "a decimal text or a whole number expected, got %s", luaL_typename(L, arg)));
  else if (len > TEXT_MAX || !parse(s, len, &v)) luaL_argerror(L, arg, "no decimal number of at most 30 places");
  return v;
}

static int push(lua_State *L, struct big v) {
  char text[TEXT_MAX];
  size_t len = format(v, text);
  lua_pushlstring(L, text, len);
  return 1;
}

static int overflow(lua_State *L) {
  return luaL_error(L, "decimal: the result does not fit into %d digits", DIGITS_MAX);
}

static bool align(struct big *a, struct big *b) {
  return scale_up(a, b->places) && scale_up(b, a->places);
}

static int sum(lua_State *L, bool minus) {
  struct big a = check(L, 1), b = check(L, 2);
  if (minus) b.digits = -b.digits;
  if (!align(&a, &b) || !add_ok(a.digits, b.digits, &a.digits)) return overflow(L);
  return push(L, a);
}
static int l_add(lua_State *L) {
  return sum(L, false);
}
static int l_sub(lua_State *L) {
  return sum(L, true);
}

static int l_mul(lua_State *L) {
  struct big a = check(L, 1), b = check(L, 2);
  if (!mul_ok(a.digits, b.digits, &a.digits)) return overflow(L);
  a.places += b.places;
  trim(&a);
  if (a.places > PLACES_MAX) return overflow(L);
  return push(L, a);
}

// a / b to the nearest of b's multiples, half away from zero; or cut off.
static i128 quotient(i128 a, i128 b, bool nearest) {
  i128 q = a / b, r = a % b;
  if (!nearest) return q;
  i128 twice = (r < 0 ? -r : r), limit = b < 0 ? -b : b;
  if (twice >= limit - twice) q += (a < 0) == (b < 0) ? 1 : -1;
  return q;
}

static int l_div(lua_State *L) {
  struct big a = check(L, 1), b = check(L, 2);
  lua_Integer places = luaL_checkinteger(L, 3);
  if (places < 0 || places > PLACES_MAX) return luaL_argerror(L, 3, "0 … 30 places");
  if (b.digits == 0) return luaL_error(L, "decimal.div: division by zero");
  if (!scale_up(&a, b.places + (int)places) || !scale_up(&b, a.places - (int)places)) return overflow(L);
  return push(L, (struct big){quotient(a.digits, b.digits, true), (int)places});
}

static int to_step(lua_State *L, bool nearest) {
  struct big a = check(L, 1), step = check(L, 2);
  if (step.digits <= 0) return luaL_argerror(L, 2, "a step is above zero");
  if (!align(&a, &step)) return overflow(L);
  i128 n = quotient(a.digits, step.digits, nearest);
  if (!mul_ok(n, step.digits, &a.digits)) return overflow(L);
  return push(L, a);
}
static int l_trunc(lua_State *L) {
  return to_step(L, false);
}
static int l_round(lua_State *L) {
  return to_step(L, true);
}

static int l_cmp(lua_State *L) {
  struct big a = check(L, 1), b = check(L, 2);
  if (!align(&a, &b)) return overflow(L);
  lua_pushinteger(L, a.digits < b.digits ? -1 : a.digits > b.digits);
  return 1;
}

static int l_neg(lua_State *L) {
  struct big a = check(L, 1);
  a.digits = -a.digits;
  return push(L, a);
}

static int l_abs(lua_State *L) {
  struct big a = check(L, 1);
  if (a.digits < 0) a.digits = -a.digits;
  return push(L, a);
}

static int l_norm(lua_State *L) {
  return push(L, check(L, 1));
}

static int l_shift(lua_State *L) {
  struct big a = check(L, 1);
  lua_Integer n = luaL_checkinteger(L, 2);
  if (n < -PLACES_MAX || n > PLACES_MAX) return overflow(L);
  a.places -= (int)n;
  if (a.places < 0 && !scale_up(&a, 0)) return overflow(L);
  trim(&a);
  if (a.places > PLACES_MAX) return overflow(L);
  return push(L, a);
}

// -1, 0, 1; nil for what is no number: the way to ask whether a field holds one.
static int l_sign(lua_State *L) {
  struct big v = {0, 0};
  size_t len = 0;
  if (lua_isinteger(L, 1)) v.digits = lua_tointeger(L, 1);
  else if (lua_type(L, 1) != LUA_TSTRING || (lua_tolstring(L, 1, &len), len > TEXT_MAX) || !parse(lua_tostring(L, 1), len, &v)) {
    lua_pushnil(L);
    return 1;
  }
  lua_pushinteger(L, v.digits < 0 ? -1 : v.digits > 0);
  return 1;
}

const luaL_Reg dialect_lib_decimal[] = {{"add", l_add}, {"sub", l_sub}, {"mul", l_mul}, {"div", l_div}, {"trunc", l_trunc},
  {"round", l_round}, {"cmp", l_cmp}, {"neg", l_neg}, {"abs", l_abs}, {"norm", l_norm}, {"shift", l_shift}, {"sign", l_sign},
  {NULL, NULL}};
