// tests/sim/sim_host.c – see sim_host.h.
#include "sim_host.h"

#include "bot/host_feed.h"
#include "bot/host_word.h"
#include "sim_loop.h"
#include "sim_pipe.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES (256u << 10)

struct loop_child {
  struct sim_actor actor;
  struct loop_child *next;
  pid_t pid;
  void (*on_exit)(void *arg, int code, int signum);
  void *arg;
  int fd;
  struct host_word *word;
  struct host_feed *feed;
  size_t said;          // of what waits in the feed's out
  bool wants, dying, dies_saying;
  int64_t due_ns, hangs_until_ns;
  uint64_t guilty;
  int code, signum;
};

static struct loop_child *children;
static pid_t pids = 1000;
static char complaint[256];

static int64_t think(void) { return sim_now_ns() + (int64_t)sim_below(sim_chance(30) ? 200000000 : 1500000); }

// The kernel closes what it had at once; that it has ended is told later.
static void die(struct loop_child *c, int code, int signum) {
  if (c->dying) return;
  c->dying = true;
  c->code = code;
  c->signum = signum;
  if (c->guilty) host_word_set(c->word, c->guilty);
  close(c->fd);
  c->fd = -1;
  c->due_ns = sim_now_ns() + (int64_t)sim_below(5000000);
}

static void end(struct loop_child *c) {
  struct loop_child **p = &children;
  while (*p != c) p = &(*p)->next;
  *p = c->next;
  sim_actor_remove(&c->actor);
  c->on_exit(c->arg, c->code, c->signum);
  host_feed_destroy(c->feed);
  host_word_unmap(c->word);
  free(c);
}

// Who has something to say says it first.
static bool is_ready(const struct loop_child *c) {
  return host_feed_out(c->feed)->len > c->said ? sim_pipe_writable(c->fd) || sim_pipe_over(c->fd) : sim_pipe_readable(c->fd);
}

static int64_t due(struct sim_actor *a) {
  struct loop_child *c = (struct loop_child *)a;
  if (c->dying) return c->due_ns;
  if (c->hangs_until_ns > sim_now_ns()) return c->hangs_until_ns;
  if (!c->wants && is_ready(c)) {
    c->wants = true;
    c->due_ns = think();
  }
  return c->wants ? c->due_ns : INT64_MAX;
}

static void say(struct loop_child *c) {
  struct buf *out = host_feed_out(c->feed);
  size_t n = out->len - c->said;
  if (c->dies_saying) n = (size_t)sim_below(n + 1);  // it got so far
  else if (sim_chance(200)) n = 1 + (size_t)sim_below(n);
  const ssize_t sent = n ? send(c->fd, out->data + c->said, n, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
  if (sent > 0) c->said += (size_t)sent;
  if (c->said == out->len) {
    buf_clear(out);
    c->said = 0;
  }
  if (c->dies_saying) die(c, 0, SIGKILL);
}

static void hear(struct loop_child *c) {
  static char bytes[READ_BYTES];
  struct err err;
  const size_t most = sim_chance(300) ? 1 + (size_t)sim_below(400) : sizeof bytes;
  const ssize_t n = recv(c->fd, bytes, most, MSG_DONTWAIT);
  if (n == 0) {
    die(c, 0, 0);
  } else if (n > 0 && host_feed_bytes(c->feed, bytes, (size_t)n, &err) != OK) {
    snprintf(complaint, sizeof complaint, "host: %s", err.msg);
    die(c, 1, 0);
  }
}

static void act(struct sim_actor *a) {
  struct loop_child *c = (struct loop_child *)a;
  if (c->dying) {
    end(c);
    return;
  }
  if (c->hangs_until_ns && c->hangs_until_ns <= sim_now_ns()) {
    c->hangs_until_ns = 0;
    c->guilty = 0;
    host_word_set(c->word, 0);
  }
  c->wants = false;
  if (host_feed_out(c->feed)->len > c->said) say(c);
  else hear(c);
}

enum status loop_spawn(struct loop *loop, const struct loop_spawn *spawn, struct loop_child **ret, struct err *err) {
  (void)loop;
  struct loop_child *c = calloc(1, sizeof *c);
  if (!c) return err_set(err, ERR_NOMEM, "child");
  assert(spawn->fd_count == 2);
  c->fd = sim_pipe_dup(spawn->fds[0]);
  enum status st = host_word_map(spawn->fds[1], &c->word, err);
  if (st == OK) st = host_feed_create(&(struct host_feed_config){.word = c->word}, &c->feed, err);
  if (st != OK) {
    close(c->fd);
    free(c);
    return st;
  }
  c->actor = (struct sim_actor){.due_ns = due, .act = act};
  c->pid = ++pids;
  c->on_exit = spawn->on_exit;
  c->arg = spawn->arg;
  struct loop_child **p = &children;
  while (*p) p = &(*p)->next;
  *p = c;
  sim_actor_add(&c->actor);
  if (ret) *ret = c;
  return OK;
}

pid_t loop_child_pid(const struct loop_child *c) { return c->pid; }

void loop_child_kill(struct loop_child *c, int signum) { die(c, 0, signum); }

int sim_host_count(void) {
  int n = 0;
  for (const struct loop_child *c = children; c; c = c->next) n += !c->dying;
  return n;
}

bool sim_host_harm(int nth, enum sim_ill what, uint64_t bot, int64_t for_ns) {
  struct loop_child *c = children;
  for (; c; c = c->next)
    if (!c->dying && nth-- == 0) break;
  if (!c) return false;
  c->guilty = bot;
  if (what == SIM_DIE) {
    die(c, 0, sim_chance(500) ? SIGKILL : SIGSEGV);
  } else if (what == SIM_DIE_SAYING) {
    c->dies_saying = true;
  } else if (what == SIM_HANG) {
    if (bot) host_word_set(c->word, bot);
    c->hangs_until_ns = sim_now_ns() + for_ns;
  } else {
    // Behind whole frames: inside of one it would be another word of the script's, which nobody could tell from the true one.
    char bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)sim_random();
    buf_add(host_feed_out(c->feed), bytes, 1 + (size_t)sim_below(sizeof bytes));
  }
  return true;
}

void sim_host_heal(void) {
  for (struct loop_child *c = children; c; c = c->next) {
    if (c->hangs_until_ns > sim_now_ns()) c->hangs_until_ns = sim_now_ns();
    c->dies_saying = false;
  }
}

const char *sim_host_complaint(void) { return complaint; }
