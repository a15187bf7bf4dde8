// store/store.c – see store.h.
#include "store/store.h"

#include "loop/clock.h"
#include "loop/loop.h"
#include "store/db.h"
#include "store/id.h"
#include "store/migrate.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define BATCH_MAX 1000
#define LOOK_NS 1000000000  // how often a writer looks whether its file is there and takes writes
#define QUEUE_MAX 10000
#define SPARE_JOBS 64  // for when the heap is empty
#define LOCK_TRIES 100  // two seconds, while who holds the lock is no longer there
#define LOCK_RETRY_NS 20000000

struct job {
  struct loop_task task;  // first: posted to the loop when done
  struct job *next;
  store_fn fn;
  store_done done;
  void *arg;
  struct err err;
  enum status status;
  bool sync, finished;
  struct spares *spare_of;  // NULL: from the heap
};

// Jobs for when the heap is empty. Completions may be told after the store is closed, so the last job back frees the block.
struct spares {
  pthread_mutex_t lock;
  struct job *free;
  unsigned users;  // the store and every job that is out
  struct job jobs[SPARE_JOBS];
};

struct writer {
  struct store *store;
  struct db *db, *reader;
  pthread_t thread;
  bool initialised, running, stopping;
  pthread_mutex_t lock;
  pthread_cond_t work, finished;
  struct job *first, **last;
  struct err why_readonly;
  struct store_stats stats;
  struct store_watch watch;
  int64_t next_look_ns;
  dev_t device;  // with inode: the file that was opened
  ino_t inode;
};

struct store {
  char dir[4096];
  int lock_fd;
  struct loop *loop;
  struct spares *spares;
  unsigned queue_max, checkpoint_pages;
  bool by_hand;
  struct writer writers[STORE_FILES];
};

static const struct { const char *name; bool durable; } files[STORE_FILES] = {
    [STORE_CONTROL] = {"control", true}, [STORE_JOURNAL] = {"journal", true}, [STORE_MARKET] = {"market", false}};

const double store_commit_bounds_s[STORE_COMMIT_BOUNDS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5};

static struct spares *spares_create(void) {
  struct spares *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  pthread_mutex_init(&s->lock, NULL);
  s->users = 1;
  for (int i = 0; i < SPARE_JOBS; i++) {
    s->jobs[i].next = s->free;
    s->free = &s->jobs[i];
  }
  return s;
}
// job: what comes back; NULL: the store itself.
static void spares_give(struct spares *s, struct job *job) {
  pthread_mutex_lock(&s->lock);
  if (job) {
    job->next = s->free;
    s->free = job;
  }
  const bool last = --s->users == 0;
  pthread_mutex_unlock(&s->lock);
  if (!last) return;
  pthread_mutex_destroy(&s->lock);
  free(s);
}
static struct job *job_take(struct spares *s) {
  struct job *job = calloc(1, sizeof *job);
  if (job) return job;
  pthread_mutex_lock(&s->lock);
  job = s->free;
  if (job) {
    s->free = job->next;
    s->users++;
    *job = (struct job){.spare_of = s};
  }
  pthread_mutex_unlock(&s->lock);
  return job;
}
static void job_give(struct job *job) {
  if (job->spare_of) spares_give(job->spare_of, job);
  else free(job);
}

static void tell(struct loop_task *task) {
  struct job *job = (struct job *)task;
  job->done(job->arg, job->status, &job->err);
  job_give(job);
}

static const char *path_of(const struct writer *w, const char *tail, char ret[4200]) {
  snprintf(ret, 4200, "%s/%s.db%s", w->store->dir, files[w - w->store->writers].name, tail);
  return ret;
}

static enum status in_place(const struct writer *w, struct err *err) {
  char path[4200];
  struct stat now;
  if (stat(path_of(w, "", path), &now) == 0 && now.st_ino == w->inode && now.st_dev == w->device) return OK;
  return err_set(err, ERR_IO, "%s was removed or replaced while in use", path);
}

static void give_up(struct writer *w, const struct err *why) {
  if (w->why_readonly.code != OK) return;
  w->why_readonly = *why;
  err_wrap(&w->why_readonly, ERR_IO, "nothing is written to %s.db until the next start", files[w - w->store->writers].name);
}

static enum status still_in_place(struct writer *w, struct err *err) {
  const enum status st = in_place(w, err);
  if (st != OK) give_up(w, err);
  return st;
}

// Whether the file takes writes, by one that changes nothing.
static bool takes_writes(struct writer *w) {
  struct err err;
  char pragma[96];
  int64_t version = 0;
  struct db_rows rows;
  if (db_script(w->db, "BEGIN IMMEDIATE", &err) != OK) return false;
  enum status st = db_query(w->db, &rows, &err, "PRAGMA user_version", "");
  if (st == OK && db_next(&rows)) version = db_int(&rows, 0);
  st = db_end(&rows, st, &err);
  snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", (int)version);
  if (st == OK) st = db_script(w->db, pragma, &err);
  if (st == OK) st = db_script(w->db, "COMMIT", &err);
  if (st != OK) (void)!db_script(w->db, "ROLLBACK", &(struct err){0});
  if (db_broken(w->db)) give_up(w, &err);
  return st == OK;
}

