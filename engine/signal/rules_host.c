// signal/rules_host.c – see rules_host.h.
//
// Who is to blame for a death is the question that was first in line: questions behind it are asked again of the next process.
#include "signal/rules_host.h"

#include "base/buf.h"
#include "loop/loop.h"
#include "signal/rules_child.h"
#include "signal/stages.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MS 2000
#define KNOWN_MAX (RULES_KEPT / 2)  // sources the child is believed to have; then all are told anew
#define DEATHS_MAX 3                // running, without an answer between: it cannot be started, and questions are refused

struct question {
  struct question *next;
  int64_t n;
  json_t *body;            // with the sources; kept until the answer is there
  rules_answered fn;
  void *arg;
};

struct rules_host {
  struct rules_host_options o;
  char *exe;
  struct loop_child *child;
  struct loop_watch *watch;
  struct loop_timer *late, *starter;
  int fd;                  // -1: no process
  bool ended;              // the process has ended; its descriptor is read to the end
  bool timing;             // late runs
  unsigned generation;     // of processes
  struct buf in, out;
  size_t sent;
  struct question *first, **last;
  int64_t n;
  int deaths;
  char known[KNOWN_MAX][65];
  int known_count;
  struct rules_host_stats stats;
};

static void pump(struct rules_host *h);
static void process_lost(struct rules_host *h, const char *why);

static void on_start(void *arg) { pump(arg); }

static void on_late(void *arg) {
  struct rules_host *h = arg;
  h->timing = false;
  process_lost(h, "did not answer");
  pump(h);
}

struct rules_host_stats rules_host_stats(const struct rules_host *h) { return h->stats; }

enum status rules_host_create(const struct rules_host_options *options, struct rules_host **ret, struct err *err) {
  struct rules_host *h = calloc(1, sizeof *h);
  if (!h || !(h->exe = strdup(options->exe))) return free(h), err_set(err, ERR_NOMEM, "out of memory");
  h->o = *options;
  if (h->o.answer_ms <= 0) h->o.answer_ms = ANSWER_MS;
  h->fd = -1;
  h->last = &h->first;
  enum status st = loop_timer_create(h->o.loop, on_late, h, &h->late, err);
  if (st == OK) st = loop_timer_create(h->o.loop, on_start, h, &h->starter, err);
  if (st != OK) return rules_host_destroy(h), st;
  buf_init(&h->in, RULES_LINE_MAX + 65536);
  buf_init(&h->out, 64u << 20);
  *ret = h;
  return OK;
}

// ---- questions

static void question_end(struct rules_host *h, bool accept, json_t *log, json_t *signal, const struct err *err) {
  struct question *q = h->first;
  h->first = q->next;
  if (!h->first) h->last = &h->first;
  h->stats.waiting--;
  q->fn(q->arg, accept, log, signal, err);
  json_decref(q->body);
  free(q);
}

static bool is_known(const struct rules_host *h, const char *sha) {
  for (int i = 0; i < h->known_count; i++)
    if (strcmp(h->known[i], sha) == 0) return true;
  return false;
}

static void learn(struct rules_host *h, const char *sha) {
  if (h->known_count == KNOWN_MAX) h->known_count = 0;
  snprintf(h->known[h->known_count++], sizeof h->known[0], "%s", sha);
}

// The question as it goes over: sources only where the child does not have them.
static void write_question(struct rules_host *h, const struct question *q, bool all) {
  json_t *body = json_copy(q->body), *stages = json_object_get(q->body, "stages") ? json_array() : NULL, *s;
  size_t i;
  json_array_foreach(json_object_get(q->body, "stages"), i, s) {
    const char *sha = json_string_value(json_object_get(s, "sha"));
    json_t *told = json_copy(s);
    if (!all && is_known(h, sha)) json_object_del(told, "source");
    else if (!is_known(h, sha)) learn(h, sha);
    json_array_append_new(stages, told);
  }
  if (stages) json_object_set_new(body, "stages", stages);
  char *text = json_dumps(body, JSON_COMPACT);
  if (text) {
    buf_str(&h->out, text);
    buf_add(&h->out, "\n", 1);
  }
  free(text);
  json_decref(body);
}

