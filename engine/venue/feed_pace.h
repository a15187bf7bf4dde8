// venue/feed_pace.h – how fast the time of a replayed or synthetic market runs beside the caller's clock: at any
// speed, paused, in steps, or as fast as it is asked.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define FEED_SPEED_ONE 1000
#define FEED_SPEED_UNBOUND 0  // events are due at once
#define FEED_SPEED_MAX INT64_C(1000000000000)

// Plain data. At the clock's anchor_now_ns it is anchor_event_ns in the market.
struct feed_pace {
  int64_t speed_e3;  // thousandths: 1000 runs with the clock, 60000 gives a minute a second; 0 is FEED_SPEED_UNBOUND
  int64_t anchor_now_ns, anchor_event_ns;
  bool paused;
  int64_t steps;  // instants that may yet pass though it is paused
};

void feed_pace_init(struct feed_pace *p, int64_t speed_e3, int64_t now_ns, int64_t event_ns);
// The market's time at now; INT64_MAX when unbound. A clock that goes back does not take the market back below its
// anchor.
int64_t feed_pace_event_ns(const struct feed_pace *p, int64_t now_ns);
// The first now at which the market's time is event_ns: when to ask again. INT64_MAX when paused.
int64_t feed_pace_now_ns(const struct feed_pace *p, int64_t event_ns);
// Each goes on from where the market is at now. speed_e3 is 0 … FEED_SPEED_MAX.
void feed_pace_speed(struct feed_pace *p, int64_t now_ns, int64_t speed_e3);
void feed_pace_pause(struct feed_pace *p, int64_t now_ns);
void feed_pace_resume(struct feed_pace *p, int64_t now_ns);
// Pauses, and lets n more instants pass (an instant: all events of one time).
void feed_pace_step(struct feed_pace *p, int64_t now_ns, int64_t n);
// For feeds: the market is at this time now, whatever the clock says: after a step, and after each event of an
// unbound market, so that pausing or slowing down goes on from there.
void feed_pace_reached(struct feed_pace *p, int64_t now_ns, int64_t event_ns);
