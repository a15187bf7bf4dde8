// risk/gate.c – running sums, and the checks against what they would become.
#include "risk/gate.h"

#include <assert.h>

#define FRAC_ONE INT64_C(100000000)
#define LEVERAGE_ONE INT64_C(10000)

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t add_sat(int64_t a, int64_t b) {
  int64_t r;
  return __builtin_add_overflow(a, b, &r) ? (b > 0 ? INT64_MAX : INT64_MIN + 1) : r;
}
static int64_t sub_sat(int64_t a, int64_t b) {
  int64_t r;
  return __builtin_sub_overflow(a, b, &r) ? (b < 0 ? INT64_MAX : INT64_MIN + 1) : r;
}
static int64_t saturate(int128 v) { return v > INT64_MAX ? INT64_MAX : v < INT64_MIN + 1 ? INT64_MIN + 1 : (int64_t)v; }

void gate_scope_init(struct gate_scope *s, enum refusal_level level, const struct gate_limits *limits, cash equity) {
  assert(level == LEVEL_BOT || level == LEVEL_ACCOUNT || level == LEVEL_TENANT);
  assert(limits->rate_burst == 0 || (limits->rate_period_ns > 0 && limits->rate_burst <= 1000000));
  *s = (struct gate_scope){.level = level, .limits = *limits, .rate_e8 = FRAC_ONE, .equity_e8 = equity.e8,
                           .day_start_e8 = equity.e8, .peak_e8 = equity.e8, .free_e8 = equity.e8, .tat_ns = INT64_MIN};
}

void gate_symbol_init(struct gate_symbol *s, const struct instrument *inst, int64_t leverage_e4) {
  assert(leverage_e4 > 0 && inst->value_num > 0);
  *s = (struct gate_symbol){.inst = inst, .leverage_e4 = leverage_e4, .last = NO_PRICE};
}

// --- what a symbol's sums mean ---------------------------------------------------------------------------------------------

// |px| × lots, rounded up; INT64_MAX when it does not fit.
static int64_t notional(const struct instrument *inst, price px, int64_t lots) {
  cash v;
  if (px.ticks < 0) px.ticks = px.ticks == INT64_MIN ? INT64_MAX : -px.ticks;
  return instrument_notional(inst, px, (quantity){lots}, ROUND_CEIL, &v) ? v.e8 : INT64_MAX;
}

// The part of pending notional on one side that would open, after `against` lots were closed.
static int64_t opening(int64_t lots, int64_t e8, int64_t against) {
  if (lots <= against) return 0;
  return against <= 0 ? e8 : saturate(div_ceil((int128)e8 * (lots - against), lots));
}

// Derives worst case and margin from position and pending orders.
static void derive(struct gate_symbol *s) {
  int64_t held = s->lots < 0 ? sub_sat(0, s->lots) : s->lots;
  int64_t worst = most(held, most(add_sat(s->lots, s->buy_lots), sub_sat(s->sell_lots, s->lots)));
  s->worst_e8 = worst == 0 || !price_given(s->last) ? 0 : notional(s->inst, s->last, worst);
  int64_t buys = opening(s->buy_lots, s->buy_e8, s->lots < 0 ? held : 0);
  int64_t sells = opening(s->sell_lots, s->sell_e8, s->lots > 0 ? held : 0);
  int64_t opens = most(buys, sells);  // in a netting account both cannot open more
  s->margin_e8 = s->leverage_e4 == LEVERAGE_ONE ? opens : saturate(div_ceil((int128)opens * LEVERAGE_ONE, s->leverage_e4));
}

static int64_t in_tenants_currency(const struct gate_scope *account, int64_t e8) {
  return account->rate_e8 == FRAC_ONE ? e8 : saturate(div_ceil((int128)e8 * account->rate_e8, FRAC_ONE));
}

