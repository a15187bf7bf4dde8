// store/store_impl.h – what the files of the store share: store.c has the directory, writer.c the threads that write.
#pragma once
#include "loop/loop.h"
#include "store/store.h"

#include <pthread.h>
#include <sys/types.h>

#define SPARE_JOBS 64  // for when the heap is empty

struct job {
  struct loop_task task;  // first: posted to the loop when done
  struct job *next;
  store_fn fn;
  store_done done;
  void *arg;
  struct err err;
  enum status status;
  bool sync, finished;
  int64_t since_ns;         // when it was handed in: of a later one, and of one that waits for company
  bool waits_for_company;
  struct spares *spare_of;  // NULL: from the heap
};
struct job_queue {
  struct job *first, **last;
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
  bool initialised, running, stopping, durable;
  pthread_mutex_t lock;
  pthread_cond_t work, finished;
  struct job_queue now, later;
  bool lax;              // the connection's commits are not synced
  unsigned checkpoint_pages;
  bool moving;           // the checkpointer has been asked
  int log_floor;         // pages of the log that could not be left behind, when that was tried last
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
  unsigned queue_max, checkpoint_pages;  // 0: as each file
  bool by_hand;
  struct checkpointer *checkpointer;  // NULL: by hand
  struct writer writers[STORE_FILES];
};

// ---- writer.c
struct spares *spares_create(void);
void spares_give(struct spares *s, struct job *job);
const char *writer_path(const struct writer *w, const char *tail, char ret[4200]);
void writer_init(struct writer *w, struct store *store);  // its lock and queues
enum status writer_start(struct writer *w, struct err *err) MUST_CHECK;  // its thread
void writer_stop(struct writer *w);    // when it has written all that waits
void writer_finish(struct writer *w);

// log_room.c: the log at path, of which so many bytes are used, gets room behind them, up to `most` bytes in all. What cannot be done is not.
void log_room(const char *path, int64_t used, int64_t most);
