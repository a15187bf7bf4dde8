// market/watermark.c – see watermark.h.
#include "market/watermark.h"

#include <assert.h>

void watermark_init(struct watermark *w, int64_t lateness_ns, int64_t grace_ns) {
  assert(lateness_ns >= 0 && grace_ns >= 0);
  *w = (struct watermark){.lateness_ns = lateness_ns, .grace_ns = grace_ns, .newest_ns = WATERMARK_NONE,
                          .clock_ns = WATERMARK_NONE, .at_ns = WATERMARK_NONE};
}

static bool raise_to(struct watermark *w, int64_t t_ns) {
  if (t_ns <= w->at_ns) return false;
  w->at_ns = t_ns;
  return true;
}

bool watermark_event(struct watermark *w, int64_t event_ns) {
  if (event_ns > w->newest_ns) w->newest_ns = event_ns;
  return raise_to(w, event_ns - w->lateness_ns);
}

bool watermark_clock(struct watermark *w, int64_t now_ns) {
  if (now_ns > w->clock_ns) w->clock_ns = now_ns;
  return raise_to(w, now_ns - w->grace_ns);
}
