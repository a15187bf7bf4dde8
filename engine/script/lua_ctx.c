// script/lua_ctx.c – ctx itself: the read-only table of fields and methods, and the methods that leave a mark.
//
// ctx and ctx.ind are what every bar reads, so their fields stand in the tables themselves (a proxy in front costs three hash
// look-ups more, 120 ns a bar). New names are refused at once by __newindex, misspelt ones by __index with a suggestion;
// overwriting one that exists is found by ctx_sealed(), which runs before the first orders of a day are committed and at
// each day's turn. `now` is the one field that changes by itself: __index computes it. Tables read more rarely are real proxies.
#include "script/instance.h"

#include "base/suggest.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// ---- strict tables

_Noreturn void raise_unknown_field(lua_State *L, const char *what, const char *key, const char *const *known, size_t n) {
  const char *near = suggest_nearest(key, known, n);
  if (near)
    luaL_error(L, "%s has no field '%s'; did you mean '%s'?", what, key, near);
  else
    luaL_error(L, "%s has no field '%s'", what, key);
  __builtin_unreachable();
}

// __index of a strict table: (table, key); upvalue 1 names it.
static int l_unknown(lua_State *L) {
  const char *what = lua_tostring(L, lua_upvalueindex(1));
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
  const char *names[SPEC_PARAMS_MAX];
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, 1) && n < SPEC_PARAMS_MAX; lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING) names[n++] = lua_tostring(L, -2);
  raise_unknown_field(L, what, key, names, n);
}

static int l_readonly(lua_State *L) {
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
  return luaL_error(L, "%s is read-only: cannot set '%s' (keep your own data in ctx.state)", lua_tostring(L, lua_upvalueindex(1)), key);
}

void make_strict(lua_State *L, const char *what) {
  if (luaL_newmetatable(L, what)) {  // one metatable per kind of table, kept in the registry under its name
    lua_pushstring(L, what);
    lua_pushcclosure(L, l_unknown, 1);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
}

void push_readonly(lua_State *L, const char *what) {
  make_strict(L, what);
  lua_createtable(L, 0, 0);                       // data proxy
  lua_createtable(L, 0, 3);                       // data proxy meta
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, what);
  lua_pushcclosure(L, l_readonly, 1);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_remove(L, -2);                              // proxy
}

// ---- userdata: one metatable for all kinds

static int (*const ud_dispatch[UD_KIND_COUNT])(lua_State *) = {
    [UD_SERIES - UD_SERIES] = l_series_index,  [UD_BARS - UD_SERIES] = l_bars_index,   [UD_BAR - UD_SERIES] = l_bar_index,
    [UD_ORDER - UD_SERIES] = l_order_index,    [UD_POSITION - UD_SERIES] = l_position_index,
    [UD_ACCOUNT - UD_SERIES] = l_account_index, [UD_SYMBOL - UD_SERIES] = l_symbol_index,
};

static int l_ud_index(lua_State *L) {
  const struct ud *u = lua_touserdata(L, 1);
  return ud_dispatch[u->kind - UD_SERIES](L);
}

static int l_ud_readonly(lua_State *L) {
  return luaL_error(L, "this object is read-only (keep your own data in ctx.state)");
}

static int l_ud_eq(lua_State *L) {
  const struct ud *a = ud_test(L, 1, UD_ORDER), *b = ud_test(L, 2, UD_ORDER);
  lua_pushboolean(L, a && b && a->order.id == b->order.id);
  return 1;
}

static const char ud_metatable_key = 'u';

void ud_register(lua_State *L) {
  lua_createtable(L, 0, 4);
  lua_pushcfunction(L, l_ud_index);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, l_ud_readonly);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, l_ud_eq);
  lua_setfield(L, -2, "__eq");
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &ud_metatable_key);
}

struct ud *ud_push(lua_State *L, enum ud_kind kind) {
  struct ud *u = lua_newuserdatauv(L, sizeof *u, 0);
  memset(u, 0, sizeof *u);
  u->kind = kind;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &ud_metatable_key);
  lua_setmetatable(L, -2);
  return u;
}