// Returns whether the file refuses.
static bool look(struct writer *w, bool refusing) {
  char path[4200];
  struct err err;
  if (w->why_readonly.code != OK) return true;
  if (still_in_place(w, &err) != OK) return true;
  if (access(path_of(w, "", path), W_OK) != 0) return true;  // a file system that turned read-only
  return refusing && !takes_writes(w);
}

// Runs one batch in one transaction.
static void run_batch(struct writer *w, struct job *batch) {
  struct err err = {0};
  enum status st = ERR_IO;
  if (w->why_readonly.code != OK) err = w->why_readonly;
  else st = db_script(w->db, "BEGIN IMMEDIATE", &err);
  db_guard(w->db, st == OK);
  for (struct job *j = batch; j; j = j->next) {
    j->status = st != OK ? st : db_script(w->db, "SAVEPOINT w", &j->err);
    if (st != OK) j->err = err;
    if (j->status != OK) continue;
    j->status = j->fn(w->db, j->arg, &j->err);
    struct err why = j->err;
    if ((j->status != OK && db_script(w->db, "ROLLBACK TO w", &why) != OK) || db_script(w->db, "RELEASE w", &why) != OK) {
      const bool cause = j->status == ERR_IO || j->status == ERR_NOMEM;  // of the job tells more than what followed from it
      err = cause ? j->err : why;
      st = cause ? j->status : ERR_IO;
    }
  }
  db_guard(w->db, false);
  // Before, so that what is refused is not there later; after, because the file may go in between.
  if (st == OK) st = still_in_place(w, &err);
  if (st == OK) st = db_script(w->db, "COMMIT", &err);
  if (st == OK) st = still_in_place(w, &err);
  if (st != OK) {
    struct err ignored;
    (void)!db_script(w->db, "ROLLBACK", &ignored);
    for (struct job *j = batch; j; j = j->next)
      if (j->status == OK) j->status = st, j->err = err;
  }
  if (db_broken(w->db)) give_up(w, st != OK ? &err : &batch->err);
}

static void count(struct writer *w, const struct job *batch, unsigned n, double took_s) {
  int b = 0;
  bool refused = false;
  for (const struct job *j = batch; j; j = j->next) {
    w->stats.failures += j->status != OK;
    refused |= j->status == ERR_IO;
  }
  w->stats.writes += n;
  w->stats.commits++;
  w->stats.readonly = w->why_readonly.code != OK;
  w->stats.refusing |= refused || w->stats.readonly;
  w->watch.refused += refused;
  while (b < STORE_COMMIT_BOUNDS && took_s > store_commit_bounds_s[b]) b++;
  w->watch.buckets[b]++;
  w->watch.commits_s += took_s;
}

// With the lock held: once a second, busy or not, looks after the file.
static void look_when_due(struct writer *w) {
  const int64_t now_ns = clock_monotonic_ns();
  if (now_ns < w->next_look_ns || w->stopping) return;
  w->next_look_ns = now_ns + LOOK_NS;
  const bool refusing = w->stats.refusing;
  pthread_mutex_unlock(&w->lock);
  const bool refuses = look(w, refusing);
  pthread_mutex_lock(&w->lock);
  w->stats.refusing = refuses;
  w->stats.readonly = w->why_readonly.code != OK;
}

// With the lock held: sleeps until there is work.
static void wait_for_work(struct writer *w) {
  for (;;) {
    look_when_due(w);
    if (w->first || w->stopping) return;
    const struct timespec until = {.tv_sec = (time_t)(w->next_look_ns / 1000000000), .tv_nsec = (long)(w->next_look_ns % 1000000000)};
    pthread_cond_timedwait(&w->work, &w->lock, &until);
  }
}

// With the lock held, which it lets go of meanwhile: one batch of what waits.
static void write_batch(struct writer *w) {
  struct job *batch = w->first, *last = batch;
  unsigned n = 1;
  for (; last->next && n < BATCH_MAX; n++) last = last->next;
  w->first = last->next;
  if (!w->first) w->last = &w->first;
  last->next = NULL;
  w->stats.waiting -= n;
  pthread_mutex_unlock(&w->lock);
  const int64_t began_ns = clock_monotonic_ns();
  run_batch(w, batch);
  const double took_s = (double)(clock_monotonic_ns() - began_ns) * 1e-9;
  pthread_mutex_lock(&w->lock);
  count(w, batch, n, took_s);
  for (struct job *j = batch, *next; j; j = next) {
    next = j->next;
    j->finished = true;
    if (j->sync) continue;
    if (j->done) loop_post_task(w->store->loop, &j->task);
    else job_give(j);
  }
  pthread_cond_broadcast(&w->finished);
}

