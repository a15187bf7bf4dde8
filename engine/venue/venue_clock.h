// venue/venue_clock.h – a venue's clock, as far as we know it: our monotonic clock plus an offset, taken from its answers at the middle
// of the round trip. Until the first answer our wall clock stands in. Our wall clock may jump, and the monotonic one stands still
// while the machine sleeps: both show as one moving against the other, and the offset must be taken anew. Pure.
//
// Two readings of it: what the venue's clock says now, for signing and for its bars; and a time of the venue that never jumps, for whoever
// waits, counts and compares: how long ago something was asked is not known any more when the clock in between was set.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define VENUE_CLOCK_JUMP_NS (250 * INT64_C(1000000))       // wall against monotonic, between two looks
#define VENUE_CLOCK_BACK_NS (INT64_C(1000000000))          // corrections up to this never make time go back
#define VENUE_CLOCK_RTT_MAX_NS (5 * INT64_C(1000000000))   // a slower answer says nothing about the time

struct venue_clock {
  int64_t offset_ns;      // venue - monotonic
  int64_t margin_ns;      // half the round trip of the sample: how wrong it may be
  int64_t apart_ns;       // wall - monotonic at the last look
  int64_t last_ns;        // told last
  bool known;             // by an answer of the venue
  int64_t steady_ns;      // as offset_ns, without the jumps since it is known
  int64_t behind_ns;      // the most that the venue's clock was behind the steady time
  int64_t steady_last_ns; // told last
};

void venue_clock_init(struct venue_clock *c, int64_t mono_ns, int64_t wall_ns);
// An answer that said server_ns (exact to grain_ns, which was cut off: 1 s of a Date header) to a request sent and answered at these
// monotonic times. False: it took too long to say anything.
bool venue_clock_sample(struct venue_clock *c, int64_t sent_ns, int64_t heard_ns, int64_t server_ns, int64_t grain_ns);
// True: one of our clocks jumped since the last look; take a sample. Without a known offset the wall clock's new time is taken.
bool venue_clock_jumped(struct venue_clock *c, int64_t mono_ns, int64_t wall_ns);
// For signing: the best estimate. For market data: the same, but it never goes back by a small correction.
int64_t venue_clock_at(const struct venue_clock *c, int64_t mono_ns);
int64_t venue_clock_tell(struct venue_clock *c, int64_t mono_ns);
// For owners: rises with every call, follows small corrections, and jumps no more once the venue has told its time. So what was asked later
// has a later time.
int64_t venue_clock_steady(struct venue_clock *c, int64_t mono_ns);
// The venue's own time of something that did not happen before that steady time: never later than it was.
int64_t venue_clock_since(const struct venue_clock *c, int64_t steady_ns);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7, the one form servers may send). False: not that.
bool venue_clock_date(const char *text, int64_t *ret_ns);