struct ud *ud_test(lua_State *L, int ix, enum ud_kind kind) {
  struct ud *u = lua_touserdata(L, ix);  // those that a script can hold are all ours, and none is light
  return u && u->kind == (uint32_t)kind ? u : NULL;
}

// ---- methods that leave a mark

struct script *ctx_check(lua_State *L, const char *method) {
  // ctx has a metatable; the options of a mistaken ctx.buy{…} have none
  if (!lua_istable(L, 1) || !lua_getmetatable(L, 1))
    luaL_error(L, "call it with a colon: ctx:%s(…), not ctx.%s(…)", method, method);
  lua_pop(L, 1);
  return script_of(L);
}

static int l_ctx_rand(lua_State *L) {
  struct script *s = ctx_check(L, "rand");
  lua_pushnumber(L, (double)(vm_random(s->vm) >> 11) * 0x1p-53);
  return 1;
}

// Text of any plain value; tables are told to be taken apart rather than printed by address.
static void add_value(lua_State *L, luaL_Buffer *b, int ix) {
  switch (lua_type(L, ix)) {
    case LUA_TNIL: luaL_addstring(b, "nil"); break;
    case LUA_TBOOLEAN: luaL_addstring(b, lua_toboolean(L, ix) ? "true" : "false"); break;
    case LUA_TNUMBER: {
      char text[64];
      if (lua_isinteger(L, ix))
        snprintf(text, sizeof text, LUA_INTEGER_FMT, (LUAI_UACINT)lua_tointeger(L, ix));
      else
        snprintf(text, sizeof text, "%.14g", lua_tonumber(L, ix));
      luaL_addstring(b, text);
      break;
    }
    case LUA_TSTRING: {
      size_t len;
      const char *text = lua_tolstring(L, ix, &len);
      luaL_addlstring(b, text, len > 1000 ? 1000 : len);
      break;
    }
    default: luaL_addstring(b, luaL_typename(L, ix));
  }
}

static int l_ctx_log(lua_State *L) {
  static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
  struct script *s = ctx_check(L, "log");
  int top = lua_gettop(L), first = 2, level = LOG_INFO;
  if (top >= 2 && lua_type(L, 2) == LUA_TSTRING)
    for (int i = 0; levels[i]; i++)
      if (strcmp(lua_tostring(L, 2), levels[i]) == 0) {
        level = i;
        first = 3;
        break;
      }
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int i = first; i <= top; i++) {
    if (i > first) luaL_addchar(&b, ' ');
    add_value(L, &b, i);
  }
  luaL_pushresult(&b);
  s->host->log(s->host->self, (enum script_log_level)level, lua_tostring(L, -1));
  return 0;
}

static int l_ctx_plot(lua_State *L) {
  struct script *s = ctx_check(L, "plot");
  size_t len;
  const char *name = luaL_checklstring(L, 2, &len);
  if (len == 0 || len >= SPEC_NAME_MAX) luaL_error(L, "ctx:plot: a name has 1 to %d bytes", SPEC_NAME_MAX - 1);
  if (lua_isnoneornil(L, 3)) return 0;  // a value that is still warming up draws nothing
  double v = luaL_checknumber(L, 3);
  if (isfinite(v)) s->host->plot(s->host->self, name, v);
  return 0;
}

static int l_ctx_mark(lua_State *L) {
  struct script *s = ctx_check(L, "mark");
  s->host->mark(s->host->self, luaL_checkstring(L, 2));
  return 0;
}

static int l_ctx_notify(lua_State *L) {
  struct script *s = ctx_check(L, "notify");
  s->host->notify(s->host->self, luaL_checkstring(L, 2));
  return 0;
}

