// store/store.h – a data directory: its database files, one writer thread per file with group commit, readers for the loop.
//
// A write is a function run on the file's writer thread inside the batch's transaction, in a savepoint of its own: when it does
// not return OK, what it did is undone and the others of its batch are not disturbed. Its completion is told after COMMIT (with
// synchronous=FULL: after the fsync), on the loop. Nothing is acknowledged earlier.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct loop;
struct store;

enum store_file { STORE_CONTROL, STORE_JOURNAL, STORE_MARKET, STORE_FILES };

struct store_options {
  struct loop *loop;  // where completions are called; NULL: only store_write_sync may be used
};

// Creates dir (0700) and files, takes the lock (ERR_EXISTS: another process has it, and its pid), migrates each file.
// ERR_INVALID: a file is newer than this program.
enum status store_open(const char *dir, const struct store_options *options, struct store **ret, struct err *err) MUST_CHECK;
// Commits what waits; completions not yet called are called by the loop's end (loop_destroy).
void store_close(struct store *store);

typedef enum status (*store_fn)(struct db *db, void *arg, struct err *err);
typedef void (*store_done)(void *arg, enum status st, const struct err *err);

// Any thread. done may be NULL; it is called on the loop, with fn's status or ERR_IO when the commit failed.
void store_write(struct store *store, enum store_file file, store_fn fn, store_done done, void *arg);
// Waits for the commit. Any thread but the writer's.
enum status store_write_sync(struct store *store, enum store_file file, store_fn fn, void *arg, struct err *err) MUST_CHECK;
// The loop thread's own read-only connection. It sees all that was acknowledged.
struct db *store_reader(struct store *store, enum store_file file);
const char *store_dir(const struct store *store);

struct store_stats {
  uint64_t writes, commits, failures;
  unsigned waiting;
};
struct store_stats store_stats(struct store *store, enum store_file file);
