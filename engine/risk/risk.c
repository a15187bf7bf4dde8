// risk/risk.c – the checks, one small function each, run in a fixed order; the first that refuses decides.
#include "risk/risk.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pack.h"

#define FRAC_ONE INT64_C(100000000)

void risk_limits_init(struct risk_limits *l) { *l = (struct risk_limits){.max_open = 200}; }

void risk_state_init(struct risk_state *s, cash equity) {
  memset(s, 0, sizeof *s);
  s->day_start_e8 = s->peak_e8 = equity.e8;
}

void risk_state_day(struct risk_state *s, cash equity) { s->day_start_e8 = equity.e8; }

void risk_state_finish(struct risk_state *s) { free(s->sent_ns); }

void risk_state_sent(struct risk_state *s, int64_t now_ns) {
  if (s->sent_count >= s->sent_cap && s->sent_cap < RISK_RATE_MAX) {  // it has not gone round yet
    s->sent_cap = s->sent_cap ? s->sent_cap * 2 : 8;
    s->sent_ns = realloc(s->sent_ns, s->sent_cap * sizeof *s->sent_ns);
    assert(s->sent_ns);
  }
  s->sent_ns[s->sent_count++ & (s->sent_cap - 1)] = now_ns;
}

void risk_state_pack(struct risk_state *s, struct pack *p) {
  s->day_start_e8 = pack_any(p, s->day_start_e8);
  s->peak_e8 = pack_any(p, s->peak_e8);
  const uint32_t cap = (uint32_t)pack_number(p, s->sent_cap, 0, RISK_RATE_MAX);
  const uint32_t count = (uint32_t)pack_number(p, s->sent_cap ? s->sent_count : 0, 0, UINT32_MAX);
  if (cap & (cap - 1)) pack_fail(p);
  if (pack_reads(p) && !p->failed) {
    int64_t *ring = cap ? calloc(cap, sizeof *ring) : NULL;
    if (cap && !ring) return pack_fail(p);
    free(s->sent_ns);
    s->sent_ns = ring, s->sent_cap = cap, s->sent_count = count;
  }
  for (uint32_t i = 0; i < cap && i < count && !p->failed; i++) s->sent_ns[i] = pack_any(p, s->sent_ns[i]);
}

// --- sizes -----------------------------------------------------------------------------------------------------------------

// Whole lots that money buys at ticks each: money × den / (ticks × num), rounded down.
static bool lots_for(const struct instrument *inst, int64_t money_e8, int64_t ticks, int64_t *ret) {
  assert(ticks > 0);
  if (money_e8 <= 0) {
    *ret = 0;
    return true;
  }
  // value_den and value_num are reduced, so both products stay below 2^127: den, num < 2^63 and money, ticks < 2^63.
  int128 num = (int128)money_e8 * inst->value_den, den = (int128)ticks * inst->value_num;
  return narrow_checked(num / den, ret);
}

static bool fraction_of(int64_t money_e8, int64_t frac_e8, int64_t *ret) {
  return narrow_checked(div_floor((int128)money_e8 * frac_e8, FRAC_ONE), ret);
}

bool risk_size_lots(const struct account *a, const struct intent *in, price px, int64_t *ret_lots, enum reason *ret_why) {
  const struct instrument *inst = &a->symbols[in->symbol].inst;
  int64_t money;
  *ret_why = REASON_OVERFLOW;
  switch (in->size_kind) {
  case SIZE_QTY: *ret_lots = in->size; return true;
  case SIZE_CLOSE: {
    int64_t held = account_lots(a, in->symbol, in->leg);
    *ret_lots = held < 0 ? -held : held;
    return true;
  }
  case SIZE_NOTIONAL: return lots_for(inst, in->size, px.ticks, ret_lots);
  case SIZE_PCT:
    return fraction_of(account_equity(a).e8, in->size, &money) && lots_for(inst, money, px.ticks, ret_lots);
  case SIZE_RISK: {
    int64_t distance;
    if (!price_given(in->sl) || !sub_checked(px.ticks, in->sl.ticks, &distance) || distance == INT64_MIN ||
        (distance *= in->side) <= 0) {
      *ret_why = REASON_BAD_RISK;
      return false;
    }
    return fraction_of(account_equity(a).e8, in->size, &money) && lots_for(inst, money, distance, ret_lots);
  }
  }
  assert(false);
  return false;
}

