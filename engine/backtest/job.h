// backtest/job.h – the service's side of server-side backtests: starts `perigee host --job` children, several at a time, fairly
// between tenants, and tells how each ended in words its owner understands. Everything on the loop's thread; never blocks.
//
// A job waits in its tenant's queue; free places go to the tenants in turn, at most tier-many of one tenant at once. Its process
// is in a jail (bot/jail.h), has nothing but its socket and its data, and is killed at its limits. What it says is not believed:
// frames are bounded, and a result is handed on as bytes – whoever embeds it in an answer parses it first.
#pragma once
#include "base/status.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOB_FDS_MAX 12  // descriptors with data

struct job_runner;
struct job;

struct job_runner_options {
  const char *exe;            // this program's path, absolute
  unsigned parallel;          // children at once; 0: as many as the machine has cores
  unsigned queue_max;         // jobs waiting, of all tenants; 0: 1,000
  unsigned tenant_queue_max;  // of one tenant; 0: 50
  int stderr_fd;              // where children complain (asserts); -1: nowhere
};

enum status job_runner_create(struct loop *loop, const struct job_runner_options *options, struct job_runner **ret, struct err *err) MUST_CHECK;
// Ends all jobs (their on_end is called with JOB_CANCELLED) and waits for the children to be gone, turning the loop meanwhile.
// Not from a callback. NULL does nothing.
void job_runner_destroy(struct job_runner *runner);
struct job_runner_stats {
  unsigned running, waiting;
  uint64_t started, ended;
};
struct job_runner_stats job_runner_stats(const struct job_runner *runner);

struct job_limits {
  int64_t cpu_s;           // CPU time of the process; 0: 60
  int64_t wall_ms;         // from start to end; 0: three times the CPU time, plus 5 s
  uint64_t memory_bytes;   // address space; 0: 1 GiB
  uint64_t result_bytes;   // longest result; 0: 32 MiB
};

enum job_end {
  JOB_DONE,       // text is the result, JSON
  JOB_FAILED,     // the script or the request is wrong: reason, and line and column where known
  JOB_CANCELLED,
  JOB_OVER_CPU,   // used up its CPU time, real time or memory
  JOB_OVER_WALL,
  JOB_OVER_MEMORY,
  JOB_CRASHED,    // the process died or misbehaved; the customer sees an apology, the operator detail
};
const char *job_end_text(enum job_end end);  // "done"

struct job_outcome {
  enum job_end end;
  const char *text;    // the result, one JSON object (backtest/json_valid.h); NULL when not done
  size_t len;
  char code[24];       // JOB_FAILED: "script", "budget", "invalid", "memory", "limit", "internal"
  char reason[1024];   // for the owner; "" when done
  int line, column;    // in the script; 0: not known
  char detail[200];    // for the operator's log: signal, protocol error; "" else
  int64_t waited_ms, ran_ms;
};

struct job_request {
  int64_t tenant;
  unsigned tenant_parallel;  // jobs of this tenant at once; 0: 1
  // Copied. request: request.h's JSON; one data entry per descriptor.
  const char *request, *source;
  size_t request_len, source_len;
  struct job_limits limits;
  // Called just before the job starts, so that jobs in the queue hold no data: up to JOB_FDS_MAX descriptors, which the runner
  // closes. ERR_…: the job ends JOB_FAILED with that reason. NULL: no data.
  enum status (*open_data)(void *arg, int *ret_fds, unsigned *ret_count, struct err *err);
  // The same on a thread of the pool, for data that take a while to gather (store/market_rows.h: market_db_open gives it a
  // connection of its own). Only one of the two. arg outlives it: on_end comes later, also after job_cancel.
  enum status (*load_data)(void *arg, int *ret_fds, unsigned *ret_count, struct err *err);
  void (*on_start)(void *arg);                            // may be NULL
  void (*on_progress)(void *arg, unsigned permille);      // may be NULL; rises
  // Exactly once, on a later turn than job_submit; the job is gone when it returns. Not called if job_submit failed.
  void (*on_end)(void *arg, const struct job_outcome *outcome);
  void *arg;
};

// ERR_LIMIT: a queue is full (the message says whose); ERR_INVALID: too long a source or request; ERR_NOMEM.
enum status job_submit(struct job_runner *runner, const struct job_request *request, struct job **ret, struct err *err) MUST_CHECK;
// Ends it: JOB_CANCELLED on a later turn, unless it ends by itself before.
void job_cancel(struct job *job);
// Jobs of the same tenant that start before this one; 0: next, or running.
unsigned job_position(const struct job *job);

// A descriptor with these bytes, sealed against change: what open_data returns.
enum status job_memfd(const char *name, const void *bytes, size_t len, int *ret_fd, struct err *err) MUST_CHECK;
