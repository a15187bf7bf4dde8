// tests/unit/bot/fleet_fake.c – see fleet_fake.h.
#include "fleet_fake.h"

#include "bot/host_word.h"
#include "bot/wire.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SERIES_MAX 64
#define BOTS_MAX 4096

struct fake_series {
  uint32_t id;
  int64_t timeframe_ns, first_ns, last_ns;  // open times; last 0: no bars
  size_t count;
};
struct fake_bot {
  uint64_t id;
  char verb[16];
  unsigned from, seen;
  int64_t live_from_ns;
  uint32_t series;
};

static struct fake_series series[SERIES_MAX];
static struct fake_bot bots[BOTS_MAX];
static int series_count, bot_count;
static struct host_word *word;
static struct buf in, out;

static void broken(const char *what, uint64_t n) {
  fprintf(stderr, "fake host: %s %" PRIu64 "\n", what, n);
  _exit(9);
}

static void flush(void) {
  if (out.len) wire_put_whole(&out);
  for (size_t at = 0; at < out.len;) {
    ssize_t n = write(HOST_SOCKET_FD, out.data + at, out.len - at);
    if (n <= 0) _exit(0);
    at += (size_t)n;
  }
  buf_clear(&out);
}

static struct fake_series *find_series(uint32_t id) {
  for (int i = 0; i < series_count; i++) {
    if (series[i].id == id) return &series[i];
  }
  return NULL;
}

static struct fake_series *need_series(uint32_t id) {
  struct fake_series *s = find_series(id);
  if (!s) broken("not open: series", id);
  return s;
}

// No bar is missing, none comes twice: the tests' markets have no gaps.
static void take_bar(const struct wire_bar *b) {
  struct fake_series *s = need_series(b->series);
  if (s->last_ns && b->bar.open_ns != s->last_ns + s->timeframe_ns) broken("a gap or a doubled bar in series", b->series);
  if (!s->last_ns) s->first_ns = b->bar.open_ns;
  s->last_ns = b->bar.open_ns;
  s->count++;
}

static void open_bot(const struct wire_frame *f) {
  struct wire_open o;
  wire_frame_open(f, &o);
  for (int i = 0; i < bot_count; i++) {
    if (bots[i].id == o.bot) broken("opened twice: bot", o.bot);
  }
  const struct fake_series *s = need_series(o.streams[0].series), *past = o.streams[0].history ? need_series(o.streams[0].history) : s;
  if (past->count && past->last_ns + 2 * s->timeframe_ns <= o.live_from_ns) broken("history ends too early for bot", o.bot);
  if (bot_count == BOTS_MAX) broken("too many bots", o.bot);
  struct fake_bot *b = &bots[bot_count++];
  *b = (struct fake_bot){.id = o.bot, .live_from_ns = o.live_from_ns, .series = o.streams[0].series};
  char source[64];
  snprintf(source, sizeof source, "%.*s", (int)o.source.len, o.source.text);
  sscanf(source, "%15s %u", b->verb, &b->from);
  struct wire_opened answer = {.timer_next_ns = INT64_MAX, .warmup = (int)past->count, .lookback = 1, .callbacks = o.streams[0].history != 0};
  memset(answer.spec_sha256, '0', sizeof answer.spec_sha256 - 1);
  memset(answer.hash, '0', sizeof answer.hash - 1);
  host_word_set(word, o.bot);
  if (strcmp(b->verb, "badopen") == 0) raise(SIGKILL);
  host_word_set(word, 0);
  wire_put_opened(&out, o.bot, &answer);
}

static void close_bot(uint64_t id) {
  for (int i = 0; i < bot_count; i++) {
    if (bots[i].id != id) continue;
    memmove(&bots[i], &bots[i + 1], (size_t)(--bot_count - i) * sizeof *bots);
    wire_put_log(&out, id, 1, LOG_INFO, "goodbye");
    return;
  }
  broken("not open: bot", id);
}

static void close_series(uint32_t id) {
  struct fake_series *s = need_series(id);
  for (int i = 0; i < bot_count; i++) {
    if (bots[i].series == id) broken("closed under its bot: series", id);
  }
  *s = series[--series_count];
}

