// bot/desk.c – the order desk between a callback and the matcher: checks at once, acts only when the callback has returned.
//
// A callback is a transaction. What it asks is checked against a shadow of the account in which the orders it already made
// count as working and those it cancelled do not, so the answers are those it would get if each took effect at once. Ids are
// given out at once and kept, so handles stay valid; discarded ones leave a hole.
#include "bot/bot_impl.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void desk_init(struct bot *b) {
  b->desk = (struct desk){0};
}

void desk_finish(struct bot *b) {
  free(b->desk.ops);
  free(b->desk.provisional);
  free(b->desk.shadow_symbols);
  free(b->targets);
}

void desk_begin(struct bot *b) {
  struct desk *d = &b->desk;
  assert(d->count == 0 && !b->in_callback);
  d->shadow_valid = false;
  b->in_callback = true;
}

// The account as the next check should see it.
static struct account *shadow(struct bot *b) {
  struct desk *d = &b->desk;
  if (d->shadow_valid) return &d->shadow;
  size_t bytes = (size_t)b->account->symbol_count * sizeof *d->shadow_symbols;
  if (!d->shadow_symbols) d->shadow_symbols = malloc(bytes);
  assert(d->shadow_symbols);
  d->shadow = *b->account;
  memcpy(d->shadow_symbols, b->account->symbols, bytes);
  d->shadow.symbols = d->shadow_symbols;  // position lists are shared, which is fine: only working lots are changed here
  d->shadow_valid = true;
  return &d->shadow;
}

// Counts an order as working (sign 1) or no longer (-1): what it holds of the funds, as the matcher counts it.
static void shadow_count(struct bot *b, const struct order *o, int sign) {
  struct account *a = shadow(b);
  struct account_symbol *s = &a->symbols[o->symbol];
  int64_t *lots = o->side == SIDE_BUY ? &s->work_buy_lots : &s->work_sell_lots;
  int64_t *value = o->side == SIDE_BUY ? &s->work_buy_e8 : &s->work_sell_e8;
  int64_t new_lots, new_value;
  a->work_count += sign;
  if (!add_checked(*lots, sign * o->held.lots, &new_lots) || !add_checked(*value, sign * o->held_value.e8, &new_value)) return;
  *lots = new_lots < 0 ? 0 : new_lots;
  *value = new_value < 0 ? 0 : new_value;
}

static struct desk_op *op_new(struct bot *b, enum desk_op_kind kind) {
  struct desk *d = &b->desk;
  if (d->count == DESK_OPS_MAX) return NULL;
  if (d->count == d->cap) {
    size_t cap = d->cap ? d->cap * 2 : 2;
    struct desk_op *ops = realloc(d->ops, cap * sizeof *ops);
    assert(ops);
    d->ops = ops;
    struct order *provisional = realloc(d->provisional, cap * sizeof *provisional);
    assert(provisional);
    d->provisional = provisional;
    d->cap = cap;
  }
  struct desk_op *op = &d->ops[d->count++];
  *op = (struct desk_op){.kind = kind};
  return op;
}

static const struct order *deny(struct bot *b, struct script_denial *ret, enum reason code, const char *msg, double limit, double value) {
  ret->code = code;
  snprintf(ret->msg, sizeof ret->msg, "%s", msg && msg[0] ? msg : reason_text(code));
  ret->limit = limit;
  ret->value = value;
  bot_denied(b, code, ret->msg, limit, value);
  return NULL;
}

static struct risk_fees fees_of(const struct bot *b, int symbol) {
  const struct match_fees *f = &matcher_symbol_config(b->matcher, symbol)->fees;
  return (struct risk_fees){f->taker_frac_e8, f->fixed_e8, f->per_unit_e8};
}

// The order as the script sees it until the matcher has it.
static void provisional_fill(struct bot *b, size_t ix, const struct desk_op *op) {
  const struct intent *in = &op->intent;
  b->desk.provisional[ix] = (struct order){
      .id = op->id, .symbol = in->symbol, .side = in->side, .type = in->type, .leg = in->leg, .tif = in->tif, .status = ORDER_NEW,
      .post = in->post, .reduce = in->reduce, .size_kind = in->size_kind, .size = in->size, .qty = op->qty, .limit = in->limit,
      .trigger = in->trigger, .trail_ticks = in->trail_ticks, .trail_frac_e8 = in->trail_frac_e8, .trail_ref = NO_PRICE,
      .sl = in->sl, .tp = in->tp, .tp_r_e6 = in->tp_r_e6, .oco = in->oco, .tag = in->tag, .decided_ns = b->now_ns,
      .expires_ns = in->expires_ns ? in->expires_ns : INT64_MAX};
  struct order *o = &b->desk.provisional[ix];
  const struct account_symbol *s = &b->account->symbols[in->symbol];
  price px = price_given(in->limit) ? in->limit : price_given(in->trigger) ? in->trigger : s->mark;
  if (!in->reduce && price_given(px) && instrument_notional(&s->inst, px, op->qty, ROUND_CEIL, &o->held_value) && o->held_value.e8 >= 0)
    o->held = op->qty;
  else
    o->held_value.e8 = 0;
}

