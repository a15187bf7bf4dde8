// risk/risk.h – pre-trade checks: an intent becomes a quantity in lots, or a denial with code, limit and value.
//
// Pure: account in, verdict out. The checks run in this order: what is wrong with
// the intent itself, then limits of the account, then money. Orders that only reduce a position pass the limits that
// protect from growing risk (MARGIN, MAX_*, DAY_LOSS, DRAWDOWN, HALTED), so that an exit is never refused for them; only
// MAX_OPEN holds for them too, at twice the number, because every list has an end.
#pragma once
#include "order/account.h"
#include "order/order.h"

// 0 switches a limit off, except max_open.
struct risk_limits {
  int max_open;               // working orders per bot; always on
  int64_t max_order_e8;       // largest notional of one order
  int64_t max_position_e8;    // largest notional of a position with its working orders
  int64_t collar_frac_e8;     // largest distance of a limit, trigger from the last price, as a fraction in 1e-8
  int64_t day_loss_e8;        // loss of equity since the day's start at which only reducing is allowed
  int64_t drawdown_e8;        // loss from the equity peak, likewise
  int rate_count;             // at most rate_count orders in any rate_window_ns
  int64_t rate_window_ns;
};
// 200 working orders, everything else off.
void risk_limits_init(struct risk_limits *l);

#define RISK_RATE_MAX 256  // rate_count's maximum

// What the checks remember of one bot between orders.
struct risk_state {
  int64_t day_start_e8;   // equity when the risk day began
  int64_t peak_e8;        // highest equity so far
  bool halted;            // kill switch
  bool closed;            // market closed
  int64_t *sent_ns;       // times of the last orders, a ring that grows up to RISK_RATE_MAX; NULL before the first
  uint32_t sent_cap;      // a power of two
  uint32_t sent_count;    // orders ever
};
void risk_state_init(struct risk_state *s, cash equity);
void risk_state_finish(struct risk_state *s);  // also before it is initialised once more
// The risk day turned.
void risk_state_day(struct risk_state *s, cash equity);
// Call at every mark: raises the peak.
static inline void risk_state_mark(struct risk_state *s, cash equity) {
  if (equity.e8 > s->peak_e8) s->peak_e8 = equity.e8;
}
// To bytes and back (base/pack.h): but for kill switch and market hours, which are told anew.
struct pack;
void risk_state_pack(struct risk_state *s, struct pack *p);
// An order was accepted at now_ns: counts for RATE. Asserts that there is memory, 2 KiB at most.
void risk_state_sent(struct risk_state *s, int64_t now_ns);

// Fees as risk needs them: what an order costs at most, per side.
struct risk_fees {
  int64_t taker_frac_e8;  // of notional
  int64_t fixed_e8;       // per order
  int64_t per_unit_e8;    // per 1.0 of quantity
};

struct denial {
  enum reason code;
  double limit, value;     // in the unit of the message: money, lots as quantity, orders, percent
  char msg[160];           // "needs 1200.5, free 1000"
};

struct risk_verdict {
  bool ok;
  quantity qty;            // ok: lots to order, > 0 (for SIZE_CLOSE the position at the decision)
  bool reduce;             // ok: nothing of it can open
  struct denial denial;    // !ok
};

// Resolves and checks. Sizes other than qty are resolved at the symbol's mark (limit orders at their limit, stops at their
// trigger), rounded down to lots; qty must be covered by free funds with its fee, while pct, notional and risk are not
// refused for a shortage: the matcher cuts them at the fill.
// resolve_at_fill (compat models): MARGIN is left to the fill and a pct order passes with its estimate.
struct risk_verdict risk_check(const struct account *a, const struct intent *in, const struct risk_limits *limits,
                               const struct risk_state *state, const struct risk_fees *fees, bool resolve_at_fill,
                               int64_t now_ns);
// Lots for a size of any kind at px, rounded down; the building block of the above, also for ctx:target. px is the entry's
// price. False: overflow, or a risk size without a usable sl (ret_why says).
bool risk_size_lots(const struct account *a, const struct intent *in, price px, int64_t *ret_lots, enum reason *ret_why);
