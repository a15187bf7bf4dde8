// tenant/entitlement.h – what a tenant may have now: the active plan set, the subscription, add-ons, and an operator's exception.
#pragma once
#include "base/json.h"
#include "base/status.h"
#include "script/tier_script.h"
#include "store/usage_rows.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

enum entitlement_state {
  ENTITLED_DEFAULT,  // no subscription, or it has ended: the set's default plan
  ENTITLED_ACTIVE,
  ENTITLED_CANCELLED,  // still holds, until ends_ns
  ENTITLED_PAST_DUE,   // payment is late; still holds, until ends_ns
  ENTITLED_GRANTED,    // given by an operator
};
// As in the API: "active" for the default too.
const char *entitlement_state_text(enum entitlement_state state);

struct entitlement {
  struct plan plan;            // with add-ons and exceptions: what holds
  const struct plan_set *set;  // as given; the plan's price and currency
  enum entitlement_state state;
  int64_t since_ns;           // of the subscription; 0: none
  int64_t ends_ns;            // when the subscription ends; 0: not foreseen
  int64_t grace_until_ns;     // what exceeds the plan goes on until then; 0: no downgrade
  int64_t override_until_ns;  // 0: for good
  int64_t addons[ADDONS_MAX];  // how many of each of the set's
  bool overridden;
  bool plan_gone;    // the subscription names a plan that the set no longer has; the default holds
  int64_t revision;  // of the subscription
};

enum status entitlement_load(struct db *db, const struct plan_set *set, int64_t tenant_id, int64_t now_ns,
  struct entitlement *ret, struct err *err) MUST_CHECK;

// {"plan","state","since_ms","ends_at_ms","addons","grace_until_ms","exception","exception_until_ms"}, as GET /subscriptions/current answers. NULL: no memory.
json_t *entitlement_json(const struct entitlement *e);

// ---- changes; each runs in a write (store_write) and records an event

struct plan_change {
  int64_t tenant_id, actor_id, now_ns;
  int64_t event_id;           // an id for the event's row
  int64_t expected_revision;  // 0: any
};

enum plan_direction { PLAN_UP, PLAN_DOWN, PLAN_SAME };
// By monthly price; equal prices: down when a limit or right is lost.
enum plan_direction plan_compare(const struct plan *from, const struct plan *to);

// Takes the plan at once. Downwards, what exceeds it has the set's grace. addons: JSON {"bot_slot": 2} or NULL to keep what
// there is. ERR_NOTFOUND: no such plan or add-on (the message suggests); ERR_CANCELLED: changed meanwhile.
enum status subscription_change(struct db *db, const struct plan_set *set, const struct plan_change *change,
  const char *plan, const char *addons, struct err *err) MUST_CHECK;
// Holds until the running month since its beginning is over. ERR_NOTFOUND: nothing to cancel.
enum status subscription_cancel(struct db *db, const struct plan_change *change, struct err *err) MUST_CHECK;

// An operator's exception: another plan (NULL: the subscription's) and single limits ({"bots": 10, "pairs": null}; null is
// unlimited; NULL: none), until expires_ns (0: for good).
enum status entitlement_override(struct db *db, const struct plan_set *set, const struct plan_change *change,
  const char *plan, const char *limits, int64_t expires_ns, const char *reason, struct err *err) MUST_CHECK;
