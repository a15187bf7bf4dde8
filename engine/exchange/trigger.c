// exchange/trigger.c – orders that wait for a price: conditional orders, take profit and stop loss of a position, trailing stops.
#include "exchange/core.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 64  // orders that trigger orders that trigger orders …

static int64_t price_by(const struct exch_symbol *s, enum exch_by by) {
  return by == BY_LAST ? s->last : by == BY_MARK ? s->mark : s->index_price;
}

static bool is_due(const struct exch_order *o) {
  int64_t now = price_by(o->symbol, o->trigger_by);
  return now > 0 && (o->direction == 1 ? now >= o->trigger : now <= o->trigger);
}

// While it waits: what is active counts by itself. What was set aside for it is there.
static bool affords(const struct exch *x, const struct exch_order *o) {
  const struct exch_symbol *s = o->symbol;
  const bool has = exch_order_holds(o);
  if (o->reduce_only) return true;
  if (s->spot && !o->buy) return exch_margin_coins_free(o->account, s) >= (has ? 0 : o->qty * RATE_ONE);
  const int64_t at = o->market ? price_by(s, BY_LAST) : o->price;
  const int64_t value = exch_value(s, at, o->qty) - (has ? exch_value(s, o->market ? o->trigger : o->price, o->qty) : 0);
  return value <= 0 || exch_margin_allows(x, o->account, s, o->buy, o->idx, value, (int64_t)div_ceil((int128)value * s->taker_e8, RATE_ONE));
}

static void fire(struct exch *x, struct exch_order *o) {
  struct exch_account *a = o->account;
  const struct exch_symbol *s = o->symbol;
  if (o->pair) exch_order_close(x, o->pair, EXCH_CANCELLED, WHY_TPSL_CLEARED);  // what was set aside for it is this one's
  if (!affords(x, o)) {
    exch_order_close(x, o, EXCH_REJECTED, WHY_NO_BALANCE);
    return;
  }
  if (!o->whole) a->conditional_count[s->index]--;
  o->status = EXCH_NEW;
  o->updated_ms = x->now_ms;
  // From now on it is an order like others, no longer tied to the position's settings.
  struct exch_position *p = &a->positions[s->index][o->idx];
  if (p->take_profit == o) p->take_profit = NULL;
  if (p->stop_loss == o) p->stop_loss = NULL;
  if (p->trail == o) {
    p->trail = NULL;
    p->trailing = 0;
  }
  o->whole = false;
  exch_order_execute(x, o);
}

static void trail(struct exch *x, struct exch_symbol *s) {
  for (int i = 0; i < x->account_count; i++) {
    for (int k = 0; k < 3; k++) {
      struct exch_position *p = &x->accounts[i]->positions[s->index][k];
      if (!p->trail || p->lots == 0) continue;
      bool is_long = p->lots > 0;
      if (p->trailing_from > 0 && (is_long ? s->last < p->trailing_from : s->last > p->trailing_from)) continue;
      p->trailing_from = 0;
      if (p->trailing_best != 0 && (is_long ? s->last <= p->trailing_best : s->last >= p->trailing_best)) continue;
      p->trailing_best = s->last;
      p->trail->trigger = is_long ? s->last - p->trailing : s->last + p->trailing;
      if (x->sink.order) x->sink.order(x->sink.self, p->trail);
    }
  }
}

void exch_trigger_run(struct exch *x, struct exch_symbol *s) {
  if (x->trigger_depth > 0 || s->last == 0) return;  // the call that goes on looks again
  x->trigger_depth++;
  for (int round = 0; round < DEPTH_MAX; round++) {
    trail(x, s);
    struct exch_order *due = NULL;  // the oldest of all accounts
    for (int i = 0; i < x->account_count; i++) {
      if (x->accounts[i]->active_count[s->index] == 0) continue;
      for (struct exch_order *o = x->accounts[i]->active; o; o = o->active_next)
        if (o->symbol == s && o->status == EXCH_UNTRIGGERED && o->trigger > 0 && is_due(o) &&
            (!due || o->seq < due->seq))
          due = o;
    }
    if (!due) break;
    fire(x, due);
  }
  x->trigger_depth--;
}

// ---- a position's own ----

