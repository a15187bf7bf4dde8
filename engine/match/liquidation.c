// match/liquidation.c – rule 18: when equity no longer covers the maintenance margin, the venue takes the account over. All
// orders die, other symbols close at their marks, and this one at the bankruptcy price – where equity is zero – plus fee.
#include <assert.h>

#include "match/impl.h"

bool liquidation_danger(const struct matcher *m) {
  for (int i = 0; i < m->account.symbol_count; i++) {
    const struct account_symbol *as = &m->account.symbols[i];
    for (int leg = 0; leg < LEG_COUNT; leg++)
      if (as->pos[leg].lots < 0 || (as->pos[leg].lots > 0 && as->leverage_e4 > LEVERAGE_ONE_E4)) return true;
  }
  return false;
}

// Equity − maintenance margin with s at point.
static int64_t cushion(const struct matcher *m, const struct match_symbol *s, int64_t point) {
  int128 sum = account_equity_at(&m->account, s->index, (price){point}).e8;
  for (int i = 0; i < m->account.symbol_count; i++) {
    const struct account_symbol *as = &m->account.symbols[i];
    price px = i == s->index ? (price){point} : as->mark;
    if (!price_given(px)) continue;
    for (int leg = 0; leg < LEG_COUNT; leg++) {
      int64_t lots = as->pos[leg].lots;
      cash notional;
      if (lots == 0) continue;
      if (!instrument_notional(&as->inst, px, (quantity){lots < 0 ? -lots : lots}, ROUND_CEIL, &notional)) notional.e8 = INT64_MAX;
      sum -= div_ceil((int128)notional.e8 * m->symbols[i].cfg.maintenance_frac_e8, FRAC_ONE);
    }
  }
  return sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : (int64_t)sum;
}

bool liquidated_at(const struct matcher *m, const struct match_symbol *s, int64_t point) {
  if (account_lots(&m->account, s->index, LEG_NET) == 0) return false;
  return cushion(m, s, point) <= 0;
}

bool liquidation_point(const struct matcher *m, const struct match_symbol *s, int64_t a, int64_t b, int64_t *ret) {
  if (!liquidated_at(m, s, b)) return false;
  if (liquidated_at(m, s, a)) {
    *ret = a;
    return true;
  }
  // The cushion is linear in the price, so there is one crossing: a is healthy, b is not.
  while (b - a > 1 || a - b > 1) {
    int64_t mid = a + (b - a) / 2;
    if (liquidated_at(m, s, mid)) b = mid;
    else a = mid;
  }
  *ret = b;
  return true;
}

void liquidation_watch(struct matcher *m, struct match_symbol *s) {
  if (!liquidation_danger(m)) return;
  struct match_watch *w = &s->watch;
  w->danger = true;
  for (int i = 0; i < m->account.symbol_count; i++)  // others' marks move the cushion: always look
    if (i != s->index && (m->account.symbols[i].pos[0].lots | m->account.symbols[i].pos[1].lots | m->account.symbols[i].pos[2].lots))
      w->low = INT64_MAX;
  int64_t lots = account_lots(&m->account, s->index, LEG_NET), here = w->acct->mark.ticks;
  if (lots == 0 || w->low == INT64_MAX) return;
  // Where the line through two values of the cushion is zero. It may lie beyond the second, so the values' rounding counts
  // for as much as the line is prolonged: look that many ticks early.
  int64_t there = lots > 0 ? 1 : here * 2, now = cushion(m, s, here), then = cushion(m, s, there);
  if (now <= 0 || here <= 1) {
    w->low = INT64_MAX;
    return;
  }
  if (lots > 0 ? then > 0 : then >= now) return;  // a long that survives zero; a short that gains as the price rises
  int128 away = (int128)now * (there - here) / ((int128)now - then), early = 2 + (away < 0 ? -away : away) / 1000000;
  int128 level = here + away;
  if (lots > 0 && level + early > w->low) w->low = (int64_t)(level + early);
  if (lots < 0 && level - early < w->high) w->high = (int64_t)(level - early);
}

static int64_t bankruptcy_price(const struct matcher *m, const struct match_symbol *s) {
  const struct account_symbol *as = &m->account.symbols[s->index];
  int64_t lots = account_lots(&m->account, s->index, LEG_NET), equity = account_equity(&m->account).e8;
  assert(lots != 0);
  int128 num = (int128)equity * as->inst.value_den, den = (int128)lots * as->inst.value_num;
  if (den < 0) num = -num, den = -den;
  int128 px = as->mark.ticks - (lots > 0 ? div_floor(num, den) : div_ceil(num, den));
  return px < 1 ? 1 : px > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)px;
}

void force_close(struct matcher *m, struct match_symbol *s, int leg, int64_t px, int64_t now_ns) {
  int64_t lots = m->account.symbols[s->index].pos[leg].lots;
  if (lots == 0) return;
  struct order *o = order_new(m);
  o->symbol = s->index, o->side = lots > 0 ? SIDE_SELL : SIDE_BUY, o->leg = leg, o->type = ORDER_MARKET, o->reduce = true;
  o->size_kind = SIZE_CLOSE, o->qty = (quantity){lots < 0 ? -lots : lots}, o->tag = TAG_LIQUIDATION;
  o->decided_ns = o->active_ns = now_ns;
  work_insert(m, s, o, s->work_count);
  order_change_status(m, o, ORDER_OPEN, REASON_NONE, now_ns);
  int64_t room = s->room_lots;
  s->room_lots = INT64_MAX;  // a liquidation engine does not wait for volume
  struct execution x = {.point = px, .px = px, .undisturbed = px, .time_ns = now_ns, .lots = INT64_MAX, .no_funds_check = true};
  execute(m, s, o, &x);
  s->room_lots = room;
}

bool matcher_execute(struct matcher *m, uint64_t id, price px, int64_t now_ns) {
  struct order *o = order_find(m, id);
  if (!o || !order_alive(o) || px.ticks <= 0) return false;
  struct match_symbol *s = &m->symbols[o->symbol];
  orders_due(m, s, now_ns);
  if (!order_alive(o) || !order_is_market(o) || o->status == ORDER_SENT) return false;
  int64_t room = s->room_lots;
  s->room_lots = INT64_MAX;
  struct execution x = {.point = px.ticks, .px = slipped(&s->cfg.costs, o->side, quote_at(s, o->side, px.ticks)), .undisturbed = px.ticks, .time_ns = now_ns, .lots = INT64_MAX};
  execute(m, s, o, &x);
  s->room_lots = room;
  return true;
}

void liquidate(struct matcher *m, struct match_symbol *s, int64_t now_ns) {
  for (int i = 0; i < m->account.symbol_count; i++) {
    struct match_symbol *other = &m->symbols[i];
    while (other->work_count > 0) order_end(m, other->work[other->work_count - 1], ORDER_CANCELED, REASON_LIQUIDATED, now_ns);
  }
  for (int i = 0; i < m->account.symbol_count; i++)
    for (int leg = 0; leg < LEG_COUNT && i != s->index; leg++)
      force_close(m, &m->symbols[i], leg, m->account.symbols[i].mark.ticks, now_ns);
  int64_t px = bankruptcy_price(m, s);
  for (int leg = 0; leg < LEG_COUNT; leg++) force_close(m, s, leg, px, now_ns);
}
