#include "backtest/job_child.h"

#include "backtest/backtest.h"
#include "backtest/job_wire.h"
#include "backtest/optimize_out.h"
#include "backtest/optimize_request.h"
#include "backtest/optimize_run.h"
#include "backtest/request.h"
#include "backtest/result_out.h"
#include "backtest/verdict.h"
#include "bot/jail.h"
#include "bot/replay_task.h"
#include "loop/clock.h"
#include "loop/watchdog.h"
#include "market/segment.h"
#include "market/tz_files.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PROGRESS_NS (50 * NS_PER_MS)  // between two frames
#define QUICK_CPU_NS (150 * NS_PER_MS)  // of a check's run
#define WALKS 3                       // the run and its two other paths

struct child {
  const struct job_child_options *options;
  struct watchdog *dog;
  struct backtest_request *request;
  struct buf source;
  struct script_spec *spec;
  struct param_value values[SPEC_PARAMS_MAX];
  struct series series[BACKTEST_FILES_MAX];
  // progress
  int walk;
  size_t last_done;
  int64_t last_sent_ns;
  uint32_t last_permille;
};

// ---- frames

// False when the parent has gone: nobody is left to tell.
static bool send_all(int fd, const void *bytes, size_t len) {
  for (const char *p = bytes; len > 0;) {
    ssize_t n = write(fd, p, len);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    p += n;
    len -= (size_t)n;
  }
  return true;
}

static bool send_frame(const struct child *c, enum job_frame type, const void *bytes, size_t len) {
  unsigned char head[JOB_FRAME_HEAD];
  job_frame_head(head, type, (uint32_t)len);
  return send_all(c->options->socket, head, sizeof head) && send_all(c->options->socket, bytes, len);
}

static enum status receive(struct child *c, struct buf *ret_request, struct err *err) {
  struct job_reader r;
  job_reader_init(&r, JOB_REQUEST_BYTES_MAX);
  bool got_request = false, got_source = false;
  enum status st = OK;
  unsigned char bytes[65536];
  while (st == OK && !(got_request && got_source)) {
    ssize_t n = read(c->options->socket, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) st = err_set(err, ERR_IO, "the service has gone");
    const unsigned char *p = bytes;
    for (size_t left = n > 0 ? (size_t)n : 0; st == OK && left > 0;) {
      bool whole;
      st = job_reader_take(&r, &p, &left, &whole, err);
      if (st != OK || !whole) continue;
      struct buf *to = r.type == JOB_REQUEST ? ret_request : r.type == JOB_SOURCE ? &c->source : NULL;
      if (!to) st = err_set(err, ERR_INVALID, "a frame of type %d", r.type);
      else buf_add(to, r.payload.data, r.payload.len);
      got_request |= r.type == JOB_REQUEST;
      got_source |= r.type == JOB_SOURCE;
      if (to && to->failed) st = err_set(err, ERR_NOMEM, "out of memory");
    }
  }
  job_reader_finish(&r);
  return st;
}

// "sma.lua:14:3: …" or "sma.lua:14: …", wherever the chunk's name stands in the message.
static void find_line(const char *message, const char *chunk, int *ret_line, int *ret_column) {
  *ret_line = *ret_column = 0;
  size_t n = strlen(chunk);
  for (const char *p = message; n > 0 && (p = strstr(p, chunk)); p += n) {
    if (p[n] != ':') continue;
    char *end;
    long line = strtol(p + n + 1, &end, 10);
    if (end == p + n + 1 || line <= 0 || line > 1000000) continue;
    *ret_line = (int)line;
    if (*end == ':') {
      char *after;
      long column = strtol(end + 1, &after, 10);
      if (after > end + 1 && *after == ':' && column > 0 && column < 1000000) *ret_column = (int)column;
    }
    return;
  }
}

static const char *error_code(enum status st) {
  switch (st) {
    case ERR_SCRIPT: return "script";
    case ERR_BUDGET: return "budget";
    case ERR_NOMEM: return "memory";
    case ERR_LIMIT: return "limit";
    case ERR_INVALID: case ERR_RANGE: case ERR_USAGE: case ERR_NOTFOUND: return "invalid";
    default: return "internal";
  }
}

