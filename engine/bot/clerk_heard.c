// bot/clerk_heard.c – what a venue says of a clerk's orders: answers, its stream, what it was asked. See clerk_remote.h.
//
// Numbers of a venue are believed only if they fit the instrument to the last digit; what does not fit is told (CLERK_UNFIT), and
// nothing of it is taken: the account is compared with the venue's soon enough, and stands still until somebody has looked.
#include "bot/clerk_remote_impl.h"
#include "bot/record.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define RETRY_NS INT64_C(1000000000)
#define TRAIL_NS (5 * INT64_C(1000000000))
#define CASH_SCALE 8
#define IN_VAIN_MOST 5  // 32 s apart

static int64_t venue_now(const struct clerk *c) { return c->remote->port.now_ns(c->remote->port.self); }

static void impose(struct clerk *c, const struct bot_command *cmd) {
  c->remote->imposed++;
  clerk_impose(c, cmd);
}

// ---- answers to requests

static void placed(struct clerk *c, struct clerk_routed *w, const struct venue_reply *r) {
  struct route_effect e;
  switch (r->outcome) {
    case VENUE_ACCEPTED:
      e = clerk_route_tell(c, w, ROUTE_EV_ACK, NULL);
      if (e.kind == ROUTE_MOVE && e.to == ROUTE_OPEN) clerk_venue_says(c, w->id, ORDER_OPEN, REASON_NONE);
      return;
    case VENUE_REFUSED:
    case VENUE_NOT_SENT:
      if (r->why == VENUE_WHY_DUPLICATE) break;  // it is there already, so an answer was lost before: what is it?
      e = clerk_route_tell(c, w, ROUTE_EV_REJECTED, NULL);
      if (!route_live(e.to)) clerk_venue_says(c, w->id, ORDER_REJECTED, venue_why_reason(r->why));
      return;
    case VENUE_UNKNOWN: break;
  }
  if (r->expiry_ns > w->route.expiry_ns) w->route.expiry_ns = r->expiry_ns;
  clerk_route_lost(c, w);
}

static void cancelled(struct clerk *c, struct clerk_routed *w, const struct venue_reply *r) {
  const int64_t now_ns = venue_now(c);
  w->cancelling = false;
  w->cancel_ns = now_ns + RETRY_NS;
  if (r->outcome == VENUE_ACCEPTED) {
    w->cancelled_ns = now_ns;
    return;
  }
  if (r->outcome != VENUE_REFUSED || r->why == VENUE_WHY_THROTTLED || r->why == VENUE_WHY_CLOCK || !route_live(w->route.state)) return;  // once more, soon
  if (r->why == VENUE_WHY_NOT_FOUND || r->why == VENUE_WHY_DONE) {
    // It has ended, by whatever the stream has not told yet, or never was there: the questions tell. What is known to nobody is cancelled
    // less and less often, or hundreds of such would leave no request for the questions.
    w->cancel_ns = now_ns + (RETRY_NS << w->in_vain);
    if (w->in_vain < IN_VAIN_MOST) w->in_vain++;
    clerk_route_lost(c, w);
    return;
  }
  clerk_route_tell(c, w, ROUTE_EV_CANCEL_REFUSED, NULL);
  const struct order *o = matcher_order(c->blotter.matcher, w->id);
  if (o && o->status == ORDER_PENDING_CANCEL) impose(c, &(struct bot_command){.kind = COMMAND_VENUE, .id = w->id, .venue.status = ORDER_OPEN});
}

void clerk_wish_back(struct clerk *c, const struct clerk_routed *w) {
  const struct order *o = matcher_order(c->blotter.matcher, w->id);
  struct bot_command back = {.kind = COMMAND_MODIFY, .id = w->id};
  if (!o || !order_alive(o)) return;
  order_change_init(&back.change);
  if (o->limit.ticks != w->limit.ticks && price_given(w->limit)) back.change.limit = w->limit;
  if (o->trigger.ticks != w->trigger.ticks && price_given(w->trigger) && o->type != ORDER_TRAILING) back.change.trigger = w->trigger;
  if (o->qty.lots != w->route.qty.lots && w->route.qty.lots > o->filled.lots) back.change.qty = w->route.qty;
  if (price_given(back.change.limit) || price_given(back.change.trigger) || back.change.qty.lots > 0) impose(c, &back);
}

