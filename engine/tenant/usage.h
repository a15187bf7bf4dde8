// tenant/usage.h – may the tenant do this now, and how much has it used?
//
// Two steps for everything that counts. usage_check, on the loop: rights, limits, then the tier script's allow(). usage_take,
// inside the write that does the thing: counts it in the same transaction and holds the limits once more, so that no race lets
// one too many pass and nothing counts that did not happen. Requests are too many for that: they are counted in memory
// (usage_api_call) and written every few seconds; a crash forgets at most those.
//
// Leaving a position is never an action here: it is always allowed.
#pragma once
#include "base/json.h"
#include "base/status.h"
#include "script/tier_script.h"
#include "tenant/entitlement.h"

#include <stdbool.h>
#include <stdint.h>

struct db;
struct store;
struct usage;

enum usage_verdict {
  USAGE_ALLOWED,
  USAGE_LIMIT,   // limit is reached
  USAGE_RIGHT,   // the plan does not include it
  USAGE_RULE,    // the tier script refused, with its reason
  USAGE_BROKEN,  // the tier script failed; nothing is allowed until it is mended
};

struct usage_decision {
  enum usage_verdict verdict;
  enum plan_limit limit;         // USAGE_LIMIT: which; for a call that was counted: the one it counts against
  int64_t limit_value, used;     // of that limit (PLAN_UNLIMITED: none); used before this
  int64_t resets_at_ns;          // when its window ends; 0: does not end by itself
  enum plan_right right;         // USAGE_RIGHT: which is missing
  char reason[PLAN_REASON_MAX];  // for people
};

// How a held limit is counted that has rows of its own (accounts, members). Reads only.
typedef enum status (*usage_counter)(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err);

enum status usage_create(struct usage **ret, struct err *err) MUST_CHECK;
void usage_destroy(struct usage *u);
// Instead of what usage_take and usage_release keep. LIMIT_STRATEGIES has one from the start.
void usage_count_by(struct usage *u, enum plan_limit limit, usage_counter counter);

// What of a size (Lua memory …) is in use at this moment, for usage_now and GET /usage; on the loop. Whoever uses it holds the limit.
typedef int64_t (*usage_gauge)(void *arg, int64_t tenant_id);
void usage_gauge_by(struct usage *u, enum plan_limit limit, usage_gauge gauge, void *arg);

// What is used now: held things, this window's events, the hour's requests, sizes that have a gauge (0 for others).
enum status usage_now(struct usage *u, struct db *db, int64_t tenant_id, enum plan_limit limit, int64_t now_ns,
  int64_t *ret, struct err *err) MUST_CHECK;

// e: the tenant's, loaded just before. amount ≥ 1: how many more. Errors are the store's; a refusal is OK with the verdict in ret. A failed allow() is OK too, with
// USAGE_BROKEN and the script's error in err->msg, for the log. Loop thread.
enum status usage_check(struct usage *u, struct db *db, struct tier_script *tiers, const struct entitlement *e,
  int64_t tenant_id, enum plan_action action, int64_t amount, int64_t now_ns, struct usage_decision *ret,
  struct err *err) MUST_CHECK;

// Inside a write, with the plan that was checked: counts the action once for its key (an order's id, a bot's id …; at most 100 bytes). ERR_LIMIT with ret
// filled: the caller returns it and its write is undone. A limit with a counter of its own (usage_count_by) is held by that: do
// the counted insert first.
enum status usage_take(struct usage *u, struct db *db, const struct plan *plan, int64_t tenant_id,
  enum plan_action action, const char *key, int64_t amount, int64_t now_ns, struct usage_decision *ret,
  struct err *err) MUST_CHECK;
// Inside a write: what the action holds under the key is no longer there (a bot stopped, a backtest ended). Windows stay.
enum status usage_release_action(
  struct db *db, int64_t tenant_id, enum plan_action action, const char *key, struct err *err) MUST_CHECK;

// ---- requests

// Counts a request against api_calls_per_hour: in memory, 100 ns. db and set are asked when the tenant is new here, its hour
// begins, its plan may have changed (usage_forget, usage_forget_all) or a minute has gone by. A refused request counts too.
enum status usage_api_call(struct usage *u, struct db *db, const struct plan_set *set, int64_t tenant_id,
  int64_t now_ns, struct usage_decision *ret, struct err *err) MUST_CHECK;
// The plan's api_calls_per_minute as of the last usage_api_call; 60 for a tenant not seen.
int64_t usage_api_rate(const struct usage *u, int64_t tenant_id);
// The tenant's plan (or everybody's) changed: ask again at the next request.
void usage_forget(struct usage *u, int64_t tenant_id);
void usage_forget_all(struct usage *u);
// Writes what was counted since, and forgets now and then what is no longer needed; call it every few seconds. What could not
// be written is tried again. The store needs a loop.
void usage_flush(struct usage *u, struct store *store, int64_t now_ns);
// The same, waiting for the commit; when the service stops.
enum status usage_flush_sync(struct usage *u, struct store *store, struct err *err) MUST_CHECK;

// ---- after a downgrade

enum usage_standing {
  USAGE_WITHIN,  // nothing exceeds the plan
  USAGE_GRACE,   // something does: warn; nothing new, what is there goes on until grace_until_ns
  USAGE_WIND_DOWN,  // the grace is over: what is too much opens nothing any more; its positions are closed by its own exits only
};
struct usage_excess {
  enum usage_standing standing;
  int64_t until_ns;           // USAGE_GRACE: when winding down begins
  int64_t over[LIMIT_COUNT];  // how many too many; 0: none. Held limits only
};
enum status usage_excess(struct usage *u, struct db *db, const struct entitlement *e, int64_t tenant_id, int64_t now_ns,
  struct usage_excess *ret, struct err *err) MUST_CHECK;

// {"plan": id, "standing", "until_ms", "items": [{"name", "used", "limit", "resets_at_ms", "over"}]}: held and windowed limits, and
// sizes that have a gauge; over: how many of a held thing exceed the plan. *ret is yours.
enum status usage_json(struct usage *u, struct db *db, const struct entitlement *e, int64_t tenant_id, int64_t now_ns,
  json_t **ret, struct err *err) MUST_CHECK;
