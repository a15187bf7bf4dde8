// venue/cards_fault.c – cards about what goes wrong: they need an exchange whose /admin makes it go wrong (`perigee exchange`).
#include "venue/cards_impl.h"

#include "order/unknown.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_OF_MS INT64_C(1000000)
#define LATE_MS 1500       // how long an order is not found
#define SKEW_MS 60000
#define SYNC_APART_MS 1200  // a session synchronises at most once a second
#define PROOF_NS (60 * INT64_C(1000000000))

// ---- filled in part, filled too late to cancel

bool card_partial(struct cards *c) {
  struct venue_place p = cards_order(c, SIDE_BUY, ORDER_LIMIT, 4 * c->lots, cards_at(c, 100));
  struct venue_order o = {.state = VENUE_ORDER_OPEN};
  int64_t filled;
  if (!cards_fault(c, "partial_cancel:on=order/create,count=1,value=50")) return false;
  if (cards_place(c, &p) != VENUE_ACCEPTED) return cards_no(c, "an order: %s", cards_said(c));
  for (int i = 0; i < 40 && (cards_find(c, p.client_id, &o) != CARDS_FOUND || o.state == VENUE_ORDER_OPEN); i++) cards_pause(c, 50);
  if (o.state != VENUE_ORDER_CANCELED) return cards_no(c, "an order filled in part and cancelled by the venue is not said to be cancelled");
  if (!cards_lots(c, o.filled, &filled) || filled <= 0 || filled >= 4 * c->lots) return cards_no(c, "it is not filled in part");
  if (!cards_told(c, p.client_id, VENUE_ORDER_CANCELED)) return false;
  const int64_t heard = cards_heard_lots(c, p.client_id);
  return heard == filled || cards_no(c, "the order says %" PRId64 " lots, its executions %" PRId64, filled, heard);
}

// A quarter of it is taken by somebody else while it rests.
bool card_resting(struct cards *c) {
  struct venue_place p = cards_order(c, SIDE_BUY, ORDER_LIMIT, 4 * c->lots, cards_at(c, -100));
  struct venue_order o = {.state = VENUE_ORDER_REJECTED};
  char qty[DECIMAL_TEXT_MAX];
  int64_t filled = 0, lots, listed = 0;
  bool maker = true;
  const int64_t since_ns = c->venue.ops->now_ns(c->venue.self) - 1000 * NS_OF_MS;
  if (cards_place(c, &p) != VENUE_ACCEPTED || !cards_told(c, p.client_id, VENUE_ORDER_OPEN)) return cards_no(c, "an order 1 %% below the price: %s", cards_said(c));
  decimal_format(cards_qty(c, c->lots), qty);
  const char *category = c->o->category ? c->o->category : remote_site_category(c->o->site);
  if (!cards_admin(c, "hit", json_pack("{s:s, s:s, s:s, s:s}", "category", category, "symbol", c->o->symbol, "side", "Sell", "qty", qty))) return false;
  for (int i = 0; i < CARD_HEAR_MS / 20 && cards_heard_lots(c, p.client_id) != c->lots && !c->stopped; i++) cards_pause(c, 20);
  if (cards_heard_lots(c, p.client_id) != c->lots) return cards_no(c, "the stream does not tell of the part that was filled");
  for (size_t i = 0; i < c->heard_count; i++) maker &= strcmp(c->heard[i].ref.client_id, p.client_id) != 0 || c->heard[i].maker;
  cards_bought(c, c->heard, c->heard_count, p.client_id);
  if (!maker) return cards_no(c, "an execution of an order that rested is not said to be a maker's");
  if (cards_find(c, p.client_id, &o) != CARDS_FOUND || o.state != VENUE_ORDER_OPEN) return cards_no(c, "filled in part, it is not found as open: %s", cards_said(c));
  if (!cards_lots(c, o.filled, &filled) || filled != c->lots) return cards_no(c, "the order does not say which part is filled");
  if (cards_open_count(c, p.client_id) != 1) return cards_no(c, "filled in part, it is not among the open orders");
  if (!cards_gone(c, p.client_id) || cards_find(c, p.client_id, &o) != CARDS_FOUND) return false;
  if (!cards_lots(c, o.filled, &filled) || filled != c->lots) return cards_no(c, "cancelled, it does not say which part was filled");
  if (!cards_fills(c, since_ns)) return cards_no(c, "executions: %s", cards_said(c));
  for (size_t i = 0; i < c->count; i++)
    if (strcmp(c->fills[i].ref.client_id, p.client_id) == 0 && cards_lots(c, c->fills[i].qty, &lots)) listed += lots;
  return listed == c->lots || cards_no(c, "%" PRId64 " lots are listed as executed, %" PRId64 " were", listed, c->lots);
}

