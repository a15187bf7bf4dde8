// api/orgs.c – tenants that a person belongs to: their own and organisations, members, invitations.
#include "api/core.h"
#include "api/handlers.h"
#include "store/org_rows.h"
#include "store/store.h"

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

struct page {
  json_t *items;
  int limit, count;
  struct cursor last;
  bool more;
};
static bool page_takes(struct page *p, int64_t id) {
  if (p->count == p->limit) {
    p->more = true;
    return false;
  }
  p->count++;
  p->last = (struct cursor){0, id};
  return true;
}
static enum status answer_page(struct api_call *call, struct page *p, enum status st) {
  if (st == OK) return api_page(call, p->items, p->more, p->last);
  json_decref(p->items);
  return st;
}

static json_t *org_json(const struct tenant_row *row, int role) {
  return json_pack("{s:o, s:s, s:s, s:s, s:o}", "id", api_id("org", row->id), "name", row->name, "kind", row->personal ? "personal" : "organisation", "my_role",
                   member_role_text((enum member_role)role), "created_at_ms", api_ms(row->created_ns));
}

static bool add_org(void *arg, const struct tenant_row *row, int role) {
  struct page *p = arg;
  if (!page_takes(p, row->id)) return false;
  json_array_append_new(p->items, org_json(row, role));
  return true;
}
enum status api_orgs_list(struct api_call *call) {
  struct page p = {.items = json_array(), .limit = 1000};
  return answer_page(call, &p, org_list(reader(call), call->who.user_id, 0, 1001, add_org, &p, &call->err));
}

// The org of the path is the call's tenant: authentication has put it there, with the caller's role in it.
enum status api_org_get(struct api_call *call) {
  struct tenant_row row;
  enum status st = tenant_get(reader(call), call->who.tenant_id, &row, &call->err);
  return st == OK ? api_json(call, 200, org_json(&row, call->who.may.member_role)) : st;
}

static bool add_member(void *arg, const struct member_row *row) {
  struct page *p = arg;
  if (!page_takes(p, row->user_id)) return false;
  json_array_append_new(p->items, json_pack("{s:o, s:s, s:s, s:s, s:o}", "user_id", api_id("usr", row->user_id), "email", row->email, "name", row->name, "role",
                                            member_role_text((enum member_role)row->role), "since_ms", api_ms(row->since_ns)));
  return true;
}
enum status api_members_list(struct api_call *call) {
  struct cursor at;
  if (!api_cursor(call, &at)) return OK;
  struct page p = {.items = json_array(), .limit = api_limit(call)};
  return answer_page(call, &p, member_list(reader(call), call->who.tenant_id, at.id == INT64_MAX ? 0 : at.id, p.limit + 1, add_member, &p, &call->err));
}

static json_t *invitation_json(const struct invitation_row *row) {
  return json_pack("{s:o, s:s, s:s, s:o, s:o}", "id", api_id("inv", row->id), "email", row->email, "role", member_role_text((enum member_role)row->role), "created_at_ms",
                   api_ms(row->created_ns), "expires_at_ms", api_ms(row->expires_ns));
}
static bool add_invitation(void *arg, const struct invitation_row *row) {
  struct page *p = arg;
  if (!page_takes(p, row->id)) return false;
  json_array_append_new(p->items, invitation_json(row));
  return true;
}
enum status api_invitations_list(struct api_call *call) {
  struct page p = {.items = json_array(), .limit = 1000};
  return answer_page(call, &p, invitation_list(reader(call), call->who.tenant_id, 0, 1001, call->now_ns, add_invitation, &p, &call->err));
}
