// Tests of a log's room ahead: what is in it stays, it is read after a crash as if there were none, and it grows only as far as it may.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/store_impl.h"
#include "store/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MB (INT64_C(1024) * 1024)

static int64_t size_of(const char *path) {
  struct stat is;
  return stat(path, &is) == 0 ? (int64_t)is.st_size : -1;
}

static int64_t rows(struct db *db) {
  struct err err;
  struct db_rows q;
  int64_t n = -1;
  enum status st = db_query(db, &q, &err, "SELECT count(*) FROM t", "");
  if (st == OK && db_next(&q)) n = db_int(&q, 0);
  return db_end(&q, st, &err) == OK ? n : -1;
}

static void copy(const char *from, const char *to) {
  char command[400];
  snprintf(command, sizeof command, "cp %s %s", from, to);
  assert_int_equal(system(command), 0);
}

static void check_room(void **state) {
  (void)state;
  char dir[] = "/tmp/perigee-room-XXXXXX", a[64], b[64], wal[64], wal_b[64], command[64];
  struct db *db, *after;
  struct err err;
  assert_non_null(mkdtemp(dir));
  snprintf(a, sizeof a, "%s/a.db", dir);
  snprintf(b, sizeof b, "%s/b.db", dir);
  snprintf(wal, sizeof wal, "%s/a.db-wal", dir);
  snprintf(wal_b, sizeof wal_b, "%s/b.db-wal", dir);
  log_room(wal, 0, 100 * MB);  // nothing is there: nothing is made
  assert_int_equal(size_of(wal), -1);
  assert_int_equal(db_open(a, false, true, &db, &err), OK);
  assert_int_equal(db_script(db, "CREATE TABLE t(x); INSERT INTO t VALUES(1)", &err), OK);
  const int64_t used = size_of(wal);
  assert_true(used > 0);
  log_room(wal, used, used);  // as long as it may be
  assert_int_equal(size_of(wal), used);
  log_room(wal, used, 100 * MB);
  if (size_of(wal) == used) {
    print_message("skipped: hardly any room on this disk, which is left to others\n");
    skip();
  }
  assert_int_equal(size_of(wal), used + 4 * MB);
  log_room(wal, used, 100 * MB);  // enough
  assert_int_equal(size_of(wal), used + 4 * MB);
  assert_int_equal(db_script(db, "INSERT INTO t VALUES(2); INSERT INTO t VALUES(3)", &err), OK);
  assert_int_equal(size_of(wal), used + 4 * MB);
  assert_int_equal(rows(db), 3);
  // What a crash leaves: the files as they are.
  copy(a, b);
  copy(wal, wal_b);
  assert_int_equal(db_open(b, false, true, &after, &err), OK);
  assert_int_equal(rows(after), 3);
  assert_int_equal(db_script(after, "INSERT INTO t VALUES(4)", &err), OK);
  assert_int_equal(rows(after), 4);
  db_close(after);
  log_room(wal, used + 3 * MB, 100 * MB);  // it has been used up
  assert_int_equal(size_of(wal), used + 8 * MB);
  assert_int_equal(rows(db), 3);
  db_close(db);
  snprintf(command, sizeof command, "rm -r %s", dir);
  assert_int_equal(system(command), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(check_room)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
