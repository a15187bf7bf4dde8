// order/reason.h – the closed list of reasons why an order was denied, rejected, cancelled or cut short.
//
// One list gives the C names, the codes scripts see in err.code and order.reason, and the documentation: `perigee help`
// and lua/README.md print the third column. A code is never renamed or reused; journals keep its place in the list, so new
// ones go to the end.
#pragma once
#include <stddef.h>

// X(name, explanation for a quant)
#define REASON_LIST(X)                                                                                                    \
  X(NONE, "no reason: nothing went wrong")                                                                                \
  X(MIN_QTY, "the size, rounded down to whole lots, is below the instrument's smallest quantity (or zero)")               \
  X(MIN_NOTIONAL, "price × quantity is below the venue's smallest order value")                                           \
  X(MARGIN, "free funds do not cover the margin of the order and its fee, or a leverage limit would be passed")            \
  X(COLLAR, "the price is further from the market than the price collar allows: probably a typing mistake")               \
  X(RATE, "more orders in a short time than the rate limit allows")                                                       \
  X(MAX_ORDER, "the order is larger than the largest order allowed")                                                      \
  X(MAX_POSITION, "position plus working orders would exceed the largest position allowed, or all positions the largest exposure") \
  X(MAX_OPEN, "too many working orders")                                                                                  \
  X(DAY_LOSS, "today's loss reached its limit; only orders that reduce are accepted until the risk day turns")            \
  X(DRAWDOWN, "the loss from the equity peak reached its limit; only orders that reduce are accepted")                    \
  X(TIER_TRADES, "the plan's entries of the day or the month are used up; exits pass")                                    \
  X(TIER_VENUE, "the plan does not include this venue or instrument")                                                     \
  X(PROP_RULE, "a rule of the account forbids it: all stops hit would reach a floor (the numbers are equity then, and the floor), a level was reached and entries wait for the day to turn, or the order itself breaks a rule; exits pass") \
  X(HALTED, "trading is halted by a kill switch or a protection; the message says by which, and whether exits pass")                                   \
  X(REDUCE_ONLY, "a reduce-only order has nothing to reduce: no position, or it is on the same side")                     \
  X(POST_ONLY, "a post-only order would have taken liquidity at once")                                                    \
  X(CLOSED, "the market is closed")                                                                                       \
  X(SELF_TRADE, "the order would trade against another working order of the same account")                                \
  X(NO_PRICE, "there is no market price for the symbol yet")                                                              \
  X(BAD_PRICE, "price, trigger, sl or tp is zero, negative or on the wrong side of the market")                           \
  X(BAD_RISK, "risk sizing needs an sl on the losing side of the entry price")                                            \
  X(OVERFLOW, "an amount does not fit in 64 bits")                                                                        \
  X(IOC, "immediate-or-cancel: what did not fill at once was cancelled")                                                  \
  X(FOK, "fill-or-kill: the whole quantity was not available at once")                                                    \
  X(DAY, "a day order expired at the end of the UTC day")                                                                 \
  X(GTD, "the order's time (ttl or until) ran out")                                                                       \
  X(OCO, "another order of its one-cancels-other group filled")                                                           \
  X(PARENT, "the entry this exit belongs to ended without a fill, or its position is closed")                             \
  X(SCRIPT, "cancelled by the script")                                                                                    \
  X(MODIFY, "the change was refused: the order had already ended, or the new values break a rule")                        \
  X(UNKNOWN_ORDER, "no such order, or it has already ended")                                                              \
  X(LIQUIDATED, "the account was liquidated: all its orders were cancelled")                                              \
  X(END, "the run ended")                                                                                                 \
  X(VENUE, "the venue refused the order")                                                                                 \
  X(ABSENT, "it was proven that the order never reached the venue")                                                       \
  X(NOT_JOURNALLED, "the order could not be written to the journal, so it was never sent")                                \
  X(OWNER, "cancelled by hand: by the bot's owner or an operator")                                                        \
  X(REPLACED, "an exit that made place for another with its new terms: the venue cannot change orders")

enum reason {
#define X(name, text) REASON_##name,
  REASON_LIST(X)
#undef X
  REASON_COUNT
};

// "MIN_QTY"; never NULL.
const char *reason_code(enum reason r);
// The one-line explanation; never NULL.
const char *reason_text(enum reason r);
// What its owner can do about an order that was rejected for it, a sentence or two; never NULL.
const char *reason_advice(enum reason r);
