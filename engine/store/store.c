// store/store.c – see store.h: the directory, its files, and what is told of them. Writing: writer.c.
#include "store/store_impl.h"

#include "store/checkpoint.h"
#include "store/db.h"
#include "store/id.h"
#include "store/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_MAX 10000
#define LOCK_TRIES 100  // two seconds, while who holds the lock is no longer there
#define LOCK_RETRY_NS 20000000

// pages: of the log, before it is moved into the file. Where much is written a longer one is worth its room: while the last of it is moved nobody's
// commit goes on, and a page that was written ten times is moved once. People and senders wait for the control file's commits, which are a few pages each:
// a short one is moved in milliseconds, whose sync delays theirs less, and is soon written over in place, which syncs in half the time.
static const struct { const char *name; bool durable; unsigned pages; } files[STORE_FILES] = {
    [STORE_CONTROL] = {"control", true, 1000}, [STORE_JOURNAL] = {"journal", true, 8000}, [STORE_MARKET] = {"market", false, 2000}};

struct db *store_reader(struct store *store, enum store_file file) { return store->writers[file].reader; }
enum status store_reader_open(const struct store *store, enum store_file file, struct db **ret, struct err *err) {
  char path[4200];
  snprintf(path, sizeof path, "%s/%s.db", store->dir, files[file].name);
  return db_open(path, true, files[file].durable, ret, err);
}
void store_reader_close(struct db *db) { db_close(db); }
const char *store_dir(const struct store *store) { return store->dir; }
struct store_stats store_stats(struct store *store, enum store_file file) {
  struct writer *w = &store->writers[file];
  pthread_mutex_lock(&w->lock);
  struct store_stats s = w->stats;
  pthread_mutex_unlock(&w->lock);
  return s;
}

const char *store_file_name(enum store_file file) { return files[file].name; }

bool store_writable(struct store *store) {
  for (int f = 0; f < STORE_FILES; f++)
    if (store_stats(store, f).refusing) return false;
  return true;
}

static int64_t size_of(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
}

struct store_watch store_watch(struct store *store, enum store_file file) {
  struct writer *w = &store->writers[file];
  char path[4200];
  pthread_mutex_lock(&w->lock);
  struct store_watch ret = w->watch;
  pthread_mutex_unlock(&w->lock);
  ret.file_bytes = size_of(writer_path(w, "", path));
  ret.log_bytes = size_of(writer_path(w, "-wal", path));
  return ret;
}

int64_t store_free_bytes(const struct store *store) {
  struct statvfs info;
  return statvfs(store->dir, &info) == 0 ? (int64_t)info.f_bavail * (int64_t)info.f_frsize : -1;
}

enum status store_lock(const char *dir, int *ret_fd, struct err *err) {
  char path[4200];
  snprintf(path, sizeof path, "%s/lock", dir);
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return err_errno(err, errno, "%s", path);
  char pid[32] = "";
  for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; tries++) {
    const ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
    // A child that was being started when its parent died has the parent's lock until its exec: a moment later nobody has it.
    if (tries < LOCK_TRIES && atoi(pid) > 0 && kill(atoi(pid), 0) != 0 && errno == ESRCH) {
      nanosleep(&(struct timespec){.tv_nsec = LOCK_RETRY_NS}, NULL);
      continue;
    }
    close(fd);
    return err_set(err, ERR_EXISTS, "%s is in use by another perigee (process %s)", dir, pid[0] ? pid : "unknown");
  }
  const int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
  if (ftruncate(fd, 0) != 0 || write(fd, pid, (size_t)n) != n) {
    const int why = errno;
    close(fd);
    return err_errno(err, why, "%s", path);
  }
  *ret_fd = fd;
  return OK;
}

static enum status refuse_unfinished(const char *dir, struct err *err) {
  char path[4200];
  snprintf(path, sizeof path, "%s/" STORE_RESTORING, dir);
  return access(path, F_OK) != 0 ? OK : err_set(err, ERR_INVALID, "%s: a restore was cut off; run it again", dir);
}

// With a clock that is behind what is stored, new ids would come before old ones, or be theirs.
static enum status recall_ids(struct db *db, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err,
    "SELECT max(coalesce((SELECT max(id) FROM users), 0), coalesce((SELECT max(id) FROM tenants), 0), coalesce((SELECT max(id) FROM sessions), 0),"
    " coalesce((SELECT max(id) FROM invitations), 0), coalesce((SELECT max(id) FROM api_keys), 0), coalesce((SELECT max(id) FROM audit), 0),"
    " coalesce((SELECT max(id) FROM audit_signatures), 0), coalesce((SELECT max(id) FROM accounts), 0), coalesce((SELECT max(id) FROM outbox), 0),"
    " coalesce((SELECT max(id) FROM script), 0), coalesce((SELECT max(id) FROM script_version), 0),"
    " coalesce((SELECT max(id) FROM subscription_event), 0), coalesce((SELECT max(id) FROM backtests), 0))", "");
  if (st == OK && db_next(&rows)) id_seen(db_int(&rows, 0));
  return db_end(&rows, st, err);
}

