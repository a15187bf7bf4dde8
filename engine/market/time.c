// market/time.c – time stamps as market files write them; see text.h.
#include "market/text.h"

#include "base/decimal.h"
#include "base/money.h"
#include "market/bar.h"
#include "market/tz.h"

#include <assert.h>
#include <stdio.h>

#define YEAR_NS (366 * NS_PER_DAY)
#define TIME_MIN_NS (INT64_C(-98615) * NS_PER_DAY)  // 1700-01-01
#define TIME_MAX_NS (INT64_C(84006) * NS_PER_DAY)   // 2200-01-01

enum time_unit time_unit_of(int64_t number) {
  uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  if (size < UINT64_C(100000000000)) return TIME_UNIT_S;
  if (size < UINT64_C(100000000000000)) return TIME_UNIT_MS;
  if (size < UINT64_C(100000000000000000)) return TIME_UNIT_US;
  return TIME_UNIT_NS;
}

static const struct {
  const char *text;
  int64_t ns;
  int scale;  // decimals that still are whole nanoseconds
} units[] = {[TIME_UNIT_NONE] = {"no unit", 0, 0},
             [TIME_UNIT_S] = {"seconds", NS_PER_S, 9},
             [TIME_UNIT_MS] = {"milliseconds", NS_PER_MS, 6},
             [TIME_UNIT_US] = {"microseconds", 1000, 3},
             [TIME_UNIT_NS] = {"nanoseconds", 1, 0},
             [TIME_UNIT_ISO] = {"dates", 0, 0}};

const char *time_unit_text(enum time_unit unit) {
  return units[unit].text;
}

static bool digits_at(struct slice s, size_t at, int count, int *ret) {
  if (at + (size_t)count > s.len) return false;
  int v = 0;
  for (int i = 0; i < count; i++) {
    char c = s.p[at + (size_t)i];
    if (c < '0' || c > '9') return false;
    v = v * 10 + (c - '0');
  }
  *ret = v;
  return true;
}

static bool char_at(struct slice s, size_t at, char c) {
  return at < s.len && s.p[at] == c;
}

// "Z", "±hh", "±hhmm" or "±hh:mm" from at to the end.
static bool parse_zone(struct slice s, size_t at, int *ret_offset_s) {
  *ret_offset_s = 0;
  if (at == s.len) return true;
  if (at + 1 == s.len && (s.p[at] == 'Z' || s.p[at] == 'z')) return true;
  if (s.p[at] != '+' && s.p[at] != '-') return false;
  int hours, minutes = 0;
  if (!digits_at(s, at + 1, 2, &hours)) return false;
  size_t rest = at + 3;
  if (rest < s.len) {
    if (s.p[rest] == ':') rest++;
    if (!digits_at(s, rest, 2, &minutes) || rest + 2 != s.len) return false;
  }
  if (hours > 15 || minutes > 59) return false;
  *ret_offset_s = (hours * 3600 + minutes * 60) * (s.p[at] == '-' ? -1 : 1);
  return true;
}