static bool send_error(const struct child *c, enum status st, const char *message) {
  int line = 0, column = 0;
  if (c->request) find_line(message, c->request->name, &line, &column);
  struct buf b;
  struct json_out j;
  buf_init(&b, JOB_ERROR_BYTES_MAX);
  json_out_init(&j, &b, false);
  jo_open(&j, NULL, '{');
  jo_text(&j, "code", error_code(st));
  jo_text(&j, "message", message);
  jo_int(&j, "line", line);
  jo_int(&j, "column", column);
  jo_close(&j);
  static const char none[] = "{\"code\":\"memory\",\"message\":\"out of memory\",\"line\":0,\"column\":0}";
  bool sent = b.failed ? send_frame(c, JOB_ERROR, none, sizeof none - 1) : send_frame(c, JOB_ERROR, b.data, b.len);
  buf_finish(&b);
  return sent;
}

static bool show_permille(struct child *c, uint32_t permille) {
  int64_t now_ns = clock_monotonic_ns();
  if (permille <= c->last_permille || now_ns - c->last_sent_ns < PROGRESS_NS) return true;
  c->last_sent_ns = now_ns;
  c->last_permille = permille;
  unsigned char p[4] = {(unsigned char)permille, (unsigned char)(permille >> 8), 0, 0};
  return send_frame(c, JOB_PROGRESS, p, sizeof p);
}

// A walk begins anew where `done` falls back.
static bool show_progress(void *self, size_t done, size_t total) {
  struct child *c = self;
  if (done < c->last_done && c->walk < WALKS - 1) c->walk++;
  c->last_done = done;
  double share = total ? (double)done / (double)total : 0;
  int walks = c->request->config.single_path ? 1 : WALKS;
  return show_permille(c, (uint32_t)(1000 * (c->walk + share) / walks));
}

static bool show_checks(void *self, size_t done, size_t total) { return show_permille(self, (uint32_t)(1000 * done / (total ? total : 1))); }

// ---- inputs

static enum status load_data(struct child *c, int i, struct err *err) {
  const struct request_data *d = &c->request->data[i];
  struct series *s = &c->series[i];
  int fd = c->options->socket + 1 + i;
  off_t size = lseek(fd, 0, SEEK_END);  // fstat() takes a path, so the jail forbids it
  if (size <= 0) return err_set(err, ERR_IO, "/data/%d: its descriptor holds nothing", i);
  size_t len = (size_t)size;
  void *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED) return err_errno(err, errno, "/data/%d", i);
  enum status st;
  if (d->csv) {
    struct csv_options o = {.symbol = d->symbol[0] ? d->symbol : NULL, .timeframe_ns = d->timeframe_ns};
    st = csv_load_bytes(d->label[0] ? d->label : "data.csv", bytes, len, &o, s, NULL, err);
  } else {
    st = series_unpack(bytes, len, s, err);
  }
  munmap(bytes, len);
  if (st != OK) return err_wrap(err, st, "/data/%d", i);
  if (!d->label[0]) {
    char timeframe[TIMEFRAME_TEXT_MAX];
    snprintf(c->request->data[i].label, sizeof d->label, "%s %s", s->inst.symbol, timeframe_text(s->timeframe_ns, timeframe));
  }
  return st;
}

static enum status load_all(struct child *c, struct err *err) {
  struct backtest_request *q = c->request;
  if (q->data_count != c->options->data_count) return err_set(err, ERR_INVALID, "/data: %d entries for %d descriptors", q->data_count, c->options->data_count);
  for (int i = 0; i < q->data_count; i++) {
    enum status st = load_data(c, i, err);
    if (st != OK) return st;
    const struct series **extra = q->data[i].role == ROLE_DETAIL ? &q->config.detail_series : q->data[i].role == ROLE_MARK ? &q->config.mark_series : NULL;
    if (extra && *extra) return err_set(err, ERR_INVALID, "/data/%d/role: it is there twice", i);
    if (extra) *extra = &c->series[i];
    else q->config.files[q->config.file_count++] = (struct backtest_file){q->data[i].stream[0] ? q->data[i].stream : NULL, q->data[i].label, &c->series[i]};
  }
  return OK;
}

// ---- the kinds of work

