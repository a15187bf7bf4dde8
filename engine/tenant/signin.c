// tenant/signin.c – see signin.h.
#include "tenant/signin.h"

#include "base/buf.h"
#include "crypto/aead.h"
#include "crypto/hmac.h"
#include "crypto/secret.h"
#include "notice/tell.h"
#include "store/id.h"
#include "store/meta_rows.h"
#include "store/org_rows.h"
#include "tenant/flow.h"
#include "tenant/mail.h"
#include "tenant/password_policy.h"
#include "tenant/second_factor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define S INT64_C(1000000000)
#define KEYS_IN_MAIL 20
#define RESET_SUBJECT "Set a new password"
#define KNOWN_SUBJECT "You have an account already"
#define MAILS_PER_HOUR 5  // of a kind, that others can cause

static enum identity_refusal check_password(const char *password, const char *email, const char **ret_detail) {
  enum password_verdict v = password_check(password, strlen(password), email);
  if (v == PASSWORD_FINE) return REFUSAL_NONE;
  *ret_detail = password_verdict_text(v);
  return REFUSAL_WEAK_PASSWORD;
}

// A mail with a fresh token for a purpose.
static enum status mail_with_token(struct identity *id, struct db *db, const struct user_row *user, const char *purpose, int64_t ttl_s, const char *subject, const char *what,
                                   const char *path, int64_t now_ns, struct err *err) {
  char token[TOKEN_SIZE], body[MAIL_BODY_MAX];
  uint8_t hash[TOKEN_HASH_BYTES];
  token_make(TOKEN_MAIL, token, hash);
  enum status st = email_token_put(db, user->id, purpose, hash, now_ns, now_ns + ttl_s * S, err);
  snprintf(body, sizeof body, "%s\n\n%s%s?token=%s\n\nor the token itself: %s\n\nIt is good for %" PRId64 " hours. If this was not you, do nothing.\n", what,
           identity_settings(id)->site_url, path, token, token, ttl_s / 3600);
  if (st == OK) st = mail_put(identity_keys(id), db, user->id, user->email, subject, body, now_ns, err);
  secret_wipe(body, sizeof body);
  secret_wipe(token, sizeof token);
  return st;
}

// What leads to nothing is written too, as a number that is always the same size: a commit takes longer than everything around it, so
// that an answer without one would tell that there is no such account. The log of requests has each of them.
static enum status note_nothing(struct db *db, const char *what, struct err *err) {
  int64_t count = 0;
  size_t len;
  enum status st = meta_get(db, what, &count, sizeof count, &len, err);
  if (st == ERR_NOTFOUND) st = OK;
  count++;
  return st == OK ? meta_put(db, what, &count, sizeof count, err) : st;
}

// Strangers can ask for mail to a customer as often as they like; more than this an hour of a kind is not sent.
static enum status mail_is_due(struct db *db, int64_t user_id, const char *subject, int64_t now_ns, bool *ret, struct err *err) {
  int64_t sent;
  enum status st = outbox_count_since(db, user_id, subject, now_ns - 3600 * S, &sent, err);
  *ret = sent < MAILS_PER_HOUR;
  return st;
}

// ---- registering

void registration_prepare(struct identity *id, struct registration *r) {
  r->detail = NULL;
  r->user_id = 0;
  r->refusal = REFUSAL_NONE;
  r->work = (struct password_work){0};
  if (!r->by_operator && identity_policy(id).closed) r->refusal = REFUSAL_CLOSED;
  else if (!email_normalise(r->email, strlen(r->email), r->address)) r->refusal = REFUSAL_INVALID_EMAIL;
  else if (r->name && !name_is_fine(r->name, USER_NAME_SIZE - 1)) r->refusal = REFUSAL_INVALID_NAME;
  else r->refusal = check_password(r->password, r->address, &r->detail);
  r->work.fresh = r->password;
  r->work.fresh_len = strlen(r->password);
}

