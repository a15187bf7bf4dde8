// store/backup.c – see backup.h.
#include "store/backup.h"

#include "base/buf.h"
#include "crypto/sha256.h"
#include "store/db.h"
#include "store/migrate.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4400

static const char *const names[STORE_FILES] = {"control", "journal", "market"};

static enum status sync_path(const char *path, struct err *err) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return err_errno(err, errno, "%s", path);
  const bool synced = fsync(fd) == 0;
  const int why = errno;
  close(fd);
  return synced ? OK : err_errno(err, why, "%s", path);
}

static enum status digest(const char *path, char ret_hex[SHA256_HEX_SIZE], int64_t *ret_bytes, struct err *err) {
  FILE *f = fopen(path, "rb");
  if (!f) return err_errno(err, errno, "%s", path);
  struct sha256_ctx ctx;
  sha256_init(&ctx);
  char block[16384];
  *ret_bytes = 0;
  for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0; *ret_bytes += (int64_t)n) sha256_update(&ctx, block, n);
  sha256_finish_hex(&ctx, ret_hex);
  const bool bad = ferror(f);
  fclose(f);
  return bad ? err_errno(err, EIO, "%s", path) : OK;
}

static enum status number_of(struct db *db, const char *sql, int64_t *ret, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, sql, "");
  while (st == OK && db_next(&rows)) *ret = db_int(&rows, 0);
  return db_end(&rows, st, err);
}

static int newest(const char *file) {
  int n = 0;
  for (const struct migration *m = store_migrations; m->file; m++)
    if (strcmp(m->file, file) == 0 && m->number > n) n = m->number;
  return n;
}

// Copies one database; *ret_schema: its user_version.
static enum status copy_file(const char *from, const char *to, int64_t *ret_schema, struct err *err) {
  struct db *db;
  enum status st = db_open(from, true, true, &db, err);
  if (st != OK) return st;
  st = number_of(db, "PRAGMA user_version", ret_schema, err);
  if (st == OK) st = db_copy(db, to, err);
  db_close(db);
  if (st == OK) st = sync_path(to, err);
  return st == OK ? OK : err_wrap(err, st, "%s", from);
}

static void remove_backup(const char *dir) {
  char path[PATH_SIZE];
  for (int f = 0; f < STORE_FILES; f++) {
    snprintf(path, sizeof path, "%s/%s.db", dir, names[f]);
    unlink(path);
    snprintf(path, sizeof path, "%s/%s.db-journal", dir, names[f]);
    unlink(path);
  }
  snprintf(path, sizeof path, "%s/MANIFEST", dir);
  unlink(path);
  rmdir(dir);
}

enum status store_backup(const char *dir, const char *to, int64_t *ret_bytes, struct err *err) {
  char part[PATH_SIZE], from[PATH_SIZE], path[PATH_SIZE], hex[SHA256_HEX_SIZE];
  if (access(to, F_OK) == 0) return err_set(err, ERR_EXISTS, "%s is there already", to);
  if (strlen(to) > 4000 || strlen(dir) > 4000) return err_set(err, ERR_INVALID, "the name is too long");
  snprintf(part, sizeof part, "%s.part", to);
  remove_backup(part);  // of an attempt that was cut off
  if (mkdir(part, 0700) != 0) return err_errno(err, errno, "%s", part);
  struct buf manifest;
  buf_init(&manifest, 4096);
  int64_t all = 0;
  enum status st = OK;
  for (int f = 0; st == OK && f < STORE_FILES; f++) {
    int64_t bytes = 0, schema = 0;
    snprintf(from, sizeof from, "%s/%s.db", dir, names[f]);
    snprintf(path, sizeof path, "%s/%s.db", part, names[f]);
    st = copy_file(from, path, &schema, err);
    if (st == OK) st = digest(path, hex, &bytes, err);
    if (st == OK) buf_printf(&manifest, "%s  %" PRId64 "  %" PRId64 "  %s.db\n", hex, bytes, schema, names[f]);
    all += bytes;
  }
  snprintf(path, sizeof path, "%s/MANIFEST", part);
  if (st == OK && manifest.failed) st = err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) st = file_write_atomic(path, manifest.data, manifest.len, err);
  buf_finish(&manifest);
  if (st == OK) st = store_backup_verify(part, err);
  if (st == OK) st = sync_path(part, err);
  if (st == OK && rename(part, to) != 0) st = err_errno(err, errno, "%s", to);
  if (st == OK) {
    snprintf(path, sizeof path, "%s/..", to);
    st = sync_path(path, err);
  } else {
    remove_backup(part);
  }
  if (st == OK && ret_bytes) *ret_bytes = all;
  return st;
}