// What the script is, and the parameters that were asked for.
static enum status describe(struct child *c, struct err *err) {
  struct backtest_config *bc = &c->request->config;
  enum status st = script_describe(bc->script_path, bc->source, bc->source_len, c->dog, &c->spec, err);
  if (st == OK) st = request_params(c->request, c->spec, c->values, err);
  bc->spec = c->spec;
  bc->values = c->values;
  return st;
}

static enum status run_backtest(struct child *c, struct buf *out, struct err *err) {
  struct backtest_config *bc = &c->request->config;
  struct backtest_data data = {0};
  struct result r;
  result_init(&r);
  double max_notional;
  enum status st = describe(c, err);
  if (st == OK) st = script_check_params(bc->script_path, bc->source, bc->source_len, c->spec, c->values, c->dog, &max_notional, err);
  bc->progress = show_progress;
  bc->progress_self = c;
  if (st == OK) st = load_all(c, err);
  if (st == OK) st = backtest_data_load(bc, &data, &r, err);
  if (st == OK) {
    st = request_echo(c->request, bc, &data, c->options->engine_version, &r, err);
    r.max_notional_known = c->spec->has_max_notional && isfinite(max_notional);
    r.max_notional = max_notional;
    if (st == OK) st = backtest_run(bc, &data, &r, err);
    if (st == OK) result_json(&r, out);
    backtest_data_finish(&data);
  }
  result_finish(&r);
  return st;
}

static void show_runs(void *self, size_t done, size_t total) { (void)!show_checks(((struct optimize_bench *)self)->self, done, total); }

// Its time is used up before the plan's is: what was found is worth more than being killed.
#define OPTIMIZE_CPU_SHARE_PCT 70

static enum status run_optimize(struct child *c, struct buf *out, struct err *err) {
  struct backtest_config *bc = &c->request->config;
  struct optimize_options *o = calloc(1, sizeof *o);
  struct optimize_bench *b = calloc(1, sizeof *b);
  struct optimum *found = calloc(1, sizeof *found);
  struct result head;
  result_init(&head);
  enum status st = o && b && found ? describe(c, err) : err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) {
    optimize_options_init(o, c->spec);
    st = optimize_request_parse(c->request->optimize, true, o, err);
  }
  if (st == OK) st = load_all(c, err);
  if (st == OK) st = optimize_bench_open(b, bc, &o->space, &head, err);
  if (st == OK) st = request_echo(c->request, bc, &b->data, c->options->engine_version, &head, err);
  size_t bars = 0;
  const int64_t *times_ns = st == OK ? optimize_bench_times(b, &bars) : NULL;
  if (st == OK && !times_ns) st = err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) {
    b->self = c;
    b->soft_cpu_ns = c->options->cpu_s * NS_PER_S / 100 * OPTIMIZE_CPU_SHARE_PCT;
    const struct optimize_runner runner = {.run = optimize_bench_run_all, .progress = show_runs, .self = b};
    st = optimize(o, times_ns, bars, &runner, found, err);
    if (st == OK) optimum_json(o, found, &head, out);
  }
  if (found) optimum_finish(found);
  if (b) optimize_bench_close(b);
  result_finish(&head);
  free(found);
  free(b);
  free(o);
  return st;
}

static enum status run_verdict(struct child *c, struct buf *out, struct err *err) {
  struct backtest_config *bc = &c->request->config;
  enum status st = load_all(c, err);
  if (st != OK) return st;
  const bool quick = c->request->kind == REQUEST_CHECK;
  struct verdict_options o = {.config = bc, .request = c->request, .quick = quick, .run_cpu_ns = quick ? QUICK_CPU_NS : 0, .progress = show_checks, .progress_self = c};
  return verdict_json(&o, out, err);
}

static void show_replay(void *self, unsigned permille) { (void)!show_permille(self, permille); }

static int add_text(const char *text, size_t len, void *out) {
  buf_add(out, text, len);
  return ((struct buf *)out)->failed ? -1 : 0;
}

// A bot's run, gathered by the service (bot/replay_pack.h), in the first descriptor.
static enum status run_replay(struct child *c, const json_t *task, struct buf *out, struct err *err) {
  const int fd = c->options->socket + 1;
  if (c->options->data_count != 1) return err_set(err, ERR_INVALID, "a replay has one descriptor, not %d", c->options->data_count);
  const off_t size = lseek(fd, 0, SEEK_END);
  if (size <= 0) return err_set(err, ERR_IO, "the run's descriptor holds nothing");
  void *pack = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (pack == MAP_FAILED) return err_errno(err, errno, "the run");
  json_t *told = NULL;
  enum status st = replay_task(task, pack, (size_t)size, c->dog, show_replay, c, &told, err);
  munmap(pack, (size_t)size);
  if (st == OK && json_dump_callback(told, add_text, out, JSON_COMPACT) != 0) out->failed = true;
  json_decref(told);
  return st;
}

