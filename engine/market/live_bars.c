// market/live_bars.c – see live_bars.h. Inputs go into pending bars of the finest timeframe; the watermark alone
// takes bars out, in order of their close, and what it takes out goes through the aggregators of the higher
// timeframes.
#include "market/live_bars.h"

#include <assert.h>
#include <string.h>

#define PRICE_TICKS_MAX (INT64_MAX / 4)                   // as market/csv: room for sums of prices
#define TIME_MAX_NS (INT64_C(84006) * NS_PER_DAY)         // 2200-01-01
#define TIMEFRAME_MAX_NS (3660 * NS_PER_DAY)
#define NOTHING INT64_MIN

// Pending bars end after the mark, which is at most lateness behind the newest close, and stand half a timeframe
// apart at least; one more comes in before the mark moves.
_Static_assert(2 * (LIVE_LATENESS_BARS_MAX + 1) + 2 <= LIVE_PENDING_MAX, "room for what may be pending");

static const char *const reason_texts[] = {
#define X(name, text) text,
    LIVE_REASON_LIST(X)
#undef X
};

const char *live_reason_text(enum live_reason reason) {
  assert((unsigned)reason < LIVE_REASON_COUNT);
  return reason_texts[reason];
}

enum status live_bars_init(
  struct live_bars *b, const struct live_config *config, const struct live_sink *sink, struct err *err) {
  if (config->base_ns <= 0 || config->base_ns % NS_PER_S != 0 || config->base_ns > TIMEFRAME_MAX_NS)
    return err_set(err, ERR_INVALID, "live bars: the finest timeframe must be whole seconds, at most ten years");
  if (config->lateness_ns < 0 || config->grace_ns < 0 || config->ahead_ns < 0 || config->jump_e6 < 0)
    return err_set(err, ERR_INVALID, "live bars: a span or limit is negative");
  if (config->lateness_ns / config->base_ns > LIVE_LATENESS_BARS_MAX)
    return err_set(err, ERR_INVALID, "live bars: lateness spans more than %d bars", LIVE_LATENESS_BARS_MAX);
  *b = (struct live_bars){.config = *config, .sink = *sink};
  watermark_init(&b->watermark, config->lateness_ns, config->grace_ns);
  return OK;
}

// ---- giving out

static enum live_reason note(struct live_bars *b, enum live_reason reason, int64_t time_ns, price px) {
  b->counts[reason]++;
  if (b->sink.note) {
    struct live_note n = {reason, time_ns, px, b->last};
    b->busy = true;
    b->sink.note(b->sink.self, &n);
    b->busy = false;
  }
  return reason;
}

static void deliver(struct live_bars *b, struct live_timeframe *t, const struct bar *bar, uint32_t holes) {
  const int64_t timeframe_ns = t->aggregator.timeframe_ns;
  struct live_bar out = {.timeframe_ns = timeframe_ns, .close_ns = bar->open_ns + timeframe_ns, .bar = *bar, .holes = holes};
  if (t->last_open_ns != NOTHING) {
    int64_t steps = (bar->open_ns - t->last_open_ns) / timeframe_ns;
    if (steps > 1) out.missing = steps - 1 > UINT32_MAX ? UINT32_MAX : (uint32_t)(steps - 1);
  }
  t->last_open_ns = bar->open_ns;
  b->busy = true;
  b->sink.bar(b->sink.self, &out);
  b->busy = false;
}

static void deliver_higher(struct live_bars *b, struct live_timeframe *t, struct bar *bar) {
  int64_t whole = t->aggregator.timeframe_ns / t->aggregator.fine_ns;
  uint32_t holes = t->parts < whole ? (uint32_t)(whole - t->parts) : 0;
  if (t->incomplete) bar->flags |= BAR_INCOMPLETE;
  t->parts = 0;
  t->incomplete = false;
  deliver(b, t, bar, holes);
}

