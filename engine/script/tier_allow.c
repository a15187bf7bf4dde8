// script/tier_allow.c – asks a tier script's allow(action, usage).
//
// The state stays between calls, so a call costs some microseconds. When it is killed it is thrown away and made anew for the
// next question. usage is a fresh table each time: an earlier answer cannot colour a later one through it.
#include "script/tier_impl.h"

#include "script/profile_impl.h"
#include "script/script_error.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tier_script {
  struct plan_set *set;
  struct vm *vm;  // NULL: thrown away after a kill
  struct watchdog *watchdog;
  int kills;
  size_t len;
  char *chunkname, *source;
};

const struct plan_set *tier_script_set(const struct tier_script *t) {
  return t->set;
}

void tier_script_destroy(struct tier_script *t) {
  if (t == NULL) return;
  vm_destroy(t->vm);
  free(t->set);
  free(t->chunkname);
  free(t->source);
  free(t);
}

// ---- the call

struct ask {
  const struct tier_question *q;
  const char *chunkname;
  bool allowed;
  char *reason;  // PLAN_REASON_MAX bytes
};

static void set_number(lua_State *L, const char *key, int64_t value) {
  if (value == PLAN_UNLIMITED)
    lua_pushnumber(L, (lua_Number)HUGE_VAL);
  else
    lua_pushinteger(L, value);
  lua_setfield(L, -2, key);
}

static void push_usage(lua_State *L, const struct tier_question *q) {
  lua_createtable(L, 0, 8);
  lua_pushstring(L, q->plan->id);
  lua_setfield(L, -2, "tier");
  set_number(L, "amount", q->amount);
  set_number(L, "now_ms", q->now_ms);
  lua_createtable(L, 0, LIMIT_COUNT);
  for (int i = 0; i < LIMIT_COUNT; i++)
    if (q->used[i] >= 0) set_number(L, plan_limit_name((enum plan_limit)i), q->used[i]);
  lua_setfield(L, -2, "used");
  lua_createtable(L, 0, LIMIT_COUNT);
  for (int i = 0; i < LIMIT_COUNT; i++) set_number(L, plan_limit_name((enum plan_limit)i), q->plan->limits[i]);
  lua_setfield(L, -2, "limits");
  lua_createtable(L, 0, RIGHT_COUNT);
  for (int i = 0; i < RIGHT_COUNT; i++) {
    lua_pushboolean(L, plan_has(q->plan, (enum plan_right)i));
    lua_setfield(L, -2, plan_right_name((enum plan_right)i));
  }
  lua_setfield(L, -2, "rights");
}

static int l_ask(lua_State *L) {
  struct ask *ask = lua_touserdata(L, 1);
  profile_push_header(L);
  lua_pushliteral(L, "allow");
  lua_rawget(L, -2);  // raw: the header is the author's table
  if (lua_type(L, -1) != LUA_TFUNCTION) return luaL_error(L, "allow is no longer a function");
  lua_pushstring(L, plan_action_name(ask->q->action));
  push_usage(L, ask->q);
  lua_call(L, 2, 2);
  if (lua_type(L, -2) != LUA_TBOOLEAN)
    return luaL_error(L, "%s: allow('%s', usage) must return true, or false and a reason; it returned a %s",
      ask->chunkname, plan_action_name(ask->q->action), luaL_typename(L, -2));
  ask->allowed = lua_toboolean(L, -2);
  if (ask->allowed) return 0;
  size_t len;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
  if (text != NULL && len > 0)
    script_text_escape(ask->reason, PLAN_REASON_MAX, text, len, true);
  else
    snprintf(ask->reason, PLAN_REASON_MAX, "the plan does not allow this");
  return 0;
}

// The state anew, after a kill.
static enum status reopen(struct tier_script *t, struct err *err) {
  struct plan_set *again;
  enum status st = tier_open(t->chunkname, t->source, t->len, t->watchdog, &t->vm, &again, err);
  if (st == OK)
    free(again);
  else
    t->vm = NULL;
  return st;
}

bool tier_script_allow(struct tier_script *t, const struct tier_question *q, char ret_reason[PLAN_REASON_MAX],
  bool *ret_failed, struct err *err) {
  if (ret_failed != NULL) *ret_failed = false;
  ret_reason[0] = '\0';
  if (!t->set->has_allow) return true;
  enum status st = OK;
  if (t->kills >= TIER_KILLS_MAX)
    st = err_set(err, ERR_BUDGET, "%s: allow was stopped %d times and is not asked any more", t->chunkname, t->kills);
  if (st == OK && t->vm == NULL) st = reopen(t, err);
  struct ask ask = {.q = q, .chunkname = t->chunkname, .reason = ret_reason};
  if (st == OK) {
    lua_State *L = vm_lua(t->vm);
    lua_pushcfunction(L, l_ask);
    lua_pushlightuserdata(L, &ask);
    st = vm_call(t->vm, 1, 0, err);
    if (vm_killed(t->vm) != VM_ALIVE || st == ERR_BUDGET) {  // memory: the heap may be full of what a script keeps
      t->kills++;
      vm_destroy(t->vm);
      t->vm = NULL;
    }
  }
  if (st == OK) return ask.allowed;
  if (ret_failed != NULL) *ret_failed = true;
  snprintf(
    ret_reason, PLAN_REASON_MAX, "the rules of the plan could not be evaluated; nothing is allowed until they can");
  return false;
}

// ---- the proof that allow answers, and creation

enum status tier_script_prove(struct tier_script *t, struct err *err) {
  struct err own;
  if (err == NULL) err = &own;
  if (!t->set->has_allow) return OK;
  char reason[PLAN_REASON_MAX];
  for (int p = 0; p < t->set->plan_count; p++) {
    const struct plan *plan = &t->set->plans[p];
    for (int a = 0; a < 2 * ACTION_COUNT; a++) {
      struct tier_question q = {.action = (enum plan_action)(a / 2), .plan = plan, .amount = 1};
      if (!plan_action_asks(q.action)) continue;
      for (int i = 0; i < LIMIT_COUNT; i++)
        q.used[i] = a % 2 == 0 ? 0 : plan->limits[i] == PLAN_UNLIMITED ? PLAN_LIMIT_MAX : plan->limits[i];
      bool failed;
      tier_script_allow(t, &q, reason, &failed, err);
      if (failed)
        return err_wrap(err, err->code, "allow('%s') for tier %s with %s used", plan_action_name(q.action), plan->id,
          a % 2 == 0 ? "nothing" : "everything");
    }
  }
  return OK;
}

enum status tier_script_create(const char *chunkname, const char *source, size_t len, struct watchdog *watchdog,
  struct tier_script **ret, struct err *err) {
  struct tier_script *t = calloc(1, sizeof *t);
  if (t == NULL) return err_set(err, ERR_NOMEM, "%s: out of memory", chunkname);
  t->chunkname = strdup(chunkname);
  t->source = malloc(len + 1);
  t->len = len;
  t->watchdog = watchdog;
  if (t->chunkname == NULL || t->source == NULL) {
    tier_script_destroy(t);
    return err_set(err, ERR_NOMEM, "%s: out of memory", chunkname);
  }
  memcpy(t->source, source, len);
  t->source[len] = '\0';
  enum status st = tier_open(chunkname, t->source, len, watchdog, &t->vm, &t->set, err);
  if (st == OK)
    *ret = t;
  else
    tier_script_destroy(t);
  return st;
}
