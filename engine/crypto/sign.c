// crypto/sign.c – see sign.h.
#include "crypto/sign.h"

#include <assert.h>
#include <sodium.h>

_Static_assert(SIGN_BYTES == crypto_sign_BYTES && SIGN_SEED_BYTES == crypto_sign_SEEDBYTES, "Ed25519 sizes");
_Static_assert(sizeof(((struct sign_key *)0)->secret) == crypto_sign_SECRETKEYBYTES, "Ed25519 key size");

void sign_key_from_seed(const uint8_t seed[SIGN_SEED_BYTES], struct sign_key *ret_key) {
  int failed = crypto_sign_seed_keypair(ret_key->pub, ret_key->secret, seed);
  assert(!failed);
}

void sign_make(const struct sign_key *key, const void *bytes, size_t len, uint8_t ret_signature[SIGN_BYTES]) {
  int failed = crypto_sign_detached(ret_signature, NULL, bytes, len, key->secret);
  assert(!failed);
}

bool sign_verify(const uint8_t pub[SIGN_PUBLIC_BYTES], const void *bytes, size_t len, const uint8_t signature[SIGN_BYTES]) {
  return crypto_sign_verify_detached(signature, bytes, len, pub) == 0;
}
