// crypto/hmac.h – keyed hashes (RFC 2104) and key derivation (RFC 5869, HKDF with SHA-256).
#pragma once
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define HMAC_SHA256_BYTES 32
#define HMAC_SHA1_BYTES 20
#define HKDF_MAX_BYTES (255 * HMAC_SHA256_BYTES)

// Any key length; cannot fail.
void hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t ret_mac[HMAC_SHA256_BYTES]);
// For TOTP, whose authenticator apps know nothing else; not for new designs.
void hmac_sha1(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t ret_mac[HMAC_SHA1_BYTES]);

// Derives out_len bytes for the purpose `info` from key material. salt may be NULL with salt_len 0. ERR_RANGE when more
// than HKDF_MAX_BYTES are asked for.
enum status hkdf_sha256(const void *salt, size_t salt_len, const void *key, size_t key_len, const void *info,
  size_t info_len, uint8_t *ret_bytes, size_t out_len, struct err *err) MUST_CHECK;
