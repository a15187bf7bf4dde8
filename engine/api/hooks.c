// api/hooks.c – hooks and stages as their owners set them up. Who posts to them is hook_intake.c's.
#include "api/hooks.h"

#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/signal_desk.h"
#include "api/signal_stages.h"
#include "api/tier.h"
#include "crypto/aead.h"
#include "crypto/encode.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "net/address.h"
#include "signal/message.h"
#include "store/id.h"
#include "store/script_rows.h"
#include "store/signal_rows.h"
#include "store/store.h"
#include "tenant/identity.h"
#include "tenant/registry.h"
#include "tenant/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_BYTES 32

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }
static enum status no_memory(struct api_call *call) { return err_set(&call->err, ERR_NOMEM, "out of memory"); }

void hook_token_hash(const char *token, size_t len, uint8_t ret[SHA256_BYTES]) {
  struct sha256_ctx c;
  sha256_init(&c);
  sha256_update(&c, token, len);
  sha256_finish(&c, ret);
}

// ---- as JSON

static bool add_bot(void *arg, int64_t bot_id) {
  json_array_append_new(arg, api_id("bot", bot_id));
  return true;
}
static bool count_bot(void *arg, int64_t bot_id) {
  (void)bot_id;
  return ++*(int64_t *)arg, true;
}

static json_t *hook_json(struct api_call *call, struct db *db, const struct hook_row *row, enum status *ret) {
  json_t *settings = json_loads(row->settings, 0, NULL), *bots = json_array();
  int64_t listeners = 0;
  const bool own = row->tenant_id == call->who.tenant_id, has_secret = json_object_get(settings, "secret_sha256") != NULL;
  json_object_del(settings, "secret_sha256");
  *ret = hook_bots(db, row->id, call->who.tenant_id, false, NULL, add_bot, bots, &call->err);
  if (*ret == OK && own) *ret = hook_bots(db, row->id, 0, false, NULL, count_bot, &listeners, &call->err);
  json_t *v = json_pack("{s:o, s:s, s:b, s:b, s:o, s:b, s:b, s:o, s:o, s:I}", "id", api_id("hok", row->id), "name", row->name, "enabled", row->enabled, "shared", row->shared, "settings",
    own && settings ? json_incref(settings) : json_object(), "body_secret", has_secret, "signed", row->sign_key_len > 0, "bots", bots, "created_at_ms", api_ms(row->created_ns), "revision", (json_int_t)row->revision);
  json_decref(settings);
  if (own) json_object_set_new(v, "listeners", json_integer(listeners));
  return v;
}

static enum status answer(struct api_call *call, struct db *db, int status, const struct hook_row *row, const char *token) {
  enum status st;
  char tag[ETAG_TEXT_SIZE], path[100];
  json_t *v = hook_json(call, db, row, &st);
  if (st == OK && token) {
    snprintf(path, sizeof path, API_PREFIX "/hooks/%s", token);
    json_object_set_new(v, "token", json_string(token));
    json_object_set_new(v, "path", json_string(path));
  }
  if (st != OK) return json_decref(v), st;
  etag_format(row->revision, tag);
  if (!token) api_field(call, "ETag", "%s", tag);
  return api_json(call, status, v);
}

json_t *delivery_json(const struct delivery_row *d) {
  json_t *signal = json_loads(d->signal, 0, NULL), *log = json_loads(d->log, 0, NULL);
  return json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:I}", "id", api_id("dlv", d->id), "hook_id", api_id("hok", d->hook_id), "state", d->state, "reason", d->reason, "received_at_ms",
    api_ms(d->received_ns), "expires_at_ms", api_ms(d->expires_ns), "done_at_ms", api_ms(d->done_ns), "address", d->address, "body", d->body, "signal", signal ? signal : json_object(), "log",
    log ? log : json_array(), "bots", (json_int_t)d->bots);
}

// ---- what is asked for, checked

// "/1/settings: …" of a list of stages that stands at `where` in the request.
static enum status stages_wrong(struct api_call *call, const char *where) {
  char pointer[120];
  const char *colon = call->err.msg[0] == '/' ? strchr(call->err.msg, ':') : NULL;
  snprintf(pointer, sizeof pointer, "%s%.*s", where, colon ? (int)(colon - call->err.msg) : 0, call->err.msg);
  return api_invalid_at(call, pointer, colon ? colon + 2 : call->err.msg);
}

