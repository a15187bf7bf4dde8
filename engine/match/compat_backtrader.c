// match/compat_backtrader.c – rule 6: fills bars exactly as backtrader does.
//
// Its world: one first-in-first-out queue. Orders are checked for cash when they first meet a bar, at the price of the bar
// they were given at, and again at the fill. Stops and limits: see the functions. Children of a bracket are live from the bar
// after the fill, stop before limit. A stop trail follows the closes. Slippage never leaves the bar's range.
#include <assert.h>

#include "match/impl.h"

// --- cash as backtrader counts it -------------------------------------------------------------------------------------------

static bool futures(const struct match_symbol *s) { return s->cfg.futures_margin.e8 > 0; }

static int64_t value_e8(const struct match_symbol *s, int64_t px, int64_t lots) {
  cash v;
  return instrument_notional(&s->cfg.inst, (price){px}, (quantity){lots}, ROUND_NEAREST, &v) ? v.e8 : INT64_MAX / 4;
}

static int128 margin_e8(const struct match_symbol *s, int64_t lots) {
  const struct instrument *inst = &s->cfg.inst;
  return div_round((int128)s->cfg.futures_margin.e8 * inst->lot.digits * (lots < 0 ? -lots : lots), pow10_i64(inst->lot.scale));
}

static int128 levered(const struct match_symbol *s, int64_t e8) {
  return div_round((int128)e8 * LEVERAGE_ONE_E4, s->cfg.leverage_e4);
}

// Cost of the open position, signed like its lots.
static int64_t cost_e8(const struct matcher *m, const struct match_symbol *s) {
  cash profit;
  if (!account_unrealised_at(&m->account, s->index, LEG_NET, (price){0}, &profit)) return INT64_MAX / 4;
  return -profit.e8;
}

// Longs cost their entry value (over leverage), shorts bring theirs in; futures tie their margin and settle to the mark.
static int128 cash_now(const struct matcher *m) {
  int128 sum = account_balance(&m->account).e8;
  for (int i = 0; i < m->account.symbol_count; i++) {
    const struct match_symbol *s = &m->symbols[i];
    int64_t lots = account_lots(&m->account, i, LEG_NET);
    if (lots == 0) continue;
    if (futures(s)) sum += account_unrealised(&m->account, i).e8 - margin_e8(s, lots);
    else sum -= lots > 0 ? levered(s, cost_e8(m, s)) : cost_e8(m, s);
  }
  return sum;
}

static int64_t fee_e8(const struct match_symbol *s, int64_t px, int64_t lots, bool first) {
  cash fee;
  if (lots == 0) return 0;
  return fee_for(s, &s->cfg.fees, (price){px}, lots, false, first, true, &fee) ? fee.e8 : INT64_MAX / 4;
}

// Cash after trading lots at px: closing at average cost `cost` (of the closed part, positive), then opening.
static int128 cash_after(const struct match_symbol *s, int128 now, enum side side, int64_t px, int64_t closing, int64_t opening,
                         int64_t cost) {
  if (futures(s)) return now + margin_e8(s, closing) - margin_e8(s, opening) - fee_e8(s, px, closing + opening, true);
  int128 sum = now - fee_e8(s, px, closing + opening, true);
  if (closing > 0) {
    int64_t value = value_e8(s, px, closing);
    if (side == SIDE_SELL) sum += levered(s, cost) + (value - cost);  // a long closes: its cost back, and the profit
    else sum += -cost + (cost - value);                               // a short closes: its proceeds go, profit stays
  }
  int64_t value = value_e8(s, px, opening);
  return side == SIDE_BUY ? sum - levered(s, value) : sum + value;
}

// --- submission --------------------------------------------------------------------------------------------------------------

static int64_t created_price(const struct match_symbol *s, const struct order *o) {
  if (o->type == ORDER_TRAILING) return trailing_level(o);
  if (o->type == ORDER_LIMIT) return o->limit.ticks;
  if (o->type == ORDER_STOP || o->type == ORDER_STOP_LIMIT) return o->trigger.ticks;
  return s->prev.open_ns != INT64_MIN ? s->prev.close.ticks : s->now.open.ticks;
}

