#include "tenant/window.h"

#define NS_PER_HOUR (INT64_C(3600) * 1000000000)
#define NS_PER_DAY (24 * NS_PER_HOUR)

static int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && a < 0);
}

// Days since 1970-01-01 and back, proleptic Gregorian (Howard Hinnant, "chrono-compatible low-level date algorithms").
static int64_t days_of(int64_t y, int m, int d) {
  y -= m <= 2;
  int64_t era = floor_div(y, 400), yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void date_of(int64_t days, int64_t *ret_y, int *ret_m, int *ret_d) {
  days += 719468;
  int64_t era = floor_div(days, 146097), doe = days - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100),
          mp = (5 * doy + 2) / 153;
  *ret_d = (int)(doy - (153 * mp + 2) / 5 + 1);
  *ret_m = (int)(mp < 10 ? mp + 3 : mp - 9);
  *ret_y = yoe + era * 400 + (*ret_m <= 2);
}

static int64_t month_start(int64_t y, int64_t months) {  // of the month `months` after January of y
  return days_of(y + floor_div(months, 12), (int)(months - floor_div(months, 12) * 12) + 1, 1);
}

int64_t window_start(enum meter_kind kind, int64_t now_ns) {
  int64_t y;
  int m, d;
  switch (kind) {
  case METER_HOUR: return floor_div(now_ns, NS_PER_HOUR) * NS_PER_HOUR;
  case METER_DAY: return floor_div(now_ns, NS_PER_DAY) * NS_PER_DAY;
  case METER_MONTH: date_of(floor_div(now_ns, NS_PER_DAY), &y, &m, &d); return days_of(y, m, 1) * NS_PER_DAY;
  case METER_HELD:
  case METER_SIZE: break;
  }
  return 0;
}

int64_t window_end(enum meter_kind kind, int64_t now_ns) {
  int64_t y;
  int m, d;
  switch (kind) {
  case METER_HOUR: return window_start(kind, now_ns) + NS_PER_HOUR;
  case METER_DAY: return window_start(kind, now_ns) + NS_PER_DAY;
  case METER_MONTH: date_of(floor_div(now_ns, NS_PER_DAY), &y, &m, &d); return month_start(y, m) * NS_PER_DAY;
  case METER_HELD:
  case METER_SIZE: break;
  }
  return 0;
}

int64_t window_month_after(int64_t since_ns, int64_t now_ns) {
  int64_t since_day = floor_div(since_ns, NS_PER_DAY), time = since_ns - since_day * NS_PER_DAY, y, ny;
  int m, d, nm, nd;
  date_of(since_day, &y, &m, &d);
  date_of(floor_div(now_ns, NS_PER_DAY), &ny, &nm, &nd);
  int64_t months = (ny - y) * 12 + (nm - m) - 1;
  if (months < 1) months = 1;
  for (;; months++) {
    int64_t first = month_start(y, m - 1 + months), length = month_start(y, m + months) - first;
    int64_t at = (first + (d <= length ? d : length) - 1) * NS_PER_DAY + time;
    if (at > now_ns) return at;
  }
}
