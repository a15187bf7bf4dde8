// tenant/belonging.c – see belonging.h.
#include "tenant/belonging.h"

#include "crypto/secret.h"
#include "store/id.h"
#include "tenant/email.h"
#include "tenant/flow.h"
#include "tenant/mail.h"
#include "tenant/network.h"
#include "tenant/second_factor.h"
#include "tenant/vault.h"

#include <stdio.h>
#include <string.h>

#define S INT64_C(1000000000)
#define HINT_LEN 12  // "pgk_" and 8 characters

static enum status audit(struct db *db, const struct actor *who, int64_t tenant_id, const char *action, const char *prefix, int64_t id, const struct origin *from, struct err *err) {
  return identity_audit(db, tenant_id, who->user_id, who->actor_id, action, prefix, id, NULL, from, err);
}

// ---- API keys

static bool networks_fine(const char *text) {
  char one[64];
  for (const char *p = text; *p;) {
    const size_t n = strcspn(p, " ");
    if (n >= sizeof one) return false;
    snprintf(one, sizeof one, "%.*s", (int)n, p);
    if (n && !network_is_block(one)) return false;
    p += n + (p[n] == ' ');
  }
  return strlen(text) < KEY_NETWORKS_SIZE;
}

enum status key_create_commit(struct db *db, struct key_create *k, struct err *err) {
  uint8_t hash[TOKEN_HASH_BYTES];
  int64_t count;
  k->refusal = !name_is_fine(k->name, KEY_NAME_SIZE - 1) ? REFUSAL_INVALID_NAME : !networks_fine(k->networks) ? REFUSAL_INVALID_NETWORK : REFUSAL_NONE;
  enum status st = key_count(db, k->who.user_id, &count, err);
  if (st == OK && k->refusal == REFUSAL_NONE && count >= API_KEYS_MAX) k->refusal = REFUSAL_LIMIT;
  if (st != OK || k->refusal != REFUSAL_NONE) return st;
  token_make(TOKEN_KEY, k->key, hash);
  k->row = (struct key_row){.id = id_next(k->from.now_ns), .tenant_id = k->who.tenant_id, .user_id = k->who.user_id, .scopes = k->scopes, .mfa = k->who.mfa, .created_ns = k->from.now_ns,
                            .expires_ns = k->expires_ns};
  snprintf(k->row.name, sizeof k->row.name, "%s", k->name);
  snprintf(k->row.networks, sizeof k->row.networks, "%s", k->networks);
  snprintf(k->row.hint, sizeof k->row.hint, "%.*s", HINT_LEN, k->key);
  st = key_insert(db, &k->row, hash, err);
  return st == OK ? audit(db, &k->who, k->who.tenant_id, "key.create", "key", k->row.id, &k->from, err) : st;
}

enum status key_delete_commit(struct db *db, const struct actor *who, int64_t key_id, const struct origin *from, struct err *err) {
  enum status st = key_revoke(db, who->user_id, key_id, from->now_ns, err);
  return st == OK ? audit(db, who, who->tenant_id, "key.delete", "key", key_id, from, err) : st;
}

// ---- organisations

enum status org_create_commit(struct db *db, struct org_change *c, struct err *err) {
  c->refusal = name_is_fine(c->name, TENANT_NAME_SIZE - 1) ? REFUSAL_NONE : REFUSAL_INVALID_NAME;
  if (c->refusal != REFUSAL_NONE) return OK;
  c->tenant_id = id_next(c->from.now_ns);
  enum status st = org_insert(db, c->tenant_id, c->name, c->who.user_id, c->from.now_ns, err);
  return st == OK ? audit(db, &c->who, c->tenant_id, "org.create", "org", c->tenant_id, &c->from, err) : st;
}

// The member, if taking the owner's role away leaves an owner.
static enum status member_may_lose(struct db *db, struct org_change *c, struct member_row *ret, struct err *err) {
  bool belongs;
  int64_t owners = 0;
  enum status st = found(member_get(db, c->tenant_id, c->user_id, ret, err), &belongs);
  c->refusal = belongs ? REFUSAL_NONE : REFUSAL_NOT_FOUND;
  if (st != OK || !belongs || ret->role != MEMBER_OWNER) return st;
  st = member_count_owners(db, c->tenant_id, &owners, err);
  if (st == OK && owners <= 1) c->refusal = REFUSAL_LAST_OWNER;
  return st;
}

enum status member_set_commit(struct db *db, struct org_change *c, struct err *err) {
  struct member_row row;
  enum status st = member_may_lose(db, c, &row, err);
  if (st == OK && c->refusal == REFUSAL_LAST_OWNER && c->role == MEMBER_OWNER) c->refusal = REFUSAL_NONE;
  if (st != OK || c->refusal != REFUSAL_NONE) return st;
  st = member_set_role(db, c->tenant_id, c->user_id, (int)c->role, err);
  return st == OK ? audit(db, &c->who, c->tenant_id, "member.role", "usr", c->user_id, &c->from, err) : st;
}

