// venue/feed_play.c – see feed_play.h.
#include "venue/feed_play.h"

#include "market/event_order.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MIN_NS (INT64_C(-98615) * NS_PER_DAY)  // 1700-01-01: no series begins before, and there is room below

void feed_player_init(struct feed_player *p, const struct feed_pace *pace) {
  *p = (struct feed_player){.next_id = 1, .pace = *pace, .last_ns = INT64_MIN, .through_ns = INT64_MIN};
}

void feed_player_finish(struct feed_player *p) {
  free(p->tracks);
  *p = (struct feed_player){0};
}

enum status feed_player_add(struct feed_player *p, const struct feed_track *track, int *ret_id, struct err *err) {
  if (p->count == FEED_TRACKS_MAX) return err_set(err, ERR_LIMIT, "more than %d subscriptions", FEED_TRACKS_MAX);
  if (p->count == p->cap) {
    int cap = p->cap ? p->cap * 2 : 8;
    struct feed_track *tracks = realloc(p->tracks, (size_t)cap * sizeof *tracks);
    if (!tracks) return err_set(err, ERR_NOMEM, "out of memory for a subscription");
    p->tracks = tracks;
    p->cap = cap;
  }
  p->tracks[p->count] = *track;
  *ret_id = p->tracks[p->count++].id = p->next_id++;
  p->end_told = false;
  if (track->next_ns <= p->through_ns) p->through_ns = track->next_ns - 1;
  return OK;
}

void feed_player_remove(struct feed_player *p, int id) {
  for (int i = 0; i < p->count; i++) {
    if (p->tracks[i].id != id) continue;
    p->tracks[i] = p->tracks[--p->count];
    return;
  }
  assert(!"no such subscription");
}

size_t feed_first_after(const struct series *s, int64_t after_ns) {
  size_t lo = 0, hi = s->count;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (s->bars[mid].open_ns + s->timeframe_ns <= after_ns) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

enum status feed_history_of(
  const struct series *s, int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, struct series *ret, struct err *err) {
  if (timeframe_ns < s->timeframe_ns || timeframe_ns % s->timeframe_ns != 0) {
    char have[TIMEFRAME_TEXT_MAX];
    return err_set(err, ERR_INVALID, "the bars asked for cannot be made from the %s bars of %s",
      timeframe_text(s->timeframe_ns, have), s->inst.symbol);
  }
  if (from_ns < TIME_MIN_NS) from_ns = TIME_MIN_NS;
  // A finer bar more than the first bucket needs, so that a gap at its beginning is not taken for the beginning of
  // the data.
  size_t begin = feed_first_after(s, timeframe_floor(from_ns, timeframe_ns)), end = feed_first_after(s, to_ns);
  if (begin > 0) begin--;
  struct series view = *s, out = *s;
  view.bars = begin < end ? s->bars + begin : NULL;
  view.count = begin < end ? end - begin : 0;
  out.bars = NULL;
  out.count = out.cap = out.gaps = out.duplicates = 0;
  enum status st = OK;
  if (timeframe_ns == s->timeframe_ns) {  // as they are, also where they do not begin with a bucket
    st = series_reserve(&out, view.count, err);
    if (st == OK && view.count) memcpy(out.bars, view.bars, view.count * sizeof *out.bars);
    if (st == OK) out.count = view.count;
  } else {
    st = series_aggregate(&view, timeframe_ns, &out, err);
  }
  if (st != OK) {
    series_finish(&out);
    return st;
  }
  series_clip(&out, from_ns, INT64_MAX);
  *ret = out;
  return OK;
}

static bool before(const struct feed_track *a, const struct feed_track *b) {
  int c = bar_key_compare(
    &(struct bar_key){a->next_ns, a->timeframe_ns, a->name}, &(struct bar_key){b->next_ns, b->timeframe_ns, b->name});
  return c ? c < 0 : a->id < b->id;
}

static struct feed_track *first(const struct feed_player *p) {
  struct feed_track *f = NULL;
  for (int i = 0; i < p->count; i++)
    if (!f || before(&p->tracks[i], f)) f = &p->tracks[i];
  return f && f->next_ns != INT64_MAX ? f : NULL;
}

void feed_player_poll(struct feed_player *p, int64_t now_ns, size_t max_events, feed_take_fn *take, void *self,
  const struct feed_sink *sink, struct feed_progress *ret) {
  *ret = (struct feed_progress){0};
  int64_t limit_ns = feed_pace_event_ns(&p->pace, now_ns);
  struct feed_track *t;
  bool full = false;
  while ((t = first(p))) {
    int64_t time_ns = t->next_ns;
    if (time_ns > limit_ns) {
      if (!p->pace.paused || p->pace.steps == 0) break;
      p->pace.steps--;
      feed_pace_reached(&p->pace, now_ns, limit_ns = time_ns);
    }
    if (ret->events >= max_events) {
      full = true;
      break;
    }
    ret->events += take(self, t, sink);
    assert(t->next_ns > time_ns);
    p->last_ns = time_ns;
    if (limit_ns == INT64_MAX) feed_pace_reached(&p->pace, now_ns, time_ns);
  }
  ret->ended = p->count > 0 && !t;
  if (full) {
    ret->through_ns = t->next_ns - 1;
    ret->next_ns = now_ns;
  } else {
    // beyond the last event of all nothing is known: history's unfinished bars stay unfinished
    ret->through_ns = limit_ns == INT64_MAX || (ret->ended && p->last_ns < limit_ns) ? p->last_ns : limit_ns;
    ret->next_ns = t ? feed_pace_now_ns(&p->pace, t->next_ns) : INT64_MAX;
  }
  if (ret->through_ns > p->through_ns) p->through_ns = ret->through_ns;
  ret->through_ns = p->through_ns;  // a clock that goes back takes no promise back
  if (ret->ended && !p->end_told) {
    p->end_told = true;
    struct feed_event end = {
      .kind = FEED_NOTE, .subscription = -1, .time_ns = p->last_ns, .u.note = {FEED_NOTE_END, "the end"}};
    sink->event(sink->self, &end);
  }
}
