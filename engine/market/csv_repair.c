// market/csv_repair.c – what a load with repair does once all lines are read: sort, and drop what cannot stand beside its neighbours.
#include "market/csv_impl.h"

#include <stdlib.h>

bool csv_same_bar(const struct bar *a, const struct bar *b) {
  return a->open_ns == b->open_ns && a->open.ticks == b->open.ticks && a->high.ticks == b->high.ticks &&
         a->low.ticks == b->low.ticks && a->close.ticks == b->close.ticks && a->volume == b->volume;
}

struct sort_key {
  int64_t open_ns;
  size_t index;
};

static int compare_keys(const void *a, const void *b) {
  const struct sort_key *x = a, *y = b;
  if (x->open_ns != y->open_ns) return x->open_ns < y->open_ns ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

static enum status sort_bars(struct csv_loader *l) {
  struct series *s = &l->out;
  struct sort_key *keys = malloc(s->count * sizeof *keys);
  struct bar *sorted = malloc(s->count * sizeof *sorted);
  if (!keys || !sorted) {
    free(keys);
    free(sorted);
    return err_set(l->err, ERR_NOMEM, "%s: out of memory", l->reader.path);
  }
  for (size_t i = 0; i < s->count; i++) keys[i] = (struct sort_key){s->bars[i].open_ns, i};
  qsort(keys, s->count, sizeof *keys, compare_keys);
  for (size_t i = 0; i < s->count; i++) sorted[i] = s->bars[keys[i].index];
  free(keys);
  free(s->bars);
  s->bars = sorted;
  s->cap = s->count;
  csv_note(l, "%s: sorted by time: %zu rows stood behind a later one", l->reader.path, l->report->unsorted);
  return OK;
}

enum status csv_mend(struct csv_loader *l) {
  struct series *s = &l->out;
  char text[TIME_TEXT_MAX], tf[TIMEFRAME_TEXT_MAX];
  if (s->count == 0) return OK;
  if (l->report->unsorted > 0) {
    enum status st = sort_bars(l);
    if (st != OK) return st;
  }
  size_t kept = 1, crowded = 0;
  for (size_t i = 1; i < s->count; i++) {
    const struct bar *bar = &s->bars[i], *last = &s->bars[kept - 1];
    int64_t step = time_gap_ns(bar->open_ns, last->open_ns);
    if (step == 0 && csv_same_bar(bar, last)) {
      s->duplicates++;
    } else if (step == 0) {
      l->report->dropped++;
      csv_note(l, "%s: dropped: a second, different bar for %s", l->reader.path, time_text(bar->open_ns, text));
    } else if (step < s->timeframe_ns / 2) {
      l->report->dropped++;
      crowded++;
      csv_note(l, "%s: dropped: the bar at %s is only %lld s after the one before", l->reader.path, time_text(bar->open_ns, text),
           (long long)(step / NS_PER_S));
    } else {
      if (step < s->timeframe_ns) l->overlaps++;
      s->bars[kept++] = *bar;
    }
  }
  if (crowded > kept)
    return err_set(l->err, ERR_INVALID, "%s: most bars are closer than %s: give the right --timeframe", l->reader.path,
                   timeframe_text(s->timeframe_ns, tf));
  s->count = kept;
  return OK;
}
