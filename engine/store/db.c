#include "store/db.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 512

struct slot {
  const char *sql;
  sqlite3_stmt *stmt;
  bool busy;
};
struct db {
  sqlite3 *handle;
  bool guarded, broken;
  int log_pages;
  struct slot slots[SLOTS];
};

static enum status fail(struct db *db, struct err *err, const char *what) {
  const int code = sqlite3_extended_errcode(db->handle), kind = code & 0xff;
  if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC || kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB) db->broken = true;
  const enum status st = kind == SQLITE_NOMEM ? ERR_NOMEM
                         : code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID ? ERR_EXISTS
                         : code == SQLITE_CONSTRAINT_FOREIGNKEY ? ERR_NOTFOUND  // what the row refers to
                         : kind == SQLITE_CONSTRAINT || kind == SQLITE_TOOBIG ? ERR_INVALID
                         : ERR_IO;
  return err_set(err, st, "%s: %s", what, sqlite3_errmsg(db->handle));
}

// When SQLite cannot change the mode it keeps the old one and reports no error.
static enum status use_log(struct db *db, struct err *err) {
  struct db_rows rows;
  bool wal = false;
  enum status st = db_query(db, &rows, err, "PRAGMA journal_mode=WAL", "");
  while (st == OK && db_next(&rows))  // to its end: that is when it commits
    wal = strcmp(db_text(&rows, 0), "wal") == 0;
  st = db_end(&rows, st, err);
  return st == OK && !wal ? err_set(err, ERR_IO, "the database cannot be switched to write-ahead logging") : st;
}