static const struct order *submit_checked(struct bot *b, const struct intent *in, quantity qty, struct script_denial *ret) {
  size_t ix = b->desk.count;
  struct desk_op *op = op_new(b, OP_SUBMIT);
  if (!op) return deny(b, ret, REASON_RATE, "more than 1024 order calls in one callback", DESK_OPS_MAX, DESK_OPS_MAX + 1);
  op->intent = *in;
  op->qty = qty;
  op->id = b->desk.reserved = matcher_id_reserve(b->matcher);
  provisional_fill(b, ix, op);
  shadow_count(b, &b->desk.provisional[ix], 1);
  risk_state_sent(&b->risk, b->now_ns);
  return &b->desk.provisional[ix];
}

const struct order *desk_submit(void *self, const struct intent *in, struct script_denial *ret) {
  struct bot *b = self;
  if (b->stopping && !in->reduce) return deny(b, ret, REASON_HALTED, "on_stop may only close and cancel", NAN, NAN);
  bool compat = fill_model_compat(matcher_config(b->matcher)->model);
  struct risk_fees fees = fees_of(b, in->symbol);
  struct risk_verdict v = risk_check(shadow(b), in, &b->limits, &b->risk, &fees, compat, b->now_ns);
  if (!v.ok) return deny(b, ret, v.denial.code, v.denial.msg, v.denial.limit, v.denial.value);
  struct intent checked = *in;
  checked.reduce = in->reduce || in->size_kind == SIZE_CLOSE;
  return submit_checked(b, &checked, v.qty, ret);
}

// ---- ctx:target

// Signed lots of earlier target orders that are still working, in the matcher or in this callback.
static int64_t targets_pending(struct bot *b, int symbol, enum leg leg) {
  int64_t lots = 0;
  size_t kept = 0;
  for (size_t i = 0; i < b->target_count; i++) {
    const struct order *o = desk_order(b, b->targets[i]);
    if (!o || !order_alive(o)) continue;
    b->targets[kept++] = b->targets[i];
    if (o->symbol == symbol && o->leg == leg) lots += o->side * order_left(o).lots;
  }
  b->target_count = kept;
  return lots;
}

static void targets_add(struct bot *b, uint64_t id) {
  if (b->target_count == b->target_cap) {
    size_t cap = b->target_cap ? b->target_cap * 2 : 8;
    uint64_t *targets = realloc(b->targets, cap * sizeof *targets);
    assert(targets);
    b->targets = targets;
    b->target_cap = cap;
  }
  b->targets[b->target_count++] = id;
}

// Brings the position to a size: the order is the difference to what is held and already under way, so asking again is
// harmless. NULL with code NONE: nothing to do.
const struct order *desk_target(void *self, const struct intent *in, struct script_denial *ret) {
  struct bot *b = self;
  struct account *a = shadow(b);
  price mark = a->symbols[in->symbol].mark;
  if (!price_given(mark)) return deny(b, ret, REASON_NO_PRICE, NULL, NAN, NAN);
  struct intent size = *in;
  enum side side = in->size < 0 ? SIDE_SELL : SIDE_BUY;
  size.side = side;
  size.size = llabs(in->size);
  int64_t want = 0;
  enum reason why = REASON_NONE;
  if (size.size != 0 && !risk_size_lots(a, &size, mark, &want, &why)) return deny(b, ret, why, NULL, NAN, NAN);
  want *= side;
  int64_t held = account_lots(a, in->symbol, in->leg), pending = targets_pending(b, in->symbol, in->leg), delta;
  if (__builtin_sub_overflow(want, held + pending, &delta)) return deny(b, ret, REASON_OVERFLOW, NULL, NAN, NAN);
  if (delta == 0) return NULL;
  struct intent order = *in;
  order.side = delta > 0 ? SIDE_BUY : SIDE_SELL;
  order.size_kind = SIZE_QTY;
  order.size = llabs(delta);
  int64_t after = held + pending;
  order.reduce = after != 0 && (after > 0) != (delta > 0) && llabs(delta) <= llabs(after);
  if (order.reduce) order.sl = order.tp = NO_PRICE;
  struct risk_fees fees = fees_of(b, in->symbol);
  bool compat = fill_model_compat(matcher_config(b->matcher)->model), by_money = in->size_kind != SIZE_QTY && !compat;
  struct risk_verdict v = risk_check(a, &order, &b->limits, &b->risk, &fees, by_money || compat, b->now_ns);
  if (!v.ok) {
    // a difference below the smallest order is as close to the target as the market allows
    if (v.denial.code == REASON_MIN_QTY || v.denial.code == REASON_MIN_NOTIONAL) return NULL;
    return deny(b, ret, v.denial.code, v.denial.msg, v.denial.limit, v.denial.value);
  }
  if (by_money && !order.reduce) order.size_kind = in->size_kind;  // the matcher cuts it at the fill if funds fall short
  const struct order *o = submit_checked(b, &order, v.qty, ret);
  if (o) targets_add(b, o->id);
  return o;
}

