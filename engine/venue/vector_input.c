// venue/vector_input.c – what a vector's input means in our words. Tables: methods with the names of their arguments, and parameters.
#include "venue/vector_impl.h"

#include "base/decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The method, the names its arguments have in order, and what it sets besides.
static const struct {
  const char *method, *names;
  const char *key, *value;
} methods[] = {
  {"createOrder", "symbol type side amount price params", NULL, NULL},
  {"createMarketBuyOrderWithCost", "symbol cost params", "side", "buy"},
  {"editOrder", "id symbol type side amount price params", NULL, NULL},
  {"cancelOrder", "id symbol params", NULL, NULL},
  {"cancelAllOrders", "symbol params", NULL, NULL},
  {"fetchOrder", "id symbol params", NULL, NULL},
  {"fetchOpenOrder", "id symbol params", NULL, NULL},
  {"fetchClosedOrder", "id symbol params", "status", "filled"},
  {"fetchOpenOrders", "symbol since_ms limit params", NULL, NULL},
  {"fetchOrders", "symbol since_ms limit params", NULL, NULL},
  {"fetchClosedOrders", "symbol since_ms limit params", "status", "filled"},
  {"fetchCanceledOrders", "symbol since_ms limit params", "status", "canceled"},
  {"fetchCanceledAndClosedOrders", "symbol since_ms limit params", NULL, NULL},
  {"fetchMyTrades", "symbol since_ms limit params", "kind", "trade"},
  {"fetchOrderTrades", "order_id symbol since_ms limit params", "kind", "trade"},
  {"fetchBalance", "params", NULL, NULL},
  {"fetchPosition", "symbol params", NULL, NULL},
  {"fetchPositions", "symbols params", NULL, NULL},
  {"fetchPositionsHistory", "symbols since_ms limit params", NULL, NULL},
  {"setLeverage", "leverage symbol params", NULL, NULL},
  {"setMarginMode", "mode symbol params", NULL, NULL},
  {"setPositionMode", "hedge symbol params", NULL, NULL},
  {"fetchTicker", "symbol params", NULL, NULL},
  {"fetchTickers", "symbols params", NULL, NULL},
  {"fetchOHLCV", "symbol timeframe since_ms limit params", NULL, NULL},
  {"fetchOrderBook", "symbol limit params", NULL, NULL},
  {"fetchTrades", "symbol since_ms limit params", NULL, NULL},
  {"fetchTradingFee", "symbol params", NULL, NULL},
  {"fetchTradingFees", "params", NULL, NULL},
  {"fetchFundingRateHistory", "symbol since_ms limit params", NULL, NULL},
  {"fetchFundingRate", "symbol params", NULL, NULL},
  {"fetchMarketLeverageTiers", "symbol params", NULL, NULL},
  {"fetchTime", "params", NULL, NULL},
  {"fetchMarkets", "params", NULL, NULL},
  {"fetchAccounts", "params", NULL, NULL},
  {"watchOrders", "symbol since_ms limit params", "topic", "orders"},
  {"watchMyTrades", "symbol since_ms limit params", "topic", "fills"},
  {"watchPositions", "symbols since_ms limit params", "topic", "positions"},
  {"watchBalance", "params", "topic", "balance"},
  {"watchOHLCV", "symbol timeframe since_ms limit params", "topic", "klines"},
  {"watchTicker", "symbol params", "topic", "ticker"},
  {"watchTrades", "symbol since_ms limit params", "topic", "trades"},
  {"watchOrderBook", "symbol limit params", "topic", "book"},
};

// Of ws vectors without an input, by their op.
static const struct {
  const char *op, *topic;
  bool private;
  enum dialect_op like;  // whose rows its events are
} streams[] = {
  {"ws_orders", "orders", true, DIALECT_OPEN_ORDERS}, {"ws_fills", "fills", true, DIALECT_FILLS},
  {"ws_positions", "positions", true, DIALECT_POSITIONS}, {"ws_balance", "balance", true, DIALECT_BALANCE},
  {"ws_klines", "klines", false, DIALECT_KLINES}, {"ws_ticker", "ticker", false, DIALECT_TICKER},
  {"ws_trades", "trades", false, DIALECT_PUBLIC_TRADES}, {"ws_orderbook", "book", false, DIALECT_ORDERBOOK}};