static struct exch_order *whole_order(
  struct exch *x, struct exch_account *a, struct exch_symbol *s, int idx, enum exch_stop stop) {
  const struct exch_position *p = &a->positions[s->index][idx];
  struct exch_order *o = exch_order_new(x, a, s);
  if (!o) return NULL;
  o->buy = p->lots < 0;
  o->market = true;
  o->tif = TIF_IOC;
  o->idx = (uint8_t)idx;
  o->qty = p->lots < 0 ? -p->lots : p->lots;
  o->reduce_only = o->close_on_trigger = o->whole = true;
  o->stop = stop;
  o->status = EXCH_UNTRIGGERED;
  return o;
}

void exch_trigger_position(
  struct exch *x, struct exch_account *a, struct exch_symbol *s, int idx, bool profit, int64_t px, enum exch_by by) {
  struct exch_position *p = &a->positions[s->index][idx];
  struct exch_order **slot = profit ? &p->take_profit : &p->stop_loss;
  if (*slot && px == 0) {
    exch_order_close(x, *slot, EXCH_CANCELLED, WHY_TPSL_CLEARED);  // clears the slot
    return;
  }
  if (px == 0) return;
  bool fresh = !*slot;
  if (fresh) *slot = whole_order(x, a, s, idx, profit ? STOP_TAKE_PROFIT : STOP_LOSS);
  struct exch_order *o = *slot;
  if (!o || (!fresh && o->trigger == px && o->trigger_by == by)) return;
  o->trigger = px;
  o->trigger_by = by;
  o->direction = profit == (p->lots > 0) ? 1 : 2;
  o->updated_ms = x->now_ms;
  if (fresh) exch_order_active(o);
  if (x->sink.order) x->sink.order(x->sink.self, o);
}

void exch_trigger_trail(
  struct exch *x, struct exch_account *a, struct exch_symbol *s, int idx, int64_t distance, int64_t from) {
  struct exch_position *p = &a->positions[s->index][idx];
  p->trailing = distance;
  p->trailing_best = 0;
  p->trailing_from = from;
  if (p->trail && distance == 0) exch_order_close(x, p->trail, EXCH_CANCELLED, WHY_TPSL_CLEARED);
  if (distance == 0) return;
  if (!p->trail) {
    p->trail = whole_order(x, a, s, idx, STOP_TRAILING);
    if (!p->trail) return;
    p->trail->direction = p->lots > 0 ? 2 : 1;
    exch_order_active(p->trail);
    if (from > 0 && x->sink.order) x->sink.order(x->sink.self, p->trail);
  }
}

// ---- exits of spot: orders of their own, for which one amount is set aside ----

static struct exch_order *exit_order(struct exch *x, const struct exch_order *entry, bool profit, int64_t lots) {
  const int64_t limit = profit ? entry->tp_limit : entry->sl_limit, trigger = profit ? entry->take_profit : entry->stop_loss;
  struct exch_order *o = trigger > 0 ? exch_order_new(x, entry->account, entry->symbol) : NULL;
  if (!o) return NULL;
  o->buy = !entry->buy;
  o->market = limit == 0;
  o->price = limit;
  o->tif = o->market ? TIF_IOC : TIF_GTC;
  o->qty = lots;
  o->trigger = trigger;
  o->direction = profit == entry->buy ? 1 : 2;
  o->stop = STOP_BIDIRECTIONAL;
  o->status = EXCH_UNTRIGGERED;
  return o;
}

static void begin_exit(struct exch *x, struct exch_order *o, bool room) {
  if (!o) return;
  exch_order_active(o);
  if (!room) exch_order_close(x, o, EXCH_REJECTED, WHY_NO_BALANCE);
  else if (x->sink.order) x->sink.order(x->sink.self, o);
}

void exch_trigger_exits(struct exch *x, const struct exch_order *entry) {
  struct exch_account *a = entry->account;
  struct exch_symbol *s = entry->symbol;
  const int64_t lots = entry->buy ? (entry->filled * RATE_ONE - entry->fee_e8) / RATE_ONE : entry->filled;  // the fee of a buy is taken out of the coins
  if (lots <= 0) return;
  struct exch_order *profit = exit_order(x, entry, true, lots), *loss = exit_order(x, entry, false, lots), *dear = loss ? loss : profit;
  if (!dear) return;
  // To buy back costs more at the stop than at the target.
  const int64_t value = exch_value(s, dear->market ? dear->trigger : dear->price, lots);
  bool room = a->conditional_count[s->index] + (profit && loss ? 2 : 1) <= EXCH_SPOT_CONDITIONAL_MAX;
  room = room && (dear->buy ? exch_margin_allows(x, a, s, true, 0, value, (int64_t)div_ceil((int128)value * s->taker_e8, RATE_ONE)) : exch_margin_coins_free(a, s) >= lots * RATE_ONE);
  if (profit && loss && room) {
    profit->pair = loss;
    loss->pair = profit;
    profit->shares = true;
  }
  begin_exit(x, profit, room);
  begin_exit(x, loss, room);
}

