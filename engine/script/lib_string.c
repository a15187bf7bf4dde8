// script/lib_string.c – string.* except matching and packing, and the buffer they share. string.dump does not exist, %p is
// refused. A result that does not fit into one block of the heap is an error before any work is done.
#include "script/lib.h"
#include "script/vm_impl.h"

#include <stdio.h>
#include <string.h>

// ---- buffer

void sbuf_init(struct sbuf *b, lua_State *L) {
  b->L = L;
  b->data = b->local;
  b->len = 0;
  b->cap = sizeof b->local;
  lua_pushnil(L);
  b->slot = lua_gettop(L);
}

char *sbuf_reserve(struct sbuf *b, size_t n) {
  if (likely(n <= b->cap - b->len)) return b->data + b->len;
  size_t max = vm_of(b->L)->heap.block_cap;
  if (n > max || b->len > max - n) luaL_error(b->L, "resulting string too large");
  size_t cap = b->cap * 2 > b->len + n ? b->cap * 2 : b->len + n;
  vm_poll(b->L, (unsigned)(cap / 1024));
  char *data = lua_newuserdatauv(b->L, cap, 0);
  memcpy(data, b->data, b->len);
  lua_replace(b->L, b->slot);
  b->data = data;
  b->cap = cap;
  return data + b->len;
}

void sbuf_add(struct sbuf *b, const char *text, size_t n) {
  if (n == 0) return;
  memcpy(sbuf_reserve(b, n), text, n);
  b->len += n;
}

void sbuf_push(struct sbuf *b) { lua_pushlstring(b->L, b->data, b->len); }

// ---- positions

size_t lib_start(lua_Integer pos, size_t len) {
  if (pos > 0) return (size_t)pos;
  if (pos == 0 || pos < -(lua_Integer)len) return 1;
  return len + (size_t)pos + 1;
}

size_t lib_end(lua_Integer pos, size_t len) {
  if (pos > (lua_Integer)len) return len;
  if (pos >= 0) return (size_t)pos;
  if (pos < -(lua_Integer)len) return 0;
  return len + (size_t)pos + 1;
}

// ---- simple functions

static int l_len(lua_State *L) {
  size_t len;
  luaL_checklstring(L, 1, &len);
  lua_pushinteger(L, (lua_Integer)len);
  return 1;
}

static int l_sub(lua_State *L) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  size_t start = lib_start(luaL_checkinteger(L, 2), len), end = lib_end(luaL_optinteger(L, 3, -1), len);
  if (start <= end) lua_pushlstring(L, s + start - 1, end - start + 1);
  else lua_pushliteral(L, "");
  return 1;
}

static int transform(lua_State *L, int kind) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  lua_settop(L, 1);
  struct sbuf b;
  sbuf_init(&b, L);
  char *out = sbuf_reserve(&b, len);
  vm_poll(L, (unsigned)(len / 64 + 1));
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)s[i];
    if (kind == 'l') out[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    else if (kind == 'u') out[i] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
    else out[len - 1 - i] = (char)c;
  }
  b.len = len;
  sbuf_push(&b);
  return 1;
}

static int l_lower(lua_State *L) { return transform(L, 'l'); }
static int l_upper(lua_State *L) { return transform(L, 'u'); }
static int l_reverse(lua_State *L) { return transform(L, 'r'); }

static int l_rep(lua_State *L) {
  size_t len, sep_len;
  const char *s = luaL_checklstring(L, 1, &len);
  lua_Integer n = luaL_checkinteger(L, 2);
  const char *sep = luaL_optlstring(L, 3, "", &sep_len);
  if (n <= 0 || len + sep_len == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  if ((lua_Unsigned)n > vm_of(L)->heap.block_cap / (len + sep_len)) return luaL_error(L, "resulting string too large");
  lua_settop(L, 3);
  struct sbuf b;
  sbuf_init(&b, L);
  size_t total = (size_t)n * len + (size_t)(n - 1) * sep_len;
  sbuf_reserve(&b, total);
  vm_poll(L, (unsigned)(total / 64 + 1));
  while (n-- > 0) {
    sbuf_add(&b, s, len);
    if (n > 0) sbuf_add(&b, sep, sep_len);
  }
  sbuf_push(&b);
  return 1;
}

static int l_byte(lua_State *L) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  lua_Integer first = luaL_optinteger(L, 2, 1);
  size_t start = lib_start(first, len), end = lib_end(luaL_optinteger(L, 3, (lua_Integer)start), len);
  if (start > end) return 0;
  if (end - start >= 8192) return luaL_error(L, "string slice too long");
  int n = (int)(end - start) + 1;
  luaL_checkstack(L, n, "string slice too long");
  for (int i = 0; i < n; i++) lua_pushinteger(L, (unsigned char)s[start - 1 + (size_t)i]);
  return n;
}