static enum status mail_known(struct identity *id, struct db *db, const char *address, int64_t now_ns, struct err *err) {
  struct user_row user;
  bool known;
  char body[1024];
  enum status st = found(user_by_email(db, address, &user, err), &known);
  if (st == OK && known) st = mail_is_due(db, user.id, KNOWN_SUBJECT, now_ns, &known, err);
  if (st == OK && !known) return note_nothing(db, "register.nothing", err);
  if (st != OK) return st;
  snprintf(body, sizeof body, "Somebody, perhaps you, registered with this address, which has an account already.\n\nForgotten the password? %s/forgot-password\n", identity_settings(id)->site_url);
  return mail_put(identity_keys(id), db, user.id, user.email, KNOWN_SUBJECT, body, now_ns, err);
}

enum status registration_commit(struct identity *id, struct db *db, struct registration *r, struct err *err) {
  const int64_t now_ns = r->from.now_ns;
  if (r->work.status != OK) return err_set(err, r->work.status, "%s", r->work.err.msg);
  struct user_row user = {.id = id_next(now_ns), .tenant_id = id_next(now_ns), .role = r->by_operator ? r->role : ROLE_USER, .created_ns = now_ns, .password_changed_ns = now_ns,
                          .email_verified_ns = r->by_operator ? now_ns : 0};
  snprintf(user.email, sizeof user.email, "%s", r->address);
  snprintf(user.name, sizeof user.name, "%s", r->name ? r->name : "");
  if (!user.name[0]) snprintf(user.name, sizeof user.name, "%.*s", (int)strcspn(r->address, "@"), r->address);
  snprintf(user.password_hash, sizeof user.password_hash, "%s", r->work.hash);
  struct user_row known;
  bool taken;
  enum status st = found(user_by_email(db, r->address, &known, err), &taken);
  if (st != OK) return st;
  if (taken) {
    if (r->by_operator) r->refusal = REFUSAL_ALREADY;
    return r->by_operator ? OK : mail_known(id, db, r->address, now_ns, err);
  }
  st = user_insert(db, &user, err);
  if (st == OK && !r->by_operator)
    st = mail_with_token(id, db, &user, "verify", VERIFY_TTL_S, "Confirm your mail address", "Welcome. Confirm your mail address:", "/verify-email", now_ns, err);
  if (st == OK) st = audit_own(db, &user, "register", &r->from, err);
  if (st == OK) r->user_id = user.id;
  return st;
}

// ---- signing in

enum status login_prepare(struct identity *id, struct db *db, struct login *l, struct err *err) {
  struct user_row user;
  bool known = false;
  l->refusal = REFUSAL_NONE;
  l->wait_s = 0;
  l->work = (struct password_work){.password = l->password, .password_len = strlen(l->password)};
  if (!email_normalise(l->email, strlen(l->email), l->address)) snprintf(l->address, sizeof l->address, "?");
  l->wait_s = identity_login_attempt(id, l->address, &l->from);
  if (l->wait_s) l->refusal = REFUSAL_LOCKED;
  if (l->refusal != REFUSAL_NONE) return OK;
  enum status st = found(user_by_email(db, l->address, &user, err), &known);
  if (st == OK && known) snprintf(l->work.stored, sizeof l->work.stored, "%s", user.password_hash);
  return st;
}

static enum status make_pending(struct identity *id, const struct user_row *user, int64_t now_ns, char ret[JWT_TOKEN_SIZE], struct err *err) {
  struct jwt_claims c = {.iat_s = now_ns / S, .nbf_s = now_ns / S, .exp_s = now_ns / S + PENDING_TTL_S};
  char sub[ID_TEXT_SIZE];
  id_format("usr", user->id, sub);
  snprintf(c.sub, sizeof c.sub, "%s", sub);
  return jwt_make(&identity_keys(id)->tokens, JWT_PENDING, &c, ret, err);
}

static enum identity_refusal may_enter(const struct identity *id, const struct user_row *user) {
  if (user->erased_ns) return REFUSAL_BAD_CREDENTIALS;
  if (user->suspended_ns) return REFUSAL_SUSPENDED;
  return identity_policy(id).require_verified && !user->email_verified_ns ? REFUSAL_NOT_VERIFIED : REFUSAL_NONE;
}