static void amended(struct clerk *c, struct clerk_routed *w, uint32_t change, const struct venue_reply *r) {
  const bool same = r->outcome == VENUE_REFUSED && r->why == VENUE_WHY_UNCHANGED;
  w->amend_ns = venue_now(c) + RETRY_NS / 4;
  if (r->outcome == VENUE_ACCEPTED || same) {
    const struct route_effect e = clerk_route_tell(c, w, ROUTE_EV_MODIFIED, &(struct route_event){.change = change});
    if (e.kind != ROUTE_LATE) w->limit = w->sent_limit, w->trigger = w->sent_trigger;
    return;
  }
  if (r->outcome == VENUE_UNKNOWN) {
    clerk_route_lost(c, w);
    return;
  }
  const struct route_effect e = clerk_route_tell(c, w, ROUTE_EV_MODIFY_REFUSED, &(struct route_event){.change = change});
  const bool again = r->outcome == VENUE_NOT_SENT || r->why == VENUE_WHY_THROTTLED || r->why == VENUE_WHY_CLOCK;
  if (e.kind == ROUTE_LATE || again) return;  // the wish stands, and is sent anew
  const struct order *o = matcher_order(c->blotter.matcher, w->id);
  if (o && o->type == ORDER_TRAILING) w->amend_ns = venue_now(c) + TRAIL_NS;  // the price may be beyond its level: it stays where it is for a while
  if (r->why == VENUE_WHY_NOT_FOUND || r->why == VENUE_WHY_DONE) clerk_route_lost(c, w);
  else clerk_wish_back(c, w);
}

void clerk_remote_replied(struct clerk *c, uint64_t order, enum clerk_request what, uint32_t change, const struct venue_reply *r) {
  struct clerk_routed *w = clerk_routed_find(c, order);
  if (!w) return;
  if (r->venue_id[0]) memcpy(w->venue_id, r->venue_id, sizeof w->venue_id);
  if (what == CLERK_PLACE) placed(c, w, r);
  else if (what == CLERK_CANCEL) cancelled(c, w, r);
  else amended(c, w, change, r);
}

void clerk_remote_asked(struct clerk *c, uint64_t order, enum unknown_step question, enum unknown_answer answer) {
  struct clerk_routed *w = clerk_routed_find(c, order);
  if (!w) return;
  w->asking = false;
  if (w->route.state != ROUTE_UNKNOWN && w->route.state != ROUTE_QUARANTINED) return;
  unknown_answered(&w->route.probe, question, answer, venue_now(c));
}

// ---- what it says of an order

static bool count(struct decimal d, struct decimal step, int64_t *ret) {
  // d / step, exactly: digits × 10^(step.scale − d.scale) / step.digits
  int128 num = d.digits;
  int128 den = step.digits;
  if (!decimal_given(d)) return false;
  if (step.scale >= d.scale) num *= pow10_i64(step.scale - d.scale);
  else den *= pow10_i64(d.scale - step.scale);
  return num % den == 0 && narrow_checked(num / den, ret);
}

static enum clerk_heard unfit(char *ret_text, const char *what, const struct venue_ref *ref) {
  snprintf(ret_text, VENUE_TEXT_MAX, "%s: order %s", what, ref->client_id[0] ? ref->client_id : ref->venue_id);
  return CLERK_UNFIT;
}