// Sums of the scopes follow the symbols by differences.
static void settle(const struct gate_path *p) {
  struct gate_symbol *b = p->bot_symbol, *a = p->account_symbol;
  int64_t bot_worst = b->worst_e8, worst = a->worst_e8, margin = a->margin_e8, up = a->worst_up_e8;
  derive(b);
  derive(a);
  a->worst_up_e8 = in_tenants_currency(p->account, a->worst_e8);
  p->bot->exposure_e8 += (int128)b->worst_e8 - bot_worst;
  p->account->exposure_e8 += (int128)a->worst_e8 - worst;
  p->account->margin_e8 += (int128)a->margin_e8 - margin;
  p->tenant->exposure_e8 += (int128)a->worst_up_e8 - up;
}

static void pend(struct gate_symbol *s, enum side side, int64_t lots, int64_t e8) {
  int64_t *l = side == SIDE_BUY ? &s->buy_lots : &s->sell_lots, *v = side == SIDE_BUY ? &s->buy_e8 : &s->sell_e8;
  *l = add_sat(*l, lots);
  *v = add_sat(*v, e8);
  assert(*l >= 0 && *v >= 0);
}

// --- the checks --------------------------------------------------------------------------------------------------------------

struct check {
  const struct gate_path *p;
  const struct gate_order *o;
  const struct gate_scope *scopes[3];
  int64_t value_e8;          // notional, rounded up
  bool grows;
  struct refusal *why;
};

static bool check_order(struct check *c) {
  const struct gate_order *o = c->o;
  const struct gate_symbol *s = c->p->bot_symbol;
  const struct instrument *inst = s->inst;
  if (c->p->closed) return refuse(c->why, REFUSE_CLOSED, LEVEL_VENUE, 0, 0);
  if (!price_given(o->px) || (c->grows && !price_given(s->last))) return refuse(c->why, REFUSE_NO_PRICE, LEVEL_VENUE, 0, 0);
  if (o->px.ticks <= 0 || (price_given(o->limit) && o->limit.ticks <= 0))
    return refuse(c->why, REFUSE_BAD_PRICE, LEVEL_VENUE, 0, o->px.ticks <= 0 ? o->px.ticks : o->limit.ticks);
  if (c->value_e8 == INT64_MAX) return refuse(c->why, REFUSE_OVERFLOW, LEVEL_VENUE, 0, 0);
  if (o->reduce) {
    int64_t held = o->side == SIDE_SELL ? most(s->lots, 0) : most(sub_sat(0, s->lots), 0);
    if (o->lots > held) return refuse(c->why, REFUSE_REDUCE_ONLY, LEVEL_BOT, held, o->lots);
  }
  if (inst->max_order_qty.lots > 0 && o->lots > inst->max_order_qty.lots)
    return refuse(c->why, REFUSE_SIZE_MAX, LEVEL_VENUE, inst->max_order_qty.lots, o->lots);
  // What is left of a position may be closed however small it is.
  int64_t min = most(inst->min_qty.lots, 1);
  if (o->lots < min && (c->grows || o->lots <= 0)) return refuse(c->why, REFUSE_SIZE_MIN, LEVEL_VENUE, min, o->lots);
  cash floor;
  if (c->grows && inst->min_notional.e8 > 0 && instrument_notional(inst, o->px, (quantity){o->lots}, ROUND_FLOOR, &floor) &&
      floor.e8 < inst->min_notional.e8)
    return refuse(c->why, REFUSE_NOTIONAL_MIN, LEVEL_VENUE, inst->min_notional.e8, floor.e8);
  return true;
}

static bool check_collar(struct check *c) {
  price last = c->p->bot_symbol->last;
  if (!c->o->priced || !price_given(last) || last.ticks <= 0) return true;
  int128 off = (int128)c->o->px.ticks - last.ticks;
  if (off < 0) off = -off;
  for (int i = 0; i < 3; i++) {
    int64_t collar = c->scopes[i]->limits.collar_e8;
    if (collar > 0 && off * FRAC_ONE > (int128)collar * last.ticks)
      return refuse(c->why, REFUSE_COLLAR, c->scopes[i]->level, collar, saturate(div_ceil(off * FRAC_ONE, last.ticks)));
  }
  return true;
}