// From where nobody has entered this account before, without a device that has: its owner is told.
static enum status tell_new_place(struct identity *id, struct db *db, const struct user_row *user, const struct origin *from, struct err *err) {
  char device[DEVICE_NAME_SIZE];
  int64_t all, there;
  if (!from->address || !*from->address || (from->device && device_token_check(identity_keys(id), user->email, from->device, from->now_ns / S, device))) return OK;
  const enum status st = session_seen(db, user->id, from->address, &all, &there, err);
  if (st != OK || all == 0 || there > 0) return st;
  return notice_tell(db, user->tenant_id, NOTICE_LOGIN_NEW, NULL, NULL, json_pack("{s:s, s:s}", "address", from->address, "agent", from->user_agent && *from->user_agent ? from->user_agent : "a program that does not say which"),
    from->now_ns, err);
}

static enum status enter(struct identity *id, struct db *db, const struct user_row *user, bool mfa, const struct origin *from, struct tokens *ret, struct err *err) {
  enum status st = tell_new_place(id, db, user, from, err);
  if (st == OK) st = session_begin(id, db, user, user->tenant_id, 0, mfa, from, ret, err);
  device_token_make(identity_keys(id), user->email, from->now_ns / S, ret->device);
  return st;
}

enum status login_commit(struct identity *id, struct db *db, struct login *l, struct err *err) {
  struct user_row user;
  bool known, mfa = false;
  if (l->work.status != OK) return err_set(err, l->work.status, "%s", l->work.err.msg);
  enum status st = found(user_by_email(db, l->address, &user, err), &known);
  if (st != OK) return st;
  // The hash may have changed since prepare: then what matched is the old password.
  if (!known || !l->work.match || strcmp(user.password_hash, l->work.stored) != 0) {
    l->refusal = REFUSAL_BAD_CREDENTIALS;
    return known ? audit_own(db, &user, "login.failed", &l->from, err) : note_nothing(db, "login.unknown", err);
  }
  if ((l->refusal = may_enter(id, &user)) != REFUSAL_NONE) return audit_own(db, &user, "login.refused", &l->from, err);
  if (l->work.hash[0] && (st = user_set_hash(db, user.id, l->work.hash, err)) != OK) return st;
  if (user.totp && !l->code) {
    l->refusal = REFUSAL_SECOND_FACTOR_REQUIRED;
    identity_login_forgive(id, l->address, &l->from);
    return make_pending(id, &user, l->from.now_ns, l->pending, err);
  }
  if (user.totp) {
    st = second_factor_check(id, db, &user, l->code, &l->from, &l->refusal, &l->wait_s, err);
    if (st != OK) return st;
    if (l->refusal != REFUSAL_NONE) return audit_own(db, &user, "login.failed", &l->from, err);
    mfa = true;
  }
  identity_login_forgive(id, l->address, &l->from);
  st = enter(id, db, &user, mfa, &l->from, &l->tokens, err);
  return st == OK ? audit_own(db, &user, "login", &l->from, err) : st;
}

enum status second_step_commit(struct identity *id, struct db *db, struct second_step *s, struct err *err) {
  struct jwt_claims c;
  struct user_row user;
  int64_t user_id;
  bool known;
  s->refusal = REFUSAL_BAD_TOKEN;
  if (jwt_verify(&identity_keys(id)->tokens, JWT_PENDING, s->pending, strlen(s->pending), s->from.now_ns / S, &c) != JWT_VALID || !id_parse("usr", c.sub, strlen(c.sub), &user_id)) return OK;
  enum status st = found(user_get(db, user_id, &user, err), &known);
  // A password set since makes what was proven with the old one worthless.
  if (st != OK || !known || user.password_changed_ns / S > c.iat_s) return st;
  if ((s->refusal = may_enter(id, &user)) != REFUSAL_NONE) return OK;
  st = second_factor_check(id, db, &user, s->code, &s->from, &s->refusal, &s->wait_s, err);
  if (st != OK) return st;
  if (s->refusal != REFUSAL_NONE) return audit_own(db, &user, "login.failed", &s->from, err);
  st = enter(id, db, &user, true, &s->from, &s->tokens, err);
  return st == OK ? audit_own(db, &user, "login", &s->from, err) : st;
}

