// bot/fleet_host.c – one host process: spawned, talked to over its socket, held to its deadlines, killed, reaped, replaced.
#include "bot/fleet_impl.h"

#include "bot/host_run.h"
#include "loop/clock.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALM_MS 60000  // a host that lived so long has not been lost in a row

// ---- what it owes

void fleet_expect(struct fleet_host *h, enum fleet_expect_kind kind, uint64_t token, int64_t bot, int64_t limit_ms) {
  if (h->expect_count == 0) h->expect_ms = loop_now_ms(h->fleet->c.loop);
  h->expect[(h->expect_first + h->expect_count++) % FLEET_EXPECT_MAX] = (struct fleet_expect){kind, token, bot, limit_ms};
}

void fleet_ping(struct fleet_host *h, enum fleet_expect_kind kind, int64_t bot, int64_t limit_ms) {
  wire_put_ping(&h->out, ++h->token);
  fleet_expect(h, kind, h->token, bot, limit_ms);
}

static struct fleet_expect *owed_first(struct fleet_host *h) { return h->expect_count ? &h->expect[h->expect_first] : NULL; }

static struct fleet_expect expect_pop(struct fleet_host *h) {
  struct fleet_expect e = h->expect[h->expect_first];
  int64_t now = loop_now_ms(h->fleet->c.loop);
  h->expect_first = (h->expect_first + 1) % FLEET_EXPECT_MAX;
  h->expect_count--;
  h->expect_ms = now;
  h->ping_at_ms = now + h->fleet->c.ping_ms;
  h->in_used = 0;
  return e;
}

// ---- the end of a process

static void to_waiting(struct fleet_host *h) {  // in their order, before those that wait already
  while (h->running.last) {
    struct fleet_bot *b = h->running.last;
    fleet_bots_remove(&h->running, b);
    b->state = BOT_WAITING;
    b->heard = false;
    b->next = h->waiting.first;
    if (b->next) b->next->prev = b;
    else h->waiting.last = b;
    h->waiting.first = b;
    h->waiting.count++;
  }
  h->open_count = 0;
}

// Nothing is said to or heard from it any more.
static void hang_up(struct fleet_host *h) {
  h->state = HOST_DYING;
  fleet_opening_stop(h);
  to_waiting(h);
  fleet_series_closed(h);
  loop_watch_destroy(h->watch);
  h->watch = NULL;
  if (h->fd >= 0) close(h->fd);
  h->fd = -1;
  buf_finish(&h->out);
  buf_finish(&h->in);
  h->sent = h->in_used = 0;
  h->expect_count = 0;
}

void fleet_host_fail(struct fleet_host *h, bool use_word, int64_t bot, const char *fmt, ...) {
  if (h->state != HOST_UP && h->state != HOST_STARTING) return;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(h->why, sizeof h->why, fmt, ap);
  va_end(ap);
  h->use_word = use_word;
  h->suspect = bot;
  hang_up(h);
  if (h->child) loop_child_kill(h->child, SIGKILL);
}

static bool alive(const struct fleet_host *h) { return h->state == HOST_UP || h->state == HOST_STARTING; }

static void say_why(struct fleet_host *h, int code, int signum) {
  if (h->why[0]) return;
  if (signum == SIGSYS) snprintf(h->why, sizeof h->why, "it made a system call that the jail forbids");
  else if (signum == SIGKILL) snprintf(h->why, sizeof h->why, "the system stopped it, most likely for want of memory");
  else if (signum) snprintf(h->why, sizeof h->why, "signal %d (%s)", signum, strsignal(signum));
  else snprintf(h->why, sizeof h->why, "it ended with exit code %d", code);
}

static int64_t back_off(struct fleet_host *h) {
  const struct fleet_config *c = &h->fleet->c;
  int64_t now = loop_now_ms(c->loop), delay = c->backoff_ms;
  if (h->up_ms && now - h->up_ms >= CALM_MS) h->losses = 0;
  for (unsigned i = 0; i < h->losses && delay < c->backoff_max_ms; i++) delay *= 2;
  h->losses++;
  h->state = HOST_BACKOFF;
  h->start_ms = now + (delay < c->backoff_max_ms ? delay : c->backoff_max_ms);
  return h->start_ms - now;
}

