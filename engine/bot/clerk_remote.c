// bot/clerk_remote.c – see clerk_remote.h. From the wish to the venue; what it says is in clerk_heard.c.
#include "bot/clerk_remote_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_NS INT64_C(1000000000)       // a cancel that got no proper answer is asked for again: that is always safe
#define OVERDUE_NS (5 * INT64_C(1000000000))  // a cancel that was taken and has no effect yet: what became of the order?
#define GRACE_NS INT64_C(300000000)       // before the first: an order is mostly told a moment before its executions
#define MISSING_NS (2 * INT64_C(1000000000))  // between two questions for executions that were told in sum only

enum status clerk_remote_open(struct clerk *c, const struct clerk_port *port, struct err *err) {
  if (matcher_config(c->blotter.matcher)->model != MODEL_REMOTE) return err_set(err, ERR_INVALID, "a bot with a market of its own is not connected to a venue");
  struct clerk_remote *r = calloc(1, sizeof *r);
  if (!r) return err_set(err, ERR_NOMEM, "no memory for a bot's routes");
  r->port = *port;
  snprintf(r->currency, sizeof r->currency, "%s", port->currency ? port->currency : "");
  r->port.currency = r->currency;
  fill_set_init(&r->booked);
  c->remote = r;
  return OK;
}

void clerk_remote_close(struct clerk *c) {
  if (!c->remote) return;
  fill_set_finish(&c->remote->booked);
  free(c->remote->routes);
  free(c->remote);
  c->remote = NULL;
}

bool clerk_is_remote(const struct clerk *c) { return c->remote != NULL; }

struct clerk_routed *clerk_routed_find(const struct clerk *c, uint64_t id) {
  for (size_t i = 0; i < c->remote->count; i++)
    if (c->remote->routes[i].id == id) return &c->remote->routes[i];
  return NULL;
}

int64_t clerk_remote_pending(const struct clerk *c, uint64_t order) {
  const struct clerk_routed *w = clerk_routed_find(c, order);
  return w ? route_pending(&w->route) : 0;
}

struct clerk_routed *clerk_routed_add(struct clerk *c, const struct order *o) {
  struct clerk_remote *r = c->remote;
  clerk_room((void **)&r->routes, &r->cap, r->count + 1, sizeof *r->routes);
  struct clerk_routed *w = &r->routes[r->count++];
  *w = (struct clerk_routed){.id = o->id, .limit = o->limit, .trigger = matcher_stop_level(o), .sent_limit = o->limit, .sent_trigger = matcher_stop_level(o), .waits = price_given(matcher_stop_level(o))};
  const struct client_id name = clerk_name(c, o->id);
  route_init(&w->route, &name, c->account->id, clerk_symbol_of(c, o->symbol, o->leg)->path.venue_id, o->symbol, o->side, o->qty);
  return w;
}

struct route_effect clerk_route_tell(const struct clerk *c, struct clerk_routed *w, enum route_event_kind kind, const struct route_event *more) {
  struct route_event ev = more ? *more : (struct route_event){0};
  ev.kind = kind;
  ev.now_ns = c->remote->port.now_ns(c->remote->port.self);
  const struct venue_caps caps = c->remote->port.caps(c->remote->port.self);
  ev.lookups = caps.lookups;
  if (ev.expiry_ns == 0) ev.expiry_ns = ev.now_ns + caps.expiry_ms * INT64_C(1000000);
  return route_apply(&w->route, &ev);
}

void clerk_venue_says(struct clerk *c, uint64_t id, enum order_status status, enum reason why) {
  const struct order *o = matcher_order(c->blotter.matcher, id);
  if (!o || !order_alive(o) || o->status == status) return;
  if (status == ORDER_OPEN && (o->status == ORDER_PARTIAL || o->status == ORDER_PENDING_CANCEL) && why == REASON_NONE) return;  // nothing new
  clerk_impose(c, &(struct bot_command){.kind = COMMAND_VENUE, .id = id, .why = why == REASON_NONE && order_status_final(status) ? REASON_VENUE : why,
                                        .venue.status = status});
}