bool card_cancel_race(struct cards *c) {
  struct venue_place p;
  struct venue_order o;
  int64_t filled;
  if (!cards_rest(c, &p) || cards_find(c, p.client_id, &o) != CARDS_FOUND) return cards_no(c, "a resting order: %s", cards_said(c));
  if (!cards_fault(c, "delay_before:on=order/cancel,count=1,value=400")) return false;
  cards_cancel_begin(c, &o.ref);
  cards_pause(c, 100);  // under way
  if (!cards_price(c, cards_at(c, -700))) return false;
  if (!cards_answer(c)) return cards_no(c, "the cancel is never answered");
  if (c->reply.outcome != VENUE_REFUSED || (c->reply.why != VENUE_WHY_DONE && c->reply.why != VENUE_WHY_NOT_FOUND))
    return cards_no(c, "a cancel that came too late: %s", cards_said(c));
  if (cards_find(c, p.client_id, &o) != CARDS_FOUND || o.state != VENUE_ORDER_FILLED) return cards_no(c, "the filled order is not found as filled");
  if (!cards_lots(c, o.filled, &filled) || filled != c->lots) return cards_no(c, "not all of it is filled");
  return cards_heard_lots(c, p.client_id) == filled || cards_no(c, "the stream's executions are not the order's");
}

bool card_trigger(struct cards *c) {
  struct venue_place p = cards_order(c, SIDE_BUY, ORDER_STOP, c->lots, NO_DECIMAL);
  struct venue_order o = {.state = VENUE_ORDER_OPEN};
  p.tif = TIF_GTC;
  p.trigger = cards_at(c, 300);
  p.trigger_rises = true;
  if (cards_place(c, &p) != VENUE_ACCEPTED) return cards_no(c, "a stop 3 %% above the price: %s", cards_said(c));
  if (cards_find(c, p.client_id, &o) != CARDS_FOUND || o.state != VENUE_ORDER_OPEN) return cards_no(c, "it does not wait: %s", cards_said(c));
  if (!cards_price(c, cards_at(c, 350)) || !cards_told(c, p.client_id, VENUE_ORDER_FILLED)) return false;
  for (int i = 0; i < 50 && cards_heard_lots(c, p.client_id) != c->lots; i++) cards_pause(c, 20);
  cards_bought(c, c->heard, c->heard_count, p.client_id);
  return cards_heard_lots(c, p.client_id) == c->lots || cards_no(c, "its executions are not told");
}

// ---- unknown outcomes

// An order whose fate is unknown, as `spec` makes it; if it exists, it rests where nobody fills it.
static bool lose(struct cards *c, const char *spec, struct venue_place *p) {
  *p = cards_order(c, SIDE_BUY, ORDER_LIMIT, c->lots, cards_at(c, -500));
  if (!cards_fault(c, spec)) return false;
  return cards_place(c, p) == VENUE_UNKNOWN || cards_no(c, "%s: %s", spec, cards_said(c));
}