// What ops of vectors are called besides.
static const struct {
  const char *name;
  enum dialect_op op;
} other_ops[] = {{"open_conditional", DIALECT_OPEN_ORDERS}, {"fetch_conditional", DIALECT_FETCH_ORDER},
  {"create_conditional", DIALECT_CREATE_ORDER}, {"cancel_conditional", DIALECT_CANCEL_ORDER}, {"order_search", DIALECT_ALL_ORDERS}};

// Parameters that pass under a name of ours, as they are.
static const struct {
  const char *given, *ours;
} renamed[] = {{"clientOrderId", "client_id"}, {"client_order_id", "client_id"}, {"orderLinkId", "client_id"}, {"clOrdID", "client_id"},
  {"clOrdId", "client_id"}, {"newClientOrderId", "client_id"}, {"origClientOrderId", "client_id"}, {"settleCoin", "settle"},
  {"until", "until_ms"}, {"postOnly", "post"}, {"post_only", "post"}, {"reduceOnly", "reduce"}, {"leverage", "leverage"},
  {"cursor", "cursor"}, {"orderId", "id"}, {"stop_price", "trigger"}, {"triggerPrice", "trigger"}, {"stopPrice", "trigger"},
  {"cost", "quote_qty"}, {"limit", "limit"}, {"depth", "depth"},
  {"closeOnTrigger", "close"}, {"coin", "asset"}, {"ttl", "ttl_ms"}};

// What only steers the recorded client.
static const char *const ignored[] = {"acknowledged", "paginate", "timestamp"};

static void set(json_t *o, const char *key, json_t *owned) {
  if (owned != NULL) json_object_set_new(o, key, owned);
}

// Numbers become decimal texts; null and what is no scalar, nothing.
static json_t *scalar(const json_t *v) {
  char text[128];
  if (json_is_boolean(v) || json_is_string(v)) return json_incref((json_t *)v);
  if (json_is_number(v) && vector_number(v, text, sizeof text)) return json_string(text);
  return NULL;
}

// ---- symbols and categories

const char *vector_symbol(struct vector_run *r, const char *unified) {
  const char *known = json_string_value(json_object_get(r->symbols, unified));
  if (known != NULL || strchr(unified, '/') == NULL) return known != NULL ? known : unified;
  char base[32], quote[32], joined[64];
  const char *slash = strchr(unified, '/');
  snprintf(base, sizeof base, "%.*s", (int)(slash - unified), unified);
  snprintf(quote, sizeof quote, "%.*s", (int)strcspn(slash + 1, ":"), slash + 1);
  snprintf(joined, sizeof joined, "%s%s", base, quote);
  json_object_set_new(r->symbols, unified, json_string(joined));
  return json_string_value(json_object_get(r->symbols, unified));
}

// "swap" and "BTC/USDT:USDT" are linear, "spot" and "BTC/USDT" are spot; without any the dialect's first.
static bool category(struct vector_run *r, const json_t *v, const char *symbol, struct vector_ask *ask) {
  const struct dialect_info *info = dialect_info(r->d);
  const char *type = json_string_value(json_object_get(json_object_get(v, "market"), "type")), *want = NULL;
  if (type == NULL && symbol != NULL) type = strchr(symbol, ':') != NULL ? "swap" : strchr(symbol, '/') != NULL ? "spot" : NULL;
  if (type != NULL) want = strcmp(type, "spot") == 0 ? "spot" : "linear";
  snprintf(ask->category, sizeof ask->category, "%s", info->categories[0]);
  for (int i = 0; want != NULL && i < info->category_count; i++)
    if (strcmp(info->categories[i], want) == 0) {
      snprintf(ask->category, sizeof ask->category, "%s", want);
      return true;
    }
  if (want != NULL) vector_skip(r, "the dialect has no category %s", want);
  return want == NULL;
}

// ---- quantities and prices, as the caller of a dialect makes them: truncated to the step, rounded to the tick

static json_t *stepped(const json_t *v, const json_t *step, bool nearest) {
  char text[128], by[128];
  struct decimal a, s;
  if (!vector_number(v, text, sizeof text)) return NULL;
  if (step == NULL || !vector_number(step, by, sizeof by) || !decimal_parse(text, strlen(text), &a) || !decimal_parse(by, strlen(by), &s) ||
      s.digits <= 0)
    return json_string(text);
  int scale = a.scale > s.scale ? a.scale : s.scale;
  int64_t n, per;
  if (!decimal_rescale(a, scale, &n) || !decimal_rescale(s, scale, &per)) return json_string(text);
  int64_t count = n / per;
  if (nearest && 2 * (n % per) >= per) count++;
  decimal_format(decimal_normal((struct decimal){count * per, scale}), text);
  return json_string(text);
}

