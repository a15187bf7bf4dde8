// venue/feed_file.c – see feed_file.h. Lines become bars in a bounded list; what is subscribed is given out of that
// list, so that reading never depends on who listens.
#include "venue/feed_file.h"

#include "market/csv_rows.h"
#include "market/text.h"
#include "venue/feed_play.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MAX (TEXT_LINE_MAX + 1)   // a line and its end
#define POLL_BYTES_MAX (1 << 20)         // read in one poll, so that a large file does not hold up the loop
#define NOTES_MAX 20                     // refused lines told one by one in a poll
#define ANCHOR_MAX 32                    // bytes before the reading place that must stay as they are

struct file_feed {
  struct feed_reader reader;
  struct instrument inst;
  int64_t timeframe_ns, poll_ns;
  int volume_scale;
  size_t history_max;
  struct csv_rows *rows;

  // window[from..len) is not yet taken; window[0] stands at offset in the file
  char *window;
  size_t from, len;
  uint64_t offset;
  uint64_t size_seen;      // where its end was when it was reached last
  char anchor[ANCHOR_MAX];
  size_t anchor_len;
  bool skipping;           // in a line that is too long
  bool again;              // the beginning of a file is read again: bars that are known are no error
  bool waiting_told;

  struct series bars;      // newest at the end
  size_t given;            // of bars, to the subscription
  int subscription;        // 0: none
  int next_subscription;
  int64_t after_ns;
  struct feed_file_counts counts;
  const struct feed_sink *sink;  // during a poll
  size_t told, untold[FEED_NOTE_COUNT];
};

// ---- notes

static void tell_of(struct file_feed *f, int subscription, enum feed_note code, uint64_t more, const char *text) {
  struct feed_event e = {.kind = FEED_NOTE, .subscription = subscription, .u.note = {code, text, more}};
  e.time_ns = f->bars.count ? f->bars.bars[f->bars.count - 1].open_ns + f->timeframe_ns : 0;
  f->sink->event(f->sink->self, &e);
}
static void tell(struct file_feed *f, enum feed_note code, const char *text) { tell_of(f, -1, code, 0, text); }

// Lines are all of the one symbol, so whoever listens to it is told.
static int about(const struct file_feed *f) { return f->subscription ? f->subscription : -1; }

static void sorted_out(struct file_feed *f, enum feed_note code, const char *reason) {
  if (f->told++ < NOTES_MAX) tell_of(f, about(f), code, 0, reason);
  else f->untold[code]++;
}

static void refused(struct file_feed *f, enum feed_note code, const char *reason) {
  f->counts.refused++;
  sorted_out(f, code, reason);
}

static void tell_rest(struct file_feed *f) {
  for (int code = 0; code < FEED_NOTE_COUNT; code++) {
    char text[80];
    if (!f->untold[code]) continue;
    snprintf(text, sizeof text, code == FEED_NOTE_DUPLICATE ? "and %zu more lines again" : "and %zu more lines refused", f->untold[code]);
    tell_of(f, about(f), (enum feed_note)code, f->untold[code] - 1, text);
    f->untold[code] = 0;
  }
}

// ---- lines

// Drops the oldest of the bars that were given out when the list has twice what is to be kept.
static void forget(struct file_feed *f) {
  size_t drop = f->bars.count > 2 * f->history_max ? f->bars.count - f->history_max : 0;
  if (f->subscription && drop > f->given) drop = f->given;
  if (drop < f->history_max) return;
  f->bars.count -= drop;
  memmove(f->bars.bars, f->bars.bars + drop, f->bars.count * sizeof f->bars.bars[0]);
  f->given = f->given > drop ? f->given - drop : 0;
}

