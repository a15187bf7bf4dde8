#include "base/wipe.h"

#include "base/json.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

// Not inlined: where the compiler sees how much was asked of malloc, _FORTIFY_SOURCE takes the block's end for an overflow.
__attribute__((noinline)) void wipe_free(void *p) {
  if (!p) return;
  explicit_bzero(p, malloc_usable_size(p));  // to the end of the block: the text may have been longer once
  free(p);
}

void wipe_json(void) { json_set_alloc_funcs(malloc, wipe_free); }
