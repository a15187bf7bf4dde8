// order/fill_set.c – open addressing with linear steps, at most two thirds full; keys are uniform already.
#include "order/fill_set.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/pack.h"
#include "crypto/sha256.h"

static bool key_free(struct fill_key k) { return (k.hi | k.lo) == 0; }

struct fill_key fill_key(uint64_t account, uint64_t venue, const char *trade_id, size_t len) {
  assert(len > 0);
  struct sha256_ctx ctx;
  uint8_t hash[SHA256_BYTES];
  struct fill_key k;
  sha256_init(&ctx);
  sha256_update(&ctx, &account, sizeof account);
  sha256_update(&ctx, &venue, sizeof venue);
  sha256_update(&ctx, trade_id, len);
  sha256_finish(&ctx, hash);
  memcpy(&k, hash, sizeof k);
  k.lo |= key_free(k);
  return k;
}

void fill_set_init(struct fill_set *s) { *s = (struct fill_set){0}; }

void fill_set_finish(struct fill_set *s) {
  free(s->slots);
  *s = (struct fill_set){0};
}

// The slot that holds the key, or the free one where it belongs.
static struct fill_key *slot_of(struct fill_key *slots, size_t cap, struct fill_key k) {
  size_t i = (size_t)k.hi & (cap - 1);
  while (!key_free(slots[i]) && (slots[i].hi != k.hi || slots[i].lo != k.lo)) i = (i + 1) & (cap - 1);
  return &slots[i];
}

bool fill_set_reserve(struct fill_set *s, size_t more) {
  size_t cap = s->cap ? s->cap : 64;
  if (more > SIZE_MAX / 8 - s->count) return false;
  while ((s->count + more) * 3 > cap * 2) cap *= 2;
  if (cap == s->cap) return true;
  struct fill_key *slots = calloc(cap, sizeof *slots);
  if (!slots) return false;
  for (size_t i = 0; i < s->cap; i++)
    if (!key_free(s->slots[i])) *slot_of(slots, cap, s->slots[i]) = s->slots[i];
  free(s->slots);
  s->slots = slots;
  s->cap = cap;
  return true;
}

bool fill_set_has(const struct fill_set *s, struct fill_key k) { return s->cap > 0 && !key_free(*slot_of(s->slots, s->cap, k)); }

bool fill_set_add(struct fill_set *s, struct fill_key k) {
  assert(!key_free(k) && s->cap > 0);
  struct fill_key *slot = slot_of(s->slots, s->cap, k);
  if (!key_free(*slot)) return false;
  assert((s->count + 1) * 3 <= s->cap * 2);
  *slot = k;
  s->count++;
  return true;
}

static int by_number(const void *a, const void *b) {
  const struct fill_key *x = a, *y = b;
  if (x->hi != y->hi) return x->hi < y->hi ? -1 : 1;
  return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static void keys_put(const struct fill_set *s, struct pack *p) {
  struct fill_key *keys = malloc((s->count + 1) * sizeof *keys);
  assert(keys);
  size_t n = 0;
  for (size_t i = 0; i < s->cap; i++)
    if (!key_free(s->slots[i])) keys[n++] = s->slots[i];
  qsort(keys, n, sizeof *keys, by_number);
  for (size_t i = 0; i < n; i++) pack_bytes(p, &keys[i], sizeof keys[i]);
  free(keys);
}

void fill_set_pack(struct fill_set *s, struct pack *p) {
  const size_t n = pack_count(p, s->count, SIZE_MAX / 64);
  if (!pack_reads(p)) {
    keys_put(s, p);
    return;
  }
  if (!fill_set_reserve(s, n)) pack_fail(p);
  for (size_t i = 0; i < n && !p->failed; i++) {
    struct fill_key k;
    pack_bytes(p, &k, sizeof k);
    if (key_free(k)) pack_fail(p);
    else (void)fill_set_add(s, k);
  }
}
