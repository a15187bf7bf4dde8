// exchange/change.c – what clients change: amend, cancel, leverage, modes.
#include "exchange/core.h"

#include <stdio.h>
#include <string.h>

static int refuse(struct exch *x, int code, const char *msg) {
  snprintf(x->msg, sizeof x->msg, "%s", msg);
  return code;
}

// The open order that a request means; else why not.
static int find_open(struct exch *x, struct exch_account *a, const json_t *p, struct exch_order **ret) {
  char symbol[64], id[64], link[64];
  bool spot;
  const bool there = exch_param_category(x, p, &spot);
  if (!there) return spot ? CODE_NO_ORDER : refuse(x, CODE_PARAMS, "category: linear is traded here, and spot with --spot");
  if (!exch_symbol_in(x, spot, exch_param_text(p, "symbol", symbol)))
    return refuse(x, CODE_PARAMS, "params error: symbol invalid");
  exch_param_text(p, "orderId", id);
  exch_param_text(p, "orderLinkId", link);
  if (!id[0] && !link[0]) return refuse(x, CODE_PARAMS, "params error: orderId or orderLinkId is required");
  struct exch_order *o = exch_find(x, a, id, link);
  if (!o || o->symbol->spot != spot || strcmp(o->symbol->inst.symbol, symbol) != 0) return CODE_NO_ORDER;
  if (o->status == EXCH_FILLED) return CODE_FINISHED;
  if (!exch_order_open(o)) return o->status == EXCH_CANCELLED ? CODE_CANCELLED : CODE_NO_ORDER;
  *ret = o;
  return CODE_OK;
}

// In the words of the category that was asked.
static int answer(const json_t *p, int code) {
  char category[64];
  return strcmp(exch_param_text(p, "category", category), "spot") == 0 ? exch_code_of_spot(code) : code;
}

static json_t *ids(const struct exch_order *o) {
  return json_pack("{s:s, s:s}", "orderId", o->id, "orderLinkId", o->link);
}

// Spot keeps its orders apart: whoever cancels says which kind, and without a word means those that do not wait.
static bool meant(const struct exch_order *o, const json_t *p) {
  char filter[64];
  const char *kind = o->status != EXCH_UNTRIGGERED ? "Order" : exch_order_filter(o);
  return strcmp(exch_param_text(p, "orderFilter", filter)[0] ? filter : "Order", kind) == 0;
}

int exch_order_cancel(struct exch *x, struct exch_account *a, json_t *p, json_t **ret) {
  struct exch_order *o;
  int code = find_open(x, a, p, &o);
  if (code == CODE_OK && o->symbol->spot && !meant(o, p)) code = CODE_NO_ORDER;
  if (code != CODE_OK) return answer(p, code);
  exch_order_close(x, o, EXCH_CANCELLED, WHY_USER);
  if (x->sink.wallet) x->sink.wallet(x->sink.self, a);
  if (x->sink.market) x->sink.market(x->sink.self, o->symbol);
  *ret = ids(o);
  return CODE_OK;
}

int exch_order_cancel_all(struct exch *x, struct exch_account *a, json_t *p, json_t **ret) {
  char text[64], filter[64], coin[64];
  bool spot;
  if (!exch_param_category(x, p, &spot)) return refuse(x, CODE_PARAMS, "category: linear is traded here, and spot with --spot");
  exch_param_text(p, "symbol", text);
  exch_param_text(p, "orderFilter", filter);
  const struct exch_symbol *s = text[0] ? exch_symbol_in(x, spot, text) : NULL;
  if (text[0] && !s) return refuse(x, CODE_PARAMS, "params error: symbol invalid");
  if (!s && !spot && !exch_param_text(p, "settleCoin", coin)[0] && !exch_param_text(p, "baseCoin", coin)[0])
    return refuse(x, CODE_PARAMS, "params error: symbol, baseCoin or settleCoin is required");
  json_t *list = json_array();
  for (struct exch_order *o = a->active; o;) {
    bool conditional = o->status == EXCH_UNTRIGGERED;
    bool wanted = (s ? o->symbol == s : o->symbol->spot == spot) && (spot ? meant(o, p) : !filter[0] || (strcmp(filter, "Order") == 0) == !conditional);
    if (wanted) {
      json_array_append_new(list, ids(o));
      exch_order_close(x, o, EXCH_CANCELLED, WHY_USER);
    }
    o = wanted ? a->active : o->active_next;
  }
  if (x->sink.wallet) x->sink.wallet(x->sink.self, a);
  *ret = json_pack("{s:o, s:s}", "list", list, "success", "1");
  return CODE_OK;
}