static const char *text_of(const json_t *o, const char *key) {
  return json_string_value(json_object_get(o, key));
}

// ---- parameters

static bool rises(const json_t *v, bool *ret) {
  static const struct {
    const char *word;
    bool up;
  } words[] = {{"ascending", true}, {"descending", false}, {"above", true}, {"below", false}, {"ABOVE", true}, {"BELOW", false}, {"up", true},
    {"down", false}, {"1", true}, {"2", false}};
  const char *s = json_string_value(v);
  if (json_is_integer(v)) s = json_integer_value(v) == 1 ? "1" : "2";
  for (size_t i = 0; s != NULL && i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i].word, s) == 0) return *ret = words[i].up, true;
  return false;
}

// A trigger in the direction that a stop-loss or a take-profit of this order has, which closes: a buy closes a short.
static void closing(json_t *args, const json_t *price, const json_t *tick, bool loss) {
  bool buy = text_of(args, "side") != NULL && strcmp(text_of(args, "side"), "buy") == 0;
  set(args, "trigger", stepped(price, tick, true));
  set(args, "trigger_rises", json_boolean(buy == loss));
  set(args, "reduce", json_true());
}

static bool param(struct vector_run *r, json_t *args, const char *key, const json_t *v, const json_t *market) {
  const json_t *tick = json_object_get(market, "price_tick");
  bool up;
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
    if (strcmp(ignored[i], key) == 0) return true;
  for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
    if (strcmp(renamed[i].given, key) == 0) {
      bool price = strcmp(renamed[i].ours, "trigger") == 0, time = strcmp(renamed[i].ours, "until_ms") == 0;
      set(args, renamed[i].ours, price ? stepped(v, tick, true) : time ? json_integer((json_int_t)json_number_value(v)) : scalar(v));
      if (strcmp(renamed[i].ours, "client_id") == 0) json_object_del(args, "id");
      return true;
    }
  if (strcmp(key, "timeInForce") == 0 || strcmp(key, "time_in_force") == 0) {
    const char *s = json_string_value(v);
    if (s != NULL && (strcmp(s, "PO") == 0 || strcmp(s, "PostOnly") == 0)) set(args, "post", json_true());
    else if (s != NULL && (strcmp(s, "GTC") == 0 || strcmp(s, "IOC") == 0 || strcmp(s, "FOK") == 0))
      set(args, "tif", json_string(s[0] == 'G' ? "gtc" : s[0] == 'I' ? "ioc" : "fok"));
    else return vector_skip(r, "a time in force '%.20s' has no word of ours", s != NULL ? s : "?"), false;
    return true;
  }
  if ((strcmp(key, "triggerDirection") == 0 || strcmp(key, "stop_direction") == 0) && rises(v, &up)) return set(args, "trigger_rises", json_boolean(up)), true;
  if (strcmp(key, "triggerBy") == 0) {
    const char *s = json_string_value(v);
    set(args, "trigger_by", json_string(s != NULL && strncmp(s, "Mark", 4) == 0 ? "mark" : s != NULL && strncmp(s, "Index", 5) == 0 ? "index" : "last"));
    return true;
  }
  if (strcmp(key, "stopLossPrice") == 0) return closing(args, v, tick, true), true;
  if (strcmp(key, "takeProfitPrice") == 0) return closing(args, v, tick, false), true;
  if (strcmp(key, "stopLoss") == 0 || strcmp(key, "takeProfit") == 0) {
    const json_t *price = json_is_object(v) ? json_object_get(v, "triggerPrice") : v;
    set(args, key[0] == 's' ? "stop_loss" : "take_profit", stepped(price, tick, true));
    set(args, key[0] == 's' ? "stop_loss_limit" : "take_profit_limit", stepped(json_object_get(v, "price"), tick, true));
    return true;
  }
  if (strcmp(key, "marketUnit") == 0) {
    if (json_is_string(v) && strcmp(json_string_value(v), "quoteCoin") == 0) set(args, "quote_qty", scalar(json_object_get(args, "amount")));
    return true;
  }
  if (strcmp(key, "hedged") == 0) return set(args, "hedged", json_incref((json_t *)v)), true;
  if (strcmp(key, "positionIdx") == 0) {
    json_int_t n = json_integer_value(v);
    return set(args, "leg", json_string(n == 1 ? "long" : n == 2 ? "short" : "net")), true;
  }
  if (strcmp(key, "type") == 0 && json_is_string(v)) {  // of accounts
    if (strcmp(json_string_value(v), "fund") == 0 || strcmp(json_string_value(v), "funding") == 0) set(args, "account", json_string("fund"));
    return true;
  }
  if (strcmp(key, "trigger") == 0 || strcmp(key, "stop") == 0) return set(args, "stops", json_incref((json_t *)v)), true;
  if (strcmp(key, "orderFilter") == 0) return set(args, "stops", json_boolean(json_is_string(v) && strcmp(json_string_value(v), "StopOrder") == 0)), true;
  return vector_skip(r, "the parameter '%.40s' has no word of ours", key), false;
}