bool card_lost_after(struct cards *c) {
  struct venue_place p;
  struct venue_order o;
  if (!lose(c, "drop_after:on=order/create,count=1", &p)) return false;
  if (cards_find(c, p.client_id, &o) != CARDS_FOUND || o.state != VENUE_ORDER_OPEN) return cards_no(c, "the order exists, and is not found: %s", cards_said(c));
  const int open = cards_open_count(c, p.client_id), truly = cards_ledger_orders(c, p.client_id), sent = cards_ledger_sent(c, p.client_id);
  if (open != 1 || truly != 1) return cards_no(c, "%d such orders are open, %d exist", open, truly);
  if (sent != 1) return cards_no(c, "it was sent %d times", sent);
  return cards_gone(c, p.client_id);
}

static enum unknown_answer answer(struct cards *c, enum unknown_step step, const struct venue_place *p, int64_t since_ns) {
  struct venue_order o;
  if (step == UNKNOWN_ASK_ID) {
    const enum cards_found found = cards_find(c, p->client_id, &o);
    return found == CARDS_FOUND ? ANSWER_FOUND : found == CARDS_ABSENT ? ANSWER_ABSENT : ANSWER_UNREACHABLE;
  }
  if (step == UNKNOWN_ASK_OPEN) {
    const int open = cards_open_count(c, p->client_id);
    return open < 0 ? ANSWER_UNREACHABLE : open > 0 ? ANSWER_FOUND : ANSWER_ABSENT;
  }
  if (!cards_fills(c, since_ns)) return ANSWER_UNREACHABLE;
  for (size_t i = 0; i < c->count; i++)
    if (strcmp(c->fills[i].ref.client_id, p->client_id) == 0) return ANSWER_FOUND;
  return ANSWER_ABSENT;
}

// Asks as the engine does (order/unknown.h) until the order is found or proven absent. quick: its clock leaps over the pauses.
static enum cards_found resolve(struct cards *c, const struct venue_place *p, int *ret_questions) {
  const struct venue_reply lost = c->reply;
  const struct venue *v = &c->venue;
  struct unknown_probe probe;
  int64_t ahead_ns = 0, at_ns;
  const int64_t begin_ns = v->ops->now_ns(v->self);
  *ret_questions = 0;
  unknown_begin(&probe, v->ops->caps(v->self).lookups, lost.expiry_ns, begin_ns);
  for (;;) {
    const int64_t now_ns = v->ops->now_ns(v->self) + ahead_ns;
    if (c->stopped || now_ns - begin_ns > PROOF_NS) return CARDS_SILENT;
    const enum unknown_step step = unknown_next(&probe, now_ns, &at_ns);
    if (step == UNKNOWN_ABSENT) return CARDS_ABSENT;
    if (step == UNKNOWN_QUARANTINE) return CARDS_SILENT;
    if (step == UNKNOWN_WAIT) {
      if (c->o->quick) ahead_ns += at_ns > now_ns ? at_ns - now_ns : NS_OF_MS;
      else cards_pause(c, 50);
      continue;
    }
    ++*ret_questions;
    const enum unknown_answer a = answer(c, step, p, lost.asked_ns - 1000 * NS_OF_MS);
    if (a == ANSWER_FOUND) return CARDS_FOUND;
    unknown_answered(&probe, step, a, v->ops->now_ns(v->self) + ahead_ns);
  }
}

bool card_lost_before(struct cards *c) {
  struct venue_place p;
  int questions;
  if (!lose(c, "drop_before:on=order/create,count=1", &p)) return false;
  const enum cards_found found = resolve(c, &p, &questions);
  if (found != CARDS_ABSENT) return cards_no(c, found == CARDS_FOUND ? "an order that never arrived is found" : "absence is not proven within 60 s");
  const int truly = cards_ledger_orders(c, p.client_id);
  if (truly != 0) return cards_no(c, "%d such orders exist", truly);
  return cards_remark(c, "%d questions%s", questions, c->o->quick ? ", without the pauses" : "");
}