// The order that bears this name, if it is one of this run.
static const struct order *named(const struct clerk *c, const struct venue_ref *ref) {
  struct client_id id;
  if (!client_id_parse(ref->client_id, strlen(ref->client_id), &id) || id.bot != c->bot_id) return NULL;
  const uint64_t order = c->run ? record_intent_order(c->run, id.intent) : id.intent;
  if (order == 0) return NULL;
  const struct client_id own = clerk_name(c, order);
  return own.version == id.version && own.intent == id.intent ? matcher_order(c->blotter.matcher, order) : NULL;
}

static const struct { enum route_event_kind event; enum order_status status; } said[] = {
  [VENUE_ORDER_OPEN] = {ROUTE_EV_ACK, ORDER_OPEN}, [VENUE_ORDER_FILLED] = {ROUTE_EV_ACK, ORDER_OPEN}, [VENUE_ORDER_CANCELED] = {ROUTE_EV_CANCELED, ORDER_CANCELED},
  [VENUE_ORDER_EXPIRED] = {ROUTE_EV_EXPIRED, ORDER_EXPIRED}, [VENUE_ORDER_REJECTED] = {ROUTE_EV_REJECTED, ORDER_REJECTED}};

// Why it ended: what we asked for, if we did; else what the venue says.
static enum reason end_reason(const struct order *o, enum venue_why why) {
  const bool asked = o->reason != REASON_NONE && (o->status == ORDER_PENDING_CANCEL || o->status == ORDER_UNKNOWN);
  const enum reason r = why == VENUE_WHY_NONE || why == VENUE_WHY_ASKED ? REASON_NONE : venue_why_reason(why);
  return asked ? o->reason : r == REASON_NONE ? REASON_VENUE : r;
}

bool clerk_wished_away(const struct order *o) {
  return o->status == ORDER_PENDING_CANCEL || (o->status == ORDER_UNKNOWN && o->reason != REASON_NONE);
}

static bool is_newest(const struct order *entry, const struct order *exit) { return exit->id == (exit->type == ORDER_LIMIT ? entry->child_tp : entry->child_sl); }

void clerk_replace(struct clerk *c, struct clerk_routed *w) {
  const struct order *o = matcher_order(c->blotter.matcher, w->id), *entry = o ? matcher_order(c->blotter.matcher, o->parent) : NULL;
  struct bot_command again = {.kind = COMMAND_MODIFY};
  w->again = entry && entry->status == ORDER_UNKNOWN;  // what of it is open? Later.
  if (w->again || !entry || order_alive(o) || (o->status != ORDER_CANCELED && o->reason != REASON_ABSENT) || clerk_symbol_of(c, o->symbol, o->leg)->gate.lots == 0) return;
  if (!is_newest(entry, o)) return;  // the entry has grown, or the script has moved it: another one is there
  order_change_init(&again.change);
  again.id = entry->id;
  // Where it was wished to be by now; nowhere, if it was given up meanwhile.
  if (o->type == ORDER_LIMIT) again.change.tp = entry->tp_r_e6 && !price_given(entry->tp) ? o->limit : entry->tp;
  else again.change.sl = entry->sl;
  if (price_given(again.change.tp) || price_given(again.change.sl)) impose(c, &again);
}

void clerk_replace_waiting(struct clerk *c) {
  for (size_t i = 0; i < c->remote->count; i++)
    if (c->remote->routes[i].again) clerk_replace(c, &c->remote->routes[i]);
}

// Where a venue takes a stop whichever side of the price it is on, one that the price has passed meanwhile would wait for the price to come back:
// it is taken away, which others do by refusing it.
static void too_late(struct clerk *c, const struct order *o, int awaits) {
  if (awaits == 0 || awaits == (o->side == SIDE_BUY ? 1 : -1) || clerk_wished_away(o) || !order_alive(o)) return;
  clerk_tell_intervened(c, REASON_VENUE, "the price had passed a stop before it came to the venue: it is cancelled there");
  impose(c, &(struct bot_command){.kind = COMMAND_CANCEL, .id = o->id, .why = REASON_VENUE});
}

