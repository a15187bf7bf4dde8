// tenant/vault.h – secrets of tenants (venue credentials, seeds of second factors), sealed in an envelope: master key (outside of
// the database, versioned) → key per tenant → AES-256-GCM per field. What is sealed is bound to tenant, account, field and
// version, so that rows moved about in the database do not open. Rotating the master key rewraps the tenants' keys only.
//
// Functions that create run in a write; those that open take any connection. Plain values pass through the caller's memory:
// wipe it (crypto/secret.h).
#pragma once
#include "store/vault_rows.h"
#include "tenant/keys.h"

#define VAULT_SECRET_MAX 4096

// The tenant's key; made when there is none yet and create is set. ERR_NOTFOUND: none, or destroyed; ERR_INVALID: no master
// key opens it.
enum status vault_tenant_key(const struct keys *keys, struct db *db, int64_t tenant_id, bool create, int64_t now_ns,
  uint8_t ret_key[KEY_BYTES], struct err *err) MUST_CHECK;

// ERR_NOTFOUND: no such account of the tenant; ERR_RANGE: longer than VAULT_SECRET_MAX; ERR_INVALID: the field's name is not
// [a-z0-9_]+.
enum status vault_put(const struct keys *keys, struct db *db, int64_t tenant_id, int64_t account_id, const char *field,
  const void *value, size_t len, int64_t now_ns, struct err *err) MUST_CHECK;
// ret_value must have room for VAULT_SECRET_MAX.
enum status vault_get(const struct keys *keys, struct db *db, int64_t tenant_id, int64_t account_id, const char *field,
  void *ret_value, size_t *ret_len, struct err *err) MUST_CHECK;

// Rewraps at most `most` keys with the current master key, tenants above *after, which moves on; *ret_done when none is left.
// In writes of a few hundred, so that others get their turn.
enum status vault_rewrap(const struct keys *keys, struct db *db, int64_t *after, int most, int *ret_count, bool *ret_done,
  struct err *err) MUST_CHECK;
// Everything the tenant ever sealed is unreadable from now on, in backups too once their key is.
enum status vault_destroy(struct db *db, int64_t tenant_id, int64_t now_ns, struct err *err) MUST_CHECK;

// Whether everything sealed can be opened, by opening it. keys NULL: nothing can.
struct vault_report {
  int64_t tenants, fields, seeds;                 // with a key; sealed fields of accounts; seeds of second factors
  int64_t shut_tenants, shut_fields, shut_seeds;  // of these what does not open
  char first[200];                                // why the first of them does not
};
// What does not open; id 0: the tenant's key itself, and with it all that follows of the tenant.
struct vault_shut {
  int64_t tenant_id, id;  // id: account, or user
  bool is_seed;           // a second factor; else a field of an account
  const char *field;      // while fn runs
};
typedef void (*vault_on_shut)(void *arg, const struct vault_shut *what);
enum status vault_list_shut(const struct keys *keys, struct db *db, vault_on_shut fn, void *arg, struct vault_report *ret, struct err *err) MUST_CHECK;
enum status vault_examine(const struct keys *keys, struct db *db, struct vault_report *ret, struct err *err) MUST_CHECK;

// Seals or opens something of the tenant that stands in another table; `what` names it ("totp").
enum status vault_seal(const uint8_t tenant_key[KEY_BYTES], int64_t tenant_id, const char *what, int64_t id, const void *value,
  size_t len, uint8_t *ret_sealed, struct err *err) MUST_CHECK;  // len + AEAD_OVERHEAD_BYTES
enum status vault_unseal(const uint8_t tenant_key[KEY_BYTES], int64_t tenant_id, const char *what, int64_t id,
  const uint8_t *sealed, size_t sealed_len, void *ret_value, size_t *ret_len, struct err *err) MUST_CHECK;