static inline bool is_base(const struct live_bars *b, const struct live_timeframe *t) {
  return t->aggregator.timeframe_ns == b->config.base_ns;
}

// One finest bar into a higher timeframe. All that ended before this bar's end has been given out, so at most one
// bucket ends here: that of the bar itself.
static bool feed(struct live_timeframe *t, const struct bar *fine, struct bar *ret) {
  struct bar done[2];
  int count = aggregator_push(&t->aggregator, fine, done);
  assert(count <= 1);
  t->parts++;
  if (fine->flags & BAR_INCOMPLETE) t->incomplete = true;
  if (count) *ret = done[0];
  return count > 0;
}

// The next close of anything open, or INT64_MAX.
static int64_t next_close(const struct live_bars *b) {
  int64_t t = b->pending_count ? b->pending[0].bar.open_ns + b->config.base_ns : INT64_MAX;
  for (int i = 0; i < b->timeframe_count; i++) {
    const struct aggregator *a = &b->timeframes[i].aggregator;
    if (a->open && a->bar.open_ns + a->timeframe_ns < t) t = a->bar.open_ns + a->timeframe_ns;
  }
  return t;
}

// Everything that closes at close_ns, highest timeframe first.
static void close_at(struct live_bars *b, int64_t close_ns) {
  bool fine = b->pending_count && b->pending[0].bar.open_ns + b->config.base_ns == close_ns;
  struct bar bar = {0};
  if (fine) {
    bar = b->pending[0].bar;
    memmove(b->pending, b->pending + 1, (size_t)--b->pending_count * sizeof b->pending[0]);
    b->delivered = bar;
    b->any_delivered = true;
  }
  for (int i = 0; i < b->timeframe_count; i++) {
    struct live_timeframe *t = &b->timeframes[i];
    if (is_base(b, t)) {
      if (fine) deliver(b, t, &bar, 0);
      continue;
    }
    struct aggregator *a = &t->aggregator;
    struct bar done;
    if (fine && feed(t, &bar, &done)) {
      deliver_higher(b, t, &done);
    } else if (a->open && a->bar.open_ns + a->timeframe_ns == close_ns) {  // its last part never came
      a->open = false;
      done = a->bar;
      deliver_higher(b, t, &done);
    }
  }
}

static void give_out(struct live_bars *b) {
  for (int64_t t; (t = next_close(b)) <= b->watermark.at_ns;) close_at(b, t);
}

// ---- taking in

static enum live_reason check_time(const struct live_bars *b, int64_t event_ns) {
  if (event_ns < 0 || event_ns >= TIME_MAX_NS) return LIVE_BAD_TIME;
  if (b->watermark.clock_ns != WATERMARK_NONE && event_ns - b->watermark.clock_ns > b->config.ahead_ns) return LIVE_AHEAD;
  return LIVE_TAKEN;
}

static inline bool price_good(price px) { return px.ticks > 0 && px.ticks <= PRICE_TICKS_MAX; }

static bool jumped(const struct live_bars *b, price px) {
  if (b->config.jump_e6 == 0 || b->last.ticks == 0) return false;
  int128 step = (int128)px.ticks - b->last.ticks;
  return (step < 0 ? -step : step) * 1000000 > (int128)b->last.ticks * b->config.jump_e6;
}

// Index of the first pending bar that opens at open_ns or later.
static int pending_at(const struct live_bars *b, int64_t open_ns) {
  int i = b->pending_count;
  while (i > 0 && b->pending[i - 1].bar.open_ns >= open_ns) i--;
  return i;
}

static struct live_pending *pending_insert(struct live_bars *b, int i) {
  assert(b->pending_count < LIVE_PENDING_MAX);
  memmove(b->pending + i + 1, b->pending + i, (size_t)(b->pending_count - i) * sizeof b->pending[0]);
  b->pending_count++;
  return &b->pending[i];
}

