// api/notice_channels.c – channels as their owners set them up: sealed, and proven by a code before anything goes there.
#include "api/courier.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/notices.h"
#include "api/tier.h"
#include "crypto/aead.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "notice/sign.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/identity.h"
#include "tenant/mail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)
#define CODE_TTL_NS (1800 * NS_PER_S)
#define CODE_PAUSE_NS (30 * NS_PER_S)      // between two codes
#define CODE_TRIES_MAX 5
#define KEY_OVERLAP_NS (86400 * NS_PER_S)  // the secret before signs too for so long

_Static_assert(NOTICE_ADDRESS_MAX + AEAD_OVERHEAD_BYTES <= CHANNEL_SEALED_MAX && KEY_BYTES + AEAD_OVERHEAD_BYTES <= CHANNEL_KEY_SEALED_MAX, "what is sealed fits a row");
_Static_assert(NOTICE_KEY_BYTES == KEY_BYTES && NOTICE_SHOWN_SIZE == CHANNEL_SHOWN_SIZE, "the same");

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }
static int64_t id_of(struct api_call *call) { return api_param_id(call, "channel_id"); }
static enum notice_kind kind_of(const struct channel_row *row) { return (enum notice_kind)notice_kind_parse(row->kind); }
static bool is_state(const struct channel_row *row, const char *state) { return strcmp(row->state, state) == 0; }
static bool needs_code(enum notice_kind kind) { return kind == NOTICE_MAIL || kind == NOTICE_TELEGRAM || kind == NOTICE_SMS; }

static const enum plan_right rights[NOTICE_KIND_COUNT] = {[NOTICE_MAIL] = RIGHT_NOTIFY_MAIL, [NOTICE_TELEGRAM] = RIGHT_NOTIFY_TELEGRAM, [NOTICE_DISCORD] = RIGHT_NOTIFY_DISCORD,
  [NOTICE_SLACK] = RIGHT_NOTIFY_SLACK, [NOTICE_SMS] = RIGHT_NOTIFY_SMS, [NOTICE_WEBHOOK] = RIGHT_WEBHOOKS_OUT};
bool notices_included(const struct entitlement *e, enum notice_kind kind) { return plan_has(&e->plan, rights[kind]); }

// ---- sealed

static enum status seal(struct api_call *call, struct db *db, const struct channel_row *row, const char *what, const void *value, size_t len, uint8_t *ret) {
  uint8_t tenant_key[KEY_BYTES];
  enum status st = vault_tenant_key(identity_keys(call->core->identity), db, row->tenant_id, true, call->now_ns, tenant_key, &call->err);
  if (st == OK) st = vault_seal(tenant_key, row->tenant_id, what, row->id, value, len, ret, &call->err);
  secret_wipe(tenant_key, sizeof tenant_key);
  return st;
}

static enum status unseal(const struct keys *keys, struct db *db, const struct channel_row *row, const char *what, const uint8_t *sealed, size_t len, size_t room, void *ret, size_t *ret_len, struct err *err) {
  uint8_t tenant_key[KEY_BYTES];
  if (len == 0) return ERR_NOTFOUND;
  if (len > room + AEAD_OVERHEAD_BYTES) return err_set(err, ERR_INVALID, "what is sealed is too long");
  enum status st = vault_tenant_key(keys, db, row->tenant_id, false, 0, tenant_key, err);
  if (st == OK) st = vault_unseal(tenant_key, row->tenant_id, what, row->id, sealed, len, ret, ret_len, err);
  secret_wipe(tenant_key, sizeof tenant_key);
  return st;
}

enum status notices_address(const struct keys *keys, struct db *db, const struct channel_row *row, char ret[NOTICE_ADDRESS_MAX + 1], struct err *err) {
  size_t len = 0;
  const enum status st = unseal(keys, db, row, "channel", row->address, row->address_len, NOTICE_ADDRESS_MAX, ret, &len, err);
  ret[st == OK ? len : 0] = '\0';
  return st;
}