static enum status take_bar(struct file_feed *f, const struct bar *bar, struct err *err) {
  if (bar->open_ns < 0) {  // live_bars take none either, and differences of times fit in 64 bits
    refused(f, FEED_NOTE_REFUSED, csv_rows_refuse(f->rows, "the time is before 1970"));
    return OK;
  }
  const struct bar *last = f->bars.count ? &f->bars.bars[f->bars.count - 1] : NULL;
  int64_t step = last ? bar->open_ns - last->open_ns : INT64_MAX;
  bool same = step == 0 && bar->open.ticks == last->open.ticks && bar->high.ticks == last->high.ticks &&
              bar->low.ticks == last->low.ticks && bar->close.ticks == last->close.ticks && bar->volume == last->volume;
  if (step <= 0 && (f->again || same)) {
    f->counts.known++;
    if (!f->again) sorted_out(f, FEED_NOTE_DUPLICATE, csv_rows_refuse(f->rows, "the same bar again"));
    return OK;
  }
  if (step < f->timeframe_ns / 2) {
    const enum feed_note code = step == 0 ? FEED_NOTE_CONFLICT : step < 0 ? FEED_NOTE_LATE : FEED_NOTE_REFUSED;
    refused(f, code, csv_rows_refuse(f->rows, step == 0  ? "a second, different bar for one time"
                                              : step < 0 ? "time goes back"
                                                         : "begins in the first half of the bar before: is the timeframe right?"));
    return OK;
  }
  f->again = false;
  f->counts.bars++;
  enum status st = series_append(&f->bars, bar, err);
  if (st == OK) forget(f);
  return st;
}

static enum status take_line(struct file_feed *f, char *line, size_t len, struct err *err) {
  struct bar bar;
  const char *reason;
  f->counts.lines++;
  switch (csv_rows_line(f->rows, line, len, &bar, &reason)) {
  case CSV_ROWS_BAR: return take_bar(f, &bar, err);
  case CSV_ROWS_REFUSED: refused(f, FEED_NOTE_REFUSED, reason); break;
  case CSV_ROWS_NOTHING: break;
  }
  return OK;
}

static void remember(struct file_feed *f, const char *bytes, size_t len) {
  size_t keep = len >= ANCHOR_MAX ? 0 : ANCHOR_MAX - len;
  if (keep > f->anchor_len) keep = f->anchor_len;
  memmove(f->anchor, f->anchor + f->anchor_len - keep, keep);
  size_t take = len < ANCHOR_MAX ? len : ANCHOR_MAX;
  memcpy(f->anchor + keep, bytes + len - take, take);
  f->anchor_len = keep + take;
}

// Takes the whole lines of the window.
static enum status take_lines(struct file_feed *f, struct err *err) {
  enum status st = OK;
  char *end;
  while (st == OK && (end = memchr(f->window + f->from, '\n', f->len - f->from))) {
    if (f->bars.count == f->bars.cap) st = series_reserve(&f->bars, f->bars.cap ? f->bars.cap * 2 : 256, err);
    if (st != OK) break;  // before the line is taken, so that none is lost
    char *line = f->window + f->from;
    size_t len = (size_t)(end - line);
    remember(f, line, len + 1);
    f->from += len + 1;
    if (f->skipping) {
      f->skipping = false;
      continue;
    }
    char pad[TEXT_PAD];  // the parsers look ahead, and must not see the next line
    memcpy(pad, end, TEXT_PAD);
    memset(end, 0, TEXT_PAD);
    st = take_line(f, line, len, err);
    memcpy(end, pad, TEXT_PAD);
  }
  if (st != OK) return st;
  if (f->len - f->from >= WINDOW_MAX) {  // no line is that long
    remember(f, f->window + f->from, f->len - f->from);
    f->from = f->len;
    if (!f->skipping) {
      f->counts.lines++;
      struct bar none;
      const char *reason;
      char empty[TEXT_PAD] = {0};
      (void)csv_rows_line(f->rows, empty, 0, &none, &reason);
      refused(f, FEED_NOTE_REFUSED, csv_rows_refuse(f->rows, "the line is too long"));
    }
    f->skipping = true;
  }
  return OK;
}

// ---- the file

static void begin_file(struct file_feed *f) {
  csv_rows_restart(f->rows);
  f->from = f->len = f->anchor_len = 0;
  f->offset = f->size_seen = 0;
  f->skipping = false;
  f->again = f->bars.count > 0;
}

// Up to len bytes; fewer only at the file's end.
static enum status read_full(struct file_feed *f, uint64_t offset, char *buf, size_t len, size_t *ret_len, struct err *err) {
  size_t n = 1;
  enum status st = OK;
  *ret_len = 0;
  while (st == OK && n > 0 && *ret_len < len) {
    st = f->reader.read(f->reader.self, offset + *ret_len, buf + *ret_len, len - *ret_len, &n, err);
    if (st == OK) *ret_len += n;
  }
  return st;
}