enum status member_remove_commit(struct db *db, struct org_change *c, struct err *err) {
  struct member_row row;
  enum status st = member_may_lose(db, c, &row, err);
  if (st != OK || c->refusal != REFUSAL_NONE) return st;
  st = member_delete(db, c->tenant_id, c->user_id, err);
  if (st == OK) st = key_revoke_all(db, c->user_id, c->tenant_id, c->from.now_ns, err);
  return st == OK ? audit(db, &c->who, c->tenant_id, "member.remove", "usr", c->user_id, &c->from, err) : st;
}

static enum status mail_invitation(struct identity *id, struct db *db, const struct org_change *c, const char *token, struct err *err) {
  struct tenant_row tenant;
  char body[MAIL_BODY_MAX];
  enum status st = tenant_get(db, c->tenant_id, &tenant, err);
  if (st != OK) return st;
  snprintf(body, sizeof body, "You are invited to \"%s\" as %s.\n\n%s/invitation?token=%s\n\nor the token itself: %s\n\nRegister with this address first if you have no account. It is good for a week.\n",
           tenant.name, member_role_text(c->role), identity_settings(id)->site_url, token, token);
  st = mail_put(identity_keys(id), db, c->who.user_id, c->invitation.email, "An invitation", body, c->from.now_ns, err);
  secret_wipe(body, sizeof body);
  return st;
}

enum status invite_commit(struct identity *id, struct db *db, struct org_change *c, struct err *err) {
  struct user_row user;
  struct member_row member;
  bool known, belongs = false;
  char token[TOKEN_SIZE];
  uint8_t hash[TOKEN_HASH_BYTES];
  c->invitation = (struct invitation_row){.id = id_next(c->from.now_ns), .tenant_id = c->tenant_id, .role = (int)c->role, .invited_by = c->who.user_id, .created_ns = c->from.now_ns,
                                          .expires_ns = c->from.now_ns + INVITATION_TTL_S * S};
  c->refusal = email_normalise(c->email, strlen(c->email), c->invitation.email) ? REFUSAL_NONE : REFUSAL_INVALID_EMAIL;
  if (c->refusal != REFUSAL_NONE) return OK;
  enum status st = found(user_by_email(db, c->invitation.email, &user, err), &known);
  if (st == OK && known) st = found(member_get(db, c->tenant_id, user.id, &member, err), &belongs);
  if (belongs) c->refusal = REFUSAL_ALREADY;
  if (st != OK || belongs) return st;
  token_make(TOKEN_INVITE, token, hash);
  st = invitation_insert(db, &c->invitation, hash, err);
  if (st == OK) st = mail_invitation(id, db, c, token, err);
  secret_wipe(token, sizeof token);
  return st == OK ? audit(db, &c->who, c->tenant_id, "member.invite", "inv", c->invitation.id, &c->from, err) : st;
}

enum status invitation_withdraw_commit(struct db *db, struct org_change *c, int64_t invitation_id, struct err *err) {
  enum status st = invitation_delete(db, c->tenant_id, invitation_id, err);
  return st == OK ? audit(db, &c->who, c->tenant_id, "member.uninvite", "inv", invitation_id, &c->from, err) : st;
}

enum status invitation_accept_commit(struct db *db, struct org_change *c, struct err *err) {
  uint8_t hash[TOKEN_HASH_BYTES];
  struct user_row user;
  bool known;
  c->refusal = REFUSAL_BAD_TOKEN;
  if (!token_hash(TOKEN_INVITE, c->token, strlen(c->token), hash)) return OK;
  enum status st = found(invitation_by_hash(db, hash, c->from.now_ns, &c->invitation, err), &known);
  if (st != OK || !known) return st;
  st = user_get(db, c->who.user_id, &user, err);
  if (st != OK || strcmp(user.email, c->invitation.email) != 0) return st;
  c->tenant_id = c->invitation.tenant_id;
  st = member_insert(db, c->tenant_id, user.id, c->invitation.role, c->from.now_ns, err);
  if (st == ERR_EXISTS) {
    c->refusal = REFUSAL_ALREADY;
    return OK;
  }
  if (st == OK) st = invitation_delete(db, c->tenant_id, c->invitation.id, err);
  if (st == OK) c->refusal = REFUSAL_NONE;
  return st == OK ? audit(db, &c->who, c->tenant_id, "member.join", "usr", user.id, &c->from, err) : st;
}

// ---- leaving

enum status erasure_prepare(struct identity *id, struct db *db, struct erasure *e, struct err *err) {
  struct user_row user;
  enum status st = user_get(db, e->user_id, &user, err);
  if (st != OK) return st;
  e->refusal = REFUSAL_NONE;
  e->work = (struct password_work){.password = e->password, .password_len = strlen(e->password)};
  snprintf(e->work.stored, sizeof e->work.stored, "%s", user.password_hash);
  if ((e->wait_s = identity_attempt(id, user.email, e->from.address, e->from.mono_ns))) e->refusal = REFUSAL_LOCKED;
  return OK;
}

static enum status last_super_admin(struct db *db, const struct user_row *user, bool *ret, struct err *err) {
  int64_t all, super;
  *ret = false;
  if (user->role != ROLE_SUPER_ADMIN) return OK;
  enum status st = user_count(db, &all, &super, err);
  *ret = super <= 1;
  return st;
}

