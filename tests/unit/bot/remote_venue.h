// tests/unit/bot/remote_venue.h – a venue made of dice, with books of its own: the oracle beside a clerk whose orders go elsewhere.
//
// Requests reach it late or never, answers are lost, its stream drops, doubles and reorders, a fresh order is "not found" for a while, and
// one that it was sent may take effect until the request's expiry, but not after. Clocks are set, the venue's and ours, by minutes and by
// hours, so that it refuses what seems to be of another time; and it refuses everything for some seconds because of the rate. Its own
// books are exact.
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot/clerk_remote.h"
#include "venue/venue_clock.h"

#define MS INT64_C(1000000)
#define EXPIRY_MS 2000
#define FRESH_NS (1500 * MS)  // so long an order may be "not found" though it exists
#define WINDOW_NS (1000 * MS) // requests that are stamped further off are refused
#define SYNC_NS (400 * MS)    // so long the session needs to see that its clock is wrong
#define BEFORE_NS (300000 * MS)  // as bot/live_venue.c asks for executions

enum { V_ORDERS = 6000, V_MAIL = 4096, V_FILLS = 20000 };

struct v_order {
  struct venue_place p;
  char venue_id[VENUE_ID_MAX];
  enum venue_order_state state;
  int64_t lots, filled, limit, trigger, born_ns;
  bool waits;                   // its trigger is not met
  int awaits;                   // where it is to come from, as this venue judges it
};
// Something on its way to the clerk.
struct v_mail {
  int64_t at_ns;
  enum { MAIL_ORDER, MAIL_FILL, MAIL_REPLY, MAIL_ASKED, MAIL_EFFECT } kind;
  struct venue_order order;
  struct venue_fill fill;
  struct venue_reply reply;
  enum clerk_request what;
  uint32_t change;
  uint64_t id;                  // order of the clerk
  enum unknown_step question;
  struct venue_ref ref;         // of a question; of an EFFECT
  int64_t since_ns;             // of a question for executions, by the venue's clock
  struct venue_place place;     // EFFECT: a request that arrives late
  struct venue_change terms;
};
struct venue_rig {
  uint64_t dice;
  int64_t now_ns, last_px;      // now: the monotonic clock of all
  int64_t off_ns, wall_off_ns;  // the venue's clock and our wall clock, against it
  struct venue_clock clock;     // what the session makes of both
  int64_t sync_ns, throttle_ns; // the venue is asked for its time then; until then it refuses for the rate
  struct v_order orders[V_ORDERS];
  size_t order_count;
  struct venue_fill fills[V_FILLS];
  size_t fill_count;
  struct v_mail *mail;
  size_t mail_count;
  bool no_amend;                // it cannot change orders
  bool apart;                   // as spot of Bybit: who cancels says whether the order waits; a stop is taken on either side of the price
  int faults;                   // per cent of everything that goes wrong
  // what happened
  long jumps, outside, throttled, placed, doubled, lost_before, lost_after, late, dropped, repeated, stale, unreachable, refused, cancels, amends, executions, behind, misnamed;
};

static inline uint64_t v_rnd(struct venue_rig *v, uint64_t n) {
  v->dice ^= v->dice << 13, v->dice ^= v->dice >> 7, v->dice ^= v->dice << 17;
  return (v->dice * UINT64_C(0x2545f4914f6cdd1d) >> 33) % n;
}
static inline bool v_wrong(struct venue_rig *v) { return (int)v_rnd(v, 100) < v->faults; }

// ---- clocks

static inline int64_t v_time(const struct venue_rig *v) { return v->now_ns + v->off_ns; }
static inline void v_sync(struct venue_rig *v) {
  v->clock.margin_ns = INT64_MAX / 4;
  venue_clock_sample(&v->clock, v->now_ns - 20 * MS, v->now_ns, v_time(v) - (int64_t)v_rnd(v, 20) * MS, 0);
  v->sync_ns = INT64_MAX;
}
// A process begins: it has its wall clock, then the venue's word.
static inline void v_clock_begin(struct venue_rig *v) {
  venue_clock_init(&v->clock, v->now_ns, v->now_ns + v->wall_off_ns);
  v_sync(v);
}
static inline void v_soon(struct venue_rig *v) {
  if (v->sync_ns > v->now_ns + SYNC_NS) v->sync_ns = v->now_ns + SYNC_NS;
}
// Ours is seen to have jumped; the venue's shows when it refuses.
static inline void v_clock_look(struct venue_rig *v) {
  if (venue_clock_jumped(&v->clock, v->now_ns, v->now_ns + v->wall_off_ns)) v_soon(v);
  if (v->now_ns >= v->sync_ns) v_sync(v);
}
static inline void v_jump(struct venue_rig *v) {
  static const int64_t far_ms[] = {1500, 60000, 600000, 3600000, 36000000};
  const int64_t by_ns = (v_rnd(v, 2) ? 1 : -1) * far_ms[v_rnd(v, sizeof far_ms / sizeof *far_ms)] * MS;
  const uint64_t which = v_rnd(v, 3);
  if (which != 0) v->off_ns += by_ns;
  if (which != 1) v->wall_off_ns += by_ns;
  v->jumps++;
}
// Signed by a clock that the venue does not take for its own.
static inline bool v_outside(struct venue_rig *v) {
  const bool outside = llabs(v_time(v) - venue_clock_at(&v->clock, v->now_ns)) > WINDOW_NS;
  if (outside) v->outside++, v_soon(v);
  return outside;
}