struct first_fault {
  struct err *err;
};
static void keep_fault(void *arg, bool ok, const char *what) {
  struct first_fault *f = arg;
  if (!ok && f->err && !f->err->msg[0]) err_set(f->err, ERR_INVALID, "%s", what);
}

enum status store_backup_verify(const char *from, struct err *err) {
  char path[PATH_SIZE], hex[SHA256_HEX_SIZE], name[64], told[65];
  snprintf(path, sizeof path, "%s/MANIFEST", from);
  FILE *f = fopen(path, "r");
  if (!f) return err_errno(err, errno, "%s", path);
  enum status st = OK;
  int lines = 0;
  int64_t bytes, told_bytes, schema;
  while (st == OK && fscanf(f, "%64s %" SCNd64 " %" SCNd64 " %63s", told, &told_bytes, &schema, name) == 4) {
    if (lines >= STORE_FILES || strncmp(name, names[lines], strlen(names[lines])) != 0 || strcmp(name + strlen(names[lines]), ".db") != 0) {
      st = err_set(err, ERR_INVALID, "%s: line %d is not of this program", path, lines + 1);
      break;
    }
    lines++;
    char file[PATH_SIZE];
    snprintf(file, sizeof file, "%s/%s", from, name);
    st = digest(file, hex, &bytes, err);
    if (st == OK && (bytes != told_bytes || strcmp(hex, told) != 0)) st = err_set(err, ERR_INVALID, "%s is not what was backed up", file);
  }
  fclose(f);
  if (st == OK && lines != STORE_FILES) st = err_set(err, ERR_INVALID, "%s: incomplete", path);
  if (st != OK) return st;
  struct err why = {0};
  struct first_fault fault = {&why};
  st = store_examine(from, keep_fault, &fault, err);
  if (st == ERR_INVALID && why.msg[0]) err_set(err, st, "%s", why.msg);
  return st;
}

static bool examine_file(const char *path, const char *name, store_finding fn, void *arg) {
  char what[1400];
  struct err err = {0};
  struct db *db;
  struct db_rows rows;
  bool ok = true;
  if (db_open(path, true, true, &db, &err) != OK) {
    snprintf(what, sizeof what, "%s.db: %s", name, err.msg);
    fn(arg, false, what);
    return false;
  }
  int64_t schema = 0;
  enum status st = number_of(db, "PRAGMA user_version", &schema, &err);
  if (st == OK && schema > newest(name)) {
    ok = false;
    snprintf(what, sizeof what, "%s.db: schema %d, this program knows %d", name, (int)schema, newest(name));
    fn(arg, false, what);
  }
  if (st == OK) st = db_query(db, &rows, &err, "PRAGMA integrity_check", "");
  else goto end;
  while (st == OK && db_next(&rows)) {
    if (strcmp(db_text(&rows, 0), "ok") == 0) continue;
    ok = false;
    snprintf(what, sizeof what, "%s.db: %.1200s", name, db_text(&rows, 0));
    fn(arg, false, what);
  }
  st = db_end(&rows, st, &err);
  if (st != OK) goto end;
  st = db_query(db, &rows, &err, "PRAGMA foreign_key_check", "");
  while (st == OK && db_next(&rows)) {
    ok = false;
    snprintf(what, sizeof what, "%s.db: a row of %s refers to nothing in %s", name, db_text(&rows, 0), db_text(&rows, 2));
    fn(arg, false, what);
  }
  st = db_end(&rows, st, &err);
end:
  db_close(db);
  if (st != OK) snprintf(what, sizeof what, "%s.db: %s", name, err.msg);
  else if (ok) snprintf(what, sizeof what, "%s.db: schema %d, sound", name, (int)schema);
  if (st != OK || ok) fn(arg, st == OK, what);
  return st == OK && ok;
}

