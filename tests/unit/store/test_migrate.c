// Migrations of this test's own, as if a program grew: the snapshot taken before one, when it goes, and when it stays.
#include "store/db.h"
#include "store/migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FIRST "CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT; INSERT INTO t VALUES (1)"
#define NEXT(n) "INSERT INTO t VALUES (" #n ")"
// One name per state of the program.
const struct migration store_migrations[] = {
  {"one", 1, "0001_a.sql", FIRST},
  {"two", 1, "0001_a.sql", FIRST}, {"two", 2, "0002_b.sql", NEXT(2)},
  {"three", 3, "0003_c.sql", NEXT(3)}, {"four", 4, "0004_d.sql", NEXT(4)}, {"five", 5, "0005_e.sql", NEXT(5)},
  {"faulty", 5, "0005_e.sql", NEXT(5) "; INSERT INTO t VALUES (1)"},
  {0},
};

static char dir[64], path[128];

static int setup(void **state) {
  (void)state;
  strcpy(dir, "/tmp/perigee-migrate-XXXXXX");
  if (!mkdtemp(dir)) return 1;
  snprintf(path, sizeof path, "%s/control.db", dir);
  return 0;
}
static int teardown(void **state) {
  (void)state;
  char command[100];
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  return system(command);
}

static enum status to(const char *program, struct err *err) {
  struct db *db;
  assert_int_equal(db_open(path, false, true, &db, err), OK);
  const enum status st = migrate(db, program, path, err);
  db_close(db);
  return st;
}

static int number(const char *file, const char *sql) {
  struct db *db;
  struct db_rows rows;
  struct err err;
  assert_int_equal(db_open(file, true, true, &db, &err), OK);
  enum status st = db_query(db, &rows, &err, sql, "");
  const int n = st == OK && db_next(&rows) ? (int)db_int(&rows, 0) : -1;
  assert_int_equal(db_end(&rows, st, &err), OK);
  db_close(db);
  return n;
}
static const char *snapshot(const char *tail) {
  static char name[200];
  snprintf(name, sizeof name, "%s.before-%s", path, tail);
  return name;
}
static bool there(const char *tail) { return access(snapshot(tail), F_OK) == 0; }

// What is called nearly alike is not theirs to remove.
static void others_file(const char *tail) {
  FILE *f = fopen(snapshot(tail), "w");
  assert_non_null(f);
  assert_int_equal(fclose(f), 0);
}

static void snapshots(void **state) {
  (void)state;
  struct err err = {0};
  assert_int_equal(to("one", &err), OK);
  assert_false(there("0000"));  // there was nothing to keep
  others_file("restore");
  others_file("00001");
  assert_int_equal(to("two", &err), OK);
  assert_true(there("0001"));
  assert_int_equal(number(snapshot("0001"), "PRAGMA user_version"), 1);
  assert_int_equal(number(snapshot("0001"), "SELECT count(*) FROM t"), 1);
  assert_int_equal(to("three", &err), OK);
  assert_int_equal(to("three", &err), OK);  // nothing to do: nothing is copied
  assert_true(there("0001") && there("0002") && !there("0003"));
  // The third makes the oldest go.
  assert_int_equal(to("four", &err), OK);
  assert_true(!there("0001") && there("0002") && there("0003"));
  // One that fails: the file is as it was, its snapshot stays, and so does every older one.
  assert_int_equal(to("faulty", &err), ERR_EXISTS);
  assert_non_null(strstr(err.msg, "0005_e.sql"));
  assert_int_equal(number(path, "PRAGMA user_version"), 4);
  assert_int_equal(number(path, "SELECT count(*) FROM t"), 4);
  assert_true(there("0002") && there("0003") && there("0004"));
  assert_int_equal(number(snapshot("0004"), "PRAGMA user_version"), 4);
  assert_int_equal(number(snapshot("0004"), "SELECT count(*) FROM t"), 4);
  // Mended, it succeeds, and only now the oldest goes.
  assert_int_equal(to("five", &err), OK);
  assert_true(!there("0002") && there("0003") && there("0004"));
  assert_int_equal(number(path, "SELECT count(*) FROM t"), 5);
  assert_true(there("restore") && there("00001"));
  // An older program does not touch it.
  assert_int_equal(to("four", &err), ERR_INVALID);
  assert_non_null(strstr(err.msg, "newer"));
  assert_true(there("0003") && there("0004") && !there("0005"));
}

// No room for the snapshot: nothing is migrated.
static void no_snapshot_no_migration(void **state) {
  (void)state;
  struct err err = {0};
  char in_the_way[220];
  assert_int_equal(to("one", &err), OK);
  snprintf(in_the_way, sizeof in_the_way, "mkdir -p '%s/x'", snapshot("0001"));
  assert_int_equal(system(in_the_way), 0);
  assert_int_equal(to("two", &err), ERR_IO);
  assert_int_equal(number(path, "PRAGMA user_version"), 1);
  assert_int_equal(number(path, "SELECT count(*) FROM t"), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(snapshots, setup, teardown),
    cmocka_unit_test_setup_teardown(no_snapshot_no_migration, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
