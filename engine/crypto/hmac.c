// crypto/hmac.c – see hmac.h. SHA-256 by crypto/sha256, which uses the processor's instructions: every request's token goes
// through here. SHA-1 by mbedtls; HKDF's three-part messages by libsodium.
#include "crypto/hmac.h"
#include "crypto/secret.h"
#include "crypto/sha256.h"

#include <assert.h>
#include <mbedtls/sha1.h>
#include <mbedtls/version.h>
#include <sodium.h>
#include <string.h>

#if MBEDTLS_VERSION_MAJOR < 3
#define mbedtls_sha1_starts mbedtls_sha1_starts_ret
#define mbedtls_sha1_update mbedtls_sha1_update_ret
#define mbedtls_sha1_finish mbedtls_sha1_finish_ret
#endif

_Static_assert(HMAC_SHA256_BYTES == crypto_auth_hmacsha256_BYTES, "libsodium's idea of HMAC-SHA-256 differs");

void hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t ret_mac[HMAC_SHA256_BYTES]) {
  uint8_t pad[64] = {0};
  struct sha256_ctx ctx;
  if (key_len > sizeof pad) {
    sha256_init(&ctx);
    sha256_update(&ctx, key, key_len);
    sha256_finish(&ctx, pad);
  } else if (key_len) {
    memcpy(pad, key, key_len);
  }
  for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36;
  sha256_init(&ctx);
  sha256_update(&ctx, pad, sizeof pad);
  sha256_update(&ctx, bytes, len);
  sha256_finish(&ctx, ret_mac);
  for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36 ^ 0x5c;
  sha256_init(&ctx);
  sha256_update(&ctx, pad, sizeof pad);
  sha256_update(&ctx, ret_mac, HMAC_SHA256_BYTES);
  sha256_finish(&ctx, ret_mac);
  secret_wipe(pad, sizeof pad);
}

// One pass of SHA-1 over a block and a text.
static void sha1_of(const uint8_t block[64], const void *bytes, size_t len, uint8_t ret_digest[HMAC_SHA1_BYTES]) {
  mbedtls_sha1_context ctx;
  mbedtls_sha1_init(&ctx);
  int failed = mbedtls_sha1_starts(&ctx);
  if (block) failed |= mbedtls_sha1_update(&ctx, block, 64);
  if (len) failed |= mbedtls_sha1_update(&ctx, bytes, len);
  failed |= mbedtls_sha1_finish(&ctx, ret_digest);
  assert(!failed);  // possible with hardware back ends only, which are not built in
  mbedtls_sha1_free(&ctx);
}

void hmac_sha1(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t ret_mac[HMAC_SHA1_BYTES]) {
  uint8_t pad[64] = {0}, inner[HMAC_SHA1_BYTES];
  if (key_len > sizeof pad) {
    sha1_of(NULL, key, key_len, pad);
  } else if (key_len) {
    memcpy(pad, key, key_len);
  }
  for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36;
  sha1_of(pad, bytes, len, inner);
  for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36 ^ 0x5c;
  sha1_of(pad, inner, sizeof inner, ret_mac);
  secret_wipe(pad, sizeof pad);
}

enum status hkdf_sha256(const void *salt, size_t salt_len, const void *key, size_t key_len, const void *info,
  size_t info_len, uint8_t *ret_bytes, size_t out_len, struct err *err) {
  if (out_len > HKDF_MAX_BYTES) return err_set(err, ERR_RANGE, "key derivation of %zu bytes", out_len);
  uint8_t prk[HMAC_SHA256_BYTES], block[HMAC_SHA256_BYTES], zero[HMAC_SHA256_BYTES] = {0};
  if (!salt_len) salt = zero, salt_len = sizeof zero;
  hmac_sha256(salt, salt_len, key, key_len, prk);
  size_t done = 0, block_len = 0;
  for (uint8_t counter = 1; done < out_len; counter++) {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, prk, sizeof prk);
    crypto_auth_hmacsha256_update(&state, block, block_len);
    crypto_auth_hmacsha256_update(&state, info, info_len);
    crypto_auth_hmacsha256_update(&state, &counter, 1);
    crypto_auth_hmacsha256_final(&state, block);
    block_len = sizeof block;
    size_t n = out_len - done < sizeof block ? out_len - done : sizeof block;
    memcpy(ret_bytes + done, block, n);
    done += n;
  }
  secret_wipe(prk, sizeof prk);
  secret_wipe(block, sizeof block);
  return OK;
}
