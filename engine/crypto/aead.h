// crypto/aead.h – AES-256-GCM (NIST SP 800-38D): what the vault and stored seeds are sealed with. The nonce is 96 random
// bits, so a key may seal 2^32 times at most; keys are per tenant and seal a handful of things.
#pragma once
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define AEAD_KEY_BYTES 32
#define AEAD_NONCE_BYTES 12
#define AEAD_TAG_BYTES 16
#define AEAD_OVERHEAD_BYTES (AEAD_NONCE_BYTES + AEAD_TAG_BYTES)

// ret_sealed gets nonce, ciphertext and tag: plain_len + AEAD_OVERHEAD_BYTES bytes. aad is bound to it, not stored in it.
enum status aead_seal(const uint8_t key[AEAD_KEY_BYTES], const void *aad, size_t aad_len, const void *plain,
  size_t plain_len, uint8_t *ret_sealed, struct err *err) MUST_CHECK;

// ret_plain must have room for sealed_len - AEAD_OVERHEAD_BYTES. ERR_INVALID: key, aad or a single bit differ; then
// ret_plain is zeros.
enum status aead_open(const uint8_t key[AEAD_KEY_BYTES], const void *aad, size_t aad_len, const uint8_t *sealed,
  size_t sealed_len, void *ret_plain, size_t *ret_len, struct err *err) MUST_CHECK;

// With the nonce given: for test vectors only, as one nonce used twice gives the key stream away.
enum status aead_seal_with_nonce(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
  const void *aad, size_t aad_len, const void *plain, size_t plain_len, uint8_t *ret_sealed, struct err *err) MUST_CHECK;
