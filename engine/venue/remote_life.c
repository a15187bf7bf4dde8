// venue/remote_life.c – see remote_life.h.
#include "venue/remote_life.h"

#define WAIT_MAX_MS 30000
#define NONE VENUE_STATE_COUNT
#define D VENUE_STATE_DOWN
#define C VENUE_STATE_CONNECTING
#define R VENUE_STATE_RECONCILING
#define Y VENUE_STATE_READY
#define F VENUE_STATE_REFUSED
#define S VENUE_STATE_STOPPED

static const uint8_t table[VENUE_STATE_COUNT][REMOTE_EVENT_COUNT] = {
  //                            BEGIN LINKED RECONCILED LOST  REFUSED STOP
  [VENUE_STATE_DOWN] =        {C,    NONE,  NONE,      NONE, F,      S},
  [VENUE_STATE_CONNECTING] =  {NONE, R,     NONE,      D,    F,      S},
  [VENUE_STATE_RECONCILING] = {NONE, NONE,  Y,         D,    F,      S},
  [VENUE_STATE_READY] =       {NONE, NONE,  NONE,      D,    F,      S},
  [VENUE_STATE_REFUSED] =     {C,    NONE,  NONE,      NONE, NONE,   S},
  [VENUE_STATE_STOPPED] =     {NONE, NONE,  NONE,      NONE, NONE,   NONE},
};

bool remote_life_next(enum venue_state from, enum remote_event event, enum venue_state *ret) {
  const uint8_t next = table[from][event];
  if (next == NONE) return false;
  *ret = (enum venue_state)next;
  return true;
}

int64_t remote_life_wait_ms(int64_t first_ms, unsigned tries, uint32_t random) {
  int64_t base_ms = first_ms << (tries < 16 ? tries : 16);
  if (base_ms > WAIT_MAX_MS) base_ms = WAIT_MAX_MS;
  return base_ms * 3 / 4 + base_ms * (int64_t)(random % 1024) / 2048;
}
