// Tests of local time against Python's zoneinfo (tz_vectors.h), and of names and files that are none.
#include "market/tz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tz_vectors.h"

static struct err err;

static struct tz *zone(const char *name) {
  struct tz *tz;
  if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0) {
    printf("skipped: the system has no time zone rules (package tzdata)\n");
    skip();
  }
  if (tz_load(name, &tz, &err) != OK) fail_msg("%s", err.msg);
  return tz;
}

static void check_offsets(void **state) {
  (void)state;
  struct tz *tz = NULL;
  for (size_t i = 0; i < sizeof tz_vectors / sizeof tz_vectors[0]; i++) {
    if (!tz || strcmp(tz_name(tz), tz_vectors[i].zone) != 0) {
      tz_destroy(tz);
      tz = zone(tz_vectors[i].zone);
    }
    int32_t got = tz_offset_s(tz, tz_vectors[i].utc_s);
    if (got != tz_vectors[i].offset_s)
      fail_msg("%s at %lld: %d, not %d", tz_vectors[i].zone, (long long)tz_vectors[i].utc_s, (int)got, (int)tz_vectors[i].offset_s);
  }
  tz_destroy(tz);
}

static void check_local_date(void **state) {
  (void)state;
  struct tz *tz = zone("America/New_York");
  int32_t second;
  struct tz_date d = tz_local(tz, INT64_C(1615755600), &second);  // Sunday 2021-03-14 17:00, summer time's first day
  assert_int_equal(d.year, 2021);
  assert_int_equal(d.month, 3);
  assert_int_equal(d.day, 14);
  assert_int_equal(d.weekday, 6);
  assert_int_equal(second, 17 * 3600);
  assert_int_equal(tz_local_day(tz, INT64_C(1615698000) - 1), date_to_days(2021, 3, 13));  // midnight of the 14th, EST
  assert_int_equal(tz_local_day(tz, INT64_C(1615698000)), date_to_days(2021, 3, 14));
  tz_destroy(tz);
}

