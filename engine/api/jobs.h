// api/jobs.h – private to api/: server-side backtests, searches for parameters and verdicts, from a row in the store to a child process and back.
//
// A backtest is acknowledged when its row is committed; from then on it ends: after a restart what was queued or running is
// begun again, since a backtest is a pure function of its request. Progress and end go to the channel `backtest:ID` or `optimization:ID`.
#pragma once
#include "api/call.h"
#include "backtest/job.h"
#include "store/backtest_rows.h"

struct jobs;

enum status jobs_create(struct api_core *core, const char *exe, struct jobs **ret, struct err *err) MUST_CHECK;
void jobs_destroy(struct jobs *jobs);  // waits for the children to be gone

// What one tenant's plan grants.
struct jobs_grant {
  unsigned parallel;
  int64_t cpu_s, heap_bytes;  // 0: the defaults
};

// Of the caller's tenant (api/tier.c).
struct jobs_grant api_jobs_grant(struct api_call *call);
// Of a tenant as its plan is now; the defaults when that cannot be read.
struct jobs_grant jobs_grant_now(struct api_core *core, int64_t tenant_id, int64_t now_ns);

struct jobs_data {
  char venue[40], symbol[40], timeframe[8], stream[40], role[8];
  bool is_read;  // from a live market: fd has it
  int fd;
};
#define JOBS_DATA_MAX 8

// Hands a committed row to the runner. On failure the row is ended with the reason.
void jobs_submit(struct jobs *jobs, enum backtest_kind kind, int64_t tenant_id, int64_t id, const char *request, const char *source, size_t source_len, const struct jobs_grant *grant);
// After its row says cancelled: ends the work, if there is some. Whatever the child still says changes nothing.
void jobs_cancel(struct jobs *jobs, int64_t tenant_id, int64_t id);
// Ends a row that cannot be worked on.
void jobs_fail(struct jobs *jobs, enum backtest_kind kind, int64_t tenant_id, int64_t id, const char *reason);
// 0 … 1000 of a running one; 0 otherwise.
unsigned jobs_permille(const struct jobs *jobs, int64_t id);
struct job_runner_stats jobs_stats(const struct jobs *jobs);

// Any other work of a child: as job_submit, in the queue of all.
enum status jobs_run(struct jobs *jobs, const struct job_request *request, struct job **ret, struct err *err) MUST_CHECK;

// A verdict on a source: done is called on the loop with the outcome. ERR_LIMIT: the queue is full.
enum status jobs_verdict(struct jobs *jobs, int64_t tenant_id, const char *source, size_t source_len, const struct jobs_grant *grant,
                         void (*done)(void *arg, const struct job_outcome *outcome), void *arg, struct err *err) MUST_CHECK;
// A quick look at a source (backtest/verdict.h: quick) while somebody types, with places of its own beside the queue of all: it waits for
// nobody's backtest. As jobs_verdict otherwise; ERR_LIMIT: too many of this tenant are waiting.
enum status jobs_check(struct jobs *jobs, int64_t tenant_id, const char *source, size_t source_len, const struct jobs_grant *grant,
                       void (*done)(void *arg, const struct job_outcome *outcome), void *arg, struct err *err) MUST_CHECK;
