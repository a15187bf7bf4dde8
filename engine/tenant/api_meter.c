#include "tenant/api_meter.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 256

static size_t slot_of(const struct api_meter *m, int64_t tenant_id) {
  uint64_t h = (uint64_t)tenant_id * 0x9e3779b97f4a7c15u;  // ids are the server's own, nobody aims them
  return (size_t)(h >> 20) & (m->capacity - 1);
}

static struct api_entry *probe(const struct api_meter *m, int64_t tenant_id) {
  size_t i = slot_of(m, tenant_id);
  while (m->entries[i].tenant_id != 0 && m->entries[i].tenant_id != tenant_id) i = (i + 1) & (m->capacity - 1);
  return &m->entries[i];
}

// Into a table of its own that keeps what `keep` says.
static bool rebuild(struct api_meter *m, size_t capacity, int64_t before_ns) {
  struct api_meter next = {.entries = calloc(capacity, sizeof *next.entries), .capacity = capacity};
  if (next.entries == NULL) return false;
  for (size_t i = 0; i < m->capacity; i++) {
    const struct api_entry *e = &m->entries[i];
    if (e->tenant_id == 0) continue;
    if (e->asked_ns < before_ns && e->hours[0].unsaved == 0 && e->hours[1].unsaved == 0) continue;
    *probe(&next, e->tenant_id) = *e;
    next.count++;
  }
  free(m->entries);
  *m = next;
  return true;
}

enum status api_meter_init(struct api_meter *m, struct err *err) {
  *m = (struct api_meter){.entries = calloc(FIRST_CAPACITY, sizeof *m->entries), .capacity = FIRST_CAPACITY};
  return m->entries != NULL ? OK : err_set(err, ERR_NOMEM, "no memory for counting requests");
}

void api_meter_finish(struct api_meter *m) {
  free(m->entries);
}

struct api_entry *api_meter_find(const struct api_meter *m, int64_t tenant_id) {
  struct api_entry *e = probe(m, tenant_id);
  return e->tenant_id == tenant_id && tenant_id != 0 ? e : NULL;
}

struct api_entry *api_meter_get(struct api_meter *m, int64_t tenant_id) {
  struct api_entry *e = probe(m, tenant_id);
  if (e->tenant_id == tenant_id) return e;
  if (m->count >= m->capacity / 2) {
    if (!rebuild(m, m->capacity * 2, INT64_MIN)) return NULL;
    e = probe(m, tenant_id);
  }
  *e = (struct api_entry){.tenant_id = tenant_id, .asked_ns = INT64_MIN};
  m->count++;
  return e;
}

void api_meter_sweep(struct api_meter *m, int64_t before_ns) {
  size_t capacity = m->capacity > FIRST_CAPACITY && m->count < m->capacity / 8 ? m->capacity / 2 : m->capacity;
  (void)rebuild(m, capacity, before_ns);  // without memory it stays as it is
}
