// match/group.c – rules 9 and 10: exits of an entry live from its fill on, and in a group of orders a fill of one shrinks the
// others by as much, in the same instant.
#include <assert.h>

#include "match/impl.h"

void group_filled(struct matcher *m, struct match_symbol *s, struct order *o, int64_t lots, int64_t now_ns) {
  if (o->oco == 0) return;
  for (size_t i = 0; i < s->work_count;) {
    struct order *sib = s->work[i];
    if (sib == o || sib->oco != o->oco) {
      i++;
      continue;
    }
    assert(sib->symbol == o->symbol);
    // A member of the same size as o keeps step with it; one that o has completed has nothing left to wait for.
    if (order_left(sib).lots <= lots || !order_alive(o)) {
      i = order_withdraw(m, sib, REASON_OCO, now_ns) ? 0 : i + 1;
      continue;
    }
    sib->qty.lots -= lots;
    order_hold(m, sib);
    i++;
  }
}

void reducers_end(struct matcher *m, struct match_symbol *s, enum leg leg, int64_t now_ns) {
  for (size_t i = 0; i < s->work_count;) {
    struct order *o = s->work[i];
    i = o->reduce && o->leg == leg && order_withdraw(m, o, REASON_PARENT, now_ns) ? 0 : i + 1;
  }
}

struct order *group_rival(struct matcher *m, struct match_symbol *s, const struct order *o) {
  (void)m;
  if (o->oco == 0 || o->type == ORDER_STOP_LIMIT || o->type == ORDER_MARKET) return NULL;
  for (size_t i = 0; i < s->work_count; i++) {
    struct order *sib = s->work[i];
    if (sib == o || sib->oco != o->oco || sib->side != o->side) continue;
    if (order_is_stop(o) ? sib->type == ORDER_LIMIT : order_is_stop(sib)) return sib;
  }
  return NULL;
}

static struct order *child_make(struct matcher *m, struct match_symbol *s, struct order *entry, bool is_sl, price px,
                                int64_t lots, int64_t now_ns) {
  struct order *o = order_new(m);
  bool trails = is_sl && entry->type != ORDER_TRAILING && (entry->trail_ticks > 0 || entry->trail_frac_e8 > 0);
  o->symbol = entry->symbol, o->side = -entry->side, o->leg = entry->leg;
  o->type = trails ? ORDER_TRAILING : is_sl ? ORDER_STOP : ORDER_LIMIT;
  o->tif = TIF_GTC, o->reduce = true, o->qty = (quantity){lots}, o->size = lots;
  if (is_sl) o->trigger = px;
  else o->limit = px;
  if (trails) {
    o->trail_ticks = entry->trail_ticks, o->trail_frac_e8 = entry->trail_frac_e8;
    o->trail_ref = (price){(int64_t)div_round(entry->fill_value, entry->filled.lots)};
  }
  o->parent = entry->id;
  o->tag = is_sl ? TAG_SL : TAG_TP;
  o->decided_ns = o->active_ns = now_ns;
  if (m->cfg.model == MODEL_COMPAT_BACKTESTING) o->closes = entry->id;
  size_t at = m->cfg.model == MODEL_COMPAT_BACKTESTING ? backtesting_place(s, o) : s->work_count;
  // Their exits stand directly behind the entry they came from.
  if (market_elsewhere(m)) o->active_ns = INT64_MAX;
  work_insert(m, s, o, at);
  order_change_status(m, o, market_elsewhere(m) ? ORDER_SENT : ORDER_OPEN, REASON_NONE, now_ns);
  if (is_sl) entry->child_sl = o->id;
  else entry->child_tp = o->id;
  return o;
}

static void pair_children(struct matcher *m, struct order *entry) {
  struct order *sl = order_find(m, entry->child_sl), *tp = order_find(m, entry->child_tp);
  if (!sl || !tp || !order_alive(sl) || !order_alive(tp)) return;
  if (sl->oco == 0) sl->oco = tp->oco ? tp->oco : sl->id;
  tp->oco = sl->oco;
}

