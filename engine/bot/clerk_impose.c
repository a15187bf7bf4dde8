// bot/clerk_impose.c – what the core does to a bot's orders by itself: cancels of what it denied, the kill switch, flatten, what could not
// be journalled. While the script runs it is only remembered: the pilot must see it at the same place in its history.
#include "bot/clerk_impl.h"

#include <assert.h>

void clerk_wait(struct clerk *c, const struct bot_command *cmd) {
  clerk_room((void **)&c->waiting, &c->waiting_cap, c->waiting_count + 1, sizeof *c->waiting);
  c->waiting[c->waiting_count++] = *cmd;
}

void clerk_wait_cancel(struct clerk *c, uint64_t id, enum reason why) {
  clerk_wait(c, &(struct bot_command){.kind = COMMAND_CANCEL, .id = id, .why = why});
}

void clerk_imposed(struct clerk *c, const struct bot_command *cmd) {
  if (c->observer.imposed) c->observer.imposed(c->observer.self, cmd);
}

void clerk_impose(struct clerk *c, const struct bot_command *cmd) {
  struct bot_command now = *cmd;
  assert(!c->busy && !c->restoring);
  c->at_stops.known = false;
  now.time_ns = c->now_ns;
  blotter_command(&c->blotter, &now);
  clerk_imposed(c, &now);
  clerk_orders_sync(c);
  if (now.kind == COMMAND_FILL) clerk_executed(c);
  if (now.kind == COMMAND_CASH) clerk_paid(c);
}

static void impose_cancel(struct clerk *c, uint64_t id, enum reason why) {
  clerk_impose(c, &(struct bot_command){.kind = COMMAND_CANCEL, .id = id, .why = why});
}

// ---- cancelling

static bool cancellable(const struct order *o) {
  const bool wished = o->status == ORDER_UNKNOWN && o->reason != REASON_NONE;  // where a venue has to do it
  return order_alive(o) && o->status != ORDER_PENDING_CANCEL && !wished;
}
static bool is_last_word(const struct order *o) { return cancellable(o) && o->type == ORDER_MARKET && o->reduce; }

bool clerk_could_open(struct clerk *c, const struct order *o) {
  const struct clerk_symbol *s = clerk_symbol_of(c, o->symbol, o->leg);
  int64_t pending = o->side == SIDE_BUY ? s->gate.buy_lots : s->gate.sell_lots, held = o->side == SIDE_BUY ? -s->gate.lots : s->gate.lots;
  return !o->reduce && pending > (held > 0 ? held : 0);
}

static bool concerned(struct clerk *c, const struct order *o, enum clerk_which which) {
  switch (which) {
    case WHICH_OPENING: return cancellable(o) && clerk_could_open(c, o);
    case WHICH_NOT_REDUCE: return cancellable(o) && !o->reduce;
    case WHICH_NOT_LAST_WORD: return cancellable(o) && !is_last_word(o);
    case WHICH_ALL: break;
  }
  return cancellable(o);
}

int clerk_cancel_working(struct clerk *c, enum reason why, enum clerk_which which, int only) {
  const struct matcher *m = c->blotter.matcher;
  int count = 0;
  for (int symbol = 0; symbol < matcher_account(m)->symbol_count; symbol++) {
    size_t pos = 0;
    for (const struct order *o; (only < 0 || symbol == only) && (o = matcher_working(m, symbol, &pos));) {
      if (!concerned(c, o, which)) continue;
      int working = matcher_account(m)->work_count;
      impose_cancel(c, o->id, why);
      count++;
      if (matcher_account(m)->work_count != working) pos = 0;  // the list has moved
    }
  }
  return count;
}

static void cancel_working(struct clerk *c, enum reason why, enum clerk_which which) { clerk_cancel_working(c, why, which, -1); }

// ---- closing

