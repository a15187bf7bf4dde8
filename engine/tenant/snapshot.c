// tenant/snapshot.c – what is active, as one immutable object that requests hold on to.
#include "tenant/registry_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- entries

enum status entry_create(enum script_kind kind, const char *name, const char *source, size_t len,
  struct watchdog *watchdog, struct entry **ret, struct err *err) {
  char file[SCRIPT_NAME_SIZE + 8];
  struct profile_spec spec;
  struct entry *e = calloc(1, sizeof *e);
  if (e == NULL || (e->source = malloc(len + 1)) == NULL) {
    free(e);
    return err_set(err, ERR_NOMEM, "no memory for the script %s", name);
  }
  atomic_init(&e->refs, 1);
  memcpy(e->source, source, len);
  e->source[len] = '\0';
  e->script = (struct active_script){.kind = kind, .source = e->source, .source_len = len};
  snprintf(e->script.name, sizeof e->script.name, "%s", name);
  snprintf(file, sizeof file, "%s.lua", name);
  enum status st;
  if (kind == SCRIPT_TIER) {
    st = tier_script_create(file, source, len, watchdog, &e->tiers, err);
    if (st == OK) memcpy(e->script.sha256, tier_script_set(e->tiers)->sha256, sizeof e->script.sha256);
  } else {
    st = profile_describe(kind, file, source, len, watchdog, &spec, err);
    if (st == OK) {
      memcpy(e->script.sha256, spec.sha256, sizeof e->script.sha256);
      profile_spec_finish(&spec);
    }
  }
  if (st == OK)
    *ret = e;
  else
    entry_release(e);
  return st;
}

void entry_release(struct entry *e) {
  if (e == NULL || atomic_fetch_sub(&e->refs, 1) != 1) return;
  tier_script_destroy(e->tiers);
  free(e->source);
  free(e);
}

static struct entry *entry_retain(struct entry *e) {
  atomic_fetch_add(&e->refs, 1);
  return e;
}

// ---- snapshots

struct snapshot *snapshot_create(size_t capacity) {
  struct snapshot *s = calloc(1, sizeof *s + capacity * sizeof s->entries[0]);
  if (s == NULL) return NULL;
  atomic_init(&s->refs, 1);
  s->capacity = capacity;
  return s;
}

void snapshot_retain(struct snapshot *s) {
  atomic_fetch_add(&s->refs, 1);
}

void snapshot_release(struct snapshot *s) {
  if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1) return;
  for (size_t i = 0; i < s->count; i++) entry_release(s->entries[i]);
  entry_release(s->tiers);
  free(s);
}

static int compare(const struct active_script *x, enum script_kind kind, const char *name) {
  return x->kind != kind ? (x->kind < kind ? -1 : 1) : strcmp(x->name, name);
}

void snapshot_set(struct snapshot *s, struct entry *e) {
  entry_retain(e);
  if (e->script.kind == SCRIPT_TIER) {
    entry_release(s->tiers);
    s->tiers = e;
    return;
  }
  size_t at = 0;
  while (at < s->count && compare(&s->entries[at]->script, e->script.kind, e->script.name) < 0) at++;
  if (at < s->count && compare(&s->entries[at]->script, e->script.kind, e->script.name) == 0) {
    entry_release(s->entries[at]);
    s->entries[at] = e;
    return;
  }
  assert(s->count < s->capacity);
  memmove(&s->entries[at + 1], &s->entries[at], (s->count - at) * sizeof s->entries[0]);
  s->entries[at] = e;
  s->count++;
}

uint64_t snapshot_generation(const struct snapshot *s) {
  return s->generation;
}
struct tier_script *snapshot_tiers(const struct snapshot *s) {
  return s->tiers->tiers;
}
const struct plan_set *snapshot_plans(const struct snapshot *s) {
  return tier_script_set(s->tiers->tiers);
}

const struct active_script *snapshot_at(const struct snapshot *s, size_t i) {
  return i < s->count ? &s->entries[i]->script : NULL;
}

const struct active_script *snapshot_find(const struct snapshot *s, enum script_kind kind, const char *name) {
  if (kind == SCRIPT_TIER) return strcmp(s->tiers->script.name, name) == 0 ? &s->tiers->script : NULL;
  for (size_t i = 0; i < s->count; i++)
    if (compare(&s->entries[i]->script, kind, name) == 0) return &s->entries[i]->script;
  return NULL;
}
