// bot/clerk_rules.c – what an account loses if everything that is held or working runs into its stops, for rules of prop firms.
//
// Summed over all bots of the account: positions from the mark, entries from their price, each to the stop it has or will have, with
// fees for both ways. Where several stops guard one position, the nearest counts first, as the market comes to it first; one whose fate is
// unknown, or that is about to be cancelled, guards nothing.
#include "bot/clerk_impl.h"

#include <assert.h>

#define FRAC_ONE INT64_C(100000000)

struct sums {
  const struct rule_set *rules;
  const struct order *moved;     // the entry whose stop is thought to be elsewhere; NULL: none
  price moved_to;
  bool before;                   // with the stops that the instant of the one who asks has taken, and without those that it has set
  int64_t loss_e8;               // RULE_UNBOUNDED sticks
  int128 qty_e8;
  bool bare;                     // some of a position has no stop
};

static int64_t add_loss(int64_t a, int64_t b) {
  int64_t sum;
  return a == RULE_UNBOUNDED || b == RULE_UNBOUNDED || !add_checked(a, b, &sum) ? RULE_UNBOUNDED : sum;
}

static cash fees_both_ways(const struct match_symbol_config *sc, price px, int64_t lots) {
  cash notional;
  if (!instrument_notional(&sc->inst, px, (quantity){lots}, ROUND_CEIL, &notional) || notional.e8 < 0) return (cash){INT64_MAX / 4};
  const struct match_fees *f = &sc->fees;
  int128 one = div_ceil((int128)notional.e8 * f->taker_frac_e8, FRAC_ONE) + f->fixed_e8 +
               div_ceil((int128)f->per_unit_e8 * lots * sc->inst.lot.digits, pow10_i64(sc->inst.lot.scale));
  int64_t e8;
  return (cash){narrow_checked(one * 2, &e8) && e8 >= 0 ? e8 : one < 0 ? 0 : INT64_MAX / 4};
}

static int128 contracts_e8(const struct instrument *inst, int64_t lots) {
  return div_ceil((int128)lots * inst->lot.digits * FRAC_ONE, pow10_i64(inst->lot.scale));
}

static int64_t loss_of(const struct rule_set *rules, const struct match_symbol_config *sc, enum side entry, price px, price stop, int64_t lots) {
  return rule_stop_loss(rules, &sc->inst, entry, px, stop, lots, fees_both_ways(sc, px, lots));
}

// Where a trailing stop that begins at px would first stand.
static price trailed(price px, enum side entry, int64_t ticks, int64_t frac_e8) {
  int128 off = ticks > 0 ? ticks : div_ceil((int128)px.ticks * frac_e8, FRAC_ONE), at = px.ticks - entry * off;
  return (price){at < 1 ? 1 : at > INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)at};
}

static price stop_of_entry(price sl, price px, enum side side, int64_t trail_ticks, int64_t trail_frac_e8) {
  if (price_given(sl) || (trail_ticks <= 0 && trail_frac_e8 <= 0)) return sl;
  return trailed(px, side, trail_ticks, trail_frac_e8);
}

// ---- a position

price clerk_rules_level(const struct order *o) {
  if (o->type == ORDER_STOP) return o->trigger;
  if (o->type != ORDER_TRAILING) return NO_PRICE;
  price at = trailed(o->trail_ref, -o->side, o->trail_ticks, o->trail_frac_e8);
  bool first = price_given(o->trigger) && (o->trigger.ticks - at.ticks) * o->side < 0;
  return first ? o->trigger : at;
}

// The worse of where it stands and where changes on their way put it.
static price level_of(const struct sums *t, const struct clerk *k, const struct order *o, int64_t *ret_lots) {
  if (t->moved && o->parent == t->moved->id && o->tag == TAG_SL) return *ret_lots = order_left(o).lots, t->moved_to;
  price at = clerk_rules_level(o);
  const struct clerk_guard *g = o->status == ORDER_PENDING_MODIFY ? clerk_guard_noted((struct clerk *)k, o->id) : NULL;
  *ret_lots = order_left(o).lots;
  if (!g) return at;
  if (g->coming_lots < *ret_lots) *ret_lots = g->coming_lots;
  return price_given(g->coming) && (g->coming.ticks - at.ticks) * g->side > 0 ? g->coming : at;
}

