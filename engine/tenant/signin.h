// tenant/signin.h – becoming somebody here: registering, signing in, staying signed in, setting a forgotten password.
//
// Every flow is one struct, filled by the caller, and up to three steps as tenant/identity.h says: …_prepare on the loop with a
// reader, password_work_run(&flow.work) on a pool thread, …_commit in a write. `refusal` tells how it ended; once it is not
// REFUSAL_NONE after …_prepare the later steps are left out. Texts are borrowed and outlive the flow. Nothing tells whether an
// address is known: registering it again and asking for a reset answer as always, the truth goes by mail to its owner.
#pragma once
#include "store/user_rows.h"
#include "tenant/email.h"
#include "tenant/identity.h"

// ---- registering
struct registration {
  const char *email, *password, *name;  // name may be NULL
  struct origin from;
  bool by_operator;                     // even while registration is closed; the address counts as verified
  enum role role;                       // by an operator

  enum identity_refusal refusal;
  const char *detail;                   // of WEAK_PASSWORD
  char address[EMAIL_SIZE];
  struct password_work work;
  int64_t user_id;                      // 0: the address was known
};
void registration_prepare(struct identity *id, struct registration *r);
// A mail with a token follows, or one that says the address is known.
enum status registration_commit(struct identity *id, struct db *db, struct registration *r, struct err *err) MUST_CHECK;

// ---- signing in
struct login {
  const char *email, *password, *code;  // code: of the second factor, or a recovery code; may be NULL
  struct origin from;

  enum identity_refusal refusal;                  // SECOND_FACTOR_REQUIRED: `pending` goes on in second_step
  int64_t wait_s;                       // of LOCKED
  char address[EMAIL_SIZE];
  struct password_work work;
  struct tokens tokens;
  char pending[JWT_TOKEN_SIZE];
};
enum status login_prepare(struct identity *id, struct db *db, struct login *l, struct err *err) MUST_CHECK;
enum status login_commit(struct identity *id, struct db *db, struct login *l, struct err *err) MUST_CHECK;

// The code after the password, within five minutes. No prepare, no work.
struct second_step {
  const char *pending, *code;
  struct origin from;

  enum identity_refusal refusal;
  int64_t wait_s;
  struct tokens tokens;
};
enum status second_step_commit(struct identity *id, struct db *db, struct second_step *s, struct err *err) MUST_CHECK;

// ---- staying signed in
struct refresh {
  const char *token;
  struct origin from;

  enum identity_refusal refusal;  // TOKEN_REUSED: and the session is over
  struct tokens tokens;
};
// A token works once. The one before the newest, within REFRESH_GRACE_S, gives the same successor again: an answer that was lost.
enum status refresh_commit(struct identity *id, struct db *db, struct refresh *r, struct err *err) MUST_CHECK;
enum status logout_commit(struct identity *id, struct db *db, const struct actor *who, const struct origin *from, struct err *err) MUST_CHECK;

// ---- mail tokens
struct mail_token {
  const char *token;
  struct origin from;
  enum identity_refusal refusal;
};
enum status verify_email_commit(struct db *db, struct mail_token *m, struct err *err) MUST_CHECK;

// Always "done"; a token is mailed when the address is known.
enum status forgot_password_commit(struct identity *id, struct db *db, const char *email, const struct origin *from, struct err *err) MUST_CHECK;

struct reset {
  const char *token, *password;
  bool delete_api_keys;                 // else they go on, and are listed in the mail
  struct origin from;

  enum identity_refusal refusal;
  const char *detail;
  struct password_work work;
};
enum status reset_prepare(struct db *db, struct reset *r, struct err *err) MUST_CHECK;
// Ends all sessions, and mails that it happened. A second factor stays in force: a mailbox alone does not open an account that has one.
enum status reset_commit(struct identity *id, struct db *db, struct reset *r, struct err *err) MUST_CHECK;

// ---- changing the password
struct password_change {
  int64_t user_id, session_id;
  const char *password, *fresh;
  struct origin from;

  enum identity_refusal refusal;
  const char *detail;
  int64_t wait_s;
  struct password_work work;
};
enum status password_change_prepare(struct identity *id, struct db *db, struct password_change *c, struct err *err) MUST_CHECK;
// Ends all other sessions, and mails that it happened.
enum status password_change_commit(struct identity *id, struct db *db, struct password_change *c, struct err *err) MUST_CHECK;
