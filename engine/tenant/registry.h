// tenant/registry.h – scripts by name: put, look, compare, activate, roll back; and what is active in this process.
//
// The rows are the truth (store/script_rows.h). Beside them the registry keeps a snapshot of the installation's own active
// scripts – the edition's tier script ready to answer, rules and dialects with their source – which never changes: an activation
// makes a new one aside, commits its row, then swaps one pointer on the loop thread. Who holds the old one goes on with it to
// the end of what it is doing, so a request sees all of the old or all of the new. A script that fails to load never gets that far.
//
// How a handler activates, all on the loop thread but the write:
//
//     st = registry_prepare(reg, reader, tenant, script, version, &prep, err);      // reads and loads; refuses here
//     … in the write:   registry_activate(prep, db, expected_revision, actor, now_ns, err);
//     … when committed: registry_commit(reg, prep);    or when it failed: registry_discard(prep);
#pragma once
#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"
#include "script/profile.h"
#include "script/tier_script.h"
#include "store/script_rows.h"

#include <stdbool.h>
#include <stdint.h>

struct db;
struct watchdog;

// ---- the snapshot

// A rule or dialect that is active.
struct active_script {
  enum script_kind kind;
  int64_t script_id, version;  // script_id 0: shipped
  char name[SCRIPT_NAME_SIZE], sha256[65];
  const char *source;
  size_t source_len;
};

struct snapshot;
void snapshot_retain(struct snapshot *s);   // any thread
void snapshot_release(struct snapshot *s);  // any thread; NULL is fine
// Goes up by one with each swap.
uint64_t snapshot_generation(const struct snapshot *s);
// The edition's tiers. Asking them (usage_check) is for the loop thread; reading their set for any.
struct tier_script *snapshot_tiers(const struct snapshot *s);
const struct plan_set *snapshot_plans(const struct snapshot *s);
// NULL: no such active script.
const struct active_script *snapshot_find(const struct snapshot *s, enum script_kind kind, const char *name);
// By kind, then name; NULL past the end.
const struct active_script *snapshot_at(const struct snapshot *s, size_t i);

// ---- the registry

struct registry;

// What an activation is told to, after the swap: streams, bots, usage_forget_all.
typedef void (*registry_listener)(
  void *arg, int64_t tenant_id, enum script_kind kind, int64_t script_id, int64_t version);

struct registry_options {
  const char *edition;        // NULL: the one loaded last, else EDITION_DEFAULT
  struct watchdog *watchdog;  // may be NULL
};
// Loads what is active. A stored script that no longer loads is left out with a line in ret_warnings (may be NULL), and the
// shipped tiers and dialects stand in. ERR_NOTFOUND: no such edition.
enum status registry_create(struct db *reader, const struct registry_options *options, struct registry **ret,
  struct buf *ret_warnings, struct err *err) MUST_CHECK;
void registry_destroy(struct registry *reg);
void registry_listen(struct registry *reg, registry_listener fn, void *arg);
// The present one, retained by the registry: valid until control returns to the loop, longer when retained. Loop thread.
struct snapshot *registry_snapshot(struct registry *reg);
static inline struct tier_script *registry_tiers(struct registry *reg) {
  return snapshot_tiers(registry_snapshot(reg));
}
static inline const struct plan_set *registry_plans(struct registry *reg) {
  return snapshot_plans(registry_snapshot(reg));
}
const char *registry_edition(const struct registry *reg);
// Names of scripts: 1 to 100 bytes of letters, digits and " _-.()+", no spaces at the ends, first a letter or digit; a tier's
// name is an edition's (lower case). ERR_INVALID.
enum status registry_check_name(enum script_kind kind, const char *name, struct err *err) MUST_CHECK;

// ---- put: describe first (pool or anywhere; it runs Lua), then write

struct script_draft {
  enum script_kind kind;
  enum script_state state;  // strategies: SCRIPT_NEW until the proofs have run; others: SCRIPT_PROVEN
  char sha256[65];
  char *header;  // JSON; NULL when refused
  char *source;
  size_t source_len;
};
void script_draft_finish(struct script_draft *d);
// Evaluates the script alone: its header, its kind's demands, and for tiers allow(). Errors have file:line:column (the file is
// name with ".lua"); a script that fails is not kept.
enum status registry_describe(enum script_kind kind, const char *name, const char *source, size_t len,
  struct watchdog *watchdog, struct script_draft *ret, struct err *err) MUST_CHECK;
// In a write. comment may be NULL.
enum status registry_put(struct db *db, const struct script_draft *d, int64_t tenant_id, const char *name,
  const char *comment, int64_t author_id, int64_t now_ns, struct script_put_result *ret, struct err *err) MUST_CHECK;

// In a write, at each start: the shipped tier scripts, dialects and rules become versions like any other, unless they are already, and those of names
// of which nothing is active are activated. So what sells can be listed, shown, compared and returned to; a newer program
// brings its scripts as new versions and activates none over what an operator chose; a dialect takes the place of an older program's.
enum status registry_ship(struct db *db, struct watchdog *watchdog, int64_t now_ns, struct err *err) MUST_CHECK;

// ---- activate

struct activation;

// version 0: the one active before the present (a rollback). Strategies are only read; of other kinds of the installation the
// new snapshot is made here. ERR_INVALID: not proven; ERR_NOTFOUND; ERR_SCRIPT, ERR_BUDGET: it no longer loads.
enum status registry_prepare(struct registry *reg, struct db *reader, int64_t tenant_id, int64_t script_id,
  int64_t version, struct activation **ret, struct err *err) MUST_CHECK;
// In the write. ERR_CANCELLED: not the expected revision (0: any).
enum status registry_activate(struct activation *a, struct db *db, int64_t expected_revision, int64_t actor_id,
  int64_t now_ns, struct err *err) MUST_CHECK;
// After the commit, on the loop: swaps and tells the listener. Frees a.
void registry_commit(struct registry *reg, struct activation *a);
void registry_discard(struct activation *a);
// The script's row as of registry_activate.
const struct script_row *activation_row(const struct activation *a);
int64_t activation_version(const struct activation *a);  // that is to become active