static void tell_loss(struct fleet_host *h, bool was_up) {
  struct fleet *f = h->fleet;
  const struct fleet_bot *b = h->suspect > 0 ? fleet_find(f, h->suspect) : NULL;
  int64_t suspect = b && b->host == h->index ? h->suspect : 0, delay = back_off(h);
  h->restarts++;
  f->stats.restarts++;
  char why[sizeof h->why];  // a callback may spoil the host's own
  memcpy(why, h->why, sizeof why);
  fleet_log(f, "error", "host %d is lost: %s; bot %" PRId64 "; again in %" PRId64 " ms", h->index, why, suspect, delay);
  struct hub_instant *owed = h->owed;
  h->owed = NULL;
  if (owed) h->awaits_owner = true;
  if (suspect) {
    f->stats.quarantined++;
    fleet_forget(f, fleet_find(f, suspect));
    f->c.call.bot_quarantined(f->c.self, suspect, why);
  }
  if (was_up) f->c.call.host_lost(f->c.self, h->index, why, suspect, owed);
  hub_instant_unref(owed);
}

static void read_some(struct fleet_host *h, int rounds);

// What it said last, without telling it anything new.
static void hear_out(struct fleet_host *h) {
  uint64_t before;
  h->pumping = true;
  do {
    before = h->fleet->stats.bytes_in;
    read_some(h, 8);
  } while (alive(h) && h->fleet->stats.bytes_in != before);
  h->pumping = false;
}

static void on_exit_of(void *arg, int code, int signum) {
  struct fleet_host *h = arg;
  struct fleet *f = h->fleet;
  h->child = NULL;
  bool was_up = h->up_ms != 0;
  if (alive(h)) {  // it ended by itself
    if (!f->closing) hear_out(h);
    h->use_word = alive(h) || h->use_word;
    hang_up(h);
  }
  if (h->use_word) h->suspect = (int64_t)host_word_get(h->word);
  host_word_unmap(h->word);
  h->word = NULL;
  if (f->closing) return;
  say_why(h, code, signum);
  if (h->retiring) {
    h->retiring = false;
    h->state = h->waiting.count ? HOST_BACKOFF : HOST_OFF;  // some bots may have come meanwhile
    h->start_ms = 0;
  } else {
    tell_loss(h, was_up);
  }
  h->up_ms = 0;
  fleet_relieve(h);
}

// ---- its beginning

static enum status start(struct fleet_host *h, struct err *err) {
  struct fleet *f = h->fleet;
  int pair[2] = {-1, -1}, word_fd = -1;
  enum status st = loop_socketpair(pair, err);
  h->fd = pair[0];
  if (st == OK) st = host_word_create(&h->word, &word_fd, err);
  if (st == OK) st = loop_watch_create(f->c.loop, h->fd, fleet_host_ready, h, &h->watch, err);
  if (st == OK) {
    char memory[24], tz[512] = "";
    snprintf(memory, sizeof memory, "%" PRIu64, f->c.memory_bytes);
    const char *own[] = {"perigee", "host", "--live", "--memory-bytes", memory, h->slow ? "--last" : NULL, NULL}, *env[] = {HOST_TUNABLES, NULL, NULL};
    const char *tzdir = getenv("TZDIR");  // a clean environment; this alone says where zones are
    if (tzdir && snprintf(tz, sizeof tz, "TZDIR=%s", tzdir) < (int)sizeof tz) env[1] = tz;
    const int fds[] = {pair[1], word_fd};  // HOST_SOCKET_FD, HOST_WORD_FD
    struct loop_spawn s = {.file = f->exe, .argv = f->c.argv ? f->c.argv : own, .env = env, .in_fd = -1, .out_fd = -1, .err_fd = f->c.stderr_fd,
                           .fds = fds, .fd_count = 2, .on_exit = on_exit_of, .arg = h};
    st = loop_spawn(f->c.loop, &s, &h->child, err);
  }
  if (pair[1] >= 0) close(pair[1]);
  if (word_fd >= 0) close(word_fd);
  return st;
}

