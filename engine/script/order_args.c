// script/order_args.c – options of order calls: one table says which call knows which option and of what type it is.
//
// Doubles become ticks and lots here, once, rounding away from risk: sizes down, buy prices down, sell prices up.
#include "script/order_args.h"

#include "base/suggest.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum option {
  OPT_QTY, OPT_NOTIONAL, OPT_PCT, OPT_RISK, OPT_TYPE, OPT_PRICE, OPT_TRIGGER, OPT_TRAIL, OPT_TRAIL_PCT, OPT_TIF, OPT_UNTIL,
  OPT_POST, OPT_REDUCE, OPT_SL, OPT_TP, OPT_TP_R, OPT_OCO, OPT_TTL, OPT_TAG, OPT_SYMBOL, OPT_LEG, OPT_OF,
  OPT_N, OPT_STEP, OPT_STEP_K, OPT_BASE, OPT_VOL_K, OPT_DIR, OPT_COUNT
};
enum value_type { NUMBER, TEXT, BOOLEAN, ORDER, NUMBER_OR_FALSE, NUMBER_OR_TEXT };

#define IN(call) (1u << CALL_##call)
#define ENTRY (IN(BUY) | IN(SELL) | IN(ENTER))

static const struct {
  const char *name;
  enum value_type type;
  unsigned calls;
} options[OPT_COUNT] = {
    [OPT_QTY] = {"qty", NUMBER, ENTRY | IN(TARGET) | IN(CLOSE) | IN(MODIFY)},
    [OPT_NOTIONAL] = {"notional", NUMBER, ENTRY | IN(TARGET)},
    [OPT_PCT] = {"pct", NUMBER, ENTRY | IN(TARGET)},
    [OPT_RISK] = {"risk", NUMBER, ENTRY},
    [OPT_TYPE] = {"type", TEXT, ENTRY | IN(CLOSE)},
    [OPT_PRICE] = {"price", NUMBER, ENTRY | IN(CLOSE) | IN(MODIFY)},
    [OPT_TRIGGER] = {"trigger", NUMBER, ENTRY | IN(CLOSE) | IN(MODIFY)},
    [OPT_TRAIL] = {"trail", NUMBER, ENTRY | IN(CLOSE)},
    [OPT_TRAIL_PCT] = {"trail_pct", NUMBER, ENTRY | IN(CLOSE)},
    [OPT_TIF] = {"tif", TEXT, ENTRY | IN(CLOSE)},
    [OPT_UNTIL] = {"until", NUMBER, ENTRY | IN(CLOSE)},
    [OPT_POST] = {"post", BOOLEAN, ENTRY | IN(CLOSE)},
    [OPT_REDUCE] = {"reduce", BOOLEAN, ENTRY},
    [OPT_SL] = {"sl", NUMBER_OR_FALSE, ENTRY | IN(MODIFY) | IN(TARGET) | IN(LADDER)},
    [OPT_TP] = {"tp", NUMBER_OR_FALSE, ENTRY | IN(MODIFY) | IN(TARGET) | IN(LADDER)},
    [OPT_TP_R] = {"tp_r", NUMBER, ENTRY},
    [OPT_OCO] = {"oco", ORDER, ENTRY | IN(CLOSE)},
    [OPT_TTL] = {"ttl", NUMBER_OR_TEXT, ENTRY | IN(CLOSE)},
    [OPT_TAG] = {"tag", TEXT, ENTRY | IN(TARGET) | IN(CLOSE) | IN(LADDER)},
    [OPT_SYMBOL] = {"symbol", TEXT, ENTRY | IN(TARGET) | IN(CLOSE) | IN(LADDER)},
    [OPT_LEG] = {"leg", TEXT, ENTRY | IN(TARGET) | IN(CLOSE)},
    [OPT_OF] = {"of", ORDER, IN(CLOSE)},
    [OPT_N] = {"n", NUMBER, IN(LADDER)},
    [OPT_STEP] = {"step", NUMBER, IN(LADDER)},
    [OPT_STEP_K] = {"step_k", NUMBER, IN(LADDER)},
    [OPT_BASE] = {"base", NUMBER, IN(LADDER)},
    [OPT_VOL_K] = {"vol_k", NUMBER, IN(LADDER)},
    [OPT_DIR] = {"dir", NUMBER, IN(LADDER)},
};

