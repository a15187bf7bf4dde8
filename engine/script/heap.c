#include "script/heap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// Under AddressSanitizer every block is malloc's own, so that it sees what Lua and the bindings do to it.
#if defined(__SANITIZE_ADDRESS__)
#define HEAP_PLAIN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEAP_PLAIN 1
#endif
#endif
#ifndef HEAP_PLAIN
#define HEAP_PLAIN 0
#endif

#define STACK_BYTES_FIRST (45 * 16)  // (BASIC_STACK_SIZE + EXTRA_STACK) values
#define NODE_BYTES 24  // sizeof(Node) of Lua 5.4 on 64-bit machines
#define CHUNK_BYTES_FIRST 1024  // a small state should not pay for room it never uses: chunks grow with a sixteenth of the whole
#define CHUNK_BYTES_MAX 32768
// A malloc'd block is never smaller than this, so that it can become a chunk when a shrink finds no memory (see resize).
#define LARGE_BYTES_MIN (HEAP_SMALL_MAX + sizeof(struct heap_chunk))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

struct heap_chunk {
  struct heap_chunk *next;
  size_t bytes;
};

static inline size_t rounded(size_t n) { return (n + HEAP_GRAIN - 1) & ~(size_t)(HEAP_GRAIN - 1); }
static inline bool is_small(size_t n) { return !HEAP_PLAIN && n <= HEAP_SMALL_MAX; }
static inline size_t class_of(size_t rounded_bytes) { return rounded_bytes / HEAP_GRAIN - 1; }
static inline size_t large_bytes(size_t n) { return n < LARGE_BYTES_MIN && !HEAP_PLAIN ? LARGE_BYTES_MIN : n; }

void heap_init(struct heap *h, void *first, size_t first_bytes) {
  assert(((uintptr_t)first & (HEAP_GRAIN - 1)) == 0);
  h->bump = first;
  h->bump_end = h->bump + (first_bytes & ~(size_t)(HEAP_GRAIN - 1));
  h->next_chunk_bytes = CHUNK_BYTES_FIRST;
}

void heap_finish(struct heap *h) {
  for (struct heap_chunk *c = h->chunks, *next; c != NULL; c = next) {
    next = c->next;
    free(c);
  }
  h->chunks = NULL;
}

static void small_free(struct heap *h, void *ptr, size_t bytes) {
  void **head = &h->free[class_of(bytes)];
  *(void **)ptr = *head;
  *head = ptr;
}

// The rest of a chunk that is too short for the request becomes a free block of its own size.
static void bump_retire(struct heap *h) {
  size_t left = (size_t)(h->bump_end - h->bump);
  if (left >= HEAP_GRAIN) {
    if (left > HEAP_SMALL_MAX) left = HEAP_SMALL_MAX;  // cannot happen while requests are small; loses memory, no more
    small_free(h, h->bump, left);
  }
  h->bump = h->bump_end = NULL;
}

static bool chunk_add(struct heap *h, bool capped) {
  size_t bytes = h->next_chunk_bytes;
  if (capped && h->footprint + bytes > h->footprint_cap) return false;
  struct heap_chunk *c = malloc(bytes);
  if (c == NULL) return false;
  bump_retire(h);
  *c = (struct heap_chunk){ .next = h->chunks, .bytes = bytes };
  h->chunks = c;
  h->footprint += bytes;
  h->next_chunk_bytes = h->footprint / 16 / CHUNK_BYTES_FIRST * CHUNK_BYTES_FIRST;
  if (h->next_chunk_bytes < CHUNK_BYTES_FIRST) h->next_chunk_bytes = CHUNK_BYTES_FIRST;
  if (h->next_chunk_bytes > CHUNK_BYTES_MAX) h->next_chunk_bytes = CHUNK_BYTES_MAX;
  h->bump = (char *)(c + 1);
  h->bump_end = (char *)c + bytes;
  return true;
}

// Chunks are used up: cut a block of a larger class, so that a script whose objects change size is not refused while it
// holds plenty of freed memory.
static void *small_split(struct heap *h, size_t bytes) {
  for (size_t c = HEAP_CLASSES - 1; (c + 1) * HEAP_GRAIN > bytes; c--) {
    char *p = h->free[c];
    if (p == NULL) continue;
    h->free[c] = *(void **)p;
    size_t left = (c + 1) * HEAP_GRAIN - bytes;
    if (left > 0) small_free(h, p + bytes, left);
    return p;
  }
  return NULL;
}

static inline void *small_take(struct heap *h, size_t bytes, bool capped) {
  void **head = &h->free[class_of(bytes)];
  void *p = *head;
  if (likely(p != NULL)) {
    *head = *(void **)p;
    return p;
  }
  if (unlikely((size_t)(h->bump_end - h->bump) < bytes) && !chunk_add(h, capped)) return small_split(h, bytes);
  p = h->bump;
  h->bump += bytes;
  return p;
}