// Fills the window from where the last taken line ended. A part of a line read before is read again: it may have
// changed.
static enum status fill(struct file_feed *f, struct err *err) {
  f->offset += f->from;
  f->from = f->len = 0;
  size_t n;
  enum status st = read_full(f, f->offset, f->window, WINDOW_MAX, &n, err);
  if (st == OK) f->len = n;
  memset(f->window + f->len, 0, TEXT_PAD);
  return st;
}

// Does the file still hold the end of what was taken of it? One that became shorter does not.
static enum status unchanged(struct file_feed *f, bool *ret, struct err *err) {
  char bytes[ANCHOR_MAX];
  size_t n = 0;
  enum status st = read_full(f, f->offset + f->from - f->anchor_len, bytes, f->anchor_len, &n, err);
  if (st == OK) *ret = n == f->anchor_len && memcmp(bytes, f->anchor, n) == 0;
  return st;
}

// Reads until the open file's end, at most *budget bytes. *ret_end: its end was reached; what is left of the window
// is a part of a line.
static enum status read_open(struct file_feed *f, uint64_t size, size_t *budget, bool *ret_end, struct err *err) {
  *ret_end = size == f->size_seen;
  if (*ret_end) return OK;
  bool same;
  enum status looked = unchanged(f, &same, err);
  if (looked != OK) return looked;
  if (!same) {
    f->counts.truncations++;
    begin_file(f);
    tell(f, FEED_NOTE_TRUNCATED, "the file was cut or rewritten: read from its beginning");
  }
  while (*budget > 0) {
    enum status st = fill(f, err);
    if (st == OK) st = take_lines(f, err);
    if (st != OK) return st;
    if (f->len < WINDOW_MAX) {  // the end, as it was when it was read
      f->size_seen = f->offset + f->len;
      *ret_end = true;
      return OK;
    }
    *budget -= f->len < *budget ? f->len : *budget;
  }
  return OK;
}

static enum status read_on(struct file_feed *f, bool *ret_more, struct err *err) {
  size_t budget = POLL_BYTES_MAX;
  struct feed_reader_state state;
  *ret_more = false;
  enum status st = f->reader.look(f->reader.self, &state, err);
  if (st != OK) return st;
  if (state.open) {
    bool end;
    st = read_open(f, state.size, &budget, &end, err);
    if (st != OK) return st;
    if (!end) {
      *ret_more = true;
      return OK;
    }
    if (state.same) return OK;
  }
  if (!state.present) {
    if (!f->waiting_told) tell(f, FEED_NOTE_WAITING, state.open ? "the file was removed" : "the file is not there yet");
    f->waiting_told = true;
    return OK;
  }
  // another file stands there, or the first
  if (f->len > f->from) {
    f->counts.lines++;
    refused(f, FEED_NOTE_REFUSED, csv_rows_refuse(f->rows, "the file ends in the middle of the line after this one"));
  }
  st = f->reader.open(f->reader.self, err);
  if (st == ERR_NOTFOUND) return OK;  // gone again
  if (st != OK) return st;
  begin_file(f);
  if (state.open) {
    f->counts.rotations++;
    tell(f, FEED_NOTE_ROTATED, "another file stands in its place");
  } else if (f->waiting_told) {
    tell(f, FEED_NOTE_STARTED, "the file is there");
  }
  f->waiting_told = false;
  *ret_more = true;
  return OK;
}

// ---- the interface

static enum status check_symbol(const struct file_feed *f, const char *symbol, struct err *err) {
  if (strcmp(symbol, f->inst.symbol) == 0) return OK;
  return err_set(err, ERR_NOTFOUND, "file: no symbol %.40s (there is %s)", symbol, f->inst.symbol);
}

static enum status file_describe(void *self, const char *symbol, struct feed_symbol *ret, struct err *err) {
  const struct file_feed *f = self;
  enum status st = check_symbol(f, symbol, err);
  if (st == OK)
    *ret = (struct feed_symbol){.inst = f->inst, .timeframe_ns = f->timeframe_ns, .volume_scale = f->volume_scale};
  return st;
}

