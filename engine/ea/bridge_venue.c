// ea/bridge_venue.c – sessions of a bridge: what owners ask, and what they are told.
#include "ea/bridge_impl.h"

#include "loop/clock.h"
#include "store/id.h"
#include "venue/remote_life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOKUPS (LOOKUP_ID | LOOKUP_OPEN | LOOKUP_FILLS)

// ---- life

void ea_session_event(struct ea_session *s, int event, const char *why) {
  enum venue_state to;
  const enum venue_state from = s->state;
  if (s->dead || !remote_life_next(from, (enum remote_event)event, &to)) return;
  s->state = to;
  snprintf(s->why, sizeof s->why, "%s", why);
  if (s->events->state) s->events->state(s->self, from, to, s->why);
}

// NULL: nothing is against it.
static const char *refused_why(const struct ea_bridge *b, const struct ea_session *s) {
  if (b->hello.real && !b->real_allowed) return "the terminal's account is real, and the account's environment is not live";
  if (b->currency[0] && strcmp(b->currency, b->hello.currency) != 0) return "the terminal's account is in another currency than its settings say";
  if (!b->trading && !s->wish.read_only) return "experts may not trade in the terminal, or the broker does not let the account trade";
  return NULL;
}

void ea_sessions_heard(struct ea_bridge *b, uint64_t turn) {
  for (struct ea_session *s = b->sessions; s; s = s->next) {
    if (s->dead || turn < s->turn) continue;
    const char *why = refused_why(b, s);
    if (why) {
      ea_session_event(s, REMOTE_EVENT_REFUSED, why);
      snprintf(s->why, sizeof s->why, "%s", why);  // of one that was refused before, for something else
      continue;
    }
    ea_session_event(s, REMOTE_EVENT_BEGIN, "");
    ea_session_event(s, REMOTE_EVENT_LINKED, "");
  }
}

void ea_sessions_lost(struct ea_bridge *b) {
  for (struct ea_session *s = b->sessions; s; s = s->next) {
    s->turn = b->turn + 1;
    ea_session_event(s, REMOTE_EVENT_LOST, "the terminal has not been heard of for 15 seconds");
  }
}

// ---- what is told from the loop

static struct ea_verdict *verdict(struct ea_session *s, void *arg) {
  struct ea_verdict *v = calloc(1, sizeof *v);
  if (!v) abort();  // an answer that is owed cannot be told otherwise; memory of this size runs out with all else
  v->session = s, v->arg = arg;
  v->reply.asked_ns = ea_now_ns(s->bridge);
  *s->bridge->last_verdict = v;
  s->bridge->last_verdict = &v->next;
  ea_soon(s->bridge);
  return v;
}

void ea_verdict_reply(struct ea_bridge *b, struct ea_session *s, venue_reply_fn fn, void *arg, const struct venue_reply *reply) {
  (void)b;
  struct ea_verdict *v = verdict(s, arg);
  v->reply_fn = fn;
  v->reply = *reply;
}

void ea_verdicts_tell(struct ea_bridge *b) {
  while (b->verdicts) {
    struct ea_verdict *v = b->verdicts;
    b->verdicts = v->next;
    if (!b->verdicts) b->last_verdict = &b->verdicts;
    const bool heard = !v->session->dead;
    if (heard && v->reply_fn) v->reply_fn(v->arg, &v->reply);
    if (heard && v->orders_fn) v->orders_fn(v->arg, &v->reply, NULL, 0);
    if (heard && v->key_fn) {
      // It cannot withdraw: a terminal has no such thing.
      const struct venue_key key = {.known = true, .read = true, .trade = b->trading};
      v->key_fn(v->arg, &v->reply, &key);
    }
    free(v);
  }
}

static void no(struct ea_session *s, venue_reply_fn done, void *arg, enum venue_outcome outcome, enum venue_why why, const char *text) {
  struct venue_reply r = {.outcome = outcome, .why = why, .asked_ns = ea_now_ns(s->bridge)};
  snprintf(r.text, sizeof r.text, "%s", text);
  ea_verdict_reply(s->bridge, s, done, arg, &r);
}

// ---- commands