// A trade (or bid) into its bar.
static enum live_reason take_tick(struct live_bars *b, int64_t event_ns, price px, int64_t volume) {
  int64_t open_ns = timeframe_floor(event_ns, b->config.base_ns);
  if (open_ns + b->config.base_ns <= b->watermark.at_ns) return note(b, LIVE_LATE, event_ns, px);
  if (jumped(b, px)) note(b, LIVE_JUMP, event_ns, px);
  b->last = px;
  if (watermark_event(&b->watermark, event_ns)) give_out(b);
  int i = pending_at(b, open_ns);
  if (i == b->pending_count || b->pending[i].bar.open_ns != open_ns) {
    *pending_insert(b, i) =
      (struct live_pending){.bar = {open_ns, px, px, px, px, volume, open_ns < b->config.start_ns ? BAR_INCOMPLETE : 0},
        .first_ns = event_ns,
        .last_ns = event_ns};
  } else {
    struct live_pending *p = &b->pending[i];
    if (px.ticks > p->bar.high.ticks) p->bar.high = px;
    if (px.ticks < p->bar.low.ticks) p->bar.low = px;
    if (event_ns < p->first_ns) p->bar.open = px, p->first_ns = event_ns;
    if (event_ns >= p->last_ns) p->bar.close = px, p->last_ns = event_ns;
    if (p->bar.volume < 0 || volume < 0 || !add_checked(p->bar.volume, volume, &p->bar.volume)) p->bar.volume = -1;
  }
  b->counts[LIVE_TAKEN]++;
  return LIVE_TAKEN;
}

enum live_reason live_bars_trade(struct live_bars *b, int64_t event_ns, price px, int64_t volume) {
  assert(!b->busy && b->config.source == LIVE_FROM_TRADES);
  enum live_reason why = check_time(b, event_ns);
  if (why == LIVE_TAKEN && !price_good(px)) why = LIVE_BAD_PRICE;
  if (why == LIVE_TAKEN && volume < -1) why = LIVE_BAD_VOLUME;
  return why == LIVE_TAKEN ? take_tick(b, event_ns, px, volume) : note(b, why, event_ns, px);
}

enum live_reason live_bars_quote(struct live_bars *b, int64_t event_ns, price bid, price ask) {
  assert(!b->busy && b->config.source != LIVE_FROM_BARS);
  enum live_reason why = check_time(b, event_ns);
  if (why == LIVE_TAKEN && (!price_good(bid) || !price_good(ask))) why = LIVE_BAD_PRICE;
  if (why == LIVE_TAKEN && bid.ticks > ask.ticks) why = LIVE_CROSSED;
  if (why != LIVE_TAKEN) return note(b, why, event_ns, bid);
  if (event_ns >= b->quote.time_ns) b->quote = (struct live_quote){event_ns, bid, ask};
  if (b->config.source == LIVE_FROM_BIDS) return take_tick(b, event_ns, bid, -1);
  b->counts[LIVE_TAKEN]++;
  return LIVE_TAKEN;
}

static enum live_reason check_bar(const struct live_bars *b, const struct bar *bar) {
  enum live_reason why = check_time(b, bar->open_ns);
  if (why == LIVE_TAKEN) why = check_time(b, bar->open_ns + b->config.base_ns);
  if (why != LIVE_TAKEN) return why;
  if (!price_good(bar->low) || !price_good(bar->high) || !price_good(bar->open) || !price_good(bar->close))
    return LIVE_BAD_PRICE;
  if (bar->high.ticks < bar->low.ticks) return LIVE_HIGH_LOW;
  if (bar->open.ticks > bar->high.ticks || bar->open.ticks < bar->low.ticks) return LIVE_OPEN_OUTSIDE;
  if (bar->close.ticks > bar->high.ticks || bar->close.ticks < bar->low.ticks) return LIVE_CLOSE_OUTSIDE;
  if (bar->volume < -1) return LIVE_BAD_VOLUME;
  return LIVE_TAKEN;
}