static int l_ctx_timer(lua_State *L) {
  static const char *const keys[] = {"every", "at", "tz", "name", "off"};
  struct script *s = ctx_check(L, "timer");
  luaL_checktype(L, 2, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    int i = 0;
    while (i < 5 && strcmp(keys[i], key) != 0) i++;
    if (i == 5) raise_unknown_field(L, "ctx:timer", key, keys, 5);
  }
  lua_settop(L, 2);
  lua_getfield(L, 2, "every");
  lua_getfield(L, 2, "at");
  lua_getfield(L, 2, "tz");
  lua_getfield(L, 2, "name");
  lua_getfield(L, 2, "off");
  const char *every = luaL_optstring(L, 3, NULL), *at = luaL_optstring(L, 4, NULL), *tz = luaL_optstring(L, 5, "UTC");
  const char *name = luaL_optstring(L, 6, every ? every : at ? at : "");
  bool off = lua_toboolean(L, 7);
  int64_t every_ns = 0;
  int hour = 0, minute = 0, used = 0, at_minute = -1;
  if (!off && (every != NULL) == (at != NULL)) luaL_error(L, "ctx:timer: give exactly one of every=\"5m\" and at=\"17:00\"");
  if (every && !timeframe_parse(every, &every_ns)) luaL_error(L, "ctx:timer: every=\"%s\" is no duration such as \"30s\", \"5m\"", every);
  if (at && (sscanf(at, "%2d:%2d%n", &hour, &minute, &used) != 2 || at[used] || hour > 23 || minute > 59 || hour < 0 || minute < 0))
    luaL_error(L, "ctx:timer: at=\"%s\" is no time of day such as \"17:00\"", at);
  if (at) at_minute = hour * 60 + minute;
  if (strlen(name) >= SPEC_NAME_MAX) luaL_error(L, "ctx:timer: a name has at most %d bytes", SPEC_NAME_MAX - 1);
  char why[160] = "";
  if (!s->host->timer(s->host->self, name, off ? 0 : every_ns, off ? -1 : at_minute, tz, why, sizeof why)) luaL_error(L, "ctx:timer: %s", why);
  return 0;
}

static const luaL_Reg ctx_methods[] = {
    {"buy", l_ctx_buy},           {"sell", l_ctx_sell},     {"enter", l_ctx_enter},           {"target", l_ctx_target},
    {"close", l_ctx_close},       {"modify", l_ctx_modify}, {"cancel", l_ctx_cancel},         {"cancel_all", l_ctx_cancel_all},
    {"ladder", l_ctx_ladder},     {"orders", l_ctx_orders}, {"pending", l_ctx_pending},       {"bars", l_ctx_bars},
    {"leg", l_ctx_leg},           {"position", l_ctx_position}, {"symbol", l_ctx_symbol},     {"rand", l_ctx_rand},
    {"log", l_ctx_log},           {"plot", l_ctx_plot},     {"mark", l_ctx_mark},             {"notify", l_ctx_notify},
    {"timer", l_ctx_timer},       {NULL, NULL}};

// What the entry of name (-2) and value (-1) adds to its table's fingerprint.
static uint64_t entry_fingerprint(lua_State *L) {
  const uint64_t h = ((uint64_t)(uintptr_t)lua_topointer(L, -2) * UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)(uintptr_t)lua_topointer(L, -1)) * UINT64_C(0xBF58476D1CE4E5B9);
  return h ^ h >> 31;
}

// A method comes into ctx when it is named first: most scripts use three of them. Leaves it on the stack.
static bool take_method(lua_State *L, struct script *s, const char *key) {
  const luaL_Reg *r = ctx_methods;
  while (r->name && strcmp(r->name, key) != 0) r++;
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->ref_ctx);
  if (!r->name || !lua_rawequal(L, 1, -1)) return false;
  lua_pushvalue(L, 2);
  lua_pushcfunction(L, r->func);
  const uint64_t entry = entry_fingerprint(L);
  lua_rawset(L, 1);
  s->seal += entry;
  lua_pushcfunction(L, r->func);
  return true;
}

// A field that is not there: (ctx, key).
static int l_ctx_missing(lua_State *L) {
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
  if (strcmp(key, "now") == 0) {
    lua_pushinteger(L, script_of(L)->now_ns / NS_PER_MS);
    return 1;
  }
  if (lua_type(L, 2) == LUA_TSTRING && take_method(L, script_of(L), key)) return 1;
  const char *names[48] = {"now"};
  size_t n = 1;
  for (const luaL_Reg *r = ctx_methods; r->name; r++) names[n++] = r->name;
  for (lua_pushnil(L); lua_next(L, 1) && n < 48; lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING && !lua_iscfunction(L, -1)) names[n++] = lua_tostring(L, -2);
  raise_unknown_field(L, "ctx", key, names, n);
}