static void against(int64_t held, enum side side, int64_t lots, int64_t *ret_closing, int64_t *ret_opening) {
  int64_t opposite = side == SIDE_BUY ? (held < 0 ? -held : 0) : (held > 0 ? held : 0);
  *ret_closing = lots < opposite ? lots : opposite;
  *ret_opening = lots - *ret_closing;
}

// Orders given since the last bar, in the order given, pretend to fill at the price they were created with; one that leaves
// the cash negative is refused (and the cash stays negative for those behind it, as in the original).
static void check_submitted(struct matcher *m, int64_t now_ns) {
  int128 left = cash_now(m);
  uint64_t last = m->last_order;
  for (int i = 0; i < m->account.symbol_count; i++) m->symbols[i].pretend_lots = account_lots(&m->account, i, LEG_NET);
  for (uint64_t id = m->checked + 1; id <= last; id++) {
    struct order *o = order_find(m, id);
    if (!o || !order_alive(o) || o->parent || o->resolve_at_fill) continue;
    struct match_symbol *s = &m->symbols[o->symbol];
    // Each order with the exits it will have: they too pretend to fill, in the original.
    const int64_t prices[] = {created_price(s, o), o->sl.ticks, o->tp.ticks};
    for (int k = 0; k < 3; k++) {
      if (k > 0 && prices[k] == NO_PRICE_TICKS) continue;
      enum side side = k == 0 ? o->side : -o->side;
      int64_t lots = order_left(o).lots, closing, opening;
      against(s->pretend_lots, side, lots, &closing, &opening);
      left = cash_after(s, left, side, prices[k], closing, opening, value_e8(s, prices[k], closing));
      s->pretend_lots += side * lots;
      if (k == 0 && left < 0) {
        order_end(m, o, ORDER_REJECTED, REASON_MARGIN, now_ns);
        break;
      }
    }
  }
  m->checked = last;
}

// --- fills -------------------------------------------------------------------------------------------------------------------

// px with slippage, not beyond bound (the bar's high for a buy, low for a sell, or a limit).
static int64_t slip(const struct match_symbol *s, enum side side, int64_t px, int64_t bound) {
  const struct match_costs *c = &s->cfg.costs;
  int64_t slipped_px = px + side * (int64_t)(div_round((int128)px * c->slippage_frac_e8, FRAC_ONE) + c->slippage_ticks);
  return (slipped_px - bound) * side > 0 ? bound : slipped_px;
}

static int64_t extreme(const struct bar *b, enum side side) { return side == SIDE_BUY ? b->high.ticks : b->low.ticks; }

static void fill_at(struct matcher *m, struct match_symbol *s, struct order *o, const struct bar *b, int64_t px, int64_t raw,
                    bool limit) {
  account_mark(&m->account, s->index, (price){px});
  if (o->resolve_at_fill) {
    int64_t unit = value_e8(s, px, 1);
    int128 money = cash_now(m) * o->size / FRAC_ONE;
    int128 per_lot = (futures(s) ? margin_e8(s, 1) : levered(s, unit)) + fee_e8(s, px, 1, false);
    int64_t lots = money > 0 && per_lot > 0 ? (int64_t)(money / per_lot) : 0;
    if (lots == 0) {
      order_end(m, o, ORDER_REJECTED, REASON_MARGIN, b->open_ns);
      return;
    }
    o->qty = (quantity){lots};
    o->resolve_at_fill = false;
  }
  int64_t lots = order_left(o).lots, closing = closing_lots(m, o, lots), opening = o->reduce ? 0 : lots - closing;
  int64_t held = account_lots(&m->account, s->index, LEG_NET);
  int64_t cost = cost_e8(m, s);
  if (cost < 0) cost = -cost;
  if (closing > 0) cost = (int64_t)div_round((int128)cost * closing, held < 0 ? -held : held);
  bool refused = opening > 0 && cash_after(s, cash_now(m), o->side, px, closing, opening, cost) < 0;
  struct execution x = {.point = px, .px = px, .undisturbed = raw, .maker = limit, .time_ns = b->open_ns,
                        .lots = refused ? closing : INT64_MAX, .exact_fee = true, .no_funds_check = true};
  if (x.lots > 0) execute(m, s, o, &x);
  if (refused && order_alive(o)) order_end(m, o, ORDER_REJECTED, REASON_MARGIN, b->open_ns);
}