static int64_t close_lots(const struct clerk_symbol *s) {
  int64_t lots = s->gate.lots < 0 ? -s->gate.lots : s->gate.lots, most = s->gate.inst->max_order_qty.lots;
  return most > 0 && lots > most ? most : lots;  // the rest when that is done
}

static void close_position(struct clerk *c, struct clerk_symbol *s) {
  const struct matcher *m = c->blotter.matcher;
  const struct order *before = s->closing ? matcher_order(m, s->closing) : NULL;
  if (s->gate.lots == 0 || (before && order_alive(before))) return;
  struct bot_command cmd = {.kind = COMMAND_RESERVE, .time_ns = c->now_ns, .id = matcher_order_last(m) + 1};
  struct intent in;
  intent_init(&in, s->symbol, s->gate.lots > 0 ? SIDE_SELL : SIDE_BUY);
  in.leg = s->leg, in.size_kind = SIZE_CLOSE, in.reduce = true, in.tag = TAG_FLATTEN;
  struct gate_order g = clerk_gate_order(c, s, &in, close_lots(s));
  g.by_engine = true;
  struct refusal why;
  if (!clerk_gate_check(c, s, &in, &g, &why)) return;  // halted altogether, or no price: again at the next end
  blotter_command(&c->blotter, &cmd);
  clerk_imposed(c, &cmd);
  cmd.kind = COMMAND_SUBMIT, cmd.intent = in, cmd.qty.lots = close_lots(s);
  struct clerk_verdict v = {0};
  s->closing = cmd.id;
  clerk_submit(c, &cmd, true, &v);
  clerk_imposed(c, &cmd);
}

// May the market see it, and at what price?
static bool priced(const struct clerk *c, const struct order *o, price *ret) {
  if (c->remote) return false;  // a venue executes it
  for (size_t i = 0; i < c->order_count; i++)
    if (c->orders[i].id == o->id && !c->orders[i].committed) return false;
  return c->observer.last_price && c->observer.last_price(c->observer.self, o->symbol, ret);
}

static bool executable(const struct clerk *c, const struct clerk_symbol *s, price *ret) {
  const struct order *o = s->closing ? matcher_order(c->blotter.matcher, s->closing) : NULL;
  return o && order_alive(o) && s->gate.lots != 0 && priced(c, o, ret);
}

// As a script's, it meets only what is later than itself.
static void execute(struct clerk *c, const struct order *o, price px) {
  struct bot_command cmd = {.kind = COMMAND_EXECUTE, .id = o->id};
  if (c->now_ns <= o->decided_ns) return;
  order_change_init(&cmd.change);
  cmd.change.limit = px;
  clerk_impose(c, &cmd);
  clerk_executed(c);
}

static void execute_close(struct clerk *c, const struct clerk_symbol *s) {
  price px;
  if (executable(c, s, &px)) execute(c, matcher_order(c->blotter.matcher, s->closing), px);
}

// ---- the last words of its script

// The n-th of them, or NULL.
static const struct order *last_word(const struct clerk *c, size_t n) {
  const struct matcher *m = c->blotter.matcher;
  for (int symbol = 0; symbol < matcher_account(m)->symbol_count; symbol++) {
    size_t pos = 0;
    for (const struct order *o; (o = matcher_working(m, symbol, &pos));)
      if (is_last_word(o) && n-- == 0) return o;
  }
  return NULL;
}

static void part(struct clerk *c) {
  price px;
  cancel_working(c, REASON_OWNER, WHICH_NOT_LAST_WORD);
  for (size_t n = 0; last_word(c, n);) {
    const uint64_t id = last_word(c, n)->id;
    if (clerk_symbol_of(c, last_word(c, n)->symbol, last_word(c, n)->leg)->gate.lots == 0) impose_cancel(c, id, REASON_OWNER);  // another has done it
    else if (priced(c, last_word(c, n), &px)) execute(c, last_word(c, n), px);
    if (last_word(c, n) && last_word(c, n)->id == id) n++;  // its time has not come
  }
}

