// tenant/edition.h – loads an edition from a directory: tiers, rules, dialects, strategies, branding. All of it or nothing.
//
// DIR/edition.json says what there is; files are named relative to DIR and stay inside it:
//
//     { "edition": "dca", "tiers": "tiers.lua", "rules": ["rules/phases.lua"], "dialects": [],
//       "shipped": ["ema_dca"], "strategies": ["strategies/own.lua"],
//       "presets": [{ "strategy": "ema_dca", "name": "Careful", "about": "…", "params": { "orders": 3 } }],
//       "branding": { "title": "DCA", "tagline": "…", "colour": "#0a7", "logo": "logo.svg" } }
//
// "tiers" may be absent when the binary ships tiers of that name (lua/tiers) and a version of them was loaded before or none is
// needed. "shipped" names strategies of strategies/, which are compiled in. A preset gives a strategy of this edition values for
// some of its parameters; they are checked as a bot's would be. Branding is shown by the consoles: the logo, .svg or .png of at most
// 32 KiB, is kept as a data: URI, the colour gives the accent (made darker or lighter where text would be hard to read on it). A script's name is its file's without ".lua"; the tiers' is the
// edition's.
//
//     st = edition_read(dir, watchdog, &e, err);          // pool: files and Lua
//     st = edition_prepare(reg, reader, e, &prep, err);   // loop
//     … in the write:   edition_write(e, prep, db, actor, now_ns, err);
//     … when committed: registry_commit(reg, prep);       // one swap; or registry_discard(prep)
//     edition_destroy(e);
//
// Rules, dialects and tiers are active then. Strategies are put, but not proven: whoever runs the proofs does so and activates
// them (edition_item says which).
#pragma once
#include "tenant/registry.h"

#define EDITION_SCRIPTS_MAX 200
#define EDITION_BRANDING_MAX 65536  // bytes of JSON
#define EDITION_PRESETS_MAX 100

struct edition;

// ERR_INVALID, ERR_NOTFOUND, ERR_SCRIPT …: the message names the file.
enum status edition_read(const char *dir, struct watchdog *watchdog, struct edition **ret, struct err *err) MUST_CHECK;
void edition_destroy(struct edition *e);
const char *edition_name(const struct edition *e);

enum status edition_prepare(
  struct registry *reg, struct db *reader, struct edition *e, struct activation **ret, struct err *err) MUST_CHECK;
// Another edition's tiers take effect at once, those stored for it or the shipped ones; on the loop, writes nothing. ERR_INVALID:
// there are none of that name.
enum status edition_use(struct registry *reg, struct db *reader, const char *name, struct err *err) MUST_CHECK;
enum status edition_write(
  struct edition *e, struct activation *a, struct db *db, int64_t actor_id, int64_t now_ns, struct err *err) MUST_CHECK;

// What was loaded: after edition_write with ids and versions. NULL past the end.
struct edition_item {
  enum script_kind kind;
  char name[SCRIPT_NAME_SIZE];
  struct script_put_result put;
};
const struct edition_item *edition_item(const struct edition *e, size_t i);