static void *writer_main(void *arg) {
  struct writer *w = arg;
  pthread_mutex_lock(&w->lock);
  for (;;) {
    wait_for_work(w);
    if (!w->first) break;
    write_batch(w);
  }
  pthread_mutex_unlock(&w->lock);
  return NULL;
}

bool store_turn(struct store *store, enum store_file file) {
  struct writer *w = &store->writers[file];
  assert(store->by_hand);
  pthread_mutex_lock(&w->lock);
  look_when_due(w);
  const bool any = w->first != NULL;
  if (any) write_batch(w);
  pthread_mutex_unlock(&w->lock);
  return any;
}

// With the lock held: until the writer has done something.
static void wait_for_writer(struct writer *w) {
  if (!w->store->by_hand) pthread_cond_wait(&w->finished, &w->lock);
  else if (w->first) write_batch(w);
}

static void enqueue(struct writer *w, struct job *job) {
  *w->last = job;
  w->last = &job->next;
  w->stats.waiting++;
  pthread_cond_signal(&w->work);
}

void store_write(struct store *store, enum store_file file, store_fn fn, store_done done, void *arg) {
  struct writer *w = &store->writers[file];
  assert(!done || store->loop);
  pthread_mutex_lock(&w->lock);
  struct job *job = job_take(store->spares);
  const bool full = w->stats.waiting >= store->queue_max;
  if (job) {
    job->task.fn = tell;
    job->fn = fn, job->done = done, job->arg = arg;
    if (!full) enqueue(w, job);
  }
  w->stats.failures += full || !job;
  pthread_mutex_unlock(&w->lock);
  struct err err;
  if (!job) {
    err_set(&err, ERR_NOMEM, "out of memory");
    if (done) done(arg, ERR_NOMEM, &err);
  } else if (full) {
    job->status = err_set(&job->err, ERR_LIMIT, "%u writes are waiting for the disk already", store->queue_max);
    if (done) loop_post_task(store->loop, &job->task);
    else job_give(job);
  }
}

enum status store_write_sync(struct store *store, enum store_file file, store_fn fn, void *arg, struct err *err) {
  struct writer *w = &store->writers[file];
  struct job job = {.fn = fn, .arg = arg, .sync = true};
  pthread_mutex_lock(&w->lock);
  while (w->stats.waiting >= store->queue_max) wait_for_writer(w);
  enqueue(w, &job);
  while (!job.finished) wait_for_writer(w);
  pthread_mutex_unlock(&w->lock);
  if (job.status != OK && err) *err = job.err;
  return job.status;
}

struct db *store_reader(struct store *store, enum store_file file) { return store->writers[file].reader; }
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
  ret.file_bytes = size_of(path_of(w, "", path));
  ret.log_bytes = size_of(path_of(w, "-wal", path));
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
  pthread_condattr_t by_monotonic_clock;
  w->store = s;
  path_of(w, "", path);
  w->last = &w->first;
  w->initialised = true;
  pthread_mutex_init(&w->lock, NULL);
  pthread_condattr_init(&by_monotonic_clock);
  pthread_condattr_setclock(&by_monotonic_clock, CLOCK_MONOTONIC);
  pthread_cond_init(&w->work, &by_monotonic_clock);
  pthread_condattr_destroy(&by_monotonic_clock);
  pthread_cond_init(&w->finished, NULL);
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
  snprintf(pages, sizeof pages, "PRAGMA wal_autocheckpoint=%u", s->checkpoint_pages);
  if (st == OK) st = db_script(w->db, pages, err);
  if (st == OK) st = migrate(w->db, files[f].name, path, err);
  if (st == OK && f == STORE_CONTROL) st = recall_ids(w->db, err);
  if (st == OK) st = db_open(path, true, files[f].durable, &w->reader, err);
  if (st == OK && !s->by_hand && pthread_create(&w->thread, NULL, writer_main, w) != 0) st = err_set(err, ERR_NOMEM, "no thread for the writer");
  w->running = st == OK && !s->by_hand;
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
  s->checkpoint_pages = options && options->checkpoint_pages ? options->checkpoint_pages : 2000;
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
  if (st != OK) {
    store_close(s);
    return st;
  }
  *ret = s;
  return OK;
}

void store_close(struct store *s) {
  if (!s) return;
  for (int f = 0; f < STORE_FILES; f++) {
    struct writer *w = &s->writers[f];
    if (w->running) {
      pthread_mutex_lock(&w->lock);
      w->stopping = true;
      pthread_cond_signal(&w->work);
      pthread_mutex_unlock(&w->lock);
      pthread_join(w->thread, NULL);
    }
    while (s->by_hand && w->db && store_turn(s, f)) continue;
    db_close(w->reader);
    db_close(w->db);
    if (!w->initialised) continue;
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->work);
    pthread_cond_destroy(&w->finished);
  }
  if (s->lock_fd >= 0) close(s->lock_fd);
  if (s->spares) spares_give(s->spares, NULL);
  free(s);
}
