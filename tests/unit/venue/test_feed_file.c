// Tests of the growing file: cut lines wait, wrong lines are told and skipped, files that are cut, rewritten, replaced or gone are
// followed, and how the bytes arrive does not matter.
#include "feed_log.h"
#include "memory_file.h"

#include "market/csv.h"

#include <sys/stat.h>
#include <unistd.h>

#define MINUTE NS_PER_MINUTE
#define T0 INT64_C(1618790400)
#define HEADER "time,open,high,low,close,volume\n"

static struct feed_file_config config(void) {
  struct feed_file_config c = {.path = "live.csv", .timeframe_ns = MINUTE, .volume_scale = 2};
  c.inst = (struct instrument){.symbol = "X", .tick = {1, 2}, .lot = {1, 2}, .multiplier = {1, 0}};
  assert_int_equal(instrument_finish(&c.inst, NULL), OK);
  return c;
}

static struct feed make(struct memory_file *m, bool subscribe) {
  struct feed_file_config c = config();
  struct feed_reader r = memory_reader(m);
  struct feed f;
  int id;
  assert_int_equal(feed_file_create(&c, &r, &f, NULL), OK);
  if (subscribe) assert_int_equal(feed_subscribe(f, "X", MINUTE, INT64_MIN, &id, NULL), OK);
  return f;
}

static void row(struct memory_file *m, int minute, int px) {
  char line[100];
  snprintf(line, sizeof line, "%lld,%d.25,%d.5,%d,%d.1,3.5\n", (long long)(T0 + minute * 60), px, px, px, px);
  memory_print(m, line);
}

static void check_tail(void **state) {
  (void)state;
  struct memory_file m = {0};
  struct feed f = make(&m, true);
  struct feed_log l;
  log_init(&l);
  struct feed_progress p = log_poll(f, 5, 10, &l);
  assert_int_equal(p.next_ns, 5 + NS_PER_S);
  assert_int_equal(p.through_ns, INT64_MIN);
  assert_int_equal(l.notes[FEED_NOTE_WAITING], 1);
  log_poll(f, 6, 10, &l);
  assert_int_equal(l.notes[FEED_NOTE_WAITING], 1);  // told once
  memory_print(&m, "\xef\xbb\xbfTime,Open,High,Low,Close,Volume,Extra\r\n");
  memory_print(&m, "1618790400,100.25,101,99.5,100.00,12.345,x\r\n1618790460,1");
  p = log_poll(f, 7, 10, &l);
  while (p.next_ns == 7) p = log_poll(f, 7, 10, &l);
  assert_int_equal(l.notes[FEED_NOTE_STARTED], 1);
  assert_int_equal(l.count, 1);
  struct bar expect = {T0 * NS_PER_S, {10025}, {10100}, {9950}, {10000}, 1235, 0};  // the volume rounded to its scale
  assert_true(same_bar(&l.events[0].u.bar, &expect));
  assert_int_equal(l.events[0].time_ns, (T0 + 60) * NS_PER_S);
  assert_int_equal(p.through_ns, (T0 + 60) * NS_PER_S);
  log_poll(f, 8, 10, &l);
  memory_print(&m, "00,100,100,100,");
  log_poll(f, 9, 10, &l);
  assert_int_equal(l.count, 1);  // the line has no end yet
  memory_print(&m, "1,y\n");
  log_poll(f, 10, 10, &l);
  assert_int_equal(l.count, 2);
  assert_int_equal(l.events[1].u.bar.volume, 100);
  log_poll(f, 11, 10, &l);
  assert_int_equal(l.count, 2);
  // a disk that fails is an error of the poll, and nothing is lost
  memory_print(&m, "1618790520,100,100,100,100,1,z\n");
  for (int calls = 0; calls <= 4; calls++) {  // look, the bytes before, the rest, the end
    struct feed_progress q;
    struct err err;
    m.fail_after = calls;
    m.fail_reads = 1;
    assert_int_equal(feed_poll(f, 12, 10, &(struct feed_sink){&l, log_event}, &q, &err), calls < 4 ? ERR_IO : OK);
  }
  m.fail_after = m.fail_reads = 0;
  assert_int_equal(l.count, 3);
  assert_int_equal(feed_file_counts(f).bars, 3);
  assert_int_equal(feed_file_counts(f).lines, 4);
  log_finish(&l);
  feed_destroy(f);
  memory_remove(&m);
}