int exch_order_amend(struct exch *x, struct exch_account *a, json_t *p, json_t **ret) {
  struct exch_order *o;
  int64_t lots, px, trigger, tp, sl;
  int code = find_open(x, a, p, &o);
  if (code != CODE_OK) return answer(p, code);
  struct exch_symbol *s = o->symbol;
  if (!exch_param_lots(p, "qty", s, &lots)) return refuse(x, CODE_PARAMS, "params error: Qty invalid");
  if (!exch_param_ticks(p, "price", s, &px) || !exch_param_ticks(p, "triggerPrice", s, &trigger) ||
      !exch_param_ticks(p, "takeProfit", s, &tp) || !exch_param_ticks(p, "stopLoss", s, &sl))
    return refuse(x, CODE_PARAMS, "params error: Price invalid");
  if (lots == 0) lots = o->qty;
  if (px == 0 || o->market) px = o->price;
  if (trigger == 0 || o->status != EXCH_UNTRIGGERED) trigger = o->trigger;
  bool stops = json_object_get(p, "takeProfit") || json_object_get(p, "stopLoss");
  if (lots == o->qty && px == o->price && trigger == o->trigger && !stops)
    return refuse(x, CODE_PARAMS, "The order remains unchanged as the parameters entered match the existing ones.");
  if (lots <= o->filled) return refuse(x, CODE_PARAMS, "params error: Qty must be above what is already filled");
  if (lots > s->max_lots)
    return refuse(x, CODE_PARAMS, "The number of contracts exceeds maximum limit allowed: too large");
  if (px > s->max_price || trigger > s->max_price) return answer(p, CODE_PRICE);
  bool resting = o->status != EXCH_UNTRIGGERED;
  if (exch_order_holds(o) && !o->reduce_only) {
    bool at_trigger = !resting && o->market;
    int64_t before = exch_value(s, at_trigger ? o->trigger : o->price, o->qty - o->filled), after = exch_value(s, at_trigger ? trigger : px, lots - o->filled);
    if (!o->market && exch_value(s, px, lots) < s->inst.min_notional.e8) return answer(p, CODE_NOTIONAL);
    if (s->spot && !o->buy && exch_margin_coins_free(a, s) < (lots - o->qty) * RATE_ONE) return answer(p, CODE_BALANCE);
    if (after > before && !exch_margin_allows(x, a, s, o->buy, o->idx, after - before, 0)) return answer(p, CODE_BALANCE);
  }
  bool loses_place = px != o->price || lots > o->qty;
  if (resting && loses_place) exch_book_leave(o);
  o->qty = lots;
  o->price = px;
  if (s->spot && trigger != o->trigger) {  // from where the price is now
    o->direction = trigger > s->last ? 1 : 2;
    o->last_on_created = s->last;
  }
  o->trigger = trigger;
  if (json_object_get(p, "takeProfit")) o->take_profit = tp;
  if (json_object_get(p, "stopLoss")) o->stop_loss = sl;
  o->updated_ms = x->now_ms;
  if (resting && loses_place) {
    o->turn = ++x->seq;  // behind those that were there
    int64_t filled = o->filled;
    exch_order_execute(x, o);
    if (o->filled > 0 && o->filled == filled && exch_order_open(o) && x->sink.order) x->sink.order(x->sink.self, o);
    exch_trigger_run(x, s);
  } else if (x->sink.order) {
    x->sink.order(x->sink.self, o);
  }
  if (x->sink.wallet) x->sink.wallet(x->sink.self, a);
  if (x->sink.market) x->sink.market(x->sink.self, s);
  *ret = ids(o);
  return CODE_OK;
}

// ---- settings ----

static bool has_open(const struct exch_account *a, const struct exch_symbol *s) {
  return a->active_count[s->index] > 0;
}
static bool has_position(const struct exch_account *a, const struct exch_symbol *s) {
  for (int k = 0; k < 3; k++)
    if (a->positions[s->index][k].lots != 0) return true;
  return false;
}