void clerk_part(struct clerk *c) {
  c->parting = true;
  clerk_act(c);
}

bool clerk_parted(const struct clerk *c) { return !last_word(c, 0); }

bool clerk_closing(const struct clerk *c) {
  price px;
  for (int i = 0; i < c->symbol_count; i++)
    if (c->flatten_why != REASON_NONE && executable(c, &c->symbols[i], &px)) return true;
  for (size_t n = 0; c->parting && last_word(c, n); n++)
    if (priced(c, last_word(c, n), &px)) return true;
  return false;
}

static void flatten(struct clerk *c) {
  cancel_working(c, c->flatten_why, WHICH_NOT_REDUCE);
  for (int i = 0; i < c->symbol_count; i++) {
    execute_close(c, &c->symbols[i]);
    close_position(c, &c->symbols[i]);
  }
}

// ---- the kill switch

static enum halt_mode mode_of(const struct clerk *c) {
  const struct halt_entry *entry;
  const struct gate_path *p = &c->symbols[0].path;
  return c->shared->halt ? halt_mode_of(c->shared->halt, &(struct halt_order){.venue = p->venue_id, .tenant = p->tenant_id, .bot = p->bot_id}, &entry)
                         : HALT_NONE;
}

static enum clerk_which which_of(enum halt_mode mode) { return mode == HALT_REDUCE ? WHICH_OPENING : WHICH_NOT_REDUCE; }

bool clerk_halted(struct clerk *c, const struct order *o) {
  const enum halt_mode mode = mode_of(c);
  return mode != HALT_NONE && concerned(c, o, which_of(mode));
}

// At every end, not only when it changes: an exit could open once its position is gone.
static void obey_halts(struct clerk *c) {
  enum halt_mode mode = mode_of(c);
  if (mode == HALT_NONE) return;
  cancel_working(c, REASON_HALTED, which_of(mode));
  if (mode == HALT_FLATTEN && c->flatten_why == REASON_NONE && !clerk_flat(c)) c->flatten_why = REASON_HALTED;
}

// The last check trips for an order, a bot, an account, a tenant or everything; the kill switch knows no accounts.
void clerk_tripped(struct clerk *c) {
  struct last_report r = last_check_latest(c->shared->last);
  enum refusal_level level = r.scope == LAST_EVERYTHING ? LEVEL_ALL : r.scope == LAST_BOT ? LEVEL_BOT : LEVEL_TENANT;
  uint64_t id = level == LEVEL_ALL ? 0 : level == LEVEL_BOT ? r.bot : c->account->tenant->id;
  const struct last_report *told = &c->shared->told;
  if (told->why == r.why && told->scope == r.scope && told->intent == r.intent && told->value == r.value) return;  // a consequence
  c->shared->told = r;
  if (c->shared->halt) halt_set(c->shared->halt, level, id, HALT_SILENT, HALT_BY_LAST_CHECK, c->now_ns);
  if (c->shared->tripped) c->shared->tripped(c->shared->self, &r);
}

// ---- what is asked for

static void impose_waiting(struct clerk *c) {
  for (size_t i = 0; i < c->waiting_count; i++) {
    const struct bot_command *cmd = &c->waiting[i];
    const struct order *o = matcher_order(c->blotter.matcher, cmd->id);
    if (cmd->kind != COMMAND_CANCEL || cancellable(o)) clerk_impose(c, cmd);  // else the script was faster
  }
  c->waiting_count = 0;
}

void clerk_act(struct clerk *c) {
  if (c->busy || c->restoring) return;
  impose_waiting(c);
  clerk_guard_look(c);
  if (c->lost_count) clerk_route_look(c);
  obey_halts(c);
  if (c->excess) {
    clerk_tell_intervened(c, c->excess_why, "orders that could open were cancelled: a limit could have been passed");
    cancel_working(c, c->excess_why, WHICH_OPENING);
  }
  c->excess = false;
  if (c->cancel_why != REASON_NONE) cancel_working(c, c->cancel_why, c->cancel_all ? WHICH_ALL : WHICH_NOT_REDUCE);
  c->cancel_why = REASON_NONE;
  c->cancel_all = false;
  clerk_news_look(c);
  if (c->parting) part(c);
  if (c->flatten_why == REASON_NONE) return;
  flatten(c);
  if (clerk_flat(c)) c->flatten_why = REASON_NONE;
}