bool card_found_late(struct cards *c) {
  struct venue_place p;
  struct venue_order o;
  int questions;
  char spec[160];
  snprintf(spec, sizeof spec, "drop_after:on=order/create,count=1; not_found:on=order/realtime,value=%d; not_found:on=order/history,value=%d", LATE_MS, LATE_MS);
  if (!lose(c, spec, &p)) return false;
  const struct venue_reply lost = c->reply;
  if (cards_find(c, p.client_id, &o) != CARDS_ABSENT) return cards_no(c, "the exchange was to hide it: %s", cards_said(c));
  if (c->o->quick) cards_pause(c, LATE_MS);
  c->reply = lost;
  if (resolve(c, &p, &questions) != CARDS_FOUND) return cards_no(c, "an order that is found late is not found, or believed absent");
  return cards_fault(c, "") && cards_gone(c, p.client_id);
}

bool card_half_answers(struct cards *c) {
  static const struct {
    const char *spec;
    bool exists;
  } list[] = {
    {"half_reply:on=order/create,count=1", true}, {"cut_reply:on=order/create,count=1,value=17", true}, {"cut_reply:on=order/create,count=1,value=0", true},
    {"error_after:on=order/create,count=1,value=502", true}, {"error_before:on=order/create,count=1,value=503", false},
    {"internal_after:on=order/create,count=1", true}, {"internal_before:on=order/create,count=1", false},
  };
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
    struct venue_place p;
    struct venue_order o;
    if (!lose(c, list[i].spec, &p)) return false;
    const enum cards_found found = cards_find(c, p.client_id, &o);
    if (found == CARDS_SILENT) return cards_no(c, "%s, and the question about it: %s", list[i].spec, cards_said(c));
    if ((found == CARDS_FOUND) != list[i].exists) return cards_no(c, "%s: the order %s", list[i].spec, found == CARDS_FOUND ? "exists though it had no effect" : "is not found");
    if (list[i].exists && !cards_gone(c, p.client_id)) return false;
  }
  return true;
}

bool card_throttled(struct cards *c) {
  struct venue_place p = cards_order(c, SIDE_BUY, ORDER_LIMIT, c->lots, cards_at(c, -500));
  if (!cards_fault(c, "throttle:on=order/create,count=1,value=300")) return false;
  if (cards_place(c, &p) != VENUE_REFUSED || c->reply.why != VENUE_WHY_THROTTLED) return cards_no(c, "an order beyond the rate: %s", cards_said(c));
  if (cards_ledger_orders(c, p.client_id) != 0) return cards_no(c, "it was executed though refused for the rate");
  return cards_rest(c, &p) && cards_gone(c, p.client_id);  // and later it goes on
}

// ---- the clock

static bool skew(struct cards *c, int64_t ms) {
  return cards_admin(c, "clock", json_pack("{s:I}", "skew_ms", (json_int_t)ms));
}

// Orders until one is taken; the first is refused for the clock, and the session synchronises by itself.
static bool mended(struct cards *c) {
  for (int i = 0; i < 20; i++) {
    struct venue_place p = cards_order(c, SIDE_BUY, ORDER_LIMIT, c->lots, cards_at(c, -500));
    if (cards_place(c, &p) == VENUE_ACCEPTED) {
      return (i > 0 || cards_no(c, "an order outside the window was taken")) && cards_gone(c, p.client_id);
    }
    if (c->reply.outcome != VENUE_REFUSED || c->reply.why != VENUE_WHY_CLOCK) return cards_no(c, "with a clock outside the window: %s", cards_said(c));
    cards_pause(c, 100);
  }
  return cards_no(c, "the clock is not mended within 2 s");
}

// A question is asked again by itself, by the new clock.
static bool asked_again(struct cards *c) {
  struct venue_place p;
  if (!cards_ask(c, cards_ask_balances) || c->reply.outcome != VENUE_ACCEPTED) return cards_no(c, "a question outside the window: %s", cards_said(c));
  return cards_rest(c, &p) && cards_gone(c, p.client_id);
}