static const char *const call_names[] = {"ctx:buy", "ctx:sell", "ctx:enter", "ctx:target", "ctx:close", "ctx:modify", "ctx:ladder"};

struct order_args {
  lua_State *L;
  const char *call;
  bool has[OPT_COUNT];
  double num[OPT_COUNT];        // BOOLEAN: 0 or 1; false where a number may be: NaN
  const char *text[OPT_COUNT];  // owned by the table, which stays on the stack
  uint64_t order[OPT_COUNT];
};

static void raise_unknown(lua_State *L, enum order_call call, const char *key) {
  const char *names[OPT_COUNT];
  char list[400] = "";
  size_t n = 0;
  for (int i = 0; i < OPT_COUNT; i++)
    if (options[i].calls & (1u << call)) {
      names[n++] = options[i].name;
      snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", n > 1 ? " " : "", options[i].name);
    }
  const char *near = suggest_nearest(key, names, n);
  if (near) luaL_error(L, "%s: unknown option '%s'; did you mean '%s'?", call_names[call], key, near);
  luaL_error(L, "%s: unknown option '%s'; it takes: %s", call_names[call], key, list);
}

static void read_value(struct order_args *a, enum option opt) {
  lua_State *L = a->L;
  const char *name = options[opt].name;
  int type = lua_type(L, -1);
  enum value_type want = options[opt].type;
  if (type == LUA_TNUMBER && (want == NUMBER || want == NUMBER_OR_FALSE || want == NUMBER_OR_TEXT)) {
    a->num[opt] = lua_tonumber(L, -1);
    if (!isfinite(a->num[opt])) luaL_error(L, "%s: %s is not a finite number", a->call, name);
  } else if (type == LUA_TSTRING && (want == TEXT || want == NUMBER_OR_TEXT)) {
    size_t len;
    a->text[opt] = lua_tolstring(L, -1, &len);
    if (len > 63 || strlen(a->text[opt]) != len) luaL_error(L, "%s: %s has at most 63 bytes and no NUL", a->call, name);
  } else if (type == LUA_TBOOLEAN && want == BOOLEAN) {
    a->num[opt] = lua_toboolean(L, -1);
  } else if (type == LUA_TBOOLEAN && want == NUMBER_OR_FALSE && !lua_toboolean(L, -1)) {
    a->num[opt] = NAN;
  } else if (want == ORDER && lua_order_test(L, -1, &a->order[opt])) {
  } else {
    static const char *const wanted[] = {"a number", "a text", "true or false", "an order", "a number or false", "a number or a text"};
    luaL_error(L, "%s: %s must be %s, not a %s", a->call, name, wanted[want], luaL_typename(L, -1));
  }
  a->has[opt] = true;
}

static void args_read(struct order_args *a, lua_State *L, int ix, enum order_call call) {
  *a = (struct order_args){.L = L, .call = call_names[call]};
  if (lua_isnoneornil(L, ix)) return;
  if (!lua_istable(L, ix)) luaL_error(L, "%s takes a table of options: %s{ … }", a->call, a->call);
  for (lua_pushnil(L); lua_next(L, ix); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "%s: options have names, such as qty=1", a->call);
    const char *key = lua_tostring(L, -2);
    int opt = 0;
    while (opt < OPT_COUNT && (options[opt].name[0] != key[0] || strcmp(options[opt].name, key) != 0 || !(options[opt].calls & (1u << call)))) opt++;
    if (opt == OPT_COUNT) raise_unknown(L, call, key);
    read_value(a, (enum option)opt);
  }
}

// ---- conversions

static price to_price(const struct order_args *a, enum option opt, const struct instrument *inst, enum side side) {
  price px;
  if (!price_from_double(inst, a->num[opt], side == SIDE_BUY ? ROUND_FLOOR : ROUND_CEIL, &px))
    luaL_error(a->L, "%s: %s = %f does not fit the price range", a->call, options[opt].name, a->num[opt]);
  return px;
}