void clerk_route_lost(struct clerk *c, struct clerk_routed *w) {
  const struct route_effect e = clerk_route_tell(c, w, ROUTE_EV_LOST, NULL);
  if (e.to == ROUTE_UNKNOWN) clerk_venue_says(c, w->id, ORDER_UNKNOWN, REASON_NONE);
}

// ---- placing

static struct decimal price_of(const struct instrument *inst, price px) {
  int64_t digits;
  if (!price_given(px) || __builtin_mul_overflow(px.ticks, inst->tick.digits, &digits)) return NO_DECIMAL;
  return (struct decimal){digits, inst->tick.scale};
}
static struct decimal lots_of(const struct instrument *inst, int64_t lots) {
  int64_t digits;
  const bool fits = !__builtin_mul_overflow(lots, inst->lot.digits, &digits);
  assert(fits);  // the instrument's notional has been taken of it
  return (struct decimal){digits, inst->lot.scale};
}

static void ref_of(const struct clerk_routed *w, const struct instrument *inst, struct venue_ref *ret) {
  *ret = (struct venue_ref){0};
  memcpy(ret->client_id, w->route.client_id, sizeof ret->client_id);
  memcpy(ret->venue_id, w->venue_id, sizeof ret->venue_id);
  ret->waits = w->waits;
  strncpy(ret->symbol, inst->symbol, sizeof ret->symbol - 1);
}

static const struct instrument *inst_of(const struct clerk *c, int symbol) { return &matcher_symbol_config(c->blotter.matcher, symbol)->inst; }

// Durable, and nothing objects: else it is as if it had never been.
static bool may_leave(struct clerk *c, const struct order *o) {
  const struct clerk_order *w = clerk_order_find(c, o->id);
  if (o->parent) return o->status == ORDER_SENT && c->remote->durable == c->remote->imposed;  // an execution made it
  return w && w->committed && !w->denied && o->status == ORDER_SENT;
}

// A venue knows the account's position, not the bot's: where several bots hold the symbol it would refuse to reduce what they net to nothing,
// and would let one bot close another's.
static bool alone(const struct clerk *c, const struct clerk_symbol *s) {
  for (int i = 0; i < c->account->clerk_count; i++)
    for (int k = 0; c->account->clerks[i] != c && k < c->account->clerks[i]->symbol_count; k++)
      if (c->account->clerks[i]->symbols[k].shared == s->shared) return false;
  return true;
}

// Lots that may still be closed: what is held, less what is on its way to close it. Exits of entries are not counted, they end with it.
static int64_t closable(const struct clerk *c, const struct clerk_symbol *s, enum side side) {
  int64_t lots = -side * s->gate.lots;
  for (size_t i = 0; i < c->remote->count; i++) {
    const struct clerk_routed *w = &c->remote->routes[i];
    const struct order *o = matcher_order(c->blotter.matcher, w->id);
    if (o && o->reduce && !o->parent && o->symbol == s->symbol && o->leg == s->leg && o->side == side) lots -= route_pending(&w->route);
  }
  return lots;
}

static bool wants_stops(const struct order *o) {
  return o->type == ORDER_STOP || o->type == ORDER_STOP_LIMIT || o->type == ORDER_TRAILING || (!o->reduce && price_given(o->sl));
}

static bool kept_there(struct clerk *c, const struct order *o) {
  return c->remote->port.caps(c->remote->port.self).reduce_only && alone(c, clerk_symbol_of(c, o->symbol, o->leg));
}