// ---- orders

// From what was gathered: the kind, the leg, quantities and prices.
static void finish_order(struct vector_run *r, const json_t *market, struct vector_ask *ask) {
  json_t *a = ask->args;
  const struct dialect_info *info = dialect_info(r->d);
  const char *type = text_of(a, "type"), *side = text_of(a, "side");
  bool is_market = type != NULL && strcmp(type, "market") == 0, buy = side != NULL && strcmp(side, "buy") == 0;
  if (is_market && buy && dialect_can(info, ask->category)->market_by_quote && json_object_get(a, "quote_qty") == NULL && json_object_get(a, "amount") != NULL) {
    set(a, "quote_qty", scalar(json_object_get(a, "amount")));
  } else if (is_market && buy && strcmp(ask->category, "spot") == 0 && json_is_number(json_object_get(a, "price")) &&
             json_object_get(a, "quote_qty") == NULL) {  // unified clients: a price makes it "spend that much"
    json_t *cost = json_real(json_number_value(json_object_get(a, "amount")) * json_number_value(json_object_get(a, "price")));
    set(a, "quote_qty", stepped(cost, json_object_get(market, "price_tick"), false));
    json_decref(cost);
  } else if (json_object_get(a, "quote_qty") == NULL) {
    set(a, "qty", stepped(json_object_get(a, "amount"), json_object_get(market, "qty_step"), false));
  }
  set(a, "limit", is_market ? NULL : stepped(json_object_get(a, "price"), json_object_get(market, "price_tick"), true));
  bool stop = json_object_get(a, "trigger") != NULL;
  if (ask->op == DIALECT_CREATE_ORDER && type != NULL)
    set(a, "kind", json_string(is_market ? (stop ? "stop" : "market") : stop ? "stop_limit" : "limit"));
  if (json_is_true(json_object_get(a, "hedged")))
    set(a, "leg", json_string(buy != json_is_true(json_object_get(a, "reduce")) ? "long" : "short"));
  if (json_is_true(json_object_get(a, "hedged"))) json_object_del(a, "reduce");  // the leg says it
  if (ask->op == DIALECT_FILLS && json_object_get(a, "id") != NULL) {
    json_object_set(a, "order_id", json_object_get(a, "id"));
    json_object_del(a, "id");
  }
  static const char *const used[] = {"type", "amount", "price", "hedged"};
  for (size_t i = 0; i < sizeof used / sizeof *used; i++) json_object_del(a, used[i]);
}

static bool is_time(const char *name) {
  return strcmp(name, "since_ms") == 0 || strcmp(name, "until_ms") == 0;
}

// Puts one argument under its name.
static void put(struct vector_run *r, json_t *args, const char *name, const json_t *v) {
  if (v == NULL || json_is_null(v)) return;
  if (strcmp(name, "symbol") == 0) {
    if (json_is_string(v)) set(args, "symbol", json_string(vector_symbol(r, json_string_value(v))));
  } else if (strcmp(name, "symbols") == 0) {
    size_t i;
    json_t *item, *list = json_array();
    json_array_foreach(v, i, item) json_array_append_new(list, json_string(vector_symbol(r, json_string_value(item) != NULL ? json_string_value(item) : "")));
    set(args, "symbols", list);
  } else if (is_time(name)) {
    set(args, name, json_integer(json_is_real(v) ? (json_int_t)json_real_value(v) : json_integer_value(v)));
  } else if (strcmp(name, "amount") == 0 || strcmp(name, "price") == 0) {
    set(args, name, json_incref((json_t *)v));
  } else {
    set(args, strcmp(name, "cost") == 0 ? "quote_qty" : name, scalar(v));
  }
}

