// bot/live_pace.c – what the fleet knows of tenants' pace, over a restart: else those who were found slow would share hosts with the others once
// more, and who has been quick for months would be a newcomer. Rows of the journal's file, gathered for a moment and written behind everything else:
// what a crash leaves out is learned again.
#include "bot/live_impl.h"

#include "loop/clock.h"
#include "loop/loop.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#define GATHER_MS 1000
#define ROWS_MAX 256                    // of one write
#define SLOW_NS (NS_PER_DAY)      // so long it is remembered that somebody is slow: scripts are mended

struct live_pace {
  struct loop_timer *timer;
  struct journal_pace *rows;            // that wait
  size_t count, cap;
};

struct pace_job {
  struct live *live;
  size_t count;
  struct journal_pace rows[];
};

static enum status write_rows(struct db *db, void *arg, struct err *err) {
  const struct pace_job *j = arg;
  enum status st = OK;
  for (size_t i = 0; st == OK && i < j->count; i++) st = journal_pace_put(db, &j->rows[i], err);
  return st;
}

static void written(void *arg, enum status st, const struct err *err) {
  struct pace_job *j = arg;
  j->live->writes--;
  if (st != OK) j->live->config.log(j->live->config.self, "warning", "pace_unsaved", json_pack("{s:s}", "error", err->msg));
  free(j);
}

void live_pace_keep(struct live *l) {
  struct live_pace *p = l->pace;
  for (size_t at = 0, n; p && at < p->count; at += n) {
    n = p->count - at < ROWS_MAX ? p->count - at : ROWS_MAX;
    struct pace_job *j = malloc(sizeof *j + n * sizeof *j->rows);
    if (!j) continue;
    j->live = l;
    j->count = n;
    memcpy(j->rows, p->rows + at, n * sizeof *j->rows);
    l->writes++;
    store_write_later(l->config.store, STORE_JOURNAL, write_rows, written, j);
  }
  if (p) p->count = 0;
}

static void on_timer(void *arg) {
  struct live *l = arg;
  if (!l->closing) live_pace_keep(l);
}

void live_tenant_pace(void *self, int64_t tenant, struct fleet_pace pace) {
  struct live *l = self;
  struct live_pace *p = l->pace;
  if (tenant & LIVE_SHADOW) return;
  if (p->count == p->cap) {
    const size_t cap = p->cap ? p->cap * 2 : 64;
    struct journal_pace *more = realloc(p->rows, cap * sizeof *more);
    if (!more) return;
    p->rows = more;
    p->cap = cap;
  }
  if (p->count == 0 && !l->closing) loop_timer_start(p->timer, GATHER_MS, 0);
  p->rows[p->count++] = (struct journal_pace){tenant, pace.quick, pace.slow, clock_wall_ns()};
}

struct reading {
  struct live *live;
  int64_t now_ns;
  enum status st;
  struct err *err;
};

static void take(void *arg, const struct journal_pace *row) {
  struct reading *r = arg;
  const bool slow = row->slow && r->now_ns - row->time_ns < SLOW_NS;
  if (r->st == OK && (slow || row->quick)) r->st = fleet_pace_set(r->live->fleet, row->tenant_id, (struct fleet_pace){row->quick, slow}, r->err);
}

enum status live_pace_begin(struct live *l, struct err *err) {
  struct reading r = {.live = l, .now_ns = clock_wall_ns(), .err = err};
  if (!(l->pace = calloc(1, sizeof *l->pace))) return err_set(err, ERR_NOMEM, "out of memory");
  enum status st = loop_timer_create(l->config.loop, on_timer, l, &l->pace->timer, err);
  if (st == OK) st = journal_paces(store_reader(l->config.store, STORE_JOURNAL), take, &r, err);
  return st == OK ? r.st : st;
}

void live_pace_finish(struct live *l) {
  if (!l->pace) return;
  if (l->pace->timer) loop_timer_destroy(l->pace->timer);
  free(l->pace->rows);
  free(l->pace);
  l->pace = NULL;
}
