// store/channel_rows.h – channels that notices go out on, and what a tenant wants to be told of (control.db). Kinds and states by name
// (notice/event.h, the schema); what is sealed is opened by who has the keys.
#pragma once
#include "base/status.h"
#include "crypto/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

#define CHANNELS_MAX 50              // of a tenant
#define CHANNEL_NAME_SIZE 401
#define CHANNEL_SHOWN_SIZE 200
#define CHANNEL_REASON_SIZE 300
#define CHANNEL_SEALED_MAX 1100
#define CHANNEL_KEY_SEALED_MAX 96

struct channel_row {
  int64_t id, tenant_id;
  char kind[12], state[12];          // state: "unverified" "active" "disabled"
  bool own;                          // the owners' own mail addresses
  char name[CHANNEL_NAME_SIZE], shown[CHANNEL_SHOWN_SIZE], reason[CHANNEL_REASON_SIZE], last_error[CHANNEL_REASON_SIZE];
  uint8_t address[CHANNEL_SEALED_MAX];
  size_t address_len;                // 0: own
  uint8_t sign_key[CHANNEL_KEY_SEALED_MAX], sign_key_before[CHANNEL_KEY_SEALED_MAX];
  size_t sign_key_len, sign_key_before_len;
  int64_t before_until_ns;
  uint8_t code_hash[SHA256_BYTES];
  bool has_code;
  int64_t code_expires_ns, code_tries;
  int64_t failing_ns, sent_ns, created_ns, updated_ns, revision;
};

enum status channel_insert(struct db *db, const struct channel_row *row, struct err *err) MUST_CHECK;
enum status channel_get(struct db *db, int64_t tenant_id, int64_t id, struct channel_row *ret, struct err *err) MUST_CHECK;
// Of any tenant: for who sends.
enum status channel_find(struct db *db, int64_t id, struct channel_row *ret, struct err *err) MUST_CHECK;
// Everything but id, tenant, kind, own and creation; the revision goes up by one. ERR_NOTFOUND.
enum status channel_update(struct db *db, const struct channel_row *row, struct err *err) MUST_CHECK;
// With its sendings. ERR_NOTFOUND.
enum status channel_delete(struct db *db, int64_t tenant_id, int64_t id, struct err *err) MUST_CHECK;
enum status channel_count(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) MUST_CHECK;
typedef bool (*channel_fn)(void *arg, const struct channel_row *row);  // false: enough
// Newest first, ids below before_id.
enum status channel_list(struct db *db, int64_t tenant_id, int64_t before_id, int limit, channel_fn fn, void *arg, struct err *err) MUST_CHECK;
// Of all tenants, those with a sealed address.
enum status channel_walk(struct db *db, channel_fn fn, void *arg, struct err *err) MUST_CHECK;
// What is sealed of it cannot be opened any more: it is disabled until its owner gives an address anew.
enum status channel_forget(struct db *db, int64_t id, const char *reason, int64_t now_ns, struct err *err) MUST_CHECK;
// The channel to the owners' own addresses is made when it is missing.
enum status channel_own(struct db *db, int64_t tenant_id, int64_t id, int64_t now_ns, struct err *err) MUST_CHECK;
// Verified mail addresses of the tenant's owners, oldest member first.
enum status channel_own_addresses(struct db *db, int64_t tenant_id, int limit, bool (*fn)(void *arg, int64_t user_id, const char *email), void *arg, struct err *err) MUST_CHECK;
// Something went through, or did not (error): when nothing has gone through since is kept, and returned by channel_find.
enum status channel_worked(struct db *db, int64_t id, int64_t now_ns, struct err *err) MUST_CHECK;
enum status channel_failed(struct db *db, int64_t id, const char *error, int64_t now_ns, struct err *err) MUST_CHECK;
// active → disabled. *ret: whether it was.
enum status channel_disable(struct db *db, int64_t id, const char *reason, int64_t now_ns, bool *ret, struct err *err) MUST_CHECK;

// ---- preferences: a JSON object; "{}" and revision 0 where there are none. *ret_text from malloc.
enum status preferences_get(struct db *db, int64_t tenant_id, char **ret_text, int64_t *ret_revision, struct err *err) MUST_CHECK;
enum status preferences_put(struct db *db, int64_t tenant_id, const char *text, int64_t now_ns, struct err *err) MUST_CHECK;