static int64_t to_scaled(const struct order_args *a, enum option opt, double factor, double max) {
  double v = a->num[opt];
  if (!(v >= 0) || v > max) luaL_error(a->L, "%s: %s = %f is outside 0 … %f", a->call, options[opt].name, v, max);
  return (int64_t)floor(v * factor + 1e-6);
}

static int find_symbol(const struct order_args *a, struct script *s) {
  if (!a->has[OPT_SYMBOL]) return s->symbols[0];
  int symbol = s->host->symbol_find(s->host->self, a->text[OPT_SYMBOL]);
  if (symbol < 0) luaL_error(a->L, "%s: symbol \"%s\" is not in this bot's data={…}", a->call, a->text[OPT_SYMBOL]);
  return symbol;
}

static uint32_t find_tag(const struct order_args *a, struct script *s) {
  if (!a->has[OPT_TAG]) return TAG_NONE;
  uint32_t tag = s->host->tag_intern(s->host->self, a->text[OPT_TAG]);
  if (tag == TAG_NONE && a->text[OPT_TAG][0]) luaL_error(a->L, "%s: too many different tags", a->call);
  return tag;
}

static enum leg find_leg(const struct order_args *a, const struct script *s, enum side side, bool reduce) {
  if (!s->spec->hedging) {
    if (a->has[OPT_LEG]) luaL_error(a->L, "%s: leg needs mode=\"hedging\" in the header", a->call);
    return LEG_NET;
  }
  if (!a->has[OPT_LEG]) return (side == SIDE_BUY) != reduce ? LEG_LONG : LEG_SHORT;
  if (strcmp(a->text[OPT_LEG], "long") == 0) return LEG_LONG;
  if (strcmp(a->text[OPT_LEG], "short") == 0) return LEG_SHORT;
  luaL_error(a->L, "%s: leg is \"long\" or \"short\", not \"%s\"", a->call, a->text[OPT_LEG]);
  return LEG_NET;
}

static void set_size(const struct order_args *a, const struct instrument *inst, enum order_call call, struct intent *in) {
  static const enum option sizes[] = {OPT_QTY, OPT_NOTIONAL, OPT_PCT, OPT_RISK};
  int given = -1;
  for (int i = 0; i < 4; i++)
    if (a->has[sizes[i]]) {
      if (given >= 0)
        luaL_error(a->L, "%s: two sizes, %s and %s; give exactly one", a->call, options[sizes[given]].name, options[sizes[i]].name);
      given = i;
    }
  if (given < 0) {
    if (call != CALL_CLOSE) luaL_error(a->L, "%s: no size; give exactly one of %s", a->call, call == CALL_TARGET ? "qty, notional, pct" : "qty, notional, pct, risk");
    in->size_kind = SIZE_CLOSE;
    return;
  }
  double v = a->num[sizes[given]], magnitude = fabs(v);
  if (call != CALL_TARGET && v < 0) luaL_error(a->L, "%s: %s = %f is negative; the side is the call's", a->call, options[sizes[given]].name, v);
  quantity lots;
  switch (sizes[given]) {
    case OPT_QTY:
      if (!quantity_from_double(inst, magnitude, ROUND_FLOOR, &lots)) luaL_error(a->L, "%s: qty = %f does not fit", a->call, v);
      in->size_kind = SIZE_QTY;
      in->size = lots.lots;
      break;
    case OPT_NOTIONAL:
      if (magnitude > 9e10) luaL_error(a->L, "%s: notional = %f does not fit", a->call, v);
      in->size_kind = SIZE_NOTIONAL;
      in->size = (int64_t)floor(magnitude * 1e8 + 1e-3);
      break;
    default:
      if (magnitude > 1e6) luaL_error(a->L, "%s: %s = %f percent is out of range", a->call, options[sizes[given]].name, v);
      in->size_kind = sizes[given] == OPT_PCT ? SIZE_PCT : SIZE_RISK;
      in->size = (int64_t)floor(magnitude * 1e6 + 1e-3);
  }
  if (call == CALL_TARGET && v < 0) in->size = -in->size;
  if (in->size_kind == SIZE_RISK && !a->has[OPT_SL]) luaL_error(a->L, "%s: risk needs an sl: the size is what loses that percentage there", a->call);
}