enum status db_open(const char *path, bool readonly, bool durable, struct db **ret, struct err *err) {
  struct db *db = calloc(1, sizeof *db);
  if (!db) return err_set(err, ERR_NOMEM, "out of memory");
  const int flags = (readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
    enum status st = db->handle ? fail(db, err, path) : err_set(err, ERR_NOMEM, "out of memory");
    db_close(db);
    return st;
  }
  sqlite3_extended_result_codes(db->handle, 1);
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
  if (readonly) sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite3_busy_timeout(db->handle, 5000);
  enum status st = db_script(db, "PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;", err);
  if (st == OK && !readonly) st = db_script(db, "PRAGMA wal_autocheckpoint=2000; PRAGMA journal_size_limit=67108864;", err);
  if (st == OK && !readonly) st = db_script(db, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", err);
  if (st == OK && !readonly) st = use_log(db, err);
  if (st == OK && readonly) st = db_script(db, "PRAGMA query_only=ON", err);
  if (st != OK) {
    db_close(db);
    return st;
  }
  *ret = db;
  return OK;
}

void db_close(struct db *db) {
  if (!db) return;
  for (int i = 0; i < SLOTS; i++) sqlite3_finalize(db->slots[i].stmt);
  if (db->handle) {
    int rc = sqlite3_close(db->handle);
    assert(rc == SQLITE_OK);
    (void)rc;
  }
  free(db);
}

void db_guard(struct db *db, bool on) { db->guarded = on; }
bool db_broken(const struct db *db) { return db->broken; }

static bool rolled_back(const struct db *db) { return db->guarded && sqlite3_get_autocommit(db->handle); }

enum status db_script(struct db *db, const char *sql, struct err *err) {
  if (rolled_back(db)) return err_set(err, ERR_IO, "the transaction is gone after an earlier error");
  return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? OK : fail(db, err, "sqlite");
}

static int on_commit(void *arg, sqlite3 *handle, const char *name, int pages) {
  (void)handle;
  (void)name;
  ((struct db *)arg)->log_pages = pages;
  return SQLITE_OK;
}

void db_keep_log(struct db *db) { sqlite3_wal_hook(db->handle, on_commit, db); }  // in the place of SQLite's own
int db_log_pages(const struct db *db) { return db->log_pages; }

enum status db_checkpoint(struct db *db, int *ret_pages, int *ret_moved, struct err *err) {
  *ret_pages = *ret_moved = 0;
  const int rc = sqlite3_wal_checkpoint_v2(db->handle, "main", SQLITE_CHECKPOINT_PASSIVE, ret_pages, ret_moved);
  if (rc == SQLITE_OK || rc == SQLITE_BUSY) return OK;
  *ret_pages = *ret_moved = 0;
  return fail(db, err, "moving the log into the file");
}

enum status db_copy(struct db *db, const char *to, struct err *err) {
  sqlite3 *copy = NULL;
  enum status st = OK;
  int rc = sqlite3_open_v2(to, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
  sqlite3_backup *backup = rc == SQLITE_OK ? sqlite3_backup_init(copy, "main", db->handle, "main") : NULL;
  // All pages in one step, which is one read transaction: one moment.
  if (backup) {
    while ((rc = sqlite3_backup_step(backup, -1)) == SQLITE_OK) {}
    const int finished = sqlite3_backup_finish(backup);
    if (finished != SQLITE_OK) rc = finished;
  } else if (rc == SQLITE_OK) {
    rc = sqlite3_errcode(copy);
  }
  if (rc == SQLITE_DONE || rc == SQLITE_OK) rc = sqlite3_exec(copy, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
  if (rc != SQLITE_OK) st = err_set(err, rc == SQLITE_NOMEM ? ERR_NOMEM : ERR_IO, "%s: %s", to, copy ? sqlite3_errmsg(copy) : "out of memory");
  sqlite3_close(copy);
  return st;
}

static enum status prepare(struct db *db, const char *sql, struct db_rows *ret, struct err *err) {
  *ret = (struct db_rows){.db = db, .status = OK, .slot = -1};
  if (rolled_back(db)) return err_set(err, ERR_IO, "the transaction is gone after an earlier error");
  struct slot *slot = NULL;
  const size_t at = ((uintptr_t)sql >> 3) % SLOTS;
  for (size_t i = 0; i < 16 && !slot; i++) {
    struct slot *s = &db->slots[(at + i) % SLOTS];
    if (!s->sql || s->sql == sql) slot = s;
  }
  if (slot && slot->stmt && !slot->busy) {
    ret->stmt = slot->stmt;
    ret->slot = (int)(slot - db->slots);
    slot->busy = true;
    return OK;
  }
  if (sqlite3_prepare_v3(db->handle, sql, -1, slot && !slot->sql ? SQLITE_PREPARE_PERSISTENT : 0, &ret->stmt, NULL) != SQLITE_OK) return fail(db, err, sql);
  if (slot && !slot->sql) {
    *slot = (struct slot){sql, ret->stmt, true};
    ret->slot = (int)(slot - db->slots);
  }
  return OK;
}

static enum status bind(struct db_rows *r, const char *types, va_list ap, struct err *err) {
  int rc = SQLITE_OK;
  for (int i = 1; types[i - 1] && rc == SQLITE_OK; i++) switch (types[i - 1]) {
      case 'i': rc = sqlite3_bind_int64(r->stmt, i, va_arg(ap, int64_t)); break;
      case 't': {
        const char *t = va_arg(ap, const char *);
        rc = t ? sqlite3_bind_text(r->stmt, i, t, -1, SQLITE_TRANSIENT) : sqlite3_bind_null(r->stmt, i);
        break;
      }
      case 'T': case 'b': {
        const void *p = va_arg(ap, const void *);
        const size_t n = va_arg(ap, size_t);
        rc = !p ? sqlite3_bind_null(r->stmt, i)
             : types[i - 1] == 'T' ? sqlite3_bind_text64(r->stmt, i, p, n, SQLITE_TRANSIENT, SQLITE_UTF8)
                                   : sqlite3_bind_blob64(r->stmt, i, p, n, SQLITE_TRANSIENT);
        break;
      }
      case 'd': rc = sqlite3_bind_double(r->stmt, i, va_arg(ap, double)); break;
      case 'n': rc = sqlite3_bind_null(r->stmt, i); break;
      default: assert(!"a known type");
    }
  return rc == SQLITE_OK ? OK : fail(r->db, err, sqlite3_sql(r->stmt));
}

static void release(struct db_rows *r) {
  if (!r->stmt) return;
  sqlite3_reset(r->stmt);
  sqlite3_clear_bindings(r->stmt);
  if (r->slot >= 0) r->db->slots[r->slot].busy = false;
  else sqlite3_finalize(r->stmt);
  r->stmt = NULL;
}

enum status db_query(struct db *db, struct db_rows *ret, struct err *err, const char *sql, const char *types, ...) {
  enum status st = prepare(db, sql, ret, err);
  if (st != OK) return ret->status = st;
  va_list ap;
  va_start(ap, types);
  st = bind(ret, types, ap, err);
  va_end(ap);
  return ret->status = st;
}

bool db_next(struct db_rows *r) {
  if (r->status != OK) return false;
  const int rc = sqlite3_step(r->stmt);
  if (rc == SQLITE_ROW) return true;
  if (rc != SQLITE_DONE) r->status = fail(r->db, NULL, "");
  return false;
}

enum status db_end(struct db_rows *r, enum status st, struct err *err) {
  if (st == OK && r->status != OK) {
    err_set(err, r->status, "sqlite: %s", sqlite3_errmsg(r->db->handle));
    st = r->status;
  }
  release(r);
  return st;
}

enum status db_run(struct db *db, int64_t *ret_changes, struct err *err, const char *sql, const char *types, ...) {
  struct db_rows r;
  enum status st = prepare(db, sql, &r, err);
  if (st != OK) return st;
  va_list ap;
  va_start(ap, types);
  st = bind(&r, types, ap, err);
  va_end(ap);
  if (st == OK) {
    int rc;
    while ((rc = sqlite3_step(r.stmt)) == SQLITE_ROW) {}
    if (rc != SQLITE_DONE) st = fail(db, err, "sqlite");
  }
  if (st == OK && ret_changes) *ret_changes = sqlite3_changes64(db->handle);
  release(&r);
  return st;
}

int64_t db_int(const struct db_rows *r, int c) { return sqlite3_column_int64(r->stmt, c); }
bool db_null(const struct db_rows *r, int c) { return sqlite3_column_type(r->stmt, c) == SQLITE_NULL; }
const char *db_text(const struct db_rows *r, int c) {
  const char *t = (const char *)sqlite3_column_text(r->stmt, c);
  return t ? t : "";
}
const void *db_blob(const struct db_rows *r, int c, size_t *ret_len) {
  *ret_len = (size_t)sqlite3_column_bytes(r->stmt, c);
  return sqlite3_column_blob(r->stmt, c);
}
double db_real(const struct db_rows *r, int c) { return sqlite3_column_double(r->stmt, c); }
