// exchange/orders.c – an order's birth: what the venue checks, in its order, and what it does then.
#include "exchange/core.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int refuse(struct exch *x, int code, const char *msg) {
  snprintf(x->msg, sizeof x->msg, "%s", msg);
  return code;
}

struct exch_order *exch_order_new(struct exch *x, struct exch_account *a, struct exch_symbol *s) {
  if (x->order_count == x->order_cap) {
    size_t cap = x->order_cap > 0 ? x->order_cap * 2 : 256;
    struct exch_order **more = realloc(x->orders, cap * sizeof more[0]);
    if (!more) return NULL;
    x->orders = more;
    x->order_cap = cap;
  }
  struct exch_order *o = calloc(1, sizeof *o);
  if (!o) return NULL;
  o->account = a;
  o->symbol = s;
  exch_id(x, o->id);
  o->seq = o->turn = x->seq;
  o->created_ms = o->updated_ms = x->now_ms;
  o->last_on_created = s->last;
  if (!exch_map_put(&x->by_id, o->id, o)) {
    free(o);
    return NULL;
  }
  x->orders[x->order_count++] = o;
  a->orders++;
  return o;
}

void exch_order_active(struct exch_order *o) {
  struct exch_account *a = o->account;
  o->active_next = a->active;
  if (a->active) a->active->active_prev = o;
  a->active = o;
  a->active_count[o->symbol->index]++;
  if (o->status == EXCH_UNTRIGGERED && !o->whole) a->conditional_count[o->symbol->index]++;
}

void exch_order_close(struct exch *x, struct exch_order *o, enum exch_status status, enum exch_why why) {
  struct exch_account *a = o->account;
  if (!exch_order_open(o)) return;
  if (status == EXCH_CANCELLED && o->status == EXCH_UNTRIGGERED && o->symbol->spot) status = EXCH_DEACTIVATED;  // spot's word for it
  if (o->status == EXCH_UNTRIGGERED && !o->whole) a->conditional_count[o->symbol->index]--;
  exch_book_leave(o);
  if (o->active_prev)
    o->active_prev->active_next = o->active_next;
  else
    a->active = o->active_next;
  if (o->active_next) o->active_next->active_prev = o->active_prev;
  o->active_next = o->active_prev = NULL;
  a->active_count[o->symbol->index]--;
  if (o->pair) {  // on its own from now on
    o->pair->shares = false;
    o->pair->pair = NULL;
    o->pair = NULL;
  }
  o->status = status;
  o->why = why;
  o->updated_ms = x->now_ms;
  struct exch_position *p = &a->positions[o->symbol->index][o->idx];
  if (p->take_profit == o) p->take_profit = NULL;
  if (p->stop_loss == o) p->stop_loss = NULL;
  if (p->trail == o) p->trail = NULL;
  if (x->sink.order) x->sink.order(x->sink.self, o);
  if (o->symbol->spot && status != EXCH_FILLED) exch_trigger_exits(x, o);  // of one that is filled when its execution has been told
}

const char *exch_order_filter(const struct exch_order *o) {
  return o->stop == STOP_NONE ? "Order" : o->stop == STOP_SET_ASIDE ? "tpslOrder" : o->stop == STOP_BIDIRECTIONAL ? "BidirectionalTpslOrder" : "StopOrder";
}

void exch_order_trim(struct exch *x, struct exch_account *a, struct exch_symbol *s, int idx) {
  const struct exch_position *p = &a->positions[s->index][idx];
  int64_t held = p->lots < 0 ? -p->lots : p->lots;
  for (struct exch_order *o = a->active; o;) {
    struct exch_order *next = o->active_next;
    if (o->symbol == s && o->idx == idx && o->reduce_only) {
      bool closes = p->lots != 0 && (p->lots > 0) != o->buy;
      if (!closes && (o->status != EXCH_UNTRIGGERED || o->whole)) {
        exch_order_close(x, o, EXCH_CANCELLED, o->whole ? WHY_TPSL_CLEARED : WHY_REDUCE_ONLY);
        next = a->active;
      } else if (closes && o->whole) {
        o->qty = held;
      } else if (closes && o->status != EXCH_UNTRIGGERED && o->qty - o->filled > held) {
        o->qty = o->filled + held;
        if (x->sink.order) x->sink.order(x->sink.self, o);
      }
    }
    o = next;
  }
}