static struct venue_caps ops_caps(void *self) {
  const struct ea_session *s = self;
  // Volumes of orders cannot be changed in MetaTrader: what is to change is cancelled and placed anew.
  return (struct venue_caps){.lookups = LOOKUPS, .positions = true, .stops = true, .reduce_only = true, .expiry_ms = s->bridge->o.lease_ms};
}
static enum venue_state ops_state(void *self, const char **ret_why) {
  const struct ea_session *s = self;
  if (ret_why) *ret_why = s->why;
  return s->state;
}
static int64_t ops_now_ns(void *self) { return ea_now_ns(((struct ea_session *)self)->bridge); }

static int32_t magic_of(const char *client, int64_t account_id) {
  struct client_id id;
  const uint64_t of = client_id_parse(client, strlen(client), &id) ? id.bot : (uint64_t)account_id;
  const int32_t magic = (int32_t)((of * UINT64_C(0x9e3779b97f4a7c15)) >> 33);
  return magic ? magic : 1;
}

// Room for another command; NULL: no memory, and the reply is on its way.
static struct ea_work *work_new(struct ea_session *s, venue_reply_fn done, void *arg) {
  struct ea_bridge *b = s->bridge;
  struct ea_work *w = calloc(1, sizeof *w), **at = &b->works;
  if (!w) {
    no(s, done, arg, VENUE_NOT_SENT, VENUE_WHY_OTHER, "no memory for a command");
    return NULL;
  }
  while (*at) at = &(*at)->next;
  *w = (struct ea_work){.session = s, .done = done, .arg = arg, .asked_ns = ea_now_ns(b), .due_ns = ea_mono_ns(b) + EA_QUEUE_NS};
  *at = w;
  ea_soon(b);
  return w;
}

// NULL: it can be asked for as it is; else why not.
static const char *place_wrong(const struct ea_bridge *b, const struct venue_place *p, struct ea_command *c, enum venue_why *ret_why) {
  const struct ea_symbol *s = ea_symbol_of(b, p->symbol);
  int64_t n, low, high, most;
  *ret_why = VENUE_WHY_UNSUPPORTED;
  if (!s) return "the terminal does not have the symbol";
  if (p->leg != LEG_NET) return "positions of the bridge are net";
  if (p->post) return "there are no post-only orders in MetaTrader";
  if (p->type > ORDER_STOP_LIMIT || (p->type == ORDER_STOP_LIMIT && strcmp(b->hello.platform, "mt4") == 0)) return "the terminal has no such type of order";
  if (p->tif != TIF_GTC && p->type != ORDER_MARKET) return "a resting order of MetaTrader cannot be IOC or FOK";
  if (strcmp(s->profit, b->hello.currency) != 0) return "the symbol's profits are not in the account's currency";
  *ret_why = VENUE_WHY_CLOSED;
  if (!s->trading) return "the symbol is not traded now";
  *ret_why = VENUE_WHY_QUANTITY;
  if (!ea_volume(s, p->qty, &c->volume)) return "the quantity is no whole number of the symbol's volume steps";
  if (!ea_on_grid(c->volume, s->volume_step, &n) || !ea_on_grid(s->volume_min, s->volume_step, &low) || !ea_on_grid(s->volume_max, s->volume_step, &high)) return "the symbol's volumes do not fit its step";
  if (n < low || n > high) return "the volume is below the symbol's least, or above its greatest";
  *ret_why = VENUE_WHY_PRICE;
  c->price = p->limit, c->trigger = p->trigger;
  const bool limited = p->type == ORDER_LIMIT || p->type == ORDER_STOP_LIMIT, triggered = p->type == ORDER_STOP || p->type == ORDER_STOP_LIMIT;
  if (limited && (!ea_on_grid(p->limit, s->tick, &most) || most <= 0)) return "the price is no multiple of the symbol's tick";
  if (triggered && (!ea_on_grid(p->trigger, s->tick, &most) || most <= 0)) return "the trigger is no multiple of the symbol's tick";
  return NULL;
}