// --- denials ---------------------------------------------------------------------------------------------------------------

struct check {
  const struct account *a;
  const struct account_symbol *s;
  const struct intent *in;
  const struct risk_limits *limits;
  const struct risk_state *state;
  int64_t now_ns;
  price px;         // at which the order is valued
  int64_t lots;     // resolved
  int64_t closing, opening;  // of lots, after the working orders on the same side
  struct denial *denial;
};

static bool deny(struct check *c, enum reason code, double limit, double value, const char *fmt, ...) PRINTF(5, 6);
static bool deny(struct check *c, enum reason code, double limit, double value, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  assert(code != REASON_NONE);
  *c->denial = (struct denial){.code = code, .limit = limit, .value = value};
  vsnprintf(c->denial->msg, sizeof c->denial->msg, fmt, ap);
  va_end(ap);
  return false;
}

static double money(int64_t e8) { return (double)e8 / 1e8; }

static bool check_prices(struct check *c) {
  const struct intent *in = c->in;
  if (in->type != ORDER_LIMIT && in->type != ORDER_STOP_LIMIT && in->type != ORDER_STOP && !price_given(c->s->mark))
    return deny(c, REASON_NO_PRICE, 0, 0, "%s has no price yet", c->s->inst.symbol);
  c->px = in->type == ORDER_LIMIT || in->type == ORDER_STOP_LIMIT ? in->limit : in->type == ORDER_STOP ? in->trigger : c->s->mark;
  const struct { const char *name; price px; } prices[] = {
    {"price", in->limit}, {"trigger", in->trigger}, {"sl", in->sl}, {"tp", in->tp}, {"last price", c->px}};
  for (size_t i = 0; i < sizeof prices / sizeof *prices; i++)
    if (price_given(prices[i].px) && prices[i].px.ticks <= 0)
      return deny(c, REASON_BAD_PRICE, 0, price_double(&c->s->inst, prices[i].px), "%s must be above 0", prices[i].name);
  assert(price_given(c->px));  // the caller checked the shape
  double px = price_double(&c->s->inst, c->px);
  if (price_given(in->sl) && (in->sl.ticks - c->px.ticks) * in->side >= 0 && !in->reduce)
    return deny(c, REASON_BAD_PRICE, px, price_double(&c->s->inst, in->sl), "sl of a %s at %.10g must be %s it",
                side_text(in->side), px, in->side == SIDE_BUY ? "below" : "above");
  if (price_given(in->tp) && (in->tp.ticks - c->px.ticks) * in->side <= 0 && !in->reduce)
    return deny(c, REASON_BAD_PRICE, px, price_double(&c->s->inst, in->tp), "tp of a %s at %.10g must be %s it",
                side_text(in->side), px, in->side == SIDE_BUY ? "above" : "below");
  return true;
}

static bool check_collar_one(struct check *c, const char *name, price px) {
  if (!price_given(px) || !price_given(c->s->mark) || c->s->mark.ticks <= 0) return true;
  int128 distance = (int128)px.ticks - c->s->mark.ticks;
  if (distance < 0) distance = -distance;
  if (distance <= (int128)c->s->mark.ticks * c->limits->collar_frac_e8 / FRAC_ONE) return true;
  double pct = 100.0 * (double)distance / (double)c->s->mark.ticks, max = (double)c->limits->collar_frac_e8 / 1e6;
  return deny(c, REASON_COLLAR, max, pct, "%s is %.4g %% from the last price, at most %.4g %% are allowed", name, pct, max);
}

static bool check_collar(struct check *c) {
  if (c->limits->collar_frac_e8 == 0) return true;
  return check_collar_one(c, "price", c->in->limit) && check_collar_one(c, "trigger", c->in->trigger);
}