// What two feeds say about one bar; flags are ours, not theirs.
static bool same_bar(const struct bar *x, const struct bar *y) {
  return x->open_ns == y->open_ns && x->open.ticks == y->open.ticks && x->high.ticks == y->high.ticks &&
         x->low.ticks == y->low.ticks && x->close.ticks == y->close.ticks && x->volume == y->volume;
}

static enum live_reason check_place(const struct live_bars *b, const struct bar *bar, int i) {
  if (b->any_delivered && same_bar(&b->delivered, bar)) return LIVE_DUPLICATE;
  if (b->any_delivered && b->delivered.open_ns == bar->open_ns) return LIVE_CONFLICT;
  if (bar->open_ns + b->config.base_ns <= b->watermark.at_ns) return LIVE_LATE;
  if (i < b->pending_count && b->pending[i].bar.open_ns == bar->open_ns)
    return same_bar(&b->pending[i].bar, bar) ? LIVE_DUPLICATE : LIVE_CONFLICT;
  int64_t before = i > 0 ? b->pending[i - 1].bar.open_ns : b->any_delivered ? b->delivered.open_ns : NOTHING;
  if (before != NOTHING && bar->open_ns - before < b->config.base_ns / 2) return LIVE_CROWDED;
  if (i < b->pending_count && b->pending[i].bar.open_ns - bar->open_ns < b->config.base_ns / 2) return LIVE_CROWDED;
  return LIVE_TAKEN;
}

enum live_reason live_bars_bar(struct live_bars *b, const struct bar *bar) {
  assert(!b->busy && b->config.source == LIVE_FROM_BARS);
  enum live_reason why = check_bar(b, bar);
  if (why == LIVE_TAKEN) why = check_place(b, bar, pending_at(b, bar->open_ns));
  if (why != LIVE_TAKEN) return note(b, why, bar->open_ns, bar->close);
  int64_t close_ns = bar->open_ns + b->config.base_ns;
  if (jumped(b, bar->high) || jumped(b, bar->low)) note(b, LIVE_JUMP, bar->open_ns, bar->close);
  b->last = bar->close;
  *pending_insert(b, pending_at(b, bar->open_ns)) = (struct live_pending){.bar = *bar};
  b->counts[LIVE_TAKEN]++;
  if (watermark_event(&b->watermark, close_ns)) give_out(b);
  return LIVE_TAKEN;
}

void live_bars_clock(struct live_bars *b, int64_t now_ns) {
  assert(!b->busy);
  if (watermark_clock(&b->watermark, now_ns)) give_out(b);
}

void live_bars_complete(struct live_bars *b, int64_t through_ns) {
  assert(!b->busy);
  if (through_ns <= b->watermark.at_ns) return;
  b->watermark.at_ns = through_ns;
  give_out(b);
}

int64_t live_bars_due_ns(const struct live_bars *b) {
  int64_t t = next_close(b);
  return t == INT64_MAX ? t : t + b->config.grace_ns;
}

// ---- who wants what

// History into one timeframe, quietly. A bucket whose end the history itself has reached is past; one that is open is
// kept.
static void seed_timeframe(
  struct live_bars *b, struct live_timeframe *t, const struct bar *history, size_t count, int64_t until_ns) {
  for (size_t i = 0; i < count; i++) {
    if (history[i].open_ns > until_ns) break;
    if (is_base(b, t)) {
      t->last_open_ns = history[i].open_ns;
      continue;
    }
    struct bar done[2];
    struct aggregator *a = &t->aggregator;
    int64_t bucket_ns = timeframe_floor(history[i].open_ns + a->fine_ns - 1, a->timeframe_ns);
    if (!a->open || a->bar.open_ns != bucket_ns) t->parts = 0, t->incomplete = false;
    int finished = aggregator_push(a, &history[i], done);
    t->parts++;
    if (history[i].flags & BAR_INCOMPLETE) t->incomplete = true;
    if (finished) t->last_open_ns = done[finished - 1].open_ns;
    if (!a->open) t->parts = 0, t->incomplete = false;
  }
}

