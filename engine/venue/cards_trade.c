// venue/cards_trade.c – cards about what works: connecting, orders and what becomes of them. None needs a fault.
#include "venue/cards_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_OF_MS INT64_C(1000000)

bool card_connect(struct cards *c) {
  bool known;
  static const enum venue_state path[] = {VENUE_STATE_CONNECTING, VENUE_STATE_RECONCILING, VENUE_STATE_READY};
  if (!cards_connect(c)) return false;
  for (size_t i = 0; i < sizeof path / sizeof path[0]; i++)
    if ((c->states >> path[i] & 1) == 0) return cards_no(c, "the session never was %s", venue_state_text(path[i]));
  if (c->o->venue) return c->venue.ops->now_ns(c->venue.self) > 0 || cards_no(c, "the venue's clock is none");
  const int64_t now_ns = remote_site_now_ns(c->o->site, &known);
  if (!known && remote_site_info(c->o->site)->clock != DIALECT_CLOCK_NONE) return cards_no(c, "ready though the venue's clock is not known");
  return now_ns > 0 || cards_no(c, "the venue's clock is none");
}

bool card_market(struct cards *c) {
  char px[DECIMAL_TEXT_MAX], qty[DECIMAL_TEXT_MAX];
  if (!cards_market(c)) return false;
  if (!c->inst.trading) return cards_no(c, "%s is not traded now", c->o->symbol);
  for (size_t i = 0; i < c->count; i++) {
    const struct venue_kline *k = &c->klines[i];
    int64_t v[4];
    const struct decimal d[] = {k->low, k->open, k->close, k->high};
    for (int n = 0; n < 4; n++)
      if (!decimal_rescale(d[n], 8, &v[n]) || v[n] <= 0) return cards_no(c, "a candle's price is none or finer than 1e-8");
    if (v[0] > v[1] || v[0] > v[2] || v[3] < v[1] || v[3] < v[2]) return cards_no(c, "a candle whose low or high is none");
    if (i > 0 && k->open_ns <= c->klines[i - 1].open_ns) return cards_no(c, "candles do not rise in time");
  }
  decimal_format(c->px, px);
  decimal_format(cards_qty(c, c->lots), qty);
  return cards_remark(c, "price %s, least order %s, %zu candles", px, qty, c->count);
}

// ---- wrong credentials

struct stranger {
  unsigned states;
  int changes;
};
static void on_state(void *self, enum venue_state from, enum venue_state to, const char *why) {
  struct stranger *s = self;
  (void)from, (void)why;
  s->states |= 1u << to;
  s->changes++;
}

bool card_wrong_secret(struct cards *c) {
  static const struct venue_events events = {.state = on_state};
  struct stranger heard = {0};
  struct venue other;
  struct err err;
  char wrong[256];
  struct remote_session_options o = {.label = "cards, wrong secret", .credentials = c->o->credentials};
  snprintf(wrong, sizeof wrong, "x%s", o.credentials.secret ? o.credentials.secret : "");
  o.credentials.secret = wrong;
  if (remote_session_create(c->o->site, &o, &events, &heard, &other, &err) != OK) return cards_no(c, "%s", err.msg);
  const int64_t until_ms = loop_now_ms(c->o->loop) + CARD_LIVE_MS;
  while (other.ops->state(other.self, NULL) != VENUE_STATE_REFUSED && !c->stopped && loop_now_ms(c->o->loop) < until_ms) cards_pause(c, 10);
  const enum venue_state at = other.ops->state(other.self, NULL);
  const int changes = heard.changes;
  if (at == VENUE_STATE_REFUSED) cards_pause(c, 1000);
  const bool still = heard.changes == changes && other.ops->state(other.self, NULL) == VENUE_STATE_REFUSED;
  other.ops->destroy(other.self);
  if ((heard.states >> VENUE_STATE_READY & 1) != 0) return cards_no(c, "a wrong secret is taken");
  if (at != VENUE_STATE_REFUSED) return cards_no(c, "the session with a wrong secret is %s", venue_state_text(at));
  return still || cards_no(c, "the session with a wrong secret goes on trying");
}

// ---- orders

