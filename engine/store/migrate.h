// store/migrate.h – brings a database file to the schema of this program: schema/FILE/NNNN_name.sql, embedded, forward only.
#pragma once
#include "base/status.h"

struct db;

struct migration {
  const char *file;  // "control"
  int number;
  const char *name;  // "0001_meta.sql"
  const char *sql;
};
extern const struct migration store_migrations[];  // by file and number; ends with file NULL

// Applies what is missing, each in a transaction of its own, and records the number in PRAGMA user_version. A file that has
// something gets a snapshot beside it first (path.before-NNNN, NNNN the version it had); once all is well, all but the newest two
// of these are removed. ERR_INVALID: the file is newer than this program.
enum status migrate(struct db *db, const char *file, const char *path, struct err *err) MUST_CHECK;
