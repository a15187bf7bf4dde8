// api/me.c – the signed-in person: who they are, where they are signed in, their API keys.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/identity_call.h"
#include "api/list.h"
#include "api/me.h"
#include "api/tier.h"
#include "crypto/secret.h"
#include "store/ea_rows.h"
#include "store/chat_rows.h"
#include "store/hook_rows.h"
#include "store/notice_rows.h"
#include "store/id.h"
#include "store/audit_rows.h"
#include "store/backtest_rows.h"
#include "store/bot_rows.h"
#include "store/replay_rows.h"
#include "store/key_rows.h"
#include "store/org_rows.h"
#include "store/script_rows.h"
#include "store/session_rows.h"
#include "store/store.h"
#include "store/user_rows.h"
#include "tenant/belonging.h"
#include "tenant/signin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

// call: NULL, or whose answer it is: a page of the console that was loaded anew learns there what its changes must carry.
static void me_write(const struct api_call *call, const struct user_row *row, struct buf *text) {
  struct json_out o;
  json_out_init(&o, text, false);
  jo_open(&o, NULL, '{');
  jo_id(&o, "id", "usr", row->id);
  jo_text(&o, "email", row->email);
  jo_text(&o, "name", row->name);
  jo_text(&o, "role", role_text((enum role)row->role));
  jo_bool(&o, "email_verified", row->email_verified_ns != 0);
  jo_bool(&o, "two_factor", row->totp);
  jo_id(&o, "tenant_id", "org", row->tenant_id);
  jo_ms(&o, "created_at_ms", row->created_ns);
  jo_id(&o, "impersonated_by", "usr", call ? call->who.actor_id : 0);
  if (call && call->who.cookie) {
    char token[44];
    api_csrf_token(call->core, call->who.session_id, token);
    jo_text(&o, "csrf_token", token);
  }
  jo_close(&o);
}

json_t *me_json(const struct user_row *row) {
  struct buf text;
  buf_init(&text, 1 << 16);
  me_write(NULL, row, &text);
  json_t *tree = text.failed ? NULL : json_loadb(text.data, text.len, 0, NULL);
  buf_finish(&text);
  return tree;
}

static enum status me_answer(struct api_call *call, const struct user_row *row) {
  struct buf text;
  buf_init(&text, 1 << 16);
  me_write(call, row, &text);
  if (!text.failed) return api_text(call, 200, "application/json", text.data, text.len);
  buf_finish(&text);
  return err_set(&call->err, ERR_NOMEM, "out of memory");
}

// What user_get said, as long as nothing was committed since: consoles ask all the time who they are.
#define KNOWN_USERS 256
struct known_user {
  uint64_t commits;  // and one; 0: empty
  struct user_row row;
};

static enum status user_known(struct api_call *call, struct user_row *ret) {
  struct api_core *core = call->core;
  const uint64_t commits = store_stats(core->store, STORE_CONTROL).commits + 1;
  if (!core->known_users) core->known_users = calloc(KNOWN_USERS, sizeof *core->known_users);
  struct known_user *k = core->known_users ? &core->known_users[((uint64_t)call->who.user_id * UINT64_C(0x9e3779b97f4a7c15)) >> 56] : NULL;
  if (k && k->commits == commits && k->row.id == call->who.user_id) {
    *ret = k->row;
    return OK;
  }
  enum status st = user_get(reader(call), call->who.user_id, ret, &call->err);
  if (st == OK) secret_wipe(ret->password_hash, sizeof ret->password_hash);  // nobody needs it here, nor should it lie around
  if (st == OK && k) *k = (struct known_user){commits, *ret};
  return st;
}

// The routes of a person make no sense for the operator at the machine, who is nobody in the database.
static enum status me_row(struct api_call *call, struct user_row *ret) {
  return call->who.user_id ? user_known(call, ret) : err_set(&call->err, ERR_NOTFOUND, "nobody");
}

enum status api_me_get(struct api_call *call) {
  struct user_row row;
  enum status st = me_row(call, &row);
  if (st != OK) return st;
  return api_not_modified(call, row.revision) ? OK : me_answer(call, &row);
}

// ---- changing name and password

