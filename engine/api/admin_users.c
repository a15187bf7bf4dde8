// api/admin_users.c – operators look at people, suspend them, look over their shoulder, grant exceptions to plans.
#include "api/core.h"
#include "api/handlers.h"
#include "api/identity_call.h"
#include "api/list.h"
#include "api/tier.h"
#include "bot/live.h"
#include "store/id.h"
#include "store/store.h"
#include "store/user_rows.h"
#include "tenant/belonging.h"
#include "tenant/entitlement.h"
#include "tenant/registry.h"
#include "tenant/signin.h"
#include "tenant/usage.h"

#include <stdlib.h>
#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

json_t *admin_user_json(const struct user_row *row) {
  const char *state = row->erased_ns ? "erased" : row->suspended_ns ? "suspended" : row->email_verified_ns ? "active" : "unverified";
  return json_pack("{s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "id", api_id("usr", row->id), "tenant_id", api_id("org", row->tenant_id), "email", row->email, "name",
                   row->name, "role", role_text((enum role)row->role), "state", state, "suspend_reason", row->suspend_reason, "two_factor", row->totp, "created_at_ms",
                   api_ms(row->created_ns));
}

static bool add_user(void *arg, const struct user_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, admin_user_json(row));
  return true;
}

enum status api_admin_users_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  const char *q = api_query_text(call, "q"), *role = api_query_text(call, "role");
  int64_t id;
  if (q && id_parse("usr", q, strlen(q), &id)) {
    struct user_row row;
    const enum status st = user_get(reader(call), id, &row, &call->err);
    if (st == OK) (void)add_user(&l, &row);
    return api_list_end(&l, st == ERR_NOTFOUND ? OK : st);
  }
  const struct user_filter f = {.text = q && *q ? q : NULL, .role = role ? role_parse(role) : -1, .suspended = api_query_flag(call, "suspended")};
  return api_list_end(&l, user_search(reader(call), &f, l.at, l.limit + 1, add_user, &l, &call->err));
}

static enum status entitlement_of(struct api_call *call, int64_t tenant_id, struct entitlement *ret) {
  return entitlement_load(reader(call), registry_plans(call->core->registry), tenant_id, call->now_ns, ret, &call->err);
}

// An operator's exception as it stands; null: there is none.
static json_t *override_json(struct api_call *call, int64_t tenant_id, enum status *ret) {
  struct override_row o;
  *ret = override_get(reader(call), tenant_id, &o, &call->err);
  if (*ret == ERR_NOTFOUND) *ret = OK;
  else if (*ret == OK) {
    json_t *limits = json_loads(o.limits, 0, NULL);
    json_t *v = json_pack("{s:o, s:o, s:o, s:s, s:o, s:o}", "plan", o.plan[0] ? json_string(o.plan) : json_null(), "limits", limits ? limits : json_object(), "expires_at_ms",
                          api_ms(o.expires_ns), "reason", o.reason, "actor_id", api_id("usr", o.actor_id), "created_at_ms", api_ms(o.created_ns));
    override_finish(&o);
    return v;
  }
  return json_null();
}

enum status api_admin_user_get(struct api_call *call) {
  struct user_row row;
  struct entitlement *e = api_alloc(call, sizeof *e);
  if (!e) return err_set(&call->err, ERR_NOMEM, "out of memory");
  enum status st = user_get(reader(call), api_param_id(call, "user_id"), &row, &call->err);
  if (st == OK) st = entitlement_of(call, row.tenant_id, e);
  if (st != OK) return st;
  json_t *used = NULL, *v = admin_user_json(&row), *exception = override_json(call, row.tenant_id, &st);
  if (st == OK) st = usage_json(call->core->usage, reader(call), e, row.tenant_id, call->now_ns, &used, &call->err);
  json_object_set_new(v, "subscription", entitlement_json(e));
  json_object_set_new(v, "usage", used);
  json_object_set_new(v, "exception", exception);
  if (st == OK) return api_json(call, 200, v);
  json_decref(v);
  return st;
}

// ---- making, promoting, suspending, helping with a password, looking over the shoulder

static enum status write_user(struct api_call *call, struct db *db) {
  struct registration *r = call->state;
  struct user_row row;
  enum status st = registration_commit(call->core->identity, db, r, &call->err);
  if (st != OK || r->refusal != REFUSAL_NONE) return st;
  st = user_get(db, r->user_id, &row, &call->err);
  return st == OK ? api_json(call, 201, admin_user_json(&row)) : st;
}
static enum status user_made(struct api_call *call) {
  const struct registration *r = call->state;
  if (r->refusal == REFUSAL_NONE) return OK;
  return r->refusal == REFUSAL_ALREADY ? api_problem(call, PROBLEM_already_exists, "The address has an account.") : api_refuse(call, r->refusal, r->detail, 0);
}
static enum status user_worked(struct api_call *call) { return api_write_then(call, write_user, user_made); }

enum status api_admin_user_create(struct api_call *call) {
  const char *role = api_body_text(call, "role");
  struct registration *r = flow_begin(call, sizeof *r);
  if (!r) return call->err.code;
  *r = (struct registration){.email = api_body_text(call, "email"), .password = api_body_text(call, "password"), .name = api_body_text(call, "name"),
                             .from = api_origin(call), .by_operator = true, .role = role ? (enum role)role_parse(role) : ROLE_USER};
  if (r->role != ROLE_USER && !permission_allowed(&call->who.may, PERMISSION_admin_roles_write)) return api_problem(call, PROBLEM_forbidden, NULL);
  registration_prepare(call->core->identity, r);
  return r->refusal == REFUSAL_NONE ? flow_work(call, &r->work, user_worked) : user_made(call);
}