// The next stop that guards a position of that side, in no order.
struct walk {
  size_t order, guard;
};
static bool guard_next(const struct sums *t, const struct clerk *k, const struct clerk_symbol *s, enum side entry, struct walk *w, price *ret_level, int64_t *ret_lots) {
  for (const struct order *o; (o = matcher_working(k->blotter.matcher, s->symbol, &w->order));) {
    if (!o->reduce || o->leg != s->leg || o->side == entry || o->status == ORDER_PENDING_CANCEL || o->status == ORDER_UNKNOWN) continue;
    if (t->before && (o->decided_ns >= k->now_ns || clerk_guard_noted((struct clerk *)k, o->id))) continue;
    *ret_level = level_of(t, k, o, ret_lots);
    if (price_given(*ret_level)) return true;
  }
  while (t->before && w->guard < k->guard_count) {
    const struct clerk_guard *g = &k->guards[w->guard++];
    if (&k->symbols[g->symbol] != s || g->side == entry) continue;
    *ret_level = g->level, *ret_lots = g->lots;
    return true;
  }
  return false;
}

// Losses of `lots` of a position, given the stops that guard it: again and again the nearest that is farther than the last.
static void add_position(struct sums *t, const struct clerk *k, const struct clerk_symbol *s, enum side entry, int64_t lots) {
  const struct match_symbol_config *sc = matcher_symbol_config(k->blotter.matcher, s->symbol);
  price last = NO_PRICE;
  t->qty_e8 += contracts_e8(&sc->inst, lots);
  for (;;) {
    price stop = NO_PRICE, level;
    int64_t guarded = 0, left;
    for (struct walk w = {0, 0}; guard_next(t, k, s, entry, &w, &level, &left);) {
      if (price_given(last) && (level.ticks - last.ticks) * entry >= 0) continue;
      if (!price_given(stop) || (level.ticks - stop.ticks) * entry > 0) stop = level, guarded = 0;
      if (level.ticks == stop.ticks) guarded += left;
    }
    if (!price_given(stop) || lots == 0) break;
    if (guarded > lots) guarded = lots;
    t->loss_e8 = add_loss(t->loss_e8, loss_of(t->rules, sc, entry, s->gate.last, stop, guarded));
    lots -= guarded;
    last = stop;
  }
  t->bare |= lots > 0;
  if (lots > 0) t->loss_e8 = add_loss(t->loss_e8, loss_of(t->rules, sc, entry, s->gate.last, NO_PRICE, lots));
}

// ---- all of the account

// An entry's loss does not depend on the market: it is worked out again when its lots, its price or its stop have changed.
static void add_entry(struct sums *t, const struct matcher *m, struct clerk_order *w) {
  const struct order *o = matcher_order(m, w->id);
  const struct match_symbol_config *sc = matcher_symbol_config(m, o->symbol);
  price sl = stop_of_entry(t->moved == o ? t->moved_to : o->sl, w->px, o->side, o->trail_ticks, o->trail_frac_e8);
  t->qty_e8 += contracts_e8(&sc->inst, w->ticket.lots);
  if (w->stop.rules != t->rules || w->stop.lots != w->ticket.lots || w->stop.px.ticks != w->px.ticks || w->stop.at.ticks != sl.ticks)
    w->stop = (struct clerk_stop){t->rules, w->ticket.lots, w->px, sl, loss_of(t->rules, sc, o->side, w->px, sl, w->ticket.lots)};
  t->loss_e8 = add_loss(t->loss_e8, w->stop.loss_e8);
}

static void add_clerk(struct sums *t, const struct clerk *k) {
  const struct matcher *m = k->blotter.matcher;
  for (int i = 0; i < k->symbol_count; i++) {
    const struct clerk_symbol *s = &k->symbols[i];
    if (s->gate.lots != 0) add_position(t, k, s, s->gate.lots > 0 ? SIDE_BUY : SIDE_SELL, s->gate.lots > 0 ? s->gate.lots : -s->gate.lots);
  }
  for (size_t i = 0; i < k->order_count; i++)
    if (k->orders[i].ticket.open && k->orders[i].ticket.lots > 0 && k->orders[i].grows) add_entry(t, m, &k->orders[i]);
}

// What another bot has at its stops does not change while this one asks: it is summed up once after anything has happened to it.
static void add_other(struct sums *t, struct clerk *k) {
  if (!k->at_stops.known) {
    struct sums own = {.rules = t->rules};
    add_clerk(&own, k);
    k->at_stops.loss_e8 = own.loss_e8, k->at_stops.qty_e8 = own.qty_e8, k->at_stops.known = true;
  }
  t->loss_e8 = add_loss(t->loss_e8, k->at_stops.loss_e8);
  t->qty_e8 += k->at_stops.qty_e8;
}

