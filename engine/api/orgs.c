// api/orgs.c – tenants that a person belongs to: their own and organisations, members, invitations.
#include "api/core.h"
#include "api/handlers.h"
#include "api/identity_call.h"
#include "api/list.h"
#include "api/tier.h"
#include "store/id.h"
#include "store/org_rows.h"
#include "store/store.h"
#include "tenant/belonging.h"

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

static json_t *org_json(const struct tenant_row *row, int role) {
  return json_pack("{s:o, s:s, s:s, s:s, s:o}", "id", api_id("org", row->id), "name", row->name, "kind", row->personal ? "personal" : "organisation", "my_role",
                   member_role_text((enum member_role)role), "created_at_ms", api_ms(row->created_ns));
}

static bool add_org(void *arg, const struct tenant_row *row, int role) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, org_json(row, role));
  return true;
}
enum status api_orgs_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_OLDEST)) return OK;
  return api_list_end(&l, org_list(reader(call), call->who.user_id, l.at, l.limit + 1, add_org, &l, &call->err));
}

// The org of the path is the call's tenant: authentication has put it there, with the caller's role in it.
enum status api_org_get(struct api_call *call) {
  struct tenant_row row;
  enum status st = tenant_get(reader(call), call->who.tenant_id, &row, &call->err);
  return st == OK ? api_json(call, 200, org_json(&row, call->who.may.member_role)) : st;
}

static bool add_member(void *arg, const struct member_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->user_id)) return false;
  json_array_append_new(l->items, json_pack("{s:o, s:s, s:s, s:s, s:o}", "user_id", api_id("usr", row->user_id), "email", row->email, "name", row->name, "role",
                                            member_role_text((enum member_role)row->role), "since_ms", api_ms(row->since_ns)));
  return true;
}
enum status api_members_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_OLDEST)) return OK;
  return api_list_end(&l, member_list(reader(call), call->who.tenant_id, l.at, l.limit + 1, add_member, &l, &call->err));
}

static json_t *invitation_json(const struct invitation_row *row) {
  return json_pack("{s:o, s:s, s:s, s:o, s:o}", "id", api_id("inv", row->id), "email", row->email, "role", member_role_text((enum member_role)row->role), "created_at_ms",
                   api_ms(row->created_ns), "expires_at_ms", api_ms(row->expires_ns));
}
static bool add_invitation(void *arg, const struct invitation_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, invitation_json(row));
  return true;
}
enum status api_invitations_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_OLDEST)) return OK;
  return api_list_end(&l, invitation_list(reader(call), call->who.tenant_id, l.at, l.limit + 1, call->now_ns, add_invitation, &l, &call->err));
}

// ---- changing: the flows of tenant/belonging

static struct org_change *change_begin(struct api_call *call) {
  struct org_change *c = flow_begin(call, sizeof *c);
  if (!c) return NULL;
  *c = (struct org_change){.who = api_actor(call), .tenant_id = call->who.tenant_id, .from = api_origin(call), .name = api_body_text(call, "name"),
                           .email = api_body_text(call, "email"), .token = api_body_text(call, "token")};
  const char *role = api_body_text(call, "role");
  if (role) c->role = (enum member_role)member_role_parse(role);
  return c;
}

static enum status answer_none(struct api_call *call) {
  const struct org_change *c = call->state;
  return c->refusal == REFUSAL_NONE ? api_json(call, 204, NULL) : api_refuse(call, c->refusal, NULL, 0);
}

static enum status answer_org(struct api_call *call, int status) {
  const struct org_change *c = call->state;
  struct tenant_row row;
  struct member_row member;
  if (c->refusal != REFUSAL_NONE) return api_refuse(call, c->refusal, NULL, 0);
  enum status st = tenant_get(reader(call), c->tenant_id, &row, &call->err);
  if (st == OK) st = member_get(reader(call), c->tenant_id, call->who.user_id, &member, &call->err);
  return st == OK ? api_json(call, status, org_json(&row, member.role)) : st;
}

