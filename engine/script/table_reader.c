#include "script/table_reader.h"

#include "base/decimal.h"
#include "base/suggest.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SHOWN 120

static bool word_char(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

long table_find_word(const char *source, long from, const char *word, bool quoted) {
  size_t len = strlen(word);
  for (const char *p = source + from; *p != '\0'; p++) {
    if (p[0] == '-' && p[1] == '-') {
      while (*p != '\0' && *p != '\n') p++;
      if (*p == '\0') break;
      continue;
    }
    if (*p == '"' || *p == '\'') {
      char quote = *p;
      const char *start = p + 1;
      for (p++; *p != '\0' && *p != quote && *p != '\n'; p++)
        if (*p == '\\' && p[1] != '\0') p++;
      if (quoted && (size_t)(p - start) == len && memcmp(start, word, len) == 0) return (long)(start - source);
      if (*p == '\0') break;
      continue;
    }
    if (quoted || strncmp(p, word, len) != 0 || word_char(p[len]) || (p > source && word_char(p[-1]))) continue;
    const char *after = p + len;
    while (*after == ' ' || *after == '\t') after++;
    if (*after == '=' && after[1] != '=') return (long)(p - source);
  }
  return -1;
}

static long locate(const struct table_reader *r, const char *word) {
  if (word == NULL || word[0] == '\0') return -1;
  for (int pass = 0; pass < 2; pass++) {
    long from = pass == 0 ? r->from : 0;
    long at = table_find_word(r->source, from, word, false);
    if (at < 0) at = table_find_word(r->source, from, word, true);
    if (at >= 0) return at;
    if (r->from == 0) break;
  }
  return -1;
}

void table_fail(struct table_reader *r, const char *word, const char *fmt, ...) {
  char msg[600], text[400], caret[LINE_SHOWN + 40] = "";
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(msg, sizeof msg, fmt, ap);
  va_end(ap);
  long at = locate(r, word);
  if (at < 0) {
    const char *call = strstr(r->source, r->head);
    at = call != NULL ? (long)(call - r->source) : 0;
    word = r->head;
  }
  int line = 1;
  const char *start = r->source;
  for (const char *p = r->source; p < r->source + at; p++)
    if (*p == '\n') {
      line++;
      start = p + 1;
    }
  int column = (int)(r->source + at - start), width = (int)strcspn(start, "\r\n");
  if (width > LINE_SHOWN) width = LINE_SHOWN;
  if (column < LINE_SHOWN) {
    memset(caret, ' ', (size_t)column);
    for (int i = 0; word[i] != '\0' && column + i < LINE_SHOWN + 30; i++) caret[column + i] = i != 0 ? '~' : '^';
  }
  snprintf(text, sizeof text, "%5d | %.*s\n      | %s", line, width, start, caret);
  for (char *p = text; *p != '\0'; p++)
    if (*p == '\t') *p = ' ';
  lua_pushfstring(r->L, "%s:%d:%d: %s\n", r->chunkname, line, column + 1, msg);
  lua_pushstring(r->L, text);
  lua_concat(r->L, 2);
  lua_error(r->L);
  abort();  // lua_error does not return
}

void table_check_key(struct table_reader *r, const char *where, const char *key, const char *const *known, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (strcmp(known[i], key) == 0) return;
  const char *near = suggest_nearest(key, known, n);
  if (near != NULL) table_fail(r, key, "%s: unknown key '%.60s'; did you mean '%s'?", where, key, near);
  char list[400] = "";
  for (size_t i = 0; i < n; i++)
    snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i != 0 ? ", " : "", known[i]);
  table_fail(r, key, "%s: unknown key '%.60s'; known are %s", where, key, list);
}

void table_check_keys(struct table_reader *r, int ix, const char *where, const char *const *known, size_t n) {
  lua_State *L = r->L;
  ix = lua_absindex(L, ix);
  for (lua_pushnil(L); lua_next(L, ix) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) table_fail(r, NULL, "%s: only named keys are allowed here", where);
    table_check_key(r, where, lua_tostring(L, -2), known, n);
  }
}