bool card_market_order(struct cards *c) {
  struct venue_place p;
  struct venue_order o;
  int64_t filled;
  if (!cards_take(c, SIDE_BUY, c->lots, &p)) return false;
  if (cards_find(c, p.client_id, &o) != CARDS_FOUND) return cards_no(c, "a filled order is not found by its client id: %s", cards_said(c));
  if (o.state != VENUE_ORDER_FILLED) return cards_no(c, "a filled order is not said to be filled");
  if (!cards_lots(c, o.filled, &filled) || filled != c->lots) return cards_no(c, "the order's filled quantity is not its executions'");
  if (!cards_told(c, p.client_id, VENUE_ORDER_FILLED)) return false;
  for (size_t i = 0; i < c->heard_count; i++) {
    const struct venue_fill *f = &c->heard[i];
    if (strcmp(f->ref.client_id, p.client_id) != 0) continue;
    if (f->side != SIDE_BUY || !decimal_given(f->px) || f->px.digits <= 0 || !decimal_given(f->fee) || f->time_ns <= 0)
      return cards_no(c, "execution %s lacks side, price, fee or time", f->trade_id);
  }
  return true;
}

bool card_limit_order(struct cards *c) {
  struct venue_place p;
  struct venue_order o;
  if (!cards_rest(c, &p)) return false;
  if (cards_open_count(c, p.client_id) != 1) return cards_no(c, "it is not among the open orders exactly once");
  if (!cards_told(c, p.client_id, VENUE_ORDER_OPEN) || !cards_gone(c, p.client_id)) return false;
  if (cards_find(c, p.client_id, &o) != CARDS_FOUND) return cards_no(c, "a cancelled order is not found any more: %s", cards_said(c));
  if (o.state != VENUE_ORDER_CANCELED) return cards_no(c, "a cancelled order is not said to be cancelled");
  if (cards_open_count(c, p.client_id) != 0) return cards_no(c, "a cancelled order is among the open orders");
  if (cards_cancel(c, &o.ref) != VENUE_REFUSED || (c->reply.why != VENUE_WHY_DONE && c->reply.why != VENUE_WHY_NOT_FOUND))
    return cards_no(c, "cancelled twice: %s", cards_said(c));
  return true;
}

// whys: bits of enum venue_why that are right for it; 0: any.
static bool refused(struct cards *c, const struct venue_place *p, unsigned whys, const char *what) {
  struct venue_order o;
  if (cards_place(c, p) != VENUE_REFUSED) return cards_no(c, "%s: %s", what, cards_said(c));
  if (whys != 0 && (whys >> c->reply.why & 1) == 0) return cards_no(c, "%s, refused for another reason: %s", what, cards_said(c));
  if (cards_find(c, p->client_id, &o) == CARDS_FOUND && o.state == VENUE_ORDER_OPEN) return cards_no(c, "%s: refused, and it rests", what);
  return true;
}

bool card_reject(struct cards *c) {
  const unsigned funds = 1u << VENUE_WHY_FUNDS | 1u << VENUE_WHY_LIMIT | 1u << VENUE_WHY_QUANTITY;
  struct venue_place p = cards_order(c, SIDE_BUY, ORDER_LIMIT, c->lots, cards_at(c, -500));
  int64_t most;
  p.qty = (struct decimal){c->inst.lot.digits, c->inst.lot.scale + 1};
  if (!refused(c, &p, 0, "a tenth of a lot")) return false;
  p = cards_order(c, SIDE_BUY, ORDER_LIMIT, c->lots, cards_at(c, 5000));
  // Only where it costs nothing should it be filled.
  if (c->admin && !refused(c, &p, 1u << VENUE_WHY_PRICE, "half as much again as the price")) return false;
  if (!cards_lots(c, c->inst.qty_max, &most) || most <= c->lots) return cards_remark(c, "no greatest quantity: missing funds were not tried");
  p = cards_order(c, SIDE_BUY, ORDER_LIMIT, most, cards_at(c, -500));
  return refused(c, &p, funds, "the greatest order there is");
}

