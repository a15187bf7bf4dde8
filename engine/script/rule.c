// script/rule.c – see rule.h.
#include "script/rule.h"

#include "market/tz.h"
#include "script/profile_impl.h"
#include "script/rule_impl.h"
#include "script/script_error.h"
#include "script/value.h"
#include "script/vm_impl.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_INSTRUCTIONS 100000  // about 1 ms; a stage is meant to take microseconds
#define ZONES_MAX 8               // that one rule has asked for; more are loaded anew each time
#define RESULTS 2

struct rule {
  struct vm *vm;  // NULL: thrown away after a kill
  struct watchdog *watchdog;
  json_t *settings;
  int kills;
  struct rule_accepted past;  // of the call under way; text borrowed, NULL between calls
  struct tz *zones[ZONES_MAX];
  int zone_count;
  size_t len;
  char *chunkname, *source;
};

// ---- local_time(ms, zone): {year, month, day, hour, minute, weekday, minute_of_day}; weekday 1 is Monday

static const struct tz *zone_of(lua_State *L, struct rule *r, const char *name) {
  struct err err;
  for (int i = 0; i < r->zone_count; i++)
    if (strcmp(tz_name(r->zones[i]), name) == 0) return r->zones[i];
  if (r->zone_count == ZONES_MAX) tz_destroy(r->zones[--r->zone_count]);
  if (tz_load(name, &r->zones[r->zone_count], &err) != OK) luaL_error(L, "local_time: %s", err.msg);
  return r->zones[r->zone_count++];
}

static int l_local_time(lua_State *L) {
  struct rule *r = vm_owner(L);
  const lua_Integer ms = luaL_checkinteger(L, 1);
  const char *name = luaL_checkstring(L, 2);
  if (r == NULL) return luaL_error(L, "local_time works inside on_signal only");
  if (ms < 0 || ms > INT64_C(253402300799999)) return luaL_argerror(L, 1, "no time in milliseconds");
  int32_t second;
  const struct tz_date d = tz_local(zone_of(L, r, name), ms / 1000, &second);
  const struct { const char *key; int value; } fields[] = {{"year", d.year}, {"month", d.month}, {"day", d.day}, {"hour", second / 3600}, {"minute", second / 60 % 60},
    {"weekday", d.weekday + 1}, {"minute_of_day", second / 60}};
  lua_createtable(L, 0, sizeof fields / sizeof *fields);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    lua_pushinteger(L, fields[i].value);
    lua_setfield(L, -2, fields[i].key);
  }
  return 1;
}

const struct rule_accepted *rule_accepted_of(lua_State *L) {
  const struct rule *r = vm_owner(L);
  return r && r->past.text ? &r->past : NULL;
}

void rule_libraries(lua_State *L) {
  lua_pushliteral(L, "local_time");
  lua_pushcfunction(L, l_local_time);
  lua_settable(L, -3);
  rule_past_library(L);
}

// ---- a rule's state

void rule_destroy(struct rule *r) {
  if (r == NULL) return;
  vm_destroy(r->vm);
  for (int i = 0; i < r->zone_count; i++) tz_destroy(r->zones[i]);
  json_decref(r->settings);
  free(r->chunkname);
  free(r->source);
  free(r);
}

static enum status open_state(struct rule *r, struct err *err) {
  enum status st = profile_open(SCRIPT_RULE, r->chunkname, r->source, r->len, r->watchdog, &r->vm, err);
  if (st == OK) vm_set_owner(r->vm, r);
  else r->vm = NULL;
  return st;
}

enum status rule_create(const char *chunkname, const char *source, size_t len, struct watchdog *watchdog, struct rule **ret, struct err *err) {
  struct profile_spec spec;
  enum status st = profile_describe(SCRIPT_RULE, chunkname, source, len, watchdog, &spec, err);
  struct rule *r = st == OK ? calloc(1, sizeof *r) : NULL;
  if (st == OK && r == NULL) st = err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) {
    *r = (struct rule){.watchdog = watchdog, .settings = json_incref(spec.settings), .len = len, .chunkname = strdup(chunkname), .source = malloc(len + 1)};
    if (r->chunkname == NULL || r->source == NULL) {
      st = err_set(err, ERR_NOMEM, "out of memory");
    } else {
      memcpy(r->source, source, len);
      r->source[len] = '\0';
      st = open_state(r, err);
    }
  }
  profile_spec_finish(&spec);
  if (st == OK) *ret = r;
  else rule_destroy(r);
  return st;
}

bool rule_is_worn(const struct rule *r) { return r->kills >= RULE_KILLS_MAX; }

const json_t *rule_settings(const struct rule *r) { return r->settings; }

// ---- the call

struct ask {
  const json_t *signal;
  const json_t *env;
};

// All of env but accepted.
static void push_env(lua_State *L, const json_t *env) {
  const char *key;
  json_t *v;
  lua_createtable(L, 0, 8);
  json_object_foreach((json_t *)env, key, v) {
    if (strcmp(key, "accepted") == 0) continue;
    lua_pushstring(L, key);
    value_push_tree(L, v, true);
    lua_rawset(L, -3);
  }
  rule_past_env(L);
}

static int l_ask(lua_State *L) {
  const struct ask *a = lua_touserdata(L, 1);
  luaL_checkstack(L, 16, NULL);
  vm_push_globals(L);
  lua_pushliteral(L, "on_signal");
  if (lua_rawget(L, -2) != LUA_TFUNCTION) return luaL_error(L, "on_signal is no longer a function");
  value_push_tree(L, a->signal, true);
  push_env(L, a->env);
  lua_call(L, 2, RESULTS);
  return RESULTS;
}