static bool told_as(struct decimal told, struct decimal step, int64_t wished) {
  int64_t count_of;
  return count(told, step, &count_of) && count_of == wished;
}

// Its terms there are those that it should have: nobody had a reason to replace it. Who tells no terms may have been asked to.
static bool as_wished(const struct order *o, const struct instrument *inst, const struct venue_order *v) {
  const price level = matcher_stop_level(o);
  const bool limit = o->type != ORDER_LIMIT || told_as(v->limit, inst->tick, o->limit.ticks);
  return limit && (!price_given(level) || told_as(v->trigger, inst->tick, level.ticks)) && told_as(v->qty, inst->lot, o->qty.lots);
}

// It works, as it should, so long after a cancel was asked for that this will have no effect any more: who ends it from now on is somebody else.
static void stays(const struct clerk *c, struct clerk_routed *w, const struct order *o, const struct venue_order *v, int64_t asked_ns) {
  const int64_t expiry_ns = c->remote->port.caps(c->remote->port.self).expiry_ms * INT64_C(1000000) + UNKNOWN_AFTER_EXPIRY_NS;
  if (asked_ns > w->cancel_sent_ns + expiry_ns && !w->cancelling && as_wished(o, &matcher_symbol_config(c->blotter.matcher, o->symbol)->inst, v)) w->replacing = w->perhaps = false;
}

enum clerk_heard clerk_remote_order(struct clerk *c, const struct venue_order *v, int64_t asked_ns, char *ret_text) {
  const struct order *o = named(c, &v->ref);
  if (!o) return CLERK_STRANGE;
  const struct instrument *inst = &matcher_symbol_config(c->blotter.matcher, o->symbol)->inst;
  struct route_event ev = {.asked_ns = asked_ns};
  if (strcmp(inst->symbol, v->ref.symbol) != 0 || o->side != v->side) return unfit(ret_text, "another symbol or side than was ordered", &v->ref);
  if (decimal_given(v->qty) && (!count(v->qty, inst->lot, &ev.qty.lots) || ev.qty.lots < 0)) return unfit(ret_text, "a quantity that is not whole lots", &v->ref);
  if (decimal_given(v->filled) && (!count(v->filled, inst->lot, &ev.cum.lots) || ev.cum.lots < 0)) return unfit(ret_text, "an execution that is not whole lots", &v->ref);
  struct clerk_routed *w = clerk_routed_find(c, o->id);
  if (!w) {
    if (!order_alive(o)) return CLERK_HEARD;  // over and forgotten
    if (o->status == ORDER_SENT || o->status == ORDER_PENDING_CANCEL) return unfit(ret_text, "known to the venue, and never sent", &v->ref);
    return CLERK_HEARD;
  }
  if (v->ref.venue_id[0]) memcpy(w->venue_id, v->ref.venue_id, sizeof w->venue_id);
  if (v->state == VENUE_ORDER_OPEN) w->waits = v->ref.waits, stays(c, w, o, v, asked_ns);
  if (asked_ns > w->seen_ns) w->seen_ns = asked_ns;
  if (v->state == VENUE_ORDER_FILLED && ev.cum.lots == 0) ev.cum = decimal_given(v->qty) ? ev.qty : w->route.qty;
  const struct route_effect e = clerk_route_tell(c, w, said[v->state].event, &ev);
  int64_t ticks;
  if (v->state == VENUE_ORDER_OPEN && (e.kind == ROUTE_MOVE || asked_ns > w->route.change_expiry_ns) && w->route.new_qty.lots == 0) {
    if (decimal_given(v->limit) && count(v->limit, inst->tick, &ticks) && price_given(w->limit)) w->limit.ticks = ticks;
    if (decimal_given(v->trigger) && count(v->trigger, inst->tick, &ticks) && price_given(w->trigger)) w->trigger.ticks = ticks;
  }
  if (route_live(e.to)) {
    if (e.to == ROUTE_OPEN || e.to == ROUTE_PARTIAL) {
      if (w->in_vain > 0) w->in_vain = 0, w->cancel_ns = 0;
      clerk_venue_says(c, o->id, ORDER_OPEN, REASON_NONE);
    }
    if (e.to == ROUTE_UNKNOWN) clerk_venue_says(c, o->id, ORDER_UNKNOWN, REASON_NONE);
    if (v->state == VENUE_ORDER_OPEN && v->ref.waits) too_late(c, matcher_order(c->blotter.matcher, w->id), v->awaits);
  } else if (said[v->state].status != ORDER_OPEN) {
    const bool again = !clerk_wished_away(o) && (w->replacing || (w->perhaps && !as_wished(o, inst, v)));
    w->replacing = w->perhaps = false;
    clerk_venue_says(c, o->id, e.to == ROUTE_CANCELED ? ORDER_CANCELED : said[v->state].status, again ? REASON_REPLACED : end_reason(o, v->why));
    if (again) clerk_replace(c, w);
  }
  clerk_replace_waiting(c);
  return CLERK_HEARD;
}

