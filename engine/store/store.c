#include "store/store.h"

#include "loop/loop.h"
#include "store/db.h"
#include "store/migrate.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH_MAX 1000

struct job {
  struct loop_task task;  // first: posted to the loop when done
  struct job *next;
  store_fn fn;
  store_done done;
  void *arg;
  struct err err;
  enum status status;
  bool sync, finished;
};

struct writer {
  struct store *store;
  struct db *db, *reader;
  pthread_t thread;
  bool running, stopping;
  pthread_mutex_t lock;
  pthread_cond_t work, finished;
  struct job *first, **last;
  struct store_stats stats;
};

struct store {
  char dir[4096];
  int lock_fd;
  struct loop *loop;
  struct writer writers[STORE_FILES];
};

static const struct { const char *name; bool durable; } files[STORE_FILES] = {
    [STORE_CONTROL] = {"control", true}, [STORE_JOURNAL] = {"journal", true}, [STORE_MARKET] = {"market", false}};

static void tell(struct loop_task *task) {
  struct job *job = (struct job *)task;
  if (job->done) job->done(job->arg, job->status, &job->err);
  free(job);
}

// Runs one batch in one transaction.
static void run_batch(struct writer *w, struct job *batch) {
  struct err err = {0};
  enum status st = db_script(w->db, "BEGIN IMMEDIATE", &err);
  for (struct job *j = batch; j; j = j->next) {
    j->status = st != OK ? st : db_script(w->db, "SAVEPOINT w", &j->err);
    if (st != OK) j->err = err;
    if (j->status != OK) continue;
    j->status = j->fn(w->db, j->arg, &j->err);
    struct err ignored;
    if (j->status != OK && db_script(w->db, "ROLLBACK TO w", &ignored) != OK) st = ERR_IO, err = ignored;
    if (db_script(w->db, "RELEASE w", &ignored) != OK) st = ERR_IO, err = ignored;
  }
  if (st == OK) st = db_script(w->db, "COMMIT", &err);
  if (st != OK) {
    struct err ignored;
    (void)!db_script(w->db, "ROLLBACK", &ignored);
    for (struct job *j = batch; j; j = j->next)
      if (j->status == OK) j->status = st, j->err = err;
  }
}

static void *writer_main(void *arg) {
  struct writer *w = arg;
  pthread_mutex_lock(&w->lock);
  for (;;) {
    while (!w->first && !w->stopping) pthread_cond_wait(&w->work, &w->lock);
    if (!w->first) break;
    struct job *batch = w->first, *last = batch;
    unsigned n = 1;
    for (; last->next && n < BATCH_MAX; n++) last = last->next;
    w->first = last->next;
    if (!w->first) w->last = &w->first;
    last->next = NULL;
    w->stats.waiting -= n;
    pthread_mutex_unlock(&w->lock);
    run_batch(w, batch);
    pthread_mutex_lock(&w->lock);
    w->stats.commits++;
    w->stats.writes += n;
    for (struct job *j = batch, *next; j; j = next) {
      next = j->next;
      w->stats.failures += j->status != OK;
      j->finished = true;
      if (j->sync) continue;
      if (j->done) loop_post_task(w->store->loop, &j->task);
      else free(j);
    }
    pthread_cond_broadcast(&w->finished);
  }
  pthread_mutex_unlock(&w->lock);
  return NULL;
}

static void enqueue(struct writer *w, struct job *job) {
  *w->last = job;
  w->last = &job->next;
  w->stats.waiting++;
  pthread_cond_signal(&w->work);
}

void store_write(struct store *store, enum store_file file, store_fn fn, store_done done, void *arg) {
  struct writer *w = &store->writers[file];
  struct job *job = calloc(1, sizeof *job);
  assert(job);
  job->task.fn = tell;
  job->fn = fn, job->done = done, job->arg = arg;
  pthread_mutex_lock(&w->lock);
  enqueue(w, job);
  pthread_mutex_unlock(&w->lock);
}

enum status store_write_sync(struct store *store, enum store_file file, store_fn fn, void *arg, struct err *err) {
  struct writer *w = &store->writers[file];
  struct job job = {.fn = fn, .arg = arg, .sync = true};
  pthread_mutex_lock(&w->lock);
  enqueue(w, &job);
  while (!job.finished) pthread_cond_wait(&w->finished, &w->lock);
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

static enum status take_lock(struct store *s, struct err *err) {
  char path[4200];
  snprintf(path, sizeof path, "%s/lock", s->dir);
  s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (s->lock_fd < 0) return err_errno(err, errno, "%s", path);
  if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
    char pid[32] = "";
    ssize_t n = read(s->lock_fd, pid, sizeof pid - 1);
    pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
    return err_set(err, ERR_EXISTS, "%s is in use by another perigee (process %s)", s->dir, pid[0] ? pid : "unknown");
  }
  char pid[32];
  const int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
  if (ftruncate(s->lock_fd, 0) != 0 || write(s->lock_fd, pid, (size_t)n) != n) return err_errno(err, errno, "%s", path);
  return OK;
}

static enum status open_file(struct store *s, int f, struct err *err) {
  struct writer *w = &s->writers[f];
  char path[4200];
  snprintf(path, sizeof path, "%s/%s.db", s->dir, files[f].name);
  w->store = s;
  w->last = &w->first;
  pthread_mutex_init(&w->lock, NULL);
  pthread_cond_init(&w->work, NULL);
  pthread_cond_init(&w->finished, NULL);
  enum status st = db_open(path, false, files[f].durable, &w->db, err);
  if (st == OK) st = migrate(w->db, files[f].name, path, err);
  if (st == OK) st = db_open(path, true, files[f].durable, &w->reader, err);
  if (st == OK && pthread_create(&w->thread, NULL, writer_main, w) != 0) st = err_set(err, ERR_NOMEM, "no thread for the writer");
  w->running = st == OK;
  return st;
}

enum status store_open(const char *dir, const struct store_options *options, struct store **ret, struct err *err) {
  struct store *s = calloc(1, sizeof *s);
  if (!s) return err_set(err, ERR_NOMEM, "out of memory");
  s->lock_fd = -1;
  s->loop = options ? options->loop : NULL;
  snprintf(s->dir, sizeof s->dir, "%s", dir);
  enum status st = mkdir(dir, 0700) == 0 || errno == EEXIST ? OK : err_errno(err, errno, "%s", dir);
  if (st == OK) st = take_lock(s, err);
  for (int f = 0; st == OK && f < STORE_FILES; f++) st = open_file(s, f, err);
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
    db_close(w->reader);
    db_close(w->db);
  }
  if (s->lock_fd >= 0) close(s->lock_fd);
  free(s);
}
