// venue/vector_rows.c – our unified rows in the words of the expectations, and the comparison of lists.
#include "venue/vector_impl.h"

#include "base/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Fields that only change their name: ours, theirs.
struct rename {
  const char *ours, *theirs;
};
static const struct rename order_names[] = {{"id", "id"}, {"client_id", "clientOrderId"}, {"symbol", "symbol_id"}, {"side", "side"},
  {"limit", "price"}, {"qty", "amount"}, {"filled", "filled"}, {"remaining", "remaining"}, {"avg", "average"}, {"cost", "cost"},
  {"reduce", "reduceOnly"}, {"post", "postOnly"}, {"trigger", "triggerPrice"}, {"take_profit", "takeProfitPrice"},
  {"stop_loss", "stopLossPrice"}, {"created_ms", "timestamp"}, {NULL, NULL}};
static const struct rename fill_names[] = {{"id", "id"}, {"order_id", "order"}, {"client_id", "clientOrderId"}, {"symbol", "symbol_id"},
  {"side", "side"}, {"price", "price"}, {"qty", "amount"}, {"cost", "cost"}, {"total", "cumulative_filled"}, {"time_ms", "timestamp"},
  {NULL, NULL}};
static const struct rename position_names[] = {{"symbol", "symbol_id"}, {"avg", "entryPrice"}, {"mark", "markPrice"}, {"leverage", "leverage"},
  {"upnl", "unrealizedPnl"}, {"liquidation_price", "liquidationPrice"}, {"notional", "notional"}, {"margin", "collateral"}, {NULL, NULL}};
static const struct rename pnl_names[] = {{"symbol", "symbol_id"}, {"entry", "entryPrice"}, {"leverage", "leverage"}, {"notional", "notional"},
  {"qty", "contracts"}, {"pnl", "realizedPnl"}, {"time_ms", "timestamp"}, {NULL, NULL}};
static const struct rename ticker_names[] = {{"symbol", "symbol_id"}, {"last", "last"}, {"bid", "bid"}, {"ask", "ask"}, {"high", "high"},
  {"low", "low"}, {"mark", "markPrice"}, {"index", "indexPrice"}, {"volume", "baseVolume"}, {"turnover", "quoteVolume"},
  {"time_ms", "timestamp"}, {NULL, NULL}};
static const struct rename trade_names[] = {{"id", "id"}, {"side", "side"}, {"price", "price"}, {"qty", "amount"}, {"time_ms", "timestamp"},
  {"symbol", "symbol_id"}, {NULL, NULL}};
static const struct rename instrument_names[] = {{"symbol", "symbol_id"}, {"base", "base"}, {"quote", "quote"}, {"settle", "settle"},
  {"tick", "price_tick"}, {"lot", "qty_step"}, {"qty_min", "min_qty"}, {"qty_max", "max_qty"}, {"notional_min", "min_notional"},
  {"trading", "active"}, {NULL, NULL}};
static const struct rename funding_names[] = {{"symbol", "symbol_id"}, {"rate", "fundingRate"}, {"time_ms", "timestamp"}, {NULL, NULL}};
static const struct rename named_names[] = {{"id", "id"}, {"client_id", "clientOrderId"}, {"symbol", "symbol_id"}, {NULL, NULL}};
static const struct rename balance_names[] = {{"free", "free"}, {"used", "used"}, {"total", "total"}, {"debt", "debt"},
  {"account_id", "account_id"}, {"equity", "equity"}, {NULL, NULL}};
static const struct rename fee_names[] = {{"maker", "maker"}, {"taker", "taker"}, {NULL, NULL}};
static const struct rename account_names[] = {{"id", "id"}, {"asset", "code"}, {NULL, NULL}};

static const char *text(const json_t *o, const char *key) {
  const char *s = json_string_value(json_object_get(o, key));
  return s != NULL ? s : "";
}

