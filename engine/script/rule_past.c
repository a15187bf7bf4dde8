// script/rule_past.c – what a rule may know of the signals accepted before: env.accepted, the whole list, and accepted{…}, a walk over those that a
// rule is looking for. The list comes as JSON text and most of its entries are none that a rule wants: the walk compares them as they are written
// and makes a table only of one that fits.
#include "script/rule_impl.h"

#include "script/value.h"
#include "script/vm.h"

#include <lauxlib.h>
#include <string.h>

static const char *const texts[] = {"symbol", "action", "key", "source"};
enum { TEXTS = sizeof texts / sizeof *texts, SINCE = TEXTS + 1, AT, CALL };  // upvalues of a walk; the texts' come first

struct piece {
  const char *at;
  size_t len;
};

// ---- the text: [{"received_ms":1,"symbol":"A",…},…], newest first; values are texts and whole numbers, and nothing is nested

// From the opening quote at p to behind the closing one.
static const char *behind_text(const char *p, const char *end) {
  for (p++; p < end && *p != '"'; p++)
    if (*p == '\\') p++;
  return p < end ? p + 1 : end;
}

// The next entry from *at on, which then stands behind it, and its fields' values as they are written (of a text without its quotes; at NULL: none).
static bool next_entry(const char **at, const char *end, struct piece *entry, struct piece fields[TEXTS], int64_t *received_ms) {
  const char *p = memchr(*at, '{', (size_t)(end - *at));
  memset(fields, 0, TEXTS * sizeof *fields);
  *received_ms = 0;
  if (p == NULL) return false;
  entry->at = p++;
  while (p < end && *p != '}') {
    if (*p != '"') {
      p++;
      continue;
    }
    const char *key = p + 1;
    p = behind_text(p, end);
    const size_t len = (size_t)(p - key - 1);
    while (p < end && (*p == ':' || *p == ' ')) p++;
    if (p < end && *p == '"') {
      const char *value = p + 1;
      p = behind_text(p, end);
      for (int i = 0; i < TEXTS; i++)
        if (texts[i][0] == *key && strlen(texts[i]) == len && memcmp(texts[i], key, len) == 0) fields[i] = (struct piece){value, (size_t)(p - value - 1)};
    } else if (len == 11 && memcmp(key, "received_ms", 11) == 0) {
      for (; p < end && *p >= '0' && *p <= '9'; p++) *received_ms = *received_ms * 10 + (*p - '0');
    }
  }
  if (p == end) return false;  // no end of it: nobody writes such a list
  entry->len = (size_t)(++p - entry->at);
  *at = p;
  return true;
}

// Whether the field as it is written is the text at the upvalue: nil asks for nothing, false for none.
static bool fits(lua_State *L, int upvalue, const struct piece *field) {
  size_t len;
  const int ix = lua_upvalueindex(upvalue), type = lua_type(L, ix);
  if (type == LUA_TNIL) return true;
  if (type == LUA_TBOOLEAN || field->at == NULL) return (type == LUA_TBOOLEAN) == (field->at == NULL);
  const char *wanted = lua_tolstring(L, ix, &len);
  if (len == field->len && memcmp(wanted, field->at, len) == 0 && memchr(wanted, '\\', len) == NULL) return true;
  if (memchr(field->at, '\\', field->len) == NULL) return false;
  const bool same = value_push_json(L, field->at - 1, field->len + 2) && lua_rawequal(L, -1, ix);  // escaped: read as JSON, with its quotes
  lua_settop(L, 1);
  return same;
}

// ---- accepted{symbol=, action=, key=, source=, since_ms=}

static int l_next(lua_State *L) {
  const struct rule_accepted *a = rule_accepted_of(L);
  lua_settop(L, 1);
  if (a == NULL || a->call != lua_tointeger(L, lua_upvalueindex(CALL))) return luaL_error(L, "accepted: a walk ends with the call of on_signal that began it");
  const char *at = a->text + lua_tointeger(L, lua_upvalueindex(AT)), *end = a->text + a->len;
  const int64_t since_ms = lua_tointeger(L, lua_upvalueindex(SINCE));
  struct piece entry, fields[TEXTS];
  int64_t received_ms;
  while (next_entry(&at, end, &entry, fields, &received_ms)) {
    vm_poll(L, 4);
    if (received_ms < since_ms) break;  // so are all behind it
    bool good = true;
    for (int i = 0; good && i < TEXTS; i++) good = fits(L, i + 1, &fields[i]);
    if (!good) continue;
    lua_pushinteger(L, at - a->text);
    lua_replace(L, lua_upvalueindex(AT));
    if (!value_push_json(L, entry.at, entry.len)) lua_pushnil(L);
    return 1;
  }
  lua_pushinteger(L, (lua_Integer)a->len);
  lua_replace(L, lua_upvalueindex(AT));
  lua_pushnil(L);
  return 1;
}

static int l_accepted(lua_State *L) {
  const struct rule_accepted *a = rule_accepted_of(L);
  if (a == NULL) return luaL_error(L, "accepted works inside on_signal only");
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  for (lua_pushnil(L); lua_next(L, 1) != 0; lua_settop(L, -2)) {
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    bool good = strcmp(key, "since_ms") == 0 && lua_isinteger(L, 3);
    for (int i = 0; i < TEXTS; i++) good = good || (strcmp(key, texts[i]) == 0 && (lua_type(L, 3) == LUA_TSTRING || (lua_isboolean(L, 3) && !lua_toboolean(L, 3))));
    if (!good) return luaL_error(L, "accepted: symbol, action, key and source are a text, or false for none; since_ms is a whole number; '%s' is none of that", key);
  }
  for (int i = 0; i < TEXTS; i++) value_field(L, 1, texts[i]);
  if (value_field(L, 1, "since_ms") == LUA_TNIL) {
    lua_settop(L, -2);
    lua_pushinteger(L, 0);
  }
  lua_pushinteger(L, 0);
  lua_pushinteger(L, a->call);
  lua_pushcclosure(L, l_next, CALL);
  return 1;
}

// ---- env.accepted

// env[key] of what is not in it: accepted, once. An env that a script has kept from an earlier call would be given this call's.
static int l_lazy(lua_State *L) {
  const struct rule_accepted *a = rule_accepted_of(L);
  if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), "accepted") != 0 || a == NULL) return 0;
  lua_settop(L, 2);
  if (!value_push_json(L, a->text, a->len)) lua_createtable(L, 0, 0);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_rawset(L, 1);
  return 1;
}

void rule_past_env(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "__index");
  lua_pushcfunction(L, l_lazy);
  lua_rawset(L, -3);
  lua_setmetatable(L, -2);
}

void rule_past_library(lua_State *L) {
  lua_pushliteral(L, "accepted");
  lua_pushcfunction(L, l_accepted);
  lua_settable(L, -3);
}