// Each key is sealed under what it was when it was made, so that moving it to the place of the one before needs no key.
enum status notices_sign_key(const struct keys *keys, struct db *db, const struct channel_row *row, bool before, uint8_t ret[KEY_BYTES], struct err *err) {
  size_t len = 0;
  const enum status st = unseal(keys, db, row, "channel_sign", before ? row->sign_key_before : row->sign_key, before ? row->sign_key_before_len : row->sign_key_len, KEY_BYTES, ret, &len, err);
  return st == OK && len != KEY_BYTES ? err_set(err, ERR_INVALID, "a signing key of another length") : st;
}

static enum status fresh_key(struct api_call *call, struct db *db, struct channel_row *row, char ret_secret[NOTICE_SECRET_SIZE]) {
  uint8_t key[NOTICE_KEY_BYTES];
  random_bytes(key, sizeof key);
  const enum status st = seal(call, db, row, "channel_sign", key, sizeof key, row->sign_key);
  row->sign_key_len = sizeof key + AEAD_OVERHEAD_BYTES;
  notice_secret_text(key, ret_secret);
  secret_wipe(key, sizeof key);
  return st;
}

// ---- as JSON

static json_t *channel_json(const struct channel_row *row, const char *secret, int64_t now_ns) {
  const bool waits = is_state(row, "unverified") && row->has_code && row->code_expires_ns > now_ns && row->code_tries < CODE_TRIES_MAX;
  json_t *v = json_pack("{s:o, s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:I}", "id", api_id("chn", row->id), "kind", row->kind, "name", row->name, "address", row->shown, "own", row->own, "state", row->state,
    "reason", row->reason, "last_error", row->last_error, "failing_since_ms", api_ms(row->failing_ns), "last_sent_at_ms", api_ms(row->sent_ns), "code_expires_at_ms", waits ? api_ms(row->code_expires_ns) : json_null(),
    "created_at_ms", api_ms(row->created_ns), "revision", (json_int_t)row->revision);
  if (secret) json_object_set_new(v, "sign_secret", json_string(secret));
  return v;
}

static enum status answer(struct api_call *call, int status, const struct channel_row *row, const char *secret) {
  char tag[ETAG_TEXT_SIZE];
  etag_format(row->revision, tag);
  if (!secret) api_field(call, "ETag", "%s", tag);
  return api_json(call, status, channel_json(row, secret, call->now_ns));
}

// ---- codes

struct saying {
  enum notice_kind kind;
  char address[NOTICE_ADDRESS_MAX + 1], code[9];
};

static void code_hash(int64_t id, const char *code, uint8_t ret[SHA256_BYTES]) {
  char text[64];
  struct sha256_ctx c;
  const int len = snprintf(text, sizeof text, "channel|%" PRId64 "|%.8s", id, code);
  sha256_init(&c);
  sha256_update(&c, text, (size_t)len);
  sha256_finish(&c, ret);
  secret_wipe(text, sizeof text);
}

static void wipe_saying(struct api_call *call) { secret_wipe(call->state, sizeof(struct saying)); }

// A code into the row. By mail it goes with this write; otherwise the call's state says it after the commit (say_code).
static enum status new_code(struct api_call *call, struct db *db, struct channel_row *row, const char *address) {
  uint64_t draw;
  struct saying *s = call->state = api_alloc(call, sizeof *s);
  if (!s) return err_set(&call->err, ERR_NOMEM, "out of memory");
  call->cleanup = wipe_saying;
  random_bytes(&draw, sizeof draw);
  s->kind = kind_of(row);
  snprintf(s->address, sizeof s->address, "%s", address);
  snprintf(s->code, sizeof s->code, "%08u", (unsigned)(draw % 100000000));
  code_hash(row->id, s->code, row->code_hash);
  row->has_code = true;
  row->code_expires_ns = call->now_ns + CODE_TTL_NS;
  row->code_tries = 0;
  if (s->kind != NOTICE_MAIL) return OK;
  char body[400];
  snprintf(body, sizeof body, "Somebody wants notices to be sent to this address. If that was you, this is the code that proves it:\n\n  %s\n\nIt holds for half an hour. If it was not you, nothing needs to be done.\n", s->code);
  const enum status st = mail_put(identity_keys(call->core->identity), db, call->who.user_id, address, "A code for notices", body, call->now_ns, &call->err);
  secret_wipe(body, sizeof body);
  return st;
}

