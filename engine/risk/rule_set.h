// risk/rule_set.h – a prop firm's rules as data: which loss ends a day or the account, measured from what, reset when.
//
// Every loss rule comes down to a floor under the account's equity: a reference (of the day, or a high-water mark) minus an
// amount. At the floor the account is lost: that is what orders are denied for, beforehand, if all stops together could reach
// it. A soft level, a share of the same amount, comes first: there positions are to be closed and nothing opened until the day
// turns (of the day's rule) or ever (of the account's). Touching counts as reaching: firms differ in it, caution does not.
//
//     equity ──────────────────────────── reference
//                                            │  × soft      flatten, no entries
//                                            ▼  amount      breach
// Amounts round down and floors up, in integers (1e-8 of the currency). Pure; times are event times.
#pragma once
#include "base/money.h"
#include "base/status.h"
#include "market/tz.h"
#include "risk/news.h"
#include "risk/refusal.h"

#include <stddef.h>
#include <stdint.h>

#define RULE_NAME_MAX 64
#define RULE_SET_TEXT_MAX 65536
#define RULE_UNBOUNDED INT64_MAX  // a loss without a stop

// From what a day's loss is measured; taken when the risk day begins.
enum rule_basis {
  BASIS_BALANCE,      // closed profit only, as FTMO and Topstep do
  BASIS_EQUITY,       // open profit too
  BASIS_HIGHER,       // the higher of both
  BASIS_EQUITY_HIGH,  // the highest equity since the day began
};
// From what the total loss is measured.
enum rule_trail {
  TRAIL_STATIC,       // the initial balance
  TRAIL_BALANCE_EOD,  // highest balance at any day's end, or the initial one
  TRAIL_EQUITY_EOD,   // highest equity at any day's end
  TRAIL_BALANCE,      // highest balance ever
  TRAIL_EQUITY,       // highest equity ever
};
enum rule_amount_of { AMOUNT_NONE, AMOUNT_MONEY, AMOUNT_OF_INITIAL, AMOUNT_OF_BASIS };
struct rule_amount {
  enum rule_amount_of of;  // NONE: the rule is off
  int64_t value_e8;        // money, or a fraction
};

struct rule_set {
  char name[RULE_NAME_MAX];
  cash initial;
  struct tz *zone;                  // owned
  int32_t reset_s;                  // the risk day begins at this local second of the day
  enum rule_basis day_basis;
  struct rule_amount day;
  int64_t day_soft_e8;              // fraction of the amount; 1e8: no soft level
  bool day_is_fatal;                // the hard floor ends the account (FTMO), not only the day (Topstep)
  enum rule_trail trail;
  struct rule_amount total;
  int64_t total_soft_e8;
  int64_t lock_e8;                  // the total's floor never rises above this; INT64_MAX: no lock
  struct rule_amount trade_risk;    // most that one order may lose at its stop
  bool stop_required;               // also where the loss is bounded without (a long without leverage)
  int64_t stop_slip_e8;             // stops are assumed to slip by this fraction of their price
  int64_t max_qty_e8;               // Σ |position| + working, in contracts; 0: off
  int max_positions;                // symbols held or entering; 0: off
  int64_t consistency_e8;           // best day as a fraction of all profit; 0: off
  int64_t target_e8;                // profit target; with consistency: a day that has brought its share of it is over
  bool news;                        // no entries of what a calendar's entry concerns, around it
  struct news_around around;
  bool news_flat;                   // nor positions
};

// Reads the JSON form (see rule_read.c for every key; docs and editions are written in it). ERR_INVALID names the key.
// Destroy with rule_set_destroy.
// and, where it can be told, line and column. The form's "initial" is required; in the second it is `initial` where the form has none.
enum status rule_set_parse(const char *text, size_t len, struct rule_set **ret, struct err *err) MUST_CHECK;
enum status rule_set_parse_of(const char *text, size_t len, cash initial, struct rule_set **ret, struct err *err) MUST_CHECK;
void rule_set_destroy(struct rule_set *rules);

// What the rules remember of an account. Plain data, to be stored as it is (but for the two pointers).
struct rule_state {
  const struct rule_set *rules;
  const struct news_list *news; // of the caller; NULL: empty
  int64_t balance_e8, equity_e8;
  int64_t day_ref_e8;           // basis of today's loss
  int64_t day_balance_e8;       // balance when the day began
  int64_t high_e8;              // high-water mark of the total
  int64_t best_day_e8;          // largest profit of a day that is over, >= 0
  int64_t next_reset_ns;        // the next risk day begins
  int64_t day_floor_e8, day_soft_floor_e8;      // INT64_MIN: the rule is off
  int64_t total_floor_e8, total_soft_floor_e8;
  int64_t day_end_floor_e8, end_floor_e8;       // the floor that day_done, and that stopped or failed, came from
  bool day_done;                // soft or hard level of the day reached: no entries before next_reset_ns
  bool stopped;                 // soft level of the account reached: no entries any more
  bool failed;                  // a fatal floor reached
};