static bool check_size(struct check *c, bool resolve_at_fill) {
  enum reason why;
  if (!risk_size_lots(c->a, c->in, c->px, &c->lots, &why)) {
    if (why == REASON_BAD_RISK) return deny(c, why, 0, 0, "risk needs an sl on the losing side of the entry price");
    return deny(c, why, 0, 0, "the size does not fit");
  }
  const struct instrument *inst = &c->s->inst;
  int64_t held = account_lots(c->a, c->in->symbol, c->in->leg);
  if (c->in->reduce || c->in->size_kind == SIZE_CLOSE) {
    int64_t against = c->in->side == SIDE_BUY ? -held : held;
    if (against <= 0) return deny(c, REASON_REDUCE_ONLY, 0, quantity_double(inst, (quantity){held}), "nothing to reduce");
    if (c->lots > against) c->lots = against;
  }
  int64_t least = inst->min_qty.lots > 1 ? inst->min_qty.lots : 1;
  bool whole = c->lots > 0 && c->lots == (c->in->side == SIDE_BUY ? -held : held);  // what is left may always be closed
  if (!whole) c->lots = lots_floor(inst, c->lots);
  bool later = resolve_at_fill && c->in->size_kind == SIZE_PCT && !c->in->reduce;
  if (c->lots < least && !whole && !(later && c->in->size > 0 && c->lots == 0))
    return deny(c, REASON_MIN_QTY, quantity_double(inst, (quantity){least}), quantity_double(inst, (quantity){c->lots}),
                "size %.10g is below the smallest, %.10g", quantity_double(inst, (quantity){c->lots}),
                quantity_double(inst, (quantity){least}));
  // Working orders on the same side stand before this one when it comes to closing.
  int64_t ahead = c->a->hedging ? 0 : c->in->side == SIDE_BUY ? c->s->work_buy_lots : c->s->work_sell_lots, both;
  if (!add_checked(c->lots, ahead, &both)) return deny(c, REASON_OVERFLOW, 0, 0, "the size does not fit");
  account_split(c->a, c->in->symbol, c->in->side, c->in->leg, both, &c->closing, &c->opening);
  if (c->in->reduce || c->in->size_kind == SIZE_CLOSE) c->opening = 0;
  if (c->opening > c->lots) c->opening = c->lots;
  c->closing = c->lots - c->opening;
  return true;
}

static bool notional_of(struct check *c, int64_t lots, price px, int64_t *ret) {
  cash v;
  if (!instrument_notional(&c->s->inst, px, (quantity){lots}, ROUND_FLOOR, &v))
    return deny(c, REASON_OVERFLOW, 0, 0, "price × quantity does not fit");
  *ret = v.e8;
  return true;
}

static bool check_order_limits(struct check *c) {
  int64_t notional = 0;
  if (!notional_of(c, c->lots, c->px, &notional)) return false;
  if (c->opening == 0) return true;
  const struct instrument *inst = &c->s->inst;
  if (inst->min_notional.e8 > 0 && notional < inst->min_notional.e8 && c->lots > 0)
    return deny(c, REASON_MIN_NOTIONAL, money(inst->min_notional.e8), money(notional),
                "worth %.10g, the smallest order is %.10g", money(notional), money(inst->min_notional.e8));
  if (inst->max_order_qty.lots > 0 && c->lots > inst->max_order_qty.lots)
    return deny(c, REASON_MAX_ORDER, quantity_double(inst, inst->max_order_qty), quantity_double(inst, (quantity){c->lots}),
                "size %.10g is above the instrument's largest, %.10g", quantity_double(inst, (quantity){c->lots}),
                quantity_double(inst, inst->max_order_qty));
  if (c->limits->max_order_e8 > 0 && notional > c->limits->max_order_e8)
    return deny(c, REASON_MAX_ORDER, money(c->limits->max_order_e8), money(notional),
                "worth %.10g, the largest order is %.10g", money(notional), money(c->limits->max_order_e8));
  if (c->limits->max_position_e8 > 0) {
    int64_t held = account_lots(c->a, c->in->symbol, c->in->leg), work, after, worth = 0;
    work = c->in->side == SIDE_BUY ? c->s->work_buy_lots : c->s->work_sell_lots;
    if (!add_checked(held * c->in->side, work, &after) || !add_checked(after, c->lots, &after))
      return deny(c, REASON_OVERFLOW, 0, 0, "the position does not fit");
    if (!notional_of(c, after, c->px, &worth)) return false;
    if (worth > c->limits->max_position_e8)
      return deny(c, REASON_MAX_POSITION, money(c->limits->max_position_e8), money(worth),
                  "position would be worth %.10g, at most %.10g are allowed", money(worth), money(c->limits->max_position_e8));
  }
  return true;
}