static enum status write_operation(struct api_call *call, struct db *db) {
  struct operation *o = call->state;
  struct identity *identity = call->core->identity;
  json_t *suspended = json_object_get(call->body, "suspended");
  const char *role = api_body_text(call, "role"), *reason = api_body_text(call, "reason");
  enum status st = OK;
  if (json_is_true(suspended)) st = user_suspend_commit(identity, db, o, reason ? reason : "", &call->err);
  if (st == OK && o->refusal == REFUSAL_NONE && json_is_false(suspended)) st = user_resume_commit(db, o, &call->err);
  if (st == OK && o->refusal == REFUSAL_NONE && role) st = user_role_commit(db, o, (enum role)role_parse(role), &call->err);
  return st;
}
static enum status operated(struct api_call *call) {
  const struct operation *o = call->state;
  struct user_row row;
  if (o->refusal != REFUSAL_NONE && o->refusal != REFUSAL_ALREADY) return api_refuse(call, o->refusal, NULL, 0);
  enum status st = user_get(reader(call), o->user_id, &row, &call->err);
  return st == OK ? api_json(call, 200, admin_user_json(&row)) : st;
}
static struct operation *operation_begin(struct api_call *call) {
  struct operation *o = flow_begin(call, sizeof *o);
  if (o) *o = (struct operation){.actor_id = call->who.user_id, .user_id = api_param_id(call, "user_id"), .from = api_origin(call)};
  return o;
}
enum status api_admin_user_patch(struct api_call *call) {
  if (api_body_text(call, "role") && !permission_allowed(&call->who.may, PERMISSION_admin_roles_write)) return api_problem(call, PROBLEM_forbidden, NULL);
  return operation_begin(call) ? api_write_then(call, write_operation, operated) : call->err.code;
}

static enum status write_reset(struct api_call *call, struct db *db) {
  struct user_row row;
  const struct origin from = api_origin(call);
  enum status st = user_get(db, api_param_id(call, "user_id"), &row, &call->err);
  if (st == OK) st = forgot_password_commit(call->core->identity, db, row.email, &from, &call->err);
  if (st == OK) st = api_audit(call, db, "admin.reset_password", "usr", row.id, NULL);
  return st == OK ? api_json(call, 202, json_pack("{s:b}", "accepted", 1)) : st;
}
enum status api_admin_user_reset(struct api_call *call) { return api_write(call, write_reset); }

static enum status write_impersonation(struct api_call *call, struct db *db) { return impersonate_commit(call->core->identity, db, call->state, &call->err); }
static enum status impersonated(struct api_call *call) {
  const struct operation *o = call->state;
  // The console's cookie is exchanged, the refresh token's stays the operator's: refreshing is how they come back.
  const bool cookie = call->body && api_body_flag(call, "cookie");
  return o->refusal == REFUSAL_NONE ? api_json(call, 200, api_tokens(call, &o->tokens, cookie)) : api_refuse(call, o->refusal, NULL, 0);
}
enum status api_admin_impersonate(struct api_call *call) {
  return operation_begin(call) ? api_write_then(call, write_impersonation, impersonated) : call->err.code;
}

// ---- exceptions to plans

static enum status grant(struct api_call *call, struct db *db) {
  struct user_row row;
  enum status st = user_get(db, api_param_id(call, "user_id"), &row, &call->err);
  if (st != OK) return st;
  const struct plan_change change = {.tenant_id = row.tenant_id, .actor_id = call->who.user_id, .now_ns = call->now_ns, .event_id = id_next(call->now_ns)};
  json_t *limits = json_object_get(call->body, "limits");
  char *text = limits ? json_dumps(limits, JSON_COMPACT) : NULL;
  st = entitlement_override(db, snapshot_plans(call->snapshot), &change, api_body_text(call, "plan"), text, api_body_int(call, "expires_at_ms", 0) * 1000000,
                            api_body_text(call, "reason"), &call->err);
  free(text);
  if (st == ERR_NOTFOUND || st == ERR_INVALID) return api_invalid_at(call, "", call->err.msg);
  if (st == OK) st = api_audit(call, db, "plan.override", "org", row.tenant_id, NULL);
  return st;
}
static enum status granted(struct api_call *call) {
  struct user_row row;
  struct entitlement *e = api_alloc(call, sizeof *e);
  if (!e) return err_set(&call->err, ERR_NOMEM, "out of memory");
  enum status st = user_get(reader(call), api_param_id(call, "user_id"), &row, &call->err);
  if (st == OK) st = entitlement_of(call, row.tenant_id, e);
  if (st != OK) return st;
  usage_forget(call->core->usage, row.tenant_id);
  if (call->core->live) live_tenant_changed(call->core->live, row.tenant_id);
  return api_json(call, 200, entitlement_json(e));
}
enum status api_admin_user_plan(struct api_call *call) {
  plans_hold(call);
  return api_write_then(call, grant, granted);
}

static enum status take_back(struct api_call *call, struct db *db) {
  struct user_row row;
  enum status st = user_get(db, api_param_id(call, "user_id"), &row, &call->err);
  if (st == OK) st = override_delete(db, row.tenant_id, &call->err);
  if (st == OK) st = api_audit(call, db, "plan.override.delete", "org", row.tenant_id, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
static enum status forget(struct api_call *call) {
  usage_forget_all(call->core->usage);
  if (call->core->live) live_tenant_changed(call->core->live, 0);
  return OK;
}
enum status api_admin_user_plan_delete(struct api_call *call) { return api_write_then(call, take_back, forget); }
