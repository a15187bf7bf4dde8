// Tests of the CSV loader on small files of its own: what loads is exact, what is wrong is refused with its place.
#include "market/csv.h"
#include "market/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define H "time,open,high,low,close,volume\n"
#define R0 "1618951320000,100.5,101.25,99,100,5\n"
#define R1 "1618951380000,100,102,99.75,101,0.5\n"
#define R2 "1618951440000,101,101,100,100.5,7.25\n"

static struct csv_report report;
static struct err err;

static enum status load_with(const char *text, size_t len, const struct csv_options *options, struct series *ret) {
  memset(&err, 0, sizeof err);
  return csv_load_bytes("dir/X_1m.csv", text, len, options, ret, &report, &err);
}

static enum status load(const char *text, struct series *ret) {
  return load_with(text, strlen(text), &(struct csv_options){0}, ret);
}

// Three bars as R0 to R2 say, whatever form the file had.
static void assert_three(const struct series *s) {
  static const struct bar want[] = {
      {INT64_C(1618951320) * NS_PER_S, {10050}, {10125}, {9900}, {10000}, 500, 0},
      {INT64_C(1618951380) * NS_PER_S, {10000}, {10200}, {9975}, {10100}, 50, 0},
      {INT64_C(1618951440) * NS_PER_S, {10100}, {10100}, {10000}, {10050}, 725, 0}};
  assert_int_equal(s->count, 3);
  assert_int_equal(s->inst.tick.digits, 1);
  assert_int_equal(s->inst.tick.scale, 2);
  assert_int_equal(s->inst.lot.scale, 2);
  assert_int_equal(s->volume_scale, 2);
  assert_int_equal(s->price_scale, 2);
  assert_string_equal(s->inst.symbol, "X");
  assert_int_equal(s->timeframe_ns, NS_PER_MINUTE);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(s->bars[i].open_ns, want[i].open_ns);
    assert_int_equal(s->bars[i].open.ticks, want[i].open.ticks);
    assert_int_equal(s->bars[i].high.ticks, want[i].high.ticks);
    assert_int_equal(s->bars[i].low.ticks, want[i].low.ticks);
    assert_int_equal(s->bars[i].close.ticks, want[i].close.ticks);
    assert_int_equal(s->bars[i].volume, want[i].volume);
    assert_int_equal(s->bars[i].flags, 0);
  }
}

static void check_forms(void **state) {
  (void)state;
  static const char *const forms[] = {
      H R0 R1 R2,
      "\xef\xbb\xbf" H R0 R1 R2,
      "time,open,high,low,close,volume\r\n1618951320000,100.5,101.25,99,100,5\r\n\r\n1618951380000,100,102,99.75,101,0.5\r\n"
      "1618951440000,101,101,100,100.5,7.25",
      "\n" H "\n" R0 "  \n" R1 R2 "\n\n\n",
      "VOLUME,Close,low,HIGH,open,Date\n5,100,99,101.25,100.5,1618951320000\n0.5,101,99.75,102,100,1618951380000\n"
      "7.25,100.5,100,101,101,1618951440000\n",
      "symbol,time,open,high,low,close,adj close,volume,note\nX,1618951320000,100.5,101.25,99,100,1,5,\n"
      "X,1618951380000,100,102,99.75,101,1,0.5,a b\nX,1618951440000,101,101,100,100.5,1,7.25,\"a, \"\"b\"\"\"\n",
      "\"time\",\"open\",\"high\",\"low\",\"close\",\"volume\"\n\"1618951320000\",\"100.5\",\"101.25\",\"99\",\"100\",\"5\"\n" R1 R2,
      "time, open, high, low, close, volume\n1618951320000, 100.5 ,\t101.25, 99 ,100 , 5 \n" R1 R2,
      "timestamp,open,high,low,close,volume\n1618951320,100.5,101.25,99,100,5\n1618951380,100,102,99.75,101,0.5\n"
      "1618951440,101,101,100,100.5,7.25\n",
      H "1618951320000000,100.5,101.25,99,100,5\n1618951380000000,100,102,99.75,101,0.5\n1618951440000000,101,101,100,100.5,7.25\n",
      H "1618951320000000000,100.5,101.25,99,100,5\n1618951380000000000,100,102,99.75,101,0.5\n"
        "1618951440000000000,101,101,100,100.5,7.25\n",
      H "1618951320000.0,1.005e2,1.0125e+02,99,1E2,5\n1.61895138e12,100,102,9975e-2,101,.5\n1618951440000,101,101,100,100.5,7.25\n",
      H "1618951320000,+100.50,+101.25,+99.00000000,+100.,+5.0\n" R1 R2,
      H "2021-04-20T20:42:00Z,100.5,101.25,99,100,5\n2021-04-20 20:43:00,100,102,99.75,101,0.5\n"
        "2021-04-20T22:44+02:00,101,101,100,100.5,7.25\n",
      H "2021-04-20 15:12:00.000-0530,100.5,101.25,99,100,5\n2021-04-20 20:43,100,102,99.75,101,0.5\n"
        "2021-04-20T20:44:00.000000000z,101,101,100,100.5,7.25\n",
      H R0 R1 R1 R2 R0,  // identical repeats
  };
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    struct series s;
    if (load(forms[i], &s) != OK) fail_msg("form %zu: %s", i, err.msg);
    assert_three(&s);
    series_finish(&s);
  }
  assert_int_equal(report.duplicates, 2);
  assert_int_equal(report.message_count, 1);
  assert_non_null(strstr(report.messages[0], "X_1m.csv:4:"));
}