bool card_duplicate(struct cards *c) {
  struct venue_place p;
  if (!cards_rest(c, &p)) return false;
  if (cards_place(c, &p) == VENUE_ACCEPTED) return cards_no(c, "the same client id is accepted twice");
  // Not a refusal: an order of that name exists, and its fate is what it is about.
  if (c->reply.outcome != VENUE_UNKNOWN || c->reply.why != VENUE_WHY_DUPLICATE) return cards_no(c, "the same client id again: %s", cards_said(c));
  const int open = cards_open_count(c, p.client_id);
  if (open != 1) return cards_no(c, "%d orders of one client id are open", open);
  return cards_gone(c, p.client_id);
}

static void ask_amend(struct cards *c) {
  const struct venue_change change = {.qty = cards_qty(c, 2 * c->lots), .limit = cards_at(c, -600), .trigger = NO_DECIMAL};
  const struct venue_ref ref = c->orders[0].ref;
  c->venue.ops->amend(c->venue.self, &ref, &change, cards_on_reply, c);
}

bool card_amend(struct cards *c) {
  struct venue_place p;
  struct venue_order o;
  int64_t lots, px, wanted;
  if (!cards_rest(c, &p)) return false;
  cards_ask(c, ask_amend);
  if (c->reply.outcome != VENUE_ACCEPTED) return cards_no(c, "amend: %s", cards_said(c));
  if (cards_find(c, p.client_id, &o) != CARDS_FOUND) return cards_no(c, "an amended order is not found: %s", cards_said(c));
  if (!cards_lots(c, o.qty, &lots) || lots != 2 * c->lots) return cards_no(c, "the quantity is not the new one");
  const bool same = decimal_given(o.limit) && decimal_rescale(o.limit, 8, &px) && decimal_rescale(cards_at(c, -600), 8, &wanted) && px == wanted;
  return same ? cards_gone(c, p.client_id) : cards_no(c, "the price is not the new one");
}

bool card_post_only(struct cards *c) {
  struct venue_place p = cards_order(c, SIDE_BUY, ORDER_LIMIT, c->lots, cards_at(c, 100));
  struct venue_order o;
  p.post = true;
  if (cards_place(c, &p) == VENUE_ACCEPTED) {  // many venues take it and cancel it
    int i = 0;
    do cards_pause(c, i > 0 ? 100 : 0);
    while (cards_find(c, p.client_id, &o) == CARDS_FOUND && o.state == VENUE_ORDER_OPEN && ++i < 20);
    if (c->reply.outcome != VENUE_ACCEPTED) return cards_no(c, "it is not found: %s", cards_said(c));
    if (c->count > 0 && o.state == VENUE_ORDER_OPEN) return cards_no(c, "a post-only order 1 %% above the price rests");
    if (c->count > 0 && decimal_given(o.filled) && o.filled.digits != 0) return cards_no(c, "a post-only order took");
  } else if (c->reply.outcome != VENUE_REFUSED) {
    return cards_no(c, "a post-only order that would take: %s", cards_said(c));
  }
  if (cards_heard_lots(c, p.client_id) != 0) return cards_no(c, "a post-only order took");
  p = cards_order(c, SIDE_BUY, ORDER_LIMIT, c->lots, cards_at(c, -500));
  p.post = true;
  if (cards_place(c, &p) != VENUE_ACCEPTED) return cards_no(c, "a post-only order below the price: %s", cards_said(c));
  return cards_gone(c, p.client_id);
}

bool card_reduce_only(struct cards *c) {
  struct venue_place p = cards_order(c, SIDE_SELL, ORDER_MARKET, c->lots, NO_DECIMAL);
  int64_t held;
  p.reduce = true;
  if (cards_place(c, &p) != VENUE_REFUSED) return cards_no(c, "with nothing to reduce: %s", cards_said(c));
  if (c->reply.why != VENUE_WHY_REDUCE_ONLY) return cards_no(c, "with nothing to reduce, refused for another reason: %s", cards_said(c));
  if (!cards_take(c, SIDE_BUY, c->lots, NULL)) return false;
  p = cards_order(c, SIDE_SELL, ORDER_MARKET, 2 * c->lots, NO_DECIMAL);
  p.reduce = true;
  if (cards_place(c, &p) == VENUE_UNKNOWN) return cards_no(c, "twice what is held: %s", cards_said(c));
  for (int i = 0; i < 20 && cards_held(c, &held) && held > 0; i++) cards_pause(c, 50);
  if (!cards_held(c, &held)) return false;
  return held >= 0 || cards_no(c, "a reduce-only order turned the position round");
}