static struct venue_place place_of(struct clerk *c, const struct order *o, const char client_id[CLIENT_ID_SIZE]) {
  const struct instrument *inst = inst_of(c, o->symbol);
  const bool reduce = o->reduce && kept_there(c, o);
  struct venue_place p = {.side = o->side, .leg = o->leg, .type = o->type == ORDER_TRAILING ? ORDER_STOP : o->type, .tif = o->tif == TIF_IOC || o->tif == TIF_FOK ? o->tif : TIF_GTC,
                          .post = o->post, .reduce = reduce, .qty = lots_of(inst, order_left(o).lots), .limit = price_of(inst, o->limit),
                          .trigger = price_of(inst, matcher_stop_level(o)), .trigger_rises = o->side == SIDE_BUY};
  memcpy(p.client_id, client_id, sizeof p.client_id);
  strncpy(p.symbol, inst->symbol, sizeof p.symbol - 1);
  return p;
}

void clerk_remote_ahead(struct clerk *c) {
  const struct matcher *m = c->blotter.matcher;
  int count = 0;
  if (!c->remote->port.ahead) return;
  for (int symbol = 0; symbol < matcher_account(m)->symbol_count; symbol++) {
    size_t pos = 0;
    for (const struct order *o; count < CLERK_AHEAD_MAX && (o = matcher_working(m, symbol, &pos));) {
      const struct clerk_order *w = o->parent || o->status != ORDER_SENT ? NULL : clerk_order_find(c, o->id);
      if (!w || w->committed || w->denied || clerk_routed_find(c, o->id)) continue;
      const struct client_id name = clerk_name(c, o->id);
      char client_id[CLIENT_ID_SIZE];
      client_id_format(&name, client_id);
      const struct venue_place p = place_of(c, o, client_id);
      c->remote->port.ahead(c->remote->port.self, &p);
      count++;
    }
  }
}

// True: something was imposed.
static bool place(struct clerk *c, const struct order *o) {
  struct clerk_symbol *s = clerk_symbol_of(c, o->symbol, o->leg);
  if ((o->trail_ticks || o->trail_frac_e8) && !o->parent && !c->remote->port.caps(c->remote->port.self).amend) {
    clerk_tell_intervened(c, REASON_VENUE, "the venue cannot change orders: a stop cannot trail there, and the order was not sent");
    clerk_impose(c, &(struct bot_command){.kind = COMMAND_VENUE, .id = o->id, .why = REASON_VENUE, .venue.status = ORDER_REJECTED});
    return true;
  }
  const struct venue_caps caps = c->remote->port.caps(c->remote->port.self);
  if (wants_stops(o) && !caps.stops) {  // an entry whose stop loss could not follow it is none
    clerk_tell_intervened(c, REASON_VENUE, "the venue has no stop orders: neither these nor orders with a stop loss are sent there");
    clerk_impose(c, &(struct bot_command){.kind = COMMAND_VENUE, .id = o->id, .why = REASON_VENUE, .venue.status = ORDER_REJECTED});
    return true;
  }
  const int64_t room = o->reduce && !o->parent ? closable(c, s, o->side) : order_left(o).lots;
  if (room <= 0) {
    clerk_impose(c, &(struct bot_command){.kind = COMMAND_VENUE, .id = o->id, .why = REASON_REDUCE_ONLY, .venue.status = ORDER_REJECTED});
    return true;
  }
  if (room < order_left(o).lots) {
    struct bot_command less = {.kind = COMMAND_MODIFY, .id = o->id};
    order_change_init(&less.change);
    less.change.qty.lots = o->filled.lots + room;
    clerk_impose(c, &less);
    o = matcher_order(c->blotter.matcher, o->id);
  }
  struct clerk_routed *w = clerk_routed_add(c, o);
  const struct venue_place p = place_of(c, o, w->route.client_id);
  clerk_route_tell(c, w, ROUTE_EV_JOURNALLED, NULL);
  const struct route_effect e = clerk_route_tell(c, w, ROUTE_EV_SEND, NULL);
  assert(e.kind == ROUTE_MOVE && e.to == ROUTE_SENT);
  c->remote->port.place(c->remote->port.self, c->bot_id, o->id, &p);
  return false;
}

