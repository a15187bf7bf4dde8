// store/writer.c – a thread per file that writes what is handed in, a batch at a time.
#include "store/store_impl.h"

#include "loop/clock.h"
#include "store/checkpoint.h"
#include "store/db.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH_MAX 1000
#define LOG_FRAME 4120      // of a page in a log
#define ROOM_COMMITS 16     // before the log gets room ahead
#define LOOK_NS 1000000000  // how often a writer looks whether its file is there and takes writes
#define LATER_NS 20000000   // what may wait does not wait longer than this
#define COMPANY_NS 10000000 // who waits for company does not wait longer than this

const double store_commit_bounds_s[STORE_COMMIT_BOUNDS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5};

struct spares *spares_create(void) {
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
void spares_give(struct spares *s, struct job *job) {
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

static enum store_file file_of(const struct writer *w) { return (enum store_file)(w - w->store->writers); }

const char *writer_path(const struct writer *w, const char *tail, char ret[4200]) {
  snprintf(ret, 4200, "%s/%s.db%s", w->store->dir, store_file_name(file_of(w)), tail);
  return ret;
}

static enum status in_place(const struct writer *w, struct err *err) {
  char path[4200];
  struct stat now;
  if (stat(writer_path(w, "", path), &now) == 0 && now.st_ino == w->inode && now.st_dev == w->device) return OK;
  return err_set(err, ERR_IO, "%s was removed or replaced while in use", path);
}

static void give_up(struct writer *w, const struct err *why) {
  if (w->why_readonly.code != OK) return;
  w->why_readonly = *why;
  err_wrap(&w->why_readonly, ERR_IO, "nothing is written to %s.db until the next start", store_file_name(file_of(w)));
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
  if (access(writer_path(w, "", path), W_OK) != 0) return true;  // a file system that turned read-only
  return refusing && !takes_writes(w);
}

// Whether the next commit is synced. What is not survives a crash of the process, and reaches the disk with the next one that is.
static enum status sync_commits(struct writer *w, bool lax, struct err *err) {
  if (w->lax == lax) return OK;
  const enum status st = db_script(w->db, lax ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL", err);
  if (st == OK) w->lax = lax;
  return st;
}

// One of the few words that every batch is made of, parsed once.
static enum status word(const struct writer *w, const char *sql, struct err *err) { return db_run(w->db, NULL, err, sql, ""); }

// Jobs of one transaction, in their order.
struct batch {
  struct job *first, **end;
  unsigned n;
  bool later;
  bool urgent;         // somebody among them does not wait for company
  enum status st;      // of the transaction; anything but OK: none of them is written
  struct err err;
};

static void begin(struct writer *w, struct batch *b) {
  b->st = ERR_IO;
  if (w->why_readonly.code != OK) b->err = w->why_readonly;
  else b->st = w->durable ? sync_commits(w, b->later, &b->err) : OK;
  if (b->st == OK) b->st = word(w, "BEGIN IMMEDIATE", &b->err);
}

static void run(struct writer *w, struct batch *b, struct job *from) {
  db_guard(w->db, b->st == OK);
  for (struct job *j = from; j; j = j->next) {
    j->status = b->st != OK ? b->st : word(w, "SAVEPOINT w", &j->err);
    if (b->st != OK) j->err = b->err;
    if (j->status != OK) continue;
    j->status = j->fn(w->db, j->arg, &j->err);
    struct err why = j->err;
    if ((j->status != OK && db_script(w->db, "ROLLBACK TO w", &why) != OK) || word(w, "RELEASE w", &why) != OK) {
      const bool cause = j->status == ERR_IO || j->status == ERR_NOMEM;  // of the job tells more than what followed from it
      b->err = cause ? j->err : why;
      b->st = cause ? j->status : ERR_IO;
    }
  }
  db_guard(w->db, false);
}

static void end(struct writer *w, struct batch *b) {
  // Before, so that what is refused is not there later; after, because the file may go in between.
  if (b->st == OK) b->st = still_in_place(w, &b->err);
  if (b->st == OK) b->st = word(w, "COMMIT", &b->err);
  if (b->st == OK) b->st = still_in_place(w, &b->err);
  if (b->st != OK) {
    struct err ignored;
    (void)!db_script(w->db, "ROLLBACK", &ignored);
    for (struct job *j = b->first; j; j = j->next)
      if (j->status == OK) j->status = b->st, j->err = b->err;
  }
  if (db_broken(w->db)) give_up(w, b->st != OK ? &b->err : &b->first->err);
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

// ---- the log: the checkpointer moves most of it, while this thread goes on; then this moves what came meanwhile

static void move_rest(struct writer *w) {
  struct err err;
  int pages, moved;
  const enum status st = db_checkpoint(w->db, &pages, &moved, &err);
  if (st != OK && db_broken(w->db)) give_up(w, &err);
  w->log_floor = st == OK && pages > moved ? pages : 0;
}

// waits: somebody waits for a commit.
static void keep_log_short(struct writer *w, bool waits) {
  struct checkpointer *c = w->store->checkpointer;
  const int pages = db_log_pages(w->db), most = (int)w->checkpoint_pages;
  struct err err;
  if (!c || w->why_readonly.code != OK) return;
  if (pages < w->log_floor) w->log_floor = 0;  // it has begun anew
  if (!w->moving) {
    if (pages < w->log_floor + most) return;
    w->moving = true;
    checkpointer_ask(c, file_of(w));
    return;
  }
  const enum checkpoint_state state = checkpointer_state(c, file_of(w), &err);
  if (state == CHECKPOINT_BUSY || (state == CHECKPOINT_IDLE && waits && pages < w->log_floor + 2 * most)) return;
  w->moving = false;
  if (state == CHECKPOINT_BROKEN) give_up(w, &err);
  else move_rest(w);
}

// With the lock held: once a second, busy or not, looks after the file.
static void look_when_due(struct writer *w) {
  const int64_t now_ns = clock_monotonic_ns();
  if (now_ns < w->next_look_ns || w->stopping) return;
  w->next_look_ns = now_ns + LOOK_NS;
  const bool refusing = w->stats.refusing, busy = w->stats.commits >= ROOM_COMMITS;
  pthread_mutex_unlock(&w->lock);
  const bool refuses = look(w, refusing);
  keep_log_short(w, false);
  // Only the writer's thread makes a log longer, so nobody writes where this does. Orders wait for this file's commits; where there are hardly any,
  // it is not worth its room.
  char path[4200];
  if (file_of(w) == STORE_JOURNAL && !refuses && busy) log_room(writer_path(w, "-wal", path), (int64_t)db_log_pages(w->db) * LOG_FRAME, (int64_t)w->checkpoint_pages * LOG_FRAME);
  pthread_mutex_lock(&w->lock);
  w->stats.refusing = refuses;
  w->stats.readonly = w->why_readonly.code != OK;
}

static void sleep_until(struct writer *w, int64_t until_ns) {
  const struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000), .tv_nsec = (long)(until_ns % 1000000000)};
  pthread_cond_timedwait(&w->work, &w->lock, &until);
}

// With the lock held: sleeps until there is work.
static void wait_for_work(struct writer *w) {
  for (;;) {
    look_when_due(w);
    if (w->now.first || w->later.first || w->stopping) return;
    sleep_until(w, w->next_look_ns);
  }
}

// With the lock held: what waits joins the batch, as much as fits. The first of it, or NULL.
static struct job *take(struct writer *w, struct batch *b) {
  struct job_queue *q = b->later ? &w->later : &w->now;
  struct job *first = q->first, **end = &q->first;
  const unsigned most = b->later ? 1 : BATCH_MAX, before = b->n;
  while (*end && b->n < most) {
    b->urgent |= !(*end)->waits_for_company;
    end = &(*end)->next;
    b->n++;
  }
  if (b->n == before) return NULL;
  q->first = *end;
  if (!q->first) q->last = &q->first;
  *end = NULL;
  *b->end = first;
  b->end = end;
  w->stats.waiting -= b->n - before;
  return first;
}

// With the lock held, which it lets go of meanwhile: who asked for company has been written and not committed; what comes within a moment
// is written behind it. Returns how long it waited.
static int64_t wait_for_company(struct writer *w, struct batch *b) {
  const int64_t until_ns = b->first->since_ns + COMPANY_NS;
  int64_t waited_ns = 0;
  while (!b->urgent && b->n < BATCH_MAX && !w->stopping && !w->store->by_hand) {
    struct job *more = take(w, b);
    if (more) {
      pthread_mutex_unlock(&w->lock);
      run(w, b, more);
      pthread_mutex_lock(&w->lock);
      continue;
    }
    const int64_t now_ns = clock_monotonic_ns();
    if (now_ns >= until_ns) break;
    sleep_until(w, until_ns);
    waited_ns += clock_monotonic_ns() - now_ns;
  }
  return waited_ns;
}

// With the lock held, which it lets go of meanwhile: one batch of what waits.
static void write_batch(struct writer *w) {
  struct batch b = {.later = !w->now.first || (w->later.first && !w->store->by_hand && clock_monotonic_ns() - w->later.first->since_ns > LATER_NS)};
  b.end = &b.first;
  take(w, &b);
  pthread_mutex_unlock(&w->lock);
  const int64_t began_ns = clock_monotonic_ns();
  begin(w, &b);
  run(w, &b, b.first);
  int64_t waited_ns = 0;
  if (!b.urgent && b.st == OK) {
    pthread_mutex_lock(&w->lock);
    waited_ns = wait_for_company(w, &b);
    pthread_mutex_unlock(&w->lock);
  }
  end(w, &b);
  const double took_s = (double)(clock_monotonic_ns() - began_ns - waited_ns) * 1e-9;
  pthread_mutex_lock(&w->lock);
  count(w, b.first, b.n, took_s);
  for (struct job *j = b.first, *next; j; j = next) {
    next = j->next;
    j->finished = true;
    if (j->sync) continue;
    if (j->done) loop_post_task(w->store->loop, &j->task);
    else job_give(j);
  }
  pthread_cond_broadcast(&w->finished);
  const bool waits = w->now.first != NULL;
  pthread_mutex_unlock(&w->lock);
  keep_log_short(w, waits);
  pthread_mutex_lock(&w->lock);
}

static bool any(const struct writer *w) { return w->now.first || w->later.first; }

static void *writer_main(void *arg) {
  struct writer *w = arg;
  pthread_mutex_lock(&w->lock);
  for (;;) {
    wait_for_work(w);
    if (!any(w)) break;
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
  const bool waited = any(w);
  if (waited) write_batch(w);
  pthread_mutex_unlock(&w->lock);
  return waited;
}

// With the lock held: until the writer has done something.
static void wait_for_writer(struct writer *w) {
  if (!w->store->by_hand) pthread_cond_wait(&w->finished, &w->lock);
  else if (any(w)) write_batch(w);
}

// With the lock held. Whoever lets go of it tells the writer, by `work`, and not before: it would wake up only to wait for the lock.
static void enqueue(struct writer *w, struct job_queue *q, struct job *job) {
  *q->last = job;
  q->last = &job->next;
  w->stats.waiting++;
}

enum wait { WAIT_NOT, WAIT_FOR_COMPANY, WAIT_FOR_OTHERS };
static void hand_in(struct store *store, enum store_file file, enum wait wait, store_fn fn, store_done done, void *arg) {
  struct writer *w = &store->writers[file];
  assert(!done || store->loop);
  pthread_mutex_lock(&w->lock);
  struct job *job = job_take(store->spares);
  const bool full = w->stats.waiting >= store->queue_max;
  if (job) {
    job->task.fn = tell;
    job->fn = fn, job->done = done, job->arg = arg;
    job->waits_for_company = wait == WAIT_FOR_COMPANY;
    if (wait != WAIT_NOT) job->since_ns = clock_monotonic_ns();
    if (!full) enqueue(w, wait == WAIT_FOR_OTHERS ? &w->later : &w->now, job);
  }
  w->stats.failures += full || !job;
  pthread_mutex_unlock(&w->lock);
  pthread_cond_signal(&w->work);
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

void store_write(struct store *store, enum store_file file, store_fn fn, store_done done, void *arg) { hand_in(store, file, WAIT_NOT, fn, done, arg); }
void store_write_along(struct store *store, enum store_file file, store_fn fn, store_done done, void *arg) { hand_in(store, file, WAIT_FOR_COMPANY, fn, done, arg); }
void store_write_later(struct store *store, enum store_file file, store_fn fn, store_done done, void *arg) { hand_in(store, file, WAIT_FOR_OTHERS, fn, done, arg); }

void store_promote(struct store *store, enum store_file file) {
  struct writer *w = &store->writers[file];
  pthread_mutex_lock(&w->lock);
  if (w->later.first) {
      *w->now.last = w->later.first;
    w->now.last = w->later.last;
    w->later = (struct job_queue){.last = &w->later.first};
  }
  pthread_mutex_unlock(&w->lock);
}

enum status store_write_sync(struct store *store, enum store_file file, store_fn fn, void *arg, struct err *err) {
  struct writer *w = &store->writers[file];
  struct job job = {.fn = fn, .arg = arg, .sync = true};
  pthread_mutex_lock(&w->lock);
  while (w->stats.waiting >= store->queue_max) wait_for_writer(w);
  enqueue(w, &w->now, &job);
  pthread_cond_signal(&w->work);
  while (!job.finished) wait_for_writer(w);
  pthread_mutex_unlock(&w->lock);
  if (job.status != OK && err) *err = job.err;
  return job.status;
}

// ---- a writer's life

void writer_init(struct writer *w, struct store *store) {
  pthread_condattr_t by_monotonic_clock;
  w->store = store;
  w->now.last = &w->now.first;
  w->later.last = &w->later.first;
  w->initialised = true;
  pthread_mutex_init(&w->lock, NULL);
  pthread_condattr_init(&by_monotonic_clock);
  pthread_condattr_setclock(&by_monotonic_clock, CLOCK_MONOTONIC);
  pthread_cond_init(&w->work, &by_monotonic_clock);
  pthread_condattr_destroy(&by_monotonic_clock);
  pthread_cond_init(&w->finished, NULL);
}

enum status writer_start(struct writer *w, struct err *err) {
  w->running = pthread_create(&w->thread, NULL, writer_main, w) == 0;
  return w->running ? OK : err_set(err, ERR_NOMEM, "no thread for the writer");
}

void writer_stop(struct writer *w) {
  if (w->running) {
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
  }
  while (w->store && w->store->by_hand && w->db && store_turn(w->store, file_of(w))) continue;
}

void writer_finish(struct writer *w) {
  db_close(w->reader);
  db_close(w->db);
  if (!w->initialised) return;
  pthread_mutex_destroy(&w->lock);
  pthread_cond_destroy(&w->work);
  pthread_cond_destroy(&w->finished);
}