static enum status file_subscribe(
  void *self, const char *symbol, int64_t timeframe_ns, int64_t after_ns, int *ret_id, struct err *err) {
  struct file_feed *f = self;
  enum status st = check_symbol(f, symbol, err);
  if (st != OK) return st;
  if (timeframe_ns != f->timeframe_ns) {
    char have[TIMEFRAME_TEXT_MAX];
    return err_set(err, ERR_INVALID, "file: %s has %s bars", symbol, timeframe_text(f->timeframe_ns, have));
  }
  if (f->subscription) return err_set(err, ERR_EXISTS, "file: %s is subscribed already", symbol);
  *ret_id = f->subscription = f->next_subscription++;
  f->after_ns = after_ns;
  f->given = feed_first_after(&f->bars, after_ns);
  return OK;
}

static void file_unsubscribe(void *self, int id) {
  struct file_feed *f = self;
  assert(id == f->subscription && id != 0);
  f->subscription = 0;
}

static void give(struct file_feed *f, size_t max_events, struct feed_progress *ret) {
  while (f->subscription && f->given < f->bars.count && ret->events < max_events) {
    const struct bar *b = &f->bars.bars[f->given++];
    struct feed_event e = {
      .kind = FEED_BAR, .subscription = f->subscription, .time_ns = b->open_ns + f->timeframe_ns, .u.bar = *b};
    if (e.time_ns <= f->after_ns) continue;
    ret->events++;
    f->sink->event(f->sink->self, &e);
  }
}

static enum status file_poll(void *self, int64_t now_ns, size_t max_events, const struct feed_sink *sink,
  struct feed_progress *ret, struct err *err) {
  struct file_feed *f = self;
  *ret = (struct feed_progress){.through_ns = INT64_MIN};
  f->sink = sink;
  f->told = 0;
  bool more = false;
  enum status st = OK;
  give(f, max_events, ret);
  bool full = f->subscription && f->given < f->bars.count;
  if (!full) {
    st = read_on(f, &more, err);
    tell_rest(f);
    give(f, max_events, ret);
    full = f->subscription && f->given < f->bars.count;
  }
  size_t through = f->subscription ? f->given : f->bars.count;
  if (through > 0) ret->through_ns = f->bars.bars[through - 1].open_ns + f->timeframe_ns;
  ret->next_ns = full || more ? now_ns : now_ns + f->poll_ns;
  f->sink = NULL;
  return st;
}

static enum status file_history(void *self, const char *symbol, int64_t timeframe_ns, int64_t from_ns, int64_t to_ns,
  struct series *ret, struct err *err) {
  const struct file_feed *f = self;
  enum status st = check_symbol(f, symbol, err);
  return st == OK ? feed_history_of(&f->bars, timeframe_ns, from_ns, to_ns, ret, err) : st;
}

static void file_destroy(void *self) {
  struct file_feed *f = self;
  f->reader.destroy(f->reader.self);
  csv_rows_destroy(f->rows);
  series_finish(&f->bars);
  free(f->window);
  free(f);
}

static const struct feed_ops ops = {
  "file", file_describe, file_subscribe, file_unsubscribe, file_poll, file_history, file_destroy};

enum status feed_file_create(
  const struct feed_file_config *config, const struct feed_reader *reader, struct feed *ret, struct err *err) {
  struct file_feed *f = calloc(1, sizeof *f);
  if (!f) {
    reader->destroy(reader->self);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  *f = (struct file_feed){.reader = *reader,
    .inst = config->inst,
    .timeframe_ns = config->timeframe_ns,
    .volume_scale = config->volume_scale,
    .poll_ns = config->poll_ns > 0 ? config->poll_ns : NS_PER_S,
    .next_subscription = 1,
    .history_max = config->history_bars ? config->history_bars : FEED_FILE_HISTORY};
  f->bars = (struct series){.inst = config->inst,
    .timeframe_ns = config->timeframe_ns,
    .volume_scale = config->volume_scale,
    .price_scale = config->inst.tick.scale};
  struct csv_options options = {.symbol = f->inst.symbol, .timeframe_ns = config->timeframe_ns, .tick = config->inst.tick};
  enum status st = csv_rows_create(config->path, &options, config->volume_scale, &f->rows, err);
  f->window = calloc(1, WINDOW_MAX + TEXT_PAD);
  if (st == OK && !f->window) st = err_set(err, ERR_NOMEM, "out of memory");
  if (st != OK) {
    file_destroy(f);
    return st;
  }
  *ret = (struct feed){&ops, f};
  return OK;
}

struct feed_file_counts feed_file_counts(struct feed file) {
  assert(file.ops == &ops);
  return ((const struct file_feed *)file.self)->counts;
}