bool card_stop_order(struct cards *c) {
  struct venue_place p = cards_order(c, SIDE_BUY, ORDER_STOP_LIMIT, c->lots, cards_at(c, 510));
  struct venue_order o;
  p.trigger = cards_at(c, 500);
  p.trigger_rises = true;
  if (cards_place(c, &p) != VENUE_ACCEPTED) return cards_no(c, "a stop 5 %% above the price: %s", cards_said(c));
  if (cards_find(c, p.client_id, &o) != CARDS_FOUND) return cards_no(c, "it is not found by its client id: %s", cards_said(c));
  if (o.state != VENUE_ORDER_OPEN) return cards_no(c, "it does not wait");
  return cards_gone(c, p.client_id);
}

// Else a stop loss that came too late would guard nothing, and nobody would know.
bool card_late_stop(struct cards *c) {
  struct venue_place p = cards_order(c, SIDE_BUY, ORDER_STOP_LIMIT, c->lots, cards_at(c, -490));
  struct venue_order o = {.state = VENUE_ORDER_REJECTED};
  p.trigger = cards_at(c, -500);
  p.trigger_rises = true;
  const enum venue_outcome outcome = cards_place(c, &p);
  if (outcome == VENUE_REFUSED) return cards_remark(c, "refused");
  if (outcome != VENUE_ACCEPTED) return cards_no(c, "a stop 5 %% below the price, to buy when it rises to that: %s", cards_said(c));
  if (cards_find(c, p.client_id, &o) != CARDS_FOUND) return cards_no(c, "it is not found by its client id: %s", cards_said(c));
  if (o.state != VENUE_ORDER_OPEN || !o.ref.waits) return cards_remark(c, "its trigger was met at once");
  if (o.awaits != -1) return cards_no(c, "it waits, and nothing says that it waits for the price to fall");
  return cards_gone(c, p.client_id) && cards_remark(c, "taken, and told to wait for the price to fall");
}

bool card_ioc(struct cards *c) {
  static const enum order_tif tifs[] = {TIF_IOC, TIF_FOK};
  for (int i = 0; i < 2; i++) {
    struct venue_place p = cards_order(c, SIDE_BUY, ORDER_LIMIT, c->lots, cards_at(c, -500));
    struct venue_order o;
    p.tif = tifs[i];
    if (cards_place(c, &p) == VENUE_REFUSED) continue;  // told at once: as good
    if (c->reply.outcome != VENUE_ACCEPTED) return cards_no(c, "an %s order: %s", i == 0 ? "IOC" : "FOK", cards_said(c));
    for (int k = 0; k < 20 && cards_find(c, p.client_id, &o) == CARDS_FOUND && o.state == VENUE_ORDER_OPEN; k++) cards_pause(c, 50);
    if (c->reply.outcome != VENUE_ACCEPTED) return cards_no(c, "it is not found: %s", cards_said(c));
    if (c->count > 0 && o.state == VENUE_ORDER_OPEN) return cards_no(c, "an %s order rests", i == 0 ? "IOC" : "FOK");
    if (cards_heard_lots(c, p.client_id) != 0) return cards_no(c, "filled 5 %% below the price");
  }
  return true;
}

// ---- what the account has

static bool listed(const struct venue_fill *list, size_t count, const char *trade_id) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(list[i].trade_id, trade_id) == 0) return true;
  return false;
}

