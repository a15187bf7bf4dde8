// store/backup.h – copies of a data directory that can be trusted: taken while a server runs, proven before they replace anything.
//
// A backup is a directory: control.db, journal.db, market.db and MANIFEST, a line "SHA-256  bytes  schema  name" per file.
// It is written beside its place and renamed, so that a directory with this name is a whole backup.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

// Copies with SQLite's backup interface; a server may be writing meanwhile: each file is one moment of it. ret_bytes may be NULL.
// ERR_EXISTS: `to` is there already.
enum status store_backup(const char *dir, const char *to, int64_t *ret_bytes, struct err *err) MUST_CHECK;

// A connection of its own for looking at control.db, in one moment of it; a server may be running. Close with store_peek_end.
struct db;
enum status store_peek(const char *dir, struct db **ret, struct err *err) MUST_CHECK;
enum status store_peek_journal(const char *dir, struct db **ret, struct err *err) MUST_CHECK;  // the same of journal.db
void store_peek_end(struct db *db);

// The manifest's hashes, integrity, foreign keys, a schema this program knows. Nothing is changed.
enum status store_backup_verify(const char *from, struct err *err) MUST_CHECK;

// Verifies `from` and puts it in the place of dir, whose files are kept as dir.before-restore (ERR_EXISTS when that is there).
// ERR_EXISTS too when a server runs on dir.
enum status store_restore(const char *from, const char *dir, struct err *err) MUST_CHECK;

// One line per thing looked at; ok false: something is wrong with it.
typedef void (*store_finding)(void *arg, bool ok, const char *what);
// Looks at every file of a data directory or backup: integrity, foreign keys, schema. A server may be running.
// OK: all is well; ERR_INVALID: something was found.
enum status store_examine(const char *dir, store_finding fn, void *arg, struct err *err) MUST_CHECK;