static json_t *stage_json(const struct rules_stage *s) {
  json_t *v = json_pack("{s:s, s:s, s:s, s:s%}", "name", s->name, "sha", s->sha256, "file", s->file, "source", s->source, s->source_len);
  if (v && s->settings) json_object_set(v, "settings", (json_t *)s->settings);
  return v;
}

// Takes body, which gets its number.
static enum status queue(struct rules_host *h, json_t *body, rules_answered fn, void *arg, struct err *err) {
  struct question *q = body ? calloc(1, sizeof *q) : NULL;
  if (!q) return json_decref(body), err_set(err, ERR_NOMEM, "out of memory");
  *q = (struct question){.n = ++h->n, .body = body, .fn = fn, .arg = arg};
  json_object_set_new(body, "n", json_integer(q->n));
  *h->last = q;
  h->last = &q->next;
  h->stats.asked++;
  h->stats.waiting++;
  if (h->fd < 0) return loop_timer_start(h->starter, 0, 0), OK;  // not from inside: it may fail, and fail those that wait
  write_question(h, q, false);
  pump(h);
  return OK;
}

enum status rules_host_ask(struct rules_host *h, const struct rules_stage *stages, size_t count, const json_t *signal, const json_t *env, rules_answered fn,
  void *arg, struct err *err) {
  if (count > STAGES_MAX) return err_set(err, ERR_LIMIT, "%zu stages, at most %d are allowed", count, STAGES_MAX);
  json_t *list = json_array();
  bool good = list != NULL;
  for (size_t i = 0; good && i < count; i++) good = json_array_append_new(list, stage_json(&stages[i])) == 0;
  json_t *body = good ? json_pack("{s:O, s:O, s:O}", "signal", signal, "env", env, "stages", list) : NULL;
  json_decref(list);
  return queue(h, body, fn, arg, err);
}

enum status rules_host_describe(struct rules_host *h, const char *file, const char *source, size_t len, rules_answered fn, void *arg, struct err *err) {
  return queue(h, json_pack("{s:{s:s, s:s%}}", "describe", "file", file, "source", source, len), fn, arg, err);
}

// ---- the process

static void close_process(struct rules_host *h) {
  if (h->fd < 0) return;
  h->generation++;
  if (h->timing) loop_timer_stop(h->late);
  h->timing = false;
  loop_watch_destroy(h->watch);
  close(h->fd);
  h->watch = NULL;
  h->fd = -1;
  h->known_count = 0;
  h->sent = 0;
  buf_clear(&h->in);
  buf_clear(&h->out);
}

// It is gone, or must go: the first question is refused, the others are asked again.
static void process_lost(struct rules_host *h, const char *why) {
  struct err err;
  h->stats.died++;
  h->deaths++;
  if (h->child) loop_child_kill(h->child, SIGKILL);
  if (h->o.log) h->o.log(h->o.log_arg, "rules_died", why);
  close_process(h);
  if (h->first) {
    (void)err_set(&err, ERR_BUDGET, "the process that asks the rules %s", why);
    question_end(h, false, NULL, NULL, &err);
  }
}

static void on_exit_child(void *arg, int code, int signum) {
  struct rules_host *h = arg;
  (void)code, (void)signum;
  h->child = NULL;
  if (h->fd < 0) return pump(h);  // killed by us; the next may start
  h->ended = true;  // what it wrote is read first
}

static void take_line(struct rules_host *h, const char *line, size_t len) {
  json_t *answer = json_loadb(line, len, 0, NULL);
  const int64_t n = json_integer_value(json_object_get(answer, "n"));
  if (!h->first || n != h->first->n) {
    process_lost(h, "answered what nobody asked");
  } else if (json_is_true(json_object_get(answer, "missing"))) {
    // Questions behind it are on their way already, and answers keep their order: all are asked anew, of another process.
    if (h->child) loop_child_kill(h->child, SIGKILL);
    close_process(h);
  } else {
    struct err err = {0};
    json_t *log = json_object_get(answer, "log"), *signal = json_object_get(answer, "signal");
    h->deaths = 0;
    loop_timer_stop(h->late);
    h->timing = false;
    if (json_is_array(log) && json_is_object(signal)) question_end(h, json_is_true(json_object_get(answer, "accept")), log, signal, &err);
    else process_lost(h, "answered what is no answer");
  }
  json_decref(answer);
}