static enum status may_erase(struct identity *id, struct db *db, struct erasure *e, const struct user_row *user, struct err *err) {
  bool last;
  int64_t alone = 0;
  if (!e->work.match || strcmp(user->password_hash, e->work.stored) != 0) {
    e->refusal = REFUSAL_BAD_CREDENTIALS;
    return OK;
  }
  identity_forgive(id, user->email, e->from.address);
  enum status st = member_sole_owner_of(db, user->id, &alone, err);
  if (st == OK) st = last_super_admin(db, user, &last, err);
  if (st != OK) return st;
  if (alone || last) {
    e->refusal = alone ? REFUSAL_LAST_OWNER : REFUSAL_LAST_SUPER_ADMIN;
    return OK;
  }
  if (user->totp && e->code) return second_factor_check(id, db, user, e->code, &e->from, &e->refusal, &e->wait_s, err);
  if (user->totp) e->refusal = REFUSAL_SECOND_FACTOR_REQUIRED;
  return OK;
}

enum status erasure_commit(struct identity *id, struct db *db, struct erasure *e, struct err *err) {
  struct user_row user;
  if (e->work.status != OK) return err_set(err, e->work.status, "%s", e->work.err.msg);
  enum status st = user_get(db, e->user_id, &user, err);
  if (st == OK) st = may_erase(id, db, e, &user, err);
  if (st != OK || e->refusal != REFUSAL_NONE) return st;
  st = session_end_all(id, db, user.id, 0, e->from.now_ns, NULL, err);
  if (st == OK) st = key_revoke_all(db, user.id, 0, e->from.now_ns, err);
  if (st == OK) st = vault_destroy(db, user.tenant_id, e->from.now_ns, err);
  if (st == OK) st = user_erase(db, user.id, e->from.now_ns, err);
  const struct origin nowhere = {.now_ns = e->from.now_ns};  // the address is personal data too
  return st == OK ? identity_audit(db, user.tenant_id, user.id, 0, "user.erase", "usr", user.id, NULL, &nowhere, err) : st;
}

// ---- operators

static enum status target(struct db *db, struct operation *o, struct user_row *ret, struct err *err) {
  bool known;
  enum status st = found(user_get(db, o->user_id, ret, err), &known);
  o->refusal = st == OK && (!known || ret->erased_ns) ? REFUSAL_NOT_FOUND : REFUSAL_NONE;
  return st;
}

// In the customer's own log, with the operator's id.
static enum status note(struct db *db, const struct operation *o, const struct user_row *user, const char *action, struct err *err) {
  return identity_audit(db, user->tenant_id, user->id, o->actor_id, action, "usr", user->id, NULL, &o->from, err);
}

enum status user_suspend_commit(struct identity *id, struct db *db, struct operation *o, const char *reason_text, struct err *err) {
  struct user_row user;
  bool last;
  enum status st = target(db, o, &user, err);
  if (st != OK || o->refusal != REFUSAL_NONE) return st;
  st = last_super_admin(db, &user, &last, err);
  if (st == OK && last) o->refusal = REFUSAL_LAST_SUPER_ADMIN;
  if (st != OK || o->refusal != REFUSAL_NONE) return st;
  st = user_set_suspended(db, user.id, o->from.now_ns, reason_text, err);
  if (st == OK) st = session_end_all(id, db, user.id, 0, o->from.now_ns, NULL, err);
  return st == OK ? note(db, o, &user, "user.suspend", err) : st;
}

enum status user_resume_commit(struct db *db, struct operation *o, struct err *err) {
  struct user_row user;
  enum status st = target(db, o, &user, err);
  if (st != OK || o->refusal != REFUSAL_NONE) return st;
  st = user_set_suspended(db, user.id, 0, "", err);
  return st == OK ? note(db, o, &user, "user.resume", err) : st;
}

enum status user_role_commit(struct db *db, struct operation *o, enum role role, struct err *err) {
  struct user_row user;
  bool last;
  enum status st = target(db, o, &user, err);
  if (st != OK || o->refusal != REFUSAL_NONE) return st;
  st = last_super_admin(db, &user, &last, err);
  if (st == OK && last && role != ROLE_SUPER_ADMIN) o->refusal = REFUSAL_LAST_SUPER_ADMIN;
  if (st != OK || o->refusal != REFUSAL_NONE) return st;
  st = user_set_role(db, user.id, (int)role, err);
  return st == OK ? note(db, o, &user, "user.role", err) : st;
}

enum status impersonate_commit(struct identity *id, struct db *db, struct operation *o, struct err *err) {
  struct user_row user;
  enum status st = target(db, o, &user, err);
  if (st != OK || o->refusal != REFUSAL_NONE) return st;
  if (user.role != ROLE_USER || !o->actor_id) o->refusal = REFUSAL_FORBIDDEN;  // nobody gains rights by looking
  if (o->refusal != REFUSAL_NONE) return OK;
  st = session_begin(id, db, &user, user.tenant_id, o->actor_id, false, &o->from, &o->tokens, err);
  return st == OK ? note(db, o, &user, "user.impersonate", err) : st;
}
