// crypto/password_hash.c – see password_hash.h.
#include "crypto/password_hash.h"
#include "crypto/secret.h"

#include <assert.h>
#include <crypt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES, "libsodium's hashes grew");

// What a stored hash may ask of us at most; an attacker who can write hashes must not get a way to stop the machine.
#define MAX_MEMORY_KIB (256u * 1024)
#define MAX_PASSES 16u
#define MAX_BCRYPT_COST 14

// A hash of 32 random bytes nobody kept, with today's costs.
static const char dummy[] =
  "$argon2id$v=19$m=19456,t=2,p=1$9fQm2wJSPcHcNNAyPkZRrA$rd5p/A3gqZYGg5ZnKSDoXVDIP1W5Ed8Ai1QJqQ4bqL8";

enum status password_hash(const char *password, size_t len, char ret_hash[PASSWORD_HASH_SIZE], struct err *err) {
  int started = sodium_init();
  assert(started >= 0);
  memset(ret_hash, 0, PASSWORD_HASH_SIZE);
  if (crypto_pwhash_str_alg(ret_hash, password, len, PASSWORD_HASH_PASSES, PASSWORD_HASH_MEMORY_BYTES,
        crypto_pwhash_ALG_ARGON2ID13))
    return err_set(err, ERR_NOMEM, "password hash: no %u bytes to work in", PASSWORD_HASH_MEMORY_BYTES);
  return OK;
}

static bool is_bcrypt(const char *hash) {
  return hash[0] == '$' && hash[1] == '2' && hash[2] && strchr("aby", hash[2]) && hash[3] == '$';
}

static enum status verify_bcrypt(const char *hash, const char *password, size_t len, bool *ret_match, struct err *err) {
  int cost = 0;
  if (strlen(hash) != 60 || sscanf(hash + 4, "%2d$", &cost) != 1 || cost < 4 || cost > MAX_BCRYPT_COST)
    return err_set(err, ERR_INVALID, "stored bcrypt hash has a cost that is not between 4 and %d", MAX_BCRYPT_COST);
  struct crypt_data *data = calloc(1, sizeof *data);
  char *text = malloc(len + 1);
  enum status st = OK;
  if (!data || !text) {
    st = err_set(err, ERR_NOMEM, "password check");
  } else {
    memcpy(text, password, len);
    text[len] = '\0';
    // libxcrypt's call that says NULL on failure; it also escapes AddressSanitizer's wrapper of crypt_r, which crashes.
    const char *again = crypt_rn(text, hash, data, sizeof *data);
    // A NUL inside would let bcrypt see a shorter password than was typed.
    *ret_match = again && strlen(again) == 60 && secret_equal(again, hash, 60) && !memchr(password, '\0', len);
  }
  if (text) secret_wipe(text, len + 1);
  if (data) secret_wipe(data, sizeof *data);
  free(text);
  free(data);
  return st;
}

static enum status verify_argon2id(const char *hash, const char *password, size_t len, bool *ret_match, bool *ret_rehash,
  struct err *err) {
  unsigned version = 0, kib = 0, passes = 0, lanes = 0;
  if (strlen(hash) >= crypto_pwhash_STRBYTES ||
      sscanf(hash, "$argon2id$v=%u$m=%u,t=%u,p=%u$", &version, &kib, &passes, &lanes) != 4 || kib > MAX_MEMORY_KIB ||
      passes > MAX_PASSES || lanes != 1)
    return err_set(err, ERR_INVALID, "stored password hash is not of a kind we know");
  char padded[crypto_pwhash_STRBYTES] = {0};
  memcpy(padded, hash, strlen(hash));
  *ret_rehash = crypto_pwhash_str_needs_rehash(padded, PASSWORD_HASH_PASSES, PASSWORD_HASH_MEMORY_BYTES) != 0;
  *ret_match = crypto_pwhash_str_verify(padded, password, len) == 0;
  return OK;
}

enum status password_verify(const char *hash, const char *password, size_t len, bool *ret_match, bool *ret_rehash,
  struct err *err) {
  int started = sodium_init();
  assert(started >= 0);
  *ret_match = *ret_rehash = false;
  if (!hash) {
    bool match, rehash;
    return verify_argon2id(dummy, password, len, &match, &rehash, err);
  }
  if (is_bcrypt(hash)) {
    *ret_rehash = true;
    return verify_bcrypt(hash, password, len, ret_match, err);
  }
  return verify_argon2id(hash, password, len, ret_match, ret_rehash, err);
}
