// crypto/secret.c – see secret.h.
#include "crypto/secret.h"

#include <sodium.h>

bool secret_equal(const void *a, const void *b, size_t len) {
  return sodium_memcmp(a, b, len) == 0;
}

void secret_wipe(void *bytes, size_t len) {
  if (len) sodium_memzero(bytes, len);
}