static struct sums all_as(const struct clerk *asking, const struct order *moved, price to, bool before) {
  const struct clerk_account *a = asking->account;
  struct sums t = {.rules = a->rules.rules, .moved = moved, .moved_to = to, .before = before};
  for (int i = 0; i < a->clerk_count; i++)
    if (a->clerks[i] == asking) add_clerk(&t, a->clerks[i]);
    else add_other(&t, a->clerks[i]);
  return t;
}

static struct sums all_of(const struct clerk *asking, const struct order *moved, price to) { return all_as(asking, moved, to, false); }

void clerk_rules_check(const struct clerk *c) {
  struct sums own = {.rules = c->account->rules.rules};
  if (!own.rules || !c->at_stops.known) return;
  add_clerk(&own, c);
  assert(own.loss_e8 == c->at_stops.loss_e8 && own.qty_e8 == c->at_stops.qty_e8);
}

static bool entered(const struct gate_symbol *s) { return s->lots != 0 || s->buy_lots > 0 || s->sell_lots > 0; }

void clerk_rules_order(struct clerk *c, const struct clerk_symbol *s, const struct intent *in, struct gate_order *g) {
  const struct clerk_account *a = c->account;
  const struct match_symbol_config *sc = matcher_symbol_config(c->blotter.matcher, s->symbol);
  cash fits;
  if (!price_given(g->px) || g->px.ticks <= 0 || !instrument_notional(&sc->inst, g->px, (quantity){g->lots}, ROUND_CEIL, &fits)) return;  // the gate refuses it anyway
  struct sums t = all_of(c, NULL, NO_PRICE);
  price stop = stop_of_entry(in->sl, g->px, in->side, in->trail_ticks, in->trail_frac_e8);
  g->rule.loss_e8 = loss_of(t.rules, sc, in->side, g->px, stop, g->lots);
  g->rule.open_loss_e8 = t.loss_e8;
  g->rule.has_stop = price_given(stop);
  int64_t qty;
  g->rule.qty_after_e8 = narrow_checked(t.qty_e8 + contracts_e8(&sc->inst, g->lots), &qty) ? qty : INT64_MAX;
  for (int i = 0; i < a->symbol_count; i++) g->rule.positions_after += entered(&a->symbols[i]->gate) || a->symbols[i] == s->shared;
}

// What a filled entry may lose from where it was filled to its stop; 0 where nothing limits that.
static int64_t loss_of_entry(const struct clerk *c, const struct order *entry, price stop) {
  const struct rule_set *rules = c->account->rules.rules;
  int64_t lots = entry->opened.lots - entry->exited.lots, den;
  int128 num;
  if (rules->trade_risk.of == AMOUNT_NONE || lots <= 0 || !order_avg(entry, &num, &den)) return 0;
  return loss_of(rules, matcher_symbol_config(c->blotter.matcher, entry->symbol), entry->side, (price){(int64_t)div_round(num, den)}, stop, lots);
}

bool clerk_rules_stop(struct clerk *c, const struct order *entry, price px, struct refusal *ret_why) {
  struct clerk_account *a = c->account;
  int64_t now = all_of(c, NULL, NO_PRICE).loss_e8;
  int64_t then = all_of(c, entry, px).loss_e8;
  if (then <= now) return true;  // nearer, or as it was
  struct rule_order r = {.loss_e8 = loss_of_entry(c, entry, px), .open_loss_e8 = then, .has_stop = price_given(px), .now_ns = c->now_ns};
  return rule_check_stops(&a->rules, &r, ret_why);
}

bool clerk_rules_guarded(struct clerk *c, struct refusal *ret_why) {
  const struct matcher *m = c->blotter.matcher;
  struct sums now = all_of(c, NULL, NO_PRICE);
  if (now.loss_e8 <= all_as(c, NULL, NO_PRICE, true).loss_e8) return true;
  struct rule_order r = {.open_loss_e8 = now.loss_e8, .has_stop = !now.bare, .now_ns = c->now_ns};
  for (size_t i = 0; i < c->guard_count; i++) {  // of an entry: what that trade may lose now
    const struct order *o = matcher_order(m, c->guards[i].id), *entry = o && o->parent ? matcher_order(m, o->parent) : NULL;
    const struct order *sl = entry ? matcher_order(m, entry->child_sl) : NULL;
    int64_t lots, loss = !entry ? 0 : loss_of_entry(c, entry, sl && order_alive(sl) && sl->status != ORDER_PENDING_CANCEL ? level_of(&now, c, sl, &lots) : NO_PRICE);
    if (loss > r.loss_e8 && c->symbols[c->guards[i].symbol].gate.lots != 0) r.loss_e8 = loss;
  }
  return rule_check_stops(&c->account->rules, &r, ret_why);
}
