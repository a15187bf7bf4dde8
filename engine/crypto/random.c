// crypto/random.c – see random.h.
#include "crypto/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *ret_bytes, size_t len) {
  unsigned char *at = ret_bytes;
  while (len) {
    ssize_t n = getrandom(at, len, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      perror("getrandom");
      abort();
    }
    at += n;
    len -= (size_t)n;
  }
}
