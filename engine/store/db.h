// store/db.h – one SQLite connection with its prepared statements; for store/ only (nobody else includes SQL).
//
// A read:
//     struct db_rows rows;
//     enum status st = db_query(db, &rows, err, "SELECT name FROM users WHERE id = ?", "i", id);
//     while (st == OK && db_next(&rows)) puts(db_text(&rows, 0));
//     return db_end(&rows, st, err);
//
// A write, called inside a job of store_write; what it did is undone when the job does not return OK:
//
//     return db_run(db, &changes, err, "UPDATE users SET name = ? WHERE id = ? AND tenant_id = ?", "tii", name, id, tenant_id);
//
// Errors: ERR_EXISTS a unique column has that value · ERR_NOTFOUND a foreign key points nowhere · ERR_INVALID another rule of
// the schema · ERR_NOMEM · ERR_IO everything the disk does, a full one too.
//
// Types of parameters: i int64_t · t text (NULL: null) · T text, size_t length · b blob, size_t length · d double · n null.
// Statements are kept by the address of their text, so texts are literals.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct sqlite3_stmt;

struct db_rows {
  struct db *db;
  struct sqlite3_stmt *stmt;
  enum status status;
  int slot;  // of the cache; -1: not kept (nested use of one text)
};

// durable: synchronous=FULL, else NORMAL. readonly connections neither write nor checkpoint.
enum status db_open(const char *path, bool readonly, bool durable, struct db **ret, struct err *err) MUST_CHECK;
void db_close(struct db *db);

// Runs text that may hold several statements; for schema and pragmas.
enum status db_script(struct db *db, const char *sql, struct err *err) MUST_CHECK;
// While on, nothing runs outside a transaction. A full disk or an I/O error makes SQLite roll back by itself; a job that goes on
// after such an error would otherwise write its second half alone.
void db_guard(struct db *db, bool on);
// A sync failed (what the system then still holds is unknown) or the file is damaged: it must not be written any more.
bool db_broken(const struct db *db);
// From now on commits leave the log to who asks db_checkpoint, and db_log_pages counts it: pages after the last commit here.
void db_keep_log(struct db *db);
int db_log_pages(const struct db *db);
// Moves as much of the log into the file as nobody needs there, beside others who read and write; syncs both. *ret_pages: pages that the log
// has; *ret_moved: of them those that are in the file; all: the next commit begins a new log, unless somebody still reads the old one. Both 0
// when another connection is doing it.
enum status db_checkpoint(struct db *db, int *ret_pages, int *ret_moved, struct err *err) MUST_CHECK;
// A copy of the database as it is at one moment, in one file that needs no log beside it; others may read and write meanwhile.
enum status db_copy(struct db *db, const char *to, struct err *err) MUST_CHECK;
// One statement without rows. *ret_changes (may be NULL): rows changed.
enum status db_run(struct db *db, int64_t *ret_changes, struct err *err, const char *sql, const char *types, ...) MUST_CHECK;
enum status db_query(struct db *db, struct db_rows *ret, struct err *err, const char *sql, const char *types, ...) MUST_CHECK;
bool db_next(struct db_rows *rows);
// Ends a query, also one that failed or was left early. Returns st, or what went wrong while stepping.
enum status db_end(struct db_rows *rows, enum status st, struct err *err) MUST_CHECK;

int64_t db_int(const struct db_rows *rows, int column);
bool db_null(const struct db_rows *rows, int column);
const char *db_text(const struct db_rows *rows, int column);  // "" for null; until the next step
const void *db_blob(const struct db_rows *rows, int column, size_t *ret_len);
double db_real(const struct db_rows *rows, int column);