// Lots that the order may take or leave in the book now.
static int64_t allowed(const struct exch_order *o) {
  int64_t left = o->qty - o->filled;
  if (!o->reduce_only) return left;
  const struct exch_position *p = &o->account->positions[o->symbol->index][o->idx];
  int64_t held = p->lots < 0 ? -p->lots : p->lots;
  if (held == 0 || (p->lots > 0) == o->buy) return 0;
  return left < held ? left : held;
}

void exch_order_execute(struct exch *x, struct exch_order *o) {
  int64_t limit = o->market ? 0 : o->price, want = allowed(o);
  if (want == 0) {
    exch_order_close(x, o, EXCH_CANCELLED, WHY_REDUCE_ONLY);
    return;
  }
  if (o->reduce_only && want < o->qty - o->filled) o->qty = o->filled + want;
  int64_t best = exch_book_best(o->symbol, o->buy);
  bool crosses = best > 0 && (limit == 0 || (o->buy ? best <= limit : best >= limit));
  if (o->tif == TIF_POST_ONLY && crosses) {
    exch_order_close(x, o, EXCH_CANCELLED, WHY_POST_ONLY);
    return;
  }
  if (o->tif == TIF_FOK && exch_book_available(o->symbol, o->buy, limit) < want) {
    exch_order_close(x, o, EXCH_CANCELLED, WHY_NO_IMMEDIATE);
    return;
  }
  int64_t most = want;
  if (x->partial_cancel_e8 > 0) {
    most = (int64_t)div_ceil((int128)want * x->partial_cancel_e8, RATE_ONE);
    if (most >= want && want > 1) most = want - 1;
  }
  if (crosses) exch_book_take(x, o, most);
  if (x->partial_cancel_e8 > 0 && exch_order_open(o)) {
    x->partial_cancel_e8 = 0;
    exch_order_close(x, o, EXCH_CANCELLED, WHY_ADMIN);
  }
  if (!exch_order_open(o)) return;
  if (o->market || o->tif == TIF_IOC || o->tif == TIF_FOK) {
    exch_order_close(x, o, EXCH_CANCELLED, WHY_NO_IMMEDIATE);
    return;
  }
  exch_book_rest(o);
  if (o->filled == 0 && x->sink.order) x->sink.order(x->sink.self, o);
}

// ---- what a request says ----

static const struct {
  const char *text;
  int value;
} tifs[] = {{"", TIF_GTC}, {"GTC", TIF_GTC}, {"IOC", TIF_IOC}, {"FOK", TIF_FOK}, {"PostOnly", TIF_POST_ONLY}},
  bys[] = {{"", BY_LAST}, {"LastPrice", BY_LAST}, {"MarkPrice", BY_MARK}, {"IndexPrice", BY_INDEX}};
static bool find_tif(const char *text, enum exch_tif *ret) {
  for (size_t i = 0; i < sizeof tifs / sizeof tifs[0]; i++)
    if (strcmp(tifs[i].text, text) == 0) return *ret = (enum exch_tif)tifs[i].value, true;
  return false;
}
static bool find_by(const char *text, enum exch_by *ret) {
  for (size_t i = 0; i < sizeof bys / sizeof bys[0]; i++)
    if (strcmp(bys[i].text, text) == 0) return *ret = (enum exch_by)bys[i].value, true;
  return false;
}

struct wish {
  struct exch_symbol *symbol;
  bool buy, market, reduce_only, close_on_trigger, tpsl_partial, set_aside;
  enum exch_tif tif;
  enum exch_by trigger_by, tp_by, sl_by;
  int64_t price, lots, trigger, direction, idx, take_profit, stop_loss, tp_limit, sl_limit;
  char link[64];
};

static bool link_valid(const char *link) {
  if (strlen(link) >= EXCH_ID_MAX) return false;
  for (; *link; link++)
    if (!isalnum((unsigned char)*link) && *link != '-' && *link != '_') return false;
  return true;
}

// Of a spot order at the market a buy is by value, unless marketUnit says otherwise; a sell by what it says.
static bool read_lots(const json_t *p, struct wish *w) {
  char unit[64], qty[64];
  int64_t value_e8;
  exch_param_text(p, "marketUnit", unit);
  const bool by_value = w->symbol->spot && w->market && (strcmp(unit, "quoteCoin") == 0 || (w->buy && !unit[0]));
  if (!by_value) return exch_param_lots(p, "qty", w->symbol, &w->lots);
  const int64_t best = exch_book_best(w->symbol, w->buy), px = best > 0 ? best : w->symbol->last;
  exch_param_text(p, "qty", qty);
  if (!decimal_parse_scaled(qty, strlen(qty), 8, &value_e8) || value_e8 < 0) return false;
  w->lots = px > 0 ? value_e8 / exch_value(w->symbol, px, 1) : 0;
  return true;
}

