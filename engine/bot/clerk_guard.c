// bot/clerk_guard.c – stops that a position has lost: cancelled, moved away or made smaller by the script, expired, or gone with another
// order of their group. An order is allowed for what it may lose at its stop; so a stop is not the script's to take away again.
//
// Judged when the script has had its turn, so that one who cancels a stop and sets a better one is in order. If the loss at all stops is
// larger then than with the stops as they were, and the account's rules (risk/rule_set.h) do not allow that much, the script is told with
// the numbers, and the core sets a stop of its own where the lost one was: an imposed order, so both sides and the journal have it.
#include "bot/clerk_impl.h"

void clerk_guard_ended(struct clerk *c, const struct order *o, enum order_status to, enum reason why) {
  const bool leaves = to == ORDER_CANCELED || to == ORDER_EXPIRED || to == ORDER_PENDING_CANCEL || to == ORDER_UNKNOWN;  // the last: where a venue has to do it
  const bool alone = why == REASON_SCRIPT || why == REASON_OCO || why == REASON_DAY || why == REASON_GTD;
  if (leaves && alone) clerk_guard_note(c, o);
}

struct clerk_guard *clerk_guard_noted(struct clerk *c, uint64_t id) {
  for (size_t i = 0; i < c->guard_count; i++)
    if (c->guards[i].id == id) return &c->guards[i];
  return NULL;
}

struct clerk_guard *clerk_guard_note(struct clerk *c, const struct order *o) {
  price level = clerk_rules_level(o);
  if (!c->busy || c->restoring || !c->account->rules.rules || !o->reduce || !price_given(level) || order_left(o).lots == 0) return NULL;
  struct clerk_guard *g = clerk_guard_noted(c, o->id);
  if (g) return g;  // as it was when the instant began
  clerk_room((void **)&c->guards, &c->guard_cap, c->guard_count + 1, sizeof *c->guards);
  g = &c->guards[c->guard_count++];
  *g = (struct clerk_guard){.id = o->id, .symbol = (int)(clerk_symbol_of(c, o->symbol, o->leg) - c->symbols), .side = o->side, .level = level,
                            .lots = order_left(o).lots, .coming = NO_PRICE, .coming_lots = order_left(o).lots};
  return g;
}

void clerk_guard_changing(struct clerk *c, const struct order *o, const struct order_change *ch) {
  struct clerk_guard *g = o && order_alive(o) ? clerk_guard_note(c, o) : NULL;
  if (!g) return;
  struct order then = *o;  // on its way, where changes take time
  if (price_given(ch->trigger)) then.trigger = ch->trigger;
  if (ch->trail_ticks) then.trail_ticks = ch->trail_ticks, then.trail_frac_e8 = 0;
  if (ch->trail_frac_e8) then.trail_frac_e8 = ch->trail_frac_e8, then.trail_ticks = 0;
  price level = clerk_rules_level(&then);
  if (!price_given(g->coming) || (level.ticks - g->coming.ticks) * o->side > 0) g->coming = level;
  if (ch->qty.lots > 0 && ch->qty.lots - o->filled.lots < g->coming_lots) g->coming_lots = ch->qty.lots - o->filled.lots;
}

// Is it where it was, with as many lots, and will it stay there?
static bool stands(const struct clerk *c, const struct clerk_guard *g) {
  const struct order *o = matcher_order(c->blotter.matcher, g->id);
  if (!o || !order_alive(o) || o->status == ORDER_PENDING_CANCEL || o->status == ORDER_UNKNOWN || order_left(o).lots < g->lots) return false;
  if (o->status == ORDER_PENDING_MODIFY) return (g->coming.ticks - g->level.ticks) * g->side <= 0 && g->coming_lots >= g->lots;
  return (clerk_rules_level(o).ticks - g->level.ticks) * g->side <= 0;
}

// False: it may not be sent now (trading is halted); it is tried again at the next end.
static bool set_again(struct clerk *c, const struct clerk_guard *g) {
  const struct clerk_symbol *s = &c->symbols[g->symbol];
  struct bot_command cmd = {.kind = COMMAND_RESERVE, .time_ns = c->now_ns, .id = matcher_order_last(c->blotter.matcher) + 1};
  struct intent in;
  int64_t held = s->gate.lots * -g->side;
  if (held <= 0) return true;
  intent_init(&in, s->symbol, g->side);
  in.type = ORDER_STOP, in.trigger = g->level, in.leg = s->leg, in.reduce = true, in.tag = TAG_SL;
  int64_t lots = g->lots < held ? g->lots : held;
  struct gate_order order = clerk_gate_order(c, s, &in, lots);
  struct refusal why;
  order.by_engine = true, order.priced = false;
  if (!clerk_gate_check(c, &c->symbols[g->symbol], &in, &order, &why)) return false;
  clerk_impose(c, &cmd);
  cmd.kind = COMMAND_SUBMIT, cmd.intent = in, cmd.qty.lots = lots;
  struct clerk_verdict v = {0};
  clerk_submit(c, &cmd, true, &v);
  clerk_imposed(c, &cmd);
  return true;
}

void clerk_guard_look(struct clerk *c) {
  struct refusal why;
  size_t kept = 0;
  if (c->guard_count == 0) return;
  c->at_stops.known = false;
  if (c->account->rules.rules && c->flatten_why == REASON_NONE && !c->parting && !clerk_rules_guarded(c, &why)) {
    for (size_t i = 0; i < c->guard_count; i++) {
      struct clerk_guard g = c->guards[i];
      if (stands(c, &g)) continue;
      if (!g.told) clerk_tell_denied(c, g.id, &why, c->symbols[g.symbol].gate.inst);
      g.told = true;
      if (!set_again(c, &g)) c->guards[kept++] = g;
    }
  }
  c->guard_count = kept;
}
