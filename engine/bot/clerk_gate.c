// bot/clerk_gate.c – a command becomes the question that the gate answers, as a matcher will treat it: what that cuts at the fill is
// not refused before.
#include "bot/clerk_impl.h"

#define FRAC_ONE INT64_C(100000000)

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static bool is_limit(const struct intent *in) { return in->type == ORDER_LIMIT || in->type == ORDER_STOP_LIMIT; }
static bool waits(const struct intent *in) { return in->type == ORDER_STOP || in->type == ORDER_STOP_LIMIT || in->type == ORDER_TRAILING; }

// Lots on the side of the order that the bot's position allows to close.
static int64_t held_against(const struct clerk_symbol *s, enum side side) { return most(side == SIDE_SELL ? s->gate.lots : -s->gate.lots, 0); }

static cash fee_at_most(const struct match_symbol_config *sc, price px, int64_t lots) {
  cash notional;
  if (!price_given(px) || px.ticks <= 0 || !instrument_notional(&sc->inst, px, (quantity){lots}, ROUND_FLOOR, &notional)) return (cash){0};
  const struct match_fees *f = &sc->fees;
  int128 fee = div_ceil((int128)notional.e8 * f->taker_frac_e8, FRAC_ONE) + f->fixed_e8 +
               div_ceil((int128)f->per_unit_e8 * lots * sc->inst.lot.digits, pow10_i64(sc->inst.lot.scale));
  int64_t e8;
  return (cash){narrow_checked(fee, &e8) ? e8 : INT64_MAX / 4};
}

struct gate_order clerk_gate_order(const struct clerk *c, const struct clerk_symbol *s, const struct intent *in, int64_t lots) {
  struct gate_order g = {.side = in->side, .lots = lots, .limit = is_limit(in) ? in->limit : NO_PRICE, .waits = waits(in),
                         .reduce = in->reduce || in->size_kind == SIZE_CLOSE, .now_ns = c->now_ns};
  price own = is_limit(in) ? in->limit : waits(in) ? in->trigger : NO_PRICE;
  g.priced = price_given(own);
  g.px = g.priced ? own : s->gate.last;
  // More than the position holds of a reduce-only order never executes: the matcher clips it.
  if (g.reduce && lots > held_against(s, in->side)) g.lots = most(held_against(s, in->side), 1);
  g.fee = fee_at_most(matcher_symbol_config(c->blotter.matcher, s->symbol), g.px, g.lots);
  return g;
}

bool clerk_gate_grows(const struct clerk_symbol *s, const struct gate_order *g) {
  int64_t before = g->side == SIDE_SELL ? s->gate.sell_lots : s->gate.buy_lots;
  return !g->reduce && g->lots > most(held_against(s, g->side) - before, 0);
}

// ---- does it meet another bot of the account?

price clerk_gate_reach(price last, enum side side) {
  int128 reach = div_ceil((int128)last.ticks * MARKET_REACH_E8, FRAC_ONE), at = last.ticks + side * reach;
  return (price){at > INT64_MAX / 2 ? INT64_MAX / 2 : at < 1 ? 1 : (int64_t)at};
}

static bool meets(const struct clerk_symbol *s, const struct resting_order *x, const struct gate_order *g) {
  if (x->side == g->side || (!price_given(x->limit) && !price_given(g->limit))) return false;  // two market orders do not
  if (!price_given(s->gate.last)) return true;
  price theirs = price_given(x->limit) ? x->limit : clerk_gate_reach(s->gate.last, x->side);
  price ours = price_given(g->limit) ? g->limit : clerk_gate_reach(s->gate.last, g->side);
  return (ours.ticks - theirs.ticks) * g->side >= 0;
}

static bool self_trade_check(const struct clerk *c, const struct clerk_symbol *s, const struct gate_order *g, struct refusal *ret_why) {
  const struct resting *r = &s->shared->resting;
  if (g->waits || g->by_engine || r->count == s->resting_count) return true;  // only its own: the matcher's business
  for (size_t i = 0; i < r->count; i++) {
    const struct resting_order *x = &r->items[i];
    if (x->bot == c->bot_id || !meets(s, x, g)) continue;
    refuse(ret_why, REFUSE_SELF_TRADE, LEVEL_ACCOUNT, price_given(x->limit) ? x->limit.ticks : g->px.ticks, g->px.ticks);
    ret_why->other = x->id & ((UINT64_C(1) << CLERK_RESTING_BITS) - 1);
    ret_why->other_bot = x->bot;
    return false;
  }
  return true;
}

// ---- the question

// What the account has, or the bot's part of it where that is less; the gate takes off all that is pending in the account.
static int64_t free_of_either(const struct clerk *c) {
  int128 part = c->free_e8 + c->account->scope.margin_e8;
  for (int i = 0; i < c->symbol_count; i++) part -= c->symbols[i].gate.margin_e8;
  return part < c->account->scope.free_e8 ? (int64_t)part : c->account->scope.free_e8;
}

// Funds as the matcher sees them: what closing releases counts; sizes in money or percent are cut at the fill.
static int64_t free_for(const struct clerk *c, const struct clerk_symbol *s, const struct intent *in, const struct gate_order *g) {
  int64_t free = free_of_either(c), closing = held_against(s, g->side), sum;
  if (in->size_kind != SIZE_QTY) return INT64_MAX;
  if (closing > g->lots) closing = g->lots;
  cash released;
  const struct account *a = matcher_account(c->blotter.matcher);
  if (closing == 0 || !price_given(s->gate.last) || !account_margin_of(a, s->symbol, s->gate.last, closing, &released)) return free;
  return add_checked(free, released.e8, &sum) ? sum : free;
}

bool clerk_gate_check(struct clerk *c, struct clerk_symbol *s, const struct intent *in, const struct gate_order *g, struct refusal *ret_why) {
  struct gate_scope account = c->account->scope;  // as this order is to see it
  struct gate_path path = s->path;
  struct gate_order order = *g;
  path.account = &account;
  if (c->shared->last && (last_check_tripped(c->shared->last, c->account->id, c->account->tenant->id) || last_check_bot_tripped(c->shared->last, c->bot_id)))
    return refuse(ret_why, REFUSE_HALTED, LEVEL_ACCOUNT, 0, c->shared->halt ? (int64_t)c->shared->halt->epoch : 0);
  if (clerk_gate_grows(s, g)) {
    account.free_e8 = free_for(c, s, in, g);
    if (path.rules) clerk_rules_order(c, s, in, &order);
  }
  return gate_check(&path, &order, ret_why) && self_trade_check(c, s, &order, ret_why);
}