// After the commit.
static enum status say_code(struct api_call *call) {
  const struct saying *s = call->state;
  char text[200];
  if (!s || s->kind == NOTICE_MAIL || !call->core->courier) return OK;
  snprintf(text, sizeof text, "%s is the code that proves this channel. It holds for half an hour.", s->code);
  courier_say(call->core->courier, s->kind, s->address, text, NULL, NULL);
  secret_wipe(text, sizeof text);
  return OK;
}

// ---- routes

static bool add_channel(void *arg, const struct channel_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, channel_json(row, NULL, l->call->now_ns));
  return true;
}

enum status api_channels_list(struct api_call *call) {
  struct api_list l;
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, channel_list(reader(call), call->who.tenant_id, l.at, l.limit + 1, add_channel, &l, &call->err));
}

enum status api_channel_get(struct api_call *call) {
  struct channel_row row;
  const enum status st = channel_get(reader(call), call->who.tenant_id, id_of(call), &row, &call->err);
  if (st != OK) return st;
  return api_not_modified(call, row.revision) ? OK : answer(call, 200, &row, NULL);
}

// False: answered.
static bool may_have(struct api_call *call, enum notice_kind kind) {
  const char *why = "";
  if (call->who.kind != WHO_OPERATOR) {
    const struct entitlement *e = api_entitlement(call);
    if (!e) return false;
    if (!notices_included(e, kind)) return (void)!api_problemf(call, PROBLEM_tier_forbids, "The plan does not include notices by %s.", notice_kind_text(kind)), false;
  }
  if (courier_available(call->core->courier, kind, &why)) return true;
  return (void)!api_problem(call, PROBLEM_conflict, why), false;
}

static enum status take_address(struct api_call *call, struct db *db, struct channel_row *row, const char *address) {
  struct err why;
  if (notice_target_check(kind_of(row), address, courier_reach(call->core->courier), row->shown, &why) != OK) return api_invalid_at(call, "/address", why.msg);
  enum status st = seal(call, db, row, "channel", address, strlen(address), row->address);
  row->address_len = strlen(address) + AEAD_OVERHEAD_BYTES;
  row->failing_ns = 0;
  row->last_error[0] = row->reason[0] = '\0';
  snprintf(row->state, sizeof row->state, "%s", needs_code(kind_of(row)) ? "unverified" : "active");
  return st == OK && needs_code(kind_of(row)) ? new_code(call, db, row, address) : st;
}

static enum status create(struct api_call *call, struct db *db) {
  const char *kind = api_body_text(call, "kind"), *name = api_body_text(call, "name");
  struct channel_row row = {.id = id_next(call->now_ns), .tenant_id = call->who.tenant_id, .created_ns = call->now_ns, .updated_ns = call->now_ns, .revision = 1};
  char secret[NOTICE_SECRET_SIZE] = "";
  int64_t count = 0;
  snprintf(row.kind, sizeof row.kind, "%s", kind);
  enum status st = channel_count(db, row.tenant_id, &count, &call->err);
  if (st == OK && count >= CHANNELS_MAX) return api_problemf(call, PROBLEM_tier_limit, "There are %d channels already; delete some first.", CHANNELS_MAX);
  if (st == OK) st = take_address(call, db, &row, api_body_text(call, "address"));
  snprintf(row.name, sizeof row.name, "%s", name ? name : row.shown);
  if (st == OK && kind_of(&row) == NOTICE_WEBHOOK) st = fresh_key(call, db, &row, secret);
  if (st == OK) st = channel_insert(db, &row, &call->err);
  if (st == OK) st = api_audit(call, db, "channel.create", "chn", row.id, NULL);
  if (st == OK) st = answer(call, 201, &row, *secret ? secret : NULL);
  secret_wipe(secret, sizeof secret);
  return st;
}
enum status api_channel_create(struct api_call *call) {
  if (!may_have(call, (enum notice_kind)notice_kind_parse(api_body_text(call, "kind")))) return call->status ? OK : call->err.code;
  return api_write_then(call, create, say_code);
}