int table_field(struct table_reader *r, int ix, const char *key) {
  ix = lua_absindex(r->L, ix);
  lua_pushstring(r->L, key);
  return lua_rawget(r->L, ix);
}

bool table_section(struct table_reader *r, int ix, const char *where, const char *key) {
  int type = table_field(r, ix, key);
  if (type == LUA_TTABLE) return true;
  if (type != LUA_TNIL) table_fail(r, key, "%s.%s must be a table, not a %s", where, key, lua_typename(r->L, type));
  lua_pop(r->L, 1);
  return false;
}

// Printable UTF-8 only: names and texts go to consoles, mails and logs.
static bool is_plain(const char *text, size_t len) {
  const unsigned char *p = (const unsigned char *)text, *end = p + len;
  while (p < end) {
    if (*p < 0x20 || *p == 0x7f) return false;
    size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : (*p & 0xf0) == 0xe0 ? 3 : *p >= 0xf0 && *p < 0xf5 ? 4 : 0;
    if (n == 0 || n > (size_t)(end - p)) return false;
    uint32_t code = n == 1 ? *p : *p & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
      if ((p[i] & 0xc0) != 0x80) return false;
      code = code << 6 | (p[i] & 0x3f);
    }
    if ((n == 3 && code < 0x800) || (n == 4 && (code < 0x10000 || code > 0x10ffff)) ||
        (code >= 0xd800 && code < 0xe000))
      return false;
    if ((code >= 0x80 && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
      return false;
    p += n;
  }
  return true;
}

bool table_text(struct table_reader *r, int ix, const char *where, const char *key, char *ret, size_t size) {
  lua_State *L = r->L;
  int type = table_field(r, ix, key);
  if (type == LUA_TNIL) return lua_pop(L, 1), false;
  if (type != LUA_TSTRING) table_fail(r, key, "%s.%s must be a text, not a %s", where, key, lua_typename(L, type));
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  if (len >= size) table_fail(r, key, "%s.%s has %zu bytes; at most %zu are allowed", where, key, len, size - 1);
  if (!is_plain(text, len)) table_fail(r, key, "%s.%s holds a control character or is not UTF-8", where, key);
  memcpy(ret, text, len + 1);
  lua_pop(L, 1);
  return true;
}

bool table_name(struct table_reader *r, int ix, const char *where, const char *key, char *ret, size_t size) {
  if (!table_text(r, ix, where, key, ret, size)) return false;
  bool good = ret[0] >= 'a' && ret[0] <= 'z';
  for (const char *p = ret; good && *p != '\0'; p++)
    good = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_' || *p == '-';
  if (!good)
    table_fail(
      r, key, "%s.%s '%s' is no name: lower-case letters, digits, _ and - only, a letter first", where, key, ret);
  return true;
}

bool table_int(
  struct table_reader *r, int ix, const char *where, const char *key, int64_t min, int64_t max, int64_t *ret) {
  lua_State *L = r->L;
  int type = table_field(r, ix, key), whole = 0;
  if (type == LUA_TNIL) return lua_pop(L, 1), false;
  lua_Integer value = type == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
  if (!whole || value < min || value > max)
    table_fail(r, key, "%s.%s must be a whole number from %lld to %lld", where, key, (long long)min, (long long)max);
  lua_pop(L, 1);
  *ret = value;
  return true;
}

bool table_money(struct table_reader *r, int ix, const char *where, const char *key, int64_t *ret_e8) {
  lua_State *L = r->L;
  int type = table_field(r, ix, key);
  if (type == LUA_TNIL) return lua_pop(L, 1), false;
  if (type != LUA_TSTRING) table_fail(r, key, "%s.%s must be money as a text, such as '29.99'", where, key);
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  if (!decimal_parse_scaled(text, len, 8, ret_e8) || *ret_e8 < 0)
    table_fail(r, key, "%s.%s '%.40s' is no amount of money: digits, a point, at most 8 decimals, not negative", where,
      key, text);
  lua_pop(L, 1);
  return true;
}
