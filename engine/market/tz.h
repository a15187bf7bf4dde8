// market/tz.h – local time by the system's IANA rules (TZif, RFC 8536): sessions, daily timers and resets use these.
//
// The directory is TZDIR or /usr/share/zoneinfo. After the last stored transition the footer's POSIX rule goes on for ever.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tz;

// A zone by its IANA name ("America/New_York", "UTC"). ERR_INVALID for a name that is no such name (absolute, "..", odd
// characters) or a damaged file, ERR_NOTFOUND for an unknown zone. Free with tz_destroy.
enum status tz_load(const char *name, struct tz **ret, struct err *err) MUST_CHECK;
void tz_destroy(struct tz *tz);
const char *tz_name(const struct tz *tz);

// Seconds to add to UTC to get local time at that instant.
int32_t tz_offset_s(const struct tz *tz, int64_t utc_s);

struct tz_date {
  int32_t year;
  int8_t month, day;  // from 1
  int8_t weekday;     // 0 Monday … 6 Sunday
};
// Local date at an instant, and the local seconds since midnight (0 … 86399) in *ret_second_of_day (may be NULL).
struct tz_date tz_local(const struct tz *tz, int64_t utc_s, int32_t *ret_second_of_day);
// Days since 1970-01-01 of the local date at an instant: a day key that grows by one per local day.
int64_t tz_local_day(const struct tz *tz, int64_t utc_s);
// The UTC second at which the local clock shows day + second_of_day. In an overlap the first of the two; in a gap the first
// instant after the gap.
int64_t tz_utc_of_local(const struct tz *tz, int64_t local_day, int32_t second_of_day);
// The first instant later than after_s at which the local clock shows second_of_day, once per local day, as tz_utc_of_local.
int64_t tz_next_time_of_day(const struct tz *tz, int64_t after_s, int32_t second_of_day);

// Days since 1970-01-01 of a date of the Gregorian calendar, and back.
int64_t date_to_days(int32_t year, int month, int day);
struct tz_date date_from_days(int64_t days);
