// bot/clerk_orders.c – what is known of each working order beside the matcher, and the commands that change them.
#include "bot/clerk_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void clerk_room(void **items, size_t *cap, size_t need, size_t item_size) {
  if (need <= *cap) return;
  size_t grown = *cap ? *cap * 2 : 4;
  void *p = realloc(*items, grown * item_size);
  assert(p && grown >= need);
  *items = p;
  *cap = grown;
}

struct clerk_symbol *clerk_symbol_of(struct clerk *c, int symbol, enum leg leg) {
  return &c->symbols[symbol * c->legs + (c->legs == 2 && leg == LEG_SHORT)];
}

// ---- the list, by rising id

static size_t place(const struct clerk *c, uint64_t id) {
  size_t low = 0, high = c->order_count;
  while (low < high) {
    size_t mid = (low + high) / 2;
    if (c->orders[mid].id < id) low = mid + 1;
    else high = mid;
  }
  return low;
}

struct clerk_order *clerk_order_find(struct clerk *c, uint64_t id) {
  size_t at = place(c, id);
  return at < c->order_count && c->orders[at].id == id ? &c->orders[at] : NULL;
}

static struct clerk_order *track(struct clerk *c, const struct order *o, bool committed) {
  clerk_room((void **)&c->orders, &c->order_cap, c->order_count + 1, sizeof *c->orders);
  size_t at = place(c, o->id);
  memmove(c->orders + at + 1, c->orders + at, (c->order_count - at) * sizeof *c->orders);
  c->order_count++;
  struct clerk_symbol *s = clerk_symbol_of(c, o->symbol, o->leg);
  c->orders[at] = (struct clerk_order){.id = o->id, .symbol = (int)(s - c->symbols), .committed = committed, .px = NO_PRICE, .largest_lots = o->qty.lots};
  c->orders[at].ticket.side = o->side;
  c->uncommitted += !committed;
  return &c->orders[at];
}

static bool order_has_limit(const struct order *o) { return o->type == ORDER_LIMIT || o->type == ORDER_STOP_LIMIT; }

static void rest(struct clerk *c, struct clerk_order *w, const struct order *o) {
  struct clerk_symbol *s = &c->symbols[w->symbol];
  bool room = resting_reserve(&s->shared->resting, 1);
  assert(room);
  resting_add(&s->shared->resting, clerk_resting_name(c, o->id), c->bot_id, o->side, order_has_limit(o) ? o->limit : NO_PRICE);
  w->rests = true;
  s->resting_count++;
}

static void no_rest(struct clerk *c, struct clerk_order *w) {
  struct clerk_symbol *s = &c->symbols[w->symbol];
  bool there = resting_remove(&s->shared->resting, clerk_resting_name(c, w->id));
  assert(there);
  s->resting_count--;
  w->rests = false;
}

static void forget(struct clerk *c, struct clerk_order *w) {
  if (w->rests) no_rest(c, w);
  gate_release(&c->symbols[w->symbol].path, &w->ticket);
  c->uncommitted -= !w->committed;
  if (w->intent && !last_check_forget(c->shared->last, w->intent)) clerk_tripped(c);
}

void clerk_orders_release(struct clerk *c) {
  for (size_t i = 0; i < c->order_count; i++) {
    struct clerk_order *w = &c->orders[i];
    const struct order *o = matcher_order(c->blotter.matcher, w->id);
    if (w->intent && w->watched > o->filled.lots && !last_check_ended(c->shared->last, w->intent, w->watched - o->filled.lots)) clerk_tripped(c);
    forget(c, w);
  }
  c->order_count = 0;
}

void clerk_orders_child(struct clerk *c, const struct order *o) {
  if (o->type != ORDER_LIMIT || !order_alive(o) || clerk_order_find(c, o->id)) return;
  rest(c, track(c, o, true), o);
}

// ---- after something has happened

int64_t clerk_order_total(const struct clerk_order *w, const struct order *o) {
  if (!order_alive(o)) return o->filled.lots;
  int64_t left = order_left(o).lots;
  if (w->elsewhere_lots > left) left = w->elsewhere_lots;
  return o->filled.lots + (o->status == ORDER_PENDING_MODIFY && w->change_lots > left ? w->change_lots : left);
}

