// api/auth.c – register, sign in, stay signed in, sign out, mailed tokens, second factor: the flows of tenant/signin and
// tenant/second_factor, each in its steps: prepare here, the password's work in the pool, commit on the writer's thread, answer here.
#include "api/core.h"
#include "api/handlers.h"
#include "api/identity_call.h"
#include "crypto/secret.h"
#include "store/store.h"
#include "tenant/second_factor.h"
#include "tenant/signin.h"

#include <stdio.h>
#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }
static struct identity *identity(struct api_call *call) { return call->core->identity; }

// ---- flows hold passwords and tokens: their memory is wiped when the call ends

static void wipe(struct api_call *call) { secret_wipe(call->state, call->state_size); }

void *flow_begin(struct api_call *call, size_t size) {
  call->state = api_alloc(call, size);
  if (!call->state) {
    err_set(&call->err, ERR_NOMEM, "out of memory");
    return NULL;
  }
  call->state_size = size;
  call->cleanup = wipe;
  return call->state;
}

static void run(struct api_call *call) { password_work_run(call->work); }
static enum status ran(struct api_call *call) { return call->work->status == OK ? call->next(call) : call->work->status; }

enum status flow_work(struct api_call *call, struct password_work *work, api_phase next) {
  call->work = work;
  call->next = next;
  return api_work(call, run, ran);
}

static enum status accepted(struct api_call *call) { return api_json(call, 202, json_pack("{s:b}", "accepted", 1)); }

// ---- register

static enum status write_registration(struct api_call *call, struct db *db) { return registration_commit(identity(call), db, call->state, &call->err); }
static enum status registered(struct api_call *call) {
  const struct registration *r = call->state;
  return r->refusal == REFUSAL_NONE ? accepted(call) : api_refuse(call, r->refusal, r->detail, 0);
}
static enum status registration_worked(struct api_call *call) { return api_write_then(call, write_registration, registered); }

enum status api_auth_register(struct api_call *call) {
  struct registration *r = flow_begin(call, sizeof *r);
  if (!r) return call->err.code;
  *r = (struct registration){.email = api_body_text(call, "email"), .password = api_body_text(call, "password"), .name = api_body_text(call, "name"), .from = api_origin(call)};
  registration_prepare(identity(call), r);
  return r->refusal == REFUSAL_NONE ? flow_work(call, &r->work, registration_worked) : registered(call);
}

// ---- login, its second step, refresh: all end with tokens

// token: what a token that is not good was; NULL where there is none.
static enum status signed_in(struct api_call *call, enum identity_refusal why, const char *token, int64_t wait_s, const struct tokens *tokens, bool cookie) {
  char detail[80];
  if (why == REFUSAL_BAD_TOKEN) snprintf(detail, sizeof detail, "the %s token is unknown, ended or expired", token);
  if (why == REFUSAL_BAD_TOKEN) return api_refuse(call, REFUSAL_BAD_CREDENTIALS, detail, 0);
  if (why != REFUSAL_NONE) return api_refuse(call, why, NULL, wait_s);
  json_t *v = api_tokens(call, tokens, cookie);
  if (v && strcmp(call->route->id, "auth_login") == 0) json_object_set_new(v, "second_factor_required", json_false());
  if (strcmp(call->route->id, "auth_refresh") != 0) metrics_add(call->core->metrics, METRIC_auth_logins, 1);
  return api_json(call, 200, v);
}

static enum status write_login(struct api_call *call, struct db *db) { return login_commit(identity(call), db, call->state, &call->err); }
static enum status logged_in(struct api_call *call) {
  const struct login *l = call->state;
  if (l->refusal == REFUSAL_SECOND_FACTOR_REQUIRED) return api_json(call, 200, json_pack("{s:b, s:s}", "second_factor_required", 1, "pending_token", l->pending));
  return signed_in(call, l->refusal, NULL, l->wait_s, &l->tokens, api_body_flag(call, "cookie"));
}
static enum status login_worked(struct api_call *call) { return api_write_then(call, write_login, logged_in); }

