// store/usage_rows.h – subscriptions, overrides and what tenants have used. Names of plans and meters are texts here; tenant/
// knows what they mean. Every function takes the tenant.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

#define USAGE_NAME_SIZE 32
#define USAGE_KEY_MAX 100  // bytes of an event's or thing's key

// ---- subscriptions

struct subscription_row {
  char plan[USAGE_NAME_SIZE], state[USAGE_NAME_SIZE];  // active, cancelled, past_due, granted
  int64_t since_ns, ends_ns, grace_until_ns;           // 0: null
  int64_t revision;
  char *addons;  // JSON object; free it
};
// ERR_NOTFOUND: the tenant never had one.
enum status subscription_get(
  struct db *db, int64_t tenant_id, struct subscription_row *ret, struct err *err) MUST_CHECK;
// Writes it (revision goes up by itself) with an event of what happened. expected_revision 0: any; ERR_CANCELLED: it changed.
struct subscription_change {
  int64_t event_id, tenant_id, actor_id, now_ns, expected_revision;
  const char *what;  // upgrade, downgrade, cancel, …
};
enum status subscription_put(struct db *db, const struct subscription_change *change,
  const struct subscription_row *row, struct err *err) MUST_CHECK;

struct override_row {
  char plan[USAGE_NAME_SIZE];  // "": the subscription's
  int64_t expires_ns;          // 0: never
  int64_t actor_id, created_ns;
  char *limits, *reason;  // free them
};
void override_finish(struct override_row *row);
enum status override_get(struct db *db, int64_t tenant_id, struct override_row *ret, struct err *err) MUST_CHECK;
enum status override_put(struct db *db, int64_t tenant_id, const struct override_row *row, struct err *err) MUST_CHECK;
enum status override_delete(
  struct db *db, int64_t tenant_id, struct err *err) MUST_CHECK;  // ERR_NOTFOUND: there is none

// ---- meters

struct usage_window {
  const char *meter;
  int64_t start_ns;
  int64_t limit;  // INT64_MAX: none
};
// Counts an event in each window, once for its key: a second time *ret_counted is false and nothing changes. ERR_LIMIT when a
// window would go over its limit, with its index in *ret_over; the caller's write is then undone.
enum status usage_count(struct db *db, int64_t tenant_id, const char *what, const char *key, int64_t at_ns,
  int64_t amount, const struct usage_window *windows, int window_count, bool *ret_counted, int *ret_over,
  struct err *err) MUST_CHECK;
// Adds without an event: sums gathered in memory.
enum status usage_add(
  struct db *db, int64_t tenant_id, const char *meter, int64_t start_ns, int64_t amount, struct err *err) MUST_CHECK;
// 0 when the window has nothing.
enum status usage_used(
  struct db *db, int64_t tenant_id, const char *meter, int64_t start_ns, int64_t *ret, struct err *err) MUST_CHECK;

// The thing counts from now on; holding it twice is holding it once. ERR_LIMIT: that would make more than limit.
enum status usage_hold(struct db *db, int64_t tenant_id, const char *meter, const char *key, int64_t now_ns,
  int64_t limit, struct err *err) MUST_CHECK;
// key NULL: all of the meter. No error when it is not held.
enum status usage_release(
  struct db *db, int64_t tenant_id, const char *meter, const char *key, struct err *err) MUST_CHECK;
enum status usage_held(struct db *db, int64_t tenant_id, const char *meter, int64_t *ret, struct err *err) MUST_CHECK;

// Forgets at most limit events from before. Their windows stay.
enum status usage_prune(struct db *db, int64_t before_ns, int limit, int64_t *ret_gone, struct err *err) MUST_CHECK;
enum status usage_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) MUST_CHECK;
