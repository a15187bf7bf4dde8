// venue/feed_pace.c – see feed_pace.h.
#include "venue/feed_pace.h"

#include "base/money.h"

#include <assert.h>

static int64_t clamp(int128 v) {
  return v > INT64_MAX ? INT64_MAX : v < INT64_MIN ? INT64_MIN : (int64_t)v;
}

void feed_pace_init(struct feed_pace *p, int64_t speed_e3, int64_t now_ns, int64_t event_ns) {
  assert(speed_e3 >= 0 && speed_e3 <= FEED_SPEED_MAX);
  *p = (struct feed_pace){.speed_e3 = speed_e3, .anchor_now_ns = now_ns, .anchor_event_ns = event_ns};
}

int64_t feed_pace_event_ns(const struct feed_pace *p, int64_t now_ns) {
  if (p->paused) return p->anchor_event_ns;
  if (p->speed_e3 == FEED_SPEED_UNBOUND) return INT64_MAX;
  if (now_ns <= p->anchor_now_ns) return p->anchor_event_ns;
  return clamp(p->anchor_event_ns + ((int128)now_ns - p->anchor_now_ns) * p->speed_e3 / FEED_SPEED_ONE);
}

int64_t feed_pace_now_ns(const struct feed_pace *p, int64_t event_ns) {
  if (p->paused || event_ns == INT64_MAX) return INT64_MAX;
  if (p->speed_e3 == FEED_SPEED_UNBOUND || event_ns <= p->anchor_event_ns) return p->anchor_now_ns;
  int128 span = ((int128)event_ns - p->anchor_event_ns) * FEED_SPEED_ONE;
  return clamp(p->anchor_now_ns + (span + p->speed_e3 - 1) / p->speed_e3);
}

// The anchor moves to where the market is. An unbound market is where its last event left it.
static void settle(struct feed_pace *p, int64_t now_ns) {
  int64_t event_ns = feed_pace_event_ns(p, now_ns);
  if (event_ns != INT64_MAX) p->anchor_event_ns = event_ns;
  p->anchor_now_ns = now_ns;
}

void feed_pace_speed(struct feed_pace *p, int64_t now_ns, int64_t speed_e3) {
  assert(speed_e3 >= 0 && speed_e3 <= FEED_SPEED_MAX);
  settle(p, now_ns);
  p->speed_e3 = speed_e3;
}

void feed_pace_pause(struct feed_pace *p, int64_t now_ns) {
  settle(p, now_ns);
  p->paused = true;
  p->steps = 0;
}

void feed_pace_resume(struct feed_pace *p, int64_t now_ns) {
  settle(p, now_ns);
  p->paused = false;
  p->steps = 0;
}

void feed_pace_step(struct feed_pace *p, int64_t now_ns, int64_t n) {
  assert(n >= 0);
  if (!p->paused) feed_pace_pause(p, now_ns);
  p->steps += n;
}

void feed_pace_reached(struct feed_pace *p, int64_t now_ns, int64_t event_ns) {
  p->anchor_now_ns = now_ns;
  if (event_ns > p->anchor_event_ns) p->anchor_event_ns = event_ns;
}