static void poll_all(struct feed f, struct feed_log *l) {
  struct feed_progress p;
  do p = log_poll(f, 100, 1000, l);
  while (p.next_ns == 100);
}

static size_t refusals(const struct feed_log *l) { return l->notes[FEED_NOTE_REFUSED] + l->notes[FEED_NOTE_LATE] + l->notes[FEED_NOTE_CONFLICT]; }

static void check_garbage(void **state) {
  (void)state;
  static const struct {
    const char *line, *message;
  } bad[] = {
      {"1618790460,abc,1,1,1,1\n", "live.csv:3:12: the open \"abc\" is not a decimal number"},
      {"1618790460,1,1,1\n", "live.csv:4:16: 4 fields where the header has 6"},
      {"1618790460,2,1,1,1,1\n", "live.csv:5:12: the open is outside"},
      {"1618790460,2,1,3,2,1\n", "live.csv:6:14: the high is below the low"},
      {"1618790460,1.005,2,1,1,1\n", "live.csv:7:12: the open 1.005 is not a multiple of the tick"},
      {"1618790460,nan,2,1,1,1\n", "live.csv:8:12: "},
      {"1618790460,-1,2,1,1,1\n", "live.csv:9:12: the open -1 is negative"},
      {"1618790460,1,2,1,1,-1\n", "live.csv:10:20: the volume is negative"},
      {"1618790460,1,2,1,1,900000000000000000\n", "live.csv:11:20: the volume is too large"},
      {"1618790460000,1,2,1,1,1\n", "live.csv:12:1: \"1618790460000\" looks like milliseconds"},
      {"1618790340,1,2,1,1,1\n", "live.csv:13:1: time goes back"},
      {"1618790400,1,2,1,1,2\n", "live.csv:14:1: a second, different bar"},
      {"1618790410,1,2,1,1,2\n", "live.csv:15:1: begins in the first half"},
      {"2021-04-19,1,2,1,1,2\n", "live.csv:16:1: "},
      {"1,1,2,1,1,1\n", "live.csv:17:1: time goes back"},
      {"-5,1,2,1,1,1\n", "live.csv:18:1: the time is before 1970"},
      {"\x01\x02\x03\n", "live.csv:19:1: 1 fields"},
  };
  struct memory_file m = {0};
  struct feed f = make(&m, true);
  struct feed_log l;
  log_init(&l);
  memory_print(&m, HEADER "1618790400,1,2,1,1,1\n");
  poll_all(f, &l);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    memory_print(&m, bad[i].line);
    poll_all(f, &l);
    assert_int_equal(l.count, 1);
    assert_int_equal(refusals(&l), i + 1);
    if (strncmp(l.note, bad[i].message, strlen(bad[i].message)) != 0) fail_msg("\"%s\" instead of \"%s\"", l.note, bad[i].message);
  }
  memory_append(&m, "1618790460,1,\0,1,1,1\n", 21);
  poll_all(f, &l);
  assert_non_null(strstr(l.note, "NUL"));
  memory_print(&m, "1618790400,1,2,1,1,1\n\n   \n");  // the same bar again, and empty lines, are no error
  poll_all(f, &l);
  assert_int_equal(refusals(&l), sizeof bad / sizeof bad[0] + 1);
  assert_int_equal(feed_file_counts(f).known, 1);
  assert_int_equal(l.notes[FEED_NOTE_LATE], 2);
  assert_int_equal(l.notes[FEED_NOTE_CONFLICT], 1);
  assert_int_equal(l.notes[FEED_NOTE_DUPLICATE], 1);  // but told
  // a line too long is one refusal, wherever it is cut, and the next line is read
  char *much = malloc(200000);
  memset(much, 'x', 200000);
  memory_append(&m, much, 70000);
  poll_all(f, &l);
  memory_append(&m, much, 130000);
  free(much);
  poll_all(f, &l);
  memory_print(&m, "\n1618790460,1,2,1,1,1\n");
  poll_all(f, &l);
  assert_int_equal(refusals(&l), sizeof bad / sizeof bad[0] + 2);
  assert_non_null(strstr(l.note, "live.csv:24:1: the line is too long"));
  assert_int_equal(l.count, 2);
  // a flood of garbage is told in few words
  for (int i = 0; i < 5000; i++) memory_print(&m, "garbage\n");
  log_poll(f, 100, 10, &l);
  assert_true(l.notes[FEED_NOTE_REFUSED] < 50);
  assert_string_equal(l.note, "and 4980 more lines refused");
  assert_int_equal(l.more, 4979);
  log_finish(&l);
  feed_destroy(f);
  memory_remove(&m);
}

