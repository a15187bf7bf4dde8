// match/remote.c – MODEL_REMOTE: the market is a venue elsewhere, and what became of an order there is told, never concluded.
//
// Everything that follows from an execution – position, margin, exits of an entry, groups – is what it is under the other models, so a
// script sees one world. Orders end only by the venue's word: what the rules would end at once is asked to end (order_withdraw).
#include <assert.h>

#include "match/impl.h"

void remote_bar(struct matcher *m, struct match_symbol *s, const struct bar *b) {
  struct account_symbol *as = &m->account.symbols[s->index];
  account_mark(&m->account, s->index, b->close);
  for (int leg = 0; leg < LEG_COUNT; leg++) {
    if (as->pos[leg].lots == 0) continue;
    lot_list_extend(&as->pos[leg].open, b->low);
    lot_list_extend(&as->pos[leg].open, b->high);
  }
  // Trailing stops are stops there, moved by us after each bar. What the price did before one was made in this bar does not move it.
  for (size_t i = 0; i < s->work_count; i++) {
    struct order *o = s->work[i];
    if (o->type != ORDER_TRAILING || !price_given(o->trail_ref)) continue;
    const price best = o->decided_ns >= b->open_ns ? b->close : o->side == SIDE_SELL ? b->high : b->low;
    trailing_ratchet(o, best.ticks);
  }
}

bool matcher_venue_says(struct matcher *m, uint64_t id, enum order_status to, enum reason why, int64_t now_ns) {
  assert(market_elsewhere(m) && (to == ORDER_OPEN || to == ORDER_UNKNOWN || to == ORDER_CANCELED || to == ORDER_EXPIRED || to == ORDER_REJECTED));
  struct order *o = order_find(m, id);
  if (!o || !order_alive(o) || o->status == to) return false;
  if (order_status_final(to)) {
    order_end(m, o, to, why == REASON_NONE ? REASON_VENUE : why, now_ns);
    return true;
  }
  const enum reason wish = o->reason;  // of PENDING_CANCEL and UNKNOWN: why it is to end
  if (to == ORDER_OPEN && o->filled.lots > 0) to = ORDER_PARTIAL;
  if (o->status == to) return false;
  const bool refused = o->status == ORDER_PENDING_CANCEL, asked = wish != REASON_NONE && !refused;
  if (to == ORDER_UNKNOWN) {
    order_change_status(m, o, to, wish, now_ns);
    return true;
  }
  order_change_status(m, o, to, REASON_NONE, now_ns);
  if (asked) order_withdraw(m, o, wish, now_ns);
  return true;
}

// An order that had ended was executed all the same: the money moves, the order stays ended. One that was "rejected" was not.
static void book_late(struct order *o, const struct match_execution *x) {
  o->filled.lots += x->qty.lots;
  o->fill_value += (int128)x->px.ticks * x->qty.lots;
  if (o->status == ORDER_REJECTED) o->status = ORDER_CANCELED;
  order_check(o);
}

bool matcher_venue_fill(struct matcher *m, uint64_t id, const struct match_execution *x, int64_t now_ns) {
  assert(market_elsewhere(m) && x->qty.lots > 0 && x->px.ticks > 0);
  struct order *o = order_find(m, id);
  int64_t total;
  if (!o || !add_checked(o->filled.lots, x->qty.lots, &total)) return false;
  const int128 value = o->fill_value + (int128)x->px.ticks * x->qty.lots, limit = (int128)1 << 124;
  if (value >= limit || value <= -limit) return false;
  struct match_symbol *s = &m->symbols[o->symbol];
  const quantity ordered = o->qty;
  const bool alive = order_alive(o);
  if (o->qty.lots < total) o->qty.lots = total;
  struct fill f = {.id = m->last_fill + 1, .order = o->id, .symbol = o->symbol, .side = o->side, .leg = o->leg, .px = x->px, .qty = x->qty,
                   .closes = o->closes, .fee = x->fee, .maker = x->maker, .complete = total == o->qty.lots, .tag = o->tag, .time_ns = now_ns};
  struct fill_result r;
  if (!account_fill(&m->account, &f, &r)) {
    o->qty = ordered;
    return false;
  }
  m->last_fill++;
  watch_money_moved(m);
  event_add(m, EVENT_FILL, now_ns)->fill = f;
  if (alive) {
    const enum order_status from = o->status;
    const bool booked = order_fill(o, f.px, f.qty);
    assert(booked);
    const enum order_status to = o->status;
    o->status = from;  // as book(): the move once more, with its report and its consequences
    if (to != from || to == ORDER_PARTIAL) order_change_status(m, o, to, o->reason, now_ns);
    if (order_alive(o)) order_hold(m, o);
  } else {
    book_late(o, x);
  }
  fill_follows(m, s, o, &f, &r);
  return true;
}

bool matcher_venue_cash(struct matcher *m, cash paid) {
  assert(market_elsewhere(m));
  if (paid.e8 == INT64_MIN) return false;
  watch_money_moved(m);
  return ledger_post(&m->account.ledger, BOOK_FUNDING, (cash){-paid.e8});
}
