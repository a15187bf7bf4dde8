// order/order.c – the order's state machine as a table, and the arithmetic of its fills.
#include "order/order.h"

#include <assert.h>

#define BIT(s) (1u << (s))

// A wish may die anywhere on its way; once it has ended, nothing moves it.
static const struct {
  const char *name;
  unsigned to;
} states[ORDER_STATUS_COUNT] = {
  [ORDER_NEW] = {"new", BIT(ORDER_SENT) | BIT(ORDER_OPEN) | BIT(ORDER_CANCELED) | BIT(ORDER_EXPIRED) | BIT(ORDER_REJECTED) |
                        BIT(ORDER_DENIED) | BIT(ORDER_UNKNOWN) /* a restart, and nobody knows whether it left */},
  [ORDER_SENT] = {"sent", BIT(ORDER_OPEN) | BIT(ORDER_PARTIAL) | BIT(ORDER_FILLED) | BIT(ORDER_CANCELED) |
                          BIT(ORDER_EXPIRED) | BIT(ORDER_REJECTED) | BIT(ORDER_PENDING_CANCEL) | BIT(ORDER_PENDING_MODIFY) |
                          BIT(ORDER_UNKNOWN)},
  [ORDER_OPEN] = {"open", BIT(ORDER_PARTIAL) | BIT(ORDER_FILLED) | BIT(ORDER_CANCELED) | BIT(ORDER_EXPIRED) |
                          BIT(ORDER_REJECTED) | BIT(ORDER_PENDING_CANCEL) | BIT(ORDER_PENDING_MODIFY) | BIT(ORDER_UNKNOWN)},
  [ORDER_PARTIAL] = {"partial", BIT(ORDER_PARTIAL) | BIT(ORDER_FILLED) | BIT(ORDER_CANCELED) | BIT(ORDER_EXPIRED) |
                                BIT(ORDER_PENDING_CANCEL) | BIT(ORDER_PENDING_MODIFY) | BIT(ORDER_UNKNOWN)},
  [ORDER_FILLED] = {"filled", 0},
  [ORDER_CANCELED] = {"canceled", 0},
  [ORDER_EXPIRED] = {"expired", 0},
  [ORDER_REJECTED] = {"rejected", 0},
  // A venue may refuse a cancel: then the order goes on as before.
  [ORDER_PENDING_CANCEL] = {"pending_cancel", BIT(ORDER_PENDING_CANCEL) | BIT(ORDER_SENT) | BIT(ORDER_OPEN) |
                                              BIT(ORDER_PARTIAL) | BIT(ORDER_FILLED) | BIT(ORDER_CANCELED) |
                                              BIT(ORDER_EXPIRED) | BIT(ORDER_REJECTED) | BIT(ORDER_UNKNOWN)},
  [ORDER_PENDING_MODIFY] = {"pending_modify", BIT(ORDER_PENDING_MODIFY) | BIT(ORDER_SENT) | BIT(ORDER_OPEN) |
                                              BIT(ORDER_PARTIAL) | BIT(ORDER_FILLED) | BIT(ORDER_CANCELED) |
                                              BIT(ORDER_EXPIRED) | BIT(ORDER_REJECTED) | BIT(ORDER_PENDING_CANCEL) |
                                              BIT(ORDER_UNKNOWN)},
  [ORDER_UNKNOWN] = {"unknown", BIT(ORDER_SENT) | BIT(ORDER_OPEN) | BIT(ORDER_PARTIAL) | BIT(ORDER_FILLED) |
                                BIT(ORDER_CANCELED) | BIT(ORDER_EXPIRED) | BIT(ORDER_REJECTED) |
                                BIT(ORDER_UNKNOWN) /* some of it was executed: the rest is as unknown as before */},
  [ORDER_DENIED] = {"denied", 0},
};

bool order_status_can(enum order_status from, enum order_status to) {
  assert((unsigned)from < ORDER_STATUS_COUNT && (unsigned)to < ORDER_STATUS_COUNT);
  return states[from].to & BIT(to);
}

enum order_status order_move(struct order *o, enum order_status to, enum reason why) {
  enum order_status from = o->status;
  assert(order_status_can(from, to));
  o->status = to;
  if (order_status_final(to) && to != ORDER_FILLED) assert(why != REASON_NONE);
  o->reason = why;
  order_check(o);
  return from;
}

bool order_fill(struct order *o, price px, quantity qty) {
  assert(qty.lots > 0 && qty.lots <= order_left(o).lots);
  int128 value = (int128)px.ticks * qty.lots, sum;
  // Two values below 2^125 cannot overflow their sum; real ones are far below.
  const int128 limit = (int128)1 << 125;
  if (value >= limit || value <= -limit || o->fill_value >= limit || o->fill_value <= -limit) return false;
  sum = o->fill_value + value;
  o->fill_value = sum;
  o->filled.lots += qty.lots;
  bool complete = o->filled.lots == o->qty.lots;
  // A fill that overtakes a cancel or change on its way leaves that waiting, with its reason; so does what is not known of the rest.
  bool pending = o->status == ORDER_PENDING_CANCEL || o->status == ORDER_PENDING_MODIFY || o->status == ORDER_UNKNOWN;
  order_move(o, complete ? ORDER_FILLED : pending ? o->status : ORDER_PARTIAL, pending && !complete ? o->reason : REASON_NONE);
  return true;
}

void order_check(const struct order *o) {
  assert(o->id > 0 && o->symbol >= 0);
  assert(o->side == SIDE_BUY || o->side == SIDE_SELL);
  assert(o->filled.lots >= 0 && o->filled.lots <= o->qty.lots);
  switch (o->status) {
  case ORDER_NEW: case ORDER_DENIED: assert(o->filled.lots == 0); break;
  case ORDER_REJECTED: assert(o->filled.lots == 0 && o->reason != REASON_NONE); break;
  case ORDER_PARTIAL: assert(o->filled.lots > 0 && o->filled.lots < o->qty.lots); break;
  case ORDER_FILLED: assert(o->filled.lots == o->qty.lots && o->qty.lots > 0); break;
  default: break;
  }
  if (o->type == ORDER_LIMIT || o->type == ORDER_STOP_LIMIT) assert(price_given(o->limit));
  if (o->type == ORDER_STOP || o->type == ORDER_STOP_LIMIT) assert(price_given(o->trigger));
}

bool order_avg(const struct order *o, int128 *ret_num, int64_t *ret_den) {
  if (o->filled.lots == 0) return false;
  *ret_num = o->fill_value;
  *ret_den = o->filled.lots;
  return true;
}

void intent_init(struct intent *in, int symbol, enum side side) {
  assert(symbol >= 0 && (side == SIDE_BUY || side == SIDE_SELL));
  *in = (struct intent){.symbol = symbol, .side = side, .limit = NO_PRICE, .trigger = NO_PRICE, .sl = NO_PRICE, .tp = NO_PRICE};
}

const char *order_status_text(enum order_status s) {
  assert((unsigned)s < ORDER_STATUS_COUNT);
  return states[s].name;
}

const char *order_type_text(enum order_type t) {
  static const char *const names[] = {"market", "limit", "stop", "stop_limit", "trailing"};
  assert((unsigned)t < sizeof names / sizeof *names);
  return names[t];
}

const char *order_tif_text(enum order_tif t) {
  static const char *const names[] = {"gtc", "ioc", "fok", "day", "gtd"};
  assert((unsigned)t < sizeof names / sizeof *names);
  return names[t];
}

const char *side_text(enum side s) { return s == SIDE_BUY ? "buy" : "sell"; }