static enum status settings_fit(struct api_call *call, struct db *db, const json_t *settings) {
  const json_t *mapping = json_object_get(settings, "mapping"), *addresses = json_object_get(settings, "addresses");
  char pointer[64];
  if (message_mapping_check(mapping, &call->err) != OK) {
    const char *colon = strchr(call->err.msg, ':');
    snprintf(pointer, sizeof pointer, "/settings/mapping/%.*s", colon ? (int)(colon - call->err.msg - 8) : 0, call->err.msg + 8);
    return api_invalid_at(call, pointer, colon ? colon + 2 : call->err.msg);
  }
  for (size_t i = 0; i < json_array_size(addresses); i++) {
    struct address_range range;
    if (address_range_parse(json_string_value(json_array_get(addresses, i)), &range, &call->err) == OK) continue;
    snprintf(pointer, sizeof pointer, "/settings/addresses/%zu", i);
    return api_invalid_at(call, pointer, "is no address (192.0.2.1) and no range (192.0.2.0/24)");
  }
  const enum status st = signal_stages_check(call->snapshot, db, call->who.tenant_id, json_object_get(settings, "stages"), &call->err);
  return st == ERR_INVALID ? stages_wrong(call, "/settings/stages") : st;
}

// The key itself: the text, or behind "whsec_" what its Base64 stands for. False: no such Base64.
static bool sign_key_of(const char *text, uint8_t ret[200], size_t *ret_len) {
  if (strncmp(text, "whsec_", 6) != 0) return memcpy(ret, text, *ret_len = strlen(text)), true;
  char url[201];
  size_t n = 0;
  for (const char *p = text + 6; *p && *p != '=' && n < sizeof url - 1; p++) url[n++] = *p == '+' ? '-' : *p == '/' ? '_' : *p;
  return base64url_decode(url, n, ret, 200, ret_len) == OK && *ret_len > 0;
}

static enum status seal_sign_key(struct api_call *call, struct db *db, struct hook_row *row, const char *text) {
  uint8_t key[200], tenant_key[KEY_BYTES];
  size_t len;
  if (!sign_key_of(text, key, &len)) return api_invalid_at(call, "/sign_secret", "begins with whsec_, but no Base64 follows");
  enum status st = vault_tenant_key(identity_keys(call->core->identity), db, row->tenant_id, true, call->now_ns, tenant_key, &call->err);
  if (st == OK) st = vault_seal(tenant_key, row->tenant_id, "hook", row->id, key, len, row->sign_key, &call->err);
  if (st == OK) row->sign_key_len = len + AEAD_OVERHEAD_BYTES;
  secret_wipe(key, sizeof key);
  secret_wipe(tenant_key, sizeof tenant_key);
  return st;
}

enum status hook_sign_key(struct api_call *call, struct db *db, const struct hook_row *hook, uint8_t ret_key[200], size_t *ret_len) {
  uint8_t tenant_key[KEY_BYTES];
  enum status st = vault_tenant_key(identity_keys(call->core->identity), db, hook->tenant_id, false, call->now_ns, tenant_key, &call->err);
  if (st == OK) st = vault_unseal(tenant_key, hook->tenant_id, "hook", hook->id, hook->sign_key, hook->sign_key_len, ret_key, ret_len, &call->err);
  secret_wipe(tenant_key, sizeof tenant_key);
  return st;
}