enum rule_action { RULE_GO_ON, RULE_FLATTEN, RULE_BREACH };
struct rule_result {
  enum rule_action action;  // FLATTEN: close all and cancel what could open. Stays until the day turns, or for ever
  struct refusal why;       // of FLATTEN and BREACH
};

// An account that starts now, or is taken over with this balance and equity: its high-water mark is the higher of the initial
// balance and what the trail counts.
void rule_state_init(struct rule_state *s, const struct rule_set *rules, cash balance, cash equity, int64_t now_ns);
// Balance and equity now: turns days that ended before now (with the figures of the mark before), raises marks, judges.
// Call it at every change and at s->next_reset_ns.
struct rule_result rule_mark(struct rule_state *s, cash balance, cash equity, int64_t now_ns);

// Other rules from here on: what was reached, the day's start and the high-water mark stay, floors are those of the new rules.
void rule_state_swap(struct rule_state *s, const struct rule_set *rules, int64_t now_ns);
// Money paid in (negative: out), which is neither profit nor loss: everything moves with it.
void rule_state_paid(struct rule_state *s, cash amount);
// What the state comes to without a new mark: RULE_FLATTEN and RULE_BREACH stay until the day turns, or for ever.
struct rule_result rule_standing(const struct rule_state *s);
// The calendar's entry that keeps the symbol closed now, in *ret_why; false: none does, or the rules do not ask.
bool rule_news(const struct rule_state *s, const char *symbol, int64_t now_ns, struct refusal *ret_why);
// When the next one begins to; INT64_MAX: never.
int64_t rule_news_next(const struct rule_state *s, const char *symbol, int64_t now_ns);
// What is remembered, as bytes; little-endian, versioned. get: false, nothing changed: damaged, or of a newer program. rules: as in init.
#define RULE_STATE_BYTES 74
void rule_state_put(const struct rule_state *s, uint8_t ret[RULE_STATE_BYTES]);
bool rule_state_get(const uint8_t *bytes, size_t len, const struct rule_set *rules, struct rule_state *ret) MUST_CHECK;

struct rule_order {
  bool grows;             // could open or add; what only reduces always passes
  int64_t loss_e8;        // of this order at its stop, fees included; RULE_UNBOUNDED
  int64_t open_loss_e8;   // from now on of everything else that is open or working, at its stops
  int64_t qty_after_e8;   // Σ |position| + working + this order, in contracts
  int positions_after;    // symbols held or entering, with this one
  bool has_stop;
  const char *symbol;     // for news; NULL: concerned by none
  int64_t now_ns;
};
// True when the rules allow it; else *ret_why. Marks must be up to date. No allocation.
bool rule_check(const struct rule_state *s, const struct rule_order *o, struct refusal *ret_why);
// Of positions whose stops are moved or taken away, which raises what they may lose: open_loss_e8 is all that is open then, at its stops,
// loss_e8 what the trade concerned may lose since its entry (for trade_risk alone; 0: none is concerned), has_stop: every lot has one.
// Of floors, trade_risk and stop_required; what forbids entries alone forbids no change of a stop.
bool rule_check_stops(const struct rule_state *s, const struct rule_order *o, struct refusal *ret_why);

// Loss of `lots` (on the side that was or will be entered) from px to its stop, slippage of the rules included, rounded up.
// NO_PRICE as stop: down to zero for a long, RULE_UNBOUNDED for a short. At least 0.
int64_t rule_stop_loss(const struct rule_set *rules, const struct instrument *inst, enum side entry, price px, price stop,
                       int64_t lots, cash fee);
// The same summed over what is open, working or unknown (a position from the mark, an entry from its price, each with the
// stop it has or will have): rule_order.open_loss_e8. RULE_UNBOUNDED if one is.
struct rule_open {
  const struct instrument *inst;
  enum side entry;
  price px, stop;
  int64_t lots;
  cash fee;
};
int64_t rule_open_loss(const struct rule_set *rules, const struct rule_open *open, size_t count);
// Best day / all profit so far, as a fraction; false without profit. For the console: a firm asks it at payout.
bool rule_consistency(const struct rule_state *s, int64_t *ret_frac_e8);
const char *rule_basis_text(enum rule_basis b);  // as in the JSON form
const char *rule_trail_text(enum rule_trail t);
