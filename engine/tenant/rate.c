// tenant/rate.c – see rate.h. For GCRA: ITU-T I.371, as "theoretical arrival time" (TAT).
#include "tenant/rate.h"
#include "crypto/random.h"
#include "crypto/siphash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8
#define NS_PER_S INT64_C(1000000000)

struct cell {
  uint64_t key;    // 0: free
  int64_t tat_ns;
};

_Static_assert(sizeof(struct cell) == 16, "16 bytes a key");

struct rate_table {
  uint8_t secret[SIPHASH_KEY_BYTES];
  size_t buckets;  // a power of two
  struct cell cells[];
};

enum status rate_create(size_t keys, struct rate_table **ret, struct err *err) {
  *ret = NULL;
  size_t buckets = 1;
  while (buckets * WAYS < keys && buckets < (SIZE_MAX >> 12)) buckets *= 2;
  struct rate_table *t = calloc(1, sizeof *t + buckets * WAYS * sizeof *t->cells);
  if (!t) return err_set(err, ERR_NOMEM, "rate limits of %zu keys", keys);
  t->buckets = buckets;
  random_bytes(t->secret, sizeof t->secret);
  *ret = t;
  return OK;
}

void rate_destroy(struct rate_table *t) {
  free(t);
}

uint64_t rate_key(const struct rate_table *t, const char *class_name, const void *bytes, size_t len) {
  // Class and bytes are hashed apart, so that no text reads as another class.
  uint64_t pair[2] = {siphash(t->secret, class_name, strlen(class_name)), siphash(t->secret, bytes, len)};
  return siphash(t->secret, pair, sizeof pair) | 1;  // 0 means free
}

// The key's cell, or the least loaded of its bucket (whose owner is forgotten when a value is stored).
static struct cell *find(struct rate_table *t, uint64_t key, bool *ret_mine) {
  struct cell *bucket = &t->cells[(key >> 1 & (t->buckets - 1)) * WAYS], *best = bucket;
  for (int i = 0; i < WAYS; i++) {
    if (bucket[i].key == key) return *ret_mine = true, &bucket[i];
    if (!bucket[i].key) {
      if (best->key) best = &bucket[i];
    } else if (best->key && bucket[i].tat_ns < best->tat_ns) {
      best = &bucket[i];
    }
  }
  return *ret_mine = false, best;
}

static int64_t up_to_s(int64_t ns) {
  return ns <= 0 ? 0 : (ns - 1) / NS_PER_S + 1;
}

static struct rate_result take(struct rate_table *t, uint64_t key, const struct rate_limit *limit, int64_t cost, int64_t now_ns,
  bool store) {
  assert(limit->period_ns > 0 && limit->count >= 0 && limit->burst >= 0 && cost >= 0);
  struct rate_result out = {.limit = limit->burst ? limit->burst : limit->count};
  if (limit->count == 0) {
    out.limit = 0;
    out.reset_s = out.retry_after_s = up_to_s(limit->period_ns);
    return out;
  }
  int64_t interval_ns = limit->period_ns / limit->count, room_ns;
  if (interval_ns == 0) interval_ns = 1;
  // Costs beyond what ever fits are refused as a whole, and no product overflows.
  if (__builtin_mul_overflow(interval_ns, out.limit, &room_ns)) room_ns = INT64_MAX / 4;
  if (room_ns > INT64_MAX / 4) room_ns = INT64_MAX / 4;
  int64_t cost_ns;
  if (__builtin_mul_overflow(interval_ns, cost, &cost_ns) || cost_ns > room_ns) cost_ns = room_ns + 1;

  bool mine;
  struct cell *cell = find(t, key, &mine);
  int64_t tat = mine && cell->tat_ns > now_ns ? cell->tat_ns : now_ns;
  // A limit that was lowered must not keep a key waiting for what it owed under the old one.
  if (tat > now_ns + room_ns) tat = now_ns + room_ns;
  int64_t after = tat + cost_ns;
  out.allowed = after - now_ns <= room_ns;
  if (out.allowed) {
    if (store) *cell = (struct cell){key, after};
  } else {
    after = tat;
    out.retry_after_s = up_to_s(tat + cost_ns - now_ns - room_ns);
    if (out.retry_after_s < 1) out.retry_after_s = 1;
  }
  out.remaining = (room_ns - (after - now_ns)) / interval_ns;
  out.reset_s = up_to_s(after - now_ns);
  return out;
}

struct rate_result rate_take(struct rate_table *t, uint64_t key, const struct rate_limit *limit, int64_t cost, int64_t now_ns) {
  assert(cost >= 1);
  return take(t, key, limit, cost, now_ns, true);
}

struct rate_result rate_peek(struct rate_table *t, uint64_t key, const struct rate_limit *limit, int64_t now_ns) {
  return take(t, key, limit, 0, now_ns, false);
}