// ---- ladder

const struct order *desk_ladder(void *self, const struct ladder_request *req, struct script_denial *ret) {
  struct bot *b = self;
  int used = 0;
  for (int i = 0; b->ladders && i < LADDERS_MAX; i++) used += b->ladders[i].used;
  for (size_t i = 0; i < b->desk.count; i++) used += b->desk.ops[i].kind == OP_LADDER;
  if (b->desk.count + 2 > DESK_OPS_MAX) return deny(b, ret, REASON_RATE, "more than 1024 order calls in one callback", DESK_OPS_MAX, DESK_OPS_MAX + 1);
  if (used >= LADDERS_MAX) return deny(b, ret, REASON_MAX_OPEN, "too many ladders at once", LADDERS_MAX, LADDERS_MAX + 1);
  struct intent in;
  intent_init(&in, req->symbol, req->side);
  if (b->spec->hedging) in.leg = req->side == SIDE_BUY ? LEG_LONG : LEG_SHORT;
  in.size_kind = SIZE_NOTIONAL;
  in.size = req->base_e8;
  in.tag = req->tag;
  const struct order *o = desk_submit(b, &in, ret);
  if (!o) return NULL;
  uint64_t id = o->id;
  struct desk_op *op = op_new(b, OP_LADDER);
  assert(op);
  op->id = id;
  op->ladder = *req;
  return desk_order(b, id);
}

// ---- looking up, cancelling, changing

static size_t provisional_find(const struct bot *b, uint64_t id) {
  for (size_t i = 0; i < b->desk.count; i++)
    if (b->desk.ops[i].kind == OP_SUBMIT && b->desk.ops[i].id == id) return i;
  return SIZE_MAX;
}

const struct order *desk_order(void *self, uint64_t id) {
  struct bot *b = self;
  size_t ix = b->desk.count ? provisional_find(b, id) : SIZE_MAX;
  return ix != SIZE_MAX ? &b->desk.provisional[ix] : matcher_order(b->matcher, id);
}

static bool cancel_buffered(const struct bot *b, uint64_t id) {
  for (size_t i = 0; i < b->desk.count; i++)
    if (b->desk.ops[i].kind == OP_CANCEL && b->desk.ops[i].id == id) return true;
  return false;
}

enum reason desk_cancel(void *self, uint64_t id) {
  struct bot *b = self;
  size_t ix = provisional_find(b, id);
  if (ix != SIZE_MAX) {  // made in this very callback: it never was
    struct order *o = &b->desk.provisional[ix];
    if (b->desk.ops[ix].dropped) return REASON_UNKNOWN_ORDER;
    b->desk.ops[ix].dropped = true;
    o->status = ORDER_CANCELED;
    o->reason = REASON_SCRIPT;
    shadow_count(b, o, -1);
    return REASON_NONE;
  }
  const struct order *o = matcher_order(b->matcher, id);
  if (!o || !order_alive(o) || cancel_buffered(b, id)) return REASON_UNKNOWN_ORDER;
  struct desk_op *op = op_new(b, OP_CANCEL);
  if (!op) return REASON_RATE;
  op->id = id;
  shadow_count(b, o, -1);
  return REASON_NONE;
}

