// store/desk_rows.h – what operators look at over all tenants: who there is, what failed, which version of a script was active when, and
// what subscriptions say of revenue. Reads only, and no function takes a tenant.
#pragma once
#include "base/status.h"
#include "store/bot_rows.h"
#include "store/org_rows.h"
#include "store/usage_rows.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

// ---- tenants
struct desk_tenant {
  struct tenant_row tenant;
  const char *email;        // of who a personal one is of, "" else or once erased; during the callback
  int64_t user_id;          // likewise; 0: an organisation
  int64_t members;
  int64_t bots, started;    // not deleted; of them, those that are to run or be paused
  int64_t accounts;
};
// Newest first, ids below before; text: part of name or address, NULL: any. fn false ends it.
enum status desk_tenants(struct db *db, const char *text, int64_t before, int limit, bool (*fn)(void *arg, const struct desk_tenant *row), void *arg, struct err *err) MUST_CHECK;
// What people call a tenant: the address of a personal one, else its name. ERR_NOTFOUND: there is none.
enum status desk_tenant_name(struct db *db, int64_t tenant_id, char *ret, size_t size, struct err *err) MUST_CHECK;

// ---- failures of bots that are not deleted
struct desk_failure {
  struct bot_failure failure;  // detail: during the callback
  int64_t tenant_id;
  const char *bot_name, *state;  // of now; during the callback
};
// Newest first, ids below before. held: only of bots that wait for somebody now (quarantined, dead, retired).
enum status desk_failures(struct db *db, bool held, int64_t before, int limit, bool (*fn)(void *arg, const struct desk_failure *row), void *arg, struct err *err) MUST_CHECK;

// How many bots are in each state. The name during the callback.
enum status desk_bot_states(struct db *db, void (*fn)(void *arg, const char *state, int64_t count), void *arg, struct err *err) MUST_CHECK;

// ---- which version was active when
struct desk_activation {
  int64_t revision, version, previous;  // previous 0: none
  int64_t actor_id, at_ns;              // actor_id 0: at the machine
};
// Newest first, revisions below before.
enum status desk_activations(struct db *db, int64_t script_id, int64_t before, int limit, bool (*fn)(void *arg, const struct desk_activation *row), void *arg, struct err *err) MUST_CHECK;

// ---- subscriptions
// Those that hold at now_ns, counted by plan, state and add-ons. Texts during the callback.
struct desk_subscriptions {
  const char *plan, *state, *addons;  // addons: JSON object
  int64_t count;
};
enum status desk_subscriptions(struct db *db, int64_t now_ns, void (*fn)(void *arg, const struct desk_subscriptions *row), void *arg, struct err *err) MUST_CHECK;
// Tenants that had a subscription, not cancelled, at then_ns: what it was, and what the last word on it is. Counted by these.
struct desk_change {
  const char *plan_then, *plan_now;
  bool cancelled;             // since
  int64_t count;
};
enum status desk_changes(struct db *db, int64_t then_ns, void (*fn)(void *arg, const struct desk_change *row), void *arg, struct err *err) MUST_CHECK;
// Operators' exceptions in force, and tenants that are not deleted.
enum status desk_counts(struct db *db, int64_t now_ns, int64_t *ret_exceptions, int64_t *ret_tenants, struct err *err) MUST_CHECK;
