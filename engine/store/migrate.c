#include "store/migrate.h"

#include "store/db.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum status version_of(struct db *db, int *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "PRAGMA user_version", "");
  if (st == OK && db_next(&rows)) *ret = (int)db_int(&rows, 0);
  return db_end(&rows, st, err);
}

static enum status snapshot(struct db *db, const char *path, int version, struct err *err) {
  char copy[4300];
  snprintf(copy, sizeof copy, "%s.before-%04d", path, version);
  unlink(copy);
  return db_run(db, NULL, err, "VACUUM INTO ?", "t", copy);
}

static enum status apply(struct db *db, const struct migration *m, struct err *err) {
  char pragma[64];
  snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", m->number);
  enum status st = db_script(db, "BEGIN IMMEDIATE", err);
  if (st != OK) return st;
  st = db_script(db, m->sql, err);
  if (st == OK) st = db_script(db, pragma, err);
  if (st == OK) st = db_script(db, "COMMIT", err);
  struct err ignored;
  if (st != OK && db_script(db, "ROLLBACK", &ignored) != OK) return st;
  return st;
}

enum status migrate(struct db *db, const char *file, const char *path, struct err *err) {
  int version = 0, newest = 0;
  enum status st = version_of(db, &version, err);
  for (const struct migration *m = store_migrations; m->file; m++)
    if (strcmp(m->file, file) == 0 && m->number > newest) newest = m->number;
  if (st == OK && version > newest)
    return err_set(err, ERR_INVALID, "%s has schema %d, this program knows %d: it was written by a newer perigee", path, version, newest);
  if (st == OK && version > 0 && version < newest) st = snapshot(db, path, version, err);
  for (const struct migration *m = store_migrations; st == OK && m->file; m++) {
    if (strcmp(m->file, file) != 0 || m->number <= version) continue;
    st = apply(db, m, err);
    if (st != OK) return err_wrap(err, st, "%s: schema/%s/%s", path, file, m->name);
  }
  return st;
}
