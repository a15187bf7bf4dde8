// tenant/registry_impl.h – the insides of the registry, shared by snapshot.c, registry.c and edition.c.
#pragma once
#include "tenant/registry.h"

#include <stdatomic.h>

// One active script of the installation, shared by the snapshots that have it.
struct entry {
  atomic_int refs;
  struct active_script script;
  char *source;
  struct tier_script *tiers;  // kind tier only
};
// Takes a copy of source, loads it. The version and id are the caller's to set.
enum status entry_create(enum script_kind kind, const char *name, const char *source, size_t len,
  struct watchdog *watchdog, struct entry **ret, struct err *err) MUST_CHECK;
void entry_release(struct entry *e);

struct snapshot {
  atomic_int refs;
  uint64_t generation;
  struct entry *tiers;
  size_t count, capacity;
  struct entry *entries[];  // rules and dialects, by kind, then name
};
// Empty, with room for so many. NULL: no memory.
struct snapshot *snapshot_create(size_t capacity);
// Puts e (retained) in the place of its kind and name; there is room.
void snapshot_set(struct snapshot *s, struct entry *e);

struct registry {
  struct snapshot *now;
  char edition[SCRIPT_NAME_SIZE];
  struct watchdog *watchdog;
  registry_listener listener;
  void *listener_arg;
};

// What one activation changes: a stored version, or one that the same write puts first.
struct change {
  enum script_kind kind;
  int64_t script_id, version;
  struct entry *entry;         // NULL: a strategy, a tenant's script, tiers of another edition
  struct script_draft *draft;  // put before it is activated; NULL: it is stored. Borrowed
  char name[SCRIPT_NAME_SIZE];
};
struct activation {
  int64_t tenant_id;
  struct script_row row;
  struct snapshot *next;  // empty, its room made beforehand, since a commit must not fail
  const char *edition;    // to be in force; NULL: stays. Borrowed
  int count;
  struct change changes[];
};
struct activation *activation_create(struct registry *reg, int64_t tenant_id, int count);
