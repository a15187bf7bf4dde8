// venue/cards_session.c – the session of a run of cards: what it hears, how it is waited for, the market's sizes.
#include "venue/cards_impl.h"

#include "base/money.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_MS INT64_C(7200000)
#define NS_OF_MS INT64_C(1000000)
#define FIRST_PX 50000  // of a simulated exchange that has no price yet

bool cards_no(struct cards *c, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(c->text, sizeof c->text, fmt, ap);
  va_end(ap);
  return false;
}

bool cards_remark(struct cards *c, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(c->text, sizeof c->text, fmt, ap);
  va_end(ap);
  return true;
}

// ---- hearing

static void *grown(void *list, size_t count, size_t *cap, size_t size) {
  if (count < *cap) return list;
  *cap = *cap > 0 ? *cap * 2 : 64;
  list = realloc(list, *cap * size);
  if (!list) abort();  // a judge that forgets evidence is none
  return list;
}

static void on_state(void *self, enum venue_state from, enum venue_state to, const char *why) {
  struct cards *c = self;
  (void)from, (void)why;
  c->states |= 1u << to;
}
static void on_order(void *self, const struct venue_order *o) {
  struct cards *c = self;
  c->told = grown(c->told, c->told_count, &c->told_cap, sizeof *c->told);
  c->told[c->told_count++] = *o;
}
static void on_fill(void *self, const struct venue_fill *f) {
  struct cards *c = self;
  c->heard = grown(c->heard, c->heard_count, &c->heard_cap, sizeof *c->heard);
  c->heard[c->heard_count++] = *f;
}
static void on_position(void *self, const struct venue_position *p) {
  struct cards *c = self;
  c->heard_positions += strcmp(p->symbol, c->o->symbol) == 0;
}
static const struct venue_events events = {.state = on_state, .order = on_order, .fill = on_fill, .position = on_position};

bool cards_told(struct cards *c, const char *client_id, enum venue_order_state state) {
  static const char *const texts[] = {"open", "filled", "canceled", "expired", "rejected"};
  const int64_t until_ms = loop_now_ms(c->o->loop) + CARD_HEAR_MS;
  do {
    for (size_t i = 0; i < c->told_count; i++)
      if (c->told[i].state == state && strcmp(c->told[i].ref.client_id, client_id) == 0) return true;
    cards_pause(c, 10);
  } while (!c->stopped && loop_now_ms(c->o->loop) < until_ms);
  return cards_no(c, "the stream did not tell within %d s that %s is %s", CARD_HEAR_MS / 1000, client_id, texts[state]);
}

int64_t cards_heard_lots(const struct cards *c, const char *client_id) {
  int64_t sum = 0, lots;
  for (size_t i = 0; i < c->heard_count; i++) {
    const struct venue_fill *f = &c->heard[i];
    bool again = strcmp(f->ref.client_id, client_id) != 0 || f->funding;
    for (size_t k = 0; k < i && !again; k++)
      again = strcmp(c->heard[k].trade_id, f->trade_id) == 0 && strcmp(c->heard[k].ref.client_id, client_id) == 0;
    if (again) continue;
    if (!cards_lots(c, f->qty, &lots) || f->trade_id[0] == '\0') return -1;
    sum += lots;
  }
  return sum;
}

// ---- waiting

static enum venue_state state_of(const struct cards *c) {
  return c->connected ? c->venue.ops->state(c->venue.self, NULL) : VENUE_STATE_STOPPED;
}

static void turn(struct cards *c) {
  loop_turn(c->o->loop, true);
  if (!c->hold && state_of(c) == VENUE_STATE_RECONCILING) c->venue.ops->reconciled(c->venue.self);
  if (c->o->stop && c->o->stop()) c->stopped = true;
}

bool cards_wait(struct cards *c, const bool *flag, int64_t ms) {
  const int64_t until_ms = loop_now_ms(c->o->loop) + ms;
  while (!*flag && !c->stopped && loop_now_ms(c->o->loop) < until_ms) turn(c);
  return *flag;
}

void cards_pause(struct cards *c, int64_t ms) {
  static const bool never = false;
  cards_wait(c, &never, ms);
}

bool cards_wait_state(struct cards *c, enum venue_state state, int64_t ms) {
  const int64_t until_ms = loop_now_ms(c->o->loop) + ms;
  while (state_of(c) != state && !c->stopped && loop_now_ms(c->o->loop) < until_ms) turn(c);
  return state_of(c) == state;
}

bool cards_connect(struct cards *c) {
  struct err err;
  const char *why;
  const struct remote_session_options o = {.label = "cards", .credentials = c->o->credentials};
  c->states = 0;
  const struct cards_venue *v = c->o->venue;
  if ((v ? v->open(v->self, &events, c, &c->venue, &err) : remote_session_create(c->o->site, &o, &events, c, &c->venue, &err)) != OK) return cards_no(c, "%s", err.msg);
  c->connected = true;
  const enum venue_state wanted = c->hold ? VENUE_STATE_RECONCILING : VENUE_STATE_READY;
  const int64_t until_ms = loop_now_ms(c->o->loop) + CARD_LIVE_MS;
  while (state_of(c) != wanted && state_of(c) != VENUE_STATE_REFUSED && !c->stopped && loop_now_ms(c->o->loop) < until_ms) turn(c);
  if (state_of(c) == wanted) return true;
  const enum venue_state at = c->venue.ops->state(c->venue.self, &why);
  return cards_no(c, "the session is %s: %s", venue_state_text(at), why);
}