static void ops_place(void *self, const struct venue_place *p, venue_reply_fn done, void *arg) {
  struct ea_session *s = self;
  struct ea_bridge *b = s->bridge;
  struct ea_command c = {.magic = magic_of(p->client_id, b->o.account_id), .side = p->side, .type = p->type, .reduce = p->reduce, .price = NO_DECIMAL, .trigger = NO_DECIMAL};
  enum venue_why why;
  if (!b->up || (s->state != VENUE_STATE_READY && s->state != VENUE_STATE_RECONCILING)) {
    no(s, done, arg, VENUE_NOT_SENT, VENUE_WHY_CLOSED, "the terminal is not connected");
    return;
  }
  const char *wrong = place_wrong(b, p, &c, &why);
  if (wrong) {
    no(s, done, arg, VENUE_REFUSED, why, wrong);
    return;
  }
  // One name is one command: a second with it is about the first one's order.
  for (const struct ea_work *w = b->works; w; w = w->next)
    if (!w->command.cancel && strcmp(w->command.client, p->client_id) == 0) {
      no(s, done, arg, VENUE_UNKNOWN, VENUE_WHY_DUPLICATE, "a command of this name was asked for before");
      return;
    }
  struct ea_work *w = work_new(s, done, arg);
  if (!w) return;
  memcpy(c.client, p->client_id, sizeof c.client);
  memcpy(c.symbol, p->symbol, sizeof c.symbol);
  snprintf(c.id, sizeof c.id, "%s", p->client_id);
  w->command = c;
}

static void ops_cancel(void *self, const struct venue_ref *ref, venue_reply_fn done, void *arg) {
  struct ea_session *s = self;
  if (!s->bridge->up) {
    no(s, done, arg, VENUE_NOT_SENT, VENUE_WHY_CLOSED, "the terminal is not connected");
    return;
  }
  struct ea_work *w = work_new(s, done, arg);
  if (!w) return;
  char id[ID_TEXT_SIZE];
  id_format("eac", id_next(clock_wall_ns()), id);
  w->command = (struct ea_command){.cancel = true, .magic = magic_of(ref->client_id, s->bridge->o.account_id), .volume = NO_DECIMAL, .price = NO_DECIMAL, .trigger = NO_DECIMAL};
  memcpy(w->command.id, id, sizeof id);
  memcpy(w->command.client, ref->client_id, sizeof w->command.client);
  memcpy(w->command.symbol, ref->symbol, sizeof w->command.symbol);
  if (strlen(ref->venue_id) < sizeof w->command.ticket) snprintf(w->command.ticket, sizeof w->command.ticket, "%.*s", (int)sizeof w->command.ticket - 1, ref->venue_id);
}

static void ops_amend(void *self, const struct venue_ref *ref, const struct venue_change *c, venue_reply_fn done, void *arg) {
  (void)ref, (void)c;
  no(self, done, arg, VENUE_REFUSED, VENUE_WHY_UNSUPPORTED, "orders are not changed there: cancel, and place another");
}
static void ops_cancel_all(void *self, const char *symbol, venue_reply_fn done, void *arg) {
  (void)symbol;
  no(self, done, arg, VENUE_REFUSED, VENUE_WHY_UNSUPPORTED, "each order is cancelled by itself");
}
static void ops_set_leverage(void *self, const char *symbol, struct decimal leverage, venue_reply_fn done, void *arg) {
  (void)symbol, (void)leverage;
  no(self, done, arg, VENUE_REFUSED, VENUE_WHY_UNSUPPORTED, "the leverage is the broker's");
}

// ---- questions

static struct ea_question *question(struct ea_session *s, enum ea_ask ask, const char *symbol, void *arg) {
  struct ea_bridge *b = s->bridge;
  struct ea_question *q = calloc(1, sizeof *q), **at = &b->questions;
  if (!q) abort();  // as verdict()
  while (*at) at = &(*at)->next;
  *q = (struct ea_question){.session = s, .ask = ask, .turn = b->turn + 1, .asked_ns = ea_now_ns(b), .due_ns = ea_mono_ns(b) + EA_QUESTION_NS, .arg = arg};
  snprintf(q->symbol, sizeof q->symbol, "%s", symbol ? symbol : "");
  *at = q;
  return q;
}

