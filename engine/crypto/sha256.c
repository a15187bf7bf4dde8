// crypto/sha256.c – see sha256.h. By the processor's instructions where it has them (sha256_x86.c), else a thin coat over
// mbedtls, whose calls were renamed between 2.28 and 3.x; they fail only with hardware back ends, which are not built in, so a
// failure is an engine bug and asserted away.
#include "crypto/sha256.h"

#include <assert.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <string.h>

#include "crypto/sha256_impl.h"

#if MBEDTLS_VERSION_MAJOR < 3
#define mbedtls_sha256_starts mbedtls_sha256_starts_ret
#define mbedtls_sha256_update mbedtls_sha256_update_ret
#define mbedtls_sha256_finish mbedtls_sha256_finish_ret
#endif
#ifndef MBEDTLS_PRIVATE
#define MBEDTLS_PRIVATE(member) member
#endif

// Buffers up to a block; the rest goes through whole.
struct fast {
  uint32_t state[8];
  uint64_t total;  // bytes so far
  uint8_t block[SHA256_BLOCK];
};

struct inner {
  bool is_fast;
  union {
    struct fast fast;
    mbedtls_sha256_context library;
  };
};

_Static_assert(sizeof(struct inner) <= sizeof(struct sha256_ctx), "sha256_ctx too small");
_Static_assert(_Alignof(struct inner) <= _Alignof(struct sha256_ctx), "sha256_ctx not aligned");

static struct inner *inner(struct sha256_ctx *ctx) {
  return (struct inner *)(void *)ctx->opaque;
}

static void init(struct sha256_ctx *ctx, bool is_fast) {
  struct inner *in = inner(ctx);
  in->is_fast = is_fast;
  if (is_fast) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(in->fast.state, start, sizeof start);
    in->fast.total = 0;
    return;
  }
  mbedtls_sha256_init(&in->library);
  int failed = mbedtls_sha256_starts(&in->library, 0);
  assert(!failed);
}

void sha256_init(struct sha256_ctx *ctx) {
  init(ctx, sha256_x86_available());
}

void sha256_init_portable(struct sha256_ctx *ctx) {
  init(ctx, false);
}

static void fast_update(struct fast *f, const uint8_t *bytes, size_t len) {
  size_t have = f->total % SHA256_BLOCK;
  f->total += len;
  if (have) {
    size_t take = SHA256_BLOCK - have < len ? SHA256_BLOCK - have : len;
    memcpy(f->block + have, bytes, take);
    bytes += take;
    len -= take;
    if (have + take < SHA256_BLOCK) return;
    sha256_x86_blocks(f->state, f->block, 1);
  }
  if (len >= SHA256_BLOCK) sha256_x86_blocks(f->state, bytes, len / SHA256_BLOCK);
  memcpy(f->block, bytes + len / SHA256_BLOCK * SHA256_BLOCK, len % SHA256_BLOCK);
}

// FIPS 180-4 section 5.1.1: a one bit, zeros, the length in bits as 64-bit big-endian.
static void fast_finish(struct fast *f, uint8_t ret_digest[SHA256_BYTES]) {
  uint8_t tail[2 * SHA256_BLOCK] = {0};
  size_t have = f->total % SHA256_BLOCK, blocks = have + 9 > SHA256_BLOCK ? 2 : 1;
  memcpy(tail, f->block, have);
  tail[have] = 0x80;
  uint64_t bits = __builtin_bswap64(f->total * 8);
  memcpy(tail + blocks * SHA256_BLOCK - sizeof bits, &bits, sizeof bits);
  sha256_x86_blocks(f->state, tail, blocks);
  for (int i = 0; i < 8; i++) {
    uint32_t word = __builtin_bswap32(f->state[i]);
    memcpy(ret_digest + 4 * i, &word, sizeof word);
  }
  memset(tail, 0, sizeof tail);
}

void sha256_update(struct sha256_ctx *ctx, const void *bytes, size_t len) {
  assert(bytes || len == 0);
  if (len == 0) return;
  struct inner *in = inner(ctx);
  if (in->is_fast) {
    fast_update(&in->fast, bytes, len);
    return;
  }
  int failed = mbedtls_sha256_update(&in->library, bytes, len);
  assert(!failed);
}

void sha256_finish(struct sha256_ctx *ctx, uint8_t ret_digest[SHA256_BYTES]) {
  struct inner *in = inner(ctx);
  if (in->is_fast) {
    fast_finish(&in->fast, ret_digest);
  } else {
    int failed = mbedtls_sha256_finish(&in->library, ret_digest);
    assert(!failed);
    mbedtls_sha256_free(&in->library);
  }
  explicit_bzero(ctx, sizeof *ctx);  // secrets are hashed too
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

// Of a block that is not whole the rest is zero, so that equal states are equal bytes.
void sha256_state_get(const struct sha256_ctx *ctx, struct sha256_state *ret) {
  const struct inner *in = (const struct inner *)(const void *)ctx->opaque;
  *ret = (struct sha256_state){0};
  if (in->is_fast) {
    memcpy(ret->hash, in->fast.state, sizeof ret->hash);
    ret->bytes = in->fast.total;
    memcpy(ret->block, in->fast.block, ret->bytes % SHA256_BLOCK);
    return;
  }
  const mbedtls_sha256_context *c = &in->library;
  memcpy(ret->hash, c->MBEDTLS_PRIVATE(state), sizeof ret->hash);
  ret->bytes = (uint64_t)c->MBEDTLS_PRIVATE(total)[1] << 32 | c->MBEDTLS_PRIVATE(total)[0];
  memcpy(ret->block, c->MBEDTLS_PRIVATE(buffer), ret->bytes % SHA256_BLOCK);
}

void sha256_state_set(struct sha256_ctx *ctx, const struct sha256_state *s) {
  struct inner *in = inner(ctx);
  if (in->is_fast) {
    memcpy(in->fast.state, s->hash, sizeof s->hash);
    in->fast.total = s->bytes;
    memcpy(in->fast.block, s->block, s->bytes % SHA256_BLOCK);
    return;
  }
  mbedtls_sha256_context *c = &in->library;
  memcpy(c->MBEDTLS_PRIVATE(state), s->hash, sizeof s->hash);
  c->MBEDTLS_PRIVATE(total)[0] = (uint32_t)s->bytes;
  c->MBEDTLS_PRIVATE(total)[1] = (uint32_t)(s->bytes >> 32);
  memcpy(c->MBEDTLS_PRIVATE(buffer), s->block, s->bytes % SHA256_BLOCK);
}

void sha256_hex(const void *bytes, size_t len, char ret_hex[SHA256_HEX_SIZE]) {
  struct sha256_ctx ctx;
  sha256_init(&ctx);
  sha256_update(&ctx, bytes, len);
  sha256_finish_hex(&ctx, ret_hex);
}
