// market/event_order.c – see event_order.h.
#include "market/event_order.h"

#include <string.h>

const struct event_phase_info event_phases[EVENT_PHASE_COUNT] = {
#define X(phase, text, what) [phase] = {.name = text, .about = what},
    EVENT_PHASE_LIST(X)
#undef X
};

bool stream_rank_before(const struct stream_rank *a, const struct stream_rank *b) {
  if (a->main != b->main) return b->main;
  if (a->main) return false;
  if (a->timeframe_ns != b->timeframe_ns) return a->timeframe_ns > b->timeframe_ns;
  return strcmp(a->name, b->name) < 0;
}

void stream_rank_order(const struct stream_rank *streams, int count, int *ret_order) {
  for (int i = 0; i < count; i++) {
    int at = i;
    for (; at > 0 && stream_rank_before(&streams[i], &streams[ret_order[at - 1]]); at--) ret_order[at] = ret_order[at - 1];
    ret_order[at] = i;
  }
}

int bar_key_compare(const struct bar_key *a, const struct bar_key *b) {
  if (a->close_ns != b->close_ns) return a->close_ns < b->close_ns ? -1 : 1;
  if (a->timeframe_ns != b->timeframe_ns) return a->timeframe_ns > b->timeframe_ns ? -1 : 1;
  return strcmp(a->symbol, b->symbol);
}
