// signal/rules_lane.c – see rules_impl.h: one process that asks rules, its socket both ways, its start, its end, and whether it still moves.
#include "signal/rules_impl.h"

#include "bot/host_word.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "signal/rules_child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NS_PER_MS INT64_C(1000000)
#define WINDOW_SHARED 32     // questions under way: enough to keep the process busy, few enough that nobody waits long behind others
#define START_CPU_MS 5000    // more than a stage may take, until the first answer: it reads the time zones
#define START_MS 20000
#define BACKOFF_MS 20
#define BACKOFF_MAX_MS 1000

static void on_socket(void *arg, unsigned events);

static void on_start(void *arg) { lane_pump(arg); }

enum status lane_init(struct rules_lane *l, struct rules_host *h, enum rules_lane_kind kind, struct err *err) {
  *l = (struct rules_lane){.host = h, .kind = kind, .fd = -1, .backoff_ms = BACKOFF_MS};
  l->last = &l->first;
  l->turn_last = &l->turn;
  buf_init(&l->in, RULES_LINE_MAX + 65536);
  buf_init(&l->out, 64u << 20);
  return loop_timer_create(rules_options(h)->loop, on_start, l, &l->starter, err);
}

bool lane_has_room(const struct rules_lane *l) { return l->in_flight < (l->kind == LANE_SHARED ? WINDOW_SHARED : 1); }

// ---- the end of a process

static void close_lane(struct rules_lane *l) {
  if (l->fd < 0) return;
  loop_watch_destroy(l->watch);
  close(l->fd);
  host_word_unmap(l->word);
  l->watch = NULL;
  l->word = NULL;
  l->fd = -1;
  l->sent = 0;
  l->mark_ms = 0;
  buf_clear(&l->in);
  buf_clear(&l->out);
}

void lane_kill(struct rules_lane *l) {
  if (l->child) {
    l->killed = true;
    loop_child_kill(l->child, SIGKILL);
  }
  close_lane(l);
}

static void lost(struct rules_lane *l, enum rules_loss loss) {
  const uint64_t word = host_word_get(l->word);
  lane_kill(l);
  rules_lost(l, loss, (int64_t)(word >> 8), (int)(word & 0xff) - 1);
}

static void read_some(struct rules_lane *l);

static void on_exit_child(void *arg, int code, int signum) {
  struct rules_lane *l = arg;
  (void)code;
  l->child = NULL;
  if (l->killed || l->fd < 0) {
    l->killed = false;
    close_lane(l);
    return rules_wanted(l);
  }
  const unsigned generation = l->generation;
  read_some(l);  // its last words; the socket's end is no news by then
  if (l->generation == generation && l->fd >= 0) lost(l, signum == SIGKILL ? LOSS_OUTSIDE : LOSS_DIED);
  rules_wanted(l);
}

void lane_finish(struct rules_lane *l) {
  if (l->child) {
    loop_child_forget(l->child);
    loop_child_kill(l->child, SIGKILL);
    l->child = NULL;
  }
  close_lane(l);
  loop_timer_destroy(l->starter);
  buf_finish(&l->in);
  buf_finish(&l->out);
}

// ---- both ways

static bool take_line(struct rules_lane *l, const char *line, size_t len) {
  json_t *answer = json_loadb(line, len, 0, NULL);
  const bool good = l->first && json_is_integer(json_object_get(answer, "n")) && json_integer_value(json_object_get(answer, "n")) == l->first->n;
  l->greeted = true;
  l->answers++;
  l->stillborn = 0;
  l->backoff_ms = BACKOFF_MS;
  const bool heard = good && rules_heard(l, answer);
  json_decref(answer);
  return heard;
}

