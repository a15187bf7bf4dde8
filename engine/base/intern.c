// base/intern.c – a table of chains that doubles.
#include "base/intern.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 64

struct kept {
  struct kept *next;
  uint64_t hash;
  uint32_t refs, len;
  alignas(max_align_t) char bytes[];
};

struct intern {
  struct kept **buckets;
  size_t mask;
  struct intern_stats stats;
};

struct intern *intern_create(void) {
  struct intern *in = calloc(1, sizeof *in);
  if (in && !(in->buckets = calloc(FIRST_BUCKETS, sizeof *in->buckets))) {
    free(in);
    return NULL;
  }
  if (in) in->mask = FIRST_BUCKETS - 1;
  return in;
}

void intern_destroy(struct intern *in) {
  if (!in) return;
  assert(in->stats.count == 0);
  free(in->buckets);
  free(in);
}

// Who makes texts that collide makes a chain longer that his own bots walk when they are opened.
static uint64_t hash_of(const char *p, size_t n) {
  uint64_t h = n * UINT64_C(0x9E3779B97F4A7C15), word;
  for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
    memcpy(&word, p, sizeof word);
    h = (h ^ word) * UINT64_C(0xBF58476D1CE4E5B9);
    h ^= h >> 31;
  }
  word = 0;
  if (n) memcpy(&word, p, n);
  h = (h ^ word) * UINT64_C(0x94D049BB133111EB);
  return h ^ h >> 29;
}

// Without memory the chains become longer.
static void grow(struct intern *in) {
  const size_t mask = in->mask * 2 + 1;
  struct kept **buckets = calloc(mask + 1, sizeof(struct kept *)), *next;
  if (!buckets) return;
  for (size_t i = 0; i <= in->mask; i++)
    for (struct kept *k = in->buckets[i]; k; k = next) {
      next = k->next;
      k->next = buckets[k->hash & mask];
      buckets[k->hash & mask] = k;
    }
  free(in->buckets);
  in->buckets = buckets;
  in->mask = mask;
}

const void *intern_get(struct intern *in, const void *bytes, size_t len) {
  if (len >= UINT32_MAX) return NULL;
  const uint64_t hash = hash_of(bytes, len);
  for (struct kept *k = in->buckets[hash & in->mask]; k; k = k->next)
    if (k->hash == hash && k->len == len && (len == 0 || memcmp(k->bytes, bytes, len) == 0)) {
      assert(k->refs < UINT32_MAX);
      k->refs++;
      return k->bytes;
    }
  struct kept *k = malloc(sizeof *k + len + 1);
  if (!k) return NULL;
  if (in->stats.count > in->mask) grow(in);
  k->hash = hash;
  k->refs = 1;
  k->len = (uint32_t)len;
  if (len) memcpy(k->bytes, bytes, len);
  k->bytes[len] = '\0';
  k->next = in->buckets[hash & in->mask];
  in->buckets[hash & in->mask] = k;
  in->stats.count++;
  in->stats.bytes += len;
  return k->bytes;
}

void intern_put(struct intern *in, const void *p) {
  if (!p) return;
  struct kept *k = (struct kept *)(uintptr_t)((const char *)p - offsetof(struct kept, bytes));
  assert(k->refs > 0);
  if (--k->refs > 0) return;
  struct kept **at = &in->buckets[k->hash & in->mask];
  while (*at != k) at = &(*at)->next;
  *at = k->next;
  in->stats.count--;
  in->stats.bytes -= k->len;
  free(k);
}

struct intern_stats intern_stats(const struct intern *in) { return in->stats; }