static void sync_ticket(struct clerk *c, struct clerk_order *w, const struct order *o) {
  if (!w->ticket.open || w->ticket.reduce) return;
  int64_t lots = clerk_order_total(w, o) - o->filled.lots;
  if (lots != w->ticket.lots) gate_update(&c->symbols[w->symbol].path, &w->ticket, lots, false);
}

static void sync_resting(struct clerk *c, struct clerk_order *w, const struct order *o) {
  if (w->rests && o->status != ORDER_PENDING_MODIFY && order_has_limit(o))
    resting_move(&c->symbols[w->symbol].shared->resting, clerk_resting_name(c, w->id), o->limit);
  if (!w->rests && !w->denied && o->type == ORDER_STOP_LIMIT && o->triggered) rest(c, w, o);
}

void clerk_orders_sync(struct clerk *c) {
  size_t kept = 0;
  for (size_t i = 0; i < c->order_count; i++) {
    struct clerk_order *w = &c->orders[i];
    const struct order *o = matcher_order(c->blotter.matcher, w->id);
    if (c->remote) w->elsewhere_lots = clerk_remote_pending(c, w->id);
    if (o->qty.lots > w->largest_lots) w->largest_lots = o->qty.lots;
    int64_t total = clerk_order_total(w, o);
    if (w->intent && total < w->watched) {
      if (!last_check_ended(c->shared->last, w->intent, w->watched - total)) clerk_tripped(c);
      w->watched = total;
    }
    if (!order_alive(o)) {
      forget(c, w);
      continue;
    }
    sync_ticket(c, w, o);
    sync_resting(c, w, o);
    c->orders[kept++] = *w;
  }
  c->order_count = kept;
}

// ---- commands

static void invalid(struct clerk_verdict *ret, const char *fault) { *ret = (struct clerk_verdict){.answer = CLERK_INVALID, .fault = fault}; }

static void deny(struct clerk *c, const struct bot_command *cmd, const struct instrument *inst, struct clerk_verdict *ret) {
  ret->answer = CLERK_DENIED;
  ret->reason = refusal_reason(ret->why.rule);
  clerk_tell_denied(c, cmd->id, &ret->why, inst);
}

static void price_now(struct clerk *c, struct clerk_symbol *s) {
  price mark = matcher_account(c->blotter.matcher)->symbols[s->symbol].mark;
  if (price_given(mark) && (mark.ticks != s->gate.last.ticks || mark.ticks != s->shared->gate.last.ticks)) gate_price(&s->path, mark);
}

enum reason clerk_submit(struct clerk *c, const struct bot_command *cmd, bool by_engine, struct clerk_verdict *ret) {
  struct clerk_symbol *s = clerk_symbol_of(c, cmd->intent.symbol, cmd->intent.leg);
  c->at_stops.known = false;
  price_now(c, s);
  struct gate_order g = clerk_gate_order(c, s, &cmd->intent, cmd->qty.lots);
  g.by_engine = by_engine;
  if (by_engine) g.priced = false;  // where a stop of the core stands is no typing mistake
  bool grows = clerk_gate_grows(s, &g);
  bool passes = c->restoring || clerk_gate_check(c, s, &cmd->intent, &g, &ret->why);
  if (by_engine && !passes) return refusal_reason(ret->why.rule);  // the core does not do what it may not
  enum reason why = blotter_command(&c->blotter, cmd);
  ret->reason = why;
  if (c->script_rate) risk_state_sent(&c->script, cmd->time_ns);
  const struct order *o = matcher_order(c->blotter.matcher, cmd->id);
  if (!passes) deny(c, cmd, s->gate.inst, ret);
  if (!order_alive(o)) return why;
  struct clerk_order *w = track(c, o, c->restoring || !passes);
  w->denied = !passes, w->by_engine = by_engine, w->grows = grows;
  w->epoch = c->shared->halt ? c->shared->halt->epoch : 0;
  if (!passes) {
    clerk_wait_cancel(c, cmd->id, ret->reason);
    return why;
  }
  w->px = g.px;
  if (c->restoring) gate_occupy(&s->path, &g, &w->ticket);
  else gate_accept(&s->path, &g, &w->ticket);
  if (!g.waits) rest(c, w, o);
  return why;
}

// What only makes an order smaller, or is about exits alone, needs no question.
static bool change_grows(const struct order *o, const struct order_change *ch) {
  if (o->reduce || !order_alive(o)) return false;
  return price_given(ch->limit) || price_given(ch->trigger) || ch->trail_ticks || ch->trail_frac_e8 || ch->qty.lots > o->qty.lots;
}

