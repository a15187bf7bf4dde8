// risk/refusal.h – why an order was refused, in exact numbers: which rule, at which level, its limit and the order's value.
//
// The hot path fills this struct and nothing else; text is made when somebody reads it. Scripts get err.code (the closed list
// of order/reason.h), err.limit and err.value; log, console and on_risk also the rule's name, which is finer than the code.
#pragma once
#include "market/instrument.h"
#include "order/reason.h"
#include "risk/risk.h"

#include <stdbool.h>
#include <stdint.h>

// What limit and value count.
enum refusal_unit { UNIT_NONE, UNIT_MONEY_E8, UNIT_LOTS, UNIT_TICKS, UNIT_FRAC_E8, UNIT_COUNT, UNIT_NS, UNIT_QTY_E8 };

// Journals keep a rule's and a level's place in its list: append only.
// X(NAME, name, code, unit, text): {limit} and {value} are written in their unit, {until} as UTC, {other} as a number.
#define REFUSAL_LIST(X)                                                                                                     \
  X(NONE, "none", NONE, NONE, "not refused")                                                                                \
  /* risk/gate */                                                                                                           \
  X(OVERFLOW, "overflow", OVERFLOW, NONE, "an amount does not fit in 64 bits")                                              \
  X(NO_PRICE, "no_price", NO_PRICE, NONE, "there is no price yet")                                                          \
  X(BAD_PRICE, "bad_price", BAD_PRICE, TICKS, "price {value} is not above 0")                                               \
  X(CLOSED, "closed", CLOSED, NONE, "the market is closed")                                                                 \
  X(HALTED, "halted", HALTED, COUNT, "trading is halted, nothing may be sent but cancels (epoch {value})")                  \
  X(HALT_REDUCE, "halt_reduce", HALTED, COUNT, "trading is halted, only orders that reduce may be sent (epoch {value})")    \
  X(HALT_FLATTEN, "halt_flatten", HALTED, COUNT, "trading is halted, positions are being closed (epoch {value})")           \
  X(SIZE_MIN, "size_min", MIN_QTY, LOTS, "size {value} is below the smallest, {limit}")                                     \
  X(SIZE_MAX, "size_max", MAX_ORDER, LOTS, "size {value} is above the largest, {limit}")                                    \
  X(NOTIONAL_MIN, "notional_min", MIN_NOTIONAL, MONEY_E8, "worth {value}, the smallest order is {limit}")                   \
  X(NOTIONAL_MAX, "notional_max", MAX_ORDER, MONEY_E8, "worth {value}, the largest order is {limit}")                       \
  X(REDUCE_ONLY, "reduce_only", REDUCE_ONLY, LOTS, "{value} to sell or buy back, the position has {limit}")                 \
  X(COLLAR, "collar", COLLAR, FRAC_E8, "{value} away from the last price, at most {limit} are allowed")                     \
  X(POSITION_MAX, "position_max", MAX_POSITION, MONEY_E8, "the position could be worth {value}, at most {limit}")           \
  X(EXPOSURE_MAX, "exposure_max", MAX_POSITION, MONEY_E8, "all positions could be worth {value}, at most {limit}")          \
  X(OPEN_MAX, "open_max", MAX_OPEN, COUNT, "{value} orders are working, at most {limit}")                                   \
  X(RATE, "rate", RATE, COUNT, "more than {limit} orders at once or faster than allowed; again at {until}")                 \
  X(DAY_LOSS, "day_loss", DAY_LOSS, MONEY_E8, "today's loss is {value}, the limit {limit}")                                 \
  X(DRAWDOWN, "drawdown", DRAWDOWN, MONEY_E8, "the loss from the peak is {value}, the limit {limit}")                       \
  X(MARGIN, "margin", MARGIN, MONEY_E8, "needs {value}, free are {limit}")                                                  \
  X(TIER_TRADES, "tier_trades", TIER_TRADES, COUNT, "{value} trades of this plan's {limit} are used")                       \
  X(TIER_VENUE, "tier_venue", TIER_VENUE, NONE, "the plan does not include this venue")                                     \
  X(SELF_TRADE, "self_trade", SELF_TRADE, TICKS, "{value} would meet order {other} of the same account at {limit}")         \
  /* risk/rule_set */                                                                                                       \
  X(PROP_FAILED, "prop_failed", PROP_RULE, MONEY_E8, "the account's floor, {limit}, was reached; equity is {value}")                 \
  X(PROP_DAY_DONE, "prop_day_done", PROP_RULE, MONEY_E8, "today's floor, {limit}, was reached; equity is {value}; again at {until}") \
  X(PROP_DAY_LOSS, "prop_day_loss", PROP_RULE, MONEY_E8, "all stops hit would leave {value}, the day's floor is {limit}")   \
  X(PROP_TOTAL_LOSS, "prop_total_loss", PROP_RULE, MONEY_E8, "all stops hit would leave {value}, the account's floor is {limit}") \
  X(PROP_TRADE_RISK, "prop_trade_risk", PROP_RULE, MONEY_E8, "{value} at risk, at most {limit} in one trade")               \
  X(PROP_NO_STOP, "prop_no_stop", PROP_RULE, NONE, "the loss has no bound: an sl is required")                              \
  X(PROP_QTY, "prop_qty", PROP_RULE, QTY_E8, "{value} contracts, at most {limit} are allowed")                              \
  X(PROP_POSITIONS, "prop_positions", PROP_RULE, COUNT, "{value} positions, at most {limit} are allowed")                   \
  X(PROP_NEWS, "prop_news", PROP_RULE, NS, "no entries around news until {until}")                                          \
  X(PROP_CONSISTENCY, "prop_consistency", PROP_RULE, MONEY_E8, "today's profit is {value}, one day may bring {limit}")      \
  /* risk/protect */                                                                                                        \
  X(COOLDOWN, "cooldown", HALTED, NS, "a pause after a trade, until {until}")                                               \
  X(STOP_GUARD, "stop_guard", HALTED, COUNT, "{value} stop losses in the window (limit {limit}), until {until}")            \
  X(LOW_PROFIT, "low_profit", HALTED, FRAC_E8, "{value} profit in the window, {limit} are required, until {until}")         \
  X(WINDOW_DRAWDOWN, "window_drawdown", DRAWDOWN, FRAC_E8, "drawdown of {value} in the window, at most {limit}, until {until}") \
  /* risk/gate */                                                                                                           \
  X(LEVERAGE, "leverage", MARGIN, MONEY_E8, "all positions could be worth {value}, equity and leverage allow {limit}")       \
  X(TIER_PLACE, "tier_place", TIER_VENUE, NONE, "the plan has no place for this bot any more; exits pass")