// ---- what works there, and what it should be

static bool settled(const struct clerk_routed *w) { return w->route.state == ROUTE_OPEN || w->route.state == ROUTE_PARTIAL; }

static void cancel(struct clerk *c, struct clerk_routed *w, const struct order *o, int64_t now_ns) {
  const enum route_state s = w->route.state;
  if (w->cancelling || now_ns < w->cancel_ns || !route_live(s)) return;
  if (s == ROUTE_CANCELLING && now_ns >= w->cancelled_ns + OVERDUE_NS && w->cancelled_ns > 0) {
    w->cancelled_ns = 0;
    clerk_route_lost(c, w);  // what became of it?
    return;
  }
  if (s == ROUTE_CANCELLING && w->cancelled_ns > 0) return;
  if (s == ROUTE_SENT) return;  // its answer comes first: a cancel could overtake it
  const struct route_effect e = clerk_route_tell(c, w, ROUTE_EV_CANCEL_SEND, NULL);
  if (e.kind == ROUTE_REFUSE) return;
  struct venue_ref ref;
  ref_of(w, inst_of(c, o->symbol), &ref);
  w->cancelling = true;
  w->cancel_sent_ns = now_ns;
  c->remote->port.cancel(c->remote->port.self, c->bot_id, w->id, &ref);
}

static void amend(struct clerk *c, struct clerk_routed *w, const struct order *o, int64_t now_ns) {
  const price level = matcher_stop_level(o);
  const bool qty = o->qty.lots != w->route.qty.lots, limit = o->limit.ticks != w->limit.ticks, trigger = level.ticks != w->trigger.ticks && !o->triggered;
  if (!settled(w) || (!qty && !limit && !trigger) || now_ns < w->amend_ns || o->qty.lots <= w->route.cum.lots) return;
  if (!c->remote->port.caps(c->remote->port.self).amend) {
    // Nothing can be changed there. An exit that grows with its entry, or is moved, makes place for another; they never work together.
    w->replacing = o->parent != 0;
    if (o->parent) cancel(c, w, o, now_ns);
    else clerk_wish_back(c, w);
    return;
  }
  const struct instrument *inst = inst_of(c, o->symbol);
  const struct route_effect e = clerk_route_tell(c, w, ROUTE_EV_MODIFY_SEND, &(struct route_event){.qty = o->qty});
  if (e.kind == ROUTE_REFUSE) return;
  w->sent_limit = o->limit, w->sent_trigger = level;
  struct venue_ref ref;
  ref_of(w, inst, &ref);
  const struct venue_change ch = {.qty = qty ? lots_of(inst, o->qty.lots) : NO_DECIMAL, .limit = limit ? price_of(inst, o->limit) : NO_DECIMAL,
                                  .trigger = trigger ? price_of(inst, level) : NO_DECIMAL};
  c->remote->port.amend(c->remote->port.self, c->bot_id, w->id, w->route.changes, &ref, &ch);
}

// Where the venue does not keep exits to what is held – spot, and symbols that several bots of the account trade – one whose entry was closed by
// another order would sell what is not the bot's, and sets aside coins that its other exits need. It ends, or shrinks, with its entry. True: imposed.
static bool outlives(struct clerk *c, const struct order *o) {
  const struct matcher *m = c->blotter.matcher;
  const uint64_t id = o->id;
  const int64_t left = order_left(o).lots, lots = o->parent && !kept_there(c, o) ? matcher_entry_lots(m, o->parent) : left;
  if (lots >= left || o->status == ORDER_PENDING_CANCEL || o->status == ORDER_UNKNOWN) return false;
  struct bot_command less = {.kind = lots == 0 ? COMMAND_CANCEL : COMMAND_MODIFY, .id = id, .why = lots == 0 ? REASON_PARENT : REASON_NONE};
  order_change_init(&less.change);
  if (lots > 0) less.change.qty.lots = o->filled.lots + lots;
  clerk_impose(c, &less);
  o = matcher_order(m, id);
  return !o || o->status == ORDER_PENDING_CANCEL || !order_alive(o) || order_left(o).lots < left;
}

