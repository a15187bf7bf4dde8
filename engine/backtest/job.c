#include "backtest/job.h"

#include "backtest/job_wire.h"
#include "backtest/json_valid.h"
#include "base/json.h"
#include "loop/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void text_field(const json_t *o, const char *key, char *ret, size_t size) {
  const char *t = json_string_value(json_object_get(o, key));
  snprintf(ret, size, "%s", t ? t : "");
}

static void read_error(const struct job *j, struct job_outcome *o) {
  json_t *e = json_loadb(j->error.data, j->error.len, 0, NULL);
  o->end = JOB_FAILED;
  text_field(e, "code", o->code, sizeof o->code);
  text_field(e, "message", o->reason, sizeof o->reason);
  o->line = (int)json_integer_value(json_object_get(e, "line"));
  o->column = (int)json_integer_value(json_object_get(e, "column"));
  if (strcmp(o->code, "memory") == 0) {
    o->end = JOB_OVER_MEMORY;
    snprintf(o->reason, sizeof o->reason, "it needed more memory than the %" PRIu64 " MiB allowed", j->limits.memory_bytes >> 20);
  }
  if (!o->reason[0] || strcmp(o->code, "internal") == 0) {  // no jail on this machine, say: nothing the owner could mend
    o->end = JOB_CRASHED;
    snprintf(o->detail, sizeof o->detail, "%.199s", o->reason[0] ? o->reason : "an error frame that is none");
    o->reason[0] = '\0';
  }
  json_decref(e);
}

static void over(struct job_outcome *o, enum job_end end, const char *fmt, ...) PRINTF(3, 4);
static void over(struct job_outcome *o, enum job_end end, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  o->end = end;
  vsnprintf(o->reason, sizeof o->reason, fmt, ap);
  va_end(ap);
}

static void judge(const struct job *j, struct job_outcome *o) {
  const char *name = j->signum ? strsignal(j->signum) : "";
  if (j->signum) snprintf(o->detail, sizeof o->detail, "signal %d (%s)", j->signum, name);
  if (j->protocol[0]) {
    o->end = JOB_CRASHED;
    snprintf(o->detail, sizeof o->detail, "protocol: %s", j->protocol);
  } else if (j->cancelled) {
    over(o, JOB_CANCELLED, "cancelled");
  } else if (j->over_wall) {
    over(o, JOB_OVER_WALL, "it ran longer than the %" PRId64 " seconds allowed", j->limits.wall_ms / 1000);
  } else if (j->signum == SIGXCPU || (j->signum == SIGKILL && j->ran_ms >= j->limits.cpu_s * 1000)) {
    over(o, JOB_OVER_CPU, "it used more than the %" PRId64 " seconds of computing time allowed", j->limits.cpu_s);
  } else if (j->signum == SIGKILL) {
    over(o, JOB_OVER_MEMORY, "the system stopped it, most likely for want of memory");
  } else if (j->signum || j->code) {
    o->end = JOB_CRASHED;
    if (!j->signum) snprintf(o->detail, sizeof o->detail, "exit code %d", j->code);
    else if (j->signum == SIGSYS) snprintf(o->detail, sizeof o->detail, "signal %d: a system call that the jail forbids", j->signum);
  } else if (j->has_result) {
    o->end = JOB_DONE;
    o->text = j->result.data;
    o->len = j->result.len;
  } else if (j->has_error) {
    read_error(j, o);
  } else {
    o->end = JOB_CRASHED;
    snprintf(o->detail, sizeof o->detail, "ended without a result");
  }
  if (o->end == JOB_CRASHED && !o->reason[0]) snprintf(o->reason, sizeof o->reason, "the process that ran it ended unexpectedly; this is our fault, and we have been told");
}