enum status store_examine(const char *dir, store_finding fn, void *arg, struct err *err) {
  char path[PATH_SIZE];
  if (access(dir, R_OK) != 0) return err_errno(err, errno, "%s", dir);
  bool ok = true;
  for (int f = 0; f < STORE_FILES; f++) {
    snprintf(path, sizeof path, "%s/%s.db", dir, names[f]);
    ok &= examine_file(path, names[f], fn, arg);
  }
  return ok ? OK : err_set(err, ERR_INVALID, "%s: not sound", dir);
}

static enum status peek(const char *dir, enum store_file file, struct db **ret, struct err *err) {
  char path[PATH_SIZE];
  if ((size_t)snprintf(path, sizeof path, "%s/%s.db", dir, names[file]) >= sizeof path) return err_set(err, ERR_INVALID, "the name is too long");
  enum status st = db_open(path, true, true, ret, err);
  if (st != OK) return st;
  st = db_script(*ret, "BEGIN", err);
  if (st != OK) db_close(*ret);
  return st;
}
enum status store_peek(const char *dir, struct db **ret, struct err *err) { return peek(dir, STORE_CONTROL, ret, err); }
enum status store_peek_journal(const char *dir, struct db **ret, struct err *err) { return peek(dir, STORE_JOURNAL, ret, err); }
void store_peek_end(struct db *db) {
  struct err ignored;
  (void)!db_script(db, "COMMIT", &ignored);
  db_close(db);
}

// The old file with its log gets another name, the new one its place.
static enum status swap(const char *dir, const char *name, bool again, struct err *err) {
  char now[PATH_SIZE], old[PATH_SIZE], fresh[PATH_SIZE];
  static const char *const tails[] = {"", "-wal", "-shm"};
  snprintf(fresh, sizeof fresh, "%s/%s.db.restoring", dir, name);
  for (int t = 0; t < 3; t++) {
    snprintf(now, sizeof now, "%s/%s.db%s", dir, name, tails[t]);
    snprintf(old, sizeof old, "%s/%s.db.before-restore%s", dir, name, tails[t]);
    // Of an attempt that was cut off, the old file may have its new name already: then what is here is no longer the old one.
    if (again && access(old, F_OK) == 0) unlink(now);
    else if (rename(now, old) != 0 && errno != ENOENT) return err_errno(err, errno, "%s", now);
  }
  snprintf(now, sizeof now, "%s/%s.db", dir, name);
  return rename(fresh, now) == 0 ? OK : err_errno(err, errno, "%s", fresh);
}

enum status store_restore(const char *from, const char *dir, struct err *err) {
  char path[PATH_SIZE], to[PATH_SIZE], mark[PATH_SIZE];
  if (strlen(from) > 4000 || strlen(dir) > 4000) return err_set(err, ERR_INVALID, "the name is too long");
  enum status st = store_backup_verify(from, err);
  if (st != OK) return st;
  if (mkdir(dir, 0700) != 0 && errno != EEXIST) return err_errno(err, errno, "%s", dir);
  int lock;
  st = store_lock(dir, &lock, err);
  if (st != OK) return st;
  snprintf(mark, sizeof mark, "%s/" STORE_RESTORING, dir);
  const bool again = access(mark, F_OK) == 0;
  for (int f = 0; st == OK && f < STORE_FILES; f++) {
    int64_t schema;
    snprintf(path, sizeof path, "%s/%s.db.before-restore", dir, names[f]);
    if (!again && access(path, F_OK) == 0) st = err_set(err, ERR_EXISTS, "%s is there: move away what an earlier restore kept", path);
    snprintf(path, sizeof path, "%s/%s.db", from, names[f]);
    snprintf(to, sizeof to, "%s/%s.db.restoring", dir, names[f]);
    unlink(to);
    if (st == OK) st = copy_file(path, to, &schema, err);
    if (st == OK && chmod(to, 0600) != 0) st = err_errno(err, errno, "%s", to);
  }
  // From here on a start is refused until all three are in place: files of two moments do not belong together.
  if (st == OK) st = file_write_atomic(mark, "", 0, err);
  if (st == OK) st = sync_path(dir, err);
  for (int f = 0; st == OK && f < STORE_FILES; f++) st = swap(dir, names[f], again, err);
  if (st == OK) st = sync_path(dir, err);
  if (st == OK && unlink(mark) != 0) st = err_errno(err, errno, "%s", mark);
  if (st == OK) st = sync_path(dir, err);
  close(lock);
  return st;
}