// ---- staying signed in

// The successor stands in the database sealed by its predecessor, which stands there as a hash only.
static void successor_key(const char *token, uint8_t ret_key[AEAD_KEY_BYTES]) {
  hmac_sha256(token, strlen(token), "perigee refresh successor", 25, ret_key);
}

static enum status end_family(struct identity *id, struct db *db, const struct refresh_row *row, const struct origin *from, struct err *err) {
  bool alive;
  struct user_row user;
  enum status st = found(session_end(id, db, row->user_id, row->session_id, from->now_ns, err), &alive);
  if (st == OK) st = user_get(db, row->user_id, &user, err);
  return st == OK ? audit_own(db, &user, "refresh.reused", from, err) : st;
}

static enum status spend(struct identity *id, struct db *db, struct refresh *r, const uint8_t hash[TOKEN_HASH_BYTES], const struct session_row *session, struct err *err) {
  uint8_t key[AEAD_KEY_BYTES], fresh[TOKEN_HASH_BYTES], sealed[TOKEN_SIZE + AEAD_OVERHEAD_BYTES];
  const int64_t now_ns = r->from.now_ns, last_ns = session->created_ns + SESSION_TTL_S * S;
  int64_t expires_ns = now_ns + REFRESH_TTL_S * S;
  if (expires_ns > last_ns) expires_ns = last_ns;
  token_make(TOKEN_REFRESH, r->tokens.refresh, fresh);
  successor_key(r->token, key);
  enum status st = aead_seal(key, NULL, 0, r->tokens.refresh, TOKEN_SIZE, sealed, err);
  secret_wipe(key, sizeof key);
  if (st == OK) st = refresh_spend(db, hash, session->id, now_ns, sealed, sizeof sealed, err);
  if (st == OK) st = refresh_insert(db, fresh, session->id, now_ns, expires_ns, err);
  if (st == OK) st = session_touch(db, session->user_id, session->id, session->tenant_id, now_ns, expires_ns, err);
  r->tokens.refresh_expires_ns = expires_ns;
  return st == OK ? session_access(id, db, session, now_ns, &r->tokens, err) : st;
}

static enum status again(struct identity *id, struct db *db, struct refresh *r, const struct refresh_row *row, const struct session_row *session, struct err *err) {
  uint8_t key[AEAD_KEY_BYTES];
  size_t len;
  successor_key(r->token, key);
  enum status st = row->successor_len == TOKEN_SIZE + AEAD_OVERHEAD_BYTES ? aead_open(key, NULL, 0, row->successor, row->successor_len, r->tokens.refresh, &len, err)
                                                                          : err_set(err, ERR_INVALID, "refresh token: the successor is damaged");
  secret_wipe(key, sizeof key);
  r->tokens.refresh_expires_ns = session->expires_ns;
  return st == OK ? session_access(id, db, session, r->from.now_ns, &r->tokens, err) : st;
}

enum status refresh_commit(struct identity *id, struct db *db, struct refresh *r, struct err *err) {
  uint8_t hash[TOKEN_HASH_BYTES];
  struct refresh_row row;
  struct session_row session;
  struct standing standing;
  bool known;
  const int64_t now_ns = r->from.now_ns;
  r->refusal = REFUSAL_BAD_TOKEN;
  r->tokens = (struct tokens){0};
  if (!token_hash(TOKEN_REFRESH, r->token, strlen(r->token), hash)) return OK;
  enum status st = found(refresh_get(db, hash, &row, err), &known);
  if (st != OK || !known) return st;
  st = found(session_get(db, row.user_id, row.session_id, &session, err), &known);
  if (st != OK || !known || session.revoked_ns) return st;
  const bool grace = row.used_ns && row.is_previous && now_ns - row.used_ns <= REFRESH_GRACE_S * S;
  if (row.used_ns && !grace) {
    r->refusal = REFUSAL_TOKEN_REUSED;
    return end_family(id, db, &row, &r->from, err);
  }
  if (row.expires_ns <= now_ns || session.expires_ns <= now_ns) return OK;
  st = standing_get(db, session.user_id, session.tenant_id, &standing, err);
  if (st != OK) return st;
  if (!standing.active) {
    r->refusal = REFUSAL_SUSPENDED;
    return OK;
  }
  r->refusal = REFUSAL_NONE;
  return grace ? again(id, db, r, &row, &session, err) : spend(id, db, r, hash, &session, err);
}