static void check_bad_header(void **state) {
  (void)state;
  static const char *const bad[] = {"time,open,high,low,volume\n", "1618790400,1,2,1,1,1\n", "time;open;high\n", "\x1f\x8b\x08\n", "a,b\n"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct memory_file m = {0};
    struct feed f = make(&m, true);
    struct feed_log l;
    log_init(&l);
    memory_print(&m, bad[i]);
    for (int k = 0; k < 100; k++) row(&m, k, 100);
    poll_all(f, &l);
    assert_int_equal(l.notes[FEED_NOTE_REFUSED], 1);  // one cause, one note
    assert_non_null(strstr(l.note, "live.csv:1:"));
    assert_int_equal(l.count, 0);
    memory_cut(&m, 0);  // mended
    poll_all(f, &l);
    memory_print(&m, HEADER);
    row(&m, 1, 100);
    poll_all(f, &l);
    assert_int_equal(l.count, 1);
    log_finish(&l);
    feed_destroy(f);
    memory_remove(&m);
  }
  // milliseconds, then seconds: refused for what it is, not as a time in 1970
  struct memory_file ms = {0};
  struct feed g = make(&ms, true);
  struct feed_log k;
  log_init(&k);
  memory_print(&ms, HEADER "1618790400000,1,2,1,1,1\n1618790460,1,2,1,1,1\n");
  poll_all(g, &k);
  assert_non_null(strstr(k.note, "looks like seconds"));
  log_finish(&k);
  feed_destroy(g);
  memory_remove(&ms);
  // without a volume column volumes are unknown
  struct memory_file m = {0};
  struct feed f = make(&m, true);
  struct feed_log l;
  log_init(&l);
  memory_print(&m, "close,low,high,open,date\n1,1,2,2,2021-04-19T00:01:00Z\n");
  poll_all(f, &l);
  assert_int_equal(l.count, 1);
  assert_int_equal(l.events[0].u.bar.volume, -1);
  log_finish(&l);
  feed_destroy(f);
  memory_remove(&m);
}

static void check_cut_and_rotated(void **state) {
  (void)state;
  struct memory_file m = {0};
  struct feed f = make(&m, true);
  struct feed_log l;
  log_init(&l);
  memory_print(&m, HEADER);
  for (int i = 0; i < 10; i++) row(&m, i, 100 + i);
  poll_all(f, &l);
  assert_int_equal(l.count, 10);
  // cut and written anew, with the same bars and two more
  memory_cut(&m, 0);
  memory_print(&m, HEADER);
  for (int i = 5; i < 12; i++) row(&m, i, 100 + i);
  poll_all(f, &l);
  assert_int_equal(l.notes[FEED_NOTE_TRUNCATED], 1);
  assert_int_equal(l.count, 12);
  assert_int_equal(feed_file_counts(f).known, 5);
  // rewritten between two looks, longer than before
  memory_cut(&m, 0);
  memory_print(&m, "volume,close,low,high,open,time\n");
  for (int i = 0; i < 20; i++) {
    char line[100];
    snprintf(line, sizeof line, "1,5,4,6,5,%lld\n", (long long)(T0 + i * 60));
    memory_print(&m, line);
  }
  poll_all(f, &l);
  assert_int_equal(l.notes[FEED_NOTE_TRUNCATED], 2);
  assert_int_equal(l.count, 20);
  assert_int_equal(l.notes[FEED_NOTE_REFUSED], 0);
  // replaced, with lines in the old file that had not been read, and its last one cut off
  memory_print(&m, "1,5,4,6,5,1618791600\n1,5,4,");
  memory_replace(&m);
  memory_print(&m, HEADER);
  row(&m, 21, 90);
  poll_all(f, &l);
  assert_int_equal(l.notes[FEED_NOTE_ROTATED], 1);
  assert_int_equal(l.notes[FEED_NOTE_REFUSED], 1);
  assert_non_null(strstr(l.note, "another file"));
  assert_int_equal(l.count, 22);
  // removed, told, and there again
  memory_remove(&m);
  poll_all(f, &l);
  assert_int_equal(l.notes[FEED_NOTE_WAITING], 1);
  memory_print(&m, HEADER);
  row(&m, 22, 91);
  poll_all(f, &l);
  assert_int_equal(l.notes[FEED_NOTE_ROTATED], 2);
  assert_int_equal(l.count, 23);
  for (size_t i = 0; i < l.count; i++) assert_int_equal(l.events[i].u.bar.open_ns, (T0 + (int64_t)i * 60) * NS_PER_S);
  log_finish(&l);
  feed_destroy(f);
  memory_remove(&m);
}

