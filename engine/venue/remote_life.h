// venue/remote_life.h – the life of a session with a venue as a table: what happens in which state, and what follows. Pure.
#pragma once
#include "venue/venue.h"

#define REMOTE_EVENT_LIST(X)                                                       \
  X(BEGIN, "begins")                /* the first time, or the wait is over */         \
  X(LINKED, "linked")               /* clock, key and streams are as they must be */  \
  X(RECONCILED, "reconciled")       /* the owner has compared */                      \
  X(LOST, "lost")                   /* a stream ended, or has a gap */                \
  X(REFUSED, "refused")             /* credentials, rights */                         \
  X(STOP, "stop")
enum remote_event {
#define X(name, text) REMOTE_EVENT_##name,
  REMOTE_EVENT_LIST(X)
#undef X
  REMOTE_EVENT_COUNT
};
// The next state; false: the event means nothing there.
bool remote_life_next(enum venue_state from, enum remote_event event, enum venue_state *ret);

// How long to wait before the nth try in a row (from 0): first_ms doubled up to 30 s, more or less by a quarter as `random` says, so that
// many sessions do not come back at once.
int64_t remote_life_wait_ms(int64_t first_ms, unsigned tries, uint32_t random);