static enum status patch(struct api_call *call, struct db *db) {
  struct channel_row row;
  const char *name = api_body_text(call, "name"), *address = api_body_text(call, "address");
  const json_t *enabled = json_object_get(call->body, "enabled");
  enum status st = channel_get(db, call->who.tenant_id, id_of(call), &row, &call->err);
  if (st != OK) return st;
  if (!api_if_match(call, row.revision)) return ERR_CANCELLED;
  if (row.own && (address || json_is_false(enabled))) return api_problem(call, PROBLEM_conflict, "The channel to the owner's own address stays as it is: what is critical must reach somebody.");
  if (json_is_true(enabled) && !row.own && !row.address_len && !address) return api_problem(call, PROBLEM_conflict, "Its address was lost with a key: give it anew.");
  if (name) snprintf(row.name, sizeof row.name, "%s", name);
  row.updated_ns = call->now_ns;
  if (address) st = take_address(call, db, &row, address);
  if (st == OK && json_is_false(enabled) && is_state(&row, "active")) {
    snprintf(row.state, sizeof row.state, "disabled");
    snprintf(row.reason, sizeof row.reason, "Its owner disabled it.");
    st = sending_skip_all(db, row.id, "the channel is disabled", &call->err);
  } else if (st == OK && json_is_true(enabled) && is_state(&row, "disabled")) {
    snprintf(row.state, sizeof row.state, "active");
    row.reason[0] = row.last_error[0] = '\0';
    row.failing_ns = 0;
  }
  if (st == OK) st = channel_update(db, &row, &call->err);
  if (st == OK) st = api_audit(call, db, "channel.change", "chn", row.id, NULL);
  row.revision++;
  return st == OK ? answer(call, 200, &row, NULL) : st;
}
enum status api_channel_patch(struct api_call *call) {
  struct channel_row row;
  const enum status st = channel_get(reader(call), call->who.tenant_id, id_of(call), &row, &call->err);
  if (st != OK) return st;
  if (api_body_text(call, "address") && !row.own && !may_have(call, kind_of(&row))) return call->status ? OK : call->err.code;
  return api_write_then(call, patch, say_code);
}

static enum status delete(struct api_call *call, struct db *db) {
  struct channel_row row;
  enum status st = channel_get(db, call->who.tenant_id, id_of(call), &row, &call->err);
  if (st == OK && row.own) return api_problem(call, PROBLEM_conflict, "The channel to the owner's own address stays: what is critical must reach somebody.");
  if (st == OK) st = channel_delete(db, row.tenant_id, row.id, &call->err);
  if (st == OK) st = api_audit(call, db, "channel.delete", "chn", row.id, NULL);
  return st == OK ? api_json(call, 204, NULL) : st;
}
enum status api_channel_delete(struct api_call *call) { return api_write(call, delete); }

static enum status another_code(struct api_call *call, struct db *db) {
  struct channel_row row;
  char address[NOTICE_ADDRESS_MAX + 1];
  enum status st = channel_get(db, call->who.tenant_id, id_of(call), &row, &call->err);
  if (st == OK && !is_state(&row, "unverified")) return api_problem(call, PROBLEM_conflict, "It has proven itself already.");
  if (st == OK && row.code_expires_ns - CODE_TTL_NS + CODE_PAUSE_NS > call->now_ns) return api_problem(call, PROBLEM_conflict, "A code was sent just now; wait half a minute.");
  if (st == OK) st = notices_address(identity_keys(call->core->identity), db, &row, address, &call->err);
  if (st == ERR_INVALID) return api_problem(call, PROBLEM_conflict, "Its address cannot be read any more: give it again.");
  if (st == OK) st = new_code(call, db, &row, address);
  row.updated_ns = call->now_ns;
  if (st == OK) st = channel_update(db, &row, &call->err);
  row.revision++;
  secret_wipe(address, sizeof address);
  return st == OK ? answer(call, 200, &row, NULL) : st;
}
enum status api_channel_code(struct api_call *call) {
  struct channel_row row;
  const enum status st = channel_get(reader(call), call->who.tenant_id, id_of(call), &row, &call->err);
  if (st != OK) return st;
  if (!may_have(call, kind_of(&row))) return call->status ? OK : call->err.code;
  return api_write_then(call, another_code, say_code);
}