// ---- executions

// amount × 10^8, up to the next: a fee is never understated.
bool clerk_cash_of(struct decimal d, cash *ret) {
  int128 v = d.digits;
  if (d.scale <= CASH_SCALE) v *= pow10_i64(CASH_SCALE - d.scale);
  else v = div_ceil(v, pow10_i64(d.scale - CASH_SCALE));
  return narrow_checked(v, &ret->e8);
}

// An amount at a price of an instrument whose symbol begins with what it is in; rounded up.
static bool worth(const struct instrument *inst, const struct venue_fill *f, price px, cash *ret) {
  int128 v = (int128)f->fee.digits * px.ticks;  // × tick, in e8
  const int shift = f->fee.scale + inst->tick.scale - CASH_SCALE;
  if (__builtin_mul_overflow(v, (int128)inst->tick.digits, &v)) return false;
  if (shift > 0) {
    for (int left = shift; left > 0; left -= 18) v = div_ceil(v, pow10_i64(left > 18 ? 18 : left));
  } else if (__builtin_mul_overflow(v, (int128)pow10_i64(-shift), &v)) {
    return false;
  }
  return narrow_checked(v, &ret->e8);
}

static bool ends_with(const char *text, const char *end) {
  const size_t len = strlen(text), tail = strlen(end);
  return tail <= len && strcmp(text + len - tail, end) == 0;
}

// In the account's currency: as charged; where it was taken in the asset that was traded, at the price of the execution; in another one, at the
// last price of a symbol of this bot that says what it is worth. Else it is not counted, and somebody is told: it is not of this currency.
static bool fee_of(struct clerk *c, const struct instrument *inst, const struct venue_fill *f, price px, cash *ret) {
  const struct clerk_remote *r = c->remote;
  const char *asset = f->fee_asset;
  const size_t len = strlen(asset);
  ret->e8 = 0;
  if (!decimal_given(f->fee) || f->fee.digits == 0) return true;
  if (len == 0 || strcmp(asset, r->currency) == 0 || (r->currency[0] == '\0' && ends_with(inst->symbol, asset))) return clerk_cash_of(f->fee, ret);
  if (strncmp(inst->symbol, asset, len) == 0) return worth(inst, f, px, ret);
  if (ends_with(inst->symbol, asset)) return clerk_cash_of(f->fee, ret);
  const struct account *a = matcher_account(c->blotter.matcher);
  for (int i = 0; i < a->symbol_count; i++) {
    const struct instrument *other = &matcher_symbol_config(c->blotter.matcher, i)->inst;
    const bool same = strncmp(other->symbol, asset, len) == 0 && strlen(other->symbol) > len && ends_with(inst->symbol, other->symbol + len);
    if (same && price_given(a->symbols[i].mark)) return worth(other, f, a->symbols[i].mark, ret);
  }
  char text[VENUE_TEXT_MAX];
  snprintf(text, sizeof text, "the venue takes fees in %s: they are not in the bot's books, as nothing says what they are worth", asset);
  if (!c->remote->told_fee) clerk_tell_intervened(c, REASON_VENUE, text);
  c->remote->told_fee = true;
  return true;
}