bool card_executions(struct cards *c) {
  struct venue_place p[2];
  const int64_t since_ns = c->venue.ops->now_ns(c->venue.self) - 1000 * NS_OF_MS;
  for (int i = 0; i < 2; i++)
    if (!cards_take(c, SIDE_BUY, c->lots, &p[i])) return false;
  for (int tries = 0;; tries++) {  // the list may be a moment late
    size_t ours = 0, heard = 0;
    const char *missing = NULL;
    if (!cards_fills(c, since_ns)) return cards_no(c, "executions: %s", cards_said(c));
    for (size_t i = 0; i < c->count; i++) {
      const struct venue_fill *f = &c->fills[i];
      if (strcmp(f->ref.client_id, p[0].client_id) != 0 && strcmp(f->ref.client_id, p[1].client_id) != 0) continue;
      ours++;
      if (listed(c->fills, i, f->trade_id)) return cards_no(c, "execution %s is listed twice", f->trade_id);
      if (!listed(c->heard, c->heard_count, f->trade_id)) return cards_no(c, "execution %s is listed, and the stream did not tell", f->trade_id);
    }
    for (size_t i = 0; i < c->heard_count; i++) {
      const struct venue_fill *f = &c->heard[i];
      if (strcmp(f->ref.client_id, p[0].client_id) != 0 && strcmp(f->ref.client_id, p[1].client_id) != 0) continue;
      if (listed(c->heard, i, f->trade_id)) return cards_no(c, "the stream told of execution %s twice", f->trade_id);
      heard++;
      if (!listed(c->fills, c->count, f->trade_id)) missing = f->trade_id;
    }
    if (!missing && ours == heard && ours >= 2) return cards_remark(c, "%zu executions", ours);
    if (tries == 20) return cards_no(c, "%zu executions listed, %zu told; %s is not listed", ours, heard, missing ? missing : "none");
    cards_pause(c, 100);
  }
}

bool card_balances(struct cards *c) {
  bool some = false;
  if (!cards_ask(c, cards_ask_balances) || c->reply.outcome != VENUE_ACCEPTED) return cards_no(c, "balances: %s", cards_said(c));
  for (size_t i = 0; i < c->count; i++) {
    if (!decimal_given(c->balances[i].total)) return cards_no(c, "a balance without a total");
    some |= c->balances[i].total.digits > 0 && c->balances[i].asset[0] != '\0';
  }
  return some || cards_no(c, "no balance above zero, though orders were filled");
}

bool card_positions(struct cards *c) {
  int64_t held;
  const int heard = c->heard_positions;
  if (!cards_take(c, SIDE_BUY, c->lots, NULL) || !cards_held(c, &held)) return false;
  if (held != c->lots) return cards_no(c, "%" PRId64 " lots are held after buying %" PRId64, held, c->lots);
  for (size_t i = 0; i < c->count; i++)
    if (strcmp(c->positions[i].symbol, c->o->symbol) == 0 && c->positions[i].qty.digits != 0 && !decimal_given(c->positions[i].avg))
      return cards_no(c, "a position without an average price");
  for (int i = 0; i < 50 && c->heard_positions == heard; i++) cards_pause(c, 20);
  const bool told = c->heard_positions > heard;
  if (!cards_take(c, SIDE_SELL, c->lots, NULL) || !cards_held(c, &held)) return false;
  if (held != 0) return cards_no(c, "%" PRId64 " lots are held after closing", held);
  return told || cards_remark(c, "the stream does not tell of positions; they are asked for");
}

static void ask_leverage(struct cards *c) {
  c->venue.ops->set_leverage(c->venue.self, c->o->symbol, (struct decimal){3, 0}, cards_on_reply, c);
}

bool card_leverage(struct cards *c) {
  for (int i = 0; i < 2; i++)
    if (!cards_ask(c, ask_leverage) || c->reply.outcome != VENUE_ACCEPTED) return cards_no(c, "leverage 3%s: %s", i > 0 ? " again" : "", cards_said(c));
  return cards_remark(c, "leverage of %s is 3 now", c->o->symbol);
}

static void ask_cancel_all(struct cards *c) {
  c->venue.ops->cancel_all(c->venue.self, c->o->symbol, cards_on_reply, c);
}

bool card_cancel_all(struct cards *c) {
  struct venue_place p[3];
  for (int i = 0; i < 3; i++)
    if (!cards_rest(c, &p[i])) return false;
  if (!cards_ask(c, ask_cancel_all) || c->reply.outcome != VENUE_ACCEPTED) return cards_no(c, "cancel all: %s", cards_said(c));
  for (int i = 0; i < 3; i++)
    if (!cards_told(c, p[i].client_id, VENUE_ORDER_CANCELED)) return false;
  return cards_open_count(c, NULL) == 0 || cards_no(c, "orders are open after cancelling all");
}