static enum status write_org(struct api_call *call, struct db *db) {
  struct org_change *c = call->state;
  enum status st = org_create_commit(db, c, &call->err);
  if (st != OK || c->refusal != REFUSAL_NONE) return st;
  struct tenant_row row;
  st = tenant_get(db, c->tenant_id, &row, &call->err);
  return st == OK ? api_json(call, 201, org_json(&row, MEMBER_OWNER)) : st;
}
static enum status org_made(struct api_call *call) {
  const struct org_change *c = call->state;
  return c->refusal == REFUSAL_NONE ? OK : api_refuse(call, c->refusal, NULL, 0);
}
enum status api_org_create(struct api_call *call) {
  if (call->who.user_id == 0) return api_problem(call, PROBLEM_not_found, NULL);
  // The plan of the founder's tenant says whether there may be a team.
  if (!api_may(call, ACTION_MEMBER_ADD)) return call->err.code;
  return change_begin(call) ? api_write_then(call, write_org, org_made) : call->err.code;
}

static enum status write_member(struct api_call *call, struct db *db) { return member_set_commit(db, call->state, &call->err); }
static enum status write_removal(struct api_call *call, struct db *db) { return member_remove_commit(db, call->state, &call->err); }

enum status api_member_patch(struct api_call *call) {
  struct org_change *c = change_begin(call);
  if (!c) return call->err.code;
  c->user_id = api_param_id(call, "user_id");
  return api_write_then(call, write_member, answer_none);
}
// Leaving needs no permission but being a member; removing others is the owners'.
enum status api_member_delete(struct api_call *call) {
  struct org_change *c = change_begin(call);
  if (!c) return call->err.code;
  c->user_id = api_param_id(call, "user_id");
  // The route asks for me.write: who leaves is there in person, not an API key, nor an operator who looks.
  if (c->user_id != call->who.user_id && !permission_allowed(&call->who.may, PERMISSION_members_write)) return api_problem(call, PROBLEM_forbidden, NULL);
  return api_write_then(call, write_removal, answer_none);
}

static enum status write_invitation(struct api_call *call, struct db *db) {
  struct org_change *c = call->state;
  enum status st = invite_commit(call->core->identity, db, c, &call->err);
  return st == OK && c->refusal == REFUSAL_NONE ? api_json(call, 201, invitation_json(&c->invitation)) : st;
}
static enum status invited(struct api_call *call) {
  const struct org_change *c = call->state;
  if (c->refusal == REFUSAL_NONE) return OK;
  return c->refusal == REFUSAL_ALREADY ? api_problem(call, PROBLEM_already_exists, NULL) : api_refuse(call, c->refusal, NULL, 0);
}
enum status api_invitation_create(struct api_call *call) {
  if (!api_may(call, ACTION_MEMBER_ADD)) return call->err.code;
  return change_begin(call) ? api_write_then(call, write_invitation, invited) : call->err.code;
}

static enum status write_withdrawal(struct api_call *call, struct db *db) {
  return invitation_withdraw_commit(db, call->state, api_param_id(call, "invitation_id"), &call->err);
}
enum status api_invitation_delete(struct api_call *call) {
  return change_begin(call) ? api_write_then(call, write_withdrawal, answer_none) : call->err.code;
}

// The organisation's plan has the last word, since many may be invited.
static enum status write_acceptance(struct api_call *call, struct db *db) {
  const struct org_change *c = call->state;
  char key[ID_TEXT_SIZE];
  enum status st = invitation_accept_commit(db, call->state, &call->err);
  if (st != OK || c->refusal != REFUSAL_NONE) return st;
  id_format("usr", call->who.user_id, key);
  return api_take_of(call, db, c->tenant_id, ACTION_MEMBER_ADD, key);
}
static enum status joined(struct api_call *call) { return answer_org(call, 200); }
enum status api_invitation_accept(struct api_call *call) {
  if (call->who.user_id == 0) return api_problem(call, PROBLEM_not_found, NULL);
  plans_hold(call);
  return change_begin(call) ? api_write_then(call, write_acceptance, joined) : call->err.code;
}
