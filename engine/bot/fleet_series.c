// bot/fleet_series.c – which series a host has, for which of its bots, and how far back: a sorted table per host.
#include "bot/fleet_impl.h"

#include <stdlib.h>
#include <string.h>

#define TRIM_LEAST 1024  // bars of a generation, at least

static size_t place_of(const struct fleet_host *h, uint32_t id) {
  size_t low = 0, high = h->series_count;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (h->series[mid].id < id) low = mid + 1;
    else high = mid;
  }
  return low;
}

struct fleet_series *fleet_series_find(struct fleet_host *h, uint32_t id) {
  size_t at = place_of(h, id);
  return at < h->series_count && h->series[at].id == id ? &h->series[at] : NULL;
}

bool fleet_series_use(struct fleet_host *h, const struct fleet_need *need) {
  size_t at = place_of(h, need->series);
  if (at == h->series_count || h->series[at].id != need->series) {
    if (h->series_count == WIRE_INSTANT_MAX) return false;
    if (h->series_count == h->series_cap) {
      size_t cap = h->series_cap ? h->series_cap * 2 : 16;
      struct fleet_series *more = realloc(h->series, cap * sizeof *more);
      if (!more) return false;
      h->series = more;
      h->series_cap = cap;
    }
    memmove(&h->series[at + 1], &h->series[at], (h->series_count - at) * sizeof *h->series);
    h->series[at] = (struct fleet_series){.id = need->series};
    h->series_count++;
  }
  struct fleet_series *s = &h->series[at];
  s->refs++;
  if (need->keep > s->keep) s->keep = need->keep;
  return true;
}

void fleet_series_leave(struct fleet_host *h, uint32_t id) {
  struct fleet_series *s = fleet_series_find(h, id);
  if (--s->refs) return;
  if (s->open && h->state == HOST_UP) wire_put_series_close(&h->out, id);
  size_t at = (size_t)(s - h->series);
  memmove(s, s + 1, (h->series_count - at - 1) * sizeof *s);
  h->series_count--;
}

void fleet_series_closed(struct fleet_host *h) {
  for (size_t i = 0; i < h->series_count; i++) h->series[i].open = false;
}

// Two generations are kept, each of at least `keep` bars: no time has to be remembered for each bar.
bool fleet_series_sent(struct fleet_series *s, int64_t open_ns, int64_t *ret_before_ns) {
  s->held++;
  if (++s->young <= (s->keep > TRIM_LEAST ? s->keep : TRIM_LEAST)) return false;
  *ret_before_ns = s->old_ns;
  bool trims = s->old_ns > s->from_ns;
  if (trims) {
    s->from_ns = s->old_ns;
    s->held = s->young;
    s->all = false;
  }
  s->old_ns = s->young_ns;
  s->young_ns = open_ns;
  s->young = 0;
  return trims;
}