// True: something was imposed, and the list of working orders may have moved.
static bool meet(struct clerk *c, const struct order *o, int64_t now_ns) {
  if (outlives(c, o)) return true;
  struct clerk_routed *w = clerk_routed_find(c, o->id);
  const struct clerk_port *port = &c->remote->port;
  if (!w && may_leave(c, o)) return (!port->places || port->places(port->self, c->bot_id)) && place(c, o);
  if (!w && o->status == ORDER_PENDING_CANCEL) {  // it never left
    clerk_impose(c, &(struct bot_command){.kind = COMMAND_VENUE, .id = o->id, .why = o->reason, .venue.status = ORDER_CANCELED});
    return true;
  }
  if (!w) return false;
  if (!route_live(w->route.state)) {  // over there, with less than is wished here: a change came too late
    if (route_missing(&w->route) > 0) return false;
    const bool again = (w->replacing || w->perhaps) && !clerk_wished_away(o);
    const enum reason why = again ? REASON_REPLACED : o->reason == REASON_NONE ? REASON_VENUE : o->reason;
    w->replacing = w->perhaps = false;
    clerk_impose(c, &(struct bot_command){.kind = COMMAND_VENUE, .id = o->id, .why = why, .venue.status = ORDER_CANCELED});
    if (again) clerk_replace(c, w);
    return true;
  }
  const size_t before = c->remote->imposed;
  if (clerk_wished_away(o)) cancel(c, w, o, now_ns);
  else amend(c, w, o, now_ns);
  return c->remote->imposed != before;
}

// ---- questions

static bool unknown(const struct clerk_routed *w) { return w->route.state == ROUTE_UNKNOWN || w->route.state == ROUTE_QUARANTINED; }

static void question(struct clerk *c, struct clerk_routed *w, enum unknown_step step) {
  struct venue_ref ref;
  const int64_t now_ns = c->remote->port.now_ns(c->remote->port.self);  // a restored one's bot may be ahead of the venue
  ref_of(w, inst_of(c, w->route.symbol), &ref);
  w->asking = true;
  c->remote->port.ask(c->remote->port.self, c->bot_id, w->id, step, &ref, w->route.sent_ns < now_ns ? w->route.sent_ns : now_ns);
}

static void absent(struct clerk *c, struct clerk_routed *w) {
  const struct order *o = matcher_order(c->blotter.matcher, w->id);
  const bool again = (w->replacing || w->perhaps) && o && order_alive(o) && !clerk_wished_away(o);
  const struct route_effect e = clerk_route_tell(c, w, ROUTE_EV_ABSENT, NULL);
  if (route_live(e.to)) return;
  w->replacing = w->perhaps = false;
  clerk_venue_says(c, w->id, e.to == ROUTE_DEAD ? ORDER_REJECTED : ORDER_CANCELED, REASON_ABSENT);
  if (again) clerk_replace(c, w);
  clerk_replace_waiting(c);
}

static void give_up(struct clerk *c, struct clerk_routed *w) {
  clerk_route_tell(c, w, ROUTE_EV_GIVE_UP, NULL);
  clerk_tell_intervened(c, REASON_VENUE, "the venue has not told what became of an order: it counts as executed, and waits for a person; questions go on");
}

// Whether it can be asked or not, and however long an answer takes. Returns when to look again.
static int64_t overdue(struct clerk *c, struct clerk_routed *w, int64_t now_ns) {
  int64_t at_ns = INT64_MAX;
  if (unknown(w) && unknown_overdue(&w->route.probe, now_ns, &at_ns)) give_up(c, w);
  return at_ns;
}

