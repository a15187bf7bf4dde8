// market/aggregate.c – higher timeframes out of finer bars, with nothing in a bar that its close could not have known.
#include "market/bar.h"

#include <assert.h>

void aggregator_init(struct aggregator *a, int64_t fine_ns, int64_t timeframe_ns) {
  assert(fine_ns > 0 && timeframe_ns >= fine_ns && timeframe_ns % fine_ns == 0);
  *a = (struct aggregator){.fine_ns = fine_ns, .timeframe_ns = timeframe_ns};
}

static void merge(struct bar *into, const struct bar *fine) {
  if (fine->high.ticks > into->high.ticks) into->high = fine->high;
  if (fine->low.ticks < into->low.ticks) into->low = fine->low;
  into->close = fine->close;
  // The loader keeps the sum of a whole series' volumes within 64 bits; live feeds may not, and then it is unknown.
  if (into->volume < 0 || fine->volume < 0 || !add_checked(into->volume, fine->volume, &into->volume)) into->volume = -1;
  if (!(fine->flags & BAR_FILLED_IN)) into->flags &= ~(uint32_t)BAR_FILLED_IN;
}

int aggregator_push(struct aggregator *a, const struct bar *fine, struct bar ret[2]) {
  int count = 0;
  int64_t close_ns = fine->open_ns + a->fine_ns;
  int64_t bucket_ns = timeframe_floor(close_ns - 1, a->timeframe_ns);
  if (a->open && a->bar.open_ns != bucket_ns) {
    ret[count++] = a->bar;
    a->open = false;
  }
  if (a->open) {
    merge(&a->bar, fine);
  } else {
    a->bar = *fine;
    a->bar.open_ns = bucket_ns;
    a->bar.flags = (fine->flags & BAR_FILLED_IN) | (!a->started && fine->open_ns > bucket_ns ? BAR_INCOMPLETE : 0);
    a->open = a->started = true;
  }
  if (close_ns >= bucket_ns + a->timeframe_ns) {
    ret[count++] = a->bar;
    a->open = false;
  }
  return count;
}

enum status series_aggregate(const struct series *fine, int64_t timeframe_ns, struct series *ret, struct err *err) {
  char fine_text[TIMEFRAME_TEXT_MAX], coarse_text[TIMEFRAME_TEXT_MAX];
  if (timeframe_ns < fine->timeframe_ns || timeframe_ns % fine->timeframe_ns != 0)
    return err_set(err, ERR_INVALID, "%s bars of %s cannot be made from %s bars", timeframe_text(timeframe_ns, coarse_text),
                   fine->inst.symbol, timeframe_text(fine->timeframe_ns, fine_text));
  struct series out = *fine;
  out.timeframe_ns = timeframe_ns;
  out.bars = NULL;
  out.count = out.cap = out.gaps = out.duplicates = 0;
  struct aggregator a;
  aggregator_init(&a, fine->timeframe_ns, timeframe_ns);
  enum status st = series_reserve(&out, fine->count / (size_t)(timeframe_ns / fine->timeframe_ns) + 2, err);
  for (size_t i = 0; st == OK && i < fine->count; i++) {
    struct bar done[2];
    int count = aggregator_push(&a, &fine->bars[i], done);
    for (int k = 0; st == OK && k < count; k++) st = series_append(&out, &done[k], err);
  }
  if (st != OK) {
    series_finish(&out);
    return st;
  }
  series_count_gaps(&out);
  *ret = out;
  return OK;
}
