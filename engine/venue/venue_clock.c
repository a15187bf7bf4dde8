// venue/venue_clock.c – see venue_clock.h.
#include "venue/venue_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_OF_S INT64_C(1000000000)

void venue_clock_init(struct venue_clock *c, int64_t mono_ns, int64_t wall_ns) {
  *c = (struct venue_clock){.offset_ns = wall_ns - mono_ns, .apart_ns = wall_ns - mono_ns, .steady_ns = wall_ns - mono_ns};
}

// The first word of the venue makes the steady time; what is no small correction afterwards is a jump.
static void set_offset(struct venue_clock *c, int64_t offset_ns) {
  const int64_t by_ns = offset_ns - c->offset_ns;
  c->offset_ns = offset_ns;
  if (!c->known) c->steady_ns = offset_ns;
  else if (llabs(by_ns) <= VENUE_CLOCK_BACK_NS) c->steady_ns += by_ns;
  if (c->steady_ns - offset_ns > c->behind_ns) c->behind_ns = c->steady_ns - offset_ns;
}

bool venue_clock_sample(struct venue_clock *c, int64_t sent_ns, int64_t heard_ns, int64_t server_ns, int64_t grain_ns) {
  const int64_t trip_ns = heard_ns - sent_ns;
  if (trip_ns < 0 || trip_ns > VENUE_CLOCK_RTT_MAX_NS) return false;
  const int64_t offset_ns = server_ns + grain_ns / 2 - (sent_ns + trip_ns / 2), margin_ns = trip_ns / 2 + grain_ns / 2;
  // A coarse sample that agrees with a finer one teaches nothing.
  if (c->known && margin_ns > c->margin_ns && llabs(offset_ns - c->offset_ns) <= margin_ns) return true;
  set_offset(c, offset_ns);
  c->margin_ns = margin_ns;
  c->known = true;
  return true;
}

bool venue_clock_jumped(struct venue_clock *c, int64_t mono_ns, int64_t wall_ns) {
  const int64_t apart_ns = wall_ns - mono_ns;
  if (llabs(apart_ns - c->apart_ns) < VENUE_CLOCK_JUMP_NS) return false;
  c->apart_ns = apart_ns;
  if (!c->known) set_offset(c, apart_ns);
  c->margin_ns = INT64_MAX / 4;  // the next sample counts, whatever it says
  return true;
}

int64_t venue_clock_at(const struct venue_clock *c, int64_t mono_ns) {
  return mono_ns + c->offset_ns;
}

int64_t venue_clock_tell(struct venue_clock *c, int64_t mono_ns) {
  const int64_t now_ns = venue_clock_at(c, mono_ns);
  if (now_ns < c->last_ns && c->last_ns - now_ns <= VENUE_CLOCK_BACK_NS) return c->last_ns;
  return c->last_ns = now_ns;
}

int64_t venue_clock_steady(struct venue_clock *c, int64_t mono_ns) {
  const int64_t now_ns = mono_ns + c->steady_ns;
  const bool back = c->known && now_ns <= c->steady_last_ns && c->steady_last_ns - now_ns <= VENUE_CLOCK_BACK_NS;
  return c->steady_last_ns = back ? c->steady_last_ns + 1 : now_ns;
}

int64_t venue_clock_since(const struct venue_clock *c, int64_t steady_ns) { return steady_ns - c->behind_ns; }

// Days since 1970 of a date of the Gregorian calendar.
static int64_t days_of(int year, int month, int day) {
  const int y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y - era * 400;
  const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool venue_clock_date(const char *text, int64_t *ret_ns) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  int day, year, hour, minute, second, end = 0;
  char name[4];
  if (strlen(text) != 29 || sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &day, name, &year, &hour, &minute, &second, &end) != 6 || end != 29)
    return false;
  const char *at = strlen(name) == 3 ? strstr(months, name) : NULL;
  if (!at || (at - months) % 3 || day < 1 || day > 31 || year < 1970 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
  *ret_ns = (((days_of(year, (int)(at - months) / 3 + 1, day) * 24 + hour) * 60 + minute) * 60 + second) * NS_OF_S;
  return true;
}