static bool check_tier(struct check *c) {
  if (!c->grows) return true;
  if (c->p->plan_denies != REFUSE_NONE) return refuse(c->why, c->p->plan_denies, LEVEL_TENANT, 0, 0);
  for (int i = 0; i < 3; i++) {
    const struct gate_scope *s = c->scopes[i];
    if (s->limits.max_trades > 0 && s->trades_used >= s->limits.max_trades)
      return refuse(c->why, REFUSE_TIER_TRADES, s->level, s->limits.max_trades, s->trades_used);
  }
  return true;
}

// GCRA: the bucket is full when its time of arrival is as far ahead as the burst allows.
static bool check_rate(struct check *c) {
  for (int i = 0; i < 3; i++) {
    const struct gate_scope *s = c->scopes[i];
    if (s->limits.rate_burst == 0 || s->tat_ns <= c->o->now_ns) continue;
    int128 ahead = (int128)s->tat_ns - c->o->now_ns;
    int128 room = (int128)(s->limits.rate_burst * (c->grows ? 1 : 2) - 1) * s->limits.rate_period_ns;
    if (ahead <= room) continue;
    refuse(c->why, REFUSE_RATE, s->level, s->limits.rate_burst, s->limits.rate_burst + 1);
    c->why->until_ns = saturate((int128)s->tat_ns - room);
    return false;
  }
  return true;
}

static bool check_open(struct check *c) {
  for (int i = 0; i < 3; i++) {
    const struct gate_scope *s = c->scopes[i];
    int64_t max = s->limits.max_open * (c->grows ? 1 : 2);
    if (max > 0 && s->open_orders >= max) return refuse(c->why, REFUSE_OPEN_MAX, s->level, max, s->open_orders);
  }
  return true;
}

static bool check_self_trade(struct check *c) {
  if (!c->p->resting || c->o->waits) return true;
  const struct resting_order *met = resting_meets(c->p->resting, c->o->side, c->o->limit);
  if (!met) return true;
  refuse(c->why, REFUSE_SELF_TRADE, LEVEL_ACCOUNT, price_given(met->limit) ? met->limit.ticks : c->o->px.ticks, c->o->px.ticks);
  c->why->other = met->id;
  return false;
}

