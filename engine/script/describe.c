// script/describe.c – "describe before run": evaluates a script in a throw-away state and turns its header into a spec.
#include "script/header.h"

#include "base/suggest.h"
#include "crypto/sha256.h"
#include "script/instance.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const callback_names[CALLBACK_COUNT] = {
#define X(id, name, args) [id] = name,
    CALLBACK_LIST(X)
#undef X
};

const char *callback_name(enum callback cb) {
  return callback_names[cb];
}

const char *script_lua_version(void) {
  return LUA_RELEASE;
}

struct describe {
  const char *chunkname, *source;
  struct script_spec *spec;
};

// The line on which a global function is defined, for messages; 0 when it is not on the stack top as a Lua function.
static int function_line(lua_State *L) {
  lua_Debug ar;
  if (lua_type(L, -1) != LUA_TFUNCTION || lua_iscfunction(L, -1)) return 0;
  lua_pushvalue(L, -1);
  lua_getinfo(L, ">S", &ar);
  return ar.linedefined;
}

// Globals named on_… that are no callback would silently never be called.
static void check_callbacks(lua_State *L, struct describe *d) {
  vm_push_globals(L);
  int globals = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, globals); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TFUNCTION || lua_iscfunction(L, -1)) continue;
    const char *name = lua_tostring(L, -2);
    int cb = 0;
    while (cb < CALLBACK_COUNT && strcmp(callback_names[cb], name) != 0) cb++;
    if (cb < CALLBACK_COUNT) {
      d->spec->callbacks |= UINT32_C(1) << cb;
      continue;
    }
    const char *near = suggest_nearest(name, callback_names, CALLBACK_COUNT);
    if (strncmp(name, "on_", 3) == 0 || strncmp(name, "On", 2) == 0 || (near && strncmp(name, "on", 2) == 0))
      luaL_error(L, "%s:%d: '%s' is no callback%s%s%s; it would never be called (name helpers without on_)", d->chunkname,
                 function_line(L), name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  }
  for (int cb = 0; cb < CALLBACK_COUNT; cb++) {
    lua_pushstring(L, callback_names[cb]);
    lua_rawget(L, globals);
    if (!lua_isnil(L, -1) && !lua_isfunction(L, -1)) luaL_error(L, "%s: %s must be a function, not a %s", d->chunkname, callback_names[cb], luaL_typename(L, -1));
    lua_pop(L, 1);
  }
  const uint32_t driving = UINT32_C(1) << ON_BAR | UINT32_C(1) << ON_DATA | UINT32_C(1) << ON_TICK | UINT32_C(1) << ON_SIGNAL | UINT32_C(1) << ON_TIMER;
  if (!(d->spec->callbacks & driving)) luaL_error(L, "%s: the script has none of on_bar, on_data, on_tick, on_signal, on_timer, so nothing would ever happen", d->chunkname);
  lua_pop(L, 1);
}

static int l_describe(lua_State *L) {
  struct describe *d = lua_touserdata(L, 1);
  header_read(L, d->chunkname, d->source, d->spec);
  check_callbacks(L, d);
  return 0;
}

// A throw-away state with the script loaded. The spec is not yet known: callbacks are not run in it, only header functions.
static enum status scratch_open(const char *chunkname, const char *source, size_t len, struct watchdog *watchdog, struct vm **ret,
                                struct err *err) {
  struct vm_limits limits = {0};
  enum status st = vm_create(&limits, watchdog, script_register_globals, NULL, ret, err);
  if (st != OK) return st;
  st = vm_load(*ret, chunkname, source, len, err);
  if (st != OK) {
    vm_destroy(*ret);
    *ret = NULL;
  }
  return st;
}

enum status script_describe(const char *chunkname, const char *source, size_t len, struct watchdog *watchdog,
                            struct script_spec **ret_spec, struct err *err) {
  struct vm *vm;
  enum status st = scratch_open(chunkname, source, len, watchdog, &vm, err);
  if (st != OK) return st;
  struct script_spec *spec = calloc(1, sizeof *spec);
  char *text = malloc(len + 1);
  if (!spec || !text) st = err_set(err, ERR_NOMEM, "%s: out of memory", chunkname);
  if (st == OK) {
    memcpy(text, source, len);
    text[len] = '\0';
    struct describe d = {chunkname, text, spec};
    lua_State *L = vm_lua(vm);
    lua_pushcfunction(L, l_describe);  // on the script's budget, like everything it can make long
    lua_pushlightuserdata(L, &d);
    st = vm_call(vm, 1, 0, err);
    sha256_hex(source, len, spec->sha256);
  }
  vm_destroy(vm);
  free(text);
  if (st != OK) {
    free(spec);
    return st;
  }
  *ret_spec = spec;
  return OK;
}

// ---- the header's functions

struct check {
  const char *chunkname;
  const struct script_spec *spec;
  const struct param_value *values;
  double max_notional;
};

static int l_check(lua_State *L) {
  const struct check *c = lua_touserdata(L, 1);
  header_push(L);
  lua_getfield(L, -1, "check");
  push_params(L, c->spec, c->values);
  lua_call(L, 1, 2);
  if (lua_toboolean(L, -2)) return 0;
  const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "the header's check refused the parameters";
  return luaL_error(L, "%s: %s", c->chunkname, why);
}

static int l_max_notional(lua_State *L) {
  struct check *c = lua_touserdata(L, 1);
  header_push(L);
  lua_getfield(L, -1, "risk");
  lua_getfield(L, -1, "max_notional");
  push_params(L, c->spec, c->values);
  lua_call(L, 1, 1);
  if (lua_type(L, -1) != LUA_TNUMBER || !isfinite(lua_tonumber(L, -1)) || lua_tonumber(L, -1) < 0)
    return luaL_error(L, "%s: risk.max_notional(p) must return an amount of money, not %s", c->chunkname, luaL_typename(L, -1));
  c->max_notional = lua_tonumber(L, -1);
  return 0;
}

static enum status run_check(struct vm *vm, lua_CFunction f, struct check *c, struct err *err) {
  lua_State *L = vm_lua(vm);
  lua_pushcfunction(L, f);
  lua_pushlightuserdata(L, c);
  return vm_call(vm, 1, 0, err);
}

enum status script_check_params(const char *chunkname, const char *source, size_t len, const struct script_spec *spec,
                                const struct param_value *values, struct watchdog *watchdog, double *ret_max_notional,
                                struct err *err) {
  *ret_max_notional = NAN;
  for (int i = 0; i < spec->param_count; i++) {
    enum status st = params_check(&spec->params[i], &values[i], err);
    if (st != OK) return st;
  }
  if (!spec->has_check && !spec->has_max_notional) return OK;
  struct vm *vm;
  enum status st = scratch_open(chunkname, source, len, watchdog, &vm, err);
  if (st != OK) return st;
  struct check c = {chunkname, spec, values, NAN};
  if (spec->has_check) st = run_check(vm, l_check, &c, err);
  if (st == OK && spec->has_max_notional) st = run_check(vm, l_max_notional, &c, err);
  vm_destroy(vm);
  if (st == OK) *ret_max_notional = c.max_notional;
  return st;
}
