// match/compat_backtesting.c – rule 6: fills bars exactly as backtesting.py does, so that its users see their trades again.
//
// Its world: one queue of orders. Stop losses and closing orders are put in front of it, the one given last first; targets
// and entries at the end. A bar goes through the queue once; a market entry with exits makes it go through again, so they
// meet the whole entry bar. There is no path: a stop, limit or target is hit when the bar's range holds it. Trades are
// closed one by one. Entries pay the spread, exits do not. Margin is counted at the close of the bar being matched (it looks
// ahead, as the original does).
#include <assert.h>
#include <stdlib.h>

#include "match/impl.h"

size_t backtesting_place(const struct match_symbol *s, const struct order *o) {
  return o->reduce && o->type != ORDER_LIMIT ? 0 : s->work_count;
}

static bool contingent(const struct order *o) { return o->parent != 0 || (o->reduce && o->type != ORDER_MARKET); }

// Where the original would fill o in this bar.
struct touch {
  int64_t px, time_ns;
  bool market, stop;  // neither: a limit
  bool limit;
};

static bool touched(struct matcher *m, struct match_symbol *s, const struct bar *b, struct order *o, struct touch *ret) {
  bool buy = o->side == SIDE_BUY;
  bool stop = (order_is_stop(o) || o->type == ORDER_STOP_LIMIT) && !o->triggered;
  int64_t trigger = !stop ? 0 : o->type == ORDER_TRAILING ? trailing_level(o) : o->trigger.ticks;
  if (stop && (buy ? b->high.ticks < trigger : b->low.ticks > trigger)) return false;
  if (stop) o->triggered = true;
  bool at_close = m->cfg.trade_on_close && !contingent(o) && s->prev.open_ns != INT64_MIN;
  *ret = (struct touch){.stop = stop, .time_ns = b->open_ns};
  if (o->type == ORDER_LIMIT || o->type == ORDER_STOP_LIMIT) {
    int64_t limit = o->limit.ticks, from = stop ? trigger : b->open.ticks;
    bool hit = buy ? b->low.ticks <= limit : b->high.ticks >= limit;
    // Stop and limit in one bar: the original takes the limit to have been passed before the stop.
    bool before = stop && (buy ? limit <= trigger : limit >= trigger);
    if (!hit || before) return false;
    ret->px = buy ? (from < limit ? from : limit) : (from > limit ? from : limit);
    ret->limit = true;
    return true;
  }
  ret->px = at_close ? s->prev.close.ticks : b->open.ticks;
  if (stop) ret->px = buy ? (ret->px > trigger ? ret->px : trigger) : (ret->px < trigger ? ret->px : trigger);
  ret->market = !stop;
  if (ret->market && at_close) ret->time_ns = s->prev.open_ns;
  return true;
}

static struct execution execution_at(const struct bar *b, const struct touch *t, int64_t px, int64_t lots) {
  return (struct execution){.point = b->close.ticks, .px = px, .undisturbed = t->px, .maker = t->limit, .time_ns = t->time_ns,
                            .lots = lots, .exact_fee = true, .no_funds_check = true};
}

// Lots of the trade that entry order `entry` opened and that are still open; entry 0: the oldest trade.
static int64_t trade_lots(const struct lot_list *open, uint64_t entry) {
  int64_t lots = 0;
  for (size_t i = open->head; i < open->count; i++) {
    if (entry == 0) entry = open->items[i].order;
    if (open->items[i].order == entry) lots += open->items[i].lots;
  }
  return lots;
}

// Closes up to lots, trade by trade where a fixed fee is due for each.
static void close_trades(struct matcher *m, struct match_symbol *s, struct order *o, const struct bar *b,
                         const struct touch *t, int64_t lots) {
  const struct lot_list *open = &m->account.symbols[s->index].pos[LEG_NET].open;
  while (lots > 0 && order_alive(o)) {
    int64_t part = s->cfg.fees.fixed_e8 > 0 ? trade_lots(open, o->closes) : lots;
    struct execution x = execution_at(b, t, t->px, part < lots ? part : lots);
    x.fixed_each = true;
    int64_t done = execute(m, s, o, &x);
    if (done == 0) return;
    lots -= done;
  }
}

static int64_t spread_price(const struct match_symbol *s, enum side side, int64_t px) {
  const struct match_costs *c = &s->cfg.costs;
  int128 off = div_round((int128)px * c->spread_frac_e8, FRAC_ONE) + c->spread_ticks;
  int128 adjusted = px + side * off;
  return adjusted > 0 && adjusted < INT64_MAX ? (int64_t)adjusted : 1;
}

// free margin × leverage in 1e-8.
static int128 buying_power(const struct matcher *m, const struct match_symbol *s) {
  int64_t free = account_free_now(&m->account).e8;
  if (free < 0) free = 0;
  return div_floor((int128)free * s->cfg.leverage_e4, LEVERAGE_ONE_E4);
}

// Cost of lots in 1e-8 × PARTS, commission per unit included; size: lots the fixed fee is spread over, as fraction or lots.
#define PARTS 1000000
static int128 cost_parts(const struct match_symbol *s, int64_t adjusted, int64_t px, int64_t lots, int128 fixed_parts) {
  const struct instrument *inst = &s->cfg.inst;
  int128 value = div_round((int128)adjusted * lots * PARTS * inst->value_num, inst->value_den);
  int128 plain = div_round((int128)px * lots * PARTS * inst->value_num, inst->value_den);
  int128 unit = div_round((int128)s->cfg.fees.per_unit_e8 * inst->lot.digits * lots * PARTS, pow10_i64(inst->lot.scale));
  return value + div_round(plain * s->cfg.fees.taker_frac_e8, FRAC_ONE) + unit + fixed_parts * lots;
}