// The request's own kind; the rest of it is that kind's to read.
static json_t *replay_of(const struct buf *request) {
  json_t *tree = json_loadb(request->data ? request->data : "", request->len, 0, NULL);
  const char *kind = json_string_value(json_object_get(tree, "kind"));
  if (kind && strcmp(kind, "replay") == 0) return tree;
  json_decref(tree);
  return NULL;
}

static enum status work(struct child *c, struct buf *out, struct err *err) {
  struct buf request;
  buf_init(&request, JOB_REQUEST_BYTES_MAX + 1);
  buf_init(&c->source, JOB_SOURCE_BYTES_MAX + 1);
  struct backtest_request *q = calloc(1, sizeof *q);
  c->request = q;
  enum status st = q ? receive(c, &request, err) : err_set(err, ERR_NOMEM, "out of memory");
  json_t *replay = st == OK ? replay_of(&request) : NULL;
  if (st == OK && !replay) st = request_parse(request.data ? request.data : "", request.len, q, err);
  buf_finish(&request);
  if (st == OK && replay) {
    st = run_replay(c, replay, out, err);
  } else if (st == OK) {
    q->config.script_path = q->name;
    q->config.source = c->source.data ? c->source.data : "";
    q->config.source_len = c->source.len;
    q->config.watchdog = c->dog;
    static enum status (*const kinds[])(struct child *, struct buf *, struct err *) = {
      [REQUEST_BACKTEST] = run_backtest, [REQUEST_VERDICT] = run_verdict, [REQUEST_CHECK] = run_verdict, [REQUEST_OPTIMIZE] = run_optimize};
    st = kinds[q->kind](c, out, err);
  }
  if (st == OK && out->failed && replay) st = err_set(err, ERR_LIMIT, "the answer is longer than the %llu bytes allowed: ask for a shorter period", (unsigned long long)c->options->result_bytes);
  json_decref(replay);
  if (st == OK && out->failed) st = err_set(err, ERR_LIMIT, "the result is longer than the %llu bytes allowed: log, plot and trade less", (unsigned long long)c->options->result_bytes);
  return st;
}

int job_child_run(const struct job_child_options *o) {
  static struct child c;  // large, and a process runs one job
  c.options = o;
  struct err err;
  int keep[2 + BACKTEST_FILES_MAX] = {2, o->socket};
  if (o->data_count < 0 || o->data_count > BACKTEST_FILES_MAX) return 1;
  for (int i = 0; i < o->data_count; i++) keep[2 + i] = o->socket + 1 + i;
  (void)!nice(10);  // who waits for an answer of the service goes first
  // Before the jail: what opens files or starts threads. Nothing of the customer's has been read yet.
  json_object_seed(0);  // /dev/urandom
  enum status st = tz_preload(&err);
  if (st == OK) st = watchdog_create(&c.dog, &err);
  if (st == OK) st = jail_enter(&(struct jail_options){.keep = keep, .keep_count = 2 + (size_t)o->data_count, .cpu_s = o->cpu_s, .address_bytes = o->address_bytes}, &err);
  struct buf out;
  buf_init(&out, o->result_bytes);
  bool sent;
  if (st != OK) {
    sent = send_error(&c, st, err.msg);
  } else {
    st = work(&c, &out, &err);
    sent = st == OK ? send_frame(&c, JOB_RESULT, out.data, out.len) : send_error(&c, st, err.msg);
  }
  buf_finish(&out);
  for (int i = 0; i < BACKTEST_FILES_MAX; i++) series_finish(&c.series[i]);
  if (c.request) request_finish(c.request);
  free(c.request);
  free(c.spec);
  buf_finish(&c.source);
  watchdog_destroy(c.dog);
  tz_preload_finish();
  if (jail_is_loose) _exit(sent ? 0 : 1);  // a leak check at exit would start a helper process, which the jail forbids
  return sent ? 0 : 1;
}