enum status logout_commit(struct identity *id, struct db *db, const struct actor *who, const struct origin *from, struct err *err) {
  bool alive;
  enum status st = found(session_end(id, db, who->user_id, who->session_id, from->now_ns, err), &alive);
  return st == OK && alive ? identity_audit(db, who->tenant_id, who->user_id, who->actor_id, "logout", "ses", who->session_id, NULL, from, err) : st;
}

// ---- mail tokens

enum status verify_email_commit(struct db *db, struct mail_token *m, struct err *err) {
  uint8_t hash[TOKEN_HASH_BYTES];
  struct user_row user;
  int64_t user_id;
  bool known;
  m->refusal = REFUSAL_BAD_TOKEN;
  if (!token_hash(TOKEN_MAIL, m->token, strlen(m->token), hash)) return OK;
  enum status st = found(email_token_take(db, "verify", hash, m->from.now_ns, &user_id, err), &known);
  if (st != OK || !known) return st;
  st = user_set_verified(db, user_id, m->from.now_ns, err);
  if (st == OK) st = user_get(db, user_id, &user, err);
  if (st == OK) m->refusal = REFUSAL_NONE;
  return st == OK ? audit_own(db, &user, "email.verify", &m->from, err) : st;
}

enum status forgot_password_commit(struct identity *id, struct db *db, const char *email, const struct origin *from, struct err *err) {
  char address[EMAIL_SIZE];
  struct user_row user;
  bool known;
  if (!email_normalise(email, strlen(email), address)) return OK;
  enum status st = found(user_by_email(db, address, &user, err), &known);
  bool due = st == OK && known && !user.erased_ns && !user.suspended_ns;
  if (due) st = mail_is_due(db, user.id, RESET_SUBJECT, from->now_ns, &due, err);
  if (st == OK && !due) return note_nothing(db, "password.forgot_nothing", err);
  if (st != OK) return st;
  st = mail_with_token(id, db, &user, "reset", RESET_TTL_S, RESET_SUBJECT, "Set a new password:", "/reset-password", from->now_ns, err);
  return st == OK ? audit_own(db, &user, "password.forgot", from, err) : st;
}

enum status reset_prepare(struct db *db, struct reset *r, struct err *err) {
  uint8_t hash[TOKEN_HASH_BYTES];
  struct user_row user;
  int64_t user_id;
  bool known = false;
  r->refusal = REFUSAL_BAD_TOKEN;
  r->detail = NULL;
  r->work = (struct password_work){.fresh = r->password, .fresh_len = strlen(r->password)};
  if (!token_hash(TOKEN_MAIL, r->token, strlen(r->token), hash)) return OK;
  enum status st = found(email_token_peek(db, "reset", hash, r->from.now_ns, &user_id, err), &known);
  if (st != OK || !known) return st;
  st = found(user_get(db, user_id, &user, err), &known);
  if (st == OK && known) r->refusal = check_password(r->password, user.email, &r->detail);
  return st;
}

struct key_lines {
  struct buf text;
  int count;
};

static bool add_key_line(void *arg, const struct key_row *row) {
  struct key_lines *l = arg;
  buf_printf(&l->text, "  %s… %s\n", row->hint, row->name);
  return ++l->count < KEYS_IN_MAIL;
}