// "100.00" says that the tick is 0.01, in either reader; eight decimals ending in zeros are a dump's padding.
static void check_decimals_as_written(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int scale;
  } cases[] = {{H "1618951320000,100.00,101.00,99.00,100.00,1\n", 2},
               {H "2021-04-20T20:42:00Z,100.000,101,99,100,1\n", 3},
               {H "1618951320000,100.50000000,101.00000000,99.25000000,100.00000000,1\n", 2},
               {H "2021-04-20T20:42:00Z,100.50000000,101.00000000,99.25000000,100.00000000,1\n", 2},
               {H "1618951320000,100,101,99,100,1\n", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct series s;
    if (load(cases[i].text, &s) != OK) fail_msg("case %zu: %s", i, err.msg);
    assert_int_equal(s.inst.tick.scale, cases[i].scale);
    series_finish(&s);
  }
}

static void check_no_warning_for_a_clean_file(void **state) {
  (void)state;
  struct series s;
  assert_int_equal(load(H R0 R1 R2, &s), OK);
  assert_int_equal(report.message_count, 0);
  assert_int_equal(report.rows, 3);
  assert_int_equal(report.gaps + report.missing + report.duplicates + report.dropped + report.unsorted, 0);
  series_finish(&s);
}

static void check_refusals(void **state) {
  (void)state;
  static const struct {
    const char *text, *place, *reason;
  } cases[] = {
      {"", "X_1m.csv", "is empty"},
      {"\n\n", "X_1m.csv", "is empty"},
      {H, "X_1m.csv", "no bars"},
      {R0 R1, ":1:1:", "no header"},
      {"time;open;high;low;close;volume\n1;2;3;4;5;6\n", ":1:1:", "semicolon-separated"},
      {"time\topen\thigh\tlow\tclose\tvolume\n", ":1:1:", "tab-separated"},
      {"time,open,high,low,close,volume\r1,2,3,4,5,6\r", ":1:1:", "missing"},
      {"time,open,high,low,close\n", ":1:1:", "column volume is missing"},
      {"time,open,high,low,volume\n", ":1:1:", "column close is missing"},
      {"open,high,low,close,volume\n", ":1:1:", "column time is missing"},
      {"time,open,high,low,close,volume,Open\n", ":1:33:", "open is there twice"},
      {"PK\3\4zip", ":1:", "zip archive"},
      {"\1\2\3,\4\n", ":1:1:", "not a text file"},
      {H R0 "1618951380000,100,102,99.75,101\n", ":3:", "5 fields where the header has 6"},
      {H R0 "1618951380000,100,102,99.75,10", ":3:", "the file was cut here"},
      {H R0 "1618951380000,100,102,99.75,101,0.5,9\n", ":3:37:", "7 fields"},
      {H R0 "1618951380000,100,102,99.75,NaN,0.5\n", ":3:29:", "not a decimal number"},
      {H R0 "1618951380000,100,102,99.75,inf,0.5\n", ":3:29:", "not a decimal number"},
      {H R0 "1618951380000,100,102,99.75,null,0.5\n", ":3:29:", "not a decimal number"},
      {H R0 "1618951380000,100,102,99.75,0x1p4,0.5\n", ":3:29:", "not a decimal number"},
      {H R0 "1618951380000,100,102,99.75,101x,0.5\n", ":3:29:", "not a decimal number"},
      {H R0 "1618951380000,100,102,99.75,1 01,0.5\n", ":3:29:", "not a decimal number"},
      {H R0 "1618951380000,100,102,99.75,99999999999999999999,0.5\n", ":3:29:", "not a decimal number"},
      {H R0 "1618951380000,100,102,99.75,,0.5\n", ":3:29:", "close is empty"},
      {H R0 "1618951380000,100,99.75,102,101,0.5\n", ":3:19:", "high is below the low"},
      {H R0 "1618951380000,100,102,99.75,102.01,0.5\n", ":3:29:", "close is outside"},
      {H R0 "1618951380000,100,102,99.75,99.74,0.5\n", ":3:29:", "close is outside"},
      {H R0 "1618951380000,99.74,102,99.75,101,0.5\n", ":3:15:", "open is outside"},
      {H R0 "1618951380000,102.01,102,99.75,101,0.5\n", ":3:15:", "open is outside"},
      {H R0 "1618951380000,-100,102,99.75,101,0.5\n", ":3:15:", "open -100 is negative"},
      {H R0 "1618951380000,100,102,0,101,0.5\n", ":3:23:", "low 0 must be above 0"},
      {H R0 "1618951380000,100,102,99.75,101,-1\n", ":3:33:", "volume is negative"},
      {H R0 "1618951380000,100,102,99.75,101,1e30\n", ":3:33:", "not a decimal number"},
      {H R0 "1618951320000,100.5,101.25,99,100.25,5\n", ":3:1:", "second, different bar"},
      {H R0 R2 R1, ":4:1:", "time goes back from 2021-04-20T20:44:00Z to 2021-04-20T20:43:00Z"},
      {H R0 "1618951380,100,102,99.75,101,0.5\n", ":3:1:", "looks like seconds"},
      {H R0 "2021-04-20T20:43:00Z,100,102,99.75,101,0.5\n", ":3:1:", "a date among Unix times"},
      {H "2021-04-20,1,1,1,1,1\n1618951380,1,1,1,1,1\n", ":3:1:", "a number among dates"},
      {H "2021-02-29,1,1,1,1,1\n", ":2:1:", "is no date"},
      {H "20210420,1,1,1,1,1\n", ":2:1:", "YYYYMMDD"},
      {H "99999999999999999999,1,1,1,1,1\n", ":2:1:", "is no time"},
      {H "9999999999,1,1,1,1,1\n", ":2:1:", "outside the years"},
      {H "1618951320000,\"1,1,1,1,1\n", ":2:15:", "no closing quote"},
      {H "1618951320000,\"1\"x,1,1,1,1\n", ":2:18:", "text after a closing quote"},
      {H R0 "1618951325000,100,102,99.75,101,0.5\n", ":3:1:", "only 5 s after"},
      {"volume,time,open,high,low,close\n5,1618951320000,100.5,101.25,99,100", ":2:", "close may have been cut"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct series s = {.count = 77};
    enum status st = load(cases[i].text, &s);
    if (st != ERR_INVALID || !strstr(err.msg, cases[i].place) || !strstr(err.msg, cases[i].reason))
      fail_msg("case %zu (%s): %s: \"%s\"", i, cases[i].reason, status_text(st), err.msg);
    assert_int_equal(s.count, 77);
  }
}

static void check_nul_byte(void **state) {
  (void)state;
  static const char text[] = H R0 "1618951380000,100,102,99.75,101,0.5\0\n";
  struct series s;
  assert_int_equal(load_with(text, sizeof text - 1, &(struct csv_options){0}, &s), ERR_INVALID);
  assert_non_null(strstr(err.msg, ":3:36: a NUL byte"));
}

// Decimals that appear late, even within one row, must not move what was read before.
static void check_scale_grows(void **state) {
  (void)state;
  struct series s;
  assert_int_equal(load(H "1618951320000,7200,7201.5,7199.125,7200.25,1\n1618951380000,7200.0001,7201,7200,7200,1.5\n", &s), OK);
  assert_int_equal(s.inst.tick.scale, 4);
  assert_int_equal(s.bars[0].open.ticks, 72000000);
  assert_int_equal(s.bars[0].high.ticks, 72015000);
  assert_int_equal(s.bars[0].low.ticks, 71991250);
  assert_int_equal(s.bars[0].close.ticks, 72002500);
  assert_int_equal(s.bars[0].volume, 10);
  assert_int_equal(s.bars[1].open.ticks, 72000001);
  assert_true(price_double(&s.inst, s.bars[1].open) == 7200.0001);
  series_finish(&s);
}

static void check_noise_of_doubles(void **state) {
  (void)state;
  struct series s;
  assert_int_equal(load(H "1618951320000,1287.6500000000001,1303.3699999999999,1287,1290.5,1404207588.9000000954\n", &s), OK);
  assert_int_equal(s.inst.tick.scale, 2);
  assert_int_equal(s.bars[0].open.ticks, 128765);
  assert_int_equal(s.bars[0].high.ticks, 130337);
  assert_int_equal(s.volume_scale, 1);
  assert_int_equal(s.bars[0].volume, INT64_C(14042075889));
  assert_non_null(strstr(report.messages[0], "read as 1287.65"));
  series_finish(&s);
  // 16 honest digits stay.
  assert_int_equal(load(H "1618951320000,12345678.12345678,12345678.12345678,12345678.12345678,12345678.12345678,1\n", &s), OK);
  assert_int_equal(s.bars[0].open.ticks, INT64_C(1234567812345678));
  series_finish(&s);
}

static void check_instrument_options(void **state) {
  (void)state;
  struct series s;
  struct csv_options o = {.tick = {25, 3}, .lot = {1, 3}, .min_notional = {105, 1}, .multiplier = {50, 0},
                          .symbol = "ES", .timeframe_ns = NS_PER_MINUTE};
  assert_int_equal(load_with(H R0 R1 R2, strlen(H R0 R1 R2), &o, &s), OK);
  assert_string_equal(s.inst.symbol, "ES");
  assert_int_equal(s.bars[0].open.ticks, 4020);  // 100.5 / 0.025
  assert_int_equal(s.bars[0].high.ticks, 4050);
  assert_int_equal(s.inst.min_notional.e8, INT64_C(1050000000));
  assert_int_equal(s.price_scale, 2);
  assert_true(price_double(&s.inst, s.bars[0].high) == 101.25);
  series_finish(&s);
  o.tick = (struct decimal){1, 1};
  assert_int_equal(load_with(H R0 R1 R2, strlen(H R0 R1 R2), &o, &s), ERR_INVALID);
  assert_non_null(strstr(err.msg, ":2:21: the high 101.25 is not a multiple of the tick"));
  o.tick = (struct decimal){5, 1};
  assert_int_equal(load_with(H R0 R1 R2, strlen(H R0 R1 R2), &o, &s), ERR_INVALID);
  o.tick = (struct decimal){1, 18};
  assert_int_equal(load_with(H R0 R1 R2, strlen(H R0 R1 R2), &o, &s), ERR_INVALID);
  assert_non_null(strstr(err.msg, "too many digits"));
}

static void check_gaps(void **state) {
  (void)state;
  struct series s;
  assert_int_equal(load(H R0 "1618951620000,1,1,1,1,1\n1618951680000,1,1,1,1,1\n1618951800000,1,1,1,1,1\n", &s), OK);
  assert_int_equal(s.gaps, 2);
  assert_int_equal(report.missing, 4 + 1);
  assert_non_null(strstr(report.messages[0], "5 in 2 gaps"));
  series_finish(&s);
}

static void check_repair(void **state) {
  (void)state;
  static const char text[] = H R2 "1618951500000,1,2\n" R1 "1618951380000,100,102,99.75,101.5,0.5\n" R0 R0
      "1618951440000,101,99,100,100.5,7.25\nx,1,1,1,1,1\n1618951450000,101,101,100,100.5,7.25\n";
  struct series s;
  struct csv_options o = {.repair = true};
  if (load_with(text, strlen(text), &o, &s) != OK) fail_msg("%s", err.msg);
  assert_three(&s);
  assert_int_equal(report.unsorted, 2);
  assert_int_equal(report.duplicates, 1);
  assert_int_equal(report.dropped, 5);  // short, high < low, no time, second bar of one time, 10 s after another
  assert_int_equal(report.message_count, 7);
  assert_non_null(strstr(report.messages[0], ":3:"));
  series_finish(&s);
  assert_int_equal(load_with(H "x,1,1,1,1,1\n", strlen(H "x,1,1,1,1,1\n"), &o, &s), ERR_INVALID);
  assert_non_null(strstr(err.msg, "no bar is left"));
  static const char no_volume[] = "time,open,high,low,close\n1618951320000,1,1,1,1\n";
  assert_int_equal(load_with(no_volume, strlen(no_volume), &o, &s), OK);
  assert_int_equal(s.bars[0].volume, -1);
  series_finish(&s);
  // Minutes read as hours: most would go, so nothing is guessed.
  o.timeframe_ns = 60 * NS_PER_MINUTE;
  assert_int_equal(load_with(H R0 R1 R2, strlen(H R0 R1 R2), &o, &s), ERR_INVALID);
  assert_non_null(strstr(err.msg, "--timeframe"));
}

static void check_messages_are_bounded(void **state) {
  (void)state;
  char *text = malloc(100000);
  assert_non_null(text);
  int n = sprintf(text, H R0);
  for (int i = 0; i < 1000; i++) n += sprintf(text + n, "bad,1,1,1,1,1\n");
  struct series s;
  assert_int_equal(load_with(text, (size_t)n, &(struct csv_options){.repair = true}, &s), OK);
  assert_int_equal(report.dropped, 1000);
  assert_int_equal(report.message_count, 1000);
  series_finish(&s);
  free(text);
}

static void check_volume_never_overflows(void **state) {
  (void)state;
  struct series s;
  assert_int_equal(load(H "1618951320000,1,1,1,1,0.00000001\n1618951380000,1,1,1,1,9000000000000\n", &s), OK);
  assert_true(s.volume_scale < 8);
  assert_true(volume_double(&s, s.bars[1].volume) == 9e12);
  assert_non_null(strstr(report.messages[0], "too large for all their decimals"));
  series_finish(&s);
  assert_int_equal(load(H "1618951320000,1,1,1,1,9000000000000000000\n1618951380000,1,1,1,1,9000000000000000000\n", &s), ERR_INVALID);
  assert_non_null(strstr(err.msg, "the volume is too large"));
}

static void check_limits(void **state) {
  (void)state;
  struct series s;
  struct csv_options o = {.max_bars = 2};
  assert_int_equal(load_with(H R0 R1 R2, strlen(H R0 R1 R2), &o, &s), ERR_LIMIT);
  size_t len = TEXT_LINE_MAX + 200;
  char *text = malloc(len);
  assert_non_null(text);
  memset(text, '0', len);
  memcpy(text, H R0, strlen(H R0));
  assert_int_equal(load_with(text, len, &(struct csv_options){0}, &s), ERR_INVALID);
  assert_non_null(strstr(err.msg, ":3: the line is longer"));
  free(text);
}

// Every chunk size cuts lines elsewhere; all must read the same.
static void check_chunk_boundaries(void **state) {
  (void)state;
  for (size_t chunk = 1; chunk < 150; chunk++) {
    struct series s;
    struct csv_options o = {.chunk_bytes = chunk};
    const char *text = "\xef\xbb\xbf" H R0 "\r\n" R1 "\"1618951440000\",101,101,100,100.5,7.25\r\n";
    if (load_with(text, strlen(text), &o, &s) != OK) fail_msg("chunk %zu: %s", chunk, err.msg);
    assert_three(&s);
    series_finish(&s);
  }
}

// ---------------------------------------------------------------- files

static char dir[] = "/tmp/perigee-csv-XXXXXX";

static const char *write_file(const char *name, const void *bytes, size_t len) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, len, f), len);
  assert_int_equal(fclose(f), 0);
  return path;
}

