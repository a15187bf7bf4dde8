// order/resting.h – the working limit orders of one account in one symbol, so that no order of the account meets another.
//
// Buying from oneself pays two fees for nothing and is called a wash trade; most markets forbid it. Two bots of a customer do
// it without knowing. So before an order leaves: would it execute at once against a working order of the same account?
// A stop waits and is looked at when it triggers. An order whose cancel is on its way, or whose fate is unknown, still rests.
// A market order on its way is here too: a limit order that overtook it would be hit by it. Two market orders do not meet.
// Orders are few (MAX_OPEN): an array, with the best of each side at hand.
#pragma once
#include "base/money.h"
#include "base/status.h"
#include "order/order.h"

#include <stddef.h>

struct resting_order {
  uint64_t id;
  uint64_t bot;
  enum side side;
  price limit;                          // NO_PRICE: market
};
struct resting {
  struct resting_order *items;
  size_t count, cap;
  const struct resting_order *best[2];  // highest buy, lowest sell with a limit; NULL: none
  const struct resting_order *taker[2]; // some market buy, sell
};

void resting_init(struct resting *r);
void resting_finish(struct resting *r);
// Room for more; false: no memory. Before an order is accepted, so that resting_add cannot fail.
bool resting_reserve(struct resting *r, size_t more);
// An order is on its way (limit NO_PRICE: market; a stop when it triggers). Asserts room, and that the id is new.
void resting_add(struct resting *r, uint64_t id, uint64_t bot, enum side side, price limit);
// Its limit changed or is about to: call with the price that is closer to the other side until the change is settled.
void resting_move(struct resting *r, uint64_t id, price limit);
// It can no longer execute. False: not there.
bool resting_remove(struct resting *r, uint64_t id);
// The order that one on this side would meet, or NULL. limit: NO_PRICE for a market order. Constant time.
const struct resting_order *resting_meets(const struct resting *r, enum side side, price limit);