// So many pieces, two or three milliseconds of work each where bots trade: then others of the loop get their turn. Who waits for the slow has waited.
#define PIECE (12u * 1024)
#define PIECE_SLOW (4u * 1024)

static void spawn(struct fleet_host *h) {
  struct fleet *f = h->fleet;
  struct err err;
  h->why[0] = '\0';
  h->use_word = false;
  h->suspect = 0;
  h->up_ms = 0;
  h->child = NULL;
  h->standin = 0;
  h->token = 0;
  h->after_ms = 0;
  h->watched = 0;
  h->expect_first = h->expect_count = 0;
  h->seen_turns = 0;
  h->seen_cpu_ns = 0;
  h->seen_ms = loop_now_ms(f->c.loop);
  buf_init(&h->out, f->c.out_bytes);
  buf_init(&h->in, f->c.in_bytes + PIECE);  // who says more is stopped before
  h->in_looked = h->in_whole = 0;
  if (start(h, &err) != OK) {
    hang_up(h);
    host_word_unmap(h->word);
    h->word = NULL;
    fleet_log(f, "error", "host %d could not be started: %s; again in %" PRId64 " ms", h->index, err.msg, back_off(h));
    return;
  }
  h->state = HOST_STARTING;
  wire_put_hello(&h->out);
  fleet_expect(h, EXPECT_HELLO, 0, 0, f->c.hello_ms);
  fleet_flush(h);
}

// ---- what it says

static void garbage(struct fleet_host *h, const char *what) {
  fleet_host_fail(h, false, fleet_doubt_begin(h), "it broke the protocol: %s", what);
}

static void took_hello(struct fleet_host *h) {
  struct fleet *f = h->fleet;
  const struct fleet_expect *e = owed_first(h);
  if (!e || e->kind != EXPECT_HELLO) return garbage(h, "a second hello");
  expect_pop(h);
  h->state = HOST_UP;
  h->up_ms = loop_now_ms(f->c.loop);
  if (h->up_ms == 0) h->up_ms = 1;
  h->recover_until_ms = h->up_ms + f->c.recover_ms;
  f->c.call.host_up(f->c.self, h->index);
}

static void took_done(struct fleet_host *h, const struct wire_frame *w) {
  struct fleet *f = h->fleet;
  const struct fleet_expect *e = owed_first(h);
  if (!e || e->kind != EXPECT_DONE || w->time_ns != h->owed->now_ns) return garbage(h, "done with what it was not given");
  expect_pop(h);
  struct hub_instant *in = h->owed;
  int64_t us = (clock_monotonic_ns() - h->owed_ns) / 1000;
  int bucket = 0;
  while (bucket < FLEET_BUCKETS - 1 && us >= INT64_C(16) << bucket) bucket++;
  f->stats.latency_us[bucket]++;
  f->stats.latency_us_sum += (uint64_t)us;
  h->instant_us = us;
  h->owed = NULL;
  h->awaits_owner = true;
  fleet_doubt_instant(h);
  f->c.call.done(f->c.self, h->index, in);
  hub_instant_unref(in);
  fleet_pump_after(f);
}

static void took_pong(struct fleet_host *h, const struct wire_frame *w) {
  struct fleet *f = h->fleet;
  const struct fleet_expect *first = owed_first(h);
  if (!first || first->kind < EXPECT_PING || first->token != w->token) return garbage(h, "an answer to nothing");
  struct fleet_expect e = expect_pop(h);
  struct fleet_bot *b = e.kind == EXPECT_PING ? NULL : fleet_find(f, e.bot);
  if (!b || b->host != h->index || b->state == BOT_WAITING) return;
  if (e.kind == EXPECT_BEGIN && e.token == b->begin_token) b->heard = true;
  if (e.kind == EXPECT_END && e.token == b->end_token && b->state == BOT_OPEN) f->c.call.bot_opened(f->c.self, h->index, b->node.key);
}