// What ended by through_ns was given out, or nobody wanted it.
static void pass_over(struct live_timeframe *t, int64_t through_ns) {
  struct aggregator *a = &t->aggregator;
  if (!a->open || a->bar.open_ns + a->timeframe_ns > through_ns) return;
  a->open = false;
  t->last_open_ns = a->bar.open_ns;
  t->parts = 0;
  t->incomplete = false;
}

enum status live_bars_want(
  struct live_bars *b, int64_t timeframe_ns, const struct bar *history, size_t count, struct err *err) {
  assert(!b->busy);
  int at = 0;
  while (at < b->timeframe_count && b->timeframes[at].aggregator.timeframe_ns > timeframe_ns) at++;
  if (at < b->timeframe_count && b->timeframes[at].aggregator.timeframe_ns == timeframe_ns) {
    b->timeframes[at].wanted++;
    return OK;
  }
  if (timeframe_ns < b->config.base_ns || timeframe_ns % b->config.base_ns != 0 || timeframe_ns > TIMEFRAME_MAX_NS) {
    char base[TIMEFRAME_TEXT_MAX];
    return err_set(err, ERR_INVALID, "bars of %lld s cannot be made from %s bars", (long long)(timeframe_ns / NS_PER_S),
                   timeframe_text(b->config.base_ns, base));
  }
  if (b->timeframe_count == LIVE_TIMEFRAMES_MAX)
    return err_set(err, ERR_LIMIT, "more than %d timeframes of one symbol", LIVE_TIMEFRAMES_MAX);
  memmove(b->timeframes + at + 1, b->timeframes + at, (size_t)(b->timeframe_count - at) * sizeof b->timeframes[0]);
  b->timeframe_count++;
  struct live_timeframe *t = &b->timeframes[at];
  *t = (struct live_timeframe){.wanted = 1, .last_open_ns = NOTHING};
  if (timeframe_ns == b->config.base_ns && b->any_delivered) t->last_open_ns = b->delivered.open_ns;
  aggregator_init(&t->aggregator, b->config.base_ns, timeframe_ns);
  seed_timeframe(b, t, history, count, b->any_delivered ? b->delivered.open_ns : INT64_MAX);
  pass_over(t, b->watermark.at_ns);
  return OK;
}

void live_bars_drop(struct live_bars *b, int64_t timeframe_ns) {
  assert(!b->busy);
  for (int i = 0; i < b->timeframe_count; i++) {
    if (b->timeframes[i].aggregator.timeframe_ns != timeframe_ns) continue;
    if (--b->timeframes[i].wanted > 0) return;
    memmove(b->timeframes + i, b->timeframes + i + 1, (size_t)(--b->timeframe_count - i) * sizeof b->timeframes[0]);
    return;
  }
  assert(!"a timeframe that nobody wanted");
}

void live_bars_seed(struct live_bars *b, const struct bar *history, size_t count, int64_t through_ns) {
  assert(!b->busy && !b->any_delivered && b->pending_count == 0 && b->watermark.newest_ns == WATERMARK_NONE);
  if (count == 0) return;
  b->delivered = history[count - 1];
  b->any_delivered = true;
  b->last = b->delivered.close;
  int64_t close_ns = b->delivered.open_ns + b->config.base_ns;
  b->watermark.newest_ns = close_ns;
  b->watermark.at_ns = close_ns > through_ns ? close_ns : through_ns;  // no lateness: all of it was delivered
  for (int i = 0; i < b->timeframe_count; i++) {
    seed_timeframe(b, &b->timeframes[i], history, count, INT64_MAX);
    pass_over(&b->timeframes[i], b->watermark.at_ns);
  }
}
