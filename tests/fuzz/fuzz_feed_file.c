// tests/fuzz/fuzz_feed_file.c – a growing CSV file under an adversary: the input is a list of steps (append bytes, cut, replace, remove, fail,
// poll). Whatever it does, bars are sound and rise in time, counts add up, and a file that was only appended to gives the same bars
// when it comes in one piece.
//
// A step is a byte: its two low bits say what, the six others how much. The bytes to append follow it.
#include "../unit/venue/memory_file.h"

#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BARS_MAX 4096
#define RUN 40000
struct seen {
  struct bar bars[BARS_MAX];
  size_t count;
  uint64_t refused;
  int64_t last_ns;
};

static void on_event(void *self, const struct feed_event *e) {
  struct seen *s = self;
  if (e->kind == FEED_NOTE) {
    assert(e->u.note.text && e->u.note.text[0]);
    s->refused += e->u.note.code == FEED_NOTE_REFUSED;
    return;
  }
  const struct bar *b = &e->u.bar;
  assert(e->kind == FEED_BAR && e->time_ns == b->open_ns + NS_PER_MINUTE);
  assert(b->low.ticks > 0 && b->low.ticks <= b->open.ticks && b->open.ticks <= b->high.ticks);
  assert(b->low.ticks <= b->close.ticks && b->close.ticks <= b->high.ticks && b->volume >= -1);
  assert(s->count == 0 || b->open_ns - s->last_ns >= NS_PER_MINUTE / 2);
  s->last_ns = b->open_ns;
  if (s->count < BARS_MAX) s->bars[s->count] = *b;
  s->count++;
}

static bool same_bar(const struct bar *x, const struct bar *y) {
  return x->open_ns == y->open_ns && x->open.ticks == y->open.ticks && x->high.ticks == y->high.ticks && x->low.ticks == y->low.ticks &&
         x->close.ticks == y->close.ticks && x->volume == y->volume && x->flags == y->flags;
}

static struct feed make(struct memory_file *m) {
  struct feed_file_config c = {.path = "f.csv", .timeframe_ns = NS_PER_MINUTE, .volume_scale = 3, .history_bars = 8};
  c.inst = (struct instrument){.symbol = "X", .tick = {5, 2}, .lot = {1, 0}, .multiplier = {1, 0}};
  enum status st = instrument_finish(&c.inst, NULL);
  assert(st == OK);
  struct feed_reader r = memory_reader(m);
  struct feed f;
  st = feed_file_create(&c, &r, &f, NULL);
  assert(st == OK);
  int id;
  st = feed_subscribe(f, "X", NS_PER_MINUTE, INT64_MIN, &id, NULL);
  assert(st == OK);
  return f;
}

static void poll(struct feed f, size_t max_events, struct seen *s) {
  struct feed_progress p;
  struct err err;
  size_t before = s->count;
  enum status st = feed_poll(f, 0, max_events, &(struct feed_sink){s, on_event}, &p, &err);
  assert(st == OK || st == ERR_IO);
  assert(p.events == s->count - before && p.events <= max_events);
  assert(s->count == 0 || p.through_ns >= s->last_ns + NS_PER_MINUTE);
}

static void poll_all(struct feed f, struct seen *s) {
  for (;;) {
    struct feed_progress p;
    struct err err;
    if (feed_poll(f, 0, 100, &(struct feed_sink){s, on_event}, &p, &err) == OK && p.next_ns > 0) return;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > 20000) return 0;
  static struct seen seen, again;
  seen.count = again.count = 0;
  seen.refused = again.refused = 0;
  struct memory_file m = {0}, whole = {0};
  struct feed f = make(&m);
  bool appended_only = true;
  for (size_t i = 0; i < size;) {
    unsigned what = data[i] & 3, much = data[i] >> 2;
    i++;
    switch (what) {
    case 0: {  // append: a few bytes, or (63) a very long run of one
      if (much == 63 && i < size) {
        static char run[RUN];
        memset(run, data[i++], sizeof run);
        memory_append(&m, run, sizeof run);
        memory_append(&whole, run, sizeof run);
        break;
      }
      size_t n = much * 8 + 1;
      if (n > size - i) n = size - i;
      memory_append(&m, data + i, n);
      memory_append(&whole, data + i, n);
      i += n;
      break;
    }
    case 1: poll(f, much + 1, &seen); break;
    case 2:
      if (much < 8) m.fail_reads = (int)much;
      else m.read_max = much - 8;
      break;
    case 3:
      appended_only = false;
      if (much < 40) memory_cut(&m, much * 16);
      else if (much < 60) memory_replace(&m);
      else memory_remove(&m);
      break;
    }
    if (m.path && m.path->len > 10 * RUN) break;
  }
  m.fail_reads = 0;
  poll_all(f, &seen);
  struct feed_file_counts n = feed_file_counts(f);
  assert(n.bars == seen.count && n.bars + n.refused + n.known <= n.lines && seen.refused <= n.refused + n.lines);
  struct series s;
  enum status st = feed_history(f, "X", 5 * NS_PER_MINUTE, 0, INT64_MAX, &s, NULL);
  assert(st == OK);
  series_finish(&s);
  if (appended_only && whole.path) {
    struct feed g = make(&whole);
    poll_all(g, &again);
    struct feed_file_counts o = feed_file_counts(g);
    assert(o.bars == n.bars && o.refused == n.refused && o.known == n.known && o.lines == n.lines && n.truncations == 0);
    assert(seen.count == again.count);
    for (size_t i = 0; i < seen.count && i < BARS_MAX; i++) assert(same_bar(&seen.bars[i], &again.bars[i]));
    feed_destroy(g);
  }
  feed_destroy(f);
  memory_remove(&m);
  memory_remove(&whole);
  return 0;
}
