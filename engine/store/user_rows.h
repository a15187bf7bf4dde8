// store/user_rows.h – people: their rows, mail tokens, second factor. Times are Unix ns; a time of 0 is null. Functions that
// change something run in a write; ERR_NOTFOUND leaves err as it was.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USER_EMAIL_SIZE 255
#define USER_NAME_SIZE 257
#define USER_HASH_SIZE 128
#define USER_REASON_SIZE 257
#define TOKEN_HASH_BYTES 32

struct db;

struct user_row {
  int64_t id, tenant_id;
  char email[USER_EMAIL_SIZE];  // "" once erased
  char name[USER_NAME_SIZE];
  char password_hash[USER_HASH_SIZE];  // "": cannot log in
  int role;
  int64_t password_changed_ns, email_verified_ns, suspended_ns, erased_ns, created_ns, revision;
  char suspend_reason[USER_REASON_SIZE];
  bool totp;  // a second factor is enabled
};

enum status user_get(struct db *db, int64_t id, struct user_row *ret, struct err *err) MUST_CHECK;
enum status user_by_email(struct db *db, const char *email, struct user_row *ret, struct err *err) MUST_CHECK;
// Also makes the personal tenant (id row->tenant_id), its owner, named like the user. ERR_EXISTS: the address is taken.
enum status user_insert(struct db *db, const struct user_row *row, struct err *err) MUST_CHECK;
enum status user_set_name(struct db *db, int64_t id, const char *name, struct err *err) MUST_CHECK;
enum status user_set_password(struct db *db, int64_t id, const char *hash, int64_t now_ns, struct err *err) MUST_CHECK;
// The same password in a newer kind of hash: sessions and pending logins stay.
enum status user_set_hash(struct db *db, int64_t id, const char *hash, struct err *err) MUST_CHECK;
enum status user_set_role(struct db *db, int64_t id, int role, struct err *err) MUST_CHECK;
enum status user_set_verified(struct db *db, int64_t id, int64_t now_ns, struct err *err) MUST_CHECK;
enum status user_set_suspended(struct db *db, int64_t id, int64_t now_ns, const char *reason, struct err *err) MUST_CHECK;
// Takes everything that tells who it was: address, name, password, factors, tokens, keys, sessions' and audit rows' context,
// mail. The row stays, so that ids in orders, invoices and the audit log point at somebody nameless.
enum status user_erase(struct db *db, int64_t id, int64_t now_ns, struct err *err) MUST_CHECK;
enum status user_count(struct db *db, int64_t *ret_all, int64_t *ret_super_admins, struct err *err) MUST_CHECK;
// For the operator's list: newest first, ids below before. fn false ends it.
struct user_filter {
  const char *text;  // part of address or name; NULL: any
  int role;          // -1: any
  bool suspended;    // only those
};
enum status user_search(struct db *db, const struct user_filter *filter, int64_t before, int limit,
  bool (*fn)(void *arg, const struct user_row *row), void *arg, struct err *err) MUST_CHECK;

// purpose: "verify" or "reset"; replaces earlier ones of the same purpose.
enum status email_token_put(struct db *db, int64_t user_id, const char *purpose, const uint8_t hash[TOKEN_HASH_BYTES],
  int64_t now_ns, int64_t expires_ns, struct err *err) MUST_CHECK;
// Reads without spending it, for what must be known before the password is hashed.
enum status email_token_peek(struct db *db, const char *purpose, const uint8_t hash[TOKEN_HASH_BYTES], int64_t now_ns,
  int64_t *ret_user_id, struct err *err) MUST_CHECK;
// Spends it: ERR_NOTFOUND when unknown, expired or spent.
enum status email_token_take(struct db *db, const char *purpose, const uint8_t hash[TOKEN_HASH_BYTES], int64_t now_ns,
  int64_t *ret_user_id, struct err *err) MUST_CHECK;

#define TOTP_SEALED_MAX 128
struct totp_row {
  uint8_t sealed[TOTP_SEALED_MAX];
  size_t sealed_len;
  int64_t enabled_ns, last_step;
};
enum status totp_get(struct db *db, int64_t user_id, struct totp_row *ret, struct err *err) MUST_CHECK;
enum status totp_put(struct db *db, int64_t user_id, const uint8_t *sealed, size_t len, int64_t now_ns, struct err *err) MUST_CHECK;
// Another seed in the place of one that cannot be read; recovery codes stay.
enum status totp_reseal(struct db *db, int64_t user_id, const uint8_t *sealed, size_t len, struct err *err) MUST_CHECK;
enum status totp_enable(struct db *db, int64_t user_id, int64_t now_ns, struct err *err) MUST_CHECK;
// Only when step is after the last one: ERR_NOTFOUND otherwise, so two requests with one code cannot both win.
enum status totp_step(struct db *db, int64_t user_id, int64_t step, struct err *err) MUST_CHECK;
enum status totp_delete(struct db *db, int64_t user_id, struct err *err) MUST_CHECK;  // with recovery codes
enum status recovery_put(struct db *db, int64_t user_id, const uint8_t (*hashes)[TOKEN_HASH_BYTES], size_t count,
  struct err *err) MUST_CHECK;  // replaces all
enum status recovery_take(struct db *db, int64_t user_id, const uint8_t hash[TOKEN_HASH_BYTES], struct err *err) MUST_CHECK;
