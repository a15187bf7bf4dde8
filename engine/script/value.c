// script/value.c – see value.h.
#include "script/value.h"

#include "script/lib.h"
#include "script/vm_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHOLE_MAX 9007199254740992  // 2^53

// ---- JSON text to Lua. A scanner of its own: jansson would make doubles of the numbers, and a tree that is thrown away.

struct scan {
  lua_State *L;
  const char *at, *end;
  int slot;  // stack slot that keeps the bytes of a text with escapes
};

static void blanks(struct scan *s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r')) s->at++;
}

static bool literal(struct scan *s, const char *word, size_t n) {
  if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0) return false;
  s->at += n;
  return true;
}

static int hex4(const char *p) {
  int v = 0;
  for (int i = 0; i < 4; i++) {
    char c = p[i];
    int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (d < 0) return -1;
    v = v << 4 | d;
  }
  return v;
}

static size_t put_utf8(char *to, unsigned c) {
  if (c < 0x80) return to[0] = (char)c, 1;
  if (c < 0x800) return to[0] = (char)(0xc0 | c >> 6), to[1] = (char)(0x80 | (c & 0x3f)), 2;
  if (c < 0x10000)
    return to[0] = (char)(0xe0 | c >> 12), to[1] = (char)(0x80 | (c >> 6 & 0x3f)), to[2] = (char)(0x80 | (c & 0x3f)), 3;
  to[0] = (char)(0xf0 | c >> 18), to[1] = (char)(0x80 | (c >> 12 & 0x3f)), to[2] = (char)(0x80 | (c >> 6 & 0x3f));
  to[3] = (char)(0x80 | (c & 0x3f));
  return 4;
}

// Length of the well-formed UTF-8 sequence at p; 0: none.
static size_t utf8_length(const unsigned char *p, const unsigned char *end) {
  size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : (*p & 0xf0) == 0xe0 ? 3 : *p >= 0xf0 && *p < 0xf5 ? 4 : 0;
  if (n == 0 || n > (size_t)(end - p)) return 0;
  for (size_t i = 1; i < n; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  if ((n == 3 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0))) ||
      (n == 4 && ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))))
    return 0;
  return n;
}

// One escape at s->at (behind the backslash) as UTF-8; 0: malformed.
static size_t escape(struct scan *s, char *to) {
  static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
  if (s->at == s->end) return 0;
  char c = *s->at++;
  const char *known = c != '\0' ? strchr(from, c) : NULL;
  if (known != NULL) return to[0] = into[known - from], 1;
  if (c != 'u' || s->end - s->at < 4) return 0;
  int high = hex4(s->at);
  s->at += 4;
  if (high < 0 || (high >= 0xdc00 && high < 0xe000)) return 0;
  if (high < 0xd800 || high >= 0xe000) return put_utf8(to, (unsigned)high);
  if (s->end - s->at < 6 || s->at[0] != '\\' || s->at[1] != 'u') return 0;
  int low = hex4(s->at + 2);
  s->at += 6;
  if (low < 0xdc00 || low >= 0xe000) return 0;
  return put_utf8(to, 0x10000 + (((unsigned)high & 0x3ff) << 10) + ((unsigned)low & 0x3ff));
}

static bool text(struct scan *s) {
  const char *start = ++s->at;  // behind the quote
  while (s->at < s->end && *s->at != '"' && *s->at != '\\') {
    if ((unsigned char)*s->at < 0x20) return false;
    if ((unsigned char)*s->at < 0x80) {
      s->at++;
      continue;
    }
    size_t n = utf8_length((const unsigned char *)s->at, (const unsigned char *)s->end);
    if (n == 0) return false;
    s->at += n;
  }
  if (s->at == s->end) return false;
  if (*s->at == '"') {
    lua_pushlstring(s->L, start, (size_t)(s->at++ - start));
    return true;
  }
  struct sbuf b;
  sbuf_init(&b, s->L);
  sbuf_add(&b, start, (size_t)(s->at - start));
  bool good = true;
  while (good && s->at < s->end && *s->at != '"') {
    char piece[4];
    size_t n = 0;
    if (*s->at == '\\') {
      s->at++;
      n = escape(s, piece);
      if (n != 0) sbuf_add(&b, piece, n);
    } else if ((unsigned char)*s->at >= 0x20) {
      n = utf8_length((const unsigned char *)s->at, (const unsigned char *)s->end);
      if (n != 0) sbuf_add(&b, s->at, n);
      s->at += n;
    }
    good = n != 0;
  }
  good = good && s->at < s->end;
  if (good) {
    s->at++;
    sbuf_push(&b);
    lua_replace(s->L, b.slot);
  } else {
    lua_settop(s->L, b.slot - 1);
  }
  return good;
}

