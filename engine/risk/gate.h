// risk/gate.h – what the core checks before every order leaves: limits of the bot, of its account and of its tenant.
//
// risk/risk.h runs beside the script, on the bot's own account, and resolves sizes. This runs in the core, where no script
// ever was, and trusts nothing that a host process says: it checks what is wrong with the order itself again, and what no
// single bot can know – other bots on the account, other accounts of the tenant, orders whose fate is unknown.
//
// Everything is kept as running sums, so a check costs the same however many orders there are, and allocates nothing. What an
// order occupies is its ticket, from acceptance until nothing of it can execute any more.
//
// - Exposure is the worst case: position plus everything pending on the side that makes it larger. An order whose outcome is
//   UNKNOWN is pending in full: as filled where that is worse, and never as a position that others may close against.
// - Reduce-only orders occupy nothing: they can only make positions smaller, and sl and tp of one position are not two. But
//   one that executes leaves orders behind which counted on closing that position; so does a price that moves, and an exit of
//   one bot that leaves others of its account uncovered. gate_excess() says so: then orders that would open are to be cancelled.
// - An order that only closes its bot's position is exempt from what guards against growing risk, so that an exit is never
//   refused for it; rate and number of orders allow it twice as much, because every list has an end. The engine's own exits
//   (a flatten) pass those and the self-trade guard too: what must be closed is closed.
// Order of the checks: halt, the order itself, tier, rate, number, self-trade; then, if it grows: protections, size, position,
// exposure, loss, margin, prop rules. The first that refuses decides.
#pragma once
#include "market/instrument.h"
#include "order/order.h"
#include "order/resting.h"
#include "risk/halt.h"
#include "risk/protect.h"
#include "risk/refusal.h"
#include "risk/rule_set.h"

// 0 switches a limit off. Money in the scope's currency.
struct gate_limits {
  int64_t max_order_e8;      // notional of one order
  int64_t max_position_e8;   // of one symbol; not at LEVEL_TENANT
  int64_t max_exposure_e8;   // sum over symbols (and, at LEVEL_TENANT, accounts)
  int64_t max_open;          // orders that can still execute
  int64_t collar_e8;         // distance of a limit or trigger from the last price, as a fraction
  int64_t rate_burst;        // orders at once (GCRA: a bucket of this size …
  int64_t rate_period_ns;    // … that gains one per period)
  int64_t day_loss_e8, drawdown_e8;
  int64_t max_leverage_e4;   // exposure ≤ equity × this; 1x = 10,000
  int64_t max_trades;        // of the plan, in its own period: gate_scope.trades_used is the caller's
};

// Who has limits: a bot, an account or a tenant.
struct gate_scope {
  enum refusal_level level;  // LEVEL_BOT, LEVEL_ACCOUNT or LEVEL_TENANT
  struct gate_limits limits;
  int64_t rate_e8;           // its currency in the tenant's, 1e8: the same. Of LEVEL_ACCOUNT only
  int64_t equity_e8, day_start_e8, peak_e8;
  int64_t free_e8;           // of LEVEL_ACCOUNT: equity − margin of positions, as the venue or the ledger says, without orders
  int64_t trades_used;
  // Kept by this module:
  int64_t open_orders;
  int128 exposure_e8;        // Σ worst_e8
  int128 margin_e8;          // Σ margin_e8: what pending orders would tie up; of LEVEL_ACCOUNT
  int64_t tat_ns;            // GCRA's theoretical arrival time
};

// One symbol of a bot or of an account.
struct gate_symbol {
  const struct instrument *inst;
  int64_t leverage_e4;       // 1x = 10,000
  price last;                // NO_PRICE before the first
  int64_t lots;              // position, signed
  int64_t buy_lots, sell_lots, buy_e8, sell_e8;  // pending orders that may open: lots, and notional at their prices
  int64_t unknown_buy_lots, unknown_sell_lots;   // of them, those whose fate is unknown
  int64_t worst_e8;          // notional of the worst case; margin_e8: of what pending orders would open
  int64_t margin_e8;
  int64_t worst_up_e8;       // worst_e8 in the tenant's currency as it counts there
};

// Where an order goes through. Pointers that may be NULL: halt, resting, protect, rules.
struct gate_path {
  struct gate_scope *bot, *account, *tenant;
  struct gate_symbol *bot_symbol, *account_symbol;
  uint64_t bot_id, tenant_id, venue_id;
  const struct halt_state *halt;
  const struct resting *resting;     // of the account and symbol
  const struct protect *protect;     // of the bot
  int protect_symbol;
  const struct rule_state *rules;    // of the account
  bool closed;                       // the market is
  enum refusal_rule plan_denies;     // entries; REFUSE_NONE: the plan has a place for them
};

struct gate_order {
  enum side side;
  int64_t lots;
  price px;            // at which it is valued: its limit, its trigger, or the last price
  price limit;         // of orders that can execute on arrival; NO_PRICE: market
  bool waits;          // a stop: cannot execute on arrival
  bool priced;         // px is the script's own: the collar applies
  bool reduce;         // reduce-only
  bool by_engine;      // closes because of a halt or a rule
  cash fee;            // at most
  int64_t now_ns;
  // For path.rules: see struct rule_order, whose grows, symbol and now_ns are filled in here.
  struct rule_order rule;
};

// What an accepted order occupies. Kept beside it by the caller.
struct gate_ticket {
  enum side side;
  bool open;           // counts among the open orders
  bool reduce, unknown;
  int64_t lots, e8;    // occupied now
  int64_t all_lots, all_e8;
};

void gate_scope_init(struct gate_scope *s, enum refusal_level level, const struct gate_limits *limits, cash equity);
void gate_symbol_init(struct gate_symbol *s, const struct instrument *inst, int64_t leverage_e4);
// Equity of the scope now: raises the peak. The risk day turned.
static inline void gate_scope_mark(struct gate_scope *s, cash equity) {
  s->equity_e8 = equity.e8;
  if (equity.e8 > s->peak_e8) s->peak_e8 = equity.e8;
}
static inline void gate_scope_day(struct gate_scope *s) { s->day_start_e8 = s->equity_e8; }

// True: may leave. Changes nothing.
bool gate_check(const struct gate_path *p, const struct gate_order *o, struct refusal *ret_why);
// The order passed and goes on: spends the rates, occupies its ticket. Between check and accept nothing may happen.
void gate_accept(const struct gate_path *p, const struct gate_order *o, struct gate_ticket *ret_ticket);
// As gate_accept, but spends no rates: an order that is known to work already (a restart, a change that was refused).
void gate_occupy(const struct gate_path *p, const struct gate_order *o, struct gate_ticket *ret_ticket);
// Of the order, pending_lots (route_pending) can still execute; unknown: its state is. More than it had is fine (a change).
void gate_update(const struct gate_path *p, struct gate_ticket *t, int64_t pending_lots, bool unknown);
// Nothing of it can execute any more. May come twice.
void gate_release(const struct gate_path *p, struct gate_ticket *t);
// True: position or exposure could become larger than a limit allows, and orders are pending that would make it so: cancel
// those. To ask after gate_fill and gate_price. What is held already is not a reason.
bool gate_excess(const struct gate_path *p, struct refusal *ret_why);
// An execution (or a correction by reconciliation) of its bot: positions. The ticket is told by gate_update.
void gate_fill(const struct gate_path *p, enum side side, int64_t lots);
// The last price of the symbol: revalues bot and account. At the latest before gate_check.
void gate_price(const struct gate_path *p, price last);
