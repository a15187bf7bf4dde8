// store/vault_rows.h – tenants' wrapped keys, venue accounts and their sealed fields. Nothing here can be read without
// tenant/vault; every query names the tenant.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WRAPPED_KEY_BYTES 60  // 32 and what AES-256-GCM adds
#define ACCOUNT_VENUE_SIZE 33
#define ACCOUNT_NAME_SIZE 257
#define ACCOUNT_SETTINGS_SIZE 1024
#define ACCOUNT_PAPER "paper"  // venue of accounts that trade with nobody: no secrets, and no plan counts them
#define SECRET_FIELD_SIZE 65

struct db;

struct tenant_key_row {
  int64_t tenant_id, master;  // version of the master key
  uint8_t wrapped[WRAPPED_KEY_BYTES];
  bool destroyed;
};
enum status tenant_key_get(struct db *db, int64_t tenant_id, struct tenant_key_row *ret, struct err *err) MUST_CHECK;
enum status tenant_key_insert(struct db *db, const struct tenant_key_row *row, int64_t now_ns, struct err *err) MUST_CHECK;
enum status tenant_key_rewrap(struct db *db, const struct tenant_key_row *row, struct err *err) MUST_CHECK;
enum status tenant_key_destroy(struct db *db, int64_t tenant_id, int64_t now_ns, struct err *err) MUST_CHECK;
// The row goes, so that a new key can come: for keys that nobody can unwrap any more.
enum status tenant_key_forget(struct db *db, int64_t tenant_id, struct err *err) MUST_CHECK;
// One that an older master key wraps, tenants above after; ERR_NOTFOUND: none left.
enum status tenant_key_next(struct db *db, int64_t current_master, int64_t after, struct tenant_key_row *ret, struct err *err) MUST_CHECK;
// All, destroyed ones too, by tenant; fn false ends it.
enum status tenant_key_walk(struct db *db, bool (*fn)(void *arg, const struct tenant_key_row *row), void *arg, struct err *err) MUST_CHECK;

// Everything that is sealed with a tenant's key: fields of accounts, seeds of second factors.
struct sealed_row {
  int64_t tenant_id, id, version;  // id: account, or user
  bool is_seed;                    // of a second factor; else a field of an account
  const char *field;
  const uint8_t *sealed;           // while fn runs
  size_t len;
};
// By tenant; fn false ends it.
enum status sealed_walk(struct db *db, bool (*fn)(void *arg, const struct sealed_row *row), void *arg, struct err *err) MUST_CHECK;

struct account_row {
  int64_t id, tenant_id;
  char venue[ACCOUNT_VENUE_SIZE], name[ACCOUNT_NAME_SIZE];
  char settings[ACCOUNT_SETTINGS_SIZE];  // JSON object: what a paper account is made of; of others "{}"
  int64_t created_ns, revision;
};
enum status account_insert(struct db *db, const struct account_row *row, struct err *err) MUST_CHECK;
enum status account_get(struct db *db, int64_t tenant_id, int64_t id, struct account_row *ret, struct err *err) MUST_CHECK;
enum status account_list(struct db *db, int64_t tenant_id, int64_t before, int limit,
  bool (*fn)(void *arg, const struct account_row *row), void *arg, struct err *err) MUST_CHECK;  // newest first
// Those at venues; those of paper; different venues of the former; and whether there is an account at this one.
enum status account_count(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) MUST_CHECK;
enum status account_count_paper(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) MUST_CHECK;
enum status account_venues(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) MUST_CHECK;
enum status account_has_venue(struct db *db, int64_t tenant_id, const char *venue, bool *ret, struct err *err) MUST_CHECK;
// Name and settings; the revision goes up.
enum status account_update(struct db *db, const struct account_row *row, struct err *err) MUST_CHECK;
enum status account_touch(struct db *db, int64_t tenant_id, int64_t id, struct err *err) MUST_CHECK;  // revision + 1
// Its secrets are deleted, the row stays for what refers to it.
enum status account_delete(struct db *db, int64_t tenant_id, int64_t id, int64_t now_ns, struct err *err) MUST_CHECK;

// Version of the field's next value; 1 for a new one.
enum status secret_next_version(struct db *db, int64_t tenant_id, int64_t account_id, const char *field, int64_t *ret,
  struct err *err) MUST_CHECK;
enum status secret_put(struct db *db, int64_t tenant_id, int64_t account_id, const char *field, int64_t version,
  const uint8_t *sealed, size_t len, int64_t now_ns, struct err *err) MUST_CHECK;
// ret_sealed: at most cap bytes; ERR_RANGE when there are more.
enum status secret_get(struct db *db, int64_t tenant_id, int64_t account_id, const char *field, int64_t *ret_version,
  uint8_t *ret_sealed, size_t cap, size_t *ret_len, struct err *err) MUST_CHECK;
enum status secret_fields(struct db *db, int64_t tenant_id, int64_t account_id, bool (*fn)(void *arg, const char *field),
  void *arg, struct err *err) MUST_CHECK;
enum status secret_forget(struct db *db, int64_t tenant_id, int64_t account_id, const char *field, struct err *err) MUST_CHECK;
enum status secret_clear(struct db *db, int64_t tenant_id, int64_t account_id, struct err *err) MUST_CHECK;
