// bot/replay_task.h – what somebody wants of a recorded run, as JSON in and JSON out: in the jailed child of a job (backtest/job_child) and of
// `perigee replay`.
//
//     {"task": "verify", "from_ms"?, "list"?: true, "list_max"?, "explain_ns"?, "certify"?: true, "plots"?: true}
//         → {"run","from_ms","to_ms","same","instants","compared","imposed","resumes","failures","hash","failure"?,
//            "difference"?: {"time_ms","expected","got"}, "commands"?: [{"time_ms","by","command"}], "cut"?, "explanation"?, "parity"?,
//            "plots"?: {NAME: [[time_ms, value]]}}
//     {"task": "why", "at_ns", "order"?}                → {"run","same","explanation"}; explanation null: the script saw no such instant
//     {"task": "what_if", "at_ns", "params"?, "version"?}
//         → {"run","from_ms","to_ms","at_ms","how": "nothing"|"live"|"restart","same","difference"?: {"time_ms","live","forked"},"live","forked",
//            "fills": {"live","forked"},"equity","left_out","failures","failure"?}
//     {"task": "parity", "live_hash"?}                  → {"verdict": "certified"|"explained"|"broken", "run","from_ms","to_ms","same",
//            "hash","live_hash"?,"seen_hash","fresh_hash","instants","decisions","difference"?,"reasons": [{"why","text","count","first_ms"}]}
//
// The tasks' meaning is that of bot/replay.h, bot/parity.h. Pure but for the watchdog.
#pragma once
#include "base/buf.h"
#include "base/json.h"
#include "loop/watchdog.h"

#define REPLAY_LIST_MAX 5000  // commands of a list, if the task does not say
#define REPLAY_PLOTS_MAX 16   // series of a script's plots, from from_ms on, and …
#define REPLAY_PLOT_POINTS_MAX 40000  // … points of them all

// pack: replay_gather's. watchdog: it runs hostile code. progress may be NULL. *ret is a reference of the caller's. ERR_INVALID: the run
// cannot be run again, or the task does not fit it, in words for its owner; ERR_SCRIPT, ERR_BUDGET: its header, or its check of parameters.
enum status replay_task(const json_t *task, const void *pack, size_t len, struct watchdog *watchdog, void (*progress)(void *self, unsigned permille), void *self, json_t **ret,
                        struct err *err) MUST_CHECK;
