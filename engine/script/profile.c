#include "script/profile_impl.h"

#include "base/suggest.h"
#include "crypto/sha256.h"
#include "script/dialect_impl.h"
#include "script/rule_impl.h"
#include "script/table_reader.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(SCRIPT_SOURCE_MAX == VM_SOURCE_MAX, "one limit");

static const char header_key = 'h';  // registry: its address, unreachable for scripts

static const char *const kind_names[] = {
#define X(id, name, head) [id] = name,
  SCRIPT_KIND_LIST(X)
#undef X
};
static const char *const head_names[] = {
#define X(id, name, head) [id] = head,
  SCRIPT_KIND_LIST(X)
#undef X
};

const char *script_kind_name(enum script_kind kind) {
  return kind_names[kind];
}

bool script_kind_parse(const char *text, enum script_kind *ret) {
  for (int i = 0; i < SCRIPT_KIND_COUNT; i++) {
    if (strcmp(kind_names[i], text) != 0) continue;
    *ret = (enum script_kind)i;
    return true;
  }
  return false;
}

// Functions that a kind must define, each ending with NULL. A rule answers for a signal; what a dialect needs depends on its
// venue, and venue/ asks for it.
static const char *const *required(enum script_kind kind) {
  static const char *const none[] = {NULL}, *const rule[] = {"on_signal", NULL};
  return kind == SCRIPT_RULE ? rule : none;
}

// ---- the environment

static int l_head(lua_State *L) {
  const char *head = lua_tostring(L, lua_upvalueindex(1));
  if (lua_gettop(L) != 1 || !lua_istable(L, 1)) return luaL_error(L, "%s takes one table: %s{ … }", head, head);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &header_key) != LUA_TNIL)
    return luaL_error(L, "%s{…} stands in the file twice", head);
  lua_settop(L, 1);
  lua_pushvalue(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &header_key);
  return 1;  // `return tiers{…}` reads well too
}

static void set_globals(lua_State *L, void *arg) {
  const enum script_kind *kind = arg;
  lua_pushstring(L, head_names[*kind]);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, l_head, 1);
  lua_settable(L, -3);
  if (*kind == SCRIPT_DIALECT) dialect_libraries(L);
  if (*kind == SCRIPT_RULE) rule_libraries(L);
  if (*kind != SCRIPT_TIER) return;
  lua_pushliteral(L, "unlimited");
  lua_pushliteral(L, "unlimited");
  lua_settable(L, -3);
}

// The shared environment's hints speak to authors of strategies; here they would mislead.
static int l_missing(lua_State *L) {
  static const char *const gone[] = {"print", "require", "dofile", "loadfile", "load", "loadstring", "os", "io",
    "coroutine", "debug", "package", "collectgarbage", "warn", "strategy", "ctx"};
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
    if (strcmp(gone[i], key) == 0)
      return luaL_error(
        L, "'%s' does not exist here: the script decides from what it is given, and touches nothing else", key);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}

static int l_own_hints(lua_State *L) {
  vm_push_globals(L);
  if (!lua_getmetatable(L, -1)) return 0;
  lua_pushliteral(L, "__index");
  lua_pushvalue(L, -1);
  lua_rawget(L, -3);
  lua_pushcclosure(L, l_missing, 1);
  lua_rawset(L, -3);
  return 0;
}

static int l_has_header(lua_State *L) {
  const enum script_kind *kind = lua_touserdata(L, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &header_key) == LUA_TTABLE) return 0;
  return luaL_error(L, "the script has no header; begin it with %s{ … }", head_names[*kind]);
}

// Answers of a venue are large: a page of instruments is a megabyte of JSON.
static size_t heap_bytes(enum script_kind kind) {
  return kind == SCRIPT_DIALECT ? VM_HEAP_BYTES_MAX : PROFILE_HEAP_BYTES;
}

enum status profile_open(enum script_kind kind, const char *chunkname, const char *source, size_t len,
  struct watchdog *watchdog, struct vm **ret, struct err *err) {
  struct vm_limits limits = {.heap_bytes = heap_bytes(kind), .fuel_instructions = PROFILE_INSTRUCTIONS};
  struct vm *vm;
  enum status st = vm_create(&limits, watchdog, set_globals, &kind, &vm, err);
  if (st != OK) return st;
  st = vm_protect(vm, l_own_hints, NULL, err);
  if (st == OK) st = vm_load(vm, chunkname, source, len, err);
  if (st == OK) {
    st = vm_protect(vm, l_has_header, &kind, err);
    if (st != OK) st = err_wrap(err, st, "%s:1", chunkname);
  }
  if (st == OK)
    *ret = vm;
  else
    vm_destroy(vm);
  return st;
}

void profile_push_header(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &header_key);
}

// ---- rules and dialects

struct describe {
  struct table_reader r;
  struct profile_spec *spec;
  struct dialect_errors errors;  // a dialect's
};

