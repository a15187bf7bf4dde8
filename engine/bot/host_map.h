// bot/host_map.h – things by their number, for the host's tables of bots, series, tenants and scripts.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Zeroed is empty. Open addressing; values are not NULL.
struct host_map {
  struct host_map_cell { uint64_t key; void *value; } *cells;
  size_t mask, count;  // mask + 1 cells, a power of 2
};
void host_map_finish(struct host_map *m);
void *host_map_get(const struct host_map *m, uint64_t key);  // NULL: not there
bool host_map_put(struct host_map *m, uint64_t key, void *value);  // not there yet; false: no memory
void host_map_remove(struct host_map *m, uint64_t key);