bool time_parse_iso(struct slice s, int64_t *ret_ns) {
  int year, month, day, hour = 0, minute = 0, second = 0, offset_s = 0;
  int64_t fraction_ns = 0;
  if (!digits_at(s, 0, 4, &year) || !char_at(s, 4, '-') || !digits_at(s, 5, 2, &month) || !char_at(s, 7, '-') ||
      !digits_at(s, 8, 2, &day))
    return false;
  size_t at = 10;
  if (at < s.len) {
    if (s.p[at] != 'T' && s.p[at] != 't' && s.p[at] != ' ') return false;
    if (!digits_at(s, at + 1, 2, &hour) || !char_at(s, at + 3, ':') || !digits_at(s, at + 4, 2, &minute)) return false;
    at += 6;
    if (char_at(s, at, ':')) {
      if (!digits_at(s, at + 1, 2, &second)) return false;
      at += 3;
      if (char_at(s, at, '.')) {
        int64_t place = NS_PER_S / 10;
        size_t from = ++at;
        for (; at < s.len && s.p[at] >= '0' && s.p[at] <= '9'; at++) {
          if (place == 0 && s.p[at] != '0') return false;  // finer than a nanosecond
          fraction_ns += (s.p[at] - '0') * place;
          place /= 10;
        }
        if (at == from) return false;
      }
    }
    if (!parse_zone(s, at, &offset_s)) return false;
  }
  if (year < 1700 || year > 2199 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return false;
  int64_t days = date_to_days(year, month, day);
  struct tz_date back = date_from_days(days);
  if (back.month != month || back.day != day) return false;  // 31 April
  *ret_ns = (days * 86400 + hour * 3600 + minute * 60 + second - offset_s) * NS_PER_S + fraction_ns;
  return true;
}

static bool looks_iso(struct slice s) {
  return s.len >= 5 && s.p[4] == '-' && s.p[0] >= '0' && s.p[0] <= '9';
}

const char *time_parse(struct slice field, enum time_unit *unit, int64_t previous_ns, int64_t *ret_ns) {
  if (field.len == 0) return "the time is empty";
  if (looks_iso(field)) {
    if (*unit != TIME_UNIT_NONE && *unit != TIME_UNIT_ISO) return "a date among Unix times: one form per file";
    if (!time_parse_iso(field, ret_ns)) return "is no date of the form 2004-08-19 or 2004-08-19T09:30:00Z (years 1700 to 2199)";
    *unit = TIME_UNIT_ISO;
    return NULL;
  }
  struct decimal d;
  if (!decimal_parse(field.p, field.len, &d))
    return "is no time: Unix s, ms, µs or ns, or a date such as 2004-08-19 or 2004-08-19T09:30:00Z";
  if (*unit == TIME_UNIT_ISO) return "a number among dates: one form per file";
  int64_t whole = d.digits / pow10_i64(d.scale);
  enum time_unit own = time_unit_of(whole);
  if (*unit == TIME_UNIT_NONE && d.scale == 0 && whole >= 17000101 && whole <= 21991231 && whole / 100 % 100 >= 1 &&
      whole / 100 % 100 <= 12 && whole % 100 >= 1 && whole % 100 <= 31)
    return "looks like YYYYMMDD; write it as 2004-08-19";
  enum time_unit use = *unit == TIME_UNIT_NONE ? own : *unit;
  int64_t ns;
  bool fits = d.scale <= units[use].scale && !__builtin_mul_overflow(d.digits, units[use].ns / pow10_i64(d.scale), &ns) &&
              ns >= TIME_MIN_NS && ns < TIME_MAX_NS;
  // Small numbers of a file that runs over 1970 (or of ns, 1973) tell a smaller unit; they are near their predecessor.
  bool near = fits && own != use && ns < previous_ns + YEAR_NS && ns > previous_ns - YEAR_NS;
  if (own != use && !near) {
    static const char *const mixed[] = {[TIME_UNIT_S] = "looks like seconds, unlike the rows before: one unit per file",
                                        [TIME_UNIT_MS] = "looks like milliseconds, unlike the rows before: one unit per file",
                                        [TIME_UNIT_US] = "looks like microseconds, unlike the rows before: one unit per file",
                                        [TIME_UNIT_NS] = "looks like nanoseconds, unlike the rows before: one unit per file"};
    return mixed[own];
  }
  if (d.scale > units[use].scale) return "the time is finer than a nanosecond";
  if (!fits) return "the time is outside the years 1700 to 2199";
  *unit = use;
  *ret_ns = ns;
  return NULL;
}

char *time_text(int64_t t_ns, char *buf) {
  int64_t second = t_ns / NS_PER_S, fraction = t_ns % NS_PER_S;
  if (fraction < 0) fraction += NS_PER_S, second--;
  int64_t days = second / 86400, rest = second % 86400;
  if (rest < 0) rest += 86400, days--;
  struct tz_date d = date_from_days(days);
  int n = snprintf(buf, TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", (int)d.year, d.month, d.day, (int)(rest / 3600),
                   (int)(rest / 60 % 60), (int)(rest % 60));
  if (fraction) {
    n += snprintf(buf + n, TIME_TEXT_MAX - (size_t)n, ".%09d", (int)fraction);
    while (buf[n - 1] == '0') n--;
  }
  snprintf(buf + n, TIME_TEXT_MAX - (size_t)n, "Z");
  return buf;
}
