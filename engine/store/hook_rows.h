// store/hook_rows.h – hooks that others post signals to, their deliveries, the bots that listen (control.db).
//
// A delivery's row is its acceptance: who posted is answered when it is committed. What became of it, and the signals to bots
// (store/signal_rows.h), are one write behind it, in the same commit or a later one, so that a signal is acted upon once or, when the process died in
// between, later and once.
// Functions for handlers take the tenant; those for the desk that works off deliveries say that they do not.
#pragma once
#include "base/status.h"
#include "crypto/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

#define HOOKS_MAX 100                 // of a tenant
#define HOOK_NAME_SIZE 401
#define HOOK_SIGN_SEALED_MAX 256
#define HOOK_DELIVERIES_KEPT 10000    // of a hook, and none longer than a day but the latest 100
#define HOOK_REMEMBERED_NS (INT64_C(86400) * 1000000000)
// What was delivered is known as a duplicate for a day, also when its row went: of hooks that take more than a million a day, for the time of a million, but
// for no less than signatures hold (their time may be five minutes ahead).
#define HOOK_SEEN_MAX 1000000
#define HOOK_SEEN_MIN_NS (INT64_C(600) * 1000000000)
#define HOOK_PER_MINUTE 600           // messages, where settings.per_minute does not say

// settings: valid as long as the row (hook_row_finish), or during the callback.
struct hook_row {
  int64_t id, tenant_id;
  char name[HOOK_NAME_SIZE];
  uint8_t token_hash[SHA256_BYTES];
  bool enabled, shared;
  const char *settings;      // JSON object
  uint8_t sign_key[HOOK_SIGN_SEALED_MAX];
  size_t sign_key_len;       // 0: senders do not sign
  int64_t created_ns, updated_ns, revision;
  char *text;                // owned; NULL in lists
};
void hook_row_finish(struct hook_row *row);

enum status hook_insert(struct db *db, const struct hook_row *row, struct err *err) MUST_CHECK;
enum status hook_get(struct db *db, int64_t tenant_id, int64_t id, struct hook_row *ret, struct err *err) MUST_CHECK;
// By its token, of any tenant: for who posts. ERR_NOTFOUND.
enum status hook_by_token(struct db *db, const uint8_t token_hash[SHA256_BYTES], struct hook_row *ret, struct err *err) MUST_CHECK;
// By its id, of any tenant: for the desk, and for bots that listen to shared ones.
enum status hook_find(struct db *db, int64_t id, struct hook_row *ret, struct err *err) MUST_CHECK;
// name, token_hash, enabled, shared, settings, sign_key, updated_ns; the revision goes up by one. ERR_NOTFOUND.
enum status hook_update(struct db *db, const struct hook_row *row, struct err *err) MUST_CHECK;
// With its deliveries. ERR_NOTFOUND.
enum status hook_delete(struct db *db, int64_t tenant_id, int64_t id, struct err *err) MUST_CHECK;
enum status hook_count(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) MUST_CHECK;
enum status hook_erase_tenant(struct db *db, int64_t tenant_id, struct err *err) MUST_CHECK;
typedef bool (*hook_row_fn)(void *arg, const struct hook_row *row);  // false: enough
// Newest first, ids below before_id. shared: instead those of other tenants that are open to all and enabled.
enum status hook_list(struct db *db, int64_t tenant_id, bool shared, int64_t before_id, int limit, hook_row_fn fn, void *arg, struct err *err) MUST_CHECK;

// ---- who listens; whose bot it is, and whether it may, the caller has asked
enum status hook_bot_add(struct db *db, int64_t hook_id, int64_t bot_id, struct err *err) MUST_CHECK;     // again: nothing
enum status hook_bot_remove(struct db *db, int64_t hook_id, int64_t bot_id, struct err *err) MUST_CHECK;  // ERR_NOTFOUND
typedef bool (*hook_bot_fn)(void *arg, int64_t bot_id);
// Of the tenant only; tenant 0: all, for the hook's owner to count and for the desk. running: only bots that are to run, and, where symbol is not
// NULL, that read or trade it.
enum status hook_bots(struct db *db, int64_t hook_id, int64_t tenant_id, bool running, const char *symbol, hook_bot_fn fn, void *arg, struct err *err) MUST_CHECK;

