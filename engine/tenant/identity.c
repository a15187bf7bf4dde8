// tenant/identity.c – see identity.h.
#include "tenant/identity.h"
#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/secret.h"
#include "store/id.h"
#include "store/meta_rows.h"
#include "store/org_rows.h"
#include "tenant/audit.h"
#include "tenant/deny.h"
#include "tenant/network.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S INT64_C(1000000000)
#define KEYS_KEPT 64  // reloads of the keys in the life of a process

struct identity {
  struct identity_options options;
  atomic_bool require_verified, closed;
  char *texts[5];
  struct keys *_Atomic keys;
  struct keys *all[KEYS_KEPT];
  size_t all_count;
  pthread_mutex_t lock;  // lockout, all
  struct lockout *lockout;
  struct deny *deny;
};

const char *identity_refusal_text(enum identity_refusal refusal) {
  static const char *const texts[] = {
#define X(name, text) text,
    REFUSAL_LIST(X)
#undef X
  };
  return texts[refusal];
}

static enum status load_keys(const struct identity_options *o, int64_t now_ns, struct keys **ret, struct err *err) {
  struct keys_source source = {.dir = o->keys_dir, .credentials = o->credentials, .master_hex = o->master_hex,
    .issuer = o->site_url, .audience = "perigee-api", .create = true, .sealed = o->sealed};
  return keys_open(&source, now_ns, ret, err);
}

// Options outlive what the caller passed in.
static bool keep(struct identity *id, int i, const char **text) {
  if (!*text) return true;
  return (*text = id->texts[i] = strdup(*text)) != NULL;
}

enum status identity_create(const struct identity_options *options, int64_t now_ns, struct identity **ret, struct err *err) {
  *ret = NULL;
  struct identity *id = calloc(1, sizeof *id);
  if (!id) return err_set(err, ERR_NOMEM, "identity");
  id->options = *options;
  identity_set_policy(id, (struct identity_policy){options->require_verified, options->closed});
  pthread_mutex_init(&id->lock, NULL);
  struct identity_options *o = &id->options;
  enum status st = keep(id, 0, &o->keys_dir) && keep(id, 1, &o->credentials) && keep(id, 2, &o->master_hex) &&
      keep(id, 3, &o->site_url) && keep(id, 4, &o->product) ? OK : err_set(err, ERR_NOMEM, "identity");
  struct keys *keys = NULL;
  if (st == OK) st = load_keys(o, now_ns, &keys, err);
  if (st == OK) {
    atomic_store(&id->keys, keys);
    id->all[id->all_count++] = keys;
  }
  if (st == OK) st = lockout_create(16384, &id->lockout, err);
  if (st == OK) st = deny_create(&id->deny, err);
  if (st != OK) {
    identity_destroy(id);
    return st;
  }
  *ret = id;
  return OK;
}

void identity_destroy(struct identity *id) {
  if (!id) return;
  for (size_t i = 0; i < id->all_count; i++) keys_close(id->all[i]);
  lockout_destroy(id->lockout);
  deny_destroy(id->deny);
  if (id->texts[2]) secret_wipe(id->texts[2], strlen(id->texts[2]));
  for (size_t i = 0; i < sizeof id->texts / sizeof *id->texts; i++) free(id->texts[i]);
  pthread_mutex_destroy(&id->lock);
  free(id);
}

enum status identity_reload_keys(struct identity *id, int64_t now_ns, bool *ret_changed, struct err *err) {
  struct keys *keys;
  *ret_changed = false;
  enum status st = load_keys(&id->options, now_ns, &keys, err);
  if (st != OK) return st;
  if (keys_same(keys, identity_keys(id))) {
    keys_close(keys);
    return OK;
  }
  *ret_changed = true;
  pthread_mutex_lock(&id->lock);
  bool room = id->all_count < KEYS_KEPT;
  if (room) {
    id->all[id->all_count++] = keys;
    atomic_store(&id->keys, keys);
  }
  pthread_mutex_unlock(&id->lock);
  if (room) return OK;
  keys_close(keys);
  return err_set(err, ERR_LIMIT, "keys were read %d times; restart", KEYS_KEPT);
}

const struct keys *identity_keys(struct identity *id) {
  return atomic_load(&id->keys);
}

const struct identity_options *identity_settings(const struct identity *id) {
  return &id->options;
}

struct identity_policy identity_policy(const struct identity *id) {
  return (struct identity_policy){atomic_load(&id->require_verified), atomic_load(&id->closed)};
}

void identity_set_policy(struct identity *id, struct identity_policy policy) {
  atomic_store(&id->require_verified, policy.require_verified);
  atomic_store(&id->closed, policy.closed);
}