// The owner hears of a new password, and which keys go on without it: programs that trade should not stop because somebody
// forgot a password, and who changed it because it was stolen must look at what else may have been.
static enum status mail_changed(struct identity *id, struct db *db, const struct user_row *user, int64_t now_ns, struct err *err) {
  struct key_lines lines = {.count = 0};
  char body[MAIL_BODY_MAX];
  buf_init(&lines.text, MAIL_BODY_MAX / 2);
  enum status st = key_list(db, user->id, INT64_MAX, KEYS_IN_MAIL, add_key_line, &lines, err);
  snprintf(body, sizeof body, "The password of your account was changed, and %s\n\n%s%s%sIf this was not you, set a new one at once: %s/forgot-password\n",
           "who was signed in with the former one is signed out.", lines.count ? "API keys go on working. These can act for you; delete what you do not know:\n\n" : "",
           lines.count && !lines.text.failed ? lines.text.data : "", lines.count ? "\n" : "", identity_settings(id)->site_url);
  buf_finish(&lines.text);
  return st == OK ? mail_put(identity_keys(id), db, user->id, user->email, "Your password was changed", body, now_ns, err) : st;
}

enum status reset_commit(struct identity *id, struct db *db, struct reset *r, struct err *err) {
  uint8_t hash[TOKEN_HASH_BYTES];
  struct user_row user;
  int64_t user_id;
  bool known;
  if (r->work.status != OK) return err_set(err, r->work.status, "%s", r->work.err.msg);
  r->refusal = REFUSAL_BAD_TOKEN;
  if (!token_hash(TOKEN_MAIL, r->token, strlen(r->token), hash)) return OK;
  enum status st = found(email_token_take(db, "reset", hash, r->from.now_ns, &user_id, err), &known);
  if (st != OK || !known) return st;
  st = user_set_password(db, user_id, r->work.hash, r->from.now_ns, err);
  if (st == OK) st = user_set_verified(db, user_id, r->from.now_ns, err);  // who read the mail has the address
  if (st == OK) st = session_end_all(id, db, user_id, 0, r->from.now_ns, NULL, err);
  if (st == OK && r->delete_api_keys) st = key_revoke_all(db, user_id, 0, r->from.now_ns, err);
  if (st == OK) st = user_get(db, user_id, &user, err);
  if (st == OK) st = mail_changed(id, db, &user, r->from.now_ns, err);
  if (st == OK) r->refusal = REFUSAL_NONE;
  return st == OK ? audit_own(db, &user, "password.reset", &r->from, err) : st;
}

// ---- changing the password

enum status password_change_prepare(struct identity *id, struct db *db, struct password_change *c, struct err *err) {
  struct user_row user;
  enum status st = user_get(db, c->user_id, &user, err);
  if (st != OK) return st;
  c->refusal = check_password(c->fresh, user.email, &c->detail);
  c->work = (struct password_work){.password = c->password, .password_len = strlen(c->password), .fresh = c->fresh, .fresh_len = strlen(c->fresh)};
  snprintf(c->work.stored, sizeof c->work.stored, "%s", user.password_hash);
  if (c->refusal == REFUSAL_NONE && (c->wait_s = identity_attempt(id, user.email, c->from.address, c->from.mono_ns))) c->refusal = REFUSAL_LOCKED;
  return OK;
}

enum status password_change_commit(struct identity *id, struct db *db, struct password_change *c, struct err *err) {
  struct user_row user;
  if (c->work.status != OK) return err_set(err, c->work.status, "%s", c->work.err.msg);
  enum status st = user_get(db, c->user_id, &user, err);
  if (st != OK) return st;
  if (!c->work.match || strcmp(user.password_hash, c->work.stored) != 0) {
    c->refusal = REFUSAL_BAD_CREDENTIALS;
    return OK;
  }
  identity_forgive(id, user.email, c->from.address);
  st = user_set_password(db, user.id, c->work.hash, c->from.now_ns, err);
  if (st == OK) st = session_end_all(id, db, user.id, c->session_id, c->from.now_ns, NULL, err);
  if (st == OK) st = mail_changed(id, db, &user, c->from.now_ns, err);
  return st == OK ? audit_own(db, &user, "password.change", &c->from, err) : st;
}
