// tenant/shipped.h – the tier scripts of lua/tiers and the strategies of strategies/, compiled in, so that a fresh installation
// has prices, and editions have strategies wherever the binary stands.
#pragma once
#include <stddef.h>

#define EDITION_DEFAULT "dca"

struct shipped {
  const char *name, *file, *source;  // a tier script's name is its edition's; source is NUL-terminated
  size_t len;
};
extern const struct shipped shipped_tiers[], shipped_strategies[];  // by name; end with name NULL
