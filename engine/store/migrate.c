#include "store/migrate.h"

#include "store/db.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SNAPSHOTS_KEPT 2

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

// The version of a name that is "control.db.before-NNNN", else -1.
static int snapshot_version(const char *name, const char *prefix) {
  const size_t n = strlen(prefix);
  const bool fits = strncmp(name, prefix, n) == 0 && strlen(name + n) == 4 && strspn(name + n, "0123456789") == 4;
  return fits ? atoi(name + n) : -1;
}

// All but the newest few go. What cannot be removed stays: nothing depends on it.
static void remove_old_snapshots(const char *path) {
  char dir[4300], prefix[300];
  const char *base = strrchr(path, '/');
  snprintf(dir, sizeof dir, "%.*s", base ? (int)(base - path) : 1, base ? path : ".");
  snprintf(prefix, sizeof prefix, "%.200s.before-", base ? base + 1 : path);
  int kept[SNAPSHOTS_KEPT], count = 0;
  for (int pass = 0; pass < 2; pass++) {  // finds the newest; removes the others
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
      int version = snapshot_version(e->d_name, prefix);
      if (version < 0) continue;
      if (pass == 1 && count == SNAPSHOTS_KEPT && version < kept[SNAPSHOTS_KEPT - 1]) unlinkat(dirfd(d), e->d_name, 0);
      if (pass == 1) continue;
      for (int i = 0; i < count; i++)
        if (version > kept[i]) {
          const int older = kept[i];
          kept[i] = version;
          version = older;
        }
      if (count < SNAPSHOTS_KEPT) kept[count++] = version;
    }
    if (d) closedir(d);
  }
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
  if (st == OK) remove_old_snapshots(path);
  return st;
}
