// backtest/job_process.c – a job's child: started, talked to, judged by how it ended.
#include "backtest/job_impl.h"

#include "backtest/json_valid.h"
#include "base/json.h"
#include "loop/clock.h"

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

void job_over(struct job_outcome *o, enum job_end end, const char *fmt, ...) {
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
    job_over(o, JOB_CANCELLED, "cancelled");
  } else if (j->over_wall) {
    job_over(o, JOB_OVER_WALL, "it ran longer than the %" PRId64 " seconds allowed", j->limits.wall_ms / 1000);
  } else if (j->signum == SIGXCPU || (j->signum == SIGKILL && j->ran_ms >= j->limits.cpu_s * 1000)) {
    job_over(o, JOB_OVER_CPU, "it used more than the %" PRId64 " seconds of computing time allowed", j->limits.cpu_s);
  } else if (j->signum == SIGKILL) {
    job_over(o, JOB_OVER_MEMORY, "the system stopped it, most likely for want of memory");
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

static void check_work(void *arg) {
  struct job *j = arg;
  j->valid = json_valid_object(j->result.data ? j->result.data : "", j->result.len);
}

static void check_done(void *arg) {
  struct job *j = arg;
  if (!j->valid && !j->protocol[0]) snprintf(j->protocol, sizeof j->protocol, "a result that is no JSON object");
  job_leave(j);
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

void job_kill(struct job *j) {
  if (j->child) loop_child_kill(j->child, SIGKILL);
}

// ---- frames

static void misbehaved(struct job *j, const char *why) {
  snprintf(j->protocol, sizeof j->protocol, "%s", why);
  job_kill(j);
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
  job_kill(j);
}

// ---- starting

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

enum status job_launch(struct job *j, struct err *err) {
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