// What the body says, into the row. settings stays the row's text where none are given, but for the body secret's hash.
static enum status take(struct api_call *call, struct db *db, struct hook_row *row, char **ret_text) {
  const json_t *given = json_object_get(call->body, "settings"), *secret = json_object_get(call->body, "body_secret"), *sign = json_object_get(call->body, "sign_secret");
  json_t *was = json_loads(row->settings, 0, NULL), *settings = given ? json_deep_copy(given) : json_deep_copy(was), *hash = json_object_get(was, "secret_sha256");
  enum status st = settings ? settings_fit(call, db, settings) : no_memory(call);
  if (st == OK && json_object_get(given, "secret_sha256")) st = api_invalid_at(call, "/settings/secret_sha256", "is not given but made: use body_secret");
  if (st == OK && hash && !secret) json_object_set(settings, "secret_sha256", hash);
  if (st == OK && json_is_string(secret)) {
    char hex[SHA256_HEX_SIZE];
    sha256_hex(json_string_value(secret), json_string_length(secret), hex);
    json_object_set_new(settings, "secret_sha256", json_string(hex));
  } else if (st == OK && json_is_null(secret)) {
    json_object_del(settings, "secret_sha256");
  }
  if (st == OK && json_is_string(sign)) st = seal_sign_key(call, db, row, json_string_value(sign));
  if (st == OK && json_is_null(sign)) row->sign_key_len = 0;
  const char *name = api_body_text(call, "name");
  if (name) snprintf(row->name, sizeof row->name, "%s", name);
  if (json_object_get(call->body, "enabled")) row->enabled = api_body_flag(call, "enabled");
  if (json_object_get(call->body, "shared")) row->shared = api_body_flag(call, "shared");
  if (st == OK && row->shared && !permission_allowed(&call->who.may, PERMISSION_admin_scripts_write)) st = api_invalid_at(call, "/shared", "only operators share hooks");
  if (st == OK && !(*ret_text = json_dumps(settings, JSON_COMPACT | JSON_SORT_KEYS))) st = no_memory(call);
  if (st == OK) row->settings = *ret_text;
  json_decref(was);
  json_decref(settings);
  return st;
}

// ---- routes

struct list {
  struct api_list page;
  struct db *db;
  enum status status;
};

static bool add_hook(void *arg, const struct hook_row *row) {
  struct list *l = arg;
  if (!api_list_room(&l->page, row->id)) return false;
  json_array_append_new(l->page.items, hook_json(l->page.call, l->db, row, &l->status));
  return l->status == OK;
}

enum status api_hooks_list(struct api_call *call) {
  struct list l = {.db = reader(call), .status = OK};
  if (!api_list_begin(call, &l.page, API_LIST_NEWEST)) return OK;
  const enum status st = hook_list(l.db, call->who.tenant_id, api_query_flag(call, "shared"), l.page.at, l.page.limit + 1, add_hook, &l, &call->err);
  return api_list_end(&l.page, st == OK ? l.status : st);
}

static void fresh_token(struct hook_row *row, char ret[BASE64URL_SIZE(TOKEN_BYTES)]) {
  uint8_t bytes[TOKEN_BYTES];
  random_bytes(bytes, sizeof bytes);
  base64url_encode(bytes, sizeof bytes, ret);
  hook_token_hash(ret, strlen(ret), row->token_hash);
}

static enum status create(struct api_call *call, struct db *db) {
  struct hook_row row = {.id = id_next(call->now_ns), .tenant_id = call->who.tenant_id, .enabled = true, .settings = "{}", .created_ns = call->now_ns, .updated_ns = call->now_ns, .revision = 1};
  char token[BASE64URL_SIZE(TOKEN_BYTES)], *text = NULL;
  int64_t count = 0;
  fresh_token(&row, token);
  enum status st = hook_count(db, row.tenant_id, &count, &call->err);
  if (st == OK && count >= HOOKS_MAX) return api_problemf(call, PROBLEM_tier_limit, "There are %d hooks already; delete some first.", HOOKS_MAX);
  if (st == OK) st = take(call, db, &row, &text);
  if (st == OK) st = hook_insert(db, &row, &call->err);
  if (st == OK) st = api_audit(call, db, "hook.create", "hok", row.id, NULL);
  if (st == OK) st = answer(call, db, 201, &row, token);
  free(text);
  return st;
}
enum status api_hook_create(struct api_call *call) {
  plans_hold(call);
  return api_write(call, create);
}

enum status api_hook_get(struct api_call *call) {
  struct hook_row row;
  enum status st = hook_get(reader(call), call->who.tenant_id, api_param_id(call, "hook"), &row, &call->err);
  if (st != OK) return st;
  st = api_not_modified(call, row.revision) ? OK : answer(call, reader(call), 200, &row, NULL);
  hook_row_finish(&row);
  return st;
}

