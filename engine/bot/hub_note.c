// bot/hub_note.c – what an operator should know of market data, and what concerns those who read it: counted all, told now and then.
#include "bot/hub_impl.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const note_names[HUB_NOTE_COUNT] = {
  [LIVE_TAKEN] = "taken",
  [LIVE_LATE] = "late",
  [LIVE_DUPLICATE] = "duplicate",
  [LIVE_CONFLICT] = "conflict",
  [LIVE_CROWDED] = "crowded",
  [LIVE_AHEAD] = "ahead",
  [LIVE_BAD_TIME] = "bad-time",
  [LIVE_BAD_PRICE] = "bad-price",
  [LIVE_BAD_VOLUME] = "bad-volume",
  [LIVE_HIGH_LOW] = "high-low",
  [LIVE_OPEN_OUTSIDE] = "open-outside",
  [LIVE_CLOSE_OUTSIDE] = "close-outside",
  [LIVE_CROSSED] = "crossed",
  [LIVE_JUMP] = "jump",
#define X(name, text, about) [name] = text,
  HUB_NOTE_LIST(X)
#undef X
};

const char *hub_note_text(int code) {
  assert(code >= 0 && code < HUB_NOTE_COUNT && note_names[code]);
  return note_names[code];
}

bool hub_note_of_data(int code) { return code < LIVE_REASON_COUNT || code == HUB_NOTE_GAP || code == HUB_NOTE_HOLES || code == HUB_NOTE_REFUSED; }

// ---- telling

// Is it time to say so again? If not, it is counted as untold.
static bool due(struct hub_told *t, int64_t now_ns, uint64_t count) {
  if (t->any && time_gap_ns(now_ns, t->at_ns) < HUB_NOTE_EVERY_NS) {
    t->untold += count;
    return false;
  }
  t->any = true;
  t->at_ns = now_ns;
  return true;
}

static void tell(struct hub_told *t, struct hub_note note, void (*to)(void *self, const struct hub_note *note), void *self) {
  note.untold = t->untold;
  t->untold = 0;
  to(self, &note);
}

// about: its own measure of what was told of it; NULL: of nobody in particular.
PRINTF(4, 0) static void say(struct hub_venue *v, const struct hub_note *what, struct hub_told *about, const char *fmt, va_list ap) {
  const struct hub_sink *sink = &v->hub->config.sink;
  struct hub_told *all = &v->told[what->code];
  v->notes[what->code] += what->count;
  const bool operators = sink->note && due(all, v->hub->now_ns, what->count), readers = sink->symbol_note && about && due(about, v->hub->now_ns, what->count);
  if (!operators && !readers) return;
  char text[512];
  vsnprintf(text, sizeof text, fmt, ap);
  struct hub_note note = *what;
  note.venue = v->name;
  note.text = text;
  if (operators) tell(all, note, sink->note, sink->self);
  if (readers) tell(about, note, sink->symbol_note, sink->self);
}

static struct hub_told *told_of(struct hub_symbol *s, int code) { return s && !s->dead && hub_note_of_data(code) ? &s->told[code] : NULL; }

void hub_note_tell(struct hub_venue *v, int code, struct hub_symbol *s, int64_t time_ns, uint64_t count, const char *fmt, ...) {
  struct hub_note note = {.code = code, .symbol = s ? s->name : NULL, .time_ns = time_ns, .count = count};
  va_list ap;
  va_start(ap, fmt);
  say(v, &note, told_of(s, code), fmt, ap);
  va_end(ap);
}

// Of one timeframe: who reads others of the symbol has it in a note of theirs.
PRINTF(5, 6) static void tell_line(struct hub_symbol *s, int code, const struct live_bar *bar, uint64_t count, const char *fmt, ...) {
  struct hub_line *l = hub_line_at(s, bar->timeframe_ns);
  struct hub_note note = {.code = code, .symbol = s->name, .timeframe_ns = bar->timeframe_ns, .time_ns = bar->close_ns, .count = count};
  va_list ap;
  va_start(ap, fmt);
  say(s->venue, &note, !l || s->dead ? NULL : code == HUB_NOTE_GAP ? &l->gaps_told : &l->holes_told, fmt, ap);
  va_end(ap);
}

// ---- who says it

static const int feed_notes[FEED_NOTE_COUNT] = {
  [FEED_NOTE_REFUSED] = HUB_NOTE_REFUSED,     [FEED_NOTE_WAITING] = HUB_NOTE_WAITING, [FEED_NOTE_STARTED] = HUB_NOTE_STARTED,
  [FEED_NOTE_TRUNCATED] = HUB_NOTE_TRUNCATED, [FEED_NOTE_ROTATED] = HUB_NOTE_ROTATED, [FEED_NOTE_END] = HUB_NOTE_END,
  [FEED_NOTE_LATE] = LIVE_LATE,               [FEED_NOTE_DUPLICATE] = LIVE_DUPLICATE, [FEED_NOTE_CONFLICT] = LIVE_CONFLICT,
};

void hub_note_of_feed(struct hub_venue *v, struct hub_symbol *s, const struct feed_event *e) {
  hub_note_tell(v, feed_notes[e->u.note.code], s, e->time_ns, e->u.note.more + 1, "%s", e->u.note.text);
}

void hub_note_of_bar(struct hub_symbol *s, const struct live_bar *bar) {
  char timeframe[TIMEFRAME_TEXT_MAX];
  if (bar->missing > 0)
    tell_line(s, HUB_NOTE_GAP, bar, bar->missing, "%u bars of %s are missing before this one", bar->missing, timeframe_text(bar->timeframe_ns, timeframe));
  if (bar->holes > 0) tell_line(s, HUB_NOTE_HOLES, bar, 1, "%u parts of a %s bar are missing", bar->holes, timeframe_text(bar->timeframe_ns, timeframe));
}

void hub_on_note(void *self, const struct live_note *note) {
  struct hub_symbol *s = self;
  char px[DECIMAL_TEXT_MAX], before[DECIMAL_TEXT_MAX];
  hub_note_tell(s->venue, (int)note->reason, s, note->time_ns, 1, "%s: %s after %s", live_reason_text(note->reason),
    price_text(&s->info.inst, note->px, px), price_text(&s->info.inst, note->before, before));
}