int exch_position_leverage(struct exch *x, struct exch_account *a, json_t *p, json_t **ret) {
  char symbol[64], buy[64], sell[64];
  struct exch_leverage l;
  struct exch_symbol *s = exch_symbol(x, exch_param_text(p, "symbol", symbol));
  if (!s) return refuse(x, CODE_PARAMS, "params error: symbol invalid");
  exch_param_text(p, "buyLeverage", buy);
  exch_param_text(p, "sellLeverage", sell);
  if (!decimal_parse_scaled(buy, strlen(buy), 2, &l.buy_e2) || !decimal_parse_scaled(sell, strlen(sell), 2, &l.sell_e2))
    return refuse(x, CODE_PARAMS, "params error: leverage invalid");
  if (l.buy_e2 < 100 || l.sell_e2 < 100 || l.buy_e2 > s->max_leverage_e2 || l.sell_e2 > s->max_leverage_e2)
    return CODE_LEVERAGE;
  if (!a->hedge[s->index] && l.buy_e2 != l.sell_e2)
    return refuse(x, CODE_PARAMS, "buyLeverage must be the same as sellLeverage in one-way mode");
  struct exch_leverage *had = &a->leverage[s->index], before = *had;
  if (had->buy_e2 == l.buy_e2 && had->sell_e2 == l.sell_e2) return CODE_LEVERAGE_SAME;
  *had = l;
  struct exch_margin m;
  exch_margin_of(x, a, &m);
  if ((l.buy_e2 < before.buy_e2 || l.sell_e2 < before.sell_e2) && m.position_im + m.order_im > m.equity) {
    *had = before;
    return CODE_BALANCE;
  }
  for (int k = 0; k < 3; k++)
    if (x->sink.position && a->positions[s->index][k].lots != 0) x->sink.position(x->sink.self, a, s, k);
  *ret = json_object();
  return CODE_OK;
}

int exch_position_mode(struct exch *x, struct exch_account *a, json_t *p, json_t **ret) {
  char symbol[64], coin[64];
  int64_t mode;
  const struct exch_symbol *one = NULL;
  if (exch_param_text(p, "symbol", symbol)[0]) {
    one = exch_symbol(x, symbol);
    if (!one) return refuse(x, CODE_PARAMS, "params error: symbol invalid");
  } else if (!exch_param_text(p, "coin", coin)[0]) {
    return refuse(x, CODE_PARAMS, "params error: symbol or coin is required");
  }
  if (!exch_param_int(p, "mode", -1, &mode) || (mode != 0 && mode != 3))
    return refuse(x, CODE_PARAMS, "params error: mode invalid");
  bool changed = false;
  for (int i = 0; i < x->symbol_count; i++) {
    const struct exch_symbol *s = &x->symbols[i];
    if (s->spot || (one && s != one) || a->hedge[i] == (mode == 3)) continue;
    if (has_position(a, s)) return CODE_MODE_POSITION;
    if (has_open(a, s)) return CODE_MODE_ORDERS;
    a->hedge[i] = mode == 3;
    changed = true;
  }
  if (!changed) return CODE_MODE_SAME;
  *ret = json_object();
  return CODE_OK;
}

int exch_account_margin_mode(struct exch *x, struct exch_account *a, json_t *p, json_t **ret) {
  char mode[64];
  exch_param_text(p, "setMarginMode", mode);
  if (strcmp(mode, "ISOLATED_MARGIN") != 0 && strcmp(mode, "REGULAR_MARGIN") != 0)
    return refuse(x, CODE_PARAMS, "params error: setMarginMode: REGULAR_MARGIN or ISOLATED_MARGIN");
  bool isolated = mode[0] == 'I';
  if (isolated == a->isolated) return CODE_MARGIN_SAME;
  for (int i = 0; i < x->symbol_count; i++) {
    if (x->symbols[i].spot) continue;
    if (has_position(a, &x->symbols[i])) return CODE_MODE_POSITION;
    if (has_open(a, &x->symbols[i])) return CODE_MODE_ORDERS;
  }
  a->isolated = isolated;
  *ret = json_pack("{s:[]}", "reasons");
  return CODE_OK;
}
