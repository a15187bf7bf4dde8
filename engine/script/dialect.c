// script/dialect.c – the state of a dialect and its calls.
//
// A call: arguments are pushed and the function is called inside one protected call on an instruction budget; its results are left
// on the stack and read outside of it, where nothing in Lua allocates and so nothing can jump past memory of ours.
#include "script/dialect_call.h"

#include "crypto/sha256.h"
#include "script/profile_impl.h"
#include "script/table_reader.h"
#include "script/vm_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Of a call: what a small call needs, and something for each byte that it reads.
#define CALL_INSTRUCTIONS 200000
#define BYTE_INSTRUCTIONS 16

#define GC_STEP_LOG2 10  // bytes between two steps of the collector: small steps, for an order waits behind each

// A fresh state with the source loaded.
static enum status open_state(struct dialect *d, struct err *err) {
  enum status st = profile_open(SCRIPT_DIALECT, d->chunkname, d->source, d->len, d->watchdog, &d->vm, err);
  if (st == OK) lua_gc(vm_lua(d->vm), LUA_GCINC, 0, 0, GC_STEP_LOG2);
  else d->vm = NULL;
  return st;
}

// ---- creation

struct describe {
  struct table_reader r;
  struct dialect_info *info;
  struct dialect_errors *errors;
};

static int l_describe(lua_State *L) {
  struct describe *d = lua_touserdata(L, 1);
  d->r.L = L;
  profile_push_header(L);
  dialect_read_header(&d->r, d->info, d->errors);
  return 0;
}

static enum status describe(struct dialect *d, struct dialect_info *info, struct dialect_errors *errors, struct err *err) {
  struct describe call = {{.chunkname = d->chunkname, .source = d->source, .head = "dialect"}, info, errors};
  lua_State *L = vm_lua(d->vm);
  lua_pushcfunction(L, l_describe);
  lua_pushlightuserdata(L, &call);
  return vm_call(d->vm, 1, 0, err);
}

enum status dialect_create(const char *chunkname, const char *source, size_t len, struct watchdog *watchdog,
  struct dialect **ret, struct err *err) {
  struct dialect *d = calloc(1, sizeof *d);
  if (d == NULL) return err_set(err, ERR_NOMEM, "%s: out of memory", chunkname);
  d->chunkname = strdup(chunkname);
  d->source = malloc(len + 1);
  d->len = len;
  d->watchdog = watchdog;
  enum status st = OK;
  if (d->chunkname == NULL || d->source == NULL) st = err_set(err, ERR_NOMEM, "%s: out of memory", chunkname);
  if (st == OK) {
    memcpy(d->source, source, len);
    d->source[len] = '\0';
    sha256_hex(source, len, d->info.sha256);
    st = open_state(d, err);
  }
  if (st == OK) st = describe(d, &d->info, &d->errors, err);
  if (st == OK)
    *ret = d;
  else
    dialect_destroy(d);
  return st;
}

void dialect_destroy(struct dialect *d) {
  if (d == NULL) return;
  vm_destroy(d->vm);
  free(d->errors.list);
  free(d->chunkname);
  free(d->source);
  free(d);
}

const struct dialect_info *dialect_info(const struct dialect *d) {
  return &d->info;
}

// ---- a call

static const char *const dialect_functions[] = {"request", "sign", "response", "streams", "frame"};

static void set_text(lua_State *L, const char *key, const char *value) {
  lua_pushstring(L, key);
  lua_pushstring(L, value);
  lua_rawset(L, -3);
}

static void push_env(lua_State *L, const struct dialect_call *c) {
  const struct dialect_info *info = &c->d->info;
  const struct dialect_env *env = c->env;
  const struct dialect_environment *e = &info->environments[0];
  if (env->environment != NULL) {
    for (e = info->environments; e < info->environments + info->environment_count; e++)
      if (strcmp(e->name, env->environment) == 0) break;
    if (e == info->environments + info->environment_count) luaL_error(L, "%s has no environment '%s'", info->name, env->environment);
  }
  const char *category = env->category != NULL ? env->category : info->categories[0], *public = env->public_ws;
  for (int i = 0; public == NULL && i < e->public_count; i++)
    if (strcmp(e->public_ws[i].category, category) == 0) public = e->public_ws[i].url;
  lua_createtable(L, 0, 8);
  lua_pushliteral(L, "now_ms");
  lua_pushinteger(L, env->now_ms);
  lua_rawset(L, -3);
  lua_pushliteral(L, "expiry_ms");
  lua_pushinteger(L, info->expiry_ms);
  lua_rawset(L, -3);
  set_text(L, "environment", e->name);
  set_text(L, "category", category);
  set_text(L, "rest", env->rest != NULL ? env->rest : e->rest);
  set_text(L, "private_ws", env->private_ws != NULL ? env->private_ws : e->private_ws);
  if (public != NULL) set_text(L, "public_ws", public);
}

