// notice/storm.h – the same thing again and again: the first few are told one by one, the rest as "37 more like this". Pure.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define NOTICE_STORM_BURST 5                                   // of one event and subject, one by one
#define NOTICE_STORM_BURST_ALL 30                              // of one event, whatever they are about
#define NOTICE_STORM_NS (INT64_C(600) * 1000000000)            // the window; what is folded is told when it is over

// Zeroed: nothing happened yet.
struct notice_storm {
  int64_t since_ns;
  int64_t sent, folded;
};

// One more happened. True: tell it; false: it is counted. A window that is over begins anew with the one that comes, when nothing of it is untold.
bool notice_storm_take(struct notice_storm *s, int64_t burst, int64_t now_ns, int64_t window_ns);
// Whether the window is over and something of it is untold.
bool notice_storm_due(const struct notice_storm *s, int64_t now_ns, int64_t window_ns);
// How many are told of now; the next window begins full: a storm that goes on is told of once a window.
int64_t notice_storm_tell(struct notice_storm *s, int64_t now_ns);