// What spot has not, or this one of it.
static int check_spot(struct exch *x, const struct wish *w) {
  if (w->reduce_only || w->idx != 0) return refuse(x, CODE_PARAMS, "params error: spot has no positions");
  if ((w->take_profit > 0 || w->stop_loss > 0) && (w->market || w->trigger > 0)) return CODE_SPOT_PARAMETER;
  return CODE_OK;
}

// Spot: an exit is at the market, or at the limit that is given. False: a limit that is none, or is missing.
static bool read_exit(const json_t *p, const struct exch_symbol *s, const char *type, const char *limit, int64_t *ret) {
  char text[64];
  if (!exch_param_ticks(p, limit, s, ret)) return false;
  exch_param_text(p, type, text);
  return text[0] == '\0' || strcmp(text, *ret > 0 ? "Limit" : "Market") == 0;
}

// Spot: orderFilter says what an order with a trigger is; without it the trigger counts for nothing. Which way the price must go is not said:
// from where it is.
static int read_filter(struct exch *x, const json_t *p, struct wish *w) {
  char filter[64];
  exch_param_text(p, "orderFilter", filter);
  w->set_aside = strcmp(filter, "tpslOrder") == 0;
  const bool waits = w->set_aside || strcmp(filter, "StopOrder") == 0;
  if (!waits && filter[0] && strcmp(filter, "Order") != 0) return refuse(x, CODE_PARAMS, "params error: orderFilter invalid");
  if (waits && w->trigger == 0) return refuse(x, CODE_PARAMS, "params error: triggerPrice is required");
  if (!waits) w->trigger = 0;
  if (!read_exit(p, w->symbol, "tpOrderType", "tpLimitPrice", &w->tp_limit) || !read_exit(p, w->symbol, "slOrderType", "slLimitPrice", &w->sl_limit))
    return refuse(x, CODE_PARAMS, "params error: tpOrderType, slOrderType or their limit prices invalid");
  w->trigger_by = BY_LAST;
  w->direction = w->trigger == 0 ? 0 : w->trigger > w->symbol->last ? 1 : 2;
  return CODE_OK;
}

static int read_wish(struct exch *x, json_t *p, struct wish *w) {
  char text[64];
  *w = (struct wish){0};
  bool spot;
  if (!exch_param_category(x, p, &spot)) return refuse(x, CODE_PARAMS, "category: linear is traded here, and spot with --spot");
  w->symbol = exch_symbol_in(x, spot, exch_param_text(p, "symbol", text));
  if (!w->symbol) return refuse(x, CODE_PARAMS, "params error: symbol invalid");
  exch_param_text(p, "side", text);
  if (strcasecmp(text, "Buy") != 0 && strcasecmp(text, "Sell") != 0)
    return refuse(x, CODE_PARAMS, "params error: Side invalid");
  w->buy = strcasecmp(text, "Buy") == 0;
  exch_param_text(p, "orderType", text);
  if (strcasecmp(text, "Market") != 0 && strcasecmp(text, "Limit") != 0)
    return refuse(x, CODE_PARAMS, "params error: OrderType invalid");
  w->market = strcasecmp(text, "Market") == 0;
  if (!find_tif(exch_param_text(p, "timeInForce", text), &w->tif))
    return refuse(x, CODE_PARAMS, "params error: TimeInForce invalid");
  if (w->market) w->tif = TIF_IOC;
  if (!find_by(exch_param_text(p, "triggerBy", text), &w->trigger_by) ||
      !find_by(exch_param_text(p, "tpTriggerBy", text), &w->tp_by) ||
      !find_by(exch_param_text(p, "slTriggerBy", text), &w->sl_by))
    return refuse(x, CODE_PARAMS, "params error: TriggerBy invalid");
  if (!read_lots(p, w)) return refuse(x, CODE_PARAMS, "params error: Qty invalid");
  if (!exch_param_ticks(p, "price", w->symbol, &w->price) || (!w->market && w->price == 0))
    return refuse(x, CODE_PARAMS, "params error: Price invalid");
  if (!exch_param_ticks(p, "triggerPrice", w->symbol, &w->trigger) ||
      !exch_param_ticks(p, "takeProfit", w->symbol, &w->take_profit) ||
      !exch_param_ticks(p, "stopLoss", w->symbol, &w->stop_loss))
    return refuse(x, CODE_PARAMS, "params error: trigger, take profit or stop loss price invalid");
  if (!exch_param_int(p, "triggerDirection", 0, &w->direction) || w->direction < 0 || w->direction > 2 ||
      (w->trigger > 0 && w->direction == 0 && !spot))
    return refuse(x, CODE_PARAMS, "params error: TriggerDirection invalid");
  if (!exch_param_int(p, "positionIdx", 0, &w->idx) || w->idx < 0 || w->idx > 2)
    return refuse(x, CODE_PARAMS, "params error: positionIdx invalid");
  w->reduce_only = exch_param_bool(p, "reduceOnly");
  w->close_on_trigger = exch_param_bool(p, "closeOnTrigger");
  if (w->close_on_trigger) w->reduce_only = true;
  w->tpsl_partial = strcmp(exch_param_text(p, "tpslMode", text), "Partial") == 0;
  exch_param_text(p, "orderLinkId", w->link);
  if (!link_valid(w->link)) return refuse(x, CODE_PARAMS, "params error: OrderLinkId invalid");
  if (w->market) w->price = 0;
  return spot ? read_filter(x, p, w) : CODE_OK;
}

