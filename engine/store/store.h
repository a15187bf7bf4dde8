// store/store.h – a data directory: its database files, one writer thread per file with group commit, readers for the loop.
//
// A write is a function run on the file's writer thread inside the batch's transaction, in a savepoint of its own: when it does
// not return OK, what it did is undone and the others of its batch are not disturbed. Its completion is told after COMMIT (with
// synchronous=FULL: after the fsync), on the loop. Nothing is acknowledged earlier.
//
// A batch is what arrived while the one before was being committed: nobody waits for company who did not ask for it. When the disk refuses, every job
// of the batch is told ERR_IO, reads go on, and the next batch tries anew, so that a full disk heals by itself (until a trial
// write succeeded, one a second, store_stats.refusing is set). ERR_IO from a
// failed COMMIT means unknown: after a power cut the batch may be there, whole. After a failed sync or with a damaged file
// nothing is written to that file until the next start (store_stats.readonly): what the system still holds is unknown then. The
// same when the file is no longer at its place: what is written to a removed file is lost when the process ends.
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
  struct loop *loop;          // where completions are called; NULL: store_write only without one
  unsigned queue_max;         // writes waiting per file; 0: 10,000
  unsigned checkpoint_pages;  // the log is moved into the file when it has so many; 0: the journal's 8,000, the market's 2,000, else 1,000
  bool by_hand;               // no threads: what waits is written by store_turn(), and by who waits for it
};

// Creates dir (0700) and files, takes the lock (ERR_EXISTS: another process has it, and its pid; waits up to two seconds for the
// lock of one that is dead), migrates each file.
// ERR_INVALID: a file is newer than this program.
enum status store_open(const char *dir, const struct store_options *options, struct store **ret, struct err *err) MUST_CHECK;
// Commits what waits; completions not yet called are called by the loop's end (loop_destroy).
void store_close(struct store *store);

typedef enum status (*store_fn)(struct db *db, void *arg, struct err *err);
typedef void (*store_done)(void *arg, enum status st, const struct err *err);

// Any thread. done may be NULL; it is called on the loop, with fn's status, ERR_IO when the commit failed, or ERR_LIMIT when the
// queue is full and fn was not called. Only when memory has been out for many writes running it is called at once, with
// ERR_NOMEM, by the caller's thread.
void store_write(struct store *store, enum store_file file, store_fn fn, store_done done, void *arg);
// As store_write, for what can be made again from what was written before: it comes after all others (but waits for them no longer than some
// 20 ms), alone, and its commit is not synced: a power cut may take it, but what is handed in after its completion was told is never there without it.
void store_write_later(struct store *store, enum store_file file, store_fn fn, store_done done, void *arg);
// As store_write, for what nobody waits for and others will follow upon: it is written at once and committed with the next store_write of the file, or
// alone when none has come for some 10 ms. So who follows waits for one sync and not for two.
void store_write_along(struct store *store, enum store_file file, store_fn fn, store_done done, void *arg);
// What waits as later comes before all that is handed in from now on.
void store_promote(struct store *store, enum store_file file);
// Turns the loop until all that was handed in before is written, or has failed, and its done was called: answers come in order.
void store_settle(struct store *store, struct loop *loop);
// Waits for the commit, before that for room in the queue. Any thread but the writer's.
enum status store_write_sync(struct store *store, enum store_file file, store_fn fn, void *arg, struct err *err) MUST_CHECK;
// Of a store by hand: writes the next batch, if anything waits, on the caller's thread. For who decides when the disk is done (a
// simulation). False: nothing waited. store_close writes what is left.
bool store_turn(struct store *store, enum store_file file);
// The loop thread's own read-only connection. It sees all that was acknowledged.
struct db *store_reader(struct store *store, enum store_file file);
// A read-only connection of one's own, for long reads in the pool: store_reader_close it there.
enum status store_reader_open(const struct store *store, enum store_file file, struct db **ret, struct err *err) MUST_CHECK;
void store_reader_close(struct db *db);
// The lock of a data directory without opening it, for who replaces its files: close *ret_fd to let go. As store_open, but the
// directory must be there.
enum status store_lock(const char *dir, int *ret_fd, struct err *err) MUST_CHECK;
#define STORE_RESTORING "restore-unfinished"  // while this file is there, store_open refuses (ERR_INVALID)
const char *store_dir(const struct store *store);

struct store_stats {
  uint64_t writes, commits, failures;
  unsigned waiting;
  bool refusing;  // the disk refused a write, and no trial write has succeeded since
  bool readonly;  // nothing is written any more until the next start; then refusing too
};
struct store_stats store_stats(struct store *store, enum store_file file);
// Whether each file takes writes as far as is known.
bool store_writable(struct store *store);
const char *store_file_name(enum store_file file);  // "control"

// For whoever watches. Times of batches from BEGIN to the end of COMMIT: buckets[i] counts those of at most
// store_commit_bounds_s[i], not cumulated, the last all longer ones.
#define STORE_COMMIT_BOUNDS 10
extern const double store_commit_bounds_s[STORE_COMMIT_BOUNDS];
struct store_watch {
  uint64_t refused;  // batches of which the disk refused something
  uint64_t buckets[STORE_COMMIT_BOUNDS + 1];
  double commits_s;
  int64_t file_bytes, log_bytes;  // on disk; 0 when they cannot be looked at
};
struct store_watch store_watch(struct store *store, enum store_file file);
// What the data directory's file system has left for this user; -1: unknown.
int64_t store_free_bytes(const struct store *store);