// A changed entry passes the same checks as a new one of its size, with the old one out of the way.
static enum reason modify_check(struct bot *b, const struct order *o, const struct script_change *change) {
  struct intent in;
  intent_init(&in, o->symbol, o->side);
  in.type = o->type, in.leg = o->leg, in.tif = o->tif, in.post = o->post;
  in.limit = change->has_limit ? change->limit : o->limit;
  in.trigger = change->has_trigger ? change->trigger : o->trigger;
  in.trail_ticks = o->trail_ticks, in.trail_frac_e8 = o->trail_frac_e8;
  in.size_kind = SIZE_QTY;
  in.size = (change->has_qty ? change->qty.lots : o->qty.lots) - o->filled.lots;
  if (in.size <= 0) return REASON_MODIFY;
  shadow_count(b, o, -1);
  struct risk_fees fees = fees_of(b, o->symbol);
  struct risk_verdict v = risk_check(shadow(b), &in, &b->limits, &b->risk, &fees, fill_model_compat(matcher_config(b->matcher)->model), b->now_ns);
  shadow_count(b, o, 1);
  if (v.ok) return REASON_NONE;
  bot_denied(b, v.denial.code, v.denial.msg, v.denial.limit, v.denial.value);
  return v.denial.code;
}

enum reason desk_modify(void *self, uint64_t id, const struct script_change *change) {
  struct bot *b = self;
  const struct order *o = desk_order(b, id);
  if (!o) return REASON_UNKNOWN_ORDER;
  bool terms = change->has_qty || change->has_limit || change->has_trigger;
  if (terms && !order_alive(o)) return REASON_UNKNOWN_ORDER;  // but a filled entry's sl and tp are its children's
  if (terms && !o->reduce) {
    enum reason why = modify_check(b, o, change);
    if (why != REASON_NONE) return why;
  }
  struct desk_op *op = op_new(b, OP_MODIFY);
  if (!op) return REASON_RATE;
  op->id = id;
  order_change_init(&op->change);
  if (change->has_qty) op->change.qty = change->qty;
  if (change->has_limit) op->change.limit = change->limit;
  if (change->has_trigger) op->change.trigger = change->trigger;
  if (change->has_sl && price_given(change->sl)) op->change.sl = change->sl;
  if (change->has_sl && !price_given(change->sl)) op->change.sl_none = true;
  if (change->has_tp && price_given(change->tp)) op->change.tp = change->tp;
  if (change->has_tp && !price_given(change->tp)) op->change.tp_none = true;
  return REASON_NONE;
}

// The next live order above `after`: the matcher's, less those cancelled in this callback, then this callback's own.
const struct order *desk_next_order(void *self, uint64_t after, uint32_t tag) {
  struct bot *b = self;
  const struct order *best = NULL;
  for (int symbol = 0; symbol < b->account->symbol_count; symbol++) {
    size_t pos = 0;
    for (const struct order *o; (o = matcher_working(b->matcher, symbol, &pos));) {
      if (o->id <= after || (tag != TAG_NONE && o->tag != tag) || cancel_buffered(b, o->id)) continue;
      if (!best || o->id < best->id) best = o;
      break;
    }
  }
  for (size_t i = 0; i < b->desk.count; i++) {
    const struct order *o = &b->desk.provisional[i];
    if (b->desk.ops[i].kind != OP_SUBMIT || b->desk.ops[i].dropped || o->id <= after || (tag != TAG_NONE && o->tag != tag)) continue;
    if (!best || o->id < best->id) best = o;
  }
  return best;
}

// ---- the end of a callback

// Ids were given out while the callback ran; whoever follows the commands hears of them before what they are used for.
static void reserved_tell(struct bot *b) {
  if (b->desk.reserved && b->observer.command)
    b->observer.command(b->observer.self, &(struct bot_command){.kind = COMMAND_RESERVE, .time_ns = b->now_ns, .id = b->desk.reserved});
  b->desk.reserved = 0;
}

void desk_commit(struct bot *b) {
  struct desk *d = &b->desk;
  b->in_callback = false;
  reserved_tell(b);
  for (size_t i = 0; i < d->count; i++) {
    const struct desk_op *op = &d->ops[i];
    struct bot_command c = {.time_ns = b->now_ns, .id = op->id};
    switch (op->kind) {
      case OP_SUBMIT:
        if (op->dropped) break;
        c.kind = COMMAND_SUBMIT, c.intent = op->intent, c.qty = op->qty;
        bot_command(b, &c);
        break;
      case OP_LADDER:
        if (matcher_order(b->matcher, op->id)) ladder_start(b, &op->ladder, op->id);  // else its base was cancelled at once
        break;
      case OP_CANCEL: bot_cancel(b, op->id, REASON_SCRIPT); break;
      case OP_MODIFY: {
        c.kind = COMMAND_MODIFY, c.change = op->change;
        enum reason why = bot_command(b, &c);
        if (why != REASON_NONE) bot_denied(b, why, "a change of an order was refused", NAN, NAN);
        break;
      }
    }
  }
  d->count = 0;
}

void desk_discard(struct bot *b) {
  b->in_callback = false;
  reserved_tell(b);
  b->desk.count = 0;
}
