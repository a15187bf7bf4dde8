// Who wants what when: modes by event and channel, quiet hours over midnight and over a change of the clock, digests, critical ones, storms.
#include "market/tz.h"
#include "notice/rules.h"
#include "notice/storm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S INT64_C(1000000000)

static int64_t at(int year, int month, int day, int hour, int minute) { return (date_to_days(year, month, day) * 86400 + hour * 3600 + minute * 60) * S; }

static struct notice_rules *rules_of(const char *text) {
  struct notice_rules *r = NULL;
  struct err err;
  json_t *v = text ? json_loads(text, 0, NULL) : NULL;
  assert_true(!text || v);
  assert_int_equal(notice_rules_create(v, &r, &err), OK);
  json_decref(v);
  return r;
}

// "now", "off", or when it is to go: "2026-03-29 07:00".
static const char *decided(const char *preferences, enum notice_event e, enum notice_kind kind, const char *channel, int64_t now_ns) {
  static char text[40];
  struct notice_rules *r = rules_of(preferences);
  const struct notice_decision d = notice_decide(r, e, kind, channel, now_ns);
  notice_rules_destroy(r);
  if (d.mode == NOTICE_OFF) return "off";
  if (d.mode == NOTICE_NOW) return assert_int_equal(d.at_ns, now_ns), "now";
  const int64_t s = d.at_ns / S;
  int32_t second = (int32_t)(s % 86400);
  const struct tz_date date = date_from_days(s / 86400);
  assert_true(d.at_ns > now_ns);
  snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d", (int)date.year, date.month, date.day, (int)(second / 3600), (int)(second / 60 % 60));
  return text;
}

static void said_and_usual(void **state) {
  (void)state;
  const int64_t now = at(2026, 3, 10, 12, 0);
  assert_string_equal(decided(NULL, NOTICE_ORDER_REJECTED, NOTICE_TELEGRAM, "chn_A", now), "now");
  assert_string_equal(decided(NULL, NOTICE_ORDER_FILLED, NOTICE_TELEGRAM, "chn_A", now), "off");
  assert_string_equal(decided(NULL, NOTICE_ORDER_REJECTED, NOTICE_SMS, "chn_A", now), "off");  // SMS cost
  assert_string_equal(decided(NULL, NOTICE_BOT_DEAD, NOTICE_SMS, "chn_A", now), "now");
  const char *said = "{\"events\":{\"order.filled\":{\"all\":\"now\",\"chn_B\":\"off\"},\"order.rejected\":{\"chn_S\":\"now\",\"all\":\"off\"}}}";
  assert_string_equal(decided(said, NOTICE_ORDER_FILLED, NOTICE_SLACK, "chn_A", now), "now");
  assert_string_equal(decided(said, NOTICE_ORDER_FILLED, NOTICE_SLACK, "chn_B", now), "off");
  assert_string_equal(decided(said, NOTICE_ORDER_REJECTED, NOTICE_SMS, "chn_S", now), "now");
  assert_string_equal(decided(said, NOTICE_ORDER_REJECTED, NOTICE_MAIL, "chn_A", now), "off");
}