enum refusal_rule {
#define X(name, text, code, unit, explanation) REFUSE_##name,
  REFUSAL_LIST(X)
#undef X
  REFUSE_COUNT
};

// Whose rule it is.
#define REFUSAL_LEVEL_LIST(X) X(BOT, "bot") X(ACCOUNT, "account") X(TENANT, "tenant") X(VENUE, "venue") X(ALL, "everything")
enum refusal_level {
#define X(name, text) LEVEL_##name,
  REFUSAL_LEVEL_LIST(X)
#undef X
  LEVEL_COUNT
};

struct refusal {
  enum refusal_rule rule;
  enum refusal_level level;
  int64_t limit, value;  // in refusal_unit(rule)
  int64_t until_ns;      // when it may be different; 0: not known
  uint64_t other;        // another order
  uint64_t other_bot;    // SELF_TRADE: whose it is; 0: not known
};

// Fills r and returns false, so that a check reads `return refuse(r, …)`.
static inline bool refuse(struct refusal *r, enum refusal_rule rule, enum refusal_level level, int64_t limit, int64_t value) {
  *r = (struct refusal){.rule = rule, .level = level, .limit = limit, .value = value};
  return false;
}

const char *refusal_name(enum refusal_rule rule);           // "stop_guard"
enum reason refusal_reason(enum refusal_rule rule);         // REASON_HALTED
enum refusal_unit refusal_unit(enum refusal_rule rule);
const char *refusal_level_text(enum refusal_level level);   // "tenant"

#define REFUSAL_TEXT_SIZE 200
// "account: worth 1200.5, the largest order is 1000". inst may be NULL: ticks and lots are then written as counts.
char *refusal_text(const struct refusal *r, const struct instrument *inst, char buf[REFUSAL_TEXT_SIZE]);
// As a script's err: code, limit and value in units (money, quantity, price; fractions in percent, times in seconds), msg.
struct denial refusal_denial(const struct refusal *r, const struct instrument *inst);