static bool check_account(struct check *c) {
  const struct risk_limits *l = c->limits;
  bool grows = c->opening > 0;
  int max_open = grows ? l->max_open : 2 * l->max_open;
  if (c->state->closed) return deny(c, REASON_CLOSED, 0, 0, "the market is closed");
  if (c->state->halted && grows) return deny(c, REASON_HALTED, 0, 0, "trading is halted");
  if (c->a->work_count >= max_open)
    return deny(c, REASON_MAX_OPEN, max_open, c->a->work_count, "%d orders are working, at most %d are allowed",
                c->a->work_count, max_open);
  if (l->rate_count > 0 && c->state->sent_count >= (uint32_t)l->rate_count) {
    assert(l->rate_count <= RISK_RATE_MAX);
    int64_t since = c->now_ns - c->state->sent_ns[(c->state->sent_count - (uint32_t)l->rate_count) & (c->state->sent_cap - 1)];
    if (since < l->rate_window_ns)
      return deny(c, REASON_RATE, l->rate_count, l->rate_count + 1, "more than %d orders in %.10g s", l->rate_count,
                  (double)l->rate_window_ns / 1e9);
  }
  if (!grows) return true;
  int64_t equity = account_equity(c->a).e8, day_loss = c->state->day_start_e8 - equity, drawdown = c->state->peak_e8 - equity;
  if (l->day_loss_e8 > 0 && day_loss >= l->day_loss_e8)
    return deny(c, REASON_DAY_LOSS, money(l->day_loss_e8), money(day_loss), "today's loss is %.10g, the limit %.10g",
                money(day_loss), money(l->day_loss_e8));
  if (l->drawdown_e8 > 0 && drawdown >= l->drawdown_e8)
    return deny(c, REASON_DRAWDOWN, money(l->drawdown_e8), money(drawdown), "loss from the peak is %.10g, the limit %.10g",
                money(drawdown), money(l->drawdown_e8));
  return true;
}

// Only orders sized by qty: the others are cut at the fill to what the funds allow.
static bool check_margin(struct check *c, const struct risk_fees *fees) {
  if (c->opening == 0 || c->in->size_kind != SIZE_QTY) return true;
  cash margin, released = {0};
  int64_t notional = 0;
  if (!notional_of(c, c->lots, c->px, &notional)) return false;
  if (!account_margin_of(c->a, c->in->symbol, c->px, c->opening, &margin) ||
      (c->closing > 0 && price_given(c->s->mark) &&
       !account_margin_of(c->a, c->in->symbol, c->s->mark, c->closing, &released)))
    return deny(c, REASON_OVERFLOW, 0, 0, "the margin does not fit");
  const struct instrument *inst = &c->s->inst;
  int128 need = (int128)margin.e8 - released.e8;
  need += div_ceil((int128)notional * fees->taker_frac_e8, FRAC_ONE) + fees->fixed_e8;
  need += div_ceil((int128)fees->per_unit_e8 * c->lots * inst->lot.digits, pow10_i64(inst->lot.scale));
  int64_t free = account_free(c->a).e8;
  if (need > free)
    return deny(c, REASON_MARGIN, money(free), (double)need / 1e8, "needs %.10g, free are %.10g", (double)need / 1e8,
                money(free));
  return true;
}

struct risk_verdict risk_check(const struct account *a, const struct intent *in, const struct risk_limits *limits,
                               const struct risk_state *state, const struct risk_fees *fees, bool resolve_at_fill,
                               int64_t now_ns) {
  assert(in->symbol >= 0 && in->symbol < a->symbol_count);
  assert(in->side == SIDE_BUY || in->side == SIDE_SELL);
  struct risk_verdict v = {0};
  struct check c = {.a = a, .s = &a->symbols[in->symbol], .in = in, .limits = limits, .state = state, .now_ns = now_ns,
                    .denial = &v.denial};
  if (!check_prices(&c) || !check_size(&c, resolve_at_fill) || !check_collar(&c) || !check_account(&c) ||
      !check_order_limits(&c) || (!resolve_at_fill && !check_margin(&c, fees))) {
    assert(v.denial.code != REASON_NONE);
    return v;
  }
  v.ok = true;
  v.qty.lots = c.lots;
  v.reduce = in->reduce || in->size_kind == SIZE_CLOSE;
  return v;
}