static void try_limit(struct matcher *m, struct match_symbol *s, struct order *o, const struct bar *b) {
  int64_t limit = o->limit.ticks, open = b->open.ticks, side = o->side;
  if ((open - limit) * side <= 0) {
    int64_t bound = extreme(b, o->side);
    if ((bound - limit) * side > 0) bound = limit;
    fill_at(m, s, o, b, slip(s, o->side, open, bound), open, true);
  } else if ((extreme(b, -o->side) - limit) * side <= 0) {
    fill_at(m, s, o, b, limit, limit, true);
  }
}

static void try_stop(struct matcher *m, struct match_symbol *s, struct order *o, const struct bar *b) {
  int64_t level = o->type == ORDER_TRAILING ? trailing_level(o) : o->trigger.ticks, bound = extreme(b, o->side);
  if ((b->open.ticks - level) * o->side >= 0) fill_at(m, s, o, b, slip(s, o->side, b->open.ticks, bound), b->open.ticks, false);
  else if ((bound - level) * o->side >= 0) fill_at(m, s, o, b, slip(s, o->side, level, bound), level, false);
}

static void try_stop_limit(struct matcher *m, struct match_symbol *s, struct order *o, const struct bar *b) {
  int64_t trigger = o->trigger.ticks, limit = o->limit.ticks, side = o->side, bound = extreme(b, o->side);
  if ((b->open.ticks - trigger) * side >= 0) {
    o->triggered = true;
    try_limit(m, s, o, b);
  } else if ((bound - trigger) * side >= 0) {
    o->triggered = true;
    bool returned = (b->open.ticks - b->close.ticks) * side > 0 || (o->side == SIDE_SELL && b->open.ticks == b->close.ticks);
    if ((limit - trigger) * side >= 0) {
      if ((bound - limit) * side > 0) bound = limit;
      fill_at(m, s, o, b, slip(s, o->side, trigger, bound), trigger, true);
    } else if (returned && (limit - b->close.ticks) * side >= 0) {
      fill_at(m, s, o, b, limit, limit, true);
    }
  }
}

void backtrader_bar(struct matcher *m, struct match_symbol *s, const struct bar *b) {
  struct account_symbol *as = &m->account.symbols[s->index];
  s->room_lots = INT64_MAX;
  if (m->checked < m->last_order) check_submitted(m, b->open_ns);
  size_t count = s->work_count;
  ensure_room((void **)&m->scratch, &m->scratch_cap, count, sizeof *m->scratch);
  for (size_t i = 0; i < count; i++) m->scratch[i] = s->work[i]->id;
  for (size_t i = 0; i < count; i++) {
    struct order *o = order_find(m, m->scratch[i]);
    if (!order_alive(o) || o->status == ORDER_SENT) continue;
    if (o->type == ORDER_MARKET) fill_at(m, s, o, b, slip(s, o->side, b->open.ticks, extreme(b, o->side)), b->open.ticks, false);
    else if (order_is_limit(o)) try_limit(m, s, o, b);
    else if (o->type == ORDER_STOP_LIMIT) try_stop_limit(m, s, o, b);
    else try_stop(m, s, o, b);
    if (order_alive(o) && o->type == ORDER_TRAILING) trailing_ratchet(o, b->close.ticks);
  }
  if (as->pos[LEG_NET].lots != 0) {
    lot_list_extend(&as->pos[LEG_NET].open, b->low);
    lot_list_extend(&as->pos[LEG_NET].open, b->high);
  }
}