static int64_t ask(struct clerk *c, struct clerk_routed *w, int64_t now_ns) {
  if (w->asking) return overdue(c, w, now_ns);
  if (!unknown(w)) {
    if (route_missing(&w->route) == 0) return w->missing_ns = 0, INT64_MAX;
    if (w->missing_ns == 0) w->missing_ns = now_ns + GRACE_NS;
    if (now_ns < w->missing_ns) return w->missing_ns;
    w->missing_ns = now_ns + MISSING_NS;
    question(c, w, UNKNOWN_ASK_FILLS);
    return INT64_MAX;
  }
  int64_t at_ns;
  for (;;) {
    const enum unknown_step step = unknown_next(&w->route.probe, now_ns, &at_ns);
    if (step == UNKNOWN_WAIT) return at_ns;
    if (step == UNKNOWN_ABSENT) return absent(c, w), INT64_MAX;
    if (step != UNKNOWN_QUARANTINE) return question(c, w, step), INT64_MAX;
    give_up(c, w);
  }
}

int64_t clerk_remote_away(struct clerk *c) {
  const int64_t now_ns = c->remote->port.now_ns(c->remote->port.self);
  int64_t next_ns = INT64_MAX;
  for (size_t i = 0; i < c->remote->count; i++) {
    const int64_t at_ns = overdue(c, &c->remote->routes[i], now_ns);
    if (at_ns < next_ns) next_ns = at_ns;
  }
  return next_ns;
}

// ---- all of it

static void forget(struct clerk *c, int64_t now_ns) {
  struct clerk_remote *r = c->remote;
  size_t kept = 0;
  for (size_t i = 0; i < r->count; i++) {
    struct clerk_routed *w = &r->routes[i];
    const bool over = !route_live(w->route.state) && route_missing(&w->route) == 0 && !w->asking && !w->cancelling && !w->again;
    if (over && w->over_ns == 0) w->over_ns = now_ns;
    if (over && now_ns - w->over_ns > CLERK_ROUTE_KEPT_NS) continue;
    r->routes[kept++] = *w;
  }
  r->count = kept;
}

int64_t clerk_remote_sync(struct clerk *c) {
  assert(c->remote && !c->busy && !c->restoring);
  const int64_t now_ns = c->remote->port.now_ns(c->remote->port.self);
  const struct matcher *m = c->blotter.matcher;
  clerk_orders_sync(c);  // with what the routes say by now
  for (int symbol = 0; symbol < matcher_account(m)->symbol_count; symbol++) {
    size_t pos = 0;
    for (const struct order *o; (o = matcher_working(m, symbol, &pos));)
      if (meet(c, o, now_ns)) pos = 0;
  }
  int64_t next_ns = INT64_MAX;
  for (size_t i = 0; i < c->remote->count; i++) {
    struct clerk_routed *w = &c->remote->routes[i];
    const struct order *o = matcher_order(m, w->id);
    if (o && !order_alive(o) && route_live(w->route.state)) cancel(c, w, o, now_ns);  // it was taken for dead, and lives
    if (w->again) clerk_replace(c, w);
    const int64_t at_ns = ask(c, w, now_ns);
    if (at_ns < next_ns) next_ns = at_ns;
    if (!route_live(w->route.state)) continue;
    const int64_t waits[] = {w->cancel_ns, w->amend_ns, w->cancelled_ns ? w->cancelled_ns + OVERDUE_NS : 0};
    for (size_t k = 0; k < sizeof waits / sizeof *waits; k++)
      if (waits[k] > now_ns && waits[k] < next_ns) next_ns = waits[k];
  }
  forget(c, now_ns);
  return next_ns;
}