static enum status open_file(struct store *s, int f, struct err *err) {
  struct writer *w = &s->writers[f];
  char path[4200];
  struct stat info;
  writer_init(w, s);
  writer_path(w, "", path);
  w->durable = files[f].durable;
  w->checkpoint_pages = s->checkpoint_pages ? s->checkpoint_pages : files[f].pages;
  // Only its owner reads the file; SQLite gives the log beside it the same rights.
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return err_errno(err, errno, "%s", path);
  const bool known = fstat(fd, &info) == 0;
  const int why = errno;
  close(fd);
  if (!known) return err_errno(err, why, "%s", path);
  w->device = info.st_dev;
  w->inode = info.st_ino;
  enum status st = db_open(path, false, files[f].durable, &w->db, err);
  char pages[64];
  snprintf(pages, sizeof pages, "PRAGMA wal_autocheckpoint=%u", w->checkpoint_pages);
  if (st == OK) st = db_script(w->db, pages, err);
  if (st == OK) st = migrate(w->db, files[f].name, path, err);
  if (st == OK && f == STORE_CONTROL) st = recall_ids(w->db, err);
  if (st == OK) st = db_open(path, true, files[f].durable, &w->reader, err);
  if (st == OK && !s->by_hand) db_keep_log(w->db);
  return st;
}

// The logs are moved beside the writers; by hand SQLite does it with a commit.
static enum status start(struct store *s, struct err *err) {
  char paths[STORE_FILES][4200];
  const char *names[STORE_FILES];
  bool durable[STORE_FILES];
  for (int f = 0; f < STORE_FILES; f++) {
    names[f] = writer_path(&s->writers[f], "", paths[f]);
    durable[f] = files[f].durable;
  }
  enum status st = checkpointer_create(names, durable, &s->checkpointer, err);
  for (int f = 0; st == OK && f < STORE_FILES; f++) st = writer_start(&s->writers[f], err);
  return st;
}

// A new file's name is as durable as its directory, and a new directory's as its parent.
static enum status sync_dir(const char *dir, struct err *err) {
  char path[4200];
  for (int up = 0; up < 2; up++) {
    snprintf(path, sizeof path, "%s%s", dir, up ? "/.." : "");
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && up && errno == EACCES) return OK;  // not ours to sync
    const bool synced = fd >= 0 && fsync(fd) == 0;
    const int why = errno;
    if (fd >= 0) close(fd);
    if (!synced) return err_errno(err, why, "%s", path);
  }
  return OK;
}

enum status store_open(const char *dir, const struct store_options *options, struct store **ret, struct err *err) {
  struct store *s = calloc(1, sizeof *s);
  if (!s) return err_set(err, ERR_NOMEM, "out of memory");
  s->lock_fd = -1;
  s->loop = options ? options->loop : NULL;
  s->by_hand = options && options->by_hand;
  s->queue_max = options && options->queue_max ? options->queue_max : QUEUE_MAX;
  s->checkpoint_pages = options ? options->checkpoint_pages : 0;
  if ((size_t)snprintf(s->dir, sizeof s->dir, "%s", dir) >= sizeof s->dir) {
    free(s);
    return err_set(err, ERR_INVALID, "the data directory's name is too long");
  }
  enum status st = mkdir(dir, 0700) == 0 || errno == EEXIST ? OK : err_errno(err, errno, "%s", dir);
  if (st == OK && !(s->spares = spares_create())) st = err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) st = store_lock(dir, &s->lock_fd, err);
  if (st == OK) st = refuse_unfinished(dir, err);
  for (int f = 0; st == OK && f < STORE_FILES; f++) st = open_file(s, f, err);
  if (st == OK) st = sync_dir(dir, err);
  if (st == OK && !s->by_hand) st = start(s, err);
  if (st != OK) {
    store_close(s);
    return st;
  }
  *ret = s;
  return OK;
}

void store_close(struct store *s) {
  if (!s) return;
  for (int f = 0; f < STORE_FILES; f++) writer_stop(&s->writers[f]);
  checkpointer_destroy(s->checkpointer);
  for (int f = 0; f < STORE_FILES; f++) writer_finish(&s->writers[f]);
  if (s->lock_fd >= 0) close(s->lock_fd);
  if (s->spares) spares_give(s->spares, NULL);
  free(s);
}