static void read_some(struct rules_lane *l) {
  char bytes[65536];
  const unsigned generation = l->generation;
  for (;;) {
    const ssize_t n = recv(l->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;  // nothing more; the end is told by on_exit_child, which knows how it came
    buf_add(&l->in, bytes, (size_t)n);
    size_t from = 0;
    for (const char *end; !l->in.failed && from < l->in.len && (end = memchr(l->in.data + from, '\n', l->in.len - from)); from = (size_t)(end - l->in.data) + 1) {
      const bool good = take_line(l, l->in.data + from, (size_t)(end - l->in.data) - from);
      if (l->generation != generation || l->fd < 0) return;
      if (!good) return lost(l, LOSS_WORDS);
    }
    if (l->in.failed) return lost(l, LOSS_WORDS);
    memmove(l->in.data, l->in.data + from, l->in.len - from);
    l->in.len -= from;
  }
}

static void write_some(struct rules_lane *l) {
  while (l->sent < l->out.len) {
    const ssize_t n = send(l->fd, l->out.data + l->sent, l->out.len - l->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;  // full, or gone: its end tells
    l->sent += (size_t)n;
  }
  if (l->sent == l->out.len) {
    buf_clear(&l->out);
    l->sent = 0;
  }
  loop_watch_set(l->watch, LOOP_READABLE | (l->out.len ? LOOP_WRITABLE : 0));
}

static void on_socket(void *arg, unsigned events) {
  struct rules_lane *l = arg;
  const unsigned generation = l->generation;
  if (events & LOOP_WRITABLE) write_some(l);
  if (events & LOOP_READABLE) read_some(l);
  if (l->generation != generation || l->fd < 0) return;
  char byte;
  // A socket at its end is readable for ever.
  if ((events & LOOP_READABLE) && recv(l->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0) loop_watch_set(l->watch, 0);
  rules_wanted(l);
}

static void write_question(struct rules_lane *l, const struct question *q) {
  for (size_t i = 0; i < q->count; i++) {
    struct rules_source *s = q->sources[i];
    if (s->told[l->kind] == l->generation) continue;
    buf_add(&l->out, s->tell, s->tell_len);
    s->told[l->kind] = l->generation;
  }
  buf_add(&l->out, q->text, q->len);
}

void lane_send(struct rules_lane *l, struct question *q) {
  q->next = NULL;
  *l->last = q;
  l->last = &q->next;
  l->in_flight++;
  if (l->fd >= 0) write_question(l, q);
}

// ---- the start of a process

static enum status start(struct rules_lane *l, struct err *err) {
  int pair[2] = {-1, -1}, word_fd = -1;
  char tz[512] = "";
  const struct rules_host_options *o = rules_options(l->host);
  const char *tzdir = getenv("TZDIR"), *env[] = {NULL, NULL}, *argv[] = {"perigee", "host", "--rules", NULL};
  if (tzdir && snprintf(tz, sizeof tz, "TZDIR=%s", tzdir) < (int)sizeof tz) env[0] = tz;
  enum status st = loop_socketpair(pair, err);
  if (st == OK) st = host_word_create(&l->word, &word_fd, err);
  if (st == OK) st = loop_watch_create(o->loop, pair[0], on_socket, l, &l->watch, err);
  if (st == OK) {
    const int fds[] = {pair[1], word_fd};  // HOST_SOCKET_FD, HOST_WORD_FD
    const struct loop_spawn s = {.file = o->exe, .argv = argv, .env = env, .in_fd = -1, .out_fd = -1, .err_fd = 2, .fds = fds, .fd_count = 2, .on_exit = on_exit_child, .arg = l};
    st = loop_spawn(o->loop, &s, &l->child, err);
  }
  if (pair[1] >= 0) close(pair[1]);
  if (word_fd >= 0) close(word_fd);
  if (st != OK) {
    if (l->watch) loop_watch_destroy(l->watch);
    host_word_unmap(l->word);
    l->watch = NULL;
    l->word = NULL;
    if (pair[0] >= 0) close(pair[0]);
    return st;
  }
  l->fd = pair[0];
  if (++l->generation == 0) l->generation = 1;
  l->greeted = l->killed = false;
  l->mark_ms = 0;
  l->seen_turns = 0;
  for (const struct question *q = l->first; q; q = q->next) write_question(l, q);
  return OK;
}

void lane_stillborn(struct rules_lane *l) {
  l->stillborn++;
  l->start_at_ms = loop_now_ms(rules_options(l->host)->loop) + l->backoff_ms;
  loop_timer_start(l->starter, l->backoff_ms, 0);
  if (l->backoff_ms < BACKOFF_MAX_MS) l->backoff_ms *= 2;
}

void lane_tell(struct rules_lane *l, const char *line) {
  if (l->fd < 0) return;
  buf_str(&l->out, line);
  lane_pump(l);
}

void lane_pump(struct rules_lane *l) {
  struct err err;
  if (l->fd < 0 && !l->child && l->first && loop_now_ms(rules_options(l->host)->loop) >= l->start_at_ms && start(l, &err) != OK) {
    lane_stillborn(l);
    if (rules_options(l->host)->log) rules_options(l->host)->log(rules_options(l->host)->arg, "rules_died", err.msg);
  }
  if (l->fd >= 0 && l->out.len) write_some(l);
}

// ---- does it move?

void lane_look(struct rules_lane *l) {
  const struct rules_host_options *o = rules_options(l->host);
  if (l->fd < 0 || !l->first || !l->child) {
    l->mark_ms = 0;
    return;
  }
  const unsigned generation = l->generation;
  read_some(l);  // the loop itself may have been late
  if (l->generation != generation || l->fd < 0 || !l->first || !l->child) return;
  const uint64_t turns = host_word_turns(l->word);
  const int64_t now_ms = loop_now_ms(o->loop), cpu_ns = clock_process_cpu_ns(loop_child_pid(l->child));
  if (!l->mark_ms || turns != l->seen_turns || l->answers != l->seen_answers) {
    l->seen_turns = turns;
    l->seen_answers = l->answers;
    l->mark_ms = now_ms ? now_ms : 1;
    l->mark_cpu_ns = cpu_ns;
    return;
  }
  const bool begins = !l->greeted && !turns;
  const int64_t cpu_ms = (cpu_ns - l->mark_cpu_ns) / NS_PER_MS;
  if (cpu_ms > (begins ? START_CPU_MS : o->stage_cpu_ms) || now_ms - l->mark_ms > (begins ? START_MS : o->answer_ms)) {
    lost(l, LOSS_HUNG);
    rules_wanted(l);
  }
}