static json_t *renamed(const json_t *row, const struct rename *names) {
  json_t *out = json_object();
  for (; names->ours != NULL; names++) {
    json_t *v = json_object_get(row, names->ours);
    if (v != NULL) json_object_set(out, names->theirs, v);
  }
  return out;
}

static json_t *order_row(const json_t *o) {
  json_t *out = renamed(o, order_names);
  const char *kind = text(o, "kind"), *status = text(o, "status"), *tif = text(o, "tif");
  char left[DECIMAL_TEXT_MAX];
  struct decimal qty, filled;
  int64_t a, b;
  if (*kind != '\0') json_object_set_new(out, "type", json_string(strncmp(kind, "stop", 4) != 0 ? kind : strcmp(kind, "stop") == 0 ? "market" : "limit"));
  json_object_set_new(out, "status", json_string(strcmp(status, "filled") == 0 ? "closed" : status));
  if (json_is_true(json_object_get(o, "post"))) json_object_set_new(out, "timeInForce", json_string("PO"));
  else if (*tif != '\0') json_object_set_new(out, "timeInForce", json_string(tif[0] == 'g' ? "GTC" : tif[0] == 'i' ? "IOC" : "FOK"));
  if (json_object_get(out, "remaining") == NULL && decimal_parse(text(o, "qty"), strlen(text(o, "qty")), &qty) &&
      decimal_parse(text(o, "filled"), strlen(text(o, "filled")), &filled)) {
    int scale = qty.scale > filled.scale ? qty.scale : filled.scale;
    if (decimal_rescale(qty, scale, &a) && decimal_rescale(filled, scale, &b)) {
      decimal_format((struct decimal){a - b, scale}, left);
      json_object_set_new(out, "remaining", json_string(left));
    }
  }
  if (json_object_get(out, "price") == NULL && json_object_get(out, "average") != NULL)  // of a market order: what it was done at
    json_object_set(out, "price", json_object_get(out, "average"));
  double cost = strtod(text(o, "cost"), NULL), done = strtod(text(o, "filled"), NULL);
  if (json_object_get(out, "average") == NULL && cost > 0 && done > 0) json_object_set_new(out, "average", json_real(cost / done));
  return out;
}

static json_t *fill_row(const json_t *f) {
  json_t *out = renamed(f, fill_names);
  const json_t *maker = json_object_get(f, "maker");
  if (maker != NULL) json_object_set_new(out, "takerOrMaker", json_string(json_is_true(maker) ? "maker" : "taker"));
  json_t *fee = json_object();
  if (json_object_get(f, "fee") != NULL) json_object_set(fee, "cost", json_object_get(f, "fee"));
  if (json_object_get(f, "fee_asset") != NULL) json_object_set(fee, "currency", json_object_get(f, "fee_asset"));
  json_object_set_new(out, "fee", fee);
  return out;
}

static json_t *position_row(const json_t *p) {
  json_t *out = renamed(p, position_names);
  const char *qty = text(p, "qty"), *leg = text(p, "leg");
  bool net = strcmp(leg, "net") == 0, down = *qty == '-';
  json_object_set_new(out, "side", json_string(net ? (down ? "short" : "long") : leg));
  json_object_set_new(out, "contracts", json_string(down ? qty + 1 : qty));
  json_object_set_new(out, "hedged", json_boolean(!net));
  return out;
}

// What closed a position has the other side than the position had.
static json_t *pnl_row(const json_t *p) {
  json_t *out = renamed(p, pnl_names);
  json_object_set_new(out, "side", json_string(strcmp(text(p, "side"), "sell") == 0 ? "long" : "short"));
  return out;
}

static json_t *instrument_row(const json_t *i) {
  json_t *out = renamed(i, instrument_names);
  json_object_set_new(out, "type", json_string(strcmp(text(i, "kind"), "linear") == 0 ? "swap" : "spot"));
  json_object_set_new(out, "contract_size", json_integer(1));  // quantities are in base units here
  return out;
}

