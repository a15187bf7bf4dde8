// venue/feed_remote_trade.c – trades of a venue, beside its bars: for who wants to know the price between them. The bars are the venue's own, so a
// trade makes none; those that pass while the stream is cut are lost, and of more than fit between two polls the last ones are told as one.
#include "venue/feed_remote_impl.h"

#include <string.h>

void remote_lane_trade(struct remote_lane *l, const struct venue_trade *t) {
  struct lane_trades *q = &l->trades;
  struct lane_trade one = {.time_ns = t->time_ns, .volume = -1};
  if (l->subscription == 0) return;
  if (!decimal_given(t->px) || !remote_whole(t->px, l->info->inst.tick, &one.px.ticks) || one.px.ticks <= 0) {
    snprintf(l->why, sizeof l->why, "%s", "a trade's price is not a multiple of the tick");
    l->refused++;
    return;
  }
  if (!decimal_given(t->qty) || !decimal_rescale(t->qty, l->info->volume_scale, &one.volume)) one.volume = -1;
  if (q->count < LANE_TRADES_MAX) {
    q->of[(q->first + q->count++) % LANE_TRADES_MAX] = one;
    return;
  }
  struct lane_trade *last = &q->of[(q->first + q->count - 1) % LANE_TRADES_MAX];
  int64_t sum;
  const bool known = last->volume >= 0 && one.volume >= 0 && !__builtin_add_overflow(last->volume, one.volume, &sum);
  *last = (struct lane_trade){one.time_ns > last->time_ns ? one.time_ns : last->time_ns, one.px, known ? sum : -1};
}

// The lane whose next trade is the oldest of all.
static struct remote_lane *first_of(const struct remote_feed *f) {
  struct remote_lane *first = NULL;
  for (int i = 0; i < f->lane_count; i++) {
    struct remote_lane *l = f->lanes[i];
    if (l->subscription == 0) l->trades.count = 0;
    if (l->trades.count && (!first || l->trades.of[l->trades.first].time_ns < first->trades.of[first->trades.first].time_ns)) first = l;
  }
  return first;
}

bool remote_trades_give(struct remote_feed *f, int64_t until_ns, int64_t now_ns, size_t max_events, const struct feed_sink *sink, struct feed_progress *progress) {
  struct remote_lane *l;
  while ((l = first_of(f)) && l->trades.of[l->trades.first].time_ns <= until_ns) {
    if (progress->events == max_events) return false;
    struct lane_trades *q = &l->trades;
    const struct lane_trade t = q->of[q->first];
    q->first = (q->first + 1) % LANE_TRADES_MAX;
    q->count--;
    // A moment that was promised to be over is; none is told to be later than now. So what was on the way for long comes as of now.
    int64_t time_ns = t.time_ns < now_ns ? t.time_ns : now_ns;
    if (time_ns <= f->promised_ns) time_ns = f->promised_ns + 1;
    if (time_ns < f->trade_ns) time_ns = f->trade_ns;
    f->trade_ns = time_ns;
    const struct feed_event e = {.kind = FEED_TRADE, .subscription = l->subscription, .time_ns = time_ns, .u.trade = {t.px, t.volume}};
    progress->events++;
    sink->event(sink->self, &e);
  }
  return true;
}
