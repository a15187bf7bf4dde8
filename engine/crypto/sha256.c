// crypto/sha256.c – see sha256.h. A thin coat over mbedtls, whose calls were renamed between 2.28 and 3.x; they fail
// only with hardware back ends, which are not built in, so a failure is an engine bug and asserted away.
#include "crypto/sha256.h"

#include <assert.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

#if MBEDTLS_VERSION_MAJOR < 3
#define mbedtls_sha256_starts mbedtls_sha256_starts_ret
#define mbedtls_sha256_update mbedtls_sha256_update_ret
#define mbedtls_sha256_finish mbedtls_sha256_finish_ret
#endif

_Static_assert(sizeof(mbedtls_sha256_context) <= sizeof(struct sha256_ctx), "sha256_ctx too small for this mbedtls");
_Static_assert(_Alignof(mbedtls_sha256_context) <= _Alignof(struct sha256_ctx), "sha256_ctx not aligned for mbedtls");

static mbedtls_sha256_context *inner(struct sha256_ctx *ctx) {
  return (mbedtls_sha256_context *)(void *)ctx->opaque;
}

void sha256_init(struct sha256_ctx *ctx) {
  mbedtls_sha256_init(inner(ctx));
  int failed = mbedtls_sha256_starts(inner(ctx), 0);
  assert(!failed);
}

void sha256_update(struct sha256_ctx *ctx, const void *bytes, size_t len) {
  assert(bytes || len == 0);
  if (len == 0) return;
  int failed = mbedtls_sha256_update(inner(ctx), bytes, len);
  assert(!failed);
}

void sha256_finish(struct sha256_ctx *ctx, uint8_t ret_digest[SHA256_BYTES]) {
  int failed = mbedtls_sha256_finish(inner(ctx), ret_digest);
  assert(!failed);
  mbedtls_sha256_free(inner(ctx));  // wipes
}

void sha256_finish_hex(struct sha256_ctx *ctx, char ret_hex[SHA256_HEX_SIZE]) {
  static const char digits[] = "0123456789abcdef";
  uint8_t digest[SHA256_BYTES];
  sha256_finish(ctx, digest);
  for (size_t i = 0; i < SHA256_BYTES; i++) {
    ret_hex[2 * i] = digits[digest[i] >> 4];
    ret_hex[2 * i + 1] = digits[digest[i] & 15];
  }
  ret_hex[SHA256_HEX_SIZE - 1] = '\0';
}

void sha256_hex(const void *bytes, size_t len, char ret_hex[SHA256_HEX_SIZE]) {
  struct sha256_ctx ctx;
  sha256_init(&ctx);
  sha256_update(&ctx, bytes, len);
  sha256_finish_hex(&ctx, ret_hex);
}