void push_params(lua_State *L, const struct script_spec *spec, const struct param_value *values) {
  lua_createtable(L, 0, spec->param_count);
  for (int i = 0; i < spec->param_count; i++) {
    const struct param_spec *p = &spec->params[i];
    if (p->kind == PARAM_BOOL)
      lua_pushboolean(L, values[i].num != 0);
    else if (p->kind == PARAM_INT)
      lua_pushinteger(L, (lua_Integer)values[i].num);
    else if (p->kind <= PARAM_MONEY)
      lua_pushnumber(L, values[i].num);
    else
      lua_pushstring(L, values[i].text);
    lua_setfield(L, -2, p->name);
  }
  push_readonly(L, "ctx.p");
}

static void push_indicators(lua_State *L, struct script *s) {
  lua_createtable(L, 0, s->spec->indicator_count);
  for (int i = 0; i < s->spec->indicator_count; i++) {
    const struct running_indicator *r = &s->indicators[i];
    if (r->desc->n_outputs == 1) {
      ud_push(L, UD_SERIES)->series.ring = &s->outputs[r->first_output];
    } else {
      lua_createtable(L, 0, r->desc->n_outputs);
      for (int k = 0; k < r->desc->n_outputs; k++) {
        ud_push(L, UD_SERIES)->series.ring = &s->outputs[r->first_output + k];
        lua_setfield(L, -2, r->desc->outputs[k]);
      }
      push_readonly(L, "the indicator");
    }
    lua_setfield(L, -2, s->spec->indicators[i].name);
  }
  make_strict(L, "ctx.ind");
}

// Identity of everything in the table on top of the stack but the entry `state`: an order-free sum over the addresses of names
// (short strings have one each in a state) and of what they hold. They are compared with earlier ones only and decide nothing.
static uint64_t table_fingerprint(lua_State *L, const void *state) {
  uint64_t sum = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    if (lua_topointer(L, -2) != state) sum += entry_fingerprint(L);
  }
  return sum;
}

static uint64_t ctx_fingerprint(lua_State *L) {  // ctx is on top
  const void *state = lua_topointer(L, (lua_pushstring(L, "state"), -1));
  lua_pop(L, 1);
  uint64_t h = table_fingerprint(L, state);
  lua_pushstring(L, "ind");
  if (lua_rawget(L, -2) == LUA_TTABLE) h += 3 * table_fingerprint(L, NULL);
  lua_pop(L, 1);
  return h;
}

void ctx_seal(lua_State *L, struct script *s) {
  s->seal = ctx_fingerprint(L);
}

static int l_ctx_verify(lua_State *L) {
  struct script *s = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->ref_ctx);
  if (ctx_fingerprint(L) != s->seal)
    luaL_error(L, "%s: the script overwrote a field of ctx or ctx.ind, which are read-only (keep your own data in ctx.state)", s->chunkname);
  return 0;
}

enum status script_verify(struct script *s, struct err *err) {
  enum status st = vm_protect(s->vm, l_ctx_verify, s, err);
  return st == OK ? OK : ERR_SCRIPT;
}

void ctx_build(lua_State *L, struct script *s) {
  luaL_checkstack(L, 12, NULL);
  lua_createtable(L, 0, 8);  // ctx
  push_params(L, s->spec, s->values);
  lua_setfield(L, -2, "p");
  push_indicators(L, s);
  lua_setfield(L, -2, "ind");
  lua_newtable(L);
  lua_setfield(L, -2, "state");
  struct ud *u = ud_push(L, UD_POSITION);
  u->position.symbol = s->symbols[0];
  u->position.leg = -1;
  lua_setfield(L, -2, "pos");
  ud_push(L, UD_ACCOUNT);
  lua_setfield(L, -2, "acct");
  ud_push(L, UD_SYMBOL)->position.symbol = s->symbols[0];
  lua_setfield(L, -2, "sym");
  lua_createtable(L, 0, 3);  // ctx meta
  lua_pushcfunction(L, l_ctx_missing);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, "ctx");
  lua_pushcclosure(L, l_readonly, 1);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  s->ref_ctx = luaL_ref(L, LUA_REGISTRYINDEX);
  ctx_seal(L, s);
}