static int l_char(lua_State *L) {
  int n = lua_gettop(L);
  struct sbuf b;
  sbuf_init(&b, L);
  char *out = sbuf_reserve(&b, (size_t)n);
  for (int i = 1; i <= n; i++) {
    lua_Unsigned c = (lua_Unsigned)luaL_checkinteger(L, i);
    luaL_argcheck(L, c <= 255, i, "value out of range");
    out[i - 1] = (char)c;
  }
  b.len = (size_t)n;
  sbuf_push(&b);
  return 1;
}

// ---- format

#define SPEC_BYTES 16         // "%-+ #099.99" and the conversion with its length
#define NUMBER_BYTES 512      // "%99.99f" of the largest double has 409

// Copies flags, width and precision behind '%' into spec; returns the conversion's place.
static const char *read_spec(lua_State *L, const char *p, const char *end, char *spec, const char *flags, bool precision) {
  const char *start = p;
  while (p < end && *p != '\0' && strchr(flags, *p) != NULL) p++;
  if (p < end && *p != '0') {
    for (int i = 0; i < 2 && p < end && *p >= '0' && *p <= '9'; i++) p++;
    if (precision && p < end && *p == '.') {
      p++;
      for (int i = 0; i < 2 && p < end && *p >= '0' && *p <= '9'; i++) p++;
    }
  }
  if (p >= end || p - start > SPEC_BYTES - 6 || !((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')))
    luaL_error(L, "invalid conversion in 'format'");
  *spec++ = '%';
  memcpy(spec, start, (size_t)(p - start));
  spec[p - start] = '\0';
  return p;
}

static void add_number(struct sbuf *b, const char *spec, char conv, const char *length, lua_State *L, int arg) {
  char full[SPEC_BYTES + 4];
  snprintf(full, sizeof full, "%s%s%c", spec, length, conv);
  char *out = sbuf_reserve(b, NUMBER_BYTES);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  int n = *length != '\0' ? snprintf(out, NUMBER_BYTES, full, (long long)luaL_checkinteger(L, arg))
                          : snprintf(out, NUMBER_BYTES, full, luaL_checknumber(L, arg));
#pragma GCC diagnostic pop
  if (n > 0) b->len += (size_t)(n < NUMBER_BYTES ? n : NUMBER_BYTES - 1);
}

static void add_quoted(lua_State *L, struct sbuf *b, int arg) {
  switch (lua_type(L, arg)) {
    case LUA_TSTRING: {
      size_t len;
      const char *s = lua_tolstring(L, arg, &len);
      sbuf_add(b, "\"", 1);
      for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (i % 1024 == 0) vm_poll(L, 64);
        if (c == '"' || c == '\\' || c == '\n') {
          sbuf_add(b, "\\", 1);
          sbuf_add(b, &s[i], 1);
        } else if (c < 32 || c == 127) {
          bool digit_next = i + 1 < len && s[i + 1] >= '0' && s[i + 1] <= '9';
          b->len += (size_t)snprintf(sbuf_reserve(b, 8), 8, digit_next ? "\\%03d" : "\\%d", c);
        } else {
          sbuf_add(b, &s[i], 1);
        }
      }
      sbuf_add(b, "\"", 1);
      break;
    }
    case LUA_TNUMBER: {
      char *out = sbuf_reserve(b, 64);
      int n;
      if (lua_isinteger(L, arg)) {
        lua_Integer i = lua_tointeger(L, arg);
        n = i == LUA_MININTEGER ? snprintf(out, 64, "0x%llx", (long long)i) : snprintf(out, 64, "%lld", (long long)i);
      } else {
        lua_Number f = lua_tonumber(L, arg);
        n = f != f ? snprintf(out, 64, "(0/0)")
            : f - f != 0 ? snprintf(out, 64, f > 0 ? "1e9999" : "-1e9999") : snprintf(out, 64, "%a", f);
      }
      b->len += (size_t)n;
      break;
    }
    case LUA_TNIL:
    case LUA_TBOOLEAN: {
      const char *s = lua_isnil(L, arg) ? "nil" : lua_toboolean(L, arg) ? "true" : "false";
      sbuf_add(b, s, strlen(s));
      break;
    }
    default:
      luaL_argerror(L, arg, "value has no literal form");
  }
}

static void add_string(lua_State *L, struct sbuf *b, const char *spec, int arg) {
  size_t len;
  int top = lua_gettop(L);
  const char *s = lib_tostring(L, arg, &len);
  if (spec[1] == '\0') {
    sbuf_add(b, s, len);
  } else {
    luaL_argcheck(L, memchr(s, '\0', len) == NULL, arg, "string contains zeros");
    if (len >= 100 && strchr(spec, '.') == NULL) {
      sbuf_add(b, s, len);  // wider than any width
    } else {
      char full[SPEC_BYTES + 2];
      snprintf(full, sizeof full, "%ss", spec);
      char *out = sbuf_reserve(b, 128);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
      int n = snprintf(out, 128, full, s);
#pragma GCC diagnostic pop
      if (n > 0) b->len += (size_t)(n < 128 ? n : 127);
    }
  }
  lua_settop(L, top);
}

int lib_string_format(lua_State *L) {
  size_t len;
  const char *p = luaL_checklstring(L, 1, &len), *end = p + len;
  int top = lua_gettop(L), arg = 1;
  struct sbuf b;
  sbuf_init(&b, L);
  char spec[SPEC_BYTES];
  while (p < end) {
    const char *percent = memchr(p, '%', (size_t)(end - p));
    if (percent == NULL) break;
    sbuf_add(&b, p, (size_t)(percent - p));
    p = percent + 1;
    if (p < end && *p == '%') {
      sbuf_add(&b, p++, 1);
      continue;
    }
    vm_poll(L, 16);
    if (++arg > top) return luaL_argerror(L, arg, "no value");
    // The conversion decides which flags it takes; find it first.
    const char *conv = p;
    while (conv < end && !((*conv >= 'a' && *conv <= 'z') || (*conv >= 'A' && *conv <= 'Z'))) conv++;
    char c = conv < end ? *conv : '\0';
    switch (c) {
      case 'c': {
        p = read_spec(L, p, end, spec, "-", false);
        lua_Integer code = luaL_checkinteger(L, arg);
        char full[SPEC_BYTES + 2];
        snprintf(full, sizeof full, "%sc", spec);
        char *out = sbuf_reserve(&b, 128);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        int n = snprintf(out, 128, full, (int)(unsigned char)code);
#pragma GCC diagnostic pop
        b.len += (size_t)n;
        break;
      }
      case 'd':
      case 'i':
        p = read_spec(L, p, end, spec, "-+0 ", true);
        add_number(&b, spec, c, "ll", L, arg);
        break;
      case 'u':
        p = read_spec(L, p, end, spec, "-0", true);
        add_number(&b, spec, c, "ll", L, arg);
        break;
      case 'o':
      case 'x':
      case 'X':
        p = read_spec(L, p, end, spec, "-#0", true);
        add_number(&b, spec, c, "ll", L, arg);
        break;
      case 'a':
      case 'A':
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        p = read_spec(L, p, end, spec, "-+#0 ", true);
        add_number(&b, spec, c, "", L, arg);
        break;
      case 'q':
        if (conv != p) return luaL_error(L, "specifier '%%q' cannot have modifiers");
        add_quoted(L, &b, arg);
        break;
      case 's':
        p = read_spec(L, p, end, spec, "-", true);
        add_string(L, &b, spec, arg);
        break;
      case 'p':
        return luaL_error(L, "'%%p' does not exist here: addresses are not shown");
      default:
        return luaL_error(L, "invalid conversion in 'format'");
    }
    p++;
  }
  sbuf_add(&b, p, (size_t)(end - p));
  sbuf_push(&b);
  return 1;
}

const luaL_Reg lib_string[] = {
  { "byte", l_byte },
  { "char", l_char },
  { "find", lib_string_find },
  { "format", lib_string_format },
  { "gmatch", lib_string_gmatch },
  { "gsub", lib_string_gsub },
  { "len", l_len },
  { "lower", l_lower },
  { "match", lib_string_match },
  { "pack", lib_string_pack },
  { "packsize", lib_string_packsize },
  { "rep", l_rep },
  { "reverse", l_reverse },
  { "sub", l_sub },
  { "unpack", lib_string_unpack },
  { "upper", l_upper },
  { NULL, NULL },
};