static void check_next_time_of_day(void **state) {
  (void)state;
  static const struct {
    const char *zone;
    int64_t after_s;
    int32_t second;
    int64_t want_s;
  } cases[] = {
      {"America/New_York", 1615672799, 17 * 3600, 1615672800},           // 17:00 on the 13th, EST
      {"America/New_York", 1615672800, 17 * 3600, 1615755600},           // 23 hours later on the 14th, EDT
      {"America/New_York", 1615690800, 2 * 3600 + 1800, 1615705200},     // 02:30 is in the gap: 03:00 EDT
      {"America/New_York", 1615705200, 2 * 3600 + 1800, 1615789800},     // and the next day's 02:30
      {"America/New_York", 1636257600, 3600 + 1800, 1636263000},         // 01:30 twice: the first
      {"America/New_York", 1636263000, 3600 + 1800, 1636353000},         // not the second
      {"Europe/Berlin", 1616886000, 2 * 3600 + 1800, 1616893200},
      {"Europe/Berlin", 1635631200, 2 * 3600 + 1800, 1635640200},
      {"Europe/London", 1616886000, 3600 + 1800, 1616893200},
      {"Australia/Lord_Howe", 1633180000, 2 * 3600 + 900, 1633188600},   // half an hour: 02:15 is gone, 02:30 follows
      {"Australia/Lord_Howe", 1617450000, 3600 + 45 * 60, 1617461100},
      {"Pacific/Apia", 1325152800, 12 * 3600, 1325196000},               // noon of the 29th
      {"Pacific/Apia", 1325196000, 12 * 3600, 1325239200},               // the 30th never was: its first instant after
      {"Pacific/Apia", 1325239200, 12 * 3600, 1325282400},               // noon of the 31st
      {"UTC", 0, 0, 86400},
      {"UTC", -1, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct tz *tz = zone(cases[i].zone);
    int64_t got = tz_next_time_of_day(tz, cases[i].after_s, cases[i].second);
    if (got != cases[i].want_s)
      fail_msg("%s after %lld: %lld, not %lld", cases[i].zone, (long long)cases[i].after_s, (long long)got, (long long)cases[i].want_s);
    tz_destroy(tz);
  }
}

// Over many years a daily timer fires once per local day, at its local time or just after a gap.
static void check_daily_timer(void **state) {
  (void)state;
  static const char *const zones[] = {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo"};
  for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++) {
    struct tz *tz = zone(zones[z]);
    int64_t t = INT64_C(1483228800), day = tz_local_day(tz, t);
    for (int i = 0; i < 3000; i++) {
      int64_t next = tz_next_time_of_day(tz, t, 2 * 3600 + 900);
      int32_t second;
      tz_local(tz, next, &second);
      assert_true(next > t && next - t <= 90000 + 3600);
      assert_true(second == 2 * 3600 + 900 || tz_offset_s(tz, next) != tz_offset_s(tz, next - 1));
      if (i > 0) assert_int_equal(tz_local_day(tz, next), day + 1);
      day = tz_local_day(tz, next);
      t = next;
    }
    tz_destroy(tz);
  }
}

static void check_calendar(void **state) {
  (void)state;
  assert_int_equal(date_to_days(1970, 1, 1), 0);
  assert_int_equal(date_to_days(2000, 3, 1), 11017);
  assert_int_equal(date_to_days(1699, 12, 31), -98616);
  for (int64_t day = -100000; day < 100000; day++) {
    struct tz_date d = date_from_days(day);
    assert_int_equal(date_to_days(d.year, d.month, d.day), day);
    assert_int_equal(d.weekday, ((day % 7) + 7 + 3) % 7);
  }
}

static void check_names(void **state) {
  (void)state;
  struct tz *tz = NULL;
  static const char *const bad[] = {"", "/etc/passwd", "../passwd", "Europe/../../passwd", "Europe//Berlin", "Europe/", "a b", "x\n",
                                    "-x", "Europe/Berlin;", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_int_equal(tz_load(bad[i], &tz, &err), ERR_INVALID);
  assert_int_equal(tz_load("Europe/Perigee", &tz, &err), ERR_NOTFOUND);
  assert_non_null(strstr(err.msg, "unknown time zone"));
  assert_null(tz);
}

// A damaged file is refused wherever it is cut, and no bit of it can lead outside its bytes.
static void check_damaged_files(void **state) {
  (void)state;
  tz_destroy(zone("Europe/Berlin"));
  char bytes[8192], dir[] = "/tmp/perigee-tz-XXXXXX", path[128];
  FILE *f = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
  assert_non_null(f);
  size_t len = fread(bytes, 1, sizeof bytes, f);
  fclose(f);
  assert_true(len > 500 && len < sizeof bytes);
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/Cut", dir);
  const char *before = getenv("TZDIR");
  char *saved = before ? strdup(before) : NULL;
  setenv("TZDIR", dir, 1);
  for (size_t cut = 0; cut < len; cut += cut < 100 || cut > len - 40 ? 1 : 37) {
    f = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, cut, f), cut);
    fclose(f);
    struct tz *tz = NULL;
    assert_int_equal(tz_load("Cut", &tz, &err), ERR_INVALID);
  }
  uint64_t seed = 3;
  for (int i = 0; i < 400; i++) {
    char copy[sizeof bytes];
    memcpy(copy, bytes, len);
    for (int k = 0; k < 3; k++) {
      seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
      copy[(seed >> 33) % len] = (char)(seed >> 25);
    }
    f = fopen(path, "wb");
    assert_int_equal(fwrite(copy, 1, len, f), len);
    fclose(f);
    struct tz *tz = NULL;
    if (tz_load("Cut", &tz, &err) != OK) continue;
    int32_t offset = tz_offset_s(tz, INT64_C(4000000000));
    assert_true(offset > -200 * 3600 && offset < 200 * 3600);
    tz_destroy(tz);
  }
  if (saved) setenv("TZDIR", saved, 1);
  else unsetenv("TZDIR");
  free(saved);
  unlink(path);
  rmdir(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_offsets),     cmocka_unit_test(check_local_date), cmocka_unit_test(check_next_time_of_day),
      cmocka_unit_test(check_daily_timer), cmocka_unit_test(check_calendar),   cmocka_unit_test(check_names),
      cmocka_unit_test(check_damaged_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
