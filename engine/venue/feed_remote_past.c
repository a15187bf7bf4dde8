// venue/feed_remote_past.c – bars of a venue that are kept, and questions for those that are not there yet.
#include "venue/feed_remote_impl.h"

#include "loop/loop.h"
#include "venue/feed_play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 1000                  // bars of a question
#define SETTLED_NS (2 * NS_PER_S)  // a bar that closed so long ago does not change any more
#define AGAIN_RETRIES 12           // of the site's first wait
#define SEED_BARS 200              // minutes before the open bar of a timeframe; the hub reads 128 of them (bot/hub_series.c)

// ---- the venue's numbers in the instrument's units

bool remote_whole(struct decimal d, struct decimal unit, int64_t *ret) {
  const int scale = d.scale > unit.scale ? d.scale : unit.scale;
  int64_t a, b;
  if (!decimal_rescale(d, scale, &a) || !decimal_rescale(unit, scale, &b) || a % b != 0) return false;
  return *ret = a / b, true;
}

bool remote_bar_of(const struct feed_symbol *s, const struct venue_kline *k, struct bar *ret, char why[80]) {
  const struct { const char *name; struct decimal d; price *to; } prices[] = {{"open", k->open, &ret->open}, {"high", k->high, &ret->high}, {"low", k->low, &ret->low}, {"close", k->close, &ret->close}};
  *ret = (struct bar){.open_ns = k->open_ns, .volume = -1};
  for (size_t i = 0; i < sizeof prices / sizeof *prices; i++) {
    if (decimal_given(prices[i].d) && remote_whole(prices[i].d, s->inst.tick, &prices[i].to->ticks)) continue;
    snprintf(why, 80, "its %s is not a multiple of the tick", prices[i].name);
    return false;
  }
  if (decimal_given(k->volume) && !decimal_rescale(k->volume, s->volume_scale, &ret->volume)) ret->volume = -1;
  return true;
}

// ---- questions

static int64_t end_of(const struct series *s) { return s->count ? s->bars[s->count - 1].open_ns + s->timeframe_ns : INT64_MIN; }

static void ask(struct lane_bars *b);

// What was found goes in front; what is in both is there once.
static void join(struct lane_bars *b) {
  struct series *s = &b->series, *f = &b->found;
  while (f->count && s->count && f->bars[f->count - 1].open_ns >= s->bars[0].open_ns) f->count--;
  const bool room = series_reserve(s, s->count + f->count, NULL) == OK;
  if (room && f->count) {
    memmove(s->bars + f->count, s->bars, s->count * sizeof *s->bars);
    memcpy(s->bars, f->bars, f->count * sizeof *s->bars);
    s->count += f->count;
  }
  if (room) b->from_ns = b->wanted_ns;
  series_finish(f);
  f->bars = NULL;
  f->count = f->cap = 0;
}

static void on_past(void *arg, const struct venue_reply *r, const struct venue_kline *list, size_t count) {
  struct lane_bars *b = arg;
  struct remote_lane *l = b->lane;
  struct remote_feed *f = l->feed;
  const int64_t now_ns = remote_site_now_ns(f->config.site, NULL);
  b->call = NULL;
  if (r->outcome == VENUE_NOT_SENT && (r->why == VENUE_WHY_UNSUPPORTED || r->why == VENUE_WHY_REQUEST) && b != &l->base) {
    b->none = true;
    f->config.wake(f->config.self);
    return;
  }
  if (r->outcome != VENUE_ACCEPTED) {
    b->again_ms = loop_now_ms(f->config.site->loop) + AGAIN_RETRIES * f->config.site->retry_ms;
    remote_log(f->config.site, NULL, "history of %s: %s", l->info->inst.symbol, r->text);
    return;
  }
  struct err err;
  struct bar bar;
  for (size_t i = 0; i < count; i++) {
    const struct venue_kline *k = &list[i];
    if (k->open_ns < b->at_ns || k->open_ns >= b->end_ns || k->open_ns + b->series.timeframe_ns + SETTLED_NS > now_ns) continue;
    if (b->found.count && b->found.bars[b->found.count - 1].open_ns >= k->open_ns) continue;
    if (!remote_bar_of(l->info, k, &bar, l->why)) l->refused++;
    else if (series_append(&b->found, &bar, &err) != OK) break;
  }
  b->at_ns = b->page_ns;
  if (b->at_ns < b->end_ns) {
    ask(b);
    return;
  }
  join(b);
  f->config.wake(f->config.self);
}

