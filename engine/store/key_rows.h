// store/key_rows.h – API keys, stored as SHA-256 of what the client shows.
#pragma once
#include "store/user_rows.h"

#define KEY_NAME_SIZE 257
#define KEY_HINT_SIZE 17
#define KEY_NETWORKS_SIZE 512

struct key_row {
  int64_t id, tenant_id, user_id;
  char name[KEY_NAME_SIZE];
  char hint[KEY_HINT_SIZE];            // how the key begins
  unsigned scopes;                     // enum key_scope
  char networks[KEY_NETWORKS_SIZE];    // CIDR blocks apart by blanks
  bool mfa;
  int64_t created_ns, expires_ns, last_used_ns;
};

enum status key_insert(struct db *db, const struct key_row *row, const uint8_t hash[TOKEN_HASH_BYTES], struct err *err) MUST_CHECK;
// One that is in force.
enum status key_by_hash(struct db *db, const uint8_t hash[TOKEN_HASH_BYTES], int64_t now_ns, struct key_row *ret, struct err *err) MUST_CHECK;
// A user's keys that are not revoked, newest first, ids below before.
enum status key_list(struct db *db, int64_t user_id, int64_t before, int limit, bool (*fn)(void *arg, const struct key_row *row),
  void *arg, struct err *err) MUST_CHECK;
enum status key_count(struct db *db, int64_t user_id, int64_t *ret, struct err *err) MUST_CHECK;
enum status key_revoke(struct db *db, int64_t user_id, int64_t id, int64_t now_ns, struct err *err) MUST_CHECK;
// All of a user in a tenant; tenant 0: in all.
enum status key_revoke_all(struct db *db, int64_t user_id, int64_t tenant_id, int64_t now_ns, struct err *err) MUST_CHECK;
enum status key_used(struct db *db, int64_t id, int64_t now_ns, struct err *err) MUST_CHECK;
