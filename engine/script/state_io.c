// script/state_io.c – ctx.state to canonical JSON and back: what survives a restart, a reload, a move to another machine.
//
// Canonical: string keys in byte order, arrays where keys are 1 … n, integers without and floats with a point or exponent, so
// equal states have equal text. Keys that are numbers are written "#5"; texts that begin with # get another one.
#include "script/instance.h"

#include "base/json.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32

struct saver {
  struct script *s;
  struct buf *out;
  char path[256];  // "ctx.state.last", for messages
};

struct key_ref {
  const char *text;  // of a string key; for numbers its "#…" text lives in `number`
  size_t len;
  char number[40];
  bool is_number, is_integer;
  lua_Number value;
  lua_Integer integer;
};

static int key_compare(const void *a, const void *b) {
  const struct key_ref *x = a, *y = b;
  size_t n = x->len < y->len ? x->len : y->len;
  int c = memcmp(x->is_number ? x->number : x->text, y->is_number ? y->number : y->text, n);
  if (c == 0) c = (x->len > y->len) - (x->len < y->len);
  return c ? c : (int)y->is_number - (int)x->is_number;  // the number 5 before the text "#5"
}

static void save_text(struct buf *out, const char *text, size_t len) {
  buf_str(out, "\"");
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\')
      buf_printf(out, "\\%c", c);
    else if (c < 0x20 || c >= 0x7f)
      buf_printf(out, "\\u%04x", c);  // bytes, not code points: any Lua string survives
    else
      buf_add(out, &text[i], 1);
  }
  buf_str(out, "\"");
}

static void save_value(lua_State *L, struct saver *v, int ix, int depth);

static void save_number(lua_State *L, struct saver *v, int ix) {
  if (lua_isinteger(L, ix)) {
    buf_printf(v->out, "%lld", (long long)lua_tointeger(L, ix));
    return;
  }
  double d = lua_tonumber(L, ix);
  if (!isfinite(d)) luaL_error(L, "%s is %s; only finite numbers survive a restart", v->path, isnan(d) ? "not a number" : "infinite");
  char text[40];
  snprintf(text, sizeof text, "%.17g", d);
  if (!strpbrk(text, ".e")) strcat(text, ".0");
  buf_str(v->out, text);
}

static size_t path_push(struct saver *v, const struct key_ref *k) {
  size_t used = strlen(v->path);
  snprintf(v->path + used, sizeof v->path - used, ".%.40s", k->is_number ? k->number : k->text);
  return used;
}