static enum status answer_me(struct api_call *call) {
  struct user_row row;
  enum status st = me_row(call, &row);
  if (st != OK) return st;
  char tag[ETAG_TEXT_SIZE];
  etag_format(row.revision, tag);
  api_field(call, "ETag", "%s", tag);
  return me_answer(call, &row);
}

static enum status write_patch(struct api_call *call, struct db *db) {
  struct password_change *c = call->state;
  const char *name = api_body_text(call, "name");
  struct user_row row;
  enum status st = user_get(db, call->who.user_id, &row, &call->err);
  if (st != OK) return st;
  if (!api_if_match(call, row.revision)) return ERR_CANCELLED;
  st = name ? user_set_name(db, call->who.user_id, name, &call->err) : OK;
  if (st == OK && name) st = api_audit(call, db, "me.rename", "usr", call->who.user_id, NULL);
  return st == OK && c ? password_change_commit(call->core->identity, db, c, &call->err) : st;
}
static enum status patched(struct api_call *call) {
  const struct password_change *c = call->state;
  return c && c->refusal != REFUSAL_NONE ? api_refuse(call, c->refusal, c->detail, c->wait_s) : answer_me(call);
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
  return c->refusal == REFUSAL_NONE ? flow_work(call, &c->work, patch_worked) : patched(call);
}

// ---- sessions

bool me_add_session(void *arg, const struct session_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, json_pack("{s:o, s:b, s:o, s:o, s:o, s:s, s:s, s:b}", "id", api_id("ses", row->id), "current", row->id == l->call->who.session_id,
                                            "created_at_ms", api_ms(row->created_ns), "last_used_at_ms", api_ms(row->last_used_ns), "expires_at_ms", api_ms(row->expires_ns),
                                            "address", row->address, "user_agent", row->user_agent, "two_factor", row->mfa));
  return true;
}

enum status api_sessions_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, session_list(reader(call), call->who.user_id, l.at, l.limit + 1, call->now_ns, me_add_session, &l, &call->err));
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

bool me_add_key(void *arg, const struct key_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", api_id("key", row->id), "name", row->name, "hint", row->hint, "scopes",
                                            scopes_json(row->scopes), "networks", networks_json(row->networks), "created_at_ms", api_ms(row->created_ns), "expires_at_ms",
                                            api_ms(row->expires_ns), "last_used_at_ms", api_ms(row->last_used_ns)));
  return true;
}

enum status api_keys_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, key_list(reader(call), call->who.user_id, l.at, l.limit + 1, me_add_key, &l, &call->err));
}

static unsigned scopes_of(json_t *list) {
  unsigned scopes = 0;
  for (size_t i = 0; i < json_array_size(list); i++) scopes |= (unsigned)key_scope_parse(json_string_value(json_array_get(list, i)));
  return scopes;
}

struct making {
  struct key_create flow;
  char networks[KEY_NETWORKS_SIZE];
};

static enum status write_key(struct api_call *call, struct db *db) {
  struct making *m = call->state;
  char id[ID_TEXT_SIZE];
  enum status st = key_create_commit(db, &m->flow, &call->err);
  if (st != OK || m->flow.refusal != REFUSAL_NONE) return st;
  id_format("key", m->flow.row.id, id);
  st = api_take(call, db, ACTION_KEY_ADD, id);
  return st == OK ? api_json(call, 201, json_pack("{s:o, s:s}", "id", api_id("key", m->flow.row.id), "key", m->flow.key)) : st;
}
static enum status key_made(struct api_call *call) {
  const struct making *m = call->state;
  return m->flow.refusal == REFUSAL_NONE ? OK : api_refuse(call, m->flow.refusal, NULL, 0);
}

enum status api_key_create(struct api_call *call) {
  if (call->who.user_id == 0) return api_problem(call, PROBLEM_not_found, NULL);
  if (!api_may(call, ACTION_KEY_ADD)) return call->err.code;
  struct making *m = flow_begin(call, sizeof *m);
  if (!m) return call->err.code;
  size_t i, n = 0;
  json_t *v;
  json_array_foreach(json_object_get(call->body, "networks"), i, v) n += (size_t)snprintf(m->networks + n, sizeof m->networks - n, "%s%s", n ? " " : "", json_string_value(v));
  const int64_t days = api_body_int(call, "expires_in_days", 0);
  m->flow = (struct key_create){.who = api_actor(call), .name = api_body_text(call, "name"), .scopes = scopes_of(json_object_get(call->body, "scopes")),
                                .networks = m->networks, .expires_ns = days ? call->now_ns + days * 86400 * INT64_C(1000000000) : 0, .from = api_origin(call)};
  return api_write_then(call, write_key, key_made);
}

