// match/fill.c – the one place where an execution happens: clipping (rule 14), room (13), funds, fee, booking, events.
#include <assert.h>

#include "match/impl.h"

// In a hedging account an order against its leg's direction can only close.
static bool only_reduces(const struct matcher *m, const struct order *o) {
  if (o->reduce) return true;
  return m->cfg.hedging && (o->leg == LEG_LONG) == (o->side == SIDE_SELL);
}

int64_t closing_lots(const struct matcher *m, const struct order *o, int64_t lots) {
  int64_t closing, opening;
  account_split(&m->account, o->symbol, o->side, o->leg, lots, &closing, &opening);
  return closing;
}

// Money that executing lots needs beyond what is free: margin of the opened part less margin released, fee, and the loss at
// once from paying px while the data stand at point. False: overflow.
static bool funds_needed(const struct matcher *m, const struct match_symbol *s, const struct order *o,
                         const struct execution *x, int64_t lots, int128 *ret) {
  int64_t closing = closing_lots(m, o, lots);
  cash opened = {0}, released = {0}, fee = {s->cfg.fees.fixed_e8}, loss = {0};
  if (!account_margin_of(&m->account, o->symbol, (price){x->point}, lots - closing, &opened)) return false;
  if (closing > 0 && !account_margin_of(&m->account, o->symbol, (price){x->point}, closing, &released)) return false;
  if (lots > 0 && !fee_for(s, &s->cfg.fees, (price){x->px}, lots, x->maker, o->filled.lots == 0, x->exact_fee, &fee))
    return false;
  int64_t worse = (x->px - x->point) * o->side;
  if (worse != 0 &&
      !instrument_notional(&s->cfg.inst, (price){worse < 0 ? -worse : worse}, (quantity){lots}, ROUND_FLOOR, &loss))
    return false;
  *ret = (int128)opened.e8 - released.e8 + fee.e8 + (worse < 0 ? -loss.e8 : loss.e8);
  return true;
}

// The most lots, up to lots, that free funds cover; at least the closing part, which needs none.
static int64_t affordable(const struct matcher *m, const struct match_symbol *s, const struct order *o,
                          const struct execution *x, int64_t lots) {
  int128 free = account_free_now(&m->account).e8, need, base;
  if (!funds_needed(m, s, o, x, lots, &need)) return 0;
  if (need <= free) return lots;
  int64_t closing = closing_lots(m, o, lots);
  if (!funds_needed(m, s, o, x, closing, &base) || base > free || need <= base) return closing;
  // need() is linear but for roundings of a few 1e-8: interpolate, then step to the exact edge.
  int64_t best = closing + (int64_t)((free - base) * (lots - closing) / (need - base));
  while (best > closing && (!funds_needed(m, s, o, x, best, &need) || need > free)) best--;
  while (best < lots && funds_needed(m, s, o, x, best + 1, &need) && need <= free) best++;
  return best;
}

static void report_position(struct matcher *m, const struct fill *f, uint64_t id, enum position_event what, int64_t before,
                            int64_t after, cash realised) {
  struct match_event *e = event_add(m, EVENT_POSITION, f->time_ns);
  e->position.symbol = f->symbol;
  e->position.leg = f->leg;
  e->position.what = what;
  e->position.id = id;
  e->position.lots_before = before;
  e->position.lots_after = after;
  e->position.realised = realised;
}

static void report_change(struct matcher *m, const struct fill *f, const struct fill_result *r) {
  enum position_event closed = f->tag == TAG_LIQUIDATION ? POSITION_EVENT_LIQUIDATED : POSITION_EVENT_CLOSE;
  switch (r->change) {
  case POSITION_OPENED: report_position(m, f, r->position_id, POSITION_EVENT_OPEN, 0, r->lots_after, (cash){0}); break;
  case POSITION_ADDED: case POSITION_REDUCED:
    report_position(m, f, r->position_id, POSITION_EVENT_CHANGE, r->lots_before, r->lots_after, r->realised);
    break;
  case POSITION_CLOSED: report_position(m, f, r->position_id, closed, r->lots_before, 0, r->realised); break;
  case POSITION_FLIPPED:
    report_position(m, f, r->position_id, closed, r->lots_before, 0, r->realised);
    report_position(m, f, r->new_position_id, POSITION_EVENT_OPEN, 0, r->lots_after, (cash){0});
    break;
  }
}

static cash slippage_of(const struct match_symbol *s, const struct order *o, const struct execution *x, int64_t lots) {
  int64_t worse = (x->px - x->undisturbed) * o->side;
  cash v;
  if (worse <= 0 || !instrument_notional(&s->cfg.inst, (price){worse}, (quantity){lots}, ROUND_NEAREST, &v)) return (cash){0};
  return v;
}

