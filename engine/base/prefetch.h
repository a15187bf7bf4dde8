// base/prefetch.h – asks for memory that will be needed shortly. Of ten thousand bots none is in a cache when its turn comes; a
// wish costs nothing and never fails, while waiting costs 100 ns a line.
#pragma once
#include <stddef.h>

static inline void prefetch(const void *p, size_t bytes) {
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch((const char *)p + at);
}