static size_t gzip(const char *text, size_t len, unsigned char *out, size_t cap) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (unsigned char *)text;
  z.avail_in = (unsigned)len;
  z.next_out = out;
  z.avail_out = (unsigned)cap;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  deflateEnd(&z);
  return cap - z.avail_out;
}

static void check_gzip(void **state) {
  (void)state;
  unsigned char packed[1024];
  const char *text = H R0 R1 R2;
  size_t len = gzip(text, strlen(text), packed, sizeof packed);
  struct series s;
  for (size_t chunk = 0; chunk < 40; chunk++) {
    const struct csv_options o = {.chunk_bytes = chunk};
    assert_int_equal(csv_load(write_file("X_1m.csv.gz", packed, len), &o, &s, &report, &err), OK);
    assert_three(&s);
    series_finish(&s);
  }
  // Any cut is seen, and no bar of it used.
  const struct csv_options none = {0};
  for (size_t cut = 2; cut < len; cut++) {
    assert_int_equal(csv_load(write_file("X_1m.csv.gz", packed, cut), &none, &s, &report, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "ends early"));
  }
  // Two members, cut in the middle of a line, then padding.
  size_t first = gzip(text, 50, packed, sizeof packed);
  size_t both = first + gzip(text + 50, strlen(text) - 50, packed + first, sizeof packed - first);
  memset(packed + both, 0, 7);
  assert_int_equal(csv_load(write_file("X_1m.csv.gz", packed, both + 7), &none, &s, &report, &err), OK);
  assert_three(&s);
  series_finish(&s);
  packed[both] = 'x';
  assert_int_equal(csv_load(write_file("X_1m.csv.gz", packed, both + 1), &none, &s, &report, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "other bytes follow"));
  packed[both - 6] ^= 1;  // in the checksum
  assert_int_equal(csv_load(write_file("X_1m.csv.gz", packed, both), &none, &s, &report, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "damaged"));
}