static void push_args(lua_State *L, const json_t *args) {
  if (args != NULL) value_push_tree(L, args, false);
  else lua_createtable(L, 0, 0);
}

static void push_bytes(lua_State *L, const struct dialect_call *c) {
  if (!value_push_json(L, c->bytes, c->len)) lua_pushlstring(L, c->bytes, c->len);
}

static void push_request(lua_State *L, const struct dialect_request *r) {
  lua_createtable(L, 0, 6);
  set_text(L, "method", r->method);
  set_text(L, "path", r->path);
  set_text(L, "query", r->query);
  lua_pushliteral(L, "body");
  lua_pushlstring(L, r->body != NULL ? r->body : "", r->body_len);
  lua_rawset(L, -3);
}

// Makes texts of the query and the body of the table on top of the stack.
static void flatten(lua_State *L) {
  int at = lua_gettop(L);
  lua_pushliteral(L, "query");
  if (lua_rawget(L, at) == LUA_TTABLE) {
    dialect_query(L, -1);
    lua_pushliteral(L, "query");
    lua_insert(L, -2);
    lua_rawset(L, at);
  }
  lua_settop(L, at);
  lua_pushliteral(L, "body");
  if (lua_rawget(L, at) == LUA_TTABLE) {
    struct sbuf b;
    int body = lua_gettop(L);
    sbuf_init(&b, L);
    value_encode(L, body, &b);
    lua_pushliteral(L, "body");
    sbuf_push(&b);
    lua_rawset(L, at);
  }
  lua_settop(L, at);
}

static int l_call(lua_State *L) {
  const struct dialect_call *c = lua_touserdata(L, 1);
  luaL_checkstack(L, 32, NULL);
  vm_push_globals(L);
  lua_pushstring(L, dialect_functions[c->what]);
  if (lua_rawget(L, -2) != LUA_TFUNCTION) return luaL_error(L, "%s is no longer a function", dialect_functions[c->what]);
  lua_replace(L, -2);
  int f = lua_gettop(L);
  switch (c->what) {
    case DIALECT_CALL_REQUEST:
      lua_pushstring(L, dialect_op_text(c->op));
      push_args(L, c->args);
      push_env(L, c);
      break;
    case DIALECT_CALL_SIGN:
      push_request(L, c->request);
      dialect_secret_push(L, c->secret);
      push_env(L, c);
      break;
    case DIALECT_CALL_RESPONSE:
      lua_pushstring(L, dialect_op_text(c->op));
      lua_pushinteger(L, c->status);
      push_bytes(L, c);
      push_args(L, c->args);
      break;
    case DIALECT_CALL_STREAMS:
      lua_pushstring(L, c->kind);
      push_args(L, c->args);
      push_env(L, c);
      dialect_secret_push(L, c->secret);
      break;
    case DIALECT_CALL_FRAME:
      lua_pushstring(L, c->kind);
      push_bytes(L, c);
      break;
  }
  lua_call(L, lua_gettop(L) - f, DIALECT_RESULTS);
  if (c->what != DIALECT_CALL_REQUEST && c->what != DIALECT_CALL_SIGN) return DIALECT_RESULTS;
  if (lua_type(L, -2) == LUA_TTABLE) {
    lua_pushvalue(L, -2);
    flatten(L);
    lua_settop(L, -2);
  }
  return DIALECT_RESULTS;
}

// OK: the results are on the stack, to be popped with dialect_done().
enum status dialect_call(struct dialect_call *c, struct err *err) {
  struct dialect *d = c->d;
  enum status st = OK;
  if (d->vm == NULL) st = open_state(d, err);
  if (st != OK) return st;
  lua_State *L = vm_lua(d->vm);
  d->vm->fuel_limit = CALL_INSTRUCTIONS + BYTE_INSTRUCTIONS * (uint64_t)c->len;
  lua_pushcfunction(L, l_call);
  lua_pushlightuserdata(L, c);
  st = vm_call(d->vm, 1, DIALECT_RESULTS, err);
  if (c->secret != NULL) dialect_secret_end(L);
  if (vm_killed(d->vm) != VM_ALIVE || st == ERR_BUDGET) {
    vm_destroy(d->vm);
    d->vm = NULL;
  }
  return st;
}

void dialect_done(struct dialect *d) {
  lua_settop(vm_lua(d->vm), -DIALECT_RESULTS - 1);
}

enum status dialect_wrong(const struct dialect_call *c, struct err *err, const char *what) {
  return err_set(err, ERR_SCRIPT, "%s: %s(%s) gave %s", c->d->chunkname, dialect_functions[c->what],
    c->kind != NULL ? c->kind : dialect_op_text(c->op), what);
}