static enum status patch(struct api_call *call, struct db *db) {
  struct hook_row row;
  char *text = NULL;
  enum status st = hook_get(db, call->who.tenant_id, api_param_id(call, "hook"), &row, &call->err);
  if (st != OK) return st;
  if (!api_if_match(call, row.revision)) st = ERR_CANCELLED;
  row.updated_ns = call->now_ns;
  if (st == OK) st = take(call, db, &row, &text);
  if (st == OK) st = hook_update(db, &row, &call->err);
  if (st == OK) st = api_audit(call, db, "hook.change", "hok", row.id, NULL);
  row.revision++;
  if (st == OK) st = answer(call, db, 200, &row, NULL);
  free(text);
  hook_row_finish(&row);
  return st;
}
static enum status changed(struct api_call *call) {
  signal_desk_forget(call->core->desk, api_param_id(call, "hook"));
  return OK;
}
enum status api_hook_patch(struct api_call *call) {
  plans_hold(call);
  return api_write_then(call, patch, changed);
}

static enum status new_token(struct api_call *call, struct db *db) {
  struct hook_row row;
  char token[BASE64URL_SIZE(TOKEN_BYTES)];
  enum status st = hook_get(db, call->who.tenant_id, api_param_id(call, "hook"), &row, &call->err);
  if (st != OK) return st;
  fresh_token(&row, token);
  row.updated_ns = call->now_ns;
  st = hook_update(db, &row, &call->err);
  if (st == OK) st = api_audit(call, db, "hook.token", "hok", row.id, NULL);
  row.revision++;
  if (st == OK) st = answer(call, db, 200, &row, token);
  hook_row_finish(&row);
  return st;
}
enum status api_hook_token(struct api_call *call) { return api_write(call, new_token); }

