// bot/ladder.c – ctx:ladder: a base order, safety orders below (above) it, one take-profit for all of it.
//
//   base filled at P  →  rung i (1 … n) is a limit at P·(1 ∓ d_i), d_i = step·(1 + k + … + k^(i−1)), worth base·vol_k^i
//   each fill         →  take-profit (and stop) move to the new average, for the whole quantity
//   take-profit or stop filled, or the position gone otherwise  →  the rest is cancelled, the ladder is over
//
// The engine keeps it placed, so a script that misses an event, or stops, leaves no half ladder behind.
#include "bot/bot_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void ladder_start(struct bot *b, const struct ladder_request *req, uint64_t base_id) {
  if (!b->ladders) b->ladders = calloc(LADDERS_MAX, sizeof *b->ladders);
  assert(b->ladders);
  for (int i = 0; i < LADDERS_MAX; i++)
    if (!b->ladders[i].used) {
      b->ladders[i] = (struct ladder){.req = *req, .base_id = base_id, .used = true};
      return;
    }
}

static uint64_t place(struct bot *b, const struct intent *in) {
  const struct match_fees *f = &matcher_symbol_config(b->matcher, in->symbol)->fees;
  struct risk_fees fees = {f->taker_frac_e8, f->fixed_e8, f->per_unit_e8};
  struct risk_verdict v = risk_check(b->account, in, &b->limits, &b->risk, &fees, false, b->now_ns);
  if (!v.ok) {
    bot_denied(b, v.denial.code, v.denial.msg, v.denial.limit, v.denial.value);
    return 0;
  }
  struct bot_command c = {.kind = COMMAND_RESERVE, .time_ns = b->now_ns, .id = matcher_order_last(b->matcher) + 1};
  bot_command(b, &c);
  c.kind = COMMAND_SUBMIT, c.intent = *in, c.qty = v.qty;
  return bot_command(b, &c) == REASON_NONE ? c.id : 0;
}

static enum leg leg_of(const struct bot *b, const struct ladder_request *req) {
  return !b->spec->hedging ? LEG_NET : req->side == SIDE_BUY ? LEG_LONG : LEG_SHORT;
}

// base·(1 − sign·frac), rounded away from risk for an order on `side`.
static price offset(price base, int sign, int128 frac_e8, enum side side) {
  int128 num = (int128)base.ticks * (100000000 + sign * frac_e8);
  return (price){(int64_t)(side == SIDE_BUY ? div_floor(num, 100000000) : div_ceil(num, 100000000))};
}

static void place_rungs(struct bot *b, struct ladder *l, price base) {
  const struct ladder_request *q = &l->req;
  int128 step = q->step_frac_e8, distance = 0, worth = q->base_e8;
  for (int i = 0; i < q->rungs; i++) {
    distance += step;
    step = step * q->step_k_e6 / 1000000;
    worth = worth * q->vol_k_e6 / 1000000;
    if (distance >= 100000000 || worth > INT64_MAX / 4) break;  // a price of zero, or more money than there is
    struct intent in;
    intent_init(&in, q->symbol, q->side);
    in.leg = leg_of(b, q);
    in.type = ORDER_LIMIT;
    in.limit = offset(base, q->side == SIDE_BUY ? -1 : 1, distance, q->side);
    in.size_kind = SIZE_NOTIONAL;
    in.size = (int64_t)worth;
    in.tag = q->tag;
    l->rungs[l->rung_count++] = place(b, &in);
  }
  l->placed = true;
}

static uint64_t place_exit(struct bot *b, struct ladder *l, uint64_t old, int64_t frac_e8, bool stop) {
  const struct ladder_request *q = &l->req;
  if (old) bot_cancel(b, old, REASON_MODIFY);
  if (!frac_e8) return 0;
  enum side side = q->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;
  int64_t lots = l->position_lots < 0 ? -l->position_lots : l->position_lots;
  // the exact average: rounding it to a tick first would move the exit by a tick
  int sign = (q->side == SIDE_BUY) != stop ? 1 : -1;
  int128 num = l->cost * (100000000 + sign * (int128)frac_e8), den = (int128)100000000 * (lots ? lots : 1);
  price exit = {(int64_t)(side == SIDE_BUY ? div_floor(num, den) : div_ceil(num, den))};
  struct intent in;
  intent_init(&in, q->symbol, side);
  in.leg = leg_of(b, q);
  in.reduce = true;
  in.size_kind = SIZE_QTY;
  in.size = lots;
  in.type = stop ? ORDER_STOP : ORDER_LIMIT;
  if (stop)
    in.trigger = exit;
  else
    in.limit = exit;
  in.tag = stop ? TAG_SL : TAG_TP;
  return place(b, &in);
}

static void ladder_end(struct bot *b, struct ladder *l) {
  for (int i = 0; i < l->rung_count; i++)
    if (l->rungs[i]) bot_cancel(b, l->rungs[i], REASON_OCO);
  if (l->tp_id) bot_cancel(b, l->tp_id, REASON_OCO);
  if (l->sl_id) bot_cancel(b, l->sl_id, REASON_OCO);
  l->used = false;
}

static bool is_rung(const struct ladder *l, uint64_t id) {
  for (int i = 0; i < l->rung_count; i++)
    if (l->rungs[i] == id) return true;
  return false;
}

void ladder_fill(struct bot *b, const struct fill *f) {
  if (!b->ladders) return;
  for (int i = 0; i < LADDERS_MAX; i++) {
    struct ladder *l = &b->ladders[i];
    if (!l->used || l->req.symbol != f->symbol) continue;
    bool entry = f->order == l->base_id || is_rung(l, f->order), exit = f->order == l->tp_id || f->order == l->sl_id;
    if (entry) {
      l->position_lots += f->side * f->qty.lots;
      l->cost += (int128)f->px.ticks * f->qty.lots;
    }
    if (exit && f->complete) {  // also when the symbol has another position beside
      ladder_end(b, l);
      continue;
    }
    if (exit) {  // a part: what is left keeps its average
      int64_t before = l->position_lots < 0 ? -l->position_lots : l->position_lots;
      if (before > f->qty.lots) l->cost -= l->cost * f->qty.lots / before;
      l->position_lots += f->side * f->qty.lots;
    }
    int64_t held = account_lots(b->account, l->req.symbol, leg_of(b, &l->req));
    if (l->placed && held == 0) {
      ladder_end(b, l);
      continue;
    }
    if (!entry) continue;
    if (f->order == l->base_id && f->complete && !l->placed) place_rungs(b, l, f->px);
    if (l->placed) {
      l->tp_id = place_exit(b, l, l->tp_id, l->req.tp_frac_e8, false);
      l->sl_id = place_exit(b, l, l->sl_id, l->req.sl_frac_e8, true);
    }
  }
}

// A base that ended without filling ends its ladder; one that filled in part is protected like a whole one.
void ladder_order_ended(struct bot *b, uint64_t id) {
  for (int i = 0; b->ladders && i < LADDERS_MAX; i++) {
    struct ladder *l = &b->ladders[i];
    if (!l->used || l->placed || l->base_id != id) continue;
    int64_t lots = l->position_lots < 0 ? -l->position_lots : l->position_lots;
    if (lots == 0) {
      l->used = false;
      continue;
    }
    place_rungs(b, l, (price){(int64_t)(l->cost / lots)});
    l->tp_id = place_exit(b, l, l->tp_id, l->req.tp_frac_e8, false);
    l->sl_id = place_exit(b, l, l->sl_id, l->req.sl_frac_e8, true);
  }
}