static void *take(struct heap *h, size_t n, bool capped) {
  if (is_small(n)) return small_take(h, rounded(n), capped);
  size_t bytes = large_bytes(n);
  if (capped && h->footprint + bytes > h->footprint_cap) return NULL;
  void *p = malloc(bytes);
  if (p != NULL) h->footprint += bytes;
  return p;
}

static void give_back(struct heap *h, void *ptr, size_t n) {
  if (is_small(n)) {
    small_free(h, ptr, rounded(n));
    return;
  }
  h->footprint -= large_bytes(n);
  free(ptr);
}

// Lua repeats a refused request once, after a full collection (not for the stack). Only the last refusal reaches the script.
static void *refuse(struct heap *h, const void *old) {
  bool stack = old != NULL && old == h->stack;
  bool final = h->refused || stack;
  h->refused = !final;
  if (final && h->on_refused != NULL) h->on_refused(h->refused_arg, old != NULL, stack);
  return NULL;
}

// May the heap grow by `more` for a block of `n` bytes?
static inline bool fits(const struct heap *h, size_t more, size_t n) {
  return n <= h->block_cap && h->used + more <= h->cap + h->reserve;
}

static bool injected_failure(struct heap *h) {
  if (h->fail_alloc > 1) h->fail_alloc--;
  else if (h->fail_alloc == 1 && !h->refused) return true;  // the collection Lua does now is not what the test is about
  else if (h->fail_alloc == 1) {
    h->fail_alloc = 0;
    return true;
  }
  return false;
}

// With osize 0 and no tag this is a vector; 24·2^k bytes are (all but surely) the hash part of a table.
static bool too_many_nodes(const struct heap *h, size_t n) {
  if (n <= h->node_bytes_max || n % NODE_BYTES != 0) return false;
  size_t nodes = n / NODE_BYTES;
  return (nodes & (nodes - 1)) == 0;
}

static void *allocate(struct heap *h, size_t tag, size_t n) {
  if (unlikely(!fits(h, rounded(n), n))) return refuse(h, NULL);
  if (unlikely(tag == 0 && too_many_nodes(h, n))) return refuse(h, NULL);
  if (unlikely(h->fail_alloc != 0) && injected_failure(h)) return refuse(h, NULL);
  void *p = take(h, n, true);
  if (unlikely(p == NULL)) return refuse(h, NULL);
  h->used += rounded(n);
  h->refused = false;
  if (unlikely(h->stack == NULL) && tag == 0 && n == STACK_BYTES_FIRST) h->stack = p;
  return p;
}

static void *resize(struct heap *h, void *ptr, size_t osize, size_t nsize) {
  size_t old = rounded(osize), new = rounded(nsize);
  bool grows = nsize > osize;
  if (grows) {
    if (unlikely(!fits(h, new - old, nsize))) return refuse(h, ptr);
    if (unlikely(h->fail_alloc != 0) && injected_failure(h)) return refuse(h, ptr);
  }
  if (old == new && is_small(osize)) return ptr;
  void *p;
  if (!is_small(osize) && !is_small(nsize)) {
    size_t old_bytes = large_bytes(osize), new_bytes = large_bytes(nsize);
    if (grows && h->footprint - old_bytes + new_bytes > h->footprint_cap) return refuse(h, ptr);
    p = realloc(ptr, new_bytes);
    if (p == NULL && grows) return refuse(h, ptr);
    if (p == NULL) p = ptr;  // a shrink never fails
    h->footprint = h->footprint - old_bytes + new_bytes;
  } else {
    p = take(h, nsize, grows);
    if (p == NULL && grows) return refuse(h, ptr);
    if (p == NULL && is_small(osize)) {
      p = ptr;  // stays where it is; later it joins the smaller class' list, which is safe
    } else if (p == NULL) {
      // The system has no memory for a chunk: the large block becomes one, with its content moved behind the header.
      struct heap_chunk *c = ptr;
      p = memmove(c + 1, ptr, nsize);
      *c = (struct heap_chunk){ .next = h->chunks, .bytes = large_bytes(osize) };
      h->chunks = c;
    } else {
      memcpy(p, ptr, grows ? osize : nsize);
      give_back(h, ptr, osize);
    }
  }
  h->used = h->used - old + new;
  if (ptr == h->stack) h->stack = p;
  if (grows) h->refused = false;
  return p;
}

void *heap_alloc(void *ud, void *ptr, size_t osize, size_t nsize) {
  struct heap *h = ud;
  if (ptr == NULL) return nsize == 0 ? NULL : allocate(h, osize, nsize);
  if (nsize != 0) return resize(h, ptr, osize, nsize);
  h->used -= rounded(osize);
  give_back(h, ptr, osize);
  return NULL;
}