void clerk_flatten(struct clerk *c, enum reason why, const char *text) {
  bool begins = c->flatten_why == REASON_NONE;
  c->flatten_why = begins ? why : c->flatten_why;
  if (begins) clerk_tell_intervened(c, why, text);
  clerk_act(c);
}

void clerk_cancel_all(struct clerk *c, enum reason why, bool all) {
  c->cancel_why = why;
  c->cancel_all |= all;
  clerk_act(c);
}

void clerk_halts(struct clerk *c) { clerk_act(c); }
bool clerk_busy(const struct clerk *c) { return c->busy; }

// ---- the journal has answered

// Everything that the last look could still object to. True: it may go.
static bool may_leave(struct clerk *c, struct clerk_order *w, const struct order *o) {
  const struct gate_path *p = &c->symbols[w->symbol].path;
  struct refusal why;
  if (p->halt && w->epoch != p->halt->epoch &&
      halt_blocks(p->halt, &(struct halt_order){p->venue_id, p->tenant_id, p->bot_id, !w->grows, w->by_engine}, &why))
    return false;
  struct last_check *last = c->shared->last;
  if (!last) return true;
  bool known = w->intent != 0;
  int64_t lots = clerk_order_total(w, o) - w->watched;
  if (lots == 0) return true;  // made larger, and smaller again before it was committed
  if (!known) w->intent = ++c->shared->intents;
  cash worth = {0};
  if (price_given(w->px) && !instrument_notional(c->symbols[w->symbol].gate.inst, w->px, (quantity){lots}, ROUND_CEIL, &worth)) worth.e8 = INT64_MAX;
  bool intended = known ? last_check_raise(last, w->intent, lots) : last_check_intend(last, w->intent, lots);
  if (!intended || !last_check_send_by(last, c->bot_id, w->intent, c->account->id, c->account->tenant->id, lots, worth.e8, c->now_ns)) {
    if (intended && !known) last_check_forget(last, w->intent);
    if (!known) w->intent = 0;  // never sent: nothing of it is to be told later
    clerk_tripped(c);
    return false;
  }
  w->watched += lots;
  return true;
}

void clerk_committed(struct clerk *c) {
  assert(!c->busy && !c->restoring);
  bool held = false;
  clerk_remote_durable(c);
  for (size_t i = 0; c->uncommitted > 0 && i < c->order_count; i++) {
    struct clerk_order *w = &c->orders[i];
    if (w->committed) continue;
    w->committed = true;
    c->uncommitted--;
    if (!may_leave(c, w, matcher_order(c->blotter.matcher, w->id))) w->denied = held = true;
    else if (!w->by_engine && !c->remote) clerk_route_sent(c, w->id);  // the list stays as it is: nothing ends by it
  }
  if (!held) return;
  for (size_t i = 0; i < c->order_count; i++)
    if (c->orders[i].denied) clerk_wait_cancel(c, c->orders[i].id, REASON_HALTED);
  clerk_act(c);
}

void clerk_uncommitted(struct clerk *c) {
  assert(!c->busy && !c->restoring);
  for (size_t i = 0; i < c->order_count; i++) {
    struct clerk_order *w = &c->orders[i];
    if (w->committed) continue;
    w->committed = w->denied = true;
    c->uncommitted--;
    clerk_wait_cancel(c, w->id, REASON_NOT_JOURNALLED);
  }
  impose_waiting(c);  // no more: a close that is asked for comes with the next end, lest the market sees it uncommitted
}