// By programs in the body, by browsers as a cookie; NULL without one.
static const char *device_shown(struct api_call *call) {
  size_t len = 0;
  const char *token = api_body_text(call, "device_token"), *cookie = token ? NULL : api_cookie(call, API_DEVICE_COOKIE, &len);
  char *copy = cookie && len < DEVICE_TOKEN_SIZE ? api_alloc(call, len + 1) : NULL;
  return token ? token : copy ? memcpy(copy, cookie, len) : NULL;
}

enum status api_auth_login(struct api_call *call) {
  struct login *l = flow_begin(call, sizeof *l);
  if (!l) return call->err.code;
  *l = (struct login){.email = api_body_text(call, "email"), .password = api_body_text(call, "password"), .code = api_body_text(call, "code"), .from = api_origin(call)};
  l->from.device = device_shown(call);
  enum status st = login_prepare(identity(call), reader(call), l, &call->err);
  if (st != OK) return st;
  return l->refusal == REFUSAL_NONE ? flow_work(call, &l->work, login_worked) : logged_in(call);
}

struct refreshing {
  struct refresh flow;
  char token[TOKEN_SIZE];
  bool cookie;
};
static enum status write_refresh(struct api_call *call, struct db *db) { return refresh_commit(identity(call), db, call->state, &call->err); }
static enum status refreshed(struct api_call *call) {
  const struct refreshing *r = call->state;
  return signed_in(call, r->flow.refusal, "refresh", 0, &r->flow.tokens, r->cookie);
}

enum status api_auth_refresh(struct api_call *call) {
  struct refreshing *r = flow_begin(call, sizeof *r);
  if (!r) return call->err.code;
  const char *token = api_body_text(call, "refresh_token");
  size_t len = token ? strlen(token) : 0;
  if (!token) {
    // The cookie is sent to our own pages only (SameSite=Strict); what a browser says of the page must agree.
    const char *site = call->req->field(call->req, "sec-fetch-site");
    r->cookie = true;
    token = !site || strcmp(site, "same-origin") == 0 ? api_cookie(call, API_REFRESH_COOKIE, &len) : NULL;
  }
  if (!token || len >= sizeof r->token) return signed_in(call, REFUSAL_BAD_TOKEN, "refresh", 0, NULL, r->cookie);
  memcpy(r->token, token, len);
  r->flow = (struct refresh){.token = r->token, .from = api_origin(call)};
  return api_write_then(call, write_refresh, refreshed);
}

static enum status write_logout(struct api_call *call, struct db *db) {
  const struct actor who = api_actor(call);
  const struct origin from = api_origin(call);
  return logout_commit(identity(call), db, &who, &from, &call->err);
}
static enum status logged_out(struct api_call *call) { return api_json(call, 204, NULL); }
enum status api_auth_logout(struct api_call *call) {
  if (call->who.kind != WHO_SESSION) return api_problem(call, PROBLEM_not_found, NULL);
  if (call->who.cookie) api_cookies_clear(call);
  return api_write_then(call, write_logout, logged_out);
}

// ---- mailed tokens

static enum status write_verified(struct api_call *call, struct db *db) { return verify_email_commit(db, call->state, &call->err); }
static enum status verified(struct api_call *call) {
  const struct mail_token *m = call->state;
  return m->refusal == REFUSAL_NONE ? api_json(call, 204, NULL) : api_refuse(call, m->refusal, NULL, 0);
}
enum status api_auth_verify_email(struct api_call *call) {
  struct mail_token *m = flow_begin(call, sizeof *m);
  if (!m) return call->err.code;
  *m = (struct mail_token){.token = api_body_text(call, "token"), .from = api_origin(call)};
  return api_write_then(call, write_verified, verified);
}

static enum status write_forgotten(struct api_call *call, struct db *db) {
  const struct origin from = api_origin(call);
  return forgot_password_commit(identity(call), db, api_body_text(call, "email"), &from, &call->err);
}
enum status api_auth_forgot_password(struct api_call *call) { return api_write_then(call, write_forgotten, accepted); }