// ---- start

enum status identity_sealed(struct db *reader, bool *ret, struct err *err) {
  uint8_t check[HMAC_SHA256_BYTES];
  size_t len;
  enum status st = meta_get(reader, "master.1", check, sizeof check, &len, err);  // the first key's stays after a rotation
  *ret = st == OK;
  return st == ERR_NOTFOUND ? OK : st;
}

// A value that only this master key gives, and that gives nothing away.
static void key_check(const struct keys *keys, size_t i, char ret_name[40], uint8_t ret_check[HMAC_SHA256_BYTES]) {
  snprintf(ret_name, 40, "master.%" PRId64, keys->master[i].version);
  hmac_sha256(keys->master[i].key, KEY_BYTES, "perigee master key check", 24, ret_check);
}

static enum status check_masters(const struct keys *keys, struct db *db, struct err *err) {
  for (size_t i = 0; i < keys->master_count; i++) {
    char name[40];
    uint8_t want[HMAC_SHA256_BYTES], have[HMAC_SHA256_BYTES];
    size_t len;
    key_check(keys, i, name, want);
    enum status st = meta_get(db, name, have, sizeof have, &len, err);
    if (st == ERR_NOTFOUND) st = meta_put(db, name, want, sizeof want, err);
    else if (st == OK && (len != sizeof have || !secret_equal(have, want, sizeof want)))
      st = err_set(err, ERR_INVALID, "master key %" PRId64 " is not the one this database was sealed with; restore the key file",
        keys->master[i].version);
    if (st != OK) return st;
  }
  return OK;
}

enum status identity_accept_keys(const struct keys *keys, struct db *db, struct err *err) {
  enum status st = OK;
  for (size_t i = 0; st == OK && i < keys->master_count; i++) {
    char name[40];
    uint8_t check[HMAC_SHA256_BYTES];
    key_check(keys, i, name, check);
    st = meta_put(db, name, check, sizeof check, err);
  }
  return st;
}

struct revoked {
  struct identity *id;
  int64_t now_s;
};

static void add_revoked(void *arg, int64_t session_id, int64_t revoked_ns) {
  struct revoked *r = arg;
  deny_add(r->id->deny, session_id, revoked_ns / S + ACCESS_TTL_S + 1, r->now_s);
}

enum status identity_start(struct identity *id, struct db *db, int64_t now_ns, struct err *err) {
  enum status st = check_masters(identity_keys(id), db, err);
  struct revoked r = {id, now_ns / S};
  if (st == OK) st = session_revoked_since(db, now_ns - (ACCESS_TTL_S + 1) * S, add_revoked, &r, err);
  return st;
}

enum status identity_sweep(struct db *db, int64_t now_ns, struct err *err) {
  return session_sweep(db, now_ns - SESSION_TTL_S * S, err);
}

// ---- authentication

enum access_verdict access_token_check(struct identity *id, const char *token, size_t len, int64_t now_ns, struct access *ret) {
  *ret = (struct access){0};
  struct jwt_claims c;
  enum jwt_verdict verdict = jwt_verify(&identity_keys(id)->tokens, JWT_ACCESS, token, len, now_ns / S, &c);
  if (verdict == JWT_EXPIRED) return ACCESS_EXPIRED;
  if (verdict != JWT_VALID) return ACCESS_BAD;
  struct access a = {.expires_s = c.exp_s};
  a.actor.mfa = c.mfa;
  int role = c.role_count == 2 ? role_parse(c.roles[0]) : -1;
  int member = c.role_count == 2 ? member_role_parse(c.roles[1]) : -1;
  if (role < 0 || member < 0 || !id_parse("usr", c.sub, strlen(c.sub), &a.actor.user_id) ||
      !id_parse("org", c.tenant, strlen(c.tenant), &a.actor.tenant_id) ||
      !id_parse("ses", c.sid, strlen(c.sid), &a.actor.session_id) ||
      (*c.act && !id_parse("usr", c.act, strlen(c.act), &a.actor.actor_id)))
    return ACCESS_BAD;
  if (deny_has(id->deny, a.actor.session_id, now_ns / S)) return ACCESS_ENDED;
  a.role = (enum role)role;
  a.member_role = (enum member_role)member;
  *ret = a;
  return ACCESS_GOOD;
}

bool identity_session_ended(struct identity *id, int64_t session_id, int64_t now_ns) { return deny_has(id->deny, session_id, now_ns / S); }

