// tenant/deny.c – see deny.h. A hash table with open addressing; ids are spread by a multiplication.
#include "tenant/deny.h"

#include <pthread.h>
#include <stdlib.h>

struct entry {
  int64_t id, until_s;  // id 0: free
};

struct deny {
  pthread_rwlock_t lock;
  struct entry *entries;
  size_t cap, used;  // cap a power of two
  int64_t all_until_s;
};

enum status deny_create(struct deny **ret, struct err *err) {
  struct deny *d = *ret = calloc(1, sizeof *d);
  if (d) d->entries = calloc(d->cap = 64, sizeof *d->entries);
  if (d && d->entries && !pthread_rwlock_init(&d->lock, NULL)) return OK;
  if (d) free(d->entries);
  free(d);
  *ret = NULL;
  return err_set(err, ERR_NOMEM, "set of ended sessions");
}

void deny_destroy(struct deny *d) {
  if (!d) return;
  pthread_rwlock_destroy(&d->lock);
  free(d->entries);
  free(d);
}

static struct entry *slot(struct entry *entries, size_t cap, int64_t id) {
  size_t at = (size_t)((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (cap - 1);
  while (entries[at].id && entries[at].id != id) at = (at + 1) & (cap - 1);
  return &entries[at];
}

// Drops what has expired and leaves at least as much room as is used.
static bool make_room(struct deny *d, int64_t now_s) {
  size_t live = 0, cap = 64;
  for (size_t i = 0; i < d->cap; i++) live += d->entries[i].id && d->entries[i].until_s > now_s;
  while (cap < (live + 1) * 4) cap *= 2;
  struct entry *entries = calloc(cap, sizeof *entries);
  if (!entries) return false;
  for (size_t i = 0; i < d->cap; i++) {
    if (d->entries[i].id && d->entries[i].until_s > now_s) *slot(entries, cap, d->entries[i].id) = d->entries[i];
  }
  free(d->entries);
  d->entries = entries;
  d->cap = cap;
  d->used = live;
  return true;
}

void deny_add(struct deny *d, int64_t session_id, int64_t until_s, int64_t now_s) {
  if (session_id == 0 || until_s <= now_s) return;
  pthread_rwlock_wrlock(&d->lock);
  if ((d->used + 1) * 2 > d->cap && !make_room(d, now_s) && d->used + 1 >= d->cap) {
    if (until_s > d->all_until_s) d->all_until_s = until_s;
  } else {
    struct entry *e = slot(d->entries, d->cap, session_id);
    if (!e->id) d->used++;
    e->id = session_id;
    if (until_s > e->until_s) e->until_s = until_s;
  }
  pthread_rwlock_unlock(&d->lock);
}

bool deny_has(struct deny *d, int64_t session_id, int64_t now_s) {
  pthread_rwlock_rdlock(&d->lock);
  const struct entry *e = slot(d->entries, d->cap, session_id);
  bool has = now_s < d->all_until_s || (e->id && e->until_s > now_s);
  pthread_rwlock_unlock(&d->lock);
  return has;
}