static enum status delete(struct api_call *call, struct db *db) {
  const int64_t id = api_param_id(call, "hook");
  enum status st = hook_delete(db, call->who.tenant_id, id, &call->err);
  if (st == OK) st = api_audit(call, db, "hook.delete", "hok", id, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_hook_delete(struct api_call *call) { return api_write_then(call, delete, changed); }

// ---- who listens: a bot of mine to a hook of mine, or to one that is shared

static enum status bot_of_mine(struct api_call *call, struct db *db, int64_t *ret_hook, int64_t *ret_bot) {
  struct hook_row hook;
  struct bot_row bot;
  *ret_hook = api_param_id(call, "hook"), *ret_bot = api_param_id(call, "bot_id");
  enum status st = hook_find(db, *ret_hook, &hook, &call->err);
  if (st != OK) return st;
  const bool open = hook.tenant_id == call->who.tenant_id || (hook.shared && hook.enabled);
  hook_row_finish(&hook);
  if (!open) return ERR_NOTFOUND;
  st = bot_get(db, call->who.tenant_id, *ret_bot, &bot, &call->err);
  if (st == OK) bot_row_finish(&bot);
  return st;
}

static enum status listen(struct api_call *call, struct db *db) {
  int64_t hook, bot;
  enum status st = bot_of_mine(call, db, &hook, &bot);
  if (st == OK) st = hook_bot_add(db, hook, bot, &call->err);
  if (st == OK) st = api_audit(call, db, "hook.listen", "bot", bot, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_hook_bot_put(struct api_call *call) { return api_write(call, listen); }

static enum status listen_no_more(struct api_call *call, struct db *db) {
  int64_t hook = api_param_id(call, "hook"), bot = api_param_id(call, "bot_id");
  struct bot_row row;
  enum status st = bot_get(db, call->who.tenant_id, bot, &row, &call->err);  // also when the hook is shared no more
  if (st != OK) return st;
  bot_row_finish(&row);
  st = hook_bot_remove(db, hook, bot, &call->err);
  if (st == OK) st = api_audit(call, db, "hook.listen_no_more", "bot", bot, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_hook_bot_delete(struct api_call *call) { return api_write(call, listen_no_more); }

// ---- deliveries

static bool add_delivery(void *arg, const struct delivery_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, delivery_json(row));
  return true;
}

static enum status own_hook(struct api_call *call, int64_t *ret) {
  struct hook_row row;
  const enum status st = hook_get(reader(call), call->who.tenant_id, *ret = api_param_id(call, "hook"), &row, &call->err);
  if (st == OK) hook_row_finish(&row);
  return st;
}

enum status api_hook_deliveries(struct api_call *call) {
  struct api_list l;
  int64_t hook;
  enum status st = own_hook(call, &hook);
  if (st != OK || !api_list_begin(call, &l, API_LIST_NEWEST)) return st;
  return api_list_end(&l, delivery_list(reader(call), hook, l.at, l.limit + 1, add_delivery, &l, &call->err));
}

enum status api_signals_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, delivery_list_tenant(reader(call), call->who.tenant_id, l.at, l.limit + 1, add_delivery, &l, &call->err));
}

static bool one_delivery(void *arg, const struct delivery_row *row) {
  *(json_t **)arg = delivery_json(row);
  return false;
}
enum status api_hook_delivery(struct api_call *call) {
  json_t *v = NULL;
  int64_t hook;
  enum status st = own_hook(call, &hook);
  if (st == OK) st = delivery_get(reader(call), hook, api_param_id(call, "delivery_id"), one_delivery, &v, &call->err);
  return st == OK ? api_json(call, 200, v) : st;
}

struct receipts {
  struct api_list page;
  struct db *db;
  bool all;
  enum status status;
};

static bool add_receipt(void *arg, const struct signal_row *s) {
  struct receipts *r = arg;
  struct api_call *call = r->page.call;
  struct bot_row bot;
  const enum status st = bot_find(r->db, s->bot_id, &bot, &call->err);
  if (st == ERR_NOTFOUND) return true;  // deleted meanwhile
  if (st != OK) return r->status = st, false;
  const bool mine = bot.tenant_id == call->who.tenant_id;
  const bool room = !(mine || r->all) || api_list_room(&r->page, s->id);
  if (room && (mine || r->all)) {
    const char *state = strcmp(s->state, "waiting") == 0 && s->expires_ns < call->now_ns ? "expired" : s->state;
    json_t *v = json_pack("{s:o, s:o, s:s, s:o}", "bot_id", api_id("bot", s->bot_id), "signal_id", api_id("sig", s->id), "state", state, "delivered_ms", api_ms(s->delivered_ns));
    if (mine) json_object_set_new(v, "account_id", api_id("acc", bot.account_id));
    json_array_append_new(r->page.items, v);
  }
  bot_row_finish(&bot);
  return room;
}

enum status api_hook_receipts(struct api_call *call) {
  struct receipts r = {.db = reader(call), .status = OK};
  struct hook_row hook;
  json_t *v = NULL;
  enum status st = hook_find(r.db, api_param_id(call, "hook"), &hook, &call->err);
  if (st != OK) return st;
  r.all = hook.tenant_id == call->who.tenant_id;
  const bool open = r.all || hook.shared;
  const int64_t id = hook.id;
  hook_row_finish(&hook);
  if (!open) return ERR_NOTFOUND;
  st = delivery_get(r.db, id, api_param_id(call, "delivery_id"), one_delivery, &v, &call->err);
  json_decref(v);
  if (st != OK || !api_list_begin(call, &r.page, API_LIST_OLDEST)) return st;
  st = signal_list_delivery(r.db, api_param_id(call, "delivery_id"), r.page.at, INT32_MAX, add_receipt, &r, &call->err);
  return api_list_end(&r.page, st == OK ? r.status : st);
}

// ---- stages of the tenant and of the installation

static enum status stages_answer(struct api_call *call, const char *text, int64_t revision) {
  char tag[ETAG_TEXT_SIZE];
  etag_format(revision, tag);
  api_field(call, "ETag", "%s", tag);
  json_t *v = json_loads(text, 0, NULL);
  return api_json(call, 200, json_pack("{s:o, s:I}", "stages", v ? v : json_array(), "revision", (json_int_t)revision));
}

static enum status get_stages(struct api_call *call, int64_t tenant_id) {
  char *text;
  int64_t revision;
  enum status st = stages_get(reader(call), tenant_id, &text, &revision, &call->err);
  if (st != OK) return st;
  st = api_not_modified(call, revision) ? OK : stages_answer(call, text, revision);
  free(text);
  return st;
}
enum status api_stages_get(struct api_call *call) { return get_stages(call, call->who.tenant_id); }
enum status api_admin_stages_get(struct api_call *call) { return get_stages(call, 0); }

static enum status put_stages(struct api_call *call, struct db *db, int64_t tenant_id) {
  const json_t *stages = json_object_get(call->body, "stages");
  const char *text = bots_text(call, stages);
  char *before = NULL;
  int64_t revision;
  enum status st = text ? stages_get(db, tenant_id, &before, &revision, &call->err) : no_memory(call);
  free(before);
  if (st == OK && !api_if_match(call, revision)) return ERR_CANCELLED;
  if (st == OK && (st = signal_stages_check(call->snapshot, db, tenant_id, stages, &call->err)) == ERR_INVALID) return stages_wrong(call, "/stages");
  if (st == OK) st = stages_put(db, tenant_id, text, call->now_ns, &call->err);
  json_t *detail = json_pack("{s:O}", "stages", stages);
  const char *told = detail ? bots_text(call, detail) : NULL;
  json_decref(detail);
  if (st == OK) st = told ? api_audit(call, db, "signal.stages", tenant_id ? "org" : NULL, tenant_id, told) : no_memory(call);
  return st == OK ? stages_answer(call, text, revision + 1) : st;
}
static enum status put_own(struct api_call *call, struct db *db) { return put_stages(call, db, call->who.tenant_id); }
static enum status put_all(struct api_call *call, struct db *db) { return put_stages(call, db, 0); }
static enum status stages_changed(struct api_call *call) {
  signal_desk_forget_all(call->core->desk);
  return OK;
}
enum status api_stages_put(struct api_call *call) {
  plans_hold(call);
  return api_write_then(call, put_own, stages_changed);
}
enum status api_admin_stages_put(struct api_call *call) {
  plans_hold(call);
  return api_write_then(call, put_all, stages_changed);
}

// ---- rules

static json_t *rule_json(const char *name, const json_t *header, bool own) {
  json_t *settings = json_object_get(header, "settings");
  const char *about = json_string_value(json_object_get(header, "about")), *title = json_string_value(json_object_get(header, "name"));
  return json_pack("{s:s, s:s, s:s, s:b, s:o}", "name", name, "title", title ? title : name, "about", about ? about : "", "own", own, "settings", settings ? json_incref(settings) : json_array());
}

struct rules {
  struct api_call *call;
  json_t *items;
  enum status status;
};

static void add_own_rule(void *arg, const struct script_row *row) {
  struct rules *r = arg;
  struct script_version_row v;
  if (row->active_version == 0 || r->status != OK) return;
  r->status = script_version_get(reader(r->call), row->tenant_id, row->id, 0, &v, &r->call->err);
  if (r->status != OK) return;
  json_t *header = v.header ? json_loads(v.header, 0, NULL) : NULL;
  json_array_append_new(r->items, rule_json(row->name, header, true));
  json_decref(header);
  script_version_finish(&v);
}

// The header of an active rule of the installation, from its stored version; a shipped one that is not stored is described anew.
static json_t *installation_rule(struct api_call *call, const struct active_script *s) {
  struct script_draft draft;
  struct err err;
  if (registry_describe(SCRIPT_RULE, s->name, s->source, s->source_len, NULL, &draft, &err) != OK) return NULL;
  json_t *header = json_loads(draft.header, 0, NULL), *v = rule_json(s->name, header, false);
  json_decref(header);
  script_draft_finish(&draft);
  (void)call;
  return v;
}

enum status api_rules_list(struct api_call *call) {
  struct rules r = {call, json_array(), OK};
  enum status st = script_list(reader(call), call->who.tenant_id, "rule", 0, 200, add_own_rule, &r, &call->err);
  const struct snapshot *scripts = registry_snapshot(call->core->registry);
  const struct active_script *s;
  for (size_t i = 0; st == OK && (s = snapshot_at(scripts, i)); i++) {
    json_t *v = s->kind == SCRIPT_RULE ? installation_rule(call, s) : NULL;
    if (v) json_array_append_new(r.items, v);
  }
  if (st == OK) st = r.status;
  if (st == OK) return api_json(call, 200, json_pack("{s:o}", "items", r.items));
  json_decref(r.items);
  return st;
}
