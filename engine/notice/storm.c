// notice/storm.c – see storm.h.
#include "notice/storm.h"

static bool over(const struct notice_storm *s, int64_t now_ns, int64_t window_ns) { return now_ns - s->since_ns >= window_ns || now_ns < s->since_ns; }

bool notice_storm_take(struct notice_storm *s, int64_t burst, int64_t now_ns, int64_t window_ns) {
  if (s->folded == 0 && over(s, now_ns, window_ns)) *s = (struct notice_storm){.since_ns = now_ns};
  if (s->sent < burst) return s->sent++, true;
  s->folded++;
  return false;
}

bool notice_storm_due(const struct notice_storm *s, int64_t now_ns, int64_t window_ns) { return s->folded > 0 && over(s, now_ns, window_ns); }

int64_t notice_storm_tell(struct notice_storm *s, int64_t now_ns) {
  const int64_t told = s->folded;
  *s = (struct notice_storm){.since_ns = now_ns, .sent = INT64_MAX};
  return told;
}