// Prices and sizes against the symbol's limits and the market.
static int check_limits(struct exch *x, const struct exch_account *a, struct wish *w) {
  const struct exch_symbol *s = w->symbol;
  int64_t reference = s->mark > 0 ? s->mark : s->last;
  if (a->hedge[s->index] != (w->idx > 0)) return refuse(x, CODE_PARAMS, "position idx not match position mode");
  if (w->lots == 0 && w->reduce_only && w->close_on_trigger) {  // the whole position
    int64_t held = a->positions[s->index][w->idx].lots;
    w->lots = held < 0 ? -held : held;
    if (w->lots == 0) return refuse(x, CODE_REDUCE_ONLY, "current position is zero, cannot fix reduce-only order qty");
  }
  int64_t lots_max = w->market ? s->max_market_lots : s->max_lots;
  if (w->lots < 1) return refuse(x, CODE_PARAMS, "The number of contracts below minimum limit allowed");
  if (w->lots > lots_max)
    return refuse(x, CODE_PARAMS, "The number of contracts exceeds maximum limit allowed: too large");
  if (w->market && reference == 0) return refuse(x, CODE_PARAMS, "params error: there is no market yet");
  int64_t margin = (int64_t)((int128)reference * s->price_limit_e8 / RATE_ONE);
  bool through =
    reference > 0 && w->trigger == 0 && (w->buy ? w->price > reference + margin : w->price < reference - margin);
  if (!w->market && (w->price < s->min_price || w->price > s->max_price || through)) return CODE_PRICE;
  int64_t at = w->market ? reference : w->price;
  if (!w->reduce_only && exch_value(s, at, w->lots) < s->inst.min_notional.e8) return CODE_NOTIONAL;
  if (w->trigger > s->max_price || w->take_profit > s->max_price || w->stop_loss > s->max_price) return CODE_PRICE;
  if (w->reduce_only && (w->take_profit > 0 || w->stop_loss > 0))
    return refuse(x, CODE_PARAMS, "TP/SL are not accepted for a reduce-only order");
  if (w->take_profit > 0 && at > 0 && (w->take_profit > at) != w->buy)
    return refuse(x, CODE_PARAMS,
      w->buy ? "TakeProfit of a Buy position should be higher than base_price"
             : "TakeProfit of a Sell position should be lower than base_price");
  if (w->stop_loss > 0 && at > 0 && (w->stop_loss < at) != w->buy)
    return refuse(x, CODE_PARAMS,
      w->buy ? "StopLoss of a Buy position should be lower than base_price"
             : "StopLoss of a Sell position should be higher than base_price");
  if (w->trigger > 0) {
    int64_t now = w->trigger_by == BY_LAST ? s->last : w->trigger_by == BY_MARK ? s->mark : s->index_price;
    if (now > 0 && (w->direction == 1 ? w->trigger <= now : w->trigger >= now)) return CODE_TRIGGER;
  }
  return CODE_OK;
}

