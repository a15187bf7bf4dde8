// script/heap.h – the memory of one Lua state: a capped allocator with size classes. Private to script/.
//
// Why not malloc with a counter: a state makes hundreds of tiny objects, ten thousand states live in one process, and a
// callback that makes a table should not pay for malloc. Small blocks come from free lists of their class, cut out of
// chunks; they go back to their list and never to the system before heap_finish. Larger ones are malloc's.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_SMALL_MAX 256  // bytes; the largest block that is cut out of a chunk
#define HEAP_GRAIN 8        // Lua needs no stricter alignment
#define HEAP_CLASSES (HEAP_SMALL_MAX / HEAP_GRAIN)

struct heap_chunk;

struct heap {
  unsigned seed;  // first: the vendored Lua takes the seed of its string hashes from the first word behind the allocator
  bool refused;   // the last request was refused: Lua collects garbage and asks once more
  size_t used;    // bytes handed out, rounded up to their class
  size_t cap, block_cap;
  size_t reserve;  // extra room while the engine itself pushes; 0 else
  size_t footprint, footprint_cap;  // chunks and large blocks
  size_t node_bytes_max;            // largest hash part of a table
  char *bump, *bump_end;
  struct heap_chunk *chunks;
  size_t next_chunk_bytes;
  uint64_t fail_alloc;  // tests: counts down to the request that fails; 0: off
  void *stack;  // the main Lua stack: the first vector of STACK_BYTES_FIRST, followed as it moves; NULL: not seen
  // A request was refused for good (after the collection): called with `refused_arg` from inside the allocator. `resized` says
  // that the block was to grow in place of another; `stack` that it is the Lua stack, whose pointers are offsets just then.
  void (*on_refused)(void *arg, bool resized, bool stack);
  void *refused_arg;
  void *free[HEAP_CLASSES];
};

// first/first_bytes: memory the caller owns, used up before any chunk is made; at least 8-byte aligned; may be NULL, 0.
void heap_init(struct heap *h, void *first, size_t first_bytes);
void heap_finish(struct heap *h);
// A lua_Alloc whose ud is the struct heap.
void *heap_alloc(void *ud, void *ptr, size_t osize, size_t nsize);