static void misbehave(const struct fake_bot *b) {
  static char junk[65536];
  if (strcmp(b->verb, "crash") == 0) raise(SIGABRT);
  if (strcmp(b->verb, "sigsys") == 0) raise(SIGSYS);
  if (strcmp(b->verb, "exit") == 0) _exit(3);
  if (strcmp(b->verb, "spin") == 0) for (;;) pause();
  if (strcmp(b->verb, "deaf") == 0) {
    host_word_set(word, 0);
    for (;;) pause();
  }
  if (strcmp(b->verb, "garbage") == 0) {
    memset(junk, 0xff, sizeof junk);
    buf_add(&out, junk, 1000);
  }
  if (strcmp(b->verb, "core") == 0) wire_put_ping(&out, 1);
  if (strcmp(b->verb, "early") == 0) wire_put_done(&out, 1, 0, 0);
  while (strcmp(b->verb, "flood") == 0) {
    for (int i = 0; i < 100; i++) wire_put_log(&out, b->id, 1, LOG_INFO, "and another thing");
    flush();
  }
}

static void run_instant(const struct wire_frame *f) {
  for (size_t i = 0; i < f->bar_count; i++) {
    struct wire_bar b = wire_frame_bar(f, i);
    take_bar(&b);
  }
  for (int i = 0; i < bot_count; i++) {
    struct fake_bot *b = &bots[i];
    if (f->time_ns <= b->live_from_ns) broken("shown what was history: bot", b->id);
    host_word_set(word, b->id);
    if (strcmp(b->verb, "quick") == 0) wire_put_quick(&out, b->from, 1);
    else if (strcmp(b->verb, "slow") == 0) wire_put_slow(&out, b->from);
    else if (++b->seen > b->from) misbehave(b);
    wire_put_log(&out, b->id, f->time_ns, LOG_INFO, "ran");
    host_word_set(word, 0);
  }
  wire_put_done(&out, f->time_ns, (uint32_t)bot_count, 0);
}

static void take(const struct wire_frame *f) {
  struct fake_series *s;
  switch (f->type) {
    case WIRE_HELLO: wire_put_hello(&out); break;
    case WIRE_PING: wire_put_pong(&out, f->token); break;
    case WIRE_SERIES_OPEN:
      if (find_series(f->series_id)) broken("opened twice: series", f->series_id);
      if (series_count == SERIES_MAX) broken("too many series", f->series_id);
      series[series_count++] = (struct fake_series){.id = f->series_id, .timeframe_ns = f->series.timeframe_ns};
      break;
    case WIRE_SERIES_BARS:
      for (size_t i = 0; i < f->bar_count; i++) {
        struct wire_bar b = wire_frame_bar(f, i);
        take_bar(&b);
      }
      break;
    case WIRE_SERIES_TRIM:
      s = need_series(f->series_id);
      if (f->time_ns > s->last_ns) broken("a trim of all: series", f->series_id);
      s->count -= (size_t)((f->time_ns - s->first_ns) / s->timeframe_ns);
      s->first_ns = f->time_ns;
      if (s->count > 5000) broken("not trimmed enough: series", f->series_id);
      break;
    case WIRE_SERIES_CLOSE: close_series(f->series_id); break;
    case WIRE_BOT_OPEN: open_bot(f); break;
    case WIRE_BOT_CLOSE: close_bot(f->bot); break;
    case WIRE_INSTANT: run_instant(f); break;
    case WIRE_DIGEST: break;  // something for the owner to send
    default: broken("unexpected frame", f->type);
  }
}

int fleet_fake_main(void) {
  struct err err;
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);  // should a test fail
  if (host_word_map(HOST_WORD_FD, &word, &err) != OK) broken(err.msg, 0);
  buf_init(&in, (size_t)4 << 20);
  buf_init(&out, (size_t)4 << 20);
  for (;;) {
    static char bytes[65536];
    ssize_t n = read(HOST_SOCKET_FD, bytes, sizeof bytes);
    if (n <= 0) return 0;
    buf_add(&in, bytes, (size_t)n);
    size_t at = 0;
    for (;;) {
      struct wire_frame f;
      size_t used;
      if (wire_read(in.data + at, in.len - at, &f, &used, &err) != OK) broken(err.msg, 0);
      if (!used) break;
      take(&f);
      at += used;
    }
    memmove(in.data, in.data + at, in.len - at);
    in.len -= at;
    flush();
  }
}
