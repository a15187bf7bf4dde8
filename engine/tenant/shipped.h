// tenant/shipped.h – the tier scripts of lua/tiers, compiled in, so that a fresh installation has prices.
#pragma once
#include <stddef.h>

#define EDITION_DEFAULT "dca"

struct shipped {
  const char *edition, *file, *source;  // NUL-terminated
  size_t len;
};
extern const struct shipped shipped_tiers[];  // by edition; ends with edition NULL