static int by_name(const void *a, const void *b) {
  return strcmp(a, b);
}

static void read_functions(struct describe *d) {
  lua_State *L = d->r.L;
  struct profile_spec *spec = d->spec;
  vm_push_globals(L);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TFUNCTION || lua_iscfunction(L, -1)) continue;
    const char *name = lua_tostring(L, -2);
    if (strlen(name) >= PROFILE_NAME_MAX || spec->function_count == PROFILE_FUNCTIONS_MAX)
      table_fail(&d->r, NULL, "at most %d global functions with names below %d bytes; make helpers local",
        PROFILE_FUNCTIONS_MAX, PROFILE_NAME_MAX);
    strcpy(spec->functions[spec->function_count++], name);
  }
  lua_pop(L, 1);
  qsort(spec->functions, (size_t)spec->function_count, sizeof spec->functions[0], by_name);
  const char *names[PROFILE_FUNCTIONS_MAX];
  for (int i = 0; i < spec->function_count; i++) names[i] = spec->functions[i];
  for (const char *const *need = required(spec->kind); *need != NULL; need++) {
    if (bsearch(*need, spec->functions, (size_t)spec->function_count, sizeof spec->functions[0], by_name) != NULL)
      continue;
    const char *near = suggest_nearest(*need, names, (size_t)spec->function_count);
    if (near != NULL)
      table_fail(&d->r, near, "a %s must define the function %s; is '%s' meant?", kind_names[spec->kind], *need, near);
    table_fail(&d->r, NULL, "a %s must define the function %s", kind_names[spec->kind], *need);
  }
}

// A dialect's header has an own reader, which says everything that is wrong with it.
static void describe_dialect(struct describe *d) {
  struct dialect_info info = {0};
  dialect_read_header(&d->r, &info, &d->errors);
  snprintf(d->spec->name, sizeof d->spec->name, "%s", info.name);
  snprintf(d->spec->about, sizeof d->spec->about, "%s", info.about);
  d->spec->api = 1;
  read_functions(d);
}

static int l_describe(lua_State *L) {
  static const char *const keys[] = {RULE_HEADER_KEYS};
  struct describe *d = lua_touserdata(L, 1);
  struct profile_spec *spec = d->spec;
  luaL_checkstack(L, 16, NULL);
  d->r.L = L;
  profile_push_header(L);
  if (spec->kind == SCRIPT_DIALECT) return describe_dialect(d), 0;
  table_check_keys(&d->r, -1, d->r.head, keys, sizeof keys / sizeof *keys);
  if (!table_text(&d->r, -1, d->r.head, "name", spec->name, sizeof spec->name) || spec->name[0] == '\0')
    table_fail(&d->r, NULL, "%s.name is missing", d->r.head);
  table_text(&d->r, -1, d->r.head, "about", spec->about, sizeof spec->about);
  int64_t api;
  if (!table_int(&d->r, -1, d->r.head, "api", 1, 1, &api))
    table_fail(&d->r, NULL, "%s.api is missing; write api=1", d->r.head);
  spec->api = (int)api;
  rule_read_settings(&d->r, &spec->settings);
  read_functions(d);
  return 0;
}

void profile_spec_finish(struct profile_spec *spec) {
  json_decref(spec->settings);
  spec->settings = NULL;
}

enum status profile_describe(enum script_kind kind, const char *chunkname, const char *source, size_t len,
  struct watchdog *watchdog, struct profile_spec *ret, struct err *err) {
  struct vm *vm;
  memset(ret, 0, sizeof *ret);
  ret->kind = kind;
  enum status st = profile_open(kind, chunkname, source, len, watchdog, &vm, err);
  if (st != OK) return st;
  char *text = malloc(len + 1);
  if (text == NULL) st = err_set(err, ERR_NOMEM, "%s: out of memory", chunkname);
  if (st == OK) {
    memcpy(text, source, len);
    text[len] = '\0';
    struct describe d = {{.chunkname = chunkname, .source = text, .head = head_names[kind]}, ret, {0}};
    lua_pushcfunction(vm_lua(vm), l_describe);
    lua_pushlightuserdata(vm_lua(vm), &d);
    st = vm_call(vm, 1, 0, err);
    free(d.errors.list);
    sha256_hex(source, len, ret->sha256);
  }
  free(text);
  vm_destroy(vm);
  if (st != OK) profile_spec_finish(ret);
  return st;
}

json_t *profile_json(const struct profile_spec *spec) {
  json_t *functions = json_array();
  for (int i = 0; i < spec->function_count; i++) json_array_append_new(functions, json_string(spec->functions[i]));
  return json_pack("{s:s, s:s, s:s, s:i, s:o, s:O*}", "kind", kind_names[spec->kind], "name", spec->name, "about",
    spec->about, "api", spec->api, "functions", functions, "settings", spec->settings);
}