// A wrong one is counted, so this write is kept whatever the answer is: the answer is set in the phase after it.
struct trial {
  bool right, open;
  struct channel_row row;
};
static enum status try_code(struct api_call *call, struct db *db) {
  struct trial *t = call->state;
  uint8_t hash[SHA256_BYTES];
  enum status st = channel_get(db, call->who.tenant_id, id_of(call), &t->row, &call->err);
  if (st != OK) return st;
  t->open = is_state(&t->row, "unverified") && t->row.has_code && t->row.code_tries < CODE_TRIES_MAX && t->row.code_expires_ns > call->now_ns;
  if (!t->open) return OK;
  code_hash(t->row.id, api_body_text(call, "code"), hash);
  t->right = secret_equal(hash, t->row.code_hash, sizeof hash);
  t->row.code_tries++;
  t->row.updated_ns = call->now_ns;
  if (t->right) {
    snprintf(t->row.state, sizeof t->row.state, "active");
    t->row.has_code = false;
  }
  st = channel_update(db, &t->row, &call->err);
  t->row.revision++;
  return st == OK && t->right ? api_audit(call, db, "channel.verify", "chn", t->row.id, NULL) : st;
}
static enum status tried(struct api_call *call) {
  const struct trial *t = call->state;
  if (is_state(&t->row, "active") && !t->right) return api_problem(call, PROBLEM_conflict, "It has proven itself already.");
  if (!t->open) return api_problem(call, PROBLEM_conflict, "No code is waited for: it was too late, or tried too often. Have another one sent.");
  if (!t->right) return api_invalid_at(call, "/code", "is not the code that was sent");
  return answer(call, 200, &t->row, NULL);
}
enum status api_channel_verify(struct api_call *call) {
  if (!(call->state = api_alloc(call, sizeof(struct trial)))) return err_set(&call->err, ERR_NOMEM, "out of memory");
  return api_write_then(call, try_code, tried);
}

static enum status new_secret(struct api_call *call, struct db *db) {
  struct channel_row row;
  char secret[NOTICE_SECRET_SIZE] = "";
  enum status st = channel_get(db, call->who.tenant_id, id_of(call), &row, &call->err);
  if (st == OK && kind_of(&row) != NOTICE_WEBHOOK) return api_problem(call, PROBLEM_conflict, "Only webhooks are signed.");
  if (st != OK) return st;
  memcpy(row.sign_key_before, row.sign_key, sizeof row.sign_key);
  row.sign_key_before_len = row.sign_key_len;
  row.before_until_ns = call->now_ns + KEY_OVERLAP_NS;
  row.updated_ns = call->now_ns;
  st = fresh_key(call, db, &row, secret);
  if (st == OK) st = channel_update(db, &row, &call->err);
  if (st == OK) st = api_audit(call, db, "channel.secret", "chn", row.id, NULL);
  row.revision++;
  if (st == OK) st = answer(call, 200, &row, secret);
  secret_wipe(secret, sizeof secret);
  return st;
}
enum status api_channel_secret(struct api_call *call) { return api_write(call, new_secret); }

static enum status test(struct api_call *call, struct db *db) {
  struct channel_row row;
  enum status st = channel_get(db, call->who.tenant_id, id_of(call), &row, &call->err);
  if (st == OK && !is_state(&row, "active")) return api_problemf(call, PROBLEM_conflict, "It is %s: nothing goes there.", row.state);
  if (st != OK) return st;
  json_t *data = json_pack("{s:s}", "channel", row.name);
  char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;
  json_decref(data);
  if (!text) return err_set(&call->err, ERR_NOMEM, "out of memory");
  char subject[ID_TEXT_SIZE];
  id_format("chn", row.id, subject);
  const struct notice_row notice = {.id = id_next(call->now_ns), .tenant_id = row.tenant_id, .event = notice_about(NOTICE_TEST)->name, .subject = subject, .data = text, .channel_id = row.id, .created_ns = call->now_ns};
  st = notice_add(db, &notice, NULL, &call->err);
  free(text);
  return st == OK ? api_json(call, 202, json_pack("{s:o}", "notice_id", api_id("ntc", notice.id))) : st;
}
enum status api_channel_test(struct api_call *call) { return api_write(call, test); }
