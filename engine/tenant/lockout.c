// tenant/lockout.c – see lockout.h. Eight entries to a bucket; the one that matters least makes room.
#include "tenant/lockout.h"
#include "crypto/random.h"
#include "crypto/siphash.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8
#define NS_PER_S INT64_C(1000000000)

struct entry {
  uint64_t key;     // 0: free
  int64_t last_ns;  // the latest failure
  int64_t until_ns; // may not try before
  uint32_t failures;
};

struct lockout {
  uint8_t secret[SIPHASH_KEY_BYTES];
  size_t buckets;  // a power of two
  struct entry entries[];
};

enum status lockout_create(size_t entries, struct lockout **ret, struct err *err) {
  *ret = NULL;
  size_t buckets = 1;
  while (buckets * WAYS < entries && buckets < (SIZE_MAX >> 12)) buckets *= 2;
  struct lockout *l = calloc(1, sizeof *l + buckets * WAYS * sizeof *l->entries);
  if (!l) return err_set(err, ERR_NOMEM, "lockout of %zu entries", entries);
  l->buckets = buckets;
  random_bytes(l->secret, sizeof l->secret);
  *ret = l;
  return OK;
}

void lockout_destroy(struct lockout *l) {
  free(l);
}

uint64_t lockout_key(const struct lockout *l, const char *email, const char *address) {
  uint8_t net[16] = {0};
  struct in_addr v4;
  struct in6_addr v6;
  size_t net_len = 0;
  if (inet_pton(AF_INET, address, &v4) == 1) {
    memcpy(net, &v4, net_len = 3);
  } else if (inet_pton(AF_INET6, address, &v6) == 1) {
    // An IPv4 address written as IPv6 is that IPv4 address.
    bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
    memcpy(net, mapped ? (const uint8_t *)&v6 + 12 : (const uint8_t *)&v6, net_len = mapped ? 3 : 6);
  }
  uint64_t pair[2] = {siphash(l->secret, email, strlen(email)),
    net_len ? siphash(l->secret, net, net_len) : ~siphash(l->secret, address, strlen(address))};
  return siphash(l->secret, pair, sizeof pair) | 1;
}

static bool is_stale(const struct entry *e, int64_t now_ns) {
  return e->until_ns <= now_ns && now_ns - e->last_ns > LOCKOUT_WINDOW_S * NS_PER_S;
}

static struct entry *bucket_of(struct lockout *l, uint64_t key) {
  return &l->entries[(key >> 1 & (l->buckets - 1)) * WAYS];
}

static struct entry *find(struct lockout *l, uint64_t key) {
  struct entry *bucket = bucket_of(l, key);
  for (int i = 0; i < WAYS; i++) {
    if (bucket[i].key == key) return &bucket[i];
  }
  return NULL;
}

int64_t lockout_wait_s(struct lockout *l, uint64_t key, int64_t now_ns) {
  const struct entry *e = find(l, key);
  return !e || e->until_ns <= now_ns ? 0 : (e->until_ns - now_ns - 1) / NS_PER_S + 1;
}

void lockout_count(struct lockout *l, uint64_t key, uint32_t limit, int64_t now_ns) {
  struct entry *e = find(l, key);
  if (!e) {
    struct entry *bucket = bucket_of(l, key);
    e = bucket;
    for (int i = 0; i < WAYS; i++) {
      struct entry *other = &bucket[i];
      if (!other->key || is_stale(other, now_ns)) {
        e = other;
        break;
      }
      if (other->failures < e->failures || (other->failures == e->failures && other->last_ns < e->last_ns)) e = other;
    }
    *e = (struct entry){.key = key};
  } else if (is_stale(e, now_ns)) {
    *e = (struct entry){.key = key};
  }
  e->last_ns = now_ns;
  if (e->failures < 1000) e->failures++;
  if (e->failures >= limit) {
    uint32_t doublings = e->failures - limit;
    int64_t wait_s = doublings > 10 ? LOCKOUT_LONGEST_WAIT_S : (int64_t)LOCKOUT_FIRST_WAIT_S << doublings;
    if (wait_s > LOCKOUT_LONGEST_WAIT_S) wait_s = LOCKOUT_LONGEST_WAIT_S;
    e->until_ns = now_ns + wait_s * NS_PER_S;
  }
}

void lockout_forgive(struct lockout *l, uint64_t key) {
  struct entry *e = find(l, key);
  if (e) *e = (struct entry){0};
}
