// backtest/job_impl.h – private to job*.c: a job, from the queue to its end.
#pragma once
#include "backtest/job.h"
#include "backtest/job_wire.h"

struct job {
  struct job_runner *runner;
  struct tenant *tenant;
  struct job *next;  // waiting: in the tenant's queue; running: in the runner's list
  struct job_request request;
  struct job_limits limits;
  struct buf out;    // what is to be sent to the child
  size_t sent;
  bool running, cancelled, over_wall, child_ended, stream_ended, checking, ending;
  // data being gathered, before there is a child
  int fds[JOB_FDS_MAX];
  unsigned fd_count;
  enum status load_status;
  struct err load_err;
  bool valid;        // the result is JSON
  struct loop_child *child;
  struct loop_watch *watch;
  struct loop_timer *wall;
  int fd;            // our end of the socket; -1: none yet
  int code, signum;  // how the child ended
  struct job_reader reader;
  struct buf result, error;
  bool has_result, has_error;
  char protocol[120];  // what was wrong with its frames
  uint32_t permille;
  int64_t submitted_ms, started_ms, ran_ms;
  struct loop_task end_task;
};

struct tenant {
  int64_t id;
  unsigned parallel, running, waiting;
  struct job *first, *last;
  struct tenant *next;  // a ring
};

struct job_runner {
  struct loop *loop;
  struct job_runner_options o;
  char *exe;
  struct tenant *turn;  // the tenant whose turn it is next, any in the ring; NULL: no tenants
  struct job *running_jobs;
  unsigned ending;      // jobs whose on_end is still to come from end_task
  struct job_runner_stats stats;
  bool closing;
};

// ---- job.c
// Gives its place back.
void job_leave(struct job *j);
// Tells the owner, frees j, starts the next.
void job_end(struct job *j, const struct job_outcome *o);

// ---- job_process.c
// Starts the child with the data in fds and says to it what is in out. It calls job_leave and job_end when it is over.
enum status job_launch(struct job *j, struct err *err) MUST_CHECK;
void job_kill(struct job *j);  // also when there is no child (any more)
void job_over(struct job_outcome *o, enum job_end end, const char *fmt, ...) PRINTF(3, 4);
