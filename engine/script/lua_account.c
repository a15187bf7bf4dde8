// script/lua_account.c – ctx.pos, ctx.acct, ctx.sym and their siblings for other symbols and legs. All read the account at
// each access; none can be written.
#include "script/instance.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

static size_t field_of(lua_State *L, const char *what, const char *const *fields, size_t n) {
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
  for (size_t i = 0; i < n; i++)
    if (strcmp(fields[i], key) == 0) return i;
  raise_unknown_field(L, what, key, fields, n);
}

static double cash_double(cash amount) {
  return (double)amount.e8 / 1e8;
}

// Position of the leg, or of the net of both when leg is -1 in hedging mode.
int l_position_index(lua_State *L) {
  static const char *const fields[] = {"flat", "qty", "avg", "side", "upnl", "upnl_pct", "adds", "bars"};
  struct script *s = script_of(L);
  const struct ud *u = lua_touserdata(L, 1);
  size_t field = field_of(L, "position", fields, 8);
  const struct account *a = s->host->account;
  int symbol = u->position.symbol;
  enum leg leg = u->position.leg < 0 ? LEG_NET : (enum leg)u->position.leg;
  const struct account_symbol *as = &a->symbols[symbol];
  int64_t lots = account_lots(a, symbol, leg);
  const struct position *p = &as->pos[leg];
  double avg = account_avg_ticks(a, symbol, leg) * (double)as->inst.tick.digits / (double)pow10_i64(as->inst.tick.scale);
  cash upnl = {0};
  if (lots != 0 && price_given(as->mark) && !account_unrealised_at(a, symbol, leg, as->mark, &upnl)) upnl.e8 = 0;
  switch (field) {
    case 0: lua_pushboolean(L, lots == 0); break;
    case 1: lua_pushnumber(L, quantity_double(&as->inst, (quantity){lots})); break;
    case 2:
      if (lots == 0 || isnan(avg))
        lua_pushnil(L);
      else
        lua_pushnumber(L, avg);
      break;
    case 3: lua_pushstring(L, lots > 0 ? "long" : lots < 0 ? "short" : "flat"); break;
    case 4: lua_pushnumber(L, cash_double(upnl)); break;
    case 5: {
      double cost = fabs(avg * quantity_double(&as->inst, (quantity){lots}) * as->inst.multiplier_double);
      lua_pushnumber(L, lots != 0 && cost > 0 ? 100 * cash_double(upnl) / cost : 0);
      break;
    }
    case 6: lua_pushinteger(L, p->adds); break;
    default: lua_pushinteger(L, p->bars); break;
  }
  return 1;
}

static int push_optional(lua_State *L, double v) {
  if (isnan(v))
    lua_pushnil(L);
  else
    lua_pushnumber(L, v);
  return 1;
}

int l_account_index(lua_State *L) {
  static const char *const fields[] = {"equity", "balance", "free", "day_pnl", "day_room", "dd_room"};
  const struct script_host *host = script_of(L)->host;
  switch (field_of(L, "ctx.acct", fields, 6)) {
    case 0: lua_pushnumber(L, cash_double(account_equity(host->account))); break;
    case 1: lua_pushnumber(L, cash_double(account_balance(host->account))); break;
    case 2: lua_pushnumber(L, cash_double(account_free(host->account))); break;
    case 3: return push_optional(L, host->day_pnl(host->self));
    case 4: return push_optional(L, host->day_room(host->self));
    default: return push_optional(L, host->dd_room(host->self));
  }
  return 1;
}

// sym:round_px(x) and sym.round_px(x) are both taken: the number is the last argument.
static const struct instrument *round_args(lua_State *L, double *ret_value) {
  struct script *s = script_of(L);
  const struct ud *u = lua_touserdata(L, lua_upvalueindex(1));
  *ret_value = luaL_checknumber(L, lua_isuserdata(L, 1) ? 2 : 1);
  return &s->host->account->symbols[u->position.symbol].inst;
}