static void ops_order(void *self, const struct venue_ref *ref, venue_orders_fn done, void *arg) {
  struct ea_question *q = question(self, EA_ASK_ORDER, ref->symbol, arg);
  memcpy(q->client, ref->client_id, sizeof q->client);
  q->fn.orders = done;
}
static void ops_open_orders(void *self, const char *symbol, venue_orders_fn done, void *arg) { question(self, EA_ASK_OPEN, symbol, arg)->fn.orders = done; }
static void ops_fills(void *self, const char *symbol, int64_t since_ns, venue_fills_fn done, void *arg) {
  struct ea_question *q = question(self, EA_ASK_FILLS, symbol, arg);
  q->since_ms = since_ns > 0 ? since_ns / EA_MS : 0;
  q->fn.fills = done;
}
static void ops_positions(void *self, venue_positions_fn done, void *arg) { question(self, EA_ASK_POSITIONS, NULL, arg)->fn.positions = done; }
static void ops_balances(void *self, venue_balances_fn done, void *arg) { question(self, EA_ASK_BALANCES, NULL, arg)->fn.balances = done; }
static void ops_key(void *self, venue_key_fn done, void *arg) { verdict(self, arg)->key_fn = done; }

static void tell_open(struct ea_bridge *b, const struct ea_question *q, const struct venue_reply *reply, const struct ea_report *r) {
  struct venue_order *list = calloc(r->order_count + 1, sizeof *list);
  size_t n = 0;
  if (!list) abort();
  for (size_t i = 0; i < r->order_count; i++)
    if (r->orders[i].state == EA_ORDER_OPEN && (!q->symbol[0] || strcmp(q->symbol, r->orders[i].symbol) == 0)) ea_order_of(b, &r->orders[i], &list[n++]);
  q->fn.orders(q->arg, reply, list, n);
  free(list);
}

static void tell_fills(struct ea_bridge *b, const struct ea_question *q, const struct venue_reply *reply) {
  struct venue_fill *list = calloc(b->deals.count + 1, sizeof *list);
  size_t n = 0;
  if (!list) abort();
  for (size_t i = 0; i < b->deals.count; i++) {
    const struct ea_deal *d = ea_deals_get(&b->deals, i);
    if (d->time_ms < q->since_ms || (q->symbol[0] && strcmp(q->symbol, d->symbol) != 0)) continue;
    ea_fill_of(b, d, &list[n]);
    n += decimal_given(list[n].qty);
  }
  q->fn.fills(q->arg, reply, list, n);
  free(list);
}

static void tell_positions(struct ea_bridge *b, const struct ea_question *q, const struct venue_reply *reply, const struct ea_report *r) {
  struct venue_position *list = calloc(r->position_count + 1, sizeof *list);
  size_t n = 0;
  if (!list) abort();
  for (size_t i = 0; i < r->position_count; i++) {
    const struct ea_position *p = &r->positions[i];
    const struct ea_symbol *s = ea_symbol_of(b, p->symbol);
    struct venue_position *v = &list[n];
    *v = (struct venue_position){.leg = LEG_NET, .avg = p->price, .upnl = p->profit, .leverage = NO_DECIMAL, .liquidation_px = NO_DECIMAL};
    memcpy(v->symbol, p->symbol, sizeof p->symbol);
    if (!s || !ea_units(s, p->volume, &v->qty)) continue;
    v->qty.digits *= p->side;
    n++;
  }
  q->fn.positions(q->arg, reply, list, n);
  free(list);
}

static void tell_balance(const struct ea_bridge *b, const struct ea_question *q, const struct venue_reply *reply) {
  struct venue_balance one = {.total = b->account.balance, .free = b->account.free, .used = b->account.margin, .equity = b->account.equity};
  memcpy(one.asset, b->hello.currency, sizeof one.asset);
  q->fn.balances(q->arg, reply, &one, 1);
}

static void tell_nobody(const struct ea_question *q, const struct venue_reply *reply) {
  switch (q->ask) {
    case EA_ASK_ORDER:
    case EA_ASK_OPEN: q->fn.orders(q->arg, reply, NULL, 0); break;
    case EA_ASK_FILLS: q->fn.fills(q->arg, reply, NULL, 0); break;
    case EA_ASK_POSITIONS: q->fn.positions(q->arg, reply, NULL, 0); break;
    case EA_ASK_BALANCES: q->fn.balances(q->arg, reply, NULL, 0); break;
  }
}

static const struct ea_order *told_of(const struct ea_report *r, const char *client) {
  for (size_t i = 0; i < r->told_count; i++)
    if (strcmp(r->told[i].client, client) == 0) return &r->told[i];
  return NULL;
}