static void check_odd_files(void **state) {
  (void)state;
  struct series s;
  const struct csv_options none = {0}, named = {.symbol = "X", .timeframe_ns = NS_PER_MINUTE};
  char path[300];
  snprintf(path, sizeof path, "%s/absent_1m.csv", dir);
  assert_int_equal(csv_load(path, &none, &s, NULL, &err), ERR_NOTFOUND);
  assert_int_equal(csv_load(dir, &named, &s, NULL, &err), ERR_IO);
  assert_non_null(strstr(err.msg, "is a directory"));
  assert_int_equal(csv_load("/dev/zero", &named, &s, NULL, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "longer than"));
  assert_int_equal(csv_load("/dev/null", &named, &s, NULL, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "is empty"));
  const char *plain = write_file("GOLD.csv", H R0, strlen(H R0));
  assert_int_equal(csv_load(plain, &none, &s, NULL, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "--timeframe"));
  assert_int_equal(csv_load(plain, &(struct csv_options){.timeframe_ns = NS_PER_MINUTE}, &s, NULL, &err), OK);
  assert_string_equal(s.inst.symbol, "GOLD");
  series_finish(&s);
  assert_int_equal(csv_load(plain, &(struct csv_options){.timeframe_ns = NS_PER_MINUTE, .max_bytes = 20}, &s, NULL, &err), ERR_LIMIT);
}

