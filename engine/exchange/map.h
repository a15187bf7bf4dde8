// exchange/map.h – text → pointer, for ids: open addressing, never shrinks, entries are not removed.
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct map {
  struct map_slot { const char *key; void *value; } *slots;
  size_t cap, count;  // cap is a power of two or 0
};
void exch_map_finish(struct map *m);
void *exch_map_get(const struct map *m, const char *key);
// key stays the caller's and must live as long as the map. False: out of memory.
bool exch_map_put(struct map *m, const char *key, void *value);