enum status api_key_check(struct db *db, const char *text, size_t len, const char *address, int64_t now_ns, bool *ret_good,
  struct key_row *ret, struct err *err) {
  uint8_t hash[TOKEN_HASH_BYTES];
  *ret_good = false;
  if (!token_hash(TOKEN_KEY, text, len, hash)) return OK;
  enum status st = key_by_hash(db, hash, now_ns, ret, err);
  if (st == ERR_NOTFOUND) return OK;
  *ret_good = st == OK && network_list_has(ret->networks, address);
  return st;
}

// ---- for the flows

void tokens_wipe(struct tokens *t) {
  secret_wipe(t, sizeof *t);
}

void password_work_run(struct password_work *w) {
  bool rehash = false;
  w->match = false;
  *w->hash = '\0';
  w->status = OK;
  if (w->password)
    w->status = password_verify(*w->stored ? w->stored : NULL, w->password, w->password_len, &w->match, &rehash, &w->err);
  if (w->status != OK) return;
  if (w->fresh && (w->match || !w->password)) {
    w->status = password_hash(w->fresh, w->fresh_len, w->hash, &w->err);
  } else if (rehash && w->match) {
    w->status = password_hash(w->password, w->password_len, w->hash, &w->err);
  }
}

int64_t identity_attempt(struct identity *id, const char *account, const char *address, int64_t mono_ns) {
  uint64_t key = lockout_key(id->lockout, account, address ? address : "");
  pthread_mutex_lock(&id->lock);
  int64_t wait_s = lockout_wait_s(id->lockout, key, mono_ns);
  if (!wait_s) lockout_count(id->lockout, key, LOCKOUT_FAILURES, mono_ns);
  pthread_mutex_unlock(&id->lock);
  return wait_s;
}

void identity_forgive(struct identity *id, const char *account, const char *address) {
  uint64_t key = lockout_key(id->lockout, account, address ? address : "");
  pthread_mutex_lock(&id->lock);
  lockout_forgive(id->lockout, key);
  pthread_mutex_unlock(&id->lock);
}

// What an attempt to sign in counts by: one key, and for unknown devices the account's own besides.
static size_t login_keys(struct identity *id, const char *account, const struct origin *from, uint64_t ret[2]) {
  char device[DEVICE_NAME_SIZE];
  bool known = from->device && device_token_check(identity_keys(id), account, from->device, from->now_ns / S, device);
  ret[0] = lockout_key(id->lockout, account, known ? device : from->address ? from->address : "");
  ret[1] = lockout_key(id->lockout, account, "anywhere");
  return known ? 1 : 2;
}

int64_t identity_login_attempt(struct identity *id, const char *account, const struct origin *from) {
  static const uint32_t limits[2] = {LOCKOUT_FAILURES, LOCKOUT_ACCOUNT_FAILURES};
  uint64_t keys[2];
  size_t n = login_keys(id, account, from, keys);
  int64_t wait_s = 0;
  pthread_mutex_lock(&id->lock);
  for (size_t i = 0; i < n; i++) {
    int64_t w = lockout_wait_s(id->lockout, keys[i], from->mono_ns);
    if (w > wait_s) wait_s = w;
  }
  for (size_t i = 0; !wait_s && i < n; i++) lockout_count(id->lockout, keys[i], limits[i], from->mono_ns);
  pthread_mutex_unlock(&id->lock);
  return wait_s;
}

void identity_login_forgive(struct identity *id, const char *account, const struct origin *from) {
  uint64_t keys[2];
  size_t n = login_keys(id, account, from, keys);
  pthread_mutex_lock(&id->lock);
  for (size_t i = 0; i < n; i++) lockout_forgive(id->lockout, keys[i]);
  pthread_mutex_unlock(&id->lock);
}

static void copy(char *out, size_t size, const char *text) {
  size_t len = text ? strnlen(text, size - 1) : 0;
  if (text && text[len]) {
    while (len && ((unsigned char)text[len] & 0xc0) == 0x80) len--;
  }
  if (len) memcpy(out, text, len);
  out[len] = '\0';
}

