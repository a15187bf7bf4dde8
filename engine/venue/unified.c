// venue/unified.c – see unified.h. A struct is a table of fields.
#include "venue/unified.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define NS_OF_MS INT64_C(1000000)

enum kind { TEXT, DECIMAL, TIME, FLAG, SIDE, LEG, STATE, WHY, FILL_KIND, INSTRUMENT_KIND, DIRECTION };
struct field {
  const char *key;
  enum kind kind;
  size_t at, size;
  bool must;
};
#define F(type, key, kind, member) {key, kind, offsetof(type, member), sizeof ((type *)0)->member, false}
#define M(type, key, kind, member) {key, kind, offsetof(type, member), sizeof ((type *)0)->member, true}

static const struct field order_fields[] = {
  M(struct venue_order, "symbol", TEXT, ref.symbol), F(struct venue_order, "client_id", TEXT, ref.client_id), F(struct venue_order, "id", TEXT, ref.venue_id),
  M(struct venue_order, "status", STATE, state), F(struct venue_order, "side", SIDE, side), F(struct venue_order, "why", WHY, why),
  F(struct venue_order, "qty", DECIMAL, qty), F(struct venue_order, "filled", DECIMAL, filled), F(struct venue_order, "limit", DECIMAL, limit),
  F(struct venue_order, "trigger", DECIMAL, trigger), F(struct venue_order, "waits", FLAG, ref.waits), F(struct venue_order, "attached", FLAG, ref.attached), F(struct venue_order, "awaits", DIRECTION, awaits),
  F(struct venue_order, "avg", DECIMAL, avg), F(struct venue_order, "reduce", FLAG, reduce),
  F(struct venue_order, "created_ms", TIME, created_ns), F(struct venue_order, "updated_ms", TIME, updated_ns), {0},
};
static const struct field fill_fields[] = {
  M(struct venue_fill, "symbol", TEXT, ref.symbol), F(struct venue_fill, "client_id", TEXT, ref.client_id), F(struct venue_fill, "order_id", TEXT, ref.venue_id),
  F(struct venue_fill, "id", TEXT, trade_id), F(struct venue_fill, "side", SIDE, side), F(struct venue_fill, "price", DECIMAL, px),
  F(struct venue_fill, "qty", DECIMAL, qty), F(struct venue_fill, "fee", DECIMAL, fee), F(struct venue_fill, "fee_asset", TEXT, fee_asset),
  F(struct venue_fill, "maker", FLAG, maker), M(struct venue_fill, "kind", FILL_KIND, funding), F(struct venue_fill, "time_ms", TIME, time_ns), {0},
};
static const struct field position_fields[] = {
  M(struct venue_position, "symbol", TEXT, symbol), M(struct venue_position, "leg", LEG, leg), M(struct venue_position, "qty", DECIMAL, qty),
  F(struct venue_position, "avg", DECIMAL, avg), F(struct venue_position, "upnl", DECIMAL, upnl), F(struct venue_position, "leverage", DECIMAL, leverage),
  F(struct venue_position, "liquidation_price", DECIMAL, liquidation_px), {0},
};
static const struct field balance_fields[] = {
  F(struct venue_balance, "asset", TEXT, asset), M(struct venue_balance, "total", DECIMAL, total), F(struct venue_balance, "free", DECIMAL, free),
  F(struct venue_balance, "used", DECIMAL, used), F(struct venue_balance, "equity", DECIMAL, equity), {0},
};
static const struct field instrument_fields[] = {
  M(struct venue_instrument, "symbol", TEXT, symbol), M(struct venue_instrument, "base", TEXT, base), M(struct venue_instrument, "quote", TEXT, quote),
  F(struct venue_instrument, "settle", TEXT, settle), M(struct venue_instrument, "kind", INSTRUMENT_KIND, kind), M(struct venue_instrument, "trading", FLAG, trading),
  M(struct venue_instrument, "tick", DECIMAL, tick), M(struct venue_instrument, "lot", DECIMAL, lot), F(struct venue_instrument, "qty_min", DECIMAL, qty_min),
  F(struct venue_instrument, "qty_max", DECIMAL, qty_max), F(struct venue_instrument, "market_qty_max", DECIMAL, market_qty_max),
  F(struct venue_instrument, "notional_min", DECIMAL, notional_min), F(struct venue_instrument, "leverage_max", DECIMAL, leverage_max), {0},
};
static const struct field kline_fields[] = {
  M(struct venue_kline, "open_ms", TIME, open_ns), M(struct venue_kline, "open", DECIMAL, open), M(struct venue_kline, "high", DECIMAL, high),
  M(struct venue_kline, "low", DECIMAL, low), M(struct venue_kline, "close", DECIMAL, close), M(struct venue_kline, "volume", DECIMAL, volume),
  F(struct venue_kline, "closed", FLAG, closed), {0},
};
static const struct field trade_fields[] = {
  F(struct venue_trade, "symbol", TEXT, symbol), F(struct venue_trade, "id", TEXT, id), F(struct venue_trade, "side", SIDE, side), M(struct venue_trade, "price", DECIMAL, px),
  M(struct venue_trade, "qty", DECIMAL, qty), F(struct venue_trade, "time_ms", TIME, time_ns), {0},
};
static const struct field key_fields[] = {
  M(struct venue_key, "read", FLAG, read), M(struct venue_key, "trade", FLAG, trade), M(struct venue_key, "withdraw", FLAG, withdraw),
  M(struct venue_key, "ip_bound", FLAG, ip_bound), F(struct venue_key, "expires_ms", TIME, expires_ns), {0},
};

