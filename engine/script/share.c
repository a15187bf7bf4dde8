// script/share.c – see share.h.
#include "script/share_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024  // a host has some hundred series of a handful of indicators

struct indicator_pool {
  struct indicator_pool_stats stats;
  struct shared_indicator *buckets[BUCKETS];
};

struct indicator_pool *indicator_pool_create(void) { return calloc(1, sizeof(struct indicator_pool)); }

void indicator_pool_destroy(struct indicator_pool *pool) {
  assert(!pool || pool->stats.users == 0);
  free(pool);
}

struct indicator_pool_stats indicator_pool_stats(const struct indicator_pool *pool) { return pool->stats; }

static size_t bucket_of(const struct shared_key *k) {
  uint64_t h = k->series * UINT64_C(0x9E3779B97F4A7C15) ^ (uintptr_t)k->desc ^ (uint64_t)k->source << 40;  // not first_ns: shared_compute()
  for (int i = 0; i < INDICATOR_PARAMS_MAX; i++) {
    uint64_t bits;
    memcpy(&bits, &k->params[i], sizeof bits);
    h = (h ^ bits) * UINT64_C(0xBF58476D1CE4E5B9);
    h ^= h >> 29;
  }
  return h % BUCKETS;
}

static bool same_key(const struct shared_key *a, const struct shared_key *b) {
  return a->series == b->series && a->first_ns == b->first_ns && a->desc == b->desc && a->source == b->source && a->keep == b->keep &&
         memcmp(a->params, b->params, sizeof a->params) == 0;
}

static size_t values_bytes(const struct shared_indicator *x) { return ((size_t)x->mask + 1) * sizeof(double); }

static size_t bytes_of(const struct shared_indicator *x) {
  return sizeof *x + indicator_bytes(x->key.desc, x->key.params) + (size_t)x->key.desc->n_outputs * values_bytes(x);
}

// ---- its values

static void before_free(struct shared_indicator *x) {
  for (int k = 0; k < x->key.desc->n_outputs; k++) {
    free(x->before[k]);
    x->before[k] = NULL;
  }
}

static void grow(struct shared_indicator *x) {
  const uint32_t cap = (x->mask + 1) * 2;
  x->pool->stats.bytes -= bytes_of(x);
  for (int k = 0; k < x->key.desc->n_outputs; k++) {
    double *values = malloc(cap * sizeof *values);
    assert(values);  // as script.c's
    for (uint64_t i = x->count - (x->mask + 1); i < x->count; i++) values[i & (cap - 1)] = x->values[k][i & x->mask];
    x->before[k] = x->values[k];
    x->values[k] = values;
  }
  x->mask = cap - 1;
  x->pool->stats.bytes += bytes_of(x);
}

void shared_compute(struct shared_indicator *x, const struct indicator_input *in) {
  double out[INDICATOR_OUTPUTS_MAX];
  if (x->count == 0) x->key.first_ns = in->time_ns;  // who comes later knows it
  if (__builtin_expect(x->before[0] != NULL, 0)) before_free(x);
  if (__builtin_expect(x->count == (uint64_t)x->mask + 1 && x->mask + 1 < x->key.keep, 0)) grow(x);
  indicator_push(x->state, in, out);
  for (int k = 0; k < x->key.desc->n_outputs; k++) x->values[k][x->count & x->mask] = out[k];
  x->count++;
}

// ---- its users

static void destroy(struct shared_indicator *x) {
  before_free(x);
  for (int k = 0; k < x->key.desc->n_outputs; k++) free(x->values[k]);
  indicator_destroy(x->state);
  free(x);
}

void shared_leave(struct shared_indicator *x) {
  struct indicator_pool *pool = x->pool;
  pool->stats.users--;
  if (--x->refs > 0) return;
  struct shared_indicator **at = &pool->buckets[bucket_of(&x->key)];
  while (*at != x) at = &(*at)->next;
  *at = x->next;
  pool->stats.shared--;
  pool->stats.bytes -= bytes_of(x);
  destroy(x);
}

// The bars were the same if all that can be seen of them is: a series that was closed and opened with another past is another.
static bool same_values(const struct shared_indicator *x, const struct series_ring *rings) {
  const uint64_t kept = rings->count < (uint64_t)rings->mask + 1 ? rings->count : (uint64_t)rings->mask + 1;
  for (int k = 0; k < x->key.desc->n_outputs; k++)
    for (uint64_t i = rings->count - kept; i < rings->count; i++)
      if (memcmp(&x->values[k][i & x->mask], &rings[k].values[i & rings[k].mask], sizeof(double)) != 0) return false;
  return true;
}

// Out of a script's own, rings included. NULL: no memory.
static struct shared_indicator *make(struct indicator_pool *pool, const struct shared_key *key, struct running_indicator *r, const struct series_ring *rings) {
  struct shared_indicator *x = calloc(1, sizeof *x);
  if (!x) return NULL;
  x->pool = pool;
  x->key = *key;
  x->count = rings->count;
  x->mask = rings->count ? rings->mask : 15;
  for (int k = 0; k < key->desc->n_outputs; k++)
    if (rings->count) {
      x->values[k] = rings[k].values;
    } else if (!(x->values[k] = malloc(values_bytes(x)))) {
      destroy(x);
      return NULL;
    }
  x->state = r->state;
  struct shared_indicator **bucket = &pool->buckets[bucket_of(key)];
  x->next = *bucket;
  *bucket = x;
  pool->stats.shared++;
  pool->stats.bytes += bytes_of(x);
  return x;
}

static void join(struct shared_indicator *x, struct running_indicator *r, struct series_ring *rings) {
  const bool own = r->state == x->state;
  if (!own) indicator_destroy(r->state);
  r->state = NULL;
  r->shared = x;
  for (int k = 0; k < x->key.desc->n_outputs; k++) {
    if (!own) free(rings[k].values);
    rings[k].values = x->values[k];
    rings[k].mask = x->mask;
  }
  x->refs++;
  x->pool->stats.users++;
}

void script_share(struct script *s, int stream, struct indicator_pool *pool, uint64_t series, int64_t first_ns) {
  struct script_plan plan;
  struct err err;
  if (script_plan_make(s->spec, s->values, &plan, &err) != OK) return;
  for (int i = 0; i < s->spec->indicator_count; i++) {
    struct running_indicator *r = &s->indicators[i];
    struct series_ring *rings = &s->outputs[r->first_output];
    if (r->stream != stream || r->shared) continue;
    struct shared_key key = {.series = series, .first_ns = first_ns, .desc = r->desc, .source = (int)r->source, .keep = rings->keep};
    memcpy(key.params, plan.indicators[i].params, sizeof(double) * (size_t)r->desc->n_params);
    struct shared_indicator *x = pool->buckets[bucket_of(&key)];
    while (x && !(same_key(&x->key, &key) && x->count == rings->count && same_values(x, rings))) x = x->next;
    if (!x) x = make(pool, &key, r, rings);
    if (x) join(x, r, rings);
  }
}
