// api/signal_desk.h – works off what hooks accepted: asks the rules, writes the verdict and the signals to bots in one go, wakes the bots.
//
// A hook's deliveries are worked off one after the other, since rules may ask what was accepted before; hooks do not wait for each other.
// What was accepted and not worked off when the process died is taken up at the next start, unless its time is over.
#pragma once
#include "base/json.h"
#include "base/status.h"
#include "signal/rules_host.h"

#include <stdbool.h>
#include <stdint.h>

struct api_core;
struct db;
struct hook_row;
struct signal_desk;

enum status signal_desk_create(struct api_core *core, const char *exe, struct signal_desk **ret, struct err *err) MUST_CHECK;
// After the server stopped, before core->live is gone. NULL does nothing.
void signal_desk_destroy(struct signal_desk *d);

// A delivery was committed as accepted, or its acceptance has been handed in; if nothing comes of that, nothing comes of it here. Takes the signal.
void signal_desk_take(struct signal_desk *d, int64_t hook_id, int64_t delivery_id, int64_t received_ns, int64_t expires_ns, json_t *signal);
// The hook's stages, name or bots are others now, or it is gone: what is kept of it in memory is read anew.
void signal_desk_forget(struct signal_desk *d, int64_t hook_id);
// A rule, or stages of a tenant or the installation, are others now.
void signal_desk_forget_all(struct signal_desk *d);
// A message whose acceptance is being written; the caller's, and zeroed before. dedupe (borrowed; NULL: none): false when another of the hook has the same.
struct desk_coming {
  struct desk_coming *next, **at;
  int64_t hook_id;
  const char *dedupe;
};
bool signal_desk_comes(struct signal_desk *d, struct desk_coming *c, int64_t hook_id, const char *dedupe);
void signal_desk_came(struct desk_coming *c);  // committed or failed; one that never came: nothing
// Whether what the rules say of the hook's next delivery can be expected within milliseconds.
bool signal_desk_is_prompt(const struct signal_desk *d, int64_t hook_id);
// False: the hook has as many waiting as it may; nothing more is accepted.
bool signal_desk_has_room(const struct signal_desk *d, int64_t hook_id);

// The stages that a signal of the hook would pass, asked about one that is not acted upon: for tests and dry runs. env, accepted: as
// signal_past_env gives them. stages NULL: the hook's own and those before it; else these instead of the hook's own.
// draft: a rule that is not saved, asked behind them as the stage "draft"; NULL: none.
struct signal_draft {
  struct rules_source *source;
  const json_t *settings;  // NULL: none given
};
enum status signal_desk_ask(struct signal_desk *d, const struct hook_row *hook, const json_t *stages, const struct signal_draft *draft, const json_t *signal, const json_t *env, const char *accepted, rules_answered fn, void *arg,
  struct err *err) MUST_CHECK;

// The process that asks rules, for who puts one.
struct rules_host *signal_desk_rules(struct signal_desk *d);

// Why a source is in quarantine for the caller's tenant, as JSON: a text or null. New reference.
struct api_call;
json_t *signal_desk_held(const struct api_call *call, const char *sha256);

struct signal_desk_stats {
  uint64_t delivered, rejected, failed, signals;  // signals: to bots
  unsigned waiting;
};
struct signal_desk_stats signal_desk_stats(const struct signal_desk *d);