// A number as RFC 8259 has it: whole and within ±2^53 an integer, or else its text.
static bool number(struct scan *s) {
  const char *start = s->at, *digits;
  bool whole = true;
  if (s->at < s->end && *s->at == '-') s->at++;
  digits = s->at;
  while (s->at < s->end && isdigit((unsigned char)*s->at)) s->at++;
  size_t n = (size_t)(s->at - digits);
  if (n == 0 || (n > 1 && *digits == '0')) return false;
  if (s->at < s->end && *s->at == '.') {
    whole = false;
    const char *from = ++s->at;
    while (s->at < s->end && isdigit((unsigned char)*s->at)) s->at++;
    if (s->at == from) return false;
  }
  if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
    whole = false;
    if (++s->at < s->end && (*s->at == '-' || *s->at == '+')) s->at++;
    const char *from = s->at;
    while (s->at < s->end && isdigit((unsigned char)*s->at)) s->at++;
    if (s->at == from) return false;
  }
  if (whole && n <= 16) {
    int64_t v = 0;
    for (const char *p = digits; p < s->at; p++) v = v * 10 + (*p - '0');
    if (v <= WHOLE_MAX) {
      lua_pushinteger(s->L, *start == '-' ? -v : v);
      return true;
    }
  }
  lua_pushlstring(s->L, start, (size_t)(s->at - start));
  return true;
}

static bool value(struct scan *s, int depth);

static bool list(struct scan *s, int depth) {
  lua_State *L = s->L;
  s->at++;
  lua_createtable(L, 4, 0);
  blanks(s);
  if (s->at < s->end && *s->at == ']') return s->at++, true;
  for (lua_Integer i = 1;; i++) {
    if (!value(s, depth)) return false;
    if (lua_isnil(L, -1)) {
      lua_settop(L, -2);
      lua_pushboolean(L, 0);
    }
    lua_rawseti(L, -2, i);
    if ((i & 63) == 0) vm_poll(L, 16);
    blanks(s);
    if (s->at == s->end) return false;
    if (*s->at == ']') return s->at++, true;
    if (*s->at++ != ',') return false;
  }
}

static bool object(struct scan *s, int depth) {
  lua_State *L = s->L;
  s->at++;
  lua_createtable(L, 0, 8);
  blanks(s);
  if (s->at < s->end && *s->at == '}') return s->at++, true;
  for (unsigned i = 1;; i++) {
    blanks(s);
    if (s->at == s->end || *s->at != '"' || !text(s)) return false;
    blanks(s);
    if (s->at == s->end || *s->at++ != ':') return false;
    if (!value(s, depth)) return false;
    lua_rawset(L, -3);
    if ((i & 63) == 0) vm_poll(L, 16);
    blanks(s);
    if (s->at == s->end) return false;
    if (*s->at == '}') return s->at++, true;
    if (*s->at++ != ',') return false;
  }
}

static bool value(struct scan *s, int depth) {
  blanks(s);
  if (s->at == s->end || depth >= VALUE_DEPTH_MAX) return false;
  switch (*s->at) {
    case '"': return text(s);
    case '{': return object(s, depth + 1);
    case '[': return list(s, depth + 1);
    case 't': return lua_pushboolean(s->L, 1), literal(s, "true", 4);
    case 'f': return lua_pushboolean(s->L, 0), literal(s, "false", 5);
    case 'n': return lua_pushnil(s->L), literal(s, "null", 4);
    default: return number(s);
  }
}

bool value_push_json(lua_State *L, const char *bytes, size_t len) {
  int top = lua_gettop(L);
  struct scan s = {.L = L, .at = bytes, .end = bytes + len};
  luaL_checkstack(L, 4 * VALUE_DEPTH_MAX + 8, NULL);
  bool good = value(&s, 0);
  blanks(&s);
  if (good && s.at == s.end) return true;
  lua_settop(L, top);
  return false;
}

// ---- our trees to Lua

