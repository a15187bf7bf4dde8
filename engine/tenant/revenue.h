// tenant/revenue.h – what subscriptions come to in a month, how many go, what one is worth: for operators.
//
// Computed from the subscriptions that hold now and from the log of their changes, at the monthly prices of the plan set in force: what was
// really paid (years at once, discounts, taxes, refunds) is the payment provider's to know, so this is recurring revenue, not income.
#pragma once
#include "script/tier_script.h"

#include <stdint.h>

struct db;

#define REVENUE_WINDOW_NS (INT64_C(30) * 24 * 3600 * 1000000000)

struct revenue_plan {
  int64_t active, past_due, leaving, granted;  // leaving: cancelled, paid until their month is over; granted: an operator's gift
  int64_t mrr_e8;                              // active and past due
};
struct revenue {
  struct revenue_plan plans[PLANS_MAX];        // in the set's order; the price of add-ons is not in them
  int64_t addons[ADDONS_MAX], addons_mrr_e8[ADDONS_MAX];  // of those who pay
  int64_t mrr_e8;                              // plans and add-ons, active and past due
  int64_t leaving_mrr_e8;                      // of those who have cancelled, on top of that
  int64_t paying, past_due, leaving;           // tenants with a price above 0
  int64_t unpriced;                            // subscriptions to plans that the set no longer has
  int64_t tenants, exceptions;                 // all that are not deleted; plan overrides in force
  // Of those who paid 30 days ago (and had not cancelled): how many cancelled since or went to a plan without a price; who pays now and did not then.
  int64_t before, lost, joined;
  int64_t arpu_e8;                             // mrr / paying, rounded down; 0 without anybody
  int64_t ltv_e8;                              // arpu × before / lost: a month's revenue over the share that goes in one; 0: nobody went, so unknown
};

// now_ns: Unix time. Sums that do not fit are ERR_LIMIT. Any thread, with a connection of control.db.
enum status revenue_load(struct db *db, const struct plan_set *set, int64_t now_ns, struct revenue *ret, struct err *err) MUST_CHECK;
