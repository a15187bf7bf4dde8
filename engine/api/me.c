// api/me.c – the signed-in person: who they are, where they are signed in, their API keys.
#include "api/core.h"
#include "api/handlers.h"
#include "store/key_rows.h"
#include "store/session_rows.h"
#include "store/store.h"
#include "store/user_rows.h"

#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

json_t *me_json(const struct user_row *row) {
  return json_pack("{s:o, s:s, s:s, s:s, s:b, s:b, s:o, s:o}", "id", api_id("usr", row->id), "email", row->email, "name", row->name, "role", role_text((enum role)row->role),
                   "email_verified", row->email_verified_ns != 0, "two_factor", row->totp, "tenant_id", api_id("org", row->tenant_id), "created_at_ms",
                   api_ms(row->created_ns));
}

// The routes of a person make no sense for the operator at the machine, who is nobody in the database.
static enum status me_row(struct api_call *call, struct user_row *ret) {
  return call->who.user_id ? user_get(reader(call), call->who.user_id, ret, &call->err) : err_set(&call->err, ERR_NOTFOUND, "nobody");
}

enum status api_me_get(struct api_call *call) {
  struct user_row row;
  enum status st = me_row(call, &row);
  if (st != OK) return st;
  return api_not_modified(call, row.revision) ? OK : api_json(call, 200, me_json(&row));
}

struct list {
  struct api_call *call;
  json_t *items;
};

static bool add_session(void *arg, const struct session_row *row) {
  struct list *l = arg;
  json_array_append_new(l->items, json_pack("{s:o, s:b, s:o, s:o, s:o, s:s, s:s, s:b}", "id", api_id("ses", row->id), "current", row->id == l->call->who.session_id,
                                            "created_at_ms", api_ms(row->created_ns), "last_used_at_ms", api_ms(row->last_used_ns), "expires_at_ms", api_ms(row->expires_ns),
                                            "address", row->address, "user_agent", row->user_agent, "two_factor", row->mfa));
  return true;
}

enum status api_sessions_list(struct api_call *call) {
  struct list l = {call, json_array()};
  enum status st = session_list(reader(call), call->who.user_id, INT64_MAX, 1000, call->now_ns, add_session, &l, &call->err);
  if (st == OK) return api_page(call, l.items, false, (struct cursor){0, 0});
  json_decref(l.items);
  return st;
}

static json_t *scopes_json(unsigned scopes) {
  json_t *list = json_array();
  for (unsigned bit = KEY_SCOPE_READ; bit <= KEY_SCOPE_ADMIN; bit <<= 1)
    if (scopes & bit) json_array_append_new(list, json_string(key_scope_text((enum key_scope)bit)));
  return list;
}

static json_t *networks_json(const char *text) {
  json_t *list = json_array();
  while (*text) {
    const size_t n = strcspn(text, " ");
    if (n > 0) json_array_append_new(list, json_stringn(text, n));
    text += n + (text[n] == ' ');
  }
  return list;
}

static bool add_key(void *arg, const struct key_row *row) {
  struct list *l = arg;
  json_array_append_new(l->items, json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", api_id("key", row->id), "name", row->name, "hint", row->hint, "scopes",
                                            scopes_json(row->scopes), "networks", networks_json(row->networks), "created_at_ms", api_ms(row->created_ns), "expires_at_ms",
                                            api_ms(row->expires_ns), "last_used_at_ms", api_ms(row->last_used_ns)));
  return true;
}

enum status api_keys_list(struct api_call *call) {
  struct list l = {call, json_array()};
  enum status st = key_list(reader(call), call->who.user_id, INT64_MAX, 1000, add_key, &l, &call->err);
  if (st == OK) return api_page(call, l.items, false, (struct cursor){0, 0});
  json_decref(l.items);
  return st;
}