static void push_tree(lua_State *L, const json_t *v, int depth, bool fractions) {
  if (depth > VALUE_DEPTH_MAX) luaL_error(L, "arguments are nested too deeply");
  switch (v == NULL ? JSON_NULL : json_typeof(v)) {
    case JSON_NULL: lua_pushnil(L); return;
    case JSON_TRUE: lua_pushboolean(L, 1); return;
    case JSON_FALSE: lua_pushboolean(L, 0); return;
    case JSON_INTEGER: lua_pushinteger(L, json_integer_value(v)); return;
    case JSON_REAL:
      if (!fractions) luaL_error(L, "an argument is a JSON real; amounts are decimal texts");
      lua_pushnumber(L, json_real_value(v));
      return;
    case JSON_STRING:
      if (memchr(json_string_value(v), VALUE_MARK, json_string_length(v)) != NULL)
        luaL_error(L, "an argument holds a control character");
      lua_pushlstring(L, json_string_value(v), json_string_length(v));
      return;
    case JSON_ARRAY:
      lua_createtable(L, (int)json_array_size(v), 0);
      for (size_t i = 0; i < json_array_size(v); i++) {
        push_tree(L, json_array_get(v, i), depth + 1, fractions);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
      }
      return;
    case JSON_OBJECT: {
      const char *key;
      json_t *item;
      lua_createtable(L, 0, (int)json_object_size(v));
      json_object_foreach((json_t *)v, key, item) {
        lua_pushstring(L, key);
        push_tree(L, item, depth + 1, fractions);
        lua_rawset(L, -3);
      }
      return;
    }
  }
}

void value_push_tree(lua_State *L, const json_t *v, bool fractions) {
  luaL_checkstack(L, 4 * VALUE_DEPTH_MAX, NULL);
  push_tree(L, v, 0, fractions);
}

// ---- Lua to JSON text

static void quote(struct sbuf *b, const char *s, size_t len) {
  sbuf_add(b, "\"", 1);
  for (const char *end = s + len; s < end; s++) {
    const char *run = s;
    while (s < end && (unsigned char)*s >= 0x20 && *s != '"' && *s != '\\') s++;
    sbuf_add(b, run, (size_t)(s - run));
    if (s == end) break;
    char piece[8];
    int n = *s == '"' || *s == '\\' ? snprintf(piece, sizeof piece, "\\%c", *s)
                                    : snprintf(piece, sizeof piece, "\\u%04x", (unsigned char)*s);
    sbuf_add(b, piece, (size_t)n);
  }
  sbuf_add(b, "\"", 1);
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

#define KEYS_MAX 128  // of an object that is encoded

static void encode(lua_State *L, int ix, struct sbuf *b, int depth) {
  if (depth > VALUE_DEPTH_MAX) luaL_error(L, "json: nested too deeply");
  vm_poll(L, 4);
  char digits[32];
  size_t len;
  switch (lua_type(L, ix)) {
    case LUA_TBOOLEAN:
      if (lua_toboolean(L, ix)) sbuf_add(b, "true", 4);
      else sbuf_add(b, "false", 5);
      return;
    case LUA_TNUMBER:
      if (!lua_isinteger(L, ix)) luaL_error(L, "json: a number with a fraction would lose digits; give a decimal text");
      sbuf_add(b, digits, (size_t)snprintf(digits, sizeof digits, "%lld", (long long)lua_tointeger(L, ix)));
      return;
    case LUA_TSTRING: {
      const char *s = lua_tolstring(L, ix, &len);
      if (len > 2 && s[0] == VALUE_MARK && s[1] == 'n') sbuf_add(b, s + 2, len - 2);  // json.number
      else quote(b, s, len);
      return;
    }
    case LUA_TTABLE: break;
    default: luaL_error(L, "json: a %s cannot be written", luaL_typename(L, ix));
  }
  lua_Integer n = (lua_Integer)lua_rawlen(L, ix);
  lua_pushnil(L);
  bool empty = lua_next(L, ix) == 0;
  if (!empty) lua_settop(L, -3);
  if (n > 0 || empty) {
    sbuf_add(b, "[", 1);
    for (lua_Integer i = 1; i <= n; i++) {
      if (i > 1) sbuf_add(b, ",", 1);
      lua_rawgeti(L, ix, i);
      encode(L, lua_gettop(L), b, depth + 1);
      lua_settop(L, -2);
    }
    sbuf_add(b, "]", 1);
    return;
  }
  const char *keys[KEYS_MAX];
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, ix) != 0; lua_settop(L, -2)) {
    if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "json: the keys of an object are texts");
    if (count == KEYS_MAX) luaL_error(L, "json: an object has more than %d keys", KEYS_MAX);
    keys[count++] = lua_tostring(L, -2);  // stays: the table holds it
  }
  qsort(keys, count, sizeof *keys, by_bytes);
  sbuf_add(b, "{", 1);
  for (size_t i = 0; i < count; i++) {
    if (i > 0) sbuf_add(b, ",", 1);
    quote(b, keys[i], strlen(keys[i]));
    sbuf_add(b, ":", 1);
    lua_pushstring(L, keys[i]);
    lua_rawget(L, ix);
    encode(L, lua_gettop(L), b, depth + 1);
    lua_settop(L, -2);
  }
  sbuf_add(b, "}", 1);
}

