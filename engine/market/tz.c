// market/tz.c – see tz.h. A TZif file is parsed once, with every count and index checked: the directory is the
// administrator's, but TZDIR may be anybody's.
#include "market/tz.h"

#include "base/buf.h"
#include "market/tz_files.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TZ_NAME_MAX 64
#define DAY_S INT64_C(86400)

// One end of a POSIX rule's summer time: Mm.w.d, Jn or n, with the local second at which it happens.
struct rule_date {
  char kind;  // 'M', 'J' or 'N'
  int month, week, day;
  int32_t second;
};

struct tz {
  char name[TZ_NAME_MAX];
  int64_t *at;        // UTC seconds of transitions, rising
  int32_t *offset;    // from that transition on
  size_t count;
  int32_t first_offset;  // before the first
  bool has_rule, has_summer;  // the footer's
  int32_t standard_s, summer_s;
  struct rule_date begin, end;
};

// ---------------------------------------------------------------- calendar

// Howard Hinnant's days_from_civil and civil_from_days (public domain, "chrono-Compatible Low-Level Date Algorithms").
int64_t date_to_days(int32_t year, int month, int day) {
  int64_t y = (int64_t)year - (month <= 2);
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t year_of_era = y - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

struct tz_date date_from_days(int64_t days) {
  int64_t z = days + 719468;
  int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  int64_t day_of_era = z - era * 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t m = (5 * day_of_year + 2) / 153;
  int month = (int)(m < 10 ? m + 3 : m - 9);
  int64_t weekday = (days + 3) % 7;  // 1970-01-01 was a Thursday
  return (struct tz_date){.year = (int32_t)(year_of_era + era * 400 + (month <= 2)),
                          .month = (int8_t)month,
                          .day = (int8_t)(day_of_year - (153 * m + 2) / 5 + 1),
                          .weekday = (int8_t)(weekday < 0 ? weekday + 7 : weekday)};
}

static int64_t floor_day(int64_t s) {
  return s / DAY_S - (s % DAY_S < 0);
}

// ---------------------------------------------------------------- the footer's POSIX rule

// "EST" or "<+1030>": at least three characters, skipped.
static const char *skip_name(const char *p) {
  const char *start = p;
  if (*p == '<') {
    while (*p && *p != '>') p++;
    return *p ? p + 1 : NULL;
  }
  while ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z')) p++;
  return p - start >= 3 ? p : NULL;
}

static const char *read_int(const char *p, int max, int *ret) {
  if (*p < '0' || *p > '9') return NULL;
  int v = 0;
  for (; *p >= '0' && *p <= '9'; p++)
    if ((v = v * 10 + (*p - '0')) > max) return NULL;
  *ret = v;
  return p;
}

// [+-]h[h[h]][:mm[:ss]], hours to 167 (RFC 8536).
static const char *read_hms(const char *p, int32_t *ret_s) {
  int sign = *p == '-' ? -1 : 1, h, m = 0, s = 0;
  if (*p == '-' || *p == '+') p++;
  if (!(p = read_int(p, 167, &h))) return NULL;
  if (*p == ':' && !(p = read_int(p + 1, 59, &m))) return NULL;
  if (*p == ':' && !(p = read_int(p + 1, 59, &s))) return NULL;
  *ret_s = sign * (h * 3600 + m * 60 + s);
  return p;
}

static const char *read_rule_date(const char *p, struct rule_date *ret) {
  *ret = (struct rule_date){.second = 7200};
  if (*p == 'M') {
    ret->kind = 'M';
    if (!(p = read_int(p + 1, 12, &ret->month)) || *p != '.') return NULL;
    if (!(p = read_int(p + 1, 5, &ret->week)) || *p != '.') return NULL;
    if (!(p = read_int(p + 1, 6, &ret->day)) || ret->month < 1 || ret->week < 1) return NULL;
  } else {
    ret->kind = *p == 'J' ? 'J' : 'N';
    if (!(p = read_int(p + (*p == 'J'), 365, &ret->day)) || (ret->kind == 'J' && ret->day < 1)) return NULL;
  }
  return *p == '/' ? read_hms(p + 1, &ret->second) : p;
}

static bool parse_footer(struct tz *tz, const char *p) {
  if (*p == '\0') return true;  // no rule: the last offset stays
  if (!(p = skip_name(p)) || !(p = read_hms(p, &tz->standard_s))) return false;
  tz->standard_s = -tz->standard_s;  // POSIX counts west of Greenwich
  tz->has_rule = true;
  if (*p == '\0') return true;
  if (!(p = skip_name(p))) return false;
  tz->summer_s = tz->standard_s + 3600;
  if (*p != ',' && *p != '\0') {
    if (!(p = read_hms(p, &tz->summer_s))) return false;
    tz->summer_s = -tz->summer_s;
  }
  tz->has_summer = true;
  if (*p != ',' || !(p = read_rule_date(p + 1, &tz->begin))) return false;
  return *p == ',' && (p = read_rule_date(p + 1, &tz->end)) && *p == '\0';
}

static bool is_leap(int32_t y) {
  return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

// Local seconds since 1970 (in the offset valid before) at which the rule strikes in that year.
static int64_t rule_second(const struct rule_date *r, int32_t year) {
  int64_t day;
  if (r->kind == 'J') {  // 1 … 365, 29 February is never counted
    day = date_to_days(year, 1, 1) + r->day - 1 + (is_leap(year) && r->day >= 60);
  } else if (r->kind == 'N') {
    day = date_to_days(year, 1, 1) + r->day;
  } else {
    int64_t first = date_to_days(year, r->month, 1);
    int want = (r->day + 6) % 7;  // POSIX weekdays begin with Sunday
    day = first + (want - date_from_days(first).weekday + 7) % 7 + 7 * (r->week - 1);
    int64_t next = r->month == 12 ? date_to_days(year + 1, 1, 1) : date_to_days(year, r->month + 1, 1);
    while (day >= next) day -= 7;
  }
  return day * DAY_S + r->second;
}

static int32_t rule_offset(const struct tz *tz, int64_t utc_s) {
  if (!tz->has_summer) return tz->standard_s;
  int32_t year = date_from_days(floor_day(utc_s + tz->standard_s)).year;
  int64_t begin = rule_second(&tz->begin, year) - tz->standard_s;
  int64_t end = rule_second(&tz->end, year) - tz->summer_s;
  bool summer = begin < end ? utc_s >= begin && utc_s < end : utc_s >= begin || utc_s < end;
  return summer ? tz->summer_s : tz->standard_s;
}

// ---------------------------------------------------------------- TZif

static int64_t be(const unsigned char *p, int bytes) {
  uint64_t v = 0;
  for (int i = 0; i < bytes; i++) v = v << 8 | p[i];
  return bytes == 4 ? (int64_t)(int32_t)(uint32_t)v : (int64_t)v;
}

struct header {
  unsigned char version;
  uint32_t ut, std, leap, time, type, chars;
};
#define HEADER_BYTES 44

static bool read_header(const unsigned char *p, size_t len, struct header *h) {
  if (len < HEADER_BYTES || memcmp(p, "TZif", 4) != 0) return false;
  h->version = p[4];
  uint32_t *fields[] = {&h->ut, &h->std, &h->leap, &h->time, &h->type, &h->chars};
  for (int i = 0; i < 6; i++) {
    *fields[i] = (uint32_t)be(p + 20 + 4 * i, 4);
    if (*fields[i] > TZ_FILE_MAX) return false;
  }
  return true;
}

static size_t body_bytes(const struct header *h, size_t time_bytes) {
  return h->time * (time_bytes + 1) + h->type * (size_t)6 + h->chars + h->leap * (time_bytes + 4) + h->std + h->ut;
}

static bool parse_body(struct tz *tz, const unsigned char *p, const struct header *h) {
  if (h->type == 0) return false;
  const unsigned char *index = p + h->time * (size_t)8, *types = index + h->time;
  tz->at = calloc(h->time + (size_t)1, sizeof *tz->at);
  tz->offset = calloc(h->time + (size_t)1, sizeof *tz->offset);
  if (!tz->at || !tz->offset) return false;
  for (uint32_t i = 0; i < h->time; i++) {
    if (index[i] >= h->type) return false;
    tz->at[i] = be(p + 8 * (size_t)i, 8);
    tz->offset[i] = (int32_t)be(types + 6 * (size_t)index[i], 4);
    if (i > 0 && tz->at[i] <= tz->at[i - 1]) return false;
    if (tz->offset[i] < -26 * 3600 || tz->offset[i] > 26 * 3600) return false;
  }
  tz->count = h->time;
  tz->first_offset = (int32_t)be(types, 4);
  return tz->first_offset >= -26 * 3600 && tz->first_offset <= 26 * 3600;
}

static bool parse_file(struct tz *tz, const unsigned char *p, size_t len) {
  struct header h;
  if (!read_header(p, len, &h) || h.version < '2') return false;
  size_t skip = HEADER_BYTES + body_bytes(&h, 4);
  if (skip > len || !read_header(p + skip, len - skip, &h)) return false;
  p += skip + HEADER_BYTES;
  len -= skip + HEADER_BYTES;
  size_t body = body_bytes(&h, 8);
  if (body > len || !parse_body(tz, p, &h)) return false;
  const char *footer = (const char *)p + body, *end = (const char *)p + len;
  if (footer == end || *footer++ != '\n') return false;
  const char *stop = memchr(footer, '\n', (size_t)(end - footer));
  char rule[128];
  if (!stop || (size_t)(stop - footer) >= sizeof rule) return false;
  memcpy(rule, footer, (size_t)(stop - footer));
  rule[stop - footer] = '\0';
  return parse_footer(tz, rule);
}

static bool good_name(const char *name) {
  size_t len = strlen(name);
  if (len == 0 || len >= TZ_NAME_MAX || name[0] == '/' || name[0] == '-' || strstr(name, "..") || strstr(name, "//")) return false;
  for (const char *p = name; *p; p++) {
    bool good = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || strchr("/_+-", *p);
    if (!good) return false;
  }
  return name[len - 1] != '/';
}

static enum status read_file(const char *name, struct buf *ret, struct err *err) {
  const struct buf *kept = tz_preloaded() ? tz_preloaded_file(name) : NULL;
  enum status st;
  if (tz_preloaded()) {
    if (kept) buf_add(ret, kept->data, kept->len);
    st = !kept ? ERR_NOTFOUND : ret->failed ? err_set(err, ERR_NOMEM, "out of memory") : OK;
  } else {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", tz_directory(), name) >= (int)sizeof path)
      return err_set(err, ERR_INVALID, "the time zone directory's name is too long");
    st = buf_read_file(ret, path, err);
  }
  return st == ERR_NOTFOUND ? err_set(err, ERR_NOTFOUND, "unknown time zone \"%s\" (names are IANA's, such as Europe/Berlin)", name) : st;
}

enum status tz_load(const char *name, struct tz **ret, struct err *err) {
  if (!good_name(name)) return err_set(err, ERR_INVALID, "\"%.64s\" is no time zone name; write one such as Europe/Berlin", name);
  struct buf file;
  buf_init(&file, TZ_FILE_MAX);
  enum status st = read_file(name, &file, err);
  struct tz *tz = st == OK ? calloc(1, sizeof *tz) : NULL;
  if (st == OK && !tz) st = err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) {
    snprintf(tz->name, sizeof tz->name, "%s", name);
    if (!parse_file(tz, (const unsigned char *)file.data, file.len))
      st = err_set(err, ERR_INVALID, "time zone \"%s\": its file in %s is damaged or of an old version", name, tz_directory());
  }
  buf_finish(&file);
  if (st == OK) *ret = tz;
  else tz_destroy(tz);
  return st;
}

void tz_destroy(struct tz *tz) {
  if (!tz) return;
  free(tz->at);
  free(tz->offset);
  free(tz);
}

const char *tz_name(const struct tz *tz) {
  return tz->name;
}

// ---------------------------------------------------------------- questions

int32_t tz_offset_s(const struct tz *tz, int64_t utc_s) {
  if (tz->count == 0 || utc_s < tz->at[0]) return tz->count == 0 && tz->has_rule ? rule_offset(tz, utc_s) : tz->first_offset;
  if (utc_s >= tz->at[tz->count - 1] && tz->has_rule) return rule_offset(tz, utc_s);
  size_t lo = 0, hi = tz->count;  // last transition at or before utc_s is in [lo, hi)
  while (hi - lo > 1) {
    size_t mid = lo + (hi - lo) / 2;
    if (tz->at[mid] <= utc_s) lo = mid;
    else hi = mid;
  }
  return tz->offset[lo];
}

struct tz_date tz_local(const struct tz *tz, int64_t utc_s, int32_t *ret_second_of_day) {
  int64_t local = utc_s + tz_offset_s(tz, utc_s), day = floor_day(local);
  if (ret_second_of_day) *ret_second_of_day = (int32_t)(local - day * DAY_S);
  return date_from_days(day);
}

int64_t tz_local_day(const struct tz *tz, int64_t utc_s) {
  return floor_day(utc_s + tz_offset_s(tz, utc_s));
}

int64_t tz_utc_of_local(const struct tz *tz, int64_t local_day, int32_t second_of_day) {
  int64_t local = local_day * DAY_S + second_of_day;
  // The offsets in force a day before and after bracket at most one change, as all real zones have it.
  int32_t before = tz_offset_s(tz, local - tz_offset_s(tz, local) - DAY_S), after = tz_offset_s(tz, local + DAY_S);
  int64_t early = local - before, late = local - after;
  if (tz_offset_s(tz, early) == before) return early;  // before the change, or in the first pass of an overlap
  if (tz_offset_s(tz, late) == after) return late;
  // In a gap: the change lies between; find its instant.
  int64_t lo = local - (after > before ? after : before) - DAY_S, hi = local + DAY_S;
  while (hi - lo > 1) {
    int64_t mid = lo + (hi - lo) / 2;
    if (mid + tz_offset_s(tz, mid) < local) lo = mid;
    else hi = mid;
  }
  return hi;
}

int64_t tz_next_time_of_day(const struct tz *tz, int64_t after_s, int32_t second_of_day) {
  assert(second_of_day >= 0 && second_of_day < DAY_S);
  // A day may be left out whole (Samoa, 30 December 2011): its occurrence is the first instant after it, which the next
  // day may share; "later than after_s" keeps it to one.
  for (int64_t day = tz_local_day(tz, after_s) - 1;; day++) {
    int64_t at = tz_utc_of_local(tz, day, second_of_day);
    if (at > after_s) return at;
  }
}