static bool from_method(struct vector_run *r, const json_t *input, struct vector_ask *ask, const json_t **ret_params, const char **ret_symbol) {
  const char *method = text_of(input, "method");
  const json_t *given = json_object_get(input, "args");
  size_t m = 0, count = sizeof methods / sizeof *methods, at = 0;
  while (m < count && strcmp(methods[m].method, method) != 0) m++;
  if (m == count) return vector_skip(r, "the method %.40s has no operation of ours", method), false;
  char names[128], *rest = names, *name;
  snprintf(names, sizeof names, "%s", methods[m].names);
  while ((name = strsep(&rest, " ")) != NULL) {
    const json_t *v = json_array_get(given, at++);
    if (json_is_object(v)) {  // parameters may come early
      *ret_params = v;
      break;
    }
    if (strcmp(name, "symbol") == 0) *ret_symbol = json_string_value(v);
    if (strcmp(name, "symbols") == 0) *ret_symbol = json_string_value(json_array_get(v, 0));
    put(r, ask->args, name, v);
  }
  if (methods[m].key != NULL) set(ask->args, methods[m].key, json_string(methods[m].value));
  if (strcmp(method, "createMarketBuyOrderWithCost") == 0) set(ask->args, "type", json_string("market"));
  if (strncmp(method, "fetchClosedOrder", 16) == 0 && ask->op == DIALECT_FETCH_ORDER) set(ask->args, "ended", json_true());
  return true;
}

static bool from_fields(struct vector_run *r, const json_t *input, struct vector_ask *ask, const json_t **ret_params, const char **ret_symbol) {
  const char *key;
  json_t *v;
  *ret_params = json_object_get(input, "params");
  *ret_symbol = text_of(input, "symbol");
  json_object_foreach((json_t *)input, key, v) {
    if (strcmp(key, "params") != 0 && strcmp(key, "symbol_id") != 0) put(r, ask->args, key, v);
  }
  return true;
}

// The stream a ws vector is about.
static bool find_stream(struct vector_run *r, const json_t *v, struct vector_ask *ask) {
  const char *op = text_of(v, "op");
  for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
    if (op == NULL || strcmp(streams[i].op, op) != 0) continue;
    ask->op = streams[i].like;
    snprintf(ask->stream, sizeof ask->stream, "%s", streams[i].private ? "private" : "public");
    set(ask->args, "topic", json_string(streams[i].topic));
    return true;
  }
  return vector_skip(r, "a stream %.40s has no word of ours", op != NULL ? op : "?"), false;
}

bool vector_input(struct vector_run *r, const json_t *v, struct vector_ask *ret) {
  const json_t *input = json_object_get(v, "input"), *market = json_object_get(v, "market"), *params = NULL;
  const char *op = text_of(v, "op"), *symbol = NULL, *kind = text_of(v, "kind");
  bool good = true;
  memset(ret, 0, sizeof *ret);
  ret->args = json_object();
  if (strcmp(kind, "ws") == 0) {
    good = find_stream(r, v, ret);
  } else if (op == NULL || !dialect_op_parse(op, &ret->op)) {
    size_t i = 0, n = sizeof other_ops / sizeof *other_ops;
    while (i < n && (op == NULL || strcmp(other_ops[i].name, op) != 0)) i++;
    if (i < n) ret->op = other_ops[i].op;
    else good = (vector_skip(r, "there is no operation %.40s", op != NULL ? op : "?"), false);
  }
  if (good && input != NULL)
    good = text_of(input, "method") != NULL ? from_method(r, input, ret, &params, &symbol) : from_fields(r, input, ret, &params, &symbol);
  if (!good) return false;
  const char *id = text_of(market, "id") != NULL ? text_of(market, "id") : text_of(input, "symbol_id");
  if (id != NULL && json_object_get(ret->args, "symbols") == NULL) set(ret->args, "symbol", json_string(id));
  if (!category(r, v, symbol, ret)) return false;
  const char *key;
  json_t *p;
  json_object_foreach((json_t *)params, key, p) {
    if (!param(r, ret->args, key, p, market)) return false;
  }
  if (ret->stream[0] == '\0') finish_order(r, market, ret);
  return true;
}

void vector_ask_finish(struct vector_ask *a) {
  json_decref(a->args);
  a->args = NULL;
}