static void set_type(const struct order_args *a, const struct instrument *inst, struct intent *in) {
  static const char *const names[] = {"market", "limit", "stop", "stop_limit", "trailing"};
  int type = a->has[OPT_PRICE] && a->has[OPT_TRIGGER] ? ORDER_STOP_LIMIT
             : a->has[OPT_PRICE]                      ? ORDER_LIMIT
             : a->has[OPT_TRIGGER]                    ? ORDER_STOP
                                                      : ORDER_MARKET;
  if (a->has[OPT_TYPE]) {
    for (type = 0; type < 5 && strcmp(names[type], a->text[OPT_TYPE]) != 0; type++) {}
    if (type == 5) {
      const char *near = suggest_nearest(a->text[OPT_TYPE], names, 5);
      luaL_error(a->L, "%s: type \"%s\" is none of market, limit, stop, stop_limit, trailing%s%s%s", a->call, a->text[OPT_TYPE],
                 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
  }
  in->type = (enum order_type)type;
  bool wants_price = type == ORDER_LIMIT || type == ORDER_STOP_LIMIT, wants_trigger = type == ORDER_STOP || type == ORDER_STOP_LIMIT;
  if (wants_price && !a->has[OPT_PRICE]) luaL_error(a->L, "%s: type=\"%s\" needs price", a->call, names[type]);
  if (wants_trigger && !a->has[OPT_TRIGGER]) luaL_error(a->L, "%s: type=\"%s\" needs trigger", a->call, names[type]);
  if (!wants_price && a->has[OPT_PRICE]) luaL_error(a->L, "%s: type=\"%s\" takes no price", a->call, names[type]);
  if (!wants_trigger && a->has[OPT_TRIGGER] && type != ORDER_TRAILING) luaL_error(a->L, "%s: type=\"%s\" takes no trigger", a->call, names[type]);
  if (type == ORDER_TRAILING && a->has[OPT_TRAIL] == a->has[OPT_TRAIL_PCT])
    luaL_error(a->L, "%s: type=\"trailing\" needs exactly one of trail (price units) and trail_pct", a->call);
  if (a->has[OPT_TRAIL] && a->has[OPT_TRAIL_PCT]) luaL_error(a->L, "%s: trail or trail_pct, not both", a->call);
  if (wants_price) in->limit = to_price(a, OPT_PRICE, inst, in->side);
  if (a->has[OPT_TRIGGER]) in->trigger = to_price(a, OPT_TRIGGER, inst, in->side);
  if (a->has[OPT_TRAIL]) {
    in->trail_ticks = to_price(a, OPT_TRAIL, inst, in->side).ticks;
    if (in->trail_ticks <= 0) luaL_error(a->L, "%s: trail must be at least one tick", a->call);
  }
  if (a->has[OPT_TRAIL_PCT]) {
    in->trail_frac_e8 = to_scaled(a, OPT_TRAIL_PCT, 1e6, 100);
    if (in->trail_frac_e8 <= 0) luaL_error(a->L, "%s: trail_pct must be above 0", a->call);
  }
}

static void set_children(const struct order_args *a, const struct instrument *inst, struct intent *in) {
  enum side exit_side = in->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;
  if (a->has[OPT_SL] && !isnan(a->num[OPT_SL])) in->sl = to_price(a, OPT_SL, inst, exit_side);
  if (a->has[OPT_TP] && !isnan(a->num[OPT_TP])) in->tp = to_price(a, OPT_TP, inst, exit_side);
  if (!a->has[OPT_TP_R]) return;
  if (a->has[OPT_TP]) luaL_error(a->L, "%s: tp or tp_r, not both", a->call);
  if (!a->has[OPT_SL] || isnan(a->num[OPT_SL])) luaL_error(a->L, "%s: tp_r is a multiple of the distance to sl, so sl is needed", a->call);
  in->tp_r_e6 = to_scaled(a, OPT_TP_R, 1e6, 1e6);
  if (in->tp_r_e6 <= 0) luaL_error(a->L, "%s: tp_r must be above 0", a->call);
}

static void set_life(const struct order_args *a, struct script *s, struct intent *in) {
  static const char *const names[] = {"gtc", "ioc", "fok", "day", "gtd"};
  in->tif = TIF_GTC;
  if (a->has[OPT_TIF]) {
    int tif = 0;
    while (tif < 5 && strcmp(names[tif], a->text[OPT_TIF]) != 0) tif++;
    if (tif == 5) luaL_error(a->L, "%s: tif \"%s\" is none of gtc, ioc, fok, day, gtd", a->call, a->text[OPT_TIF]);
    in->tif = (enum order_tif)tif;
  }
  if (a->has[OPT_UNTIL] && a->has[OPT_TTL]) luaL_error(a->L, "%s: until or ttl, not both", a->call);
  int64_t life_ns = 0;
  if (a->has[OPT_TTL] && a->text[OPT_TTL]) {
    if (!timeframe_parse(a->text[OPT_TTL], &life_ns)) luaL_error(a->L, "%s: ttl \"%s\" is no duration such as \"30m\"", a->call, a->text[OPT_TTL]);
  } else if (a->has[OPT_TTL]) {
    if (!(a->num[OPT_TTL] >= 1) || a->num[OPT_TTL] > 1e6) luaL_error(a->L, "%s: ttl is a number of bars of main (1 …) or a duration such as \"30m\"", a->call);
    if (__builtin_mul_overflow((int64_t)a->num[OPT_TTL], s->series[0]->timeframe_ns, &life_ns)) life_ns = INT64_MAX;
  }
  if (a->has[OPT_UNTIL]) {
    if (!(a->num[OPT_UNTIL] > 0) || a->num[OPT_UNTIL] > 9e12) luaL_error(a->L, "%s: until is a time in ms UTC, as ctx.now", a->call);
    in->expires_ns = (int64_t)a->num[OPT_UNTIL] * NS_PER_MS;
    if (in->expires_ns <= s->now_ns) luaL_error(a->L, "%s: until lies in the past", a->call);
  } else if (life_ns) {
    if (__builtin_add_overflow(s->now_ns, life_ns, &in->expires_ns)) in->expires_ns = INT64_MAX - 1;
  }
  if (in->expires_ns && a->has[OPT_TIF] && in->tif != TIF_GTD) luaL_error(a->L, "%s: until and ttl go with tif=\"gtd\"", a->call);
  if (in->expires_ns) in->tif = TIF_GTD;
  if (in->tif == TIF_GTD && !in->expires_ns) luaL_error(a->L, "%s: tif=\"gtd\" needs until or ttl", a->call);
}

void order_args_intent(lua_State *L, int ix, struct script *s, enum order_call call, enum side side, struct intent *ret) {
  struct order_args a;
  args_read(&a, L, ix, call);
  int symbol = find_symbol(&a, s);
  const struct instrument *inst = &s->host->account->symbols[symbol].inst;
  intent_init(ret, symbol, side);
  ret->reduce = call == CALL_CLOSE || (a.has[OPT_REDUCE] && a.num[OPT_REDUCE] != 0);
  ret->post = a.has[OPT_POST] && a.num[OPT_POST] != 0;
  if (call == CALL_TARGET && (a.num[OPT_QTY] < 0 || a.num[OPT_NOTIONAL] < 0 || a.num[OPT_PCT] < 0)) ret->side = side = SIDE_SELL;
  ret->leg = find_leg(&a, s, side, ret->reduce);
  if (call == CALL_CLOSE) {  // the side follows from the position, which the prices' rounding needs to know
    if (s->spec->hedging && !a.has[OPT_LEG] && account_lots(s->host->account, symbol, LEG_LONG) == 0) ret->leg = LEG_SHORT;
    else if (s->spec->hedging && !a.has[OPT_LEG]) ret->leg = LEG_LONG;
    ret->side = account_lots(s->host->account, symbol, ret->leg) > 0 ? SIDE_SELL : SIDE_BUY;
  }
  set_size(&a, inst, call, ret);
  set_type(&a, inst, ret);
  set_children(&a, inst, ret);
  set_life(&a, s, ret);
  ret->tag = find_tag(&a, s);
  ret->oco = a.order[OPT_OCO];
  ret->closes = a.order[OPT_OF];
}

void order_args_change(lua_State *L, int ix, struct script *s, const struct order *o, struct script_change *ret) {
  struct order_args a;
  args_read(&a, L, ix, CALL_MODIFY);
  const struct instrument *inst = &s->host->account->symbols[o->symbol].inst;
  enum side exit_side = o->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;
  *ret = (struct script_change){.sl = NO_PRICE, .tp = NO_PRICE};
  if ((ret->has_qty = a.has[OPT_QTY]) && !quantity_from_double(inst, a.num[OPT_QTY], ROUND_FLOOR, &ret->qty))
    luaL_error(L, "ctx:modify: qty = %f does not fit", a.num[OPT_QTY]);
  if ((ret->has_limit = a.has[OPT_PRICE])) ret->limit = to_price(&a, OPT_PRICE, inst, o->side);
  if ((ret->has_trigger = a.has[OPT_TRIGGER])) ret->trigger = to_price(&a, OPT_TRIGGER, inst, o->side);
  if ((ret->has_sl = a.has[OPT_SL]) && !isnan(a.num[OPT_SL])) ret->sl = to_price(&a, OPT_SL, inst, exit_side);
  if ((ret->has_tp = a.has[OPT_TP]) && !isnan(a.num[OPT_TP])) ret->tp = to_price(&a, OPT_TP, inst, exit_side);
  if (ret->has_qty && ret->qty.lots <= 0) luaL_error(L, "ctx:modify: qty must be above 0");
  if (!ret->has_qty && !ret->has_limit && !ret->has_trigger && !ret->has_sl && !ret->has_tp)
    luaL_error(L, "ctx:modify: nothing to change; give qty, price, trigger, sl or tp");
}

void order_args_ladder(lua_State *L, int ix, struct script *s, struct ladder_request *ret) {
  struct order_args a;
  args_read(&a, L, ix, CALL_LADDER);
  static const enum option required[] = {OPT_N, OPT_STEP, OPT_BASE};
  for (int i = 0; i < 3; i++)
    if (!a.has[required[i]]) luaL_error(L, "ctx:ladder: %s is missing (n safety orders, step in percent, base in money)", options[required[i]].name);
  if (a.num[OPT_N] != floor(a.num[OPT_N]) || a.num[OPT_N] < 0 || a.num[OPT_N] > 100) luaL_error(L, "ctx:ladder: n is a whole number from 0 to 100");
  double dir = a.has[OPT_DIR] ? a.num[OPT_DIR] : 1;
  if (dir != 1 && dir != -1) luaL_error(L, "ctx:ladder: dir is 1 or -1");
  *ret = (struct ladder_request){
      .symbol = find_symbol(&a, s), .side = dir > 0 ? SIDE_BUY : SIDE_SELL, .rungs = (int)a.num[OPT_N],
      .step_frac_e8 = to_scaled(&a, OPT_STEP, 1e6, 100),
      .step_k_e6 = a.has[OPT_STEP_K] ? to_scaled(&a, OPT_STEP_K, 1e6, 100) : 1000000,
      .base_e8 = to_scaled(&a, OPT_BASE, 1e8, 9e10),
      .vol_k_e6 = a.has[OPT_VOL_K] ? to_scaled(&a, OPT_VOL_K, 1e6, 100) : 1000000,
      .tp_frac_e8 = a.has[OPT_TP] && !isnan(a.num[OPT_TP]) ? to_scaled(&a, OPT_TP, 1e6, 10000) : 0,
      .sl_frac_e8 = a.has[OPT_SL] && !isnan(a.num[OPT_SL]) ? to_scaled(&a, OPT_SL, 1e6, 100) : 0,
      .tag = find_tag(&a, s)};
  if (ret->rungs && ret->step_frac_e8 == 0) luaL_error(L, "ctx:ladder: step must be above 0 percent");
}
