// store/session_rows.h – logins and their refresh tokens. Every query names the user whose sessions they are, except where the
// token itself is the proof.
#pragma once
#include "store/user_rows.h"

#define SESSION_ADDRESS_SIZE 64
#define SESSION_AGENT_SIZE 200
#define SUCCESSOR_MAX 128

struct session_row {
  int64_t id, user_id, tenant_id, actor_id;
  bool mfa;
  char address[SESSION_ADDRESS_SIZE], user_agent[SESSION_AGENT_SIZE];
  int64_t created_ns, last_used_ns, expires_ns, revoked_ns;
};

enum status session_insert(struct db *db, const struct session_row *row, struct err *err) MUST_CHECK;
enum status session_get(struct db *db, int64_t user_id, int64_t id, struct session_row *ret, struct err *err) MUST_CHECK;
enum status session_touch(struct db *db, int64_t user_id, int64_t id, int64_t tenant_id, int64_t now_ns, int64_t expires_ns,
  struct err *err) MUST_CHECK;
// ERR_NOTFOUND: no such session of theirs that is still alive.
enum status session_revoke(struct db *db, int64_t user_id, int64_t id, int64_t now_ns, struct err *err) MUST_CHECK;
// Alive ones: newest first, ids below before. fn false ends it.
enum status session_list(struct db *db, int64_t user_id, int64_t before, int limit, int64_t now_ns,
  bool (*fn)(void *arg, const struct session_row *row), void *arg, struct err *err) MUST_CHECK;
// Sessions revoked since; any user: what the deny set starts from.
enum status session_revoked_since(struct db *db, int64_t since_ns, void (*fn)(void *arg, int64_t id, int64_t revoked_ns),
  void *arg, struct err *err) MUST_CHECK;
// How many sessions of theirs there are, and of these from that address; ended ones too, as long as they are kept.
enum status session_seen(struct db *db, int64_t user_id, const char *address, int64_t *ret_all, int64_t *ret_there, struct err *err) MUST_CHECK;
// Drops what ended before: sessions with their tokens, mail tokens, invitations.
enum status session_sweep(struct db *db, int64_t before_ns, struct err *err) MUST_CHECK;

struct refresh_row {
  int64_t session_id, user_id, expires_ns, used_ns;
  uint8_t successor[SUCCESSOR_MAX];
  size_t successor_len;
  bool is_previous;  // used, and its successor was not: the only one that has grace
};
enum status refresh_get(struct db *db, const uint8_t hash[TOKEN_HASH_BYTES], struct refresh_row *ret, struct err *err) MUST_CHECK;
enum status refresh_insert(struct db *db, const uint8_t hash[TOKEN_HASH_BYTES], int64_t session_id, int64_t now_ns,
  int64_t expires_ns, struct err *err) MUST_CHECK;
// Also forgets what older tokens of the session knew of their successors.
enum status refresh_spend(struct db *db, const uint8_t hash[TOKEN_HASH_BYTES], int64_t session_id, int64_t now_ns,
  const uint8_t *successor, size_t successor_len, struct err *err) MUST_CHECK;
