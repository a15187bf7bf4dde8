// crypto/sign.h – Ed25519 signatures (RFC 8032): the audit log's head and whatever third parties must be able to verify.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGN_SEED_BYTES 32  // what a key file holds; the key pair follows from it
#define SIGN_PUBLIC_BYTES 32
#define SIGN_BYTES 64

struct sign_key {
  uint8_t pub[SIGN_PUBLIC_BYTES];
  uint8_t secret[64];
};

// Cannot fail. Wipe the key with secret_wipe when done.
void sign_key_from_seed(const uint8_t seed[SIGN_SEED_BYTES], struct sign_key *ret_key);
void sign_make(const struct sign_key *key, const void *bytes, size_t len, uint8_t ret_signature[SIGN_BYTES]);
bool sign_verify(const uint8_t pub[SIGN_PUBLIC_BYTES], const void *bytes, size_t len, const uint8_t signature[SIGN_BYTES]);