static void job_end(struct job *j, const struct job_outcome *o) {
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
    over(&o, JOB_CANCELLED, "cancelled");
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
static void leave(struct job *j) {
  struct job_runner *r = j->runner;
  struct job **p = &r->running_jobs;
  while (*p != j) p = &(*p)->next;
  *p = j->next;
  r->stats.running--;
  j->tenant->running--;
  tenant_drop_if_idle(r, j->tenant);
  j->tenant = NULL;
}

static void check_work(void *arg) {
  struct job *j = arg;
  j->valid = json_valid_object(j->result.data ? j->result.data : "", j->result.len);
}

static void check_done(void *arg) {
  struct job *j = arg;
  if (!j->valid && !j->protocol[0]) snprintf(j->protocol, sizeof j->protocol, "a result that is no JSON object");
  leave(j);
  struct job_outcome o = {.waited_ms = j->started_ms - j->submitted_ms, .ran_ms = j->ran_ms};
  judge(j, &o);
  job_end(j, &o);
}

static void finish_if_over(struct job *j) {
  if (!j->child_ended || !j->stream_ended || j->checking) return;
  j->checking = true;
  j->ran_ms = loop_now_ms(j->runner->loop) - j->started_ms;
  struct err err;
  if (j->has_result && j->result.len > 65536 && loop_work(j->runner->loop, check_work, check_done, j, &err) == OK) return;
  if (j->has_result) check_work(j);  // short, or the pool is full
  else j->valid = true;
  check_done(j);
}

static void kill_child(struct job *j) {
  if (j->child) loop_child_kill(j->child, SIGKILL);
}

// ---- frames

static void misbehaved(struct job *j, const char *why) {
  snprintf(j->protocol, sizeof j->protocol, "%s", why);
  kill_child(j);
}

static void take_frame(struct job *j) {
  struct buf *p = &j->reader.payload;
  if (j->has_result || j->has_error) {
    misbehaved(j, "a frame after the last one");
  } else if (j->reader.type == JOB_PROGRESS && p->len == 4) {
    uint32_t permille = (unsigned char)p->data[0] | (uint32_t)(unsigned char)p->data[1] << 8;
    if (permille <= j->permille || permille > 1000) return;
    j->permille = permille;
    if (j->request.on_progress && !j->cancelled) j->request.on_progress(j->request.arg, permille);
  } else if (j->reader.type == JOB_RESULT) {
    j->has_result = true;
    struct buf swap = j->result;
    j->result = *p;
    *p = swap;
  } else if (j->reader.type == JOB_ERROR) {
    j->has_error = true;
    buf_add(&j->error, p->data, p->len);
  } else {
    misbehaved(j, "a frame that only we may send");
  }
}

static void read_some(struct job *j) {
  static unsigned char bytes[256 * 1024];  // one loop, one thread
  for (int round = 0; round < 16; round++) {  // then others get their turn
    ssize_t n = recv(j->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      j->stream_ended = true;
      loop_watch_set(j->watch, 0);
      return;
    }
    const unsigned char *p = bytes;
    for (size_t left = (size_t)n; left > 0 && !j->protocol[0];) {
      struct err err;
      bool whole;
      if (job_reader_take(&j->reader, &p, &left, &whole, &err) != OK) misbehaved(j, err.msg);
      else if (whole) take_frame(j);
    }
  }
}

static void write_some(struct job *j) {
  while (j->sent < j->out.len) {
    ssize_t n = send(j->fd, j->out.data + j->sent, j->out.len - j->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n < 0) break;  // it has gone; reading tells
    j->sent += (size_t)n;
  }
  buf_finish(&j->out);
  j->sent = 0;
  loop_watch_set(j->watch, LOOP_READABLE);
}

static void on_socket(void *arg, unsigned events) {
  struct job *j = arg;
  if (events & LOOP_WRITABLE) write_some(j);
  if (events & LOOP_READABLE) {
    read_some(j);
    finish_if_over(j);
  }
}

static void on_child_exit(void *arg, int code, int signum) {
  struct job *j = arg;
  j->child_ended = true;
  j->child = NULL;
  j->code = code;
  j->signum = signum;
  loop_timer_stop(j->wall);
  finish_if_over(j);  // else the socket holds more; its end comes, since nobody has the other end open
}

static void on_wall(void *arg) {
  struct job *j = arg;
  j->over_wall = true;
  kill_child(j);
}

// ---- starting

static void add_frame(struct buf *out, enum job_frame type, const char *bytes, size_t len) {
  unsigned char head[JOB_FRAME_HEAD];
  job_frame_head(head, type, (uint32_t)len);
  buf_add(out, head, sizeof head);
  if (len) buf_add(out, bytes, len);
}

static enum status spawn(struct job *j, int child_fd, struct err *err) {
  struct job_runner *r = j->runner;
  char cpu[24], memory[24], result[24], data[16];
  snprintf(cpu, sizeof cpu, "%" PRId64, j->limits.cpu_s);
  snprintf(memory, sizeof memory, "%" PRIu64, j->limits.memory_bytes);
  snprintf(result, sizeof result, "%" PRIu64, j->limits.result_bytes);
  snprintf(data, sizeof data, "%u", j->fd_count);
  const char *argv[] = {"perigee", "host", "--job", "--cpu-s", cpu, "--memory-bytes", memory, "--result-bytes", result, "--data-count", data, NULL};
  int pass[1 + JOB_FDS_MAX] = {child_fd};
  for (unsigned i = 0; i < j->fd_count; i++) pass[1 + i] = j->fds[i];
  // A clean environment; TZDIR alone says where zones are.
  char tz[512] = "";
  const char *tzdir = getenv("TZDIR"), *env[] = {NULL, NULL};
  if (tzdir && snprintf(tz, sizeof tz, "TZDIR=%s", tzdir) < (int)sizeof tz) env[0] = tz;
  struct loop_spawn s = {.file = r->exe, .argv = argv, .env = env, .in_fd = -1, .out_fd = -1, .err_fd = r->o.stderr_fd, .fds = pass, .fd_count = 1 + j->fd_count,
                         .on_exit = on_child_exit, .arg = j};
  return loop_spawn(r->loop, &s, &j->child, err);
}

static enum status launch(struct job *j, struct err *err) {
  struct job_runner *r = j->runner;
  int pair[2] = {-1, -1};
  enum status st = loop_socketpair(pair, err);
  j->fd = pair[0];
  if (st == OK) st = loop_watch_create(r->loop, j->fd, on_socket, j, &j->watch, err);
  if (st == OK) st = loop_timer_create(r->loop, on_wall, j, &j->wall, err);
  if (st == OK) st = spawn(j, pair[1], err);
  if (pair[1] >= 0) close(pair[1]);
  if (st != OK) return st;
  loop_watch_set(j->watch, LOOP_READABLE | LOOP_WRITABLE);
  loop_timer_start(j->wall, j->limits.wall_ms, 0);
  return OK;
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
  if (j->load_status == OK && !j->cancelled) j->load_status = launch(j, &j->load_err);
  for (unsigned i = 0; i < j->fd_count; i++) close(j->fds[i]);
  if (j->load_status == OK && !j->cancelled) {
    r->stats.started++;
    if (j->request.on_start) j->request.on_start(j->request.arg);
    return;
  }
  leave(j);
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
    kill_child(j);
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

enum status job_memfd(const char *name, const void *bytes, size_t len, int *ret_fd, struct err *err) {
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return err_errno(err, errno, "memfd");
  const char *p = bytes;
  for (size_t left = len; left > 0;) {
    ssize_t n = write(fd, p, left);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      enum status st = err_errno(err, n == 0 ? EIO : errno, "memfd");
      close(fd);
      return st;
    }
    p += n;
    left -= (size_t)n;
  }
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    enum status st = err_errno(err, errno, "memfd seals");
    close(fd);
    return st;
  }
  *ret_fd = fd;
  return OK;
}