// True: it was answered.
static bool answer(struct ea_bridge *b, const struct ea_question *q, const struct ea_report *r) {
  struct venue_reply reply = {.outcome = VENUE_ACCEPTED, .asked_ns = q->asked_ns};
  if (!r || r->turn < q->turn) return false;
  const struct ea_order *o;
  switch (q->ask) {
    case EA_ASK_ORDER:
      o = told_of(r, q->client);
      if (!o || o->state == EA_ORDER_UNSURE) return false;
      if (o->state == EA_ORDER_ABSENT) {
        reply.outcome = VENUE_REFUSED, reply.why = VENUE_WHY_NOT_FOUND;
        q->fn.orders(q->arg, &reply, NULL, 0);
      } else {
        struct venue_order v;
        ea_order_of(b, o, &v);
        q->fn.orders(q->arg, &reply, &v, 1);
      }
      return true;
    case EA_ASK_OPEN: return tell_open(b, q, &reply, r), true;
    case EA_ASK_FILLS:
      if (r->more || b->deals.from_ms > q->since_ms) return false;
      return tell_fills(b, q, &reply), true;
    case EA_ASK_POSITIONS: return tell_positions(b, q, &reply, r), true;
    case EA_ASK_BALANCES: return tell_balance(b, q, &reply), true;
  }
  return false;
}

void ea_questions_answer(struct ea_bridge *b, const struct ea_report *r) {
  const int64_t mono_ns = ea_mono_ns(b);
  // Owners ask anew while they are told: those stand at the end, and are of a later turn.
  for (struct ea_question **at = &b->questions, *q; (q = *at);) {
    bool over = q->session->dead;
    if (!over) over = answer(b, q, r);
    if (!over && mono_ns >= q->due_ns) {
      struct venue_reply late = {.outcome = VENUE_UNKNOWN, .why = VENUE_WHY_OTHER, .asked_ns = q->asked_ns};
      snprintf(late.text, sizeof late.text, "the terminal did not answer in time");
      tell_nobody(q, &late);
      over = true;
    }
    if (!over) {
      at = &q->next;
      continue;
    }
    *at = q->next;
    free(q);
  }
}

// ---- owners

static bool ops_reconciled(void *self) {
  struct ea_session *s = self;
  ea_session_event(s, REMOTE_EVENT_RECONCILED, "");
  return s->state == VENUE_STATE_READY;
}
static void ops_brace(void *self, unsigned orders) { (void)self, (void)orders; }
static void ops_ahead(void *self, const struct venue_place *p) { (void)self, (void)p; }

static void ops_destroy(void *self) {
  struct ea_session *s = self;
  struct ea_bridge *b = s->bridge;
  for (struct ea_work *w = b->works; w; w = w->next)
    if (w->session == s) {
      w->done = NULL;
      if (w->state == EA_LEASE_QUEUED) ea_work_move(b, w, EA_EV_LATE, NULL);
      w->session = NULL;
    }
  s->dead = true;  // freed when nobody is in the middle of telling it
  ea_soon(b);
}

static const struct venue_ops ops = {.caps = ops_caps, .state = ops_state, .now_ns = ops_now_ns, .place = ops_place, .amend = ops_amend, .cancel = ops_cancel, .cancel_all = ops_cancel_all, .order = ops_order,
  .open_orders = ops_open_orders, .fills = ops_fills, .positions = ops_positions, .balances = ops_balances, .key = ops_key, .set_leverage = ops_set_leverage, .reconciled = ops_reconciled, .brace = ops_brace, .ahead = ops_ahead,
  .destroy = ops_destroy};

enum status ea_bridge_session(struct ea_bridge *b, const struct ea_session_wish *wish, const struct venue_events *events, void *to, struct venue *ret, struct err *err) {
  struct ea_session *s = calloc(1, sizeof *s), **at = &b->sessions;
  if (!s) return err_set(err, ERR_NOMEM, "no memory for a session");
  *s = (struct ea_session){.bridge = b, .events = events, .self = to, .wish = *wish, .state = VENUE_STATE_DOWN, .turn = b->turn + 1, .why = "the terminal has not been heard of yet"};
  while (*at) at = &(*at)->next;
  *at = s;
  *ret = (struct venue){&ops, s};
  return OK;
}
