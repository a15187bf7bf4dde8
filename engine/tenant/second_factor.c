// tenant/second_factor.c – see second_factor.h.
#include "tenant/second_factor.h"

#include "crypto/aead.h"
#include "crypto/encode.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "tenant/flow.h"
#include "tenant/vault.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define S INT64_C(1000000000)
#define RECOVERY_BYTES 15  // 24 base32 digits

// ERR_NOTFOUND: there is none.
static enum status read_seed(struct identity *id, struct db *db, const struct user_row *user, struct totp_row *ret_row, uint8_t ret_seed[TOTP_SEED_BYTES], struct err *err) {
  uint8_t key[KEY_BYTES], seed[TOTP_SEALED_MAX];
  size_t len = 0;
  enum status st = totp_get(db, user->id, ret_row, err);
  if (st == OK) st = vault_tenant_key(identity_keys(id), db, user->tenant_id, false, 0, key, err);
  if (st != OK) return st;
  st = vault_unseal(key, user->tenant_id, "totp", user->id, ret_row->sealed, ret_row->sealed_len, seed, &len, err);
  secret_wipe(key, sizeof key);
  if (st == OK && len != TOTP_SEED_BYTES) st = err_set(err, ERR_INVALID, "the seed of a second factor is damaged");
  if (st == OK) memcpy(ret_seed, seed, TOTP_SEED_BYTES);
  secret_wipe(seed, sizeof seed);
  return st;
}

static enum status accept(struct identity *id, struct db *db, const struct user_row *user, const char *code, int64_t now_ns, bool *ret_good, struct err *err) {
  struct totp_row row;
  uint8_t seed[TOTP_SEED_BYTES];
  int64_t step;
  bool have;
  *ret_good = false;
  enum status st = found(read_seed(id, db, user, &row, seed, err), &have);
  if (st != OK || !have) return st;
  const bool fits = totp_accept(seed, sizeof seed, now_ns / S, row.last_step, code, strlen(code), &step);
  secret_wipe(seed, sizeof seed);
  return fits ? found(totp_step(db, user->id, step, err), ret_good) : OK;
}

// As people type them: small letters, blanks and dashes anywhere.
static enum status take_recovery(struct db *db, int64_t user_id, const char *code, bool *ret_good, struct err *err) {
  char plain[64];
  size_t n = 0;
  uint8_t hash[TOKEN_HASH_BYTES];
  for (const char *p = code; *p && n < sizeof plain - 1; p++)
    if (isalnum((unsigned char)*p)) plain[n++] = (char)toupper((unsigned char)*p);
  token_sha256(plain, n, hash);
  secret_wipe(plain, sizeof plain);
  return found(recovery_take(db, user_id, hash, err), ret_good);
}

enum status second_factor_check(struct identity *id, struct db *db, const struct user_row *user, const char *code, const struct origin *from, enum identity_refusal *ret_refusal,
                                int64_t *ret_wait_s, struct err *err) {
  char account[48];
  bool good = false;
  const bool is_totp = strlen(code) == TOTP_DIGITS;
  snprintf(account, sizeof account, "2fa:%" PRId64, user->id);
  *ret_refusal = REFUSAL_LOCKED;
  if ((*ret_wait_s = identity_attempt(id, account, "", from->mono_ns))) return OK;
  enum status st = is_totp ? accept(id, db, user, code, from->now_ns, &good, err) : take_recovery(db, user->id, code, &good, err);
  *ret_refusal = good ? REFUSAL_NONE : REFUSAL_BAD_CODE;
  if (st != OK || !good) return st;
  identity_forgive(id, account, "");
  return is_totp ? OK : audit_own(db, user, "2fa.recovery", from, err);
}

enum status second_factor_prepare(struct identity *id, struct db *db, struct second_factor *f, struct err *err) {
  struct user_row user;
  enum status st = user_get(db, f->user_id, &user, err);
  if (st != OK) return st;
  f->refusal = REFUSAL_NONE;
  f->work = (struct password_work){.password = f->password, .password_len = strlen(f->password)};
  snprintf(f->work.stored, sizeof f->work.stored, "%s", user.password_hash);
  if ((f->wait_s = identity_attempt(id, user.email, f->from.address, f->from.mono_ns))) f->refusal = REFUSAL_LOCKED;
  return OK;
}

// The user, whose password was right; else refusal says so.
static enum status proven(struct identity *id, struct db *db, struct second_factor *f, struct user_row *ret, struct err *err) {
  if (f->work.status != OK) return err_set(err, f->work.status, "%s", f->work.err.msg);
  enum status st = user_get(db, f->user_id, ret, err);
  if (st == OK && (!f->work.match || strcmp(ret->password_hash, f->work.stored) != 0)) f->refusal = REFUSAL_BAD_CREDENTIALS;
  if (st == OK && f->refusal == REFUSAL_NONE) identity_forgive(id, ret->email, f->from.address);
  return st;
}

