// crypto/siphash.c – see siphash.h.
#include "crypto/siphash.h"

#include <sodium.h>

_Static_assert(SIPHASH_KEY_BYTES == crypto_shorthash_KEYBYTES && crypto_shorthash_BYTES == 8, "SipHash sizes");

uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *bytes, size_t len) {
  uint8_t out[8];
  crypto_shorthash(out, bytes, len, key);
  uint64_t v = 0;
  for (int i = 7; i >= 0; i--) v = v << 8 | out[i];
  return v;
}