static const struct word { const char *text; int value; } sides[] = {{"buy", SIDE_BUY}, {"sell", SIDE_SELL}, {0}},
  legs[] = {{"net", LEG_NET}, {"long", LEG_LONG}, {"short", LEG_SHORT}, {0}},
  states[] = {{"open", VENUE_ORDER_OPEN}, {"filled", VENUE_ORDER_FILLED}, {"canceled", VENUE_ORDER_CANCELED}, {"expired", VENUE_ORDER_EXPIRED},
    {"rejected", VENUE_ORDER_REJECTED}, {0}},
  fill_kinds[] = {{"trade", 0}, {"funding", 1}, {"liquidation", 2}, {0}}, instrument_kinds[] = {{"spot", VENUE_SPOT}, {"linear", VENUE_LINEAR}, {0}},
  types[] = {{"market", ORDER_MARKET}, {"limit", ORDER_LIMIT}, {"stop", ORDER_STOP}, {"stop_limit", ORDER_STOP_LIMIT}, {0}},
  directions[] = {{"rise", 1}, {"fall", -1}, {0}}, tifs[] = {{"gtc", TIF_GTC}, {"ioc", TIF_IOC}, {"fok", TIF_FOK}, {0}};

static bool word_value(const struct word *words, const char *text, int *ret) {
  for (; text && words->text; words++)
    if (strcmp(words->text, text) == 0) return *ret = words->value, true;
  return false;
}

static const char *word_text(const struct word *words, int value) {
  for (; words->text; words++)
    if (words->value == value) return words->text;
  assert(!"a value of the list");
  return NULL;
}

static bool read_decimal(const json_t *v, struct decimal *ret) {
  if (json_is_integer(v)) return *ret = (struct decimal){json_integer_value(v), 0}, true;
  return json_is_string(v) && decimal_parse(json_string_value(v), json_string_length(v), ret);
}

static bool read_text(const json_t *v, char *to, size_t size) {
  const char *text = json_string_value(v);
  const size_t len = json_string_length(v);
  if (!text || len >= size || strlen(text) != len) return false;
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) return false;
  memcpy(to, text, len + 1);
  return true;
}

static bool read_word(const json_t *v, const struct word *words, void *to) {
  int value;
  if (!word_value(words, json_string_value(v), &value)) return false;
  memcpy(to, &value, sizeof value);  // enums are ints
  return true;
}

static bool read_value(const json_t *v, const struct field *f, char *to) {
  switch (f->kind) {
    case TEXT: return read_text(v, to, f->size);
    case DECIMAL: return read_decimal(v, (struct decimal *)(void *)to);
    case FLAG: return json_is_boolean(v) ? *(bool *)to = json_is_true(v), true : false;
    case SIDE: return read_word(v, sides, to);
    case LEG: return read_word(v, legs, to);
    case STATE: return read_word(v, states, to);
    case INSTRUMENT_KIND: return read_word(v, instrument_kinds, to);
    case DIRECTION: return read_word(v, directions, to);
    case WHY: return json_is_string(v) && venue_why_parse(json_string_value(v), (enum venue_why *)(void *)to);
    case TIME: return json_is_integer(v) && !__builtin_mul_overflow(json_integer_value(v), NS_OF_MS, (int64_t *)(void *)to);
    case FILL_KIND: {
      struct venue_fill *fill = (struct venue_fill *)(void *)(to - offsetof(struct venue_fill, funding));
      int kind;
      if (!word_value(fill_kinds, json_string_value(v), &kind)) return false;
      fill->funding = kind == 1;
      fill->liquidation = kind == 2;
      return true;
    }
  }
  return false;
}

// *ret is zeroed by the caller.
static enum status read_fields(const json_t *v, const struct field *fields, void *ret, struct err *err) {
  if (!json_is_object(v)) return err_set(err, ERR_INVALID, "not an object");
  for (const struct field *f = fields; f->key; f++) {
    const json_t *value = json_object_get(v, f->key);
    char *to = (char *)ret + f->at;
    if (f->kind == DECIMAL) *(struct decimal *)(void *)to = NO_DECIMAL;
    if (!value) {
      if (f->must) return err_set(err, ERR_INVALID, "%s is missing", f->key);
    } else if (!read_value(value, f, to)) {
      return err_set(err, ERR_RANGE, "%s is none, too long, or more exact than can be held", f->key);
    }
  }
  return OK;
}