int64_t entry_lots(const struct matcher *m, const struct order *entry) {
  const struct lot_list *open = &m->account.symbols[entry->symbol].pos[entry->leg].open;
  int64_t lots = 0, most = entry->opened.lots - entry->exited.lots;
  for (size_t i = open->head; i < open->count; i++) lots += open->items[i].order == entry->id ? open->items[i].lots : 0;
  if (most < 0) most = 0;  // an exit that was made larger than its entry has closed lots of others
  return lots < most ? lots : most;
}

int64_t matcher_entry_lots(const struct matcher *m, uint64_t entry) {
  const struct order *o = matcher_order(m, entry);
  return o ? entry_lots(m, o) : 0;
}

void child_set(struct matcher *m, struct match_symbol *s, struct order *entry, bool is_sl, price px, int64_t now_ns) {
  struct order *o = order_find(m, is_sl ? entry->child_sl : entry->child_tp);
  bool alive = o && order_alive(o);
  if (!price_given(px)) {
    if (alive) order_withdraw(m, o, REASON_SCRIPT, now_ns);
    return;
  }
  if (alive && o->status == ORDER_PENDING_CANCEL && market_elsewhere(m)) return;  // it is ending, and what it exits with it
  if (alive) {
    struct order_change c;
    order_change_init(&c);
    if (is_sl) c.trigger = px;
    else c.limit = px;
    enum reason why = order_apply_change(m, o, &c, now_ns);
    assert(why == REASON_NONE);
    return;
  }
  int64_t lots = entry_lots(m, entry);
  if (lots == 0) return;
  child_make(m, s, entry, is_sl, px, lots, now_ns);
  pair_children(m, entry);
}

// Target at a multiple of the distance from the average entry to the stop; away from risk means farther.
static price target_of(const struct order *o) {
  if (price_given(o->tp) || o->tp_r_e6 == 0 || !price_given(o->sl)) return o->tp;
  int64_t avg = (int64_t)div_round(o->fill_value, o->filled.lots);
  int128 distance = ((int128)avg - o->sl.ticks) * o->side;
  if (distance <= 0) return NO_PRICE;
  int128 tp = avg + o->side * div_ceil(distance * o->tp_r_e6, 1000000);
  return tp > 0 && tp <= INT64_MAX ? (price){(int64_t)tp} : NO_PRICE;
}

// May a new child take the place of o? Not while it lives, nor when the script took it away.
static bool child_missing(const struct order *o) { return !o || (!order_alive(o) && o->reason != REASON_SCRIPT); }

void children_grow(struct matcher *m, struct match_symbol *s, struct order *o, int64_t opened_lots, int64_t now_ns) {
  assert(opened_lots > 0 && o->filled.lots > 0);
  o->opened.lots += opened_lots;
  // Elsewhere an exit also ends because it makes place for another: what comes instead is for all that it was for.
  const int64_t lots = market_elsewhere(m) ? entry_lots(m, o) : opened_lots;
  bool trails = o->type != ORDER_TRAILING && (o->trail_ticks > 0 || o->trail_frac_e8 > 0);
  struct order *sl = order_find(m, o->child_sl), *tp = order_find(m, o->child_tp);
  price target = target_of(o);
  // compat-backtesting makes the target first: its stop then goes in front of the queue.
  if (tp && order_alive(tp)) tp->qty.lots += opened_lots;
  else if (price_given(target) && child_missing(tp) && m->cfg.model == MODEL_COMPAT_BACKTESTING)
    tp = child_make(m, s, o, false, target, opened_lots, now_ns);
  if (sl && order_alive(sl)) sl->qty.lots += opened_lots;
  else if ((price_given(o->sl) || trails) && child_missing(sl)) child_make(m, s, o, true, o->sl, lots, now_ns);
  if (price_given(target) && child_missing(tp)) child_make(m, s, o, false, target, lots, now_ns);
  pair_children(m, o);
}
