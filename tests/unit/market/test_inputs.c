// Tests of the files beside the bars: funding rates and recorded signals.
#include "market/funding.h"
#include "market/signals.h"
#include "market/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

static struct err err;
static char path[] = "/tmp/perigee-inputs-XXXXXX";

static void write_file(const char *text) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  fputs(text, f);
  assert_int_equal(fclose(f), 0);
}

static void check_funding(void **state) {
  (void)state;
  struct funding_list list;
  write_file("time,rate\n1637193600017,0.0001\n1637222400007,-0.000000000001\r\n1637251200000,1e-5\n");
  if (funding_load(path, &list, &err) != OK) fail_msg("%s", err.msg);
  assert_int_equal(list.count, 3);
  assert_int_equal(list.items[0].ts_ns, INT64_C(1637193600017) * MS);  // the jitter stays
  assert_int_equal(list.items[0].rate_e12, 100000000);
  assert_int_equal(list.items[1].rate_e12, -1);
  assert_int_equal(list.items[2].rate_e12, 10000000);
  funding_finish(&list);
  // as files print doubles: rounded to 1e-12, half away from zero
  write_file("time,rate\n1,-0.0021933400000000002\n2,1.0000000000000001e-05\n3,0.0000000000005\n4,-0.00000000000049\n");
  if (funding_load(path, &list, &err) != OK) fail_msg("%s", err.msg);
  assert_int_equal(list.items[0].rate_e12, -2193340000);
  assert_int_equal(list.items[1].rate_e12, 10000000);
  assert_int_equal(list.items[2].rate_e12, 1);
  assert_int_equal(list.items[3].rate_e12, 0);
  funding_finish(&list);
  write_file("fundingRate, mark ,Date\n0.01,5,2021-11-18\n-0.02,5,2021-11-18T08:00Z\n");
  assert_int_equal(funding_load(path, &list, &err), OK);
  assert_int_equal(list.items[1].ts_ns - list.items[0].ts_ns, 8 * 3600 * 1000 * MS);
  funding_finish(&list);
}

