// backtest/job.c – jobs wait, fairly between tenants, get their data, and end; the child is job_process.c's.
#include "backtest/job_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void start_next(struct job_runner *r);

const char *job_end_text(enum job_end end) {
  static const char *const texts[] = {"done", "failed", "cancelled", "over_cpu", "over_wall", "over_memory", "crashed"};
  return texts[end];
}

// ---- tenants: a ring, so that turns go round

static struct tenant *tenant_find(struct job_runner *r, int64_t id) {
  struct tenant *t = r->turn;
  if (!t) return NULL;
  do {
    if (t->id == id) return t;
    t = t->next;
  } while (t != r->turn);
  return NULL;
}

static struct tenant *tenant_add(struct job_runner *r, int64_t id) {
  struct tenant *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  t->id = id;
  if (r->turn) {  // at the end of the round
    struct tenant *last = r->turn;
    while (last->next != r->turn) last = last->next;
    t->next = r->turn;
    last->next = t;
  } else {
    t->next = t;
    r->turn = t;
  }
  return t;
}

static void tenant_drop_if_idle(struct job_runner *r, struct tenant *t) {
  if (t->running || t->waiting) return;
  struct tenant *before = t;
  while (before->next != t) before = before->next;
  before->next = t->next;
  if (r->turn == t) r->turn = before == t ? NULL : t->next;
  free(t);
}

// ---- the end of a job

static void job_free(struct job *j) {
  loop_watch_destroy(j->watch);
  loop_timer_destroy(j->wall);
  if (j->fd >= 0) close(j->fd);
  job_reader_finish(&j->reader);
  buf_finish(&j->out);
  buf_finish(&j->result);
  buf_finish(&j->error);
  free(j);
}

void job_end(struct job *j, const struct job_outcome *o) {
  struct job_runner *r = j->runner;
  j->request.on_end(j->request.arg, o);
  job_free(j);
  r->stats.ended++;
  start_next(r);
}

static void end_later(struct loop_task *task) {
  struct job *j = (struct job *)((char *)task - offsetof(struct job, end_task));
  struct job_runner *r = j->runner;
  r->ending--;
  struct job_outcome o = {.waited_ms = loop_now_ms(r->loop) - j->submitted_ms};
  if (j->has_error) {
    o.end = JOB_FAILED;
    snprintf(o.code, sizeof o.code, "invalid");
    snprintf(o.reason, sizeof o.reason, "%.*s", (int)j->error.len, j->error.data ? j->error.data : "out of memory");
  } else {
    job_over(&o, JOB_CANCELLED, "cancelled");
  }
  job_end(j, &o);
}

// A job that has no process (any more to be started) ends on a later turn.
static void post_end(struct job *j) {
  if (j->ending) return;
  j->ending = true;
  j->runner->ending++;
  j->end_task.fn = end_later;
  loop_post_task(j->runner->loop, &j->end_task);
}

// Gives its place back.
void job_leave(struct job *j) {
  struct job_runner *r = j->runner;
  struct job **p = &r->running_jobs;
  while (*p != j) p = &(*p)->next;
  *p = j->next;
  r->stats.running--;
  j->tenant->running--;
  tenant_drop_if_idle(r, j->tenant);
  j->tenant = NULL;
}

// ---- starting

static void add_frame(struct buf *out, enum job_frame type, const char *bytes, size_t len) {
  unsigned char head[JOB_FRAME_HEAD];
  job_frame_head(head, type, (uint32_t)len);
  buf_add(out, head, sizeof head);
  if (len) buf_add(out, bytes, len);
}

static void load_work(void *arg) {
  struct job *j = arg;
  enum status (*load)(void *, int *, unsigned *, struct err *) = j->request.load_data ? j->request.load_data : j->request.open_data;
  j->load_status = load ? load(j->request.arg, j->fds, &j->fd_count, &j->load_err) : OK;
  if (j->load_status != OK) j->fd_count = 0;
  assert(j->fd_count <= JOB_FDS_MAX);
}

// Data are there, or an error.
static void load_done(void *arg) {
  struct job *j = arg;
  struct job_runner *r = j->runner;
  if (j->load_status == OK && !j->cancelled) j->load_status = job_launch(j, &j->load_err);
  for (unsigned i = 0; i < j->fd_count; i++) close(j->fds[i]);
  if (j->load_status == OK && !j->cancelled) {
    r->stats.started++;
    if (j->request.on_start) j->request.on_start(j->request.arg);
    return;
  }
  job_leave(j);
  j->has_error = !j->cancelled;
  if (j->has_error) buf_str(&j->error, j->load_err.msg);
  post_end(j);
}

// The next job that may run: tenants in turn, each its oldest.
static struct job *next_job(struct job_runner *r) {
  struct tenant *t = r->turn;
  if (!t) return NULL;
  do {
    if (t->first && t->running < t->parallel) {
      r->turn = t->next;
      struct job *j = t->first;
      t->first = j->next;
      if (!t->first) t->last = NULL;
      t->waiting--;
      r->stats.waiting--;
      return j;
    }
    t = t->next;
  } while (t != r->turn);
  return NULL;
}