static bool check_growth(struct check *c) {
  const struct gate_path *p = c->p;
  struct gate_symbol bot = *p->bot_symbol, account = *p->account_symbol;  // as they would be
  int64_t lots = c->o->lots, value = c->value_e8;
  pend(&bot, c->o->side, lots, value);
  pend(&account, c->o->side, lots, value);
  derive(&bot);
  derive(&account);
  int64_t up = in_tenants_currency(p->account, account.worst_e8), value_up = in_tenants_currency(p->account, value);
  if (bot.worst_e8 == INT64_MAX || account.worst_e8 == INT64_MAX) return refuse(c->why, REFUSE_OVERFLOW, LEVEL_ACCOUNT, 0, 0);
  const struct { int64_t value, position, exposure; } at[3] = {
    {value, bot.worst_e8, saturate(p->bot->exposure_e8 + bot.worst_e8 - p->bot_symbol->worst_e8)},
    {value, account.worst_e8, saturate(p->account->exposure_e8 + account.worst_e8 - p->account_symbol->worst_e8)},
    {value_up, 0, saturate(p->tenant->exposure_e8 + up - p->account_symbol->worst_up_e8)}};
  for (int i = 0; i < 3; i++) {
    const struct gate_scope *s = c->scopes[i];
    const struct gate_limits *l = &s->limits;
    if (l->max_order_e8 > 0 && at[i].value > l->max_order_e8)
      return refuse(c->why, REFUSE_NOTIONAL_MAX, s->level, l->max_order_e8, at[i].value);
    if (l->max_position_e8 > 0 && at[i].position > l->max_position_e8)
      return refuse(c->why, REFUSE_POSITION_MAX, s->level, l->max_position_e8, at[i].position);
    if (l->max_exposure_e8 > 0 && at[i].exposure > l->max_exposure_e8)
      return refuse(c->why, REFUSE_EXPOSURE_MAX, s->level, l->max_exposure_e8, at[i].exposure);
    if (l->max_leverage_e4 > 0) {
      int64_t most_e8 = saturate((int128)most(s->equity_e8, 0) * l->max_leverage_e4 / LEVERAGE_ONE);
      if (at[i].exposure > most_e8) return refuse(c->why, REFUSE_LEVERAGE, s->level, most_e8, at[i].exposure);
    }
    int64_t loss = sub_sat(s->day_start_e8, s->equity_e8), drawdown = sub_sat(s->peak_e8, s->equity_e8);
    if (l->day_loss_e8 > 0 && loss >= l->day_loss_e8) return refuse(c->why, REFUSE_DAY_LOSS, s->level, l->day_loss_e8, loss);
    if (l->drawdown_e8 > 0 && drawdown >= l->drawdown_e8)
      return refuse(c->why, REFUSE_DRAWDOWN, s->level, l->drawdown_e8, drawdown);
  }
  int64_t need = add_sat(sub_sat(account.margin_e8, p->account_symbol->margin_e8), c->o->fee.e8);
  int64_t room = saturate(p->account->free_e8 - p->account->margin_e8);
  if (need > 0 && need > room) return refuse(c->why, REFUSE_MARGIN, LEVEL_ACCOUNT, room, need);
  return true;
}

bool gate_check(const struct gate_path *p, const struct gate_order *o, struct refusal *why) {
  assert(o->side == SIDE_BUY || o->side == SIDE_SELL);
  assert(p->bot->level == LEVEL_BOT && p->account->level == LEVEL_ACCOUNT && p->tenant->level == LEVEL_TENANT);
  const struct gate_symbol *s = p->bot_symbol;
  struct check c = {.p = p, .o = o, .scopes = {p->bot, p->account, p->tenant}, .why = why};
  // What the bot's position allows to close, after the orders on this side that stand before this one.
  int64_t closable = o->side == SIDE_SELL ? sub_sat(s->lots, s->sell_lots) : sub_sat(sub_sat(0, s->lots), s->buy_lots);
  c.grows = !o->reduce && o->lots > most(closable, 0);
  c.value_e8 = price_given(o->px) && o->lots > 0 ? notional(s->inst, o->px, o->lots) : 0;
  if (p->halt &&
      halt_blocks(p->halt, &(struct halt_order){p->venue_id, p->tenant_id, p->bot_id, !c.grows, o->by_engine}, why))
    return false;
  if (!check_order(&c) || !check_collar(&c)) return false;
  if (o->by_engine && !c.grows) return true;
  if (!check_tier(&c) || !check_rate(&c) || !check_open(&c) || !check_self_trade(&c)) return false;
  if (!c.grows) return true;
  if (p->protect && !protect_check(p->protect, p->protect_symbol, o->now_ns, why)) return false;
  if (!check_growth(&c)) return false;
  if (!p->rules) return true;
  struct rule_order r = o->rule;
  r.grows = true;
  r.symbol = p->bot_symbol->inst->symbol;
  r.now_ns = o->now_ns;
  return rule_check(p->rules, &r, why);
}

// --- what accepted orders occupy ---------------------------------------------------------------------------------------------

