// tenant/second_factor.h – codes of an authenticator app beside the password, and recovery codes for the day it is lost.
//
// A code works once: the step it belongs to is stored, and only later ones are accepted. Recovery codes are stored as hashes and
// spent. The seed is sealed with the key of the person's own tenant.
#pragma once
#include "crypto/totp.h"
#include "store/user_rows.h"
#include "tenant/identity.h"

#define TOTP_URI_SIZE 512

// In a write: spends the code. *ret_refusal: NONE; BAD_CODE (not right, or used before); LOCKED, with *ret_wait_s. A code is short,
// so wrong ones are counted by account wherever they come from, and whatever they were asked for: only who knows the password
// gets this far, so no stranger can lock anybody out.
enum status second_factor_check(struct identity *id, struct db *db, const struct user_row *user, const char *code, const struct origin *from, enum identity_refusal *ret_refusal,
                                int64_t *ret_wait_s, struct err *err) MUST_CHECK;

// What needs the password again: prepare (reader), work (pool), commit (write), as tenant/identity.h says.
struct second_factor {
  int64_t user_id;
  const char *password, *code;  // code: disabling only
  struct origin from;

  enum identity_refusal refusal;
  int64_t wait_s;
  struct password_work work;
  char secret[40], uri[TOTP_URI_SIZE];  // enabling; wipe them
};
enum status second_factor_prepare(struct identity *id, struct db *db, struct second_factor *f, struct err *err) MUST_CHECK;
// A fresh seed, not in force before confirm. ALREADY: one is.
enum status second_factor_enable_commit(struct identity *id, struct db *db, struct second_factor *f, struct err *err) MUST_CHECK;
enum status second_factor_disable_commit(struct identity *id, struct db *db, struct second_factor *f, struct err *err) MUST_CHECK;

// The first code puts it in force.
struct confirmation {
  int64_t user_id, session_id;
  const char *code;
  struct origin from;

  enum identity_refusal refusal;
  int64_t wait_s;
  char recovery[RECOVERY_CODES][RECOVERY_CODE_SIZE];  // wipe them
};
enum status second_factor_confirm_commit(struct identity *id, struct db *db, struct confirmation *c, struct err *err) MUST_CHECK;
