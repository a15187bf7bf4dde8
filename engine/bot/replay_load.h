// bot/replay_load.h – a bot's latest run as the databases have it, ready for bot/replay.h: what it was made of, its bars, its journal.
//
// Two halves, because a script is hostile: loading reads files and no script; opening runs the script's header, so it belongs into
// the jail, as replay_run() does.
#pragma once
#include "bot/live.h"
#include "bot/replay.h"

struct db;
struct replay_loaded;

// control, journal: connections for reading, of one moment each. to_ns: as far as it is to be run; INT64_MAX: to the end of what is
// there. ERR_NOTFOUND: no such bot, or it has not run; ERR_INVALID: it cannot be run again, and why.
enum status replay_load(struct db *control, struct db *journal, int64_t bot_id, int64_t to_ns, struct replay_loaded **ret, struct err *err) MUST_CHECK;
void replay_loaded_destroy(struct replay_loaded *r);

// Describes the script and reads its parameters: in the jail. The configuration borrows from r; what is to be explained is the caller's to set.
enum status replay_loaded_open(struct replay_loaded *r, struct watchdog *watchdog, struct replay_config *ret, struct err *err) MUST_CHECK;
// The same run without its end, of which the script saw nothing (it was paused or stopped): what parity_check() wants.
struct replay_config replay_loaded_seen(const struct replay_loaded *r, const struct replay_config *config);

uint32_t replay_loaded_run(const struct replay_loaded *r);
int64_t replay_loaded_from(const struct replay_loaded *r);     // bars that end at or before were history
int64_t replay_loaded_to(const struct replay_loaded *r);       // its last instant here