static void start_next(struct job_runner *r) {
  while (!r->closing && r->stats.running < r->o.parallel) {
    struct job *j = next_job(r);
    if (!j) return;
    struct err err;
    j->started_ms = loop_now_ms(r->loop);
    j->running = true;
    j->next = r->running_jobs;
    r->running_jobs = j;
    j->tenant->running++;
    r->stats.running++;
    if (j->request.load_data && loop_work(r->loop, load_work, load_done, j, &err) == OK) continue;
    load_work(j);  // on the loop as asked, or because the pool is full
    load_done(j);
  }
}

static void start_later(void *arg) { start_next(arg); }

// ---- the interface

enum status job_submit(struct job_runner *r, const struct job_request *q, struct job **ret, struct err *err) {
  if (q->request_len > JOB_REQUEST_BYTES_MAX || q->source_len > JOB_SOURCE_BYTES_MAX) return err_set(err, ERR_INVALID, "the script or the request is too long");
  if (r->closing) return err_set(err, ERR_CANCELLED, "the service is stopping");
  if (r->stats.waiting >= r->o.queue_max) return err_set(err, ERR_LIMIT, "the queue of backtests is full (%u wait); try again later", r->stats.waiting);
  struct tenant *t = tenant_find(r, q->tenant);
  if (t && t->waiting >= r->o.tenant_queue_max) return err_set(err, ERR_LIMIT, "%u of your backtests wait already; let some end or cancel them", t->waiting);
  struct job *j = calloc(1, sizeof *j);
  if (!j) return err_set(err, ERR_NOMEM, "out of memory");
  j->runner = r;
  j->fd = -1;
  j->request = *q;
  j->limits = q->limits;
  if (j->limits.cpu_s <= 0) j->limits.cpu_s = 60;
  if (j->limits.wall_ms <= 0) j->limits.wall_ms = j->limits.cpu_s * 3000 + 5000;
  if (j->limits.memory_bytes == 0) j->limits.memory_bytes = UINT64_C(1) << 30;
  if (j->limits.result_bytes == 0) j->limits.result_bytes = UINT64_C(32) << 20;
  if (j->limits.result_bytes < JOB_ERROR_BYTES_MAX) j->limits.result_bytes = JOB_ERROR_BYTES_MAX;
  job_reader_init(&j->reader, j->limits.result_bytes);
  buf_init(&j->result, j->limits.result_bytes + 1);
  buf_init(&j->error, JOB_ERROR_BYTES_MAX + 1);
  buf_init(&j->out, q->request_len + q->source_len + 2 * JOB_FRAME_HEAD + 1);
  add_frame(&j->out, JOB_REQUEST, q->request, q->request_len);
  add_frame(&j->out, JOB_SOURCE, q->source, q->source_len);
  if (!j->out.failed && !t) t = tenant_add(r, q->tenant);
  if (j->out.failed || !t) {
    job_free(j);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  j->tenant = t;
  t->parallel = q->tenant_parallel ? q->tenant_parallel : 1;
  j->submitted_ms = loop_now_ms(r->loop);
  if (t->last) t->last->next = j;
  else t->first = j;
  t->last = j;
  t->waiting++;
  r->stats.waiting++;
  *ret = j;
  loop_post(r->loop, start_later, r);
  return OK;
}

void job_cancel(struct job *j) {
  if (j->cancelled || j->ending) return;
  j->cancelled = true;  // one that is being loaded ends when that is done
  if (j->running) {
    job_kill(j);
    return;
  }
  struct tenant *t = j->tenant;
  struct job *before = NULL;
  for (struct job *k = t->first; k != j; k = k->next) before = k;
  if (before) before->next = j->next;
  else t->first = j->next;
  if (t->last == j) t->last = before;
  t->waiting--;
  j->runner->stats.waiting--;
  tenant_drop_if_idle(j->runner, t);
  post_end(j);
}

unsigned job_position(const struct job *j) {
  unsigned n = 0;
  if (j->running || j->ending) return 0;
  for (const struct job *k = j->tenant->first; k && k != j; k = k->next) n++;
  return n;
}

struct job_runner_stats job_runner_stats(const struct job_runner *r) { return r->stats; }

enum status job_runner_create(struct loop *loop, const struct job_runner_options *options, struct job_runner **ret, struct err *err) {
  struct job_runner *r = calloc(1, sizeof *r);
  if (r) r->exe = strdup(options->exe);
  if (!r || !r->exe) {
    free(r);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  r->loop = loop;
  r->o = *options;
  if (r->o.parallel == 0) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    r->o.parallel = cores > 0 ? (unsigned)cores : 1;
  }
  if (r->o.queue_max == 0) r->o.queue_max = 1000;
  if (r->o.tenant_queue_max == 0) r->o.tenant_queue_max = 50;
  *ret = r;
  return OK;
}

void job_runner_destroy(struct job_runner *r) {
  if (!r) return;
  r->closing = true;
  for (struct job *j = r->running_jobs; j; j = j->next) job_cancel(j);
  while (r->turn && r->stats.waiting) {
    struct tenant *t = r->turn;
    while (!t->first) t = t->next;
    job_cancel(t->first);
  }
  while (r->running_jobs || r->ending) loop_turn(r->loop, true);
  loop_turn(r->loop, false);  // a posted start_later still names r
  assert(!r->turn);
  free(r->exe);
  free(r);
}