// However the bytes come and are read, whatever fails in between: the bars are those of the loader for whole files.
static void check_pieces(void **state) {
  (void)state;
  char *text = malloc(400000);
  for (unsigned seed = 1; seed <= 12; seed++) {
    srand(seed);
    size_t len = (size_t)sprintf(text, "time,open,high,low,close,volume\n");
    int minute = 0, px = 1000;
    for (int i = 0; i < 2000; i++) {
      minute += rand() % 30 ? 1 : 1 + rand() % 10;
      px += rand() % 11 - 5;
      len += (size_t)sprintf(text + len, "%lld,%d.%02d,%d.9%d,%d,%d.5,%d.%d%s", (long long)(T0 + minute * 60), px, rand() % 90, px, rand() % 10, px, px,
                             rand() % 1000, rand() % 100, rand() % 3 ? "\n" : "\r\n");
    }
    struct csv_options options = {.symbol = "X", .timeframe_ns = MINUTE, .tick = {1, 2}, .lot = {1, 2}};
    struct series whole;
    assert_int_equal(csv_load_bytes("live.csv", text, len, &options, &whole, NULL, NULL), OK);
    assert_int_equal(whole.volume_scale, 2);
    struct memory_file m = {.read_max = seed % 3 ? 0 : 1 + (size_t)(rand() % 500)};
    struct feed f = make(&m, true);
    struct feed_log l;
    log_init(&l);
    for (size_t at = 0; at < len || l.count < whole.count;) {
      size_t n = (size_t)(rand() % (rand() % 10 ? 200 : 30000));
      if (n > len - at) n = len - at;
      memory_append(&m, text + at, n);
      at += n;
      if (rand() % 8 == 0) m.fail_reads = 1 + rand() % 3;
      for (int k = rand() % 4; k > 0; k--) {
        struct feed_progress p;
        struct err err;
        enum status st = feed_poll(f, 100, 1 + (size_t)(rand() % 300), &(struct feed_sink){&l, log_event}, &p, &err);
        assert_true(st == OK || (st == ERR_IO && strstr(err.msg, "disk failed")));
      }
    }
    assert_int_equal(l.count, whole.count);
    for (size_t i = 0; i < l.count; i++) assert_true(same_bar(&l.events[i].u.bar, &whole.bars[i]));
    assert_int_equal(feed_file_counts(f).refused, 0);
    assert_int_equal(feed_file_counts(f).truncations, 0);
    // history of any timeframe, and a subscription that begins in the middle
    struct series hours, expect;
    int64_t to = whole.bars[whole.count - 1].open_ns + MINUTE;
    assert_int_equal(feed_history(f, "X", 60 * MINUTE, 0, to, &hours, NULL), OK);
    assert_int_equal(series_aggregate(&whole, 60 * MINUTE, &expect, NULL), OK);
    assert_int_equal(hours.count, expect.count);
    for (size_t i = 0; i < hours.count; i++) assert_true(same_bar(&hours.bars[i], &expect.bars[i]));
    series_finish(&hours);
    series_finish(&expect);
    int id;
    struct err err;
    assert_int_equal(feed_subscribe(f, "X", MINUTE, 0, &id, &err), ERR_EXISTS);
    feed_unsubscribe(f, 1);
    log_finish(&l);
    assert_int_equal(feed_subscribe(f, "X", MINUTE, whole.bars[1500].open_ns + MINUTE, &id, NULL), OK);
    log_poll(f, 100, SIZE_MAX, &l);
    assert_int_equal(l.count, whole.count - 1501);
    assert_true(same_bar(&l.events[0].u.bar, &whole.bars[1501]));
    log_finish(&l);
    series_finish(&whole);
    feed_destroy(f);
    memory_remove(&m);
  }
  free(text);
}

