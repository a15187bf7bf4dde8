// crypto/secret.c – see secret.h.
#include "crypto/secret.h"

#include <sodium.h>

bool secret_equal(const void *a, const void *b, size_t len) {
  return sodium_memcmp(a, b, len) == 0;
}

void secret_wipe(void *bytes, size_t len) {
  if (len) sodium_memzero(bytes, len);
}

void *secret_alloc(size_t size) {
  if (sodium_init() < 0) return NULL;
  void *bytes = sodium_malloc(size);
  if (bytes) sodium_memzero(bytes, size);
  return bytes;
}

void secret_free(void *bytes) {
  sodium_free(bytes);
}
