// api/replays.h – private to api/: runs of bots made again in jailed children: for an answer that waits, for a row, for the nightly check.
#pragma once
#include "api/call.h"
#include "api/jobs.h"
#include "bot/replay_pack.h"

struct replays;

// With it what a former process left unfinished begins again, and the nightly check. hour: of the day, UTC; −1: no nightly check.
enum status replays_create(struct api_core *core, int hour, struct replays **ret, struct err *err) MUST_CHECK;
void replays_destroy(struct replays *r);  // after the jobs are gone

// ---- replay_jobs.c
#define REPLAY_CPU_S 60           // of a replay, what-if or check
#define REPLAY_WHY_CPU_S 20       // of an answer that somebody waits for
#define REPLAY_RESULT_BYTES (UINT64_C(4) << 20)

struct replay_job {
  int64_t tenant_id;              // in whose queue; 0: the service's own, one at a time
  unsigned parallel;              // of the tenant
  struct replay_wish wish;
  const json_t *task;             // bot/replay_task.h; used before the return
  int64_t cpu_s;
  void (*start)(void *arg);       // may be NULL
  void (*progress)(void *arg, unsigned permille);  // may be NULL
  void (*done)(void *arg, const struct job_outcome *o);  // once, later
  void *arg;
};
// The run is gathered on a thread of the pool when its turn comes. ERR_LIMIT: the queue is full.
enum status replay_job_start(struct api_core *core, const struct replay_job *how, struct job **ret, struct err *err) MUST_CHECK;
// Why there is no result, in words for its owner with what to do; buf of 600 bytes.
const char *replay_job_error(const struct job_outcome *o, char *buf);

// ---- replays.c
// A committed row is worked on.
void replays_submit(struct replays *r, int64_t id, int64_t tenant_id, int64_t bot_id, const char *kind, const char *request);

// ---- parity_night.c
struct parity_night;
enum status parity_night_create(struct api_core *core, int hour, struct parity_night **ret, struct err *err) MUST_CHECK;
void parity_night_destroy(struct parity_night *n);
// What a check came to, or failed (o not JOB_DONE): counted, told to the operator when it is broken, and stored.
void parity_night_came(struct parity_night *n, int64_t tenant_id, int64_t bot_id, const struct job_outcome *o);
// The task of a check, and up to when: for a bot that runs, with the core's hash at this moment. A new reference.
json_t *parity_night_task(struct api_core *core, int64_t bot_id, struct replay_wish *ret_wish);
struct parity_night *replays_night(struct replays *r);
