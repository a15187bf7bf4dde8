// bot/replay_load.h – a bot's run out of what was gathered (bot/replay_pack.h), ready for bot/replay.h: what it was made of from start to
// start, its bars, its journal.
//
// Two halves, because a script is hostile: loading runs no script; opening runs the headers of its versions, so it belongs into the jail,
// as replay_run() does.
#pragma once
#include "base/json.h"
#include "bot/live.h"
#include "bot/replay.h"

struct replay_loaded;

// ERR_INVALID: damaged, or it cannot be run again, and why; ERR_NOMEM. The pack is not used afterwards.
enum status replay_load(const void *pack, size_t len, struct replay_loaded **ret, struct err *err) MUST_CHECK;
void replay_loaded_destroy(struct replay_loaded *r);

// Describes the scripts and reads their parameters: in the jail, once. The configuration borrows from r; what is to be explained, a fork
// and who watches are the caller's to set. The watchdog outlives r.
enum status replay_loaded_open(struct replay_loaded *r, struct watchdog *watchdog, struct replay_config *ret, struct err *err) MUST_CHECK;
// The same run without its end, of which the script saw nothing (it was paused or stopped): what parity_check() wants.
struct replay_config replay_loaded_seen(const struct replay_loaded *r, const struct replay_config *config);
// After opening: a fork at a moment with some parameters (an object; NULL: none) and a version of the script (0: the one of that moment)
// that were not the run's. ERR_INVALID (ERR_RANGE of a parameter) names what does not fit ("/params/fast: …"); ERR_SCRIPT: the script's own check refuses it.
enum status replay_loaded_fork(struct replay_loaded *r, int64_t at_ns, const json_t *params, uint32_t version, struct replay_fork *ret, struct err *err) MUST_CHECK;

// Event hash of the core's own books at the run's end, when that is here; NULL: it is not, or the journal does not say.
const char *replay_loaded_hash(const struct replay_loaded *r);
int64_t replay_loaded_bot(const struct replay_loaded *r);
uint32_t replay_loaded_run(const struct replay_loaded *r);
int64_t replay_loaded_from(const struct replay_loaded *r);     // bars that end at or before were history
int64_t replay_loaded_to(const struct replay_loaded *r);       // its last instant here