static json_t *kline_row(const json_t *k) {
  static const char *const names[] = {"open_ms", "open", "high", "low", "close", "volume"};
  json_t *out = json_array();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) json_array_append(out, json_object_get(k, names[i]));
  return out;
}

static json_t *levels(const json_t *rows) {
  size_t i;
  json_t *row, *out = json_array();
  json_array_foreach(rows, i, row) json_array_append_new(out, json_pack("[O, O]", json_object_get(row, "price"), json_object_get(row, "qty")));
  return out;
}

static json_t *book_row(const json_t *b) {
  json_t *out = json_pack("{s:o, s:o}", "bids", levels(json_object_get(b, "bids")), "asks", levels(json_object_get(b, "asks")));
  if (json_object_get(b, "time_ms") != NULL) json_object_set(out, "timestamp", json_object_get(b, "time_ms"));
  if (json_object_get(b, "seq") != NULL) json_object_set(out, "sequence", json_object_get(b, "seq"));
  return out;
}

static json_t *funding_row(const json_t *f) {
  json_t *out = renamed(f, funding_names);
  json_object_set(out, "fundingTimestamp", json_object_get(f, "time_ms"));
  return out;
}

static json_t *one(enum dialect_op op, const json_t *row) {
  switch (op) {
    case DIALECT_FETCH_ORDER: case DIALECT_OPEN_ORDERS: case DIALECT_ALL_ORDERS: return order_row(row);
    case DIALECT_FILLS: return fill_row(row);
    case DIALECT_POSITIONS: return position_row(row);
    case DIALECT_CLOSED_PNL: return pnl_row(row);
    case DIALECT_INSTRUMENTS: return instrument_row(row);
    case DIALECT_KLINES: return kline_row(row);
    case DIALECT_TICKER: case DIALECT_TICKERS: return renamed(row, ticker_names);
    case DIALECT_PUBLIC_TRADES: return renamed(row, trade_names);
    case DIALECT_ORDERBOOK: return book_row(row);
    case DIALECT_FUNDING: return funding_row(row);
    case DIALECT_FEE: return renamed(row, fee_names);
    case DIALECT_BALANCE: return renamed(row, balance_names);
    case DIALECT_ACCOUNTS: return renamed(row, account_names);
    case DIALECT_SERVER_TIME: return json_incref(json_object_get(row, "time_ms"));
    default: return renamed(row, named_names);
  }
}

// Balances by asset; of several accounts of one asset the sum.
static json_t *by_asset(const json_t *rows) {
  size_t i;
  json_t *row, *out = json_object();
  json_array_foreach(rows, i, row) {
    const char *asset = text(row, "asset"), *key;
    json_t *made = renamed(row, balance_names), *had = json_object_get(out, asset), *v;
    if (had == NULL) {
      json_object_set_new(out, asset, made);
      continue;
    }
    json_object_foreach(made, key, v) {
      double sum = strtod(text(had, key), NULL) + strtod(json_string_value(v) != NULL ? json_string_value(v) : "0", NULL);
      char digits[64];
      snprintf(digits, sizeof digits, "%.15g", sum);
      json_object_set_new(had, key, json_string(digits));
    }
    json_decref(made);
  }
  return out;
}

// Of rows that belong to the symbol asked for; a row without one does.
json_t *vector_rows(enum dialect_op op, const json_t *data, const json_t *args) {
  const json_t *several = json_object_get(args, "symbols");
  const char *symbol = json_array_size(several) == 1 ? json_string_value(json_array_get(several, 0)) : text(args, "symbol");
  if (json_is_object(data)) {
    json_t *out = one(op, data);
    if (json_is_object(out) && json_object_get(out, "symbol_id") == NULL && *symbol != '\0') json_object_set_new(out, "symbol_id", json_string(symbol));
    return out;
  }
  size_t i;
  json_t *row, *out = json_array();
  json_array_foreach(data, i, row) {
    const char *of = text(row, "symbol");
    if (op == DIALECT_TICKERS || *symbol == '\0' || *of == '\0' || strcmp(of, symbol) == 0) json_array_append_new(out, one(op, row));
  }
  return out;
}

