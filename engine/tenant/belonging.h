// tenant/belonging.h – what people have beside their sign-in: API keys, organisations with members and invitations, and leaving:
// export and erasure of personal data. Called as tenant/identity.h says; who may is decided before (tenant/permission).
#pragma once
#include "store/org_rows.h"
#include "tenant/identity.h"

// ---- API keys
struct key_create {
  struct actor who;
  const char *name;
  unsigned scopes;             // enum key_scope, not empty
  const char *networks;        // address blocks apart by blanks; "": from everywhere
  int64_t expires_ns;          // 0: does not
  struct origin from;

  enum identity_refusal refusal;         // INVALID_NAME, INVALID_NETWORK, LIMIT
  struct key_row row;
  char key[TOKEN_SIZE];        // shown once; wipe it
};
enum status key_create_commit(struct db *db, struct key_create *k, struct err *err) MUST_CHECK;
// ERR_NOTFOUND: they have no such key.
enum status key_delete_commit(struct db *db, const struct actor *who, int64_t key_id, const struct origin *from, struct err *err) MUST_CHECK;

// ---- organisations
struct org_change {
  struct actor who;
  int64_t tenant_id;           // the organisation; made by org_create_commit
  struct origin from;

  const char *name;            // create
  int64_t user_id;             // member_…: whom
  enum member_role role;       // member_set, invite
  const char *email;           // invite
  const char *token;           // accept

  enum identity_refusal refusal;
  struct invitation_row invitation;
};
enum status org_create_commit(struct db *db, struct org_change *c, struct err *err) MUST_CHECK;
// LAST_OWNER: an organisation keeps one. NOT_FOUND: does not belong to it.
enum status member_set_commit(struct db *db, struct org_change *c, struct err *err) MUST_CHECK;
// Also oneself. Their API keys for it end, and what they see of it at the next request.
enum status member_remove_commit(struct db *db, struct org_change *c, struct err *err) MUST_CHECK;
// Mails a token. ALREADY: belongs to it.
enum status invite_commit(struct identity *id, struct db *db, struct org_change *c, struct err *err) MUST_CHECK;
enum status invitation_withdraw_commit(struct db *db, struct org_change *c, int64_t invitation_id, struct err *err) MUST_CHECK;
// BAD_TOKEN also when it was sent to somebody else's address.
enum status invitation_accept_commit(struct db *db, struct org_change *c, struct err *err) MUST_CHECK;

// ---- leaving
struct erasure {
  int64_t user_id;
  const char *password, *code;  // code may be NULL without a second factor
  struct origin from;

  enum identity_refusal refusal;          // BAD_CREDENTIALS, BAD_CODE, LOCKED, LAST_OWNER, LAST_SUPER_ADMIN
  int64_t wait_s;
  struct password_work work;
};
enum status erasure_prepare(struct identity *id, struct db *db, struct erasure *e, struct err *err) MUST_CHECK;
// Sessions and keys end; who it was is gone, ids stay; what their tenant sealed can never be read again.
enum status erasure_commit(struct identity *id, struct db *db, struct erasure *e, struct err *err) MUST_CHECK;

// ---- operators
struct operation {
  int64_t actor_id;             // 0: at the machine
  int64_t user_id;
  struct origin from;

  enum identity_refusal refusal;
  struct tokens tokens;         // impersonate
};
// Sessions end; signing in is refused. reason_text is shown to operators.
enum status user_suspend_commit(struct identity *id, struct db *db, struct operation *o, const char *reason_text, struct err *err) MUST_CHECK;
enum status user_resume_commit(struct db *db, struct operation *o, struct err *err) MUST_CHECK;
// LAST_SUPER_ADMIN: a site keeps one.
enum status user_role_commit(struct db *db, struct operation *o, enum role role, struct err *err) MUST_CHECK;
// An access token of theirs that only reads, for its own lifetime; the customer sees it in their audit log.
enum status impersonate_commit(struct identity *id, struct db *db, struct operation *o, struct err *err) MUST_CHECK;
