// exchange/map.c – see map.h. FNV-1a: ids come from clients of a simulator, who gain nothing by making them collide.
#include "exchange/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static size_t hash(const char *key) {
  uint64_t h = UINT64_C(14695981039346656037);
  for (; *key; key++) h = (h ^ (unsigned char)*key) * UINT64_C(1099511628211);
  return (size_t)(h ^ h >> 32);
}

void exch_map_finish(struct map *m) {
  free(m->slots);
  *m = (struct map){0};
}

static struct map_slot *slot(const struct map *m, const char *key) {
  size_t i = hash(key) & (m->cap - 1);
  while (m->slots[i].key && strcmp(m->slots[i].key, key) != 0) i = (i + 1) & (m->cap - 1);
  return &m->slots[i];
}

void *exch_map_get(const struct map *m, const char *key) {
  return m->cap > 0 ? slot(m, key)->value : NULL;
}

static bool grow(struct map *m) {
  struct map bigger = {.cap = m->cap > 0 ? m->cap * 2 : 64, .count = m->count};
  bigger.slots = calloc(bigger.cap, sizeof bigger.slots[0]);
  if (!bigger.slots) return false;
  for (size_t i = 0; i < m->cap; i++)
    if (m->slots[i].key) *slot(&bigger, m->slots[i].key) = m->slots[i];
  free(m->slots);
  *m = bigger;
  return true;
}

bool exch_map_put(struct map *m, const char *key, void *value) {
  if ((m->count + 1) * 4 > m->cap * 3 && !grow(m)) return false;
  struct map_slot *s = slot(m, key);
  if (!s->key) m->count++;
  *s = (struct map_slot){key, value};
  return true;
}