enum status session_access(struct identity *id, struct db *db, const struct session_row *session, int64_t now_ns,
  struct tokens *ret, struct err *err) {
  struct standing standing;
  enum status st = standing_get(db, session->user_id, session->tenant_id, &standing, err);
  if (st != OK) return st;
  char user[ID_TEXT_SIZE], tenant[ID_TEXT_SIZE], sid[ID_TEXT_SIZE];
  id_format("usr", session->user_id, user);
  id_format("org", session->tenant_id, tenant);
  id_format("ses", session->id, sid);
  struct jwt_claims c = {.role_count = 2, .mfa = session->mfa, .iat_s = now_ns / S, .nbf_s = now_ns / S,
    .exp_s = now_ns / S + ACCESS_TTL_S};
  if (c.exp_s > session->expires_ns / S) c.exp_s = session->expires_ns / S;
  snprintf(c.sub, sizeof c.sub, "%s", user);
  snprintf(c.tenant, sizeof c.tenant, "%s", tenant);
  snprintf(c.sid, sizeof c.sid, "%s", sid);
  snprintf(c.roles[0], sizeof c.roles[0], "%s", role_text((enum role)standing.role));
  snprintf(c.roles[1], sizeof c.roles[1], "%s", member_role_text((enum member_role)standing.member_role));
  if (session->actor_id) {
    char actor[ID_TEXT_SIZE];
    id_format("usr", session->actor_id, actor);
    snprintf(c.act, sizeof c.act, "%s", actor);
  }
  ret->access_expires_s = c.exp_s;
  ret->user_id = session->user_id;
  ret->tenant_id = session->tenant_id;
  ret->session_id = session->id;
  ret->mfa = session->mfa;
  return jwt_make(&identity_keys(id)->tokens, JWT_ACCESS, &c, ret->access, err);
}

enum status session_begin(struct identity *id, struct db *db, const struct user_row *user, int64_t tenant_id, int64_t actor_id,
  bool mfa, const struct origin *from, struct tokens *ret, struct err *err) {
  struct session_row row = {.id = id_next(from->now_ns), .user_id = user->id, .tenant_id = tenant_id, .actor_id = actor_id,
    .mfa = mfa, .created_ns = from->now_ns, .last_used_ns = from->now_ns,
    .expires_ns = from->now_ns + (actor_id ? ACCESS_TTL_S : REFRESH_TTL_S) * S};
  copy(row.address, sizeof row.address, from->address);
  copy(row.user_agent, sizeof row.user_agent, from->user_agent);
  *ret = (struct tokens){0};
  uint8_t hash[TOKEN_HASH_BYTES];
  enum status st = session_insert(db, &row, err);
  if (st == OK && !actor_id) {  // an impersonation lasts as long as its access token
    token_make(TOKEN_REFRESH, ret->refresh, hash);
    ret->refresh_expires_ns = row.expires_ns;
    st = refresh_insert(db, hash, row.id, from->now_ns, row.expires_ns, err);
  }
  return st == OK ? session_access(id, db, &row, from->now_ns, ret, err) : st;
}

enum status session_end(struct identity *id, struct db *db, int64_t user_id, int64_t session_id, int64_t now_ns, struct err *err) {
  enum status st = session_revoke(db, user_id, session_id, now_ns, err);
  if (st == OK) deny_add(id->deny, session_id, now_ns / S + ACCESS_TTL_S + 1, now_ns / S);
  return st;
}

struct ids {
  int64_t id[100], except;
  size_t count;
};

static bool collect(void *arg, const struct session_row *row) {
  struct ids *ids = arg;
  if (row->id != ids->except) ids->id[ids->count++] = row->id;
  return ids->count < 100;
}

enum status session_end_all(struct identity *id, struct db *db, int64_t user_id, int64_t except, int64_t now_ns, int *ret_count,
  struct err *err) {
  struct ids ids;
  int count = 0;
  enum status st;
  do {
    ids.count = 0;
    ids.except = except;
    st = session_list(db, user_id, INT64_MAX, 101, now_ns, collect, &ids, err);
    for (size_t i = 0; st == OK && i < ids.count; i++, count++) st = session_end(id, db, user_id, ids.id[i], now_ns, err);
  } while (st == OK && ids.count);
  if (ret_count) *ret_count = count;
  return st;
}

enum status identity_audit(struct db *db, int64_t tenant_id, int64_t user_id, int64_t actor_id, const char *action,
  const char *object_prefix, int64_t object_id, const char *detail, const struct origin *from, struct err *err) {
  char object[ID_TEXT_SIZE] = "";
  if (object_prefix) id_format(object_prefix, object_id, object);
  struct audit_event event = {.tenant_id = tenant_id, .user_id = user_id, .actor_id = actor_id, .action = action,
    .object = object, .detail = detail, .address = from->address, .user_agent = from->user_agent, .at_ns = from->now_ns};
  return audit_add(db, &event, err);
}

bool name_is_fine(const char *name, size_t max_bytes) {
  size_t len = strlen(name), blanks = 0;
  if (len == 0 || len > max_bytes) return false;
  for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
    blanks += *p == ' ';
    if (*p < 0x20 || *p == 0x7f) return false;
    int more = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : *p >= 0xf0 && *p < 0xf5 ? 3 : -1;
    if (more < 0) return false;
    for (; more; more--) {
      if ((*++p & 0xc0) != 0x80) return false;
    }
  }
  return blanks < len;
}
