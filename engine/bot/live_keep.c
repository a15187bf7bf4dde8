// bot/live_keep.c – the journal does not grow for ever: runs that ended long ago are forgotten, once an hour, a small step at a time
// between other writes. What their owners look at (orders, fills, trades, equity) is not part of that.
#include "bot/live_impl.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "store/store.h"

#include <stdlib.h>

#define KEEP_NS (90 * NS_PER_DAY)
#define FIRST_MS 60000
#define ROUND_MS 3600000
#define STEP_MS 25  // between two steps: other batches go first

struct live_keep {
  struct live *live;
  struct loop_timer *timer;
  struct journal_prune prune;
};

static enum status step(struct db *db, void *arg, struct err *err) { return journal_prune(db, &((struct live_keep *)arg)->prune, err); }

static void stepped(void *arg, enum status st, const struct err *err) {
  struct live_keep *k = arg;
  k->live->writes--;
  if (k->live->closing) return;
  if (st != OK) k->live->config.log(k->live->config.self, "warning", "journal_not_pruned", json_pack("{s:s}", "error", err->msg));
  if (k->prune.finished && k->prune.records)
    k->live->config.log(k->live->config.self, "info", "journal_pruned", json_pack("{s:I, s:I}", "records", (json_int_t)k->prune.records, "bars", (json_int_t)k->prune.bars));
  loop_timer_start(k->timer, st == OK && !k->prune.finished ? STEP_MS : ROUND_MS, 0);
}

static void on_timer(void *arg) {
  struct live_keep *k = arg;
  if (k->live->closing) return;
  if (k->prune.before_ns == 0 || k->prune.finished) k->prune = (struct journal_prune){.before_ns = clock_wall_ns() - KEEP_NS};
  k->live->writes++;
  store_write(k->live->config.store, STORE_JOURNAL, step, stepped, k);
}

enum status live_keep_begin(struct live *l, struct err *err) {
  l->keep = calloc(1, sizeof *l->keep);
  if (!l->keep) return err_set(err, ERR_NOMEM, "out of memory");
  l->keep->live = l;
  const enum status st = loop_timer_create(l->config.loop, on_timer, l->keep, &l->keep->timer, err);
  if (st == OK) loop_timer_start(l->keep->timer, FIRST_MS, 0);
  return st;
}

void live_keep_end(struct live *l) {
  struct live_keep *k = l->keep;
  if (!k) return;
  if (k->timer) loop_timer_destroy(k->timer);
  free(k);
  l->keep = NULL;
}
