// api/me.c – the signed-in person: who they are, where they are signed in, their API keys.
#include "api/core.h"
#include "api/handlers.h"
#include "api/identity_call.h"
#include "api/tier.h"
#include "crypto/secret.h"
#include "store/id.h"
#include "store/key_rows.h"
#include "store/session_rows.h"
#include "store/store.h"
#include "store/user_rows.h"
#include "tenant/network.h"
#include "tenant/signin.h"

#include <stdio.h>
#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

static json_t *me_json(const struct user_row *row) {
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

// ---- changing name and password

static enum status answer_me(struct api_call *call) {
  struct user_row row;
  enum status st = me_row(call, &row);
  return st == OK ? api_json(call, 200, me_json(&row)) : st;
}

static enum status write_patch(struct api_call *call, struct db *db) {
  struct password_change *c = call->state;
  const char *name = api_body_text(call, "name");
  enum status st = name ? user_set_name(db, call->who.user_id, name, &call->err) : OK;
  if (st == OK && name) st = api_audit(call, db, "me.rename", "usr", call->who.user_id, NULL);
  return st == OK && c ? password_change_commit(call->core->identity, db, c, &call->err) : st;
}
static enum status patched(struct api_call *call) {
  const struct password_change *c = call->state;
  return c && c->reason != REFUSAL_NONE ? api_refuse(call, c->reason, c->detail, c->wait_s) : answer_me(call);
}
static enum status patch_worked(struct api_call *call) { return api_write_then(call, write_patch, patched); }

enum status api_me_patch(struct api_call *call) {
  const char *fresh = api_body_text(call, "new_password"), *password = api_body_text(call, "password");
  if (call->who.user_id == 0) return api_problem(call, PROBLEM_not_found, NULL);
  if (!fresh && !api_body_text(call, "name")) return api_invalid_at(call, "", "must have name or new_password");
  if (!fresh) return patch_worked(call);
  if (!password) return api_invalid_at(call, "/password", "is required with new_password");
  struct password_change *c = flow_begin(call, sizeof *c);
  if (!c) return call->err.code;
  *c = (struct password_change){.user_id = call->who.user_id, .session_id = call->who.session_id, .password = password, .fresh = fresh, .from = api_origin(call)};
  enum status st = password_change_prepare(call->core->identity, reader(call), c, &call->err);
  if (st != OK) return st;
  return c->reason == REFUSAL_NONE ? flow_work(call, &c->work, patch_worked) : patched(call);
}

// ---- sessions

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

static enum status end_session(struct api_call *call, struct db *db) {
  const int64_t id = api_param_id(call, "session_id");
  enum status st = session_end(call->core->identity, db, call->who.user_id, id, call->now_ns, &call->err);
  if (st == OK) st = api_audit(call, db, "session.end", "ses", id, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_session_delete(struct api_call *call) { return api_write(call, end_session); }

static enum status end_others(struct api_call *call, struct db *db) {
  enum status st = session_end_all(call->core->identity, db, call->who.user_id, call->who.session_id, call->now_ns, NULL, &call->err);
  if (st == OK) st = api_audit(call, db, "session.end_others", NULL, 0, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_sessions_delete_others(struct api_call *call) { return api_write(call, end_others); }

// ---- API keys

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

static unsigned scopes_of(json_t *list) {
  unsigned scopes = 0;
  for (size_t i = 0; i < json_array_size(list); i++) scopes |= (unsigned)key_scope_parse(json_string_value(json_array_get(list, i)));
  return scopes;
}

// False when one is no block of addresses; the answer is set.
static bool networks_of(struct api_call *call, char *out, size_t size) {
  json_t *list = json_object_get(call->body, "networks"), *v;
  size_t i, n = 0;
  out[0] = '\0';
  json_array_foreach(list, i, v) {
    if (!network_is_block(json_string_value(v))) {
      char pointer[32];
      snprintf(pointer, sizeof pointer, "/networks/%zu", i);
      (void)api_invalid_at(call, pointer, refusal_text(REFUSAL_INVALID_NETWORK));
      return false;
    }
    n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " " : "", json_string_value(v));
  }
  return true;
}

static enum status write_key(struct api_call *call, struct db *db) {
  const int64_t days = api_body_int(call, "expires_in_days", 0);
  int64_t count = 0;
  char token[TOKEN_SIZE], id[ID_TEXT_SIZE];
  uint8_t hash[TOKEN_HASH_BYTES];
  struct key_row row = {.id = id_next(call->now_ns), .tenant_id = call->who.tenant_id, .user_id = call->who.user_id, .scopes = scopes_of(json_object_get(call->body, "scopes")),
                        .mfa = call->who.may.mfa, .created_ns = call->now_ns, .expires_ns = days ? call->now_ns + days * 86400 * INT64_C(1000000000) : 0};
  if (!networks_of(call, row.networks, sizeof row.networks)) return ERR_CANCELLED;
  enum status st = key_count(db, call->who.user_id, &count, &call->err);
  if (st == OK && count >= API_KEYS_MAX) return api_problemf(call, PROBLEM_tier_limit, "At most %d API keys.", API_KEYS_MAX);
  token_make(TOKEN_KEY, token, hash);
  id_format("key", row.id, id);
  snprintf(row.name, sizeof row.name, "%s", api_body_text(call, "name"));
  snprintf(row.hint, sizeof row.hint, "%.10s", token);
  if (st == OK) st = key_insert(db, &row, hash, &call->err);
  if (st == OK) st = api_take(call, db, ACTION_KEY_ADD, id);
  if (st == OK) st = api_audit(call, db, "key.create", "key", row.id, NULL);
  if (st == OK) st = api_json(call, 201, json_pack("{s:s, s:s}", "id", id, "key", token));
  secret_wipe(token, sizeof token);
  return st;
}
enum status api_key_create(struct api_call *call) {
  if (call->who.user_id == 0) return api_problem(call, PROBLEM_not_found, NULL);
  return api_may(call, ACTION_KEY_ADD) ? api_write(call, write_key) : call->err.code;
}

static enum status delete_key(struct api_call *call, struct db *db) {
  const int64_t id = api_param_id(call, "key_id");
  enum status st = key_revoke(db, call->who.user_id, id, call->now_ns, &call->err);
  if (st == OK) st = api_audit(call, db, "key.delete", "key", id, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_key_delete(struct api_call *call) { return api_write(call, delete_key); }
