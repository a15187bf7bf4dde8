// base/memory.h – how a long-lived process treats memory.
#pragma once
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#define MEMORY_LARGE (1 << 20)  // bytes

// Blocks from MEMORY_LARGE on are mapped each by itself, and given back to the system when they are freed. glibc's own threshold
// grows with what passes through: after a few results of backtests every thread would keep tens of megabytes for good. Before
// the first thread is started.
static inline void memory_large_apart(void) {
#ifdef __GLIBC__
  (void)mallopt(M_MMAP_THRESHOLD, MEMORY_LARGE);
#endif
}
