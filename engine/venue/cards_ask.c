// venue/cards_ask.c – questions of cards and what they do often.
#include "venue/cards_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MS 90000  // beyond all that a session tries by itself
#define THROTTLED_MS 400
#define TRIES 8
#define SAID_MAX 256

// ---- answers

static void keep(struct cards *c, const struct venue_reply *r, void *at, const void *list, size_t count, size_t size) {
  void **to = at;
  free(*to);
  *to = calloc(count + 1, size);
  if (!*to) abort();
  if (count > 0) memcpy(*to, list, count * size);
  c->count = count;
  c->reply = *r;
  c->answered = true;
}

void cards_on_reply(void *arg, const struct venue_reply *r) {
  struct cards *c = arg;
  c->reply = *r;
  c->answered = true;
}
static void on_orders(void *arg, const struct venue_reply *r, const struct venue_order *list, size_t count) {
  keep(arg, r, &((struct cards *)arg)->orders, list, count, sizeof *list);
}
static void on_fills(void *arg, const struct venue_reply *r, const struct venue_fill *list, size_t count) {
  keep(arg, r, &((struct cards *)arg)->fills, list, count, sizeof *list);
}
static void on_positions(void *arg, const struct venue_reply *r, const struct venue_position *list, size_t count) {
  keep(arg, r, &((struct cards *)arg)->positions, list, count, sizeof *list);
}
static void on_balances(void *arg, const struct venue_reply *r, const struct venue_balance *list, size_t count) {
  keep(arg, r, &((struct cards *)arg)->balances, list, count, sizeof *list);
}
void cards_on_klines(void *arg, const struct venue_reply *r, const struct venue_kline *list, size_t count) {
  keep(arg, r, &((struct cards *)arg)->klines, list, count, sizeof *list);
}

static void begin(struct cards *c) {
  c->answered = false;
  c->count = 0;
  c->reply = (struct venue_reply){.outcome = VENUE_UNKNOWN, .text = "no answer at all"};
}

// A question that never ends is a fault of the session's: nothing is safe after it.
bool cards_answer(struct cards *c) {
  if (cards_wait(c, &c->answered, ANSWER_MS)) return true;
  c->stopped = true;
  return false;
}

bool cards_ask(struct cards *c, void (*ask)(struct cards *c)) {
  begin(c);
  ask(c);
  return cards_answer(c);
}

void cards_ask_balances(struct cards *c) {
  c->venue.ops->balances(c->venue.self, on_balances, c);
}

const char *cards_said(const struct cards *c) {
  static const char *const outcomes[] = {"accepted", "refused", "unknown", "not sent"};
  static char text[SAID_MAX];
  snprintf(text, sizeof text, "%s (%s) %s", outcomes[c->reply.outcome], venue_why_text(c->reply.why), c->reply.text);
  return text;
}

// ---- orders

struct venue_place cards_order(struct cards *c, enum side side, enum order_type type, int64_t lots, struct decimal limit) {
  struct venue_place p = {.side = side, .leg = LEG_NET, .type = type, .tif = type == ORDER_MARKET ? TIF_IOC : TIF_GTC, .qty = cards_qty(c, lots), .limit = limit,
    .trigger = NO_DECIMAL};
  snprintf(p.client_id, sizeof p.client_id, "C%" PRIX64 "N%02dN%03d", (uint64_t)c->run_ms, c->card, ++c->named % 1000);
  snprintf(p.symbol, sizeof p.symbol, "%s", c->o->symbol);
  return p;
}

void cards_place_begin(struct cards *c, const struct venue_place *p) {
  begin(c);
  c->dirty = true;
  c->venue.ops->place(c->venue.self, p, cards_on_reply, c);
}

enum venue_outcome cards_place(struct cards *c, const struct venue_place *p) {
  cards_place_begin(c, p);
  cards_answer(c);
  return c->reply.outcome;
}

void cards_cancel_begin(struct cards *c, const struct venue_ref *ref) {
  begin(c);
  c->venue.ops->cancel(c->venue.self, ref, cards_on_reply, c);
}

// Refused for the rate is definite: it may be asked again.
enum venue_outcome cards_cancel(struct cards *c, const struct venue_ref *ref) {
  for (int i = 0; i < TRIES; i++) {
    if (i > 0) cards_pause(c, THROTTLED_MS);
    cards_cancel_begin(c, ref);
    cards_answer(c);
    if (c->reply.why != VENUE_WHY_THROTTLED) break;
  }
  return c->reply.outcome;
}

