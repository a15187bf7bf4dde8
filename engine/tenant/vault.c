// tenant/vault.c – see vault.h.
#include "tenant/vault.h"
#include "crypto/aead.h"
#include "crypto/random.h"
#include "crypto/secret.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(WRAPPED_KEY_BYTES == KEY_BYTES + AEAD_OVERHEAD_BYTES, "a wrapped key");

// What a sealed value is bound to. Parts are numbers and [a-z0-9_], so the text has one reading.
struct bound {
  char text[192];
  size_t len;
};

static struct bound bind_key(int64_t tenant_id, int64_t master) {
  struct bound b;
  b.len = (size_t)snprintf(b.text, sizeof b.text, "key|%" PRId64 "|%" PRId64, tenant_id, master);
  return b;
}

static struct bound bind_field(int64_t tenant_id, int64_t account_id, const char *field, int64_t version) {
  struct bound b;
  b.len = (size_t)snprintf(b.text, sizeof b.text, "%" PRId64 "|%" PRId64 "|%s|%" PRId64, tenant_id, account_id, field, version);
  return b;
}

static bool is_field(const char *field) {
  size_t len = strlen(field);
  return len > 0 && len < SECRET_FIELD_SIZE && strspn(field, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static enum status unwrap(const struct keys *keys, const struct tenant_key_row *row, uint8_t ret_key[KEY_BYTES], struct err *err) {
  const uint8_t *master = keys_master(keys, row->master);
  if (!master) return err_set(err, ERR_INVALID, "master key %" PRId64 " is not there", row->master);
  struct bound b = bind_key(row->tenant_id, row->master);
  size_t len;
  enum status st = aead_open(master, b.text, b.len, row->wrapped, sizeof row->wrapped, ret_key, &len, err);
  return st == OK ? OK : err_wrap(err, st, "key of tenant %" PRId64, row->tenant_id);
}

static enum status wrap(const struct keys *keys, const uint8_t key[KEY_BYTES], struct tenant_key_row *row, struct err *err) {
  row->master = keys_master_current(keys);
  struct bound b = bind_key(row->tenant_id, row->master);
  return aead_seal(keys_master(keys, row->master), b.text, b.len, key, KEY_BYTES, row->wrapped, err);
}

enum status vault_tenant_key(const struct keys *keys, struct db *db, int64_t tenant_id, bool create, int64_t now_ns,
  uint8_t ret_key[KEY_BYTES], struct err *err) {
  struct tenant_key_row row;
  enum status st = tenant_key_get(db, tenant_id, &row, err);
  if (st == OK && row.destroyed) return err_set(err, ERR_NOTFOUND, "the tenant's key was destroyed");
  if (st == OK) return unwrap(keys, &row, ret_key, err);
  if (st != ERR_NOTFOUND) return st;
  if (!create) return err_set(err, ERR_NOTFOUND, "the tenant has no key");
  row = (struct tenant_key_row){.tenant_id = tenant_id};
  random_bytes(ret_key, KEY_BYTES);
  st = wrap(keys, ret_key, &row, err);
  return st == OK ? tenant_key_insert(db, &row, now_ns, err) : st;
}

enum status vault_put(const struct keys *keys, struct db *db, int64_t tenant_id, int64_t account_id, const char *field,
  const void *value, size_t len, int64_t now_ns, struct err *err) {
  if (!is_field(field)) return err_set(err, ERR_INVALID, "a secret's name is made of a-z, 0-9 and _");
  if (len > VAULT_SECRET_MAX) return err_set(err, ERR_RANGE, "a secret has at most %d bytes", VAULT_SECRET_MAX);
  uint8_t key[KEY_BYTES], sealed[VAULT_SECRET_MAX + AEAD_OVERHEAD_BYTES];
  struct account_row account;
  int64_t version;
  enum status st = account_get(db, tenant_id, account_id, &account, err);
  if (st == OK) st = vault_tenant_key(keys, db, tenant_id, true, now_ns, key, err);
  if (st == OK) st = secret_next_version(db, tenant_id, account_id, field, &version, err);
  if (st == OK) {
    struct bound b = bind_field(tenant_id, account_id, field, version);
    st = aead_seal(key, b.text, b.len, value, len, sealed, err);
  }
  if (st == OK) st = secret_put(db, tenant_id, account_id, field, version, sealed, len + AEAD_OVERHEAD_BYTES, now_ns, err);
  secret_wipe(key, sizeof key);
  return st;
}

enum status vault_get(const struct keys *keys, struct db *db, int64_t tenant_id, int64_t account_id, const char *field,
  void *ret_value, size_t *ret_len, struct err *err) {
  uint8_t key[KEY_BYTES], sealed[VAULT_SECRET_MAX + AEAD_OVERHEAD_BYTES];
  size_t sealed_len;
  int64_t version;
  enum status st = secret_get(db, tenant_id, account_id, field, &version, sealed, sizeof sealed, &sealed_len, err);
  if (st == OK) st = vault_tenant_key(keys, db, tenant_id, false, 0, key, err);
  if (st == OK) {
    struct bound b = bind_field(tenant_id, account_id, field, version);
    st = aead_open(key, b.text, b.len, sealed, sealed_len, ret_value, ret_len, err);
  }
  secret_wipe(key, sizeof key);
  return st;
}

enum status vault_rewrap(const struct keys *keys, struct db *db, int64_t *after, int most, int *ret_count, bool *ret_done,
  struct err *err) {
  *ret_count = 0;
  *ret_done = false;
  enum status st = OK;
  while (st == OK && *ret_count < most) {
    struct tenant_key_row row;
    uint8_t key[KEY_BYTES];
    st = tenant_key_next(db, keys_master_current(keys), *after, &row, err);
    if (st == ERR_NOTFOUND) {
      *ret_done = true;
      return OK;
    }
    if (st == OK) st = unwrap(keys, &row, key, err);
    if (st == OK) st = wrap(keys, key, &row, err);
    if (st == OK) st = tenant_key_rewrap(db, &row, err);
    secret_wipe(key, sizeof key);
    if (st == OK) {
      *after = row.tenant_id;
      ++*ret_count;
    }
  }
  return st;
}

enum status vault_destroy(struct db *db, int64_t tenant_id, int64_t now_ns, struct err *err) {
  return tenant_key_destroy(db, tenant_id, now_ns, err);
}

static struct bound bind_other(int64_t tenant_id, const char *what, int64_t id) {
  struct bound b;
  b.len = (size_t)snprintf(b.text, sizeof b.text, "%s|%" PRId64 "|%" PRId64, what, tenant_id, id);
  return b;
}

enum status vault_seal(const uint8_t tenant_key[KEY_BYTES], int64_t tenant_id, const char *what, int64_t id, const void *value,
  size_t len, uint8_t *ret_sealed, struct err *err) {
  struct bound b = bind_other(tenant_id, what, id);
  return aead_seal(tenant_key, b.text, b.len, value, len, ret_sealed, err);
}

enum status vault_unseal(const uint8_t tenant_key[KEY_BYTES], int64_t tenant_id, const char *what, int64_t id,
  const uint8_t *sealed, size_t sealed_len, void *ret_value, size_t *ret_len, struct err *err) {
  struct bound b = bind_other(tenant_id, what, id);
  return aead_open(tenant_key, b.text, b.len, sealed, sealed_len, ret_value, ret_len, err);
}

struct examination {
  const struct keys *keys;
  struct db *db;
  struct vault_report *report;
  vault_on_shut fn;  // may be NULL
  void *arg;
  int64_t tenant_id;  // whose key this is
  bool open, destroyed;
  uint8_t key[KEY_BYTES];
};

static bool shut(struct examination *e, int64_t *count, const struct vault_shut *what, const struct err *why) {
  if (e->fn) e->fn(e->arg, what);
  if (!e->report->first[0]) snprintf(e->report->first, sizeof e->report->first, "%.199s", why->msg);
  ++*count;
  return true;
}

static bool take_key(struct examination *e, const struct tenant_key_row *row, struct err *err) {
  e->tenant_id = row->tenant_id;
  e->destroyed = row->destroyed;
  if (!e->keys) err_set(err, ERR_NOTFOUND, "the keys are not there");
  e->open = !row->destroyed && e->keys && unwrap(e->keys, row, e->key, err) == OK;
  return e->open || e->destroyed;
}

static bool examine_key(void *arg, const struct tenant_key_row *row) {
  struct examination *e = arg;
  struct err err = {0};
  e->report->tenants += !row->destroyed;
  return take_key(e, row, &err) || shut(e, &e->report->shut_tenants, &(struct vault_shut){.tenant_id = row->tenant_id}, &err);
}

static bool examine_sealed(void *arg, const struct sealed_row *row) {
  struct examination *e = arg;
  struct err err = {0};
  uint8_t plain[VAULT_SECRET_MAX];
  struct tenant_key_row key;
  size_t len;
  if (row->tenant_id != e->tenant_id) {
    e->open = e->destroyed = false;
    e->tenant_id = row->tenant_id;
    if (tenant_key_get(e->db, row->tenant_id, &key, &err) == OK) (void)take_key(e, &key, &err);
  }
  if (e->destroyed) return true;  // on purpose
  ++*(row->is_seed ? &e->report->seeds : &e->report->fields);
  const struct bound b = row->is_seed ? bind_other(row->tenant_id, "totp", row->id) : bind_field(row->tenant_id, row->id, row->field, row->version);
  const bool fits = row->len <= sizeof plain + AEAD_OVERHEAD_BYTES;
  const bool good = e->open && fits && aead_open(e->key, b.text, b.len, row->sealed, row->len, plain, &len, &err) == OK;
  secret_wipe(plain, sizeof plain);
  const struct vault_shut what = {.tenant_id = row->tenant_id, .id = row->id, .is_seed = row->is_seed, .field = row->field};
  return good || shut(e, row->is_seed ? &e->report->shut_seeds : &e->report->shut_fields, &what, &err);
}

enum status vault_examine(const struct keys *keys, struct db *db, struct vault_report *ret, struct err *err) {
  return vault_list_shut(keys, db, NULL, NULL, ret, err);
}

enum status vault_list_shut(const struct keys *keys, struct db *db, vault_on_shut fn, void *arg, struct vault_report *ret, struct err *err) {
  *ret = (struct vault_report){0};
  struct examination e = {.keys = keys, .db = db, .report = ret, .fn = fn, .arg = arg};
  enum status st = tenant_key_walk(db, examine_key, &e, err);
  e.tenant_id = 0;
  if (st == OK) st = sealed_walk(db, examine_sealed, &e, err);
  secret_wipe(e.key, sizeof e.key);
  return st;
}
