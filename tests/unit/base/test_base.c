// Tests of base/status.h, money.h and buf.h.
#include "base/buf.h"
#include "base/money.h"
#include "base/status.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void check_status(void **state) {
  (void)state;
  struct err err;
  assert_string_equal(status_text(OK), "ok");
  assert_string_equal(status_text(ERR_USAGE), "usage");
  assert_string_equal(status_text((enum status)999), "unknown status");
  assert_int_equal(err_set(&err, ERR_INVALID, "a.csv:%d: bad", 7), ERR_INVALID);
  assert_int_equal(err_wrap(&err, ERR_LIMIT, "stream %s", "main"), ERR_LIMIT);
  assert_string_equal(err.msg, "stream main: a.csv:7: bad");
  assert_int_equal(err.code, ERR_LIMIT);
  assert_int_equal(err_errno(&err, ENOENT, "%s", "x"), ERR_NOTFOUND);
  assert_string_equal(err.msg, "x: No such file or directory");
  assert_int_equal(err_errno(&err, ENOMEM, "x"), ERR_NOMEM);
  assert_int_equal(err_errno(&err, EACCES, "x"), ERR_IO);
  assert_int_equal(err_set(NULL, ERR_IO, "nobody listens"), ERR_IO);
  assert_int_equal(err_wrap(NULL, ERR_IO, "nobody"), ERR_IO);
  // Messages longer than their room are cut, not overrun, and stay text.
  char longer[3000];
  memset(longer, 'x', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  err_set(&err, ERR_IO, "%s", longer);
  assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
  err_wrap(&err, ERR_IO, "%s", longer);
  assert_true(strlen(err.msg) < sizeof err.msg);
  err_errno(&err, EACCES, "%s", longer);
  assert_true(strlen(err.msg) < sizeof err.msg);
}

static void check_money(void **state) {
  (void)state;
  int64_t v = 42;
  assert_false(add_checked(INT64_MAX, 1, &v));
  assert_false(sub_checked(INT64_MIN, 1, &v));
  assert_false(narrow_checked((int128)INT64_MAX + 1, &v));
  assert_false(narrow_checked((int128)INT64_MIN - 1, &v));
  assert_int_equal(v, 42);
  assert_true(add_checked(INT64_MAX, -1, &v) && v == INT64_MAX - 1);
  assert_true(sub_checked(0, INT64_MAX, &v) && v == -INT64_MAX);
  assert_true(narrow_checked(INT64_MIN, &v) && v == INT64_MIN);
  static const struct { int num, den, floor, ceil, round; } d[] = {
      {7, 2, 3, 4, 4},   {-7, 2, -4, -3, -4}, {6, 2, 3, 3, 3}, {-6, 2, -3, -3, -3}, {1, 3, 0, 1, 0},
      {-1, 3, -1, 0, 0}, {2, 3, 0, 1, 1},     {-2, 3, -1, 0, -1}, {0, 5, 0, 0, 0},  {5, 1, 5, 5, 5}, {1, 2, 0, 1, 1}};
  for (size_t i = 0; i < sizeof d / sizeof d[0]; i++) {
    assert_true(div_floor(d[i].num, d[i].den) == d[i].floor);
    assert_true(div_ceil(d[i].num, d[i].den) == d[i].ceil);
    assert_true(div_round(d[i].num, d[i].den) == d[i].round);
  }
}

static void check_buf(void **state) {
  (void)state;
  struct buf b;
  buf_init(&b, 600);
  buf_str(&b, "a");
  buf_printf(&b, "%d-%s", 5, "x");
  buf_add(&b, "\0z", 2);
  assert_int_equal(b.len, 6);
  assert_memory_equal(b.data, "a5-x\0z", 7);
  buf_clear(&b);
  assert_string_equal(b.data, "");
  for (int i = 0; i < 600; i++) buf_add(&b, "y", 1);
  assert_false(b.failed);
  buf_str(&b, "");
  assert_false(b.failed);
  buf_str(&b, "n");  // one past the maximum: fails for good and keeps what it had
  assert_true(b.failed);
  buf_printf(&b, "later");
  assert_int_equal(b.len, 600);
  buf_clear(&b);
  buf_printf(&b, "again");
  assert_string_equal(b.data, "again");
  buf_finish(&b);
  // Formatted text that just fits, at every size up to and over the maximum.
  char text[301];
  memset(text, 'x', 300);
  text[300] = '\0';
  for (int max = 0; max <= 300; max++) {
    buf_init(&b, (size_t)max);
    buf_printf(&b, "%.*s", max / 2, text);
    buf_printf(&b, "%.*s", max - max / 2, text);
    assert_true(!b.failed && b.len == (size_t)max && strlen(b.data) == b.len);
    buf_printf(&b, "%c", 'y');
    assert_true(b.failed && b.len == (size_t)max && strlen(b.data) == b.len);
    buf_finish(&b);
  }
  buf_init(&b, 100);
  static const int64_t ints[] = {0, -1, 10, -10, INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < 6; i++) {
    buf_clear(&b);
    buf_int(&b, ints[i]);
    assert_int_equal(strtoll(b.data, NULL, 10), ints[i]);
    assert_int_equal(snprintf(text, sizeof text, "%" PRId64, ints[i]), (int)b.len);
  }
  buf_finish(&b);
  assert_null(b.data);
}

static void check_files(void **state) {
  (void)state;
  char dir[] = "/tmp/perigee-base-XXXXXX", path[64];
  struct err err;
  struct buf b;
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/f", dir);
  buf_init(&b, 10);
  assert_int_equal(buf_read_file(&b, path, &err), ERR_NOTFOUND);
  assert_int_equal(buf_read_file(&b, dir, &err), ERR_IO);
  assert_int_equal(file_write_atomic(path, "0123456789", 10, &err), OK);
  assert_int_equal(buf_read_file(&b, path, &err), OK);
  assert_string_equal(b.data, "0123456789");
  assert_int_equal(file_write_atomic(path, "0123456789a", 11, &err), OK);
  buf_clear(&b);
  assert_int_equal(buf_read_file(&b, path, &err), ERR_LIMIT);
  assert_non_null(strstr(err.msg, "larger than 10 bytes"));
  buf_clear(&b);
  assert_int_equal(file_write_atomic(path, "", 0, &err), OK);
  assert_int_equal(buf_read_file(&b, path, &err), OK);
  assert_int_equal(b.len, 0);
  assert_non_null(b.data);
  buf_finish(&b);
  // A write that fails leaves what was there, and no litter.
  assert_int_equal(file_write_atomic(path, "kept", 4, &err), OK);
  assert_int_equal(file_write_atomic(dir, "x", 1, &err), ERR_IO);
  assert_int_equal(file_write_atomic("/dev/full", "x", 1, &err), ERR_IO);
  char below[80];
  snprintf(below, sizeof below, "%s/g", path);
  assert_int_not_equal(file_write_atomic(below, "x", 1, &err), OK);
  struct stat sb;
  assert_int_equal(stat(path, &sb), 0);
  assert_int_equal(sb.st_size, 4);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(dir), 0);  // fails if a temporary was left
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_status), cmocka_unit_test(check_money), cmocka_unit_test(check_buf), cmocka_unit_test(check_files)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