enum clerk_heard clerk_remote_fill(struct clerk *c, const struct venue_fill *f, char *ret_text) {
  const struct order *o = named(c, &f->ref);
  if (!o) return CLERK_STRANGE;
  if (f->trade_id[0] == '\0') return unfit(ret_text, "an execution without a number", &f->ref);
  const struct fill_key key = fill_key(c->account->id, clerk_symbol_of(c, o->symbol, o->leg)->path.venue_id, f->trade_id, strlen(f->trade_id));
  if (fill_set_has(&c->remote->booked, key)) return CLERK_REPEATED;
  const struct instrument *inst = &matcher_symbol_config(c->blotter.matcher, o->symbol)->inst;
  struct bot_command cmd = {.kind = COMMAND_FILL, .id = o->id, .venue = {.maker = f->maker, .at_ns = f->time_ns, .key_hi = key.hi, .key_lo = key.lo}};
  order_change_init(&cmd.change);
  if (strcmp(inst->symbol, f->ref.symbol) != 0 || o->side != f->side) return unfit(ret_text, "an execution of another symbol or side than was ordered", &f->ref);
  if (!count(f->qty, inst->lot, &cmd.qty.lots) || cmd.qty.lots <= 0) return unfit(ret_text, "an execution that is not whole lots", &f->ref);
  if (!count(f->px, inst->tick, &cmd.change.limit.ticks) || cmd.change.limit.ticks <= 0) return unfit(ret_text, "an execution at a price between two ticks", &f->ref);
  if (!fee_of(c, inst, f, cmd.change.limit, &cmd.venue.fee)) return unfit(ret_text, "a fee that does not fit in 64 bits", &f->ref);
  if (!fill_set_reserve(&c->remote->booked, 1)) return unfit(ret_text, "no memory to book an execution", &f->ref);
  struct clerk_routed *w = clerk_routed_find(c, o->id);
  if (!w && order_alive(o)) return unfit(ret_text, "an execution of an order that was never sent", &f->ref);
  // The route first: what may yet be executed is less by it when the clerk counts.
  if (w && route_fill(&w->route, cmd.change.limit, cmd.qty, venue_now(c)).kind == ROUTE_REFUSE) return unfit(ret_text, "executions whose sum does not fit in 64 bits", &f->ref);
  const uint64_t fills = c->remote->fills;
  impose(c, &cmd);
  if (c->remote->fills == fills) return unfit(ret_text, "an execution that its account cannot take", &f->ref);
  fill_set_add(&c->remote->booked, key);
  clerk_replace_waiting(c);
  return CLERK_HEARD;
}

enum clerk_heard clerk_remote_cash(struct clerk *c, const char *symbol, cash paid, const char *id, int64_t at_ns) {
  const struct matcher *m = c->blotter.matcher;
  int s = 0;
  while (s < matcher_account(m)->symbol_count && strcmp(matcher_symbol_config(m, s)->inst.symbol, symbol) != 0) s++;
  if (s == matcher_account(m)->symbol_count || id[0] == '\0') return CLERK_STRANGE;
  char name[VENUE_ID_MAX + 32];
  const int len = snprintf(name, sizeof name, "cash %llu %s", (unsigned long long)c->bot_id, id);  // several bots have a part of it
  const struct fill_key key = fill_key(c->account->id, 0, name, (size_t)len);
  if (fill_set_has(&c->remote->booked, key)) return CLERK_REPEATED;
  if (paid.e8 == 0 || !fill_set_reserve(&c->remote->booked, 1)) return CLERK_HEARD;
  fill_set_add(&c->remote->booked, key);
  impose(c, &(struct bot_command){.kind = COMMAND_CASH, .intent.symbol = s, .venue = {.fee = paid, .at_ns = at_ns, .key_hi = key.hi, .key_lo = key.lo}});
  return CLERK_HEARD;
}