// All-in (or a fraction of it): floor(power × fraction / (price + commission per unit)). The original's "all" is 1 − 2^-52,
// so a division without rest gives one less.
static int64_t fraction_lots(const struct matcher *m, const struct match_symbol *s, const struct order *o, int64_t adjusted,
                             int64_t px) {
  int128 fixed = div_round((int128)s->cfg.fees.fixed_e8 * PARTS * FRAC_ONE, o->size);
  int128 unit = cost_parts(s, adjusted, px, 1, fixed);
  bool all = o->size >= FRAC_ONE;
  int128 money = buying_power(m, s) * PARTS;
  if (!all) money = div_floor(money * o->size, FRAC_ONE);
  if (unit <= 0 || money <= 0) return 0;
  int64_t lots;
  return narrow_checked(all ? (money - 1) / unit : money / unit, &lots) ? lots : 0;
}

// Does the bar make its exits meet it at once? Market entries always; a stop entry whose target is in the bar and whose stop is not.
static bool again(const struct order *o, const struct bar *b, const struct touch *t) {
  if (!price_given(o->sl) && !price_given(o->tp)) return false;
  if (t->market) return true;
  if (!t->stop || t->limit || !price_given(o->tp)) return false;
  if (o->side == SIDE_BUY) return o->tp.ticks <= b->high.ticks && (!price_given(o->sl) || o->sl.ticks < b->low.ticks);
  return o->tp.ticks >= b->low.ticks && (!price_given(o->sl) || o->sl.ticks > b->high.ticks);
}

// An entry: first closes what stands against it, then opens at the price with spread. True: the bar must be walked again.
static bool enter(struct matcher *m, struct match_symbol *s, struct order *o, const struct bar *b, const struct touch *t) {
  int64_t adjusted = spread_price(s, o->side, t->px);
  account_mark(&m->account, s->index, b->close);
  if (o->resolve_at_fill) {
    int64_t lots = fraction_lots(m, s, o, adjusted, t->px);
    if (lots == 0) {
      order_end(m, o, ORDER_REJECTED, REASON_MARGIN, t->time_ns);
      return false;
    }
    o->qty = (quantity){lots};
    o->resolve_at_fill = false;
  }
  int64_t size = o->qty.lots, closing = closing_lots(m, o, order_left(o).lots);
  if (closing > 0) close_trades(m, s, o, b, t, closing);
  if (!order_alive(o)) return false;
  int64_t need = order_left(o).lots;
  int128 cost = cost_parts(s, adjusted, t->px, need, div_round((int128)s->cfg.fees.fixed_e8 * PARTS, size));
  if (cost > buying_power(m, s) * PARTS) {
    order_end(m, o, ORDER_REJECTED, REASON_MARGIN, t->time_ns);
    return false;
  }
  struct execution x = execution_at(b, t, adjusted, need);
  x.fixed_each = true;
  bool repeat = again(o, b, t);
  execute(m, s, o, &x);
  return repeat;
}

// One pass over the queue as it stands; what is put into it meanwhile waits for the next.
static bool pass(struct matcher *m, struct match_symbol *s, const struct bar *b) {
  size_t count = s->work_count;
  ensure_room((void **)&m->scratch, &m->scratch_cap, count, sizeof *m->scratch);
  for (size_t i = 0; i < count; i++) m->scratch[i] = s->work[i]->id;
  bool repeat = false;
  for (size_t i = 0; i < count; i++) {
    struct order *o = order_find(m, m->scratch[i]);
    struct touch t;
    if (!order_alive(o) || o->status == ORDER_SENT || !touched(m, s, b, o, &t)) continue;
    if (!o->reduce) {
      repeat |= enter(m, s, o, b, &t);
      continue;
    }
    int64_t lots = o->closes ? trade_lots(&m->account.symbols[s->index].pos[LEG_NET].open, o->closes)
                             : closing_lots(m, o, order_left(o).lots);
    if (lots > order_left(o).lots) lots = order_left(o).lots;
    if (lots == 0) order_end(m, o, ORDER_CANCELED, REASON_PARENT, t.time_ns);
    else close_trades(m, s, o, b, &t, lots);
    if (order_alive(o)) order_end(m, o, ORDER_CANCELED, REASON_PARENT, t.time_ns);  // the trade held less
  }
  return repeat;
}

void backtesting_bar(struct matcher *m, struct match_symbol *s, const struct bar *b) {
  struct account_symbol *as = &m->account.symbols[s->index];
  if (m->ruined) return;
  s->room_lots = INT64_MAX;
  while (s->work_count > 0 && pass(m, s, b)) {}
  if (as->pos[LEG_NET].lots != 0) {
    lot_list_extend(&as->pos[LEG_NET].open, b->low);
    lot_list_extend(&as->pos[LEG_NET].open, b->high);
  }
}

// At the close: trailing stops follow it, and equity of zero ends the run.
void backtesting_after(struct matcher *m, struct match_symbol *s) {
  struct account_symbol *as = &m->account.symbols[s->index];
  for (size_t i = 0; i < s->work_count; i++)
    if (s->work[i]->type == ORDER_TRAILING) trailing_ratchet(s->work[i], as->mark.ticks);
  if (m->ruined || account_equity(&m->account).e8 > 0) return;
  while (s->work_count > 0) order_end(m, s->work[0], ORDER_CANCELED, REASON_LIQUIDATED, s->now.open_ns);
  for (int leg = 0; leg < LEG_COUNT; leg++) force_close(m, s, leg, as->mark.ticks, s->now.open_ns);
  m->ruined = true;
}