static void took_of_bot(struct fleet_host *h, const struct wire_frame *w) {
  struct fleet *f = h->fleet;
  const struct fleet_bot *b = w->bot <= INT64_MAX ? fleet_find(f, (int64_t)w->bot) : NULL;
  if (!b || b->host != h->index || !b->heard) {
    f->stats.strays++;  // of one that has been closed meanwhile
    return;
  }
  if (w->type == WIRE_FAULT && w->gone && w->status == ERR_BUDGET) fleet_over_budget(h, b->tenant);
  f->c.call.frame(f->c.self, h->index, w);
}

static void took(struct fleet_host *h, const struct wire_frame *w) {
  if (w->type == WIRE_WHOLE) return;
  h->fleet->stats.frames++;
  if (w->type == WIRE_HELLO) took_hello(h);
  else if (h->state == HOST_STARTING) garbage(h, "no hello");
  else if (w->type == WIRE_DONE) took_done(h, w);
  else if (w->type == WIRE_PONG) took_pong(h, w);
  else if (w->type == WIRE_SLOW) fleet_slow(h, (int64_t)w->token);
  else if (w->type == WIRE_QUICK) fleet_quick(h->fleet, (int64_t)w->token, w->quick);
  else took_of_bot(h, w);
}

// Up to the last whole turn: of one that its host's death cut off nothing has happened, so that it can happen once more.
static void parse(struct fleet_host *h) {
  size_t at = 0;
  struct err err;
  if (wire_whole(h->in.data, h->in.len, &h->in_looked, &h->in_whole, &err) != OK) return garbage(h, err.msg);
  while (alive(h) && at < h->in_whole) {
    struct wire_frame w;
    size_t used;
    unsigned char type = (unsigned char)h->in.data[at + 4];
    if (type != WIRE_HELLO && type < WIRE_FAULT) return garbage(h, "a frame that only the core may send");
    if (wire_read(h->in.data + at, h->in_whole - at, &w, &used, &err) != OK) return garbage(h, err.msg);
    assert(used > 0);
    at += used;
    took(h, &w);
  }
  if (!alive(h)) return;  // the buffer has gone with it
  memmove(h->in.data, h->in.data + at, h->in.len - at);
  h->in.len -= at;
  h->in_looked -= at;
  h->in_whole = 0;
}

static void read_some(struct fleet_host *h, int rounds) {
  static unsigned char bytes[PIECE];  // one loop, one thread
  for (int round = 0; round < rounds && alive(h); round++) {
    ssize_t n = recv(h->fd, bytes, h->slow || h->newcomers ? PIECE_SLOW : PIECE, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) n = 0;
    if (n < 0) return;
    if (n == 0) {  // its end, or all but: the exit tells why
      if (h->child) {
        h->use_word = true;
        hang_up(h);
        loop_child_kill(h->child, SIGKILL);
      }
      return;
    }
    h->fleet->stats.bytes_in += (uint64_t)n;
    h->in_used += (size_t)n;
    if (h->in_used > h->fleet->c.in_bytes) return garbage(h, "too much said at a time");
    buf_add(&h->in, bytes, (size_t)n);
    if (h->in.failed) return fleet_host_fail(h, false, 0, "out of memory for what it said");
    parse(h);
  }
}

// ---- what it is told

static void watch(struct fleet_host *h, unsigned events) {
  if (h->watched == events) return;
  h->watched = events;
  loop_watch_set(h->watch, events);
}

