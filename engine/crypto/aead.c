// crypto/aead.c – see aead.h. A coat over mbedtls, which uses AES-NI where the machine has it.
#include "crypto/aead.h"
#include "crypto/random.h"

#include <mbedtls/gcm.h>
#include <string.h>

enum status aead_seal_with_nonce(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
  const void *aad, size_t aad_len, const void *plain, size_t plain_len, uint8_t *ret_sealed, struct err *err) {
  mbedtls_gcm_context gcm;
  mbedtls_gcm_init(&gcm);
  memcpy(ret_sealed, nonce, AEAD_NONCE_BYTES);
  int rc = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, AEAD_KEY_BYTES * 8);
  if (!rc)
    rc = mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, plain_len, nonce, AEAD_NONCE_BYTES, aad, aad_len, plain,
      ret_sealed + AEAD_NONCE_BYTES, AEAD_TAG_BYTES, ret_sealed + AEAD_NONCE_BYTES + plain_len);
  mbedtls_gcm_free(&gcm);
  return rc ? err_set(err, ERR_NOMEM, "AES-GCM: mbedtls error -0x%04x", (unsigned)-rc) : OK;
}

enum status aead_seal(const uint8_t key[AEAD_KEY_BYTES], const void *aad, size_t aad_len, const void *plain,
  size_t plain_len, uint8_t *ret_sealed, struct err *err) {
  uint8_t nonce[AEAD_NONCE_BYTES];
  random_bytes(nonce, sizeof nonce);
  return aead_seal_with_nonce(key, nonce, aad, aad_len, plain, plain_len, ret_sealed, err);
}

enum status aead_open(const uint8_t key[AEAD_KEY_BYTES], const void *aad, size_t aad_len, const uint8_t *sealed,
  size_t sealed_len, void *ret_plain, size_t *ret_len, struct err *err) {
  *ret_len = 0;
  if (sealed_len < AEAD_OVERHEAD_BYTES) return err_set(err, ERR_INVALID, "sealed value is cut short");
  size_t len = sealed_len - AEAD_OVERHEAD_BYTES;
  mbedtls_gcm_context gcm;
  mbedtls_gcm_init(&gcm);
  int rc = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, AEAD_KEY_BYTES * 8);
  if (!rc)
    rc = mbedtls_gcm_auth_decrypt(&gcm, len, sealed, AEAD_NONCE_BYTES, aad, aad_len,
      sealed + AEAD_NONCE_BYTES + len, AEAD_TAG_BYTES, sealed + AEAD_NONCE_BYTES, ret_plain);
  mbedtls_gcm_free(&gcm);
  if (rc == MBEDTLS_ERR_GCM_AUTH_FAILED) return err_set(err, ERR_INVALID, "sealed value does not open with this key");
  if (rc) return err_set(err, ERR_NOMEM, "AES-GCM: mbedtls error -0x%04x", (unsigned)-rc);
  *ret_len = len;
  return OK;
}