static enum status delete_key(struct api_call *call, struct db *db) {
  const struct actor who = api_actor(call);
  const struct origin from = api_origin(call);
  enum status st = key_delete_commit(db, &who, api_param_id(call, "key_id"), &from, &call->err);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_key_delete(struct api_call *call) { return api_write(call, delete_key); }

// ---- leaving

// The runtime is told of each once they are gone.
static bool count_bot(void *arg, const struct bot_row *row) {
  (void)row;
  ++*(size_t *)arg;
  return true;
}
static bool note_bot(void *arg, const struct bot_row *row) {
  int64_t **at = arg;
  *(*at)++ = row->id;
  return true;
}
static enum status bots_of_erased(struct api_call *call, struct db *db) {
  const struct bot_filter all = {.tenant_id = call->erased_tenant};
  size_t count = 0;
  enum status st = bot_list(db, &all, INT64_MAX, BOTS_MAX, count_bot, &count, &call->err);
  if (st != OK || count == 0) return st;
  int64_t *at = call->erased_bots = api_alloc(call, (count + 1) * sizeof *at);
  return at ? bot_list(db, &all, INT64_MAX, BOTS_MAX, note_bot, &at, &call->err) : err_set(&call->err, ERR_NOMEM, "out of memory");
}

static enum status write_erasure(struct api_call *call, struct db *db) {
  struct erasure *e = call->state;
  enum status st = erasure_commit(call->core->identity, db, e, &call->err);
  if (st != OK || e->refusal != REFUSAL_NONE) return st;
  if ((st = bots_of_erased(call, db)) != OK) return st;
  st = backtest_erase_tenant(db, call->erased_tenant, &call->err);
  if (st == OK) st = replay_erase_tenant(db, call->erased_tenant, &call->err);
  if (st == OK) st = notice_erase_tenant(db, call->erased_tenant, &call->err);
  if (st == OK) st = ea_erase_tenant(db, call->erased_tenant, &call->err);
  if (st == OK) st = chat_erase_tenant(db, call->erased_tenant, &call->err);
  if (st == OK) st = chat_erase_user(db, call->who.user_id, &call->err);
  if (st == OK) st = hook_erase_tenant(db, call->erased_tenant, &call->err);
  if (st == OK) st = bot_erase_tenant(db, call->erased_tenant, &call->err);
  if (st == OK) st = script_erase_tenant(db, call->erased_tenant, &call->err);
  return st == OK ? usage_erase_tenant(db, call->erased_tenant, &call->err) : st;
}
static enum status erased(struct api_call *call) {
  const struct erasure *e = call->state;
  if (e->refusal != REFUSAL_NONE) return api_refuse(call, e->refusal, NULL, e->wait_s);
  for (const int64_t *id = call->erased_bots; id && *id; id++) bots_changed(call->core, *id);
  if (call->who.cookie) api_cookies_clear(call);
  return api_json(call, 204, NULL);
}
static enum status erasure_worked(struct api_call *call) { return api_write_then(call, write_erasure, erased); }

enum status api_me_delete(struct api_call *call) {
  struct user_row row;
  enum status st = me_row(call, &row);
  if (st != OK) return st;
  struct erasure *e = flow_begin(call, sizeof *e);
  if (!e) return call->err.code;
  call->erased_tenant = row.tenant_id;  // their own, whichever they act for
  *e = (struct erasure){.user_id = row.id, .password = api_body_text(call, "password"), .code = api_body_text(call, "code"), .from = api_origin(call)};
  st = erasure_prepare(call->core->identity, reader(call), e, &call->err);
  if (st != OK) return st;
  return e->refusal == REFUSAL_NONE ? flow_work(call, &e->work, erasure_worked) : erased(call);
}