// ---- deliveries
struct delivery_row {
  int64_t id, hook_id, received_ns, expires_ns, done_ns;  // done_ns 0: not yet
  const char *state;   // "accepted" "delivered" "rejected" "refused" "duplicate" "failed"
  const char *reason;
  const char *dedupe;  // NULL: none
  const char *address, *body, *signal, *log;  // JSON object, list
  int64_t bots;
};
// Texts are valid during the callback.
typedef bool (*delivery_fn)(void *arg, const struct delivery_row *row);
// ERR_EXISTS: the hook has one with this dedupe, or had.
enum status delivery_insert(struct db *db, const struct delivery_row *row, struct err *err) MUST_CHECK;
// One that is over with its row (refused, a duplicate) and that the desk, which sweeps, never hears of: one in sixty-four sweeps.
enum status delivery_insert_over(struct db *db, const struct delivery_row *row, struct err *err) MUST_CHECK;
// Whether the hook has one with this dedupe, or had.
enum status delivery_known(struct db *db, int64_t hook_id, const char *dedupe, bool *ret, struct err *err) MUST_CHECK;
// state, reason, signal, log, bots, done_ns of one that is accepted. ERR_NOTFOUND: it is not, any more.
enum status delivery_finish(struct db *db, const struct delivery_row *row, struct err *err) MUST_CHECK;
// Newest first. Whose hook it is, hook_get has said.
enum status delivery_list(struct db *db, int64_t hook_id, int64_t before_id, int limit, delivery_fn fn, void *arg, struct err *err) MUST_CHECK;
enum status delivery_get(struct db *db, int64_t hook_id, int64_t id, delivery_fn fn, void *arg, struct err *err) MUST_CHECK;  // ERR_NOTFOUND
// Of all the tenant's hooks, newest first.
enum status delivery_list_tenant(struct db *db, int64_t tenant_id, int64_t before_id, int limit, delivery_fn fn, void *arg, struct err *err) MUST_CHECK;
// Of all tenants, newest first, for operators. tenant_id, hook_id 0 and state NULL: any. The hook comes along.
typedef bool (*delivery_any_fn)(void *arg, const struct delivery_row *row, int64_t tenant_id, const char *hook_name);
enum status delivery_list_any(struct db *db, int64_t tenant_id, int64_t hook_id, const char *state, int64_t before_id, int limit, delivery_any_fn fn, void *arg, struct err *err) MUST_CHECK;
// Those accepted and not yet worked off, of all hooks, oldest first: when the service starts.
enum status delivery_open(struct db *db, delivery_fn fn, void *arg, struct err *err) MUST_CHECK;
// Delivered ones since then, newest first: what rules may know of.
enum status delivery_recent(struct db *db, int64_t hook_id, int64_t since_ns, int limit, delivery_fn fn, void *arg, struct err *err) MUST_CHECK;
enum status delivery_count_since(struct db *db, int64_t hook_id, int64_t since_ns, int64_t *ret, struct err *err) MUST_CHECK;
// Lets go of those older than a day, but the latest 100, and of those beyond HOOK_DELIVERIES_KEPT, whose dedupe is remembered.
enum status delivery_sweep(struct db *db, int64_t hook_id, int64_t now_ns, struct err *err) MUST_CHECK;
enum status delivery_sweep_all(struct db *db, int64_t now_ns, struct err *err) MUST_CHECK;

// ---- stages. tenant 0: the installation's
// "[]" with revision 0 when there are none. *ret_stages from malloc.
enum status stages_get(struct db *db, int64_t tenant_id, char **ret_stages, int64_t *ret_revision, struct err *err) MUST_CHECK;
enum status stages_put(struct db *db, int64_t tenant_id, const char *stages, int64_t now_ns, struct err *err) MUST_CHECK;

// ---- rules in quarantine
struct held_rule_row {
  int64_t id, tenant_id, since_ns;
  const char *sha256, *file, *why;  // valid during the callback
};
typedef bool (*held_rule_fn)(void *arg, const struct held_rule_row *row);  // false: enough
enum status held_rule_add(struct db *db, const struct held_rule_row *row, struct err *err) MUST_CHECK;  // again: nothing
// Of all tenants, newest first, ids below before_id.
enum status held_rule_list(struct db *db, int64_t before_id, int limit, held_rule_fn fn, void *arg, struct err *err) MUST_CHECK;
enum status held_rule_get(struct db *db, int64_t id, held_rule_fn fn, void *arg, struct err *err) MUST_CHECK;  // ERR_NOTFOUND
enum status held_rule_delete(struct db *db, int64_t id, struct err *err) MUST_CHECK;                          // ERR_NOTFOUND