static struct intent changed_intent(const struct order *o, const struct order_change *ch) {
  struct intent in;
  intent_init(&in, o->symbol, o->side);
  in.type = o->type, in.leg = o->leg, in.tif = o->tif, in.post = o->post, in.size_kind = SIZE_QTY;
  in.limit = price_given(ch->limit) ? ch->limit : o->limit;
  in.trigger = price_given(ch->trigger) ? ch->trigger : o->trigger;
  in.trail_ticks = ch->trail_ticks ? ch->trail_ticks : o->trail_ticks;
  in.trail_frac_e8 = ch->trail_frac_e8 ? ch->trail_frac_e8 : o->trail_frac_e8;
  in.sl = ch->sl_none ? NO_PRICE : price_given(ch->sl) ? ch->sl : o->sl;
  in.tp = o->tp;
  return in;
}

// The order as it would be, with itself out of the way.
static bool change_check(struct clerk *c, struct clerk_order *w, const struct order *o, const struct order_change *ch, struct gate_order *g,
                         struct refusal *ret_why) {
  struct clerk_symbol *s = &c->symbols[w->symbol];
  price_now(c, s);
  struct intent in = changed_intent(o, ch);
  int64_t lots = (ch->qty.lots > 0 ? ch->qty.lots : o->qty.lots) - o->filled.lots;
  gate_release(&s->path, &w->ticket);
  *g = clerk_gate_order(c, s, &in, lots);
  if (lots <= 0) return refuse(ret_why, REFUSE_SIZE_MIN, LEVEL_VENUE, 1, lots);
  return clerk_gate_check(c, s, &in, g, ret_why);
}

static void change_taken(struct clerk *c, struct clerk_order *w, const struct order *o, const struct gate_order *g) {
  struct clerk_symbol *s = &c->symbols[w->symbol];
  gate_accept(&s->path, g, &w->ticket);
  w->px = g->px;
  w->change_lots = o->status == ORDER_PENDING_MODIFY ? g->lots : 0;
  if (w->rests && o->status == ORDER_PENDING_MODIFY && price_given(g->limit) && (g->limit.ticks - o->limit.ticks) * g->side > 0)
    resting_move(&s->shared->resting, clerk_resting_name(c, w->id), g->limit);  // the nearer one until it is settled
}

// More than the last check was told of, an exit that was made larger too: it is told when that is in the journal.
static void watch_more(struct clerk *c, uint64_t id) {
  struct clerk_order *w = clerk_order_find(c, id);
  if (!w || !w->committed || w->denied || w->intent == 0 || c->restoring) return;
  if (clerk_order_total(w, matcher_order(c->blotter.matcher, id)) > w->watched) w->committed = false, c->uncommitted++;
}

static void back_as_it_was(struct clerk *c, struct clerk_order *w, const struct gate_ticket *was) {
  struct gate_order g = {.side = was->side, .lots = was->all_lots, .px = w->px, .reduce = was->reduce};
  gate_occupy(&c->symbols[w->symbol].path, &g, &w->ticket);
  gate_update(&c->symbols[w->symbol].path, &w->ticket, was->lots, false);
}

void clerk_orders_bring(struct clerk *c, const struct order *o, const struct clerk_order *was) {
  struct clerk_order *w = track(c, o, true);
  w->px = was->px, w->grows = was->grows, w->largest_lots = was->largest_lots, w->change_lots = was->change_lots;
  w->epoch = c->shared->halt ? c->shared->halt->epoch : 0;
  struct gate_ticket ticket = was->ticket;
  ticket.side = o->side;
  if (ticket.open) back_as_it_was(c, w, &ticket);
  if (was->rests) rest(c, w, o);
}

// The new stop of a filled entry, or of a stop itself; false: there is none in the change.
static bool stop_of_change(const struct matcher *m, const struct order *o, const struct order_change *ch, const struct order **ret_entry, price *ret) {
  bool itself = o->parent && o->tag == TAG_SL && price_given(ch->trigger);
  *ret_entry = itself ? matcher_order(m, o->parent) : o;
  *ret = itself ? ch->trigger : ch->sl_none ? NO_PRICE : ch->sl;
  return *ret_entry && (itself || price_given(ch->sl) || ch->sl_none) && (*ret_entry)->filled.lots > 0;
}