static void check_funding_refusals(void **state) {
  (void)state;
  static const struct {
    const char *text, *place, *reason;
  } bad[] = {
      {"", "", "is empty"},
      {"time,rate\n", "", "no rates"},
      {"time;rate\n", ":1:1:", "columns time and rate"},
      {"1637193600017,0.0001\n", ":1:1:", "columns time and rate"},
      {"time,rate,rate\n", ":1:11:", "twice"},
      {"time,rate\n1637193600017,0.0001\n1637193600017,0.0001\n", ":3:1:", "does not rise"},
      {"time,rate\n1637193600017,nan\n", ":2:15:", "not a number"},
      {"time,rate\n1637193600017,0.00010000000000000x\n", ":2:15:", "not a number"},
      {"time,rate\n1637193600017,1\n", ":2:15:", "100 %"},
      {"time,rate\n1637193600017\n", ":2:1:", "number of fields"},
      {"time,rate\n1637193600017,0.0001,\n", ":2:22:", "number of fields"},
      {"time,rate\n1637193600017,0.0001", ":2:1:", "no line end"},
      {"time,rate\nx,0.0001\n", ":2:1:", "is no time"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct funding_list list = {.count = 77};
    write_file(bad[i].text);
    if (funding_load(path, &list, &err) != ERR_INVALID || !strstr(err.msg, bad[i].place) || !strstr(err.msg, bad[i].reason))
      fail_msg("%s: %s", bad[i].reason, err.msg);
    assert_int_equal(list.count, 77);
  }
}

static void check_signals_csv(void **state) {
  (void)state;
  struct signal_list list;
  write_file("ts,source,key,symbol,action,size,price,sl,tp,comment\n"
             "2021-04-20T20:43:00Z,tv,k1,BTCUSDT,buy,0.5,,55000.25,,\"say \"\"go\"\", now\"\n"
             "2021-04-20T20:42:00Z,ea,,EURUSD,close,,,,,\n"
             "2021-04-20T20:43:00Z,tv,k2,BTCUSDT,sell,1e-3,56000,,54000,x\n");
  if (signals_load(path, &list, &err) != OK) fail_msg("%s", err.msg);
  assert_int_equal(list.count, 3);
  assert_string_equal(list.items[0].symbol, "EURUSD");  // sorted
  assert_int_equal(list.items[0].has, 0);
  assert_string_equal(list.items[0].key, "");
  assert_string_equal(list.items[0].id, "3");
  const struct signal *s = &list.items[1];  // equal times keep the file's order
  assert_string_equal(s->key, "k1");
  assert_int_equal(s->has, SIGNAL_HAS_SIZE | SIGNAL_HAS_SL);
  assert_int_equal(s->size.digits, 5);
  assert_int_equal(s->size.scale, 1);
  assert_int_equal(s->sl.digits, 5500025);
  assert_string_equal(s->raw, "2021-04-20T20:43:00Z,tv,k1,BTCUSDT,buy,0.5,,55000.25,,\"say \"\"go\"\", now\"");
  assert_int_equal(list.items[2].has, SIGNAL_HAS_SIZE | SIGNAL_HAS_PRICE | SIGNAL_HAS_TP);
  assert_int_equal(list.items[2].line, 4);
  signals_finish(&list);
}

static void check_signals_json(void **state) {
  (void)state;
  struct signal_list list;
  write_file("\n{\"time\":1618951380000,\"symbol\":\"BTCUSDT\",\"action\":\"buy\",\"size\":0.1,\"sl\":\"55000.10\",\"id\":7,\"x\":[1,{}],\"tp\":null}\n"
             "  {\"time\":1618951440000,\"raw\":\"BUY now\",\"price\":56000}\n");
  if (signals_load(path, &list, &err) != OK) fail_msg("%s", err.msg);
  assert_int_equal(list.count, 2);
  const struct signal *s = &list.items[0];
  assert_int_equal(s->ts_ns, INT64_C(1618951380000) * MS);
  assert_string_equal(s->id, "7");
  assert_int_equal(s->size.digits, 1);  // 0.1, not its double's expansion
  assert_int_equal(s->size.scale, 1);
  assert_int_equal(s->sl.digits, 550001);
  assert_int_equal(s->has, SIGNAL_HAS_SIZE | SIGNAL_HAS_SL);
  assert_non_null(strstr(s->raw, "\"x\":[1,{}]"));
  assert_string_equal(list.items[1].raw, "BUY now");
  assert_int_equal(list.items[1].price.digits, 56000);
  signals_finish(&list);
}

static void check_signals_refusals(void **state) {
  (void)state;
  static const struct {
    const char *text, *place, *reason;
  } bad[] = {
      {"", "", "is empty"},
      {"symbol,action\n", ":1:1:", "name the columns"},
      {"time,ts\n", ":1:6:", "twice"},
      {"time,symbol\n1618951380000,X,Y\n", ":2:", "number of fields"},
      {"time,size\n1618951380000,big\n", ":2:15:", "size is not a number"},
      {"time,sl\nyesterday,1\n", ":2:1:", "is no time"},
      {"{\"time\":1618951380000", ":1:", "expected"},
      {"{\"time\":1618951380000}\n[1]\n", ":2:1:", "not a JSON object"},
      {"{\"symbol\":\"X\"}\n", ":1:1:", "no time"},
      {"{\"time\":1618951380000,\"ts\":1}\n", ":1:1:", "twice"},
      {"{\"time\":1618951380000,\"size\":[]}\n", ":1:1:", "neither text nor number"},
      {"{\"time\":1618951380000,\"size\":true}\n", ":1:1:", "neither text nor number"},
      {"{\"time\":1618951380000,\"a\":1,\"a\":2}\n", ":1:", "duplicate"},
      {"{\"time\":1618951380000}\n{\"time\":1618951380}\n", ":2:1:", "looks like seconds"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct signal_list list = {.count = 77};
    write_file(bad[i].text);
    if (signals_load(path, &list, &err) != ERR_INVALID || !strstr(err.msg, bad[i].place) || !strstr(err.msg, bad[i].reason))
      fail_msg("%s: %s", bad[i].reason, err.msg);
    assert_int_equal(list.count, 77);
  }
}

static void check_time_text(void **state) {
  (void)state;
  static const struct { const char *text; int64_t ns; const char *shown; } cases[] = {
      {"1970-01-01", 0, "1970-01-01T00:00:00Z"},
      {"1969-12-31T23:59:59.5", -500 * MS, "1969-12-31T23:59:59.5Z"},
      {"2004-08-19T00:00:00+05:30", INT64_C(1092853800000) * MS, "2004-08-18T18:30:00Z"},
      {"2199-12-31T23:59:59.999999999Z", INT64_C(7258118399999999999), "2199-12-31T23:59:59.999999999Z"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int64_t ns;
    char text[TIME_TEXT_MAX];
    assert_true(time_parse_iso((struct slice){cases[i].text, strlen(cases[i].text)}, &ns));
    assert_int_equal(ns, cases[i].ns);
    assert_string_equal(time_text(ns, text), cases[i].shown);
  }
  static const char *const bad[] = {"2004-8-19", "2004-08-19T", "2004-08-19T24:00", "2004-08-19T10", "2004-08-19T10:00:60",
                                    "2004-08-19T10:00:00.", "2004-08-19T10:00:00.0000000001", "2004-13-01", "2004-02-30",
                                    "2004-08-19X10:00", "2004-08-19T10:00+", "2004-08-19T10:00+5", "2004-08-19T10:00+16:00",
                                    "2004-08-19T10:00+05:3", "1699-12-31", "2200-01-01", "2004-08-19T10:00 "};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    int64_t ns;
    if (time_parse_iso((struct slice){bad[i], strlen(bad[i])}, &ns)) fail_msg("%s", bad[i]);
  }
}

static int make_file(void **state) {
  (void)state;
  int fd = mkstemp(path);
  return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state) {
  (void)state;
  return unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_funding),      cmocka_unit_test(check_funding_refusals), cmocka_unit_test(check_signals_csv),
      cmocka_unit_test(check_signals_json), cmocka_unit_test(check_signals_refusals), cmocka_unit_test(check_time_text),
  };
  return cmocka_run_group_tests(tests, make_file, remove_file);
}
