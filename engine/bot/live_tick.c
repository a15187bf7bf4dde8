// bot/live_tick.c – on_tick, at venues whose bars are made of trades: what came of a bot's symbols since it was told last is told in an
// instant of its venue's clock, as one tick a symbol, and journalled, so that a replay has it too.
//
// However fast trades come, a bot is called ten times a second at most: the newest price and quote stand for all of them, the volume is their
// sum. A tick is never told in an instant that is earlier than itself. Orders of on_tick wait for the next bar that opens, as all do.
#include "bot/live_impl.h"

#include "loop/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TICK_EVERY_NS (100 * NS_PER_MS)  // by the clock

struct live_ticks {
  int64_t due_ns;                        // an instant is wanted then, by the venue's time; INT64_MAX: none
  int64_t told_ns;                       // the last time, by the clock
  int count;
  struct live_tick_of {
    bool fresh, sent;
    struct script_tick tick;
  } of[];                                // by symbol of its plan
};

int64_t live_tick_due(const struct live_bot *b) { return b->ticks && b->opened ? b->ticks->due_ns : INT64_MAX; }

static bool hears(const struct live_bot *b) { return b->callbacks & UINT32_C(1) << ON_TICK; }

static struct live_ticks *ticks_of(struct live_bot *b) {
  if (b->ticks) return b->ticks;
  struct live_ticks *t = calloc(1, sizeof *t + (size_t)b->plan->symbol_count * sizeof t->of[0]);
  if (!t) return NULL;
  t->due_ns = INT64_MAX;
  t->count = b->plan->symbol_count;
  for (int k = 0; k < t->count; k++) t->of[k].tick = (struct script_tick){.symbol = k, .price = NAN, .volume = NAN, .bid = NAN, .ask = NAN};
  return b->ticks = t;
}

// When it may be told: no earlier than the newest of it.
static void ask(struct live_bot *b) {
  struct live_ticks *t = b->ticks;
  int64_t due_ns = INT64_MAX;
  for (int k = 0; k < t->count; k++)
    if (t->of[k].fresh && t->of[k].tick.time_ns < due_ns) due_ns = t->of[k].tick.time_ns;
  if (due_ns == INT64_MAX || clock_monotonic_ns() - t->told_ns < TICK_EVERY_NS) return;  // with the next one, or with a bar
  const int64_t soon_ns = hub_clock_soon(b->live->hub, b->venue);
  t->due_ns = due_ns > soon_ns ? due_ns : soon_ns;
  live_clock_update(b);
}

static void take(struct live_bot *b, int k, const struct hub_tick *t) {
  struct live_ticks *all = ticks_of(b);
  if (!all) return;
  struct live_tick_of *of = &all->of[k];
  struct script_tick *tick = &of->tick;
  if (!of->fresh) tick->trades = 0, tick->volume = NAN;  // those of before were told
  of->fresh = true;
  tick->time_ns = t->time_ns > tick->time_ns ? t->time_ns : tick->time_ns;
  if (t->trade) {
    tick->price = price_double(t->inst, t->px);
    tick->trades++;
    if (!isnan(t->volume)) tick->volume = (isnan(tick->volume) ? 0 : tick->volume) + t->volume;
  } else {
    tick->bid = price_double(t->inst, t->bid);
    tick->ask = price_double(t->inst, t->ask);
  }
  ask(b);
}

void live_tick(void *self, const struct hub_tick *t) {
  struct live *l = self;
  if (!l->ticks_heard) return;
  const char *venue = hub_venue_name(l->hub, t->venue);
  for (const struct live_series *s = l->series; s; s = s->next) {
    if (!s->uses || s->hub >= l->by_hub_cap || strcmp(s->symbol, t->symbol) != 0 || strcmp(s->venue, venue) != 0) continue;
    for (size_t i = 0; i < l->reader_count[s->hub]; i++) {
      struct live_bot *b = l->readers[s->hub][i];
      if (!b->clerk || !b->opened || b->ending || !hears(b)) continue;
      for (int k = 0; k < b->plan->symbol_count; k++)
        if (b->series[b->plan->symbols[k].exec] == s) take(b, k, t);  // the one series of the symbol that it is matched on
    }
  }
}

void live_ticks_send(struct live_bot *b, int64_t now_ns) {
  struct live_ticks *t = b->ticks;
  struct buf frames;
  if (!t) return;
  if (t->due_ns <= now_ns) t->due_ns = INT64_MAX;
  if (!b->opened || !fleet_is_open(b->live->fleet, b->id)) return;
  buf_init(&frames, 65536);
  for (int k = 0; k < t->count; k++)
    if (t->of[k].fresh && t->of[k].tick.time_ns <= now_ns) wire_put_tick(&frames, (uint64_t)b->id, &t->of[k].tick), t->of[k].sent = true;
  if (frames.len && !fleet_send(b->live->fleet, b->id, &frames))
    for (int k = 0; k < t->count; k++) t->of[k].sent = false;
  buf_finish(&frames);
}

void live_ticks_end(struct live_bot *b, bool heard) {
  struct live_ticks *t = b->ticks;
  if (!t) return;
  for (int k = 0; k < t->count; k++) {
    struct live_tick_of *of = &t->of[k];
    if (!of->sent) continue;
    of->sent = false;
    if (!heard) continue;  // its host was lost: the next one is told
    of->fresh = false;
    t->told_ns = clock_monotonic_ns();
    struct record r;
    record_init(&r, RECORD_TICK, b->instant_ns);
    r.tick = of->tick;
    live_record(b, &r, false, false, false);
  }
  ask(b);
}

// What callbacks it has is known, or is another now. Who waits for ticks where there are none should know.
void live_ticks_opened(struct live_bot *b) {
  static const char text[] = "on_tick is not called: the market data of its venue are bars, not trades";
  if (!hears(b)) {
    live_ticks_forget(b);
    live_clock_update(b);
    return;
  }
  b->live->ticks_heard = true;
  if (!hub_venue_ticks(b->live->hub, b->venue)) live_log(b, b->instant_ns > b->run_from_ns ? b->instant_ns : b->run_from_ns, LOG_WARN, text, sizeof text - 1);
}

void live_ticks_forget(struct live_bot *b) {
  free(b->ticks);
  b->ticks = NULL;
}