void clerk_remote_listed(struct clerk *c, int64_t asked_ns) {
  for (size_t i = 0; i < c->remote->count; i++) {
    struct clerk_routed *w = &c->remote->routes[i];
    const bool there = w->seen_ns >= asked_ns;
    if (!there && (w->restored || w->route.sent_ns < asked_ns) && (w->route.state == ROUTE_OPEN || w->route.state == ROUTE_PARTIAL || w->route.state == ROUTE_CANCELLING))
      clerk_route_lost(c, w);
  }
}

// ---- after a restart

static struct clerk_routed *routed_again(struct clerk *c, const struct order *o, enum route_state state) {
  struct clerk_routed *w = clerk_routed_add(c, o);
  w->route.state = state;
  w->restored = true;
  w->route.filled = w->route.cum = o->filled;
  w->route.fill_value = o->fill_value;
  w->route.sent_ns = o->decided_ns;
  return w;
}

// An exit that made place for another, which waits for what becomes of its entry (clerk_replace). The journal says so by an entry of which nobody
// knows and the reason of the exit's end; one that a person has cancelled at the venue ended for another.
static void restore_waiting(struct clerk *c, uint64_t id) {
  const struct order *o = matcher_order(c->blotter.matcher, id);
  if (!o || order_alive(o) || clerk_routed_find(c, id)) return;
  if ((o->status == ORDER_CANCELED && o->reason == REASON_REPLACED) || (o->status == ORDER_REJECTED && o->reason == REASON_ABSENT)) routed_again(c, o, ROUTE_CANCELED)->again = true;
}

// The journal knows the orders, and what was executed; not what was under way. So each that may be there is asked about.
void clerk_remote_restored(struct clerk *c) {
  const struct matcher *m = c->blotter.matcher;
  const bool amend = c->remote->port.caps(c->remote->port.self).amend;
  for (int symbol = 0; symbol < matcher_account(m)->symbol_count; symbol++) {
    size_t pos = 0;
    for (const struct order *o; (o = matcher_working(m, symbol, &pos));) {
      if (clerk_routed_find(c, o->id)) continue;
      if (!amend && o->status == ORDER_UNKNOWN) restore_waiting(c, o->child_sl), restore_waiting(c, o->child_tp);
      // An exit may be wished away by now (its quantity is 0) and still be there; one that never was of anything never was there.
      const struct clerk_order *known = clerk_order_find(c, o->id);
      struct order largest = *o;
      if (known && known->largest_lots > largest.qty.lots) largest.qty.lots = known->largest_lots;
      if (largest.qty.lots == 0) continue;
      struct clerk_routed *w = routed_again(c, &largest, ROUTE_SENT);
      w->route.acked = o->status != ORDER_SENT && o->status != ORDER_UNKNOWN;
      // Was it being cancelled for another? Nobody knows any more: its end will tell what it was there, and whether that had to be replaced.
      w->perhaps = o->parent != 0 && !amend;
      w->cancel_sent_ns = venue_now(c);
      // Whatever a change that was under way has done: the larger of what was ordered counts, and prices are read anew.
      clerk_route_lost(c, w);
    }
  }
}

void clerk_remote_booked(struct clerk *c, const struct bot_command *cmd) {
  const bool room = fill_set_reserve(&c->remote->booked, 1);
  assert(room);
  fill_set_add(&c->remote->booked, (struct fill_key){cmd->venue.key_hi, cmd->venue.key_lo});
}

void clerk_remote_durable(struct clerk *c) {
  if (c->remote) c->remote->durable = c->remote->imposed;
}

void clerk_remote_filled(struct clerk *c) { c->remote->fills++; }
