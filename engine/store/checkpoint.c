// store/checkpoint.c – see checkpoint.h.
#include "store/checkpoint.h"

#include "store/db.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PASSES_MAX 5
#define PASS_PAGES 64  // a pass that moved so few was the last

struct checkpointer {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t work;
  bool started, stopping;
  struct {
    struct db *db;  // of the thread alone; NULL: not needed yet
    char *path;
    bool durable, asked;
    struct err broken;
  } files[STORE_FILES];
};

// With the lock held, which it lets go of meanwhile.
static void move(struct checkpointer *c, int f) {
  struct err err;
  int pages, moved;
  struct db **db = &c->files[f].db;
  pthread_mutex_unlock(&c->lock);
  enum status st = *db ? OK : db_open(c->files[f].path, false, c->files[f].durable, db, &err);
  // What came meanwhile is less with every pass, and less is left to the writer.
  int before = 0, left = INT_MAX;
  for (int pass = 0; st == OK && pass < PASSES_MAX && left > PASS_PAGES; pass++, before = moved) {
    st = db_checkpoint(*db, &pages, &moved, &err);
    left = moved - before;
  }
  pthread_mutex_lock(&c->lock);
  c->files[f].asked = false;
  if (st != OK && *db && db_broken(*db)) c->files[f].broken = err;
}

static void *run(void *arg) {
  struct checkpointer *c = arg;
  pthread_mutex_lock(&c->lock);
  while (!c->stopping) {
    int f = 0;
    while (f < STORE_FILES && !c->files[f].asked) f++;
    if (f < STORE_FILES) move(c, f);
    else pthread_cond_wait(&c->work, &c->lock);
  }
  pthread_mutex_unlock(&c->lock);
  return NULL;
}

enum status checkpointer_create(const char *const paths[STORE_FILES], const bool durable[STORE_FILES], struct checkpointer **ret, struct err *err) {
  struct checkpointer *c = calloc(1, sizeof *c);
  if (!c) return err_set(err, ERR_NOMEM, "out of memory");
  pthread_mutex_init(&c->lock, NULL);
  pthread_cond_init(&c->work, NULL);
  enum status st = OK;
  for (int f = 0; st == OK && f < STORE_FILES; f++) {
    c->files[f].durable = durable[f];
    c->files[f].path = strdup(paths[f]);
    if (!c->files[f].path) st = err_set(err, ERR_NOMEM, "out of memory");
  }
  if (st == OK && pthread_create(&c->thread, NULL, run, c) != 0) st = err_set(err, ERR_NOMEM, "no thread for the log");
  c->started = st == OK;
  if (st == OK) *ret = c;
  else checkpointer_destroy(c);
  return st;
}

void checkpointer_destroy(struct checkpointer *c) {
  if (!c) return;
  pthread_mutex_lock(&c->lock);
  c->stopping = true;
  pthread_cond_signal(&c->work);
  pthread_mutex_unlock(&c->lock);
  if (c->started) pthread_join(c->thread, NULL);
  for (int f = 0; f < STORE_FILES; f++) {
    db_close(c->files[f].db);
    free(c->files[f].path);
  }
  pthread_mutex_destroy(&c->lock);
  pthread_cond_destroy(&c->work);
  free(c);
}

void checkpointer_ask(struct checkpointer *c, enum store_file file) {
  pthread_mutex_lock(&c->lock);
  c->files[file].asked = c->files[file].broken.code == OK;
  pthread_cond_signal(&c->work);
  pthread_mutex_unlock(&c->lock);
}

enum checkpoint_state checkpointer_state(struct checkpointer *c, enum store_file file, struct err *ret_err) {
  pthread_mutex_lock(&c->lock);
  const bool asked = c->files[file].asked;
  *ret_err = c->files[file].broken;
  pthread_mutex_unlock(&c->lock);
  return ret_err->code != OK ? CHECKPOINT_BROKEN : asked ? CHECKPOINT_BUSY : CHECKPOINT_IDLE;
}