bool card_clock(struct cards *c) {
  char why[CARD_TEXT_MAX];
  const int64_t before_ns = c->venue.ops->now_ns(c->venue.self);
  bool ok = skew(c, SKEW_MS) && mended(c);
  // The venue's clock is followed; what owners count by does not jump with it.
  if (ok && c->venue.ops->now_ns(c->venue.self) - before_ns > SKEW_MS / 2 * NS_OF_MS) ok = cards_no(c, "the time of orders has jumped with the venue's clock");
  snprintf(why, sizeof why, "%s", c->text);
  cards_pause(c, SYNC_APART_MS);
  if (!skew(c, 0)) return false;
  if (ok) return asked_again(c);
  for (int i = 0; i < 20 && cards_ask(c, cards_ask_balances) && c->reply.outcome != VENUE_ACCEPTED; i++) cards_pause(c, 100);  // the next card has the right clock
  return cards_no(c, "%s", why);
}

// ---- streams

bool card_reconnect(struct cards *c) {
  struct venue_place p = cards_order(c, SIDE_BUY, ORDER_LIMIT, c->lots, cards_at(c, -100));
  const int64_t since_ns = c->venue.ops->now_ns(c->venue.self) - 1000 * NS_OF_MS;
  if (cards_place(c, &p) != VENUE_ACCEPTED) return cards_no(c, "an order 1 %% below the price: %s", cards_said(c));
  c->states = 0;
  c->hold = true;
  if (!cards_admin(c, "disconnect", json_object()) || !cards_price(c, cards_at(c, -200))) return false;
  if (!cards_wait_state(c, VENUE_STATE_RECONCILING, CARD_LIVE_MS)) return cards_no(c, "after the streams were cut the session is not reconciling");
  if ((c->states >> VENUE_STATE_DOWN & 1) == 0) return cards_no(c, "the session did not notice that the streams were cut");
  struct venue_place more = cards_order(c, SIDE_BUY, ORDER_LIMIT, c->lots, cards_at(c, -500));
  if (cards_place(c, &more) != VENUE_NOT_SENT) return cards_no(c, "an order was sent while reconciling: %s", cards_said(c));
  if (!cards_fills(c, since_ns)) return cards_no(c, "executions: %s", cards_said(c));
  int64_t lots = 0, sum = 0;
  for (size_t i = 0; i < c->count; i++)
    if (strcmp(c->fills[i].ref.client_id, p.client_id) == 0 && cards_lots(c, c->fills[i].qty, &lots)) sum += lots;
  if (sum != c->lots) return cards_no(c, "the fill while the streams were cut is not among the executions");
  cards_bought(c, c->fills, c->count, p.client_id);
  c->hold = false;
  if (!cards_wait_state(c, VENUE_STATE_READY, CARD_HEAR_MS)) return cards_no(c, "the session is not ready again");
  return cards_take(c, SIDE_SELL, c->lots, NULL);  // the streams tell again
}

bool card_frames(struct cards *c) {
  struct venue_place p[4];
  int64_t lots;
  const int64_t since_ns = c->venue.ops->now_ns(c->venue.self) - 1000 * NS_OF_MS;
  if (!cards_fault(c, "ws_duplicate:p=0.5; ws_reorder:p=0.5")) return false;
  for (int i = 0; i < 4; i++)
    if (!cards_take(c, i % 2 == 0 ? SIDE_BUY : SIDE_SELL, c->lots, &p[i])) return false;
  if (!cards_fault(c, "") || !cards_take(c, SIDE_BUY, c->lots, NULL)) return false;  // what was held back comes
  if (!cards_fills(c, since_ns)) return cards_no(c, "executions: %s", cards_said(c));
  for (int i = 0; i < 4; i++) {
    int64_t sum = 0;
    for (size_t k = 0; k < c->count; k++)
      if (strcmp(c->fills[k].ref.client_id, p[i].client_id) == 0 && cards_lots(c, c->fills[k].qty, &lots)) sum += lots;
    if (sum != c->lots || cards_heard_lots(c, p[i].client_id) != sum)
      return cards_no(c, "executions of %s: %" PRId64 " lots listed, %" PRId64 " told, %" PRId64 " ordered", p[i].client_id, sum,
        cards_heard_lots(c, p[i].client_id), c->lots);
  }
  return true;
}

