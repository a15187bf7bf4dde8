// api/replay_jobs.c – a run of a bot, made again in a child of the job runner: gathered on the pool, handed over as a descriptor.
#include "api/core.h"
#include "api/replays.h"
#include "store/backup.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct work {
  struct api_core *core;
  struct replay_job how;
};

// On a thread of the pool, with connections of its own.
static enum status gather(const struct work *w, struct buf *ret, struct err *err) {
  struct db *control = NULL, *journal = NULL;
  enum status st = store_peek(store_dir(w->core->store), &control, err);
  if (st == OK) st = store_peek_journal(store_dir(w->core->store), &journal, err);
  if (st == OK) st = replay_gather(control, journal, &w->how.wish, ret, err);
  if (journal) store_peek_end(journal);
  if (control) store_peek_end(control);
  return st;
}

#define TRIES 10
#define TRY_US 200000  // the market's bars are journalled a moment after they are known

static enum status load(void *arg, int *ret_fds, unsigned *ret_count, struct err *err) {
  const struct work *w = arg;
  struct buf pack;
  buf_init(&pack, REPLAY_PACK_MAX);
  *ret_count = 0;
  enum status st = gather(w, &pack, err);
  for (int i = 0; st == ERR_CANCELLED && i < TRIES; i++) {
    usleep(TRY_US);
    buf_clear(&pack);
    st = gather(w, &pack, err);
  }
  if (st == OK) st = job_memfd("run", pack.data, pack.len, &ret_fds[0], err);
  if (st == OK) *ret_count = 1;
  buf_finish(&pack);
  return st;
}

static void on_start(void *arg) {
  const struct work *w = arg;
  if (w->how.start) w->how.start(w->how.arg);
}
static void on_progress(void *arg, unsigned permille) {
  const struct work *w = arg;
  if (w->how.progress) w->how.progress(w->how.arg, permille);
}
static void on_end(void *arg, const struct job_outcome *o) {
  struct work *w = arg;
  if (o->detail[0]) api_log(w->core, "warning", "job", json_pack("{s:s, s:s, s:s, s:s}", "job", "replay", "end", job_end_text(o->end), "reason", o->reason, "detail", o->detail));
  w->how.done(w->how.arg, o);
  free(w);
}

enum status replay_job_start(struct api_core *core, const struct replay_job *how, struct job **ret, struct err *err) {
  struct work *w = calloc(1, sizeof *w);
  json_t *request = json_copy((json_t *)how->task);
  json_object_set_new(request, "kind", json_string("replay"));
  char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
  json_decref(request);
  enum status st = w && text ? OK : err_set(err, ERR_NOMEM, "out of memory");
  if (st == OK) {
    *w = (struct work){core, *how};
    w->how.task = NULL;
    const struct job_request q = {.tenant = how->tenant_id, .tenant_parallel = how->parallel, .request = text, .request_len = strlen(text), .source = "",
                                  .limits = {.cpu_s = how->cpu_s, .memory_bytes = UINT64_C(3) << 30, .result_bytes = REPLAY_RESULT_BYTES}, .load_data = load, .on_start = on_start,
                                  .on_progress = on_progress, .on_end = on_end, .arg = w};
    st = jobs_run(core->jobs, &q, ret, err);
  }
  free(text);
  if (st != OK) free(w);
  return st;
}

const char *replay_job_error(const struct job_outcome *o, char *buf) {
  const char *advice = o->end == JOB_OVER_CPU || o->end == JOB_OVER_WALL ? "; ask for a shorter period (to_ms), or an earlier decision" :
                       o->end == JOB_OVER_MEMORY ? "; ask for a shorter period (to_ms)" : "";
  snprintf(buf, 600, "%.500s%s", o->reason[0] ? o->reason : job_end_text(o->end), advice);
  return buf;
}