void value_encode(lua_State *L, int ix, struct sbuf *b) {
  luaL_checkstack(L, 4 * VALUE_DEPTH_MAX, NULL);
  encode(L, lua_absindex(L, ix), b, 0);
}

// ---- Lua to trees, without allocating in Lua

static json_t *tree(lua_State *L, int ix, int depth, bool fractions, const char **what) {
  size_t len;
  json_t *made;
  switch (lua_type(L, ix)) {
    case LUA_TNIL: return json_null();
    case LUA_TBOOLEAN: return json_boolean(lua_toboolean(L, ix));
    case LUA_TNUMBER:
      if (lua_isinteger(L, ix)) return json_integer(lua_tointeger(L, ix));
      if (!fractions) return *what = "a number with a fraction; amounts are decimal texts", NULL;
      made = json_real(lua_tonumber(L, ix));
      if (made == NULL) *what = "a number that is none";
      return made;
    case LUA_TSTRING: {
      const char *s = lua_tolstring(L, ix, &len);
      made = json_stringn(s, len);
      if (made == NULL) *what = "a text that is not UTF-8";
      return made;
    }
    case LUA_TTABLE: break;
    default: *what = "a function or the like"; return NULL;
  }
  if (depth >= VALUE_DEPTH_MAX) return *what = "values nested too deeply", NULL;
  lua_Integer n = (lua_Integer)lua_rawlen(L, ix);
  lua_pushnil(L);
  bool empty = lua_next(L, ix) == 0;
  if (!empty) lua_settop(L, -3);
  bool as_list = n > 0 || empty;
  made = as_list ? json_array() : json_object();
  if (made == NULL) return *what = "no memory", NULL;
  if (as_list) {
    for (lua_Integer i = 1; i <= n; i++) {
      lua_rawgeti(L, ix, i);
      json_t *item = tree(L, lua_gettop(L), depth + 1, fractions, what);
      lua_settop(L, -2);
      if (item == NULL || json_array_append_new(made, item) != 0) return json_decref(made), NULL;
    }
    return made;
  }
  for (lua_pushnil(L); lua_next(L, ix) != 0; lua_settop(L, -2)) {
    json_t *item = NULL;
    if (lua_type(L, -2) != LUA_TSTRING) *what = "a key that is no text";
    else item = tree(L, lua_gettop(L), depth + 1, fractions, what);
    if (item != NULL && json_object_set_new(made, lua_tostring(L, -2), item) == 0) continue;
    if (*what == NULL) *what = "a key that is not UTF-8";
    lua_settop(L, -3);
    json_decref(made);
    return NULL;
  }
  return made;
}

json_t *value_tree(lua_State *L, int ix, bool fractions, const char **what) {
  *what = NULL;
  json_t *made = tree(L, lua_absindex(L, ix), 0, fractions, what);
  if (made == NULL && *what == NULL) *what = "no memory";
  return made;
}

// ---- fields of a table on the stack, read without allocating in Lua: keys are found by walking it

int value_field(lua_State *L, int ix, const char *key) {
  ix = lua_absindex(L, ix);
  for (lua_pushnil(L); lua_next(L, ix) != 0; lua_settop(L, -2)) {
    if (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), key) != 0) continue;
    lua_replace(L, -2);
    return lua_type(L, -1);
  }
  lua_pushnil(L);
  return LUA_TNIL;
}

// Copies a text; false when it is something else than text or nothing, too long, or holds a control character.
bool value_copy(lua_State *L, int ix, const char *key, char *to, size_t size) {
  size_t len = 0;
  int type = value_field(L, ix, key);
  const char *s = type == LUA_TSTRING ? lua_tolstring(L, -1, &len) : "";
  bool good = (type == LUA_TSTRING || type == LUA_TNIL) && len < size && strlen(s) == len;
  for (size_t i = 0; good && i < len; i++) good = (unsigned char)s[i] >= 0x20 && s[i] != VALUE_MARK;
  if (good) memcpy(to, s, len + 1);
  lua_settop(L, -2);
  return good;
}

bool value_truth(lua_State *L, int ix, const char *key) {
  value_field(L, ix, key);
  bool on = lua_toboolean(L, -1);
  lua_settop(L, -2);
  return on;
}

// A duplicate of a text; NULL: none, or not one, or no memory.
char *value_text(lua_State *L, int ix, const char *key, size_t *ret_len) {
  size_t len = 0;
  char *made = NULL;
  if (value_field(L, ix, key) == LUA_TSTRING) {
    const char *s = lua_tolstring(L, -1, &len);
    made = malloc(len + 1);
    if (made != NULL) memcpy(made, s, len + 1);
  }
  lua_settop(L, -2);
  if (ret_len != NULL) *ret_len = len;
  return made;
}
