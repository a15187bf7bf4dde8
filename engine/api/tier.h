// api/tier.h – private to api/: what the tenant's plan allows, asked before a write and counted within it.
#pragma once
#include "api/call.h"
#include "tenant/entitlement.h"
#include "tenant/usage.h"

// On the loop: what the tenant is entitled to now; loaded once per call, lives as long as it. NULL: call->err says why.
const struct entitlement *api_entitlement(struct api_call *call);
// On the loop: false when the answer is set: tier_forbids or tier_limit with the plan's own words, or a failure. Operators may all.
bool api_may(struct api_call *call, enum plan_action action);
// In the write, after api_may: counts the action once for its key.
enum status api_take(struct api_call *call, struct db *db, enum plan_action action, const char *key) MUST_CHECK;
// The same for another tenant than the call's, by its plan as of now; plans_hold came before, on the loop.
enum status api_take_of(struct api_call *call, struct db *db, int64_t tenant_id, enum plan_action action, const char *key) MUST_CHECK;
// The plans stay as they are until the call ends.
void plans_hold(struct api_call *call);
// One request more; PROBLEM_tier_limit when the hour's are used up.
enum problem api_meter_request(struct api_call *call);
// What the plan of a tenant as it is now grants its running bots.
struct live_grant;
struct live_grant tier_bots_grant(struct api_core *core, int64_t tenant_id, int64_t now_ns);
// A bot has entered a position by the order of this client id: counted where the plan has a limit of entries.
void tier_bot_traded(struct api_core *core, int64_t tenant_id, const char *key, int64_t now_ns);