static void modify(struct clerk *c, const struct bot_command *cmd, struct clerk_verdict *ret) {
  const struct matcher *m = c->blotter.matcher;
  const struct order *o = matcher_order(m, cmd->id), *entry;
  struct clerk_order *w = clerk_order_find(c, cmd->id);
  const struct instrument *inst = o ? &matcher_symbol_config(m, o->symbol)->inst : NULL;
  struct gate_order g;
  price stop;
  bool grows = o && w && w->ticket.open && change_grows(o, &cmd->change);
  struct gate_ticket was = w ? w->ticket : (struct gate_ticket){0};
  if (grows && !c->restoring && !change_check(c, w, o, &cmd->change, &g, &ret->why)) {
    back_as_it_was(c, w, &was);
    blotter_command(&c->blotter, cmd);
    clerk_orders_sync(c);
    deny(c, cmd, inst, ret);
    clerk_wait_cancel(c, cmd->id, ret->reason);
    return;
  }
  bool stops = o && !c->restoring && c->account->rules.rules && stop_of_change(m, o, &cmd->change, &entry, &stop);
  price before = stops ? entry->sl : NO_PRICE;
  bool refused = stops && !clerk_rules_stop(c, entry, stop, &ret->why);
  clerk_guard_changing(c, o, &cmd->change);
  ret->reason = blotter_command(&c->blotter, cmd);
  w = clerk_order_find(c, cmd->id);  // exits may have come to life before it in the list
  if (grows && !c->restoring) {
    if (ret->reason == REASON_NONE) change_taken(c, w, o, &g);
    else back_as_it_was(c, w, &was);
  }
  clerk_orders_sync(c);
  watch_more(c, cmd->id);
  if (!refused || ret->reason != REASON_NONE) return;
  deny(c, cmd, inst, ret);
  const struct order *own = matcher_order(m, entry->child_sl);
  struct clerk_guard *guard = own ? clerk_guard_noted(c, own->id) : NULL;
  if (guard) guard->told = true;
  if (own && own->status == ORDER_PENDING_MODIFY) return;  // comes whatever is done now: clerk_guard.c
  for (size_t i = 0; i < c->waiting_count; i++)
    if (c->waiting[i].kind == COMMAND_MODIFY && c->waiting[i].id == entry->id) return;  // goes back to where it was before both
  struct bot_command back = {.kind = COMMAND_MODIFY, .id = entry->id};
  order_change_init(&back.change);
  back.change.sl = before;
  back.change.sl_none = !price_given(before);
  clerk_wait(c, &back);
}

static const char *fault_of(const struct clerk *c, const struct bot_command *cmd) {
  const char *why;
  if (!command_valid(c->blotter.matcher, cmd, &why)) return why;
  if (c->restoring) return NULL;
  if (command_of_core(cmd->kind)) return "a command that is the core's alone";
  if (!c->busy) return "a command outside of an instant";
  if (cmd->kind == COMMAND_MARK ? cmd->time_ns >= c->now_ns : cmd->time_ns != c->now_ns) return "a time that is not the instant's";
  if (c->commands >= COMMANDS_MAX) return "more commands than an instant can have";
  return NULL;
}

void clerk_command(struct clerk *c, const struct bot_command *cmd, struct clerk_verdict *ret) {
  const char *fault = fault_of(c, cmd);
  if (fault) {
    invalid(ret, fault);
    return;
  }
  c->commands++;
  c->at_stops.known = false;
  *ret = (struct clerk_verdict){.answer = CLERK_TAKEN};
  if (cmd->kind == COMMAND_SUBMIT) {
    clerk_submit(c, cmd, false, ret);
  } else if (cmd->kind == COMMAND_MODIFY) {
    modify(c, cmd, ret);
  } else {
    ret->reason = blotter_command(&c->blotter, cmd);
    if (cmd->kind == COMMAND_CANCEL || cmd->kind >= COMMAND_EXECUTE) clerk_orders_sync(c);
    if ((cmd->kind == COMMAND_FILL || cmd->kind == COMMAND_CASH) && c->remote) clerk_remote_booked(c, cmd);
    if (cmd->kind == COMMAND_CASH) clerk_paid(c);
    if (cmd->kind == COMMAND_EXECUTE || cmd->kind == COMMAND_FILL) clerk_executed(c);
    else if (cmd->kind == COMMAND_MARK) risk_state_mark(&c->script, matcher_equity(c->blotter.matcher)), clerk_tell_mark(c, cmd->time_ns);
  }
}