static int l_round_px(lua_State *L) {
  double v;
  price px;
  const struct instrument *inst = round_args(L, &v);
  if (!price_from_double(inst, v, ROUND_NEAREST, &px)) luaL_error(L, "round_px: %f does not fit the price range", v);
  lua_pushnumber(L, price_double(inst, px));
  return 1;
}

static int l_round_qty(lua_State *L) {
  double v;
  quantity qty;
  const struct instrument *inst = round_args(L, &v);
  if (!quantity_from_double(inst, fabs(v), ROUND_FLOOR, &qty)) luaL_error(L, "round_qty: %f does not fit", v);
  lua_pushnumber(L, quantity_double(inst, v < 0 ? (quantity){-qty.lots} : qty));
  return 1;
}

int l_symbol_index(lua_State *L) {
  static const char *const fields[] = {"name", "tick", "lot", "min_qty", "min_notional", "last", "multiplier", "round_px", "round_qty"};
  struct script *s = script_of(L);
  const struct ud *u = lua_touserdata(L, 1);
  const struct account_symbol *as = &s->host->account->symbols[u->position.symbol];
  const struct instrument *inst = &as->inst;
  switch (field_of(L, "ctx.sym", fields, 9)) {
    case 0: lua_pushstring(L, inst->symbol); break;
    case 1: lua_pushnumber(L, price_double(inst, (price){inst->tick_step})); break;
    case 2: lua_pushnumber(L, quantity_double(inst, (quantity){inst->lot_step})); break;
    case 3: lua_pushnumber(L, quantity_double(inst, inst->min_qty.lots > inst->lot_step ? inst->min_qty : (quantity){inst->lot_step})); break;
    case 4: lua_pushnumber(L, cash_double(inst->min_notional)); break;
    case 5: return push_optional(L, price_given(as->mark) ? price_double(inst, as->mark) : NAN);
    case 6: lua_pushnumber(L, inst->multiplier_double); break;
    case 7:
      lua_pushvalue(L, 1);
      lua_pushcclosure(L, l_round_px, 1);
      break;
    default:
      lua_pushvalue(L, 1);
      lua_pushcclosure(L, l_round_qty, 1);
      break;
  }
  return 1;
}

// ---- ctx:leg(), ctx:position(), ctx:symbol()

int l_ctx_leg(lua_State *L) {
  struct script *s = ctx_check(L, "leg");
  const char *name = luaL_checkstring(L, 2);
  if (!s->spec->hedging) luaL_error(L, "ctx:leg needs mode=\"hedging\" in the header");
  bool is_long = strcmp(name, "long") == 0;
  if (!is_long && strcmp(name, "short") != 0) luaL_error(L, "ctx:leg takes \"long\" or \"short\", not \"%s\"", name);
  struct ud *u = ud_push(L, UD_POSITION);
  u->position.symbol = s->symbols[0];
  u->position.leg = is_long ? LEG_LONG : LEG_SHORT;
  return 1;
}

static int symbol_arg(lua_State *L, struct script *s, const char *method) {
  const char *name = luaL_checkstring(L, 2);
  int symbol = s->host->symbol_find(s->host->self, name);
  if (symbol < 0) luaL_error(L, "ctx:%s: symbol \"%s\" is not in this bot's data={…}", method, name);
  return symbol;
}

int l_ctx_position(lua_State *L) {
  struct script *s = ctx_check(L, "position");
  int symbol = symbol_arg(L, s, "position");
  struct ud *u = ud_push(L, UD_POSITION);
  u->position.symbol = symbol;
  u->position.leg = -1;
  return 1;
}

int l_ctx_symbol(lua_State *L) {
  struct script *s = ctx_check(L, "symbol");
  int symbol = symbol_arg(L, s, "symbol");
  ud_push(L, UD_SYMBOL)->position.symbol = symbol;
  return 1;
}
