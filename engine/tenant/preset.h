// tenant/preset.h – private to the registry: an edition's presets, checked as a bot's parameters would be. A preset is a name for
// some parameter values of one of the edition's strategies: what a customer picks instead of filling in a form.
#pragma once
#include "base/json.h"
#include "base/status.h"

#include <stddef.h>

struct script_draft;
struct watchdog;

// The strategies that presets may name: their drafts by name. NULL: the edition has no such strategy.
typedef const struct script_draft *(*preset_strategy)(void *arg, const char *name);

// list is the manifest's "presets". *ret: the same as compact JSON text (free it), each with strategy, name, about and params.
// ERR_INVALID, ERR_SCRIPT, ERR_BUDGET: begins with the JSON pointer of what is wrong.
enum status presets_read(const json_t *list, preset_strategy find, void *arg, struct watchdog *watchdog, char **ret,
  struct err *err) MUST_CHECK;