static void quiet_hours(void **state) {
  (void)state;
  const char *night = "{\"time_zone\":\"Europe/Berlin\",\"quiet\":{\"from\":\"22:00\",\"to\":\"07:00\"}}", *noon = "{\"quiet\":{\"from\":\"12:00\",\"to\":\"14:00\"}}";
  assert_string_equal(decided(night, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 1, 10, 20, 59)), "now");  // 21:59 there
  assert_string_equal(decided(night, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 1, 10, 21, 0)), "2026-01-11 06:00");
  assert_string_equal(decided(night, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 1, 11, 5, 59)), "2026-01-11 06:00");
  assert_string_equal(decided(night, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 1, 11, 6, 0)), "now");
  // The night in which the clocks go forward: seven o'clock comes an hour earlier.
  assert_string_equal(decided(night, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 3, 28, 23, 0)), "2026-03-29 05:00");
  // And back.
  assert_string_equal(decided(night, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 10, 24, 23, 0)), "2026-10-25 06:00");
  // They end at an hour that the night does not have, or has twice: nothing is held a day for it.
  const char *odd = "{\"time_zone\":\"Europe/Berlin\",\"quiet\":{\"from\":\"22:00\",\"to\":\"02:30\"},\"digest\":{\"at\":\"02:30\"},\"events\":{\"order.filled\":{\"all\":\"digest\"}}}";
  assert_string_equal(decided(odd, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 3, 29, 0, 30)), "2026-03-29 01:00");
  assert_string_equal(decided(odd, NOTICE_ORDER_FILLED, NOTICE_MAIL, "c", at(2026, 3, 29, 0, 30)), "2026-03-29 01:00");
  assert_string_equal(decided(odd, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 3, 29, 1, 30)), "now");
  assert_string_equal(decided(odd, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 10, 25, 0, 10)), "2026-10-25 00:30");
  assert_string_equal(decided(odd, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 10, 25, 0, 40)), "now");
  assert_string_equal(decided(odd, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 10, 25, 1, 10)), "now");  // they were over when it was half past two first
  const char *begins = "{\"time_zone\":\"Europe/Berlin\",\"quiet\":{\"from\":\"02:30\",\"to\":\"07:00\"}}";
  assert_string_equal(decided(begins, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 10, 25, 0, 20)), "now");
  assert_string_equal(decided(begins, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 10, 25, 0, 30)), "2026-10-25 06:00");
  assert_string_equal(decided(begins, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 10, 25, 1, 10)), "2026-10-25 06:00");
  assert_string_equal(decided(begins, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 3, 29, 0, 59)), "now");
  assert_string_equal(decided(begins, NOTICE_BOT_MESSAGE, NOTICE_MAIL, "c", at(2026, 3, 29, 1, 0)), "2026-03-29 05:00");
  assert_string_equal(decided(noon, NOTICE_BOT_MESSAGE, NOTICE_TELEGRAM, "c", at(2026, 1, 10, 13, 0)), "2026-01-10 14:00");
  assert_string_equal(decided(noon, NOTICE_BOT_MESSAGE, NOTICE_TELEGRAM, "c", at(2026, 1, 10, 14, 0)), "now");
  assert_string_equal(decided(night, NOTICE_BOT_MESSAGE, NOTICE_WEBHOOK, "c", at(2026, 1, 10, 23, 0)), "now");  // programs do not sleep
  for (int e = 0; e < NOTICE_EVENT_COUNT; e++)
    if (notice_about((enum notice_event)e)->critical) assert_string_equal(decided(night, (enum notice_event)e, NOTICE_MAIL, "c", at(2026, 1, 10, 23, 0)), "now");
}

static void digests(void **state) {
  (void)state;
  const char *daily = "{\"time_zone\":\"America/New_York\",\"digest\":{\"at\":\"08:00\"},\"events\":{\"order.filled\":{\"all\":\"digest\"}}}";
  assert_string_equal(decided(daily, NOTICE_ORDER_FILLED, NOTICE_MAIL, "c", at(2026, 1, 10, 12, 59)), "2026-01-10 13:00");
  assert_string_equal(decided(daily, NOTICE_ORDER_FILLED, NOTICE_MAIL, "c", at(2026, 1, 10, 13, 0)), "2026-01-11 13:00");
  assert_string_equal(decided(daily, NOTICE_ORDER_FILLED, NOTICE_MAIL, "c", at(2026, 7, 10, 11, 0)), "2026-07-10 12:00");  // summer
  const char *often = "{\"digest\":{\"at\":\"08:10\",\"every_minutes\":30},\"quiet\":{\"from\":\"22:00\",\"to\":\"07:00\"},\"events\":{\"order.filled\":{\"all\":\"digest\"}}}";
  assert_string_equal(decided(often, NOTICE_ORDER_FILLED, NOTICE_MAIL, "c", at(2026, 1, 10, 12, 0)), "2026-01-10 12:10");
  assert_string_equal(decided(often, NOTICE_ORDER_FILLED, NOTICE_MAIL, "c", at(2026, 1, 10, 12, 10)), "2026-01-10 12:40");
  assert_string_equal(decided(often, NOTICE_ORDER_FILLED, NOTICE_MAIL, "c", at(2026, 1, 10, 23, 50)), "2026-01-11 07:00");  // the digest's time is a quiet one
  assert_string_equal(decided(often, NOTICE_ORDER_FILLED, NOTICE_WEBHOOK, "c", at(2026, 1, 10, 23, 50)), "2026-01-11 00:10");
}