static void save_table(lua_State *L, struct saver *v, int ix, int depth) {
  if (depth > DEPTH_MAX) luaL_error(L, "%s is nested deeper than %d (or contains itself)", v->path, DEPTH_MAX);
  luaL_checkstack(L, 8, NULL);
  size_t n = 0, listed = 0, array = lua_rawlen(L, ix);
  for (lua_pushnil(L); lua_next(L, ix); lua_pop(L, 1)) {
    n++;
    listed += lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && (lua_Unsigned)lua_tointeger(L, -2) <= array;
  }
  if (n > SCRIPT_STATE_MAX / 4) luaL_error(L, "%s has too many entries", v->path);
  if (array == n && listed == n && n > 0) {  // keys are 1 … n, without a hole
    buf_str(v->out, "[");
    for (size_t i = 1; i <= n; i++) {
      struct key_ref k = {.is_number = true};
      snprintf(k.number, sizeof k.number, "%zu", i);
      size_t used = path_push(v, &k);
      if (i > 1) buf_str(v->out, ",");
      lua_rawgeti(L, ix, (lua_Integer)i);
      save_value(L, v, lua_gettop(L), depth + 1);
      lua_pop(L, 1);
      v->path[used] = '\0';
    }
    buf_str(v->out, "]");
    return;
  }
  struct key_ref *keys = lua_newuserdatauv(L, (n + 1) * sizeof *keys, 0);  // collected by Lua also when something raises
  size_t at = 0;
  for (lua_pushnil(L); lua_next(L, ix); lua_pop(L, 1)) {
    struct key_ref *k = &keys[at++];
    *k = (struct key_ref){0};
    if (lua_type(L, -2) == LUA_TSTRING) {
      k->text = lua_tolstring(L, -2, &k->len);
      if (strlen(k->text) != k->len) luaL_error(L, "%s has a key with a NUL byte", v->path);
    } else if (lua_type(L, -2) == LUA_TNUMBER) {
      k->is_number = true;
      if (!isfinite(lua_tonumber(L, -2))) luaL_error(L, "%s has a key that is infinite", v->path);
      k->is_integer = lua_isinteger(L, -2);
      k->value = lua_tonumber(L, -2);
      k->integer = lua_tointeger(L, -2);
      if (k->is_integer)
        snprintf(k->number, sizeof k->number, "#%lld", (long long)k->integer);
      else
        snprintf(k->number, sizeof k->number, "#%.17g", k->value);
      k->len = strlen(k->number);
    } else {
      luaL_error(L, "%s has a key that is a %s; keys are texts or numbers", v->path, luaL_typename(L, -2));
    }
  }
  qsort(keys, n, sizeof *keys, key_compare);
  buf_str(v->out, "{");
  for (size_t i = 0; i < n; i++) {
    const struct key_ref *k = &keys[i];
    size_t used = path_push(v, k);
    if (i) buf_str(v->out, ",");
    if (k->is_number) {
      save_text(v->out, k->number, k->len);
      if (k->is_integer)
        lua_pushinteger(L, k->integer);
      else
        lua_pushnumber(L, k->value);
    } else {
      if (k->len && k->text[0] == '#') {
        lua_pushfstring(L, "#%s", k->text);
        size_t len;
        const char *escaped = lua_tolstring(L, -1, &len);
        save_text(v->out, escaped, len);
        lua_pop(L, 1);
      } else {
        save_text(v->out, k->text, k->len);
      }
      lua_pushlstring(L, k->text, k->len);
    }
    buf_str(v->out, ":");
    lua_rawget(L, ix);
    save_value(L, v, lua_gettop(L), depth + 1);
    lua_pop(L, 1);
    v->path[used] = '\0';
  }
  buf_str(v->out, "}");
  lua_pop(L, 1);
}

static void save_value(lua_State *L, struct saver *v, int ix, int depth) {
  if (v->out->failed || v->out->len > SCRIPT_STATE_MAX)  // a small table that holds itself often grows without end
    luaL_error(L, "ctx.state is larger than %d bytes when saved; keep less in it", SCRIPT_STATE_MAX);
  switch (lua_type(L, ix)) {
    case LUA_TBOOLEAN: buf_str(v->out, lua_toboolean(L, ix) ? "true" : "false"); break;
    case LUA_TNUMBER: save_number(L, v, ix); break;
    case LUA_TSTRING: {
      size_t len;
      const char *text = lua_tolstring(L, ix, &len);
      save_text(v->out, text, len);
      break;
    }
    case LUA_TTABLE: save_table(L, v, ix, depth); break;
    default:
      luaL_error(L, "%s is a %s; ctx.state holds numbers, texts, booleans and tables of them", v->path,
                 ud_test(L, ix, UD_ORDER) ? "order (keep order.id and look it up in ctx:orders())" : luaL_typename(L, ix));
  }
}

static int l_save(lua_State *L) {
  struct saver *v = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, v->s->ref_ctx);
  lua_pushstring(L, "state");
  lua_rawget(L, -2);
  save_value(L, v, lua_gettop(L), 0);
  return 0;
}

enum status script_state_save(struct script *s, struct buf *ret, struct err *err) {
  struct saver v = {.s = s, .out = ret, .path = "ctx.state"};
  enum status st = vm_protect(s->vm, l_save, &v, err);
  if (st != OK) return err_wrap(err, ERR_SCRIPT, "%s", s->chunkname);
  if (ret->failed || ret->len > SCRIPT_STATE_MAX)
    return err_set(err, ERR_SCRIPT, "%s: ctx.state is larger than %d bytes when saved; keep less in it", s->chunkname, SCRIPT_STATE_MAX);
  return OK;
}

bool script_state_empty(struct script *s) {
  lua_State *L = vm_lua(s->vm);
  int top = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->ref_ctx);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->ref_state_key);
  lua_rawget(L, -2);
  bool empty = false;
  if (lua_istable(L, -1)) {
    lua_pushnil(L);
    empty = !lua_next(L, -2);
  }
  lua_settop(L, top);
  return empty;
}

// ---- loading

struct loader {
  struct script *s;
  const json_t *root;
  const char *from;   // migrate: the version the state comes from
  struct buf *check;  // migrate: its result as text
};