enum status unified_order(const json_t *v, struct venue_order *ret, struct err *err) {
  *ret = (struct venue_order){0};
  return read_fields(v, order_fields, ret, err);
}
enum status unified_fill(const json_t *v, struct venue_fill *ret, struct err *err) {
  *ret = (struct venue_fill){0};
  enum status st = read_fields(v, fill_fields, ret, err);
  if (st == OK && !ret->funding && (!decimal_given(ret->px) || !decimal_given(ret->qty) || ret->side == 0))
    return err_set(err, ERR_INVALID, "a fill without side, price or quantity");
  return st;
}
enum status unified_position(const json_t *v, struct venue_position *ret, struct err *err) {
  *ret = (struct venue_position){0};
  return read_fields(v, position_fields, ret, err);
}
enum status unified_balance(const json_t *v, struct venue_balance *ret, struct err *err) {
  *ret = (struct venue_balance){0};
  return read_fields(v, balance_fields, ret, err);
}
enum status unified_instrument(const json_t *v, struct venue_instrument *ret, struct err *err) {
  *ret = (struct venue_instrument){0};
  return read_fields(v, instrument_fields, ret, err);
}
enum status unified_kline(const json_t *v, struct venue_kline *ret, struct err *err) {
  *ret = (struct venue_kline){0};
  return read_fields(v, kline_fields, ret, err);
}
enum status unified_trade(const json_t *v, struct venue_trade *ret, struct err *err) {
  *ret = (struct venue_trade){0};
  return read_fields(v, trade_fields, ret, err);
}
enum status unified_key(const json_t *v, struct venue_key *ret, struct err *err) {
  *ret = (struct venue_key){.known = true};
  return read_fields(v, key_fields, ret, err);
}

enum status unified_text(const json_t *v, const char *key, char *ret, size_t size, struct err *err) {
  const json_t *value = json_object_get(v, key);
  ret[0] = '\0';
  if (!value || read_text(value, ret, size)) return OK;
  return err_set(err, ERR_RANGE, "%s is none, or too long", key);
}

// ---- arguments

bool unified_set_decimal(json_t *args, const char *key, struct decimal d) {
  char text[DECIMAL_TEXT_MAX];
  if (!decimal_given(d)) return true;
  decimal_format(d, text);
  return json_object_set_new(args, key, json_string(text)) == 0;
}

static bool set_text(json_t *args, const char *key, const char *text) {
  return !text[0] || json_object_set_new(args, key, json_string(text)) == 0;
}

static bool set_level(json_t *args, const char *key, struct decimal px) { return px.digits <= 0 || unified_set_decimal(args, key, px); }

static json_t *whole(json_t *args, bool good) {
  if (good) return args;
  json_decref(args);
  return NULL;
}

json_t *unified_args_place(const struct venue_place *p) {
  json_t *args = json_object();
  bool good = args && set_text(args, "client_id", p->client_id) && set_text(args, "symbol", p->symbol) &&
    set_text(args, "side", word_text(sides, p->side)) && set_text(args, "kind", word_text(types, p->type)) && set_text(args, "tif", word_text(tifs, p->tif)) &&
    unified_set_decimal(args, "qty", p->qty) && unified_set_decimal(args, "limit", p->limit) && unified_set_decimal(args, "trigger", p->trigger);
  if (good && decimal_given(p->trigger)) good = json_object_set_new(args, "trigger_rises", json_boolean(p->trigger_rises)) == 0;
  good = good && set_level(args, "take_profit", p->take_profit) && set_level(args, "stop_loss", p->stop_loss);
  if (good && p->post) good = json_object_set_new(args, "post", json_true()) == 0;
  if (good && p->reduce) good = json_object_set_new(args, "reduce", json_true()) == 0;
  if (good && p->leg != LEG_NET) good = set_text(args, "leg", word_text(legs, p->leg));
  return whole(args, good);
}

json_t *unified_args_ref(const struct venue_ref *ref) {
  json_t *args = json_object();
  // One name: venues refuse both. Theirs where it is known, as ours may be another order's once that has ended.
  const bool kind = args && (!ref->waits || json_object_set_new(args, "stops", json_true()) == 0) && (!ref->attached || json_object_set_new(args, "attached", json_true()) == 0);
  return whole(args, kind && set_text(args, "symbol", ref->symbol) && (ref->venue_id[0] ? set_text(args, "id", ref->venue_id) : set_text(args, "client_id", ref->client_id)));
}

json_t *unified_args_change(const struct venue_ref *ref, const struct venue_change *c) {
  json_t *args = unified_args_ref(ref);
  return args ? whole(args, unified_set_decimal(args, "qty", c->qty) && unified_set_decimal(args, "limit", c->limit) && unified_set_decimal(args, "trigger", c->trigger)) : NULL;
}
