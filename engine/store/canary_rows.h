// store/canary_rows.h – versions on trial: a share of the bots that follow a script runs one before all of them do (bot/live_canary).
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

#define CANARY_REASON_SIZE 512

struct canary_row {
  int64_t id, script_id, tenant_id;  // tenant of the script
  int64_t version, version_before;
  int64_t percent;       // 1 … 99
  int64_t errors_max;    // ≥ 0: more end it
  int64_t drawdown_e8;   // a share of 1; 0: no limit
  int64_t until_ns;      // 0: by hand
  char state[12];        // "running" "promoted" "rolled_back" "replaced"
  char reason[CANARY_REASON_SIZE];
  int64_t errors, started_ns, ended_ns;
};
// ERR_EXISTS: the script has one that runs.
enum status canary_insert(struct db *db, const struct canary_row *row, struct err *err) MUST_CHECK;
// The script's newest, running or not. ERR_NOTFOUND: it never had one.
enum status canary_last(struct db *db, int64_t script_id, struct canary_row *ret, struct err *err) MUST_CHECK;
// Of a running one: state, reason, ended_ns, errors. ERR_NOTFOUND: it has ended already.
enum status canary_end(struct db *db, const struct canary_row *row, struct err *err) MUST_CHECK;
enum status canary_set_errors(struct db *db, int64_t id, int64_t errors, struct err *err) MUST_CHECK;
typedef bool (*canary_fn)(void *arg, const struct canary_row *row);
enum status canary_list_running(struct db *db, canary_fn fn, void *arg, struct err *err) MUST_CHECK;

// What a bot is worth as it takes the version; the first time counts.
enum status canary_bot_add(struct db *db, int64_t canary_id, int64_t bot_id, int64_t equity_e8, struct err *err) MUST_CHECK;
// The most that it has been worth since. Nothing: it is none of the trial's bots.
enum status canary_bot_peak(struct db *db, int64_t canary_id, int64_t bot_id, int64_t peak_e8, struct err *err) MUST_CHECK;
enum status canary_bots(struct db *db, int64_t canary_id, void (*fn)(void *arg, int64_t bot_id, int64_t equity_e8, int64_t peak_e8), void *arg, struct err *err) MUST_CHECK;