static inline struct v_mail *v_post(struct venue_rig *v, int kind, int64_t delay_ns) {
  if (v->mail_count == V_MAIL) abort();
  struct v_mail *m = &v->mail[v->mail_count++];
  *m = (struct v_mail){.kind = kind, .at_ns = v->now_ns + delay_ns};
  return m;
}

static inline struct v_order *v_find(struct venue_rig *v, const char *client_id) {
  for (size_t i = v->order_count; i-- > 0;)
    if (strcmp(v->orders[i].p.client_id, client_id) == 0) return &v->orders[i];
  return NULL;
}

static inline void v_describe(const struct venue_rig *v, const struct v_order *o, struct venue_order *ret) {
  *ret = (struct venue_order){.state = o->state, .side = o->p.side, .qty = {o->lots, 0}, .filled = {o->filled, 0}, .limit = o->limit ? (struct decimal){o->limit, 1} : NO_DECIMAL,
                              .trigger = o->trigger ? (struct decimal){o->trigger, 1} : NO_DECIMAL, .avg = NO_DECIMAL, .reduce = o->p.reduce, .updated_ns = v_time(v)};
  memcpy(ret->ref.client_id, o->p.client_id, sizeof ret->ref.client_id);
  memcpy(ret->ref.symbol, o->p.symbol, sizeof ret->ref.symbol);
  memcpy(ret->ref.venue_id, o->venue_id, sizeof ret->ref.venue_id);
  ret->ref.waits = o->waits && o->state == VENUE_ORDER_OPEN;
  ret->awaits = ret->ref.waits ? o->awaits : 0;
}

// The private stream: late, doubled, dropped, out of order.
static inline void v_tell(struct venue_rig *v, const struct v_order *o) {
  for (int n = v_wrong(v) ? 2 : 1; n > 0; n--) {
    if (v_wrong(v)) {
      v->dropped++;
      continue;
    }
    v_describe(v, o, &v_post(v, MAIL_ORDER, (int64_t)v_rnd(v, v_wrong(v) ? 4000 : 40) * MS)->order);
  }
}
static inline void v_tell_fill(struct venue_rig *v, const struct venue_fill *f) {
  for (int n = v_wrong(v) ? 2 : 1; n > 0; n--) {
    if (v_wrong(v)) {
      v->dropped++;
      continue;
    }
    v_post(v, MAIL_FILL, (int64_t)v_rnd(v, v_wrong(v) ? 4000 : 40) * MS)->fill = *f;
  }
}

static inline void v_execute(struct venue_rig *v, struct v_order *o, int64_t lots, int64_t ticks) {
  if (v->fill_count == V_FILLS) abort();
  struct venue_fill *f = &v->fills[v->fill_count++];
  *f = (struct venue_fill){.side = o->p.side, .px = {ticks, 1}, .qty = {lots, 0}, .fee = {lots * 3, 8}, .time_ns = v_time(v)};
  strcpy(f->fee_asset, "USDT");
  snprintf(f->trade_id, sizeof f->trade_id, "t%zu", v->fill_count);
  memcpy(f->ref.client_id, o->p.client_id, sizeof f->ref.client_id);
  memcpy(f->ref.symbol, o->p.symbol, sizeof f->ref.symbol);
  o->filled += lots;
  v->executions++;
  if (o->filled == o->lots) o->state = VENUE_ORDER_FILLED;
  v_tell_fill(v, f);
  v_tell(v, o);
}