enum status second_factor_enable_commit(struct identity *id, struct db *db, struct second_factor *f, struct err *err) {
  struct user_row user;
  enum status st = proven(id, db, f, &user, err);
  if (st != OK || f->refusal != REFUSAL_NONE) return st;
  if (user.totp) {
    f->refusal = REFUSAL_ALREADY;
    return OK;
  }
  uint8_t seed[TOTP_SEED_BYTES], key[KEY_BYTES], sealed[TOTP_SEED_BYTES + AEAD_OVERHEAD_BYTES];
  random_bytes(seed, sizeof seed);
  st = vault_tenant_key(identity_keys(id), db, user.tenant_id, true, f->from.now_ns, key, err);
  if (st == OK) st = vault_seal(key, user.tenant_id, "totp", user.id, seed, sizeof seed, sealed, err);
  if (st == OK) st = totp_put(db, user.id, sealed, sizeof sealed, f->from.now_ns, err);
  if (st == OK) st = totp_uri(identity_settings(id)->product, user.email, seed, sizeof seed, f->uri, sizeof f->uri, err);
  base32_encode(seed, sizeof seed, f->secret);
  secret_wipe(seed, sizeof seed);
  secret_wipe(key, sizeof key);
  return st;
}

enum status second_factor_disable_commit(struct identity *id, struct db *db, struct second_factor *f, struct err *err) {
  struct user_row user;
  enum status st = proven(id, db, f, &user, err);
  if (st != OK || f->refusal != REFUSAL_NONE) return st;
  if (!user.totp) {
    f->refusal = REFUSAL_NOT_ENABLED;
    return OK;
  }
  st = second_factor_check(id, db, &user, f->code, &f->from, &f->refusal, &f->wait_s, err);
  if (st != OK || f->refusal != REFUSAL_NONE) return st;
  st = totp_delete(db, user.id, err);
  return st == OK ? audit_own(db, &user, "2fa.disable", &f->from, err) : st;
}

static enum status make_recovery(struct db *db, int64_t user_id, char ret[RECOVERY_CODES][RECOVERY_CODE_SIZE], struct err *err) {
  uint8_t hashes[RECOVERY_CODES][TOKEN_HASH_BYTES];
  for (int i = 0; i < RECOVERY_CODES; i++) {
    uint8_t raw[RECOVERY_BYTES];
    char plain[BASE32_SIZE(RECOVERY_BYTES)];
    random_bytes(raw, sizeof raw);
    size_t len = base32_encode(raw, sizeof raw, plain);
    token_sha256(plain, len, hashes[i]);
    char *out = ret[i];
    for (size_t k = 0; k < len; k++) {
      if (k && k % 4 == 0) *out++ = '-';
      *out++ = plain[k];
    }
    *out = '\0';
    secret_wipe(raw, sizeof raw);
    secret_wipe(plain, sizeof plain);
  }
  return recovery_put(db, user_id, (const uint8_t(*)[TOKEN_HASH_BYTES])hashes, RECOVERY_CODES, err);
}

enum status second_factor_confirm_commit(struct identity *id, struct db *db, struct confirmation *c, struct err *err) {
  struct user_row user;
  struct totp_row row;
  bool good, have;
  c->refusal = REFUSAL_NONE;
  enum status st = user_get(db, c->user_id, &user, err);
  if (st == OK) st = found(totp_get(db, user.id, &row, err), &have);
  if (st != OK) return st;
  if (!have || row.enabled_ns) {
    c->refusal = have ? REFUSAL_ALREADY : REFUSAL_NOT_ENABLED;
    return OK;
  }
  char account[48];
  snprintf(account, sizeof account, "2fa:%" PRId64, user.id);
  if ((c->wait_s = identity_attempt(id, account, "", c->from.mono_ns))) {
    c->refusal = REFUSAL_LOCKED;
    return OK;
  }
  st = accept(id, db, &user, c->code, c->from.now_ns, &good, err);
  if (st != OK) return st;
  if (!good) {
    c->refusal = REFUSAL_BAD_CODE;
    return OK;
  }
  identity_forgive(id, account, "");
  st = totp_enable(db, user.id, c->from.now_ns, err);
  if (st == OK) st = make_recovery(db, user.id, c->recovery, err);
  if (st == OK) st = session_end_all(id, db, user.id, c->session_id, c->from.now_ns, NULL, err);  // they showed no second factor
  return st == OK ? audit_own(db, &user, "2fa.enable", &c->from, err) : st;
}
