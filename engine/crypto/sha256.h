// crypto/sha256.h – SHA-256 (FIPS 180-4), streaming and in one go: names scripts by content, proves that two runs agree.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define SHA256_HEX_SIZE (2 * SHA256_BYTES + 1)  // with the final NUL

// Embed it; only the functions below look inside (the library's own struct or ours: sha256.c).
struct sha256_ctx {
  _Alignas(16) unsigned char opaque[144];
};

// init, any number of updates, then finish exactly once; a finished context may be initialised again. Cannot fail.
void sha256_init(struct sha256_ctx *ctx);
void sha256_update(struct sha256_ctx *ctx, const void *bytes, size_t len);  // bytes may be NULL when len is 0
void sha256_finish(struct sha256_ctx *ctx, uint8_t ret_digest[SHA256_BYTES]);
void sha256_finish_hex(struct sha256_ctx *ctx, char ret_hex[SHA256_HEX_SIZE]);

// How far a stream has come (FIPS 180-4): the hash value so far, how many bytes, those of the last block that is not whole. The same on every
// machine, so a stream can go on in another process.
struct sha256_state {
  uint32_t hash[8];
  uint64_t bytes;
  uint8_t block[64];  // bytes % 64 of them
};
void sha256_state_get(const struct sha256_ctx *ctx, struct sha256_state *ret);
void sha256_state_set(struct sha256_ctx *ctx, const struct sha256_state *s);  // ctx was initialised

// The digest of one piece of memory as 64 lower-case hex digits and a NUL.
void sha256_hex(const void *bytes, size_t len, char ret_hex[SHA256_HEX_SIZE]);
