// script/lib_utf8.c – utf8.*, as in Lua's manual; scans poll the kill.
#include "script/lib.h"
#include "script/vm_impl.h"

#include <stdint.h>

#define UNICODE_MAX 0x10ffffu
#define CODE_MAX 0x7fffffffu

static bool is_continuation(const char *p) { return ((unsigned char)*p & 0xc0) == 0x80; }

// One sequence at p (a NUL ends the text at the latest); NULL when it is not valid.
static const char *decode(const char *p, uint32_t *ret_code, bool strict) {
  static const uint32_t least[] = { ~0u, 0x80, 0x800, 0x10000, 0x200000, 0x4000000 };
  unsigned c = (unsigned char)p[0];
  uint32_t code = 0;
  if (c < 0x80) {
    code = c;
  } else {
    int n = 0;
    for (; c & 0x40; c <<= 1) {
      unsigned cc = (unsigned char)p[++n];
      if ((cc & 0xc0) != 0x80) return NULL;
      code = code << 6 | (cc & 0x3f);
    }
    code |= (uint32_t)(c & 0x7f) << (n * 5);
    if (n > 5 || code > CODE_MAX || code < least[n]) return NULL;
    p += n;
  }
  if (strict && (code > UNICODE_MAX || (code >= 0xd800 && code <= 0xdfff))) return NULL;
  *ret_code = code;
  return p + 1;
}

static lua_Integer position(lua_Integer pos, size_t len) {
  if (pos >= 0) return pos;
  if (0u - (size_t)pos > len) return 0;
  return (lua_Integer)len + pos + 1;
}

static int l_len(lua_State *L) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  lua_Integer i = position(luaL_optinteger(L, 2, 1), len), j = position(luaL_optinteger(L, 3, -1), len), n = 0;
  bool lax = lua_toboolean(L, 4);
  luaL_argcheck(L, 1 <= i && --i <= (lua_Integer)len, 2, "initial position out of bounds");
  luaL_argcheck(L, --j < (lua_Integer)len, 3, "final position out of bounds");
  while (i <= j) {
    uint32_t code;
    const char *next = decode(s + i, &code, !lax);
    if (next == NULL) {
      luaL_pushfail(L);
      lua_pushinteger(L, i + 1);
      return 2;
    }
    i = next - s;
    if (++n % 256 == 0) vm_poll(L, 128);
  }
  lua_pushinteger(L, n);
  return 1;
}

static int l_codepoint(lua_State *L) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  lua_Integer i = position(luaL_optinteger(L, 2, 1), len), j = position(luaL_optinteger(L, 3, i), len);
  bool lax = lua_toboolean(L, 4);
  luaL_argcheck(L, i >= 1, 2, "out of bounds");
  luaL_argcheck(L, j <= (lua_Integer)len, 3, "out of bounds");
  if (i > j) return 0;
  if (j - i >= 8192) return luaL_error(L, "string slice too long");
  luaL_checkstack(L, (int)(j - i) + 1, "string slice too long");
  int n = 0;
  for (const char *p = s + i - 1, *end = s + j; p < end; n++) {
    uint32_t code;
    p = decode(p, &code, !lax);
    if (p == NULL) return luaL_error(L, "invalid UTF-8 code");
    lua_pushinteger(L, code);
  }
  return n;
}

static size_t encode(char *out, uint32_t code) {
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  char reversed[8];
  size_t n = 0;
  uint32_t first_max = 0x3f;
  do {
    reversed[n++] = (char)(0x80 | (code & 0x3f));
    code >>= 6;
    first_max >>= 1;
  } while (code > first_max);
  reversed[n++] = (char)((~first_max << 1) | code);
  for (size_t i = 0; i < n; i++) out[i] = reversed[n - 1 - i];
  return n;
}

static int l_char(lua_State *L) {
  int n = lua_gettop(L);
  struct sbuf b;
  sbuf_init(&b, L);
  for (int i = 1; i <= n; i++) {
    lua_Unsigned code = (lua_Unsigned)luaL_checkinteger(L, i);
    luaL_argcheck(L, code <= CODE_MAX, i, "value out of range");
    b.len += encode(sbuf_reserve(&b, 8), (uint32_t)code);
  }
  sbuf_push(&b);
  return 1;
}

static int l_offset(lua_State *L) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  lua_Integer n = luaL_checkinteger(L, 2), end = (lua_Integer)len;
  lua_Integer i = position(luaL_optinteger(L, 3, n > 0 ? 1 : end + 1), len);
  luaL_argcheck(L, 1 <= i && --i <= end, 3, "position out of bounds");
  if (n == 0) {
    while (i > 0 && is_continuation(s + i)) i--;
    lua_pushinteger(L, i + 1);
    return 1;
  }
  if (is_continuation(s + i)) return luaL_error(L, "initial position is a continuation byte");
  for (unsigned steps = 1; n < 0 && i > 0; n++, steps++) {
    if (steps % 256 == 0) vm_poll(L, 128);
    do i--;
    while (i > 0 && is_continuation(s + i));
  }
  if (n > 0) {
    n--;
    for (unsigned steps = 1; n > 0 && i < end; n--, steps++) {
      if (steps % 256 == 0) vm_poll(L, 128);
      do i++;
      while (is_continuation(s + i));
    }
  }
  if (n == 0) lua_pushinteger(L, i + 1);
  else luaL_pushfail(L);
  return 1;
}

static int codes_step(lua_State *L, bool strict) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  lua_Unsigned n = (lua_Unsigned)luaL_checkinteger(L, 2);
  if (n > len) return 0;
  unsigned steps = 1;
  if (n > 0)
    while (n < len && is_continuation(s + n)) {
      n++;
      if (steps++ % 256 == 0) vm_poll(L, 64);
    }
  if (n >= len) return 0;
  uint32_t code;
  const char *next = decode(s + n, &code, strict);
  if (next == NULL || is_continuation(next)) return luaL_error(L, "invalid UTF-8 code");
  lua_pushinteger(L, (lua_Integer)n + 1);
  lua_pushinteger(L, code);
  return 2;
}

static int l_codes_strict(lua_State *L) { return codes_step(L, true); }
static int l_codes_lax(lua_State *L) { return codes_step(L, false); }

static int l_codes(lua_State *L) {
  const char *s = luaL_checkstring(L, 1);
  luaL_argcheck(L, !is_continuation(s), 1, "invalid UTF-8 code");
  lua_pushcfunction(L, lua_toboolean(L, 2) ? l_codes_lax : l_codes_strict);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

const luaL_Reg lib_utf8[] = {
  { "char", l_char }, { "codepoint", l_codepoint }, { "codes", l_codes },
  { "len", l_len },   { "offset", l_offset },       { NULL, NULL },
};
