// store/audit_rows.h – the append-only log; who computes hashes and checks them is tenant/audit.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define AUDIT_HASH_BYTES 32
#define AUDIT_SIGNATURE_BYTES 64
#define AUDIT_ACTION_SIZE 48
#define AUDIT_OBJECT_SIZE 64
#define AUDIT_DETAIL_SIZE 1024

struct db;

struct audit_row {
  int64_t id, tenant_id, seq, at_ns, user_id, actor_id;
  char action[AUDIT_ACTION_SIZE], object[AUDIT_OBJECT_SIZE], detail[AUDIT_DETAIL_SIZE];
  uint8_t hash[AUDIT_HASH_BYTES];
};

// The last row's seq and hash; seq 0 and zeros when the chain is empty.
enum status audit_head(struct db *db, int64_t tenant_id, int64_t *ret_seq, uint8_t ret_hash[AUDIT_HASH_BYTES], struct err *err) MUST_CHECK;
enum status audit_insert(struct db *db, const struct audit_row *row, const char *address, const char *user_agent,
  struct err *err) MUST_CHECK;
// In order of the chain, seq above after; fn false ends it. limit < 0: all.
enum status audit_walk(struct db *db, int64_t tenant_id, int64_t after_seq, int64_t limit,
  bool (*fn)(void *arg, const struct audit_row *row), void *arg, struct err *err) MUST_CHECK;
// For lists: newest first, ids below before. address is "" when erased. What few rows match may read the whole log: not on the loop.
struct audit_filter {
  int64_t tenant_id;           // < 0: all, for operators; 0: the site's
  int64_t person_id;           // who did it, or on whose behalf; 0: anybody
  const char *action;          // how its name begins: "halt."; NULL: any
  const char *object;          // "bot_…"; NULL: any
};
enum status audit_list(struct db *db, const struct audit_filter *filter, int64_t before, int limit,
  bool (*fn)(void *arg, const struct audit_row *row, const char *address), void *arg, struct err *err) MUST_CHECK;
// The first of an action on an object that was written at at_ns or in the ten seconds after. ERR_NOTFOUND: there is none.
enum status audit_find(struct db *db, const char *action, const char *object, int64_t at_ns, struct audit_row *ret, struct err *err) MUST_CHECK;
// What a person did, with where from, oldest first: for their export.
enum status audit_of_user(struct db *db, int64_t user_id, bool (*fn)(void *arg, const struct audit_row *row, const char *address),
  void *arg, struct err *err) MUST_CHECK;
enum status audit_tenants(struct db *db, bool (*fn)(void *arg, int64_t tenant_id), void *arg, struct err *err) MUST_CHECK;

struct audit_signature_row {
  int64_t id, at_ns;
  uint8_t digest[AUDIT_HASH_BYTES], signature[AUDIT_SIGNATURE_BYTES];
};
// Heads of the chains that grew since they were signed last, by tenant.
enum status audit_unsigned_heads(struct db *db,
  bool (*fn)(void *arg, int64_t tenant_id, int64_t seq, const uint8_t hash[AUDIT_HASH_BYTES]), void *arg, struct err *err) MUST_CHECK;
enum status audit_signed_heads(struct db *db, int64_t signature_id,
  bool (*fn)(void *arg, int64_t tenant_id, int64_t seq, const uint8_t hash[AUDIT_HASH_BYTES]), void *arg, struct err *err) MUST_CHECK;
// Takes the unsigned heads as they are now.
enum status audit_signature_insert(struct db *db, const struct audit_signature_row *row, struct err *err) MUST_CHECK;
enum status audit_signatures(struct db *db, bool (*fn)(void *arg, const struct audit_signature_row *row), void *arg,
  struct err *err) MUST_CHECK;  // oldest first
// All of them, for when the key they were made with is lost; the chains stay.
enum status audit_signatures_forget(struct db *db, struct err *err) MUST_CHECK;
enum status audit_last_signature(struct db *db, struct audit_signature_row *ret, struct err *err) MUST_CHECK;
// Whether the chain still has that row; ERR_NOTFOUND when there is none of that seq.
enum status audit_hash_at(struct db *db, int64_t tenant_id, int64_t seq, uint8_t ret_hash[AUDIT_HASH_BYTES], struct err *err) MUST_CHECK;
