// script/lib_pack.c – string.pack, packsize and unpack, as in Lua's manual §6.4.2, with every size checked before it is used.
#include "script/lib.h"
#include "script/vm_impl.h"

#include <stdint.h>
#include <string.h>

#define INT_BYTES_MAX 16
#define ALIGN_NATIVE 8

enum kind { INT, UINT, FLOAT, DOUBLE, CHARS, STRING, ZSTR, PAD, PAD_ALIGN, NOTHING };

struct format {
  lua_State *L;
  const char *p;
  bool little;
  size_t max_align;
};

struct item {
  enum kind kind;
  size_t size;   // bytes of the item, or of the length in front of a STRING
  size_t align;  // padding in front of it
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static size_t number(struct format *f, size_t dflt) {
  if (!is_digit(*f->p)) return dflt;
  size_t n = 0;
  do {
    if (n > (SIZE_MAX / 2 - 9) / 10) luaL_error(f->L, "number in format too large");
    n = n * 10 + (size_t)(*f->p++ - '0');
  } while (is_digit(*f->p));
  return n;
}

static size_t int_size(struct format *f, size_t dflt) {
  size_t n = number(f, dflt);
  if (n < 1 || n > INT_BYTES_MAX) luaL_error(f->L, "integral size (%d) out of limits [1,16]", n > 1000 ? 1000 : (int)n);
  return n;
}

static struct item read_option(struct format *f) {
  char c = *f->p++;
  struct item it = { .kind = NOTHING };
  switch (c) {
    case 'b': it = (struct item){ INT, 1, 0 }; break;
    case 'B': it = (struct item){ UINT, 1, 0 }; break;
    case 'h': it = (struct item){ INT, 2, 0 }; break;
    case 'H': it = (struct item){ UINT, 2, 0 }; break;
    case 'i': it = (struct item){ INT, int_size(f, 4), 0 }; break;
    case 'I': it = (struct item){ UINT, int_size(f, 4), 0 }; break;
    case 'l':
    case 'j': it = (struct item){ INT, 8, 0 }; break;
    case 'L':
    case 'J':
    case 'T': it = (struct item){ UINT, 8, 0 }; break;
    case 'f': it = (struct item){ FLOAT, 4, 0 }; break;
    case 'd':
    case 'n': it = (struct item){ DOUBLE, 8, 0 }; break;
    case 's': it = (struct item){ STRING, int_size(f, 8), 0 }; break;
    case 'c':
      if (!is_digit(*f->p)) luaL_error(f->L, "missing size for format option 'c'");
      it = (struct item){ CHARS, number(f, 0), 0 };
      break;
    case 'z': it.kind = ZSTR; break;
    case 'x': it = (struct item){ PAD, 1, 0 }; break;
    case 'X': it.kind = PAD_ALIGN; break;
    case ' ': break;
    case '<':
    case '=': f->little = true; break;
    case '>': f->little = false; break;
    case '!': f->max_align = int_size(f, ALIGN_NATIVE); break;
    default: luaL_error(f->L, "invalid format option");
  }
  return it;
}

// The next item and its padding when `total` bytes stand before it.
static struct item next_item(struct format *f, size_t total) {
  struct item it = read_option(f);
  size_t align = it.size;
  if (it.kind == PAD_ALIGN) {
    if (*f->p == '\0') luaL_argerror(f->L, 1, "invalid next option for option 'X'");
    struct item next = read_option(f);
    align = next.size;
    if (next.kind == CHARS || align == 0) luaL_argerror(f->L, 1, "invalid next option for option 'X'");
  }
  bool aligned = it.kind == INT || it.kind == UINT || it.kind == FLOAT || it.kind == DOUBLE || it.kind == STRING ||
                 it.kind == PAD_ALIGN;
  if (align <= 1 || !aligned) return it;
  if (align > f->max_align) align = f->max_align;
  if ((align & (align - 1)) != 0) luaL_argerror(f->L, 1, "format asks for alignment not power of 2");
  it.align = (align - (total & (align - 1))) & (align - 1);
  return it;
}

static void put_int(struct sbuf *b, lua_Unsigned n, bool little, size_t size, bool negative) {
  char *out = sbuf_reserve(b, size);
  for (size_t i = 0; i < size; i++, n >>= 8) {
    unsigned char byte = i < 8 ? (unsigned char)n : negative ? 0xff : 0;
    out[little ? i : size - 1 - i] = (char)byte;
  }
  b->len += size;
}

static void put_zeros(struct sbuf *b, size_t n) {
  if (n == 0) return;
  memset(sbuf_reserve(b, n), 0, n);
  b->len += n;
}

int lib_string_pack(lua_State *L) {
  struct format f = { .L = L, .p = luaL_checkstring(L, 1), .little = true, .max_align = 1 };
  int arg = 1;
  struct sbuf b;
  lua_Integer top = lua_gettop(L);
  sbuf_init(&b, L);
  while (*f.p != '\0') {
    vm_poll(L, 8);
    struct item it = next_item(&f, b.len);
    put_zeros(&b, it.align);
    if (it.kind < PAD && ++arg > top) luaL_argerror(L, arg, "no value");
    switch (it.kind) {
      case INT: {
        lua_Integer n = luaL_checkinteger(L, arg);
        if (it.size < 8) {
          lua_Integer limit = (lua_Integer)1 << (it.size * 8 - 1);
          luaL_argcheck(L, -limit <= n && n < limit, arg, "integer overflow");
        }
        put_int(&b, (lua_Unsigned)n, f.little, it.size, n < 0);
        break;
      }
      case UINT: {
        lua_Integer n = luaL_checkinteger(L, arg);
        if (it.size < 8) luaL_argcheck(L, (lua_Unsigned)n < (lua_Unsigned)1 << (it.size * 8), arg, "unsigned overflow");
        put_int(&b, (lua_Unsigned)n, f.little, it.size, false);
        break;
      }
      case FLOAT: {
        float x = (float)luaL_checknumber(L, arg);
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        put_int(&b, bits, f.little, 4, false);
        break;
      }
      case DOUBLE: {
        double x = luaL_checknumber(L, arg);
        uint64_t bits;
        memcpy(&bits, &x, sizeof bits);
        put_int(&b, bits, f.little, 8, false);
        break;
      }
      case CHARS: {
        size_t len;
        const char *s = luaL_checklstring(L, arg, &len);
        luaL_argcheck(L, len <= it.size, arg, "string longer than given size");
        sbuf_add(&b, s, len);
        put_zeros(&b, it.size - len);
        break;
      }
      case STRING: {
        size_t len;
        const char *s = luaL_checklstring(L, arg, &len);
        luaL_argcheck(L, it.size >= 8 || len < (size_t)1 << (it.size * 8), arg, "string length does not fit in given size");
        put_int(&b, len, f.little, it.size, false);
        sbuf_add(&b, s, len);
        break;
      }
      case ZSTR: {
        size_t len;
        const char *s = luaL_checklstring(L, arg, &len);
        luaL_argcheck(L, memchr(s, '\0', len) == NULL, arg, "string contains zeros");
        sbuf_add(&b, s, len + 1);
        break;
      }
      case PAD: put_zeros(&b, 1); break;
      case PAD_ALIGN:
      case NOTHING: break;
    }
  }
  sbuf_push(&b);
  return 1;
}

int lib_string_packsize(lua_State *L) {
  struct format f = { .L = L, .p = luaL_checkstring(L, 1), .little = true, .max_align = 1 };
  size_t total = 0;
  while (*f.p != '\0') {
    vm_poll(L, 8);
    struct item it = next_item(&f, total);
    luaL_argcheck(L, it.kind != STRING && it.kind != ZSTR, 1, "variable-length format");
    luaL_argcheck(L, it.size <= INT32_MAX && total <= (size_t)INT32_MAX - it.size - it.align, 1, "format result too large");
    total += it.size + it.align;
  }
  lua_pushinteger(L, (lua_Integer)total);
  return 1;
}

static lua_Unsigned get_int(lua_State *L, const char *s, bool little, size_t size, bool is_signed) {
  lua_Unsigned n = 0;
  for (size_t i = size < 8 ? size : 8; i-- > 0;) n = n << 8 | (unsigned char)s[little ? i : size - 1 - i];
  if (size < 8 && is_signed) {
    lua_Unsigned mask = (lua_Unsigned)1 << (size * 8 - 1);
    n = (n ^ mask) - mask;
  }
  unsigned char fill = is_signed && (lua_Integer)n < 0 ? 0xff : 0;
  for (size_t i = 8; i < size; i++)
    if ((unsigned char)s[little ? i : size - 1 - i] != fill)
      luaL_error(L, "%d-byte integer does not fit into a Lua integer", (int)size);
  return n;
}

int lib_string_unpack(lua_State *L) {
  struct format f = { .L = L, .p = luaL_checkstring(L, 1), .little = true, .max_align = 1 };
  size_t len;
  const char *data = luaL_checklstring(L, 2, &len);
  size_t at = lib_start(luaL_optinteger(L, 3, 1), len) - 1;
  luaL_argcheck(L, at <= len, 3, "initial position out of string");
  int n = 0;
  while (*f.p != '\0') {
    vm_poll(L, 8);
    struct item it = next_item(&f, at);
    luaL_argcheck(L, it.align <= len - at && it.size <= len - at - it.align, 2, "data string too short");
    at += it.align;
    luaL_checkstack(L, 2, "too many results");
    const char *s = data + at;
    switch (it.kind) {
      case INT:
      case UINT: lua_pushinteger(L, (lua_Integer)get_int(L, s, f.little, it.size, it.kind == INT)); break;
      case FLOAT: {
        uint32_t bits = (uint32_t)get_int(L, s, f.little, 4, false);
        float x;
        memcpy(&x, &bits, sizeof x);
        lua_pushnumber(L, (lua_Number)x);
        break;
      }
      case DOUBLE: {
        uint64_t bits = get_int(L, s, f.little, 8, false);
        double x;
        memcpy(&x, &bits, sizeof x);
        lua_pushnumber(L, x);
        break;
      }
      case CHARS: lua_pushlstring(L, s, it.size); break;
      case STRING: {
        lua_Unsigned slen = get_int(L, s, f.little, it.size, false);
        luaL_argcheck(L, slen <= len - at - it.size, 2, "data string too short");
        lua_pushlstring(L, s + it.size, (size_t)slen);
        at += (size_t)slen;
        break;
      }
      case ZSTR: {
        const char *e = memchr(s, '\0', len - at);
        luaL_argcheck(L, e != NULL, 2, "unfinished string for format 'z'");
        lua_pushlstring(L, s, (size_t)(e - s));
        at += (size_t)(e - s) + 1;
        break;
      }
      case PAD:
      case PAD_ALIGN:
      case NOTHING: n--; break;
    }
    at += it.size;
    n++;
  }
  lua_pushinteger(L, (lua_Integer)at + 1);
  return n + 1;
}