static enum status write_reset(struct api_call *call, struct db *db) { return reset_commit(identity(call), db, call->state, &call->err); }
static enum status reset_done(struct api_call *call) {
  const struct reset *r = call->state;
  return r->refusal == REFUSAL_NONE ? api_json(call, 204, NULL) : api_refuse(call, r->refusal, r->detail, 0);
}
static enum status reset_worked(struct api_call *call) { return api_write_then(call, write_reset, reset_done); }
enum status api_auth_reset_password(struct api_call *call) {
  struct reset *r = flow_begin(call, sizeof *r);
  if (!r) return call->err.code;
  *r = (struct reset){.token = api_body_text(call, "token"), .password = api_body_text(call, "password"), .delete_api_keys = api_body_flag(call, "delete_api_keys"), .from = api_origin(call)};
  enum status st = reset_prepare(reader(call), r, &call->err);
  if (st != OK) return st;
  return r->refusal == REFUSAL_NONE ? flow_work(call, &r->work, reset_worked) : reset_done(call);
}

// ---- the second factor

static enum status write_enable(struct api_call *call, struct db *db) { return second_factor_enable_commit(identity(call), db, call->state, &call->err); }
static enum status write_disable(struct api_call *call, struct db *db) { return second_factor_disable_commit(identity(call), db, call->state, &call->err); }
static enum status factor_answer(struct api_call *call) {
  const struct second_factor *f = call->state;
  if (f->refusal != REFUSAL_NONE) return api_refuse(call, f->refusal, NULL, f->wait_s);
  return f->code ? api_json(call, 204, NULL) : api_json(call, 200, json_pack("{s:s, s:s}", "secret", f->secret, "otpauth_uri", f->uri));
}
static enum status factor_worked(struct api_call *call) {
  const struct second_factor *f = call->state;
  return api_write_then(call, f->code ? write_disable : write_enable, factor_answer);
}
static enum status factor(struct api_call *call, const char *code) {
  if (call->who.user_id == 0) return api_problem(call, PROBLEM_not_found, NULL);
  struct second_factor *f = flow_begin(call, sizeof *f);
  if (!f) return call->err.code;
  *f = (struct second_factor){.user_id = call->who.user_id, .password = api_body_text(call, "password"), .code = code, .from = api_origin(call)};
  enum status st = second_factor_prepare(identity(call), reader(call), f, &call->err);
  if (st != OK) return st;
  return f->refusal == REFUSAL_NONE ? flow_work(call, &f->work, factor_worked) : factor_answer(call);
}
enum status api_auth_enable_2fa(struct api_call *call) { return factor(call, NULL); }
enum status api_auth_disable_2fa(struct api_call *call) { return factor(call, api_body_text(call, "code")); }

static enum status write_second_step(struct api_call *call, struct db *db) { return second_step_commit(identity(call), db, call->state, &call->err); }
static enum status second_step_answer(struct api_call *call) {
  const struct second_step *s = call->state;
  return signed_in(call, s->refusal, "pending", s->wait_s, &s->tokens, api_body_flag(call, "cookie"));
}

static enum status write_confirmation(struct api_call *call, struct db *db) { return second_factor_confirm_commit(identity(call), db, call->state, &call->err); }
static enum status confirmation_answer(struct api_call *call) {
  const struct confirmation *c = call->state;
  if (c->refusal != REFUSAL_NONE) return api_refuse(call, c->refusal, NULL, c->wait_s);
  json_t *codes = json_array();
  for (int i = 0; i < RECOVERY_CODES; i++) json_array_append_new(codes, json_string(c->recovery[i]));
  return api_json(call, 200, json_pack("{s:o}", "recovery_codes", codes));
}

enum status api_auth_verify_2fa(struct api_call *call) {
  const char *pending = api_body_text(call, "pending_token"), *code = api_body_text(call, "code");
  if (pending) {
    struct second_step *s = flow_begin(call, sizeof *s);
    if (!s) return call->err.code;
    *s = (struct second_step){.pending = pending, .code = code, .from = api_origin(call)};
    return api_write_then(call, write_second_step, second_step_answer);
  }
  if (call->who.kind != WHO_SESSION) return api_problem(call, PROBLEM_unauthenticated, NULL);
  if (!permission_allowed(&call->who.may, PERMISSION_me_write)) return api_problem(call, PROBLEM_forbidden, NULL);
  struct confirmation *c = flow_begin(call, sizeof *c);
  if (!c) return call->err.code;
  *c = (struct confirmation){.user_id = call->who.user_id, .session_id = call->who.session_id, .code = code, .from = api_origin(call)};
  return api_write_then(call, write_confirmation, confirmation_answer);
}