static int check_account(struct exch *x, const struct exch_account *a, const struct wish *w) {
  const struct exch_symbol *s = w->symbol;
  if (w->link[0] && exch_map_get(&a->by_link, w->link)) return CODE_DUPLICATE;
  if (a->active_count[s->index] - a->conditional_count[s->index] >= EXCH_ACTIVE_MAX) return CODE_ACTIVE;
  if (w->trigger > 0 && a->conditional_count[s->index] >= (s->spot ? EXCH_SPOT_CONDITIONAL_MAX : EXCH_CONDITIONAL_MAX)) return CODE_CONDITIONALS;
  if (w->trigger > 0 && !w->set_aside) return CODE_OK;
  if (s->spot && !w->buy) return exch_margin_coins_free(a, s) >= w->lots * RATE_ONE ? CODE_OK : CODE_BALANCE;
  if (w->reduce_only) {
    int64_t held = a->positions[s->index][w->idx].lots;
    return held == 0 || (held > 0) == w->buy
             ? refuse(x, CODE_REDUCE_ONLY, "current position is zero, cannot fix reduce-only order qty")
             : CODE_OK;
  }
  if ((w->idx == 1 && !w->buy) || (w->idx == 2 && w->buy)) {  // in hedge mode that side can only be closed by it
    int64_t held = a->positions[s->index][w->idx].lots;
    if ((held < 0 ? -held : held) < w->lots) return refuse(x, CODE_REDUCE_ONLY, "orderQty will be truncated to zero.");
    return CODE_OK;
  }
  int64_t best = exch_book_best(s, w->buy), at = !w->market        ? w->price
                                                 : w->trigger > 0 ? w->trigger
                                                 : best > 0       ? best
                                                 : s->mark > 0    ? s->mark
                                                                  : s->last;
  int64_t value = exch_value(s, at, w->lots), fee = (int64_t)div_ceil((int128)value * s->taker_e8, RATE_ONE);
  return exch_margin_allows(x, a, s, w->buy, (int)w->idx, value, fee) ? CODE_OK : CODE_BALANCE;
}

int exch_order_create(struct exch *x, struct exch_account *a, json_t *p, json_t **ret) {
  struct wish w;
  int code = read_wish(x, p, &w);
  if (code == CODE_OK && w.symbol->spot) code = check_spot(x, &w);
  if (code == CODE_OK) code = check_limits(x, a, &w);
  if (code == CODE_OK) code = check_account(x, a, &w);
  if (code != CODE_OK) return w.symbol && w.symbol->spot ? exch_code_of_spot(code) : code;
  struct exch_order *o = exch_order_new(x, a, w.symbol);
  if (!o) return CODE_INTERNAL;
  snprintf(o->link, sizeof o->link, "%.36s", w.link);
  if (o->link[0] && !exch_map_put(&a->by_link, o->link, o)) return CODE_INTERNAL;
  o->buy = w.buy;
  o->market = w.market;
  o->reduce_only = w.reduce_only || (w.idx == 1 && !w.buy) || (w.idx == 2 && w.buy);
  o->close_on_trigger = w.close_on_trigger;
  o->idx = (uint8_t)w.idx;
  o->tif = w.tif;
  o->price = w.price;
  o->qty = w.lots;
  o->trigger = w.trigger;
  o->direction = (int)w.direction;
  o->trigger_by = w.trigger_by;
  o->stop = w.trigger == 0 ? STOP_NONE : w.set_aside ? STOP_SET_ASIDE : STOP_PLAIN;
  o->take_profit = w.take_profit;
  o->stop_loss = w.stop_loss;
  o->tp_limit = w.tp_limit;
  o->sl_limit = w.sl_limit;
  o->tp_by = w.tp_by;
  o->sl_by = w.sl_by;
  o->tpsl_partial = w.tpsl_partial;
  o->status = w.trigger > 0 ? EXCH_UNTRIGGERED : EXCH_NEW;
  exch_order_active(o);
  if (o->status == EXCH_UNTRIGGERED) {
    if (x->sink.order) x->sink.order(x->sink.self, o);
  } else {
    exch_order_execute(x, o);
    exch_trigger_run(x, o->symbol);
  }
  if (x->sink.wallet) x->sink.wallet(x->sink.self, a);
  if (x->sink.market) x->sink.market(x->sink.self, o->symbol);
  *ret = json_pack("{s:s, s:s}", "orderId", o->id, "orderLinkId", o->link);
  return CODE_OK;
}
