// store/risk_rows.h – limits of tenants, rule sets, and what the rules of an account remember.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

#define RULE_SET_NAME_SIZE 64
#define RULE_SET_BODY_MAX 16384

// ---- control.db

// *ret: JSON text, yours to free; "{}" and revision 0 when the tenant set none.
enum status tenant_limits_get(struct db *db, int64_t tenant_id, char **ret, int64_t *ret_revision, struct err *err) MUST_CHECK;
enum status tenant_limits_put(struct db *db, int64_t tenant_id, const char *settings, int64_t now_ns, struct err *err) MUST_CHECK;

struct rule_set_row {
  int64_t id, tenant_id;  // tenant 0: the installation's
  char name[RULE_SET_NAME_SIZE];
  const char *body;       // valid in callbacks; after a get yours to free, as texts
  int64_t created_ns, updated_ns, revision;
  char *texts;
};
void rule_set_row_finish(struct rule_set_row *row);
// ERR_EXISTS: the tenant has one of that name.
enum status rule_set_insert(struct db *db, const struct rule_set_row *row, struct err *err) MUST_CHECK;
// ERR_NOTFOUND: not this tenant's (or, for both below, none of the name), or deleted.
enum status rule_set_get(struct db *db, int64_t tenant_id, int64_t id, struct rule_set_row *ret, struct err *err) MUST_CHECK;
enum status rule_set_find(struct db *db, int64_t tenant_id, const char *name, struct rule_set_row *ret, struct err *err) MUST_CHECK;
// Body and updated_ns; the revision goes up.
enum status rule_set_update(struct db *db, const struct rule_set_row *row, struct err *err) MUST_CHECK;
enum status rule_set_delete(struct db *db, int64_t tenant_id, int64_t id, int64_t now_ns, struct err *err) MUST_CHECK;
// Newest first, ids below before.
enum status rule_set_list(struct db *db, int64_t tenant_id, int64_t before, int limit, bool (*fn)(void *arg, const struct rule_set_row *row), void *arg,
                          struct err *err) MUST_CHECK;

// ---- journal.db

struct account_rules_row {
  int64_t account_id, tenant_id, time_ns;
  const char *name, *rules;  // of the set: name and JSON
  const void *state;
  size_t state_len;
};
enum status account_rules_put(struct db *db, const struct account_rules_row *row, struct err *err) MUST_CHECK;
// Pointers are valid during the callback. ERR_NOTFOUND: nothing was kept.
enum status account_rules_get(struct db *db, int64_t account_id, void (*fn)(void *arg, const struct account_rules_row *row), void *arg, struct err *err) MUST_CHECK;
enum status account_rules_forget(struct db *db, int64_t account_id, struct err *err) MUST_CHECK;