// A place request arrives there. An id that it has seen is a doubled order: this venue takes both, so that the test can see it.
static inline bool v_take(struct venue_rig *v, const struct venue_place *p) {
  if (v_find(v, p->client_id)) v->doubled++;
  if (v->order_count == V_ORDERS) abort();
  struct v_order *o = &v->orders[v->order_count++];
  *o = (struct v_order){.p = *p, .state = VENUE_ORDER_OPEN, .lots = p->qty.digits, .limit = decimal_given(p->limit) ? p->limit.digits : 0,
                        .trigger = decimal_given(p->trigger) ? p->trigger.digits : 0, .born_ns = v->now_ns, .waits = decimal_given(p->trigger)};
  o->awaits = v->apart && v_wrong(v) ? -p->side : p->side;
  v->behind += o->waits && o->awaits != p->side;
  snprintf(o->venue_id, sizeof o->venue_id, "v%zu", v->order_count);
  v_tell(v, o);
  return true;
}

static inline struct v_mail *v_reply(struct venue_rig *v, uint64_t id, enum clerk_request what, enum venue_outcome outcome, enum venue_why why) {
  struct v_mail *m = v_post(v, MAIL_REPLY, (int64_t)(1 + v_rnd(v, 30)) * MS);
  m->id = id, m->what = what;
  m->reply = (struct venue_reply){.outcome = outcome, .why = why, .expiry_ns = venue_clock_steady(&v->clock, v->now_ns) + EXPIRY_MS * MS};
  return m;
}
// Definite, and about the request, not the order. True: it was one.
static inline struct v_mail *v_turned_away(struct venue_rig *v, uint64_t id, enum clerk_request what) {
  if (v_outside(v)) return v_reply(v, id, what, VENUE_REFUSED, VENUE_WHY_CLOCK);
  if (v->now_ns >= v->throttle_ns) return NULL;
  v->throttled++;
  return v_reply(v, id, what, v_rnd(v, 2) ? VENUE_REFUSED : VENUE_NOT_SENT, VENUE_WHY_THROTTLED);
}

// ---- struct clerk_port

