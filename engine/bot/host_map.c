#include "bot/host_map.h"

#include <stdlib.h>

static size_t home(const struct host_map *m, uint64_t key) {
  key = (key ^ key >> 32) * UINT64_C(0x9E3779B97F4A7C15);
  return (size_t)(key >> 32) & m->mask;
}

void host_map_finish(struct host_map *m) {
  free(m->cells);
  *m = (struct host_map){0};
}

void *host_map_get(const struct host_map *m, uint64_t key) {
  if (m->count == 0) return NULL;
  for (size_t i = home(m, key); m->cells[i].value; i = (i + 1) & m->mask)
    if (m->cells[i].key == key) return m->cells[i].value;
  return NULL;
}

static void place(struct host_map *m, uint64_t key, void *value) {
  size_t i = home(m, key);
  while (m->cells[i].value) i = (i + 1) & m->mask;
  m->cells[i] = (struct host_map_cell){key, value};
  m->count++;
}

bool host_map_put(struct host_map *m, uint64_t key, void *value) {
  if (!m->cells || 4 * (m->count + 1) > 3 * (m->mask + 1)) {
    size_t n = m->cells ? 2 * (m->mask + 1) : 16;
    struct host_map grown = {calloc(n, sizeof *grown.cells), n - 1, 0};
    if (!grown.cells) return false;
    for (size_t i = 0; m->cells && i <= m->mask; i++)
      if (m->cells[i].value) place(&grown, m->cells[i].key, m->cells[i].value);
    free(m->cells);
    *m = grown;
  }
  place(m, key, value);
  return true;
}

void host_map_remove(struct host_map *m, uint64_t key) {
  if (m->count == 0) return;
  size_t hole = home(m, key);
  while (m->cells[hole].value && m->cells[hole].key != key) hole = (hole + 1) & m->mask;
  if (!m->cells[hole].value) return;
  m->count--;
  // Whatever the hole cuts off from its home moves into it.
  for (size_t i = (hole + 1) & m->mask; m->cells[i].value; i = (i + 1) & m->mask) {
    size_t from_home = (i - home(m, m->cells[i].key)) & m->mask, from_hole = (i - hole) & m->mask;
    if (from_home < from_hole) continue;
    m->cells[hole] = m->cells[i];
    hole = i;
  }
  m->cells[hole].value = NULL;
}