// A writer that sends byte by byte through a named pipe: short reads of every kind.
static void check_pipe(void **state) {
  (void)state;
  char path[300];
  snprintf(path, sizeof path, "%s/X_1m.csv", dir);
  unlink(path);
  assert_int_equal(mkfifo(path, 0600), 0);
  pid_t child = fork();
  if (child == 0) {
    FILE *f = fopen(path, "w");
    for (const char *p = H R0 R1 R2; f && *p; p++) {
      fputc(*p, f);
      fflush(f);
    }
    if (f) fclose(f);
    _exit(0);
  }
  struct series s;
  const struct csv_options none = {0};
  if (csv_load(path, &none, &s, NULL, &err) != OK) fail_msg("%s", err.msg);
  assert_three(&s);
  series_finish(&s);
  unlink(path);
}

static void check_names(void **state) {
  (void)state;
  static const struct {
    const char *path, *symbol, *timeframe;
  } cases[] = {{"BTCUSDT_1m.csv.gz", "BTCUSDT", "1m"},       {"a/b_1h/BTCUSDT_5m_2021-04_2021-05.csv.gz", "BTCUSDT", "5m"},
               {"GOOG_1d_2004_2013.csv", "GOOG", "1d"},      {"/x/BTC_USDT-1h.csv", "BTC_USDT", "1h"},
               {"XRPUSDT_perp_1h_mark.CSV", "XRPUSDT_perp", "1h"}, {"prices.csv", "prices", NULL},
               {"my prices_1d.csv", "", "1d"},               {"1m.csv", "1m", NULL},
               {"A_0m.csv", "A_0m", NULL},                   {"A_1M.csv", "A_1M", NULL},
               {"averyveryveryverylongsymbolname01_1d", "", "1d"}, {"", "", NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char symbol[SYMBOL_MAX];
    int64_t got, want = 0;
    csv_name_parse(cases[i].path, symbol, &got);
    if (cases[i].timeframe) assert_true(timeframe_parse(cases[i].timeframe, &want));
    assert_string_equal(symbol, cases[i].symbol);
    assert_int_equal(got, want);
  }
}

static int make_dir(void **state) {
  (void)state;
  return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
  (void)state;
  static const char *const names[] = {"X_1m.csv.gz", "X_1m.csv", "GOLD.csv"};
  char path[300];
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    unlink(path);
  }
  return rmdir(dir);
}