// Undoes save_text: jansson has turned \u00XX into UTF-8 of U+0000 … U+00FF; back to bytes.
static void push_bytes(lua_State *L, const char *utf8, size_t len) {
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, len);
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)utf8[i];
    if ((c == 0xc2 || c == 0xc3) && i + 1 < len) c = (unsigned char)((c & 3) << 6 | (utf8[++i] & 0x3f));
    out[n++] = (char)c;
  }
  luaL_pushresultsize(&b, n);
}

static void push_key(lua_State *L, const char *key, size_t len) {
  if (key[0] == '#' && key[1] != '#') {
    if (strpbrk(key, ".eE"))
      lua_pushnumber(L, strtod(key + 1, NULL));
    else
      lua_pushinteger(L, strtoll(key + 1, NULL, 10));
  } else {
    size_t skip = key[0] == '#';
    push_bytes(L, key + skip, len - skip);
  }
}

static void push_json(lua_State *L, const json_t *v, int depth) {
  if (depth > DEPTH_MAX) luaL_error(L, "saved state is nested too deeply");
  luaL_checkstack(L, 6, NULL);
  switch (json_typeof(v)) {
    case JSON_TRUE:
    case JSON_FALSE: lua_pushboolean(L, json_is_true(v)); break;
    case JSON_INTEGER: lua_pushinteger(L, json_integer_value(v)); break;
    case JSON_REAL: lua_pushnumber(L, json_real_value(v)); break;
    case JSON_STRING: push_bytes(L, json_string_value(v), json_string_length(v)); break;
    case JSON_ARRAY:
      lua_createtable(L, (int)json_array_size(v), 0);
      for (size_t i = 0; i < json_array_size(v); i++) {
        push_json(L, json_array_get(v, i), depth + 1);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
      }
      break;
    case JSON_OBJECT:
      lua_createtable(L, 0, (int)json_object_size(v));
      for (void *it = json_object_iter((json_t *)v); it; it = json_object_iter_next((json_t *)v, it)) {
        const char *key = json_object_iter_key(it);
        push_key(L, key, strlen(key));
        push_json(L, json_object_iter_value(it), depth + 1);
        lua_rawset(L, -3);
      }
      break;
    default: lua_pushnil(L);
  }
}

static void set_state(lua_State *L, struct script *s) {  // the new state is on top
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->ref_ctx);
  lua_pushstring(L, "state");
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 2);
}

static int l_replace(lua_State *L) {
  const struct loader *l = lua_touserdata(L, 1);
  push_json(L, l->root, 0);
  set_state(L, l->s);
  return 0;
}

// migrate(state, from) → the new state. On the script's budget; what it returns must be plain data, or the old state stays.
static int l_migrate(lua_State *L) {
  const struct loader *l = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, l->s->ref_callbacks);
  lua_rawgeti(L, -1, SLOT_CALLBACK + ON_MIGRATE);
  push_json(L, l->root, 0);
  lua_pushstring(L, l->from);
  lua_call(L, 2, 1);
  if (!lua_istable(L, -1)) luaL_error(L, "migrate must return the new state, a table, not %s", luaL_typename(L, -1));
  struct saver v = {.s = l->s, .out = l->check, .path = "migrate's result"};
  save_value(L, &v, lua_gettop(L), 0);
  if (l->check->failed || l->check->len > SCRIPT_STATE_MAX) luaL_error(L, "migrate's result is larger than %d bytes", SCRIPT_STATE_MAX);
  set_state(L, l->s);
  return 0;
}

enum status script_state_load(struct script *s, const char *text, size_t len, const char *from, struct err *err) {
  json_error_t je;
  json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &je);
  if (!root) return err_set(err, ERR_INVALID, "saved state: %s", je.text);
  struct buf check;
  buf_init(&check, SCRIPT_STATE_MAX + 4096);
  struct loader l = {.s = s, .root = root, .from = from, .check = &check};
  enum status st;
  if (from && script_has(s, ON_MIGRATE)) {
    lua_State *L = vm_lua(s->vm);
    s->calls++;
    lua_pushcfunction(L, l_migrate);
    lua_pushlightuserdata(L, &l);
    st = vm_call(s->vm, 1, 0, err);
  } else {
    st = vm_protect(s->vm, l_replace, &l, err);
  }
  buf_finish(&check);
  json_decref(root);
  return st;
}
