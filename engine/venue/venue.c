// venue/venue.c – the words of venue.h.
#include "venue/venue.h"

#include <assert.h>
#include <string.h>

static const struct { const char *text; enum reason reason; } whys[VENUE_WHY_COUNT] = {
#define X(name, text, reason) [VENUE_WHY_##name] = {text, REASON_##reason},
  VENUE_WHY_LIST(X)
#undef X
};

const char *venue_why_text(enum venue_why w) {
  assert((unsigned)w < VENUE_WHY_COUNT);
  return whys[w].text;
}

enum reason venue_why_reason(enum venue_why w) {
  assert((unsigned)w < VENUE_WHY_COUNT);
  return whys[w].reason;
}

bool venue_why_parse(const char *text, enum venue_why *ret) {
  for (int i = 0; i < VENUE_WHY_COUNT; i++)
    if (strcmp(text, whys[i].text) == 0) return *ret = (enum venue_why)i, true;
  return false;
}

const char *venue_state_text(enum venue_state s) {
  static const char *const texts[] = {
#define X(name, text) text,
      VENUE_STATE_LIST(X)
#undef X
  };
  assert((unsigned)s < VENUE_STATE_COUNT);
  return texts[s];
}