bool rule_may_set(const char *field, const json_t *value) {
  static const char *const texts[] = {"symbol", "action", "key", "raw"}, *const numbers[] = {"size", "price", "sl", "tp"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (strcmp(texts[i], field) == 0) return json_is_false(value) || (json_is_string(value) && json_string_length(value) <= (i == 0 ? 40 : i == 3 ? 16000 : 100));
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (strcmp(numbers[i], field) == 0) return json_is_false(value) || (json_is_number(value) && isfinite(json_number_value(value)));
  return false;
}

static void copy_text(lua_State *L, int ix, char *to) {
  size_t len;
  const char *text = lua_type(L, ix) == LUA_TSTRING ? lua_tolstring(L, ix, &len) : NULL;
  if (text != NULL) script_text_escape(to, RULE_REASON_MAX, text, len, true);
}

static void copy_field(lua_State *L, int ix, const char *key, char *to) {
  value_field(L, ix, key);
  copy_text(L, -1, to);
  lua_settop(L, -2);
}

// The table at ix; NULL, or what is wrong with it.
static const char *read_table(lua_State *L, int ix, struct rule_verdict *v) {
  static const char *const known[] = {"accept", "reason", "note", "score", "set"};
  for (lua_pushnil(L); lua_next(L, ix) != 0; lua_settop(L, -2)) {
    bool good = false;
    for (size_t i = 0; lua_type(L, -2) == LUA_TSTRING && i < sizeof known / sizeof *known; i++) good = good || strcmp(known[i], lua_tostring(L, -2)) == 0;
    if (!good) return lua_settop(L, -3), "a table with a key that is none of accept, reason, note, score, set";
  }
  const char *what = NULL;
  int type = value_field(L, ix, "accept");
  v->accept = type == LUA_TNIL || lua_toboolean(L, -1);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN) what = "accept that is neither true nor false";
  lua_settop(L, -2);
  type = value_field(L, ix, "score");
  v->has_score = type == LUA_TNUMBER && isfinite(lua_tonumber(L, -1));
  if (v->has_score) v->score = lua_tonumber(L, -1);
  else if (type != LUA_TNIL) what = "a score that is no number";
  lua_settop(L, -2);
  copy_field(L, ix, "reason", v->reason);
  copy_field(L, ix, "note", v->note);
  if (value_field(L, ix, "set") == LUA_TTABLE) v->set = value_tree(L, -1, true, &what);
  else if (!lua_isnil(L, -1)) what = "set that is no table";
  lua_settop(L, -2);
  if (json_is_array(v->set) && json_array_size(v->set) == 0) {
    json_decref(v->set);
    v->set = NULL;
  }
  const char *key;
  json_t *item;
  if (v->set && !json_is_object(v->set)) return "set that is a list";
  json_object_foreach(v->set, key, item)
    if (!rule_may_set(key, item)) return "set with a field that a signal does not have, or of another kind, or too long";
  return what;
}

// The two results; NULL, or what is wrong with them. Outside of protected calls: allocates nothing in Lua.
static const char *read_answer(lua_State *L, struct rule_verdict *v) {
  const int first = lua_gettop(L) - RESULTS + 1;
  if (lua_type(L, first) == LUA_TTABLE) return read_table(L, first, v);
  if (lua_type(L, first) != LUA_TBOOLEAN) return "neither true nor false nor a table";
  v->accept = lua_toboolean(L, first);
  copy_text(L, first + 1, v->reason);
  return NULL;
}

void rule_verdict_finish(struct rule_verdict *v) {
  json_decref(v->set);
  v->set = NULL;
}

static enum status failed(struct rule_verdict *ret, enum status st) {
  rule_verdict_finish(ret);
  *ret = (struct rule_verdict){.accept = false};
  snprintf(ret->reason, sizeof ret->reason, "the rule failed");
  return st;
}

enum status rule_ask(struct rule *r, const json_t *signal, const json_t *env, struct rule_verdict *ret, struct err *err) {
  enum status st = OK;
  *ret = (struct rule_verdict){.accept = false};
  if (r->kills >= RULE_KILLS_MAX) st = err_set(err, ERR_BUDGET, "%s: on_signal was stopped %d times and is not asked any more", r->chunkname, r->kills);
  else if (r->vm == NULL) st = open_state(r, err);
  if (st != OK) return failed(ret, st);
  lua_State *L = vm_lua(r->vm);
  r->vm->fuel_limit = CALL_INSTRUCTIONS;
  lua_pushcfunction(L, l_ask);
  lua_pushlightuserdata(L, &(struct ask){signal, env});
  const json_t *past = json_object_get(env, "accepted");
  r->past = json_is_string(past) ? (struct rule_accepted){json_string_value(past), json_string_length(past), r->past.call + 1} : (struct rule_accepted){"[]", 2, r->past.call + 1};
  st = vm_call(r->vm, 1, RESULTS, err);
  r->past.text = NULL;
  if (st == OK) {
    const char *what = read_answer(L, ret);
    lua_settop(L, -RESULTS - 1);
    if (what != NULL) st = err_set(err, ERR_SCRIPT, "%s: on_signal gave %s", r->chunkname, what);
  }
  if (vm_killed(r->vm) != VM_ALIVE || st == ERR_BUDGET) {  // memory: the heap may be full of what the script keeps
    r->kills++;
    vm_destroy(r->vm);
    r->vm = NULL;
  }
  if (st != OK) return failed(ret, st);
  if (!ret->accept && ret->reason[0] == '\0') snprintf(ret->reason, sizeof ret->reason, "refused without a reason");
  return OK;
}