static inline int64_t v_now(void *self) {
  struct venue_rig *v = self;
  return venue_clock_steady(&v->clock, v->now_ns);
}
static inline struct venue_caps v_caps(void *self) {
  return (struct venue_caps){.lookups = LOOKUP_ID | LOOKUP_OPEN | LOOKUP_FILLS, .amend = !((struct venue_rig *)self)->no_amend, .stops = true, .reduce_only = true, .expiry_ms = EXPIRY_MS};
}
static inline void v_place(void *self, uint64_t bot, uint64_t id, const struct venue_place *p) {
  struct venue_rig *v = self;
  (void)bot;
  v->placed++;
  if (v_turned_away(v, id, CLERK_PLACE)) return;
  if (!v_wrong(v)) {
    v_take(v, p);
    v_reply(v, id, CLERK_PLACE, VENUE_ACCEPTED, VENUE_WHY_NONE);
    return;
  }
  switch (v_rnd(v, 6)) {
    case 0: v_reply(v, id, CLERK_PLACE, VENUE_NOT_SENT, VENUE_WHY_THROTTLED); break;
    case 1: v_reply(v, id, CLERK_PLACE, VENUE_REFUSED, VENUE_WHY_FUNDS), v->refused++; break;
    case 2: v_reply(v, id, CLERK_PLACE, VENUE_UNKNOWN, VENUE_WHY_OTHER), v->lost_before++; break;
    case 3: {  // takes effect when nobody expects it any more, but before its expiry
      struct v_mail *m = v_post(v, MAIL_EFFECT, (int64_t)v_rnd(v, EXPIRY_MS) * MS);
      m->what = CLERK_PLACE, m->place = *p;
      v_reply(v, id, CLERK_PLACE, VENUE_UNKNOWN, VENUE_WHY_OTHER), v->late++;
      break;
    }
    default:
      v_take(v, p);
      v_reply(v, id, CLERK_PLACE, VENUE_UNKNOWN, VENUE_WHY_OTHER), v->lost_after++;
    }
}
static inline bool v_amend_now(struct venue_rig *v, const char *client_id, const struct venue_change *c) {
  struct v_order *o = v_find(v, client_id);
  if (!o || o->state != VENUE_ORDER_OPEN) return false;
  if (decimal_given(c->qty) && c->qty.digits <= o->filled) return false;
  if (decimal_given(c->qty)) o->lots = c->qty.digits;
  if (decimal_given(c->limit)) o->limit = c->limit.digits;
  if (decimal_given(c->trigger)) o->trigger = c->trigger.digits;
  v_tell(v, o);
  return true;
}
static inline void v_amend(void *self, uint64_t bot, uint64_t id, uint32_t change, const struct venue_ref *ref, const struct venue_change *c) {
  struct venue_rig *v = self;
  (void)bot;
  v->amends++;
  if (v->no_amend) abort();
  struct v_mail *m = v_turned_away(v, id, CLERK_AMEND);
  if (m) {
    m->change = change;
    return;
  }
  if (!v_wrong(v)) {
    const bool ok = v_amend_now(v, ref->client_id, c);
    m = v_reply(v, id, CLERK_AMEND, ok ? VENUE_ACCEPTED : VENUE_REFUSED, ok ? VENUE_WHY_NONE : VENUE_WHY_DONE);
  } else if (v_rnd(v, 3) == 0) {
    m = v_reply(v, id, CLERK_AMEND, v_rnd(v, 2) ? VENUE_REFUSED : VENUE_NOT_SENT, VENUE_WHY_PRICE);
  } else {
    if (v_rnd(v, 2)) v_amend_now(v, ref->client_id, c);
    m = v_reply(v, id, CLERK_AMEND, VENUE_UNKNOWN, VENUE_WHY_OTHER);
  }
  m->change = change;
}
static inline bool v_cancel_now(struct venue_rig *v, const struct venue_ref *ref) {
  struct v_order *o = v_find(v, ref->client_id);
  if (!o || o->state != VENUE_ORDER_OPEN) return false;
  if (v->apart && o->waits != ref->waits) return v->misnamed++, false;
  o->state = VENUE_ORDER_CANCELED;
  v_tell(v, o);
  return true;
}
static inline void v_cancel(void *self, uint64_t bot, uint64_t id, const struct venue_ref *ref) {
  struct venue_rig *v = self;
  (void)bot;
  v->cancels++;
  if (v_turned_away(v, id, CLERK_CANCEL)) return;
  if (!v_wrong(v)) {
    const bool ok = v_cancel_now(v, ref);
    v_reply(v, id, CLERK_CANCEL, ok ? VENUE_ACCEPTED : VENUE_REFUSED, ok ? VENUE_WHY_NONE : v_rnd(v, 2) ? VENUE_WHY_DONE : VENUE_WHY_NOT_FOUND);
    return;
  }
  if (v_rnd(v, 4) == 0) {
    v_reply(v, id, CLERK_CANCEL, VENUE_REFUSED, VENUE_WHY_OTHER);
    return;
  }
  if (v_rnd(v, 2)) v_cancel_now(v, ref);
  v_reply(v, id, CLERK_CANCEL, VENUE_UNKNOWN, VENUE_WHY_OTHER);
}
static inline void v_ask(void *self, uint64_t bot, uint64_t id, enum unknown_step question, const struct venue_ref *ref, int64_t since_ns) {
  struct venue_rig *v = self;
  (void)bot;
  struct v_mail *m = v_post(v, MAIL_ASKED, (int64_t)(1 + v_rnd(v, 60)) * MS);
  m->id = id, m->question = question, m->ref = *ref, m->since_ns = venue_clock_since(&v->clock, since_ns - BEFORE_NS);
}
static inline struct clerk_port v_port(struct venue_rig *v) {
  return (struct clerk_port){.self = v, .now_ns = v_now, .caps = v_caps, .place = v_place, .amend = v_amend, .cancel = v_cancel, .ask = v_ask};
}

// ---- its market

// Signed lots that it has executed.
static inline int64_t v_lots(const struct venue_rig *v) {
  int64_t lots = 0;
  for (size_t i = 0; i < v->fill_count; i++) lots += v->fills[i].side * v->fills[i].qty.digits;
  return lots;
}

static inline void v_trade(struct venue_rig *v) {
  v->last_px += (int64_t)v_rnd(v, 21) - 10;
  if (v->last_px < 500) v->last_px = 500;
  for (size_t i = v->order_count > 60 ? v->order_count - 60 : 0; i < v->order_count; i++) {
    struct v_order *o = &v->orders[i];
    if (o->state != VENUE_ORDER_OPEN) continue;
    const bool market = o->p.type == ORDER_MARKET;
    if (v_rnd(v, market ? 2 : 12)) continue;
    if (v->apart && o->waits) {
      o->waits = false;
      v_tell(v, o);
      continue;
    }
    int64_t left = o->lots - o->filled, held = -o->p.side * v_lots(v);
    if (o->p.reduce && held < left) left = held;
    if (left <= 0) {
      o->state = VENUE_ORDER_CANCELED;
      v_tell(v, o);
    } else {
      v_execute(v, o, 1 + (int64_t)v_rnd(v, (uint64_t)left), o->limit ? o->limit : v->last_px);
    }
  }
}
