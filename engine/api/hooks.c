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
#include "store/store.h"
#include "tenant/identity.h"
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

// ---- what is asked for, checked

bool hook_mapping_fits(struct api_call *call, const json_t *mapping, const char *where, enum status *ret) {
  char pointer[96];
  if (message_mapping_check(mapping, &call->err) == OK) return true;
  const char *colon = strchr(call->err.msg, ':');
  snprintf(pointer, sizeof pointer, "%s/%.*s", where, colon ? (int)(colon - call->err.msg - 8) : 0, call->err.msg + 8);
  *ret = api_invalid_at(call, pointer, colon ? colon + 2 : call->err.msg);
  return false;
}

static enum status settings_fit(struct api_call *call, struct db *db, const json_t *settings) {
  const json_t *addresses = json_object_get(settings, "addresses");
  char pointer[64];
  enum status st;
  if (!hook_mapping_fits(call, json_object_get(settings, "mapping"), "/settings/mapping", &st)) return st;
  const char *path = json_string_value(json_object_get(settings, "secret_path"));
  if (path && !message_is_path(path)) return api_invalid_at(call, "/settings/secret_path", "is no path: names with dots between them, as auth.secret");
  for (size_t i = 0; i < json_array_size(addresses); i++) {
    struct address_range range;
    if (address_range_parse(json_string_value(json_array_get(addresses, i)), &range, &call->err) == OK) continue;
    snprintf(pointer, sizeof pointer, "/settings/addresses/%zu", i);
    return api_invalid_at(call, pointer, "is no address (192.0.2.1) and no range (192.0.2.0/24)");
  }
  st = signal_stages_check(call->snapshot, db, call->who.tenant_id, json_object_get(settings, "stages"), &call->err);
  return st == ERR_INVALID ? signal_stages_wrong(call, "/settings/stages") : st;
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
