// script/lua_order.c – orders as Lua sees them: the handle, and the methods of ctx that make, change and list them.
//
// A handle holds an id, never a pointer; fields are read from the owner at each access, so handles of finished orders stay
// readable and a handle from before a restart is a clean error.
#include "script/instance.h"
#include "script/order_args.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void push_order(lua_State *L, uint64_t id) {
  ud_push(L, UD_ORDER)->order.id = id;
}

bool lua_order_test(lua_State *L, int ix, uint64_t *ret_id) {
  const struct ud *u = ud_test(L, ix, UD_ORDER);
  if (u) *ret_id = u->order.id;
  return u != NULL;
}

static const struct order *check_order(lua_State *L, int ix, struct script *s, const char *function) {
  uint64_t id = 0;
  if (!lua_order_test(L, ix, &id))
    luaL_error(L, "%s: argument %d must be an order, not %s", function, ix - 1, lua_isnoneornil(L, ix) ? "nil" : luaL_typename(L, ix));
  const struct order *o = s->host->order(s->host->self, id);
  if (!o) luaL_error(L, "%s: order %I is not known here any more", function, (LUAI_UACINT)id);
  return o;
}

// nil, err with err.code, err.msg, err.limit, err.value
int push_denial(lua_State *L, const struct script_denial *d) {
  lua_pushnil(L);
  lua_createtable(L, 0, 4);
  lua_pushstring(L, reason_code(d->code));
  lua_setfield(L, -2, "code");
  lua_pushstring(L, d->msg[0] ? d->msg : reason_text(d->code));
  lua_setfield(L, -2, "msg");
  if (!isnan(d->limit)) {
    lua_pushnumber(L, d->limit);
    lua_setfield(L, -2, "limit");
  }
  if (!isnan(d->value)) {
    lua_pushnumber(L, d->value);
    lua_setfield(L, -2, "value");
  }
  return 2;
}

static int submit(lua_State *L, struct script *s, const struct intent *in, bool target) {
  struct script_denial denial = {.limit = NAN, .value = NAN};
  const struct order *o = (target ? s->host->target : s->host->submit)(s->host->self, in, &denial);
  if (o) {
    push_order(L, o->id);
    return 1;
  }
  if (denial.code != REASON_NONE) return push_denial(L, &denial);
  lua_pushnil(L);  // target: nothing to do, the position is there already
  return 1;
}

static int enter(lua_State *L, struct script *s, int ix, enum order_call call, enum side side) {
  struct intent in;
  order_args_intent(L, ix, s, call, side, &in);
  return submit(L, s, &in, call == CALL_TARGET);
}

int l_ctx_buy(lua_State *L) {
  return enter(L, ctx_check(L, "buy"), 2, CALL_BUY, SIDE_BUY);
}

int l_ctx_sell(lua_State *L) {
  return enter(L, ctx_check(L, "sell"), 2, CALL_SELL, SIDE_SELL);
}

int l_ctx_enter(lua_State *L) {
  struct script *s = ctx_check(L, "enter");
  lua_Number dir = luaL_checknumber(L, 2);
  if (dir != 1 && dir != -1) luaL_error(L, "ctx:enter: dir is 1 (long) or -1 (short), not %f", dir);
  return enter(L, s, 3, CALL_ENTER, dir > 0 ? SIDE_BUY : SIDE_SELL);
}

int l_ctx_target(lua_State *L) {
  return enter(L, ctx_check(L, "target"), 2, CALL_TARGET, SIDE_BUY);
}

int l_ctx_close(lua_State *L) {
  struct script *s = ctx_check(L, "close");
  struct intent in;
  order_args_intent(L, 2, s, CALL_CLOSE, SIDE_SELL, &in);
  if (account_lots(s->host->account, in.symbol, in.leg) == 0 && in.type == ORDER_MARKET) {
    struct script_denial d = {.code = REASON_REDUCE_ONLY, .msg = "there is no position to close", .limit = NAN, .value = NAN};
    return push_denial(L, &d);
  }
  return submit(L, s, &in, false);
}

static int push_result(lua_State *L, enum reason why) {
  if (why == REASON_NONE) {
    lua_pushboolean(L, true);
    return 1;
  }
  struct script_denial d = {.code = why, .limit = NAN, .value = NAN};
  return push_denial(L, &d);
}

int l_ctx_modify(lua_State *L) {
  struct script *s = ctx_check(L, "modify");
  const struct order *o = check_order(L, 2, s, "ctx:modify");
  struct script_change change;
  order_args_change(L, 3, s, o, &change);
  return push_result(L, s->host->modify(s->host->self, o->id, &change));
}

int l_ctx_cancel(lua_State *L) {
  struct script *s = ctx_check(L, "cancel");
  return push_result(L, s->host->cancel(s->host->self, check_order(L, 2, s, "ctx:cancel")->id));
}