// The years that dates may have span more nanoseconds than 64 bits hold; a distance between two of them saturates.
static void check_five_centuries(void **state) {
  (void)state;
  struct series s;
  assert_int_equal(load("time,open,high,low,close,volume\n1700-01-01,100,101,99,100,1\n1700-01-01T00:01:00Z,100,101,99,100,1\n2199-12-30,100,101,99,100,1\n", &s), OK);
  assert_int_equal(s.count, 3);
  assert_int_equal(s.gaps, 1);
  series_finish(&s);
  struct csv_options repair = {.repair = true};
  const char *backwards = "time,open,high,low,close,volume\n2199-12-30,100,101,99,100,1\n1700-01-01,100,101,99,100,1\n";
  assert_int_equal(load_with(backwards, strlen(backwards), &repair, &s), OK);
  assert_int_equal(s.count, 2);
  series_finish(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_forms),
    cmocka_unit_test(check_decimals_as_written),
      cmocka_unit_test(check_no_warning_for_a_clean_file),
      cmocka_unit_test(check_refusals),
      cmocka_unit_test(check_nul_byte),
      cmocka_unit_test(check_scale_grows),
      cmocka_unit_test(check_noise_of_doubles),
      cmocka_unit_test(check_instrument_options),
      cmocka_unit_test(check_gaps),
      cmocka_unit_test(check_repair),
      cmocka_unit_test(check_messages_are_bounded),
      cmocka_unit_test(check_volume_never_overflows),
      cmocka_unit_test(check_limits),
      cmocka_unit_test(check_chunk_boundaries),
      cmocka_unit_test(check_gzip),
      cmocka_unit_test(check_odd_files),
      cmocka_unit_test(check_pipe),
      cmocka_unit_test(check_names),
      cmocka_unit_test(check_five_centuries),
  };
  return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