// ---- what the venue does by itself

// A fill of that kind on the stream and in the list.
static bool told_kind(struct cards *c, size_t from, int64_t since_ns, bool funding) {
  const struct venue_fill *f = NULL;
  const char *what = funding ? "funding" : "liquidation";
  for (int i = 0; i < 250 && !f; i++) {
    for (size_t k = from; k < c->heard_count && !f; k++)
      if ((funding ? c->heard[k].funding : c->heard[k].liquidation) && strcmp(c->heard[k].ref.symbol, c->o->symbol) == 0) f = &c->heard[k];
    if (!f) cards_pause(c, 20);
  }
  if (!f) return cards_no(c, "the stream does not tell of a %s", what);
  if (f->trade_id[0] == '\0' || !decimal_given(f->fee)) return cards_no(c, "a %s without id or amount", what);
  char id[VENUE_ID_MAX];
  memcpy(id, f->trade_id, sizeof id);
  if (!cards_fills(c, since_ns)) return cards_no(c, "executions: %s", cards_said(c));
  for (size_t i = 0; i < c->count; i++)
    if (strcmp(c->fills[i].trade_id, id) == 0 && (funding ? c->fills[i].funding : c->fills[i].liquidation)) return true;
  return cards_no(c, "the %s is not among the executions", what);
}

bool card_funding(struct cards *c) {
  const int64_t since_ns = c->venue.ops->now_ns(c->venue.self) - 1000 * NS_OF_MS;
  if (!cards_take(c, SIDE_BUY, c->lots, NULL)) return false;
  const size_t from = c->heard_count;
  if (!cards_admin(c, "funding", json_pack("{s:s, s:s}", "symbol", c->o->symbol, "rate", "0.001"))) return false;
  return told_kind(c, from, since_ns, true);
}

bool card_liquidation(struct cards *c) {
  int64_t held;
  const int64_t since_ns = c->venue.ops->now_ns(c->venue.self) - 1000 * NS_OF_MS;
  if (!cards_take(c, SIDE_BUY, c->lots, NULL)) return false;
  const size_t from = c->heard_count;
  if (!cards_admin(c, "liquidation", json_pack("{s:s, s:s}", "symbol", c->o->symbol, "key", c->o->credentials.key))) return false;
  if (!told_kind(c, from, since_ns, false) || !cards_held(c, &held)) return false;
  return held == 0 || cards_no(c, "%" PRId64 " lots are held after the liquidation", held);
}

// ---- rights

bool card_rights(struct cards *c) {
  char spec[96], key[48];
  struct venue other;
  struct err err;
  const char *why;
  static const struct venue_events none = {0};
  snprintf(key, sizeof key, "withdraws%" PRIX64, (uint64_t)c->run_ms);
  snprintf(spec, sizeof spec, "%s:secretofcards:withdraw", key);
  if (!cards_admin(c, "key", json_pack("{s:s}", "key", spec))) return false;
  const struct remote_session_options o = {.label = "cards, withdrawals", .credentials = {.key = key, .secret = "secretofcards"}};
  if (remote_session_create(c->o->site, &o, &none, NULL, &other, &err) != OK) return cards_no(c, "%s", err.msg);
  const int64_t until_ms = loop_now_ms(c->o->loop) + CARD_HEAR_MS;
  while (other.ops->state(other.self, NULL) != VENUE_STATE_REFUSED && !c->stopped && loop_now_ms(c->o->loop) < until_ms) cards_pause(c, 10);
  const enum venue_state at = other.ops->state(other.self, &why);
  char text[VENUE_TEXT_MAX];
  snprintf(text, sizeof text, "%s", why);
  other.ops->destroy(other.self);
  if (at != VENUE_STATE_REFUSED) return cards_no(c, "the session of a key that may withdraw is %s", venue_state_text(at));
  return strstr(text, "withdraw") != NULL || cards_no(c, "it is refused for another reason: %s", text);
}