void fleet_flush(struct fleet_host *h) {
  if (!alive(h) || h->fd < 0) return;
  while (h->sent < h->out.len) {
    ssize_t n = send(h->fd, h->out.data + h->sent, h->out.len - h->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (n < 0) {  // it has gone; reading tells
      h->sent = h->out.len;
      break;
    }
    h->sent += (size_t)n;
    h->fleet->stats.bytes_out += (uint64_t)n;
  }
  bool hangs = loop_now_ms(h->fleet->c.loop) - h->seen_ms >= 1000;
  if (h->out.failed) return fleet_host_fail(h, hangs, 0, "it did not read: more than %zu bytes wait for it", h->fleet->c.out_bytes);
  if (h->sent == h->out.len) {
    buf_clear(&h->out);
    h->sent = 0;
  } else if (h->sent > h->out.len / 2) {
    memmove(h->out.data, h->out.data + h->sent, h->out.len - h->sent);
    h->out.len -= h->sent;
    h->sent = 0;
  }
  watch(h, LOOP_READABLE | (h->out.len ? LOOP_WRITABLE : 0));
}

void fleet_host_ready(void *arg, unsigned events) {
  struct fleet_host *h = arg;
  if (events & LOOP_READABLE) read_some(h, 1);
  if (events & LOOP_WRITABLE) fleet_flush(h);
  fleet_pump_soon(h);
}

// ---- time

// Whose turn it is may change often: then the host has much to do, which is no bot's fault, and has until HARD times the limit.
#define HARD 12
#define HARD_SLOW 60
static int64_t cpu_of(const struct fleet_host *h) { return h->child ? clock_process_cpu_ns(loop_child_pid(h->child)) : -1; }

static bool late(const struct fleet_host *h, const struct fleet_expect *e, int64_t now_ms) {
  int64_t since = h->seen_ms > h->expect_ms ? h->seen_ms : h->expect_ms;
  // One that runs when nobody else wants to is judged by what it ran; that it does not run at all, by the clock.
  if (h->slow && h->state == HOST_UP && now_ms - since > e->limit_ms) {
    const int64_t cpu_ns = cpu_of(h);
    return cpu_ns < 0 || cpu_ns - h->seen_cpu_ns > e->limit_ms * 1000000 || now_ms - since > HARD * e->limit_ms || now_ms - h->expect_ms > HARD_SLOW * e->limit_ms;
  }
  return now_ms - since > e->limit_ms || now_ms - h->expect_ms > HARD * e->limit_ms;
}

static void check_deadline(struct fleet_host *h, int64_t now_ms) {
  const struct fleet_expect *e = owed_first(h);
  if (!e || !late(h, e, now_ms)) return;
  read_some(h, 64);  // the answer may lie there: it is we who were late
  e = owed_first(h);
  if (!alive(h) || !e || !late(h, e, now_ms)) return;
  static const char *const owed[] = {"say hello", "finish an instant", "answer", "answer before opening a bot", "open a bot"};
  fleet_host_fail(h, now_ms - h->seen_ms > e->limit_ms, 0, "it did not %s in %" PRId64 " ms", owed[e->kind], now_ms - h->expect_ms);
}

// A tenant's own host when the tenant has left it.
static void retire(struct fleet_host *h) {
  if (h->owed || h->awaits_owner || h->state == HOST_DYING) return;
  if (h->state == HOST_BACKOFF) h->state = HOST_OFF;
  if (h->state == HOST_OFF) return;
  h->retiring = true;
  fleet_host_fail(h, false, 0, "nobody needs it");
}

void fleet_host_tick(struct fleet_host *h, int64_t now_ms) {
  if ((h->own || h->newcomers || h->slow) && !h->waiting.count && !h->running.count) retire(h);
  if (h->state == HOST_BACKOFF && now_ms >= h->start_ms) spawn(h);
  if (!alive(h)) return;
  uint64_t turns = host_word_turns(h->word);
  if (turns != h->seen_turns) {
    h->seen_turns = turns;
    h->seen_ms = now_ms;
    if (h->slow) h->seen_cpu_ns = cpu_of(h);
  }
  check_deadline(h, now_ms);
  if (h->state == HOST_UP && h->expect_count == 0 && now_ms >= h->ping_at_ms) fleet_ping(h, EXPECT_PING, 0, h->fleet->c.pong_ms);
  fleet_pump_soon(h);
}