void fill_follows(struct matcher *m, struct match_symbol *s, struct order *o, const struct fill *f, const struct fill_result *r) {
  int64_t lots = f->qty.lots;
  report_change(m, f, r);
  if (o->parent) {
    struct order *entry = order_find(m, o->parent);
    if (entry) entry->exited.lots += lots;
  }
  group_filled(m, s, o, lots, f->time_ns);
  if (r->change == POSITION_CLOSED || r->change == POSITION_FLIPPED) reducers_end(m, s, o->leg, f->time_ns);
  if (r->change != POSITION_CLOSED && r->change != POSITION_REDUCED) {
    int64_t before = r->lots_before < 0 ? -r->lots_before : r->lots_before;
    int64_t opened = r->change == POSITION_FLIPPED ? lots - before : lots;
    children_grow(m, s, o, opened, f->time_ns);
  }
}

// Books lots of o; everything was checked but overflow.
static int64_t book(struct matcher *m, struct match_symbol *s, struct order *o, const struct execution *x, int64_t lots) {
  bool first = o->filled.lots == 0 || x->fixed_each;
  struct fill f = {
    .id = m->last_fill + 1, .order = o->id, .symbol = o->symbol, .side = o->side, .leg = o->leg, .px = {x->px}, .qty = {lots},
    .closes = o->closes, .maker = x->maker, .complete = o->filled.lots + lots == o->qty.lots,
    .ambiguous = x->ambiguous, .cut = o->cut, .tag = o->tag, .time_ns = x->time_ns,
    .slippage = slippage_of(s, o, x, lots)};
  struct fill_result r;
  if (!fee_for(s, &s->cfg.fees, f.px, lots, x->maker, first, x->exact_fee, &f.fee) ||
      !account_fill(&m->account, &f, &r)) {
    order_end(m, o, ORDER_REJECTED, REASON_OVERFLOW, x->time_ns);
    return 0;
  }
  m->last_fill++;
  watch_money_moved(m);
  if (s->room_lots != INT64_MAX) s->room_lots -= lots;
  event_add(m, EVENT_FILL, x->time_ns)->fill = f;
  enum order_status from = o->status;
  bool booked = order_fill(o, f.px, f.qty);
  assert(booked);  // the account has taken a larger product
  o->ambiguous |= x->ambiguous;
  enum order_status to = o->status;
  o->status = from;  // order_change_status() makes the move again, with its report and its consequences
  order_change_status(m, o, to, o->reason, x->time_ns);
  if (order_alive(o)) order_hold(m, o);
  fill_follows(m, s, o, &f, &r);
  return lots;
}

int64_t execute(struct matcher *m, struct match_symbol *s, struct order *o, const struct execution *x) {
  assert(order_alive(o) && x->px > 0 && x->point > 0);
  int64_t lots = order_left(o).lots;
  if (lots > x->lots) lots = x->lots;
  account_mark(&m->account, o->symbol, (price){x->point});
  if (only_reduces(m, o)) {
    int64_t closing = closing_lots(m, o, lots);
    if (closing == 0) {
      order_end(m, o, o->reduce ? ORDER_CANCELED : ORDER_REJECTED, REASON_REDUCE_ONLY, x->time_ns);
      return 0;
    }
    // What the position does not hold can never fill: the order ends with what it can close.
    if (closing < lots && closing <= s->room_lots) o->qty.lots = o->filled.lots + closing, order_hold(m, o);
    lots = closing;
  }
  if (lots > s->room_lots) lots = s->room_lots;
  if (lots == 0) return 0;
  bool short_of_funds = false;
  if (!x->no_funds_check && lots > closing_lots(m, o, lots)) {
    int64_t most = lots_floor(&s->cfg.inst, affordable(m, s, o, x, lots));
    if (most < lots) {
      int64_t least = s->cfg.inst.min_qty.lots > 1 ? s->cfg.inst.min_qty.lots : 1;
      if (taker_sized(o)) {
        if (most < least && o->filled.lots == 0) most = closing_lots(m, o, lots);
        if (o->filled.lots + most > 0) o->cut = true;
      } else {
        most = closing_lots(m, o, lots);
        short_of_funds = most > 0;
      }
      if (most == 0) {
        order_end(m, o, ORDER_REJECTED, REASON_MARGIN, x->time_ns);
        return 0;
      }
      if (o->cut) o->qty.lots = o->filled.lots + most, order_hold(m, o);
      lots = most;
    }
  }
  bool opens = lots > closing_lots(m, o, lots);
  int64_t done = book(m, s, o, x, lots);
  // What was opened is paid for (16: roundings of margin, fee and profit to 1e-8).
  if (done > 0 && opens && !x->no_funds_check) assert(account_free_now(&m->account).e8 >= -16);
  if (short_of_funds && order_alive(o)) order_end(m, o, ORDER_CANCELED, REASON_MARGIN, x->time_ns);
  return done;
}