void gate_accept(const struct gate_path *p, const struct gate_order *o, struct gate_ticket *t) {
  struct gate_scope *scopes[] = {p->bot, p->account, p->tenant};
  for (int i = 0; i < 3; i++) {
    struct gate_scope *s = scopes[i];
    if (s->limits.rate_burst > 0) s->tat_ns = add_sat(most(s->tat_ns, o->now_ns), s->limits.rate_period_ns);
  }
  gate_occupy(p, o, t);
}

void gate_occupy(const struct gate_path *p, const struct gate_order *o, struct gate_ticket *t) {
  struct gate_scope *scopes[] = {p->bot, p->account, p->tenant};
  for (int i = 0; i < 3; i++) scopes[i]->open_orders++;
  int64_t value = notional(p->bot_symbol->inst, o->px, o->lots);
  *t = (struct gate_ticket){.side = o->side, .open = true, .reduce = o->reduce, .all_lots = o->lots, .all_e8 = value};
  gate_update(p, t, o->lots, false);
}

static void unknown_add(struct gate_symbol *s, enum side side, int64_t lots) {
  int64_t *u = side == SIDE_BUY ? &s->unknown_buy_lots : &s->unknown_sell_lots;
  *u = add_sat(*u, lots);
  assert(*u >= 0);
}

void gate_update(const struct gate_path *p, struct gate_ticket *t, int64_t pending_lots, bool unknown) {
  assert(t->open && pending_lots >= 0);
  if (t->reduce) return;
  int64_t e8 = saturate(div_ceil((int128)t->all_e8 * pending_lots, t->all_lots));
  struct gate_symbol *symbols[] = {p->bot_symbol, p->account_symbol};
  for (int i = 0; i < 2; i++) {
    pend(symbols[i], t->side, pending_lots - t->lots, e8 - t->e8);
    unknown_add(symbols[i], t->side, (unknown ? pending_lots : 0) - (t->unknown ? t->lots : 0));
  }
  t->lots = pending_lots;
  t->e8 = e8;
  t->unknown = unknown;
  settle(p);
}

void gate_release(const struct gate_path *p, struct gate_ticket *t) {
  if (!t->open) return;
  gate_update(p, t, 0, false);
  t->open = false;
  struct gate_scope *scopes[] = {p->bot, p->account, p->tenant};
  for (int i = 0; i < 3; i++) {
    assert(scopes[i]->open_orders > 0);
    scopes[i]->open_orders--;
  }
}

bool gate_excess(const struct gate_path *p, struct refusal *why) {
  const struct gate_symbol *symbols[] = {p->bot_symbol, p->account_symbol, p->account_symbol};
  const struct gate_scope *scopes[] = {p->bot, p->account, p->tenant};
  for (int i = 0; i < 3; i++) {
    const struct gate_symbol *s = symbols[i];
    const struct gate_limits *l = &scopes[i]->limits;
    int64_t held = s->lots < 0 ? sub_sat(0, s->lots) : s->lots;
    // Only where pending orders make the worst case worse than what is held.
    if (add_sat(s->lots, s->buy_lots) <= held && sub_sat(s->sell_lots, s->lots) <= held) continue;
    int64_t exposure = saturate(scopes[i]->exposure_e8);
    if (i < 2 && l->max_position_e8 > 0 && s->worst_e8 > l->max_position_e8)
      return !refuse(why, REFUSE_POSITION_MAX, scopes[i]->level, l->max_position_e8, s->worst_e8);
    if (l->max_exposure_e8 > 0 && exposure > l->max_exposure_e8)
      return !refuse(why, REFUSE_EXPOSURE_MAX, scopes[i]->level, l->max_exposure_e8, exposure);
  }
  return false;
}

void gate_fill(const struct gate_path *p, enum side side, int64_t lots) {
  p->bot_symbol->lots = add_sat(p->bot_symbol->lots, side * lots);
  p->account_symbol->lots = add_sat(p->account_symbol->lots, side * lots);
  settle(p);
}

void gate_price(const struct gate_path *p, price last) {
  p->bot_symbol->last = p->account_symbol->last = last;
  settle(p);
}