void clerk_remote_halt(struct clerk *c) {
  const struct matcher *m = c->blotter.matcher;
  const int64_t now_ns = c->remote->port.now_ns(c->remote->port.self);
  for (int symbol = 0; symbol < matcher_account(m)->symbol_count; symbol++) {
    size_t pos = 0;
    for (const struct order *o; (o = matcher_working(m, symbol, &pos));) {
      struct clerk_routed *w = clerk_routed_find(c, o->id);
      if (w && clerk_halted(c, o)) cancel(c, w, o, now_ns);
    }
  }
}

bool clerk_remote_left(struct clerk *c, size_t *pos, struct clerk_left *ret) {
  while (*pos < c->remote->count) {
    const struct clerk_routed *w = &c->remote->routes[(*pos)++];
    const struct order *o = matcher_order(c->blotter.matcher, w->id);
    if (!route_live(w->route.state) || (o && o->reduce)) continue;
    ref_of(w, inst_of(c, w->route.symbol), &ret->ref);
    ret->halt_venue = c->symbols[0].path.venue_id;
    ret->opens = !o || clerk_could_open(c, o);
    return true;
  }
  return false;
}

bool clerk_remote_idle(const struct clerk *c) {
  for (int i = 0; i < matcher_account(c->blotter.matcher)->symbol_count; i++) {
    size_t pos = 0;
    if (matcher_working(c->blotter.matcher, i, &pos)) return false;
  }
  for (size_t i = 0; i < c->remote->count; i++)
    if (route_live(c->remote->routes[i].route.state) || route_missing(&c->remote->routes[i].route) > 0) return false;
  return true;
}

size_t clerk_remote_unsent(struct clerk *c) {
  assert(c->remote && !c->busy && !c->restoring);
  const struct matcher *m = c->blotter.matcher;
  size_t refused = 0;
  for (int symbol = 0; symbol < matcher_account(m)->symbol_count; symbol++) {
    size_t pos = 0;
    for (const struct order *o; (o = matcher_working(m, symbol, &pos));) {
      const bool never = !clerk_routed_find(c, o->id) && (o->status == ORDER_SENT || o->status == ORDER_PENDING_CANCEL);
      if (!never || (o->reduce && o->status == ORDER_SENT)) continue;
      const enum order_status end = o->status == ORDER_SENT ? ORDER_REJECTED : ORDER_CANCELED;
      clerk_impose(c, &(struct bot_command){.kind = COMMAND_VENUE, .id = o->id, .why = o->reason == REASON_NONE ? REASON_VENUE : o->reason, .venue.status = end});
      pos = 0;  // the list has moved
      refused += end == ORDER_REJECTED;
    }
  }
  return refused;
}

// ---- for people

bool clerk_remote_unknown(const struct clerk *c, size_t *pos, struct clerk_route_view *ret) {
  while (c->remote && *pos < c->remote->count) {
    const struct clerk_routed *w = &c->remote->routes[(*pos)++];
    if (!unknown(w)) continue;
    *ret = (struct clerk_route_view){w->id, &w->route, w->venue_id};
    return true;
  }
  return false;
}

bool clerk_remote_decide_dead(struct clerk *c, uint64_t order) {
  struct clerk_routed *w = clerk_routed_find(c, order);
  if (!w || !unknown(w)) return false;
  absent(c, w);
  return true;
}

bool clerk_remote_ask_again(struct clerk *c, uint64_t order) {
  struct clerk_routed *w = clerk_routed_find(c, order);
  if (!w || !unknown(w)) return false;
  const struct unknown_probe was = w->route.probe;
  unknown_begin(&w->route.probe, was.lookups, was.expiry_ns, c->remote->port.now_ns(c->remote->port.self));
  w->asking = false;
  return true;
}

int64_t clerk_remote_lots(const struct clerk *c, const char *symbol) {
  int64_t lots = 0;
  for (int i = 0; i < c->symbol_count; i++)
    if (strcmp(c->symbols[i].gate.inst->symbol, symbol) == 0) lots += c->symbols[i].gate.lots;
  return lots;
}