static void wrong_ones(void **state) {
  (void)state;
  static const struct { const char *text, *said; } wrong[] = {
    {"{\"time_zone\":\"Mars/Olympus\"}", "/time_zone: "}, {"{\"time_zone\":\"../../etc/passwd\"}", "/time_zone: "}, {"{\"quiet\":{\"from\":\"24:00\",\"to\":\"07:00\"}}", "/quiet/from: "},
    {"{\"quiet\":{\"from\":\"22:00\",\"to\":\"7:00\"}}", "/quiet/to: "}, {"{\"quiet\":{\"from\":\"22:00\",\"to\":\"22:00\"}}", "/quiet/to: "}, {"{\"digest\":{\"every_minutes\":7}}", "/digest/every_minutes: "},
    {"{\"digest\":{\"every_minutes\":1000}}", "/digest/every_minutes: "}, {"{\"digest\":{\"at\":\"noon\"}}", "/digest/at: "}, {"{\"events\":{\"order.sold\":{}}}", "/events/order.sold: "},
    {"{\"events\":{\"order.filled\":{\"all\":\"later\"}}}", "/events/order.filled/all: "}, {"{\"events\":{\"bot.dead\":{\"all\":\"off\"}}}", "/events/bot.dead/all: "},
    {"{\"events\":{\"login.new\":{\"chn_A\":\"digest\"}}}", "/events/login.new/chn_A: "}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct notice_rules *r = NULL;
    struct err err;
    json_t *v = json_loads(wrong[i].text, 0, NULL);
    assert_int_equal(notice_rules_create(v, &r, &err), ERR_INVALID);
    assert_int_equal(strncmp(err.msg, wrong[i].said, strlen(wrong[i].said)), 0);
    json_decref(v);
  }
  notice_rules_destroy(rules_of("{\"events\":{\"bot.dead\":{\"all\":\"now\"}},\"quiet\":null}"));
}

static void storms(void **state) {
  (void)state;
  struct notice_storm s = {0};
  const int64_t t = at(2026, 1, 1, 0, 0), w = 600 * S;
  int told = 0;
  for (int i = 0; i < 42; i++) told += notice_storm_take(&s, NOTICE_STORM_BURST, t + i * S, w);
  assert_int_equal(told, NOTICE_STORM_BURST);
  assert_false(notice_storm_due(&s, t + 599 * S, w));
  assert_false(notice_storm_take(&s, NOTICE_STORM_BURST, t + 601 * S, w));  // what is folded is told before anything else is
  assert_true(notice_storm_due(&s, t + 601 * S, w));
  assert_int_equal(notice_storm_tell(&s, t + 602 * S), 38);
  assert_false(notice_storm_due(&s, t + 602 * S, w));
  // It goes on: once a window.
  assert_false(notice_storm_take(&s, NOTICE_STORM_BURST, t + 700 * S, w));
  assert_int_equal(notice_storm_tell(&s, t + 1202 * S), 1);
  // It is over: the next ones are told again.
  assert_true(notice_storm_take(&s, NOTICE_STORM_BURST, t + 1803 * S, w));
  // A clock that was set back does not hold anything for ever.
  s = (struct notice_storm){.since_ns = t + 86400 * S, .sent = 5, .folded = 2};
  assert_true(notice_storm_due(&s, t, w));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(said_and_usual), cmocka_unit_test(quiet_hours), cmocka_unit_test(digests), cmocka_unit_test(wrong_ones), cmocka_unit_test(storms)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
