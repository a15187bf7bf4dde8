// store/org_rows.h – tenants, their members and invitations, and plans that operators gave. Each function names the tenant.
#pragma once
#include "store/user_rows.h"

#define TENANT_NAME_SIZE 257
#define PLAN_NAME_SIZE 65

struct tenant_row {
  int64_t id;
  bool personal;
  char name[TENANT_NAME_SIZE];
  int64_t created_ns, deleted_ns, revision;
};

struct member_row {
  int64_t tenant_id, user_id;
  int role;  // enum member_role
  int64_t since_ns;
  char email[USER_EMAIL_SIZE], name[USER_NAME_SIZE];  // of the user
};

struct invitation_row {
  int64_t id, tenant_id;
  char email[USER_EMAIL_SIZE];
  int role;
  int64_t invited_by, created_ns, expires_ns;
};

enum status tenant_get(struct db *db, int64_t tenant_id, struct tenant_row *ret, struct err *err) MUST_CHECK;
// An organisation with its first owner.
enum status org_insert(struct db *db, int64_t tenant_id, const char *name, int64_t owner_id, int64_t now_ns, struct err *err) MUST_CHECK;
enum status org_set_name(struct db *db, int64_t tenant_id, const char *name, struct err *err) MUST_CHECK;
// Those that a user belongs to, oldest first, ids above after. role: theirs in it.
enum status org_list(struct db *db, int64_t user_id, int64_t after, int limit,
  bool (*fn)(void *arg, const struct tenant_row *row, int role), void *arg, struct err *err) MUST_CHECK;

// One look-up that authentication makes: the site's role, the role in the tenant, and whether both may act at all.
struct standing {
  int role, member_role;  // member_role 0: does not belong to it
  bool active;            // user neither suspended nor erased, tenant not deleted
  bool totp;
};
enum status standing_get(struct db *db, int64_t user_id, int64_t tenant_id, struct standing *ret, struct err *err) MUST_CHECK;

enum status member_get(struct db *db, int64_t tenant_id, int64_t user_id, struct member_row *ret, struct err *err) MUST_CHECK;
enum status member_list(struct db *db, int64_t tenant_id, int64_t after_user, int limit,
  bool (*fn)(void *arg, const struct member_row *row), void *arg, struct err *err) MUST_CHECK;
enum status member_insert(struct db *db, int64_t tenant_id, int64_t user_id, int role, int64_t now_ns, struct err *err) MUST_CHECK;
enum status member_set_role(struct db *db, int64_t tenant_id, int64_t user_id, int role, struct err *err) MUST_CHECK;
enum status member_delete(struct db *db, int64_t tenant_id, int64_t user_id, struct err *err) MUST_CHECK;
enum status member_count(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) MUST_CHECK;  // its owner included
enum status member_count_owners(struct db *db, int64_t tenant_id, int64_t *ret, struct err *err) MUST_CHECK;
// Organisations where the user is the only owner while others belong to them.
enum status member_sole_owner_of(struct db *db, int64_t user_id, int64_t *ret_count, struct err *err) MUST_CHECK;

// Replaces an earlier one to the same address.
enum status invitation_insert(struct db *db, const struct invitation_row *row, const uint8_t hash[TOKEN_HASH_BYTES],
  struct err *err) MUST_CHECK;
enum status invitation_list(struct db *db, int64_t tenant_id, int64_t after, int limit, int64_t now_ns,
  bool (*fn)(void *arg, const struct invitation_row *row), void *arg, struct err *err) MUST_CHECK;
enum status invitation_by_hash(struct db *db, const uint8_t hash[TOKEN_HASH_BYTES], int64_t now_ns, struct invitation_row *ret,
  struct err *err) MUST_CHECK;
enum status invitation_delete(struct db *db, int64_t tenant_id, int64_t id, struct err *err) MUST_CHECK;

struct plan_override_row {
  char tier[PLAN_NAME_SIZE];
  int64_t until_ns;  // 0: for good
  char reason[USER_REASON_SIZE];
  int64_t given_by, created_ns;
};
// tier "": takes it back.
enum status plan_override_put(struct db *db, int64_t tenant_id, const struct plan_override_row *row, struct err *err) MUST_CHECK;
// ERR_NOTFOUND: none that is in force.
enum status plan_override_get(struct db *db, int64_t tenant_id, int64_t now_ns, struct plan_override_row *ret, struct err *err) MUST_CHECK;