static void read_some(struct rules_host *h) {
  char bytes[65536];
  for (;;) {
    const ssize_t n = recv(h->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0) return process_lost(h, "ended unexpectedly");
    buf_add(&h->in, bytes, (size_t)n);
    if (h->in.failed) return process_lost(h, "answered without end");
    size_t from = 0;
    const unsigned generation = h->generation;
    for (const char *end; h->generation == generation && from < h->in.len && (end = memchr(h->in.data + from, '\n', h->in.len - from));) {
      const char *line = h->in.data + from;
      from = (size_t)(end - h->in.data) + 1;
      take_line(h, line, (size_t)(end - line));
    }
    if (h->generation != generation) return;
    memmove(h->in.data, h->in.data + from, h->in.len - from);
    h->in.len -= from;
  }
}

static void write_some(struct rules_host *h) {
  while (h->sent < h->out.len) {
    const ssize_t n = send(h->fd, h->out.data + h->sent, h->out.len - h->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;  // full, or gone: reading tells
    h->sent += (size_t)n;
  }
  if (h->sent == h->out.len) {
    buf_clear(&h->out);
    h->sent = 0;
  }
  loop_watch_set(h->watch, LOOP_READABLE | (h->out.len ? LOOP_WRITABLE : 0));
}

static void on_socket(void *arg, unsigned events) {
  struct rules_host *h = arg;
  if (events & LOOP_WRITABLE) write_some(h);
  if (events & LOOP_READABLE) read_some(h);
  pump(h);
}

static enum status start(struct rules_host *h, struct err *err) {
  int pair[2] = {-1, -1};
  char tz[512] = "";
  const char *tzdir = getenv("TZDIR"), *env[] = {NULL, NULL}, *argv[] = {"perigee", "host", "--rules", NULL};
  if (tzdir && snprintf(tz, sizeof tz, "TZDIR=%s", tzdir) < (int)sizeof tz) env[0] = tz;
  enum status st = loop_socketpair(pair, err);
  if (st != OK) return st;
  struct loop_spawn s = {.file = h->exe, .argv = argv, .env = env, .in_fd = -1, .out_fd = -1, .err_fd = 2, .fds = &pair[1], .fd_count = 1, .on_exit = on_exit_child, .arg = h};
  st = loop_watch_create(h->o.loop, pair[0], on_socket, h, &h->watch, err);
  if (st == OK) st = loop_spawn(h->o.loop, &s, &h->child, err);
  close(pair[1]);
  if (st != OK) {
    if (h->watch) loop_watch_destroy(h->watch);
    h->watch = NULL;
    close(pair[0]);
    return st;
  }
  h->fd = pair[0];
  h->ended = false;
  for (const struct question *q = h->first; q; q = q->next) write_question(h, q, false);
  loop_timer_start(h->late, h->o.answer_ms + 5000, 0);  // the first answer has a start before it
  h->timing = true;
  return OK;
}

// Whatever can be done now: start the process, refuse when it cannot be, write.
static void pump(struct rules_host *h) {
  struct err err;
  while (h->first && h->fd < 0 && !h->child) {
    enum status st = h->deaths >= DEATHS_MAX ? err_set(&err, ERR_IO, "the process that asks the rules keeps on ending") : start(h, &err);
    if (st == OK) break;
    if (h->deaths >= DEATHS_MAX) h->deaths--;  // the one after next tries again
    question_end(h, false, NULL, NULL, &err);
  }
  if (h->fd >= 0 && h->out.len) write_some(h);
  if (h->fd >= 0 && h->first && !h->timing) {
    loop_timer_start(h->late, h->o.answer_ms, 0);
    h->timing = true;
  }
}

void rules_host_destroy(struct rules_host *h) {
  if (!h) return;
  if (h->child) {
    loop_child_forget(h->child);
    loop_child_kill(h->child, SIGKILL);
  }
  close_process(h);
  loop_timer_destroy(h->late);
  loop_timer_destroy(h->starter);
  while (h->first) {
    struct question *q = h->first;
    h->first = q->next;
    json_decref(q->body);
    free(q);
  }
  buf_finish(&h->in);
  buf_finish(&h->out);
  free(h->exe);
  free(h);
}
