// tenant/flow.h – private to tenant/: what the flows of identity say over and over.
#pragma once
#include "tenant/identity.h"

// ERR_NOTFOUND is an answer here: *ret_found tells, the status is OK.
static inline enum status found(enum status st, bool *ret_found) {
  *ret_found = st == OK;
  return st == ERR_NOTFOUND ? OK : st;
}

// What people do with their own account, into their own tenant's log.
static inline enum status audit_own(struct db *db, const struct user_row *user, const char *action, const struct origin *from, struct err *err) {
  return identity_audit(db, user->tenant_id, user->id, 0, action, NULL, 0, NULL, from, err);
}