static void ask(struct lane_bars *b) {
  char timeframe[TIMEFRAME_TEXT_MAX];
  const struct remote_lane *l = b->lane;
  b->again_ms = 0;
  b->page_ns = b->at_ns + PAGE * b->series.timeframe_ns < b->end_ns ? b->at_ns + PAGE * b->series.timeframe_ns : b->end_ns;
  b->call = remote_site_klines(l->feed->config.site, l->info->inst.symbol, timeframe_text(b->series.timeframe_ns, timeframe), b->at_ns / NS_PER_MS, b->page_ns / NS_PER_MS - 1, PAGE, on_past, b);
}

void remote_lane_again(struct remote_lane *l, int64_t now_ms) {
  for (int i = -1; i < l->higher_count; i++) {
    struct lane_bars *b = i < 0 ? &l->base : l->higher[i];
    if (b->again_ms && b->again_ms <= now_ms) ask(b);
  }
}

// False: they are being asked for.
static bool complete_from(struct lane_bars *b, int64_t from_ns) {
  if (from_ns < 0) from_ns = 0;
  if (b->none || b->from_ns <= from_ns) return true;
  if (b->call || b->again_ms) return false;  // more of it is asked for after that
  b->found.timeframe_ns = b->series.timeframe_ns;
  b->wanted_ns = b->at_ns = from_ns;
  b->end_ns = b->from_ns;
  ask(b);
  return false;
}

static struct lane_bars *higher_of(struct remote_lane *l, int64_t timeframe_ns, bool make, int64_t now_ns) {
  for (int i = 0; i < l->higher_count; i++)
    if (l->higher[i]->series.timeframe_ns == timeframe_ns) return l->higher[i];
  struct lane_bars *b = make && l->higher_count < (int)(sizeof l->higher / sizeof *l->higher) ? calloc(1, sizeof *b) : NULL;
  if (!b) return NULL;
  b->lane = l;
  b->series = l->base.series;
  b->series.bars = NULL;
  b->series.count = b->series.cap = 0;
  b->series.timeframe_ns = timeframe_ns;
  b->from_ns = timeframe_floor(now_ns, timeframe_ns);  // later ones are made of minutes
  return l->higher[l->higher_count++] = b;
}

bool remote_lane_has(struct remote_lane *l, int64_t timeframe_ns, size_t bars, int64_t now_ns) {
  const int64_t room = (int64_t)(bars + bars / 8 + 8);  // some may be missing
  int64_t fine = SEED_BARS;
  bool has = true;
  if (timeframe_ns < REMOTE_BASE_NS || timeframe_ns % REMOTE_BASE_NS != 0 || timeframe_ns > now_ns / 4) return true;
  if (timeframe_ns == REMOTE_BASE_NS) fine = room > fine ? room : fine;
  struct lane_bars *b = timeframe_ns > REMOTE_BASE_NS && bars ? higher_of(l, timeframe_ns, true, now_ns) : NULL;
  if (b && room <= now_ns / timeframe_ns) has = complete_from(b, timeframe_floor(now_ns, timeframe_ns) - room * timeframe_ns);
  if (b && b->none && room * (timeframe_ns / REMOTE_BASE_NS) > fine) fine = room * (timeframe_ns / REMOTE_BASE_NS);
  if (fine > FEED_REMOTE_FINE_MAX) fine = FEED_REMOTE_FINE_MAX;
  // Minutes reach back to the begin of the open bar, and to where the higher ones end: the last of those may not have been settled.
  int64_t from_ns = timeframe_floor(now_ns, timeframe_ns) - fine * REMOTE_BASE_NS;
  const int64_t joint_ns = b && has && !b->none ? end_of(&b->series) : INT64_MIN;
  if (joint_ns < from_ns && joint_ns > now_ns - FEED_REMOTE_FINE_MAX * REMOTE_BASE_NS) from_ns = joint_ns;
  return complete_from(&l->base, from_ns) && has;
}

