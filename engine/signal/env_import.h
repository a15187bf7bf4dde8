// signal/env_import.h – the environment of a self-hosted DCA bot, as it stands in a file of NAME=VALUE lines, in this engine's words: a bot of
// ema_dca. What was taken, what was left and why; secrets are named and never read. Pure.
//
// Lines are read as shells and dotenv do: `export`, comments, quotes; nothing is expanded. The names are those that bots of this kind use most.
#pragma once
#include "base/json.h"
#include "base/status.h"

#include <stddef.h>

#define ENV_IMPORT_MAX (256 * 1024)  // bytes of a file

// {"bot": {"strategy", "name", "symbol", "timeframe", "params": {…}}, "paper", "testnet",
//  "taken": [{"name", "value", "as"}], "ignored": [{"name", "why"}]}, in the order of the file; a new reference.
// paper is true unless the file says that it is no dry run. ERR_INVALID tells the line and what is wrong; ERR_NOMEM.
enum status env_import_read(const char *text, size_t len, json_t **ret, struct err *err) MUST_CHECK;