bool card_restart(struct cards *c) {
  struct venue_place p[2];
  for (int i = 0; i < 2; i++)
    if (!cards_rest(c, &p[i])) return false;
  cards_disconnect(c);
  c->hold = true;  // as an owner does: compared first, then ready
  if (!cards_connect(c)) return false;
  for (int i = 0; i < 2; i++)
    if (cards_open_count(c, p[i].client_id) != 1) return cards_no(c, "%s is not among the open orders exactly once", p[i].client_id);
  c->hold = false;
  if (!cards_wait_state(c, VENUE_STATE_READY, CARD_HEAR_MS)) return cards_no(c, "the new session is not ready");
  return cards_gone(c, p[0].client_id) && cards_gone(c, p[1].client_id);
}

// ---- both legs

static void ask_position_mode(struct cards *c) {
  c->venue.ops->set_position_mode(c->venue.self, c->o->symbol, c->hedge_wanted, cards_on_reply, c);
}

static bool set_hedge(struct cards *c, bool on) {
  c->hedge_wanted = on;
  return (cards_ask(c, ask_position_mode) && c->reply.outcome == VENUE_ACCEPTED) || cards_no(c, "position mode %s: %s", on ? "hedge" : "one-way", cards_said(c));
}

static bool take_leg(struct cards *c, enum side side, enum leg leg, bool reduce) {
  struct venue_place p = cards_order(c, side, ORDER_MARKET, c->lots, NO_DECIMAL);
  p.leg = leg;
  p.reduce = reduce;
  if (cards_place(c, &p) != VENUE_ACCEPTED) return cards_no(c, "a market order of the %s leg: %s", leg == LEG_LONG ? "long" : "short", cards_said(c));
  for (int i = 0; i < CARD_HEAR_MS / 20 && cards_heard_lots(c, p.client_id) != c->lots && !c->stopped; i++) cards_pause(c, 20);
  return cards_heard_lots(c, p.client_id) == c->lots || cards_no(c, "the executions of a leg are not told");
}

static bool legs_held(struct cards *c, int64_t *ret_long, int64_t *ret_short) {
  int64_t net;
  *ret_long = *ret_short = 0;
  if (!cards_held(c, &net)) return false;
  for (size_t i = 0; i < c->count; i++) {
    int64_t lots = 0;
    if (strcmp(c->positions[i].symbol, c->o->symbol) != 0 || !cards_lots(c, c->positions[i].qty, &lots) || lots == 0) continue;
    *(c->positions[i].leg == LEG_LONG ? ret_long : ret_short) += lots;
    if (c->positions[i].leg == LEG_NET) return cards_no(c, "a position in hedge mode is of no leg");
  }
  return true;
}

// What is there of the legs is closed, and the mode is as it was: whatever came of the card.
static bool unhedge(struct cards *c) {
  int64_t held[2];
  if (!legs_held(c, &held[0], &held[1])) return false;
  if (held[0] != 0 && !take_leg(c, SIDE_SELL, LEG_LONG, true)) return false;
  if (held[1] != 0 && !take_leg(c, SIDE_BUY, LEG_SHORT, true)) return false;
  return set_hedge(c, false);
}

bool card_hedge(struct cards *c) {
  char why[CARD_TEXT_MAX];
  int64_t held[2];
  if (!set_hedge(c, true)) return false;
  bool good = take_leg(c, SIDE_BUY, LEG_LONG, false) && take_leg(c, SIDE_SELL, LEG_SHORT, false) && legs_held(c, &held[0], &held[1]);
  if (good && (held[0] != c->lots || held[1] != -c->lots)) good = cards_no(c, "%" PRId64 " and %" PRId64 " lots are held of the legs, not %" PRId64 " of each", held[0], held[1], c->lots);
  snprintf(why, sizeof why, "%s", c->text);
  if (!unhedge(c)) return good ? false : cards_no(c, "%s", why);
  return good || cards_no(c, "%s", why);
}