// The tag at ix as an id; *ret_any when none was given. False: a tag no order has ever had.
static bool check_tag(lua_State *L, int ix, struct script *s, uint32_t *ret_tag) {
  *ret_tag = TAG_NONE;
  if (lua_isnoneornil(L, ix)) return true;
  *ret_tag = s->host->tag_find(s->host->self, luaL_checkstring(L, ix));
  return *ret_tag != TAG_NONE;
}

int l_ctx_cancel_all(lua_State *L) {
  struct script *s = ctx_check(L, "cancel_all");
  uint32_t tag;
  lua_Integer n = 0;
  if (check_tag(L, 2, s, &tag)) {
    uint64_t after = 0;
    for (const struct order *o; (o = s->host->next_order(s->host->self, after, tag));) {
      after = o->id;
      n += s->host->cancel(s->host->self, o->id) == REASON_NONE;
    }
  }
  lua_pushinteger(L, n);
  return 1;
}

int l_ctx_orders(lua_State *L) {
  struct script *s = ctx_check(L, "orders");
  uint32_t tag;
  lua_settop(L, 2);  // before the list is pushed: without a tag it would stand in the tag's place
  lua_newtable(L);   // ctx tag list
  if (!check_tag(L, 2, s, &tag)) return 1;
  uint64_t after = 0;
  lua_Integer n = 0;
  for (const struct order *o; (o = s->host->next_order(s->host->self, after, tag));) {
    after = o->id;
    push_order(L, after);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

int l_ctx_pending(lua_State *L) {
  struct script *s = ctx_check(L, "pending");
  uint32_t tag;
  lua_pushboolean(L, check_tag(L, 2, s, &tag) && s->host->next_order(s->host->self, 0, tag) != NULL);
  return 1;
}

int l_ctx_ladder(lua_State *L) {
  struct script *s = ctx_check(L, "ladder");
  struct ladder_request req;
  order_args_ladder(L, 2, s, &req);
  struct script_denial denial = {.limit = NAN, .value = NAN};
  const struct order *o = s->host->ladder(s->host->self, &req, &denial);
  if (!o) return push_denial(L, &denial);
  push_order(L, o->id);
  return 1;
}

// ---- the handle's fields

static void push_price(lua_State *L, const struct instrument *inst, price px) {
  if (price_given(px))
    lua_pushnumber(L, price_double(inst, px));
  else
    lua_pushnil(L);
}

int l_order_index(lua_State *L) {
  static const char *const fields[] = {"id", "tag", "symbol", "side", "type", "status", "qty", "left", "price",
                                       "avg", "reason", "filled", "trigger", "sl", "tp", "alive", "cut"};
  struct script *s = script_of(L);
  const struct ud *u = lua_touserdata(L, 1);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
  const struct order *o = s->host->order(s->host->self, u->order.id);
  if (!o) luaL_error(L, "order %I is not known here any more", (LUAI_UACINT)u->order.id);
  const struct instrument *inst = &s->host->account->symbols[o->symbol].inst;
  size_t field = 0, n = sizeof fields / sizeof fields[0];
  while (field < n && strcmp(fields[field], key) != 0) field++;
  switch (field) {
    case 0: lua_pushinteger(L, (lua_Integer)o->id); break;
    case 1: lua_pushstring(L, s->host->tag_text(s->host->self, o->tag)); break;
    case 2: lua_pushstring(L, inst->symbol); break;
    case 3: lua_pushstring(L, side_text(o->side)); break;
    case 4: lua_pushstring(L, order_type_text(o->type)); break;
    case 5: {
      char upper[32];
      const char *text = order_status_text(o->status);
      size_t i = 0;
      for (; text[i] && i < sizeof upper - 1; i++) upper[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i]);
      lua_pushlstring(L, upper, i);
      break;
    }
    case 6: lua_pushnumber(L, quantity_double(inst, o->qty)); break;
    case 7: lua_pushnumber(L, order_alive(o) ? quantity_double(inst, order_left(o)) : 0); break;
    case 8: push_price(L, inst, price_given(o->limit) ? o->limit : o->trigger); break;
    case 9: {
      int128 num;
      int64_t den;
      if (order_avg(o, &num, &den))
        lua_pushnumber(L, (double)num / (double)den * (double)inst->tick.digits / (double)pow10_i64(inst->tick.scale));
      else
        lua_pushnil(L);
      break;
    }
    case 10:
      if (o->reason == REASON_NONE)
        lua_pushnil(L);
      else
        lua_pushstring(L, reason_code(o->reason));
      break;
    case 11: lua_pushnumber(L, quantity_double(inst, o->filled)); break;
    case 12: push_price(L, inst, o->trigger); break;
    case 13: push_price(L, inst, o->sl); break;
    case 14: push_price(L, inst, o->tp); break;
    case 15: lua_pushboolean(L, order_alive(o)); break;
    case 16: lua_pushboolean(L, o->cut); break;
    default: raise_unknown_field(L, "order", key, fields, n);
  }
  return 1;
}