enum cards_found cards_find(struct cards *c, const char *client_id, struct venue_order *ret) {
  struct venue_ref ref = {{0}, {0}, {0}};
  snprintf(ref.client_id, sizeof ref.client_id, "%s", client_id);
  snprintf(ref.symbol, sizeof ref.symbol, "%s", c->o->symbol);
  begin(c);
  c->venue.ops->order(c->venue.self, &ref, on_orders, c);
  if (!cards_answer(c)) return CARDS_SILENT;
  if (c->reply.outcome == VENUE_REFUSED && c->reply.why == VENUE_WHY_NOT_FOUND) return CARDS_ABSENT;  // as the engine understands it (bot/live_ask)
  if (c->reply.outcome != VENUE_ACCEPTED) return CARDS_SILENT;
  if (c->count == 0) return CARDS_ABSENT;
  *ret = c->orders[0];
  return CARDS_FOUND;
}

static bool open_orders(struct cards *c) {
  begin(c);
  c->venue.ops->open_orders(c->venue.self, c->o->symbol, on_orders, c);
  return cards_answer(c) && c->reply.outcome == VENUE_ACCEPTED;
}

int cards_open_count(struct cards *c, const char *client_id) {
  int count = 0;
  if (!open_orders(c)) return -1;
  for (size_t i = 0; i < c->count; i++) count += !client_id || strcmp(c->orders[i].ref.client_id, client_id) == 0;
  return count;
}

int cards_guards(struct cards *c) {
  int count = 0;
  if (!open_orders(c)) return -1;
  for (size_t i = 0; i < c->count; i++) count += c->orders[i].ref.attached && c->orders[i].ref.waits;
  return count;
}

bool cards_fills(struct cards *c, int64_t since_ns) {
  begin(c);
  c->venue.ops->fills(c->venue.self, c->o->symbol, since_ns, on_fills, c);
  return cards_answer(c) && c->reply.outcome == VENUE_ACCEPTED;
}

bool cards_held(struct cards *c, int64_t *ret_lots) {
  *ret_lots = 0;
  if (!c->venue.ops->caps(c->venue.self).positions) return *ret_lots = c->spot_lots, true;
  begin(c);
  c->venue.ops->positions(c->venue.self, on_positions, c);
  if (!cards_answer(c) || c->reply.outcome != VENUE_ACCEPTED) return cards_no(c, "positions: %s", cards_said(c));
  for (size_t i = 0; i < c->count; i++) {
    int64_t lots = 0;
    if (strcmp(c->positions[i].symbol, c->o->symbol) != 0) continue;
    if (!cards_lots(c, c->positions[i].qty, &lots)) return cards_no(c, "a position that is no number of lots");
    *ret_lots += lots;
  }
  return true;
}

// ---- what cards do often

bool cards_rest(struct cards *c, struct venue_place *ret) {
  struct venue_order found;
  *ret = cards_order(c, SIDE_BUY, ORDER_LIMIT, c->lots, cards_at(c, -500));
  if (cards_place(c, ret) != VENUE_ACCEPTED) return cards_no(c, "a limit order 5 %% below the price: %s", cards_said(c));
  if (cards_find(c, ret->client_id, &found) != CARDS_FOUND) return cards_no(c, "an accepted order is not found by its client id: %s", cards_said(c));
  return found.state == VENUE_ORDER_OPEN || cards_no(c, "a limit order 5 %% below the price does not rest");
}

// Lots that a fee in the base currency has eaten, rounded up.
static int64_t fee_lots(const struct cards *c, const struct venue_fill *list, size_t count, const char *client_id) {
  int64_t sum = 0, fee, lot;
  for (size_t i = 0; i < count; i++) {
    const struct venue_fill *f = &list[i];
    if (strcmp(f->ref.client_id, client_id) != 0 || strcmp(f->fee_asset, c->inst.base) != 0 || !decimal_given(f->fee)) continue;
    const int scale = f->fee.scale > c->inst.lot.scale ? f->fee.scale : c->inst.lot.scale;
    if (decimal_rescale(f->fee, scale, &fee) && decimal_rescale(c->inst.lot, scale, &lot) && fee > 0) sum += (fee + lot - 1) / lot;
  }
  return sum;
}

void cards_bought(struct cards *c, const struct venue_fill *list, size_t count, const char *client_id) {
  int64_t lots;
  for (size_t i = 0; i < count; i++)
    if (strcmp(list[i].ref.client_id, client_id) == 0 && cards_lots(c, list[i].qty, &lots)) c->spot_lots += lots;
  c->spot_lots -= fee_lots(c, list, count, client_id);
}