// What is kept for history is bounded; what was not given out yet is not dropped.
static void check_bounded(void **state) {
  (void)state;
  struct memory_file m = {0};
  struct feed_file_config c = config();
  c.history_bars = 100;
  struct feed_reader r = memory_reader(&m);
  struct feed f;
  int id;
  assert_int_equal(feed_file_create(&c, &r, &f, NULL), OK);
  assert_int_equal(feed_subscribe(f, "X", MINUTE, INT64_MIN, &id, NULL), OK);
  memory_print(&m, HEADER);
  struct feed_log l;
  log_init(&l);
  for (int i = 0; i < 3000; i++) {
    row(&m, i, 100);
    if (i % 7 == 0) log_poll(f, 0, i < 1500 ? 3 : 100, &l);
  }
  poll_all(f, &l);
  assert_int_equal(l.count, 3000);
  struct series s;
  assert_int_equal(feed_history(f, "X", MINUTE, 0, INT64_MAX, &s, NULL), OK);
  assert_in_range(s.count, 100, 300);
  assert_int_equal(s.bars[s.count - 1].open_ns, (T0 + 2999 * 60) * NS_PER_S);
  series_finish(&s);
  log_finish(&l);
  feed_destroy(f);
  memory_remove(&m);
}

// The reader of real files: follows a rename, refuses what is no file.
static void check_disk(void **state) {
  (void)state;
  char dir[] = "/tmp/perigee-feed-XXXXXX", path[64], old[64];
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/x.csv", dir);
  snprintf(old, sizeof old, "%s/old.csv", dir);
  struct feed_file_config c = config();
  struct feed_reader r;
  struct feed f;
  struct feed_log l;
  int id;
  log_init(&l);
  assert_int_equal(feed_reader_create(path, &r, NULL), OK);
  assert_int_equal(feed_file_create(&c, &r, &f, NULL), OK);
  assert_int_equal(feed_subscribe(f, "X", MINUTE, INT64_MIN, &id, NULL), OK);
  log_poll(f, 0, 10, &l);
  assert_int_equal(l.notes[FEED_NOTE_WAITING], 1);
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  fprintf(out, HEADER "1618790400,1,2,1,1,1\n16187");
  fflush(out);
  poll_all(f, &l);
  assert_int_equal(l.count, 1);
  fprintf(out, "90460,1,2,1,1,1\n");
  fflush(out);
  assert_int_equal(rename(path, old), 0);
  fprintf(out, "1618790520,1,2,1,1,1\n");
  fclose(out);
  out = fopen(path, "w");
  assert_non_null(out);
  fprintf(out, HEADER "1618790580,1,2,1,1,1\n");
  fclose(out);
  poll_all(f, &l);
  assert_int_equal(l.count, 4);
  assert_int_equal(l.notes[FEED_NOTE_ROTATED], 1);
  assert_int_equal(truncate(path, 10), 0);
  poll_all(f, &l);
  assert_int_equal(l.notes[FEED_NOTE_TRUNCATED], 1);
  assert_int_equal(unlink(path), 0);
  poll_all(f, &l);
  assert_int_equal(mkdir(path, 0700), 0);
  struct feed_progress p;
  struct err err;
  assert_int_equal(feed_poll(f, 0, 10, &(struct feed_sink){&l, log_event}, &p, &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "not a regular file"));
  feed_destroy(f);
  log_finish(&l);
  rmdir(path);
  unlink(old);
  rmdir(dir);
}

static void check_refusals(void **state) {
  (void)state;
  struct memory_file m = {0};
  struct feed_file_config c = config();
  struct feed f;
  struct err err;
  struct feed_reader r = memory_reader(&m);
  c.volume_scale = 9;
  assert_int_equal(feed_file_create(&c, &r, &f, &err), ERR_INVALID);
  c = config();
  c.timeframe_ns = 0;
  assert_int_equal(feed_file_create(&c, &r, &f, &err), ERR_INVALID);
  f = make(&m, false);
  int id;
  struct series s;
  struct feed_symbol about;
  assert_int_equal(feed_subscribe(f, "Y", MINUTE, 0, &id, &err), ERR_NOTFOUND);
  assert_int_equal(feed_subscribe(f, "X", 2 * MINUTE, 0, &id, &err), ERR_INVALID);
  assert_int_equal(feed_history(f, "X", 90 * NS_PER_S, 0, 1, &s, &err), ERR_INVALID);
  assert_int_equal(feed_describe(f, "X", &about, &err), OK);
  assert_int_equal(about.volume_scale, 2);
  feed_destroy(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_tail),   cmocka_unit_test(check_garbage), cmocka_unit_test(check_bad_header), cmocka_unit_test(check_cut_and_rotated),
      cmocka_unit_test(check_pieces), cmocka_unit_test(check_bounded), cmocka_unit_test(check_disk),       cmocka_unit_test(check_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