// A part of the position with a size of its own.
int exch_trigger_part(struct exch *x, struct exch_account *a, struct exch_symbol *s, int idx, bool profit, int64_t px,
  int64_t lots, enum exch_by by) {
  if (a->conditional_count[s->index] >= EXCH_CONDITIONAL_MAX) return CODE_CONDITIONALS;
  struct exch_order *o = whole_order(x, a, s, idx, profit ? STOP_PART_PROFIT : STOP_PART_LOSS);
  if (!o) return CODE_INTERNAL;
  o->whole = false;
  if (lots < o->qty) o->qty = lots;
  o->trigger = px;
  o->trigger_by = by;
  o->direction = profit == (a->positions[s->index][idx].lots > 0) ? 1 : 2;
  exch_order_active(o);
  if (x->sink.order) x->sink.order(x->sink.self, o);
  return CODE_OK;
}

static enum exch_by by_of(const json_t *p, const char *key) {
  char text[64];
  exch_param_text(p, key, text);
  return strcmp(text, "MarkPrice") == 0 ? BY_MARK : strcmp(text, "IndexPrice") == 0 ? BY_INDEX : BY_LAST;
}

int exch_position_stop(struct exch *x, struct exch_account *a, json_t *p, json_t **ret) {
  char text[64];
  int64_t idx, tp, sl, trailing, from, tp_lots, sl_lots;
  struct exch_symbol *s = exch_symbol(x, exch_param_text(p, "symbol", text));
  if (!s || !exch_param_int(p, "positionIdx", 0, &idx) || idx < 0 || idx > 2 ||
      !exch_param_ticks(p, "takeProfit", s, &tp) || !exch_param_ticks(p, "stopLoss", s, &sl) ||
      !exch_param_ticks(p, "trailingStop", s, &trailing) || !exch_param_ticks(p, "activePrice", s, &from) ||
      !exch_param_lots(p, "tpSize", s, &tp_lots) || !exch_param_lots(p, "slSize", s, &sl_lots))
    return CODE_PARAMS;
  struct exch_position *at = &a->positions[s->index][idx];
  if (at->lots == 0) {
    snprintf(x->msg, sizeof x->msg, "can not set tp/sl/ts for zero position");
    return CODE_PARAMS;
  }
  bool is_long = at->lots > 0;
  if ((tp > 0 && (tp > s->last) != is_long) || (sl > 0 && (sl < s->last) != is_long)) {
    snprintf(x->msg, sizeof x->msg, "TakeProfit or StopLoss is on the wrong side of the last price");
    return CODE_PARAMS;
  }
  bool partial = strcmp(exch_param_text(p, "tpslMode", text), "Partial") == 0;
  int code = CODE_OK;
  bool changes = json_object_get(p, "trailingStop") != NULL;
  if (partial) {
    changes = true;
    if (tp > 0)
      code = exch_trigger_part(x, a, s, (int)idx, true, tp, tp_lots > 0 ? tp_lots : INT64_MAX, by_of(p, "tpTriggerBy"));
    if (code == CODE_OK && sl > 0)
      code =
        exch_trigger_part(x, a, s, (int)idx, false, sl, sl_lots > 0 ? sl_lots : INT64_MAX, by_of(p, "slTriggerBy"));
  } else {
    struct exch_order *had_tp = at->take_profit, *had_sl = at->stop_loss;
    bool tp_same = !json_object_get(p, "takeProfit") || (had_tp ? had_tp->trigger : 0) == tp;
    bool sl_same = !json_object_get(p, "stopLoss") || (had_sl ? had_sl->trigger : 0) == sl;
    if (tp_same && sl_same && !changes) return CODE_STOPS_SAME;
    if (!tp_same) exch_trigger_position(x, a, s, (int)idx, true, tp, by_of(p, "tpTriggerBy"));
    if (!sl_same) exch_trigger_position(x, a, s, (int)idx, false, sl, by_of(p, "slTriggerBy"));
  }
  if (changes && !partial) exch_trigger_trail(x, a, s, (int)idx, trailing, from);
  exch_trigger_run(x, s);
  if (x->sink.position) x->sink.position(x->sink.self, a, s, (int)idx);
  if (code == CODE_OK) *ret = json_object();
  return code;
}