bool cards_take(struct cards *c, enum side side, int64_t lots, struct venue_place *ret) {
  struct venue_place own, *p = ret ? ret : &own;
  const struct venue_caps caps = c->venue.ops->caps(c->venue.self);
  const bool market = !caps.market_by_quote;
  // Coins that fees have eaten cannot be sold.
  for (int i = 0; i < 3 && side == SIDE_SELL && !caps.positions && c->spot_lots < lots; i++)
    if (!cards_take(c, SIDE_BUY, lots, NULL)) return false;
  *p = cards_order(c, side, market ? ORDER_MARKET : ORDER_LIMIT, lots, market ? NO_DECIMAL : cards_at(c, side == SIDE_BUY ? 200 : -200));
  p->tif = TIF_IOC;
  if (cards_place(c, p) != VENUE_ACCEPTED) return cards_no(c, "a market order: %s", cards_said(c));
  const int64_t until_ms = loop_now_ms(c->o->loop) + CARD_HEAR_MS;
  int64_t heard;
  while ((heard = cards_heard_lots(c, p->client_id)) != lots && heard >= 0 && !c->stopped && loop_now_ms(c->o->loop) < until_ms) cards_pause(c, 5);
  if (heard < 0) return cards_no(c, "an execution without an id, or of no number of lots");
  c->spot_lots += (side == SIDE_BUY ? heard : -heard) - fee_lots(c, c->heard, c->heard_count, p->client_id);
  return heard == lots || cards_no(c, "the stream told of %" PRId64 " of %" PRId64 " lots of a market order within %d s", heard, lots, CARD_HEAR_MS / 1000);
}

bool cards_gone(struct cards *c, const char *client_id) {
  struct venue_order found;
  if (cards_find(c, client_id, &found) != CARDS_FOUND) return cards_no(c, "%s is not found: %s", client_id, cards_said(c));
  if (found.state == VENUE_ORDER_OPEN && cards_cancel(c, &found.ref) != VENUE_ACCEPTED) return cards_no(c, "cancel: %s", cards_said(c));
  return cards_told(c, client_id, VENUE_ORDER_CANCELED);
}

static bool own(const struct cards *c, const struct venue_order *o) {
  char begin_of[CLIENT_ID_SIZE];
  const int len = snprintf(begin_of, sizeof begin_of, "C%" PRIX64 "N", (uint64_t)c->run_ms);
  // What the venue made of one of the cards' orders has no name of ours; the account had nothing in the symbol before.
  return o->ref.attached || strncmp(o->ref.client_id, begin_of, (size_t)len) == 0;
}

// What is held is closed, whether or not the stream tells.
static bool closed(struct cards *c, int64_t held) {
  const struct venue_caps caps = c->venue.ops->caps(c->venue.self);
  const enum side side = held > 0 ? SIDE_SELL : SIDE_BUY;
  struct venue_place p = cards_order(c, side, caps.market_by_quote ? ORDER_LIMIT : ORDER_MARKET, held > 0 ? held : -held,
    caps.market_by_quote ? cards_at(c, side == SIDE_BUY ? 200 : -200) : NO_DECIMAL);
  p.tif = TIF_IOC;
  p.reduce = caps.reduce_only;
  if (cards_place(c, &p) != VENUE_ACCEPTED) return cards_no(c, "closing what is left: %s", cards_said(c));
  c->spot_lots = 0;
  for (int i = 0; i < 50; i++) {
    if (!cards_held(c, &held)) return false;
    if (held == 0) return true;
    cards_pause(c, 100);
  }
  return cards_no(c, "what the card bought is not closed");
}

bool cards_tidy(struct cards *c) {
  int64_t held;
  if (c->admin && !cards_fault(c, "")) return false;
  if (!c->dirty) return true;
  if (!cards_wait_state(c, VENUE_STATE_READY, CARD_LIVE_MS)) return cards_no(c, "the session is not ready any more");
  for (int i = 0; i < TRIES; i++) {
    struct venue_ref left = {{0}, {0}, {0}, false};
    if (!open_orders(c)) return cards_no(c, "open orders: %s", cards_said(c));
    for (size_t k = 0; k < c->count; k++)
      if (own(c, &c->orders[k])) left = c->orders[k].ref;
    if (left.symbol[0] == '\0') break;
    cards_cancel(c, &left);
  }
  if (!cards_held(c, &held)) return false;
  if (held != 0 && !closed(c, held)) return false;
  c->dirty = false;
  return true;
}