// ---- bars

static enum status append_all(struct series *to, struct series *from, struct err *err) {
  enum status st = series_reserve(to, to->count + from->count, err);
  for (size_t i = 0; st == OK && i < from->count; i++)
    if (!to->count || from->bars[i].open_ns > to->bars[to->count - 1].open_ns) st = series_append(to, &from->bars[i], err);
  series_finish(from);
  return st;
}

// Minutes after which there is nothing of a higher timeframe yet are made into it before they go.
static enum status fold(struct remote_lane *l, struct err *err) {
  enum status st = OK;
  for (int i = 0; st == OK && i < l->higher_count; i++) {
    struct lane_bars *b = l->higher[i];
    struct series made;
    if (b->none || !b->series.count) continue;
    st = feed_history_of(&l->base.series, b->series.timeframe_ns, end_of(&b->series), INT64_MAX, &made, err);
    if (st == OK) st = append_all(&b->series, &made, err);
  }
  return st;
}

bool remote_lane_add(struct remote_lane *l, const struct bar *b) {
  struct series *s = &l->base.series;
  struct err err;
  if (s->count && b->open_ns <= s->bars[s->count - 1].open_ns) return false;
  if (s->count >= FEED_REMOTE_BARS_MAX && !l->base.call && fold(l, &err) == OK) {
    memmove(s->bars, s->bars + s->count / 2, (s->count - s->count / 2) * sizeof *s->bars);
    s->count -= s->count / 2;
    l->base.from_ns = s->bars[0].open_ns;
  }
  return series_append(s, b, &err) == OK;
}

// A bar of which the first minutes are not here is none.
static int64_t first_whole(const struct remote_lane *l, int64_t timeframe_ns, int64_t from_ns) {
  const int64_t whole_ns = timeframe_ns > REMOTE_BASE_NS ? timeframe_floor(l->base.from_ns + timeframe_ns - 1, timeframe_ns) : from_ns;
  return from_ns > whole_ns ? from_ns : whole_ns;
}

enum status remote_lane_history(struct remote_lane *l, int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, struct series *ret, struct err *err) {
  struct lane_bars *b = higher_of(l, timeframe_ns, false, 0);
  if (!b || b->none || !b->series.count) return feed_history_of(&l->base.series, timeframe_ns, first_whole(l, timeframe_ns, from_ns), to_ns, ret, err);
  const int64_t joint_ns = end_of(&b->series);
  struct series made;
  enum status st = feed_history_of(&b->series, timeframe_ns, from_ns, to_ns, ret, err);
  if (st != OK || to_ns <= joint_ns) return st;
  st = feed_history_of(&l->base.series, timeframe_ns, first_whole(l, timeframe_ns, from_ns > joint_ns ? from_ns : joint_ns), to_ns, &made, err);
  if (st == OK) st = append_all(ret, &made, err);
  if (st != OK) series_finish(ret);
  return st;
}

static void bars_finish(struct lane_bars *b) {
  if (b->call) remote_call_cancel(b->call);
  series_finish(&b->series);
  series_finish(&b->found);
}

void remote_lane_free(struct remote_lane *l) {
  if (l->rates.call) remote_call_cancel(l->rates.call);
  bars_finish(&l->base);
  for (int i = 0; i < l->higher_count; i++) {
    bars_finish(l->higher[i]);
    free(l->higher[i]);
  }
  free(l);
}