static json_int_t time_of(const json_t *row) {
  return json_is_array(row) ? json_integer_value(json_array_get(row, 0)) : json_integer_value(json_object_get(row, "timestamp"));
}

// By time, keeping the order of rows of one time.
static void sort(json_t *rows) {
  for (size_t i = 1; i < json_array_size(rows); i++)
    for (size_t k = i; k > 0 && time_of(json_array_get(rows, k)) < time_of(json_array_get(rows, k - 1)); k--) {
      json_t *a = json_incref(json_array_get(rows, k)), *b = json_incref(json_array_get(rows, k - 1));
      json_array_set_new(rows, k - 1, a);
      json_array_set_new(rows, k, b);
    }
}

// The row with the expected id, or else (a list without ids) the one at its place.
static const json_t *find(const json_t *rows, const json_t *want, size_t at) {
  const json_t *id = json_object_get(want, "id"), *symbol = json_object_get(want, "symbol_id");
  size_t i;
  json_t *row;
  if (id != NULL) {
    json_array_foreach(rows, i, row) {
      if (vector_same(id, json_object_get(row, "id"))) return row;
    }
    return NULL;
  }
  row = json_array_get(rows, at);
  if (symbol == NULL || vector_same(symbol, json_object_get(row, "symbol_id"))) return row;
  json_array_foreach(rows, i, row) {
    if (vector_same(symbol, json_object_get(row, "symbol_id"))) return row;
  }
  return NULL;
}

enum vector_verdict vector_compare_rows(struct vector_run *r, enum dialect_op op, const json_t *expect, const json_t *data, const json_t *args) {
  bool keyed = json_is_object(expect) && json_is_object(json_object_iter_value(json_object_iter((json_t *)expect)));
  json_t *rows;
  if (op == DIALECT_BALANCE && keyed) rows = by_asset(data);
  else if (op == DIALECT_FEE && keyed) {
    size_t i;
    json_t *row;
    rows = json_object();
    json_array_foreach(data, i, row) json_object_set_new(rows, text(row, "symbol"), one(op, row));
  } else rows = vector_rows(op, data, args);
  if (json_is_object(expect) && json_is_array(rows)) {  // one is expected of a list
    json_t *only = json_array_size(rows) > 0 ? json_incref(json_array_get(rows, 0)) : NULL;
    json_decref(rows);
    rows = only;
  }
  enum vector_verdict verdict = VECTOR_PASSED;
  if (rows == NULL) {
    verdict = json_object_size(expect) == 0 ? VECTOR_PASSED : vector_fail(r, "there is no row");
  } else if (!json_is_array(expect) || !json_is_array(rows)) {
    if (!vector_covers(r, expect, rows, dialect_op_text(op))) verdict = VECTOR_FAILED;
  } else {
    size_t i;
    json_t *want;
    if (op != DIALECT_INSTRUMENTS && op != DIALECT_TICKERS) sort(rows);
    if (json_array_size(rows) != json_array_size(expect))
      verdict = vector_fail(r, "expected %zu rows, got %zu", json_array_size(expect), json_array_size(rows));
    json_array_foreach(expect, i, want) {
      char where[64];
      snprintf(where, sizeof where, "%s[%zu]", dialect_op_text(op), i);
      const json_t *row = find(rows, want, i);
      if (verdict == VECTOR_PASSED && row == NULL) verdict = vector_fail(r, "%s is not there", where);
      if (verdict == VECTOR_PASSED && !vector_covers(r, want, row, where)) verdict = VECTOR_FAILED;
    }
  }
  json_decref(rows);
  return verdict;
}
