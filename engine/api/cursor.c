#include "api/cursor.h"

#include "crypto/sha256.h"

#include <string.h>

#define BODY_BYTES 17  // version, key, id
#define MAC_BYTES 16
#define RAW_BYTES (BODY_BYTES + MAC_BYTES)  // 33: a multiple of three, so base64 needs no padding

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void put_i64(uint8_t *out, int64_t v) {
  for (int i = 0; i < 8; i++) out[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
}
static int64_t get_i64(const uint8_t *in) {
  uint64_t v = 0;
  for (int i = 0; i < 8; i++) v = v << 8 | in[i];
  return (int64_t)v;
}

// HMAC-SHA-256 (RFC 2104) over operation, NUL, tenant, body; the first 16 bytes.
static void mac(const uint8_t body[BODY_BYTES], const uint8_t secret[CURSOR_KEY_BYTES], const char *operation, int64_t tenant, uint8_t out[MAC_BYTES]) {
  uint8_t pad[64], digest[SHA256_BYTES], tenant_be[8];
  struct sha256_ctx ctx;
  put_i64(tenant_be, tenant);
  for (int pass = 0; pass < 2; pass++) {
    memset(pad, pass ? 0x5c : 0x36, sizeof pad);
    for (int i = 0; i < CURSOR_KEY_BYTES; i++) pad[i] ^= secret[i];
    sha256_init(&ctx);
    sha256_update(&ctx, pad, sizeof pad);
    if (pass == 0) {
      sha256_update(&ctx, operation, strlen(operation) + 1);
      sha256_update(&ctx, tenant_be, sizeof tenant_be);
      sha256_update(&ctx, body, BODY_BYTES);
    } else {
      sha256_update(&ctx, digest, sizeof digest);
    }
    sha256_finish(&ctx, digest);
  }
  memcpy(out, digest, MAC_BYTES);
}

void cursor_format(struct cursor c, const uint8_t secret[CURSOR_KEY_BYTES], const char *operation, int64_t tenant, char ret_text[CURSOR_TEXT_SIZE]) {
  uint8_t raw[RAW_BYTES] = {1};
  put_i64(raw + 1, c.key);
  put_i64(raw + 9, c.id);
  mac(raw, secret, operation, tenant, raw + BODY_BYTES);
  char *out = ret_text;
  for (int i = 0; i < RAW_BYTES; i += 3) {
    const uint32_t v = (uint32_t)raw[i] << 16 | (uint32_t)raw[i + 1] << 8 | raw[i + 2];
    for (int k = 18; k >= 0; k -= 6) *out++ = digits[v >> k & 63];
  }
  *out = '\0';
}

bool cursor_parse(const char *text, size_t len, const uint8_t secret[CURSOR_KEY_BYTES], const char *operation, int64_t tenant, struct cursor *ret) {
  if (len != CURSOR_TEXT_SIZE - 1) return false;
  uint8_t raw[RAW_BYTES], want[MAC_BYTES];
  for (size_t i = 0; i < len; i += 4) {
    uint32_t v = 0;
    for (size_t k = 0; k < 4; k++) {
      const char *d = text[i + k] ? strchr(digits, text[i + k]) : NULL;
      if (!d) return false;
      v = v << 6 | (uint32_t)(d - digits);
    }
    raw[i / 4 * 3] = (uint8_t)(v >> 16), raw[i / 4 * 3 + 1] = (uint8_t)(v >> 8), raw[i / 4 * 3 + 2] = (uint8_t)v;
  }
  mac(raw, secret, operation, tenant, want);
  unsigned differ = raw[0] != 1;
  for (int i = 0; i < MAC_BYTES; i++) differ |= raw[BODY_BYTES + i] ^ want[i];
  if (differ) return false;
  *ret = (struct cursor){get_i64(raw + 1), get_i64(raw + 9)};
  return true;
}