void cards_disconnect(struct cards *c) {
  if (c->connected) c->venue.ops->destroy(c->venue.self);
  c->connected = false;
}

// ---- the market

struct decimal cards_qty(const struct cards *c, int64_t lots) {
  return (struct decimal){lots * c->inst.lot.digits, c->inst.lot.scale};
}

bool cards_lots(const struct cards *c, struct decimal qty, int64_t *ret) {
  int64_t n;
  if (!decimal_given(qty) || !decimal_rescale(qty, c->inst.lot.scale, &n) || n % c->inst.lot.digits != 0) return false;
  *ret = n / c->inst.lot.digits;
  return true;
}

struct decimal cards_at(const struct cards *c, int bp) {
  const struct decimal tick = c->inst.tick;
  const int scale = c->px.scale > tick.scale ? c->px.scale : tick.scale;
  int64_t px, per;
  if (!decimal_rescale(c->px, scale, &px) || !decimal_rescale(tick, scale, &per)) return c->px;
  const int64_t ticks = (int64_t)((int128)px * (10000 + bp) / 10000 / per);
  return (struct decimal){ticks * tick.digits, tick.scale};
}

static void on_instruments(void *arg, const struct venue_reply *r, const struct venue_instrument *list, size_t count) {
  struct cards *c = arg;
  c->answered = true;
  c->reply = *r;
  for (size_t i = 0; i < count; i++)
    if (strcmp(list[i].symbol, c->o->symbol) == 0) c->inst = list[i];
}

static void ask_instruments(struct cards *c) {
  remote_site_instruments(c->o->site, c->o->symbol, on_instruments, c);
}
static void ask_klines(struct cards *c) {
  const int64_t now_ms = remote_site_now_ns(c->o->site, NULL) / NS_OF_MS;
  remote_site_klines(c->o->site, c->o->symbol, "1m", now_ms - HISTORY_MS, now_ms, 0, cards_on_klines, c);
}

// As few lots as the venue takes, by quantity and by value, with a quarter to spare for orders below the price.
static bool least(struct cards *c) {
  int64_t px_e8, lot_e8, min_e8, min_lots = 1;
  if (decimal_given(c->inst.qty_min)) {
    if (!cards_lots(c, c->inst.qty_min, &min_lots)) return cards_no(c, "the least quantity is no multiple of the lot");
    if (min_lots < 1) min_lots = 1;
  }
  c->lots = min_lots;
  if (!decimal_given(c->inst.notional_min) || !decimal_rescale(c->inst.notional_min, 8, &min_e8)) return true;
  if (!decimal_rescale(c->px, 8, &px_e8) || !decimal_rescale(c->inst.lot, 8, &lot_e8)) return cards_no(c, "a price or a lot finer than 1e-8");
  const int128 lot_value_e16 = (int128)px_e8 * lot_e8, wanted_e16 = (int128)min_e8 * 125 * 1000000;
  const int64_t by_value = (int64_t)((wanted_e16 + lot_value_e16 - 1) / lot_value_e16);
  if (by_value > c->lots) c->lots = by_value;
  return true;
}

static bool own_market(struct cards *c) {
  const struct cards_venue *v = c->o->venue;
  const int64_t until_ms = loop_now_ms(c->o->loop) + CARD_HEAR_MS;
  while (!v->market(v->self, c->o->symbol, &c->inst, &c->px)) {
    if (c->stopped || loop_now_ms(c->o->loop) >= until_ms) return cards_no(c, "the venue does not tell of %s and its price", c->o->symbol);
    cards_pause(c, 10);
  }
  return least(c);
}

bool cards_market(struct cards *c) {
  if (c->o->venue) return own_market(c);
  const uint32_t needs = 1u << DIALECT_INSTRUMENTS | 1u << DIALECT_KLINES;
  if ((cards_info(c->o)->ops & needs) != needs) return cards_no(c, "its header lacks the operations instruments and klines: a card must know what it trades, and at what price");
  if (c->inst.symbol[0] == '\0') {
    if (!cards_ask(c, ask_instruments) || c->reply.outcome != VENUE_ACCEPTED) return cards_no(c, "instruments: %s", cards_said(c));
    if (c->inst.symbol[0] == '\0') return cards_no(c, "the venue has no %s", c->o->symbol);
    if (c->inst.tick.digits <= 0 || c->inst.lot.digits <= 0) return cards_no(c, "%s: a tick or lot that is none", c->o->symbol);
  }
  if (!cards_ask(c, ask_klines) || c->reply.outcome != VENUE_ACCEPTED) return cards_no(c, "candles: %s", cards_said(c));
  if (c->count > 0) {
    c->px = c->klines[c->count - 1].close;
  } else if (c->admin) {
    c->px = (struct decimal){FIRST_PX, 0};
    if (!cards_price(c, c->px)) return false;
  } else {
    return cards_no(c, "%s: no candle within two hours", c->o->symbol);
  }
  if (c->px.digits <= 0) return cards_no(c, "%s: a price that is none", c->o->symbol);
  return least(c);
}
