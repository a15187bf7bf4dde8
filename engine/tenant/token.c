// tenant/token.c – see token.h.
#include "tenant/token.h"
#include "crypto/encode.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "crypto/sha256.h"

#include <assert.h>
#include <string.h>

void token_sha256(const void *bytes, size_t len, uint8_t ret_hash[TOKEN_HASH_BYTES]) {
  struct sha256_ctx ctx;
  sha256_init(&ctx);
  sha256_update(&ctx, bytes, len);
  sha256_finish(&ctx, ret_hash);
}

void token_make(const char *prefix, char ret_token[TOKEN_SIZE], uint8_t ret_hash[TOKEN_HASH_BYTES]) {
  uint8_t bytes[32];
  size_t n = strlen(prefix);
  assert(n + BASE64URL_SIZE(sizeof bytes) <= TOKEN_SIZE);
  random_bytes(bytes, sizeof bytes);
  memcpy(ret_token, prefix, n);
  n += base64url_encode(bytes, sizeof bytes, ret_token + n);
  secret_wipe(bytes, sizeof bytes);
  token_sha256(ret_token, n, ret_hash);
}

bool token_hash(const char *prefix, const char *text, size_t len, uint8_t ret_hash[TOKEN_HASH_BYTES]) {
  uint8_t bytes[32];
  size_t n = strlen(prefix), got;
  bool ok = len == TOKEN_SIZE - 1 && !memcmp(text, prefix, n) && base64url_decode(text + n, len - n, bytes, sizeof bytes, &got) == OK &&
            got == sizeof bytes;
  secret_wipe(bytes, sizeof bytes);
  if (ok) token_sha256(text, len, ret_hash);
  return ok;
}
